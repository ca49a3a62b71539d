//! Fetching against a server that lies, cuts, stalls and changes its mind.

use pipward::cache::Store;
use pipward::digest::{LockedHashes, Sha256};
use pipward::error::{Code, Problem};
use pipward::fetch::{Fetched, Fetcher};
use pipward::index::NetworkOptions;
use pipward::lock::{Location, LockedFile};
use pipward::verify::VerifiedWheel;
use std::sync::{Arc, Mutex};

use crate::support::server::{Fault, Response, Server, nobody};
use crate::support::wheels::locked;

const NAME: &str = "idna-3.10-py3-none-any.whl";
const PATH: &str = "/files/idna-3.10-py3-none-any.whl";

pub fn network() -> NetworkOptions {
    NetworkOptions { timeout_seconds: 2, retries: 1, ..NetworkOptions::default() }
}

fn entry(url: &str, bytes: &[u8]) -> LockedFile {
    LockedFile { location: Location::Url(url.parse().unwrap()), ..locked(NAME, bytes) }
}

fn fetch_into(file: &LockedFile, store: Option<Store>) -> Fetched {
    let fetcher = Fetcher::new(network(), store).unwrap();
    let mut receiver = fetcher.start(vec![file.clone()]);
    let (index, fetched) = receiver.next().unwrap();
    assert_eq!(index, 0);
    fetched
}

/// Fetches and verifies; the code of what went wrong.
fn check(file: &LockedFile) -> Result<VerifiedWheel, Code> {
    fetch_into(file, None)
        .and_then(|unverified| VerifiedWheel::check(unverified, file))
        .map_err(|problem| problem.code())
}

/// Serves `answers` one after the other for a file locked as `good`.
fn served(answers: Vec<Response>) -> (Server, LockedFile) {
    let server = Server::start();
    server.sequence(PATH, answers);
    let file = entry(&server.url(PATH), b"the good wheel");
    (server, file)
}

#[test]
fn the_locked_bytes_are_verified() {
    let (server, file) = served(vec![Response::ok("the good wheel")]);
    assert!(check(&file).is_ok());
    let request = &server.asked(PATH)[0];
    assert_eq!(request.header("Accept-Encoding"), Some("identity"));
    assert!(request.header("User-Agent").unwrap().starts_with("pipward/"));
}

#[test]
fn the_largest_files_come_first() {
    let server = Server::start();
    let sizes = [3, 10, 1, 7, 5];
    let files: Vec<LockedFile> = sizes
        .iter()
        .map(|size| {
            let (path, bytes) = (format!("/files/{size}.whl"), vec![b'x'; *size]);
            server.file(&path, bytes.clone());
            entry(&server.url(&path), &bytes)
        })
        .collect();
    let fetcher = Fetcher::new(NetworkOptions { concurrency: 1, ..network() }, None).unwrap();
    let order: Vec<usize> = fetcher.start(files).map(|(at, fetched)| fetched.map(|_| at).unwrap()).collect();
    assert_eq!(order, [1, 3, 4, 0, 2]);
    let asked: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(asked, [10, 7, 5, 3, 1].map(|size| format!("/files/{size}.whl")));
}

/// Large ones wait for each other, and not the others for them.
#[test]
fn large_files_do_not_come_all_side_by_side() {
    let server = Server::start();
    let (now, most) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(0)));
    let large = vec![b'x'; 8 << 20];
    let mut files = vec![];
    for at in 0..8 {
        let path = format!("/files/{at}.whl");
        files.push(entry(&server.url(&path), &large));
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        let body = large.clone();
        server.on(&path, move |_, _| {
            *now.lock().unwrap() += 1;
            std::thread::sleep(std::time::Duration::from_millis(100));
            let mut now = now.lock().unwrap();
            let mut most = most.lock().unwrap();
            *most = (*most).max(*now);
            *now -= 1;
            Response::ok(body.clone())
        });
    }
    files.push(entry(&server.url(PATH), b"small"));
    server.file(PATH, b"small".to_vec());
    let fetcher = Fetcher::new(network(), None).unwrap();
    let order: Vec<usize> = fetcher.start(files).map(|(at, fetched)| fetched.map(|_| at).unwrap()).collect();
    assert_eq!(order.len(), 9);
    assert_eq!(order[0], 8);
    assert!(*most.lock().unwrap() <= 4, "{most:?}");
}

