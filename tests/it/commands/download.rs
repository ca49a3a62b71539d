//! `download`: verified wheels in a folder, and nothing else.

use super::{Place, simple};
use crate::support::offline;
use crate::support::tree::{differences, tree};

fn place() -> Place {
    let place = Place::with(&[]);
    let requirements = place.offer(&[simple("alpha", "1").requires("beta"), simple("beta", "1")]);
    std::fs::write(place.path("lock.txt"), requirements).unwrap();
    place
}

const FROM: [&str; 6] = ["download", "--no-index", "--find-links", "wheels", "-r", "lock.txt"];

#[test]
fn downloads_are_pips() {
    if offline() {
        return;
    }
    let place = place();
    let run = |folder: &str, theirs: bool| {
        let words: Vec<&str> = FROM.iter().copied().chain(["-d", folder]).collect();
        if theirs { place.theirs(&words).run() } else { place.ours(&words).run() }
    };
    run("by-pip", true).ok();
    let told = run("ours", false).ok().stdout_has("Saved ./ours/alpha-1-py3-none-any.whl\n");
    told.stdout_has("Successfully downloaded alpha beta\n");
    let told = differences(&tree(&place.path("by-pip")), &tree(&place.path("ours")));
    assert!(told.is_empty(), "{told:?}");
    run("ours", false).ok().stdout_has("File was already downloaded ");
    // What has the name and other bytes is not what was asked for.
    std::fs::write(place.path("ours/beta-1-py3-none-any.whl"), "other").unwrap();
    run("ours", false).ok().stdout_has("Saved ./ours/beta-1-py3-none-any.whl\n");
    assert!(differences(&tree(&place.path("by-pip")), &tree(&place.path("ours"))).is_empty());
}

#[test]
fn a_wheel_that_is_not_the_locked_one_is_not_kept() {
    let place = place();
    std::fs::write(place.path("wheels/beta-1-py3-none-any.whl"), "other").unwrap();
    let words: Vec<&str> = FROM.iter().copied().chain(["-d", "out"]).collect();
    place.ours(&words).run().code(1);
    assert!(!place.path("out").exists());
    place
        .ours(&["download", "-d", "out"])
        .run()
        .code(1)
        .stderr_has("You must give at least one requirement to download");
    let lock = std::fs::read_to_string(place.path("lock.txt")).unwrap();
    std::fs::write(place.path("lock.txt"), lock.lines().next().unwrap()).unwrap();
    place.ours(&words).run().code(1).stderr_has("beta");
    assert!(!place.path("out").exists());
}

#[test]
fn wheels_for_another_platform_are_downloaded() {
    let place = Place::with(&[]);
    let foreign = simple("alpha", "1").tag("cp311-cp311-win_amd64").platlib();
    std::fs::write(place.path("lock.txt"), place.offer(&[foreign])).unwrap();
    let words: Vec<&str> = FROM.iter().copied().chain(["-d", "out"]).collect();
    place.ours(&words).run().code(1);
    let more = ["--platform", "win_amd64", "--python-version", "3.11", "--only-binary=:all:"];
    let words: Vec<&str> = words.into_iter().chain(more).collect();
    place.ours(&words).run().ok();
    assert!(place.path("out/alpha-1-cp311-cp311-win_amd64.whl").is_file());
}
