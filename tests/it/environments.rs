//! Which environment is worked on, what `verify` finds in it, and what an interrupted run leaves.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pipward::error::Code;

use crate::support::pythons::{any_python, each_python};
use crate::support::run::{Output, Run, pipward, scratch, vendored};
use crate::support::server::{Fault, Published, Response, Server, Style};
use crate::support::tree::{assert_same, tree};
use crate::support::wheels::WheelBuilder;

fn install(directory: &Path) -> Output {
    pipward(["install", "--venv", "env", "--python"])
        .arg(any_python().executable)
        .arg("-r")
        .arg(vendored("pylock.toml"))
        .dir(directory)
        .run()
}

fn verify(directory: &Path, lock: bool) -> Output {
    let run = pipward(["verify", "env"]).dir(directory);
    if lock { run.arg("-r").arg(vendored("pylock.toml")).run() } else { run.run() }
}

fn library(directory: &Path) -> PathBuf {
    let lib = directory.join("env/lib");
    lib.read_dir().unwrap().next().unwrap().unwrap().path().join("site-packages")
}

/// Spoils a fresh environment by `change`; `verify` must find exactly `codes`.
#[track_caller]
fn finds(change: impl FnOnce(&Path), lock: bool, codes: &[Code]) -> Output {
    let scratch = scratch();
    install(scratch.path()).ok();
    verify(scratch.path(), lock).ok().stdout_has("Clean");
    change(&library(scratch.path()));
    let told = verify(scratch.path(), lock).code(1);
    let mut found: Vec<&str> =
        told.stderr.lines().filter_map(|line| line.strip_prefix("error[")?.split(']').next()).collect();
    found.sort_unstable();
    let mut expected: Vec<&str> = codes.iter().map(|code| code.name()).collect();
    expected.sort_unstable();
    assert_eq!(found, expected, "{}", told.told());
    told
}

const MODULE: &str = "pipward_demo_tool.py";

fn module(library: &Path) -> PathBuf {
    let single = library.join(MODULE);
    if single.exists() { single } else { library.join("pipward_demo_tool/__init__.py") }
}

#[test]
fn verify_finds_one_changed_byte() {
    let change = |library: &Path| {
        let path = module(library);
        let mut content = std::fs::read(&path).unwrap();
        let last = content.len() - 1;
        content[last] ^= 1;
        std::fs::write(path, content).unwrap();
    };
    finds(change, false, &[Code::FileChanged]).stderr_has("pipward-demo-tool");
}

#[test]
fn verify_finds_one_added_file_in_a_package() {
    let change = |library: &Path| std::fs::write(library.join("pipward_demo_planets/moon.py"), "").unwrap();
    finds(change, false, &[Code::FileUnlisted]).stderr_has("moon.py");
    let change = |library: &Path| std::fs::write(library.join("evil.pth"), "import os").unwrap();
    finds(change, false, &[Code::FileUnlisted]).stderr_has("evil.pth");
}

#[test]
fn verify_finds_one_deleted_file() {
    let change = |library: &Path| std::fs::remove_file(module(library)).unwrap();
    finds(change, false, &[Code::FileMissing]).stderr_has("pipward_demo_tool");
}

#[test]
fn verify_does_not_mind_the_byte_code_of_listed_files() {
    let scratch = scratch();
    install(scratch.path()).ok();
    let python = scratch.path().join("env/bin/python");
    Run::new(python).args(["-m", "compileall", "-q"]).arg(library(scratch.path())).run().ok();
    verify(scratch.path(), true).ok();
}

