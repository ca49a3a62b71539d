//! Proving who published files: for a new lock, and again for an install.
//!
//! Owns: the verifier that the configuration names, and the provenance that is kept beside a lock. Never: judges what was
//! proven (the policy does).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pipward_resolver::PackageName;
use rayon::prelude::*;
use serde_json::Value;

use crate::attest::{Fault, Provenance, Publisher, Verifier};
use crate::digest::Sha256;
use crate::document::{MAX_DOCUMENT, read_bytes};
use crate::error::{Code, Place, Problem};
use crate::index::Index;
use crate::lock::{LockedPackage, LockedSource};
use crate::policy::DatedPolicy;

/// A file, and what it must hash to.
pub(super) type File = (PackageName, String, Sha256);

/// What became of a file that was asked about: who published it, or why its provenance does not hold. `None` where there
/// is no provenance.
pub(super) type Answer = Result<Option<Vec<Publisher>>, Problem>;

/// Provenance by the names of files.
pub type Kept = BTreeMap<String, Value>;

/// What stands beside a lock.
#[derive(serde::Serialize, serde::Deserialize)]
struct Beside {
    version: u64,
    files: Kept,
}

/// The files of a package that provenance can be about.
pub(super) fn provable(package: &LockedPackage) -> impl Iterator<Item = File> {
    let files: &[_] = match &package.source {
        LockedSource::Wheels(files) => files,
        LockedSource::ByHash(_) | LockedSource::Unusable(_) => &[],
    };
    let name = &package.name;
    files.iter().filter_map(|file| Some((name.clone(), file.name.to_string(), file.hashes.sha256s().next()?)))
}

/// What verifies: the public instance, or the one that the configuration names.
pub(super) fn verifier(policy: &DatedPolicy) -> Result<Verifier, Problem> {
    let Some(path) = policy.sigstore_root() else {
        return Verifier::public().map_err(|fault| {
            Problem::new(Code::Internal, "the built-in Sigstore root cannot be read").cause(fault)
        });
    };
    let unusable = |cause: String| {
        Problem::new(Code::ConfigInvalid, "this Sigstore root cannot be used")
            .at(Place::file(path))
            .cause(cause)
            .help("sigstore-root names the trusted_root.json of your Sigstore instance")
    };
    let json =
        read_bytes(path, 1 << 20, Code::ConfigInvalid).map_err(|problem| unusable(problem.to_string()))?;
    let json = String::from_utf8(json).map_err(|error| unusable(error.to_string()))?;
    Verifier::from_root(&json).map_err(|fault| unusable(fault.to_string()))
}

/// Proves files, many at once; what is `kept` is not asked for. The answers by the names of files, and what they were
/// given on.
pub(super) fn prove(
    policy: &DatedPolicy,
    index: &Index,
    files: Vec<File>,
    kept: &Kept,
) -> Result<(BTreeMap<String, Answer>, Kept), Problem> {
    let (mut bodies, mut asked) = (BTreeMap::new(), Vec::new());
    for (name, file, _) in &files {
        match kept.get(file) {
            Some(body) => drop(bodies.insert(file.clone(), Ok(Some(body.to_string().into_bytes())))),
            None => asked.push((name.clone(), file.clone())),
        }
    }
    let answers = index.provenance(&asked);
    bodies.extend(asked.into_iter().map(|(_, file)| file).zip(answers));
    if bodies.values().all(|body| matches!(body, Ok(None))) {
        return Ok((files.into_iter().map(|(_, file, _)| (file, Ok(None))).collect(), Kept::new()));
    }
    let verifier = verifier(policy)?;
    let given = bodies.iter().filter_map(|(file, body)| Some((file, body.as_ref().ok()?.as_ref()?)));
    let given = given.filter_map(|(file, body)| Some((file.clone(), serde_json::from_slice(body).ok()?)));
    let given: Kept = given.collect();
    crate::threads::share()?;
    let answers = files.into_par_iter().map(|(_, file, sha256)| {
        let answer = match bodies.get(&file) {
            Some(Ok(Some(body))) => proven(&verifier, body, &file, &sha256),
            Some(Ok(None)) | None => Ok(None),
            Some(Err(problem)) => Err(problem.clone()),
        };
        (file, answer)
    });
    Ok((answers.collect(), given))
}

fn proven(verifier: &Verifier, body: &[u8], file: &str, sha256: &Sha256) -> Answer {
    let proven = Provenance::parse(body).and_then(|provenance| verifier.verify(&provenance, file, sha256));
    proven.map(Some).map_err(|fault| invalid(file, &fault))
}

fn invalid(file: &str, fault: &Fault) -> Problem {
    Problem::new(Code::ProvenanceInvalid, fault.kind().sentence())
        .package(file)
        .found(fault.seen())
        .help("do not use this file; ask the project whether it published it")
}

/// Where the provenance of a lock's files is kept: `pylock.provenance.json` for `pylock.toml`.
pub fn beside(lock: &Path) -> PathBuf {
    lock.with_extension("provenance.json")
}

/// What is kept beside a lock; nothing where there is nothing. It need not be believed, since it is verified.
///
/// # Errors
/// `provenance-invalid` where the file cannot be read.
pub(super) fn kept(lock: &Path) -> Result<Kept, Problem> {
    let path = beside(lock);
    if !path.is_file() {
        return Ok(Kept::new());
    }
    let body = read_bytes(&path, MAX_DOCUMENT, Code::ProvenanceInvalid)?;
    let read: Beside = serde_json::from_slice(&body).map_err(|error| unreadable(&path).cause(error))?;
    if read.version == 1 { Ok(read.files) } else { Err(unreadable(&path).found(read.version)) }
}

fn unreadable(path: &Path) -> Problem {
    Problem::new(Code::ProvenanceInvalid, "the provenance that is kept beside the lock cannot be read")
        .at(Place::file(path))
        .help("delete the file, and lock again with `pipward lock`")
}

/// What is kept, as it is written.
pub fn text(kept: &Kept) -> String {
    let row = |(file, body): (&String, &Value)| format!("{}:{body}", Value::from(file.as_str()));
    let rows: Vec<String> = kept.iter().map(row).collect();
    format!("{{\"version\":1,\"files\":{{\n{}\n}}}}\n", rows.join(",\n"))
}
