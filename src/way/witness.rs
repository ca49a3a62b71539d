//! What an environment looked like after a run that verified it: size, mode, mtime and ctime of each file, and the wheel
//! that it came from.
//!
//! Owns: `<cache>/witness/`. Never: vouches for a file that differs in any of these from what was noted, or for
//! another environment. Who can write the cache can make a run believe that nothing is to be done, and no more; with
//! `--rehash` nobody asks it.

mod packed;
mod state;
mod tick;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use pipward_resolver::PackageName;
use rayon::prelude::*;

use crate::digest::Sha256;
use crate::python::Scheme;
use crate::python::installed::{self, InstalledDistribution};
use crate::wheel::metadata::{MAX_METADATA, Metadata};
use crate::wheel::record::Row;
pub(crate) use packed::Noted;
use packed::{Asked, Head, Packed, Written};
use state::Library;
pub(crate) use tick::{Limit, Tick};

/// The largest witness that is read, in bytes.
const MAX_WITNESS: u64 = 256 << 20;
/// So many distributions are looked at before what was found is written.
const AT_ONCE: usize = 64;

/// What was noted of one environment.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    /// The directory of pure modules, as the scheme spells it.
    spelled: PathBuf,
    /// The same, once anything in it was asked for.
    opened: OnceLock<Option<Library>>,
    packed: Packed,
    /// Where what was noted of files stands.
    kept: Option<File>,
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

/// What a run knows of a distribution that it has put in itself: nobody reads that again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed<'r> {
    /// `Name`, as METADATA spells it.
    pub(crate) spelled: &'r str,
    /// What INSTALLER says.
    pub(crate) installer: &'r str,
    /// Whether there is a REQUESTED.
    pub(crate) requested: bool,
}

impl Witness {
    /// That of which nothing was noted.
    fn nothing(scheme: &Scheme) -> Self {
        Self { spelled: scheme.purelib.clone(), ..Self::default() }
    }

    /// What was noted of the environment of `scheme`; nothing where nobody did.
    pub(crate) fn read(cache: Option<&Path>, scheme: &Scheme) -> Self {
        let library = library(scheme);
        let spelled = scheme.purelib.clone();
        let read = || {
            let file = crate::cache::open_regular(&file(cache?, &library), false).ok()?;
            let size = file.metadata().ok().map(|found| found.len()).filter(|size| *size <= MAX_WITNESS)?;
            let packed = Packed::read(size, |range| {
                let mut bytes = vec![0; usize::try_from(range.end.checked_sub(range.start)?).ok()?];
                file.read_exact_at(&mut bytes, range.start).ok()?;
                Some(bytes)
            })?;
            packed.is_of(encoded(&library), encoded(&spelled)).then_some((packed, file))
        };
        let (packed, kept) = read().unzip();
        Self { packed: packed.unwrap_or_default(), kept, spelled, opened: OnceLock::new() }
    }

    /// Whether each of these files and packages, named with the directory that it is directly in, is one that was noted of a
    /// distribution whose metadata is in one of `all`.
    pub(crate) fn list<'p>(
        &self,
        all: impl Iterator<Item = &'p Path>,
        mut names: Vec<(&Path, String)>,
    ) -> bool {
        for dist_info in all {
            if names.is_empty() {
                break;
            }
            let Some(body) = self.noted(dist_info).and_then(|noted| self.body(&noted)) else { continue };
            for found in packed::directories(&body) {
                let at = self.spelled.join(found.path_below());
                names.retain(|(directory, name)| {
                    let is_one = || found.names().any(|known| known.to_bytes() == name.as_bytes());
                    !(at.starts_with(directory.join(name)) || at == *directory && is_one())
                });
            }
        }
        names.is_empty()
    }

    /// What was noted of the files of a distribution.
    fn body(&self, noted: &Noted<'_>) -> Option<Vec<u8>> {
        let length = noted.body.end.checked_sub(noted.body.start)?;
        let mut body = vec![0; usize::try_from(length).ok()?];
        self.read_at(noted.body.start, &mut body)?;
        Some(body)
    }

    fn read_at(&self, at: u64, bytes: &mut [u8]) -> Option<()> {
        self.kept.as_ref()?.read_exact_at(bytes, at).ok()
    }

    /// Whether anything was noted.
    pub(crate) fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// What was noted of the distribution whose metadata is in `dist_info`. Whether it [holds](Self::hold) is another
    /// question.
    pub(crate) fn noted(&self, dist_info: &Path) -> Option<Noted<'_>> {
        self.packed.get(&below(encoded(dist_info), &self.spelled))
    }

    /// The wheel of the distribution whose metadata is in `dist_info`, where each of its files is as it was noted.
    pub(crate) fn vouches(&self, dist_info: &Path) -> Option<Sha256> {
        let noted = self.noted(dist_info)?;
        self.hold(&[dist_info]).then_some(noted.sha256)
    }

    /// Whether each file of all these distributions, named by where their metadata are, is as it was noted.
    pub(crate) fn hold(&self, all: &[&Path]) -> bool {
        let noted: Option<Vec<Noted<'_>>> = all.iter().map(|dist_info| self.noted(dist_info)).collect();
        match (noted, self.opened.get_or_init(|| Library::open(&self.spelled))) {
            (Some(noted), Some(library)) => state::hold(library, noted, &|at, bytes| self.read_at(at, bytes)),
            _ => false,
        }
    }

    /// Whether every dependency of exactly these was found among them.
    pub(crate) fn is_closed(&self, all: &[Vouched]) -> bool {
        self.packed.closed() == Some(fingerprint(all))
    }
}

