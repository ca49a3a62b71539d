//! A path inside an archive that cannot lead anywhere else.

use std::fmt;

/// `pkg/mod.py`: relative, `/`-separated, no empty, `.` or `..` part, no backslash, drive, control or bidi character.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArchivePath(String);

impl ArchivePath {
    /// As written in the archive.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Its parts. Never empty.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for ArchivePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
