//! Extra fields of local and central headers (APPNOTE.TXT 4.5, 4.6.9).
//!
//! Owns: those that can change what an entry is: ZIP64 sizes, the Unicode path, the mode of ASi's Unix field, and marks of
//! links, patches and encryption. Never: lets any of them contradict the header that it belongs to.

use super::fields::Fields;
use crate::error::{Code, Problem};

const ZIP64: u16 = 0x0001;
const UNICODE_PATH: u16 = 0x7075;
const UNICODE_COMMENT: u16 = 0x6375;
const ASI_UNIX: u16 = 0x756e;
const TIMES: u16 = 0x5455;
const NTFS: u16 = 0x000a;
/// PKWARE's Unix field: two times, two ids, and what a link leads to (APPNOTE.TXT 4.5.7).
const PKWARE_UNIX: u16 = 0x000d;
/// The part of it that each file has.
const PKWARE_UNIX_PLAIN: usize = 12;

/// A 32-bit field of a header, and what it stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wide {
    value: u64,
    saturated: bool,
}

impl Wide {
    pub(super) fn new(field: u32) -> Self {
        Self { value: field.into(), saturated: field == u32::MAX }
    }

    pub(super) fn value(self) -> u64 {
        self.value
    }
}

/// Which header extra fields belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    Local,
    Central,
}

/// Reads the extra fields of a header named `name`, and fills the saturated ones of `wide`, which are in the order
/// of the ZIP64 field: size, compressed size, offset. Whether they repeat the name.
pub(super) fn read(
    extra: &[u8],
    name: &[u8],
    wide: &mut [&mut Wide],
    header: Header,
) -> Result<bool, Problem> {
    let mut rest = Fields::at(extra, 0);
    let mut zip64 = None;
    let mut unicode_path = None;
    while !rest.is_empty() {
        let mut field = || {
            let kind = rest.u16()?;
            let length = rest.u16()?;
            Some((kind, rest.bytes(length.into())?))
        };
        let (kind, body) = field()
            .ok_or_else(|| Problem::new(Code::ArchiveHeader, "the extra fields of an entry are cut"))?;
        let slot = match kind {
            ZIP64 => &mut zip64,
            UNICODE_PATH => &mut unicode_path,
            ASI_UNIX => {
                check_asi_mode(body)?;
                continue;
            }
            UNICODE_COMMENT => {
                return Err(Problem::new(Code::ArchiveHeader, "an entry has two comments"));
            }
            TIMES if !has_times(body, header) => return Err(malformed(kind)),
            NTFS if !has_ntfs_times(body) => return Err(malformed(kind)),
            PKWARE_UNIX if body.len() > PKWARE_UNIX_PLAIN => {
                return Err(kind_differs("an extra field makes an entry a link or a device"));
            }
            other => match meaning(other) {
                Some(what) => return Err(unsupported(other, what)),
                None => continue,
            },
        };
        if slot.replace(body).is_some() {
            let code = if kind == ZIP64 { Code::ArchiveZip64 } else { Code::ArchiveName };
            return Err(Problem::new(code, "an entry has one extra field twice"));
        }
    }
    if let Some(body) = unicode_path {
        check_unicode_path(body, name)?;
    }
    fill(zip64, wide, header)?;
    Ok(unicode_path.is_some())
}

