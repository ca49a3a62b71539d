//! Universal locks with forks: the same choice by pipward, pip, uv and packaging on every Python.

use std::path::Path;

use pipward::error::Code;

use crate::support::offline;
use crate::support::peers::{peers, pip_on};
use crate::support::pythons::{Python, each_python};
use crate::support::run::{Run, pipward, scratch};
use crate::support::server::Server;
use crate::support::world::{lock, packages, publish, text, wheel, write};

const PYTHONS: [&str; 6] = ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13"];

/// `stone` has a newer version for newer Pythons, and `shell` is for Windows alone.
fn orchard(server: &Server) -> String {
    publish(
        server,
        vec![
            wheel("plum", "1").requires("stone").requires("shell ; sys_platform == 'win32'"),
            wheel("stone", "1"),
            wheel("stone", "2").requires_python(">=3.10"),
            wheel("stone", "3").requires_python(">=3.12"),
            wheel("shell", "1").tag("py3-none-win_amd64").platlib(),
        ],
    )
}

/// The version of `stone` that a Python gets.
fn stone(python: &Python) -> &'static str {
    match python {
        python if python.at_least(12) => "3",
        python if python.at_least(10) => "2",
        _ => "1",
    }
}

fn imports(python: &Python, environment: &Path) {
    let script = format!(
        "import importlib.util, plum, stone\nassert stone.version == '{}'\n\
         assert importlib.util.find_spec('shell') is None",
        stone(python)
    );
    Run::new(environment.join("bin/python")).args(["-I", "-B", "-c", &script]).run().ok();
}

fn install(directory: &Path, name: &str, python: &Python, lock: &str) {
    let environment = directory.join(format!("{name}-{}", python.version));
    pipward(["install", "-r", lock, "--venv"])
        .arg(&environment)
        .arg("--python")
        .arg(&python.executable)
        .dir(directory)
        .run()
        .ok();
    imports(python, &environment);
}

fn bare(directory: &Path, name: &str, python: &Python) -> std::path::PathBuf {
    let environment = directory.join(format!("{name}-{}", python.version));
    let venv = Run::new(&python.executable).args(["-I", "-m", "venv", "--without-pip"]);
    venv.arg(&environment).run().ok();
    environment
}

#[test]
fn one_lock_installs_on_every_python() {
    let server = Server::start();
    let index = orchard(&server);
    let scratch = scratch();
    let directory = scratch.path();
    lock(directory, &index, &["plum", "--python-version", "3.8"]).ok();
    assert_eq!(
        packages(directory),
        [
            "plum 1",
            "shell 1 ; sys_platform == 'win32'",
            "stone 1 ; python_version < '3.10'",
            "stone 2 ; python_version >= '3.10' and python_version < '3.12'",
            "stone 3 ; python_version >= '3.12'",
        ]
    );
    lock(directory, &index, &["plum", "--python-version", "3.8", "-o", "requirements.txt"]).ok();
    for python in each_python(&PYTHONS) {
        install(directory, "pylock", &python, "pylock.toml");
        install(directory, "requirements", &python, "requirements.txt");
    }
}

#[test]
fn pip_and_uv_choose_the_same_from_our_lock() {
    if offline() {
        return;
    }
    let server = Server::start();
    let index = orchard(&server);
    let scratch = scratch();
    let directory = scratch.path();
    lock(directory, &index, &["plum", "--python-version", "3.8"]).ok();
    lock(directory, &index, &["plum", "--python-version", "3.8", "-o", "requirements.txt"]).ok();
    for python in each_python(&["3.8", "3.10", "3.13"]) {
        for file in ["pylock.toml", "requirements.txt"] {
            let environment = bare(directory, &format!("uv-{file}"), &python);
            let uv =
                peers().uv(["pip", "sync", "--preview-features", "pylock", "--require-hashes", "--python"]);
            uv.arg(environment.join("bin/python")).arg(directory.join(file)).dir(directory).run().ok();
            imports(&python, &environment);
            if !python.at_least(10) {
                continue;
            }
            let environment = bare(directory, &format!("pip-{file}"), &python);
            let mut pip = pip_on(&environment, &python, ["install", "--no-compile"]).unwrap();
            if file == "requirements.txt" {
                pip = pip.arg("--require-hashes");
            }
            pip.arg("-r").arg(directory.join(file)).dir(directory).run().ok();
            imports(&python, &environment);
        }
    }
}

