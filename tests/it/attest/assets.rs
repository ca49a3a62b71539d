//! All of the assets, so that none is left out: what the public instance signed verifies, what it did not does not, and
//! nothing of it needs a network.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipward::attest::{FaultKind, Publisher};
use pipward::digest::Sha256;
use serde_json::{Value, json};

use super::{FETCHED, PUBLIC, assets, judge};
use crate::support::offline;
use crate::support::run::Run;

/// The attestations in a file of the assets: one by itself, those of a provenance object, or that of a Sigstore bundle,
/// put into the form of PEP 740.
fn attestations(text: &[u8]) -> Vec<Value> {
    let Ok(read) = serde_json::from_slice::<Value>(text) else { return Vec::new() };
    if let Some(bundles) = read["attestation_bundles"].as_array() {
        return bundles.iter().flat_map(|it| it["attestations"].as_array().unwrap().clone()).collect();
    }
    if read.get("dsseEnvelope").is_none() {
        return vec![read];
    }
    let material = &read["verificationMaterial"];
    let certificate = [&material["certificate"], &material["x509CertificateChain"]["certificates"][0]];
    let certificate = certificate.iter().find_map(|it| it["rawBytes"].as_str()).unwrap();
    vec![json!({
        "version": 1,
        "verification_material": {"certificate": certificate, "transparency_entries": material["tlogEntries"]},
        "envelope": {
            "statement": read["dsseEnvelope"]["payload"],
            "signature": read["dsseEnvelope"]["signatures"][0]["sig"],
        },
    })]
}

/// What an attestation is about, by its own words: a file and its SHA-256.
fn subject(attestation: &Value) -> (String, Sha256) {
    let statement = STANDARD.decode(attestation["envelope"]["statement"].as_str().unwrap()).unwrap();
    let statement: Value = serde_json::from_slice(&statement).unwrap();
    let subject = &statement["subject"][0];
    let sha256 = Sha256::from_hex(subject["digest"]["sha256"].as_str().unwrap()).unwrap();
    (subject["name"].as_str().unwrap().to_owned(), sha256)
}

/// What becomes of each file of the assets that holds attestations, each judged by the file that it says it is about. Where
/// the file itself is among the assets, its bytes have to be those.
fn outcomes() -> BTreeMap<String, Vec<Result<Publisher, FaultKind>>> {
    let mut outcomes = BTreeMap::new();
    for entry in std::fs::read_dir(assets()).unwrap() {
        let entry = entry.unwrap();
        let found = attestations(&std::fs::read(entry.path()).unwrap());
        let judged = |attestation: &Value| {
            let (file, sha256) = subject(attestation);
            if let Ok(bytes) = std::fs::read(assets().join(&file)) {
                assert_eq!(Sha256::of(&bytes), sha256, "{file}");
            }
            judge(attestation, &file, &sha256)
        };
        if !found.is_empty() {
            outcomes.insert(
                entry.file_name().to_str().unwrap().to_owned(),
                found.iter().map(judged).collect::<Vec<_>>(),
            );
        }
    }
    outcomes
}

