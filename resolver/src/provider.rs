//! The solver's view of the world: the only implementation of pubgrub's `DependencyProvider`.
//!
//! Owns what was learned during one solve. It asks [`Facts`] and nothing else, never twice for the same thing, and
//! hints at what it will ask for soon. No answer depends on the order in which facts arrive.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, PackageName, Requirement, VerbatimUrl, VersionOrUrl};
use pubgrub::{Dependencies as Known, DependencyProvider, PackageResolutionStatistics};
use version_ranges::Ranges;

use crate::facts::{Dependencies, Facts, FactsError};
use crate::package::Package;
use crate::prefer::Policy;
use crate::project::{Asked, Judge, Offers, Project, Wishes, plain};
use crate::ranges;
use crate::request::{Request, Root};
use crate::wheel_name::WheelName;

/// A set of versions, as the solver handles them.
pub(crate) type Set = Ranges<Version>;

/// A project name, and where it is known a version with the wheel whose metadata will be wanted.
type Hint = (PackageName, Option<(Version, WheelName)>);

/// Packages that met this many conflicts are decided before others.
const MANY_CONFLICTS: u32 = 5;
/// How many versions are hinted at, at most, when a package is tried again.
const NEXT_VERSIONS: u32 = 32;

/// Why a version that has a usable wheel cannot be taken after all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unavailable {
    /// Its metadata say that it is for other Pythons.
    Python(String),
    /// It depends on something by address, which no index vouches for.
    Address(PackageName),
    /// It depends on another version of itself.
    Itself(String),
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Python(specifiers) => write!(f, "needs Python {specifiers}"),
            Self::Address(name) => {
                write!(f, "depends on {name} by its address, and only releases of an index can be locked")
            }
            Self::Itself(text) => write!(f, "depends on another version of itself ({text})"),
        }
    }
}

/// One solve.
pub(crate) struct Provider<'a> {
    pub(crate) request: &'a Request,
    facts: &'a dyn Facts,
    policy: Policy,
    judge: Judge<'a>,
    projects: RefCell<HashMap<PackageName, Rc<Project>>>,
    /// The projects in the order in which they were first heard of; those from `looked_at` on are still to be looked at.
    heard_of: RefCell<Vec<Rc<Project>>>,
    looked_at: Cell<usize>,
}

impl<'a> Provider<'a> {
    pub(crate) fn new(request: &'a Request, facts: &'a dyn Facts) -> Self {
        Self {
            request,
            facts,
            policy: Policy::of(request),
            judge: Judge {
                tags: &request.target.tags,
                python: request.target.markers.python_full_version().version.only_release(),
            },
            projects: RefCell::default(),
            heard_of: RefCell::default(),
            looked_at: Cell::new(0),
        }
    }

