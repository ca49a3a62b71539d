//! Lock -> Selection -> LockedFile -> Unverified -> VerifiedWheel -> a file in a folder.
//!
//! Never: leaves a file there that was not verified in this run, or half of one.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::gather::Gathered;
use super::outcome;
use super::unpack::{Done, Item, agree, runs_here};
use super::{InstallRequest, Package, not_kept, releases, trusted};
use crate::cache::Store;
use crate::digest::{Hasher, Sha256};
use crate::error::{Code, Problem, Problems, io};
use crate::fetch::Fetched;
use crate::index::Index;
use crate::lock::{Location, LockedFile};
use crate::threads::share;
use crate::verify::VerifiedWheel;
use crate::way::signatures;
use crate::way::{Writing, check_interrupted};
use crate::wheel::metadata::Brief;

/// A wheel in the folder.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The name of the package, normalised.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The file.
    pub path: PathBuf,
    /// Its SHA-256.
    pub sha256: Sha256,
    /// What the folder had in its place.
    pub before: Before,
}

/// What a folder had where a wheel goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// The same bytes, which stay.
    Same,
    /// Something else, in whose place the wheel was put.
    Other,
}

/// What a download came to.
#[derive(Debug, Clone)]
pub struct Downloaded {
    /// The wheels.
    pub wheels: Vec<Saved>,
    /// The packages, in the order in which they were asked for.
    pub packages: Vec<Package>,
    /// Requirements whose markers do not hold: name and marker.
    pub ignored: Vec<(String, String)>,
    /// What the policy of today has to say of them.
    pub warnings: Vec<String>,
}

/// Fetches what an install would, verifies all of it, and puts it into `folder`.
///
/// # Errors
/// As [`install`](super::install), and those of writing the folder; then the folder is as it was, or has files whose
/// hashes are the lock's.
pub fn download(
    request: &InstallRequest,
    folder: &Path,
    step: &(dyn Fn() + Sync),
) -> Result<Downloaded, Problems> {
    share()?;
    signatures::check(&request.locks, &request.policy, request.trust.now)?;
    let index = Index::of_locked(&request.sources, &request.network, request.cache.as_deref())?;
    let (gathered, items) = Gathered::with_items(request, &index)?;
    releases::check_all(&request.taken, &items)?;
    let mut warnings = trusted::check(request, &index, &items)?;
    let fetcher = index.fetcher(request.cache.as_deref().map(Store::new));
    let mut wheels: Vec<Option<(VerifiedWheel, Done)>> = items.iter().map(|_| None).collect();
    let mut faults = Vec::new();
    for (at, fetched) in fetcher.start(items.iter().map(|item| nearest(&item.file, folder)).collect()) {
        check_interrupted()?;
        let (Some(item), Some(place)) = (items.get(at), wheels.get_mut(at)) else { continue };
        match one(item, fetched, request) {
            Ok(wheel) => *place = Some(wheel),
            Err(problem) => faults.push(problem.package(&item.package.name)),
        }
        step();
    }
    if !faults.is_empty() {
        request.so_far.done(wheels.iter().flatten().map(|(_, done)| done));
    }
    Problems::unless_empty((), faults)?;
    let wheels: Vec<(VerifiedWheel, Done)> = wheels.into_iter().flatten().collect();
    if wheels.len() != items.len() {
        return Err(Problem::new(Code::Internal, "a wheel did not arrive").into());
    }
    if request.check_closure {
        let closed =
            gathered.check_items(&items, wheels.iter().map(|(_, done)| &done.metadata), request.target());
        closed.inspect_err(|_| request.so_far.done(wheels.iter().map(|(_, done)| done)))?;
    }
    let _writing = Writing::begin();
    std::fs::create_dir_all(folder).map_err(|error| io("making a directory", folder, &error))?;
    let mut all = Vec::new();
    for (item, (verified, done)) in items.iter().zip(&wheels) {
        check_interrupted()?;
        all.push(save(item, verified, &done.metadata, folder)?);
    }
    crate::cache::keep();
    if let Some(store) = request.cache.as_deref().map(Store::new)
        && let Err(problem) = wheels.par_iter().try_for_each(|(verified, _)| store.put(verified))
    {
        warnings.push(not_kept(&problem));
    }
    let done = wheels.into_iter().map(|(_, done)| done).collect();
    let packages = outcome::packages(&items, done, &gathered.known, request);
    Ok(Downloaded { wheels: all, packages, ignored: outcome::ignored(request), warnings })
}

fn one(item: &Item, fetched: Fetched, request: &InstallRequest) -> Result<(VerifiedWheel, Done), Problem> {
    let wheel = request.policy.read(VerifiedWheel::check(fetched?, &item.file)?)?;
    agree(item, &wheel)?;
    if !request.any_python {
        runs_here(item, wheel.metadata(), request.target())?;
    }
    let done = Done::of_read(&wheel, request.target())?;
    Ok((wheel.into_verified(), done))
}

/// The file as it is fetched: from the folder, where that has it already. (What is read is compared as anything is.)
fn nearest(file: &LockedFile, folder: &Path) -> LockedFile {
    let path = folder.join(file.name.as_str());
    let is_there = || -> std::io::Result<bool> {
        let mut there = crate::cache::open_regular(&path, true)?;
        let mut hasher = Hasher::new(&file.hashes);
        let mut buffer = vec![0; 64 << 10];
        loop {
            match std::io::Read::read(&mut there, &mut buffer)? {
                0 => return Ok(file.hashes.accept(&hasher.finish())),
                count => hasher.update(buffer.get(..count).unwrap_or_default()),
            }
        }
    };
    let location = match is_there() {
        Ok(true) => Location::Path(path),
        _ => file.location.clone(),
    };
    LockedFile { location, ..file.clone() }
}

/// Writes a wheel beside its place and renames it there. What has the name and the bytes already stays.
fn save(item: &Item, wheel: &VerifiedWheel, metadata: &Brief, folder: &Path) -> Result<Saved, Problem> {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join(item.file.name.as_str());
    let is_same = crate::cache::open_regular(&path, true).is_ok_and(|file| same(file, wheel.bytes()));
    let before = match path.symlink_metadata() {
        _ if is_same => Before::Same,
        Ok(_) => Before::Other,
        Err(_) => Before::Nothing,
    };
    if before != Before::Same {
        let write = || {
            let mut file = tempfile::Builder::new()
                .prefix(".pipward-")
                .permissions(std::fs::Permissions::from_mode(0o666))
                .tempfile_in(folder)?;
            file.write_all(wheel.bytes())?;
            file.persist(&path).map_err(|error| error.error)?;
            std::io::Result::Ok(())
        };
        write().map_err(|error| io("writing a wheel", &path, &error))?;
    }
    Ok(Saved {
        name: item.package.name.to_string(),
        version: metadata.version.to_string(),
        path,
        sha256: wheel.sha256(),
        before,
    })
}

fn same(file: std::fs::File, wanted: &[u8]) -> bool {
    use std::io::Read as _;
    let mut found = Vec::new();
    let cap = u64::try_from(wanted.len()).unwrap_or(u64::MAX).saturating_add(1);
    file.take(cap).read_to_end(&mut found).is_ok() && found == wanted
}
