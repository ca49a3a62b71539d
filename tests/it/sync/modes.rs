//! Permission bits that an install does not give are changes, as content is.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{fresh, put_right, verify};
use crate::support::run::Run;
use crate::support::tree::{assert_same, tree};

fn set(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn bits_that_no_install_gives_are_found_and_put_right() {
    for (file, mode, words) in [
        ("alpha/mod.py", 0o4644, "setuid"),
        ("alpha/mod.py", 0o2644, "setuid"),
        ("alpha/mod.py", 0o666, "written by others"),
        ("alpha/mod.py", 0o664, "written by others"),
        ("alpha/mod.py", 0o600, "cannot be read"),
        ("alpha-1.dist-info/METADATA", 0o646, "written by others"),
        ("alpha-1.dist-info/RECORD", 0o646, "written by others"),
        ("alpha-1.dist-info/RECORD", 0o600, "cannot be read"),
        ("../../../bin/alpha", 0o644, "cannot be run"),
        ("../../../bin/alpha", 0o4755, "setuid"),
    ] {
        put_right(true, |place| {
            let path = place.library().join(file);
            set(&path, mode);
            let told = verify(place, &["-r", "lock.txt"]).code(1).stderr_has(words);
            assert!(told.stderr.contains(Path::new(file).file_name().unwrap().to_str().unwrap()));
            assert_eq!(
                told.stderr.matches("error[file-changed]").count(),
                1,
                "{file} {mode:o}\n{}",
                told.told()
            );
            if !file.contains("bin/") {
                verify(place, &[]).code(1).stderr_has(words);
            }
        })
        .stdout_has("Successfully installed alpha-1\n");
    }
}

/// A file that can be run and is none to run is no danger; a lock tells, and a sync puts it right.
#[test]
fn execute_bits_are_those_of_the_wheel() {
    put_right(true, |place| {
        set(&place.library().join("alpha/mod.py"), 0o755);
        verify(place, &[]).ok();
        verify(place, &["-r", "lock.txt"]).code(1).stderr_has("mode 755");
    });
}

#[test]
fn an_install_heals_them_too_and_the_witness_hides_none() {
    let (place, wanted) = fresh();
    let install = |options: &[&str]| {
        let words = ["install", "--no-index", "--find-links", "wheels", "-r", "lock.txt"];
        place.ours(&words).args(options).env("PIPWARD_CACHE_DIR", place.path("cache")).run().ok()
    };
    for options in [&[][..], &["--rehash"]] {
        set(&place.library().join("beta/__init__.py"), 0o666);
        install(options).stdout_has("Successfully installed beta-1");
        assert_same(&wanted, &tree(&place.environment()));
        install(options).stdout_has("already satisfied");
    }
}

/// All files of a distribution that was installed under another umask have its bits: that is no change.
#[test]
fn an_environment_of_another_umask_is_as_it_should_be() {
    for (umask, finds) in [("077", false), ("027", false), ("002", true)] {
        let (place, _) = fresh();
        std::fs::remove_dir_all(place.path("cache")).unwrap();
        let words =
            ["install", "--force-reinstall", "--no-index", "--find-links", "wheels", "-r", "lock.txt"];
        Run::new("sh")
            .args(["-c", "umask $0; exec \"$@\"", umask, env!("CARGO_BIN_EXE_pipward"), "pip", "--python"])
            .arg(place.environment())
            .args(words)
            .dir(place.scratch.path())
            .run()
            .ok();
        let told = verify(&place, &["-r", "lock.txt"]);
        assert_eq!(told.code, Some(i32::from(finds)), "{umask}: {}", told.told());
        if !finds {
            let before = tree(&place.environment());
            let words = ["install", "--no-index", "--find-links", "wheels", "-r", "lock.txt"];
            place.ours(&words).run().ok().stdout_has("already satisfied");
            assert_same(&before, &tree(&place.environment()));
        }
    }
}

#[test]
fn a_directory_that_others_can_write_in_is_found_and_put_right() {
    for (directory, mode) in [("alpha", 0o777), ("alpha/data", 0o775), ("alpha-1.dist-info", 0o1777)] {
        put_right(true, |place| {
            set(&place.library().join(directory), mode);
            let told = verify(place, &[]).code(1).stderr_has("others can write in this directory");
            assert!(told.stderr.contains("chmod go-w"), "{}", told.told());
        });
    }
}
