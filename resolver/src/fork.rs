//! Universal resolution: one answer for every environment of a universe.
//!
//! Owns the regions. The universe starts as one region, which is solved as if it were one environment in which every
//! requirement counts that holds somewhere. Where that cannot be told for all of it at once, the solve stops with a marker,
//! and both sides of the marker are solved by themselves:
//!
//! - the best version of a project is for newer Pythons alone, or has no wheel for a required environment;
//! - one list of requirements names a project under different markers, and their best versions differ;
//! - a constraint holds in a part of the region, and the best version is outside of it;
//! - there is no solution, and a requirement of the proof holds in a part of the region alone.
//!
//! Each split makes the regions smaller along a marker that somebody wrote, so splitting ends. Versions chosen in one
//! region are preferred in the next, the one with the newer Python first. Regions never look at each other otherwise, and
//! their order comes from the markers, so that the answer does not depend on the order in which facts arrive.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use pep508_rs::MarkerTree;
use pubgrub::{DerivationTree, External};

use crate::answer::{self, Part};
use crate::facts::Facts;
use crate::kept::{self, Solved};
use crate::markers;
use crate::memory::{Memory, Stop};
use crate::package::Package;
use crate::provider::{Edge, Provider};
use crate::region::Region;
use crate::request::{Request, Universe};
use crate::resolution::{Proof, Resolution, SolveError, Unsolved, solve_region};
use crate::shorten;
use crate::story::{Explanation, Fact, FactKind, Hint, HintKind};

/// More solves than this come from metadata that were made to be split.
const MOST_SOLVES: usize = 1024;

/// Solves for all environments of a universe.
pub(crate) fn solve(
    request: &Request,
    universe: &Universe,
    facts: &dyn Facts,
    memory: &Memory,
) -> Result<Resolution, SolveError> {
    let mut whole = markers::world().clone();
    whole.and(universe.marker.clone());
    let mut open = vec![MarkerTree::TRUE];
    let mut solved: Vec<Part> = Vec::new();
    for solves in 1.. {
        let Some(side) = open.pop() else { break };
        let region = Region::many(&whole, side.clone(), universe, request.fork_strategy);
        let provider = Provider::new(request, &region, facts, memory);
        let along = match solve_region(&provider) {
            Ok(part) => {
                prefer(memory, &part);
                solved.push(part);
                continue;
            }
            Err(Unsolved::Stop(Stop::Facts(error))) => return Err(SolveError::Facts(error)),
            Err(Unsolved::Stop(Stop::Again(name))) => {
                memory.press(name);
                open.push(side);
                continue;
            }
            Err(Unsolved::Stop(Stop::Split(along))) => along,
            Err(Unsolved::NoSolution(proof)) => match conflict_marker(&provider, &proof) {
                Some(along) => {
                    memory.given_up.set(false);
                    along
                }
                None if provider.is_to_be_tried_again(&proof) => {
                    open.push(side);
                    continue;
                }
                None => return Err(SolveError::NoSolution(Box::new(shorten::explain(&provider, *proof)))),
            },
        };
        if solves == MOST_SOLVES {
            return Err(too_many());
        }
        open.extend(split(&whole, &side, &along));
    }
    let all = Solved { request, universe, facts, memory, whole: &whole, parts: &solved };
    let kept = kept::keep(all).map_err(SolveError::Facts)?;
    if let Some(kept) = kept {
        solved = vec![kept];
    }
    Ok(answer::merge(solved, &whole))
}

/// Both sides of a marker, the one to be solved first at the end: that which reaches the newer Python, then that which starts
/// at the newer one, then that where it holds.
pub(crate) fn split(whole: &MarkerTree, side: &MarkerTree, along: &MarkerTree) -> [MarkerTree; 2] {
    let both = |a: &MarkerTree, b: &MarkerTree| {
        let mut both = a.clone();
        both.and(b.clone());
        both
    };
    let (inside, outside) = (both(side, along), both(side, &along.negate()));
    let pythons = |side: &MarkerTree| {
        let region = both(whole, side);
        let (least, most) = (markers::lower_bound_of(&region), markers::upper_bound_of(&region));
        // Without an end is higher than any end.
        (most.is_none(), most, least)
    };
    match pythons(&outside).cmp(&pythons(&inside)) {
        Ordering::Greater => [inside, outside],
        Ordering::Less | Ordering::Equal => [outside, inside],
    }
}

fn prefer(memory: &Memory, part: &Part) {
    let mut chosen = memory.chosen.borrow_mut();
    for package in &part.packages {
        let known = chosen.entry(package.name.clone()).or_default();
        if !known.contains(&package.version) {
            known.push(package.version.clone());
        }
    }
}

/// A marker that divides the requirements of a proof, the user's own first; or one beside which a version can be had that
/// was passed over.
pub(crate) fn conflict_marker(provider: &Provider<'_>, proof: &Proof) -> Option<MarkerTree> {
    let partial = provider.partial.borrow();
    let involved = requirements(proof);
    let mut found = involved.iter().filter_map(|edge| partial.get(edge)?.first());
    found.next().cloned().or_else(|| provider.passed_over(proof))
}

/// Who requires what in a proof.
pub(crate) fn requirements(proof: &Proof) -> BTreeSet<Edge> {
    let name = |package: &Package| package.project().map(|project| project.name.clone());
    let mut edges = BTreeSet::new();
    let mut seen: HashSet<*const Proof> = HashSet::new();
    let mut open: Vec<&Proof> = vec![proof];
    while let Some(node) = open.pop() {
        match node {
            DerivationTree::Derived(derived) => {
                let causes = [&derived.cause1, &derived.cause2];
                open.extend(
                    causes.into_iter().filter(|cause| seen.insert(Arc::as_ptr(cause))).map(Arc::as_ref),
                );
            }
            DerivationTree::External(External::FromDependencyOf(who, _, what, _)) => {
                edges.extend(name(what).map(|what| (name(who), what)));
            }
            DerivationTree::External(_) => {}
        }
    }
    edges
}

fn too_many() -> SolveError {
    SolveError::NoSolution(Box::new(Explanation {
        environments: None,
        facts: vec![Fact::new(
            FactKind::Rest,
            None,
            format!(
                "{MOST_SOLVES} sets of environments were tried, and the requirements still differ within one"
            ),
        )],
        hints: vec![Hint::new(
            HintKind::Environments,
            None,
            "narrow requires-python, or declare the environments to lock for".to_owned(),
        )],
        waits: false,
    }))
}
