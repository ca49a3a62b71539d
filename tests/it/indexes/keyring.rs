//! The `keyring` command, played by a script that writes down what it is asked.

use super::{SECRET, ground, guard, install, keeps_secret, pip, program};
use crate::commands::Place;
use crate::support::run::{Output, Run};
use crate::support::server::{Response, Server};

/// A keyring that answers one question, given as the words behind the options.
fn keyring(place: &Place, folder: &str, question: &str, answer: &str) {
    let asked = place.path("asked.txt");
    let text = format!(
        "#!/bin/sh\necho \"$*\" >> '{}'\ncase \"$*\" in\n'{question}') printf '%s' '{answer}';;\n\
         '--mode=creds'*'old'*) exit 2;;\n*) exit 1;;\nesac\n",
        asked.display()
    );
    program(&place.path(folder), "keyring", &text);
}

/// What was asked since the last look.
fn asked(place: &Place) -> Vec<String> {
    let text = std::fs::read_to_string(place.path("asked.txt")).unwrap_or_default();
    let _ = std::fs::remove_file(place.path("asked.txt"));
    text.lines().map(str::to_owned).collect()
}

fn with_path(place: &Place, folder: &str, run: Run) -> Output {
    let path = std::env::var("PATH").unwrap();
    run.env("PATH", format!("{}:{path}", place.path(folder).display())).run()
}

const BOTH: &str = "--mode=creds --output=json get";

fn json() -> String {
    format!("{{\"username\": \"al\", \"password\": \"{SECRET}\"}}")
}

#[test]
fn the_keyring_command_is_asked_once_and_its_answer_is_told_to_nobody() {
    let (server, place) = (Server::start(), ground());
    guard(&server, &format!("al:{SECRET}"));
    let index = server.url("/simple/");
    let al = index.replace("http://", "http://al@");
    let run = |words: &[&str]| with_path(&place, "bin", install(&place, words));
    // By user; and without one, as artifact stores of clouds want it.
    keyring(&place, "bin", &format!("{BOTH} {index} al"), &json());
    let mut said = vec![run(&["-vvv", "--keyring-provider", "subprocess", "-i", &al]).ok()];
    assert_eq!(asked(&place), [format!("{BOTH} {index} al")]);
    said.push(run(&["-i", &al]).ok());
    assert_eq!(asked(&place).len(), 1, "auto is what is meant where nothing is said");
    keyring(&place, "bin", &format!("{BOTH} {index}"), &json());
    said.push(run(&["--keyring-provider=auto", "-i", &index]).ok());
    assert_eq!(asked(&place), [format!("{BOTH} {index}")]);
    let lock = pip(&place, &["lock", "plum", "-o", "pylock.toml", "-i", &index]);
    said.push(with_path(&place, "bin", lock).ok());
    assert_eq!(asked(&place).len(), 1);
    // By the host alone.
    let host = format!("127.0.0.1:{}", server.port());
    keyring(&place, "bin", &format!("{BOTH} {host}"), &json());
    said.push(run(&["-i", &index]).ok());
    assert_eq!(asked(&place), [format!("{BOTH} {index}"), format!("{BOTH} {host}")]);
    keeps_secret(&place, &said.iter().collect::<Vec<_>>(), &["bin/keyring"]);
}

#[test]
fn an_old_keyring_is_asked_for_the_password_of_a_user() {
    let (server, place) = (Server::start(), ground());
    guard(&server, &format!("old:{SECRET}"));
    let index = server.url("/simple/");
    keyring(&place, "bin", &format!("get {index} old"), SECRET);
    let old = index.replace("http://", "http://old@");
    with_path(&place, "bin", install(&place, &["-i", &old])).ok();
    assert_eq!(asked(&place), [format!("{BOTH} {index} old"), format!("get {index} old")]);
}