#[test]
fn a_cut_download_is_truncated_and_not_an_alarm() {
    let cut = |fault| Response::ok("the good wheel").fault(fault);
    for fault in [Fault::CutAfter(5), Fault::EndAfter(5), Fault::StallAfter(5)] {
        let (server, file) = served(vec![cut(fault)]);
        assert_eq!(check(&file).err(), Some(Code::DownloadTruncated), "{fault:?}");
        assert_eq!(server.asked(PATH).len(), 2, "it is tried again: {fault:?}");
        let (_server, file) = served(vec![cut(fault), Response::ok("the good wheel")]);
        assert!(check(&file).is_ok(), "{fault:?}");
    }
}

#[test]
fn a_missing_file_is_not_found() {
    for status in [404, 410] {
        let (server, file) = served(vec![Response::status(status)]);
        assert_eq!(check(&file).err(), Some(Code::FileNotFound));
        assert_eq!(server.asked(PATH).len(), 1, "what is not there is not asked for again");
    }
}

#[test]
fn transient_statuses_are_tried_again() {
    for status in [429, 500, 502, 503, 504] {
        let busy = Response::status(status).header("Retry-After", "0");
        let (_server, file) = served(vec![busy.clone(), Response::ok("the good wheel")]);
        assert!(check(&file).is_ok(), "{status}");
        let (server, file) = served(vec![busy]);
        assert_eq!(check(&file).err(), Some(Code::HttpStatus), "{status}");
        assert_eq!(server.asked(PATH).len(), 2);
    }
    let (server, file) = served(vec![Response::status(403)]);
    assert_eq!(check(&file).err(), Some(Code::HttpStatus));
    assert_eq!(server.asked(PATH).len(), 1);
}

#[test]
fn a_server_that_is_down_is_unreachable() {
    let file = entry(&nobody(), b"x");
    assert_eq!(check(&file).err(), Some(Code::IndexUnreachable));
    let (_server, file) = served(vec![Response::ok("").fault(Fault::Drop)]);
    assert_eq!(check(&file).err(), Some(Code::IndexUnreachable));
}

#[test]
fn offline_asks_nobody() {
    let (server, file) = served(vec![Response::ok("the good wheel")]);
    let fetcher = Fetcher::new(NetworkOptions { offline: true, ..network() }, None).unwrap();
    let (_, fetched) = fetcher.start(vec![file]).next().unwrap();
    assert_eq!(fetched.map(|_| ()).unwrap_err().code(), Code::IndexUnreachable);
    assert!(server.requests().is_empty());
}

#[test]
fn damage_differs_each_time_and_other_content_stays() {
    // Same length each time, so that only the hash tells.
    let answers = |bodies: &[&'static str]| bodies.iter().map(|body| Response::ok(*body)).collect();
    let (_server, file) = served(answers(&["thX good wheel", "thY good wheel"]));
    assert_eq!(check(&file).err(), Some(Code::DownloadCorrupt));
    let (_server, file) = served(answers(&["thX good wheel", "the good wheel"]));
    assert!(check(&file).is_ok());
    let (server, file) = served(answers(&["the evil wheel"]));
    assert_eq!(check(&file).err(), Some(Code::HashMismatch));
    assert_eq!(server.asked(PATH).len(), 2, "asked once more before the alarm");
}

#[test]
fn a_complete_answer_of_another_size_is_other_content() {
    for body in ["short", "much longer than the good wheel"] {
        let (_server, file) = served(vec![Response::ok(body)]);
        let code = check(&file).err();
        assert!(matches!(code, Some(Code::SizeMismatch | Code::HashMismatch)), "{body}: {code:?}");
    }
}

#[test]
fn no_more_than_the_locked_size_is_read() {
    let told = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&told);
    let (_server, file) = served(vec![Response::ok(vec![b'x'; 32 << 20])]);
    let fetcher = Fetcher::new(network(), None).unwrap().on_progress(Arc::new(move |progress| {
        let mut most = seen.lock().unwrap();
        *most = progress.bytes.max(*most);
    }));
    let (_, fetched) = fetcher.start(vec![file.clone()]).next().unwrap();
    assert_eq!(*told.lock().unwrap(), file.size.unwrap() + 1);
    assert!(VerifiedWheel::check(fetched.unwrap(), &file).is_err());
}

