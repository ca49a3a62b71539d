//! Attacks that have happened, replayed on indexes of our own with a payload that leaves a mark: pip takes it as it is set
//! up by default, and pipward refuses it as it is set up by default. No pipward.toml is written here; the index is named on
//! the command line. `docs/trust.md` lists the scenarios (two of them stand beside the rest of their subject).

use std::path::Path;

use pipward::error::Code;
use serde_json::json;

use super::{configure, hours_ago, index, install, lock, page, strictly};
use crate::support::offline;
use crate::support::peers::peers;
use crate::support::pythons::any_python;
use crate::support::run::{Output, Run, repository, scratch};
use crate::support::server::{Published, Server};
use crate::support::wheels::WheelBuilder;
use crate::support::world::{packages, publish, text, wheel, write};

/// A run without any configuration: nothing but what was typed.
fn bare(directory: &Path, words: &[&str]) -> Output {
    strictly(directory, words).run()
}

/// A wheel that leaves a mark when it is imported.
pub(super) fn payload(name: &str, version: &str) -> WheelBuilder {
    let code = "import os\nopen(os.environ['MARK'], 'w').write('taken')\n";
    WheelBuilder::new(name, version).file(&format!("{name}.py"), code)
}

/// Whether pip, asked with these words, installs the payload: importing the module leaves the mark.
pub(super) fn pip_takes(directory: &Path, module: &str, words: &[&str]) -> bool {
    let (target, mark) = (directory.join("pip-target"), directory.join("mark"));
    let _ = std::fs::remove_dir_all(&target);
    let _ = std::fs::remove_file(&mark);
    peers().pip(["install", "--no-cache-dir", "--no-deps", "--target"]).arg(&target).args(words).run().ok();
    Run::new(any_python().executable)
        .args(["-c", &format!("import {module}")])
        .env("PYTHONPATH", &target)
        .env("MARK", &mark)
        .run()
        .ok();
    mark.exists()
}

/// torchtriton, December 2022: the name of a dependency that another index had was registered on the public one.
#[test]
fn dependency_confusion() {
    if offline() {
        return;
    }
    let (own, public) = (Server::start(), Server::start());
    let internal = publish(&own, vec![wheel("tritium", "2"), wheel("torque", "1").requires("tritium")]);
    let at = publish(&public, vec![payload("tritium", "3")]);
    let scratch = scratch();
    let directory = scratch.path();
    let both = ["-i", &internal, "--extra-index-url", &at];
    assert!(pip_takes(directory, "tritium", &[&both[..], &["tritium"]].concat()));
    // By its name, and as a dependency.
    for name in ["tritium", "torque"] {
        bare(directory, &[&["lock"], &both[..], &[name]].concat())
            .refused(Code::IndexConflict)
            .stderr_has("packages = [\"tritium\"]");
        assert!(!directory.join("pylock.toml").exists());
    }
    // What the refusal asks for puts it right.
    configure(
        directory,
        &(index("internal", &internal, "packages = [\"tritium\"]") + &index("public", &at, "")),
    );
    lock(directory, &["tritium"]).ok();
    assert_eq!(packages(directory), ["tritium 2"]);
}

/// Look-alikes of colorama, 2022.
#[test]
fn a_name_that_looks_like_a_known_one() {
    if offline() {
        return;
    }
    let server = Server::start();
    let at = publish(&server, vec![payload("colourama", "0.4.6")]);
    let scratch = scratch();
    let directory = scratch.path();
    assert!(pip_takes(directory, "colourama", &["-i", &at, "colourama"]));
    bare(directory, &["lock", "-i", &at, "colourama"]).refused(Code::LookAlike).stderr_has("colorama");
    bare(directory, &["add", "-i", &at, "colourama"]).refused(Code::LookAlike).stderr_has("colorama");
    assert_eq!(server.asked("/simple/colourama/").len(), 1, "pip alone has asked");
}

/// litellm, 2026: a stolen account, and a release that is found out within hours.
#[test]
fn a_release_that_is_a_few_hours_old() {
    if offline() {
        return;
    }
    let server = Server::start();
    let files = [
        Published::new(wheel("plum", "1").build()).uploaded(&hours_ago(5000)),
        Published::new(payload("plum", "2").build()).uploaded(&hours_ago(3)),
    ];
    page(&server, "plum", &files, &json!({}));
    let at = server.url("/simple/");
    let scratch = scratch();
    let directory = scratch.path();
    assert!(pip_takes(directory, "plum", &["-i", &at, "plum"]));
    // Whoever asks for it is refused, and told from when on it can be had; whoever does not gets the one before.
    for wanted in ["plum>=2", "plum==2"] {
        bare(directory, &["lock", "-i", &at, wanted])
            .refused(Code::ReleaseAge)
            .stderr_has("2 was uploaded after the cutoff")
            .stderr_has(":00Z on")
            .stderr_has("code = \"release-age\"");
        assert!(!directory.join("pylock.toml").exists());
    }
    bare(directory, &["lock", "-i", &at, "plum"]).ok().stderr_has("release-age");
    assert_eq!(packages(directory), ["plum 1"]);
    bare(directory, &["lock", "-i", &at, "plum>=2", "-U"]).refused(Code::ReleaseAge);
    bare(directory, &["add", "-i", &at, "plum==2"]).refused(Code::ReleaseAge);
    assert_eq!(packages(directory), ["plum 1"]);
}

