//! `sync`: the environment becomes what the lock selects, whatever was there; and nothing is done where nothing is to do.

mod byte_code;
mod in_place;
mod modes;
mod noted;
mod origin;
mod read_only;
mod sequences;
mod unlisted;

use std::path::Path;

use pipward::error::Code;

use crate::commands::{Place, simple};
use crate::support::run::{Output, pipward};
use crate::support::tree::{Tree, assert_same, tree};
use crate::support::wheels::WheelBuilder;

fn wheels() -> Vec<WheelBuilder> {
    vec![
        simple("alpha", "1")
            .file("alpha/mod.py", "x = 1\n")
            .file("alpha/data/file.txt", "data")
            .entry_points("[console_scripts]\nalpha = alpha:main\n"),
        simple("beta", "1").requires("alpha"),
    ]
}

/// An environment as a fresh install leaves it, and its tree.
fn fresh() -> (Place, Tree) {
    let place = Place::with(&[]);
    let requirements = place.offer(&wheels());
    std::fs::write(place.path("lock.txt"), requirements).unwrap();
    sync(&place, &[]).ok().stdout_has("Successfully installed alpha-1 beta-1");
    let tree = tree(&place.environment());
    (place, tree)
}

fn verify(place: &Place, options: &[&str]) -> Output {
    pipward(["verify", "--no-index", "--find-links", "wheels"])
        .arg(place.environment())
        .args(options)
        .dir(place.scratch.path())
        .run()
}

fn sync(place: &Place, options: &[&str]) -> Output {
    let words: Vec<&str> = ["sync", "--no-index", "--find-links", "wheels", "-r", "lock.txt"]
        .iter()
        .chain(options)
        .copied()
        .collect();
    place.ours(&words).env("PIPWARD_CACHE_DIR", place.path("cache")).run()
}

/// After `change`, a sync that may heal leads to the tree of a fresh install; one that may not refuses where `heals`.
#[track_caller]
fn put_right(heals: bool, change: impl Fn(&Place)) -> Output {
    let (place, wanted) = fresh();
    change(&place);
    let changed = tree(&place.environment());
    sync(&place, &["--dry-run"]).ok().stdout_has("Would");
    assert_same(&changed, &tree(&place.environment()));
    if heals {
        let told = sync(&place, &["--no-heal"]).code(1).stderr_has("what the locked wheel leads to");
        assert!(told.stderr.contains("alpha"));
        assert_same(&changed, &tree(&place.environment()));
    }
    let told = sync(&place, &[]).ok();
    assert_same(&wanted, &tree(&place.environment()));
    sync(&place, &[]).ok().stdout_has("Nothing to do: 2 packages");
    told
}

/// Everything goes only where that was said.
#[test]
fn a_lock_that_selects_nothing_empties_no_environment_by_itself() {
    let elsewhere = "alpha==1 ; sys_platform == 'win32' --hash=sha256:\
                     0000000000000000000000000000000000000000000000000000000000000000\n";
    let empty = "lock-version = \"1.0\"\ncreated-by = \"tests\"\npackages = []\n";
    for (file, text) in
        [("lock.txt", ""), ("lock.txt", "# nothing\n"), ("lock.txt", elsewhere), ("pylock.toml", empty)]
    {
        let (place, wanted) = fresh();
        std::fs::write(place.path(file), text).unwrap();
        let run = |options: &[&str]| {
            let words = ["sync", "--no-index", "--find-links", "wheels", "-r", file];
            place.ours(&[&words, options].concat()).env("PIPWARD_CACHE_DIR", place.path("cache")).run()
        };
        for options in [&[] as &[&str], &["--dry-run"], &["--rehash"]] {
            let told = run(options).refused(Code::NothingSelected);
            assert!(
                told.stderr.contains(file) && told.stderr.contains("--allow-empty-requirements"),
                "{}",
                told.told()
            );
            assert_same(&wanted, &tree(&place.environment()));
        }
        run(&["--allow-empty-requirements", "--dry-run"]).ok().stdout_has("Would remove alpha-1 beta-1");
        assert_same(&wanted, &tree(&place.environment()));
        run(&["--allow-empty-requirements"]).ok().stdout_has("Successfully uninstalled alpha-1 beta-1");
        // What has nothing loses nothing.
        run(&[]).ok().stdout_has("Nothing to do: 0 packages");
    }
}

