//! Which file of a release is the locked one, where the lock gives hashes alone.
//!
//! Pure. Owns: the order in which files are looked at, and the words when none is the locked one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pipward_resolver::{PackageName, Target, Version, WheelName};

use super::Index;
use super::project::Offered;
use crate::digest::{LockedHashes, StrongDigest};
use crate::error::{Code, Problem};
use crate::lock::LockedPackage;

/// Where a problem's form for machines has the file that has another hash than the locked one.
pub const LOOKED_AT: &str = "file";

/// Of a release that was looked for, and has wheels for others.
pub const UNUSABLE: &str = "this release has no wheel that this environment takes";

/// The wheels of `version` that `target` takes, best first: by tag, then by build tag (the higher
/// first, as pip does), then by name.
pub(crate) fn ranked<'a>(files: &'a [Offered], version: &Version, target: &Target) -> Vec<&'a Offered> {
    let mut ranked: Vec<(u32, &WheelName, &Offered)> = files
        .iter()
        .filter(|offered| offered.file.name.version() == version)
        .filter_map(|offered| {
            let wheel = offered.file.wheel()?;
            Some((target.tags.rank(wheel)?, wheel, offered))
        })
        .collect();
    ranked.sort_by(|(rank, wheel, offered), (other_rank, other_wheel, other)| {
        rank.cmp(other_rank)
            .then_with(|| other_wheel.build().cmp(&wheel.build()))
            .then_with(|| wheel.as_str().cmp(other_wheel.as_str()))
            // find-links before indexes, indexes in their order.
            .then_with(|| offered.index.cmp(&other.index))
    });
    ranked.into_iter().map(|(_, _, offered)| offered).collect()
}

/// Whether a file is one of the locked ones, as far as its page tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is.
    Locked,
    /// It is not.
    Other,
    /// The page does not say enough: it has to be hashed.
    Unknown,
}

/// Compares what a page advertises with the locked hashes.
pub(crate) fn told(offered: &Offered, hashes: &LockedHashes) -> Told {
    match offered.file.sha256 {
        None => Told::Unknown,
        Some(sha256) if hashes.sha256s().any(|locked| locked == sha256) => Told::Locked,
        Some(_) if hashes.digests().iter().all(|digest| matches!(digest, StrongDigest::Sha256(_))) => {
            Told::Other
        }
        Some(_) => Told::Unknown,
    }
}

impl Index {
    /// Whether a release has files, and each is another one than those with these hashes.
    ///
    /// # Errors
    /// As for the candidates of a project.
    pub fn has_others(
        &self,
        name: &PackageName,
        version: &Version,
        hashes: &LockedHashes,
    ) -> Result<bool, Problem> {
        let project = self.wait(|inner| async move { inner.project(name).await })?;
        let release = project.files.of(version);
        Ok(!release.is_empty() && release.iter().all(|it| told(it, hashes) == Told::Other))
    }
}

/// Tells, as pip does, how many files of a release were compared with how many hashes.
pub(crate) fn checked(name: &PackageName, version: &Version, hashes: &LockedHashes, files: &[Offered]) {
    let release: Vec<Told> = files
        .iter()
        .filter(|offered| offered.file.name.version() == version)
        .map(|offered| told(offered, hashes))
        .collect();
    let count = |kind: Told| release.iter().filter(|told| **told == kind).count();
    let (matches, unknown, others) = (count(Told::Locked), count(Told::Unknown), count(Told::Other));
    let kept = if others == 0 || matches == 0 {
        "discarding no candidates".to_owned()
    } else {
        format!("discarding {others} non-matches")
    };
    tracing::debug!(
        "Checked {} links for project '{name}' against {} hashes ({matches} matches, {unknown} no digest): {kept}",
        release.len(),
        hashes.digests().len()
    );
}