/// Whose each file is, by its name and by what the source distribution's own tests say of it (`test/test_impl.py`: the
/// publishers there, and `staging=True` for the rest).
fn expected() -> BTreeMap<&'static str, Option<Publisher>> {
    let github = |repository: &str| {
        Some(Publisher::GitHub {
            repository: repository.to_owned(),
            workflow: "release.yml".to_owned(),
            environment: None,
        })
    };
    let circleci = Some(Publisher::CircleCi {
        project_id: "fdd9283f-e619-46af-8f9c-851f7d3e8b2b".to_owned(),
        pipeline_definition_id: "8e4f8ab2-8d7c-4827-9f15-de076d6d647f".to_owned(),
        vcs_origin: Some("github.com/CircleCI-Public/sign-and-publish-examples".to_owned()),
    });
    let gitlab = Some(Publisher::GitLab {
        repository: "facutuesca/gitlab-oidc-project".to_owned(),
        workflow_filepath: ".gitlab-ci.yml".to_owned(),
        environment: None,
    });
    let google =
        Some(Publisher::Google { email: "919436158236-compute@developer.gserviceaccount.com".to_owned() });
    let (models, attestations) = ("trailofbits/pypi-attestation-models", "trailofbits/pypi-attestations");
    BTreeMap::from([
        ("circleci_sign_publish_example-0.0.1.dev137-py3-none-any.whl.provenance", circleci.clone()),
        ("circleci_sign_publish_example-0.0.1.dev137-py3-none-any.whl.publish.attestation", circleci),
        ("gcb_attestation_test-0.0.0.tar.gz.provenance", google),
        ("gitlab_oidc_project-0.0.3.tar.gz.publish.attestation", gitlab),
        ("pypi_attestation_models-0.0.4a2.tar.gz.attestation", github(models)),
        ("pypi_attestation_models-0.0.4a2.tar.gz.sigstore", github(models)),
        ("pypi_attestations-0.0.19.tar.gz.provenance", github(attestations)),
        ("pypi_attestations-0.0.19.tar.gz.publish.attestation", github(attestations)),
        ("pypi_attestations-0.0.19.tar.gz.slsa.attestation", github(attestations)),
        ("rfc8785-0.1.2-py3-none-any.whl.attestation", None),
        ("rfc8785-0.1.2-py3-none-any.whl.publish.attestation", None),
        ("rfc8785-0.1.2-py3-none-any.whl.sigstore", None),
        ("spt3g-1.0-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl.publish.attestation", None),
    ])
}

#[test]
fn every_asset_is_the_public_instances_and_verifies_or_is_not_and_does_not() {
    if offline() {
        return;
    }
    let (outcomes, expected) = (outcomes(), expected());
    let names = |all: Vec<&str>| all.into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        names(outcomes.keys().map(String::as_str).collect()),
        names(expected.keys().copied().collect()),
        "an asset is not in the table"
    );
    for (file, outcomes) in &outcomes {
        for outcome in outcomes {
            match &expected[file.as_str()] {
                Some(publisher) => assert_eq!(outcome.as_ref(), Ok(publisher), "{file}"),
                // Another instance's authority, log and keys: never a fault of form.
                None => assert_eq!(outcome, &Err(OF_ANOTHER_INSTANCE), "{file}"),
            }
        }
    }
    // The rows that are changed and refused elsewhere are those that verify.
    let single = |file: &&str| file.ends_with(".attestation") && expected[*file].is_some();
    let single: Vec<&str> = expected.keys().filter(|file| single(file)).copied().collect();
    let mut listed: Vec<&str> = PUBLIC.iter().map(|(attestation, _)| *attestation).collect();
    listed.sort_unstable();
    assert_eq!(single, listed);
}

/// What is found first in an attestation of the staging instance.
const OF_ANOTHER_INSTANCE: FaultKind = FaultKind::Time;

/// The order of the tags in a name is no difference; the attestation is refused for its instance alone.
#[test]
fn names_are_compared_as_they_are_parsed() {
    if offline() {
        return;
    }
    let file = "spt3g-1.0-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
    let text = std::fs::read(assets().join(format!("{file}.publish.attestation"))).unwrap();
    let (attestation, other) = (&attestations(&text)[0], "manylinux2014_x86_64.manylinux_2_17_x86_64");
    let sha256 = subject(attestation).1;
    let judged = |tags: &str| judge(attestation, &format!("spt3g-1.0-cp310-cp310-{tags}.whl"), &sha256);
    assert_eq!(judged(other), Err(OF_ANOTHER_INSTANCE));
    assert_eq!(judged("manylinux_2_17_x86_64"), Err(FaultKind::FileName));
}

/// All that is said here of attestations, once more where no network can be reached.
#[test]
fn nothing_needs_a_network() {
    if offline() || std::env::var_os(FETCHED).is_some() {
        return;
    }
    let tests = Run::new(std::env::current_exe().unwrap()).args(["attest::", "--test-threads", "1"]);
    let Some(alone) = tests.env(FETCHED, assets()).env("INSTA_UPDATE", "no").without_network() else {
        return;
    };
    let told = alone.run().ok().stdout_has("test attest::real_attestations_verify_offline");
    told.stdout_has("test result: ok.").stdout_has(" 0 failed");
}
