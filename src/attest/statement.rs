//! What a statement says: the file, its bytes and the kind of claim (in-toto attestation framework, Statement v1).

use std::collections::{BTreeMap, BTreeSet};

use pipward_resolver::{PackageName, Version, WheelName};
use serde::Deserialize;

use super::fault::{Fault, FaultKind};
use crate::digest::Sha256;

const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// The claims that PyPI takes: its own, and the build provenance of SLSA.
const PREDICATES: [&str; 2] =
    ["https://docs.pypi.org/attestations/publish/v1", "https://slsa.dev/provenance/v1"];

#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    name: Option<String>,
    digest: BTreeMap<String, String>,
}

/// Whether the statement speaks of this file, of its bytes, and of nothing else.
pub(super) fn check(statement: &[u8], file: &str, sha256: &Sha256) -> Result<(), Fault> {
    let statement: Statement = serde_json::from_slice(statement)
        .map_err(|error| Fault::new(FaultKind::Statement, error.to_string()))?;
    if statement.kind != STATEMENT {
        return Err(Fault::new(FaultKind::Statement, statement.kind));
    }
    let [subject] = statement.subject.as_slice() else {
        return Err(Fault::new(FaultKind::Subjects, format!("{} subjects", statement.subject.len())));
    };
    let name = subject.name.as_deref().unwrap_or_default();
    if !same_file_name(name, file) {
        return Err(Fault::new(FaultKind::FileName, name));
    }
    let digest = subject.digest.get("sha256").map(String::as_str).unwrap_or_default();
    if Sha256::from_hex(digest).as_ref() != Some(sha256) {
        return Err(Fault::new(FaultKind::Digest, digest));
    }
    if !PREDICATES.contains(&statement.predicate_type.as_str()) {
        return Err(Fault::new(FaultKind::Predicate, statement.predicate_type));
    }
    Ok(())
}

/// Whether two file names are those of one file: equal after parsing (PEP 740 speaks of "the distribution's name",
/// and wheels were once uploaded with names that are spelled otherwise today).
fn same_file_name(one: &str, two: &str) -> bool {
    if one == two {
        return true;
    }
    match (WheelName::parse(one), WheelName::parse(two)) {
        (Ok(one), Ok(two)) => parts(&one) == parts(&two),
        (Err(_), Err(_)) => matches!((sdist(one), sdist(two)), (Some(one), Some(two)) if one == two),
        _ => false,
    }
}

/// What a wheel's name means; its tags are sets.
#[derive(PartialEq, Eq)]
struct Parts<'a> {
    name: &'a PackageName,
    version: &'a Version,
    build: Option<&'a (u64, String)>,
    tags: [BTreeSet<&'a str>; 3],
}

fn parts(wheel: &WheelName) -> Parts<'_> {
    let set = |tags| BTreeSet::from_iter(<[String]>::iter(tags).map(String::as_str));
    let (python, abi, platform) = wheel.tag_parts();
    Parts {
        name: wheel.name(),
        version: wheel.version(),
        build: wheel.build(),
        tags: [set(python), set(abi), set(platform)],
    }
}

/// PEP 625: `NAME-VERSION.tar.gz`.
fn sdist(text: &str) -> Option<(PackageName, Version)> {
    let (name, version) = text.strip_suffix(".tar.gz")?.rsplit_once('-')?;
    Some((name.parse().ok()?, version.parse().ok()?))
}
