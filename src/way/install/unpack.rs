//! LockedFile -> Unverified -> VerifiedWheel -> Wheel -> InstallPlan -> staged, for all packages of a run at once.
//!
//! Never: reads a wheel before its hash was compared.

mod gate;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipward_resolver::Target;
use rayon::prelude::*;

use super::super::check_interrupted;
use super::super::unchanged::{Here, There as Known};
use super::so_far::SoFar;
use super::startup::AtStart;
use super::there::{self, There};
use crate::cache::Arriving;
use crate::digest::Sha256;
use crate::error::{Code, Problem, Problems};
use crate::fetch::{Fetched, Fetcher, Stored};
use crate::index::Index;
use crate::install::{InstallPlan, Installer, Session, Standing, Strictness};
use crate::lock::{LockedFile, LockedPackage, Selected};
use crate::policy::{DatedPolicy, Judged, Startup};
use crate::python::{Interpreter, Scheme};
use crate::verify::VerifiedWheel;
use crate::wheel::Wheel;
use crate::wheel::about::About;
use crate::wheel::licenses::License;
use crate::wheel::metadata::{Brief, Metadata};
use gate::{Gate, Load};

/// One package of a run: the locked entry, its file, and whether it was asked for by name.
pub(in crate::way) struct Item {
    pub(in crate::way) package: Arc<LockedPackage>,
    pub(in crate::way) file: Arc<LockedFile>,
    pub(in crate::way) requested: bool,
}

/// Where wheels are staged, if they are.
pub(super) struct Staging<'s> {
    pub(super) scheme: &'s Scheme,
    /// None where nothing stands there, and nothing is to be made.
    pub(super) session: Option<&'s Session>,
    /// For `--user`: what is installed in the environment itself.
    pub(super) beneath: Option<&'s Beneath>,
    /// Whether anything is written at all.
    pub(super) write: bool,
    /// Whether what stands there already is written anew.
    pub(super) anew: bool,
    /// Whose wheels are taken.
    pub(super) target: &'s Target,
    /// What is allowed of what is found.
    pub(super) policy: &'s DatedPolicy,
    /// Who compiles modules.
    pub(super) python: &'s Interpreter,
    /// Whether modules are compiled.
    pub(super) compiles: bool,
    /// Whether byte-code that nothing vouches for goes.
    pub(super) rehash: bool,
    /// What counts as there already.
    pub(super) strictness: Strictness,
    /// Whether what is for other Pythons is taken too.
    pub(super) any_python: bool,
    /// What INSTALLER names.
    pub(super) installer: Installer,
    /// The store that wheels are put in.
    pub(super) arriving: Option<&'s Arriving>,
    /// Whether METADATA of what is put in is told.
    pub(super) tells_metadata: bool,
    /// Where it is noted what was done, where not all could be.
    pub(super) so_far: &'s SoFar,
}

/// The environment itself, where the user's directory is written to.
pub(super) struct Beneath {
    standing: Standing,
    /// Whether its own directories come before those of the user.
    comes_first: bool,
}

impl Beneath {
    pub(super) fn of(interpreter: &Interpreter) -> Result<Self, Problem> {
        Ok(Self { standing: Standing::of(interpreter)?, comes_first: interpreter.is_virtual() })
    }

    /// Whether a wheel is installed there, so that it need not be in the user's directory.
    fn holds(&self, item: &Item, wheel: &Wheel, session: Option<&Session>) -> Result<bool, Problem> {
        let name = &item.package.name;
        if !self.standing.has(name) || !self.comes_first && session.is_some_and(|session| session.has(name)) {
            return Ok(false);
        }
        let scheme = self.standing.scheme();
        let plan = InstallPlan::new(wheel, scheme, item.requested, direct_url(item))?;
        if self.standing.holds(&plan)? {
            return Ok(true);
        }
        if self.comes_first {
            let site = scheme.purelib.display();
            return Err(Problem::new(
                Code::EnvironmentInvalid,
                format!(
                    "Will not install to the user site because it will lack sys.path precedence to {name} in {site}"
                ),
            )
            .help("leave out --user, or uninstall what the environment has"));
        }
        Ok(false)
    }
}