/// Whoever changes a file and its row in RECORD passes a check against RECORD alone.
#[test]
fn verify_against_a_lock_does_not_believe_the_installed_record() {
    let change = |library: &Path| {
        let path = module(library);
        let text = std::fs::read(&path).unwrap();
        let digest = |bytes: &[u8]| {
            let sha256 = pipward::digest::StrongDigest::Sha256(pipward::digest::Sha256::of(bytes));
            format!("{},{}", pipward::wheel::record::encode(&sha256), bytes.len())
        };
        let evil = [&text[..], b"# evil\n"].concat();
        let dist_info = library
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.to_string_lossy().contains("pipward_demo_tool-"))
            .unwrap();
        let record = std::fs::read_to_string(dist_info.join("RECORD")).unwrap();
        assert!(record.contains(&digest(&text)), "{record}");
        std::fs::write(dist_info.join("RECORD"), record.replace(&digest(&text), &digest(&evil))).unwrap();
        std::fs::write(path, evil).unwrap();
    };
    finds(change, true, &[Code::RecordOrigin]).stderr_has("pipward-demo-tool");
}

#[test]
fn verify_finds_what_the_lock_does_not_have_and_what_is_not_installed() {
    let scratch = scratch();
    install(scratch.path()).ok();
    let wheel = WheelBuilder::new("plum", "1.0").file("plum.py", "").build();
    let library = library(scratch.path());
    let info = library.join("plum-1.0.dist-info");
    std::fs::create_dir(&info).unwrap();
    std::fs::write(info.join("METADATA"), "Metadata-Version: 2.1\nName: plum\nVersion: 1.0\n").unwrap();
    std::fs::write(info.join("RECORD"), "plum-1.0.dist-info/METADATA,,\nplum-1.0.dist-info/RECORD,,\n")
        .unwrap();
    verify(scratch.path(), true).refused(Code::DistributionUnlocked).stderr_has("plum");
    assert_eq!(wheel.0, "plum-1.0-py3-none-any.whl");
    std::fs::remove_dir_all(&info).unwrap();
    for entry in library.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        if entry.to_string_lossy().contains("pipward_demo_tool") {
            if entry.is_dir() { std::fs::remove_dir_all(entry) } else { std::fs::remove_file(entry) }
                .unwrap();
        }
    }
    verify(scratch.path(), true).refused(Code::DistributionMissing).stderr_has("pipward-demo-tool");
}

#[test]
fn without_an_environment_nothing_is_installed() {
    let scratch = scratch();
    pipward(["install", "-r"])
        .arg(vendored("pylock.toml"))
        .env("PATH", scratch.path())
        .run()
        .refused(Code::NoEnvironment)
        .stderr_has("--venv");
}

#[test]
fn the_active_environment_is_taken() {
    let scratch = scratch();
    install(scratch.path()).ok();
    pipward(["install", "-r"])
        .arg(vendored("pylock.toml"))
        .env("VIRTUAL_ENV", scratch.path().join("env"))
        .run()
        .ok()
        .stdout_has("Requirement already satisfied: pipward-demo-tool");
}

#[test]
fn a_directory_that_is_no_environment_is_left_alone() {
    let scratch = scratch();
    std::fs::create_dir(scratch.path().join("env")).unwrap();
    std::fs::write(scratch.path().join("env/mine.txt"), "mine").unwrap();
    install(scratch.path()).refused(Code::EnvironmentInvalid);
    assert_eq!(tree(&scratch.path().join("env")).len(), 1);
}

/// PEP 668, shown on a copy of an installation's surface: a Python whose standard library says so.
#[test]
fn an_externally_managed_python_is_refused() {
    let scratch = scratch();
    let found = pipward::python::probe(&any_python().executable, None).unwrap();
    let mut managed = found.clone();
    managed.externally_managed = Some("use apt".to_owned());
    let problem = pipward::way::destination::refuse_managed(&managed).unwrap_err();
    assert_eq!(problem.code(), Code::ExternallyManaged);
    assert!(problem.help_text().is_some_and(|help| help.contains("--venv")));
    assert!(pipward::way::destination::refuse_managed(&found).is_ok());
    drop(scratch);
}

