//! Where one list of requirements asks for different versions in different environments.

use std::collections::BTreeMap;

use pep440_rs::VersionSpecifiers;
use pep508_rs::{MarkerTree, PackageName};

use crate::ahead::Hint;
use crate::facts::CandidateWheel;
use crate::markers::{self, Usual};
use crate::memory::Stop;
use crate::needs::Need;
use crate::project::{Offers, Project};
use crate::provider::{Provider, Set};
use crate::ranges;
use crate::region::Region;

/// So many versions are looked through for one with a wheel where it is needed.
const MOST_LOOKED_AT: usize = 64;

impl Provider<'_> {
    /// Stops where one list names a project several times under different markers, and the best version is not the same
    /// on both sides of one of them.
    pub(crate) fn fork<'n>(
        &self,
        of: Option<&PackageName>,
        list: impl Iterator<Item = &'n Need>,
    ) -> Result<(), Stop> {
        let Region::Many(_) = self.region else { return Ok(()) };
        let mut by_name: BTreeMap<&PackageName, Vec<&Need>> = BTreeMap::new();
        for need in list.filter(|need| Some(&need.requirement.name) != of) {
            by_name.entry(&need.requirement.name).or_default().push(need);
        }
        by_name.retain(|_, needs| needs.iter().any(|need| !self.region.is_all(&need.marker)));
        if !self.region.forks_by_python() {
            // A version for newer Pythons alone would be passed over, though only newer Pythons ask for it.
            let partial = by_name.values().flatten().filter(|need| !self.region.is_all(&need.marker));
            if let Some(marker) = partial.filter_map(|need| self.region.raised_by(&need.marker)).next() {
                return Err(Stop::Split(marker));
            }
        }
        let soon: Vec<Hint> = by_name.keys().map(|name| ((*name).clone(), None)).collect();
        if !soon.is_empty() {
            self.facts.hint(&soon);
        }
        for (name, needs) in by_name {
            let project = self.project(name);
            let offers = self.offers(&project)?;
            let sets: Vec<Set> = needs
                .iter()
                .map(|need| self.specifiers(need).map_or_else(Set::full, ranges::of_specifiers))
                .collect();
            let best = |set: &Set| self.policy.order(&project, offers, set, self.region).next();
            // Where one is needed, the best whose files are for a Python there, one with a wheel there before others.
            let best_there = |need: &Need, set: &Set| {
                let there = self.region.part_where(&need.marker);
                let fits = |at: usize, fit: &dyn Fn(&CandidateWheel, &MarkerTree) -> bool| {
                    let any = |there: &MarkerTree| {
                        let wheels = project.wheels(offers, at, self.region).ok();
                        wheels.into_iter().flatten().any(|wheel| fit(wheel, there))
                    };
                    there.as_ref().is_none_or(any)
                };
                let python = |wheel: &CandidateWheel, there: &MarkerTree| {
                    let is_for = |it: &VersionSpecifiers| markers::overlaps(there, &markers::of_python(it));
                    wheel.requires_python.as_ref().is_none_or(is_for)
                };
                let both = |wheel: &CandidateWheel, there: &MarkerTree| {
                    python(wheel, there) && markers::takes(there, &wheel.name)
                };
                let order = || self.policy.order(&project, offers, set, self.region).take(MOST_LOOKED_AT);
                order().find(|at| fits(*at, &both)).or_else(|| order().find(|at| fits(*at, &python)))
            };
            let all = sets.iter().fold(Set::full(), |all, set| all.intersection(set));
            let shared = best(&all);
            // What one of them alone would take is the best that any part of the region can get.
            let differs = |(need, set): &(&&Need, &Set)| {
                let alone = needs.iter().all(|other| other.marker == need.marker);
                match alone {
                    true => {
                        shared.is_some()
                            && !self.region.is_all(&need.marker)
                            && best_there(need, &all) != shared
                    }
                    false => shared.is_none() || best_there(need, set) != shared,
                }
            };
            if !needs.iter().zip(&sets).any(|pair| differs(&pair)) {
                continue;
            }
            let mut partial = needs.iter().zip(&sets).filter(|(need, _)| !self.region.is_all(&need.marker));
            let Some((need, set)) = partial.next() else { continue };
            // What is chosen first is preferred on the other side: nobody is to be held back by an older version there.
            let others = needs.iter().zip(&sets).filter(|(other, _)| other.marker != need.marker);
            let elsewhere = others.filter_map(|(_, set)| best(set)).min();
            let older = elsewhere > best(set) && !self.policy.is_lowest(project.wishes.direct);
            return Err(Stop::Split(if older { need.marker.negate() } else { need.marker.clone() }));
        }
        Ok(())
    }

    /// The place of the version to choose. Where environments are declared that must find wheels, the usual others are not
    /// forgotten for them: each gets a version with a wheel for it, as long as one of the versions looked at has one.
    pub(crate) fn best(&self, project: &Project, offers: &Offers, set: &Set) -> Result<Option<usize>, Stop> {
        let order = || self.policy.order(project, offers, set, self.region).take(MOST_LOOKED_AT);
        let Some(best) = order().next() else { return Ok(None) };
        let usual = self.region.usual();
        let served = |at: usize| -> Vec<&Usual> {
            let wheels = || project.wheels(offers, at, self.region).into_iter().flatten();
            let is_served = |it: &&Usual| !self.region.lacks(&it.marker, wheels().map(|wheel| &wheel.name));
            usual.iter().copied().filter(is_served).collect()
        };
        let by_best = served(best);
        if by_best.len() == usual.len() {
            return Ok(Some(best));
        }
        let more = |at: &usize| served(*at).into_iter().any(|it| !by_best.contains(&it));
        match order().find(more) {
            None => Ok(Some(best)),
            Some(other) if by_best.is_empty() => Ok(Some(other)),
            Some(other) => {
                let mut left: Vec<&Usual> = served(other);
                left.retain(|it| !by_best.contains(it));
                // Along whatever is told more shortly.
                let (kept, left) = (markers::any_of(&by_best, &usual), markers::any_of(&left, &usual));
                Err(Stop::Split(if kept.0 <= left.0 { kept.1 } else { left.1.negate() }))
            }
        }
    }

    /// Takes note of a requirement that holds in a part of the region: if there is no solution, the region can be split.
    pub(crate) fn note_partial(&self, of: Option<&PackageName>, need: &Need) {
        if self.region.is_all(&need.marker) {
            return;
        }
        let key = (of.cloned(), need.requirement.name.clone());
        let mut partial = self.partial.borrow_mut();
        let list = partial.entry(key).or_default();
        if !list.contains(&need.marker) {
            list.push(need.marker.clone());
        }
    }
}
