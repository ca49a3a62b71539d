//! The resolver from outside: against recorded answers of others, and against slow and obvious solvers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod ranges;
mod scenario;
mod solving;
mod tags;
mod universal;
mod worlds;

/// Property tests that see the same cases in every run.
fn fixed_seed(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config {
        cases,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(440),
        ..Default::default()
    }
}