    /// What candidates are judged by.
    pub(crate) fn judge(&self) -> &Judge<'a> {
        &self.judge
    }

    /// The requirements of the user that apply in the target environment.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &'a Root> {
        let request: &'a Request = self.request;
        request.roots.iter().filter(|root| root.requirement.evaluate_markers(&request.target.markers, &[]))
    }

    /// The project of this name, made when it is first heard of.
    pub(crate) fn project(&self, name: &PackageName) -> Rc<Project> {
        if let Some(project) = self.projects.borrow().get(name) {
            return Rc::clone(project);
        }
        let mut heard_of = self.heard_of.borrow_mut();
        let project = Rc::new(Project::new(Arc::new(name.clone()), heard_of.len(), self.wishes(name)));
        heard_of.push(Rc::clone(&project));
        self.projects.borrow_mut().insert(name.clone(), Rc::clone(&project));
        project
    }

    fn wishes(&self, name: &PackageName) -> Wishes {
        let mut wishes =
            Wishes { preferred: self.request.preferences.get(name).cloned(), ..Wishes::default() };
        for root in self.roots().filter(|root| root.requirement.name == *name) {
            wishes.direct = true;
            let pins = specifiers(&root.requirement).iter().filter(|specifier| ranges::is_pin(specifier));
            wishes.pins.extend(pins.map(ranges::of_specifier));
        }
        let markers = &self.request.target.markers;
        let constraints =
            self.request.constraints.iter().filter(|root| {
                root.requirement.name == *name && root.requirement.evaluate_markers(markers, &[])
            });
        wishes.constraints.extend(constraints.map(asked_by_user));
        wishes
    }

    /// The candidates of a project.
    fn offers<'p>(&self, project: &'p Project) -> Result<&'p Offers, FactsError> {
        match project.offers() {
            Some(offers) => Ok(offers),
            None => Ok(project.learn(self.facts.candidates(&project.name)?)),
        }
    }

    /// What a version depends on.
    pub(crate) fn dependencies(
        &self,
        project: &Project,
        version: &Version,
    ) -> Result<Arc<Dependencies>, FactsError> {
        let offers = self.offers(project)?;
        let at = offers.position(version);
        let place = at.and_then(|at| offers.get(at).zip(project.best_wheel(offers, at, self.judge())));
        let Some((offer, wheel)) = place else { return Ok(Arc::default()) };
        if let Some(known) = offer.dependencies.get() {
            return Ok(Arc::clone(known));
        }
        let known = self.facts.dependencies(&project.name, version, wheel)?;
        Ok(Arc::clone(offer.dependencies.get_or_init(|| known)))
    }

    /// Looks at the candidates of all projects that were heard of since the last time, and hints at the versions that
    /// will be chosen if nothing stands against them: so each level of the graph costs two waits, not two a package.
    fn look_ahead(&self) {
        let start = self.looked_at.get();
        let fresh: Vec<Rc<Project>> = self.heard_of.borrow().iter().skip(start).cloned().collect();
        self.looked_at.set(start + fresh.len());
        let mut soon = Vec::new();
        for project in fresh {
            project.looked_at.set(true);
            // A fact that cannot be had matters only if it is needed; then it is asked for again.
            let Ok(offers) = self.offers(&project) else { continue };
            let set = project.wanted.borrow().clone();
            soon.extend(self.next_versions(&project, offers, &set).next());
        }
        if !soon.is_empty() {
            self.facts.hint(&soon);
        }
    }

    /// The versions that will be tried, in order, as hints.
    fn next_versions<'p>(
        &'p self,
        project: &'p Project,
        offers: &'p Offers,
        set: &'p Set,
    ) -> impl Iterator<Item = Hint> + 'p {
        let order = self.policy.order(project, offers, set, self.judge());
        order.filter_map(move |at| {
            let offer = offers.get(at).filter(|offer| offer.dependencies.get().is_none())?;
            let wheel = project.best_wheel(offers, at, self.judge())?;
            Some(((*project.name).clone(), Some((offer.version.clone(), wheel.clone()))))
        })
    }

    fn choose(&self, package: &Package, project: &Project, set: &Set) -> Result<Option<Version>, FactsError> {
        if !project.looked_at.get() {
            self.look_ahead();
        }
        let offers = self.offers(project)?;
        let version_at = |at: usize| offers.get(at).map(|offer| offer.version.clone());
        if let Package::Extra(..) = package {
            // The same version as the project's, or one that the project may still take.
            let wanted = project.wanted.borrow().clone();
            let chosen = project.chosen.borrow().clone();
            let chosen = chosen.filter(|version| set.contains(version) && wanted.contains(version));
            let both = set.intersection(&wanted);
            let best = || self.policy.order(project, offers, &both, self.judge()).next().and_then(version_at);
            if let Some(version) = chosen.or_else(best) {
                return Ok(Some(version));
            }
        }
        let best = self.policy.order(project, offers, set, self.judge()).next();
        if let (Package::Project(_), Some(at)) = (package, best) {
            project.chosen.replace(version_at(at));
            let tries = project.tries.get().saturating_add(1);
            project.tries.set(tries);
            if tries > 1 && tries.is_power_of_two() {
                let count = tries.saturating_mul(2).min(NEXT_VERSIONS);
                let soon: Vec<Hint> = self.next_versions(project, offers, set).take(count as usize).collect();
                self.facts.hint(&soon);
            }
        }
        Ok(best.and_then(version_at))
    }

    /// What the user asks for.
    fn root_dependencies(&self) -> Known<Package, Set, Unavailable> {
        let mut edges = Edges::default();
        for root in self.roots() {
            if let Some(VersionOrUrl::Url(_)) = root.requirement.version_or_url {
                return Known::Unavailable(Unavailable::Address(root.requirement.name.clone()));
            }
            edges.add(self, &root.requirement, asked_by_user(root), None);
        }
        self.hint_names(&edges);
        Known::Available(edges.list.into_iter().collect())
    }

    /// What one version of a project depends on, or what its extra adds.
    fn version_dependencies(
        &self,
        package: &Package,
        project: &Project,
        version: &Version,
    ) -> Result<Known<Package, Set, Unavailable>, FactsError> {
        let known = self.dependencies(project, version)?;
        if let Some(specifiers) =
            known.requires_python.as_ref().filter(|all| !all.contains(&self.judge.python))
        {
            return Ok(Known::Unavailable(Unavailable::Python(plain(specifiers))));
        }
        let mut edges = Edges::default();
        let extra = match package {
            Package::Extra(_, extra) => Some(extra),
            _ => None,
        };
        if extra.is_some() {
            let same = Ranges::singleton(version.clone());
            edges.list.push((Package::Project(Arc::clone(&project.name)), same));
        }
        for requirement in self.active(&known, extra.map(Arc::as_ref)) {
            if let Some(VersionOrUrl::Url(_)) = requirement.version_or_url {
                return Ok(Known::Unavailable(Unavailable::Address(requirement.name.clone())));
            }
            let mut asked = asked_by_package(requirement);
            if requirement.name == *project.name {
                // `pkg[all]` that requires `pkg[a,b]` means its own version.
                if !asked.set.contains(version) {
                    return Ok(Known::Unavailable(Unavailable::Itself(requirement.to_string())));
                }
                asked.set = Ranges::singleton(version.clone());
                edges.add_own_extras(project, requirement, &asked.set, extra);
                continue;
            }
            edges.add(self, requirement, asked, Some((project, version)));
        }
        self.hint_names(&edges);
        Ok(Known::Available(edges.list.into_iter().collect()))
    }

    /// The requirements that apply in the target environment: those without an extra, or those that `extra` adds.
    pub(crate) fn active<'d>(
        &self,
        dependencies: &'d Dependencies,
        extra: Option<&ExtraName>,
    ) -> impl Iterator<Item = &'d Requirement<VerbatimUrl>> {
        let markers = &self.request.target.markers;
        let wanted: Vec<ExtraName> = extra.into_iter().cloned().collect();
        dependencies.requires.iter().filter(move |requirement| {
            if wanted.is_empty() {
                return requirement.evaluate_markers(markers, &[]);
            }
            requirement.evaluate_markers(markers, &wanted) && !requirement.evaluate_markers(markers, &[])
        })
    }

    /// Bans the pre-releases among the decisions that no chosen version asks for; whether there were any.
    ///
    /// While it solves, the solver does not say which earlier choices it gave up, so one may have been admitted for the
    /// sake of a version that is not in the answer.
    pub(crate) fn ban_unasked(&self, decisions: &[(Package, Version)]) -> bool {
        let projects = self.heard_of.borrow();
        let decided: BTreeMap<&PackageName, &Version> =
            decisions.iter().filter_map(|(package, version)| package.name().zip(Some(version))).collect();
        for project in projects.iter() {
            project.chosen.replace(decided.get(&*project.name).map(|version| (*version).clone()));
        }
        let mut banned = false;
        for project in projects.iter() {
            let (Some(version), Some(offers)) = (decided.get(&*project.name), project.offers()) else {
                continue;
            };
            if !self.policy.stands(project, offers, version, self.judge()) {
                banned |= project.banned.borrow_mut().insert((*version).clone());
            }
        }
        banned
    }

    fn hint_names(&self, edges: &Edges) {
        let mut soon: Vec<Hint> = Vec::new();
        for name in edges.list.iter().filter_map(|(package, _)| package.name()) {
            if !self.project(name).hinted.replace(true) {
                soon.push((name.clone(), None));
            }
        }
        if !soon.is_empty() {
            self.facts.hint(&soon);
        }
    }
}