/// What `packaging` selects in described environments, extras and groups included.
#[test]
fn packaging_chooses_the_same_from_our_lock() {
    if offline() {
        return;
    }
    let server = Server::start();
    let index = orchard(&server);
    let scratch = scratch();
    let directory = scratch.path();
    let project = "[project]\nname = 'tree'\nversion = '1'\nrequires-python = '>=3.8'\ndependencies = ['plum']\n\
                   [project.optional-dependencies]\nold = ['stone==1']\nnew = ['stone>1']\n\
                   [tool.pipward]\nconflicts = [[{ extra = 'old' }, { extra = 'new' }]]\n\
                   environments = ['linux', 'windows', 'python_version >= \"3.9\"']\n";
    write(directory, "pyproject.toml", project);
    lock(directory, &index, &["--extra", "old", "--all-extras", "--python-version", "3.10"]).ok();
    assert!(
        text(directory, "pylock.toml").contains(
            "environments = [\n    \"sys_platform == 'linux' and implementation_name == 'cpython'\","
        )
    );
    let script = r#"
import itertools, pathlib, sys, tomllib
from packaging.pylock import Pylock
from packaging.tags import Tag
lock = Pylock.from_dict(tomllib.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))
for python, platform, extras in itertools.product(["3.10", "3.11", "3.12", "3.13"], ["linux", "win32"], [(), ("old",), ("new",)]):
    environment = {
        "implementation_name": "cpython", "implementation_version": python + ".1", "os_name": "posix",
        "platform_machine": "AMD64" if platform == "win32" else "x86_64", "platform_release": "",
        "platform_system": "Windows" if platform == "win32" else "Linux", "platform_version": "",
        "python_full_version": python + ".1", "platform_python_implementation": "CPython",
        "python_version": python, "sys_platform": platform,
    }
    tags = [Tag("py3", "none", "win_amd64")] if platform == "win32" else []
    tags.append(Tag("py3", "none", "any"))
    chosen = {package.name: str(package.version) for package, _ in lock.select(environment=environment, tags=tags, extras=extras)}
    newest = "3" if python >= "3.12" else "2"
    expected = {"plum": "1", "stone": "1" if extras == ("old",) else newest}
    if platform == "win32":
        expected["shell"] = "1"
    assert chosen == expected, (python, platform, extras, chosen, expected)
"#;
    peers().script(script, &[&directory.join("pylock.toml")]).ok();
}

#[test]
fn forked_locks_of_uv_install_on_every_python() {
    if offline() {
        return;
    }
    let server = Server::start();
    let index = orchard(&server);
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "plum.in", "plum\n");
    for (file, format) in [("pylock.toml", "pylock.toml"), ("requirements.txt", "requirements.txt")] {
        let uv = peers().uv(["pip", "compile", "--universal", "--generate-hashes", "--no-header"]);
        uv.args(["--preview-features", "pylock", "--python-version", "3.8", "--emit-index-url"])
            .args(["--format", format, "--index-url", &index, "-o", file, "plum.in"])
            .dir(directory)
            .run()
            .ok();
        for python in each_python(&PYTHONS) {
            install(directory, file, &python, file);
        }
    }
    let project = "[project]\nname = \"tree\"\nversion = \"1\"\nrequires-python = \">=3.8\"\ndependencies = [\"plum\"]\n";
    write(directory, "pyproject.toml", project);
    let uv = peers().uv([
        "export",
        "--format",
        "pylock.toml",
        "--preview-features",
        "pylock",
        "--no-emit-project",
    ]);
    uv.args(["--index-url", &index, "-o", "pylock.export.toml"]).dir(directory).run().ok();
    for python in each_python(&PYTHONS) {
        install(directory, "export", &python, "pylock.export.toml");
    }
}

#[test]
fn pythons_that_find_no_wheel_are_told_of_once() {
    let server = Server::start();
    let of = |name: &str, version: &str, minor: u8| {
        let tag = format!("cp3{minor}-cp3{minor}-manylinux_2_17_x86_64");
        wheel(name, version).tag(&tag).platlib()
    };
    let native = |version: &str, minor: u8| of("plum", version, minor);
    let index = publish(
        &server,
        vec![
            native("1", 10),
            native("1", 11),
            native("2", 12).requires_python(">=3.12"),
            wheel("stone", "1"),
            wheel("stone", "2").requires_python(">=3.12"),
            of("fig", "1", 10),
            of("fig", "1", 12),
            of("fig", "1", 14),
        ],
    );
    let scratch = scratch();
    let directory = scratch.path();
    let told = "Python 3.12 and later finds no wheel of plum 1;";
    // By itself, and beside a project that has the lock split.
    for wanted in [&["plum<2"][..], &["plum<2", "stone"][..]] {
        let options = ["--python-version", "3.10"];
        let found = lock(directory, &index, &[wanted, &options[..]].concat()).ok().stderr;
        assert_eq!(found.matches(told).count(), 1, "{found}");
        assert!(packages(directory).contains(&"plum 1".to_owned()));
        std::fs::remove_file(directory.join("pylock.toml")).unwrap();
    }
    let found = lock(directory, &index, &["stone", "--python-version", "3.10"]).ok().stderr;
    assert!(!found.contains("finds no wheel"), "{found}");
    // Those in the middle are named.
    let found = lock(directory, &index, &["fig", "--python-version", "3.10"]).ok().stderr;
    assert!(found.contains("Python 3.11, 3.13 finds no wheel of fig 1;"), "{found}");
}

