//! Markers as sets of environments.

use pep440_rs::{Operator, Version, VersionSpecifier, VersionSpecifiers};
use pep508_rs::{MarkerExpression, MarkerTree, MarkerTreeKind, MarkerValueVersion};
use std::ops::Bound;
use std::sync::LazyLock;

use crate::ranges;
use crate::wheel_name::WheelName;

fn python(operator: Operator, version: &Version) -> MarkerTree {
    match VersionSpecifier::from_version(operator, version.only_release()) {
        Ok(specifier) => MarkerTree::expression(MarkerExpression::Version {
            key: MarkerValueVersion::PythonFullVersion,
            specifier,
        }),
        Err(_) => MarkerTree::FALSE,
    }
}

/// x
pub fn of_python(specifiers: &VersionSpecifiers) -> MarkerTree {
    let mut all = MarkerTree::TRUE;
    for specifier in specifiers.iter() {
        all.and(MarkerTree::expression(MarkerExpression::Version {
            key: MarkerValueVersion::PythonFullVersion,
            specifier: specifier.clone(),
        }));
    }
    all
}

/// x
pub fn at_least(specifiers: &VersionSpecifiers) -> MarkerTree {
    let set = ranges::of_specifiers(specifiers);
    let Some((low, _)) = set.bounding_range() else { return MarkerTree::TRUE };
    match low {
        Bound::Included(version) => python(Operator::GreaterThanEqual, version),
        Bound::Excluded(version) => python(Operator::GreaterThan, version),
        Bound::Unbounded => MarkerTree::TRUE,
    }
}

/// x
pub fn lower_bound_of(region: &MarkerTree) -> Option<Version> {
    match region.kind() {
        MarkerTreeKind::Version(marker) if *marker.key() == MarkerValueVersion::PythonFullVersion => {
            for (range, tree) in marker.edges() {
                if tree.is_false() {
                    continue;
                }
                let (low, _) = range.bounding_range()?;
                return match low {
                    Bound::Included(version) | Bound::Excluded(version) => Some(version.clone()),
                    Bound::Unbounded => None,
                };
            }
            None
        }
        _ => None,
    }
}

/// x
pub fn of_wheel(wheel: &WheelName) -> MarkerTree {
    let (pythons, _abis, platforms) = wheel.tag_parts();
    let mut system = MarkerTree::FALSE;
    for platform in platforms {
        let text = if platform == "any" {
            system = MarkerTree::TRUE;
            break;
        } else if platform.contains("linux") {
            "sys_platform == 'linux'"
        } else if platform.starts_with("mac") {
            "sys_platform == 'darwin'"
        } else {
            "sys_platform == 'win32'"
        };
        system.or(text.parse().unwrap_or_default());
    }
    let _ = pythons;
    system
}

/// x
pub fn world() -> &'static MarkerTree {
    static WORLD: LazyLock<MarkerTree> = LazyLock::new(|| MarkerTree::TRUE);
    &WORLD
}

/// x
pub fn simplify(marker: &MarkerTree, within: &MarkerTree) -> MarkerTree {
    let mut goal = marker.clone();
    goal.and(within.clone());
    let build = |dnf: &[Vec<MarkerExpression>]| {
        let mut any = MarkerTree::FALSE;
        for terms in dnf {
            let mut all = MarkerTree::TRUE;
            terms.iter().for_each(|term| all.and(MarkerTree::expression(term.clone())));
            any.or(all);
        }
        any
    };
    let same = |dnf: &[Vec<MarkerExpression>]| {
        let mut tree = build(dnf);
        tree.and(within.clone());
        tree == goal
    };
    if marker.is_true() || covers(within, marker) {
        return MarkerTree::TRUE;
    }
    let mut dnf = marker.to_dnf();
    'again: loop {
        for at in 0..dnf.len() {
            let mut without = dnf.clone();
            without.remove(at);
            if same(&without) {
                dnf = without;
                continue 'again;
            }
            for term in 0..dnf.get(at).map_or(0, Vec::len) {
                let mut without = dnf.clone();
                if let Some(terms) = without.get_mut(at) {
                    terms.remove(term);
                }
                if same(&without) {
                    dnf = without;
                    continue 'again;
                }
            }
        }
        return build(&dnf);
    }
}

/// x
pub fn covers(region: &MarkerTree, marker: &MarkerTree) -> bool {
    region.is_disjoint(&marker.negate())
}
/// x
pub fn overlaps(region: &MarkerTree, marker: &MarkerTree) -> bool {
    !region.is_disjoint(marker)
}
