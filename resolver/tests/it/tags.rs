//! Tags against what packaging says, case by case. `data/tags/generate.py` writes the expectations.

use std::collections::BTreeSet;

use pipward_resolver::tags::{Platform, PythonBuild, Tags};
use pipward_resolver::{MarkerEnvironment, Target, Version, WheelName, markers};

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

/// An environment in markers, and every tag that some interpreter takes there: the newest libc or macOS takes all that older
/// ones do; free-threaded and debug builds have no marker.
fn described(minor: u8, pypy: bool, platform: &Platform) -> (MarkerEnvironment, BTreeSet<String>) {
    let python: Version = format!("3.{minor}").parse().unwrap();
    let target = Target::described(&python, platform).unwrap();
    let mut builds = vec![PythonBuild::cpython(3, minor)];
    let mut markers = target.markers;
    if pypy {
        let abi = Some(format!("pypy3{minor}_pp73"));
        builds =
            vec![PythonBuild { implementation: "pypy".to_owned(), abi, ..PythonBuild::cpython(3, minor) }];
        markers = markers.with_implementation_name("pypy").with_platform_python_implementation("PyPy");
    } else {
        builds.push(PythonBuild { debug: true, ..PythonBuild::cpython(3, minor) });
        if minor >= 13 {
            builds.push(PythonBuild { free_threaded: true, ..PythonBuild::cpython(3, minor) });
        }
    }
    let tags = builds
        .iter()
        .flat_map(|build| Tags::of(build, platform).iter().map(ToString::to_string).collect::<Vec<_>>());
    (markers, tags.collect())
}

/// A wheel is for a region if some target in the region takes it, and for no other region.
#[test]
fn wheels_are_for_the_environments_that_take_them() {
    let linux = ["x86_64", "aarch64", "i686", "armv7l", "armv8l", "ppc64le", "s390x", "riscv64"];
    let owned = |arch: &str| arch.to_owned();
    let mut platforms = Vec::new();
    for arch in linux {
        platforms.push(vec![
            Platform::Glibc { arch: owned(arch), major: 2, minor: 45 },
            Platform::Musl { arch: owned(arch), major: 1, minor: 3 },
        ]);
    }
    for arch in ["x86_64", "arm64"] {
        platforms.push(vec![Platform::MacOs { arch: owned(arch), major: 26, minor: 0 }]);
    }
    for arch in ["amd64", "arm64", "x86"] {
        platforms.push(vec![Platform::Windows { arch: owned(arch) }]);
    }
    let mut targets: Vec<(MarkerEnvironment, BTreeSet<String>)> = Vec::new();
    for (minor, pypy) in [(8, false), (10, true), (11, false), (13, false), (14, false)] {
        for variants in &platforms {
            let mut all = variants.iter().map(|platform| described(minor, pypy, platform));
            let (markers, mut tags) = all.next().unwrap();
            all.for_each(|(_, more)| tags.extend(more));
            targets.push((markers, tags));
        }
    }
    let everything: BTreeSet<&String> = targets.iter().flat_map(|(_, tags)| tags).collect();
    let mut compared = 0;
    for tag in everything.iter().step_by(11) {
        let wheel = WheelName::parse(&format!("a-1-{tag}.whl")).unwrap();
        let marker = markers::of_wheel(&wheel);
        for (environment, tags) in &targets {
            compared += 1;
            assert_eq!(marker.evaluate(environment, &[]), tags.contains(*tag), "{tag} in {environment:?}");
        }
    }
    assert!(compared > 10_000, "{compared}");
}