/// Says for each package which file is fetched, and from where.
pub(in crate::way) fn resolve_files(
    packages: Vec<(Selected, bool)>,
    index: &Index,
    target: &Target,
) -> Result<Vec<Item>, Problems> {
    let (items, faults) = resolve_each(packages, index, target);
    Problems::unless_empty(items, faults)
}

/// As [`resolve_files`], with those that were found where others were not.
pub(super) fn resolve_each(
    packages: Vec<(Selected, bool)>,
    index: &Index,
    target: &Target,
) -> (Vec<Item>, Vec<Problem>) {
    let by_hash: Vec<&LockedPackage> = packages
        .iter()
        .filter(|(selected, _)| selected.file.is_none())
        .map(|(selected, _)| &*selected.package)
        .collect();
    let mut located = index.locate_all(&by_hash, target).into_iter();
    let named: Vec<(&LockedFile, &LockedPackage)> = packages
        .iter()
        .filter_map(|(selected, _)| Some((&**selected.file.as_ref()?, &*selected.package)))
        .collect();
    let mut sourced = index.resolve_sources(&named).into_iter();
    let mut items = Vec::new();
    let mut faults = Vec::new();
    for (Selected { mut package, file: locked }, requested) in packages {
        let file = if locked.is_some() { sourced.next() } else { located.next() };
        match file {
            Some(Ok(file)) => {
                // Nearly always it comes from where the lock says: then it is the one of the lock.
                let file = locked.filter(|locked| **locked == file).unwrap_or_else(|| file.into());
                if package.yanked.is_none()
                    && let Some(reason) = index.yanked(&file.name)
                {
                    Arc::make_mut(&mut package).yanked = Some(reason);
                }
                items.push(Item { package, file, requested });
            }
            Some(Err(problem)) => faults.push(problem.package(&package.name)),
            None => faults.push(Problem::new(Code::Internal, "a package has no file").package(&package.name)),
        }
    }
    (items, faults)
}

/// What became of one item.
pub(super) struct Done {
    /// Whether a wheel was verified for it in this run.
    pub(super) verified: bool,
    pub(super) sha256: Sha256,
    pub(super) metadata: Brief,
    /// METADATA as it stands in the wheel, where that is told. All of them are megabytes.
    pub(super) metadata_text: Option<Vec<u8>>,
    pub(super) size: u64,
    pub(super) kept: bool,
    /// Whether it is the environment itself that has it, and not the user's directory.
    pub(super) beneath: bool,
    pub(super) warnings: Vec<String>,
    /// How many files of byte-code beside its modules nothing vouches for.
    pub(super) stale: usize,
    /// What of it runs by itself.
    startup: Startup,
    /// Its `.dist-info` directory, where this run put it in.
    pub(super) placed: Option<PathBuf>,
}

impl Done {
    /// A wheel that was read and is not unpacked.
    pub(super) fn of_read(wheel: &Wheel, target: &Target) -> Result<Self, Problem> {
        Ok(Self {
            metadata: wheel.brief(&target.markers),
            metadata_text: None,
            size: wheel.size(),
            kept: false,
            beneath: false,
            warnings: wheel.warnings().iter().map(ToString::to_string).collect(),
            sha256: wheel.verified().sha256(),
            startup: Startup::default(),
            verified: true,
            stale: 0,
            placed: None,
        })
    }

    fn of_kept(there: Known) -> Option<Self> {
        Some(Self {
            verified: false,
            sha256: there.sha256,
            metadata: there.metadata?,
            metadata_text: None,
            size: 0,
            kept: true,
            beneath: false,
            warnings: Vec::new(),
            startup: Startup::default(),
            stale: 0,
            placed: None,
        })
    }
}

/// What became of items, each by its place among them.
type Outcomes = BTreeMap<usize, Result<Done, Problems>>;

/// The items that are there as a run before has left them.
pub(super) fn kept(items: &[Item], here: &Here<'_>) -> Outcomes {
    let kept = items.par_iter().enumerate();
    kept.filter_map(|(at, item)| Some((at, Ok(Done::of_kept(here.keeps(item)?)?)))).collect()
}

