//! An index page as it is worked with and kept: packed, and read as far as somebody looks.
//!
//! Owns: the form of `<cache>/index/*.page` behind its first line. Never: leaves its own bytes, whatever they say.
//!
//! A page of a large project names thousands of files, of which a lock looks at a few. So the releases are listed in
//! front, and a file is made of its record when it is asked for.
//!
//! ```text
//! marks   whether a wheel has no upload time; status and its reason; namespace
//! texts   each Requires-Python once
//! releases in order: version, place of the first record, how many wheels, how many source distributions
//! places  where each record starts
//! records
//! ```

mod cursor;
mod record;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;
use jiff::Timestamp;
use pipward_resolver::{Version, VersionSpecifiers, WheelName};

use super::page::{Address, FileName, Marks, Namespace, PageFile, Status};
use crate::digest::Sha256;
use cursor::Cursor;
pub(super) use record::PageBuilder;

/// Counts up whenever what is written changes, so that older entries of the cache are none.
pub(super) const FORM: u32 = 2;

/// The files that one page names, each once.
#[derive(Clone)]
pub(crate) struct Page {
    bytes: Bytes,
    pub(crate) marks: Marks,
    specifiers: Vec<Specifiers>,
    /// In the order of their versions.
    releases: Vec<Listed>,
    places: Range<usize>,
    /// Whether a wheel on the web has no upload time.
    pub(crate) has_undated: bool,
}

/// A Requires-Python, read when a file that has it is.
#[derive(Clone)]
struct Specifiers {
    text: Range<usize>,
    read: OnceLock<Option<VersionSpecifiers>>,
}

#[derive(Clone)]
struct Listed {
    version: Version,
    first: usize,
    wheels: usize,
    sdists: usize,
}

/// One release of a page.
#[derive(Clone, Copy)]
pub(crate) struct PageRelease<'a> {
    page: &'a Page,
    listed: &'a Listed,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            bytes: Bytes::new(),
            marks: Marks::default(),
            specifiers: Vec::new(),
            releases: Vec::new(),
            places: 0..0,
            has_undated: false,
        }
    }
}

impl Page {
    /// Reads a page that [`Page::bytes`] gave; `None` where it is another one.
    pub(crate) fn read(bytes: Bytes) -> Option<Self> {
        let mut cursor = Cursor::new(&bytes);
        let has_undated = cursor.u8()? != 0;
        let marks = marks(&mut cursor)?;
        let count = cursor.count()?;
        let mut specifiers = Vec::with_capacity(count);
        for _ in 0..count {
            specifiers.push(Specifiers { text: cursor.text_range()?, read: OnceLock::new() });
        }
        let count = cursor.count()?;
        let mut releases = Vec::with_capacity(count);
        for _ in 0..count {
            let version = cursor.text()?.parse().ok()?;
            let (first, wheels, sdists) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
            let [first, wheels, sdists] =
                [first, wheels, sdists].map(|number| usize::try_from(number).unwrap_or(usize::MAX));
            releases.push(Listed { version, first, wheels, sdists });
        }
        let count = cursor.count()?;
        let start = cursor.at();
        let places = start..start.checked_add(count.checked_mul(4)?)?;
        bytes.get(places.clone())?;
        Some(Self { marks, specifiers, releases, places, has_undated, bytes })
    }

    /// As [`Self::read`], of a page that came over the network: it names no file of this machine, whoever wrote it down.
    pub(crate) fn read_of_web(bytes: Bytes) -> Option<Self> {
        let page = Self::read(bytes)?;
        let is_of_web = |at: usize| page.record(at).is_some_and(|mut record| record::is_of_web(&mut record));
        (0..page.len()).all(is_of_web).then_some(page)
    }

    /// What [`Self::read`] takes.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Whether it names no file.
    pub(crate) fn is_empty(&self) -> bool {
        self.releases.is_empty()
    }

