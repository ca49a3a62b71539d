//! What is packed comes back, and what was never packed does no harm.

use proptest::prelude::*;
use url::Url;

use super::*;
use crate::index::page::{Address, Advertised, FileName};

fn base() -> Url {
    Url::parse("https://h.example/simple/a/").unwrap()
}

fn sha256() -> impl Strategy<Value = Sha256> {
    any::<[u8; 32]>().prop_map(Sha256::from_bytes)
}

prop_compose! {
    fn file()(
        version in "[0-9]{1,3}(\\.[0-9]{1,2}){0,2}(a1|\\.post2)?",
        end in prop::sample::select(vec!["-py3-none-any.whl", "-1b-cp312-abi3-musllinux_1_2_x86_64.whl", ".tar.gz", ".zip"]),
        place in prop::option::of("[a-z/]{0,12}"),
        named in any::<bool>(),
        sha256 in prop::option::of(sha256()),
        metadata in prop::option::of(prop::option::of(sha256())),
        size in prop::option::of(any::<u64>()),
        time in prop::option::of(-1_000_000_000_000_000_000_i128..4_000_000_000_000_000_000),
        python in prop::option::of(prop::sample::select(vec![">=3.8", "~=3.10", "nonsense", "", ">=3.9,<4"])),
        yanked in prop::option::of(".{0,12}"),
        provenance in prop::option::of("[a-z]{0,9}"),
    ) -> (PageFile, Option<&'static str>) {
        let text = format!("a-{version}{end}");
        let start = place.as_ref().map_or("https://h.example/f/".to_owned(), |place| format!("/{place}/"));
        let address = if named { format!("{start}{text}") } else { format!("{start}x") };
        let file = PageFile {
            name: FileName::parse(&text, None).unwrap(),
            address: match place {
                Some(_) => Address::Path(address.into()),
                None => Address::Web(address.into()),
            },
            sha256,
            size,
            upload_time: time.map(|time| Timestamp::from_nanosecond(time).unwrap()),
            requires_python: python.and_then(|text| text.parse().ok()),
            yanked,
            metadata: match metadata {
                None => Advertised::No,
                Some(None) => Advertised::Unhashed,
                Some(Some(sha256)) => Advertised::Sha256(sha256),
            },
            provenance: provenance.map(|text| Address::Web(text.into())),
        };
        (file, python)
    }
}

/// A page, and what must be in it: each name once.
fn page(mut files: Vec<(PageFile, Option<&str>)>) -> (Page, Vec<PageFile>) {
    files.sort_by(|one, other| one.0.name.as_str().cmp(other.0.name.as_str()));
    files.dedup_by(|one, other| one.0.name.as_str() == other.0.name.as_str());
    let base = base();
    let mut builder = PageBuilder::new(&base);
    files.iter().rev().for_each(|(file, python)| builder.add(file, *python));
    (builder.finish().unwrap(), files.into_iter().map(|(file, _)| file).collect())
}

