//! See `pipward_fuzz::advisories::advisories`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pipward_fuzz::advisories::advisories(bytes));
