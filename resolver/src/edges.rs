//! What one version depends on, on its way from metadata to the solver.

use std::fmt;
use std::rc::Rc;
use std::sync::LazyLock;

use pep440_rs::VersionSpecifiers;
use pep508_rs::{ExtraName, PackageName, Requirement, VerbatimUrl, VersionOrUrl};

use crate::explain::one_line;
use crate::package::Package;
use crate::project::Project;
use crate::provider::Set;

/// Dependencies being gathered, in the order of the metadata.
#[derive(Default)]
pub(crate) struct Edges {
    pub(crate) list: Vec<(Package, Set)>,
}

impl Edges {
    pub(crate) fn add(&mut self, project: &Rc<Project>, extras: &[ExtraName], set: &Set) {
        self.list.push((Package::Project(Rc::clone(project)), set.clone()));
        self.add_extras(project, extras.iter(), set);
    }

    pub(crate) fn add_extras<'e>(
        &mut self,
        project: &Rc<Project>,
        extras: impl Iterator<Item = &'e ExtraName>,
        set: &Set,
    ) {
        let package = |extra: &ExtraName| Package::Extra(Rc::clone(project), Rc::new(extra.clone()));
        self.list.extend(extras.map(|extra| (package(extra), set.clone())));
    }
}

/// The specifiers of a requirement; for one with an address none, unless `is_known` says that the user gave it.
pub(crate) fn specifiers(
    requirement: &Requirement<VerbatimUrl>,
    is_known: impl Fn() -> bool,
) -> Option<&VersionSpecifiers> {
    static NONE: LazyLock<VersionSpecifiers> = LazyLock::new(VersionSpecifiers::empty);
    match &requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => Some(specifiers),
        Some(VersionOrUrl::Url(_)) => is_known().then_some(&NONE),
        None => Some(&NONE),
    }
}

/// Why a version that has a usable wheel cannot be taken after all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unavailable {
    /// Its metadata say that it is for other Pythons.
    Python(String),
    /// Its metadata are malformed.
    Malformed(String),
    /// It depends on something by address, which no index vouches for.
    Address(PackageName),
    /// It depends on another version of itself.
    Itself(String),
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words(false))
    }
}

impl Unavailable {
    /// As it is told of one version, or of several.
    pub(crate) fn words(&self, several: bool) -> String {
        let (has, depends, itself) =
            if several { ("have", "depend", "themselves") } else { ("has", "depends", "itself") };
        match self {
            Self::Python(specifiers) if several => format!("need Python {specifiers}"),
            Self::Python(specifiers) => format!("needs Python {specifiers}"),
            Self::Malformed(why) => format!("{has} metadata that cannot be read ({})", one_line(why)),
            Self::Address(name) => {
                format!("{depends} on {name} by its address, and only releases of an index can be locked")
            }
            Self::Itself(text) => format!("{depends} on another version of {itself} ({})", one_line(text)),
        }
    }
}
