//! Requirements -> Resolution -> Lock.
//!
//! Never: writes the lock (its caller does), and never installs.

mod addressed;
mod changes;
mod cutoff;
mod direct;
mod exclusive;
pub(super) mod findings;
mod frame;
mod given;
mod kept;
mod offered;
mod provenance;
mod range;
mod replaced;
pub mod standing;

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;
use pep508_rs::{Requirement, VersionOrUrl};
use pipward_resolver::{
    ForkStrategy, MarkerTree, Origin, PackageName, Prereleases, Request, Resolution, Root, SolveError,
    Strategy, Version, VersionSpecifiers, WheelName,
};

use super::inputs::Inputs;
use super::provenance::Kept;
use crate::error::{Code, Place, Problem, Problems};
use crate::index::{Ages, Index, NetworkOptions, Sources, Waiting};
use crate::lock::{Lock, build, drift};
use crate::policy::DatedPolicy;
use crate::requirements::FileRequirement;
pub use cutoff::Cutoff;
use direct::Direct;
pub(crate) use offered::{Offered, offered};
pub(crate) use range::asked_for;
pub use range::{Range, Universal};

/// Everything that a lock depends on.
pub struct LockRequest {
    /// What is asked for.
    pub inputs: Inputs,
    /// The environments to lock for.
    pub range: Range,
    /// Which versions are preferred.
    pub strategy: Strategy,
    /// Whether older Pythons may have older versions.
    pub fork_strategy: ForkStrategy,
    /// When pre-releases are taken.
    pub prereleases: Prereleases,
    /// Projects of which pre-releases are taken always.
    pub prerelease_projects: BTreeSet<PackageName>,
    /// What is allowed of wheels that are named by address.
    pub policy: DatedPolicy,
    /// Where candidates come from.
    pub sources: Sources,
    /// How the network is used.
    pub network: NetworkOptions,
    /// The cache directory.
    pub cache: Option<PathBuf>,
    /// Which files are too new.
    pub cutoff: Cutoff,
    /// How long new files wait.
    pub ages: Ages,
    /// What may move away from the standing lock.
    pub upgrade: Upgrade,
    /// The lock that stands at `file`.
    pub standing: Option<Lock>,
    /// Where the lock will stand.
    pub file: PathBuf,
    /// Whether the provenance of the files is kept.
    pub keeps_provenance: bool,
    /// Packages whose publisher may be another one than before, or none.
    pub accepted: BTreeSet<PackageName>,
    /// The time.
    pub now: Timestamp,
}

/// What may move away from the standing lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upgrade {
    /// Nothing that need not.
    Nothing,
    /// These packages, each to a version or to the newest.
    Packages(Vec<(PackageName, Option<Version>)>),
    /// Packages, each into a range.
    Within(Vec<Within>),
    /// Everything.
    All,
}

/// The range that a package has to be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within {
    /// The package.
    pub name: PackageName,
    /// Its versions.
    pub specifiers: VersionSpecifiers,
    /// Where that is so; everywhere, where nothing is said.
    pub marker: Option<MarkerTree>,
    /// Who says so, for an explanation.
    pub by: String,
}

/// A lock, and what to tell about it.
pub struct Locked {
    /// The lock.
    pub lock: Lock,
    /// Sentences for the user.
    pub warnings: Vec<String>,
    /// What changed against the standing lock, a line each.
    pub changes: Vec<String>,
    /// The provenance of the files, where it is kept.
    pub provenance: Kept,
    /// What was learned of the world on the way.
    pub index: Index,
}

