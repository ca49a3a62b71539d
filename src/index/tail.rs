//! METADATA out of the end of a wheel, for locking: bounded readers over bytes that nobody vouches for.
//!
//! Pure. What is read here is a fact for the resolver and no more: its SHA-256 goes into the lock,
//! and install compares it with the METADATA that the strict reader (`wheel`) finds in verified bytes.

use std::borrow::Cow;
use std::io::Read as _;
use std::ops::Range;

use pipward_resolver::{PackageName, WheelName};

/// How much of the end is asked for first: 64 KiB. Most wheels end with METADATA and a directory that fit.
pub(crate) const FIRST: u64 = 64 << 10;
/// The largest central directory that is read: 32 MiB.
const DIRECTORY_CAP: u64 = 32 << 20;
/// The largest METADATA, inflated or not: 16 MiB.
const METADATA_CAP: u64 = 16 << 20;
const END: [u8; 4] = *b"PK\x05\x06";
const ROW: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";

/// Why METADATA cannot be had from an end. One sentence part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TailError(pub(crate) &'static str);

/// A part of a wheel: bytes and where they start in it.
#[derive(Debug, Clone)]
pub(crate) struct Part<'a> {
    pub(crate) start: u64,
    pub(crate) bytes: Cow<'a, [u8]>,
}

impl Part<'_> {
    fn get(&self, range: &Range<u64>) -> Option<&[u8]> {
        let at = |offset: u64| usize::try_from(offset.checked_sub(self.start)?).ok();
        self.bytes.get(at(range.start)?..at(range.end)?)
    }
}

/// What to read next, or the METADATA.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Bytes of the wheel that are needed and not among the parts.
    Need(Range<u64>),
    /// The METADATA file's bytes.
    Found(Vec<u8>),
}

