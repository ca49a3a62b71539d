//! `download`: verified wheels in a folder, and nothing else.

use super::{Place, simple};
use crate::support::offline;
use crate::support::run::Output;
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
    let theirs = run("by-pip", true).ok();
    let same = |theirs: &Output, ours: &Output| {
        let out = |folder: &str| place.path(folder).display().to_string();
        let told = theirs.stdout.replace(&out("by-pip"), &out("ours")).replace("./by-pip", "./ours");
        assert_eq!(told, ours.stdout);
    };
    let first = run("ours", false).ok();
    same(&theirs, &first);
    let told = first.stdout_has("Saved ./ours/alpha-1-py3-none-any.whl\n");
    told.stdout_has("Successfully downloaded alpha beta\n");
    let told = differences(&tree(&place.path("by-pip")), &tree(&place.path("ours")));
    assert!(told.is_empty(), "{told:?}");
    same(&run("by-pip", true).ok(), &run("ours", false).ok().stdout_has("  File was already downloaded "));
    // What has the name and other bytes is not what was asked for.
    std::fs::write(place.path("ours/beta-1-py3-none-any.whl"), "other").unwrap();
    let told = run("ours", false).ok().stdout_has("Saved ./ours/beta-1-py3-none-any.whl\n");
    told.stderr_has("WARNING: Previously-downloaded file ").stderr_has(" has bad hash. Re-downloading.");
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

/// What is in the folder under the hash that was asked for is as good as what lies elsewhere; what is for another Python is
/// not asked for.
#[test]
fn the_folder_itself_is_a_source_and_every_wheel_is_for_this_python() {
    let place = Place::with(&[]);
    let lines = place.offer(&[simple("alpha", "1"), simple("later", "1").requires_python(">=4")]);
    let (alpha, later) = lines.split_once('\n').unwrap();
    let hash = alpha.rsplit(':').next().unwrap();
    let words = |line: &str| {
        std::fs::write(place.path("lock.txt"), line).unwrap();
        place.ours(&[&FROM[..], &["-d", "out"]].concat()).run()
    };
    words(alpha).ok();
    let wheel = place.path("wheels/alpha-1-py3-none-any.whl");
    std::fs::write(&wheel, "other").unwrap();
    let address = format!("file://{}#sha256={hash}", wheel.display());
    place.ours(&["download", "-d", "out", &address]).run().ok().stdout_has("  File was already downloaded ");
    place
        .ours(&["download", "-d", "elsewhere", &address])
        .run()
        .code(1)
        .stderr_has("DO NOT MATCH THE HASHES");
    let refused = words(later).code(1);
    refused.stderr_has("ERROR: Package 'later' requires a different Python: ").stderr_has("not in '>=4'");
    assert!(!place.path("out/later-1-py3-none-any.whl").exists());
    place.ours(&[&FROM[..], &["-d", "out", "--ignore-requires-python"]].concat()).run().ok();
}

#[test]
fn what_describes_another_environment_is_checked_as_pip_checks_it() {
    let place = place();
    let run = |more: &[&str]| place.ours(&[&FROM[..], &["-d", "out"], more].concat()).run();
    for more in [
        &["--platform", "linux_x86_64"][..],
        &["--platform", "linux_x86_64", "--only-binary=:all:", "--no-binary=alpha"],
    ] {
        run(more).code(1).stderr_has("either --no-deps must be set, or --only-binary=:all: must be set");
    }
    let told = run(&["--only-binary=:all:", "--python-version", "3.x"]).code(2);
    told.stderr_has("invalid --python-version value: '3.x': each version part must be an integer");
    run(&["--only-binary=:all:", "--python-version", "3.1.2.3"])
        .code(2)
        .stderr_has("at most three version parts");
    run(&["--python-version", ""]).ok();
}
