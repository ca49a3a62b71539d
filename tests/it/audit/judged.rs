//! What is made of findings: levels, ignored ids, VEX, malware.

use pipward::error::Code;
use serde_json::{Value, json};

use super::{audit, database, found, record, with};
use crate::support::run::scratch;
use crate::support::world::write;

const ALL: [(&str, &str); 1] = [("introduced", "0")];

fn severity(kind: &str, score: &str) -> Value {
    json!({ "severity": [{ "type": kind, "score": score }] })
}

/// The level and score that are told of a record.
#[track_caller]
fn level(more: &Value, expected: &str, score: Option<f64>) {
    let scratch = scratch();
    let directory = scratch.path();
    database(directory, &[with(record("PYSEC-1", "plum", &ALL), more)]);
    write(directory, "requirements.txt", "plum==1\n");
    let document: Value = serde_json::from_str(&audit(directory, &["--json"]).code(1).stdout).unwrap();
    let told = &document["findings"][0];
    assert_eq!((told["severity"].as_str().unwrap_or("unknown"), told["score"].as_f64()), (expected, score));
}

#[test]
fn severity_is_that_of_the_newest_vector_or_a_word() {
    let v3 = ("CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H");
    let v4 = ("CVSS_V4", "CVSS:4.0/AV:L/AC:H/AT:N/PR:L/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N");
    level(&severity(v3.0, v3.1), "critical", Some(9.8));
    level(&severity("CVSS_V3", "CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N"), "low", Some(3.1));
    level(&severity(v4.0, v4.1), "low", Some(2.0));
    let both = json!({ "severity": [{ "type": v3.0, "score": v3.1 }, { "type": v4.0, "score": v4.1 }] });
    level(&both, "low", Some(2.0));
    level(&json!({ "database_specific": { "severity": "MODERATE", "cwe_ids": [] } }), "medium", None);
    level(&severity("CVSS_V3", "nonsense"), "unknown", None);
    level(&json!({ "database_specific": { "severity": { "own": 1 } } }), "unknown", None);
    level(&json!({}), "unknown", None);
}

#[test]
fn what_is_less_severe_is_told_and_fails_nothing() {
    let scratch = scratch();
    let directory = scratch.path();
    let low = severity("CVSS_V3", "CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N");
    database(directory, &[with(record("PYSEC-1", "plum", &ALL), &low)]);
    write(directory, "requirements.txt", "plum==1\n");
    audit(directory, &["--fail-on", "low"]).code(1);
    audit(directory, &["--fail-on", "medium"])
        .ok()
        .stdout_has("low 3.1")
        .stdout_has("less severe than --fail-on");
    // What nobody rated counts as severe.
    database(directory, &[record("PYSEC-1", "plum", &ALL)]);
    audit(directory, &["--fail-on", "critical"]).code(1).stdout_has("of unknown severity");
    write(directory, "pipward.toml", "[audit]\nfail-on = 'critical'\n");
    database(directory, &[with(record("PYSEC-1", "plum", &ALL), &low)]);
    audit(directory, &[]).ok();
    audit(directory, &["--fail-on", "low"]).code(1);
}

