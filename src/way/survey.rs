//! A lock -> METADATA of its wheels, from what is at hand, else from the index; an environment -> what it has.
//!
//! Never: asks the network unless it was told to, and never believes METADATA that is not the locked wheel's where the
//! lock has a digest of it.

mod count;
mod deep;
mod usage;

use std::path::PathBuf;

use pipward_resolver::Target;

use super::look::Look;
use crate::cache::Store;
use crate::digest::Sha256;
use crate::error::{Problem, Problems, io};
use crate::index::{Index, NetworkOptions, Sought, Sources};
use crate::lock::{Location, Lock, LockedFile, LockedPackage, LockedSource};
use crate::policy::DatedPolicy;
use crate::python::installed::distribution::Found;
use crate::survey::bill::{Bill, Known};
use crate::survey::graph::{Graph, Installed};
use crate::verify::VerifiedWheel;
use crate::wheel::about::About;
use crate::wheel::metadata::Metadata;

pub use count::{count_environment, count_lock};
pub use deep::{Looked, deep};
pub use usage::{
    LEFT_OUT, ProjectSource, ReadSource, findings, providers_of_environment, providers_of_lock, usage,
};

/// How far is looked for METADATA.
#[derive(Debug, Clone)]
pub struct Sight {
    /// Where locked files come from.
    pub sources: Sources,
    /// How the network is used, if it is.
    pub network: NetworkOptions,
    /// The cache directory.
    pub cache: Option<PathBuf>,
    /// What is allowed of wheels.
    pub policy: DatedPolicy,
    /// Whose wheel is taken of a package that is locked by hash alone. `None`: nothing that is not at hand is asked for.
    pub fetch_for: Option<Target>,
}

/// METADATA of each package of a lock, in the order of the lock; `None` for what is not at hand, where nothing is fetched.
/// Of several wheels of a package one speaks for it: the first whose METADATA the lock vouches for, else the first by name.
///
/// # Errors
/// Where something is fetched: all that hinders it.
pub fn metadata(lock: &Lock, sight: &Sight) -> Result<Vec<Option<Vec<u8>>>, Problems> {
    let index = Index::of_locked(&sight.sources, &sight.network, sight.cache.as_deref())?;
    let store = sight.cache.as_deref().map(Store::new);
    let mut found: Vec<Option<Vec<u8>>> =
        lock.packages.iter().map(|package| at_hand(package, &index, store.as_ref(), sight)).collect();
    if let Some(target) = &sight.fetch_for {
        fetch(lock, &mut found, &index, target)?;
        crate::cache::keep();
    }
    Ok(found)
}

/// The wheels that a package names: first those whose METADATA the lock vouches for, each in the order of their names.
fn wheels(package: &LockedPackage) -> Vec<&LockedFile> {
    let LockedSource::Wheels(files) = &package.source else { return Vec::new() };
    let mut files: Vec<&LockedFile> = files.iter().collect();
    files.sort_by_key(|file| {
        let name = file.name.as_str();
        (!package.metadata_sha256.contains_key(name), name)
    });
    files
}

fn sought<'l>(package: &'l LockedPackage, file: &'l LockedFile) -> Sought<'l> {
    let sha256 = package.metadata_sha256.get(file.name.as_str()).copied();
    Sought { file, index: package.index.as_ref(), sha256 }
}

/// METADATA of the first wheel that the cache, the store or this machine has. Where the rest is fetched, another wheel than
/// the first does not speak for it: what is told must not depend on what happens to be here.
fn at_hand(package: &LockedPackage, index: &Index, store: Option<&Store>, sight: &Sight) -> Option<Vec<u8>> {
    let mut files = wheels(package);
    if sight.fetch_for.is_some() {
        files.truncate(1);
    }
    // The digest of METADATA is bound by the lock; nothing else need be read.
    let kept = files.iter().find_map(|file| index.kept_metadata(&sought(package, file)));
    kept.or_else(|| files.iter().find_map(|file| of_wheel(file, index, store, sight)))
}

/// METADATA of a wheel of the store, or of one that lies where the lock says; verified either way.
fn of_wheel(file: &LockedFile, index: &Index, store: Option<&Store>, sight: &Sight) -> Option<Vec<u8>> {
    let unverified = match &file.location {
        Location::Path(_) => index.fetcher(None).start(vec![file.clone()]).next()?.1.ok()?,
        Location::Url(_) => store?.get(&file.hashes, file.size)?,
    };
    let wheel = sight.policy.read(VerifiedWheel::check(unverified, file).ok()?).ok()?;
    Some(wheel.metadata_text().to_vec())
}

