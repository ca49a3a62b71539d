//! The commands beside `install`: as pip has them, in the forms that people and scripts read.

mod add;
mod download;
mod environments;
mod legacy;
mod look;
mod makers;
mod rest;
mod uninstall;

use std::path::{Path, PathBuf};

use crate::support::peers::{peers, pip_on};
use crate::support::pythons::{Python, any_python};
use crate::support::run::{Output, Run, pipward, scratch};
use crate::support::wheels::WheelBuilder;

/// An environment of a test, with a folder of wheels beside it.
pub struct Place {
    pub scratch: tempfile::TempDir,
    pub python: Python,
}

impl Place {
    /// An environment with these wheels, installed from hashed requirements.
    pub fn with(wheels: &[WheelBuilder]) -> Self {
        let place = Self { scratch: scratch(), python: any_python() };
        std::fs::create_dir(place.path("wheels")).unwrap();
        let bare = Run::new(&place.python.executable).args(["-I", "-m", "venv", "--without-pip"]);
        bare.arg(place.environment()).run().ok();
        if !wheels.is_empty() {
            place.install(wheels).ok();
        }
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    pub fn environment(&self) -> PathBuf {
        self.path("env")
    }

    /// site-packages.
    pub fn library(&self) -> PathBuf {
        self.environment().join(format!("lib/python{}/site-packages", self.python.version))
    }

    /// Puts wheels into the folder, and returns hashed requirements for them.
    pub fn offer(&self, wheels: &[WheelBuilder]) -> String {
        let mut text = String::new();
        for wheel in wheels {
            let (name, bytes) = wheel.build();
            std::fs::write(self.path("wheels").join(&name), &bytes).unwrap();
            let mut parts = name.split('-');
            let (project, version) = (parts.next().unwrap(), parts.next().unwrap());
            let sha256 = pipward::digest::Sha256::of(&bytes);
            text.push_str(&format!("{project}=={version} --hash=sha256:{sha256}\n"));
        }
        text
    }

    /// Installs wheels as a lock of their own.
    pub fn install(&self, wheels: &[WheelBuilder]) -> Output {
        let requirements = self.offer(wheels);
        std::fs::write(self.path("requirements.txt"), requirements).unwrap();
        self.ours(&["install", "--no-deps", "--no-index", "--find-links"])
            .arg(self.path("wheels"))
            .arg("-r")
            .arg(self.path("requirements.txt"))
            .run()
    }

    /// pipward as pip, for the environment.
    pub fn ours(&self, arguments: &[&str]) -> Run {
        pipward(["pip", "--python"]).arg(self.environment()).args(arguments).dir(self.scratch.path())
    }

    /// pip itself, for the environment.
    pub fn theirs(&self, arguments: &[&str]) -> Run {
        pip_on(&self.environment(), &self.python, arguments).unwrap().dir(self.scratch.path())
    }

    /// Many command lines of pip that change nothing, in one process.
    pub fn theirs_all(&self, commands: &[&[&str]]) -> Vec<Output> {
        let peers = peers().python();
        let site = peers
            .parent()
            .unwrap()
            .parent()
            .unwrap()
            .join(format!("lib/python{}/site-packages", self.python.version));
        let told = Run::new(self.environment().join("bin/python"))
            .args(["-c", PIPS])
            .arg(site)
            .arg(serde_json::to_string(commands).unwrap())
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("PIP_NO_CACHE_DIR", "1")
            .dir(self.scratch.path())
            .run()
            .ok();
        let told: Vec<(i32, String, String)> = serde_json::from_str(&told.stdout).unwrap();
        let typed = commands.iter().map(|words| format!("pip {}", words.join(" ")));
        told.into_iter()
            .zip(typed)
            .map(|((code, stdout, stderr), typed)| Output { typed, code: Some(code), stdout, stderr })
            .collect()
    }

    /// Runs both, and compares exit codes and what stands on standard output; on standard error too, where `warnings`.
    #[track_caller]
    fn compare(&self, commands: &[&[&str]], warnings: bool) {
        for (arguments, theirs) in commands.iter().zip(self.theirs_all(commands)) {
            let ours = self.ours(arguments).run();
            let lines = |output: &Output| {
                let mut lines: Vec<String> = output.stderr.lines().map(str::to_owned).collect();
                lines.sort();
                lines
            };
            let alike = ours.code == theirs.code
                && ours.stdout == theirs.stdout
                && (!warnings || lines(&ours) == lines(&theirs));
            assert!(alike, "pip:\n{}\nhere:\n{}", theirs.told(), ours.told());
        }
    }

    /// The same exit code and the same on standard output.
    #[track_caller]
    pub fn same(&self, commands: &[&[&str]]) {
        self.compare(commands, false);
    }

    /// As [`Self::same`], with what stands on standard error, line by line.
    #[track_caller]
    pub fn same_with_warnings(&self, commands: &[&[&str]]) {
        self.compare(commands, true);
    }

    /// The same exit code and the same JSON on standard output.
    #[track_caller]
    pub fn same_json(&self, commands: &[&[&str]]) {
        let read = |output: &Output| -> serde_json::Value {
            let mut report: serde_json::Value = serde_json::from_str(&output.stdout)
                .unwrap_or_else(|error| panic!("{error}\n{}", output.told()));
            // pip's order is that of the directory.
            if let Some(installed) = report.get_mut("installed").and_then(|list| list.as_array_mut()) {
                installed.sort_by_key(|entry| entry["metadata_location"].to_string());
            }
            report
        };
        for (arguments, theirs) in commands.iter().zip(self.theirs_all(commands)) {
            let ours = self.ours(arguments).run();
            assert_eq!(ours.code, theirs.code);
            assert_eq!(read(&ours), read(&theirs));
        }
    }
}

/// Runs pip's main function for each of the command lines, with pip found where the peers are and nothing else of theirs.
const PIPS: &str = r#"
import contextlib, io, json, sys
sys.path.insert(0, sys.argv[1])
import pip._internal.cli.main as pip
sys.path.remove(sys.argv[1])
told = []
for command in json.loads(sys.argv[2]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = pip.main(list(command))
        except SystemExit as exit:
            code = exit.code
    told.append((code, out.getvalue(), err.getvalue()))
json.dump(told, sys.stdout)
"#;

/// A distribution's record without a wheel: `entries` are files of its .dist-info directory.
pub fn dist_info(library: &Path, directory: &str, entries: &[(&str, &str)]) {
    let at = library.join(directory);
    std::fs::create_dir_all(&at).unwrap();
    for (name, text) in entries {
        std::fs::write(at.join(name), text).unwrap();
    }
}

/// A package of one module.
pub fn simple(name: &str, version: &str) -> WheelBuilder {
    WheelBuilder::new(name, version)
        .file(&format!("{}/__init__.py", name.to_lowercase().replace(['-', '.'], "_")), "")
}
