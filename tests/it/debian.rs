//! Debian's own Pythons, in a root made of their packages alone: CPython, which is externally managed, and PyPy.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::debian::{PYTHON, Root};
use crate::support::peers::peers;
use crate::support::run::{Output, Run, scratch};
use crate::support::wheels::WheelBuilder;
use crate::support::{long, offline};

/// A root with pipward as `/usr/local/bin/pip`, two wheels in `/wheels`, and their lock.
struct Ground {
    root: Root,
    _scratch: tempfile::TempDir,
}

impl Ground {
    fn new(packages: &[&str]) -> Option<Self> {
        let scratch = scratch();
        let root = Root::copy(packages, scratch.path().join("root"))?;
        let binary = Path::new(env!("CARGO_BIN_EXE_pipward"));
        if std::fs::hard_link(binary, root.path("/usr/local/bin/pip")).is_err() {
            std::fs::copy(binary, root.path("/usr/local/bin/pip")).unwrap();
        }
        std::fs::create_dir(root.path("/wheels")).unwrap();
        let alpha = WheelBuilder::new("alpha", "1")
            .file("alpha/__init__.py", "import beta\ndef main():\n    print('alpha', beta.x)\n")
            .file("alpha/__main__.py", "from alpha import main\nmain()\n")
            .data("data", "share/alpha.txt", "x")
            .data("headers", "alpha.h", "")
            .entry_points("[console_scripts]\nalpha = alpha:main\n");
        let mut lock = String::new();
        for wheel in [alpha, WheelBuilder::new("beta", "1").file("beta.py", "x = 1\n")] {
            let (name, bytes) = wheel.build();
            let project = name.split('-').next().unwrap();
            lock += &format!("{project}==1 --hash=sha256:{}\n", pipward::digest::Sha256::of(&bytes));
            std::fs::write(root.path("/wheels").join(name), bytes).unwrap();
        }
        std::fs::write(root.path("/lock.txt"), lock).unwrap();
        Some(Self { root, _scratch: scratch })
    }

    fn run(&self, words: &[&str]) -> Output {
        let variables =
            [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/root"), ("PYTHONPATH", "/opt/pip")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.root.run(words, "/", &variables, false)
    }

    fn install(&self, program: &[&str], words: &[&str]) -> Output {
        let common = ["install", "--no-compile", "--no-index", "--find-links", "/wheels", "-r", "/lock.txt"];
        self.run(&[program, &common, words].concat())
    }

    /// All files but byte-code and what was there before.
    fn files(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for top in ["/usr/local", "/root", "/elsewhere"] {
            let listed = self.run(&["find", top, "-type", "f", "-not", "-name", "*.pyc"]);
            found.extend(
                listed.stdout.lines().filter(|line| *line != "/usr/local/bin/pip").map(str::to_owned),
            );
        }
        found.retain(|path| !path.contains("/.cache/"));
        found
    }
}

/// The packages of the usual root, and what looks at it.
fn python() -> Vec<&'static str> {
    [PYTHON, &["findutils"]].concat()
}

/// PEP 668: refused with the way out, which is taken then, into `dist-packages`.
#[test]
fn the_system_is_left_alone_unless_it_is_meant() {
    let Some(ground) = Ground::new(&python()) else { return };
    for words in [&[][..], &["--user"]] {
        let told = ground.install(&["pip"], words).code(1).stderr_has("externally-managed-environment");
        told.stderr_has("--break-system-packages").stderr_has("venv");
    }
    assert!(ground.files().is_empty());
    ground.install(&["pip"], &["--break-system-packages"]).ok();
    let library = "/usr/local/lib/python3.11/dist-packages";
    assert!(ground.files().contains(&format!("{library}/alpha/__init__.py")));
    assert_eq!(ground.run(&["alpha"]).ok().stdout, "alpha 1\n");
    assert_eq!(ground.run(&["python3", "-m", "alpha"]).ok().stdout, "alpha 1\n");
    ground.run(&["pip", "list"]).ok().stdout_has("alpha");
    ground.run(&["pip", "uninstall", "-y", "alpha"]).code(1).stderr_has("--break-system-packages");
    ground.run(&["pip", "uninstall", "-y", "--break-system-packages", "alpha", "beta"]).ok();
    assert!(ground.files().is_empty(), "{:?}", ground.files());
    // An environment made from it is one's own.
    ground.run(&["python3", "-m", "venv", "--without-pip", "/elsewhere/env"]).ok();
    ground.install(&["pip", "--python", "/elsewhere/env"], &[]).ok();
    assert_eq!(ground.run(&["/elsewhere/env/bin/alpha"]).ok().stdout, "alpha 1\n");
    assert!(ground.files().contains("/elsewhere/env/lib/python3.11/site-packages/beta.py"));
}

