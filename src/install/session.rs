//! One change of one environment, from the lock on it to the report.
//!
//! Owns: the order of the whole: lock, stage, look for conflicts, change, clean up. Never: changes the environment
//! before [`Session::finish`], or leaves a trace when it is dropped without it.

mod byte_code;
mod looks;
mod unlisted;

pub use byte_code::Listed;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::commit::{self, StageNames};
use super::conflicts;
use super::journal::Journal;
use super::places::Places;
use super::recover::{self, PATIENCE, RANDOM, STAGE_PREFIX};
use super::stage::Stage;
use super::tree::Gate;
use super::uninstall::{self, Distributions};
use super::{InstallPlan, guard, links};
use pipward_resolver::PackageName;

use crate::error::{Code, Place, Problem, Problems, io as io_problem};
use crate::python::{Interpreter, Scheme, venv};
use crate::wheel::Wheel;

/// What a session did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Name and version of the distributions that were taken out, by name.
    pub removed: Vec<(String, String)>,
    /// What was left out because another distribution has a different file of its name, in words.
    pub left_out: Vec<String>,
}

/// A change of an environment that has not happened yet. Dropped without [`Session::finish`], it never does, and
/// nothing of it stays.
#[derive(Debug)]
pub struct Session {
    scheme: Scheme,
    places: Places,
    installed: Distributions,
    added: Mutex<BTreeSet<String>>,
    removed: Mutex<BTreeSet<String>>,
    /// Files that go by themselves, relative to the prefix.
    discarded: Mutex<BTreeSet<PathBuf>>,
    /// Directories with other permission bits than an install gives: those that they have, and those that they get.
    mended: Mutex<BTreeMap<PathBuf, (u32, u32)>>,
    work: Mutex<Option<Work>>,
    kind: Kind,
    finished: bool,
    /// For tests: where a change does not succeed.
    pub(super) gate: Gate,
}

#[derive(Debug)]
enum Kind {
    /// A new environment.
    Fresh(Building),
    /// One that is there. The lock lasts as long as the handle.
    Standing {
        _lock: recover::Lockable,
        /// Directories that were made for it, outermost first.
        parents: Vec<PathBuf>,
    },
}

/// A new environment under construction, beside its place.
#[derive(Debug)]
struct Building {
    /// Where it will be, links followed.
    place: PathBuf,
    /// The private directory that it is built in.
    container: PathBuf,
    /// The lock on that, which tells that this process is alive.
    _lock: recover::Lockable,
    /// Directories that were made for it, outermost first.
    parents: Vec<PathBuf>,
}

/// Where files are staged.
#[derive(Debug, Clone)]
struct Work {
    /// The name of the stage in a standing environment.
    name: PathBuf,
    stage: std::sync::Arc<Stage>,
}

impl Session {
    /// Begins a new environment at `directory` (absolute; missing, or empty) from the interpreter `base`. It is built
    /// beside its place and appears there whole.
    ///
    /// # Errors
    /// `environment-invalid`, and those of the file system.
    pub fn fresh(directory: &Path, base: &Interpreter) -> Result<Self, Problem> {
        let scheme = base.in_venv(directory).scheme;
        Self::build(directory, scheme, |at| venv::create_at(at, directory, base))
    }

    /// [`Session::fresh`] with another maker of the environment's own files.
    pub(super) fn build(
        directory: &Path,
        scheme: Scheme,
        skeleton: impl FnOnce(&Path) -> Result<(), Problem>,
    ) -> Result<Self, Problem> {
        let building = Building::begin(directory)?;
        let root = building.root();
        let made =
            std::fs::create_dir(&root).map_err(|error| io_problem("making a directory", &root, &error));
        let places =
            made.and_then(|()| skeleton(&root)).and_then(|()| Places::new(&scheme, directory, root.clone()));
        let places = match places {
            Ok(places) => places,
            Err(problem) => {
                building.abandon();
                return Err(problem);
            }
        };
        let work = Work { name: PathBuf::new(), stage: Stage::new(root).into() };
        Ok(Self {
            scheme,
            places,
            installed: Distributions::default(),
            added: Mutex::default(),
            removed: Mutex::default(),
            discarded: Mutex::default(),
            mended: Mutex::default(),
            work: Mutex::new(Some(work)),
            kind: Kind::Fresh(building),
            finished: false,
            gate: Gate::default(),
        })
    }

