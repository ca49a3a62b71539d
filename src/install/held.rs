//! Whether a distribution is installed already, just as a plan would write it.
//!
//! Owns: the comparison, file by file. Never: believes a RECORD; each file is hashed.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use pipward_resolver::PackageName;
use rayon::prelude::*;

use super::names::Names;
use super::places::Places;
use super::shadow;
use super::umask::umask_in;
use super::uninstall::{Distribution, Distributions, open};
use super::{InstallPlan, Installer, PlannedFile, guard};
use crate::digest::{Computed, Hasher, Kept, LockedHashes, Match, Sha256, StrongDigest};
use crate::error::{Problem, io as io_problem};
use crate::python::{Interpreter, Scheme};
use crate::wheel::beneath::is_within;
use crate::wheel::mode::{self, Seen, Sort};

/// Content is hashed in steps of this many bytes.
const STEP: usize = 64 << 10;

/// What is installed beneath a prefix, to be compared and not to be changed.
#[derive(Debug)]
pub struct Standing {
    scheme: Scheme,
    places: Places,
    installed: Distributions,
}

impl Standing {
    /// What is installed in the environment of an interpreter.
    ///
    /// # Errors
    /// `environment-invalid`, and those of the file system.
    pub fn of(interpreter: &Interpreter) -> Result<Self, Problem> {
        let (prefix, scheme) = (&interpreter.root, interpreter.scheme.clone());
        let real =
            prefix.canonicalize().map_err(|error| io_problem("opening the environment", prefix, &error))?;
        let places = Places::new(&scheme, prefix, real)?;
        let installed = Distributions::list(&places)?;
        Ok(Self { scheme, places, installed })
    }

    /// Where its files are.
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Whether it has what a plan (for its scheme) would write, file for file.
    ///
    /// # Errors
    /// As [`Session::holds`](super::Session::holds).
    pub fn holds(&self, plan: &InstallPlan) -> Result<bool, Problem> {
        holds(&self.places, &self.installed, plan, Strictness::default())
    }

    /// Whether anything of this name is installed.
    pub fn has(&self, name: &PackageName) -> bool {
        self.installed.named(name.as_ref()).next().is_some()
    }
}

/// How much of what is installed has to be as a plan would write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strictness {
    /// Content and permission bits of what the wheel brings.
    #[default]
    Wheel,
    /// What says how and by whom it was installed too.
    Whole,
}

/// Whether the one installed distribution of the plan's name has the plan's version, rows and files.
///
/// # Errors
/// `interrupted`, `environment-invalid`.
pub(super) fn holds(
    places: &Places,
    installed: &Distributions,
    plan: &InstallPlan,
    strictness: Strictness,
) -> Result<bool, Problem> {
    let name = plan.name().to_string();
    let mut named = installed.named(&name);
    let (Some(distribution), None) = (named.next(), named.next()) else { return Ok(false) };
    // Its name tells the version too.
    if distribution.directory != places.directory(plan.dist_info())? {
        return Ok(false);
    }
    let mut planned = BTreeMap::new();
    let of_origin = of_origin(plan.installer, strictness);
    let incidental = |path: &Path, dist_info: &Path| is_incidental(path, dist_info, of_origin);
    for file in plan.files().iter().filter(|file| !incidental(&file.destination.path(), plan.dist_info())) {
        let (Some(parent), Some(name)) = (file.destination.parent(), file.destination.file_name()) else {
            return Ok(false);
        };
        planned.insert(places.directory(&parent)?.join(name), file);
    }
    if !same_rows(places, installed, distribution, of_origin, &mut planned) {
        return Ok(false);
    }
    let planned: Vec<_> = planned.into_iter().collect();
    let seen: Result<Vec<Option<Seen<&PathBuf>>>, Problem> = planned
        .par_iter()
        .map(|(path, file)| {
            guard::check()?;
            let mode = mode_of(&places.real().join(path), file);
            let sort = if file.executable { Sort::Executable } else { Sort::Plain };
            Ok(mode.map(|mode| Seen { file: path, sort, mode }))
        })
        .collect();
    let seen: Option<Vec<_>> = seen?.into_iter().collect();
    Ok(seen.is_some_and(|seen| has_usual_modes(places, installed, distribution, seen)))
}

/// The directories below those of modules that a plan needs and that have other permission bits than an install gives: with
/// those that they have, and those that they should have.
pub(super) fn odd_directories(
    places: &Places,
    plan: &InstallPlan,
) -> Result<BTreeMap<PathBuf, (u32, u32)>, Problem> {
    let bits = |path: &Path| {
        let found = places.real().join(path).symlink_metadata().ok()?;
        Some((found.is_dir(), found.permissions().mode() & 0o7777))
    };
    let dist_info = places.directory(plan.dist_info())?;
    // Asked for when there is a directory to be judged: an install brings thousands that are not there.
    let mut rule = None;
    let mut rule = || {
        *rule.get_or_insert_with(|| {
            let record = bits(&dist_info.join("RECORD")).map(|(_, mode)| mode);
            umask_in(&places.real().join(&dist_info)).map(|umask| (umask, record))
        })
    };
    let mut odd = BTreeMap::new();
    let mut looked_at = BTreeSet::new();
    let mut missing = None::<PathBuf>;
    // Most files follow another one of their directory. Where a directory is missing, so is all below it.
    let files = plan.files().chunk_by(|one, next| one.destination.is_beside(&next.destination));
    for parent in files.filter_map(|files| files.first()?.destination.parent()) {
        if missing.as_ref().is_some_and(|missing| is_within(&parent, missing)) {
            continue;
        }
        let directory = places.directory(&parent)?;
        let below = |path: &&Path| {
            places.sites().any(|site| path.as_os_str() != site.as_os_str() && is_within(path, site))
        };
        let mut way: Vec<&Path> = directory.ancestors().take_while(below).collect();
        while let Some(above) = way.pop() {
            if looked_at.contains(above) {
                continue;
            }
            let seen = if places.was_missing(above) { None } else { bits(above) };
            match seen {
                None => {
                    // No link leads on from here: its path and that of the plan end alike.
                    missing = parent.ancestors().nth(way.len()).map(Path::to_owned);
                    break;
                }
                Some((false, _)) => {}
                Some((true, mode)) => {
                    let Some((umask, record)) = rule() else { return Ok(BTreeMap::new()) };
                    let usual = mode::odd_directory(umask, record, mode);
                    odd.extend(usual.map(|usual| (above.to_owned(), (mode, usual))));
                }
            }
            looked_at.insert(above.to_owned());
        }
    }
    Ok(odd)
}

