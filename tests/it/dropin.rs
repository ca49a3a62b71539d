//! Started as pip: names, options before the command, variables and files, exit codes, messages.

use std::path::{Path, PathBuf};

use crate::support::pythons::any_python;
use crate::support::run::{Run, pipward, scratch, vendored};

/// A folder with an environment in it, whose pip is pipward.
struct Home {
    _scratch: tempfile::TempDir,
    root: PathBuf,
}

impl Home {
    fn new() -> Self {
        let scratch = scratch();
        let root = scratch.path().to_owned();
        let python = any_python();
        Run::new(&python.executable)
            .args(["-I", "-m", "venv", "--without-pip"])
            .arg(root.join("env"))
            .run()
            .ok();
        pipward(["shim"]).arg(root.join("env")).run().ok();
        Self { _scratch: scratch, root }
    }

    fn pip<S: AsRef<std::ffi::OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Run {
        Run::new(self.root.join("env/bin/pip")).args(words).dir(&self.root)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_shim_is_pip_in_its_environment() {
    let home = Home::new();
    let names = std::fs::read_dir(home.path("env/bin")).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("pip"))
        .collect();
    names.sort();
    assert!(names.len() == 3 && names[2].starts_with("pip3."), "{names:?}");
    let version = home.pip(["--version"]).run().ok();
    assert!(version.stdout.starts_with("pip 26.3 from pipward "), "{}", version.told());
    let told = home.pip(["install", "-r"]).arg(vendored("pylock.toml")).run().ok();
    assert!(told.stdout.contains("Successfully installed "), "{}", told.told());
    assert!(told.stderr.is_empty(), "{}", told.told());
    // Again, and nothing is done: twice the same link is no fault either.
    home.pip(["install", "-r"])
        .arg(vendored("pylock.toml"))
        .run()
        .ok()
        .stdout_has("Requirement already satisfied: ");
    pipward(["shim"]).arg(home.path("env")).run().ok();
}

#[test]
fn a_shim_replaces_nothing_unasked() {
    let scratch = scratch();
    std::fs::write(scratch.path().join("pip3"), "mine").unwrap();
    let shim = |more: &[&str]| pipward(["shim"]).arg(scratch.path()).args(more).run();
    shim(&[]).refused(pipward::error::Code::EnvironmentBusy);
    assert!(!scratch.path().join("pip").exists());
    shim(&["--force"]).ok();
    assert!(scratch.path().join("pip3").is_symlink());
    pipward(["shim", "missing"]).run().refused(pipward::error::Code::EnvironmentInvalid);
}

#[test]
fn exit_codes_and_messages_are_those_of_pip() {
    let home = Home::new();
    for (words, code, told) in [
        (&["bogus"][..], 1, "ERROR: unknown command \"bogus\""),
        (&["instal"], 1, "maybe you meant \"install\""),
        (&["wheel", "."], 1, "builds nothing"),
        (&["install", "--bogus"], 2, "no such option: --bogus"),
        (&["install", "-f"], 2, "option requires 1 argument"),
        (&["install"], 1, "ERROR: "),
        (&["install", "-r", "missing.txt"], 1, "ERROR: "),
        (&["install", "-q", "-qq", "--no-ind", "idna"], 1, "ERROR: "),
    ] {
        home.pip(words).run().code(code).stderr_has(told);
    }
    home.pip(["help"]).run().ok().stdout_has("install");
    home.pip(["help", "install"]).run().ok().stdout_has("--find-links");
    home.pip(["install", "--help"]).run().ok().stdout_has("--find-links");
    let none: [&str; 0] = [];
    home.pip(none).run().ok().stdout_has("install");
    // Without a link.
    pipward(["pip", "bogus"]).run().code(1).stderr_has("ERROR: ");
}

#[test]
fn variables_and_files_are_the_defaults_of_every_option() {
    let home = Home::new();
    let lock = text(&vendored("pylock.toml"));
    let tried = |name: &str, value: &str| home.pip(["install", "-r", &lock]).env(name, value);
    tried("PIP_NO_INDEX", "perhaps").run().code(2).stderr_has("not a valid value for no-index");
    tried("PIP_QUIET", "2").run().ok();
    let quiet = tried("PIP_QUIET", "1").run().ok();
    assert!(quiet.stdout.is_empty(), "{}", quiet.told());
    let level = tried("PIP_QUIET", "1").arg("-v").run().ok();
    assert!(level.stdout.contains("already satisfied"), "{}", level.told());
    tried("PIP_TRUSTED_HOST", "example.org").run().code(1).stderr_has("--trusted-host");
    home.write("pipward.toml", "[policy]\ntrusted-host = \"allow\"\n");
    let passed =
        home.pip(["install", "-r", &lock, "--trusted-host", "example.org"]).dir(home.path(".")).run();
    passed.ok();
    std::fs::remove_file(home.path("pipward.toml")).unwrap();
    tried("PIP_UNKNOWN_THING", "1").run().ok().stdout_has("already satisfied");
    // The environment's own file, and --isolated, which leaves variables out.
    home.write("env/pip.conf", "[install]\ntrusted_host = example.org\n");
    tried("PIP_QUIET", "0").run().code(1).stderr_has("--trusted-host");
    std::fs::remove_file(home.path("env/pip.conf")).unwrap();
    tried("PIP_TRUSTED_HOST", "x").arg("--isolated").run().ok();
    let broken = home.write("broken.conf", "[install\nx\n");
    tried("PIP_CONFIG_FILE", &text(&broken)).run().code(2).stderr_has("ERROR: ");
    for (content, told) in [
        ("quiet = 1\n[install]\n", "before any section"),
        ("[install]\nquiet = 1\nquiet = 2\n", "`quiet` stands twice in [install]"),
    ] {
        let broken = home.write("broken.conf", content);
        tried("PIP_CONFIG_FILE", &text(&broken)).run().code(2).stderr_has(told);
    }
    std::fs::write(&broken, b"[install]\n# caf\xe9\n").unwrap();
    tried("PIP_CONFIG_FILE", &text(&broken)).run().code(2).stderr_has("not UTF-8");
}

#[test]
fn a_log_has_what_was_said() {
    let home = Home::new();
    let lock = text(&vendored("pylock.toml"));
    home.pip(["--log", "logs/pip.log", "-q", "install", "-r", &lock]).run().ok();
    let log = std::fs::read_to_string(home.path("logs/pip.log")).unwrap();
    assert!(log.contains("Successfully installed"), "{log}");
}
