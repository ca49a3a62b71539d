//! What there is of a project instead of what was asked for, in words.
//!
//! Owns how sets of versions are told: by the versions that exist, never by the bounds that the solver works with.

use std::collections::BTreeMap;

use pep508_rs::PackageName;

use crate::explain::one_line;
use crate::facts::{CandidateWheel, Release};
use crate::moment::{TooNew, UploadTime, WAITING_HOURS};
use crate::project::{Asked, Offers, Project, Unusable};
use crate::provider::{Provider, Set};
use crate::reach::{self, Miss};
use crate::region::Region;
use crate::request::Origin;
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
    if set.is_empty() {
        return Missing::default();
    }
    if let Some(text) = hopeless(project, offers) {
        return missing(text, Vec::new());
    }
    let in_force = InForce::of(project, set);
    let found = Found::of(provider, project, offers, set);
    let mut hints = found.hints(provider, project, offers);
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

/// What keeps a version from being chosen, as it is told.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// It has wheels for this platform and other Pythons.
    OtherPythons,
    /// What the solver says.
    Unusable(Unusable),
}

/// The versions of a set that exist, by what keeps each from being chosen.
#[derive(Default)]
struct Found {
    unusable: BTreeMap<Why, Vec<usize>>,
    prereleases: Vec<usize>,
}

impl Found {
    fn of(provider: &Provider<'_>, project: &Project, offers: &Offers, set: &Set) -> Self {
        let mut found = Self::default();
        for (at, version) in offers.iter().filter(|(_, version)| set.contains(version)) {
            match project.wheels(offers, at, provider.region) {
                Err(why) => {
                    let why = told_as(provider, offers.release(at), why);
                    found.unusable.entry(why).or_default().push(at);
                }
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
        let python = format!(", not {}", provider.region.python_words());
        let mut told: Vec<String> = Vec::new();
        let mut by_version: Vec<(&Why, &Vec<usize>)> = self.unusable.iter().collect();
        by_version.sort_by_key(|(_, list)| list.first());
        for (why, list) in by_version {
            let text = reason(provider, project, why, list.len() > 1);
            // What is locked for is told once.
            if text.ends_with(&python)
                && let Some(last) = told.last_mut()
                && let Some(start) = last.strip_suffix(&python)
            {
                *last = start.to_owned();
            }
            told.push(format!("{} {text}", runs(offers, list, None)));
        }
        told
    }

    fn hints(&self, provider: &Provider<'_>, project: &Project, offers: &Offers) -> Vec<Hint> {
        let name = &project.name;
        let mut hints = Vec::new();
        if let Some(best) = self.prereleases.last().and_then(|at| offers.get(*at)) {
            let best = &best.version;
            let text = format!(
                "{name} {best} is a pre-release; to take it, require {name}>={best}, or allow pre-releases with --pre"
            );
            hints.push(Hint::new(HintKind::Prerelease, Some(name), text));
        }
        // What stands in the way of the newest version is worth knowing first.
        let mut by_version: Vec<(&usize, &Why)> =
            self.unusable.iter().filter_map(|(why, list)| Some((list.last()?, why))).collect();
        by_version.sort_by(|a, b| b.cmp(a));
        let mut kinds: Vec<HintKind> = Vec::new();
        for (place, (at, why)) in by_version.into_iter().enumerate() {
            let hint = Candidate { provider, project, offers, at: *at }.hint(why);
            let Some((kind, text)) = hint else { continue };
            // Of an older version only what it takes no other machine for.
            let is_easy = matches!(kind, HintKind::Yanked | HintKind::Cutoff);
            if !kinds.contains(&kind) && (place == 0 || is_easy) {
                kinds.push(kind);
                hints.push(Hint::new(kind, Some(name), text));
            }
        }
        hints
    }
}

/// How what the solver says of a version is told.
fn told_as(provider: &Provider<'_>, release: Option<&Release>, why: &Unusable) -> Why {
    match (why, release) {
        (Unusable::Platform, Some(release)) => match reach::miss(provider.region, release) {
            Miss::Pythons(_) => Why::OtherPythons,
            Miss::Glibc(..) | Miss::Platform => Why::Unusable(Unusable::Platform),
        },
        (Unusable::SourceOnly, Some(release)) if release.new_sdist.is_some() => {
            Why::Unusable(Unusable::TooNew)
        }
        _ => Why::Unusable(why.clone()),
    }
}

/// A version that cannot be chosen.
struct Candidate<'a> {
    provider: &'a Provider<'a>,
    project: &'a Project,
    offers: &'a Offers,
    at: usize,
}

impl Candidate<'_> {
    fn hint(&self, why: &Why) -> Option<(HintKind, String)> {
        let (name, version) = (&self.project.name, &self.offers.get(self.at)?.version);
        let release = self.offers.release(self.at)?;
        let region = self.provider.region;
        let nearest = self.nearest();
        Some(match why {
            Why::OtherPythons => {
                let Miss::Pythons(pythons) = reach::miss(region, release) else { return None };
                let words = pythons.words();
                let lock = match (region, pythons.newest()) {
                    (Region::One(_), Some(newest)) => format!(": lock for it with --python-version {newest}"),
                    (Region::Many(_), Some(newest)) => {
                        format!(": lock for one of them with --no-universal --python-version {newest}")
                    }
                    (_, None) => String::new(),
                };
                (HintKind::Python, format!("{name} {version} has wheels for {words}{lock}{nearest}"))
            }
            Why::Unusable(Unusable::Yanked(_)) => (
                HintKind::Yanked,
                format!("to take the yanked {name} {version} all the same, pin it: {name}=={version}"),
            ),
            Why::Unusable(Unusable::TooNew) => (HintKind::Cutoff, self.too_new(release)?),
            Why::Unusable(Unusable::Python(specifiers)) => (
                HintKind::Python,
                format!(
                    "{name} {version} is for Python {specifiers}: lock for such a Python, or require another version{nearest}"
                ),
            ),
            Why::Unusable(Unusable::Platform | Unusable::Required(_)) => {
                let text = match reach::miss(region, release) {
                    Miss::Glibc(glibc, platform) => format!(
                        "the wheels of {name} {version} need glibc {glibc}: lock for it with --python-platform {platform}"
                    ),
                    _ => format!("the wheels of {name} {version} are for {}", reach::tags(region, release)),
                };
                (HintKind::Platform, format!("{text}{nearest}"))
            }
            Why::Unusable(Unusable::SourceOnly) => (
                HintKind::SourceOnly,
                format!(
                    "build a wheel of {name} {version} elsewhere, where its code may run, and name its folder with --find-links{nearest}"
                ),
            ),
            Why::Unusable(Unusable::NoFiles | Unusable::Constrained) => return None,
        })
    }

