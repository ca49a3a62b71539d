//! `index versions`, `cache`, `debug` and `completion`.

use super::{Place, simple};
use crate::support::offline;
use crate::support::run::{Output, Run, pipward};
use crate::support::server::{Published, Server, Style};

#[test]
fn the_versions_of_an_index_are_pips() {
    if offline() {
        return;
    }
    let place = Place::with(&[simple("alpha", "1")]);
    let server = Server::start();
    let offered = [
        simple("alpha", "1"),
        simple("alpha", "2"),
        simple("alpha", "10"),
        simple("alpha", "11rc1"),
        simple("alpha", "12").tag("cp27-none-win32"),
    ];
    let files: Vec<Published> = offered.iter().map(|wheel| Published::new(wheel.build())).collect();
    server.publish("alpha", &files, &Style::default());
    let index = server.url("/simple/");
    place.same(&[
        &["index", "versions", "alpha", "-i", &index],
        &["index", "versions", "Alpha", "--pre", "-i", &index],
        &["index", "versions", "alpha", "--json", "-i", &index],
    ]);
    let dated = ["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z", "2022-01-01T00:00:00Z"];
    let files: Vec<Published> =
        offered.iter().zip(dated).map(|(wheel, time)| Published::new(wheel.build()).uploaded(time)).collect();
    server.publish("alpha", &files, &Style::default());
    place.same(&[
        &["index", "versions", "alpha", "--uploaded-prior-to", "2021-06-01", "-i", &index],
        &["list", "--outdated", "--uploaded-prior-to", "2021-06-01T00:00:00Z", "-i", &index],
    ]);
    let source = |version: &str, python: &str| {
        let mut source = Published::new((format!("alpha-{version}.tar.gz"), Vec::new()));
        source.requires_python = Some(python.to_owned());
        source
    };
    let mut files: Vec<Published> = offered.iter().map(|wheel| Published::new(wheel.build())).collect();
    files.extend([source("20", ">=3.9"), source("21", ">=4"), source("22", ">=3.9")]);
    server.publish("alpha", &files, &Style::default());
    place.same(&[
        &["index", "versions", "alpha", "-i", &index],
        &["index", "versions", "alpha", "--python-version", "3.8", "-i", &index],
        &["index", "versions", "alpha", "--only-binary", ":all:", "-i", &index],
        &["index", "versions", "alpha", "--only-binary", "alpha", "--json", "-i", &index],
    ]);
    let told = place.ours(&["index", "versions", "nothing", "-i", &index]).run().code(1);
    told.stderr_has("ERROR: No matching distribution found for nothing");
}

#[test]
fn the_cache_is_listed_and_pruned() {
    let place = Place::with(&[]);
    let cache = place.path("cache");
    let run =
        |words: &[&str]| -> Output { pipward(["cache"]).args(words).env("PIPWARD_CACHE_DIR", &cache).run() };
    run(&["dir"]).ok().stdout_has(&cache.display().to_string());
    run(&["list"]).ok().stdout_has("No wheels cached.");
    std::fs::write(
        place.path("lock.txt"),
        place
            .offer(&[simple("alpha", "1"), simple("alpha", "2"), simple("beta", "1")])
            .lines()
            .filter(|line| !line.starts_with("alpha==1"))
            .map(|line| format!("{line}\n"))
            .collect::<String>(),
    )
    .unwrap();
    let install = place.ours(&["install", "--no-index", "--find-links", "wheels", "-r", "lock.txt"]);
    install.env("PIPWARD_CACHE_DIR", &cache).run().ok();
    run(&["list"]).ok().stdout_has(" - alpha-2 (").stdout_has(" - beta-1 (");
    run(&["list", "alpha", "--format", "abspath"]).ok().stdout_has(".whl\n");
    run(&["info"]).ok().stdout_has("Wheels: 2, ");
    run(&["remove", "gamma"]).ok().stderr_has("No matching packages for pattern \"gamma\"");
    run(&["remove", "alpha"]).ok().stdout_has("Files removed: 1 (");
    run(&["prune", "--older-than", "1d"]).ok().stdout_has("Files removed: 0 (");
    run(&["prune", "--max-size", "10"]).ok().stdout_has("Files removed: 1 (");
    run(&["prune"]).code(2);
    std::fs::write(cache.join("mine.txt"), "not of the cache").unwrap();
    run(&["purge"]).ok();
    run(&["--json", "info"]).ok().stdout_has("\"wheels\":0");
    assert!(cache.join("mine.txt").is_file());
    run(&["--no-cache-dir", "info"]).code(2).stderr_has("usage");
}