fn set_times_as(path: &Path, other: &Path) {
    crate::support::run::Run::new("touch").arg("-r").arg(other).arg(path).run().ok();
}

#[test]
fn an_edited_file_is_put_right() {
    put_right(true, |place| std::fs::write(place.library().join("alpha/mod.py"), "x = 22\n").unwrap())
        .stdout_has("Successfully installed alpha-1\n");
}

/// Of the same size, and with the old time of change: ctime tells.
#[test]
fn an_edit_that_hides_is_put_right() {
    put_right(true, |place| {
        let file = place.library().join("alpha/mod.py");
        let reference = place.path("reference");
        std::fs::write(&reference, "").unwrap();
        set_times_as(&reference, &file);
        std::fs::write(&file, "x = 2\n").unwrap();
        set_times_as(&file, &reference);
    });
}

#[test]
fn a_deleted_file_is_put_right() {
    put_right(true, |place| std::fs::remove_file(place.library().join("alpha/data/file.txt")).unwrap());
    put_right(true, |place| {
        std::fs::remove_file(place.library().join("alpha-1.dist-info/METADATA")).unwrap();
    });
    put_right(true, |place| {
        std::fs::remove_file(place.library().join("alpha-1.dist-info/RECORD")).unwrap();
    });
    put_right(true, |place| std::fs::remove_file(place.environment().join("bin/alpha")).unwrap());
}

/// Whoever edits RECORD along with a file passes `pip check` and the like.
#[test]
fn an_edit_that_record_confirms_is_put_right() {
    put_right(true, |place| {
        let file = place.library().join("alpha/mod.py");
        let record = place.library().join("alpha-1.dist-info/RECORD");
        let digest = |bytes: &[u8]| {
            pipward::wheel::record::encode(&pipward::digest::StrongDigest::Sha256(
                pipward::digest::Sha256::of(bytes),
            ))
        };
        let text = std::fs::read_to_string(&record).unwrap();
        let text = text.replace(&digest(b"x = 1\n"), &digest(b"x = 2\n"));
        std::fs::write(&record, text).unwrap();
        std::fs::write(&file, "x = 2\n").unwrap();
    });
}

#[test]
fn another_distribution_goes() {
    put_right(false, |place| {
        place.install(&[simple("extra", "3").file("extra/deep/mod.py", "")]).ok();
    })
    .stdout_has("Successfully uninstalled extra-3\n");
}

#[test]
fn another_version_is_replaced() {
    put_right(false, |place| {
        let other = [simple("alpha", "2").file("alpha/other.py", "")];
        let requirements = place.offer(&other);
        std::fs::write(place.path("other.txt"), requirements).unwrap();
        place
            .ours(&["install", "--no-deps", "--no-index", "--find-links", "wheels", "-r", "other.txt"])
            .run()
            .ok();
    })
    .stdout_has("Successfully installed alpha-1\n");
}

#[test]
fn the_same_version_of_another_wheel_is_replaced() {
    put_right(true, |place| {
        let other = [simple("alpha", "1").build_tag("5").file("alpha/mod.py", "x = 'other'\n")];
        let requirements = place.offer(&other);
        std::fs::write(place.path("other.txt"), requirements).unwrap();
        place
            .ours(&["install", "--no-deps", "--no-index", "--find-links", "wheels", "-r", "other.txt"])
            .run()
            .ok();
    });
}

