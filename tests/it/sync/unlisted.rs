//! Files among the modules that no RECORD lists: told by `verify`, refused by `sync` where Python runs them by itself, and
//! removed where that is asked for.

use super::{fresh, sync};
use crate::commands::{Place, simple};
use crate::support::pythons::any_python;
use crate::support::run::{Output, Run, pipward};
use crate::support::tree::{assert_same, tree};

fn verify(place: &Place) -> Output {
    pipward(["verify"]).arg(place.environment()).dir(place.scratch.path()).run()
}

fn write(place: &Place, file: &str, text: &str) -> std::path::PathBuf {
    let path = place.library().join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn start_up_code_that_nobody_brought_refuses_a_sync() {
    for (file, text) in [
        ("evil.pth", "import os\n"),
        ("Evil.PTH", "/somewhere\nimport\tos\n"),
        ("evil.pth", "\u{feff}import os\n"),
        ("evil.pth", "/somewhere\n  import os\n"),
        ("x.start", "x:main\n"),
        ("sitecustomize.py", ""),
        ("usercustomize/__init__.py", ""),
        ("usercustomize.cpython-312-x86_64-linux-gnu.so", ""),
    ] {
        let (place, wanted) = fresh();
        let path = write(&place, file, text);
        let shown = path.display().to_string();
        let before = tree(&place.environment());
        verify(&place).code(1).stderr_has("no RECORD lists it").stderr_has(&format!("rm '{shown}'"));
        // By the short way as by the long one.
        for options in [&[][..], &["--rehash"], &["--dry-run"]] {
            let told = sync(&place, options).code(1).stderr_has("startup-code");
            assert!(told.stderr.contains(path.parent().unwrap().to_str().unwrap()), "{}", told.told());
            assert!(told.stderr.contains("--remove-unlisted"), "{}", told.told());
        }
        assert_same(&before, &tree(&place.environment()));
        // An install of names does not look.
        sync(&place, &["--remove-unlisted", "--dry-run"]).ok().stdout_has("Would remove");
        assert_same(&before, &tree(&place.environment()));
        sync(&place, &["--remove-unlisted"]).ok().stdout_has(&format!("Removed {shown}"));
        assert_same(&wanted, &tree(&place.environment()));
        sync(&place, &[]).ok().stdout_has("Nothing to do");
        verify(&place).ok();
    }
}

#[test]
fn a_list_of_directories_is_told_and_a_policy_lets_code_stay() {
    let (place, wanted) = fresh();
    let path = write(&place, "mine.pth", "/somewhere/else\n");
    sync(&place, &[]).ok().stderr_has("mine.pth").stderr_has("adds the directories");
    sync(&place, &["--no-heal"]).code(1).stderr_has("mine.pth");
    write(&place, "mine.pth", "import os\n");
    std::fs::write(place.path("pipward.toml"), "[policy]\nstartup-code = \"warn\"\n").unwrap();
    sync(&place, &[]).ok().stderr_has("mine.pth");
    std::fs::write(place.path("pipward.toml"), "[policy]\nstartup-code = \"allow\"\n").unwrap();
    assert!(sync(&place, &[]).ok().stderr.is_empty());
    std::fs::remove_file(path).unwrap();
    assert_same(&wanted, &tree(&place.environment()));
}

#[test]
fn what_is_only_there_is_told_by_verify_and_goes_when_asked() {
    let (place, wanted) = fresh();
    let files =
        ["unowned.py", "stray/__init__.py", "stray/deep/mod.py", "alpha/more.py", "alpha-1.dist-info/note"];
    for file in files {
        write(&place, file, "x = 1\n");
    }
    std::os::unix::fs::symlink("/etc", place.library().join("link")).unwrap();
    sync(&place, &[]).ok().stdout_has("Nothing to do");
    let told = verify(&place).code(1);
    assert_eq!(told.stderr.matches("error[file-unlisted]").count(), files.len() + 1, "{}", told.told());
    sync(&place, &["--remove-unlisted"]).ok();
    assert_same(&wanted, &tree(&place.environment()));
    assert!(std::path::Path::new("/etc/passwd").exists());
    sync(&place, &["--remove-unlisted"]).ok().stdout_has("Nothing to do");
}

/// What makers of environments put among the modules is theirs.
#[test]
fn the_environments_own_files_stay() {
    let (place, _) = fresh();
    for file in ["_virtualenv.py", "_virtualenv.pth"] {
        write(&place, file, "import _virtualenv\n");
    }
    write(&place, "__pycache__/_virtualenv.cpython-312.pyc", "0123456789abcdef");
    write(&place, "README.txt", "This directory contains packages.\n");
    let before = tree(&place.environment());
    sync(&place, &[]).ok().stdout_has("Nothing to do");
    sync(&place, &["--remove-unlisted"]).ok().stdout_has("Nothing to do");
    verify(&place).ok();
    assert_same(&before, &tree(&place.environment()));
}

/// One that shares the system's packages has its own modules alone looked at; what an editable install by another tool
/// brought is listed.
#[test]
fn other_kinds_of_environments_are_synced() {
    let place = Place { scratch: crate::support::run::scratch(), python: any_python() };
    std::fs::create_dir(place.path("wheels")).unwrap();
    let venv = ["-I", "-m", "venv", "--without-pip", "--system-site-packages"];
    Run::new(&place.python.executable).args(venv).arg(place.environment()).run().ok();
    std::fs::write(place.path("lock.txt"), place.offer(&[simple("alpha", "1")])).unwrap();
    sync(&place, &["--remove-unlisted"]).ok().stdout_has("Successfully installed alpha-1");
    // As an editable install leaves it: its .pth is in its RECORD, and goes with it.
    write(&place, "__editable__.mine-1.pth", "/mine/src\n");
    let info = place.library().join("mine-1.dist-info");
    std::fs::create_dir(&info).unwrap();
    std::fs::write(info.join("METADATA"), "Metadata-Version: 2.1\nName: mine\nVersion: 1\n").unwrap();
    let rows = "__editable__.mine-1.pth,,\nmine-1.dist-info/METADATA,,\nmine-1.dist-info/RECORD,,\n";
    std::fs::write(info.join("RECORD"), rows).unwrap();
    let told = sync(&place, &[]).ok().stdout_has("Successfully uninstalled mine-1");
    assert!(told.stderr.is_empty(), "{}", told.told());
    assert!(!place.library().join("__editable__.mine-1.pth").exists());
}
