//! Markers: what they mean, and whether their shortest words mean the same, judged by packaging in many environments.

use std::process::Command;

use pipward::pep508::{Strictness, marker as read_marker};
use pipward_resolver::{MarkerEnvironment, MarkerTree, markers};
use serde_json::{Value, json};

use super::{Dice, asked, cases, none};
use crate::support::offline;

const SCRIPT: &str = r#"
import json, sys
from packaging.markers import Marker

given = json.load(open(sys.argv[1]))
environments = [dict(env, extra="") for env in given["environments"]]
out = []
for text in given["markers"]:
    marker = Marker(text)
    out.append("".join("1" if marker.evaluate(env) else "0" for env in environments))
json.dump(out, open(sys.argv[2], "w"))
"#;

const PYTHONS: [&str; 9] =
    ["3.8.0", "3.9.0", "3.10.0", "3.10.5", "3.11.0", "3.11.4", "3.12.1", "3.13.0", "3.14.2"];
/// sys_platform, platform_system, os_name, machines.
const SYSTEMS: [(&str, &str, &str, &[&str]); 5] = [
    ("linux", "Linux", "posix", &["x86_64", "aarch64", "i686"]),
    ("darwin", "Darwin", "posix", &["x86_64", "arm64"]),
    ("win32", "Windows", "nt", &["AMD64", "ARM64", "x86"]),
    ("freebsd14", "FreeBSD", "posix", &["amd64"]),
    ("cygwin", "CYGWIN_NT-10.0", "posix", &["x86_64"]),
];

fn environments() -> Vec<Value> {
    let mut all = Vec::new();
    for full in PYTHONS {
        for (sys, system, os, machines) in SYSTEMS {
            for machine in machines {
                for (name, implementation) in [("cpython", "CPython"), ("pypy", "PyPy")] {
                    let short = full.rsplit_once('.').unwrap().0;
                    all.push(json!({
                        "implementation_name": name,
                        "implementation_version": full,
                        "os_name": os,
                        "platform_machine": machine,
                        "platform_python_implementation": implementation,
                        "platform_release": "",
                        "platform_system": system,
                        "platform_version": "",
                        "python_full_version": full,
                        "python_version": short,
                        "sys_platform": sys,
                    }));
                }
            }
        }
    }
    all
}

