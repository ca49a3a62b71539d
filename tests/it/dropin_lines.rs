//! The lines of a run as pip, where extras, groups, scripts, markers and addresses ask for things; and what is said of
//! words that mean nothing.

use crate::dropin_install::{World, plain};
use crate::support::run::Output;
use crate::support::server::{Form, Published, Server, Style};

/// The lines of a run that tell what was asked for by whom.
fn asked(output: &Output) -> Vec<&str> {
    let told = |line: &&str| {
        ["Collecting ", "Processing ", "Requirement already ", "Ignoring ", "Installing "]
            .iter()
            .any(|start| line.starts_with(start))
            || line.contains("is already installed")
    };
    output.stdout.lines().filter(told).collect()
}

/// A world with `Red_Beet[deep]`, which needs soil, and with its extra the well, which needs a rope.
fn garden() -> (World, String) {
    let world = World::new();
    let all = [
        plain("Red_Beet", "1.0").extra("deep").requires("soil>=1").requires("Well; extra == 'deep'"),
        plain("soil", "1.0").requires_python(">=3"),
        plain("Well", "1.0").requires("rope"),
        plain("rope", "1.0"),
    ];
    let pins: String = all.iter().map(|wheel| world.wheel(wheel)).collect();
    world.write("c.txt", &pins);
    (world, pins)
}

fn told(world: &World, words: &[&str]) -> Vec<String> {
    let words = [words, &["--force-reinstall"]].concat();
    asked(&world.install(&words).ok()).into_iter().map(str::to_owned).collect()
}

#[test]
fn what_extras_need_is_told_by_who_asked_for_the_extra() {
    let (world, pins) = garden();
    let lines = |words: &[&str], expected: &[&str]| assert_eq!(told(&world, words), expected, "{words:?}");
    world.write("pinned.txt", &pins.replacen("red_beet==", "Red.Beet[deep]==", 1));
    lines(
        &["-r", "pinned.txt"],
        &[
            "Processing ./links/red_beet-1.0-py3-none-any.whl (from Red.Beet[deep]==1.0->-r pinned.txt (line 1))",
            "Processing ./links/soil-1.0-py3-none-any.whl (from -r pinned.txt (line 2))",
            "Processing ./links/well-1.0-py3-none-any.whl (from -r pinned.txt (line 3))",
            "Processing ./links/rope-1.0-py3-none-any.whl (from -r pinned.txt (line 4))",
            "Installing collected packages: rope, well, soil, Red.Beet",
        ],
    );
    // Without a version, the extra asks for all of it.
    world.write("q.txt", "Red_Beet[deep]\n");
    lines(
        &["-r", "q.txt", "-c", "c.txt"],
        &[
            "Processing ./links/red_beet-1.0-py3-none-any.whl (from -r q.txt (line 1))",
            "Processing ./links/soil-1.0-py3-none-any.whl (from Red_Beet[deep]->-r q.txt (line 1))",
            "Processing ./links/well-1.0-py3-none-any.whl (from Red_Beet[deep]->-r q.txt (line 1))",
            "Processing ./links/rope-1.0-py3-none-any.whl (from Well==1.0->Red_Beet[deep]->-r q.txt (line 1))",
            "Installing collected packages: rope, Well, soil, Red_Beet",
        ],
    );
    // Reports and downloads follow the order in which the resolver settles: what has an upper bound first.
    world.install(&["-r", "q.txt", "-c", "c.txt", "--force-reinstall", "--report", "r.json"]).ok();
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(world.path("r.json")).unwrap()).unwrap();
    let names: Vec<_> =
        report["install"].as_array().unwrap().iter().map(|one| &one["metadata"]["name"]).collect();
    assert_eq!(names, ["Red_Beet", "soil", "Well", "rope"]);
    let words = ["download", "-d", "saved", "--no-index", "-f", "links", "-r", "q.txt", "-c", "c.txt"];
    let saved = world.pip(&words).ok();
    says(&saved, "Successfully downloaded Red_Beet soil Well rope\n");
    // With one, the package itself is asked for too.
    lines(
        &["red-beet[deep]==1.0", "-c", "c.txt"],
        &[
            "Processing ./links/red_beet-1.0-py3-none-any.whl (from red-beet[deep]==1.0)",
            "Processing ./links/soil-1.0-py3-none-any.whl (from red-beet==1.0->red-beet[deep]==1.0)",
            "Processing ./links/well-1.0-py3-none-any.whl (from red-beet[deep]==1.0)",
            "Processing ./links/rope-1.0-py3-none-any.whl (from Well==1.0->red-beet[deep]==1.0)",
            "Installing collected packages: rope, Well, soil, red-beet",
        ],
    );
    let again = world.install(&["red-beet[deep]>=1", "-c", "c.txt"]).ok();
    let again: Vec<String> = asked(&again).iter().map(|line| line.replace(&site(line), "SITE")).collect();
    assert_eq!(
        again,
        [
            "Requirement already satisfied: red-beet>=1 in SITE (from red-beet[deep]>=1) (1.0)",
            "Requirement already satisfied: soil>=1 in SITE (from red-beet>=1->red-beet[deep]>=1) (1.0)",
            "Requirement already satisfied: Well in SITE (from red-beet[deep]>=1) (1.0)",
            "Requirement already satisfied: rope in SITE (from Well->red-beet[deep]>=1) (1.0)",
        ]
    );
}

