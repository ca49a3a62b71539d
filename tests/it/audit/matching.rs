//! Which versions a record affects, and which records are one finding.

use serde_json::{Value, json};

use super::{audit, database, found, record, with};
use crate::support::run::scratch;
use crate::support::world::write;

/// The versions of plum out of `versions` that a record affects.
#[track_caller]
fn affected(record: Value, versions: &[&str], expected: &[&str]) {
    let scratch = scratch();
    let directory = scratch.path();
    database(directory, &[record]);
    let mut hit = Vec::new();
    for version in versions {
        write(directory, "requirements.txt", &format!("plum=={version}\n"));
        let told = audit(directory, &["--json"]);
        // The exit status says the same as the document.
        let is_hit = !found(&told).is_empty();
        assert_eq!(told.code, Some(i32::from(is_hit)), "{}", told.told());
        if is_hit {
            hit.push(*version);
        }
    }
    assert_eq!(hit, expected);
}

#[test]
fn ranges_are_evaluated_as_the_osv_schema_says() {
    // Events in any order, several intervals in one range.
    let several = [("introduced", "3.9"), ("fixed", "3.19.1"), ("introduced", "0"), ("fixed", "3.8.1")];
    affected(
        record("PYSEC-1", "plum", &several),
        &["0.dev0", "3.8", "3.8.1", "3.8.5", "3.9", "3.10", "3.19.1"],
        &["0.dev0", "3.8", "3.9", "3.10"],
    );
    // The last one that is affected is affected; the fixed one is not.
    affected(
        record("PYSEC-1", "plum", &[("introduced", "1.0"), ("last_affected", "1.2")]),
        &["1.0.dev1", "1.0", "1.2", "1.2.post1", "1.2.1"],
        &["1.0", "1.2"],
    );
    // Pre-releases of the fixed version come before it.
    affected(
        record("PYSEC-1", "plum", &[("introduced", "0"), ("fixed", "2.0")]),
        &["2.0rc1", "2.0.dev1", "2.0", "1!0.1"],
        &["2.0rc1", "2.0.dev1"],
    );
    // "limit" ends a range as "fixed" does, and says nothing of a fix.
    affected(
        record("PYSEC-1", "plum", &[("introduced", "1"), ("limit", "2")]),
        &["0.9", "1.5", "2", "3"],
        &["1.5"],
    );
}

#[test]
fn listed_versions_are_compared_as_versions() {
    let listed = json!({ "affected": [{
        "package": { "ecosystem": "PyPI", "name": "Plum" },
        "versions": ["1.0", "v2.0-rc.1", "not a version"],
    }] });
    affected(
        with(record("PYSEC-1", "plum", &[]), &listed),
        &["1", "1.0.0", "1.0.1", "2.0rc1", "2.0"],
        &["1", "1.0.0", "2.0rc1"],
    );
    // A list and a range: either is enough.
    let both = json!({ "affected": [{
        "package": { "ecosystem": "PyPI", "name": "plum" },
        "versions": ["5"],
        "ranges": [
            { "type": "GIT", "repo": "https://example.org/plum", "events": [{ "introduced": "0" }] },
            { "type": "ECOSYSTEM", "events": [{ "introduced": "1" }, { "fixed": "2" }] },
        ],
    }] });
    affected(with(record("PYSEC-1", "plum", &[]), &both), &["0.1", "1.1", "2", "5"], &["1.1", "5"]);
}

#[test]
fn other_ecosystems_and_withdrawn_records_are_left_out() {
    let entry = |ecosystem: &str, name: &str| {
        json!({
            "package": { "ecosystem": ecosystem, "name": name },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }] }],
        })
    };
    // (A database without anything of PyPI is none.)
    let npm = json!({ "affected": [entry("npm", "plum"), entry("PyPI", "fig")] });
    affected(with(record("GHSA-1", "plum", &[]), &npm), &["1"], &[]);
    let everything = [("introduced", "0")];
    let withdrawn = json!({ "withdrawn": "2024-05-02T00:00:00Z" });
    affected(with(record("PYSEC-1", "plum", &everything), &withdrawn), &["1"], &[]);
    affected(record("PYSEC-1", "plum-tart", &everything), &["1"], &[]);
}