    /// Begins a change of the environment of `interpreter`, which no other process can change meanwhile.
    ///
    /// # Errors
    /// `environment-busy`, `environment-invalid`, `journal-unreadable`, and those of the file system.
    pub fn standing(interpreter: &Interpreter) -> Result<Self, Problem> {
        Self::at(&interpreter.root, interpreter.scheme.clone(), PATIENCE)
    }

    /// Begins a change of what is installed beneath `prefix` by another scheme, such as that of a user.
    ///
    /// # Errors
    /// As [`Session::standing`].
    pub fn within(prefix: &Path, scheme: Scheme) -> Result<Self, Problem> {
        Self::at(prefix, scheme, PATIENCE)
    }

    /// [`Session::standing`] by prefix and scheme.
    pub(super) fn at(prefix: &Path, scheme: Scheme, patience: std::time::Duration) -> Result<Self, Problem> {
        let mut parents = Vec::new();
        let begun = make_parents(prefix, &mut parents)
            .and_then(|()| Self::open(prefix, scheme, patience, parents.clone()));
        if begun.is_err() {
            remove_parents(&parents);
        }
        begun
    }

    fn open(
        prefix: &Path,
        scheme: Scheme,
        patience: std::time::Duration,
        parents: Vec<PathBuf>,
    ) -> Result<Self, Problem> {
        let failed = |error: io::Error| io_problem("opening the environment", prefix, &error);
        let real = prefix.canonicalize().map_err(failed)?;
        let lock = recover::open_directory(&real).map_err(failed)?;
        recover::lock(&lock, prefix, patience)?;
        // Whoever had the lock before may have been killed.
        recover::settle_all(&recover::open(&real, &Gate::default())?)?;
        let places = Places::new(&scheme, prefix, real)?;
        let installed = Distributions::list(&places)?;
        Ok(Self {
            scheme,
            places,
            installed,
            added: Mutex::default(),
            removed: Mutex::default(),
            discarded: Mutex::default(),
            mended: Mutex::default(),
            work: Mutex::default(),
            kind: Kind::Standing { _lock: lock, parents },
            finished: false,
            gate: Gate::default(),
        })
    }

    /// Where files go.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Whether anything of this name is installed already.
    pub fn has(&self, name: &PackageName) -> bool {
        self.installed.named(name.as_ref()).next().is_some()
    }

    /// Stages the files of a plan. Another installed distribution of that name is replaced when the session is
    /// finished. May be called from many threads at once.
    ///
    /// # Errors
    /// Those of the wheel's content and of the file system, `environment-owned`, `interrupted`.
    pub fn add(&self, wheel: &Wheel, plan: &InstallPlan) -> Result<(), Problem> {
        let stage = self.work()?.stage;
        stage.add(&self.places, wheel, plan)?;
        unpoisoned(&self.added).insert(plan.name().to_string());
        Ok(())
    }

    /// Takes a distribution out when the session is finished. Returns whether it is installed.
    pub fn remove(&self, name: &PackageName) -> bool {
        let name = name.to_string();
        let is_there = self.installed.named(&name).next().is_some();
        if is_there {
            unpoisoned(&self.removed).insert(name);
        }
        is_there
    }

    /// Leaves a distribution in that was to be taken out.
    pub fn spare(&self, name: &PackageName) {
        unpoisoned(&self.removed).remove(name.as_ref());
    }

    /// The names of what is installed, normalised, in order.
    pub fn installed(&self) -> Vec<String> {
        self.installed.names()
    }

