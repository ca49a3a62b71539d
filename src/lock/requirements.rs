//! Hashed requirements files <-> [`super::Lock`].
//!
//! Owns: what makes a requirements file a lock. Never: lets a requirement through that is not pinned
//! to one version and hashed, whether its marker holds here or not.

mod complete;
mod constrain;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use pep508_rs::VersionOrUrl;
use pipward_resolver::{PackageName, Version, WheelName};
use url::Url;

use super::{Location, Lock, LockMarker, LockedFile, LockedPackage, LockedSource, Objection};
use crate::digest::{LockedHashes, Match, StrongDigest};
use crate::error::{Code, Problem, Problems};
use complete::{complete, is_pinned};
use constrain::{constrain, covers, outside};

use crate::requirements::{FileRequirement, RequirementsFile, entry};

/// Takes a requirements file as a lock: every requirement pinned with `==` (or a wheel's direct
/// address with a hash) and with at least one SHA-256, of its own or from a constraint.
///
/// # Errors
/// All faults at once: `pin-missing`, `hash-missing`, `hash-weak`, `hash-malformed`,
/// `duplicate-package`, and `dependency-version` for a pin that a constraint excludes.
pub fn from_requirements(file: &RequirementsFile, path: &Path) -> Result<Lock, Problems> {
    let mut sorted = sort(file);
    sorted.faults.extend(sorted.open.into_iter().flat_map(|open| open.lacks));
    // In the order of the lines.
    sorted.faults.sort_by_key(|fault| fault.place().and_then(|place| place.line));
    let lock = Lock { originals: file.originals.clone(), ..lock_of(sorted.packages, path) };
    Problems::unless_empty(lock, sorted.faults)
}

/// The requirements of a file, told apart by what they have.
#[derive(Debug, Default)]
pub struct Sorted {
    /// Those that are pinned and hashed, by name.
    pub packages: Vec<LockedPackage>,
    /// Those that are not.
    pub open: Vec<Open>,
    /// All that is wrong whatever a lock says of it.
    pub faults: Vec<Problem>,
}

/// A requirement that is installed only if a lock vouches for it.
#[derive(Debug)]
pub struct Open {
    /// The requirement.
    pub requirement: FileRequirement,
    /// What it lacks: `pin-missing`, `hash-missing`.
    pub lacks: Vec<Problem>,
}

/// Sorts the requirements of a file. A constraint gives pin and hashes to what has none, and binds the rest.
pub fn sort(file: &RequirementsFile) -> Sorted {
    let mut sorted = Sorted { faults: file.faults.clone(), ..Sorted::default() };
    let mut by_name: BTreeMap<PackageName, Vec<LockedPackage>> = BTreeMap::new();
    let (asked, constraints) = (of_names(&file.requirements), of_names(&file.constraints));
    for requirement in &file.requirements {
        let constraints = constraints.get(&requirement.requirement.name).map_or(&[][..], Vec::as_slice);
        for completed in complete(requirement, constraints) {
            match package(&completed) {
                Ok(package) => {
                    let packages = by_name.entry(package.name.clone()).or_default();
                    merge(packages, package, &mut sorted.faults);
                }
                Err(lacks) if is_open(requirement, &lacks) => match outside(requirement, constraints) {
                    Some(problem) => sorted.faults.push(problem),
                    None => sorted.open.push(Open { requirement: requirement.clone(), lacks }),
                },
                Err(found) => sorted.faults.extend(found),
            }
        }
    }
    for constraint in &file.constraints {
        if let Some(packages) = by_name.get_mut(&constraint.requirement.name) {
            constrain(packages, constraint);
        }
    }
    for (name, packages) in &mut by_name {
        sorted.faults.extend(everywhere(packages, asked.get(name).into_iter().flatten().copied()));
    }
    sorted.packages = by_name.into_values().flatten().collect();
    sorted
}

