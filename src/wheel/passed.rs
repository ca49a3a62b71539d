//! What an exception by policy makes of a RECORD that is at odds with its archive.
//!
//! Owns: which faults of RECORD there are exceptions for, and the rows that stand for the archive then. Never: passes over
//! one that is not named; the rest of RECORD stays as strict as without an exception.

use std::collections::{BTreeMap, BTreeSet};

use super::archive::{Archive, Entry};
use super::contents::may_be_bare;
use super::record::{Record, Row};
use super::{ExtractError, contents};
use crate::digest::{LockedHashes, Match, Sha256};
use crate::error::{Code, Problem};

/// The faults of a RECORD that a policy may pass over for a project. (The wheel itself is the one that was locked.)
pub const EXCEPTABLE: [Code; 3] = [Code::RecordUnlisted, Code::RecordMissingFile, Code::RecordHash];

/// Makes `record` say what the archive holds, as far as `passed` allows: rows of files that are not there go, files
/// without a row get one, and rows with a missing or wrong hash or size get the right one.
pub(super) fn mend(
    archive: &Archive,
    bytes: &[u8],
    record: &mut Record,
    dist_info: &str,
    passed: &[Code],
) -> Result<(), Problem> {
    let entries: BTreeMap<&str, &Entry> =
        archive.entries().iter().map(|entry| (entry.path().as_str(), entry)).collect();
    if passed.contains(&Code::RecordMissingFile) {
        record.rows.retain(|row| entries.contains_key(row.path.as_str()));
    }
    if passed.contains(&Code::RecordHash) {
        for row in record.rows.iter_mut().filter(|row| !may_be_bare(&row.path, dist_info)) {
            let Some(entry) = entries.get(row.path.as_str()) else { continue };
            let right = row.size.is_none_or(|size| size == entry.size()) && has(entry, bytes, row)?;
            if !right {
                *row = Row::of(row.path.clone(), sha256(entry, bytes)?, entry.size());
            }
        }
    }
    if passed.contains(&Code::RecordUnlisted) {
        let listed: BTreeSet<String> = record.rows.iter().map(|row| row.path.clone()).collect();
        for (path, entry) in entries {
            if !listed.contains(path) && !may_be_bare(path, dist_info) {
                record.rows.push(Row::of(path, sha256(entry, bytes)?, entry.size()));
            }
        }
    }
    Ok(())
}

/// Whether an entry has the digest of its row.
fn has(entry: &Entry, bytes: &[u8], row: &Row) -> Result<bool, Problem> {
    let Some(wanted) = row.digest.and_then(|digest| LockedHashes::new(Match::All, vec![digest])) else {
        return Ok(false);
    };
    let mut hasher = crate::digest::Hasher::new(&wanted);
    let _ = entry.inflate(bytes, |piece| {
        hasher.update(piece);
        Ok::<(), std::convert::Infallible>(())
    })?;
    Ok(wanted.accept(&hasher.finish()))
}

fn sha256(entry: &Entry, bytes: &[u8]) -> Result<Sha256, Problem> {
    match contents::pieces(entry, bytes, |_| Ok(())) {
        Ok((sha256, _)) => Ok(sha256),
        Err(ExtractError::Wheel(problem)) => Err(problem),
        Err(ExtractError::Sink(_)) => Err(Problem::new(Code::Internal, "a sink that takes all refused")),
    }
}
