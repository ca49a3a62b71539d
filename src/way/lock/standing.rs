//! What stands where a new lock is to be written: a requirements file with its pins, and what a lock was made from.
//!
//! Never: takes anything of a requirements file but versions and hashes, and how it was made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pep440_rs::Operator;
use pep508_rs::VersionOrUrl;
use pipward_resolver::{PackageName, Version, WheelName};

use crate::digest::{LockedHashes, Match};
use crate::error::{Code, Problem, Problems};
use crate::lock::{Lock, LockMarker, LockedPackage, LockedSource, drift};
use crate::requirements::{self, FileRequirement, ProjectSelection, RequirementsFile, entry};

/// Reads the pins of a requirements file, with or without hashes, and the header that pipward gives to its own.
///
/// # Errors
/// Those of reading it, and `usage` for a file that pins not everything: it is no lock, and would be written over.
pub fn requirements(path: &Path) -> Result<Option<Lock>, Problems> {
    let text = match fs_err::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        // What it is in, or why it cannot be read, is told by who reads it whole.
        Err(_) => String::new(),
    };
    let file = requirements::read(path)?;
    let (packages, faults) = pins(&file);
    let lock = Lock { file: path.to_owned(), packages, ..drift::header(&text).unwrap_or_default() };
    // One is enough to see it.
    Problems::unless_empty(Some(lock), faults.into_iter().take(1).collect())
}

/// What a requirements file pins, and a problem (`usage`) for each requirement that it does not.
pub fn pins(file: &RequirementsFile) -> (Vec<Arc<LockedPackage>>, Vec<Problem>) {
    let (mut packages, mut faults) = (Vec::new(), Vec::new());
    for pinned in file.requirements.iter().map(pin) {
        match pinned {
            Ok(package) => packages.push(package.into()),
            Err(fault) => faults.push(fault),
        }
    }
    (packages, faults)
}

fn pin(read: &FileRequirement) -> Result<LockedPackage, Problem> {
    let requirement = &read.requirement;
    let version = match &requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers
            .iter()
            .find(|it| matches!(it.operator(), Operator::Equal | Operator::ExactEqual))
            .map(|it| it.version().clone()),
        Some(VersionOrUrl::Url(url)) => version_of(&entry::file_name(url.raw())),
        None => None,
    };
    let version = version.ok_or_else(|| {
        Problem::new(Code::Usage, "this file is not a lock, and would be written over")
            .at(read.place.clone())
            .expected(format!("{}==VERSION", requirement.name))
            .found(requirement)
            .help("name another file with -o, or delete this one")
    })?;
    Ok(LockedPackage {
        spelled: None,
        name: requirement.name.clone(),
        version: Some(version),
        marker: LockMarker::of_requirement(&requirement.marker),
        requires_python: None,
        dependencies: None,
        index: None,
        source: LockedHashes::new(Match::Any, read.hashes.clone())
            .map_or_else(|| LockedSource::Unusable("the version".to_owned()), LockedSource::ByHash),
        metadata_sha256: BTreeMap::new(),
        yanked: None,
        publishers: Vec::new(),
        objections: Vec::new(),
        extras: Vec::new(),
        place: read.place.clone(),
    })
}

fn version_of(file: &str) -> Option<Version> {
    WheelName::parse(file).ok().map(|wheel| wheel.version().clone())
}

/// What a lock was made from, as it can be typed again.
#[derive(Debug, Clone, Default)]
pub struct Again {
    /// Requirements of the command line.
    pub arguments: Vec<String>,
    /// Requirements files and projects.
    pub files: Vec<PathBuf>,
    /// Constraints files.
    pub constraints: Vec<PathBuf>,
    /// Files of overrides.
    pub overrides: Vec<PathBuf>,
    /// Names that count for nothing.
    pub excludes: Vec<PackageName>,
    /// What was taken from projects.
    pub select: ProjectSelection,
}

impl Again {
    /// What a lock was made from, where nothing to lock is typed: constraints that are typed are added to its own, and
    /// overrides, excludes and parts of a project stand for its own.
    #[must_use]
    pub fn recalled(self, lock: &Lock) -> Self {
        let Some(again) = again(lock) else { return self };
        Self {
            constraints: again.constraints.into_iter().chain(self.constraints).collect(),
            overrides: if self.overrides.is_empty() { again.overrides } else { self.overrides },
            excludes: if self.excludes.is_empty() { again.excludes } else { self.excludes },
            select: if self.select.is_empty() { again.select } else { self.select },
            ..again
        }
    }
}

/// The option in which a lock keeps its files of overrides; those of the configuration are not among them.
pub(super) const OVERRIDE: &str = "override";
/// The option in which a lock keeps the names that were typed to be excluded.
pub(super) const EXCLUDE: &str = "exclude";

/// Reads what a lock notes of its inputs; `None` for one that notes nothing. The files are read anew by the caller.
pub fn again(lock: &Lock) -> Option<Again> {
    let tool = lock.tool.as_ref().filter(|tool| !tool.inputs.is_empty())?;
    let directory = lock.file.parent().unwrap_or(Path::new(""));
    let mut again = Again {
        select: selection(&tool.options, directory),
        overrides: names(&tool.options, OVERRIDE).map(|file| directory.join(file)).collect(),
        excludes: names(&tool.options, EXCLUDE).filter_map(|name| name.parse().ok()).collect(),
        ..Again::default()
    };
    for (requirement, from) in &tool.inputs {
        match from.strip_prefix("-c ") {
            // What the configuration adds is added again.
            Some(file) if file.ends_with(".toml") => {}
            Some(file) => add(&mut again.constraints, directory.join(file)),
            None if from == "command line" => again.arguments.push(requirement.clone()),
            None => add(&mut again.files, directory.join(from)),
        }
    }
    Some(again)
}

fn add(files: &mut Vec<PathBuf>, file: PathBuf) {
    if !files.contains(&file) {
        files.push(file);
    }
}

/// The options in which a lock keeps what was taken from projects; `seen` is a file as the lock names it.
pub(super) fn selected(
    select: &ProjectSelection,
    seen: impl Fn(&str) -> String,
) -> Vec<(&'static str, String)> {
    let group = |group: &String| match group.rsplit_once(':') {
        Some((path, name)) => format!("{}:{name}", seen(path)),
        None => group.clone(),
    };
    let named: Vec<String> = select.groups.iter().map(group).collect();
    let groups = if select.without_project { "only-group" } else { "group" };
    let mut options = vec![("extra", select.extras.join(", ")), (groups, named.join(", "))];
    options.push(("all-extras", if select.all_extras { "true" } else { "" }.to_owned()));
    options.push(("all-groups", if select.all_groups { "true" } else { "" }.to_owned()));
    options.retain(|(_, value)| !value.is_empty());
    options
}

fn names<'a>(options: &'a BTreeMap<String, String>, key: &str) -> impl Iterator<Item = &'a str> {
    options.get(key).into_iter().flat_map(|names| names.split(", "))
}

fn selection(options: &BTreeMap<String, String>, directory: &Path) -> ProjectSelection {
    let group = |group: String| match group.rsplit_once(':') {
        Some((path, name)) => format!("{}:{name}", directory.join(path).display()),
        None => group,
    };
    let names = |key: &str| -> Vec<String> { names(options, key).map(str::to_owned).collect() };
    ProjectSelection {
        extras: names("extra"),
        groups: names("group").into_iter().chain(names("only-group")).map(group).collect(),
        all_extras: options.contains_key("all-extras"),
        all_groups: options.contains_key("all-groups"),
        without_project: options.contains_key("only-group"),
    }
}
