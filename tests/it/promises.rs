//! The seven promises of the design, each as a user would see it broken. What is deeper stands with its
//! room; `tidy` sees to it that each promise has a test.

use std::path::{Path, PathBuf};

use pipward::error::Code;

use crate::support::pythons::any_python;
use crate::support::run::{Output, Run, pipward, scratch, vendored};
use crate::support::tree::{Tree, assert_same, tree};

const HELLO: &str = "pipward_demo_hello-1.0.0-py3-none-any.whl";
const TABLE: &str = "pipward_demo_table-0.3.0-py3-none-any.whl";
/// Where requirements files look: the folder that they stand in.
const LOCAL: &str = "--no-index\n--find-links .\n";
const WORDS: &str = "pipward_demo_words-1.2.0-py3-none-any.whl";

/// A copy of the demonstration wheels and their locks that a test may spoil, with room for an environment
/// and a cache beside it.
struct World {
    directory: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let directory = scratch();
        let wheels = directory.path().join("wheels");
        std::fs::create_dir(&wheels).unwrap();
        for entry in std::fs::read_dir(vendored("")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, wheels.join(path.file_name().unwrap())).unwrap();
            }
        }
        Self { directory }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join("wheels").join(name)
    }

    fn environment(&self) -> PathBuf {
        self.directory.path().join("env")
    }

    fn cache(&self) -> PathBuf {
        self.directory.path().join("cache")
    }

    fn edit(&self, name: &str, change: impl FnOnce(String) -> String) {
        let text = std::fs::read_to_string(self.file(name)).unwrap();
        std::fs::write(self.file(name), change(text)).unwrap();
    }

    /// `pipward install`, into the environment.
    fn install(&self, arguments: &[&str]) -> Output {
        pipward(["install"])
            .args(arguments)
            .arg("--venv")
            .arg(self.environment())
            .arg("--python")
            .arg(any_python().executable)
            .env("PIPWARD_CACHE_DIR", self.cache())
            .dir(self.directory.path().join("wheels"))
            .run()
    }

    /// Runs an install that must be refused, and sees to it that nothing anywhere has changed.
    #[track_caller]
    fn refuses(&self, arguments: &[&str], code: Code) -> Output {
        let before = self.listing();
        let output = self.install(arguments).refused(code);
        assert_same(&before, &self.listing());
        output
    }

    /// All that must not change. (What the cache notes about an interpreter may come in; a wheel may not.)
    fn listing(&self) -> Tree {
        let mut found = tree(self.directory.path());
        found.retain(|path, _| !path.starts_with("cache") || path.starts_with("cache/wheels"));
        found
    }
}

/// A small generator, so that a failure can be told by its seed.
fn random(seed: &mut u64) -> usize {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    usize::try_from(*seed >> 33).unwrap()
}

fn flip(path: &Path, offset: usize, bit: usize) {
    let mut content = std::fs::read(path).unwrap();
    let at = offset % content.len();
    content[at] ^= 1 << (bit % 8);
    std::fs::write(path, content).unwrap();
}

#[test]
fn promise_1_a_flipped_bit_anywhere_is_a_wrong_hash_and_nothing_else() {
    let world = World::new();
    let good = std::fs::read(world.file(TABLE)).unwrap();
    let mut seed = 20_240_101;
    // Ends of the file first: there a parser would look.
    let mut offsets = vec![0, good.len() - 1, good.len() - 22];
    offsets.extend((0..12).map(|_| random(&mut seed)));
    for offset in offsets {
        flip(&world.file(TABLE), offset, random(&mut seed));
        world.refuses(&["-r", "pylock.toml"], Code::HashMismatch).stderr_has("pipward-demo-table");
        std::fs::write(world.file(TABLE), &good).unwrap();
    }
}

