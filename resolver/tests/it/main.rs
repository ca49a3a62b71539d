//! The resolver from outside: against recorded answers of others, and against slow and obvious solvers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod asking;
mod differences;
mod everywhere;
mod facts;
mod ranges;
mod scale;
mod scenario;
mod scenarios;
mod shuffled;
mod solving;
mod tags;
mod universal;
mod worlds;

/// As many cases as a CI run takes, or a hundred times as many: `PIPWARD_TEST_LONG=1`.
fn cases(usual: u32) -> u32 {
    #[allow(clippy::disallowed_methods)] // A test may ask the environment.
    let long = std::env::var_os("PIPWARD_TEST_LONG").is_some_and(|value| value == "1");
    if long { usual * 100 } else { usual }
}

/// Property tests that see the same cases in every run.
fn fixed_seed(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(440),
        ..Default::default()
    }
}
