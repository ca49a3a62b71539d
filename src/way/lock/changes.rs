//! What a new lock is like, next to the old one and next to the platforms that people have.

use std::collections::{BTreeMap, BTreeSet};

use pipward_resolver::{MarkerTree, PackageName, Resolution, markers};

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

/// The packages that a usual platform needs and finds no wheel of, a sentence a platform.
pub(super) fn without_wheels(resolution: &Resolution) -> Vec<String> {
    let mut sentences = Vec::new();
    for (name, platform) in USUAL {
        let Ok(platform) = platform.parse::<MarkerTree>() else { continue };
        let lacking: Vec<String> = resolution
            .packages
            .iter()
            .filter(|package| {
                let mut here = resolution.universe.clone();
                here.and(package.marker.clone());
                here.and(platform.clone());
                let fits = |wheel| markers::overlaps(&here, &markers::of_wheel(wheel));
                markers::overlaps(&here, &MarkerTree::TRUE) && !package.wheels.iter().any(fits)
            })
            .map(|package| format!("{} {}", package.name, package.version))
            .collect();
        let rest = lacking.len().saturating_sub(NAMED);
        let named = lacking.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
        if !lacking.is_empty() {
            sentences.push(format!(
                "{name} finds no wheel of {named}{more}; name it in required-environments to lock versions that have one."
            ));
        }
    }
    sentences
}

/// What changed, a line each.
pub(super) fn between(old: &Lock, new: &Lock) -> Vec<String> {
    let versions = |lock: &Lock| {
        let mut versions: BTreeMap<PackageName, BTreeSet<String>> = BTreeMap::new();
        for package in &lock.packages {
            let version = package.version.as_ref().map(ToString::to_string);
            versions.entry(package.name.clone()).or_default().extend(version);
        }
        versions
    };
    let (old, new) = (versions(old), versions(new));
    let text = |versions: &BTreeSet<String>| versions.iter().cloned().collect::<Vec<_>>().join(", ");
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
