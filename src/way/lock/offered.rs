//! What there is to move to: the versions of projects that an index has wheels of.
//!
//! Never: chooses one.

use std::collections::{BTreeMap, BTreeSet};

use pipward_resolver::{Facts as _, PackageName, Prereleases, Version, VersionSpecifiers};

use super::LockRequest;
use crate::error::{Code, Problem};
use crate::index::{Index, Waiting};

/// Versions, each with the Pythons that it is for where the index says so.
pub(crate) type Offered = BTreeMap<Version, Option<VersionSpecifiers>>;

/// The versions of projects with a wheel that nobody has yanked, however new; pre-releases where they are taken anyway. A
/// project that no index knows has none.
///
/// # Errors
/// Those of the index.
pub(crate) fn offered(
    request: &LockRequest,
    names: &BTreeSet<PackageName>,
) -> Result<BTreeMap<PackageName, Offered>, Problem> {
    let cutoffs = request.cutoffs();
    let index = Index::new(
        request.sources.clone(),
        request.network.clone(),
        request.cache.clone(),
        Waiting {
            cutoff: Some(cutoffs.latest()),
            explicit: request.is_explicit(&cutoffs),
            ages: request.ages.clone(),
        },
    )?;
    let soon: Vec<_> = names.iter().map(|name| (name.clone(), None)).collect();
    index.hint(&soon);
    let mut all = BTreeMap::new();
    for name in names {
        let candidates = index.candidates(name).map_err(|error| match error.0.downcast::<Problem>() {
            Ok(problem) => *problem,
            Err(error) => Problem::new(Code::Internal, "the index gave no answer").cause(error),
        })?;
        let takes_any =
            request.prereleases == Prereleases::Allow || request.prerelease_projects.contains(name);
        let releases = candidates.releases.iter().filter(|(version, _)| takes_any || version.is_stable());
        let usable = releases.filter_map(|(version, release)| {
            let wheel = release.wheels.iter().find(|wheel| wheel.yanked.is_none())?;
            Some((version.clone(), wheel.requires_python.clone()))
        });
        all.insert(name.clone(), usable.collect());
    }
    Ok(all)
}