#[test]
fn debug_tells_tags_and_directories() {
    let place = Place::with(&[]);
    let told = place.ours(&["debug"]).run().ok().stdout_has("Compatible tags: ");
    told.stdout_has(&place.library().display().to_string());
    // pip's labels.
    for label in ["sys.platform: ", "sys.implementation:\n", "'cert' config value: ", "CURL_CA_BUNDLE: "] {
        place.ours(&["debug"]).run().ok().stdout_has(label);
    }
    let given = place.ours(&["debug", "--python-version", "3.7", "--abi", "x"]).run().ok();
    given.stdout_has(" (target: version_info='3.7' abis=['x'])\n");
    let pymalloc = place.ours(&["debug", "--python-version", "37"]).run().ok();
    pymalloc.stdout_has("(target: version_info='3.7')\n  cp37-cp37m-");
    place.ours(&["debug", "--verbose"]).run().ok().stdout_has("  py3-none-any\n");
}

/// A shell asks for completions by a variable; the scripts set it.
#[test]
fn completions_know_commands_options_and_locked_names() {
    let place = Place::with(&[]);
    for shell in ["--bash", "--zsh", "--fish", "--powershell"] {
        pipward(["completion", shell]).run().ok().stdout_has("PIPWARD_COMPLETE");
    }
    pipward(["completion"]).run().code(2);
    let lock = std::fs::read(crate::support::run::vendored("pylock.toml")).unwrap();
    std::fs::write(place.path("pylock.toml"), lock).unwrap();
    let ask = |words: &[&str]| -> String {
        let run = Run::new(env!("CARGO_BIN_EXE_pipward")).arg("--").arg("pipward").args(words);
        run.env("PIPWARD_COMPLETE", "fish").dir(place.scratch.path()).run().ok().stdout
    };
    assert!(ask(&["inst"]).contains("install"));
    assert!(ask(&["install", "--requ"]).contains("--requirement"));
    let names = ask(&["install", "pipward-demo-"]);
    assert!(names.contains("pipward-demo-tool"), "{names}");
}

/// Each in turn, by pip and by pipward in homes of their own: the same words, and files that mean the same.
#[test]
fn configuration_files_are_changed_as_pip_changes_them() {
    if offline() {
        return;
    }
    let place = Place::with(&[]);
    let home = place.path("home");
    let start = "[global]\ntimeout = 60\n; a comment\n[install]\nfind-links =\n    one\n    two\n";
    let steps: [&[&str]; 11] = [
        &["config", "list"],
        &["config", "get", "global.timeout"],
        &["config", "set", "global.timeout", "5"],
        &["config", "set", "freeze.all", "it's"],
        &["config", "get", "freeze.ALL"],
        &["config", "list"],
        &["config", "unset", "install.find_links"],
        &["config", "unset", "nothing.there"],
        &["config", "get", "nodot"],
        &["config", "list", "--user"],
        &["config", "debug"],
    ];
    let mut told: Vec<Vec<(Option<i32>, String)>> = Vec::new();
    for theirs in [true, false] {
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir_all(home.join(".config/pip")).unwrap();
        std::fs::write(home.join(".config/pip/pip.conf"), start).unwrap();
        let run = |words: &[&str]| {
            let run = if theirs { place.theirs(words) } else { place.ours(words) };
            // pip's own runner sets some of its variables.
            let output = run.env("HOME", &home).env("PIP_NO_INDEX", "1").run();
            let lines = output.stdout.lines().filter(|line| {
                !["CACHE_DIR", "DISABLE_PIP", "NO_INPUT", "cache-dir", "disable-pip", "no-input"]
                    .iter()
                    .any(|word| line.contains(word))
            });
            (output.code, lines.map(|line| format!("{line}\n")).collect::<String>())
        };
        let mut all: Vec<_> = steps.iter().map(|words| run(words)).collect();
        // The last one tells each value once more.
        let last = all.pop().unwrap();
        all.push((last.0, last.1.lines().filter(|line| line.contains("exists")).collect()));
        told.push(all);
    }
    for (words, (theirs, ours)) in steps.iter().zip(told[0].iter().zip(&told[1])) {
        assert_eq!(theirs, ours, "{words:?}");
    }
    let left = std::fs::read_to_string(home.join(".config/pip/pip.conf")).unwrap();
    assert_eq!(left, "[global]\ntimeout = 5\n; a comment\n\n[freeze]\nall = it's\n");
    pipward(["config", "edit"]).env("HOME", &home).run().code(2).stderr_has("pip.conf");
}

