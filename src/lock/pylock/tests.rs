//! Reading, fault by fault.

use std::path::Path;

use proptest::prelude::*;

use super::{decode, is_pylock_name};
use crate::error::{Code, Problem};
use crate::lock::tests::{codes, hex, lock_of, pure, read};
use crate::lock::{Location, LockedSource};

/// The codes of a lock, with the line of each.
fn faults(text: &str) -> Vec<(Code, Option<u32>)> {
    let problems = read(text).expect_err(text);
    problems.iter().map(|problem| (problem.code(), problem.place().unwrap().line)).collect()
}

/// A package `a` 1.0 whose one wheel has these keys; the wheel stands in line 6.
fn wheel(keys: &str) -> String {
    lock_of(&format!("[[packages]]\nname = \"a\"\nversion = \"1.0\"\nwheels = [{{ {keys} }}]\n"))
}

const URL: &str = "url = \"https://files.example.org/a-1.0-py3-none-any.whl\"";

fn hashed(keys: &str) -> String {
    wheel(&format!("{keys}, hashes = {{ sha256 = \"{}\" }}", hex('a')))
}

#[test]
fn names_of_locks() {
    for good in ["pylock.toml", "x/pylock.dev.toml"] {
        assert!(is_pylock_name(Path::new(good)), "{good}");
    }
    for bad in ["pylock.a.b.toml", "pylock..toml", "a.toml", "pylock", "Pylock.toml", "requirements.txt"] {
        assert!(!is_pylock_name(Path::new(bad)), "{bad}");
    }
}

#[test]
fn what_is_no_toml() {
    let check = |text: &str, line: u32| {
        assert_eq!(faults(text), [(Code::LockSyntax, Some(line))], "{text}");
    };
    check("lock-version = \"1.0\"\nx = \n", 2);
    check("a = 1\na = 2\n", 2);
    check(&lock_of("[[packages]]\n<<<<<<< HEAD\n"), 4);
    check(&format!("a = {}1{}", "[".repeat(5000), "]".repeat(5000)), 1);
    let merge = read(&lock_of("<<<<<<< HEAD\n")).unwrap_err();
    assert!(merge.iter().next().unwrap().message().contains("merge"));
    for bytes in [&b"\xef\xbb\xbfa = 1"[..], b"a = \"\0\"", b"a = \"\xff\"", b"\xff\xfea\0"] {
        assert_eq!(decode(bytes, Path::new("l")).unwrap_err().code(), Code::LockSyntax);
    }
}

#[test]
fn versions_of_the_format() {
    let check = |version: &str| {
        read(&format!("lock-version = {version}\ncreated-by = \"x\"\npackages = []\n"))
            .map(|lock| lock.warnings.len())
            .map_err(|problems| codes(&problems))
    };
    assert_eq!(check("\"1.0\""), Ok(0));
    assert_eq!(check("\"1\""), Ok(0));
    assert_eq!(check("\"1.1\""), Ok(1));
    for bad in ["\"2.0\"", "\"0.9\"", "\"x\"", "\"\"", "1.0", "\"1!1.0\""] {
        assert_eq!(check(bad), Err(vec![Code::LockVersion]), "{bad}");
    }
    assert_eq!(faults("created-by = \"x\"\npackages = []\n")[0].0, Code::LockSchema);
}

