//! What requirements take from constraints, addresses and each other.

use super::*;
use crate::lock::Location;
use crate::requirements::RequirementsFile;

const WHEEL: &str = "https://example.org/x-1-py3-none-any.whl";

/// What becomes of lines with constraints: name, version, first digits of hashes and marker of each package.
fn told(constraints: &str, lines: &str) -> Result<Vec<String>, Vec<Code>> {
    let folder = tempfile::tempdir().unwrap();
    let expand = |text: &str| {
        ["a", "b", "c"]
            .iter()
            .fold(text.to_owned(), |text, digit| {
                text.replace(&format!("@{digit}"), &hash(digit.chars().next().unwrap()))
            })
            .replace("#a", &format!("#sha256={}", hex('a')))
            .replace("@md5", "--hash=md5:d41d8cd98f00b204e9800998ecf8427e")
            .replace("URL", WHEEL)
    };
    std::fs::write(folder.path().join("c.txt"), expand(constraints)).unwrap();
    let path = folder.path().join("r.txt");
    let text = format!("-c c.txt\n{}", expand(lines));
    let lock = from_requirements(&read_text(&text, &path, &|_| None).unwrap(), &path);
    let lock = lock.map_err(|problems| codes(&problems))?;
    assert_eq!(lock.file, path);
    assert_eq!(lock.created_by, "a requirements file");
    Ok(lock
        .packages
        .iter()
        .map(|package| {
            let (kind, hashes) = match &package.source {
                LockedSource::ByHash(hashes) => ("", hashes),
                LockedSource::Wheels(files) => match &files[0].location {
                    Location::Url(_) => (" at an address", &files[0].hashes),
                    Location::Path(_) => (" at a path", &files[0].hashes),
                },
                other @ LockedSource::Unusable(_) => panic!("{other:?}"),
            };
            let digits: String =
                hashes.digests().iter().map(|digest| digest.hex().chars().next().unwrap()).collect();
            let marker = package.marker.as_ref().map(|marker| format!(" ; {}", marker.text));
            let version = package.version.as_ref().unwrap();
            format!("{} {version} {digits}{kind}{}", package.name, marker.unwrap_or_default())
        })
        .collect())
}

#[track_caller]
fn check(constraints: &str, lines: &str, expected: &[&str]) {
    let found = told(constraints, lines);
    assert_eq!(found, Ok(expected.iter().map(ToString::to_string).collect()), "{lines} with {constraints}");
}

#[track_caller]
fn refuse(constraints: &str, lines: &str, expected: &[Code]) {
    assert_eq!(told(constraints, lines), Err(expected.to_vec()), "{lines} with {constraints}");
}

#[test]
fn a_constraint_gives_what_a_requirement_lacks_and_no_more() {
    const OPEN: &[Code] = &[Code::PinMissing, Code::HashMissing];
    check("x==1 @a", "x", &["x 1 a"]);
    check("x==1 @a", "x>=1", &["x 1 a"]);
    check("x==1 @a", "x==1", &["x 1 a"]);
    check("x==1", "x @a", &["x 1 a"]);
    check("x==1 @a @b", "x==1 @b @c", &["x 1 b"]);
    refuse("x==1 @b", "x @a", &[Code::DependencyVersion]);
    refuse("x==1 @a", "x>=2", &[Code::DependencyVersion]);
    refuse("x>=1 @a", "x", OPEN);
    refuse("x>=1 @a", "x>=1", OPEN);
    refuse("y==1 @a", "x", OPEN);
    refuse("x==1 @md5", "x==1", &[Code::HashWeak]);
    refuse("x==1 @a", "x==1 @md5", &[Code::HashWeak]);
    refuse("x==1", "x==1", &[Code::HashMissing]);
    check("x==1\nx==1 @a", "x", &["x 1 a"]);
    check("x==1 @a @b\nx==1 @b @c", "x", &["x 1 b"]);
    refuse("x==1 @a\nx==1 @b", "x", &[Code::DependencyVersion]);
}

