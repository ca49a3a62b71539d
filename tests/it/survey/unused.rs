//! What a project imports, against what its lock brings; and next to deptry.

mod parity;

use std::path::Path;

use pipward::error::Code;
use serde_json::Value;

use super::run;
use crate::support::pythons::any_python;
use crate::support::run::scratch;
use crate::support::server::Server;
use crate::support::world::{publish, wheel, write};

/// A lock of apple (imported as `pomme`), pear and plum; pear needs grape.
fn locked(directory: &Path) -> Server {
    let server = Server::start();
    let index = publish(
        &server,
        vec![
            wheel("apple", "1").file("pomme/__init__.py", ""),
            wheel("pear", "1").requires("grape"),
            wheel("plum", "1").header("Import-Name", "prune"),
            wheel("grape", "1"),
        ],
    );
    run(directory, &["lock", "-i", &index, "apple", "pear", "plum"]).ok();
    server
}

fn project(directory: &Path) {
    for folder in ["app", "src/deep", "tests", ".hidden", "acme/tools", "env/lib/yaml"] {
        std::fs::create_dir_all(directory.join(folder)).unwrap();
    }
    write(
        directory,
        "app/__init__.py",
        "import os, app.sub, deep, acme.tools.one\nfrom . import sub\nimport pomme.core\n",
    );
    // A namespace of its own (PEP 420), and an environment, which is not its own.
    write(directory, "acme/tools/one.py", "");
    write(directory, "env/pyvenv.cfg", "");
    write(directory, "app/sub.py", "try:\n    import grape\nexcept ImportError:\n    import yaml.safe\n");
    write(directory, "src/deep/one.py", "import yaml\n");
    write(directory, "tests/test_app.py", "import pytest\n");
    write(directory, ".hidden/x.py", "import hidden\n");
    write(
        directory,
        "notes.ipynb",
        r#"{"cells": [{"cell_type": "code", "source": ["%load_ext x\n", "import pear\n"]}], "nbformat": 4}"#,
    );
}

#[test]
fn unused_missing_and_transitive_ones_are_told() {
    let scratch = scratch();
    let directory = scratch.path();
    let _server = locked(directory);
    project(directory);
    let told = run(directory, &["unused"]).refused(Code::ImportMissing);
    told.stderr_has("yaml: ")
        .stderr_has("app/sub.py:4")
        .stderr_has("imported at 2 places")
        .stderr_has(&format!("error[{}]: grape", Code::ImportTransitive))
        .stderr_has("app/sub.py:2")
        .stderr_has(&format!("error[{}]: plum", Code::DependencyUnused))
        .stdout_has("1 missing, 1 transitive only; 1 distribution unused");
    let document: Value =
        serde_json::from_str(&run(directory, &["unused", "--json"]).code(1).stdout).unwrap();
    assert_eq!(document["unused"], serde_json::json!(["plum"]));
    assert_eq!(document["missing"][0]["places"][1]["file"], "src/deep/one.py");
    assert_eq!(document["transitive"][0]["distributions"], serde_json::json!(["grape"]));
    run(directory, &["unused", "--ignore", "yaml,grape", "--ignore", "Plum"]).ok();
    run(directory, &["unused", "--exclude", "app", "--exclude", ".*"]).code(1).stderr_has("pytest");
    run(directory, &["unused", "nowhere"]).refused(Code::Usage);
}

#[test]
fn what_a_project_says_of_its_import_names_counts() {
    let scratch = scratch();
    let directory = scratch.path();
    let _server = locked(directory);
    write(directory, "app.py", "import prune, pomme, pear\n");
    run(directory, &["unused"]).ok().stdout_has("0 missing, 0 transitive only; 0 distributions unused");
    // plum.py is in its wheel; its METADATA says that it is not to be imported by that (PEP 794).
    write(directory, "app.py", "import plum, pomme, pear\n");
    run(directory, &["unused"])
        .code(1)
        .stderr_has("error[dependency-unused]: plum")
        .stderr_has("import-missing");
}

#[test]
fn an_environment_may_tell_in_place_of_the_wheels() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = locked(directory);
    project(directory);
    let python = any_python().executable.display().to_string();
    run(directory, &["install", "-r", "pylock.toml", "--venv", ".venv", "--python", &python]).ok();
    let of_wheels = run(directory, &["unused", "--json"]).code(1).stdout;
    let asked = server.requests().len();
    assert_eq!(run(directory, &["unused", "--env", ".venv", "--json"]).code(1).stdout, of_wheels);
    assert_eq!(run(directory, &["unused", "--offline", "--json"]).code(1).stdout, of_wheels);
    assert_eq!(server.requests().len(), asked, "what was fetched is kept");
}

#[test]
fn what_is_no_python_is_told_and_passed_over() {
    let scratch = scratch();
    let directory = scratch.path();
    let _server = locked(directory);
    write(directory, "app.py", "import pear, pomme, prune\n");
    write(directory, "deep.py", &format!("import zest\nx = {}1\n", "-".repeat(200_000)));
    write(directory, "long.py", &"x".repeat(2 << 20));
    write(directory, "old.py", "import yaml\nprint 'no'\nexec 'x' in y\n");
    write(directory, "x.ipynb", "{");
    std::fs::write(directory.join("latin.py"), b"# -*- coding: latin-1 -*-\n# \xe9\nimport pear\n").unwrap();
    std::os::unix::fs::symlink("/", directory.join("loop")).unwrap();
    let told = run(directory, &["unused"]).code(1);
    told.stderr_has("not read as Python: long.py, x.ipynb").stderr_has("old.py:1").stderr_has("deep.py:1");
}
