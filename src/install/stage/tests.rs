//! What is written where, and what is not.

use super::*;

/// A file system that folds case or normalises names finds the first file under the second name.
#[test]
fn a_name_that_the_file_system_has_already_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let directory = rustix::fs::openat(CWD, scratch.path(), flags, Mode::empty()).unwrap();
    let wheel = super::super::tests::wheel();
    let planned = |text: &str| PlannedFile {
        destination: "/env/readme".into(),
        source: Source::Generated(text.as_bytes().to_vec()),
        executable: false,
        digest: Kept::Nothing,
        size: text.len() as u64,
        is_sized: true,
        gives_way: false,
    };
    write_file(&directory, OsStr::new("readme"), &planned("one"), &wheel).unwrap();
    let problem = write_file(&directory, OsStr::new("readme"), &planned("other"), &wheel).unwrap_err();
    assert_eq!(problem.code(), Code::FileConflict);
    assert_eq!(std::fs::read(scratch.path().join("readme")).unwrap(), b"one");
}

#[test]
fn only_directories_are_opened_to_write_in_and_not_handed_on() {
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(scratch.path().join("file"), "").unwrap();
    std::os::unix::fs::symlink(scratch.path(), scratch.path().join("link")).unwrap();
    let handle = open_directory(scratch.path()).unwrap();
    assert!(rustix::io::fcntl_getfd(&handle).unwrap().contains(rustix::io::FdFlags::CLOEXEC));
    for name in ["file", "link", "missing"] {
        assert!(open_directory(&scratch.path().join(name)).is_err(), "{name}");
    }
}

#[test]
fn everybody_may_run_what_is_executable() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("script");
    let file = File::create(&path).unwrap();
    let mode = |mode: u32| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode));
    let found = || path.metadata().unwrap().permissions().mode() & 0o7777;
    for (before, as_entry, generated) in [
        (0o600, 0o711, 0o755),
        (0o710, 0o711, 0o755),
        (0o711, 0o711, 0o755),
        (0o777, 0o777, 0o777),
        (0o000, 0o111, 0o555),
    ] {
        mode(before).unwrap();
        complete_mode(&file, &Source::Entry(0)).unwrap();
        assert_eq!(found(), as_entry, "{before:o}");
        mode(before).unwrap();
        complete_mode(&file, &Source::Generated(Vec::new())).unwrap();
        assert_eq!(found(), generated, "{before:o}");
    }
    for (before, after) in [(0o644, 0o755), (0o600, 0o700), (0o640, 0o750), (0o755, 0o755), (0o711, 0o711)] {
        mode(before).unwrap();
        make_executable(&path).unwrap();
        assert_eq!(found(), after, "{before:o}");
    }
}

#[test]
fn a_directory_is_made_once_and_never_where_something_else_is() {
    let scratch = tempfile::tempdir().unwrap();
    let stage = Stage::new(scratch.path().to_owned());
    let claims = &mut *stage.claims();
    std::fs::create_dir(scratch.path().join("there")).unwrap();
    std::fs::write(scratch.path().join("file"), "").unwrap();
    assert!(stage.make_directory(claims, Path::new("new/deep"), &"one 1".into(), &Path::to_owned).unwrap());
    assert!(scratch.path().join("new/deep").is_dir());
    assert!(stage.make_directory(claims, Path::new("new/deep"), &"two 1".into(), &Path::to_owned).unwrap());
    assert!(stage.make_directory(claims, Path::new("there"), &"one 1".into(), &Path::to_owned).unwrap());
    assert_eq!(claims.folder(Path::new("new/deep")).unwrap().package(), "one 1");
    for path in ["file", "file/deep", "missing\0"] {
        let found = stage.make_directory(claims, Path::new(path), &"one 1".into(), &Path::to_owned);
        assert_eq!(found.unwrap_err().code(), Code::FileAccess, "{path}");
    }
    assert!(claims.conflicts.is_empty());
}

#[test]
fn files_that_wait_need_a_directory_of_their_own() {
    let scratch = tempfile::tempdir().unwrap();
    let stage = Stage::new(scratch.path().to_owned());
    let wheel = super::super::tests::wheel();
    let planned = PlannedFile {
        destination: "/env/readme".into(),
        source: Source::Generated(b"text".to_vec()),
        executable: false,
        digest: Kept::Nothing,
        size: 4,
        is_sized: true,
        gives_way: true,
    };
    stage.write_apart(&[(1, &planned)], &wheel).unwrap();
    stage.write_apart(&[(2, &planned)], &wheel).unwrap();
    assert!(stage.write_apart(&[(2, &planned)], &wheel).is_err());
    assert_eq!(std::fs::read(scratch.path().join(APART).join("2")).unwrap(), b"text");
    std::fs::remove_dir_all(scratch.path().join(APART)).unwrap();
    std::os::unix::fs::symlink(scratch.path(), scratch.path().join(APART)).unwrap();
    assert!(stage.write_apart(&[(3, &planned)], &wheel).is_err());
    assert!(!scratch.path().join("3").exists());
}
