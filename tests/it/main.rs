//! The one integration binary.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub
)]

mod support;

mod cli;
mod deny;
mod hostile_archive;
mod parity;
mod peers;
mod promises;
mod real;
mod tidy;
mod vendor;
mod wheel;
