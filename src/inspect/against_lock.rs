//! Installed RECORDs against those that the locked wheels lead to.
//!
//! Owns: these findings. Never: believes a RECORD.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pipward_resolver::PackageName;

use super::byte_code::is_of;
use super::{Expected, Records, Subject, finding, placed};
use crate::error::{Code, Problem};
use crate::wheel::module;
use crate::wheel::record::{Record, Row};

pub(super) fn compare(
    records: &Records<'_>,
    expected: &BTreeMap<PackageName, Expected>,
    listed: &BTreeSet<PathBuf>,
) -> Vec<Problem> {
    let mut findings = Vec::new();
    for (subject, record) in records {
        let Some(locked) = expected.get(&subject.name) else {
            findings.push(finding(
                Code::DistributionUnlocked,
                subject,
                &subject.dist_info,
                "a distribution is installed that the lock does not have",
            ));
            continue;
        };
        if locked.version != subject.version {
            findings.push(
                finding(
                    Code::DistributionUnlocked,
                    subject,
                    &subject.dist_info,
                    "another version is installed than the lock has",
                )
                .expected(&locked.version)
                .found(&subject.version),
            );
        } else if let Ok(record) = record {
            findings.extend(compare_record(subject, record, locked, listed));
        }
    }
    for (name, locked) in expected {
        if !records.iter().any(|(subject, _)| subject.name == *name) {
            findings.push(
                Problem::new(Code::DistributionMissing, "a locked package is not installed")
                    .package(name)
                    .at(locked.place.clone())
                    .expected(format!("{name} {}", locked.version))
                    .help("install it from the lock with `pipward install -r`"),
            );
        }
    }
    findings
}

/// Whether a file for which another one may stand has such a one: of its name, or for its module.
fn is_anothers(path: &Path, all: &BTreeSet<PathBuf>) -> bool {
    let module = module::imported_as(path);
    all.contains(path) || module.is_some() && all.iter().any(|other| module::imported_as(other) == module)
}

/// Compares an installed RECORD with the one that the locked wheel leads to. `all` is what any RECORD lists.
fn compare_record(
    subject: &Subject,
    record: &Record,
    locked: &Expected,
    all: &BTreeSet<PathBuf>,
) -> Vec<Problem> {
    let by_path = |rows: &[Row]| -> BTreeMap<PathBuf, Row> {
        rows.iter()
            .filter(|row| !is_installers_own(&row.path))
            .map(|row| (placed(subject, &row.path), row.clone()))
            .collect()
    };
    let (found, wanted) = (by_path(&record.rows), by_path(&locked.rows));
    let mut findings = Vec::new();
    let listed: BTreeSet<PathBuf> = wanted.keys().cloned().collect();
    // Byte-code is a cache: what of it is not as this Python makes it is counted.
    for (path, row) in wanted.iter().filter(|(path, _)| !is_of(path, &listed)) {
        match found.get(path) {
            None if locked.may_be_left_out.contains(&row.path) && is_anothers(path, all) => {}
            None => findings.push(finding(
                Code::RecordOrigin,
                subject,
                path,
                "the installed RECORD lacks a file of the locked wheel",
            )),
            Some(other) if other.digest != row.digest => {
                let text = |row: &Row| {
                    row.digest.map_or_else(|| "no digest".to_owned(), |digest| digest.to_string())
                };
                findings.push(
                    finding(
                        Code::RecordOrigin,
                        subject,
                        path,
                        "the installed RECORD has another digest than the locked wheel",
                    )
                    .expected(text(row))
                    .found(text(other)),
                );
            }
            Some(_) => {}
        }
    }
    for path in found.keys().filter(|path| !wanted.contains_key(*path) && !is_of(path, &listed)) {
        findings.push(finding(
            Code::RecordOrigin,
            subject,
            path,
            "the installed RECORD lists a file that the locked wheel does not have",
        ));
    }
    findings
}

/// Files that say how something was installed, not what.
fn is_installers_own(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(directory, name)| {
        directory.ends_with(".dist-info")
            && matches!(name, "INSTALLER" | "REQUESTED" | "RECORD" | "direct_url.json")
    })
}
