//! Writing the files of plans: each once, side by side, under names that nobody else has.
//!
//! Owns: which plan brings which file. Never: follows a link, opens a file that is there, or writes into what is
//! installed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::places::Places;
use super::{InstallPlan, PlannedFile, Source, guard};
use crate::digest::StrongDigest;
use crate::error::{Code, Place, Problem, io};
use crate::wheel::{ExtractError, Wheel};

/// Files of one directory that one task writes.
const BATCH: usize = 64;

/// The files of the plans of one run, by directory (resolved, relative to the prefix).
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) directories: HashMap<PathBuf, Directory>,
    /// Two plans bring different files of one name.
    pub(super) conflicts: Vec<Problem>,
    /// Files that two plans bring alike, but for the execute bits: the union holds, in whatever order they came.
    executable: BTreeSet<PathBuf>,
}

/// A directory that plans need.
#[derive(Debug)]
pub(super) struct Directory {
    /// The distribution that needs it, for messages.
    pub(super) package: String,
    pub(super) files: HashMap<OsString, Claim>,
}

/// A file that a plan brings.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) package: String,
    pub(super) digest: Option<StrongDigest>,
    executable: bool,
}

/// Where files are written.
#[derive(Debug)]
pub(super) struct Stage {
    /// The root beneath which a file has its resolved path.
    target: PathBuf,
    claims: Mutex<Claims>,
}

/// Some files of one directory.
struct Task<'a> {
    directory: PathBuf,
    files: Vec<&'a PlannedFile>,
}

impl Claims {
    /// The moves that bring everything: whole directories where `is_there` says that nothing stands, else file by file.
    /// In order of paths, .dist-info last.
    pub(super) fn moves(&self, is_there: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
        let there: HashMap<&Path, bool> =
            self.directories.keys().map(|directory| (directory.as_path(), is_there(directory))).collect();
        let stands = |path: &Path| there.get(path).copied().unwrap_or(false);
        let mut moves = Vec::new();
        for (directory, content) in &self.directories {
            if stands(directory) {
                moves.extend(content.files.keys().map(|name| directory.join(name)));
            } else if directory.parent().is_some_and(stands) {
                moves.push(directory.clone());
            }
        }
        let is_info = |path: &Path| path.iter().any(|part| part.as_encoded_bytes().ends_with(b".dist-info"));
        moves.sort_by_cached_key(|path| (is_info(path), path.clone()));
        moves
    }
}

impl Stage {
    /// Files will be written beneath `target`, a directory of this run alone.
    pub(super) fn new(target: PathBuf) -> Self {
        Self { target, claims: Mutex::default() }
    }

    /// What was claimed so far.
    pub(super) fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all files of a plan, RECORD last.
    ///
    /// # Errors
    /// Those of the wheel's content and of the file system, `environment-owned`, `environment-invalid`, `interrupted`.
    pub(super) fn add(&self, places: &Places, wheel: &Wheel, plan: &InstallPlan) -> Result<(), Problem> {
        let package = format!("{} {}", plan.name(), plan.version());
        self.write_all(places, wheel, plan, &package).map_err(|problem| problem.package(&package))
    }

    fn write_all(
        &self,
        places: &Places,
        wheel: &Wheel,
        plan: &InstallPlan,
        package: &str,
    ) -> Result<(), Problem> {
        let mut groups: BTreeMap<&Path, Vec<&PlannedFile>> = BTreeMap::new();
        for file in plan.files() {
            groups.entry(file.destination.parent().unwrap_or(Path::new(""))).or_default().push(file);
        }
        let mut tasks = Vec::new();
        for (parent, files) in groups {
            let directory = places.directory(parent)?;
            let files = self.claim(places, &directory, &files, package)?;
            tasks.extend(
                files.chunks(BATCH).map(|files| Task { directory: directory.clone(), files: files.to_vec() }),
            );
        }
        if let Some(problem) = tasks.par_iter().find_map_first(|task| self.write(task, wheel).err()) {
            return Err(problem);
        }
        let text = plan.record().write();
        let record = PlannedFile {
            destination: plan.record_path(),
            executable: false,
            digest: None,
            size: text.len() as u64,
            source: Source::Generated(text),
        };
        let directory = places.directory(plan.dist_info())?;
        let files = self.claim(places, &directory, &[&record], package)?;
        self.write(&Task { directory, files }, wheel)
    }

