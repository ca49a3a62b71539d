//! Requirements -> Resolution -> Lock.
//!
//! Never: writes the lock (its caller does), and never installs.

mod changes;
mod cutoff;
mod direct;
mod range;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;
use pipward_resolver::{
    ExtraName, ForkStrategy, MarkerTree, Origin, PackageName, Preference, Prereleases, Request, Resolution,
    Root, SolveError, Strategy, Version, WheelName,
};

use super::inputs::Inputs;
use crate::config::Optional;
use crate::error::{Code, Place, Problem, Problems};
use crate::index::{Index, NetworkOptions, Sources};
use crate::lock::{Lock, ToolTable, build, drift};
use crate::requirements::FileRequirement;
pub use cutoff::Cutoff;
use direct::Direct;
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
    /// Where candidates come from.
    pub sources: Sources,
    /// How the network is used.
    pub network: NetworkOptions,
    /// The cache directory.
    pub cache: Option<PathBuf>,
    /// Which files are too new.
    pub cutoff: Cutoff,
    /// What may move away from the standing lock.
    pub upgrade: Upgrade,
    /// The lock that stands at `file`.
    pub standing: Option<Lock>,
    /// Where the lock will stand.
    pub file: PathBuf,
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
    /// Everything.
    All,
}

/// A lock, and what to tell about it.
pub struct Locked {
    /// The lock.
    pub lock: Lock,
    /// Sentences for the user.
    pub warnings: Vec<String>,
    /// What changed against the standing lock, a line each.
    pub changes: Vec<String>,
}

/// Resolves and builds the lock. `step` is called as packages become known.
///
/// # Errors
/// `no-solution` and whatever the index raised.
pub fn lock(request: &LockRequest, step: &dyn Fn()) -> Result<Locked, Problems> {
    let explicit = matches!(request.cutoff, Cutoff::At(_));
    request.check_python()?;
    let index = Index::new(
        request.sources.clone(),
        request.network.clone(),
        request.cache.clone(),
        Some(request.settled_cutoff()),
        explicit,
    )?;
    let direct = Direct::fetch(&index, &request.inputs, request.cache.as_deref())?;
    let resolution = resolve(request, &direct)?;
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
    let lock = build::build(&built, &mut |name, wheel| direct.facts(name, wheel))?;
    crate::cache::keep();
    let mut warnings = resolution.warnings.clone();
    if let Range::Universal(_) = request.range {
        warnings.extend(changes::without_wheels(&resolution));
    }
    warnings.extend(index.notes());
    let changes = request.standing.as_ref().map(|old| changes::between(old, &lock)).unwrap_or_default();
    Ok(Locked { lock, warnings, changes })
}

/// What speaks against the standing lock, as far as the inputs and the lock itself tell: no index is asked.
pub fn drift(request: &LockRequest) -> Vec<String> {
    match &request.standing {
        Some(standing) => drift::drift(standing, &request.frame()),
        None => vec!["there is no lock yet".to_owned()],
    }
}

fn resolve(request: &LockRequest, facts: &Direct<'_>) -> Result<Resolution, Problem> {
    let root = |requirement: &FileRequirement| Root {
        requirement: requirement.requirement.clone(),
        origin: origin(&requirement.place),
    };
    let inputs = &request.inputs;
    let mut constraints: Vec<Root> = inputs.constraints.iter().map(root).collect();
    constraints.extend(request.upgrade.pins());
    let asked = Request {
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
    };
    pipward_resolver::solve(&asked, facts).map_err(|error| match error {
        // What was learned stays useful: the next try differs by one requirement.
        SolveError::NoSolution(story) => {
            crate::cache::keep();
            Problem::new(Code::NoSolution, story.to_string())
                .help("loosen one of the requirements named, or lock for other Pythons")
        }
        SolveError::Facts(error) => match error.0.downcast::<Problem>() {
            Ok(problem) => *problem,
            Err(error) => Problem::new(Code::Internal, "the index gave no answer").cause(error),
        },
    })
}

fn origin(place: &Place) -> Origin {
    if place.file == "command line" {
        return Origin::CommandLine;
    }
    Origin::File { file: place.file.clone(), line: place.line, entry: place.entry.clone() }
}

impl Upgrade {
    fn moves(&self, name: &PackageName) -> bool {
        match self {
            Self::Nothing => false,
            Self::Packages(list) => list.iter().any(|(moved, _)| moved == name),
            Self::All => true,
        }
    }

    /// `NAME==V` binds as a constraint does.
    fn pins(&self) -> Vec<Root> {
        let Self::Packages(list) = self else { return Vec::new() };
        let pin = |(name, version): &(PackageName, Option<Version>)| {
            let text = format!("{name}=={}", version.as_ref()?);
            let requirement = crate::requirements::parse_specifier(&text).ok()?.requirement;
            Some(Root { requirement, origin: Origin::CommandLine })
        };
        list.iter().filter_map(pin).collect()
    }
}

