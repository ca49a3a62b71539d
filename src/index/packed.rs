//! An index page as it is worked with and kept: packed, and read as far as somebody looks.
//!
//! Owns: the form of `<cache>/index/*.page` behind its first line. Never: leaves its own bytes, whatever they say.
//!
//! A page of a large project names thousands of files, of which a lock looks at a few. So the releases are listed in
//! front, in rows of one length; the version and the records of a release are read when somebody asks for it, and a file is
//! made of its record then.
//!
//! ```text
//! length  of the head, which ends where the records begin
//! marks   whether a wheel has no upload time, and whether an address is a path; status and its reason; namespace
//! texts   each Requires-Python once
//! rows    of releases in order: where the version is, place of the first record, how many wheels, where the records are;
//!         whether somebody vouches for one of them; when and where the last source distribution is
//! texts   the versions
//! counts  of records, and of their bytes
//! places  where each record starts
//! records
//! ```

mod cursor;
mod record;
mod row;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;
use jiff::Timestamp;
use pipward_resolver::{Version, VersionSpecifiers, WheelName};

use super::page::{Address, Marks, Namespace, PageFile, Status};
use crate::cache::Body;
use crate::digest::Sha256;
use cursor::Cursor;
pub(super) use record::PageBuilder;
use row::{Row, Rows};

/// Counts up whenever what is written changes, so that older entries of the cache are none.
pub(super) const FORM: u32 = 4;

/// Of a page: a wheel on the web has no upload time.
const UNDATED: u8 = 1;
/// Of a page: an address is a path of this machine.
const LOCAL: u8 = 1 << 1;
/// No page has more different Requires-Python: each takes room before somebody asks for it. Large projects have a few dozen.
const MOST_SPECIFIERS: usize = 1 << 16;

/// The files that one page names, each once.
#[derive(Clone)]
pub(crate) struct Page {
    body: Body,
    /// All but the records.
    head: Bytes,
    pub(crate) marks: Marks,
    specifiers: Vec<Specifiers>,
    /// The releases, in the order of their versions.
    rows: Rows,
    /// What was read of each.
    read: Box<[OnceLock<Box<Read>>]>,
    places: Range<usize>,
    /// Whether a wheel on the web has no upload time.
    pub(crate) has_undated: bool,
    /// Whether a record that names a path of this machine is none.
    is_of_web: bool,
}

/// A Requires-Python, read when a file that has it is.
#[derive(Clone)]
struct Specifiers {
    text: Range<usize>,
    read: OnceLock<Option<VersionSpecifiers>>,
}

/// A release that somebody asked for.
#[derive(Clone)]
struct Read {
    version: Version,
    /// Its records, once somebody asked for them.
    records: OnceLock<Option<Bytes>>,
}

/// One release of a page.
#[derive(Clone, Copy)]
pub(crate) struct PageRelease<'a> {
    page: &'a Page,
    /// Its place, and its row and where that ends.
    at: usize,
    row: Row,
    end: Row,
}

/// A wheel of a page as far as it is to be chosen or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageWheel {
    pub(crate) name: WheelName,
    pub(crate) upload_time: Option<Timestamp>,
    /// Whether it is on the web.
    pub(crate) is_web: bool,
    pub(crate) requires_python: Option<VersionSpecifiers>,
    pub(crate) yanked: Option<String>,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            body: Body::Here(Bytes::new()),
            head: Bytes::new(),
            marks: Marks::default(),
            specifiers: Vec::new(),
            rows: Rows::default(),
            read: Box::default(),
            places: 0..0,
            has_undated: false,
            is_of_web: false,
        }
    }
}

impl Page {
    /// Reads a page that [`Page::body`] gave; `None` where it is another one.
    pub(crate) fn read(body: Body) -> Option<Self> {
        let length = usize::try_from(Cursor::new(&body.part(0..4)?).u32()?).ok()?;
        let head = body.part(4..length.checked_add(4)?)?;
        let mut cursor = Cursor::new(&head);
        let flags = cursor.u8()?;
        let marks = marks(&mut cursor)?;
        let count = cursor.count(4).filter(|count| *count <= MOST_SPECIFIERS)?;
        let mut specifiers = Vec::with_capacity(count);
        for _ in 0..count {
            specifiers.push(Specifiers { text: cursor.text_range()?, read: OnceLock::new() });
        }
        let rows = Rows::read(&mut cursor)?;
        let start = cursor.at();
        let places = start..start.checked_add(rows.files.checked_mul(4)?)?;
        if places.end != length {
            return None;
        }
        let read = (0..rows.count).map(|_| OnceLock::new()).collect();
        let has_undated = flags & UNDATED != 0;
        let is_of_web = flags & LOCAL == 0;
        Some(Self { marks, specifiers, rows, read, places, has_undated, is_of_web, head, body })
    }

