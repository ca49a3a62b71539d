//! What a standing lock keeps, and what moves: `--upgrade`, `--upgrade-package`, `--check` and cutoffs.

use std::path::Path;

use pipward::error::Code;

use crate::support::run::{Output, pipward, scratch};
use crate::support::server::{Published, Server, nobody};
use crate::support::wheels::WheelBuilder;
use crate::support::world::{lock, offer, packages, publish, text, wheel, write};

/// A file with the time of its upload.
fn uploaded(wheel: &WheelBuilder, time: &str) -> Published {
    Published::new(wheel.build()).uploaded(time)
}

/// The lines that two texts do not share.
fn differing(before: &str, after: &str) -> Vec<String> {
    let lines = |a: &str, b: &str, sign: &str| -> Vec<String> {
        let b: Vec<&str> = b.lines().collect();
        a.lines().filter(|line| !b.contains(line)).map(|line| format!("{sign}{line}")).collect()
    };
    let mut all = lines(before, after, "-");
    all.extend(lines(after, before, "+"));
    all
}

/// A hundred packages, each with three versions and a wheel for Linux, macOS and Windows; every tenth forks by Python.
fn hundred() -> Vec<Published> {
    let mut files = Vec::new();
    for at in 0..100 {
        for version in ["1", "2", "3"] {
            for platform in ["manylinux_2_17_x86_64", "macosx_11_0_arm64", "win_amd64"] {
                let mut wheel =
                    wheel(&format!("p{at}"), version).tag(&format!("py3-none-{platform}")).platlib();
                if at + 1 < 100 {
                    wheel =
                        wheel.requires(&format!("p{}>={}", at + 1, if version == "3" { "2" } else { "1" }));
                }
                if at % 10 == 0 && version != "1" {
                    wheel = wheel.requires_python(">=3.12");
                }
                files.push(uploaded(&wheel, &format!("2026-0{version}-01T00:00:00Z")));
            }
        }
    }
    files
}

#[test]
fn an_upgrade_by_name_touches_no_other_entry() {
    let server = Server::start();
    let index = offer(&server, hundred());
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "a.in", "p0\n");
    let range = ["-r", "a.in", "--python-version", "3.10"];
    let with = |more: &[&str]| lock(directory, &index, &[&range, more].concat());
    with(&["--uploaded-prior-to", "2026-01-15"]).ok();
    let ones = text(directory, "pylock.toml");
    assert_eq!(packages(directory).len(), 100);
    // p55 gains a wheel, which a release that is locked already does not take.
    let late = wheel("p55", "1").tag("py3-none-manylinux_2_17_aarch64").platlib();
    let mut files: Vec<Published> =
        hundred().into_iter().filter(|file| file.name.starts_with("p55-")).collect();
    files.push(uploaded(&late, "2026-03-03T00:00:00Z"));
    offer(&server, files);
    with(&["-P", "p50", "-P", "p51==2", "-P", "p97"])
        .ok()
        .stderr_has("~ p50 1 -> 1, 3")
        .stderr_has("~ p51 1 -> 2")
        .stderr_has("~ p97 1 -> 3");
    let changed = differing(&ones, &text(directory, "pylock.toml"));
    let about: Vec<&str> = [
        "p50",
        "p51",
        "p97",
        "p98",
        "p99",
        "cutoffs",
        "version = ",
        "marker",
        "fingerprint",
        "requires-python",
    ]
    .to_vec();
    assert!(changed.iter().all(|line| about.iter().any(|about| line.contains(about))), "{changed:#?}");
    assert!(!changed.iter().any(|line| line.contains("p55")), "{changed:#?}");
    // What was written is what the inputs give from now on.
    let now = text(directory, "pylock.toml");
    with(&["--check"]).ok();
    with(&[]).ok().stderr_has("Unchanged");
    assert_eq!(text(directory, "pylock.toml"), now);
    with(&["-U"]).ok();
    assert!(
        text(directory, "pylock.toml").contains("aarch64")
            || packages(directory).contains(&"p55 3".to_owned())
    );
}

