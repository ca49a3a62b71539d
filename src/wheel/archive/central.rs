//! The central directory (APPNOTE.TXT 4.3.12).
//!
//! Owns: its rows, each checked for what it may say. Never: follows an offset.

use super::Limits;
use super::end::{End, has_signature_bytes};
use super::extra::{self, Header, Wide};
use super::fields::Fields;
use crate::error::{Code, Problem};

/// Bit 3: sizes and CRC follow the data, in a descriptor.
pub(super) const DESCRIPTOR: u16 = 1 << 3;
/// Bit 11: the name is UTF-8.
const UTF8: u16 = 1 << 11;
/// Bits 1 and 2 tell how hard deflate tried. All others mean encryption, patches or masked headers.
const ALLOWED_FLAGS: u16 = (1 << 1) | (1 << 2) | DESCRIPTOR | UTF8;
/// The newest version of ZIP that stored and deflated files can need: 4.5, which has ZIP64 (APPNOTE.TXT 4.4.3). Other
/// readers leave out an entry that needs a newer one than they know.
const NEWEST: u16 = 45;
/// The size of a row without name, extra fields and comment.
const ROW_SIZE: usize = 46;

/// One row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) name: &'a str,
    pub(super) flags: u16,
    pub(super) modified: u32,
    pub(super) deflated: bool,
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
    pub(super) kind: Kind,
}

/// What a row is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File { executable: bool },
    Directory,
}

impl Row<'_> {
    pub(super) fn method(&self) -> u16 {
        if self.deflated { 8 } else { 0 }
    }
}

/// Reads all rows. Problems name the entry.
pub(super) fn read<'a>(
    bytes: &'a [u8],
    end: &End,
    limits: &Limits,
) -> Result<Vec<Row<'a>>, (String, Problem)> {
    let whole = |problem| (String::new(), problem);
    let directory = bytes
        .get(end.directory.clone())
        .ok_or_else(|| whole(framing("the central directory lies outside the file")))?;
    if end.rows > limits.entries {
        return Err(whole(
            super::too_large("it has too many entries", "entries")
                .expected(format!("at most {}", limits.entries))
                .found(end.rows),
        ));
    }
    // A lying count reserves nothing: each row needs its bytes.
    let possible = directory.len() / ROW_SIZE;
    let mut rows = Vec::with_capacity(usize::try_from(end.rows).map_or(possible, |rows| rows.min(possible)));
    let mut fields = Fields::at(directory, 0);
    for _ in 0..end.rows {
        rows.push(row(&mut fields)?);
    }
    if !fields.is_empty() {
        return Err(whole(framing("the central directory has more than its rows")));
    }
    Ok(rows)
}

fn row<'a>(fields: &mut Fields<'a>) -> Result<Row<'a>, (String, Problem)> {
    let raw = raw(fields).ok_or_else(|| {
        (String::new(), framing("the central directory has fewer rows than the end record counts"))
    })?;
    checked(&raw).map_err(|problem| (String::from_utf8_lossy(raw.name).into_owned(), problem))
}

struct Raw<'a> {
    needs: u16,
    flags: u16,
    method: u16,
    modified: u32,
    crc: u32,
    compressed: u32,
    size: u32,
    disk: u16,
    external: u32,
    offset: u32,
    name: &'a [u8],
    extra: &'a [u8],
    comment: &'a [u8],
}

fn raw<'a>(fields: &mut Fields<'a>) -> Option<Raw<'a>> {
    fields.array().filter(|signature| signature == b"PK\x01\x02")?;
    let _made_by = fields.u16()?;
    let needs = fields.u16()?;
    let flags = fields.u16()?;
    let method = fields.u16()?;
    let modified = fields.u32()?;
    let crc = fields.u32()?;
    let compressed = fields.u32()?;
    let size = fields.u32()?;
    let lengths = [fields.u16()?, fields.u16()?, fields.u16()?].map(usize::from);
    let disk = fields.u16()?;
    let _internal = fields.u16()?;
    let external = fields.u32()?;
    let offset = fields.u32()?;
    let [name, extra, comment] = lengths;
    Some(Raw {
        needs,
        flags,
        method,
        modified,
        crc,
        compressed,
        size,
        disk,
        external,
        offset,
        name: fields.bytes(name)?,
        extra: fields.bytes(extra)?,
        comment: fields.bytes(comment)?,
    })
}

