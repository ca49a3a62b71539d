//! Facts from indexes and find-links, against a loopback server.

mod sources;

use std::collections::BTreeMap;
use std::path::Path;

use pipward::digest::{LockedHashes, Match, Sha256, StrongDigest};
use pipward::error::{Code, Place, Problem};
use pipward::index::{Index, Instead, NetworkOptions, Sources, Waiting};
use pipward::lock::{Location, LockedFile, LockedPackage, LockedSource};
use pipward_resolver::{
    Candidates, Dependencies, Facts, FactsError, MarkerEnvironment, PackageName, Tag, Tags, Target, Version,
    WheelName,
};

use crate::fetch::network;
use crate::support::server::{Fault, Form, Hashes, Published, Response, Server, Style, nobody};
use crate::support::wheels::{WheelBuilder, locked};

const METADATA: &str = "Metadata-Version: 2.1\nName: idna\nVersion: 3.10\nRequires-Dist: beside>=1\n";

fn wheel(version: &str) -> Published {
    Published::new(WheelBuilder::new("idna", version).requires("inside>=1").file("idna/a.py", "x").build())
}

fn name(text: &str) -> PackageName {
    text.parse().unwrap()
}

fn sources(indexes: &[&str]) -> Sources {
    Sources {
        indexes: indexes.iter().map(|url| url.parse::<url::Url>().unwrap().into()).collect(),
        find_links: Vec::new(),
        instead: Instead::Everything,
        file_hosts: Vec::new(),
    }
}

fn open(indexes: &[&str]) -> Index {
    Index::new(sources(indexes), network(), None, Waiting::default()).unwrap()
}

fn open_cached(indexes: &[&str], cache: &Path) -> Index {
    Index::new(sources(indexes), network(), Some(cache.to_owned()), Waiting::default()).unwrap()
}

fn with_links(indexes: &[&str], links: &Path) -> Index {
    let sources = Sources { find_links: vec![links.display().to_string()], ..sources(indexes) };
    Index::new(sources, network(), None, Waiting::default()).unwrap()
}

fn problem(error: FactsError) -> Problem {
    *error.0.downcast::<Problem>().unwrap()
}

fn candidates(index: &Index) -> Result<std::sync::Arc<Candidates>, Code> {
    index.candidates(&name("idna")).map_err(|error| problem(error).code())
}

fn wheels(index: &Index) -> Vec<String> {
    let candidates = candidates(index).unwrap();
    // As a run does that ends well.
    pipward::cache::keep();
    candidates.releases.values().flat_map(|r| &r.wheels).map(|wheel| wheel.name.as_str().to_owned()).collect()
}