/// Requirements by the name of their project, each name's in their order.
fn of_names(requirements: &[FileRequirement]) -> BTreeMap<&PackageName, Vec<&FileRequirement>> {
    let mut of_name: BTreeMap<&PackageName, Vec<&FileRequirement>> = BTreeMap::new();
    for requirement in requirements {
        of_name.entry(&requirement.requirement.name).or_default().push(requirement);
    }
    of_name
}

/// What speaks against packages everywhere, which need not wait for an environment. Where no requirement has a pin of its
/// own, constraints speak against each other, and what was asked for is told.
fn everywhere<'r>(
    packages: &mut [LockedPackage],
    asked: impl Iterator<Item = &'r FileRequirement>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in packages {
        let here = package.marker.as_ref().map(|marker| marker.tree.clone()).unwrap_or_default();
        let (everywhere, rest) = std::mem::take(&mut package.objections)
            .into_iter()
            .partition(|objection: &Objection| covers(std::iter::once(&objection.marker), &here));
        package.objections = rest;
        problems.extend(everywhere.into_iter().map(|objection: Objection| objection.problem));
    }
    let asked: Vec<(bool, String)> =
        asked.map(|asked| (is_pinned(&asked.requirement), asked.shown())).collect();
    match asked.as_slice() {
        [(false, first), rest @ ..] if rest.iter().all(|(is_pinned, _)| !is_pinned) => {
            problems.into_iter().take(1).map(|problem| problem.found(first)).collect()
        }
        _ => problems,
    }
}

/// The constraints that name a version and its hashes: what else may be installed when something needs it. What
/// contradicts them is noted with them.
pub fn vouched(file: &RequirementsFile) -> Vec<LockedPackage> {
    let mut all = Vec::new();
    for constraints in of_names(&file.constraints).into_values() {
        let mut packages = Vec::new();
        for package in constraints.iter().filter_map(|constraint| package(constraint).ok()) {
            let mut alone = vec![package];
            constraints.iter().for_each(|other| constrain(&mut alone, other));
            for package in alone {
                let (mut found, marker) = (Vec::new(), package.marker.clone());
                merge(&mut packages, package, &mut found);
                let marker = marker.map(|marker| marker.tree).unwrap_or_default();
                let found = found.into_iter().map(|problem| Objection { marker: marker.clone(), problem });
                if let Some(last) = packages.last_mut() {
                    last.objections.extend(found);
                }
            }
        }
        all.extend(packages);
    }
    all
}

/// A lock of packages that stood in requirements files.
pub fn lock_of(packages: Vec<LockedPackage>, path: &Path) -> Lock {
    let packages = packages.into_iter().map(Arc::new).collect();
    Lock { file: path.to_owned(), created_by: "a requirements file".to_owned(), packages, ..Lock::default() }
}

/// Whether nothing is wrong with a requirement but that it has no hash, so that a lock may have one for it.
fn is_open(requirement: &FileRequirement, lacks: &[Problem]) -> bool {
    requirement.hashes.is_empty()
        && requirement.hash_problems.is_empty()
        && lacks.iter().all(|problem| matches!(problem.code(), Code::PinMissing | Code::HashMissing))
}

