//! What the user said of a project, as far as it holds in the region.

use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{MarkerTree, PackageName};
use pubgrub::{DerivationTree, External};
use version_ranges::Ranges;

use crate::edges::Unavailable;
use crate::needs::{Need, Needs};
use crate::project::{Asked, Project, Unusable, Wishes, pins};
use crate::provider::{Provider, Set};
use crate::region::Fit;
use crate::request::Root;
use crate::resolution::Proof;

/// So many yanked versions of a project are tried where there is no solution without.
const MOST_YANKED: usize = 16;

/// The versions that a proof finds missing, or for other Pythons.
fn missing(proof: &Proof) -> Vec<(Rc<Project>, Set)> {
    let (mut found, mut seen, mut open) = (Vec::new(), HashSet::new(), vec![proof]);
    while let Some(node) = open.pop() {
        match node {
            DerivationTree::Derived(derived) => {
                let causes = [&derived.cause1, &derived.cause2].into_iter();
                open.extend(causes.filter(|cause| seen.insert(Arc::as_ptr(cause))).map(Arc::as_ref));
            }
            DerivationTree::External(
                External::NoVersions(package, set) | External::Custom(package, set, Unavailable::Python(_)),
            ) => {
                found.extend(package.project().map(|project| (Rc::clone(project), set.clone())));
            }
            DerivationTree::External(_) => {}
        }
    }
    found
}

