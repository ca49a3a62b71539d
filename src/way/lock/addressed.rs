//! The wheels that requirements name by address: by the user, or by packages whose policy lets them.
//!
//! Owns: which of them are candidates of a name, and what each of their versions needs. Pure: whoever fetches them adds them.

use std::collections::{BTreeMap, BTreeSet};

use pep508_rs::{Requirement, VersionOrUrl};
use pipward_resolver::{
    CandidateWheel, Candidates, Dependencies, MarkerTree, PackageName, Release, VerbatimUrl, Version,
    WheelName, markers,
};
use url::Url;

use crate::digest::Sha256;
use crate::error::{Code, Problem};
use crate::index::IndexFile;
use crate::lock::build::WheelFacts;

/// The wheels by name.
#[derive(Default)]
pub(super) struct Addressed {
    wheels: BTreeMap<PackageName, Vec<AddressedWheel>>,
}

/// One of them.
pub(super) struct AddressedWheel {
    /// The addresses as they are written, with their hash.
    pub(super) addresses: BTreeSet<Url>,
    /// Where requirements name it.
    pub(super) marker: MarkerTree,
    pub(super) version: Version,
    pub(super) file: IndexFile,
    pub(super) dependencies: Dependencies,
    pub(super) metadata_sha256: Sha256,
}

impl Addressed {
    pub(super) fn knows(&self, name: &PackageName) -> bool {
        self.wheels.contains_key(name)
    }

    /// Whether several addresses are given for a name.
    pub(super) fn has_several(&self, name: &PackageName) -> bool {
        self.wheels.get(name).is_some_and(|wheels| wheels.len() > 1)
    }

    /// Adds a wheel.
    ///
    /// # Errors
    /// `duplicate-package` where the lock could not tell it from another of its name: the same file name, or the same
    /// version for the same machines under another marker. `metadata-mismatch` where two wheels of a version differ in
    /// what they need, and extras decide which of them is taken.
    pub(super) fn add(&mut self, name: &PackageName, wheel: AddressedWheel) -> Result<(), Problem> {
        let twice = |why: &str| {
            Problem::new(Code::DuplicatePackage, format!("two addresses are given for one name, and {why}"))
                .package(name)
                .help("keep the one that you mean")
        };
        let known = self.wheels.entry(name.clone()).or_default();
        if let Some(same) = known.iter_mut().find(|it| it.file.location == wheel.file.location) {
            same.addresses.extend(wheel.addresses);
            same.marker.or(wheel.marker);
            return Ok(());
        }
        for other in known.iter().filter(|it| it.version == wheel.version) {
            let machines = [&other.file.name, &wheel.file.name].map(markers::of_wheel);
            if other.file.name == wheel.file.name {
                return Err(twice("their files have one name"));
            }
            let [a, b] = &machines;
            // Of wheels with other tags the better is taken, as of those of a release.
            let is_twin = other.file.name.tag_parts() == wheel.file.name.tag_parts();
            let is_apart = |a: &AddressedWheel, b: &AddressedWheel| a.marker.is_disjoint(&b.marker);
            if is_twin && !is_apart(other, &wheel)
                || markers::overlaps(a, b) && !markers::same(&other.marker, &wheel.marker)
            {
                return Err(twice("some machine takes either of them"));
            }
            let differ =
                format!("{:?}", other.dependencies.requires) != format!("{:?}", wheel.dependencies.requires);
            if differ && (asks_for_extras(&other.marker) || asks_for_extras(&wheel.marker)) {
                return Err(Problem::new(
                    Code::MetadataMismatch,
                    "two wheels of one version need different packages, and extras decide between them",
                )
                .package(name)
                .help("name wheels of different versions, or lock the extras apart"));
            }
        }
        known.push(wheel);
        known.sort_by(|a, b| (&a.version, a.file.name.as_str()).cmp(&(&b.version, b.file.name.as_str())));
        Ok(())
    }

    /// Forgets what was named for a name.
    pub(super) fn forget(&mut self, name: &PackageName) {
        self.wheels.remove(name);
    }

    /// The version of the wheel that a requirement names by its address.
    pub(super) fn version_of(&self, requirement: &Requirement<VerbatimUrl>) -> Option<&Version> {
        let Some(VersionOrUrl::Url(url)) = &requirement.version_or_url else { return None };
        let mut wheels = self.wheels.get(&requirement.name)?.iter();
        wheels.find(|wheel| wheel.addresses.contains(url.raw())).map(|wheel| &wheel.version)
    }

    /// The requirement with the version in place of the address, where it names one of the wheels.
    pub(super) fn by_version(&self, requirement: &mut Requirement<VerbatimUrl>) {
        let specifiers =
            self.version_of(requirement).and_then(|version| format!("==={version}").parse().ok());
        if let Some(specifiers) = specifiers {
            requirement.version_or_url = Some(VersionOrUrl::VersionSpecifier(specifiers));
        }
    }

    pub(super) fn candidates(&self, name: &PackageName) -> Option<Candidates> {
        let mut wheels: BTreeMap<Version, Vec<CandidateWheel>> = BTreeMap::new();
        for wheel in self.wheels.get(name)? {
            wheels.entry(wheel.version.clone()).or_default().push(CandidateWheel {
                name: wheel.file.name.clone(),
                requires_python: wheel.dependencies.requires_python.clone(),
                yanked: None,
                too_new: None,
            });
        }
        let release = |wheels: Vec<CandidateWheel>| Release { wheels: wheels.into(), ..Release::default() };
        let releases = wheels.into_iter().map(|(version, wheels)| (version, release(wheels))).collect();
        Some(Candidates { known: true, releases })
    }

    /// What a version needs: what one of its wheels alone needs, where that is named.
    pub(super) fn dependencies(&self, name: &PackageName, version: &Version) -> Option<Dependencies> {
        let of_version: Vec<&AddressedWheel> =
            self.wheels.get(name)?.iter().filter(|wheel| wheel.version == *version).collect();
        let (first, others) = of_version.split_first()?;
        let mut all = first.dependencies.clone();
        if others.is_empty() {
            return Some(all);
        }
        let has =
            |wheel: &AddressedWheel, it: &Requirement<VerbatimUrl>| wheel.dependencies.requires.contains(it);
        all.requires.clear();
        for wheel in &of_version {
            for requirement in &wheel.dependencies.requires {
                if of_version.iter().all(|other| has(other, requirement)) {
                    if !all.requires.contains(requirement) {
                        all.requires.push(requirement.clone());
                    }
                    continue;
                }
                let mut here = requirement.clone();
                here.marker.and(wheel.marker.clone());
                all.requires.push(here);
            }
            let more =
                wheel.dependencies.extras.iter().filter(|extra| !first.dependencies.extras.contains(extra));
            all.extras.extend(more.cloned());
            if wheel.dependencies.requires_python != all.requires_python {
                // Each wheel says it for itself.
                all.requires_python = None;
            }
        }
        Some(all)
    }

    /// What the lock says of a wheel.
    pub(super) fn facts(&self, name: &PackageName, wheel: &WheelName) -> Option<WheelFacts> {
        let found = self.wheels.get(name)?.iter().find(|it| it.file.name == *wheel)?;
        Some(WheelFacts { file: found.file.clone(), metadata_sha256: Some(found.metadata_sha256) })
    }
}

fn asks_for_extras(marker: &MarkerTree) -> bool {
    marker.clone().simplify_extras_with(|_| true) != *marker
}
