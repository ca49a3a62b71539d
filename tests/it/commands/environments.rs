//! `list`, `uninstall` and `sync` in environments of every make.

use std::path::{Path, PathBuf};

use super::{Place, simple};
use crate::support::peers::peers;
use crate::support::pythons::{any_python, each_python};
use crate::support::run::{Output, Run, pipward, scratch};
use crate::support::tree::{assert_same, tree};
use crate::support::wheels::WheelBuilder;
use crate::support::{loudly, offline};

/// A folder with wheels, a lock of two of them, and a place for an environment.
pub(super) struct Ground {
    pub(super) scratch: tempfile::TempDir,
    pub(super) environment: PathBuf,
}

impl Ground {
    pub(super) fn at(name: &str) -> Self {
        let scratch = scratch();
        let environment = scratch.path().join(name);
        std::fs::create_dir_all(scratch.path().join("wheels")).unwrap();
        let mut lock = String::new();
        let alpha = simple("alpha", "1").entry_points("[console_scripts]\nalpha = alpha:main\n");
        for wheel in [alpha, simple("beta", "1").data("data", "share/beta.txt", "x")] {
            let (file, bytes) = wheel.build();
            std::fs::write(scratch.path().join("wheels").join(&file), &bytes).unwrap();
            let name = file.split('-').next().unwrap();
            lock.push_str(&format!("{name}==1 --hash=sha256:{}\n", pipward::digest::Sha256::of(&bytes)));
        }
        std::fs::write(scratch.path().join("lock.txt"), lock).unwrap();
        Self { scratch, environment }
    }

    pub(super) fn run(&self, words: &[&str]) -> Output {
        pipward(["pip", "--python"]).arg(&self.environment).args(words).dir(self.scratch.path()).run()
    }

    pub(super) fn sync(&self) -> Output {
        self.run(&["sync", "--no-index", "--find-links", "wheels", "-r", "lock.txt"])
    }

    /// Sync, list, uninstall and sync again.
    #[track_caller]
    pub(super) fn works(&self) {
        let told = self.sync().ok();
        assert!(told.stdout.contains("alpha-1 beta-1"), "{}", told.told());
        let synced = tree(&self.environment);
        let listed = self.run(&["list", "--local", "--format", "freeze"]).ok();
        assert_eq!(listed.stdout, "alpha==1\nbeta==1\n");
        self.run(&["check"]).ok().stdout_has("No broken requirements found.");
        self.run(&["uninstall", "-y", "beta"]).ok().stdout_has("Successfully uninstalled beta-1");
        self.sync().ok().stdout_has("Successfully installed beta-1");
        assert_same(&synced, &tree(&self.environment));
        let ran =
            Run::new(self.environment.join("bin/python")).args(["-I", "-c", "import alpha, beta"]).run();
        ran.ok();
    }
}

fn venv(python: &Path, environment: &Path, options: &[&str]) {
    Run::new(python).args(["-I", "-m", "venv", "--without-pip"]).args(options).arg(environment).run().ok();
}

#[test]
fn every_python_that_is_here() {
    for python in each_python(&["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"]) {
        let ground = Ground::at("env");
        venv(&python.executable, &ground.environment, &[]);
        ground.works();
    }
}

#[test]
fn an_environment_that_sees_the_system() {
    let ground = Ground::at("env");
    venv(&any_python().executable, &ground.environment, &["--system-site-packages"]);
    ground.works();
    // What the system has is neither local nor taken out.
    let all = ground.run(&["list", "--format", "freeze"]).ok().stdout;
    if let Some(other) = all.lines().find(|line| !line.starts_with("alpha=") && !line.starts_with("beta=")) {
        let name = other.split("==").next().unwrap();
        ground.run(&["uninstall", "-y", name]).ok().stdout_has("outside environment");
    }
}

#[test]
fn paths_with_spaces_and_letters_of_every_kind() {
    for name in ["an env", "umgebung-ä-日本", "q'uote"] {
        let ground = Ground::at(name);
        venv(&any_python().executable, &ground.environment, &[]);
        ground.works();
        Run::new(ground.environment.join("bin/alpha")).run();
    }
}

