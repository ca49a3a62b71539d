//! What of a standing lock stays, once the regions are solved.
//!
//! Owns the rule that a lock changes where it must and nowhere else. The solver prefers the versions of the standing lock,
//! but it solves in regions, and other regions than those of the standing lock may put the same versions elsewhere. So the
//! standing lock is followed from the roots once more as it is, with the solver's versions of those projects alone that have
//! to move. Which these are is found out step by step: first those that the standing lock does not have, then each that
//! speaks against one that moves. Whatever cannot be settled in this way is as the solver has it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use pep440_rs::Version;
use pep508_rs::{MarkerTree, PackageName};

use crate::answer::{self, Part, PartPackage};
use crate::facts::{Facts, FactsError};
use crate::markers::{self, Usual};
use crate::memory::Memory;
use crate::needed::{Decided, Reach, Versions};
use crate::needs::Need;
use crate::project::Asked;
use crate::provider::Provider;
use crate::ranges;
use crate::region::{Fit, Region};
use crate::request::{ForkStrategy, Request, Universe};

/// The versions of each name, with the places where each is the one.
type Places = BTreeMap<PackageName, BTreeMap<Version, MarkerTree>>;

/// What was solved, and in what.
#[derive(Clone, Copy)]
pub(crate) struct Solved<'a> {
    pub(crate) request: &'a Request,
    pub(crate) universe: &'a Universe,
    pub(crate) facts: &'a dyn Facts,
    pub(crate) memory: &'a Memory,
    /// The environments of all parts.
    pub(crate) whole: &'a MarkerTree,
    pub(crate) parts: &'a [Part],
}

/// The standing lock as one part, with as little of what was solved as it takes; none where all of that is wanted.
pub(crate) fn keep(all: Solved<'_>) -> Result<Option<Part>, FactsError> {
    let Solved { request, whole, .. } = all;
    if request.preferences.is_empty() {
        return Ok(None);
    }
    // Where a version is for a part of the region alone is asked of it; that is told with this strategy.
    let region = Region::many(whole, MarkerTree::TRUE, all.universe, ForkStrategy::RequiresPython);
    let provider = Provider::new(request, &region, all.facts, all.memory);
    let standing = standing(request);
    let mut choice = Choice { moved: solved(all.parts), standing: standing.clone() };
    choice.moved.retain(|name, _| !standing.contains_key(name));
    let solved = solved(all.parts);
    loop {
        let lookup = |name: &PackageName| versions(&provider, name, choice.of(name));
        let reach = Reach::of(&provider, &lookup)?;
        let faults = Faults { provider: &provider, reach: &reach }.all();
        if faults.is_empty() {
            break;
        }
        let more: BTreeSet<PackageName> =
            faults.iter().flat_map(|fault| fault.movers(&choice, &reach)).collect();
        if more.is_empty() {
            return Ok(None);
        }
        let places = |name: PackageName| (name.clone(), solved.get(&name).cloned().unwrap_or_default());
        choice.moved.extend(more.into_iter().map(places));
    }
    join(all, &provider, &mut choice)?;
    let lookup = |name: &PackageName| versions(&provider, name, choice.of(name));
    let mut part = answer::reached(&provider, Reach::of(&provider, &lookup)?);
    part.packages.iter_mut().for_each(|package| keep_words(package, request, whole));
    Ok(Some(part))
}

/// The versions of what moved, and those of the standing lock.
struct Choice {
    moved: Places,
    standing: Places,
}

impl Choice {
    fn of(&self, name: &PackageName) -> Option<&BTreeMap<Version, MarkerTree>> {
        self.moved.get(name).or_else(|| self.standing.get(name))
    }
}

/// A project that had one version and moved in some regions alone moves in the others too, where nothing speaks against it:
/// a fork is for where there is no other way.
fn join(all: Solved<'_>, provider: &Provider<'_>, choice: &mut Choice) -> Result<(), FactsError> {
    let had_one = |name: &&PackageName| choice.standing.get(*name).is_some_and(|known| known.len() == 1);
    let forked = choice.moved.iter().filter(|(_, places)| places.len() > 1);
    for name in forked.map(|(name, _)| name).filter(had_one).cloned().collect::<Vec<_>>() {
        let Some(places) = choice.moved.get(&name).cloned() else { continue };
        let is_new = |version: &&Version| {
            choice.standing.get(&name).is_some_and(|known| !known.contains_key(*version))
        };
        let Some(version) = places.keys().rev().find(is_new) else { continue };
        if !is_for_all(all, &name, version)? {
            continue;
        }
        choice.moved.insert(name.clone(), BTreeMap::from([(version.clone(), MarkerTree::TRUE)]));
        let lookup = |name: &PackageName| versions(provider, name, choice.of(name));
        let reach = Reach::of(provider, &lookup)?;
        if !(Faults { provider, reach: &reach }.all().is_empty()) {
            drop(reach);
            choice.moved.insert(name, places);
        }
    }
    Ok(())
}

