//! The locks of an install: `-r` files, and names that are looked up in a lock.
//!
//! Never: goes further when anything in them is not pinned and hashed.

use std::path::{Path, PathBuf};

use pipward_resolver::PackageName;

use crate::error::{Code, Place, Problem, Problems};
use crate::lock::pylock::{self, is_pylock_name};
use crate::lock::{Lock, LockedPackage, requirements as hashed};
use crate::requirements::{self, FileRequirement, SourceOptions};

/// What is to be installed, and from which locks.
#[derive(Debug, Clone)]
pub struct Locks {
    whole: Vec<Lock>,
    named: Option<(Lock, Vec<FileRequirement>)>,
    sources: SourceOptions,
}

impl Locks {
    /// What requirements files say about sources.
    pub fn sources(&self) -> &SourceOptions {
        &self.sources
    }

    /// The locks that are installed whole.
    pub fn whole(&self) -> &[Lock] {
        &self.whole
    }

    /// The lock in which names are looked up, with the names.
    pub fn named(&self) -> Option<(&Lock, &[FileRequirement])> {
        self.named.as_ref().map(|(lock, names)| (lock, names.as_slice()))
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

/// Reads `-r` files (several requirements files count as one lock) and looks `names` up.
///
/// # Errors
/// Every fault of every file at once, and `not-in-lock` for each name that the lock does not have.
pub fn read(files: &[PathBuf], names: &[String], lock: Option<&Path>) -> Result<Locks, Problems> {
    let mut locks = Locks { whole: Vec::new(), named: None, sources: SourceOptions::default() };
    let mut faults = Vec::new();
    for file in files {
        match locks.read_one(file) {
            Ok(lock) => locks.whole.push(lock),
            Err(problems) => faults.extend(problems),
        }
    }
    if !names.is_empty() {
        match look_up(names, lock) {
            Ok(named) => locks.named = Some(named),
            Err(problems) => faults.extend(problems),
        }
    }
    Problems::unless_empty(locks, faults)
}

/// Reads one lock of either form.
///
/// # Errors
/// As [`read`].
pub fn read_lock(file: &Path) -> Result<(Lock, SourceOptions), Problems> {
    if is_pylock_name(file) || file.extension().is_some_and(|extension| extension == "toml") {
        return Ok((pylock::read(file)?, SourceOptions::default()));
    }
    let read = requirements::read_with_faults(file);
    let lock = hashed::from_requirements(&read, file)?;
    Ok((lock, read.sources))
}

impl Locks {
    fn read_one(&mut self, file: &Path) -> Result<Lock, Problems> {
        let (lock, sources) = read_lock(file)?;
        self.sources.index_url = sources.index_url.or(self.sources.index_url.take());
        self.sources.extra_index_urls.extend(sources.extra_index_urls);
        self.sources.find_links.extend(sources.find_links);
        self.sources.no_index |= sources.no_index;
        Ok(lock)
    }
}

fn look_up(names: &[String], lock: Option<&Path>) -> Result<(Lock, Vec<FileRequirement>), Problems> {
    let path = lock.unwrap_or(Path::new("pylock.toml"));
    let paths = names.iter().filter(|name| is_path(name)).map(|name| no_name(name)).collect();
    Problems::unless_empty((), paths)?;
    if !path.is_file() {
        let all = names.join(" ");
        let place = path.display();
        return Err(Problem::new(
            Code::LockNotFound,
            "names are installed from a lock, and there is none here",
        )
        .at(Place::file(path))
        .help(format!(
            "write one with `pipward lock {all} -o {place}`, review it, and run the same command again"
        ))
        .into());
    }
    let (lock, _) = read_lock(path)?;
    let mut found = Vec::new();
    let mut faults = Vec::new();
    for text in names {
        match look_up_one(text, &lock) {
            Ok(named) => found.push(named),
            Err(problem) => faults.push(problem.at(Place::file(path))),
        }
    }
    Problems::unless_empty((lock, found), faults)
}

fn look_up_one(text: &str, lock: &Lock) -> Result<FileRequirement, Problem> {
    let typed = requirements::parse_specifier(text)?;
    let parsed = &typed.requirement;
    let package = lock.packages.iter().find(|package| package.name == parsed.name);
    let Some(package) = package else { return Err(not_in_lock(text, &parsed.name, lock)) };
    check_specifier(parsed, package)?;
    Ok(typed)
}

fn is_path(text: &str) -> bool {
    text.starts_with('.') || text.ends_with(".whl") || text.contains(['/', '\\']) && !text.contains('@')
}

fn no_name(text: &str) -> Problem {
    Problem::new(Code::RequirementUnsupported, "a path is not the name of a locked package").found(text).help(
        "put the wheel's folder among the sources: `pipward lock NAME --find-links DIR`, then install NAME",
    )
}

fn not_in_lock(text: &str, name: &PackageName, lock: &Lock) -> Problem {
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
    Problem::new(Code::NotInLock, "this package is not in the lock").package(name).help(format!(
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
