//! The forms in which an audit is told, each by its own schema.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{audit, database, record, with};
use crate::support::peers::Peers;
use crate::support::pythons::any_python;
use crate::support::run::{repository, scratch};
use crate::support::world::write;
use crate::support::{loudly, offline};

/// pip-audit, jsonschema and CycloneDX's library.
pub fn tools() -> &'static Peers {
    static PEERS: OnceLock<Peers> = OnceLock::new();
    PEERS.get_or_init(|| Peers::made("audit.txt", any_python()))
}

/// Findings of every kind: open, less severe, ignored, cleared, malware, and texts that could break out of a form.
fn everything(directory: &Path) {
    let all = [("introduced", "0"), ("fixed", "2")];
    let vector = |kind: &str, score: &str| json!({ "severity": [{ "type": kind, "score": score }] });
    let hostile = json!({
        "summary": "a%b\n::error::c, \u{1b}[2J\u{202e} \"quoted\" <b>",
        "aliases": ["CVE-2024-1", "GHSA-2222-3333-4444"],
        "references": [{ "type": "WEB", "url": "https://example.org/a b\"c" }, { "type": "WEB", "url": "javascript:1" }],
    });
    database(
        directory,
        &[
            with(record("PYSEC-2024-1", "plum", &all), &hostile),
            with(
                record("PYSEC-2024-2", "peach", &all),
                &vector("CVSS_V3", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
            ),
            with(
                record("PYSEC-2024-3", "fig", &all),
                &vector("CVSS_V4", "CVSS:4.0/AV:L/AC:H/AT:N/PR:L/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N"),
            ),
            with(
                record("PYSEC-2024-4", "fig", &all),
                &json!({ "database_specific": { "severity": "HIGH" } }),
            ),
            record("PYSEC-2024-5", "kiwi", &all),
            record("MAL-2024-6", "pear", &[("introduced", "0")]),
        ],
    );
    write(
        directory,
        "requirements.txt",
        "# names\nplum==1\npeach==1.0+a\nfig==1\nkiwi==1!1.0\npear==1\nlemon==1\nkiwi==1 ; sys_platform == 'win32'\n",
    );
    let config = "[audit]\nfail-on = 'medium'\n[[audit.ignore]]\nid = 'PYSEC-2024-2'\nreason = 'known'\n";
    write(directory, "pipward.toml", config);
    let vex = json!({ "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.org/1", "author": "a",
        "timestamp": "2024-06-01T00:00:00Z", "version": 1, "statements": [{
            "vulnerability": { "name": "PYSEC-2024-5" }, "products": [{ "@id": "pkg:pypi/kiwi" }],
            "status": "not_affected", "justification": "vulnerable_code_not_present" }] });
    write(directory, "vex.json", &vex.to_string());
}

fn form(directory: &Path, form: &str) -> String {
    audit(directory, &["--vex", "vex.json", "--format", form]).code(1).stdout
}

/// Validates a document by a schema of `tests/schemas`.
const BY_SCHEMA: &str = "
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
document = json.load(open(sys.argv[2]))
kind = jsonschema.validators.validator_for(schema)
kind.check_schema(schema)
errors = list(kind(schema, format_checker=kind.FORMAT_CHECKER).iter_errors(document))
for error in errors:
    print(error.json_path, error.message[:300])
sys.exit(bool(errors))
";

/// Validates by CycloneDX's own library, strictly, and reads the document with it.
const BY_CYCLONEDX: &str = "
import json, sys
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
text = open(sys.argv[1]).read()
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
if error:
    print(error)
    sys.exit(1)
bom = Bom.from_json(json.loads(text))
print(len(bom.components), len(bom.vulnerabilities))
";

#[test]
fn sarif_and_vex_are_valid_by_their_official_schemas() {
    if offline() {
        return;
    }
    let scratch = scratch();
    let directory = scratch.path();
    everything(directory);
    let tools = tools();
    for (name, schema) in [("sarif", "sarif-2.1.0.json"), ("openvex", "openvex-0.2.0.json")] {
        let file = directory.join("document.json");
        std::fs::write(&file, form(directory, name)).unwrap();
        let schema = repository().join("tests/schemas").join(schema);
        tools.script(BY_SCHEMA, &[&schema, &file]).ok();
        // The judge notices: what is not valid is not.
        let text = std::fs::read_to_string(&file).unwrap().replacen("version\":", "version_\":", 1);
        std::fs::write(&file, text).unwrap();
        tools.script(BY_SCHEMA, &[&schema, &file]).code(1);
    }
    let file = directory.join("bom.json");
    std::fs::write(&file, form(directory, "cyclonedx-vex")).unwrap();
    tools.script(BY_CYCLONEDX, &[&file]).ok().stdout_has("5 6");
    // Without findings too.
    write(directory, "requirements.txt", "lemon==1\n");
    for name in ["sarif", "cyclonedx-vex"] {
        let told = audit(directory, &["--format", name]).ok().stdout;
        std::fs::write(&file, told).unwrap();
        match name {
            "sarif" => {
                tools.script(BY_SCHEMA, &[&repository().join("tests/schemas/sarif-2.1.0.json"), &file]).ok()
            }
            _ => tools.script(BY_CYCLONEDX, &[&file]).ok(),
        };
    }
    let none = audit(directory, &["--format", "openvex"]).ok();
    assert!(none.stdout.is_empty() && none.stderr.contains("none is written"), "{}", none.told());
}

#[test]
fn sarif_stands_at_the_lines_of_the_lock() {
    let scratch = scratch();
    let directory = scratch.path();
    everything(directory);
    let document: Value = serde_json::from_str(&form(directory, "sarif")).unwrap();
    let results = document["runs"][0]["results"].as_array().unwrap();
    let find = |id: &str| results.iter().find(|result| result["ruleId"] == id).unwrap();
    let place = &find("PYSEC-2024-1")["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "requirements.txt");
    assert_eq!(place["region"]["startLine"], 2);
    assert_eq!(find("PYSEC-2024-2")["suppressions"][0]["justification"], "known");
    assert_eq!(find("PYSEC-2024-3")["level"], "note");
    assert_eq!(find("MAL-2024-6")["level"], "error");
    let rules = document["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        let at = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[at]["id"], result["ruleId"]);
    }
    assert_eq!(
        rules.iter().find(|rule| rule["id"] == "PYSEC-2024-2").unwrap()["properties"]["security-severity"],
        "9.8"
    );
}

#[test]
fn annotations_are_one_line_each_whatever_a_record_says() {
    let scratch = scratch();
    let directory = scratch.path();
    everything(directory);
    let told = form(directory, "github");
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 4, "{told}");
    assert!(
        lines.iter().all(|line| line.starts_with("::error file=") || line.starts_with("::warning file=")),
        "{told}"
    );
    let plum = lines.iter().find(|line| line.contains("plum")).unwrap();
    assert!(
        plum.starts_with("::error file=requirements.txt,line=2,title=PYSEC-2024-1 in plum 1::a%25b%0A%3A")
            || plum.contains("::a%25b%0A::error"),
        "{plum}"
    );
    assert!(!told.contains('\u{1b}') && !told.contains('\u{202e}'));
    for form_name in ["text", "json", "sarif", "cyclonedx-vex", "openvex", "pip-audit"] {
        let told = form(directory, form_name);
        assert!(!told.contains('\u{1b}') && !told.contains('\u{202e}'), "{form_name}: {told}");
    }
}

#[test]
fn people_are_told_by_package_and_more_where_they_ask() {
    let scratch = scratch();
    let directory = scratch.path();
    everything(directory);
    let told = audit(directory, &["--vex", "vex.json"]).code(1);
    for line in [
        "plum 1 (requirements.txt:2)",
        "  PYSEC-2024-1, of unknown severity, fixed in 2: a%b",
        "  PYSEC-2024-3, low 2.0, fixed in 2: fig lets strangers in",
        "  PYSEC-2024-4, high, fixed in 2: fig lets strangers in",
        "  => move to 2: pipward audit -r requirements.txt --fix, or fig==2 in that line",
        "  MALWARE (known-malware)",
        "3 known vulnerabilities in 3 of 7 packages in requirements.txt; 1 less severe than --fail-on; 1 ignored; 1 cleared by VEX.",
        "Compared with 6 advisories as of 2024-05-01T12:00:00Z from db.",
    ] {
        assert!(told.stdout.contains(line), "{line}\n{}", told.told());
    }
    assert!(!told.stdout.contains("story") && !told.stdout.contains("peach"), "{}", told.told());
    let told = audit(directory, &["--vex", "vex.json", "-v"]).code(1);
    for line in [
        "    also called GHSA-2222-3333-4444, CVE-2024-1",
        "    A *long* story about peach.",
        "    ignored at ",
        "    cleared by VEX at vex.json (statements[0]): not affected: vulnerable_code_not_present",
        "    CVSS:4.0/AV:L",
        "    https://example.org/PYSEC-2024-3",
    ] {
        assert!(told.stdout.contains(line), "{line}\n{}", told.told());
    }
}

#[test]
fn the_json_of_pip_audit_has_its_keys() {
    let scratch = scratch();
    let directory = scratch.path();
    everything(directory);
    let document: Value = serde_json::from_str(&form(directory, "pip-audit")).unwrap();
    let plum = document["dependencies"].as_array().unwrap().iter().find(|one| one["name"] == "plum").unwrap();
    assert_eq!(plum["version"], "1");
    assert_eq!(plum["vulns"][0]["id"], "PYSEC-2024-1");
    assert_eq!(plum["vulns"][0]["fix_versions"], json!(["2"]));
    assert_eq!(plum["vulns"][0]["aliases"], json!(["CVE-2024-1", "GHSA-2222-3333-4444"]));
    assert_eq!(document["fixes"], json!([]));
    loudly("pip-audit's own JSON is compared in audit::pip_audit");
}
