//! What the tests of this room share.

use std::path::Path;

use pipward_resolver::{PackageName, Target, Version};

use super::{Lock, SelectRequest, Selection, pylock};
use crate::error::{Code, Problems};

/// CPython on Linux x86_64 with glibc 2.28.
pub(crate) fn linux(python: &str) -> Target {
    let platform = pipward_resolver::tags::Platform::Glibc { arch: "x86_64".to_owned(), major: 2, minor: 28 };
    Target::described(&python.parse::<Version>().unwrap(), &platform).unwrap()
}

pub(crate) fn name(text: &str) -> PackageName {
    text.parse().unwrap()
}

/// A SHA-256 made of one hexadecimal digit.
pub(crate) fn hex(digit: char) -> String {
    digit.to_string().repeat(64)
}

pub(crate) fn read(text: &str) -> Result<Lock, Problems> {
    pylock::parse(text, Path::new("/locks/pylock.toml"))
}

/// A lock whose packages are these lines of TOML.
pub(crate) fn lock_of(packages: &str) -> String {
    format!("lock-version = \"1.0\"\ncreated-by = \"test\"\n{packages}")
}

/// `[[packages]]` with one wheel for any environment.
pub(crate) fn pure(name: &str, version: &str, more: &str) -> String {
    let file = format!("{}-{version}-py3-none-any.whl", name.replace('-', "_"));
    let hash = hex('a');
    format!(
        "[[packages]]\nname = \"{name}\"\nversion = \"{version}\"\n{more}\n\
         wheels = [{{ url = \"https://files.example.org/{file}\", hashes = {{ sha256 = \"{hash}\" }} }}]\n"
    )
}

pub(crate) fn codes(problems: &Problems) -> Vec<Code> {
    problems.iter().map(crate::error::Problem::code).collect()
}

pub(crate) fn select(lock: &Lock, python: &str) -> Result<Selection, Problems> {
    lock.select(&SelectRequest { target: &linux(python), extras: &[], groups: None })
}
