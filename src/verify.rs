//! The only maker of [`VerifiedWheel`].

use pipward_resolver::WheelName;

use crate::digest::Sha256;
use crate::error::Problem;
use crate::fetch::{PrivateBytes, Unverified};
use crate::lock::LockedFile;

/// The bytes of a wheel whose hash equals the one in the lock, in this very run.
pub struct VerifiedWheel {
    name: WheelName,
    sha256: Sha256,
    bytes: PrivateBytes,
}

impl VerifiedWheel {
    /// Compares what was fetched with what was locked.
    ///
    /// # Errors
    /// `hash-mismatch`, `size-mismatch`.
    pub fn check(_unverified: Unverified, _locked: &LockedFile) -> Result<Self, Problem> {
        todo!("wheel")
    }
    /// The file name, as locked.
    pub fn name(&self) -> &WheelName {
        &self.name
    }
    /// The SHA-256 that was compared.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }
    /// The verified bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }
}