/// Fetches everything at once but for what is kept; each wheel is verified, read, planned and staged as it arrives, on all
/// cores.
pub(super) fn unpack(
    items: &[Item],
    kept: Outcomes,
    fetcher: &Fetcher,
    staging: &Staging<'_>,
    step: &(dyn Fn() + Sync),
) -> Result<Vec<Done>, Problems> {
    let at_start = AtStart::of(staging.scheme, staging.session)?;
    kept.iter().for_each(|_| step());
    let wanted: Vec<usize> = (0..items.len()).filter(|at| !kept.contains_key(at)).collect();
    let files = wanted.iter().filter_map(|at| items.get(*at)).map(|item| Arc::clone(&item.file)).collect();
    let mut arrivals = fetcher.start(files);
    let results = Mutex::new(kept);
    let keep = |at: usize, result: Result<Done, Problems>| {
        if let Ok(mut results) = results.lock() {
            results.insert(at, result);
        }
    };
    let mut interrupted = Ok(());
    let gate = Gate::default();
    rayon::in_place_scope(|scope| {
        loop {
            let some = match arrivals.some_within(Duration::from_millis(100)) {
                Some(some) => some,
                None => match check_interrupted() {
                    Ok(()) => continue,
                    Err(problem) => {
                        interrupted = Err(problem);
                        break;
                    }
                },
            };
            let mut is_over = true;
            for (at, fetched) in some {
                is_over = false;
                let Some((at, item)) = wanted.get(at).and_then(|at| Some((*at, items.get(*at)?))) else {
                    continue;
                };
                let (keep, gate, at_start) = (&keep, &gate, &at_start);
                let load = fetched.as_ref().map_or(Load::default(), |fetched| Load::of(&fetched.bytes));
                let inside = gate.enter(load);
                scope.spawn(move |_| {
                    keep(at, one(item, fetched, staging, at_start));
                    drop(inside);
                    if load.leaves_much() {
                        crate::memory::give_back();
                    }
                    step();
                });
            }
            if is_over {
                break;
            }
        }
    });
    interrupted?;
    let results = results.into_inner().unwrap_or_default();
    let mut done = Vec::new();
    let mut faults = Vec::new();
    for (at, item) in items.iter().enumerate() {
        match results.get(&at) {
            Some(Ok(_)) => {}
            Some(Err(problems)) => {
                faults.extend(problems.iter().map(|problem| match is_of_place(problem) {
                    true => problem.clone(),
                    false => problem.clone().package(&item.package.name),
                }));
            }
            None => faults
                .push(Problem::new(Code::Internal, "a wheel did not arrive").package(&item.package.name)),
        }
    }
    let mut of_place = Vec::new();
    faults.retain(|problem| {
        let is_new = !is_of_place(problem) || !of_place.contains(&problem.code());
        of_place.push(problem.code());
        is_new
    });
    done.extend(results.into_values().filter_map(Result::ok));
    faults.extend(together(&mut done, &at_start, staging.policy));
    if !faults.is_empty() {
        staging.so_far.done(done.iter());
    }
    Problems::unless_empty(done, faults)
}

/// Whether it is about where things go, which is told once and not for each package.
fn is_of_place(problem: &Problem) -> bool {
    matches!(problem.code(), Code::NotWritable | Code::DiskFull | Code::EnvironmentBusy | Code::Interrupted)
}

/// Looks at what several wheels bring together; returns what refuses the run.
fn together(done: &mut [Done], at_start: &AtStart<'_>, policy: &DatedPolicy) -> Vec<Problem> {
    let all: Vec<_> = done.iter().map(|done| (&done.metadata.name, &done.startup)).collect();
    let mut refused = Vec::new();
    let mut warned = Vec::new();
    for (name, judged) in at_start.together(&all, policy) {
        refused.extend(judged.refused.into_iter().map(|problem| problem.package(name)));
        warned.extend(judged.warned.into_iter().map(|problem| (name.clone(), problem.to_string())));
    }
    for (name, warning) in warned {
        let of_name = done.iter_mut().filter(|done| done.metadata.name == name);
        of_name.for_each(|done| done.warnings.push(warning.clone()));
    }
    refused
}

