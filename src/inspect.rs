//! What stands in an environment, against what should: every file re-hashed against its RECORD, every
//! RECORD against the wheel that the lock names.
//!
//! Owns: the findings of `pipward verify`. Never: changes anything, and never runs or imports what it looks at.

mod against_lock;
mod byte_code;
mod modes;
mod unlisted;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use pipward_resolver::{PackageName, Version};
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

use crate::digest::{Hasher, LockedHashes, Match, Sha256};
use crate::error::{Code, Place, Problem};
use crate::wheel::record::{MAX_RECORD, Record, Row};

/// The RECORD of each distribution, as far as it can be read.
type Records<'s> = [(&'s Subject, Result<Record, Problem>)];

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
    /// The paths among them whose files are run.
    pub executable: BTreeSet<String>,
    /// Where the lock names it.
    pub place: Place,
}

/// The directories of an environment that are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its purelib and platlib.
    pub libraries: Vec<PathBuf>,
    /// The names, in small letters, of files among the modules that are the environment's own.
    pub own: &'static [&'static str],
    /// The umask that decided on permission bits; nothing where something else did.
    pub umask: Option<u32>,
}

/// Looks at the distributions of an environment.
pub fn inspect(
    site: &Site,
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
    inspection.findings.extend(modes::odd(site.umask, &records, expected));
    let others = unlisted::look(site, &listed, &mut inspection.findings);
    inspection.byte_code = others + byte_code::count(&records, expected);
    inspection.findings.extend(byte_code::unchecked(&records, &listed));
    if let Some(expected) = expected {
        inspection.findings.extend(against_lock::compare(&records, expected, &listed));
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
    let Ok(found) = path.symlink_metadata() else {
        // Byte-code that nothing vouches for may go at any time: Python makes it anew.
        let may_go = row.digest.is_none() && byte_code::is_cached(path);
        return (!may_go).then(gone);
    };
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

fn finding(code: Code, subject: &Subject, path: &Path, what: &str) -> Problem {
    Problem::new(code, what)
        .package(format!("{} {}", subject.name, subject.version))
        .at(Place::file(path))
        .help("install it anew from the lock; find out first who changed it")
}
