//! Requirements files as locks.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::{from_requirements, write};
use crate::error::{Code, Place, Problems};
use crate::lock::tests::{codes, hex, linux, lock_of, pure, read};
use crate::lock::{Lock, LockedSource, SelectRequest};
use crate::requirements::read_text;

fn parse(text: &str) -> Result<Lock, Problems> {
    let path = Path::new("/locks/r.txt");
    from_requirements(&read_text(text, path, &|_| None).unwrap(), path)
}

fn hash(digit: char) -> String {
    format!("--hash=sha256:{}", hex(digit))
}

fn faults(text: &str) -> Vec<(Code, u32)> {
    let problems = parse(text).map(|lock| format!("{lock:?}")).expect_err(text);
    problems.iter().map(|problem| (problem.code(), problem.place().unwrap().line.unwrap())).collect()
}

#[test]
fn every_requirement_is_pinned() {
    for bare in ["a", "a>=1", "a==1.*", "a~=1.0", "a==1,!=2", "a!=1", "a<=1", "a ; os_name == 'nt'"] {
        assert_eq!(
            faults(&format!("b==1 {h}\n{bare} {h}\n", h = hash('a'))),
            [(Code::PinMissing, 2)],
            "{bare}"
        );
    }
    for pinned in ["a==1", "a == 1.0.post1", "a===1", "a[x]==1", "a==1 ; os_name == 'nt'", "a(==1)"] {
        assert!(parse(&format!("{pinned} {}", hash('a'))).is_ok(), "{pinned}");
    }
}

#[test]
fn every_requirement_has_a_sha256() {
    let check = |hashes: &str, expected: Code| {
        assert_eq!(faults(&format!("b==1 {h}\na==1 {hashes}\n", h = hash('b'))), [(expected, 2)], "{hashes}");
    };
    check("", Code::HashMissing);
    check(&format!("--hash=sha512:{0}{0}", hex('a')), Code::HashMissing);
    check("--hash=md5:d41d8cd98f00b204e9800998ecf8427e", Code::HashWeak);
    check("--hash=sha256:abc", Code::HashMalformed);
    check(&format!("{} --hash=sha256:abc", hash('a')), Code::HashMalformed);
    assert!(parse(&format!("a==1 --hash=md5:00 {}", hash('a'))).is_ok());
}

#[test]
fn all_faults_are_told_at_once_whether_the_marker_holds_or_not() {
    let text = "a\nb==1\nc>=1 ; os_name == 'nt'\nd==1 --hash=sha1:00\n";
    assert_eq!(
        faults(text),
        [
            (Code::PinMissing, 1),
            (Code::HashMissing, 1),
            (Code::HashMissing, 2),
            (Code::PinMissing, 3),
            (Code::HashMissing, 3),
            (Code::HashWeak, 4)
        ]
    );
}

#[test]
fn direct_wheels() {
    let url = "a @ https://x.example/a-1.0-py3-none-any.whl";
    let good = [
        format!("{url}#sha256={}", hex('a')),
        format!("{url} {}", hash('a')),
        format!("{url}#sha256={} {} {}", hex('a'), hash('b'), hash('a')),
    ];
    for text in &good {
        let lock = parse(text).expect(text);
        let LockedSource::Wheels(files) = &lock.packages[0].source else { panic!() };
        assert!(files[0].hashes.sha256s().any(|digest| digest.to_string() == hex('a')));
        assert_eq!(lock.packages[0].version.as_ref().unwrap().to_string(), "1.0");
        assert!(!format!("{:?}", files[0].location).contains('#'));
    }
    assert_eq!(faults(url), [(Code::HashMissing, 1)]);
    assert_eq!(faults(&format!("{url}#md5=d41d8cd98f00b204e9800998ecf8427e")), [(Code::HashWeak, 1)]);
    assert_eq!(faults(&format!("{url}#sha256={} {}", hex('a'), hash('b'))), [(Code::HashMalformed, 1)]);
}

/// What a file of lines selects on Linux.
fn selected(text: &str) -> Result<Vec<String>, Vec<Code>> {
    let lock = parse(text).map_err(|problems| codes(&problems))?;
    let tell = |one: &crate::lock::Selected| {
        let LockedSource::ByHash(hashes) = &one.package.source else { panic!() };
        let hashes: Vec<String> =
            hashes.digests().iter().map(|digest| digest.hex().chars().take(1).collect()).collect();
        let extras: String = one.package.extras.iter().map(ToString::to_string).collect();
        format!(
            "{} {} {}{}",
            one.package.name,
            one.package.version.as_ref().unwrap(),
            hashes.join(""),
            extras
        )
    };
    lock.select(&SelectRequest { target: &linux("3.13.0"), extras: &[], groups: None })
        .map(|selection| selection.packages.iter().map(tell).collect())
        .map_err(|problems| codes(&problems))
}

