//! The short way: nothing is opened where the witness says that nothing has changed.
//!
//! Owns: the question whether all of a run, or one package of it, is there already. Never: believes the witness where
//! anything differs; then it is an install, which hashes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pipward_resolver::{PackageName, Version};
use rayon::prelude::*;

use super::destination::Environment;
use super::install::{InstallRequest, Installed, Item, direct_url};
use super::upkeep::{Others, Unlisted};
use super::witness::{Vouched, Witness};
use crate::digest::{LockedHashes, Sha256};
use crate::install::{ENVIRONMENTS_OWN, Strictness};
use crate::lock::closure::{self, ClosureRequest, Declared};
use crate::lock::{Lock, LockedSource, SelectRequest, Selected, Selection, Subset};
use crate::python::installed;
use crate::requirements::FileRequirement;
use crate::wheel::metadata::{Brief, MAX_METADATA, Metadata};
use crate::wheel::startup::Kind;

/// What an install would do, where that is nothing.
pub(super) fn look(request: &InstallRequest) -> Option<Installed> {
    if request.only_dependencies {
        return None;
    }
    request.locks.check_here(request.target()).ok()?;
    let here = Here::of(request)?;
    let (selection, roots, requested) = here.selection()?;
    if here.others_go(&selection) || here.has_unlisted() {
        return None;
    }
    let mut there = Vec::new();
    for selected in &selection.packages {
        let (found, vouched) = here.vouched(selected)?;
        if selected.package.yanked.is_some() {
            return None;
        }
        there.push((found, vouched));
    }
    // Last, since it asks for the state of every file.
    let places: Vec<&Path> = there.iter().map(|(found, _)| found.dist_info.as_path()).collect();
    if !here.witness.hold(&places) {
        return None;
    }
    let vouched: Vec<Vouched> = there.iter().map(|(_, vouched)| vouched.clone()).collect();
    let closed = !request.check_closure || here.witness.is_closed(&vouched);
    // What each needs is told only where something was asked for by name.
    let read = if closed && request.locks.asked().is_empty() {
        None
    } else {
        // Where there are no threads, the long way says so.
        crate::threads::share().ok()?;
        let read: Option<Vec<_>> = there.par_iter().map(|(found, _)| here.brief(found)).collect();
        Some(read?)
    };
    if let (false, Some(read)) = (closed, &read) {
        let names = there.iter().map(|(found, _)| found.name.clone());
        let declared: BTreeMap<PackageName, Declared<'_>> =
            names.zip(read).map(|(name, metadata)| (name, super::install::declared(metadata))).collect();
        let (target, asked) = (request.target(), request.locks.asked());
        let question = ClosureRequest {
            locks: &here.locks(),
            selection: &selection,
            roots: &roots,
            asked,
            declared: &declared,
            target,
        };
        if !closure::check(&question).is_empty() {
            return None;
        }
    }
    let mut read = read.map(Vec::into_iter);
    let all: Vec<There> = there
        .into_iter()
        .map(|(found, vouched)| There {
            name: found.spelled.clone(),
            version: found.version.clone(),
            sha256: vouched.sha256,
            metadata: read.as_mut().and_then(Iterator::next),
        })
        .collect();
    Some(super::install::nothing_to_do(request, &selection, &requested, &all))
}

/// A package that is there already, as its METADATA tells it.
pub(super) struct There {
    /// `Name`, as written.
    pub(super) name: String,
    pub(super) version: Version,
    /// Of the wheel.
    pub(super) sha256: Sha256,
    /// METADATA, where anybody has to know.
    pub(super) metadata: Option<Brief>,
}

/// An environment, and what is asked of it.
pub(super) struct Here<'a> {
    request: &'a InstallRequest,
    installed: Vec<Found>,
    /// The places of each name among them.
    by_name: BTreeMap<PackageName, Vec<usize>>,
    /// Whether there is anything that looks like a distribution and cannot be read as one.
    has_unreadable: bool,
    witness: Witness,
}

/// An installed distribution.
struct Found {
    name: PackageName,
    /// The name as METADATA has it; nothing where the witness does not know.
    spelled: String,
    version: Version,
    dist_info: PathBuf,
    /// The wheel that it is if no file has changed, where it was let in by the policy of this run.
    sha256: Option<Sha256>,
}

impl Found {
    /// METADATA, the lines of its requirements, and its text.
    fn metadata(&self) -> Option<(Metadata, String, Vec<u8>)> {
        let bytes = installed::read_capped(&self.dist_info.join("METADATA"), MAX_METADATA).ok()??;
        let (metadata, lines) = Metadata::parse_with_lines(&bytes).ok()?;
        Some((metadata, lines, bytes))
    }
}

