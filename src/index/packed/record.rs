//! One file of a page as bytes, and a page out of files.
//!
//! Owns: the rule that a page may repeat a file, but not with other bytes.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use jiff::Timestamp;
use pipward_resolver::{Version, VersionSpecifiers, WheelName};
use url::Url;

use super::cursor::{Cursor, number, put, put_time};
use super::row::{self, Written};
use super::{LOCAL, Page, PageWheel, UNDATED};
use crate::cache::Body;
use crate::digest::Sha256;
use crate::error::Problem;
use crate::index::page::{Address, Advertised, FileName, Marks, PageFile, Status, invalid};

const SHA256: u16 = 1;
const SIZE: u16 = 1 << 1;
const TIME: u16 = 1 << 2;
const PYTHON: u16 = 1 << 3;
const YANKED: u16 = 1 << 4;
const METADATA: u16 = 1 << 5;
const METADATA_SHA256: u16 = 1 << 6;
const PROVENANCE: u16 = 1 << 7;
const SDIST: u16 = 1 << 8;
/// The address ends with the file's name, which is left out of it.
const NAMED: u16 = 1 << 9;
const PATH: u16 = 1 << 10;
const PROVENANCE_PATH: u16 = 1 << 11;

/// Collects the files of a page.
pub(crate) struct PageBuilder<'a> {
    base: &'a Url,
    pythons: HashMap<Box<str>, usize>,
    files: Vec<Row>,
    records: Vec<u8>,
    marks: Marks,
}

/// A file whose record is written.
struct Row {
    version: Version,
    is_sdist: bool,
    name: Box<str>,
    sha256: Option<Sha256>,
    record: Range<usize>,
    uploaded: Option<Timestamp>,
    is_web: bool,
    has_provenance: bool,
    names_path: bool,
}

impl<'a> PageBuilder<'a> {
    pub(crate) fn new(base: &'a Url) -> Self {
        Self {
            base,
            pythons: HashMap::new(),
            files: Vec::new(),
            records: Vec::new(),
            marks: Marks::default(),
        }
    }

    pub(crate) fn mark(&mut self, marks: Marks) {
        self.marks = marks;
    }

    /// Takes a file, and the text of its Requires-Python (which the file need not have).
    pub(crate) fn add(&mut self, file: &PageFile, requires_python: Option<&str>) {
        let start = self.records.len();
        let python = requires_python.map(|text| match self.pythons.get(text) {
            Some(at) => *at,
            None => {
                let at = self.pythons.len();
                self.pythons.insert(text.into(), at);
                at
            }
        });
        write(&mut self.records, file, python);
        let is_wheel = matches!(file.name, FileName::Wheel(_));
        self.files.push(Row {
            version: file.name.version().clone(),
            is_sdist: !is_wheel,
            name: file.name.as_str().into(),
            sha256: file.sha256,
            record: start..self.records.len(),
            uploaded: file.upload_time,
            is_web: matches!(file.address, Address::Web(_)),
            has_provenance: file.provenance.is_some(),
            names_path: is_path(&file.address) || file.provenance.as_ref().is_some_and(is_path),
        });
    }

    /// # Errors
    /// `index-page-invalid` where two files have one name.
    pub(crate) fn finish(mut self) -> Result<Page, Problem> {
        self.files.sort_by(|one, other| {
            let by_version = one.version.cmp(&other.version);
            by_version.then_with(|| (one.is_sdist, &one.name).cmp(&(other.is_sdist, &other.name)))
        });
        let mut twice = None;
        self.files.dedup_by(|file, known| {
            let is_same = (file.is_sdist, &file.name) == (known.is_sdist, &known.name);
            if is_same && known.sha256 != file.sha256 && twice.is_none() {
                twice = Some(known.name.clone());
            }
            is_same
        });
        if let Some(name) = twice {
            return Err(invalid(self.base, "it names one file twice, with different hashes").package(name));
        }
        if u32::try_from(self.records.len()).is_err() {
            return Err(invalid(self.base, "it is too large"));
        }
        let bytes = self.bytes();
        Page::read(Body::Here(bytes.into())).ok_or_else(|| invalid(self.base, "it is too large"))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        let length = number(bytes.len());
        bytes.reserve_exact(4 + self.records.len());
        bytes.splice(..0, length.to_le_bytes());
        for row in &self.files {
            bytes.extend_from_slice(self.records.get(row.record.clone()).unwrap_or_default());
        }
        bytes
    }

