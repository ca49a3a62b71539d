//! Hashed requirements files <-> [`super::Lock`].

use super::Lock;
use crate::error::Problems;
use crate::requirements::RequirementsFile;

/// Takes a requirements file as a lock: every requirement pinned with `==` (or a wheel's direct
/// address with a hash) and with at least one SHA-256.
///
/// # Errors
/// All faults at once: `pin-missing`, `hash-missing`, `hash-weak`, `hash-malformed`, `duplicate-package`.
pub fn from_requirements(_file: &RequirementsFile, _path: &std::path::Path) -> Result<Lock, Problems> {
    todo!("lock")
}

/// Writes a lock of one environment as a hashed requirements file.
pub fn write(_lock: &Lock) -> String {
    todo!("lock")
}
