//! The resolver of pipward: requirements and facts in, a resolution or an explanation out.
//!
//! No I/O happens here: facts come through [`Facts`], time and environment are arguments.

#![forbid(unsafe_code)]

pub use pep440_rs::{Version, VersionSpecifiers};
pub use pep508_rs::{
    ExtraName, ExtraOperator, MarkerEnvironment, MarkerExpression, MarkerTree, MarkerValueExtra, PackageName,
    Requirement, VerbatimUrl,
};

mod ahead;
mod answer;
mod edges;
mod explain;
pub mod facts;
mod fork;
mod help;
mod hints;
mod kept;
pub mod markers;
mod memory;
pub mod moment;
mod needed;
mod needs;
mod package;
pub mod platform;
mod prefer;
mod project;
mod provider;
pub mod ranges;
mod reach;
pub mod recorded;
mod region;
mod releases;
pub mod request;
pub mod resolution;
mod shorten;
mod split;
mod story;
pub mod tags;
pub mod target;
mod trial;
mod usable;
mod versions;
pub mod wheel_name;
mod wishes;

pub use facts::{
    CandidateWheel, Candidates, Dependencies, Facts, FactsError, Release, Releases, Shelf, Wheels,
};
pub use moment::{TooNew, UploadTime};
pub use platform::{Platform, UnknownPlatform};
pub use recorded::Recorded;
pub use request::{
    ForkStrategy, Origin, Preference, Prereleases, Request, Root, Scope, Strategy, Target, Universe,
};
pub use resolution::{Resolution, ResolvedDependency, ResolvedPackage, SolveError, solve};
pub use story::{Explanation, Fact, FactKind, Hint, HintKind};
pub use tags::{PythonBuild, Tag, Tags};
pub use target::UnknownPython;
pub use wheel_name::{WheelName, WheelNameError};