    /// All but the records.
    fn head(&self) -> Vec<u8> {
        let any = |flag: u8, is: fn(&Row) -> bool| if self.files.iter().any(is) { flag } else { 0 };
        let undated = any(UNDATED, |row| !row.is_sdist && row.uploaded.is_none() && row.is_web);
        let mut bytes = vec![undated | any(LOCAL, |row| row.names_path)];
        write_marks(&mut bytes, &self.marks);
        let mut pythons: Vec<(&usize, &str)> = self.pythons.iter().map(|(text, at)| (at, &**text)).collect();
        pythons.sort_unstable();
        bytes.extend_from_slice(&number(pythons.len()).to_le_bytes());
        pythons.iter().for_each(|(_, text)| put(&mut bytes, text.as_bytes()));
        let releases = self.files.chunk_by(|one, other| one.version == other.version);
        row::write(&mut bytes, &releases.filter_map(written).collect::<Vec<_>>());
        let mut start = 0;
        for row in &self.files {
            bytes.extend_from_slice(&number(start).to_le_bytes());
            start += row.record.len();
        }
        bytes
    }
}

/// What is written of a release in front of its records.
fn written(rows: &[Row]) -> Option<Written> {
    // Spellings of a version are equal; the one of the first name counts.
    let named = rows.iter().min_by(|one, other| one.name.cmp(&other.name))?;
    let last_sdist = rows.last().filter(|row| row.is_sdist);
    Some(Written {
        version: named.version.clone(),
        files: rows.len(),
        wheels: rows.iter().filter(|row| !row.is_sdist).count(),
        records: rows.iter().map(|row| row.record.len()).sum(),
        has_provenance: rows.iter().any(|row| row.has_provenance),
        sdist: last_sdist.map(|row| (row.uploaded, row.is_web)),
    })
}

fn write_marks(bytes: &mut Vec<u8>, marks: &Marks) {
    match &marks.status {
        None => bytes.push(0),
        Some((status, reason)) => {
            bytes.push(match status {
                Status::Archived => 1,
                Status::Deprecated => 2,
            });
            put(bytes, reason.as_bytes());
        }
    }
    match &marks.namespace {
        None => bytes.push(0),
        Some(namespace) => {
            bytes.push(1 | (u8::from(namespace.authorized) << 1) | (u8::from(namespace.open) << 2));
            put(bytes, namespace.prefix.as_bytes());
        }
    }
}

fn write(bytes: &mut Vec<u8>, file: &PageFile, python: Option<usize>) {
    let name = file.name.as_str();
    let start = bytes.len();
    bytes.extend_from_slice(&[0, 0]);
    let mut flags = 0;
    let mut digest = |bytes: &mut Vec<u8>, flag: u16, digest: Option<Sha256>| {
        if let Some(digest) = digest {
            flags |= flag;
            bytes.extend_from_slice(digest.as_bytes());
        }
    };
    digest(bytes, SHA256, file.sha256);
    put(bytes, name.as_bytes());
    match file.metadata {
        Advertised::No => {}
        Advertised::Unhashed => flags |= METADATA,
        Advertised::Sha256(sha256) => digest(bytes, METADATA_SHA256, Some(sha256)),
    }
    if let Some(size) = file.size {
        flags |= SIZE;
        bytes.extend_from_slice(&size.to_le_bytes());
    }
    if let Some(time) = file.upload_time {
        flags |= TIME;
        put_time(bytes, time);
    }
    if let Some(at) = python {
        flags |= PYTHON;
        bytes.extend_from_slice(&number(at).to_le_bytes());
    }
    if let Some(reason) = &file.yanked {
        flags |= YANKED;
        put(bytes, reason.as_bytes());
    }
    let (address, is_path) = address_bytes(&file.address);
    match address.strip_suffix(name.as_bytes()) {
        Some(start) => {
            flags |= NAMED;
            put(bytes, start);
        }
        None => put(bytes, address),
    }
    if is_path {
        flags |= PATH;
    }
    if let Some(address) = &file.provenance {
        let (address, is_path) = address_bytes(address);
        flags |= PROVENANCE | if is_path { PROVENANCE_PATH } else { 0 };
        put(bytes, address);
    }
    if let FileName::Sdist { name, version, .. } = &file.name {
        flags |= SDIST;
        put(bytes, name.as_ref().as_bytes());
        put(bytes, version.to_string().as_bytes());
    }
    if let Some(head) = bytes.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
        *head = flags.to_le_bytes();
    }
}

fn is_path(address: &Address) -> bool {
    matches!(address, Address::Path(_))
}

fn address_bytes(address: &Address) -> (&[u8], bool) {
    match address {
        Address::Web(text) => (text.as_bytes(), false),
        Address::Path(path) => (path.as_os_str().as_bytes(), true),
    }
}

