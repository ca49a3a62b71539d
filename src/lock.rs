//! The lock: what may be installed.
//!
//! Owns: [`Lock`] and [`Lock::select`], which follows PEP 751's installation steps.
//! Never: reads anything but the text it is given, and never goes to an index.

pub mod build;
pub mod closure;
pub mod compare;
pub mod drift;
mod marker;
pub mod pylock;
pub mod requirements;
mod select;

pub use marker::LockMarker;
pub(crate) use marker::sets_of_extras;
pub use select::Subset;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use pipward_resolver::{
    ExtraName, MarkerEnvironment, MarkerTree, PackageName, Target, Version, VersionSpecifiers, WheelName,
};
use url::Url;

use crate::digest::LockedHashes;
use crate::document::Originals;
use crate::error::{Place, Problem};

/// A lock, read whole and checked against its schema.
#[derive(Debug, Clone, Default)]
pub struct Lock {
    /// Where it was read from; relative `path`s start at its directory.
    pub file: PathBuf,
    /// `created-by`.
    pub created_by: String,
    /// `environments`.
    pub environments: Vec<LockMarker>,
    /// `requires-python`.
    pub requires_python: Option<VersionSpecifiers>,
    /// `extras`.
    pub extras: Vec<ExtraName>,
    /// `dependency-groups`, normalised.
    pub dependency_groups: Vec<ExtraName>,
    /// `default-groups`, normalised.
    pub default_groups: Vec<ExtraName>,
    /// `[[packages]]`.
    pub packages: Vec<Arc<LockedPackage>>,
    /// `[tool.pipward]`.
    pub tool: Option<ToolTable>,
    /// What was seen and not read, each one sentence with its place: unknown keys, a newer minor version.
    pub warnings: Vec<String>,
    /// The bytes of the files that it was read from.
    pub originals: Originals,
    /// What is asked of it by its own name, beside what is asked of all locks of a run.
    pub chosen: Chosen,
}

/// What is asked of one lock: `-r 'pylock.toml[extra]'`, `--group pylock.toml:name`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Extras.
    pub extras: Vec<ExtraName>,
    /// Groups.
    pub groups: Vec<ExtraName>,
    /// Whether the lock's default groups are left out.
    pub without_default_groups: bool,
}

/// One entry of `[[packages]]`.
#[derive(Debug, Clone)]
pub struct LockedPackage {
    /// `name`, normalised.
    pub name: PackageName,
    /// The name as a requirements line writes it (none for a pylock.toml).
    pub spelled: Option<String>,
    /// `version`.
    pub version: Option<Version>,
    /// `marker`.
    pub marker: Option<LockMarker>,
    /// `requires-python`.
    pub requires_python: Option<VersionSpecifiers>,
    /// `dependencies`: the names, with version and marker where written. `None` where the lock records none.
    pub dependencies: Option<Vec<LockedDependency>>,
    /// `index`.
    pub index: Option<Url>,
    /// Where it comes from.
    pub source: LockedSource,
    /// `[packages.tool.pipward] metadata-sha256`, by wheel file name.
    pub metadata_sha256: std::collections::BTreeMap<String, crate::digest::Sha256>,
    /// `[packages.tool.pipward] yanked`: the reason for which the index had yanked it when it was locked (PEP 592).
    pub yanked: Option<String>,
    /// `attestation-identities`: who published its files, as was proven when it was locked (PEP 740).
    pub publishers: Vec<crate::attest::Publisher>,
    /// The extras with which a requirements line asks for it (empty for a pylock.toml).
    pub extras: Vec<ExtraName>,
    /// What constraints and other lines say against it. Told only where it is needed.
    pub objections: Vec<Objection>,
    /// Where it stands.
    pub place: Place,
}

/// What speaks against a package of requirements lines, in the environments of a marker.
#[derive(Debug, Clone)]
pub struct Objection {
    /// Where it holds.
    pub marker: MarkerTree,
    /// What is told.
    pub problem: Problem,
}

impl LockedPackage {
    /// The file as it is named by an address of its own: a requirement `name @ address`, or an `archive` of a lock. `None`
    /// for one of a lock's list of wheels.
    pub fn direct(&self, file: &LockedFile) -> Option<&LockedFile> {
        let LockedSource::Wheels(files) = &self.source else { return None };
        let [named] = files.as_slice() else { return None };
        let is_archive = named.place.entry.as_deref().is_some_and(|entry| entry.ends_with(".archive"));
        (named.name == file.name && (is_archive || named.place == self.place)).then_some(named)
    }