/// What a run verified.
#[derive(Debug)]
pub(crate) struct Verified<'r> {
    pub(crate) all: &'r [Vouched],
    /// Of those of them that this run has put in, by their `.dist-info` directories.
    pub(crate) placed: HashMap<&'r Path, Placed<'r>>,
    /// Whether every dependency of exactly these was found among them.
    pub(crate) closed: bool,
    /// The policy that let them in.
    pub(crate) judged_by: &'r str,
    /// The time before anything that stays was compared.
    pub(crate) since: Option<Limit>,
    /// Begun once this run had changed the environment.
    pub(crate) tick: Tick,
}

/// Notes how an environment stands after a run. A witness that cannot be written is no error.
pub(crate) fn note(cache: Option<&Path>, scheme: &Scheme, verified: Verified<'_>) {
    let Some(cache) = cache else { return };
    let Ok(places) = installed::places(scheme) else { return };
    let library = library(scheme);
    let of_run: BTreeMap<&str, &Vouched> = verified.all.iter().map(|one| (one.name.as_str(), one)).collect();
    // Where all of it is new, nobody asks what was noted before.
    let is_new = |path: &Path| {
        name_at(path).is_some_and(|name| of_run.get(name.as_ref()).is_some_and(|one| !one.stood))
    };
    let before = match places.iter().all(|(path, _)| is_new(path)) {
        true => Witness::nothing(scheme),
        false => Witness::read(Some(cache), scheme),
    };
    let planned: Option<Vec<Option<Part<'_>>>> = places
        .par_iter()
        .map(|(path, legacy)| {
            // What has changed since it was asked will not be as it was noted.
            let stood = |name: &str| of_run.get(name).is_none_or(|vouched| vouched.stood);
            if let Some(noted) = before.noted(path).filter(|noted| stood(noted.name)) {
                return Some(Some(Part::Before(noted)));
            }
            let prepare = |found: &Standing<'_>, vouched: &Vouched| {
                prepare(found, vouched, verified.judged_by, &before.spelled)
            };
            let new = match verified.placed.get(path.as_path()) {
                Some(placed) => name_at(path)
                    .and_then(|name| prepare(&Standing::of(path, placed), of_run.get(name.as_ref())?))
                    .map(Part::PutIn),
                None => installed::distribution(path, *legacy).ok()?.and_then(|found| {
                    let vouched = of_run.get(found.name.as_ref()).filter(|vouched| !vouched.stood)?;
                    prepare(&Standing::found(&found)?, vouched).map(Part::Compared)
                }),
            };
            Some(new)
        })
        .collect();
    let limit = verified.tick.end();
    let limits = Limits { compared: limit.map(|limit| limit.or_before(verified.since)), put_in: limit };
    let (Some(planned), Some(opened)) = (planned, Library::open(&before.spelled)) else { return };
    let mut planned: Vec<Part<'_>> = planned.into_iter().flatten().collect();
    planned.sort_by(|one, other| one.dist_info().cmp(other.dist_info()));
    // Some at once, so that few wait to be written.
    let written = planned.chunks(AT_ONCE).flat_map(|some| {
        some.par_iter().filter_map(|part| part.looked_at(&before, &opened, &limits)).collect::<Vec<_>>()
    });
    let closed = verified.closed.then(|| fingerprint(verified.all));
    let parts = packed::parts(encoded(&library), encoded(&before.spelled), closed, written);
    let Some(parts) = parts else { return };
    if let Err(error) = crate::cache::write_parts(&file(cache, &library), parts) {
        tracing::debug!(%error, "the state of the environment was not noted");
    }
}

/// What becomes of a distribution in what is noted.
enum Part<'w> {
    /// It is as it was noted before, or will not hold.
    Before(Noted<'w>),
    /// It was written by this run.
    PutIn(Asked),
    /// It was there, and was compared with its wheel.
    Compared(Asked),
}

/// Whoever has changed a file at these times or later has not been looked at: nothing of its distribution is noted.
struct Limits {
    compared: Option<Limit>,
    put_in: Option<Limit>,
}