#[test]
fn a_check_of_a_hundred_packages_asks_nobody() {
    let server = Server::start();
    let index = offer(&server, hundred());
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "a.in", "p0\n");
    let range = ["-r", "a.in", "--python-version", "3.10"];
    let with = |index: &str, more: &[&str]| lock(directory, index, &[&range, more].concat());
    with(&index, &[]).ok();
    with(&index, &["-o", "requirements.txt"]).ok();
    drop(server);
    with(&nobody(), &["--check"]).ok().stderr_has("pylock.toml follows from its inputs");
    with(&nobody(), &["--check", "-o", "requirements.txt"]).ok().stderr_has("follows from its inputs");
    with(&nobody(), &["--check", "-q"]).ok();
    with(&nobody(), &["--check", "--json"]).ok().stdout_has("\"ok\":true");
    // From another directory, and to the same files, the inputs are the same.
    let elsewhere = directory.join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    pipward(["lock", "-i", &nobody(), "-r", "../a.in", "-o", "../pylock.toml", "--check"])
        .args(["--python-version", "3.10"])
        .dir(&elsewhere)
        .run()
        .ok();
}

/// Each kind of input, changed by itself.
#[test]
fn a_check_tells_what_changed() {
    let server = Server::start();
    let index = publish(&server, vec![wheel("plum", "1"), wheel("plum", "2"), wheel("stone", "1")]);
    let scratch = scratch();
    let directory = scratch.path();
    let project = "[project]\nname = 'tree'\nversion = '1'\nrequires-python = '>=3.9'\ndependencies = ['plum']\n\
                   [project.optional-dependencies]\nx = ['stone']\n[dependency-groups]\ng = ['stone']\n";
    write(directory, "pyproject.toml", project);
    write(directory, "c.txt", "plum<2\n");
    let check = |more: &[&str]| lock(directory, &index, &[&["--check"], more].concat());
    check(&[]).refused(Code::LockDrift).stderr_has("there is no lock yet");
    lock(directory, &index, &[]).ok();
    check(&[]).ok();
    for (options, told) in [
        (&["-c", "c.txt"][..], "-c c.txt asks for plum<2, which the lock was not made for"),
        (&["--override", "c.txt"][..], "the override plum<2 is new"),
        (&["--exclude", "stone"][..], "the exclude stone is new"),
        (&["--resolution", "lowest"][..], "`resolution` is `lowest` now; it was its default for the lock"),
        (&["--pre"][..], "`pre` is `true` now"),
        (&["--fork-strategy", "fewest"][..], "`fork-strategy` is `fewest` now"),
        (&["--uploaded-prior-to", "2026-01-01"][..], "`uploaded-prior-to` is `2026-01-01` now"),
        (
            &["--python-version", "3.11"][..],
            "the lock is for Python >=3.9, and now Python >=3.11 is asked for",
        ),
        (&["--extra", "x"][..], "pyproject.toml asks for stone, which the lock was not made for"),
        (&["--group", "G"][..], "pyproject.toml asks for stone, which the lock was not made for"),
        (&["--no-universal", "--python-version", "3.11"][..], "`universal` is `false` now"),
    ] {
        check(options).refused(Code::LockDrift).stderr_has(told);
    }
    write(directory, "pyproject.toml", &project.replace("'plum'", "'plum<2', 'stone'"));
    check(&[])
        .refused(Code::LockDrift)
        .stderr_has("pyproject.toml asks for plum<2; the lock was made for plum")
        .stderr_has("pyproject.toml asks for stone, which")
        .stderr_has("~ plum 2 -> 1")
        .stderr_has("+ stone 1");
    write(directory, "pyproject.toml", &project.replace("'plum'", "'plum>7'"));
    check(&[]).refused(Code::LockDrift).stderr_has("cannot be told: there is no solution");
    write(directory, "pyproject.toml", project);
    write(directory, "pipward.toml", "environments = ['linux']\n");
    check(&[])
        .refused(Code::LockDrift)
        .stderr_has("the environment sys_platform == 'linux' and implementation_name == 'cpython' is new");
    std::fs::remove_file(directory.join("pipward.toml")).unwrap();
    check(&["--upgrade"]).ok();
    offer(&server, vec![Published::new(wheel("plum", "3").build())]);
    check(&["--upgrade"]).refused(Code::LockDrift).stderr_has("~ plum 2 -> 3");
    check(&[]).ok();
}

