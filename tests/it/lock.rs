//! Locks as pip, uv and pip-tools write them, and files that are no locks.

use std::path::{Path, PathBuf};

use pipward::error::{Code, Problems};
use pipward::lock::{Lock, LockedSource, SelectRequest, pylock, requirements as requirements_lock};
use pipward::requirements;
use pipward_resolver::Target;
use pipward_resolver::tags::Platform;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/locks").join(name)
}

fn read(path: &Path) -> Result<Lock, Problems> {
    if pylock::is_pylock_name(path) {
        pylock::read(path)
    } else {
        requirements_lock::from_requirements(&requirements::read(path)?, path)
    }
}

fn linux(python: &str) -> Target {
    let platform = Platform::Glibc { arch: "x86_64".to_owned(), major: 2, minor: 28 };
    Target::described(&python.parse().unwrap(), &platform).unwrap()
}

fn selected(path: &Path, python: &str) -> Result<Vec<String>, Vec<Code>> {
    let codes = |problems: Problems| problems.iter().map(pipward::error::Problem::code).collect::<Vec<_>>();
    let lock = read(path).map_err(codes)?;
    assert_eq!(lock.warnings, Vec::<String>::new());
    let target = linux(python);
    let selection =
        lock.select(&SelectRequest { target: &target, extras: &[], groups: None }).map_err(codes)?;
    Ok(selection
        .packages
        .iter()
        .map(|one| match (&one.file, &one.package.source) {
            (Some(file), _) => file.name.to_string(),
            (None, LockedSource::ByHash(_)) => {
                format!("{}=={}", one.package.name, one.package.version.as_ref().unwrap())
            }
            (None, other) => panic!("{other:?}"),
        })
        .collect())
}

fn code_of(path: &Path) -> Vec<Code> {
    read(path).unwrap_err().iter().map(pipward::error::Problem::code).collect()
}

#[test]
fn locks_of_other_tools_are_read_and_selected() {
    let check = |name: &str, python: &str, count: usize, has: &str| {
        let found = selected(&fixture(name), python).expect(name);
        assert_eq!(found.len(), count, "{name}: {found:?}");
        assert!(found.iter().any(|file| file == has), "{name}: {found:?}");
    };
    let markupsafe =
        "markupsafe-3.0.4-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl";
    check("pylock.pip.toml", "3.13.0", 7, markupsafe);
    check("pylock.uv.toml", "3.13.0", 13, markupsafe);
    check("pylock.uv-export.toml", "3.13.0", 5, "click-8.5.1-py3-none-any.whl");
    check("pylock.uv-export.toml", "3.9.18", 5, "anyio-4.12.1-py3-none-any.whl");
    check("uv.txt", "3.13.0", 13, "flask==3.1.3");
    check("pip-tools.txt", "3.13.0", 13, "flask==3.1.3");
}

#[test]
fn a_lock_of_one_python_does_not_fit_another() {
    assert_eq!(selected(&fixture("pylock.pip.toml"), "3.9.18"), Err(vec![Code::NoMatchingWheel]));
}

#[test]
fn what_was_read_can_be_written_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["pylock.pip.toml", "pylock.uv.toml", "pylock.uv-export.toml"] {
        let first = pylock::write(&read(&fixture(name)).unwrap());
        let path = folder.path().join(name);
        std::fs::write(&path, &first).unwrap();
        assert_eq!(pylock::write(&read(&path).unwrap()), first, "{name}");
    }
    for name in ["uv.txt", "pip-tools.txt"] {
        let first = requirements_lock::write(&read(&fixture(name)).unwrap());
        let path = folder.path().join(name);
        std::fs::write(&path, &first).unwrap();
        assert_eq!(requirements_lock::write(&read(&path).unwrap()), first, "{name}");
    }
}

#[test]
fn files_that_are_no_locks() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("pylock.toml");
    let file = folder.path().join("r.txt");
    assert_eq!(code_of(&lock), [Code::LockNotFound]);
    assert_eq!(code_of(&file), [Code::LockNotFound]);
    std::fs::create_dir(folder.path().join("pylock.d.toml")).unwrap();
    assert_eq!(code_of(&folder.path().join("pylock.d.toml")), [Code::LockNotFound]);
    for bytes in [&b"\xef\xbb\xbflock-version = \"1.0\""[..], b"\xff", b"a = \"\0\"", b"{}", b"<html>"] {
        std::fs::write(&lock, bytes).unwrap();
        assert_eq!(code_of(&lock), [Code::LockSyntax], "{bytes:?}");
    }
    std::fs::write(&file, b"a\xff").unwrap();
    assert_eq!(code_of(&file), [Code::RequirementSyntax]);
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, size: u64, code: Code| {
        let path = folder.path().join(name);
        std::fs::File::create(&path).unwrap().set_len(size).unwrap();
        let problems = read(&path).unwrap_err();
        let problem = problems.iter().next().unwrap();
        assert_eq!(problem.code(), code);
        assert!(problem.message().contains("larger"), "{problem}");
    };
    check("pylock.toml", 64 * 1024 * 1024 + 1, Code::LockSyntax);
    check("r.txt", 16 * 1024 * 1024 + 1, Code::RequirementSyntax);
}
