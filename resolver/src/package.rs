//! What the solver decides on.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use pep508_rs::ExtraName;

use crate::project::Project;

/// A package of the solver. Cheap to clone, to compare and to hash: a project is told by its place in the solve.
///
/// `project[extra]` is a package of its own: each of its versions depends on the same version of the project,
/// and on what the extra adds.
#[derive(Clone)]
pub(crate) enum Package {
    /// What the user asks for.
    Root,
    /// A project without extras.
    Project(Rc<Project>),
    /// What an extra of a project adds.
    Extra(Rc<Project>, Rc<ExtraName>),
}

impl Package {
    /// The project; the root has none.
    pub(crate) fn project(&self) -> Option<&Rc<Project>> {
        match self {
            Self::Root => None,
            Self::Project(project) | Self::Extra(project, _) => Some(project),
        }
    }

    /// The extra, where it is one.
    pub(crate) fn extra(&self) -> Option<&Rc<ExtraName>> {
        match self {
            Self::Root | Self::Project(_) => None,
            Self::Extra(_, extra) => Some(extra),
        }
    }

    fn key(&self) -> (Option<usize>, Option<&ExtraName>) {
        (self.project().map(|project| project.order), self.extra().map(Rc::as_ref))
    }
}

impl PartialEq for Package {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Package {}

impl Hash for Package {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("your requirements"),
            Self::Project(project) => write!(f, "{}", project.name),
            Self::Extra(project, extra) => write!(f, "{}[{extra}]", project.name),
        }
    }
}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