fn checked<'a>(raw: &Raw<'a>) -> Result<Row<'a>, Problem> {
    let name = name(raw)?;
    check_version(raw.needs)?;
    if raw.flags & !ALLOWED_FLAGS != 0 {
        return Err(Problem::new(
            Code::ArchiveMethod,
            "an entry is encrypted, or has another flag that wheels do not use",
        )
        .found(format!("flags {:#06x}", raw.flags)));
    }
    let deflated = match raw.method {
        0 => false,
        8 => true,
        other => {
            return Err(Problem::new(
                Code::ArchiveMethod,
                "an entry is compressed by a method that wheels do not use",
            )
            .expected("stored or deflated")
            .found(format!("method {other}")));
        }
    };
    if raw.disk != 0 {
        return Err(framing("it is one part of a split archive"));
    }
    if has_signature_bytes(raw.comment) {
        return Err(framing("an entry's comment could hold another record"));
    }
    let (mut size, mut compressed, mut offset) =
        (Wide::new(raw.size), Wide::new(raw.compressed), Wide::new(raw.offset));
    let repeats_name =
        extra::read(raw.extra, raw.name, &mut [&mut size, &mut compressed, &mut offset], Header::Central)?;
    check_repeated(repeats_name, raw.flags)?;
    let row = Row {
        name,
        flags: raw.flags,
        modified: raw.modified,
        deflated,
        crc: raw.crc,
        compressed: compressed.value(),
        size: size.value(),
        offset: offset.value(),
        kind: kind(name, raw.external)?,
    };
    check_sizes(&row)?;
    Ok(row)
}

/// The lower byte of "version needed to extract" is the version; the upper one is not used.
pub(super) fn check_version(needs: u16) -> Result<(), Problem> {
    let needs = needs & 0xFF;
    if needs <= NEWEST {
        return Ok(());
    }
    Err(Problem::new(
        Code::ArchiveMethod,
        "an entry says that it needs a newer version of ZIP than wheels use",
    )
    .expected(format!("at most {NEWEST}"))
    .found(needs))
}

fn name<'a>(raw: &Raw<'a>) -> Result<&'a str, Problem> {
    let name = std::str::from_utf8(raw.name)
        .map_err(|_| Problem::new(Code::ArchiveName, "an entry's name is not UTF-8"))?;
    if !name.is_ascii() && raw.flags & UTF8 == 0 {
        return Err(Problem::new(
            Code::ArchiveName,
            "an entry's name is not marked as UTF-8, so readers spell it differently",
        ));
    }
    Ok(name)
}

/// The upper half of the external attributes is a Unix mode wherever it has a file type, whichever system made it.
fn kind(name: &str, external: u32) -> Result<Kind, Problem> {
    const FILE: u32 = 0o100_000;
    const DIRECTORY: u32 = 0o040_000;
    const DOS_DIRECTORY: u32 = 0x10;
    let mode = external >> 16;
    let slash = name.ends_with('/');
    let kind = match mode & 0o170_000 {
        0 if slash => Kind::Directory,
        // Without a file type the execute bits mean nothing (and pip ignores them).
        0 => Kind::File { executable: false },
        FILE if !slash => Kind::File { executable: mode & 0o111 != 0 },
        DIRECTORY if slash => Kind::Directory,
        FILE | DIRECTORY => {
            return Err(Problem::new(
                Code::ArchiveEntryKind,
                "an entry is a directory by its name or by its mode, but not by both",
            ));
        }
        other => {
            return Err(Problem::new(
                Code::ArchiveEntryKind,
                "an entry is neither a regular file nor a directory",
            )
            .expected("a regular file")
            .found(format!("file type {other:#o}")));
        }
    };
    if !slash && external & DOS_DIRECTORY != 0 {
        return Err(Problem::new(
            Code::ArchiveEntryKind,
            "an entry is a directory by its attributes, but not by its name",
        ));
    }
    Ok(kind)
}

fn check_sizes(row: &Row<'_>) -> Result<(), Problem> {
    if !row.deflated && row.compressed != row.size {
        return Err(Problem::new(Code::ArchiveData, "a stored entry has two sizes")
            .expected(format!("{} bytes", row.size))
            .found(format!("{} bytes", row.compressed)));
    }
    if row.kind == Kind::Directory && row.size != 0 {
        return Err(Problem::new(Code::ArchiveEntryKind, "a directory has content"));
    }
    if row.flags & DESCRIPTOR != 0 && !row.deflated && row.size != 0 {
        // A reader that streams cannot know where such data ends.
        return Err(Problem::new(
            Code::ArchiveDescriptor,
            "a stored entry announces its size only after its data",
        ));
    }
    Ok(())
}

fn framing(message: &str) -> Problem {
    Problem::new(Code::ArchiveFraming, message)
}

/// unzip takes a descriptor for a longer one where an extra field repeats the name, and the next entry for an overlap.
pub(super) fn check_repeated(repeats_name: bool, flags: u16) -> Result<(), Problem> {
    if repeats_name && flags & DESCRIPTOR != 0 {
        return Err(Problem::new(
            Code::ArchiveDescriptor,
            "an entry has its name twice, and a descriptor, which other tools misread together",
        ));
    }
    Ok(())
}