    /// Takes names of a directory for a plan, and makes the directory. Returns the files that are still to be written.
    fn claim<'a>(
        &self,
        places: &Places,
        directory: &Path,
        files: &[&'a PlannedFile],
        package: &str,
    ) -> Result<Vec<&'a PlannedFile>, Problem> {
        let claims = &mut *self.claims();
        if !self.make_directory(claims, directory, package)? {
            return Ok(Vec::new());
        }
        let mut wanted = Vec::new();
        for file in files {
            let name = name_of(file)?;
            let path = directory.join(name);
            if places.is_environments_own(&path) {
                return Err(Problem::new(
                    Code::EnvironmentOwned,
                    "it would write a file of the environment itself",
                )
                .at(Place::file(&file.destination))
                .help("do not install this wheel; tell its maintainers, and lock another version"));
            }
            if let Some(other) = claims.directories.get(&path) {
                claims.conflicts.push(two_plans(&file.destination, package, &other.package));
                continue;
            }
            let Some(taken) = claims.directories.get_mut(directory).map(|directory| &mut directory.files)
            else {
                continue;
            };
            match taken.get_mut(name) {
                None => {
                    let claim = Claim {
                        package: package.to_owned(),
                        digest: file.digest,
                        executable: file.executable,
                    };
                    taken.insert(name.to_owned(), claim);
                    wanted.push(*file);
                }
                Some(claim) if claim.digest.is_some() && claim.digest == file.digest => {
                    if claim.executable != file.executable {
                        claims.executable.insert(path);
                    }
                }
                Some(claim) => {
                    let problem = two_plans(&file.destination, package, &claim.package);
                    claims.conflicts.push(problem);
                }
            }
        }
        Ok(wanted)
    }

    /// Makes a directory and those above it. `false` where a plan has a file there, which is noted as a conflict.
    fn make_directory(&self, claims: &mut Claims, directory: &Path, package: &str) -> Result<bool, Problem> {
        if claims.directories.contains_key(directory) {
            return Ok(true);
        }
        let at = self.target.join(directory);
        if let (Some(parent), Some(name)) = (directory.parent(), directory.file_name()) {
            if !self.make_directory(claims, parent, package)? {
                return Ok(false);
            }
            if let Some(claim) = claims.directories.get(parent).and_then(|parent| parent.files.get(name)) {
                let problem = two_plans(directory, package, &claim.package);
                claims.conflicts.push(problem);
                return Ok(false);
            }
            match std::fs::create_dir(&at) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && at.is_dir() => {}
                Err(error) => return Err(io("making a directory", at, &error)),
                Ok(()) => {}
            }
        }
        let new = Directory { package: package.to_owned(), files: HashMap::new() };
        claims.directories.insert(directory.to_owned(), new);
        Ok(true)
    }

    fn write(&self, task: &Task<'_>, wheel: &Wheel) -> Result<(), Problem> {
        if task.files.is_empty() {
            return Ok(());
        }
        let place = self.target.join(&task.directory);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = rustix::fs::openat(CWD, &place, flags, Mode::empty())
            .map_err(|error| io("opening a directory", &place, &error.into()))?;
        for file in &task.files {
            guard::check()?;
            write_file(&directory, file, wheel)?;
        }
        Ok(())
    }

    /// The last touch before files move.
    pub(super) fn finish(&self) -> Result<(), Problem> {
        for path in &self.claims().executable {
            let path = self.target.join(path);
            make_executable(&path).map_err(|error| io("setting a file's mode", path, &error))?;
        }
        Ok(())
    }
}

fn write_file(directory: &OwnedFd, planned: &PlannedFile, wheel: &Wheel) -> Result<(), Problem> {
    let name = name_of(planned)?;
    let failed = |error: std::io::Error| io("writing a file", &planned.destination, &error);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // The process's umask takes its bits away.
    let mode = Mode::from_raw_mode(if planned.executable { 0o777 } else { 0o666 });
    let mut file = match rustix::fs::openat(directory, name, flags, mode) {
        Ok(file) => File::from(file),
        Err(Errno::EXIST) => {
            return Err(Problem::new(
                Code::FileConflict,
                "a file would be written over one of the environment",
            )
            .at(Place::file(&planned.destination))
            .help("do not install this wheel; tell its maintainers, and lock another version"));
        }
        Err(error) => return Err(failed(error.into())),
    };
    if planned.executable {
        complete_mode(&file, &planned.source).map_err(failed)?;
    }
    match &planned.source {
        Source::Generated(content) => file.write_all(content).map_err(failed),
        Source::Entry(number) => {
            let entry = wheel.entries().get(*number).ok_or_else(|| {
                Problem::new(Code::Internal, "a plan names an entry that its wheel does not have")
            })?;
            wheel.extract(entry, &mut file).map(|_| ()).map_err(|error| match error {
                ExtractError::Wheel(problem) => problem,
                ExtractError::Sink(error) => failed(error),
            })
        }
    }
}

fn name_of(file: &PlannedFile) -> Result<&OsStr, Problem> {
    file.destination.file_name().ok_or_else(|| {
        Problem::new(Code::Internal, "a planned file has no name").at(Place::file(&file.destination))
    })
}

/// As pip does under an umask that takes execute bits away: everybody may run an entry, and read a script too.
fn complete_mode(file: &File, source: &Source) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let wanted = match source {
        Source::Entry(_) => 0o111,
        Source::Generated(_) => 0o555,
    };
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    if mode & wanted == wanted {
        return Ok(());
    }
    file.set_permissions(std::fs::Permissions::from_mode(mode | wanted))
}

/// Whoever may read it may run it.
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = path.symlink_metadata()?.permissions().mode();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode | (mode & 0o444) >> 2))
}

/// The same words whichever came first.
fn two_plans(path: &Path, one: &str, other: &str) -> Problem {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    Problem::new(Code::FileConflict, "two distributions of this run bring different files of one name")
        .package(first)
        .at(Place::file(path))
        .expected("one of them, or the same content in both")
        .found(format!("{first} and {second}"))
        .help("leave one of the two out of the lock, or lock another version of one")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file system that folds case or normalises names finds the first file under the second name.
    #[test]
    fn a_name_that_the_file_system_has_already_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let directory = rustix::fs::openat(CWD, scratch.path(), flags, Mode::empty()).unwrap();
        let wheel = super::super::tests::wheel();
        let planned = |text: &str| PlannedFile {
            destination: "/env/readme".into(),
            source: Source::Generated(text.as_bytes().to_vec()),
            executable: false,
            digest: None,
            size: text.len() as u64,
        };
        write_file(&directory, &planned("one"), &wheel).unwrap();
        let problem = write_file(&directory, &planned("other"), &wheel).unwrap_err();
        assert_eq!(problem.code(), Code::FileConflict);
        assert_eq!(std::fs::read(scratch.path().join("readme")).unwrap(), b"one");
    }
}
