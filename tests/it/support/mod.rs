//! What the tests share: wheels and indexes that are made up, real peers and Pythons, and runs of the binary.

pub mod debian;
pub mod peers;
pub mod pythons;
pub mod run;
pub mod server;
pub mod services;
pub mod sigstore;
pub mod tape;
pub mod tls;
pub mod tree;
pub mod wheels;
pub mod world;
pub mod zips;

/// Writes a line to standard error that the test harness does not swallow.
pub fn loudly(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether the tests that need PyPI are left out: `PIPWARD_TEST_OFFLINE=1`. `tidy::offline_tests_are_told`
/// counts them by this call, which stands at their start.
pub fn offline() -> bool {
    std::env::var_os("PIPWARD_TEST_OFFLINE").is_some_and(|value| value == "1")
}

/// Whether everything runs, at any length: `PIPWARD_TEST_LONG=1`.
pub fn long() -> bool {
    std::env::var_os("PIPWARD_TEST_LONG").is_some_and(|value| value == "1")
}
