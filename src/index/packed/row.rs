//! The list of releases of a page: a row of one length for each, so that none is read before somebody asks for it.
//!
//! Never: is taken where one row contradicts the next.

use std::ops::Range;

use jiff::Timestamp;
use pipward_resolver::Version;

use super::cursor::{Cursor, number, put_time};

/// Somebody vouches for one of its files.
const PROVEN: u8 = 1;
/// Its last source distribution has an upload time.
const DATED: u8 = 1 << 1;
/// Its last source distribution is on the web.
const OF_WEB: u8 = 1 << 2;
/// Its version has numbers and dots alone.
const PLAIN: u8 = 1 << 3;
/// The length of a row.
const ROW: usize = 29;
/// Numbers of a plain version have no more digits, so that each fits.
const MOST_DIGITS: usize = 18;

/// What stands in front of a release's records. Where something ends is where the same of the next row begins.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Where its version is, among those of all.
    version: usize,
    /// The place of its first file.
    pub(super) first: usize,
    pub(super) wheels: usize,
    /// Where its records begin.
    pub(super) records: usize,
    flags: u8,
    second: i64,
    nanosecond: i32,
}

/// What is written of a release.
pub(super) struct Written {
    pub(super) version: Version,
    pub(super) files: usize,
    pub(super) wheels: usize,
    /// How long its records are.
    pub(super) records: usize,
    pub(super) has_provenance: bool,
    /// Of its last source distribution: the upload time, and whether it is on the web.
    pub(super) sdist: Option<(Option<Timestamp>, bool)>,
}

/// Where the rows of a page and what they lead to are, in its head; and how many files and bytes of records there are.
#[derive(Clone, Default)]
pub(super) struct Rows {
    pub(super) count: usize,
    rows: Range<usize>,
    versions: Range<usize>,
    pub(super) files: usize,
    records: usize,
}

impl Rows {
    /// Reads where they are, and sees that they fit together.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<Self> {
        let count = cursor.count(ROW)?;
        let rows = cursor.skip(count.checked_mul(ROW)?)?;
        let versions = cursor.text_range()?;
        let mut length = || usize::try_from(cursor.u32()?).ok();
        let (files, records) = (length()?, length()?);
        let found = Self { count, rows, versions, files, records };
        let head = cursor.all();
        let texts = head.get(found.versions.clone())?;
        let mut next = found.end();
        for row in head.get(found.rows.clone())?.as_chunks::<ROW>().0.iter().rev().map(Row::of) {
            // One follows the other, so that all of them together are no larger than the page.
            let fits = row.first.checked_add(row.wheels).is_some_and(|end| end <= next.first);
            if !fits || row.records > next.records || row.is(DATED) && !row.is_dated() {
                return None;
            }
            let version = texts.get(row.version..next.version)?;
            if !(row.is(PLAIN) && is_plain(version)) {
                std::str::from_utf8(version).ok()?.parse::<Version>().ok()?;
            }
            next = row;
        }
        ((next.version, next.first, next.records) == (0, 0, 0)).then_some(found)
    }

    fn end(&self) -> Row {
        let (version, first, records) = (self.versions.len(), self.files, self.records);
        Row { version, first, wheels: 0, records, flags: 0, second: 0, nanosecond: 0 }
    }

    /// The row at a place.
    pub(super) fn row(&self, head: &[u8], at: usize) -> Option<Row> {
        let rows = head.get(self.rows.clone())?;
        rows.as_chunks::<ROW>().0.get(at).map(Row::of)
    }

    /// The row behind it.
    pub(super) fn next(&self, head: &[u8], at: usize) -> Option<Row> {
        let at = at.checked_add(1)?;
        if at < self.count { self.row(head, at) } else { Some(self.end()) }
    }

    /// The version at a place.
    pub(super) fn version(&self, head: &[u8], at: usize) -> Option<Version> {
        let range = self.row(head, at)?.version..self.next(head, at)?.version;
        std::str::from_utf8(head.get(self.versions.clone())?.get(range)?).ok()?.parse().ok()
    }
}

impl Row {
    fn of(bytes: &[u8; ROW]) -> Self {
        let &[v0, v1, v2, v3, f0, f1, f2, f3, w0, w1, w2, w3, r0, r1, r2, r3, flags, ref time @ ..] = bytes;
        let &[s0, s1, s2, s3, s4, s5, s6, s7, n0, n1, n2, n3] = time;
        let count = |bytes| usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
        Self {
            version: count([v0, v1, v2, v3]),
            first: count([f0, f1, f2, f3]),
            wheels: count([w0, w1, w2, w3]),
            records: count([r0, r1, r2, r3]),
            flags,
            second: i64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
            nanosecond: i32::from_le_bytes([n0, n1, n2, n3]),
        }
    }

    fn is(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether its time is one.
    fn is_dated(self) -> bool {
        (Timestamp::MIN.as_second()..=Timestamp::MAX.as_second()).contains(&self.second)
            && self.nanosecond.unsigned_abs() < 1_000_000_000
    }

    pub(super) fn has_provenance(self) -> bool {
        self.is(PROVEN)
    }

    /// When its last source distribution was uploaded, as far as that is known, and whether it is on the web.
    pub(super) fn sdist(self) -> (Option<Timestamp>, bool) {
        let uploaded = self.is(DATED).then(|| Timestamp::new(self.second, self.nanosecond).ok());
        (uploaded.flatten(), self.is(OF_WEB))
    }
}

/// Whether a version has numbers and dots alone, and so is one.
fn is_plain(version: &[u8]) -> bool {
    let mut digits = 0;
    for byte in version {
        digits = match byte {
            b'0'..=b'9' if digits < MOST_DIGITS => digits + 1,
            b'.' if digits > 0 => 0,
            _ => return false,
        };
    }
    digits > 0
}

/// Writes what [`Rows::read`] reads.
pub(super) fn write(bytes: &mut Vec<u8>, releases: &[Written]) {
    bytes.extend_from_slice(&number(releases.len()).to_le_bytes());
    let mut versions = String::new();
    let (mut first, mut start) = (0, 0);
    for release in releases {
        for count in [versions.len(), first, release.wheels, start] {
            bytes.extend_from_slice(&number(count).to_le_bytes());
        }
        let version = release.version.to_string();
        let uploaded = release.sdist.and_then(|(uploaded, _)| uploaded);
        let flags = [
            (release.has_provenance, PROVEN),
            (uploaded.is_some(), DATED),
            (release.sdist.is_some_and(|(_, is_web)| is_web), OF_WEB),
            (is_plain(version.as_bytes()), PLAIN),
        ];
        bytes.push(flags.iter().filter(|(is, _)| *is).map(|(_, flag)| flag).sum());
        put_time(bytes, uploaded.unwrap_or(Timestamp::UNIX_EPOCH));
        versions += &version;
        first += release.files;
        start += release.records;
    }
    super::cursor::put(bytes, versions.as_bytes());
    for count in [first, start] {
        bytes.extend_from_slice(&number(count).to_le_bytes());
    }
}
