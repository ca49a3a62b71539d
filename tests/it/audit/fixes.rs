//! The smallest change of a lock that clears its findings.

use std::path::Path;

use pipward::error::Code;
use serde_json::json;

use super::{database, record, with};
use crate::support::run::{Output, pipward, scratch};
use crate::support::server::{Published, Server};
use crate::support::world::{lock, offer, packages, text, wheel, write};

fn fix(directory: &Path, index: &str, arguments: &[&str]) -> Output {
    pipward(["audit", "--db", "db", "--fix", "-i", index]).args(arguments).dir(directory).run()
}

/// An index with four releases of plum, of which the third was uploaded an hour ago, two of fig that nothing is wrong
/// with, and tart that needs plum.
fn index(server: &Server) -> String {
    let hour_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1);
    let published = |name: &str, version: &str, time: &str| Published {
        upload_time: Some(time.to_owned()),
        ..Published::new(wheel(name, version).build())
    };
    let old = "2024-01-01T00:00:00Z";
    let tart = Published {
        upload_time: Some(old.to_owned()),
        ..Published::new(wheel("tart", "1").requires("plum<4").build())
    };
    offer(
        server,
        vec![
            published("plum", "1", old),
            published("plum", "2", old),
            published("plum", "3", &hour_ago.to_string()),
            published("plum", "3.1", &hour_ago.to_string()),
            published("plum", "4", old),
            published("fig", "1", old),
            published("fig", "2", old),
            tart,
        ],
    )
}

/// A standing lock of tart, plum 1 and fig 1.
fn standing(directory: &Path, index: &str) {
    write(directory, "requirements.in", "tart\nfig\n");
    write(directory, "old.txt", "plum==1\nfig==1\n");
    lock(directory, index, &["-r", "requirements.in", "-c", "old.txt"]).ok();
    std::fs::write(directory.join("old.txt"), "").unwrap();
    // The constraint is gone, as it is where newer releases came after the lock.
    lock(directory, index, &["-r", "requirements.in", "-c", "old.txt"]).ok();
    assert_eq!(packages(directory), ["fig 1", "plum 1", "tart 1"]);
}

#[test]
fn the_lowest_fixed_version_is_taken_however_new_and_nothing_else_moves() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = Server::start();
    let index = index(&server);
    standing(directory, &index);
    database(
        directory,
        &[
            record("PYSEC-1", "plum", &[("introduced", "0"), ("fixed", "2")]),
            // The fix of the first has a hole of its own.
            record("PYSEC-2", "plum", &[("introduced", "2"), ("fixed", "3")]),
        ],
    );
    let before = text(directory, "pylock.toml");
    let told = fix(directory, &index, &[]).code(1);
    told.stdout_has("plum 1 -> 3").stdout_has("--write makes it");
    assert_eq!(text(directory, "pylock.toml"), before);
    fix(directory, &index, &["--write"]).ok().stdout_has("nothing that fails the audit is left");
    assert_eq!(packages(directory), ["fig 1", "plum 3", "tart 1"]);
    fix(directory, &index, &["--write"]).ok().stdout_has("there is nothing to fix");
    pipward(["audit", "--db", "db"]).dir(directory).run().ok();
    // The new lock follows from its inputs, and stays.
    lock(directory, &index, &["--check"]).ok();
    lock(directory, &index, &[]).ok();
    assert_eq!(packages(directory), ["fig 1", "plum 3", "tart 1"]);
}

#[test]
fn what_cannot_be_fixed_is_told() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = Server::start();
    let index = index(&server);
    standing(directory, &index);
    // No fix is known, and what is malware is taken out by hand.
    database(directory, &[record("PYSEC-1", "plum", &[("introduced", "0")])]);
    fix(directory, &index, &[]).refused(Code::KnownVulnerability).stderr_has("no fixed version is known");
    database(directory, &[record("MAL-2024-1", "plum", &[("introduced", "0")])]);
    fix(directory, &index, &["--write"]).refused(Code::KnownMalware);
    // The fixed version is out of what the inputs allow: a part is cleared, the rest is told.
    let both = [
        record("PYSEC-1", "plum", &[("introduced", "0"), ("fixed", "4")]),
        record("PYSEC-2", "fig", &[("introduced", "0"), ("fixed", "2")]),
    ];
    database(directory, &both);
    let told = fix(directory, &index, &["--json"]).code(1);
    let document: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(document["left"].as_array().unwrap().len(), 1, "{}", told.told());
    assert!(document["left"][0].as_str().unwrap().ends_with("PYSEC-1"));
    assert!(document["changes"].to_string().contains("fig 1 -> 2"), "{}", told.told());
    // What does not fail is not moved.
    let low = json!({ "database_specific": { "severity": "LOW" } });
    database(directory, &[with(record("PYSEC-1", "plum", &[("introduced", "0"), ("fixed", "2")]), &low)]);
    fix(directory, &index, &["--fail-on", "high"]).ok().stdout_has("there is nothing to fix");
}

#[test]
fn a_lock_whose_options_are_not_known_is_left_alone() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = Server::start();
    let index = index(&server);
    write(directory, "old.txt", "plum==1\n");
    lock(directory, &index, &["plum", "-c", "old.txt", "--no-universal"]).ok();
    database(directory, &[record("PYSEC-1", "plum", &[("introduced", "0"), ("fixed", "2")])]);
    let before = text(directory, "pylock.toml");
    fix(directory, &index, &["--write"]).refused(Code::LockDrift).stderr_has("--upgrade-package");
    assert_eq!(text(directory, "pylock.toml"), before);
    // Requirements that pipward wrote are locked again as such.
    lock(
        directory,
        &index,
        &["plum<4", "--format", "requirements", "-o", "requirements.txt", "-c", "old.txt"],
    )
    .ok();
    fix(directory, &index, &["--write", "-r", "requirements.txt", "-r", "pylock.toml"]).code(2);
    fix(directory, &index, &["--format", "sarif"]).code(2);
}
