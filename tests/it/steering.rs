//! `pipward lock`: universal locks, what steers them, and `--check`.

use std::path::Path;

use pipward::digest::Sha256;
use pipward::error::Code;

use crate::support::pythons::any_python;
use crate::support::run::{pipward, scratch};
use crate::support::server::Server;
use crate::support::world::{lock, packages, publish, text, wheel};

fn read(directory: &Path) -> String {
    text(directory, "pylock.toml")
}

#[test]
fn a_lock_is_for_every_environment_of_its_range() {
    let server = Server::start();
    let index = publish(
        &server,
        vec![
            wheel("plum", "1")
                .requires("stone<2 ; sys_platform == 'win32'")
                .requires("stone ; sys_platform != 'win32'"),
            wheel("stone", "1"),
            wheel("stone", "2").requires_python(">=3.12"),
        ],
    );
    let scratch = scratch();
    lock(scratch.path(), &index, &["plum", "--python-version", "3.10"]).ok();
    assert_eq!(
        packages(scratch.path()),
        [
            "plum 1",
            "stone 1 ; python_version < '3.12' or sys_platform == 'win32'",
            "stone 2 ; python_version >= '3.12' and sys_platform != 'win32'"
        ]
    );
    assert!(read(scratch.path()).contains("requires-python = \">=3.10\""));
    lock(scratch.path(), &index, &["plum", "--python-version", "3.10", "--fork-strategy", "fewest", "-U"])
        .ok();
    assert_eq!(packages(scratch.path()), ["plum 1", "stone 1"]);
    let one = ["plum", "--no-universal", "--python-version", "3.12", "--python-platform", "linux"];
    lock(scratch.path(), &index, &one).ok();
    assert_eq!(packages(scratch.path()), ["plum 1", "stone 2"]);
    assert!(read(scratch.path()).contains("environments = "));
}

#[test]
fn overrides_and_excludes_are_recorded_in_the_lock_and_honoured_at_install() {
    let server = Server::start();
    let index = publish(
        &server,
        vec![
            wheel("plum", "1").requires("stone<2").requires("leaf"),
            wheel("stone", "1"),
            wheel("stone", "2"),
            wheel("leaf", "1"),
        ],
    );
    let scratch = scratch();
    std::fs::write(scratch.path().join("o.txt"), "stone==2\n").unwrap();
    lock(scratch.path(), &index, &["plum", "--override", "o.txt", "--exclude", "Leaf"]).ok();
    assert_eq!(packages(scratch.path()), ["plum 1", "stone 2"]);
    let text = read(scratch.path());
    assert!(text.contains("overrides = [\"stone==2\"]") && text.contains("excludes = [\"leaf\"]"), "{text}");
    pipward(["install", "--venv", "env", "-r", "pylock.toml", "--python"])
        .arg(any_python().executable)
        .dir(scratch.path())
        .run()
        .ok();
}

#[test]
fn extras_that_exclude_each_other_live_in_one_lock() {
    let server = Server::start();
    let index = publish(&server, vec![wheel("plum", "1"), wheel("plum", "2"), wheel("stone", "1")]);
    let scratch = scratch();
    let project = "
[project]
name = 'tree'
version = '1'
requires-python = '>=3.8'
dependencies = ['stone']
[project.optional-dependencies]
old = ['plum==1']
new = ['plum==2']
[tool.pipward]
conflicts = [[{ extra = 'old' }, { extra = 'new' }]]
";
    std::fs::write(scratch.path().join("pyproject.toml"), project).unwrap();
    lock(scratch.path(), &index, &["--all-extras"]).ok();
    assert_eq!(packages(scratch.path()), ["plum 1 ; 'old' in extras", "plum 2 ; 'new' in extras", "stone 1"]);
    for (extra, expected) in [("old", "plum-1.dist-info"), ("new", "plum-2.dist-info")] {
        let python = any_python().executable;
        pipward(["install", "--venv", extra, "-r", "pylock.toml", "--extra", extra, "--python"])
            .arg(python)
            .dir(scratch.path())
            .run()
            .ok();
        let found = walk(&scratch.path().join(extra));
        assert!(found.iter().any(|path| path.contains(expected)), "{found:?}");
    }
    pipward([
        "install",
        "--venv",
        "both",
        "-r",
        "pylock.toml",
        "--extra",
        "old",
        "--extra",
        "new",
        "--python",
    ])
    .arg(any_python().executable)
    .dir(scratch.path())
    .run()
    .refused(Code::DuplicatePackage);
}

