//! Which index a name comes from.

use pipward::error::Code;
use serde_json::json;

use super::{configure, exception, index, install, lock, page, strictly, was_asked};
use crate::support::run::scratch;
use crate::support::server::{Published, Response, Server};
use crate::support::world::{offer, packages, publish, text, wheel};

#[test]
fn a_pinned_name_asks_its_own_index_alone_and_the_lock_says_which() {
    let (internal, public) = (Server::start(), Server::start());
    let own = publish(&internal, vec![wheel("acme_tool", "1").requires("plum")]);
    internal.publish(
        "acme-tool",
        &[Published::new(wheel("acme_tool", "1").requires("plum").build())],
        &<_>::default(),
    );
    let general = publish(&public, vec![wheel("plum", "1")]);
    public.publish("acme-tool", &[Published::new(wheel("acme_tool", "99").build())], &<_>::default());
    let scratch = scratch();
    let directory = scratch.path();
    configure(
        directory,
        &(index("internal", &own, "packages = [\"acme-*\"]") + &index("general", &general, "")),
    );
    lock(directory, &["acme-tool"]).ok();
    assert_eq!(packages(directory), ["acme-tool 1", "plum 1"]);
    assert!(!was_asked(&public, "acme"), "{:?}", public.requests());
    assert!(!was_asked(&internal, "plum"), "{:?}", internal.requests());
    let locked = text(directory, "pylock.toml");
    assert!(
        locked.contains(&format!("index = \"{own}\"")) && locked.contains(&format!("index = \"{general}\""))
    );
    install(directory, &[]).ok();
    // The command line names another index for what nobody has to itself.
    let other = Server::start();
    let at = publish(&other, vec![wheel("plum", "2")]);
    lock(directory, &["acme-tool", "-i", &at, "-U"]).ok();
    assert_eq!(packages(directory), ["acme-tool 1", "plum 2"]);
    assert!(!was_asked(&other, "acme"));
}

#[test]
fn an_unpinned_name_with_two_contents_is_refused_until_it_is_pinned() {
    let (one, two) = (Server::start(), Server::start());
    let (at_one, at_two) = (publish(&one, vec![wheel("plum", "1")]), publish(&two, vec![wheel("plum", "2")]));
    let scratch = scratch();
    let directory = scratch.path();
    let both = |packages: &str| index("one", &at_one, packages) + &index("two", &at_two, "");
    configure(directory, &both(""));
    lock(directory, &["plum"]).refused(Code::IndexConflict).stderr_has("packages = [\"plum\"]");
    configure(directory, &both("packages = [\"plum\"]"));
    lock(directory, &["plum"]).ok();
    assert_eq!(packages(directory), ["plum 1"]);
    // A mirror has the same files.
    let at_two = publish(&two, vec![wheel("plum", "1")]);
    configure(directory, &(index("one", &at_one, "") + &index("two", &at_two, "")));
    lock(directory, &["plum", "-U"]).ok();
    assert_eq!(packages(directory), ["plum 1"]);
}

/// An index that asks somebody to sign in, or has trouble, may have the name: it is not left to the next one.
#[test]
fn an_index_that_does_not_answer_leaves_no_name_to_another() {
    let (own, public) = (Server::start(), Server::start());
    publish(&own, vec![wheel("pear", "1")]);
    let at = publish(&public, vec![wheel("plum", "99")]);
    let form = Response::ok("<!DOCTYPE html><form action=/login><input type=password name=p></form>");
    let sso = own.url("/sso/");
    let html = |answer: Response| answer.header("Content-Type", "text/html");
    own.serve("/sso/", html(form.clone()));
    let scratch = scratch();
    let directory = scratch.path();
    for (answer, code) in [
        (html(form), Code::IndexPageInvalid),
        (Response::redirect(sso), Code::IndexPageInvalid),
        (Response::status(401), Code::HttpStatus),
        (Response::status(403), Code::HttpStatus),
        (Response::status(500), Code::HttpStatus),
    ] {
        own.serve("/simple/plum/", answer);
        let words = ["lock", "--retries", "0", "-i", &own.url("/simple/"), "--extra-index-url", &at, "plum"];
        strictly(directory, &words).run().refused(code);
        assert!(!directory.join("pylock.toml").exists());
    }
}

#[test]
fn what_is_wrong_with_an_index_is_told_with_its_place() {
    let scratch = scratch();
    let directory = scratch.path();
    let good = "name = \"a\"\nurl = \"https://al:hidden@h.example/simple/\"\n";
    for (bad, says) in [
        ("[[index]]\nname = \"a\"\n", "url"),
        ("[[index]]\nurl = \"https://h.example/\"\n", "name"),
        ("[[index]]\nname = \"a\"\nurl = \"ftp://al:hidden@h.example/\"\n", "pipward.toml:3"),
        (&format!("[[index]]\n{good}[[index]]\n{good}"), "two indexes have one name"),
        (&format!("[[index]]\n{good}packages = [\"a b\"]\n"), "pipward.toml:4"),
        (&format!("[[index]]\n{good}file-hosts = [\"https://h\"]\n"), "pipward.toml:4"),
        (&format!("[[index]]\n{good}min-release-age = \"soon\"\n"), "72h"),
        (&format!("[[index]]\n{good}verify-ssl = false\n"), "verify-ssl"),
    ] {
        configure(directory, bad);
        let told = lock(directory, &["plum"]).refused(Code::ConfigInvalid).stderr_has(says);
        assert!(!told.stderr.contains("hidden"), "{}", told.told());
    }
}

#[test]
fn names_in_the_namespace_of_others_are_refused() {
    let server = Server::start();
    let files = [Published::new(wheel("plum", "1").build())];
    let scratch = scratch();
    let directory = scratch.path();
    let plain = index("here", &server.url("/simple/"), "");
    let check = |authorized: bool, open: bool, more: &str| {
        let namespace = json!({"prefix": "plum", "authorized": authorized, "open": open});
        page(&server, "plum", &files, &json!({"namespace": namespace}));
        configure(directory, &(plain.clone() + more));
        let _ = std::fs::remove_file(directory.join("pylock.toml"));
        lock(directory, &["plum"])
    };
    check(false, false, "").refused(Code::NamespaceForeign).stderr_has("namespace plum");
    check(true, false, "").ok();
    check(false, true, "").ok();
    check(false, false, &exception("namespace-foreign", "plum", "")).ok();
    check(false, false, "[policy]\nnamespace-foreign = \"warn\"\n").ok().stderr_has("namespace-foreign");
    page(&server, "plum", &files, &json!({"namespace": null}));
    lock(directory, &["plum", "-U"]).ok();
}

#[test]
fn internal_names_are_looked_up_on_request() {
    let (internal, public) = (Server::start(), Server::start());
    let own = offer(&internal, vec![Published::new(wheel("plum", "1").build())]);
    let scratch = scratch();
    let directory = scratch.path();
    configure(directory, &index("internal", &own, "packages = [\"plum\", \"acme-*\"]"));
    let at = public.url("/simple/");
    let ask = |names: &[&str]| strictly(directory, &["audit-names", "-i", &at]).args(names).run();
    ask(&[]).ok().stdout_has("None of 1 names is on").stderr_has("which tells it them");
    publish(&public, vec![wheel("plum", "99")]);
    ask(&[]).refused(Code::NamePublic).stderr_has("plum");
    ask(&["other"]).ok();
    assert!(internal.requests().is_empty());
    configure(directory, "");
    ask(&[]).refused(Code::Usage);
}
