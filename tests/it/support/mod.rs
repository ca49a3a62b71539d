//! Builds wheels and serves a loopback index.

pub mod wheels;
