//! What stands in the environment, for those who decide about what comes: nothing here decides or writes.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use pipward_resolver::PackageName;
use rustix::io::Errno;

use super::super::held::{self, Strictness};
use super::super::tree::{is_missing, read_file};
use super::super::{InstallPlan, uninstall};
use super::{Session, unpoisoned};
use crate::error::{Code, Place, Problem, io as io_problem};
use crate::wheel::Wheel;

/// The largest `.pth` file that is read, in bytes. Those of tools that keep a line for each project are far from it.
const MAX_PATH_FILE: u64 = 4 << 20;

impl Session {
    /// Whether what `plan` would write is installed already, file for file (INSTALLER, REQUESTED and byte-code aside).
    /// Every file is hashed.
    ///
    /// # Errors
    /// `interrupted`, and those of the file system.
    pub fn holds(&self, wheel: &Wheel, plan: &InstallPlan) -> Result<bool, Problem> {
        self.holds_as(wheel, plan, Strictness::default())
    }

    /// As [`Session::holds`], by this much of it.
    ///
    /// # Errors
    /// As [`Session::holds`].
    pub fn holds_as(&self, _wheel: &Wheel, plan: &InstallPlan, by: Strictness) -> Result<bool, Problem> {
        let held = held::holds(&self.places, &self.installed, plan, by)?;
        let odd = held::odd_directories(&self.places, plan)?;
        let has_usual_directories = odd.is_empty();
        unpoisoned(&self.mended).extend(odd);
        Ok(held && has_usual_directories)
    }

    /// The version and the `.dist-info` directory of an installed distribution, as that directory tells it.
    pub fn version_of(&self, name: &PackageName) -> Option<(String, PathBuf)> {
        let found = self.installed.named(name.as_ref()).next()?;
        Some((found.version.clone(), self.places.real().join(&found.directory)))
    }

    /// The files that would go with a distribution, absolute, in order.
    ///
    /// # Errors
    /// `unsafe-uninstall`, and those of the file system.
    pub fn would_remove(&self, name: &PackageName) -> Result<Vec<PathBuf>, Problem> {
        let name = name.to_string();
        let going: Vec<_> = self.installed.named(&name).collect();
        let removal = uninstall::removal(&self.places, &self.installed, &going, |_| Vec::new(), |_| false)?;
        Ok(removal.files.iter().map(|path| self.places.real().join(path)).collect())
    }

    /// The directories of modules, as the scheme spells them and where they really are.
    pub fn modules(&self) -> Vec<PathBuf> {
        let spelled = [&self.scheme.purelib, &self.scheme.platlib].map(PathBuf::clone);
        let real = self.places.sites().map(|site| self.places.shown(site));
        let mut found: Vec<PathBuf> = spelled.into_iter().chain(real).collect();
        found.sort();
        found.dedup();
        found
    }

    /// The `.pth` files among the modules, each with its content, in order.
    ///
    /// # Errors
    /// `environment-invalid`, and those of the file system.
    pub fn path_files(&self) -> Result<Vec<(PathBuf, Vec<u8>)>, Problem> {
        let mut found = Vec::new();
        for directory in self.modules() {
            let at = self.places.real().join(self.places.directory(&directory)?);
            let failed = |error: io::Error| io_problem("listing what is installed", &at, &error);
            let entries = match at.read_dir() {
                Ok(entries) => entries,
                Err(error) if is_missing(&error) => continue,
                Err(error) => return Err(failed(error)),
            };
            for entry in entries {
                let name = entry.map_err(failed)?.file_name();
                if name.as_encoded_bytes().to_ascii_lowercase().ends_with(b".pth")
                    && let Some(content) = read_path_file(&at.join(&name))?
                {
                    found.push((directory.join(name), content));
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Whether names in the directories of these files can be changed, as far as the system tells before it is tried.
    ///
    /// # Errors
    /// `not-writable`, once for all of them.
    pub(super) fn check_writable<'p>(&self, files: impl Iterator<Item = &'p PathBuf>) -> Result<(), Problem> {
        use rustix::fs::Access;
        let directories: BTreeSet<&Path> = files.filter_map(|file| file.parent()).collect();
        let refusal = |directory: &&Path| {
            let at = self.places.real().join(directory);
            let access = Access::WRITE_OK | Access::EXEC_OK;
            match rustix::fs::access(&at, access) {
                Err(error @ (Errno::ACCESS | Errno::ROFS)) => Some((at, io::Error::from(error))),
                // What is not there, or something else, is found out when it is tried.
                Ok(()) | Err(_) => None,
            }
        };
        let mut refused = directories.iter().filter_map(refusal);
        let Some((at, error)) = refused.next() else { return Ok(()) };
        let more = refused.count();
        let problem = io_problem("changing what is in this directory", at, &error);
        Err(match more {
            0 => problem,
            _ => problem.cause(format!("{error}; so it is in {more} more")),
        })
    }

    /// Where a path leads now, links followed; `None` where nothing is, or it leads out of the environment.
    pub fn led(&self, path: &Path) -> Option<PathBuf> {
        let real = self.places.real_of(path)?.canonicalize().ok()?;
        Some(self.places.shown(real.strip_prefix(self.places.real()).ok()?))
    }

    /// Whether no link stands on the way from a directory to a path below it.
    pub fn is_straight(&self, from: &Path, path: &Path) -> bool {
        let (Some(mut at), Ok(rest)) = (self.places.real_of(from), path.strip_prefix(from)) else {
            return false;
        };
        rest.components().all(|part| {
            at.push(part);
            !at.symlink_metadata().is_ok_and(|found| found.is_symlink())
        })
    }

    /// The names in a directory of the environment, if it is one.
    pub fn names_in(&self, directory: &Path) -> Vec<String> {
        let entries = self.places.real_of(directory).and_then(|at| at.read_dir().ok());
        let names = entries.into_iter().flatten().flatten().map(|entry| entry.file_name());
        let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Whether a file, or all that lies in a directory, goes when the distribution of this name is replaced.
    pub fn goes_with(&self, name: &PackageName, path: &Path) -> bool {
        let Some(at) = self.places.real_of(path).and_then(|at| at.canonicalize().ok()) else { return false };
        let Ok(going) = self.would_remove(name) else { return false };
        let is_one = |path: &Path| going.binary_search_by(|one| one.as_path().cmp(path)).is_ok();
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            match at.read_dir() {
                Ok(entries) => open.extend(entries.flatten().map(|entry| entry.path())),
                Err(_) if is_one(&at) => {}
                Err(_) => return false,
            }
        }
        true
    }
}

/// The content of a `.pth` file, which may be a link; `None` where there is no file.
fn read_path_file(path: &Path) -> Result<Option<Vec<u8>>, Problem> {
    if !path.metadata().is_ok_and(|found| found.is_file()) {
        return Ok(None);
    }
    let failed = |error: io::Error| io_problem("reading a .pth file", path, &error);
    let content = File::open(path).and_then(|file| read_file(file, MAX_PATH_FILE)).map_err(failed)?;
    content.map(Some).ok_or_else(|| {
        Problem::new(Code::EnvironmentInvalid, "a .pth file of this environment is too large to be read")
            .at(Place::file(path))
            .expected(format!("at most {MAX_PATH_FILE} bytes"))
            .help("remove it, or make a new environment with --venv")
    })
}
