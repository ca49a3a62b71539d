//! The same command lines to pip 26.3 and to pipward, in twin environments: exit code, files, report, and the lines that
//! scripts read are the same, or the case says why not.
//!
//! Both work at one path, one after the other, because scripts and RECORD name it. A sample runs by default, all cases
//! with PIPWARD_TEST_LONG=1.

mod cases;
mod choices;
mod ground;
mod sources;
mod telling;

use cases::{Case, Expect, cases};
use ground::{Ground, Outcome, Tool};

use crate::support::tree::differences;
use crate::support::{long, loudly, offline};

/// One case in so many is in the sample.
const SAMPLE: usize = 19;

#[test]
fn the_same_command_lines_do_the_same() {
    if offline() {
        return; // pip itself comes from PyPI
    }
    let ground = Ground::new();
    let all = cases();
    assert!(all.len() >= 150, "{} cases", all.len());
    let only = std::env::var("PIPWARD_TEST_CASE").ok();
    let chosen = all.iter().enumerate().filter(|(at, case)| match &only {
        Some(name) => case.name.contains(name),
        None => long() || at % SAMPLE == 0,
    });
    let (mut count, mut broken) = (0, Vec::new());
    for (_, case) in chosen {
        count += 1;
        let wrong = std::panic::catch_unwind(|| check(&ground, case))
            .unwrap_or_else(|_| vec!["what comes before it failed".to_owned()]);
        if !wrong.is_empty() {
            broken.push(format!("# {}\n{}", case.name, wrong.join("\n")));
        }
    }
    loudly(&format!("differential: {count} of {} cases", all.len()));
    assert!(broken.is_empty(), "{} of {count} cases differ:\n{}", broken.len(), broken.join("\n\n"));
}

/// What differs and should not.
fn check(ground: &Ground, case: &Case) -> Vec<String> {
    let pip = ground.run(Tool::Pip, case);
    let ours = ground.run(Tool::Pipward, case);
    let mut wrong = Vec::new();
    match &case.expect {
        Expect::Same => same(&pip, &ours, &mut wrong),
        Expect::Told => {
            if ours.said.code == Some(0) {
                same(&pip, &ours, &mut wrong);
            } else if pip.said.code != ours.said.code {
                wrong.push(format!("exit codes {:?} and {:?}", pip.said.code, ours.said.code));
            } else {
                refused(ground, case, &ours, "", &mut wrong);
            }
            telling::compare(&pip.said, &ours.said, &mut wrong);
        }
        Expect::Taken => {
            if pip.said.code == Some(0) || ours.said.code != Some(0) {
                wrong.push("pipward alone was expected to do it".to_owned());
            }
        }
        Expect::Differs => {
            if (pip.said.code, ours.said.code) != (Some(0), Some(0)) {
                wrong.push("both were expected to do it".to_owned());
            }
        }
        Expect::Refused(code) => {
            if pip.said.code != Some(0) {
                wrong.push(format!("pip refuses it too: {}", pip.said.told()));
            }
            refused(ground, case, &ours, code.name(), &mut wrong);
        }
        Expect::BothRefuse => {
            if pip.said.code == Some(0) {
                wrong.push(format!("pip takes it: {}", pip.said.told()));
            }
            if pip.said.code != ours.said.code {
                wrong.push(format!("exit codes {:?} and {:?}", pip.said.code, ours.said.code));
            }
            refused(ground, case, &ours, "", &mut wrong);
        }
    }
    if !wrong.is_empty() {
        wrong.push(format!("pip: {}", pip.said.told()));
        wrong.push(format!("pipward: {}", ours.said.told()));
    }
    wrong
}

fn same(pip: &Outcome, ours: &Outcome, wrong: &mut Vec<String>) {
    if pip.said.code != ours.said.code {
        wrong.push(format!("exit codes {:?} and {:?}", pip.said.code, ours.said.code));
        return;
    }
    if ours.said.code == Some(0) && !ours.said.stderr.is_empty() {
        wrong.push("standard error is not empty".to_owned());
    }
    wrong.extend(
        differences(&pip.tree, &ours.tree).into_iter().map(|line| format!("tree (left pip): {line}")),
    );
    let (left, right) = (lines(&pip.said.stdout), lines(&ours.said.stdout));
    if left != right {
        wrong.push(format!("lines: {left:?} and {right:?}"));
    }
    if pip.report != ours.report {
        wrong.push(format!("reports:\n{:#?}\nand\n{:#?}", pip.report, ours.report));
    }
}

/// A refusal names its code and leaves everything as it was.
fn refused(ground: &Ground, case: &Case, ours: &Outcome, code: &str, wrong: &mut Vec<String>) {
    if ours.said.code == Some(0) || !ours.said.stderr.contains(code) {
        wrong.push(format!("a refusal {code} was expected"));
    }
    let told = differences(&ground.before(case), &ours.tree);
    wrong.extend(told.into_iter().map(|line| format!("a refusal changed something: {line}")));
}

/// The lines that scripts read, without what may differ in them: where, and in which spelling and order.
fn lines(stdout: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in stdout.lines() {
        for start in ["Successfully installed ", "Would install "] {
            if let Some(list) = line.strip_prefix(start) {
                let mut list: Vec<String> =
                    list.split(' ').map(|one| one.to_lowercase().replace(['_', '.'], "-")).collect();
                list.sort();
                found.push(format!("{start}{}", list.join(" ")));
            }
        }
        if let Some(rest) = line.strip_prefix("Requirement already satisfied: ") {
            let name: String =
                rest.chars().take_while(|c| c.is_alphanumeric() || "-_.".contains(*c)).collect();
            found.push(format!("satisfied {}", name.to_lowercase().replace(['_', '.'], "-")));
        }
        if line.starts_with("Ignoring ") {
            found.push(line.split(':').next().unwrap_or(line).to_lowercase());
        }
    }
    found.sort();
    found
}
