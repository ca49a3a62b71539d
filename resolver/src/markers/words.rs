//! The shortest words for a marker, given what holds anyway.
//!
//! Owns the search among equal forms. It never gives a form that differs anywhere within what is given.

use pep440_rs::{Operator, Version, VersionSpecifier};
use pep508_rs::{MarkerExpression, MarkerOperator, MarkerTree, MarkerValueVersion};

use super::paths::{Alternatives, alternatives, negated, paths};
use super::{covers, overlaps, same};

/// Markers with more expressions than this are told as they are.
const MOST_EXPRESSIONS: usize = 96;

/// The simplest marker that is equal to `marker` in every environment of `within`.
pub fn simplify(marker: &MarkerTree, within: &MarkerTree) -> MarkerTree {
    match shortest(marker, within) {
        None => MarkerTree::TRUE,
        Some(form) => tree(&form),
    }
}

/// The shortest text that is equal to `marker` in every environment of `within`; none where it holds in all of them.
///
/// Bounds on minor releases are told by `python_version`, which is equal for them.
pub fn text(marker: &MarkerTree, within: &MarkerTree) -> Option<String> {
    shortest(marker, within).map(|form| words(&form))
}

fn shortest(marker: &MarkerTree, within: &MarkerTree) -> Option<Alternatives> {
    if covers(within, marker) {
        return None;
    }
    let mut goal = marker.clone();
    goal.and(within.clone());
    if !overlaps(&goal, &MarkerTree::TRUE) {
        return Some(never());
    }
    let goal = Goal { goal, within };
    let mut forms = goal.canonical();
    forms.extend(goal.reduced(alternatives(marker)));
    // What it leaves out may be shorter to say: "not on Windows".
    let outside = Goal { goal: goal.rest(), within };
    for form in outside.reduced(alternatives(&marker.negate())).into_iter().chain(outside.canonical()) {
        if let [alternative] = form.as_slice() {
            let negated = alternative.iter().filter_map(negated);
            forms.extend(goal.reduced(negated.map(|expression| vec![expression]).collect()));
        }
    }
    forms.retain(|form| goal.is_met(form));
    forms.sort_by_cached_key(|form| {
        let text = words(form);
        // Of the names for a system, `sys_platform` is the one that people write.
        let unusual = text.matches("os_name").count() + text.matches("platform_system").count();
        (form.iter().flatten().filter(|term| is_within(term)).count(), size(form), unusual, text.len(), text)
    });
    Some(forms.into_iter().next().unwrap_or_else(|| alternatives(marker)))
}

fn size(form: &Alternatives) -> usize {
    form.iter().map(Vec::len).sum()
}

/// Whether it is an `in` or a `not in`. What equalities can say is said by them: one set of environments has one text.
fn is_within(expression: &MarkerExpression) -> bool {
    use MarkerOperator::{Contains, In, NotContains, NotIn};
    matches!(expression, MarkerExpression::String { operator: In | NotIn | Contains | NotContains, .. })
}

/// What no environment is: the algebra has no words for it.
fn never() -> Alternatives {
    let specifier = VersionSpecifier::from_version(Operator::LessThan, Version::new([0]));
    let version =
        |specifier| MarkerExpression::Version { key: MarkerValueVersion::PythonFullVersion, specifier };
    vec![specifier.into_iter().map(version).collect()]
}

struct Goal<'a> {
    goal: MarkerTree,
    within: &'a MarkerTree,
}

impl Goal<'_> {
    fn is_met(&self, form: &Alternatives) -> bool {
        let mut found = tree(form);
        found.and(self.within.clone());
        same(&found, &self.goal)
    }

    /// Forms that follow from the environments of the goal alone, however its marker came about.
    fn canonical(&self) -> Vec<Alternatives> {
        let Some(mut form) = paths(&self.goal) else { return Vec::new() };
        let mut without: Alternatives =
            form.iter().map(|all| all.iter().filter(|term| !is_within(term)).cloned().collect()).collect();
        without.dedup();
        if without != form && self.is_met(&without) {
            form = without;
        }
        let mut terms: Vec<MarkerExpression> = form.iter().flatten().cloned().flat_map(halves).collect();
        terms.extend(terms.iter().filter_map(negated).collect::<Vec<_>>());
        terms.sort_by_cached_key(expression);
        terms.dedup();
        // All that holds wherever the goal does, and all that holds nowhere else.
        let holds = |term: &MarkerExpression| MarkerTree::expression(term.clone());
        let all: Vec<MarkerExpression> =
            terms.iter().filter(|term| covers(&self.goal, &holds(term))).cloned().collect();
        let any: Alternatives =
            terms.iter().filter(|term| self.covers(&holds(term))).map(|term| vec![term.clone()]).collect();
        let forms = [vec![all], any, form];
        forms.into_iter().filter(|form| self.is_met(form)).flat_map(|form| self.reduced(form)).collect()
    }

    fn covers(&self, part: &MarkerTree) -> bool {
        let mut part = part.clone();
        part.and(self.within.clone());
        covers(&part, &self.goal)
    }

    fn rest(&self) -> MarkerTree {
        let mut rest = self.goal.negate();
        rest.and(self.within.clone());
        rest
    }

    /// Leaves out alternatives and expressions as long as nothing changes: once from the front, once from the back.
    fn reduced(&self, form: Alternatives) -> Vec<Alternatives> {
        let form: Alternatives =
            form.into_iter().map(|all| all.into_iter().flat_map(halves).collect()).collect();
        if size(&form) > MOST_EXPRESSIONS {
            return vec![form];
        }
        [false, true].into_iter().map(|backwards| self.reduce(form.clone(), backwards)).collect()
    }

    fn reduce(&self, mut form: Alternatives, backwards: bool) -> Alternatives {
        self.drop_alternatives(&mut form);
        for at in 0..form.len() {
            let count = form.get(at).map_or(0, Vec::len);
            let mut dropped = 0;
            for step in 0..count {
                let place = if backwards { count - 1 - step } else { step - dropped };
                let mut without = form.clone();
                if let Some(terms) = without.get_mut(at).filter(|terms| place < terms.len()) {
                    terms.remove(place);
                }
                if self.is_met(&without) {
                    form = without;
                    dropped += 1;
                }
            }
        }
        // What was shortened may cover others by now.
        self.drop_alternatives(&mut form);
        form.iter_mut().for_each(join_halves);
        form
    }

    fn drop_alternatives(&self, form: &mut Alternatives) {
        for at in (0..form.len()).rev() {
            let mut without = form.clone();
            without.remove(at);
            if self.is_met(&without) {
                *form = without;
            }
        }
    }
}

