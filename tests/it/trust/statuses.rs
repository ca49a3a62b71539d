//! What an index says of a project: archived, deprecated, in quarantine; and yanked releases.

use pipward::error::Code;
use serde_json::json;

use super::{configure, exception, index, install, lock, page};
use crate::support::run::scratch;
use crate::support::server::{Published, Response, Server};
use crate::support::world::{offer, wheel};

#[test]
fn the_status_of_a_project_is_told_and_can_be_set_to_refuse() {
    let server = Server::start();
    let files = [Published::new(wheel("plum", "1").build())];
    let scratch = scratch();
    let directory = scratch.path();
    let here = index("here", &server.url("/simple/"), "");
    for (status, code) in [("archived", Code::ProjectArchived), ("deprecated", Code::ProjectDeprecated)] {
        let said = json!({"project-status": {"status": status, "reason": "use\n peach"}});
        page(&server, "plum", &files, &said);
        configure(directory, &here);
        let told = lock(directory, &["plum", "-U"]).ok().stderr_has(code.name()).stderr_has("(use peach)");
        assert_eq!(told.stderr.matches(code.name()).count(), 1, "{}", told.told());
        let deny = format!("{here}[policy]\n{} = \"deny\"\n", code.name());
        configure(directory, &deny);
        lock(directory, &["plum", "-U"]).refused(code);
        configure(directory, &(deny.clone() + &exception(code.name(), "plum", "until = 2099-01-01")));
        let quiet = lock(directory, &["plum", "-U"]).ok();
        assert!(!quiet.stderr.contains(code.name()), "{}", quiet.told());
        configure(directory, &(deny + &exception(code.name(), "plum", "until = 2020-01-01")));
        lock(directory, &["plum", "-U"]).refused(code).stderr_has("ended on 2020-01-01");
        configure(directory, &format!("{here}[policy]\n{} = \"allow\"\n", code.name()));
        let quiet = lock(directory, &["plum", "-U"]).ok();
        assert!(!quiet.stderr.contains(code.name()), "{}", quiet.told());
    }
}

#[test]
fn the_status_stands_on_html_pages_too() {
    let server = Server::start();
    let file = Published::new(wheel("plum", "1").build());
    server.file(&format!("/files/{}", file.name), file.bytes.clone());
    let serve = |status: &str| {
        let sha256 = pipward::digest::Sha256::of(&file.bytes).to_string();
        let body = format!(
            "<!DOCTYPE html><html><head><meta name=\"pypi:project-status\" content=\"{status}\">\
             <meta name=\"pypi:project-status-reason\" content=\"tired\"></head><body>\
             <a href=\"/files/{}#sha256={sha256}\">{}</a></body></html>",
            file.name, file.name
        );
        server.serve("/simple/plum/", Response::ok(body).header("Content-Type", "text/html"));
    };
    let scratch = scratch();
    let directory = scratch.path();
    configure(directory, &index("here", &server.url("/simple/"), ""));
    serve("archived");
    lock(directory, &["plum"]).ok().stderr_has("project-archived").stderr_has("(tired)");
    for spelled in ["quarantined", " Quarantined "] {
        serve(spelled);
        lock(directory, &["plum", "-U"]).refused(Code::ProjectQuarantined);
    }
    serve("something-new");
    lock(directory, &["plum", "-U"]).ok();
}

#[test]
fn a_yanked_pin_is_a_finding_of_the_lock_and_of_an_install() {
    let server = Server::start();
    let at = offer(&server, vec![Published::new(wheel("plum", "1").build()).yanked("broken")]);
    let scratch = scratch();
    let directory = scratch.path();
    let here = index("here", &at, "");
    configure(directory, &here);
    lock(directory, &["plum==1"]).ok().stderr_has("[release-yanked] plum 1: it was yanked (broken)");
    install(directory, &[]).ok().stderr_has("[release-yanked] plum 1: it was yanked (broken)");
    configure(directory, &format!("{here}[policy]\nrelease-yanked = \"deny\"\n"));
    lock(directory, &["plum==1", "-U"]).refused(Code::ReleaseYanked);
    install(directory, &[]).refused(Code::ReleaseYanked);
    configure(
        directory,
        &format!("{here}[policy]\nrelease-yanked = \"deny\"\n{}", exception("release-yanked", "plum", "")),
    );
    install(directory, &[]).ok();
}
