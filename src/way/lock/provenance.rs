//! Who published what is about to be locked, proven before it is.
//!
//! Owns: which files are looked at, and what a package had before. Never: judges (the policy does).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pipward_resolver::{PackageName, Version};

use super::LockRequest;
use crate::attest::Publisher;
use crate::error::{Code, Problem, Problems};
use crate::index::{Earlier, Index, Vouched};
use crate::lock::{Lock, LockedPackage, drift};
use crate::policy::{Judged, Level, Proven, as_before, partial, publishers};
use crate::way::provenance::{Answer, File, Kept, provable, prove};

/// What is known of the files of a lock.
struct Known {
    answers: BTreeMap<String, Answer>,
    /// The releases for which nobody vouches: nothing was asked of their files.
    bare: BTreeSet<(PackageName, Version)>,
    earlier: BTreeMap<(PackageName, Version), Earlier>,
    /// The wheels of the locked release before, where that had a publisher.
    standing: BTreeMap<PackageName, Vec<Vouched>>,
}

impl LockRequest {
    /// Writes the publishers of each package into the lock. Returns what is to be told, and the provenance of its files.
    ///
    /// # Errors
    /// All that the policy refuses, and where an index names provenance that cannot be had.
    pub(super) fn prove(&self, index: &Index, lock: &mut Lock) -> Result<(Vec<String>, Kept), Problems> {
        let keeps = self.keeps_provenance || self.policy.keeps_provenance();
        let edited = self.standing.as_ref().is_some_and(|standing| !drift::is_as_written(standing));
        let (mut asked, mut earlier, mut standing) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let mut bare = BTreeSet::new();
        for package in lock.packages.iter_mut().filter(|package| package.index.is_some()) {
            let known = if edited || keeps || self.upgrade.moves(&package.name) {
                None
            } else {
                self.proven_already(package)
            };
            if let Some(publishers) = known {
                Arc::make_mut(package).publishers = publishers;
                continue;
            }
            let Some(version) = &package.version else { continue };
            if index.has_provenance(&package.name, version)? {
                asked.extend(provable(package));
            } else {
                bare.insert((package.name.clone(), version.clone()));
            }
            if !self.publishers_before(&package.name).is_empty() {
                if let Some(before) = self.wheels_before(index, package, edited)? {
                    standing.insert(package.name.clone(), before);
                }
                continue;
            }
            // A lock that was edited by hand does not tell what was seen when it was locked.
            let settled = if edited { None } else { self.settled(&package.name, version) };
            if let Some(found) = index.proven_before(&package.name, settled, version)? {
                asked.push((package.name.clone(), found.file.clone(), found.sha256));
                earlier.insert((package.name.clone(), version.clone()), found);
            }
        }
        let (answers, mut given) = prove(&self.policy, index, asked, &Kept::new())?;
        let known = Known { answers, bare, earlier, standing };
        let mut judged = Judged::default();
        for package in lock.packages.iter_mut().filter(|package| package.index.is_some()) {
            let package = Arc::make_mut(package);
            let (mut found, mut partial) = self.found(package, &known);
            if self.accepted.contains(&package.name) {
                found.retain(|it| !matches!(it.code(), Code::ProvenanceLost | Code::PublisherChanged));
                partial = None;
            }
            judged.add(self.policy.judge(&package.name, found));
            judged.add(self.policy.judge_as(&package.name, partial.into_iter().collect(), Level::Warn));
        }
        if !given.is_empty() {
            let locked: BTreeSet<String> =
                lock.packages.iter().flat_map(|package| provable(package)).map(|(_, file, _)| file).collect();
            given.retain(|file, _| keeps && locked.contains(file));
        }
        Ok((judged.told()?, given))
    }

    /// The publishers that the standing lock has for the same files: the same bytes have the same publishers.
    fn proven_already(&self, package: &LockedPackage) -> Option<Vec<Publisher>> {
        let mut standing = self.standing.iter().flat_map(|lock| &lock.packages);
        let same = standing.find(|old| old.name == package.name && old.version == package.version)?;
        let old: Vec<File> = provable(same).collect();
        let is_same = !same.publishers.is_empty() && provable(package).all(|file| old.contains(&file));
        (is_same && !self.is_required(&package.name)).then(|| same.publishers.clone())
    }

