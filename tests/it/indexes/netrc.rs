//! Passwords in addresses, variables, pip.conf and netrc.

use pipward::error::Code;

use super::{SECRET, ground, guard, install, keeps_secret, pip};
use crate::support::server::Server;

#[test]
fn a_password_in_an_address_is_used_and_not_told() {
    let (server, place) = (Server::start(), ground());
    guard(&server, &format!("al:{SECRET}"));
    let index = server.url("/simple/");
    let secret = index.replace("http://", &format!("http://al:{SECRET}@"));
    let config = format!("[global]\nindex-url = {secret}\n");
    std::fs::write(place.path("pip.conf"), config).unwrap();
    let nowhere = Server::start();
    let said = [
        install(&place, &["-vvv", "--index-url", &secret]).run().ok(),
        install(&place, &["-i", &nowhere.url("/simple/"), "--extra-index-url", &secret]).run().ok(),
        install(&place, &[]).env("PIP_INDEX_URL", &secret).run().ok(),
        install(&place, &[]).env("PIP_CONFIG_FILE", place.path("pip.conf")).run().ok(),
        pip(&place, &["download", "-r", "requirements.txt", "-d", "got", "-i", &secret]).run().ok(),
        pip(&place, &["index", "versions", "plum", "-i", &secret]).run().ok(),
        pip(&place, &["lock", "plum", "-i", &secret, "-o", "pylock.toml"]).run().ok(),
        install(&place, &["-i", &secret, "--report", "report.json", "--log", "log.txt"]).run().ok(),
        pip(&place, &["freeze"]).run().ok(),
        pip(&place, &["debug", "-v"]).env("PIP_INDEX_URL", &secret).run().ok(),
        // Another one's password, and none.
        install(&place, &["-i", &secret.replace("al:", "bo:")]).run().code(1).stderr_has("401"),
        install(&place, &["-i", &index]).run().code(1).stderr_has("give a user name and password in netrc"),
    ];
    keeps_secret(&place, &said.iter().collect::<Vec<_>>(), &["pip.conf"]);
}

#[test]
fn netrc_is_asked_where_the_address_has_no_password() {
    let (server, place) = (Server::start(), ground());
    guard(&server, &format!("al:{SECRET}"));
    let index = server.url("/simple/");
    let line = format!("machine 127.0.0.1 login al password {SECRET}\n");
    std::fs::write(place.path("other-netrc"), &line).unwrap();
    let named = |words: &[&str]| install(&place, words).env("NETRC", place.path("other-netrc")).run();
    let mut said = vec![
        named(&["-i", &index, "-vvv"]).ok(),
        named(&["-i", &index.replace("http://", "http://somebody@")]).ok(),
    ];
    said.push(install(&place, &["-i", &index]).run().code(1).stderr_has(Code::HttpStatus.name()));
    std::fs::write(place.path("home/.netrc"), &line).unwrap();
    said.push(install(&place, &["-i", &index]).run().ok());
    said.push(pip(&place, &["lock", "plum", "-i", &index, "-o", "pylock.toml"]).run().ok());
    // A password that is for everybody is for nobody.
    std::fs::write(place.path("home/.netrc"), format!("default login al password {SECRET}\n")).unwrap();
    said.push(install(&place, &["-i", &index]).run().code(1).stderr_has("401"));
    keeps_secret(&place, &said.iter().collect::<Vec<_>>(), &["other-netrc", "home/.netrc"]);
}
