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
use pep508_rs::{MarkerTree, PackageName};
use version_ranges::Ranges;

use crate::facts::{CandidateWheel, Candidates, Release};
use crate::markers;
use crate::needs::Needs;
use crate::ranges;
use crate::region::Region;
use crate::request::Origin;
pub(crate) use crate::usable::Unusable;
use crate::usable::{Lens, Pinned, judge_wheel, taken};
use crate::wheel_name::WheelName;

/// One project in a solve.
pub(crate) struct Project {
    /// Its name.
    pub(crate) name: PackageName,
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
    /// How many of its versions were chosen.
    pub(crate) tried: Cell<u32>,
    /// How many conflicts it had a part in.
    pub(crate) conflicts: Cell<u32>,
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
    /// Whether its pre-releases are taken always.
    pub(crate) prereleases: bool,
    /// The versions to prefer, the first before the others.
    pub(crate) preferred: Vec<Version>,
    /// The constraints on it that hold everywhere in the region.
    pub(crate) constraints: Vec<Asked>,
    /// The constraints that hold in a part of the region.
    pub(crate) partial: Vec<(Asked, MarkerTree)>,
    /// The versions that a requirement of the user pins exactly.
    pub(crate) pins: Vec<Ranges<Version>>,
    /// Yanked versions that are taken for a chosen version that pins them.
    pub(crate) admitted: BTreeSet<Version>,
    /// Whether wheels and Pythons count that no environment of the region takes or has, and one of another region does.
    pub(crate) elsewhere: bool,
    /// The only version that counts, whatever its age, yanked or not, and be it a pre-release.
    pub(crate) assumed: Option<Version>,
    /// Of those versions the ones whose metadata name such Pythons.
    pub(crate) late: BTreeSet<Version>,
}

/// A requirement or constraint on a project.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Its specifiers.
    pub(crate) specifiers: VersionSpecifiers,
    /// The versions that satisfy them.
    pub(crate) set: Ranges<Version>,
    /// Whether they name a pre-release.
    pub(crate) prerelease: bool,
    /// Where the user wrote it; none for what a package requires.
    pub(crate) origin: Option<Origin>,
}

impl Asked {
    pub(crate) fn new(specifiers: &VersionSpecifiers, origin: Option<&Origin>) -> Self {
        Self {
            set: ranges::of_specifiers(specifiers),
            prerelease: ranges::names_prerelease(specifiers),
            specifiers: specifiers.clone(),
            origin: origin.cloned(),
        }
    }

    /// The specifiers without blanks: `>=1,<2`; empty where there are none.
    pub(crate) fn text(&self) -> String {
        plain(&self.specifiers)
    }

    /// Whether one of its specifiers pins a version.
    pub(crate) fn pins(&self, version: &Version) -> bool {
        pins(&self.specifiers).any(|pin| pin.contains(version))
    }
}

/// The versions that specifiers pin exactly.
pub(crate) fn pins(specifiers: &VersionSpecifiers) -> impl Iterator<Item = Ranges<Version>> {
    specifiers.iter().filter(|specifier| ranges::is_pin(specifier)).map(ranges::of_specifier)
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
    /// What is known of each. Boxed, for few versions of many are ever looked at.
    states: Box<[OnceCell<Box<State>>]>,
}

/// What is known of a version that was looked at.
struct State {
    judged: Result<Usable, Unusable>,
    needs: OnceCell<Arc<Needs>>,
}

/// What can be used of a version.
struct Usable {
    /// The places of the wheels that some environment takes, best first.
    wheels: Vec<usize>,
    /// Where it can be used, if not in the whole region.
    part: Option<MarkerTree>,
    /// Whether its wheels are for other regions alone, by their tags or Pythons.
    elsewhere: bool,
}