/// Dependencies being gathered, in the order of the metadata.
#[derive(Default)]
struct Edges {
    list: Vec<(Package, Set)>,
}

impl Edges {
    fn add(
        &mut self,
        provider: &Provider<'_>,
        requirement: &Requirement<VerbatimUrl>,
        asked: Asked,
        by: Option<(&Project, &Version)>,
    ) {
        let project = provider.project(&requirement.name);
        let set = asked.set.clone();
        if specifiers(requirement).iter().any(ranges::is_pin) {
            project.pinned.set(true);
        }
        project.ask(asked, by);
        self.list.push((Package::Project(Arc::clone(&project.name)), set.clone()));
        for extra in &requirement.extras {
            let package = Package::Extra(Arc::clone(&project.name), Arc::new(extra.clone()));
            self.list.push((package, set.clone()));
        }
    }

    fn add_own_extras(
        &mut self,
        project: &Project,
        requirement: &Requirement<VerbatimUrl>,
        same: &Set,
        own: Option<&Arc<ExtraName>>,
    ) {
        for extra in requirement.extras.iter().filter(|extra| own.is_none_or(|own| **own != **extra)) {
            let package = Package::Extra(Arc::clone(&project.name), Arc::new(extra.clone()));
            self.list.push((package, same.clone()));
        }
    }
}

