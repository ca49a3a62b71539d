//! Lock -> Selection -> LockedFile -> Unverified -> VerifiedWheel -> Wheel -> InstallPlan -> Staged -> Installed.
//!
//! Never: writes into an environment before every wheel was verified, read and planned, and every
//! conflict was looked for; [`Session::finish`] is the one moment at which the environment changes.

pub mod download;
mod gather;
pub mod origin;
mod outcome;
mod releases;
mod so_far;
mod startup;
mod there;
mod trusted;
mod unpack;

use std::path::PathBuf;

use pipward_resolver::{ExtraName, Target};

use super::destination::Environment;
use super::locks::Locks;
use super::recheck::Trust;
use super::signatures;
use super::unchanged::Here;
use super::unlisted;
use super::upkeep::{Part, Upkeep};
use super::witness::{self, Placed, Vouched};
use super::{Writing, check_interrupted};
use crate::cache::{Arriving, Store};
use crate::error::{Code, Problem, Problems};
use crate::index::{Index, NetworkOptions, Sources};
use crate::install::{Installer, Session};
use crate::lock::closure::Declared;
use crate::policy::DatedPolicy;
use crate::python::{Interpreter, Scheme};
use crate::threads::share;
use crate::wheel::metadata::Brief;
use gather::Gathered;
pub(super) use outcome::nothing_to_do;
pub use outcome::{Installed, Package, VerifiedFile};
pub use releases::Taken;
pub use so_far::{SoFar, so_far};
pub(super) use startup::AtStart;
use unpack::{Beneath, Done, Staging, unpack};
pub(super) use unpack::{Item, agree, direct_url, judge, resolve_files};

/// So many wheels are many.
const MANY: usize = 16;
/// So large are those that much is unpacked from, in bytes.
const MUCH: u64 = 256 << 20;

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
    /// For `--user`: the environment whose own distributions count too.
    pub beneath: Option<Interpreter>,
    /// Whether every dependency must be part of what is installed.
    pub check_closure: bool,
    /// Whether what is for other Pythons is taken too.
    pub any_python: bool,
    /// Which releases of the locks are taken.
    pub taken: Taken,
    /// Whether what was asked for itself is left out.
    pub only_dependencies: bool,
    /// Whether anything is changed.
    pub change: Change,
    /// Whether what is there already is written anew.
    pub anew: bool,
    /// Whether every installed file is hashed, also where nothing seems to have changed.
    pub rehash: bool,
    /// What INSTALLER names.
    pub installer: Installer,
    /// Whether modules are compiled.
    pub compile: bool,
    /// What is done with what is installed already.
    pub upkeep: Upkeep,
    /// What is allowed of what is found.
    pub policy: DatedPolicy,
    /// What is looked at again.
    pub trust: Trust,
    /// Where files come from.
    pub sources: Sources,
    /// How the network is used.
    pub network: NetworkOptions,
    /// The cache directory.
    pub cache: Option<PathBuf>,
    /// Whether METADATA of what is put in is told.
    pub tells_metadata: bool,
    /// What it has come to.
    pub so_far: SoFar,
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

/// What is told where nothing is to be done, as far as can be seen without looking into any file.
///
/// # Errors
/// Those of a lock's signature.
pub fn nothing(request: &InstallRequest) -> Result<Option<Installed>, Problems> {
    signatures::check(&request.locks, &request.policy, request.trust.now)?;
    Ok(super::unchanged::look(request))
}

/// Installs. `step` is called as packages are done.
///
/// # Errors
/// Everything that stands between a lock and an environment; then nothing was changed.
pub fn install(request: &InstallRequest, step: &(dyn Fn() + Sync)) -> Result<Installed, Problems> {
    match nothing(request)? {
        Some(nothing) => Ok(nothing),
        None => change(request, step),
    }
}