fn ask(index: &Index, version: &str) -> Result<String, Problem> {
    let wheel = WheelName::parse(&format!("idna-{version}-py3-none-any.whl")).unwrap();
    let found: Result<std::sync::Arc<Dependencies>, _> =
        index.dependencies(&name("idna"), wheel.version(), &wheel);
    pipward::cache::keep();
    found.map_err(problem).map(|d| d.requires.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}

fn target() -> Target {
    let json = r#"{"implementation_name":"cpython","implementation_version":"3.13.0","os_name":"posix","platform_machine":"x86_64","platform_python_implementation":"CPython","platform_release":"6","platform_system":"Linux","platform_version":"1","python_full_version":"3.13.0","python_version":"3.13","sys_platform":"linux"}"#;
    let markers: MarkerEnvironment = serde_json::from_str(json).unwrap();
    let tag = |abi: &str, platform: &str, python: &str| Tag {
        python: python.to_owned(),
        abi: abi.to_owned(),
        platform: platform.to_owned(),
    };
    Target {
        markers,
        tags: Tags::new(vec![tag("cp313", "linux_x86_64", "cp313"), tag("none", "any", "py3")]),
    }
}

fn by_hash(version: &str, contents: &[&[u8]]) -> LockedPackage {
    let digests = contents.iter().map(|bytes| StrongDigest::Sha256(Sha256::of(bytes))).collect();
    LockedPackage {
        spelled: None,
        name: name("idna"),
        version: Some(version.parse::<Version>().unwrap()),
        marker: None,
        requires_python: None,
        dependencies: None,
        index: None,
        source: LockedSource::ByHash(LockedHashes::new(Match::Any, digests).unwrap()),
        metadata_sha256: BTreeMap::new(),
        yanked: None,
        publishers: Vec::new(),
        objections: Vec::new(),
        extras: Vec::new(),
        place: Place::line("requirements.txt", 3),
    }
}

fn locate(index: &Index, package: &LockedPackage) -> Result<LockedFile, Problem> {
    index.locate(package, &target())
}

// Pages.

#[test]
fn both_forms_of_a_page_are_read() {
    for form in [Form::Json, Form::Html] {
        let server = Server::start();
        let at = server.publish("idna", &[wheel("3.9"), wheel("3.10")], &Style { form, ..Style::default() });
        let index = open(&[&at]);
        assert_eq!(wheels(&index), ["idna-3.9-py3-none-any.whl", "idna-3.10-py3-none-any.whl"], "{form:?}");
        let file =
            index.file(&name("idna"), &WheelName::parse("idna-3.9-py3-none-any.whl").unwrap()).unwrap();
        assert_eq!(file.sha256, Some(Sha256::of(&wheel("3.9").bytes)));
        let expected = server.url("/files/idna-3.9-py3-none-any.whl").parse().unwrap();
        assert_eq!(file.location, Location::Url(expected));
        assert_eq!(file.index.unwrap().as_str(), at);
        let accept = server.requests()[0].header("Accept").unwrap().to_owned();
        assert!(accept.starts_with("application/vnd.pypi.simple.v1+json,"), "{accept}");
    }
}

#[test]
fn relative_addresses_start_where_the_answer_came_from() {
    let server = Server::start();
    let at = server.publish("idna", &[wheel("3.10")], &Style::default());
    server.serve("/mirror/simple/idna/", Response::redirect("/simple/idna/"));
    let index = open(&[&at.replace("/simple/", "/mirror/simple/")]);
    let wheel = WheelName::parse("idna-3.10-py3-none-any.whl").unwrap();
    let expected = server.url("/files/idna-3.10-py3-none-any.whl").parse().unwrap();
    assert_eq!(index.file(&name("idna"), &wheel).unwrap().location, Location::Url(expected));
}

#[test]
fn a_page_is_refused_that_is_not_what_it_says() {
    let json = "application/vnd.pypi.simple.v1+json";
    let page = r#"{"meta":{"api-version":"1.0"},"name":"idna","files":[]}"#;
    for (response, code) in [
        (Response::ok(page).header("Content-Type", "text/plain"), Code::IndexPageInvalid),
        (Response::ok(page).header("Content-Type", "application/json"), Code::IndexPageInvalid),
        (Response::ok(page), Code::IndexPageInvalid),
        (Response::ok("<html>").header("Content-Type", json), Code::IndexPageInvalid),
        (Response::ok(page.replace("idna", "evil")).header("Content-Type", json), Code::IndexPageInvalid),
        (Response::ok(page).gzip().gzip().header("Content-Type", json), Code::IndexPageInvalid),
        (Response::status(401), Code::HttpStatus),
        (Response::status(403), Code::HttpStatus),
        (Response::status(500), Code::HttpStatus),
        (Response::ok(page).header("Content-Type", json).fault(Fault::CutAfter(9)), Code::DownloadTruncated),
    ] {
        let server = Server::start();
        server.serve("/simple/idna/", response.clone());
        assert_eq!(candidates(&open(&[&server.url("/simple/")])).err(), Some(code), "{response:?}");
    }
}

#[test]
fn a_page_may_be_gzipped_but_not_a_bomb() {
    let server = Server::start();
    let json = "application/vnd.pypi.simple.v1+json";
    let page = r#"{"meta":{"api-version":"1.0"},"name":"idna","files":[]}"#;
    server.serve("/simple/idna/", Response::ok(page).gzip().header("Content-Type", json));
    assert!(candidates(&open(&[&server.url("/simple/")])).unwrap().known);
    let bomb = Response::ok(vec![b' '; 200 << 20]).gzip().header("Content-Type", json);
    assert!(bomb.body.len() < 1 << 20);
    server.serve("/simple/idna/", bomb);
    assert_eq!(candidates(&open(&[&server.url("/simple/")])).err(), Some(Code::IndexPageTooLarge));
}

#[test]
fn an_oversize_page_is_refused_by_its_length() {
    let server = Server::start();
    server.on("/simple/idna/", |_, _| {
        Response::ok(vec![b' '; (128 << 20) + 1])
            .header("Content-Type", "text/html")
            .fault(Fault::StallAfter(10))
    });
    assert_eq!(candidates(&open(&[&server.url("/simple/")])).err(), Some(Code::IndexPageTooLarge));
}

#[test]
fn an_index_that_is_down_stops_the_run() {
    let server = Server::start();
    let at = server.publish("idna", &[wheel("3.10")], &Style::default());
    assert_eq!(candidates(&open(&[&at, &nobody()])).err(), Some(Code::IndexUnreachable));
}

#[test]
fn an_unknown_project_is_told() {
    let server = Server::start();
    assert!(!candidates(&open(&[&server.url("/simple/")])).unwrap().known);
}

#[test]
fn a_page_is_asked_for_once_however_many_want_it() {
    let server = Server::start();
    let at = server.publish("idna", &[wheel("3.10")], &Style::default());
    let index = open(&[&at]);
    index.hint(&vec![(name("idna"), None); 20]);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| candidates(&index).unwrap());
        }
    });
    assert_eq!(server.asked("/simple/idna/").len(), 1);
}

