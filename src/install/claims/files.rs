//! What plans bring, by name, in little memory: a run holds this of each of its files until it ends.
//!
//! Owns: for each plan one text of names, one list of rows and one of digests, and the order by which the files of a directory
//! are found. Pure.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

use super::{Bringer, Claim};
use crate::digest::{Kept, Sha256};
use crate::error::{Code, Problem};
use crate::install::PlannedFile;

/// A file of a plan: the number of the plan, and its own among the files of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Spot {
    plan: u32,
    row: u32,
}

/// The claimed files of all plans.
#[derive(Debug, Default)]
pub(super) struct Files {
    plans: Vec<Brought>,
    /// Claims that are no longer, or never were, those of one plan alone with a SHA-256; `None` of those that were taken away.
    odd: HashMap<Spot, Option<Claim>>,
}

/// What one plan brings.
#[derive(Debug)]
struct Brought {
    bringer: Arc<Bringer>,
    /// The names of its files, one behind the other.
    names: Vec<u8>,
    rows: Vec<Row>,
    /// What their contents hash to. Nothing once all are written: few are ever asked for, and can be made of what was written.
    digests: Vec<Sha256>,
}

#[derive(Debug, Clone, Copy)]
struct Row {
    /// Where its name begins, and how long it is.
    start: u32,
    length: u16,
    flags: u8,
}

const EXECUTABLE: u8 = 1;
const GIVES_WAY: u8 = 2;
const IS_ODD: u8 = 4;

impl Row {
    fn name<'n>(&self, names: &'n [u8]) -> &'n [u8] {
        let start = self.start as usize;
        names.get(start..start.saturating_add(usize::from(self.length))).unwrap_or_default()
    }
}

impl Files {
    /// Makes room for what a plan is about to bring: so many files, whose names have so many bytes.
    pub(super) fn begin(&mut self, bringer: &Arc<Bringer>, files: usize, bytes: usize) {
        self.plans.push(Brought {
            bringer: Arc::clone(bringer),
            names: Vec::with_capacity(bytes),
            rows: Vec::with_capacity(files),
            digests: Vec::with_capacity(files),
        });
    }

    /// All files of a plan are written.
    pub(super) fn end(&mut self, bringer: &Arc<Bringer>) {
        let plan = self.plans.iter_mut().rev().find(|plan| Arc::ptr_eq(&plan.bringer, bringer));
        if let Some(plan) = plan {
            plan.digests = Vec::new();
        }
    }

    /// Takes files of one directory, none of which was claimed yet, in the order of their names.
    ///
    /// # Errors
    /// `internal` where the names are gigabytes.
    pub(super) fn push(
        &mut self,
        bringer: &Arc<Bringer>,
        new: &[(&OsStr, &PlannedFile)],
    ) -> Result<Order, Problem> {
        let too_many = || Problem::new(Code::Internal, "a plan has too many names");
        // Few plans are at work at one time, and those are the last ones.
        let at = self.plans.iter().rposition(|plan| Arc::ptr_eq(&plan.bringer, bringer));
        let at = at.unwrap_or_else(|| {
            self.begin(bringer, 0, 0);
            self.plans.len().saturating_sub(1)
        });
        let plan = u32::try_from(at).map_err(|_| too_many())?;
        let Some(brought) = self.plans.get_mut(at) else { return Ok(Order::Nothing) };
        let first = u32::try_from(brought.rows.len()).map_err(|_| too_many())?;
        let mut row = first;
        for (name, file) in new {
            let (start, length) = (u32::try_from(brought.names.len()), u16::try_from(name.len()));
            let (Ok(start), Ok(length)) = (start, length) else { return Err(too_many()) };
            brought.names.extend_from_slice(name.as_bytes());
            let mut flags = if file.executable { EXECUTABLE } else { 0 };
            flags |= if file.gives_way { GIVES_WAY } else { 0 };
            let digest = match file.digest {
                Kept::Sha256(digest) => digest,
                _ => {
                    flags |= IS_ODD;
                    self.odd.insert(Spot { plan, row }, Some(Claim::new(bringer, file)));
                    Sha256::from_bytes([0; 32])
                }
            };
            brought.digests.push(digest);
            brought.rows.push(Row { start, length, flags });
            row = row.checked_add(1).ok_or_else(too_many)?;
        }
        Ok(if first == row {
            Order::Nothing
        } else {
            Order::Run { first: Spot { plan, row: first }, end: row }
        })
    }

