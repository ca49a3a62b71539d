//! Two files for one module: of `pear.py`, `pear.so` and `pear/__init__.py` in one directory, Python imports one alone; and
//! beside `pear.py` it finds nothing that lies in a namespace `pear/`.
//!
//! Owns: which files stand for one module, and that no distribution's stands for another's. Never: tells which of them
//! Python would take, since that differs between Pythons. A regular package hides nothing of what others put into its folder:
//! plugins live from that.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::claims::{Claim, Claims, Folder, two_modules};
use super::places::Places;
use super::tree::is_missing;
use crate::wheel::{beneath, module};

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

/// The directories of plans that are below the directories of modules.
fn among<'c>(places: &'c Places, claims: &'c Claims) -> impl Iterator<Item = Folder<'c>> {
    let sites: Vec<&Path> = places.sites().collect();
    claims.folders().filter(move |at| sites.iter().any(|site| beneath::is_within(at.path(), site)))
}

impl<'c> Folder<'c> {
    /// What its files are imported by, in order.
    fn stems(self) -> Vec<&'c str> {
        let mut stems: Vec<&str> = self.names().filter_map(|name| module::stem(name)).collect();
        stems.sort_unstable();
        stems
    }

    fn is_package(self) -> bool {
        self.names().any(|name| module::stem(name) == Some(module::PACKAGE))
    }
}

/// What plans have for a module.
fn files_of(claims: &Claims, module: &Path) -> Vec<(PathBuf, Claim)> {
    let named = |directory: &Path, stem: &OsStr| {
        let files = claims.folder(directory).into_iter().flat_map(Folder::files);
        let files = files.filter(|(name, _)| module::stem(name).is_some_and(|found| stem == found));
        files.map(|(name, claim)| (directory.join(name), claim)).collect::<Vec<_>>()
    };
    let beside = module.parent().zip(module.file_name()).map(|(directory, stem)| named(directory, stem));
    let mut found =
        beside.filter(|_| module.file_name() != Some(OsStr::new(module::PACKAGE))).unwrap_or_default();
    found.extend(named(module, OsStr::new(module::PACKAGE)));
    found
}

/// Looks whether plans bring different files for one module. Returns what gives way, and to which distribution; conflicts
/// are added to the claims.
pub(super) fn settle(places: &Places, claims: &mut Claims) -> Vec<(PathBuf, String)> {
    let mut yielding = Vec::new();
    let found = among_plans(places, claims).into_iter().chain(hidden_among_plans(places, claims));
    for one in found.collect::<BTreeSet<_>>() {
        let owner = claims.package_of(&one.other);
        if one.gives_way {
            yielding.push((one.file, owner));
        } else {
            claims.conflicts.push(two_modules(&places.shown(&one.file), &one.package, &owner));
        }
    }
    yielding
}

/// The modules for which plans have several files.
fn crowded(places: &Places, claims: &Claims) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for folder in among(places, claims) {
        let (directory, stems) = (folder.path(), folder.stems());
        let twice =
            stems.chunk_by(PartialEq::eq).filter(|same| same.len() > 1).filter_map(|same| same.first());
        let beside = stems.iter().filter(|stem| folder.has_below(OsStr::new(stem)));
        let packages =
            beside.filter(|stem| claims.folder(&directory.join(stem)).is_some_and(Folder::is_package));
        for stem in twice.chain(packages) {
            let is_own = *stem == module::PACKAGE;
            found.insert(if is_own { directory.to_owned() } else { directory.join(stem) });
        }
    }
    found
}

