//! What differs between two locks.

use super::*;
use crate::lock::tests::{hex, lock_of, pure, read};

fn compare(before: &str, after: &str) -> Comparison {
    let of = |packages: &str| {
        let packages = if packages.is_empty() { "packages = []" } else { packages };
        read(&lock_of(packages)).unwrap()
    };
    Comparison::of(&of(before), &of(after))
}

#[track_caller]
fn one(comparison: &Comparison) -> &PackageChange {
    let [change] = comparison.packages.as_slice() else { panic!("{comparison:?}") };
    change
}

#[test]
fn the_same_packages_in_another_order_do_not_differ() {
    let (a, b) = (pure("a", "1", ""), pure("b", "2", ""));
    assert!(compare(&format!("{a}{b}"), &format!("{b}{a}")).is_empty());
}

#[test]
fn versions_go_up_and_down_and_come_and_go() {
    let kind = |before: &str, after: &str| one(&compare(before, after)).kind;
    assert_eq!(kind(&pure("a", "1.9", ""), &pure("a", "1.10", "")), Kind::Up);
    assert_eq!(kind(&pure("a", "2", ""), &pure("a", "2rc1", "")), Kind::Down);
    assert_eq!(kind("", &pure("a", "1", "")), Kind::Added);
    assert_eq!(kind(&pure("a", "1", ""), ""), Kind::Removed);
    let linux = "marker = \"sys_platform == 'linux'\"";
    let others = "marker = \"sys_platform != 'linux'\"";
    let both = |low: &str, high: &str| pure("a", low, linux) + &pure("a", high, others);
    assert_eq!(kind(&both("1", "2"), &both("1", "3")), Kind::Up);
    assert_eq!(kind(&both("1", "3"), &both("2", "2.5")), Kind::Other);
    assert_eq!(kind(&pure("a", "1", ""), &both("1", "3")), Kind::Other);
}

#[test]
fn other_bytes_behind_one_version_are_an_alarm_and_come_first() {
    let before = pure("a", "1", "") + &pure("b", "1", "");
    let after = pure("a", "2", "") + &pure("b", "1", "").replace(&hex('a'), &hex('b'));
    let found = compare(&before, &after);
    assert!(found.is_alarm());
    assert_eq!(found.packages[0].name.as_ref() as &str, "b");
    let change = &found.packages[0].changes[0];
    assert_eq!((change.what, change.of.as_deref()), (What::Hashes, Some("b-1-py3-none-any.whl")));
    assert!(change.before.contains(&hex('a')) && change.after.contains(&hex('b')), "{change:?}");
    // Without a version in the entry, the wheels tell it.
    let bare = |text: &str| text.replace("version = \"1\"\n", "");
    assert!(
        compare(&bare(&pure("b", "1", "")), &bare(&pure("b", "1", "").replace(&hex('a'), &hex('b'))))
            .is_alarm()
    );
}

#[test]
fn sizes_hosts_indexes_and_markers_are_told() {
    let what = |before: &str, after: &str| -> Vec<What> {
        let found = compare(before, after);
        one(&found).changes.iter().map(|change| change.what).collect()
    };
    let plain = pure("a", "1", "");
    assert_eq!(what(&plain, &plain.replace("files.example.org", "evil.example.org")), [What::Hosts]);
    let sized = |size: &str| plain.replace("hashes =", &format!("size = {size}, hashes ="));
    assert_eq!(what(&sized("10"), &sized("11")), [What::Size]);
    let index = |host: &str| pure("a", "1", &format!("index = \"https://{host}/simple/\""));
    assert_eq!(what(&index("one.example"), &index("two.example")), [What::Index]);
    assert_eq!(what(&plain, &pure("a", "1", "marker = \"os_name == 'nt'\"")), [What::Marker]);
    assert_eq!(what(&plain, &pure("a", "1", "requires-python = '>=3.9'")), [What::RequiresPython]);
    let native = plain.replace("py3-none-any", "cp312-cp312-win_amd64");
    assert_eq!(what(&plain, &native), [What::Wheels]);
    let up = pure("a", "2", "").replace("py3-none-any", "cp312-cp312-win_amd64");
    assert_eq!(what(&plain, &up), [What::Platforms]);
}

#[test]
fn a_publisher_that_is_lost_or_another_is_an_alarm_and_a_new_one_is_not() {
    let by = |owner: &str| {
        let identity = format!("{{ kind = 'GitHub', repository = '{owner}/a', workflow = 'release.yml' }}");
        pure("a", "1", &format!("attestation-identities = [{identity}]"))
    };
    let told = |before: &str, after: &str| {
        let found = compare(before, after);
        (one(&found).changes[0].what, found.is_alarm())
    };
    let nobody = pure("a", "1", "");
    assert_eq!(told(&by("one"), &nobody), (What::PublisherLost, true));
    assert_eq!(told(&by("one"), &by("two")), (What::PublisherLost, true));
    assert_eq!(told(&nobody, &by("one")), (What::PublisherNew, false));
    let up = by("two").replace("version = \"1\"", "version = \"2\"").replace("a-1-", "a-2-");
    assert_eq!(told(&by("one"), &up), (What::PublisherLost, true));
    assert!(compare(&by("one"), &by("one")).is_empty());
}

