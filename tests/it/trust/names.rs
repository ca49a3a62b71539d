//! Names that look like others.

use std::collections::{BTreeMap, BTreeSet};

use pipward::error::Code;
use pipward::policy::{look_alike, well_known};

use super::{configure, exception, index, install, lock, was_asked};
use crate::support::run::{kept_dir, pipward, scratch};
use crate::support::server::Server;
use crate::support::world::{packages, publish, wheel, write};
use crate::support::{long, loudly, offline};

#[test]
fn a_look_alike_is_refused_before_any_index_is_asked() {
    let server = Server::start();
    let at = publish(&server, vec![wheel("reqeusts", "1"), wheel("djang0", "1"), wheel("plum", "1")]);
    let scratch = scratch();
    let directory = scratch.path();
    let here = index("here", &at, "");
    configure(directory, &here);
    let told = lock(directory, &["reqeusts", "djang0>=1", "plum"]).refused(Code::LookAlike);
    let told = told.stderr_has("close to requests").stderr_has("close to django").stderr_has("exception");
    assert_eq!(told.stderr.matches("close to requests").count(), 1, "{}", told.told());
    assert!(server.requests().is_empty());
    assert!(!directory.join("pylock.toml").exists());
    write(directory, "a.in", "# mine\nreqeusts\n");
    lock(directory, &["-r", "a.in"]).refused(Code::LookAlike).stderr_has("a.in:2");
    configure(directory, &(here.clone() + &exception("look-alike", "reqeusts", "")));
    lock(directory, &["reqeusts"]).ok();
    // What is in the lock is not asked about again.
    configure(directory, &here);
    lock(directory, &["reqeusts", "plum"]).ok();
    assert_eq!(packages(directory), ["plum 1", "reqeusts 1"]);
    install(directory, &[]).ok();
    lock(directory, &["reqeusts", "plum", "djang0"]).refused(Code::LookAlike);
}

#[test]
fn deeper_a_look_alike_is_told() {
    let server = Server::start();
    let at = publish(&server, vec![wheel("plum", "1").requires("reqeusts"), wheel("reqeusts", "1")]);
    let scratch = scratch();
    let directory = scratch.path();
    let here = index("here", &at, "");
    configure(directory, &here);
    let told = lock(directory, &["plum"]).ok().stderr_has("[look-alike] reqeusts");
    assert_eq!(told.stderr.matches("look-alike").count(), 1, "{}", told.told());
    let again = lock(directory, &["plum"]).ok();
    assert!(!again.stderr.contains("look-alike"), "{}", again.told());
    std::fs::remove_file(directory.join("pylock.toml")).unwrap();
    configure(directory, &format!("{here}[policy]\nlook-alike = \"deny\"\n"));
    lock(directory, &["plum"]).refused(Code::LookAlike);
}

#[test]
fn names_of_ones_own_are_nobodys_look_alikes() {
    let server = Server::start();
    let at = publish(&server, vec![wheel("reqeusts", "1")]);
    let scratch = scratch();
    let directory = scratch.path();
    configure(directory, &index("internal", &at, "packages = [\"req*\"]"));
    lock(directory, &["reqeusts"]).ok();
    assert!(was_asked(&server, "reqeusts"));
}

/// What names are made of, in the order of a fixed seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// A name that somebody could register to be taken for `known`.
fn squat(known: &str, dice: &mut Dice) -> (String, &'static str) {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
    let at = dice.roll(known.len());
    let letter = char::from(LETTERS[dice.roll(LETTERS.len())]);
    let (before, after) = known.split_at(at);
    let rest = &after[1..];
    match dice.roll(8) {
        0 => (format!("{before}{rest}"), "a letter less"),
        1 => (format!("{before}{letter}{after}"), "a letter more"),
        2 => (format!("{before}{}{after}", &after[..1]), "a letter doubled"),
        3 if at > 0 => {
            let (start, last) = before.split_at(at - 1);
            (format!("{start}{}{last}{rest}", &after[..1]), "letters swapped")
        }
        4 => (format!("{}{known}", ["python-", "py-", "py"][dice.roll(3)]), "a prefix"),
        5 => (format!("{known}{}", ["-python", "-py", "-lib"][dice.roll(3)]), "a suffix"),
        6 if known.contains('-') => (known.replacen('-', "", 1), "separators"),
        _ => (known.replacen('o', "0", 1).replacen('l', "1", 1), "digits for letters"),
    }
}