/// Goes as far as the parts reach. `parts` holds the end of a wheel of `size` bytes, and what was
/// asked for since.
///
/// # Errors
/// See [`TailError`].
pub(crate) fn step(parts: &[Part<'_>], size: u64, wheel: &WheelName) -> Result<Step, TailError> {
    let Some(end) = parts.first() else { return Err(TailError("it is empty")) };
    let directory = directory(end, size)?;
    let Some(rows) = parts.iter().find_map(|part| part.get(&directory)) else {
        return Ok(Step::Need(directory));
    };
    let row = metadata_row(rows, wheel)?;
    // The local header repeats the name, and an extra field of unknown length follows it.
    let header = row.offset..row.offset.saturating_add(30);
    let Some(local) = parts.iter().find_map(|part| part.get(&header)) else {
        let reach = row.offset.saturating_add(30 + 1024 + u64::from(row.name) + row.packed);
        return Ok(Step::Need(row.offset..reach.min(directory.start)));
    };
    if local.get(..4) != Some(&LOCAL[..]) {
        return Err(TailError("its METADATA entry is not where the directory says"));
    }
    let start = header.end + u64::from(u16_at(local, 26)?) + u64::from(u16_at(local, 28)?);
    let data = start..start.saturating_add(row.packed);
    if data.end > directory.start {
        return Err(TailError("its METADATA entry runs into the directory"));
    }
    match parts.iter().find_map(|part| part.get(&data)) {
        None => Ok(Step::Need(data)),
        Some(packed) => inflate(packed, &row).map(Step::Found),
    }
}

/// The central directory's bytes, by the end record.
fn directory(end: &Part<'_>, size: u64) -> Result<Range<u64>, TailError> {
    // The comment is at most 65,535 bytes long and ends the file.
    let at = (0..=end.bytes.len().saturating_sub(22))
        .rev()
        .take(1 << 16)
        .find(|at| {
            end.bytes.get(*at..).is_some_and(|record| {
                record.starts_with(&END)
                    && u16_at(record, 20).is_ok_and(|comment| record.len() == 22 + usize::from(comment))
            })
        })
        .ok_or(TailError("it has no end record"))?;
    let record = end.bytes.get(at..).unwrap_or_default();
    let (length, offset) = (u64::from(u32_at(record, 12)?), u64::from(u32_at(record, 16)?));
    if length == u64::from(u32::MAX) || offset == u64::from(u32::MAX) || u16_at(record, 10)? == u16::MAX {
        return Err(TailError("it is a ZIP64 archive"));
    }
    let record_start = end.start + at as u64;
    if offset + length != record_start || record_start > size {
        return Err(TailError("its directory does not end where the end record starts"));
    }
    if length > DIRECTORY_CAP {
        return Err(TailError("its directory is too large"));
    }
    Ok(offset..offset + length)
}

struct Row {
    offset: u64,
    packed: u64,
    size: u64,
    crc: u32,
    method: u16,
    name: u16,
}

/// The one row of `<name>-<version>.dist-info/METADATA`.
fn metadata_row(mut rows: &[u8], wheel: &WheelName) -> Result<Row, TailError> {
    let mut found = None;
    while !rows.is_empty() {
        if rows.get(..4) != Some(&ROW[..]) {
            return Err(TailError("its directory is malformed"));
        }
        let length = u16_at(rows, 28)?;
        let all = 46 + usize::from(length) + usize::from(u16_at(rows, 30)?) + usize::from(u16_at(rows, 32)?);
        let name = rows.get(46..46 + usize::from(length)).ok_or(TailError("its directory is cut"))?;
        if is_metadata(name, wheel) {
            let row = Row {
                offset: u64::from(u32_at(rows, 42)?),
                packed: u64::from(u32_at(rows, 20)?),
                size: u64::from(u32_at(rows, 24)?),
                crc: u32_at(rows, 16)?,
                method: u16_at(rows, 10)?,
                name: length,
            };
            if found.replace(row).is_some() {
                return Err(TailError("it has several METADATA entries"));
            }
        }
        rows = rows.get(all..).ok_or(TailError("its directory is cut"))?;
    }
    let row = found.ok_or(TailError("it has no METADATA entry for its name and version"))?;
    if row.packed > METADATA_CAP || row.size > METADATA_CAP {
        return Err(TailError("its METADATA is too large"));
    }
    Ok(row)
}

fn is_metadata(entry: &[u8], wheel: &WheelName) -> bool {
    let stem = std::str::from_utf8(entry).ok().and_then(|name| name.strip_suffix(".dist-info/METADATA"));
    let parts = stem.filter(|stem| !stem.contains('/')).and_then(|stem| stem.rsplit_once('-'));
    parts.is_some_and(|(name, version)| {
        name.parse::<PackageName>().is_ok_and(|name| name == *wheel.name())
            && version.parse::<pipward_resolver::Version>().is_ok_and(|version| version == *wheel.version())
    })
}

fn inflate(packed: &[u8], row: &Row) -> Result<Vec<u8>, TailError> {
    let mut bytes = Vec::new();
    let limit = row.size.saturating_add(1);
    match row.method {
        0 => packed.take(limit).read_to_end(&mut bytes),
        8 => flate2::read::DeflateDecoder::new(packed).take(limit).read_to_end(&mut bytes),
        _ => return Err(TailError("its METADATA is packed in an unknown way")),
    }
    .map_err(|_| TailError("its METADATA is damaged"))?;
    if bytes.len() as u64 != row.size || crc32fast::hash(&bytes) != row.crc {
        return Err(TailError("its METADATA is damaged"));
    }
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, TailError> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk);
    found.map(|bytes| u16::from_le_bytes(*bytes)).ok_or(TailError("a record of its archive is cut"))
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, TailError> {
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk);
    found.map(|bytes| u32::from_le_bytes(*bytes)).ok_or(TailError("a record of its archive is cut"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn wheel(entries: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        for (name, content) in entries {
            writer.start_file(*name, options).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn name() -> WheelName {
        WheelName::parse("Some_Pkg-1.0-py3-none-any.whl").unwrap()
    }

    /// Serves parts of `bytes` as asked for, starting with an end of `first` bytes.
    fn read(bytes: &[u8], first: usize) -> (Result<Vec<u8>, TailError>, usize) {
        let start = bytes.len().saturating_sub(first);
        let mut parts = vec![Part { start: start as u64, bytes: Cow::Borrowed(&bytes[start..]) }];
        for asked in 1..10 {
            match step(&parts, bytes.len() as u64, &name()) {
                Ok(Step::Found(text)) => return (Ok(text), asked),
                Err(error) => return (Err(error), asked),
                Ok(Step::Need(range)) => parts.push(Part {
                    start: range.start,
                    bytes: Cow::Borrowed(&bytes[range.start as usize..range.end as usize]),
                }),
            }
        }
        panic!("it asks for ever");
    }

    #[test]
    fn metadata_is_found_in_few_steps() {
        let text = b"Metadata-Version: 2.1\nName: some-pkg\nVersion: 1.0\n".repeat(50);
        let noise: Vec<u8> = (0..90_000_u32).flat_map(u32::to_le_bytes).collect();
        for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
            let bytes = wheel(
                &[
                    ("some_pkg/a.bin", &noise),
                    ("some_pkg-1.0.dist-info/METADATA", &text),
                    ("some_pkg/b", &noise),
                ],
                method,
            );
            for (first, at_most) in [(bytes.len(), 1), (400, 3), (22, 4)] {
                let (found, asked) = read(&bytes, first);
                assert_eq!(found, Ok(text.clone()));
                assert!(asked <= at_most, "{asked} steps from {first} bytes");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let ok: &[(&str, &[u8])] = &[("some_pkg-1.0.dist-info/METADATA", b"x")];
        let stored = zip::CompressionMethod::Stored;
        let good = wheel(ok, stored);
        let check = |bytes: &[u8]| read(bytes, bytes.len()).0;
        assert_eq!(check(&good), Ok(b"x".to_vec()));
        for bad in [
            wheel(&[("other-1.0.dist-info/METADATA", b"x")], stored),
            wheel(&[("some_pkg-2.0.dist-info/METADATA", b"x")], stored),
            wheel(&[("d/some_pkg-1.0.dist-info/METADATA", b"x")], stored),
            wheel(&[ok[0], ("Some.Pkg-1.0.dist-info/METADATA", b"y")], stored),
            b"<html>".to_vec(),
            Vec::new(),
            [&good[..], b"junk"].concat(),
            [b"junk", &good[..]].concat(),
        ] {
            assert!(check(&bad).is_err());
        }
    }

    #[test]
    fn a_flipped_byte_never_panics() {
        let bytes = wheel(
            &[("some_pkg-1.0.dist-info/METADATA", &b"text ".repeat(40))],
            zip::CompressionMethod::Deflated,
        );
        for at in 0..bytes.len() {
            for bit in [1, 0x80] {
                let mut bad = bytes.clone();
                bad[at] ^= bit;
                let start = 0;
                let _ = step(&[Part { start, bytes: bad.into() }], bytes.len() as u64, &name());
            }
        }
    }
}
