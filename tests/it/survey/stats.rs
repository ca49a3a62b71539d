//! What is counted, and which licences are allowed.

use std::path::Path;

use pipward::error::Code;
use serde_json::Value;

use super::run;
use crate::support::pythons::any_python;
use crate::support::run::scratch;
use crate::support::server::Server;
use crate::support::world::{publish, wheel, write};

/// A lock of names with licences, each of them asked for but the last.
fn locked(directory: &Path) -> Server {
    let server = Server::start();
    let index = publish(
        &server,
        vec![
            wheel("apple", "1").header("License-Expression", "MIT OR GPL-3.0-only").requires("grape"),
            wheel("pear", "1").header("License-Expression", "GPL-2.0-or-later WITH GCC-exception-2.0"),
            wheel("plum", "1").header("License", "BSD").file("plum/_fast.abi3.so", "\u{7f}ELF"),
            wheel("grape", "1").header("Classifier", "License :: OSI Approved :: MIT License"),
        ],
    );
    run(directory, &["lock", "-i", &index, "apple", "pear", "plum"]).ok();
    server
}

#[test]
fn a_lock_is_counted() {
    let scratch = scratch();
    let directory = scratch.path();
    let _server = locked(directory);
    let told = run(directory, &["stats"]).ok();
    told.stdout_has("4 distributions in pylock.toml: 3 asked for, 1 besides.")
        .stdout_has("4 wheels, ")
        .stdout_has("MIT OR GPL-3.0-only")
        .stdout_has("not an SPDX expression: BSD");
    let document =
        |words: &[&str]| -> Value { serde_json::from_str(&run(directory, words).ok().stdout).unwrap() };
    let shallow = document(&["stats", "--json"]);
    assert_eq!((&shallow["files"], &shallow["direct"]), (&Value::Null, &3.into()));
    let deep = document(&["stats", "--deep", "--json"]);
    assert_eq!((&deep["native"], &deep["files"]), (&1.into(), &17.into()));
    assert_eq!(deep["packages"][1]["license"], "MIT");
}

#[test]
fn an_environment_is_counted() {
    let scratch = scratch();
    let directory = scratch.path();
    let _server = locked(directory);
    let python = any_python().executable.display().to_string();
    run(directory, &["install", "-r", "pylock.toml", "--venv", ".venv", "--python", &python]).ok();
    let told = run(directory, &["stats", ".venv"]).ok();
    told.stdout_has("4 distributions in")
        .stdout_has("1 of them machine code")
        .stdout_has("MIT OR GPL-3.0-only");
    run(directory, &["stats", ".venv", "--deep"]).code(2);
}

#[test]
fn licences_that_are_not_allowed_are_findings() {
    let scratch = scratch();
    let directory = scratch.path();
    let _server = locked(directory);
    let configure = |text: &str| write(directory, "pipward.toml", text);
    configure("[policy.licenses]\ndeny = [\"GPL-*\"]\n");
    // A licence may be chosen for apple; pear has none but a denied one; of plum nobody knows.
    let told = run(directory, &["stats"]).refused(Code::LicenseDenied);
    assert!(!told.stderr.contains("apple") && told.stderr.contains("pear"), "{}", told.told());
    told.stderr_has("warning:").stderr_has("plum");
    configure("[policy.licenses]\nallow = [\"mit\", \"GPL-2.0-or-later WITH GCC-exception-2.0\"]\n");
    let told = run(directory, &["stats"]).refused(Code::LicenseUnknown);
    assert!(!told.stderr.contains("pear") && told.stderr.contains("plum"), "{}", told.told());
    let document: Value = serde_json::from_str(&run(directory, &["stats", "--json"]).code(1).stdout).unwrap();
    assert_eq!((&document["problems"][0]["code"], &document["exit"]), (&"license-unknown".into(), &1.into()));
    configure(
        "[policy.licenses]\nallow = [\"MIT\", \"GPL-*\"]\n[[policy.exception]]\ncode = \"license-unknown\"\n\
         package = \"plum\"\nreason = \"BSD-3-Clause, says its LICENSE file\"\n",
    );
    run(directory, &["stats"]).ok();
    configure("[policy]\nlicense-unknown = \"warn\"\n[policy.licenses]\nallow = [\"MIT\", \"GPL-*\"]\n");
    run(directory, &["stats"]).ok().stderr_has("warning:");
}

#[test]
fn an_install_heeds_them_too() {
    let scratch = scratch();
    let directory = scratch.path();
    let _server = locked(directory);
    write(directory, "pipward.toml", "[policy.licenses]\ndeny = [\"GPL-*\"]\n");
    let python = any_python().executable.display().to_string();
    let words = ["install", "-r", "pylock.toml", "--venv", ".venv", "--python", &python];
    run(directory, &words).refused(Code::LicenseDenied).stderr_has("pear");
    assert!(!directory.join(".venv").exists());
    write(directory, "pipward.toml", "[policy.licenses]\ndeny = [\"AGPL-*\"]\n");
    run(directory, &words).ok().stderr_has("plum");
}

#[test]
fn what_means_no_licence_is_told() {
    let scratch = scratch();
    let directory = scratch.path();
    let _server = locked(directory);
    for list in [
        "deny = [\"GLP-3.0\"]",
        "allow = [\"BSD\"]",
        "allow = \"MIT\"",
        "forbid = [\"MIT\"]",
        "allow = [\"[\"]",
    ] {
        write(directory, "pipward.toml", &format!("[policy.licenses]\n{list}\n"));
        run(directory, &["stats"]).refused(Code::ConfigInvalid);
    }
}
