//! What the solver decides on.

use std::fmt;
use std::sync::Arc;

use pep508_rs::{ExtraName, PackageName};

/// A package of the solver. Cheap to clone.
///
/// `project[extra]` is a package of its own: each of its versions depends on the same version of the project,
/// and on what the extra adds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Package {
    /// What the user asks for.
    Root,
    /// A project without extras.
    Project(Arc<PackageName>),
    /// What an extra of a project adds.
    Extra(Arc<PackageName>, Arc<ExtraName>),
}

impl Package {
    /// The project's name; the root has none.
    pub(crate) fn name(&self) -> Option<&PackageName> {
        match self {
            Self::Root => None,
            Self::Project(name) | Self::Extra(name, _) => Some(name),
        }
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("your requirements"),
            Self::Project(name) => write!(f, "{name}"),
            Self::Extra(name, extra) => write!(f, "{name}[{extra}]"),
        }
    }
}