/// Why no file is the locked one. `files` is all that is offered of the name.
pub(crate) fn refusal(
    package: &LockedPackage,
    version: &Version,
    hashes: &LockedHashes,
    files: &[Offered],
    target: &Target,
    known: bool,
) -> Problem {
    let release: Vec<&Offered> = files.iter().filter(|o| o.file.name.version() == version).collect();
    let what = format!("{} {version}", package.shown());
    if !known {
        return Problem::new(Code::ProjectNotFound, "no index has a project of this name")
            .package(what)
            .help("look at the spelling, and name the index that has it with --index-url");
    }
    if release.is_empty() {
        let (versions, ignored) = versions(files, target);
        let problem = Problem::new(Code::FileNotFound, "the project is there, but this release has no files")
            .package(what)
            .found(if versions.is_empty() { "none".to_owned() } else { versions.join(", ") })
            .help("name an index that has it with --index-url, or lock again with `pipward lock`");
        return if ignored.is_empty() { problem } else { problem.cause(ignored.join(". ")) };
    }
    let locked: Vec<&Offered> = release.iter().copied().filter(|o| told(o, hashes) == Told::Locked).collect();
    let usable = ranked(files, version, target);
    if usable.is_empty() {
        return unusable(&release, &locked).package(what);
    }
    let digests = hashes.digests().iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
    let found = listed(&usable);
    if locked.is_empty() {
        // Nothing that was locked is left of the release: this is other content, not a late addition.
        return Problem::new(Code::HashMismatch, "no file of this release has a locked hash")
            .package(what)
            .expected(digests)
            .found(found)
            .help("compare the files with the project's own release page before you lock again");
    }
    let sdist_only = locked.iter().all(|offered| offered.file.wheel().is_none());
    let is_of_lock = Path::new(&package.place.file).extension().is_some_and(|kind| kind == "toml");
    let (why, way) = match (is_of_lock, sdist_only) {
        (true, true) => (
            "only the source distribution of this release is locked, and building it runs its code; its wheels appeared after the lock",
            "lock again with `pipward lock` to take them in",
        ),
        (true, false) => (
            "the wheels of this release that this environment takes appeared after the lock, and are not in it",
            "lock again with `pipward lock` to take them in",
        ),
        (false, true) => (
            "the hash that is given is that of the source distribution of this release, and building it runs its code",
            "add the hash of the wheel that you want to the requirement: --hash=sha256:…, or lock with `pipward lock`",
        ),
        (false, false) => (
            "the hashes that are given are of other files of this release, and of no wheel that this environment takes",
            "add the hash of the wheel that you want to the requirement: --hash=sha256:…, or lock with `pipward lock`",
        ),
    };
    Problem::new(Code::FileNotLocked, why).package(what).expected(digests).found(found).help(way)
}

/// The versions of some files, oldest first, and which were passed over and why, in pip's words.
fn versions(files: &[Offered], target: &Target) -> (Vec<String>, Vec<String>) {
    let python = target.markers.python_full_version();
    let (mut usable, mut yanked, mut others) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
    for file in files.iter().map(|offered| &offered.file) {
        let version = file.name.version();
        match (&file.requires_python, &file.yanked) {
            (Some(wanted), _) if !wanted.contains(&python.version) => {
                others.insert(version, wanted);
            }
            (_, Some(_)) => _ = yanked.insert(version),
            _ => _ = usable.insert(version),
        }
    }
    let mut ignored = Vec::new();
    let left = yanked.iter().filter(|version| !usable.contains(*version)).map(ToString::to_string);
    let left: Vec<String> = left.collect();
    if !left.is_empty() {
        ignored.push(format!("Ignored the following yanked versions: {}", left.join(", ")));
    }
    let others = others.iter().filter(|(version, _)| !usable.contains(*version));
    let others: Vec<String> =
        others.map(|(version, wanted)| format!("{version} Requires-Python {wanted}")).collect();
    if !others.is_empty() {
        let what = "Ignored the following versions that require a different python version";
        ignored.push(format!("{what}: {}", others.join("; ")));
    }
    (usable.into_iter().map(ToString::to_string).collect(), ignored)
}

fn unusable(release: &[&Offered], locked: &[&Offered]) -> Problem {
    let wheels = release.iter().any(|offered| offered.file.wheel().is_some());
    let problem = if !wheels || (!locked.is_empty() && locked.iter().all(|o| o.file.wheel().is_none())) {
        Problem::new(
            Code::NoMatchingWheel,
            "this release has no wheel for this environment, only a source distribution, and building one runs its code",
        )
        .help("build a wheel elsewhere, hash it with `pipward hash`, and name its folder with --find-links")
    } else {
        Problem::new(Code::NoMatchingWheel, UNUSABLE)
            .help("use a Python and platform that it has wheels for, or lock another version")
    };
    problem.found(listed(release))
}

/// The names of some files, with their upload times.
fn listed(files: &[&Offered]) -> String {
    const SHOWN: usize = 6;
    let mut names: Vec<String> = files
        .iter()
        .take(SHOWN)
        .map(|offered| {
            let uploaded = offered.file.upload_time.map(|time| format!(" (uploaded {time})"));
            let sha256 = offered.file.sha256.map(|sha256| format!(" sha256:{sha256}"));
            let name = offered.file.name.as_str();
            format!("{name}{}{}", sha256.unwrap_or_default(), uploaded.unwrap_or_default())
        })
        .collect();
    if files.len() > SHOWN {
        names.push(format!("and {} more", files.len() - SHOWN));
    }
    names.join(", ")
}
