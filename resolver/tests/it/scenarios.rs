//! The scenario suite: small worlds with what is asked and what comes out, as files that are read like a book.
//!
//! A scenario is
//!
//! ```text
//! [its-name]
//! # What it shows, and the sentence of the specification that decides it.
//!     a 1 | b>=1            a line of the world, indented (see `scenario`)
//! want a>=1                 what the user requires; further keys: see `Scenario::read`
//! => a 1                    what comes out, a line each: packages with their markers, warnings, or the explanation
//! ```
//!
//! `PIPWARD_UPDATE_SCENARIOS=1` writes what comes out into the files; read the difference before it is kept.

#![allow(clippy::disallowed_methods)] // A test may read its files.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::str::FromStr;

use pipward_resolver::{
    ForkStrategy, MarkerTree, PackageName, Platform, Preference, Prereleases, Request, Resolution,
    ResolvedPackage, Scope, SolveError, Strategy, Target, Universe, UploadTime, Version, WheelName, markers,
    solve,
};

use crate::scenario::{request, root, world};

/// How long an explanation may be, in lines and in characters a line.
const LONGEST: (usize, usize) = (15, 320);

/// One scenario: its text as far as it is input, and what it expects.
#[derive(Default)]
struct Scenario {
    name: String,
    /// The lines up to the expectation, as they stand in the file.
    input: Vec<String>,
    expected: Vec<String>,
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/scenarios")
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn read(text: &str) -> Vec<Scenario> {
    let mut list: Vec<Scenario> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            list.push(Scenario { name: name.to_owned(), ..Scenario::default() });
            continue;
        }
        let Some(scenario) = list.last_mut() else { continue };
        match line.strip_prefix("=>") {
            Some(expected) => {
                scenario.expected.push(expected.strip_prefix(' ').unwrap_or(expected).to_owned());
            }
            None if line.trim().is_empty() => {}
            None => scenario.input.push(line.to_owned()),
        }
    }
    list
}

/// What stands above the first scenario of a file.
fn preface(text: &str) -> String {
    text.lines().take_while(|line| !line.starts_with('[')).map(|line| format!("{line}\n")).collect()
}

impl Scenario {
    /// The request, and whether wheels and dependencies are shown.
    fn request(&self) -> (Request, BTreeSet<&str>) {
        let mut all = request(&[]);
        let mut show = BTreeSet::new();
        let mut required = Vec::new();
        let mut universe = None;
        let mut line_number = 0;
        for line in self.input.iter().filter(|line| !line.starts_with(' ') && !line.starts_with('#')) {
            let (key, value) = line.split_once(' ').unwrap_or((line, ""));
            line_number += 1;
            match key {
                "want" => all.roots.push(root(value, "in.txt", line_number)),
                "constraint" => all.constraints.push(root(value, "constraints.txt", line_number)),
                "override" => all.overrides.push(root(value, "overrides.txt", line_number)),
                "exclude" => drop(all.excludes.insert(value.parse().unwrap())),
                "universal" => universe = Some(value.parse::<MarkerTree>().unwrap()),
                "required" => required.push(value.parse::<MarkerTree>().unwrap()),
                "fewest" => all.fork_strategy = ForkStrategy::Fewest,
                "target" => {
                    let (python, platform) = value.split_once(' ').unwrap();
                    let platform = Platform::parse_uv(platform).unwrap();
                    let python = Version::from_str(python).unwrap();
                    all.scope = Scope::One(Box::new(Target::described(&python, &platform).unwrap()));
                }
                "lowest" => all.strategy = Strategy::Lowest,
                "lowest-direct" => all.strategy = Strategy::LowestDirect,
                "pre" if value.is_empty() => all.prereleases = Prereleases::Allow,
                "pre" => drop(all.prerelease_projects.insert(value.parse().unwrap())),
                "prefer" => {
                    let (pin, marker) = value.split_once(" ; ").unwrap_or((value, ""));
                    let (name, version) = pin.split_once(' ').unwrap();
                    let marker = if marker.is_empty() { MarkerTree::TRUE } else { marker.parse().unwrap() };
                    let preference = Preference { version: version.parse().unwrap(), marker };
                    let name = PackageName::from_str(name).unwrap();
                    all.preferences.entry(name).or_default().push(preference);
                }
                "now" => all.now = Some(UploadTime(value.parse().unwrap())),
                "show" => drop(show.insert(value)),
                _ => panic!("{}: {key} is no key of a scenario", self.name),
            }
        }
        if let Some(marker) = universe {
            all.scope = Scope::Universal(Universe { marker, required });
        }
        (all, show)
    }

