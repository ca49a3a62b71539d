//! Directories by their paths, which are resolved: one path has one spelling, and is compared and hashed as bytes. To take
//! paths apart costs more than anything else that is done with them here.
//!
//! Owns: one text for all paths, and how a directory is found by its own. Pure.

use std::ffi::OsStr;
use std::hash::{BuildHasher as _, RandomState};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use super::files::Order;
use crate::error::{Code, Problem};

/// How much text there is room for at once, in bytes.
const PIECE: usize = 64 << 10;
/// What stands at a number that no directory has.
const NOBODY: u32 = u32::MAX;

/// What is known of each directory.
#[derive(Debug, Default)]
pub(super) struct Directories {
    /// The paths, one behind the other. A piece never grows beyond the room that it was made with.
    pieces: Vec<Vec<u8>>,
    all: Vec<Directory>,
    /// The numbers of directories, each at the first free place from that of its hash on. A power of two, and never full.
    places: Vec<u32>,
    hashes: RandomState,
}

/// A directory that plans need.
#[derive(Debug)]
pub(super) struct Directory {
    /// The piece of its path, where in that it begins, and how long it is.
    piece: u32,
    start: u32,
    length: u32,
    /// The distribution that needs it, for messages.
    pub(super) package: Arc<str>,
    pub(super) order: Order,
    /// The directories in it that plans need, in the order of their names.
    below: Vec<u32>,
}

impl Directories {
    /// The number of one.
    pub(super) fn find(&self, path: &Path) -> Option<usize> {
        let bytes = path.as_os_str().as_bytes();
        let number = *self.places.get(self.place(bytes)?)?;
        (number != NOBODY).then_some(number as usize)
    }

    /// What is known of the one of a number.
    pub(super) fn at(&self, number: usize) -> Option<&Directory> {
        self.all.get(number)
    }

