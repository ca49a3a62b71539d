//! From decisions to the answer: what each region chose, where each package is needed in it, and all regions as one.
//!
//! Owns the packages of an answer. Never: asks for a fact that the solve did not.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;
use std::rc::Rc;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, MarkerTree, PackageName};
use rustc_hash::FxHashMap;

use crate::explain;
use crate::facts::{CandidateWheel, FactsError};
use crate::markers;
use crate::needed::{Decided, Reach, Versions};
use crate::needs::Need;
use crate::package::Package;
use crate::project;
use crate::provider::Provider;
use crate::region::{self, Region};
use crate::resolution::{Resolution, ResolvedDependency, ResolvedPackage};
use crate::wheel_name::WheelName;

/// The answer in one region; its markers lie within the region.
pub(crate) struct Part {
    /// Where it was asked for.
    pub(crate) side: MarkerTree,
    pub(crate) packages: Vec<PartPackage>,
    newest_minor: Option<u8>,
    warnings: Vec<String>,
}

/// A package in one region.
pub(crate) struct PartPackage {
    pub(crate) name: PackageName,
    pub(crate) version: Version,
    /// Where it is needed.
    pub(crate) marker: MarkerTree,
    extras: BTreeSet<ExtraName>,
    dependencies: BTreeMap<(PackageName, Version), MarkerTree>,
    wheels: Vec<(u32, WheelName)>,
    /// Those of the universe, where none of them is for an environment of its region that needs it.
    all_wheels: Vec<(u32, WheelName)>,
    /// Its `Requires-Python`.
    requires_python: Option<VersionSpecifiers>,
}

/// What the decisions of one region mean.
pub(crate) fn part(provider: &Provider<'_>, decisions: Vec<(Package, Version)>) -> Result<Part, FactsError> {
    let mut decided: HashMap<PackageName, Versions> = HashMap::new();
    for (package, version) in decisions {
        let Some(project) = package.project() else { continue };
        if !decided.contains_key(&project.name) {
            let needs = provider.needs(project, &version)?;
            let known = Decided { project: Rc::clone(project), version, needs, place: MarkerTree::TRUE };
            decided.insert(project.name.clone(), Rc::new([known]));
        }
    }
    let lookup = |name: &PackageName| Ok(decided.get(name).cloned().unwrap_or_default());
    Ok(reached(provider, Reach::of(provider, &lookup)?))
}

/// What was reached.
pub(crate) fn reached(provider: &Provider<'_>, mut reach: Reach<'_>) -> Part {
    let region = provider.region;
    let mut pinned = pins_of_yanked(provider, &reach);
    let mut part =
        Part { side: reach.start(), packages: Vec::new(), newest_minor: None, warnings: Vec::new() };
    for (name, versions) in mem::take(&mut reach.versions) {
        for known in versions.iter() {
            let node = (name.clone(), known.version.clone(), None);
            let Some(marker) = reach.nodes.get(&node).cloned() else { continue };
            let (name, version, _) = node;
            let extras = reach.extras(&name, &version);
            let wheels = wheels(provider, known);
            part.newest_minor = part.newest_minor.max(newest_minor(known, &wheels));
            let key = (name.clone(), version.clone());
            part.warnings.extend(yanked_warning(&name, &version, &wheels, pinned.remove(&key)));
            part.warnings.extend(extra_warnings(&name, known, &extras));
            let rank = |wheel: &&CandidateWheel| {
                let rank = region.rank(&wheel.name).or_else(|| region.rank_elsewhere(&wheel.name))?;
                Some((rank, wheel.name.clone()))
            };
            part.packages.push(PartPackage {
                all_wheels: all_wheels(region, known, &marker, &wheels),
                marker,
                wheels: wheels.iter().filter_map(rank).collect(),
                dependencies: reach.edges.remove(&key).unwrap_or_default(),
                name,
                version,
                extras,
                requires_python: known.needs.requires_python.clone(),
            });
        }
    }
    part
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
    warnings.extend(packages.values().filter_map(|package| python_warning(package, universe)));
    let mut seen = BTreeSet::new();
    warnings.retain(|warning| seen.insert(warning.clone()));
    let mut shorter = Shorter::default();
    let packages = packages.into_values().map(|package| package.told(universe, &mut shorter)).collect();
    Resolution { packages, universe: universe.clone(), newest_minor, warnings }
}

