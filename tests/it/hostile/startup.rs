//! What runs at the start of Python by what several files, wheels or runs bring together.

use pipward::error::Code;

use super::ground::Ground;
use super::{Case, Input};
use crate::support::wheels::WheelBuilder;

const ROW: &str = "D start-up code";
const HOOK: &str = "print('a stranger')\n";

type Files<'f> = &'f [(&'f str, &'f str)];

fn builder(name: &str, files: Files<'_>) -> WheelBuilder {
    let all = WheelBuilder::new(name, "1.0").file(&format!("{name}_/__init__.py"), "");
    files.iter().fold(all, |all, (path, text)| match path.strip_prefix("data:") {
        Some(path) => all.data("data", path, text),
        None => match path.strip_prefix("plat:") {
            Some(path) => all.data("platlib", path, text),
            None => all.file(path, text),
        },
    })
}

fn wheel(name: &str, files: Files<'_>) -> (String, Vec<u8>) {
    builder(name, files).build()
}

/// Single wheels: what is wrong with them, and their files.
const SINGLE: &[(&str, Files<'_>)] = &[
    ("a path with sitecustomize", &[("evil.pth", "evil_/in\n"), ("evil_/in/sitecustomize.py", HOOK)]),
    ("a path with usercustomize", &[("evil.pth", "evil_/in\n"), ("evil_/in/usercustomize.py", HOOK)]),
    ("a package", &[("evil.pth", "evil_/in\n"), ("evil_/in/sitecustomize/__init__.py", HOOK)]),
    (
        "an extension module",
        &[("evil.pth", "evil_/in\n"), ("evil_/in/sitecustomize.cpython-312-x86_64-linux-gnu.so", "x")],
    ),
    ("a stable extension module", &[("evil.pth", "evil_/in\n"), ("evil_/in/usercustomize.abi3.so", "x")]),
    ("byte-code", &[("evil.pth", "evil_/in\n"), ("evil_/in/sitecustomize.pyc", "x")]),
    ("another case", &[("evil.pth", "EVIL_/In\n"), ("evil_/in/SiteCustomize.py", HOOK)]),
    ("the hook of Ubuntu", &[("apport_python_hook.py", HOOK)]),
    (
        "the hook of Ubuntu on a path",
        &[("evil.pth", "evil_/in"), ("evil_/in/apport_python_hook/__init__.py", HOOK)],
    ),
    ("a path by a detour", &[("evil.pth", "x/../evil_/./in/\n"), ("evil_/in/sitecustomize.py", HOOK)]),
    ("a blank before the path", &[("evil.pth", "  evil_/in\n"), ("evil_/in/sitecustomize.py", HOOK)]),
    ("a blank in the name", &[("evil.pth", " in\n"), (" in/sitecustomize.py", HOOK), ("in/x.py", "")]),
    ("the second path", &[("evil.pth", "evil_\r\nevil_/in"), ("evil_/in/sitecustomize.py", HOOK)]),
    (
        "the other directory of modules",
        &[("evil.pth", "evil_/in\n"), ("plat:evil_/in/sitecustomize.py", HOOK)],
    ),
    ("a .pth file there", &[("plat:evil.pth", "evil_/in\n"), ("evil_/in/sitecustomize.py", HOOK)]),
    ("a path to data", &[("evil.pth", "../../../share/evil\n"), ("data:share/evil/sitecustomize.py", HOOK)]),
    ("a path to harmless data", &[("evil.pth", "../../../share/evil\n"), ("data:share/evil/x.py", "")]),
    ("a path above", &[("evil.pth", "..\n")]),
    ("an absolute path", &[("evil.pth", "/tmp/evil\n")]),
    ("an archive", &[("evil.pth", "evil_/in.zip\n"), ("evil_/in.zip", "PK")]),
    ("an egg", &[("evil.pth", "./evil-1.0-py3.12.egg\n"), ("evil-1.0-py3.12.egg", "PK")]),
    ("nothing is there", &[("evil.pth", "elsewhere\n")]),
    ("a path that another may fill", &[("evil.pth", "evil_\napple\n")]),
    (
        "a form feed, which ends a line for some",
        &[
            ("q.pth", "a/b\x0cc/../x/evil"),
            ("a/b/m.py", ""),
            ("x/evil/m.py", ""),
            ("a/x/evil/sitecustomize.py", HOOK),
        ],
    ),
    (
        "U+0085, which ends a line for some",
        &[
            ("q.pth", "a/b\u{85}c/../x/in"),
            ("a/b/m.py", ""),
            ("x/in/m.py", ""),
            ("a/x/in/sitecustomize.py", HOOK),
        ],
    ),
    (
        "a mark of the byte order before a comment",
        &[("q.pth", "\u{feff}#/../in\n"), ("in/sitecustomize.py", HOOK)],
    ),
    (
        "an archive beside a directory of another case",
        &[("q.pth", "evil_/data\n"), ("evil_/Data/m.py", ""), ("evil_/data", "PK")],
    ),
    ("a directory of another case alone", &[("q.pth", "evil_/data\n"), ("evil_/Data/m.py", "")]),
    (
        "code behind blanks",
        &[("q.pth", "  import sys;sys.exit('x/')\n"), ("  import sys;sys.exit('x/')/m.py", "")],
    ),
    ("many lines", &[("q.pth", MANY)]),
    ("a hook of setuptools", &[("_distutils_hack/__init__.py", HOOK)]),
    ("a hook of virtualenv", &[("_virtualenv/__init__.py", HOOK)]),
    ("a namespace in machine code", &[("google/__init__.abi3.so", "x")]),
    ("a namespace that is a file in machine code", &[("zope.cpython-312-x86_64-linux-gnu.so", "x")]),
];

const MANY: &str = "evil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\n\
    evil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\n\
    evil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\n\
    evil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\nevil_\n\
    evil_\nevil_\nevil_\nevil_\n";

/// Pairs of wheels that are harmless each by itself.
const PAIRS: &[(&str, Files<'_>, Files<'_>)] = &[
    (
        "the path first",
        &[("alpha.pth", "shared\n"), ("shared/alpha.py", "")],
        &[("shared/sitecustomize.py", HOOK)],
    ),
    (
        "the module first",
        &[("shared/sitecustomize/__init__.py", HOOK)],
        &[("omega.pth", "shared\n"), ("shared/omega.py", "")],
    ),
    ("deep", &[("alpha.pth", "a/./b/c\n"), ("a/b/c/alpha.py", "")], &[("a/b/c/usercustomize.so", "x")]),
];

pub fn cases() -> Vec<Case> {
    let case = |what: &str, code, wheels| Case {
        row: ROW,
        what: what.to_owned(),
        code,
        input: Input::Wheels(wheels),
    };
    let mut all: Vec<Case> = SINGLE
        .iter()
        .map(|(what, files)| case(what, Code::StartupCode, vec![wheel("evil", files)]))
        .collect();
    all.extend(PAIRS.iter().map(|(what, one, other)| {
        let wheels = vec![wheel("alpha", one), wheel("omega", other)];
        case(&format!("two wheels: {what}"), Code::StartupCode, wheels)
    }));
    for path in [
        "local/lib/python3.12/dist-packages/evil.pth",
        "lib/python3/dist-packages/evil.pth",
        "lib/python312.zip",
        "LIB/python3.99/site-packages/sitecustomize.py",
    ] {
        let wheel = wheel("evil", &[(&format!("data:{path}"), HOOK)]);
        all.push(case(path, Code::SchemeCrossing, vec![wheel]));
    }
    all
}

/// Installs into one environment, and tells the codes of what refused.
fn install(ground: &mut Ground, wheels: &[(String, Vec<u8>)]) -> Vec<String> {
    let lock = ground.lock_of(wheels);
    let ran = ground.run(&["install", "--venv", "out", "-r", &lock]);
    assert_eq!(ran.status == 0, ran.codes().is_empty(), "{}", ran.stderr);
    ran.codes()
}

fn site(ground: &Ground) -> std::path::PathBuf {
    let library = ground.path("work/out/lib").read_dir().unwrap().next().unwrap().unwrap().path();
    library.join("site-packages")
}

fn anew(ground: &Ground) {
    let _ = std::fs::remove_dir_all(ground.path("work/out"));
}

#[test]
fn what_several_runs_bring_together_is_found_in_any_order() {
    let mut ground = Ground::new();
    for (what, one, other) in PAIRS {
        let (one, other) = (wheel("alpha", one), wheel("omega", other));
        for (first, second) in [(&one, &other), (&other, &one)] {
            anew(&ground);
            assert_eq!(install(&mut ground, std::slice::from_ref(first)), [""; 0], "{what}");
            assert_eq!(install(&mut ground, std::slice::from_ref(second)), ["startup-code"], "{what}");
            assert_eq!(install(&mut ground, std::slice::from_ref(first)), [""; 0], "{what}: again");
        }
    }
}

#[test]
fn what_others_left_counts_too() {
    let mut ground = Ground::new();
    let good = wheel("good", &[]);
    let mut check = |line: &str, files: Files<'_>, fine: bool| {
        anew(&ground);
        assert_eq!(install(&mut ground, std::slice::from_ref(&good)), [""; 0]);
        std::fs::write(
            site(&ground).join("theirs.pth"),
            line.replace("SITE", site(&ground).to_str().unwrap()),
        )
        .unwrap();
        std::fs::create_dir_all(site(&ground).join("real")).unwrap();
        std::os::unix::fs::symlink("real", site(&ground).join("link")).unwrap();
        let expected: &[&str] = if fine { &[] } else { &["startup-code"] };
        assert_eq!(install(&mut ground, &[wheel("late", files)]), expected, "{line} {files:?}");
    };
    let hook = ("late_/in/sitecustomize.py", HOOK);
    check("late_/in\n", &[hook], false);
    check("SITE/late_/in\n", &[hook], false);
    check("import os\nlate_/in", &[hook], false);
    check("late_\n", &[hook], true);
    check("# late_/in\n", &[hook], true);
    check("late_/in\n", &[("late_/in/other.py", "")], true);
    check("../../../share/late\n", &[("data:share/late/sitecustomize.py", HOOK)], false);
    check("../../../share/late\n", &[("data:share/late/other.py", "")], true);
    check("../../../share/late.zip\n", &[("data:share/late.zip", "PK")], false);
    check("late-1.0-py3.12.egg\n", &[("late-1.0-py3.12.egg", "PK")], false);
    check("link\n", &[("real/usercustomize.py", HOOK)], false);
    check(&("elsewhere\n".repeat(12_000) + "late_/in\n"), &[hook], false);
}

