//! Every kind of bad input: its code, its message, its place, and that nothing changed.

use std::path::{Path, PathBuf};

use pipward::digest::Sha256;
use pipward::error::Code;

use crate::support::pythons::any_python;
use crate::support::run::{Output, pipward, scratch};
use crate::support::server::{Fault, Hashes, Published, Response, Server, Style, nobody};
use crate::support::tree::{assert_same, tree};
use crate::support::wheels::WheelBuilder;

/// An index with two small wheels, an environment that has an older one of them, and a cache.
struct World {
    server: Server,
    directory: tempfile::TempDir,
    apple: (String, Vec<u8>),
    pear: (String, Vec<u8>),
}

impl World {
    fn new() -> Self {
        let server = Server::start();
        let apple = WheelBuilder::new("apple", "2.0").file("apple.py", "colour = 'red'\n").build();
        let pear = WheelBuilder::new("pear", "1.0").file("pear.py", "shape = 'odd'\n".repeat(400)).build();
        server.publish("apple", &[Published::new(apple.clone())], &Style::default());
        server.publish("pear", &[Published::new(pear.clone())], &Style::default());
        let world = Self { server, directory: scratch(), apple, pear };
        let old = WheelBuilder::new("apple", "1.0").file("apple.py", "colour = 'green'\n").build();
        std::fs::write(world.path(&old.0), &old.1).unwrap();
        let entry = format!(
            "[[packages]]\nname = \"apple\"\nversion = \"1.0\"\nwheels = [{{ path = \"{}\", hashes = {{ sha256 = \"{}\" }} }}]\n",
            old.0,
            Sha256::of(&old.1)
        );
        world.write("pylock.old.toml", &format!("{HEAD}{entry}"));
        world.run(&["-r", "pylock.old.toml"]).ok();
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        pipward(["install", "--venv", "env", "--cache-dir", "cache", "--python"])
            .arg(any_python().executable)
            .args(arguments)
            .dir(self.directory.path())
            .run()
    }

    /// The honest lock of both wheels.
    fn lock(&self) -> String {
        format!("{HEAD}{}{}", self.entry("apple", "2.0", &self.apple), self.entry("pear", "1.0", &self.pear))
    }

    fn entry(&self, name: &str, version: &str, wheel: &(String, Vec<u8>)) -> String {
        format!(
            "[[packages]]\nname = \"{name}\"\nversion = \"{version}\"\nwheels = [\n    {{ url = \"{}\", size = {}, hashes = {{ sha256 = \"{}\" }} }},\n]\n",
            self.file_url(&wheel.0),
            wheel.1.len(),
            Sha256::of(&wheel.1)
        )
    }

    /// The honest requirements of both wheels.
    fn requirements(&self) -> String {
        format!(
            "-i {}\napple==2.0 --hash=sha256:{}\npear==1.0 \\\n    --hash=sha256:{}\n",
            self.server.url("/simple/"),
            Sha256::of(&self.apple.1),
            Sha256::of(&self.pear.1)
        )
    }

    /// Installs from `text` in a file `name`; it must be refused with `code`, name every part of `told`,
    /// and leave environment and cache as they were.
    #[track_caller]
    fn refuses(&self, name: &str, text: &str, code: Code, told: &[&str]) -> Output {
        self.write(name, text);
        let before = (tree(&self.path("env")), tree(&self.path("cache")));
        let mut output = self.run(&["-r", name]).refused(code);
        for part in told {
            output = output.stderr_has(part);
        }
        assert_same(&before.0, &tree(&self.path("env")));
        assert_same(&before.1, &tree(&self.path("cache")));
        output
    }

    fn file_url(&self, name: &str) -> String {
        self.server.url(&format!("/files/{name}"))
    }

    /// Answers the request for the wheel of pear by `handler`.
    fn answer_for_pear(&self, handler: impl Fn(usize) -> Response + Send + Sync + 'static) {
        self.server.on(&format!("/files/{}", self.pear.0), move |_, nth| handler(nth));
    }