/// Whether all files, and RECORD, have permission bits that an install gives.
fn has_usual_modes<'p>(
    places: &Places,
    installed: &Distributions,
    distribution: &'p Distribution,
    mut seen: Vec<Seen<&'p PathBuf>>,
) -> bool {
    let record = places.real().join(&distribution.directory).join("RECORD");
    let Ok(found) = record.symlink_metadata() else { return false };
    let Some(umask) = record.parent().and_then(umask_in) else { return true };
    let mode = found.permissions().mode() & 0o7777;
    seen.push(Seen { file: &distribution.directory, sort: Sort::Plain, mode });
    let odd = mode::odd(umask, Some(mode), &seen);
    if odd.iter().any(|odd| !odd.is_merely_executable()) {
        return false;
    }
    // What another distribution brings as a program is one.
    let without = BTreeSet::from([distribution.directory.as_path()]);
    let owners = installed.owners(places, &without, &Names::of(odd.iter().map(|odd| odd.file)));
    odd.iter().all(|odd| owners.contains_key(odd.file))
}

/// The rows of the installed RECORD that matter are those of the plan, digest by digest. What was left out for a file of
/// another distribution goes from `planned`.
fn same_rows(
    places: &Places,
    installed: &Distributions,
    distribution: &Distribution,
    of_origin: &[&str],
    planned: &mut BTreeMap<PathBuf, &PlannedFile>,
) -> bool {
    let Ok(Some(rows)) = distribution.rows(places, &Names::All) else { return false };
    let mut left = rows
        .into_iter()
        .filter(|(path, _)| {
            !is_incidental(path, &distribution.directory, of_origin)
                && !is_record(path, &distribution.directory)
        })
        .collect::<Vec<_>>();
    left.sort_by(|(one, _), (other, _)| one.cmp(other));
    if left.len() < planned.len() {
        let listed: BTreeSet<&Path> = left.iter().map(|(path, _)| path.as_path()).collect();
        let owners =
            installed.owners(places, &BTreeSet::from([distribution.directory.as_path()]), &Names::All);
        planned.retain(|path, file| {
            let is_anothers = || owners.contains_key(path) || shadow::has_module_of(&owners, path);
            listed.contains(path.as_path()) || !(file.may_be_left_out() && is_anothers())
        });
    }
    left.len() == planned.len()
        && left.iter().zip(planned).all(|((path, row), (wanted, file))| {
            *path == **wanted && file.digest != Kept::Nothing && row.digest == file.digest.get()
        })
}

/// The files that say how and by whom something was installed. pip leaves what is installed alone, wherever the same wheel
/// came from (PEP 610); for us that is part of it.
fn of_origin(installer: Installer, strictness: Strictness) -> &'static [&'static str] {
    match (strictness, installer) {
        (Strictness::Whole, _) => &[],
        (Strictness::Wheel, Installer::Pip) => &["INSTALLER", "REQUESTED", "direct_url.json"],
        (Strictness::Wheel, Installer::Pipward) => &["INSTALLER", "REQUESTED"],
    }
}

/// What says how, when and by whom something was installed, and what Python compiled.
fn is_incidental(path: &Path, dist_info: &Path, of_origin: &[&str]) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    path.parent() == Some(dist_info) && of_origin.contains(&name)
        || name.ends_with(".pyc")
            && path.parent().and_then(Path::file_name) == Some(OsStr::new("__pycache__"))
}

fn is_record(path: &Path, dist_info: &Path) -> bool {
    path.parent() == Some(dist_info) && path.file_name() == Some(OsStr::new("RECORD"))
}

/// The permission bits of a regular file, not a link, that has a planned file's content.
fn mode_of(path: &Path, planned: &PlannedFile) -> Option<u32> {
    let file = open(path).ok()?;
    let found = file.metadata().ok()?;
    let is_it = found.is_file()
        && found.len() == planned.size
        && hashes_to(file, planned.digest.get()?).unwrap_or(false);
    is_it.then(|| found.permissions().mode() & 0o7777)
}

/// Whether a file's content has a digest.
pub(super) fn hashes_to(file: File, digest: StrongDigest) -> io::Result<bool> {
    let Some(wanted) = LockedHashes::new(Match::All, vec![digest]) else { return Ok(false) };
    Ok(wanted.accept(&hashed(file, Hasher::new(&wanted))?))
}

/// What a file's content hashes to.
pub(super) fn sha256_of(file: File) -> io::Result<Sha256> {
    Ok(hashed(file, Hasher::sha256())?.sha256())
}

fn hashed(mut file: File, mut hasher: Hasher) -> io::Result<Computed> {
    // Most files are smaller than a step, and to clear all of its room costs more than to hash them.
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(STEP);
    let mut buffer = vec![0; size.clamp(1, STEP)];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
}
