//! The corpus through pip and uv, on demand:
//! `PIPWARD_TEST_PEERS=pip,uv cargo test --locked --test it hostile::others -- --nocapture`.
//!
//! Only counts are told. Each case has an environment of its own, in a namespace without a network in which nothing but
//! the case's own directory can be written.

use std::path::{Path, PathBuf};
use std::process::Command;

use pipward::digest::Sha256;

use super::{Case, Ground, Input, cases};
use crate::support::loudly;
use crate::support::peers::peers;
use crate::support::run::Run;
use crate::support::tree::{Tree, differences, tree};

/// Makes everything but the first argument read-only, and runs the rest for at most a minute.
const BOX: &str = r#"
set -e
mount --make-rprivate / 2>/dev/null || true
mount --bind "$1" "$1"
for at in / /tmp /run /var /home /root /dev/shm; do
    if [ "$at" = / ] || mountpoint -q "$at" 2>/dev/null; then mount -o remount,ro,bind "$at" || exit 99; fi
done
cd "$1/work"; shift
exec timeout -k 5 60 "$@"
"#;
/// What the box says if there can be none.
const NO_BOX: i32 = 99;

/// How the cases went.
#[derive(Default)]
struct Counts {
    refused: usize,
    refused_and_changed: usize,
    installed: usize,
    ended: usize,
    outside: usize,
    environments_own: usize,
}

impl Counts {
    fn add(&mut self, ground: &Ground, before: &Tree, code: Option<i32>) {
        let changes = differences(before, &tree(&ground.path("stays")));
        let inside = |change: &str| {
            ["env", "home", "tmp"].iter().any(|own| {
                change.strip_prefix(own).is_some_and(|rest| rest.starts_with('/') || rest.starts_with(':'))
            })
        };
        // The lock file that uv leaves is no change.
        let in_environment = |change: &str| {
            change.starts_with("env/") && !change.contains("__pycache__") && !change.starts_with("env/.lock:")
        };
        self.outside += usize::from(changes.iter().any(|change| !inside(change)));
        let own = ["env/pyvenv.cfg:", "env/bin/python", "env/bin/activate"];
        let is_own = |change: &String| own.iter().any(|own| change.starts_with(own));
        self.environments_own += usize::from(changes.iter().any(is_own));
        match code {
            Some(0) => self.installed += 1,
            Some(124 | 137) | None => self.ended += 1,
            Some(_) if changes.iter().any(|change| in_environment(change)) => self.refused_and_changed += 1,
            Some(_) => self.refused += 1,
        }
    }

    fn told(&self, who: &str, all: usize) -> String {
        let Self { refused, refused_and_changed, installed, ended, outside, environments_own } = self;
        format!(
            "{who}: {all} cases: {refused} refused, {refused_and_changed} refused after the environment was changed, \
             {installed} installed, {ended} ended after a minute; {outside} wrote outside, {environments_own} changed \
             the environment's own files"
        )
    }
}

/// Runs a program in the box.
fn boxed(ground: &Ground, program: &Path, arguments: &[&str]) -> Option<i32> {
    let root = ground.path("");
    let run = Run::new("unshare")
        .args(["--mount", "--net", "--user", "--map-root-user", "sh", "-c", BOX, "sh"])
        .arg(&root)
        .arg(program)
        .args(arguments)
        .env("HOME", ground.path("stays/home"))
        .env("TMPDIR", ground.path("stays/tmp"))
        .env("UV_CACHE_DIR", ground.path("stays/home/uv"))
        .env("UV_NO_CONFIG", "1")
        .env("UV_PYTHON_DOWNLOADS", "never")
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .env("PIP_NO_INPUT", "1")
        .dir(ground.path("work"));
    let said = run.run();
    assert_ne!(said.code, Some(NO_BOX), "no box can be made here: {}", said.stderr);
    said.code
}

/// Writes what the case brings, and says by which words the tools take it.
fn written(ground: &Ground, case: &Case) -> &'static str {
    match &case.input {
        Input::Wheels(wheels) => {
            let mut text = String::new();
            for (name, bytes) in wheels {
                std::fs::write(ground.path("work").join(name), bytes).unwrap();
                text += &format!("./{name} --hash=sha256:{}\n", Sha256::of(bytes));
            }
            std::fs::write(ground.path("work/requirements.txt"), text).unwrap();
            "requirements.txt"
        }
        Input::Lock(text) => {
            ground.lock_of(&[cases::pear()]);
            std::fs::write(ground.path("work/pylock.toml"), text).unwrap();
            "pylock.toml"
        }
    }
}

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}

#[test]
fn the_corpus_through_pip_and_uv() {
    let named = std::env::var("PIPWARD_TEST_PEERS").unwrap_or_default();
    let asked: Vec<&str> = named.split(',').collect();
    if named.is_empty() {
        return;
    }
    let all = cases::all();
    let ground = Ground::new();
    let kept = ground.path("kept");
    copy(&ground.path("stays"), &kept);
    let python = ground.path("stays/env/bin/python").display().to_string();
    let (pip, uv): (PathBuf, PathBuf) = (peers().python(), peers().program("uv"));
    let mut counts = [Counts::default(), Counts::default()];
    for case in &all {
        for (uses_uv, counts) in [false, true].into_iter().zip(&mut counts) {
            if !asked.contains(if uses_uv { &"uv" } else { &"pip" }) {
                continue;
            }
            copy(&kept, &ground.path("stays"));
            let _ = std::fs::remove_dir_all(ground.path("work"));
            std::fs::create_dir(ground.path("work")).unwrap();
            let file = written(&ground, case);
            let before = tree(&ground.path("stays"));
            let code = match (uses_uv, file) {
                (false, "pylock.toml") => boxed(
                    &ground,
                    &pip,
                    &["-m", "pip", "--python", &python, "install", "--no-index", "-r", file],
                ),
                (false, _) => boxed(
                    &ground,
                    &pip,
                    &[
                        "-m",
                        "pip",
                        "--python",
                        &python,
                        "install",
                        "--no-index",
                        "--no-deps",
                        "--require-hashes",
                        "-r",
                        file,
                    ],
                ),
                (true, "pylock.toml") => boxed(
                    &ground,
                    &uv,
                    &["pip", "install", "--python", &python, "--preview-features", "pylock", "-r", file],
                ),
                (true, _) => boxed(
                    &ground,
                    &uv,
                    &[
                        "pip",
                        "install",
                        "--python",
                        &python,
                        "--no-index",
                        "--no-deps",
                        "--require-hashes",
                        "-r",
                        file,
                    ],
                ),
            };
            counts.add(&ground, &before, code);
        }
    }
    let [pip, uv] = counts;
    for (who, counts) in [("pip", pip), ("uv", uv)] {
        if asked.contains(&who) {
            loudly(&counts.told(who, all.len()));
        }
    }
}
