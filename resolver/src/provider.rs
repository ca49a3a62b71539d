//! The solver's view of the world: the only implementation of pubgrub's `DependencyProvider`.
//!
//! Owns what was learned during one solve. It asks [`Facts`] and nothing else, never twice for the same thing, and
//! has [`crate::ahead`] hint at what it will ask for soon. No answer depends on the order in which facts arrive.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, MarkerTree, PackageName};
use pubgrub::{Dependencies as Known, DependencyProvider, PackageResolutionStatistics};
use version_ranges::Ranges;

use crate::edges::{Edges, Unavailable};
use crate::facts::{Facts, FactsError};
use crate::memory::{Memory, Stop};
use crate::needs::{self, Need, Needs};
use crate::package::Package;
use crate::prefer::Policy;
use crate::project::{Asked, Offers, Project, plain};
use crate::ranges;
use crate::region::{Fit, Region};
use crate::request::{Request, Root};
use crate::trial::Assumed;

/// A set of versions, as the solver handles them.
pub(crate) type Set = Ranges<Version>;

/// Who requires what; the user has no name.
pub(crate) type Edge = (Option<PackageName>, PackageName);

/// Packages that met this many conflicts are decided before others.
const MANY_CONFLICTS: u32 = 5;
/// So many packages are decided first because they lost many versions; each costs a solve.
const MOST_URGENT: usize = 64;

/// One solve.
pub(crate) struct Provider<'a> {
    pub(crate) request: &'a Request,
    /// The requirements of the user that count in the region, overrides and excludes applied.
    pub(crate) roots: Vec<(Need, &'a Root)>,
    /// Their places, by what they name.
    own: HashMap<PackageName, Vec<usize>>,
    /// The markers of requirements that hold in a part of the region alone, by who has them and what they name.
    pub(crate) partial: RefCell<BTreeMap<Edge, Vec<MarkerTree>>>,
    pub(crate) facts: &'a dyn Facts,
    pub(crate) memory: &'a Memory,
    pub(crate) policy: Policy,
    pub(crate) region: &'a Region<'a>,
    projects: RefCell<HashMap<PackageName, Rc<Project>>>,
    /// The projects in the order in which they were first heard of; those from `looked_at` on are still to be looked at.
    pub(crate) heard_of: RefCell<Vec<Rc<Project>>>,
    pub(crate) looked_at: Cell<usize>,
    /// The version that is taken for a trial.
    pub(crate) assumed: Option<Assumed>,
}

impl<'a> Provider<'a> {
    pub(crate) fn new(
        request: &'a Request,
        region: &'a Region<'a>,
        facts: &'a dyn Facts,
        memory: &'a Memory,
    ) -> Self {
        let mut roots = needs::roots(request);
        roots.retain(|(need, _)| region.counts(&need.marker));
        let mut own = HashMap::<PackageName, Vec<usize>>::new();
        for (at, (need, _)) in roots.iter().enumerate() {
            own.entry(need.requirement.name.clone()).or_default().push(at);
        }
        Self {
            request,
            roots,
            own,
            partial: RefCell::default(),
            facts,
            memory,
            policy: Policy::of(request),
            region,
            projects: RefCell::default(),
            heard_of: RefCell::default(),
            looked_at: Cell::new(0),
            assumed: None,
        }
    }

    /// The same, where a version is taken whatever stands in its way.
    pub(crate) fn assuming(mut self, assumed: Assumed) -> Self {
        self.assumed = Some(assumed);
        self
    }