    fn asked_for_wheels(&self) -> usize {
        self.server.requests().iter().filter(|request| request.path.ends_with(".whl")).count()
    }
}

const HEAD: &str = "lock-version = \"1.0\"\ncreated-by = \"a test\"\n\n";

#[test]
fn the_honest_lock_and_the_honest_requirements_install() {
    let world = World::new();
    world.write("pylock.toml", &world.lock());
    world.run(&["-r", "pylock.toml"]).ok().stdout_has("Successfully installed apple-2.0 pear-1.0");
    world.write("requirements.txt", &world.requirements());
    world.run(&["-r", "requirements.txt"]).ok();
    assert!(world.path("cache/wheels").read_dir().unwrap().count() >= 2);
}

#[test]
fn a_changed_byte_in_a_wheel_is_an_alarm() {
    let world = World::new();
    let mut changed = world.pear.1.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let body = changed.clone();
    world.answer_for_pear(move |_| Response::ok(body.clone()));
    let (good, bad) = (Sha256::of(&world.pear.1).to_string(), Sha256::of(&changed).to_string());
    world.refuses(
        "pylock.toml",
        &world.lock(),
        Code::HashMismatch,
        &["pear", "pylock.toml", &good, &bad, "packages[1]"],
    );
    // An index that gives no hash is asked for the file itself.
    let lying = [Published::new((world.pear.0.clone(), changed))];
    world.server.publish("pear", &lying, &Style { hashes: Hashes::None, ..Style::default() });
    world.refuses(
        "requirements.txt",
        &world.requirements(),
        Code::HashMismatch,
        &["pear", "requirements.txt:3"],
    );
}

#[test]
fn a_wrong_hash_in_a_lock_is_an_alarm() {
    let world = World::new();
    let wrong = Sha256::of(b"something else").to_string();
    let text = world.lock().replace(&Sha256::of(&world.pear.1).to_string(), &wrong);
    world.refuses("pylock.toml", &text, Code::HashMismatch, &["pear", &wrong]);
}

#[test]
fn a_wrong_size_in_a_lock_is_refused() {
    let world = World::new();
    let (right, wrong) = (world.pear.1.len(), world.pear.1.len() - 1);
    let text = world.lock().replace(&format!("size = {right}"), &format!("size = {wrong}"));
    world.refuses("pylock.toml", &text, Code::SizeMismatch, &["pear"]);
}

#[test]
fn a_missing_hash_is_refused_before_any_download() {
    let world = World::new();
    let line = format!("hashes = {{ sha256 = \"{}\" }}", Sha256::of(&world.pear.1));
    world.refuses(
        "pylock.toml",
        &world.lock().replace(&line, "hashes = {}"),
        Code::HashMissing,
        &["pear", "pylock.toml:"],
    );
    let hash = format!(" \\\n    --hash=sha256:{}", Sha256::of(&world.pear.1));
    world.refuses(
        "requirements.txt",
        &world.requirements().replace(&hash, ""),
        Code::HashMissing,
        &["pear", "requirements.txt:3"],
    );
    assert_eq!(world.asked_for_wheels(), 0);
}

#[test]
fn a_missing_pin_is_refused_before_any_download() {
    let world = World::new();
    for unpinned in ["pear>=1.0", "pear", "pear==1.*", "pear~=1.0"] {
        let text = world.requirements().replace("pear==1.0", unpinned);
        world.refuses(
            "requirements.txt",
            &text,
            Code::PinMissing,
            &["pear", "requirements.txt:3", "pipward lock"],
        );
    }
    assert_eq!(world.server.requests().len(), 0);
}