/// What is wanted of the locks, what was asked for, and by which names.
type Wanted = (Selection, Vec<FileRequirement>, BTreeSet<PackageName>);

impl<'a> Here<'a> {
    /// The environment of a run that may believe the witness; nothing where it may not, or there is none.
    pub(super) fn of(request: &'a InstallRequest) -> Option<Self> {
        let Environment::Standing(interpreter) = &request.environment else { return None };
        if request.rehash || request.anew || request.beneath.is_some() {
            return None;
        }
        let (policy, trust) = (&request.policy, &request.trust);
        if trust.verify_provenance || policy.verifies_provenance() || !policy.required().is_empty() {
            return None;
        }
        let witness = Witness::read(request.cache.as_deref(), &interpreter.scheme);
        if witness.is_empty() {
            return None;
        }
        let places = installed::places(&interpreter.scheme).ok()?;
        let judged_by = request.policy.fingerprint(&trust.ages);
        let found: Option<Vec<Option<Found>>> = places
            .into_iter()
            .map(|(path, legacy)| {
                let standing = witness.noted(&path).filter(|noted| {
                    // All of a lock is asked for.
                    let is_origin = || noted.is_of(request.installer.name(), true);
                    let by_whole = request.upkeep.strictness == Strictness::Whole;
                    noted.judged_by == judged_by && (!by_whole || is_origin())
                });
                if let Some(noted) = standing {
                    return Some(Some(Found {
                        name: noted.name.parse().ok()?,
                        spelled: noted.spelled.to_owned(),
                        version: noted.version.parse().ok()?,
                        dist_info: path,
                        sha256: Some(noted.sha256),
                    }));
                }
                Some(installed::distribution(&path, legacy).ok()?.map(|other| Found {
                    name: other.name,
                    spelled: String::new(),
                    version: other.version,
                    dist_info: other.dist_info,
                    sha256: None,
                }))
            })
            .collect();
        let found = found?;
        let has_unreadable = found.iter().any(Option::is_none);
        let installed: Vec<Found> = found.into_iter().flatten().collect();
        let mut by_name = BTreeMap::<PackageName, Vec<usize>>::new();
        for (at, found) in installed.iter().enumerate() {
            by_name.entry(found.name.clone()).or_default().push(at);
        }
        Some(Self { request, installed, by_name, has_unreadable, witness })
    }

    /// Whether anything that is installed would be taken out, or might.
    fn others_go(&self, selection: &Selection) -> bool {
        let others = &self.request.upkeep.others;
        let goes = |name: &PackageName| match others {
            Others::Stay => false,
            Others::Named(names) => names.contains(name),
            Others::Go => true,
        };
        self.installed.iter().any(|one| goes(&one.name) && selection.get(&one.name).is_none())
            || (*others == Others::Go && self.has_unreadable)
    }

    /// Whether anything may be there that no RECORD lists, where that matters.
    fn has_unlisted(&self) -> bool {
        let is_asked = |name: &str| {
            Kind::of(Path::new(name)).is_some()
                && !ENVIRONMENTS_OWN.contains(&name.to_ascii_lowercase().as_str())
        };
        let scheme = &self.request.environment.interpreter().scheme;
        match self.request.upkeep.unlisted {
            Unlisted::Passed => false,
            // Who asks for all of it to go waits for a look at all of it.
            Unlisted::Go => true,
            Unlisted::Judged => {
                let directories = scheme.module_directories();
                let names = directories.iter().flat_map(|directory| {
                    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
                    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
                    names.filter(|name| is_asked(name)).map(|name| (*directory, name))
                });
                let standing = self.installed.iter().filter(|one| one.sha256.is_some());
                !self.witness.list(standing.map(|one| one.dist_info.as_path()), names.collect())
            }
        }
    }

    fn brief(&self, found: &Found) -> Option<Brief> {
        let (metadata, lines, _) = found.metadata()?;
        Some(Brief::of(&metadata, &lines, &self.request.target().markers))
    }

