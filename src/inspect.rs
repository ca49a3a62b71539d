//! What stands in an environment, against what should: every file re-hashed against its RECORD, every
//! RECORD against the wheel that the lock names.
//!
//! Owns: the findings of `pipward verify`. Never: changes anything, and never runs or imports what it looks at.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use pipward_resolver::{PackageName, Version};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use crate::digest::{Hasher, LockedHashes, Match, Sha256};
use crate::error::{Code, Place, Problem};
use crate::wheel::module;
use crate::wheel::record::{MAX_RECORD, Record, Row};

/// An installed distribution to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its name.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// Its .dist-info directory.
    pub dist_info: PathBuf,
}

/// What was looked at, and what was found.
#[derive(Debug, Default)]
pub struct Inspection {
    /// How many distributions.
    pub distributions: usize,
    /// How many files were hashed.
    pub files: usize,
    /// How many files of byte-code there are that no RECORD vouches for: Python makes them, and may make them anew.
    pub byte_code: usize,
    /// What is not as it should be, by place.
    pub findings: Vec<Problem>,
}

/// What a lock expects of one distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The locked version.
    pub version: Version,
    /// The rows of the RECORD that installing the locked wheel here writes.
    pub rows: Vec<Row>,
    /// The paths among them whose files may have been left out for one of another distribution.
    pub may_be_left_out: BTreeSet<String>,
    /// Where the lock names it.
    pub place: Place,
}

/// Looks at the distributions of an environment. `libraries` are its purelib and platlib.
pub fn inspect(
    libraries: &[PathBuf],
    subjects: &[Subject],
    expected: Option<&BTreeMap<PackageName, Expected>>,
) -> Inspection {
    let records: Vec<(&Subject, Result<Record, Problem>)> =
        subjects.par_iter().map(|subject| (subject, read_record(subject))).collect();
    let mut inspection = Inspection { distributions: subjects.len(), ..Inspection::default() };
    let mut listed = BTreeSet::new();
    let mut rows = Vec::new();
    for (subject, record) in &records {
        match record {
            Err(problem) => inspection.findings.push(problem.clone()),
            Ok(record) => {
                for row in &record.rows {
                    let path = placed(subject, &row.path);
                    listed.insert(path.clone());
                    rows.push((*subject, row, path));
                }
            }
        }
    }
    let checked: Vec<Option<Problem>> =
        rows.par_iter().map(|(subject, row, path)| check_file(subject, row, path)).collect();
    inspection.files = rows.iter().filter(|(_, row, _)| row.digest.is_some()).count();
    inspection.findings.extend(checked.into_iter().flatten());
    inspection.byte_code = unlisted(libraries, &listed, &mut inspection.findings);
    if let Some(expected) = expected {
        inspection.findings.extend(against_lock(&records, expected, &listed));
    }
    inspection.findings.sort_by_cached_key(|problem| (problem.place().cloned(), problem.to_string()));
    inspection
}

fn read_record(subject: &Subject) -> Result<Record, Problem> {
    let path = subject.dist_info.join("RECORD");
    let missing = || {
        finding(
            Code::FileMissing,
            subject,
            &path,
            "the distribution has no RECORD, so nothing vouches for its files",
        )
    };
    let mut text = Vec::new();
    let file = fs_err::File::open(&path).map_err(|_| missing())?;
    file.take(MAX_RECORD + 1).read_to_end(&mut text).map_err(|_| missing())?;
    if text.len() as u64 > MAX_RECORD {
        return Err(finding(
            Code::RecordInvalid,
            subject,
            &path,
            "the installed RECORD is larger than any real one",
        ));
    }
    Record::parse_installed(&text).map_err(|problem| problem.package(&subject.name).at(Place::file(&path)))
}

/// Where a row of an installed RECORD leads: relative to the directory that holds the .dist-info.
fn placed(subject: &Subject, path: &str) -> PathBuf {
    let base = subject.dist_info.parent().unwrap_or(Path::new("/"));
    let mut place = PathBuf::new();
    for component in base.join(path).components() {
        match component {
            Component::ParentDir => {
                place.pop();
            }
            Component::CurDir => {}
            other => place.push(other),
        }
    }
    place
}

