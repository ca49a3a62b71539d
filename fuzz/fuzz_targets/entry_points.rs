//! See `pipward_fuzz::targets::entry_points`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pipward_fuzz::targets::entry_points(bytes));
