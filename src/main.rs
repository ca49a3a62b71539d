//! The binary: parse, call, exit code.

use std::process::ExitCode;

// A third of the time of a lock with a warm cache went into the system's allocator.
#[global_allocator]
static ALLOCATOR: pipward::Allocator = pipward::Allocator;

fn main() -> ExitCode {
    pipward::cli::main(std::env::args_os())
}