/// A deleted name that somebody registers anew (revival hijack, 2024): what was locked is not what is there now, and what is
/// there now is young, in a first lock too. Once it is old, it is still not what was locked.
#[test]
fn a_deleted_name_that_was_registered_anew() {
    if offline() {
        return;
    }
    let server = Server::start();
    let (scratch, at) = (scratch(), server.url("/simple/"));
    let directory = scratch.path();
    let offered = |wheel: WheelBuilder, hours: i64| {
        page(&server, "plum", &[Published::new(wheel.build()).uploaded(&hours_ago(hours))], &json!({}));
    };
    offered(wheel("plum", "1"), 5000);
    bare(directory, &["lock", "-i", &at, "plum"]).ok();
    let locked = text(directory, "pylock.toml");
    offered(payload("plum", "1"), 3);
    for wanted in ["plum", "plum==1"] {
        assert!(pip_takes(directory, "plum", &["-i", &at, wanted]));
        let other = tempfile::tempdir_in(directory).unwrap();
        bare(other.path(), &["lock", "-i", &at, wanted]).refused(Code::ReleaseAge);
        bare(directory, &["lock", "-i", &at, wanted, "-U"]).refused(Code::ReleaseAge);
    }
    install(directory, &[]).refused(Code::HashMismatch);
    install(directory, &["-i", &at]).refused(Code::HashMismatch);
    offered(payload("plum", "1"), 1000);
    bare(directory, &["lock", "-i", &at, "plum==1", "-U"]).refused(Code::HashMismatch);
    assert_eq!(text(directory, "pylock.toml"), locked);
}

/// A file that is exchanged behind a version which everybody has pinned: by whoever holds the index, a mirror or a proxy.
#[test]
fn a_changed_file_behind_a_pinned_version() {
    if offline() {
        return;
    }
    let server = Server::start();
    let (scratch, at) = (scratch(), server.url("/simple/"));
    let directory = scratch.path();
    let offered = |wheel: WheelBuilder| {
        let files = [Published::new(wheel.build()).uploaded(&hours_ago(5000))];
        page(&server, "plum", &files, &json!({}));
    };
    offered(wheel("plum", "1"));
    write(directory, "plain.txt", "plum==1\n");
    bare(directory, &["lock", "-i", &at, "-r", "plain.txt"]).ok();
    let hashed = ["lock", "-i", &at, "-r", "plain.txt", "--no-universal", "-o", "hashed.txt"];
    bare(directory, &hashed).ok();
    let before = [text(directory, "pylock.toml"), text(directory, "hashed.txt")];
    offered(payload("plum", "1"));
    let plain = directory.join("plain.txt").display().to_string();
    assert!(pip_takes(directory, "plum", &["-i", &at, "-r", &plain]));
    // What was locked is not installed from it, and a new lock does not follow it.
    for file in ["pylock.toml", "hashed.txt"] {
        let words = ["install", "-r", file, "-i", &at, "--venv", "env", "--python"];
        let python = any_python().executable.display().to_string();
        bare(directory, &[&words[..], &[&python]].concat()).refused(Code::HashMismatch).stderr_has("plum");
    }
    for more in [&[][..], &["-U"], &["-P", "plum"]] {
        let told = bare(directory, &[&["lock", "-i", &at, "-r", "plain.txt"], more].concat());
        told.refused(Code::HashMismatch).stderr_has("plum-1-py3-none-any.whl").stderr_has("pylock.toml");
        bare(directory, &[&hashed[..], more].concat()).refused(Code::HashMismatch).stderr_has("hashed.txt");
    }
    assert_eq!([text(directory, "pylock.toml"), text(directory, "hashed.txt")], before);
    // What the refusal asks for takes the new file.
    let stone = [Published::new(wheel("stone", "1").build()).uploaded(&hours_ago(5000))];
    page(&server, "stone", &stone, &json!({}));
    write(directory, "hashed.txt", "");
    bare(directory, &hashed).ok();
    std::fs::remove_file(directory.join("pylock.toml")).unwrap();
    bare(directory, &["lock", "-i", &at, "-r", "plain.txt", "stone"]).ok();
    let entry = text(directory, "pylock.toml");
    offered(wheel("plum", "1"));
    bare(directory, &["lock", "-i", &at, "-r", "plain.txt", "stone"]).refused(Code::HashMismatch);
    let (head, rest) = entry.split_once("[[packages]]\nname = \"plum\"").unwrap();
    let (_, stone) = rest.split_once("[[packages]]").unwrap();
    write(directory, "pylock.toml", &format!("{head}[[packages]]{stone}"));
    bare(directory, &["lock", "-i", &at, "-r", "plain.txt", "stone"]).ok();
    assert_eq!(packages(directory), ["plum 1", "stone 1"]);
}

