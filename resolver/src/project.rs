//! What the solver knows of one project: its versions, which of them can be used and why others cannot, and what was
//! asked of it so far.
//!
//! Owns the rule of what a candidate is. Every answer is computed once, when it is first needed.

use std::cell::{Cell, OnceCell, RefCell};
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::PackageName;
use version_ranges::Ranges;

use crate::facts::{CandidateWheel, Candidates, Dependencies, Release};
use crate::request::Origin;
use crate::tags::Tags;
use crate::wheel_name::WheelName;

/// One project in a solve.
pub(crate) struct Project {
    /// Its name.
    pub(crate) name: Arc<PackageName>,
    /// When it was first heard of, counted from 0: ties between packages are broken by it.
    pub(crate) order: usize,
    /// What the user said of it.
    pub(crate) wishes: Wishes,
    /// The requirements on it that were seen so far, those of the user first, and who has them.
    pub(crate) asked: RefCell<Vec<(Asked, Askers)>>,
    /// The set that the solver last wanted a version from.
    pub(crate) wanted: RefCell<Ranges<Version>>,
    /// The version that was last chosen.
    pub(crate) chosen: Chosen,
    /// Pre-releases that turned out not to be asked for by what was chosen in the end.
    pub(crate) banned: RefCell<BTreeSet<Version>>,
    /// How often a version was chosen.
    pub(crate) tries: Cell<u32>,
    /// Whether a requirement that was seen pins it to one version.
    pub(crate) pinned: Cell<bool>,
    /// Whether its candidates were hinted at.
    pub(crate) hinted: Cell<bool>,
    /// Whether its candidates were looked at ahead of need.
    pub(crate) looked_at: Cell<bool>,
    offers: OnceCell<Offers>,
}

/// What the user said of a project: it holds whatever the solver decides.
#[derive(Default)]
pub(crate) struct Wishes {
    /// Whether a requirement of the user names it.
    pub(crate) direct: bool,
    /// The version to prefer.
    pub(crate) preferred: Option<Version>,
    /// The constraints on it.
    pub(crate) constraints: Vec<Asked>,
    /// The versions that a requirement of the user pins exactly.
    pub(crate) pins: Vec<Ranges<Version>>,
}

/// A requirement or constraint on a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The versions that satisfy its specifiers.
    pub(crate) set: Ranges<Version>,
    /// The specifiers as text, such as `>=1,<2`; empty where there are none.
    pub(crate) text: String,
    /// Whether they name a pre-release.
    pub(crate) prerelease: bool,
    /// Where the user wrote it; none for what a package requires.
    pub(crate) origin: Option<Origin>,
}

/// The version of a project that was last chosen, if any.
pub(crate) type Chosen = Rc<RefCell<Option<Version>>>;

/// The versions that have a requirement; the user where there are none.
pub(crate) struct Askers {
    list: Vec<(Chosen, Version)>,
}

impl Askers {
    /// Whether one of them is chosen now, as far as is known: a version that the solver gave up counts until another of
    /// its project is chosen.
    pub(crate) fn are_chosen(&self) -> bool {
        let chosen = |(chosen, version): &(Chosen, Version)| chosen.borrow().as_ref() == Some(version);
        self.list.is_empty() || self.list.iter().any(chosen)
    }
}

/// The versions of a project, lowest first.
pub(crate) struct Offers {
    /// Whether any index has the project.
    pub(crate) known: bool,
    candidates: Arc<Candidates>,
    list: Vec<Offer>,
}

/// One version of a project.
pub(crate) struct Offer {
    /// The version.
    pub(crate) version: Version,
    /// What it depends on, once it was asked for.
    pub(crate) dependencies: OnceCell<Arc<Dependencies>>,
    judged: OnceCell<Result<Vec<usize>, Unusable>>,
}

/// Why a version is no candidate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unusable {
    /// It has no file at all.
    NoFiles,
    /// It has a source distribution and no wheel.
    SourceOnly,
    /// Its wheels are for other Pythons.
    Python(String),
    /// No wheel has a tag that the target takes.
    Platform,
    /// It was uploaded after the cutoff.
    TooNew,
    /// It was yanked, with this reason.
    Yanked(String),
    /// A constraint leaves it out.
    Constrained,
}

/// What a version is judged by, besides the project's own wishes.
pub(crate) struct Judge<'a> {
    /// The wheel tags that the target takes.
    pub(crate) tags: &'a Tags,
    /// The release of the target's Python.
    pub(crate) python: Version,
}

impl Project {
    pub(crate) fn new(name: Arc<PackageName>, order: usize, wishes: Wishes) -> Self {
        Self {
            name,
            order,
            wishes,
            asked: RefCell::default(),
            wanted: RefCell::new(Ranges::full()),
            chosen: Chosen::default(),
            banned: RefCell::default(),
            tries: Cell::new(0),
            pinned: Cell::new(false),
            hinted: Cell::new(false),
            looked_at: Cell::new(false),
            offers: OnceCell::new(),
        }
    }

    /// The candidates, if they are known by now.
    pub(crate) fn offers(&self) -> Option<&Offers> {
        self.offers.get()
    }

