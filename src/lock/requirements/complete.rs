//! What requirements lack and constraints have.
//!
//! Pure. Never: gives a pin a hash of another version.

use pep508_rs::VersionOrUrl;
use pipward_resolver::{MarkerTree, Requirement, VerbatimUrl, WheelName};

use super::constrain::covers;
use super::pinned;
use crate::requirements::{FileRequirement, entry};

/// A requirement with what it lacks from each constraint of its name that has a pin and may apply with it; itself where
/// it lacks nothing, or there is none.
pub(super) fn complete(
    requirement: &FileRequirement,
    constraints: &[&FileRequirement],
) -> Vec<FileRequirement> {
    let asked = &requirement.requirement;
    let is_pinned = is_pinned(asked);
    let is_hashed = !requirement.hashes.is_empty()
        || !requirement.hash_problems.is_empty()
        || matches!(&asked.version_or_url, Some(VersionOrUrl::Url(url)) if names_hash(url.fragment()));
    if is_pinned && is_hashed {
        return vec![requirement.clone()];
    }
    let mut completed = Vec::new();
    for constraint in constraints {
        let given = &constraint.requirement;
        let fits = match (&asked.version_or_url, &given.version_or_url) {
            (Some(VersionOrUrl::VersionSpecifier(wanted)), Some(VersionOrUrl::VersionSpecifier(given))) => {
                pinned(given).is_some_and(|version| wanted.contains(&version))
            }
            (None, Some(VersionOrUrl::VersionSpecifier(given))) => pinned(given).is_some(),
            // The hash of a version is that of a wheel of this version alone.
            (Some(VersionOrUrl::Url(url)), Some(VersionOrUrl::VersionSpecifier(given))) => {
                let wheel = WheelName::parse(&entry::file_name(url.raw())).ok();
                pinned(given).is_some_and(|pinned| wheel.is_some_and(|wheel| *wheel.version() == pinned))
            }
            (None | Some(VersionOrUrl::VersionSpecifier(_)), Some(VersionOrUrl::Url(_))) => true,
            _ => false,
        };
        let mut marker = asked.marker.clone();
        marker.and(given.marker.clone());
        if !fits || marker.is_false() {
            continue;
        }
        let mut whole = requirement.clone();
        whole.requirement.marker = marker;
        if !is_pinned {
            whole.requirement.version_or_url.clone_from(&given.version_or_url);
        }
        if !is_hashed {
            whole.hashes.clone_from(&constraint.hashes);
            whole.hash_problems.clone_from(&constraint.hash_problems);
        }
        completed.push(whole);
    }
    // Several constraints of one version bind it together.
    completed.dedup_by(|later, first| {
        let same = later.requirement == first.requirement;
        if same && first.hashes.is_empty() {
            first.hashes.append(&mut later.hashes);
        }
        same
    });
    // What one constraint pins, another may hash.
    let hashed: Vec<MarkerTree> = completed
        .iter()
        .filter(|one| !one.hashes.is_empty())
        .map(|one| one.requirement.marker.clone())
        .collect();
    completed.retain(|one| !one.hashes.is_empty() || !covers(hashed.iter(), &one.requirement.marker));
    if completed.is_empty() { vec![requirement.clone()] } else { completed }
}

/// Whether a requirement names one version, or a file.
pub(super) fn is_pinned(requirement: &Requirement<VerbatimUrl>) -> bool {
    match &requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => pinned(specifiers).is_some(),
        Some(VersionOrUrl::Url(_)) => true,
        None => false,
    }
}

/// Whether the fragment of an address names a strong hash.
fn names_hash(fragment: Option<&str>) -> bool {
    let parts = fragment.into_iter().flat_map(|fragment| fragment.split('&'));
    parts
        .filter_map(|part| part.split_once('='))
        .any(|(key, _)| matches!(key, "sha256" | "sha384" | "sha512"))
}
