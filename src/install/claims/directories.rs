//! Directories by their paths, which are resolved: one path has one spelling, and is compared and hashed as bytes. To take
//! paths apart costs more than anything else that is done with them here.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Directory;

/// What is known of each directory.
#[derive(Debug, Default)]
pub(in crate::install) struct Directories(HashMap<OsString, Directory>);

impl Directories {
    /// What is known of one.
    pub(in crate::install) fn get(&self, path: &Path) -> Option<&Directory> {
        self.0.get(path.as_os_str())
    }

    /// The same, to be changed.
    pub(in crate::install) fn get_mut(&mut self, path: &Path) -> Option<&mut Directory> {
        self.0.get_mut(path.as_os_str())
    }

    /// Whether anything is known of one.
    pub(in crate::install) fn contains_key(&self, path: &Path) -> bool {
        self.0.contains_key(path.as_os_str())
    }

    /// The place of one.
    pub(in crate::install) fn entry(&mut self, path: PathBuf) -> Entry<'_, OsString, Directory> {
        self.0.entry(path.into_os_string())
    }

    /// All of them.
    pub(in crate::install) fn iter(&self) -> impl Iterator<Item = (&Path, &Directory)> {
        self.0.iter().map(|(path, directory)| (Path::new(path), directory))
    }
}