/// A platform is to blame only where another one finds a wheel with the same Python.
#[test]
fn what_lacks_a_wheel_is_blamed_for_it_once() {
    let server = Server::start();
    let native = |name: &str, minor: u8, platform: &str| {
        wheel(name, "1").tag(&format!("cp3{minor}-cp3{minor}-{platform}")).platlib()
    };
    let platforms =
        ["manylinux_2_17_x86_64", "manylinux_2_17_aarch64", "macosx_11_0_arm64", "macosx_10_9_x86_64"];
    let mut wheels = vec![native("fig", 13, "win_amd64"), native("plum", 12, "win_amd64")];
    for platform in platforms {
        wheels.extend([
            native("loop", 12, platform),
            native("loop", 13, platform),
            native("plum", 12, platform),
        ]);
    }
    let index = publish(&server, wheels);
    let scratch = scratch();
    let warnings = |wanted: &[&str]| {
        let options = ["--python-version", "3.12", "-U"];
        let found = lock(scratch.path(), &index, &[wanted, &options[..]].concat()).ok().stderr;
        let lines = found.lines().filter(|line| line.contains("no wheel"));
        lines.map(|line| line.trim_start_matches("warning: ").to_owned()).collect::<Vec<_>>()
    };
    let nowhere = |what: &str| {
        format!("{what} no wheel for any environment that needs it: an install there is refused.")
    };
    assert_eq!(warnings(&["loop ; sys_platform == 'win32'"]), [nowhere("loop 1 has")]);
    assert_eq!(warnings(&["plum ; python_version >= '3.13'"]), [nowhere("plum 1 has")]);
    let found = warnings(&["loop"]);
    let told = "Windows x86_64 finds no wheel of loop 1; name it in required-environments to lock versions that have one, if there are any.";
    assert_eq!(found, [told]);
    // The Python lacks, and no platform.
    let found = warnings(&["plum"]);
    assert!(found.iter().all(|line| !line.contains("required-environments")), "{found:?}");
}

/// Another requirement is one way out, and where Pythons have a part in it another Python.
#[test]
fn where_pythons_leave_no_solution_other_pythons_are_a_way_out() {
    let server = Server::start();
    let index = publish(
        &server,
        vec![
            wheel("plum", "1").requires_python(">=3.12"),
            wheel("stone", "1").requires("pear>1"),
            wheel("pear", "1"),
        ],
    );
    let scratch = scratch();
    let locked = |name: &str| lock(scratch.path(), &index, &[name, "--python-version", "3.10"]);
    let way_out = "loosen one of the requirements named";
    let found = locked("plum").refused(Code::NoSolution).stderr_has(way_out).stderr;
    assert!(found.contains("loosen one of the requirements named, or lock for other Pythons"), "{found}");
    let found = locked("stone").refused(Code::NoSolution).stderr_has(way_out).stderr;
    assert!(!found.contains("other Pythons"), "{found}");
}

/// Whichever region asks first, the same wheel is read: the lock notes the digest of its metadata.
#[test]
fn one_wheel_speaks_for_a_release_in_every_region() {
    let server = Server::start();
    let native = |minor: u8| {
        let tag = format!("cp3{minor}-cp3{minor}-manylinux_2_17_x86_64");
        wheel("plum", "1").tag(&tag).platlib().requires("stone")
    };
    let stone = [wheel("stone", "1"), wheel("stone", "2").requires_python(">=3.12")];
    let index = publish(&server, (10..14).map(native).chain(stone).collect());
    let scratch = scratch();
    let directory = scratch.path();
    let noted = |wanted: &[&str]| {
        lock(directory, &index, &[wanted, &["--python-version", "3.10", "-o", "pylock.x.toml"]].concat())
            .ok();
        let text = text(directory, "pylock.x.toml");
        std::fs::remove_file(directory.join("pylock.x.toml")).unwrap();
        let lines = text.lines().filter(|line| line.starts_with("\"plum-1-"));
        lines.map(|line| line.split('"').nth(1).unwrap().to_owned()).collect::<Vec<_>>()
    };
    let expected = ["plum-1-cp310-cp310-manylinux_2_17_x86_64.whl"];
    assert_eq!(noted(&["plum", "stone<2"]), expected);
    assert_eq!(noted(&["plum"]), expected);
    assert_eq!(noted(&["stone", "plum"]), expected);
}
