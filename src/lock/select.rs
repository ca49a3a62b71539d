//! Selecting: PEP 751's "Installation" steps, one after the other.
//!
//! Owns: what is installed in one environment. Pure. Never: falls back to a file that is not locked,
//! or to one that would have to be built.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pipward_resolver::{
    ExtraName, MarkerEnvironment, MarkerTree, PackageName, Tags, Target, VersionSpecifiers,
};

use super::closure::{self, Declared};
use super::{Lock, LockedFile, LockedPackage, LockedSource, Objection, SelectRequest, Selected, Selection};
use crate::error::{Code, Place, Problem, Problems};

/// How many tags or wheels a message names.
const SHOWN: usize = 6;

impl Lock {
    /// Follows PEP 751, "Installation", step by step. (Whether `lock-version` is supported was asked
    /// when the lock was read.)
    ///
    /// # Errors
    /// All at once where possible: `environment-mismatch`, `python-mismatch`, `unknown-extra`,
    /// `duplicate-package`, `no-matching-wheel`, `requirement-unsupported`.
    pub fn select(&self, request: &SelectRequest<'_>) -> Result<Selection, Problems> {
        let (selection, mut problems) = self.chosen(request);
        problems.extend(selection.objections(&request.target.markers));
        Problems::unless_empty(selection, problems)
    }

    /// The same, for a part of it to be taken: what speaks against single packages is left to [`Selection::objections`],
    /// since it is told only of what is needed.
    ///
    /// # Errors
    /// As [`Self::select`].
    pub fn offer(&self, request: &SelectRequest<'_>) -> Result<Selection, Problems> {
        let (selection, problems) = self.chosen(request);
        Problems::unless_empty(selection, problems)
    }

    /// What is selected, and what speaks against the lock as a whole.
    fn chosen(&self, request: &SelectRequest<'_>) -> (Selection, Vec<Problem>) {
        // "Gather the extras and dependency groups to install": `extras` is empty by default,
        // `dependency_groups` is made from `default-groups` by default.
        let default = if self.chosen.without_default_groups { &[] } else { self.default_groups.as_slice() };
        let groups = [request.groups.unwrap_or(default), &self.chosen.groups].concat();
        let extras = [request.extras, &self.chosen.extras].concat();
        let named = [request.groups.unwrap_or_default(), &self.chosen.groups].concat();
        let mut problems = self.unknown_names(&extras, &named);

        // "If requires-python is specified, check that the environment being installed for meets it."
        let environment = &request.target.markers;
        problems.extend(self.requires_python.as_ref().and_then(|wanted| {
            wrong_python(wanted, request.target, "this lock is for another Python")
                .map(|problem| problem.at(Place::file(&self.file).entry("requires-python")))
        }));

        // "If environments is specified, check that at least one of the environment marker
        // expressions is satisfied."
        if !self.environments.is_empty() && !self.environments.iter().any(|e| e.holds(environment, &[], &[]))
        {
            problems.push(self.wrong_environment(request.target));
        }

        // In a lock for elsewhere, that the wheels are for elsewhere too need not be told one by one.
        let elsewhere = !problems.is_empty();

        // "For each package listed in packages":
        let mut selected: BTreeMap<&PackageName, Arc<LockedPackage>> = BTreeMap::new();
        for package in &self.packages {
            // "If marker is specified, check if it is satisfied; if it isn't, skip to the next package."
            if package.marker.as_ref().is_some_and(|m| !m.holds(environment, &extras, &groups)) {
                continue;
            }
            // "Check that no other conflicting instance of the package has been slated to be installed."
            // (That its source is specified appropriately was checked when the lock was read.)
            if let Some(other) = selected.get_mut(&package.name) {
                let problem = ambiguous(other, package);
                Arc::make_mut(other).objections.push(Objection { marker: MarkerTree::TRUE, problem });
                continue;
            }
            let mut package_here = Arc::clone(package);
            // "If requires-python is specified, check if it is satisfied."
            let wrong = package.requires_python.as_ref().and_then(|wanted| {
                wrong_python(wanted, request.target, "this package is for another Python")
                    .map(|problem| problem.package(&package.name).at(package.place.clone()))
            });
            if let Some(problem) = wrong {
                let objection = Objection { marker: MarkerTree::TRUE, problem };
                Arc::make_mut(&mut package_here).objections.push(objection);
            }
            // "Add the package to the set of packages to install."
            selected.insert(&package.name, package_here);
        }

        // "For each package to be installed":
        let mut packages = Vec::with_capacity(selected.len());
        for mut package in selected.into_values() {
            let file = match source(&package, &request.target.tags) {
                Ok(file) => file.cloned().map(Arc::new),
                Err(problem) if elsewhere && problem.code() == Code::NoMatchingWheel => continue,
                Err(problem) => {
                    let problem = problem.package(package.shown()).at(package.place.clone());
                    Arc::make_mut(&mut package)
                        .objections
                        .push(Objection { marker: MarkerTree::TRUE, problem });
                    None
                }
            };
            packages.push(Selected { package, file });
        }
        (Selection { packages }, problems)
    }

