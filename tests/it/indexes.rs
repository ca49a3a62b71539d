//! Private indexes, reached by pip's own options: real servers, TLS of a private authority, and passwords from
//! wherever pip takes them.

mod keyring;
mod netrc;
mod servers;
mod tls;

use std::path::Path;

use base64::Engine as _;

use crate::commands::Place;
use crate::support::run::{Output, Run};
use crate::support::server::{Request, Response, Server};
use crate::support::tree::{Node, tree};
use crate::support::wheels::WheelBuilder;

/// What the passwords of these tests are: nothing else has these letters.
const SECRET: &str = "wonderland";

/// A wheel with one module.
fn plum() -> (String, Vec<u8>) {
    WheelBuilder::new("plum", "1.0").file("plum.py", "").build()
}

/// Requirements that pin and hash wheels.
fn hashed(wheels: &[&(String, Vec<u8>)]) -> String {
    let line = |(name, bytes): &(String, Vec<u8>)| {
        let (project, version) = (name.split('-').next().unwrap(), name.split('-').nth(1).unwrap());
        format!("{project}=={version} --hash=sha256:{}\n", pipward::digest::Sha256::of(bytes))
    };
    wheels.iter().map(|wheel| line(wheel)).collect()
}

/// An empty environment, with a home that is kept and the requirements of `plum`.
fn ground() -> Place {
    let place = Place::with(&[]);
    std::fs::create_dir(place.path("home")).unwrap();
    std::fs::write(place.path("requirements.txt"), hashed(&[&plum()])).unwrap();
    place
}

/// pipward as pip, with home and cache in `place`, where what they hold can be looked at, and no pip.conf.
fn pip(place: &Place, words: &[&str]) -> Run {
    let cache = place.path("home/cache");
    let run = place.ours(words).env("HOME", place.path("home")).env("PIPWARD_CACHE_DIR", cache);
    // The machine's own pip.conf may name an index, or certificates.
    run.env("PIP_CONFIG_FILE", "/dev/null")
}

/// `pip install -r requirements.txt` and `words`, afresh.
fn install(place: &Place, words: &[&str]) -> Run {
    pip(place, &["uninstall", "-y", "plum"]).run().ok();
    let _ = std::fs::remove_dir_all(place.path("home/cache"));
    pip(place, &["install", "-r", "requirements.txt"]).args(words)
}

/// Lets the server show `plum` to those alone who say `login` (`user:password`).
fn guard(server: &Server, login: &str) {
    let expected = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(login));
    let (name, bytes) = plum();
    let page = format!("<!DOCTYPE html><a href=\"/files/{name}\">{name}</a>");
    let guarded = move |answer: Response| {
        let expected = expected.clone();
        move |request: &Request, _: usize| match request.header("Authorization") {
            Some(said) if said == expected => answer.clone(),
            _ => Response::status(401).header("WWW-Authenticate", "Basic realm=\"plums\""),
        }
    };
    server.on("/simple/plum/", guarded(Response::ok(page).header("Content-Type", "text/html")));
    server.on(&format!("/files/{name}"), guarded(Response::ok(bytes)));
}

/// The password is in nothing that was said and in no file but those named, as it is or as it is sent.
#[track_caller]
fn keeps_secret(place: &Place, said: &[&Output], but: &[&str]) {
    let sent = base64::engine::general_purpose::STANDARD.encode(format!("al:{SECRET}"));
    let tells = |text: &[u8]| {
        [SECRET, &sent].iter().any(|secret| text.windows(secret.len()).any(|part| part == secret.as_bytes()))
    };
    for output in said {
        assert!(!tells(output.stdout.as_bytes()) && !tells(output.stderr.as_bytes()), "{}", output.told());
    }
    for (path, node) in tree(place.scratch.path()) {
        if let Node::File { content, .. } = node {
            assert!(!tells(&content) || but.contains(&path.as_str()), "{path} has the password");
        }
    }
}

/// Writes a program into a folder.
fn program(folder: &Path, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
    std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o755)).unwrap();
}
