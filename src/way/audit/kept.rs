//! The advisory database that pipward keeps in its cache.
//!
//! Owns: where it stands, and the note of where it came from and of when. Never: keeps an export that it cannot read whole.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use super::places;
use crate::advisory::{Names, Rules};
use crate::cache::write_private;
use crate::document;
use crate::error::{Code, Place, Problem, io};
use crate::index::{Advisories, NetworkOptions, without_password};

/// The folder within the cache, and what is in it.
const FOLDER: &str = "advisories";
const EXPORT: &str = "all.zip";
const NOTE: &str = "database.json";

/// Where a database is taken from.
pub enum From {
    /// An address.
    Url(Url),
    /// A file.
    File(PathBuf),
}

/// The database that is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its file.
    pub file: PathBuf,
    /// Where it came from.
    pub source: String,
    /// The time of its data.
    pub time: Timestamp,
    /// How many records it has.
    pub records: usize,
}

#[derive(Serialize, Deserialize)]
struct Note {
    source: String,
    time: Timestamp,
    records: usize,
}

/// Takes a database in, in place of the one that is kept.
///
/// # Errors
/// Those of the network and of files, and `advisory-invalid` for what is no export.
pub fn update(from: &From, cache: &Path, network: &NetworkOptions, now: Timestamp) -> Result<Kept, Problem> {
    let (bytes, source, modified) = match from {
        From::Url(url) => {
            let export = Advisories::new(network.clone())?.export(url)?;
            (export.bytes, without_password(url), export.modified.or(Some(now)))
        }
        From::File(path) => {
            let bytes = document::read_bytes(path, places::LARGEST_EXPORT, Code::AdvisoryInvalid)?;
            (bytes, path.display().to_string(), None)
        }
    };
    let loaded = places::of_bytes(&bytes, Path::new(&source), &Names::default(), &Rules::default())?;
    // A file says nothing of its age that a copy would keep; its records do.
    let newest = loaded.times.iter().copied().filter(|time| *time <= now).max();
    let time = modified.filter(|time| *time <= now).max(newest);
    let (Some(time), false) = (time, loaded.records == 0) else {
        let what = match (loaded.all, loaded.records) {
            (0, _) => "this export has no record",
            (_, 0) => "this export has no record about a project of PyPI",
            _ => "this export has no record with a time",
        };
        return Err(Problem::new(Code::AdvisoryInvalid, what)
            .at(Place::address(source))
            .help("name an all.zip of OSV's export, such as that of its PyPI folder"));
    };
    let folder = cache.join(FOLDER);
    let note = Note { source: source.clone(), time, records: loaded.records };
    let text = serde_json::to_vec(&note)
        .map_err(|error| Problem::new(Code::Internal, "a note could not be written").cause(error))?;
    let file = folder.join(EXPORT);
    for (path, bytes) in [(&file, &bytes), (&folder.join(NOTE), &text)] {
        write_private(path, bytes).map_err(|error| io("keeping the advisory database", path, &error))?;
    }
    Ok(Kept { file, source, time, records: loaded.records })
}

/// The database that is kept.
pub(super) fn find(cache: &Path) -> Result<Kept, Problem> {
    let folder = cache.join(FOLDER);
    let note = std::fs::read(folder.join(NOTE)).ok().and_then(|text| serde_json::from_slice(&text).ok());
    let Some(Note { source, time, records }) = note else {
        return Err(Problem::new(Code::AdvisoriesMissing, "no advisory database is kept, and none is named")
            .at(Place::file(&folder))
            .help(
                "keep one with `pipward audit --update-db URL` (OSV's export for PyPI is \
                 https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip), name a folder or file with --db, or \
                 ask a service with --source",
            ));
    };
    Ok(Kept { file: folder.join(EXPORT), source, time, records })
}
