//! The solver's view of the world: the only implementation of pubgrub's `DependencyProvider`.
//!
//! Owns what was learned during one solve. It asks [`Facts`] and nothing else, never twice for the same thing, and
//! hints at what it will ask for soon. No answer depends on the order in which facts arrive.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, PackageName, Requirement, VerbatimUrl};
use pubgrub::{Dependencies as Known, DependencyProvider, PackageResolutionStatistics};
use version_ranges::Ranges;

use crate::edges::{Edges, Unavailable, specifiers};
use crate::facts::{Dependencies, Facts, FactsError};
use crate::package::Package;
use crate::prefer::Policy;
use crate::project::{Asked, Judge, Offers, Project, Wishes, plain};
use crate::ranges;
use crate::request::{Request, Root, Scope, Target};
use crate::wheel_name::WheelName;

/// A set of versions, as the solver handles them.
pub(crate) type Set = Ranges<Version>;

/// A project name, and where it is known a version with the wheel whose metadata will be wanted.
type Hint = (PackageName, Option<(Version, WheelName)>);

/// Packages that met this many conflicts are decided before others.
const MANY_CONFLICTS: u32 = 5;
/// How many versions are hinted at, at most, when a package is tried again.
const NEXT_VERSIONS: u32 = 32;

/// One solve.
pub(crate) struct Provider<'a> {
    pub(crate) request: &'a Request,
    target: &'a Target,
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
        let target = match &request.scope {
            Scope::One(target) => target,
            Scope::Universal(_) => unimplemented!(),
        };
        Self {
            request,
            target,
            facts,
            policy: Policy::of(request),
            judge: Judge {
                tags: &target.tags,
                python: target.markers.python_full_version().version.only_release(),
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
        request.roots.iter().filter(|root| root.requirement.evaluate_markers(&self.target.markers, &[]))
    }

    /// The project of this name, made when it is first heard of.
    pub(crate) fn project(&self, name: &PackageName) -> Rc<Project> {
        if let Some(project) = self.projects.borrow().get(name) {
            return Rc::clone(project);
        }
        let mut heard_of = self.heard_of.borrow_mut();
        let project = Rc::new(Project::new(name.clone(), heard_of.len(), self.wishes(name)));
        heard_of.push(Rc::clone(&project));
        self.projects.borrow_mut().insert(name.clone(), Rc::clone(&project));
        project
    }

    fn wishes(&self, name: &PackageName) -> Wishes {
        let mut wishes = Wishes {
            preferred: self
                .request
                .preferences
                .get(name)
                .and_then(|all| all.first())
                .map(|it| it.version.clone()),
            ..Wishes::default()
        };
        for root in self.roots().filter(|root| root.requirement.name == *name) {
            wishes.direct = true;
            let all = specifiers(&root.requirement).into_iter().flat_map(|all| all.iter());
            wishes.pins.extend(all.filter(|specifier| ranges::is_pin(specifier)).map(ranges::of_specifier));
        }
        for constraint in self.request.constraints.iter().filter(|root| root.requirement.name == *name) {
            if !constraint.requirement.evaluate_markers(&self.target.markers, &[]) {
                continue;
            }
            match specifiers(&constraint.requirement) {
                Some(specifiers) => {
                    wishes.constraints.push(Asked::new(specifiers, Some(&constraint.origin)));
                }
                // No release of an index is what an address names.
                None => wishes.constraints.push(Asked {
                    set: Ranges::empty(),
                    ..Asked::new(&VersionSpecifiers::empty(), Some(&constraint.origin))
                }),
            }
        }
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
        let Some(at) = offers.position(version) else { return Ok(Arc::default()) };
        let kept = project.dependencies(offers, at, self.judge());
        let Some((kept, wheel)) = kept.zip(project.best_wheel(offers, at, self.judge())) else {
            return Ok(Arc::default());
        };
        if let Some(known) = kept.get() {
            return Ok(Arc::clone(known));
        }
        let known = self.facts.dependencies(&project.name, version, wheel)?;
        Ok(Arc::clone(kept.get_or_init(|| known)))
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
            let kept = project.dependencies(offers, at, self.judge())?;
            let wheel = project.best_wheel(offers, at, self.judge()).filter(|_| kept.get().is_none())?;
            let version = offers.get(at)?.version.clone();
            Some((project.name.clone(), Some((version, wheel.clone()))))
        })
    }

    fn choose(&self, package: &Package, project: &Project, set: &Set) -> Result<Option<Version>, FactsError> {
        if !project.looked_at.get() {
            self.look_ahead();
        }
        let offers = self.offers(project)?;
        let version_at = |at: usize| offers.get(at).map(|offer| offer.version.clone());
        if package.extra().is_some() {
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
            let Some(specifiers) = specifiers(&root.requirement) else {
                return Known::Unavailable(Unavailable::Address(root.requirement.name.clone()));
            };
            let project = self.project(&root.requirement.name);
            let set = project.ask(specifiers, Some(&root.origin), None);
            edges.add(&project, &root.requirement.extras, &set);
        }
        self.hint_names(&edges);
        Known::Available(edges.list.into_iter().collect())
    }

    /// What one version of a project depends on, or what its extra adds.
    fn version_dependencies(
        &self,
        package: &Package,
        project: &Rc<Project>,
        version: &Version,
    ) -> Result<Known<Package, Set, Unavailable>, FactsError> {
        let known = self.dependencies(project, version)?;
        if let Some(why) = &known.malformed {
            return Ok(Known::Unavailable(Unavailable::Malformed(why.clone())));
        }
        if let Some(specifiers) =
            known.requires_python.as_ref().filter(|all| !all.contains(&self.judge.python))
        {
            return Ok(Known::Unavailable(Unavailable::Python(plain(specifiers))));
        }
        let mut edges = Edges::default();
        let extra = package.extra().map(Rc::as_ref);
        if extra.is_some() {
            edges.list.push((Package::Project(Rc::clone(project)), Ranges::singleton(version.clone())));
        }
        for requirement in self.active(&known, extra) {
            let Some(specifiers) = specifiers(requirement) else {
                return Ok(Known::Unavailable(Unavailable::Address(requirement.name.clone())));
            };
            if requirement.name != project.name {
                let needed = self.project(&requirement.name);
                let set = needed.ask(specifiers, None, Some((project, version)));
                edges.add(&needed, &requirement.extras, &set);
            } else if ranges::of_specifiers(specifiers).contains(version) {
                // `pkg[all]` that requires `pkg[a,b]` means its own version.
                let others = requirement.extras.iter().filter(|other| Some(*other) != extra);
                edges.add_extras(project, others, &Ranges::singleton(version.clone()));
            } else {
                return Ok(Known::Unavailable(Unavailable::Itself(requirement.to_string())));
            }
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
        let markers = &self.target.markers;
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
        for project in self.heard_of.borrow().iter() {
            project.chosen.replace(None);
        }
        for (package, version) in decisions {
            package.project().map(|project| project.chosen.replace(Some(version.clone())));
        }
        let mut banned = false;
        for (package, version) in decisions {
            let Some(project) = package.project() else { continue };
            let Some(offers) = project.offers() else { continue };
            if !self.policy.stands(project, offers, version, self.judge()) {
                banned |= project.banned.borrow_mut().insert(version.clone());
            }
        }
        banned
    }

    fn hint_names(&self, edges: &Edges) {
        let projects = edges.list.iter().filter_map(|(package, _)| package.project());
        let fresh = projects.filter(|project| !project.hinted.replace(true));
        let soon: Vec<Hint> = fresh.map(|project| (project.name.clone(), None)).collect();
        if !soon.is_empty() {
            self.facts.hint(&soon);
        }
    }
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
        let Some(project) = package.project() else {
            return Priority { conflicts: u32::MAX, pinned: true, heard_of: Reverse(0), is_project: true };
        };
        let is_project = package.extra().is_none();
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
        match package.project() {
            Some(project) => self.choose(package, project, range),
            None => Ok(Some(root_version())),
        }
    }

    fn get_dependencies(
        &self,
        package: &Package,
        version: &Version,
    ) -> Result<Known<Package, Set, Unavailable>, FactsError> {
        match package.project() {
            Some(project) => self.version_dependencies(package, project, version),
            None => Ok(self.root_dependencies()),
        }
    }
}

/// The only version of the root.
pub(crate) fn root_version() -> Version {
    Version::new([0])
}
