//! The ordered tags of described builds and platforms.

use pipward_resolver::tags::{Platform, PythonBuild, Tags};
use serde_json::{Value, json};

use super::{Dice, asked, cases, none};
use crate::support::offline;
use crate::support::peers::peers;

/// Gives `sys_tags()` for each build and platform, by telling packaging's own functions another machine.
const SCRIPT: &str = r#"
import json, platform, sys, sysconfig, types
from packaging import _manylinux, _musllinux, tags

out = []
for implementation, version, debug, threads, abi, system, arch, number in json.load(open(sys.argv[1])):
    nodot = "".join(map(str, version))
    variables = {
        "Py_DEBUG": int(debug),
        "Py_GIL_DISABLED": int(threads),
        "py_version_nodot": nodot,
        "EXT_SUFFIX": f".{abi or 'cpython-' + nodot}-x.so",
        "WITH_PYMALLOC": 1,
    }
    names = {"windows": {"amd64": "win-amd64", "arm64": "win-arm64", "x86": "win32"}.get(arch), "macos": "macosx"}
    sysconfig.get_config_var = variables.get
    sysconfig.get_platform = lambda: names.get(system, f"linux-{arch}")
    platform.system = lambda: {"windows": "Windows", "macos": "Darwin"}.get(system, "Linux")
    platform.mac_ver = lambda: (".".join(map(str, number)), ("", "", ""), arch)
    allowed = _manylinux._ALLOWED_ARCHS | {"i686", "armv7l"}
    _manylinux._have_compatible_abi = lambda _, archs: system == "glibc" and bool(allowed & set(archs))
    _manylinux._get_glibc_version = lambda: _manylinux._GLibCVersion(*number)
    _musllinux._get_musl_version = lambda _: _musllinux._MuslVersion(*number) if system == "musl" else None
    tags.sys = types.SimpleNamespace(
        version_info=(*version, 0),
        implementation=types.SimpleNamespace(name=implementation),
        executable=sys.executable,
        maxunicode=sys.maxunicode,
    )
    out.append(list(map(str, tags.sys_tags())))
json.dump(out, open(sys.argv[2], "w"))
"#;

const LINUX: [&str; 10] =
    ["x86_64", "aarch64", "i686", "armv7l", "armv8l", "ppc64le", "ppc64", "s390x", "riscv64", "loongarch64"];

fn build(dice: &mut Dice) -> PythonBuild {
    let minor = 8 + u8::try_from(dice.below(7)).unwrap();
    if dice.one_in(6) {
        let abi = Some(format!("pypy3{minor}_pp73"));
        return PythonBuild { implementation: "pypy".to_owned(), abi, ..PythonBuild::cpython(3, minor) };
    }
    let free_threaded = minor >= 13 && dice.one_in(3);
    PythonBuild { free_threaded, debug: dice.one_in(5), ..PythonBuild::cpython(3, minor) }
}

fn platform(dice: &mut Dice) -> Platform {
    let number =
        |dice: &mut Dice, from: usize, to: usize| u16::try_from(from + dice.below(to - from + 1)).unwrap();
    let arch = |dice: &mut Dice, all: &[&str]| dice.pick(all).to_owned();
    match dice.below(8) {
        0..=3 => Platform::Glibc { arch: arch(dice, &LINUX), major: 2, minor: number(dice, 5, 45) },
        4 => Platform::Musl { arch: arch(dice, &LINUX), major: 1, minor: number(dice, 0, 3) },
        5 => Platform::MacOs { arch: "x86_64".to_owned(), major: 10, minor: number(dice, 4, 15) },
        6 => Platform::MacOs {
            arch: arch(dice, &["x86_64", "arm64"]),
            major: number(dice, 11, 26),
            minor: number(dice, 0, 6),
        },
        _ => Platform::Windows { arch: arch(dice, &["amd64", "arm64", "x86"]) },
    }
}

fn described(build: &PythonBuild, platform: &Platform) -> Value {
    let (system, arch, number) = match platform {
        Platform::Glibc { arch, major, minor } => ("glibc", arch, [*major, *minor]),
        Platform::Musl { arch, major, minor } => ("musl", arch, [*major, *minor]),
        Platform::MacOs { arch, major, minor } => ("macos", arch, [*major, *minor]),
        Platform::Windows { arch } => ("windows", arch, [0, 0]),
    };
    let abi = build.abi.as_ref().map(|abi| abi.replace('_', "-"));
    let version = [build.version.0, build.version.1];
    json!([build.implementation, version, build.debug, build.free_threaded, abi, system, arch, number])
}

/// Each case twice over: the same version of libc, every architecture.
fn all_cases() -> Vec<(PythonBuild, Platform)> {
    let mut dice = Dice(600);
    let mut all: Vec<_> = (0..cases(80, 2000)).map(|_| (build(&mut dice), platform(&mut dice))).collect();
    for arch in LINUX {
        let platform = Platform::Glibc { arch: arch.to_owned(), major: 2, minor: 39 };
        all.push((PythonBuild::cpython(3, 14), platform));
    }
    all
}

#[test]
fn tags_of_described_targets_are_those_of_packaging() {
    if offline() {
        return;
    }
    let list = all_cases();
    let asked_for: Vec<Value> = list.iter().map(|(build, platform)| described(build, platform)).collect();
    let answers = asked(SCRIPT, &json!(asked_for));
    let (mut compared, mut differences) = (0, Vec::new());
    for (((build, platform), answer), case) in list.iter().zip(answers.as_array().unwrap()).zip(&asked_for) {
        let expected: Vec<&str> = answer.as_array().unwrap().iter().filter_map(Value::as_str).collect();
        let found: Vec<String> = Tags::of(build, platform).iter().map(ToString::to_string).collect();
        compared += expected.len();
        let length = expected.len().max(found.len());
        let first = (0..length).find(|at| expected.get(*at).copied() != found.get(*at).map(String::as_str));
        if let Some(at) = first {
            differences.push(format!(
                "{case}: tag {at} of {} and {}: {:?}, packaging {:?}",
                found.len(),
                expected.len(),
                found.get(at),
                expected.get(at)
            ));
        }
    }
    none("tags in order", compared, &differences);
}

/// What uv has a name for and nothing can be installed on.
const REFUSED: [&str; 3] = ["android", "pyodide", "ios"];

#[test]
fn platforms_are_named_as_uv_names_them() {
    if offline() {
        return;
    }
    let help = peers().uv(["help", "pip", "compile"]).run().ok().stdout;
    let (_, rest) = help.split_once("--python-platform").unwrap();
    let names: Vec<&str> = rest
        .lines()
        .map(str::trim)
        .skip_while(|line| !line.starts_with("- "))
        .take_while(|line| !line.starts_with("--"))
        .filter_map(|line| line.strip_prefix("- ")?.split(':').next())
        .collect();
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        let refused = REFUSED.iter().any(|system| name.contains(system));
        match Platform::parse_uv(name) {
            Ok(_) => assert!(!refused, "{name}"),
            Err(error) => {
                assert!(refused && error.to_string().contains("Android, iOS and Pyodide"), "{name}");
            }
        }
    }
}