    /// The name of a file.
    pub(super) fn name(&self, spot: Spot) -> &OsStr {
        let plan = self.plans.get(spot.plan as usize);
        let name = plan.and_then(|plan| Some(plan.rows.get(spot.row as usize)?.name(&plan.names)));
        OsStr::from_bytes(name.unwrap_or_default())
    }

    /// What is claimed of a file; `None` where that was taken away.
    pub(super) fn get(&self, spot: Spot) -> Option<Claim> {
        let plan = self.plans.get(spot.plan as usize)?;
        let row = plan.rows.get(spot.row as usize)?;
        if row.flags & IS_ODD != 0 {
            return self.odd.get(&spot)?.clone();
        }
        Some(Claim {
            first: Arc::clone(&plan.bringer),
            others: None,
            digest: plan.digests.get(spot.row as usize).map_or(Kept::Nothing, |digest| Kept::Sha256(*digest)),
            is_written: plan.digests.is_empty(),
            executable: row.flags & EXECUTABLE != 0,
            gives_way: row.flags & GIVES_WAY != 0,
        })
    }

    /// Whether anything is claimed of a file.
    pub(super) fn has(&self, spot: Spot) -> bool {
        let row = self.plans.get(spot.plan as usize).and_then(|plan| plan.rows.get(spot.row as usize));
        row.is_some_and(|row| row.flags & IS_ODD == 0 || matches!(self.odd.get(&spot), Some(Some(_))))
    }

    /// Puts another claim in the place of one, or nothing.
    pub(super) fn set(&mut self, spot: Spot, claim: Option<Claim>) {
        let plan = self.plans.get_mut(spot.plan as usize);
        if let Some(row) = plan.and_then(|plan| plan.rows.get_mut(spot.row as usize)) {
            row.flags |= IS_ODD;
            self.odd.insert(spot, claim);
        }
    }

    /// Whether any claim is one of such a plan.
    pub(super) fn has_of(&self, is_it: impl Fn(&Bringer) -> bool) -> bool {
        let is_its = |claim: &Claim| claim.bringers().any(&is_it);
        self.plans.iter().any(|plan| is_it(&plan.bringer)) || self.odd.values().flatten().any(is_its)
    }
}

/// The files of a directory, in the order of their names.
#[derive(Debug, Default)]
pub(super) enum Order {
    #[default]
    Nothing,
    /// Some that stand one behind the other among those of their plan: most directories are of one.
    Run {
        first: Spot,
        end: u32,
    },
    Mixed(Vec<Spot>),
}

impl Order {
    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = Spot> {
        let (run, mixed) = match self {
            Self::Nothing => (None, [].as_slice()),
            Self::Run { first, end } => (Some((first.plan, first.row..*end)), [].as_slice()),
            Self::Mixed(spots) => (None, spots.as_slice()),
        };
        let run = run.into_iter().flat_map(|(plan, rows)| rows.map(move |row| Spot { plan, row }));
        run.chain(mixed.iter().copied())
    }

    /// The one of a name.
    pub(super) fn find(&self, files: &Files, name: &OsStr) -> Option<Spot> {
        match self {
            Self::Nothing => None,
            Self::Run { first, end } => {
                let plan = files.plans.get(first.plan as usize)?;
                let rows = plan.rows.get(first.row as usize..*end as usize)?;
                let at = rows.binary_search_by(|row| row.name(&plan.names).cmp(name.as_bytes())).ok()?;
                Some(Spot { plan: first.plan, row: first.row.checked_add(u32::try_from(at).ok()?)? })
            }
            Self::Mixed(spots) => {
                let at = spots.binary_search_by(|spot| files.name(*spot).cmp(name)).ok()?;
                spots.get(at).copied()
            }
        }
    }