    fn is_required(&self, name: &PackageName) -> bool {
        self.policy.required().iter().flat_map(|rule| &rule.packages).any(|pattern| pattern.matches(name))
    }

    /// Who published a package by the standing lock.
    fn publishers_before(&self, name: &PackageName) -> Vec<Publisher> {
        self.standing_of(name).flat_map(|old| old.publishers.clone()).collect()
    }

    /// The wheels of the newest locked release with a publisher. Of the same release, those that were locked: that a part
    /// of them has no provenance was seen then, unless somebody wrote them in.
    fn wheels_before(
        &self,
        index: &Index,
        package: &LockedPackage,
        edited: bool,
    ) -> Result<Option<Vec<Vouched>>, Problem> {
        let published = self.standing_of(&package.name).filter(|old| !old.publishers.is_empty());
        let Some(before) = published.max_by_key(|old| old.version.clone()) else { return Ok(None) };
        let (Some(version), same) = (&before.version, before.version == package.version) else {
            return Ok(None);
        };
        if same && edited {
            return Ok(None);
        }
        let locked: Vec<String> = provable(before).map(|(_, file, _)| file).collect();
        let mut wheels = index.wheels_of(&package.name, version)?;
        wheels.retain(|wheel| !same || locked.iter().any(|file| file == wheel.name.as_str()));
        Ok(Some(wheels))
    }

    fn standing_of<'a>(&'a self, name: &'a PackageName) -> impl Iterator<Item = &'a Arc<LockedPackage>> {
        self.standing.iter().flat_map(|lock| &lock.packages).filter(move |old| old.name == *name)
    }

    /// The newest locked version up to this one: that it has no provenance was seen when it was locked.
    fn settled<'a>(&'a self, name: &'a PackageName, version: &Version) -> Option<&'a Version> {
        self.standing_of(name).filter_map(|old| old.version.as_ref()).filter(|old| *old <= version).max()
    }

    /// Fills in the publishers of a package, and compares them with those before. What is only as it was before comes
    /// apart.
    fn found(&self, package: &mut LockedPackage, known: &Known) -> (Vec<Problem>, Option<Problem>) {
        let (mut found, mut all) = (Vec::new(), Vec::new());
        let version = package.version.clone().unwrap_or_else(|| Version::new([0]));
        let release = (package.name.clone(), version);
        let mut before = self.publishers_before(&package.name);
        let is_bare = known.bare.contains(&release);
        if is_bare
            && before.is_empty()
            && !known.earlier.contains_key(&release)
            && self.policy.required().is_empty()
        {
            // Nobody vouches for it, nobody did, and nobody has to.
            return (found, None);
        }
        if is_bare {
            all.extend(provable(package).map(|(_, file, _)| (file, false)));
        } else if package.publishers.is_empty() {
            let mut now = Vec::new();
            for (_, file, _) in provable(package) {
                match known.answers.get(&file) {
                    Some(Ok(Some(publishers))) => {
                        now.extend(publishers.iter().cloned());
                        all.push((file, true));
                    }
                    Some(Ok(None)) => all.push((file, false)),
                    Some(Err(problem)) => found.push(problem.clone()),
                    None => {}
                }
            }
            now.sort();
            now.dedup();
            package.publishers = now;
        }
        let mut wheels = known.standing.get(&package.name);
        let mut source = (!before.is_empty()).then(|| "the locked one".to_owned());
        if let (true, Some(earlier)) = (before.is_empty(), known.earlier.get(&release)) {
            source = Some(format!("{} {}", package.name, earlier.version));
            wheels = Some(&earlier.wheels);
            if let Some(Ok(Some(publishers))) = known.answers.get(&earlier.file) {
                before.clone_from(publishers);
            }
        }
        let as_before = as_before(&all, wheels.map(Vec::as_slice).unwrap_or_default());
        let without: Vec<String> =
            all.into_iter().filter(|(_, proven)| !proven).map(|(file, _)| file).collect();
        let proven = Proven {
            package: &format!("{} {}", package.name, release.1),
            name: &package.name,
            publishers: &package.publishers,
            without: &without,
            as_before: &as_before,
            before: &before,
            source: source.as_deref(),
        };
        found.extend(publishers(&proven, self.policy.required()));
        (found, partial(&proven))
    }
}