/// The specifiers of a requirement; none where it has none or an address.
pub(crate) fn specifiers(requirement: &Requirement<VerbatimUrl>) -> &[pep440_rs::VersionSpecifier] {
    match &requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers,
        _ => &[],
    }
}

fn asked_by_package(requirement: &Requirement<VerbatimUrl>) -> Asked {
    let none = VersionSpecifiers::empty();
    let specifiers = match &requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => specifiers,
        _ => &none,
    };
    Asked {
        set: ranges::of_specifiers(specifiers),
        text: plain(specifiers),
        prerelease: ranges::names_prerelease(specifiers),
        origin: None,
    }
}

fn asked_by_user(root: &Root) -> Asked {
    Asked { origin: Some(root.origin.clone()), ..asked_by_package(&root.requirement) }
}

/// What is decided first: packages with many conflicts, then pinned ones, then those that were heard of first, a project
/// before its extras.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Priority {
    conflicts: u32,
    pinned: bool,
    heard_of: Reverse<usize>,
    is_project: bool,
}

impl DependencyProvider for Provider<'_> {
    type P = Package;
    type V = Version;
    type VS = Set;
    type Priority = Priority;
    type M = Unavailable;
    type Err = FactsError;

    fn prioritize(
        &self,
        package: &Package,
        range: &Set,
        statistics: &PackageResolutionStatistics,
    ) -> Priority {
        let Some(name) = package.name() else {
            return Priority { conflicts: u32::MAX, pinned: true, heard_of: Reverse(0), is_project: true };
        };
        let project = self.project(name);
        let is_project = matches!(package, Package::Project(_));
        if is_project {
            project.wanted.replace(range.clone());
        }
        let conflicts = statistics.conflict_count();
        Priority {
            conflicts: if conflicts >= MANY_CONFLICTS { conflicts } else { 0 },
            pinned: project.pinned.get() || range.as_singleton().is_some(),
            heard_of: Reverse(project.order),
            is_project,
        }
    }

    fn choose_version(&self, package: &Package, range: &Set) -> Result<Option<Version>, FactsError> {
        match package.name() {
            Some(name) => self.choose(package, &self.project(name), range),
            None => Ok(Some(root_version())),
        }
    }

    fn get_dependencies(
        &self,
        package: &Package,
        version: &Version,
    ) -> Result<Known<Package, Set, Unavailable>, FactsError> {
        match package.name() {
            Some(name) => self.version_dependencies(package, &self.project(name), version),
            None => Ok(self.root_dependencies()),
        }
    }
}

/// The only version of the root.
pub(crate) fn root_version() -> Version {
    Version::new([0])
}
