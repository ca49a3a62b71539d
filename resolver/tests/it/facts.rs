//! Faults that were found, each with the facts that showed it: `data/facts/`.

use pipward_resolver::{Preference, Recorded, Scope, SolveError, Strategy, Universe, solve};

use crate::everywhere::show;
use crate::scenario::request;

/// Twice: the second time with its own answer to prefer.
fn check(facts: &str, requirements: &[&str], strategy: Strategy, expected: &[&str]) {
    check_times(2, facts, requirements, strategy, expected);
}

fn check_times(times: usize, facts: &str, requirements: &[&str], strategy: Strategy, expected: &[&str]) {
    let facts = Recorded::from_json(facts).unwrap();
    let marker = "python_version >= '3.10'".parse().unwrap();
    let scope = Scope::Universal(Universe { marker, required: Vec::new() });
    let mut request = pipward_resolver::Request { scope, strategy, ..request(requirements) };
    for _ in 0..times {
        let answer = match solve(&request, &facts) {
            Ok(answer) => answer,
            Err(SolveError::NoSolution(story)) => panic!("{story}"),
            Err(SolveError::Facts(error)) => panic!("{error}"),
        };
        let told = show(&answer);
        let lines: Vec<&str> = told.lines().filter(|line| !line.starts_with(' ')).map(str::trim).collect();
        assert_eq!(lines, expected);
        request.preferences.clear();
        for package in answer.packages {
            let list = request.preferences.entry(package.name).or_default();
            list.push(Preference { version: package.version, marker: package.marker });
        }
    }
}

/// A version that needs another version of itself on Linux can be taken elsewhere.
#[test]
fn what_a_version_cannot_be_in_a_part_of_the_region() {
    let facts = include_str!("data/facts/itself-under-a-marker.json");
    let expected = ["c 1 {} sys_platform == 'linux'", "c 1.5 {} sys_platform != 'linux'"];
    check(facts, &["c"], Strategy::Highest, &expected);
}

/// `in` and equality speak of one variable.
#[test]
fn in_and_equality_exclude_each_other() {
    let facts = include_str!("data/facts/in-beside-equality.json");
    let expected = [
        "b 1 {}",
        "c 1 {} sys_platform == 'darwin' or sys_platform == 'linux'",
        "c 2 {} sys_platform == 'win32'",
    ];
    check(facts, &["b"], Strategy::Highest, &expected);
}

/// No environment is Windows and has a name that is among those of Linux and macOS.
#[test]
fn a_conflict_where_no_environment_is_is_none() {
    let facts = include_str!("data/facts/no-such-environment.json");
    check(facts, &["b ; sys_platform == 'win32'"], Strategy::Highest, &["b 1 {} sys_platform == 'win32'"]);
}

/// The fork of a first lock stands when the lowest versions are preferred.
#[test]
fn the_lowest_versions_stay_when_they_are_preferred() {
    let facts = include_str!("data/facts/lowest-again.json");
    let expected = ["b 3 {} python_version >= '3.11'", "b 4 {} python_version < '3.11'"];
    check(facts, &["b>=2"], Strategy::Lowest, &expected);
}