fn walk(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        found.push(path.display().to_string());
        if path.is_dir() && !path.is_symlink() {
            found.extend(walk(&path));
        }
    }
    found
}

#[test]
fn required_environments_find_a_wheel_of_everything() {
    let server = Server::start();
    let linux = wheel("plum", "2").tag("py3-none-manylinux_2_17_x86_64").platlib();
    let index = publish(&server, vec![wheel("plum", "1"), linux]);
    let scratch = scratch();
    lock(scratch.path(), &index, &["plum", "--python-version", "3.10"]).ok().stderr_has("Windows x86_64");
    assert_eq!(packages(scratch.path()), ["plum 2"]);
    std::fs::write(scratch.path().join("pipward.toml"), "required-environments = ['windows']\n").unwrap();
    lock(scratch.path(), &index, &["plum", "--python-version", "3.10", "-U"]).ok();
    assert_eq!(
        packages(scratch.path()),
        [
            "plum 1 ; platform_machine != 'x86_64' or sys_platform != 'linux'",
            "plum 2 ; platform_machine == 'x86_64' and sys_platform == 'linux'"
        ]
    );
    std::fs::write(scratch.path().join("pipward.toml"), "environments = ['windows']\n").unwrap();
    lock(scratch.path(), &index, &["plum", "--python-version", "3.10", "-U"]).ok();
    assert_eq!(packages(scratch.path()), ["plum 1"]);
}

#[test]
fn a_setting_that_is_not_known_is_refused_with_its_line() {
    let scratch = scratch();
    std::fs::write(scratch.path().join("pipward.toml"), "\nenvironmets = []\n").unwrap();
    lock(scratch.path(), "http://127.0.0.1:9/", &["plum"])
        .refused(Code::ConfigInvalid)
        .stderr_has("environmets")
        .stderr_has("pipward.toml:2");
}

#[test]
fn a_check_of_an_unchanged_lock_asks_no_index() {
    let scratch = scratch();
    let server = Server::start();
    let index = publish(&server, vec![wheel("plum", "1"), wheel("plum", "2"), wheel("stone", "1")]);
    std::fs::write(scratch.path().join("a.in"), "plum\n").unwrap();
    lock(scratch.path(), &index, &["-r", "a.in"]).ok();
    let before = read(scratch.path());
    let asked = server.requests().len();
    let check = |directory: &Path| lock(directory, &index, &["-r", "a.in", "--check"]);
    check(scratch.path()).ok();
    assert_eq!(server.requests().len(), asked);
    // A comment changes nothing.
    std::fs::write(scratch.path().join("a.in"), "# the fruit\nplum\n").unwrap();
    check(scratch.path()).ok();
    assert_eq!(server.requests().len(), asked);
    // A requirement does.
    std::fs::write(scratch.path().join("a.in"), "plum<2\nstone\n").unwrap();
    check(scratch.path())
        .refused(Code::LockDrift)
        .stderr_has("a.in asks for plum<2; the lock was made for plum")
        .stderr_has("a.in asks for stone")
        .stderr_has("~ plum 2 -> 1")
        .stderr_has("+ stone 1");
    std::fs::write(scratch.path().join("a.in"), "plum\n").unwrap();
    // An edit by hand does as well.
    std::fs::write(scratch.path().join("pylock.toml"), before.replace("\"pipward\"", "\"someone\"")).unwrap();
    check(scratch.path()).refused(Code::LockDrift).stderr_has("edited by hand");
    assert_ne!(read(scratch.path()), before);
}

