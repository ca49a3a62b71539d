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

#[test]
fn what_is_named_by_an_address_of_its_own_is_direct() {
    let listed = read(&lock_of(&pure("a", "1", ""))).unwrap().packages.remove(0);
    let archive = pure("a", "1", "").replace("wheels = [{", "archive = {").replace("}]", "}");
    let archive = read(&lock_of(&archive)).unwrap().packages.remove(0);
    let file = Path::new("/locks/r.txt");
    let line = format!("A @ https://files.example.org/a-1-py3-none-any.whl --hash=sha256:{}", hex('a'));
    let read_line = crate::requirements::read_text(&line, file, &|_| None).unwrap();
    let named = super::requirements::from_requirements(&read_line, file).unwrap().packages.remove(0);
    let other = read(&lock_of(&pure("b", "1", ""))).unwrap().packages.remove(0);
    let file_of = |package: &super::LockedPackage| match &package.source {
        super::LockedSource::Wheels(files) => files[0].clone(),
        source => panic!("{source:?}"),
    };
    for (package, is_direct) in [(&listed, false), (&archive, true), (&named, true)] {
        assert_eq!(package.is_direct(&file_of(package)), is_direct, "{package:?}");
        assert_eq!(package.direct(&file_of(package)).is_some(), is_direct);
        assert!(!package.is_direct(&file_of(&other)), "another file is not what was named");
    }
    assert_eq!((listed.shown(), named.shown()), ("a", "A"));
}

#[test]
fn a_selected_package_is_found_by_its_name() {
    let lock = read(&lock_of(&(pure("a", "1", "") + &pure("b", "2", "")))).unwrap();
    let selection = select(&lock, "3.13.0").unwrap();
    let version = |of: &str| Some(selection.get(&name(of))?.package.version.as_ref()?.to_string());
    assert_eq!([version("a"), version("b"), version("c")], [Some("1".into()), Some("2".into()), None]);
}

#[test]
fn a_lock_for_elsewhere_is_told_once() {
    let wheels = pure("a", "1", "").replace("py3-none-any", "cp313-cp313-win32");
    let elsewhere = lock_of(&wheels).replace("created-by", "requires-python = \">=3.99\"\ncreated-by");
    let told = |text: &str| codes(&select(&read(text).unwrap(), "3.13.0").unwrap_err());
    assert_eq!(told(&elsewhere), [Code::PythonMismatch]);
    assert_eq!(told(&lock_of(&wheels)), [Code::NoMatchingWheel]);
}

#[test]
fn a_marker_of_an_input_is_taken_in_its_words() {
    let tree = |text: &str| super::LockMarker::parse(text).unwrap().tree;
    let told = |text: &str| super::LockMarker::of_input(&tree(text)).map(|marker| marker.text);
    assert_eq!(told("os_name == 'nt'").as_deref(), Some("os_name == 'nt'"));
}

#[test]
fn a_lock_is_read_from_its_file() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("pylock.toml");
    std::fs::write(&file, lock_of(&pure("a", "1", ""))).unwrap();
    let lock = pylock::read(&file).unwrap();
    assert_eq!((lock.packages.len(), lock.file), (1, file.clone()));
    std::fs::write(&file, lock_of(&pure("a", "1", "")) + "\n#\0\n").unwrap();
    let problems = pylock::read(&file).unwrap_err();
    let places: Vec<_> = problems.iter().map(|problem| problem.place().unwrap().line).collect();
    assert_eq!((codes(&problems), places), (vec![Code::LockSyntax], vec![Some(9)]));
}