    /// Whether the file is named by an address of its own.
    pub fn is_direct(&self, file: &LockedFile) -> bool {
        self.direct(file).is_some()
    }

    /// What is said against it in an environment.
    pub(crate) fn objected<'a>(
        &'a self,
        markers: &'a MarkerEnvironment,
    ) -> impl Iterator<Item = Problem> + 'a {
        let here = self.objections.iter().filter(|objection| objection.marker.evaluate(markers, &[]));
        here.map(|objection| objection.problem.clone())
    }

    /// The name for a message: as it was written, where that is known.
    pub fn shown(&self) -> &str {
        self.spelled.as_deref().unwrap_or(self.name.as_ref())
    }
}

/// A dependency of a locked package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedDependency {
    /// The name.
    pub name: PackageName,
    /// `version`, where the entry has one.
    pub version: Option<Version>,
    /// `marker`, where the entry has one.
    pub marker: Option<LockMarker>,
}

/// Where a locked package comes from.
#[derive(Debug, Clone)]
pub enum LockedSource {
    /// Named wheels, each with its hashes. Never empty. (An `archive` that names a wheel is one of these.)
    Wheels(Vec<LockedFile>),
    /// Hashes alone, as a requirements line gives them: the index says which file has one of them.
    ByHash(LockedHashes),
    /// Something that would have to be built: `sdist`, `vcs`, `directory`, a source `archive`. The text says which.
    Unusable(String),
}

/// One wheel of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedFile {
    /// Its file name.
    pub name: WheelName,
    /// Where it can be had.
    pub location: Location,
    /// Its size in bytes. Binding.
    pub size: Option<u64>,
    /// When it was uploaded.
    pub upload_time: Option<Timestamp>,
    /// What it must hash to.
    pub hashes: LockedHashes,
    /// Where it stands in the lock.
    pub place: Place,
}

/// Where a file can be had.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// An http or https address without credentials.
    Url(Url),
    /// A file on this machine; absolute.
    Path(PathBuf),
}

impl Location {
    /// The address or path as it is told.
    pub fn shown(&self) -> String {
        match self {
            Self::Url(url) => crate::error::without_passwords(url.as_str()).into_owned(),
            Self::Path(path) => path.display().to_string(),
        }
    }
}

/// `[tool.pipward]`: all that a re-lock needs besides the index. Never needed to install.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolTable {
    /// Requirements as written, each with `from` (file, or "command line").
    pub inputs: Vec<(String, String)>,
    /// The options that shaped the resolution, by name.
    pub options: std::collections::BTreeMap<String, String>,
    /// No file younger than this was considered.
    pub cutoff: Option<Timestamp>,
    /// The same for packages that were upgraded by name since.
    pub cutoffs: std::collections::BTreeMap<PackageName, Timestamp>,
    /// Requirements that stood for those of the packages.
    pub overrides: Vec<String>,
    /// Names whose requirements counted for nothing.
    pub excludes: Vec<String>,
    /// What [`drift::signed`] notes of the rest of the lock, so that an edit by hand is seen.
    pub fingerprint: Option<crate::digest::Sha256>,
}

/// What to select from a lock.
#[derive(Debug, Clone)]
pub struct SelectRequest<'a> {
    /// The environment that is installed into.
    pub target: &'a Target,
    /// The extras asked for.
    pub extras: &'a [ExtraName],
    /// The dependency groups asked for; `None` takes the lock's `default-groups`.
    pub groups: Option<&'a [ExtraName]>,
}

/// What a lock selects for one environment: one entry a name, with the one file to install.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// In the order of names.
    pub packages: Vec<Selected>,
}

/// One selected package.
#[derive(Debug, Clone)]
pub struct Selected {
    /// The entry: one for all that a run has to do with it.
    pub package: Arc<LockedPackage>,
    /// The file. `None` for a package known by hash alone: `index::locate` finds its file.
    pub file: Option<Arc<LockedFile>>,
}

#[cfg(test)]
pub(crate) mod tests;
