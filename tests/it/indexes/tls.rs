//! A server with a certificate of a private authority, and one that wants a certificate of its clients.

use pipward::error::Code;

use super::{ground, hashed, install, pip, plum};
use crate::commands::Place;
use crate::support::server::{Form, Published, Server, Style};
use crate::support::tls::Authority;
use crate::support::wheels::WheelBuilder;

fn html() -> Style {
    Style { form: Form::Html, ..Style::default() }
}

fn publish(server: &Server) -> String {
    server.publish("plum", &[Published::new(plum())], &html())
}

/// What a private server is refused with, and what lets it in.
#[test]
fn a_private_authority_is_trusted_where_it_is_named() {
    let (place, authority) = (ground(), Authority::new("ours"));
    let server = Server::start_tls(authority.server(None));
    let index = publish(&server);
    let ours = authority.write(&place.path("ours.pem")).display().to_string();
    let stranger = Authority::new("a stranger").write(&place.path("stranger.pem")).display().to_string();
    let refused = |words: &[&str]| {
        let told = install(&place, words).args(["-i", &index]).run();
        told.code(1).stderr_has(Code::TlsFailed.name()).stderr_has("UnknownIssuer").stderr_has("--cert");
    };
    refused(&[]);
    refused(&["--cert", &stranger]);
    install(&place, &["-i", &index, "--trusted-host", "127.0.0.1"])
        .run()
        .code(1)
        .stderr_has(Code::OptionRefused.name())
        .stderr_has("--cert FILE");
    assert!(server.requests().is_empty(), "nothing was asked over a connection that is not trusted");
    install(&place, &["--cert", &ours, "-i", &index]).run().ok();
    for variable in ["PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"] {
        let told = install(&place, &["-i", &index, "-v"]).env(variable, &ours).run();
        assert_eq!(told.code, Some(0), "{variable}: {}", told.told());
    }
    install(&place, &["-i", &index]).env("REQUESTS_CA_BUNDLE", "").env("CURL_CA_BUNDLE", &ours).run().ok();
    // The option counts more than a variable.
    install(&place, &["--cert", &ours, "-i", &index]).env("PIP_CERT", &stranger).run().ok();
    install(&place, &["-i", &index]).env("PIP_CERT", &ours).env("REQUESTS_CA_BUNDLE", &stranger).run().ok();
    std::fs::write(place.path("pip.conf"), format!("[global]\ncert = {ours}\nindex-url = {index}\n"))
        .unwrap();
    install(&place, &[]).env("PIP_CONFIG_FILE", place.path("pip.conf")).run().ok();
    let missing = install(&place, &["-i", &index, "--cert", "none.pem"]).run().code(1);
    missing.stderr_has("none.pem").stderr_has(Code::TlsFailed.name());
    // The other commands go the same way.
    for words in [
        &["lock", "plum", "-o", "pylock.toml"][..],
        &["download", "-r", "requirements.txt", "-d", "got"],
        &["index", "versions", "plum"],
    ] {
        let _ = std::fs::remove_dir_all(place.path("home/cache"));
        pip(&place, words).args(["-i", &index]).run().code(1).stderr_has(Code::TlsFailed.name());
        pip(&place, words).args(["-i", &index, "--cert", &ours]).run().ok();
    }
    assert!(place.path("got").join(plum().0).is_file());
    sync_from_the_lock(&place, &ours);
}

/// The lock has the address of the file, and no index is named.
fn sync_from_the_lock(place: &Place, ours: &str) {
    let _ = std::fs::remove_dir_all(place.path("home/cache"));
    pip(place, &["uninstall", "-y", "plum"]).run().ok();
    pip(place, &["sync", "-r", "pylock.toml"]).run().code(1).stderr_has(Code::TlsFailed.name());
    pip(place, &["sync", "-r", "pylock.toml", "--cert", ours]).run().ok().stdout_has("plum-1.0");
}

#[test]
fn a_server_that_wants_a_client_certificate_gets_it() {
    let (place, authority, clients) = (ground(), Authority::new("ours"), Authority::new("of the clients"));
    let server = Server::start_tls(authority.server(Some(&clients)));
    let index = publish(&server);
    let ours = authority.write(&place.path("ours.pem")).display().to_string();
    let client = clients.write_client(&place.path("client.pem")).display().to_string();
    let stranger =
        Authority::new("of others").write_client(&place.path("stranger.pem")).display().to_string();
    let base = ["--cert", &ours, "-i", &index];
    let run = |words: &[&str]| install(&place, &base).args(words).run();
    run(&[])
        .code(1)
        .stderr_has(Code::TlsFailed.name())
        .stderr_has("wants a client certificate")
        .stderr_has("--client-cert");
    run(&["--client-cert", &stranger]).code(1).stderr_has("does not accept the client certificate");
    run(&["--client-cert", &ours]).code(1).stderr_has("no key in PEM form").stderr_has("ours.pem");
    run(&["--client-cert", "none.pem"]).code(1).stderr_has("none.pem");
    assert!(server.requests().is_empty());
    run(&["--client-cert", &client]).ok();
    install(&place, &base).env("PIP_CLIENT_CERT", &client).run().ok();
    let config = format!("[global]\nclient-cert = {client}\ncert = {ours}\nindex-url = {index}\n");
    std::fs::write(place.path("pip.conf"), config).unwrap();
    install(&place, &[]).env("PIP_CONFIG_FILE", place.path("pip.conf")).run().ok();
}

/// `--extra-index-url` beside an index whose certificate is known, and `--find-links` to a page.
#[test]
fn two_servers_of_two_authorities() {
    let place = ground();
    let (one, two) = (Authority::new("one"), Authority::new("two"));
    let (first, second) = (Server::start_tls(one.server(None)), Server::start_tls(two.server(None)));
    publish(&first);
    let pear = WheelBuilder::new("pear", "2").file("pear.py", "").build();
    second.publish("pear", &[Published::new(pear.clone())], &html());
    let both = [one.write(&place.path("one.pem")), two.write(&place.path("two.pem"))];
    let bundle: String = both.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    std::fs::write(place.path("both.pem"), bundle).unwrap();
    std::fs::write(place.path("requirements.txt"), hashed(&[&plum(), &pear])).unwrap();
    let indexes = ["-i", &first.url("/simple/"), "--extra-index-url", &second.url("/simple/")];
    install(&place, &indexes).args(["--cert", "one.pem"]).run().code(1).stderr_has(Code::TlsFailed.name());
    install(&place, &indexes).args(["--cert", "both.pem"]).run().ok();
    pip(&place, &["uninstall", "-y", "pear"]).run().ok();
    let links = ["--no-index", "-f", &second.url("/simple/pear/"), "-f", &first.url("/simple/plum/")];
    install(&place, &links).args(["--cert", "both.pem"]).run().ok();
}
