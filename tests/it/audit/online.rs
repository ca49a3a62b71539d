//! Advisories of the index and of the OSV service, from loopback servers that answer in the documented form.

use std::path::Path;

use pipward::error::Code;
use serde_json::{Value, json};

use super::{found, record, with};
use crate::support::run::{Output, pipward, scratch};
use crate::support::server::{Response, Server};
use crate::support::world::write;

fn audit(directory: &Path, arguments: &[&str]) -> Output {
    pipward(["audit", "-r", "requirements.txt", "--json", "--retries", "0"])
        .args(arguments)
        .dir(directory)
        .run()
}

/// What an index says of a release that nothing is known against.
fn clean(name: &str, version: &str) -> String {
    json!({ "info": { "name": name, "version": version }, "vulnerabilities": [] }).to_string()
}

#[test]
fn the_json_of_each_release_is_asked() {
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "requirements.txt", "plum==1.0+local\npeach==2\nfig==3\nacme-secret==1\n");
    let server = Server::start();
    let told = json!({ "info": { "name": "Plum", "version": "1.0" }, "urls": [], "vulnerabilities": [
        { "id": "PYSEC-1", "aliases": ["CVE-1"], "details": "A story.", "summary": null, "fixed_in": ["1.1", "2.0"],
          "link": "https://osv.dev/vulnerability/PYSEC-1", "source": "osv", "withdrawn": null },
        { "id": "PYSEC-2", "aliases": [], "details": "", "fixed_in": [], "link": "", "source": "osv",
          "withdrawn": "2024-01-01T00:00:00Z" },
    ] });
    server.serve("/pypi/plum/1.0+local/json", Response::ok(told.to_string()));
    server.serve("/pypi/peach/2/json", Response::ok(clean("peach", "2")));
    write(
        directory,
        "pipward.toml",
        "[[index]]\nname = 'own'\nurl = 'https://own.example/simple/'\npackages = ['acme-*']\n",
    );
    let index = server.url("/simple/");
    let told = audit(directory, &["--source", "pypi", "-i", &index]).code(1);
    assert_eq!(found(&told), ["plum 1.0+local PYSEC-1"]);
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(document["findings"][0]["fixes"], json!(["1.1", "2.0"]));
    let skipped: Vec<&str> =
        document["skipped"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(skipped, ["acme-secret", "fig"]);
    // A name that an own index has is told to nobody.
    assert!(server.requests().iter().all(|request| !request.path.contains("acme")));
    write(directory, "pipward.toml", "[audit]\nsource = 'pypi'\n");
    audit(directory, &["-i", &index]).code(1);
    for other in
        ["{}".to_owned(), clean("peach", "3"), clean("plum", "2"), r#"{"vulnerabilities":[]}"#.to_owned()]
    {
        server.serve("/pypi/peach/2/json", Response::ok(other));
        audit(directory, &["-i", &index]).code(3);
    }
    audit(directory, &["-i", &server.url("/other/")]).code(2);
    server.serve("/pypi/peach/2/json", Response::status(500));
    audit(directory, &["-i", &index]).code(3);
    audit(directory, &["-i", "http://index.example/simple/"])
        .code(Code::AddressRefused.exit_class().status().into());
}

#[test]
fn what_nobody_could_be_asked_about_is_not_told_clean() {
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "requirements.txt", "fig==3\nplum==1\n");
    let server = Server::start();
    let index = server.url("/simple/");
    let form = |form: &str| {
        let arguments = ["audit", "-r", "requirements.txt", "--retries", "0", "--source", "pypi"];
        pipward(arguments).args(["-i", &index, "--format", form]).dir(directory).run()
    };
    let told = form("text").refused(Code::AuditIncomplete);
    told.stdout_has(
        "Not complete: nothing is known of 0 of 2 packages in requirements.txt; 2 could not be looked up.",
    )
    .stderr_has("fig, plum");
    server.serve("/pypi/plum/1/json", Response::ok(clean("plum", "1")));
    let told = form("json").code(3);
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(
        (&document["ok"], &document["packages"], &document["asked"]),
        (&json!(false), &json!(2), &json!(1))
    );
    let told = form("pip-audit").code(3);
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    let names: Vec<&str> = document["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["plum", "fig"]);
    let told = form("sarif").code(3);
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(document["runs"][0]["invocations"][0]["executionSuccessful"], json!(false));
    form("github").code(3).stdout_has("::error title=audit-incomplete::1 of 2 packages");
    // Who knows why says so, with a reason; and nothing is found in what was asked.
    let known = "[[audit.unanswered]]\npackage = 'fig'\nreason = 'our own build of it'\n";
    write(directory, "pipward.toml", known);
    form("text")
        .ok()
        .stdout_has("Clean: 1 of 2 packages in requirements.txt; 1 left out on purpose.")
        .stderr_has("which is known: our own build of it");
    write(directory, "pipward.toml", &format!("{known}until = 2020-01-01\n"));
    form("text").code(3);
    write(directory, "pipward.toml", &known.replace("our own build of it", " "));
    form("text").refused(Code::ConfigInvalid);
    // A build of a public version is looked up as that.
    write(directory, "pipward.toml", "");
    write(directory, "requirements.txt", "plum==1+cpu\n");
    form("text").ok().stdout_has("Clean: 1 package in");
}

#[test]
fn the_osv_service_is_asked_in_batches_and_pages() {
    let scratch = scratch();
    let directory = scratch.path();
    let mut lines: String = (0..1100).map(|nth| format!("p{nth}==1\n")).collect();
    lines.push_str("plum==1+cpu\n");
    write(directory, "requirements.txt", &lines);
    let server = Server::start();
    server.on("/v1/querybatch", |request, _| {
        assert_eq!(request.header("Content-Type"), Some("application/json"));
        let asked: Value = serde_json::from_slice(&request.body).unwrap();
        let queries = asked["queries"].as_array().unwrap();
        assert!(queries.len() <= 1000);
        let results: Vec<Value> = queries
            .iter()
            .map(|query| {
                assert_eq!(query["package"]["ecosystem"], "PyPI");
                // A build of a version is asked about as that.
                assert_eq!(query["version"], "1");
                match (query["package"]["name"].as_str().unwrap(), query["page_token"].as_str()) {
                    ("plum", None) => json!({ "vulns": [{ "id": "PYSEC-1", "modified": "2024-01-01T00:00:00Z" }], "next_page_token": "two" }),
                    ("plum", Some("two")) => json!({ "vulns": [{ "id": "GHSA-1" }, { "id": "PYSEC-3" }] }),
                    ("p7", None) => json!({ "vulns": [{ "id": "PYSEC-7" }], "next_page_token": "" }),
                    _ => json!({}),
                }
            })
            .collect();
        Response::ok(json!({ "results": results }).to_string())
    });
    let serve = |record: Value| {
        let path = format!("/v1/vulns/{}", record["id"].as_str().unwrap());
        server.serve(&path, Response::ok(record.to_string()));
    };
    let old = [("introduced", "0"), ("fixed", "1.5")];
    serve(record("PYSEC-1", "plum", &old));
    serve(with(record("GHSA-1", "plum", &old), &json!({ "aliases": ["PYSEC-1"] })));
    serve(with(record("PYSEC-3", "plum", &old), &json!({ "withdrawn": "2024-01-01T00:00:00Z" })));
    // The service matches by itself: what it says of a version counts.
    serve(record("PYSEC-7", "p7", &[("introduced", "5")]));
    let url = server.url("");
    let told = audit(directory, &["--source", "osv", "--osv-url", &url]).code(1);
    assert_eq!(found(&told), ["p7 1 PYSEC-7", "plum 1+cpu PYSEC-1"]);
    assert_eq!(server.asked("/v1/querybatch").len(), 3);
    write(directory, "pipward.toml", &format!("[audit]\nsource = 'osv'\nosv-url = '{url}'\n"));
    assert_eq!(found(&audit(directory, &[]).code(1)).len(), 2);
    // A record that the service names and does not have leaves its package without an answer, and no other.
    server.serve("/v1/vulns/PYSEC-7", Response::status(404));
    let told = audit(directory, &[]).code(1);
    assert_eq!(found(&told), ["plum 1+cpu PYSEC-1"]);
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((&document["complete"], &document["skipped"][0]["name"]), (&json!(false), &json!("p7")));
    for bad in [
        Response::ok("[]"),
        Response::ok("{\"results\": []}"),
        Response::status(500),
        Response::redirect("/x"),
    ] {
        server.serve("/v1/querybatch", bad.clone());
        let told = audit(directory, &[]);
        assert!(matches!(told.code, Some(1 | 3)) && told.stdout.contains("\"problems\""), "{}", told.told());
    }
    // An answer without an end is given up.
    server.on("/v1/querybatch", |request, _| {
        let asked: Value = serde_json::from_slice(&request.body).unwrap();
        let more = json!({ "next_page_token": "more" });
        let results = vec![more; asked["queries"].as_array().unwrap().len()];
        Response::ok(json!({ "results": results }).to_string())
    });
    write(directory, "requirements.txt", "plum==1\n");
    audit(directory, &[]).code(3);
}
