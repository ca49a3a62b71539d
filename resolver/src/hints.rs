//! What there is of a project instead of what was asked for, in words.
//!
//! Owns how sets of versions are told: by the versions that exist, never by the bounds that the solver works with.

use std::collections::BTreeMap;

use pep508_rs::PackageName;

use crate::explain::one_line;
use crate::project::{Offers, Project, Unusable};
use crate::provider::{Provider, Set};
use crate::story::{Fact, FactKind, Hint, HintKind};

/// How many runs of versions are listed before the middle is left out.
const MAX_RUNS: usize = 4;

/// What is told of a set without a version to choose.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    /// What is so.
    pub(crate) fact: Option<Fact>,
    /// What may help.
    pub(crate) hints: Vec<Hint>,
}

/// Tells why no version of `set` can be chosen.
pub(crate) fn for_missing(provider: &Provider<'_>, project: &Project, set: &Set) -> Missing {
    let name = &project.name;
    let missing =
        |text: String, hints| Missing { fact: Some(Fact::new(FactKind::NoVersion, Some(name), text)), hints };
    let Some(offers) = project.offers() else { return Missing::default() };
    if !offers.known {
        let near = near_names(provider, name);
        return missing(format!("no index has a project named {name}"), near.into_iter().collect());
    }
    if offers.len() == 0 {
        return missing(format!("{name} has no releases"), Vec::new());
    }
    let in_force = InForce::of(project, set);
    let found = Found::of(provider, project, offers, set);
    let mut hints = found.hints(project, offers);
    // Versions that were left out for what they depend on are told of by other facts.
    let tried = (0..offers.len()).any(|at| {
        let inside = offers.get(at).is_some_and(|offer| in_force.set.contains(&offer.version));
        inside && !found.prereleases.contains(&at) && project.usable(offers, at, provider.region)
    });
    if tried {
        return Missing { fact: None, hints };
    }
    let asked = if in_force.text.is_empty() { String::new() } else { format!(" in {}", in_force.text) };
    let reasons = found.reasons(provider, project, offers);
    let fact = if found.is_empty() {
        let all: Vec<usize> = (0..offers.len()).collect();
        format!("{name} has no version{asked}: it has {}", runs(offers, &all, None))
    } else if reasons.is_empty() {
        format!("{name} has no final release{asked}")
    } else {
        format!("{name} has no version{asked} that can be used: {}", reasons.join("; "))
    };
    if found.is_empty() {
        hints.extend(before_its_release(provider, project, offers, &in_force.set));
    }
    missing(fact, hints)
}

/// Names like one that no index has: of what else was asked for, and of what is known well.
fn near_names(provider: &Provider<'_>, name: &PackageName) -> Option<Hint> {
    let bare = |name: &str| name.replace('-', "");
    let distance = |other: &PackageName| {
        let (name, other) = (name.to_string(), other.to_string());
        let extended = [format!("python-{other}"), format!("py{other}"), format!("{other}-python")];
        if bare(&name) == bare(&other) || extended.contains(&name) {
            return 0;
        }
        strsim::damerau_levenshtein(&name, &other)
    };
    // One slip in short names, two in long ones.
    let most = if name.as_ref().len() < 5 { 1 } else { 2 };
    let known = provider.known_names();
    let mut near: Vec<(usize, &PackageName)> = known
        .iter()
        .filter(|other| *other != name)
        .map(|other| (distance(other), other))
        .filter(|(distance, _)| *distance <= most)
        .collect();
    near.sort();
    near.dedup();
    let names: Vec<String> = near.into_iter().take(3).map(|(_, name)| name.to_string()).collect();
    (!names.is_empty()).then(|| {
        let text = format!(
            "names that are near: {}; look at the project's page before you take one",
            names.join(", ")
        );
        Hint::new(HintKind::Name, Some(name), text)
    })
}

/// A pre-release of a version that would do, were it released: `2rc1` for `>=2`.
fn before_its_release(
    provider: &Provider<'_>,
    project: &Project,
    offers: &Offers,
    wanted: &Set,
) -> Option<Hint> {
    let (_, version) = offers.iter().rev().find(|(at, version)| {
        version.any_prerelease()
            && wanted.contains(&version.only_release())
            && project.usable(offers, *at, provider.region)
    })?;
    let (name, release) = (&project.name, version.only_release());
    let text = format!(
        "{name} {release} is not released yet; its pre-release {version} is taken for {name}>={version}"
    );
    Some(Hint::new(HintKind::Prerelease, Some(name), text))
}