fn tree(form: &Alternatives) -> MarkerTree {
    let mut any = MarkerTree::FALSE;
    for alternative in form {
        let mut all = MarkerTree::TRUE;
        alternative.iter().for_each(|expression| all.and(MarkerTree::expression(expression.clone())));
        any.or(all);
    }
    any
}

/// `== '3.10.*'` as its two bounds, of which one may be implied.
fn halves(expression: MarkerExpression) -> Vec<MarkerExpression> {
    let MarkerExpression::Version { key, specifier } = &expression else { return vec![expression] };
    if *specifier.operator() != Operator::EqualStar {
        return vec![expression];
    }
    let half = |operator: Operator, version: Version| {
        let specifier = VersionSpecifier::from_version(operator, version).ok()?;
        Some(MarkerExpression::Version { key: key.clone(), specifier })
    };
    let low = specifier.version().only_release();
    let pair = next(&low)
        .and_then(|high| Some(vec![half(Operator::GreaterThanEqual, low)?, half(Operator::LessThan, high)?]));
    pair.unwrap_or_else(|| vec![expression])
}

/// The first release behind a prefix: 3.11 for 3.10.
fn next(prefix: &Version) -> Option<Version> {
    let (last, head) = prefix.release().split_last()?;
    let next = last.checked_add(1)?;
    Some(Version::new(head.iter().copied().chain([next])))
}

/// Both bounds of one minor release as `== '3.10.*'`.
fn join_halves(alternative: &mut Vec<MarkerExpression>) {
    let found = alternative.iter().enumerate().find_map(|(low_at, low)| {
        let (key, version) = bound(low, Operator::GreaterThanEqual)?;
        let high = next(version).filter(|_| version.release().len() > 1)?;
        let high_at = alternative.iter().position(|other| {
            bound(other, Operator::LessThan).is_some_and(|(same, found)| same == key && *found == high)
        })?;
        let specifier = VersionSpecifier::from_version(Operator::EqualStar, version.clone()).ok()?;
        Some((low_at, high_at, MarkerExpression::Version { key: key.clone(), specifier }))
    });
    if let Some((low, high, joined)) = found {
        let mut at = 0;
        alternative.retain(|_| {
            at += 1;
            at - 1 != high
        });
        let low = if high < low { low - 1 } else { low };
        if let Some(place) = alternative.get_mut(low) {
            *place = joined;
        }
    }
}

fn bound(expression: &MarkerExpression, operator: Operator) -> Option<(&MarkerValueVersion, &Version)> {
    match expression {
        MarkerExpression::Version { key, specifier } if *specifier.operator() == operator => {
            Some((key, specifier.version()))
        }
        _ => None,
    }
}

fn words(form: &Alternatives) -> String {
    let several = form.len() > 1;
    let alternative = |all: &Vec<MarkerExpression>| {
        let text = all.iter().map(expression).collect::<Vec<_>>().join(" and ");
        if several && all.len() > 1 { format!("({text})") } else { text }
    };
    form.iter().map(alternative).collect::<Vec<_>>().join(" or ")
}

fn expression(expression: &MarkerExpression) -> String {
    if let MarkerExpression::Version { key: MarkerValueVersion::PythonFullVersion, specifier } = expression {
        let (short, minor) =
            (specifier.version().release().len() <= 2, specifier.version().release().len() == 2);
        let operator = match specifier.operator() {
            Operator::GreaterThanEqual if short => Some(">="),
            Operator::LessThan if short => Some("<"),
            Operator::EqualStar if minor => Some("=="),
            Operator::NotEqualStar if minor => Some("!="),
            _ => None,
        };
        if let Some(operator) = operator {
            return format!("python_version {operator} '{}'", specifier.version().only_release());
        }
    }
    expression.to_string()
}
