//! What outlives the solve of one region: facts that were learned, and why a solve ended early.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use pep440_rs::Version;
use pep508_rs::{MarkerTree, PackageName};

use crate::facts::{Candidates, FactsError};
use crate::needs::{Needs, Parted};

/// What ends a solve early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A fact could not be had.
    Facts(FactsError),
    /// The answer differs along this marker: each side is to be solved by itself.
    Split(MarkerTree),
    /// A project lost many versions to what was decided before it: the same again, and it is decided first.
    Again(PackageName),
}

impl From<FactsError> for Stop {
    fn from(error: FactsError) -> Self {
        Self::Facts(error)
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Facts(error) => error.fmt(f),
            Self::Split(_) => f.write_str("the answer is not the same in all environments"),
            Self::Again(name) => write!(f, "{name} is to be decided first"),
        }
    }
}
impl std::error::Error for Stop {}

/// What was learned in the regions of one resolution: no fact is asked for twice.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) candidates: RefCell<HashMap<PackageName, Arc<Candidates>>>,
    pub(crate) needs: RefCell<HashMap<(PackageName, Version), Arc<Needs>>>,
    /// The markers of requirements.
    pub(crate) parted: Parted,
    /// The versions that were chosen in regions that are solved, in the order of the regions.
    pub(crate) chosen: RefCell<HashMap<PackageName, Vec<Version>>>,
    /// The yanked versions that may be taken where a chosen version pins them, since there is no solution without.
    pub(crate) admitted: RefCell<BTreeSet<(PackageName, Version)>>,
    /// The projects of which a version may be taken that has wheels for other environments of the universe alone, since
    /// there is no solution without.
    pub(crate) elsewhere: RefCell<BTreeSet<PackageName>>,
    /// Whether there is no solution with those either: none is looked for any more, and the story is told without.
    pub(crate) given_up: Cell<bool>,
    /// The projects that are decided first, in every region.
    pub(crate) urgent: RefCell<HashSet<PackageName>>,
}

impl Memory {
    /// Has a project decided first from now on.
    pub(crate) fn press(&self, name: PackageName) {
        self.urgent.borrow_mut().insert(name);
    }
}
