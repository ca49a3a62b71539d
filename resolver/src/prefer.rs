//! In which order the versions of a project are tried, and which pre-releases are among them.
//!
//! Pure: the same project, set and policy give the same order.

use pep440_rs::Version;
use version_ranges::Ranges;

use crate::project::{Judge, Offers, Project};
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
    /// A preferred version comes first where it may be chosen at all.
    pub(crate) fn order<'a>(
        self,
        project: &'a Project,
        offers: &'a Offers,
        set: &'a Ranges<Version>,
        judge: &'a Judge<'a>,
    ) -> Box<dyn Iterator<Item = usize> + 'a> {
        let admitted = self.admitted(project, offers, set, judge);
        let usable = move |at: &usize| {
            let taken = |version| {
                admitted.takes(version) && set.contains(version) && !project.banned.borrow().contains(version)
            };
            offers.get(*at).is_some_and(|offer| taken(&offer.version)) && project.usable(offers, *at, judge)
        };
        let preferred = project.wishes.preferred.as_ref().and_then(|version| offers.position(version));
        let preferred = preferred.filter(usable);
        let rest = (0..offers.len()).filter(move |at| Some(*at) != preferred && usable(at));
        let lowest = match self.strategy {
            Strategy::Highest => false,
            Strategy::Lowest => true,
            Strategy::LowestDirect => project.wishes.direct,
        };
        if lowest {
            Box::new(preferred.into_iter().chain(rest))
        } else {
            Box::new(preferred.into_iter().chain(rest.rev()))
        }
    }

    /// PEP 440, "Handling of pre-releases": they are taken where a specifier names one, and where no final release
    /// satisfies the specifiers.
    ///
    /// The specifiers that count are those of chosen versions that `set` lies in. The solver also takes versions out of
    /// a set because of what they depend on; that alone opens no door to pre-releases.
    fn admitted(
        self,
        project: &Project,
        offers: &Offers,
        set: &Ranges<Version>,
        judge: &Judge<'_>,
    ) -> Admitted {
        let constraints = &project.wishes.constraints;
        if self.prereleases == Prereleases::Allow || constraints.iter().any(|asked| asked.prerelease) {
            return Admitted::All;
        }
        let asked = project.asked.borrow();
        let in_force = || {
            let chosen =
                asked.iter().filter(|(asked, askers)| askers.are_chosen() && set.subset_of(&asked.set));
            chosen.map(|(asked, _)| asked)
        };
        if in_force().any(|asked| asked.prerelease) {
            return Admitted::All;
        }
        let has_final = |set: &Ranges<Version>| {
            let mut finals = offers.iter().rev().filter(|(_, version)| version.is_stable());
            finals.any(|(at, version)| set.contains(version) && project.usable(offers, at, judge))
        };
        if has_final(set) {
            return Admitted::Finals;
        }
        let all = in_force().fold(Ranges::full(), |all, asked| all.intersection(&asked.set));
        if has_final(&all) { Admitted::Finals } else { Admitted::All }
    }

    /// Whether a version may stand in an answer, given what was chosen for all other projects.
    pub(crate) fn stands(
        self,
        project: &Project,
        offers: &Offers,
        version: &Version,
        judge: &Judge<'_>,
    ) -> bool {
        let only = Ranges::singleton(version.clone());
        version.is_stable() || matches!(self.admitted(project, offers, &only, judge), Admitted::All)
    }
}

/// Which versions are taken.
#[derive(Clone, Copy)]
enum Admitted {
    All,
    Finals,
}

impl Admitted {
    fn takes(self, version: &Version) -> bool {
        matches!(self, Self::All) || version.is_stable()
    }
}