#[test]
fn a_check_without_a_network_tells_what_the_inputs_tell() {
    let scratch = scratch();
    let server = Server::start();
    let index = publish(&server, vec![wheel("plum", "1")]);
    lock(scratch.path(), &index, &["plum"]).ok();
    drop(server);
    lock(scratch.path(), &index, &["plum", "--check"]).ok();
    pipward(["lock", "-i", &index, "plum", "stone", "--check", "--json"])
        .dir(scratch.path())
        .run()
        .code(1)
        .stdout_has("command line asks for stone, which the lock was not made for");
}

/// A hundred packages that need each other in a chain, each in three versions.
#[test]
fn upgrading_one_package_changes_only_what_it_must() {
    let server = Server::start();
    let mut wheels = Vec::new();
    for at in 0..100 {
        for version in ["1", "2", "3"] {
            let mut wheel = wheel(&format!("p{at}"), version);
            if at + 1 < 100 {
                wheel = wheel.requires(&format!("p{}>={}", at + 1, if version == "3" { "2" } else { "1" }));
            }
            wheels.push(wheel);
        }
    }
    let index = publish(&server, wheels);
    let scratch = scratch();
    std::fs::write(
        scratch.path().join("old.txt"),
        (0..100).map(|at| format!("p{at}==1\n")).collect::<String>(),
    )
    .unwrap();
    lock(scratch.path(), &index, &["p0", "--override", "old.txt"]).ok();
    let ones = packages(scratch.path());
    assert!(ones.len() == 100 && ones.iter().all(|line| line.ends_with(" 1")));
    // Without the override everything stays as it was: it still satisfies.
    lock(scratch.path(), &index, &["p0"]).ok();
    assert_eq!(packages(scratch.path()), ones);
    let changed =
        |now: &[String]| -> Vec<String> { now.iter().filter(|line| !ones.contains(line)).cloned().collect() };
    lock(scratch.path(), &index, &["p0", "-P", "p50==2"]).ok();
    assert_eq!(changed(&packages(scratch.path())), ["p50 2"]);
    // p60 3 needs p61 2 or later, of which the newest is taken, and so on to where an older one will do.
    lock(scratch.path(), &index, &["p0", "-P", "p98==3"]).ok();
    assert_eq!(changed(&packages(scratch.path())), ["p50 2", "p98 3", "p99 3"]);
    lock(scratch.path(), &index, &["p0", "--upgrade"]).ok();
    assert!(packages(scratch.path()).iter().all(|line| line.ends_with(" 3")));
}

#[test]
fn a_wheel_that_is_named_by_address_is_hashed_before_it_is_read() {
    let server = Server::start();
    let (file, bytes) = wheel("plum", "1").requires("stone").build();
    server.file(&format!("/files/{file}"), bytes.clone());
    let index = publish(&server, vec![wheel("plum", "9"), wheel("stone", "1")]);
    let scratch = scratch();
    let address = server.url(&format!("/files/{file}"));
    let hash = Sha256::of(&bytes);
    lock(scratch.path(), &index, &[&format!("plum @ {address}")]).refused(Code::HashMissing);
    lock(scratch.path(), &index, &[&format!("plum @ {address}#sha256={}", "0".repeat(64))])
        .refused(Code::HashMismatch);
    lock(scratch.path(), &index, &[&format!("plum @ {address}#sha256={hash}")]).ok();
    assert_eq!(packages(scratch.path()), ["plum 1", "stone 1"]);
    assert!(read(scratch.path()).contains("archive = {"));
    assert!(server.asked("/simple/plum/").is_empty());
    pipward(["install", "--venv", "env", "-r", "pylock.toml", "--python"])
        .arg(any_python().executable)
        .dir(scratch.path())
        .run()
        .ok();
    for refused in
        ["plum @ git+https://example.org/plum", "plum @ https://example.org/plum-1.tar.gz#sha256=00"]
    {
        lock(scratch.path(), &index, &[refused]).refused(Code::RequirementUnsupported);
    }
}

