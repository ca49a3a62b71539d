//! What the steps on directories and files hold to, whatever stands there.

use std::os::fd::AsFd;
use std::os::unix::fs::symlink;

use rustix::fs::{FileType, Mode};
use rustix::io::FdFlags;

use super::*;
use crate::install::recover;
use crate::install::tree::Tree;

/// A tree with a directory `a`, a link `link` to it, a file `file`, a link `way` out of the tree, and one to nothing.
fn ground() -> (tempfile::TempDir, Tree) {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("root");
    put(&root, "a/inner", "inner");
    put(&root, "file", "content");
    put(scratch.path(), "victim", "untouched");
    symlink("a", root.join("link")).unwrap();
    symlink("../victim", root.join("way")).unwrap();
    symlink("../made", root.join("nowhere")).unwrap();
    let tree = Tree::open(&root, Gate::default()).unwrap();
    (scratch, tree)
}

fn closes(handle: impl AsFd) -> bool {
    rustix::io::fcntl_getfd(handle).unwrap().contains(FdFlags::CLOEXEC)
}

#[test]
fn no_step_in_a_tree_follows_a_link() {
    let (scratch, tree) = ground();
    let before = super::tree(scratch.path());
    for path in ["way", "nowhere", "file", "a", "link/new", "way/new", "../new", "a/../new", "/new"] {
        assert!(tree.create(Path::new(path)).is_err(), "{path}");
    }
    for path in ["way", "nowhere", "link/inner", "../victim"] {
        assert!(tree.read(Path::new(path), 100).is_err(), "{path}");
    }
    for path in ["link/new", "../new", "file/new"] {
        assert!(tree.make_directory(Path::new(path)).is_err(), "{path}");
        assert!(tree.rename(Path::new("file"), Path::new(path)).is_err(), "{path}");
        assert!(tree.sync_directory(Path::new(path)).is_err(), "{path}");
    }
    for path in ["way", "nowhere", "a", "link"] {
        assert!(tree.rename(Path::new("file"), Path::new(path)).is_err(), "{path}");
    }
    assert!(tree.rename(Path::new("link/inner"), Path::new("new")).is_err());
    assert!(tree.remove_file(Path::new("link/inner")).is_err());
    assert!(tree.remove_file(Path::new("a")).is_err());
    tree.remove_if_empty(Path::new("link")).unwrap();
    assert_eq!(super::tree(scratch.path()), before);
}

#[test]
fn kinds_are_those_of_the_names_themselves() {
    let (_scratch, tree) = ground();
    let kind = |path: &str| tree.kind(Path::new(path)).map_err(|error| error.kind());
    assert_eq!(kind("a"), Ok(Some(FileType::Directory)));
    assert_eq!(kind("file"), Ok(Some(FileType::RegularFile)));
    assert_eq!(kind("way"), Ok(Some(FileType::Symlink)));
    assert_eq!(kind("nowhere"), Ok(Some(FileType::Symlink)));
    assert_eq!(kind("missing"), Ok(None));
    assert_eq!(kind("missing/deeper"), Ok(None));
    assert_eq!(kind("link/inner"), Ok(None));
    assert!(kind("../victim").is_err());
    assert!(kind(&"n".repeat(300)).is_err());
}

#[test]
fn a_file_is_read_up_to_its_cap_and_only_where_it_is_one() {
    let (_scratch, tree) = ground();
    let read = |path: &str, cap| tree.read(Path::new(path), cap).unwrap();
    assert_eq!(read("file", 7).as_deref(), Some(b"content".as_slice()));
    assert_eq!(read("file", 6), None);
    assert_eq!(read("a", 100), None);
    let pipe = tree.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert_eq!(read("pipe", 100), None);
}

#[test]
fn what_is_made_has_the_modes_that_it_should() {
    let (_scratch, tree) = ground();
    tree.make_directory(Path::new("new")).unwrap();
    std::fs::create_dir(tree.path().join("usual")).unwrap();
    drop(tree.create(Path::new("a/private")).unwrap());
    let mode = |path: &str| tree.path().join(path).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("new"), mode("usual"));
    assert_eq!(mode("a/private"), 0o600);
    tree.make_directory(Path::new("new")).unwrap();
}

#[test]
fn what_is_removed_goes_alone() {
    let (scratch, tree) = ground();
    let before = super::tree(scratch.path());
    tree.remove_if_empty(Path::new("a")).unwrap();
    tree.remove_if_empty(Path::new("missing")).unwrap();
    tree.remove_file(Path::new("missing")).unwrap();
    tree.remove_all(Path::new("missing")).unwrap();
    assert_eq!(super::tree(scratch.path()), before);
    assert!(tree.remove_if_empty(Path::new("../root")).is_err());
    assert!(tree.remove_if_empty(Path::new(&"n".repeat(300))).is_err());
    assert!(tree.remove_all(Path::new(&"n".repeat(300))).is_err());
    assert_eq!(super::tree(scratch.path()), before);
    tree.make_directory(Path::new("empty")).unwrap();
    tree.remove_if_empty(Path::new("empty")).unwrap();
    tree.remove_file(Path::new("way")).unwrap();
    symlink("../..", tree.path().join("a/out")).unwrap();
    tree.remove_all(Path::new("a")).unwrap();
    let left: Vec<_> = super::tree(tree.path()).into_keys().collect();
    assert_eq!(left, ["file", "link", "nowhere"].map(PathBuf::from));
    assert_eq!(std::fs::read_to_string(scratch.path().join("victim")).unwrap(), "untouched");
}

