//! How fast version sets and markers are worked with.

use std::str::FromStr as _;

use pipward_resolver::{MarkerTree, Platform, VersionSpecifiers, WheelName, markers, ranges};

fn main() {
    divan::main();
}

/// Specifiers as requirements have them.
const SPECIFIERS: [&str; 6] = [
    ">=1.2,<2,!=1.5.*",
    "~=1.4.2",
    ">=0.9,!=1.0,!=1.1,!=1.2.3,<3",
    "==2.*",
    ">=1!1.0a1,<2!3",
    ">1.0.post1,<=4.0rc1",
];

/// Markers as requirements have them.
const MARKERS: [&str; 6] = [
    "python_version < '3.11'",
    "sys_platform == 'win32' and python_full_version >= '3.10.2'",
    "platform_python_implementation != 'PyPy' and extra == 'test'",
    "(platform_machine == 'x86_64' or platform_machine == 'aarch64') and sys_platform == 'linux'",
    "python_version >= '3.9' and python_version < '3.13' and sys_platform != 'darwin'",
    "os_name == 'nt' or (implementation_name == 'cpython' and python_version > '3.8')",
];

fn marker(text: &str) -> MarkerTree {
    MarkerTree::from_str(text).expect("the marker is sound")
}

#[divan::bench]
fn range_algebra(bencher: divan::Bencher) {
    let sets: Vec<_> = SPECIFIERS
        .iter()
        .map(|text| {
            ranges::of_specifiers(&VersionSpecifiers::from_str(text).expect("the specifiers are sound"))
        })
        .collect();
    bencher.bench(|| {
        let mut sum = 0;
        for one in &sets {
            for other in &sets {
                sum += usize::from(one.intersection(other).is_empty());
                sum += usize::from(one.union(&other.complement()) == *one);
                sum += usize::from(one.subset_of(other));
            }
        }
        sum
    });
}

#[divan::bench]
fn marker_evaluation(bencher: divan::Bencher) {
    let target = pipward_resolver::Target::described(
        &"3.12".parse().expect("a version"),
        &Platform::parse_uv("x86_64-unknown-linux-gnu").expect("a platform"),
    )
    .expect("a target");
    let all: Vec<MarkerTree> = MARKERS.iter().map(|text| marker(text)).collect();
    bencher.bench(|| all.iter().filter(|one| one.evaluate(&target.markers, &[])).count());
}

#[divan::bench(args = MARKERS)]
fn marker_simplification(bencher: divan::Bencher, text: &str) {
    let within = marker("python_full_version >= '3.10' and sys_platform != 'win32'");
    let one = marker(text);
    bencher.bench(|| markers::text(&one, &within));
}

#[divan::bench(args = [
    "idna-3.10-py3-none-any.whl",
    "numpy-2.1.0-cp313-cp313t-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
])]
fn wheel_name(text: &str) -> impl Sized {
    WheelName::parse(text).expect("the name is sound")
}
