//! From a locked file to its unverified bytes: from the lock's address, a mirror, or the store.
//!
//! Never: looks into what it fetched.

use crate::digest::{Computed, Hasher, LockedHashes};
use crate::error::{Place, Problem};
use crate::lock::LockedFile;

/// The bytes of an artifact that nobody has verified: no reader, no path.
///
/// They are a private copy: memory, or an unnamed file that no other user can reach.
pub struct Unverified {
    pub(crate) bytes: PrivateBytes,
    pub(crate) computed: Computed,
    pub(crate) origin: Place,
}

impl Unverified {
    /// Hashes bytes that are this process's own. They still have to pass
    /// [`VerifiedWheel::check`](crate::verify::VerifiedWheel::check).
    pub fn private(bytes: Vec<u8>, origin: Place, wanted: &LockedHashes) -> Self {
        let mut hasher = Hasher::new(wanted);
        hasher.update(&bytes);
        Self { bytes: PrivateBytes::Memory(bytes), computed: hasher.finish(), origin }
    }
}

impl std::fmt::Debug for Unverified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unverified").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Bytes that only this process can change.
pub(crate) enum PrivateBytes {
    /// Small ones.
    Memory(Vec<u8>),
    /// Large ones: an unnamed file, mapped.
    Mapped(memmap2::Mmap, std::fs::File),
}

impl PrivateBytes {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::Mapped(map, _) => map,
        }
    }
}

/// One file to fetch, with the package it is for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The locked file.
    pub file: LockedFile,
}

/// What a fetch ended in.
pub type Fetched = Result<Unverified, Problem>;
