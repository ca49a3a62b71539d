//! What plans bring into one directory, by name, in little memory: a run holds this of each of its files until it ends.
//!
//! Owns: one text for all names of a directory, and the order by which they are found. Pure.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use super::Claim;
use crate::digest::{Sha256, StrongDigest};
use crate::error::{Code, Problem};

/// The claimed files of a directory.
#[derive(Debug, Default)]
pub(in super::super) struct Files {
    /// Their names, one behind the other.
    names: Vec<u8>,
    /// In the order of their names, with gaps where claims were taken away.
    all: Vec<File>,
}

#[derive(Debug)]
struct File {
    claim: Option<Claim>,
    /// Where its name begins, and how long it is.
    start: u32,
    length: u32,
}

impl File {
    fn name<'n>(&self, names: &'n [u8]) -> &'n [u8] {
        let (start, length) = (self.start as usize, self.length as usize);
        names.get(start..start.saturating_add(length)).unwrap_or_default()
    }
}

impl Files {
    /// What is claimed of a name.
    pub(in super::super) fn get(&self, name: &OsStr) -> Option<&Claim> {
        self.find(name).and_then(|at| self.all.get(at)?.claim.as_ref())
    }

    /// The same, to be changed.
    pub(in super::super) fn get_mut(&mut self, name: &OsStr) -> Option<&mut Claim> {
        self.find(name).and_then(|at| self.all.get_mut(at)?.claim.as_mut())
    }

    /// The names, in order.
    pub(in super::super) fn names(&self) -> impl Iterator<Item = &OsStr> {
        self.iter().map(|(name, _)| name)
    }

    /// The files, in the order of their names.
    pub(in super::super) fn iter(&self) -> impl Iterator<Item = (&OsStr, &Claim)> {
        let name = |file: &File| OsStr::from_bytes(file.name(&self.names));
        self.all.iter().filter_map(move |file| Some((name(file), file.claim.as_ref()?)))
    }

    /// Takes claims of names that have none yet, each of which comes once.
    ///
    /// # Errors
    /// `internal` where the names are gigabytes.
    pub(in super::super) fn extend(&mut self, new: &mut Vec<(&OsStr, Claim)>) -> Result<(), Problem> {
        self.all.retain(|file| file.claim.is_some());
        if self.all.is_empty() {
            // Most directories are of one plan, which comes with all of their files.
            self.all.reserve_exact(new.len());
            self.names.reserve_exact(new.iter().map(|(name, _)| name.len()).sum());
        }
        for (name, claim) in new.drain(..) {
            let (start, length) = (u32::try_from(self.names.len()), u32::try_from(name.len()));
            let (Ok(start), Ok(length)) = (start, length) else {
                return Err(Problem::new(Code::Internal, "a directory has too many names"));
            };
            self.names.extend_from_slice(name.as_bytes());
            self.all.push(File { claim: Some(claim), start, length });
        }
        let names = &self.names;
        // What was there and what came are in order, each by itself: a stable sort joins them in one go.
        self.all.sort_by(|one, other| one.name(names).cmp(other.name(names)));
        Ok(())
    }

    /// Takes a claim away.
    pub(in super::super) fn take(&mut self, name: &OsStr) -> Option<Claim> {
        self.find(name).and_then(|at| self.all.get_mut(at)?.claim.take())
    }

    /// Puts another claim where one was taken away.
    pub(in super::super) fn put(&mut self, name: &OsStr, claim: Claim) {
        if let Some(file) = self.find(name).and_then(|at| self.all.get_mut(at)) {
            file.claim = Some(claim);
        }
    }

    fn find(&self, name: &OsStr) -> Option<usize> {
        self.all.binary_search_by(|file| file.name(&self.names).cmp(name.as_bytes())).ok()
    }
}

/// A digest, if there is one, in half the room: that of nearly every file is a SHA-256.
#[derive(Debug)]
pub(super) enum Kept {
    Nothing,
    Sha256(Sha256),
    Longer(Box<StrongDigest>),
}

impl Kept {
    pub(super) fn get(&self) -> Option<StrongDigest> {
        match self {
            Self::Nothing => None,
            Self::Sha256(digest) => Some(StrongDigest::Sha256(*digest)),
            Self::Longer(digest) => Some(**digest),
        }
    }
}

impl From<Option<StrongDigest>> for Kept {
    fn from(digest: Option<StrongDigest>) -> Self {
        match digest {
            None => Self::Nothing,
            Some(StrongDigest::Sha256(digest)) => Self::Sha256(digest),
            Some(longer) => Self::Longer(longer.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{PlannedFile, Source};
    use super::super::Bringer;
    use super::*;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn claim(text: &str) -> Claim {
        let bringer = Bringer { package: text.into(), dist_info: "x.dist-info".into() };
        let file = PlannedFile {
            destination: "/env/x".into(),
            source: Source::Entry(0),
            executable: false,
            digest: None,
            size: 0,
            is_sized: true,
            gives_way: false,
        };
        Claim::new(&Arc::new(bringer), &file)
    }

    fn told(files: &Files) -> Vec<(String, String)> {
        let text = |name: &OsStr| name.to_str().unwrap().to_owned();
        files.iter().map(|(name, claim)| (text(name), claim.package().to_owned())).collect()
    }

    proptest::proptest! {
        /// Next to a map, whatever comes and goes in whatever order.
        #[test]
        fn it_is_a_map_of_names(steps in proptest::collection::vec(("[ab\u{e9}]{0,3}", 0..3u8), 0..60)) {
            let (mut files, mut map) = (Files::default(), BTreeMap::new());
            let mut new = Vec::new();
            for (at, (name, what)) in steps.iter().enumerate() {
                let os = OsStr::new(name.as_str());
                if *what == 0 {
                    files.extend(&mut new).unwrap();
                    let (taken, expected) = (files.take(os), map.remove(name));
                    let is_put_back = at % 2 == 0 && expected.is_some();
                    proptest::prop_assert_eq!(taken.map(|claim| claim.package().to_owned()), expected);
                    proptest::prop_assert!(files.get(os).is_none());
                    if is_put_back {
                        files.put(os, claim(&at.to_string()));
                        map.insert(name.clone(), at.to_string());
                    }
                } else if !map.contains_key(name) {
                    new.push((os, claim(&at.to_string())));
                    map.insert(name.clone(), at.to_string());
                    if *what == 1 {
                        files.extend(&mut new).unwrap();
                    }
                }
            }
            files.extend(&mut new).unwrap();
            proptest::prop_assert_eq!(told(&files), map.clone().into_iter().collect::<Vec<_>>());
            proptest::prop_assert!(files.names().eq(map.keys().map(OsStr::new)));
            for (name, _) in &steps {
                let (found, changed) = (files.get(OsStr::new(name)).map(Claim::package), map.get(name));
                proptest::prop_assert_eq!(found, changed.map(String::as_str));
                proptest::prop_assert_eq!(files.get_mut(OsStr::new(name)).is_some(), changed.is_some());
            }
        }
    }

    #[test]
    fn every_digest_comes_back() {
        let longest = StrongDigest::Sha512([7; 64]);
        for digest in [
            Some(StrongDigest::Sha256(Sha256::of(b"x"))),
            Some(StrongDigest::Sha384([1; 48])),
            Some(longest),
            None,
        ] {
            assert_eq!(Kept::from(digest).get(), digest);
        }
    }

    /// So many bytes a file: what this is for.
    #[test]
    fn a_claim_is_small() {
        assert!(size_of::<File>() <= 72, "{}", size_of::<File>());
    }
}
