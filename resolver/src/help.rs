//! What would help where a version cannot be chosen.
//!
//! Owns the ways out, each a sentence that can be acted on. Of several versions it names the one that takes the least.

use pep508_rs::PackageName;

use crate::facts::{CandidateWheel, Release};
use crate::hints::Why;
use crate::moment::{TooNew, UploadTime, WAITING_HOURS};
use crate::project::{Offers, Project, Unusable};
use crate::provider::{Provider, Set};
use crate::reach::{self, Miss};
use crate::region::Region;
use crate::story::{Hint, HintKind};

/// A version that cannot be chosen.
pub(crate) struct Candidate<'a> {
    pub(crate) provider: &'a Provider<'a>,
    pub(crate) project: &'a Project,
    pub(crate) offers: &'a Offers,
    pub(crate) at: usize,
}

impl Candidate<'_> {
    /// The way out; none where there is none.
    pub(crate) fn hint(&self, why: &Why) -> Option<String> {
        let (name, version) = (&self.project.name, self.offers.get(self.at)?);
        let release = self.offers.release(self.at)?;
        let region = self.provider.region;
        let nearest = self.nearest();
        Some(match why {
            Why::OtherPythons => {
                let Miss::Pythons(pythons) = reach::miss(region, release) else { return None };
                let words = pythons.words();
                let lock = match (region, pythons.newest()) {
                    (Region::One(_), Some(newest)) => format!(": lock for it with --python-version {newest}"),
                    (Region::Many(_), Some(newest)) => {
                        format!(": lock for one of them with --no-universal --python-version {newest}")
                    }
                    (_, None) => String::new(),
                };
                format!("{name} {version} has wheels for {words}{lock}{nearest}")
            }
            Why::Unusable(Unusable::Yanked(_)) => {
                format!("to take the yanked {name} {version} all the same, pin it: {name}=={version}")
            }
            Why::Unusable(Unusable::TooNew) => self.too_new(release)?,
            Why::Unusable(Unusable::Python(specifiers)) => format!(
                "{name} {version} is for Python {specifiers}: lock for such a Python, or require another version{nearest}"
            ),
            Why::Unusable(Unusable::Platform | Unusable::Required(_)) => {
                let text = match reach::miss(region, release) {
                    Miss::Glibc(glibc, platform) => format!(
                        "the wheels of {name} {version} need glibc {glibc}: lock for it with --python-platform {platform}"
                    ),
                    _ => format!("the wheels of {name} {version} are for {}", reach::places(region, release)),
                };
                format!("{text}{nearest}")
            }
            Why::Unusable(Unusable::SourceOnly) => format!(
                "build a wheel of {name} {version} elsewhere, where its code may run, and name its folder with --find-links{nearest}"
            ),
            Why::Unusable(Unusable::NoFiles | Unusable::Constrained) => return None,
        })
    }

    /// How far away the way out is, next to those of other versions: the Python that it takes, or the time.
    pub(crate) fn effort(&self, why: &Why) -> i64 {
        let region = self.provider.region;
        let Some(release) = self.offers.release(self.at) else { return i64::MAX };
        match why {
            Why::OtherPythons => match reach::miss(region, release) {
                Miss::Pythons(pythons) => pythons.distance(region),
                Miss::Glibc(..) | Miss::Platform => i64::MAX,
            },
            Why::Unusable(Unusable::Python(specifiers)) => {
                specifiers.parse().map_or(i64::MAX, |specifiers| reach::distance(region, &specifiers))
            }
            Why::Unusable(Unusable::TooNew) => match self.when(release) {
                Some(TooNew::Uploaded(time) | TooNew::Waiting(time, _)) => time.0,
                Some(TooNew::Undated) | None => i64::MAX,
            },
            Why::Unusable(_) => 0,
        }
    }

    fn when(&self, release: &Release) -> Option<TooNew> {
        let fits = |wheel: &&CandidateWheel| self.provider.region.rank(&wheel.name).is_some();
        release.wheels.iter().filter(fits).filter_map(|wheel| wheel.too_new).min()
    }

    /// Whether its wheels are still to wait. (Of a cutoff that was named, nobody knows for how long.)
    pub(crate) fn waits(&self) -> bool {
        let (Some(release), Some(now)) = (self.offers.release(self.at), self.provider.request.now) else {
            return false;
        };
        match self.when(release) {
            Some(TooNew::Uploaded(time)) => time.waited(WAITING_HOURS) > now,
            Some(TooNew::Waiting(time, hours)) => time.waited(hours) > now,
            Some(TooNew::Undated) | None => false,
        }
    }

    /// When the wheels of a version may be taken; none where it has none.
    fn too_new(&self, release: &Release) -> Option<String> {
        let (name, version) = (&self.project.name, self.offers.get(self.at)?);
        let told = |time: UploadTime, hours: i64| {
            let from = time.waited(hours);
            let without = match self.provider.request.now {
                Some(now) if from <= now => "without one under a new cutoff (--upgrade)".to_owned(),
                _ => format!("from {from} on without one"),
            };
            format!(
                "{name} {version} was uploaded at {time}: take it with --uploaded-prior-to {}, or {without}",
                time.minute()
            )
        };
        match self.when(release)? {
            TooNew::Uploaded(time) => Some(told(time, WAITING_HOURS)),
            TooNew::Waiting(time, hours) => Some(told(time, hours)),
            TooNew::Undated => Some(format!(
                "no upload time is known of {name} {version}: it is taken where no --uploaded-prior-to is given"
            )),
        }
    }

    /// The version next to this one that can be chosen: the newest below it, else the oldest above.
    fn nearest(&self) -> String {
        let can = |at: &usize| {
            self.offers.get(*at).is_some_and(pep440_rs::Version::is_stable)
                && self.project.usable(self.offers, *at, self.provider.region)
        };
        let below = (0..self.at).rev().find(can);
        let found = below.or_else(|| (self.at + 1..self.offers.len()).find(can));
        let Some(near) = found.and_then(|at| self.offers.get(at)) else { return String::new() };
        format!("; the nearest version that can be used is {near}")
    }
}

