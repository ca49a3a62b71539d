//! What is fuzzed, apart from the engine: `fuzz_targets/` hands bytes to [`targets`], and so does the ordinary test
//! `tests/it/fuzz_corpus.rs`, which includes this file.

pub mod advisories;
pub mod choices;
pub mod deflate;
pub mod mutate;
pub mod oracle;
pub mod recipe;
pub mod seeds;
pub mod targets;
#[path = "../../tests/it/support/zips.rs"]
pub mod zips;