#[test]
fn a_lock_of_another_tool_keeps_its_versions() {
    let server = Server::start();
    let index = publish(
        &server,
        vec![
            wheel("plum", "1"),
            wheel("plum", "2"),
            wheel("stone", "1"),
            wheel("stone", "2").requires("plum"),
        ],
    );
    let scratch = scratch();
    let directory = scratch.path();
    lock(directory, &index, &["plum==1", "stone==1", "--python-version", "3.10"]).ok();
    let ours = text(directory, "pylock.toml");
    let foreign = ours.split("\n[tool.pipward]").next().unwrap().replace("\"pipward\"", "\"other\"");
    write(directory, "pylock.toml", &foreign);
    lock(directory, &index, &["plum", "stone", "--check"]).ok();
    lock(directory, &index, &["plum>1", "stone", "--check"])
        .refused(Code::LockDrift)
        .stderr_has("the lock does not tell what it was made from")
        .stderr_has("~ plum 1 -> 2");
    lock(directory, &index, &["plum", "stone", "-P", "stone"]).ok();
    assert_eq!(packages(directory), ["plum 1", "stone 2"]);
    assert!(text(directory, "pylock.toml").contains("requires-python = \">=3.10\""));
}

#[test]
fn a_standing_requirements_file_keeps_its_versions() {
    let server = Server::start();
    let index = publish(
        &server,
        vec![
            wheel("plum", "1"),
            wheel("plum", "2"),
            wheel("stone", "1"),
            wheel("stone", "2").requires_python(">=3.12"),
            wheel("stone", "3").requires_python(">=3.12"),
        ],
    );
    let scratch = scratch();
    let directory = scratch.path();
    let pinned = "plum==1\nstone==2 ; python_version >= '3.12'\nstone==1 ; python_version < '3.12'\n";
    write(directory, "requirements.txt", pinned);
    let with = |more: &[&str]| {
        let all = [&["plum", "stone", "--python-version", "3.10", "-o", "requirements.txt"], more].concat();
        lock(directory, &index, &all)
    };
    with(&[]).ok();
    let lines = || -> Vec<String> {
        let pins = text(directory, "requirements.txt");
        pins.lines()
            .filter(|line| line.contains("=="))
            .map(|line| line.trim_end_matches(" \\").to_owned())
            .collect()
    };
    assert_eq!(
        lines(),
        ["plum==1", "stone==1 ; python_version < '3.12'", "stone==2 ; python_version >= '3.12'"]
    );
    with(&["--check"]).ok();
    with(&["-P", "plum"]).ok();
    assert_eq!(lines()[0], "plum==2");
    with(&[]).ok().stderr_has("Unchanged");
    let edited = text(directory, "requirements.txt").replace("plum==2", "plum==1");
    write(directory, "requirements.txt", &edited);
    with(&["--check"]).refused(Code::LockDrift).stderr_has("or the file was edited by hand");
    with(&["-U"]).ok();
    assert_eq!(lines()[2], "stone==3 ; python_version >= '3.12'");
    // What is no lock, and what is locked from, is not written over.
    write(directory, "requirements.txt", "plum\n");
    with(&[]).refused(Code::Usage).stderr_has("would be written over").stderr_has("requirements.txt:1");
    lock(directory, &index, &["-r", "requirements.txt", "--format", "requirements"])
        .refused(Code::Usage)
        .stderr_has("what it is made from");
    assert_eq!(text(directory, "requirements.txt"), "plum\n");
}

fn cutoff(directory: &Path) -> String {
    let lock = text(directory, "pylock.toml");
    lock.lines().find(|line| line.starts_with("cutoff")).unwrap().to_owned()
}

