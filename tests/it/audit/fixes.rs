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
    // What is found is told first.
    told.stdout_has("plum 1 (pylock.toml:").stdout_has("plum 1 -> 3").stdout_has("--write makes it");
    assert_eq!(text(directory, "pylock.toml"), before);
    fix(directory, &index, &["--write"]).ok().stdout_has("nothing that fails the audit is left");
    assert_eq!(packages(directory), ["fig 1", "plum 3", "tart 1"]);
    fix(directory, &index, &["--write"]).ok().stdout_has("There is nothing to fix.");
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
    let before = text(directory, "pylock.toml");
    fix(directory, &index, &["--write"])
        .code(1)
        .stderr_has("plum 1 stays, with PYSEC-1: all 4 newer versions have it too")
        .stdout_has("No change of the lock clears any of what fails the audit.");
    database(directory, &[record("MAL-2024-1", "plum", &[("introduced", "0")])]);
    fix(directory, &index, &["--write"])
        .code(1)
        .stderr_has("plum 1 stays, with MAL-2024-1: it is malware, and no newer version is free of it; take plum out by hand");
    assert_eq!(text(directory, "pylock.toml"), before);
    // The fixed version is out of what the inputs allow: a part is cleared, the rest is told.
    let both = [
        record("PYSEC-1", "plum", &[("introduced", "0"), ("fixed", "4")]),
        record("PYSEC-2", "fig", &[("introduced", "0"), ("fixed", "2")]),
    ];
    database(directory, &both);
    let told = fix(directory, &index, &["--json"]).code(1);
    let document: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(document["left"].as_array().unwrap().len(), 1, "{}", told.told());
    assert_eq!(document["left"][0]["ids"], json!(["PYSEC-1"]));
    let reason = document["left"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("4 is the lowest version without it") && reason.contains("tart"), "{reason}");
    assert!(document["changes"].to_string().contains("fig 1 -> 2"), "{}", told.told());
    let told = fix(directory, &index, &[]);
    assert!(!told.stderr.contains("\\u{a}"), "{}", told.told());
    told.stdout_has("This change leaves 1 of 2 findings that fail the audit; --write makes it.");
    // What does not fail is not moved.
    let low = json!({ "database_specific": { "severity": "LOW" } });
    database(directory, &[with(record("PYSEC-1", "plum", &[("introduced", "0"), ("fixed", "2")]), &low)]);
    fix(directory, &index, &["--fail-on", "high"]).ok().stdout_has("There is nothing to fix.");
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

/// An index with releases of plum, peach and fig, all of them old, and without anything that they need.
fn orchard(server: &Server) -> String {
    let published = |name: &str, version: &str| Published {
        upload_time: Some("2024-01-01T00:00:00Z".to_owned()),
        ..Published::new(wheel(name, version).build())
    };
    let mut all: Vec<Published> =
        ["1", "1.5", "2", "3"].into_iter().map(|it| published("plum", it)).collect();
    all.extend(["1", "2", "3", "4"].into_iter().map(|it| published("peach", it)));
    all.extend(["1", "2", "3"].into_iter().map(|it| published("fig", it)));
    offer(server, all)
}

/// A lock of the first releases, of `inputs`.
fn first(directory: &Path, index: &str, inputs: &str) {
    write(directory, "requirements.in", inputs);
    write(directory, "old.txt", "plum==1\npeach==1\nfig==1\n");
    let _ = std::fs::remove_file(directory.join("pylock.toml"));
    lock(directory, index, &["-r", "requirements.in", "-c", "old.txt"]).ok();
    write(directory, "old.txt", "");
    lock(directory, index, &["-r", "requirements.in", "-c", "old.txt"]).ok();
    assert_eq!(packages(directory), ["fig 1", "peach 1", "plum 1"]);
}

#[test]
fn one_that_cannot_be_fixed_keeps_no_other_from_its_lowest_version() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = Server::start();
    let index = orchard(&server);
    first(directory, &index, "fig\npeach<3\nplum\n");
    let all = |name: &str, fixed: &str| {
        record(&format!("PYSEC-{name}"), name, &[("introduced", "0"), ("fixed", fixed)])
    };
    database(directory, &[all("plum", "1.5"), all("peach", "3"), all("fig", "2")]);
    let told = fix(directory, &index, &["--write"]).code(1);
    told.stdout_has("Changed: 1 of 3 findings that fail the audit are left.").stderr_has(
        "peach 1 stays, with PYSEC-peach: 3 is the lowest version without it, which `peach<3` at requirements.in:2 leaves out",
    );
    assert_eq!(packages(directory), ["fig 2", "peach 1", "plum 1.5"]);
    // A bound that leaves out the lowest, and not the next.
    first(directory, &index, "fig\npeach!=3\nplum\n");
    fix(directory, &index, &["--write"]).ok();
    assert_eq!(packages(directory), ["fig 2", "peach 4", "plum 1.5"]);
}

#[test]
fn a_record_that_names_no_fix_is_fixed_by_the_lowest_version_that_it_leaves_out() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = Server::start();
    let index = orchard(&server);
    first(directory, &index, "fig\npeach\nplum\n");
    let mut listed = record("PYSEC-2", "fig", &[("introduced", "5")]);
    listed["affected"][0]["versions"] = json!(["1", "2"]);
    listed["affected"][0].as_object_mut().unwrap().remove("ranges");
    let ranged = record("PYSEC-1", "plum", &[("introduced", "0"), ("last_affected", "1.5")]);
    database(directory, &[ranged, listed]);
    pipward(["audit", "--db", "db"]).dir(directory).run().code(1).stdout_has("not in versions after 1.5");
    fix(directory, &index, &["--write"]).ok();
    assert_eq!(packages(directory), ["fig 3", "peach 1", "plum 2"]);
}

