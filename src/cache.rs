//! The store of wheels by hash: `<cache>/wheels/<sha256>.whl`.
//!
//! Hands out [`Unverified`] only: what the store holds is never believed.

use std::path::{Path, PathBuf};

use crate::digest::LockedHashes;
use crate::error::Problem;
use crate::fetch::Unverified;
use crate::verify::VerifiedWheel;

/// The store of one user.
#[derive(Debug, Clone)]
pub struct Store {
    _directory: PathBuf,
}

impl Store {
    /// The store under a cache directory. Nothing is made until something is put in.
    pub fn new(cache: &Path) -> Self {
        Self { _directory: cache.join("wheels") }
    }
    /// A private copy of the wheel with one of these hashes, if there is one.
    pub fn get(&self, _hashes: &LockedHashes) -> Option<Unverified> {
        todo!("fetch")
    }
    /// Publishes a verified wheel by rename (or link). A store that cannot be written is not an error of the run.
    pub fn put(&self, _wheel: &VerifiedWheel) -> Result<(), Problem> {
        todo!("fetch")
    }
}