#[test]
fn a_constraint_counts_where_both_markers_can_hold() {
    check(
        "x==1 @a ; os_name == 'nt'".replace(" @a ; os_name == 'nt'", " ; os_name == 'nt' @a").as_str(),
        "x",
        &["x 1 a ; os_name == 'nt'"],
    );
    refuse("x==1 ; os_name == 'nt' @a", "x ; os_name == 'posix'", &[Code::PinMissing, Code::HashMissing]);
    check(
        "x==1 ; os_name == 'nt' @a\nx==2 ; os_name == 'posix' @b",
        "x",
        &["x 1 a ; os_name == 'nt'", "x 2 b ; os_name == 'posix'"],
    );
    refuse("x==1 ; os_name == 'nt'\nx==2 ; os_name == 'posix' @b", "x", &[Code::HashMissing]);
    check("x==2 ; os_name == 'posix'", "x==1 ; os_name == 'nt' @a", &["x 1 a ; os_name == 'nt'"]);
    refuse("x==2 ; os_name == 'nt'", "x==1 ; os_name == 'nt' @a", &[Code::DependencyVersion]);
}

#[test]
fn a_pin_without_hashes_that_no_constraint_allows_is_told_as_such() {
    refuse("x>1", "x==1", &[Code::DependencyVersion]);
    refuse("x<2", "x==1", &[Code::HashMissing]);
    refuse("y>1", "x==1", &[Code::HashMissing]);
    refuse("x>1 ; os_name == 'nt'\nx<2 ; os_name == 'posix'", "x==1", &[Code::HashMissing]);
    // Elsewhere nothing is said of it.
    refuse("x>1 ; os_name == 'nt'\nx>2 ; os_name == 'posix'", "x==1", &[Code::HashMissing]);
    refuse("x>1 ; os_name == 'nt'\nx>2 ; os_name != 'nt'", "x==1", &[Code::DependencyVersion]);
}

#[test]
fn addresses_and_constraints() {
    check("x @ URL#a", "x", &["x 1 a at an address"]);
    check("x @ URL#a", "x>=1", &["x 1 a at an address"]);
    check("x==1 @a", "x @ URL", &["x 1 a at an address"]);
    refuse("x>=1 @a", "x @ URL", &[Code::HashMissing]);
    refuse("x @ URL#a", "x @ URL", &[Code::HashMissing]);
    check("x @ URL", "x @ URL#a", &["x 1 a at an address"]);
    refuse("x @ https://other.example/x-1-py3-none-any.whl", "x @ URL#a", &[Code::DependencyVersion]);
    check("x @ URL", "x==1 @a @b", &["x 1 ab at an address"]);
    check("x==1 @a @b", "x @ URL#a", &["x 1 a at an address"]);
    refuse("x==1 @b", "x @ URL#a", &[Code::DependencyVersion]);
    refuse("x==1 @b", "x @ URL @a", &[Code::DependencyVersion]);
    refuse("x==2 @b", "x @ URL#a", &[Code::DependencyVersion]);
    check("x @ file:///f/x-1-py3-none-any.whl", "x @ file:///f/x-1-py3-none-any.whl#a", &["x 1 a at a path"]);
    refuse(
        "x @ file:///g/x-1-py3-none-any.whl",
        "x @ file:///f/x-1-py3-none-any.whl#a",
        &[Code::DependencyVersion],
    );
    // An address on this machine is no path on it.
    check("", "x @ https://localhost/x-1-py3-none-any.whl#a", &["x 1 a at an address"]);
}

#[test]
fn hashes_of_addresses_are_strong_and_of_one_mind() {
    let weak = "d41d8cd98f00b204e9800998ecf8427e";
    let sha512 = format!("--hash=sha512:{0}{0}", hex('a'));
    check("", &format!("x @ URL#md5={weak} @b"), &["x 1 b at an address"]);
    refuse("", &format!("x @ URL#md5={weak}"), &[Code::HashWeak]);
    refuse("", &format!("x @ URL#md5={weak} {sha512}"), &[Code::HashMissing]);
    refuse("", "x @ URL#sha256=abc", &[Code::HashMalformed]);
    refuse("", "x @ URL#sha256=abc @b", &[Code::HashMalformed]);
    refuse("", "x @ URL#a @b", &[Code::HashMalformed]);
    check("", "x @ URL#a @b @a", &["x 1 a at an address"]);
}

