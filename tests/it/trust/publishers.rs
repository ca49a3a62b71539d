//! Publishers on a Sigstore instance of our own, whose root the configuration names: what is signed rightly and says the
//! wrong thing, and a project whose publisher becomes another one.

use pipward::attest::{Attestation, FaultKind, Publisher, Verifier};
use pipward::digest::Sha256;
use pipward::error::Code;
use serde_json::{Value, json};

use super::attacks::{payload, pip_takes};
use super::provenance::offer_as;
use super::{configure, install, lock};
use crate::support::offline;
use crate::support::run::scratch;
use crate::support::server::Server;
use crate::support::sigstore::{Claim, Sigstore};
use crate::support::world::{text, wheel, write};

const FILE: &str = "plum-1-py3-none-any.whl";

fn judge(root: &Sigstore, attestation: &Value) -> Result<Publisher, FaultKind> {
    Attestation::parse(attestation.to_string().as_bytes())
        .and_then(|attestation| {
            Verifier::from_root(&root.root())?.verify_one(&attestation, FILE, &Sha256::of(b"plum"))
        })
        .map_err(|fault| fault.kind())
}

#[test]
fn what_is_signed_rightly_may_still_say_the_wrong_thing() {
    let sigstore = Sigstore::new();
    let claim = || Claim::new("acme/tools", FILE, b"plum");
    let good = judge(&sigstore, &sigstore.attestation(&claim())).unwrap();
    let expected = Publisher::GitHub {
        repository: "acme/tools".to_owned(),
        workflow: "release.yml".to_owned(),
        environment: None,
    };
    assert_eq!(good, expected);
    let stating = |change: fn(&mut Value)| judge(&sigstore, &sigstore.attestation(&claim().stating(change)));
    let other = sigstore.attestation(&claim().stating(|s| s["predicate"] = json!({})));
    let swapped = |part: &str| {
        let mut attestation = sigstore.attestation(&claim());
        attestation["verification_material"][part] = other["verification_material"][part].clone();
        judge(&sigstore, &attestation)
    };
    let rows = [
        (
            "two subjects",
            stating(|s| s["subject"] = json!([s["subject"][0], s["subject"][0]])),
            FaultKind::Subjects,
        ),
        (
            "other file",
            stating(|s| s["subject"][0]["name"] = json!("pear-1-py3-none-any.whl")),
            FaultKind::FileName,
        ),
        (
            "other bytes",
            stating(|s| s["subject"][0]["digest"]["sha256"] = json!("00".repeat(32))),
            FaultKind::Digest,
        ),
        (
            "other predicate",
            stating(|s| s["predicateType"] = json!("https://example.org/v1")),
            FaultKind::Predicate,
        ),
        (
            "other type",
            stating(|s| s["_type"] = json!("https://in-toto.io/Statement/v0.1")),
            FaultKind::Statement,
        ),
        ("other certificate", swapped("certificate"), FaultKind::Signature),
        ("other entry", swapped("transparency_entries"), FaultKind::LogEntry),
        ("another instance", judge(&Sigstore::new(), &sigstore.attestation(&claim())), FaultKind::Time),
        (
            "after the certificate's day",
            judge(&sigstore, &sigstore.attestation(&Claim { time: 1_735_900_000, ..claim() })),
            FaultKind::Certificate,
        ),
        (
            "a certificate that nobody logged",
            judge(&sigstore, &sigstore.attestation(&Claim { is_logged: false, ..claim() })),
            FaultKind::CertificateLog,
        ),
    ];
    let wrong: Vec<_> = rows.into_iter().filter(|(_, got, wanted)| got.as_ref() != Err(wanted)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A project that was taken over: the new release has provenance that holds, and is built by somebody else, in a repository
/// whose name begins alike.
#[test]
fn a_publisher_that_changed_its_repository() {
    if offline() {
        return;
    }
    let (sigstore, server, scratch) = (Sigstore::new(), Server::start(), scratch());
    let directory = scratch.path();
    write(directory, "root.json", &sigstore.root());
    let at = server.url("/simple/");
    // The root is all that is configured: the test has no other publishers than those of its own instance.
    let configuration = |more: &str| format!("[policy]\nsigstore-root = \"root.json\"\n{more}");
    configure(directory, &configuration(""));
    let lock = |words: &[&str]| lock(directory, &[&["-i", &at], words].concat());
    let file = |version: &str, repository: &str| {
        let (name, bytes) =
            if version == "1" { wheel("plum", "1").build() } else { payload("plum", version).build() };
        let provenance = sigstore.provenance(&Claim::new(repository, &name, &bytes));
        (name, bytes, Some(provenance))
    };
    let all = [file("1", "acme/plum"), file("2", "acme/plum-tools")];
    offer_as(&server, "plum", &all);
    assert!(pip_takes(directory, "plum", &["-i", &at, "plum"]));
    // By the earlier release, and by the lock.
    lock(&["plum"]).refused(Code::PublisherChanged).stderr_has("acme/plum-tools");
    lock(&["plum==1"]).ok();
    assert!(text(directory, "pylock.toml").contains("repository = \"acme/plum\""));
    lock(&["plum", "-U"]).refused(Code::PublisherChanged).stderr_has("--accept-publisher plum");
    // The same repository in other letters, and another workflow, is the same publisher.
    offer_as(&server, "plum", &[file("1", "acme/plum"), file("2", "Acme/Plum")]);
    lock(&["plum", "-U", "--keep-provenance"]).ok();
    install(directory, &["--verify-provenance", "-i", &at]).ok();
    // A rule is for a whole name.
    let rule = |repository: &str| {
        configuration(&format!("[[policy.require]]\npackages = [\"plum\"]\nrepository = \"{repository}\"\n"))
    };
    configure(directory, &rule("acme/plum"));
    lock(&["plum", "-U"]).ok();
    configure(directory, &rule("acme/plu"));
    lock(&["plum", "-U"]).refused(Code::PublisherRequired);
    // Without the root nothing of it is believed.
    configure(directory, "");
    install(directory, &["--verify-provenance", "-i", &at]).refused(Code::ProvenanceInvalid);
}
