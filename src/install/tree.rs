//! Changes of names beneath one directory.
//!
//! Owns: that no step follows a link, and that no path leads out of the tree. Never: opens a file that is there for
//! writing, or replaces one.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

/// The directories that are kept open: where a file comes from, and where it goes.
const RECENT: usize = 2;

/// A directory, and names beneath it.
pub(super) struct Tree {
    root: OwnedFd,
    path: PathBuf,
    recent: RefCell<Vec<(PathBuf, Rc<OwnedFd>)>>,
    gate: Gate,
}

impl Tree {
    /// The tree below `path`, which may be a link itself.
    pub(super) fn open(path: &Path, gate: Gate) -> io::Result<Self> {
        let root = rustix::fs::openat(
            CWD,
            path,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        Ok(Self { root, path: path.to_owned(), recent: RefCell::default(), gate })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The directory itself.
    pub(super) fn handle(&self) -> &OwnedFd {
        &self.root
    }

    /// What stands at `path`; a link is a link. `None` where nothing does.
    pub(super) fn kind(&self, path: &Path) -> io::Result<Option<FileType>> {
        let found = self
            .parent(path)
            .and_then(|(parent, name)| Ok(rustix::fs::statat(&*parent, name, AtFlags::SYMLINK_NOFOLLOW)?));
        match found {
            Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Moves a name to where nothing stands.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.gate.pass()?;
        let (old_parent, old_name) = self.parent(from)?;
        let (new_parent, new_name) = self.parent(to)?;
        // Only a name of ours is free for sure: rename would silently replace another's.
        #[cfg(target_os = "linux")]
        match self.gate.pass_flags().and_then(|()| {
            let flags = rustix::fs::RenameFlags::NOREPLACE;
            rustix::fs::renameat_with(&*old_parent, old_name, &*new_parent, new_name, flags)
        }) {
            // Not every file system can, nor every kernel, and a container may forbid it.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => {}
            renamed => return Ok(renamed?),
        }
        match rustix::fs::statat(&*new_parent, new_name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
        }
        Ok(rustix::fs::renameat(&*old_parent, old_name, &*new_parent, new_name)?)
    }

    /// Makes a directory; one that is there is fine.
    pub(super) fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.gate.pass()?;
        let (parent, name) = self.parent(path)?;
        match rustix::fs::mkdirat(&*parent, name, Mode::RWXU | Mode::RWXG | Mode::RWXO) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a directory permission bits, if it is there.
    pub(super) fn set_mode(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.gate.pass()?;
        let (parent, name) = self.parent(path)?;
        let mode = Mode::from_raw_mode(mode);
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // By its handle: whatever its name leads to by now is left alone.
        match rustix::fs::openat(&*parent, name, flags | OFlags::RDONLY, Mode::empty()) {
            Ok(directory) => Ok(rustix::fs::fchmod(&directory, mode)?),
            Err(Errno::NOENT) => Ok(()),
            // One that may not be read is reached by the name that the system gives to the handle.
            Err(Errno::ACCESS) => {
                let directory = rustix::fs::openat(&*parent, name, flags | OFlags::PATH, Mode::empty())?;
                let handle = format!("/proc/self/fd/{}", directory.as_raw_fd());
                Ok(rustix::fs::chmod(handle, mode)?)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a directory if it is there and empty.
    pub(super) fn remove_if_empty(&self, path: &Path) -> io::Result<()> {
        self.gate.pass()?;
        let removed = self
            .parent(path)
            .and_then(|(parent, name)| Ok(rustix::fs::unlinkat(&*parent, name, AtFlags::REMOVEDIR)?));
        self.forget();
        match removed {
            Err(error) if !is_missing(&error) && error.kind() != io::ErrorKind::DirectoryNotEmpty => {
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Removes a file or link if it is there.
    pub(super) fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.gate.pass()?;
        let (parent, name) = self.parent(path)?;
        match rustix::fs::unlinkat(&*parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a directory of ours with all that is in it, following no link.
    pub(super) fn remove_all(&self, path: &Path) -> io::Result<()> {
        self.gate.pass()?;
        self.forget();
        match std::fs::remove_dir_all(self.path.join(path)) {
            Err(error) if !is_missing(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes sure that names in `path` outlive a power cut.
    pub(super) fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let directory = self.directory(path)?;
        Ok(rustix::fs::fsync(&*directory)?)
    }

    /// A new file at `path`, for this process to write.
    pub(super) fn create(&self, path: &Path) -> io::Result<std::fs::File> {
        self.gate.pass()?;
        let (parent, name) = self.parent(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&*parent, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// The content of a file of ours, up to `cap` bytes; `None` where it is larger or no regular file.
    pub(super) fn read(&self, path: &Path, cap: u64) -> io::Result<Option<Vec<u8>>> {
        let (parent, name) = self.parent(path)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        read_file(rustix::fs::openat(&*parent, name, flags, Mode::empty())?.into(), cap)
    }

    /// Forgets the directories that are kept open; needed after directories moved.
    pub(super) fn forget(&self) {
        self.recent.borrow_mut().clear();
    }

    fn parent<'a>(&self, path: &'a Path) -> io::Result<(Rc<OwnedFd>, &'a OsStr)> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a path without a name"));
        };
        Ok((self.directory(parent)?, name))
    }

    /// Opens a directory part by part, so that a link on the way is an error.
    fn directory(&self, path: &Path) -> io::Result<Rc<OwnedFd>> {
        if let Some((_, open)) = self.recent.borrow().iter().find(|(known, _)| known == path) {
            return Ok(Rc::clone(open));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut open = rustix::fs::openat(self.root.as_fd(), ".", flags, Mode::empty())?;
        for part in path.components() {
            let Component::Normal(part) = part else {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "a path that leads elsewhere"));
            };
            open = rustix::fs::openat(&open, part, flags, Mode::empty())?;
        }
        let open = Rc::new(open);
        let mut recent = self.recent.borrow_mut();
        if recent.len() >= RECENT {
            recent.remove(0);
        }
        recent.push((path.to_owned(), Rc::clone(&open)));
        Ok(open)
    }
}

/// Whether nothing stands there.
pub(super) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The content of an open file, up to `cap` bytes; `None` where it is larger or no regular file.
pub(super) fn read_file(file: std::fs::File, cap: u64) -> io::Result<Option<Vec<u8>>> {
    if !file.metadata()?.is_file() {
        return Ok(None);
    }
    let content = crate::room::read_at_most(file, cap.saturating_add(1))?;
    Ok(u64::try_from(content.len()).is_ok_and(|size| size <= cap).then_some(content))
}

/// Where tests let the n-th change not succeed, or stop everything as a kill would.
#[derive(Debug, Clone, Default)]
pub(super) struct Gate {
    #[cfg(test)]
    fault: Option<std::sync::Arc<Fault>>,
    /// What flags of a rename are refused with.
    #[cfg(test)]
    refused: Option<Errno>,
}

#[cfg(not(test))]
#[allow(clippy::unused_self, clippy::unnecessary_wraps)]
impl Gate {
    pub(super) fn pass(&self) -> io::Result<()> {
        Ok(())
    }
    pub(super) fn pass_flags(&self) -> rustix::io::Result<()> {
        Ok(())
    }
    pub(super) fn is_stopped(&self) -> bool {
        false
    }
}

/// What a test lets happen, and how many changes were made so far.
#[cfg(test)]
#[derive(Debug)]
struct Fault {
    at: usize,
    stays: bool,
    passed: std::sync::atomic::AtomicUsize,
}

#[cfg(test)]
impl Gate {
    /// The change number `at` (from 0) does not succeed.
    pub(super) fn failing(at: usize) -> Self {
        Self::with(Fault { at, stays: false, passed: 0.into() })
    }

    /// Nothing happens any more from change number `at` on.
    pub(super) fn stopping(at: usize) -> Self {
        Self::with(Fault { at, stays: true, passed: 0.into() })
    }

    fn with(fault: Fault) -> Self {
        Self { fault: Some(std::sync::Arc::new(fault)), refused: None }
    }

    /// As on a file system that knows no flags of a rename.
    fn without_flags(refused: Errno) -> Self {
        Self { fault: None, refused: Some(refused) }
    }

    pub(super) fn pass_flags(&self) -> rustix::io::Result<()> {
        self.refused.map_or(Ok(()), Err)
    }

    /// Whether the fault has happened.
    pub(super) fn tripped(&self) -> bool {
        self.fault
            .as_ref()
            .is_some_and(|fault| fault.passed.load(std::sync::atomic::Ordering::SeqCst) > fault.at)
    }

    pub(super) fn pass(&self) -> io::Result<()> {
        let Some(fault) = &self.fault else { return Ok(()) };
        let passed = fault.passed.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let fails = passed == fault.at || fault.stays && passed > fault.at;
        if fails { Err(io::Error::other("a fault of the test")) } else { Ok(()) }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.tripped() && self.fault.as_ref().is_some_and(|fault| fault.stays)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_move_replaces_nothing(gate: Gate) {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        let tree = Tree::open(scratch.path(), gate).unwrap();
        std::fs::create_dir_all(at("empty")).unwrap();
        std::fs::create_dir_all(at("full/below")).unwrap();
        std::fs::write(at("file"), "file").unwrap();
        std::fs::write(at("other"), "other").unwrap();
        std::os::unix::fs::symlink("nowhere", at("link")).unwrap();
        let check = |from: &str, to: &str| {
            let error = tree.rename(Path::new(from), Path::new(to)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{from} {to}");
        };
        for from in ["other", "full", "link"] {
            ["empty", "file", "link", "full"].into_iter().for_each(|to| check(from, to));
        }
        assert_eq!(std::fs::read(at("file")).unwrap(), b"file");
        assert_eq!(std::fs::read(at("other")).unwrap(), b"other");
        assert_eq!(std::fs::read_link(at("link")).unwrap(), Path::new("nowhere"));
        assert!(at("empty").is_dir() && at("full/below").is_dir());
        tree.rename(Path::new("other"), Path::new("empty/new")).unwrap();
        tree.rename(Path::new("full"), Path::new("moved")).unwrap();
        tree.rename(Path::new("link"), Path::new("moved/link")).unwrap();
        assert!(at("empty/new").is_file() && at("moved/below").is_dir());
        assert!(at("moved/link").is_symlink());
        assert!(["other", "full", "link"].iter().all(|name| at(name).symlink_metadata().is_err()));
        let missing = tree.rename(Path::new("nothing"), Path::new("new")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_move_replaces_nothing_with_flags_and_without() {
        a_move_replaces_nothing(Gate::default());
        for refused in [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::PERM] {
            a_move_replaces_nothing(Gate::without_flags(refused));
        }
    }

    /// What else may be wrong is told, and no other way is tried.
    #[test]
    fn a_move_that_fails_otherwise_is_not_tried_without_flags() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::write(scratch.path().join("file"), "file").unwrap();
        let tree = Tree::open(scratch.path(), Gate::without_flags(Errno::NOSPC)).unwrap();
        let error = tree.rename(Path::new("file"), Path::new("new")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(scratch.path().join("file").is_file() && !scratch.path().join("new").exists());
    }
}
