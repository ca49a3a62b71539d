//! What an install did, for those who tell of it.
//!
//! Never: does anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use pipward_resolver::{ExtraName, MarkerEnvironment, PackageName, Version};

use super::InstallRequest;
use super::origin::{self, Origin, Part};
use super::unpack::{Done, Item, direct_url};
use crate::digest::Sha256;
use crate::index::Index;
use crate::lock::{Location, LockedFile, Selection};
use crate::way::unchanged::There;
use crate::wheel::metadata::Brief;

/// What an install did.
#[derive(Debug, Default)]
pub struct Installed {
    /// All packages of the run, in the order in which they were asked for.
    pub packages: Vec<Package>,
    /// Name and version of what was put in, by name.
    pub installed: Vec<(String, String)>,
    /// What was there already, file for file as the lock has it.
    pub kept: Vec<(String, String)>,
    /// What was taken out to make room.
    pub removed: Vec<(String, String)>,
    /// How many files of byte-code went (or would go) that nothing vouches for.
    pub byte_code: usize,
    /// What went (or would go) that no RECORD lists.
    pub unlisted: Vec<PathBuf>,
    /// The wheels whose hashes were compared in this run.
    pub verified: Vec<VerifiedFile>,
    /// Requirements whose markers do not hold: name and marker.
    pub ignored: Vec<(String, String)>,
    /// Sentences for the user.
    pub warnings: Vec<String>,
    /// The markers of the environment itself, also where things are put in for another one.
    pub markers: Option<MarkerEnvironment>,
}

/// One package of a run.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name, normalised.
    pub key: PackageName,
    /// Its name as METADATA spells it.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// Where its file came from; where nothing had to be fetched, only what was asked for by address has one.
    pub file: Option<Arc<LockedFile>>,
    /// Its SHA-256.
    pub sha256: Sha256,
    /// The size of its file in bytes; 0 where none was read.
    pub size: u64,
    /// Whether it was there already.
    pub kept: bool,
    /// Whether it is there in the environment itself, and not where things go.
    pub beneath: bool,
    /// Whether it was asked for by name.
    pub requested: bool,
    /// The extras with which it was asked for.
    pub extras: Vec<ExtraName>,
    /// Whether it was asked for by address.
    pub direct: bool,
    /// Why it was yanked, where the lock or its index says that it was (PEP 592).
    pub yanked: Option<String>,
    /// METADATA of what was put in, where it was to be told.
    pub metadata: Option<Vec<u8>>,
    /// Why it is part of the run.
    pub origin: Origin,
}

/// A wheel that was verified.
#[derive(Debug, Clone)]
pub struct VerifiedFile {
    /// Its file name.
    pub name: String,
    /// Its SHA-256.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

pub(super) fn told(
    report: crate::install::Report,
    items: &[Item],
    done: Vec<Done>,
    origins: &[(PackageName, Origin)],
    index: &Index,
    request: &InstallRequest,
) -> Installed {
    let mut told = Installed { removed: report.removed, warnings: index.notes(), ..Installed::default() };
    told.warnings.extend(report.left_out);
    told.ignored = ignored(request);
    let by_name = by_name(origins);
    for (item, mut done) in items.iter().zip(done) {
        let origin = by_name.get(&item.package.name);
        let origin = origin.map(|(_, origin)| (*origin).clone()).unwrap_or_default();
        let package = package(item, &mut done, origin, request);
        told.warnings.extend(unknown_extras(Some(&package), &done.metadata.extras));
        told.packages.push(package);
        let pair = (item.package.name.to_string(), done.metadata.version.to_string());
        if done.kept {
            told.kept.push(pair);
        } else {
            told.installed.push(pair);
        }
        told.warnings.extend(done.warnings);
        told.byte_code += done.stale;
        if done.verified {
            let name = item.file.name.to_string();
            told.verified.push(VerifiedFile { name, sha256: done.sha256, size: done.size });
        }
    }
    told.arrange(&by_name);
    told
}

/// The packages of a run that changes no environment, in the order in which they were asked for.
pub(super) fn packages(
    items: &[Item],
    done: Vec<Done>,
    left_out: &BTreeMap<PackageName, Brief>,
    request: &InstallRequest,
) -> Vec<Package> {
    let mut told = Installed::default();
    let origins = origins(items, &done, left_out, request);
    let by_name = by_name(&origins);
    for (item, mut done) in items.iter().zip(done) {
        let origin = by_name.get(&item.package.name);
        let origin = origin.map(|(_, origin)| (*origin).clone()).unwrap_or_default();
        told.packages.push(package(item, &mut done, origin, request));
    }
    told.arrange(&by_name);
    told.packages
}

/// Why each of them is part of the run. What is `left_out` of it is not told, but needs what it needs.
pub(super) fn origins(
    items: &[Item],
    done: &[Done],
    left_out: &BTreeMap<PackageName, Brief>,
    request: &InstallRequest,
) -> Vec<(PackageName, Origin)> {
    let is_taken = |name: &PackageName| items.iter().any(|item| item.package.name == *name);
    let mut parts: Vec<Part<'_>> = items
        .iter()
        .zip(done)
        .map(|(item, done)| Part { lock: &item.package.place.file, ..part(&done.metadata, done.kept) })
        .collect();
    if request.only_dependencies {
        let left_out = left_out.iter().filter(|(name, _)| !is_taken(name));
        parts.extend(left_out.map(|(_, metadata)| part(metadata, false)));
    }
    origin::trace(&parts, request.locks.asked(), &request.target().markers)
}

fn part(metadata: &Brief, kept: bool) -> Part<'_> {
    Part {
        name: &metadata.name,
        name_text: &metadata.name_text,
        version: &metadata.version,
        requires: Some(&metadata.requires),
        spelled: Some(&metadata.spelled),
        for_pythons: metadata.for_pythons,
        kept,
        lock: "",
    }
}

