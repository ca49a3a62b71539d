//! [`VerifiedWheel`] -> [`Wheel`]: archive, paths, METADATA, WHEEL, RECORD, entry points. Pure.

pub mod archive;
pub mod entry_points;
pub(crate) mod headers;
pub mod metadata;
pub mod path;
pub mod record;

use crate::error::Problem;
use crate::verify::VerifiedWheel;
use pipward_resolver::WheelName;

/// A wheel that was read whole and found consistent: archive, names, RECORD set, metadata, entry points.
///
/// The content hashes of RECORD are compared while files are extracted ([`Wheel::extract`]),
/// and once for all by [`Wheel::check_contents`].
pub struct Wheel {
    verified: VerifiedWheel,
    archive: archive::Archive,
    metadata: metadata::Metadata,
    root_is_purelib: bool,
    record: record::Record,
    entry_points: entry_points::EntryPoints,
    dist_info: String,
}

impl Wheel {
    /// Reads a verified wheel.
    ///
    /// # Errors
    /// Any of the archive, wheel and record codes.
    pub fn read(_verified: VerifiedWheel) -> Result<Self, Problem> {
        todo!("wheel")
    }
    /// The file name.
    pub fn name(&self) -> &WheelName {
        self.verified.name()
    }
    /// The verified bytes it was read from.
    pub fn verified(&self) -> &VerifiedWheel {
        &self.verified
    }
    /// METADATA.
    pub fn metadata(&self) -> &metadata::Metadata {
        &self.metadata
    }
    /// `Root-Is-Purelib` of WHEEL.
    pub fn root_is_purelib(&self) -> bool {
        self.root_is_purelib
    }
    /// The name of the .dist-info directory as the archive spells it.
    pub fn dist_info(&self) -> &str {
        &self.dist_info
    }
    /// The regular files of the archive, in its order.
    pub fn entries(&self) -> &[archive::Entry] {
        self.archive.entries()
    }
    /// RECORD.
    pub fn record(&self) -> &record::Record {
        &self.record
    }
    /// entry_points.txt.
    pub fn entry_points(&self) -> &entry_points::EntryPoints {
        &self.entry_points
    }
    /// Inflates an entry into memory (entries up to [`archive::WHOLE_ENTRY`] bytes), and compares size, CRC and
    /// RECORD's digest. Returns content.
    ///
    /// # Errors
    /// `archive-data`, `record-hash`.
    pub fn content(&self, _entry: &archive::Entry) -> Result<Vec<u8>, Problem> {
        todo!("wheel")
    }
    /// Writes an entry's content to `sink` (streaming above [`archive::WHOLE_ENTRY`]), comparing as [`Self::content`] does,
    /// and returns its SHA-256 and size.
    pub fn extract(
        &self,
        _entry: &archive::Entry,
        _sink: &mut dyn std::io::Write,
    ) -> Result<(crate::digest::Sha256, u64), ExtractError> {
        todo!("wheel")
    }
}

/// Why an entry was not written.
#[derive(Debug)]
pub enum ExtractError {
    /// The wheel is at fault.
    Wheel(Problem),
    /// The sink is.
    Sink(std::io::Error),
}
