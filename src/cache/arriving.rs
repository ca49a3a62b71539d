//! Wheels on their way into the store.
//!
//! Owns: that a run which is refused leaves the store as it was, although wheels are written as they arrive and need not be
//! held in memory until the run has ended.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use tempfile::{Builder, TempPath};

use super::{NEW, Store, make_private};
use crate::error::{Problem, io as io_problem};
use crate::fetch::PrivateBytes;
use crate::memory::Whole;
use crate::verify::VerifiedWheel;

/// Wheels are written in steps of this many bytes.
const STEP: usize = 1 << 20;

/// The wheels of one run.
#[derive(Debug)]
pub(crate) struct Arriving {
    store: Store,
    /// Written, and where they belong.
    waiting: Mutex<Vec<(TempPath, PathBuf)>>,
    /// Why one was not written. The first reason is the one that is told.
    unkept: OnceLock<Problem>,
    /// The directories that were not there before, the outermost first.
    made: Vec<PathBuf>,
}

impl Arriving {
    /// Nothing is made until a wheel arrives.
    pub(crate) fn new(store: Store) -> Self {
        let missing = |directory: &&Path| !directory.exists();
        let made: Vec<PathBuf> =
            store.directory().ancestors().take_while(missing).map(Path::to_owned).collect();
        let made = made.into_iter().rev().collect();
        Self { store, waiting: Mutex::default(), unkept: OnceLock::new(), made }
    }

    /// Puts a wheel beside its place, unless that is there: who `missed` it in the store need not ask again. A store that
    /// cannot be written is not an error of the run.
    pub(crate) fn add(&self, wheel: VerifiedWheel, missed: bool) {
        if let Err(problem) = self.write(wheel, missed) {
            self.lacks(problem);
        }
    }

    fn lacks(&self, problem: Problem) {
        tracing::info!("{problem}");
        self.unkept.get_or_init(|| problem);
    }

    fn write(&self, wheel: VerifiedWheel, missed: bool) -> Result<(), Problem> {
        let (sha256, bytes) = wheel.into_bytes();
        let path = self.store.entry(sha256);
        if !missed && self.store.has(&path, bytes.as_slice().len()) {
            return Ok(());
        }
        let failed = |error: io::Error| io_problem("keeping a wheel in the cache", &path, &error);
        let mut beside = Builder::new();
        beside.prefix(NEW);
        let written = match bytes {
            PrivateBytes::Mapped(map) => {
                make_private(self.store.directory()).and_then(|()| self.named(&beside, map.into_whole()))
            }
            bytes => self.copied(&beside, |file| {
                bytes.as_slice().chunks(STEP).try_for_each(|piece| file.write_all(piece))
            }),
        };
        let written = written.map_err(failed)?;
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((written, path));
        Ok(())
    }

    /// A large wheel lies in a file already, which gets a name where it can: nothing is written twice.
    fn named(&self, beside: &Builder<'_, '_>, mut wheel: Whole) -> io::Result<TempPath> {
        match beside.make_in(self.store.directory(), |path| wheel.link(path)) {
            Ok(named) => Ok(named.into_temp_path()),
            // It is on another file system, or on one that gives no names afterwards.
            Err(_) => self.copied(beside, |file| wheel.copy(file)),
        }
    }

    fn copied(
        &self,
        beside: &Builder<'_, '_>,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<TempPath> {
        let directory = self.store.directory();
        let made = match beside.tempfile_in(directory) {
            // Of thousands of wheels the first one alone finds no directory.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_private(directory)?;
                beside.tempfile_in(directory)
            }
            made => made,
        };
        let (mut file, written) = made?.into_parts();
        write(&mut file)?;
        Ok(written)
    }

    /// Publishes all of them: the run has ended well. Tells why a wheel is not kept, if one is not.
    pub(crate) fn publish(mut self) -> Option<Problem> {
        self.made.clear();
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for (written, path) in waiting {
            if let Err(error) = written.persist(&path) {
                self.lacks(io_problem("keeping a wheel in the cache", &path, &error.error));
            }
        }
        self.unkept.take()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
        // What others have put there in the meantime keeps them.
        for directory in self.made.iter().rev() {
            if std::fs::remove_dir(directory).is_err() {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::PrivateWriter;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    fn mapped(bytes: &[u8], directory: &Path) -> Whole {
        let mut writer = PrivateWriter::new(Some(directory), None);
        writer.write(bytes).unwrap();
        match writer.finish().unwrap() {
            PrivateBytes::Mapped(map) => map.into_whole(),
            _ => panic!("it is small"),
        }
    }

    #[test]
    fn a_large_wheel_is_named_and_not_written_again_where_that_can_be() {
        let cache = tempfile::tempdir().unwrap();
        let arriving = Arriving::new(Store::new(cache.path()));
        let directory = arriving.store.directory().to_owned();
        make_private(&directory).unwrap();
        let bytes: Vec<u8> = (0..5 << 20).map(|at: u32| (at % 251) as u8).collect();
        let mut beside = Builder::new();
        beside.prefix(NEW);
        let check = |path: TempPath| {
            assert!(std::fs::read(&path).unwrap() == bytes);
            let found = path.metadata().unwrap();
            assert_eq!((found.permissions().mode() & 0o777, found.nlink()), (0o600, 1));
            drop(path);
            assert_eq!(
                std::fs::read_dir(&directory).unwrap().count(),
                0,
                "nothing is left of what is not published"
            );
        };
        let wheel = mapped(&bytes, &directory);
        let inode = wheel.inode();
        let named = arriving.named(&beside, wheel).unwrap();
        #[cfg(target_os = "linux")]
        assert_eq!(named.metadata().unwrap().ino(), inode, "it is the file itself");
        check(named);
        check(arriving.copied(&beside, |file| mapped(&bytes, &directory).copy(file)).unwrap());
    }
}