    /// What would be taken out if the session were finished now, and had put `names` in.
    pub fn would_report<'a>(&self, names: impl Iterator<Item = &'a PackageName>) -> Report {
        let mut going = unpoisoned(&self.removed).clone();
        going.extend(names.map(ToString::to_string));
        let replaced = going.iter().flat_map(|name| self.installed.named(name));
        let removed = replaced.map(|one| (one.name.clone(), one.version.clone())).collect();
        Report { removed, ..Report::default() }
    }

    /// Name and version of the installed distributions that what was staged replaces.
    pub fn replaced(&self) -> Vec<(String, String)> {
        let added = unpoisoned(&self.added);
        let replaced = added.iter().flat_map(|name| self.installed.named(name));
        replaced.map(|found| (found.name.clone(), found.version.clone())).collect()
    }

    /// Changes the environment: all of it or, on any error, nothing.
    ///
    /// # Errors
    /// `file-conflict`, `unsafe-uninstall`, `environment-busy` (a new environment's place was taken meanwhile),
    /// `interrupted`, and those of the file system.
    pub fn finish(mut self) -> Result<Report, Problems> {
        guard::check()?;
        let mut work = unpoisoned(&self.work).clone();
        if work.is_none() && !(unpoisoned(&self.removed).is_empty() && unpoisoned(&self.discarded).is_empty())
        {
            work = Some(self.work()?);
        }
        let Some(work) = work else { return Ok(Report::default()) };
        let report = match &self.kind {
            Kind::Fresh(building) => {
                let left_out = work.stage.settle(&self.places)?;
                conflicts::between_plans(&work.stage.claims())?;
                work.stage.finish()?;
                building.publish(&self.gate)?;
                Report { left_out, ..Report::default() }
            }
            Kind::Standing { .. } => self.replace(&work)?,
        };
        self.finished = true;
        Ok(report)
    }

    fn replace(&self, work: &Work) -> Result<Report, Problems> {
        let mut going = unpoisoned(&self.added).clone();
        going.extend(unpoisoned(&self.removed).iter().cloned());
        let replaced: Vec<_> = going.iter().flat_map(|name| self.installed.named(name)).collect();
        let infos: BTreeSet<&Path> =
            replaced.iter().map(|distribution| distribution.directory.as_path()).collect();
        let brought = |at: &Path| work.stage.claims().of_dist_info(at);
        let comes = |at: &Path| work.stage.claims().has(at);
        let removal = uninstall::removal(&self.places, &self.installed, &replaced, brought, comes)?;
        let mut left_out = work.stage.settle(&self.places)?;
        let found = conflicts::find(&self.places, &work.stage.claims(), &removal.files, |names| {
            self.installed.owners(&self.places, &infos, names)
        })?;
        for (path, owner) in &found.staying {
            left_out.extend(work.stage.give_way(&self.places, path, owner)?);
        }
        let discarded = unpoisoned(&self.discarded).clone();
        let mut directories: BTreeSet<PathBuf> = removal.directories.into_iter().collect();
        directories.extend(uninstall::emptied(&self.places, &discarded));
        let mut out: BTreeSet<PathBuf> =
            removal.files.into_iter().chain(found.taken).chain(discarded).collect();
        let mut into = work.stage.claims().moves(|directory| found.standing.contains(directory));
        work.stage.finish()?;
        links::stage(&self.places, &work.stage.target, removal.edited, &mut out, &mut into)?;
        let mended = unpoisoned(&self.mended).clone();
        let modes = mended.iter().map(|(path, (old, new))| (path.clone(), *old, *new)).collect();
        let journal = Journal::new(out.into_iter().collect(), into, directories.into_iter().rev().collect())
            .and_then(|journal| journal.with_modes(modes))
            .ok_or_else(|| {
                Problem::new(Code::EnvironmentInvalid, "a path in this environment is not UTF-8")
                    .at(Place::file(self.places.real()))
                    .help("make a new environment at another place with --venv")
            })?;
        let others = |file: &&PathBuf| file.parent().is_some_and(|parent| !mended.contains_key(parent));
        self.check_writable(journal.out.iter().chain(&journal.into).filter(others))?;
        let tree = recover::open(self.places.real(), &self.gate)?;
        commit::commit(&tree, &StageNames::of(&work.name), &journal)?;
        let removed =
            replaced.iter().map(|distribution| (distribution.name.clone(), distribution.version.clone()));
        Ok(Report { removed: removed.collect(), left_out })
    }

    /// The stage, made when it is first needed: a run that has nothing to do writes nothing.
    fn work(&self) -> Result<Work, Problem> {
        let mut work = unpoisoned(&self.work);
        if let Some(work) = &*work {
            return Ok(work.clone());
        }
        let real = self.places.real();
        let failed = |error: io::Error| io_problem("making a stage in the environment", real, &error);
        let stage = private_directory(real, OsStr::new(STAGE_PREFIX)).map_err(failed)?;
        let name = PathBuf::from(stage.file_name().unwrap_or_default());
        let new = real.join(StageNames::of(&name).new);
        let made = work.insert(Work { name, stage: Stage::new(new.clone()).into() }).clone();
        std::fs::create_dir(&new).map_err(failed)?;
        Ok(made)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.finished || self.gate.is_stopped() {
            return;
        }
        let parents = match &self.kind {
            Kind::Fresh(building) => {
                building.abandon();
                return;
            }
            Kind::Standing { parents, .. } => parents,
        };
        let Some(work) = unpoisoned(&self.work).take() else { return remove_parents(parents) };
        let real = self.places.real();
        let names = StageNames::of(&work.name);
        // A way back that did not come to its end is settled by the next command.
        if real.join(&names.journal).exists() || real.join(&names.done).exists() {
            return;
        }
        remove(&real.join(&work.name));
        remove_parents(parents);
    }
}

