//! What a run as pip tells that comes to nothing: where it looked, what it had come to, and pip's rows of hashes.

use crate::dropin_install::{World, plain};
use crate::support::run::Output;

const ZEROS: &str = "--hash=sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// The lines on standard output.
fn lines(output: &Output) -> Vec<&str> {
    output.stdout.lines().collect()
}

#[test]
fn what_a_run_had_come_to_is_told_before_its_fault() {
    let world = World::new();
    let (plum, soil) = (world.wheel(&plain("plum", "1.0")), world.wheel(&plain("soil", "1.0")));
    let stone = world.wheel(&plain("stone", "1.0").requires("soil"));
    let later = world.wheel(&plain("later", "1.0").header("Requires-Python", "<3"));
    let looking = "Looking in links: links";
    let processing = |name: &str, line: u32| {
        format!("Processing ./links/{name}-1.0-py3-none-any.whl (from -r r.txt (line {line}))")
    };
    // What follows the one that fails is not told.
    world.write("r.txt", &format!("{plum}stone==1.0 {ZEROS}\n{soil}"));
    let told = world.install(&["-r", "r.txt"]).code(1);
    assert_eq!(lines(&told), [looking, &processing("plum", 1), &processing("stone", 2)]);
    // What is asked for is looked at before what it needs.
    world.write("r.txt", &format!("{stone}{later}{plum}"));
    let told = world.install(&["-r", "r.txt"]).code(1).stderr_has("requires a different Python");
    let all = [looking, &processing("stone", 1), &processing("later", 2), &processing("plum", 3)];
    assert_eq!(lines(&told), all);
    world.write("r.txt", &stone);
    let told = world.install(&["-r", "r.txt"]).code(1);
    assert_eq!(lines(&told), [looking, &processing("stone", 1)]);
    // Names and constraints, whose wheels are read on the way.
    world.write("c.txt", &format!("{stone}soil==1.0 {ZEROS}\n"));
    let told = world.install(&["stone", "-c", "c.txt"]).code(1);
    let from = "Processing ./links/soil-1.0-py3-none-any.whl (from stone==1.0)";
    assert_eq!(lines(&told), [looking, "Processing ./links/stone-1.0-py3-none-any.whl", from]);
    let told = world.install(&["stone"]).code(1).stderr_has("lock-not-found");
    assert_eq!(lines(&told), [looking]);
    let told = world.pip(&["download", "--no-index", "-f", "links", "stone", "-c", "c.txt"]).code(1);
    assert_eq!(lines(&told), [looking, "Processing ./links/stone-1.0-py3-none-any.whl", from]);
}

#[test]
fn faults_of_hashes_have_the_rows_that_scripts_read() {
    let world = World::new();
    let plum = world.wheel(&plain("plum", "1.0"));
    let hex = plum.trim().rsplit_once(':').unwrap().1.to_owned();
    let zeros = "0".repeat(64);
    let file = format!("file://{}", world.path("links/plum-1.0-py3-none-any.whl").display());
    let first = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. ";
    for line in ["plum==1.0".to_owned(), file.clone(), format!("plum @ {file}")] {
        world.write("r.txt", &format!("# nothing\n{line} {ZEROS} {}\n", ZEROS.replace("000", "111")));
        let told = world.install(&["-r", "r.txt"]).code(1).stderr_has(first);
        let told = told.stderr_has(&format!("    plum==1.0 from {file} (from -r r.txt (line 2)):\n"));
        let told = told.stderr_has(&format!("        Expected sha256 {zeros}\n        Expected     or 1111"));
        told.stderr_has(&format!("             Got        {hex}\n"));
    }
    let unhashed = "missing from some requirements. These have none:\n";
    let unpinned = "must have their versions pinned with ==. These do not:\n";
    for (line, told) in [
        ("plum==1.0\n", format!("{unhashed}    plum==1.0 (from -r r.txt (line 1))\n")),
        ("plum>=1.0\n", format!("{unpinned}    plum>=1.0 (from -r r.txt (line 1))\n")),
    ] {
        world.write("r.txt", line);
        world.install(&["-r", "r.txt"]).code(1).stderr_has(&told);
    }
    world.install(&["plum"]).code(1).stderr_has(&format!("{unpinned}    plum\n"));
    world.install(&["plum==1.0"]).code(1).stderr_has(&format!("{unhashed}    plum==1.0\n"));
    world.write("r.txt", &format!("{plum}plum==1.0 {ZEROS}\n"));
    let told = world.install(&["-r", "r.txt"]).code(1).stderr_has(first);
    told.stderr_has(&format!("{unhashed}    plum (from -r r.txt (line 2))\n"));
}

