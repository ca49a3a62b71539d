//! The environments to lock for.

use pipward_resolver::{ExtraOperator, MarkerExpression, MarkerTree, MarkerValueExtra};
use pipward_resolver::{Scope, Target, Universe, VersionSpecifiers, markers};

use crate::config::Optional;
use crate::lock::{LockMarker, build};

/// The environments to lock for.
#[derive(Debug, Clone)]
pub enum Range {
    /// One environment, of which everything is known.
    One(Box<Target>),
    /// Every environment of a range of Pythons.
    Universal(Universal),
}

/// A range of environments.
#[derive(Debug, Clone)]
pub struct Universal {
    /// The Pythons.
    pub requires_python: VersionSpecifiers,
    /// What the environments are limited to; all, if empty.
    pub environments: Vec<LockMarker>,
    /// The environments that must find a wheel of everything.
    pub required: Vec<LockMarker>,
}

impl Range {
    /// As the resolver takes it. Of each set of `conflicts` at most one holds.
    pub(super) fn scope(&self, conflicts: &[Vec<Optional>]) -> Scope {
        match self {
            Self::One(target) => Scope::One(target.clone()),
            Self::Universal(universal) => Scope::Universal(Universe {
                marker: universal.marker(conflicts),
                required: universal.required.iter().map(|marker| marker.tree.clone()).collect(),
            }),
        }
    }

    /// `environments` and `requires-python` of the lock.
    pub(super) fn of_lock(&self) -> (Vec<LockMarker>, Option<VersionSpecifiers>) {
        match self {
            Self::One(target) => (
                build::environment(&target.markers).into_iter().collect(),
                build::requires_python(&target.markers),
            ),
            Self::Universal(universal) => {
                (universal.environments.clone(), Some(universal.requires_python.clone()))
            }
        }
    }
}

impl Universal {
    fn marker(&self, conflicts: &[Vec<Optional>]) -> MarkerTree {
        let mut universe = markers::of_python(&self.requires_python);
        if !self.environments.is_empty() {
            let mut any = MarkerTree::FALSE;
            self.environments.iter().for_each(|marker| any.or(marker.tree.clone()));
            universe.and(any);
        }
        for set in conflicts {
            for (at, one) in set.iter().enumerate() {
                for other in set.iter().skip(at + 1) {
                    let mut both = asked_for(one);
                    both.and(asked_for(other));
                    universe.and(both.negate());
                }
            }
        }
        universe
    }
}

/// Where an extra or a group of the user's own is asked for.
pub(crate) fn asked_for(optional: &Optional) -> MarkerTree {
    match optional.variable().parse() {
        Ok(name) => MarkerTree::expression(MarkerExpression::Extra {
            operator: ExtraOperator::Equal,
            name: MarkerValueExtra::Extra(name),
        }),
        // "e-" before a name is a name.
        Err(_) => MarkerTree::FALSE,
    }
}