#[test]
fn a_keyring_is_left_alone_where_nobody_asks_for_it() {
    let (server, place) = (Server::start(), ground());
    guard(&server, &format!("al:{SECRET}"));
    let index = server.url("/simple/");
    keyring(&place, "bin", &format!("{BOTH} {index}"), &json());
    let run = |words: &[&str]| with_path(&place, "bin", install(&place, words));
    for words in [
        ["--keyring-provider", "disabled", "-i", &index],
        ["--keyring-provider", "import", "-i", &index],
        ["--no-input", "-i", &index, "--no-color"],
    ] {
        run(&words).code(1).stderr_has("401").stderr_has("--keyring-provider subprocess");
        assert!(asked(&place).is_empty(), "{words:?}");
    }
    run(&["--no-input", "--keyring-provider", "subprocess", "-i", &index]).ok();
    with_path(
        &place,
        "bin",
        install(&place, &["--no-input", "-i", &index]).env("PIP_KEYRING_PROVIDER", "subprocess"),
    )
    .ok();
    assert_eq!(asked(&place).len(), 2);
    run(&["--keyring-provider", "nonsense", "-i", &index]).code(2);
    // A password that is there is not looked up.
    let wrong = index.replace("http://", "http://al:wrong@");
    run(&["-i", &wrong]).code(1).stderr_has("401");
    assert!(asked(&place).is_empty());
}

/// devpi says 403 to those who say nothing. Somebody who said who he is is not asked again.
#[test]
fn a_server_that_forbids_without_asking() {
    let (server, place) = (Server::start(), ground());
    guard(&server, &format!("al:{SECRET}"));
    let forbidding = |request: &crate::support::server::Request, _: usize| {
        let (name, bytes) = super::plum();
        match request.header("Authorization") {
            Some(_) if request.path.ends_with(&name) => Response::ok(bytes),
            _ => Response::status(403),
        }
    };
    server.on(&format!("/files/{}", super::plum().0), forbidding);
    let index = server.url("/simple/");
    keyring(&place, "bin", &format!("{BOTH} {index}"), &json());
    with_path(&place, "bin", install(&place, &["-i", &index])).ok();
    assert_eq!(asked(&place).len(), 1);
    server.on("/simple/plum/", |_, _| Response::status(403));
    let known = index.replace("http://", "http://al:other@");
    with_path(&place, "bin", install(&place, &["-i", &known])).code(1).stderr_has("403");
    assert!(asked(&place).is_empty());
}

/// What stands in a virtual environment may be the code of a package.
#[test]
fn the_keyring_of_an_environment_is_not_started() {
    let (server, place) = (Server::start(), ground());
    guard(&server, &format!("al:{SECRET}"));
    let index = server.url("/simple/");
    keyring(&place, "env/bin", &format!("{BOTH} {index}"), &json());
    let words = ["--keyring-provider", "subprocess", "-i", &index];
    with_path(&place, "env/bin", install(&place, &words)).code(1).stderr_has("401");
    assert!(asked(&place).is_empty());
}

#[test]
fn an_answer_that_does_not_help_is_not_asked_for_again() {
    let (server, place) = (Server::start(), ground());
    guard(&server, "al:something else");
    let index = server.url("/simple/");
    for answer in [json(), "no json".to_owned(), String::new()] {
        keyring(&place, "bin", &format!("{BOTH} {index}"), &answer);
        with_path(&place, "bin", install(&place, &["-i", &index])).code(1).stderr_has("401");
        assert!(asked(&place).len() <= 2);
    }
}

/// A page may lead anywhere; what the keyring has for that place is not its business.
#[test]
fn no_other_server_sees_what_the_keyring_said() {
    let (server, other, place) = (Server::start(), Server::start(), ground());
    guard(&server, &format!("al:{SECRET}"));
    guard(&other, &format!("al:{SECRET}"));
    let index = server.url("/simple/");
    keyring(&place, "bin", &format!("{BOTH} {index}"), &json());
    server.serve("/simple/plum/", Response::redirect(other.url("/simple/plum/")));
    with_path(&place, "bin", install(&place, &["-i", &index])).code(1).stderr_has("401");
    let sent = other.requests().iter().filter(|request| request.header("Authorization").is_some()).count();
    assert_eq!(sent, 0);
}
