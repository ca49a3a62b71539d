//! Bills of materials, and what the libraries of their formats say to them.

use std::path::Path;

use serde_json::Value;

use super::{at, run};
use crate::support::peers::Peers;
use crate::support::pythons::any_python;
use crate::support::run::{repository, scratch};
use crate::support::server::Server;
use crate::support::world::{publish, text, wheel, write};
use crate::support::{loudly, offline};

/// Validates by the schema of CycloneDX 1.6 and reads with CycloneDX's own library; validates with SPDX's own library,
/// and by the schema of SPDX 2.3.
const JUDGE: &str = r"
import json, sys
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
text = open(sys.argv[1]).read()
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
assert error is None, error
bom = Bom.from_json(json.loads(text))
for one in sorted(str(component.purl) for component in bom.components):
    print(one)
document = parse_file(sys.argv[2])
faults = validate_full_spdx_document(document)
assert not faults, faults
import jsonschema
schema, told = json.load(open(sys.argv[3])), json.load(open(sys.argv[2]))
judge = jsonschema.Draft201909Validator(schema)
judge.check_schema(schema)
faults = [(error.json_path, error.message[:300]) for error in judge.iter_errors(told)]
assert not faults, faults
told['packages'][0]['licenseDeclared'] = 1
assert list(judge.iter_errors(told)), 'the schema judges nothing'
print(len(document.packages), len(document.relationships))
";

/// A lock with what is hard: several wheels of a release, licences of all kinds, an SBOM in a wheel, a local version, a marker.
fn cellar(directory: &Path) -> Server {
    let server = Server::start();
    let licensed = |name: &str, header: &str, value: &str| wheel(name, "1").header(header, value);
    let index = publish(
        &server,
        vec![
            licensed("apple", "License-Expression", "mit OR licenseref-Own")
                .header("Summary", "A fruit")
                .requires("pear ; sys_platform == 'win32'")
                .requires("grape"),
            licensed("pear", "Classifier", "License :: OSI Approved :: BSD License"),
            wheel("grape", "1+red").tag("cp313-cp313-win_amd64").header("License", "MIT License"),
            wheel("grape", "1+red")
                .tag("cp313-cp313-manylinux_2_17_x86_64")
                .header("License", "MIT License")
                .file("grape-1+red.dist-info/sboms/lib.cdx.json", "{}"),
        ],
    );
    run(directory, &["lock", "-i", &index, "apple", "--python-version", "3.13"]).ok();
    server
}

fn read(directory: &Path, file: &str) -> Value {
    serde_json::from_str(&text(directory, file)).unwrap()
}

#[test]
fn cyclonedx_and_spdx_tell_the_same_lock() {
    let scratch = scratch();
    let directory = scratch.path();
    let _server = cellar(directory);
    run(directory, &["sbom", "-o", "c.json"]).ok().stdout_has("with 3 releases");
    run(directory, &["sbom", "--format", "spdx", "-o", "s.json"]).ok();
    let (cyclonedx, spdx) = (read(directory, "c.json"), read(directory, "s.json"));
    let component = |name: &str| {
        let all = cyclonedx["components"].as_array().unwrap();
        all.iter().find(|component| component["name"] == name).unwrap().clone()
    };
    assert_eq!(component("apple")["licenses"][0]["expression"], "MIT OR LicenseRef-Own");
    assert_eq!(component("pear")["licenses"][0]["license"]["name"], "BSD License");
    assert_eq!(component("pear")["properties"][0]["value"], "sys_platform == 'win32'");
    let grape = component("grape");
    assert!(grape["purl"].as_str().unwrap().starts_with("pkg:pypi/grape@1%2Bred?repository_url=http"));
    assert_eq!((grape["externalReferences"].as_array().unwrap().len(), grape.get("hashes")), (2, None));
    let lock = pipward::lock::pylock::read(&directory.join("pylock.toml")).unwrap();
    let pipward::lock::LockedSource::Wheels(files) = &lock.packages[0].source else { panic!() };
    assert_eq!(component("apple")["hashes"][0]["content"], files[0].hashes.digests()[0].hex());
    let needs = cyclonedx["dependencies"].as_array().unwrap();
    let apple = needs.iter().find(|one| one["ref"] == component("apple")["bom-ref"]).unwrap();
    assert_eq!(apple["dependsOn"], serde_json::json!([grape["bom-ref"], component("pear")["bom-ref"]]));
    assert_eq!(cyclonedx["metadata"]["timestamp"], spdx["creationInfo"]["created"]);
    let packages = spdx["packages"].as_array().unwrap();
    let licences: Vec<&str> =
        packages.iter().map(|package| package["licenseDeclared"].as_str().unwrap()).collect();
    assert_eq!(
        licences,
        ["NOASSERTION", "MIT OR LicenseRef-Own", "MIT", "NOASSERTION", "NOASSERTION", "NOASSERTION"]
    );
    assert_eq!(spdx["hasExtractedLicensingInfos"][0]["licenseId"], "LicenseRef-Own");
}