/// The specifiers that a set lies in.
struct InForce {
    set: Set,
    text: String,
}

impl InForce {
    fn of(project: &Project, set: &Set) -> Self {
        let asked = project.asked.borrow();
        let mut all = Self { set: Set::full(), text: String::new() };
        let asked = asked.iter().map(|(asked, _)| asked);
        for asked in asked.filter(|asked| !asked.specifiers.is_empty() && set.subset_of(&asked.set)) {
            let text = asked.text();
            all.set = all.set.intersection(&asked.set);
            if !all.text.split(',').any(|known| known == text) {
                if !all.text.is_empty() {
                    all.text.push(',');
                }
                all.text.push_str(&text);
            }
        }
        all
    }
}

/// The versions of a set that exist, by what keeps each from being chosen.
#[derive(Default)]
struct Found {
    unusable: BTreeMap<Unusable, Vec<usize>>,
    prereleases: Vec<usize>,
}

impl Found {
    fn of(provider: &Provider<'_>, project: &Project, offers: &Offers, set: &Set) -> Self {
        let mut found = Self::default();
        for (at, version) in offers.iter().filter(|(_, version)| set.contains(version)) {
            match project.wheels(offers, at, provider.region) {
                Err(why) => found.unusable.entry(why.clone()).or_default().push(at),
                Ok(_) if !version.is_stable() => found.prereleases.push(at),
                Ok(_) => {}
            }
        }
        found
    }

    fn is_empty(&self) -> bool {
        self.unusable.is_empty() && self.prereleases.is_empty()
    }

    fn reasons(&self, provider: &Provider<'_>, project: &Project, offers: &Offers) -> Vec<String> {
        let told = |(why, list): (&Unusable, &Vec<usize>)| {
            let several = list.len() > 1;
            let reason = reason(provider, project, why, several);
            format!("{} {reason}", runs(offers, list, None))
        };
        self.unusable.iter().map(told).collect()
    }

    fn hints(&self, project: &Project, offers: &Offers) -> Vec<Hint> {
        let name = &project.name;
        let version = |at: &usize| offers.get(*at).map(|offer| &offer.version);
        let mut hints = Vec::new();
        if let Some(best) = self.prereleases.last().and_then(version) {
            let text = format!(
                "{name} {best} is a pre-release; to take it, require {name}>={best}, or allow pre-releases with --pre"
            );
            hints.push(Hint::new(HintKind::Prerelease, Some(name), text));
        }
        // What stands in the way of the newest version is worth knowing first.
        let mut by_version: Vec<(&usize, &Unusable)> =
            self.unusable.iter().filter_map(|(why, list)| Some((list.last()?, why))).collect();
        by_version.sort_by(|a, b| b.cmp(a));
        let mut kinds = Vec::new();
        for (at, why) in by_version {
            let Some(best) = version(at) else { continue };
            let Some((kind, text)) = hint(name, best, offers, *at, why) else { continue };
            if !kinds.contains(&kind) {
                kinds.push(kind);
                hints.push(Hint::new(kind, Some(name), text));
            }
        }
        hints
    }
}

fn hint(
    name: &PackageName,
    version: &pep440_rs::Version,
    offers: &Offers,
    at: usize,
    why: &Unusable,
) -> Option<(HintKind, String)> {
    Some(match why {
        Unusable::Yanked(_) => (
            HintKind::Yanked,
            format!("to take the yanked {name} {version} all the same, pin it: {name}=={version}"),
        ),
        Unusable::TooNew => (
            HintKind::Cutoff,
            format!(
                "{name} {version} was uploaded after the cutoff; wait, or set a later one with --uploaded-prior-to"
            ),
        ),
        Unusable::Python(specifiers) => (
            HintKind::Python,
            format!(
                "{name} {version} is for Python {specifiers}: lock for such a Python, or require another version"
            ),
        ),
        Unusable::Platform | Unusable::Required(_) => {
            (HintKind::Platform, format!("the wheels of {name} {version} are for {}", wheels(offers, at)))
        }
        Unusable::SourceOnly => (
            HintKind::SourceOnly,
            format!(
                "build a wheel of {name} {version} elsewhere, where its code may run, and name its folder with --find-links"
            ),
        ),
        Unusable::NoFiles | Unusable::Constrained => return None,
    })
}