// Credentials.

#[test]
fn a_password_stays_with_its_origin() {
    let (server, other) = (Server::start(), Server::start());
    let at = server.publish("idna", &[wheel("3.10")], &Style::default());
    let secret = at.replace("http://", "http://al:hidden@");
    other.publish("idna", &[wheel("3.10")], &Style::default());
    let target = other.url("/simple/idna/");
    server.on("/simple/idna/", move |_, _| Response::redirect(target.clone()));
    let cache = tempfile::tempdir().unwrap();
    let index = open_cached(&[&secret], cache.path());
    assert_eq!(wheels(&index).len(), 1);
    assert_eq!(server.requests()[0].header("Authorization"), Some("Basic YWw6aGlkZGVu"));
    assert_eq!(other.requests()[0].header("Authorization"), None);
    let file = index.file(&name("idna"), &WheelName::parse("idna-3.10-py3-none-any.whl").unwrap()).unwrap();
    assert!(!format!("{file:?} {index:?}").contains("hidden"));
    for entry in std::fs::read_dir(cache.path().join("index")).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
        assert!(!text.contains("hidden") && !text.contains("YWw6"), "{}", path.display());
    }
}

#[test]
fn a_redirect_cannot_make_use_of_anothers_password() {
    let (server, other) = (Server::start(), Server::start());
    let at = other.publish("idna", &[wheel("3.10")], &Style::default());
    server.serve("/simple/idna/", Response::redirect(other.url("/simple/idna/")));
    let secret = |url: &str| url.replace("http://", "http://al:hidden@");
    let index = open(&[&secret(&server.url("/simple/")), &secret(&at)]);
    assert_eq!(wheels(&index).len(), 1);
    let asked = other.asked("/simple/idna/");
    let named = asked.iter().filter(|request| request.header("Authorization").is_some()).count();
    assert_eq!((asked.len(), named), (2, 1), "only the question that was meant for it names the user");
}