proptest! {
    #[test]
    fn what_is_packed_comes_back(files in prop::collection::vec(file(), 0..20)) {
        let (page, expected) = page(files);
        prop_assert_eq!(&page.files(), &expected);
        let again = Page::read(page.body().clone()).unwrap();
        prop_assert_eq!(&again.files(), &expected);
        for file in &expected {
            prop_assert_eq!(page.find(file.name.as_str()), Some(file.clone()));
            if let Some(wheel) = file.wheel() {
                prop_assert_eq!(page.wheel(wheel), Some(file.clone()));
            }
        }
        prop_assert_eq!(page.find("a-9999-py3-none-any.whl"), None);
        let by_release: usize = page.releases().map(|release| release.files().len()).sum();
        prop_assert_eq!(by_release, expected.len());
        for release in page.releases() {
            let wheels = release.wheels().count();
            let sdists = release.files().iter().filter(|file| file.wheel().is_none()).count();
            prop_assert_eq!((wheels + sdists, sdists > 0), (release.files().len(), release.has_sdist()));
            prop_assert!(release.files().iter().all(|file| Some(file.name.version()) == release.version()));
            prop_assert_eq!(release.sdist().is_some(), release.has_sdist());
            let files = release.files();
            prop_assert_eq!(release.has_provenance(), files.iter().any(|file| file.provenance.is_some()));
            if let Some(last) = files.iter().rfind(|file| file.wheel().is_none()) {
                let is_web = matches!(last.address, Address::Web(_));
                prop_assert_eq!(release.sdist(), Some((last.upload_time, is_web)));
            }
        }
        let undated = |file: &PageFile| {
            file.wheel().is_some() && file.upload_time.is_none() && matches!(file.address, Address::Web(_))
        };
        let is_path = |address: &Address| matches!(address, Address::Path(_));
        let is_local = expected.iter().any(|file| is_path(&file.address));
        prop_assert_eq!(Page::read_of_web(page.body().clone()).is_none(), is_local);
        prop_assert_eq!(page.has_undated, expected.iter().any(undated));
    }

    #[test]
    fn other_bytes_are_no_page_or_another_and_nothing_panics(
        files in prop::collection::vec(file(), 0..6),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = page(files).0.body().whole().unwrap().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Some(page) = Page::read(Body::Here(bytes.into())) {
            drop((page.files(), page.names().count(), page.find("a-1-py3-none-any.whl")));
            page.releases().for_each(|release| drop((release.files(), release.sdist(), release.wheels().count())));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        if std::env::var_os("PIPWARD_TEST_LONG").is_some() { 100_000 } else { 300 }
    ))]
    /// Numbers that lie, parts that are gone or there twice: what is read of all files is no more than there is.
    #[test]
    fn no_more_is_read_of_a_page_than_there_is(
        files in prop::collection::vec(file(), 1..7),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..6, any::<u32>(), 0_usize..60), 1..5),
        in_head in any::<bool>(),
    ) {
        let mut bytes = page(files).0.body().whole().unwrap().to_vec();
        let head = 4 + u32::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
        for (at, how, number, count) in changes {
            let at = at.index(if in_head { head } else { bytes.len() }.min(bytes.len()).max(1)).min(bytes.len());
            let end = (at + count).min(bytes.len());
            match how {
                0 => drop(bytes.drain(at..end)),
                1 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
                how => {
                    let number = match how {
                        2 => number % 5,
                        3 => number % 300,
                        4 => !(number % 300),
                        _ => u32::try_from(bytes.len()).unwrap().saturating_sub(number % 60),
                    };
                    let end = (at + 4).min(bytes.len());
                    bytes[at..end].copy_from_slice(&number.to_le_bytes()[..end - at]);
                }
            }
        }
        let most = bytes.len();
        let Some(page) = Page::read(Body::Here(bytes.into())) else { return Ok(()) };
        let names: usize = page.names().map(|(name, _)| name.len()).sum();
        prop_assert!(names <= most, "{names} of {most}");
        let files = page.files();
        let yanked = |yanked: &Option<String>| yanked.as_ref().map_or(0, String::len);
        let address = |address: &Address| match address {
            Address::Web(text) => text.len(),
            Address::Path(path) => path.as_os_str().len(),
        };
        // The end of an address may be the name.
        let read: usize = files.iter().map(|it| address(&it.address) + yanked(&it.yanked)).sum();
        prop_assert!(read <= 2 * most, "{read} of {most}");
        let wheels = page.releases().flat_map(PageRelease::wheels);
        let read: usize = wheels.map(|wheel| wheel.name.as_str().len() + yanked(&wheel.yanked)).sum();
        prop_assert!(read <= most, "{read} of {most}");
        let versions: usize = (0..page.count()).filter_map(|at| page.version(at)).count();
        prop_assert_eq!(versions, page.count());
        for file in files.iter().take(3) {
            drop((page.find(file.name.as_str()), page.provenance(file.name.as_str())));
        }
        let here = page.body().clone();
        if let Some(page) = Page::read_of_web(here) {
            let is_path = |address: &Address| matches!(address, Address::Path(_));
            prop_assert!(page.files().iter().all(|it| !is_path(&it.address)));
            prop_assert!(page.files().iter().all(|it| !it.provenance.as_ref().is_some_and(is_path)));
        }
    }
}

