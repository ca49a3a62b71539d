//! Where the files of a plan go: thousands of places in little memory.
//!
//! Owns: that a place is told as one path, though it lies in parts: the directory that most of a plan goes to, which is noted
//! once, and its path in an archive, which is noted there. Pure.

use std::cmp::Ordering;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::wheel::path::ArchivePath;

/// The final place of a file; absolute.
#[derive(Clone)]
pub struct Destination {
    base: Arc<Base>,
    /// Which part of the names is the path below the directory. Nothing where the directory is the whole path.
    start: u32,
    length: u32,
}

/// What the places of many files have in common.
#[derive(Debug)]
pub(super) struct Base {
    directory: PathBuf,
    names: Arc<str>,
}

impl Base {
    /// A directory, for the files of the archive that a path is of.
    pub(super) fn of(directory: &Path, path: &ArchivePath) -> Arc<Self> {
        Arc::new(Self { directory: directory.to_owned(), names: Arc::clone(path.text()) })
    }
}

impl Destination {
    /// The place of a file of the archive below its base.
    pub(super) fn below(base: &Arc<Base>, path: &ArchivePath) -> Self {
        if !Arc::ptr_eq(&base.names, path.text()) {
            return base.directory.join(path.as_str()).into();
        }
        let (start, length) = path.place();
        Self { base: Arc::clone(base), start, length }
    }

    /// The path below the directory that most files of a plan go to.
    fn tail(&self) -> &str {
        let start = self.start as usize;
        self.base.names.get(start..start.saturating_add(self.length as usize)).unwrap_or_default()
    }

    /// What the path is made of, one behind the other.
    fn parts(&self) -> [&[u8]; 3] {
        let directory = self.base.directory.as_os_str().as_bytes();
        match self.tail() {
            "" => [directory, b"", b""],
            tail => [directory.strip_suffix(b"/").unwrap_or(directory), b"/", tail.as_bytes()],
        }
    }

    /// How long the path is, in bytes.
    pub fn length(&self) -> usize {
        self.parts().into_iter().map(<[u8]>::len).sum()
    }

    /// The path.
    pub fn path(&self) -> PathBuf {
        let mut path = Vec::with_capacity(self.length());
        self.parts().into_iter().for_each(|part| path.extend_from_slice(part));
        OsString::from_vec(path).into()
    }

    /// The path, to be told.
    pub fn display(&self) -> impl fmt::Display {
        self.path().display().to_string()
    }

    /// Whether the path ends with these parts.
    pub fn ends_with(&self, end: impl AsRef<Path>) -> bool {
        self.path().ends_with(end)
    }

    /// The name of the file.
    pub fn file_name(&self) -> Option<&OsStr> {
        match self.tail() {
            "" => self.base.directory.file_name(),
            tail => tail.get(name_at(tail.as_bytes())..).map(OsStr::new),
        }
    }

    /// The path of its directory.
    pub fn parent(&self) -> Option<PathBuf> {
        match self.tail().rsplit_once('/') {
            None if self.tail().is_empty() => self.base.directory.parent().map(Path::to_owned),
            None => Some(self.base.directory.clone()),
            Some((above, _)) => Some(self.base.directory.join(above)),
        }
    }

    /// Whether it is in the directory of another one; as far as that can be told without taking paths apart.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        let (tail, other_tail) = (self.tail().as_bytes(), other.tail().as_bytes());
        let (above, _) = tail.split_at_checked(name_at(tail)).unwrap_or_default();
        let rest = other_tail.strip_prefix(above);
        Arc::ptr_eq(&self.base, &other.base) && rest.is_some_and(|name| !name.contains(&b'/'))
    }

    /// The path below a directory, if that is what most files of its plan go to.
    pub(super) fn within(&self, directory: &Path) -> Option<&str> {
        let is_it = self.base.directory.as_os_str() == directory.as_os_str();
        Some(self.tail()).filter(|tail| is_it && !tail.is_empty())
    }

    /// The order of paths by their bytes.
    pub(super) fn order(&self, path: &Path) -> Ordering {
        compare(&self.parts(), &[path.as_os_str().as_bytes()])
    }
}

/// Where the last part of a path begins.
fn name_at(path: &[u8]) -> usize {
    path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at.saturating_add(1))
}

