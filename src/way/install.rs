//! Lock -> Selection -> LockedFile -> Unverified -> VerifiedWheel -> Wheel -> InstallPlan -> Staged -> Installed.
//!
//! Never: writes into an environment before every wheel was verified, read and planned, and every
//! conflict was looked for; [`Session::finish`] is the one moment at which the environment changes.

pub mod download;
mod gather;
mod unpack;

use std::path::PathBuf;

use pipward_resolver::{ExtraName, MarkerEnvironment, Target, Version};

use super::destination::Environment;
use super::locks::Locks;
use super::upkeep::{Part, Upkeep};
use super::witness::{self, Vouched};
use super::{Writing, check_interrupted};
use crate::cache::Store;
use crate::digest::Sha256;
use crate::error::{Code, Problem, Problems};
use crate::index::{Index, NetworkOptions, Sources};
use crate::install::Session;
use crate::lock::closure::Declared;
use crate::lock::{Location, LockedFile};
use crate::policy::DatedPolicy;
use crate::wheel::metadata::Metadata;
use gather::Gathered;
use unpack::{Done, Staging, unpack};
pub(super) use unpack::{Item, agree, direct_url, resolve_files};

/// Everything that an install depends on.
pub struct InstallRequest {
    /// What to install.
    pub locks: Locks,
    /// Where.
    pub environment: Environment,
    /// Whose wheels and markers count, where they are not the environment's own.
    pub target: Option<Target>,
    /// The extras of the lock that are asked for.
    pub extras: Vec<ExtraName>,
    /// The groups asked for; `None` takes the lock's default groups.
    pub groups: Option<Vec<ExtraName>>,
    /// Whether every dependency must be part of what is installed.
    pub check_closure: bool,
    /// Whether what was asked for itself is left out.
    pub only_dependencies: bool,
    /// Whether anything is changed.
    pub change: Change,
    /// Whether what is there already is written anew.
    pub anew: bool,
    /// Whether modules are compiled.
    pub compile: bool,
    /// What is done with what is installed already.
    pub upkeep: Upkeep,
    /// What is allowed of what is found.
    pub policy: DatedPolicy,
    /// Where files come from.
    pub sources: Sources,
    /// How the network is used.
    pub network: NetworkOptions,
    /// The cache directory.
    pub cache: Option<PathBuf>,
}

impl InstallRequest {
    /// Whose wheels and markers count.
    pub fn target(&self) -> &Target {
        self.target.as_ref().unwrap_or(&self.environment.interpreter().target)
    }
}

/// What an install changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Change {
    /// Nothing: it only says what it would.
    Nothing,
    /// What is not there, or differs.
    #[default]
    Missing,
    /// As that, but no other version is replaced (`--target` without `--upgrade`).
    Add,
}

/// What an install did.
#[derive(Debug, Default)]
pub struct Installed {
    /// All packages of the run, by name.
    pub packages: Vec<Package>,
    /// Name and version of what was put in, by name.
    pub installed: Vec<(String, String)>,
    /// What was there already, file for file as the lock has it.
    pub kept: Vec<(String, String)>,
    /// What was taken out to make room.
    pub removed: Vec<(String, String)>,
    /// The wheels whose hashes were compared in this run.
    pub verified: Vec<VerifiedFile>,
    /// Requirements whose markers do not hold: name and marker.
    pub ignored: Vec<(String, String)>,
    /// Sentences for the user.
    pub warnings: Vec<String>,
    /// What the markers were evaluated for.
    pub markers: Option<MarkerEnvironment>,
}

/// One package of a run.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name as METADATA spells it.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Where its file came from.
    pub file: LockedFile,
    /// Its SHA-256.
    pub sha256: Sha256,
    /// Whether it was there already.
    pub kept: bool,
    /// Whether it was asked for by name.
    pub requested: bool,
    /// The extras with which it was asked for.
    pub extras: Vec<ExtraName>,
    /// Whether it was asked for by address.
    pub direct: bool,
    /// Whether the lock says that it was yanked (PEP 592).
    pub yanked: bool,
    /// METADATA.
    pub metadata: Vec<u8>,
    /// The line that asks for it: file and number, where there is one.
    pub asked: Option<(String, crate::error::Place)>,
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