fn site(line: &str) -> String {
    let place = line.split(" in ").nth(1).unwrap();
    place.split(" (").next().unwrap().to_owned()
}

#[test]
fn groups_and_scripts_are_no_files_of_requirements() {
    let (world, _) = garden();
    world.write("pyproject.toml", "[dependency-groups]\nx = ['soil', 'red_beet']\n");
    world.write("s.py", "# /// script\n# dependencies = ['rope>=1']\n# ///\n");
    world.write("q.txt", "Well\n");
    let words = ["--requirements-from-script", "s.py", "-r", "q.txt", "--group", "x", "-c", "c.txt"];
    let expected = [
        "Processing ./links/soil-1.0-py3-none-any.whl",
        "Processing ./links/red_beet-1.0-py3-none-any.whl",
        "Processing ./links/well-1.0-py3-none-any.whl (from -r q.txt (line 1))",
        "Processing ./links/rope-1.0-py3-none-any.whl",
        "Installing collected packages: rope, Well, soil, red_beet",
    ];
    assert_eq!(told(&world, &words), expected);
    // What is left out is still who asked.
    let only = ["--only-dependencies", "red_beet[deep]", "-c", "c.txt"];
    let expected = [
        "Processing ./links/soil-1.0-py3-none-any.whl (from red_beet[deep])",
        "Processing ./links/well-1.0-py3-none-any.whl (from red_beet[deep])",
        "Processing ./links/rope-1.0-py3-none-any.whl (from Well==1.0->red_beet[deep])",
        "Installing collected packages: rope, Well, soil",
    ];
    assert_eq!(told(&world, &only), expected);
}

#[test]
fn an_address_is_looked_at_first_and_told_as_it_was_given() {
    let (world, pins) = garden();
    let hash = pins.lines().next().unwrap().rsplit(':').next().unwrap().to_owned();
    let beet = world.path("links/red_beet-1.0-py3-none-any.whl").display().to_string();
    let given = format!("beet @ file://{beet}#sha256={hash}").replace("beet @", "red-beet[deep] @");
    world.write("a.txt", &format!("-c c.txt\nrope\n{given}\n"));
    let bare = given.replace("[deep]", "");
    let expected = [
        format!("Processing ./links/red_beet-1.0-py3-none-any.whl (from {given}->-r a.txt (line 3))"),
        "Processing ./links/rope-1.0-py3-none-any.whl (from -r a.txt (line 2))".to_owned(),
        format!("Processing ./links/soil-1.0-py3-none-any.whl (from {bare}->{given}->-r a.txt (line 3))"),
        format!("Processing ./links/well-1.0-py3-none-any.whl (from {bare}->{given}->-r a.txt (line 3))"),
        "Installing collected packages: rope, Well, soil, red-beet".to_owned(),
    ];
    assert_eq!(told(&world, &["-r", "a.txt"]), expected);
    // What is there from that path already is told once all is known.
    let again = world.install(&["-r", "a.txt"]).ok();
    let again = asked(&again);
    assert!(again.first().unwrap().starts_with("Processing ./links/red_beet"), "{again:?}");
    assert!(again.last().unwrap().starts_with("red-beet is already installed with"), "{again:?}");
    // Without a name, by that of the wheel, normalised.
    let bare = format!("{beet}[deep]");
    let typed = told(&world, &[&bare, "-c", "c.txt"]);
    assert!(typed[1].ends_with("(from red-beet==1.0->red-beet==1.0)"), "{typed:?}");
}

