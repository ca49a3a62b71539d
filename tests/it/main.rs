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

mod addresses;
mod lock;
mod support;

mod attest;
mod audit;
mod bad_input;
mod cli;
mod commands;
mod completions;
mod debian;
mod deceit;
mod deny;
mod diff;
mod differential;
mod docker;
mod dropin;
mod dropin_faults;
mod dropin_install;
mod dropin_lines;
mod dropin_options;
mod dropin_releases;
mod dropin_requirements;
mod dropin_words;
mod environments;
mod faults;
mod fetch;
mod fuzz_corpus;
mod hostile;
mod hostile_archive;
mod imports;
mod index;
mod indexes;
mod inputs;
mod lab;
mod large;
mod lies;
mod limits;
mod oracle;
mod pages;
mod parity;
mod peers;
mod plan;
mod popular;
mod promises;
mod python;
mod real;
mod relock;
mod roots;
mod secrets;
mod shuffled;
mod steering;
mod store;
mod survey;
mod sync;
mod threads;
mod tidy;
mod transactions;
mod trust;
mod universal;
mod vendor;
mod wheel;
