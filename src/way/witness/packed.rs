//! The witness as it is kept: read where it lies, and not parsed into anything.
//!
//! What is noted of the files comes first, one distribution behind the other, then what is known of each besides, and how long
//! that is. So the files of a large environment are read when somebody looks at them, and are never in memory all at once.
//!
//! Numbers are little-endian, texts have their length before them, and names end with a zero, as the system takes them.
//! Whoever can write the cache has written this: each length is looked at before it is used, and what does not fit ends
//! the reading. Never: asks the file system itself.

use std::borrow::Cow;
use std::ffi::{CStr, OsStr};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::state::{STAMP, Stamp};
use crate::digest::Sha256;

/// Raised when the form or the meaning of what is kept changes.
const FORMAT: u32 = 7;
/// What is kept begins with the format, so that earlier readers do not take it for theirs.
const START: u64 = 4;
/// At the end stand how long the heads are, and the format.
const END: usize = 8;
/// So much of the end is read at once: the heads of most environments.
const TAIL: u64 = 16 << 10;
/// No head takes less: the lengths of its texts, a hash, two flags, how many files there are, and how long they are.
const LEAST: usize = 66;

/// All that was kept of one environment, but for the files.
#[derive(Debug, Default)]
pub(super) struct Packed {
    bytes: Vec<u8>,
    /// The directory of pure modules, links followed, and as the scheme spells it.
    library: Range<usize>,
    spelled: Range<usize>,
    closed: Option<Sha256>,
    /// In the order of their `.dist-info` directories.
    all: Vec<Record>,
}

/// Where a distribution stands.
#[derive(Debug)]
struct Record {
    dist_info: Range<usize>,
    head: Range<usize>,
    /// Its files, in what is kept.
    body: Range<u64>,
}

/// What was noted of one distribution.
#[derive(Debug, Clone)]
pub(crate) struct Noted<'w> {
    /// Its normalised name.
    pub(crate) name: &'w str,
    /// `Name`, as METADATA spells it.
    pub(crate) spelled: &'w str,
    pub(crate) version: &'w str,
    /// Of the wheel.
    pub(crate) sha256: Sha256,
    /// The policy that let it in ([`crate::policy::DatedPolicy::fingerprint`]).
    pub(crate) judged_by: &'w str,
    /// What INSTALLER says.
    installer: Option<&'w str>,
    /// Whether there is a REQUESTED.
    requested: bool,
    /// How many files there are, as it is told: nothing depends on that but the order of work.
    pub(super) files: u32,
    /// Where its [directories] stand in what is kept.
    pub(super) body: Range<u64>,
    head: &'w [u8],
}

/// The directories of a body. One that cannot be read comes last, and does not hold.
pub(super) fn directories(body: &[u8]) -> impl Iterator<Item = Directory<'_>> {
    let mut rest = Bytes::of(body);
    std::iter::from_fn(move || {
        if rest.rest().is_empty() {
            return None;
        }
        let found = Directory::read(&mut rest);
        if found.is_none() {
            rest = Bytes::of(&[]);
        }
        Some(found.unwrap_or(Directory { path: c"", mode: 0, names: &[], stamps: &[] }))
    })
}

impl<'w> Noted<'w> {
    /// Whether it was installed by the tool of this name, and asked for by name or not.
    pub(crate) fn is_of(&self, installer: &str, requested: bool) -> bool {
        self.installer == Some(installer) && self.requested == requested
    }

    /// By this they are sorted.
    pub(super) fn dist_info(&self) -> &'w [u8] {
        Bytes::of(self.head).slice().unwrap_or_default()
    }

    /// The same with its body, to be written again.
    pub(super) fn written(&self, body: Vec<u8>) -> Written<'w> {
        Written { head: self.head.into(), body }
    }

    fn read(head: &'w [u8], body: &Range<u64>) -> Option<Self> {
        let mut from = Bytes::of(head);
        let _dist_info = from.slice()?;
        let (name, spelled, version) = (from.text()?, from.text()?, from.text()?);
        let (judged_by, sha256) = (from.text()?, Sha256::from_bytes(from.array()?));
        let (requested, has_installer) = (from.flag()?, from.flag()?);
        let installer = from.text()?;
        let files = from.number()?;
        // How long the body is stands last, and nothing before it is passed over.
        let _length: [u8; 4] = from.rest().try_into().ok()?;
        Some(Self {
            name,
            spelled,
            version,
            sha256,
            judged_by,
            installer: has_installer.then_some(installer),
            requested,
            files,
            body: body.clone(),
            head,
        })
    }
}

/// A directory with those of its files that are a distribution's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Directory<'w> {
    /// From the library on, or absolute; empty where what was kept cannot be read.
    pub(super) path: &'w CStr,
    pub(super) mode: u32,
    names: &'w [u8],
    stamps: &'w [u8],
}

