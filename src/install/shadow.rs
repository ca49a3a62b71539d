//! Two files for one module: of `pear.py`, `pear.so` and `pear/__init__.py` in one directory, Python imports one alone.
//!
//! Owns: which files stand for one module, and that no distribution's stands for another's. Never: tells which of them
//! Python would take, since that differs between Pythons.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::claims::{Claim, Claims, two_modules};
use super::places::Places;
use crate::wheel::module;

/// A file of a plan, and another for its module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shadow {
    /// The file of the plan, relative to the prefix.
    pub(super) file: PathBuf,
    /// Its distribution.
    pub(super) package: String,
    /// Whether that gives way.
    pub(super) gives_way: bool,
    /// The other file, relative to the prefix.
    pub(super) other: PathBuf,
}

/// Whether one of these files is for the module of `path`.
pub(super) fn has_module_of(files: &BTreeMap<PathBuf, String>, path: &Path) -> bool {
    module::imported_as(path)
        .is_some_and(|wanted| files.keys().any(|file| module::imported_as(file).as_ref() == Some(&wanted)))
}

/// What the plans have for each module below the directories of modules.
fn modules<'c>(places: &Places, claims: &'c Claims) -> HashMap<PathBuf, Vec<(PathBuf, &'c Claim)>> {
    let sites: Vec<&Path> = places.sites().collect();
    let mut found: HashMap<PathBuf, Vec<(PathBuf, &Claim)>> = HashMap::new();
    let among = claims.directories.iter().filter(|(at, _)| sites.iter().any(|site| at.starts_with(site)));
    for (directory, content) in among {
        for (name, claim) in &content.files {
            let path = directory.join(name);
            if let Some(module) = module::imported_as(&path) {
                found.entry(module).or_default().push((path, claim));
            }
        }
    }
    found
}

/// Looks whether plans bring different files for one module. Returns what gives way, and to which distribution; conflicts
/// are added to the claims.
pub(super) fn settle(places: &Places, claims: &mut Claims) -> Vec<(PathBuf, String)> {
    let mut yielding = Vec::new();
    for one in among_plans(places, claims) {
        let owner = claims.package_of(&one.other);
        if one.gives_way {
            yielding.push((one.file, owner));
        } else {
            claims.conflicts.push(two_modules(&places.shown(&one.file), &one.package, &owner));
        }
    }
    yielding
}

/// Where distributions of one run have different files for one module: those files, and one of another that stands.
fn among_plans(places: &Places, claims: &Claims) -> Vec<Shadow> {
    let mut found = Vec::new();
    for mut files in modules(places, claims).into_values().filter(|files| files.len() > 1) {
        // Who does not give way comes first, so that the one that stands is found before those that go.
        files.sort_by_key(|(path, claim)| (claim.gives_way, claim.package().to_owned(), path.clone()));
        let mut standing: Vec<&(PathBuf, &Claim)> = Vec::new();
        for one in &files {
            let (path, claim) = one;
            match standing.iter().find(|(_, other)| !have_one_in_common(claim, other)) {
                Some((other, _)) => found.push(Shadow {
                    file: path.clone(),
                    package: claim.package().to_owned(),
                    gives_way: claim.gives_way,
                    other: other.clone(),
                }),
                None => standing.push(one),
            }
        }
    }
    found.sort();
    found
}

/// Whether one distribution brings both: how its own files stand to each other is its own business.
fn have_one_in_common(one: &Claim, other: &Claim) -> bool {
    one.bringers().any(|bringer| other.bringers().any(|found| found.dist_info == bringer.dist_info))
}

/// The same for what is there, but for the files in `going`.
pub(super) fn of_what_is_there(places: &Places, claims: &Claims, going: &BTreeSet<PathBuf>) -> Vec<Shadow> {
    let mut listed: BTreeMap<PathBuf, HashMap<PathBuf, Vec<PathBuf>>> = BTreeMap::new();
    let mut found = Vec::new();
    for (module, files) in modules(places, claims) {
        let Some(directory) = module.parent() else { continue };
        let beside = listed.entry(directory.to_owned()).or_insert_with(|| importable(places, directory));
        let mut others = beside.get(&module).cloned().unwrap_or_default();
        // Few directories are there already; those that are not have nothing in them.
        if is_directory(&places.real().join(&module)) {
            let inside = listed.entry(module.clone()).or_insert_with(|| importable(places, &module));
            others.extend(inside.get(&module).into_iter().flatten().cloned());
        }
        others.retain(|other| !going.contains(other) && !files.iter().any(|(path, _)| path == other));
        let Some(other) = others.into_iter().min() else { continue };
        found.extend(files.into_iter().map(|(file, claim)| Shadow {
            file,
            package: claim.package().to_owned(),
            gives_way: claim.gives_way,
            other: other.clone(),
        }));
    }
    found.sort();
    found
}

/// The files of a directory that can be imported, by their module; links to files too.
fn importable(places: &Places, directory: &Path) -> HashMap<PathBuf, Vec<PathBuf>> {
    let mut found: HashMap<PathBuf, Vec<PathBuf>> = HashMap::new();
    let at = places.real().join(directory);
    for entry in at.read_dir().into_iter().flatten().flatten() {
        let path = directory.join(entry.file_name());
        if let Some(module) = module::imported_as(&path)
            && places.real().join(&path).is_file()
        {
            found.entry(module).or_default().push(path);
        }
    }
    found
}

fn is_directory(path: &Path) -> bool {
    path.file_name() != Some(OsStr::new("__pycache__")) && path.is_dir()
}