#[test]
fn a_marker_that_does_not_hold_is_told_as_it_was_written() {
    let (world, pins) = garden();
    let pin = pins.lines().next().unwrap().replace(" --hash", "; MARKER --hash");
    let line = |marker: &str| pin.replace("MARKER", marker) + "\n";
    let text = line("python_version<'3'")
        + &line("('3' > python_version and os.name == 'x') or sys_platform=='nowhere'");
    world.write("m.txt", &text);
    assert_eq!(
        told(&world, &["-r", "m.txt", "soil ;python_version < '3'", "-c", "c.txt"]),
        [
            "Ignoring soil: markers 'python_version < \"3\"' don't match your environment",
            "Ignoring red_beet: markers 'python_version < \"3\"' don't match your environment",
            "Ignoring red_beet: markers '(\"3\" > python_version and os_name == \"x\") or sys_platform == \"nowhere\"' \
             don't match your environment",
        ]
    );
}

#[test]
fn what_is_fetched_is_told_by_its_file_and_size() {
    let world = World::new();
    let (name, bytes) = plain("plum", "1.0").build();
    let pin = world.wheel(&plain("plum", "1.0"));
    world.write("r.txt", &pin);
    let server = Server::start();
    server.publish("plum", &[Published::new((name.clone(), bytes.clone()))], &Style::default());
    let told = world.pip(&["install", "--no-cache-dir", "-i", &server.url("/simple/"), "-r", "r.txt"]).ok();
    let line = told.stdout.lines().find(|line| line.starts_with("  Downloading ")).unwrap();
    assert_eq!(line, format!("  Downloading {name} ({})", kilo(bytes.len())));
}

fn kilo(bytes: usize) -> String {
    if bytes <= 1000 { format!("{bytes} bytes") } else { format!("{:.1} kB", bytes as f64 / 1000.0) }
}

#[test]
fn hashes_of_other_files_are_those_of_the_requirement() {
    let world = World::new();
    let foreign = plain("plum", "1.0").tag("cp38-cp38-win_amd64");
    let pin = world.wheel(&foreign);
    world.write("r.txt", &pin);
    let server = Server::start();
    let files = [Published::new(foreign.build()), Published::new(plain("plum", "1.0").build())];
    server.publish("plum", &files, &Style { form: Form::Json, ..Style::default() });
    let index = server.url("/simple/");
    let told = world.pip(&["install", "--no-cache-dir", "-i", &index, "-r", "r.txt"]).code(1);
    let told = told
        .stderr_has("No matching distribution found for plum==1.0")
        .stderr_has("the hashes that are given are of other files of this release")
        .stderr_has("--hash=sha256:");
    assert!(!told.stderr.contains("after the lock"), "{}", told.told());
}

