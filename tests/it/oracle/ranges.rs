//! Specifiers as sets of versions, and which pre-releases they let in.

use std::collections::{BTreeMap, BTreeSet};

use pipward_resolver::recorded::{Recorded, RecordedMetadata, RecordedRelease, RecordedWheel};
use pipward_resolver::{
    ForkStrategy, Origin, Platform, Prereleases, Request, Root, Scope, SolveError, Strategy, Target, Version,
    VersionSpecifiers, ranges, solve,
};
use serde_json::json;

use super::{Dice, asked, cases, none};
use crate::support::offline;

const SCRIPT: &str = r#"
import json, sys
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

out = []
for specifiers, versions in json.load(open(sys.argv[1])):
    try:
        known = SpecifierSet(specifiers)
    except InvalidSpecifier:
        out.append(None)
        continue
    bits = "".join("1" if known.contains(v, prereleases=True) else "0" for v in versions)
    best = max(known.filter(versions), key=Version, default=None)
    out.append([bits, bool(known.prereleases), best and str(Version(best))])
json.dump(out, open(sys.argv[2], "w"))
"#;

fn number(dice: &mut Dice) -> u64 {
    if dice.one_in(12) {
        *[10, 64, 255, 256, 2024, 65_536].get(dice.below(6)).unwrap()
    } else {
        dice.below(3) as u64
    }
}

fn release(dice: &mut Dice) -> String {
    let epoch = if dice.one_in(8) { "1!" } else { "" };
    let length = 1 + dice.below(3) + usize::from(dice.one_in(9));
    let parts: Vec<String> = (0..length).map(|_| number(dice).to_string()).collect();
    format!("{epoch}{}", parts.join("."))
}

fn suffix(dice: &mut Dice) -> String {
    let mut text = String::new();
    if dice.one_in(3) {
        text += &format!("{}{}", dice.pick(&["a", "b", "rc"]), number(dice));
    }
    if dice.one_in(4) {
        text += &format!(".post{}", number(dice));
    }
    if dice.one_in(4) {
        text += &format!(".dev{}", number(dice));
    }
    text
}

fn version(dice: &mut Dice) -> String {
    let local = if dice.one_in(4) { dice.pick(&["+1", "+a", "+a.1", "+10.z", "+cpu"]) } else { "" };
    format!("{}{}{local}", release(dice), suffix(dice))
}

fn specifier(dice: &mut Dice) -> String {
    let operator = dice.pick(&["==", "==", "!=", "<", "<=", ">", ">=", "~=", "==="]);
    let around = |dice: &mut Dice, text: String| {
        if dice.one_in(6) { format!("{operator} {text}") } else { format!("{operator}{text}") }
    };
    if matches!(operator, "==" | "!=") && dice.one_in(3) {
        let text = format!("{}.*", release(dice));
        return around(dice, text);
    }
    let text = if operator.starts_with('=') || operator == "!=" {
        version(dice)
    } else {
        format!("{}{}", release(dice), suffix(dice))
    };
    around(dice, text)
}

/// Versions near those that the specifiers name, and others.
fn versions(dice: &mut Dice, specifiers: &str) -> Vec<String> {
    let mut all = BTreeSet::new();
    for named in specifiers.split(',') {
        let text = named.trim_start_matches(['=', '!', '<', '>', '~', ' ']).trim_end_matches(".*");
        let public = text.split('+').next().unwrap_or(text);
        for end in
            ["", "+a", ".0", ".1", "a1", "rc2", ".post0", ".post1", ".dev0", ".dev3", ".post0.dev1", "+10.z"]
        {
            if dice.one_in(2) {
                all.insert(format!("{public}{end}"));
            }
        }
        all.insert(text.to_owned());
    }
    while all.len() < 16 {
        all.insert(version(dice));
    }
    all.retain(|text| text.parse::<Version>().is_ok());
    // One spelling for each version: to the resolver, those that are equal are one release.
    let mut spelled = BTreeMap::new();
    for text in all {
        spelled.entry(text.parse::<Version>().unwrap()).or_insert(text);
    }
    spelled.into_values().collect()
}

/// Where `===` is concerned: packaging compares text, as PEP 440 says ("simple string equality operations which do not take
/// into account any of the semantic information such as zero padding or local versions"). The solver has one release for
/// all spellings of a version, so `===1.0` takes a release that is spelled `1.0.0`. Nothing else may differ.
fn is_spelling(specifiers: &str, version: &str) -> bool {
    let version: Version = version.parse().unwrap();
    specifiers.split(',').filter_map(|one| one.trim().strip_prefix("===")).any(|text| {
        let named: Version = text.trim().parse().unwrap();
        named == version && text.trim() != version.to_string()
    })
}