/// Resolves and builds the lock. `step` is called as packages become known.
///
/// # Errors
/// `no-solution`, `release-age` where what is missing has not waited long enough, `hash-mismatch` where a file that is
/// locked is another one now, and whatever the index raised.
pub fn lock(request: &LockRequest, step: &dyn Fn()) -> Result<Locked, Problems> {
    request.check_python()?;
    let _patience = crate::memory::Patience::new();
    let cutoffs = request.cutoffs();
    let index = Index::new(
        request.sources.clone(),
        request.network.clone(),
        request.cache.clone(),
        Waiting {
            cutoff: Some(cutoffs.latest()),
            explicit: request.is_explicit(&cutoffs),
            ages: request.ages.clone(),
        },
    )?;
    let mut warnings = request.check_names(&index)?;
    let direct = Direct::fetch(&index, request, &cutoffs)?;
    let resolution = resolve(request, &direct);
    index.check_kept()?;
    let resolution = resolution?;
    step();
    let frame = request.frame();
    let built = build::BuildRequest {
        resolution: &resolution,
        environments: frame.environments,
        requires_python: frame.requires_python,
        extras: frame.extras,
        dependency_groups: frame.dependency_groups,
        file: request.file.clone(),
        tool: frame.tool.unwrap_or_default(),
    };
    let mut lock = build::build(&built, &mut |name, wheel| direct.facts(name, wheel))?;
    request.check_files(&index, &lock)?;
    let noted = cutoffs.noted(request.standing.as_ref(), &lock, &request.ages);
    if let Some(tool) = &mut lock.tool {
        tool.cutoffs = noted;
    }
    let (proven, provenance) = request.prove(&index, &mut lock)?;
    warnings.extend(proven);
    let lock = drift::signed(lock);
    warnings.extend(resolution.warnings.iter().filter(|it| !findings::is_found(it, &lock)).cloned());
    warnings.extend(request.check_packages(&index, &lock)?);
    warnings.extend(index.elsewhere(&lock));
    warnings.extend(request.upgraded_in_vain(&lock));
    if let Range::Universal(_) = request.range {
        warnings.extend(changes::without_any(&resolution));
        warnings.extend(changes::without_wheels(&resolution));
        warnings.extend(changes::without_pythons(&resolution));
    }
    warnings.extend(direct.notes(&resolution));
    drop(direct);
    index.check_kept()?;
    warnings.extend(index.notes());
    let mut seen = BTreeSet::new();
    warnings.retain(|warning| seen.insert(warning.clone()));
    crate::cache::keep();
    let changes = request.standing.as_ref().map(|old| changes::between(old, &lock)).unwrap_or_default();
    Ok(Locked { lock, warnings, changes, provenance, index })
}

/// What speaks against the standing lock, as far as the inputs and the lock itself tell: no index is asked.
pub fn drift(request: &LockRequest) -> Vec<String> {
    match &request.standing {
        Some(standing) => drift::drift(standing, &request.frame()),
        None => vec!["there is no lock yet".to_owned()],
    }
}

/// As [`drift()`], for the text of a requirements file.
pub fn drift_of_requirements(request: &LockRequest, text: &str) -> Vec<String> {
    match &request.standing {
        Some(_) => drift::drift_of_requirements(text, &request.frame()),
        None => vec!["there is no lock yet".to_owned()],
    }
}

/// Solves, and again as long as packages name addresses that were not known: no page is asked for twice.
fn resolve(request: &LockRequest, facts: &Direct<'_>) -> Result<Resolution, Problem> {
    loop {
        let solved = pipward_resolver::solve(&asked(request, facts), facts);
        let error = match solved {
            Ok(resolution) if facts.gives_up(&resolution) => continue,
            Ok(resolution) => return Ok(resolution),
            Err(SolveError::Facts(_)) if facts.has_learned() => continue,
            Err(error) => error,
        };
        return Err(match error {
            // What was learned stays useful: the next try differs by one requirement.
            SolveError::NoSolution(mut story) => {
                crate::cache::keep();
                story.environments = story.environments.map(|marker| crate::lock::sets_of_extras(&marker));
                // What is missing may be there, and hidden for its age alone.
                let code = if story.waits { Code::ReleaseAge } else { Code::NoSolution };
                Problem::new(code, story.to_string())
                    .details(&story)
                    .help(exclusive::way_out(&story, &request.inputs.conflicts))
            }
            SolveError::Facts(error) => match error.0.downcast::<Problem>() {
                Ok(problem) => *problem,
                Err(error) => Problem::new(Code::Internal, "the index gave no answer").cause(error),
            },
        });
    }
}

fn asked(request: &LockRequest, facts: &Direct<'_>) -> Request {
    let root = |requirement: &FileRequirement| Root {
        requirement: facts.asked(requirement),
        origin: origin(&requirement.place),
    };
    let inputs = &request.inputs;
    // A constraint to an address leaves that wheel as the only candidate, unless there are several.
    let is_by_address = |root: &Root| matches!(root.requirement.version_or_url, Some(VersionOrUrl::Url(_)));
    let mut constraints: Vec<Root> = inputs.constraints.iter().map(root).collect();
    constraints.retain(|root| !is_by_address(root));
    constraints.extend(request.upgrade.pins());
    Request {
        roots: inputs.roots.iter().map(root).collect(),
        constraints,
        overrides: inputs.overrides.iter().map(root).collect(),
        excludes: inputs.excludes.clone(),
        scope: request.range.scope(&inputs.conflicts),
        strategy: request.strategy,
        fork_strategy: request.fork_strategy,
        prereleases: request.prereleases,
        prerelease_projects: request.prerelease_projects.clone(),
        preferences: request.preferences(),
        now: Some(pipward_resolver::UploadTime(request.now.as_second())),
        well_known,
    }
}

