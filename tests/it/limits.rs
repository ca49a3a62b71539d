//! `[limits]` of the configuration: each one is honoured, can be raised, and is named where it is passed.

use std::path::PathBuf;

use pipward::digest::Sha256;
use pipward::error::Code;

use crate::support::pythons::any_python;
use crate::support::run::{Output, pipward, scratch};
use crate::support::server::{Fault, Published, Response, Server, Style};
use crate::support::tree::{assert_same, tree};
use crate::support::wheels::WheelBuilder;

/// A directory with a configuration, and a server.
struct World {
    server: Server,
    directory: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self { server: Server::start(), directory: scratch() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn configure(&self, limits: &str) {
        std::fs::write(self.path("pipward.toml"), format!("[limits]\n{limits}\n")).unwrap();
    }

    /// Writes a wheel, and a lock without sizes that is right about it.
    fn lock(&self, wheel: &(String, Vec<u8>), served: bool) {
        let (name, bytes) = wheel;
        let at = if served {
            self.server.publish("pear", &[Published::new(wheel.clone())], &Style::default());
            format!("url = \"{}\"", self.server.url(&format!("/files/{name}")))
        } else {
            std::fs::write(self.path(name), bytes).unwrap();
            format!("path = \"{name}\"")
        };
        let lock = format!(
            "lock-version = \"1.0\"\ncreated-by = \"a test\"\n[[packages]]\nname = \"pear\"\nversion = \"1.0\"\nwheels = [{{ {at}, hashes = {{ sha256 = \"{}\" }} }}]\n",
            Sha256::of(bytes)
        );
        std::fs::write(self.path("pylock.toml"), lock).unwrap();
    }

    fn run(&self, words: &str) -> Output {
        pipward(words.split(' ')).args(["--cache-dir", "cache"]).dir(self.directory.path()).run()
    }

    fn install(&self) -> Output {
        let _ = std::fs::remove_dir_all(self.path("out"));
        let run = pipward(["install", "--target", "out", "--cache-dir", "cache", "-r", "pylock.toml"]);
        run.args(["--retries", "0", "--timeout", "5", "--python"])
            .arg(any_python().executable)
            .dir(self.directory.path())
            .run()
    }

    /// Under `limits` the install is refused, changes nothing, and `key` is named as the one to raise.
    #[track_caller]
    fn refuses(&self, limits: &str, code: Code, key: &str) {
        self.configure(limits);
        let before = tree(&self.path("cache"));
        let told = self.install().refused(code).stderr_has(&format!("raise `{key}` under [limits]"));
        assert!(!self.path("out").exists(), "{}", told.told());
        assert_same(&before, &tree(&self.path("cache")));
    }

    #[track_caller]
    fn takes(&self, limits: &str) {
        self.configure(limits);
        self.install().ok();
    }
}

fn pear() -> WheelBuilder {
    WheelBuilder::new("pear", "1.0").file("pear/__init__.py", "shape = 'odd'\n".repeat(400))
}

#[test]
fn what_a_wheel_may_hold_is_limited() {
    let world = World::new();
    world.lock(&pear().build(), false);
    for (low, enough, key) in [
        ("entries = 3", "entries = 4", "entries"),
        ("unpacked = 5_000", "unpacked = '1 MiB'", "unpacked"),
        ("ratio-from = '1 KiB'\nratio = 1", "ratio-from = '1 KiB'\nratio = 1000", "ratio"),
        ("ratio-from = '1 KiB'\nratio = 1", "ratio-from = '6 KiB'\nratio = 1", "ratio"),
        ("metadata-file = 50", "metadata-file = '1 KiB'", "metadata-file"),
    ] {
        world.refuses(low, Code::ArchiveTooLarge, key);
        world.takes(enough);
    }
}

#[test]
fn the_defaults_can_be_raised() {
    let world = World::new();
    let airy = pear().file("pear/zeros", vec![0; 65 << 20]).build();
    assert!(airy.1.len() < 1 << 20);
    world.lock(&airy, false);
    world.refuses("", Code::ArchiveTooLarge, "ratio");
    world.takes("ratio-from = '100 MiB'");
    let text = format!("Metadata-Version: 2.1\nName: pear\nVersion: 1.0\n\n{}", "x\n".repeat(5 << 20));
    world.lock(&pear().metadata(&text).build(), false);
    world.refuses("", Code::ArchiveTooLarge, "metadata-file");
    world.takes("metadata-file = '16 MiB'");
}

#[test]
fn how_much_of_an_answer_is_read_is_limited() {
    let world = World::new();
    let wheel = pear().build();
    let size = wheel.1.len();
    world.lock(&wheel, true);
    world.refuses(&format!("wheel = {}", size - 1), Code::IndexPageTooLarge, "wheel");
    world.takes(&format!("wheel = {size}"));
    // What is in the cache by now is within the limit, or it is asked for again.
    world.refuses(&format!("wheel = {}", size - 1), Code::IndexPageTooLarge, "wheel");
}

#[test]
fn pages_and_metadata_are_limited_as_they_come_and_as_they_are_decoded() {
    let world = World::new();
    let text = format!("Metadata-Version: 2.1\nName: pear\nVersion: 1.0\n\n{}", "x".repeat(3_000));
    let file = Published::new(pear().build()).metadata(&text);
    let address = world.server.publish("pear", &[file], &Style::default());
    let page = format!(
        "{{\"meta\":{{\"api-version\":\"1.0\"}},\"name\":\"plum\",\"files\":[]{}}}",
        " ".repeat(50_000)
    );
    let zipped = Response::ok(page).gzip().header("Content-Type", "application/vnd.pypi.simple.v1+json");
    assert!(zipped.body.len() < 1_000);
    world.server.serve("/simple/plum/", zipped);
    let lock = |limits: &str, name: &str| {
        world.configure(limits);
        world.run(&format!("lock {name} -i {address} --no-cache-dir --python-version 3.13 --no-universal"))
    };
    let raise = |key: &str| format!("raise `{key}` under [limits]");
    lock("page = 100", "pear").refused(Code::IndexPageTooLarge).stderr_has(&raise("page"));
    lock("page = 10_000", "plum").refused(Code::IndexPageTooLarge).stderr_has(&raise("page"));
    lock("page = '1 MiB'", "plum").refused(Code::NoSolution);
    lock("metadata = 3000", "pear").refused(Code::IndexPageTooLarge).stderr_has(&raise("metadata"));
    assert!(!world.path("pylock.toml").exists());
    lock("metadata = '4 KiB'", "pear").ok();
}

#[test]
fn an_answer_that_drips_is_given_up() {
    let world = World::new();
    let wheel = pear().build();
    world.lock(&wheel, true);
    let body = wheel.1.clone();
    let path = format!("/files/{}", wheel.0);
    world.server.on(&path, move |_, _| Response::ok(body.clone()).fault(Fault::Drip(100)));
    world.refuses("answer-seconds = 1", Code::IndexUnreachable, "answer-seconds");
    let address = world.server.url("/simple/");
    world.server.on("/simple/pear/", |_, _| Response::ok(vec![b' '; 9_000]).fault(Fault::Drip(100)));
    world
        .run(&format!("lock pear -i {address} --retries 0 --python-version 3.13 --no-universal"))
        .refused(Code::IndexUnreachable)
        .stderr_has("too slowly");
}

#[test]
fn a_limit_that_is_none_is_an_error() {
    let world = World::new();
    world.lock(&pear().build(), false);
    for bad in [
        "entrys = 3",
        "entries = 0",
        "entries = -1",
        "entries = '3'",
        "entries = 3.5",
        "entries = true",
        "unpacked = 'all'",
        "unpacked = '3 MB'",
        "wheel = 'none'",
        "page = '1000 GiB'",
        "metadata-file = '17 MiB'",
        "ratio = 5000",
        "answer-seconds = 0",
        "[limits.page]",
    ] {
        world.configure(bad);
        world.install().refused(Code::ConfigInvalid).stderr_has("pipward.toml:2");
    }
    std::fs::write(world.path("pipward.toml"), "limits = 3\n").unwrap();
    world.install().refused(Code::ConfigInvalid).stderr_has("limits");
    std::fs::remove_file(world.path("pipward.toml")).unwrap();
    std::fs::write(world.path("pyproject.toml"), "[tool.pipward.limits]\nentries = 3\n").unwrap();
    world.install().refused(Code::ArchiveTooLarge);
}
