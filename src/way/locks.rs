//! The locks of an install: `-r` files, and names that are looked up in a lock.
//!
//! Never: goes further when anything in them is not pinned and hashed.

mod chosen;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pep508_rs::MarkerTree;
use pipward_resolver::{PackageName, Target, Version, VersionSpecifiers};

use crate::document::Originals;
use crate::error::{Code, Place, Problem, Problems};
use crate::lock::pylock::{self, is_pylock_name};
use crate::lock::requirements::{self as hashed, Open};
use crate::lock::{Chosen, Location, Lock, LockedPackage, LockedSource};
use crate::requirements::{
    self, Fetch, FileRequirement, ProjectSelection, RequirementsFile, Role, SourceOptions,
};

/// The lock in which names are looked up when none is named.
const DEFAULT_LOCK: &str = "pylock.toml";
/// The place of what was typed.
const TYPED: &str = "command line";

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// `-r`: locks and requirements files.
    pub files: Vec<PathBuf>,
    /// `-c`: constraints files, and locks that vouch for what is asked for.
    pub constraints: Vec<PathBuf>,
    /// Requirements as typed.
    pub names: Vec<String>,
    /// `--requirements-from-script`: scripts that say what they need.
    pub scripts: Vec<PathBuf>,
    /// `--group`: a pyproject.toml and the name of one of its groups.
    pub groups: Vec<(PathBuf, String)>,
    /// `--lock`.
    pub lock: Option<PathBuf>,
}

/// What is to be installed, and from which locks.
#[derive(Debug, Clone)]
pub struct Locks {
    whole: Vec<Lock>,
    named: Option<(Lock, Vec<FileRequirement>)>,
    asked: Vec<FileRequirement>,
    sources: SourceOptions,
    scripts: Vec<(PathBuf, VersionSpecifiers)>,
    /// What is said of requirements that nothing vouches for, in the environments of their markers.
    lacking: Vec<(MarkerTree, Problem)>,
    originals: Originals,
}

impl Locks {
    /// What requirements files say about sources.
    pub fn sources(&self) -> &SourceOptions {
        &self.sources
    }

    /// The bytes of what was read.
    pub(super) fn originals(&self) -> &Originals {
        &self.originals
    }

    /// The locks that are installed whole.
    pub fn whole(&self) -> &[Lock] {
        &self.whole
    }

    /// The lock in which names are looked up, with the names.
    pub fn named(&self) -> Option<(&Lock, &[FileRequirement])> {
        self.named.as_ref().map(|(lock, names)| (lock, names.as_slice()))
    }

    /// Every requirement as written, typed ones last.
    pub fn asked(&self) -> &[FileRequirement] {
        &self.asked
    }

    /// That every script is for the Python of `target`, and that what is for its environment is vouched for.
    ///
    /// # Errors
    /// `python-mismatch`, for each that is not; those of [`read`].
    pub fn check_here(&self, target: &Target) -> Result<(), Problems> {
        let python = target.markers.python_full_version();
        let release = Version::new(python.version.release().iter().copied());
        let wrong = self.scripts.iter().filter(|(_, wanted)| !wanted.contains(&release));
        let faults = wrong.map(|(path, wanted)| {
            Problem::new(Code::PythonMismatch, "this script is for another Python")
                .at(Place::file(path))
                .expected(format!("Python {wanted}"))
                .found(format!("Python {python}"))
                .help("name a Python that fits with --python")
        });
        let here = self.lacking.iter().filter(|(marker, _)| marker.evaluate(&target.markers, &[]));
        Problems::unless_empty((), faults.chain(here.map(|(_, problem)| problem.clone())).collect())
    }

    /// How many entries there are at most.
    pub fn len(&self) -> usize {
        let named = self.named.iter().map(|(lock, _)| lock);
        self.whole.iter().chain(named).map(|lock| lock.packages.len()).sum()
    }

    /// What is odd in the locks, but no reason to refuse them.
    pub fn warnings(&self) -> Vec<String> {
        let named = self.named.iter().map(|(lock, _)| lock);
        self.whole.iter().chain(named).flat_map(|lock| lock.warnings.iter().cloned()).collect()
    }