    /// As [`Self::read`], of a page that came over the network: it names no file of this machine, whoever wrote it down.
    pub(crate) fn read_of_web(body: Body) -> Option<Self> {
        Self::read(body).filter(|page| page.is_of_web)
    }

    /// What [`Self::read`] takes.
    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    /// Whether it names no file.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.count == 0
    }

    /// How many releases it has.
    pub(crate) fn count(&self) -> usize {
        self.rows.count
    }

    /// Its releases, oldest first.
    pub(crate) fn releases(&self) -> impl DoubleEndedIterator<Item = PageRelease<'_>> {
        (0..self.count()).filter_map(|at| self.release_at(at))
    }

    /// The release that stands at a place of [`Self::releases`].
    pub(crate) fn release_at(&self, at: usize) -> Option<PageRelease<'_>> {
        let (row, end) = (self.rows.row(&self.head, at)?, self.rows.next(&self.head, at)?);
        Some(PageRelease { page: self, at, row, end })
    }

    /// The release of a version.
    pub(crate) fn release(&self, version: &Version) -> Option<PageRelease<'_>> {
        let (mut low, mut high) = (0, self.count());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.version(middle)?.cmp(version) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal => return self.release_at(middle),
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The version of the release at a place.
    pub(crate) fn version(&self, at: usize) -> Option<&Version> {
        Some(&self.read_at(at)?.version)
    }

    fn read_at(&self, at: usize) -> Option<&Read> {
        let read = self.read.get(at)?;
        if read.get().is_none() {
            let version = self.rows.version(&self.head, at)?;
            let _ = read.set(Box::new(Read { version, records: OnceLock::new() }));
        }
        read.get().map(|read| &**read)
    }

    /// All files, in the order of their names.
    pub(crate) fn files(&self) -> Vec<PageFile> {
        let mut files: Vec<PageFile> = self.releases().flat_map(|it| it.read(PageRelease::file)).collect();
        files.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
        files
    }

    /// The names of all files with their SHA-256, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, Option<Sha256>)> {
        self.releases().flat_map(|it| it.read(|it, at| record::name(&mut it.record(at)?)))
    }

    /// The file of a name.
    pub(crate) fn find(&self, name: &str) -> Option<PageFile> {
        let (release, at) = self.place(name)?;
        release.file(at)
    }

    /// The file of a wheel.
    pub(crate) fn wheel(&self, name: &WheelName) -> Option<PageFile> {
        let release = self.release(name.version())?;
        release.file(release.place(name.as_str())?)
    }

    /// Where the provenance of the file of a name is.
    pub(crate) fn provenance(&self, name: &str) -> Option<Address> {
        let (release, at) = self.place(name)?;
        // Most files have none, and need not be read for that.
        if record::has_provenance(&mut release.record(at)?) { release.file(at)?.provenance } else { None }
    }

    fn place(&self, name: &str) -> Option<(PageRelease<'_>, usize)> {
        match WheelName::parse(name) {
            Ok(wheel) => {
                let release = self.release(wheel.version())?;
                Some((release, release.place(name)?))
            }
            Err(_) => self.releases().find_map(|release| Some((release, release.place(name)?))),
        }
    }

    fn specifiers(&self, at: usize) -> Option<VersionSpecifiers> {
        let specifiers = self.specifiers.get(at)?;
        let text = || self.head.get(specifiers.text.clone()).and_then(|it| std::str::from_utf8(it).ok());
        // One that is not well-formed says nothing, as for pip.
        specifiers.read.get_or_init(|| text()?.parse().ok()).clone()
    }
}