#[test]
fn a_problem_shows_no_password() {
    let server = Server::start();
    server.serve("/simple/idna/", Response::status(401));
    let secret = server.url("/simple/").replace("http://", "http://al:hidden@");
    let error = problem(open(&[&secret]).candidates(&name("idna")).unwrap_err());
    assert!(!format!("{error:?} {error}").contains("hidden"));
    let secret = nobody().replace("http://", "http://al:hidden@");
    let error = problem(open(&[&secret]).candidates(&name("idna")).unwrap_err());
    assert!(!format!("{error:?} {error}").contains("hidden"));
}

// The cache of pages.

#[test]
fn a_page_with_an_etag_is_revalidated() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let style = |etag: &str| Style { headers: vec![("ETag".into(), etag.into())], ..Style::default() };
    let at = server.publish("idna", &[wheel("3.9")], &style("\"one\""));
    assert_eq!(wheels(&open_cached(&[&at], cache.path())).len(), 1);
    assert_eq!(wheels(&open_cached(&[&at], cache.path())).len(), 1);
    let asked = server.asked("/simple/idna/");
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].header("If-None-Match"), Some("\"one\""));
    server.publish("idna", &[wheel("3.9"), wheel("3.10")], &style("\"two\""));
    assert_eq!(wheels(&open_cached(&[&at], cache.path())).len(), 2);
}

#[test]
fn a_fresh_page_is_not_asked_for_again() {
    for headers in [vec![], vec![("Cache-Control".to_owned(), "max-age=600".to_owned())]] {
        let server = Server::start();
        let cache = tempfile::tempdir().unwrap();
        let at = server.publish("idna", &[wheel("3.9")], &Style { headers, ..Style::default() });
        for _ in 0..3 {
            assert_eq!(wheels(&open_cached(&[&at], cache.path())).len(), 1);
        }
        assert_eq!(server.asked("/simple/idna/").len(), 1);
        let offline = NetworkOptions { offline: true, ..network() };
        let index =
            Index::new(sources(&[&at]), offline, Some(cache.path().to_owned()), Waiting::default()).unwrap();
        assert_eq!(wheels(&index).len(), 1);
    }
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let headers = vec![("Cache-Control".to_owned(), "no-store".to_owned())];
    let at = server.publish("idna", &[wheel("3.9")], &Style { headers, ..Style::default() });
    wheels(&open_cached(&[&at], cache.path()));
    assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
}

#[test]
fn a_damaged_entry_is_a_miss() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let at = server.publish("idna", &[wheel("3.9")], &Style::default());
    wheels(&open_cached(&[&at], cache.path()));
    for entry in std::fs::read_dir(cache.path().join("index")).unwrap() {
        std::fs::write(entry.unwrap().path(), "nonsense").unwrap();
    }
    assert_eq!(wheels(&open_cached(&[&at], cache.path())).len(), 1);
    assert_eq!(server.asked("/simple/idna/").len(), 2);
}

// Metadata.

#[test]
fn advertised_metadata_is_read_and_its_hash_checked() {
    let server = Server::start();
    let at = server.publish("idna", &[wheel("3.10").metadata(METADATA)], &Style::default());
    let index = open(&[&at]);
    assert_eq!(ask(&index, "3.10").unwrap(), "beside>=1");
    let file = WheelName::parse("idna-3.10-py3-none-any.whl").unwrap();
    assert_eq!(index.metadata_sha256(&name("idna"), &file), Some(Sha256::of(METADATA.as_bytes())));
    server.serve(
        "/files/idna-3.10-py3-none-any.whl.metadata",
        Response::ok(METADATA.replace("beside", "evil")),
    );
    assert_eq!(ask(&open(&[&at]), "3.10").unwrap_err().code(), Code::MetadataMismatch);
}

