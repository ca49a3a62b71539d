//! See `pipward_fuzz::targets::index_html`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pipward_fuzz::targets::index_html(bytes));
