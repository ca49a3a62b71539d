//! What an environment looked like after a run that verified it: size, mode, mtime and ctime of each file, and the wheel
//! that it came from.
//!
//! Owns: `<cache>/witness/`. Never: vouches for a file that differs in any of these from what was noted, or for
//! another environment. Who can write the cache can make a run believe that nothing is to be done, and no more; with
//! `--rehash` nobody asks it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rayon::prelude::*;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::python::Scheme;
use crate::python::installed::InstalledDistribution;
use crate::wheel::metadata::Metadata;

const FORMAT: u32 = 5;
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
    /// The normalised names by their `.dist-info` directories.
    #[serde(skip)]
    places: BTreeMap<PathBuf, String>,
}

/// What was noted of one distribution.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Noted {
    /// `Name`, as METADATA spells it.
    pub(crate) name: String,
    pub(crate) version: String,
    /// Of the wheel.
    sha256: String,
    dist_info: PathBuf,
    /// What INSTALLER says.
    installer: Option<String>,
    /// Whether there is a REQUESTED.
    requested: bool,
    /// The policy that let it in ([`crate::policy::DatedPolicy::fingerprint`]).
    pub(crate) judged_by: String,
    /// Directories, each with the names of the files in it that are the distribution's; `/` stands between names.
    files: Vec<(PathBuf, String)>,
    /// The SHA-256 of what the system says of all of them, in this order.
    stamps: String,
}

impl Noted {
    /// Whether it was installed by the tool of this name, and asked for by name or not.
    pub(crate) fn is_of(&self, installer: &str, requested: bool) -> bool {
        self.installer.as_deref() == Some(installer) && self.requested == requested
    }

    /// Whether each file is as it was noted.
    fn holds(&self) -> bool {
        stamps(&self.files).is_some_and(|stamps| stamps.to_string() == self.stamps)
    }
}

/// The SHA-256 of the modes of directories, and of size, mode, mtime and ctime (with nanoseconds), and inode of files; nothing
/// where one is not a file.
fn stamps(files: &[(PathBuf, String)]) -> Option<Sha256> {
    let mut all = Vec::new();
    for (directory, names) in files {
        let directory = open(directory)?;
        let found = rustix::fs::fstat(&directory).ok()?;
        all.extend(i128::from(found.st_mode).to_le_bytes());
        for name in names.split('/') {
            stamp(&directory, name, &mut all)?;
        }
    }
    Some(Sha256::of(&all))
}

fn open(directory: &Path) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, directory, flags, Mode::empty()).ok()
}

fn stamp(directory: &OwnedFd, name: &str, into: &mut Vec<u8>) -> Option<()> {
    let found = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    // The types differ from system to system.
    into.extend(i128::from(found.st_size).to_le_bytes());
    into.extend(i128::from(found.st_mode).to_le_bytes());
    into.extend(i128::from(found.st_mtime).to_le_bytes());
    into.extend(i128::from(found.st_mtime_nsec).to_le_bytes());
    into.extend(i128::from(found.st_ctime).to_le_bytes());
    into.extend(i128::from(found.st_ctime_nsec).to_le_bytes());
    into.extend(i128::from(found.st_ino).to_le_bytes());
    FileType::from_raw_mode(found.st_mode).is_file().then_some(())
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
    /// Whether it is as an earlier run left it, by the witness.
    pub(crate) stood: bool,
}

impl Witness {
    /// What was noted of the environment of `scheme`; nothing where nobody did.
    pub(crate) fn read(cache: Option<&Path>, scheme: &Scheme) -> Self {
        let library = library(scheme);
        let read = || {
            let mut bytes = Vec::new();
            let file = crate::cache::open_regular(&file(cache?, &library), false).ok()?;
            file.take(MAX_WITNESS).read_to_end(&mut bytes).ok()?;
            let mut read = serde_json::from_slice::<Self>(&bytes).ok()?;
            let place = |(name, noted): (&String, &Noted)| (noted.dist_info.clone(), name.clone());
            read.places = read.distributions.iter().map(place).collect();
            Some(read)
        };
        read().filter(|found| found.format == FORMAT && found.library == library).unwrap_or_default()
    }

    /// Whether a file or package directly in a directory is one that was noted of a distribution.
    pub(crate) fn lists(&self, distribution: &str, directory: &Path, name: &str) -> bool {
        let package = directory.join(name);
        let is_it = |(at, names): &(PathBuf, String)| {
            at.starts_with(&package) || at == directory && names.split('/').any(|known| known == name)
        };
        self.distributions.get(distribution).is_some_and(|noted| noted.files.iter().any(is_it))
    }

    /// Whether anything was noted.
    pub(crate) fn is_empty(&self) -> bool {
        self.distributions.is_empty()
    }

    /// The version and wheel of a distribution, where each of its files is as it was noted.
    pub(crate) fn vouches(&self, name: &str) -> Option<(&str, Sha256)> {
        let noted = self.distributions.get(name).filter(|noted| noted.holds())?;
        Some((&noted.version, Sha256::from_hex(&noted.sha256)?))
    }

