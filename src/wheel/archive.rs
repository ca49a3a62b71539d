//! The one strict archive reader.
//!
//! Owns: that `[local entries][central directory][ZIP64 end records]?[end record]` covers every byte of the file
//! exactly once, that both headers of an entry agree, and that names, kinds and sizes are those of a wheel.
//! Never: skips what it does not like, repairs, or allocates what a header declares.

pub mod bundle;
mod central;
mod end;
mod extra;
mod fields;
mod inflate;
mod local;

use std::ops::Range;
use std::sync::Arc;

use self::central::{Kind, Row};
use super::path::ArchivePath;
use crate::digest::{Kept, StrongDigest};
use crate::error::{Code, Place, Problem};

/// Entries up to this size are inflated whole; larger ones as a stream.
pub const WHOLE_ENTRY: u64 = 16 << 20;

/// What an archive may hold at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Entries, directories included.
    pub entries: u64,
    /// Bytes of all entries, inflated.
    pub inflated: u64,
    /// Bytes of METADATA and of RECORD, each, inflated; never more than [`WHOLE_ENTRY`].
    pub metadata: u64,
    /// An archive that inflates to more than this many bytes …
    pub ratio_from: u64,
    /// … may not inflate to more than this many times its own size. (PyPI has the same two numbers.)
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 200_000, inflated: 16 << 30, metadata: 8 << 20, ratio_from: 64 << 20, ratio: 50 }
    }
}

/// An archive of which every byte is accounted for.
pub struct Archive {
    entries: Vec<Entry>,
    directories: Vec<ArchivePath>,
}

/// A regular file of an archive.
#[derive(Debug, Clone)]
pub struct Entry {
    pub(crate) path: ArchivePath,
    pub(crate) size: u64,
    pub(crate) executable: bool,
    /// Where its data is, in the bytes of the archive.
    data: Range<usize>,
    deflated: bool,
    crc: u32,
    /// What RECORD says of it.
    pub(super) digest: Kept,
    /// Whether RECORD says its size too.
    pub(super) is_sized: bool,
}

/// What RECORD says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The digest that it gives.
    pub digest: Option<StrongDigest>,
    /// The size that it gives, which is that of the file.
    pub size: Option<u64>,
}

impl Archive {
    /// Reads an archive whose file is called `file`.
    ///
    /// # Errors
    /// The archive codes. Content is not inflated here.
    pub(super) fn read(bytes: &[u8], file: &str, limits: &Limits) -> Result<Self, Problem> {
        Self::read_in_passing(bytes, file, limits, &|_| {})
    }

    /// As [`Self::read`], where `passed` is told of bytes that were looked at, from the first of the file on: the header of each
    /// entry is, which is to say nearly every page.
    pub(super) fn read_in_passing(
        bytes: &[u8],
        file: &str,
        limits: &Limits,
        passed: &dyn Fn(usize),
    ) -> Result<Self, Problem> {
        let end = end::read(bytes)?;
        let at = |name: &str, problem: Problem| problem.at(Place::file(file).entry(name));
        let rows = central::read(bytes, &end, limits)
            .map_err(|(name, problem)| if name.is_empty() { problem } else { at(&name, problem) })?;
        check_sizes(&rows, bytes.len(), limits)?;
        let data =
            tile(bytes, &rows, end.directory.start, passed).map_err(|(name, problem)| at(&name, problem))?;
        let mut archive = Self { entries: Vec::with_capacity(rows.len()), directories: Vec::new() };
        let mut names = String::with_capacity(rows.iter().map(|row| row.name.len()).sum());
        rows.iter().for_each(|row| names.push_str(row.name));
        let names: Arc<str> = names.into();
        let mut end = 0_usize;
        for (row, data) in rows.iter().zip(data) {
            let start = end;
            end = start.saturating_add(row.name.len());
            let name = ArchivePath::within(&names, start..start.saturating_add(bare(row.name).len()));
            archive.add(row, name, data, bytes).map_err(|problem| at(row.name, problem))?;
        }
        check_names(&rows).map_err(|(name, problem)| at(&name, problem))?;
        Ok(archive)
    }

