//! The hashes that the inputs give for a name.
//!
//! Pure. Owns: which files they leave. Never: lets one line vouch for what another one that holds with it does not.

use std::collections::BTreeMap;

use pep508_rs::VersionOrUrl;
use pipward_resolver::{MarkerTree, PackageName, Version, VersionSpecifiers};

use super::super::inputs::Inputs;
use super::direct::address;
use crate::digest::{Sha256, StrongDigest};
use crate::error::{Code, Place, Problem};
use crate::requirements::FileRequirement;

/// The lines of one name that give hashes.
#[derive(Default)]
pub(super) struct Given(Vec<Line>);

/// A requirement or a constraint with hashes.
struct Line {
    specifiers: Option<VersionSpecifiers>,
    marker: MarkerTree,
    sha256: Vec<Sha256>,
    place: Place,
}

impl Line {
    fn of(read: &FileRequirement) -> Option<Self> {
        let sha256 = |digest: &StrongDigest| match digest {
            StrongDigest::Sha256(sha256) => Some(*sha256),
            _ => None,
        };
        let specifiers = match &read.requirement.version_or_url {
            Some(VersionOrUrl::VersionSpecifier(specifiers)) => Some(specifiers.clone()),
            _ => None,
        };
        Some(Self {
            specifiers,
            marker: read.requirement.marker.clone(),
            sha256: read.hashes.iter().filter_map(sha256).collect(),
            place: read.place.clone(),
        })
        .filter(|line| !line.sha256.is_empty())
    }

    fn is_for(&self, version: &Version) -> bool {
        self.specifiers.as_ref().is_none_or(|specifiers| specifiers.contains(version))
    }

    /// Whether some file satisfies both, or no environment has to.
    fn agrees(&self, other: &Self) -> bool {
        self.marker.is_disjoint(&other.marker) || self.sha256.iter().any(|hash| other.sha256.contains(hash))
    }
}

/// The hashes of requirements and constraints, by name. (An address has its own.)
pub(super) fn given(inputs: &Inputs) -> BTreeMap<PackageName, Given> {
    let mut by_name: BTreeMap<PackageName, Given> = BTreeMap::new();
    for read in inputs.roots.iter().chain(&inputs.constraints).filter(|read| address(read).is_none()) {
        if let Some(line) = Line::of(read) {
            by_name.entry(read.requirement.name.clone()).or_default().0.push(line);
        }
    }
    by_name
}

impl Given {
    /// Whether a file of a version may be taken: a line gives its hash, and so does each that holds somewhere with that
    /// one. (pip takes "the intersection" of the hashes of requirements and constraints.)
    pub(super) fn allows(&self, version: &Version, found: Sha256) -> bool {
        let of_version = || self.0.iter().filter(|line| line.is_for(version));
        of_version().any(|line| {
            line.sha256.contains(&found)
                && of_version()
                    .all(|other| other.sha256.contains(&found) || other.marker.is_disjoint(&line.marker))
        })
    }

    /// That no file of the index may be taken.
    pub(super) fn fault(&self, name: &PackageName, versions: &[&Version]) -> Problem {
        let of_one =
            |a: &Line, b: &Line| versions.iter().any(|version| a.is_for(version) && b.is_for(version));
        let pairs =
            self.0.iter().enumerate().flat_map(|(at, a)| self.0.iter().skip(at + 1).map(move |b| (a, b)));
        if let Some((first, second)) = pairs.into_iter().find(|(a, b)| of_one(a, b) && !a.agrees(b)) {
            return Problem::new(Code::DuplicatePackage, "two lines of this package have no hash in common")
                .package(name)
                .at(second.place.clone())
                .expected(format!("a hash of {}", first.place))
                .help("delete one of the lines");
        }
        let all: Vec<String> = self
            .0
            .iter()
            .flat_map(|line| &line.sha256)
            .map(|sha256| StrongDigest::Sha256(*sha256).to_string())
            .collect();
        let problem = Problem::new(Code::HashMismatch, "no wheel of the index has a hash that is given")
            .package(name)
            .expected(all.join(" or "))
            .help("look at the hashes; without any, the lock takes those of the index");
        match self.0.first() {
            Some(line) => problem.at(line.place.clone()),
            None => problem,
        }
    }
}
