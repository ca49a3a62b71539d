//! Real projects from PyPI: locked, installed, imported, checked by pip, and taken by the other tools.

use std::path::{Path, PathBuf};

use crate::support::peers::{peers, pip_on};
use crate::support::pythons::{Python, each_python};
use crate::support::run::{Run, pipward, scratch};
use crate::support::{long, loudly, offline};

/// A set of requirements, and what has to be importable afterwards.
struct Set {
    roots: &'static [&'static str],
    imports: &'static [&'static str],
}

const FLASK: Set = Set { roots: &["flask"], imports: &["flask"] };
// `jupyter` itself is a metapackage without a module.
const JUPYTER: Set = Set {
    roots: &["jupyter"],
    imports: &["notebook", "jupyterlab", "ipykernel", "nbconvert", "jupyter_console", "ipywidgets"],
};
const SCIENCE: Set = Set {
    roots: &["pandas", "scikit-learn", "matplotlib"],
    imports: &["pandas", "sklearn", "matplotlib.pyplot"],
};
const WEB: Set = Set {
    roots: &["fastapi[standard]", "sqlalchemy"],
    imports: &["fastapi", "uvicorn", "httpx", "sqlalchemy"],
};
const TOOLS: Set =
    Set { roots: &["black", "pytest", "mypy", "ruff"], imports: &["black", "pytest", "mypy", "ruff"] };

#[test]
fn flask_from_lock_to_import() {
    check(&FLASK, true);
}

#[test]
fn jupyter_from_lock_to_import() {
    check(&JUPYTER, long());
}

#[test]
fn pandas_scikit_learn_matplotlib_from_lock_to_import() {
    check(&SCIENCE, long());
}

#[test]
fn fastapi_and_sqlalchemy_from_lock_to_import() {
    check(&WEB, long());
}

#[test]
fn black_pytest_mypy_ruff_from_lock_to_import() {
    check(&TOOLS, true);
}

#[test]
fn two_locks_of_one_cutoff_are_the_same_with_and_without_a_cache() {
    if offline() {
        return;
    }
    for python in each_python(&["3.13"]) {
        let lock = |cached: bool| {
            let directory = scratch();
            let run =
                pipward(["lock", "flask[async]", "black", "--uploaded-prior-to", "2026-06-01T00:00:00Z"])
                    .arg("--python")
                    .arg(&python.executable)
                    .dir(directory.path());
            if cached { run.shared_cache() } else { run }.run().ok();
            std::fs::read_to_string(directory.path().join("pylock.toml")).unwrap()
        };
        let first = lock(true);
        assert!(first.contains("name = \"asgiref\""), "{first}");
        assert_eq!(first, lock(false));
        assert_eq!(first, lock(true));
    }
}

/// Locks, installs, verifies and imports a set on each Python; `fully` lets the peers install the lock too.
fn check(set: &Set, fully: bool) {
    if offline() {
        return;
    }
    for python in each_python(&["3.9", "3.13"]) {
        let world = World { directory: scratch(), python };
        let lock = world.lock(set, "pylock.toml", &[]);
        let environment = world.install(&lock);
        pipward(["verify"]).arg(&environment).arg("-r").arg(&lock).run().ok();
        world.imports(set, &environment);
        world.pip_check(&environment);
        world.packaging_accepts(&lock);
        if fully {
            world.uv_installs(set, &lock);
            world.pip_installs(set, &lock);
            let requirements = world.lock(set, "requirements.txt", &["--format", "requirements"]);
            world.pip_installs(set, &requirements);
        }
    }
}

struct World {
    directory: tempfile::TempDir,
    python: Python,
}

impl World {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn lock(&self, set: &Set, file: &str, options: &[&str]) -> PathBuf {
        let lock = self.path(file);
        pipward(["lock"])
            .args(set.roots)
            .args(options)
            .arg("--python")
            .arg(&self.python.executable)
            .arg("-o")
            .arg(&lock)
            .shared_cache()
            .run()
            .ok();
        lock
    }

    fn install(&self, lock: &Path) -> PathBuf {
        let environment = self.path("env");
        pipward(["install", "-r"])
            .arg(lock)
            .arg("--venv")
            .arg(&environment)
            .arg("--python")
            .arg(&self.python.executable)
            .shared_cache()
            .run()
            .ok();
        environment
    }

    fn imports(&self, set: &Set, environment: &Path) {
        let script: String = set.imports.iter().map(|module| format!("import {module}\n")).collect();
        Run::new(environment.join("bin/python")).args(["-I", "-B", "-c", &script]).run().ok();
    }

    fn pip_check(&self, environment: &Path) {
        let Some(pip) = pip_on(environment, &self.python, ["check"]) else { return };
        pip.run().ok().stdout_has("No broken requirements found");
    }

    fn packaging_accepts(&self, lock: &Path) {
        let script = "
import sys, tomllib
from packaging.pylock import Pylock, is_valid_pylock_path
import pathlib
path = pathlib.Path(sys.argv[1])
assert is_valid_pylock_path(path)
lock = Pylock.from_dict(tomllib.loads(path.read_text(encoding='utf-8')))
assert lock.packages
";
        peers().script(script, &[lock]).ok();
    }

    /// An environment as the standard library makes it, without pip.
    fn bare(&self, name: &str) -> PathBuf {
        let environment = self.path(name);
        let venv = Run::new(&self.python.executable).args(["-I", "-m", "venv", "--without-pip"]);
        venv.arg(&environment).run().ok();
        environment
    }

    fn uv_installs(&self, set: &Set, lock: &Path) {
        let environment = self.bare("uv");
        let uv = peers().uv(["pip", "sync", "--preview-features", "pylock", "--python"]);
        uv.arg(environment.join("bin/python")).arg(lock).run().ok();
        self.imports(set, &environment);
    }

    fn pip_installs(&self, set: &Set, lock: &Path) {
        if !self.python.at_least(10) {
            loudly(&format!("SKIPPED: pip 26.3 on CPython {}: it needs 3.10", self.python.version));
            return;
        }
        let environment = self.bare("pip");
        let mut install = pip_on(&environment, &self.python, ["install", "--no-compile"]).unwrap();
        if lock.extension().is_some_and(|extension| extension == "txt") {
            install = install.args(["--require-hashes", "--only-binary", ":all:"]);
        }
        install.arg("-r").arg(lock).run().ok();
        self.imports(set, &environment);
        self.pip_check(&environment);
        std::fs::remove_dir_all(environment).unwrap();
    }
}