    fn add(
        &mut self,
        row: &Row<'_>,
        name: Result<ArchivePath, Problem>,
        data: Range<usize>,
        bytes: &[u8],
    ) -> Result<(), Problem> {
        match row.kind {
            Kind::Directory => {
                // Some writers deflate even nothing, which makes two bytes.
                let content = bytes.get(data).unwrap_or_default();
                if !(content.is_empty() || row.deflated && content == [3, 0]) || row.crc != 0 {
                    return Err(Problem::new(Code::ArchiveEntryKind, "a directory has content"));
                }
                self.directories.push(name?);
            }
            Kind::File { executable } => self.entries.push(Entry {
                path: name?,
                size: row.size,
                executable,
                data,
                deflated: row.deflated,
                crc: row.crc,
                digest: Kept::Nothing,
                is_sized: false,
            }),
        }
        Ok(())
    }

    /// The regular files.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The regular files, for what RECORD says of them.
    pub(super) fn entries_mut(&mut self) -> &mut [Entry] {
        &mut self.entries
    }

    /// The directories that have entries of their own.
    pub fn directories(&self) -> &[ArchivePath] {
        &self.directories
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
    /// What RECORD says of it.
    pub fn listed(&self) -> Listed {
        Listed { digest: self.digest.get(), size: self.is_sized.then_some(self.size) }
    }
    /// Its content, piece by piece, from the bytes of its archive; `sink` may stop it with an error of its own.
    pub(super) fn inflate<E>(
        &self,
        archive: &[u8],
        sink: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Result<(), E>, Problem> {
        inflate::pieces(&self.source(archive)?, sink)
    }
    /// Its content whole; up to [`WHOLE_ENTRY`].
    pub(super) fn inflate_whole<'a>(&self, archive: &'a [u8]) -> Result<std::borrow::Cow<'a, [u8]>, Problem> {
        inflate::whole(&self.source(archive)?)
    }

    fn source<'a>(&self, archive: &'a [u8]) -> Result<inflate::Source<'a>, Problem> {
        let data = archive.get(self.data.clone()).ok_or_else(|| {
            Problem::new(Code::Internal, "an entry was asked of an archive that it is not from")
        })?;
        Ok(inflate::Source { data, deflated: self.deflated, size: self.size, crc: self.crc })
    }
}

