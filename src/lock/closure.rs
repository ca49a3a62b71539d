//! Whether a selection is closed: nothing that it needs is missing from it.
//!
//! Owns: the check that `--no-deps` leaves out. Pure. Never: adds a package.

mod address;

use std::collections::{BTreeMap, BTreeSet};

use pep508_rs::VersionOrUrl;
use pipward_resolver::{ExtraName, PackageName, Requirement, Target, VerbatimUrl, Version};

use super::{Lock, LockedDependency, Selected, Selection};
use crate::error::{Code, Place, Problem, without_passwords};
use crate::pep508::Written;
use crate::requirements::FileRequirement;

/// What a wheel's METADATA says of its dependencies.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a> {
    /// `Requires-Dist`.
    pub requires: &'a Written,
    /// `Provides-Extra`.
    pub extras: &'a [ExtraName],
    /// The names in `requires` that are written otherwise than they are normalised.
    pub spelled: Option<&'a BTreeMap<PackageName, String>>,
}

/// What is checked.
#[derive(Debug, Clone, Copy)]
pub struct ClosureRequest<'a> {
    /// The locks; their entries for other environments are known to be left out on purpose.
    pub locks: &'a [&'a Lock],
    /// What is to be installed.
    pub selection: &'a Selection,
    /// What was asked for, with versions and extras. May be empty.
    pub roots: &'a [FileRequirement],
    /// Everything that was asked for: a dependency that names an address is the one that was asked for.
    pub asked: &'a [FileRequirement],
    /// METADATA by package, for those whose dependencies the lock does not record.
    pub declared: &'a BTreeMap<PackageName, Declared<'a>>,
    /// The environment.
    pub target: &'a Target,
}

impl Selection {
    /// The packages whose dependencies the lock does not record, and whose METADATA [`check`] needs.
    pub fn without_dependencies(&self) -> impl Iterator<Item = &Selected> {
        self.packages.iter().filter(|selected| selected.package.dependencies.is_none())
    }
}

/// Checks that every dependency of a selected package is selected: by the lock's `dependencies`
/// (which were made with its overrides) where it records them, else by METADATA, versions included.
///
/// Problems: `dependency-not-in-lock`, `dependency-version`, and `metadata-unavailable` for a package
/// that neither the lock nor `declared` tells about.
pub fn check(request: &ClosureRequest<'_>) -> Vec<Problem> {
    let by_name: BTreeMap<&PackageName, &Selected> =
        request.selection.packages.iter().map(|selected| (&selected.package.name, selected)).collect();
    let mut check = Check { request, by_name, wanted: Wanted::default(), problems: Vec::new() };
    for root in request.roots {
        if root.requirement.evaluate_markers(&request.target.markers, &[]) {
            check.requirement(None, &root.requirement, &root.place);
            check.spell(root);
        }
    }
    for selected in &request.selection.packages {
        check.wanted.add(&selected.package.name, &selected.package.extras);
    }
    while let Some((name, extras)) = check.wanted.next() {
        if let Some(selected) = check.by_name.get(&name).copied() {
            check.package(selected, &extras);
        }
    }
    // A package is looked at again when another asks for more of its extras.
    let mut problems: Vec<Problem> = Vec::new();
    for problem in check.problems {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    problems.sort_by(|a, b| a.package_name().cmp(&b.package_name()));
    problems
}

struct Check<'a> {
    request: &'a ClosureRequest<'a>,
    by_name: BTreeMap<&'a PackageName, &'a Selected>,
    wanted: Wanted,
    problems: Vec<Problem>,
}

