//! The wheels of vendor-test-wheels/: built as their sources say, and installed.

use pipward::digest::Sha256;

use crate::support::pythons::{any_python, each_python};
use crate::support::run::{Output, Run, pipward, repository, scratch, vendored};
use crate::support::tree::{assert_same, tree};

#[test]
fn every_python_builds_the_same_wheels() {
    for python in each_python(&["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]) {
        Run::new(&python.executable).arg("-B").arg(vendored("build.py")).arg("--check").run().ok();
    }
}

#[test]
fn sums_are_those_of_the_wheels() {
    let sums = std::fs::read_to_string(vendored("SHA256SUMS")).unwrap();
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        assert_eq!(Sha256::of(&std::fs::read(vendored(name)).unwrap()).to_string(), sum, "{name}");
    }
    let wheels = std::fs::read_dir(repository().join("vendor-test-wheels")).unwrap();
    let wheels =
        wheels.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|e| e == "whl"));
    assert_eq!(wheels.count(), sums.lines().count());
}

/// Installs the demonstration lock into `environment` and returns what was said.
fn install(lock: &str, environment: &std::path::Path) -> Output {
    pipward(["install", "-r"])
        .arg(vendored(lock))
        .arg("--venv")
        .arg(environment)
        .arg("--python")
        .arg(any_python().executable)
        .run()
}

#[test]
fn the_lock_installs_and_works() {
    let scratch = scratch();
    let environment = scratch.path().join("env");
    install("pylock.toml", &environment).ok();
    let script = |name: &str| Run::new(environment.join("bin").join(name));
    assert_eq!(script("pipward-demo-hello").arg("german").run().ok().stdout, "Grüß Gott\n");
    script("pipward-demo-hello-gui").run().ok().stdout_has("Hello");
    script("pipward-demo-table").run().ok().stdout_has("greek    | Γειά σου\n");
    script("pipward-demo-shell").run().ok().stdout_has("from a shell script");
    for name in ["pipward-demo-which", "pipward-demo-whichw"] {
        script(name).run().ok().stdout_has(&environment.display().to_string());
    }
    let checks = r#"
import pathlib, sys
import pipward_demo_native, pipward_demo_pure, pipward_demo_platform, pipward_demo_tool
from pipward_demo_planets import earth, jupiter
assert (earth.KIND, jupiter.KIND) == ("rocky", "gaseous")
assert pipward_demo_tool.run() == "tool"
prefix = pathlib.Path(sys.prefix)
assert (prefix / "share/pipward-demo/planets.txt").read_text() == "earth\njupiter\n"
assert (prefix / "etc/pipward-demo.conf").is_file()
python = "python%d.%d" % sys.version_info[:2]
assert (prefix / "include/site" / python / "pipward-demo-data/pipward_demo.h").is_file()
try:
    import pipward_demo_console
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("a package whose marker is false was installed")
print(pipward_demo_native.WHEEL)
"#;
    let native = Run::new(environment.join("bin/python")).args(["-I", "-B", "-c", checks]).run().ok().stdout;
    let expected = if cfg!(all(target_arch = "x86_64", target_env = "gnu")) { "linux" } else { "any" };
    assert_eq!(native.trim(), expected);
    pipward(["verify"]).arg(&environment).arg("-r").arg(vendored("pylock.toml")).run().ok();
}

#[test]
fn lock_and_requirements_give_the_same_files() {
    let scratch = scratch();
    let environment = scratch.path().join("env");
    let mut trees = Vec::new();
    for lock in ["pylock.toml", "requirements.txt"] {
        install(lock, &environment).ok();
        let mut found = tree(&environment);
        // What was asked for by name is marked: every line of a requirements file, no entry of a lock.
        found.retain(|path, _| !path.ends_with("/REQUESTED") && !path.ends_with("/RECORD"));
        trees.push(found);
        std::fs::remove_dir_all(&environment).unwrap();
    }
    assert_same(&trees[0], &trees[1]);
}

#[test]
fn a_name_takes_its_locked_dependencies_along() {
    let scratch = scratch();
    let environment = scratch.path().join("env");
    pipward(["install", "pipward-demo-hello", "--lock"])
        .arg(vendored("pylock.toml"))
        .arg("--venv")
        .arg(&environment)
        .arg("--python")
        .arg(any_python().executable)
        .run()
        .ok();
    Run::new(environment.join("bin/pipward-demo-hello")).run().ok().stdout_has("Hello");
    let installed: Vec<_> =
        tree(&environment).into_keys().filter(|path| path.ends_with(".dist-info/METADATA")).collect();
    assert!(installed.iter().any(|path| path.contains("pipward_demo_words")), "{installed:?}");
    assert!(!installed.iter().any(|path| path.contains("pipward_demo_planets")), "{installed:?}");
}