/// The name and SHA-256 of a record.
pub(super) fn name<'a>(record: &mut Cursor<'a>) -> Option<(&'a str, Option<Sha256>)> {
    let flags = record.u16()?;
    let sha256 = digest(record, flags & SHA256)?;
    Some((record.text()?, sha256))
}

/// Whether a record is of the file of this name.
pub(super) fn is_of(record: &mut Cursor<'_>, name: &str) -> bool {
    let mut found = || {
        let flags = record.u16()?;
        digest(record, flags & SHA256)?;
        record.slice()
    };
    found().is_some_and(|found| found == name.as_bytes())
}

/// Whether a record names addresses of the web alone.
pub(super) fn is_of_web(record: &mut Cursor<'_>) -> bool {
    record.u16().is_some_and(|flags| flags & (PATH | PROVENANCE_PATH) == 0)
}

/// Whether the index gives provenance for the file of a record.
pub(super) fn has_provenance(record: &mut Cursor<'_>) -> bool {
    record.u16().is_some_and(|flags| flags & PROVENANCE != 0)
}

/// What stands in front of the addresses of a record.
struct Front<'a> {
    flags: u16,
    sha256: Option<Sha256>,
    name: &'a str,
    metadata: Option<Sha256>,
    size: Option<u64>,
    upload_time: Option<Timestamp>,
    /// The place of its Requires-Python.
    python: Option<usize>,
    yanked: Option<&'a str>,
}

impl<'a> Front<'a> {
    fn read(record: &mut Cursor<'a>) -> Option<Self> {
        let flags = record.u16()?;
        let has = |flag: u16| flags & flag != 0;
        Some(Self {
            flags,
            sha256: digest(record, flags & SHA256)?,
            name: record.text()?,
            metadata: digest(record, flags & METADATA_SHA256)?,
            size: if has(SIZE) { Some(record.u64()?) } else { None },
            upload_time: if has(TIME) { Some(record.time()?) } else { None },
            python: if has(PYTHON) { Some(usize::try_from(record.u32()?).ok()?) } else { None },
            yanked: if has(YANKED) { Some(record.text()?) } else { None },
        })
    }

    fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

/// The wheel of a record as far as it is to be chosen or not; `python` gives the Requires-Python at a place.
pub(super) fn wheel(
    record: &mut Cursor<'_>,
    python: impl Fn(usize) -> Option<VersionSpecifiers>,
) -> Option<PageWheel> {
    let front = Front::read(record)?;
    Some(PageWheel {
        name: WheelName::parse(front.name).ok()?,
        upload_time: front.upload_time,
        is_web: !front.has(PATH),
        requires_python: front.python.and_then(python),
        yanked: front.yanked.map(str::to_owned),
    })
}

/// The file of a record; `python` gives the Requires-Python at a place.
pub(super) fn file(
    record: &mut Cursor<'_>,
    python: impl Fn(usize) -> Option<VersionSpecifiers>,
) -> Option<PageFile> {
    let front = Front::read(record)?;
    let suffix = if front.has(NAMED) { front.name } else { "" };
    let address = address(record.slice()?, suffix, front.has(PATH))?;
    let provenance = if front.has(PROVENANCE) {
        Some(self::address(record.slice()?, "", front.has(PROVENANCE_PATH))?)
    } else {
        None
    };
    let name = if front.has(SDIST) {
        let (project, version) = (record.text()?.parse().ok()?, record.text()?.parse().ok()?);
        FileName::Sdist { text: front.name.into(), name: project, version }
    } else {
        FileName::Wheel(WheelName::parse(front.name).ok()?)
    };
    Some(PageFile {
        name,
        address,
        sha256: front.sha256,
        size: front.size,
        upload_time: front.upload_time,
        requires_python: front.python.and_then(python),
        yanked: front.yanked.map(str::to_owned),
        metadata: match front.metadata {
            Some(sha256) => Advertised::Sha256(sha256),
            None if front.has(METADATA) => Advertised::Unhashed,
            None => Advertised::No,
        },
        provenance,
    })
}

/// `Some(None)` where the record has none.
#[allow(clippy::option_option)]
fn digest(record: &mut Cursor<'_>, flag: u16) -> Option<Option<Sha256>> {
    if flag == 0 { Some(None) } else { record.array().map(|bytes| Some(Sha256::from_bytes(bytes))) }
}

fn address(start: &[u8], end: &str, is_path: bool) -> Option<Address> {
    let whole = [start, end.as_bytes()].concat();
    if is_path {
        return Some(Address::Path(PathBuf::from(OsStr::from_bytes(&whole))));
    }
    String::from_utf8(whole).ok().map(|text| Address::Web(text.into()))
}
