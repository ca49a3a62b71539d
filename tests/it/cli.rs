//! What can be typed: help, versions, codes, hashes; and how refusals look.

use pipward::error::Code;
use pipward::lessons::Lesson;

use crate::support::run::{pipward, repository, scratch, vendored};

#[test]
fn the_version_and_the_help_are_told_on_standard_output() {
    pipward(["--version"]).run().ok().stdout_has(concat!("pipward ", env!("CARGO_PKG_VERSION")));
    let help = pipward(["--help"]).run().ok().stdout_has("Examples:").stdout_has("Exit codes:");
    assert!(help.stderr.is_empty(), "{}", help.told());
    for command in ["lock", "install", "verify"] {
        pipward([command, "--help"]).run().ok().stdout_has("Examples:");
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for typed in [
        &["frobnicate"][..],
        &["install"],
        &["install", "--no-such-option"],
        &["explain", "no-such-code"],
        &["hash"],
    ] {
        pipward(typed).run().code(2);
    }
}

#[test]
fn every_code_is_explained() {
    let list = pipward(["explain"]).run().ok();
    for code in Code::ALL {
        assert!(list.stdout.contains(code.name()), "{code} is not listed");
        let told = pipward(["explain", code.name()]).run().ok().stdout_has(code.name()).stdout;
        assert!(told.lines().count() > 4, "{code}: {told}");
    }
}

#[test]
fn every_code_has_a_lesson_with_a_way_out() {
    for code in Code::ALL {
        let lesson = Lesson::of(*code);
        assert!(lesson.way_out.len() > 15 && lesson.way_out.ends_with('.'), "{code}: {}", lesson.way_out);
        assert!(lesson.exception.when.ends_with('.'), "{code}");
        // A case has its date.
        let is_dated = (1990..2030).any(|year| lesson.case.contains(&year.to_string()));
        assert!(is_dated && lesson.case.ends_with('.'), "{code}: {}", lesson.case);
        if let Some(written) = &lesson.exception.written {
            let scratch = scratch();
            std::fs::write(scratch.path().join("pipward.toml"), written.replace("NAME", "plum")).unwrap();
            pipward::config::Settings::find(scratch.path()).unwrap();
        }
        let told = pipward(["explain", code.name(), "--json"]).run().ok().stdout;
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["way_out"], lesson.way_out, "{code}");
        assert_eq!(told["case"], lesson.case, "{code}");
    }
}

/// docs/codes.md says what `explain` does. `INSTA_UPDATE=always` writes it anew.
#[test]
fn the_page_of_codes_is_current() {
    let told = pipward(["explain", "--markdown"]).run().ok().stdout;
    let file = repository().join("docs/codes.md");
    if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
        std::fs::write(&file, &told).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).unwrap_or_default() == told,
        "write it anew with INSTA_UPDATE=always"
    );
}

#[test]
fn codes_keep_their_names_and_exit_codes() {
    let rows: Vec<String> =
        Code::ALL.iter().map(|code| format!("{} {}", code.exit_class().status(), code.name())).collect();
    insta::assert_snapshot!(rows.join("\n"));
}

#[test]
fn explanations_have_a_json_form() {
    let told = pipward(["--json", "explain", "hash-mismatch"]).run().ok().stdout;
    let value: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(value["code"], "hash-mismatch");
    assert_eq!(value["exit"], 1);
}

#[test]
fn hash_prints_what_pip_hash_prints() {
    let scratch = scratch();
    let file = scratch.path().join("f.txt");
    std::fs::write(&file, "abc").unwrap();
    let name = file.display();
    pipward(["hash"]).arg(&file).run().ok().stdout_has(&format!(
        "{name}:\n--hash=sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
    ));
    pipward(["hash", "-a", "sha384"]).arg(&file).run().ok().stdout_has(
        "--hash=sha384:cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7\n",
    );
    pipward(["hash"]).arg(scratch.path().join("missing")).run().code(3);
}

#[test]
fn a_refusal_names_code_place_and_way_out() {
    let scratch = scratch();
    let requirements = scratch.path().join("requirements.txt");
    std::fs::write(&requirements, "idna\nflask>=3 --hash=sha256:abc\n").unwrap();
    let told =
        pipward(["install", "--venv", "env", "-r"]).arg(&requirements).dir(scratch.path()).run().code(1);
    for text in [
        "error[pin-missing]",
        "error[hash-missing]",
        "error[hash-malformed]",
        "requirements.txt:1",
        "requirements.txt:2",
        "help:",
        "pipward explain pin-missing",
    ] {
        assert!(told.stderr.contains(text), "{text}\n{}", told.told());
    }
    assert!(!scratch.path().join("env").exists());
}

#[test]
fn colour_is_used_only_where_it_was_asked_for() {
    let coloured = |arguments: &[&str]| {
        pipward(["install", "-r", "missing.txt"]).args(arguments).run().code(2).stderr.contains('\u{1b}')
    };
    assert!(!coloured(&[]));
    assert!(!coloured(&["--color", "never"]));
    assert!(coloured(&["--color", "always"]));
}

#[test]
fn quiet_is_quiet() {
    let scratch = scratch();
    let told = pipward(["-q", "install", "-r"])
        .arg(vendored("pylock.toml"))
        .args(["--venv", "env"])
        .dir(scratch.path())
        .run()
        .ok();
    assert_eq!((told.stdout.as_str(), told.stderr.as_str()), ("", ""));
}

#[test]
fn files_that_cannot_be_locked_from_are_told_as_such() {
    let wheel = vendored("pipward_demo_tool-1.0-py3-none-any.whl");
    pipward(["lock"]).arg(wheel).run().refused(Code::RequirementUnsupported).stderr_has("--find-links");
    for missing in ["./no-such.txt", "no-such.in", "some/no-such.toml"] {
        pipward(["lock", missing]).run().refused(Code::LockNotFound).stderr_has("no such file");
    }
    pipward(["install", "/tmp/x-1-py3-none-any.whl"])
        .run()
        .refused(Code::HashMissing)
        .stderr_has("--find-links");
}

#[test]
fn every_problem_has_a_way_out() {
    for code in Code::ALL {
        let problem = pipward::error::Problem::new(*code, "x");
        assert!(problem.help_text().is_some_and(|help| help.len() > 10), "{code}");
    }
}