/// Installs. `step` is called as packages are done.
///
/// # Errors
/// Everything that stands between a lock and an environment; then nothing was changed.
pub fn install(request: &InstallRequest, step: &(dyn Fn() + Sync)) -> Result<Installed, Problems> {
    let index = Index::of_locked(&request.sources, &request.network, request.cache.as_deref())?;
    let target = request.target();
    let gathered = Gathered::new(request, &index)?;
    let packages = gathered
        .selection
        .packages
        .iter()
        .map(|selected| (selected.clone(), gathered.requested.contains(&selected.package.name)))
        .filter(|(_, requested)| !(request.only_dependencies && *requested))
        .collect();
    let items = resolve_files(packages, &index, target)?;
    let store = request.cache.as_deref().map(Store::new);
    let fetcher = index.fetcher(store.clone());
    let writing = Writing::begin();
    let write = request.change != Change::Nothing;
    let (session, scheme) = match &request.environment {
        Environment::New { directory, base } if write => {
            (Some(Session::fresh(directory, base)?), base.in_venv(directory).scheme)
        }
        Environment::New { directory, base } => (None, base.in_venv(directory).scheme),
        Environment::Standing(interpreter) if interpreter.root.is_dir() || write => {
            (Some(Session::standing(interpreter)?), interpreter.scheme.clone())
        }
        Environment::Standing(interpreter) => (None, interpreter.scheme.clone()),
    };
    let compiler = request.compile.then(|| request.environment.interpreter());
    let policy = &request.policy;
    let (session_of, anew) = (session.as_ref(), request.anew);
    let staging = Staging { scheme: &scheme, session: session_of, write, anew, target, policy, compiler };
    let done = unpack(&items, &fetcher, &staging, step)?;
    if request.check_closure {
        let declared = items
            .iter()
            .zip(&done)
            .map(|(item, done)| (item.package.name.clone(), declared(&done.metadata)))
            .collect();
        Problems::unless_empty((), gathered.check(&declared, target))?;
    }
    check_interrupted()?;
    let parts: Vec<Part<'_>> = items
        .iter()
        .zip(&done)
        .map(|(item, done)| Part {
            name: &item.package.name,
            version: &done.metadata.version,
            kept: done.kept,
        })
        .collect();
    let mut report = crate::install::Report::default();
    if let Some(session) = session {
        request.upkeep.apply(&session, &parts)?;
        if request.change == Change::Add {
            refuse_replacing(&session)?;
        }
        if write {
            report = session.finish()?;
        } else {
            report = session.would_report(parts.iter().filter(|part| !part.kept).map(|part| part.name));
        }
    }
    drop(writing);
    remember(store.as_ref(), &done);
    if write {
        let all: Vec<Vouched> = items.iter().zip(&done).map(|(item, done)| vouched(item, done)).collect();
        witness::note(request.cache.as_deref(), &scheme, &all, request.check_closure);
    }
    let mut told = told(report, &items, done, &index, request);
    told.warnings.extend(request.locks.warnings());
    told.markers = Some(target.markers.clone());
    Ok(told)
}

/// `--target` without `--upgrade` adds to a folder. (pip leaves what is there and says so in a warning; then the folder
/// would not be what the lock says.)
fn refuse_replacing(session: &Session) -> Result<(), Problems> {
    let refused = session.replaced().into_iter().map(|(name, version)| {
        Problem::new(
            Code::FileConflict,
            "the target directory has another version or other files of this package",
        )
        .package(name)
        .found(version)
        .help("add --upgrade to replace it")
    });
    Problems::unless_empty((), refused.collect())
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

fn vouched(item: &Item, done: &Done) -> Vouched {
    Vouched {
        name: item.package.name.to_string(),
        version: done.metadata.version.to_string(),
        sha256: done.verified.sha256(),
    }
}

fn told(
    report: crate::install::Report,
    items: &[Item],
    done: Vec<Done>,
    index: &Index,
    request: &InstallRequest,
) -> Installed {
    let mut told = Installed { removed: report.removed, warnings: index.notes(), ..Installed::default() };
    told.warnings.extend(report.left_out);
    let markers = &request.target().markers;
    for asked in request.locks.asked() {
        let marker = &asked.requirement.marker;
        if let (false, Some(text)) = (marker.evaluate(markers, &[]), marker.contents()) {
            told.ignored.push((asked.requirement.name.to_string(), text.to_string()));
        }
    }
    for (item, done) in items.iter().zip(done) {
        let package = package(item, &done, request);
        let missing = package.extras.iter().filter(|extra| !done.metadata.extras.contains(extra));
        told.warnings.extend(missing.map(|extra| {
            format!("{} {} does not provide the extra '{extra}'", package.name, package.version)
        }));
        told.packages.push(package);
        let pair = (item.package.name.to_string(), done.metadata.version.to_string());
        if done.kept {
            told.kept.push(pair);
        } else {
            told.installed.push(pair);
        }
        told.warnings.extend(done.warnings);
        told.verified.push(VerifiedFile {
            name: item.file.name.to_string(),
            sha256: done.verified.sha256(),
            size: done.size,
        });
    }
    told
}

fn package(item: &Item, done: &Done, request: &InstallRequest) -> Package {
    let asked = request.locks.asked().iter().filter(|asked| asked.requirement.name == item.package.name);
    let mut extras: Vec<ExtraName> =
        asked.clone().flat_map(|asked| asked.requirement.extras.clone()).collect();
    extras.sort();
    extras.dedup();
    let asked = asked.map(|asked| (asked.requirement.to_string(), asked.place.clone())).next();
    let mut file = item.file.clone();
    if let Location::Url(url) = &mut file.location {
        url.set_fragment(None);
    }
    Package {
        name: done.metadata.name_text.clone(),
        version: done.metadata.version.clone(),
        file,
        sha256: done.verified.sha256(),
        kept: done.kept,
        requested: item.requested,
        extras,
        direct: direct_url(item).is_some(),
        yanked: item.package.yanked.is_some(),
        metadata: done.metadata_text.clone(),
        asked,
    }
}

/// METADATA as the closure check reads it.
fn declared(metadata: &Metadata) -> Declared<'_> {
    Declared { requires: &metadata.requires, extras: &metadata.extras }
}