/// Every scheme leads where pip leads.
#[test]
fn the_schemes_are_pips() {
    if offline() {
        return;
    }
    let pip = peers().python();
    let site = Run::new(&pip).args(["-c", "import pip; print(pip.__path__[0])"]).run().ok();
    let cases = [
        &["--prefix", "/elsewhere/p"][..],
        &["--root", "/elsewhere/r", "--break-system-packages"],
        &["--break-system-packages"],
        &["--break-system-packages", "--user"],
        &["--target", "/elsewhere/t"],
        &["--root", "/elsewhere/r", "--prefix", "/p"],
    ];
    let count = if long() { cases.len() } else { 2 };
    for words in &cases[..count] {
        let mut found = Vec::new();
        for program in [&["python3", "-m", "pip"][..], &["pip"]] {
            let Some(ground) = Ground::new(&python()) else { return };
            std::fs::create_dir_all(ground.root.path("/opt/pip")).unwrap();
            Run::new("cp").arg("-r").arg(site.stdout.trim()).arg(ground.root.path("/opt/pip")).run().ok();
            ground.install(program, words).ok();
            found.push(ground.files());
        }
        assert!(!found[0].is_empty());
        assert_eq!(found[0], found[1], "{words:?}");
    }
}

/// Another implementation: its own tags, and `site-packages` of its own.
#[test]
fn pypy_takes_pure_wheels() {
    let Some(ground) = Ground::new(&["pypy3", "pypy3-venv", "dash", "coreutils", "findutils"]) else {
        return;
    };
    let shown = ground.run(&["pip", "--python", "/usr/bin/pypy3", "debug", "--verbose"]).ok();
    shown.stdout_has("  pp39-pypy39_pp73-").stdout_has("  pp3-none-any\n");
    let managed = ground.install(&["pip", "--python", "/usr/bin/pypy3"], &[]);
    managed.code(1).stderr_has("externally-managed-environment");
    let words = ["pip", "install", "--venv", "/elsewhere/env", "--python", "/usr/bin/pypy3"];
    let words = [&words[..], &["--no-index", "-f", "/wheels", "-r", "/lock.txt"]].concat();
    ground.run(&words).ok();
    assert_eq!(ground.run(&["/elsewhere/env/bin/alpha"]).ok().stdout, "alpha 1\n");
    let told = ground.run(&["/elsewhere/env/bin/python", "-c", "import sys; print(sys.implementation.name)"]);
    assert_eq!(told.ok().stdout, "pypy\n");
    ground.run(&["pypy3", "-m", "venv", "--without-pip", "/elsewhere/own"]).ok();
    ground.install(&["pip", "--python", "/elsewhere/own"], &[]).ok();
    assert_eq!(ground.run(&["/elsewhere/own/bin/alpha"]).ok().stdout, "alpha 1\n");
    ground.run(&["pip", "--python", "/elsewhere/own", "uninstall", "-y", "alpha", "beta"]).ok();
    ground.install(&["pip", "--python", "/usr/bin/pypy3"], &["--user", "--break-system-packages"]).ok();
    assert_eq!(ground.run(&["pypy3", "-m", "alpha"]).ok().stdout, "alpha 1\n");
}
