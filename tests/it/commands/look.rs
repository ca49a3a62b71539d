//! `list`, `freeze`, `show`, `check` and `inspect`, each against pip itself on one environment.

use super::{Place, dist_info, simple};
use crate::support::offline;
use crate::support::run::pipward;

/// An environment with a bit of everything.
fn everything() -> Place {
    Place::with(&[
        simple("Alpha", "1.0.0")
            .requires("beta>=1")
            .requires("Gamma-Ray (<3,>=1)")
            .requires("colorama; sys_platform == 'win32'")
            .requires("zeta; extra == 'z'")
            .extra("z")
            .header("Summary", "The first")
            .header("Home-page", "https://alpha.example")
            .header("Author", "A. Uthor")
            .header("Author-email", "a@example.org")
            .header("License", "MIT")
            .header("Classifier", "Programming Language :: Python :: 3")
            .header("Classifier", "License :: OSI Approved")
            .header("Keywords", "one,two")
            .header("Project-URL", "Source, https://source.example")
            .entry_points("[console_scripts]\nalpha = alpha:main\n"),
        simple("beta", "2.0rc1").header("Project-URL", "Home Page, https://beta.example").header("Keywords", "a b"),
        simple("gamma.ray", "1.5")
            .requires("Alpha")
            .header("License", "Several lines\n        of text\n        in one header"),
        simple("delta", "1!2.0+local.1").metadata(
            "Metadata-Version: 2.4\nName: delta\nVersion: 1!2.0+local.1\nLicense-Expression: MIT OR Apache-2.0\nSummary: Ünïcode\n\nA description\n\nof lines.\n",
        ),
        simple("built", "1").build_tag("7").wheel("Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nBuild: 7\nTag: py3-none-any\n"),
    ])
}

