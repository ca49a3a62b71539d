//! A marker as alternatives, read off its decision diagram: "A and B, or C".
//!
//! Owns the order of alternatives and the spelling of versions in them: both follow from what the marker means. It never
//! asks for the order in which markers were made, nor for the spelling of a version that was met first (the algebra keeps
//! one of `4`, `4.0` and `4.0.0` for all, and another one in the next process).

use std::cell::RefCell;
use std::ops::Bound;

use pep440_rs::{Operator, Version, VersionSpecifier};
use pep508_rs::{
    ExtraOperator, MarkerExpression, MarkerOperator, MarkerTree, MarkerTreeKind, MarkerValueString,
    MarkerValueVersion,
};
use rustc_hash::FxHashSet;
use version_ranges::Ranges;

use super::{Known, remembered, tree_of};

/// "A and B, or C": a marker as a list of alternatives.
pub(super) type Alternatives = Vec<Vec<MarkerExpression>>;

/// Diagrams with more paths than this come from metadata that were made to be large.
const MOST_PATHS: usize = 128;

/// The alternatives of a marker: each path through its diagram that ends in "true". The first ask for low versions.
///
/// A marker of too many paths is told as the algebra tells it.
pub(super) fn alternatives(tree: &MarkerTree) -> Alternatives {
    paths(tree).unwrap_or_else(|| tree.to_dnf())
}

/// The same, if they are not too many.
pub(super) fn paths(tree: &MarkerTree) -> Option<Alternatives> {
    let mut all = Alternatives::new();
    let whole = collect(tree, &mut Vec::new(), &mut all);
    absorb(&mut all);
    whole.then_some(all)
}

/// A version with as few zeros at its end as mean the same.
pub(super) fn plain(version: &Version) -> Version {
    let mut release = version.release().to_vec();
    if *version != version.only_release() {
        return version.clone();
    }
    while release.len() > 1 && release.last() == Some(&0) {
        release.pop();
    }
    Version::new(release).with_epoch(version.epoch())
}

/// Every expression that the diagram of a marker asks about, in no order that means anything.
pub(super) fn terms(tree: &MarkerTree) -> Vec<MarkerExpression> {
    let (mut seen, mut open, mut all) = (FxHashSet::default(), vec![tree.clone()], Vec::new());
    while let Some(next) = open.pop() {
        if seen.insert(next.clone()) {
            for (terms, child) in steps(&next) {
                all.extend(terms);
                open.push(child);
            }
        }
    }
    all
}

/// Whether all paths were collected.
fn collect(tree: &MarkerTree, path: &mut Vec<MarkerExpression>, all: &mut Alternatives) -> bool {
    if tree.is_true() {
        all.push(path.clone());
        return all.len() <= MOST_PATHS;
    }
    steps(tree).into_iter().all(|(step, child)| {
        let length = path.len();
        path.extend(step);
        let whole = collect(&child, path, all);
        path.truncate(length);
        whole
    })
}

/// What the topmost node of a diagram asks, and where each answer leads.
fn steps(tree: &MarkerTree) -> Vec<(Vec<MarkerExpression>, MarkerTree)> {
    match tree.kind() {
        MarkerTreeKind::False | MarkerTreeKind::True => Vec::new(),
        MarkerTreeKind::Version(node) => {
            let told = |(range, child)| with(versions(node.key(), &range), &child);
            joined(node.edges()).into_iter().flat_map(told).collect()
        }
        MarkerTreeKind::String(node) => {
            let told = |(range, child)| with(strings(node.key(), &range), &child);
            joined(node.children()).into_iter().flat_map(told).collect()
        }
        MarkerTreeKind::In(node) => {
            let told = |holds| if holds { MarkerOperator::In } else { MarkerOperator::NotIn };
            let step = |(holds, child)| (vec![string(node.key(), told(holds), node.value())], child);
            node.children().map(step).collect()
        }
        MarkerTreeKind::Contains(node) => {
            let told = |holds| if holds { MarkerOperator::Contains } else { MarkerOperator::NotContains };
            let step = |(holds, child)| (vec![string(node.key(), told(holds), node.value())], child);
            node.children().map(step).collect()
        }
        MarkerTreeKind::Extra(node) => {
            let step = |(holds, child)| {
                let operator = if holds { ExtraOperator::Equal } else { ExtraOperator::NotEqual };
                (vec![MarkerExpression::Extra { operator, name: node.name().clone() }], child)
            };
            node.children().map(step).collect()
        }
    }
}

fn with(steps: Alternatives, child: &MarkerTree) -> Vec<(Vec<MarkerExpression>, MarkerTree)> {
    steps.into_iter().map(|step| (step, child.clone())).collect()
}