fn one(
    item: &Item,
    fetched: Fetched,
    staging: &Staging<'_>,
    at_start: &AtStart<'_>,
) -> Result<Done, Problems> {
    let fetched = fetched?;
    let stored = fetched.stored;
    let verified = VerifiedWheel::check(fetched, &item.file)?;
    let wheel = staging.policy.read(verified)?;
    agree(item, &wheel)?;
    if !staging.any_python {
        runs_here(item, wheel.metadata(), staging.target)?;
    }
    let plan =
        InstallPlan::new(&wheel, staging.scheme, item.requested, direct_url(item))?.by(staging.installer);
    let plan = staging.policy.yielding(plan);
    let (startup, judged) = judge(item, &wheel, &plan, at_start, staging.policy)?;
    Problems::unless_empty((), judged.refused)?;
    let There { plan, kept, stale } = there::look(plan, &wheel, staging)?;
    let beneath = match staging.beneath {
        Some(beneath) if !kept && !staging.anew => beneath.holds(item, &wheel, staging.session)?,
        _ => false,
    };
    let kept = kept || beneath;
    if let (Some(session), false, true) = (staging.session, kept, staging.write) {
        session
            .add(&wheel, &plan)
            .map_err(|problem| staging.policy.with_ended(problem, &item.package.name))?;
    }
    let done = Done {
        metadata: wheel.brief(&staging.target.markers),
        metadata_text: (staging.tells_metadata && !kept).then(|| wheel.metadata_text().to_vec()),
        size: wheel.size(),
        kept,
        beneath,
        warnings: wheel.warnings().iter().chain(&judged.warned).map(ToString::to_string).collect(),
        startup,
        sha256: wheel.verified().sha256(),
        verified: true,
        stale,
        placed: (!kept && staging.write).then(|| plan.dist_info().to_owned()),
    };
    if let (Some(arriving), Stored::No | Stored::Unknown) = (staging.arriving, stored) {
        arriving.add(wheel.into_verified(), stored == Stored::No);
    }
    Ok(done)
}

/// What is said about a wheel for what it brings, and for its licence.
pub(in crate::way) fn judge(
    item: &Item,
    wheel: &Wheel,
    plan: &InstallPlan,
    at_start: &AtStart<'_>,
    policy: &DatedPolicy,
) -> Result<(Startup, Judged), Problem> {
    let (name, place) = (&item.package.name, &item.package.place);
    let mut startup = at_start.of_wheel(wheel, plan, policy)?;
    let mut judged = policy.judge(name, std::mem::take(&mut startup.problems));
    if policy.judges_licenses() {
        let license = License::of(&About::parse(wheel.metadata_text()));
        judged.add(policy.license(name, &license, place));
    }
    Ok((startup, judged))
}

/// A wheel is for the Python that it is put in for.
pub(super) fn runs_here(item: &Item, metadata: &Metadata, target: &Target) -> Result<(), Problem> {
    if metadata.runs_on(&target.markers) {
        return Ok(());
    }
    let wanted = metadata.requires_python.as_ref().map(ToString::to_string).unwrap_or_default();
    Err(Problem::new(Code::PythonMismatch, "this package is for another Python")
        .package(&item.package.name)
        .at(item.package.place.clone())
        .expected(format!("Python {wanted}"))
        .found(format!("Python {}", target.markers.python_full_version()))
        .help(
            "name a Python that fits with --python, or lock another version for this one with `pipward lock`",
        ))
}

/// The lock, the file name and METADATA must tell the same (the file name was compared by [`Wheel::read`]).
pub(in crate::way) fn agree(item: &Item, wheel: &Wheel) -> Result<(), Problem> {
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
        let found = wheel.metadata_sha256();
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
pub(in crate::way) fn direct_url(item: &Item) -> Option<crate::install::DirectUrl> {
    crate::install::DirectUrl::of(&item.package, &item.file)
}
