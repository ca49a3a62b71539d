//! A server that lies, stalls, drips, cuts, resets, redirects, changes its mind and compresses bombs, against the command
//! line: each lie has its code, and afterwards environment, lock and cache are as they were.

use std::path::PathBuf;
use std::sync::Mutex;

use pipward::digest::Sha256;
use pipward::error::Code;

use crate::support::long;
use crate::support::pythons::any_python;
use crate::support::run::{Output, pipward, scratch};
use crate::support::server::{Fault, Published, Response, Server, Style, nobody, ranged};
use crate::support::tree::{Tree, differences, tree};
use crate::support::world::wheel;

const JSON: &str = "application/vnd.pypi.simple.v1+json";
const LIMITS: &str = "[limits]\npage = '1 MiB'\nmetadata = '64 KiB'\nwheel = '1 MiB'\nanswer-seconds = 2\n";

/// An index with a wheel, an environment with another, and a cache that has both of them kept.
struct World {
    server: Server,
    directory: tempfile::TempDir,
    pear: (String, Vec<u8>),
}

impl World {
    fn new() -> Self {
        let world =
            Self { server: Server::start(), directory: scratch(), pear: wheel("pear", "1.0").build() };
        world.write("pipward.toml", LIMITS);
        let apple = wheel("apple", "1.0").build();
        std::fs::write(world.path(&apple.0), &apple.1).unwrap();
        world.write("apple.toml", &lock("apple", &format!("path = \"{}\"", apple.0), &apple.1));
        world.install("apple.toml").ok();
        let metadata = "Metadata-Version: 2.1\nName: pear\nVersion: 1.0\n";
        let file = Published::new(world.pear.clone()).metadata(metadata);
        world.server.publish("pear", &[file], &Style::default());
        let at = format!("url = \"{}\"", world.server.url(&world.wheel_path()));
        world.write("pear.toml", &lock("pear", &at, &world.pear.1));
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn wheel_path(&self) -> String {
        format!("/files/{}", self.pear.0)
    }

    fn install(&self, lock: &str) -> Output {
        self.install_trying(lock, "0")
    }

    fn install_trying(&self, lock: &str, retries: &str) -> Output {
        pipward(["install", "--venv", "env", "--cache-dir", "cache", "-r", lock, "--retries", retries])
            .args(["--timeout", "1", "--python"])
            .arg(any_python().executable)
            .dir(self.directory.path())
            .run()
    }

    fn lock(&self) -> Output {
        pipward(["lock", "pear", "--python-version", "3.13", "--no-universal", "--cache-dir", "cache"])
            .args(["--retries", "0", "--timeout", "1", "-i"])
            .arg(self.server.url("/simple/"))
            .dir(self.directory.path())
            .run()
    }
}

fn lock(name: &str, at: &str, bytes: &[u8]) -> String {
    format!(
        "lock-version = \"1.0\"\ncreated-by = \"a test\"\n[[packages]]\nname = \"{name}\"\nversion = \"1.0\"\nwheels = [{{ {at}, hashes = {{ sha256 = \"{}\" }} }}]\n",
        Sha256::of(bytes)
    )
}

/// Something that a server answers, and what is said of it.
type Lie = (&'static str, Response, Code);

/// Tells each lie at `path`, on a few worlds at once, and gathers what is wrong with how pipward takes it.
fn tell(lies: &[Lie], path: impl Fn(&World) -> String + Sync, run: impl Fn(&World) -> Output + Sync) {
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for at in 0..6 {
            let part = lies.iter().skip(at).step_by(6);
            let (path, run, faults) = (&path, &run, &faults);
            scope.spawn(move || {
                let world = World::new();
                let before = tree(world.directory.path());
                for (what, response, code) in part {
                    world.server.serve(&path(&world), response.clone());
                    let output = run(&world);
                    let found = judge(&output, *code, &before, &tree(world.directory.path()));
                    faults.lock().unwrap().extend(found.map(|found| format!("{what}: {found}")));
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn judge(output: &Output, code: Code, before: &Tree, after: &Tree) -> Option<String> {
    let told: Vec<&str> = output
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("error[")?.split_once(']').map(|(code, _)| code))
        .collect();
    let changed = differences(before, after);
    let is_right = told == [code.name()]
        && output.code == Some(i32::from(code.exit_class().status()))
        && !output.stderr.contains("panicked")
        && changed.is_empty();
    (!is_right).then(|| format!("{code} was expected, {told:?}\n{}\n{}", output.told(), changed.join("\n")))
}

fn raw(text: impl Into<Vec<u8>>) -> Response {
    Response::ok(text).fault(Fault::Raw)
}

/// What goes wrong with any answer on the way.
fn on_the_way(body: &[u8]) -> Vec<Lie> {
    let with = |fault| Response::ok(body).fault(fault);
    let half = body.len() / 2;
    let mut endless = Response::ok(body);
    endless.headers.extend((0..3).map(|_| ("X-Long".to_owned(), "x".repeat(300_000))));
    vec![
        ("silence", with(Fault::Silence), Code::IndexUnreachable),
        ("an end before the answer", with(Fault::Drop), Code::IndexUnreachable),
        ("a stall after the head", with(Fault::StallAfter(0)), Code::DownloadTruncated),
        ("a stall half way", with(Fault::StallAfter(half)), Code::DownloadTruncated),
        ("a drip", Response::ok(vec![b' '; 5_000]).fault(Fault::Drip(50)), Code::IndexUnreachable),
        ("a cut", with(Fault::CutAfter(half)), Code::DownloadTruncated),
        ("chunks that end early", with(Fault::ChunksEndAfter(half)), Code::DownloadTruncated),
        ("no HTTP at all", raw("SSH-2.0-OpenSSH_9.9\r\n"), Code::IndexUnreachable),
        ("nothing but line breaks", raw("\r\n\r\n\r\n\r\n"), Code::IndexUnreachable),
        ("a status that is none", raw("HTTP/1.1 9999 What\r\n\r\n"), Code::IndexUnreachable),
        (
            "a length that is none",
            raw("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nx"),
            Code::IndexUnreachable,
        ),
        (
            "two lengths",
            raw("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
            Code::IndexUnreachable,
        ),
        (
            "a chunk that is none",
            raw(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n",
            ),
            Code::DownloadTruncated,
        ),
        ("a head without end", endless, Code::IndexUnreachable),
        (
            "an encoding nobody asked for",
            Response::ok(body).header("Content-Encoding", "br"),
            Code::IndexPageInvalid,
        ),
        ("401", Response::status(401), Code::HttpStatus),
        ("403", Response::status(403), Code::HttpStatus),
        ("407", Response::status(407), Code::HttpStatus),
        ("500", Response::status(500), Code::HttpStatus),
        ("503 for long", Response::status(503).header("Retry-After", "99999999"), Code::HttpStatus),
        ("a redirect to a file", Response::redirect("file:///etc/passwd"), Code::RedirectRefused),
        ("a redirect to FTP", Response::redirect("ftp://127.0.0.1/x"), Code::RedirectRefused),
        ("a redirect to data", Response::redirect("data:text/html,x"), Code::RedirectRefused),
        ("a redirect to nowhere", Response::status(302), Code::RedirectRefused),
        ("a redirect to no address", Response::redirect("http://["), Code::RedirectRefused),
        ("a redirect to nobody", Response::redirect(nobody()), Code::IndexUnreachable),
    ]
}

/// What happens to wheels with each of them happens to others with some, unless everything is to run.
fn sample(lies: Vec<Lie>) -> Vec<Lie> {
    lies.into_iter().step_by(if long() { 1 } else { 4 }).collect()
}

#[test]
fn a_wheel_that_goes_wrong_on_the_way_changes_nothing() {
    let body = wheel("pear", "1.0").build().1;
    let mut lies = on_the_way(&body);
    let other = wheel("pear", "1.0").file("evil.py", "").build().1;
    let gzipped = Response::ok(body.clone()).gzip();
    lies.extend([
        ("another wheel", Response::ok(other), Code::HashMismatch),
        ("an error page", Response::ok("<!DOCTYPE html>"), Code::HashMismatch),
        ("nothing", Response::ok(""), Code::HashMismatch),
        ("a wheel with more behind it", Response::ok([&body[..], b"x"].concat()), Code::HashMismatch),
        ("more than the limit", Response::ok(vec![0; (1 << 20) + 1]), Code::IndexPageTooLarge),
        (
            "more than the limit, without a length",
            Response::ok(vec![0; (1 << 20) + 1]).fault(Fault::EndAfter((1 << 20) + 1)),
            Code::IndexPageTooLarge,
        ),
        ("a wheel that is encoded", gzipped, Code::IndexPageInvalid),
        ("no content", Response::status(204), Code::HttpStatus),
        ("a part that nobody asked for", Response { status: 206, ..Response::ok(body) }, Code::HttpStatus),
        ("404", Response::status(404), Code::FileNotFound),
        ("410", Response::status(410), Code::FileNotFound),
    ]);
    tell(&lies, World::wheel_path, |world| world.install("pear.toml"));
}

/// A page about pear that is as it should be, but for `from`, which is `to`.
fn page(from: &str, to: &str) -> Response {
    let page = format!(
        r#"{{"meta":{{"api-version":"1.1"}},"name":"pear","files":[{{"filename":"pear-1.0-py3-none-any.whl","url":"/files/pear-1.0-py3-none-any.whl","hashes":{{"sha256":"{}"}},"size":9,"yanked":false}}]}}"#,
        Sha256::of(b"")
    );
    assert!(page.contains(from), "{from}");
    Response::ok(page.replacen(from, to, 1)).header("Content-Type", JSON)
}

#[test]
fn a_page_that_goes_wrong_locks_nothing() {
    let honest = page("", "").body;
    let mut lies = sample(on_the_way(&honest));
    let bomb = vec![b' '; 2 << 20];
    let typed = || Response::ok("").header("Content-Type", JSON);
    let zstd = zstd::encode_all(&bomb[..], 3).unwrap();
    let mut twice = Response::ok(bomb.clone()).gzip();
    twice.headers.clear();
    let deep = format!("\"files\":[{}{},", "[".repeat(100_000), "]".repeat(100_000));
    lies.extend([
        ("a bomb", typed().encoded("identity", bomb.clone()), Code::IndexPageTooLarge),
        (
            "a gzip bomb",
            Response { headers: typed().headers, ..Response::ok(bomb) }.gzip(),
            Code::IndexPageTooLarge,
        ),
        ("a zstd bomb", typed().encoded("zstd", zstd), Code::IndexPageTooLarge),
        (
            "two encodings",
            Response { headers: typed().headers, ..twice.gzip() }.header("Content-Encoding", "gzip, gzip"),
            Code::IndexPageInvalid,
        ),
        (
            "a damaged encoding",
            typed().encoded("gzip", b"\x1f\x8b\x08nothing".to_vec()),
            Code::IndexPageInvalid,
        ),
        ("deflate", typed().encoded("deflate", honest.clone()), Code::IndexPageInvalid),
        ("no type", Response::ok(honest.clone()), Code::IndexPageInvalid),
        (
            "plain text",
            Response::ok(honest.clone()).header("Content-Type", "text/plain"),
            Code::IndexPageInvalid,
        ),
        (
            "HTML as JSON",
            Response::ok("<a href='x'>x</a>").header("Content-Type", JSON),
            Code::IndexPageInvalid,
        ),
        ("a cut page", page("}]}", ""), Code::IndexPageInvalid),
        ("another name", page("\"name\":\"pear\"", "\"name\":\"plum\""), Code::IndexPageInvalid),
        (
            "two names",
            page("\"name\":\"pear\"", "\"name\":\"pear\",\"name\":\"pear\""),
            Code::IndexPageInvalid,
        ),
        ("two hashes", page("\"sha256\":", "\"sha256\":\"00\",\"sha256\":"), Code::IndexPageInvalid),
        ("a short hash", page("e3b0c442", "e3b0"), Code::IndexPageInvalid),
        ("two sizes", page("\"size\":9", "\"size\":9,\"size\":9"), Code::IndexPageInvalid),
        ("a negative size", page("\"size\":9", "\"size\":-9"), Code::IndexPageInvalid),
        ("depth", page("\"files\":[", &deep), Code::IndexPageInvalid),
        ("another major version", page("\"1.1\"", "\"2.0\""), Code::IndexPageInvalid),
        ("a file on this machine", page("\"/files/", "\"file:///files/"), Code::AddressRefused),
        ("a file by FTP", page("\"/files/", "\"ftp://h/files/"), Code::AddressRefused),
        (
            "quarantine",
            page("{\"meta\"", "{\"project-status\":{\"status\":\"quarantined\"},\"meta\""),
            Code::ProjectQuarantined,
        ),
        ("404", Response::status(404), Code::NoSolution),
    ]);
    tell(&lies, |_| "/simple/pear/".to_owned(), World::lock);
}

#[test]
fn metadata_that_goes_wrong_locks_nothing() {
    let honest = "Metadata-Version: 2.1\nName: pear\nVersion: 1.0\n";
    let mut lies = sample(on_the_way(honest.as_bytes()));
    // What is not there is learned from the wheel itself.
    lies.retain(|(what, _, _)| *what != "403");
    let bomb = honest.to_owned() + &"x".repeat(1 << 20);
    lies.extend([
        ("another text", Response::ok(format!("{honest}Requires-Dist: evil\n")), Code::MetadataMismatch),
        ("a bomb", Response::ok(bomb.clone()).gzip(), Code::IndexPageTooLarge),
        (
            "a zstd bomb",
            Response::ok("").encoded("zstd", zstd::encode_all(bomb.as_bytes(), 3).unwrap()),
            Code::IndexPageTooLarge,
        ),
    ]);
    tell(&lies, |world| format!("{}.metadata", world.wheel_path()), World::lock);
}

/// Who asks for a part of the wheel is shown another wheel of the same size, which needs nothing.
#[test]
fn parts_of_another_wheel_are_found_out_by_the_wheel_itself() {
    let world = World::new();
    let (name, honest) = wheel("pear", "1.0").requires("evil>=1").build();
    let lying = (0..)
        .map(|at: u32| {
            wheel("pear", "1.0")
                .header("Summary", &"xyzzy,plugh"[..at as usize % 12])
                .header("Keywords", &at.to_string())
                .build()
                .1
        })
        .find(|lying| lying.len() == honest.len())
        .unwrap();
    world.server.publish("pear", &[Published::new((name, honest.clone()))], &Style::default());
    world.server.on(&world.wheel_path(), move |request, _| {
        let body = if request.header("Range").is_some() { &lying } else { &honest };
        ranged(request, body)
    });
    world.lock().ok();
    let locked = std::fs::read_to_string(world.path("pylock.toml")).unwrap();
    assert!(!locked.contains("evil"), "{locked}");
    let before = tree(world.directory.path());
    let output = world.install("pylock.toml");
    assert_eq!(judge(&output, Code::MetadataMismatch, &before, &tree(world.directory.path())), None);
}

#[test]
fn a_dropped_connection_is_tried_again() {
    let world = World::new();
    let body = world.pear.1.clone();
    let (cut, good) = (Response::ok(body.clone()).fault(Fault::Drop), Response::ok(body));
    world.server.sequence(&world.wheel_path(), vec![cut.clone(), cut, good]);
    world.install_trying("pear.toml", "2").ok();
    assert_eq!(world.server.asked(&world.wheel_path()).len(), 3);
}

#[test]
fn a_reset_is_told() {
    let world = World::new();
    let before = tree(world.directory.path());
    world.server.reset();
    for (fault, code) in
        [(Fault::Drop, Code::IndexUnreachable), (Fault::CutAfter(20), Code::DownloadTruncated)]
    {
        let body = world.pear.1.clone();
        world.server.serve(&world.wheel_path(), Response::ok(body).fault(fault));
        let output = world.install("pear.toml");
        let codes = [code, Code::DownloadTruncated, Code::IndexUnreachable];
        let faults = codes.map(|code| judge(&output, code, &before, &tree(world.directory.path())));
        // What had arrived before a reset may be lost with it.
        assert!(faults.iter().any(Option::is_none), "{fault:?}: {faults:?}");
    }
}

#[test]
fn a_server_that_changes_its_mind_is_held_to_the_hash() {
    let world = World::new();
    let (good, evil) = (world.pear.1.clone(), wheel("pear", "1.0").file("evil.py", "").build().1);
    let before = tree(world.directory.path());
    let answers = |first: &[u8], then: &[u8]| {
        world.server.sequence(&world.wheel_path(), vec![Response::ok(first), Response::ok(then)]);
    };
    answers(&evil, b"something else again");
    let fault =
        judge(&world.install("pear.toml"), Code::DownloadCorrupt, &before, &tree(world.directory.path()));
    assert_eq!(fault, None);
    answers(&evil, &good);
    world.install("pear.toml").ok();
    std::fs::remove_dir_all(world.path("env")).unwrap();
    answers(&good, &evil);
    world.install("pear.toml").ok();
}

#[test]
fn a_bomb_behind_a_redirect_is_not_read() {
    let world = World::new();
    let mut bomb = Response::ok(vec![0; 64 << 20]).gzip();
    bomb.status = 302;
    let bomb = bomb.header("Location", "/elsewhere").fault(Fault::StallAfter(1_000));
    world.server.serve(&world.wheel_path(), bomb);
    world.server.serve("/elsewhere", Response::ok(world.pear.1.clone()));
    world.install("pear.toml").ok();
}
