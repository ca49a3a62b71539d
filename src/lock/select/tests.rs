//! Selection, step by step.

use std::collections::BTreeMap;

use pipward_resolver::{ExtraName, PackageName};

use super::Subset;
use crate::error::Code;
use crate::lock::closure::Declared;
use crate::lock::tests::{codes, hex, linux, lock_of, name, pure, read, select};
use crate::lock::{SelectRequest, Selection};
use crate::pep508::Written;

fn selected(selection: &Selection) -> Vec<String> {
    let tell = |one: &crate::lock::Selected| {
        format!("{} {}", one.package.name, one.package.version.as_ref().unwrap())
    };
    selection.packages.iter().map(tell).collect()
}

fn check(lock: &str, python: &str) -> Result<Vec<String>, Vec<Code>> {
    select(&read(lock).unwrap(), python).map(|s| selected(&s)).map_err(|problems| codes(&problems))
}

fn with(request: (&[&str], Option<&[&str]>), lock: &str) -> Result<Vec<String>, Vec<Code>> {
    let names =
        |names: &[&str]| -> Vec<ExtraName> { names.iter().map(|name| name.parse().unwrap()).collect() };
    let (extras, groups) = (names(request.0), request.1.map(names));
    read(lock)
        .unwrap()
        .select(&SelectRequest { target: &linux("3.13.0"), extras: &extras, groups: groups.as_deref() })
        .map(|s| selected(&s))
        .map_err(|problems| codes(&problems))
}

#[test]
fn markers_leave_packages_out() {
    let lock = lock_of(&format!(
        "{}{}{}",
        pure("a", "1", "marker = \"python_full_version < '3.10'\""),
        pure("a", "2", "marker = \"python_full_version >= '3.10'\""),
        pure("b", "1", "marker = \"sys_platform == 'win32'\""),
    ));
    assert_eq!(check(&lock, "3.13.0"), Ok(vec!["a 2".to_owned()]));
    assert_eq!(check(&lock, "3.9.1"), Ok(vec!["a 1".to_owned()]));
}

#[test]
fn a_lock_for_another_python_is_refused() {
    let lock = lock_of(&pure("a", "1", "")).replace("created-by", "requires-python = \">=3.13\"\ncreated-by");
    assert_eq!(check(&lock, "3.9.18"), Err(vec![Code::PythonMismatch]));
    assert!(check(&lock, "3.13.0").is_ok());
    let lock = lock_of(&pure("a", "1", "requires-python = \"<3.10\""));
    assert_eq!(check(&lock, "3.13.0"), Err(vec![Code::PythonMismatch]));
}

#[test]
fn one_environment_of_those_listed_is_enough() {
    let lock = |environments: &str| {
        lock_of(&pure("a", "1", ""))
            .replace("created-by", &format!("environments = {environments}\ncreated-by"))
    };
    assert!(check(&lock("[\"sys_platform == 'win32'\", \"sys_platform == 'linux'\"]"), "3.13.0").is_ok());
    assert!(check(&lock("[]"), "3.13.0").is_ok());
    assert_eq!(check(&lock("[\"sys_platform == 'win32'\"]"), "3.13.0"), Err(vec![Code::EnvironmentMismatch]));
}

#[test]
fn extras_and_groups() {
    let lock = lock_of(&format!(
        "extras = [\"x\"]\ndependency-groups = [\"dev\"]\ndefault-groups = [\"main\"]\n{}{}{}",
        pure("a", "1", "marker = \"'x' in extras\""),
        pure("b", "1", "marker = \"'dev' in dependency_groups\""),
        pure("c", "1", "marker = \"'main' in dependency_groups\""),
    ));
    let names = |names: &[&str]| -> Result<Vec<String>, Vec<Code>> {
        Ok(names.iter().map(|name| format!("{name} 1")).collect())
    };
    assert_eq!(with((&[], None), &lock), names(&["c"]));
    assert_eq!(with((&["X"], None), &lock), names(&["a", "c"]));
    assert_eq!(with((&[], Some(&[])), &lock), names(&[]));
    assert_eq!(with((&[], Some(&["dev", "main"])), &lock), names(&["b", "c"]));
    assert_eq!(with((&["y"], Some(&["test"])), &lock), Err(vec![Code::UnknownExtra, Code::UnknownExtra]));
}

#[test]
fn two_entries_of_one_name_are_refused() {
    let lock =
        lock_of(&format!("{}{}", pure("a", "1", ""), pure("a", "2", "marker = \"os_name == 'posix'\"")));
    assert_eq!(check(&lock, "3.13.0"), Err(vec![Code::DuplicatePackage]));
    let lock = lock_of(&format!("{}{}", pure("a", "1", ""), pure("a", "1", "")));
    assert_eq!(check(&lock, "3.13.0"), Err(vec![Code::DuplicatePackage]));
}

/// The wheel that is chosen among files with these endings.
fn chosen(tags: &[&str]) -> Result<String, Vec<Code>> {
    let hash = hex('a');
    let wheels: Vec<String> = tags
        .iter()
        .map(|tag| format!("{{ url = \"https://x/a-1-{tag}.whl\", hashes = {{ sha256 = \"{hash}\" }} }}"))
        .collect();
    let lock =
        lock_of(&format!("[[packages]]\nname = \"a\"\nversion = \"1\"\nwheels = [{}]\n", wheels.join(",")));
    select(&read(&lock).unwrap(), "3.13.0")
        .map(|selection| selection.packages[0].file.as_ref().unwrap().name.to_string())
        .map_err(|problems| codes(&problems))
}