fn package(read: &FileRequirement) -> Result<LockedPackage, Vec<Problem>> {
    let requirement = &read.requirement;
    let about = |problem: Problem| problem.package(&requirement.name).at(read.place.clone());
    let mut problems = Vec::new();
    let mut source = None;
    let mut version = None;
    match &requirement.version_or_url {
        Some(VersionOrUrl::Url(url)) => match direct(read, url.raw()) {
            Ok(file) => {
                version = Some(file.name.version().clone());
                source = Some(LockedSource::Wheels(vec![file]));
            }
            Err(found) => problems.extend(found.into_iter().map(about)),
        },
        specifiers => {
            version = match specifiers {
                Some(VersionOrUrl::VersionSpecifier(specifiers)) => pinned(specifiers),
                _ => None,
            };
            if version.is_none() {
                problems.push(about(
                    Problem::new(Code::PinMissing, "this requirement is not pinned to one version")
                        .expected(format!("{}==VERSION", requirement.name))
                        .found(requirement)
                        .help("`pipward lock -r FILE` turns it into a lock; a constraints file or lock given with -c may have its pin and hashes too"),
                ));
            }
            match hashes(read, &read.hashes) {
                Ok(hashes) => source = Some(LockedSource::ByHash(hashes)),
                Err(found) => problems.extend(found.into_iter().map(about)),
            }
        }
    }
    let Some(source) = source.filter(|_| problems.is_empty()) else { return Err(problems) };
    Ok(LockedPackage {
        spelled: read.spelled.clone(),
        name: requirement.name.clone(),
        version,
        marker: LockMarker::of_requirement(&requirement.marker),
        requires_python: None,
        dependencies: None,
        index: None,
        source,
        metadata_sha256: BTreeMap::new(),
        yanked: None,
        publishers: Vec::new(),
        objections: Vec::new(),
        extras: requirement.extras.clone(),
        place: read.place.clone(),
    })
}

/// The version of a single `==` without a wildcard (or `===`).
fn pinned(specifiers: &pipward_resolver::VersionSpecifiers) -> Option<Version> {
    let mut all = specifiers.iter();
    match (all.next(), all.next()) {
        (Some(only), None)
            if matches!(only.operator(), pep440_rs::Operator::Equal | pep440_rs::Operator::ExactEqual) =>
        {
            Some(only.version().clone())
        }
        _ => None,
    }
}

/// At least one SHA-256. Weak ones beside it say nothing; a malformed one is a fault all the same.
fn hashes(read: &FileRequirement, given: &[StrongDigest]) -> Result<LockedHashes, Vec<Problem>> {
    let (weak, malformed): (Vec<&Problem>, Vec<&Problem>) =
        read.hash_problems.iter().partition(|problem| problem.code() == Code::HashWeak);
    if !malformed.is_empty() {
        return Err(malformed.into_iter().cloned().collect());
    }
    let has_sha256 = given.iter().any(|digest| matches!(digest, StrongDigest::Sha256(_)));
    let found = LockedHashes::new(Match::Any, given.to_vec()).filter(|_| has_sha256);
    found.ok_or_else(|| {
        if let (true, [weak, ..]) = (given.is_empty(), weak.as_slice()) {
            return vec![(*weak).clone()];
        }
        vec![
            Problem::new(Code::HashMissing, "this requirement has no SHA-256")
                .expected("--hash=sha256:…")
                .found(read.shown())
                .help("`pipward lock -r FILE --format requirements` writes hashes; `pipward hash WHEEL` computes one"),
        ]
    })
}

/// `name @ address`, its hash in the fragment or in `--hash`.
///
/// # Errors
/// `hash-missing`, `hash-weak`, `hash-malformed`, `wheel-name`.
pub fn direct(read: &FileRequirement, url: &Url) -> Result<LockedFile, Vec<Problem>> {
    let mut digests = read.hashes.clone();
    let fragment = url.fragment().into_iter().flat_map(|fragment| fragment.split('&'));
    let mut given = fragment.filter_map(|part| part.split_once('=')).filter(|(algorithm, _)| {
        matches!(*algorithm, "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512")
    });
    let mut weak_fragment = None;
    if let Some((algorithm, hex)) = given.next() {
        match StrongDigest::parse(algorithm, hex) {
            Ok(digest) if digests.is_empty() => digests.push(digest),
            Ok(digest) if digests.contains(&digest) => digests = vec![digest],
            Ok(digest) => {
                return Err(vec![
                    Problem::new(
                        Code::HashMalformed,
                        "the address and the --hash options give different hashes",
                    )
                    .expected(digest)
                    .help("delete the wrong one"),
                ]);
            }
            Err(problem) if problem.code() == Code::HashWeak => weak_fragment = Some(problem),
            Err(problem) => return Err(vec![problem]),
        }
    }
    let hashes = hashes(read, &digests).map_err(|found| match weak_fragment {
        Some(weak) if digests.is_empty() => vec![weak],
        _ => found,
    })?;
    let name = WheelName::parse(&entry::file_name(url)).map_err(|error| {
        vec![Problem::new(Code::WheelName, format!("this is not the file name of a wheel: {error}"))]
    })?;
    let location = match url.to_file_path() {
        Ok(path) if url.scheme() == "file" => Location::Path(path),
        _ => {
            let mut url = url.clone();
            url.set_fragment(None);
            Location::Url(url)
        }
    };
    Ok(LockedFile { name, location, size: None, upload_time: None, hashes, place: read.place.clone() })
}