/// Markers told shortly, each looked for once: many packages stand under the same one.
#[derive(Default)]
struct Shorter(FxHashMap<(MarkerTree, MarkerTree), MarkerTree>);

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
        let add = |list: &mut Vec<(u32, WheelName)>, more: Vec<(u32, WheelName)>| {
            for wheel in more {
                if !list.contains(&wheel) {
                    list.push(wheel);
                }
            }
        };
        add(&mut self.wheels, other.wheels);
        add(&mut self.all_wheels, other.all_wheels);
    }

    fn told(self, universe: &MarkerTree, shorter: &mut Shorter) -> ResolvedPackage {
        let mut within = universe.clone();
        within.and(self.marker.clone());
        let mut wheels = self.wheels;
        if !universe.is_true() {
            // Where none is for an environment that needs it, those that there are tell what was chosen.
            let fitting: Vec<_> =
                wheels.iter().filter(|(_, wheel)| region::fits(&within, wheel)).cloned().collect();
            if !fitting.is_empty() {
                wheels = fitting;
            } else if !self.all_wheels.is_empty() {
                wheels = self.all_wheels;
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

/// The wheels of the universe, where none of `wheels` is for an environment of the region that needs it.
fn all_wheels(
    region: &Region<'_>,
    decided: &Decided,
    marker: &MarkerTree,
    wheels: &[&CandidateWheel],
) -> Vec<(u32, WheelName)> {
    if wheels.iter().any(|wheel| region.takes_where(marker, &wheel.name)) {
        return Vec::new();
    }
    let Some(offers) = decided.project.offers() else { return Vec::new() };
    let Some(at) = offers.position(&decided.version) else { return Vec::new() };
    let all = decided.project.of_universe(offers, at, region);
    all.into_iter().map(|(rank, wheel)| (rank, wheel.name.clone())).collect()
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
fn pins_of_yanked(provider: &Provider<'_>, reach: &Reach<'_>) -> BTreeMap<(PackageName, Version), String> {
    let all = || {
        let decided =
            reach.versions.iter().flat_map(|(name, list)| list.iter().map(move |known| (name, known)));
        decided
            .filter(|(name, known)| reach.nodes.contains_key(&((*name).clone(), known.version.clone(), None)))
    };
    let admitted = |known: &Decided| {
        let project = &known.project;
        project.wishes.admitted.contains(&known.version) && !project.is_pinned(&known.version)
    };
    let mut found = BTreeMap::new();
    for (name, yanked) in all().filter(|(_, known)| admitted(known)) {
        let pins = |needs: &Need| {
            let specifiers = provider.specifiers(needs).filter(|_| needs.requirement.name == *name);
            specifiers.is_some_and(|it| project::pins(it).any(|pin| pin.contains(&yanked.version)))
        };
        let has = |(name, known): &(&PackageName, &Decided)| {
            let extras = reach.extras(name, &known.version);
            extras.iter().map(Some).chain([None]).any(|extra| provider.active(&known.needs, extra).any(pins))
        };
        if let Some((who, known)) = all().find(has) {
            found.insert((name.clone(), yanked.version.clone()), format!("{who} {}", known.version));
        }
    }
    found
}

/// That it was taken though it is for none of the Pythons that need it, since there is no solution without.
fn python_warning(package: &PartPackage, universe: &MarkerTree) -> Option<String> {
    let specifiers = package.requires_python.as_ref()?;
    let mut here = package.marker.clone();
    here.and(universe.clone());
    if here.is_false() || markers::overlaps(&here, &markers::of_python(specifiers)) {
        return None;
    }
    let (name, version, wanted) = (&package.name, &package.version, project::plain(specifiers));
    let pythons = region::pythons_of(&here);
    Some(format!(
        "{name} {version} is for Python {wanted}, and Python {pythons} needs it: an install there is refused; nothing else is a solution."
    ))
}

fn extra_warnings<'d>(
    name: &'d PackageName,
    decided: &'d Decided,
    extras: &'d BTreeSet<ExtraName>,
) -> impl Iterator<Item = String> + 'd {
    let unknown = extras.iter().filter(|extra| {
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