#[test]
fn what_a_wheel_replaces_does_not_speak_against_it() {
    let mut ground = Ground::new();
    let newer = |files: Files<'_>| {
        let all = WheelBuilder::new("alpha", "2.0").file("alpha_/__init__.py", "");
        files.iter().fold(all, |all, (path, text)| all.file(path, text)).build()
    };
    let named: Files<'_> = &[("alpha.pth", "alpha_/in\n"), ("alpha_/in/x.py", "")];
    let hooked: Files<'_> = &[("alpha_/in/sitecustomize.py", HOOK)];
    for (first, second) in [(named, hooked), (hooked, named), (named, named), (hooked, hooked)] {
        anew(&ground);
        assert_eq!(install(&mut ground, &[wheel("alpha", first)]), [""; 0], "{first:?}");
        assert_eq!(install(&mut ground, &[newer(second)]), [""; 0], "{first:?} {second:?}");
    }
}

#[test]
fn paths_of_its_own_are_no_start_up_code() {
    let mut ground = Ground::new();
    for files in [
        &[("fine.pth", "fine_sdk\n"), ("fine_sdk/fine/__init__.py", "")] as Files<'_>,
        &[("fine.pth", "fine_\n./fine_/lib\n# import os\n"), ("fine_/lib/json.py", "")],
        &[("fine.pth", ".\n")],
        &[("fine.pth", "fine_/in\n"), ("fine_/in/deep/sitecustomize.py", HOOK)],
        &[("fine.pth", "fine_/in\n"), ("fine_/in/my_sitecustomize.py", HOOK)],
        &[("fine_/bootstrap/sitecustomize.py", HOOK)],
        &[("data:share/fine/sitecustomize.py", HOOK)],
    ] {
        anew(&ground);
        assert_eq!(install(&mut ground, &[wheel("fine", files)]), [""; 0], "{files:?}");
    }
}