#[test]
fn all_faults_of_a_requirements_file_are_told_at_once() {
    let world = World::new();
    let text =
        "apple\npear==1.0\nplum==1 --hash=md5:d41d8cd98f00b204e9800998ecf8427e\n??\n--trusted-host x\n";
    let told = world.refuses("requirements.txt", text, Code::PinMissing, &[]);
    for part in [
        "requirements.txt:1",
        "requirements.txt:2",
        "requirements.txt:3",
        "requirements.txt:4",
        "requirements.txt:5",
    ] {
        assert!(told.stderr.contains(part), "{part}\n{}", told.told());
    }
    for code in [Code::HashMissing, Code::HashWeak, Code::RequirementSyntax, Code::OptionRefused] {
        assert!(told.stderr.contains(code.name()), "{code}\n{}", told.told());
    }
}

#[test]
fn an_md5_hash_alone_is_refused() {
    let world = World::new();
    let md5 = "d41d8cd98f00b204e9800998ecf8427e";
    let sha256 = Sha256::of(&world.pear.1).to_string();
    let text = world.lock().replace(&format!("sha256 = \"{sha256}\""), &format!("md5 = \"{md5}\""));
    world.refuses("pylock.toml", &text, Code::HashWeak, &["pear", "md5"]);
    let text = world.requirements().replace(&format!("sha256:{sha256}"), &format!("md5:{md5}"));
    world.refuses("requirements.txt", &text, Code::HashWeak, &["pear", "requirements.txt:3"]);
    assert_eq!(world.asked_for_wheels(), 0);
}

#[test]
fn a_malformed_hash_is_refused() {
    let world = World::new();
    let sha256 = Sha256::of(&world.pear.1).to_string();
    let text = world.lock().replace(&sha256, &sha256[1..]);
    world.refuses("pylock.toml", &text, Code::HashMalformed, &["pear"]);
    let text = world.requirements().replace(&sha256, "abc");
    world.refuses("requirements.txt", &text, Code::HashMalformed, &["requirements.txt:3"]);
}

#[test]
fn a_truncated_download_is_no_alarm() {
    let world = World::new();
    let body = world.pear.1.clone();
    world.answer_for_pear(move |_| Response::ok(body.clone()).fault(Fault::CutAfter(body.len() / 2)));
    let told = world.refuses("pylock.toml", &world.lock(), Code::DownloadTruncated, &["pear"]);
    assert!(!told.stderr.contains(Code::HashMismatch.name()), "{}", told.told());
}

#[test]
fn a_corrupted_download_is_told_apart_from_other_content() {
    let world = World::new();
    let body = world.pear.1.clone();
    world.answer_for_pear(move |nth| {
        let mut body = body.clone();
        body[40 + nth] ^= 0xff;
        Response::ok(body)
    });
    world.refuses("pylock.toml", &world.lock(), Code::DownloadCorrupt, &["pear"]);
}

#[test]
fn a_file_that_appeared_after_the_lock_is_no_alarm() {
    let world = World::new();
    // Locked was the wheel for another machine; the one for this machine was uploaded later.
    let other = WheelBuilder::new("pear", "1.0").tag("cp27-cp27m-win32").file("pear.py", "").build();
    let later = Published::new(world.pear.clone()).uploaded("2026-01-01T00:00:00Z");
    world.server.publish("pear", &[Published::new(other.clone()), later], &Style::default());
    let (was, is) = (Sha256::of(&world.pear.1).to_string(), Sha256::of(&other.1).to_string());
    let requirements = world.requirements().replace(&was, &is);
    let told =
        world.refuses("requirements.txt", &requirements, Code::FileNotLocked, &["pear", &world.pear.0]);
    assert!(!told.stderr.contains(Code::HashMismatch.name()), "{}", told.told());
}

#[test]
fn a_404_is_told() {
    let world = World::new();
    world.answer_for_pear(|_| Response::status(404));
    world.refuses("pylock.toml", &world.lock(), Code::FileNotFound, &["pear"]);
}

#[test]
fn an_index_that_is_down_is_told() {
    let world = World::new();
    let down = nobody();
    let files = down.replace("/simple/", "/files/");
    let lock = world.lock().replace(&world.server.url("/files/"), &files);
    world.refuses("pylock.toml", &lock, Code::IndexUnreachable, &["pear"]);
    let requirements = world.requirements().replace(&world.server.url("/simple/"), &down);
    world.refuses("requirements.txt", &requirements, Code::IndexUnreachable, &[]);
}

