//! What other programs than Python run by themselves, names of programs, and modules that installed `.pth` files import.

use pipward::error::Code;

use super::ground::Ground;
use super::{Case, Input};
use crate::support::wheels::WheelBuilder;

type Wheel = (String, Vec<u8>);

fn new(name: &str) -> WheelBuilder {
    WheelBuilder::new(name, "1.0").file(&format!("{name}_/__init__.py"), "")
}

fn data(path: &str) -> Wheel {
    new("evil").data("data", path, "touch /tmp/x\n").build()
}

const OBEYED: [&str; 12] = [
    "share/fish/vendor_conf.d/evil.fish",
    "share/fish/vendor_functions.d/ls.fish",
    "etc/profile.d/evil.sh",
    "etc/cron.d/evil",
    "etc/xdg/autostart/evil.desktop",
    "lib/systemd/user/evil.service",
    "share/dbus-1/services/evil.service",
    "share/gdb/auto-load/evil.py",
    "etc/ipython/ipython_config.py",
    "etc/jupyter/jupyter_server_config.py",
    ".bashrc",
    ".Config/fish/config.fish",
];

pub fn cases() -> Vec<Case> {
    let case = |row, what: &str, code, wheel| Case {
        row,
        what: what.to_owned(),
        code,
        input: Input::Wheels(vec![wheel]),
    };
    let other = "D start-up code of other programs";
    let mut all: Vec<Case> =
        OBEYED.iter().map(|path| case(other, path, Code::StartupCode, data(path))).collect();
    let named =
        |name: &str| new("evil").entry_points(&format!("[console_scripts]\n{name} = evil_:main\n")).build();
    let row = "D names of programs";
    all.extend(
        ["ls", "SUDO", "git", "pip", "pip3.99", "uv"]
            .map(|name| case(row, &format!("an entry point: {name}"), Code::StartupCode, named(name))),
    );
    all.extend([
        case(row, "a script", Code::StartupCode, new("evil").data_script("ssh", "#!/bin/sh\n").build()),
        case(row, "data", Code::StartupCode, data("bin/env")),
        case(row, "a folder for the administrator", Code::StartupCode, data("sbin/ls")),
        case(row, "a build of Python", Code::EnvironmentOwned, data("bin/python3.12-intel64")),
    ]);
    all
}

fn install(ground: &mut Ground, wheels: &[Wheel], place: &[&str]) -> (Vec<String>, String) {
    let lock = ground.lock_of(wheels);
    let arguments = [&["install", "-r", &lock], place].concat();
    let ran = ground.run(&arguments);
    assert_eq!(ran.status == 0, ran.codes().is_empty(), "{}", ran.stderr);
    (ran.codes(), ran.stderr)
}

const VENV: [&str; 2] = ["--venv", "out"];

#[test]
fn what_honest_wheels_bring_for_other_programs_installs() {
    let mut ground = Ground::new();
    let mut all = new("fine").data_script("node", "x").data_script("clang-format", "x");
    for path in [
        "share/fish/vendor_completions.d/fine.fish",
        "share/bash-completion/completions/fine",
        "share/zsh/site-functions/_fine",
        "etc/bash_completion.d/fine",
        "share/man/man1/ls.1",
        "share/applications/fine.desktop",
        "share/polkit-1/actions/fine.policy",
        "etc/jupyter/jupyter_server_config.d/fine.json",
        "share/jupyter/kernels/fine/kernel.json",
        "share/fine/.bashrc",
    ] {
        all = all.data("data", path, "{}");
    }
    let fine =
        all.entry_points("[console_scripts]\nninja = fine_:a\ncmake = fine_:b\ntest = fine_:c\n").build();
    let pip = WheelBuilder::new("pip", "99.0")
        .file("pip/__init__.py", "")
        .entry_points("[console_scripts]\npip = pip:main\npip3 = pip:main\n")
        .build();
    for place in [VENV, ["--target", "flat"]] {
        let (codes, told) = install(&mut ground, &[fine.clone(), pip.clone()], &place);
        assert_eq!(codes, [""; 0], "{told}");
    }
}

#[test]
fn a_folder_of_everything_has_the_same_places() {
    let mut ground = Ground::new();
    for path in [".bashrc", "etc/profile.d/evil.sh", "bin/ls"] {
        let wheel = new("evil").file(path, "x").build();
        let (codes, told) = install(&mut ground, &[wheel], &["--target", "flat"]);
        assert_eq!(codes, ["startup-code"], "{path}");
        assert!(told.contains(path), "{told}");
    }
}

#[test]
fn a_reason_lets_a_project_have_its_program() {
    let mut ground = Ground::new();
    let wheel = || new("corelike").entry_points("[console_scripts]\nls = corelike_:main\n").build();
    let (codes, told) = install(&mut ground, &[wheel()], &VENV);
    assert_eq!(codes, ["startup-code"], "{told}");
    assert!(told.contains("bin/ls") && told.contains("policy.exception"), "{told}");
    let policy =
        "[[policy.exception]]\ncode = \"startup-code\"\npackage = \"corelike\"\nreason = \"its own ls\"\n";
    std::fs::write(ground.path("work/pipward.toml"), policy).unwrap();
    let (codes, told) = install(&mut ground, &[wheel()], &VENV);
    assert_eq!(codes, [""; 0], "{told}");
    assert!(ground.path("work/out/bin/ls").exists());
}

#[test]
fn what_installed_path_files_import_is_nobody_elses_to_bring() {
    let mut ground = Ground::new();
    let good = new("good").build();
    let of = |name: &str, version: &str, path: &str| WheelBuilder::new(name, version).file(path, "").build();
    let mut check = |line: &str, path: &str, fine: bool| {
        let _ = std::fs::remove_dir_all(ground.path("work/out"));
        assert_eq!(install(&mut ground, std::slice::from_ref(&good), &VENV).0, [""; 0]);
        let library = ground.path("work/out/lib").read_dir().unwrap().next().unwrap().unwrap().path();
        let file = library.join("site-packages/theirs.pth");
        std::fs::write(&file, line).unwrap();
        let (codes, told) = install(&mut ground, &[of("late", "1.0", path)], &VENV);
        let expected: &[&str] = if fine { &[] } else { &["startup-code"] };
        assert_eq!(codes, expected, "{line} {path}\n{told}");
        assert!(fine || told.contains("theirs.pth") && told.contains(path), "{told}");
        if !fine {
            // Who has the module already may bring it anew.
            std::fs::remove_file(&file).unwrap();
            assert_eq!(install(&mut ground, &[of("late", "1.0", path)], &VENV).0, [""; 0]);
            std::fs::write(&file, line).unwrap();
            assert_eq!(install(&mut ground, &[of("late", "2.0", path)], &VENV).0, [""; 0]);
        }
    };
    check("import theirs_startup\n", "theirs_startup.py", false);
    check("import os; import theirs_startup.hook\n", "theirs_startup/__init__.py", false);
    check("import os; exec('from theirs import hook')\n", "theirs/hook.abi3.so", false);
    check("import os; __import__('theirs').run()\n", "theirs.pyc", false);
    check("import theirs_startup\n", "other_startup.py", true);
    check("import theirs_startup\n", "in/theirs_startup.py", true);
    check("import types, os\n", "types.py", true);
    check("# import theirs_startup\n", "theirs_startup.py", true);
}