/// What other tools leave behind.
fn oddities(place: &Place) {
    let library = place.library();
    // No repository: pip looks for one.
    let project = std::path::Path::new("/usr/lib");
    dist_info(
        &library,
        "editable_one-0.1.dist-info",
        &[
            ("METADATA", "Metadata-Version: 2.1\nName: editable.one\nVersion: 0.1\n"),
            ("RECORD", "editable_one-0.1.dist-info/RECORD,,\n"),
            (
                "direct_url.json",
                &format!(r#"{{"dir_info": {{"editable": true}}, "url": "file://{}"}}"#, project.display()),
            ),
        ],
    );
    dist_info(
        &library,
        "fromurl-3.dist-info",
        &[
            ("METADATA", "Metadata-Version: 2.1\nName: fromurl\nVersion: 3\n"),
            ("INSTALLER", "\n  other \n"),
            ("REQUESTED", ""),
            (
                "direct_url.json",
                r#"{"url": "https://e.example/fromurl-3.zip", "archive_info": {"hashes": {"sha256": "ab"}}}"#,
            ),
        ],
    );
    dist_info(
        &library,
        "repository-3.dist-info",
        &[
            ("METADATA", "Metadata-Version: 2.1\nName: repository\nVersion: 3\n"),
            (
                "direct_url.json",
                r#"{"url": "https://e.example/r", "subdirectory": "s", "vcs_info": {"vcs": "git", "commit_id": "0123"}}"#,
            ),
        ],
    );
    dist_info(
        &library,
        "Legacy_Egg-1.1-py3.9.egg-info",
        &[
            ("PKG-INFO", "Metadata-Version: 1.1\nName: Legacy-Egg\nVersion: 1.1\n"),
            ("requires.txt", "beta\n\n[extra]\nzeta\n\n[:python_version>\"3\"]\nmissing-one\n"),
            ("installed-files.txt", "../legacy.py\nPKG-INFO\n"),
        ],
    );
    std::fs::write(library.join("distutils_one-2-py3.9.egg-info"), "Name: distutils-one\nVersion: 2\n")
        .unwrap();
    dist_info(&library, "argparse-1.4.dist-info", &[("METADATA", "Name: argparse\nVersion: 1.4\n")]);
    dist_info(&library, "setuptools-70.dist-info", &[("METADATA", "Name: setuptools\nVersion: 70\n")]);
    dist_info(&library, "pip-1.dist-info", &[("METADATA", "Name: pip\nVersion: 1\n")]);
    dist_info(&library, "~eftover-1.dist-info", &[("METADATA", "Name: leftover\nVersion: 1\n")]);
}

#[test]
fn lists_and_freezes_are_pips() {
    if offline() {
        return; // pip itself comes from PyPI
    }
    let place = everything();
    place.same(&[
        &["list"],
        &["list", "-v"],
        &["list", "--format", "freeze"],
        &["list", "--format=json"],
        &["list", "--format=json", "-v"],
        &["list", "--format=freeze", "-v"],
        &["list", "--not-required"],
        &["list", "--exclude", "Gamma_Ray", "--exclude", "beta"],
        &["list", "-l"],
        &["list", "-q"],
        &["freeze"],
        &["freeze", "--all", "-l"],
        &["freeze", "--exclude", "alpha"],
        &["freeze", "-q"],
        &["list", "--outdated", "--uptodate"],
        &["list", "--outdated", "--format=freeze"],
        &["list", "--format", "nonsense"],
        &["list", "--path", "x", "--user"],
        &["list", "--path", "nowhere"],
        &["freeze", "--path", "env/lib"],
    ]);
    let library = place.library().display().to_string();
    place.same(&[&["list", "--path", &library], &["freeze", "--path", &library]]);
    oddities(&place);
    place.same(&[
        &["list"],
        &["list", "-v"],
        &["list", "-e"],
        &["list", "--exclude-editable"],
        &["list", "--format=json"],
        &["list", "--format=freeze"],
        &["freeze"],
        &["freeze", "--all"],
        &["freeze", "--exclude-editable"],
        &["list", "--user"],
    ]);
}

#[test]
fn a_requirements_file_gives_the_order_of_freeze() {
    if offline() {
        return;
    }
    let place = everything();
    std::fs::write(
        place.path("r.txt"),
        "# first\n-i https://index.example/\n\nbeta>1 # why\nGamma_ray\nnot-there==1\n--pre\nalpha[z]==1.0.0 ; python_version > '3'\n",
    )
    .unwrap();
    std::fs::write(place.path("s.txt"), "# first\nbeta\nbuilt\n").unwrap();
    let said = place.ours(&["freeze", "-r", "r.txt"]).run().ok();
    said.stderr_has(
        "WARNING: Requirement file [r.txt] contains not-there==1, but package 'not-there' is not installed",
    );
    place.same_with_warnings(&[&["freeze", "-r", "r.txt"], &["freeze", "-r", "r.txt", "-r", "s.txt"]]);
}

#[test]
fn shows_are_pips() {
    if offline() {
        return;
    }
    let place = everything();
    place.same_with_warnings(&[
        &["show", "alpha"],
        &["show", "Gamma_Ray", "beta", "delta"],
        &["show", "-f", "ALPHA"],
        &["show", "-v", "alpha", "delta"],
        &["show", "alpha", "nothing", "Nowhere"],
        &["show", "nothing"],
        &["show"],
        &["show", "-q", "alpha"],
    ]);
    oddities(&place);
    place.same(&[
        &["show", "-f", "legacy.egg", "distutils-one"],
        &["show", "-v", "editable-one"],
        &["show", "beta"],
        &["show", "-f", "setuptools"],
    ]);
}

#[test]
fn checks_are_pips() {
    if offline() {
        return;
    }
    let place = everything();
    place.same_with_warnings(&[&["check"]]);
    let library = place.library();
    oddities(&place);
    std::fs::remove_dir_all(library.join("~eftover-1.dist-info")).unwrap();
    dist_info(
        &library,
        "foreign-1.dist-info",
        &[
            (
                "METADATA",
                "Name: Foreign.One\nVersion: 1\nRequires-Dist: alpha (<1 , >0.5)\nRequires-Dist: Absent[x]>=2 ; python_version>'3'\nRequires-Dist: beta==1; extra == 'q'\n",
            ),
            ("WHEEL", "Wheel-Version: 1.0\nTag: cp27-cp27m-win32\n"),
        ],
    );
    dist_info(
        &library,
        "untagged-1.dist-info",
        &[("METADATA", "Name: untagged\nVersion: 1\n"), ("WHEEL", "Wheel-Version: 1.0\n")],
    );
    // One finding a line; pip's order is that of the directory.
    let (ours, theirs) = (place.ours(&["check"]).run(), place.theirs(&["check"]).run());
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&ours.stdout), sorted(&theirs.stdout), "{}", ours.told());
    assert_eq!((ours.code, theirs.code), (Some(1), Some(1)));
    dist_info(
        &library,
        "broken-1.dist-info",
        &[("METADATA", "Name: broken\nVersion: 1\nRequires-Dist: no requirement ===!\n")],
    );
    let told = place.ours(&["check"]).run().code(1);
    told.stderr_has("WARNING: Error parsing dependencies of broken:");
}