#[test]
fn marks_come_back() {
    for (status, authorized) in [(Status::Archived, true), (Status::Deprecated, false)] {
        let marks = Marks {
            status: Some((status, "gone\nelsewhere".to_owned())),
            namespace: Some(Namespace { prefix: "a-".to_owned(), authorized, open: !authorized }),
        };
        let base = base();
        let mut builder = PageBuilder::new(&base);
        builder.mark(marks.clone());
        let page = builder.finish().unwrap();
        assert_eq!(Page::read(page.body().clone()).unwrap().marks, marks);
        assert!(page.is_empty());
    }
}

/// A page so large that its records stay in its file.
#[test]
fn a_large_page_is_read_out_of_its_file_and_one_that_lies_names_no_path() {
    let base = base();
    let file = |at: usize, path: bool| {
        let text = format!("a-{}.{}-py{}-none-any.whl", at / 3, at % 7, 3 - at % 2);
        let address = format!("/files/{at:0>120}/{text}");
        PageFile {
            name: FileName::parse(&text, None).unwrap(),
            address: if path {
                Address::Path(address.into())
            } else {
                Address::Web(format!("https://h{address}").into())
            },
            sha256: Some(Sha256::of(text.as_bytes())),
            size: Some(1),
            upload_time: Some(Timestamp::UNIX_EPOCH),
            requires_python: None,
            yanked: None,
            metadata: Advertised::No,
            provenance: None,
        }
    };
    for path in [false, true] {
        let mut builder = PageBuilder::new(&base);
        (0..900).for_each(|at| builder.add(&file(at, path && at == 451), None));
        let here = builder.finish().unwrap();
        let mut bytes = here.body().whole().unwrap().to_vec();
        // The head says that all is on the web.
        bytes[4] &= !LOCAL;
        let there = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(there.path(), [b"\n".as_slice(), &bytes].concat()).unwrap();
        let (_, body) =
            crate::cache::read_body(there.path(), 1 << 24, |_| Some(((), crc32fast::hash(&bytes)))).unwrap();
        assert!(matches!(body, Body::There(_)));
        let page = Page::read_of_web(body).unwrap();
        let release = file(451, path).name.version().clone();
        for (one, two) in here.releases().zip(page.releases()) {
            assert_eq!(one.version(), two.version());
            let gone = path && one.version() == Some(&release);
            assert_eq!(two.files(), if gone { Vec::new() } else { one.files() });
            assert_eq!(
                two.wheels().collect::<Vec<_>>(),
                if gone { Vec::new() } else { one.wheels().collect() }
            );
        }
        assert_eq!(page.find(file(451, path).name.as_str()).is_none(), path);
    }
}

/// Else a small entry of the cache could ask for more room than there is, a release at a time.
#[test]
fn releases_that_share_records_are_no_page() {
    let files = ["a-1-py3-none-any.whl", "a-2-py3-none-any.whl"].map(|name| (plain(name), None));
    let whole = page(files.to_vec()).0.body().whole().unwrap().to_vec();
    // The length of the head, marks without a status or namespace, no Requires-Python, and two releases.
    let rows = 4 + 3 + 4 + 4;
    assert_eq!(whole[rows - 4..rows], [2, 0, 0, 0]);
    let is_page = |at: usize, change: u8| {
        let mut bytes = whole.clone();
        bytes[rows + at] ^= change;
        Page::read(Body::Here(bytes.into())).is_some()
    };
    assert!(is_page(0, 0));
    // Where a version is, the first file, how many wheels, and where the records are: of the first release and of the second.
    for at in [0, 4, 8, 12, 29, 33, 37, 43] {
        assert!(!is_page(at, 3), "{at}");
    }
}

