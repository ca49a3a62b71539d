//! What there is of a project instead of what was asked for, in words.
//!
//! Owns why a set has no version to choose.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::explain::one_line;
use crate::facts::Release;
use crate::help::{Candidate, before_its_release, near_names};
use crate::project::{Asked, Offers, Project, Unusable};
use crate::provider::{Provider, Set};
use crate::reach::{self, Miss};
use crate::request::Origin;
use crate::story::{Fact, FactKind, Hint, HintKind};
use crate::versions::{MAX_RUNS, runs, told_runs};

/// So many versions of one kind are tried, the easiest first.
const MOST_ALIKE: usize = 4;

/// What is told of a set without a version to choose.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    /// What is so.
    pub(crate) fact: Option<Fact>,
    /// What may help.
    pub(crate) hints: Vec<Hint>,
    /// Whether a version would do that has not waited long enough.
    pub(crate) waits: bool,
}

/// Tells why no version of `set` can be chosen.
pub(crate) fn for_missing(provider: &Provider<'_>, project: &Project, set: &Set) -> Missing {
    let name = &project.name;
    let missing = |text: String, hints| Missing {
        fact: Some(Fact::new(FactKind::NoVersion, Some(name), text)),
        hints,
        waits: false,
    };
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
    let tried = (0..offers.len()).rev().find(|at| {
        let inside = offers.get(*at).is_some_and(|version| in_force.set.contains(version));
        inside && !found.prereleases.contains(at) && project.usable(offers, *at, provider.region)
    });
    if tried.is_some() {
        // Versions that were left out for what they depend on are told of by other facts. What is older than those needs the
        // same, as a rule.
        return Missing { hints: found.newer(tried).hints(provider, project, offers), ..Missing::default() };
    }
    let mut hints = found.hints(provider, project, offers);
    let asked = if in_force.text.is_empty() { String::new() } else { format!(" in {}", in_force.text) };
    let reasons = found.reasons(provider, project, offers);
    let fact = if found.is_empty() {
        let all: Vec<usize> = (0..offers.len()).collect();
        format!("{name} has no version{asked}: it has {}", told_runs(offers, &all, None))
    } else if reasons.is_empty() {
        format!("{name} has no final release{asked}")
    } else {
        format!("{name} has no version{asked} that can be used: {}", reasons.join("; "))
    };
    if found.is_empty() {
        hints.extend(before_its_release(provider, project, offers, &in_force.set));
    }
    Missing { waits: found.waits(provider, project, offers), ..missing(fact, hints) }
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
pub(crate) enum Why {
    /// It has wheels for this platform and other Pythons.
    OtherPythons,
    /// What the solver says.
    Unusable(Unusable),
}

impl Why {
    /// The kind of help that there is.
    fn kind(&self) -> Option<HintKind> {
        match self {
            Self::OtherPythons | Self::Unusable(Unusable::Python(_)) => Some(HintKind::Python),
            Self::Unusable(Unusable::Yanked(_)) => Some(HintKind::Yanked),
            Self::Unusable(Unusable::TooNew) => Some(HintKind::Cutoff),
            Self::Unusable(Unusable::Platform | Unusable::Required(_)) => Some(HintKind::Platform),
            Self::Unusable(Unusable::SourceOnly) => Some(HintKind::SourceOnly),
            Self::Unusable(Unusable::NoFiles | Unusable::Constrained) => None,
        }
    }
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

    /// Whether one of the versions would do if it had waited long enough.
    fn waits(&self, provider: &Provider<'_>, project: &Project, offers: &Offers) -> bool {
        let too_new = self.unusable.iter().filter(|(why, _)| why.kind() == Some(HintKind::Cutoff));
        let mut all = too_new.flat_map(|(_, list)| list);
        all.any(|at| Candidate { provider, project, offers, at: *at }.waits())
    }

    /// Without the pre-releases and the yanked versions up to a place.
    fn newer(mut self, than: Option<usize>) -> Self {
        self.prereleases.retain(|at| Some(*at) > than);
        for (_, list) in self.unusable.iter_mut().filter(|(why, _)| why.kind() == Some(HintKind::Yanked)) {
            list.retain(|at| Some(*at) > than);
        }
        self.unusable.retain(|_, list| !list.is_empty());
        self
    }

    fn reasons(&self, provider: &Provider<'_>, project: &Project, offers: &Offers) -> Vec<String> {
        let mut by_version: Vec<(&Why, &Vec<usize>)> = self.unusable.iter().collect();
        by_version.sort_by_key(|(_, list)| list.first());
        // Reasons that take turns too often to follow are told of all versions together.
        let turns: usize = by_version.iter().map(|(_, list)| runs(list, None).len()).sum();
        let together = by_version.len() > 1 && turns > by_version.len().max(MAX_RUNS);
        let mut told: Vec<(String, String)> = Vec::new();
        for (why, list) in by_version {
            let text = reason(provider, project, why, together || list.len() > 1);
            // What is locked for is told once.
            let (_, python) = text.rsplit_once(", not ").unwrap_or_default();
            if let Some((_, last)) = told.last_mut()
                && let Some(start) = last.strip_suffix(&format!(", not {python}"))
            {
                *last = start.to_owned();
            }
            told.push((told_runs(offers, list, None), text));
        }
        if !together {
            return told.into_iter().map(|(versions, text)| format!("{versions} {text}")).collect();
        }
        let mut all: Vec<usize> = self.unusable.values().flatten().copied().collect();
        all.sort_unstable();
        let some: Vec<String> = told.into_iter().map(|(_, text)| format!("some {text}")).collect();
        vec![format!("of {}, {}", told_runs(offers, &all, None), some.join("; "))]
    }

    fn hints(&self, provider: &Provider<'_>, project: &Project, offers: &Offers) -> Vec<Hint> {
        let name = &project.name;
        let mut hints = Vec::new();
        let newest = self.prereleases.iter().rev().take(MOST_ALIKE);
        for best in newest.filter_map(|at| offers.get(*at)) {
            let text = format!(
                "{name} {best} is a pre-release; to take it, require {name}>={best}, or allow pre-releases with --pre"
            );
            hints.push(Hint::new(HintKind::Prerelease, Some(name), text).by(best));
        }
        // What stands in the way of the newest version is worth knowing first.
        let mut by_version: Vec<(usize, &Why)> =
            self.unusable.iter().flat_map(|(why, list)| list.iter().map(move |at| (*at, why))).collect();
        by_version.sort_by(|a, b| b.cmp(a));
        let newest = by_version.first().and_then(|(_, why)| why.kind());
        let mut kinds: Vec<HintKind> = Vec::new();
        for kind in by_version.iter().filter_map(|(_, why)| why.kind()) {
            // Of an older version only what it takes no other machine for.
            let is_easy = matches!(kind, HintKind::Yanked | HintKind::Cutoff);
            if kinds.contains(&kind) || !(newest == Some(kind) || is_easy) {
                continue;
            }
            kinds.push(kind);
            let candidate = |at: usize| Candidate { provider, project, offers, at };
            let alike = by_version.iter().filter(|(_, why)| why.kind() == Some(kind));
            let mut alike: Vec<_> = alike.collect();
            alike.sort_by_key(|(at, why)| (candidate(*at).effort(why), Reverse(*at)));
            // What can be tried is tried one after the other; of all else the easiest is told.
            alike.truncate(if is_easy { MOST_ALIKE } else { 1 });
            for (at, why) in alike {
                let (Some(text), Some(version)) = (candidate(*at).hint(why), offers.get(*at)) else {
                    continue;
                };
                let hint = Hint::new(kind, Some(name), text);
                hints.push(if is_easy { hint.by(version) } else { hint });
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
        _ => Why::Unusable(why.clone()),
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
            format!("{needs} Python {specifiers}, not {}", provider.region.python_words_outside(specifiers))
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
        told_runs(offers, &all, None)
    ))
}
