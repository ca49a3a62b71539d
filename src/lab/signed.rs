//! Signatures for the scenarios about publishers: by a Sigstore instance that was made for them, and that nobody trusts who is
//! not told to. They are files, since nothing here can sign; `tests/it/lab.rs` makes them anew where wheels have changed.

use super::wheel::Wheel;

/// The root that they go back to: `trusted_root.json`.
pub const ROOT: &str = include_str!("signed/root.json");
/// Provenance of plum 1 by acme/plum (PEP 740).
pub const OWN: &str = include_str!("signed/own.json");
/// Provenance of plum 2 by acme/plum-tools.
pub const STRANGER: &str = include_str!("signed/stranger.json");

/// What is signed: the repository that signs, the file that the provenance is in, the name of the wheel, and its bytes.
pub fn claims() -> [(&'static str, &'static str, String, Vec<u8>); 2] {
    let (own, stranger) = (Wheel::good("plum", "1"), Wheel::bad("plum", "2"));
    [
        ("acme/plum", "own.json", own.file_name(), own.bytes()),
        ("acme/plum-tools", "stranger.json", stranger.file_name(), stranger.bytes()),
    ]
}
