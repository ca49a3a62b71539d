//! Looking at an environment: what is installed, and what that says of itself.
//!
//! Owns: which distributions a command is about. Never: changes anything, or believes that what they say is true.

pub mod check;
pub mod freeze;
pub mod inspect;
pub mod show;

use std::collections::BTreeSet;
use std::path::PathBuf;

use pipward_resolver::{ExtraName, Facts as _, Target, Version, VersionSpecifiers};

use crate::error::{Code, Problem};
use crate::index::Index;
use crate::python::Interpreter;
use crate::python::installed::distribution::{Environment, Found};
use crate::python::installed::site::SearchPath;

/// An environment with what is installed in it.
#[derive(Debug)]
pub struct Look {
    /// Its interpreter; `None` where only directories were named.
    pub interpreter: Option<Interpreter>,
    /// Where was looked.
    pub path: SearchPath,
    /// What was found.
    pub environment: Environment,
}

impl Look {
    /// Looks at the environment of an interpreter.
    ///
    /// # Errors
    /// Those of reading a directory.
    pub fn at(interpreter: Interpreter) -> Result<Self, Problem> {
        let path = SearchPath::of(&interpreter);
        let environment = Environment::read(&path)?;
        Ok(Self { interpreter: Some(interpreter), path, environment })
    }

    /// Looks at directories.
    ///
    /// # Errors
    /// Those of reading a directory.
    pub fn into(directories: Vec<PathBuf>) -> Result<Self, Problem> {
        let path = SearchPath::given(directories);
        let environment = Environment::read(&path)?;
        Ok(Self { interpreter: None, path, environment })
    }

    /// The distributions that a filter lets through, by name.
    pub fn select(&self, filter: &Filter) -> Vec<&Found> {
        let mut found: Vec<&Found> = self
            .environment
            .distributions
            .iter()
            .filter(|found| !filter.local || self.path.is_local(&found.installed_in))
            .filter(|found| !filter.user || self.path.is_users(&found.installed_in))
            .filter(|found| match filter.editable {
                Editable::Any => true,
                Editable::Only => found.editable_location().is_some(),
                Editable::None => found.editable_location().is_none(),
            })
            .filter(|found| !filter.skip.contains(&found.name))
            .collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        found
    }

    /// The markers and tags of the environment.
    ///
    /// # Errors
    /// `internal` where only directories were named.
    pub fn target(&self) -> Result<&Target, Problem> {
        let interpreter = self.interpreter.as_ref();
        interpreter
            .map(|interpreter| &interpreter.target)
            .ok_or_else(|| Problem::new(Code::Internal, "no interpreter tells the markers"))
    }
}

/// Which distributions are meant.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those of the virtual environment itself.
    pub local: bool,
    /// Only those of the user's own directory.
    pub user: bool,
    /// Whether editable ones are meant.
    pub editable: Editable,
    /// Normalised names that are left out.
    pub skip: BTreeSet<String>,
}

/// Whether editable installations are meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Editable {
    /// As all others.
    #[default]
    Any,
    /// Only they.
    Only,
    /// Not they.
    None,
}

/// Names that some Pythons bring records of, although they are parts of the standard library.
pub const STANDARD_LIBRARY: [&str; 3] = ["argparse", "python", "wsgiref"];

/// Leaves out what another of the distributions requires here.
///
/// # Errors
/// `metadata-invalid` for a requirement that cannot be read.
pub fn not_required<'a>(found: Vec<&'a Found>, target: &Target) -> Result<Vec<&'a Found>, Problem> {
    let mut required = BTreeSet::new();
    for one in &found {
        for dependency in applying(one, target)? {
            required.insert(dependency.requirement.name.to_string());
        }
    }
    Ok(found.into_iter().filter(|one| !required.contains(&one.name)).collect())
}

/// What a distribution requires in this environment, without any of its extras.
///
/// # Errors
/// `metadata-invalid` for a requirement that cannot be read.
pub(crate) fn applying(
    found: &Found,
    target: &Target,
) -> Result<Vec<crate::python::installed::distribution::Dependency>, Problem> {
    let all = found.dependencies().map_err(|error| {
        Problem::new(Code::MetadataInvalid, "an installed distribution has a requirement that cannot be read")
            .package(found.raw_name())
            .cause(error)
            .help("install another version of it from a lock")
    })?;
    Ok(all
        .into_iter()
        .filter(|one| one.requirement.evaluate_markers(&target.markers, &[] as &[ExtraName]))
        .collect())
}

/// The newest version that an index has for this environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latest {
    /// The version.
    pub version: Version,
    /// Whether it has a wheel for this environment; else a source distribution.
    pub is_wheel: bool,
}

/// The newest version of an installed project that an index has.
///
/// # Errors
/// As the index has it.
pub fn latest(index: &Index, found: &Found, target: &Target, pre: bool) -> Result<Option<Latest>, Problem> {
    let wish = Wish { pre, any_python: false, sources: true };
    Ok(versions(index, &found.name, target, &wish)?.into_iter().next())
}

/// Which versions count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Pre-releases too.
    pub pre: bool,
    /// Those for other Pythons too.
    pub any_python: bool,
    /// Those that have source distributions alone too.
    pub sources: bool,
}

/// Asks an index for the versions of a project that are not yanked, newest first. Pre-releases count only where they are
/// asked for.
///
/// # Errors
/// As the index has it.
pub fn versions(index: &Index, name: &str, target: &Target, wish: &Wish) -> Result<Vec<Latest>, Problem> {
    let Ok(name) = name.parse() else { return Ok(Vec::new()) };
    let candidates = match index.candidates(&name) {
        Ok(candidates) => candidates,
        Err(error) => match error.0.downcast::<Problem>() {
            Ok(problem) if problem.code() == Code::ProjectNotFound => return Ok(Vec::new()),
            Ok(problem) => return Err(*problem),
            Err(other) => {
                return Err(Problem::new(Code::IndexUnreachable, "an index did not answer").cause(other));
            }
        },
    };
    let python = target.markers.python_full_version();
    let takes = |wanted: Option<&VersionSpecifiers>| {
        wish.any_python || wanted.is_none_or(|wanted| wanted.contains(&python.version))
    };
    let usable = |(version, release): (&Version, &pipward_resolver::Release)| {
        let is_wheel = release.wheels.iter().any(|wheel| {
            wheel.yanked.is_none()
                && wheel.too_new.is_none()
                && target.tags.rank(&wheel.name).is_some()
                && takes(wheel.requires_python.as_ref())
        });
        let is_yanked =
            !release.wheels.is_empty() && release.wheels.iter().all(|wheel| wheel.yanked.is_some());
        let has_source = || {
            let sources = index.pythons_of_sources(&name, version);
            sources.iter().any(|wanted| takes(wanted.as_ref()))
        };
        let is_source = wish.sources && release.has_sdist && release.new_sdist.is_none() && !is_yanked;
        let is_there = is_wheel || is_source && has_source();
        is_there.then(|| Latest { version: version.clone(), is_wheel })
    };
    let all = candidates.releases.iter().rev().filter(|(version, _)| wish.pre || !version.any_prerelease());
    Ok(all.filter_map(usable).collect())
}
