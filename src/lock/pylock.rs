//! pylock.toml (PEP 751) <-> [`super::Lock`].

use std::path::Path;

use super::Lock;
use crate::error::Problems;

/// Reads a pylock.toml.
///
/// # Errors
/// `lock-not-found`, `lock-syntax`, `lock-schema`, `lock-version`, `hash-missing`, `hash-weak`,
/// `hash-malformed`, `address-refused`, `wheel-name`, each with line and entry.
pub fn read(_path: &Path) -> Result<Lock, Problems> {
    todo!("lock")
}

/// Reads the text of a pylock.toml that stands (or stood) at `path`.
///
/// # Errors
/// As [`read`].
pub fn parse(_text: &str, _path: &Path) -> Result<Lock, Problems> {
    todo!("lock")
}

/// Writes a lock. The same lock gives the same bytes.
pub fn write(_lock: &Lock) -> String {
    todo!("lock")
}