#[test]
fn redirects_lead_to_http_only() {
    for to in ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain,x", "http://["] {
        let (_server, file) = served(vec![Response::redirect(to)]);
        assert_eq!(check(&file).err(), Some(Code::RedirectRefused), "{to}");
    }
    let (_server, file) = served(vec![Response::redirect(PATH)]);
    assert_eq!(check(&file).err(), Some(Code::RedirectRefused), "a circle");
    let (server, file) = served(vec![Response::redirect("/elsewhere")]);
    server.serve("/elsewhere", Response::ok("the good wheel"));
    assert!(check(&file).is_ok());
}

#[test]
fn headers_that_are_no_text_do_not_matter() {
    for (name, value) in
        [("ETag", "\u{e9}\u{1f600}"), ("Content-Disposition", "attachment; filename=\"../../x\"")]
    {
        let (_server, file) = served(vec![Response::ok("the good wheel").header(name, value)]);
        assert!(check(&file).is_ok(), "{name}");
    }
    for to in ["/\u{e9}\r\nX: y", "\u{1}", "/a\0b", "http://x\ty/"] {
        let (_server, file) = served(vec![Response::redirect(to)]);
        let code = check(&file).err();
        assert!(
            matches!(code, Some(Code::RedirectRefused | Code::FileNotFound | Code::IndexUnreachable)),
            "{to:?}: {code:?}"
        );
    }
}

#[test]
fn an_encoding_that_was_not_asked_for_is_refused() {
    let (_server, file) = served(vec![Response::ok("the good wheel").gzip()]);
    assert_eq!(check(&file).err(), Some(Code::IndexPageInvalid));
}

#[test]
fn many_files_come_each_once_large_ones_too() {
    let server = Server::start();
    let bodies: Vec<Vec<u8>> =
        (0..60_u8).map(|at| vec![at; if at % 20 == 7 { 6 << 20 } else { 1000 }]).collect();
    let wanted: Vec<LockedFile> = bodies
        .iter()
        .enumerate()
        .map(|(at, body)| {
            server.serve(&format!("/{at}"), Response::ok(body.clone()));
            entry(&server.url(&format!("/{at}")), body)
        })
        .collect();
    let fetcher = Fetcher::new(network(), None).unwrap();
    let mut seen = vec![0; wanted.len()];
    for (at, fetched) in fetcher.start(wanted.clone()) {
        seen[at] += 1;
        assert!(VerifiedWheel::check(fetched.unwrap(), &wanted[at]).is_ok());
    }
    assert!(seen.iter().all(|count| *count == 1));
}

#[test]
fn a_kept_wheel_is_not_asked_for_and_a_spoilt_one_is() {
    let cache = tempfile::tempdir().unwrap();
    let store = Store::new(&cache.path().join("cache"));
    let (server, file) = served(vec![Response::ok("the good wheel")]);
    let verified = VerifiedWheel::check(fetch_into(&file, Some(store.clone())).unwrap(), &file).unwrap();
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0, "a fetch alone keeps nothing");
    store.put(&verified).unwrap();
    assert!(VerifiedWheel::check(fetch_into(&file, Some(store.clone())).unwrap(), &file).is_ok());
    assert_eq!(server.requests().len(), 1);
    let kept = store.directory().join(format!("{}.whl", Sha256::of(b"the good wheel")));
    std::fs::write(&kept, "the evil wheel").unwrap();
    assert!(VerifiedWheel::check(fetch_into(&file, Some(store)).unwrap(), &file).is_ok());
    assert_eq!(server.requests().len(), 2);
    assert!(!kept.exists());
}

#[test]
fn a_refused_file_leaves_nothing_in_the_cache() {
    let cache = tempfile::tempdir().unwrap();
    let store = Store::new(cache.path());
    let (_server, file) = served(vec![Response::ok("the evil wheel")]);
    assert!(VerifiedWheel::check(fetch_into(&file, Some(store)).unwrap(), &file).is_err());
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
}