/// The ranges that lead to one and the same child as one, in the order of the lowest.
fn joined<'n, T: Ord + Clone + 'n>(
    edges: impl Iterator<Item = (&'n Ranges<T>, MarkerTree)>,
) -> Vec<(Ranges<T>, MarkerTree)> {
    let mut all: Vec<(Ranges<T>, MarkerTree)> = Vec::new();
    for (range, child) in edges {
        match all.iter_mut().find(|(_, known)| *known == child) {
            Some((known, _)) => *known = known.union(range),
            None => all.push((range.clone(), child)),
        }
    }
    all
}

/// What is left out of a range without ends, if these are single points and, for versions, minor releases.
fn left_out<T: Ord + Clone>(range: &Ranges<T>) -> Option<Vec<(Bound<T>, Bound<T>)>> {
    let whole = range.bounding_range() == Some((Bound::Unbounded, Bound::Unbounded));
    whole.then(|| range.complement().iter().map(|(low, high)| (low.clone(), high.clone())).collect())
}

fn versions(key: &MarkerValueVersion, range: &Ranges<Version>) -> Alternatives {
    let told = |operator, version: &Version| {
        let specifier = VersionSpecifier::from_version(operator, plain(version)).ok()?;
        Some(MarkerExpression::Version { key: key.clone(), specifier })
    };
    let hole = |(low, high): (Bound<Version>, Bound<Version>)| match (low, high) {
        (Bound::Included(low), Bound::Included(high)) if low == high => told(Operator::NotEqual, &low),
        (Bound::Included(low), Bound::Excluded(high)) => {
            let prefix = minor(&low, &high)?;
            let specifier = VersionSpecifier::from_version(Operator::NotEqualStar, prefix).ok()?;
            Some(MarkerExpression::Version { key: key.clone(), specifier })
        }
        _ => None,
    };
    let holes = left_out(range).and_then(|holes| holes.into_iter().map(hole).collect::<Option<Vec<_>>>());
    if let Some(holes) = holes {
        return vec![holes];
    }
    let segment = |(low, high): (&Bound<Version>, &Bound<Version>)| match (low, high) {
        (Bound::Included(low), Bound::Included(high)) if low == high => {
            told(Operator::Equal, low).into_iter().collect()
        }
        _ => {
            let low = match low {
                Bound::Included(version) => told(Operator::GreaterThanEqual, version),
                Bound::Excluded(version) => told(Operator::GreaterThan, version),
                Bound::Unbounded => None,
            };
            let high = match high {
                Bound::Included(version) => told(Operator::LessThanEqual, version),
                Bound::Excluded(version) => told(Operator::LessThan, version),
                Bound::Unbounded => None,
            };
            low.into_iter().chain(high).collect()
        }
    };
    range.iter().map(segment).collect()
}

/// `3.10` where the bounds are those of `3.10.*`.
fn minor(low: &Version, high: &Version) -> Option<Version> {
    let part = |at: usize| low.release().get(at).copied().unwrap_or(0);
    let prefix = Version::new([part(0), part(1)]);
    (*low == prefix && *high == Version::new([part(0), part(1).checked_add(1)?])).then_some(prefix)
}

fn strings(key: &MarkerValueString, range: &Ranges<String>) -> Alternatives {
    let hole = |(low, high): (Bound<String>, Bound<String>)| match (low, high) {
        (Bound::Included(low), Bound::Included(high)) if low == high => {
            Some(string(key, MarkerOperator::NotEqual, &low))
        }
        _ => None,
    };
    let holes = left_out(range).and_then(|holes| holes.into_iter().map(hole).collect::<Option<Vec<_>>>());
    if let Some(holes) = holes {
        return vec![holes];
    }
    let segment = |bounds| {
        let told = MarkerOperator::from_bounds(bounds).map(|(operator, value)| string(key, operator, &value));
        told.collect()
    };
    range.iter().map(segment).collect()
}

fn string(key: &MarkerValueString, operator: MarkerOperator, value: &str) -> MarkerExpression {
    MarkerExpression::String { key: key.clone(), operator, value: value.to_owned() }
}

/// Drops what is said twice: `A or (not A and B)` is `A or B`, and `A or (A and B)` is `A`.
fn absorb(all: &mut Alternatives) {
    for at in 0..all.len() {
        let mut place = 0;
        while let Some(term) = all.get(at).and_then(|terms| terms.get(place)).cloned() {
            let opposite = negated(&term);
            let rest: Vec<MarkerExpression> =
                all.get(at).into_iter().flatten().filter(|other| **other != term).cloned().collect();
            let implied = all.iter().enumerate().any(|(other, terms)| {
                other != at && terms.iter().all(|it| Some(it) == opposite.as_ref() || rest.contains(it))
            });
            match all.get_mut(at).filter(|_| implied) {
                Some(terms) => drop(terms.remove(place)),
                None => place += 1,
            }
        }
    }
    let mut at = 0;
    while let Some(terms) = all.get(at).cloned() {
        let mut others = all.iter().enumerate().filter(|(other, _)| *other != at);
        if others.any(|(_, other)| other.iter().all(|term| terms.contains(term))) {
            all.remove(at);
        } else {
            at += 1;
        }
    }
}

/// The opposite of one expression, as one expression.
pub(super) fn negated(expression: &MarkerExpression) -> Option<MarkerExpression> {
    thread_local! {
        static KNOWN: Known<MarkerExpression, Option<MarkerExpression>> = RefCell::default();
    }
    remembered(&KNOWN, expression, || opposite(expression))
}

fn opposite(expression: &MarkerExpression) -> Option<MarkerExpression> {
    let mut all = Alternatives::new();
    collect(&tree_of(expression).negate(), &mut Vec::new(), &mut all);
    match all.as_slice() {
        [alternative] => match alternative.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        },
        _ => None,
    }
}
