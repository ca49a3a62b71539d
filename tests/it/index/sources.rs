//! Several sources of one name, hashes and times, and the files of an install.

use super::*;

// Several sources.

#[test]
fn two_indexes_with_different_files_conflict() {
    let (one, two) = (Server::start(), Server::start());
    let a = one.publish("idna", &[wheel("3.10")], &Style::default());
    let b = two.publish("idna", &[wheel("3.10")], &Style::default());
    assert_eq!(wheels(&open(&[&a, &b])).len(), 1);
    let b = two.publish("idna", &[wheel("3.10"), wheel("99.0")], &Style::default());
    assert_eq!(candidates(&open(&[&a, &b])).err(), Some(Code::IndexConflict));
    assert_eq!(candidates(&open(&[&b, &a])).err(), Some(Code::IndexConflict));
}

#[test]
fn find_links_directories_are_a_source_beside_the_index() {
    let links = tempfile::tempdir().unwrap();
    let put = |file: &Published| std::fs::write(links.path().join(&file.name), &file.bytes).unwrap();
    let server = Server::start();
    let at = server.publish("idna", &[wheel("3.9")], &Style::default());
    put(&wheel("3.10"));
    let index = with_links(&[&at], links.path());
    assert_eq!(wheels(&index).len(), 2);
    assert_eq!(ask(&index, "3.10").unwrap(), "inside>=1");
    let file = index.file(&name("idna"), &WheelName::parse("idna-3.10-py3-none-any.whl").unwrap()).unwrap();
    assert_eq!(file.location, Location::Path(links.path().join("idna-3.10-py3-none-any.whl")));
    assert_eq!((file.index.clone(), file.sha256), (None, None));
    assert_eq!(index.compute_sha256(&file).unwrap().0, Sha256::of(&wheel("3.10").bytes));
    assert_eq!(index.notes(), Vec::<String>::new());
    let mut other = wheel("3.9");
    other.bytes.push(0);
    put(&other);
    assert_eq!(candidates(&with_links(&[&at], links.path())).err(), Some(Code::IndexConflict));
}

#[test]
fn no_index_asks_nobody() {
    let links = tempfile::tempdir().unwrap();
    let file = wheel("3.10");
    std::fs::write(links.path().join(&file.name), &file.bytes).unwrap();
    let index = with_links(&[], links.path());
    assert_eq!(wheels(&index), [file.name.as_str()]);
    let missing = index.candidates(&name("other")).unwrap();
    assert!(!missing.known);
}

#[test]
fn find_links_pages_and_file_indexes_are_read() {
    let server = Server::start();
    server.publish("idna", &[wheel("3.10")], &Style { form: Form::Html, ..Style::default() });
    let sources = Sources { find_links: vec![server.url("/simple/idna/")], ..sources(&[]) };
    let index = Index::new(sources, network(), None, Waiting::default()).unwrap();
    assert_eq!(wheels(&index).len(), 1);
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(directory.path().join("idna")).unwrap();
    std::fs::write(directory.path().join("idna/index.html"), "<a href='idna-3.10-py3-none-any.whl'>x</a>")
        .unwrap();
    let index = open(&[&format!("file://{}/", directory.path().display())]);
    assert_eq!(wheels(&index).len(), 1);
}

// Hashes and times.

#[test]
fn a_hash_that_no_index_gives_is_computed_and_noted() {
    for hashes in [Hashes::Md5, Hashes::None] {
        for form in [Form::Json, Form::Html] {
            let server = Server::start();
            let style = Style { hashes, form, ..Style::default() };
            let index = open(&[&server.publish("idna", &[wheel("3.10")], &style)]);
            let wheel_name = WheelName::parse("idna-3.10-py3-none-any.whl").unwrap();
            let file = index.file(&name("idna"), &wheel_name).unwrap();
            assert_eq!(file.sha256, None);
            let bytes = wheel("3.10").bytes;
            assert_eq!(index.compute_sha256(&file).unwrap(), (Sha256::of(&bytes), bytes.len() as u64));
            assert_eq!(index.notes().len(), 1);
        }
    }
}

