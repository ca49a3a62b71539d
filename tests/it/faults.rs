//! A store that was damaged or is shared.

use std::path::PathBuf;

use pipward::digest::Sha256;
use pipward::error::Code;

use crate::support::long;
use crate::support::pythons::any_python;
use crate::support::run::{Output, pipward, scratch};
use crate::support::server::{Published, Response, Server, Style};
use crate::support::tree::{Node, assert_same, tree};
use crate::support::world::{lock, offer, packages, wheel, write};

/// A server with two wheels, and locks of one and of both.
struct World {
    server: Server,
    directory: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { server: Server::start(), directory: scratch() };
        let mut text = String::from("lock-version = \"1.0\"\ncreated-by = \"a test\"\n");
        for name in ["apple", "pear"] {
            let (file, bytes) = wheel(name, "1.0").build();
            world.server.publish(name, &[Published::new((file.clone(), bytes.clone()))], &Style::default());
            text += &format!(
                "[[packages]]\nname = \"{name}\"\nversion = \"1.0\"\nwheels = [{{ url = \"{}\", hashes = {{ sha256 = \"{}\" }} }}]\n",
                world.server.url(&format!("/files/{file}")),
                Sha256::of(&bytes)
            );
            std::fs::write(world.path(&format!("pylock.{name}.toml")), &text).unwrap();
        }
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn install(&self, environment: &str, lock: &str) -> Output {
        pipward(["install", "--venv", environment, "--cache-dir", "cache", "-r", lock, "--python"])
            .arg(any_python().executable)
            .dir(self.directory.path())
            .run()
    }

    /// Each wheel of the store is what its name says.
    fn assert_sound(&self) {
        let mut count = 0;
        for entry in self.path("cache/wheels").read_dir().unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            assert_eq!(name, format!("{}.whl", Sha256::of(&std::fs::read(&path).unwrap())));
            count += 1;
        }
        assert_eq!(count, 2);
    }
}

#[test]
fn no_changed_byte_of_the_store_changes_what_is_installed() {
    let world = World::new();
    world.install("env", "pylock.pear.toml").ok();
    let expected = tree(&world.path("env"));
    let whole = tree(&world.path("cache"));
    let files: Vec<(&String, &Vec<u8>)> = whole
        .iter()
        .filter_map(|(path, node)| match node {
            Node::File { content, .. } if !content.is_empty() => Some((path, content)),
            _ => None,
        })
        .collect();
    let total: usize = files.iter().map(|(_, content)| content.len()).sum();
    let mut seed = 5_u64;
    for _ in 0..if long() { 1_000 } else { 8 } {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut at = usize::try_from(seed >> 20).unwrap() % total;
        let (path, content) = files
            .iter()
            .find(|(_, content)| {
                let here = at < content.len();
                at = if here { at } else { at - content.len() };
                here
            })
            .unwrap();
        let mut changed = (*content).clone();
        changed[at] ^= 1 << (seed % 8);
        let file = world.path("cache").join(path);
        std::fs::write(&file, changed).unwrap();
        std::fs::remove_dir_all(world.path("env")).unwrap();
        world.install("env", "pylock.pear.toml").ok();
        assert_same(&expected, &tree(&world.path("env")));
        std::fs::write(&file, content).unwrap();
    }
}

#[test]
fn sixteen_processes_share_an_empty_store() {
    let world = World::new();
    std::thread::scope(|scope| {
        for at in 0..16 {
            let world = &world;
            let lock = if at % 2 == 0 { "pylock.apple.toml" } else { "pylock.pear.toml" };
            scope.spawn(move || world.install(&format!("env{at}"), lock).ok());
        }
    });
    world.assert_sound();
}

#[test]
fn eight_processes_change_one_environment_in_turn() {
    let world = World::new();
    world.install("env", "pylock.apple.toml").ok();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| world.install("env", "pylock.pear.toml").ok());
        }
    });
    let found = tree(&world.path("env"));
    let modules: Vec<&String> =
        found.keys().filter(|path| path.ends_with("/apple.py") || path.ends_with("/pear.py")).collect();
    assert_eq!(modules.len(), 2, "{modules:?}");
    world.assert_sound();
}

/// What is chosen must not depend on a part that is not there: a release without wheels would look older than it is.
#[test]
fn a_kept_page_that_shrinks_while_it_is_used_ends_the_run() {
    let server = Server::start();
    let many = (1..500).map(|version| Published::new(wheel("large", &format!("{version}.0.0.0.0")).build()));
    let index = offer(&server, many.map(|file| file.uploaded("2026-01-01T00:00:00Z")).collect());
    let scratch = scratch();
    let directory = scratch.path();
    let run = || lock(directory, &index, &["-r", "a.in", "--cache-dir", "cache", "--no-universal"]);
    write(directory, "a.in", "large\n");
    run().ok();
    let pages = std::fs::read_dir(directory.join("cache/index")).unwrap();
    let page = pages.map(|entry| entry.unwrap().path()).next().unwrap();
    assert!(page.metadata().unwrap().len() > 64 << 10, "it stays in its file");
    let (name, bytes) = wheel("late", "1").build();
    let file = serde_json::json!({
        "filename": name, "url": format!("/files/{name}"), "upload-time": "2026-01-01T00:00:00Z",
        "hashes": { "sha256": Sha256::of(&bytes).to_string() },
    });
    let answer = serde_json::json!({ "meta": { "api-version": "1.1" }, "name": "late", "files": [file] });
    let answer =
        Response::ok(answer.to_string()).header("Content-Type", "application/vnd.pypi.simple.v1+json");
    server.file(&format!("/files/{name}"), bytes);
    let shrinking = page.clone();
    server.on("/simple/late/", move |_, _| {
        // By then the other page was checked, and nothing of it was looked at: what is asked for first is waited for.
        std::thread::sleep(std::time::Duration::from_secs(1));
        let file = std::fs::File::options().write(true).open(&shrinking).unwrap();
        file.set_len(40 << 10).unwrap();
        answer.clone()
    });
    write(directory, "a.in", "late\nlarge\n");
    std::fs::remove_file(directory.join("pylock.toml")).unwrap();
    run().refused(Code::FileAccess);
    assert!(!directory.join("pylock.toml").exists());
}

/// An entry that fits itself is not what the index announces.
#[test]
fn kept_metadata_that_are_not_the_announced_ones_are_asked_for_again() {
    let server = Server::start();
    let one = wheel("one", "1");
    let metadata = "Metadata-Version: 2.1\nName: one\nVersion: 1\n";
    let index = offer(&server, vec![Published::new(one.build()).metadata(metadata)]);
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "a.in", "one\n");
    let run = || lock(directory, &index, &["-r", "a.in", "--cache-dir", "cache", "--no-universal"]);
    run().ok();
    let entries = std::fs::read_dir(directory.join("cache/metadata")).unwrap();
    let entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(entries.len(), 1);
    let forged = format!("{metadata}Requires-Dist: two\n");
    std::fs::write(&entries[0], format!("{}\n{forged}", Sha256::of(forged.as_bytes()))).unwrap();
    let first = std::fs::read_to_string(directory.join("pylock.toml")).unwrap();
    std::fs::remove_file(directory.join("pylock.toml")).unwrap();
    run().ok();
    assert_eq!(packages(directory), ["one 1"], "{first}");
}
