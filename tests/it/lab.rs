//! `pipward lab`: each scenario goes as it is told, next to pip, and leaves nothing behind.

use pipward::attest::{Attestation, Verifier};
use pipward::digest::Sha256;
use pipward::error::Code;
use pipward::lab::{SCENARIOS, signed};
use serde_json::Value;

use crate::support::peers::peers;
use crate::support::pythons::any_python;
use crate::support::run::{pipward, repository, scratch};
use crate::support::sigstore::{Claim, Sigstore};
use crate::support::{loudly, offline};

#[test]
fn every_scenario_goes_as_it_is_told() {
    let scratch = scratch();
    let python = if offline() { any_python().executable } else { peers().python() };
    let run = pipward(["lab", "all", "--json", "--python"]).arg(&python).env("TMPDIR", scratch.path());
    let told = run.run().ok();
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    let all = document["scenarios"].as_array().unwrap();
    assert_eq!(all.len(), SCENARIOS.len());
    for scenario in all {
        let name = scenario["name"].as_str().unwrap();
        let codes = scenario["codes"].as_array().unwrap();
        assert!(!codes.is_empty(), "{scenario:#}");
        for code in codes {
            assert!(Code::from_name(code.as_str().unwrap()).is_some(), "{code}");
        }
        // Nobody asks pip about a file that was edited.
        if !offline() && name != "edited-file" {
            assert_eq!(scenario["payload_ran_with_pip"], true, "{scenario:#}");
        }
    }
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "what is left behind");
    loudly(&format!("{} scenarios of the lab went as they are told", all.len()));
}

#[test]
fn the_poisoned_release_is_called_out_first() {
    let told = pipward(["lab", "poisoned-release", "--python"]).arg(any_python().executable).run().ok();
    let lines: Vec<&str> = told.stdout.lines().collect();
    let at = lines.iter().position(|line| line.starts_with("$ pipward diff")).unwrap();
    assert!(lines[at + 1].contains("! plum 1"), "{}", told.told());
    assert!(lines[at + 2].contains("ALARM: other hashes"), "{}", told.told());
    told.stdout_has("ALARM: new start-up code: plum_init.pth")
        .stdout_has("=> pipward: startup-code. Nothing of the payload ran.")
        .stdout_has("pipward explain startup-code");
}

#[test]
fn an_interrupted_lab_leaves_nothing_behind() {
    for signal in ["TERM", "INT"] {
        let scratch = scratch();
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_pipward"))
            .args(["lab", "all", "--python"])
            .arg(any_python().executable)
            .env("TMPDIR", scratch.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let made = || std::fs::read_dir(scratch.path()).unwrap().count() > 0;
        while !made() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let kill = std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status();
        assert!(kill.unwrap().success(), "{signal}: it ended before it could be interrupted");
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        assert!(!made(), "{signal}: what is left behind");
    }
}

#[test]
fn scenarios_are_listed_and_found_by_name() {
    let told = pipward(["lab"]).run().ok();
    for scenario in SCENARIOS {
        assert!(told.stdout.contains(scenario.name) && told.stdout.contains(scenario.title));
    }
    pipward(["lab", "no-such"]).run().refused(Code::Usage).stderr_has("pipward lab");
}

/// The signatures of the lab are of its wheels. `INSTA_UPDATE=always` makes them anew where they are not.
#[test]
fn the_signatures_are_of_the_wheels() {
    let folder = repository().join("src/lab/signed");
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let holds = |file: &str, name: &str, bytes: &[u8]| {
        let provenance: Value = serde_json::from_str(&read(file)).unwrap();
        let attestation = &provenance["attestation_bundles"][0]["attestations"][0];
        let judge = || {
            let attestation = Attestation::parse(attestation.to_string().as_bytes()).ok()?;
            Verifier::from_root(&read("root.json"))
                .ok()?
                .verify_one(&attestation, name, &Sha256::of(bytes))
                .ok()
        };
        judge().is_some()
    };
    let stale = |claims: &[(&str, &str, String, Vec<u8>)]| {
        claims.iter().any(|(_, file, name, bytes)| !holds(file, name, bytes))
    };
    let claims = signed::claims();
    if stale(&claims) && std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        let sigstore = Sigstore::new();
        std::fs::write(folder.join("root.json"), sigstore.root() + "\n").unwrap();
        for (publisher, file, name, bytes) in &claims {
            let provenance = sigstore.provenance(&Claim::new(publisher, name, bytes));
            std::fs::write(folder.join(file), format!("{provenance:#}\n")).unwrap();
        }
    }
    assert!(!stale(&claims), "make them anew with INSTA_UPDATE=always");
}