impl<'w> Directory<'w> {
    /// Its path.
    pub(super) fn path_below(&self) -> &'w Path {
        Path::new(OsStr::from_bytes(self.path.to_bytes()))
    }

    /// The names of its files, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &'w CStr> + use<'w> {
        let mut rest = self.names;
        std::iter::from_fn(move || {
            let name = CStr::from_bytes_until_nul(rest).ok()?;
            rest = rest.get(name.count_bytes().saturating_add(1)..)?;
            Some(name)
        })
    }

    /// Its files, each with the state that was noted.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'w CStr, &'w Stamp)> + use<'w> {
        self.names().zip(self.stamps.as_chunks::<STAMP>().0)
    }

    /// How many files there are.
    pub(super) fn len(&self) -> usize {
        self.stamps.len() / STAMP
    }

    fn read(from: &mut Bytes<'w>) -> Option<Self> {
        let path = CStr::from_bytes_with_nul(from.slice()?).ok()?;
        let (mode, count) = (from.number()?, usize::try_from(from.number()?).ok()?);
        let (names, stamps) = (from.slice()?, from.take(count.checked_mul(STAMP)?)?);
        let found = Self { path, mode, names, stamps };
        // Each file has its name and its state, and there is no other.
        let zeros = names.iter().filter(|byte| **byte == 0).count();
        (!path.is_empty() && zeros == count && names.last().is_none_or(|last| *last == 0)).then_some(found)
    }
}

impl Packed {
    /// What was kept in so many bytes, of which `read` gives some, if it is of this format.
    pub(super) fn read(size: u64, read: impl Fn(Range<u64>) -> Option<Vec<u8>>) -> Option<Self> {
        let mut bytes = read(size.saturating_sub(TAIL)..size)?;
        let (rest, end) = bytes.split_at_checked(bytes.len().checked_sub(END)?)?;
        let mut end = Bytes::of(end);
        let (length, format) = (usize::try_from(end.number()?).ok()?, end.number()?);
        let heads = size.checked_sub(u64::try_from(length.checked_add(END)?).ok()?)?;
        if format != FORMAT || heads < START {
            return None;
        }
        match rest.len().checked_sub(length) {
            Some(before) => drop(bytes.drain(..before)),
            None => bytes = read(heads..size)?,
        }
        bytes.truncate(length);
        let mut from = Bytes::of(&bytes);
        let (library, spelled) = (from.range()?, from.range()?);
        let (is_closed, closed) = (from.flag()?, Sha256::from_bytes(from.array()?));
        let (mut all, mut at) = (Vec::new(), START);
        while !from.rest().is_empty() {
            let head = from.range()?;
            let dist_info = Bytes { at: head.start, ..from }.range()?;
            // Else what is kept could ask for much more room than it takes.
            if head.len() < LEAST || dist_info.end > head.end {
                return None;
            }
            let last = bytes.get(head.clone())?.last_chunk()?;
            let body = at..at.checked_add(u32::from_le_bytes(*last).into())?;
            at = body.end;
            all.push(Record { dist_info, head, body });
        }
        let is_whole = at == heads;
        is_whole.then_some(Self { closed: is_closed.then_some(closed), library, spelled, all, bytes })
    }

    /// Whether it is of the environment with this library, which is spelled so.
    pub(super) fn is_of(&self, library: &[u8], spelled: &[u8]) -> bool {
        self.part(&self.library) == library && self.part(&self.spelled) == spelled
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The set of names, versions and wheels for which every dependency was found.
    pub(super) fn closed(&self) -> Option<Sha256> {
        self.closed
    }

    /// What was noted of the distribution with this `.dist-info` directory.
    pub(super) fn get(&self, dist_info: &[u8]) -> Option<Noted<'_>> {
        let at = self.all.binary_search_by(|one| self.part(&one.dist_info).cmp(dist_info)).ok()?;
        let record = self.all.get(at)?;
        Noted::read(self.part(&record.head), &record.body)
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

/// What is known of a distribution besides its files.
pub(super) struct Head<'h> {
    pub(super) name: &'h str,
    pub(super) spelled: &'h str,
    pub(super) version: &'h str,
    pub(super) sha256: Sha256,
    pub(super) judged_by: &'h str,
    pub(super) installer: Option<&'h str>,
    pub(super) requested: bool,
    pub(super) dist_info: &'h [u8],
    pub(super) files: usize,
}

/// A distribution as it will be kept, but for how its directories and files stand.
#[derive(Debug)]
pub(super) struct Asked {
    bytes: Vec<u8>,
    /// Where its directories begin, each with its path, how many files it has, and their names.
    directories: usize,
    files: usize,
}

impl Asked {
    /// `None` where a length does not fit.
    pub(super) fn new(head: &Head<'_>) -> Option<Self> {
        let mut bytes = Vec::new();
        put(&mut bytes, head.dist_info)?;
        for text in [head.name, head.spelled, head.version, head.judged_by] {
            put(&mut bytes, text.as_bytes())?;
        }
        bytes.extend_from_slice(head.sha256.as_bytes());
        bytes.extend([u8::from(head.requested), u8::from(head.installer.is_some())]);
        put(&mut bytes, head.installer.unwrap_or_default().as_bytes())?;
        bytes.extend(u32::try_from(head.files).ok()?.to_le_bytes());
        Some(Self { directories: bytes.len(), bytes, files: head.files })
    }

