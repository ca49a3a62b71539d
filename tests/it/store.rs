//! A store and a cache that somebody else has written: whatever stands at an entry's place, what is installed is what was
//! locked, nothing outside is read or changed, and nothing waits for ever.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pipward::digest::Sha256;

use crate::support::loudly;
use crate::support::pythons::any_python;
use crate::support::run::{Output, pipward, scratch};
use crate::support::server::{Published, Server, Style};
use crate::support::tree::{Tree, assert_same, differences, tree};
use crate::support::world::wheel;

/// An index with a wheel, a lock of it without its size, and what an install of it makes.
struct World {
    server: Server,
    directory: tempfile::TempDir,
    pear: (String, Vec<u8>),
    expected: Tree,
}

impl World {
    fn new() -> Self {
        let (server, directory) = (Server::start(), scratch());
        let pear = wheel("pear", "1.0").build();
        server.publish("pear", &[Published::new(pear.clone())], &Style::default());
        let text =
            format!("-i {}\npear==1.0 --hash=sha256:{}\n", server.url("/simple/"), Sha256::of(&pear.1));
        std::fs::write(directory.path().join("requirements.txt"), text).unwrap();
        std::fs::create_dir(directory.path().join("outside")).unwrap();
        std::fs::write(directory.path().join("outside/victim"), "untouched").unwrap();
        let mut world = Self { server, directory, pear, expected: Tree::new() };
        world.install().ok();
        world.expected = tree(&world.path("env"));
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Output {
        pipward(words).args(["--cache-dir", "cache"]).dir(self.directory.path()).run()
    }

    fn install(&self) -> Output {
        let python = any_python().executable;
        let words = ["install", "--venv", "env", "-r", "requirements.txt", "--timeout", "5", "--python"];
        self.command(&[&words[..], &[python.to_str().unwrap()]].concat())
    }

    /// Installs anew; it goes well, makes what was locked, and leaves alone what lies outside.
    #[track_caller]
    fn installs(&self, what: &str) -> Output {
        let outside = tree(&self.path("outside"));
        let _ = std::fs::remove_dir_all(self.path("env"));
        let output = self.install().ok();
        assert!(differences(&self.expected, &tree(&self.path("env"))).is_empty(), "{what}");
        assert_same(&outside, &tree(&self.path("outside")));
        output
    }

    /// The entry of the wheel in the store.
    fn entry(&self) -> PathBuf {
        self.path("cache/wheels").join(format!("{}.whl", Sha256::of(&self.pear.1)))
    }

    fn downloads(&self) -> usize {
        self.server.asked(&format!("/files/{}", self.pear.0)).len()
    }
}

fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn remove(path: &Path) {
    let _ = std::fs::remove_file(path).or_else(|_| std::fs::remove_dir_all(path));
}

/// What may stand at a path: what it is called, and who makes it, told of the path and of what lies outside.
type Trap = (&'static str, fn(&Path, &Path));

const TRAPS: [Trap; 8] = [
    ("nothing", |_, _| {}),
    ("an empty file", |path, _| std::fs::write(path, "").unwrap()),
    ("a pipe", |path, _| mkfifo(path)),
    ("a directory", |path, _| std::fs::create_dir_all(path.join("full")).unwrap()),
    ("a link to another file", |path, outside| symlink(outside.join("victim"), path).unwrap()),
    ("a link to nothing", |path, outside| symlink(outside.join("nothing"), path).unwrap()),
    ("a hard link", |path, outside| std::fs::hard_link(outside.join("victim"), path).unwrap()),
    ("a file of a terabyte", |path, _| std::fs::File::create(path).unwrap().set_len(1 << 40).unwrap()),
];

#[test]
fn whatever_stands_for_a_wheel_is_no_wheel() {
    let world = World::new();
    for (what, make) in TRAPS {
        let before = world.downloads();
        remove(&world.entry());
        make(&world.entry(), &world.path("outside"));
        world.installs(what);
        assert_eq!(world.downloads(), before + 1, "{what}: it is downloaded once");
        let found = world.entry().symlink_metadata().unwrap();
        if !found.is_dir() {
            assert!(found.is_file(), "{what}");
            assert_eq!(std::fs::read(world.entry()).unwrap(), world.pear.1, "{what}");
            world.installs(what);
            assert_eq!(world.downloads(), before + 1, "{what}: and then it is there");
        }
    }
}

#[test]
fn a_link_to_the_right_bytes_is_not_followed_either() {
    let world = World::new();
    std::fs::rename(world.entry(), world.path("outside/good")).unwrap();
    symlink(world.path("outside/good"), world.entry()).unwrap();
    let before = world.downloads();
    world.installs("a link to the right bytes");
    assert_eq!(world.downloads(), before + 1);
    assert!(world.entry().symlink_metadata().unwrap().is_file());
}

#[test]
fn whatever_stands_for_a_directory_of_the_cache_costs_no_more_than_the_cache() {
    let world = World::new();
    let directories: Vec<PathBuf> =
        world.path("cache").read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(directories.len() >= 3, "{directories:?}");
    for directory in directories.iter().chain([&world.path("cache")]) {
        for (what, make) in TRAPS.iter().filter(|(what, _)| !what.contains("directory")) {
            remove(directory);
            make(directory, &world.path("outside"));
            world.installs(&format!("{}: {what}", directory.display()));
            assert!(!world.path("outside/nothing").exists(), "{what}");
        }
        remove(directory);
    }
}

#[test]
fn whatever_stands_for_a_fact_is_learned_again() {
    let world = World::new();
    world.command(&["sync", "--venv", "env", "-r", "requirements.txt"]).ok();
    let python = any_python().executable;
    let lock = ["lock", "pear", "-i", &world.server.url("/simple/"), "--no-universal", "--python"];
    let lock = [&lock[..], &[python.to_str().unwrap(), "-o", "pylock.toml"]].concat();
    world.command(&lock).ok();
    let locked = std::fs::read(world.path("pylock.toml")).unwrap();
    let facts: Vec<String> =
        tree(&world.path("cache")).into_keys().filter(|path| path.contains('/')).collect();
    for directory in ["index/", "metadata/", "interpreters/", "witness/", "wheels/"] {
        assert!(facts.iter().any(|path| path.starts_with(directory)), "{directory} {facts:?}");
    }
    let bytes = |path: &str| std::fs::read(world.path("cache").join(path)).unwrap();
    let kept: Vec<(String, Vec<u8>)> = facts.into_iter().map(|path| (path.clone(), bytes(&path))).collect();
    for (what, make) in TRAPS {
        let outside = tree(&world.path("outside"));
        for (path, _) in &kept {
            remove(&world.path("cache").join(path));
            make(&world.path("cache").join(path), &world.path("outside"));
        }
        std::fs::remove_file(world.path("pylock.toml")).unwrap();
        world.command(&lock).ok();
        assert_eq!(std::fs::read(world.path("pylock.toml")).unwrap(), locked, "{what}");
        world.command(&["sync", "--venv", "env", "-r", "requirements.txt"]).ok();
        world.command(&["cache", "list"]).ok();
        world.command(&["cache", "info"]).ok();
        assert_same(&world.expected, &tree(&world.path("env")));
        assert_same(&outside, &tree(&world.path("outside")));
    }
    world.command(&["cache", "purge"]).ok();
    assert_eq!(std::fs::read(world.path("outside/victim")).unwrap(), b"untouched");
}

#[test]
fn a_cache_that_others_can_write_is_not_used() {
    let world = World::new();
    let mode = |mode| std::fs::set_permissions(world.path("cache"), PermissionsExt::from_mode(mode)).unwrap();
    let whole = tree(&world.path("cache"));
    let unused = |world: &World, why: &str| {
        let before = world.downloads();
        world.installs(why).stderr_has("is not used").stderr_has(why);
        assert_eq!(world.downloads(), before + 1);
    };
    mode(0o777);
    unused(&world, "others can write to it");
    mode(0o1777);
    unused(&world, "others can write to it");
    // The user's own group may write where the user's files have that group.
    mode(0o770);
    let before = world.downloads();
    world.installs("a group of one's own");
    assert_eq!(world.downloads(), before);
    let as_other = Command::new("chown").arg("12345").arg(world.path("cache")).stderr(Stdio::null()).status();
    if as_other.unwrap().success() {
        unused(&world, "it belongs to another user");
        assert!(Command::new("chown").arg("0").arg(world.path("cache")).status().unwrap().success());
    } else {
        loudly("SKIPPED: only the administrator can give a directory away");
    }
    mode(0o700);
    let now: Vec<String> = tree(&world.path("cache")).into_keys().collect();
    assert_eq!(now, whole.into_keys().collect::<Vec<_>>());
}

/// With the cache on a file system that nobody can write, in a namespace of its own.
#[test]
fn a_cache_that_cannot_be_written_is_read_and_no_error() {
    let world = World::new();
    let script = "mount --bind cache cache && mount -o remount,ro,bind cache || exit 77; exec \"$@\"";
    let run = |words: &[&str]| {
        Command::new("unshare")
            .args(["-rm", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_pipward")])
            .args(words)
            .args(["--cache-dir", "cache"])
            .current_dir(world.directory.path())
            .env("HOME", world.directory.path())
            .output()
            .unwrap()
    };
    let install = ["install", "--target", "out", "-r", "requirements.txt"];
    let before = (tree(&world.path("cache")), world.downloads());
    let output = run(&install);
    if output.status.code() == Some(77) {
        loudly("SKIPPED: no file system may be mounted in a namespace here");
        return;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(world.downloads(), before.1, "the store was read");
    // A wheel that is not in it yet is installed all the same.
    let plum = wheel("plum", "1.0").build();
    world.server.publish("plum", &[Published::new(plum.clone())], &Style::default());
    let text =
        format!("-i {}\nplum==1.0 --hash=sha256:{}\n", world.server.url("/simple/"), Sha256::of(&plum.1));
    std::fs::write(world.path("plum.txt"), text).unwrap();
    let output = run(&["install", "--target", "out", "-r", "plum.txt"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let unkept = "the cache does not keep all wheels of this run: Read-only file system";
    assert_eq!(told.matches(unkept).count(), 1, "{told}");
    assert!(world.path("out/plum.py").is_file() && world.path("out/pear.py").is_file());
    assert_same(&before.0, &tree(&world.path("cache")));
}

#[test]
fn a_socket_is_no_wheel() {
    let world = World::new();
    let socket = std::os::unix::net::UnixListener::bind(world.path("socket")).unwrap();
    remove(&world.entry());
    symlink(world.path("socket"), world.entry()).unwrap();
    world.installs("a link to a socket");
    remove(&world.entry());
    std::fs::rename(world.path("socket"), world.entry()).unwrap();
    assert!(world.entry().symlink_metadata().unwrap().file_type().is_socket());
    world.installs("a socket");
    assert_eq!(std::fs::read(world.entry()).unwrap(), world.pear.1);
    drop(socket);
}
