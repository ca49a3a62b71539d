//! Where a solve holds: one environment, or a region of a universe of them.
//!
//! Owns every question about environments that a solve asks: whether a requirement counts, whether a Python or a wheel
//! fits. It never decides; where an answer differs within a region it says along which marker.

use std::cell::RefCell;
use std::collections::HashMap;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::MarkerTree;
use rustc_hash::FxHashMap;

use crate::markers::{self, Usual};
use crate::request::{ForkStrategy, Target, Universe};
use crate::wheel_name::WheelName;

/// Where a solve holds.
pub(crate) enum Region<'a> {
    /// In one environment.
    One(&'a Target),
    /// In every environment of a marker.
    Many(Many<'a>),
}

/// A part of a universe.
pub(crate) struct Many<'a> {
    /// Its environments, within what is true of every environment.
    pub(crate) marker: MarkerTree,
    /// What tells it from the other regions of its universe.
    pub(crate) side: MarkerTree,
    /// The environments of all regions, within what is true of every environment.
    whole: MarkerTree,
    universe: &'a Universe,
    fork_strategy: ForkStrategy,
    pythons: RefCell<HashMap<VersionSpecifiers, Fit>>,
}

/// For some environments, whether wheels with these tags fit there, by the end of their names. Bounded, so that names which were chosen for their hashes cost little.
type KnownWheels = FxHashMap<MarkerTree, FxHashMap<Box<str>, bool>>;

/// Of how many sets of environments it is known which wheels fit there.
const MOST_KNOWN: usize = 256;

thread_local! {
    /// A universe is cut into the same regions again: to solve them, to see what of a lock may stay, to shorten markers.
    static FITS: RefCell<KnownWheels> = RefCell::default();
}

/// In which environments of a region something fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fit {
    /// In all of them, as far as a range without an end can be promised.
    All,
    /// Where this marker holds.
    Part(MarkerTree),
    /// In none.
    Nowhere,
}

impl<'a> Region<'a> {
    /// The environments of `whole` in which `side` holds.
    pub(crate) fn many(
        whole: &MarkerTree,
        side: MarkerTree,
        universe: &'a Universe,
        fork_strategy: ForkStrategy,
    ) -> Self {
        let pythons = RefCell::default();
        let mut marker = whole.clone();
        marker.and(side.clone());
        let whole = whole.clone();
        Self::Many(Many { marker, side, whole, universe, fork_strategy, pythons })
    }

    /// Another part of the same universe; none of one environment.
    pub(crate) fn with_side(&self, side: MarkerTree) -> Option<Self> {
        let Self::Many(many) = self else { return None };
        Some(Self::many(&many.whole, side, many.universe, many.fork_strategy))
    }

    /// Both sides of a marker within a part of the same universe.
    pub(crate) fn split(&self, side: &MarkerTree, along: &MarkerTree) -> Vec<MarkerTree> {
        let Self::Many(many) = self else { return Vec::new() };
        crate::fork::split(&many.whole, side, along).to_vec()
    }

    /// Whether a requirement with this marker counts: it holds somewhere in the region.
    pub(crate) fn counts(&self, marker: &MarkerTree) -> bool {
        match self {
            Self::One(target) => marker.evaluate(&target.markers, &[]),
            Self::Many(many) => marker.is_true() || markers::overlaps(&many.marker, marker),
        }
    }

    /// Whether a marker that counts holds everywhere in the region.
    pub(crate) fn is_all(&self, marker: &MarkerTree) -> bool {
        match self {
            Self::One(_) => true,
            Self::Many(many) => marker.is_true() || markers::covers(&many.marker, marker),
        }
    }

    /// Where a `requires-python` holds. In a range of Pythons its lower bound counts and every hole in it; its upper bound
    /// does not, unless that leaves nothing over: a range has no end, and no release can be for Pythons that do not exist
    /// yet. (Installing looks at the whole of it.)
    pub(crate) fn python(&self, specifiers: &VersionSpecifiers) -> Fit {
        match self {
            Self::One(target) => {
                let python = target.markers.python_full_version().version.only_release();
                if specifiers.contains(&python) { Fit::All } else { Fit::Nowhere }
            }
            Self::Many(many) => {
                if let Some(known) = many.pythons.borrow().get(specifiers) {
                    return known.clone();
                }
                let fit = many.python(specifiers);
                many.pythons.borrow_mut().insert(specifiers.clone(), fit.clone());
                fit
            }
        }
    }

