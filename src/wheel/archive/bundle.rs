//! An archive of many small files that is no wheel: an export of advisories.
//!
//! Owns: that it is read by the same strict reader as wheels are. Never: vouches for its content, which nothing hashed.

use std::borrow::Cow;

use super::{Archive, Entry, Limits};
use crate::error::Problem;

/// An archive with its bytes.
pub struct Bundle<'a> {
    bytes: &'a [u8],
    archive: Archive,
}

impl<'a> Bundle<'a> {
    /// Reads an archive whose file is called `file`.
    ///
    /// # Errors
    /// The archive codes.
    pub fn read(bytes: &'a [u8], file: &str) -> Result<Self, Problem> {
        let limits = Limits { entries: 5_000_000, ..Limits::default() };
        Ok(Self { bytes, archive: Archive::read(bytes, file, &limits)? })
    }

    /// Its files.
    pub fn entries(&self) -> &[Entry] {
        self.archive.entries()
    }

    /// The content of one of them.
    ///
    /// # Errors
    /// `archive-data`, `archive-too-large`.
    pub fn content(&self, entry: &Entry) -> Result<Cow<'a, [u8]>, Problem> {
        entry.inflate_whole(self.bytes)
    }
}
