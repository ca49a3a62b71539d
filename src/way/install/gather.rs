//! What is installed in one run: what each lock selects, and what is looked up in one, together.
//!
//! Never: takes anything that no lock has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pipward_resolver::{PackageName, Target};

use super::unpack::{Item, resolve_each};
use super::{InstallRequest, declared};
use crate::cache::Store;
use crate::error::{Code, Problem, Problems};
use crate::index::Index;
use crate::lock::closure::{self, ClosureRequest, Declared};
use crate::lock::{Lock, LockedPackage, LockedSource, SelectRequest, Selected, Selection, Subset};
use crate::requirements::FileRequirement;
use crate::verify::VerifiedWheel;
use crate::wheel::metadata::Brief;

/// The packages of a run, one entry a name, and what was asked for.
pub(super) struct Gathered<'r> {
    /// All that lead to them.
    locks: Vec<&'r Lock>,
    pub(super) selection: Selection,
    pub(super) requested: BTreeSet<PackageName>,
    roots: Vec<FileRequirement>,
    asked: Vec<FileRequirement>,
    /// METADATA of what is needed and not itself installed (`--only-deps`), or was read on the way.
    pub(super) known: BTreeMap<PackageName, Brief>,
}

impl<'r> Gathered<'r> {
    /// What a request leads to, and the file of each package that is installed.
    ///
    /// # Errors
    /// Those of the selection, and of finding the files.
    pub(super) fn with_items(
        request: &'r InstallRequest,
        index: &Index,
    ) -> Result<(Self, Vec<Item>), Problems> {
        request.locks.check_here(request.target())?;
        let mut gathered = Self::new(request, index)?;
        let (left_out, taken): (Vec<Selected>, Vec<Selected>) =
            gathered.selection.packages.iter().cloned().partition(|selected| {
                request.only_dependencies && gathered.requested.contains(&selected.package.name)
            });
        if request.check_closure {
            let unread = |selected: &&Selected| {
                selected.package.dependencies.is_none()
                    && !gathered.known.contains_key(&selected.package.name)
            };
            let unread = left_out.iter().filter(unread).cloned().collect();
            let read = read_metadata(unread, index, request)?;
            gathered.known.extend(read);
        }
        let taken = taken
            .into_iter()
            .map(|selected| {
                let requested = gathered.requested.contains(&selected.package.name);
                (selected, requested)
            })
            .collect();
        let items = files(taken, index, request)?;
        Ok((gathered, items))
    }

    /// Checks that what is installed has what it needs; `read` are the METADATA of the items.
    ///
    /// # Errors
    /// As [`closure::check`].
    pub(super) fn check_items<'m>(
        &'m self,
        items: &'m [Item],
        read: impl Iterator<Item = &'m Brief>,
        target: &Target,
    ) -> Result<(), Problems> {
        let mut all: BTreeMap<PackageName, Declared<'_>> =
            self.known.iter().map(|(name, metadata)| (name.clone(), declared(metadata))).collect();
        all.extend(
            items.iter().zip(read).map(|(item, metadata)| (item.package.name.clone(), declared(metadata))),
        );
        Problems::unless_empty((), self.check(&all, target))
    }

    pub(super) fn new(request: &'r InstallRequest, index: &Index) -> Result<Self, Problems> {
        let target = request.target();
        let select = SelectRequest { target, extras: &request.extras, groups: request.groups.as_deref() };
        let mut faults = Vec::new();
        let mut known = BTreeMap::new();
        let mut gathered: Option<Self> = None;
        let mut add = |part: Self, faults: &mut Vec<Problem>| match &mut gathered {
            Some(gathered) => gathered.merge(part, faults),
            None => gathered = Some(part),
        };
        for lock in request.locks.whole() {
            match lock.select(&select) {
                Ok(selection) => add(Self::whole(lock, selection), &mut faults),
                Err(problems) => faults.extend(problems),
            }
        }
        if let Some((lock, names)) = request.locks.named() {
            // "Non-matching lines are skipped."
            let here = |asked: &&FileRequirement| asked.requirement.evaluate_markers(&target.markers, &[]);
            let names: Vec<FileRequirement> = names.iter().filter(here).cloned().collect();
            let selected =
                lock.offer(&select).and_then(|all| subset(&all, &names, &mut known, index, request));
            match selected {
                Ok(selection) => add(Self::named(lock, selection, names), &mut faults),
                Err(problems) => faults.extend(problems),
            }
        }
        let mut gathered = gathered.unwrap_or_else(|| Self::of(None, Selection::default()));
        gathered.known = known;
        gathered.asked = request.locks.asked().to_vec();
        faults.extend(gathered.selection.objections(&target.markers));
        // Where the lock records all dependencies, nothing need be downloaded to see that it is closed.
        if request.check_closure
            && faults.is_empty()
            && gathered.selection.without_dependencies().next().is_none()
        {
            faults.extend(gathered.check(&BTreeMap::new(), target));
        }
        Problems::unless_empty(gathered, faults)
    }

    fn of(lock: Option<&'r Lock>, selection: Selection) -> Self {
        Self {
            locks: lock.into_iter().collect(),
            selection,
            requested: BTreeSet::new(),
            roots: Vec::new(),
            asked: Vec::new(),
            known: BTreeMap::new(),
        }
    }

    fn whole(lock: &'r Lock, selection: Selection) -> Self {
        let requested = selection.packages.iter().map(|selected| selected.package.name.clone()).collect();
        Self { requested, ..Self::of(Some(lock), selection) }
    }

    fn named(lock: &'r Lock, selection: Selection, names: Vec<FileRequirement>) -> Self {
        let requested = names.iter().map(|named| named.requirement.name.clone()).collect();
        Self { requested, roots: names, ..Self::of(Some(lock), selection) }
    }

    fn merge(&mut self, other: Self, faults: &mut Vec<Problem>) {
        self.locks.extend(other.locks);
        self.requested.extend(other.requested);
        self.roots.extend(other.roots);
        for selected in other.selection.packages {
            match self.selection.get(&selected.package.name) {
                Some(before) if same_release(before, &selected) => {}
                Some(before) => faults.push(two_locks(&before.package, &selected.package)),
                None => self.selection.packages.push(selected),
            }
        }
        self.selection.packages.sort_by(|a, b| a.package.name.cmp(&b.package.name));
    }

    fn check(&self, declared: &BTreeMap<PackageName, Declared<'_>>, target: &Target) -> Vec<Problem> {
        closure::check(&ClosureRequest {
            locks: &self.locks,
            selection: &self.selection,
            roots: &self.roots,
            asked: &self.asked,
            declared,
            target,
        })
    }
}

