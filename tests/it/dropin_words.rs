//! What a run as pip tells: names as they were asked for, what asked for what, what contradicts what; and what it need not
//! look at again.

use std::path::PathBuf;

use crate::dropin_install::{World, plain};
use crate::support::run::Output;

/// Where a module of the environment is.
pub fn module(world: &World, name: &str) -> PathBuf {
    let mut found = Vec::new();
    let lib = world.path("env/lib");
    for python in std::fs::read_dir(lib).unwrap() {
        let path = python.unwrap().path().join("site-packages").join(name);
        found.extend(path.exists().then_some(path));
    }
    found.pop().unwrap_or_else(|| panic!("{name} is not installed"))
}

fn says(output: &Output, lines: &[&str]) {
    for line in lines {
        assert!(output.stdout.contains(line), "`{line}` is missing: {}", output.told());
    }
}

#[test]
fn names_are_told_as_they_were_asked_for() {
    let world = World::new();
    let beet = world.wheel(&plain("Red_Beet", "1.0").requires("Soil>=1,<3"));
    let soil = world.wheel(&plain("soil", "2.0"));
    world.write("c.txt", &(beet + &soil));
    let told = world.install(&["Red.Beet", "-c", "c.txt"]).ok();
    says(
        &told,
        &[
            "Processing ./links/red_beet-1.0-py3-none-any.whl\n",
            "Processing ./links/soil-2.0-py3-none-any.whl (from Red.Beet==1.0)\n",
            "Installing collected packages: Soil, Red.Beet\n",
            "Successfully installed Red.Beet-1.0 Soil-2.0\n",
        ],
    );
    let installer = module(&world, "soil-2.0.dist-info/INSTALLER");
    assert_eq!(std::fs::read_to_string(installer).unwrap(), "pip\n");
    let again = world.install(&["Red.Beet", "-c", "c.txt"]).ok();
    says(
        &again,
        &["Requirement already satisfied: Red.Beet in ", "Requirement already satisfied: Soil<3,>=1 in "],
    );
    says(&again, &[" (from Red.Beet) (2.0)\n"]);
    world.write("r.txt", "-c c.txt\nred-beet==1.0\n");
    let lines = world.install(&["-r", "r.txt"]).ok();
    says(&lines, &[" (from red-beet==1.0->-r r.txt (line 2)) (2.0)\n"]);
}

#[test]
fn contradictions_are_told_on_both_streams() {
    let world = World::new();
    let old = world.wheel(&plain("plum_tree", "1.0"));
    let new = world.wheel(&plain("plum_tree", "2.0"));
    let stone = world.wheel(&plain("stone", "1.0").requires("plum-tree==2.0"));
    world.write("old.txt", &old);
    world.write("both.txt", &(old.clone() + &new));
    world.write("stone.txt", &(old.clone() + &stone));
    world.write("not.txt", "plum_tree!=1.0\n");
    let cases: [(&[&str], &str, &[&str]); 4] = [
        (
            &["-r", "both.txt"],
            "Cannot install plum_tree==1.0 and plum_tree==2.0 because",
            &["The user requested plum_tree==1.0\n", "The user requested plum_tree==2.0\n"],
        ),
        (
            &["-r", "old.txt", "-c", "not.txt"],
            "Cannot install plum_tree==1.0 because",
            &["The user requested plum_tree==1.0\n", "The user requested (constraint) plum-tree!=1.0\n"],
        ),
        (
            &["plum_tree==2.0", "-c", "old.txt"],
            "Cannot install plum_tree==2.0 because",
            &["The user requested (constraint) plum-tree==1.0\n"],
        ),
        (
            &["-r", "stone.txt"],
            "Cannot install stone and plum-tree==1.0 because",
            &["stone 1.0 depends on plum-tree==2.0\n"],
        ),
    ];
    for (words, told, lines) in cases {
        let output = world.install(words).code(1).stderr_has(told).stderr_has("ResolutionImpossible");
        says(&output, &["The conflict is caused by:\n"]);
        says(&output, lines);
    }
}

