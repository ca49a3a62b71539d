//! Today's policy, applied to what was locked before.
//!
//! Owns: which rules count for a lock that stands, as far as the lock itself tells. Never: asks an index, but who published
//! what the lock names a publisher for.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;
use pipward_resolver::PackageName;

use super::lock::findings::alike;
use super::provenance::{File, kept, provable, prove};
use super::signatures;
use crate::error::{Code, Problem, Problems};
use crate::index::{Ages, Index, NetworkOptions, Sources};
use crate::lock::{Lock, LockedFile, LockedPackage, LockedSource};
use crate::policy::{
    DatedPolicy, Judged, Level, Proven, publishers, release_yanked, title, too_young, unwanted_publishers,
};

/// What is looked at again before anything is installed.
#[derive(Debug, Clone)]
pub struct Trust {
    /// How long new files wait.
    pub ages: Ages,
    /// The time.
    pub now: Timestamp,
    /// Whether publishers are proven anew, also where the policy does not ask for it.
    pub verify_provenance: bool,
}

/// What `--check-policy` looks at.
pub struct PolicyRequest {
    /// The lock.
    pub lock: Lock,
    /// The file.
    pub file: PathBuf,
    /// The policy.
    pub policy: DatedPolicy,
    /// How long new files wait, and the time.
    pub trust: Trust,
    /// Which indexes there are, and where their files may be.
    pub sources: Sources,
    /// How the network would be used.
    pub network: NetworkOptions,
}

/// Applies today's policy to a standing lock.
///
/// # Errors
/// All that the policy refuses, at once.
pub fn check_policy(request: &PolicyRequest) -> Result<Vec<String>, Problems> {
    let index = Index::of_locked(&request.sources, &request.network, None)?;
    let (policy, trust) = (&request.policy, &request.trust);
    let mut faults = Vec::new();
    if policy.requires_signed_lock() {
        let file = request.file.display().to_string();
        let signed =
            signatures::check_files([file.as_str()].into_iter(), &request.lock.originals, policy, trust.now);
        faults.extend(signed.err().into_iter().flatten());
    }
    let direct = direct(&request.lock);
    let mut judged = Judged::default();
    for package in &request.lock.packages {
        let name = &package.name;
        judged.add(policy.judge(name, index.foreign_files(package)));
        let yanked = package.yanked.iter().map(|reason| release_yanked(package, reason));
        judged.add(policy.judge(name, yanked.collect()));
        let files = files(package);
        judged.add(one(policy, trust, &index, package, &files, Level::Deny));
        let names = if direct.contains(name) { Level::Deny } else { Level::Warn };
        let alike = if index.is_pinned(name) { None } else { alike(name) };
        judged.add(policy.judge_as(name, alike.into_iter().collect(), names));
    }
    judged.add(published(request, &index)?);
    judged.refused.splice(0..0, faults);
    judged.told()
}

/// Whether the publishers that the lock names are those by what is kept beside it, else by the index. Where that cannot be
/// asked, it is said.
fn published(request: &PolicyRequest, index: &Index) -> Result<Judged, Problem> {
    let (policy, kept) = (&request.policy, kept(&request.file)?);
    let can_ask = |file: &File| !request.network.offline || kept.contains_key(&file.1);
    let packages = request.lock.packages.iter().filter(|package| !package.publishers.is_empty());
    let named: Vec<(&LockedPackage, Vec<File>)> =
        packages.map(|package| (&**package, provable(package).filter(can_ask).collect())).collect();
    let asked = named.iter().flat_map(|(_, files)| files.iter().cloned()).collect();
    let (answers, _) = prove(policy, index, asked, &kept)?;
    let mut judged = Judged::default();
    for (package, files) in named {
        let (mut found, mut now, mut without) = (Vec::new(), Vec::new(), Vec::new());
        for (_, file, _) in files {
            match answers.get(&file) {
                Some(Ok(Some(publishers))) => now.extend(publishers.iter().cloned()),
                Some(Err(problem)) if problem.code() == Code::ProvenanceInvalid => {
                    found.push(problem.clone());
                }
                Some(Err(problem)) => judged.warned.push(problem.clone().package(title(package))),
                Some(Ok(None)) | None => without.push(file),
            }
        }
        let proven = Proven {
            package: &title(package),
            name: &package.name,
            publishers: &now,
            // A part without was let in when it was locked.
            as_before: if now.is_empty() { &[] } else { &without },
            without: &without,
            source: Some("the locked one"),
            before: &package.publishers,
        };
        found.extend(publishers(&proven, &[]));
        judged.add(policy.judge(&package.name, found));
    }
    Ok(judged)
}

/// What an install or a download finds in a package before it fetches it. What its wheel tells is found elsewhere.
pub(super) fn installed(
    policy: &DatedPolicy,
    trust: &Trust,
    index: &Index,
    package: &LockedPackage,
    file: &LockedFile,
) -> Judged {
    let yanked = package.yanked.iter().map(|reason| release_yanked(package, reason));
    let mut judged = policy.judge(&package.name, yanked.collect());
    judged.add(one(policy, trust, index, package, &[file], Level::Warn));
    // It was let in once, and not every lock tells what was asked for: a name counts where the policy says so itself.
    if policy.says(Code::LookAlike) && !index.is_pinned(&package.name) {
        judged.add(policy.judge(&package.name, alike(&package.name).into_iter().collect()));
    }
    judged
}

fn one(
    policy: &DatedPolicy,
    trust: &Trust,
    index: &Index,
    package: &LockedPackage,
    files: &[&LockedFile],
    young: Level,
) -> Judged {
    let age = index.age_of(package, &trust.ages);
    let found = too_young(package, files.iter().copied(), age, trust.now);
    let mut judged = policy.judge_as(&package.name, found.into_iter().collect(), young);
    if !(trust.verify_provenance || policy.verifies_provenance()) {
        judged.add(policy.judge(&package.name, unwanted_publishers(package, policy.required())));
    }
    judged
}

fn files(package: &LockedPackage) -> Vec<&LockedFile> {
    match &package.source {
        LockedSource::Wheels(files) => files.iter().collect(),
        LockedSource::ByHash(_) | LockedSource::Unusable(_) => Vec::new(),
    }
}

/// The names that were asked for, as far as the lock tells.
fn direct(lock: &Lock) -> BTreeSet<PackageName> {
    let inputs = lock.tool.iter().flat_map(|tool| &tool.inputs).filter(|(_, from)| !from.starts_with("-c "));
    let name = |(text, _): &(String, String)| -> Option<PackageName> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        text.split(|c| !is_part(c)).next()?.parse().ok()
    };
    inputs.filter_map(name).collect()
}

/// What `--check-policy` was not told a lock for.
pub fn no_lock() -> Problem {
    Problem::new(Code::Usage, "--check-policy needs a lock to look at").help("name it with -o")
}