    /// What was noted of the distribution whose metadata is in `dist_info`, and its normalised name. Whether it
    /// [holds](Self::holds) is another question.
    pub(crate) fn noted(&self, dist_info: &Path) -> Option<(&str, &Noted, Sha256)> {
        let (name, noted) = self.distributions.get_key_value(self.places.get(dist_info)?)?;
        let sha256 = Sha256::from_hex(&noted.sha256)?;
        Some((name, noted, sha256))
    }

    /// Whether each file of the distribution whose metadata is in `dist_info` is as it was noted.
    pub(crate) fn holds(&self, dist_info: &Path) -> bool {
        let noted = self.places.get(dist_info).and_then(|name| self.distributions.get(name));
        noted.is_some_and(Noted::holds)
    }

    /// The `.dist-info` directory that was noted.
    pub(crate) fn dist_info(&self, name: &str) -> Option<&Path> {
        self.distributions.get(name).map(|noted| noted.dist_info.as_path())
    }

    /// Whether every dependency of exactly these was found among them.
    pub(crate) fn is_closed(&self, all: &[Vouched]) -> bool {
        self.closed.as_deref() == Some(fingerprint(all).as_str())
    }
}

/// What a run verified.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verified<'r> {
    pub(crate) all: &'r [Vouched],
    /// Whether every dependency of exactly these was found among them.
    pub(crate) closed: bool,
    /// The policy that let them in.
    pub(crate) judged_by: &'r str,
}

/// Notes how an environment stands after a run. A witness that cannot be written is no error.
pub(crate) fn note(cache: Option<&Path>, scheme: &Scheme, verified: Verified<'_>) {
    let Some(cache) = cache else { return };
    let tick = std::thread::spawn(|| std::thread::sleep(TICK));
    let Ok(installed) = crate::python::installed::read(scheme) else { return };
    let before = Witness::read(Some(cache), scheme);
    let library = library(scheme);
    let of_run: BTreeMap<&str, &Vouched> = verified.all.iter().map(|one| (one.name.as_str(), one)).collect();
    let planned: Vec<_> = installed
        .distributions
        .par_iter()
        .filter_map(|found| {
            let name = found.name.to_string();
            let noted = before.distributions.get(&name).filter(|noted| noted.dist_info == found.dist_info);
            match of_run.get(name.as_str()) {
                // What has changed since it was asked will not be as it was noted.
                Some(vouched) if vouched.stood => Some((name, noted?.clone(), false)),
                Some(vouched) => Some((name, prepare(found, vouched, verified.judged_by)?, true)),
                None => Some((name, noted?.clone(), false)),
            }
        })
        .collect();
    if tick.join().is_err() {
        return;
    }
    let distributions = planned
        .into_par_iter()
        .filter_map(|(name, noted, is_new)| {
            let stamps = if is_new { stamps(&noted.files)?.to_string() } else { noted.stamps };
            Some((name, Noted { stamps, ..noted }))
        })
        .collect();
    let witness = Witness {
        format: FORMAT,
        library: library.clone(),
        distributions,
        closed: verified.closed.then(|| fingerprint(verified.all)),
        places: BTreeMap::new(),
    };
    let written = serde_json::to_vec(&witness)
        .map_err(std::io::Error::other)
        .and_then(|bytes| crate::cache::write_private(&file(cache, &library), &bytes));
    if let Err(error) = written {
        tracing::debug!(%error, "the state of the environment was not noted");
    }
}

/// What is noted of a distribution, but for the stamps.
fn prepare(found: &InstalledDistribution, vouched: &Vouched, judged_by: &str) -> Option<Noted> {
    let record = found.record().ok()?;
    let base = found.library();
    let mut files = BTreeMap::<PathBuf, BTreeSet<String>>::new();
    for row in record.rows {
        if row.digest.is_none() && !row.path.ends_with(".dist-info/RECORD") {
            continue;
        }
        let (parent, name) = row.path.rsplit_once('/').unwrap_or(("", &row.path));
        let directory = lexical(&base.join(parent));
        files.entry(directory).or_default().insert(name.to_owned());
    }
    let join = |(directory, names): (PathBuf, BTreeSet<String>)| {
        (directory, names.into_iter().collect::<Vec<_>>().join("/"))
    };
    let metadata = crate::python::installed::read_capped(
        &found.dist_info.join("METADATA"),
        crate::wheel::metadata::MAX_METADATA,
    );
    Some(Noted {
        name: Metadata::parse(&metadata.ok()??).ok()?.name_text,
        version: vouched.version.clone(),
        sha256: vouched.sha256.to_string(),
        dist_info: found.dist_info.clone(),
        installer: found.installer.clone(),
        requested: found.requested,
        judged_by: judged_by.to_owned(),
        files: files.into_iter().map(join).collect(),
        stamps: String::new(),
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
