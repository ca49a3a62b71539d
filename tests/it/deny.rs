//! deny.toml, as far as it can be followed without cargo-deny: licences, sources and banned crates.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::run::repository;

fn rules() -> toml::Table {
    std::fs::read_to_string(repository().join("deny.toml")).unwrap().parse().unwrap()
}

fn texts(value: &toml::Value) -> BTreeSet<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The packages that are built on this machine, as cargo tells them.
fn packages() -> Vec<serde_json::Value> {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let told = String::from_utf8(rustc.stdout).unwrap();
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", host])
        .current_dir(repository())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// Whether an SPDX expression can be met with `allowed` licences.
fn met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let expression = expression.trim();
    let inner = expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    if let Some(inner) = inner.filter(|inner| !inner.contains(['(', ')'])) {
        return met(inner, allowed);
    }
    // AND binds closer than OR; an old way to write OR is a slash.
    for or in [" OR ", "/"] {
        if let Some((left, right)) = split(expression, or) {
            return met(left, allowed) || met(right, allowed);
        }
    }
    match split(expression, " AND ") {
        Some((left, right)) => met(left, allowed) && met(right, allowed),
        None => allowed.contains(expression),
    }
}

/// Splits at the first `word` that stands outside parentheses.
fn split<'a>(expression: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    expression.match_indices(word).find_map(|(at, _)| {
        let before = &expression[..at];
        let level = before.matches('(').count() == before.matches(')').count();
        level.then(|| (before, &expression[at + word.len()..]))
    })
}

#[test]
fn licences_are_met() {
    let allowed = texts(&rules()["licenses"]["allow"]);
    let refused: Vec<_> = packages()
        .iter()
        .map(|package| {
            (package["name"].to_string(), package["license"].as_str().unwrap_or("none").to_owned())
        })
        .filter(|(_, license)| !met(license, &allowed))
        .collect();
    assert!(refused.is_empty(), "licences that deny.toml does not allow: {refused:?}");
}

#[test]
fn expressions_are_read() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "Zlib".to_owned()]);
    for good in ["MIT", "GPL-2.0 OR MIT", "Apache/MIT", "(GPL-2.0 OR MIT) AND Zlib", "MIT AND (Zlib OR X)"] {
        assert!(met(good, &allowed), "{good}");
    }
    for bad in ["", "GPL-2.0", "MIT AND GPL-2.0", "(MIT OR Zlib) AND GPL-2.0", "none"] {
        assert!(!met(bad, &allowed), "{bad}");
    }
}

#[test]
fn everything_comes_from_crates_io_and_nothing_is_banned() {
    let rules = rules();
    let registries = texts(&rules["sources"]["allow-registry"]);
    let banned = rules["bans"]["deny"].as_array().unwrap();
    let banned: BTreeSet<_> = banned.iter().map(|ban| ban["crate"].as_str().unwrap()).collect();
    for lock in ["Cargo.lock", "benches/Cargo.lock"] {
        let lock: toml::Table = std::fs::read_to_string(repository().join(lock)).unwrap().parse().unwrap();
        for package in lock["package"].as_array().unwrap() {
            let name = package["name"].as_str().unwrap();
            assert!(!banned.contains(name), "{name} is banned");
            let Some(source) = package.get("source").map(|source| source.as_str().unwrap()) else {
                assert!(name.starts_with("pipward"), "{name} has no source");
                continue;
            };
            let registry = source.strip_prefix("registry+").unwrap_or(source);
            assert!(registries.contains(registry), "{name} comes from {source}");
            assert!(package.get("checksum").is_some(), "{name} has no checksum");
        }
    }
}