    /// METADATA and wheel of an item of which nothing is to be fetched, since the locked wheel is there as a run left it.
    pub(super) fn keeps(&self, item: &Item) -> Option<There> {
        let package = &item.package;
        let (found, sha256) = self.standing(&package.name, package.version.as_ref())?;
        let is_it = item.file.hashes.sha256s().any(|one| one == sha256);
        if !is_it || package.yanked.is_some() || direct_url(item).is_some() {
            return None;
        }
        if !self.witness.hold(&[&found.dist_info]) {
            return None;
        }
        let (metadata, lines, text) = found.metadata()?;
        let as_locked = package.metadata_sha256.get(item.file.name.as_str());
        let runs_here = self.request.any_python || metadata.runs_on(&self.request.target().markers);
        let is_it =
            as_locked.is_none_or(|locked| *locked == Sha256::of(&text)) && metadata.version == found.version;
        (is_it && runs_here).then(|| There {
            name: found.spelled.clone(),
            version: found.version.clone(),
            sha256,
            metadata: Some(Brief::of(&metadata, &lines, &self.request.target().markers)),
        })
    }

    /// The only distribution of a name, where it is of this version and the witness vouches for it if no file has changed.
    fn standing(&self, name: &PackageName, version: Option<&Version>) -> Option<(&Found, Sha256)> {
        let [at] = self.by_name.get(name)?.as_slice() else { return None };
        let found = self.installed.get(*at)?;
        version.is_none_or(|locked| *locked == found.version).then_some((found, found.sha256?))
    }

    fn locks(&self) -> Vec<&Lock> {
        let locks = &self.request.locks;
        locks.whole().iter().chain(locks.named().map(|(named, _)| named)).collect()
    }

    /// What the locks select; nothing where two of them have one name, which is a matter for the long way.
    fn selection(&self) -> Option<Wanted> {
        let request = self.request;
        let target = request.target();
        let select = SelectRequest { target, extras: &request.extras, groups: request.groups.as_deref() };
        let (mut packages, mut roots) = (Vec::new(), Vec::new());
        let mut requested = BTreeSet::new();
        for whole in request.locks.whole() {
            packages.extend(whole.select(&select).ok()?.packages);
        }
        requested.extend(packages.iter().map(|selected| selected.package.name.clone()));
        if let Some((named, names)) = request.locks.named() {
            let here = |asked: &&FileRequirement| asked.requirement.evaluate_markers(&target.markers, &[]);
            roots = names.iter().filter(here).cloned().collect();
            requested.extend(roots.iter().map(|root| root.requirement.name.clone()));
            packages.extend(self.subset(&named.offer(&select).ok()?, &roots)?.packages);
        }
        packages.sort_by(|one: &Selected, other| one.package.name.cmp(&other.package.name));
        let names: BTreeSet<&PackageName> = packages.iter().map(|selected| &selected.package.name).collect();
        if names.len() != packages.len() {
            return None;
        }
        let selection = Selection { packages };
        selection.objections(&target.markers).is_empty().then_some((selection, roots, requested))
    }

    /// The named packages and what they need, as what is installed tells it.
    fn subset(&self, all: &Selection, roots: &[FileRequirement]) -> Option<Selection> {
        if !self.request.check_closure {
            let named = |one: &&Selected| roots.iter().any(|root| root.requirement.name == one.package.name);
            return Some(Selection { packages: all.packages.iter().filter(named).cloned().collect() });
        }
        let names: Vec<_> = roots
            .iter()
            .map(|root| (root.requirement.name.clone(), root.requirement.extras.clone()))
            .collect();
        let mut known: BTreeMap<PackageName, Brief> = BTreeMap::new();
        loop {
            let declared =
                known.iter().map(|(name, read)| (name.clone(), super::install::declared(read))).collect();
            match all.subset(&names, self.request.target(), &declared).ok()? {
                Subset::Whole(selection) => return Some(selection),
                Subset::NeedsMetadata(packages) => {
                    for selected in packages {
                        let (found, _) = self.vouched(&selected)?;
                        known.insert(selected.package.name.clone(), self.brief(found)?);
                    }
                }
            }
        }
    }

    /// The installed distribution of a package, where the witness says that it is the locked wheel if no file has changed.
    fn vouched(&self, selected: &Selected) -> Option<(&Found, Vouched)> {
        let package = &selected.package;
        let (found, sha256) = self.standing(&package.name, package.version.as_ref())?;
        let (name, version) = (found.name.to_string(), found.version.to_string());
        let vouched = Vouched { name, version, sha256, stood: true };
        allows(selected, sha256).then_some((found, vouched))
    }
}

/// Whether the lock takes the wheel of this hash.
fn allows(selected: &Selected, sha256: Sha256) -> bool {
    let among = |hashes: &LockedHashes| hashes.sha256s().any(|one| one == sha256);
    match (&selected.file, &selected.package.source) {
        (Some(file), _) => among(&file.hashes),
        (None, LockedSource::ByHash(hashes)) => among(hashes),
        (None, LockedSource::Wheels(_) | LockedSource::Unusable(_)) => false,
    }
}