/// Where distributions of one run have different files for one module: those files, and one of another that stands.
fn among_plans(places: &Places, claims: &Claims) -> Vec<Shadow> {
    let mut found = Vec::new();
    for mut files in crowded(places, claims).iter().map(|module| files_of(claims, module)) {
        // Who does not give way comes first, so that the one that stands is found before those that go.
        files.sort_by_key(|(path, claim)| (claim.gives_way, claim.package().to_owned(), path.clone()));
        let mut standing: Vec<&(PathBuf, Claim)> = Vec::new();
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

/// Where a distribution of the run has a file for a module, and another has modules in a folder of its name that is no
/// package.
fn hidden_among_plans(places: &Places, claims: &Claims) -> Vec<Shadow> {
    let mut found = Vec::new();
    let folders = among(places, claims).flat_map(|folder| {
        let stems = if folder.below().next().is_none() { Vec::new() } else { folder.stems() };
        let beside = folder.below().filter(move |name| {
            name.to_str().is_some_and(|name| name != module::PACKAGE && stems.binary_search(&name).is_ok())
        });
        beside.map(move |name| folder.path().join(name))
    });
    for module in folders.collect::<BTreeSet<_>>() {
        if claims.folder(&module).is_none_or(Folder::is_package) {
            continue;
        }
        let files = files_of(claims, &module);
        let below = claims.folders().filter(|folder| folder.path().starts_with(&module));
        let below = below
            .flat_map(|folder| folder.files().map(move |(name, claim)| (folder.path().join(name), claim)));
        let mut below: Vec<_> = below.filter(|(path, _)| module::imported_as(path).is_some()).collect();
        below.sort_by_key(|(path, claim)| (claim.gives_way, path.clone()));
        for (file, claim) in &files {
            for (other, hidden) in below.iter().filter(|(_, hidden)| !have_one_in_common(claim, hidden)) {
                let (one, other) = if !claim.gives_way && hidden.gives_way {
                    ((other, hidden), file)
                } else {
                    ((file, claim), other)
                };
                found.push(Shadow {
                    file: one.0.clone(),
                    package: one.1.package().to_owned(),
                    gives_way: one.1.gives_way,
                    other: other.clone(),
                });
                if !one.1.gives_way || one.0 == file {
                    break;
                }
            }
        }
    }
    found
}

/// Whether a file is that of the package itself.
fn is_within(path: &Path, module: &Path) -> bool {
    path.parent() == Some(module)
}

/// Whether one distribution brings both: how its own files stand to each other is its own business.
fn have_one_in_common(one: &Claim, other: &Claim) -> bool {
    one.bringers().any(|bringer| other.bringers().any(|found| found.dist_info == bringer.dist_info))
}

/// The same for what is there, but for the files in `going`.
pub(super) fn of_what_is_there(places: &Places, claims: &Claims, going: &BTreeSet<PathBuf>) -> Vec<Shadow> {
    let mut there = Standing { places, claims, going, listed: HashMap::new() };
    let spots = there.spots();
    let mut found = there.beside_plans(&spots);
    found.extend(there.hiding(&spots));
    found.sort();
    found.dedup();
    found
}

/// What stands in the environment beside what plans bring. Few directories of plans are there already; those that are not
/// have nothing in them, and nobody looks for more.
struct Standing<'h> {
    places: &'h Places,
    claims: &'h Claims,
    going: &'h BTreeSet<PathBuf>,
    /// What is there of a directory, once somebody asked.
    listed: HashMap<OsString, Listed>,
}

/// What is there of a directory.
#[derive(Debug, Default)]
struct Listed {
    /// The files that can be imported, by their module; links to files too.
    files: HashMap<PathBuf, Vec<PathBuf>>,
    /// The names of directories, and of links.
    below: BTreeSet<OsString>,
    /// Whether nobody can tell what is there.
    is_hidden: bool,
}

impl Listed {
    /// Whether a directory of this name may be there.
    fn may_have(&self, name: &OsStr) -> bool {
        self.is_hidden || self.below.contains(name)
    }
}

/// A directory of plans.
struct Spot<'h> {
    folder: Folder<'h>,
    /// The outermost directory above that is not there, or it itself.
    missing: Option<&'h Path>,
}