/// Where nothing has changed no wheel is looked for; with `--rehash` one is.
#[test]
fn nothing_is_opened_where_nothing_has_changed() {
    let (place, wanted) = fresh();
    std::fs::remove_dir_all(place.path("wheels")).unwrap();
    std::fs::create_dir(place.path("wheels")).unwrap();
    std::fs::remove_dir_all(place.path("cache/wheels")).unwrap();
    sync(&place, &[]).ok().stdout_has("Nothing to do: 2 packages");
    assert_ne!(sync(&place, &["--rehash"]).code, Some(0));
    assert_same(&wanted, &tree(&place.environment()));
    // A lock that names another file for the same version is not satisfied by what is there.
    let (_, bytes) = simple("alpha", "1").file("alpha/mod.py", "x = 3\n").build();
    let lock = std::fs::read_to_string(place.path("lock.txt")).unwrap();
    let old = lock.lines().find(|line| line.starts_with("alpha")).unwrap();
    let new = format!("alpha==1 --hash=sha256:{}", pipward::digest::Sha256::of(&bytes));
    std::fs::write(place.path("lock.txt"), lock.replace(old, &new)).unwrap();
    assert_ne!(sync(&place, &[]).code, Some(0));
    assert_same(&wanted, &tree(&place.environment()));
}

/// A module that is called like one that Python runs at its start is none below a package.
#[test]
fn what_only_has_the_name_of_startup_code_is_not_opened_again() {
    let place = Place::with(&[]);
    let wheel =
        simple("gamma", "1").file("gamma/vendored/sitecustomize.py", "").file("gamma/x.pth", "gamma\n");
    std::fs::write(place.path("lock.txt"), place.offer(&[wheel])).unwrap();
    sync(&place, &[]).ok();
    let install = ["install", "--no-index", "--find-links", "wheels", "-r", "lock.txt"];
    let install = || place.ours(&install).env("PIPWARD_CACHE_DIR", place.path("cache")).run();
    std::fs::remove_dir_all(place.path("wheels")).unwrap();
    std::fs::create_dir(place.path("wheels")).unwrap();
    std::fs::remove_dir_all(place.path("cache/wheels")).unwrap();
    install().ok().stdout_has("already satisfied");
    std::fs::write(place.library().join("gamma/x.pth"), "other").unwrap();
    assert_ne!(install().code, Some(0), "an edited file is not passed over");
}

/// What one policy let in another may not: nothing is taken as settled by a run under the old one, whatever kind of file it
/// was about.
#[test]
fn another_policy_looks_at_what_is_there_anew() {
    let exception = "[[policy.exception]]\ncode = \"startup-code\"\npackage = \"gamma\"\nreason = \"read\"\n";
    let licences = "[policy.licenses]\nallow = [\"MIT\"]\n";
    let kinds =
        [("gamma.pth", "import gamma\n"), ("gamma/__pycache__/mod.cpython-312.pyc", "no time at all")];
    for (file, text) in kinds {
        let place = Place::with(&[]);
        let wheel = simple("gamma", "1").file("gamma/mod.py", "").file(file, text);
        std::fs::write(place.path("lock.txt"), place.offer(&[wheel])).unwrap();
        let policy = |text: &str| std::fs::write(place.path("pipward.toml"), text).unwrap();
        policy("");
        sync(&place, &[]).code(1).stderr_has("startup-code");
        policy(exception);
        sync(&place, &[]).ok().stdout_has("Successfully installed gamma-1");
        sync(&place, &[]).ok().stdout_has("Nothing to do");
        let install = ["install", "--no-index", "--find-links", "wheels", "-r", "lock.txt"];
        let install = || place.ours(&install).env("PIPWARD_CACHE_DIR", place.path("cache")).run();
        install().ok().stdout_has("already satisfied");
        policy(&exception.replace("reason", "until = 2020-01-01\nreason"));
        sync(&place, &[]).code(1).stderr_has("2020-01-01");
        install().code(1).stderr_has("2020-01-01");
        policy("");
        sync(&place, &[]).code(1).stderr_has("startup-code");
        install().code(1).stderr_has("startup-code");
        policy(&format!("{exception}{licences}"));
        sync(&place, &[]).code(1).stderr_has("license");
        policy(exception);
        sync(&place, &[]).ok().stdout_has("Nothing to do");
    }
}

