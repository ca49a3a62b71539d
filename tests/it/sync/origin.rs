//! What says how and by whom something was installed is part of what a sync makes.

use super::{put_right, sync};
use crate::commands::Place;
use crate::support::tree::{assert_same, tree};

#[test]
fn what_tells_of_the_installation_is_put_right() {
    for name in ["INSTALLER", "REQUESTED"] {
        put_right(true, |place| {
            std::fs::remove_file(place.library().join(format!("alpha-1.dist-info/{name}"))).unwrap();
        });
        put_right(true, |place| {
            std::fs::write(place.library().join(format!("alpha-1.dist-info/{name}")), "someone\n").unwrap();
        });
    }
}

/// What was asked for by name alone, or by another tool, ends as in a fresh environment.
#[test]
fn an_environment_of_another_command_becomes_that_of_a_sync() {
    let (fresh, wanted) = super::fresh();
    let place = Place::with(&[]);
    std::fs::write(place.path("lock.txt"), place.offer(&super::wheels())).unwrap();
    let install = ["pip", "install", "--no-index", "--find-links", "wheels", "-c", "lock.txt", "beta"];
    crate::support::run::pipward(install)
        .args(["--python"])
        .arg(place.environment())
        .dir(place.scratch.path())
        .env("PIPWARD_CACHE_DIR", place.path("cache"))
        .run()
        .ok();
    sync(&place, &[]).ok().stdout_has("Successfully installed alpha-1");
    let as_if_there = |place: &Place| {
        let tree = tree(&place.library());
        // A script names its own environment, and RECORD has its hash.
        let is_told = |path: &str| path.contains(".dist-info") && !path.ends_with("alpha-1.dist-info/RECORD");
        tree.into_iter().filter(|(path, _)| is_told(path)).collect()
    };
    assert_same(&as_if_there(&fresh), &as_if_there(&place));
    assert!(!wanted.is_empty());
    sync(&place, &[]).ok().stdout_has("Nothing to do");
}
