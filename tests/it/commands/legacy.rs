//! What setuptools and distutils left in an environment: taken out where a list says what belongs to it.

use super::uninstall::same_removal;
use super::{Place, dist_info, simple};
use crate::support::offline;
use crate::support::run::Run;
use crate::support::tree::{assert_same, tree};

/// As `setup.py install --record` left it: `.egg-info` with a list whose paths begin there.
fn setuptools(place: &Place) {
    let library = place.library();
    std::fs::create_dir_all(library.join("legacy/deep")).unwrap();
    for file in ["legacy/__init__.py", "legacy/deep/mod.py", "legacy_top.py"] {
        std::fs::write(library.join(file), "x = 1\n").unwrap();
    }
    std::fs::write(place.environment().join("bin/legacy"), "#!/bin/sh\n").unwrap();
    let list = "../legacy/__init__.py\n../legacy/deep/mod.py\n../legacy_top.py\nPKG-INFO\ntop_level.txt\n\
                ../../../../bin/legacy\n";
    dist_info(
        &library,
        "Legacy.Egg-1.1-py3.9.egg-info",
        &[
            ("PKG-INFO", "Metadata-Version: 1.1\nName: Legacy.Egg\nVersion: 1.1\n"),
            ("top_level.txt", "legacy\nlegacy_top\n"),
            ("installed-files.txt", list),
        ],
    );
    let python = place.environment().join("bin/python");
    Run::new(python).args(["-I", "-m", "compileall", "-q"]).arg(library.join("legacy")).run().ok();
}

#[test]
fn an_egg_info_with_a_list_goes_as_with_pip() {
    if offline() {
        return;
    }
    same_removal(&["uninstall", "-y", "legacy.egg"], setuptools);
    // What was put beside it stays.
    same_removal(&["uninstall", "-y", "Legacy-Egg", "beta"], |place| {
        setuptools(place);
        std::fs::write(place.library().join("legacy/mine.txt"), "kept").unwrap();
    });
}

#[test]
fn a_list_leads_nowhere_else() {
    let place = Place::with(&[simple("beta", "2")]);
    setuptools(&place);
    let precious = place.path("precious.txt");
    std::fs::write(&precious, "precious").unwrap();
    let list = place.library().join("Legacy.Egg-1.1-py3.9.egg-info/installed-files.txt");
    let text = std::fs::read_to_string(&list).unwrap();
    let forged = format!(
        "{text}../../../../../precious.txt\n{}\n../../../../pyvenv.cfg\n../../../../bin/python\n../beta/__init__.py\n\
         ../beta-2.dist-info/RECORD\n",
        precious.display()
    );
    std::fs::write(&list, forged).unwrap();
    place
        .ours(&["uninstall", "-y", "legacy-egg"])
        .run()
        .ok()
        .stdout_has("Successfully uninstalled Legacy.Egg-1.1");
    assert!(precious.is_file() && place.environment().join("pyvenv.cfg").is_file());
    assert!(
        place.environment().join("bin/python").exists() && !place.environment().join("bin/legacy").exists()
    );
    assert!(place.library().join("beta/__init__.py").is_file());
    assert!(place.library().join("beta-2.dist-info/RECORD").is_file());
    assert!(!place.library().join("legacy").exists() && !list.exists());
}

/// A newer release from a wheel takes the place of what setuptools left.
#[test]
fn an_egg_info_is_replaced_by_a_wheel() {
    let place = Place::with(&[]);
    setuptools(&place);
    let wheel = simple("legacy-egg", "2.0").file("legacy/__init__.py", "x = 2\n");
    place.install(&[wheel]).ok().stdout_has("Successfully installed legacy_egg-2.0");
    let listed = place.ours(&["list", "--format", "freeze"]).run().ok();
    assert_eq!(listed.stdout, "legacy-egg==2.0\n");
    assert!(!place.library().join("legacy_top.py").exists());
    place.ours(&["check"]).run().ok();
}

/// As `setup.py develop` left it: a link to a project, a line among others in `easy-install.pth`, and a script.
fn develop(place: &Place) {
    let (library, project) = (place.library(), place.path("project"));
    let _ = std::fs::remove_dir_all(&project);
    let info = ("PKG-INFO", "Metadata-Version: 1.1\nName: linked\nVersion: 4\n");
    let points = ("entry_points.txt", "[console_scripts]\nlinked-run = linked:main\n");
    dist_info(&project, "linked.egg-info", &[info, points]);
    std::fs::write(project.join("linked.py"), "x = 1\n").unwrap();
    std::fs::write(place.environment().join("bin/linked-run"), "#!/bin/sh\n").unwrap();
    std::fs::write(library.join("linked.egg-link"), format!("{}\n.", project.display())).unwrap();
    let lines = format!("/elsewhere\n{}\n/another", project.display());
    std::fs::write(library.join("easy-install.pth"), lines).unwrap();
}