#[test]
fn what_was_asked_for_is_told_of_constraints_that_exclude_it() {
    let world = World::new();
    let old = world.wheel(&plain("plum_tree", "1.0"));
    let new = world.wheel(&plain("plum_tree", "2.0"));
    let path = world.path("links/plum_tree-2.0-py3-none-any.whl").display().to_string();
    let hash = new.trim_end().rsplit("sha256:").next().unwrap().to_owned();
    world.write("old.txt", &old);
    world.write("newer.txt", "plum_tree>1\n");
    world.write("two.txt", &(old.clone() + &format!("plum_tree @ file://{path}#sha256={hash}\n")));
    let direct = format!("file://{path}#sha256={hash}");
    let told = format!("Cannot install plum-tree 2.0 (from {path}) because");
    let cases: [(&[&str], &str); 4] = [
        (&["plum_tree>1", "-c", "old.txt"], "Cannot install plum_tree>1 because"),
        (&["-r", "newer.txt", "-c", "old.txt"], "Cannot install plum_tree>1 because"),
        (&["plum_tree", "-c", "two.txt"], "Cannot install plum_tree because"),
        (&[&direct, "-c", "old.txt"], &told),
    ];
    for (words, told) in cases {
        let output = world.install(words).code(1).stderr_has(told).stderr_has("ResolutionImpossible");
        says(&output, &["The conflict is caused by:\n"]);
    }
}

#[test]
fn nothing_that_vouches_for_a_name_is_no_version_of_it() {
    let world = World::new();
    let beet = world.wheel(&plain("beet", "1.0").requires("Red_Soil; extra == 'more'").extra("more"));
    world.write("c.txt", &beet);
    let typed = world.install(&["turnip", "-c", "c.txt"]).code(1);
    typed
        .stderr_has("requirement turnip (from versions: none)")
        .stderr_has("distribution found for turnip\n");
    let needed = world.install(&["beet[more]", "-c", "c.txt"]).code(1);
    needed.stderr_has("the requirement Red_Soil (from beet) (from versions: none)");
    let hint = world.install(&["requirements.txt", "-c", "c.txt"]).code(1);
    says(&hint, &["literally named \"requirements.txt\""]);
    let odd = world.install(&["-r", "c.txt", "--index-url", "--user"]);
    odd.stderr_has("WARNING: The index url \"--user\" seems invalid, please provide a scheme.");
}

#[test]
fn what_goes_on_is_told_on_standard_output() {
    let world = World::new();
    let beet = world.wheel(&plain("beet", "1.0"));
    world.write("r.txt", &beet);
    let told = world.install(&["-vv", "-r", "r.txt"]).ok();
    assert_eq!(told.stderr, "");
    says(
        &told,
        &["Using pip ", "Checked 1 links for project 'beet' against 1 hashes (0 matches, 1 no digest)"],
    );
}

#[test]
fn an_extra_that_is_asked_for_on_the_way_and_is_not_there_is_told() {
    let world = World::new();
    let soil = world.wheel(&plain("soil", "1.0"));
    let beet = world.wheel(&plain("beet", "1.0").extra("all").requires("soil[deep]; extra == 'all'"));
    world.write("c.txt", &(beet + &soil));
    let told = world.install(&["beet", "beet[all]", "-c", "c.txt"]).ok();
    told.clone().stderr_has("soil 1.0 does not provide the extra 'deep'");
    says(&told, &["soil-1.0-py3-none-any.whl (from beet[all])\n"]);
}

#[test]
fn hashes_that_differ_are_told_side_by_side() {
    let world = World::new();
    let right = world.wheel(&plain("plum", "1.0"));
    let got = right.trim_end().rsplit(':').next().unwrap().to_owned();
    let wrong = right.replace(&got, &"0".repeat(64));
    let file = world.path("links/plum-1.0-py3-none-any.whl").display().to_string();
    world.write("wrong.txt", &wrong);
    world.write("address.txt", &format!("plum @ file://{file}\n"));
    world.write("right.txt", &right);
    let words: [&[&str]; 2] = [&["-r", "wrong.txt"], &["-r", "wrong.txt", "-c", "address.txt"]];
    for words in words {
        let told = world.install(words).code(1).stderr_has("DO NOT MATCH THE HASHES");
        let told = told.stderr_has(&format!("Expected sha256 {}", "0".repeat(64)));
        told.stderr_has(&format!("Got        {got}"));
    }
    // Two lines, or a line and a constraint, with nothing in common.
    world.install(&["-r", "wrong.txt", "-r", "right.txt"]).code(1).stderr_has("DO NOT MATCH THE HASHES");
    world.install(&["-r", "right.txt", "-c", "wrong.txt"]).code(1).stderr_has("DO NOT MATCH THE HASHES");
    // An address as a constraint says where the pinned file is.
    world.pip(&["install", "--no-index", "-r", "right.txt", "-c", "address.txt"]).ok();
    module(&world, "plum.py");
}