    /// Adds a directory. `None` where a length does not fit, or a name cannot be one.
    pub(super) fn push<'n>(
        &mut self,
        path: &[u8],
        names: impl ExactSizeIterator<Item = &'n [u8]> + Clone,
    ) -> Option<()> {
        let with_zero = |bytes: &mut Vec<u8>, name: &[u8]| {
            bytes.extend_from_slice(name);
            bytes.push(0);
            (!name.contains(&0)).then_some(())
        };
        let bytes = &mut self.bytes;
        bytes.extend(u32::try_from(path.len().checked_add(1)?).ok()?.to_le_bytes());
        with_zero(bytes, path)?;
        bytes.extend(u32::try_from(names.len()).ok()?.to_le_bytes());
        let length =
            names.clone().try_fold(0_usize, |sum, name| sum.checked_add(name.len())?.checked_add(1))?;
        bytes.extend(u32::try_from(length).ok()?.to_le_bytes());
        names.into_iter().try_for_each(|name| with_zero(bytes, name))
    }

    /// Gives back the room that it does not need: those of all distributions wait for each other.
    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// The same with how each directory stands, and each of its files, as `look` tells it. `None` where that tells nothing.
    pub(super) fn fill(
        &self,
        mut look: impl FnMut(&Directory<'_>, &mut [Stamp]) -> Option<u32>,
    ) -> Option<Written<'static>> {
        let (head, directories) = self.bytes.split_at_checked(self.directories)?;
        let mut made = Vec::with_capacity(self.files.checked_mul(STAMP)?.checked_add(self.bytes.len())?);
        let mut from = Bytes::of(directories);
        while !from.rest().is_empty() {
            let (path, count, names) = (from.slice()?, from.number()?, from.slice()?);
            put(&mut made, path)?;
            let mode = made.len()..made.len().checked_add(size_of::<u32>())?;
            made.extend([0; size_of::<u32>()]);
            made.extend(count.to_le_bytes());
            put(&mut made, names)?;
            let start = made.len();
            made.resize(usize::try_from(count).ok()?.checked_mul(STAMP)?.checked_add(start)?, 0);
            let path = CStr::from_bytes_with_nul(path).ok()?;
            let directory = Directory { path, mode: 0, names, stamps: &[] };
            let found = look(&directory, made.get_mut(start..)?.as_chunks_mut().0)?;
            made.get_mut(mode)?.copy_from_slice(&found.to_le_bytes());
        }
        let length = u32::try_from(made.len()).ok()?.to_le_bytes();
        Some(Written { head: [head, &length].concat().into(), body: made })
    }

    /// By this they are sorted.
    pub(super) fn dist_info(&self) -> &[u8] {
        Bytes::of(&self.bytes).slice().unwrap_or_default()
    }
}

/// A distribution as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written<'w> {
    /// Its last number tells how long the body is.
    head: Cow<'w, [u8]>,
    body: Vec<u8>,
}

/// All of it in parts, the distributions in the order of their `.dist-info` directories. `None` where a length does not fit; a
/// distribution whose own does not is left out.
pub(super) fn parts<'w>(
    library: &[u8],
    spelled: &[u8],
    closed: Option<Sha256>,
    all: impl Iterator<Item = Written<'w>>,
) -> Option<impl Iterator<Item = Vec<u8>>> {
    let mut heads = Vec::new();
    put(&mut heads, library)?;
    put(&mut heads, spelled)?;
    heads.push(u8::from(closed.is_some()));
    heads.extend_from_slice(closed.unwrap_or(Sha256::from_bytes([0; 32])).as_bytes());
    let (mut all, mut heads) = (all.fuse(), Some(heads));
    let rest = std::iter::from_fn(move || {
        let written = all.by_ref().find_map(|one| {
            put(heads.as_mut()?, &one.head)?;
            Some(one.body)
        });
        written.or_else(|| {
            let mut end = heads.take()?;
            // What is longer than can be told is not read again.
            let length = u32::try_from(end.len()).unwrap_or(u32::MAX);
            end.extend([length, FORMAT].map(u32::to_le_bytes).as_flattened());
            Some(end)
        })
    });
    Some(std::iter::once(FORMAT.to_le_bytes().to_vec()).chain(rest))
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) -> Option<()> {
    bytes.extend(u32::try_from(part.len()).ok()?.to_le_bytes());
    bytes.extend_from_slice(part);
    Some(())
}

/// Where reading is. What is not there is `None`.
#[derive(Clone, Copy)]
struct Bytes<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.array()? {
            [flag @ (0 | 1)] => Some(flag == 1),
            _ => None,
        }
    }

    fn slice(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    /// Where a slice stands.
    fn range(&mut self) -> Option<Range<usize>> {
        let length = self.slice()?.len();
        Some(self.at.checked_sub(length)?..self.at)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.slice()?).ok()
    }
}

#[cfg(test)]
mod tests;