impl LockRequest {
    fn settled_cutoff(&self) -> Timestamp {
        let kept = match (&self.upgrade, &self.standing) {
            (Upgrade::Nothing, Some(lock)) => lock.tool.as_ref().and_then(|tool| tool.cutoff),
            _ => None,
        };
        match self.cutoff {
            Cutoff::At(time) => time,
            Cutoff::CoolingOff => kept.unwrap_or_else(|| cutoff::cooled(self.now)),
        }
    }

    /// The standing lock's versions, where it was made with the same wishes for versions.
    fn preferences(&self) -> BTreeMap<PackageName, Vec<Preference>> {
        let mut preferences: BTreeMap<PackageName, Vec<Preference>> = BTreeMap::new();
        let Some(standing) = &self.standing else { return preferences };
        let now = self.options();
        let same =
            |key: &str| standing.tool.as_ref().is_some_and(|tool| tool.options.get(key) == now.get(key));
        if !["resolution", "pre", "fork-strategy"].into_iter().all(same) {
            return preferences;
        }
        for package in standing.packages.iter().filter(|package| !self.upgrade.moves(&package.name)) {
            let Some(version) = package.version.clone() else { continue };
            let marker = package.marker.as_ref().map_or(MarkerTree::TRUE, |marker| marker.tree.clone());
            preferences.entry(package.name.clone()).or_default().push(Preference { version, marker });
        }
        preferences
    }

    fn options(&self) -> BTreeMap<String, String> {
        let strategy = match self.strategy {
            Strategy::Highest => None,
            Strategy::Lowest => Some("lowest"),
            Strategy::LowestDirect => Some("lowest-direct"),
        };
        let mut options = BTreeMap::new();
        let mut set = |name: &str, value: String| options.insert(name.to_owned(), value);
        if let Some(strategy) = strategy {
            set("resolution", strategy.to_owned());
        }
        if self.prereleases == Prereleases::Allow {
            set("pre", "true".to_owned());
        }
        if !self.prerelease_projects.is_empty() {
            set("prereleases", joined(&self.prerelease_projects, ", "));
        }
        if self.fork_strategy == ForkStrategy::Fewest {
            set("fork-strategy", "fewest".to_owned());
        }
        match &self.range {
            Range::One(_) => drop(set("universal", "false".to_owned())),
            Range::Universal(universal) => {
                let texts: Vec<&str> = universal.required.iter().map(|marker| marker.text.as_str()).collect();
                if !texts.is_empty() {
                    set("required-environments", texts.join(" | "));
                }
            }
        }
        let conflict =
            |set: &Vec<Optional>| set.iter().map(Optional::variable).collect::<Vec<_>>().join(" x ");
        if !self.inputs.conflicts.is_empty() {
            let sets: Vec<String> = self.inputs.conflicts.iter().map(conflict).collect();
            set("conflicts", sets.join(", "));
        }
        options
    }

    /// The lock without its packages: all that its inputs say.
    fn frame(&self) -> Lock {
        let (environments, requires_python) = self.range.of_lock();
        let names = |group: bool| -> Vec<ExtraName> {
            let name = |optional: &Optional| match optional {
                Optional::Extra(name) if !group => Some(name.clone()),
                Optional::Group(name) if group => Some(name.clone()),
                _ => None,
            };
            self.inputs.optional.iter().filter_map(name).collect()
        };
        Lock {
            file: self.file.clone(),
            environments,
            requires_python,
            extras: names(false),
            dependency_groups: names(true),
            tool: Some(self.tool_table()),
            ..Lock::default()
        }
    }

    fn tool_table(&self) -> ToolTable {
        let row = |requirement: &FileRequirement| {
            let mut text = requirement.requirement.to_string();
            for digest in &requirement.hashes {
                text.push_str(&format!(" --hash={}:{}", digest.algorithm(), digest.hex()));
            }
            (text, requirement.place.file.clone())
        };
        let mut inputs: Vec<_> = self.inputs.roots.iter().map(row).collect();
        inputs.extend(self.inputs.constraints.iter().map(|constraint| {
            let (text, file) = row(constraint);
            (text, format!("-c {file}"))
        }));
        ToolTable {
            inputs,
            options: self.options(),
            cutoff: Some(self.settled_cutoff()),
            overrides: self.inputs.overrides.iter().map(|it| it.requirement.to_string()).collect(),
            excludes: self.inputs.excludes.iter().map(ToString::to_string).collect(),
            fingerprint: None,
        }
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

fn joined<T: ToString>(items: impl IntoIterator<Item = T>, between: &str) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(between)
}

/// What a lock says of a wheel. Where no index gives a SHA-256, the file is downloaded and hashed.
fn facts(index: &Index, name: &PackageName, wheel: &WheelName) -> Result<build::WheelFacts, Problem> {
    let mut file = index.file(name, wheel)?;
    if file.sha256.is_none() {
        let (sha256, size) = index.compute_sha256(&file)?;
        file.sha256 = Some(sha256);
        file.size = Some(size);
    }
    Ok(build::WheelFacts {
        requires_python: index.requires_python(name, wheel),
        metadata_sha256: index.metadata_sha256(name, wheel),
        file,
    })
}
