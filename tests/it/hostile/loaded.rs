//! What an interpreter loads before, or while, it starts: shared libraries of its own prefix, namespaces in machine code, and
//! modules that stand before its own library.

use pipward::error::Code;

use super::ground::Ground;
use super::{Case, Input};
use crate::support::wheels::WheelBuilder;

fn new(name: &str) -> WheelBuilder {
    WheelBuilder::new(name, "1.0").file(&format!("{name}_/__init__.py"), "")
}

const LIBRARIES: [&str; 8] = [
    "lib/libm.so.6",
    "lib/libz.so.1",
    "LIB/libssl.so.3",
    "lib/libstdc++.so.6",
    "lib/glibc-hwcaps/x86-64-v2/libm.so.6",
    "lib/ossl-modules/legacy.so",
    "lib/libpython3.12.so.1.0",
    "ssl/openssl.cnf",
];

const NAMESPACES: [&str; 5] = [
    "google/cloud.abi3.so",
    "google/cloud.cpython-312-x86_64-linux-gnu.so",
    "google/logging.pyd",
    "google/cloud/storage.so",
    "sphinxcontrib/__init__.abi3.so",
];

pub fn cases() -> Vec<Case> {
    let case = |row, path: &str, code, wheel: WheelBuilder| Case {
        row,
        what: path.to_owned(),
        code,
        input: Input::Wheels(vec![wheel.build()]),
    };
    let library = |path: &&str| {
        let row = "D libraries of the interpreter";
        case(row, path, Code::EnvironmentOwned, new("evil").data("data", path, "x"))
    };
    let namespace = |path: &&str| {
        case("D namespaces in machine code", path, Code::StartupCode, new("evil").file(path, "x"))
    };
    LIBRARIES.iter().map(library).chain(NAMESPACES.iter().map(namespace)).collect()
}

#[test]
fn what_stands_before_the_standard_library_is_start_up_code() {
    let mut ground = Ground::new();
    let mut check = |path: &str, place: &[&str], expected: &[&str]| {
        let lock = ground.lock_of(&[new("evil").file(path, "").build()]);
        let ran = ground.run(&[&["install", "-r", &lock], place].concat());
        assert_eq!(ran.codes(), expected, "{path} {place:?}\n{}", ran.stderr);
        assert!(expected.is_empty() || ran.stderr.contains(path), "{}", ran.stderr);
    };
    for (at, path) in
        ["os.py", "encodings/__init__.py", "SITE.py", "abc.abi3.so", "_sysconfigdata_x.py", "re.pyc"]
            .into_iter()
            .enumerate()
    {
        check(path, &["--target", &format!("flat{at}")], &["startup-code"]);
    }
    // What Python does not import by itself is as pip has it, and what comes after its own library hides nothing.
    for (at, path) in
        ["cgi.py", "test/__init__.py", "audioop/__init__.py", "encodings/late.py"].into_iter().enumerate()
    {
        check(path, &["--target", &format!("fine{at}")], &[]);
    }
    check("os.py", &["--venv", "out"], &[]);
}

#[test]
fn what_honest_wheels_bring_to_load_installs() {
    let mut ground = Ground::new();
    let mut fine = new("fine");
    for path in ["lib/libmkl_core.so.2", "lib/libtbb.so.12", "lib/libiomp5.so", "lib/pkgconfig/fine.pc"] {
        fine = fine.data("data", path, "x");
    }
    let protobuf = WheelBuilder::new("protobuf", "99.0").file("google/_upb/_message.abi3.so", "x");
    let zope = WheelBuilder::new("zope.interface", "99.0").file("zope/interface/_fast.abi3.so", "x");
    let lock = ground.lock_of(&[fine.build(), protobuf.build(), zope.build()]);
    let ran = ground.run(&["install", "-r", &lock, "--venv", "out"]);
    assert_eq!(ran.codes(), [""; 0], "{}", ran.stderr);
}