impl<'a> Check<'a> {
    fn package(&mut self, selected: &'a Selected, extras: &[ExtraName]) {
        let package = &selected.package;
        match (&package.dependencies, self.request.declared.get(&package.name)) {
            (Some(recorded), _) => {
                recorded.iter().for_each(|entry| self.recorded(selected, entry));
            }
            (None, Some(declared)) => {
                for requirement in declared.requires.with(extras) {
                    if requirement.evaluate_markers(&self.request.target.markers, extras) {
                        self.requirement(Some(&package.name), requirement, &package.place);
                    }
                }
            }
            (None, None) => self.problems.push(
                Problem::new(
                    Code::MetadataUnavailable,
                    "neither the lock nor a METADATA tells what this package depends on",
                )
                .package(&package.name)
                .at(package.place.clone())
                .help("lock again with `pipward lock`, or leave out this check with --no-deps"),
            ),
        }
    }

    /// "Records the other entries in packages which are direct dependencies of this package": an
    /// entry whose marker does not hold here is left out on purpose.
    fn recorded(&mut self, of: &Selected, entry: &LockedDependency) {
        if !applies(entry, self.request.target) {
            return;
        }
        let all = self.request.locks.iter().flat_map(|lock| &lock.packages);
        let mut entries = all.filter(|package| package.name == entry.name);
        match self.by_name.get(&entry.name) {
            None if entries.any(|package| package.marker.is_some()) => {}
            None => self.problems.push(missing(Some(&of.package.name), &entry.name, &of.package.place)),
            Some(found) => {
                let fits = match (&entry.version, &found.package.version) {
                    (Some(wanted), Some(found)) => wanted == found,
                    _ => true,
                };
                // Another entry of that version may be the one for other environments.
                if !fits && !entries.any(|package| package.version == entry.version) {
                    let wanted = entry.version.as_ref().map(|v| format!("=={v}")).unwrap_or_default();
                    let of = &of.package;
                    self.problems.push(other_version(
                        &of.name,
                        of.version.as_ref(),
                        found,
                        &wanted,
                        &of.place,
                    ));
                }
            }
        }
    }

    fn requirement(
        &mut self,
        of: Option<&PackageName>,
        requirement: &Requirement<VerbatimUrl>,
        place: &Place,
    ) {
        let Some(found) = self.by_name.get(&requirement.name).copied() else {
            let problem = missing(of, &requirement.name, place);
            let declared = of.and_then(|of| self.request.declared.get(of));
            let spelled = declared.and_then(|declared| declared.spelled?.get(&requirement.name));
            let spelled = spelled.cloned().unwrap_or_else(|| requirement.name.to_string());
            self.problems.push(match &requirement.version_or_url {
                Some(VersionOrUrl::Url(url)) => {
                    problem.expected(format!("{spelled} @ {}", without_passwords(url.as_str())))
                }
                Some(VersionOrUrl::VersionSpecifier(specifiers)) => {
                    problem.expected(format!("{spelled}{specifiers}"))
                }
                None => problem.expected(spelled),
            });
            return;
        };
        self.wanted.add(&requirement.name, &requirement.extras);
        if let (Some(VersionOrUrl::Url(url)), Some(of)) = (&requirement.version_or_url, of)
            && let Some(asked) = self.asked_elsewhere(&requirement.name, url, found)
        {
            let of_version = self.by_name.get(of).and_then(|of| of.package.version.as_ref());
            self.problems.push(address::other(of, of_version, found, url, asked).at(place.clone()));
        }
        if let (Some(VersionOrUrl::VersionSpecifier(specifiers)), Some(version)) =
            (&requirement.version_or_url, &found.package.version)
            && !specifiers.contains(version)
        {
            let version = of.and_then(|of| self.by_name.get(of)).and_then(|of| of.package.version.as_ref());
            let of = of.unwrap_or(&requirement.name);
            self.problems.push(other_version(of, version, found, &specifiers.to_string(), place));
        }
    }
}