/// The named packages and what they depend on. Where the lock does not record that, the wheels'
/// METADATA tells, once their hashes were compared.
fn subset(
    all: &Selection,
    names: &[FileRequirement],
    known: &mut BTreeMap<PackageName, Brief>,
    index: &Index,
    request: &InstallRequest,
) -> Result<Selection, Problems> {
    let target = request.target();
    if !request.check_closure {
        let named =
            |selected: &&Selected| names.iter().any(|asked| asked.requirement.name == selected.package.name);
        return Ok(Selection { packages: all.packages.iter().filter(named).cloned().collect() });
    }
    let names: Vec<_> = names
        .iter()
        .map(|named| (named.requirement.name.clone(), named.requirement.extras.clone()))
        .collect();
    loop {
        let declared = known.iter().map(|(name, metadata)| (name.clone(), declared(metadata))).collect();
        match all.subset(&names, target, &declared)? {
            Subset::Whole(selection) => return Ok(selection),
            Subset::NeedsMetadata(packages) => {
                let part = Selection { packages };
                Problems::unless_empty((), part.objections(&target.markers))?;
                let read = read_metadata(part.packages, index, request);
                known.extend(read.inspect_err(|_| request.so_far.read(known.values()))?);
            }
        }
    }
}

/// METADATA of packages, from their verified wheels.
fn read_metadata(
    packages: Vec<Selected>,
    index: &Index,
    request: &InstallRequest,
) -> Result<BTreeMap<PackageName, Brief>, Problems> {
    let mut read = BTreeMap::new();
    let packages = packages.into_iter().map(|selected| (selected, false)).collect();
    let items = files(packages, index, request)?;
    let fetcher = index.fetcher(request.cache.as_deref().map(Store::new));
    let mut faults = Vec::new();
    for (at, fetched) in fetcher.start(items.iter().map(|item| Arc::clone(&item.file)).collect()) {
        let Some(item) = items.get(at) else { continue };
        let verified = fetched.and_then(|fetched| VerifiedWheel::check(fetched, &item.file));
        match verified.and_then(|verified| request.policy.read(verified)) {
            Ok(wheel) => {
                read.insert(item.package.name.clone(), wheel.brief(&request.target().markers));
            }
            Err(problem) => faults.push((at, problem)),
        }
    }
    if !faults.is_empty() {
        request.so_far.read(read.values());
    }
    faults.sort_by_key(|(at, _)| *at);
    Problems::unless_empty(read, faults.into_iter().map(|(_, problem)| problem).collect())
}

/// The files of packages, each noted.
fn files(
    packages: Vec<(Selected, bool)>,
    index: &Index,
    request: &InstallRequest,
) -> Result<Vec<Item>, Problems> {
    request.so_far.selected(&packages);
    let (items, faults) = resolve_each(packages, index, request.target());
    request.so_far.found(&items);
    Problems::unless_empty(items, faults)
}

fn same_release(a: &Selected, b: &Selected) -> bool {
    a.package.version == b.package.version
        && match (&a.file, &b.file) {
            (Some(a), Some(b)) => a.hashes == b.hashes,
            (None, None) => match (&a.package.source, &b.package.source) {
                (LockedSource::ByHash(a), LockedSource::ByHash(b)) => a == b,
                _ => false,
            },
            _ => false,
        }
}

fn two_locks(a: &LockedPackage, b: &LockedPackage) -> Problem {
    let version = |package: &LockedPackage| {
        let version = package.version.as_ref().map_or_else(|| "no version".to_owned(), ToString::to_string);
        format!("{version} ({})", package.place)
    };
    Problem::new(Code::DuplicatePackage, "two locks of this run have different entries of one name")
        .package(&a.name)
        .at(b.place.clone())
        .expected(version(a))
        .found(version(b))
        .help("install from one lock, or lock both sets of requirements together")
}
