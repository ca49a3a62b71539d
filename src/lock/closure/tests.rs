//! Closed and open selections.

use std::collections::BTreeMap;

use super::{ClosureRequest, Declared, check};
use crate::error::Code;
use crate::lock::tests::{linux, lock_of, name, pure, read, select};
use crate::pep508::{Strictness, Written, requirement};
use crate::requirements::parse_specifier;

/// The codes and messages of a closure check. `metadata`: packages with their `Requires-Dist`.
fn open(lock: &str, roots: &[&str], metadata: &[(&str, &[&str])]) -> Vec<(Code, String)> {
    let lock = read(&lock_of(lock)).unwrap();
    let selection = select(&lock, "3.13.0").unwrap();
    let roots: Vec<_> = roots.iter().map(|text| parse_specifier(text).unwrap()).collect();
    let requires: Vec<(_, Written)> = metadata
        .iter()
        .map(|(of, texts)| {
            let read = texts.iter().map(|t| requirement(t, Strictness::Strict).unwrap());
            (name(of), read.collect::<Vec<_>>().into())
        })
        .collect();
    let declared: BTreeMap<_, _> = requires
        .iter()
        .map(|(of, requires)| (of.clone(), Declared { requires, extras: &[], spelled: None }))
        .collect();
    let target = linux("3.13.0");
    let request = ClosureRequest {
        locks: &[&lock],
        selection: &selection,
        roots: &roots,
        asked: &roots,
        declared: &declared,
        target: &target,
    };
    check(&request).iter().map(|problem| (problem.code(), problem.message().to_owned())).collect()
}

fn codes(found: &[(Code, String)]) -> Vec<Code> {
    found.iter().map(|(code, _)| *code).collect()
}

#[test]
fn what_the_lock_records_is_selected() {
    let a = |dependencies: &str| pure("a", "1", &format!("dependencies = [{dependencies}]"));
    let b = |more: &str| pure("b", "1", &format!("dependencies = []\n{more}"));
    assert_eq!(open(&(a("{ name = \"b\" }") + &b("")), &[], &[]), []);
    assert_eq!(codes(&open(&a("{ name = \"b\" }"), &[], &[])), [Code::DependencyNotInLock]);
    assert_eq!(open(&a("{ name = \"b\", marker = \"os_name == 'nt'\" }"), &[], &[]), []);
    // The entry is for other environments.
    assert_eq!(open(&(a("{ name = \"b\" }") + &b("marker = \"os_name == 'nt'\"")), &[], &[]), []);
    assert_eq!(
        codes(&open(&(a("{ name = \"b\", version = \"2\" }") + &b("")), &[], &[])),
        [Code::DependencyVersion]
    );
}

#[test]
fn else_metadata_is_judged_versions_included() {
    let lock = pure("a", "1", "") + &pure("b", "1", "");
    let check = |of_a: &[&str], expected: &[Code]| {
        assert_eq!(codes(&open(&lock, &[], &[("a", of_a), ("b", &[])])), expected, "{of_a:?}");
    };
    check(&["b"], &[]);
    check(&["b>=1,<2"], &[]);
    check(&["b>=2"], &[Code::DependencyVersion]);
    check(&["c", "d"], &[Code::DependencyNotInLock, Code::DependencyNotInLock]);
    check(&["c ; python_version < '3.9'"], &[]);
    check(&["c ; extra == 'x'"], &[]);
    assert_eq!(codes(&open(&lock, &[], &[("a", &[])])), [Code::MetadataUnavailable]);
}

#[test]
fn extras_are_followed() {
    let lock = pure("a", "1", "") + &pure("b", "1", "");
    let of_b: &[&str] = &["c ; extra == 'x'"];
    assert_eq!(codes(&open(&lock, &[], &[("a", &["b[x]"]), ("b", of_b)])), [Code::DependencyNotInLock]);
    assert_eq!(codes(&open(&lock, &["b[x]"], &[("a", &["b"]), ("b", of_b)])), [Code::DependencyNotInLock]);
    assert_eq!(open(&lock, &["b[y]"], &[("a", &["b"]), ("b", of_b)]), []);
}

#[test]
fn what_was_asked_for_is_there() {
    let lock = pure("a", "1", "");
    assert_eq!(open(&lock, &["a==1", "z ; os_name == 'nt'"], &[("a", &[])]), []);
    assert_eq!(codes(&open(&lock, &["a>1"], &[("a", &[])])), [Code::DependencyVersion]);
    assert_eq!(codes(&open(&lock, &["z"], &[("a", &[])])), [Code::NotInLock]);
}

#[test]
fn pre_releases_and_local_versions_satisfy_what_they_should() {
    let lock = pure("a", "1", "") + &pure("b", "2.0rc1+cpu", "");
    assert_eq!(open(&lock, &[], &[("a", &["b>=1", "b==2.0rc1"]), ("b", &[])]), []);
}
