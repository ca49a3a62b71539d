//! A lock of one environment.

use std::collections::BTreeSet;

use pipward_resolver::{MarkerTree, Resolution, ResolvedDependency, ResolvedPackage, WheelName};

use super::{BuildRequest, WheelFacts, build, environment, requires_python};
use crate::digest::Sha256;
use crate::error::{Code, Problems};
use crate::index::IndexFile;
use crate::lock::drift::signed;
use crate::lock::tests::{codes, linux, name, read, select};
use crate::lock::{Location, Lock, ToolTable, pylock};

fn built(python: &str, sha256: Option<Sha256>) -> Result<Lock, Problems> {
    let wheel = |text: &str| WheelName::parse(text).unwrap();
    let needed = |text: &&str| ResolvedDependency {
        name: name(text),
        version: "1.0".parse().unwrap(),
        marker: MarkerTree::TRUE,
    };
    let package = |text: &str, file: &str, needs: &[&str]| ResolvedPackage {
        name: name(text),
        marker: MarkerTree::TRUE,
        version: "1.0".parse().unwrap(),
        extras: BTreeSet::new(),
        dependencies: needs.iter().map(needed).collect(),
        wheels: vec![wheel(file)],
    };
    let resolution = Resolution {
        newest_minor: None,
        packages: vec![
            package("a", "a-1.0-py3-none-any.whl", &["b"]),
            package("b", "b-1.0-py3-none-any.whl", &[]),
        ],
        universe: MarkerTree::TRUE,
        warnings: vec![],
    };
    let target = linux(python);
    let tool =
        ToolTable { inputs: vec![("a".to_owned(), "command line".to_owned())], ..ToolTable::default() };
    let request = BuildRequest {
        resolution: &resolution,
        environments: environment(&target.markers).into_iter().collect(),
        requires_python: requires_python(&target.markers),
        extras: Vec::new(),
        dependency_groups: Vec::new(),
        file: "/locks/pylock.toml".into(),
        tool,
    };
    build(&request, &mut |_, wheel| {
        Ok(WheelFacts {
            file: IndexFile {
                name: wheel.clone(),
                location: Location::Url(format!("https://files.example.org/{wheel}").parse().unwrap()),
                index: "https://pypi.org/simple/".parse().ok(),
                sha256,
                size: Some(3),
                upload_time: None,
                yanked: None,
                requires_python: ">=3.8".parse().ok(),
            },
            metadata_sha256: Some(Sha256::of(b"m")),
        })
    })
}

#[test]
fn a_lock_is_for_its_python_and_any_patch_of_it() {
    let text = pylock::write(&signed(built("3.13.0", Some(Sha256::of(b"x"))).unwrap()));
    insta::assert_snapshot!(text);
    let lock = read(&text).unwrap();
    let check = |python: &str| select(&lock, python).map(|s| s.packages.len()).map_err(|p| codes(&p));
    assert_eq!(check("3.13.0"), Ok(2));
    assert_eq!(check("3.13.9"), Ok(2));
    assert_eq!(check("3.9.18"), Err(vec![Code::PythonMismatch, Code::EnvironmentMismatch]));
    assert_eq!(check("3.14.0"), Err(vec![Code::EnvironmentMismatch]));
}

#[test]
fn nothing_is_locked_without_its_hash() {
    assert_eq!(codes(&built("3.13.0", None).unwrap_err()), [Code::HashMissing, Code::HashMissing]);
}