    /// Whether there is nothing at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads all that was asked for. Requirements files count as one lock, whose lines have pins and hashes of their own or
/// from constraints; what has none is looked up in a lock. `fetch` reads files on the network.
///
/// # Errors
/// Every fault of every file at once, and `not-in-lock` for each name that no lock has.
pub fn read(wanted: &Wanted, fetch: &Fetch<'_>) -> Result<Locks, Problems> {
    let paths = wanted.names.iter().filter_map(|name| no_name(name)).collect();
    Problems::unless_empty((), paths)?;
    let mut faults = Vec::new();
    let mut written = RequirementsFile::default();
    let (files, groups) = chosen::of(wanted, &mut faults);
    let mut whole = take(&files, &mut written, &mut faults, Role::Requirements, fetch);
    let constraints: Vec<_> =
        wanted.constraints.iter().map(|path| (path.clone(), Chosen::default())).collect();
    let mut vouching = take(&constraints, &mut written, &mut faults, Role::Constraints, fetch);
    for (project, group) in &groups {
        let select = ProjectSelection {
            groups: vec![group.clone()],
            without_project: true,
            ..ProjectSelection::default()
        };
        match requirements::read_project(project, &select) {
            Ok(project) => {
                written.requirements.extend(project.requirements);
                written.originals.extend(project.originals);
            }
            Err(problems) => faults.extend(problems.into_iter().map(|problem| match problem.code() {
                Code::LockNotFound => problem.expected("a project with dependency groups"),
                _ => problem,
            })),
        }
    }
    let mut scripts = Vec::new();
    for script in &wanted.scripts {
        match requirements::read_script(script) {
            Ok(read) => {
                written.requirements.extend(read.requirements);
                written.originals.extend(read.originals);
                scripts.extend(read.requires_python.map(|wanted| (script.clone(), wanted)));
            }
            Err(problems) => faults.extend(problems),
        }
    }
    for name in &wanted.names {
        match requirements::parse_specifier(name) {
            Ok(typed) => written.requirements.push(typed),
            Err(problem) => faults.push(problem),
        }
    }
    let mut sorted = hashed::sort(&written);
    faults.append(&mut sorted.faults);
    // A lock that is installed whole has what it has.
    let (held, open): (Vec<Open>, Vec<Open>) = sorted.open.into_iter().partition(|open| {
        whole.iter().any(|lock| lock.packages.iter().any(|p| p.name == open.requirement.requirement.name))
    });
    for open in &held {
        faults.extend(whole.iter().filter_map(|lock| vouched_for(open, lock).err()));
    }
    if let Some(path) = named_lock(wanted, &open, &vouching) {
        match pylock_or_requirements(&path) {
            Ok(lock) => vouching.push(lock),
            Err(problems) => faults.extend(problems),
        }
    }
    let mut originals = std::mem::take(&mut written.originals);
    for lock in whole.iter().chain(&vouching) {
        originals.extend(lock.originals.clone());
    }
    let place =
        wanted.files.first().or(wanted.constraints.first()).map_or(Path::new(TYPED), PathBuf::as_path);
    let spare = hashed::vouched(&written);
    let mut lacking = Vec::new();
    let named = if open.is_empty() && spare.is_empty() && vouching.is_empty() {
        if !written.requirements.is_empty() && held.len() < written.requirements.len() {
            whole.push(hashed::lock_of(sorted.packages, place));
        }
        None
    } else {
        for one in &open {
            let lacks = covered(one, &vouching, wanted).err().into_iter().flatten();
            // What is for other environments is not put in here, and what is known of it does not matter.
            match &one.requirement.requirement.marker {
                marker if marker.is_true() => faults.extend(lacks),
                marker => lacking.extend(lacks.map(|problem| (marker.clone(), problem))),
            }
        }
        let lock = joined(sorted.packages, spare, vouching, place);
        let names = written.requirements.iter().filter(|asked| {
            !held.iter().any(|open| {
                open.requirement.place == asked.place
                    && open.requirement.requirement.name == asked.requirement.name
            })
        });
        Some((lock, names.cloned().collect::<Vec<_>>())).filter(|(_, names)| !names.is_empty())
    };
    let sources = written.sources;
    let mut asked = written.requirements;
    for one in asked.iter_mut().filter(|one| one.place.line.is_some() && one.place.entry.is_none()) {
        let file = &one.place.file;
        if !wanted.files.iter().any(|typed| typed.as_os_str() == file.as_str()) && !file.contains("://") {
            one.included = std::path::absolute(file).ok().map(|file| file.display().to_string());
        }
    }
    Problems::unless_empty(Locks { whole, named, asked, sources, scripts, lacking, originals }, faults)
}

/// Reads one lock of either form.
///
/// # Errors
/// As [`read`].
pub fn read_lock(file: &Path) -> Result<(Lock, SourceOptions), Problems> {
    if is_lock(file) {
        return Ok((pylock::read(file)?, SourceOptions::default()));
    }
    let read = requirements::read_with_faults(file);
    let lock = hashed::from_requirements(&read, file)?;
    Ok((lock, read.sources))
}

fn is_lock(file: &Path) -> bool {
    is_pylock_name(file) || file.extension().is_some_and(|extension| extension == "toml")
}

fn pylock_or_requirements(file: &Path) -> Result<Lock, Problems> {
    read_lock(file).map(|(lock, _)| lock)
}

/// Reads files: locks are returned, the rest is written together.
fn take(
    files: &[(PathBuf, Chosen)],
    written: &mut RequirementsFile,
    faults: &mut Vec<Problem>,
    role: Role,
    fetch: &Fetch<'_>,
) -> Vec<Lock> {
    let mut locks = Vec::new();
    for (file, chosen) in files {
        if is_lock(file) {
            match read_pylock(file, fetch) {
                Ok(lock) => locks.push(Lock { chosen: chosen.clone(), ..lock }),
                Err(problems) => faults.extend(problems),
            }
        } else {
            written.append(requirements::read_over(file, role, fetch));
        }
    }
    locks
}

/// A lock on this machine or at an address. One from the network names no paths.
fn read_pylock(file: &Path, fetch: &Fetch<'_>) -> Result<Lock, Problems> {
    let Some(url) = requirements::address(file) else {
        let local = file.to_str().and_then(|text| url::Url::parse(text).ok());
        let local = local.and_then(|url| url.to_file_path().ok());
        return pylock::read(local.as_deref().unwrap_or(file));
    };
    let text = String::from_utf8(fetch(&url)?).map_err(|_| {
        Problem::new(Code::LockSyntax, "this file is not UTF-8")
            .at(Place::file(file))
            .help("save it as UTF-8")
    })?;
    let lock = pylock::parse(&text, file)?;
    let is_local = |package: &&Arc<LockedPackage>| match &package.source {
        LockedSource::Wheels(files) => files.iter().any(|file| matches!(file.location, Location::Path(_))),
        _ => false,
    };
    let refused = lock.packages.iter().filter(is_local).map(|package| {
        Problem::new(Code::AddressRefused, "a lock from the network names a file of this machine")
            .package(&package.name)
            .at(package.place.clone())
            .help("download the lock, review it, and name the copy")
    });
    let refused = refused.collect();
    Problems::unless_empty(lock, refused)
}

/// The lock to look names up in besides those of `-c`: the one that is named, or the usual one where a name that was
/// typed is found nowhere else.
fn named_lock(wanted: &Wanted, open: &[Open], vouching: &[Lock]) -> Option<PathBuf> {
    if let Some(path) = &wanted.lock {
        return Some(path.clone());
    }
    let is_elsewhere = |open: &Open| {
        let name = &open.requirement.requirement.name;
        vouching.iter().any(|lock| lock.packages.iter().any(|package| package.name == *name))
    };
    let typed = open.iter().any(|open| open.requirement.place.file == TYPED && !is_elsewhere(open));
    let usual = Path::new(DEFAULT_LOCK);
    (typed && usual.is_file()).then(|| usual.to_owned())
}

/// One lock of all that may be installed. What stands in a requirements file comes before what a constraint says of the
/// same name, and that before a lock.
fn joined(written: Vec<LockedPackage>, spare: Vec<LockedPackage>, vouching: Vec<Lock>, place: &Path) -> Lock {
    let mut locks = vouching.into_iter();
    let mut lock = locks.next().unwrap_or_else(|| hashed::lock_of(Vec::new(), place));
    let mut packages: Vec<Arc<LockedPackage>> = written.into_iter().map(Arc::new).collect();
    let mut add = |more: Vec<Arc<LockedPackage>>| {
        let known: BTreeSet<PackageName> = packages.iter().map(|package| package.name.clone()).collect();
        packages.extend(more.into_iter().filter(|package| !known.contains(&package.name)));
    };
    add(spare.into_iter().map(Arc::new).collect());
    add(std::mem::take(&mut lock.packages));
    for other in locks {
        add(other.packages);
        lock.warnings.extend(other.warnings);
    }
    lock.packages = packages;
    lock
}

/// Whether a lock vouches for what was asked for, and with the version that was asked for.
fn covered(open: &Open, vouching: &[Lock], wanted: &Wanted) -> Result<(), Vec<Problem>> {
    let asked = &open.requirement.requirement;
    let lock = vouching.iter().find(|lock| lock.packages.iter().any(|package| package.name == asked.name));
    match lock {
        Some(lock) => vouched_for(open, lock).map_err(|problem| vec![problem]),
        None => Err(uncovered(open, vouching, wanted)),
    }
}

fn vouched_for(open: &Open, lock: &Lock) -> Result<(), Problem> {
    let asked = &open.requirement.requirement;
    let mut first = None;
    for package in lock.packages.iter().filter(|package| package.name == asked.name) {
        match check_specifier(asked, package) {
            Ok(()) => return Ok(()),
            Err(problem) => first = first.or(Some(problem.at(Place::file(&lock.file)))),
        }
    }
    first.map_or(Ok(()), Err)
}

/// A line of a file lacks what it lacks; what was typed is in no lock.
fn uncovered(open: &Open, vouching: &[Lock], wanted: &Wanted) -> Vec<Problem> {
    let asked = &open.requirement.requirement;
    let typed = wanted.names.iter().find(|text| {
        open.requirement.place.file == TYPED
            && requirements::parse_specifier(text).is_ok_and(|typed| typed.requirement == *asked)
    });
    let is_address = matches!(asked.version_or_url, Some(pep508_rs::VersionOrUrl::Url(_)));
    match typed {
        None => open.lacks.clone(),
        Some(text) if is_address => {
            let way = format!(
                "name its hash behind it, as `pipward hash` tells it: '{text}#sha256=…'; or put its folder among the \
                 sources with --find-links, and lock it"
            );
            open.lacks.iter().map(|problem| problem.clone().help(way.clone())).collect()
        }
        Some(text) => vec![match vouching.last() {
            Some(lock) => not_in_lock(text, &asked.name, lock).at(Place::file(&lock.file)),
            None => no_lock(text, &asked.name, wanted),
        }],
    }
}

fn no_lock(text: &str, name: &PackageName, wanted: &Wanted) -> Problem {
    let problem = Problem::new(Code::LockNotFound, "names are installed from a lock, and there is none here")
        .at(Place::file(DEFAULT_LOCK))
        .found(text);
    if is_of_the_installer(name) {
        return problem.package(name).help(no_installer(text));
    }
    let all = wanted.names.join(" ");
    problem.help(format!(
        "write one with `pipward lock {all} -o {DEFAULT_LOCK}`, review it, and run the same command again"
    ))
}

/// What people upgrade first, and pipward does without.
fn is_of_the_installer(name: &PackageName) -> bool {
    matches!(name.as_ref(), "pip" | "setuptools" | "wheel")
}

fn no_installer(text: &str) -> String {
    format!(
        "pipward installs wheels by itself and needs no {text}: delete it from the command (the whole line, where it \
         is `pip install --upgrade {text}`); if your program itself needs it, lock it with the rest"
    )
}

/// A directory is a project that would have to be built.
fn no_name(text: &str) -> Option<Problem> {
    let path = text.split('[').next().unwrap_or(text);
    let is_path = path.starts_with('.') || path.contains('/') && !text.contains(['@', ':']);
    (is_path && !path.contains(".whl") && !path.contains(".tar") && !path.contains(".zip")).then(|| {
        Problem::new(
            Code::RequirementUnsupported,
            "this is a directory, and installing it runs the project's code",
        )
        .found(text)
        .help(
            "build its wheel elsewhere (`python -m build --wheel`), hash it with `pipward hash`, put it into a folder, \
             and install it by name with --find-links FOLDER; see docs/local-projects.md",
        )
    })
}

fn not_in_lock(text: &str, name: &PackageName, lock: &Lock) -> Problem {
    if is_of_the_installer(name) {
        return Problem::new(Code::NotInLock, "this package is not in the lock")
            .package(name)
            .help(no_installer(text));
    }
    let file = lock.file.display();
    let mut inputs: Vec<String> = Vec::new();
    for (requirement, from) in lock.tool.iter().flat_map(|tool| &tool.inputs) {
        let words = match from.strip_prefix("-c ") {
            Some(constraints) => format!("-c {}", quoted(constraints)),
            None if from == "command line" => quoted(requirement),
            None => format!("-r {}", quoted(from)),
        };
        if !inputs.contains(&words) {
            inputs.push(words);
        }
    }
    let inputs = if inputs.is_empty() { "…".to_owned() } else { inputs.join(" ") };
    // Told as it was asked for.
    Problem::new(Code::NotInLock, "this package is not in the lock").package(text.trim()).help(format!(
        "if {name} is what you mean, lock it with the rest (and the options used before): \
         `pipward lock {inputs} {} -o {file}`; review the change, and run the same command again",
        quoted(text)
    ))
}

fn quoted(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "\"")) }
}

/// A specifier that was typed must agree with the pin: the lock decides, never the prompt.
fn check_specifier(
    asked: &pipward_resolver::Requirement<pipward_resolver::VerbatimUrl>,
    package: &LockedPackage,
) -> Result<(), Problem> {
    use pep508_rs::VersionOrUrl;
    match (&asked.version_or_url, &package.version) {
        (Some(VersionOrUrl::VersionSpecifier(wanted)), Some(version)) if !wanted.contains(version) => {
            Err(Problem::new(Code::NotInLock, "the lock has another version than the one asked for")
                .package(&package.name)
                .expected(wanted)
                .found(version)
                .help(format!("lock that version first: pipward lock '{asked}'")))
        }
        (Some(VersionOrUrl::Url(_)), _) => {
            Err(Problem::new(Code::RequirementUnsupported, "an address cannot be installed by typing it")
                .package(&package.name)
                .help("install the locked version by its name alone"))
        }
        _ => Ok(()),
    }
}