/// The tags of a version's wheels: `cp312-win_amd64, cp313-macosx_11_0_arm64, …`.
fn wheels(offers: &Offers, at: usize) -> String {
    const MOST: usize = 3;
    let release = offers.release(at);
    let mut tags: Vec<String> = Vec::new();
    for wheel in release.iter().flat_map(|release| &release.wheels) {
        let (pythons, abis, platforms) = wheel.name.tag_parts();
        let first = |parts: &[String]| parts.first().cloned().unwrap_or_default();
        let (python, abi, platform) = (first(pythons), first(abis), first(platforms));
        let told = if abi == python || abi == "none" {
            format!("{python}-{platform}")
        } else {
            format!("{python}-{abi}-{platform}")
        };
        if !tags.contains(&told) {
            tags.push(told);
        }
    }
    tags.sort();
    let more = if tags.len() > MOST { format!(" and {} more", tags.len() - MOST) } else { String::new() };
    tags.truncate(MOST);
    format!("{}{more}", tags.join(", "))
}

fn reason(provider: &Provider<'_>, project: &Project, why: &Unusable, several: bool) -> String {
    let has = if several { "have" } else { "has" };
    let was = if several { "were" } else { "was" };
    match why {
        Unusable::NoFiles => format!("{has} no files"),
        Unusable::SourceOnly => {
            format!("{has} only a source distribution, and building one runs its code")
        }
        Unusable::Python(specifiers) => {
            let needs = if several { "need" } else { "needs" };
            format!("{needs} Python {specifiers}, not {}", provider.region.python_words())
        }
        Unusable::Platform => format!("{has} no wheel for this Python and platform"),
        Unusable::Required(marker) => format!("{has} no wheel for the required environment {marker}"),
        Unusable::TooNew => format!("{was} uploaded after the cutoff"),
        Unusable::Yanked(reason) => {
            let reason = one_line(reason);
            if reason.is_empty() { format!("{was} yanked") } else { format!("{was} yanked ({reason})") }
        }
        Unusable::Constrained => {
            let all = project.wishes.constraints.iter().map(|asked| match &asked.origin {
                Some(origin) => {
                    format!("{}{} ({})", project.name, asked.text(), crate::explain::place(origin))
                }
                None => format!("{}{}", project.name, asked.text()),
            });
            format!("{was} left out by the constraint {}", all.collect::<Vec<_>>().join(" and "))
        }
    }
}

/// A set of versions of a project, such as `flask 3.0.0 to 3.1.2`, or `every version of flask`.
pub(crate) fn versions(provider: &Provider<'_>, project: &Project, set: &Set) -> String {
    let name = &project.name;
    let Some(offers) = project.offers() else { return name.to_string() };
    let usable: Vec<usize> =
        (0..offers.len()).filter(|at| project.usable(offers, *at, provider.region)).collect();
    let contains = |at: &&usize| offers.get(**at).is_some_and(|offer| set.contains(&offer.version));
    let inside: Vec<usize> = usable.iter().filter(contains).copied().collect();
    if inside.len() > 1 && inside.len() == usable.len() {
        return format!("every version of {name}");
    }
    match inside.as_slice() {
        [] => name.to_string(),
        _ => format!("{name} {}", runs(offers, &inside, Some(&usable))),
    }
}

/// The same, where it may be that no such version exists.
pub(crate) fn versions_or_none(provider: &Provider<'_>, project: &Project, set: &Set) -> String {
    let exists = |offers: &Offers| offers.iter().any(|(_, version)| set.contains(version));
    if project.offers().is_some_and(exists) {
        return versions(provider, project, set);
    }
    format!("versions of {} that do not exist", project.name)
}

/// Versions as runs: `1.0, 1.2 to 1.5 and 2.0`. A run has no version of `among` (of all, if none is given) between.
fn runs(offers: &Offers, list: &[usize], among: Option<&[usize]>) -> String {
    let place = |at: &usize| match among {
        Some(among) => among.binary_search(at).unwrap_or_default(),
        None => *at,
    };
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for at in list {
        match runs.last_mut() {
            Some((_, last)) if place(last) + 1 == place(at) => *last = *at,
            _ => runs.push((*at, *at)),
        }
    }
    let show = |at: usize| offers.get(at).map(|offer| offer.version.to_string()).unwrap_or_default();
    let run = |(first, last): &(usize, usize)| {
        if first == last { show(*first) } else { format!("{} to {}", show(*first), show(*last)) }
    };
    match runs.as_slice() {
        [] => String::new(),
        [only] => run(only),
        [first, .., last] if runs.len() > MAX_RUNS => format!("{}, … and {}", run(first), run(last)),
        [head @ .., last] => {
            format!("{} and {}", head.iter().map(run).collect::<Vec<_>>().join(", "), run(last))
        }
    }
}
