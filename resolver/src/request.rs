//! What is asked of the resolver.

use std::collections::{BTreeMap, BTreeSet};

use pep440_rs::Version;
use pep508_rs::{MarkerEnvironment, MarkerTree, PackageName, Requirement, VerbatimUrl};
use serde::Serialize;

use crate::moment::UploadTime;
use crate::tags::Tags;

/// Everything that a solve depends on, besides the facts.
#[derive(Debug, Clone)]
pub struct Request {
    /// The requirements of the user.
    pub roots: Vec<Root>,
    /// Constraints: they bind a version where the name comes in otherwise.
    pub constraints: Vec<Root>,
    /// Overrides: each takes the place of every requirement on its name, wherever that stands. What an extra adds stays
    /// part of the extra.
    pub overrides: Vec<Root>,
    /// Excludes: requirements on these names count for nothing, wherever they stand.
    pub excludes: BTreeSet<PackageName>,
    /// The environments to solve for.
    pub scope: Scope,
    /// Which versions are preferred.
    pub strategy: Strategy,
    /// Whether one name may have several versions for the sake of newer ones.
    pub fork_strategy: ForkStrategy,
    /// When pre-releases are taken.
    pub prereleases: Prereleases,
    /// Projects of which pre-releases are taken always.
    pub prerelease_projects: BTreeSet<PackageName>,
    /// Versions to prefer where they are allowed: those of a standing lock.
    pub preferences: BTreeMap<PackageName, Vec<Preference>>,
    /// The time of the run, if it is to be told of: words alone depend on it.
    pub now: Option<UploadTime>,
    /// Names that are known well: where a project does not exist, the nearest ones are told.
    pub well_known: fn() -> Vec<PackageName>,
}

/// The environments that one solve is for.
#[derive(Debug, Clone)]
pub enum Scope {
    /// One environment, of which everything is known.
    One(Box<Target>),
    /// All environments of a universe: one answer for each platform and Python.
    Universal(Universe),
}

/// The environments of a universal resolution.
///
/// What the user's own extras and dependency groups add is told by markers on the roots: `extra == 'e-NAME'` for an extra
/// and `extra == 'g-NAME'` for a group. (The `extra` of a package's own metadata never reaches a marker of an answer.)
#[derive(Debug, Clone)]
pub struct Universe {
    /// The environments: `requires-python`, the declared `environments`, and which extras and groups exclude each other.
    pub marker: MarkerTree,
    /// The environments that must find a wheel of everything that they need.
    pub required: Vec<MarkerTree>,
}

/// A version to prefer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// The version.
    pub version: Version,
    /// Where it was chosen; always true in a lock of one version.
    pub marker: MarkerTree,
}

/// What a universal resolution does where the newest version is not for all of its environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForkStrategy {
    /// Takes the newest for each supported Python: older Pythons may have an older version.
    #[default]
    RequiresPython,
    /// Takes the newest that all supported Pythons share.
    Fewest,
}

/// One requirement, with where it was written.
#[derive(Debug, Clone)]
pub struct Root {
    /// The requirement.
    pub requirement: Requirement<VerbatimUrl>,
    /// Where it stands.
    pub origin: Origin,
}

/// Where a requirement was written, for explanations.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// On the command line.
    CommandLine,
    /// By an option, in these words: `--upgrade-package flask==3.1.2`.
    Option(String),
    /// In a file, at a line counted from 1, or in an entry such as `project.dependencies`.
    File {
        /** As the user named it. */
        file: String,
        /** From 1. */
        line: Option<u32>,
        /** As the format calls it. */
        entry: Option<String>,
    },
}

/// An environment to solve for.
#[derive(Debug, Clone)]
pub struct Target {
    /// The values of PEP 508's markers.
    pub markers: MarkerEnvironment,
    /// The wheel tags that it takes, best first.
    pub tags: Tags,
}

/// Which versions are preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// The highest of each.
    #[default]
    Highest,
    /// The lowest of each.
    Lowest,
    /// The lowest of what the user requires directly, the highest of the rest.
    LowestDirect,
}

/// When pre-releases are taken (PEP 440, "Handling of pre-releases").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prereleases {
    /// When a specifier names one, or nothing else satisfies.
    #[default]
    IfNecessary,
    /// Always.
    Allow,
}
