//! Attacks that have happened, replayed on indexes of our own with a payload that leaves a mark: pip takes it as it is set
//! up by default, and pipward refuses it as it is set up by default.

use std::path::Path;

use pipward::error::Code;
use serde_json::json;

use super::{configure, hours_ago, index, install, lock, page, strictly};
use crate::support::offline;
use crate::support::peers::peers;
use crate::support::pythons::any_python;
use crate::support::run::{Run, scratch};
use crate::support::server::{Published, Server};
use crate::support::wheels::WheelBuilder;
use crate::support::world::{packages, publish, text, wheel, write};

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
    let internal = publish(&own, vec![wheel("tritium", "2")]);
    let at = publish(&public, vec![payload("tritium", "3")]);
    let scratch = scratch();
    let directory = scratch.path();
    assert!(pip_takes(directory, "tritium", &["-i", &internal, "--extra-index-url", &at, "tritium"]));
    strictly(directory, &["lock", "-i", &internal, "--extra-index-url", &at, "tritium"])
        .run()
        .refused(Code::IndexConflict)
        .stderr_has("packages = [\"tritium\"]");
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
    lock(directory, &["-i", &at, "colourama"]).refused(Code::LookAlike).stderr_has("colorama");
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
    lock(directory, &["-i", &at, "plum"]).ok().stderr_has("release-age");
    assert_eq!(packages(directory), ["plum 1"]);
    lock(directory, &["-i", &at, "plum>=2", "-U"]).refused(Code::NoSolution);
}

/// A deleted name that somebody registers anew (revival hijack, 2024): what was locked is not what is there now, and what is
/// there now is young.
#[test]
fn a_deleted_name_that_was_registered_anew() {
    if offline() {
        return;
    }
    let server = Server::start();
    let (scratch, at) = (scratch(), server.url("/simple/"));
    let directory = scratch.path();
    page(
        &server,
        "plum",
        &[Published::new(wheel("plum", "1").build()).uploaded(&hours_ago(5000))],
        &json!({}),
    );
    configure(directory, &index("here", &at, ""));
    lock(directory, &["plum"]).ok();
    page(
        &server,
        "plum",
        &[Published::new(payload("plum", "1").build()).uploaded(&hours_ago(3))],
        &json!({}),
    );
    assert!(pip_takes(directory, "plum", &["-i", &at, "plum==1"]));
    install(directory, &[]).refused(Code::HashMismatch);
    install(directory, &["-i", &at]).refused(Code::HashMismatch);
    lock(directory, &["plum==1", "-U"]).refused(Code::NoSolution);
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
    configure(directory, &index("own", &at, ""));
    lock(directory, &["plum"]).ok();
    let good = pipward::digest::Sha256::of(&wheel("plum", "1").build().1).to_string();
    let moved = text(directory, "pylock.toml")
        .replace(&own.url("/files/"), &evil.url("/files/"))
        .replace(&good, &pipward::digest::Sha256::of(&bad.1).to_string());
    let size = format!("size = {}", wheel("plum", "1").build().1.len());
    write(directory, "pylock.toml", &moved.replace(&size, &format!("size = {}", bad.1.len())));
    assert!(pip_takes(directory, "plum", &["-r", &directory.join("pylock.toml").display().to_string()]));
    let before = evil.requests().len();
    install(directory, &[]).refused(Code::FileHost);
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
    page(&server, "plum", &files, &json!({"project-status": {"status": "quarantined"}}));
    let scratch = scratch();
    let at = server.url("/simple/");
    assert!(pip_takes(scratch.path(), "plum", &["-i", &at, "plum"]));
    lock(scratch.path(), &["-i", &at, "plum"]).refused(Code::ProjectQuarantined);
}