#[test]
fn a_lock_for_another_python_is_refused() {
    let world = World::new();
    let with = |line: &str| world.lock().replace(HEAD, &format!("{HEAD}{line}\n"));
    world.refuses("pylock.toml", &with("requires-python = \">=4\""), Code::PythonMismatch, &["pylock.toml"]);
    let environments = "environments = [\"python_version == '2.7'\"]";
    world.refuses("pylock.toml", &with(environments), Code::EnvironmentMismatch, &["python_version"]);
    let package = world
        .lock()
        .replace("version = \"1.0\"\nwheels", "version = \"1.0\"\nrequires-python = \"<3\"\nwheels");
    world.refuses("pylock.toml", &package, Code::PythonMismatch, &["pear"]);
}

#[test]
fn a_lock_for_another_platform_has_no_wheel() {
    let world = World::new();
    let text = world.lock().replace("pear-1.0-py3-none-any", "pear-1.0-cp27-cp27m-win32");
    world.refuses("pylock.toml", &text, Code::NoMatchingWheel, &["pear", "win32"]);
}

#[test]
fn two_packages_of_one_name_are_refused() {
    let world = World::new();
    let text = format!(
        "{}{}",
        world.lock(),
        world.entry("pear", "1.0", &world.pear).replace("1.0\"\n", "1.1\"\n").replace("pear-1.0", "pear-1.1")
    );
    world.refuses("pylock.toml", &text, Code::DuplicatePackage, &["pear"]);
}

#[test]
fn an_unknown_lock_version_is_refused() {
    let world = World::new();
    let text = world.lock().replace("lock-version = \"1.0\"", "lock-version = \"2.0\"");
    world.refuses("pylock.toml", &text, Code::LockVersion, &["pylock.toml", "2.0"]);
}

#[test]
fn malformed_toml_is_refused_with_its_line() {
    let world = World::new();
    let text =
        world.lock().replace("[[packages]]\nname = \"pear\"", "<<<<<<< HEAD\n[[packages]]\nname = \"pear\"");
    let line = 1 + text.lines().take_while(|line| !line.starts_with("<<<")).count();
    world.refuses("pylock.toml", &text, Code::LockSyntax, &[&format!("pylock.toml:{line}")]);
}

#[test]
fn a_lock_without_packages_does_not_empty_an_environment() {
    let world = World::new();
    world.refuses("pylock.toml", HEAD, Code::LockSchema, &["packages"]);
}

#[test]
fn a_malformed_requirements_line_is_refused_with_its_line() {
    let world = World::new();
    let text = format!("# a comment\n{}this is not a requirement\n", world.requirements());
    world.refuses("requirements.txt", &text, Code::RequirementSyntax, &["requirements.txt:6"]);
    world.refuses(
        "requirements.txt",
        &format!("{}--bogus\n", world.requirements()),
        Code::OptionUnknown,
        &["requirements.txt:5"],
    );
}

#[test]
fn a_name_that_no_lock_has_is_refused_with_the_command_that_locks_it() {
    let world = World::new();
    world.write("pylock.toml", &world.lock());
    world.run(&["plum"]).refused(Code::NotInLock).stderr_has("plum").stderr_has("pipward lock");
    std::fs::remove_file(world.path("pylock.toml")).unwrap();
    world.run(&["plum"]).refused(Code::LockNotFound).stderr_has("pipward lock plum");
}

#[test]
fn a_dependency_outside_the_lock_is_refused_and_no_deps_leaves_out_that_check_alone() {
    let world = World::new();
    let plum = WheelBuilder::new("plum", "1.0").file("plum.py", "").requires("stone>=1").build();
    world.server.publish("plum", &[Published::new(plum.clone())], &Style::default());
    let text = format!("{HEAD}{}", world.entry("plum", "1.0", &plum));
    world.refuses("pylock.toml", &text, Code::DependencyNotInLock, &["plum", "stone"]);
    world.run(&["-r", "pylock.toml", "--no-deps"]).ok().stdout_has("--no-deps");
}

