//! What an interrupted run left behind, and the lock that tells a live run from a dead one.
//!
//! Owns: the names of stages and of building places, and the lock. Never: touches what a live process works on.
//!
//! The lock is an advisory one on the directory itself, so that no lock file is left behind and a kill releases it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::tree::{Gate, Tree, is_missing};
use super::{commit, guard};
use crate::error::{Code, Place, Problem, io as io_problem};

/// How a stage's name begins; random letters follow.
pub(super) const STAGE_PREFIX: &str = ".pipward-";
/// How many random letters.
pub(super) const RANDOM: usize = 6;
/// How long another process may keep an environment before this one gives up.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// What an interrupted run had left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Settled {
    /// Nothing.
    Nothing,
    /// A change that was complete, but for its remains.
    New,
    /// A change that was not: it was taken back.
    Old,
}

/// Settles what an interrupted run left of the environment at `prefix` (which need not be there): it is old if the
/// change was not complete, else new. Leaves alone what a live process works on; while that moves files, it is waited
/// for, so that nobody sees a mixture. Can be called again at any time.
///
/// # Errors
/// `journal-unreadable`, `environment-busy`, and those of the file system.
pub fn recover(prefix: &Path) -> Result<(), Problem> {
    settle(prefix, &Gate::default(), false).map(|_| ())
}

/// Whether there is nothing to settle. Nothing is changed.
pub fn is_settled(prefix: &Path) -> bool {
    real_place(prefix).is_none_or(|place| stages(&place).is_empty())
}

/// [`recover`] that waits for a live process in any case, and tells what it found.
///
/// # Errors
/// As [`recover`].
pub fn repair(prefix: &Path) -> Result<Settled, Problem> {
    settle(prefix, &Gate::default(), true)
}

/// [`recover`], with a fault that a test wants.
#[cfg(test)]
pub(super) fn recover_with(prefix: &Path, gate: &Gate) -> Result<(), Problem> {
    settle(prefix, gate, false).map(|_| ())
}

fn settle(prefix: &Path, gate: &Gate, wait: bool) -> Result<Settled, Problem> {
    let Some(place) = real_place(prefix) else { return Ok(Settled::Nothing) };
    remove_building_places(&place);
    if stages(&place).is_empty() {
        return Ok(Settled::Nothing);
    }
    let tree = open(&place, gate)?;
    let failed = |error: io::Error| io_problem("locking the environment", place.clone(), &error);
    let handle = Lockable(tree.handle().try_clone().map_err(failed)?);
    let locked = try_lock(&handle).map_err(failed)?;
    if !locked && !wait && !is_moving(&place) {
        // A live process has not begun to change anything.
        return Ok(Settled::Nothing);
    }
    if !locked {
        lock(&handle, prefix, PATIENCE)?;
    }
    settle_all(&tree)
}

/// Whether a journal stands in one of the stages.
fn is_moving(place: &Path) -> bool {
    stages(place).iter().any(|stage| place.join(commit::StageNames::of(stage).journal).exists())
}

/// Settles every stage of an environment that this process has locked.
pub(super) fn settle_all(tree: &Tree) -> Result<Settled, Problem> {
    let mut all = Settled::Nothing;
    for stage in stages(tree.path()) {
        all = all.max(commit::settle(tree, &stage)?);
    }
    Ok(all)
}

/// The tree of an environment.
pub(super) fn open(place: &Path, gate: &Gate) -> Result<Tree, Problem> {
    Tree::open(place, gate.clone()).map_err(|error| io_problem("opening the environment", place, &error))
}

/// Where an environment really is, links followed; it need not be there yet.
pub(super) fn real_place(prefix: &Path) -> Option<PathBuf> {
    if let Ok(place) = prefix.canonicalize() {
        return Some(place);
    }
    Some(prefix.parent()?.canonicalize().ok()?.join(prefix.file_name()?))
}

/// How the names begin under which an environment of this name is built beside its place.
pub(super) fn building_prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(STAGE_PREFIX);
    prefix
}