#[test]
fn promise_1_a_cache_is_hashed_again_every_time() {
    let world = World::new();
    world.install(&["-r", "pylock.toml"]).ok();
    std::fs::remove_dir_all(world.environment()).unwrap();
    let store = world.cache().join("wheels");
    for entry in std::fs::read_dir(&store).into_iter().flatten() {
        flip(&entry.unwrap().path(), 100, 1);
    }
    // The store is poisoned: what it holds is not taken, and the files themselves are.
    world.install(&["-r", "pylock.toml"]).ok();
    pipward(["verify"]).arg(world.environment()).arg("-r").arg(world.file("pylock.toml")).run().ok();
}

#[test]
fn promise_2_what_the_lock_does_not_have_is_refused() {
    let world = World::new();
    world.refuses(&["pipward-demo-unheard-of", "--lock", "pylock.toml"], Code::NotInLock).stderr_has("lock");
    // A dependency that is missing from the lock.
    world.edit("pylock.toml", |text| {
        let start = text.find("[[packages]]\nname = \"pipward-demo-words\"").unwrap();
        text[..start].to_owned()
    });
    world
        .refuses(&["-r", "pylock.toml"], Code::DependencyNotInLock)
        .stderr_has("pipward-demo-words")
        .stderr_has("pipward-demo-hello");
    world.install(&["-r", "pylock.toml", "--no-deps"]).ok();
}

#[test]
fn promise_2_no_pin_or_no_hash_stops_the_run_before_anything_else() {
    let world = World::new();
    world.edit("requirements.txt", |text| text.replace("pipward-demo-tool==1.0", "pipward-demo-tool>=1.0"));
    world.refuses(&["-r", "requirements.txt"], Code::PinMissing).stderr_has("pipward-demo-tool");
    std::fs::write(world.file("bare.txt"), "pipward-demo-tool==1.0\npipward-demo-words==1.2.0\n").unwrap();
    world.refuses(&["-r", "bare.txt"], Code::HashMissing).stderr_has("bare.txt:1").stderr_has("bare.txt:2");
}

#[test]
fn promise_2_no_option_or_variable_turns_it_off() {
    let world = World::new();
    std::fs::write(world.file("loose.txt"), "--no-require-hashes\npipward-demo-tool==1.0\n").unwrap();
    let variables = [("PIP_NO_REQUIRE_HASHES", "1"), ("PIP_REQUIRE_HASHES", "0"), ("PIP_TRUSTED_HOST", "*")];
    world.refuses(&["-r", "loose.txt"], Code::OptionRefused).stderr_has("loose.txt:1");
    std::fs::write(world.file("bare.txt"), "pipward-demo-tool==1.0\n").unwrap();
    let run = pipward(["install", "-r", "bare.txt", "--venv"])
        .arg(world.environment())
        .dir(world.file(""))
        .arg("--python")
        .arg(any_python().executable);
    variables.iter().fold(run, |run, (name, value)| run.env(name, value)).run().refused(Code::HashMissing);
    assert!(!world.environment().exists());
}

#[test]
fn promise_3_no_code_of_an_environment_runs_while_it_is_changed() {
    let world = World::new();
    std::fs::write(world.file("first.txt"), requirement("pipward-demo-tool", &world)).unwrap();
    world.install(&["-r", "first.txt"]).ok();
    // Everything that Python would run at its start: none of it may.
    let ran = world.directory.path().join("ran");
    let code = format!("open({:?}, 'w').close()\n", ran.display().to_string());
    let site = site_packages(&world.environment());
    std::fs::write(site.join("evil.pth"), format!("import os; {code}")).unwrap();
    std::fs::write(site.join("sitecustomize.py"), &code).unwrap();
    std::fs::write(site.join("usercustomize.py"), &code).unwrap();
    world.install(&["-r", "pylock.toml"]).ok();
    pipward(["verify"]).arg(world.environment()).run().code(1);
    assert!(!ran.exists(), "code of the environment has run");
    Run::new(world.environment().join("bin/python")).args(["-c", "pass"]).run().ok();
    assert!(ran.exists(), "the trap does not work");
}

