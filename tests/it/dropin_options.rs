//! The table of pip's options in docs/pip-options.md against pip's own help.

use std::collections::BTreeMap;

use crate::support::offline;
use crate::support::peers::peers;
use crate::support::run::{pipward, repository};

/// The rows of each section of the page.
fn page() -> BTreeMap<String, Vec<(String, String)>> {
    let text = std::fs::read_to_string(repository().join("docs/pip-options.md")).unwrap();
    let mut sections: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut section = String::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title.to_owned();
        }
        if line.starts_with("### ") {
            section.clear();
        }
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [name, verdict, ..] = cells[..]
            && name.starts_with('`')
        {
            let row = (name.trim_matches('`').to_owned(), verdict.to_owned());
            sections.entry(section.clone()).or_default().push(row);
        }
    }
    sections
}

/// The long options that stand at the beginning of a line of help.
fn options(help: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in help.lines().filter(|line| line.starts_with("  -") || line.starts_with(" -")) {
        let long = line.split([' ', ',']).find(|word| word.starts_with("--"));
        found.extend(long.map(|word| word.split('=').next().unwrap().to_owned()));
    }
    found
}

#[test]
fn every_option_of_pip_is_in_the_table() {
    if offline() {
        return; // pip itself comes from PyPI
    }
    let page = page();
    let has = |section: &str, name: &str| {
        page.get(section).is_some_and(|rows| rows.iter().any(|(option, _)| option == name))
    };
    let top = peers().pip(["--help"]).run().ok().stdout;
    let commands: Vec<String> = top
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.contains("Options:"))
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next().map(str::to_owned))
        .filter(|name| !name.is_empty())
        .collect();
    assert!(commands.len() >= 17, "{commands:?}");
    let mut missing: Vec<String> = options(&top)
        .into_iter()
        .filter(|option| !has("General options", option))
        .map(|option| format!("pip {option}"))
        .collect();
    for command in &commands {
        if !has("Commands", command) {
            missing.push(format!("pip {command}"));
        }
        if matches!(command.as_str(), "wheel" | "search" | "help") {
            continue;
        }
        let help = peers().pip([command, "--help"]).run().ok().stdout;
        let found = options(&help);
        assert!(found.len() > 10, "{command}: {found:?}");
        let shared: &[&str] =
            if command == "download" { &["install", "download"] } else { &[command.as_str()] };
        for option in found {
            let known = shared.iter().any(|section| has(section, &option))
                || has("General options", &option)
                || has("Package index options", &option);
            if !known {
                missing.push(format!("pip {command} {option}"));
            }
        }
    }
    assert!(missing.is_empty(), "docs/pip-options.md lacks:\n{}", missing.join("\n"));
}

#[test]
fn what_the_table_says_of_install_is_so() {
    let page = page();
    let rows =
        ["install", "General options", "Package index options"].into_iter().flat_map(|name| &page[name]);
    for (option, verdict) in rows.filter(|(option, _)| !matches!(option.as_str(), "--help" | "--version")) {
        let tried = |words: &[&str]| {
            let typed = ["pip", "install", "nothing-here"].iter().chain(words).copied();
            pipward(typed).run()
        };
        // With a value or without: one of them is right usage.
        let value = match option.as_str() {
            "--keyring-provider" => "disabled",
            "--progress-bar" => "off",
            "--use-feature" => "fast-deps",
            "--use-deprecated" => "legacy-certs",
            "--exists-action" => "w",
            "--uploaded-prior-to" => "P3D",
            "--upgrade-strategy" => "eager",
            "--root-user-action" => "ignore",
            "--config-settings" => "x=y",
            "--retries" | "--resume-retries" | "--timeout" | "--python-version" => "3",
            _ => "x",
        };
        let alone = tried(&[option]);
        let told = if alone.code == Some(2) { tried(&[option, value]) } else { alone };
        assert_eq!(told.code, Some(1), "{option}: {}", told.told());
        assert!(
            ["same", "stricter", "taken", "refused"].contains(&verdict.as_str()),
            "{option}: {verdict} is no verdict"
        );
        let refused =
            told.stderr.contains("option-refused") || told.stderr.contains("requirement-unsupported");
        assert_eq!(refused, verdict == "refused", "{option} is {verdict}: {}", told.told());
    }
}
