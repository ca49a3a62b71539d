//! Which releases of a lock are taken: `--only-final`, and `--uploaded-prior-to` by the lock's times and by an index's.

use std::path::PathBuf;

use crate::dropin_install::{World, plain};
use crate::support::server::{Form, Published, Server, Style};

/// A lock of one wheel, which was uploaded then.
fn lock(world: &World, pin: &str, file: &str, uploaded: &str) {
    let (name, rest) = pin.split_once("==").unwrap();
    let (version, hash) = rest.trim_end().split_once(" --hash=sha256:").unwrap();
    let path = world.path("links").join(file).display().to_string();
    world.write(
        "pylock.toml",
        &format!(
            "lock-version = '1.0'\ncreated-by = 'a test'\n[[packages]]\nname = '{name}'\nversion = '{version}'\n\
             wheels = [{{ name = '{file}', {uploaded}path = '{path}', hashes = {{ sha256 = '{hash}' }} }}]\n"
        ),
    );
}

/// Whether anything of a name is in the environment.
fn is_there(world: &World, name: &str) -> bool {
    let lib: Vec<PathBuf> =
        std::fs::read_dir(world.path("env/lib")).unwrap().map(|entry| entry.unwrap().path()).collect();
    lib.iter().any(|python| python.join("site-packages").join(name).exists())
}

#[test]
fn a_locked_pre_release_is_left_out_where_only_final_ones_are_taken() {
    let world = World::new();
    let pin = world.wheel(&plain("early", "1.0a1"));
    world.write("r.txt", &pin);
    let refused = world.install(&["-r", "r.txt", "--only-final", ":all:"]).code(1);
    let refused = refused.stderr_has("ERROR: Could not find a final version that satisfies the requirement");
    refused
        .stderr_has("early==1.0a1 (from versions: 1.0a1)")
        .stderr_has("No matching distribution found for early==1.0a1")
        .stderr_has("release-left-out");
    assert!(!is_there(&world, "early.py"));
    lock(&world, &pin, "early-1.0a1-py3-none-any.whl", "");
    world
        .install(&["-r", "pylock.toml", "--only-final", "early"])
        .code(1)
        .stderr_has("A pre-release version 1.0a1 is specified in a provided lock file for early");
    world.install(&["-r", "pylock.toml", "--only-final", "other"]).ok();
    // What is there stays, and what is put in anew is asked again.
    world.install(&["-r", "r.txt", "--only-final", ":all:"]).ok();
    world.install(&["-r", "r.txt", "--only-final", ":all:", "--force-reinstall"]).code(1);
    assert!(is_there(&world, "early.py"));
    world
        .pip(&["download", "--no-index", "--find-links", "links", "-r", "r.txt", "--only-final", "early"])
        .code(1);
}

#[test]
fn a_lock_takes_pre_releases_of_all_projects_or_none() {
    let world = World::new();
    world.wheel(&plain("early", "1.0a1"));
    let lock = ["lock", "--no-index", "--find-links", "links", "-r", "r.txt"];
    world.write("r.txt", "--all-releases early\nearly\n");
    let told = world.pip(&lock).code(1).stderr_has("pre-releases are locked for all projects or none");
    told.stderr_has("r.txt:1");
    world.write("r.txt", "--all-releases :all:\nearly\n");
    world.pip(&lock).ok();
}

#[test]
fn files_that_are_newer_than_was_said_are_left_out_by_the_locks_times() {
    let world = World::new();
    let pin = world.wheel(&plain("timed", "1.0"));
    let file = "timed-1.0-py3-none-any.whl";
    lock(&world, &pin, file, "upload-time = 2024-05-01T00:00:00Z, ");
    let prior = |time: &str| world.install(&["--dry-run", "-r", "pylock.toml", "--uploaded-prior-to", time]);
    prior("2024-05-01T00:00:01Z").ok();
    // "Prior": not at that moment.
    prior("2024-05-01T00:00:00Z")
        .code(1)
        .stderr_has(
            "Could not install locked package 'timed' from 'pylock.toml': Upload time 2024-05-01T00:00:00Z",
        )
        .stderr_has("release-left-out");
    prior("2020-01-01").code(1);
    prior("P1D").ok();
    lock(&world, &pin, file, "");
    // A file of this machine is from no index.
    prior("2020-01-01").ok();
    prior("soon").code(2).stderr_has("invalid value: 'soon'");
}

#[test]
fn files_that_are_newer_than_was_said_are_left_out_by_the_times_of_an_index() {
    let world = World::new();
    let server = Server::start();
    let (name, bytes) = plain("timed", "1.0").build();
    let pin = world.wheel(&plain("timed", "1.0"));
    world.write("r.txt", &pin);
    let json = Style { form: Form::Json, ..Style::default() };
    let known = Published::new((name.clone(), bytes.clone())).uploaded("2024-05-01T00:00:00Z");
    server.publish("timed", &[known], &json);
    let index = server.url("/simple/");
    let prior = |time: &str| {
        let words = ["install", "--no-cache-dir", "--dry-run", "-i", &index, "-r", "r.txt"];
        world.pip(&[&words[..], &["--uploaded-prior-to", time]].concat())
    };
    prior("2024-06-01").ok();
    prior("2024-04-01").code(1).stderr_has("ERROR: No matching distribution found for timed==1.0");
    server.publish("timed", &[Published::new((name, bytes))], &json);
    prior("2024-06-01").code(1).stderr_has("does not provide upload-time metadata");
}