impl<'a> PageRelease<'a> {
    /// Its version.
    pub(crate) fn version(self) -> Option<&'a Version> {
        self.page.version(self.at)
    }

    /// Whether it has a source distribution.
    pub(crate) fn has_sdist(self) -> bool {
        self.places().len() > self.row.wheels
    }

    /// Its wheels, in the order of their names.
    pub(crate) fn wheels(self) -> impl Iterator<Item = PageWheel> {
        let specifiers = |at| self.page.specifiers(at);
        self.places()
            .take(self.row.wheels)
            .filter_map(move |at| record::wheel(&mut self.record(at)?, specifiers))
    }

    /// When its last source distribution was uploaded, as far as that is known, and whether it is on the web.
    pub(crate) fn sdist(self) -> Option<(Option<Timestamp>, bool)> {
        self.has_sdist().then(|| self.row.sdist())
    }

    /// Whether somebody vouches for one of its files.
    pub(crate) fn has_provenance(self) -> bool {
        self.row.has_provenance()
    }

    /// All its files, in the order of their names.
    pub(crate) fn files(self) -> Vec<PageFile> {
        let mut files: Vec<PageFile> = self.read(Self::file).collect();
        files.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
        files
    }

    /// The place of the file of a name.
    fn place(self, name: &str) -> Option<usize> {
        let is_it = |at: &usize| self.record(*at).is_some_and(|mut it| record::is_of(&mut it, name));
        self.places().find(is_it)
    }

    fn places(self) -> Range<usize> {
        self.row.first..self.end.first
    }

    fn read<T: 'a>(self, read: impl Fn(Self, usize) -> Option<T> + 'a) -> impl Iterator<Item = T> + 'a {
        self.places().filter_map(move |at| read(self, at))
    }

    fn file(self, at: usize) -> Option<PageFile> {
        record::file(&mut self.record(at)?, |at| self.page.specifiers(at))
    }

    fn record(self, at: usize) -> Option<Cursor<'a>> {
        self.records()?.get(self.part(at)?).map(Cursor::new)
    }

    /// Where a record is among those of its release.
    fn part(self, at: usize) -> Option<Range<usize>> {
        let from = |at: usize| self.start(at)?.checked_sub(self.row.records);
        Some(from(at)?..from(at.checked_add(1)?)?)
    }

    /// Where a record begins, counted from the first one of the page: where the one before it ends.
    fn start(self, at: usize) -> Option<usize> {
        if at == self.end.first {
            return Some(self.end.records);
        }
        let Page { head, places, .. } = self.page;
        let place = places.start.checked_add(at.checked_mul(4)?)?;
        usize::try_from(Cursor::new(head.get(place..places.end)?).u32()?).ok()
    }

    fn records(self) -> Option<&'a [u8]> {
        let Page { body, head, is_of_web, .. } = self.page;
        let read = self.page.read_at(self.at)?.records.get_or_init(|| {
            let from = |at: usize| at.checked_add(4)?.checked_add(head.len());
            let (start, end) = (self.row.records, self.end.records);
            let records = body.part(from(start)?..from(end)?)?;
            // The head may say what it likes: no two records share bytes, which would be read for each of them, and a page of
            // the web names no file of this machine.
            let is_it = |at| {
                let record = records.get(self.part(at)?)?;
                Some(!is_of_web || record::is_of_web(&mut Cursor::new(record)))
            };
            self.places().all(|at| is_it(at) == Some(true)).then_some(records)
        });
        read.as_deref()
    }
}

impl PartialEq for Page {
    fn eq(&self, other: &Self) -> bool {
        self.head == other.head && self.files() == other.files()
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page").field("marks", &self.marks).field("files", &self.files()).finish()
    }
}

fn marks(cursor: &mut Cursor<'_>) -> Option<Marks> {
    let status = match cursor.u8()? {
        0 => None,
        1 => Some((Status::Archived, cursor.text()?.to_owned())),
        2 => Some((Status::Deprecated, cursor.text()?.to_owned())),
        _ => return None,
    };
    let namespace = match cursor.u8()? {
        0 => None,
        flags => Some(Namespace {
            prefix: cursor.text()?.to_owned(),
            authorized: flags & 2 != 0,
            open: flags & 4 != 0,
        }),
    };
    Some(Marks { status, namespace })
}