    /// What the user requires of a name, in the order in which it was written.
    pub(crate) fn roots_of(&self, name: &PackageName) -> impl Iterator<Item = &Need> {
        let places = self.own.get(name).into_iter().flatten();
        places.filter_map(|at| self.roots.get(*at)).map(|(need, _)| need)
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

    /// The names that were heard of, and those that are known well.
    pub(crate) fn known_names(&self) -> Vec<PackageName> {
        let candidates = self.memory.candidates.borrow();
        let known =
            candidates.iter().filter(|(_, candidates)| candidates.known).map(|(name, _)| name.clone());
        let mut names: Vec<PackageName> = known.chain((self.request.well_known)()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The specifiers of a requirement; none where it has an address that is not the user's own.
    ///
    /// For a name that the user gives an address, the facts know that one wheel and no other.
    pub(crate) fn specifiers<'n>(&self, need: &'n Need) -> Option<&'n VersionSpecifiers> {
        let known = |root: &Root| {
            root.requirement.name == need.requirement.name
                && root.requirement.version_or_url == need.requirement.version_or_url
        };
        let users = self.request.roots.iter().chain(&self.request.overrides);
        crate::edges::specifiers(&need.requirement, || users.clone().any(known))
    }

    /// The candidates of a project.
    pub(crate) fn offers<'p>(&self, project: &'p Project) -> Result<&'p Offers, FactsError> {
        if let Some(offers) = project.offers() {
            return Ok(offers);
        }
        let known = self.memory.candidates.borrow().get(&project.name).cloned();
        let candidates = match known {
            Some(candidates) => candidates,
            None => {
                let candidates = self.facts.candidates(&project.name)?;
                self.memory.candidates.borrow_mut().insert(project.name.clone(), Arc::clone(&candidates));
                candidates
            }
        };
        Ok(project.learn(candidates))
    }

    /// What a version needs.
    pub(crate) fn needs(&self, project: &Project, version: &Version) -> Result<Arc<Needs>, FactsError> {
        let offers = self.offers(project)?;
        let Some(at) = offers.position(version) else { return Ok(Arc::default()) };
        let Some(kept) = project.needs(offers, at, self.region) else { return Ok(Arc::default()) };
        if let Some(known) = kept.get() {
            return Ok(Arc::clone(known));
        }
        let key = (project.name.clone(), version.clone());
        let known = self.memory.needs.borrow().get(&key).cloned();
        let known = match known {
            Some(known) => known,
            None => {
                let Some(wheel) = project.speaker(offers, at, self.region) else { return Ok(Arc::default()) };
                let facts = self.facts.dependencies(&project.name, version, wheel)?;
                let known = Arc::new(Needs::of(&facts, self.request, &self.memory.parted));
                self.memory.needs.borrow_mut().insert(key, Arc::clone(&known));
                known
            }
        };
        Ok(Arc::clone(kept.get_or_init(|| known)))
    }

    fn choose(&self, package: &Package, project: &Project, set: &Set) -> Result<Option<Version>, Stop> {
        if !project.looked_at.get() {
            self.look_ahead();
        }
        let offers = self.offers(project)?;
        if package.extra().is_some() {
            // The same version as the project's, or one that the project may still take.
            let wanted = project.wanted.borrow().clone();
            let chosen = project.chosen.borrow().clone();
            let chosen = chosen.filter(|version| set.contains(version) && wanted.contains(version));
            let both = set.intersection(&wanted);
            let chosen = chosen.and_then(|version| offers.position(&version));
            if let Some(at) = chosen.map_or_else(|| self.best(project, offers, &both), |at| Ok(Some(at)))? {
                return self.settled(project, offers, at);
            }
        }
        let Some(best) = self.best(project, offers, set)? else { return Ok(None) };
        let version = self.settled(project, offers, best)?;
        if let Package::Project(_) = package {
            project.chosen.replace(version.clone());
            let tries = project.tries.get().saturating_add(1);
            project.tries.set(tries);
            if tries > MANY_CONFLICTS && self.is_pressed(project) {
                return Err(Stop::Again(project.name.clone()));
            }
            // One that was tried before says nothing of where the solver goes next.
            if project.needs(offers, best, self.region).is_some_and(|needs| needs.get().is_none()) {
                let tried = project.tried.get().saturating_add(1);
                project.tried.set(tried);
                if tried > 1 && tried.is_power_of_two() {
                    self.hint_next(project, offers, set, tried.saturating_mul(2));
                }
            }
        }
        Ok(version)
    }

    /// Whether a project lost so many versions to what was decided before it that it should have been decided first: the
    /// newest of it and an older one of the others is nearer to what anybody wants than an ancient one of it. (The solver
    /// does not go back by itself, since an older version is no conflict.)
    fn is_pressed(&self, project: &Project) -> bool {
        let urgent = self.memory.urgent.borrow();
        project.conflicts.get() >= MANY_CONFLICTS
            && urgent.len() < MOST_URGENT
            && !urgent.contains(&project.name)
    }

    /// A version that is to be chosen, unless it is for a part of the region alone.
    fn settled(&self, project: &Project, offers: &Offers, at: usize) -> Result<Option<Version>, Stop> {
        if let Some(part) = project.part(offers, at, self.region) {
            return Err(Stop::Split(part.clone()));
        }
        let version = offers.get(at).cloned();
        let outside = |(asked, _): &&(Asked, MarkerTree)| {
            version.as_ref().is_some_and(|version| !asked.set.contains(version))
        };
        match project.wishes.partial.iter().find(outside) {
            Some((_, marker)) => Err(Stop::Split(marker.clone())),
            None => Ok(version),
        }
    }

    /// What the user asks for.
    fn root_dependencies(&self) -> Result<Known<Package, Set, Unavailable>, Stop> {
        self.fork(None, self.roots.iter().map(|(need, _)| need))?;
        let mut edges = Edges::default();
        for (need, root) in &self.roots {
            let name = &need.requirement.name;
            let Some(specifiers) = self.specifiers(need) else {
                return self.without(need, Unavailable::Address(name.clone()));
            };
            let project = self.project(name);
            let set = project.ask(specifiers, Some(&root.origin), None);
            self.note_partial(None, need);
            edges.add(&project, &need.requirement.extras, &set);
        }
        self.hint_names(&edges);
        Ok(Known::Available(edges.list.into_iter().collect()))
    }

    /// What one version of a project depends on, or what its extra adds.
    fn version_dependencies(
        &self,
        package: &Package,
        project: &Rc<Project>,
        version: &Version,
    ) -> Result<Known<Package, Set, Unavailable>, Stop> {
        let known = self.needs(project, version)?;
        if let Some(why) = &known.malformed {
            return Ok(Known::Unavailable(Unavailable::Malformed(why.clone())));
        }
        if let Some(specifiers) = &known.requires_python {
            match project.lens().python(self.region, specifiers) {
                Fit::All => {}
                Fit::Part(marker) if self.region.forks_by_python() => return Err(Stop::Split(marker)),
                Fit::Part(_) | Fit::Nowhere => {
                    return Ok(Known::Unavailable(Unavailable::Python(plain(specifiers))));
                }
            }
        }
        let mut edges = Edges::default();
        let extra = package.extra().map(Rc::as_ref);
        if extra.is_some() {
            edges.list.push((Package::Project(Rc::clone(project)), Ranges::singleton(version.clone())));
        }
        self.fork(Some(&project.name), self.active(&known, extra))?;
        for need in self.active(&known, extra) {
            let requirement = &need.requirement;
            let Some(specifiers) = self.specifiers(need) else {
                return self.without(need, Unavailable::Address(requirement.name.clone()));
            };
            if requirement.name != project.name {
                let needed = self.project(&requirement.name);
                let set = needed.ask(specifiers, None, Some((project, version)));
                self.note_partial(Some(&project.name), need);
                edges.add(&needed, &requirement.extras, &set);
            } else if ranges::of_specifiers(specifiers).contains(version) {
                // `pkg[all]` that requires `pkg[a,b]` means its own version.
                let others = requirement.extras.iter().filter(|other| Some(*other) != extra);
                edges.add_extras(project, others, &Ranges::singleton(version.clone()));
            } else {
                return self.without(need, Unavailable::Itself(requirement.to_string()));
            }
        }
        self.hint_names(&edges);
        Ok(Known::Available(edges.list.into_iter().collect()))
    }

    /// A version that cannot be taken because of one requirement: it still can where that does not hold.
    fn without(&self, need: &Need, why: Unavailable) -> Result<Known<Package, Set, Unavailable>, Stop> {
        if self.region.is_all(&need.marker) {
            return Ok(Known::Unavailable(why));
        }
        // The other side first: what it can have is not to be held back by what is left for this one.
        Err(Stop::Split(need.marker.negate()))
    }

    /// The requirements that count in the region: those without an extra, or those that `extra` adds.
    pub(crate) fn active<'d>(
        &'d self,
        needs: &'d Needs,
        extra: Option<&ExtraName>,
    ) -> impl Iterator<Item = &'d Need> + use<'d, 'a> {
        needs.of_extra(extra).iter().filter(|need| self.region.counts(&need.marker))
    }

    /// Bans the pre-releases and the yanked versions among the decisions that no chosen version asks for; whether there were
    /// any.
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
            if !self.policy.stands(project, offers, version, self.region) {
                banned |= project.banned.borrow_mut().insert(version.clone());
                // Nor would another stand that nobody was seen to pin.
                if project.wishes.admitted.contains(version) {
                    let asked = project.asked.borrow();
                    let unpinned = |version: &&Version| !asked.iter().any(|(asked, _)| asked.pins(version));
                    let all = project.wishes.admitted.iter().filter(unpinned).cloned();
                    project.banned.borrow_mut().extend(all);
                }
            }
        }
        banned
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
    type Err = Stop;

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
        if is_project {
            project.conflicts.set(conflicts);
        }
        let urgent = self.memory.urgent.borrow().contains(&project.name);
        let conflicts = if urgent { conflicts.max(MANY_CONFLICTS) } else { conflicts };
        Priority {
            conflicts: if conflicts >= MANY_CONFLICTS { conflicts } else { 0 },
            pinned: project.pinned.get() || range.as_singleton().is_some(),
            heard_of: Reverse(project.order),
            is_project,
        }
    }

    fn choose_version(&self, package: &Package, range: &Set) -> Result<Option<Version>, Stop> {
        match package.project() {
            Some(project) => self.choose(package, project, range),
            None => Ok(Some(root_version())),
        }
    }

    fn get_dependencies(
        &self,
        package: &Package,
        version: &Version,
    ) -> Result<Known<Package, Set, Unavailable>, Stop> {
        match package.project() {
            Some(project) => self.version_dependencies(package, project, version),
            None => self.root_dependencies(),
        }
    }
}

/// The only version of the root.
pub(crate) fn root_version() -> Version {
    Version::new([0])
}