#[test]
fn most_of_200_made_up_look_alikes_are_seen() {
    let names: Vec<&str> = well_known().take(500).filter(|name| name.len() > 4).collect();
    let all: BTreeSet<&str> = well_known().collect();
    let mut dice = Dice(2026);
    let mut by_kind: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut count = 0;
    while count < 200 {
        let known = names[dice.roll(names.len())];
        let (made, kind) = squat(known, &mut dice);
        let Ok(name) = made.parse() else { continue };
        if made == known || all.contains(made.as_str()) {
            continue;
        }
        count += 1;
        let tally = by_kind.entry(kind).or_default();
        tally.0 += usize::from(look_alike(&name).is_some());
        tally.1 += 1;
    }
    let seen: usize = by_kind.values().map(|(seen, _)| seen).sum();
    loudly(&format!("look-alikes: {seen} of {count} made-up ones seen: {by_kind:?}"));
    assert!(seen >= 180, "{by_kind:?}");
}

/// The names that Requires-Dist of a METADATA has.
fn needed(metadata: &str) -> (Option<String>, BTreeSet<String>) {
    let head = metadata.split("\n\n").next().unwrap_or_default();
    let value = |line: &str, key: &str| line.strip_prefix(key).map(|value| value.trim().to_owned());
    let normal = |text: &str| text.parse().ok().map(|name: pipward_resolver::PackageName| name.to_string());
    let name = head.lines().find_map(|line| value(line, "Name:")).and_then(|text| normal(&text));
    let requires = head.lines().filter_map(|line| value(line, "Requires-Dist:"));
    let names = requires.filter_map(|text| {
        let end =
            text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
        normal(&text[..end])
    });
    (name, names.collect())
}

/// The names that are needed, each with one that needs it, and are taken for look-alikes.
fn false_alarms<'n>(needed: impl Iterator<Item = (&'n String, &'n String)>) -> Vec<String> {
    let alarm = |(name, by): (&String, &String)| {
        let (known, difference) = look_alike(&name.parse().ok()?)?;
        Some(format!("{name} (needed by {by}): {known}, {difference}"))
    };
    needed.filter_map(alarm).collect()
}

/// The names in `needs.txt` are all that the newest releases of 1,288 projects of the list need, read from their METADATA in
/// November 2026 (`benches/look_alikes.py`).
#[test]
fn what_well_known_projects_need_are_no_look_alikes() {
    let names: Vec<String> = include_str!("needs.txt").lines().map(str::to_owned).collect();
    assert!(names.len() > 2000);
    let alarms = false_alarms(names.iter().map(|name| (name, name)));
    assert!(alarms.len() <= 1, "{alarms:#?}");
}

/// Projects that need many others, by themselves or by their extras.
const WIDE: [&str; 24] = [
    "jupyter",
    "apache-airflow[all]",
    "pandas[all]",
    "dask[complete]",
    "ray[default]",
    "great-expectations",
    "mlflow",
    "langchain",
    "llama-index",
    "streamlit",
    "fastapi[all]",
    "sphinx",
    "mkdocs-material",
    "zenml",
    "prefect",
    "dagster",
    "celery[redis]",
    "scrapy",
    "transformers",
    "spacy",
    "moto[all]",
    "nox",
    "tox",
    "twine",
];

/// The same with what is on PyPI today: the projects are locked, and the METADATA that were read for that are looked at.
#[test]
fn look_alikes_among_what_is_needed_today() {
    if offline() || !long() {
        return;
    }
    let scratch = scratch();
    let mut locked = 0;
    for project in WIDE {
        let run = pipward(["lock", project, "-o", "pylock.toml"]).dir(scratch.path()).shared_cache().run();
        if run.code == Some(0) {
            locked += 1;
        } else {
            loudly(&format!(
                "look-alikes: {project} was not locked: {}",
                run.stderr.lines().next().unwrap_or_default()
            ));
        }
        let _ = std::fs::remove_file(scratch.path().join("pylock.toml"));
    }
    // Without them there is nothing to measure.
    assert!(locked * 2 > WIDE.len(), "{locked} of {} were locked", WIDE.len());
    let known: BTreeSet<&str> = well_known().collect();
    let (mut projects, mut by): (BTreeSet<String>, BTreeMap<String, String>) = Default::default();
    let (mut edges, directory) = (0, kept_dir("pipward-cache").join("metadata"));
    for entry in std::fs::read_dir(directory).unwrap() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        let (name, needs) = needed(&String::from_utf8_lossy(&text));
        let Some(name) = name.filter(|name| known.contains(name.as_str())) else { continue };
        edges += needs.len();
        for need in needs {
            by.entry(need).or_insert_with(|| name.clone());
        }
        projects.insert(name);
    }
    let alarms = false_alarms(by.iter());
    loudly(&format!(
        "look-alikes: {} projects of the top 5,000, {edges} requirements on {} names, {} false alarms: {alarms:?}",
        projects.len(),
        by.len(),
        alarms.len()
    ));
    assert!(alarms.len() <= 1, "{alarms:#?}");
}
