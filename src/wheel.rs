//! [`VerifiedWheel`] -> [`Wheel`]: archive, paths, METADATA, WHEEL, RECORD, entry points. Pure.
//!
//! Owns: that what a wheel says of itself in its file name, its archive, METADATA, WHEEL and RECORD is one story.
//! Never: reads bytes that were not verified, writes a file, or hands out content that RECORD does not vouch for.

pub mod about;
pub mod archive;
pub mod beneath;
mod contents;
pub mod entry_points;
pub(crate) mod headers;
mod identity;
pub mod licenses;
pub mod metadata;
pub mod mode;
pub mod module;
mod passed;
pub mod path;
pub mod record;
pub mod startup;

use crate::digest::Sha256;
use crate::error::{Code, Place, Problem};
use crate::verify::VerifiedWheel;
use pipward_resolver::{MarkerEnvironment, WheelName};

pub use passed::EXCEPTABLE;

/// A wheel that was read whole and found consistent: archive, names, RECORD set, metadata, entry points.
///
/// The content hashes of RECORD are compared while files are extracted ([`Wheel::extract`]),
/// and once for all by [`Wheel::check_contents`].
pub struct Wheel {
    verified: VerifiedWheel,
    archive: archive::Archive,
    metadata: metadata::Metadata,
    metadata_text: Vec<u8>,
    requires_lines: String,
    metadata_sha256: Sha256,
    root_is_purelib: bool,
    entry_points: entry_points::EntryPoints,
    dist_info: String,
    warnings: Vec<Problem>,
}

impl Wheel {
    /// Reads a verified wheel.
    ///
    /// # Errors
    /// Any of the archive, wheel and record codes.
    pub fn read(verified: VerifiedWheel) -> Result<Self, Problem> {
        Self::read_within(verified, &archive::Limits::default())
    }

