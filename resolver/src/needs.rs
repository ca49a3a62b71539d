//! What a version needs, once for all regions: its requirements with the overrides and excludes of the request applied,
//! and with its own extras taken out of their markers.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use pep440_rs::VersionSpecifiers;
use pep508_rs::{
    ExtraName, ExtraOperator, MarkerExpression, MarkerTree, MarkerValueExtra, Requirement, VerbatimUrl,
};
use rustc_hash::FxHashMap;

use crate::facts::Dependencies;
use crate::request::{Request, Root};

/// What a version needs.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// Without extras.
    base: Vec<Need>,
    /// What each extra adds.
    extras: BTreeMap<ExtraName, Vec<Need>>,
    /// The extras that its metadata declare.
    pub(crate) declared: Vec<ExtraName>,
    /// `Requires-Python`.
    pub(crate) requires_python: Option<VersionSpecifiers>,
    /// Why its metadata cannot be read.
    pub(crate) malformed: Option<String>,
}

/// One requirement.
#[derive(Debug, Clone)]
pub(crate) struct Need {
    /// The requirement; its own marker is not looked at any more.
    pub(crate) requirement: Requirement<VerbatimUrl>,
    /// The environments in which it counts.
    pub(crate) marker: MarkerTree,
}

impl Needs {
    /// What a version with these metadata needs.
    pub(crate) fn of(known: &Arc<Dependencies>, request: &Request, parted: &Parted) -> Self {
        let mut needs = Self {
            declared: known.extras.clone(),
            requires_python: known.requires_python.clone(),
            malformed: known.malformed.clone(),
            ..Self::default()
        };
        for requirement in &known.requires {
            if request.excludes.contains(&requirement.name) {
                continue;
            }
            let parts = parted.of(&requirement.marker);
            for (extra, added) in &parts.added {
                let list = needs.extras.entry(extra.clone()).or_default();
                add(list, Need { requirement: requirement.clone(), marker: added.clone() }, request);
            }
            if !parts.base.is_false() {
                let marker = parts.base.clone();
                add(&mut needs.base, Need { requirement: requirement.clone(), marker }, request);
            }
        }
        needs
    }

    /// What it needs without extras, or what an extra adds.
    pub(crate) fn of_extra(&self, extra: Option<&ExtraName>) -> &[Need] {
        match extra {
            None => &self.base,
            Some(extra) => self.extras.get(extra).map(Vec::as_slice).unwrap_or_default(),
        }
    }
}

/// A marker without extras, and what each extra that it asks about adds.
struct Parts {
    base: MarkerTree,
    /// Where it adds anything, in the order of the extras.
    added: Vec<(ExtraName, MarkerTree)>,
}

impl Parts {
    fn of(marker: &MarkerTree) -> Self {
        let base = with_extra(marker, None);
        let adds = |extra: ExtraName| {
            let mut added = with_extra(marker, Some(&extra));
            added.and(base.negate());
            (!added.is_false()).then_some((extra, added))
        };
        let added = extras_in(marker).into_iter().filter_map(adds).collect();
        Self { base, added }
    }
}

/// The parts of markers. Most stand in the metadata of many versions.
#[derive(Default)]
pub(crate) struct Parted(RefCell<FxHashMap<MarkerTree, Rc<Parts>>>);

impl Parted {
    fn of(&self, marker: &MarkerTree) -> Rc<Parts> {
        if let Some(parts) = self.0.borrow().get(marker) {
            return Rc::clone(parts);
        }
        let parts = Rc::new(Parts::of(marker));
        self.0.borrow_mut().insert(marker.clone(), Rc::clone(&parts));
        parts
    }
}

/// The requirements of the user with the place where each stands, overrides and excludes applied.
pub(crate) fn roots(request: &Request) -> Vec<(Need, &Root)> {
    let mut list = Vec::new();
    for root in &request.roots {
        if request.excludes.contains(&root.requirement.name) || root.requirement.marker.is_false() {
            continue;
        }
        let mut overridden = overrides_of(&root.requirement, request).peekable();
        if overridden.peek().is_none() {
            let marker = root.requirement.marker.clone();
            list.push((Need { requirement: root.requirement.clone(), marker }, root));
        }
        for other in overridden {
            let mut need = in_place_of(&root.requirement, other);
            // What an extra or a group of the user's own adds stays a part of it.
            if !extras_in(&root.requirement.marker).is_empty() {
                need.marker.and(root.requirement.marker.clone());
            }
            list.push((need, other));
        }
    }
    list
}

fn overrides_of<'r>(
    requirement: &Requirement<VerbatimUrl>,
    request: &'r Request,
) -> impl Iterator<Item = &'r Root> {
    let name = requirement.name.clone();
    request.overrides.iter().filter(move |root| root.requirement.name == name)
}