    fn world(&self) -> String {
        self.input.iter().filter(|line| line.starts_with(' ')).map(|line| format!("{line}\n")).collect()
    }

    fn outcome(&self) -> Vec<String> {
        let (request, show) = self.request();
        let text = match solve(&request, &world(&self.world())) {
            Ok(resolution) => self::show(&resolution, &show),
            Err(SolveError::NoSolution(story)) => {
                let text = story.to_string();
                let (lines, width) =
                    (text.lines().count(), text.lines().map(|line| line.chars().count()).max());
                assert!(lines <= LONGEST.0 && width <= Some(LONGEST.1), "{}: too long:\n{text}", self.name);
                text
            }
            Err(SolveError::Facts(error)) => panic!("{}: {error}", self.name),
        };
        text.lines().map(|line| line.trim_end().to_owned()).collect()
    }
}

fn show(resolution: &Resolution, show: &BTreeSet<&str>) -> String {
    let marker = |marker: &MarkerTree, within: &MarkerTree| {
        markers::text(marker, within).map(|text| format!(" ; {text}")).unwrap_or_default()
    };
    let mut text = String::new();
    for package in &resolution.packages {
        let ResolvedPackage { name, version, extras, .. } = package;
        let extras: Vec<String> = extras.iter().map(ToString::to_string).collect();
        let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
        let _ = writeln!(text, "{name}{extras} {version}{}", marker(&package.marker, &resolution.universe));
        if show.contains("wheels") {
            let wheels: Vec<&str> = package.wheels.iter().map(WheelName::as_str).collect();
            let _ = writeln!(text, "  wheels {}", wheels.join(" "));
        }
        if show.contains("dependencies") {
            let mut within = resolution.universe.clone();
            within.and(package.marker.clone());
            for dependency in &package.dependencies {
                let told = marker(&dependency.marker, &within);
                let _ = writeln!(text, "  needs {} {}{told}", dependency.name, dependency.version);
            }
        }
    }
    for warning in &resolution.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    if text.is_empty() { "nothing".to_owned() } else { text }
}

#[test]
fn scenarios_come_out_as_written() {
    let update = std::env::var_os("PIPWARD_UPDATE_SCENARIOS").is_some();
    let mut wrong = Vec::new();
    for file in files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut written = preface(&text);
        for scenario in read(&text) {
            let found = scenario.outcome();
            if found != scenario.expected {
                wrong.push(format!(
                    "[{}]\n{}\nexpected:\n  {}\nfound:\n  {}",
                    scenario.name,
                    scenario.input.join("\n"),
                    scenario.expected.join("\n  "),
                    found.join("\n  ")
                ));
            }
            let _ = write!(written, "[{}]\n{}\n", scenario.name, scenario.input.join("\n"));
            for line in &found {
                let _ = writeln!(written, "{}", format!("=> {line}").trim_end());
            }
            written.push('\n');
        }
        if update {
            std::fs::write(&file, format!("{}\n", written.trim_end())).unwrap();
        }
    }
    assert!(update || wrong.is_empty(), "{} scenarios differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn there_are_enough_scenarios_and_each_has_a_name_and_a_reason() {
    let mut names = BTreeSet::new();
    let mut failing = 0;
    for file in files() {
        for scenario in read(&std::fs::read_to_string(&file).unwrap()) {
            assert!(names.insert(scenario.name.clone()), "{}: twice", scenario.name);
            assert!(scenario.input.iter().any(|line| line.starts_with("# ")), "{}: what for?", scenario.name);
            assert!(!scenario.expected.is_empty(), "{}: expects nothing", scenario.name);
            failing += usize::from(scenario.expected.iter().any(|line| line.contains("no solution")));
        }
    }
    assert!(names.len() >= 150, "{}", names.len());
    assert!(failing >= 20, "{failing}");
}

/// The order in which the world is told, and in which the user requires, changes no answer but that of a tie.
#[test]
fn a_solve_is_repeated_to_the_letter() {
    for file in files() {
        for scenario in read(&std::fs::read_to_string(&file).unwrap()) {
            assert_eq!(scenario.outcome(), scenario.outcome(), "{}", scenario.name);
        }
    }
}