/// The order of texts that lie in parts.
fn compare(one: &[&[u8]], other: &[&[u8]]) -> Ordering {
    let (mut ones, mut others) = (one.iter().copied(), other.iter().copied());
    let (mut one, mut other): (&[u8], &[u8]) = (&[], &[]);
    loop {
        one = if one.is_empty() { ones.find(|part| !part.is_empty()).unwrap_or_default() } else { one };
        other =
            if other.is_empty() { others.find(|part| !part.is_empty()).unwrap_or_default() } else { other };
        let length = one.len().min(other.len());
        let ((this, left), (that, rest)) = (one.split_at(length), other.split_at(length));
        match this.cmp(that) {
            Ordering::Equal if length > 0 => (one, other) = (left, rest),
            // One of them is at its end.
            Ordering::Equal => return one.len().cmp(&other.len()),
            order => return order,
        }
    }
}

impl From<PathBuf> for Destination {
    fn from(path: PathBuf) -> Self {
        let base = Base { directory: path, names: "".into() };
        Self { base: Arc::new(base), start: 0, length: 0 }
    }
}

impl From<&str> for Destination {
    fn from(path: &str) -> Self {
        PathBuf::from(path).into()
    }
}

impl Ord for Destination {
    fn cmp(&self, other: &Self) -> Ordering {
        let is_whole = self.length == 0 || other.length == 0;
        if Arc::ptr_eq(&self.base, &other.base) && !is_whole {
            return self.tail().cmp(other.tail());
        }
        compare(&self.parts(), &other.parts())
    }
}

impl PartialOrd for Destination {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Destination {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Destination {}

impl PartialEq<Path> for Destination {
    fn eq(&self, path: &Path) -> bool {
        self.length() == path.as_os_str().len() && self.order(path).is_eq()
    }
}

impl PartialEq<&Path> for Destination {
    fn eq(&self, path: &&Path) -> bool {
        *self == **path
    }
}

impl PartialEq<PathBuf> for Destination {
    fn eq(&self, path: &PathBuf) -> bool {
        *self == **path
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Next to paths, of files below one base and of others.
    #[test]
    fn it_is_a_path() {
        let names: Arc<str> = "a/b.pya/c/d.pya-b/xe".into();
        let archive =
            [(0, 6), (6, 14), (14, 19), (19, 20)].map(|(from, to)| ArchivePath::within(&names, from..to));
        let archive = archive.map(Result::unwrap);
        let mut all: Vec<(Destination, PathBuf)> = Vec::new();
        for directory in ["/env/lib", "/env/lib/", "/"].map(Path::new) {
            let base = Base::of(directory, &archive[0]);
            let paths =
                archive.iter().map(|path| (Destination::below(&base, path), directory.join(path.as_str())));
            all.extend(paths);
        }
        for path in ["/env/lib/a/b.py", "/env/lib/a/e", "/env/bin/tool", "/e", "/"] {
            all.push((path.into(), path.into()));
        }
        let other = ArchivePath::parse("a/b.py").unwrap();
        all.push((Destination::below(&Base::of(Path::new("/x"), &archive[0]), &other), "/x/a/b.py".into()));
        for (one, path) in &all {
            assert_eq!(one.path(), *path);
            assert_eq!(
                (one.parent(), one.file_name()),
                (path.parent().map(Path::to_owned), path.file_name())
            );
            assert_eq!(one.length(), path.as_os_str().len());
            assert!(*one == *path && *one == path.as_path());
            if let Some(tail) = one.within(Path::new("/env/lib")) {
                assert_eq!(Path::new("/env/lib").join(tail), *path);
            }
            for (other, place) in &all {
                let order = path.as_os_str().cmp(place.as_os_str());
                assert_eq!((one.cmp(other), one.order(place)), (order, order), "{path:?} {place:?}");
                assert_eq!(*one == *place, order.is_eq());
                assert!(!one.is_beside(other) || path.parent() == place.parent(), "{path:?} {place:?}");
            }
        }
        assert!(all[0].0.is_beside(&all[0].0) && !all[0].0.is_beside(&all[1].0));
        let is_below = |(one, _): &&(Destination, PathBuf)| one.within(Path::new("/env/lib")).is_some();
        assert_eq!(all.iter().filter(is_below).count(), 4);
    }
}
