//! What an environment looked like after a run that verified it: size, mtime and ctime of each file, and the wheel that
//! it came from.
//!
//! Owns: `<cache>/witness/`. Never: vouches for a file that differs in any of these from what was noted, or for
//! another environment. Who can write the cache can make a run believe that nothing is to be done, and no more; with
//! `--rehash` nobody asks it.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::python::Scheme;
use crate::python::installed::InstalledDistribution;

const FORMAT: u32 = 1;
/// The largest witness that is read, in bytes.
const MAX_WITNESS: u64 = 256 << 20;
/// Two changes within one tick of the system's clock have one time. What is noted is older than that.
const TICK: Duration = Duration::from_millis(12);

/// What was noted of one environment.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Witness {
    format: u32,
    /// The directory of pure modules, links followed.
    library: PathBuf,
    /// By normalised name.
    distributions: BTreeMap<String, Noted>,
    /// The set of names, versions and wheels for which every dependency was found.
    closed: Option<String>,
}

/// What was noted of one distribution.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Noted {
    version: String,
    /// Of the wheel.
    sha256: String,
    dist_info: PathBuf,
    /// Path, and what the system says of it.
    files: Vec<(PathBuf, Stamp)>,
}

/// Size, mtime and ctime (with nanoseconds), and the inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp(u64, i64, i64, i64, i64, u64);

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let found = path.symlink_metadata().ok()?;
        let stamp = Self(
            found.len(),
            found.mtime(),
            found.mtime_nsec(),
            found.ctime(),
            found.ctime_nsec(),
            found.ino(),
        );
        found.is_file().then_some(stamp)
    }
}

/// A distribution that is installed from a wheel whose hash was compared.
#[derive(Debug, Clone)]
pub(crate) struct Vouched {
    /// Its normalised name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// The wheel.
    pub(crate) sha256: Sha256,
}

impl Witness {
    /// What was noted of the environment of `scheme`; nothing where nobody did.
    pub(crate) fn read(cache: Option<&Path>, scheme: &Scheme) -> Self {
        let library = library(scheme);
        let read = || {
            let mut bytes = Vec::new();
            let file = crate::cache::open_regular(&file(cache?, &library), false).ok()?;
            file.take(MAX_WITNESS).read_to_end(&mut bytes).ok()?;
            serde_json::from_slice::<Self>(&bytes).ok()
        };
        read().filter(|found| found.format == FORMAT && found.library == library).unwrap_or_default()
    }

    /// The version and wheel of a distribution, where each of its files is as it was noted.
    pub(crate) fn vouches(&self, name: &str) -> Option<(&str, Sha256)> {
        let noted = self.distributions.get(name)?;
        let holds = noted.files.par_iter().all(|(path, stamp)| Stamp::of(path) == Some(*stamp));
        if holds { Some((&noted.version, Sha256::from_hex(&noted.sha256)?)) } else { None }
    }

    /// The `.dist-info` directory that was noted.
    pub(crate) fn dist_info(&self, name: &str) -> Option<&Path> {
        self.distributions.get(name).map(|noted| noted.dist_info.as_path())
    }

    /// Whether a distribution has files by whose names Python may run them when it starts.
    pub(crate) fn has_startup_files(&self, name: &str) -> bool {
        let runs = |path: &Path| {
            let is_named = |stem: &str| path.file_stem().is_some_and(|found| found == stem);
            path.extension().is_some_and(|extension| extension == "pth" || extension == "start")
                || is_named("sitecustomize")
                || is_named("usercustomize")
        };
        self.distributions.get(name).is_some_and(|noted| noted.files.iter().any(|(path, _)| runs(path)))
    }

    /// Whether every dependency of exactly these was found among them.
    pub(crate) fn is_closed(&self, all: &[Vouched]) -> bool {
        self.closed.as_deref() == Some(fingerprint(all).as_str())
    }
}

/// Notes how an environment stands after a run that verified `all`. A witness that cannot be written is no error.
pub(crate) fn note(cache: Option<&Path>, scheme: &Scheme, all: &[Vouched], closed: bool) {
    let Some(cache) = cache else { return };
    let Ok(installed) = crate::python::installed::read(scheme) else { return };
    let before = Witness::read(Some(cache), scheme);
    let library = library(scheme);
    std::thread::sleep(TICK);
    let mut distributions = BTreeMap::new();
    for found in &installed.distributions {
        let name = found.name.to_string();
        let noted = match all.iter().find(|one| one.name == name) {
            Some(vouched) => look(found, vouched),
            None => before.distributions.get(&name).cloned(),
        };
        distributions.extend(noted.map(|noted| (name, noted)));
    }
    let witness = Witness {
        format: FORMAT,
        library: library.clone(),
        distributions,
        closed: closed.then(|| fingerprint(all)),
    };
    let written = serde_json::to_vec(&witness)
        .map_err(std::io::Error::other)
        .and_then(|bytes| crate::cache::write_private(&file(cache, &library), &bytes));
    if let Err(error) = written {
        tracing::debug!(%error, "the state of the environment was not noted");
    }
}

fn look(found: &InstalledDistribution, vouched: &Vouched) -> Option<Noted> {
    let record = found.record().ok()?;
    let base = found.library();
    let files: Option<Vec<_>> = record
        .rows
        .par_iter()
        .filter(|row| row.digest.is_some() || row.path.ends_with(".dist-info/RECORD"))
        .map(|row| {
            let path = lexical(&base.join(&row.path));
            Some((path.clone(), Stamp::of(&path)?))
        })
        .collect();
    Some(Noted {
        version: vouched.version.clone(),
        sha256: vouched.sha256.to_string(),
        dist_info: found.dist_info.clone(),
        files: files?,
    })
}

/// A path without `..`: a RECORD leads up from where its directory is spelled, also where that is a link.
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == std::path::Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

fn fingerprint(all: &[Vouched]) -> String {
    let mut lines: Vec<String> =
        all.iter().map(|one| format!("{} {} {}\n", one.name, one.version, one.sha256)).collect();
    lines.sort();
    Sha256::of(lines.concat().as_bytes()).to_string()
}

fn library(scheme: &Scheme) -> PathBuf {
    scheme.purelib.canonicalize().unwrap_or_else(|_| scheme.purelib.clone())
}

fn file(cache: &Path, library: &Path) -> PathBuf {
    let name = Sha256::of(library.as_os_str().as_encoded_bytes());
    cache.join("witness").join(format!("{name}.json"))
}