#[test]
fn the_cutoff_hides_and_notes() {
    let server = Server::start();
    let files =
        [wheel("3.9").uploaded("2024-01-01T00:00:00Z"), wheel("3.10").uploaded("2025-01-01T00:00:00Z")];
    let at = server.publish("idna", &files, &Style::default());
    let bare = server.publish("other", &[], &Style::default());
    let open = |at: &str, explicit| {
        let cutoff = Some("2024-06-01T00:00:00Z".parse().unwrap());
        Index::new(sources(&[at]), network(), None, Waiting { cutoff, explicit, ..Waiting::default() })
            .unwrap()
    };
    let too_new = |index: &Index| -> Vec<bool> {
        candidates(index)
            .unwrap()
            .releases
            .values()
            .flat_map(|r| &r.wheels)
            .map(|w| w.too_new.is_some())
            .collect()
    };
    let index = open(&at, false);
    assert_eq!(too_new(&index), [false, true]);
    assert!(index.notes().is_empty());
    server.publish("idna", &[wheel("3.9"), wheel("3.10")], &Style::default());
    let index = open(&bare, false);
    assert_eq!(too_new(&index), [false, false]);
    assert_eq!(index.notes().len(), 1, "once per index");
    assert_eq!(too_new(&open(&bare, true)), [true, true]);
}

// Files for an install.