#[test]
fn promise_3_a_source_distribution_is_never_built() {
    let world = World::new();
    let ran = world.directory.path().join("ran");
    let setup = format!("open({:?}, 'w').close()\nfrom setuptools import setup\nsetup()\n", ran.display());
    std::fs::create_dir(world.file("demo-1.0")).unwrap();
    std::fs::write(world.file("demo-1.0/setup.py"), setup).unwrap();
    let archive = world.file("demo-1.0.tar.gz");
    let tar = Run::new("/usr/bin/env").args(["tar", "czf", "demo-1.0.tar.gz", "demo-1.0"]);
    tar.dir(world.file("")).run().ok();
    let digest = pipward::digest::Sha256::of(&std::fs::read(&archive).unwrap());
    std::fs::write(
        world.file("pylock.sdist.toml"),
        format!(
            "lock-version = \"1.0\"\ncreated-by = \"test\"\n[[packages]]\nname = \"demo\"\nversion = \"1.0\"\n\
             sdist = {{ path = \"demo-1.0.tar.gz\", hashes = {{ sha256 = \"{digest}\" }} }}\n"
        ),
    )
    .unwrap();
    world.refuses(&["-r", "pylock.sdist.toml"], Code::RequirementUnsupported).stderr_has("demo");
    let line = format!("{LOCAL}demo==1.0 --hash=sha256:{digest}\n");
    std::fs::write(world.file("sdist.txt"), line).unwrap();
    let before = world.listing();
    world.install(&["-r", "sdist.txt"]).code(1);
    assert_same(&before, &world.listing());
    assert!(!ran.exists(), "setup.py has run");
}

#[test]
fn promise_4_a_new_environment_appears_whole_or_not_at_all() {
    let world = World::new();
    flip(&world.file(WORDS), 500, 3);
    world.refuses(&["-r", "pylock.toml"], Code::HashMismatch);
    assert!(!world.environment().exists());
}

#[test]
fn promise_4_a_standing_environment_is_not_touched_by_a_refused_run() {
    let world = World::new();
    std::fs::write(world.file("first.txt"), requirement("pipward-demo-tool", &world)).unwrap();
    world.install(&["-r", "first.txt"]).ok();
    flip(&world.file(WORDS), 500, 3);
    world.refuses(&["-r", "pylock.toml"], Code::HashMismatch);
}

#[test]
fn promise_5_two_installs_into_one_path_are_the_same() {
    let world = World::new();
    world.install(&["-r", "pylock.toml"]).ok();
    let first = tree(&world.environment());
    std::fs::remove_dir_all(world.environment()).unwrap();
    world.install(&["-r", "pylock.toml"]).ok();
    assert_same(&first, &tree(&world.environment()));
}

#[test]
fn promise_5_two_locks_of_one_input_are_the_same() {
    let world = World::new();
    let lock = |output: &str| {
        pipward(["lock", "pipward-demo-hello[table]", "--no-index", "--find-links", ".", "-o", output])
            .arg("--python")
            .arg(any_python().executable)
            .env("PIPWARD_CACHE_DIR", world.cache())
            .dir(world.file(""))
            .run()
            .ok();
        std::fs::read_to_string(world.file(output)).unwrap()
    };
    let first = lock("pylock.one.toml");
    assert_eq!(first, lock("pylock.two.toml"));
    for name in ["pipward-demo-hello", "pipward-demo-table", "pipward-demo-words"] {
        assert!(first.contains(&format!("name = \"{name}\"")), "{first}");
    }
    world.install(&["-r", "pylock.one.toml"]).ok();
}

#[test]
fn promise_6_a_refusal_names_package_place_difference_and_way_out() {
    let world = World::new();
    let good = pipward::digest::Sha256::of(&std::fs::read(world.file(HELLO)).unwrap()).to_string();
    flip(&world.file(HELLO), 77, 0);
    let bad = pipward::digest::Sha256::of(&std::fs::read(world.file(HELLO)).unwrap()).to_string();
    world
        .refuses(&["-r", "pylock.toml"], Code::HashMismatch)
        .stderr_has("pipward-demo-hello")
        .stderr_has("pylock.toml")
        .stderr_has(&good)
        .stderr_has(&bad);
}