    /// Takes others, of other names.
    pub(super) fn join(&mut self, new: Self, files: &Files) {
        if matches!(self, Self::Nothing) {
            *self = new;
            return;
        }
        let mut all = match std::mem::take(self) {
            Self::Mixed(spots) => spots,
            run => run.iter().collect(),
        };
        let before = all.len();
        let (new, few) = (new.iter().collect::<Vec<_>>(), before / 16);
        if new.len() <= few {
            for spot in new {
                let at = all.partition_point(|other| files.name(*other) < files.name(spot));
                all.insert(at, spot);
            }
        } else {
            all.extend(new);
            // Both are in order, each by itself: a stable sort joins them in one go.
            all.sort_by(|one, other| files.name(*one).cmp(files.name(*other)));
        }
        *self = Self::Mixed(all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::StrongDigest;
    use crate::install::Source;
    use std::collections::BTreeMap;

    fn file(digest: Option<StrongDigest>) -> PlannedFile {
        PlannedFile {
            destination: "/env/x".into(),
            source: Source::Entry(0),
            executable: false,
            digest: digest.into(),
            size: 0,
            is_sized: true,
            gives_way: false,
        }
    }

    fn bringer(text: &str) -> Arc<Bringer> {
        Arc::new(Bringer { package: text.into(), dist_info: "x.dist-info".into() })
    }

    /// The files of one directory.
    #[derive(Default)]
    struct Folder {
        files: Files,
        order: Order,
    }

    impl Folder {
        fn get(&self, name: &OsStr) -> Option<Claim> {
            self.order.find(&self.files, name).and_then(|spot| self.files.get(spot))
        }

        fn told(&self) -> Vec<(String, String)> {
            let there = self.order.iter().filter(|spot| self.files.has(*spot));
            let told = |spot| (self.files.name(spot).to_str().unwrap().to_owned(), self.files.get(spot));
            there.map(told).map(|(name, claim)| (name, claim.unwrap().package().to_owned())).collect()
        }

        /// As [`super::super::Claims::claim`] does.
        fn extend(&mut self, bringer: &Arc<Bringer>, names: &mut Vec<String>) {
            let file = file(Some(StrongDigest::Sha256(Sha256::of(b""))));
            let mut new: Vec<(&OsStr, &PlannedFile)> = Vec::new();
            for name in names.iter().map(OsStr::new) {
                match self.order.find(&self.files, name) {
                    Some(spot) => self.files.set(spot, Some(Claim::new(bringer, &file))),
                    None => new.push((name, &file)),
                }
            }
            new.sort_by_key(|(name, _)| *name);
            let new = self.files.push(bringer, &new).unwrap();
            self.order.join(new, &self.files);
            names.clear();
        }
    }

    proptest::proptest! {
        /// Next to a map, whatever comes and goes in whatever order.
        #[test]
        fn it_is_a_map_of_names(steps in proptest::collection::vec(("[ab\u{e9}]{0,3}", 0..4u8), 0..60)) {
            let (mut folder, mut map) = (Folder::default(), BTreeMap::new());
            let (mut new, mut count) = (Vec::new(), 0);
            let mut plan = bringer("0");
            for (at, (name, what)) in steps.iter().enumerate() {
                let os = OsStr::new(name.as_str());
                if *what == 0 {
                    folder.extend(&plan, &mut new);
                    let (spot, expected) = (folder.order.find(&folder.files, os), map.remove(name));
                    let taken = spot.and_then(|spot| folder.files.get(spot));
                    proptest::prop_assert_eq!(taken.map(|claim| claim.package().to_owned()), expected.clone());
                    if let Some(spot) = spot {
                        folder.files.set(spot, None);
                    }
                    proptest::prop_assert!(folder.get(os).is_none());
                    if let (Some(spot), 0, true) = (spot, at % 2, expected.is_some()) {
                        let other = bringer(&format!("put {at}"));
                        folder.files.set(spot, Some(Claim::new(&other, &file(None))));
                        map.insert(name.clone(), format!("put {at}"));
                    }
                } else if !map.contains_key(name) {
                    new.push(name.clone());
                    map.insert(name.clone(), count.to_string());
                    if *what == 1 {
                        folder.extend(&plan, &mut new);
                    }
                }
                if *what == 3 {
                    folder.extend(&plan, &mut new);
                    count += 1;
                    plan = bringer(&count.to_string());
                }
            }
            folder.extend(&plan, &mut new);
            proptest::prop_assert_eq!(folder.told(), map.clone().into_iter().collect::<Vec<_>>());
            for (name, _) in &steps {
                let found = folder.get(OsStr::new(name)).map(|claim| claim.package().to_owned());
                proptest::prop_assert_eq!(found.as_ref(), map.get(name));
            }
        }
    }

    #[test]
    fn every_digest_comes_back() {
        let longest = StrongDigest::Sha512([7; 64]);
        let plan = bringer("a");
        for digest in [
            Some(StrongDigest::Sha256(Sha256::of(b"x"))),
            Some(StrongDigest::Sha384([1; 48])),
            Some(longest),
            None,
        ] {
            let mut files = Files::default();
            let order = files.push(&plan, &[(OsStr::new("x"), &file(digest))]).unwrap();
            let spot = order.find(&files, OsStr::new("x")).unwrap();
            assert_eq!(files.get(spot).unwrap().digest(), digest);
        }
    }

    /// So many bytes a file: what this is for.
    #[test]
    fn a_claim_is_small() {
        assert!(size_of::<Row>() + size_of::<Sha256>() <= 40);
    }
}