/// Names like one that no index has: of what else was asked for, and of what is known well.
pub(crate) fn near_names(provider: &Provider<'_>, name: &PackageName) -> Option<Hint> {
    let bare = |name: &str| name.replace('-', "");
    let distance = |other: &PackageName| {
        let (name, other) = (name.to_string(), other.to_string());
        let extended = [format!("python-{other}"), format!("py{other}"), format!("{other}-python")];
        if bare(&name) == bare(&other) || extended.contains(&name) {
            return 0;
        }
        strsim::damerau_levenshtein(&name, &other)
    };
    // One slip in short names, two in long ones.
    let most = if name.as_ref().len() < 5 { 1 } else { 2 };
    let known = provider.known_names();
    let mut near: Vec<(usize, &PackageName)> = known
        .iter()
        .filter(|other| *other != name)
        .map(|other| (distance(other), other))
        .filter(|(distance, _)| *distance <= most)
        .collect();
    near.sort();
    near.dedup();
    let names: Vec<String> = near.into_iter().take(3).map(|(_, name)| name.to_string()).collect();
    (!names.is_empty()).then(|| {
        let text = format!(
            "names that are near: {}; look at the project's page before you take one",
            names.join(", ")
        );
        Hint::new(HintKind::Name, Some(name), text)
    })
}

/// A pre-release of a version that would do, were it released: `2rc1` for `>=2`.
pub(crate) fn before_its_release(
    provider: &Provider<'_>,
    project: &Project,
    offers: &Offers,
    wanted: &Set,
) -> Option<Hint> {
    let (_, version) = offers.iter().rev().find(|(at, version)| {
        version.any_prerelease()
            && wanted.contains(&version.only_release())
            && project.usable(offers, *at, provider.region)
    })?;
    let (name, release) = (&project.name, version.only_release());
    let text = format!(
        "{name} {release} is not released yet; its pre-release {version} is taken for {name}>={version}"
    );
    Some(Hint::new(HintKind::Prerelease, Some(name), text))
}
