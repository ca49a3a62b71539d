//! An environment becomes exactly what a lock selects for it.
//!
//! Owns: the short way, on which nothing is opened where the witness says that nothing has changed. Never: believes
//! the witness where anything differs; then it is an install, which hashes.

use std::collections::BTreeMap;

use super::destination::Environment;
use super::install::{InstallRequest, Installed, install};
use super::witness::{Vouched, Witness};
use crate::digest::{LockedHashes, Sha256};
use crate::error::Problems;
use crate::lock::{LockedSource, SelectRequest, Selected};
use crate::python::installed;

/// What a sync did.
#[derive(Debug)]
pub enum Synced {
    /// Nothing: these are there as the lock has them.
    Nothing(Vec<(String, String)>),
    /// What an install does.
    Changed(Installed),
}

/// Makes an environment exactly what the locks of `request` select. With `rehash` every file is hashed in any case.
///
/// # Errors
/// As [`install`].
pub fn sync(request: &InstallRequest, rehash: bool, step: &(dyn Fn() + Sync)) -> Result<Synced, Problems> {
    if !rehash && let Some(all) = unchanged(request) {
        return Ok(Synced::Nothing(all));
    }
    install(request, step).map(Synced::Changed)
}

/// Everything that the locks select, where it and nothing else is installed, and nothing of it has changed.
fn unchanged(request: &InstallRequest) -> Option<Vec<(String, String)>> {
    let Environment::Standing(interpreter) = &request.environment else { return None };
    let select = SelectRequest {
        target: &interpreter.target,
        extras: &request.extras,
        groups: request.groups.as_deref(),
    };
    if request.locks.named().is_some() {
        return None;
    }
    let mut wanted: BTreeMap<String, Selected> = BTreeMap::new();
    for lock in request.locks.whole() {
        for selected in lock.select(&select).ok()?.packages {
            let name = selected.package.name.to_string();
            // Two locks of one name are a matter for the long way.
            if wanted.insert(name, selected).is_some() {
                return None;
            }
        }
    }
    let installed = installed::read(&interpreter.scheme).ok()?;
    if !installed.unreadable.is_empty() || installed.distributions.len() != wanted.len() {
        return None;
    }
    let witness = Witness::read(request.cache.as_deref(), &interpreter.scheme);
    let mut all = Vec::new();
    for found in &installed.distributions {
        let name = found.name.to_string();
        let selected = wanted.get(&name)?;
        let (version, sha256) = witness.vouches(&name)?;
        let is_version = selected.package.version.as_ref().is_none_or(|locked| *locked == found.version);
        let is_there = witness.dist_info(&name) == Some(found.dist_info.as_path());
        if !is_there || !is_version || !allows(selected, sha256) {
            return None;
        }
        all.push(Vouched { name, version: version.to_owned(), sha256 });
    }
    if request.check_closure && !witness.is_closed(&all) {
        return None;
    }
    Some(all.into_iter().map(|one| (one.name, one.version)).collect())
}

/// Whether the lock takes the wheel of this hash.
fn allows(selected: &Selected, sha256: Sha256) -> bool {
    let among = |hashes: &LockedHashes| hashes.sha256s().any(|one| one == sha256);
    match (&selected.file, &selected.package.source) {
        (Some(file), _) => among(&file.hashes),
        (None, LockedSource::ByHash(hashes)) => among(hashes),
        (None, LockedSource::Wheels(_) | LockedSource::Unusable(_)) => false,
    }
}
