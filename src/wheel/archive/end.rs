//! The records at the end of an archive (APPNOTE.TXT 4.3.14 to 4.3.16).
//!
//! Owns: finding the one end record, and ZIP64's two, each in the only place where it may stand.
//! Never: searches for anything but the end record's signature, or prefers one of two answers.

use std::ops::Range;

use memchr::memmem;

use super::fields::Fields;
use crate::error::{Code, Problem};

const END: &[u8; 4] = b"PK\x05\x06";
const LOCATOR: &[u8; 4] = b"PK\x06\x07";
const END64: &[u8; 4] = b"PK\x06\x06";
const END_SIZE: usize = 22;
const LOCATOR_SIZE: usize = 20;
const END64_SIZE: usize = 56;

/// Where the central directory is, and how many rows it has.
#[derive(Debug)]
pub(super) struct End {
    pub(super) directory: Range<usize>,
    pub(super) rows: u64,
}

/// What either kind of end record says.
#[derive(Debug, Clone, Copy)]
struct Told {
    rows: u64,
    size: u64,
    offset: u64,
}

/// Reads the end of the archive. The directory it returns ends where the end records begin.
pub(super) fn read(bytes: &[u8]) -> Result<End, Problem> {
    let at = find(bytes)?;
    let short = told(bytes, at)?;
    let (begins, told) = match locator(bytes, at) {
        Some(locator) => (locator.saturating_sub(END64_SIZE), told64(bytes, locator, short)?),
        // 65535 rows or 4 GiB cannot be told from "see the ZIP64 record", which is not there.
        None if short.rows == 0xFFFF || short.size == 0xFFFF_FFFF || short.offset == 0xFFFF_FFFF => {
            return Err(zip64("the end record points to a ZIP64 record that is not there"));
        }
        None => (at, short),
    };
    let whole = |number: u64| usize::try_from(number).ok();
    let start = whole(told.offset);
    let end = told.offset.checked_add(told.size).and_then(whole);
    match (start, end) {
        (Some(start), Some(end)) if end == begins => Ok(End { directory: start..end, rows: told.rows }),
        _ => Err(framing("the central directory does not end where the end record begins")
            .expected(format!("offset and size that lead to byte {begins}"))
            .found(format!("offset {} and size {}", told.offset, told.size))),
    }
}

/// The one end record whose comment ends with the file.
fn find(bytes: &[u8]) -> Result<usize, Problem> {
    let from = bytes.len().saturating_sub(END_SIZE + 0xFFFF);
    let tail = bytes.get(from..).unwrap_or_default();
    let comment_fits = |at: usize| {
        let comment = Fields::at(bytes, at + 20).u16().map(usize::from);
        comment.and_then(|length| length.checked_add(at + END_SIZE)) == Some(bytes.len())
    };
    let mut fitting = memmem::find_iter(tail, END).map(|at| from + at).filter(|at| comment_fits(*at));
    match (fitting.next(), fitting.next()) {
        (Some(at), None) => Ok(at),
        (Some(_), Some(_)) => Err(framing("there are two end records")),
        (None, _) if bytes.starts_with(b"PK\x03\x04") || memmem::find(tail, END).is_some() => {
            Err(framing("no end record ends where the file ends: it is cut, or something was added"))
        }
        (None, _) => Err(Problem::new(Code::ArchiveNotZip, "this is not a ZIP archive")
            .help("look at the file: it may be a server's error page; fetch it again from the index")),
    }
}

fn told(bytes: &[u8], at: usize) -> Result<Told, Problem> {
    let mut fields = Fields::at(bytes, at + 4);
    let mut read =
        || Some((fields.u16()?, fields.u16()?, fields.u16()?, fields.u16()?, fields.u32()?, fields.u32()?));
    let (disk, start_disk, rows_here, rows, size, offset) =
        read().ok_or_else(|| framing("the end record is cut"))?;
    if disk != 0 || start_disk != 0 {
        return Err(framing("it is one part of a split archive"));
    }
    if rows_here != rows {
        return Err(framing("the end record counts the entries in two ways").expected(rows).found(rows_here));
    }
    let comment = bytes.get(at + END_SIZE..).unwrap_or_default();
    if has_signature_bytes(comment) {
        return Err(framing("the archive's comment could hold another record"));
    }
    Ok(Told { rows: rows.into(), size: size.into(), offset: offset.into() })
}

/// Every ZIP signature has one of the bytes 1 to 8 in it, and no honest comment has.
pub(super) fn has_signature_bytes(comment: &[u8]) -> bool {
    comment.iter().any(|byte| (1..=8).contains(byte))
}

/// The ZIP64 locator stands directly before the end record, or nowhere.
fn locator(bytes: &[u8], end: usize) -> Option<usize> {
    let at = end.checked_sub(LOCATOR_SIZE)?;
    Fields::at(bytes, at).array().filter(|signature| signature == LOCATOR).map(|_| at)
}

fn told64(bytes: &[u8], locator: usize, short: Told) -> Result<Told, Problem> {
    let mut fields = Fields::at(bytes, locator + 4);
    let mut read = || Some((fields.u32()?, fields.u64()?, fields.u32()?));
    let (disk, offset, disks) = read().ok_or_else(|| zip64("the ZIP64 locator is cut"))?;
    if disk != 0 || disks != 1 {
        return Err(framing("it is one part of a split archive"));
    }
    let at = locator.checked_sub(END64_SIZE).ok_or_else(|| zip64("there is no ZIP64 end record"))?;
    if usize::try_from(offset).ok() != Some(at) {
        return Err(zip64("the ZIP64 end record does not stand directly before its locator")
            .expected(format!("byte {at}"))
            .found(format!("byte {offset}")));
    }
    let mut fields = Fields::at(bytes, at);
    let mut read = || {
        let signature = fields.array::<4>()?;
        let size = fields.u64()?;
        let _versions = fields.u32()?;
        let disks = (fields.u32()?, fields.u32()?);
        Some((signature, size, disks, fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?))
    };
    let (signature, record, disks, rows_here, rows, size, offset) =
        read().ok_or_else(|| zip64("the ZIP64 end record is cut"))?;
    if &signature != END64 || record != 44 {
        return Err(zip64("the ZIP64 end record is missing or has an extension"));
    }
    if disks != (0, 0) {
        return Err(framing("it is one part of a split archive"));
    }
    let agrees = |short: u64, long: u64, saturated: u64| short == long || short == saturated;
    if rows_here != rows
        || !agrees(short.rows, rows, 0xFFFF)
        || !agrees(short.size, size, 0xFFFF_FFFF)
        || !agrees(short.offset, offset, 0xFFFF_FFFF)
    {
        return Err(zip64("the end record and the ZIP64 end record contradict each other"));
    }
    Ok(Told { rows, size, offset })
}

fn framing(message: &str) -> Problem {
    Problem::new(Code::ArchiveFraming, message)
}

fn zip64(message: &str) -> Problem {
    Problem::new(Code::ArchiveZip64, message)
}