#[test]
fn a_directory_that_moved_is_looked_for_again() {
    let (_scratch, tree) = ground();
    drop(tree.create(Path::new("a/one")).unwrap());
    std::fs::rename(tree.path().join("a"), tree.path().join("b")).unwrap();
    std::fs::create_dir(tree.path().join("a")).unwrap();
    tree.forget();
    for path in ["a/two", "b/three", "file", "a/four", "b/five"] {
        let _ = tree.create(Path::new(path));
    }
    let left: Vec<_> = super::tree(tree.path()).into_keys().collect();
    let expected = ["a", "a/four", "a/two", "b", "b/five", "b/inner", "b/one", "b/three"].map(PathBuf::from);
    assert_eq!(left[..8], expected);
    tree.remove_all(Path::new("b")).unwrap();
    assert!(tree.create(Path::new("b/six")).is_err());
}

#[test]
fn handles_are_of_directories_and_not_handed_on() {
    let (scratch, tree) = ground();
    let root = scratch.path().join("root");
    assert!(Tree::open(&root.join("file"), Gate::default()).is_err());
    assert!(Tree::open(&root.join("link"), Gate::default()).is_ok());
    assert!(closes(tree.handle()));
    assert!(closes(tree.create(Path::new("new")).unwrap()));
    assert!(closes(recover::open_directory(&root).unwrap()));
    for path in ["file", "link", "way", "missing"] {
        assert!(recover::open_directory(&root.join(path)).is_err(), "{path}");
    }
}

#[test]
fn who_holds_an_environment_is_told() {
    let scratch = tempfile::tempdir().unwrap();
    let mine = recover::open_directory(scratch.path()).unwrap();
    assert!(recover::try_lock(&mine).unwrap());
    let other = recover::open_directory(scratch.path()).unwrap();
    assert!(!recover::try_lock(&other).unwrap());
    let busy = recover::lock(&other, scratch.path(), Duration::ZERO).unwrap_err();
    assert_eq!(busy.code(), Code::EnvironmentBusy);
    let told = format!("{busy:?}");
    assert!(told.contains(&format!("process {}: ", std::process::id())), "{told}");
    drop(mine);
    recover::lock(&other, scratch.path(), Duration::ZERO).unwrap();
}

/// As between fork and exec of a child that another thread starts.
#[test]
fn a_lock_ends_with_its_owner_and_not_with_a_copy_of_the_handle() {
    let scratch = tempfile::tempdir().unwrap();
    let mine = recover::open_directory(scratch.path()).unwrap();
    assert!(recover::try_lock(&mine).unwrap());
    let copy = mine.as_fd().try_clone_to_owned().unwrap();
    let other = recover::open_directory(scratch.path()).unwrap();
    assert!(!recover::try_lock(&other).unwrap());
    drop(mine);
    assert!(recover::try_lock(&other).unwrap());
    drop(copy);
}

/// Stages that a stopped run leaves: with a journal, and before there was one.
fn stopped() -> [World; 2] {
    let journal = |world: &World| {
        let mut listed = std::fs::read_dir(&world.prefix).unwrap().map(|entry| entry.unwrap().path());
        listed.any(|path| path.join("journal").exists())
    };
    let mut found = [None, None];
    for at in 0..200 {
        let world = World::populated();
        let gate = Gate::stopping(at);
        let _ = world.update_with(gate.clone());
        if !gate.tripped() {
            break;
        }
        let place = usize::from(!journal(&world));
        if !is_settled(&world.prefix) {
            found[place].get_or_insert(world);
        }
    }
    found.map(Option::unwrap)
}

#[test]
fn nothing_is_settled_while_another_process_has_the_lock() {
    let [moving, building] = stopped();
    for world in [&moving, &building] {
        let held = recover::open_directory(&world.prefix).unwrap();
        assert!(recover::try_lock(&held).unwrap());
        let before = world.tree();
        let repairing = std::thread::scope(|scope| {
            let waits = scope.spawn(|| repair(&world.prefix).unwrap());
            std::thread::sleep(Duration::from_millis(200));
            assert_eq!(world.tree(), before);
            drop(held);
            waits.join().unwrap()
        });
        assert_ne!(repairing, Settled::Nothing);
        assert!(is_settled(&world.prefix));
    }
    let [moving, building] = stopped();
    let held = recover::open_directory(&building.prefix).unwrap();
    assert!(recover::try_lock(&held).unwrap());
    recover(&building.prefix).unwrap();
    assert!(!is_settled(&building.prefix), "its process may still begin");
    let held = recover::open_directory(&moving.prefix).unwrap();
    assert!(recover::try_lock(&held).unwrap());
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| recover(&moving.prefix).unwrap());
        std::thread::sleep(Duration::from_millis(200));
        drop(held);
        waits.join().unwrap();
    });
    assert!(is_settled(&moving.prefix), "a change that had begun is waited for");
}
