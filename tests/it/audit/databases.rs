//! Databases on this machine: their layouts, what is kept, and how old data may be.

use std::path::Path;

use pipward::error::Code;
use serde_json::{Value, json};

use super::{database, found, record, with};
use crate::support::loudly;
use crate::support::run::{Output, pipward, scratch};
use crate::support::server::{Response, Server};
use crate::support::world::{text, write};

const ALL: [(&str, &str); 1] = [("introduced", "0")];

fn audit(directory: &Path, db: &str, arguments: &[&str]) -> Output {
    pipward(["audit", "-r", "requirements.txt", "--db", db]).args(arguments).dir(directory).run()
}

/// An export of records.
fn export(records: &[Value]) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for record in records {
        let name = format!("{}.json", record["id"].as_str().unwrap());
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(record.to_string().as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

const YAML: &str = "\
id: PYSEC-2024-7
modified: \"2024-03-02T00:00:00Z\"
details: 'Plum lets strangers in. It did so for long:
  since 1.0.'
aliases:
- CVE-2024-7
affected:
- package:
    name: plum_Tart
    ecosystem: PyPI
    purl: pkg:pypi/plum-tart
  ranges:
  - type: GIT
    repo: https://example.org/plum
    events:
    - introduced: \"0\"
  - type: ECOSYSTEM
    events:
    - introduced: \"0\"
    - fixed: 1.10
  versions:
  - 1.2
severity:
- type: CVSS_V3
  score: CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H
";

#[test]
fn every_layout_is_a_database() {
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "requirements.txt", "plum-tart==1.9\n");
    let one = record("PYSEC-2024-7", "plum-tart", &[("introduced", "0"), ("fixed", "1.10")]);
    database(directory, std::slice::from_ref(&one));
    for place in ["scanner/osv-scanner/PyPI", "osv/PyPI", "pypa/vulns/plum-tart", "pypa/.github"] {
        std::fs::create_dir_all(directory.join(place)).unwrap();
    }
    std::fs::write(directory.join("one.zip"), export(std::slice::from_ref(&one))).unwrap();
    std::fs::write(directory.join("osv/PyPI/all.zip"), export(std::slice::from_ref(&one))).unwrap();
    std::fs::write(directory.join("scanner/osv-scanner/PyPI/all.zip"), export(&[one])).unwrap();
    write(directory, "pypa/vulns/plum-tart/PYSEC-2024-7.yaml", YAML);
    write(directory, "pypa/.github/workflow.yml", "plum-tart: [");
    write(directory, "pypa/other.yaml", "plum-tart: [");
    for place in ["db", "one.zip", "osv", "scanner", "pypa"] {
        let told = audit(directory, place, &["--json"]).code(1);
        assert_eq!(found(&told), ["plum-tart 1.9 PYSEC-2024-7"], "{place}");
        let document: Value = serde_json::from_str(&told.stdout).unwrap();
        // 1.10 is a version, also where YAML could take it for a number.
        assert_eq!(document["findings"][0]["fixes"], json!(["1.10"]), "{place}");
        assert_eq!(document["data"]["records"], 1, "{place}");
    }
    // What has no summary is told by the first sentence of its details.
    audit(directory, "pypa", &[]).stdout_has("critical 9.8, fixed in 1.10: Plum lets strangers in\n");
    let quoted =
        YAML.replace("name: plum_Tart", "name: \"plum\\x2dtart\"").replace("pkg:pypi/plum-tart", "x");
    write(directory, "pypa/vulns/plum-tart/PYSEC-2024-7.yaml", &quoted);
    audit(directory, "pypa", &[]).code(1);
    // A record whose range cannot be ordered stops the audit of its project alone, and not of one that it tells of.
    let odd = YAML.replace("fixed: 1.10", "fixed: 1.10-n653");
    write(directory, "pypa/vulns/plum-tart/PYSEC-2024-7.yaml", &odd.replace("strangers", "lemon"));
    audit(directory, "pypa", &[]).refused(Code::AdvisoryInvalid).stderr_has("`1.10-n653`");
    write(directory, "requirements.txt", "lemon==1\n");
    audit(directory, "pypa", &[]).ok();
    write(directory, "requirements.txt", "plum-tart==1.9\n");
    write(directory, "pypa/vulns/plum-tart/PYSEC-2024-7.yaml", "affected: [plum-tart");
    audit(directory, "pypa", &[]).refused(Code::AdvisoryInvalid).stderr_has("PYSEC-2024-7.yaml");
}

#[test]
fn an_empty_place_is_no_database() {
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "requirements.txt", "plum==1\n");
    std::fs::create_dir(directory.join("empty")).unwrap();
    std::fs::write(directory.join("empty.zip"), export(&[])).unwrap();
    write(directory, "text.zip", "this is no archive");
    audit(directory, "empty", &[]).refused(Code::AdvisoriesMissing);
    audit(directory, "none", &[]).refused(Code::AdvisoriesMissing);
    audit(directory, "empty.zip", &[]).refused(Code::AdvisoriesMissing);
    audit(directory, "text.zip", &[]).refused(Code::AdvisoryInvalid);
    // An export that ended early says how to have it whole; one of other ecosystems is none of ours.
    let whole = export(&[record("PYSEC-1", "plum", &ALL)]);
    let cut = whole.get(..whole.len() - 10).unwrap();
    std::fs::write(directory.join("cut.zip"), cut).unwrap();
    audit(directory, "cut.zip", &[]).refused(Code::AdvisoryInvalid).stderr_has("--update-db");
    let mut other = record("GHSA-1", "plum", &ALL);
    other["affected"][0]["package"]["ecosystem"] = "npm".into();
    std::fs::write(directory.join("npm.zip"), export(std::slice::from_ref(&other))).unwrap();
    audit(directory, "npm.zip", &[])
        .refused(Code::AdvisoriesMissing)
        .stderr_has("none of its 1 records is about a project of PyPI");
    database(directory, &[other]);
    audit(directory, "db", &[]).refused(Code::AdvisoriesMissing);
    pipward(["audit", "--update-db", "npm.zip"])
        .dir(directory)
        .env("PIPWARD_CACHE_DIR", directory.join("cache"))
        .run()
        .refused(Code::AdvisoryInvalid);
    let nothing = pipward(["audit", "-r", "requirements.txt"]).dir(directory).run();
    nothing.refused(Code::AdvisoriesMissing).stderr_has("--update-db");
}