fn expression(dice: &mut Dice) -> String {
    let of = |dice: &mut Dice, key: &str, values: &[&str]| {
        let value = dice.pick(values);
        match dice.below(10) {
            0..=4 => format!("{key} == '{value}'"),
            5 | 6 => format!("{key} != '{value}'"),
            7 => format!("'{value}' == {key}"),
            8 => format!("{key} {} '{value} {}'", dice.pick(&["in", "not in"]), dice.pick(values)),
            _ => format!("'{}' {} {key}", &value[value.len() / 2..], dice.pick(&["in", "not in"])),
        }
    };
    match dice.below(9) {
        0..=2 => {
            let version = dice.pick(&["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "4", "4.0", "3", "3.0"]);
            let operator = dice.pick(&["==", "!=", "<", "<=", ">", ">="]);
            format!("python_version {operator} '{version}'")
        }
        3 => {
            let version =
                dice.pick(&["3.10", "3.10.0", "3.10.5", "3.11.2", "3.11.4", "3.12.0", "3.9.0", "4.0.0"]);
            format!(
                "python_full_version {} '{version}'",
                dice.pick(&["==", "!=", "<", "<=", ">", ">=", "~="])
            )
        }
        4 => match dice.below(3) {
            0 => format!("python_version ~= '3.{}'", 8 + dice.below(5)),
            1 => format!("python_version {} '3.{}.*'", dice.pick(&["==", "!="]), 8 + dice.below(5)),
            _ => format!("python_version {} '3.9 3.1{}'", dice.pick(&["in", "not in"]), dice.below(4)),
        },
        5 | 6 => of(dice, "sys_platform", &["linux", "darwin", "win32", "cygwin"]),
        7 => match dice.below(3) {
            0 => of(dice, "platform_system", &["Linux", "Darwin", "Windows"]),
            1 => of(dice, "os_name", &["posix", "nt", "java"]),
            _ => of(dice, "platform_machine", &["x86_64", "aarch64", "arm64", "AMD64", "i686"]),
        },
        _ => match dice.below(2) {
            0 => of(dice, "implementation_name", &["cpython", "pypy"]),
            _ => of(dice, "platform_python_implementation", &["CPython", "PyPy"]),
        },
    }
}

fn marker(dice: &mut Dice, depth: usize) -> String {
    if depth == 0 || dice.one_in(3) {
        return expression(dice);
    }
    let (left, right) = (marker(dice, depth - 1), marker(dice, depth - 1));
    match dice.below(4) {
        0 => format!("({left}) and ({right})"),
        1 => format!("({left}) or ({right})"),
        2 => format!("{left} and ({right})"),
        _ => format!("({left}) or {right}"),
    }
}

const WITHIN: [&str; 3] = [
    "python_version >= '3.8'",
    "python_version >= '3.10'",
    "python_version >= '3.9' and (sys_platform == 'linux' or sys_platform == 'darwin' or sys_platform == 'win32')",
];

fn universe(text: &str) -> MarkerTree {
    let mut universe = markers::world().clone();
    universe.and(text.parse().unwrap());
    universe
}

fn read(text: &str) -> MarkerTree {
    read_marker(text, Strictness::Strict).unwrap()
}

fn always(text: Option<String>) -> String {
    text.unwrap_or_else(|| "python_version >= '0'".to_owned())
}

#[test]
fn markers_and_their_words_hold_where_packaging_says() {
    if offline() {
        return;
    }
    let mut dice = Dice(508);
    let given: Vec<String> = (0..cases(400, 20_000)).map(|_| marker(&mut dice, 3)).collect();
    let environments = environments();
    let ours: Vec<MarkerEnvironment> =
        environments.iter().map(|env| serde_json::from_value(env.clone()).unwrap()).collect();
    let trees: Vec<MarkerTree> = given.iter().map(|text| read(text)).collect();
    let plain: Vec<String> =
        trees.iter().map(|tree| always(markers::text(tree, &MarkerTree::TRUE))).collect();
    let within = |at: usize| WITHIN[at % WITHIN.len()];
    let told: Vec<String> = trees
        .iter()
        .enumerate()
        .map(|(at, tree)| always(markers::text(tree, &universe(within(at)))))
        .collect();
    let all: Vec<&str> = given.iter().chain(&plain).chain(&told).map(String::as_str).chain(WITHIN).collect();
    let answers = asked(SCRIPT, &json!({"environments": environments, "markers": all}));
    let bits = |at: usize| answers[at].as_str().unwrap().as_bytes();
    let (mut compared, mut differences) = (0, Vec::new());
    for (at, text) in given.iter().enumerate() {
        for (place, env) in ours.iter().enumerate() {
            compared += 1;
            let true_there = bits(at)[place] == b'1';
            let inside = bits(3 * given.len() + at % WITHIN.len())[place] == b'1';
            let here = trees[at].evaluate(env, &[]);
            let words = bits(given.len() + at)[place] == b'1';
            let short = bits(2 * given.len() + at)[place] == b'1';
            if here != true_there || words != true_there || (inside && short != true_there) {
                let (plain, told, env) = (&plain[at], &told[at], &environments[place]);
                let found = (true_there, here, words, short);
                differences.push(format!(
                    "{text}\n  {plain}\n  {told}\n  within {}: {found:?} in {env}",
                    within(at)
                ));
                break;
            }
        }
        let again = read(&told[at]);
        let twice = always(markers::text(&again, &universe(within(at))));
        if twice != told[at] {
            differences.push(format!("{text}\n  {}\n  and again {twice}", told[at]));
        }
        if plain[at].len() > trees[at].try_to_string().map_or(usize::MAX, |text| text.len())
            && !text.contains(" in ")
        {
            differences.push(format!("{} is longer than {:?}", plain[at], trees[at].try_to_string()));
        }
    }
    none("markers in environments", compared, &differences);
}

/// The texts of many markers, made in an order that `seed` shuffles.
fn texts_made_in_order(seed: u64) -> String {
    let mut dice = Dice(7);
    let mut given: Vec<(usize, String)> = (0..300).map(|at| (at, marker(&mut dice, 2))).collect();
    let spellings = ["4", "4.0", "4.0.0", "3", "3.0", "3.10", "3.10.0"];
    for (at, spelling) in spellings.iter().enumerate() {
        given.push((300 + at, format!("python_full_version < '{spelling}' or sys_platform == 'win32'")));
        given.push((400 + at, format!("python_full_version == '{spelling}.*' and os_name != 'nt'")));
    }
    let mut dice = Dice(seed);
    for end in (1..given.len()).rev() {
        given.swap(end, dice.below(end + 1));
    }
    let trees: Vec<(usize, MarkerTree)> = given.iter().map(|(at, text)| (*at, read(text))).collect();
    let universe = universe(WITHIN[0]);
    let mut texts: Vec<String> = trees
        .iter()
        .map(|(at, tree)| format!("{at:03} {}", always(markers::text(tree, &universe))))
        .collect();
    texts.sort();
    texts.join("\n")
}

#[test]
fn words_do_not_depend_on_the_order_in_which_markers_were_made() {
    const SEED: &str = "PIPWARD_TEST_MARKER_SEED";
    if let Some(seed) = std::env::var_os(SEED) {
        let seed = seed.to_str().unwrap().parse().unwrap();
        println!("<<<{}>>>", texts_made_in_order(seed));
        return;
    }
    // The algebra keeps its nodes for the life of a process, so each order needs one of its own.
    let name = "oracle::markers::words_do_not_depend_on_the_order_in_which_markers_were_made";
    let texts_of = |seed: u64| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(SEED, seed.to_string());
        let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let (_, rest) = output.split_once("<<<").unwrap();
        rest.split_once(">>>").unwrap().0.to_owned()
    };
    let first = texts_of(0);
    assert!(first.lines().count() > 300);
    for seed in 1..4 {
        let other = texts_of(seed);
        let differs = first.lines().zip(other.lines()).find(|(one, other)| one != other);
        assert_eq!(differs, None, "seed {seed}");
    }
}