/// An override stands where the requirement stood: its marker is the one that counts, its version too. The extras of either
/// are asked for.
fn in_place_of(requirement: &Requirement<VerbatimUrl>, other: &Root) -> Need {
    let mut taken = other.requirement.clone();
    for extra in &requirement.extras {
        if !taken.extras.contains(extra) {
            taken.extras.push(extra.clone());
        }
    }
    Need { marker: taken.marker.clone(), requirement: taken }
}

fn add(list: &mut Vec<Need>, need: Need, request: &Request) {
    let overridden: Vec<&Root> = overrides_of(&need.requirement, request).collect();
    if overridden.is_empty() {
        list.push(need);
        return;
    }
    for other in overridden {
        let taken = in_place_of(&need.requirement, other);
        if !list.iter().any(|known| known.requirement == taken.requirement && known.marker == taken.marker) {
            list.push(taken);
        }
    }
}

/// The extras that a marker asks about.
fn extras_in(marker: &MarkerTree) -> BTreeSet<ExtraName> {
    let mut extras = BTreeSet::new();
    if has_extras(marker) {
        for expression in marker.to_dnf().into_iter().flatten() {
            if let MarkerExpression::Extra { name: MarkerValueExtra::Extra(name), .. } = expression {
                extras.insert(name);
            }
        }
    }
    extras
}

fn has_extras(marker: &MarkerTree) -> bool {
    !marker.is_true() && marker.clone().simplify_extras_with(|_| true) != *marker
}

/// What is left of a marker where this extra is asked for and no other.
fn with_extra(marker: &MarkerTree, extra: Option<&ExtraName>) -> MarkerTree {
    if !has_extras(marker) {
        return marker.clone();
    }
    let mut left = MarkerTree::FALSE;
    for conjunction in marker.to_dnf() {
        let mut all = MarkerTree::TRUE;
        for expression in conjunction {
            match expression {
                MarkerExpression::Extra { operator, name } => {
                    let asked = matches!(&name, MarkerValueExtra::Extra(name) if Some(name) == extra);
                    if asked != (operator == ExtraOperator::Equal) {
                        all = MarkerTree::FALSE;
                    }
                }
                other => all.and(MarkerTree::expression(other)),
            }
        }
        left.or(all);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(marker: &str, extra: Option<&str>, expected: &str) {
        let tree: MarkerTree = marker.parse().unwrap();
        let extra: Option<ExtraName> = extra.map(|name| name.parse().unwrap());
        let expected = match expected {
            "true" => MarkerTree::TRUE,
            "false" => MarkerTree::FALSE,
            text => text.parse().unwrap(),
        };
        assert_eq!(with_extra(&tree, extra.as_ref()), expected, "{marker}");
    }

    #[test]
    fn markers_that_are_known_keep_their_own_parts() {
        let parted = Parted::default();
        let texts = [
            "extra == 'a'",
            "extra == 'b'",
            "sys_platform == 'linux'",
            "sys_platform == 'linux' and extra == 'a'",
            "sys_platform == 'linux' or extra == 'b'",
            "extra == 'a' or extra == 'b'",
            "extra != 'a'",
        ];
        for text in texts.iter().chain(&texts) {
            let marker: MarkerTree = text.parse().unwrap();
            let parts = parted.of(&marker);
            assert_eq!(parts.base, with_extra(&marker, None), "{text}");
            for extra in ["a", "b"].map(|name| name.parse::<ExtraName>().unwrap()) {
                let added =
                    parts.added.iter().find(|(name, _)| *name == extra).map(|(_, added)| added.clone());
                let mut expected = with_extra(&marker, Some(&extra));
                expected.and(parts.base.negate());
                assert_eq!(added.unwrap_or(MarkerTree::FALSE), expected, "{text}, {extra}");
            }
        }
    }

    #[test]
    fn extras_leave_the_markers() {
        check("sys_platform == 'linux'", None, "sys_platform == 'linux'");
        check("extra == 'a'", None, "false");
        check("extra == 'a'", Some("a"), "true");
        check("extra == 'A_b'", Some("a-b"), "true");
        check("extra == 'a'", Some("b"), "false");
        check("extra != 'a'", None, "true");
        check("extra == 'a' and sys_platform == 'linux'", Some("a"), "sys_platform == 'linux'");
        check("extra == 'a' or sys_platform == 'linux'", None, "sys_platform == 'linux'");
        check("extra == 'a' or sys_platform == 'linux'", Some("a"), "true");
        check("extra == 'a' and extra == 'b'", Some("a"), "false");
    }
}
