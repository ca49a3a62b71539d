//! The files that pipward installs equal those that pip installs: path by path, byte by byte, mode by mode.
//!
//! Both install into one path, one after the other, because scripts and RECORD name it. What may differ:
//! INSTALLER, the line of RECORD about it, and byte-code, which pip is told not to make.

use std::path::Path;

use crate::support::peers::pip_on;
use crate::support::pythons::{Python, each_python};
use crate::support::run::{Run, pipward, repository, scratch, vendored};
use crate::support::tree::{Node, Tree, differences, tree};
use crate::support::{loudly, offline};

#[test]
fn real_distributions_are_installed_as_pip_installs_them() {
    if offline() {
        return;
    }
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))) {
        loudly("SKIPPED: the distributions of the parity test are locked for linux x86_64");
        return;
    }
    for python in each_python(&["3.13"]) {
        let count = check(&python, &repository().join("tests/data/parity-requirements.txt"));
        assert!(count >= 40, "only {count} distributions were compared");
    }
}

#[test]
fn the_demonstration_wheels_are_installed_as_pip_installs_them() {
    if offline() {
        return; // pip itself comes from PyPI
    }
    for python in each_python(&["3.13"]) {
        check(&python, &vendored("requirements.txt"));
    }
}

/// Installs `lock` with both, compares, and returns the number of distributions.
fn check(python: &Python, lock: &Path) -> usize {
    let scratch = scratch();
    let environment = scratch.path().join("env");
    let bare = || {
        let venv = Run::new(&python.executable).args(["-I", "-m", "venv", "--without-pip"]);
        venv.arg(&environment).run().ok();
    };
    bare();
    let options = ["install", "--no-deps", "--no-compile", "--require-hashes", "-r"];
    pip_on(&environment, python, options).unwrap().arg(lock).run().ok();
    let by_pip = comparable(tree(&environment));
    std::fs::remove_dir_all(&environment).unwrap();
    bare();
    pipward(["install", "--no-deps", "-r"])
        .arg(lock)
        .arg("--venv")
        .arg(&environment)
        .shared_cache()
        .run()
        .ok();
    let ours = comparable(tree(&environment));
    let told = differences(&by_pip, &ours);
    assert!(told.is_empty(), "{} differences from pip (left):\n{}", told.len(), told.join("\n"));
    by_pip.keys().filter(|path| path.ends_with(".dist-info/METADATA")).count()
}

/// Takes out what may differ.
fn comparable(mut found: Tree) -> Tree {
    found.retain(|path, _| !path.ends_with(".dist-info/INSTALLER"));
    for (path, node) in &mut found {
        let Node::File { content, .. } = node else { continue };
        if path.ends_with(".dist-info/RECORD") {
            let text = String::from_utf8(std::mem::take(content)).unwrap();
            let lines = text.split_inclusive('\n');
            let kept: String = lines.filter(|line| !line.contains(".dist-info/INSTALLER,")).collect();
            *content = kept.into_bytes();
        }
    }
    found
}
