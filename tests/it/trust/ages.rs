//! How long new files wait.

use pipward::error::Code;

use super::{configure, exception, hours_ago, index, lock};
use crate::support::run::scratch;
use crate::support::server::{Published, Server};
use crate::support::world::{offer, packages, publish, text, wheel};

fn uploaded(name: &str, version: &str, hours: i64) -> Published {
    Published::new(wheel(name, version).build()).uploaded(&hours_ago(hours))
}

/// A page with an old release, one of two days and one of an hour.
fn three(server: &Server) -> String {
    let ages = [("1", 1000), ("2", 48), ("3", 1)];
    offer(server, ages.map(|(version, hours)| uploaded("plum", version, hours)).into())
}

#[test]
fn a_young_release_waits_and_the_hour_is_told() {
    let server = Server::start();
    let at = three(&server);
    let scratch = scratch();
    let directory = scratch.path();
    let here = index("here", &at, "");
    let check = |more: &str, expected: &str| {
        configure(directory, &(here.clone() + more));
        let _ = std::fs::remove_file(directory.join("pylock.toml"));
        let told = lock(directory, &["plum"]).ok();
        assert_eq!(packages(directory), [format!("plum {expected}")], "{more}");
        told
    };
    let told =
        check("", "1").stderr_has("[release-age] plum 1: 3 is newer, and too new: it can be locked from ");
    assert_eq!(told.stderr.matches("release-age").count(), 1, "{}", told.told());
    assert!(told.stderr.contains(":00:00Z on"), "{}", told.told());
    check("[policy]\nmin-release-age = \"24h\"\n", "2").stderr_has("3 is newer");
    check("[policy]\nmin-release-age = \"0h\"\n", "3");
    check("[policy]\nmin-release-age-packages = { \"pl*\" = \"1d\" }\n", "2");
    check("[policy]\nmin-release-age-packages = { \"pl*\" = \"1d\", plum = \"0h\" }\n", "3");
    check("min-release-age = \"30h\"\n", "2");
    check(&exception("release-age", "plum", ""), "3");
    check(&exception("release-age", "plum", "until = 2020-01-01"), "1");
    check(&exception("release-age", "other", ""), "1");
    let quiet = check("[policy]\nrelease-age = \"allow\"\n", "1");
    assert!(!quiet.stderr.contains("release-age"), "{}", quiet.told());
    // Whoever names a cutoff has named it for all.
    configure(directory, &(here + "min-release-age = \"0h\"\n"));
    let said = lock(directory, &["plum", "-U", "--uploaded-prior-to", "72h"]).ok();
    assert_eq!(packages(directory), ["plum 1"]);
    assert!(!said.stderr.contains("release-age"), "{}", said.told());
}

#[test]
fn nothing_is_told_of_a_release_that_nobody_asks_for() {
    let server = Server::start();
    let at = three(&server);
    let scratch = scratch();
    let directory = scratch.path();
    configure(directory, &index("here", &at, ""));
    let quiet = lock(directory, &["plum<2"]).ok();
    assert!(!quiet.stderr.contains("release-age"), "{}", quiet.told());
}

#[test]
fn the_lock_notes_how_long_files_waited_and_follows_a_change() {
    let server = Server::start();
    let at = three(&server);
    let scratch = scratch();
    let directory = scratch.path();
    let here = index("here", &at, "");
    configure(directory, &here);
    lock(directory, &["plum"]).ok();
    assert!(!text(directory, "pylock.toml").contains("min-release-age"));
    configure(directory, &format!("{here}[policy]\nmin-release-age = \"24h\"\n"));
    lock(directory, &["plum", "--check"]).code(1).stderr_has("min-release-age");
    lock(directory, &["plum", "-P", "plum"]).ok();
    let locked = text(directory, "pylock.toml");
    assert!(locked.contains("min-release-age = \"24h\""), "{locked}");
    assert_eq!(packages(directory), ["plum 2"]);
    lock(directory, &["plum", "--check"]).ok();
    let again = lock(directory, &["plum"]).ok();
    assert_eq!(text(directory, "pylock.toml"), locked, "{}", again.told());
}

#[test]
fn what_an_exception_let_in_stays_when_it_has_ended() {
    let server = Server::start();
    let at = three(&server);
    let scratch = scratch();
    let directory = scratch.path();
    let here = index("here", &at, "");
    configure(directory, &(here.clone() + &exception("release-age", "plum", "")));
    lock(directory, &["plum"]).ok();
    assert_eq!(packages(directory), ["plum 3"]);
    let locked = text(directory, "pylock.toml");
    configure(directory, &(here + &exception("release-age", "plum", "until = 2020-01-01")));
    lock(directory, &["plum"]).ok();
    assert_eq!(packages(directory), ["plum 3"]);
    assert_eq!(text(directory, "pylock.toml"), locked);
}

#[test]
fn an_index_without_upload_times_is_told_once_and_refused_under_a_cutoff() {
    let server = Server::start();
    let at = publish(&server, vec![wheel("plum", "1").requires("peach"), wheel("peach", "1")]);
    let scratch = scratch();
    let directory = scratch.path();
    let here = index("here", &at, "");
    configure(directory, &here);
    let told = lock(directory, &["plum"]).ok();
    assert_eq!(told.stderr.matches("gives no upload times").count(), 1, "{}", told.told());
    lock(directory, &["plum", "-U", "--uploaded-prior-to", "1h"]).refused(Code::NoSolution);
    // Where files do not wait, nobody need know how old they are.
    configure(directory, &(here + "min-release-age = \"0h\"\n"));
    let quiet = lock(directory, &["plum", "-U"]).ok();
    assert!(!quiet.stderr.contains("upload times"), "{}", quiet.told());
}
