//! Wheels that the user names by address: each is fetched and its hash compared before its METADATA is read, and it is
//! the only candidate of its name.
//!
//! Never: asks an index about a name that has an address.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use pep508_rs::VersionOrUrl;
use pipward_resolver::{
    CandidateWheel, Candidates, Dependencies, Facts, FactsError, PackageName, Release, Version, WheelName,
};

use super::super::inputs::Inputs;
use crate::cache::Store;
use crate::digest::Sha256;
use crate::error::{Code, Problem, Problems};
use crate::index::{Index, IndexFile};
use crate::lock::{LockedFile, build, requirements as hashed};
use crate::requirements::FileRequirement;
use crate::verify::VerifiedWheel;
use crate::wheel::Wheel;

/// The facts of the indexes, and of the wheels that are named by address.
pub(super) struct Direct<'a> {
    index: &'a Index,
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
    pub(super) fn fetch(index: &'a Index, inputs: &Inputs, cache: Option<&Path>) -> Result<Self, Problems> {
        let mut named: Vec<(&FileRequirement, LockedFile)> = Vec::new();
        let mut faults = Vec::new();
        for requirement in inputs.roots.iter().chain(&inputs.overrides) {
            let Some(VersionOrUrl::Url(url)) = &requirement.requirement.version_or_url else { continue };
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
        let fetcher = index.fetcher(cache.map(Store::new));
        for (at, fetched) in fetcher.start(named.iter().map(|(_, file)| file.clone()).collect()) {
            let Some((requirement, file)) = named.get(at) else { continue };
            let name = &requirement.requirement.name;
            match fetched
                .and_then(|bytes| VerifiedWheel::check(bytes, file))
                .and_then(|it| read(it, name, file))
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
        Problems::unless_empty(Self { index, wheels }, faults)
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

fn read(verified: VerifiedWheel, name: &PackageName, file: &LockedFile) -> Result<DirectWheel, Problem> {
    let sha256 = verified.sha256();
    let wheel = Wheel::read(verified)?;
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
        too_new: false,
    };
    let release = Release { wheels: vec![candidate], has_sdist: false };
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
            None => self.index.candidates(name),
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
