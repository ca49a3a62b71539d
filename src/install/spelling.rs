//! How a file system that takes several names for one spells a name.
//!
//! Owns: that a file has one path here, in whatever case or normal form something names it. Never: writes.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// What is known of the directories of a tree.
#[derive(Debug, Default)]
pub(super) struct Spelling {
    /// Whether a directory takes a name in the other case for the same.
    folds: Mutex<HashMap<PathBuf, bool>>,
}

impl Spelling {
    /// The name as `directory` lists it. A name that is not there, or of which nothing can be told, is its own.
    pub(super) fn of(&self, directory: &Path, name: &OsStr) -> OsString {
        self.listed(directory, name).unwrap_or_else(|| name.to_owned())
    }

    fn listed(&self, directory: &Path, name: &OsStr) -> Option<OsString> {
        if !self.may_fold(directory, name)? {
            return None;
        }
        let wanted = identity(&directory.join(name)).ok()?;
        let entries = directory.read_dir().ok()?.flatten().map(|entry| entry.file_name());
        pick(entries, name, |entry| identity(&directory.join(entry)).is_ok_and(|found| found == wanted))
    }

    /// Whether another name may be the one that is meant; `None` where the name is not there.
    fn may_fold(&self, directory: &Path, name: &OsStr) -> Option<bool> {
        if let Some(known) = self.folds.lock().ok()?.get(directory) {
            return Some(*known);
        }
        let other = other_case(name);
        if other == name {
            // Without a letter that has a case there may be one that has normal forms.
            return Some(!name.is_ascii());
        }
        let found = identity(&directory.join(name)).ok()?;
        let folds = identity(&directory.join(other)).is_ok_and(|other| other == found);
        self.folds.lock().ok()?.insert(directory.to_owned(), folds);
        Some(folds)
    }
}

/// The name itself if it is listed, else the one of the same file.
fn pick(
    entries: impl Iterator<Item = OsString>,
    name: &OsStr,
    is_same: impl Fn(&OsStr) -> bool,
) -> Option<OsString> {
    let mut same = None;
    for entry in entries {
        if entry == name {
            return None;
        }
        if same.is_none() && is_same(&entry) {
            same = Some(entry);
        }
    }
    same
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    path.symlink_metadata().map(|found| (found.dev(), found.ino()))
}

fn other_case(name: &OsStr) -> OsString {
    let upper = name.to_ascii_uppercase();
    if upper == name { name.to_ascii_lowercase() } else { upper }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_listed_is_that_of_the_same_file() {
        let entries = || ["README", "readme.txt"].map(OsString::from).into_iter();
        let same = |entry: &OsStr| entry == "README";
        assert_eq!(pick(entries(), OsStr::new("readme"), same), Some("README".into()));
        assert_eq!(pick(entries(), OsStr::new("README"), same), None);
        assert_eq!(pick(entries(), OsStr::new("readme"), |_| false), None);
    }

    #[test]
    fn names_of_their_own_stay_as_they_are() {
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name);
        std::fs::write(at("readme"), "").unwrap();
        // A link of each case looks like one file under two names, and both are listed.
        std::fs::hard_link(at("readme"), at("README")).unwrap();
        std::fs::write(at("\u{e9}"), "").unwrap();
        let spelling = Spelling::default();
        for name in ["7", "\u{e9}", "none", "readme", "README"] {
            assert_eq!(spelling.of(scratch.path(), OsStr::new(name)), OsStr::new(name));
        }
        assert_eq!(spelling.may_fold(scratch.path(), OsStr::new("readme")), Some(true));
        let other = tempfile::tempdir().unwrap();
        std::fs::write(other.path().join("x"), "").unwrap();
        assert_eq!(spelling.may_fold(other.path(), OsStr::new("x")), Some(false));
        assert_eq!(spelling.may_fold(other.path(), OsStr::new("\u{e9}")), Some(false), "it is known by now");
    }
}
