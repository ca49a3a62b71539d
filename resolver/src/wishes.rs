//! What the user said of a project, as far as it holds in the region.

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::PackageName;
use version_ranges::Ranges;

use crate::needs::Need;
use crate::project::{Asked, Wishes};
use crate::provider::{Provider, Set};
use crate::ranges;
use crate::request::Root;

/// The versions that specifiers pin exactly.
fn pins(specifiers: &VersionSpecifiers) -> impl Iterator<Item = Set> {
    specifiers.iter().filter(|specifier| ranges::is_pin(specifier)).map(ranges::of_specifier)
}

impl Provider<'_> {
    /// What holds for a project whatever the solver decides.
    pub(crate) fn wishes(&self, name: &PackageName) -> Wishes {
        let mut wishes = Wishes {
            preferred: self.preferred(name),
            prereleases: self.request.prerelease_projects.contains(name),
            ..Wishes::default()
        };
        for (need, _) in self.roots.iter().filter(|(need, _)| need.requirement.name == *name) {
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

    /// The versions to prefer: those that a standing lock has in these environments, then those of the regions that are
    /// solved, then what the standing lock has elsewhere.
    fn preferred(&self, name: &PackageName) -> Vec<Version> {
        let standing = self.request.preferences.get(name).map(Vec::as_slice).unwrap_or_default();
        let (mut here, elsewhere): (Vec<_>, Vec<_>) =
            standing.iter().partition(|preference| self.region.counts(&preference.marker));
        // In the order in which they are tried: where the first is not for all of the region, the region forks as it did.
        here.sort_by(|a, b| b.version.cmp(&a.version));
        let direct = self.roots.iter().any(|(need, _)| need.requirement.name == *name);
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