/// Several lines of one name: the same version under the same marker is one package, which has the
/// hashes that all lines allow and the extras that any asks for. The same version with the same hashes
/// under another marker is one package under either. Two addresses for one environment contradict each other. Others are
/// left to [`Lock::select`].
fn merge(packages: &mut Vec<LockedPackage>, new: LockedPackage, problems: &mut Vec<Problem>) {
    let tree = |package: &LockedPackage| {
        package.marker.as_ref().map(|marker| marker.tree.clone()).unwrap_or_default()
    };
    let same = packages.iter_mut().find(|old| {
        old.name == new.name
            && old.version == new.version
            && (tree(old) == tree(&new) || allowed(old) == allowed(&new))
    });
    let Some(old) = same else {
        packages.push(new);
        return;
    };
    let contradicts = |what: &str, expected: String| {
        Problem::new(Code::DuplicatePackage, what)
            .package(new.shown())
            .at(new.place.clone())
            .expected(expected)
            .help("delete one of the lines")
    };
    let both = |mine: &LockedHashes, theirs: &LockedHashes| {
        let both =
            mine.digests().iter().filter(|digest| theirs.digests().contains(digest)).copied().collect();
        LockedHashes::new(Match::Any, both).ok_or_else(|| {
            let expected = format!("a hash of {}", old.place);
            contradicts("two lines of this package have no hash in common", expected)
        })
    };
    let joined = match (&old.source, &new.source) {
        (LockedSource::ByHash(mine), LockedSource::ByHash(theirs)) => {
            both(mine, theirs).map(LockedSource::ByHash)
        }
        (LockedSource::Wheels(mine), LockedSource::Wheels(theirs)) => {
            match (mine.as_slice(), theirs.as_slice()) {
                ([mine], [theirs]) if mine.location == theirs.location => both(&mine.hashes, &theirs.hashes)
                    .map(|hashes| LockedSource::Wheels(vec![LockedFile { hashes, ..mine.clone() }])),
                _ => Err(contradicts(
                    "two lines of this package name different addresses",
                    format!("the address of {}", old.place),
                )),
            }
        }
        // The address says where the pinned version is.
        (LockedSource::ByHash(mine), LockedSource::Wheels(theirs)) if theirs.len() == 1 => {
            let joined = addressed(theirs, &|hashes| both(mine, hashes));
            if joined.is_ok() {
                old.place = new.place.clone();
            }
            joined
        }
        (LockedSource::Wheels(mine), LockedSource::ByHash(theirs)) if mine.len() == 1 => {
            addressed(mine, &|hashes| both(hashes, theirs))
        }
        _ => {
            packages.push(new);
            return;
        }
    };
    match joined {
        Ok(source) => {
            let mut either = tree(old);
            either.or(tree(&new));
            old.marker = LockMarker::of_requirement(&either);
            old.source = source;
            old.objections.extend(new.objections);
            let extras: BTreeSet<_> = old.extras.drain(..).chain(new.extras).collect();
            old.extras = extras.into_iter().collect();
        }
        Err(problem) => problems.push(problem),
    }
}