#[test]
fn lines_of_one_package_are_joined_where_they_say_the_same() {
    check(
        "",
        "x==1 ; os_name == 'nt' @a\nx==1 ; os_name == 'posix' @b",
        &["x 1 a ; os_name == 'nt'", "x 1 b ; os_name == 'posix'"],
    );
    check(
        "",
        "x==1 ; os_name == 'nt' @a\nx==2 ; os_name == 'nt' @a",
        &["x 1 a ; os_name == 'nt'", "x 2 a ; os_name == 'nt'"],
    );
    check("", "x @ URL#a\nx @ URL#a", &["x 1 a at an address"]);
    // The address says where the version is.
    check("", "x @ URL#a\nx==1 @a", &["x 1 a at an address"]);
    check(
        "",
        "x @ URL#a ; os_name == 'nt'\nx @ URL#a ; os_name == 'posix'",
        &["x 1 a at an address ; os_name == 'nt' or os_name == 'posix'"],
    );
    let other = WHEEL.replace("example.org", "example.net");
    refuse("", &format!("x @ URL#a\nx @ {other}#a"), &[Code::DuplicatePackage]);
    refuse("", "x @ URL#a\nx @ URL @b", &[Code::DuplicatePackage]);
    check(
        "",
        &format!("x @ URL#a ; os_name == 'nt'\nx @ {other}#a ; os_name == 'posix'"),
        &["x 1 a at an address ; os_name == 'nt'", "x 1 a at an address ; os_name == 'posix'"],
    );
}

#[test]
fn indexes_are_named_once_and_pypi_alone_needs_no_name() {
    let from = |entries: &[(&str, &str)]| {
        let entries: String = entries
            .iter()
            .map(|(name, index)| pure(name, "1", &format!("index = \"https://{index}/simple/\"")))
            .collect();
        let text = write(&read(&lock_of(&entries)).unwrap());
        text.lines().filter(|line| line.starts_with("--")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(from(&[("a", "pypi.org")]), Vec::<String>::new());
    assert_eq!(
        from(&[("a", "one.example"), ("b", "one.example")]),
        ["--index-url https://one.example/simple/"]
    );
    assert_eq!(
        from(&[("a", "one.example"), ("b", "pypi.org")]),
        ["--extra-index-url https://one.example/simple/"]
    );
    assert_eq!(
        from(&[("a", "two.example"), ("b", "one.example")]),
        ["--index-url https://one.example/simple/", "--extra-index-url https://two.example/simple/"]
    );
}

/// How many requirements of the lines wait for a lock, and the codes of what no lock mends.
fn sorted(lines: &str) -> (usize, Vec<Code>) {
    let path = Path::new("/locks/r.txt");
    let sorted = super::super::sort(&read_text(lines, path, &|_| None).unwrap());
    (sorted.open.len(), sorted.faults.iter().map(crate::error::Problem::code).collect())
}

#[test]
fn only_what_lacks_a_pin_or_a_hash_and_no_more_waits_for_a_lock() {
    assert_eq!(sorted("x\n"), (1, vec![]));
    assert_eq!(sorted("x>=1\n"), (1, vec![]));
    assert_eq!(sorted("x==1\n"), (1, vec![]));
    assert_eq!(sorted(&format!("x>=1 {}\n", hash('a'))), (0, vec![Code::PinMissing]));
    assert_eq!(sorted("x==1 --hash=md5:d41d8cd98f00b204e9800998ecf8427e\n"), (0, vec![Code::HashWeak]));
    assert_eq!(sorted("x==1 --hash=sha256:abc\n").0, 0);
}

#[test]
fn a_version_takes_no_hash_of_another_version() {
    let path = Path::new("/locks/r.txt");
    let read = |text: &str| read_text(text, path, &|_| None).unwrap();
    let of = |constraints: &str| -> Vec<String> {
        let mut file = read("x\n");
        file.constraints = read(&constraints.replace("@b", &hash('b'))).requirements;
        let packages = super::super::sort(&file).packages;
        packages.iter().map(|package| package.version.as_ref().unwrap().to_string()).collect()
    };
    assert_eq!(of("x==1\nx==2 @b\n"), ["2"]);
    assert_eq!(of("x==1\nx==1 @b\n"), ["1"]);
}

#[test]
fn constraints_with_version_and_hash_vouch() {
    let path = Path::new("/locks/r.txt");
    let text = format!("x==1 {}\ny==1\nz>=1 {}\n", hash('a'), hash('b'));
    let vouched = |text: &str| {
        let constraints = read_text(text, path, &|_| None).unwrap().requirements;
        let file = RequirementsFile { constraints, ..RequirementsFile::default() };
        let found = super::super::vouched(&file);
        let objections = found.iter().map(|one| one.objections.len()).sum();
        (found.iter().map(|one| one.name.to_string()).collect::<Vec<_>>(), objections)
    };
    assert_eq!(vouched(&text), (vec!["x".to_owned()], 0));
    // Two that contradict each other are told, once x is needed.
    assert!(vouched(&format!("{text}x==1 {}\n", hash('b'))).1 > 0);
}
