//! See `pipward_fuzz::targets::archive`.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| pipward_fuzz::targets::archive(bytes));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    // Half of the changes go to the bytes as they are, half to one file in the archive.
    let deep =
        (seed & 1 == 1).then(|| pipward_fuzz::mutate::wheel(data, size, seed, fuzzer_mutate)).flatten();
    deep.unwrap_or_else(|| fuzzer_mutate(data, size, max_size))
});