fn check_file(subject: &Subject, row: &Row, path: &Path) -> Option<Problem> {
    let gone = || finding(Code::FileMissing, subject, path, "an installed file is gone");
    let Ok(found) = path.symlink_metadata() else { return Some(gone()) };
    // Byte-code and RECORD itself have no digest: that they are there is all that a RECORD says of them.
    let digest = row.digest?;
    let changed = |what: &str| finding(Code::FileChanged, subject, path, what).expected(digest);
    if !found.is_file() {
        return Some(changed("an installed file was replaced by something that is not a regular file"));
    }
    if let Some(size) = row.size
        && size != found.len()
    {
        return Some(
            finding(
                Code::FileChanged,
                subject,
                path,
                "an installed file has another size than its RECORD says",
            )
            .expected(format!("{size} bytes"))
            .found(format!("{} bytes", found.len())),
        );
    }
    let wanted = LockedHashes::new(Match::All, vec![digest])?;
    match hash(path, &wanted) {
        Ok((true, _)) => None,
        Ok((false, sha256)) => Some(
            changed("an installed file has another content than its RECORD says")
                .found(format!("sha256:{sha256}")),
        ),
        Err(error) => Some(changed("an installed file cannot be read").cause(error)),
    }
}

fn hash(path: &Path, wanted: &LockedHashes) -> std::io::Result<(bool, Sha256)> {
    let mut file = fs_err::File::open(path)?;
    let mut hasher = Hasher::new(wanted);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hasher.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let computed = hasher.finish();
    Ok((wanted.accept(&computed), computed.sha256()))
}

/// Files under the libraries that no RECORD lists. Byte-code of a listed source is what Python itself writes: it is
/// counted. Byte-code that Python would run without a look at its source is a finding.
fn unlisted(libraries: &[PathBuf], listed: &BTreeSet<PathBuf>, findings: &mut Vec<Problem>) -> usize {
    let mut byte_code = 0;
    let mut waiting: Vec<PathBuf> = libraries.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect();
    while let Some(directory) = waiting.pop() {
        let Ok(entries) = fs_err::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            let kind = entry.file_type();
            if kind.as_ref().is_ok_and(std::fs::FileType::is_dir) {
                waiting.push(path);
            } else if listed.contains(&path) {
            } else if !is_byte_code_of(&path, listed) {
                findings.push(nobody_vouches(&path, "no RECORD lists this file"));
            } else if is_unchecked(&path) {
                findings.push(nobody_vouches(&path, "this byte-code runs without a look at its source"));
            } else {
                byte_code += 1;
            }
        }
    }
    byte_code
}

fn nobody_vouches(path: &Path, what: &str) -> Problem {
    Problem::new(Code::FileUnlisted, what)
        .at(Place::file(path))
        .help("find out who put it there; delete it, or make the environment anew from the lock")
}

/// PEP 552: the second word of the header is 1 for byte-code whose source Python does not look at.
fn is_unchecked(path: &Path) -> bool {
    let mut header = [0; 8];
    let read = fs_err::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    let [_, _, _, _, flags @ ..] = header;
    read.is_ok() && u32::from_le_bytes(flags) & 0b11 == 0b01
}

/// PEP 3147: `pkg/__pycache__/mod.cpython-313.pyc` (or `.opt-1.pyc`) belongs to `pkg/mod.py`.
fn is_byte_code_of(path: &Path, listed: &BTreeSet<PathBuf>) -> bool {
    let in_cache =
        path.parent().filter(|parent| parent.file_name().is_some_and(|name| name == "__pycache__"));
    let (Some(package), Some(name)) =
        (in_cache.and_then(Path::parent), path.file_name().and_then(|n| n.to_str()))
    else {
        return false;
    };
    let Some(stem) = name.strip_suffix(".pyc") else { return false };
    let stem = stem.rsplit_once(".opt-").map_or(stem, |(stem, _)| stem);
    let module = stem.rsplit_once('.').map_or(stem, |(module, _)| module);
    listed.contains(&package.join(format!("{module}.py")))
}

fn against_lock(
    records: &[(&Subject, Result<Record, Problem>)],
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
    for (path, row) in &wanted {
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
    let listed: BTreeSet<PathBuf> = wanted.keys().cloned().collect();
    for path in found.keys().filter(|path| !wanted.contains_key(*path) && !is_byte_code_of(path, &listed)) {
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

fn finding(code: Code, subject: &Subject, path: &Path, what: &str) -> Problem {
    Problem::new(code, what)
        .package(format!("{} {}", subject.name, subject.version))
        .at(Place::file(path))
        .help("install it anew from the lock; find out first who changed it")
}
