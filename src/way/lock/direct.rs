//! Wheels that are named by address: each is fetched and its hash compared before its METADATA is read, and they are the
//! only candidates of their name. The user may name them, and packages for which the policy has an exception. And what
//! else the inputs leave of the candidates of an index: files that are old enough, with the hashes that are given.
//!
//! Never: asks an index about a name that has an address.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pep508_rs::{Requirement, VersionOrUrl};
use pipward_resolver::{
    Candidates, Dependencies, Facts, FactsError, PackageName, Release, Resolution, ResolvedPackage,
    VerbatimUrl, Version, WheelName,
};
use url::Url;

use super::LockRequest;
use super::addressed::{Addressed, AddressedWheel};
use super::given::{Given, given};
use super::kept::Cutoffs;
use crate::cache::Store;
use crate::digest::Sha256;
use crate::error::{Code, Place, Problem, Problems};
use crate::index::{Index, IndexFile};
use crate::lock::{LockedFile, build, requirements as hashed};
use crate::requirements::FileRequirement;
use crate::verify::VerifiedWheel;
use crate::wheel::Wheel;

/// The facts of the indexes, and of the wheels that are named by address.
pub(super) struct Direct<'a> {
    index: &'a Index,
    cutoffs: &'a Cutoffs,
    request: &'a LockRequest,
    hashes: BTreeMap<PackageName, Given>,
    addressed: RefCell<Addressed>,
    /// The names that packages give addresses, each with the versions of packages that do.
    named_by: RefCell<BTreeMap<PackageName, BTreeSet<(PackageName, Version)>>>,
    /// The versions whose addresses are not used: nothing that was chosen had them.
    refused: RefCell<BTreeSet<(PackageName, Version)>>,
    /// Whether an address was learned since the solve began.
    learned: Cell<bool>,
}

impl<'a> Direct<'a> {
    /// Fetches the wheels that the inputs name by address.
    ///
    /// # Errors
    /// `hash-missing` for one without a SHA-256, `hash-mismatch`, and whatever fetching and reading raise; all at once.
    pub(super) fn fetch(
        index: &'a Index,
        request: &'a LockRequest,
        cutoffs: &'a Cutoffs,
    ) -> Result<Self, Problems> {
        let inputs = &request.inputs;
        let mut named: Vec<(&FileRequirement, LockedFile)> = Vec::new();
        let mut faults = Vec::new();
        for requirement in inputs.roots.iter().chain(&inputs.overrides).chain(&inputs.constraints) {
            let Some(url) = address(requirement) else { continue };
            match hashed::direct(requirement, url.raw()) {
                Ok(file) => named.push((requirement, file)),
                Err(problems) => {
                    let about = |problem: Problem| {
                        problem.package(&requirement.requirement.name).at(requirement.place.clone())
                    };
                    faults.extend(problems.into_iter().map(about));
                }
            }
        }
        Problems::unless_empty((), std::mem::take(&mut faults))?;
        let direct = Self {
            index,
            cutoffs,
            request,
            hashes: given(inputs),
            addressed: RefCell::default(),
            named_by: RefCell::default(),
            refused: RefCell::default(),
            learned: Cell::new(false),
        };
        for (requirement, wheel) in named.iter().map(|(it, _)| it).zip(direct.fetch_all(&named)) {
            let name = &requirement.requirement.name;
            let added = wheel.and_then(|wheel| direct.addressed.borrow_mut().add(name, wheel));
            faults.extend(added.err().map(|problem| problem.package(name).at(requirement.place.clone())));
        }
        Problems::unless_empty(direct, faults)
    }

    /// Fetches, verifies and reads wheels; each address once. Outcomes in the order of `named`.
    fn fetch_all(&self, named: &[(&FileRequirement, LockedFile)]) -> Vec<Result<AddressedWheel, Problem>> {
        let mut once: Vec<&LockedFile> = Vec::new();
        for (_, file) in named {
            if !once.iter().any(|known| known.location == file.location) {
                once.push(file);
            }
        }
        let mut fetched: BTreeMap<usize, Result<(Wheel, Sha256), Problem>> = BTreeMap::new();
        let fetcher = self.index.fetcher(self.request.cache.as_deref().map(Store::new));
        for (at, outcome) in fetcher.start(once.iter().map(|file| (*file).clone()).collect()) {
            let Some(file) = once.get(at) else { continue };
            let read = |verified: VerifiedWheel| {
                let sha256 = verified.sha256();
                Ok((self.request.policy.read(verified)?, sha256))
            };
            fetched.insert(at, outcome.and_then(|bytes| VerifiedWheel::check(bytes, file)).and_then(read));
        }
        let outcome = |(requirement, file): &(&FileRequirement, LockedFile)| {
            let at = once.iter().position(|known| known.location == file.location);
            match at.and_then(|at| fetched.get(&at)) {
                Some(Ok((wheel, sha256))) => read(wheel, *sha256, requirement, file),
                Some(Err(problem)) if problem.code() == Code::HashMismatch => {
                    Err(not_as_given(problem, requirement, file))
                }
                Some(Err(problem)) => Err(problem.clone()),
                None => Err(Problem::new(Code::Internal, "a download ended without an outcome")),
            }
        };
        named.iter().map(outcome).collect()
    }

