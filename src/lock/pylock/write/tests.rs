//! What is written is read back the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::write;
use crate::digest::{LockedHashes, Match, Sha256, StrongDigest};
use crate::error::Place;
use crate::lock::tests::{name, read};
use crate::lock::{
    Location, Lock, LockMarker, LockedDependency, LockedFile, LockedPackage, LockedSource, ToolTable,
};

fn file(name: &str, location: Location, digests: Vec<StrongDigest>) -> LockedFile {
    LockedFile {
        name: name.parse_wheel(),
        location,
        size: Some(17),
        upload_time: "2026-01-02T03:04:05.123456Z".parse().ok(),
        hashes: LockedHashes::new(Match::All, digests).unwrap(),
        place: Place::file("x"),
    }
}

trait ParseWheel {
    fn parse_wheel(&self) -> pipward_resolver::WheelName;
}
impl ParseWheel for str {
    fn parse_wheel(&self) -> pipward_resolver::WheelName {
        pipward_resolver::WheelName::parse(self).unwrap()
    }
}

fn package(name_text: &str, version: &str, source: Vec<LockedFile>) -> LockedPackage {
    LockedPackage {
        spelled: None,
        name: name(name_text),
        version: version.parse().ok(),
        marker: None,
        requires_python: None,
        dependencies: None,
        index: None,
        source: LockedSource::Wheels(source),
        metadata_sha256: BTreeMap::new(),
        yanked: None,
        publishers: Vec::new(),
        objections: Vec::new(),
        extras: Vec::new(),
        place: Place::file("x"),
    }
}

fn lock(packages: Vec<LockedPackage>) -> Lock {
    Lock {
        file: "/locks/pylock.toml".into(),
        created_by: "pipward".to_owned(),
        environments: vec![],
        requires_python: None,
        extras: vec![],
        dependency_groups: vec![],
        default_groups: vec![],
        packages: packages.into_iter().map(Arc::new).collect(),
        tool: None,
        ..Lock::default()
    }
}

fn of(bytes: &[u8]) -> StrongDigest {
    StrongDigest::Sha256(Sha256::of(bytes))
}

fn full() -> Lock {
    let url = |file: &str| Location::Url(format!("https://files.example.org/p/{file}").parse().unwrap());
    let mut a = package(
        "a",
        "1.0+cpu",
        vec![
            file(
                "a-1.0+cpu-py3-none-any.whl",
                url("a-1.0%2Bcpu-py3-none-any.whl"),
                vec![of(b"1"), StrongDigest::Sha512([7; 64])],
            ),
            file("a-1.0+cpu-cp313-cp313-win_amd64.whl", url("download"), vec![of(b"2")]),
        ],
    );
    a.marker = LockMarker::parse("'x' in extras and python_full_version < '3.14'").ok();
    a.requires_python = ">=3.9,<4".parse().ok();
    a.dependencies = Some(vec![
        LockedDependency { name: name("b"), version: None, marker: None },
        LockedDependency {
            name: name("c"),
            version: "2".parse().ok(),
            marker: LockMarker::parse("sys_platform == \"win32\"").ok(),
        },
    ]);
    a.index = "https://pypi.org/simple/".parse().ok();
    a.metadata_sha256 = BTreeMap::from([("a-1.0+cpu-py3-none-any.whl".to_owned(), Sha256::of(b"m"))]);
    let mut b = package(
        "b",
        "2",
        vec![file(
            "b-2-py3-none-any.whl",
            Location::Path("/locks/dist/b-2-py3-none-any.whl".into()),
            vec![of(b"3")],
        )],
    );
    b.dependencies = Some(vec![]);
    b.yanked = Some("broken \"on\" Mondays".to_owned());
    let c = package(
        "c",
        "2",
        vec![file(
            "c-2-py3-none-any.whl",
            Location::Path("/else/c-2-py3-none-any.whl".into()),
            vec![of(b"4")],
        )],
    );
    Lock {
        environments: vec![LockMarker::parse_environment("sys_platform == 'linux'").unwrap()],
        requires_python: ">=3.13".parse().ok(),
        extras: vec!["x".parse().unwrap()],
        dependency_groups: vec!["dev".parse().unwrap(), "lint".parse().unwrap()],
        default_groups: vec!["default".parse().unwrap()],
        tool: Some(ToolTable {
            inputs: vec![("a[x] >= 1 ; os_name == \"posix\"".to_owned(), "r.txt".to_owned())],
            options: BTreeMap::from([
                ("resolution".to_owned(), "highest".to_owned()),
                ("odd key\n".to_owned(), "\\".to_owned()),
            ]),
            cutoff: "2026-01-02T03:00:00Z".parse().ok(),
            cutoffs: BTreeMap::from([(name("a"), "2026-02-02T03:00:00Z".parse().unwrap())]),
            overrides: vec!["c==2".to_owned()],
            excludes: vec!["d".to_owned()],
            fingerprint: Some(Sha256::of(b"all")),
        }),
        ..lock(vec![c, a, b])
    }
}

