//! Wheels that the user names by address: each is fetched and its hash compared before its METADATA is read, and it is
//! the only candidate of its name. And what else the inputs leave of the candidates of an index: files that are old enough,
//! with the hashes that are given.
//!
//! Never: asks an index about a name that has an address.

use std::collections::BTreeMap;
use std::sync::Arc;

use pep508_rs::VersionOrUrl;
use pipward_resolver::{
    CandidateWheel, Candidates, Dependencies, Facts, FactsError, PackageName, Release, VerbatimUrl, Version,
    WheelName,
};

use super::super::inputs::Inputs;
use super::LockRequest;
use super::kept::Cutoffs;
use crate::cache::Store;
use crate::digest::{Sha256, StrongDigest};
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
    /// The hashes that the inputs give for a name, and where.
    hashes: BTreeMap<PackageName, (Vec<StrongDigest>, Place)>,
    wheels: BTreeMap<PackageName, DirectWheel>,
}

struct DirectWheel {
    file: IndexFile,
    candidates: Arc<Candidates>,
    dependencies: Arc<Dependencies>,
    metadata_sha256: Sha256,
}

impl<'a> Direct<'a> {
    /// Fetches the wheels that the inputs name by address.
    ///
    /// # Errors
    /// `hash-missing` for one without a SHA-256, `hash-mismatch`, and whatever fetching and reading raise; all at once.
    pub(super) fn fetch(
        index: &'a Index,
        request: &LockRequest,
        cutoffs: &'a Cutoffs,
    ) -> Result<Self, Problems> {
        let inputs = &request.inputs;
        let mut named: Vec<(&FileRequirement, LockedFile)> = Vec::new();
        let mut faults = Vec::new();
        for requirement in inputs.roots.iter().chain(&inputs.overrides).chain(&inputs.constraints) {
            let Some(url) = address(requirement) else { continue };
            match hashed::direct(requirement, url.raw()) {
                Ok(file) if named.iter().any(|(_, known)| known.location == file.location) => {}
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
        let mut wheels = BTreeMap::new();
        let fetcher = index.fetcher(request.cache.as_deref().map(Store::new));
        for (at, fetched) in fetcher.start(named.iter().map(|(_, file)| file.clone()).collect()) {
            let Some((requirement, file)) = named.get(at) else { continue };
            let name = &requirement.requirement.name;
            match fetched
                .and_then(|bytes| VerifiedWheel::check(bytes, file))
                .and_then(|it| read(&request.policy.read(it)?, name, file))
            {
                Ok(wheel) if !wheels.contains_key(name) => drop(wheels.insert(name.clone(), wheel)),
                Ok(_) => faults.push(
                    Problem::new(Code::DuplicatePackage, "two addresses are given for one name")
                        .package(name)
                        .at(requirement.place.clone())
                        .help("keep the one that you mean"),
                ),
                Err(problem) => faults.push(problem.package(name).at(requirement.place.clone())),
            }
        }
        let hashes = given_hashes(inputs);
        Problems::unless_empty(Self { index, cutoffs, hashes, wheels }, faults)
    }

    /// What the lock says of a wheel.
    pub(super) fn facts(&self, name: &PackageName, wheel: &WheelName) -> Result<build::WheelFacts, Problem> {
        match self.wheels.get(name) {
            None => super::facts(self.index, name, wheel),
            Some(direct) => Ok(build::WheelFacts {
                file: direct.file.clone(),
                metadata_sha256: Some(direct.metadata_sha256),
                requires_python: direct.dependencies.requires_python.clone(),
            }),
        }
    }
}

/// The address of a requirement that has one.
pub(super) fn address(requirement: &FileRequirement) -> Option<&VerbatimUrl> {
    match &requirement.requirement.version_or_url {
        Some(VersionOrUrl::Url(url)) => Some(url),
        _ => None,
    }
}

/// The hashes that requirements and constraints on a name give, all of them: any version's file may be the one.
fn given_hashes(inputs: &Inputs) -> BTreeMap<PackageName, (Vec<StrongDigest>, Place)> {
    let mut given: BTreeMap<PackageName, (Vec<StrongDigest>, Place)> = BTreeMap::new();
    for requirement in inputs.roots.iter().chain(&inputs.constraints) {
        let sha256 = requirement.hashes.iter().filter(|digest| matches!(digest, StrongDigest::Sha256(_)));
        let sha256: Vec<StrongDigest> = sha256.copied().collect();
        if address(requirement).is_none() && !sha256.is_empty() {
            let name = requirement.requirement.name.clone();
            given.entry(name).or_insert_with(|| (Vec::new(), requirement.place.clone())).0.extend(sha256);
        }
    }
    given
}

impl Direct<'_> {
    /// What the cutoffs of single packages, and hashes that the inputs give, leave of what the index offers.
    fn left(&self, name: &PackageName, all: Arc<Candidates>) -> Result<Arc<Candidates>, Problem> {
        let hashes = self.hashes.get(name);
        let latest = self.cutoffs.latest();
        if hashes.is_none() && all.releases.keys().all(|version| self.cutoffs.of(name, version) == latest) {
            return Ok(all);
        }
        let mut left = Candidates::clone(&all);
        let mut any = false;
        for (version, release) in &mut left.releases {
            let cutoff = self.cutoffs.of(name, version);
            let mut fitting = Vec::new();
            for mut wheel in std::mem::take(&mut release.wheels) {
                let file = self.index.file(name, &wheel.name)?;
                let uploaded = file.upload_time.filter(|uploaded| *uploaded > cutoff);
                wheel.too_new = wheel.too_new.or(uploaded.map(crate::index::too_new));
                if let Some((given, _)) = hashes {
                    let found = match file.sha256 {
                        Some(found) => found,
                        None => self.index.compute_sha256(&file)?.0,
                    };
                    if !given.contains(&StrongDigest::Sha256(found)) {
                        continue;
                    }
                }
                fitting.push(wheel);
            }
            any |= !fitting.is_empty();
            release.wheels = fitting;
        }
        match hashes {
            Some((given, place)) if !any && !all.releases.is_empty() => {
                let given: Vec<String> = given.iter().map(ToString::to_string).collect();
                Err(Problem::new(Code::HashMismatch, "no wheel of the index has a hash that is given")
                    .package(name)
                    .at(place.clone())
                    .expected(given.join(" or "))
                    .help("look at the hashes; without any, the lock takes those of the index"))
            }
            _ => Ok(Arc::new(left)),
        }
    }
}

fn read(wheel: &Wheel, name: &PackageName, file: &LockedFile) -> Result<DirectWheel, Problem> {
    let sha256 = wheel.verified().sha256();
    let metadata = wheel.metadata();
    if metadata.name != *name {
        return Err(Problem::new(Code::MetadataMismatch, "the wheel at this address is of another project")
            .expected(name)
            .found(&metadata.name)
            .help("write the name of the wheel before the address"));
    }
    let candidate = CandidateWheel {
        name: file.name.clone(),
        requires_python: metadata.requires_python.clone(),
        yanked: None,
        too_new: None,
    };
    let release = Release { wheels: vec![candidate], ..Release::default() };
    let releases = BTreeMap::from([(metadata.version.clone(), release)]);
    Ok(DirectWheel {
        candidates: Arc::new(Candidates { known: true, releases }),
        dependencies: Arc::new(Dependencies {
            requires: metadata.requires.clone(),
            extras: metadata.extras.clone(),
            requires_python: metadata.requires_python.clone(),
            malformed: None,
        }),
        metadata_sha256: wheel.metadata_sha256()?,
        file: IndexFile {
            name: file.name.clone(),
            location: file.location.clone(),
            index: None,
            sha256: Some(sha256),
            size: Some(wheel.size()),
            upload_time: None,
            yanked: None,
        },
    })
}

impl Facts for Direct<'_> {
    fn candidates(&self, name: &PackageName) -> Result<Arc<Candidates>, FactsError> {
        match self.wheels.get(name) {
            Some(direct) => Ok(Arc::clone(&direct.candidates)),
            None => {
                let all = self.index.candidates(name)?;
                self.left(name, all).map_err(|problem| FactsError(Box::new(problem)))
            }
        }
    }

    fn dependencies(
        &self,
        name: &PackageName,
        version: &Version,
        wheel: &WheelName,
    ) -> Result<Arc<Dependencies>, FactsError> {
        match self.wheels.get(name) {
            Some(direct) => Ok(Arc::clone(&direct.dependencies)),
            None => self.index.dependencies(name, version, wheel),
        }
    }

    fn hint(&self, soon: &[(PackageName, Option<(Version, WheelName)>)]) {
        let from_index: Vec<_> =
            soon.iter().filter(|(name, _)| !self.wheels.contains_key(name)).cloned().collect();
        self.index.hint(&from_index);
    }
}