#[test]
fn ignored_ids_have_a_reason_and_an_end() {
    let scratch = scratch();
    let directory = scratch.path();
    let alias = json!({ "aliases": ["CVE-2024-1"] });
    database(directory, &[with(record("PYSEC-1", "plum", &ALL), &alias), record("PYSEC-2", "peach", &ALL)]);
    write(directory, "requirements.txt", "plum==1\npeach==1\n");
    let ignore = |more: &str| {
        let text = format!("[[audit.ignore]]\nid = 'CVE-2024-1'\nreason = 'we never call it'\n{more}\n");
        write(directory, "pipward.toml", &text);
        audit(directory, &["--json"])
    };
    let document: Value = serde_json::from_str(&ignore("").code(1).stdout).unwrap();
    assert_eq!(document["findings"][1]["verdict"], "ignored");
    assert_eq!(document["findings"][1]["reason"], "we never call it");
    assert_eq!(document["findings"][0]["verdict"], "fails");
    ignore("until = 2999-01-01\npackage = 'plum'");
    audit(directory, &["--ignore", "PYSEC-2"]).ok().stdout_has("2 ignored");
    audit(directory, &["--ignore-vuln", "PYSEC-2", "-v"])
        .ok()
        .stdout_has("until 2999-01-01: we never call it");
    // One that has ended, or is for another project, does not count.
    ignore("until = 2020-01-01");
    audit(directory, &["--ignore", "PYSEC-2"])
        .code(1)
        .stdout_has("it was ignored at")
        .stdout_has("until 2020-01-01");
    ignore("package = 'peach'");
    audit(directory, &["--ignore", "PYSEC-2"]).code(1);
    for bad in [
        "[[audit.ignore]]\nid = 'PYSEC-1'",
        "[[audit.ignore]]\nid = 'PYSEC-1'\nreason = ' '",
        "[[audit.ignore]]\nid = 'PYSEC-1'\nreason = 'x'\nuntil = 'soon'",
        "[[audit.ignore]]\nid = 'MAL-2024-1'\nreason = 'x'",
        "[audit]\nmax-age = 'often'",
        "[audit]\nfail-on = 'none'",
        "[audit]\nsource = 'everywhere'",
        "[audit]\ndatabase = 'db'",
    ] {
        write(directory, "pipward.toml", bad);
        audit(directory, &[]).refused(Code::ConfigInvalid).stderr_has("pipward.toml:");
    }
}

#[test]
fn malware_is_never_passed_over() {
    let scratch = scratch();
    let directory = scratch.path();
    let named = json!({ "database_specific": { "severity": "LOW" }, "aliases": ["GHSA-1"] });
    database(directory, &[with(record("MAL-2024-1", "plum", &ALL), &named)]);
    write(directory, "requirements.txt", "plum==1\n");
    let statement = json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.org/1", "author": "a",
        "timestamp": "2024-06-01T00:00:00Z", "version": 1,
        "statements": [{ "vulnerability": { "name": "MAL-2024-1" }, "status": "fixed",
            "products": [{ "@id": "pkg:pypi/plum" }] }],
    });
    write(directory, "vex.json", &statement.to_string());
    let options =
        ["--fail-on", "critical", "--ignore", "MAL-2024-1", "--ignore", "GHSA-1", "--vex", "vex.json"];
    let told = audit(directory, &options).code(1);
    told.stdout_has("MALWARE (known-malware)").stdout_has("=> take plum out");
    let document: Value = serde_json::from_str(&audit(directory, &["--json"]).stdout).unwrap();
    assert_eq!(document["findings"][0]["code"], Code::KnownMalware.name());
    database(directory, &[record("PYSEC-1", "plum", &ALL)]);
    let document: Value = serde_json::from_str(&audit(directory, &["--json"]).stdout).unwrap();
    assert_eq!(document["findings"][0]["code"], Code::KnownVulnerability.name());
}

/// Whether a document clears PYSEC-1 (CVE-1) of plum 1.
#[track_caller]
fn cleared(document: &Value, expected: bool) {
    let scratch = scratch();
    let directory = scratch.path();
    let alias = json!({ "aliases": ["CVE-1"] });
    database(directory, &[with(record("PYSEC-1", "plum", &ALL), &alias)]);
    write(directory, "requirements.txt", "plum==1.0\n");
    write(directory, "vex.json", &document.to_string());
    let told = audit(directory, &["--vex", "vex.json", "--json"]).code(i32::from(!expected));
    assert_eq!(found(&told).len(), 1);
}

fn openvex(statements: &Value) -> Value {
    json!({ "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.org/1", "author": "a",
        "timestamp": "2024-06-01T00:00:00Z", "version": 1, "statements": statements })
}

