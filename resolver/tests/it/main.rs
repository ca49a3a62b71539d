//! The resolver from outside: against recorded answers of others, and against slow and obvious solvers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod tags;
