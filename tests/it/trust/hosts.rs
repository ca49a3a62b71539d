//! From which hosts an install takes files.

use std::path::Path;

use pipward::error::Code;

use super::{configure, index, install, lock};
use crate::support::run::scratch;
use crate::support::server::{Published, Response, Server};
use crate::support::world::{publish, text, wheel, write};

/// The host of a server.
fn host(server: &Server) -> String {
    format!("127.0.0.1:{}", server.port())
}

/// Changes the text of the lock.
fn edit(directory: &Path, from: &str, to: &str) {
    let lock = text(directory, "pylock.toml");
    assert!(lock.contains(from), "{lock}");
    write(directory, "pylock.toml", &lock.replace(from, to));
}

#[test]
fn a_lock_whose_address_was_moved_is_refused_whatever_else_it_says() {
    let (own, evil) = (Server::start(), Server::start());
    let at = publish(&own, vec![wheel("plum", "1")]);
    publish(&evil, vec![wheel("plum", "1")]);
    let scratch = scratch();
    let directory = scratch.path();
    configure(directory, &index("own", &at, ""));
    lock(directory, &["plum"]).ok();
    install(directory, &[]).ok();
    edit(directory, &own.url("/files/"), &evil.url("/files/"));
    let refused = install(directory, &[]).refused(Code::FileHost);
    refused.stderr_has(&host(&own)).stderr_has(&host(&evil)).stderr_has("file-hosts");
    // An index that the lock alone knows has no hosts.
    edit(directory, &at, &evil.url("/simple/"));
    install(directory, &[]).refused(Code::FileHost).stderr_has("[[index]]");
    let lock = text(directory, "pylock.toml");
    let without: String =
        lock.lines().filter(|line| !line.starts_with("index =")).map(|line| format!("{line}\n")).collect();
    write(directory, "pylock.toml", &without);
    install(directory, &[]).refused(Code::FileHost);
    assert!(evil.requests().is_empty(), "{:?}", evil.requests());
    // The address of a locked name that an index has to itself is on that index, whatever the lock says.
    write(directory, "pylock.toml", &lock);
    let pinned = index("own", &at, "packages = [\"plum\"]") + &index("evil", &evil.url("/simple/"), "");
    configure(directory, &pinned);
    install(directory, &[]).refused(Code::FileHost);
    assert!(evil.requests().is_empty(), "{:?}", evil.requests());
}

#[test]
fn without_any_configuration_an_index_keeps_files_on_its_own_host_and_pypi_on_those_it_has() {
    let (server, other) = (Server::start(), Server::start());
    let at = publish(&server, vec![wheel("plum", "1")]);
    publish(&other, vec![wheel("plum", "1")]);
    let scratch = scratch();
    let directory = scratch.path();
    lock(directory, &["-i", &at, "plum"]).ok();
    install(directory, &[]).ok();
    edit(directory, &server.url("/files/"), &other.url("/files/"));
    install(directory, &[])
        .refused(Code::FileHost)
        .stderr_has("a host of an index that you named, or of PyPI: files.pythonhosted.org");
    edit(directory, &at, "https://pypi.org/simple/");
    install(directory, &[]).refused(Code::FileHost).stderr_has("files.pythonhosted.org");
    // The right host in the clear is another one, and is told so.
    edit(directory, &other.url("/files/"), "http://files.pythonhosted.org/");
    let told =
        install(directory, &[]).refused(Code::FileHost).stderr_has("found: http://files.pythonhosted.org");
    assert!(told.stderr.contains("file-hosts"), "{}", told.told());
    edit(directory, "http://files.pythonhosted.org/", &other.url("/files/"));
    assert!(other.requests().is_empty(), "{:?}", other.requests());
    // What the user says of indexes on the spot counts.
    install(directory, &["-i", &at]).ok();
    // The lock names PyPI, whose hosts are known, so an index beside it changes nothing.
    install(directory, &["--extra-index-url", &at]).refused(Code::FileHost);
    configure(directory, &format!("file-hosts = [\"{}\"]\n", host(&other)));
    install(directory, &[]).ok();
}

#[test]
fn an_index_may_keep_its_files_elsewhere_where_the_configuration_says_so() {
    let (pages, files) = (Server::start(), Server::start());
    for name in ["plum", "peach"] {
        let file = Published::new(wheel(name, "1").build());
        let sha256 = pipward::digest::Sha256::of(&file.bytes).to_string();
        let url = files.url(&format!("/files/{}", file.name));
        files.file(&format!("/files/{}", file.name), file.bytes.clone());
        let body = format!("<!DOCTYPE html><a href=\"{url}#sha256={sha256}\">{}</a>", file.name);
        pages.serve(&format!("/simple/{name}/"), Response::ok(body).header("Content-Type", "text/html"));
    }
    let scratch = scratch();
    let directory = scratch.path();
    let at = pages.url("/simple/");
    configure(directory, &index("split", &at, ""));
    // Once for both packages.
    let told = lock(directory, &["plum", "peach"]).ok().stderr_has("file-hosts");
    assert_eq!(told.stderr.matches("file-hosts").count(), 1, "{}", told.told());
    install(directory, &[]).refused(Code::FileHost);
    configure(directory, &index("split", &at, &format!("file-hosts = [\"{}\"]", host(&files))));
    let quiet = lock(directory, &["plum"]).ok();
    assert!(!quiet.stderr.contains("file-hosts"), "{}", quiet.told());
    install(directory, &[]).ok();
}

