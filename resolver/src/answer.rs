//! From decisions to the answer: what each region chose, where each package is needed in it, and all regions as one.
//!
//! Owns reachability. Never: keeps a package that no environment reaches, and never asks for a fact that the solve did not.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use pep440_rs::Version;
use pep508_rs::{ExtraName, MarkerTree, PackageName};

use crate::explain;
use crate::facts::{CandidateWheel, FactsError};
use crate::markers;
use crate::needs::{Need, Needs};
use crate::package::Package;
use crate::project::{self, Project};
use crate::provider::Provider;
use crate::region::Region;
use crate::resolution::{Resolution, ResolvedDependency, ResolvedPackage};
use crate::wheel_name::WheelName;

/// The answer in one region; its markers lie within the region.
pub(crate) struct Part {
    pub(crate) packages: Vec<PartPackage>,
    newest_minor: Option<u8>,
    warnings: Vec<String>,
}

/// A package in one region.
pub(crate) struct PartPackage {
    pub(crate) name: PackageName,
    pub(crate) version: Version,
    marker: MarkerTree,
    extras: BTreeSet<ExtraName>,
    dependencies: BTreeMap<(PackageName, Version), MarkerTree>,
    wheels: Vec<(u32, WheelName)>,
}

/// One project of the answer.
struct Decided {
    project: Rc<Project>,
    version: Version,
    needs: Arc<Needs>,
    extras: BTreeSet<ExtraName>,
}

type AllDecided = BTreeMap<PackageName, Decided>;

/// What the decisions of one region mean.
pub(crate) fn part(provider: &Provider<'_>, decisions: Vec<(Package, Version)>) -> Result<Part, FactsError> {
    let mut decided = AllDecided::new();
    for (package, version) in decisions {
        let Some(project) = package.project() else { continue };
        let known = match decided.remove(&project.name) {
            Some(known) => known,
            None => {
                let needs = provider.needs(project, &version)?;
                Decided { project: Rc::clone(project), version, needs, extras: BTreeSet::new() }
            }
        };
        let known = decided.entry(project.name.clone()).or_insert(known);
        known.extras.extend(package.extra().map(|extra| (**extra).clone()));
    }
    let mut reach = Reach::of(provider, &decided);
    let mut pinned = pins_of_yanked(provider, &decided);
    let mut part = Part { packages: Vec::new(), newest_minor: None, warnings: Vec::new() };
    for (name, mut known) in decided {
        let Some(marker) = reach.nodes.get(&(name.clone(), None)).cloned() else { continue };
        known.extras.retain(|extra| reach.nodes.contains_key(&(name.clone(), Some(extra.clone()))));
        let wheels = wheels(provider, &known);
        part.newest_minor = part.newest_minor.max(newest_minor(&known, &wheels));
        part.warnings.extend(yanked_warning(&name, &known.version, &wheels, pinned.remove(&name)));
        part.warnings.extend(extra_warnings(&name, &known));
        let region = provider.region;
        let rank = |wheel: &&CandidateWheel| {
            let rank = region.rank(&wheel.name).or_else(|| region.rank_elsewhere(&wheel.name))?;
            Some((rank, wheel.name.clone()))
        };
        part.packages.push(PartPackage {
            marker,
            wheels: wheels.iter().filter_map(rank).collect(),
            dependencies: reach.edges.remove(&name).unwrap_or_default(),
            name,
            version: known.version,
            extras: known.extras,
        });
    }
    Ok(part)
}

/// A project, or what an extra of it adds.
type Node = (PackageName, Option<ExtraName>);

/// Where each node is needed: "A or B" over all that need it, each with its own marker and where it is needed itself.
#[derive(Default)]
struct Reach {
    nodes: BTreeMap<Node, MarkerTree>,
    edges: BTreeMap<PackageName, BTreeMap<(PackageName, Version), MarkerTree>>,
    open: Vec<Node>,
}

impl Reach {
    fn of(provider: &Provider<'_>, decided: &AllDecided) -> Self {
        let mut reach = Self::default();
        let region = match provider.region {
            Region::One(_) => MarkerTree::TRUE,
            Region::Many(many) => many.side.clone(),
        };
        for (need, _) in &provider.roots {
            reach.follow(None, need, &region, decided, provider.region);
        }
        // A node is looked at again whenever it is needed in more environments than before.
        while let Some(node) = reach.open.pop() {
            let Some(known) = decided.get(&node.0) else { continue };
            let Some(marker) = reach.nodes.get(&node).cloned() else { continue };
            if node.1.is_some() {
                reach.add((node.0.clone(), None), &marker);
            }
            for need in provider.active(&known.needs, node.1.as_ref()) {
                reach.follow(Some(&node.0), need, &marker, decided, provider.region);
            }
        }
        reach
    }

