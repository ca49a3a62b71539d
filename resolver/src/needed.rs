//! Where each package is needed: "A or B" over all that need it, each with its own marker and where it is needed itself.
//!
//! Owns reachability. A name may have several versions, each in environments of its own. Never: keeps a package that no
//! environment reaches.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use pep440_rs::Version;
use pep508_rs::{ExtraName, MarkerTree, PackageName};

use crate::facts::FactsError;
use crate::markers;
use crate::needs::{Need, Needs};
use crate::project::Project;
use crate::provider::Provider;
use crate::region::Region;

/// One version of an answer.
pub(crate) struct Decided {
    /// Its project.
    pub(crate) project: Rc<Project>,
    /// It.
    pub(crate) version: Version,
    /// What it needs.
    pub(crate) needs: Arc<Needs>,
    /// Where it is the version of its name.
    pub(crate) place: MarkerTree,
}

/// The versions of a name.
pub(crate) type Versions = Rc<[Decided]>;

/// A version, or what an extra of it adds.
pub(crate) type Node = (PackageName, Version, Option<ExtraName>);

/// Where each node is needed, and each edge.
pub(crate) struct Reach<'p> {
    provider: &'p Provider<'p>,
    lookup: &'p dyn Fn(&PackageName) -> Result<Versions, FactsError>,
    /// The versions of the names that were reached.
    pub(crate) versions: BTreeMap<PackageName, Versions>,
    pub(crate) nodes: BTreeMap<Node, MarkerTree>,
    pub(crate) edges: HashMap<(PackageName, Version), BTreeMap<(PackageName, Version), MarkerTree>>,
    open: Vec<Node>,
    /// Those that are in `open`.
    waiting: HashSet<Node>,
}

impl<'p> Reach<'p> {
    /// From the roots. `lookup`: the versions of a name, asked for once.
    pub(crate) fn of(
        provider: &'p Provider<'p>,
        lookup: &'p dyn Fn(&PackageName) -> Result<Versions, FactsError>,
    ) -> Result<Self, FactsError> {
        let (versions, nodes, edges) = (BTreeMap::new(), BTreeMap::new(), HashMap::new());
        let (open, waiting) = (Vec::new(), HashSet::new());
        let mut reach = Self { provider, lookup, versions, nodes, edges, open, waiting };
        let whence = reach.start();
        for (need, _) in &provider.roots {
            reach.follow(None, need, &whence)?;
        }
        // A node is looked at again whenever it is needed in more environments than before.
        while let Some(node) = reach.open.pop() {
            reach.waiting.remove(&node);
            let (name, version, extra) = &node;
            let Some(marker) = reach.nodes.get(&node).cloned() else { continue };
            let Some(needs) = reach.decided(name, version).map(|known| Arc::clone(&known.needs)) else {
                continue;
            };
            if extra.is_some() {
                reach.add((name.clone(), version.clone(), None), &marker);
            }
            for need in provider.active(&needs, extra.as_ref()) {
                reach.follow(Some((name, version)), need, &marker)?;
            }
        }
        Ok(reach)
    }

    /// Where the roots count: in the region.
    pub(crate) fn start(&self) -> MarkerTree {
        match self.provider.region {
            Region::One(_) => MarkerTree::TRUE,
            Region::Many(many) => many.side.clone(),
        }
    }

    /// A version that was reached.
    pub(crate) fn decided(&self, name: &PackageName, version: &Version) -> Option<&Decided> {
        self.versions.get(name)?.iter().find(|known| known.version == *version)
    }

    /// The extras of a version that are asked for.
    pub(crate) fn extras(&self, name: &PackageName, version: &Version) -> BTreeSet<ExtraName> {
        let first = (name.clone(), version.clone(), None);
        let nodes = self.nodes.range(first..).map(|(node, _)| node);
        nodes
            .take_while(|(of, at, _)| of == name && at == version)
            .filter_map(|(_, _, extra)| extra.clone())
            .collect()
    }

    /// The environments of the region in which a requirement counts; none where there are none.
    pub(crate) fn counts(&self, need: &Need, whence: &MarkerTree) -> Option<MarkerTree> {
        let mut marker = whence.clone();
        if let Region::Many(_) = self.provider.region {
            marker.and(need.marker.clone());
            if !self.is_somewhere(&marker) {
                return None;
            }
        }
        Some(marker)
    }

    /// Whether an environment of the region is one of a marker.
    pub(crate) fn is_somewhere(&self, marker: &MarkerTree) -> bool {
        match self.provider.region {
            Region::One(_) => true,
            Region::Many(many) => markers::overlaps(&many.marker, marker),
        }
    }

    fn follow(
        &mut self,
        of: Option<(&PackageName, &Version)>,
        need: &Need,
        whence: &MarkerTree,
    ) -> Result<(), FactsError> {
        let name = &need.requirement.name;
        let Some(counts) = self.counts(need, whence) else { return Ok(()) };
        let versions = match self.versions.get(name) {
            Some(known) => Rc::clone(known),
            None => {
                let known = (self.lookup)(name)?;
                self.versions.entry(name.clone()).or_insert(known).clone()
            }
        };
        for known in versions.iter() {
            let mut marker = counts.clone();
            if !known.place.is_true() {
                marker.and(known.place.clone());
                if !self.is_somewhere(&marker) {
                    continue;
                }
            }
            if let Some((of, at)) = of.filter(|(of, _)| *of != name) {
                let edges = self.edges.entry((of.clone(), at.clone())).or_default();
                let edge = edges.entry((name.clone(), known.version.clone())).or_insert(MarkerTree::FALSE);
                edge.or(marker.clone());
            }
            self.add((name.clone(), known.version.clone(), None), &marker);
            for extra in &need.requirement.extras {
                self.add((name.clone(), known.version.clone(), Some(extra.clone())), &marker);
            }
        }
        Ok(())
    }

    fn add(&mut self, node: Node, marker: &MarkerTree) {
        let known = self.nodes.entry(node.clone()).or_insert(MarkerTree::FALSE);
        if !markers::covers(marker, known) {
            known.or(marker.clone());
            if self.waiting.insert(node.clone()) {
                self.open.push(node);
            }
        }
    }
}
