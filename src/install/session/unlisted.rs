//! Files among the modules that no distribution lists.
//!
//! Owns: which those are. Never: decides what becomes of them, or follows a link.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::super::names::Names;
use super::super::recover::STAGE_PREFIX;
use super::super::tree::is_missing;
use super::super::uninstall::is_byte_code_of;
use super::{Session, unpoisoned};
use crate::error::{Problem, io as io_problem};
use crate::wheel::startup::Kind;

/// No directory of modules is deeper.
const MAX_DEPTH: usize = 128;

impl Session {
    /// The files directly among the modules that Python runs by itself when it starts, and no RECORD lists.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn unlisted_startup(&self) -> Result<Vec<PathBuf>, Problem> {
        let mut found = BTreeSet::new();
        for site in self.places.sites() {
            for (name, _) in self.entries(site)? {
                if Kind::of(Path::new(&name)).is_some() {
                    found.insert(site.join(name));
                }
            }
        }
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let owners = self.owners();
        // Of a package, what is in it counts.
        let is_owned = |path: &PathBuf| {
            let below =
                || owners.range(path.clone()..).next().is_some_and(|(owned, _)| owned.starts_with(path));
            owners.contains_key(path) || below()
        };
        found.retain(|path| !is_owned(path) && !self.places.is_environments_own(path));
        Ok(found.into_iter().map(|path| self.places.shown(&path)).collect())
    }

    /// Has all files among the modules go that no RECORD lists. Returns them, in order.
    ///
    /// # Errors
    /// `unsafe-uninstall` where a distribution that stays does not tell its files, and those of the file system.
    pub fn discard_unlisted(&self) -> Result<Vec<PathBuf>, Problem> {
        let mut changing = unpoisoned(&self.added).clone();
        changing.extend(unpoisoned(&self.removed).iter().cloned());
        for name in self.installed.names().iter().filter(|name| !changing.contains(*name)) {
            for one in self.installed.named(name) {
                one.paths(&self.places, &Names::All)?;
            }
        }
        let owners = self.owners();
        let mut found = BTreeSet::new();
        let mut waiting: Vec<(PathBuf, usize)> =
            self.places.sites().map(|site| (site.to_owned(), 0)).collect();
        while let Some((directory, depth)) = waiting.pop() {
            for (name, is_directory) in self.entries(&directory)? {
                let path = directory.join(&name);
                if is_directory && depth < MAX_DEPTH {
                    waiting.push((path, depth + 1));
                } else if !is_directory && !self.is_accounted_for(&path, &owners) {
                    found.insert(path);
                }
            }
        }
        self.discard(found.iter().cloned());
        Ok(found.into_iter().map(|path| self.places.shown(&path)).collect())
    }

    fn owners(&self) -> BTreeMap<PathBuf, String> {
        self.installed.owners(&self.places, &BTreeSet::new(), &Names::All)
    }

    fn is_accounted_for(&self, path: &Path, owners: &BTreeMap<PathBuf, String>) -> bool {
        let is_pythons_own =
            || path.ends_with("README.txt") && self.places.sites().any(|site| path.parent() == Some(site));
        owners.contains_key(path)
            || self.places.is_environments_own(path)
            || is_pythons_own()
            || is_byte_code_of(path, |source| {
                owners.contains_key(source) || self.places.is_environments_own(source)
            })
    }

    /// The names in a directory, and which are directories themselves.
    fn entries(&self, directory: &Path) -> Result<Vec<(std::ffi::OsString, bool)>, Problem> {
        let at = self.places.real().join(directory);
        let failed = |error: std::io::Error| io_problem("listing what is installed", &at, &error);
        let entries = match at.read_dir() {
            Ok(entries) => entries,
            Err(error) if is_missing(&error) => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let is_directory = entry.file_type().map_err(failed)?.is_dir();
            let name = entry.file_name();
            if !is_stage(&name) {
                found.push((name, is_directory));
            }
        }
        Ok(found)
    }
}

fn is_stage(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(STAGE_PREFIX.as_bytes())
}