#[test]
fn promise_6_every_code_is_explained() {
    for code in Code::ALL {
        let told = pipward(["explain", code.name()]).run().ok().stdout_has(code.name()).stdout;
        // Lines are as long as the terminal is wide.
        let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(code.title()) && told.contains(code.explanation()), "{code}: {told}");
    }
    pipward(["explain", "no-such-code"]).run().code(2);
}

#[test]
fn promise_7_garbage_is_refused_calmly() {
    let world = World::new();
    let deep = format!("x = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let garbage: &[(&str, &[u8])] = &[
        ("pylock.a.toml", b""),
        ("pylock.b.toml", b"\xff\xfe\x00\x01"),
        ("pylock.c.toml", b"lock-version = \"1.0\"\ncreated-by = \"\x1b[31mred\"\npackages = 3\n"),
        ("pylock.d.toml", b"lock-version = \"99.0\"\ncreated-by = \"x\"\npackages = []\n"),
        ("pylock.e.toml", b"<<<<<<< HEAD\nlock-version = \"1.0\"\n"),
        ("pylock.f.toml", deep.as_bytes()),
        ("pylock.g.toml", b"lock-version = \"1.0\"\ncreated-by = \"x\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\nwheels = [{ path = \"../../a-1-py3-none-any.whl\", size = -1, hashes = { sha256 = \"zz\" } }]\n"),
        ("a.txt", b"\x00\x01\x02 == \n"),
        ("b.txt", b"demo==1.0 --hash=sha256:\xc3\xa9\n"),
        ("c.txt", "d\u{e9}mo==1.0 --hash\n\u{202e}==1\n--bogus\n".as_bytes()),
        ("d.txt", b"-r d.txt\n"),
    ];
    for (name, content) in garbage {
        std::fs::write(world.file(name), content).unwrap();
        let before = world.listing();
        let output = world.install(&["-r", name]).code(1);
        assert!(!output.stderr.contains("panicked"), "{}", output.told());
        let raw = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        assert!(!output.stderr.contains(raw) && !output.stdout.contains(raw), "{}", output.told());
        assert_same(&before, &world.listing());
    }
}

#[test]
fn promise_7_a_locked_file_that_is_no_wheel_is_refused() {
    let world = World::new();
    for content in [&b""[..], b"<html>404</html>", b"PK\x05\x06", &[0; 4096]] {
        let lock = std::fs::read_to_string(vendored("pylock.toml")).unwrap();
        let start = lock.find("[[packages]]\nname = \"pipward-demo-tool\"").unwrap();
        let mut lock = lock[..lock.find("[[packages]]").unwrap()].to_owned() + &lock[start..];
        let end = lock.rfind("[[packages]]").unwrap();
        lock.truncate(end);
        let good = std::fs::read(vendored("pipward_demo_tool-1.0-py3-none-any.whl")).unwrap();
        let lock = lock
            .replace(
                &pipward::digest::Sha256::of(&good).to_string(),
                &pipward::digest::Sha256::of(content).to_string(),
            )
            .replace(&format!("size = {}", good.len()), &format!("size = {}", content.len()));
        std::fs::write(world.file("pylock.toml"), lock).unwrap();
        std::fs::write(world.file("pipward_demo_tool-1.0-py3-none-any.whl"), content).unwrap();
        let output = world.install(&["-r", "pylock.toml"]).code(1);
        assert!(output.stderr.contains("archive-"), "{}", output.told());
        assert!(!world.environment().exists());
    }
}

/// The hashed line of one demonstration wheel, as vendor-test-wheels/requirements.txt has it.
fn requirement(name: &str, world: &World) -> String {
    let text = std::fs::read_to_string(world.file("requirements.txt")).unwrap();
    let start = text.find(&format!("{name}==")).unwrap();
    let end = text[start..].find("\npipward").map_or(text.len(), |end| start + end + 1);
    LOCAL.to_owned() + &text[start..end]
}

fn site_packages(environment: &Path) -> PathBuf {
    environment.join("lib").join(format!("python{}", any_python().version)).join("site-packages")
}