#[test]
fn a_mirror_gives_the_locked_file_and_no_other() {
    let (own, mirror) = (Server::start(), Server::start());
    let at = publish(&own, vec![wheel("plum", "1")]);
    let mirrored = publish(&mirror, vec![wheel("plum", "1"), wheel("plum", "2")]);
    let scratch = scratch();
    let directory = scratch.path();
    configure(directory, &index("own", &at, &format!("mirror = \"{mirrored}\"")));
    lock(directory, &["plum"]).ok();
    assert!(mirror.requests().is_empty());
    let file = "/files/plum-1-py3-none-any.whl";
    let before = own.asked(file).len();
    install(directory, &[]).ok();
    assert_eq!((own.asked(file).len(), mirror.asked(file).len()), (before, 1));
    publish(&mirror, vec![wheel("plum", "1").file("more.py", "changed = True\n")]);
    install(directory, &[]).refused(Code::SizeMismatch);
    publish(&mirror, vec![wheel("plum", "2")]);
    install(directory, &[]).refused(Code::FileNotFound);
    // The command line comes first.
    let typed = Server::start();
    let at = publish(&typed, vec![wheel("plum", "1")]);
    install(directory, &["-i", &at]).ok();
    assert_eq!(typed.asked(file).len(), 1);
}

#[test]
fn names_of_an_index_stay_there_while_a_variable_names_another() {
    let (internal, general) = (Server::start(), Server::start());
    let own = publish(&internal, vec![wheel("plum", "1").requires("peach")]);
    let at = publish(&general, vec![wheel("peach", "1")]);
    let scratch = scratch();
    let directory = scratch.path();
    configure(directory, &index("internal", &own, "packages = [\"plum\"]"));
    let run = |words: &[&str]| super::strictly(directory, words).env("PIP_INDEX_URL", &at).run();
    run(&["lock", "plum"]).ok();
    let python = crate::support::pythons::any_python().executable.display().to_string();
    run(&["install", "-r", "pylock.toml", "--venv", "env", "--python", &python]).ok();
    assert!(!super::was_asked(&general, "plum") && !super::was_asked(&internal, "peach"));
}

/// However its entry is spelled, and whatever index the file itself names: a name that one index has to itself comes from there.
#[test]
fn a_name_of_an_index_comes_from_no_other_address() {
    let (own, evil) = (Server::start(), Server::start());
    let at = publish(&own, vec![wheel("plum", "1")]);
    let bad = wheel("plum", "1").file("evil.py", "");
    let (name, bytes) = bad.build();
    let sha256 = pipward::digest::Sha256::of(&bytes).to_string();
    let elsewhere = publish(&evil, vec![bad]);
    let scratch = scratch();
    let directory = scratch.path();
    let pinned = index("own", &at, "packages = [\"plum\"]");
    let entry = |index: &str, key: &str| {
        let file =
            format!("{{ url = \"{}{name}\", hashes = {{ sha256 = \"{sha256}\" }} }}", evil.url("/files/"));
        let file = if key == "wheels" { format!("[{file}]") } else { file };
        format!(
            "lock-version = \"1.0\"\ncreated-by = \"them\"\n[[packages]]\nname = \"plum\"\nversion = \"1\"\n{index}{key} = {file}\n"
        )
    };
    for (policy, said) in [
        (pinned.as_str(), ""),
        (&pinned, &*format!("index = \"{at}\"\n")),
        ("", &format!("index = \"{at}\"\n")),
    ] {
        for key in ["archive", "wheels"] {
            configure(directory, policy);
            write(directory, "pylock.toml", &entry(said, key));
            install(directory, &[]).refused(Code::FileHost);
            let check = ["lock", "--check-policy", "-o", "pylock.toml"];
            super::strictly(directory, &check).run().refused(Code::FileHost);
        }
    }
    let python = crate::support::pythons::any_python().executable.display().to_string();
    configure(directory, &pinned);
    for lines in [
        format!("--index-url {elsewhere}\nplum==1 --hash=sha256:{sha256}\n"),
        format!("--extra-index-url {elsewhere}\nplum==1 --hash=sha256:{sha256}\n"),
        format!("plum @ {}{name} --hash=sha256:{sha256}\n", evil.url("/files/")),
    ] {
        write(directory, "r.txt", &lines);
        let words = ["install", "-r", "r.txt", "--venv", "other", "--python", &python];
        let told = super::strictly(directory, &words).run();
        assert_eq!(told.code, Some(1), "{lines}{}", told.told());
    }
    assert!(evil.requests().is_empty(), "{:?}", evil.requests());
}

/// Nor from a page of links; from a folder of the user's own it may.
#[test]
fn a_name_of_an_index_comes_from_no_page_of_links() {
    let (own, evil) = (Server::start(), Server::start());
    let at = publish(&own, vec![wheel("plum", "1")]);
    let (name, bytes) = wheel("plum", "9").build();
    evil.serve(
        "/links/",
        Response::ok(format!("<a href=\"{name}\">x</a>")).header("content-type", "text/html"),
    );
    evil.file(&format!("/links/{name}"), bytes);
    let scratch = scratch();
    let directory = scratch.path();
    configure(directory, "");
    lock(directory, &["plum", "--find-links", &evil.url("/links/")]).ok();
    assert!(text(directory, "pylock.toml").contains("version = \"9\""));
    std::fs::remove_file(directory.join("pylock.toml")).unwrap();
    configure(directory, &index("own", &at, "packages = [\"plum\"]"));
    lock(directory, &["plum", "--find-links", &evil.url("/links/")]).ok();
    assert!(text(directory, "pylock.toml").contains("version = \"1\""));
    let (name, bytes) = wheel("plum", "2").build();
    std::fs::create_dir(directory.join("links")).unwrap();
    std::fs::write(directory.join("links").join(name), bytes).unwrap();
    lock(directory, &["plum", "--find-links", "links", "-U"]).ok();
    assert!(text(directory, "pylock.toml").contains("version = \"2\""));
}