#[test]
fn the_best_wheel_is_chosen() {
    let check = |tags: &[&str], expected: &str| {
        let mut tags = tags.to_vec();
        assert_eq!(chosen(&tags), Ok(format!("a-1-{expected}.whl")));
        tags.reverse();
        assert_eq!(chosen(&tags), Ok(format!("a-1-{expected}.whl")));
    };
    check(&["py3-none-any", "cp313-cp313-manylinux_2_17_x86_64"], "cp313-cp313-manylinux_2_17_x86_64");
    check(
        &["cp313-cp313-manylinux_2_17_x86_64", "cp313-cp313-manylinux_2_28_x86_64"],
        "cp313-cp313-manylinux_2_28_x86_64",
    );
    check(&["cp38-abi3-manylinux_2_17_x86_64", "py3-none-any"], "cp38-abi3-manylinux_2_17_x86_64");
    check(&["py3-none-any", "2-py3-none-any", "10-py3-none-any"], "10-py3-none-any");
    check(&["1-py3-none-any", "2-py3-none-any"], "2-py3-none-any");
    check(&["cp313-cp313-win_amd64", "py3-none-any"], "py3-none-any");
}

#[test]
fn no_wheel_that_fits_is_a_refusal() {
    assert_eq!(
        chosen(&["cp312-cp312-manylinux_2_17_x86_64", "cp313-cp313-win_amd64"]),
        Err(vec![Code::NoMatchingWheel])
    );
    assert_eq!(chosen(&["cp313-cp313-manylinux_2_34_x86_64"]), Err(vec![Code::NoMatchingWheel]));
    let lock = lock_of("[[packages]]\nname = \"a\"\ndirectory = { path = \".\" }\n");
    assert_eq!(check(&lock, "3.13.0"), Err(vec![Code::RequirementUnsupported]));
    let lock = lock.replace("directory", "marker = \"os_name == 'nt'\"\ndirectory");
    assert_eq!(check(&lock, "3.13.0"), Ok(vec![]));
}

#[test]
fn all_faults_are_told_at_once() {
    let lock = lock_of(&format!(
        "requires-python = \"<3\"\nenvironments = [\"os_name == 'nt'\"]\n{}{}{}",
        pure("a", "1", ""),
        pure("a", "2", ""),
        "[[packages]]\nname = \"b\"\ndirectory = { path = \".\" }\n",
    ));
    assert_eq!(
        check(&lock, "3.13.0"),
        Err(vec![
            Code::PythonMismatch,
            Code::EnvironmentMismatch,
            Code::DuplicatePackage,
            Code::RequirementUnsupported
        ])
    );
}

fn subset(
    lock: &str,
    names: &[&str],
    metadata: &BTreeMap<PackageName, Declared<'_>>,
) -> Result<Subset, Vec<Code>> {
    let target = linux("3.13.0");
    let names: Vec<_> = names.iter().map(|text| (name(text), vec!["x".parse().unwrap()])).collect();
    select(&read(lock).unwrap(), "3.13.0").unwrap().subset(&names, &target, metadata).map_err(|p| codes(&p))
}

#[test]
fn a_subset_follows_what_the_lock_records() {
    let lock = lock_of(&format!(
        "{}{}{}{}",
        pure("a", "1", "dependencies = [{ name = \"b\" }, { name = \"d\", marker = \"os_name == 'nt'\" }]"),
        pure("b", "1", "dependencies = [{ name = \"a\" }]"),
        pure("c", "1", "dependencies = []"),
        pure("d", "1", "dependencies = []"),
    ));
    match subset(&lock, &["a"], &BTreeMap::new()) {
        Ok(Subset::Whole(selection)) => assert_eq!(selected(&selection), ["a 1", "b 1"]),
        other => panic!("{other:?}"),
    }
    assert_eq!(
        subset(&lock, &["e", "a", "f"], &BTreeMap::new()).unwrap_err(),
        [Code::NotInLock, Code::NotInLock]
    );
}

#[test]
fn a_subset_asks_for_metadata_where_the_lock_records_nothing() {
    let lock = lock_of(&["a", "b", "c", "d"].map(|name| pure(name, "1", "")).concat());
    let needs = |found: Result<Subset, Vec<Code>>| match found {
        Ok(Subset::NeedsMetadata(needs)) => {
            needs.iter().map(|one| one.package.name.to_string()).collect::<Vec<_>>().join(" ")
        }
        Ok(Subset::Whole(selection)) => format!("= {}", selected(&selection).join(", ")),
        Err(codes) => format!("{codes:?}"),
    };
    let requires = |texts: &[&str]| -> Written {
        let read =
            texts.iter().map(|t| crate::pep508::requirement(t, crate::pep508::Strictness::Strict).unwrap());
        read.collect::<Vec<_>>().into()
    };
    let nothing = Written::default();
    let (of_a, of_b) = (requires(&["b[y]", "d ; extra == 'z'"]), requires(&["c ; extra == 'y'"]));
    let mut known = BTreeMap::new();
    assert_eq!(needs(subset(&lock, &["a"], &known)), "a");
    known.insert(name("a"), Declared { requires: &of_a, extras: &[], spelled: None });
    assert_eq!(needs(subset(&lock, &["a"], &known)), "b");
    known.insert(name("b"), Declared { requires: &of_b, extras: &[], spelled: None });
    assert_eq!(needs(subset(&lock, &["a"], &known)), "c");
    known.insert(name("c"), Declared { requires: &nothing, extras: &[], spelled: None });
    assert_eq!(needs(subset(&lock, &["a"], &known)), "= a 1, b 1, c 1");
}