impl Spot<'_> {
    /// The modules in the directory, and the one that it is, that may have something beside them: their own directory is
    /// there.
    fn modules(&self) -> Vec<PathBuf> {
        let Self { folder, missing } = *self;
        let directory = folder.path();
        let stems = if missing.is_none() { folder.stems() } else { Vec::new() };
        let inside =
            stems.into_iter().filter(|stem| *stem != module::PACKAGE).map(|stem| directory.join(stem));
        let is_within_reach = missing.is_none_or(|missing| missing == directory);
        let own = (is_within_reach && folder.is_package()).then(|| directory.to_owned());
        inside.chain(own).collect()
    }
}

impl<'h> Standing<'h> {
    /// The directories of plans, those above first.
    fn spots(&mut self) -> Vec<Spot<'h>> {
        let mut all: Vec<_> = among(self.places, self.claims).collect();
        all.sort_unstable_by_key(|folder| folder.path().as_os_str());
        let mut missing: HashMap<&OsStr, &Path> = HashMap::new();
        let spot = |folder: Folder<'h>| {
            let directory = folder.path();
            let above = directory.parent().and_then(|above| missing.get(above.as_os_str())).copied();
            let outermost = above.or_else(|| (!self.is_there(directory)).then_some(directory));
            missing.extend(outermost.map(|outermost| (directory.as_os_str(), outermost)));
            Spot { folder, missing: outermost }
        };
        all.into_iter().map(spot).collect()
    }

    /// Files of plans for modules that have another file already.
    fn beside_plans(&mut self, spots: &[Spot<'_>]) -> Vec<Shadow> {
        let claims = self.claims;
        let modules: BTreeSet<PathBuf> = spots.iter().flat_map(Spot::modules).collect();
        let mut found = Vec::new();
        for module in modules {
            let Some(directory) = module.parent() else { continue };
            let mut others = self.listed(directory).files.get(&module).cloned().unwrap_or_default();
            if self.is_directory(&module) {
                others.extend(self.listed(&module).files.get(&module).into_iter().flatten().cloned());
            }
            if others.is_empty() {
                continue;
            }
            let files = files_of(claims, &module);
            others
                .retain(|other| !self.going.contains(other) && !files.iter().any(|(path, _)| path == other));
            let Some(other) = others.into_iter().min() else { continue };
            found.extend(files.into_iter().map(|(file, claim)| shadow(&file, &claim, other.clone())));
        }
        found
    }

    /// Files of plans for modules, and folders of their names that are no packages: one of them comes, the other is there.
    fn hiding(&mut self, spots: &[Spot<'_>]) -> Vec<Shadow> {
        let claims = self.claims;
        let is_planned = |at: &Path| claims.folder(at).is_some_and(Folder::is_package);
        let mut found = Vec::new();
        let mut of_missing: HashMap<&OsStr, Vec<PathBuf>> = HashMap::new();
        for Spot { folder, missing } in spots {
            let directory = folder.path();
            // What is missing has nothing beside it but for the outermost of it.
            let above = match missing {
                Some(outermost) => of_missing
                    .entry(outermost.as_os_str())
                    .or_insert_with(|| self.files_above(outermost, is_planned))
                    .clone(),
                None => self.files_above(directory, is_planned),
            };
            if above.is_empty() && missing.is_some() {
                continue;
            }
            let mut told = BTreeSet::new();
            for (name, claim) in folder.files() {
                let Some(stem) = module::stem(name).filter(|stem| *stem != module::PACKAGE) else { continue };
                let (file, module) = (directory.join(name), directory.join(stem));
                if is_planned(&module) || !told.insert(stem) {
                    continue;
                }
                found.extend(above.iter().map(|other| shadow(&file, &claim, other.clone())));
                let may_hide = self.is_directory(&module) && !self.is_package(&module);
                let other = may_hide.then(|| self.hidden(&module)).flatten();
                found.extend(other.map(|other| shadow(&file, &claim, other)));
            }
        }
        found
    }

    /// The files that stand beside a directory, or one above it, for a module of its name.
    fn files_above(&mut self, directory: &Path, is_planned: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
        let sites: Vec<&Path> = self.places.sites().collect();
        let Some(site) = sites.iter().find(|site| beneath::is_within(directory, site)) else {
            return Vec::new();
        };
        let above = directory
            .ancestors()
            .take_while(|at| at.as_os_str() != site.as_os_str() && beneath::is_within(at, site));
        let mut found = Vec::new();
        for at in above.filter(|at| !is_planned(at)) {
            found.extend(self.beside(at).filter(|_| !self.is_package(at)));
        }
        found
    }

    fn listed(&mut self, directory: &Path) -> &Listed {
        let places = self.places;
        self.listed.entry(directory.as_os_str().to_owned()).or_insert_with(|| Listed::of(places, directory))
    }

    /// Whether a directory is there, or a link to one.
    fn is_there(&mut self, path: &Path) -> bool {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return true };
        self.listed(parent).may_have(name) && self.places.real().join(path).is_dir()
    }

    /// Whether it is one that modules lie in.
    fn is_directory(&mut self, path: &Path) -> bool {
        path.file_name() != Some(OsStr::new("__pycache__")) && self.is_there(path)
    }

    fn stays(&self, path: &Path) -> bool {
        !self.going.contains(path) && self.claims.package_of(path).is_empty()
    }

    /// Whether what is there makes a directory a package.
    fn is_package(&mut self, directory: &Path) -> bool {
        let files = self.listed(directory).files.get(directory).cloned().unwrap_or_default();
        files.iter().any(|path| self.stays(path))
    }

    /// The file that stands for a module of this name beside a directory.
    fn beside(&mut self, directory: &Path) -> Option<PathBuf> {
        let files = self.listed(directory.parent()?).files.get(directory).cloned().unwrap_or_default();
        files.into_iter().find(|path| !is_within(path, directory) && self.stays(path))
    }

    /// The first module that is there in a directory, or below.
    fn hidden(&mut self, directory: &Path) -> Option<PathBuf> {
        let mut open = vec![directory.to_owned()];
        while let Some(at) = open.pop() {
            let mut files: Vec<PathBuf> = self.listed(&at).files.values().flatten().cloned().collect();
            files.sort();
            if let Some(file) = files.into_iter().find(|path| self.stays(path)) {
                return Some(file);
            }
            let below = self.places.real().join(&at).read_dir().into_iter().flatten().flatten();
            let below = below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            let mut below: Vec<PathBuf> = below.map(|entry| at.join(entry.file_name())).collect();
            below.sort_by(|one, other| other.cmp(one));
            open.extend(below.into_iter().filter(|at| is_directory(&self.places.real().join(at))));
        }
        None
    }
}

fn shadow(file: &Path, claim: &Claim, other: PathBuf) -> Shadow {
    Shadow { file: file.to_owned(), package: claim.package().to_owned(), gives_way: claim.gives_way, other }
}

impl Listed {
    fn of(places: &Places, directory: &Path) -> Self {
        let mut found = Self::default();
        let entries = places.real().join(directory).read_dir();
        found.is_hidden = entries.as_ref().is_err_and(|error| !is_missing(error));
        for entry in entries.into_iter().flatten().flatten() {
            let name = entry.file_name();
            if entry.file_type().is_ok_and(|kind| kind.is_dir() || kind.is_symlink()) {
                found.below.insert(name.clone());
            }
            let path = directory.join(name);
            if let Some(module) = module::imported_as(&path)
                && places.real().join(&path).is_file()
            {
                found.files.entry(module).or_default().push(path);
            }
        }
        found
    }
}

fn is_directory(path: &Path) -> bool {
    path.file_name() != Some(OsStr::new("__pycache__")) && path.is_dir()
}

#[cfg(test)]
mod tests;