/// Origins by their names, and the turn of each.
type ByName<'o> = BTreeMap<&'o PackageName, (usize, &'o Origin)>;

fn by_name(origins: &[(PackageName, Origin)]) -> ByName<'_> {
    origins.iter().enumerate().rev().map(|(turn, (name, origin))| (name, (turn, origin))).collect()
}

impl Installed {
    /// Puts the packages into the order of their origins.
    fn arrange(&mut self, origins: &ByName<'_>) {
        self.packages.sort_by_key(|package| origins.get(&package.key).map_or(usize::MAX, |(turn, _)| *turn));
    }
}

/// Requirements whose markers do not hold: name and marker.
pub(super) fn ignored(request: &InstallRequest) -> Vec<(String, String)> {
    let markers = &request.target().markers;
    let mut ignored = Vec::new();
    for asked in origin::in_turn(request.locks.asked()) {
        let marker = &asked.requirement.marker;
        if let (false, Some(text)) = (marker.evaluate(markers, &[]), marker.contents()) {
            let name = asked.spelled.clone().unwrap_or_else(|| asked.requirement.name.to_string());
            ignored.push((name, asked.marker_text.clone().unwrap_or_else(|| text.to_string())));
        }
    }
    ignored
}

/// The extras with which a package was asked for.
pub(super) fn asked_extras(name: &PackageName, request: &InstallRequest) -> Vec<ExtraName> {
    let asked = request.locks.asked().iter().filter(|asked| asked.requirement.name == *name);
    let mut extras: Vec<ExtraName> = asked.flat_map(|asked| asked.requirement.extras.clone()).collect();
    extras.sort();
    extras.dedup();
    extras
}

/// The file as it is told of: of an address, what is behind a `#` is no part.
pub(super) fn shown(file: &Arc<LockedFile>) -> Arc<LockedFile> {
    let mut file = Arc::clone(file);
    if matches!(&file.location, Location::Url(url) if url.fragment().is_some())
        && let Location::Url(url) = &mut Arc::make_mut(&mut file).location
    {
        url.set_fragment(None);
    }
    file
}

/// Takes METADATA with it.
fn package(item: &Item, done: &mut Done, origin: Origin, request: &InstallRequest) -> Package {
    Package {
        key: item.package.name.clone(),
        name: done.metadata.name_text.clone(),
        version: done.metadata.version.clone(),
        file: Some(shown(&item.file)),
        sha256: done.sha256,
        size: done.size,
        kept: done.kept,
        beneath: done.beneath,
        requested: item.requested,
        extras: asked_extras(&item.package.name, request),
        direct: direct_url(item).is_some(),
        yanked: item.package.yanked.clone(),
        metadata: done.metadata_text.take(),
        origin,
    }
}

/// What is told of a run in which everything was there already, package by package of the selection.
pub(in crate::way) fn nothing_to_do(
    request: &InstallRequest,
    selection: &Selection,
    requested: &BTreeSet<PackageName>,
    all: &[There],
) -> Installed {
    let markers = &request.target().markers;
    let parts: Vec<Part<'_>> = selection
        .packages
        .iter()
        .zip(all)
        .map(|(selected, there)| Part {
            name: &selected.package.name,
            name_text: &there.name,
            version: &there.version,
            requires: there.metadata.as_ref().map(|metadata| &metadata.requires),
            spelled: there.metadata.as_ref().map(|metadata| &metadata.spelled),
            for_pythons: false,
            kept: true,
            lock: &selected.package.place.file,
        })
        .collect();
    let origins = origin::trace(&parts, request.locks.asked(), markers);
    drop(parts);
    let by_name = by_name(&origins);
    let own = request.environment.interpreter().target.markers.clone();
    let mut told = Installed { ignored: ignored(request), markers: Some(own), ..Installed::default() };
    for (selected, there) in selection.packages.iter().zip(all) {
        let name = &selected.package.name;
        let origin = by_name.get(name);
        told.kept.push((name.to_string(), there.version.to_string()));
        told.packages.push(Package {
            key: name.clone(),
            name: there.name.clone(),
            version: there.version.clone(),
            file: selected.file.clone().filter(|file| selected.package.is_direct(file)),
            sha256: there.sha256,
            size: 0,
            kept: true,
            beneath: false,
            requested: requested.contains(name),
            extras: asked_extras(name, request),
            direct: selected.file.as_ref().is_some_and(|file| selected.package.is_direct(file)),
            yanked: selected.package.yanked.clone(),
            metadata: None,
            origin: origin.map(|(_, origin)| (*origin).clone()).unwrap_or_default(),
        });
        let extras = there.metadata.as_ref().map(|metadata| metadata.extras.as_slice());
        told.warnings.extend(unknown_extras(told.packages.last(), extras.unwrap_or_default()));
    }
    told.warnings.extend(request.locks.warnings());
    told.arrange(&by_name);
    told
}

fn unknown_extras(package: Option<&Package>, known: &[ExtraName]) -> Vec<String> {
    let Some(package) = package else { return Vec::new() };
    let asked: BTreeSet<&ExtraName> = package.extras.iter().chain(&package.origin.extras).collect();
    let missing = asked.into_iter().filter(|extra| !known.contains(extra));
    missing
        .map(|extra| format!("{} {} does not provide the extra '{extra}'", package.key, package.version))
        .collect()
}
