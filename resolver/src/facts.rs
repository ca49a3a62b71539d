//! What the resolver may ask of the world, and the shape of the answers.

use std::fmt;
use std::sync::Arc;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, PackageName, Requirement, VerbatimUrl};

use crate::moment::TooNew;
pub use crate::releases::{Releases, Shelf, Wheels};
use crate::wheel_name::WheelName;

/// The source of facts: an index, or a recording of one.
///
/// Calls block. An implementation prefetches what it was hinted at.
pub trait Facts {
    /// All releases of a project. `known` is false where no index has the project.
    fn candidates(&self, name: &PackageName) -> Result<Arc<Candidates>, FactsError>;
    /// What one wheel of a release depends on.
    fn dependencies(
        &self,
        name: &PackageName,
        version: &Version,
        wheel: &WheelName,
    ) -> Result<Arc<Dependencies>, FactsError>;
    /// Names (and, where known, versions with their wheel) that are likely to be asked for soon.
    fn hint(&self, soon: &[(PackageName, Option<(Version, WheelName)>)]);
}

/// A fact that could not be had. It stops the solve: no result may depend on a missing answer.
#[derive(Debug)]
pub struct FactsError(pub Box<dyn std::error::Error + Send + Sync>);

impl fmt::Display for FactsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl std::error::Error for FactsError {}

/// The releases of one project.
#[derive(Debug, Clone, Default)]
pub struct Candidates {
    /// Whether any index has the project at all.
    pub known: bool,
    /// The releases, oldest first.
    pub releases: Releases,
}

/// The files of one release.
#[derive(Debug, Clone, Default)]
pub struct Release {
    /// Its wheels.
    pub wheels: Wheels,
    /// Whether it has a source distribution.
    pub has_sdist: bool,
    /// Why the source distribution is too new, where it is: words alone depend on it.
    pub new_sdist: Option<TooNew>,
}

/// One wheel that an index offers.
#[derive(Debug, Clone)]
pub struct CandidateWheel {
    /// Its parsed file name.
    pub name: WheelName,
    /// The Pythons it is for, as the index says.
    pub requires_python: Option<VersionSpecifiers>,
    /// The reason for which it was yanked (PEP 592); empty when none was given.
    pub yanked: Option<String>,
    /// Why it is too new, where it is: uploaded after the cutoff, or without upload time under an explicit one.
    pub too_new: Option<TooNew>,
}

/// The part of core metadata that a resolver reads.
#[derive(Debug, Clone, Default)]
pub struct Dependencies {
    /// `Requires-Dist`.
    pub requires: Vec<Requirement<VerbatimUrl>>,
    /// `Provides-Extra`.
    pub extras: Vec<ExtraName>,
    /// `Requires-Python`.
    pub requires_python: Option<VersionSpecifiers>,
    /// Why the metadata cannot be read, where they are there but malformed: the version is then no candidate.
    pub malformed: Option<String>,
}
