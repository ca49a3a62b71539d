//! Lock -> Selection -> LockedFile -> Unverified -> VerifiedWheel -> Wheel -> InstallPlan -> Staged -> Installed.
//!
//! Never: writes into an environment before every wheel was verified, read and planned, and every
//! conflict was looked for; [`Session::finish`] is the one moment at which the environment changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use pipward_resolver::{ExtraName, PackageName, Target};

use super::destination::Environment;
use super::locks::Locks;
use super::{Writing, check_interrupted};
use crate::cache::Store;
use crate::digest::Sha256;
use crate::error::{Code, Problem, Problems};
use crate::fetch::{Fetched, Fetcher};
use crate::index::{Index, NetworkOptions, Sources};
use crate::install::{InstallPlan, Session};
use crate::lock::Subset;
use crate::lock::closure::{self, ClosureRequest, Declared};
use crate::lock::{Lock, LockedFile, LockedPackage, LockedSource, SelectRequest, Selected, Selection};
use crate::requirements::FileRequirement;
use crate::verify::VerifiedWheel;
use crate::wheel::Wheel;
use crate::wheel::metadata::Metadata;

/// Everything that an install depends on.
pub struct InstallRequest {
    /// What to install.
    pub locks: Locks,
    /// Where.
    pub environment: Environment,
    /// The extras of the lock that are asked for.
    pub extras: Vec<ExtraName>,
    /// The groups asked for; `None` takes the lock's default groups.
    pub groups: Option<Vec<ExtraName>>,
    /// Whether every dependency must be part of what is installed.
    pub check_closure: bool,
    /// Where files come from.
    pub sources: Sources,
    /// How the network is used.
    pub network: NetworkOptions,
    /// The cache directory.
    pub cache: Option<PathBuf>,
}

/// What an install did.
#[derive(Debug, Default)]
pub struct Installed {
    /// Name and version of what was put in, by name.
    pub installed: Vec<(String, String)>,
    /// What was there already, file for file as the lock has it.
    pub kept: Vec<(String, String)>,
    /// What was taken out to make room.
    pub removed: Vec<(String, String)>,
    /// The wheels whose hashes were compared in this run.
    pub verified: Vec<VerifiedFile>,
    /// Sentences for the user.
    pub warnings: Vec<String>,
}

/// A wheel that was verified.
#[derive(Debug, Clone)]
pub struct VerifiedFile {
    /// Its file name.
    pub name: String,
    /// Its SHA-256.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

/// One package of a run: the locked entry, its file, and whether it was asked for by name.
pub(super) struct Item {
    pub(super) package: LockedPackage,
    pub(super) file: LockedFile,
    pub(super) requested: bool,
}

/// Installs. `step` is called as packages are done.
///
/// # Errors
/// Everything that stands between a lock and an environment; then nothing was changed.
pub fn install(request: &InstallRequest, step: &(dyn Fn() + Sync)) -> Result<Installed, Problems> {
    let index =
        Index::new(request.sources.clone(), request.network.clone(), request.cache.clone(), None, false)?;
    let target = &request.environment.interpreter().target;
    let gathered = Gathered::new(request, &index)?;
    let packages = gathered
        .selection
        .packages
        .iter()
        .map(|selected| (selected.clone(), gathered.requested.contains(&selected.package.name)))
        .collect();
    let items = resolve_files(packages, &index, target)?;
    let writing = Writing::begin();
    let session = match &request.environment {
        Environment::New { directory, base } => Session::fresh(directory, base)?,
        Environment::Standing(interpreter) => Session::standing(interpreter)?,
    };
    let store = request.cache.as_deref().map(Store::new);
    let fetcher = index.fetcher(store.clone());
    let done = unpack(&items, &fetcher, &session, step)?;
    if request.check_closure {
        let declared = items
            .iter()
            .zip(&done)
            .map(|(item, done)| (item.package.name.clone(), declared(&done.metadata)))
            .collect();
        Problems::unless_empty((), gathered.check(&declared, target))?;
    }
    check_interrupted()?;
    let report = session.finish()?;
    drop(writing);
    remember(store.as_ref(), &done);
    let mut told = told(report, &items, done, &index);
    told.warnings.extend(request.locks.warnings());
    Ok(told)
}

/// The packages of a run, one entry a name, and what was asked for.
struct Gathered {
    lock: Lock,
    selection: Selection,
    requested: BTreeSet<PackageName>,
    roots: Vec<FileRequirement>,
}

impl Gathered {
    fn new(request: &InstallRequest, index: &Index) -> Result<Self, Problems> {
        let target = &request.environment.interpreter().target;
        let select = SelectRequest { target, extras: &request.extras, groups: request.groups.as_deref() };
        let mut faults = Vec::new();
        let mut gathered: Option<Self> = None;
        let mut add = |lock: &Lock, part: Self, faults: &mut Vec<Problem>| match &mut gathered {
            Some(gathered) => gathered.merge(lock, part, faults),
            None => gathered = Some(part),
        };
        for lock in request.locks.whole() {
            match lock.select(&select) {
                Ok(selection) => add(lock, Self::whole(lock, selection), &mut faults),
                Err(problems) => faults.extend(problems),
            }
        }
        if let Some((lock, names)) = request.locks.named() {
            let selected = lock.select(&select).and_then(|all| subset(&all, names, index, request));
            match selected {
                Ok(selection) => add(lock, Self::named(lock, selection, names), &mut faults),
                Err(problems) => faults.extend(problems),
            }
        }
        let gathered = gathered.unwrap_or_else(|| Self::whole(&Lock::default(), Selection::default()));
        // Where the lock records all dependencies, nothing need be downloaded to see that it is closed.
        if request.check_closure
            && faults.is_empty()
            && gathered.selection.without_dependencies().next().is_none()
        {
            faults.extend(gathered.check(&BTreeMap::new(), target));
        }
        Problems::unless_empty(gathered, faults)
    }