impl Provider<'_> {
    /// What holds for a project whatever the solver decides.
    pub(crate) fn wishes(&self, name: &PackageName) -> Wishes {
        let assumed = self.assumed.as_ref().filter(|it| it.name == *name).map(|it| it.version.clone());
        let mut wishes = Wishes {
            preferred: self.preferred(name),
            admitted: self.admitted(name),
            elsewhere: self.memory.elsewhere.borrow().contains(name),
            prereleases: self.request.prerelease_projects.contains(name) || assumed.is_some(),
            assumed,
            ..Wishes::default()
        };
        if wishes.elsewhere {
            let known = self.memory.needs.borrow();
            let late = known.iter().filter(|((of, _), needs)| of == name && self.is_for_others(needs));
            wishes.late = late.map(|((_, version), _)| version.clone()).collect();
        }
        for need in self.roots_of(name) {
            wishes.direct = true;
            if self.region.is_all(&need.marker) {
                wishes.pins.extend(self.specifiers(need).into_iter().flat_map(pins));
            }
        }
        let named = |root: &&Root| root.requirement.name == *name;
        for root in self.request.overrides.iter().chain(&self.request.constraints).filter(named) {
            let need =
                Need { requirement: root.requirement.clone(), marker: root.requirement.marker.clone() };
            if self.region.counts(&need.marker) && self.region.is_all(&need.marker) {
                wishes.pins.extend(self.specifiers(&need).into_iter().flat_map(pins));
            }
        }
        for constraint in self.request.constraints.iter().filter(|root| root.requirement.name == *name) {
            let marker = &constraint.requirement.marker;
            if !self.region.counts(marker) {
                continue;
            }
            let need = Need { requirement: constraint.requirement.clone(), marker: marker.clone() };
            let asked = match self.specifiers(&need) {
                Some(specifiers) => Asked::new(specifiers, Some(&constraint.origin)),
                // No release of an index is what an address names.
                None => Asked {
                    set: Ranges::empty(),
                    ..Asked::new(&VersionSpecifiers::empty(), Some(&constraint.origin))
                },
            };
            if self.region.is_all(marker) {
                wishes.constraints.push(asked);
            } else {
                wishes.partial.push((asked, marker.clone()));
            }
        }
        wishes
    }

    fn admitted(&self, name: &PackageName) -> BTreeSet<Version> {
        let admitted = self.memory.admitted.borrow();
        admitted.iter().filter(|(of, _)| of == name).map(|(_, version)| version.clone()).collect()
    }

    /// Whether to solve the region once more, now that there is no solution: with the yanked versions of the proof, which
    /// stand where a chosen version pins them, and with those that are for other wheels or Pythons of the universe; or, where
    /// that was in vain, without them to tell the story.
    ///
    /// "Yanked files are always ignored, unless they are the only file that matches a version specifier that \"pins\" to an
    /// exact version" (PEP 592). Of wheels no specification says that a release has to have one for every environment of a
    /// lock, and of Pythons the upper bound does not count in a range; were either asked of a region, a split for the sake of
    /// some other project would refuse what is taken without it.
    pub(crate) fn is_to_be_tried_again(&self, proof: &Proof) -> bool {
        if self.memory.given_up.get() {
            return false;
        }
        let mut admitted = self.memory.admitted.borrow_mut();
        let mut elsewhere = self.memory.elsewhere.borrow_mut();
        let mut any = false;
        for (project, set) in missing(proof) {
            let Some(offers) = project.offers() else { continue };
            let is_yanked = |(at, version): &(usize, &Version)| {
                let why = project.wheels(offers, *at, self.region).err();
                set.contains(version) && matches!(why, Some(Unusable::Yanked(_)))
            };
            for (_, version) in offers.iter().rev().filter(is_yanked).take(MOST_YANKED) {
                any |= admitted.insert((project.name.clone(), version.clone()));
            }
            let is_for_others = |(at, version): (usize, &Version)| {
                let known = self.memory.needs.borrow();
                let by_metadata = || known.get(&(project.name.clone(), version.clone()));
                set.contains(version)
                    && (project.would_be_elsewhere(offers, at, self.region)
                        || by_metadata().is_some_and(|needs| self.is_for_others(needs)))
            };
            if offers.iter().any(is_for_others) {
                any |= elsewhere.insert(project.name.clone());
            }
        }
        if any || (admitted.is_empty() && elsewhere.is_empty()) {
            return any;
        }
        admitted.clear();
        elsewhere.clear();
        self.memory.given_up.set(true);
        true
    }

    /// Whether metadata name Pythons of other regions alone.
    fn is_for_others(&self, needs: &Needs) -> bool {
        needs.requires_python.as_ref().is_some_and(|it| {
            self.region.python(it) == Fit::Nowhere && self.region.python_elsewhere(it) != Fit::Nowhere
        })
    }

    /// Where a version can be had that was passed over for being for a part of the region's Pythons alone, now that there is
    /// no solution without: of the first project that has one, the newest. (Where versions for newer Pythons are worth a
    /// fork, none is passed over.)
    pub(crate) fn passed_over(&self, proof: &Proof) -> Option<MarkerTree> {
        let part = |specifiers: &VersionSpecifiers| match self.region.python(specifiers) {
            Fit::Part(marker) => Some(marker),
            Fit::All | Fit::Nowhere => None,
        };
        let of_metadata = |project: &Project, version: &Version| {
            let known = self.memory.needs.borrow();
            let needs = known.get(&(project.name.clone(), version.clone()))?;
            needs.requires_python.as_ref().and_then(part)
        };
        let newest = |(project, set): (Rc<Project>, Set)| {
            let offers = project.offers()?;
            let mut taken = offers.iter().rev().filter(|(_, version)| set.contains(version));
            taken.find_map(|(at, version)| {
                let mut wheels = project.passed_over(offers, at, self.region);
                wheels.find_map(part).or_else(|| of_metadata(&project, version))
            })
        };
        if self.region.forks_by_python() { None } else { missing(proof).into_iter().find_map(newest) }
    }

    /// The versions to prefer: those that a standing lock has in these environments, then those of the regions that are
    /// solved, then what the standing lock has elsewhere.
    fn preferred(&self, name: &PackageName) -> Vec<Version> {
        let standing = self.request.preferences.get(name).map(Vec::as_slice).unwrap_or_default();
        let (mut here, elsewhere): (Vec<_>, Vec<_>) =
            standing.iter().partition(|preference| self.region.counts(&preference.marker));
        // In the order in which they are tried: where the first is not for all of the region, the region forks as it did.
        here.sort_by(|a, b| b.version.cmp(&a.version));
        let direct = self.roots_of(name).next().is_some();
        if self.policy.is_lowest(direct) {
            here.reverse();
        }
        let chosen = self.memory.chosen.borrow();
        let chosen = chosen.get(name).into_iter().flatten();
        let here = here.into_iter().map(|preference| &preference.version);
        let mut list: Vec<Version> = Vec::new();
        for version in here.chain(chosen).chain(elsewhere.into_iter().map(|preference| &preference.version)) {
            if !list.contains(version) {
                list.push(version.clone());
            }
        }
        list
    }
}