#[test]
fn the_schema() {
    let check = |text: &str, line: u32| {
        assert_eq!(faults(text), [(Code::LockSchema, Some(line))], "{text}");
    };
    check(&lock_of(""), 1);
    check("lock-version = \"1.0\"\npackages = []\n", 1);
    check(&lock_of("packages = 3\n"), 3);
    check(&lock_of("packages = [3]\n"), 3);
    check(&lock_of("packages = []\nextras = \"x\"\n"), 4);
    check(&lock_of("packages = []\nextras = [\"-\"]\n"), 4);
    check(&lock_of("packages = []\nrequires-python = \"three\"\n"), 4);
    check(&lock_of("packages = []\nenvironments = [\"'x' in extras\"]\n"), 4);
    check(&lock_of(&pure("A", "1.0", "").replace("A-1", "a-1")), 4);
    check(&lock_of(&pure("a", "1.0", "marker = \"extra == 'x'\"")), 6);
    check(&lock_of(&pure("a", "1.0", "requires-python = 3")), 6);
    check(&lock_of(&pure("a", "1.0", "dependencies = [\"b\"]")), 6);
    check(&lock_of(&pure("a", "1.0", "dependencies = [{ version = \"1\" }]")), 6);
    check(&lock_of(&pure("a", "1.0", "attestation-identities = [{ repository = \"x\" }]")), 6);
    check(&lock_of(&pure("a", "1.0", "vcs = { type = \"git\", url = \"u\", commit-id = \"c\" }")), 3);
    check(&lock_of("[[packages]]\nname = \"a\"\n"), 3);
    check(&lock_of("[[packages]]\nname = \"a\"\nwheels = []\n"), 3);
    check(&hashed("size = 3"), 6);
    check(&hashed(&format!("{URL}, size = -1")), 6);
    check(&hashed(&format!("{URL}, size = 99999999999999999999")), 6);
    check(&hashed(&format!("{URL}, size = true")), 6);
    check(&hashed(&format!("{URL}, upload-time = 2026-01-01")), 6);
    check(&hashed(&format!("{URL}, upload-time = \"2026\"")), 6);
    check(&hashed("path = \"dist\\\\a-1.0-py3-none-any.whl\""), 6);
    check(&hashed("path = \"a\\u0000-1.0-py3-none-any.whl\""), 6);
    check(&wheel(&format!("{URL}, hashes = \"x\"")), 6);
    check(&wheel(&format!("{URL}, hashes = {{ sha256 = 3 }}")), 6);
}

#[test]
fn a_wheel_is_listed_once() {
    let file = format!("{{ {URL}, hashes = {{ sha256 = \"{}\" }} }}", hex('a'));
    let text =
        lock_of(&format!("[[packages]]\nname = \"a\"\nversion = \"1.0\"\nwheels = [\n{file},\n{file},\n]\n"));
    assert_eq!(faults(&text), [(Code::LockSchema, Some(8))]);
}

#[test]
fn unknown_keys_are_warned_of() {
    let text = lock_of(&pure("a", "1.0", "novelty = 1")).replace("created-by", "more = 1\ncreated-by");
    let lock = read(&text).unwrap();
    assert_eq!(lock.warnings.len(), 2, "{:?}", lock.warnings);
    assert!(lock.warnings[1].contains("packages[0].novelty") && lock.warnings[1].contains(":7"));
}

#[test]
fn hashes_are_strong() {
    let check = |hashes: &str, expected: &[Code]| {
        let found = read(&wheel(&format!("{URL}{hashes}"))).map_err(|problems| codes(&problems));
        assert_eq!(found.map(drop).err().unwrap_or_default(), expected, "{hashes}");
    };
    let good = hex('a');
    check(&format!(", hashes = {{ sha256 = \"{good}\" }}"), &[]);
    check(&format!(", hashes = {{ SHA256 = \"{good}\", md5 = \"x\", blake2b = \"y\" }}"), &[]);
    check(&format!(", hashes = {{ sha512 = \"{good}{good}\" }}"), &[]);
    check("", &[Code::HashMissing]);
    check(", hashes = {}", &[Code::HashMissing]);
    check(", hashes = { md5 = \"d41d8cd98f00b204e9800998ecf8427e\" }", &[Code::HashWeak]);
    check(", hashes = { sha256 = \"abc\" }", &[Code::HashMalformed]);
    check(&format!(", hashes = {{ sha256 = \"{good}\", sha512 = \"abc\" }}"), &[Code::HashMalformed]);
}

