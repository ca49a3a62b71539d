//! Sets of versions in words: by the versions that exist, never by the bounds that the solver works with.

use crate::project::{Offers, Project};
use crate::provider::{Provider, Set};

/// How many runs of versions are listed before the middle is left out.
pub(crate) const MAX_RUNS: usize = 4;

/// Versions in words.
pub(crate) struct Told {
    /// The words.
    pub(crate) text: String,
    /// Whether several versions are meant, each for itself: they "require", where one "requires".
    pub(crate) several: bool,
}

/// A set of versions of a project, such as `flask 3.0.0 to 3.1.2`, or `every version of flask`.
pub(crate) fn versions(provider: &Provider<'_>, project: &Project, set: &Set) -> Told {
    let name = &project.name;
    let one = |text: String| Told { text, several: false };
    let Some(offers) = project.offers() else { return one(name.to_string()) };
    let usable: Vec<usize> =
        (0..offers.len()).filter(|at| project.usable(offers, *at, provider.region)).collect();
    let contains = |at: &&usize| offers.get(**at).is_some_and(|version| set.contains(version));
    let inside: Vec<usize> = usable.iter().filter(contains).copied().collect();
    if inside.len() > 1 && inside.len() == usable.len() {
        return one(format!("every version of {name}"));
    }
    match inside.as_slice() {
        [] => one(name.to_string()),
        _ => Told {
            text: format!("{name} {}", told_runs(offers, &inside, Some(&usable))),
            several: inside.len() > 1,
        },
    }
}

/// The same, where it may be that no such version exists.
pub(crate) fn versions_or_none(provider: &Provider<'_>, project: &Project, set: &Set) -> String {
    let exists = |offers: &Offers| offers.iter().any(|(_, version)| set.contains(version));
    if project.offers().is_some_and(exists) {
        return versions(provider, project, set).text;
    }
    format!("versions of {} that do not exist", project.name)
}

/// Versions as runs: `1.0, 1.2 to 1.5 and 2.0`. A run has no version of `among` (of all, if none is given) between.
pub(crate) fn told_runs(offers: &Offers, list: &[usize], among: Option<&[usize]>) -> String {
    let show = |at: usize| offers.get(at).map(ToString::to_string).unwrap_or_default();
    let run = |(first, last): &(usize, usize)| {
        if first == last { show(*first) } else { format!("{} to {}", show(*first), show(*last)) }
    };
    match runs(list, among).as_slice() {
        [] => String::new(),
        [only] => run(only),
        [first, .., last] if runs(list, among).len() > MAX_RUNS => {
            format!("{}, … and {}", run(first), run(last))
        }
        [head @ .., last] => {
            format!("{} and {}", head.iter().map(run).collect::<Vec<_>>().join(", "), run(last))
        }
    }
}

/// The first and the last place of each run.
pub(crate) fn runs(list: &[usize], among: Option<&[usize]>) -> Vec<(usize, usize)> {
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
    runs
}