/// Whether a version can be used in each region that has another one, and serves the usual environments there as that does.
fn is_for_all(all: Solved<'_>, name: &PackageName, version: &Version) -> Result<bool, FactsError> {
    for part in all.parts {
        let here = part.packages.iter().find(|package| package.name == *name);
        let Some(other) = here.map(|package| &package.version).filter(|other| *other != version) else {
            continue;
        };
        let region = Region::many(all.whole, part.side.clone(), all.universe, all.request.fork_strategy);
        let provider = Provider::new(all.request, &region, all.facts, all.memory);
        let project = provider.project(name);
        let offers = provider.offers(&project)?;
        let (Some(at), Some(other)) = (offers.position(version), offers.position(other)) else {
            return Ok(false);
        };
        let lacks = |at: usize, usual: &MarkerTree| {
            let wheels = project.wheels(offers, at, &region).ok();
            wheels.is_none_or(|wheels| {
                let wheels: Vec<_> = wheels.map(|wheel| &wheel.name).collect();
                region.lacks(usual, wheels.iter().copied())
            })
        };
        let is_served = |it: &&Usual| lacks(other, &it.marker) || !lacks(at, &it.marker);
        let usable = project.usable(offers, at, &region) && project.part(offers, at, &region).is_none();
        if !usable || !markers::usual().iter().all(|it| is_served(&it)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A marker that holds where the standing lock's does is told from that: the algebra has several trees for one set, and the
/// shortest words for each of them need not be the same.
fn keep_words(package: &mut PartPackage, request: &Request, whole: &MarkerTree) {
    let known = request.preferences.get(&package.name).into_iter().flatten();
    let mut places = known.filter(|known| known.version == package.version).map(|known| &known.marker);
    let (Some(said), None) = (places.next(), places.next()) else { return };
    let here = |marker: &MarkerTree| {
        let mut here = marker.clone();
        here.and(whole.clone());
        here
    };
    if markers::same(&here(said), &here(&package.marker)) {
        package.marker = said.clone();
    }
}

/// What the standing lock has.
fn standing(request: &Request) -> Places {
    let mut places = Places::new();
    for (name, list) in &request.preferences {
        let of_name = places.entry(name.clone()).or_default();
        for preference in list {
            of_name
                .entry(preference.version.clone())
                .or_insert(MarkerTree::FALSE)
                .or(preference.marker.clone());
        }
    }
    single_versions_everywhere(&mut places);
    places
}

/// Where a single version is needed is told by those that need it.
fn single_versions_everywhere(places: &mut Places) {
    for of_name in places.values_mut().filter(|of_name| of_name.len() == 1) {
        of_name.values_mut().for_each(|place| *place = MarkerTree::TRUE);
    }
}

/// What was chosen: several versions where the regions are that have each.
fn solved(parts: &[Part]) -> Places {
    let mut places = Places::new();
    for part in parts {
        for package in &part.packages {
            let of_name = places.entry(package.name.clone()).or_default();
            of_name.entry(package.version.clone()).or_insert(MarkerTree::FALSE).or(part.side.clone());
        }
    }
    single_versions_everywhere(&mut places);
    places
}

fn versions(
    provider: &Provider<'_>,
    name: &PackageName,
    places: Option<&BTreeMap<Version, MarkerTree>>,
) -> Result<Versions, FactsError> {
    let Some(places) = places else { return Ok(Versions::default()) };
    let project = provider.project(name);
    let decided = |(version, place): (&Version, &MarkerTree)| {
        let needs = provider.needs(&project, version)?;
        Ok(Decided { project: Rc::clone(&project), version: version.clone(), needs, place: place.clone() })
    };
    places.iter().map(decided).collect()
}

/// A requirement that is not satisfied, or a version that cannot stand.
struct Fault<'r> {
    /// Who requires; none where the version itself is at fault, or the user requires.
    of: Option<&'r PackageName>,
    on: &'r PackageName,
}

impl<'r> Fault<'r> {
    /// Which projects move: the one that does not stand beside one that moved; both where neither did; those that require
    /// them where both did.
    fn movers(&self, choice: &Choice, reach: &'r Reach<'_>) -> Vec<PackageName> {
        let stays = |name: &&PackageName| !choice.moved.contains_key(*name);
        let (of, on) = (self.of.filter(stays), Some(self.on).filter(stays));
        let beside: Vec<PackageName> = of.into_iter().chain(on).cloned().collect();
        if !beside.is_empty() {
            return beside;
        }
        let involved: Vec<&PackageName> = self.of.into_iter().chain([self.on]).collect();
        let requires = |edges: &BTreeMap<(PackageName, Version), MarkerTree>| {
            edges.keys().any(|(name, _)| involved.contains(&name))
        };
        let who = reach.edges.iter().filter(|(_, edges)| requires(edges)).map(|((name, _), _)| name);
        who.filter(stays).cloned().collect()
    }
}

/// What speaks against a choice of versions.
struct Faults<'r> {
    provider: &'r Provider<'r>,
    reach: &'r Reach<'r>,
}

/// Who requires, what, and where.
type Demand<'r> = (Option<&'r PackageName>, &'r Need, MarkerTree);

impl<'r> Faults<'r> {
    fn all(&self) -> Vec<Fault<'r>> {
        let demands = self.demands();
        let mut faults = Vec::new();
        let mut asked: BTreeMap<(&PackageName, &Version), Vec<Asked>> = BTreeMap::new();
        for (of, need, marker) in &demands {
            let on = &need.requirement.name;
            let Some(specifiers) = self.provider.specifiers(need) else {
                // An address that is not the user's own: who has it cannot stand here.
                faults.extend(of.map(|of| Fault { of: None, on: of }));
                continue;
            };
            let set = ranges::of_specifiers(specifiers);
            let mut rest = marker.clone();
            let versions = self.reach.versions.get(on);
            for known in versions.into_iter().flat_map(|list| list.iter()) {
                let mut here = marker.clone();
                here.and(known.place.clone());
                if !self.reach.is_somewhere(&here) {
                    continue;
                }
                rest.and(known.place.negate());
                if !set.contains(&known.version) {
                    faults.push(Fault { of: *of, on });
                }
                asked.entry((on, &known.version)).or_default().push(Asked::new(specifiers, None));
            }
            if !rest.is_false() && self.reach.is_somewhere(&rest) {
                faults.push(Fault { of: *of, on });
            }
        }
        for (name, version, _) in self.reach.nodes.keys().filter(|(_, _, extra)| extra.is_none()) {
            let asked = asked.remove(&(name, version)).unwrap_or_default();
            if !self.stands(name, version, &asked) {
                faults.push(Fault { of: None, on: name });
            }
        }
        faults
    }

    fn demands(&self) -> Vec<Demand<'r>> {
        let whence = self.reach.start();
        let roots = self.provider.roots.iter();
        let mut demands: Vec<Demand<'r>> =
            roots.filter_map(|(need, _)| Some((None, need, self.reach.counts(need, &whence)?))).collect();
        for ((name, version, extra), marker) in &self.reach.nodes {
            let Some(known) = self.reach.decided(name, version) else { continue };
            let active = self.provider.active(&known.needs, extra.as_ref());
            let counted =
                active.filter_map(|need| Some((Some(name), need, self.reach.counts(need, marker)?)));
            demands.extend(counted);
        }
        demands
    }

    /// Whether a version can be taken wherever it is needed, as the solver judges it.
    fn stands(&self, name: &PackageName, version: &Version, asked: &[Asked]) -> bool {
        let Some(known) = self.reach.decided(name, version) else { return false };
        let Some(marker) = self.reach.nodes.get(&(name.clone(), version.clone(), None)) else { return false };
        let (project, region) = (&known.project, self.provider.region);
        let Some(offers) = project.offers() else { return false };
        let Some(at) = offers.position(version) else { return false };
        let Ok(wheels) = project.wheels(offers, at, region) else { return false };
        let mut here = marker.clone();
        if let Region::Many(many) = region {
            here.and(many.marker.clone());
        }
        let covers = |part: &MarkerTree| markers::covers(&here, part);
        let of_python = known.needs.requires_python.as_ref().map_or(Fit::All, |it| region.python(it));
        let outside = |(asked, marker): &(Asked, MarkerTree)| {
            !asked.set.contains(version) && markers::overlaps(&here, marker)
        };
        let wheels: Vec<_> = wheels.map(|wheel| &wheel.name).collect();
        let lacks = |required: &MarkerTree| {
            markers::overlaps(&here, required) && region.lacks(required, wheels.iter().copied())
        };
        known.needs.malformed.is_none()
            && project.part(offers, at, region).is_none_or(covers)
            && match of_python {
                Fit::All => true,
                Fit::Part(part) => covers(&part),
                Fit::Nowhere => false,
            }
            && !project.wishes.partial.iter().any(outside)
            && !region.required().iter().any(lacks)
            && self.provider.policy.stands_for(
                project,
                offers,
                version,
                region,
                &asked.iter().collect::<Vec<_>>(),
            )
    }
}
