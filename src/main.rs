//! The binary: parse, call, exit code.

mod allocator;

use std::process::ExitCode;

fn main() -> ExitCode {
    allocator::give_back_soon();
    pipward::cli::main(std::env::args_os())
}
