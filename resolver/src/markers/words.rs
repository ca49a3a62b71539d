//! The shortest words for a marker, given what holds anyway.
//!
//! Owns the search among equal forms. It never gives a form that differs anywhere within what is given.

use std::cell::RefCell;

use pep440_rs::{Operator, Version, VersionSpecifier};
use pep508_rs::{MarkerExpression, MarkerOperator, MarkerTree, MarkerValueString, MarkerValueVersion};

use super::paths::{Alternatives, alternatives, negated, paths, terms};
use super::settled::settled;
use super::shape::Shape;
use super::{Known, covers, overlaps, remembered, same, tree_of, within};

/// Markers with more expressions than this are told as they are.
const MOST_EXPRESSIONS: usize = 64;

/// The simplest marker that is equal to `marker` in every environment of `within`.
pub fn simplify(marker: &MarkerTree, within: &MarkerTree) -> MarkerTree {
    shortest(marker, within).map_or(MarkerTree::TRUE, |shape| shape.tree())
}

/// The shortest text that is equal to `marker` in every environment of `within`; none where it holds in all of them.
///
/// Bounds on minor releases are told by `python_version`, which is equal for them.
pub fn text(marker: &MarkerTree, within: &MarkerTree) -> Option<String> {
    shortest(marker, within).map(|shape| shape.words())
}

/// The shape that is told. It is looked for once in a run, and is known of what is read from it.
fn shortest(marker: &MarkerTree, within: &MarkerTree) -> Option<Shape> {
    thread_local! {
        static KNOWN: Known<(MarkerTree, MarkerTree), Shape> = RefCell::default();
    }
    if covers(within, marker) {
        return None;
    }
    let mut read = None;
    let told = remembered(&KNOWN, &(marker.clone(), within.clone()), || {
        let Some(found) = settled(marker, |tree| shapes(tree, within)) else {
            return Shape::of(&alternatives(marker));
        };
        read = found.read;
        found.shape
    });
    if let Some(read) = read {
        remembered(&KNOWN, &(read, within.clone()), || told.clone());
    }
    Some(told)
}

/// What a marker can be told as, the shortest first: alternatives whose common parts are drawn out, and the opposite of what
/// the marker leaves out.
fn shapes(marker: &MarkerTree, within: &MarkerTree) -> Vec<Shape> {
    let Some(found) = forms(marker, within) else { return vec![Shape::of(&never())] };
    let mut shapes: Vec<Shape> = found.iter().map(Shape::of).collect();
    if shapes.is_empty() {
        shapes.push(Shape::of(&alternatives(marker)));
    }
    shapes.sort_by_cached_key(cost);
    if shapes.first().is_some_and(|best| best.size() > FEW) {
        let opposite = forms(&marker.negate(), within).unwrap_or_default();
        shapes.extend(opposite.iter().filter_map(|form| Shape::of(form).negated()));
        shapes.sort_by_cached_key(cost);
    }
    shapes.dedup();
    shapes
}

/// So many expressions are not told more shortly as the opposite of something.
const FEW: usize = 3;

/// What makes a shape long: an `in`, then each expression, then the text.
pub(super) fn cost(shape: &Shape) -> (usize, usize, usize, String) {
    let text = shape.words();
    (shape.count(&is_within), shape.size(), text.len(), text)
}

/// Forms that are equal to a marker; none where no environment is left of it.
fn forms(marker: &MarkerTree, within: &MarkerTree) -> Option<Vec<Alternatives>> {
    let mut goal = marker.clone();
    goal.and(within.clone());
    goal.and(within::facts(&goal));
    if !overlaps(&goal, &MarkerTree::TRUE) {
        return None;
    }
    let goal = Goal { goal, within };
    let plain = goal.of_one_kind();
    let mut forms = if plain.is_empty() { goal.canonical() } else { plain };
    if !forms.iter().any(|form| !has_within(form)) || forms.iter().all(|form| size(form) > 2) {
        forms.extend(goal.reduced(alternatives(marker)));
    }
    Some(forms)
}

