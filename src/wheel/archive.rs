//! The one strict archive reader.

use super::path::ArchivePath;

/// Entries up to this size are inflated whole; larger ones as a stream.
pub const WHOLE_ENTRY: u64 = 16 << 20;

/// An archive of which every byte is accounted for.
pub struct Archive {
    entries: Vec<Entry>,
}

/// A regular file of an archive.
#[derive(Debug, Clone)]
pub struct Entry {
    pub(crate) path: ArchivePath,
    pub(crate) size: u64,
    pub(crate) executable: bool,
}

impl Archive {
    /// The regular files.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl Entry {
    /// Its path.
    pub fn path(&self) -> &ArchivePath {
        &self.path
    }
    /// Its size once inflated, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
    /// Whether any execute bit of its mode is set.
    pub fn executable(&self) -> bool {
        self.executable
    }
}