/// The wheel of an address, with the hashes that remain of its own.
fn addressed(
    files: &[LockedFile],
    narrowed: &dyn Fn(&LockedHashes) -> Result<LockedHashes, Problem>,
) -> Result<LockedSource, Problem> {
    let files = files.iter().map(|file| Ok(LockedFile { hashes: narrowed(&file.hashes)?, ..file.clone() }));
    files.collect::<Result<Vec<LockedFile>, Problem>>().map(LockedSource::Wheels)
}

/// What a line vouches for: its hashes, and its address if it has one.
fn allowed(package: &LockedPackage) -> Option<(Option<&Location>, &[StrongDigest])> {
    match &package.source {
        LockedSource::ByHash(hashes) => Some((None, hashes.digests())),
        LockedSource::Wheels(files) => {
            files.first().map(|file| (Some(&file.location), file.hashes.digests()))
        }
        LockedSource::Unusable(_) => None,
    }
}

/// Writes a lock of one environment as a hashed requirements file, for `pip install --require-hashes -r`.
///
/// A wheel that lies in a folder, and one that no index is known for, is named by its address. The index is named where it is not PyPI. A
/// marker that asks for extras or groups has no form here: the caller locks without them.
pub fn write(lock: &Lock) -> String {
    let mut out =
        String::from("# Written by pipward. Change the inputs and lock again instead of editing it.\n");
    let mut indexes: Vec<&str> = Vec::new();
    for index in lock.packages.iter().filter_map(|package| package.index.as_ref()) {
        if !indexes.contains(&index.as_str()) {
            indexes.push(index.as_str());
        }
    }
    let is_pypi = |index: &str| index.trim_end_matches('/') == "https://pypi.org/simple";
    indexes.sort_by_key(|index| (!is_pypi(index), *index));
    for (at, index) in indexes.iter().enumerate() {
        match at {
            0 if is_pypi(index) => {}
            0 => drop(writeln!(out, "--index-url {index}")),
            _ => drop(writeln!(out, "--extra-index-url {index}")),
        }
    }
    let mut packages: Vec<&LockedPackage> = lock.packages.iter().map(Arc::as_ref).collect();
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    for package in packages {
        write_package(&mut out, package);
    }
    out
}

fn write_package(out: &mut String, package: &LockedPackage) {
    let mut digests: BTreeSet<StrongDigest> = BTreeSet::new();
    let mut address = None;
    match &package.source {
        LockedSource::Wheels(files) => {
            for file in files {
                // A line lists alternatives, so a file is told by one digest, its SHA-256 where it has one.
                digests.extend(file.hashes.digests().first());
            }
            if let [LockedFile { location: Location::Path(path), .. }] = files.as_slice() {
                address = Url::from_file_path(path).ok();
            }
            if let ([LockedFile { location: Location::Url(url), .. }], None) =
                (files.as_slice(), &package.index)
            {
                address = Some(url.clone());
            }
        }
        LockedSource::ByHash(hashes) => digests.extend(hashes.digests()),
        LockedSource::Unusable(_) => {}
    }
    let name = &package.name;
    let extras = match package.extras.as_slice() {
        [] => String::new(),
        extras => format!("[{}]", extras.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
    };
    match (address, &package.version) {
        (Some(address), _) => drop(write!(out, "{name}{extras} @ {address}")),
        (None, Some(version)) => drop(write!(out, "{name}{extras}=={version}")),
        (None, None) => drop(write!(out, "{name}{extras}")),
    }
    if let Some(marker) = &package.marker {
        let _ = write!(out, " ; {}", marker.text);
    }
    for digest in digests {
        let _ = write!(out, " \\\n    --hash={}:{}", digest.algorithm(), digest.hex());
    }
    out.push('\n');
}

#[cfg(test)]
mod tests;