impl Project {
    pub(crate) fn new(name: PackageName, order: usize, wishes: Wishes) -> Self {
        Self {
            name,
            order,
            wishes,
            asked: RefCell::default(),
            wanted: RefCell::new(Ranges::full()),
            chosen: Chosen::default(),
            banned: RefCell::default(),
            tries: Cell::new(0),
            tried: Cell::new(0),
            conflicts: Cell::new(0),
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
            states: (0..candidates.releases.len()).map(|_| OnceCell::new()).collect(),
            candidates,
        })
    }

    /// Takes note of a requirement, and of the version that has it (the user's have none). Gives the set of versions
    /// that satisfy it, which is computed once for equal specifiers.
    pub(crate) fn ask(
        &self,
        specifiers: &VersionSpecifiers,
        origin: Option<&Origin>,
        by: Option<(&Self, &Version)>,
    ) -> Ranges<Version> {
        let mut all = self.asked.borrow_mut();
        let by = by.map(|(project, version)| (Rc::clone(&project.chosen), version.clone()));
        let same = |asked: &Asked| asked.specifiers == *specifiers && asked.origin.as_ref() == origin;
        if let Some((asked, askers)) = all.iter_mut().find(|(asked, _)| same(asked)) {
            askers.list.extend(by);
            return asked.set.clone();
        }
        if specifiers.iter().any(ranges::is_pin) {
            self.pinned.set(true);
        }
        let asked = Asked::new(specifiers, origin);
        let set = asked.set.clone();
        all.push((asked, Askers { list: by.into_iter().collect() }));
        set
    }

    /// The wheels of a version that the target takes, best first, or why there are none.
    pub(crate) fn wheels<'a>(
        &self,
        offers: &'a Offers,
        at: usize,
        region: &Region<'_>,
    ) -> Result<impl Iterator<Item = &'a CandidateWheel> + use<'a>, &'a Unusable> {
        let (Some(state), Some(release)) = (self.state(offers, at, region), offers.release(at)) else {
            return Err(&Unusable::NoFiles);
        };
        let usable = state.judged.as_ref()?;
        Ok(usable.wheels.iter().filter_map(|wheel| release.wheels.get(*wheel)))
    }

    /// Where the needs of a version are kept, once they were asked for; none where it does not exist.
    pub(crate) fn needs<'a>(
        &self,
        offers: &'a Offers,
        at: usize,
        region: &Region<'_>,
    ) -> Option<&'a OnceCell<Arc<Needs>>> {
        self.state(offers, at, region).map(|state| &state.needs)
    }

    /// Where a usable version can be used, if not in the whole region.
    pub(crate) fn part<'a>(
        &self,
        offers: &'a Offers,
        at: usize,
        region: &Region<'_>,
    ) -> Option<&'a MarkerTree> {
        self.state(offers, at, region)?.judged.as_ref().ok()?.part.as_ref()
    }

    fn state<'a>(&self, offers: &'a Offers, at: usize, region: &Region<'_>) -> Option<&'a State> {
        let (state, version) = (offers.states.get(at)?, offers.get(at)?);
        Some(state.get_or_init(|| {
            let release = offers.release(at);
            let judged = release.map_or(Err(Unusable::NoFiles), |it| self.judge(version, it, region));
            Box::new(State { judged, needs: OnceCell::new() })
        }))
    }

    /// Whether a version can be used.
    pub(crate) fn usable(&self, offers: &Offers, at: usize, region: &Region<'_>) -> bool {
        self.wheels(offers, at, region).is_ok()
    }

    /// The wheel whose metadata speak for a version: the one that would be installed; of those for a universe the broadest,
    /// the same in each of its regions, so that it does not depend on which of them asks first.
    pub(crate) fn speaker<'a>(
        &self,
        offers: &'a Offers,
        at: usize,
        region: &Region<'_>,
    ) -> Option<&'a WheelName> {
        let best = self.wheels(offers, at, region).ok()?.next()?;
        let all = self.of_universe(offers, at, region);
        let broadest = all
            .into_iter()
            .min_by_key(|(rank, wheel)| (*rank, Reverse(wheel.name.build()), wheel.name.as_str()));
        Some(broadest.map_or(&best.name, |(_, wheel)| &wheel.name))
    }

    /// The wheels of a version that can be used which an environment of the universe takes, with their ranks, the same in each
    /// of its regions; none in one environment.
    pub(crate) fn of_universe<'a>(
        &self,
        offers: &'a Offers,
        at: usize,
        region: &Region<'_>,
    ) -> Vec<(u32, &'a CandidateWheel)> {
        let best = self.wheels(offers, at, region).ok().and_then(|mut wheels| wheels.next());
        let (Some(best), Some(release)) = (best, offers.release(at)) else { return Vec::new() };
        let rank = |wheel: &'a CandidateWheel| {
            let rank = region.rank_elsewhere(&wheel.name)?;
            let is_alike = wheel.too_new.is_none() && wheel.yanked.is_some() == best.yanked.is_some();
            let python = wheel.requires_python.as_ref();
            (is_alike && python.is_none_or(|python| region.is_for(python))).then_some((rank, wheel))
        };
        release.wheels.iter().filter_map(rank).collect()
    }

    /// Whether a version that can be used is for other regions alone, by its wheels or by its metadata.
    pub(crate) fn is_elsewhere(&self, offers: &Offers, at: usize, region: &Region<'_>) -> bool {
        if offers.get(at).is_some_and(|version| self.wishes.late.contains(version)) {
            return true;
        }
        let judged = self.state(offers, at, region).map(|state| &state.judged);
        judged.is_some_and(|judged| judged.as_ref().is_ok_and(|usable| usable.elsewhere))
    }

    /// Whether a version cannot be used for the one reason that its wheels are for other regions.
    pub(crate) fn would_be_elsewhere(&self, offers: &Offers, at: usize, region: &Region<'_>) -> bool {
        let why = self.wheels(offers, at, region).err();
        let Some(release) = offers.release(at) else { return false };
        let elsewhere = |wheel: &CandidateWheel| region.rank_elsewhere(&wheel.name);
        matches!(why, Some(Unusable::Platform | Unusable::Python(_)))
            && !taken(release, Pinned::No, region, Lens::Universe, &elsewhere).0.is_empty()
    }

    /// What the wheels of a version say of Pythons, where it cannot be used, of those that nothing else speaks against.
    pub(crate) fn passed_over<'a>(
        &self,
        offers: &'a Offers,
        at: usize,
        region: &'a Region<'_>,
    ) -> impl Iterator<Item = &'a VersionSpecifiers> + use<'a> {
        let release = if self.usable(offers, at, region) { None } else { offers.release(at) };
        let wheels = release.into_iter().flat_map(|release| &release.wheels);
        let only = |wheel: &&CandidateWheel| {
            wheel.too_new.is_none() && wheel.yanked.is_none() && region.rank(&wheel.name).is_some()
        };
        wheels.filter(only).filter_map(|wheel| wheel.requires_python.as_ref())
    }

    /// What is asked of its versions.
    pub(crate) fn lens(&self) -> Lens {
        if self.wishes.elsewhere { Lens::Universe } else { Lens::Region }
    }

    /// Whether the user pins a version.
    pub(crate) fn is_pinned(&self, version: &Version) -> bool {
        self.wishes.pins.iter().any(|pin| pin.contains(version))
    }

    fn judge(&self, version: &Version, release: &Release, region: &Region<'_>) -> Result<Usable, Unusable> {
        if self.wishes.constraints.iter().any(|constraint| !constraint.set.contains(version)) {
            return Err(Unusable::Constrained);
        }
        if self.wishes.assumed.as_ref().is_some_and(|assumed| assumed != version) {
            return Err(Unusable::Constrained);
        }
        if release.wheels.is_empty() {
            return Err(if release.has_sdist { Unusable::SourceOnly } else { Unusable::NoFiles });
        }
        let pinned = match &self.wishes.assumed {
            Some(_) => Pinned::Assumed,
            None if self.is_pinned(version) || self.wishes.admitted.contains(version) => Pinned::Yes,
            None => Pinned::No,
        };
        let here = taken(release, pinned, region, Lens::Region, &|wheel| region.rank(&wheel.name));
        let elsewhere = here.0.is_empty() && self.wishes.elsewhere;
        let (mut taken, mut part) = match elsewhere {
            true => taken(release, pinned, region, Lens::Universe, &|it| region.rank_elsewhere(&it.name)),
            false => here,
        };
        if taken.is_empty() {
            // The miss that came closest is the one worth telling.
            let miss = |wheel: &CandidateWheel| {
                judge_wheel(wheel, region.rank(&wheel.name).is_some(), pinned, region, Lens::Region).err()
            };
            return Err(release.wheels.iter().filter_map(miss).max().unwrap_or(Unusable::NoFiles));
        }
        if let Some(lacking) = region.without_wheel(&taken.iter().map(|(_, _, wheel)| &wheel.name)) {
            if lacking.whole {
                return Err(Unusable::Required(
                    markers::text(&lacking.marker, &MarkerTree::TRUE).unwrap_or_default(),
                ));
            }
            part = part.or(Some(lacking.marker.negate()));
        }
        taken.sort_by_key(|(rank, _, wheel)| (*rank, Reverse(wheel.name.build()), wheel.name.as_str()));
        Ok(Usable { wheels: taken.into_iter().map(|(_, at, _)| at).collect(), part, elsewhere })
    }
}

impl Offers {
    /// The number of versions.
    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// The version at a place, lowest first.
    pub(crate) fn get(&self, at: usize) -> Option<&Version> {
        self.candidates.releases.version(at)
    }

    /// The place of a version.
    pub(crate) fn position(&self, version: &Version) -> Option<usize> {
        self.candidates.releases.position(version)
    }

    /// The files of a version.
    pub(crate) fn release(&self, at: usize) -> Option<&Release> {
        self.candidates.releases.at(at)
    }

    /// All versions with their places, lowest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (usize, &Version)> {
        (0..self.len()).filter_map(|at| Some((at, self.get(at)?)))
    }
}

/// Specifiers without blanks: `>=1,<2`.
pub(crate) fn plain(specifiers: &VersionSpecifiers) -> String {
    specifiers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
