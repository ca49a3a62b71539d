//! `diff --deep` between real releases of PyPI whose changes are known: one pair by default, all with `PIPWARD_TEST_LONG=1`.

use crate::support::pythons::each_python;
use crate::support::run::{pipward, scratch};
use crate::support::{long, loudly, offline};

/// A project, two releases of it, what the newer one brought, and how the command ends.
const PAIRS: [(&str, &str, &str, &[&str], i32); 5] = [
    // It can be imported by its own name since, and not by `attr` alone.
    ("attrs", "21.2.0", "21.3.0", &["new import name: attrs"], 0),
    // It can be run from a shell since.
    ("httpx", "0.19.0", "0.20.0", &["new program: httpx"], 0),
    // It has a `py.py` of its own since, in place of the project py.
    ("pytest", "7.1.3", "7.2.0", &["new import name: py"], 0),
    // Its distutils takes the place of Python's, by a .pth.
    (
        "setuptools",
        "48.0.0",
        "50.0.0",
        &[
            "ALARM: new start-up code: distutils-precedence.pth \
             (sha256:2638ce9e2500e572a5e0de7faed6661eb569d1b696fcba07b0dd223da5f5d224)",
            "new import name: _distutils_hack",
        ],
        1,
    ),
    // It is compiled by mypyc since 3.0, where there is a wheel for it.
    ("charset-normalizer", "2.1.1", "3.4.4", &["new native code: charset_normalizer/md", "new size: "], 0),
];

#[test]
fn what_real_releases_brought_is_told() {
    if offline() {
        return loudly("offline: no real releases are compared");
    }
    // The locks are for it, and so are the wheels in machine code.
    let pythons = each_python(&["3.11"]);
    let Some(python) = pythons.first() else { return };
    let count = if long() { PAIRS.len() } else { 1 };
    for (name, old, new, brought, exit) in &PAIRS[..count] {
        let scratch = scratch();
        let run = |words: &[&str]| pipward(words).dir(scratch.path()).shared_cache().run();
        for (version, lock) in [(old, "pylock.old.toml"), (new, "pylock.new.toml")] {
            let pin = format!("{name}=={version}");
            run(&["lock", &pin, "--python-version", "3.11", "--uploaded-prior-to", "2026-06-01", "-o", lock])
                .ok();
        }
        let python = python.executable.display().to_string();
        let told = run(&["diff", "pylock.old.toml", "pylock.new.toml", "--deep", "--python", &python]);
        assert_eq!(told.code, Some(*exit), "{}", told.told());
        for line in *brought {
            assert!(told.stdout.contains(line), "{line}: {}", told.told());
        }
    }
    loudly(&format!("what {count} real releases brought is told"));
}
