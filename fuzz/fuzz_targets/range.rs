//! See `pipward_fuzz::targets::range`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pipward_fuzz::targets::range(bytes));