#[test]
fn projects_that_need_each_other_are_locked_together_without_asking_for_them() {
    let server = Server::start();
    let index =
        publish(&server, vec![wheel("plum", "1"), wheel("stone", "1"), wheel("leaf", "1"), wheel("b", "9")]);
    let scratch = scratch();
    for (name, rest) in [
        ("a", "dependencies = ['plum', 'b[x]']"),
        ("b", "dependencies = ['stone']\noptional-dependencies = { x = ['leaf'] }"),
    ] {
        std::fs::create_dir(scratch.path().join(name)).unwrap();
        let text = format!("[project]\nname = '{name}'\nversion = '1'\nrequires-python = '>=3.9'\n{rest}\n");
        std::fs::write(scratch.path().join(name).join("pyproject.toml"), text).unwrap();
    }
    lock(scratch.path(), &index, &["-r", "a/pyproject.toml", "-r", "b/pyproject.toml"]).ok();
    assert_eq!(packages(scratch.path()), ["leaf 1", "plum 1", "stone 1"]);
    assert!(server.asked("/simple/b/").is_empty());
}

#[test]
fn prereleases_of_one_project_are_taken_where_the_configuration_says_so() {
    let server = Server::start();
    let index = publish(
        &server,
        vec![wheel("plum", "1"), wheel("plum", "2rc1"), wheel("stone", "1"), wheel("stone", "2rc1")],
    );
    let scratch = scratch();
    std::fs::write(scratch.path().join("pipward.toml"), "prereleases = ['Plum']\n").unwrap();
    lock(scratch.path(), &index, &["plum", "stone"]).ok();
    assert_eq!(packages(scratch.path()), ["plum 2rc1", "stone 1"]);
}

/// The story of a lock without a solution, for people and for machines.
#[test]
fn a_lock_without_a_solution_is_explained_twice() {
    let server = Server::start();
    let index = publish(
        &server,
        vec![
            wheel("plum", "1").requires("stone<2"),
            wheel("plum", "2").requires("stone<2 ; python_version >= '3.8'"),
            wheel("stone", "1"),
            wheel("stone", "2"),
        ],
    );
    let scratch = scratch();
    std::fs::write(scratch.path().join("a.in"), "# fruit\nplum\nstone>=2\n").unwrap();
    let arguments = ["-r", "a.in", "--python-version", "3.10"];
    lock(scratch.path(), &index, &arguments)
        .refused(Code::NoSolution)
        .stderr_has("you require plum (a.in, line 2)")
        .stderr_has("you require stone>=2 (a.in, line 3)")
        .stderr_has("every version of plum requires stone<2");
    let told = lock(scratch.path(), &index, &[&arguments[..], &["--json"]].concat());
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let details = &told["problems"][0]["details"];
    assert_eq!(details["facts"][0]["kind"], "required");
    assert_eq!(details["facts"][0]["origin"]["file"]["line"], 2);
    assert_eq!(details["facts"][1]["requirement"], "stone>=2");
    assert_eq!(details["facts"][2]["package"], "plum");
    assert!(details["hints"].is_array(), "{details}");
    lock(scratch.path(), &index, &["reqests"]).refused(Code::LookAlike).stderr_has("requests");
    std::fs::write(scratch.path().join("pipward.toml"), "[policy]\nlook-alike = \"allow\"\n").unwrap();
    lock(scratch.path(), &index, &["reqests"]).refused(Code::NoSolution).stderr_has("requests");
    assert!(!scratch.path().join("pylock.toml").exists());
}