fn check_sizes(rows: &[Row<'_>], archive: usize, limits: &Limits) -> Result<(), Problem> {
    let total = rows.iter().fold(0u64, |total, row| total.saturating_add(row.size));
    let by_ratio = u64::try_from(archive).unwrap_or(u64::MAX).saturating_mul(limits.ratio);
    let likely = by_ratio.max(limits.ratio_from);
    let (allowed, what, key) = if limits.inflated < likely {
        (limits.inflated, "it unpacks to more than pipward allows", "unpacked")
    } else {
        (likely, "it unpacks to more than its size makes likely", "ratio")
    };
    if total > allowed {
        return Err(too_large(what, key)
            .expected(format!("at most {allowed} bytes"))
            .found(format!("{total} bytes")));
    }
    Ok(())
}

/// A limit that is passed, with the name of its key in the configuration.
pub(super) fn too_large(what: impl Into<String>, key: &str) -> Problem {
    Problem::new(Code::ArchiveTooLarge, what).help(format!(
        "find out whether this project is really that large; if it is, raise `{key}` under [limits] of pipward.toml"
    ))
}

/// Where the data of each row is. The local records cover the file from its first byte to the central directory.
fn tile(
    bytes: &[u8],
    rows: &[Row<'_>],
    directory: usize,
    passed: &dyn Fn(usize),
) -> Result<Vec<Range<usize>>, (String, Problem)> {
    let framing = |message: &str| Problem::new(Code::ArchiveFraming, message);
    let mut order: Vec<(u64, usize)> = rows.iter().enumerate().map(|(at, row)| (row.offset, at)).collect();
    order.sort_unstable();
    let first = order.first().map_or(directory as u64, |(offset, _)| *offset);
    if first != 0 {
        return Err((
            String::new(),
            framing("there are bytes before the first entry").found(format!("{first} bytes")),
        ));
    }
    let mut data = vec![0..0; rows.len()];
    let nexts = order.iter().skip(1).map(|(offset, _)| usize::try_from(*offset).unwrap_or(usize::MAX));
    for (next, (_, at)) in nexts.chain([directory]).zip(&order) {
        let (Some(row), Some(slot)) = (rows.get(*at), data.get_mut(*at)) else { continue };
        *slot = local::check(bytes, row, next).map_err(|problem| (row.name.to_owned(), problem))?;
        passed(next.saturating_sub(usize::try_from(row.offset).unwrap_or(next)));
    }
    Ok(data)
}

/// A name without the `/` that that of a directory ends with.
fn bare(name: &str) -> &str {
    // A character is looked for in a text at some cost, and names are compared often.
    match name.as_bytes() {
        [start @ .., b'/'] => name.get(..start.len()).unwrap_or(name),
        _ => name,
    }
}

/// No two entries of one name, and no file where another entry needs a directory.
fn check_names(rows: &[Row<'_>]) -> Result<(), (String, Problem)> {
    let problem = |row: &Row<'_>, message: &str| {
        Err((row.name.to_owned(), Problem::new(Code::ArchiveDuplicate, message)))
    };
    // Most archives have them in order already, and a list takes less room than sets of names.
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let name = |at: &usize| rows.get(*at).map_or("", |row| bare(row.name));
    order.sort_by(|one, other| name(one).cmp(name(other)));
    let twice = order.windows(2).filter_map(|pair| match pair {
        [one, other] if name(one) == name(other) => Some(*other),
        _ => None,
    });
    if let Some(row) = twice.min().and_then(|at| rows.get(at)) {
        return problem(row, "two entries have the same name");
    }
    let is_file = |path: &str| {
        let at = order.binary_search_by(|at| name(at).cmp(path)).ok().and_then(|at| order.get(at));
        at.and_then(|at| rows.get(*at)).is_some_and(|row| row.kind != Kind::Directory)
    };
    let mut last = "";
    for row in rows {
        let parent = bare(row.name).rsplit_once('/').map_or("", |(parent, _)| parent);
        if parent == last {
            continue;
        }
        last = parent;
        let mut above = parent;
        loop {
            if is_file(above) {
                return problem(row, "an entry lies below another that is a file");
            }
            let Some((next, _)) = above.rsplit_once('/') else { break };
            above = next;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// So that the pages of each entry can go once its header was looked at.
    #[test]
    fn all_that_is_looked_at_is_told_of_in_passing() {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (path, size) in [("a.py", 10), ("b/c.py", 70_000), ("d", 0)] {
            let options = zip::write::SimpleFileOptions::default();
            writer.start_file(path, options.compression_method(zip::CompressionMethod::Stored)).unwrap();
            writer.write_all(&vec![7; size]).unwrap();
        }
        let bytes = writer.finish().unwrap().into_inner();
        let (told, limits) = (std::cell::RefCell::new(Vec::new()), Limits::default());
        let passed = |bytes| told.borrow_mut().push(bytes);
        let archive = Archive::read_in_passing(&bytes, "x", &limits, &passed).unwrap();
        let told = told.into_inner();
        assert_eq!((archive.entries().len(), told.len()), (3, 3));
        assert_eq!(told.iter().sum::<usize>(), end::read(&bytes).unwrap().directory.start);
        assert!(told.iter().zip(archive.entries()).all(|(told, entry)| *told as u64 >= entry.size()));
    }
}