#[test]
fn several_lines_of_one_name() {
    let (a, b, c) = (hash('a'), hash('b'), hash('c'));
    let check =
        |text: &str, expected: &str| assert_eq!(selected(text), Ok(vec![expected.to_owned()]), "{text}");
    check(&format!("x==1 {a} {b}\nx==1 {b} {c}\n"), "x 1 b");
    check(&format!("x[y]==1 {a}\nx[z]==1 {a}\n"), "x 1 ayz");
    check(
        &format!("x==1 {a} ; os_name == 'nt'\n").replace(
            &format!("{a} ; os_name == 'nt'"),
            &format!("; os_name == 'nt' {a}\nx==2 ; os_name == 'posix' {b}"),
        ),
        "x 2 b",
    );
    check(&format!("x==1 ; os_name == 'posix' {a}\nx==1 ; python_version > '3' {a}\n"), "x 1 a");
    assert_eq!(selected(&format!("x==1 {a}\nx==2 {a}\n")), Err(vec![Code::DuplicatePackage]));
    assert_eq!(selected(&format!("x==1 {a}\nx==1 {b}\n")), Err(vec![Code::DuplicatePackage]));
}

#[test]
fn constraints_bind() {
    let folder = tempfile::tempdir().unwrap();
    let check = |constraint: &str| {
        std::fs::write(folder.path().join("c.txt"), constraint).unwrap();
        let path = folder.path().join("r.txt");
        let text = format!("-c c.txt\nx==1 {} {}\n", hash('a'), hash('b'));
        let lock = from_requirements(&read_text(&text, &path, &|_| None).unwrap(), &path);
        lock.map(|lock| match &lock.packages[0].source {
            LockedSource::ByHash(hashes) => hashes.digests().len(),
            LockedSource::Wheels(files) => files[0].hashes.digests().len(),
            other @ LockedSource::Unusable(_) => panic!("{other:?}"),
        })
        .map_err(|problems| codes(&problems))
    };
    assert_eq!(check("x<2\ny"), Ok(2));
    assert_eq!(check(&format!("x==1 {}", hash('a'))), Ok(1));
    assert_eq!(check("x>1"), Err(vec![Code::DependencyVersion]));
    assert_eq!(check(&format!("x==1 {}", hash('c'))), Err(vec![Code::DependencyVersion]));
    // An address says where the pinned file is; the hashes are those of the pin.
    assert_eq!(check("x @ https://example.org/x-1-py3-none-any.whl"), Ok(2));
    assert_eq!(check("x @ https://example.org/x-2-py3-none-any.whl"), Err(vec![Code::DependencyVersion]));
    assert_eq!(check("x --hash=md5:00"), Err(vec![Code::HashWeak]));
    // What is said of other environments is told in those.
    assert_eq!(check("x>1 ; os_name == 'nt'"), Ok(2));
}

#[test]
fn written_as_pip_reads_it() {
    let mut text = lock_of(&format!(
        "{}{}",
        pure("b", "1.0", "index = \"https://pypi.org/simple/\""),
        pure("a", "2", "marker = \"os_name == 'posix'\"\nindex = \"https://pypi.org/simple/\""),
    ));
    insta::assert_snapshot!(write(&read(&text).unwrap()));
    text = text.replace("https://pypi.org", "https://other.example");
    assert!(write(&read(&text).unwrap()).contains("--index-url https://other.example/simple/\n"));
}

#[test]
fn a_wheel_that_no_index_is_known_for_keeps_its_address() {
    let text = format!("x @ https://example.org/x-1-py3-none-any.whl ; os_name == 'nt' {}\n", hash('a'));
    let lock = parse(&text).unwrap();
    let written = write(&lock);
    assert!(
        written.contains("\nx @ https://example.org/x-1-py3-none-any.whl ; os_name == 'nt' \\\n"),
        "{written}"
    );
    assert_eq!(write(&parse(&written).unwrap()), written);
}

/// All of a lock but where its entries stand.
fn content(lock: &Lock) -> String {
    let mut lock = lock.clone();
    lock.packages.iter_mut().for_each(|package| Arc::make_mut(package).place = Place::file(""));
    lock.packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    format!("{lock:#?}")
}

proptest! {
    #[test]
    fn written_is_read_back(
        lines in proptest::collection::btree_map("[a-z][a-z0-9]{0,5}", (0_u8..9, "(\\[[xyz]\\])?", proptest::option::of("python_version < '3\\.[0-9]'|sys_platform == '[a-z]{1,4}'"), proptest::collection::vec("[0-9a-f]", 1..4)), 0..6),
    ) {
        let text: String = lines.iter().map(|(name, (version, extras, marker, digits))| {
            let hashes: String = digits.iter().map(|digit| format!(" \\\n  {}", hash(digit.chars().next().unwrap()))).collect();
            let marker = marker.as_ref().map(|marker| format!(" ; {marker}")).unwrap_or_default();
            format!("{name}{extras}=={version}.0{marker}{hashes}\n")
        }).collect();
        let lock = parse(&text).unwrap();
        let written = write(&lock);
        let again = parse(&written).unwrap();
        prop_assert_eq!(content(&again), content(&lock));
        prop_assert_eq!(write(&again), written);
    }
}

mod constrained;