    /// The rank of a wheel that some environment takes; the lowest is the best.
    pub(crate) fn rank(&self, wheel: &WheelName) -> Option<u32> {
        match self {
            Self::One(target) => target.tags.rank(wheel),
            Self::Many(many) => many.takes(wheel).then(|| breadth(wheel)),
        }
    }

    /// Whether an environment of the region takes a wheel where a marker holds.
    pub(crate) fn takes_where(&self, marker: &MarkerTree, wheel: &WheelName) -> bool {
        let Self::Many(many) = self else { return true };
        let mut here = many.marker.clone();
        here.and(marker.clone());
        markers::takes(&here, wheel)
    }

    /// The rank of a wheel that some environment of the universe takes, be it in this region or in another.
    pub(crate) fn rank_elsewhere(&self, wheel: &WheelName) -> Option<u32> {
        let Self::Many(many) = self else { return None };
        fits(&many.whole, wheel).then(|| breadth(wheel))
    }

    /// Whether a Python of the universe is one of a `requires-python`.
    pub(crate) fn is_for(&self, specifiers: &VersionSpecifiers) -> bool {
        let Self::Many(many) = self else { return true };
        markers::overlaps(&many.whole, &markers::of_python(specifiers))
    }

    /// Where a `requires-python` holds that is for Pythons of another region of the universe alone: there its upper bound
    /// does not count, as it would not were the universe one region.
    pub(crate) fn python_elsewhere(&self, specifiers: &VersionSpecifiers) -> Fit {
        match self.python(specifiers) {
            Fit::Nowhere if self.is_for(specifiers) => match self {
                Self::One(_) => Fit::Nowhere,
                Self::Many(many) => many.open_python(specifiers),
            },
            fit => fit,
        }
    }

    /// The declared environments in this region of which none takes one of `wheels`: the first of them.
    pub(crate) fn without_wheel<'w>(
        &self,
        wheels: &(impl Iterator<Item = &'w WheelName> + Clone),
    ) -> Option<Lacking> {
        let Self::Many(many) = self else { return None };
        let lacking = self.required().iter().find(|required| self.lacks(required, wheels.clone()))?;
        Some(Lacking { whole: markers::covers(&many.marker, lacking), marker: lacking.clone() })
    }

    /// The usual environments of the region, where any are declared that must find wheels.
    pub(crate) fn usual(&self) -> Vec<&'static Usual> {
        let Self::Many(many) = self else { return Vec::new() };
        if self.required().is_empty() {
            return Vec::new();
        }
        markers::usual().iter().filter(|usual| markers::overlaps(&many.marker, &usual.marker)).collect()
    }

    /// Whether an environment lies in this region, and takes none of `wheels` there.
    pub(crate) fn lacks<'w>(
        &self,
        environment: &MarkerTree,
        mut wheels: impl Iterator<Item = &'w WheelName>,
    ) -> bool {
        let Self::Many(many) = self else { return false };
        let mut here = environment.clone();
        here.and(many.marker.clone());
        !here.is_false() && !wheels.any(|wheel| markers::takes(&here, wheel))
    }

    /// The declared environments that must find wheels.
    pub(crate) fn required(&self) -> &[MarkerTree] {
        match self {
            Self::One(_) => &[],
            Self::Many(many) => &many.universe.required,
        }
    }

    /// Whether newer versions for newer Pythons are worth a fork.
    pub(crate) fn forks_by_python(&self) -> bool {
        matches!(self, Self::Many(many) if many.fork_strategy == ForkStrategy::RequiresPython)
    }

    /// The part of the region's Pythons that a marker starts above, where it does: `python_version >= '3.12'` in a region
    /// that starts at 3.10.
    pub(crate) fn raised_by(&self, marker: &MarkerTree) -> Option<MarkerTree> {
        let Self::Many(many) = self else { return None };
        let mut here = many.marker.clone();
        here.and(marker.clone());
        let least = markers::lower_bound_of(&here)?;
        if markers::lower_bound_of(&many.marker).is_some_and(|lowest| lowest >= least) {
            return None;
        }
        let specifiers: VersionSpecifiers = format!(">={least}").parse().ok()?;
        Some(markers::at_least(&specifiers))
    }

    /// The environments of the region in which a marker holds; none where that is all of them.
    pub(crate) fn part_where(&self, marker: &MarkerTree) -> Option<MarkerTree> {
        let Self::Many(many) = self else { return None };
        let mut here = many.marker.clone();
        here.and(marker.clone());
        (!self.is_all(marker)).then_some(here)
    }

    /// What tells the region from the rest of its universe, as a marker.
    pub(crate) fn words(&self) -> Option<String> {
        let Self::Many(many) = self else { return None };
        let mut whole = markers::world().clone();
        whole.and(many.universe.marker.clone());
        markers::text(&many.side, &whole)
    }

    /// The Python of the region in words: `3.12`, `3.12.4`, `3.10 and later`, or `3.10 to 3.12`.
    pub(crate) fn python_words(&self) -> String {
        match self {
            Self::One(target) => {
                let python = target.markers.python_full_version().version.only_release();
                match *python.release() {
                    [major, minor, 0] => Version::new([major, minor]).to_string(),
                    _ => python.to_string(),
                }
            }
            Self::Many(many) => pythons_of(&many.marker),
        }
    }

    /// The Pythons of the region that a `requires-python` leaves out, in words.
    pub(crate) fn python_words_outside(&self, specifiers: &str) -> String {
        let (Self::Many(many), Ok(specifiers)) = (self, specifiers.parse::<VersionSpecifiers>()) else {
            return self.python_words();
        };
        let mut outside = markers::of_python(&specifiers).negate();
        outside.and(many.marker.clone());
        if outside.is_false() { self.python_words() } else { pythons_of(&outside) }
    }
}

