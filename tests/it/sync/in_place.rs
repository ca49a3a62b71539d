//! What stands where a locked file was: a directory, or a link. It makes room where nothing is lost; what a link leads to is
//! left alone.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{fresh, put_right, sync};
use crate::commands::Place;
use crate::support::run::Output;
use crate::support::tree::{assert_same, tree};

/// A module, a file of data, one of metadata, and a script.
fn locked(place: &Place) -> [PathBuf; 4] {
    let library = place.library();
    [
        library.join("alpha/mod.py"),
        library.join("alpha/data/file.txt"),
        library.join("alpha-1.dist-info/METADATA"),
        place.environment().join("bin/alpha"),
    ]
}

fn directory(path: &Path) {
    std::fs::remove_file(path).unwrap();
    std::fs::create_dir(path).unwrap();
}

fn install(place: &Place) -> Output {
    let words = ["install", "--no-index", "--find-links", "wheels", "-r", "lock.txt"];
    place.ours(&words).env("PIPWARD_CACHE_DIR", place.path("cache")).run()
}

#[test]
fn a_directory_without_files_makes_room() {
    for at in 0..4 {
        put_right(true, |place| directory(&locked(place)[at]));
        put_right(true, |place| {
            directory(&locked(place)[at]);
            let cache = locked(place)[at].join("sub/__pycache__");
            std::fs::create_dir_all(&cache).unwrap();
            std::fs::write(cache.join("x.cpython-312.pyc"), "0123456789abcdef").unwrap();
        });
    }
    let (place, wanted) = fresh();
    directory(&locked(&place)[0]);
    install(&place).ok().stdout_has("Successfully installed alpha-1");
    assert_same(&wanted, &tree(&place.environment()));
}

#[test]
fn a_directory_with_files_is_refused_and_says_so() {
    for (at, file) in [(0, "mine.txt"), (1, "x.pyc"), (2, "__pycache__/notes"), (3, "sub/deep/file")] {
        let (place, _) = fresh();
        let path = locked(&place)[at].clone();
        directory(&path);
        let mine = path.join(file);
        std::fs::create_dir_all(mine.parent().unwrap()).unwrap();
        std::fs::write(&mine, "mine").unwrap();
        let before = tree(&place.environment());
        for told in [sync(&place, &[]), install(&place)] {
            let told = told.code(1).stderr_has("a directory with files in it stands where a file goes");
            told.stderr_has(path.to_str().unwrap()).stderr_has("file-conflict");
        }
        assert_same(&before, &tree(&place.environment()));
        // A link in there leads somewhere, and is a file too.
        std::fs::remove_file(&mine).unwrap();
        symlink("/etc/passwd", &mine).unwrap();
        sync(&place, &[]).code(1).stderr_has("file-conflict");
    }
}

#[test]
fn a_link_makes_room_and_is_not_followed() {
    for at in 0..4 {
        let told = put_right(true, |place| {
            let path = &locked(place)[at];
            std::fs::remove_file(path).unwrap();
            std::fs::write(place.path("elsewhere"), "elsewhere").unwrap();
            symlink(place.path("elsewhere"), path).unwrap();
        });
        assert!(!told.stderr.contains("elsewhere"), "{}", told.told());
        put_right(true, |place| {
            std::fs::remove_file(&locked(place)[at]).unwrap();
            symlink("nowhere", &locked(place)[at]).unwrap();
        });
    }
    let (place, wanted) = fresh();
    std::fs::create_dir(place.path("folder")).unwrap();
    std::fs::write(place.path("folder/file"), "kept").unwrap();
    for path in &locked(&place)[..2] {
        std::fs::remove_file(path).unwrap();
        symlink(place.path("folder"), path).unwrap();
    }
    sync(&place, &[]).ok();
    assert_same(&wanted, &tree(&place.environment()));
    assert_eq!(std::fs::read_to_string(place.path("folder/file")).unwrap(), "kept");
}

/// `pipward shim` made it, and a `pip` of a wheel does not take its place unasked.
#[test]
fn a_link_to_pipward_stays() {
    let (place, _) = fresh();
    let script = place.environment().join("bin/alpha");
    std::fs::remove_file(&script).unwrap();
    std::fs::create_dir(place.path("tools")).unwrap();
    std::fs::write(place.path("tools/pipward"), "").unwrap();
    symlink(place.path("tools/pipward"), &script).unwrap();
    sync(&place, &[]).code(1).stderr_has("file-conflict");
    assert!(script.is_symlink());
    // So does one that leads there by another.
    let pip = place.environment().join("bin/pip");
    std::fs::rename(&script, &pip).unwrap();
    symlink("pip", &script).unwrap();
    sync(&place, &[]).code(1).stderr_has("file-conflict");
    assert!(script.is_symlink());
}