/// What a solve takes of these versions for one requirement of the user.
fn taken(specifiers: &str, versions: &[String]) -> Option<String> {
    let mut project = BTreeMap::new();
    for version in versions {
        let version: Version = version.parse().unwrap();
        let wheel =
            RecordedWheel { name: format!("a-{version}-py3-none-any.whl"), ..RecordedWheel::default() };
        let metadata = Some(RecordedMetadata::default());
        project
            .insert(version, RecordedRelease { wheels: vec![wheel], metadata, ..RecordedRelease::default() });
    }
    let facts = Recorded { projects: [("a".parse().unwrap(), project)].into() };
    let root = Root { requirement: format!("a{specifiers}").parse().unwrap(), origin: Origin::CommandLine };
    let target = Target::described(&"3.12".parse().unwrap(), &Platform::parse_uv("linux").unwrap()).unwrap();
    let request = Request {
        roots: vec![root],
        constraints: Vec::new(),
        overrides: Vec::new(),
        excludes: BTreeSet::new(),
        scope: Scope::One(Box::new(target)),
        strategy: Strategy::Highest,
        fork_strategy: ForkStrategy::default(),
        prereleases: Prereleases::IfNecessary,
        prerelease_projects: BTreeSet::new(),
        preferences: BTreeMap::new(),
        now: None,
        well_known: Vec::new,
    };
    match solve(&request, &facts) {
        Ok(answer) => Some(answer.packages[0].version.to_string()),
        Err(SolveError::NoSolution(_)) => None,
        Err(SolveError::Facts(error)) => panic!("{error}"),
    }
}

fn check(sets: usize, seed: u64) -> (usize, usize, Vec<String>) {
    let mut dice = Dice(seed);
    let mut list = Vec::new();
    for _ in 0..sets {
        let count = 1 + dice.below(3) * usize::from(dice.one_in(2));
        let text = (0..count).map(|_| specifier(&mut dice)).collect::<Vec<_>>().join(",");
        let versions = versions(&mut dice, &text);
        list.push((text, versions));
    }
    let answers = asked(SCRIPT, &json!(list));
    let (mut compared, mut solved, mut differences) = (0, 0, Vec::new());
    for ((text, versions), answer) in list.iter().zip(answers.as_array().unwrap()) {
        let parsed = text.parse::<VersionSpecifiers>();
        let (Ok(parsed), Some(answer)) = (&parsed, answer.as_array()) else {
            compared += 1;
            if parsed.is_ok() == answer.is_array() {
                continue;
            }
            differences.push(format!(
                "{text}: read here {}, by packaging {}",
                parsed.is_ok(),
                answer.is_array()
            ));
            continue;
        };
        let set = ranges::of_specifiers(parsed);
        let mut spelled = false;
        for (version, bit) in versions.iter().zip(answer[0].as_str().unwrap().chars()) {
            compared += 1;
            let found = set.contains(&version.parse().unwrap());
            if found != (bit == '1') {
                if is_spelling(text, version) {
                    spelled = true;
                } else {
                    differences.push(format!("{version} in {text}: here {found}, packaging {bit}"));
                }
            }
        }
        let asks = ranges::names_prerelease(parsed);
        if asks != answer[1].as_bool().unwrap() {
            differences.push(format!("{text} asks for pre-releases: here {asks}, packaging {}", answer[1]));
        }
        if !spelled {
            solved += 1;
            let found = taken(text, versions);
            if found.as_deref() != answer[2].as_str() {
                differences
                    .push(format!("the best for {text} of {versions:?}: {found:?}, packaging {}", answer[2]));
            }
        }
    }
    (compared, solved, differences)
}

#[test]
fn specifiers_hold_what_packaging_says() {
    if offline() {
        return;
    }
    // In portions, so that a long run stays small.
    let portions = cases(1, 60);
    let (mut compared, mut solved, mut differences) = (0, 0, Vec::new());
    for seed in 0..portions {
        let (more, also, found) = check(400, 440 + seed as u64);
        compared += more;
        solved += also;
        differences.extend(found);
    }
    assert!(compared >= 4000, "{compared}");
    none("versions in specifiers", compared, &differences);
    none("best versions by filter()", solved, &differences);
}
