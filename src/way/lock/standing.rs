//! The requirements file that stands where a new one is to be written.
//!
//! Never: takes anything of it but versions, and how it was made.

use std::collections::BTreeMap;
use std::path::Path;

use pep440_rs::Operator;
use pep508_rs::VersionOrUrl;
use pipward_resolver::{Version, WheelName};

use crate::error::{Code, Problem, Problems};
use crate::lock::{Lock, LockMarker, LockedPackage, LockedSource, drift};
use crate::requirements::{self, FileRequirement, entry};

/// Reads the pins of a requirements file, with or without hashes, and the header that pipward gives to its own.
///
/// # Errors
/// Those of reading it, and `usage` for a file that pins not everything: it is no lock, and would be written over.
pub fn requirements(path: &Path) -> Result<Option<Lock>, Problems> {
    let Ok(text) = fs_err::read_to_string(path) else { return Ok(None) };
    let file = requirements::read(path)?;
    let (packages, faults): (Vec<_>, Vec<_>) = file.requirements.iter().map(pin).partition(Result::is_ok);
    let packages: Vec<LockedPackage> = packages.into_iter().filter_map(Result::ok).collect();
    // One is enough to see it.
    let fault = faults.into_iter().find_map(Result::err);
    let lock = Lock { file: path.to_owned(), packages, ..drift::header(&text).unwrap_or_default() };
    Problems::unless_empty(Some(lock), fault.into_iter().collect())
}

fn pin(read: &FileRequirement) -> Result<LockedPackage, Problem> {
    let requirement = &read.requirement;
    let version = match &requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers
            .iter()
            .find(|it| matches!(it.operator(), Operator::Equal | Operator::ExactEqual))
            .map(|it| it.version().clone()),
        Some(VersionOrUrl::Url(url)) => version_of(&entry::file_name(url.raw())),
        None => None,
    };
    let version = version.ok_or_else(|| {
        Problem::new(Code::Usage, "this file is not a lock, and would be written over")
            .at(read.place.clone())
            .expected(format!("{}==VERSION", requirement.name))
            .found(requirement)
            .help("name another file with -o, or delete this one")
    })?;
    Ok(LockedPackage {
        name: requirement.name.clone(),
        version: Some(version),
        marker: LockMarker::of_requirement(&requirement.marker),
        requires_python: None,
        dependencies: None,
        index: None,
        source: LockedSource::Unusable("the version".to_owned()),
        metadata_sha256: BTreeMap::new(),
        yanked: None,
        extras: Vec::new(),
        place: read.place.clone(),
    })
}

fn version_of(file: &str) -> Option<Version> {
    WheelName::parse(file).ok().map(|wheel| wheel.version().clone())
}