#[test]
fn a_database_is_kept_with_its_time() {
    let scratch = scratch();
    let directory = scratch.path();
    let cache = directory.join("cache");
    write(directory, "requirements.txt", "plum==1\n");
    let run = |arguments: &[&str]| {
        pipward(["audit"]).args(arguments).dir(directory).env("PIPWARD_CACHE_DIR", &cache).run()
    };
    std::fs::write(directory.join("all.zip"), export(&[record("PYSEC-1", "plum", &ALL)])).unwrap();
    let told = run(&["--update-db", "all.zip"]).ok();
    told.stderr_has("Keeps 1 advisories of 2024-05-01T12:00:00Z from all.zip");
    run(&["-r", "requirements.txt"])
        .code(1)
        .stdout_has("Compared with 1 advisories as of 2024-05-01T12:00:00Z");
    let server = Server::start();
    let two = export(&[record("PYSEC-1", "plum", &ALL), record("PYSEC-2", "peach", &ALL)]);
    let dated = Response::ok(two).header("Last-Modified", "Sat, 01 Jun 2024 10:00:00 GMT");
    server.serve("/PyPI/all.zip", dated);
    run(&["--update-db", &server.url("/PyPI/all.zip")])
        .ok()
        .stderr_has("Keeps 2 advisories of 2024-06-01T10:00:00Z");
    // With something to audit, both is done.
    let both = run(&["--update-db", &server.url("/PyPI/all.zip"), "-r", "requirements.txt", "--json"]);
    assert_eq!(found(&both.code(1)), ["plum 1 PYSEC-1"]);
    // What cannot be read is not kept.
    server.serve("/bad.zip", Response::ok("<html>"));
    run(&["--update-db", &server.url("/bad.zip")]).refused(Code::AdvisoryInvalid);
    run(&["--update-db", &server.url("/none.zip")]).refused(Code::FileNotFound);
    run(&["--update-db", "http://example.org/all.zip"]).refused(Code::AddressRefused);
    std::fs::write(directory.join("empty.zip"), export(&[])).unwrap();
    run(&["--update-db", "empty.zip"]).refused(Code::AdvisoryInvalid);
    run(&["-r", "requirements.txt"]).code(1).stdout_has("2 advisories");
    run(&["--update-db", "all.zip", "--no-cache-dir"]).refused(Code::AdvisoriesMissing);
}

#[test]
fn old_data_is_no_answer() {
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "requirements.txt", "plum==1\n");
    database(directory, &[record("PYSEC-1", "plum", &ALL)]);
    write(directory, "pipward.toml", "[audit]\nmax-age = '7d'\n");
    audit(directory, "db", &[]).refused(Code::AdvisoriesStale).stderr_has("2024-05-01T12:00:00Z");
    // A time to come is none.
    let tomorrow = json!({ "modified": "2999-01-01T00:00:00Z" });
    database(directory, &[with(record("PYSEC-1", "plum", &ALL), &tomorrow)]);
    audit(directory, "db", &[]).refused(Code::AdvisoriesStale).stderr_has("does not tell its time");
    let now = jiff::Timestamp::now().to_string();
    database(
        directory,
        &[record("PYSEC-1", "plum", &ALL), with(record("X-2", "other", &ALL), &json!({ "modified": now }))],
    );
    audit(directory, "db", &[]).code(1);
}

