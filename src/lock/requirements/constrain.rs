//! What constraints do to pins.
//!
//! Pure. Never: gives a pin what it lacks (that is done before).

use pep508_rs::VersionOrUrl;
use url::Url;

use super::{direct, pinned};
use crate::digest::{LockedHashes, Match};
use crate::error::{Code, Problem};
use crate::lock::{Location, LockedPackage, LockedSource};
use crate::requirements::FileRequirement;

/// A constraint binds what it names: its versions, and its hashes where it has any.
pub(super) fn constrain(
    packages: &mut [LockedPackage],
    constraint: &FileRequirement,
    problems: &mut Vec<Problem>,
) {
    let requirement = &constraint.requirement;
    if let ([], Some(problem)) = (constraint.hashes.as_slice(), constraint.hash_problems.first()) {
        problems.push(problem.clone());
    }
    for package in packages {
        if let Some(marker) = &package.marker
            && marker.tree.is_disjoint(&requirement.marker)
        {
            continue;
        }
        let clash = match (&requirement.version_or_url, &package.version) {
            (Some(VersionOrUrl::VersionSpecifier(specifiers)), Some(version)) => {
                !specifiers.contains(version)
            }
            (Some(VersionOrUrl::Url(url)), _) => {
                !leads_to(package, url) && !led_to(package, constraint, url.raw())
            }
            _ => false,
        };
        let mut why = clash.then_some("a constraint excludes this pin");
        if let (LockedSource::ByHash(mine), false) = (&package.source, constraint.hashes.is_empty()) {
            let both = mine.digests().iter().filter(|d| constraint.hashes.contains(d)).copied().collect();
            match LockedHashes::new(Match::Any, both) {
                Some(both) => package.source = LockedSource::ByHash(both),
                None => why = why.or(Some("this pin and a constraint have no hash in common")),
            }
        }
        if let Some(why) = why {
            problems.push(
                Problem::new(Code::DependencyVersion, why)
                    .package(package.shown())
                    .at(package.place.clone())
                    .expected(format!("{requirement} ({})", constraint.place))
                    .found(package.version.as_ref().map(ToString::to_string).unwrap_or_default())
                    .help("lock again with the constraint, or delete it"),
            );
        }
    }
}

/// Takes the wheel of a constraint's address for a package of that version; its hashes are those of the package.
fn led_to(package: &mut LockedPackage, constraint: &FileRequirement, address: &Url) -> bool {
    let LockedSource::ByHash(hashes) = &package.source else { return false };
    let read = FileRequirement {
        hashes: hashes.digests().to_vec(),
        place: package.place.clone(),
        ..constraint.clone()
    };
    match direct(&read, address) {
        Ok(file) if package.version.as_ref() == Some(file.name.version()) => {
            package.source = LockedSource::Wheels(vec![file]);
            true
        }
        _ => false,
    }
}

/// Whether a package is the wheel at an address.
fn leads_to(package: &LockedPackage, address: &Url) -> bool {
    let LockedSource::Wheels(files) = &package.source else { return false };
    let mut address = address.clone();
    address.set_fragment(None);
    files.iter().all(|file| match &file.location {
        Location::Url(url) => *url == address,
        Location::Path(path) => address.to_file_path().as_ref() == Ok(path),
    })
}

/// A pin that no constraint of its name allows.
pub(super) fn outside(requirement: &FileRequirement, constraints: &[FileRequirement]) -> Option<Problem> {
    let asked = &requirement.requirement;
    let Some(VersionOrUrl::VersionSpecifier(specifiers)) = &asked.version_or_url else { return None };
    let version = pinned(specifiers)?;
    let of_name: Vec<&FileRequirement> =
        constraints.iter().filter(|constraint| constraint.requirement.name == asked.name).collect();
    let excludes = |constraint: &&&FileRequirement| match &constraint.requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(allowed)) => !allowed.contains(&version),
        _ => false,
    };
    let first = of_name.iter().find(excludes).filter(|_| of_name.iter().all(|one| excludes(&one)))?;
    let shown = requirement.spelled.clone().unwrap_or_else(|| asked.name.to_string());
    Some(
        Problem::new(Code::DependencyVersion, "a constraint excludes this pin")
            .package(shown)
            .at(requirement.place.clone())
            .expected(format!("{} ({})", first.requirement, first.place))
            .found(version)
            .help("ask for what the constraint allows, or delete it"),
    )
}