    /// Reads a verified wheel within other limits than the default ones.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_within(verified: VerifiedWheel, limits: &archive::Limits) -> Result<Self, Problem> {
        Self::read_passing(verified, limits, &[])
    }

    /// Reads a verified wheel, passing over the faults of its RECORD that `passed` names: of [`EXCEPTABLE`], those for
    /// which a policy has an exception. What [`Self::record`] says then is what the archive holds.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_passing(
        verified: VerifiedWheel,
        limits: &archive::Limits,
        passed: &[Code],
    ) -> Result<Self, Problem> {
        let name = verified.name().clone();
        Self::assemble(verified, limits, passed).map_err(|problem| blame(problem, &name))
    }

    fn assemble(verified: VerifiedWheel, limits: &archive::Limits, passed: &[Code]) -> Result<Self, Problem> {
        let (name, bytes) = (verified.name(), verified.bytes());
        let looked_at = |bytes| verified.was_read(bytes);
        let mut archive = archive::Archive::read_in_passing(bytes, name.as_str(), limits, &looked_at)?;
        let dist_info = identity::dist_info(&archive, name)?;
        identity::check_layout(&archive, &dist_info)?;
        let cap = limits.metadata;
        let files = contents::DistInfo { archive: &archive, bytes, name: &dist_info, cap };
        let record = {
            let text = files.record()?;
            let is_bound = passed.is_empty() && contents::bind_plain(&mut archive, &text, &dist_info);
            // Where there is anything wrong with it, what else is wrong comes first.
            if is_bound { None } else { Some(record::Record::parse_passing(&text, passed)?) }
        };
        let files = contents::DistInfo { archive: &archive, bytes, name: &dist_info, cap };
        let metadata_text = files.metadata()?;
        let (metadata, requires_lines) = metadata::Metadata::parse_with_lines(&metadata_text)?;
        identity::check_metadata(&metadata, name)?;
        let wheel_text = files.wheel_file()?;
        let (about, warnings) = contents::About::parse(&wheel_text, name)?;
        let scripts_text = files.entry_points()?;
        let entry_points = scripts_text.as_deref().map(entry_points::EntryPoints::parse).transpose()?;
        if let Some(mut record) = record {
            passed::mend(&archive, bytes, &mut record, &dist_info, passed)?;
            contents::bind(&mut archive, &record, &dist_info)?;
        }
        // What was acted on above has to be what RECORD vouches for, also where a caller extracts nothing.
        let mut metadata_sha256 = None;
        for entry in archive.entries() {
            let text = match contents::name_in(entry, &dist_info) {
                Some("METADATA") => Some(&metadata_text),
                Some("WHEEL") => Some(&wheel_text),
                Some("entry_points.txt") => scripts_text.as_ref(),
                _ => None,
            };
            let Some(text) = text else { continue };
            let sha256 = contents::check(entry, text)
                .map_err(|problem| problem.at(Place::file(name.as_str()).entry(entry.path().as_str())))?;
            if contents::name_in(entry, &dist_info) == Some("METADATA") {
                metadata_sha256 = Some(sha256);
            }
        }
        Ok(Self {
            metadata_sha256: metadata_sha256.unwrap_or_else(|| Sha256::of(&metadata_text)),
            metadata_text: metadata_text.into_owned(),
            requires_lines,
            metadata,
            root_is_purelib: about.root_is_purelib,
            entry_points: entry_points.unwrap_or_default(),
            warnings: warnings.into_iter().map(|warning| blame(warning, name)).collect(),
            archive,
            dist_info,
            verified,
        })
    }

    /// The file name.
    pub fn name(&self) -> &WheelName {
        self.verified.name()
    }
    /// The verified bytes it was read from.
    pub fn verified(&self) -> &VerifiedWheel {
        &self.verified
    }
    /// The verified bytes, when the wheel is no longer needed.
    pub fn into_verified(self) -> VerifiedWheel {
        self.verified
    }
    /// The size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.verified.bytes().len() as u64
    }
    /// The SHA-256 of METADATA.
    pub fn metadata_sha256(&self) -> Sha256 {
        self.metadata_sha256
    }
    /// METADATA as it stands in the wheel.
    pub fn metadata_text(&self) -> &[u8] {
        &self.metadata_text
    }
    /// METADATA.
    pub fn metadata(&self) -> &metadata::Metadata {
        &self.metadata
    }
    /// What is kept of METADATA once all else is done with the wheel, for an environment.
    pub fn brief(&self, markers: &MarkerEnvironment) -> metadata::Brief {
        metadata::Brief::of(&self.metadata, &self.requires_lines, markers)
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
    /// The entry at `path`, if there is one.
    pub fn entry(&self, path: &str) -> Option<&archive::Entry> {
        self.entries().iter().find(|entry| entry.path().as_str() == path)
    }
    /// RECORD, as far as it lists files of the archive, in the order of that.
    pub fn record(&self) -> record::Record {
        let row = |entry: &archive::Entry| {
            let archive::Listed { digest, size } = entry.listed();
            record::Row { path: entry.path().as_str().to_owned(), digest, size }
        };
        record::Record { rows: self.entries().iter().map(row).collect() }
    }
    /// entry_points.txt.
    pub fn entry_points(&self) -> &entry_points::EntryPoints {
        &self.entry_points
    }
    /// What is odd, but no reason to refuse: tags that differ from the file name, a newer minor Wheel-Version.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// Inflates an entry into memory (entries up to [`archive::WHOLE_ENTRY`] bytes), and compares size, CRC and
    /// RECORD's digest. Returns content.
    ///
    /// # Errors
    /// `archive-data`, `record-hash`; `archive-too-large` for a larger entry.
    pub fn content(&self, entry: &archive::Entry) -> Result<Vec<u8>, Problem> {
        contents::whole(entry, self.verified.bytes())
            .map(|(content, _)| content.into_owned())
            .map_err(|problem| self.at(problem, entry))
    }

    /// The SHA-256 of an entry's content, compared as [`Self::content`] does, whatever its size.
    ///
    /// # Errors
    /// As [`Self::content`].
    pub fn digest(&self, entry: &archive::Entry) -> Result<Sha256, Problem> {
        match self.extract(entry, &mut std::io::sink()) {
            Ok((sha256, _)) => Ok(sha256),
            Err(ExtractError::Wheel(problem)) => Err(problem),
            Err(ExtractError::Sink(error)) => Err(crate::error::io("hashing", entry.path().as_str(), &error)),
        }
    }

    /// Writes an entry's content to `sink` in pieces, comparing as [`Self::content`] does, and returns its SHA-256 and size. What `sink` took counts only if this returns `Ok`.
    ///
    /// # Errors
    /// The wheel's (`archive-data`, `record-hash`) or the sink's.
    pub fn extract(
        &self,
        entry: &archive::Entry,
        sink: &mut dyn std::io::Write,
    ) -> Result<(Sha256, u64), ExtractError> {
        self.pieces(entry, |piece| sink.write_all(piece))
    }

    /// Inflates every entry and compares size, CRC and RECORD's digest.
    ///
    /// # Errors
    /// `archive-data`, `record-hash`, of the first entry that is wrong.
    pub fn check_contents(&self) -> Result<(), Problem> {
        for entry in self.entries() {
            match self.extract(entry, &mut std::io::sink()) {
                Ok(_) | Err(ExtractError::Sink(_)) => {}
                Err(ExtractError::Wheel(problem)) => return Err(problem),
            }
        }
        Ok(())
    }

    fn pieces(
        &self,
        entry: &archive::Entry,
        mut sink: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(Sha256, u64), ExtractError> {
        let sink = |piece: &[u8]| {
            self.verified.was_read(piece.len());
            sink(piece)
        };
        contents::pieces(entry, self.verified.bytes(), sink).map_err(|error| match error {
            ExtractError::Wheel(problem) => ExtractError::Wheel(self.at(problem, entry)),
            sink => sink,
        })
    }

    fn at(&self, problem: Problem, entry: &archive::Entry) -> Problem {
        let place = Place::file(self.name().as_str()).entry(entry.path().as_str());
        blame(problem.at(place), self.name())
    }
}

/// Names the wheel, and the way out where the problem itself has none.
fn blame(problem: Problem, name: &WheelName) -> Problem {
    let problem =
        problem.package(format_args!("{} {}", name.name(), name.version())).at(Place::file(name.as_str()));
    if problem.help_text().is_some() {
        return problem;
    }
    problem.help(format!(
        "do not install this file; tell the maintainers of {0}, and lock another version of it with \
         `pipward lock --upgrade-package {0}`",
        name.name()
    ))
}

/// Why an entry was not written.
#[derive(Debug)]
pub enum ExtractError {
    /// The wheel is at fault.
    Wheel(Problem),
    /// The sink is.
    Sink(std::io::Error),
}