    /// A requirement of the inputs as the resolver takes it: where a name has several addresses, by the version of the
    /// wheel that it means.
    pub(super) fn asked(&self, requirement: &FileRequirement) -> Requirement<VerbatimUrl> {
        let mut asked = requirement.requirement.clone();
        let addressed = self.addressed.borrow();
        if addressed.has_several(&asked.name) {
            addressed.by_version(&mut asked);
        }
        asked
    }

    /// Whether a solve has to begin anew: it came upon an address that a package may name.
    pub(super) fn has_learned(&self) -> bool {
        self.learned.take()
    }

    /// Gives up the addresses that only packages name which were not chosen; whether there were any that were used.
    pub(super) fn gives_up(&self, resolution: &Resolution) -> bool {
        let is_chosen = |(name, version): &(PackageName, Version)| {
            resolution.packages.iter().any(|it| it.name == *name && it.version == *version)
        };
        let mut named_by = self.named_by.borrow_mut();
        let unfounded: Vec<PackageName> = named_by
            .iter()
            .filter(|(name, by)| {
                resolution.packages.iter().any(|it| it.name == **name) && !by.iter().any(is_chosen)
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in &unfounded {
            self.refused.borrow_mut().extend(named_by.remove(name).unwrap_or_default());
            self.addressed.borrow_mut().forget(name);
        }
        !unfounded.is_empty()
    }

    /// Sentences for the user: which packages come from addresses that others name.
    pub(super) fn notes(&self, resolution: &Resolution) -> Vec<String> {
        let named_by = self.named_by.borrow();
        let note = |package: &ResolvedPackage| {
            let (owner, version) = named_by.get(&package.name)?.iter().next()?;
            let (name, of) = (&package.name, &package.version);
            Some(format!(
                "{name} {of} comes from an address that {owner} {version} names, as the policy allows."
            ))
        };
        resolution.packages.iter().filter_map(note).collect()
    }

    /// What the lock says of a wheel.
    pub(super) fn facts(&self, name: &PackageName, wheel: &WheelName) -> Result<build::WheelFacts, Problem> {
        match self.addressed.borrow().facts(name, wheel) {
            Some(facts) => Ok(facts),
            None => super::facts(self.index, name, wheel),
        }
    }

    /// Puts versions in place of the addresses that a package names, as far as they are the user's own or the policy lets
    /// the package name them. Others stay, and the resolver refuses them.
    fn by_version(
        &self,
        name: &PackageName,
        version: &Version,
        known: &mut Dependencies,
    ) -> Result<(), Problem> {
        for requirement in &mut known.requires {
            let Some(VersionOrUrl::Url(url)) = &requirement.version_or_url else { continue };
            let owner = (name.clone(), version.clone());
            let is_of_users = self.addressed.borrow().knows(&requirement.name)
                && !self.named_by.borrow().contains_key(&requirement.name);
            let may = self.request.policy.may_name_addresses(name) && !self.refused.borrow().contains(&owner);
            if !is_of_users && may && is_plain(url.raw()) {
                if self.addressed.borrow().version_of(requirement).is_none() {
                    self.learn(requirement, url.raw(), &owner)?;
                }
                self.named_by.borrow_mut().entry(requirement.name.clone()).or_default().insert(owner);
            }
            self.addressed.borrow().by_version(requirement);
        }
        Ok(())
    }

    /// Fetches a wheel that a package names by its address.
    fn learn(
        &self,
        requirement: &Requirement<VerbatimUrl>,
        url: &Url,
        (name, version): &(PackageName, Version),
    ) -> Result<(), Problem> {
        let place = Place::file(format!("METADATA of {name} {version}"));
        let read = FileRequirement {
            spelled: None,
            marker_text: None,
            requirement: requirement.clone(),
            hashes: Vec::new(),
            hash_problems: Vec::new(),
            place: place.clone(),
            included: None,
        };
        let about = |problem: Problem| problem.package(&requirement.name).at(place.clone());
        let file = hashed::direct(&read, url).map_err(|found| {
            let first = found.into_iter().next();
            about(first.unwrap_or_else(|| Problem::new(Code::HashMissing, "an address without a hash")))
        })?;
        for wheel in self.fetch_all(&[(&read, file)]) {
            let added = wheel.and_then(|wheel| self.addressed.borrow_mut().add(&requirement.name, wheel));
            added.map_err(about)?;
        }
        self.learned.set(true);
        Ok(())
    }
}

/// Nothing was locked yet: the hash is what the line of the address says.
fn not_as_given(found: &Problem, requirement: &FileRequirement, file: &LockedFile) -> Problem {
    Problem::new(Code::HashMismatch, format!("{} at its address is not the file that the given hash means", file.name))
        .package(&requirement.requirement.name)
        .at(requirement.place.clone())
        .expected(found.expected_text().unwrap_or_default())
        .found(found.found_text().unwrap_or_default())
        .help("look at the file, by the project's own release page; then correct the hash, or the address, where it stands")
}

/// Whether an address that a package names is of a kind that is fetched from.
fn is_plain(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none()
}

/// The address of a requirement that has one.
pub(super) fn address(requirement: &FileRequirement) -> Option<&VerbatimUrl> {
    match &requirement.requirement.version_or_url {
        Some(VersionOrUrl::Url(url)) => Some(url),
        _ => None,
    }
}

impl Direct<'_> {
    /// What the cutoffs of single packages, and hashes that the inputs give, leave of what the index offers.
    fn left(&self, name: &PackageName, all: Arc<Candidates>) -> Result<Arc<Candidates>, Problem> {
        let hashes = self.hashes.get(name);
        let latest = self.cutoffs.latest();
        let is_latest = |version| self.cutoffs.of(name, version) == latest;
        if hashes.is_none() && (self.cutoffs.is_one() || all.releases.versions().all(is_latest)) {
            return Ok(all);
        }
        let (allowance, age) = self.index.patience(name)?;
        let mut left = Vec::with_capacity(all.releases.len());
        let mut any = false;
        for (version, release) in all.releases.iter() {
            let cutoff = self.cutoffs.of(name, version);
            let cutoff = cutoff.saturating_add(allowance).unwrap_or(cutoff);
            let mut fitting = Vec::new();
            for wheel in &release.wheels {
                let mut wheel = wheel.clone();
                let file = self.index.file(name, &wheel.name)?;
                let uploaded = file.upload_time.filter(|uploaded| *uploaded > cutoff);
                wheel.too_new =
                    wheel.too_new.or(uploaded.map(|uploaded| crate::index::too_new(uploaded, age)));
                if let Some(given) = hashes {
                    let found = match file.sha256 {
                        Some(found) => found,
                        None => self.index.compute_sha256(&file)?.0,
                    };
                    if !given.allows(version, found) {
                        continue;
                    }
                }
                fitting.push(wheel);
            }
            any |= !fitting.is_empty();
            left.push((version.clone(), Release { wheels: fitting.into(), ..release.clone() }));
        }
        match hashes {
            Some(given) if !any && !all.releases.is_empty() => {
                Err(given.fault(name, &all.releases.versions().collect::<Vec<_>>()))
            }
            _ => Ok(Arc::new(Candidates { known: all.known, releases: left.into_iter().collect() })),
        }
    }
}

fn read(
    wheel: &Wheel,
    sha256: Sha256,
    requirement: &FileRequirement,
    file: &LockedFile,
) -> Result<AddressedWheel, Problem> {
    let (metadata, name) = (wheel.metadata(), &requirement.requirement.name);
    if metadata.name != *name {
        return Err(Problem::new(Code::MetadataMismatch, "the wheel at this address is of another project")
            .expected(name)
            .found(&metadata.name)
            .help("write the name of the wheel before the address"));
    }
    Ok(AddressedWheel {
        addresses: address(requirement).map(|url| url.raw().clone()).into_iter().collect(),
        marker: requirement.requirement.marker.clone(),
        version: metadata.version.clone(),
        dependencies: Dependencies {
            requires: metadata.requires.clone(),
            extras: metadata.extras.clone(),
            requires_python: metadata.requires_python.clone(),
            malformed: None,
        },
        metadata_sha256: wheel.metadata_sha256(),
        file: IndexFile {
            name: file.name.clone(),
            location: file.location.clone(),
            index: None,
            sha256: Some(sha256),
            size: Some(wheel.size()),
            upload_time: None,
            yanked: None,
            requires_python: metadata.requires_python.clone(),
        },
    })
}

impl Facts for Direct<'_> {
    fn candidates(&self, name: &PackageName) -> Result<Arc<Candidates>, FactsError> {
        if let Some(named) = self.addressed.borrow().candidates(name) {
            return Ok(Arc::new(named));
        }
        let all = self.index.candidates(name)?;
        self.left(name, all).map_err(|problem| FactsError(Box::new(problem)))
    }

    fn dependencies(
        &self,
        name: &PackageName,
        version: &Version,
        wheel: &WheelName,
    ) -> Result<Arc<Dependencies>, FactsError> {
        let named = self.addressed.borrow().dependencies(name, version);
        let known = match named {
            Some(named) => Arc::new(named),
            None => self.index.dependencies(name, version, wheel)?,
        };
        let has_address =
            |it: &Requirement<VerbatimUrl>| matches!(it.version_or_url, Some(VersionOrUrl::Url(_)));
        if !known.requires.iter().any(has_address) {
            return Ok(known);
        }
        let mut known = Dependencies::clone(&known);
        self.by_version(name, version, &mut known).map_err(|problem| FactsError(Box::new(problem)))?;
        if self.learned.get() {
            // Candidates of the name may have been asked for: the solve begins anew.
            return Err(FactsError("an address was learned".into()));
        }
        Ok(Arc::new(known))
    }

    fn hint(&self, soon: &[(PackageName, Option<(Version, WheelName)>)]) {
        let addressed = self.addressed.borrow();
        let from_index: Vec<_> = soon.iter().filter(|(name, _)| !addressed.knows(name)).cloned().collect();
        self.index.hint(&from_index);
    }
}
