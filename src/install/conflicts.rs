//! Files that would be written over others.
//!
//! Owns: the comparison of what comes with what is there. Never: changes anything.

use std::collections::{BTreeSet, HashSet};
use std::fs::FileType;
use std::path::{Path, PathBuf};

use super::claims::{Claim, Claims};
use super::contest;
use super::held::hashes_to;
use super::names::Names;
use super::places::Places;
use super::shadow;
use super::uninstall::{Owners, open};
use crate::error::{Code, Place, Problem, Problems, io};

/// What two plans of the run both bring, and differently.
pub(super) fn between_plans(claims: &Claims) -> Result<(), Problems> {
    Problems::unless_empty((), sorted(claims.conflicts.clone()))
}

/// What stands where plans bring files.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files that have to make room: they have the same content.
    pub(super) taken: Vec<PathBuf>,
    /// Files that stay, with their owner: what the plans bring gives way.
    pub(super) staying: Vec<(PathBuf, String)>,
    /// The directories of the plans that are there.
    pub(super) standing: HashSet<PathBuf>,
}

/// Compares what the plans bring with what is there, but for the files in `going`. `owners` tells, if asked, whose
/// files of some names are.
///
/// # Errors
/// `file-conflict`, every one.
pub(super) fn find(
    places: &Places,
    claims: &Claims,
    going: &BTreeSet<PathBuf>,
    owners: impl Fn(&Names) -> Owners,
) -> Result<Found, Problems> {
    let (mut taken, mut staying) = (Vec::new(), Vec::new());
    let mut found = Vec::new();
    let mut yielding = Vec::new();
    // Where a directory is missing, so is all below it.
    let mut missing: HashSet<&Path> = HashSet::new();
    let mut standing = HashSet::new();
    let mut all: Vec<_> = claims.folders().collect();
    all.sort_unstable_by_key(|folder| folder.path().as_os_str().len());
    for folder in all {
        let directory = folder.path();
        let at = places.real().join(directory);
        if directory.parent().is_some_and(|parent| missing.contains(parent)) {
            missing.insert(directory);
            continue;
        }
        match kind(&at)? {
            None => {
                missing.insert(directory);
                continue;
            }
            Some(kind) if kind.is_dir() => _ = standing.insert(directory.to_owned()),
            Some(_) if going.contains(directory) => continue,
            Some(_) => {
                found.push(Clash::of(directory.to_owned(), folder.package().to_owned(), "a directory"));
                continue;
            }
        }
        for (name, claim) in folder.files() {
            let path = directory.join(name);
            let kind = match kind(&at.join(name))? {
                Some(kind) if !going.contains(&path) => kind,
                _ => continue,
            };
            let claim = if kind.is_file() { claims.known(&path, claim)? } else { claim };
            if kind.is_file() && has_content(&at.join(name), &claim) {
                taken.push(path);
                continue;
            }
            let gives_way = kind.is_file() && (claim.gives_way || both_declare(&at.join(name), &claim));
            let into = if gives_way { &mut yielding } else { &mut found };
            into.push(Clash::of(path, claim.package().to_owned(), "a file"));
        }
    }
    for shadow in shadow::of_what_is_there(places, claims, going) {
        let into = if shadow.gives_way { &mut yielding } else { &mut found };
        into.push(Clash { file: shadow.file, other: shadow.other, package: shadow.package, what: None });
    }
    let owners = owners(&Names::of(found.iter().chain(&yielding).map(|clash| &clash.other)));
    for one in yielding {
        match owners.get(&one.other) {
            Some(owner) => staying.push((one.file, owner.clone())),
            // To give way to nobody would leave a stranger's file in the distribution's place.
            None => found.push(one),
        }
    }
    staying.sort();
    staying.dedup();
    let problems = found.into_iter().map(|clash| clash.problem(places, &owners));
    Problems::unless_empty(
        Found { taken, staying, standing },
        sorted(problems.chain(claims.conflicts.iter().cloned()).collect()),
    )
}

/// A file of a plan, and what is in its way.
struct Clash {
    file: PathBuf,
    /// What is there: that file, or another one for its module.
    other: PathBuf,
    package: String,
    /// What may be there, if it is that file.
    what: Option<&'static str>,
}

impl Clash {
    fn of(file: PathBuf, package: String, what: &'static str) -> Self {
        Self { other: file.clone(), file, package, what: Some(what) }
    }

    fn problem(self, places: &Places, owners: &Owners) -> Problem {
        let owner = owners.get(&self.other).map_or("something that no distribution lists", String::as_str);
        let at = places.real().join(&self.other);
        let is_directory = at.symlink_metadata().is_ok_and(|found| found.is_dir());
        let (message, expected) = match self.what {
            Some("a file") if is_directory => (
                "a directory with files in it stands where a file goes",
                "nothing there, or a directory with byte-code alone".to_owned(),
            ),
            Some(what) => (
                "a file would be written over one that belongs to something else",
                format!("nothing there, or {what} with the same content"),
            ),
            None => (
                "a file would stand for a module beside another one that belongs to something else",
                format!("one file for the module of {}", places.real().join(&self.file).display()),
            ),
        };
        Problem::new(Code::FileConflict, message)
            .package(self.package)
            .at(Place::file(places.real().join(&self.other)))
            .expected(expected)
            .found(owner)
            .help("remove what is there yourself if it is not needed, or make a new environment with --venv")
    }
}

/// Whether both files declare a namespace, and no more.
fn both_declare(path: &Path, claim: &Claim) -> bool {
    let has = |digest| open(path).and_then(|file| hashes_to(file, digest)).unwrap_or(false);
    contest::is_namespace(claim.digest()) && contest::namespaces().any(has)
}

fn has_content(path: &Path, claim: &Claim) -> bool {
    let Some(digest) = claim.digest() else { return false };
    open(path).and_then(|file| hashes_to(file, digest)).unwrap_or(false)
}

fn kind(path: &Path) -> Result<Option<FileType>, Problem> {
    match path.symlink_metadata() {
        Ok(found) => Ok(Some(found.file_type())),
        Err(error) if super::tree::is_missing(&error) => Ok(None),
        Err(error) => Err(io("looking at a file", path, &error)),
    }
}

/// Hash maps and threads have no order; messages do.
fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems
        .sort_by_cached_key(|problem| (problem.place().cloned(), problem.package_name().map(str::to_owned)));
    problems.dedup();
    problems
}