    fn follow(
        &mut self,
        of: Option<&PackageName>,
        need: &Need,
        whence: &MarkerTree,
        decided: &AllDecided,
        region: &Region<'_>,
    ) {
        let name = &need.requirement.name;
        let Some(known) = decided.get(name) else { return };
        let mut marker = whence.clone();
        if let Region::Many(many) = region {
            marker.and(need.marker.clone());
            if !markers::overlaps(&many.marker, &marker) {
                return;
            }
        }
        if let Some(of) = of.filter(|of| *of != name) {
            let edges = self.edges.entry(of.clone()).or_default();
            let edge = edges.entry((name.clone(), known.version.clone())).or_insert(MarkerTree::FALSE);
            edge.or(marker.clone());
        }
        self.add((name.clone(), None), &marker);
        for extra in &need.requirement.extras {
            self.add((name.clone(), Some(extra.clone())), &marker);
        }
    }

    fn add(&mut self, node: Node, marker: &MarkerTree) {
        let known = self.nodes.entry(node.clone()).or_insert(MarkerTree::FALSE);
        if !markers::covers(marker, known) {
            known.or(marker.clone());
            if !self.open.contains(&node) {
                self.open.push(node);
            }
        }
    }
}

/// The regions as one: equal versions become one package, and markers are told as shortly as the universe allows.
pub(crate) fn merge(parts: Vec<Part>, universe: &MarkerTree) -> Resolution {
    let mut packages: BTreeMap<(PackageName, Version), PartPackage> = BTreeMap::new();
    let mut warnings: Vec<String> = Vec::new();
    let newest_minor = parts.iter().filter_map(|part| part.newest_minor).max();
    for part in parts {
        warnings.extend(part.warnings);
        for package in part.packages {
            let key = (package.name.clone(), package.version.clone());
            match packages.get_mut(&key) {
                Some(known) => known.join(package),
                None => drop(packages.insert(key, package)),
            }
        }
    }
    let mut seen = BTreeSet::new();
    warnings.retain(|warning| seen.insert(warning.clone()));
    let mut shorter = Shorter::default();
    let packages = packages.into_values().map(|package| package.told(universe, &mut shorter)).collect();
    Resolution { packages, universe: universe.clone(), newest_minor, warnings }
}

/// Markers told shortly, each looked for once: many packages stand under the same one.
#[derive(Default)]
struct Shorter(HashMap<(MarkerTree, MarkerTree), MarkerTree>);

impl Shorter {
    fn of(&mut self, marker: &MarkerTree, within: &MarkerTree) -> MarkerTree {
        let told = || markers::simplify(marker, within);
        self.0.entry((marker.clone(), within.clone())).or_insert_with(told).clone()
    }
}

impl PartPackage {
    fn join(&mut self, other: Self) {
        self.marker.or(other.marker);
        self.extras.extend(other.extras);
        for (edge, marker) in other.dependencies {
            self.dependencies.entry(edge).or_insert(MarkerTree::FALSE).or(marker);
        }
        for wheel in other.wheels {
            if !self.wheels.contains(&wheel) {
                self.wheels.push(wheel);
            }
        }
    }

    fn told(self, universe: &MarkerTree, shorter: &mut Shorter) -> ResolvedPackage {
        let mut within = universe.clone();
        within.and(self.marker.clone());
        let mut wheels = self.wheels;
        if !universe.is_true() {
            // Where none is for an environment that needs it, those that there are tell what was chosen.
            let fits = |wheel: &WheelName| markers::overlaps(&within, &markers::of_wheel(wheel));
            if wheels.iter().any(|(_, wheel)| fits(wheel)) {
                wheels.retain(|(_, wheel)| fits(wheel));
            }
            wheels.sort_by(|(a, x), (b, y)| (a, x.as_str()).cmp(&(b, y.as_str())));
        }
        let marker = shorter.of(&self.marker, universe);
        let dependency = |((name, version), marker): ((PackageName, Version), MarkerTree)| {
            ResolvedDependency { name, version, marker: shorter.of(&marker, &within) }
        };
        ResolvedPackage {
            name: self.name,
            version: self.version,
            marker,
            extras: self.extras,
            dependencies: self.dependencies.into_iter().map(dependency).collect(),
            wheels: wheels.into_iter().map(|(_, wheel)| wheel).collect(),
        }
    }
}