    /// "`extras`: the list of extras supported by this lock file", "`dependency-groups`: … publicly
    /// supported". The default groups are not listed there and may be named all the same.
    fn unknown_names(&self, extras: &[ExtraName], groups: &[ExtraName]) -> Vec<Problem> {
        let refuse = |what: &str, name: &ExtraName, known: &[ExtraName], entry: &str| {
            let known = known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Problem::new(Code::UnknownExtra, format!("the lock has no {what} `{name}`"))
                .at(Place::file(&self.file).entry(entry))
                .expected(if known.is_empty() { "none".to_owned() } else { known })
                .found(name)
                .help(format!("leave it out, or lock again with the {what} in the inputs"))
        };
        let extras = extras.iter().filter(|extra| !self.extras.contains(extra));
        let groups = groups
            .iter()
            .filter(|group| !self.dependency_groups.contains(group) && !self.default_groups.contains(group));
        extras
            .map(|extra| refuse("extra", extra, &self.extras, "extras"))
            .chain(
                groups.map(|g| refuse("dependency group", g, &self.dependency_groups, "dependency-groups")),
            )
            .collect()
    }

    fn wrong_environment(&self, target: &Target) -> Problem {
        let wanted: Vec<&str> = self.environments.iter().map(|marker| marker.text.as_str()).collect();
        let here = &target.markers;
        Problem::new(Code::EnvironmentMismatch, "this lock was not made for this environment")
            .at(Place::file(&self.file).entry("environments"))
            .expected(wanted.join(", or "))
            .found(format!(
                "{} {} on {} {}",
                here.implementation_name(),
                here.python_full_version(),
                here.sys_platform(),
                here.platform_machine()
            ))
            .help("lock for this environment with `pipward lock`, or name another Python with --python")
    }
}

fn wrong_python(wanted: &VersionSpecifiers, target: &Target, message: &str) -> Option<Problem> {
    let python = target.markers.python_full_version();
    (!wanted.contains(python)).then(|| {
        Problem::new(Code::PythonMismatch, message)
            .expected(format!("Python {wanted}"))
            .found(format!("Python {python}"))
            .help("name a Python that fits with --python, or lock for this one with `pipward lock`")
    })
}

fn ambiguous(first: &LockedPackage, second: &LockedPackage) -> Problem {
    let tell = |package: &LockedPackage| match (&package.version, package.place.line) {
        (Some(version), Some(line)) => format!("{version} (line {line})"),
        (Some(version), None) => version.to_string(),
        (None, _) => package.place.to_string(),
    };
    Problem::new(Code::DuplicatePackage, "two entries of this package apply to this environment")
        .package(second.shown())
        .at(second.place.clone())
        .expected("one entry")
        .found(format!("{} and {}", tell(first), tell(second)))
        .help("write the lock anew with the tool that made it, so that the markers exclude each other")
}

/// The one file to install, or `None` for a package that is known by its hashes alone.
fn source<'p>(package: &'p LockedPackage, tags: &Tags) -> Result<Option<&'p LockedFile>, Problem> {
    match &package.source {
        // "If vcs is set: clone, build, install. Else if directory is set: build, install. Else if
        // archive is set: build, install": nothing is built here. "Tools MAY choose to not support" them.
        LockedSource::Unusable(what) => Err(Problem::new(
            Code::RequirementUnsupported,
            format!("the lock has only {what} of this package, and building one runs its code"),
        )
        .expected("a wheel")
        .found(what)
        .help("build a wheel elsewhere, put it into a folder, and lock again with --find-links FOLDER")),
        // "Else if there are entries for wheels: look for the appropriate wheel file based on name;
        // if one is not found then … an error MUST be raised about a lack of source."
        LockedSource::Wheels(files) => best(files, tags).map(Some).ok_or_else(|| no_wheel(files, tags)),
        // Not of PEP 751: a line of a requirements file.
        LockedSource::ByHash(_) => Ok(None),
    }
}