fn has_within(form: &Alternatives) -> bool {
    form.iter().flatten().any(is_within)
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

    /// "A and B and C", or "A or B or C": forms that follow from the environments of the goal alone, however its marker came
    /// about, and without `in`. None where there are no such forms.
    fn of_one_kind(&self) -> Vec<Alternatives> {
        let mut all = terms(&self.goal);
        all.retain(|term| !is_within(term));
        let mut all: Vec<MarkerExpression> = all.into_iter().map(|term| self.usual(term)).collect();
        all.extend(all.iter().filter_map(negated).collect::<Vec<_>>());
        all.sort_by_cached_key(place);
        all.dedup();
        // All that holds wherever the goal does, and all that holds nowhere else.
        let holds = tree_of;
        let and = vec![all.iter().filter(|term| covers(&self.goal, &holds(term))).cloned().collect()];
        let or = all.into_iter().filter(|term| self.allows(&holds(term))).map(|term| vec![term]).collect();
        [and, or].into_iter().flat_map(|form| self.reduced(form)).collect()
    }

    /// A form that follows from the environments of the goal alone, without `in` where that can be.
    fn canonical(&self) -> Vec<Alternatives> {
        let Some(form) = paths(&self.goal) else { return Vec::new() };
        let plain =
            |all: &Vec<MarkerExpression>| all.iter().filter(|term| !is_within(term)).cloned().collect();
        let mut without: Alternatives = form.iter().map(plain).collect();
        without.dedup();
        let found = self.reduced(without);
        if found.is_empty() { self.reduced(form) } else { found }
    }

    /// Whether a part of what is given lies in the goal.
    fn allows(&self, part: &MarkerTree) -> bool {
        let mut part = part.clone();
        part.and(self.within.clone());
        covers(&part, &self.goal)
    }

    /// Leaves out alternatives and expressions as long as nothing changes: once from the front, once from the back. Nothing,
    /// for a form that does not meet the goal.
    fn reduced(&self, form: Alternatives) -> Vec<Alternatives> {
        let spelled = |all: Vec<MarkerExpression>| {
            all.into_iter().flat_map(halves).map(|term| self.usual(term)).collect()
        };
        let form: Alternatives = form.into_iter().map(spelled).collect();
        if size(&form) > MOST_EXPRESSIONS || !self.is_met(&form) {
            return Vec::new();
        }
        [false, true].into_iter().map(|backwards| self.reduce(form.clone(), backwards)).collect()
    }

    fn reduce(&self, mut form: Alternatives, backwards: bool) -> Alternatives {
        self.drop_alternatives(&mut form);
        for all in &mut form {
            let count = all.len();
            let mut dropped = 0;
            for step in 0..count {
                let place = if backwards { count - 1 - step } else { step - dropped };
                let mut without = all.clone();
                if place < without.len() {
                    without.remove(place);
                }
                // It holds in more environments than before; none of them may lie outside of the goal.
                if self.allows(&conjunction(&without)) {
                    *all = without;
                    dropped += 1;
                }
            }
        }
        // What was shortened may cover others by now.
        self.drop_alternatives(&mut form);
        while join_alternatives(&mut form) {}
        form.iter_mut().for_each(join_halves);
        form.iter_mut().for_each(|all| all.sort_by_cached_key(place));
        form.sort_by_cached_key(|all| (all.len(), all.iter().map(place).collect::<Vec<_>>()));
        form
    }

    /// The same by the name that people write: of those for a system `sys_platform`, of those for an implementation
    /// `platform_python_implementation`.
    fn usual(&self, term: MarkerExpression) -> MarkerExpression {
        let MarkerExpression::String { key, operator, value } = &term else { return term };
        let equality = matches!(operator, MarkerOperator::Equal | MarkerOperator::NotEqual);
        let Some((key, value)) = usual_name(key, value).filter(|_| equality) else { return term };
        let other = MarkerExpression::String { key, operator: *operator, value: value.to_owned() };
        let [mut one, mut two] = [&term, &other].map(tree_of);
        one.and(self.within.clone());
        two.and(self.within.clone());
        if same(&one, &two) { other } else { term }
    }

    /// Leaves out what the other alternatives cover.
    fn drop_alternatives(&self, form: &mut Alternatives) {
        let mut trees: Vec<MarkerTree> = form.iter().map(|all| conjunction(all)).collect();
        for at in (0..form.len()).rev() {
            let mut others = MarkerTree::FALSE;
            let rest = trees.iter().enumerate().filter(|(other, _)| *other != at);
            rest.for_each(|(_, tree)| others.or(tree.clone()));
            if covers(&self.goal, &others) {
                form.remove(at);
                trees.remove(at);
            }
        }
    }
}