/// The Pythons of a marker, in words.
pub(crate) fn pythons_of(marker: &MarkerTree) -> String {
    let Some(least) = markers::lower_bound_of(marker) else { return "every version".to_owned() };
    let Some(end) = markers::upper_bound_of(marker) else { return format!("{least} and later") };
    let last = match *end.release() {
        [major, minor] if minor > 0 => Version::new([major, minor - 1]),
        _ => end,
    };
    if last == least { least.to_string() } else { format!("{least} to {last}") }
}

/// A required environment that finds no wheel.
pub(crate) struct Lacking {
    /// It.
    pub(crate) marker: MarkerTree,
    /// Whether the whole region lies in it.
    pub(crate) whole: bool,
}

impl Many<'_> {
    fn python(&self, specifiers: &VersionSpecifiers) -> Fit {
        if !markers::overlaps(&self.marker, &markers::of_python(specifiers)) {
            return Fit::Nowhere;
        }
        self.open_python(specifiers)
    }

    fn open_python(&self, specifiers: &VersionSpecifiers) -> Fit {
        let open = markers::of_open_python(specifiers);
        if markers::covers(&self.marker, &open) {
            Fit::All
        } else if markers::overlaps(&self.marker, &open) {
            Fit::Part(open)
        } else {
            Fit::Nowhere
        }
    }

    fn takes(&self, wheel: &WheelName) -> bool {
        fits(&self.marker, wheel)
    }
}

/// Whether some of these environments take a wheel.
pub(crate) fn fits(environments: &MarkerTree, wheel: &WheelName) -> bool {
    let tags = markers::tags_of(wheel);
    let known = |fits: &RefCell<KnownWheels>| fits.borrow().get(environments)?.get(tags).copied();
    if let Some(known) = FITS.with(known) {
        return known;
    }
    let fits = markers::takes(environments, wheel);
    FITS.with_borrow_mut(|known| {
        if known.len() >= MOST_KNOWN && !known.contains_key(environments) {
            known.clear();
        }
        known.entry(environments.clone()).or_default().insert(tags.into(), fits);
    });
    fits
}

/// How many environments a wheel is for, roughly: the metadata of the broadest one speak for a version. Among native
/// wheels it is that for Linux, whose metadata are the most complete in practice (the others' leave out what only Linux
/// needs more often than the other way round).
fn breadth(wheel: &WheelName) -> u32 {
    let (_, _, platforms) = wheel.tag_parts();
    let any = |test: &dyn Fn(&str) -> bool| platforms.iter().any(|platform| test(platform));
    if any(&|platform| platform == "any") {
        0
    } else if any(&|platform| platform.contains("linux") && platform.ends_with("x86_64")) {
        1
    } else if any(&|platform| platform.starts_with("macosx")) {
        2
    } else if any(&|platform| platform.starts_with("win")) {
        3
    } else {
        4
    }
}