#[test]
fn unadvertised_metadata_is_found_out_once_per_index() {
    let style = Style { advertise: false, ..Style::default() };
    let server = Server::start();
    let files: Vec<Published> = ["3.8", "3.9", "3.10"]
        .map(|version| wheel(version).metadata(&METADATA.replace("3.10", version)))
        .to_vec();
    let index = open(&[&server.publish("idna", &files, &style)]);
    for version in ["3.8", "3.9", "3.10"] {
        assert_eq!(ask(&index, version).unwrap(), "beside>=1");
    }
    let ranged = |server: &Server| server.requests().iter().filter(|r| r.header("Range").is_some()).count();
    assert_eq!(ranged(&server), 0);

    let server = Server::start();
    let files = ["3.8", "3.9", "3.10"].map(wheel);
    let index = open(&[&server.publish("idna", &files, &style)]);
    for version in ["3.8", "3.9", "3.10"] {
        assert_eq!(ask(&index, version).unwrap(), "inside>=1");
    }
    let probes = server.requests().iter().filter(|request| request.path.ends_with(".metadata")).count();
    assert_eq!((probes, ranged(&server)), (1, 3));
}

#[test]
fn a_friendly_page_is_not_taken_for_metadata() {
    let style = Style { advertise: false, ..Style::default() };
    let server = Server::start();
    let index = open(&[&server.publish("idna", &[wheel("3.10")], &style)]);
    server.serve("/files/idna-3.10-py3-none-any.whl.metadata", Response::ok("<html>welcome</html>"));
    assert_eq!(ask(&index, "3.10").unwrap(), "inside>=1");
}

#[test]
fn without_ranges_the_whole_wheel_is_read() {
    let server = Server::start();
    let index =
        open(&[&server.publish("idna", &[wheel("3.10")], &Style { ranges: false, ..Style::default() })]);
    assert_eq!(ask(&index, "3.10").unwrap(), "inside>=1");
}

#[test]
fn a_large_wheel_is_not_downloaded_for_its_metadata() {
    let noise: Vec<u8> =
        (0..400_000_u32).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let built = WheelBuilder::new("idna", "3.10").requires("inside>=1").file("idna/noise", noise).build();
    let size = built.1.len();
    assert!(size > 1 << 20);
    let server = Server::start();
    let index = open(&[&server.publish("idna", &[Published::new(built)], &Style::default())]);
    assert_eq!(ask(&index, "3.10").unwrap(), "inside>=1");
    let asked = server.asked("/files/idna-3.10-py3-none-any.whl");
    assert!(asked.iter().all(|request| request.header("Range").is_some()) && asked.len() <= 3);
}

#[test]
fn metadata_of_another_project_is_refused() {
    let server = Server::start();
    let text = METADATA.replace("Name: idna", "Name: evil");
    let index = open(&[&server.publish("idna", &[wheel("3.10").metadata(&text)], &Style::default())]);
    assert_eq!(ask(&index, "3.10").unwrap_err().code(), Code::MetadataMismatch);
}

#[test]
fn metadata_is_kept_and_a_damaged_entry_is_a_miss() {
    for (advertise, count) in [(true, 1), (false, 1)] {
        let server = Server::start();
        let cache = tempfile::tempdir().unwrap();
        let style = Style { advertise, ..Style::default() };
        let at = server.publish("idna", &[wheel("3.10").metadata(METADATA)], &style);
        for _ in 0..2 {
            assert_eq!(ask(&open_cached(&[&at], cache.path()), "3.10").unwrap(), "beside>=1");
        }
        let path = "/files/idna-3.10-py3-none-any.whl.metadata";
        assert_eq!(server.asked(path).len(), count);
        for entry in std::fs::read_dir(cache.path().join("metadata")).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap().replace("beside", "beyond");
            std::fs::write(&path, text).unwrap();
        }
        assert_eq!(ask(&open_cached(&[&at], cache.path()), "3.10").unwrap(), "beside>=1");
    }
}
