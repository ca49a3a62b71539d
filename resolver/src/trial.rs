//! Whether a hint helps: the same requirements once more, as if it had been followed.
//!
//! Owns the trials. Never: tells of a way out that was tried and leads nowhere. What cannot be tried, since a fact cannot be
//! had, is told.

use std::collections::BTreeSet;

use pep440_rs::Version;
use pep508_rs::{MarkerTree, PackageName};

use crate::fork;
use crate::memory::Stop;
use crate::provider::Provider;
use crate::region::Region;
use crate::request::{Request, Scope};
use crate::resolution::{Unsolved, solve_region};
use crate::story::{Explanation, HintKind};

/// So many versions are tried for one story; each costs a solve.
const MOST_TRIALS: usize = 12;
/// So many regions of one trial.
const MOST_REGIONS: usize = 8;

/// A version that is taken whatever its age, whether it was yanked, and if it is a pre-release; and no other of its project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assumed {
    pub(crate) name: PackageName,
    pub(crate) version: Version,
}

impl Explanation {
    /// Leaves out the hints that do not help. Of those of one kind for one project the first that does stays.
    pub(crate) fn tried(mut self, request: &Request, like: &Provider<'_>) -> Self {
        let mut settled: BTreeSet<(HintKind, Option<PackageName>)> = BTreeSet::new();
        let mut trials = 0;
        self.hints.retain(|hint| {
            let Some(version) = &hint.version else { return true };
            let group = (hint.kind, hint.package.clone());
            let (Some(name), false) = (&hint.package, settled.contains(&group)) else { return false };
            trials += 1;
            let assumed = Assumed { name: name.clone(), version: version.clone() };
            let helps = trials <= MOST_TRIALS && helps(&assumed, request, like);
            if helps {
                settled.insert(group);
            }
            helps
        });
        self.cut_hints()
    }
}

/// Whether there is a solution with this version. In a universe that is asked of each of its regions by itself.
fn helps(assumed: &Assumed, request: &Request, like: &Provider<'_>) -> bool {
    let mut open = match (&request.scope, like.region) {
        (Scope::Universal(_), Region::Many(many)) => vec![many.side.clone()],
        _ => vec![MarkerTree::TRUE],
    };
    for _ in 0..MOST_REGIONS {
        let Some(side) = open.pop() else { return true };
        let here = like.region.with_side(side.clone());
        let region = here.as_ref().unwrap_or(like.region);
        let provider = Provider::new(request, region, like.facts, like.memory).assuming(assumed.clone());
        match solve_region(&provider) {
            Ok(_) => {}
            // What cannot be known is not held against it.
            Err(Unsolved::Stop(Stop::Facts(_))) => return true,
            Err(Unsolved::Stop(Stop::Again(name))) => {
                like.memory.press(name);
                open.push(side);
            }
            Err(Unsolved::Stop(Stop::Split(along))) => open.extend(region.split(&side, &along)),
            Err(Unsolved::NoSolution(proof)) => match fork::conflict_marker(&provider, &proof) {
                Some(along) => open.extend(region.split(&side, &along)),
                None => return false,
            },
        }
    }
    true
}
