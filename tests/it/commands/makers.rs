//! Environments that other tools made, Pythons that others look after, and targets that are only described.

use std::path::{Path, PathBuf};

use super::environments::Ground;
use super::{Place, simple};
use crate::support::offline;
use crate::support::peers::{Peers, peers};
use crate::support::pythons::{Python, any_python};
use crate::support::run::{Run, pipward};
use crate::support::tree::{assert_same, tree};

/// virtualenv, installed by pipward.
fn virtualenv(environment: &Path, options: &[&str]) {
    let tool = Peers::made("virtualenv.txt", any_python());
    let made = Run::new(tool.program("virtualenv")).args(options).arg("--python");
    made.arg(any_python().executable).arg(environment).run().ok();
}

#[test]
fn an_environment_of_virtualenv() {
    if offline() {
        return;
    }
    let ground = Ground::at("env");
    virtualenv(&ground.environment, &["--no-seed"]);
    ground.works();
    let ground = Ground::at("with an ä");
    virtualenv(&ground.environment, &["--no-seed", "--system-site-packages", "--copies"]);
    ground.works();
}

/// Where pip is in the environment, a shim takes its place, and pip can be taken out.
#[test]
fn an_environment_of_virtualenv_with_pip_in_it() {
    if offline() {
        return;
    }
    let ground = Ground::at("env");
    virtualenv(&ground.environment, &[]);
    pipward(["shim", "--force"]).arg(&ground.environment).run().ok();
    let pip = ground.environment.join("bin/pip");
    let run = |words: &[&str]| Run::new(&pip).args(words).dir(ground.scratch.path()).run();
    run(&["install", "--no-index", "--find-links", "wheels", "-r", "lock.txt"])
        .ok()
        .stdout_has("Successfully installed alpha-1 beta-1");
    let listed = run(&["list", "--format", "freeze"]).ok().stdout;
    assert!(listed.contains("alpha==1\n") && listed.contains("pip=="), "{listed}");
    run(&["check"]).ok();
    run(&["sync", "--no-index", "--find-links", "wheels", "-r", "lock.txt"]).ok();
    assert_eq!(run(&["list", "--format", "freeze"]).ok().stdout, "alpha==1\nbeta==1\n");
}

#[test]
fn an_environment_of_uv_that_sees_the_system() {
    if offline() {
        return;
    }
    let ground = Ground::at("env");
    let made = peers().uv(["venv", "--offline", "--system-site-packages", "--python"]);
    made.arg(any_python().executable).arg(&ground.environment).run().ok();
    ground.works();
}

/// A prefix as Homebrew lays it out: the interpreter in a cellar, reached through links, and its site-packages a link to
/// one that outlives it.
fn brewed(prefix: &Path, python: &Python) -> PathBuf {
    let version = format!("python{}", python.version);
    let base = python.executable.canonicalize().unwrap();
    let lib = base.parent().unwrap().parent().unwrap().join("lib");
    let cellar = prefix.join(format!("Cellar/python@{0}/{0}.7", python.version));
    std::fs::create_dir_all(cellar.join("bin")).unwrap();
    std::fs::create_dir_all(cellar.join("lib").join(&version)).unwrap();
    std::fs::create_dir_all(prefix.join("bin")).unwrap();
    std::fs::create_dir_all(prefix.join("lib").join(&version).join("site-packages")).unwrap();
    std::fs::copy(&base, cellar.join("bin").join(&version)).unwrap();
    for entry in std::fs::read_dir(lib.join(&version)).unwrap().map(|entry| entry.unwrap()) {
        if entry.file_name() != "site-packages" {
            let link = cellar.join("lib").join(&version).join(entry.file_name());
            std::os::unix::fs::symlink(entry.path(), link).unwrap();
        }
    }
    for entry in std::fs::read_dir(&lib).unwrap().map(|entry| entry.unwrap()) {
        if entry.file_name().to_string_lossy().starts_with("libpython") {
            std::os::unix::fs::symlink(entry.path(), cellar.join("lib").join(entry.file_name())).unwrap();
        }
    }
    let link = |target: PathBuf, at: PathBuf| std::os::unix::fs::symlink(target, at).unwrap();
    let shared = format!("../../../../../lib/{version}/site-packages");
    link(shared.into(), cellar.join("lib").join(&version).join("site-packages"));
    let start = prefix.join("bin/python3");
    link(format!("../Cellar/python@{0}/{0}.7/bin/{version}", python.version).into(), start.clone());
    start
}

