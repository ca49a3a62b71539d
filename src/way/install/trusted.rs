//! Whether what is about to be installed may still be trusted, before any of it is fetched.
//!
//! Never: judges (the policy does).

use super::InstallRequest;
use super::unpack::Item;
use crate::error::Problems;
use crate::index::Index;
use crate::policy::{Judged, Proven, publishers, title};
use crate::way::provenance::{File, Kept, kept, prove};
use crate::way::recheck;

/// Applies the policy of today to the packages of a run, and proves their publishers anew where that is asked for.
///
/// # Errors
/// All that the policy refuses, at once.
pub(super) fn check(
    request: &InstallRequest,
    index: &Index,
    items: &[Item],
) -> Result<Vec<String>, Problems> {
    let (policy, trust) = (&request.policy, &request.trust);
    let mut judged = Judged::default();
    for item in items {
        judged.add(recheck::installed(policy, trust, index, &item.package, &item.file));
    }
    if trust.verify_provenance || policy.verifies_provenance() {
        prove_again(request, index, items, &mut judged)?;
    }
    judged.told()
}

fn prove_again(
    request: &InstallRequest,
    index: &Index,
    items: &[Item],
    judged: &mut Judged,
) -> Result<(), Problems> {
    let policy = &request.policy;
    let is_asked = |item: &&Item| {
        let mut patterns = policy.required().iter().flat_map(|rule| &rule.packages);
        !item.package.publishers.is_empty() || patterns.any(|pattern| pattern.matches(&item.package.name))
    };
    let mut beside = Kept::new();
    let named = request.locks.named().map(|(lock, _)| lock);
    for lock in request.locks.whole().iter().chain(named) {
        beside.extend(kept(&lock.file)?);
    }
    let items: Vec<&Item> = items.iter().filter(is_asked).collect();
    let file = |item: &&Item| -> Option<File> {
        let sha256 = item.file.hashes.sha256s().next()?;
        Some((item.package.name.clone(), item.file.name.to_string(), sha256))
    };
    let (answers, _) = prove(policy, index, items.iter().filter_map(file).collect(), &beside)?;
    for item in items {
        let name = item.file.name.to_string();
        let (mut found, mut without, mut now) = (Vec::new(), Vec::new(), Vec::new());
        match answers.get(&name) {
            Some(Ok(Some(publishers))) => now.clone_from(publishers),
            Some(Err(problem)) => found.push(problem.clone()),
            Some(Ok(None)) | None => without.push(name),
        }
        let before = &item.package.publishers;
        let proven = Proven {
            package: &title(&item.package),
            name: &item.package.name,
            publishers: &now,
            without: &without,
            as_before: &[],
            source: (!before.is_empty()).then_some("the locked one"),
            before,
        };
        if found.is_empty() {
            found.extend(publishers(&proven, policy.required()));
        }
        judged.add(policy.judge(&item.package.name, found));
    }
    Ok(())
}