    /// Takes note of the candidates. The first answer stays.
    pub(crate) fn learn(&self, candidates: Arc<Candidates>) -> &Offers {
        self.offers.get_or_init(|| Offers {
            known: candidates.known,
            list: candidates.releases.keys().cloned().map(Offer::new).collect(),
            candidates,
        })
    }

    /// Takes note of a requirement, and of the version that has it; the user's have none.
    pub(crate) fn ask(&self, asked: Asked, by: Option<(&Self, &Version)>) {
        let mut all = self.asked.borrow_mut();
        let by = by.map(|(project, version)| (Rc::clone(&project.chosen), version.clone()));
        match all.iter_mut().find(|(known, _)| *known == asked) {
            Some((_, askers)) => askers.list.extend(by),
            None => all.push((asked, Askers { list: by.into_iter().collect() })),
        }
    }

    /// The wheels of a version that the target takes, best first, or why there are none.
    pub(crate) fn wheels<'a>(
        &self,
        offers: &'a Offers,
        at: usize,
        judge: &Judge<'_>,
    ) -> Result<impl Iterator<Item = &'a CandidateWheel> + use<'a>, &'a Unusable> {
        let (Some(offer), Some(release)) = (offers.get(at), offers.release(at)) else {
            return Err(&Unusable::NoFiles);
        };
        let judged = offer.judged.get_or_init(|| self.judge(&offer.version, release, judge));
        let taken = judged.as_ref()?;
        Ok(taken.iter().filter_map(|wheel| release.wheels.get(*wheel)))
    }

    /// Whether a version can be used.
    pub(crate) fn usable(&self, offers: &Offers, at: usize, judge: &Judge<'_>) -> bool {
        self.wheels(offers, at, judge).is_ok()
    }

    /// The wheel that speaks for a version: the one that would be installed.
    pub(crate) fn best_wheel<'a>(
        &self,
        offers: &'a Offers,
        at: usize,
        judge: &Judge<'_>,
    ) -> Option<&'a WheelName> {
        self.wheels(offers, at, judge).ok()?.next().map(|wheel| &wheel.name)
    }

    fn judge(&self, version: &Version, release: &Release, judge: &Judge<'_>) -> Result<Vec<usize>, Unusable> {
        if self.wishes.constraints.iter().any(|constraint| !constraint.set.contains(version)) {
            return Err(Unusable::Constrained);
        }
        if release.wheels.is_empty() {
            return Err(if release.has_sdist { Unusable::SourceOnly } else { Unusable::NoFiles });
        }
        let pinned = self.wishes.pins.iter().any(|pin| pin.contains(version));
        let mut taken = Vec::new();
        let mut missed = None;
        for (at, wheel) in release.wheels.iter().enumerate() {
            match judge_wheel(wheel, pinned, judge) {
                Ok(rank) => taken.push((rank, at, wheel)),
                // The miss that came closest is the one worth telling.
                Err(miss) => missed = missed.max(Some(miss)),
            }
        }
        if taken.is_empty() {
            return Err(missed.unwrap_or(Unusable::NoFiles));
        }
        taken.sort_by_key(|(rank, _, wheel)| (*rank, Reverse(wheel.name.build()), wheel.name.as_str()));
        Ok(taken.into_iter().map(|(_, at, _)| at).collect())
    }
}

/// The rank of a wheel, or what keeps it out. "An installer MUST ignore yanked releases, if the selection constraints
/// can be satisfied with a non-yanked version" (PEP 592); here an exact pin alone makes a yanked file a candidate.
fn judge_wheel(wheel: &CandidateWheel, pinned: bool, judge: &Judge<'_>) -> Result<u32, Unusable> {
    let takes = |specifiers: &VersionSpecifiers| specifiers.contains(&judge.python);
    if let Some(specifiers) = wheel.requires_python.as_ref().filter(|specifiers| !takes(specifiers)) {
        return Err(Unusable::Python(plain(specifiers)));
    }
    let rank = judge.tags.rank(&wheel.name).ok_or(Unusable::Platform)?;
    if wheel.too_new {
        return Err(Unusable::TooNew);
    }
    match &wheel.yanked {
        Some(reason) if !pinned => Err(Unusable::Yanked(reason.clone())),
        _ => Ok(rank),
    }
}

impl Offers {
    /// The number of versions.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The version at a place, lowest first.
    pub(crate) fn get(&self, at: usize) -> Option<&Offer> {
        self.list.get(at)
    }

    /// The place of a version.
    pub(crate) fn position(&self, version: &Version) -> Option<usize> {
        self.list.binary_search_by(|offer| offer.version.cmp(version)).ok()
    }

    /// The files of a version.
    pub(crate) fn release(&self, at: usize) -> Option<&Release> {
        self.candidates.releases.get(&self.list.get(at)?.version)
    }

    /// All versions with their places, lowest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (usize, &Version)> {
        self.list.iter().enumerate().map(|(at, offer)| (at, &offer.version))
    }
}

impl Offer {
    fn new(version: Version) -> Self {
        Self { version, dependencies: OnceCell::new(), judged: OnceCell::new() }
    }
}

/// Specifiers without blanks: `>=1,<2`.
pub(crate) fn plain(specifiers: &VersionSpecifiers) -> String {
    specifiers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