#[test]
fn a_cutoff_stays_until_another_is_asked_for() {
    let server = Server::start();
    let index = offer(
        &server,
        vec![
            uploaded(&wheel("plum", "1"), "2026-01-01T00:00:00Z"),
            uploaded(&wheel("plum", "2"), "2026-02-01T12:00:00Z"),
            Published::new(wheel("stone", "1").build()),
        ],
    );
    let scratch = scratch();
    let directory = scratch.path();
    let with = |more: &[&str]| lock(directory, &index, &[&["plum"], more].concat());
    for (when, noted, chosen) in [
        ("2026-01-31", "cutoff = 2026-01-31T00:00:00Z", "plum 1"),
        ("2026-02-01T13:00:00+02:00", "cutoff = 2026-02-01T11:00:00Z", "plum 1"),
        ("2026-02-01T12:00", "cutoff = 2026-02-01T12:00:00Z", "plum 2"),
        ("2199-01-01", "cutoff = 2199-01-01T00:00:00Z", "plum 2"),
    ] {
        with(&["-U", "--uploaded-prior-to", when]).ok();
        assert_eq!((cutoff(directory).as_str(), packages(directory)[0].as_str()), (noted, chosen));
    }
    with(&["--uploaded-prior-to", "2026-01-31"]).ok();
    assert_eq!(packages(directory), ["plum 1"]);
    let kept = text(directory, "pylock.toml");
    with(&[]).ok().stderr_has("Unchanged");
    with(&["--uploaded-prior-to", "2026-01-31", "--check"]).ok();
    // A file without an upload time passes no cutoff that was asked for, now or later.
    lock(directory, &index, &["plum", "stone"]).refused(Code::NoSolution);
    assert_eq!(text(directory, "pylock.toml"), kept);
    with(&["--upgrade"]).ok();
    assert_eq!(packages(directory), ["plum 2"]);
    for age in ["P3D", "3 days", "72h"] {
        with(&["-U", "--uploaded-prior-to", age]).ok();
        let first = cutoff(directory);
        with(&["--uploaded-prior-to", age]).ok().stderr_has("Unchanged");
        assert_eq!(cutoff(directory), first);
    }
    with(&["--uploaded-prior-to", "soon"]).refused(Code::Usage).stderr_has("neither a time nor an age");
    write(directory, "pipward.toml", "\nuploaded-prior-to = 'soon'\n");
    with(&[]).refused(Code::Usage).stderr_has("pipward.toml:2");
}

#[test]
fn a_name_to_upgrade_that_is_not_there_is_told() {
    let server = Server::start();
    let index = publish(&server, vec![wheel("plum", "1")]);
    let scratch = scratch();
    lock(scratch.path(), &index, &["plum"]).ok();
    lock(scratch.path(), &index, &["plum", "-P", "Stone==3"])
        .ok()
        .stderr_has("stone is not part of the lock, so that --upgrade-package stone changes nothing")
        .stderr_has("Unchanged");
    lock(scratch.path(), &index, &["plum", "-P", "plum<2"]).refused(Code::Usage);
    lock(scratch.path(), &index, &["plum", "-P", "plum==x"]).refused(Code::Usage);
    lock(scratch.path(), &index, &["plum", "-P", "plum==7"]).refused(Code::NoSolution);
}

#[test]
fn the_lowest_versions_are_those_of_all_or_of_what_is_asked_for() {
    let server = Server::start();
    let index = publish(
        &server,
        vec![
            wheel("plum", "1").requires("stone"),
            wheel("plum", "2").requires("stone"),
            wheel("stone", "1"),
            wheel("stone", "2"),
        ],
    );
    let scratch = scratch();
    let check = |options: &[&str], expected: [&str; 2]| {
        lock(scratch.path(), &index, &[&["plum"], options].concat()).ok();
        assert_eq!(packages(scratch.path()), expected);
    };
    check(&["--resolution", "lowest"], ["plum 1", "stone 1"]);
    check(&["--resolution", "lowest-direct"], ["plum 1", "stone 2"]);
    check(&[], ["plum 2", "stone 2"]);
    write(scratch.path(), "pipward.toml", "resolution = 'lowest'\n");
    check(&[], ["plum 1", "stone 1"]);
    check(&["--resolution", "highest"], ["plum 2", "stone 2"]);
}