#[test]
fn aliases_are_one_finding_in_a_known_order_of_ids() {
    let scratch = scratch();
    let directory = scratch.path();
    let events = [("introduced", "0"), ("fixed", "2")];
    let record =
        |id: &str, aliases: &[&str]| with(record(id, "plum", &events), &json!({ "aliases": aliases }));
    database(
        directory,
        &[
            record("GHSA-2222", &["CVE-2024-1"]),
            record("PYSEC-2024-1", &["CVE-2024-2"]),
            // "transitive (If A aliases B and B aliases C, then A aliases C)"
            record("OSV-2024-1", &["CVE-2024-1", "CVE-2024-2"]),
            record("PYSEC-2024-9", &["CVE-2024-9"]),
        ],
    );
    write(directory, "requirements.txt", "plum==1\n");
    let told = audit(directory, &["--json"]).code(1);
    assert_eq!(found(&told), ["plum 1 PYSEC-2024-1", "plum 1 PYSEC-2024-9"]);
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    let aliases = &document["findings"][0]["aliases"];
    assert_eq!(aliases, &json!(["GHSA-2222", "CVE-2024-1", "CVE-2024-2", "OSV-2024-1"]));
}

#[test]
fn fixes_are_newer_and_not_affected_themselves() {
    let scratch = scratch();
    let directory = scratch.path();
    let several = [("introduced", "0"), ("fixed", "1.9"), ("introduced", "2.0"), ("fixed", "2.4")];
    let alias = json!({ "aliases": ["CVE-1"] });
    // The other record of the same vulnerability knows that 2.4 was not enough.
    let other = record("GHSA-1", "plum", &[("introduced", "2.0"), ("fixed", "2.5")]);
    database(
        directory,
        &[
            with(record("PYSEC-1", "plum", &several), &alias),
            with(other, &alias),
            record("PYSEC-2", "plum", &[("introduced", "2.1"), ("fixed", "2.6")]),
        ],
    );
    write(directory, "requirements.txt", "plum==2.2\n");
    let told = audit(directory, &["--json"]).code(1);
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(document["findings"][0]["fixed-in"], json!(["1.9", "2.4", "2.5"]));
    assert_eq!(document["findings"][0]["fixes"], json!(["2.5"]));
    assert_eq!(document["fixes"], json!([{ "package": "plum", "from": "2.2", "to": "2.6" }]));
    audit(directory, &[]).code(1).stdout_has("=> move to 2.6: ");
}

#[test]
fn what_decides_is_understood_or_refused() {
    let scratch = scratch();
    let directory = scratch.path();
    let code = pipward::error::Code::AdvisoryInvalid;
    let base = || record("PYSEC-1", "plum", &[("introduced", "0")]);
    let affected = |ranges: Value| json!({ "affected": [{ "package": { "ecosystem": "PyPI", "name": "plum" }, "ranges": ranges }] });
    let bad = [
        (json!({ "schema_version": "2.0.0" }), "schema_version"),
        (
            affected(json!([{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "mended": "2" }] }])),
            "not known",
        ),
        (affected(json!([{ "type": "ECOSYSTEM", "events": [{ "fixed": "2" }] }])), "introduced"),
        (
            affected(json!([{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "two" }] }])),
            "`two`",
        ),
        (affected(json!([{ "type": "CALENDAR", "events": [] }])), "type"),
        (json!({ "id": 7 }), "not a record"),
    ];
    for (change, why) in bad {
        let record = with(base(), &change);
        std::fs::create_dir_all(directory.join("db")).unwrap();
        write(&directory.join("db"), "PYSEC-1.json", &record.to_string());
        write(directory, "requirements.txt", "plum==1\n");
        let told = audit(directory, &[]).refused(code);
        assert!(told.stderr.contains(why) && told.stderr.contains("PYSEC-1.json"), "{why}: {}", told.told());
        // A record that is not asked for need not be understood.
        write(directory, "requirements.txt", "peach==1\n");
        audit(directory, &[]).ok();
    }
    // Nor one that is ignored by its id.
    let broken = with(base(), &affected(json!([{ "type": "CALENDAR", "events": [] }])));
    database(directory, &[broken]);
    write(directory, "requirements.txt", "plum==1\n");
    audit(directory, &["--ignore", "PYSEC-1"]).ok();
    // What is no JSON at all could be about anything.
    write(&directory.join("db"), "x.json", "{");
    write(directory, "requirements.txt", "peach==1\n");
    audit(directory, &[]).refused(code);
}
