//! From a resolution to a lock.
//!
//! Owns: what the lock says of its environments and of each package. Pure: the files come through a
//! closure. Never: writes a file without a SHA-256.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use pipward_resolver::{
    ExtraName, MarkerEnvironment, MarkerTree, PackageName, Resolution, ResolvedDependency, ResolvedPackage,
    VersionSpecifiers, WheelName,
};

use super::{Lock, LockMarker, LockedDependency, LockedFile, LockedPackage, LockedSource, ToolTable};
use crate::digest::{LockedHashes, Sha256};
use crate::error::{Code, Place, Problem, Problems};
use crate::index::IndexFile;

/// What a lock is built from.
#[derive(Debug, Clone)]
pub struct BuildRequest<'a> {
    /// What was resolved.
    pub resolution: &'a Resolution,
    /// The environments that the lock is for; empty for all that `requires_python` leaves.
    pub environments: Vec<LockMarker>,
    /// The Pythons that the lock is for.
    pub requires_python: Option<VersionSpecifiers>,
    /// The extras of the project that can be chosen at install.
    pub extras: Vec<ExtraName>,
    /// The dependency groups of the project that can be chosen at install.
    pub dependency_groups: Vec<ExtraName>,
    /// Where the lock will stand; paths below its directory are written relative to it.
    pub file: PathBuf,
    /// The inputs, for a re-lock.
    pub tool: ToolTable,
}

/// What the index knows of a wheel that was chosen.
#[derive(Debug, Clone)]
pub struct WheelFacts {
    /// Its file; `sha256` is there (the caller has computed it where the index gives none).
    pub file: IndexFile,
    /// The digest of its METADATA, where it was read.
    pub metadata_sha256: Option<Sha256>,
}

/// Builds the lock. `facts` is asked once for each wheel.
/// It has no fingerprint yet: [`super::drift::signed`] gives it one when all else is in it.
///
/// # Errors
/// All that `facts` refuses, and `hash-missing` for a file without a SHA-256.
pub fn build(
    request: &BuildRequest<'_>,
    facts: &mut dyn FnMut(&PackageName, &WheelName) -> Result<WheelFacts, Problem>,
) -> Result<Lock, Problems> {
    let mut problems = Vec::new();
    let mut packages = Vec::with_capacity(request.resolution.packages.len());
    // Many packages stand under the same marker.
    let mut told: HashMap<MarkerTree, Option<LockMarker>> = HashMap::new();
    for resolved in &request.resolution.packages {
        let marker = told
            .entry(resolved.marker.clone())
            .or_insert_with(|| LockMarker::told(&resolved.marker, &request.resolution.universe))
            .clone();
        match package(resolved, request, marker, facts) {
            Ok(package) => packages.push(package.into()),
            Err(found) => problems.extend(found),
        }
    }
    let lock = Lock {
        file: request.file.clone(),
        created_by: "pipward".to_owned(),
        environments: request.environments.clone(),
        requires_python: request.requires_python.clone(),
        extras: request.extras.clone(),
        dependency_groups: request.dependency_groups.clone(),
        default_groups: Vec::new(),
        packages,
        tool: Some(request.tool.clone()),
        ..Lock::default()
    };
    Problems::unless_empty(lock, problems)
}

fn package(
    resolved: &ResolvedPackage,
    request: &BuildRequest<'_>,
    marker: Option<LockMarker>,
    facts: &mut dyn FnMut(&PackageName, &WheelName) -> Result<WheelFacts, Problem>,
) -> Result<LockedPackage, Vec<Problem>> {
    let name = &resolved.name;
    let place = Place::file(&request.file).entry(name.to_string());
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    let (mut index, mut requires_python) = (None, None);
    let (mut metadata_sha256, mut yanked) = (BTreeMap::new(), None);
    for wheel in &resolved.wheels {
        let facts = match facts(name, wheel) {
            Ok(facts) => facts,
            Err(problem) => {
                problems.push(problem.package(wheel));
                continue;
            }
        };
        let Some(sha256) = facts.file.sha256 else {
            problems.push(
                Problem::new(
                    Code::HashMissing,
                    "the index gives no SHA-256 for this file, and none was computed",
                )
                .package(wheel)
                .help("this is a fault of pipward; please report it"),
            );
            continue;
        };
        metadata_sha256.extend(facts.metadata_sha256.map(|digest| (wheel.to_string(), digest)));
        index = index.or(facts.file.index);
        yanked = yanked.or(facts.file.yanked);
        requires_python = requires_python.or_else(|| facts.file.requires_python.clone());
        files.push(LockedFile {
            name: wheel.clone(),
            location: facts.file.location,
            size: facts.file.size,
            upload_time: facts.file.upload_time,
            hashes: LockedHashes::sha256(sha256),
            place: place.clone(),
        });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    // "The minimum information required to tell which other package entry it corresponds to": the name, and the version
    // where a name has several.
    let has_several = |name: &PackageName| {
        request.resolution.packages.iter().filter(|package| package.name == *name).nth(1).is_some()
    };
    let dependency = |needed: &ResolvedDependency| LockedDependency {
        name: needed.name.clone(),
        version: has_several(&needed.name).then(|| needed.version.clone()),
        marker: None,
    };
    Ok(LockedPackage {
        spelled: None,
        name: name.clone(),
        version: Some(resolved.version.clone()),
        marker,
        requires_python,
        dependencies: Some(resolved.dependencies.iter().map(dependency).collect()),
        index,
        source: LockedSource::Wheels(files),
        metadata_sha256,
        yanked,
        publishers: Vec::new(),
        objections: Vec::new(),
        extras: Vec::new(),
        place,
    })
}

/// The environment as a marker that any patch release of the same Python on the same platform satisfies.
/// (A dependency that asks for a patch release was judged for the one at hand.)
pub fn environment(here: &MarkerEnvironment) -> Option<LockMarker> {
    LockMarker::parse_environment(&format!(
        "implementation_name == '{}' and platform_machine == '{}' and python_version == '{}' and sys_platform == '{}'",
        here.implementation_name(),
        here.platform_machine(),
        here.python_version(),
        here.sys_platform(),
    ))
    .ok()
}

/// "The minimum Python version compatible for any environment supported by the lock file": the minor
/// release, or the pre-release that was locked for, which comes before it.
pub fn requires_python(here: &MarkerEnvironment) -> Option<VersionSpecifiers> {
    let full = &here.python_full_version().version;
    let least = if full.any_prerelease() { full.to_string() } else { here.python_version().to_string() };
    format!(">={least}").parse().ok()
}

#[cfg(test)]
mod tests;
