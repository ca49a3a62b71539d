//! Who published what is about to be locked, proven before it is.
//!
//! Owns: which files are looked at, and what a package had before. Never: judges (the policy does).

use std::collections::BTreeMap;

use pipward_resolver::{PackageName, Version};

use super::LockRequest;
use crate::attest::Publisher;
use crate::error::{Code, Problem, Problems};
use crate::index::{Earlier, Index};
use crate::lock::{Lock, LockedPackage, LockedSource, drift};
use crate::policy::{Judged, Proven, publishers};
use crate::way::provenance::{Answer, File, Kept, prove};

/// What is known of the files of a lock.
struct Known {
    answers: BTreeMap<String, Answer>,
    earlier: BTreeMap<(PackageName, Version), Earlier>,
}

impl LockRequest {
    /// Writes the publishers of each package into the lock. Returns what is to be told, and the provenance of its files.
    ///
    /// # Errors
    /// All that the policy refuses, and where an index names provenance that cannot be had.
    pub(super) fn prove(&self, index: &Index, lock: &mut Lock) -> Result<(Vec<String>, Kept), Problems> {
        let keeps = self.keeps_provenance || self.policy.keeps_provenance();
        let edited = self.standing.as_ref().is_some_and(|standing| !drift::is_as_written(standing));
        let (mut asked, mut earlier) = (Vec::new(), BTreeMap::new());
        for package in lock.packages.iter_mut().filter(|package| package.index.is_some()) {
            let known = if edited || keeps { None } else { self.proven_already(package) };
            if let Some(publishers) = known {
                package.publishers = publishers;
                continue;
            }
            asked.extend(files(package));
            let Some(version) = &package.version else { continue };
            if !self.publishers_before(&package.name).is_empty() {
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
        let known = Known { answers, earlier };
        let mut judged = Judged::default();
        for package in lock.packages.iter_mut().filter(|package| package.index.is_some()) {
            let mut found = self.found(package, &known);
            if self.accepted.contains(&package.name) {
                found.retain(|it| !matches!(it.code(), Code::ProvenanceLost | Code::PublisherChanged));
            }
            judged.add(self.policy.judge(&package.name, found));
        }
        let locked: Vec<String> = lock.packages.iter().flat_map(files).map(|(_, file, _)| file).collect();
        given.retain(|file, _| keeps && locked.contains(file));
        Ok((judged.told()?, given))
    }

    /// The publishers that the standing lock has for the same files: the same bytes have the same publishers.
    fn proven_already(&self, package: &LockedPackage) -> Option<Vec<Publisher>> {
        let mut standing = self.standing.iter().flat_map(|lock| &lock.packages);
        let same = standing.find(|old| old.name == package.name && old.version == package.version)?;
        let old: Vec<File> = files(same).collect();
        let is_same = !same.publishers.is_empty() && files(package).all(|file| old.contains(&file));
        (is_same && !self.is_required(&package.name)).then(|| same.publishers.clone())
    }

    fn is_required(&self, name: &PackageName) -> bool {
        self.policy.required().iter().flat_map(|rule| &rule.packages).any(|pattern| pattern.matches(name))
    }

    /// Who published a package by the standing lock.
    fn publishers_before(&self, name: &PackageName) -> Vec<Publisher> {
        self.standing_of(name).flat_map(|old| old.publishers.clone()).collect()
    }

    fn standing_of<'a>(&'a self, name: &'a PackageName) -> impl Iterator<Item = &'a LockedPackage> {
        self.standing.iter().flat_map(|lock| &lock.packages).filter(move |old| old.name == *name)
    }

    /// The newest locked version up to this one: that it has no provenance was seen when it was locked.
    fn settled<'a>(&'a self, name: &'a PackageName, version: &Version) -> Option<&'a Version> {
        self.standing_of(name).filter_map(|old| old.version.as_ref()).filter(|old| *old <= version).max()
    }

    /// Fills in the publishers of a package, and compares them with those before.
    fn found(&self, package: &mut LockedPackage, known: &Known) -> Vec<Problem> {
        let (mut found, mut without) = (Vec::new(), Vec::new());
        if package.publishers.is_empty() {
            let mut now = Vec::new();
            for (_, file, _) in files(package) {
                match known.answers.get(&file) {
                    Some(Ok(Some(publishers))) => now.extend(publishers.iter().cloned()),
                    Some(Ok(None)) => without.push(file),
                    Some(Err(problem)) => found.push(problem.clone()),
                    None => {}
                }
            }
            now.sort();
            now.dedup();
            package.publishers = now;
        }
        let version = package.version.clone().unwrap_or_else(|| Version::new([0]));
        let mut before = self.publishers_before(&package.name);
        let mut source = (!before.is_empty()).then(|| "the locked one".to_owned());
        if let (true, Some(earlier)) =
            (before.is_empty(), known.earlier.get(&(package.name.clone(), version.clone())))
        {
            source = Some(format!("{} {}", package.name, earlier.version));
            if let Some(Ok(Some(publishers))) = known.answers.get(&earlier.file) {
                before.clone_from(publishers);
            }
        }
        let proven = Proven {
            package: &format!("{} {version}", package.name),
            name: &package.name,
            publishers: &package.publishers,
            without: &without,
            before: &before,
            source: source.as_deref(),
        };
        found.extend(publishers(&proven, self.policy.required()));
        found
    }
}

fn files(package: &LockedPackage) -> impl Iterator<Item = File> {
    let files: &[_] = match &package.source {
        LockedSource::Wheels(files) => files,
        LockedSource::ByHash(_) | LockedSource::Unusable(_) => &[],
    };
    let name = &package.name;
    files.iter().filter_map(|file| Some((name.clone(), file.name.to_string(), file.hashes.sha256s().next()?)))
}
