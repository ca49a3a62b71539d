//! The answer: from the solver's decisions to what is locked.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use pep440_rs::Version;
use pep508_rs::{ExtraName, MarkerTree, PackageName};
use pubgrub::{PubGrubError, SelectedDependencies};

use crate::explain::{self, Explanation};
use crate::facts::{CandidateWheel, Dependencies, Facts, FactsError};
use crate::package::Package;
use crate::project::Project;
use crate::provider::{Provider, root_version};
use crate::request::Request;
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
    let provider = Provider::new(request, facts);
    loop {
        let decisions: Vec<(Package, Version)> = decide(&provider)?.into_iter().collect();
        // Each round bans a version, so they end; it is not run to learn a fact.
        if !provider.ban_unasked(&decisions) {
            return assemble(&provider, decisions).map_err(SolveError::Facts);
        }
    }
}

fn decide(provider: &Provider<'_>) -> Result<SelectedDependencies<Package, Version>, SolveError> {
    pubgrub::resolve(provider, Package::Root, root_version()).map_err(|error| match error {
        PubGrubError::NoSolution(tree) => SolveError::NoSolution(Box::new(explain::explain(provider, tree))),
        PubGrubError::ErrorRetrievingDependencies { source, .. }
        | PubGrubError::ErrorChoosingVersion { source, .. }
        | PubGrubError::ErrorInShouldCancel(source) => SolveError::Facts(source),
    })
}

/// One project of the answer, with all that is known of its version.
struct Decided {
    project: Rc<Project>,
    version: Version,
    extras: BTreeSet<ExtraName>,
}

fn assemble(
    provider: &Provider<'_>,
    decisions: impl IntoIterator<Item = (Package, Version)>,
) -> Result<Resolution, FactsError> {
    let mut decided: BTreeMap<PackageName, Decided> = BTreeMap::new();
    for (package, version) in decisions {
        let Some(project) = package.project() else { continue };
        let fresh = || Decided { project: Rc::clone(project), version, extras: BTreeSet::new() };
        let entry = decided.entry(project.name.clone()).or_insert_with(fresh);
        entry.extras.extend(package.extra().map(|extra| (**extra).clone()));
    }
    let decided_versions: BTreeMap<PackageName, Version> =
        decided.iter().map(|(name, decided)| (name.clone(), decided.version.clone())).collect();
    let mut resolution =
        Resolution { packages: Vec::new(), universe: MarkerTree::TRUE, warnings: Vec::new() };
    for (name, decided) in &decided {
        let known = provider.dependencies(&decided.project, &decided.version)?;
        let wheels = wheels(provider, decided);
        resolution.warnings.extend(yanked_warning(name, &decided.version, &wheels));
        resolution.warnings.extend(extra_warnings(provider, name, decided, &known));
        let needed = dependencies(provider, name, decided, &known).into_iter().filter_map(|name| {
            let version = decided_versions.get(&name)?.clone();
            Some(ResolvedDependency { name, version, marker: MarkerTree::TRUE })
        });
        resolution.packages.push(ResolvedPackage {
            name: name.clone(),
            version: decided.version.clone(),
            marker: MarkerTree::TRUE,
            extras: decided.extras.clone(),
            dependencies: needed.collect(),
            wheels: wheels.into_iter().map(|wheel| wheel.name.clone()).collect(),
        });
    }
    Ok(resolution)
}

fn wheels<'d>(provider: &Provider<'_>, decided: &'d Decided) -> Vec<&'d CandidateWheel> {
    let Some(offers) = decided.project.offers() else { return Vec::new() };
    let Some(at) = offers.position(&decided.version) else { return Vec::new() };
    decided.project.wheels(offers, at, provider.judge()).map(Iterator::collect).unwrap_or_default()
}

/// The names that the version requires in the target environment, with and without its extras, itself left out.
fn dependencies(
    provider: &Provider<'_>,
    name: &PackageName,
    decided: &Decided,
    known: &Arc<Dependencies>,
) -> BTreeSet<PackageName> {
    let extras = std::iter::once(None).chain(decided.extras.iter().map(Some));
    extras
        .flat_map(|extra| provider.active(known, extra))
        .map(|requirement| requirement.name.clone())
        .filter(|required| required != name)
        .collect()
}

/// "Installers SHOULD [...] emit a warning" with the reason when a yanked release is taken (PEP 592).
fn yanked_warning(name: &PackageName, version: &Version, wheels: &[&CandidateWheel]) -> Option<String> {
    let reason = wheels.first()?.yanked.as_deref()?;
    let reason = explain::one_line(reason);
    Some(if reason.is_empty() {
        format!("{name} {version} was yanked, without a reason; it is taken since you pin it.")
    } else {
        format!("{name} {version} was yanked ({reason}); it is taken since you pin it.")
    })
}

fn extra_warnings<'d>(
    provider: &'d Provider<'_>,
    name: &'d PackageName,
    decided: &'d Decided,
    known: &'d Arc<Dependencies>,
) -> impl Iterator<Item = String> + 'd {
    let unknown = decided.extras.iter().filter(|extra| {
        // Old metadata do not list their extras; a requirement that one adds is proof enough.
        !known.extras.contains(extra) && provider.active(known, Some(extra)).next().is_none()
    });
    unknown.map(move |extra| format!("{name} {} has no extra named {extra}.", decided.version))
}
