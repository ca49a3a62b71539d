//! Builds wheels and serves a loopback index.