#[test]
fn a_constraint_says_no_more_than_versions() {
    let world = World::new();
    world.write("r.txt", &world.wheel(&plain("plum", "1.0")));
    for (line, told) in [
        ("-e .\n", "Editable requirements are not allowed as constraints"),
        ("./plum-1.0.zip\n", "Unnamed requirements are not allowed as constraints"),
        ("plum[more]\n", "Constraints cannot have extras"),
    ] {
        world.write("c.txt", line);
        world.install(&["-r", "r.txt", "-c", "c.txt"]).code(1).stderr_has(told);
    }
    world.install(&["-r", "r.txt", "-c", "gone.txt"]).code(1).stderr_has("Could not open constraint file:");
}

#[test]
fn what_has_not_changed_is_not_fetched_again() {
    let world = World::new();
    world.write("c.txt", &world.wheel(&plain("plum", "1.0")));
    let words = ["plum", "-c", "c.txt"];
    world.install_again(&words).ok();
    let wheel = world.path("links/plum-1.0-py3-none-any.whl");
    let away = world.path("away.whl");
    std::fs::rename(&wheel, &away).unwrap();
    says(&world.install_again(&words).ok(), &["Requirement already satisfied: plum in "]);
    world.install_again(&[&words[..], &["--rehash", "--no-cache-dir"]].concat()).code(1);
    std::fs::rename(&away, &wheel).unwrap();
    world.install_again(&[&words[..], &["--rehash"]].concat()).ok();
    // A file that was changed is put right, or refused.
    let plum = module(&world, "plum.py");
    let before = std::fs::read_to_string(&plum).unwrap();
    std::fs::write(&plum, "changed = True\n").unwrap();
    world.install_again(&[&words[..], &["--no-heal"]].concat()).code(1).stderr_has("file-changed");
    assert_eq!(std::fs::read_to_string(&plum).unwrap(), "changed = True\n");
    says(&world.install_again(&words).ok(), &["Successfully installed plum-1.0"]);
    assert_eq!(std::fs::read_to_string(&plum).unwrap(), before);
}

#[test]
fn scripts_dependencies_and_other_pythons() {
    let world = World::new();
    let stone = world.wheel(&plain("stone", "1.0").requires("plum"));
    let plum = world.wheel(&plain("plum", "1.0"));
    let odd = world.wheel(&plain("odd", "1.0").requires_python("<3"));
    world.write("c.txt", &(stone + &plum));
    world.write("odd.txt", &odd);
    world.write("s.py", "# /// script\n# dependencies = ['plum']\n# ///\nprint()\n");
    let script = world.install(&["--requirements-from-script", "s.py", "-c", "c.txt"]).ok();
    says(&script, &["Successfully installed plum-1.0"]);
    world.write("s.py", "print()\n");
    world.install(&["--requirements-from-script", "s.py", "-c", "c.txt"]).code(1).stderr_has("PEP 723");
    world.pip(&["uninstall", "-y", "plum"]).ok();
    let only = world.install(&["--only-deps", "stone", "-c", "c.txt"]).ok();
    says(&only, &["Successfully installed plum-1.0\n"]);
    world.install(&["-r", "odd.txt"]).code(1).stderr_has("requires a different Python");
    world.install(&["-r", "odd.txt", "--ignore-requires-python"]).ok();
    let missing = world.pip(&[
        "install",
        "--no-index",
        "-f",
        "nowhere",
        "-f",
        "links",
        "-r",
        "odd.txt",
        "-I",
        "--ignore-requires-python",
    ]);
    missing.ok().stderr_has("WARNING: Location 'nowhere' is ignored");
}

#[test]
fn the_options_of_lock_and_index_are_taken_or_refused() {
    let world = World::new();
    world.wheel(&plain("plum", "1.0"));
    world.wheel(&plain("plum", "2.0a1"));
    let links = ["--no-index", "--find-links", "links"];
    let pip = |words: &[&str]| world.pip(&[words, &links].concat());
    let locked = pip(&["lock", "plum", "--progress-bar", "off", "--src", "x", "--only-binary", ":all:"]).ok();
    assert!(locked.stderr.is_empty(), "{}", locked.told());
    assert!(world.path("pylock.toml").is_file());
    for option in ["--no-deps", "--only-deps", "--ignore-requires-python", "--no-require-hashes"] {
        pip(&["lock", "plum", option]).code(1).stderr_has(option);
    }
    pip(&["lock", "-e", "."]).code(1).stderr_has("editable");
    let versions =
        pip(&["index", "versions", "plum", "--python-version", "3.8", "--platform", "win_amd64"]).ok();
    says(&versions, &["Available versions: 1.0\n"]);
    says(&pip(&["index", "versions", "plum", "--all-releases", ":all:"]).ok(), &["2.0a1, 1.0"]);
    let words = ["index", "versions", "plum", "--all-releases", ":all:", "--only-final", "Plum"];
    says(&pip(&words).ok(), &["Available versions: 1.0\n"]);
    pip(&["index", "versions", "plum", "--pre", "--only-final", ":all:"])
        .code(1)
        .stderr_has("--pre cannot be");
    let foreign = world.pip(&["debug", "--python-version", "3.8", "--platform", "win_amd64"]).ok();
    says(&foreign, &["cp38-cp38-win_amd64"]);
}