#[test]
fn the_lines_of_the_lock_itself_are_told() {
    let before =
        read("lock-version = \"1.0\"\ncreated-by = \"t\"\nrequires-python = '>=3.9'\npackages = []\n");
    let after =
        read("lock-version = \"1.0\"\ncreated-by = \"u\"\nrequires-python = '>=3.10'\npackages = []\n");
    let found = Comparison::of(&before.unwrap(), &after.unwrap());
    let [change] = found.frame.as_slice() else { panic!("{found:?}") };
    assert_eq!((change.before.as_str(), change.after.as_str()), (">=3.9", ">=3.10"));
    assert!(!found.is_empty() && found.packages.is_empty());
}

#[test]
fn hashes_without_names_are_compared_too() {
    let of = |text: &str| {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("requirements.txt");
        std::fs::write(&file, text).unwrap();
        let read = crate::requirements::read_with_faults(&file);
        crate::lock::requirements::from_requirements(&read, &file).unwrap()
    };
    let line = |digits: &[char]| {
        let hashes: String = digits.iter().map(|digit| format!(" --hash=sha256:{}", hex(*digit))).collect();
        of(&format!("a==1{hashes}\n"))
    };
    assert!(Comparison::of(&line(&['a']), &line(&['b'])).is_alarm());
    assert!(Comparison::of(&line(&['a']), &line(&['a', 'b'])).is_empty());
}

#[test]
fn hashes_of_other_algorithms_say_nothing_of_each_other() {
    let plain = pure("a", "1", "");
    let hashed = |hashes: &str| plain.replace(&format!("sha256 = \"{}\"", hex('a')), hashes);
    let (one, other) = (hex('a'), hex('b'));
    let sha512 = format!("sha512 = \"{one}{one}\"");
    assert!(compare(&plain, &hashed(&sha512)).is_empty());
    assert!(compare(&plain, &hashed(&format!("sha256 = \"{one}\", {sha512}"))).is_empty());
    let both = |last: &str| hashed(&format!("sha256 = \"{one}\", sha512 = \"{last}{last}\""));
    assert!(compare(&both(&one), &both(&other)).is_alarm());
}

#[test]
fn what_came_or_went_is_told_without_its_files() {
    for (before, after) in [("", pure("a", "1", "")), (&pure("a", "1", ""), String::new())] {
        let found = compare(before, &after);
        assert!(!found.is_empty());
        assert_eq!(one(&found).changes, []);
    }
}

#[test]
fn wheels_and_hashes_alone_are_two_sources() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("requirements.txt");
    std::fs::write(&file, format!("a==1 --hash=sha256:{}\n", hex('a'))).unwrap();
    let read_file = crate::requirements::read_with_faults(&file);
    let hashes = crate::lock::requirements::from_requirements(&read_file, &file).unwrap();
    let wheels = read(&lock_of(&pure("a", "1", ""))).unwrap();
    let found = Comparison::of(&wheels, &hashes);
    let change = one(&found).changes.iter().find(|change| change.what == What::Source).unwrap();
    assert_eq!((change.before.as_str(), change.after.as_str()), ("wheels", "hashes alone"));
    assert!(one(&found).changes.iter().all(|change| !matches!(change.what, What::Wheels | What::Hashes)));
}

#[test]
fn systems_are_told_in_words() {
    let on = |version: &str, tag: &str| pure("a", version, "").replace("py3-none-any", tag);
    for (tag, words) in [
        ("cp312-cp312-musllinux_1_2_x86_64", "Linux (musl) x86_64"),
        ("cp312-cp312-manylinux_2_28_aarch64", "Linux aarch64"),
        ("cp312-cp312-macosx_11_0_arm64", "macOS arm64"),
        ("cp312-cp312-win32", "Windows x86"),
        ("cp312-cp312-ios_13_0_arm64", "ios arm64"),
    ] {
        let found = compare(&pure("a", "1", ""), &on("2", tag));
        let change = one(&found).changes.iter().find(|change| change.what == What::Platforms).unwrap();
        assert_eq!((change.before.as_str(), change.after.as_str()), ("any system", words));
    }
}

#[test]
fn what_another_version_asks_for_is_told() {
    let python = |least: &str| format!("requires-python = \">={least}\"");
    let found = compare(&pure("a", "1", &python("3.8")), &pure("a", "2", &python("3.10")));
    let [change] = one(&found).changes.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        (change.what, change.before.as_str(), change.after.as_str()),
        (What::RequiresPython, ">=3.8", ">=3.10")
    );
    let found = compare(&pure("a", "1", ""), &pure("a", "2", "marker = \"sys_platform == 'linux'\""));
    let [change] = one(&found).changes.as_slice() else { panic!("{found:?}") };
    assert_eq!((change.what, change.before.as_str()), (What::Marker, "everywhere"));
    assert!(one(&compare(&pure("a", "1", ""), &pure("a", "2", ""))).changes.is_empty());
}
