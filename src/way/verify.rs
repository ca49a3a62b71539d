//! An environment against its RECORDs, and those against the locked wheels.
//!
//! The wheels of the lock come the same way as for an install (hash first), and lead to the same
//! plan; what that plan would write is what must be there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use pipward_resolver::{ExtraName, PackageName};

use super::install::{Item, agree, direct_url, resolve_files};
use crate::cache::Store;
use crate::error::{Code, Problem, Problems};
use crate::fetch::Fetched;
use crate::index::{Index, NetworkOptions, Sources};
use crate::inspect::{self, Expected, Inspection, Site, Subject};
use crate::install::{ENVIRONMENTS_OWN, InstallPlan, umask_in};
use crate::lock::{Lock, SelectRequest};
use crate::policy::DatedPolicy;
use crate::python::installed::{Installed, InstalledDistribution};
use crate::python::{self, Interpreter};
use crate::verify::VerifiedWheel;

/// What to look at, and what to compare it with.
pub struct VerifyRequest {
    /// The environment.
    pub environment: Interpreter,
    /// The lock, where one is given.
    pub lock: Option<Lock>,
    /// The extras of the lock that are asked for.
    pub extras: Vec<ExtraName>,
    /// The groups asked for; `None` takes the lock's default groups.
    pub groups: Option<Vec<ExtraName>>,
    /// What is allowed of the locked wheels.
    pub policy: DatedPolicy,
    /// Where locked files come from.
    pub sources: Sources,
    /// How the network is used.
    pub network: NetworkOptions,
    /// The cache directory.
    pub cache: Option<PathBuf>,
}

/// Looks at the environment.
///
/// # Errors
/// What hinders the look itself; what it finds is in the [`Inspection`].
pub fn verify(request: &VerifyRequest) -> Result<Inspection, Problems> {
    let scheme = &request.environment.scheme;
    let installed = python::installed::read(scheme)?;
    let subjects: Vec<Subject> = installed
        .distributions
        .iter()
        .map(|found| Subject {
            name: found.name.clone(),
            version: found.version.clone(),
            dist_info: found.dist_info.clone(),
        })
        .collect();
    let expected = match &request.lock {
        Some(lock) => Some(expected(lock, request, &compiled(&installed))?),
        None => None,
    };
    let site = Site {
        libraries: vec![scheme.purelib.clone(), scheme.platlib.clone()],
        own: &ENVIRONMENTS_OWN,
        umask: umask_in(&scheme.purelib),
    };
    crate::threads::share()?;
    let inspection = inspect::inspect(&site, &subjects, expected.as_ref());
    crate::cache::keep();
    Ok(inspection)
}

/// The distributions whose RECORD has hashes of byte-code.
fn compiled(installed: &Installed) -> BTreeSet<PackageName> {
    let is_compiled = |found: &&InstalledDistribution| {
        let rows = found.record().map(|record| record.rows).unwrap_or_default();
        rows.iter().any(|row| row.digest.is_some() && row.path.ends_with(".pyc"))
    };
    installed.distributions.iter().filter(is_compiled).map(|found| found.name.clone()).collect()
}

fn expected(
    lock: &Lock,
    request: &VerifyRequest,
    compiled: &BTreeSet<PackageName>,
) -> Result<BTreeMap<PackageName, Expected>, Problems> {
    let target = &request.environment.target;
    let select = SelectRequest { target, extras: &request.extras, groups: request.groups.as_deref() };
    let selection = lock.select(&select)?;
    let index = Index::of_locked(&request.sources, &request.network, request.cache.as_deref())?;
    let packages = selection.packages.into_iter().map(|selected| (selected, true)).collect();
    let items = resolve_files(packages, &index, target)?;
    let fetcher = index.fetcher(request.cache.as_deref().map(Store::new));
    let mut expected = BTreeMap::new();
    let mut faults = Vec::new();
    for (at, fetched) in fetcher.start(items.iter().map(|item| Arc::clone(&item.file)).collect()) {
        let Some(item) = items.get(at) else { continue };
        match one(item, fetched, request, compiled.contains(&item.package.name)) {
            Ok(one) => {
                expected.insert(item.package.name.clone(), one);
            }
            Err(problem) => faults.push(problem.package(&item.package.name)),
        }
    }
    if faults.is_empty() && expected.len() != items.len() {
        faults.push(Problem::new(Code::Internal, "a wheel did not arrive"));
    }
    Problems::unless_empty(expected, faults)
}

fn one(
    item: &Item,
    fetched: Fetched,
    request: &VerifyRequest,
    is_compiled: bool,
) -> Result<Expected, Problem> {
    let verified = VerifiedWheel::check(fetched?, &item.file)?;
    let wheel = request.policy.read(verified)?;
    agree(item, &wheel)?;
    let plan = InstallPlan::new(&wheel, &request.environment.scheme, item.requested, direct_url(item))?;
    let python = &request.environment;
    let plan = match is_compiled {
        true => plan.compiled(&wheel, &|modules| python.compile(modules))?,
        false => plan,
    };
    let plan = request.policy.yielding(plan);
    Ok(Expected {
        version: wheel.metadata().version.clone(),
        rows: plan.record().rows,
        may_be_left_out: plan.may_be_left_out().collect(),
        executable: plan.executable().collect(),
        place: item.package.place.clone(),
    })
}