#[test]
fn addresses() {
    let check = |location: &str, expected: &[Code]| {
        let found = read(&hashed(location)).map_err(|problems| codes(&problems));
        assert_eq!(found.map(drop).err().unwrap_or_default(), expected, "{location}");
    };
    let file = "a-1.0-py3-none-any.whl";
    for bad in [
        format!("url = \"file:///x/{file}\""),
        format!("url = \"ftp://x/{file}\""),
        format!("url = \"data:,{file}\""),
        format!("url = \"https://user@x/{file}\""),
        format!("url = \"https://user:secret@x/{file}\""),
        format!("url = \"https://:secret@x/{file}\""),
        format!("url = \"/x/{file}\""),
        format!("url = \"https:\\\\\\\\x\\\\{file}\""),
        format!("url = \"https://x\\\\@y/{file}\""),
        format!("url = \" https://x/{file}\""),
        format!("url = \"https://x/\\n{file}\""),
    ] {
        check(&bad, &[Code::AddressRefused]);
    }
    let problems = read(&hashed(&format!("url = \"https://u:secret@x/{file}\""))).unwrap_err();
    assert!(!format!("{problems} {problems:?}").contains("secret"));
    check(&format!("url = \"http://x/{file}#fragment\""), &[]);
    check(&format!("path = \"../dist/{file}\""), &[]);
    let index = pure("a", "1.0", "index = \"https://u:secret@x/simple/\"");
    assert_eq!(codes(&read(&lock_of(&index)).unwrap_err()), [Code::AddressRefused]);
    for half in ["u@", ":secret@"] {
        let index = pure("a", "1.0", &format!("index = \"https://{half}x/simple/\""));
        assert_eq!(codes(&read(&lock_of(&index)).unwrap_err()), [Code::AddressRefused]);
    }
    for (address, is_kept) in [("https://x/simple/", true), ("file:///x/", true), ("ftp://x/simple/", false)]
    {
        let lock = read(&lock_of(&pure("a", "1.0", &format!("index = \"{address}\"")))).unwrap();
        assert_eq!(lock.packages[0].index.is_some(), is_kept, "{address}");
    }
}

#[test]
fn the_path_wins_and_starts_at_the_lock() {
    let lock = read(&hashed(&format!("{URL}, path = \"dist/a-1.0-py3-none-any.whl\""))).unwrap();
    let LockedSource::Wheels(files) = &lock.packages[0].source else { panic!() };
    assert_eq!(files[0].location, Location::Path("/locks/dist/a-1.0-py3-none-any.whl".into()));
}

/// One fault of an entry stands for all that an edit by hand made: as many as its wheels.
#[test]
fn wheels_of_another_version_are_told_once() {
    let file = |tag: &str| {
        format!(
            "{{ url = \"https://x/a-1.0-{tag}-none-any.whl\", hashes = {{ sha256 = \"{}\" }} }}",
            hex('a')
        )
    };
    let wheels = ["py3", "cp310", "cp311"].map(file).join(", ");
    let text = lock_of(&format!("[[packages]]\nname = \"a\"\nversion = \"2.0\"\nwheels = [{wheels}]\n"));
    let problems = read(&text).unwrap_err();
    assert_eq!(codes(&problems), [Code::WheelName]);
    let found = problems.iter().next().and_then(Problem::found_text);
    assert_eq!(found, Some("a-1.0-py3-none-any.whl and 2 more"));
}

#[test]
fn names_of_wheels_agree_with_their_package() {
    let check = |keys: &str, expected: &[Code]| {
        let found = read(&hashed(keys)).map_err(|problems| codes(&problems));
        assert_eq!(found.map(drop).err().unwrap_or_default(), expected, "{keys}");
    };
    check("url = \"https://x/b-1.0-py3-none-any.whl\"", &[Code::WheelName]);
    check("url = \"https://x/a-2.0-py3-none-any.whl\"", &[Code::WheelName]);
    check("url = \"https://x/a-1.0.tar.gz\"", &[Code::WheelName]);
    check("url = \"https://x/download?file=a-1.0-py3-none-any.whl\"", &[Code::WheelName]);
    check("url = \"https://x/..%2Fa-1.0-py3-none-any.whl\"", &[Code::WheelName]);
    check("url = \"https://x/download\", name = \"a-1.0-py3-none-any.whl\"", &[]);
    // As uv writes the name of a file that is older than the rule for it.
    check("url = \"https://x/A-1.0-py3-none-any.whl\", name = \"a-1.0-py3-none-any.whl\"", &[]);
    check(&format!("{URL}, name = \"a-1.0-py2-none-any.whl\""), &[Code::WheelName]);
    check("url = \"https://x/A-1.0.0-py3-none-any.whl\"", &[]);
    check("url = \"https://x/download\", name = \"../a-1.0-py3-none-any.whl\"", &[Code::WheelName]);
}