/// The stages in an environment, by name. What cannot be listed has none that could be settled.
fn stages(place: &Path) -> Vec<PathBuf> {
    directories(place, OsStr::new(STAGE_PREFIX))
}

fn directories(place: &Path, prefix: &OsStr) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let is_ours = |name: &OsStr| {
        let letters = name.as_encoded_bytes().strip_prefix(prefix.as_encoded_bytes());
        letters.is_some_and(|rest| rest.len() == RANDOM && rest.iter().all(u8::is_ascii_alphanumeric))
    };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| is_ours(&entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.file_name().into())
        .collect();
    found.sort();
    found
}

/// Removes building places beside an environment which no live process holds. One that cannot be removed (of another
/// user) is no reason to stop.
fn remove_building_places(place: &Path) {
    let (Some(parent), Some(name)) = (place.parent(), place.file_name()) else { return };
    for building in directories(parent, &building_prefix(name)) {
        let building = parent.join(building);
        let Ok(handle) = open_directory(&building) else { continue };
        if try_lock(&handle).is_ok_and(|locked| locked)
            && let Err(error) = std::fs::remove_dir_all(&building)
            && !is_missing(&error)
        {
            tracing::warn!("{}", io_problem("removing what an interrupted run left", building, &error));
        }
    }
}

/// An open directory that can be locked. Its lock ends with it, also where a child of this process that has not begun
/// its own program yet holds a copy of the handle: closing alone would leave the lock to the child.
#[derive(Debug)]
pub(super) struct Lockable(OwnedFd);

impl AsFd for Lockable {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Drop for Lockable {
    fn drop(&mut self) {
        // What has no lock, or cannot have one, needs no help.
        let _ = rustix::fs::flock(&self.0, FlockOperation::NonBlockingUnlock);
    }
}

/// Opens a directory, not a link to one, to lock it.
pub(super) fn open_directory(path: &Path) -> io::Result<Lockable> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(Lockable(rustix::fs::openat(CWD, path, flags, Mode::empty())?))
}

/// Takes the lock of a directory for as long as `handle` lives; `false` where another process has it.
pub(super) fn try_lock(handle: &Lockable) -> io::Result<bool> {
    match rustix::fs::flock(handle, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        // Some network file systems lock no directory: better without than not at all.
        Err(Errno::BADF | Errno::NOTSUP | Errno::NOLCK | Errno::NOSYS) => {
            tracing::warn!("this file system has no locks for directories");
            Ok(true)
        }
        Err(error) => Err(error.into()),
    }
}

/// Takes the lock of an environment, waiting up to `patience`.
///
/// # Errors
/// `environment-busy`, `interrupted`.
pub(super) fn lock(handle: &Lockable, place: &Path, patience: Duration) -> Result<(), Problem> {
    let begun = Instant::now();
    loop {
        guard::check()?;
        if try_lock(handle).map_err(|error| io_problem("locking the environment", place, &error))? {
            return Ok(());
        }
        if begun.elapsed() >= patience {
            let busy = Problem::new(Code::EnvironmentBusy, "another process is changing this environment")
                .at(Place::file(place))
                .help("wait until it has ended, and run the same command again");
            return Err(match holder(handle) {
                Some(holder) => busy.found(holder),
                None => busy,
            });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The process that has the lock of a directory, as far as the system tells: its number and command.
fn holder(handle: &Lockable) -> Option<String> {
    let found = rustix::fs::fstat(handle).ok()?;
    let inode = format!(":{}", found.st_ino);
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // `1: FLOCK  ADVISORY  WRITE 4711 fe:01:131075 0 EOF`
    let line = locks.lines().find(|line| {
        let mut words = line.split_whitespace();
        words.any(|word| word == "FLOCK") && words.any(|word| word.ends_with(&inode) && word.contains(':'))
    })?;
    let process = line.split_whitespace().nth(4)?;
    let command = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    Some(format!("process {process}: {}", command.trim().chars().take(200).collect::<String>()))
}