#[test]
fn words_that_mean_nothing_are_told_as_pip_tells_them() {
    let (world, _) = garden();
    world.write(
        "pyproject.toml",
        "[dependency-groups]\na = ['soil']\nb = [{include-group='c'}]\nd = [{include-group='d'}]\n",
    );
    for (words, code, told) in [
        (
            &["install", "--no-c", "soil"][..],
            2,
            "ambiguous option: --no-c (--no-cache-dir, --no-clean, --no-color, --no-compile?)",
        ),
        (&["install", "--quiet=1", "soil"], 2, "--quiet option does not take a value"),
        (&["install", "-C", "x", "soil"], 2, "must be of the form KEY=VAL"),
        (&["install", "--retries", "x", "soil"], 2, "option --retries: invalid integer value: 'x'"),
        (&["install", "--timeout", "x", "soil"], 2, "option --timeout: invalid floating-point value: 'x'"),
        (&["--python"], 2, "--python option requires 1 argument"),
        (
            &["--python", "nowhere", "install", "soil"],
            1,
            "ERROR: Could not locate Python interpreter nowhere\n",
        ),
        (
            &["install", "--group", "x"],
            1,
            "resolution failed for 'x' from 'pyproject.toml': Dependency group 'x' not found",
        ),
        (
            &["install", "--group", "b"],
            1,
            "resolution failed for 'b' from 'pyproject.toml': Dependency group 'c' not found",
        ),
        (
            &["install", "--group", "d"],
            1,
            "resolution failed for 'd' from 'pyproject.toml': Cyclic dependency group include",
        ),
        (
            &["install", "soil", "-c", "c.txt", "--report", "no/r.json"],
            1,
            "OSError: [Errno 2] No such file or directory: 'no/r.json'",
        ),
        (
            &["install", "soil", "-c", "c.txt", "--cert", "no"],
            1,
            "Could not find a suitable TLS CA certificate bundle, invalid path: no",
        ),
    ] {
        let output = world.pip(words).code(code).stderr_has(told);
        assert!(!output.stdout.contains("Successfully"), "{}", output.told());
    }
    world.write("pip.conf", "[list]\nformat = columns\n[:env:]\nformat = json\n");
    let listed = world.run(&["list"]).env("PIP_CONFIG_FILE", world.path("pip.conf")).run().ok();
    assert_eq!(listed.stdout, "[]\n");
    let wrong = world.run(&["list"]).env("PIP_FORMAT", "x").run().code(3);
    wrong.stderr_has("option format: invalid choice: 'x' (choose from 'columns', 'freeze', 'json')");
    world.pip(&["cache", "purge", "--cache-dir", "cache"]).ok().stdout_has("Directories removed: 0\n");
}

#[test]
fn freeze_passes_over_what_has_no_name_and_refuses_what_is_none() {
    let (world, _) = garden();
    world.install(&["soil", "-c", "c.txt"]).ok();
    std::fs::create_dir(world.path("project")).unwrap();
    world.write("f.txt", "-e ./project\nsoil\n-e git+https://h.invalid/x#egg=zinnia\n--no-index\n");
    let frozen = world.pip(&["freeze", "-r", "f.txt"]).ok();
    assert_eq!(
        frozen.stdout,
        "Skipping line in requirement file [f.txt] because it's not clear what it would install: ./project\n\
         \x20 (add #egg=PackageName to the URL to avoid this warning)\n\
         soil==1.0\n--no-index\n## The following requirements were added by pip freeze:\n"
    );
    let told = "[f.txt] contains git+https://h.invalid/x#egg=zinnia, but package 'zinnia' is not installed";
    frozen.stderr_has(told);
    for (line, told) in [
        ("-e ./nowhere", "ERROR: ./nowhere is not a valid editable requirement. It should either be a path"),
        ("-e git+https://h.invalid/x", "Could not detect requirement name for 'git+https://h.invalid/x'"),
        ("--bogus", "Invalid requirement: '--bogus'"),
        ("soil and more", "Invalid requirement: 'soil and more'"),
    ] {
        world.write("f.txt", &format!("{line}\nsoil\n"));
        world.pip(&["freeze", "-r", "f.txt"]).code(1).stderr_has(told);
    }
}

