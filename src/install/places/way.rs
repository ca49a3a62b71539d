//! Where a directory leads: the links on the way to it, followed once.
//!
//! Never: looks for what lies in a directory that is not there.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::sync::PoisonError;

use super::Places;

/// Where a directory leads, resolved.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// To one that is there.
    Stands(PathBuf),
    /// To nothing yet, so that all below it leads to nothing either.
    Missing(PathBuf),
    /// Out of the prefix.
    Out,
}

impl Places {
    /// Follows the links on the way to a directory (relative to the prefix). What is not there yet is no link.
    pub(super) fn resolve(&self, path: &Path) -> Option<PathBuf> {
        match self.way(path) {
            Way::Stands(resolved) | Way::Missing(resolved) => Some(resolved),
            Way::Out => None,
        }
    }

    /// Whether nothing stood at a directory (resolved), the outermost of its way, when it was looked for.
    pub(in crate::install) fn was_missing(&self, directory: &Path) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(known.get(directory.as_os_str()), Some(Way::Missing(_)))
    }

    fn way(&self, path: &Path) -> Way {
        let (Some(parent), Some(name)) = (path.parent(), path.components().next_back()) else {
            return Way::Stands(PathBuf::new());
        };
        let Component::Normal(name) = name else { return Way::Out };
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(path.as_os_str()) {
            return known.clone();
        }
        let parent = match self.way(parent) {
            Way::Stands(parent) => parent,
            // Nobody is asked, and nothing noted: an install brings thousands of directories.
            Way::Missing(parent) => return Way::Missing(parent.join(name)),
            Way::Out => return Way::Out,
        };
        let way = self.step(&parent, name);
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.as_os_str().to_owned(), way.clone());
        way
    }

    /// Where a name in a resolved directory leads.
    fn step(&self, parent: &Path, name: &OsStr) -> Way {
        let plain = parent.join(name);
        let absolute = self.real.join(&plain);
        match absolute.symlink_metadata() {
            Ok(found) if found.is_symlink() => {
                let followed = absolute.canonicalize().ok();
                let inside = followed.as_ref().and_then(|to| to.strip_prefix(&self.real).ok());
                inside.map_or(Way::Out, |inside| Way::Stands(inside.to_owned()))
            }
            Ok(_) => Way::Stands(parent.join(self.spelling.of(&self.real.join(parent), name))),
            Err(_) => Way::Missing(plain),
        }
    }
}
