//! What is kept of the standing lock: its cutoffs, and its versions.
//!
//! Pure. Never: decides what is chosen, which the resolver does.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use pipward_resolver::{MarkerTree, PackageName, Preference, Version};

use super::{Cutoff, LockRequest, Upgrade, cutoff};
use crate::index::Ages;
use crate::lock::{Lock, LockedPackage, LockedSource};

/// Which files a run may take.
pub(super) struct Cutoffs {
    /// For every package that has none of its own.
    pub(super) main: Timestamp,
    /// How the user said it, where it was said.
    pub(super) said: Option<String>,
    /// Of packages that were upgraded by name since the lock was made.
    own: BTreeMap<PackageName, Timestamp>,
    /// While packages are upgraded by name.
    upgrade: Option<NamedUpgrade>,
}

/// Packages are upgraded by name: they, and what has to move or comes in with them, may be as new as `at`. A release that
/// the lock has already stays as it is, without files that were added to it since.
struct NamedUpgrade {
    at: Timestamp,
    moved: BTreeSet<PackageName>,
    standing: BTreeSet<(PackageName, Version)>,
}

impl Cutoffs {
    /// The cutoff for the files of one release.
    pub(super) fn of(&self, name: &PackageName, version: &Version) -> Timestamp {
        let kept = self.own.get(name).copied().unwrap_or(self.main);
        match &self.upgrade {
            Some(upgrade) if upgrade.moved.contains(name) => upgrade.at,
            Some(upgrade) if !upgrade.standing.contains(&(name.clone(), version.clone())) => upgrade.at,
            _ => kept,
        }
    }

    /// Whether all releases have the same.
    pub(super) fn is_one(&self) -> bool {
        self.own.is_empty() && self.upgrade.is_none()
    }

    /// No release has a later one.
    pub(super) fn latest(&self) -> Timestamp {
        let own = self.own.values().copied().chain(self.upgrade.iter().map(|upgrade| upgrade.at));
        own.fold(self.main, Timestamp::max)
    }

    /// The own cutoffs of packages of the new lock.
    pub(super) fn noted(
        &self,
        standing: Option<&Lock>,
        new: &Lock,
        ages: &Ages,
    ) -> BTreeMap<PackageName, Timestamp> {
        let mut noted = BTreeMap::new();
        for name in new.packages.iter().map(|package| &package.name) {
            let moved = self.upgrade.as_ref().filter(|upgrade| {
                let before = releases(standing, name);
                let now = releases(Some(new), name);
                match upgrade.moved.contains(name) {
                    true => before != now,
                    false => !before.keys().eq(now.keys()),
                }
            });
            // What an exception lets in stays when the exception has ended.
            let excepted = ages.exempt.contains(name).then(|| self.main.saturating_add(ages.usual).ok());
            let own = moved.map(|upgrade| upgrade.at).or_else(|| self.own.get(name).copied());
            let own = own.max(excepted.flatten());
            noted.extend(own.filter(|own| *own != self.main).map(|own| (name.clone(), own)));
        }
        noted
    }
}

/// The versions of a name, each with its wheels.
fn releases(lock: Option<&Lock>, name: &PackageName) -> BTreeMap<Version, BTreeSet<String>> {
    let wheels = |package: &LockedPackage| match &package.source {
        LockedSource::Wheels(files) => files.iter().map(|file| file.name.to_string()).collect(),
        _ => BTreeSet::new(),
    };
    let packages = lock.into_iter().flat_map(|lock| &lock.packages).filter(|package| package.name == *name);
    packages.filter_map(|package| Some((package.version.clone()?, wheels(package)))).collect()
}

impl LockRequest {
    /// The cutoff of the standing lock stays until everything is upgraded, or another one is asked for.
    pub(super) fn cutoffs(&self) -> Cutoffs {
        let (now, said) = match &self.cutoff {
            Cutoff::CoolingOff => (cutoff::cooled(self.now, self.ages.usual), None),
            Cutoff::Said { text, at } => (*at, Some(text.clone())),
        };
        let tool = self.standing.as_ref().and_then(|lock| lock.tool.as_ref());
        let kept = tool.and_then(|tool| Some((tool, tool.cutoff?)));
        let fresh = Cutoffs { main: now, said: said.clone(), own: BTreeMap::new(), upgrade: None };
        let Some((tool, main)) = kept else { return fresh };
        let before = tool.options.get(SAID).cloned();
        let upgrade = match &self.upgrade {
            Upgrade::All => return fresh,
            Upgrade::Nothing if said.is_some() && said != before => return fresh,
            // How long files wait was changed: the old cutoff says nothing of that.
            Upgrade::Nothing if before.is_none() && tool.options.get(AGES) != self.told_ages().as_ref() => {
                return fresh;
            }
            Upgrade::Nothing => None,
            Upgrade::Packages(_) | Upgrade::Within(_) => Some(NamedUpgrade {
                at: now,
                moved: self.upgrade.named().into_iter().cloned().collect(),
                standing: self
                    .standing
                    .iter()
                    .flat_map(|lock| &lock.packages)
                    .filter_map(|package| Some((package.name.clone(), package.version.clone()?)))
                    .collect(),
            }),
        };
        Cutoffs { main, said: before, own: tool.cutoffs.clone(), upgrade }
    }

    /// How long files wait, in the words of a lock.
    pub(super) fn told_ages(&self) -> Option<String> {
        self.ages.told(&self.sources.indexes)
    }

    /// The standing lock's versions, where it was made with the same wishes for versions.
    pub(super) fn preferences(&self) -> BTreeMap<PackageName, Vec<Preference>> {
        let mut preferences: BTreeMap<PackageName, Vec<Preference>> = BTreeMap::new();
        let Some(standing) = &self.standing else { return preferences };
        let now = self.options();
        let then = standing.tool.as_ref().map(|tool| &tool.options);
        let same = |key: &str| then.and_then(|options| options.get(key)) == now.get(key);
        if !["resolution", "pre", "fork-strategy"].into_iter().all(same) {
            return preferences;
        }
        let others = then.and_then(|options| options.get("prereleases"));
        let had_prereleases: BTreeSet<&str> =
            others.map(|names| names.split(", ").collect()).unwrap_or_default();
        let stays = |name: &PackageName| {
            !self.upgrade.moves(name)
                && had_prereleases.contains(name.as_ref()) == self.prerelease_projects.contains(name)
        };
        for package in standing.packages.iter().filter(|package| stays(&package.name)) {
            let Some(version) = package.version.clone() else { continue };
            let marker = package.marker.as_ref().map_or(MarkerTree::TRUE, |marker| marker.tree.clone());
            preferences.entry(package.name.clone()).or_default().push(Preference { version, marker });
        }
        preferences
    }

    /// The names to upgrade that no package of the new lock has.
    pub(super) fn upgraded_in_vain(&self, new: &Lock) -> Vec<String> {
        let Upgrade::Packages(names) = &self.upgrade else { return Vec::new() };
        let is_there = |name: &PackageName| new.packages.iter().any(|package| package.name == *name);
        let absent = names.iter().filter(|(name, _)| !is_there(name));
        absent
            .map(|(name, _)| {
                format!("{name} is not part of the lock, so that --upgrade-package {name} changes nothing")
            })
            .collect()
    }
}

/// The option in which a lock keeps how long files waited, where that is not the usual.
pub(super) const AGES: &str = "min-release-age";

/// The option in which a lock keeps how its cutoff was said.
pub(super) const SAID: &str = "uploaded-prior-to";