/// What lacks its command, its action, its shell or its files, or has a word too many, ends as with pip.
#[test]
fn wrong_usage_ends_as_with_pip() {
    let place = Place::with(&[simple("alpha", "1")]);
    let cases: [(&[&str], i32, &str); 9] = [
        (&["--bogus"], 2, "no such option: --bogus"),
        (&["list", "--bogus"], 2, "no such option: --bogus"),
        (&["completion"], 0, "ERROR: You must pass --bash or --fish or --powershell or --zsh"),
        (&["completion", "--tcsh"], 2, "no such option: --tcsh"),
        (&["hash"], 1, "ERROR: "),
        (&["config"], 1, "ERROR: Need an action (debug, edit, get, list, set, unset) to perform."),
        (&["config", "bogus"], 1, "ERROR: Need an action (debug, edit, get, list, set, unset) to perform."),
        (&["index", "bogus", "alpha"], 1, "ERROR: Need an action (versions) to perform."),
        (&["cache", "remove", "a", "b"], 1, "ERROR: Too many arguments"),
    ];
    for (words, code, told) in cases {
        pipward(["pip"]).args(words).run().code(code).stderr_has(told);
    }
    let both = ["list", "--editable", "--exclude-editable"];
    place.same(&[&both]);
    // Words that these have no use for are passed over.
    place.same(&[&["list", "bogus"], &["freeze", "bogus"], &["check", "a", "b"]]);
}

/// pip's own completion scripts ask with variables, and read words.
#[test]
fn completion_scripts_of_pip_are_answered() {
    let place = Place::with(&[]);
    std::fs::create_dir_all(place.path("resources/images")).unwrap();
    std::fs::write(place.path("requirements.txt"), "").unwrap();
    std::fs::write(place.path("pylock.toml"), LOCK).unwrap();
    let asked = |words: &str, at: usize| {
        let run =
            pipward(["pip"]).env("PIP_AUTO_COMPLETE", "1").env("COMP_WORDS", words).dir(place.scratch.path());
        let told = run.env("COMP_CWORD", at.to_string()).run().code(1);
        told.stdout.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(asked("pip unin", 1), ["uninstall"]);
    assert_eq!(asked("pip install -r r", 3), ["requirements.txt", "resources/"]);
    assert_eq!(asked("pip install locked-n", 2), ["locked-name"]);
    assert!(asked("pip install --requirem", 2).contains(&"--requirement".to_owned()));
    assert!(asked("pip", 1).contains(&"freeze".to_owned()));
}

const LOCK: &str = "\
lock-version = \"1.0\"
created-by = \"a test\"

[[packages]]
name = \"locked-name\"
version = \"1\"
wheels = [{ url = \"https://example.org/locked_name-1-py3-none-any.whl\", hashes = { sha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\" } }]
";

/// Nobody reads what is printed: pip says so, and ends with 120.
#[test]
fn a_reader_that_went_away_is_told_as_pip_tells_it() {
    use std::io::Read as _;
    use std::process::{Command, Stdio};
    let place = Place::with(&[simple("alpha", "1")]);
    let ended = |words: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pipward"))
            .args(words)
            .arg("list")
            .arg("--python")
            .arg(place.environment())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        (child.wait().unwrap().code(), told)
    };
    assert_eq!(ended(&["pip"]), (Some(120), "ERROR: Pipe to stdout was broken\n".to_owned()));
    assert_eq!(ended(&[]), (Some(0), String::new()));
}
