//! Provenance at lock time and again at install, through the command line: a wheel that CircleCI published, with its real
//! attestation, on an index of our own.

use std::path::Path;

use pipward::error::Code;
use pipward::lock::{drift, pylock};
use serde_json::{Value, json};

use super::attacks::{payload, pip_takes};
use super::{configure, hours_ago, index, install, lock, strictly};
use crate::attest::read;
use crate::support::offline;
use crate::support::run::scratch;
use crate::support::server::{Response, Server};
use crate::support::world::{text, write};

const NAME: &str = "circleci-sign-publish-example";
const MODULE: &str = "circleci_sign_publish_example";
const WHEEL: &str = "circleci_sign_publish_example-0.0.1.dev137-py3-none-any.whl";

/// The real provenance of the wheel.
fn real() -> Value {
    serde_json::from_slice(&read(&format!("{WHEEL}.provenance"))).unwrap()
}

/// A page of files, each with its provenance.
fn offer(server: &Server, files: &[(&str, Vec<u8>, Option<Value>)]) {
    let owned = |(file, bytes, provenance): &(&str, Vec<u8>, Option<Value>)| {
        ((*file).to_owned(), bytes.clone(), provenance.clone())
    };
    offer_as(server, NAME, &files.iter().map(owned).collect::<Vec<_>>());
}

/// The same, for a project of any name.
pub(super) fn offer_as(server: &Server, name: &str, files: &[(String, Vec<u8>, Option<Value>)]) {
    let mut listed = Vec::new();
    for (file, bytes, provenance) in files {
        server.file(&format!("/files/{file}"), bytes.clone());
        let mut entry = json!({
            "filename": file, "url": server.url(&format!("/files/{file}")), "upload-time": hours_ago(5000),
            "hashes": {"sha256": pipward::digest::Sha256::of(bytes).to_string()},
        });
        if let Some(provenance) = provenance {
            let at = format!("/integrity/{file}/provenance");
            let body = Response::ok(provenance.to_string());
            server.serve(&at, body.header("Content-Type", "application/vnd.pypi.integrity.v1+json"));
            entry["provenance"] = server.url(&at).into();
        }
        listed.push(entry);
    }
    let page = json!({"meta": {"api-version": "1.3"}, "name": name, "versions": [], "files": listed});
    let page = Response::ok(page.to_string()).header("Content-Type", "application/vnd.pypi.simple.v1+json");
    server.serve(&format!("/simple/{name}/"), page);
}

/// A server that offers the real wheel, and a project that is configured for it.
fn project(provenance: Option<Value>, policy: &str) -> (Server, tempfile::TempDir) {
    let (server, scratch) = (Server::start(), scratch());
    offer(&server, &[(WHEEL, read(WHEEL), provenance)]);
    configure(scratch.path(), &(index("here", &server.url("/simple/"), "") + policy));
    (server, scratch)
}

const PINNED: &str = "circleci-sign-publish-example==0.0.1.dev137";

/// A change of the one attestation.
fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut provenance = real();
    change(&mut provenance["attestation_bundles"][0]["attestations"][0]);
    provenance
}

fn edit(directory: &Path, from: &str, to: &str) {
    let lock = text(directory, "pylock.toml");
    assert!(lock.contains(from), "{lock}");
    write(directory, "pylock.toml", &lock.replace(from, to));
}

