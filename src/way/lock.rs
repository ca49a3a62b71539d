//! Requirements -> Resolution -> Lock.
//!
//! Never: writes the lock (its caller does), and never installs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use pipward_resolver::{
    ForkStrategy, MarkerTree, Origin, PackageName, Preference, Prereleases, Request, Resolution, Root, Scope,
    SolveError, Strategy, Target, Version, WheelName,
};

use super::inputs::Inputs;
use crate::error::{Code, Place, Problem, Problems};
use crate::index::{Index, NetworkOptions, Sources};
use crate::lock::{Lock, ToolTable, build};
use crate::requirements::FileRequirement;

/// How long a new file waits before a lock takes it, unless a cutoff is given.
const COOLING_OFF: SignedDuration = SignedDuration::from_hours(72);

/// Everything that a lock depends on.
pub struct LockRequest {
    /// What is asked for.
    pub inputs: Inputs,
    /// The environment to lock for.
    pub target: Target,
    /// Which versions are preferred.
    pub strategy: Strategy,
    /// When pre-releases are taken.
    pub prereleases: Prereleases,
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

/// Which files are too new to be locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cutoff {
    /// The cutoff of the standing lock; for a first lock, now less 72 hours, floored to the hour.
    CoolingOff,
    /// What the user said. A file without an upload time does not pass.
    At(Timestamp),
}

/// What may move away from the standing lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upgrade {
    /// Nothing that need not.
    Nothing,
    /// These packages.
    Packages(Vec<PackageName>),
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
    let hours = request.settled_cutoff();
    let explicit = matches!(request.cutoff, Cutoff::At(_));
    request.check_python()?;
    let index = Index::new(
        request.sources.clone(),
        request.network.clone(),
        request.cache.clone(),
        Some(hours),
        explicit,
    )?;
    let resolution = resolve(request, &index)?;
    step();
    let built = build::BuildRequest {
        resolution: &resolution,
        target: &request.target,
        file: request.file.clone(),
        tool: request.tool_table(hours),
    };
    let lock = build::build(&built, &mut |name, wheel| facts(&index, name, wheel))?;
    crate::cache::keep();
    let mut warnings = resolution.warnings;
    warnings.extend(index.notes());
    let changes = request.standing.as_ref().map(|old| changes(old, &lock)).unwrap_or_default();
    Ok(Locked { lock, warnings, changes })
}

/// What the lock says of a wheel. Where no index gives a SHA-256, the file is downloaded and hashed.
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