/// The first line of a script cannot be longer than the kernel reads.
#[test]
fn a_very_long_path() {
    let ground = Ground::at(&format!("{}/{}", "d".repeat(120), "e".repeat(120)));
    venv(&any_python().executable, &ground.environment, &[]);
    ground.works();
    let script = std::fs::read_to_string(ground.environment.join("bin/alpha")).unwrap();
    assert!(script.starts_with("#!/bin/sh\n"), "{script}");
}

#[test]
fn a_site_packages_that_is_a_link() {
    let ground = Ground::at("env");
    let python = any_python();
    venv(&python.executable, &ground.environment, &[]);
    let library = ground.environment.join(format!("lib/python{}/site-packages", python.version));
    let moved = ground.environment.join("modules");
    std::fs::rename(&library, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &library).unwrap();
    ground.works();
    assert!(library.is_symlink() && moved.join("alpha/__init__.py").is_file());
}

#[test]
fn an_environment_that_is_reached_through_a_link() {
    let ground = Ground::at("env");
    venv(&any_python().executable, &ground.scratch.path().join("real"), &[]);
    std::os::unix::fs::symlink("real", &ground.environment).unwrap();
    ground.works();
}

#[test]
fn environments_of_other_makers() {
    let ground = Ground::at("env");
    let made = pipward([
        "sync",
        "--no-index",
        "--find-links",
        "wheels",
        "-r",
        "lock.txt",
        "--venv",
        "env",
        "--python",
    ]);
    made.arg(any_python().executable).dir(ground.scratch.path()).run().ok();
    ground.run(&["uninstall", "-y", "alpha", "beta"]).ok();
    ground.works();
    if offline() {
        return; // uv comes from PyPI
    }
    let ground = Ground::at("env");
    let made = peers().uv(["venv", "--offline", "--python"]).arg(any_python().executable);
    made.arg(&ground.environment).run().ok();
    ground.works();
}

/// PEP 668: Debian's own Python is not touched, and can be looked at.
#[test]
fn the_python_of_the_system() {
    let system = Path::new("/usr/bin/python3");
    let managed = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().any(|entry| {
        entry.file_name().to_string_lossy().starts_with("python3.")
            && entry.path().join("EXTERNALLY-MANAGED").is_file()
    });
    if !system.is_file() || !managed {
        loudly("SKIPPED: no Python here that a system's package manager looks after");
        return;
    }
    let run = |words: &[&str]| pipward(["pip", "--python", "/usr/bin/python3"]).args(words).run();
    run(&["list"]).ok();
    let listed = run(&["list", "--format", "freeze"]).ok().stdout;
    let name = listed.lines().next().map_or("pip", |line| line.split("==").next().unwrap());
    run(&["uninstall", "-y", name]).code(1).stderr_has("externally managed");
    // What the package manager installed is not taken out by force either.
    let before = run(&["freeze", "--all"]).ok().stdout;
    run(&["uninstall", "-y", "--break-system-packages", "nothing-of-this-name"]).ok();
    assert_eq!(before, run(&["freeze", "--all"]).ok().stdout);
}

/// What the environment itself has counts for `--user` where it is the locked wheel to the byte, and stands in the way where
/// it is not: its directory comes first.
#[test]
fn what_stands_beneath_the_users_directory_is_compared_too() {
    let wheel = || simple("plum", "1").file("plum/mod.py", "x = 1\n");
    let place = Place::with(&[wheel()]);
    let settings = place.environment().join("pyvenv.cfg");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(
        &settings,
        text.replace("include-system-site-packages = false", "include-system-site-packages = true"),
    )
    .unwrap();
    let user = |wheel: WheelBuilder| {
        std::fs::write(place.path("user.txt"), place.offer(&[wheel])).unwrap();
        let words =
            ["install", "--user", "--no-deps", "--no-index", "--find-links", "wheels", "-r", "user.txt"];
        place.ours(&words).env("HOME", place.path("home")).env("PIPWARD_CACHE_DIR", place.path("cache")).run()
    };
    user(wheel()).ok().stdout_has("Requirement already satisfied: plum==1");
    assert!(!place.path("home").exists());
    user(simple("pear", "1")).ok().stdout_has("Successfully installed pear-1");
    user(simple("plum", "1").file("plum/mod.py", "x = 2\n")).code(1).stderr_has("lack sys.path precedence");
    std::fs::write(place.library().join("plum/mod.py"), "x = 3\n").unwrap();
    user(wheel()).code(1).stderr_has("lack sys.path precedence");
}
