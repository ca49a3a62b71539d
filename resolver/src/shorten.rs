//! A shorter story: the fewest of the user's requirements that still leave no solution, told of all the environments in
//! which they leave none.
//!
//! Owns the search for both. It asks for no fact that is not known yet: where one would be needed, the requirement stays.

use std::collections::BTreeSet;
use std::sync::Arc;

use pep440_rs::Version;
use pep508_rs::{MarkerTree, PackageName};

use crate::ahead::Hint;
use crate::explain;
use crate::facts::{Candidates, Dependencies, Facts, FactsError};
use crate::fork;
use crate::markers;
use crate::memory::Stop;
use crate::provider::Provider;
use crate::ranges;
use crate::region::Region;
use crate::request::{Request, Root, Scope};
use crate::resolution::{Proof, Unsolved, solve_region};
use crate::story::Explanation;
use crate::wheel_name::WheelName;

/// Each requirement that may be left out costs a solve.
const MOST_TRIED: usize = 32;

/// The story of a failed solve, without the requirements that it does without.
pub(crate) fn explain(provider: &Provider<'_>, proof: Proof) -> Explanation {
    let named: BTreeSet<PackageName> = fork::requirements(&proof)
        .into_iter()
        .filter_map(|(who, what)| who.is_none().then_some(what))
        .collect();
    let involved = |root: &&Root| named.contains(&root.requirement.name) || asks_for_prereleases(root);
    let mut request = provider.request.clone();
    request.roots = provider.request.roots.iter().filter(involved).cloned().collect();
    if request.roots.len() > MOST_TRIED || no_solution(&request, provider).is_none() {
        return explain::explain(provider, proof).tried(provider.request, provider);
    }
    for at in (0..request.roots.len()).rev() {
        let mut fewer = request.clone();
        let left_out = fewer.roots.remove(at);
        // Without it, what it lets in would be told as missing.
        if !asks_for_prereleases(&left_out) && no_solution(&fewer, provider).is_some() {
            request = fewer;
        }
    }
    let story = no_solution(&request, provider).unwrap_or_else(|| explain::explain(provider, proof));
    widest(&request, provider, &story).unwrap_or(story).tried(&request, provider)
}

/// The story where it holds in more environments than those of the region that it was found in.
fn widest(request: &Request, like: &Provider<'_>, story: &Explanation) -> Option<Explanation> {
    let Scope::Universal(universe) = &request.scope else { return None };
    let mut whole = markers::world().clone();
    whole.and(universe.marker.clone());
    let region = |side: &MarkerTree| Region::many(&whole, side.clone(), universe, request.fork_strategy);
    let mut open = vec![MarkerTree::TRUE];
    let (mut all, mut alike) = (MarkerTree::FALSE, MarkerTree::FALSE);
    for _ in 0..MOST_TRIED {
        let Some(side) = open.pop() else { break };
        let here = region(&side);
        let provider = Provider::new(request, &here, &NothingNew, like.memory);
        match solve_region(&provider) {
            Err(Unsolved::NoSolution(proof)) => match fork::conflict_marker(&provider, &proof) {
                Some(along) => open.extend(fork::split(&whole, &side, &along)),
                None => {
                    all.or(side.clone());
                    if explain::explain(&provider, *proof).facts == story.facts {
                        alike.or(side);
                    }
                }
            },
            Err(Unsolved::Stop(Stop::Split(along))) => open.extend(fork::split(&whole, &side, &along)),
            // What is not known is not told of.
            Ok(_) | Err(Unsolved::Stop(_)) => {}
        }
    }
    let whole_story = |side: &MarkerTree| {
        let here = region(side);
        let provider = Provider::new(request, &here, &NothingNew, like.memory);
        told(&provider)
    };
    whole_story(&all).or_else(|| {
        let environments = region(&alike).words();
        (!alike.is_false()).then(|| Explanation { environments, ..story.clone() })
    })
}

fn asks_for_prereleases(root: &Root) -> bool {
    crate::edges::specifiers(&root.requirement, || true).is_some_and(ranges::names_prerelease)
}

/// The story of a request, where what is known by now leaves it without a solution.
fn no_solution(request: &Request, like: &Provider<'_>) -> Option<Explanation> {
    told(&Provider::new(request, like.region, &NothingNew, like.memory))
}

/// The story of a solve, where it has one that holds in the whole of its region.
fn told(provider: &Provider<'_>) -> Option<Explanation> {
    match solve_region(provider) {
        Err(Unsolved::NoSolution(proof)) if fork::conflict_marker(provider, &proof).is_none() => {
            Some(explain::explain(provider, *proof))
        }
        _ => None,
    }
}

/// No facts but those that are remembered.
struct NothingNew;

impl Facts for NothingNew {
    fn candidates(&self, name: &PackageName) -> Result<Arc<Candidates>, FactsError> {
        Err(FactsError(format!("{name} was not asked for").into()))
    }

    fn dependencies(
        &self,
        name: &PackageName,
        version: &Version,
        _wheel: &WheelName,
    ) -> Result<Arc<Dependencies>, FactsError> {
        Err(FactsError(format!("{name} {version} was not asked for").into()))
    }

    fn hint(&self, _soon: &[Hint]) {}
}
