//! Tags against what packaging says, case by case. `data/tags/generate.py` writes the expectations.

use pipward_resolver::tags::{Platform, PythonBuild, Tags};

fn check(case: &str, expected: &str) {
    let mut lines = expected.lines();
    let head: Vec<&str> = lines.next().unwrap().split(' ').collect();
    let [implementation, major, minor, flags, abi, system, arch, first, second] = head[..] else {
        panic!("{case}: the first line does not describe a case");
    };
    let build = PythonBuild {
        implementation: implementation.to_owned(),
        version: (major.parse().unwrap(), minor.parse().unwrap()),
        abi: (abi != "-").then(|| abi.to_owned()),
        free_threaded: flags.contains('t'),
        debug: flags.contains('d'),
    };
    let (arch, major, minor) = (arch.to_owned(), first.parse().unwrap(), second.parse().unwrap());
    let platform = match system {
        "glibc" => Platform::Glibc { arch, major, minor },
        "musl" => Platform::Musl { arch, major, minor },
        "macos" => Platform::MacOs { arch, major, minor },
        _ => Platform::Windows { arch },
    };
    let expected: Vec<String> = lines.map(str::to_owned).collect();
    let found: Vec<String> = Tags::of(&build, &platform).iter().map(ToString::to_string).collect();
    let differs = expected.iter().zip(&found).position(|(one, other)| one != other);
    assert_eq!(differs.map(|at| (at, &expected[at], &found[at])), None, "{case}");
    assert_eq!(expected.len(), found.len(), "{case}");
}

macro_rules! cases {
    ($($test:ident: $case:literal,)*) => {
        $(#[test]
        fn $test() {
            check($case, include_str!(concat!("data/tags/", $case, ".txt")));
        })*
    };
}

cases! {
    cpython_on_manylinux: "cp312-glibc-2.28-x86_64",
    oldest_cpython: "cp38-glibc-2.17-x86_64",
    debug_build: "cp39d-glibc-2.17-aarch64",
    free_threaded: "cp313t-glibc-2.18-aarch64",
    free_threaded_debug_on_musl: "cp314td-musl-1.2-x86_64",
    musl: "cp310-musl-1.1-aarch64",
    x86_32: "cp311-glibc-2.6-i686",
    arm_32: "cp38-glibc-2.19-armv8l",
    glibc_3: "cp38-glibc-3.1-s390x",
    no_manylinux: "cp38-glibc-2.30-mips64",
    pypy: "pp310-glibc-2.17-x86_64",
    graalpy: "graalpy312-glibc-2.17-x86_64",
    old_macos: "cp39-macos-10.9-x86_64",
    macos_x86_64: "cp38-macos-12.3-x86_64",
    macos_arm64: "cp313-macos-14.5-arm64",
    pypy_on_macos: "pp39-macos-11.0-arm64",
    windows: "cp313-windows-amd64",
    free_threaded_on_windows: "cp314t-windows-arm64",
    windows_32: "cp38-windows-x86",
}