#[test]
fn a_dependency_of_the_wrong_version_is_refused() {
    let server = Server::start();
    let plum = WheelBuilder::new("plum", "1.0").file("plum.py", "").requires("stone>=2").build();
    let stone = WheelBuilder::new("stone", "1.0").file("stone.py", "").build();
    let index = server.publish("plum", &[Published::new(plum.clone())], &Style::default());
    server.publish("stone", &[Published::new(stone.clone())], &Style::default());
    let scratch = scratch();
    let hash = |wheel: &(String, Vec<u8>)| pipward::digest::Sha256::of(&wheel.1).to_string();
    let text = format!(
        "-i {index}\nplum==1.0 --hash=sha256:{}\nstone==1.0 --hash=sha256:{}\n",
        hash(&plum),
        hash(&stone)
    );
    std::fs::write(scratch.path().join("requirements.txt"), text).unwrap();
    pipward(["install", "--venv", "env", "-r", "requirements.txt", "--python"])
        .arg(any_python().executable)
        .dir(scratch.path())
        .run()
        .refused(Code::DependencyVersion)
        .stderr_has("stone");
    assert!(!scratch.path().join("env").exists());
}

#[test]
fn an_extra_that_the_lock_does_not_have_is_refused() {
    let scratch = scratch();
    pipward(["install", "--venv", "env", "--extra", "nonsense", "-r"])
        .arg(vendored("pylock.toml"))
        .dir(scratch.path())
        .run()
        .refused(Code::UnknownExtra);
    assert!(!scratch.path().join("env").exists());
}

#[test]
fn requirements_that_exclude_each_other_are_told_in_the_words_of_the_user() {
    let server = Server::start();
    let plum = WheelBuilder::new("plum", "1.0").file("plum.py", "").requires("stone>=2").build();
    let stone = WheelBuilder::new("stone", "1.0").file("stone.py", "").build();
    let index = server.publish("plum", &[Published::new(plum)], &Style::default());
    server.publish("stone", &[Published::new(stone)], &Style::default());
    let lock = |requirement: &str| {
        pipward(["lock", "plum", requirement, "-i", &index, "--python"]).arg(any_python().executable).run()
    };
    lock("stone<2").refused(Code::NoSolution).stderr_has("plum").stderr_has("stone");
    lock("no-such-thing").code(1).stderr_has("no-such-thing");
}

/// A download that never ends, and a Ctrl-C.
#[test]
fn promise_4_an_interrupted_run_takes_everything_back() {
    let server = Server::start();
    let plum = WheelBuilder::new("plum", "1.0").file("plum.py", "x = 1\n".repeat(1000)).build();
    let index = server.publish("plum", &[Published::new(plum.clone())], &Style::default());
    let scratch = scratch();
    let text = format!("-i {index}\nplum==1.0 --hash=sha256:{}\n", pipward::digest::Sha256::of(&plum.1));
    std::fs::write(scratch.path().join("requirements.txt"), text).unwrap();
    server.serve(&format!("/files/{}", plum.0), Response::ok(plum.1.clone()).fault(Fault::StallAfter(10)));
    let before = tree(scratch.path());
    let mut child = Command::new(env!("CARGO_BIN_EXE_pipward"))
        .args(["install", "--venv", "env", "--cache-dir", "cache", "-r", "requirements.txt", "--python"])
        .arg(any_python().executable)
        .current_dir(scratch.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while server.asked(&format!("/files/{}", plum.0)).is_empty()
        && started.elapsed() < Duration::from_secs(60)
    {
        std::thread::sleep(Duration::from_millis(20));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(i32::from(Code::Interrupted.exit_class().status())));
    assert_same(&before, &tree(scratch.path()));
}

#[test]
fn a_cache_that_cannot_be_written_is_no_reason_to_fail() {
    let scratch = scratch();
    std::fs::write(scratch.path().join("cache"), "a file where a directory should be").unwrap();
    pipward(["install", "--venv", "env", "--cache-dir", "cache", "-r"])
        .arg(vendored("pylock.toml"))
        .arg("--python")
        .arg(any_python().executable)
        .dir(scratch.path())
        .run()
        .ok();
}

#[test]
fn promise_5_two_installs_into_one_path_are_identical() {
    for python in each_python(&["3.8", "3.13"]) {
        let scratch = scratch();
        let make = || {
            pipward(["install", "--venv", "env", "-r"])
                .arg(vendored("pylock.toml"))
                .arg("--python")
                .arg(&python.executable)
                .dir(scratch.path())
                .run()
                .ok();
            let made = tree(&scratch.path().join("env"));
            std::fs::remove_dir_all(scratch.path().join("env")).unwrap();
            made
        };
        assert_same(&make(), &make());
    }
}

/// Whoever can write the cache must not be able to say where files go.
#[test]
fn a_kept_probe_does_not_steer_an_install() {
    let scratch = scratch();
    install(scratch.path()).ok();
    let cache = scratch.path().join("cache");
    let run = |command: &[&str]| {
        pipward(command)
            .arg("--cache-dir")
            .arg(&cache)
            .arg("--python")
            .arg(scratch.path().join("env/bin/python"))
            .dir(scratch.path())
            .run()
    };
    let wheels = vendored("").display().to_string();
    run(&["lock", "pipward-demo-tool", "--no-index", "--find-links", &wheels]).ok();
    let mut changed = 0;
    for entry in cache.join("interpreters").read_dir().unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        changed += usize::from(text.contains("site-packages"));
        std::fs::write(&path, text.replace("/site-packages", "/elsewhere")).unwrap();
    }
    assert!(changed > 0, "the probe was kept");
    std::fs::remove_file(module(&library(scratch.path()))).unwrap();
    run(&["install", "pipward-demo-tool"]).ok();
    assert!(module(&library(scratch.path())).exists());
    assert!(!library(scratch.path()).with_file_name("elsewhere").exists());
}