impl Check<'_> {
    /// What asks for a package by another address than a dependency does.
    fn asked_elsewhere(
        &self,
        name: &PackageName,
        url: &VerbatimUrl,
        found: &Selected,
    ) -> Option<&FileRequirement> {
        let of_name = self.request.asked.iter().filter(|asked| asked.requirement.name == *name);
        let here =
            of_name.filter(|asked| asked.requirement.evaluate_markers(&self.request.target.markers, &[]));
        let mut addressed = here.filter_map(|asked| match &asked.requirement.version_or_url {
            Some(VersionOrUrl::Url(own)) => Some((asked, own)),
            _ => None,
        });
        let (asked, own) = addressed.next()?;
        let hashes = found.file.as_ref().map(|file| &file.hashes);
        (!address::is_same(url.raw(), own.raw(), hashes)).then_some(asked)
    }

    /// Tells what was asked for as it was written.
    fn spell(&mut self, root: &FileRequirement) {
        let Some(last) = self.problems.pop() else { return };
        let is_it = last.place() == Some(&root.place)
            && last.code() == Code::DependencyVersion
            && last.package_name() == Some(root.requirement.name.as_ref());
        self.problems.push(if is_it { last.expected(root.shown()) } else { last });
    }
}

fn missing(of: Option<&PackageName>, name: &PackageName, place: &Place) -> Problem {
    let (code, message) = match of {
        Some(_) => (
            Code::DependencyNotInLock,
            format!("it needs {name}, which is not part of what would be installed"),
        ),
        None => (Code::NotInLock, format!("{name} is asked for and is not part of what would be installed")),
    };
    Problem::new(code, message)
        .package(of.unwrap_or(name))
        .at(place.clone())
        .expected(name)
        .help("lock again with `pipward lock`; --no-deps leaves out this check alone")
}

fn other_version(
    of: &PackageName,
    of_version: Option<&Version>,
    found: &Selected,
    wanted: &str,
    place: &Place,
) -> Problem {
    let name = &found.package.name;
    let version = found.package.version.as_ref().map(ToString::to_string).unwrap_or_default();
    let depends = of_version.map(|of_version| format!("{of} {of_version} depends on {name}{wanted}"));
    let problem = Problem::new(
        Code::DependencyVersion,
        format!("it needs {name}{wanted}, and the lock has {name} {version}"),
    );
    let problem = match depends {
        Some(depends) => problem.cause(depends),
        None => problem,
    };
    problem
        .package(of)
        .at(place.clone())
        .expected(format!("{name}{wanted}"))
        .found(format!("{name} {version}"))
        .help("lock again with `pipward lock`; --no-deps leaves out this check alone")
}

/// Whether a recorded dependency says nothing against this environment.
pub(super) fn applies(entry: &LockedDependency, target: &Target) -> bool {
    entry.marker.as_ref().is_none_or(|marker| marker.holds(&target.markers, &[], &[]))
}

/// Names with their extras, each handed out again when it gains an extra.
#[derive(Default)]
pub(super) struct Wanted {
    known: BTreeMap<PackageName, Known>,
    open: Vec<PackageName>,
}

/// What is wanted of a name.
#[derive(Default)]
struct Known {
    extras: BTreeSet<ExtraName>,
    is_open: bool,
}

impl Wanted {
    pub(super) fn add(&mut self, name: &PackageName, extras: &[ExtraName]) {
        let is_new = !self.known.contains_key(name);
        let known = self.known.entry(name.clone()).or_default();
        let before = known.extras.len();
        known.extras.extend(extras.iter().cloned());
        if (is_new || known.extras.len() > before) && !known.is_open {
            known.is_open = true;
            self.open.push(name.clone());
        }
    }

    pub(super) fn has(&self, name: &PackageName) -> bool {
        self.known.contains_key(name)
    }

    pub(super) fn next(&mut self) -> Option<(PackageName, Vec<ExtraName>)> {
        let name = self.open.pop()?;
        let known = self.known.get_mut(&name);
        let extras = known.map(|known| {
            known.is_open = false;
            known.extras.iter().cloned().collect()
        });
        Some((name, extras.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests;
