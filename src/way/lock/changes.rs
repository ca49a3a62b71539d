//! What a new lock is like, next to the old one and next to the platforms that people have.

use std::collections::{BTreeMap, BTreeSet};

use pipward_resolver::{MarkerTree, PackageName, Resolution, ResolvedPackage, Version, WheelName, markers};

use crate::lock::Lock;

/// The platforms that a lock is expected to be good for.
const USUAL: [(&str, &str); 5] = [
    ("Linux x86_64", "sys_platform == 'linux' and platform_machine == 'x86_64'"),
    ("Linux aarch64", "sys_platform == 'linux' and platform_machine == 'aarch64'"),
    ("macOS x86_64", "sys_platform == 'darwin' and platform_machine == 'x86_64'"),
    ("macOS arm64", "sys_platform == 'darwin' and platform_machine == 'arm64'"),
    ("Windows x86_64", "sys_platform == 'win32' and platform_machine == 'AMD64'"),
];
/// How many packages a warning names.
const NAMED: usize = 6;

/// Where a package is needed.
fn needed(resolution: &Resolution, package: &ResolvedPackage) -> MarkerTree {
    both(&resolution.universe, &package.marker)
}

fn both(one: &MarkerTree, other: &MarkerTree) -> MarkerTree {
    let mut both = one.clone();
    both.and(other.clone());
    both
}

fn has_wheel(package: &ResolvedPackage, region: &MarkerTree) -> bool {
    package.wheels.iter().any(|wheel| markers::takes(region, wheel))
}

/// The packages that no environment which needs them finds a wheel of, in one sentence.
pub(super) fn without_any(resolution: &Resolution) -> Option<String> {
    let lacking: Vec<String> = resolution
        .packages
        .iter()
        .filter(|package| !has_wheel(package, &needed(resolution, package)))
        .map(|package| format!("{} {}", package.name, package.version))
        .collect();
    let (has, it) = if lacking.len() == 1 { ("has", "it") } else { ("have", "them") };
    (!lacking.is_empty()).then(|| {
        format!(
            "{} {has} no wheel for any environment that needs {it}: an install there is refused.",
            named(&lacking)
        )
    })
}

/// The packages that a usual platform needs and finds no wheel of, a sentence a platform; where other platforms find one with
/// a Python that this one is asked to have too. Else the cause is the Python.
pub(super) fn without_wheels(resolution: &Resolution) -> Vec<String> {
    let mut pythons: Vec<MarkerTree> =
        (0..=resolution.newest_minor.unwrap_or(0)).filter_map(cpython).collect();
    if resolution.newest_minor.is_none() {
        pythons = vec![MarkerTree::TRUE];
    }
    let mut sentences = Vec::new();
    for (name, platform) in USUAL {
        let Ok(platform) = platform.parse::<MarkerTree>() else { continue };
        let lacks = |package: &&ResolvedPackage| {
            let needed = needed(resolution, package);
            let here = both(&needed, &platform);
            markers::overlaps(&here, &MarkerTree::TRUE)
                && !has_wheel(package, &here)
                && pythons.iter().any(|python| {
                    markers::overlaps(&here, python) && has_wheel(package, &both(&needed, python))
                })
        };
        let lacking: Vec<String> = resolution
            .packages
            .iter()
            .filter(lacks)
            .map(|package| format!("{} {}", package.name, package.version))
            .collect();
        if !lacking.is_empty() {
            sentences.push(format!(
                "{name} finds no wheel of {}; name it in required-environments to lock versions that have one, if there are any.",
                named(&lacking)
            ));
        }
    }
    sentences
}

/// The packages that have no wheel for a Python that needs them, a sentence for all that lack the same Pythons. Which Pythons
/// there are is told by the wheels of the lock's own projects.
pub(super) fn without_pythons(resolution: &Resolution) -> Vec<String> {
    let Some(newest) = resolution.newest_minor else { return Vec::new() };
    let pythons: Vec<(u8, MarkerTree)> =
        (0..=newest).filter_map(|minor| Some((minor, cpython(minor)?))).collect();
    let mut by_pythons: BTreeMap<Vec<u8>, Vec<String>> = BTreeMap::new();
    for package in &resolution.packages {
        let is_pure = |wheel: &WheelName| wheel.tag_parts().0.iter().any(|python| python == "py3");
        if package.wheels.iter().any(is_pure) {
            continue;
        }
        let here = needed(resolution, package);
        if !has_wheel(package, &here) {
            continue;
        }
        let lacks = |(_, python): &&(u8, MarkerTree)| {
            let takes = |wheel| markers::takes(python, wheel);
            markers::overlaps(&here, python) && !package.wheels.iter().any(takes)
        };
        let lacking: Vec<u8> = pythons.iter().filter(lacks).map(|(minor, _)| *minor).collect();
        if !lacking.is_empty() {
            by_pythons.entry(lacking).or_default().push(format!("{} {}", package.name, package.version));
        }
    }
    let sentence = |(minors, lacking): (Vec<u8>, Vec<String>)| {
        let pythons = match minors.as_slice() {
            [first, .., last] if *last == newest && usize::from(last - first) + 1 == minors.len() => {
                format!("3.{first} and later")
            }
            [last] if *last == newest => format!("3.{last} and later"),
            minors => minors.iter().map(|minor| format!("3.{minor}")).collect::<Vec<_>>().join(", "),
        };
        format!(
            "Python {pythons} finds no wheel of {}; an install there is refused until versions are locked that have one.",
            named(&lacking)
        )
    };
    by_pythons.into_iter().map(sentence).collect()
}

fn cpython(minor: u8) -> Option<MarkerTree> {
    format!("python_version == '3.{minor}' and implementation_name == 'cpython'").parse().ok()
}

/// The first few of a list, and how many more there are.
fn named(list: &[String]) -> String {
    let rest = list.len().saturating_sub(NAMED);
    let named = list.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if rest == 0 { named } else { format!("{named} and {rest} more") }
}

/// What changed, a line each.
pub(super) fn between(old: &Lock, new: &Lock) -> Vec<String> {
    let versions = |lock: &Lock| {
        let mut versions: BTreeMap<PackageName, BTreeSet<Version>> = BTreeMap::new();
        for package in &lock.packages {
            versions.entry(package.name.clone()).or_default().extend(package.version.clone());
        }
        versions
    };
    let (old, new) = (versions(old), versions(new));
    let text = |versions: &BTreeSet<Version>| {
        versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let mut lines = Vec::new();
    for (name, versions) in &new {
        match old.get(name) {
            None => lines.push(format!("+ {name} {}", text(versions))),
            Some(before) if before != versions => {
                lines.push(format!("~ {name} {} -> {}", text(before), text(versions)));
            }
            Some(_) => {}
        }
    }
    lines.extend(
        old.iter()
            .filter(|(name, _)| !new.contains_key(*name))
            .map(|(name, versions)| format!("- {name} {}", text(versions))),
    );
    lines
}