#[test]
fn promise_5_two_locks_of_the_same_inputs_are_the_same_bytes() {
    let server = Server::start();
    let index = offer(&server, hundred());
    let made = |format: &str| -> (Output, String) {
        let scratch = scratch();
        let output = lock(
            scratch.path(),
            &index,
            &[
                "p0",
                "--python-version",
                "3.9",
                "--uploaded-prior-to",
                "2026-05-01",
                "--format",
                format,
                "-o",
                "-",
            ],
        );
        (output.clone().ok(), output.stdout)
    };
    for format in ["pylock", "requirements"] {
        assert_eq!(made(format).1, made(format).1);
    }
}

#[test]
fn a_lock_tells_what_it_is_made_from_again() {
    let server = Server::start();
    let index = publish(
        &server,
        vec![
            wheel("plum", "1"),
            wheel("plum", "2"),
            wheel("stone", "1"),
            wheel("stone", "2"),
            wheel("leaf", "1"),
        ],
    );
    let scratch = scratch();
    let directory = scratch.path();
    lock(directory, &index, &[]).refused(Code::LockNotFound).stderr_has("pyproject.toml");
    std::fs::create_dir(directory.join("in")).unwrap();
    write(directory, "in/a.in", "plum ; python_version >= '3.9'\n-c ../c.txt\n");
    write(directory, "c.txt", "plum<2\n");
    write(
        directory,
        "in/pyproject.toml",
        "[project]\nname = 'tree'\nversion = '1'\n[project.optional-dependencies]\nx = ['leaf']\n",
    );
    let typed = ["stone<2", "-r", "in/a.in", "-r", "in/pyproject.toml", "--extra", "x"];
    lock(directory, &index, &typed).ok();
    assert_eq!(packages(directory), ["leaf 1", "plum 1", "stone 1"]);
    let made = text(directory, "pylock.toml");
    lock(directory, &index, &["--check"]).ok();
    lock(directory, &index, &["--upgrade"]).ok().stderr_has("Unchanged");
    assert_eq!(text(directory, "pylock.toml"), made);
    write(directory, "c.txt", "plum<3\n");
    lock(directory, &index, &["--check"]).refused(Code::LockDrift).stderr_has("-c c.txt asks for plum<3");
    lock(directory, &index, &["-P", "plum"]).ok().stderr_has("~ plum 1 -> 2");
    // What is typed stands for all that was typed before.
    lock(directory, &index, &["stone"]).ok();
    assert_eq!(packages(directory), ["stone 1"]);
}

/// Overrides and excludes are remembered as requirements and constraints are; what is typed anew stands for them.
#[test]
fn a_lock_remembers_what_it_overrides_and_excludes() {
    let server = Server::start();
    let plum = |version: &str| wheel("plum", version).requires("stone<2").requires("leaf");
    let wheels = vec![plum("1"), plum("2"), wheel("stone", "1"), wheel("stone", "2"), wheel("leaf", "1")];
    let index = publish(&server, wheels);
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "a.in", "plum\n");
    write(directory, "c.txt", "plum<2\n");
    write(directory, "o.txt", "stone==2\n");
    let output = ["-o", "locks/pylock.x.toml"];
    std::fs::create_dir(directory.join("locks")).unwrap();
    let with = |more: &[&str]| lock(directory, &index, &[&output, more].concat());
    with(&["-r", "a.in", "-c", "c.txt", "--override", "o.txt", "--exclude", "Leaf"]).ok();
    let made = text(directory, "locks/pylock.x.toml");
    assert!(made.contains("overrides = [\"stone==2\"]") && made.contains("excludes = [\"leaf\"]"), "{made}");
    with(&["--check"]).ok().stderr_has("follows from its inputs");
    with(&[]).ok().stderr_has("Unchanged");
    with(&["-P", "plum"]).ok();
    let now = text(directory, "locks/pylock.x.toml");
    assert!(now.contains("overrides = [\"stone==2\"]") && now.contains("excludes = [\"leaf\"]"), "{now}");
    with(&["--check"]).ok().stderr_has("follows from its inputs");
    // The file is read anew, and what is typed stands for what was.
    write(directory, "o.txt", "stone==1\n");
    with(&["--check"]).refused(Code::LockDrift).stderr_has("the override stone==1 is new");
    with(&["--exclude", "stone"]).ok().stderr_has("+ leaf 1").stderr_has("- stone 2");
    with(&["--check"]).ok();
}
