//! What a lock or an environment holds, through the command line.

mod sbom;
mod stats;
mod unused;

use std::path::Path;

use pipward::error::Code;

use crate::support::pythons::any_python;
use crate::support::run::{Output, Run, pipward, scratch};
use crate::support::server::Server;
use crate::support::world::{publish, text, wheel, write};

/// A run in a directory, whose cache is its own.
fn run(directory: &Path, words: &[&str]) -> Output {
    at(directory, words).run()
}

fn at(directory: &Path, words: &[&str]) -> Run {
    pipward(words).dir(directory).env("PIPWARD_CACHE_DIR", directory.join("cache"))
}

/// A lock of apple (which needs pear with an extra, and fig on Windows) and of fig.
fn orchard(directory: &Path) -> Server {
    let server = Server::start();
    let index = publish(
        &server,
        vec![
            wheel("apple", "1").requires("pear[core]>=1,<3").requires("fig ; sys_platform == 'win32'"),
            wheel("pear", "2").extra("core").requires("seed>=0.5 ; extra == 'core'"),
            wheel("seed", "1"),
            wheel("fig", "4"),
        ],
    );
    run(directory, &["lock", "-i", &index, "apple>=1", "fig<5"]).ok();
    server
}

#[test]
fn a_lock_is_told_from_what_was_asked_for_downwards() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = orchard(directory);
    let before = server.requests().len();
    let told = run(directory, &["tree"]).ok();
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "apple 1  (apple>=1, command line)",
            "├── fig 4  (fig ; sys_platform == 'win32')",
            "└── pear 2  (pear[core]>=1,<3)",
            "    └── seed 1  (seed>=0.5)",
            "fig 4  (fig<5, command line)",
        ],
        "{}",
        told.told()
    );
    run(directory, &["tree", "--depth", "1"]).ok().stdout_has("└── pear 2");
    assert!(!run(directory, &["tree", "--depth", "1"]).ok().stdout.contains("seed"));
    let turned = run(directory, &["tree", "--invert", "Seed"]).ok();
    assert_eq!(
        turned.stdout,
        "seed 1\n└── pear 2  (seed>=0.5)\n    └── apple 1  (pear[core]>=1,<3)\n",
        "{}",
        turned.told()
    );
    run(directory, &["tree", "--duplicates"]).ok().stdout_has("No name has several versions.");
    let document: serde_json::Value =
        serde_json::from_str(&run(directory, &["tree", "--json"]).ok().stdout).unwrap();
    assert_eq!(document["roots"][0]["from"], "command line");
    assert_eq!(document["packages"][0]["needs"][1]["requirements"][0], "pear[core]>=1,<3");
    assert_eq!(server.requests().len(), before, "nothing is asked for");
}

#[test]
fn every_way_to_a_name_is_told_with_its_words() {
    let scratch = scratch();
    let directory = scratch.path();
    let _server = orchard(directory);
    let told = run(directory, &["why", "fig"]).ok();
    let lines: Vec<&str> = told.stdout.lines().collect();
    assert_eq!(
        lines,
        [
            "fig 4",
            "",
            "  fig<5 (command line)",
            "",
            "  apple>=1 (command line)",
            "    apple 1 needs fig ; sys_platform == 'win32'",
            "",
            "2 ways lead there.",
        ],
        "{}",
        told.told()
    );
    let document: serde_json::Value =
        serde_json::from_str(&run(directory, &["why", "seed", "--json"]).ok().stdout).unwrap();
    assert_eq!(
        (&document["complete"], &document["ways"][0]["steps"][2]["needs"]["name"]),
        (&true.into(), &"seed".into())
    );
    run(directory, &["why", "plum"]).refused(Code::NotInLock).stderr_has("pipward tree");
    run(directory, &["why", "see"]).refused(Code::NotInLock).stderr_has("is seed meant?");
}

#[test]
fn metadata_that_is_not_at_hand_is_fetched_on_demand_alone() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = orchard(directory);
    std::fs::remove_dir_all(directory.join("cache")).unwrap();
    let before = server.requests().len();
    let told = run(directory, &["tree"]).ok();
    assert!(told.stdout.contains("├── fig 4\n└── pear 2\n"), "{}", told.told());
    told.stderr_has("Without specifiers").stderr_has("apple, pear").stderr_has("--fetch");
    assert_eq!(server.requests().len(), before);
    run(directory, &["tree", "--fetch"]).ok().stdout_has("(pear[core]>=1,<3)");
    let asked = server.requests().len();
    assert!(asked > before);
    run(directory, &["tree"]).ok().stdout_has("(pear[core]>=1,<3)");
    assert_eq!(server.requests().len(), asked, "what was fetched is kept");
}

#[test]
fn metadata_that_is_not_the_locked_one_is_refused() {
    let scratch = scratch();
    let directory = scratch.path();
    let server = orchard(directory);
    std::fs::remove_dir_all(directory.join("cache")).unwrap();
    publish(&server, vec![wheel("apple", "1").requires("plum")]);
    run(directory, &["tree", "--fetch"]).refused(Code::MetadataMismatch);
}

#[test]
fn an_environment_is_told_too() {
    let scratch = scratch();
    let directory = scratch.path();
    let _server = orchard(directory);
    let python = any_python().executable.display().to_string();
    run(directory, &["install", "apple", "--venv", ".venv", "--python", &python]).ok();
    run(directory, &["uninstall", "-y", "fig", "--python", ".venv"]).ok();
    let told = run(directory, &["tree", ".venv"]).ok();
    assert_eq!(
        told.stdout,
        "apple 1  (apple, installed by name)\n└── pear 2  (pear[core]>=1,<3)\n    └── seed 1  (seed>=0.5)\n",
        "{}",
        told.told()
    );
    run(directory, &["why", "seed", ".venv"]).ok().stdout_has("pear 2 needs seed>=0.5");
    run(directory, &["tree", ".venv", "-r", "pylock.toml"]).code(2);
    run(directory, &["tree", "nowhere"]).code(2);
}

#[test]
fn a_lock_of_another_tool_is_told_as_far_as_it_tells() {
    let scratch = scratch();
    let directory = scratch.path();
    let _server = orchard(directory);
    let lock = text(directory, "pylock.toml");
    let bare: String = lock.split("\n[tool.pipward]").next().unwrap().to_owned() + "\n";
    // pipward writes a list on lines of its own.
    let (mut without, mut inside) = (String::new(), false);
    for line in bare.lines() {
        inside |= line.starts_with("dependencies = [");
        if !inside {
            without += &format!("{line}\n");
        }
        inside &= !line.ends_with(']');
    }
    write(directory, "pylock.bare.toml", &bare);
    write(directory, "pylock.without.toml", &without);
    run(directory, &["tree", "-r", "pylock.bare.toml"]).ok().stdout_has("apple 1  (nothing else needs it)");
    // METADATA tells what the lock does not.
    run(directory, &["tree", "-r", "pylock.without.toml"]).ok().stdout_has("└── seed 1  (seed>=0.5)");
    std::fs::remove_dir_all(directory.join("cache")).unwrap();
    run(directory, &["tree", "-r", "pylock.without.toml"])
        .ok()
        .stderr_has("does not tell what 4 of its packages need");
}

#[test]
fn there_has_to_be_a_lock() {
    let scratch = scratch();
    run(scratch.path(), &["tree"]).refused(Code::LockNotFound).stderr_has("name a lock with -r");
    run(scratch.path(), &["sbom"]).refused(Code::LockNotFound);
}