/// The wheel with the best tag; among equals the one with the highest build tag (binary distribution
/// format, "File name convention"); among those the first by name, so that order does not matter.
fn best<'f>(files: &'f [LockedFile], tags: &Tags) -> Option<&'f LockedFile> {
    files
        .iter()
        .filter_map(|file| Some((tags.rank(&file.name)?, file)))
        .min_by_key(|(rank, file)| (*rank, Reverse(file.name.build()), file.name.as_str()))
        .map(|(_, file)| file)
}

fn no_wheel(files: &[LockedFile], tags: &Tags) -> Problem {
    let some = |all: Vec<String>| {
        let more = all.len().saturating_sub(SHOWN);
        let shown = all.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{shown} and {more} more") } else { shown }
    };
    Problem::new(Code::NoMatchingWheel, "none of the locked wheels fits this environment")
        .expected(some(tags.iter().map(ToString::to_string).collect()))
        .found(some(files.iter().map(|file| file.name.to_string()).collect()))
        .help("lock for this platform and Python with `pipward lock`")
}

/// A part of a selection.
#[derive(Debug, Clone)]
pub enum Subset {
    /// The named packages and all that they depend on.
    Whole(Selection),
    /// The lock records no dependencies for these: their METADATA is needed to go on.
    NeedsMetadata(Vec<Selected>),
}

impl Selection {
    /// The package of this name.
    pub fn get(&self, name: &PackageName) -> Option<&Selected> {
        self.packages.iter().find(|selected| selected.package.name == *name)
    }

    /// What speaks against the selected packages in an environment.
    pub fn objections(&self, markers: &MarkerEnvironment) -> Vec<Problem> {
        self.packages.iter().flat_map(|selected| selected.package.objected(markers)).collect()
    }

    /// The named packages and everything they depend on: by the lock's `dependencies` where it
    /// records them, else by `declared`, the METADATA known so far (empty at first; the caller adds
    /// what [`Subset::NeedsMetadata`] asks for and calls again).
    ///
    /// # Errors
    /// `not-in-lock` for each name that is not selected.
    pub fn subset(
        &self,
        names: &[(PackageName, Vec<ExtraName>)],
        target: &Target,
        declared: &BTreeMap<PackageName, Declared<'_>>,
    ) -> Result<Subset, Problems> {
        let by_name: BTreeMap<&PackageName, &Selected> =
            self.packages.iter().map(|selected| (&selected.package.name, selected)).collect();
        let missing = names
            .iter()
            .filter(|(name, _)| !by_name.contains_key(name))
            .map(|(name, _)| {
                Problem::new(Code::NotInLock, "this package is not in the lock")
                    .package(name)
                    .help(format!("put it into the inputs and lock again: pipward lock {name} …"))
            })
            .collect();
        Problems::unless_empty((), missing)?;

        let mut wanted = closure::Wanted::default();
        names.iter().for_each(|(name, extras)| wanted.add(name, extras));
        let mut needs: BTreeSet<&PackageName> = BTreeSet::new();
        while let Some((name, extras)) = wanted.next() {
            let Some(selected) = by_name.get(&name) else { continue };
            match (&selected.package.dependencies, declared.get(&name)) {
                (Some(recorded), _) => recorded
                    .iter()
                    .filter(|entry| closure::applies(entry, target))
                    .for_each(|entry| wanted.add(&entry.name, &[])),
                (None, Some(declared)) => declared
                    .requires
                    .with(&extras)
                    .iter()
                    .filter(|requirement| requirement.evaluate_markers(&target.markers, &extras))
                    .for_each(|requirement| wanted.add(&requirement.name, &requirement.extras)),
                (None, None) => drop(needs.insert(&selected.package.name)),
            }
        }
        let take = |keep: &dyn Fn(&PackageName) -> bool| -> Vec<Selected> {
            self.packages.iter().filter(|selected| keep(&selected.package.name)).cloned().collect()
        };
        Ok(if needs.is_empty() {
            Subset::Whole(Self { packages: take(&|name| wanted.has(name)) })
        } else {
            Subset::NeedsMetadata(take(&|name| needs.contains(name)))
        })
    }
}

#[cfg(test)]
mod tests;