    /// Its releases, oldest first.
    pub(crate) fn releases(&self) -> impl DoubleEndedIterator<Item = PageRelease<'_>> + ExactSizeIterator {
        self.releases.iter().map(|listed| PageRelease { page: self, listed })
    }

    /// The release that stands at a place of [`Self::releases`].
    pub(crate) fn release_at(&self, at: usize) -> Option<PageRelease<'_>> {
        Some(PageRelease { page: self, listed: self.releases.get(at)? })
    }

    /// The release of a version.
    pub(crate) fn release(&self, version: &Version) -> Option<PageRelease<'_>> {
        let at = self.releases.binary_search_by(|listed| listed.version.cmp(version)).ok()?;
        self.release_at(at)
    }

    /// All files, in the order of their names.
    pub(crate) fn files(&self) -> Vec<PageFile> {
        let mut files: Vec<PageFile> = (0..self.len()).filter_map(|at| self.file(at)).collect();
        files.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
        files
    }

    /// The names of all files with their SHA-256, in no order.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, Option<Sha256>)> {
        (0..self.len()).filter_map(|at| record::name(&mut self.record(at)?))
    }

    /// The file of a name.
    pub(crate) fn find(&self, name: &str) -> Option<PageFile> {
        self.file(self.place(name)?)
    }

    /// Where the provenance of the file of a name is.
    pub(crate) fn provenance(&self, name: &str) -> Option<Address> {
        let at = self.place(name)?;
        // Most files have none, and need not be read for that.
        if record::has_provenance(&mut self.record(at)?) { self.file(at)?.provenance } else { None }
    }

    fn place(&self, name: &str) -> Option<usize> {
        let is_it = |at: &usize| self.record(*at).is_some_and(|mut record| record::is_of(&mut record, name));
        match WheelName::parse(name) {
            Ok(wheel) => self.release(wheel.version())?.places().find(is_it),
            Err(_) => (0..self.len()).find(is_it),
        }
    }

    fn len(&self) -> usize {
        self.places.len() / 4
    }

    fn record(&self, at: usize) -> Option<Cursor<'_>> {
        let place = self.places.start.checked_add(at.checked_mul(4)?)?;
        let start = Cursor::new(self.bytes.get(place..self.places.end)?).u32()?;
        let records = self.bytes.get(self.places.end..)?;
        Some(Cursor::new(records.get(usize::try_from(start).ok()?..)?))
    }

    fn file(&self, at: usize) -> Option<PageFile> {
        record::file(&mut self.record(at)?, |at| {
            let specifiers = self.specifiers.get(at)?;
            let text = || self.bytes.get(specifiers.text.clone()).and_then(|it| std::str::from_utf8(it).ok());
            // One that is not well-formed says nothing, as for pip.
            specifiers.read.get_or_init(|| text()?.parse().ok()).clone()
        })
    }
}

impl<'a> PageRelease<'a> {
    /// Its version.
    pub(crate) fn version(self) -> &'a Version {
        &self.listed.version
    }

    /// Whether it has a source distribution.
    pub(crate) fn has_sdist(self) -> bool {
        self.listed.sdists > 0
    }

    /// Its wheels, in the order of their names.
    pub(crate) fn wheels(self) -> impl Iterator<Item = (WheelName, PageFile)> {
        let wheels = self.places().take(self.listed.wheels).filter_map(|at| self.page.file(at));
        wheels.filter_map(|file| match &file.name {
            FileName::Wheel(name) => Some((name.clone(), file)),
            FileName::Sdist { .. } => None,
        })
    }

    /// When its last source distribution was uploaded, as far as that is known, and whether it is on the web.
    pub(crate) fn sdist(self) -> Option<(Option<Timestamp>, bool)> {
        let last = self.places().skip(self.listed.wheels).last()?;
        record::uploaded(&mut self.page.record(last)?)
    }

    /// Whether somebody vouches for one of its files.
    pub(crate) fn has_provenance(self) -> bool {
        self.places()
            .any(|at| self.page.record(at).is_some_and(|mut record| record::has_provenance(&mut record)))
    }

    /// All its files, in the order of their names.
    pub(crate) fn files(self) -> Vec<PageFile> {
        let mut files: Vec<PageFile> = self.places().filter_map(|at| self.page.file(at)).collect();
        files.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
        files
    }

    fn places(self) -> Range<usize> {
        let Listed { first, wheels, sdists, .. } = *self.listed;
        let last = first.saturating_add(wheels).saturating_add(sdists);
        first..last.min(self.page.len())
    }
}

impl PartialEq for Page {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
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