/// Names that a misspelt one may have meant.
fn well_known() -> Vec<PackageName> {
    crate::policy::well_known().filter_map(|name| name.parse().ok()).collect()
}

fn origin(place: &Place) -> Origin {
    if place.file == "command line" {
        return Origin::CommandLine;
    }
    Origin::File { file: place.file.clone(), line: place.line, entry: place.entry.clone() }
}

impl Upgrade {
    /// The packages that are named.
    fn named(&self) -> Vec<&PackageName> {
        match self {
            Self::Nothing | Self::All => Vec::new(),
            Self::Packages(list) => list.iter().map(|(name, _)| name).collect(),
            Self::Within(list) => list.iter().map(|within| &within.name).collect(),
        }
    }

    /// Whether a package is let go of. One that has to move in some environments alone is kept elsewhere.
    fn moves(&self, name: &PackageName) -> bool {
        match self {
            Self::Nothing => false,
            Self::Packages(list) => list.iter().any(|(moved, _)| moved == name),
            Self::Within(list) => list.iter().any(|within| within.name == *name && within.marker.is_none()),
            Self::All => true,
        }
    }

    /// `NAME==V` binds as a constraint does, and so does a range.
    fn pins(&self) -> Vec<Root> {
        let list = match self {
            Self::Nothing | Self::All => return Vec::new(),
            Self::Within(list) => return list.iter().map(Within::root).collect(),
            Self::Packages(list) => list,
        };
        let pin = |(name, version): &(PackageName, Option<Version>)| {
            let text = format!("{name}=={}", version.as_ref()?);
            let requirement = crate::requirements::parse_specifier(&text).ok()?.requirement;
            Some(Root { requirement, origin: Origin::Option(format!("--upgrade-package {text}")) })
        };
        list.iter().filter_map(pin).collect()
    }
}

impl Within {
    fn root(&self) -> Root {
        let requirement = Requirement {
            name: self.name.clone(),
            extras: Vec::new(),
            version_or_url: Some(VersionOrUrl::VersionSpecifier(self.specifiers.clone())),
            marker: self.marker.clone().unwrap_or(MarkerTree::TRUE),
            origin: None,
        };
        Root { requirement, origin: Origin::Option(self.by.clone()) }
    }
}

impl LockRequest {
    /// Whether the cutoff was said, now or when the standing lock was made.
    fn is_explicit(&self, cutoffs: &kept::Cutoffs) -> bool {
        cutoffs.said.is_some() || matches!(self.cutoff, Cutoff::Said { .. })
    }

    /// A project that is not for the Python to lock for cannot be locked for it.
    fn check_python(&self) -> Result<(), Problems> {
        let Range::One(target) = &self.range else { return Ok(()) };
        let python = &target.markers.python_full_version().version;
        let wrong = self.inputs.requires_python.iter().filter(|(specifiers, _)| !specifiers.contains(python));
        let faults = wrong
            .map(|(specifiers, path)| {
                Problem::new(
                    Code::PythonMismatch,
                    "the project is for another Python than the one to lock for",
                )
                .at(Place::file(path).entry("project.requires-python"))
                .expected(specifiers)
                .found(python)
                .help("name a Python that the project is for with --python or --python-version")
            })
            .collect();
        Problems::unless_empty((), faults)
    }
}

/// What a lock says of a wheel. Where no index gives a SHA-256, the file is downloaded and hashed.
fn facts(index: &Index, name: &PackageName, wheel: &WheelName) -> Result<build::WheelFacts, Problem> {
    let mut file = index.file(name, wheel)?;
    if file.sha256.is_none() {
        let (sha256, size) = index.compute_sha256(&file)?;
        file.sha256 = Some(sha256);
        file.size = Some(size);
    }
    Ok(build::WheelFacts { metadata_sha256: index.metadata_sha256(name, wheel), file })
}