impl Building {
    fn begin(directory: &Path) -> Result<Self, Problem> {
        let invalid = || {
            Problem::new(Code::EnvironmentInvalid, "an environment cannot be made at this place")
                .at(Place::file(directory))
                .help("name another directory with --venv")
        };
        let mut parents = Vec::new();
        let begun = make_parents(directory.parent().ok_or_else(invalid)?, &mut parents).and_then(|()| {
            let place = recover::real_place(directory).ok_or_else(invalid)?;
            let (Some(parent), Some(name)) = (place.parent(), place.file_name()) else {
                return Err(invalid());
            };
            let failed = |error: io::Error| io_problem("making a directory", parent, &error);
            let (container, lock) =
                locked_directory(parent, &recover::building_prefix(name)).map_err(failed)?;
            Ok((place, container, lock))
        });
        match begun {
            Ok((place, container, lock)) => Ok(Self { place, container, _lock: lock, parents }),
            Err(problem) => {
                remove_parents(&parents);
                Err(problem)
            }
        }
    }

    /// The environment within its container, which is private where the environment itself has the usual mode.
    fn root(&self) -> PathBuf {
        self.container.join("environment")
    }

    /// Renames the environment to its place. A rename replaces no directory but an empty one.
    fn publish(&self, gate: &Gate) -> Result<(), Problem> {
        gate.pass().and_then(|()| std::fs::rename(self.root(), &self.place)).map_err(|error| match error
            .kind()
        {
            io::ErrorKind::DirectoryNotEmpty
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::NotADirectory => {
                Problem::new(Code::EnvironmentBusy, "something else appeared at the place of the environment")
                    .at(Place::file(&self.place))
                    .help("run the same command again")
            }
            io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices => {
                Problem::new(Code::EnvironmentInvalid, "a mount point cannot become an environment")
                    .at(Place::file(&self.place))
                    .help("name a directory beneath it with --venv")
            }
            _ => io_problem("moving the environment to its place", &self.place, &error),
        })?;
        if gate.pass().is_ok() {
            remove(&self.container);
        }
        Ok(())
    }

    fn abandon(&self) {
        remove(&self.container);
        remove_parents(&self.parents);
    }
}

/// Makes the directories that are missing, and notes them.
fn make_parents(directory: &Path, made: &mut Vec<PathBuf>) -> Result<(), Problem> {
    if directory.as_os_str().is_empty() || directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent() {
        make_parents(parent, made)?;
    }
    match std::fs::create_dir(directory) {
        Ok(()) => made.push(directory.to_owned()),
        Err(_) if directory.is_dir() => {}
        Err(error) => return Err(io_problem("making a directory", directory, &error)),
    }
    Ok(())
}

fn remove_parents(parents: &[PathBuf]) {
    for parent in parents.iter().rev() {
        // Somebody else may have put something there.
        let _ = std::fs::remove_dir(parent);
    }
}

/// A directory of this process alone, locked.
fn locked_directory(parent: &Path, prefix: &OsStr) -> io::Result<(PathBuf, recover::Lockable)> {
    loop {
        let path = private_directory(parent, prefix)?;
        let locked =
            recover::open_directory(&path).and_then(|handle| Ok((recover::try_lock(&handle)?, handle)));
        match locked {
            // Between making and locking, another process may have taken it for one that was left behind.
            Ok((true, handle)) if path.is_dir() => return Ok((path, handle)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                remove(&path);
                return Err(error);
            }
        }
    }
}

/// A new directory with a random name that other users cannot enter.
fn private_directory(parent: &Path, prefix: &OsStr) -> io::Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    tempfile::Builder::new()
        .prefix(prefix)
        .rand_bytes(RANDOM)
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir_in(parent)
        .map(tempfile::TempDir::keep)
}

fn remove(directory: &Path) {
    if let Err(error) = std::fs::remove_dir_all(directory)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!("{}", io_problem("removing a temporary directory", directory, &error));
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
