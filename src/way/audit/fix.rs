//! The smallest change of a lock that clears the findings of an audit.
//!
//! Owns: which versions are asked for, lowest first, and that the new lock is audited as the old one was. Never: writes.

use std::collections::BTreeMap;

use pipward_resolver::{PackageName, Version};

use super::{AuditRequest, Audited, What, audit};
use crate::advisory::{Finding, common_fix};
use crate::error::{Code, Problems};
use crate::way::lock::{LockRequest, Locked, Upgrade, lock};

/// How often a fix may turn out to need another one.
const ROUNDS: usize = 8;

/// A lock that was changed, and what an audit still finds in it.
pub struct Fixed {
    /// The lock.
    pub locked: Locked,
    /// Its audit.
    pub audited: Audited,
}

/// Locks again with the lowest versions that clear the findings; `None` where no fixed version is known for any of them.
/// Fixes do not wait as new files do. Where those versions cannot be had together, the newest ones are tried.
///
/// # Errors
/// Those of locking and of auditing.
pub fn fix(
    request: &mut LockRequest,
    asked: &AuditRequest,
    first: &Audited,
    step: &dyn Fn(),
) -> Result<Option<Fixed>, Problems> {
    let mut pins: BTreeMap<PackageName, Version> = BTreeMap::new();
    let mut best: Option<Fixed> = None;
    for _ in 0..ROUNDS {
        let audited = best.as_ref().map_or(first, |fixed| &fixed.audited);
        let mut more = wanted(audited);
        more.retain(|name, version| pins.get(name).is_none_or(|pinned| pinned < version));
        if more.is_empty() {
            break;
        }
        pins.extend(more);
        request.ages.exempt.extend(pins.keys().cloned());
        let named = pins.iter().map(|(name, version)| (name.clone(), Some(version.clone())));
        request.upgrade = Upgrade::Packages(named.collect());
        let locked = match lock(request, step) {
            Err(problems)
                if problems.iter().all(|it| matches!(it.code(), Code::NoSolution | Code::ReleaseAge)) =>
            {
                request.upgrade = Upgrade::Packages(pins.keys().map(|name| (name.clone(), None)).collect());
                lock(request, step)?
            }
            other => other?,
        };
        let again = AuditRequest {
            what: What::Lock(Box::new(locked.lock.clone())),
            source: asked.source.clone(),
            rules: asked.rules.clone(),
            private: asked.private.clone(),
            network: asked.network.clone(),
            now: asked.now,
        };
        let audited = audit(&again)?;
        best = Some(Fixed { locked, audited });
    }
    Ok(best)
}

/// The version of each project that clears what fails of it: one for all of its findings, else the highest of the lowest
/// for each. Malware has none: its releases are taken out by hand.
fn wanted(audited: &Audited) -> BTreeMap<PackageName, Version> {
    let mut wanted: BTreeMap<PackageName, Version> = BTreeMap::new();
    for (at, subject) in audited.subjects.iter().enumerate() {
        let failing = audited.judged.iter().filter(|judged| judged.fails() && judged.finding.subject == at);
        let findings: Vec<&Finding> = failing.map(|judged| &judged.finding).collect();
        let lowest = || findings.iter().filter_map(|finding| finding.fixes.first()).max().cloned();
        if let Some(version) = common_fix(subject, &findings).or_else(lowest) {
            let slot = wanted.entry(subject.name.clone()).or_insert_with(|| version.clone());
            if *slot < version {
                *slot = version;
            }
        }
    }
    wanted
}