#[test]
fn both_of_two_have_to_be_allowed() {
    let mut ground = Ground::new();
    let (_, one, other) = PAIRS[0];
    let wheels = [wheel("alpha", one), wheel("omega", other)];
    let mut check = |names: &[&str], fine: bool| {
        let exception = |name: &&str| {
            format!(
                "[[policy.exception]]\ncode = \"startup-code\"\npackage = \"{name}\"\nreason = \"read\"\n"
            )
        };
        let policy: String = names.iter().map(exception).collect();
        std::fs::write(ground.path("work/pipward.toml"), policy).unwrap();
        anew(&ground);
        let expected: &[&str] = if fine { &[] } else { &["startup-code"] };
        assert_eq!(install(&mut ground, &wheels), expected, "{names:?}");
    };
    check(&[], false);
    check(&["alpha"], false);
    check(&["omega"], false);
    check(&["alpha", "omega"], true);
}

#[test]
fn a_run_that_only_looks_finds_what_wheels_bring_together() {
    let mut ground = Ground::new();
    let (_, one, other) = PAIRS[1];
    let lock = ground.lock_of(&[wheel("alpha", one), wheel("omega", other)]);
    let ran = ground.run(&["install", "--dry-run", "--venv", "out", "-r", &lock]);
    assert_eq!(ran.codes(), ["startup-code"], "{}", ran.stderr);
    for word in ["omega.pth", "alpha 1.0", "shared/sitecustomize"] {
        assert!(ran.stderr.contains(word), "{word} is not told\n{}", ran.stderr);
    }
    std::fs::write(ground.path("work/pipward.toml"), "[policy]\nstartup-code = \"warn\"\n").unwrap();
    let ran = ground.run(&["install", "--venv", "out", "-r", &lock]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("omega.pth"), "{}", ran.stderr);
}
