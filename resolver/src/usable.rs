//! Which wheels of a version can be used in a region, and why others cannot.
//!
//! Owns the rules for one wheel: its tags, its Python, its time, and whether it was yanked.

use pep440_rs::VersionSpecifiers;
use pep508_rs::MarkerTree;

use crate::facts::{CandidateWheel, Release};
use crate::project::plain;
use crate::region::{Fit, Region};

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
    /// No wheel is for an environment that must find one: its marker.
    Required(String),
    /// It was uploaded after the cutoff.
    TooNew,
    /// It was yanked, with this reason.
    Yanked(String),
    /// A constraint leaves it out.
    Constrained,
}

/// Whether a version may be yanked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pinned {
    /// It may not.
    No,
    /// It is pinned exactly.
    Yes,
    /// It is taken for a trial: it may be too new as well.
    Assumed,
}

/// What is asked of a wheel.
#[derive(Clone, Copy)]
pub(crate) enum Lens {
    /// That an environment of the region takes it.
    Region,
    /// That one of the universe does.
    Universe,
}

impl Lens {
    /// Where a `requires-python` holds.
    pub(crate) fn python(self, region: &Region<'_>, specifiers: &VersionSpecifiers) -> Fit {
        match self {
            Self::Region => region.python(specifiers),
            Self::Universe => region.python_elsewhere(specifiers),
        }
    }
}

/// The wheels that can be used, with their ranks and places, and where they can, if not in the whole region: for all of its
/// Pythons that one of them is for.
pub(crate) fn taken<'r>(
    release: &'r Release,
    pinned: Pinned,
    region: &Region<'_>,
    lens: Lens,
    rank: &dyn Fn(&CandidateWheel) -> Option<u32>,
) -> (Vec<(u32, usize, &'r CandidateWheel)>, Option<MarkerTree>) {
    let mut taken = Vec::new();
    let mut part: Option<MarkerTree> = None;
    let mut whole = false;
    for (at, wheel) in release.wheels.iter().enumerate() {
        // Tags first: they are the cheapest to look at, and most wheels fail them.
        let Some(rank) = rank(wheel) else { continue };
        if let Ok(holds_in) = judge_wheel(wheel, true, pinned, region, lens) {
            taken.push((rank, at, wheel));
            whole |= holds_in.is_none();
            match (&mut part, holds_in) {
                (Some(part), Some(more)) => part.or(more),
                (part, more) => *part = part.take().or(more),
            }
        }
    }
    if whole || part.as_ref().is_some_and(|part| region.is_all(part)) {
        part = None;
    }
    (taken, part)
}

/// What keeps a wheel out (`has_place`: an environment takes it), or the part of the region's Pythons that it is for. "An installer MUST ignore yanked releases,
/// if the selection constraints can be satisfied with a non-yanked version" (PEP 592); here an exact pin alone makes a
/// yanked file a candidate: one of the user's, or one of a chosen version where there is no solution without.
pub(crate) fn judge_wheel(
    wheel: &CandidateWheel,
    has_place: bool,
    pinned: Pinned,
    region: &Region<'_>,
    lens: Lens,
) -> Result<Option<MarkerTree>, Unusable> {
    let mut part = None;
    if let Some(specifiers) = &wheel.requires_python {
        match lens.python(region, specifiers) {
            Fit::All => {}
            Fit::Part(marker) if region.forks_by_python() => part = Some(marker),
            Fit::Part(_) | Fit::Nowhere => return Err(Unusable::Python(plain(specifiers))),
        }
    }
    if !has_place {
        return Err(Unusable::Platform);
    }
    if pinned == Pinned::Assumed {
        return Ok(part);
    }
    if wheel.too_new.is_some() {
        return Err(Unusable::TooNew);
    }
    match &wheel.yanked {
        Some(reason) if pinned == Pinned::No => Err(Unusable::Yanked(reason.clone())),
        _ => Ok(part),
    }
}
