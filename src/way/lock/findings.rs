//! What is found in a lock before it is written: names that look like others, and what indexes say of projects and files.
//!
//! Never: looks into an artifact.

use std::collections::{BTreeMap, BTreeSet};

use pipward_resolver::{PackageName, Version};

use super::LockRequest;
use super::direct::address;
use crate::error::{Code, Problem, Problems};
use crate::index::{Index, Marks, Namespace, Status};
use crate::lock::{Lock, LockedPackage};
use crate::policy::{Judged, Level, look_alike, release_yanked};

impl LockRequest {
    /// The names that are asked for and look like well-known ones. Asked before any index is, since asking tells the name.
    ///
    /// # Errors
    /// `look-alike`, all of them at once.
    pub(super) fn check_names(&self, index: &Index) -> Result<Vec<String>, Problems> {
        let mut judged = Judged::default();
        let standing = self.locked_names();
        let mut seen = BTreeSet::new();
        for root in self.inputs.roots.iter().filter(|root| address(root).is_none()) {
            let name = &root.requirement.name;
            let is_new = !standing.contains(name) && !index.is_pinned(name) && seen.insert(name);
            let found = is_new.then(|| alike(name)).flatten().map(|problem| problem.at(root.place.clone()));
            judged.add(self.policy.judge(name, found.into_iter().collect()));
        }
        judged.told()
    }

    /// What is found in the packages of the new lock.
    ///
    /// # Errors
    /// All that the policy refuses, at once; and where the index does not answer.
    pub(super) fn check_packages(&self, index: &Index, lock: &Lock) -> Result<Vec<String>, Problems> {
        let mut judged = Judged::default();
        let standing = self.locked_names();
        let direct: BTreeSet<&PackageName> =
            self.inputs.roots.iter().map(|root| &root.requirement.name).collect();
        let mut seen = BTreeSet::new();
        for package in &lock.packages {
            let name = &package.name;
            let found = package.yanked.iter().map(|reason| release_yanked(package, reason));
            judged.add(self.policy.judge(name, found.collect()));
            if package.index.is_none() || !seen.insert(name) {
                continue;
            }
            let is_direct = direct.contains(name);
            let deeper = |level: Level| if is_direct { level } else { Level::Warn };
            let marks = index.marks(name)?;
            judged.add(self.policy.judge(name, status(name, &marks).into_iter().collect()));
            if standing.contains(name) {
                continue;
            }
            let namespace = marks.namespace.as_ref().and_then(|namespace| foreign(name, namespace));
            let alike = if is_direct || index.is_pinned(name) { None } else { alike(name) };
            let names = namespace.into_iter().chain(alike).collect();
            judged.add(self.policy.judge_as(name, names, deeper(Level::Deny)));
        }
        let mut newest = BTreeMap::<&PackageName, &Version>::new();
        for package in lock.packages.iter().filter(|package| package.index.is_some()) {
            let Some(version) = &package.version else { continue };
            let known = newest.entry(&package.name).or_insert(version);
            if *known < version {
                *known = version;
            }
        }
        for name in direct {
            let Some(locked) = newest.get(name) else { continue };
            judged.add(self.policy.judge(name, self.waits(index, locked, name)?.into_iter().collect()));
        }
        judged.told()
    }

    /// A release that is newer than the newest one locked, and still waits.
    fn waits(&self, index: &Index, locked: &Version, name: &PackageName) -> Result<Option<Problem>, Problem> {
        // Whoever asks for less than the newest is not waiting for it.
        let takes = |version: &Version| {
            let of_name = self.inputs.roots.iter().filter(|root| root.requirement.name == *name);
            of_name.filter(|root| root.requirement.marker.is_true()).all(|root| {
                match &root.requirement.version_or_url {
                    Some(pep508_rs::VersionOrUrl::VersionSpecifier(wanted)) => wanted.contains(version),
                    _ => true,
                }
            })
        };
        let newer = index.waiting(name, locked, self.now)?.filter(|(version, _)| takes(version));
        Ok(newer.map(|(version, from)| {
            Problem::new(
                Code::ReleaseAge,
                format!("{version} is newer, and too new: it can be locked from {from} on"),
            )
            .package(format!("{name} {locked}"))
        }))
    }

    fn locked_names(&self) -> BTreeSet<PackageName> {
        self.standing.iter().flat_map(|lock| &lock.packages).map(|package| package.name.clone()).collect()
    }
}

/// That a name looks like a well-known one.
pub(in crate::way) fn alike(name: &PackageName) -> Option<Problem> {
    let (known, difference) = look_alike(name)?;
    Some(
        Problem::new(Code::LookAlike, format!("this name is close to {known}, which many use: {difference}"))
            .package(name)
            .expected(known)
            .found(name)
            .help(format!(
                "write {known} if you mean that; else look at who makes {name}, and add [[policy.exception]] \
                 code = \"look-alike\", package = \"{name}\" and a reason to pipward.toml"
            )),
    )
}

fn status(name: &PackageName, marks: &Marks) -> Option<Problem> {
    let (status, reason) = marks.status.as_ref()?;
    let (code, what) = match status {
        Status::Archived => (Code::ProjectArchived, "its makers have archived it, and no longer update it"),
        Status::Deprecated => {
            (Code::ProjectDeprecated, "its makers call it deprecated, and ask for another to be used")
        }
    };
    let reason = if reason.trim().is_empty() { String::new() } else { format!(" ({})", one_line(reason)) };
    Some(Problem::new(code, format!("{what}{reason}")).package(name))
}

/// "The project matches the namespace, and its owner is not authorized": it took a name that somebody else has reserved.
fn foreign(name: &PackageName, namespace: &Namespace) -> Option<Problem> {
    if namespace.authorized || namespace.open {
        return None;
    }
    let prefix = one_line(&namespace.prefix);
    Some(
        Problem::new(
            Code::NamespaceForeign,
            format!("its name is in the namespace {prefix}, and it is not one of that owner's projects"),
        )
        .package(name)
        .help(format!(
            "look at who makes it; if that is right, add [[policy.exception]] code = \"namespace-foreign\", \
             package = \"{name}\" and a reason to pipward.toml"
        )),
    )
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}

/// Whether a sentence of the resolver tells what is told as a finding.
pub(super) fn is_found(sentence: &str, lock: &Lock) -> bool {
    let of = |package: &LockedPackage| {
        let version = package.version.as_ref().map(ToString::to_string).unwrap_or_default();
        package.yanked.is_some() && sentence.starts_with(&format!("{} {version} was yanked", package.name))
    };
    lock.packages.iter().any(|package| of(package))
}