#[test]
fn the_same_lock_makes_the_same_document() {
    let scratch = scratch();
    let directory = scratch.path();
    let _server = cellar(directory);
    for format in ["cyclonedx", "spdx"] {
        let first = run(directory, &["sbom", "--format", format]).ok().stdout;
        // Another cache, and wheels in the store: nothing that is told depends on them.
        std::fs::remove_dir_all(directory.join("cache")).unwrap();
        let python = any_python().executable.display().to_string();
        let _ = run(directory, &["download", "-r", "pylock.toml", "-d", "wheels", "--python", &python]);
        assert_eq!(run(directory, &["sbom", "--format", format]).ok().stdout, first);
        let dated = at(directory, &["sbom", "--format", format]).env("SOURCE_DATE_EPOCH", "86400").run().ok();
        dated.stdout_has("1970-01-02T00:00:00Z");
        let named = run(directory, &["sbom", "--format", format, "--name", "shop"]).ok().stdout;
        let number = |text: &str| {
            let document: Value = serde_json::from_str(text).unwrap();
            [&document["serialNumber"], &document["documentNamespace"]].map(Clone::clone)
        };
        assert_ne!(number(&named), number(&first), "another document has another number");
    }
    at(directory, &["sbom"]).env("SOURCE_DATE_EPOCH", "soon").run().refused(pipward::error::Code::Usage);
}

#[test]
fn what_wheels_carry_is_linked_on_demand() {
    let scratch = scratch();
    let directory = scratch.path();
    let _server = cellar(directory);
    assert!(!run(directory, &["sbom"]).ok().stdout.contains("sboms/"));
    let told = run(directory, &["sbom", "--deep"]).ok().stdout;
    let document: Value = serde_json::from_str(&told).unwrap();
    let grape = document["components"].as_array().unwrap().iter().find(|one| one["name"] == "grape").unwrap();
    let boms: Vec<&Value> = grape["externalReferences"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|reference| reference["type"] == "bom")
        .collect();
    assert_eq!(boms.len(), 1);
    assert!(boms[0]["url"].as_str().unwrap().ends_with(".whl#grape-1+red.dist-info/sboms/lib.cdx.json"));
    assert_eq!(boms[0]["hashes"][0]["content"], pipward::digest::Sha256::of(b"{}").to_string());
    run(directory, &["sbom", "--deep", "--format", "spdx"]).ok().stdout_has("pep770-sbom");
}

#[test]
fn without_a_network_it_is_made_of_what_is_at_hand() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = cellar(directory);
    std::fs::remove_dir_all(directory.join("cache")).unwrap();
    let before = server.requests().len();
    let told = run(directory, &["sbom", "--offline"]).ok();
    told.stderr_has("without licences").stdout_has("pkg:pypi/apple@1");
    assert_eq!(server.requests().len(), before);
}

#[test]
fn the_libraries_of_the_formats_take_both() {
    if offline() {
        return loudly("offline: the libraries of CycloneDX and SPDX are not asked");
    }
    let peers = Peers::made("survey.txt", any_python());
    let scratch = scratch();
    let directory = scratch.path();
    let server = cellar(directory);
    for deep in [&[][..], &["--deep"]] {
        run(directory, &[&["sbom", "-o", "c.json"], deep].concat()).ok();
        run(directory, &[&["sbom", "--format", "spdx", "-o", "s.spdx.json"], deep].concat()).ok();
        // The one library knows no addresses with ports.
        for file in ["c.json", "s.spdx.json"] {
            let public = text(directory, file)
                .replace(server.url("").trim_end_matches('/'), "https://files.example.org");
            write(directory, file, &public);
        }
        let schema = repository().join("tests/schemas/spdx-2.3.json");
        let told =
            peers.script(JUDGE, &[&directory.join("c.json"), &directory.join("s.spdx.json"), &schema]).ok();
        told.stdout_has("pkg:pypi/grape@1%2Bred?repository_url=").stdout_has("\n6 ");
    }
}
