//! What there is of a project instead of what was asked for, in words.
//!
//! Owns how sets of versions are told: by the versions that exist, never by the bounds that the solver works with.

use std::collections::BTreeMap;

use crate::explain::one_line;
use crate::project::{Offers, Project, Unusable};
use crate::provider::{Provider, Set};

/// How many runs of versions are listed before the middle is left out.
const MAX_RUNS: usize = 4;

/// What is told of a set without a version to choose.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    /// What is so.
    pub(crate) fact: Option<String>,
    /// What may help.
    pub(crate) hints: Vec<String>,
}

/// Tells why no version of `set` can be chosen.
pub(crate) fn for_missing(provider: &Provider<'_>, project: &Project, set: &Set) -> Missing {
    let name = &project.name;
    let fact = |fact: String| Missing { fact: Some(fact), hints: Vec::new() };
    let Some(offers) = project.offers() else { return Missing::default() };
    if !offers.known {
        return fact(format!("no index has a project named {name}"));
    }
    if offers.len() == 0 {
        return fact(format!("{name} has no releases"));
    }
    let in_force = InForce::of(project, set);
    let found = Found::of(provider, project, offers, set);
    let hints = found.hints(project, offers);
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
    Missing { fact: Some(fact), hints }
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

    fn hints(&self, project: &Project, offers: &Offers) -> Vec<String> {
        let name = &project.name;
        let version = |at: &usize| offers.get(*at).map(|offer| &offer.version);
        let mut hints = Vec::new();
        if let Some(best) = self.prereleases.last().and_then(version) {
            hints.push(format!(
                "{name} {best} is a pre-release; to take it, require {name}>={best}, or allow pre-releases with --pre"
            ));
        }
        for (why, list) in &self.unusable {
            let Some(best) = list.last().and_then(version) else { continue };
            match why {
                Unusable::Yanked(_) => {
                    hints.push(format!("to take the yanked {name} {best} all the same, pin it: {name}=={best}"));
                }
                Unusable::TooNew => hints.push(format!(
                    "{name} {best} was uploaded after the cutoff; a later cutoff or an exception for {name} lets it in"
                )),
                _ => {}
            }
        }
        hints
    }
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
