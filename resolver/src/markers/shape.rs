//! A marker as people write it: "A and (B or C)".
//!
//! Owns what is drawn out of alternatives that share it, and the order and the parentheses of the words. It never changes
//! what a form means: "A and B, or A and C" is "A and (B or C)" whatever A, B and C are.

use std::cmp::Reverse;

use pep508_rs::{MarkerExpression, MarkerTree};

use super::paths::{Alternatives, negated};
use super::tree_of;
use super::words::{Place, expression, place};

/// A marker as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Term(MarkerExpression),
    All(Vec<Self>),
    Any(Vec<Self>),
}

/// So many expressions are tried as the one that is drawn out first, in each of the outermost steps.
const MOST_TRIED: usize = 3;
const DEEPEST: usize = 2;

impl Shape {
    /// The shortest shape that is found for alternatives.
    pub(super) fn of(form: &Alternatives) -> Self {
        factored(form.clone(), 0)
    }

    /// The opposite, where each expression has one.
    pub(super) fn negated(&self) -> Option<Self> {
        let each = |list: &[Self]| list.iter().map(Self::negated).collect::<Option<Vec<Self>>>();
        Some(match self {
            Self::Term(term) => Self::Term(negated(term)?),
            Self::All(list) => Self::any(each(list)?),
            Self::Any(list) => Self::all(each(list)?),
        })
    }

    pub(super) fn tree(&self) -> MarkerTree {
        match self {
            Self::Term(term) => tree_of(term),
            Self::All(list) => {
                let mut all = MarkerTree::TRUE;
                list.iter().for_each(|shape| all.and(shape.tree()));
                all
            }
            Self::Any(list) => {
                let mut any = MarkerTree::FALSE;
                list.iter().for_each(|shape| any.or(shape.tree()));
                any
            }
        }
    }

    /// How many of its expressions pass a test.
    pub(super) fn count(&self, test: &dyn Fn(&MarkerExpression) -> bool) -> usize {
        match self {
            Self::Term(term) => usize::from(test(term)),
            Self::All(list) | Self::Any(list) => list.iter().map(|shape| shape.count(test)).sum(),
        }
    }

    pub(super) fn size(&self) -> usize {
        self.count(&|_| true)
    }

    pub(super) fn words(&self) -> String {
        let (list, word) = match self {
            Self::Term(term) => return expression(term),
            Self::All(list) => (list, " and "),
            Self::Any(list) => (list, " or "),
        };
        let part = |shape: &Self| match shape {
            Self::Term(term) => expression(term),
            Self::All(_) | Self::Any(_) => format!("({})", shape.words()),
        };
        list.iter().map(part).collect::<Vec<_>>().join(word)
    }

    fn all(list: Vec<Self>) -> Self {
        let flat = list.into_iter().flat_map(|shape| match shape {
            Self::All(list) => list,
            other => vec![other],
        });
        let mut list: Vec<Self> = flat.collect();
        list.sort_by_cached_key(Self::place);
        Self::one_or(list, Self::All)
    }

    fn any(list: Vec<Self>) -> Self {
        let flat = list.into_iter().flat_map(|shape| match shape {
            Self::Any(list) => list,
            other => vec![other],
        });
        let mut list: Vec<Self> = flat.collect();
        list.sort_by_cached_key(|shape| (shape.size(), shape.place()));
        Self::one_or(list, Self::Any)
    }

    fn one_or(mut list: Vec<Self>, several: impl Fn(Vec<Self>) -> Self) -> Self {
        match list.pop() {
            Some(only) if list.is_empty() => only,
            Some(last) => {
                list.push(last);
                several(list)
            }
            None => several(list),
        }
    }

    /// Where it stands among others: by the first of its expressions.
    fn place(&self) -> Vec<Place> {
        match self {
            Self::Term(term) => vec![place(term)],
            Self::All(list) | Self::Any(list) => list.iter().flat_map(Self::place).collect(),
        }
    }
}

fn terms(list: Vec<MarkerExpression>) -> Shape {
    Shape::all(list.into_iter().map(Shape::Term).collect())
}

/// Draws out what all alternatives share; else what many of them do.
fn factored(mut form: Alternatives, depth: usize) -> Shape {
    if form.len() < 2 {
        return form.pop().map_or_else(|| Shape::Any(Vec::new()), terms);
    }
    let shared: Vec<MarkerExpression> = match form.split_first() {
        Some((first, others)) => {
            first.iter().filter(|term| others.iter().all(|all| all.contains(term))).cloned().collect()
        }
        None => Vec::new(),
    };
    if !shared.is_empty() {
        form.iter_mut().for_each(|all| all.retain(|term| !shared.contains(term)));
        if form.iter().any(Vec::is_empty) {
            return terms(shared);
        }
        return Shape::all(vec![terms(shared), factored(form, depth)]);
    }
    let mut counted: Vec<(usize, &MarkerExpression)> = Vec::new();
    for term in form.iter().flatten() {
        match counted.iter_mut().find(|(_, known)| *known == term) {
            Some((count, _)) => *count += 1,
            None => counted.push((1, term)),
        }
    }
    counted.retain(|(count, _)| *count > 1);
    counted.sort_by_cached_key(|(count, term)| (Reverse(*count), place(term)));
    let tried = if depth < DEEPEST { MOST_TRIED } else { 1 };
    let drawn = |(_, term): &(usize, &MarkerExpression)| {
        let (with, without): (Alternatives, Alternatives) =
            form.iter().cloned().partition(|all| all.contains(term));
        let mut parts = vec![factored(with, depth + 1)];
        if !without.is_empty() {
            parts.push(factored(without, depth + 1));
        }
        Shape::any(parts)
    };
    let shortest = counted.iter().take(tried).map(drawn).min_by_key(|shape| (shape.size(), shape.words()));
    shortest.unwrap_or_else(|| Shape::any(form.into_iter().map(terms).collect()))
}
