//! What a solve will ask for soon, as hints: an index fetches many things at once while the solver waits for one.
//!
//! Never: changes what is chosen. A hint that turns out wrong costs a fetch.

use std::rc::Rc;

use pep440_rs::Version;
use pep508_rs::PackageName;

use crate::edges::Edges;
use crate::project::{Offers, Project};
use crate::provider::{Provider, Set};
use crate::wheel_name::WheelName;

/// A project name, and where it is known a version with the wheel whose metadata will be wanted.
pub(crate) type Hint = (PackageName, Option<(Version, WheelName)>);

/// How many versions are hinted at, at most, when a package is tried again.
const NEXT_VERSIONS: u32 = 32;

impl Provider<'_> {
    /// Looks at the candidates of all projects that were heard of since the last time, and hints at the versions that
    /// will be chosen if nothing stands against them: so each level of the graph costs two waits, not two a package.
    pub(crate) fn look_ahead(&self) {
        let start = self.looked_at.get();
        let fresh: Vec<Rc<Project>> = self.heard_of.borrow().iter().skip(start).cloned().collect();
        self.looked_at.set(start + fresh.len());
        let mut soon = Vec::new();
        for project in fresh {
            project.looked_at.set(true);
            // A fact that cannot be had matters only if it is needed; then it is asked for again.
            let Ok(offers) = self.offers(&project) else { continue };
            let set = project.wanted.borrow().clone();
            let first = self.policy.order(&project, offers, &set, self.region).next();
            soon.extend(first.and_then(|at| self.unknown(&project, offers, at)));
        }
        if !soon.is_empty() {
            self.facts.hint(&soon);
        }
    }

    /// A version as a hint, unless it is known what it needs.
    fn unknown(&self, project: &Project, offers: &Offers, at: usize) -> Option<Hint> {
        let kept = project.needs(offers, at, self.region).filter(|kept| kept.get().is_none());
        let version = kept.and(offers.get(at))?.clone();
        if self.memory.needs.borrow().contains_key(&(project.name.clone(), version.clone())) {
            return None;
        }
        let wheel = project.speaker(offers, at, self.region)?;
        Some((project.name.clone(), Some((version, wheel.clone()))))
    }

    /// Hints at the next versions of a package that is tried again.
    pub(crate) fn hint_next(&self, project: &Project, offers: &Offers, set: &Set, count: u32) {
        let count = count.min(NEXT_VERSIONS) as usize;
        let order = self.policy.order(project, offers, set, self.region);
        let soon: Vec<Hint> = order.filter_map(|at| self.unknown(project, offers, at)).take(count).collect();
        self.facts.hint(&soon);
    }

    /// Hints at the names of requirements that are new.
    pub(crate) fn hint_names(&self, edges: &Edges) {
        let projects = edges.list.iter().filter_map(|(package, _)| package.project());
        let fresh = projects.filter(|project| !project.hinted.replace(true));
        let soon: Vec<Hint> = fresh.map(|project| (project.name.clone(), None)).collect();
        if !soon.is_empty() {
            self.facts.hint(&soon);
        }
    }
}