    /// When the wheels of a version may be taken; none where it has none.
    fn too_new(&self, release: &Release) -> Option<String> {
        let (name, version) = (&self.project.name, &self.offers.get(self.at)?.version);
        let fits = |wheel: &&CandidateWheel| self.provider.region.rank(&wheel.name).is_some();
        let told = |time: UploadTime, hours: i64| {
            format!(
                "{name} {version} was uploaded at {time}: take it with --uploaded-prior-to {}, or from {} on without one",
                time.minute(),
                time.waited(hours)
            )
        };
        match release.wheels.iter().filter(fits).filter_map(|wheel| wheel.too_new).min()? {
            TooNew::Uploaded(time) => Some(told(time, WAITING_HOURS)),
            TooNew::Waiting(time, hours) => Some(told(time, hours)),
            TooNew::Undated => Some(format!(
                "no upload time is known of {name} {version}: it is taken where no --uploaded-prior-to is given"
            )),
        }
    }

    /// The version next to this one that can be chosen: the newest below it, else the oldest above.
    fn nearest(&self) -> String {
        let can = |at: &usize| {
            self.offers.get(*at).is_some_and(|offer| offer.version.is_stable())
                && self.project.usable(self.offers, *at, self.provider.region)
        };
        let below = (0..self.at).rev().find(can);
        let found = below.or_else(|| (self.at + 1..self.offers.len()).find(can));
        let Some(near) = found.and_then(|at| self.offers.get(at)) else { return String::new() };
        format!("; the nearest version that can be used is {}", near.version)
    }
}

fn reason(provider: &Provider<'_>, project: &Project, why: &Why, several: bool) -> String {
    let has = if several { "have" } else { "has" };
    let was = if several { "were" } else { "was" };
    let python = || provider.region.python_words();
    let why = match why {
        Why::OtherPythons => return format!("{has} no wheel for Python {}", python()),
        Why::Unusable(why) => why,
    };
    match why {
        Unusable::NoFiles => format!("{has} no files"),
        Unusable::SourceOnly => {
            format!("{has} only a source distribution, and building one runs its code")
        }
        Unusable::Python(specifiers) => {
            let needs = if several { "need" } else { "needs" };
            format!("{needs} Python {specifiers}, not {}", python())
        }
        Unusable::Platform => format!("{has} no wheel for {}", reach::place_words(provider.region)),
        Unusable::Required(marker) => format!("{has} no wheel for the required environment {marker}"),
        Unusable::TooNew => format!("{was} uploaded after the cutoff"),
        Unusable::Yanked(reason) => {
            let reason = one_line(reason);
            if reason.is_empty() { format!("{was} yanked") } else { format!("{was} yanked ({reason})") }
        }
        Unusable::Constrained => {
            let all: Vec<String> =
                project.wishes.constraints.iter().map(|asked| constraint(project, asked)).collect();
            format!("{was} left out by {}", all.join(" and "))
        }
    }
}

/// `the constraint flask<3 (constraints.txt, line 1)`.
fn constraint(project: &Project, asked: &Asked) -> String {
    match &asked.origin {
        Some(Origin::Option(text)) => text.clone(),
        Some(origin) => {
            format!("the constraint {}{} ({})", project.name, asked.text(), crate::explain::place(origin))
        }
        None => format!("the constraint {}{}", project.name, asked.text()),
    }
}

/// A constraint that no version satisfies.
fn hopeless(project: &Project, offers: &Offers) -> Option<String> {
    let none = |asked: &&Asked| !offers.iter().any(|(_, version)| asked.set.contains(version));
    let asked = project.wishes.constraints.iter().find(none)?;
    let all: Vec<usize> = (0..offers.len()).collect();
    Some(format!(
        "{} asks for a version of {} that does not exist: there are {}",
        constraint(project, asked),
        project.name,
        runs(offers, &all, None)
    ))
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