#[test]
fn local_files_are_copied_before_they_are_hashed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(NAME);
    std::fs::write(&path, "the good wheel").unwrap();
    let file = LockedFile { location: Location::Path(path.clone()), ..locked(NAME, b"the good wheel") };
    let unverified = fetch_into(&file, None).unwrap();
    std::fs::write(&path, "the evil wheel").unwrap();
    assert!(VerifiedWheel::check(unverified, &file).is_ok(), "the copy is private");
    assert_eq!(check(&file).err(), Some(Code::HashMismatch));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(check(&file).err(), Some(Code::FileNotFound));
    std::fs::create_dir(&path).unwrap();
    assert_eq!(check(&file).err(), Some(Code::FileAccess));
}

/// Where nobody takes them, a few are copied and the rest is left where it is: each copy takes memory.
#[test]
fn copies_wait_for_those_who_take_them() {
    let directory = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..20).map(|at| directory.path().join(format!("{at}"))).collect();
    let wheel = vec![7; 256 << 10];
    paths.iter().for_each(|path| std::fs::write(path, &wheel).unwrap());
    let file = |path: &std::path::PathBuf| LockedFile {
        location: Location::Path(path.clone()),
        ..locked(NAME, &wheel)
    };
    let mut arrivals = Fetcher::new(network(), None).unwrap().start(paths.iter().map(file).collect());
    assert!(arrivals.next().unwrap().1.is_ok());
    std::thread::sleep(std::time::Duration::from_millis(500));
    paths.iter().for_each(|path| std::fs::remove_file(path).unwrap());
    let outcomes: Vec<Fetched> = arrivals.map(|(_, fetched)| fetched).collect();
    assert_eq!(outcomes.len(), 19);
    let copied = outcomes.iter().filter(|fetched| fetched.is_ok()).count();
    assert!(copied <= 6, "{copied}");
}

#[test]
fn problems_name_the_wheel_and_never_a_password() {
    let server = Server::start();
    let address = server.url(PATH).replace("http://", "http://al:hidden@");
    let file = entry(&address, b"x");
    let problem: Problem = fetch_into(&file, None).map(|_| ()).unwrap_err();
    assert_eq!(problem.package_name(), Some(NAME));
    assert!(!format!("{problem:?} {problem}").contains("hidden"));
    assert_eq!(server.requests()[0].header("Authorization"), None);
}

#[test]
fn several_hashes_of_one_file_must_all_match() {
    let digests = vec![
        pipward::digest::StrongDigest::Sha256(Sha256::of(b"the good wheel")),
        pipward::digest::StrongDigest::parse("sha512", &"0".repeat(128)).unwrap(),
    ];
    let hashes = LockedHashes::new(pipward::digest::Match::All, digests).unwrap();
    let (_server, file) = served(vec![Response::ok("the good wheel")]);
    assert_eq!(check(&LockedFile { hashes, ..file }).err(), Some(Code::HashMismatch));
}

/// Cut after five bytes of `the good wheel`, under a tag.
fn cut(tag: &str) -> Response {
    Response::ok("the good wheel").header("ETag", tag).fault(Fault::CutAfter(5))
}

/// A part of a file, as an answer to a question for a range.
fn part(body: &str, range: &str, tag: &str) -> Response {
    let mut response = Response::ok(body).header("ETag", tag).header("Content-Range", range);
    response.status = 206;
    response
}

#[test]
fn a_cut_download_is_resumed() {
    let rest = part("ood wheel", "bytes 5-13/14", "\"a\"");
    let (server, file) = served(vec![cut("\"a\""), rest]);
    assert!(check(&file).is_ok());
    let asked = server.asked(PATH);
    assert_eq!(asked.len(), 2);
    assert_eq!((asked[1].header("Range"), asked[1].header("If-Range")), (Some("bytes=5-"), Some("\"a\"")));
    assert_eq!(asked[1].header("Accept-Encoding"), Some("identity"));
}