#[test]
fn a_prefix_like_homebrews() {
    let ground = Ground::at("unused");
    let python = any_python();
    let prefix = ground.scratch.path().join("opt/homebrew");
    let start = brewed(&prefix, &python);
    let run = |words: &[&str]| {
        pipward(["pip", "--python"]).arg(&start).args(words).dir(ground.scratch.path()).run()
    };
    let install = ["install", "--no-index", "--find-links", "wheels", "-r", "lock.txt"];
    let before = tree(&prefix);
    run(&install).ok().stdout_has("Successfully installed alpha-1 beta-1");
    let library = prefix.join(format!("lib/python{}/site-packages", python.version));
    assert!(library.join("alpha/__init__.py").is_file());
    assert_eq!(run(&["list", "--format", "freeze"]).ok().stdout, "alpha==1\nbeta==1\n");
    Run::new(&start).args(["-I", "-B", "-c", "import alpha, beta"]).run().ok();
    run(&install).ok().stdout_has("Requirement already satisfied: alpha");
    run(&["uninstall", "-y", "alpha", "beta"]).ok();
    assert_same(&before, &tree(&prefix));
    // Homebrew marks its Python (PEP 668); environments made from it are one's own.
    let stdlib = prefix.join(format!("Cellar/python@{0}/{0}.7/lib/python{0}", python.version));
    std::fs::write(
        stdlib.join("EXTERNALLY-MANAGED"),
        "[externally-managed]\nError=To install Python packages system-wide, try brew install\n xyz\n",
    )
    .unwrap();
    let told = run(&install).code(1).stderr_has("externally-managed-environment").stderr_has("brew install");
    told.stderr_has("--break-system-packages");
    assert!(!library.join("alpha").exists());
    let forced = [&install[..], &["--break-system-packages"]].concat();
    run(&forced).ok();
    run(&["uninstall", "-y", "alpha", "beta"]).code(1).stderr_has("externally");
    let environment = ground.scratch.path().join("env");
    Run::new(&start).args(["-I", "-m", "venv", "--without-pip"]).arg(&environment).run().ok();
    let own = pipward(["pip", "--python"]).arg(&environment).args(install).dir(ground.scratch.path()).run();
    own.ok().stdout_has("Successfully installed alpha-1 beta-1");
}

/// Builds of Python that are not here: `--platform`, `--python-version`, `--abi` say what they are.
#[test]
fn free_threaded_and_debug_builds_are_described() {
    let place = Place::with(&[]);
    let built =
        |tag: &str| simple("alpha", "1").tag(tag).file("alpha/tag.txt", tag.split('-').nth(1).unwrap());
    let tags = [
        "cp313-cp313t-manylinux_2_17_x86_64",
        "cp313-cp313-manylinux_2_17_x86_64",
        "cp38-cp38d-manylinux_2_17_x86_64",
        "cp313-cp313td-manylinux_2_17_x86_64",
    ];
    let lines: Vec<String> = tags.iter().map(|tag| place.offer(&[built(tag)])).collect();
    let hashes: Vec<&str> = lines.iter().map(|line| line.trim().split(' ').nth(1).unwrap()).collect();
    std::fs::write(place.path("lock.txt"), format!("alpha==1 {}\n", hashes.join(" "))).unwrap();
    let run = |version: &str, abi: &str, target: &str| {
        place
            .ours(&["install", "--no-index", "-f", "wheels", "-r", "lock.txt", "--only-binary", ":all:"])
            .args(["--implementation", "cp", "--platform", "manylinux_2_17_x86_64"])
            .args(["--python-version", version, "--abi", abi, "--target", target])
            .run()
    };
    for (version, abi) in [("3.13", "cp313t"), ("3.13", "cp313"), ("3.8", "cp38d"), ("3.13", "cp313td")] {
        let told = run(version, abi, abi).ok();
        let installed = std::fs::read_to_string(place.path(abi).join("alpha/tag.txt")).unwrap();
        assert_eq!(installed, abi, "{}", told.told());
    }
    // No wheel of another ABI is taken instead.
    run("3.14", "cp314t", "none").code(1).stderr_has("alpha");
    assert!(!place.path("none").exists());
}

/// The scripts of an environment are started from wherever it is.
#[test]
fn scripts_start_whatever_the_path() {
    let deep = format!("{}/{} ü/env", "d".repeat(100), "e".repeat(100));
    for name in ["an env", "umgebung-ä-日本", &deep] {
        let ground = Ground::at(name);
        Run::new(any_python().executable)
            .args(["-I", "-m", "venv", "--without-pip"])
            .arg(&ground.environment)
            .run()
            .ok();
        let main = simple("gamma", "1")
            .file("gamma/main.py", "import sys\ndef main():\n    print('at', sys.prefix)\n")
            .entry_points("[console_scripts]\ngamma = gamma.main:main\n");
        let (file, bytes) = main.build();
        let lock = format!("gamma==1 --hash=sha256:{}\n", pipward::digest::Sha256::of(&bytes));
        std::fs::write(ground.scratch.path().join("wheels").join(file), bytes).unwrap();
        std::fs::write(ground.scratch.path().join("lock.txt"), lock).unwrap();
        ground.sync().ok();
        let told = Run::new(ground.environment.join("bin/gamma")).run().ok();
        assert_eq!(told.stdout, format!("at {}\n", ground.environment.display()));
    }
}
