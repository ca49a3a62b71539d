//! Byte-code in an environment: a cache of sources, which somebody else may have filled.
//!
//! Owns: which of it nothing vouches for, and that it goes with a session. Never: reads what it means.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::super::held::hashes_to;
use super::super::names::Names;
use super::super::uninstall::{ByteCode, Distribution, open};
use super::super::{InstallPlan, PlannedFile};
use super::{Session, unpoisoned};
use crate::digest::StrongDigest;
use crate::error::Problem;

/// What RECORD of an installed distribution says of byte-code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Nothing.
    None,
    /// Names alone: what was made depends on the time.
    Names,
    /// With what it hashes to.
    Hashed,
}

impl Session {
    /// What RECORD of the installed distribution of a plan's name says of byte-code that the plan does not bring itself.
    pub fn listed_byte_code(&self, plan: &InstallPlan) -> Listed {
        let planned: BTreeSet<PathBuf> =
            plan.files().iter().filter_map(|file| self.resolved(file).ok().flatten()).collect();
        let others = self.rows_of_byte_code(plan).into_iter().filter(|(path, _)| !planned.contains(path));
        others.fold(Listed::None, |known, (_, digest)| match (known, digest) {
            (_, Some(_)) | (Listed::Hashed, None) => Listed::Hashed,
            (_, None) => Listed::Names,
        })
    }

    fn rows_of_byte_code(&self, plan: &InstallPlan) -> BTreeMap<PathBuf, Option<StrongDigest>> {
        let installed = self.installed.named(plan.name().as_ref());
        let rows = installed.filter_map(|one| one.rows(&self.places, &Names::All).ok().flatten()).flatten();
        rows.filter(|(path, _)| is_cached(path)).map(|(path, row)| (path, row.digest)).collect()
    }

    /// Whether RECORD lists all byte-code of a plan, with whatever hashes.
    ///
    /// # Errors
    /// `environment-invalid`.
    pub fn lists_byte_code_of(&self, plan: &InstallPlan) -> Result<bool, Problem> {
        let listed = self.rows_of_byte_code(plan);
        for file in plan.files().iter().filter(|file| is_cached(&file.destination.path())) {
            let path = self.resolved(file)?;
            if !path.is_some_and(|path| listed.contains_key(&path)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether RECORD lists the byte-code of a plan and no other, and it stands as planned.
    ///
    /// # Errors
    /// `environment-invalid`.
    pub fn has_byte_code(&self, plan: &InstallPlan) -> Result<bool, Problem> {
        let mut listed = self.rows_of_byte_code(plan);
        for file in plan.files().iter().filter(|file| is_cached(&file.destination.path())) {
            let Some(path) = self.resolved(file)? else { return Ok(false) };
            if listed.remove(&path) != Some(file.digest.get()) || !self.is_planned(&path, file) {
                return Ok(false);
            }
        }
        Ok(listed.is_empty())
    }

    /// Has the byte-code go that stands beside the modules of a plan and is not part of it. Returns how many files that is.
    ///
    /// # Errors
    /// `environment-invalid`.
    pub fn discard_byte_code(&self, plan: &InstallPlan) -> Result<usize, Problem> {
        let (mut planned, mut found) = (BTreeSet::new(), BTreeSet::new());
        let mut compiled = ByteCode::default();
        for file in plan.files() {
            if let Some(path) = self.resolved(file)? {
                found.extend(compiled.of(&self.places, &path));
                planned.insert(path);
            }
        }
        compiled.whole()?;
        Ok(self.discard(found.difference(&planned).cloned()))
    }

    /// Has the byte-code of all installed modules go, but what a RECORD has the hash of. Returns how many files that is.
    ///
    /// # Errors
    /// Those of reading RECORDs.
    pub fn discard_all_byte_code(&self) -> Result<usize, Problem> {
        let (mut found, mut vouched) = (BTreeSet::new(), BTreeSet::new());
        for name in self.installed.names() {
            for one in self.installed.named(&name) {
                self.gather(one, &mut found, &mut vouched)?;
            }
        }
        Ok(self.discard(found.difference(&vouched).cloned()))
    }

    fn gather(
        &self,
        one: &Distribution,
        found: &mut BTreeSet<PathBuf>,
        vouched: &mut BTreeSet<PathBuf>,
    ) -> Result<(), Problem> {
        let mut compiled = ByteCode::default();
        for (path, row) in one.rows(&self.places, &Names::All)?.unwrap_or_default() {
            found.extend(compiled.of(&self.places, &path));
            let at = self.places.real().join(&path);
            if is_cached(&path)
                && let Some(digest) = row.digest
                && open(&at).is_ok_and(|file| hashes_to(file, digest).unwrap_or(false))
            {
                vouched.insert(path);
            }
        }
        compiled.whole()
    }

    /// Has files (relative to the prefix, resolved) go that no distribution is asked about.
    pub(super) fn discard(&self, files: impl Iterator<Item = PathBuf>) -> usize {
        let mut discarded = unpoisoned(&self.discarded);
        let before = discarded.len();
        discarded.extend(files);
        discarded.len().saturating_sub(before)
    }

    fn resolved(&self, file: &PlannedFile) -> Result<Option<PathBuf>, Problem> {
        let (Some(parent), Some(name)) = (file.destination.parent(), file.destination.file_name()) else {
            return Ok(None);
        };
        Ok(Some(self.places.directory(&parent)?.join(name)))
    }

    fn is_planned(&self, path: &Path, file: &PlannedFile) -> bool {
        let Ok(open) = open(&self.places.real().join(path)) else { return false };
        let is_sized = open.metadata().is_ok_and(|found| found.is_file() && found.size() == file.size);
        is_sized && file.digest.get().is_some_and(|digest| hashes_to(open, digest).unwrap_or(false))
    }
}

/// Whether a file is what Python keeps of a module: `__pycache__/mod.cpython-313.pyc`.
fn is_cached(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("pyc"))
        && path.parent().and_then(Path::file_name) == Some(OsStr::new("__pycache__"))
}
