//! What constraints do to pins.
//!
//! Pure. Never: gives a pin what it lacks (that is done before).

use pep508_rs::VersionOrUrl;
use pipward_resolver::MarkerTree;
use url::Url;

use super::{direct, pinned};
use crate::digest::{LockedHashes, Match};
use crate::error::{Code, Problem, without_passwords};
use crate::lock::{Location, LockMarker, LockedFile, LockedPackage, LockedSource, Objection};
use crate::requirements::FileRequirement;

/// A constraint binds what it names: its versions, and its hashes where it has any. What it says against a package is noted
/// with it, for the environments in which the constraint applies.
pub(super) fn constrain(packages: &mut Vec<LockedPackage>, constraint: &FileRequirement) {
    let marker = &constraint.requirement.marker;
    for mut package in std::mem::take(packages) {
        let here = package.marker.as_ref().map(|marker| marker.tree.clone()).unwrap_or_default();
        if here.is_disjoint(marker) {
            packages.push(package);
            continue;
        }
        let mut elsewhere = here.clone();
        elsewhere.and(marker.negate());
        let before = package.clone();
        let objection = bind(&mut package, constraint);
        let same = match (&before.source, &package.source) {
            (LockedSource::ByHash(before), LockedSource::ByHash(after)) => before == after,
            (LockedSource::Wheels(before), LockedSource::Wheels(after)) => before == after,
            _ => false,
        };
        if !same && !elsewhere.is_false() {
            // What the constraint changes, it changes where it applies alone.
            let mut both = here;
            both.and(marker.clone());
            package.marker = LockMarker::of_requirement(&both);
            packages.push(LockedPackage { marker: LockMarker::of_requirement(&elsewhere), ..before });
        }
        package
            .objections
            .extend(objection.into_iter().map(|problem| Objection { marker: marker.clone(), problem }));
        packages.push(package);
    }
}

/// Narrows a package to what a constraint allows, or says what speaks against it.
fn bind(package: &mut LockedPackage, constraint: &FileRequirement) -> Option<Problem> {
    let requirement = &constraint.requirement;
    if let ([], Some(problem)) = (constraint.hashes.as_slice(), constraint.hash_problems.first()) {
        return Some(problem.clone());
    }
    let clash = match (&requirement.version_or_url, &package.version) {
        (Some(VersionOrUrl::VersionSpecifier(specifiers)), Some(version)) => !specifiers.contains(version),
        (Some(VersionOrUrl::Url(url)), _) => {
            !leads_to(package, url) && !led_to(package, constraint, url.raw())
        }
        _ => false,
    };
    let mut why = clash.then_some("a constraint excludes this pin");
    let common = |mine: &LockedHashes| {
        let both = mine.digests().iter().filter(|d| constraint.hashes.contains(d)).copied().collect();
        LockedHashes::new(Match::Any, both)
    };
    let narrowed = match &package.source {
        _ if constraint.hashes.is_empty() => None,
        LockedSource::ByHash(mine) => Some(common(mine).map(LockedSource::ByHash)),
        LockedSource::Wheels(files) => {
            let files =
                files.iter().map(|file| Some(LockedFile { hashes: common(&file.hashes)?, ..file.clone() }));
            Some(files.collect::<Option<Vec<LockedFile>>>().map(LockedSource::Wheels))
        }
        LockedSource::Unusable(_) => None,
    };
    match narrowed {
        Some(Some(source)) => package.source = source,
        Some(None) => why = why.or(Some("this pin and a constraint have no hash in common")),
        None => {}
    }
    let version = package.version.as_ref().map(ToString::to_string).unwrap_or_default();
    let found = match &package.source {
        LockedSource::Wheels(files) => {
            let from = files.first().map(|file| match &file.location {
                Location::Path(path) => path.display().to_string(),
                Location::Url(url) => without_passwords(url.as_str()).into_owned(),
            });
            from.map_or(version.clone(), |from| format!("{version} (from {from})"))
        }
        _ => version,
    };
    why.map(|why| {
        Problem::new(Code::DependencyVersion, why)
            .package(package.shown())
            .at(package.place.clone())
            .expected(format!("{requirement} ({})", constraint.place))
            .found(found)
            .help("lock again with the constraint, or delete it")
    })
}

/// Whether some markers leave out nothing of another.
pub(super) fn covers<'m>(markers: impl Iterator<Item = &'m MarkerTree>, whole: &MarkerTree) -> bool {
    let mut left = whole.clone();
    markers.for_each(|marker| left.and(marker.negate()));
    left.is_false()
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

/// What is asked for, where no constraint of its name allows it.
pub(super) fn outside(requirement: &FileRequirement, constraints: &[&FileRequirement]) -> Option<Problem> {
    let asked = &requirement.requirement;
    let Some(VersionOrUrl::VersionSpecifier(specifiers)) = &asked.version_or_url else { return None };
    let version = pinned(specifiers);
    let excludes = |constraint: &&&FileRequirement| match &constraint.requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(allowed)) => match &version {
            Some(version) => !allowed.contains(version),
            None => pinned(allowed).is_some_and(|allowed| !specifiers.contains(&allowed)),
        },
        _ => false,
    };
    let first = constraints.iter().find(excludes).filter(|_| constraints.iter().all(|one| excludes(&one)))?;
    if !covers(constraints.iter().map(|one| &one.requirement.marker), &asked.marker) {
        return None;
    }
    let (why, found) = match &version {
        Some(version) => ("a constraint excludes this pin", version.to_string()),
        None => ("a constraint excludes these versions", requirement.shown()),
    };
    Some(
        Problem::new(Code::DependencyVersion, why)
            .package(requirement.spelled.clone().unwrap_or_else(|| asked.name.to_string()))
            .at(requirement.place.clone())
            .expected(format!("{} ({})", first.requirement, first.place))
            .found(found)
            .help("ask for what the constraint allows, or delete it"),
    )
}