fn plain(text: &str) -> PageFile {
    PageFile {
        name: FileName::parse(text, None).unwrap(),
        address: Address::Web("https://h.example/f/x".into()),
        sha256: None,
        size: None,
        upload_time: None,
        requires_python: None,
        yanked: None,
        metadata: Advertised::No,
        provenance: None,
    }
}

/// The same within a release: many places could lead to one long record.
#[test]
fn records_that_share_bytes_are_none() {
    let names = ["a-1-1-py3-none-any.whl", "a-1-2-py3-none-any.whl", "a-1-3-py3-none-any.whl"];
    let (whole, files) = page(names.map(|name| (plain(name), None)).to_vec());
    let body = whole.body().whole().unwrap();
    let starts: Vec<u8> = [0, 1, 2].into_iter().flat_map(|at| (at * 53_u32).to_le_bytes()).collect();
    let places = body.windows(12).position(|found| found == starts).unwrap();
    let with = |starts: [u32; 3]| {
        let mut bytes = body.to_vec();
        bytes[places..places + 12].copy_from_slice(starts.map(u32::to_le_bytes).as_flattened());
        let page = Page::read(Body::Here(bytes.into())).unwrap();
        let wheels: usize = page.releases().map(|release| release.wheels().count()).sum();
        (page.files(), page.names().count(), wheels)
    };
    assert_eq!(with([0, 53, 106]), (files, 3, 3));
    for starts in [[0, 0, 0], [0, 53, 0], [53, 0, 53], [106, 53, 0], [0, 53, 160], [0, u32::MAX, 106]] {
        assert_eq!(with(starts), (vec![], 0, 0), "{starts:?}");
    }
}

#[test]
fn no_page_has_very_many_different_specifiers() {
    let file = plain("a-1-py3-none-any.whl");
    for (count, is_page) in [(MOST_SPECIFIERS, true), (MOST_SPECIFIERS + 1, false)] {
        let base = base();
        let mut builder = PageBuilder::new(&base);
        (0..count).for_each(|at| builder.add(&file, Some(&format!(">={at}"))));
        assert_eq!(builder.finish().is_ok(), is_page, "{count}");
    }
}

/// Nobody reads it before somebody asks for it, so that it has to be one from the beginning.
#[test]
fn a_version_that_is_none_makes_no_page() {
    for (version, is_one) in [
        ("1", true),
        ("1.10.0", true),
        ("1rc1", true),
        ("1!2+local.7", true),
        ("123456789012345678.1", true),
        ("", false),
        (".", false),
        ("1.", false),
        (".1", false),
        ("1..2", false),
        ("x", false),
        ("1.\u{660}", false),
        ("99999999999999999999999", false),
    ] {
        for says_plain in [false, true] {
            let mut bytes = Vec::new();
            let written = row::Written {
                version: Version::new([1]),
                files: 0,
                wheels: 0,
                records: 0,
                has_provenance: false,
                sdist: None,
            };
            row::write(&mut bytes, &[written]);
            let text = bytes.windows(5).position(|found| found == [1, 0, 0, 0, b'1']).unwrap();
            bytes
                .splice(text..text + 5, [&(version.len() as u32).to_le_bytes(), version.as_bytes()].concat());
            if !says_plain {
                bytes[4 + 16] = 0;
            }
            let rows = Rows::read(&mut Cursor::new(&bytes));
            assert_eq!(rows.is_some(), is_one, "{version:?}");
            let expected = version.parse::<Version>().ok();
            assert_eq!(rows.and_then(|rows| rows.version(&bytes, 0)), expected, "{version:?}");
        }
    }
}

#[test]
fn no_more_is_counted_than_there_is_room_for() {
    for (count, size, fits) in
        [(2, 4, true), (3, 4, false), (8, 1, true), (9, 1, false), (u32::MAX, 25, false)]
    {
        let bytes = [&count.to_le_bytes()[..], &[0; 8]].concat();
        assert_eq!(Cursor::new(&bytes).count(size).is_some(), fits, "{count} of {size}");
    }
}
