//! What is audited: the packages of locks, or what is installed.
//!
//! Never: leaves out in silence what has no version that could be looked up.

use std::collections::BTreeMap;
use std::path::Path;

use pep508_rs::VersionOrUrl;
use pipward_resolver::PackageName;

use super::{Skipped, What};
use crate::advisory::{Bound, Subject};
use crate::error::{Code, Place, Problem, Problems};
use crate::lock::pylock::{self, is_pylock_name};
use crate::lock::{Lock, LockedSource};
use crate::pep508::{Strictness, requirement};
use crate::python;
use crate::requirements;
use crate::way::lock::standing;

/// What is looked up, and what cannot be.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) subjects: Vec<Subject>,
    pub(super) skipped: Vec<Skipped>,
}

pub(super) fn read(what: &What) -> Result<Listed, Problems> {
    let mut listed = Listed::default();
    match what {
        What::Files(files) => {
            for file in files {
                if is_pylock_name(file) || file.extension().is_some_and(|extension| extension == "toml") {
                    listed.add_lock(&pylock::read(file)?);
                } else {
                    listed.add_requirements(file)?;
                }
            }
        }
        What::Lock(lock) => listed.add_lock(lock),
        What::Environment(interpreter) => {
            let installed = python::installed::read(&interpreter.scheme)?;
            listed.subjects.extend(installed.distributions.into_iter().map(|found| Subject {
                name: found.name,
                version: found.version,
                place: Place::file(found.dist_info),
                bounds: Vec::new(),
            }));
            for path in &installed.unreadable {
                listed.skip(path.display().to_string(), "its metadata cannot be read".to_owned(), false);
            }
        }
    }
    listed.subjects.sort_by(|left, right| {
        (&left.name, &left.version, &left.place).cmp(&(&right.name, &right.version, &right.place))
    });
    listed.subjects.dedup_by(|left, right| left.name == right.name && left.version == right.version);
    Ok(listed)
}

impl Listed {
    fn add_lock(&mut self, lock: &Lock) {
        let bounds = bounds(lock);
        for package in &lock.packages {
            match (&package.version, &package.source) {
                (Some(version), _) => self.subjects.push(Subject {
                    name: package.name.clone(),
                    version: version.clone(),
                    place: package.place.clone(),
                    bounds: bounds.get(&package.name).cloned().unwrap_or_default(),
                }),
                (None, LockedSource::Unusable(kind)) => {
                    let why = format!("it is {kind} without a version");
                    // A directory is source that the user has here: nobody publishes advisories about it.
                    self.skip(package.name.to_string(), why, kind == "a directory");
                }
                (None, _) => self.skip(package.name.to_string(), "it has no version".to_owned(), false),
            }
        }
    }

    /// A requirements file whose lines are pinned; hashes are not asked for here. What stands in it as an address or a path of
    /// source has no version that could be looked up.
    fn add_requirements(&mut self, file: &Path) -> Result<(), Problems> {
        if !file.exists() {
            return Err(Problem::new(Code::LockNotFound, "there is no such file")
                .at(Place::file(file))
                .into());
        }
        let read = requirements::read_with_faults(file);
        let (packages, unpinned) = standing::pins(&read);
        let (source, mut faults): (Vec<Problem>, Vec<Problem>) =
            read.faults.into_iter().partition(|problem| problem.code() == Code::RequirementUnsupported);
        faults.extend(unpinned.iter().map(not_pinned));
        Problems::unless_empty((), faults)?;
        for problem in source {
            let found = problem.found_text().unwrap_or_default();
            let place = problem.place().map(|place| format!("{found} ({place})")).unwrap_or_default();
            let name = problem.package_name().map_or(place, str::to_owned);
            // A path is of source that the user has here.
            self.skip(name, "it is source without a version".to_owned(), !found.contains("://"));
        }
        self.add_lock(&Lock { packages, ..Lock::default() });
        Ok(())
    }

    fn skip(&mut self, name: String, why: String, is_meant: bool) {
        self.skipped.push(Skipped { name, subject: None, why, is_meant });
    }
}

/// What the inputs of a lock say of versions, those aside for which something stands that overrides them.
fn bounds(lock: &Lock) -> BTreeMap<PackageName, Vec<Bound>> {
    let read = |text: &str| requirement(text, Strictness::Lenient).ok();
    let mut bounds: BTreeMap<PackageName, Vec<Bound>> = BTreeMap::new();
    for (text, from) in lock.tool.iter().flat_map(|tool| &tool.inputs) {
        if let Some(asked) = read(text)
            && asked.marker.is_true()
            && let Some(VersionOrUrl::VersionSpecifier(specifiers)) = asked.version_or_url
        {
            let bound = Bound { specifiers, requirement: text.clone(), from: from.clone() };
            bounds.entry(asked.name).or_default().push(bound);
        }
    }
    for over in lock.tool.iter().flat_map(|tool| &tool.overrides).filter_map(|text| read(text)) {
        bounds.remove(&over.name);
    }
    bounds
}

fn not_pinned(problem: &Problem) -> Problem {
    let pinned =
        Problem::new(Code::PinMissing, "a requirement is not pinned, so nobody can tell what to look up")
            .found(problem.found_text().unwrap_or_default())
            .help("audit the lock that was made from this file, or lock it with `pipward lock -r FILE`");
    match problem.place() {
        Some(place) => pinned.at(place.clone()),
        None => pinned,
    }
}
