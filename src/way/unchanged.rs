//! The short way: nothing is opened where the witness says that nothing has changed.
//!
//! Owns: the question whether all of a run is there already. Never: believes the witness where anything differs; then it
//! is an install, which hashes.

use std::collections::{BTreeMap, BTreeSet};

use pipward_resolver::PackageName;

use super::destination::Environment;
use super::install::{InstallRequest, Installed};
use super::upkeep::Others;
use super::witness::{Vouched, Witness};
use crate::digest::{LockedHashes, Sha256};
use crate::lock::closure::{self, ClosureRequest, Declared};
use crate::lock::{Lock, LockedSource, SelectRequest, Selected, Selection, Subset};
use crate::python::installed::{self, InstalledDistribution};
use crate::requirements::FileRequirement;
use crate::wheel::metadata::Metadata;

/// What an install would do, where that is nothing.
pub(super) fn look(request: &InstallRequest) -> Option<Installed> {
    let Environment::Standing(interpreter) = &request.environment else { return None };
    if request.rehash || request.anew || request.beneath.is_some() || request.only_dependencies {
        return None;
    }
    let (policy, trust) = (&request.policy, &request.trust);
    if trust.verify_provenance || policy.verifies_provenance() || !policy.required().is_empty() {
        return None;
    }
    request.locks.check_python(request.target()).ok()?;
    let installed = installed::read(&interpreter.scheme).ok()?;
    let witness = Witness::read(request.cache.as_deref(), &interpreter.scheme);
    let here = Here { request, installed: &installed.distributions, witness };
    let (lock, selection, roots, requested) = here.selection()?;
    let goes = |name: &PackageName| match &request.upkeep.others {
        Others::Stay => false,
        Others::Named(names) => names.contains(name),
        Others::Go => true,
    };
    let is_part = |name: &PackageName| selection.get(name).is_some();
    let others_stay = installed.distributions.iter().all(|one| is_part(&one.name) || !goes(&one.name));
    if !others_stay || (request.upkeep.others == Others::Go && !installed.unreadable.is_empty()) {
        return None;
    }
    let mut there = Vec::new();
    for selected in &selection.packages {
        // What policy allowed it may allow no longer.
        let is_judged = selected.package.yanked.is_some()
            || request.upkeep.others != Others::Go
                && here.witness.has_startup_files(selected.package.name.as_ref());
        if is_judged {
            return None;
        }
        there.push(here.vouched(selected)?);
    }
    let vouched: Vec<Vouched> = there.iter().map(|(_, vouched)| vouched.clone()).collect();
    let closed = !request.check_closure || here.witness.is_closed(&vouched);
    let mut read = BTreeMap::new();
    for (found, _) in &there {
        read.insert(found.name.clone(), metadata(found)?);
    }
    let declared: BTreeMap<PackageName, Declared<'_>> =
        read.iter().map(|(name, (metadata, _))| (name.clone(), super::install::declared(metadata))).collect();
    let target = request.target();
    let question =
        ClosureRequest { lock: &lock, selection: &selection, roots: &roots, declared: &declared, target };
    if !closed && !closure::check(&question).is_empty() {
        return None;
    }
    Some(super::install::nothing_to_do(request, &selection, &requested, &read, &vouched))
}

/// An environment, and what is asked of it.
struct Here<'a> {
    request: &'a InstallRequest,
    installed: &'a [InstalledDistribution],
    witness: Witness,
}

/// A lock, what of it is wanted, what was asked for, and by which names.
type Wanted = (Lock, Selection, Vec<FileRequirement>, BTreeSet<PackageName>);

impl Here<'_> {
    /// What the locks select; nothing where two of them have one name, which is a matter for the long way.
    fn selection(&self) -> Option<Wanted> {
        let request = self.request;
        let target = request.target();
        let select = SelectRequest { target, extras: &request.extras, groups: request.groups.as_deref() };
        let (mut lock, mut packages, mut roots) = (Lock::default(), Vec::new(), Vec::new());
        let mut requested = BTreeSet::new();
        for whole in request.locks.whole() {
            lock.packages.extend(whole.packages.iter().cloned());
            packages.extend(whole.select(&select).ok()?.packages);
        }
        requested.extend(packages.iter().map(|selected| selected.package.name.clone()));
        if let Some((named, names)) = request.locks.named() {
            let here = |asked: &&FileRequirement| asked.requirement.evaluate_markers(&target.markers, &[]);
            roots = names.iter().filter(here).cloned().collect();
            requested.extend(roots.iter().map(|root| root.requirement.name.clone()));
            lock.packages.extend(named.packages.iter().cloned());
            packages.extend(self.subset(&named.select(&select).ok()?, &roots)?.packages);
        }
        packages.sort_by(|one: &Selected, other| one.package.name.cmp(&other.package.name));
        let names: BTreeSet<&PackageName> = packages.iter().map(|selected| &selected.package.name).collect();
        if names.len() != packages.len() {
            return None;
        }
        Some((lock, Selection { packages }, roots, requested))
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
        let mut known: BTreeMap<PackageName, Metadata> = BTreeMap::new();
        loop {
            let declared =
                known.iter().map(|(name, read)| (name.clone(), super::install::declared(read))).collect();
            match all.subset(&names, self.request.target(), &declared).ok()? {
                Subset::Whole(selection) => return Some(selection),
                Subset::NeedsMetadata(packages) => {
                    for selected in packages {
                        let (found, _) = self.vouched(&selected)?;
                        known.insert(selected.package.name.clone(), metadata(found)?.0);
                    }
                }
            }
        }
    }

    /// The installed distribution of a package, where the witness says that it is the locked wheel.
    fn vouched(&self, selected: &Selected) -> Option<(&InstalledDistribution, Vouched)> {
        let name = selected.package.name.to_string();
        let mut all = self.installed.iter().filter(|found| found.name == selected.package.name);
        let (Some(found), None) = (all.next(), all.next()) else { return None };
        let (version, sha256) = self.witness.vouches(&name)?;
        let is_version = selected.package.version.as_ref().is_none_or(|locked| *locked == found.version);
        let is_there = self.witness.dist_info(&name) == Some(found.dist_info.as_path());
        let vouched = Vouched { name, version: version.to_owned(), sha256 };
        (is_there && is_version && allows(selected, sha256)).then_some((found, vouched))
    }
}

/// METADATA of what is installed, read and as it stands.
fn metadata(found: &InstalledDistribution) -> Option<(Metadata, Vec<u8>)> {
    let bytes =
        installed::read_capped(&found.dist_info.join("METADATA"), crate::wheel::metadata::MAX_METADATA)
            .ok()??;
    Some((Metadata::parse(&bytes).ok()?, bytes))
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
