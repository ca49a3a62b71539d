//! Wheels of much downloaded projects under the default policy: each alone, then all of an environment together.
//!
//! The environments stand in `tests/data/environments.txt`. `PIPWARD_TEST_LONG=1` takes all, with the newest wheels of the
//! day; `PIPWARD_TEST_POPULAR=django,aws` takes those named. By default it is one small one of a fixed day. What is
//! refused has to stand in `docs/popular-wheels.md`, with its rule.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::pythons::{Python, any_python, each_python};
use crate::support::run::{Output, pipward, repository, scratch};
use crate::support::{long, loudly, offline};

/// Larger wheels are passed over, in bytes.
const LARGE: u64 = 100 << 20;
/// What is taken by default: small, yet with start-up code that is known, and compiled.
const SAMPLE: (&str, &str) = ("sample", "setuptools pytest-cov markupsafe");
/// For the sample, files that are younger do not exist.
const CUTOFF: &str = "2026-10-01T00:00:00Z";

/// What became of the wheels.
#[derive(Default)]
struct Totals {
    /// By file name: the error, if it was refused.
    wheels: BTreeMap<String, Option<String>>,
    projects: BTreeSet<String>,
    large: BTreeSet<String>,
    unlocked: Vec<String>,
    together: usize,
    wrong: Vec<String>,
}

#[test]
fn wheels_of_popular_projects_install_with_the_default_policy() {
    if offline() {
        return;
    }
    let list = std::fs::read_to_string(repository().join("tests/data/environments.txt")).unwrap();
    let all = list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(": "));
    let named = std::env::var("PIPWARD_TEST_POPULAR").unwrap_or_default();
    let named: Vec<&str> = named.split(',').filter(|name| !name.is_empty()).collect();
    let taken: Vec<(&str, &str)> = match (named.as_slice(), long()) {
        ([], false) => vec![SAMPLE],
        ([], true) => all.collect(),
        (named, _) => all.filter(|(name, _)| named.contains(name)).collect(),
    };
    let python = each_python(&["3.12"]).into_iter().next().unwrap_or_else(any_python);
    let mut totals = Totals::default();
    for (name, roots) in taken {
        environment(&python, name, roots, &mut totals);
    }
    let known: BTreeSet<&str> = include_str!("../../src/policy/well_known.txt").lines().collect();
    let refused: Vec<_> =
        totals.wheels.iter().filter_map(|(file, error)| Some((file, error.as_ref()?))).collect();
    loudly(&format!(
        "popular: {} wheels of {} projects ({} of them well known), {} refused, {} too large, {} environments whole",
        totals.wheels.len(),
        totals.projects.len(),
        totals.projects.iter().filter(|name| known.contains(name.as_str())).count(),
        refused.len(),
        totals.large.len(),
        totals.together,
    ));
    let page = std::fs::read_to_string(repository().join("docs/popular-wheels.md")).unwrap();
    for (file, error) in refused {
        loudly(&format!("{file}: {error}"));
        if !page.contains(&format!("| {} |", file.split('-').next().unwrap_or(file))) {
            totals.wrong.push(format!("{file}: {error}"));
        }
    }
    loudly(&totals.unlocked.join("\n"));
    assert!(totals.wrong.is_empty(), "{}", totals.wrong.join("\n"));
    assert!(!totals.wheels.is_empty());
}

/// Locks an environment, installs each wheel that is new by itself, and then all that pass.
fn environment(python: &Python, name: &str, roots: &str, totals: &mut Totals) {
    let scratch = scratch();
    let at = |name: &str| scratch.path().join(name);
    let mut lock = pipward(["lock", "--no-universal", "--python"]).arg(&python.executable);
    lock = lock.args(roots.split(' ')).arg("-o").arg(at("pylock.toml"));
    if name == SAMPLE.0 {
        lock = lock.args(["--uploaded-prior-to", CUTOFF]);
    }
    let said = lock.shared_cache().run();
    if said.code != Some(0) {
        totals.unlocked.push(format!("{name} has no lock: {}", said.stderr));
        return;
    }
    let text = std::fs::read_to_string(at("pylock.toml")).unwrap();
    let text = text.split("\n[tool.pipward]\n").next().unwrap();
    let mut parts = text.split("\n[[packages]]\n");
    let head = parts.next().unwrap();
    let packages: Vec<Package> = parts.map(Package::read).collect();
    let (large, small): (Vec<_>, Vec<_>) = packages.iter().partition(|package| package.size > LARGE);
    totals.large.extend(large.into_iter().map(|package| package.file.clone()));
    let new: Vec<_> = small.iter().filter(|package| !totals.wheels.contains_key(&package.file)).collect();
    let found = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for worker in 0..3 {
            let (found, next, new, at) = (&found, &next, &new, &at);
            scope.spawn(move || {
                while let Some(package) = new.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let said = install(python, &at(&format!("alone{worker}")), head, &[package]);
                    found.lock().unwrap().push((package.file.clone(), error_of(&said)));
                }
            });
        }
    });
    totals.projects.extend(small.iter().map(|package| package.name.clone()));
    totals.wheels.extend(found.into_inner().unwrap());
    let passing: Vec<&Package> =
        small.into_iter().filter(|package| totals.wheels.get(&package.file) == Some(&None)).collect();
    let said = install(python, &at("together"), head, &passing);
    match error_of(&said) {
        None => totals.together += 1,
        Some(error) => totals.wrong.push(format!("{name}, all together: {error}")),
    }
    let left_out: Vec<_> = said.stderr.lines().filter(|line| line.contains("was left out")).collect();
    loudly(&format!("{name}: {} wheels\n{}", packages.len(), left_out.join("\n")));
}

/// A package of a lock.
struct Package {
    name: String,
    file: String,
    size: u64,
    text: String,
}

impl Package {
    fn read(text: &str) -> Self {
        let value = |key: &str| {
            let start = text.find(&format!("{key} = ")).map(|at| at + key.len() + 3).unwrap();
            let end = text[start..].find([',', '\n', ' ']).map_or(text.len(), |at| at + start);
            text[start..end].trim_matches('"').to_owned()
        };
        let file = value("url").rsplit('/').next().unwrap().to_owned();
        Self { name: value("name"), file, size: value("size").parse().unwrap(), text: text.to_owned() }
    }
}

/// Installs packages of a lock into an environment that is thrown away.
fn install(python: &Python, place: &Path, head: &str, packages: &[&Package]) -> Output {
    std::fs::create_dir_all(place).unwrap();
    let lock = packages
        .iter()
        .fold(head.to_owned(), |lock, package| format!("{lock}\n[[packages]]\n{}", package.text));
    std::fs::write(place.join("pylock.toml"), lock).unwrap();
    let run = pipward(["install", "--no-deps", "-r", "pylock.toml", "--venv", "env", "--python"]);
    let said = run.arg(&python.executable).dir(place).shared_cache().run();
    std::fs::remove_dir_all(place).unwrap();
    said
}

fn error_of(said: &Output) -> Option<String> {
    (said.code != Some(0)).then(|| said.stderr.lines().take(2).collect::<Vec<_>>().join(" "))
}
