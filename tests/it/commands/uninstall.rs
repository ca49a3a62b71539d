//! `uninstall`: pip's words, and all of it or nothing.

use super::{Place, dist_info, simple};
use crate::support::offline;
use crate::support::run::Run;
use crate::support::tree::{Node, assert_same, tree};
use crate::support::wheels::WheelBuilder;

fn wheels() -> Vec<WheelBuilder> {
    vec![
        simple("Alpha.One", "1.0")
            .file("alpha_one/deep/er/mod.py", "x = 1\n")
            .file("alpha_top.py", "")
            .data("data", "share/alpha/file.txt", "data")
            .data("headers", "alpha.h", "")
            .entry_points("[console_scripts]\nalpha = alpha_one:main\n"),
        simple("beta", "2"),
        simple("gamma", "3"),
    ]
}

/// The same command by pip and by pipward, each from the same tree, leads to the same tree.
#[track_caller]
pub(super) fn same_removal(arguments: &[&str], prepare: impl Fn(&Place)) {
    let place = Place::with(&[]);
    let before = tree(&place.environment());
    let mut ended = Vec::new();
    for theirs in [true, false] {
        std::fs::remove_dir_all(place.environment()).unwrap();
        Run::new(&place.python.executable)
            .args(["-I", "-m", "venv", "--without-pip"])
            .arg(place.environment())
            .run()
            .ok();
        assert_same(&before, &tree(&place.environment()));
        place.install(&wheels()).ok();
        prepare(&place);
        let run = if theirs { place.theirs(arguments) } else { place.ours(arguments) };
        let output = run.env("PIP_ROOT_USER_ACTION", "ignore").run();
        let mut left = tree(&place.environment());
        // pip leaves some directories empty.
        let all: Vec<String> = left.keys().cloned().collect();
        for path in all.iter().rev() {
            let is_empty = !left.keys().any(|other| other.starts_with(&format!("{path}/")));
            if is_empty && matches!(left[path], Node::Directory { .. }) {
                left.remove(path);
            }
        }
        ended.push((output, left));
    }
    let (theirs, ours) = (&ended[0], &ended[1]);
    assert_eq!(ours.0.code, theirs.0.code, "{}{}", theirs.0.told(), ours.0.told());
    assert_eq!(ours.0.stdout, theirs.0.stdout, "{}{}", theirs.0.told(), ours.0.told());
    assert_eq!(ours.0.stderr, theirs.0.stderr);
    assert_same(&theirs.1, &ours.1);
}

/// RECORD has them in quotes.
#[test]
fn scripts_with_a_comma_come_and_go() {
    let place = Place::with(&[]);
    let before = tree(&place.environment());
    let points = "[console_scripts]\n,test_ = alpha:main\n, = alpha:main\n";
    place.install(&[simple("alpha", "1").entry_points(points)]).ok();
    for script in [",test_", ","] {
        assert!(place.environment().join("bin").join(script).is_file(), "{script}");
    }
    place.ours(&["check"]).run().ok();
    place.ours(&["uninstall", "-y", "alpha"]).run().ok().stdout_has("Successfully uninstalled alpha-1");
    assert_same(&before, &tree(&place.environment()));
}

#[test]
fn removals_are_pips() {
    if offline() {
        return;
    }
    let nothing = |_: &Place| {};
    same_removal(&["uninstall", "-y", "alpha-one"], nothing);
    same_removal(&["uninstall", "-y", "ALPHA_one", "nothing", "beta"], nothing);
    same_removal(&["uninstall", "-y", "nothing"], nothing);
    same_removal(&["uninstall", "-y", "-r", "list.txt"], |place| {
        std::fs::write(place.path("list.txt"), "beta==9 # another\ngamma\nnot-there\n").unwrap();
    });
    // Byte-code goes with its module, and what others put there stays.
    same_removal(&["uninstall", "-y", "alpha.one", "gamma"], |place| {
        let python = place.environment().join("bin/python");
        Run::new(python)
            .args(["-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"])
            .arg(place.library())
            .run()
            .ok();
        std::fs::write(place.library().join("alpha_one/mine.txt"), "kept").unwrap();
    });
}

#[test]
fn nothing_named_is_an_error() {
    let place = Place::with(&[]);
    place
        .ours(&["uninstall", "-y"])
        .run()
        .code(1)
        .stderr_has("You must give at least one requirement to uninstall");
    place.ours(&["uninstall", "-y", "-r", "missing.txt"]).run().code(1).stderr_has("missing.txt");
    place
        .ours(&["uninstall", "-y", "./local"])
        .run()
        .code(1)
        .stderr_has("WARNING: Invalid requirement: './local' ignored");
}

/// One that cannot go keeps the others in.
#[test]
fn promise_4_all_of_a_set_goes_or_none() {
    let place = Place::with(&wheels());
    dist_info(&place.library(), "norecord-1.dist-info", &[("METADATA", "Name: norecord\nVersion: 1\n")]);
    let before = tree(&place.environment());
    let told = place.ours(&["uninstall", "-y", "alpha-one", "norecord", "beta"]).run().code(1);
    let told = told.stderr_has("Cannot uninstall norecord 1");
    let told = told
        .stderr_has("error: uninstall-no-record-file\n\n× Cannot uninstall norecord 1\n╰─> The package's");
    told.stderr_has("The package's contents are unknown: no RECORD file was found for norecord.");
    assert_same(&before, &tree(&place.environment()));
    place.ours(&["uninstall", "-y", "alpha-one", "beta", "gamma"]).run().ok();
    place.ours(&["list"]).run().ok().stdout_has("norecord");
}