#[test]
fn a_server_that_is_busy_in_between_costs_nothing_that_has_arrived() {
    let busy = Response::status(503).header("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT");
    let (server, mut file) = served(vec![cut("\"a\""), busy, part("ood wheel", "bytes 5-13/14", "\"a\"")]);
    file.size = None;
    let patient = NetworkOptions { retries: 2, ..network() };
    let (_, fetched) = Fetcher::new(patient, None).unwrap().start(vec![file.clone()]).next().unwrap();
    assert!(VerifiedWheel::check(fetched.unwrap(), &file).is_ok());
    assert_eq!(server.asked(PATH)[2].header("Range"), Some("bytes=5-"));
}

#[test]
fn what_is_odd_about_the_rest_starts_the_download_anew() {
    let whole = || Response::ok("the good wheel");
    let mut nothing = Response::status(416);
    nothing.headers.push(("Content-Range".to_owned(), "bytes */3".to_owned()));
    let gzipped = part("ood wheel", "bytes 5-13/14", "\"a\"").gzip();
    for (what, odd) in [
        ("another tag", part("ood wheel", "bytes 5-13/14", "\"b\"")),
        ("a weak tag", part("ood wheel", "bytes 5-13/14", "W/\"a\"")),
        ("another start", part("good wheel", "bytes 4-13/14", "\"a\"")),
        ("another end", part("ood whee", "bytes 5-12/14", "\"a\"")),
        ("another size", part("ood wheel", "bytes 5-13/15", "\"a\"")),
        ("another length", part("ood wheel!", "bytes 5-13/14", "\"a\"")),
        ("no range", Response { status: 206, ..Response::ok("ood wheel").header("ETag", "\"a\"") }),
        ("an encoding", gzipped),
        ("nothing there", nothing),
        ("no content", Response::status(204)),
        ("not found", Response::status(404)),
    ] {
        let (server, file) = served(vec![cut("\"a\""), odd, whole()]);
        assert!(check(&file).is_ok(), "{what}");
        let asked = server.asked(PATH);
        assert_eq!(asked.len(), 3, "{what}");
        assert!(asked[1].header("Range").is_some() && asked[2].header("Range").is_none(), "{what}");
    }
}

#[test]
fn a_file_that_has_changed_meanwhile_is_not_patched_together() {
    // An honest server sends all of the new file, which is other content each time it is asked.
    let (server, file) = served(vec![cut("\"a\""), Response::ok("the evil wheel").header("ETag", "\"b\"")]);
    assert_eq!(check(&file).err(), Some(Code::HashMismatch));
    assert_eq!(server.asked(PATH)[2].header("Range"), None);
    // One that lies gives the rest of another file under the same tag: the hash tells.
    let lie = part("vil wheel", "bytes 5-13/14", "\"a\"");
    let (server, file) = served(vec![cut("\"a\""), lie.clone(), Response::ok("the good wheel")]);
    assert!(check(&file).is_ok());
    assert_eq!(server.asked(PATH)[2].header("Range"), None);
    let (_server, file) = served(vec![cut("\"a\""), lie, Response::ok("the evil wheel")]);
    assert!(matches!(check(&file).err(), Some(Code::DownloadCorrupt | Code::HashMismatch)));
}

#[test]
fn without_a_strong_tag_nothing_is_resumed() {
    for tag in ["W/\"a\"", "a", "\"\""] {
        let (server, file) = served(vec![cut(tag), Response::ok("the good wheel")]);
        assert!(check(&file).is_ok(), "{tag}");
        assert_eq!(server.asked(PATH)[1].header("Range"), None, "{tag}");
    }
}

#[test]
fn what_goes_on_for_ever_is_cut() {
    let endless = Response::ok("the good wheel and more and more");
    let (_server, file) =
        served(vec![cut("\"a\""), part("ood wheel and more", "bytes 5-22/23", "\"a\""), endless]);
    assert!(matches!(check(&file).err(), Some(Code::SizeMismatch | Code::HashMismatch)));
}

#[test]
fn chunks_that_end_early_are_a_cut_download() {
    let ended = Response::ok("the good wheel").fault(Fault::ChunksEndAfter(14));
    let (_server, file) = served(vec![ended.clone()]);
    assert_eq!(check(&file).err(), Some(Code::DownloadTruncated));
    let (_server, file) = served(vec![ended, Response::ok("the good wheel")]);
    assert!(check(&file).is_ok());
}