#[test]
fn requirements_are_locked_again_from_what_they_were_made_from() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = Server::start();
    let index = orchard(&server);
    database(directory, &[record("PYSEC-1", "plum", &[("introduced", "0"), ("fixed", "1.5")])]);
    let pins = "fig==1\npeach==1\nplum==1\n";
    write(directory, "requirements.txt", pins);
    // Nobody knows what it was made from: what is found is told all the same, and what to do.
    let told = fix(directory, &index, &["-r", "requirements.txt", "--write"]).refused(Code::LockDrift);
    told.stdout_has("plum 1 (requirements.txt:3)").stdout_has("PYSEC-1").stderr_has("requirements.in");
    let told = fix(directory, &index, &["-r", "requirements.txt", "--json"]).code(1);
    let document: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(document["findings"].as_array().unwrap().len(), 1);
    assert_eq!(document["problems"][0]["code"], "lock-drift");
    assert_eq!(text(directory, "requirements.txt"), pins);
    write(directory, "requirements.in", "fig\npeach\nplum\n");
    let told = fix(directory, &index, &["-r", "requirements.txt", "--write"]).ok();
    told.stderr_has("of another tool");
    let written = text(directory, "requirements.txt");
    assert!(written.contains("plum==1.5") && written.contains("fig==1 "), "{written}");
    // As pip-compile and uv note it.
    write(directory, "requirements.txt", &format!("{pins}    # via -r base.in\n"));
    std::fs::rename(directory.join("requirements.in"), directory.join("base.in")).unwrap();
    fix(directory, &index, &["-r", "requirements.txt", "--write"]).ok();
    assert!(text(directory, "requirements.txt").contains("plum==1.5"));
}

#[test]
fn where_the_fix_is_for_newer_pythons_they_get_it() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = Server::start();
    let index = offer(
        &server,
        vec![
            Published::new(wheel("plum", "1").build()).uploaded("2024-01-01T00:00:00Z"),
            Published {
                requires_python: Some(">=3.12".to_owned()),
                ..Published::new(wheel("plum", "2").requires_python(">=3.12").build())
            }
            .uploaded("2024-01-01T00:00:00Z"),
        ],
    );
    write(directory, "old.txt", "plum==1\n");
    write(directory, "requirements.in", "plum\n");
    let python = ["--python-version", "3.10"];
    lock(directory, &index, &[&["-r", "requirements.in", "-c", "old.txt"][..], &python].concat()).ok();
    write(directory, "old.txt", "");
    lock(directory, &index, &["-r", "requirements.in", "-c", "old.txt"]).ok();
    assert_eq!(packages(directory), ["plum 1"]);
    database(directory, &[record("PYSEC-1", "plum", &[("introduced", "0"), ("fixed", "2")])]);
    fix(directory, &index, &["--write"])
        .code(1)
        .stderr_has(
            "plum 1 stays, with PYSEC-1: 2 is the lowest version without it, and for Python >=3.12 alone",
        )
        .stdout_has("Changed: 1 of 1 findings that fail the audit are left.");
    assert_eq!(
        packages(directory),
        ["plum 1 ; python_version < '3.12'", "plum 2 ; python_version >= '3.12'"]
    );
}

#[test]
fn malware_is_left_for_the_next_version_that_has_waited() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = Server::start();
    let index = index(&server);
    standing(directory, &index);
    let record_of = |versions: &[&str]| {
        with(
            record("MAL-2024-1", "plum", &[]),
            &json!({ "affected": [{
            "package": { "ecosystem": "PyPI", "name": "plum" }, "versions": versions,
        }] }),
        )
    };
    database(directory, &[record_of(&["1"])]);
    fix(directory, &index, &["--write"]).ok().stdout_has("take plum out");
    assert_eq!(packages(directory), ["fig 1", "plum 2", "tart 1"]);
    // The next one is an hour old: whoever made the bad one may have made it.
    database(directory, &[record_of(&["1", "2"])]);
    let told = fix(directory, &index, &["--write"]).code(1).stderr_has("plum 2 stays, with MAL-2024-1");
    told.stderr_has("3 is the lowest version without it");
    assert_eq!(packages(directory), ["fig 1", "plum 2", "tart 1"]);
}

#[test]
fn an_input_that_leaves_the_fix_out_is_named() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = Server::start();
    let index = index(&server);
    write(directory, "requirements.in", "plum==1\nfig<2\n");
    lock(directory, &index, &["-r", "requirements.in"]).ok();
    let records = [
        record("PYSEC-1", "plum", &[("introduced", "0"), ("fixed", "2")]),
        record("PYSEC-2", "fig", &[("introduced", "0"), ("fixed", "1.5")]),
    ];
    database(directory, &records);
    let told = pipward(["audit", "--db", "db"]).dir(directory).run().code(1);
    told.stdout_has(
        "=> move to 2: let `plum==1` (requirements.in) allow it, then pipward lock --upgrade-package plum==2",
    )
    .stdout_has("=> move to 1.5: pipward lock --upgrade-package fig==1.5");
}