#[test]
fn indexes_are_told_as_they_were_given() {
    let world = World::new();
    world.write("r.txt", &world.wheel(&plain("plum", "1.0")));
    let usual = "https://pypi.org/simple";
    for (options, told) in [
        (vec!["-i", "https://x.invalid"], Some("https://x.invalid".to_owned())),
        (vec!["-i", "https://x.invalid/simple"], Some("https://x.invalid/simple".to_owned())),
        (vec!["-i", "https://x.invalid/simple/"], Some("https://x.invalid/simple/".to_owned())),
        (vec!["-i", "https://me:word@x.invalid/s"], Some("https://****@x.invalid/s".to_owned())),
        (vec!["--extra-index-url", "https://x.invalid/s"], Some(format!("{usual}, https://x.invalid/s"))),
        (vec!["-i", "https://pypi.org/simple/"], Some(format!("{usual}/"))),
        (vec!["-i", usual], None),
        (vec![], None),
    ] {
        let words = ["install", "--dry-run", "--offline", "-f", "links", "-r", "r.txt"];
        let told_all = world.run(&[&words[..], &options].concat()).run();
        let line = told_all.stdout.lines().find_map(|line| line.strip_prefix("Looking in indexes: "));
        assert_eq!(line.map(str::to_owned), told, "{}", told_all.told());
    }
}

#[test]
fn one_locked_file_is_taken_from_where_it_is_though_an_index_is_silent() {
    let world = World::new();
    let plum = world.wheel(&plain("plum", "1.0"));
    let words =
        ["install", "-i", "http://127.0.0.1:9/simple", "--retries", "0", "-f", "links", "-r", "r.txt"];
    world.write("r.txt", &format!("{} {ZEROS}\n", plum.trim()));
    // The other one may be the better one, and the index alone may have it.
    world.pip(&words).code(1).stderr_has("index-unreachable");
    world.write("r.txt", &plum);
    world.pip(&words).ok().stderr_has("WARNING: an index is passed over: [index-unreachable]");
}

#[test]
fn a_dependency_by_address_is_the_file_that_was_asked_for() {
    let world = World::new();
    let plum = world.wheel(&plain("plum", "1.0"));
    let hash = plum.trim().rsplit_once(' ').unwrap().1.to_owned();
    let hex = hash.rsplit_once(':').unwrap().1.to_owned();
    let file = format!("file://{}", world.path("links/plum-1.0-py3-none-any.whl").display());
    let local = file.replacen("file:///", "file://localhost/", 1);
    let is_taken = |needed: &str, asked: &str| {
        let stone = world.wheel(&plain("stone", "1.0").requires(&format!("plum@{needed}")));
        world.write("r.txt", &format!("{asked} {hash}\n{stone}"));
        let told = world.install(&["--dry-run", "-r", "r.txt"]);
        if told.code != Some(0) {
            told.code(1)
                .stderr_has("from another address than the one that is asked for")
                .stderr_has("Cannot install");
            return false;
        }
        true
    };
    let with = |more: &str| format!("{file}{more}");
    for (needed, asked, taken) in [
        (file.clone(), file.clone(), true),
        (with("#egg=plum"), file.clone(), true),
        (file.clone(), with("#egg=plum"), true),
        (with("#subdirectory=a&egg=plum"), with("#egg=other&subdirectory=a"), true),
        (with(&format!("#sha256={hex}")), file.clone(), true),
        (local, file.clone(), true),
        (with(&format!("#sha256={}", "0".repeat(64))), file.clone(), false),
        (with("#md5=1234567890abcdef"), file.clone(), false),
        (with("#subdirectory=a"), with("#subdirectory=b"), false),
        (file.replace("plum-1.0", "plum-2.0"), file.clone(), false),
    ] {
        assert_eq!(is_taken(&needed, &asked), taken, "{needed} and {asked}");
    }
}

#[test]
fn features_that_are_always_on_are_told_and_an_empty_file_name_is_no_file() {
    let world = World::new();
    let on = world.pip(&["list", "--use-feature", "truststore", "--use-feature=build-constraint"]).ok();
    let told = "WARNING: The following features are always enabled: build-constraint, truststore. \n";
    assert_eq!(on.stderr, told);
    assert_eq!(world.pip(&["list", "--use-feature", "fast-deps"]).ok().stderr, "");
    for (words, kind) in [
        ("install -r ", "requirements"),
        ("download -r ", "requirements"),
        ("uninstall -y -r ", "requirements"),
        ("install --requirement=", "requirements"),
        ("install plum -c ", "constraint"),
    ] {
        let told = world.pip(&words.split(' ').collect::<Vec<_>>()).code(1);
        told.stderr_has(&format!("Could not open {kind} file: [Errno 2] No such file or directory: ''\n"));
    }
}

