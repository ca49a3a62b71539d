//! The answer.

use std::collections::{BTreeMap, BTreeSet};

use pep440_rs::Version;
use pep508_rs::{ExtraName, PackageName};

use crate::facts::{Facts, FactsError};
use crate::request::Request;
use crate::wheel_name::WheelName;

/// What to lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The packages by name.
    pub packages: BTreeMap<PackageName, ResolvedPackage>,
    /// Warnings for the user: yanked pins, unknown extras. Each one sentence.
    pub warnings: Vec<String>,
}

/// One package of a resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedPackage {
    /// Its version.
    pub version: Version,
    /// The extras of it that are asked for.
    pub extras: BTreeSet<ExtraName>,
    /// The names it depends on in the target environment, with these extras.
    pub dependencies: BTreeSet<PackageName>,
    /// The wheels of this version that the target takes, best first. Never empty.
    pub wheels: Vec<WheelName>,
}

/// Why there is no resolution.
#[derive(Debug)]
pub enum SolveError {
    /// Nothing satisfies the request. Lines of text, shortest story first, without control characters of ours.
    NoSolution(String),
    /// A fact could not be had.
    Facts(FactsError),
}

/// Solves `request` over `facts`.
///
/// # Errors
/// See [`SolveError`].
pub fn solve(_request: &Request, _facts: &dyn Facts) -> Result<Resolution, SolveError> {
    todo!("resolver")
}