/// As [`install`], where [`nothing`] was asked already.
///
/// # Errors
/// As [`install`].
pub fn change(request: &InstallRequest, step: &(dyn Fn() + Sync)) -> Result<Installed, Problems> {
    share()?;
    let index = Index::of_locked(&request.sources, &request.network, request.cache.as_deref())?;
    let target = request.target();
    let (gathered, items) = Gathered::with_items(request, &index)?;
    releases::check(request, &items)?;
    let trusted = trusted::check(request, &index, &items)?;
    let store = request.cache.as_deref().map(Store::new);
    let fetcher = index.fetcher(store.clone());
    let arriving = store.map(Arriving::new);
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
    let policy = &request.policy;
    let (session_of, anew) = (session.as_ref(), request.anew);
    let (installer, any_python) = (request.installer, request.any_python);
    let beneath = request.beneath.as_ref().map(Beneath::of).transpose()?;
    let staging = Staging {
        beneath: beneath.as_ref(),
        scheme: &scheme,
        session: session_of,
        write,
        anew,
        target,
        policy,
        python: request.environment.interpreter(),
        compiles: request.compile,
        rehash: request.rehash,
        strictness: request.upkeep.strictness,
        installer,
        any_python,
        arriving: arriving.as_ref(),
        tells_metadata: request.tells_metadata,
        so_far: &request.so_far,
    };
    // Asked again: nobody else can change the environment now. What was noted before takes memory, and goes at once.
    let kept = session.as_ref().and_then(|_| Here::of(request)).map(|here| unpack::kept(&items, &here));
    let notes = write && request.beneath.is_none() && request.cache.is_some();
    let since = notes.then(|| witness::Limit::now(&scheme.purelib)).flatten();
    let kept = kept.unwrap_or_default();
    // Reading locks leaves much behind, and so does the start: for a few wheels that is less than a start is.
    crate::memory::keep_no_pages();
    crate::memory::give_back();
    if items.len().saturating_sub(kept.len()) >= MANY {
        crate::memory::give_back_program();
        let wanted = items.iter().enumerate().filter(|(at, _)| !kept.contains_key(at));
        if wanted.filter_map(|(_, item)| item.file.size).sum::<u64>() >= MUCH {
            crate::memory::give_back_at_once();
        }
    }
    let done = unpack(&items, kept, &fetcher, &staging, step)?;
    if request.check_closure {
        let closed = gathered.check_items(&items, done.iter().map(|done| &done.metadata), target);
        closed.inspect_err(|_| request.so_far.done(done.iter()))?;
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
    let mut unlisted = unlisted::Told::default();
    if let Some(session) = session {
        request.upkeep.apply(&session, &parts, request.locks.len())?;
        unlisted = unlisted::settle(&request.upkeep, &session, &request.policy)?;
        if request.change == Change::Add {
            refuse_replacing(&session)?;
        }
        if write {
            report = session.finish()?;
        } else {
            report = session.would_report(parts.iter().filter(|part| !part.kept).map(|part| part.name));
        }
    }
    let tick = notes.then(|| witness::Tick::begin(&scheme.purelib));
    // So do plans and claims.
    crate::memory::give_back_everywhere();
    drop(writing);
    // Only a run that ended well leaves anything behind in the cache.
    crate::cache::keep();
    let noting = || {
        if let Some(tick) = tick {
            note(request, &scheme, &items, &done, since, tick);
        }
    };
    let publishing = || {
        let unkept = arriving.and_then(Arriving::publish);
        (unkept, outcome::origins(&items, &done, &gathered.known, request))
    };
    // Neither needs the other.
    let ((), (unkept, origins)) = rayon::join(noting, publishing);
    let mut told = outcome::told(report, &items, done, &origins, &index, request);
    told.warnings.extend(trusted.into_iter().chain(request.locks.warnings()));
    told.warnings.extend(unlisted.warnings);
    told.warnings.extend(unkept.as_ref().map(not_kept));
    told.unlisted = unlisted.going;
    told.markers = Some(request.environment.interpreter().target.markers.clone());
    Ok(told)
}

/// The store is for later runs; this one has what it needs.
fn not_kept(problem: &Problem) -> String {
    let why = problem.cause_text().unwrap_or_else(|| problem.message());
    let place = problem.place().map(|place| format!(" ({place})")).unwrap_or_default();
    format!("the cache does not keep all wheels of this run: {why}{place}")
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

/// Notes how the environment stands, for later runs.
fn note(
    request: &InstallRequest,
    scheme: &Scheme,
    items: &[Item],
    done: &[Done],
    since: Option<witness::Limit>,
    tick: witness::Tick,
) {
    let all: Vec<Vouched> = items.iter().zip(done).map(|(item, done)| vouched(item, done)).collect();
    let placed = items.iter().zip(done).filter_map(|(item, done)| {
        let (installer, requested) = (request.installer.name(), item.requested);
        Some((done.placed.as_deref()?, Placed { spelled: &done.metadata.name_text, installer, requested }))
    });
    let placed = placed.collect();
    if let (Environment::Standing(interpreter), Some(cache)) = (&request.environment, &request.cache) {
        crate::python::remember(interpreter, cache);
    }
    let judged_by = request.policy.fingerprint(&request.trust.ages);
    let closed = request.check_closure;
    let verified = witness::Verified { all: &all, placed, closed, judged_by: &judged_by, since, tick };
    witness::note(request.cache.as_deref(), scheme, verified);
}

fn vouched(item: &Item, done: &Done) -> Vouched {
    Vouched {
        name: item.package.name.to_string(),
        version: done.metadata.version.to_string(),
        sha256: done.sha256,
        stood: !done.verified,
    }
}

/// METADATA as the closure check reads it.
pub(super) fn declared(metadata: &Brief) -> Declared<'_> {
    Declared { requires: &metadata.requires, extras: &metadata.extras, spelled: Some(&metadata.spelled) }
}
