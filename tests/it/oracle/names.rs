//! File names of wheels.

use pipward_resolver::WheelName;
use serde_json::json;

use super::{Dice, asked, cases, none};
use crate::support::offline;

const SCRIPT: &str = r#"
import json, sys
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

out = []
for name in json.load(open(sys.argv[1])):
    try:
        project, version, build, tags = parse_wheel_filename(name)
    except InvalidWheelFilename:
        out.append(None)
        continue
    out.append([project, str(version), list(build), sorted(map(str, tags))])
json.dump(out, open(sys.argv[2], "w"))
"#;

fn name(dice: &mut Dice) -> String {
    let project =
        dice.pick(&["idna", "Jinja2", "zope.interface", "a_b", "a__b", "x1", "_x", "ruamel.yaml.clib"]);
    let version = dice.pick(&["1.0", "1", "2.0.post1", "1!3", "1.0+cpu", "1.0_1", "1.0rc1", "x", "2024.1.1"]);
    let build =
        if dice.one_in(3) { dice.pick(&["-1", "-10", "-2b", "-0", "-x", "-", "-007", "-1_a"]) } else { "" };
    let python = dice.pick(&["py3", "py2.py3", "cp312", "CP39", "cp38.cp39.cp310", "pp310"]);
    let abi = dice.pick(&["none", "cp312", "abi3", "abi3.none", "cp313t"]);
    let platform = dice.pick(&["any", "win_amd64", "manylinux1_x86_64.manylinux_2_5_x86_64", "linux_armv7l"]);
    let end = if dice.one_in(20) { dice.pick(&[".zip", "", ".whl.whl", ".WHL"]) } else { ".whl" };
    format!("{project}-{version}{build}-{python}-{abi}-{platform}{end}")
}

/// Where we read names otherwise on purpose.
fn is_known(name: &str) -> bool {
    // "A valid name consists only of ASCII letters and numbers, period, underscore and hyphen. It must start and end
    // with a letter or number" (core metadata, "Name"): refused here, taken by packaging as "-x".
    name.starts_with('_')
}

#[test]
fn names_of_wheels_are_read_as_packaging_reads_them() {
    if offline() {
        return;
    }
    let mut dice = Dice(427);
    let list: Vec<String> = (0..cases(3000, 100_000)).map(|_| name(&mut dice)).collect();
    let answers = asked(SCRIPT, &json!(list));
    let mut differences = Vec::new();
    let mut builds = Vec::new();
    for (name, answer) in list.iter().zip(answers.as_array().unwrap()) {
        let read = WheelName::parse(name);
        let found = read.as_ref().ok().map(|wheel| {
            let (pythons, abis, platforms) = wheel.tag_parts();
            let mut tags: Vec<String> = Vec::new();
            for python in pythons {
                for abi in abis {
                    tags.extend(platforms.iter().map(|platform| format!("{python}-{abi}-{platform}")));
                }
            }
            tags.sort();
            tags.dedup();
            let build = wheel.build().map(|(number, rest)| json!([number, rest])).unwrap_or(json!([]));
            json!([wheel.name().to_string(), wheel.version().to_string(), build, tags])
        });
        if found.clone().unwrap_or_default() != *answer && !is_known(name) {
            differences.push(format!("{name}: {found:?}, packaging {answer}"));
        }
        if let (Ok(wheel), true) = (read, answer.is_array()) {
            builds.push((wheel.build().cloned(), answer[2].clone()));
        }
    }
    // PEP 427: "Sort as an empty tuple if unspecified, else sort as a two-item tuple".
    builds.sort_by(|a, b| a.0.cmp(&b.0));
    let key = |build: &serde_json::Value| {
        let number = build[0].as_u64();
        (number.is_some(), number, build[1].as_str().map(str::to_owned))
    };
    assert!(builds.windows(2).all(|pair| key(&pair[0].1) <= key(&pair[1].1)));
    none("names of wheels", list.len(), &differences);
}