#[test]
fn sources_that_would_be_built_are_kept_as_such() {
    let check = |source: &str, expected: &str| {
        let lock = read(&lock_of(&format!("[[packages]]\nname = \"a\"\n{source}\n"))).expect(source);
        match &lock.packages[0].source {
            LockedSource::Unusable(what) => assert!(what.contains(expected), "{what}"),
            other => panic!("{other:?}"),
        }
    };
    let hashes = format!("hashes = {{ sha256 = \"{}\" }}", hex('a'));
    check("vcs = { type = \"git\", url = \"https://x/a\", commit-id = \"c\" }", "version control");
    check("directory = { path = \".\", editable = true }", "directory");
    check(&format!("archive = {{ url = \"https://x/a-1.0.tar.gz\", {hashes} }}"), "archive");
    check(&format!("sdist = {{ url = \"https://x/a-1.0.tar.gz\", {hashes} }}"), "source distribution");
    let lock =
        read(&lock_of(&format!("[[packages]]\nname = \"a\"\narchive = {{ {URL}, {hashes} }}\n"))).unwrap();
    assert!(matches!(&lock.packages[0].source, LockedSource::Wheels(files) if files.len() == 1));
    assert_eq!(lock.packages[0].version.as_ref().unwrap().to_string(), "1.0");
}

#[test]
fn all_faults_are_told_at_once() {
    let text = lock_of(&format!(
        "{}{}",
        pure("a", "1.0", "marker = \"nonsense\"").replace("sha256", "md5"),
        pure("b", "1.0", "").replace("https://", "ftp://")
    ));
    let problems = read(&text).unwrap_err();
    assert_eq!(codes(&problems), [Code::LockSchema, Code::HashWeak, Code::AddressRefused]);
}

#[test]
fn tool_tables_are_read_leniently() {
    let lock = read(&lock_of(
        "packages = []\n[tool.pipward]\nformat = 1\ncutoff = 2026-01-02T03:00:00Z\n\
         inputs = [{ requirement = \"a\", from = \"command line\" }, 3]\noverrides = [\"b==1\", 4]\n\
         [tool.pipward.options]\npre = \"true\"\nother = 3\n[tool.other]\nx = 1\n",
    ))
    .unwrap();
    let tool = lock.tool.unwrap();
    assert_eq!(tool.inputs, [("a".to_owned(), "command line".to_owned())]);
    assert_eq!(tool.overrides, ["b==1"]);
    assert_eq!(tool.options.len(), 1);
    assert_eq!(tool.cutoff.unwrap().to_string(), "2026-01-02T03:00:00Z");
    for odd in
        ["tool = 3", "tool = { pipward = 3 }", "tool = { pipward = { inputs = 3, options = 4, cutoff = 5 } }"]
    {
        assert!(read(&lock_of(&format!("packages = []\n{odd}\n"))).is_ok(), "{odd}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(text in "\\PC{0,80}") {
        let _ = read(&text);
        let _ = read(&lock_of(&text));
    }

    /// A well-formed lock with one stretch replaced.
    #[test]
    fn nothing_panics_on_a_damaged_lock(
        at in 0_usize..400,
        length in 0_usize..40,
        new in "[a-z0-9\"'\\[\\]{}=,.\n -]{0,12}|\u{e9}|\\\\u0000",
    ) {
        let whole = lock_of(&pure("a", "1.0", "marker = \"'x' in extras and python_version ~= '3.8'\""));
        let start = at.min(whole.len());
        let end = (start + length).min(whole.len());
        let damaged = format!("{}{new}{}", whole.get(..start).unwrap(), whole.get(end..).unwrap());
        let _ = read(&damaged);
    }
}