    fn whole(lock: &Lock, selection: Selection) -> Self {
        let requested = selection.packages.iter().map(|selected| selected.package.name.clone()).collect();
        Self { lock: lock.clone(), selection, requested, roots: Vec::new() }
    }

    fn named(lock: &Lock, selection: Selection, names: &[FileRequirement]) -> Self {
        let requested = names.iter().map(|named| named.requirement.name.clone()).collect();
        Self { lock: lock.clone(), selection, requested, roots: names.to_vec() }
    }

    fn merge(&mut self, lock: &Lock, other: Self, faults: &mut Vec<Problem>) {
        self.lock.packages.extend(lock.packages.iter().cloned());
        self.requested.extend(other.requested);
        self.roots.extend(other.roots);
        for selected in other.selection.packages {
            match self.selection.get(&selected.package.name) {
                Some(before) if same_release(before, &selected) => {}
                Some(before) => faults.push(two_locks(&before.package, &selected.package)),
                None => self.selection.packages.push(selected),
            }
        }
        self.selection.packages.sort_by(|a, b| a.package.name.cmp(&b.package.name));
    }

    fn check(&self, declared: &BTreeMap<PackageName, Declared<'_>>, target: &Target) -> Vec<Problem> {
        closure::check(&ClosureRequest {
            lock: &self.lock,
            selection: &self.selection,
            roots: &self.roots,
            declared,
            target,
        })
    }
}

/// The named packages and what they depend on. Where the lock does not record that, the wheels'
/// METADATA tells, once their hashes were compared.
fn subset(
    all: &Selection,
    names: &[FileRequirement],
    index: &Index,
    request: &InstallRequest,
) -> Result<Selection, Problems> {
    let target = &request.environment.interpreter().target;
    let names: Vec<_> = names
        .iter()
        .map(|named| (named.requirement.name.clone(), named.requirement.extras.clone()))
        .collect();
    let mut known: BTreeMap<PackageName, Metadata> = BTreeMap::new();
    loop {
        let declared = known.iter().map(|(name, metadata)| (name.clone(), declared(metadata))).collect();
        match all.subset(&names, target, &declared)? {
            Subset::Whole(selection) => return Ok(selection),
            Subset::NeedsMetadata(packages) => {
                let packages = packages.into_iter().map(|selected| (selected, false)).collect();
                let items = resolve_files(packages, index, target)?;
                let fetcher = index.fetcher(request.cache.as_deref().map(Store::new));
                for (at, fetched) in fetcher.start(items.iter().map(|item| item.file.clone()).collect()) {
                    let Some(item) = items.get(at) else { continue };
                    let wheel = Wheel::read(VerifiedWheel::check(fetched?, &item.file)?)?;
                    known.insert(item.package.name.clone(), wheel.metadata().clone());
                }
            }
        }
    }
}

fn same_release(a: &Selected, b: &Selected) -> bool {
    a.package.version == b.package.version
        && match (&a.file, &b.file) {
            (Some(a), Some(b)) => a.hashes == b.hashes,
            (None, None) => match (&a.package.source, &b.package.source) {
                (LockedSource::ByHash(a), LockedSource::ByHash(b)) => a == b,
                _ => false,
            },
            _ => false,
        }
}

fn two_locks(a: &LockedPackage, b: &LockedPackage) -> Problem {
    let version = |package: &LockedPackage| {
        let version = package.version.as_ref().map_or_else(|| "no version".to_owned(), ToString::to_string);
        format!("{version} ({})", package.place)
    };
    Problem::new(Code::DuplicatePackage, "two locks of this run have different entries of one name")
        .package(&a.name)
        .at(b.place.clone())
        .expected(version(a))
        .found(version(b))
        .help("install from one lock, or lock both sets of requirements together")
}

/// Says for each package which file is fetched, and from where.
pub(super) fn resolve_files(
    packages: Vec<(Selected, bool)>,
    index: &Index,
    target: &Target,
) -> Result<Vec<Item>, Problems> {
    let by_hash: Vec<&LockedPackage> = packages
        .iter()
        .filter(|(selected, _)| selected.file.is_none())
        .map(|(selected, _)| &selected.package)
        .collect();
    let mut located = index.locate_all(&by_hash, target).into_iter();
    let named: Vec<(&LockedFile, &PackageName)> = packages
        .iter()
        .filter_map(|(selected, _)| Some((selected.file.as_ref()?, &selected.package.name)))
        .collect();
    let mut sourced = index.resolve_sources(&named).into_iter();
    let mut items = Vec::new();
    let mut faults = Vec::new();
    for (Selected { package, file }, requested) in packages {
        let file = if file.is_some() { sourced.next() } else { located.next() };
        match file {
            Some(Ok(file)) => items.push(Item { package, file, requested }),
            Some(Err(problem)) => faults.push(problem.package(&package.name)),
            None => faults.push(Problem::new(Code::Internal, "a package has no file").package(&package.name)),
        }
    }
    Problems::unless_empty(items, faults)
}

/// What became of one item.
struct Done {
    verified: VerifiedWheel,
    metadata: Metadata,
    size: u64,
    kept: bool,
    warnings: Vec<String>,
}

/// Fetches everything at once; each wheel is verified, read, planned and staged as it arrives, on all cores.
fn unpack(
    items: &[Item],
    fetcher: &Fetcher,
    session: &Session,
    step: &(dyn Fn() + Sync),
) -> Result<Vec<Done>, Problems> {
    let arrivals = fetcher.start(items.iter().map(|item| item.file.clone()).collect());
    let results: Mutex<BTreeMap<usize, Result<Done, Problem>>> = Mutex::new(BTreeMap::new());
    let keep = |at: usize, result: Result<Done, Problem>| {
        if let Ok(mut results) = results.lock() {
            results.insert(at, result);
        }
    };
    let mut interrupted = Ok(());
    rayon::in_place_scope(|scope| {
        loop {
            let (at, fetched) = match arrivals.recv_timeout(Duration::from_millis(100)) {
                Ok(arrival) => arrival,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => match check_interrupted() {
                    Ok(()) => continue,
                    Err(problem) => {
                        interrupted = Err(problem);
                        break;
                    }
                },
            };
            let Some(item) = items.get(at) else { continue };
            let keep = &keep;
            scope.spawn(move |_| {
                keep(at, one(item, fetched, session));
                step();
            });
        }
    });
    interrupted?;
    let results = results.into_inner().unwrap_or_default();
    let mut done = Vec::new();
    let mut faults = Vec::new();
    for (at, item) in items.iter().enumerate() {
        match results.get(&at) {
            Some(Ok(_)) => {}
            Some(Err(problem)) => faults.push(problem.clone().package(&item.package.name)),
            None => faults
                .push(Problem::new(Code::Internal, "a wheel did not arrive").package(&item.package.name)),
        }
    }
    done.extend(results.into_values().filter_map(Result::ok));
    Problems::unless_empty(done, faults)
}

fn one(item: &Item, fetched: Fetched, session: &Session) -> Result<Done, Problem> {
    let verified = VerifiedWheel::check(fetched?, &item.file)?;
    let wheel = Wheel::read(verified)?;
    agree(item, &wheel)?;
    let plan = InstallPlan::new(&wheel, session.scheme(), item.requested, direct_url(item))?;
    let kept = session.holds(&wheel, &plan)?;
    if !kept {
        session.add(&wheel, &plan)?;
    }
    Ok(Done {
        metadata: wheel.metadata().clone(),
        size: wheel.size(),
        kept,
        warnings: wheel.warnings().iter().map(ToString::to_string).collect(),
        verified: wheel.into_verified(),
    })
}

/// The lock, the file name and METADATA must tell the same (the file name was compared by [`Wheel::read`]).
pub(super) fn agree(item: &Item, wheel: &Wheel) -> Result<(), Problem> {
    let metadata = wheel.metadata();
    let version_differs = item.package.version.as_ref().is_some_and(|version| *version != metadata.version);
    if metadata.name != item.package.name || version_differs {
        let version = item.package.version.as_ref().map(ToString::to_string).unwrap_or_default();
        return Err(Problem::new(Code::MetadataMismatch, "the wheel is not the release that the lock names")
            .package(&item.package.name)
            .at(item.file.place.clone())
            .expected(format!("{} {version}", item.package.name))
            .found(format!("{} {}", metadata.name, metadata.version))
            .help("write the lock anew with `pipward lock`"));
    }
    let locked = item.package.metadata_sha256.get(wheel.name().as_str());
    if let Some(locked) = locked {
        let found = wheel.metadata_sha256()?;
        if *locked == found {
            return Ok(());
        }
        return Err(Problem::new(Code::MetadataMismatch, "the wheel's METADATA is not what the lock was resolved from")
            .package(&item.package.name)
            .at(item.package.place.clone())
            .expected(format!("sha256:{locked}"))
            .found(format!("sha256:{found}"))
            .help("the index told the locker other dependencies than the wheel has: find out why before locking again"));
    }
    Ok(())
}

/// pip writes direct_url.json for what was asked for by address or path, not for entries of a lock.
pub(super) fn direct_url(item: &Item) -> Option<crate::install::DirectUrl> {
    crate::install::DirectUrl::of(&item.package, &item.file)
}

/// Only a run that ended well leaves anything behind in the cache.
fn remember(store: Option<&Store>, done: &[Done]) {
    crate::cache::keep();
    if let Some(store) = store {
        for done in done {
            if let Err(problem) = store.put(&done.verified) {
                tracing::warn!("{problem}");
                break;
            }
        }
    }
}

fn told(report: crate::install::Report, items: &[Item], done: Vec<Done>, index: &Index) -> Installed {
    let mut told = Installed { removed: report.removed, warnings: index.notes(), ..Installed::default() };
    for (item, done) in items.iter().zip(done) {
        let pair = (item.package.name.to_string(), done.metadata.version.to_string());
        if done.kept {
            told.kept.push(pair);
        } else {
            told.installed.push(pair);
        }
        told.warnings.extend(done.warnings);
        told.warnings.extend(item.package.yanked.as_ref().map(|reason| {
            let reason = if reason.is_empty() { "no reason is given" } else { reason };
            format!(
                "{} {} was yanked ({reason}); the lock pins it.",
                item.package.name, done.metadata.version
            )
        }));
        told.verified.push(VerifiedFile {
            name: item.file.name.to_string(),
            sha256: done.verified.sha256(),
            size: done.size,
        });
    }
    told
}

/// METADATA as the closure check reads it.
fn declared(metadata: &Metadata) -> Declared<'_> {
    Declared { requires: &metadata.requires, extras: &metadata.extras }
}