#[test]
fn a_wheel_of_another_release_than_the_lock_says_is_refused() {
    let world = World::new();
    let text = world.lock().replace("version = \"1.0\"\nwheels", "version = \"1.5\"\nwheels");
    world.refuses("pylock.toml", &text, Code::WheelName, &["pear"]);
}

#[test]
fn sources_that_would_have_to_be_built_are_refused() {
    let world = World::new();
    let sdist = format!(
        "{HEAD}[[packages]]\nname = \"pear\"\nversion = \"1.0\"\nsdist = {{ url = \"{}\", hashes = {{ sha256 = \"{}\" }} }}\n",
        world.file_url("pear-1.0.tar.gz"),
        Sha256::of(b"")
    );
    world.refuses("pylock.toml", &sdist, Code::RequirementUnsupported, &["pear"]);
    let vcs = format!(
        "{HEAD}[[packages]]\nname = \"pear\"\nvcs = {{ type = \"git\", url = \"https://example.org/pear\", commit-id = \"{}\" }}\n",
        "a".repeat(40)
    );
    world.refuses("pylock.toml", &vcs, Code::RequirementUnsupported, &["pear"]);
    for line in ["-e .", "./pear", "git+https://example.org/pear", "https://example.org/pear-1.0.tar.gz"] {
        world.refuses("requirements.txt", line, Code::RequirementUnsupported, &["requirements.txt:1"]);
    }
}

#[test]
fn a_poisoned_store_is_not_believed() {
    let world = World::new();
    world.write("pylock.toml", &world.lock());
    world.run(&["-r", "pylock.toml"]).ok();
    let entry = world.path("cache/wheels").join(format!("{}.whl", Sha256::of(&world.pear.1)));
    std::fs::write(&entry, b"not a wheel at all").unwrap();
    std::fs::remove_dir_all(world.path("env")).unwrap();
    world.run(&["-r", "pylock.toml"]).ok();
    assert_eq!(Sha256::of(&std::fs::read(entry).unwrap()), Sha256::of(&world.pear.1));
    installs_what_was_built(&world.path("env"));
}

#[test]
fn a_store_entry_of_another_size_is_not_read() {
    let world = World::new();
    world.write("pylock.toml", &world.lock());
    world.run(&["-r", "pylock.toml"]).ok();
    let entry = world.path("cache/wheels").join(format!("{}.whl", Sha256::of(&world.pear.1)));
    // Sparse: it takes no room, but reading it would take its time.
    std::fs::File::options().write(true).open(&entry).unwrap().set_len(1 << 40).unwrap();
    std::fs::remove_dir_all(world.path("env")).unwrap();
    world.run(&["-r", "pylock.toml"]).ok();
    assert_eq!(entry.metadata().unwrap().len(), world.pear.1.len() as u64);
    installs_what_was_built(&world.path("env"));
}

#[test]
fn an_edited_environment_leaves_the_store_alone() {
    let world = World::new();
    world.write("pylock.toml", &world.lock());
    world.run(&["-r", "pylock.toml"]).ok();
    let before = tree(&world.path("cache/wheels"));
    let library = world.path("env/lib").read_dir().unwrap().next().unwrap().unwrap().path();
    let module = library.join("site-packages/pear.py");
    std::fs::write(&module, "edited in place\n").unwrap();
    assert_same(&before, &tree(&world.path("cache/wheels")));
    std::fs::rename(world.path("env"), world.path("edited")).unwrap();
    world.run(&["-r", "pylock.toml"]).ok();
    installs_what_was_built(&world.path("env"));
}

fn installs_what_was_built(environment: &Path) {
    let library = environment.join("lib").read_dir().unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(library.join("site-packages/pear.py")).unwrap();
    assert_eq!(text, "shape = 'odd'\n".repeat(400));
}
