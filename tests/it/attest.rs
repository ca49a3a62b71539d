//! Provenance, against the real attestations that a source distribution on PyPI carries as its test data, and against
//! what becomes of them when somebody changes them. Nothing here asks the network once the data is there.

mod assets;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipward::attest::{Attestation, FaultKind, Provenance, Publisher, Verifier};
use pipward::digest::Sha256;
use serde_json::{Value, json};

use crate::support::offline;
use crate::support::pythons::any_python;
use crate::support::run::scratch;

/// `pypi_attestations-0.0.30.tar.gz`, by its SHA-256.
const SDIST: &str = "14ff13c76bbef02a483c2b77532da02bfd746b5141b881f355e06b9807434423";

/// Finds the file on the index by its digest, checks it, and unpacks its test assets.
const FETCH: &str = r#"
import hashlib, io, json, pathlib, sys, tarfile, urllib.request
digest, folder = sys.argv[1], pathlib.Path(sys.argv[2])
ask = urllib.request.Request("https://pypi.org/simple/pypi-attestations/",
                             headers={"Accept": "application/vnd.pypi.simple.v1+json"})
page = json.load(urllib.request.urlopen(ask))
url = next(file["url"] for file in page["files"] if file["hashes"].get("sha256") == digest)
body = urllib.request.urlopen(url).read()
assert hashlib.sha256(body).hexdigest() == digest
for member in tarfile.open(fileobj=io.BytesIO(body)):
    if member.isfile() and "/test/assets/" in member.name:
        name = pathlib.PurePosixPath(member.name).name
        (folder / name).write_bytes(tarfile.open(fileobj=io.BytesIO(body)).extractfile(member).read())
"#;

/// Where the assets are, for a run of this program that has no network.
const FETCHED: &str = "PIPWARD_TEST_ASSETS";

fn assets() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        if let Some(folder) = std::env::var_os(FETCHED) {
            let routes = std::fs::read_to_string("/proc/net/route").unwrap();
            // The head of the table alone.
            assert!(routes.lines().count() <= 1, "{routes}");
            return folder.into();
        }
        let folder = scratch().keep();
        let run = std::process::Command::new(any_python().executable)
            .args(["-c", FETCH, SDIST])
            .arg(&folder)
            .output()
            .unwrap();
        assert!(
            run.status.success(),
            "This test needs PyPI. PIPWARD_TEST_OFFLINE=1 leaves out the tests that do.\n{}",
            String::from_utf8_lossy(&run.stderr)
        );
        folder
    })
}

/// The assets that the public instance signed: attestation, the file's name, its bytes where they are there.
const PUBLIC: &[(&str, &str)] = &[
    ("gitlab_oidc_project-0.0.3.tar.gz.publish.attestation", "gitlab_oidc_project-0.0.3.tar.gz"),
    ("pypi_attestations-0.0.19.tar.gz.publish.attestation", "pypi_attestations-0.0.19.tar.gz"),
    ("pypi_attestations-0.0.19.tar.gz.slsa.attestation", "pypi_attestations-0.0.19.tar.gz"),
    ("pypi_attestation_models-0.0.4a2.tar.gz.attestation", "pypi_attestation_models-0.0.4a2.tar.gz"),
    (
        "circleci_sign_publish_example-0.0.1.dev137-py3-none-any.whl.publish.attestation",
        "circleci_sign_publish_example-0.0.1.dev137-py3-none-any.whl",
    ),
];

pub(crate) fn read(name: &str) -> Vec<u8> {
    std::fs::read(assets().join(name)).unwrap()
}

fn digest_of(file: &str) -> Sha256 {
    Sha256::of(&read(file))
}

fn judge(attestation: &Value, file: &str, sha256: &Sha256) -> Result<Publisher, FaultKind> {
    Attestation::parse(attestation.to_string().as_bytes())
        .and_then(|attestation| Verifier::public()?.verify_one(&attestation, file, sha256))
        .map_err(|fault| fault.kind())
}

/// A real attestation, for mutation.
fn real(name: &str) -> Value {
    serde_json::from_slice(&read(name)).unwrap()
}

