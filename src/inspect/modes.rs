//! Permission bits of installed files against those that an install gives.
//!
//! Owns: these findings. Never: changes a bit.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use pipward_resolver::PackageName;

use super::byte_code::is_cached;
use super::{Expected, Records, Subject, finding, placed};
use crate::error::{Code, Problem};
use crate::wheel::mode::{self, Odd, Seen, Sort};
use crate::wheel::record::Record;

/// That others cannot write what only its owner could is a choice, and no danger.
const OWNER_WRITES: u32 = 0o200;

/// One finding for each distribution and kind of deviation: the first file, and how many more there are.
pub(super) fn odd(
    umask: Option<u32>,
    records: &Records<'_>,
    expected: Option<&BTreeMap<PackageName, Expected>>,
) -> Vec<Problem> {
    let Some(umask) = umask else { return Vec::new() };
    let locked = |subject: &Subject| {
        expected.and_then(|all| all.get(&subject.name)).filter(|locked| locked.version == subject.version)
    };
    // What one distribution brings as a program, another may bring as a file.
    let run: BTreeSet<PathBuf> = records
        .iter()
        .filter_map(|(subject, _)| Some((subject, locked(subject)?)))
        .flat_map(|(subject, locked)| locked.executable.iter().map(|path| placed(subject, path)))
        .collect();
    let mut findings = Vec::new();
    for (subject, record) in records {
        let Ok(record) = record else { continue };
        let sort = |path: &Path| match (run.contains(path), locked(subject)) {
            (true, _) => Sort::Executable,
            (false, Some(_)) => Sort::Plain,
            (false, None) => Sort::Unknown,
        };
        let of_record = mode_of(&subject.dist_info.join("RECORD"));
        let odd = mode::odd(umask, of_record, &seen(subject, record, sort));
        let mut kinds = BTreeMap::<&str, Vec<&Odd<PathBuf>>>::new();
        odd.iter().for_each(|odd| kinds.entry(odd.what()).or_default().push(odd));
        for (what, all) in kinds {
            let Some(first) = all.first() else { continue };
            let problem = finding(Code::FileChanged, subject, &first.file, what)
                .expected(format!("mode {:o}", first.usual))
                .found(format!("mode {:o}", first.mode));
            let more = all.len() - 1;
            findings.push(match more {
                0 => problem,
                _ => problem.cause(format!("so have {more} more of its files")),
            });
        }
    }
    findings
}

fn seen(subject: &Subject, record: &Record, sort: impl Fn(&Path) -> Sort) -> Vec<Seen<PathBuf>> {
    let rows = record.rows.iter().filter(|row| row.digest.is_some() || !is_cached(Path::new(&row.path)));
    rows.filter_map(|row| {
        let file = placed(subject, &row.path);
        let (mode, sort) = (mode_of(&file)?, sort(&file));
        Some(Seen { file, sort, mode })
    })
    .collect()
}

fn mode_of(path: &Path) -> Option<u32> {
    let found = path.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some(found.permissions().mode() & 0o7777 | OWNER_WRITES)
}
