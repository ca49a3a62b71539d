//! The releases of a project in the order of their versions, and their wheels: given, or read when somebody looks at one.
//!
//! A large project has thousands of releases and files, and a solve looks at a few.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use pep440_rs::Version;

use crate::facts::{CandidateWheel, Release};
use crate::moment::TooNew;

/// Where releases are read from. They stand in the order of their versions, each version once; every answer is the same each time.
pub trait Shelf: Send + Sync {
    /// How many there are.
    fn count(&self) -> usize;
    /// The version of the release that stands at `at`.
    fn version(&self, at: usize) -> Option<&Version>;
    /// Whether it has a source distribution.
    fn has_sdist(&self, at: usize) -> bool;
    /// Why its source distribution is too new, where it is.
    fn new_sdist(&self, at: usize) -> Option<TooNew>;
    /// Its wheels.
    fn wheels(&self, at: usize) -> Vec<CandidateWheel>;
}

/// The releases of a project, oldest first.
#[derive(Clone, Default)]
pub struct Releases(Kept);

#[derive(Clone)]
enum Kept {
    Given(Vec<(Version, Release)>),
    /// Each release is made when it is first asked for.
    On(Arc<dyn Shelf>, Box<[OnceLock<Box<Release>>]>),
}

impl Default for Kept {
    fn default() -> Self {
        Self::Given(Vec::new())
    }
}

impl Releases {
    /// Those of a shelf.
    pub fn on(shelf: Arc<dyn Shelf>) -> Self {
        let made = (0..shelf.count()).map(|_| OnceLock::new()).collect();
        Self(Kept::On(shelf, made))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kept::Given(list) => list.len(),
            Kept::On(_, made) => made.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The version at a place.
    pub fn version(&self, at: usize) -> Option<&Version> {
        match &self.0 {
            Kept::Given(list) => list.get(at).map(|(version, _)| version),
            Kept::On(shelf, _) => shelf.version(at),
        }
    }

    /// The release at a place.
    pub fn at(&self, at: usize) -> Option<&Release> {
        match &self.0 {
            Kept::Given(list) => list.get(at).map(|(_, release)| release),
            Kept::On(shelf, made) => made.get(at).map(|made| {
                &**made.get_or_init(|| {
                    Box::new(Release {
                        wheels: Wheels::on(Arc::clone(shelf), at),
                        has_sdist: shelf.has_sdist(at),
                        new_sdist: shelf.new_sdist(at),
                    })
                })
            }),
        }
    }

    /// The place of a version.
    pub fn position(&self, version: &Version) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.version(middle)?.cmp(version) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The versions.
    pub fn versions(&self) -> impl DoubleEndedIterator<Item = &Version> {
        (0..self.len()).filter_map(|at| self.version(at))
    }

    /// The releases without their versions.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Release> {
        (0..self.len()).filter_map(|at| self.at(at))
    }

    /// The releases with their versions.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Version, &Release)> {
        (0..self.len()).filter_map(|at| Some((self.version(at)?, self.at(at)?)))
    }
}

impl From<BTreeMap<Version, Release>> for Releases {
    fn from(releases: BTreeMap<Version, Release>) -> Self {
        Self(Kept::Given(releases.into_iter().collect()))
    }
}

impl FromIterator<(Version, Release)> for Releases {
    fn from_iter<T: IntoIterator<Item = (Version, Release)>>(releases: T) -> Self {
        BTreeMap::from_iter(releases).into()
    }
}

impl fmt::Debug for Releases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The wheels of a release.
#[derive(Clone, Default)]
pub struct Wheels {
    read: OnceLock<Vec<CandidateWheel>>,
    from: Option<(Arc<dyn Shelf>, usize)>,
}

impl Wheels {
    /// The wheels of the release at a place of a shelf.
    pub fn on(shelf: Arc<dyn Shelf>, at: usize) -> Self {
        Self { read: OnceLock::new(), from: Some((shelf, at)) }
    }

    fn read(&self) -> &Vec<CandidateWheel> {
        self.read.get_or_init(|| self.from.as_ref().map(|(shelf, at)| shelf.wheels(*at)).unwrap_or_default())
    }
}

impl From<Vec<CandidateWheel>> for Wheels {
    fn from(wheels: Vec<CandidateWheel>) -> Self {
        Self { read: wheels.into(), from: None }
    }
}

impl FromIterator<CandidateWheel> for Wheels {
    fn from_iter<T: IntoIterator<Item = CandidateWheel>>(wheels: T) -> Self {
        Vec::from_iter(wheels).into()
    }
}

impl Deref for Wheels {
    type Target = [CandidateWheel];

    fn deref(&self) -> &Self::Target {
        self.read()
    }
}

impl DerefMut for Wheels {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.read();
        self.read.get_mut().map_or(&mut [], Vec::as_mut_slice)
    }
}

impl<'a> IntoIterator for &'a Wheels {
    type Item = &'a CandidateWheel;
    type IntoIter = std::slice::Iter<'a, CandidateWheel>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Wheels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