/// An address in a lock that leads elsewhere. The hash still holds, so pip goes there without a word; on the day on which
/// the hash is changed too, the payload comes from there.
#[test]
fn a_lock_whose_address_was_moved_to_another_host() {
    if offline() {
        return;
    }
    let (own, evil) = (Server::start(), Server::start());
    let at = publish(&own, vec![wheel("plum", "1")]);
    let bad = payload("plum", "1").build();
    evil.file(&format!("/files/{}", bad.0), bad.1.clone());
    let scratch = scratch();
    let directory = scratch.path();
    bare(directory, &["lock", "-i", &at, "plum"]).ok();
    let good = wheel("plum", "1").build().1;
    let sha256 = |bytes: &[u8]| pipward::digest::Sha256::of(bytes).to_string();
    let moved = text(directory, "pylock.toml")
        .replace(&own.url("/files/"), &evil.url("/files/"))
        .replace(&sha256(&good), &sha256(&bad.1))
        .replace(&format!("size = {}", good.len()), &format!("size = {}", bad.1.len()));
    write(directory, "pylock.toml", &moved);
    assert!(pip_takes(directory, "plum", &["-r", &directory.join("pylock.toml").display().to_string()]));
    let before = evil.requests().len();
    install(directory, &[]).refused(Code::FileHost);
    bare(directory, &["download", "-r", "pylock.toml", "-d", "got"]).refused(Code::FileHost);
    bare(directory, &["lock", "--check-policy"]).refused(Code::FileHost);
    // Whoever names the index gets the file from there, and it is not the one that the lock has now.
    let told = install(directory, &["-i", &at]).code(1);
    assert!(
        ["hash-mismatch", "size-mismatch"].iter().any(|code| told.stderr.contains(code)),
        "{}",
        told.told()
    );
    assert_eq!(evil.requests().len(), before);
}

/// A project that its index holds in quarantine.
#[test]
fn a_project_in_quarantine() {
    if offline() {
        return;
    }
    let server = Server::start();
    let files = [Published::new(payload("plum", "1").build()).uploaded(&hours_ago(5000))];
    let stone = [Published::new(wheel("stone", "1").requires("plum").build()).uploaded(&hours_ago(5000))];
    page(&server, "plum", &files, &json!({"project-status": {"status": "quarantined"}}));
    page(&server, "stone", &stone, &json!({}));
    let scratch = scratch();
    let at = server.url("/simple/");
    for name in ["plum", "stone"] {
        assert!(pip_takes(scratch.path(), "plum", &["-i", &at, "plum"]));
        bare(scratch.path(), &["lock", "-i", &at, name]).refused(Code::ProjectQuarantined);
        assert!(!scratch.path().join("pylock.toml").exists());
    }
}

/// The table of docs/trust.md names these nine attacks, each with its code and a test that is there.
#[test]
fn each_attack_of_the_table_has_its_scenario() {
    let here = repository().join("tests/it/trust");
    let sources: String = std::fs::read_dir(here)
        .unwrap()
        .filter_map(|entry| std::fs::read_to_string(entry.unwrap().path()).ok())
        .collect();
    let page = std::fs::read_to_string(repository().join("docs/trust.md")).unwrap();
    let (_, table) = page.split_once("## Attacks that are replayed").unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ") && line.contains('`')).collect();
    assert_eq!(rows.len(), 9, "{rows:#?}");
    for row in rows {
        let mut quoted = row.split('`').skip(1).step_by(2);
        let (code, test) = (quoted.next().unwrap(), quoted.last().unwrap());
        assert!(Code::ALL.iter().any(|known| known.name() == code), "{row}");
        let (_, scenario) =
            sources.split_once(&format!("\nfn {test}() {{\n")).unwrap_or_else(|| panic!("{row}"));
        let scenario = scenario.split("\n}\n").next().unwrap();
        let refused = format!("refused(Code::{})", camel(code));
        assert!(scenario.contains("pip_takes(") && scenario.contains(&refused), "{row}");
    }
}

/// `hash-mismatch` as `HashMismatch`.
fn camel(code: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    code.split('-').map(word).collect()
}