    /// The same, to be changed.
    pub(super) fn at_mut(&mut self, number: usize) -> Option<&mut Directory> {
        self.all.get_mut(number)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Directory> {
        self.all.iter()
    }

    /// The path of one.
    pub(super) fn path(&self, directory: &Directory) -> &Path {
        Path::new(OsStr::from_bytes(self.bytes(directory)))
    }

    /// The names of the directories in one that plans need.
    pub(super) fn below(&self, directory: &Directory) -> impl Iterator<Item = &OsStr> {
        directory.below.iter().map(|number| OsStr::from_bytes(self.name(*number)))
    }

    /// Whether plans need a directory of this name in one.
    pub(super) fn has_below(&self, directory: &Directory, name: &OsStr) -> bool {
        !directory.below.is_empty() && self.search(directory, name.as_bytes()).is_ok()
    }

    /// Takes one that nothing is in yet, unless it is there, and has the one above it know of it.
    ///
    /// # Errors
    /// `internal` where there are billions.
    pub(super) fn add(&mut self, path: &Path, package: &Arc<str>) -> Result<(), Problem> {
        let too_many = || Problem::new(Code::Internal, "plans have too many directories");
        if self.find(path).is_some() {
            return Ok(());
        }
        let bytes = path.as_os_str().as_bytes();
        let number = u32::try_from(self.all.len()).ok().filter(|number| *number != NOBODY);
        let number = number.ok_or_else(too_many)?;
        let (piece, start) = self.note(bytes).ok_or_else(too_many)?;
        let length = u32::try_from(bytes.len()).map_err(|_| too_many())?;
        if self.all.len() == self.all.capacity() {
            // By a quarter: twice as many would be a lot of room for nothing.
            self.all.reserve_exact((self.all.len() / 4).max(64));
        }
        let (package, order) = (Arc::clone(package), Order::Nothing);
        self.all.push(Directory { piece, start, length, package, order, below: Vec::new() });
        if self.all.len() > self.places.len() / 4 * 3 {
            self.make_room();
        } else if let Some(place) = self.place(bytes).and_then(|place| self.places.get_mut(place)) {
            *place = number;
        }
        let above = path.parent().and_then(|above| self.find(above));
        if let (Some(above), Some(name)) = (above, path.file_name())
            && let Some(Err(at)) = self.at(above).map(|above| self.search(above, name.as_bytes()))
            && let Some(above) = self.at_mut(above)
        {
            above.below.insert(at, number);
        }
        Ok(())
    }

    fn bytes(&self, directory: &Directory) -> &[u8] {
        let (start, length) = (directory.start as usize, directory.length as usize);
        let piece = self.pieces.get(directory.piece as usize);
        piece.and_then(|piece| piece.get(start..start.saturating_add(length))).unwrap_or_default()
    }

    fn name(&self, number: u32) -> &[u8] {
        let path = self.all.get(number as usize).map(|directory| self.bytes(directory)).unwrap_or_default();
        path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
    }

    fn search(&self, directory: &Directory, name: &[u8]) -> Result<usize, usize> {
        directory.below.binary_search_by(|number| self.name(*number).cmp(name))
    }

    /// Where the number of the directory of this path stands, or would.
    fn place(&self, path: &[u8]) -> Option<usize> {
        let last = self.places.len().checked_sub(1)?;
        let from = usize::try_from(self.hashes.hash_one(path) & last as u64).ok()?;
        let is_it = |place: &usize| match self.places.get(*place) {
            Some(number) if *number != NOBODY => {
                self.all.get(*number as usize).is_some_and(|directory| self.bytes(directory) == path)
            }
            _ => true,
        };
        (from..=last).chain(0..from).find(is_it)
    }

    fn make_room(&mut self) {
        let size = self.places.len().saturating_mul(2).max(64);
        self.places.clear();
        self.places.resize(size, NOBODY);
        for number in 0..u32::try_from(self.all.len()).unwrap_or(NOBODY) {
            let path = self.all.get(number as usize).map(|directory| self.bytes(directory));
            let place = path.and_then(|path| self.place(path));
            if let Some(place) = place.and_then(|place| self.places.get_mut(place)) {
                *place = number;
            }
        }
    }

    /// Takes a path into the text. Its piece, and where in that it begins.
    fn note(&mut self, path: &[u8]) -> Option<(u32, u32)> {
        let has_room = |piece: &Vec<u8>| piece.capacity().saturating_sub(piece.len()) >= path.len();
        if !self.pieces.last().is_some_and(has_room) {
            self.pieces.push(Vec::with_capacity(PIECE.max(path.len())));
        }
        let number = u32::try_from(self.pieces.len().checked_sub(1)?).ok()?;
        let piece = self.pieces.last_mut()?;
        let start = u32::try_from(piece.len()).ok()?;
        piece.extend_from_slice(path);
        Some((number, start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Next to a map: more than there is room for at first, some deep, one longer than a piece, and each of them twice.
    #[test]
    fn it_is_a_map_of_paths() {
        let long = "x".repeat(PIECE + 1);
        let mut paths = vec![String::new(), "a".to_owned(), long];
        for number in 0..400 {
            paths.push(format!("a/{}", number % 150));
            paths.push(format!("a/{}/{}", number % 150, "y".repeat(number % 90 + 1)));
        }
        let (mut directories, mut map) = (Directories::default(), BTreeMap::new());
        assert!(directories.find(Path::new("a")).is_none());
        for (at, path) in paths.iter().enumerate() {
            let package = Arc::from(at.to_string());
            directories.add(Path::new(path), &package).unwrap();
            map.entry(path.as_str()).or_insert(package);
        }
        assert_eq!(directories.iter().count(), map.len());
        let told =
            directories.iter().map(|one| (directories.path(one).to_str().unwrap(), one.package.clone()));
        assert_eq!(told.collect::<BTreeMap<_, _>>(), map);
        for path in map.keys().map(Path::new) {
            let found = directories.at(directories.find(path).unwrap()).unwrap();
            assert_eq!(directories.path(found), path);
            let mut below: Vec<_> =
                map.keys().map(Path::new).filter(|at| at.parent() == Some(path)).collect();
            below.sort();
            let names = below.iter().filter_map(|at| at.file_name());
            assert!(directories.below(found).eq(names.clone()), "{path:?}");
            assert!(names.into_iter().all(|name| directories.has_below(found, name)));
            assert!(!directories.has_below(found, OsStr::new("none")));
        }
        for path in ["b", "a/", "a/150", "/a", "a/1/z"] {
            assert!(directories.find(Path::new(path)).is_none(), "{path}");
        }
    }
}