#[test]
fn a_lock_that_could_not_be_written_out_is_no_success() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pipward"))
        .args(["lock", "pipward-demo-tool", "-o", "-", "--no-index", "--no-cache-dir", "--find-links"])
        .arg(vendored(""))
        .arg("--python")
        .arg(any_python().executable)
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stderr).contains(Code::DiskFull.name()));
}

/// PEP 552: byte-code that Python runs without a look at its source.
#[test]
fn verify_finds_byte_code_that_hides_from_its_source() {
    let change = |library: &Path| {
        let source = module(library);
        let cache = source.with_file_name("__pycache__");
        std::fs::create_dir_all(&cache).unwrap();
        let stem = source.file_stem().unwrap().to_str().unwrap();
        let code = [b"\xf3\x0d\x0d\x0a".as_slice(), &[1, 0, 0, 0], &[0; 8], b"code"].concat();
        std::fs::write(cache.join(format!("{stem}.cpython-313.pyc")), code).unwrap();
    };
    finds(change, false, &[Code::FileUnlisted]).stderr_has("byte-code");
}

#[test]
fn several_processes_make_one_environment() {
    let scratch = scratch();
    let children: Vec<_> = (0..4)
        .map(|_| {
            Command::new(env!("CARGO_BIN_EXE_pipward"))
                .args(["install", "--venv", "env", "--no-cache-dir", "-r"])
                .arg(vendored("pylock.toml"))
                .arg("--python")
                .arg(any_python().executable)
                .current_dir(scratch.path())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    verify(scratch.path(), true).ok();
    assert_eq!(scratch.path().read_dir().unwrap().count(), 1, "nothing else is left");
}

#[test]
fn nothing_to_install_is_said() {
    let scratch = scratch();
    std::fs::write(scratch.path().join("requirements.txt"), "# nothing\n").unwrap();
    pipward(["install", "--venv", "env", "-r", "requirements.txt", "--python"])
        .arg(any_python().executable)
        .dir(scratch.path())
        .run()
        .ok()
        .stdout_has("Nothing to install");
}

#[test]
fn a_path_too_long_for_an_environment_is_told_as_such() {
    let long = format!("{}/env", "d".repeat(200)).repeat(15);
    pipward(["install", "--venv", &long, "-r"])
        .arg(vendored("pylock.toml"))
        .run()
        .refused(Code::EnvironmentInvalid);
}
