//! Hashes and addresses that contradict each other: in the lines of files, in constraints, and on both ways, installing and
//! locking. Nothing is vouched for by one line that another one is against.

use std::path::Path;

use pipward::digest::Sha256;
use pipward::error::Code;

use super::strictly;
use crate::support::pythons::any_python;
use crate::support::run::{Output, scratch};
use crate::support::server::Server;
use crate::support::world::{packages, publish, text, wheel, write};

/// Another wheel of plum 1.
fn other() -> (String, Vec<u8>) {
    wheel("plum", "1").file("more.py", "more = True\n").build()
}

fn hash(bytes: &[u8]) -> String {
    format!("--hash=sha256:{}", Sha256::of(bytes))
}

fn install(directory: &Path, arguments: &[&str]) -> Output {
    let _ = std::fs::remove_dir_all(directory.join("env"));
    let python = any_python().executable.display().to_string();
    strictly(directory, &["install", "--venv", "env", "--python", &python]).args(arguments).run()
}

fn lock(directory: &Path, arguments: &[&str]) -> Output {
    let _ = std::fs::remove_file(directory.join("pylock.toml"));
    strictly(directory, &["lock"]).args(arguments).run()
}

#[test]
fn two_addresses_of_one_version_contradict_each_other() {
    let scratch = scratch();
    let directory = scratch.path();
    let line = |folder: &str, (name, bytes): &(String, Vec<u8>), more: &str| {
        std::fs::create_dir_all(directory.join(folder)).unwrap();
        std::fs::write(directory.join(folder).join(name), bytes).unwrap();
        format!("plum @ file://{}/{folder}/{name}{more} {}\n", directory.display(), hash(bytes))
    };
    let good = wheel("plum", "1").build();
    let built = (good.0.replace("plum-1-", "plum-1-7-"), other().1);
    let first = line("one", &good, "");
    for second in [line("two", &good, ""), line("three", &other(), ""), line("four", &built, "")] {
        for text in [format!("{first}{second}"), format!("{second}{first}")] {
            write(directory, "two.txt", &text);
            install(directory, &["-r", "two.txt"])
                .refused(Code::DuplicatePackage)
                .stderr_has("two.txt:1")
                .stderr_has("two.txt:2");
            lock(directory, &["-r", "two.txt"]).refused(Code::DuplicatePackage).stderr_has("two.txt:2");
            // The second stands in another file.
            let (one, other) = text.split_once('\n').unwrap();
            write(directory, "one.txt", &format!("{one}\n"));
            write(directory, "other.txt", other);
            install(directory, &["-r", "one.txt", "-r", "other.txt"])
                .refused(Code::DuplicatePackage)
                .stderr_has("one.txt:1")
                .stderr_has("other.txt:1");
        }
    }
    assert!(!directory.join("env").exists());
    // The same address twice is one wheel; and so is each for environments of its own.
    write(directory, "two.txt", &format!("{first}{first}"));
    install(directory, &["-r", "two.txt"]).ok();
    lock(directory, &["-r", "two.txt"]).ok();
    let here = line("one", &good, " ; sys_platform == 'linux'");
    let there = line("four", &built, " ; sys_platform != 'linux'");
    write(directory, "two.txt", &format!("{here}{there}"));
    install(directory, &["-r", "two.txt"]).ok();
}

#[test]
fn a_hash_counts_where_every_line_that_holds_has_it() {
    let server = Server::start();
    let (good, evil) = (wheel("plum", "1").build().1, other());
    let at = publish(&server, vec![wheel("plum", "1").file("more.py", "more = True\n")]);
    let stone = publish(&server, vec![wheel("stone", "1").requires("plum")]);
    assert_eq!(at, stone);
    let scratch = scratch();
    let directory = scratch.path();
    let (good, evil) = (hash(&good), hash(&evil.1));
    let stone = hash(&wheel("stone", "1").requires("plum").build().1);
    let set = |file: &str, line: &str| write(directory, file, &format!("{line}\n"));
    set("plum.txt", "plum");
    set("stone.txt", &format!("stone==1 {stone}"));
    // What is served has the hash that one of the constraints does not give.
    let check = |a: &str, b: &str, is_good: bool| {
        set("a.txt", &format!("plum==1 {a}"));
        set("b.txt", &format!("plum==1 {b}"));
        for constraints in [["-c", "a.txt", "-c", "b.txt"], ["-c", "b.txt", "-c", "a.txt"]] {
            // As what is asked for, and as what that needs.
            for asked in ["plum.txt", "stone.txt"] {
                let words = [&["-r", asked, "-i", &at], &constraints[..]].concat();
                for told in [install(directory, &words), lock(directory, &words)] {
                    assert_eq!(told.code == Some(0), is_good, "{}", told.told());
                    let code = ["duplicate-package", "dependency-version", "hash-mismatch"];
                    assert!(is_good || code.iter().any(|code| told.stderr.contains(code)), "{}", told.told());
                }
            }
        }
        // One of them as the requirement.
        for words in
            [["-r", "a.txt", "-c", "b.txt"], ["-r", "b.txt", "-c", "a.txt"], ["-r", "a.txt", "-r", "b.txt"]]
        {
            let words = [&words[..], &["-i", &at]].concat();
            for told in [install(directory, &words), lock(directory, &words)] {
                assert_eq!(told.code == Some(0), is_good, "{}", told.told());
            }
        }
    };
    check(&good, &evil, false);
    check(&format!("{good} {evil}"), &good, false);
    check(&good, &format!("{good} {evil}"), false);
    check(&format!("{good} {evil}"), &evil, true);
    check(&evil, &evil, true);
    // Both places are told, of what nobody asks for by name too.
    set("a.txt", &format!("plum==1 {good}"));
    set("b.txt", &format!("plum==1 {evil}"));
    for asked in ["plum.txt", "stone.txt"] {
        let words = ["-r", asked, "-i", &at, "-c", "a.txt", "-c", "b.txt"];
        lock(directory, &words).refused(Code::DuplicatePackage).stderr_has("a.txt:1").stderr_has("b.txt:1");
        install(directory, &words).code(1).stderr_has("b.txt:1");
    }
    // Lines for environments apart do not bind each other.
    set("a.txt", &format!("plum==1 ; sys_platform == 'win32' {good}"));
    set("b.txt", &format!("plum==1 ; sys_platform != 'win32' {evil}"));
    let words = ["-r", "a.txt", "-r", "b.txt", "-i", &at];
    lock(directory, &words).ok();
    assert_eq!(packages(directory), ["plum 1"]);
    assert!(text(directory, "pylock.toml").contains(evil.trim_start_matches("--hash=sha256:")));
    install(directory, &words).ok();
}