/// All of a lock but where its entries stand.
fn content(lock: &Lock) -> String {
    let mut lock = lock.clone();
    for package in &mut lock.packages {
        let package = Arc::make_mut(package);
        package.place = Place::file("");
        if let LockedSource::Wheels(files) = &mut package.source {
            files.iter_mut().for_each(|file| file.place = Place::file(""));
            files.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }
    lock.packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    format!("{lock:#?}")
}

#[test]
fn a_full_lock_is_read_back_the_same() {
    let text = write(&full());
    let again = read(&text).unwrap();
    assert_eq!(content(&again), content(&full()));
    assert_eq!(write(&again), text);
    insta::assert_snapshot!(text);
}

#[test]
fn an_empty_lock_is_a_lock() {
    assert!(read(&write(&lock(vec![]))).unwrap().packages.is_empty());
}

fn any_package() -> impl Strategy<Value = LockedPackage> {
    let wheel = (
        "[a-z][a-z0-9]{0,6}",
        0_u8..3,
        0_u32..3,
        any::<[u8; 4]>(),
        proptest::option::of(0_u64..1 << 40),
        any::<bool>(),
    );
    (
        wheel,
        proptest::option::of(Just("'x' in extras or sys_platform == 'win32'")),
        proptest::option::of("[ -~]{0,12}"),
    )
        .prop_map(|((project, major, minor, seed, size, below), marker, folder)| {
            let version = format!("{major}.{minor}");
            let file_name = format!("{project}-{version}-py3-none-any.whl");
            let location = match folder {
                Some(folder) => {
                    let folder = folder.replace(['/', '\\'], "_");
                    let folder =
                        if matches!(folder.as_str(), "" | "." | "..") { "d".to_owned() } else { folder };
                    let base = if below { "/locks" } else { "/else" };
                    Location::Path(format!("{base}/{folder}/{file_name}").into())
                }
                None => Location::Url(format!("https://x.example/{file_name}").parse().unwrap()),
            };
            let mut one = package(
                &project,
                &version,
                vec![LockedFile { size, ..file(&file_name, location, vec![of(&seed)]) }],
            );
            one.marker = marker.map(|marker| LockMarker::parse(marker).unwrap());
            one
        })
}

proptest! {
    #[test]
    fn written_is_read_back(packages in proptest::collection::vec(any_package(), 0..5)) {
        let mut seen = std::collections::BTreeSet::new();
        let packages = packages.into_iter().filter(|package| seen.insert((package.name.clone(), package.version.clone()))).collect();
        let lock = lock(packages);
        let text = write(&lock);
        let again = read(&text).unwrap();
        prop_assert_eq!(content(&again), content(&lock));
        prop_assert_eq!(write(&again), text);
    }
}

#[test]
fn a_single_file_is_an_archive_where_its_address_tells_its_name() {
    let at = |address: &str| {
        let url = Location::Url(address.parse().unwrap());
        let written =
            write(&lock(vec![package("a", "1", vec![file("a-1-py3-none-any.whl", url, vec![of(b"1")])])]));
        let found = read(&written).unwrap().packages.remove(0);
        let LockedSource::Wheels(files) = &found.source else { panic!("{found:?}") };
        assert_eq!(files[0].name.as_str(), "a-1-py3-none-any.whl", "{written}");
        (written.contains("archive = {"), found.is_direct(&files[0]))
    };
    assert_eq!(at("https://example.org/a-1-py3-none-any.whl"), (true, true));
    assert_eq!(at("https://example.org/download"), (false, false));
}

#[test]
fn whatever_a_text_holds_is_read_back() {
    for reason in ["a\u{e0041}b", "a\u{ffff}b", "a\u{202e}b", "a\u{10ffff}b", "a\u{7}\u{1}b", "a\u{feff}0b"] {
        let mut a = package("a", "1", vec![]);
        a.source = LockedSource::Wheels(vec![file(
            "a-1-py3-none-any.whl",
            Location::Path("/locks/a-1-py3-none-any.whl".into()),
            vec![of(b"1")],
        )]);
        a.yanked = Some(reason.to_owned());
        a.publishers = vec![crate::attest::Publisher::Google { email: "a@example.org".to_owned() }];
        let found = read(&write(&lock(vec![a.clone()]))).unwrap().packages.remove(0);
        assert_eq!((&found.yanked, &found.publishers), (&a.yanked, &a.publishers));
    }
}
