//! The seeds of `fuzz/`, run through the bodies of its targets without the engine: what fuzzing once found stays found.

use std::path::PathBuf;

use crate::support::loudly;
use crate::support::run::{repository, scratch};

#[path = "../../fuzz/src/lib.rs"]
#[allow(dead_code, clippy::duplicate_mod)]
mod fuzz;

use fuzz::{oracle, recipe, targets};

/// The seeds of a target, by name.
fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let directory: PathBuf = repository().join("fuzz/seeds").join(target);
    let mut found: Vec<_> = std::fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())
        })
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{target} has no seeds");
    found
}

#[test]
fn each_target_holds_on_its_seeds() {
    for (target, body) in targets::ALL {
        for (name, bytes) in seeds(target) {
            let held = std::panic::catch_unwind(|| body(&bytes));
            assert!(held.is_ok(), "fuzz/seeds/{target}/{name} breaks its target");
        }
    }
}

/// Those that are wheels are made by code.
#[test]
fn wheels_among_the_seeds_are_the_ones_that_are_made() {
    let directory = repository().join("fuzz/seeds/archive");
    let write = std::env::var_os("PIPWARD_FUZZ_SEEDS").is_some_and(|value| value == "1");
    for (name, bytes) in fuzz::seeds::wheels() {
        if write {
            std::fs::write(directory.join(name), &bytes).unwrap();
        }
        let found = std::fs::read(directory.join(name)).unwrap();
        assert!(found == bytes, "PIPWARD_FUZZ_SEEDS=1 writes fuzz/seeds/archive/{name} anew");
    }
}

#[test]
fn each_target_is_one_of_the_engine_too() {
    let manifest = std::fs::read_to_string(repository().join("fuzz/Cargo.toml")).unwrap();
    let readme = std::fs::read_to_string(repository().join("fuzz/README.md")).unwrap();
    for (target, _) in targets::ALL {
        assert!(manifest.contains(&format!("name = \"{target}\"\n")), "{target} is no program");
        assert!(readme.contains(&format!("`{target}`")), "README.md does not say how long {target} was run");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), targets::ALL.len());
}

/// What we accept of the wheels that the seeds are or choose, zipfile and `unzip` extract to the same files.
#[test]
fn other_readers_extract_the_same_files() {
    let wheels = seeds("archive").into_iter().map(|(name, bytes)| (format!("archive/{name}"), bytes));
    let chosen = seeds("differential")
        .into_iter()
        .map(|(name, bytes)| (format!("differential/{name}"), recipe::wheel(&bytes)));
    let (mut accepted, mut unzip) = (0, true);
    for (name, wheel) in wheels.chain(chosen) {
        let compared = std::panic::catch_unwind(|| {
            targets::compare(&wheel).then(|| targets::compare_with_unzip(&wheel).is_some())
        });
        match compared {
            Ok(None) => {}
            Ok(Some(by_unzip)) => {
                accepted += 1;
                unzip &= by_unzip;
            }
            Err(_) => panic!("fuzz/seeds/{name} is read differently"),
        }
    }
    assert!(accepted >= 20, "only {accepted} of the seeds are accepted, which proves little");
    if !unzip {
        loudly("unzip is not installed: the seeds were compared with zipfile and the zip crate alone");
    }
}

/// zipfile's own `extractall`, which is what the answers of the long-lived reader stand for.
#[test]
fn zipfile_extracts_what_its_reader_says() {
    let scratch = scratch();
    for (name, wheel) in seeds("archive") {
        let Ok(ours) = targets::read_wheel(&wheel) else { continue };
        let (archive, target) = (scratch.path().join(&name), scratch.path().join(format!("{name}.d")));
        std::fs::write(&archive, &wheel).unwrap();
        let code = "import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])";
        let status = std::process::Command::new("python3")
            .args(["-I", "-S", "-c", code])
            .args([&archive, &target])
            .status()
            .unwrap();
        assert!(status.success(), "{name}");
        let mut files = oracle::Files::new();
        oracle::walk(&target, "", &mut files).unwrap();
        assert_eq!(files, ours, "{name}");
    }
}