fn wheels<'d>(provider: &Provider<'_>, decided: &'d Decided) -> Vec<&'d CandidateWheel> {
    let Some(offers) = decided.project.offers() else { return Vec::new() };
    let Some(at) = offers.position(&decided.version) else { return Vec::new() };
    decided.project.wheels(offers, at, provider.region).map(Iterator::collect).unwrap_or_default()
}

/// The newest Python that a project has wheels for by name: those chosen, and those of its newest final release.
fn newest_minor(decided: &Decided, wheels: &[&CandidateWheel]) -> Option<u8> {
    let of_wheel = |wheel: &CandidateWheel| {
        let (pythons, _, _) = wheel.name.tag_parts();
        pythons.iter().filter_map(|python| python.strip_prefix("cp3")?.parse::<u8>().ok()).max()
    };
    let newest = decided.project.offers().and_then(|offers| {
        let release = |(at, version): (usize, &Version)| offers.release(at).filter(|_| version.is_stable());
        offers.iter().rev().filter_map(release).find(|release| !release.wheels.is_empty())
    });
    let newest = newest.into_iter().flat_map(|release| &release.wheels);
    wheels.iter().copied().chain(newest).filter_map(of_wheel).max()
}

/// So many extras are named where one does not exist, the nearest first.
const MOST_EXTRAS: usize = 5;

/// "Installers SHOULD [...] emit a warning" with the reason when a yanked release is taken (PEP 592).
fn yanked_warning(
    name: &PackageName,
    version: &Version,
    wheels: &[&CandidateWheel],
    pinned_by: Option<String>,
) -> Option<String> {
    let reason = wheels.first()?.yanked.as_deref()?;
    let reason = explain::one_line(reason);
    let reason = if reason.is_empty() { ", without a reason".to_owned() } else { format!(" ({reason})") };
    let pin = pinned_by.map_or_else(|| "you pin it".to_owned(), |who| format!("{who} pins it"));
    Some(format!("{name} {version} was yanked{reason}; it is taken since {pin}."))
}

/// Of the yanked versions that not the user pins, the package that does: the first.
fn pins_of_yanked(provider: &Provider<'_>, decided: &AllDecided) -> BTreeMap<PackageName, String> {
    let mut found = BTreeMap::new();
    let admitted = |known: &Decided| {
        let project = &known.project;
        project.wishes.admitted.contains(&known.version) && !project.is_pinned(&known.version)
    };
    for (name, yanked) in decided.iter().filter(|(_, known)| admitted(known)) {
        let pins = |needs: &Need| {
            let specifiers = provider.specifiers(needs).filter(|_| needs.requirement.name == *name);
            specifiers.is_some_and(|it| project::pins(it).any(|pin| pin.contains(&yanked.version)))
        };
        let has = |known: &Decided| {
            let extras = known.extras.iter().map(Some);
            extras.chain([None]).any(|extra| provider.active(&known.needs, extra).any(pins))
        };
        let who = decided.iter().find(|(_, known)| has(known));
        if let Some((who, known)) = who {
            found.insert(name.clone(), format!("{who} {}", known.version));
        }
    }
    found
}

fn extra_warnings<'d>(name: &'d PackageName, decided: &'d Decided) -> impl Iterator<Item = String> + 'd {
    let unknown = decided.extras.iter().filter(|extra| {
        // Old metadata do not list their extras; a requirement that one adds is proof enough.
        !decided.needs.declared.contains(extra) && decided.needs.of_extra(Some(extra)).is_empty()
    });
    unknown.map(move |extra| {
        let mut declared: Vec<String> = decided.needs.declared.iter().map(ToString::to_string).collect();
        declared
            .sort_by_cached_key(|other| (strsim::damerau_levenshtein(other, extra.as_ref()), other.clone()));
        let more = if declared.len() > MOST_EXTRAS { ", …" } else { "" };
        declared.truncate(MOST_EXTRAS);
        let has = if declared.is_empty() { "none".to_owned() } else { declared.join(", ") };
        format!("{name} {} has no extra named {extra}; it has {has}{more}.", decided.version)
    })
}