/// The project that the certificate names.
fn circleci_project() -> String {
    real()["attestation_bundles"][0]["publisher"]["project_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_lock_names_who_published_a_file_and_an_install_proves_it_again() {
    if offline() {
        return;
    }
    let (server, scratch) = project(Some(real()), "");
    let directory = scratch.path();
    lock(directory, &[PINNED, "--keep-provenance"]).ok();
    let locked = text(directory, "pylock.toml");
    assert!(locked.contains("attestation-identities = [\n    { kind = \"CircleCI\", "), "{locked}");
    assert!(locked.contains(&circleci_project()), "{locked}");
    let beside = text(directory, "pylock.provenance.json");
    let asked =
        || server.asked("/integrity/").len() + server.asked(&format!("/integrity/{WHEEL}/provenance")).len();
    let before = asked();
    install(directory, &["--verify-provenance"]).ok();
    assert_eq!(asked(), before, "what is beside the lock is not asked for");
    // The same lock again: nothing changes, and what is kept stays.
    lock(directory, &[PINNED]).ok();
    assert_eq!(
        (text(directory, "pylock.toml"), text(directory, "pylock.provenance.json")),
        (locked, beside.clone())
    );
    // What is kept is not believed.
    write(
        directory,
        "pylock.provenance.json",
        &beside.replace("\"integratedTime\":\"1", "\"integratedTime\":\"2"),
    );
    install(directory, &["--verify-provenance"]).refused(Code::ProvenanceInvalid);
    std::fs::remove_file(directory.join("pylock.provenance.json")).unwrap();
    install(directory, &["--verify-provenance"]).ok();
    // Nothing is proven where nobody asks for it; the policy may.
    offer(&server, &[(WHEEL, read(WHEEL), None)]);
    install(directory, &[]).ok();
    install(directory, &["--verify-provenance"]).refused(Code::ProvenanceLost);
    configure(
        directory,
        &(index("here", &server.url("/simple/"), "") + "[policy]\nverify-provenance = true\n"),
    );
    install(directory, &[]).refused(Code::ProvenanceLost);
    // A lock that names somebody else.
    offer(&server, &[(WHEEL, read(WHEEL), Some(real()))]);
    install(directory, &[]).ok();
    edit(directory, &circleci_project(), "00000000-0000-0000-0000-000000000000");
    install(directory, &[]).refused(Code::PublisherChanged).stderr_has(&circleci_project());
}

/// What is kept beside the lock is enough, where no network can be reached; and it is needed.
#[test]
fn an_install_proves_it_again_without_a_network() {
    if offline() {
        return;
    }
    let (server, scratch) = project(Some(real()), "");
    let directory = scratch.path();
    lock(directory, &[PINNED, "--keep-provenance"]).ok();
    let python = crate::support::pythons::any_python().executable.display().to_string();
    let run = |words: &[&str]| {
        let _ = std::fs::remove_dir_all(directory.join("env"));
        let install =
            strictly(directory, &["install", "-r", "pylock.toml", "--venv", "env", "--python", &python]);
        install.args(words).env("PIPWARD_CACHE_DIR", directory.join("cache"))
    };
    run(&[]).run().ok();
    drop(server);
    let Some(alone) = run(&["--verify-provenance"]).without_network() else { return };
    alone.run().ok();
    let beside = text(directory, "pylock.provenance.json");
    let changed = beside.replace("\"integratedTime\":\"1", "\"integratedTime\":\"2");
    assert_ne!(changed, beside);
    write(directory, "pylock.provenance.json", &changed);
    run(&["--verify-provenance"]).without_network().unwrap().run().refused(Code::ProvenanceInvalid);
    std::fs::remove_file(directory.join("pylock.provenance.json")).unwrap();
    let told = run(&["--verify-provenance"]).without_network().unwrap().run();
    assert_ne!(told.code, Some(0), "{}", told.told());
    // Without the proof, the wheel of the cache is all that it takes.
    run(&[]).without_network().unwrap().run().ok();
}

#[test]
fn a_page_of_html_names_provenance_too() {
    if offline() {
        return;
    }
    let (server, scratch) = project(Some(real()), "");
    let sha256 = pipward::digest::Sha256::of(&read(WHEEL));
    let page = format!(
        "<!DOCTYPE html><a href=\"/files/{WHEEL}#sha256={sha256}\" data-provenance=\"/integrity/{WHEEL}/provenance\">{WHEEL}</a>"
    );
    server.serve(&format!("/simple/{NAME}/"), Response::ok(page).header("Content-Type", "text/html"));
    lock(scratch.path(), &[PINNED]).ok();
    assert!(text(scratch.path(), "pylock.toml").contains("kind = \"CircleCI\""));
}

#[test]
fn provenance_that_does_not_hold_is_refused() {
    if offline() {
        return;
    }
    let other = changed(|a| {
        a["envelope"]["signature"] =
            real()["attestation_bundles"][0]["attestations"][0]["verification_material"]["certificate"]
                .clone();
    });
    let (_server, scratch) = project(Some(other), "");
    lock(scratch.path(), &[PINNED]).refused(Code::ProvenanceInvalid).stderr_has("signature is not over");
    assert!(!scratch.path().join("pylock.toml").exists());
    let (_server, scratch) = project(Some(json!({"version": 7})), "");
    lock(scratch.path(), &[PINNED]).refused(Code::ProvenanceInvalid).stderr_has("PEP 740");
    // The provenance of one file is not that of another.
    let server = Server::start();
    let (file, bytes) = payload(MODULE, "0.0.1.dev138").build();
    offer(&server, &[(&file, bytes, Some(real()))]);
    let at = server.url("/simple/");
    configure(scratch.path(), &index("here", &at, ""));
    let pin = format!("{NAME}==0.0.1.dev138");
    lock(scratch.path(), &[&pin]).refused(Code::ProvenanceInvalid).stderr_has("another name");
    // Other bytes under the same name.
    let (_, bytes) = payload(MODULE, "0.0.1.dev137").build();
    offer(&server, &[(WHEEL, bytes, Some(real()))]);
    lock(scratch.path(), &[PINNED]).refused(Code::ProvenanceInvalid).stderr_has("other bytes");
}

/// ultralytics, December 2024, second stage: a stolen token uploads releases past the pipeline that had made all others.
#[test]
fn a_release_without_the_provenance_that_earlier_ones_had() {
    if offline() {
        return;
    }
    let (server, scratch) = (Server::start(), scratch());
    let directory = scratch.path();
    let (file, bytes) = payload(MODULE, "0.0.2").build();
    offer(&server, &[(WHEEL, read(WHEEL), Some(real())), (&file, bytes, None)]);
    let at = server.url("/simple/");
    assert!(pip_takes(directory, MODULE, &["-i", &at, NAME]));
    let lock = |words: &[&str]| lock(directory, &[&["-i", &at], words].concat());
    // Seen by the earlier release, where nothing is locked yet.
    lock(&[NAME]).refused(Code::ProvenanceLost).stderr_has(&format!("--accept-publisher {NAME}"));
    assert!(!directory.join("pylock.toml").exists());
    // Seen by the lock.
    lock(&[PINNED]).ok();
    lock(&[NAME, "-U"]).refused(Code::ProvenanceLost).stderr_has("the locked one");
    lock(&[NAME, "-U", "--accept-publisher", "other"]).refused(Code::ProvenanceLost);
    lock(&[NAME, "-U", "--accept-publisher", NAME]).ok();
    assert!(!text(directory, "pylock.toml").contains("attestation-identities"));
    // What was accepted stays accepted.
    lock(&[NAME, "-U"]).ok();
}

/// What is taken out of the lock by hand is not forgotten: the earlier release tells it again.
#[test]
fn a_publisher_that_was_edited_out_of_the_lock() {
    if offline() {
        return;
    }
    let (server, scratch) = project(Some(real()), "");
    let directory = scratch.path();
    lock(directory, &[PINNED]).ok();
    let locked = text(directory, "pylock.toml");
    let (head, rest) = locked.split_once("attestation-identities = [").unwrap();
    let (_, tail) = rest.split_once("\n]\n").unwrap();
    write(directory, "pylock.toml", &format!("{head}{tail}"));
    let (file, bytes) = payload(MODULE, "0.0.2").build();
    offer(&server, &[(WHEEL, read(WHEEL), Some(real())), (&file, bytes, None)]);
    lock(directory, &[NAME, "-U"]).refused(Code::ProvenanceLost).stderr_has("0.0.1.dev137");
}

/// A file that is added to a release whose other files have provenance.
#[test]
fn a_file_that_was_added_past_the_pipeline() {
    if offline() {
        return;
    }
    let (server, scratch) = project(Some(real()), "");
    let (file, bytes) = payload(MODULE, "0.0.1.dev137").tag("py2.py3-none-any").build();
    offer(&server, &[(WHEEL, read(WHEEL), Some(real())), (&file, bytes, None)]);
    lock(scratch.path(), &[PINNED]).refused(Code::ProvenanceLost).stderr_has("rest of this release");
}

/// A project of which only a part has provenance is told of, and refused where the part becomes smaller.
#[test]
fn a_part_that_never_had_provenance() {
    if offline() {
        return;
    }
    let (server, scratch) = (Server::start(), scratch());
    let directory = scratch.path();
    configure(directory, &index("here", &server.url("/simple/"), ""));
    let made = |version: &str, tag: &str| payload(MODULE, version).tag(tag).build();
    let linux = |version: &str| made(version, "cp313-cp313-manylinux_2_17_x86_64");
    let (pure, earlier) = (made("0.0.1.dev136", "py3-none-any"), linux("0.0.1.dev136"));
    let now = linux("0.0.1.dev137");
    let set = |earlier_has: bool, with_windows: bool| {
        let mut files = vec![
            (pure.0.as_str(), pure.1.clone(), Some(real())),
            (earlier.0.as_str(), earlier.1.clone(), earlier_has.then(real)),
            (WHEEL, read(WHEEL), Some(real())),
            (now.0.as_str(), now.1.clone(), None),
        ];
        let windows = made("0.0.1.dev137", "cp313-cp313-win_amd64");
        if with_windows {
            files.push((windows.0.as_str(), windows.1.clone(), None));
        }
        offer(&server, &files);
    };
    set(true, false);
    lock(directory, &[PINNED]).refused(Code::ProvenanceLost).stderr_has("0.0.1.dev136 was published with");
    set(false, false);
    lock(directory, &[PINNED]).ok().stderr_has("provenance-lost").stderr_has("as a part of circleci");
    assert!(text(directory, "pylock.toml").contains(&circleci_project()));
    // What was locked so stays so, and what is added beside it is looked at.
    lock(directory, &[PINNED, "-U"]).ok().stderr_has("as a part of the locked one");
    lock(directory, &["--check-policy"]).ok();
    set(false, true);
    std::fs::remove_file(directory.join("pylock.toml")).unwrap();
    lock(directory, &[PINNED]).ok().stderr_has("and 1 more");
    offer(
        &server,
        &[
            (&pure.0, pure.1.clone(), Some(real())),
            (&earlier.0, earlier.1.clone(), None),
            (&now.0, now.1.clone(), None),
        ],
    );
    std::fs::remove_file(directory.join("pylock.toml")).unwrap();
    lock(directory, &[PINNED]).refused(Code::ProvenanceLost);
}

/// Whoever can write a lock can write its fingerprint too. The index tells who published the file.
#[test]
fn a_publisher_that_was_written_into_the_lock() {
    if offline() {
        return;
    }
    let (server, scratch) = project(Some(real()), "");
    let directory = scratch.path();
    lock(directory, &[PINNED, "--keep-provenance"]).ok();
    edit(directory, &circleci_project(), "00000000-0000-0000-0000-000000000000");
    let edited = pylock::parse(&text(directory, "pylock.toml"), Path::new("pylock.toml")).unwrap();
    write(directory, "pylock.toml", &pylock::write(&drift::signed(edited)));
    lock(directory, &["--check-policy", "--offline"]).refused(Code::PublisherChanged);
    std::fs::remove_file(directory.join("pylock.provenance.json")).unwrap();
    lock(directory, &["--check-policy", "--offline"]).ok();
    lock(directory, &["--check-policy"]).refused(Code::PublisherChanged).stderr_has(&circleci_project());
    lock(directory, &[PINNED, "-U"]).refused(Code::PublisherChanged);
    lock(directory, &[PINNED, "-U", "--accept-publisher", NAME]).ok();
    lock(directory, &["--check-policy"]).ok();
    offer(&server, &[(WHEEL, read(WHEEL), None)]);
    lock(directory, &["--check-policy"]).refused(Code::ProvenanceLost);
}

/// A project that moved to another repository, or was taken over: the lock names the one before.
#[test]
fn a_publisher_that_is_another_one_than_before() {
    if offline() {
        return;
    }
    let (server, scratch) = project(Some(real()), "");
    let directory = scratch.path();
    lock(directory, &[PINNED]).ok();
    edit(directory, &circleci_project(), "00000000-0000-0000-0000-000000000000");
    lock(directory, &[PINNED]).refused(Code::PublisherChanged).stderr_has(&circleci_project());
    lock(directory, &[PINNED, "--accept-publisher", NAME]).ok();
    assert!(text(directory, "pylock.toml").contains(&circleci_project()));
    drop(server);
}

#[test]
fn rules_name_publishers() {
    if offline() {
        return;
    }
    let rule = |more: &str| format!("[[policy.require]]\npackages = [\"circleci-*\"]\n{more}\n");
    let (server, scratch) = project(
        Some(real()),
        &rule(&format!("kind = \"CircleCI\"\nproject_id = \"{}\"", circleci_project())),
    );
    let directory = scratch.path();
    lock(directory, &[PINNED]).ok();
    lock(directory, &["--check-policy"]).ok();
    install(directory, &[]).ok();
    let set = |more: &str| configure(directory, &(index("here", &server.url("/simple/"), "") + more));
    // A rule is for the packages that it names.
    set("[[policy.require]]\npackages = [\"circleci\", \"other-*\"]\nrepository = \"acme/sign\"\n");
    lock(directory, &[PINNED]).ok();
    lock(directory, &["--check-policy"]).ok();
    install(directory, &["--verify-provenance"]).ok();
    set(&rule("repository = \"acme/sign\""));
    lock(directory, &["--check-policy"]).refused(Code::PublisherRequired).stderr_has("repository acme/sign");
    install(directory, &[]).refused(Code::PublisherRequired);
    install(directory, &["--verify-provenance"]).refused(Code::PublisherRequired);
    lock(directory, &[PINNED]).refused(Code::PublisherRequired);
    set(&format!("[policy]\npublisher-required = \"warn\"\n{}", rule("kind = \"GitHub\"")));
    lock(directory, &[PINNED]).ok().stderr_has("publisher-required");
    for bad in ["", "kind = \"Jenkins\"", "repo = \"a/b\""] {
        set(&rule(bad));
        lock(directory, &[PINNED]).refused(Code::ConfigInvalid);
    }
    set("[policy]\nsigstore-root = \"pipward.toml\"\n");
    std::fs::remove_file(directory.join("pylock.toml")).unwrap();
    lock(directory, &[PINNED]).refused(Code::ConfigInvalid).stderr_has("Sigstore root");
    // A root of somebody else's proves nothing.
    set("");
    strictly(directory, &["lock", PINNED]).run().ok();
}
