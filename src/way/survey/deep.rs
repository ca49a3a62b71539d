//! Lock -> every wheel of it, fetched and verified -> what is in it.
//!
//! Never: looks into a wheel whose hash is not the lock's, and never installs or runs anything.

use std::collections::BTreeSet;

use pipward_resolver::WheelName;

use super::{Sight, wheels};
use crate::cache::Store;
use crate::digest::Sha256;
use crate::error::{Code, Problem, Problems};
use crate::index::Index;
use crate::lock::{Lock, LockedFile, LockedPackage, LockedSource};
use crate::survey::usage::import_names;
use crate::verify::VerifiedWheel;
use crate::wheel::Wheel;

/// What is in a wheel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// The position of its package in the lock.
    pub package: usize,
    /// Its file name.
    pub file: String,
    /// The SBOMs that it carries (PEP 770), as path and digest.
    pub sboms: Vec<(String, Sha256)>,
    /// How many files it has.
    pub files: u64,
    /// How many of them are machine code.
    pub native: u64,
    /// Their size, in bytes.
    pub unpacked: u64,
    /// Its own size, in bytes.
    pub size: u64,
    /// What it is imported by.
    pub imports: BTreeSet<String>,
}

/// Fetches, verifies and looks through every wheel of a lock; of a package that is locked by hash alone, the one of the
/// target. In the order of the lock.
///
/// # Errors
/// As for an install: of a fetch, of a hash, of a wheel.
pub fn deep(lock: &Lock, sight: &Sight, step: &dyn Fn()) -> Result<Vec<Looked>, Problems> {
    through(lock, sight, wheels, step)
}

/// The same with one wheel of each package: the best of the target, else the first.
///
/// # Errors
/// As [`deep`].
pub(super) fn one_of_each(lock: &Lock, sight: &Sight, step: &dyn Fn()) -> Result<Vec<Looked>, Problems> {
    let best = |package: &LockedPackage| {
        let files = wheels(package);
        let rank = |file: &LockedFile| sight.fetch_for.as_ref()?.tags.rank(&file.name);
        let ranked = files.iter().filter_map(|file| Some((rank(file)?, *file)));
        let best = ranked.min_by_key(|(rank, _)| *rank).map(|(_, file)| file);
        best.or(files.first().copied()).into_iter().map(|file| file.name.clone()).collect::<Vec<_>>()
    };
    let chosen: Vec<WheelName> = lock.packages.iter().flat_map(|package| best(package)).collect();
    through(
        lock,
        sight,
        |package| wheels(package).into_iter().filter(|file| chosen.contains(&file.name)).collect(),
        step,
    )
}

fn through(
    lock: &Lock,
    sight: &Sight,
    which: impl Fn(&LockedPackage) -> Vec<&LockedFile>,
    step: &dyn Fn(),
) -> Result<Vec<Looked>, Problems> {
    let index = Index::of_locked(&sight.sources, &sight.network, sight.cache.as_deref())?;
    let files = files(lock, sight, &index, which)?;
    let store = sight.cache.as_deref().map(Store::new);
    let fetcher = index.fetcher(store.clone());
    let wanted: Vec<LockedFile> = files.iter().map(|(_, file)| file.clone()).collect();
    let (mut all, mut faults) = (Vec::new(), Vec::new());
    for (at, fetched) in fetcher.start(wanted) {
        crate::way::check_interrupted()?;
        let Some((package, file)) = files.get(at) else { continue };
        let looked = fetched
            .and_then(|unverified| sight.policy.read(VerifiedWheel::check(unverified, file)?))
            .and_then(|wheel| {
                let looked = look(&wheel, *package)?;
                if let Some(Err(problem)) = store.as_ref().map(|store| store.put(wheel.verified())) {
                    tracing::warn!("{problem}");
                }
                Ok(looked)
            });
        match looked {
            Ok(looked) => all.push(looked),
            Err(problem) => faults.push(problem.package(&file.name)),
        }
        step();
    }
    Problems::unless_empty((), faults)?;
    if all.len() != files.len() {
        return Err(Problem::new(Code::Internal, "a wheel did not arrive").into());
    }
    crate::cache::keep();
    all.sort_by(|one, other| (one.package, &one.file).cmp(&(other.package, &other.file)));
    Ok(all)
}

