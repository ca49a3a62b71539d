//! What is asked of the resolver.

use std::collections::BTreeMap;

use pep440_rs::Version;
use pep508_rs::{MarkerEnvironment, PackageName, Requirement, VerbatimUrl};

use crate::tags::Tags;

/// Everything that a solve depends on, besides the facts.
#[derive(Debug, Clone)]
pub struct Request {
    /// The requirements of the user.
    pub roots: Vec<Root>,
    /// Constraints: they bind a version where the name comes in otherwise.
    pub constraints: Vec<Root>,
    /// The environment to solve for.
    pub target: Target,
    /// Which versions are preferred.
    pub strategy: Strategy,
    /// When pre-releases are taken.
    pub prereleases: Prereleases,
    /// Versions to prefer where they are allowed: those of a standing lock.
    pub preferences: BTreeMap<PackageName, Version>,
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
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// On the command line.
    CommandLine,
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
