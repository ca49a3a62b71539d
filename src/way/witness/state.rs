//! What the system says of files, and whether that is what was noted.
//!
//! Never: opens a file, or follows a link that stands at its name.

use std::ffi::CStr;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};

use super::packed::{self, Directory, Noted};
use super::tick::Limit;

/// How many bytes the state of a file takes: size, inode, mode, mtime and ctime with nanoseconds.
pub(super) const STAMP: usize = 44;
/// The state of a file.
pub(super) type Stamp = [u8; STAMP];

/// A directory with no more files than this is not opened: they are asked for by their paths from the library on.
const FEW: usize = 8;
/// The longest path that the system takes, in bytes (`PATH_MAX`).
const LONGEST: usize = 4096;
/// A thread more pays from so many files on.
const FILES_A_THREAD: usize = 1500;
/// More threads ask for no more files in a second.
const MOST_THREADS: usize = 8;

/// The directory of pure modules.
#[derive(Debug)]
pub(super) struct Library(OwnedFd);

impl Library {
    pub(super) fn open(path: &Path) -> Option<Self> {
        directory(CWD, path).map(Self)
    }
}

/// So many bytes of what stands side by side are read at once.
const AT_ONCE: u64 = 64 << 10;

/// Whether each file of all these is as it was noted, in what `read` gives: so many bytes from a place on, or nothing.
pub(super) fn hold(
    library: &Library,
    mut all: Vec<Noted<'_>>,
    read: &(dyn Fn(u64, &mut [u8]) -> Option<()> + Sync),
) -> bool {
    all.sort_by_key(|noted| noted.body.start);
    let files =
        |some: &[Noted<'_>]| some.iter().fold(0_usize, |sum, one| sum.saturating_add(one.files as usize));
    let number = files(&all);
    let mut groups = side_by_side(&all);
    // What takes longest is begun first, so that all are done at about the same time.
    groups.sort_by_key(|some| std::cmp::Reverse(files(some)));
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let more = match number / FILES_A_THREAD {
        0 => 0,
        threads => threads.min(MOST_THREADS).min(groups.len()).min(cores()).saturating_sub(1),
    };
    let (next, holds) = (AtomicUsize::new(0), AtomicBool::new(true));
    let work = || {
        let (mut paths, mut bytes) = (Paths::default(), Vec::new());
        let mut is_same = |some: &[Noted<'_>]| {
            let (start, end) = (some.first()?.body.start, some.last()?.body.end);
            let within = |at: u64| usize::try_from(at.checked_sub(start)?).ok();
            let length = within(end)?;
            if bytes.len() < length {
                bytes = vec![0; length];
            }
            let bytes = bytes.get_mut(..length)?;
            read(start, bytes)?;
            let mut bodies = some.iter().map(|one| bytes.get(within(one.body.start)?..within(one.body.end)?));
            let mut holds =
                |body| packed::directories(body).all(|found| holds_in(library, &found, &mut paths));
            bodies.all(|body| body.is_some_and(&mut holds)).then_some(())
        };
        while holds.load(Ordering::Relaxed)
            && let Some(some) = groups.get(next.fetch_add(1, Ordering::Relaxed))
        {
            if is_same(some).is_none() {
                holds.store(false, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        // Where there can be no other thread, this one does it all.
        for _ in 0..more {
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    holds.into_inner()
}

/// Those in groups whose bodies stand side by side and are read at once; of a large one it alone.
fn side_by_side<'s, 'w>(mut all: &'s [Noted<'w>]) -> Vec<&'s [Noted<'w>]> {
    let mut groups = Vec::new();
    while let Some(first) = all.first() {
        let most = first.body.start.saturating_add(AT_ONCE);
        let mut end = first.body.end;
        let others = all.get(1..).unwrap_or_default().iter().take_while(|next| {
            let is_next = next.body.start == end && next.body.end <= most;
            end = next.body.end;
            is_next
        });
        let (group, rest) = all.split_at(others.count().saturating_add(1));
        groups.push(group);
        all = rest;
    }
    groups
}

/// Whether a directory, and each file in it, is as it was noted.
fn holds_in(library: &Library, noted: &Directory<'_>, paths: &mut Paths) -> bool {
    if noted.len() > FEW {
        let Some(opened) = directory(library.0.as_fd(), noted.path) else { return false };
        return rustix::fs::fstat(&opened).is_ok_and(|found| mode(&found) == Some(noted.mode))
            && noted.files().all(|(name, stamp)| of_file(opened.as_fd(), name).as_ref() == Some(stamp));
    }
    let is_same = rustix::fs::statat(&library.0, noted.path, AtFlags::empty())
        .is_ok_and(|found| mode(&found) == Some(noted.mode) && is_directory(&found));
    paths.enter(noted.path);
    is_same
        && noted.files().all(|(name, stamp)| {
            paths.of(name).and_then(|path| of_file(library.0.as_fd(), path)).as_ref() == Some(stamp)
        })
}

/// The mode of a directory, and the state of its files in their order; nothing where one is not a file, or was changed at the
/// limit or later.
pub(super) fn of(
    library: &Library,
    asked: &Directory<'_>,
    stamps: &mut [Stamp],
    limit: Option<Limit>,
) -> Option<u32> {
    let left_alone = |from: BorrowedFd<'_>, path: &CStr| {
        let found = file(from, path).filter(|found| limit.is_none_or(|limit| limit.is_after(found)))?;
        stamp(&found)
    };
    if stamps.len() <= FEW {
        let found = rustix::fs::statat(&library.0, asked.path, AtFlags::empty()).ok()?;
        let mut paths = Paths::default();
        paths.enter(asked.path);
        for (name, stamp) in asked.names().zip(stamps) {
            *stamp = left_alone(library.0.as_fd(), paths.of(name)?)?;
        }
        return mode(&found).filter(|_| is_directory(&found));
    }
    let opened = directory(library.0.as_fd(), asked.path)?;
    for (name, stamp) in asked.names().zip(stamps) {
        *stamp = left_alone(opened.as_fd(), name)?;
    }
    mode(&rustix::fs::fstat(&opened).ok()?)
}

fn directory(from: BorrowedFd<'_>, path: impl rustix::path::Arg) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(from, path, flags, Mode::empty()).ok()
}

// The types of what the system says differ from system to system. What fits into none of these is not noted.

fn mode(found: &Stat) -> Option<u32> {
    u32::try_from(i128::from(found.st_mode)).ok()
}

fn is_directory(found: &Stat) -> bool {
    FileType::from_raw_mode(found.st_mode).is_dir()
}

fn file(from: BorrowedFd<'_>, path: &CStr) -> Option<Stat> {
    let found = rustix::fs::statat(from, path, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    FileType::from_raw_mode(found.st_mode).is_file().then_some(found)
}

fn of_file(from: BorrowedFd<'_>, path: &CStr) -> Option<Stamp> {
    stamp(&file(from, path)?)
}

fn stamp(found: &Stat) -> Option<Stamp> {
    let mut stamp = [0; STAMP];
    let parts = [
        u64::try_from(found.st_size).ok()?.to_le_bytes(),
        u64::try_from(i128::from(found.st_ino)).ok()?.to_le_bytes(),
        i64::try_from(i128::from(found.st_mtime)).ok()?.to_le_bytes(),
        i64::try_from(i128::from(found.st_ctime)).ok()?.to_le_bytes(),
    ];
    let small = [
        mode(found)?.to_le_bytes(),
        u32::try_from(i128::from(found.st_mtime_nsec)).ok()?.to_le_bytes(),
        u32::try_from(i128::from(found.st_ctime_nsec)).ok()?.to_le_bytes(),
    ];
    let (large, rest) = stamp.split_at_mut_checked(32)?;
    large.copy_from_slice(parts.as_flattened());
    rest.copy_from_slice(small.as_flattened());
    Some(stamp)
}

/// Paths, put together in one place.
struct Paths {
    bytes: [u8; LONGEST],
    /// How long the path of the directory is, with the `/` behind it; too long where it does not fit.
    start: usize,
}

impl Default for Paths {
    fn default() -> Self {
        Self { bytes: [0; LONGEST], start: LONGEST }
    }
}

impl Paths {
    fn enter(&mut self, directory: &CStr) {
        let directory = directory.to_bytes();
        self.start = LONGEST;
        if let Some((place, [slash, ..])) = self.bytes.split_at_mut_checked(directory.len()) {
            place.copy_from_slice(directory);
            *slash = b'/';
            self.start = directory.len().saturating_add(1);
        }
    }

    /// The path of a file in the directory; `None` where it is too long.
    fn of(&mut self, name: &CStr) -> Option<&CStr> {
        let name = name.to_bytes_with_nul();
        let end = self.start.checked_add(name.len())?;
        self.bytes.get_mut(self.start..end)?.copy_from_slice(name);
        CStr::from_bytes_with_nul(self.bytes.get(..end)?).ok()
    }
}