#[test]
fn what_was_taken_back_is_told() {
    let world = World::new();
    let one = world.wheel(&plain("plum", "1.0"));
    let two = world.wheel(&plain("plum", "2.0"));
    world.wheel(&plain("plum", "3.0"));
    std::fs::create_dir_all(world.path("index/plum")).unwrap();
    world.write(
        "index/plum/index.html",
        "<a href='../../links/plum-1.0-py3-none-any.whl'>1</a>\
         <a data-yanked='it is &lt;bad&gt;' href='../../links/plum-2.0-py3-none-any.whl'>2</a>\
         <a data-requires-python='&lt;3' href='../../links/plum-3.0-py3-none-any.whl'>3</a>",
    );
    world.write("one.txt", &one);
    world.write("two.txt", &two);
    world.write("four.txt", &one.replace("1.0", "4.0"));
    let index = format!("file://{}", world.path("index").display());
    let install = |words: &[&str]| world.pip(&[&["install", "--index-url", &index], words].concat());
    let told = install(&["-r", "two.txt"]).ok().stderr_has("Reason for being yanked: it is <bad>");
    told.stderr_has("is a yanked version: 'plum' candidate (version 2.0 at ");
    let told = install(&["-r", "four.txt"]).code(1);
    let told = told.stderr_has("Ignored the following yanked versions: 2.0\n");
    let told = told.stderr_has("that require a different python version: 3.0 Requires-Python <3\n");
    told.stderr_has("satisfies the requirement plum==4.0 (from versions: 1.0)\n");
    assert!(install(&["-r", "one.txt"]).ok().stderr.is_empty());
    let versions = |more: &[&str]| world.pip(&[&["index", "versions", "plum", "-i", &index], more].concat());
    says(&versions(&["--ignore-requires-python"]).ok(), &["Available versions: 3.0, 1.0\n"]);
    versions(&["--uploaded-prior-to", "soon"]).code(2).stderr_has("'soon': expected a date");
}

#[test]
fn usage_is_told_as_pip_tells_it() {
    let world = World::new();
    let told = world.install(&["plum", "--upgrade-strategy", "lazy"]).code(2);
    told.stderr_has("invalid choice: 'lazy' (choose from 'only-if-needed', 'eager')");
    world.pip(&["index", "versions", "a", "b"]).code(1).stderr_has("specify exactly one argument");
    world.install(&["--group", "x"]).code(1).stderr_has("pyproject.toml not found. Cannot resolve '--group'");
    world.write("pyproject.toml", "[dependency-groups]\nx = []\n");
    world.install(&["--group", "y"]).code(1).stderr_has("Dependency group 'y' not found");
    world.write("s.py", "# /// script\n# requires-python = '<3'\n# ///\n");
    let told = world.install(&["--requirements-from-script", "s.py"]).code(1);
    told.stderr_has("Script 's.py' requires a different Python: ");
}

#[test]
fn what_no_longer_goes_together_is_told() {
    let world = World::new();
    let stone = world.wheel(&plain("stone", "1.0").requires("plum<2"));
    let plum = world.wheel(&plain("plum", "1.0"));
    world.write("both.txt", &(stone + &plum));
    world.write("two.txt", &world.wheel(&plain("plum", "2.0")));
    world.install(&["-r", "both.txt"]).ok();
    let told = world.install(&["-r", "two.txt"]).ok();
    assert_eq!(
        told.stderr,
        "ERROR: pip's dependency resolver does not currently take into account all the packages that are installed. \
         This behaviour is the source of the following dependency conflicts.\n\
         stone 1.0 requires plum<2, but you have plum 2.0 which is incompatible.\n"
    );
}
