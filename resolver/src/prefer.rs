//! In which order the versions of a project are tried, and which pre-releases are among them.
//!
//! Pure: the same project, set and policy give the same order.

use pep440_rs::Version;
use version_ranges::Ranges;

use crate::project::{Asked, Askers, Offers, Project};
use crate::region::Region;
use crate::request::{Prereleases, Request, Strategy};

/// The rules of choice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    strategy: Strategy,
    prereleases: Prereleases,
}

impl Policy {
    pub(crate) fn of(request: &Request) -> Self {
        Self { strategy: request.strategy, prereleases: request.prereleases }
    }

    /// The places of the usable versions in `set`, the one to choose first. Lazy: what is not looked at is not judged.
    ///
    /// A preferred version comes first where it may be chosen at all, one that has wheels for other regions alone late,
    /// a yanked one last. Pre-releases are among them as
    /// PEP 440, "Handling of pre-releases", says: where a specifier names one, and where no final release satisfies the
    /// specifiers.
    ///
    /// The specifiers that count are those of chosen versions that `set` lies in. The solver also takes versions out of
    /// a set because of what they depend on; that alone opens no door to pre-releases.
    pub(crate) fn order<'a>(
        self,
        project: &'a Project,
        offers: &'a Offers,
        set: &'a Ranges<Version>,
        region: &'a Region<'a>,
    ) -> Box<dyn Iterator<Item = usize> + 'a> {
        if self.admits_all(project, set) {
            return Box::new(self.listed(project, offers, set, region, Stage::Any));
        }
        let mut finals = self.listed(project, offers, set, region, Stage::Final).peekable();
        if finals.peek().is_some() || !self.lacks_finals(project, offers, set, region) {
            return Box::new(finals);
        }
        Box::new(self.listed(project, offers, set, region, Stage::Any))
    }

    /// Whether the lowest version of a project is preferred. `direct`: the user requires it.
    pub(crate) fn is_lowest(self, direct: bool) -> bool {
        match self.strategy {
            Strategy::Highest => false,
            Strategy::Lowest => true,
            Strategy::LowestDirect => direct,
        }
    }

    /// Whether a version may stand in an answer, given what was chosen for all other projects.
    pub(crate) fn stands(
        self,
        project: &Project,
        offers: &Offers,
        version: &Version,
        region: &Region<'_>,
    ) -> bool {
        let asked = project.asked.borrow();
        let in_force: Vec<&Asked> =
            asked.iter().filter(|(_, askers)| askers.are_chosen()).map(|(asked, _)| asked).collect();
        self.stands_for(project, offers, version, region, &in_force)
    }

    /// The same, where these requirements are what is asked of it.
    pub(crate) fn stands_for(
        self,
        project: &Project,
        offers: &Offers,
        version: &Version,
        region: &Region<'_>,
        asked: &[&Asked],
    ) -> bool {
        if project.wishes.admitted.contains(version) && !asked.iter().any(|asked| asked.pins(version)) {
            return false;
        }
        let asked = || asked.iter().copied().filter(|asked| asked.set.contains(version));
        version.is_stable()
            || self.admits(project)
            || asked().any(|asked| asked.prerelease)
            || lacks_finals(project, offers, region, asked())
    }

    fn listed<'a>(
        self,
        project: &'a Project,
        offers: &'a Offers,
        set: &'a Ranges<Version>,
        region: &'a Region<'a>,
        stage: Stage,
    ) -> impl Iterator<Item = usize> + 'a {
        let usable = move |at: &usize| {
            let taken = |version: &Version| {
                (stage == Stage::Any || version.is_stable())
                    && set.contains(version)
                    && !project.banned.borrow().contains(version)
            };
            offers.get(*at).is_some_and(taken) && project.usable(offers, *at, region)
        };
        let place = |version: &Version| offers.position(version);
        let yanked: Vec<usize> = project.wishes.admitted.iter().filter_map(place).collect();
        let preferred = project.wishes.preferred.iter().filter_map(place);
        let preferred: Vec<usize> = preferred.filter(|at| !yanked.contains(at) && usable(at)).collect();
        let lowest = self.is_lowest(project.wishes.direct);
        let last = offers.len().saturating_sub(1);
        let known: Vec<usize> = preferred.iter().chain(&yanked).copied().collect();
        let others = move |elsewhere: bool| {
            let known = known.clone();
            let places = (0..offers.len()).map(move |at| if lowest { at } else { last - at });
            let places = places.filter(move |at| !known.contains(at) && usable(at));
            places.filter(move |at| project.is_elsewhere(offers, *at, region) == elsewhere)
        };
        let elsewhere = project.wishes.elsewhere.then(|| others(true)).into_iter().flatten();
        preferred.into_iter().chain(others(false)).chain(elsewhere).chain(yanked.into_iter().filter(usable))
    }

    /// Whether pre-releases are asked for.
    fn admits_all(self, project: &Project, set: &Ranges<Version>) -> bool {
        let asks = |(asked, askers): &(Asked, Askers)| {
            asked.prerelease && askers.are_chosen() && set.subset_of(&asked.set)
        };
        self.admits(project) || project.asked.borrow().iter().any(asks)
    }

    /// Whether the user asks for pre-releases of a project, wherever it comes from.
    fn admits(self, project: &Project) -> bool {
        self.prereleases == Prereleases::Allow
            || project.wishes.prereleases
            || project.wishes.constraints.iter().any(|asked| asked.prerelease)
    }

    /// Whether no final release satisfies the specifiers that `set` lies in.
    fn lacks_finals(
        self,
        project: &Project,
        offers: &Offers,
        set: &Ranges<Version>,
        region: &Region<'_>,
    ) -> bool {
        let asked = project.asked.borrow();
        let in_force =
            asked.iter().filter(|(asked, askers)| askers.are_chosen() && set.subset_of(&asked.set));
        lacks_finals(project, offers, region, in_force.map(|(asked, _)| asked))
    }
}

/// Whether no final release satisfies all that is asked.
fn lacks_finals<'d>(
    project: &Project,
    offers: &Offers,
    region: &Region<'_>,
    asked: impl Iterator<Item = &'d Asked>,
) -> bool {
    let all = asked.fold(Ranges::full(), |all, asked| all.intersection(&asked.set));
    let mut finals = offers.iter().filter(|(_, version)| version.is_stable());
    !finals.any(|(at, version)| all.contains(version) && project.usable(offers, at, region))
}

/// Which versions are listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Any,
    Final,
}