#[test]
fn a_report_for_another_platform_tells_where_it_was_made() {
    let (world, _) = garden();
    let words = ["soil", "-c", "c.txt", "--dry-run", "--report", "r.json", "--platform", "win_amd64"];
    world.install(&[&words[..], &["--python-version", "3.9", "--only-binary", ":all:"]].concat()).ok();
    let report = std::fs::read(world.path("r.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["environment"]["sys_platform"], "linux");
    assert_ne!(report["environment"]["python_version"], "3.9");
}

#[test]
fn a_lock_may_have_any_name_and_that_is_told() {
    let (world, _) = garden();
    let words = ["lock", "--no-index", "--find-links", "links", "soil", "-o", "soil.lock"];
    world.pip(&words).ok().stderr_has("WARNING: soil.lock is not a valid lock file name.\n");
    let text = std::fs::read_to_string(world.path("soil.lock")).unwrap();
    assert!(text.contains("lock-version = \"1.0\""), "{text}");
}

/// A lock with an extra, a group, and a default group.
fn many_sided() -> World {
    let world = World::new();
    let entry = |name: &str, marker: &str| {
        let pin = world.wheel(&plain(name, "1.0"));
        let hash = pin.trim_end().rsplit(':').next().unwrap();
        format!(
            "[[packages]]\nname = '{name}'\nversion = '1.0'\nmarker = \"{marker}\"\n[[packages.wheels]]\n\
             path = 'sub/../links/{name}-1.0-py3-none-any.whl'\nhashes = {{ sha256 = '{hash}' }}\n"
        )
    };
    std::fs::create_dir(world.path("sub")).unwrap();
    let text =
        "lock-version = '1.0'\ncreated-by = 'test'\nextras = ['deep']\ndependency-groups = ['dev', 'base']\n\
        default-groups = ['base']\n"
            .to_owned()
            + &entry("always", "python_version > '3'")
            + &entry("base", "'base' in dependency_groups")
            + &entry("deep", "'deep' in extras")
            + &entry("dev", "'dev' in dependency_groups");
    world.write("pylock.toml", &text);
    world
}

#[test]
fn extras_and_groups_are_chosen_of_one_lock() {
    let world = many_sided();
    let here = world.path("pylock.toml").display().to_string();
    let group = format!("{here}:dev");
    for (words, expected) in [
        (&["-r", "pylock.toml"][..], "always-1.0 base-1.0"),
        (&["-r", "pylock.toml[Deep]"], "always-1.0 base-1.0 deep-1.0"),
        (&["--group", "pylock.toml:dev"], "always-1.0 dev-1.0"),
        (&["--group", "pylock.toml[deep]:dev", "--group", &group], "always-1.0 deep-1.0 dev-1.0"),
        (&["-r", "pylock.toml[deep]", "--group", &group], "always-1.0 base-1.0 deep-1.0 dev-1.0"),
    ] {
        let told = world.pip(&[&["install", "--force-reinstall", "--dry-run"], words].concat()).ok();
        says(&told, &format!("Would install {expected}\n"));
        says(&told, "Processing ./links/always-1.0-py3-none-any.whl (from ");
        let folder = format!("saved{}", expected.len());
        world.pip(&[&["download", "-d", &folder], words].concat()).ok();
        let saved = std::fs::read_dir(world.path(&folder)).unwrap().count();
        assert_eq!(saved, expected.split(' ').count(), "{words:?}");
    }
    // pip passes over names that the lock does not have.
    world
        .pip(&["install", "-r", "pylock.toml[nothing]"])
        .code(1)
        .stderr_has("the lock has no extra `nothing`");
    world.pip(&["install", "--group", "pylock.toml:none"]).code(1).stderr_has("no dependency group `none`");
    world
        .pip(&["install", "-r", "pylock.toml[deep,]"])
        .code(1)
        .stderr_has("not the name of an extra or group");
    world
        .pip(&["install", "-r", "pylock.toml[]"])
        .code(1)
        .stderr_has("No such file or directory: 'pylock.toml[]'");
    world.pip(&["install", "--group", "other.toml:x"]).code(2).stderr_has("--group error");
}

fn says(output: &Output, text: &str) {
    assert!(output.stdout.contains(text), "`{text}` is missing: {}", output.told());
}

#[test]
fn an_index_that_is_not_there_is_told_of_the_release() {
    let (world, _) = garden();
    let index = "http://127.0.0.1:9/simple/";
    let words = ["install", "--no-cache-dir", "--retries", "0", "-i", index, "soil", "-c", "c.txt"];
    let told = world.pip(&words).code(1);
    told.stderr_has("No matching distribution found for soil==1.0\n")
        .stderr_has("ERROR: soil 1.0: the server could not be reached\n")
        .stderr_has("look at the address, the network and the proxy");
}

#[test]
fn a_file_in_the_place_of_a_package_is_replaced_and_a_link_is_told() {
    let world = World::new();
    let garden =
        crate::support::wheels::WheelBuilder::new("garden", "1.0").file("garden/__init__.py", "x = 1\n");
    world.write("r.txt", &world.wheel(&garden));
    world.install(&["-r", "r.txt"]).ok();
    let package = crate::dropin_words::module(&world, "garden");
    std::fs::remove_dir_all(&package).unwrap();
    std::fs::write(&package, "in the way").unwrap();
    world.install(&["-r", "r.txt"]).ok();
    assert_eq!(std::fs::read_to_string(package.join("__init__.py")).unwrap(), "x = 1\n");
    // A link is not followed, nor taken away.
    std::fs::rename(&package, world.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(world.path("elsewhere"), &package).unwrap();
    let told = world.install(&["-r", "r.txt", "--force-reinstall"]).code(1);
    told.stderr_has(&format!("(`rm {}`)", package.display()));
    assert!(package.is_symlink() && world.path("elsewhere/__init__.py").is_file());
    std::fs::remove_file(&package).unwrap();
    world.install(&["-r", "r.txt"]).ok();
    assert!(package.join("__init__.py").is_file() && !package.is_symlink());
    // What another one lists stays.
    let other = crate::support::wheels::WheelBuilder::new("other", "1.0").file("shed", "a shed\n");
    world.write("o.txt", &world.wheel(&other));
    std::fs::remove_dir_all(&package).unwrap();
    world.install(&["-r", "o.txt"]).ok();
    std::fs::rename(crate::dropin_words::module(&world, "shed"), &package).unwrap();
    let record = crate::dropin_words::module(&world, "other-1.0.dist-info/RECORD");
    let text = std::fs::read_to_string(&record).unwrap().replace("shed,", "garden,");
    std::fs::write(&record, text).unwrap();
    world.install(&["-r", "r.txt"]).code(1).stderr_has("other 1.0");
    assert_eq!(std::fs::read_to_string(&package).unwrap(), "a shed\n");
}

#[test]
fn files_that_include_files_are_told_by_their_whole_path() {
    let (world, _) = garden();
    std::fs::create_dir(world.path("deep")).unwrap();
    world.write("deep/inner.txt", "soil\n");
    world.write("outer.txt", "-r deep/inner.txt\n-c c.txt\nrope\n");
    let inner = world.path("deep/inner.txt").display().to_string();
    let expected = [
        format!("Processing ./links/soil-1.0-py3-none-any.whl (from -r {inner} (line 1))"),
        "Processing ./links/rope-1.0-py3-none-any.whl (from -r outer.txt (line 3))".to_owned(),
        "Installing collected packages: rope, soil".to_owned(),
    ];
    assert_eq!(told(&world, &["-r", "outer.txt"]), expected);
    for (line, kind) in [("-r gone.txt", "requirements"), ("-c gone.txt", "constraint")] {
        world.write("outer.txt", line);
        let gone = world.path("gone.txt").display().to_string();
        let told = world.install(&["-r", "outer.txt"]).code(1);
        let told = told.stderr_has(&format!(
            "Could not open {kind} file: [Errno 2] No such file or directory: '{gone}'\n"
        ));
        assert!(!told.stderr.contains("from versions"), "{}", told.told());
    }
}

#[test]
fn names_are_refused_as_they_were_typed_and_empty_ones_are_nothing() {
    let (world, locked) = (garden().0, many_sided());
    locked
        .install(&["always", "-c", "pylock.toml", "nobody==1"])
        .code(1)
        .stderr_has("No matching distribution found for nobody==1\n")
        .stderr_has("missing from some requirements. These have none:\n    nobody==1\n");
    let hint = locked.install(&["requirements.txt", "-c", "pylock.toml"]).code(1);
    says(&hint, "literally named \"requirements.txt\"");
    hint.stderr_has("No matching distribution found for requirements.txt\n");
    let nothing = world.pip(&["install", "", " "]).ok();
    assert_eq!((nothing.stdout.as_str(), nothing.stderr.as_str()), ("", ""));
    let odd = world.install(&["Red_Beet[none]", "-c", "c.txt"]).ok();
    odd.stderr_has("red-beet 1.0 does not provide the extra 'none'");
}