fn usual_name(key: &MarkerValueString, value: &str) -> Option<(MarkerValueString, &'static str)> {
    use MarkerValueString::{
        ImplementationName, OsName, PlatformPythonImplementation, PlatformSystem, SysPlatform,
    };
    Some(match (key, value) {
        (OsName, "nt") | (PlatformSystem, "Windows") => (SysPlatform, "win32"),
        (PlatformSystem, "Linux") => (SysPlatform, "linux"),
        (PlatformSystem, "Darwin") => (SysPlatform, "darwin"),
        (ImplementationName, "cpython") => (PlatformPythonImplementation, "CPython"),
        (ImplementationName, "pypy") => (PlatformPythonImplementation, "PyPy"),
        _ => return None,
    })
}

/// Where an expression stands among others.
pub(super) type Place = (u8, String, Option<Version>, String);

/// Where an expression stands: versions first, the low ones before the high ones, extras last.
pub(super) fn place(term: &MarkerExpression) -> Place {
    match term {
        MarkerExpression::Version { key, specifier } => {
            (0, key.to_string(), Some(specifier.version().clone()), expression(term))
        }
        MarkerExpression::Extra { .. } => (2, String::new(), None, expression(term)),
        _ => (1, String::new(), None, expression(term)),
    }
}

fn tree(form: &Alternatives) -> MarkerTree {
    let mut any = MarkerTree::FALSE;
    form.iter().for_each(|all| any.or(conjunction(all)));
    any
}

fn conjunction(terms: &[MarkerExpression]) -> MarkerTree {
    let mut all = MarkerTree::TRUE;
    terms.iter().for_each(|term| all.and(tree_of(term)));
    all
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
        // `3` is the spelling of `3.0`.
        let version = &match version.release() {
            [major] => Version::new([*major, 0]),
            _ => version.clone(),
        };
        let high = next(version)?;
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

/// Two alternatives that differ in the versions of one variable alone as one, where one range can say it: `A and < '3.10'`
/// or `A and >= '3.11'` is `A and != '3.10'`. Whether there were any.
fn join_alternatives(form: &mut Alternatives) -> bool {
    let pairs = (0..form.len()).flat_map(|one| (one + 1..form.len()).map(move |other| (one, other)));
    let found = pairs.into_iter().find_map(|(one, other)| {
        let (a, b) = (form.get(one)?, form.get(other)?);
        let key = a
            .iter()
            .chain(b)
            .find_map(|term| version_key(term).filter(|_| !(a.contains(term) && b.contains(term))))?;
        let [(a, rest), (b, same)] = [a, b].map(|all| {
            let is_of_key = |term: &&MarkerExpression| version_key(term) == Some(key);
            all.iter().cloned().partition::<Vec<_>, _>(|term| is_of_key(&term))
        });
        let equal = rest.len() == same.len() && rest.iter().all(|term| same.contains(term));
        if !equal {
            return None;
        }
        let mut any = conjunction(&a);
        any.or(conjunction(&b));
        match paths(&any)?.as_slice() {
            [joined] => Some((one, other, joined.iter().cloned().chain(rest).collect())),
            _ => None,
        }
    });
    let Some((one, other, joined)) = found else { return false };
    form.remove(other);
    if let Some(place) = form.get_mut(one) {
        *place = joined;
    }
    true
}

fn version_key(term: &MarkerExpression) -> Option<&MarkerValueVersion> {
    match term {
        MarkerExpression::Version { key, .. } => Some(key),
        _ => None,
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

/// One expression as text.
pub(super) fn expression(expression: &MarkerExpression) -> String {
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
