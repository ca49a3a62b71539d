//! What a run had come to when a fault ended it: what pip would have told of by then.
//!
//! Never: decides anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pipward_resolver::{PackageName, WheelName};

use super::InstallRequest;
use super::origin::{self, Origin, Part};
use super::outcome::{Package, shown};
use super::unpack::{Done, Item};
use crate::error::{Code, Problem, Problems};
use crate::index::LOOKED_AT;
use crate::lock::{Location, LockedFile, LockedPackage, LockedSource, Selected};
use crate::wheel::metadata::Brief;

/// The packages of a run that may come to nothing.
#[derive(Default)]
pub struct SoFar(Mutex<BTreeMap<PackageName, Seen>>);

struct Seen {
    package: Arc<LockedPackage>,
    file: Option<Arc<LockedFile>>,
    /// As long as nothing fails, there is none.
    metadata: Option<Box<Brief>>,
    size: u64,
    kept: bool,
}

impl Seen {
    fn of(package: &Arc<LockedPackage>) -> Self {
        Self { package: Arc::clone(package), file: None, metadata: None, size: 0, kept: false }
    }
}

impl SoFar {
    fn seen(&self) -> MutexGuard<'_, BTreeMap<PackageName, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is looked for.
    pub(super) fn selected(&self, packages: &[(Selected, bool)]) {
        let mut seen = self.seen();
        for (Selected { package, .. }, _) in packages {
            seen.entry(package.name.clone()).or_insert_with(|| Seen::of(package));
        }
    }

    /// Notes what was found.
    pub(super) fn found(&self, items: &[Item]) {
        let mut seen = self.seen();
        for item in items {
            let known = seen.entry(item.package.name.clone());
            known.or_insert_with(|| Seen::of(&item.package)).file = Some(Arc::clone(&item.file));
        }
    }

    /// Notes what was read.
    pub(super) fn read<'m>(&self, all: impl Iterator<Item = &'m Brief>) {
        let mut seen = self.seen();
        for metadata in all {
            if let Some(seen) = seen.get_mut(&metadata.name) {
                seen.metadata = Some(Box::new(metadata.clone()));
            }
        }
    }

    /// Notes what was done.
    pub(super) fn done<'d>(&self, all: impl Iterator<Item = &'d Done> + Clone) {
        self.read(all.clone().map(|done| &done.metadata));
        let mut seen = self.seen();
        for done in all {
            if let Some(seen) = seen.get_mut(&done.metadata.name) {
                (seen.size, seen.kept) = (done.size, done.kept);
            }
        }
    }
}

/// The packages that pip would have told of before it told `problems`, in its order.
pub fn so_far(request: &InstallRequest, problems: &Problems) -> Vec<Package> {
    let mut seen = request.so_far.seen();
    problems.iter().for_each(|problem| note_file(&mut seen, problem));
    let parts: Vec<Part<'_>> = seen.iter().filter_map(|(name, seen)| part(name, seen)).collect();
    let origins = origin::trace(&parts, request.locks.asked(), &request.target().markers);
    let asked = request.locks.asked().iter().map(|asked| &asked.requirement.name);
    let asked: BTreeSet<&PackageName> = asked.collect();
    let mut told = Vec::new();
    let mut only_asked = false;
    for (name, origin) in origins {
        let Some(seen) = seen.get(&name).filter(|_| !only_asked || asked.contains(&name)) else { continue };
        let ends = problems.iter().find(|problem| is_of(problem, &name)).map(Problem::code);
        told.extend(package(name, seen, origin));
        match ends {
            // What is asked for is looked at before anything that it needs.
            Some(Code::PythonMismatch) => only_asked = true,
            Some(Code::DependencyVersion | Code::DependencyNotInLock) | None => {}
            Some(_) => break,
        }
    }
    told
}

fn part<'s>(name: &'s PackageName, seen: &'s Seen) -> Option<Part<'s>> {
    let metadata = seen.metadata.as_ref();
    let version = metadata.map(|metadata| &metadata.version).or(seen.package.version.as_ref());
    let of_file = || seen.file.as_ref().map(|file| file.name.version());
    Some(Part {
        name,
        name_text: metadata.map_or(name.as_ref(), |metadata| &metadata.name_text),
        version: version.or_else(of_file)?,
        requires: metadata.map(|metadata| &metadata.requires),
        spelled: metadata.map(|metadata| &metadata.spelled),
        for_pythons: metadata.is_some_and(|metadata| metadata.for_pythons),
        kept: seen.kept,
        lock: &seen.package.place.file,
    })
}

/// As it is told; nothing where no file was found.
fn package(key: PackageName, seen: &Seen, origin: Origin) -> Option<Package> {
    let Part { name_text, version, .. } = part(&key, seen)?;
    let (name, version) = (name_text.to_owned(), version.clone());
    let file = seen.file.as_ref()?;
    let sha256 = file.hashes.sha256s().next()?;
    let direct = seen.package.is_direct(file);
    Some(Package {
        key,
        name,
        version,
        file: Some(shown(file)),
        sha256,
        size: seen.size,
        kept: seen.kept,
        beneath: false,
        requested: false,
        extras: Vec::new(),
        direct,
        yanked: seen.package.yanked.clone(),
        metadata: None,
        origin,
    })
}

/// Whether a problem is about a package, whose version may stand behind its name.
fn is_of(problem: &Problem, name: &PackageName) -> bool {
    let told = problem.package_name().and_then(|package| package.split(' ').next());
    told.and_then(|told| told.parse::<PackageName>().ok()).is_some_and(|told| told == *name)
}

/// The file that was looked at and has another hash.
fn note_file(seen: &mut BTreeMap<PackageName, Seen>, problem: &Problem) {
    let looked_at = problem.details_json().and_then(|details| details.get(LOOKED_AT)?.as_str());
    let Some(seen) = seen.iter_mut().find(|(name, _)| is_of(problem, name)).map(|(_, seen)| seen) else {
        return;
    };
    let (Some(looked_at), LockedSource::ByHash(hashes), None) = (looked_at, &seen.package.source, &seen.file)
    else {
        return;
    };
    let location = match url::Url::parse(looked_at) {
        Ok(url) => Location::Url(url),
        Err(_) => Location::Path(looked_at.into()),
    };
    let name = looked_at.rsplit('/').next().and_then(|name| WheelName::parse(name).ok());
    let file = name.map(|name| LockedFile {
        name,
        location,
        size: None,
        upload_time: None,
        hashes: hashes.clone(),
        place: seen.package.place.clone(),
    });
    seen.file = file.map(Arc::new);
}