#[test]
fn what_is_for_other_environments_needs_no_hash() {
    let world = World::new();
    let plum = world.wheel(&plain("plum", "1.0"));
    let elsewhere = "gone>1; sys_platform == 'none'\n";
    world.write("r.txt", &format!("{elsewhere}{plum}"));
    let told = world.install(&["-r", "r.txt"]).ok();
    let ignoring = "Ignoring gone: markers 'sys_platform == \"none\"' don't match your environment";
    assert!(told.stdout.contains(ignoring), "{}", told.told());
    // For this one it does, and nothing is put in.
    world.write("r.txt", &format!("gone>1; sys_platform != 'none'\n{}", plum.replace("plum", "pear")));
    world.install(&["-r", "r.txt"]).code(1).stderr_has("pin-missing").stderr_has("gone>1");
    // A lock that is kept is whole all the same.
    world.write("r.txt", &format!("{elsewhere}{plum}"));
    let verify = crate::support::run::pipward(["verify", "env", "-r", "r.txt"]).dir(world.path(""));
    verify.run().code(1).stderr_has("pin-missing");
}

#[test]
fn config_reads_options_wherever_they_stand_and_tells_which_files_count() {
    let world = World::new();
    let run =
        |words: &str| world.run(&words.split(' ').collect::<Vec<_>>()).env("HOME", world.path("")).run();
    run("config set global.timeout 60 -v").ok();
    run("config set --user global.retries -v 3").ok();
    let set = run("config list").ok().stdout;
    assert!(set.contains("global.retries='3'") && set.contains("global.timeout='60'"), "{set}");
    run("config edit --editor no-such-program").code(1).stderr_has("no-such-program");
    world.write("own.conf", "[global]\ntimeout = 5\n");
    let own = world.run(&["config", "debug"]).env("PIP_CONFIG_FILE", world.path("own.conf"));
    let own = own.env("HOME", world.path("")).run().ok().stdout;
    assert!(own.contains("\nsite:\n") && !own.contains("\nuser:"), "{own}");
    let usual = run("config debug").ok().stdout;
    assert!(usual.contains("\nuser:\n"), "{usual}");
    // A folder that is not there is passed over by what looks for versions, too.
    world.write("r.txt", &world.wheel(&plain("plum", "1.0")));
    world.install(&["-r", "r.txt"]).ok();
    let told = run("list --outdated --no-index --find-links gone").ok();
    assert!(told.stderr.starts_with("WARNING: Location 'gone' is ignored"), "{}", told.told());
}

#[test]
fn a_wheel_is_a_constraint_by_its_address_alone() {
    let world = World::new();
    let (plum, hex) = {
        let pin = world.wheel(&plain("plum", "1.0"));
        (pin.clone(), pin.trim().rsplit_once(':').unwrap().1.to_owned())
    };
    world.wheel(&plain("plum", "2.0"));
    let path = world.path("links/plum-1.0-py3-none-any.whl").display().to_string();
    world.write("r.txt", &plum);
    for line in [path.clone(), format!("file://{path}"), "./links/plum-1.0-py3-none-any.whl".to_owned()] {
        world.write("c.txt", &line);
        let told = world.install(&["-r", "r.txt", "-c", "c.txt", "--force-reinstall"]).ok();
        assert!(told.stdout.contains("Successfully installed plum-1.0"), "{}", told.told());
    }
    world.write("c.txt", &format!("file://{path}#sha256={hex}"));
    world.install(&["plum", "-c", "c.txt", "--force-reinstall"]).ok();
    // What is there from that address is told as what was asked for by it.
    let again = world.install(&["plum", "-c", "c.txt"]).ok().stdout;
    assert!(
        again.contains("Processing ./links/plum-1.0-py3-none-any.whl\nplum is already installed"),
        "{again}"
    );
    for (line, told) in [
        (format!("{path}[x]"), "Constraints cannot have extras"),
        (path.replace(".whl", ".zip"), "Unnamed requirements are not allowed as constraints"),
        (path.replace("plum-1.0", "plum-2.0"), "Cannot install plum"),
    ] {
        world.write("c.txt", &line);
        world.install(&["-r", "r.txt", "-c", "c.txt"]).code(1).stderr_has(told);
    }
    world.install(&["plum==7"]).code(1).stderr_has("No matching distribution found for plum==7\n");
}
