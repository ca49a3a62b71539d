//! Where nothing may be written: told once, before the first change, and no hindrance where nothing is to be done.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{fresh, wheels};
use crate::commands::{Place, simple};
use crate::support::loudly;
use crate::support::run::{Output, Run};
use crate::support::tree::{assert_same, tree};

const SYNC: [&str; 6] = ["sync", "--no-index", "--find-links", "wheels", "-r", "lock.txt"];

/// The words that run a program with no more rights than permission bits give; nothing where the system has no such way,
/// which is told.
fn without_rights() -> Option<Vec<&'static str>> {
    let words = [
        "setpriv",
        "--bounding-set=-dac_override,-dac_read_search",
        "--inh-caps=-dac_override,-dac_read_search",
    ];
    let scratch = crate::support::run::scratch();
    std::fs::set_permissions(scratch.path(), std::fs::Permissions::from_mode(0o500)).unwrap();
    let touch = |words: &[&str]| {
        let _ = std::fs::remove_file(scratch.path().join("file"));
        let mut command = std::process::Command::new(words[0]);
        command.args(&words[1..]).arg("touch").arg(scratch.path().join("file"));
        command.output().is_ok_and(|output| output.status.success())
    };
    let found = [&["env"][..], &words].into_iter().find(|words| {
        let ran = std::process::Command::new(words[0]).args(&words[1..]).arg("true").output();
        ran.is_ok_and(|output| output.status.success()) && !touch(words)
    });
    if found.is_none() {
        loudly(
            "SKIPPED: no way here to run without root's rights: nothing is proven about read-only directories",
        );
    }
    found.map(<[&str]>::to_vec)
}

fn set(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn run(place: &Place, before: &[&str], words: &[&str]) -> Output {
    Run::new(before[0])
        .args(&before[1..])
        .arg(env!("CARGO_BIN_EXE_pipward"))
        .args(words)
        .arg("--python")
        .arg(place.environment())
        .env("PIPWARD_CACHE_DIR", place.path("cache"))
        .dir(place.scratch.path())
        .run()
}

/// The environment with another lock than the one that it was made from: each package differs.
fn changed() -> Place {
    let (place, _) = fresh();
    let newer: Vec<_> = ["alpha", "beta", "gamma"].iter().map(|name| simple(name, "2")).collect();
    std::fs::write(place.path("lock.txt"), place.offer(&newer)).unwrap();
    place
}

#[test]
fn what_may_not_be_written_is_told_once_and_before() {
    let Some(before) = without_rights() else { return };
    for directory in ["", "lib/python/site-packages", "bin"] {
        let place = changed();
        let version = format!("python{}", place.python.version);
        let at = place.environment().join(directory.replace("python", &version));
        set(&at, 0o555);
        let old = tree(&place.environment());
        for words in [&SYNC[..], &["install", "--no-index", "--find-links", "wheels", "-r", "lock.txt"]] {
            let told = run(&place, &before, words).code(3).stderr_has("not-writable");
            assert_eq!(told.stderr.matches("error[").count(), 1, "{directory}: {}", told.told());
            assert!(told.stderr.contains(at.to_str().unwrap()), "{directory}: {}", told.told());
            assert_same(&old, &tree(&place.environment()));
        }
        set(&at, 0o755);
        run(&place, &before, &SYNC).ok();
    }
}

/// A directory of a distribution has the bits that an install gives, where they may be given.
#[test]
fn a_distributions_own_directory_is_made_writable() {
    let Some(before) = without_rights() else { return };
    let place = changed();
    let directory = place.library().join("alpha");
    set(&directory, 0o555);
    run(&place, &before, &SYNC).ok().stdout_has("Successfully installed alpha-2");
    assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o7777, 0o755);
}

/// It would be moved away, and could not be removed then.
#[test]
fn a_directory_in_place_of_a_file_goes_where_all_of_it_can() {
    let Some(before) = without_rights() else { return };
    let (place, _) = fresh();
    // INSTALLER names pipward then.
    run(&place, &["env"], &SYNC).ok();
    let wanted = tree(&place.environment());
    let file = place.library().join("alpha/mod.py");
    let cache = file.join("sub/__pycache__");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir_all(&cache).unwrap();
    std::fs::write(cache.join("x.cpython-312.pyc"), "").unwrap();
    for directory in [&file, &file.join("sub"), &cache] {
        set(directory, 0o555);
        let old = tree(&place.environment());
        run(&place, &before, &SYNC).code(1).stderr_has("file-conflict");
        assert_same(&old, &tree(&place.environment()));
        set(directory, 0o755);
    }
    run(&place, &before, &SYNC).ok();
    assert_same(&wanted, &tree(&place.environment()));
}

#[test]
fn where_nothing_is_to_be_done_nothing_need_be_writable() {
    let Some(before) = without_rights() else { return };
    let (place, _) = fresh();
    // INSTALLER names pipward then.
    run(&place, &["env"], &SYNC).ok();
    for directory in [place.environment(), place.library()] {
        set(&directory, 0o555);
    }
    for words in [&["--rehash"][..], &[]] {
        run(&place, &before, &[&SYNC[..], words].concat()).ok().stdout_has("Nothing to do");
    }
    for directory in [place.environment(), place.library()] {
        set(&directory, 0o755);
    }
}

/// As a container mounts it.
#[test]
fn a_read_only_file_system_is_told_once() {
    let place = changed();
    let old = tree(&place.environment());
    let script = "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" || exit 77; \"$@\"";
    let environment = place.environment();
    let before = ["unshare", "-rm", "sh", "-c", script, environment.to_str().unwrap()];
    let told = run(&place, &before, &SYNC);
    if told.code == Some(77) || told.stderr.contains("unshare:") {
        return loudly("SKIPPED: no file system may be mounted in a namespace here");
    }
    let told = told.code(3).stderr_has("not-writable");
    assert_eq!(told.stderr.matches("error[").count(), 1, "{}", told.told());
    assert_same(&old, &tree(&place.environment()));
    // A new environment in a place of that kind.
    let other = Place::with(&[]);
    std::fs::write(other.path("lock.txt"), other.offer(&wheels())).unwrap();
    let (at, new) = (other.environment(), other.environment().join("new"));
    let before = ["unshare", "-rm", "sh", "-c", script, at.to_str().unwrap()];
    let words = [&SYNC[..], &["--venv", new.to_str().unwrap()]].concat();
    let told = Run::new(before[0])
        .args(&before[1..])
        .arg(env!("CARGO_BIN_EXE_pipward"))
        .args(words)
        .dir(other.scratch.path())
        .run()
        .code(3)
        .stderr_has("not-writable");
    assert_eq!(told.stderr.matches("error[").count(), 1, "{}", told.told());
    assert!(!new.exists());
}