/// Of a lock in which one version changed, the other wheels are not fetched; and an edit of what stays is still put right.
#[test]
fn only_what_changed_is_fetched() {
    let place = Place::with(&[]);
    place.offer(&wheels());
    let lock = |place: &Place| {
        let words =
            ["lock", "beta", "--no-index", "--find-links", "wheels", "-o", "pylock.toml", "--upgrade"];
        place.ours(&words).env("PIPWARD_CACHE_DIR", place.path("cache")).run().ok();
    };
    let install = |place: &Place| {
        let words = ["install", "--no-index", "--find-links", "wheels", "-r", "pylock.toml"];
        place.ours(&words).env("PIPWARD_CACHE_DIR", place.path("cache")).run()
    };
    lock(&place);
    install(&place).ok().stdout_has("Successfully installed alpha-1 beta-1");
    place.offer(&[simple("beta", "2").requires("alpha")]);
    lock(&place);
    let alpha = std::fs::read_dir(place.path("wheels"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("alpha"))
        .unwrap();
    let away = place.path("alpha.whl");
    std::fs::rename(&alpha, &away).unwrap();
    std::fs::remove_dir_all(place.path("cache/wheels")).unwrap();
    let before = tree(&place.environment());
    let file = place.library().join("alpha/mod.py");
    std::fs::write(&file, "x = 22\n").unwrap();
    assert_ne!(install(&place).code, Some(0), "what was edited is not believed");
    std::fs::rename(&away, &alpha).unwrap();
    install(&place).ok().stdout_has("Successfully installed alpha-1 beta-2");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "x = 1\n");
    assert!(before.len() == tree(&place.environment()).len());
    // Now that alpha is as it was: nobody asks for its wheel.
    place.offer(&[simple("beta", "3").requires("alpha")]);
    lock(&place);
    std::fs::remove_file(&alpha).unwrap();
    std::fs::remove_dir_all(place.path("cache/wheels")).unwrap();
    install(&place).ok().stdout_has("Successfully installed beta-3");
}

/// The closure is looked at again when a lock becomes smaller.
#[test]
fn a_lock_that_misses_a_dependency_is_refused() {
    let (place, wanted) = fresh();
    let lock = std::fs::read_to_string(place.path("lock.txt")).unwrap();
    let smaller: String = lock.lines().filter(|line| line.starts_with("beta")).collect();
    std::fs::write(place.path("lock.txt"), smaller).unwrap();
    sync(&place, &[]).code(1).stderr_has("alpha");
    assert_same(&wanted, &tree(&place.environment()));
    sync(&place, &["--no-deps"]).ok().stdout_has("Successfully uninstalled alpha-1");
    let told = sync(&place, &[]).code(1);
    assert!(told.stderr.contains("alpha"), "what was synced without the check is checked with it");
}

#[test]
fn what_has_no_record_stops_a_sync() {
    let (place, _) = fresh();
    crate::commands::dist_info(
        &place.library(),
        "norecord-1.dist-info",
        &[("METADATA", "Name: norecord\nVersion: 1\n")],
    );
    let before = tree(&place.environment());
    sync(&place, &[]).code(1).stderr_has("Cannot uninstall norecord 1");
    assert_same(&before, &tree(&place.environment()));
    assert_eq!(Code::UnsafeUninstall.name(), "unsafe-uninstall");
}

#[test]
fn the_hashes_of_what_was_installed_can_be_frozen() {
    let (place, _) = fresh();
    let freeze =
        || place.ours(&["freeze", "--hashes"]).env("PIPWARD_CACHE_DIR", place.path("cache")).run().ok();
    let told = freeze();
    let lock = std::fs::read_to_string(place.path("lock.txt")).unwrap();
    for line in lock.lines() {
        let hash = line.split_once(' ').unwrap().1;
        assert!(told.stdout.contains(hash), "{}", told.told());
    }
    assert!(told.stderr.is_empty(), "{}", told.told());
    // It is a lock itself.
    std::fs::write(place.path("lock.txt"), &told.stdout).unwrap();
    sync(&place, &["--rehash"]).ok().stdout_has("Nothing to do");
    std::fs::write(place.library().join("alpha/mod.py"), "x = 22\n").unwrap();
    freeze().stderr_has("alpha has no record");
}