impl<'w> Part<'w> {
    fn looked_at(&self, before: &Witness, library: &Library, limits: &Limits) -> Option<Written<'w>> {
        let fill =
            |new: &Asked, limit| new.fill(|directory, stamps| state::of(library, directory, stamps, limit));
        match self {
            Self::Before(noted) => Some(noted.written(before.body(noted)?)),
            Self::PutIn(new) => fill(new, limits.put_in),
            Self::Compared(new) => fill(new, limits.compared),
        }
    }

    fn dist_info(&self) -> &[u8] {
        match self {
            Self::Before(noted) => noted.dist_info(),
            Self::PutIn(new) | Self::Compared(new) => new.dist_info(),
        }
    }
}

/// A distribution that was verified, as it says itself.
struct Standing<'r> {
    dist_info: &'r Path,
    spelled: Cow<'r, str>,
    installer: Option<&'r str>,
    requested: bool,
}

impl<'r> Standing<'r> {
    /// One that this run has put in.
    fn of(dist_info: &'r Path, placed: &Placed<'r>) -> Self {
        let Placed { spelled, installer, requested } = *placed;
        Self { dist_info, spelled: spelled.into(), installer: Some(installer), requested }
    }

    /// One that was there, and was compared.
    fn found(found: &'r InstalledDistribution) -> Option<Self> {
        let metadata = installed::read_capped(&found.dist_info.join("METADATA"), MAX_METADATA).ok()??;
        Some(Self {
            dist_info: &found.dist_info,
            spelled: Metadata::parse(&metadata).ok()?.name_text.into(),
            installer: found.installer.as_deref(),
            requested: found.requested,
        })
    }
}

/// What is noted of a distribution that was verified, but for how its directories and files stand.
fn prepare(found: &Standing<'_>, vouched: &Vouched, judged_by: &str, library: &Path) -> Option<Asked> {
    let record = installed::record(found.dist_info).ok()?;
    let base = found.dist_info.parent()?;
    let is_noted = |row: &&Row| row.digest.is_some() || row.path.ends_with(".dist-info/RECORD");
    let rows: Vec<(&str, &str)> = record
        .rows
        .iter()
        .filter(is_noted)
        .map(|row| row.path.rsplit_once('/').unwrap_or(("", &row.path)))
        .collect();
    // By directory, below the library where they are. Most rows follow another one of their directory.
    let mut files = BTreeMap::<Vec<u8>, Vec<&str>>::new();
    for rows in rows.chunk_by(|(one, _), (other, _)| one == other) {
        let parent = rows.first().map_or("", |(parent, _)| parent);
        let directory = match base == library && is_plain(parent) {
            true => parent.as_bytes().to_vec(),
            false => below(encoded(&lexical(&base.join(parent))), library).into_owned(),
        };
        files.entry(directory).or_default().extend(rows.iter().map(|(_, name)| name));
    }
    for names in files.values_mut() {
        names.sort_unstable();
        names.dedup();
    }
    let mut asked = Asked::new(&Head {
        name: &vouched.name,
        spelled: &found.spelled,
        version: &vouched.version,
        sha256: vouched.sha256,
        judged_by,
        installer: found.installer,
        requested: found.requested,
        dist_info: &below(encoded(found.dist_info), library),
        files: files.values().map(Vec::len).sum(),
    })?;
    for (directory, names) in files {
        asked.push(&directory, names.iter().map(|name| name.as_bytes()))?;
    }
    asked.shrink();
    Some(asked)
}

/// The name of the distribution whose metadata are at a place, as the place tells it.
fn name_at(place: &Path) -> Option<PackageName> {
    place.file_name()?.to_str()?.strip_suffix(".dist-info")?.split('-').next()?.parse().ok()
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

/// Whether a path leads down, part by part: nothing would be left out of it.
fn is_plain(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// A path as it is noted: from the library on where it is below it, or else as it is.
fn below<'p>(path: &'p [u8], library: &Path) -> Cow<'p, [u8]> {
    match path.strip_prefix(encoded(library)) {
        Some([]) => b".".as_slice().into(),
        Some([b'/', rest @ ..]) if !rest.is_empty() => rest.into(),
        _ => path.into(),
    }
}

fn encoded(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

fn fingerprint(all: &[Vouched]) -> Sha256 {
    let mut lines: Vec<String> =
        all.iter().map(|one| format!("{} {} {}\n", one.name, one.version, one.sha256)).collect();
    lines.sort();
    Sha256::of(lines.concat().as_bytes())
}

fn library(scheme: &Scheme) -> PathBuf {
    scheme.purelib.canonicalize().unwrap_or_else(|_| scheme.purelib.clone())
}

fn file(cache: &Path, library: &Path) -> PathBuf {
    let name = Sha256::of(encoded(library));
    cache.join("witness").join(format!("{name}.state"))
}
