//! Builds wheels and serves a loopback index.

pub mod server;
pub mod wheels;
pub mod zips;