fn resolve(request: &LockRequest, index: &Index) -> Result<Resolution, Problem> {
    let root = |requirement: &FileRequirement| Root {
        requirement: requirement.requirement.clone(),
        origin: origin(&requirement.place),
    };
    let asked = Request {
        roots: request.inputs.roots.iter().map(root).collect(),
        constraints: request.inputs.constraints.iter().map(root).collect(),
        overrides: Vec::new(),
        excludes: BTreeSet::new(),
        scope: Scope::One(Box::new(request.target.clone())),
        fork_strategy: ForkStrategy::default(),
        prerelease_projects: BTreeSet::new(),
        strategy: request.strategy,
        prereleases: request.prereleases,
        preferences: request.preferences(),
    };
    pipward_resolver::solve(&asked, index).map_err(|error| match error {
        // What was learned stays useful: the next try differs by one requirement.
        SolveError::NoSolution(story) => {
            crate::cache::keep();
            Problem::new(Code::NoSolution, story.to_string())
                .help("loosen one of the requirements named, or lock for another Python with --python")
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

impl LockRequest {
    fn settled_cutoff(&self) -> Timestamp {
        let kept = match (&self.upgrade, &self.standing) {
            (Upgrade::Nothing, Some(lock)) => lock.tool.as_ref().and_then(|tool| tool.cutoff),
            _ => None,
        };
        match self.cutoff {
            Cutoff::At(time) => time,
            Cutoff::CoolingOff => kept.unwrap_or_else(|| cooled(self.now)),
        }
    }

    /// The standing lock's versions, where it was made with the same options.
    fn preferences(&self) -> BTreeMap<PackageName, Vec<Preference>> {
        let Some(standing) = &self.standing else { return BTreeMap::new() };
        let same_options = standing.tool.as_ref().is_some_and(|tool| tool.options == self.options());
        if self.upgrade == Upgrade::All || !same_options {
            return BTreeMap::new();
        }
        let moves =
            |name: &PackageName| matches!(&self.upgrade, Upgrade::Packages(names) if names.contains(name));
        let mut preferences: BTreeMap<PackageName, Vec<Preference>> = BTreeMap::new();
        for package in standing.packages.iter().filter(|package| !moves(&package.name)) {
            let Some(version) = package.version.clone() else { continue };
            let marker = package.marker.as_ref().map_or(MarkerTree::TRUE, |marker| marker.tree.clone());
            preferences.entry(package.name.clone()).or_default().push(Preference { version, marker });
        }
        preferences
    }

    fn options(&self) -> BTreeMap<String, String> {
        let mut options = BTreeMap::new();
        let strategy = match self.strategy {
            Strategy::Highest => None,
            Strategy::Lowest => Some("lowest"),
            Strategy::LowestDirect => Some("lowest-direct"),
        };
        options.extend(strategy.map(|name| ("resolution".to_owned(), name.to_owned())));
        if self.prereleases == Prereleases::Allow {
            options.insert("pre".to_owned(), "true".to_owned());
        }
        options
    }

    fn tool_table(&self, cutoff: Timestamp) -> ToolTable {
        let row = |requirement: &FileRequirement| {
            (requirement.requirement.to_string(), requirement.place.file.clone())
        };
        let mut inputs: Vec<_> = self.inputs.roots.iter().map(row).collect();
        inputs.extend(self.inputs.constraints.iter().map(|constraint| {
            let (text, file) = row(constraint);
            (text, format!("-c {file}"))
        }));
        ToolTable { inputs, options: self.options(), cutoff: Some(cutoff), ..ToolTable::default() }
    }

    /// A project that is not for the target's Python cannot be locked for it.
    fn check_python(&self) -> Result<(), Problems> {
        let python = &self.target.markers.python_full_version().version;
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

fn cooled(now: Timestamp) -> Timestamp {
    let seconds = now.as_second() - COOLING_OFF.as_secs();
    Timestamp::from_second(seconds - seconds.rem_euclid(3600)).unwrap_or(Timestamp::MIN)
}

impl Cutoff {
    /// Reads a date (midnight UTC), an RFC 3339 time, or an age (`72h`, `3d`, `P3D`, `3 days`).
    ///
    /// # Errors
    /// `usage`.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, Problem> {
        let text = text.trim();
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self::At(time));
        }
        if let Ok(date) = text.parse::<jiff::civil::DateTime>()
            && let Ok(zoned) = date.to_zoned(jiff::tz::TimeZone::UTC)
        {
            return Ok(Self::At(zoned.timestamp()));
        }
        let age = text.parse::<jiff::Span>().ok().and_then(|span| {
            let span = span.abs();
            let day = jiff::SpanRelativeTo::days_are_24_hours();
            span.to_duration(day).ok()
        });
        age.and_then(|age| now.checked_sub(age).ok()).map(Self::At).ok_or_else(|| {
            Problem::new(Code::Usage, "--uploaded-prior-to is neither a time nor an age")
                .expected("2026-01-31, 2026-01-31T12:00:00Z, 72h or P3D")
                .found(text)
        })
    }
}

fn changes(old: &Lock, new: &Lock) -> Vec<String> {
    let versions = |lock: &Lock| -> BTreeMap<PackageName, Option<Version>> {
        lock.packages.iter().map(|package| (package.name.clone(), package.version.clone())).collect()
    };
    let (old, new) = (versions(old), versions(new));
    let text = |version: &Option<Version>| version.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut lines = Vec::new();
    for (name, version) in &new {
        match old.get(name) {
            None => lines.push(format!("+ {name} {}", text(version))),
            Some(before) if before != version => {
                lines.push(format!("~ {name} {} -> {}", text(before), text(version)));
            }
            Some(_) => {}
        }
    }
    lines.extend(
        old.iter()
            .filter(|(name, _)| !new.contains_key(name))
            .map(|(name, version)| format!("- {name} {}", text(version))),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let now: Timestamp = "2026-11-22T10:30:00Z".parse().unwrap();
        let expected: Timestamp = expected.parse().unwrap();
        assert_eq!(Cutoff::parse(text, now).ok(), Some(Cutoff::At(expected)), "{text}");
    }

    #[test]
    fn cutoffs_are_dates_times_or_ages() {
        check("2026-01-31", "2026-01-31T00:00:00Z");
        check("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z");
        check("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00Z");
        check("72h", "2026-11-19T10:30:00Z");
        check("P3D", "2026-11-19T10:30:00Z");
        check("3 days", "2026-11-19T10:30:00Z");
        check("1 week", "2026-11-15T10:30:00Z");
        assert!(Cutoff::parse("yesterday-ish", Timestamp::UNIX_EPOCH).is_err());
    }

    #[test]
    fn promise_5_a_first_cutoff_is_three_days_ago_floored_to_the_hour() {
        let now: Timestamp = "2026-11-22T10:59:59Z".parse().unwrap();
        assert_eq!(cooled(now).to_string(), "2026-11-19T10:00:00Z");
    }
}