#[test]
fn openvex_statements_count_for_what_they_name() {
    let one = |vulnerability: Value, product: Value, status: &str| {
        openvex(&json!([{ "vulnerability": vulnerability, "products": [product], "status": status,
            "justification": "vulnerable_code_not_present" }]))
    };
    let plum = json!({ "@id": "pkg:pypi/plum@1" });
    let name = json!({ "name": "PYSEC-1" });
    cleared(&one(name.clone(), plum.clone(), "not_affected"), true);
    cleared(&one(name.clone(), plum.clone(), "fixed"), true);
    cleared(&one(name.clone(), plum.clone(), "under_investigation"), false);
    cleared(&one(json!({ "name": "X", "aliases": ["CVE-1"] }), plum.clone(), "not_affected"), true);
    cleared(&one(json!("CVE-1"), json!("pkg:pypi/plum"), "not_affected"), true);
    cleared(&one(json!({ "name": "CVE-2" }), plum.clone(), "not_affected"), false);
    for other in ["pkg:pypi/plum@2", "pkg:pypi/peach@1", "pkg:npm/plum@1", "https://example.org/app"] {
        cleared(&one(name.clone(), json!({ "@id": other }), "not_affected"), false);
    }
    // An application with parts: the statement is about those of its parts that it names.
    let part =
        |purl: &str| json!({ "@id": "pkg:oci/app", "subcomponents": [{ "identifiers": { "purl": purl } }] });
    cleared(&one(name.clone(), part("pkg:pypi/plum@1.0?arch=any"), "not_affected"), true);
    cleared(&one(name.clone(), part("pkg:pypi/peach@1.0"), "not_affected"), false);
    // The latest statement counts.
    let dated = |status: &str, time: &str| {
        json!({ "vulnerability": name, "products": [plum], "status": status, "timestamp": time,
            "justification": "vulnerable_code_not_present", "action_statement": "update" })
    };
    let early = dated("not_affected", "2024-01-01T00:00:00Z");
    let late = dated("affected", "2024-02-01T00:00:00Z");
    cleared(&openvex(&json!([late, early])), false);
    cleared(&openvex(&json!([dated("affected", "2023-01-01T00:00:00Z"), early])), true);
}

#[test]
fn cyclonedx_analyses_count_for_what_they_name() {
    let one = |reference: &str, state: &str| {
        json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "components": [{ "type": "library", "name": "plum", "bom-ref": "c1", "purl": "pkg:pypi/plum@1.0" }],
            "vulnerabilities": [{ "id": "CVE-1", "analysis": { "state": state, "detail": "not built in" },
                "affects": [{ "ref": reference }] }] })
    };
    cleared(&one("c1", "not_affected"), true);
    cleared(&one("pkg:pypi/plum@1", "false_positive"), true);
    cleared(&one("urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#c1", "resolved"), true);
    cleared(&one("c1", "exploitable"), false);
    cleared(&one("c2", "not_affected"), false);
}

#[test]
fn vex_that_is_not_understood_is_refused() {
    let scratch = scratch();
    let directory = scratch.path();
    database(directory, &[record("PYSEC-1", "plum", &ALL)]);
    write(directory, "requirements.txt", "plum==1\n");
    let product = json!([{ "@id": "pkg:pypi/plum" }]);
    for bad in [
        json!([]),
        json!({ "bomFormat": "SPDX" }),
        json!({ "@context": "https://openvex.dev/ns/v0.2.0" }),
        openvex(
            &json!([{ "vulnerability": { "name": "PYSEC-1" }, "products": product, "status": "not_affected" }]),
        ),
        openvex(&json!([{ "vulnerability": { "name": "PYSEC-1" }, "products": product, "status": "fine" }])),
        openvex(&json!([{ "products": product, "status": "fixed" }])),
    ] {
        write(directory, "vex.json", &bad.to_string());
        audit(directory, &["--vex", "vex.json"]).refused(Code::VexInvalid).stderr_has("vex.json");
    }
    write(directory, "vex.json", "nonsense");
    audit(directory, &["--vex", "vex.json"]).refused(Code::VexInvalid);
}
