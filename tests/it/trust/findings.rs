//! Findings as such: each is told once, an exception ends on its day, and a rule is for the packages that it names.

use pipward::error::{Code, Problem};
use pipward::policy::Judged;
use serde_json::json;

use super::{configure, exception, hours_ago, index, install, lock, page, strictly};
use crate::support::run::{Output, scratch};
use crate::support::server::{Published, Server};
use crate::support::world::{packages, wheel, write};

/// A project with everything that is told of one: its pinned release was yanked, it is archived, and a newer one waits. What
/// it needs looks like a well-known name, and is deprecated.
fn odd(server: &Server) -> String {
    let old = |name: &str, version: &str| {
        let wheel =
            if name == "plum" { wheel(name, version).requires("reqeusts") } else { wheel(name, version) };
        Published::new(wheel.build()).uploaded(&hours_ago(5000))
    };
    let plum = [old("plum", "1").yanked("broken")];
    page(server, "plum", &plum, &json!({"project-status": {"status": "archived"}}));
    page(server, "reqeusts", &[old("reqeusts", "1")], &json!({"project-status": {"status": "deprecated"}}));
    let young = Published::new(wheel("stone", "2").build()).uploaded(&hours_ago(3));
    page(server, "stone", &[old("stone", "1"), young], &json!({}));
    server.url("/simple/")
}

/// Asked for in several places, and in several environments.
const ASKED: &str = "plum==1\nplum==1 ; sys_platform == 'linux'\nstone\nstone ; python_version >= '3.12'\n";

/// How often a code is told.
fn count(told: &Output, code: Code) -> usize {
    told.stderr.matches(&format!("[{}]", code.name())).count()
}

#[test]
fn each_finding_is_told_once() {
    let server = Server::start();
    let at = odd(&server);
    let scratch = scratch();
    let directory = scratch.path();
    write(directory, "a.in", ASKED);
    write(directory, "b.in", ASKED);
    configure(directory, &index("here", &at, ""));
    let told = |told: &Output, codes: &[Code]| {
        for code in Code::ALL {
            assert_eq!(
                count(told, *code),
                usize::from(codes.contains(code)),
                "{}\n{}",
                code.name(),
                told.told()
            );
        }
    };
    let all = [
        Code::ReleaseYanked,
        Code::ProjectArchived,
        Code::ProjectDeprecated,
        Code::ReleaseAge,
        Code::LookAlike,
    ];
    told(&lock(directory, &["-r", "a.in", "-r", "b.in"]).ok(), &all);
    assert_eq!(packages(directory), ["plum 1", "reqeusts 1", "stone 1"]);
    // A name that is in the lock is not looked at again.
    told(&lock(directory, &["-r", "a.in", "-r", "b.in", "-U"]).ok(), &all[..4]);
    told(&install(directory, &[]).ok(), &all[..1]);
    let download = ["download", "-r", "pylock.toml", "-r", "pylock.toml", "-d", "got"];
    told(&strictly(directory, &download).run().ok(), &all[..1]);
    // As refusals too.
    let deny: String = all.iter().map(|code| format!("{} = \"deny\"\n", code.name())).collect();
    configure(directory, &format!("{}[policy]\n{deny}", index("here", &at, "")));
    told(&lock(directory, &["-r", "a.in", "-r", "b.in", "-U"]).code(1), &all[..4]);
    told(&install(directory, &[]).refused(Code::ReleaseYanked), &[Code::ReleaseYanked, Code::LookAlike]);
    let check = lock(directory, &["--check-policy"]).code(1);
    told(&check, &[Code::ReleaseYanked, Code::LookAlike]);
}

#[test]
fn an_exception_holds_to_the_end_of_its_day() {
    let server = Server::start();
    let at = odd(&server);
    let scratch = scratch();
    let directory = scratch.path();
    let deny = format!("{}[policy]\nproject-archived = \"deny\"\n", index("here", &at, ""));
    let until = |days: i64| {
        let day = hours_ago(-24 * days);
        let until = format!("until = {}", &day[..10]);
        configure(directory, &(deny.clone() + &exception("project-archived", "plum", &until)));
        lock(directory, &["plum==1", "-U"])
    };
    // Two days, so that midnight may pass meanwhile.
    until(2).ok();
    until(1).ok();
    until(-2).refused(Code::ProjectArchived).stderr_has("ended on");
    // One for another project, and one for another code, are none.
    for (code, package) in [("project-archived", "stone"), ("project-deprecated", "plum")] {
        configure(directory, &(deny.clone() + &exception(code, package, "")));
        lock(directory, &["plum==1", "-U"]).refused(Code::ProjectArchived);
    }
    configure(directory, &(deny.clone() + &exception("project-archived", "pl*", "")));
    let told = lock(directory, &["plum==1", "-U"]);
    assert!(told.code == Some(0) || told.stderr.contains("config-invalid"), "{}", told.told());
    // Neither a name nor a reason may be left out.
    for bad in
        ["code = \"project-archived\"\npackage = \"plum\"\n", "code = \"project-archived\"\nreason = \"x\"\n"]
    {
        configure(directory, &format!("{deny}[[policy.exception]]\n{bad}"));
        lock(directory, &["plum==1", "-U"]).refused(Code::ConfigInvalid);
    }
}

/// What several looks find is one finding, whichever way it goes.
#[test]
fn what_is_found_twice_is_one_finding() {
    let found = || Problem::new(Code::ReleaseYanked, "it was yanked").package("plum 1");
    let other = || Problem::new(Code::ReleaseYanked, "it was yanked").package("plum 2");
    let judged = |refused: Vec<Problem>, warned: Vec<Problem>| Judged { refused, warned };
    let mut all = Judged::default();
    for _ in 0..2 {
        all.add(judged(Vec::new(), vec![found(), found(), other()]));
    }
    assert_eq!(all.clone().told().map_err(|_| ()), Ok(vec![found().to_string(), other().to_string()]));
    for _ in 0..2 {
        all.add(judged(vec![other(), other(), found()], Vec::new()));
    }
    assert_eq!(all.told().unwrap_err().iter().count(), 2);
}