#[test]
fn an_egg_link_goes_as_with_pip_and_its_project_stays() {
    if offline() {
        return;
    }
    same_removal(&["uninstall", "-y", "Linked", "beta"], develop);
    same_removal(&["uninstall", "-y", "linked"], |place| {
        develop(place);
        let alone = format!("{}\r\n", place.path("project").display());
        std::fs::write(place.library().join("easy-install.pth"), alone).unwrap();
    });
    let place = Place::with(&[]);
    develop(&place);
    let project = tree(&place.path("project"));
    place.ours(&["uninstall", "-y", "linked"]).run().ok();
    assert_same(&project, &tree(&place.path("project")));
    assert_eq!(
        std::fs::read_to_string(place.library().join("easy-install.pth")).unwrap(),
        "/elsewhere\n/another\n"
    );
}

/// The project may be anybody's: what it names is no more than scripts that nobody else owns.
#[test]
fn an_egg_link_leads_to_nothing_else() {
    let place = Place::with(&[]);
    develop(&place);
    let points = "[console_scripts]\npython = a:b\n../../precious = a:b\nkept = a:b\n";
    std::fs::write(place.path("project/linked.egg-info/entry_points.txt"), points).unwrap();
    std::fs::write(place.path("precious"), "precious").unwrap();
    place.ours(&["uninstall", "-y", "linked"]).run().ok().stdout_has("Successfully uninstalled linked-4");
    assert!(place.path("precious").is_file() && place.environment().join("bin/python").exists());
    assert!(!place.library().join("linked.egg-link").exists());
}

/// Nothing says which files belong to these; pip refuses the first, and guesses at the other.
#[test]
fn what_has_no_list_is_refused_with_its_reason() {
    let place = Place::with(&[simple("beta", "2")]);
    let library = place.library();
    std::fs::write(library.join("distutils_one-2-py3.9.egg-info"), "Name: distutils-one\nVersion: 2\n")
        .unwrap();
    let info = ("PKG-INFO", "Metadata-Version: 1.1\nName: unlisted\nVersion: 3\n");
    dist_info(&library, "unlisted-3.egg-info", &[info, ("top_level.txt", "unlisted\n")]);
    let before = tree(place.scratch.path());
    let refused = |name: &str, told: &str, why: &str| {
        let output = place.ours(&["uninstall", "-y", "beta", name]).run().code(1);
        output.stderr_has(&format!("Cannot uninstall {told}")).stderr_has(why);
    };
    refused(
        "distutils-one",
        "distutils-one 2",
        "It is a distutils installed project and thus we cannot accurately",
    );
    refused("unlisted", "unlisted 3", "an older tool left no list of its files");
    assert_same(&before, &tree(place.scratch.path()));
    // Nor does one of them stand in the way of others.
    place.ours(&["uninstall", "-y", "beta"]).run().ok();
}

/// An egg is a directory on the path of its own. It is told as pip tells it; only its own tool takes it out.
#[test]
fn eggs_are_told_and_left_alone() {
    let place = Place::with(&[simple("beta", "2")]);
    let library = place.library();
    let metadata = ("PKG-INFO", "Metadata-Version: 1.1\nName: Old.Egg\nVersion: 1.2\n");
    dist_info(&library, "Old.Egg-1.2-py3.9.egg/EGG-INFO", &[metadata]);
    let pth = library.join("easy-install.pth");
    assert!(!place.ours(&["list"]).run().ok().stdout.contains("Old.Egg"));
    std::fs::write(&pth, "./Old.Egg-1.2-py3.9.egg\n").unwrap();
    if offline() {
        place.ours(&["list"]).run().ok().stdout_has("Old.Egg");
    } else {
        place.same(&[&["list"], &["freeze"], &["show", "old-egg"], &["list", "--format=json"]]);
    }
    let before = tree(place.scratch.path());
    let told = place.ours(&["uninstall", "-y", "old.egg"]).run().code(1);
    told.stderr_has("Cannot uninstall Old.Egg 1.2");
    assert_same(&before, &tree(place.scratch.path()));
}