/// The field stands for the saturated ones of `wide`, in order. In a local header it "MUST include BOTH original and
/// compressed file size fields" (APPNOTE.TXT 4.5.3), and some writers add it where neither is saturated: then it has
/// to repeat what the header says.
fn fill(zip64: Option<&[u8]>, wide: &mut [&mut Wide], header: Header) -> Result<(), Problem> {
    let problem = |message: &str| Problem::new(Code::ArchiveZip64, message);
    let saturated = wide.iter().filter(|field| field.saturated).count();
    let Some(body) = zip64 else {
        return if saturated == 0 {
            Ok(())
        } else {
            Err(problem("an entry has no ZIP64 sizes where its header points to them"))
        };
    };
    let complete = header == Header::Local && body.len() == wide.len() * 8;
    if !complete && (saturated == 0 || body.len() != saturated * 8) {
        return Err(problem("the ZIP64 sizes of an entry are not the ones that its header leaves out")
            .expected(format!("{} bytes", saturated * 8))
            .found(format!("{} bytes", body.len())));
    }
    let mut values = Fields::at(body, 0);
    for field in wide.iter_mut().filter(|field| complete || field.saturated) {
        let value = values.u64().ok_or_else(|| problem("the ZIP64 sizes of an entry are cut"))?;
        if !field.saturated && field.value != value {
            return Err(problem("a header of an entry has two sizes").expected(field.value).found(value));
        }
        field.value = value;
    }
    Ok(())
}

/// What a field says of an entry's data that its flags and its method would have to say too (APPNOTE.TXT 4.5.2, and WinZip's
/// AES): readers that know it take the data for something else.
fn meaning(kind: u16) -> Option<&'static str> {
    match kind {
        0x000f => Some("a patch"),
        // Certificates and recipients of PKWARE's encryption.
        0x0014..=0x0019 | 0x9901 => Some("encryption"),
        _ => None,
    }
}

/// Some readers stop at a field that is not what it says, and then look for an archive elsewhere in the file: in what an
/// entry holds. So what they know has to be well-formed, though nothing here needs it.
fn malformed(kind: u16) -> Problem {
    Problem::new(Code::ArchiveHeader, "an extra field of an entry is not of its form")
        .found(format!("field {kind:#06x}"))
}

/// The "extended timestamp": flags, and a time for each; in a row of the directory, of these the first alone.
fn has_times(body: &[u8], header: Header) -> bool {
    let Some((flags, times)) = body.split_first() else { return false };
    let count = |flags: u8| usize::try_from(flags.count_ones()).unwrap_or(usize::MAX).saturating_mul(4);
    let is_whole = times.len() == count(*flags);
    *flags & !0b111 == 0 && (is_whole || header == Header::Central && times.len() == count(*flags & 1))
}

/// NTFS times (APPNOTE.TXT 4.5.5): four reserved bytes, and one attribute of three times.
fn has_ntfs_times(body: &[u8]) -> bool {
    let mut fields = Fields::at(body, 0);
    let _reserved = fields.u32();
    body.len() == 32 && fields.u16() == Some(1) && fields.u16() == Some(24)
}

fn unsupported(kind: u16, what: &str) -> Problem {
    Problem::new(Code::ArchiveMethod, format!("an extra field of an entry tells of {what}"))
        .expected("none such")
        .found(format!("field {kind:#06x}"))
}

fn kind_differs(what: &str) -> Problem {
    Problem::new(Code::ArchiveEntryKind, what).expected("a regular file")
}

/// ASi's Unix field: a CRC, and a mode, which unzip goes by where the row has none. By it a file can be a symbolic link.
fn check_asi_mode(body: &[u8]) -> Result<(), Problem> {
    let mut fields = Fields::at(body, 0);
    let _crc = fields.u32();
    match fields.u16().map(|mode| mode & 0o170_000) {
        None | Some(0 | 0o100_000 | 0o040_000) => Ok(()),
        Some(other) => {
            Err(kind_differs("an extra field makes an entry neither a regular file nor a directory")
                .found(format!("file type {other:#o}")))
        }
    }
}

/// Info-ZIP's Unicode path (APPNOTE.TXT 4.6.9): version 1, CRC of the header's name, name.
fn check_unicode_path(body: &[u8], name: &[u8]) -> Result<(), Problem> {
    let mut fields = Fields::at(body, 0);
    let version = fields.array::<1>();
    let crc = fields.u32();
    let other = fields.bytes(fields.len());
    if version == Some([1]) && crc == Some(crc32fast::hash(name)) && other == Some(name) {
        return Ok(());
    }
    Err(Problem::new(Code::ArchiveName, "an entry has two names"))
}
