//! Wheels on their way into the store.
//!
//! Owns: that a run which is refused leaves the store as it was, although wheels are written as they arrive and need not be
//! held in memory until the run has ended.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::TempPath;

use super::{NEW, Store, make_private};
use crate::error::{Problem, io as io_problem};
use crate::verify::VerifiedWheel;

/// Wheels are written in steps of this many bytes.
const STEP: usize = 1 << 20;

/// The wheels of one run.
#[derive(Debug)]
pub(crate) struct Arriving {
    store: Store,
    /// Written, and where they belong.
    waiting: Mutex<Vec<(TempPath, PathBuf)>>,
    /// The directories that were not there before, the outermost first.
    made: Vec<PathBuf>,
}

impl Arriving {
    /// Nothing is made until a wheel arrives.
    pub(crate) fn new(store: Store) -> Self {
        let missing = |directory: &&Path| !directory.exists();
        let made: Vec<PathBuf> =
            store.directory().ancestors().take_while(missing).map(Path::to_owned).collect();
        Self { store, waiting: Mutex::default(), made: made.into_iter().rev().collect() }
    }

    /// Writes a wheel beside its place, unless that is there. A store that cannot be written is not an error of the run.
    pub(crate) fn add(&self, wheel: &VerifiedWheel) {
        if let Err(problem) = self.write(wheel) {
            tracing::warn!("{problem}");
        }
    }

    fn write(&self, wheel: &VerifiedWheel) -> Result<(), Problem> {
        let (path, bytes) = (self.store.entry(wheel.sha256()), wheel.bytes());
        if self.store.has(&path, bytes.len()) {
            return Ok(());
        }
        let failed = |error: std::io::Error| io_problem("keeping a wheel in the cache", &path, &error);
        make_private(self.store.directory()).map_err(failed)?;
        let new = tempfile::Builder::new().prefix(NEW).tempfile_in(self.store.directory());
        let (mut file, written) = new.map_err(failed)?.into_parts();
        for piece in bytes.chunks(STEP) {
            file.write_all(piece).map_err(failed)?;
            wheel.was_read(piece.len());
        }
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push((written, path));
        Ok(())
    }

    /// Publishes all of them: the run has ended well.
    pub(crate) fn publish(mut self) {
        self.made.clear();
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for (written, path) in waiting {
            if let Err(error) = written.persist(&path) {
                let problem = io_problem("keeping a wheel in the cache", &path, &error.error);
                tracing::warn!("{problem}");
            }
        }
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
