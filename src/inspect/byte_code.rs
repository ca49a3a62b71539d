//! Byte-code: a cache of sources, of which RECORD and the lock vouch for some.
//!
//! Owns: how much of it nothing vouches for, and which of it is a finding. Never: reads what it means.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use pipward_resolver::PackageName;

use super::{Expected, Records, finding, placed};
use crate::error::{Code, Problem};
use crate::wheel::record::Row;

/// How many files of byte-code RECORDs list that neither they nor the lock vouch for.
pub(super) fn count(records: &Records<'_>, expected: Option<&BTreeMap<PackageName, Expected>>) -> usize {
    let mut count = 0;
    for (subject, record) in records {
        let Ok(record) = record else { continue };
        let locked = expected.and_then(|expected| expected.get(&subject.name));
        let is_as_locked = |row: &Row| {
            locked.is_none_or(|locked| {
                locked.rows.iter().any(|wanted| wanted.path == row.path && wanted.digest == row.digest)
            })
        };
        let byte_code = record.rows.iter().filter(|row| is_cached(Path::new(&row.path)));
        let there = byte_code.filter(|row| placed(subject, &row.path).is_file());
        count += there.filter(|row| row.digest.is_none() || !is_as_locked(row)).count();
    }
    count
}

/// Byte-code that a RECORD lists beside a source which Python would not look at.
pub(super) fn unchecked(records: &Records<'_>, listed: &BTreeSet<PathBuf>) -> Vec<Problem> {
    let mut findings = Vec::new();
    for (subject, record) in records {
        let rows = record.iter().flat_map(|record| &record.rows);
        for path in rows.map(|row| placed(subject, &row.path)) {
            if is_of(&path, listed) && is_unchecked(&path) {
                let what = "this byte-code runs without a look at its source";
                findings.push(finding(Code::FileUnlisted, subject, &path, what));
            }
        }
    }
    findings
}

/// Whether a file is what Python keeps of a module: `__pycache__/mod.cpython-313.pyc`.
pub(super) fn is_cached(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("pyc"))
        && path.parent().and_then(Path::file_name) == Some(OsStr::new("__pycache__"))
}

/// PEP 552: the second word of the header is 1 for byte-code whose source Python does not look at.
pub(super) fn is_unchecked(path: &Path) -> bool {
    let mut header = [0; 8];
    let read = fs_err::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    let [_, _, _, _, flags @ ..] = header;
    read.is_ok() && u32::from_le_bytes(flags) & 0b11 == 0b01
}

/// PEP 3147: `pkg/__pycache__/mod.cpython-313.pyc` (or `.opt-1.pyc`) belongs to `pkg/mod.py`.
pub(super) fn is_of(path: &Path, listed: &BTreeSet<PathBuf>) -> bool {
    if !is_cached(path) {
        return false;
    }
    let package = path.parent().and_then(Path::parent).unwrap_or(Path::new("/"));
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let Some(stem) = name.strip_suffix(".pyc") else { return false };
    let stem = stem.rsplit_once(".opt-").map_or(stem, |(stem, _)| stem);
    let module = stem.rsplit_once('.').map_or(stem, |(module, _)| module);
    listed.contains(&package.join(format!("{module}.py")))
}