/// What a distribution vendors, `.dist-info` directories among it, comes and goes with it.
#[test]
fn dist_infos_that_are_vendored_are_the_distributions_own() {
    let vendor = |version: &str| {
        simple("vendor", version)
            .file("vendor/_vendor/inner-1.0.dist-info/METADATA", format!("Name: inner\n# {version}\n"))
            .file("vendor/_vendor/inner-1.0.dist-info/INSTALLER", version)
            .file("vendor/_vendor/inner.egg-info/PKG-INFO", version)
    };
    let place = Place::with(&[vendor("1")]);
    place.install(&[vendor("2")]).ok();
    let inner = place.library().join("vendor/_vendor/inner-1.0.dist-info/INSTALLER");
    assert_eq!(std::fs::read_to_string(&inner).unwrap(), "2");
    place.ours(&["uninstall", "-y", "vendor"]).run().ok();
    assert!(!place.library().join("vendor").exists());
}

/// A RECORD that somebody forged leads nowhere.
#[test]
fn a_forged_record_takes_nothing_along() {
    let place = Place::with(&wheels());
    let outside = place.path("precious.txt");
    std::fs::write(&outside, "precious").unwrap();
    let record = place.library().join("beta-2.dist-info/RECORD");
    let text = std::fs::read_to_string(&record).unwrap();
    let forged = format!(
        "{text}../../../../precious.txt,,\n{},,\n../../../bin/python,,\n../../../pyvenv.cfg,,\ngamma/__init__.py,,\n",
        outside.display()
    );
    std::fs::write(&record, forged).unwrap();
    place.ours(&["uninstall", "-y", "beta"]).run().ok().stdout_has("Successfully uninstalled beta-2");
    assert!(outside.is_file());
    assert!(place.environment().join("pyvenv.cfg").is_file());
    assert!(place.library().join("gamma/__init__.py").is_file(), "a file of another distribution");
    place.ours(&["list"]).run().ok();
}

#[test]
fn without_yes_somebody_has_to_answer() {
    let place = Place::with(&wheels());
    let before = tree(&place.environment());
    let told = place.ours(&["uninstall", "alpha-one"]).run();
    assert_ne!(told.code, Some(0));
    let library = place.library().canonicalize().unwrap();
    let told =
        told.stdout_has("  Would remove:\n").stdout_has(&format!("    {}/alpha_one/*\n", library.display()));
    told.stdout_has("Proceed (Y/n)? ");
    assert_same(&before, &tree(&place.environment()));
}

/// Paths and addresses name nothing, but by the file name of a wheel.
#[test]
fn what_is_no_name_is_passed_over_and_named_by_a_wheel() {
    let place = Place::with(&[simple("beta", "2")]);
    for text in ["Trolls.tar.gz", "https://example.org/archives/", "./somewhere"] {
        let told = place.ours(&["uninstall", "-y", text]).run().code(1);
        told.stderr_has(&format!(
            "WARNING: Invalid requirement: '{text}' ignored - the uninstall command expects named requirements."
        ))
        .stderr_has("ERROR: You must give at least one requirement to uninstall");
    }
    place
        .ours(&["uninstall", "-y", "./wheels/beta-2-py3-none-any.whl"])
        .run()
        .ok()
        .stdout_has("Successfully uninstalled beta-2");
}

/// Which distribution it is, as it tells itself, and who may know more.
#[test]
fn what_has_no_record_is_told_with_who_installed_it() {
    let place = Place::with(&[simple("Beta.One", "2")]);
    let info = place.library().join("beta_one-2.dist-info");
    std::fs::remove_file(info.join("RECORD")).unwrap();
    let refused = || {
        let told = place.ours(&["uninstall", "-y", "beta.one"]).run().code(1);
        told.stdout_has("Found existing installation: Beta.One 2\n")
            .stderr_has("Cannot uninstall Beta.One 2\n")
            .stderr_has("no RECORD file was found for Beta.One.")
    };
    refused();
    std::fs::write(info.join("INSTALLER"), "Some Other Tool\n").unwrap();
    refused().stderr_has("hint: The package was installed by Some Other Tool. You should check if it can");
}

#[test]
fn nothing_is_asked_where_nothing_may_be() {
    let place = Place::with(&[simple("beta", "2")]);
    let before = tree(&place.environment());
    let told = place.ours(&["uninstall", "beta", "--no-input"]).run().code(1);
    told.stderr_has("No input was expected");
    place
        .ours(&["uninstall", "beta"])
        .env("PIP_NO_INPUT", "1")
        .run()
        .code(1)
        .stderr_has("No input was expected");
    assert_same(&before, &tree(&place.environment()));
    place.ours(&["uninstall", "beta", "--no-input", "-y"]).run().ok();
}
