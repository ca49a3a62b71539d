//! Local headers and data descriptors (APPNOTE.TXT 4.3.7, 4.3.9).
//!
//! Owns: that a local record says what its row says, and ends where the next record starts.
//! Never: believes a local header where the central directory says otherwise.

use std::ops::Range;

use super::central::{DESCRIPTOR, Row, check_repeated, check_version};
use super::extra::{self, Header, Wide};
use super::fields::Fields;
use crate::error::{Code, Problem};

/// Compares the local record of `row`, which starts at the row's offset and must end at `next`, and returns where
/// its data is.
pub(super) fn check(bytes: &[u8], row: &Row<'_>, next: usize) -> Result<Range<usize>, Problem> {
    let start = usize::try_from(row.offset).map_err(|_| overlap())?;
    let record = bytes.get(start..next).ok_or_else(overlap)?;
    let mut fields = Fields::at(record, 0);
    header(&mut fields, row)?;
    let data_start = next - fields.len();
    let data =
        usize::try_from(row.compressed).ok().and_then(|length| fields.bytes(length)).ok_or_else(overlap)?;
    let after = fields.bytes(fields.len()).unwrap_or_default();
    if row.flags & DESCRIPTOR != 0 {
        descriptor(after, row)?;
    } else if !after.is_empty() {
        return Err(Problem::new(
            Code::ArchiveFraming,
            "there are bytes between an entry and the next record",
        )
        .found(format!("{} bytes", after.len())));
    }
    Ok(data_start..data_start + data.len())
}

fn overlap() -> Problem {
    Problem::new(Code::ArchiveFraming, "an entry reaches into the next record")
}

fn header(fields: &mut Fields<'_>, row: &Row<'_>) -> Result<(), Problem> {
    let mut read = || {
        fields.array().filter(|signature| signature == b"PK\x03\x04")?;
        let needs = fields.u16()?;
        let flags = fields.u16()?;
        let method = fields.u16()?;
        let modified = fields.u32()?;
        let crc = fields.u32()?;
        let (compressed, size) = (Wide::new(fields.u32()?), Wide::new(fields.u32()?));
        let (name, extra) = (fields.u16()?, fields.u16()?);
        let (name, extra) = (fields.bytes(name.into())?, fields.bytes(extra.into())?);
        Some((needs, flags, method, modified, crc, compressed, size, name, extra))
    };
    let (needs, flags, method, modified, crc, mut compressed, mut size, name, extra) =
        read().ok_or_else(|| {
            Problem::new(Code::ArchiveFraming, "a row of the central directory leads to no local header")
        })?;
    if name != row.name.as_bytes() {
        return Err(differs("name").expected(row.name).found(String::from_utf8_lossy(name)));
    }
    if flags != row.flags {
        return Err(differs("flags").expected(row.flags).found(flags));
    }
    // It may be another one: who streams does not know yet whether an entry will need ZIP64.
    check_version(needs)?;
    if method != row.method() {
        return Err(differs("method").expected(row.method()).found(method));
    }
    if modified != row.modified {
        return Err(differs("time").expected(row.modified).found(modified));
    }
    let repeats_name = extra::read(extra, name, &mut [&mut size, &mut compressed], Header::Local)?;
    check_repeated(repeats_name, row.flags)?;
    // With a descriptor to come, a writer does not know these yet and leaves them zero.
    let known = |found: u64, expected: u64| found == expected || (found == 0 && row.flags & DESCRIPTOR != 0);
    for (what, found, expected) in [
        ("CRC", u64::from(crc), u64::from(row.crc)),
        ("compressed size", compressed.value(), row.compressed),
        ("size", size.value(), row.size),
    ] {
        if !known(found, expected) {
            return Err(differs(what).expected(expected).found(found));
        }
    }
    Ok(())
}

fn differs(what: &str) -> Problem {
    Problem::new(
        Code::ArchiveHeader,
        format!("an entry has another {what} in its local header than in the central directory"),
    )
}

/// With or without a signature, with sizes of 32 or of 64 bits: the length alone, which is given by where the next
/// record starts, says which.
fn descriptor(bytes: &[u8], row: &Row<'_>) -> Result<(), Problem> {
    let mut fields = Fields::at(bytes, 0);
    let mut read = || {
        if matches!(bytes.len(), 16 | 24) {
            fields.array().filter(|signature| signature == b"PK\x07\x08")?;
        }
        let crc = fields.u32()?;
        let (compressed, size) = match bytes.len() {
            12 | 16 => (fields.u32()?.into(), fields.u32()?.into()),
            20 | 24 => (fields.u64()?, fields.u64()?),
            _ => return None,
        };
        Some((crc, compressed, size))
    };
    match read() {
        Some(found) if found == (row.crc, row.compressed, row.size) => Ok(()),
        Some(_) => {
            Err(Problem::new(Code::ArchiveDescriptor, "a data descriptor differs from the central directory"))
        }
        None => Err(Problem::new(
            Code::ArchiveDescriptor,
            "a data descriptor is missing, or does not end where the next record starts",
        )),
    }
}
