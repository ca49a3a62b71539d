//! See `pipward_fuzz::targets::wheel_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pipward_fuzz::targets::wheel_file(bytes));