#[test]
fn locks_and_environments_are_audited_by_their_lines() {
    let scratch = scratch();
    let directory = scratch.path();
    database(directory, &[record("PYSEC-1", "pipward-demo-hello", &ALL)]);
    let lock = crate::support::run::vendored("pylock.toml");
    let lines = std::fs::read_to_string(&lock).unwrap();
    let line = lines.lines().take_while(|line| *line != "name = \"pipward-demo-hello\"").count();
    let told = pipward(["audit", "--db", "db", "--json", "-r"]).arg(&lock).dir(directory).run().code(1);
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(document["findings"][0]["place"]["line"], json!(line), "{}", told.told());
    pipward(["install", "--venv", "env", "-r"]).arg(&lock).dir(directory).run().ok();
    let told = pipward(["audit", "env", "--db", "db", "--json"]).dir(directory).run().code(1);
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    let place = document["findings"][0]["place"]["file"].as_str().unwrap();
    assert!(place.ends_with(".dist-info"), "{place}");
    // Without either it is the lock of this directory.
    write(directory, "pylock.toml", &lines);
    pipward(["audit", "--db", "db"]).dir(directory).run().code(1).stdout_has("pylock.toml:");
    write(directory, "open.txt", "plum>=1\n");
    let open = pipward(["audit", "-r", "open.txt", "--db", "db"]).dir(directory).run();
    open.refused(Code::PinMissing).stderr_has("open.txt:1");
    pipward(["audit", "-r", "none.txt", "--db", "db"]).dir(directory).run().refused(Code::LockNotFound);
    // So is source in requirements: what is at an address leaves the audit without an answer, one's own does not.
    let source = |line: &str| {
        write(directory, "source.txt", &format!("plum==1\n{line}\n"));
        pipward(["audit", "-r", "source.txt", "--db", "db"]).dir(directory).run()
    };
    source("gitty @ git+https://example.org/g")
        .refused(Code::AuditIncomplete)
        .stderr_has("gitty was not audited");
    source("https://example.org/x.tar.gz").refused(Code::AuditIncomplete).stderr_has("source.txt:2");
    source("-e .").ok().stdout_has("Clean: 1 of 2 packages in source.txt; 1 left out on purpose.");
    let two = [record("PYSEC-1", "plum", &ALL), record("PYSEC-2", "peach", &ALL)];
    database(directory, &two);
    source("-e .")
        .code(1)
        .stdout_has("1 known vulnerability in 1 of 2 packages in source.txt; 1 left out on purpose.");
    database(directory, &[record("PYSEC-1", "pipward-demo-hello", &ALL)]);
    source("--trusted-host example.org").refused(Code::OptionRefused);
    std::fs::write(directory.join("odd.txt"), b"plum==1\xff\xfe\x00\n").unwrap();
    let odd = pipward(["audit", "-r", "odd.txt", "--db", "db"]).dir(directory).run();
    assert!(!odd.stderr.contains("no such file") && odd.code != Some(0), "{}", odd.told());
    // What has no version is told, never left out in silence.
    let git = "\n[[packages]]\nname = \"gitty\"\nvcs = { type = \"git\", url = \"https://example.org/g\", commit-id = \"abc\" }\n";
    write(directory, "pylock.toml", &(text(directory, "pylock.toml") + git));
    pipward(["audit", "--db", "db"]).dir(directory).run().code(1).stderr_has("gitty was not audited");
}

#[test]
fn twenty_thousand_records_are_read_and_three_hundred_packages_looked_up() {
    if !crate::support::long() {
        return loudly("PIPWARD_TEST_LONG is not set: a database of 20,000 records is not timed");
    }
    let scratch = scratch();
    let directory = scratch.path();
    let records: Vec<Value> = (0..20_000)
        .map(|nth| {
            let versions: Vec<String> = (0..40).map(|patch| format!("1.{}.{patch}", nth % 7)).collect();
            let mut one = record(
                &format!("PYSEC-{nth}"),
                &format!("p{}", nth % 9000),
                &[("introduced", "0"), ("fixed", "2")],
            );
            one["affected"][0]["versions"] = json!(versions);
            one["details"] = "A story of some length about what went wrong. ".repeat(40).into();
            one
        })
        .collect();
    std::fs::write(directory.join("all.zip"), export(&records)).unwrap();
    let lines: String = (0..300).map(|nth| format!("p{}==1.0.1\n", nth * 7)).collect();
    write(directory, "requirements.txt", &lines);
    let start = std::time::Instant::now();
    let told = audit(directory, "all.zip", &["--json"]).code(1);
    let packages: std::collections::BTreeSet<String> =
        found(&told).iter().map(|row| row.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(packages.len(), 300);
    loudly(&format!("20,000 records and 300 packages: {:?}", start.elapsed()));
}