const GITHUB: (&str, &str) = PUBLIC[1];

fn mutated(change: impl FnOnce(&mut Value)) -> Result<Publisher, FaultKind> {
    let mut attestation = real(GITHUB.0);
    change(&mut attestation);
    judge(&attestation, GITHUB.1, &digest_of(GITHUB.1))
}

/// Changes the statement and leaves the signature.
fn restated(change: impl FnOnce(&mut Value)) -> Result<Publisher, FaultKind> {
    mutated(|attestation| {
        let text = STANDARD.decode(attestation["envelope"]["statement"].as_str().unwrap()).unwrap();
        let mut statement: Value = serde_json::from_slice(&text).unwrap();
        change(&mut statement);
        attestation["envelope"]["statement"] = json!(STANDARD.encode(statement.to_string()));
    })
}

/// Changes a base64 field at its middle byte.
fn flip(field: &mut Value) {
    let mut bytes = STANDARD.decode(field.as_str().unwrap()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    *field = json!(STANDARD.encode(bytes));
}

#[test]
fn real_attestations_verify_offline_and_name_their_publishers() {
    if offline() {
        return;
    }
    let publishers: Vec<_> = PUBLIC
        .iter()
        .map(|(attestation, file)| judge(&real(attestation), file, &digest_of(file)).unwrap())
        .collect();
    insta::assert_debug_snapshot!(publishers);
}

#[test]
fn the_certificate_names_the_publisher_that_the_index_names() {
    if offline() {
        return;
    }
    let verifier = Verifier::public().unwrap();
    let mut seen = 0;
    for (_, file) in PUBLIC {
        let Ok(body) = std::fs::read(assets().join(format!("{file}.provenance"))) else { continue };
        let proven = verifier.verify(&Provenance::parse(&body).unwrap(), file, &digest_of(file)).unwrap();
        let said: Value = serde_json::from_slice(&body).unwrap();
        let said = &said["attestation_bundles"][0]["publisher"];
        let field = |key: &str| said[key].as_str().map(str::to_owned);
        let said = Publisher::from_fields(said["kind"].as_str().unwrap(), &field).unwrap();
        assert!(
            proven.iter().all(|proven| proven.kind() == said.kind() && proven.same_source(&said)),
            "{proven:?}"
        );
        seen += 1;
    }
    let google = "gcb_attestation_test-0.0.0.tar.gz";
    let body = read(&format!("{google}.provenance"));
    let proven = verifier.verify(&Provenance::parse(&body).unwrap(), google, &digest_of(google)).unwrap();
    let email = "919436158236-compute@developer.gserviceaccount.com".to_owned();
    assert_eq!(proven, [Publisher::Google { email }]);
    assert_eq!(seen, 3, "GitHub's twice, and CircleCI's");
}

#[test]
fn the_publisher_beside_an_attestation_is_not_believed() {
    if offline() {
        return;
    }
    let mut provenance: Value = serde_json::from_slice(&read(&format!("{}.provenance", GITHUB.1))).unwrap();
    let before = provenance.to_string();
    provenance["attestation_bundles"][0]["publisher"]["repository"] = json!("evil/pypi-attestations");
    let proven = |text: &str| {
        let provenance = Provenance::parse(text.as_bytes()).unwrap();
        Verifier::public().unwrap().verify(&provenance, GITHUB.1, &digest_of(GITHUB.1)).unwrap()
    };
    assert_eq!(proven(&before), proven(&provenance.to_string()));
}

#[test]
fn staging_is_not_the_public_instance() {
    if offline() {
        return;
    }
    let file = "rfc8785-0.1.2-py3-none-any.whl";
    for name in [format!("{file}.attestation"), format!("{file}.publish.attestation")] {
        judge(&real(&name), file, &digest_of(file)).unwrap_err();
    }
}

#[test]
fn each_change_is_refused_for_its_own_reason() {
    if offline() {
        return;
    }
    let sha256 = digest_of(GITHUB.1);
    let entry = "transparency_entries";
    let rows: Vec<(&str, Result<Publisher, FaultKind>, FaultKind)> = vec![
        ("other bytes", judge(&real(GITHUB.0), GITHUB.1, &Sha256::of(b"other")), FaultKind::Digest),
        ("other file", judge(&real(GITHUB.0), "evil-1.0.tar.gz", &sha256), FaultKind::FileName),
        (
            "two subjects",
            restated(|s| {
                let one = s["subject"][0].clone();
                s["subject"] = json!([one, one]);
            }),
            FaultKind::Subjects,
        ),
        ("no subject", restated(|s| s["subject"] = json!([])), FaultKind::Subjects),
        (
            "subject renamed",
            restated(|s| s["subject"][0]["name"] = json!("evil-1.0.tar.gz")),
            FaultKind::FileName,
        ),
        (
            "subject without a digest",
            restated(|s| s["subject"][0]["digest"] = json!({"sha512": "00"})),
            FaultKind::Digest,
        ),
        (
            "other predicate",
            restated(|s| s["predicateType"] = json!("https://example.org/x/v1")),
            FaultKind::Predicate,
        ),
        (
            "other statement type",
            restated(|s| s["_type"] = json!("https://in-toto.io/Statement/v0.1")),
            FaultKind::Statement,
        ),
        ("predicate filled in", restated(|s| s["predicate"] = json!({"x": 1})), FaultKind::Signature),
        ("signature changed", mutated(|a| flip(&mut a["envelope"]["signature"])), FaultKind::Signature),
        (
            "time changed",
            mutated(|a| {
                let time = &mut a["verification_material"][entry][0]["integratedTime"];
                let later: i64 = time.as_str().unwrap().parse::<i64>().unwrap() + 1;
                *time = json!(later.to_string());
            }),
            FaultKind::Time,
        ),
        (
            "promise changed",
            mutated(|a| {
                flip(&mut a["verification_material"][entry][0]["inclusionPromise"]["signedEntryTimestamp"]);
            }),
            FaultKind::Time,
        ),
        (
            "proof changed",
            mutated(|a| flip(&mut a["verification_material"][entry][0]["inclusionProof"]["hashes"][0])),
            FaultKind::InclusionProof,
        ),
        (
            "checkpoint of elsewhere",
            mutated(|a| {
                let other =
                    real(PUBLIC[0].0)["verification_material"][entry][0]["inclusionProof"]["checkpoint"]
                        .clone();
                a["verification_material"][entry][0]["inclusionProof"]["checkpoint"] = other;
            }),
            FaultKind::Checkpoint,
        ),
        (
            "checkpoint that the log did not sign",
            mutated(|a| {
                let note =
                    &mut a["verification_material"][entry][0]["inclusionProof"]["checkpoint"]["envelope"];
                let (text, signature) = note.as_str().unwrap().trim_end().rsplit_once(' ').unwrap();
                let mut signature = STANDARD.decode(signature).unwrap();
                *signature.last_mut().unwrap() ^= 1;
                *note = json!(format!("{text} {}\n", STANDARD.encode(signature)));
            }),
            FaultKind::Checkpoint,
        ),
        ("no entry", mutated(|a| a["verification_material"][entry] = json!([])), FaultKind::LogEntry),
        (
            "entry of another time",
            mutated(|a| {
                a["verification_material"][entry] = real(PUBLIC[2].0)["verification_material"][entry].clone();
            }),
            FaultKind::Certificate,
        ),
        (
            "certificate of elsewhere",
            mutated(|a| {
                a["verification_material"]["certificate"] =
                    real(PUBLIC[0].0)["verification_material"]["certificate"].clone();
            }),
            FaultKind::Certificate,
        ),
        (
            "certificate changed",
            mutated(|a| flip(&mut a["verification_material"]["certificate"])),
            FaultKind::Certificate,
        ),
        ("version 2", mutated(|a| a["version"] = json!(2)), FaultKind::Form),
    ];
    let wrong: Vec<_> = rows.into_iter().filter(|(_, got, wanted)| got.as_ref() != Err(wanted)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
