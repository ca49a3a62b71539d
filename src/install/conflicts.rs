//! Files that would be written over others.
//!
//! Owns: the comparison of what comes with what is there. Never: changes anything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::FileType;
use std::path::{Path, PathBuf};

use super::held::hashes_to;
use super::places::Places;
use super::stage::{Claim, Claims};
use super::uninstall::open;
use crate::error::{Code, Place, Problem, Problems, io};

/// What two plans of the run both bring, and differently.
pub(super) fn between_plans(claims: &Claims) -> Result<(), Problems> {
    Problems::unless_empty((), sorted(claims.conflicts.clone()))
}

/// Compares what the plans bring with what is there, but for the files in `going`. Returns the files that have to make
/// room: they have the same content. `owners` tells, if asked, whose a file is.
///
/// # Errors
/// `file-conflict`, every one.
pub(super) fn find(
    places: &Places,
    claims: &Claims,
    going: &BTreeSet<PathBuf>,
    owners: impl Fn() -> BTreeMap<PathBuf, String>,
) -> Result<Vec<PathBuf>, Problems> {
    let mut taken = Vec::new();
    let mut found = Vec::new();
    for (directory, claim) in &claims.directories {
        let at = places.real().join(directory);
        match kind(&at)? {
            None => continue,
            Some(kind) if kind.is_dir() => {}
            Some(_) if going.contains(directory) => continue,
            Some(_) => {
                found.push((directory.clone(), claim.package.clone(), "a directory"));
                continue;
            }
        }
        for (name, claim) in &claim.files {
            let path = directory.join(name);
            match kind(&at.join(name))? {
                None => {}
                Some(_) if going.contains(&path) => {}
                Some(kind) if kind.is_file() && has_content(&at.join(name), claim) => taken.push(path),
                Some(_) => found.push((path, claim.package.clone(), "a file")),
            }
        }
    }
    let owners = if found.is_empty() { BTreeMap::new() } else { owners() };
    let problems = found.into_iter().map(|(path, package, what)| {
        let owner = owners.get(&path).map_or("something that no distribution lists", String::as_str);
        Problem::new(Code::FileConflict, "a file would be written over one that belongs to something else")
            .package(package)
            .at(Place::file(places.real().join(path)))
            .expected(format!("nothing there, or {what} with the same content"))
            .found(owner)
            .help("remove what is there yourself if it is not needed, or make a new environment with --venv")
    });
    Problems::unless_empty(taken, sorted(problems.chain(claims.conflicts.iter().cloned()).collect()))
}

fn has_content(path: &Path, claim: &Claim) -> bool {
    let Some(digest) = claim.digest else { return false };
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
