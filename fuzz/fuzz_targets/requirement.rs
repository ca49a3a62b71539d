//! See `pipward_fuzz::targets::requirement`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pipward_fuzz::targets::requirement(bytes));