#[test]
fn a_package_known_by_hash_is_located() {
    let server = Server::start();
    let best = WheelBuilder::new("idna", "3.10").tag("cp313-cp313-linux_x86_64").file("idna/b", "y").build();
    let foreign = WheelBuilder::new("idna", "3.10").tag("cp313-cp313-win_amd64").file("idna/c", "z").build();
    let pure = wheel("3.10");
    let files = [pure.clone(), Published::new(best.clone()), Published::new(foreign.clone())];
    for hashes in [Hashes::Sha256, Hashes::Md5] {
        let at = server.publish("idna", &files, &Style { hashes, ..Style::default() });
        let index = open(&[&at]);
        let found =
            |contents: &[&[u8]]| locate(&index, &by_hash("3.10", contents)).map(|f| f.name.to_string());
        assert_eq!(found(&[&pure.bytes, &best.1, &foreign.1]).unwrap(), best.0, "{hashes:?}");
        assert_eq!(found(&[&pure.bytes, &foreign.1]).unwrap(), pure.name, "{hashes:?}");
    }
    let at = server.publish("idna", &files, &Style::default());
    let index = open(&[&at]);
    let file = locate(&index, &by_hash("3.10", &[&pure.bytes])).unwrap();
    assert_eq!(file.hashes, LockedHashes::sha256(Sha256::of(&pure.bytes)));
    let code =
        |version: &str, contents: &[&[u8]]| locate(&index, &by_hash(version, contents)).unwrap_err().code();
    assert_eq!(code("3.10", &[&foreign.1]), Code::FileNotLocked);
    assert_eq!(code("3.10", &[b"never seen"]), Code::HashMismatch);
    assert_eq!(code("4.0", &[b"x"]), Code::FileNotFound);
    let many = index.locate_all(&[&by_hash("3.10", &[&pure.bytes]), &by_hash("4.0", &[b"x"])], &target());
    assert_eq!(many.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn what_appeared_after_the_lock_is_named_with_its_time() {
    let server = Server::start();
    let old = WheelBuilder::new("idna", "3.10").tag("cp39-cp39-linux_x86_64").build();
    let late = wheel("3.10").uploaded("2025-05-05T00:00:00Z");
    let at = server.publish("idna", &[Published::new(old.clone()), late], &Style::default());
    let problem = locate(&open(&[&at]), &by_hash("3.10", &[&old.1])).unwrap_err();
    assert_eq!(problem.code(), Code::FileNotLocked);
    let found = problem.found_text().unwrap();
    assert!(found.contains("idna-3.10-py3-none-any.whl") && found.contains("2025-05-05"), "{found}");
    assert_eq!(problem.place().unwrap().line, Some(3));
}

#[test]
fn nothing_to_install_is_told_apart() {
    let server = Server::start();
    let sdist = Published::new(("idna-3.10.tar.gz".to_owned(), b"sdist".to_vec()));
    let foreign = Published::new(WheelBuilder::new("idna", "3.10").tag("cp39-cp39-win32").build());
    let refused = |files: &[Published], contents: &[&[u8]]| {
        let at = server.publish("idna", files, &Style::default());
        locate(&open(&[&at]), &by_hash("3.10", contents)).unwrap_err()
    };
    let only_sdist = refused(std::slice::from_ref(&sdist), &[b"sdist"]);
    assert_eq!(only_sdist.code(), Code::NoMatchingWheel);
    assert!(only_sdist.message().contains("runs its code"), "{only_sdist}");
    assert_eq!(refused(&[sdist, foreign.clone()], &[b"sdist", &foreign.bytes]).code(), Code::NoMatchingWheel);
    let empty = Server::start();
    let unknown = locate(&open(&[&empty.url("/simple/")]), &by_hash("3.10", &[b"x"])).unwrap_err();
    assert_eq!(unknown.code(), Code::ProjectNotFound);
}

#[test]
fn a_page_that_was_kept_too_long_is_asked_for_again() {
    let server = Server::start();
    let cache = tempfile::tempdir().unwrap();
    let at = server.publish("idna", &[wheel("3.9")], &Style::default());
    wheels(&open_cached(&[&at], cache.path()));
    server.publish("idna", &[wheel("3.9"), wheel("3.10")], &Style::default());
    assert_eq!(wheels(&open_cached(&[&at], cache.path())).len(), 1, "the page is fresh");
    let found = locate(&open_cached(&[&at], cache.path()), &by_hash("3.10", &[&wheel("3.10").bytes]));
    assert!(found.is_ok());
}

#[test]
fn find_links_directories_are_hashed_to_choose() {
    let links = tempfile::tempdir().unwrap();
    let one = wheel("3.10");
    let two = WheelBuilder::new("idna", "3.10").build_tag("2").file("idna/b", "y").build();
    for (name, bytes) in [(&one.name, &one.bytes), (&two.0, &two.1)] {
        std::fs::write(links.path().join(name), bytes).unwrap();
    }
    let index = with_links(&[], links.path());
    let found = |contents: &[&[u8]]| locate(&index, &by_hash("3.10", contents)).unwrap().name.to_string();
    assert_eq!(found(&[&one.bytes]), one.name);
    assert_eq!(found(&[&one.bytes, &two.1]), two.0, "the higher build tag first");
}

#[test]
fn a_locked_file_comes_from_the_first_given_source_and_no_other() {
    let server = Server::start();
    let file = wheel("3.10");
    let at = server.publish("idna", std::slice::from_ref(&file), &Style::default());
    let elsewhere: url::Url = "https://files.example/idna-3.10-py3-none-any.whl".parse().unwrap();
    let entry = LockedFile { location: Location::Url(elsewhere), ..locked(&file.name, &file.bytes) };
    let mirror = Location::Url(server.url("/files/idna-3.10-py3-none-any.whl").parse().unwrap());
    let of = |index: &Index, entry: &LockedFile| {
        let package =
            LockedPackage { source: LockedSource::Wheels(vec![entry.clone()]), ..by_hash("3.10", &[b"x"]) };
        index.resolve_source(entry, &package).map(|f| f.location)
    };
    assert_eq!(of(&open(&[&at]), &entry).unwrap(), mirror);
    let as_locked = |hosts: &[&str]| {
        let file_hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let sources = Sources { instead: Instead::Nothing, file_hosts, ..sources(&[&at]) };
        Index::new(sources, network(), None, Waiting::default()).unwrap()
    };
    assert_eq!(of(&as_locked(&["files.example"]), &entry).unwrap(), entry.location);
    let of_pypi = LockedPackage {
        index: Some("https://pypi.org/simple".parse().unwrap()),
        source: LockedSource::Wheels(vec![entry.clone()]),
        ..by_hash("3.10", &[b"x"])
    };
    let moved = as_locked(&[]).resolve_source(&entry, &of_pypi).unwrap_err();
    assert_eq!(moved.code(), Code::FileHost);
    let links = tempfile::tempdir().unwrap();
    let path = links.path().join(&file.name);
    assert_eq!(of(&with_links(&[], links.path()), &entry).unwrap_err().code(), Code::FileNotFound);
    std::fs::write(&path, &file.bytes).unwrap();
    assert_eq!(of(&with_links(&[], links.path()), &entry).unwrap(), Location::Path(path));
    let local = LockedFile { location: Location::Path("/w/x.whl".into()), ..entry.clone() };
    assert_eq!(of(&open(&[&at]), &local).unwrap(), local.location);
    let empty = Server::start();
    assert_eq!(of(&open(&[&empty.url("/simple/")]), &entry).unwrap_err().code(), Code::FileNotFound);
}
