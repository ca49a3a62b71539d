//! What a change of a lock means, through the command line.

mod real;
mod refusals;

use std::path::Path;

use crate::support::loudly;
use crate::support::pythons::any_python;
use crate::support::run::{Output, Run, pipward, scratch};
use crate::support::server::Server;
use crate::support::wheels::WheelBuilder;
use crate::support::world::{lock, publish, text, wheel, write};

fn diff(directory: &Path, arguments: &[&str]) -> Output {
    pipward(["diff"]).args(arguments).dir(directory).run()
}

fn git(directory: &Path, arguments: &[&str]) -> Option<Output> {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    let program =
        ["/usr/bin/git", "/usr/local/bin/git"].into_iter().find(|path| Path::new(path).is_file())?;
    Some(Run::new(program).args(identity).args(arguments).dir(directory).run())
}

/// A lock of plum 1 as old.toml, and one of plum 2 and peach as pylock.toml.
fn two_locks(directory: &Path) {
    let server = Server::start();
    let first = publish(&server, vec![wheel("plum", "1")]);
    lock(directory, &first, &["plum"]).ok();
    std::fs::rename(directory.join("pylock.toml"), directory.join("old.toml")).unwrap();
    let second = publish(&server, vec![wheel("plum", "2").requires("peach"), wheel("peach", "1")]);
    lock(directory, &second, &["plum"]).ok();
}

#[test]
fn what_came_and_went_is_told_to_people_reviewers_and_programs() {
    let scratch = scratch();
    let directory = scratch.path();
    two_locks(directory);
    let told = diff(directory, &["old.toml", "pylock.toml"]).ok();
    told.stdout_has("+ peach 1").stdout_has("~ plum 1 -> 2 (up)").stdout_has("Changed: 1 added, 1 up");
    diff(directory, &["pylock.toml", "pylock.toml"]).ok().stdout_has("The two locks say the same.");
    diff(directory, &["old.toml", "pylock.toml", "--exit-code"]).code(1);
    diff(directory, &["pylock.toml", "pylock.toml", "--exit-code"]).code(0);
    let page = diff(directory, &["old.toml", "pylock.toml", "--format", "markdown"]).ok();
    page.stdout_has("| added | peach |").stdout_has("| up | plum | 1 | 2 |");
    let document = diff(directory, &["pylock.toml", "old.toml", "--json"]).ok().stdout;
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["packages"][0]["kind"], "removed");
    assert_eq!((&document["packages"][1]["kind"], &document["alarm"]), (&"down".into(), &false.into()));
}

#[test]
fn other_bytes_behind_a_version_are_called_out_first() {
    let scratch = scratch();
    let directory = scratch.path();
    two_locks(directory);
    let lock = pipward::lock::pylock::read(&directory.join("pylock.toml")).unwrap();
    let plum = lock.packages.iter().find(|package| package.name.as_ref() == "plum").unwrap();
    let pipward::lock::LockedSource::Wheels(files) = &plum.source else { panic!("{plum:?}") };
    let hash = files[0].hashes.digests()[0].hex();
    write(directory, "poisoned.toml", &text(directory, "pylock.toml").replace(&hash, &"0".repeat(64)));
    let told = diff(directory, &["pylock.toml", "poisoned.toml"]).code(1);
    let first: Vec<&str> = told.stdout.lines().take(3).collect();
    assert_eq!(first[0], "! plum 2", "{}", told.told());
    assert!(first[1].contains("ALARM: other hashes") && first[2].contains(&hash), "{}", told.told());
    diff(directory, &["pylock.toml", "poisoned.toml", "--format", "markdown"])
        .code(1)
        .stdout_has("**ALARM**");
}

#[test]
fn a_lock_may_be_one_of_a_revision() {
    let scratch = scratch();
    let directory = scratch.path();
    two_locks(directory);
    if git(directory, &["init", "-q", "."]).is_none() {
        return loudly("no git, so no lock of a revision is read");
    }
    let new = text(directory, "pylock.toml");
    std::fs::create_dir(directory.join("sub")).unwrap();
    write(directory, "sub/pylock.toml", &text(directory, "old.toml"));
    git(directory, &["add", "sub"]).unwrap().ok();
    git(directory, &["commit", "-qm", "one"]).unwrap().ok();
    write(directory, "sub/pylock.toml", &new);
    diff(directory, &["git:HEAD:sub/pylock.toml", "sub/pylock.toml"]).ok().stdout_has("~ plum 1 -> 2");
    diff(&directory.join("sub"), &["git:HEAD:./pylock.toml", "pylock.toml"]).ok().stdout_has("+ peach 1");
    let missing = diff(directory, &["git:HEAD:none.toml", "pylock.toml"]);
    missing.refused(pipward::error::Code::LockNotFound).stderr_has("git:HEAD:none.toml");
    for bad in ["git:HEAD", "git:--textconv:x", "git::x"] {
        diff(directory, &[bad, "pylock.toml"]).refused(pipward::error::Code::Usage);
    }
}