#[test]
fn inspections_are_pips() {
    if offline() {
        return;
    }
    let place = everything();
    let library = place.library().display().to_string();
    place.same_json(&[&["inspect"], &["inspect", "--path", &library]]);
    oddities(&place);
    place.same_json(&[&["inspect"], &["inspect", "--local"]]);
}

/// `--outdated` asks a loopback index.
#[test]
fn what_an_index_has_newer_is_told() {
    if offline() {
        return;
    }
    use crate::support::server::{Published, Server, Style};
    use crate::support::wheels::WheelBuilder;
    let place = Place::with(&[simple("alpha", "1"), simple("beta", "1"), simple("gamma", "1")]);
    let server = Server::start();
    let offer = |name: &str, wheels: &[WheelBuilder]| {
        let files: Vec<Published> = wheels.iter().map(|wheel| Published::new(wheel.build())).collect();
        server.publish(name, &files, &Style::default());
    };
    offer("alpha", &[simple("alpha", "1"), simple("alpha", "2"), simple("alpha", "3rc1")]);
    offer("beta", &[simple("beta", "1")]);
    offer("gamma", &[simple("gamma", "3").tag("cp27-none-win32")]);
    let index = server.url("/simple/");
    place.same(&[
        &["list", "-i", &index, "--outdated"],
        &["list", "-i", &index, "--uptodate"],
        &["list", "-i", &index, "--outdated", "--format=json"],
        &["list", "-i", &index, "-o", "--pre"],
    ]);
}

/// Two environments, one of which sees the other's base.
#[test]
fn local_and_user_are_told_apart() {
    if offline() {
        return;
    }
    let place = Place::with(&[simple("alpha", "1")]);
    let cfg = place.environment().join("pyvenv.cfg");
    let text = std::fs::read_to_string(&cfg).unwrap();
    std::fs::write(
        &cfg,
        text.replace("include-system-site-packages = false", "include-system-site-packages = true"),
    )
    .unwrap();
    let user = place.path("base").join(format!("lib/python{}/site-packages", place.python.version));
    dist_info(&user, "ours-1.dist-info", &[("METADATA", "Name: ours\nVersion: 1\n")]);
    dist_info(&user, "alpha-9.dist-info", &[("METADATA", "Name: alpha\nVersion: 9\n")]);
    let more = place.path("more");
    dist_info(&more, "further-1.dist-info", &[("METADATA", "Name: further\nVersion: 1\n")]);
    std::fs::write(
        place.library().join("more.pth"),
        format!("# comment\nimport os\n{}\n/not/there\n", more.display()),
    )
    .unwrap();
    let base = place.path("base");
    for arguments in [&["list", "-v"][..], &["list", "--user"], &["list", "--local"]] {
        let ours = place.ours(arguments).env("PYTHONUSERBASE", &base).run();
        let theirs = place.theirs(arguments).env("PYTHONUSERBASE", &base).run();
        assert_eq!(ours.stdout, theirs.stdout, "{}", ours.told());
    }
    let ours = place.ours(&["list", "-v"]).env("PYTHONPATH", &user).run();
    let theirs = place.theirs(&["list", "-v"]).env("PYTHONPATH", &user).run();
    assert_eq!(ours.stdout, theirs.stdout, "{}", ours.told());
}

#[test]
fn pipward_itself_lists_the_active_environment() {
    let place = Place::with(&[simple("alpha", "1")]);
    let list = || pipward(["list", "--format", "freeze"]);
    list().env("VIRTUAL_ENV", place.environment()).run().ok().stdout_has("alpha==1\n");
    list().arg("--python").arg(place.environment()).run().ok().stdout_has("alpha==1\n");
    let told = pipward(["--json", "show", "alpha"]).env("VIRTUAL_ENV", place.environment()).run().ok();
    let json: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(json["packages"][0]["version"], "1");
}