/// Every wheel of a lock, with the position of its package, and where it is fetched from.
fn files(
    lock: &Lock,
    sight: &Sight,
    index: &Index,
    which: impl Fn(&LockedPackage) -> Vec<&LockedFile>,
) -> Result<Vec<(usize, LockedFile)>, Problems> {
    let (mut named, mut by_hash): (Vec<(usize, &LockedFile, &LockedPackage)>, Vec<_>) =
        (Vec::new(), Vec::new());
    for (at, package) in lock.packages.iter().enumerate() {
        let package = &**package;
        named.extend(which(package).into_iter().map(|file| (at, file, package)));
        if matches!(package.source, LockedSource::ByHash(_)) {
            by_hash.push((at, package));
        }
    }
    let asked: Vec<(&LockedFile, &LockedPackage)> =
        named.iter().map(|(_, file, package)| (*file, *package)).collect();
    let packages: Vec<&LockedPackage> = by_hash.iter().map(|(_, package)| *package).collect();
    let located = match &sight.fetch_for {
        Some(target) => index.locate_all(&packages, target),
        None => Vec::new(),
    };
    let places = named.iter().map(|(at, ..)| *at).chain(by_hash.iter().map(|(at, _)| *at));
    let outcomes = index.resolve_sources(&asked).into_iter().chain(located);
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    for (at, outcome) in places.zip(outcomes) {
        match outcome {
            Ok(file) => files.push((at, file)),
            Err(problem) => faults.push(problem),
        }
    }
    Problems::unless_empty(files, faults)
}

fn look(wheel: &Wheel, package: usize) -> Result<Looked, Problem> {
    let mut looked =
        Looked { package, file: wheel.name().as_str().to_owned(), size: wheel.size(), ..Looked::default() };
    let sboms = format!("{}/sboms/", wheel.dist_info());
    for entry in wheel.entries() {
        let path = entry.path().as_str();
        looked.files += 1;
        looked.unpacked = looked.unpacked.saturating_add(entry.size());
        looked.native += u64::from(is_native(path));
        if path.starts_with(&sboms) {
            looked.sboms.push((path.to_owned(), Sha256::of(&wheel.content(entry)?)));
        }
    }
    looked.sboms.sort();
    let data = wheel.dist_info().replace(".dist-info", ".data/");
    let installed = wheel.entries().iter().filter_map(|entry| {
        let path = entry.path().as_str();
        match path.strip_prefix(&data).map(|rest| rest.split_once('/')) {
            None => Some(path),
            Some(Some(("purelib" | "platlib", rest))) => Some(rest),
            Some(_) => None,
        }
    });
    looked.imports = import_names(installed, &namespaces(wheel)?);
    Ok(looked)
}

/// The namespaces of before PEP 420 that a wheel has a part in, as setuptools writes them down.
fn namespaces(wheel: &Wheel) -> Result<BTreeSet<String>, Problem> {
    let Some(entry) = wheel.entry(&format!("{}/namespace_packages.txt", wheel.dist_info())) else {
        return Ok(BTreeSet::new());
    };
    let text = wheel.content(entry)?;
    Ok(String::from_utf8_lossy(&text).lines().map(|line| line.trim().to_owned()).collect())
}

/// Whether a file is machine code, by its name.
pub(super) fn is_native(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let end = name.rsplit_once('.').map(|(_, end)| end).unwrap_or_default();
    matches!(end, "so" | "pyd" | "dll" | "dylib" | "exe") || name.contains(".so.")
}