fn fetch(lock: &Lock, found: &mut [Option<Vec<u8>>], index: &Index, target: &Target) -> Result<(), Problems> {
    let open = lock.packages.iter().zip(found.iter_mut()).filter(|(_, found)| found.is_none());
    let (mut named, mut by_hash) = (Vec::new(), Vec::new());
    for (package, place) in open {
        match (&package.source, wheels(package).first()) {
            (LockedSource::ByHash(_), _) => by_hash.push((package, place)),
            (_, Some(file)) => named.push((package, *file, place)),
            (_, None) => {}
        }
    }
    let files: Vec<(&LockedFile, &LockedPackage)> =
        named.iter().map(|(package, file, _)| (*file, &***package)).collect();
    let packages: Vec<&LockedPackage> = by_hash.iter().map(|(package, _)| &***package).collect();
    let sourced = index.resolve_sources(&files).into_iter().chain(index.locate_all(&packages, target));
    let all = named.into_iter().map(|(package, _, place)| (package, place)).chain(by_hash);
    let (mut faults, mut places, mut located) = (Vec::new(), Vec::new(), Vec::new());
    for ((package, place), file) in all.zip(sourced) {
        match file {
            Ok(file) => {
                located.push((package, file));
                places.push(place);
            }
            Err(problem) => faults.push(problem.package(&package.name)),
        }
    }
    let asked: Vec<Sought<'_>> = located.iter().map(|(package, file)| sought(package, file)).collect();
    for (place, text) in places.into_iter().zip(index.metadata_of(&asked)) {
        match text {
            Ok(text) => *place = Some(text),
            Err(problem) => faults.push(problem),
        }
    }
    Problems::unless_empty((), faults)
}

/// What METADATA says, parsed.
fn parsed(texts: &[Option<Vec<u8>>]) -> Vec<Option<Metadata>> {
    texts.iter().map(|text| text.as_ref().and_then(|text| Metadata::parse(text).ok())).collect()
}

/// The bill of materials of a lock, and the names of the packages whose METADATA is not at hand.
///
/// # Errors
/// As [`metadata`] and [`deep`], and those of reading the lock.
pub fn bill(
    lock: &Lock,
    sight: &Sight,
    name: String,
    time: Option<jiff::Timestamp>,
    looked: &[Looked],
) -> Result<(Bill, Vec<String>), Problems> {
    let text = std::fs::read(&lock.file).map_err(|error| io("reading", &lock.file, &error))?;
    let texts = metadata(lock, sight)?;
    let graph = Graph::of_lock(lock, &parsed(&texts));
    let about: Vec<About> =
        texts.iter().map(|text| text.as_deref().map(About::parse).unwrap_or_default()).collect();
    let sboms = looked.iter().map(|looked| (looked.file.clone(), looked.sboms.clone())).collect();
    let known = Known { graph: &graph, about: &about, sboms: &sboms };
    let without = lock.packages.iter().zip(&texts).filter(|(_, text)| text.is_none());
    let without = without.map(|(package, _)| package.name.to_string()).collect();
    Ok((Bill::of(lock, Sha256::of(&text), name, time.or_else(|| time_of(lock)), &known), without))
}

/// The time that a lock tells: its cutoff, else when its newest file was uploaded.
fn time_of(lock: &Lock) -> Option<jiff::Timestamp> {
    let files = lock.packages.iter().flat_map(|package| wheels(package));
    lock.tool
        .as_ref()
        .and_then(|tool| tool.cutoff)
        .or_else(|| files.filter_map(|file| file.upload_time).max())
}

/// The graph of a lock, and the names of the packages whose specifiers are not at hand.
///
/// # Errors
/// As [`metadata`].
pub fn graph_of_lock(lock: &Lock, sight: &Sight) -> Result<(Graph, Vec<String>), Problems> {
    let texts = metadata(lock, sight)?;
    let metadata = parsed(&texts);
    // What needs nothing has no specifiers to tell.
    let is_open = |package: &LockedPackage| package.dependencies.as_ref().is_none_or(|all| !all.is_empty());
    let without =
        lock.packages.iter().zip(&metadata).filter(|(package, it)| it.is_none() && is_open(package));
    let without = without.map(|(package, _)| package.name.to_string()).collect();
    Ok((Graph::of_lock(lock, &metadata), without))
}

/// The graph of an environment, and the names of the distributions that do not tell what they need.
///
/// # Errors
/// `internal` where nobody tells the markers.
pub fn graph_of_environment(look: &Look) -> Result<(Graph, Vec<String>), Problem> {
    let mut found: Vec<&Found> = look.environment.distributions.iter().collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    let installed = found.into_iter().map(|found| Installed {
        name: found.name.clone(),
        version: found.shown_version(),
        requires: found.dependencies().ok().map(|all| all.into_iter().map(|one| one.requirement).collect()),
        is_requested: found.is_requested(),
    });
    let graph = Graph::of_environment(installed.collect(), look.target()?);
    let without = graph.unknown.iter().filter_map(|at| graph.nodes.get(*at)).map(|node| node.name.clone());
    let without = without.collect();
    Ok((graph, without))
}
