//! Which releases of a lock a run takes: final ones alone, and files that were uploaded in time.
//!
//! Pure but for a look at what is installed. Never: takes anything in place of what it leaves out.

use std::collections::BTreeSet;

use jiff::Timestamp;
use pipward_resolver::{PackageName, Version};

use super::InstallRequest;
use super::unpack::{Item, direct_url};
use crate::error::{Code, Problem, Problems};
use crate::lock::Location;
use crate::python;
use crate::requirements::formats::{self, Formats};
use crate::requirements::releases::Releases;
use crate::way::destination::Environment;

/// What of a lock is taken.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// `--all-releases` and `--only-final`.
    pub releases: Releases,
    /// `--no-binary` and `--only-binary`.
    pub formats: Formats,
    /// `--uploaded-prior-to`.
    pub before: Option<Timestamp>,
}

/// Refuses what is left out. What is installed already stays, as with pip.
///
/// # Errors
/// `release-left-out`, for each.
pub(super) fn check(request: &InstallRequest, items: &[Item]) -> Result<(), Problems> {
    let left_out = left_out(&request.taken, items);
    if left_out.is_empty() {
        return Ok(());
    }
    let standing = standing(request)?;
    let faults = left_out.into_iter().filter(|(release, _)| !standing.contains(release));
    Problems::unless_empty((), faults.map(|(_, problem)| problem).collect())
}

/// As [`check`], whatever is installed.
///
/// # Errors
/// As [`check`].
pub(super) fn check_all(taken: &Taken, items: &[Item]) -> Result<(), Problems> {
    Problems::unless_empty((), left_out(taken, items).into_iter().map(|(_, problem)| problem).collect())
}

/// What is left out, and why.
fn left_out(taken: &Taken, items: &[Item]) -> Vec<((PackageName, Version), Problem)> {
    if taken.releases.is_empty() && taken.formats.is_empty() && taken.before.is_none() {
        return Vec::new();
    }
    let judged = items.iter().filter_map(|item| {
        let version = item.package.version.as_ref().unwrap_or_else(|| item.file.name.version());
        let problem = pre_release(item, version, taken)
            .or_else(|| built(item, version, taken))
            .or_else(|| too_new(item, version, taken))?;
        Some(((item.package.name.clone(), version.clone()), problem))
    });
    judged.collect()
}

/// What is there and is not written anew.
fn standing(request: &InstallRequest) -> Result<BTreeSet<(PackageName, Version)>, Problem> {
    match &request.environment {
        Environment::Standing(interpreter) if !request.anew && interpreter.root.is_dir() => {
            let installed = python::installed::read(&interpreter.scheme)?;
            Ok(installed.distributions.into_iter().map(|found| (found.name, found.version)).collect())
        }
        _ => Ok(BTreeSet::new()),
    }
}

fn pre_release(item: &Item, version: &Version, taken: &Taken) -> Option<Problem> {
    if !version.any_prerelease() || taken.releases.takes(&item.package.name) != Some(false) {
        return None;
    }
    let problem = refusal(item, version, "a pre-release is locked, and only final releases are taken");
    Some(
        problem
            .expected("a final release")
            .help("lock a final release with `pipward lock`, or leave out --only-final"),
    )
}

/// A wheel that was named by path or address is taken as it is, as with pip.
fn built(item: &Item, version: &Version, taken: &Taken) -> Option<Problem> {
    let (value, place) = taken.formats.builds(&item.package.name).filter(|_| direct_url(item).is_none())?;
    Some(formats::refusal(value, place).package(format!("{} {version}", item.package.shown())))
}

/// "Packages from indexes": what was named by path or address is not from one, nor is a file of this machine.
fn too_new(item: &Item, version: &Version, taken: &Taken) -> Option<Problem> {
    let before = taken.before?;
    let wanted = format!("uploaded before {before}");
    let help = "lock an older release with `pipward lock --uploaded-prior-to`, or name a later time";
    if direct_url(item).is_some() {
        return None;
    }
    match (item.file.upload_time, &item.file.location) {
        (Some(at), _) if at < before => None,
        (Some(at), _) => {
            let what = "the locked file was uploaded later than --uploaded-prior-to says";
            Some(refusal(item, version, what).expected(wanted).found(format!("uploaded {at}")).help(help))
        }
        (None, Location::Path(_)) => None,
        (None, Location::Url(_)) => {
            let what = "the index does not provide upload-time metadata of this file, nor does the lock";
            let help = "leave out --uploaded-prior-to, or name an index that tells when files were uploaded";
            Some(refusal(item, version, what).expected(wanted).help(help))
        }
    }
}

fn refusal(item: &Item, version: &Version, what: &str) -> Problem {
    Problem::new(Code::ReleaseLeftOut, what)
        .package(format!("{} {version}", item.package.shown()))
        .at(item.package.place.clone())
}
