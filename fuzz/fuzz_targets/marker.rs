//! See `pipward_fuzz::targets::marker`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pipward_fuzz::targets::marker(bytes));
