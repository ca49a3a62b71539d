//! `diff --deep`: what an install would refuse is told first, by the rules of an install.

use std::path::Path;

use super::diff;
use crate::support::pythons::any_python;
use crate::support::run::{Output, scratch};
use crate::support::server::Server;
use crate::support::wheels::WheelBuilder;
use crate::support::world::{lock, publish, wheel, write};

/// Compares a lock of plum 1 and fig 1 with one of fig 2 and this plum 2, deeply.
fn deep(directory: &Path, plum: WheelBuilder, more: &[&str]) -> Output {
    let server = Server::start();
    let calm = |version: &str| wheel("plum", version).file("plum/__init__.py", "");
    let index = publish(&server, vec![calm("1"), wheel("fig", "1")]);
    lock(directory, &index, &["plum", "fig"]).ok();
    std::fs::rename(directory.join("pylock.toml"), directory.join("old.toml")).unwrap();
    let index = publish(&server, vec![plum, wheel("fig", "2")]);
    lock(directory, &index, &["plum", "fig"]).ok();
    let python = any_python().executable.display().to_string();
    let mut arguments = vec!["old.toml", "pylock.toml", "--deep", "--python", &python];
    arguments.extend(more);
    diff(directory, &arguments)
}

fn new_plum() -> WheelBuilder {
    wheel("plum", "2").file("plum/__init__.py", "")
}

/// A compiled file that Python runs without a look at its source (PEP 552).
fn unchecked() -> Vec<u8> {
    [&b"\xa7\r\r\n\x01\0\0\0"[..], &[7; 8], b"code"].concat()
}

#[test]
fn what_an_install_refuses_is_told_first() {
    let version = any_python().version;
    let own = format!("lib/python{}", version.split('.').take(2).collect::<Vec<_>>().join("."));
    let script = |name: &str| new_plum().entry_points(&format!("[console_scripts]\n{name} = plum:main\n"));
    let cases = [
        ("startup-code", "BETA.PTH", new_plum().file("BETA.PTH", "import os\n")),
        (
            "startup-code",
            "plum/__pycache__/__init__.cpython-311.pyc",
            new_plum().file("plum/__pycache__/__init__.cpython-311.pyc", unchecked()),
        ),
        (
            "startup-code",
            "__pycache__/sitecustomize.cpython-311.pyc",
            new_plum().file("__pycache__/sitecustomize.cpython-311.pyc", unchecked()),
        ),
        ("startup-code", "Sitecustomize.py", new_plum().file("Sitecustomize.py", "import os\n")),
        ("startup-code", "a.Start", new_plum().file("a.Start", "plum:main\n")),
        (
            "startup-code",
            "plum/more/usercustomize.py",
            new_plum().file("plum.pth", "plum/more\n").file("plum/more/usercustomize.py", ""),
        ),
        ("environment-owned", "bin/python", script("python")),
        ("environment-owned", "bin/activate", script("activate")),
        ("environment-owned", "pyvenv.cfg", new_plum().data("data", "PyVenv.cfg", "home = /x\n")),
        ("environment-owned", "os.py", new_plum().data("data", &format!("{own}/os.py"), "import evil\n")),
        (
            "scheme-crossing",
            "x.pth",
            new_plum().data("data", &format!("{own}/site-packages/x.pth"), "import os\n"),
        ),
        (
            "scheme-crossing",
            "x.pth",
            new_plum().data("data", "lib/python2.7/site-packages/x.pth", "import os\n"),
        ),
    ];
    for (code, file, plum) in cases {
        let scratch = scratch();
        let told = deep(scratch.path(), plum, &[]).code(1).stderr_has(code);
        let lines: Vec<&str> = told.stdout.lines().collect();
        assert_eq!(lines[0], "~ plum 1 -> 2 (up)", "{}", told.told());
        assert!(
            lines[1].starts_with(&format!("    ALARM: it would be refused: {code}: ")),
            "{}",
            told.told()
        );
        assert!(lines[1].to_lowercase().contains(&file.to_lowercase()), "{file}: {}", told.told());
        let told = told.stdout_has("There is an alarm");
        if code == "startup-code" {
            told.stdout_has(&format!("ALARM: new start-up code: {file} (sha256:"));
        }
    }
}

#[test]
fn what_the_configuration_allows_is_no_refusal_and_still_new() {
    let scratch = scratch();
    let exception = "[[policy.exception]]\ncode = \"startup-code\"\npackage = \"plum\"\nreason = \"read\"\n";
    write(scratch.path(), "pipward.toml", exception);
    let plum = new_plum().file("plum/__pycache__/__init__.cpython-311.pyc", unchecked());
    let told = deep(scratch.path(), plum, &["--format", "markdown"]).code(1);
    assert!(!told.stdout.contains("would be refused"), "{}", told.told());
    told.stdout_has("**ALARM** new start-up code: plum/\\_\\_pycache\\_\\_/");
}

#[test]
fn what_two_new_releases_bring_together_is_told() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = Server::start();
    let index = publish(&server, vec![wheel("plum", "1"), wheel("fig", "1")]);
    lock(directory, &index, &["plum", "fig"]).ok();
    std::fs::rename(directory.join("pylock.toml"), directory.join("old.toml")).unwrap();
    let plum = new_plum().file("plum.pth", "plum/more\n").file("plum/more/a.py", "");
    let fig = wheel("fig", "2").file("plum/more/sitecustomize.py", "");
    let index = publish(&server, vec![plum, fig]);
    lock(directory, &index, &["plum", "fig"]).ok();
    let python = any_python().executable.display().to_string();
    let told = diff(directory, &["old.toml", "pylock.toml", "--deep", "--python", &python]).code(1);
    let count = told.stdout.matches("ALARM: it would be refused: startup-code").count();
    assert_eq!(count, 2, "{}", told.told());
}

#[test]
fn what_starts_processes_is_told_by_any_name() {
    let scratch = scratch();
    let plum = new_plum()
        .file("plum/a.py", "import os as o\no.execvp('sh', [])\n")
        .file("plum/b.py", "from os import *\nspawnl(0, 'sh')\n")
        .file("plum/c.py", "import asyncio\nasyncio.create_subprocess_shell('x')\nimport _posixsubprocess\n")
        .file("plum/big.py", "#".repeat((4 << 20) + 1))
        .data_script("run", "#!python\nimport _socket\nimport os\nos.system('x')\n")
        .data_script("plain", "#!/bin/sh\nimport telnetlib\n");
    let told = deep(scratch.path(), plum, &[]).ok();
    for line in [
        "new process-starting import: os.exec*",
        "new process-starting import: os.spawn*",
        "new process-starting import: asyncio.create_subprocess_*",
        "new process-starting import: _posixsubprocess",
        "new process-starting import: os.system",
        "new network import: _socket",
        "new code that was not looked through: plum/big.py (too large to be read)",
    ] {
        assert!(told.stdout.contains(line), "{line}: {}", told.told());
    }
    assert!(!told.stdout.contains("telnetlib"), "{}", told.told());
}
