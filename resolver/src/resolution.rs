//! The answer: what is locked, and how a request becomes it.

use std::collections::BTreeSet;

use pep440_rs::Version;
use pep508_rs::{ExtraName, MarkerTree, PackageName};
use pubgrub::{DerivationTree, PubGrubError};

use crate::answer::{self, Part};
use crate::edges::Unavailable;
use crate::facts::{Facts, FactsError};
use crate::fork;
use crate::memory::{Memory, Stop};
use crate::package::Package;
use crate::provider::{Provider, Set, root_version};
use crate::region::Region;
use crate::request::{Request, Scope};
use crate::shorten;
use crate::story::Explanation;
use crate::wheel_name::WheelName;

/// What to lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// The packages, by name and then by version. In a universal resolution a name may have several versions, with
    /// markers that exclude each other.
    pub packages: Vec<ResolvedPackage>,
    /// What holds in every environment of the answer; always true where there is one environment. The markers of the
    /// packages say nothing of other environments.
    pub universe: MarkerTree,
    /// The newest Python that wheels of these projects are named for, the minor number of Python 3: of the versions chosen, and
    /// of the newest final release of each. None where all wheels are for any Python.
    pub newest_minor: Option<u8>,
    /// Warnings for the user: yanked pins, unknown extras. Each one sentence.
    pub warnings: Vec<String>,
}

/// One package of a resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedPackage {
    /// Its name.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// Where it is needed, given the universe; always true where there is one environment.
    pub marker: MarkerTree,
    /// The extras of it that are asked for.
    pub extras: BTreeSet<ExtraName>,
    /// What it depends on with these extras, by name and version.
    pub dependencies: Vec<ResolvedDependency>,
    /// The wheels of this version that some environment takes which needs it, the best first. Never empty.
    pub wheels: Vec<WheelName>,
}

/// One dependency of a resolved package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResolvedDependency {
    /// Its name.
    pub name: PackageName,
    /// The version that was chosen.
    pub version: Version,
    /// Where it is needed, given that the package is.
    pub marker: MarkerTree,
}

/// Why there is no resolution.
#[derive(Debug)]
pub enum SolveError {
    /// Nothing satisfies the request.
    NoSolution(Box<Explanation>),
    /// A fact could not be had.
    Facts(FactsError),
}

/// Solves `request` over `facts`.
///
/// The same request and facts give the same answer, whatever the order in which facts arrive.
///
/// # Errors
/// See [`SolveError`].
pub fn solve(request: &Request, facts: &dyn Facts) -> Result<Resolution, SolveError> {
    let memory = Memory::default();
    let target = match &request.scope {
        Scope::Universal(universe) => return fork::solve(request, universe, facts, &memory),
        Scope::One(target) => target,
    };
    let region = Region::One(target);
    loop {
        let provider = Provider::new(request, &region, facts, &memory);
        let unsolved = match solve_region(&provider) {
            Ok(part) => return Ok(answer::merge(vec![part], &MarkerTree::TRUE)),
            Err(unsolved) => unsolved,
        };
        return Err(match unsolved {
            Unsolved::Stop(Stop::Again(name)) => {
                memory.press(name);
                continue;
            }
            Unsolved::NoSolution(proof) if provider.is_to_be_tried_again(&proof) => continue,
            Unsolved::NoSolution(tree) => {
                SolveError::NoSolution(Box::new(shorten::explain(&provider, *tree)))
            }
            Unsolved::Stop(Stop::Facts(error)) => SolveError::Facts(error),
            // Nothing differs within one environment.
            Unsolved::Stop(stop @ Stop::Split(_)) => SolveError::Facts(FactsError(stop.to_string().into())),
        });
    }
}

/// The proof that there is no solution.
pub(crate) type Proof = DerivationTree<Package, Set, Unavailable>;

/// Why a region has no answer as a whole.
pub(crate) enum Unsolved {
    /// Nothing satisfies the request in it.
    NoSolution(Box<Proof>),
    /// The solve ended early.
    Stop(Stop),
}

impl From<FactsError> for Unsolved {
    fn from(error: FactsError) -> Self {
        Self::Stop(Stop::Facts(error))
    }
}

/// Solves one region.
pub(crate) fn solve_region(provider: &Provider<'_>) -> Result<Part, Unsolved> {
    loop {
        let decided = pubgrub::resolve(provider, Package::Root, root_version());
        let decisions = decided.map_err(|error| match error {
            PubGrubError::NoSolution(tree) => Unsolved::NoSolution(Box::new(tree)),
            PubGrubError::ErrorRetrievingDependencies { source, .. }
            | PubGrubError::ErrorChoosingVersion { source, .. }
            | PubGrubError::ErrorInShouldCancel(source) => Unsolved::Stop(source),
        })?;
        let decisions: Vec<(Package, Version)> = decisions.into_iter().collect();
        // Each round bans a version, so they end; it is not run to learn a fact.
        if !provider.ban_unasked(&decisions) {
            return Ok(answer::part(provider, decisions)?);
        }
    }
}