#[test]
fn a_deep_look_tells_what_the_new_wheels_can_do() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = Server::start();
    let calm = wheel("plum", "1").file("plum/__init__.py", "import json\n");
    let index = publish(&server, vec![calm, wheel("fig", "1")]);
    lock(directory, &index, &["plum", "fig"]).ok();
    std::fs::rename(directory.join("pylock.toml"), directory.join("old.toml")).unwrap();
    let grown = wheel("plum", "2")
        .file("plum/__init__.py", "import json, subprocess\nfrom urllib import request\n")
        .file("plum/_fast.abi3.so", "\u{7f}ELF")
        .file("plum-init.pth", "import plum\n")
        .file("extra_name/__init__.py", "")
        .entry_points("[console_scripts]\nplum = plum:main\n[pytest11]\nplum = plum\n");
    let index =
        publish(&server, vec![grown, WheelBuilder::new("fig", "1").file("fig.py", "version = '2'\n")]);
    lock(directory, &index, &["plum", "fig"]).ok();
    let python = any_python().executable.display().to_string();
    let told = diff(directory, &["old.toml", "pylock.toml", "--deep", "--python", &python]).code(1);
    // The index has other bytes for fig 1 than the old lock: that wheel is refused, and told of.
    let told = told.stderr_has("hash-mismatch").stdout_has("! fig 1");
    for line in [
        "ALARM: new start-up code: plum-init.pth",
        "new native code: plum/_fast.so",
        "new program: plum",
        "new entry point: pytest11: plum",
        "new import name: extra_name",
        "new network import: urllib.request",
        "new process-starting import: subprocess",
    ] {
        assert!(told.stdout.contains(line), "{line}: {}", told.told());
    }
    let page =
        diff(directory, &["old.toml", "pylock.toml", "--deep", "--format", "markdown", "--python", &python]);
    page.code(1).stdout_has("**ALARM** new start-up code");
}

#[test]
fn a_release_that_would_be_refused_is_called_out_first() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = Server::start();
    let index = publish(&server, vec![wheel("plum", "1"), wheel("fig", "1")]);
    lock(directory, &index, &["plum", "fig"]).ok();
    std::fs::rename(directory.join("pylock.toml"), directory.join("old.toml")).unwrap();
    let odd = |version: &str| wheel("plum", version).entry_points("[console_scripts]\n../../x = plum:main\n");
    let index = publish(&server, vec![wheel("fig", "2"), odd("2")]);
    lock(directory, &index, &["plum", "fig"]).ok();
    let python = any_python().executable.display().to_string();
    let deep = |old: &str, new: &str, more: &[&str]| {
        let mut arguments = vec![old, new, "--deep", "--python", &python];
        arguments.extend(more);
        diff(directory, &arguments)
    };
    let told = deep("old.toml", "pylock.toml", &[]).code(1).stderr_has("entry-points");
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert_eq!(lines[0], "~ plum 1 -> 2 (up)", "{}", told.told());
    assert!(lines[1].starts_with("    ALARM: it would be refused: "), "{}", told.told());
    deep("old.toml", "pylock.toml", &["--format", "markdown"])
        .stdout_has("| **ALARM** | plum |")
        .stdout_has("**ALARM: it would be refused** entry-points");
    // Where the old one is what would be refused, nothing of the new one is passed over.
    std::fs::rename(directory.join("pylock.toml"), directory.join("odd.toml")).unwrap();
    let good = wheel("plum", "3").file("plum-init.pth", "import plum\n");
    let index = publish(&server, vec![wheel("fig", "2"), odd("2"), good]);
    lock(directory, &index, &["plum", "fig"]).ok();
    deep("odd.toml", "pylock.toml", &[])
        .code(1)
        .stdout_has("the one before cannot be looked at, so all is told as new: ")
        .stdout_has("new import name: plum")
        .stdout_has("ALARM: new start-up code: plum-init.pth");
}

#[test]
fn what_a_lock_says_is_no_markup() {
    let scratch = scratch();
    let directory = scratch.path();
    let package = |marker: &str| {
        format!(
            "lock-version = \"1.0\"\ncreated-by = \"t\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\n\
             index = \"https://h.example/{marker}/simple/\"\nwheels = [{{ url = \"https://h.example/a-1-py3-none-any.whl\", \
             hashes = {{ sha256 = \"{}\" }} }}]\n",
            "a".repeat(64)
        )
    };
    write(directory, "one.toml", &package("x"));
    write(directory, "two.toml", &package("|@team[click](https&#58;//evil)`<img>"));
    let page = diff(directory, &["one.toml", "two.toml", "--format", "markdown"]).ok();
    assert!(!page.stdout.contains("@team") && !page.stdout.contains("[click]("), "{}", page.told());
}
