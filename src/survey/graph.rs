//! (Lock, METADATA as far as it is known) -> Graph: who needs what, and by which words.
//!
//! The edges of a lock are its own `dependencies`, where it records them: they are those of the resolution, overrides
//! applied. The words of an edge (the specifier) come from METADATA. Pure.

use std::collections::{BTreeMap, BTreeSet};

use pep508_rs::VersionOrUrl;
use pipward_resolver::{ExtraName, MarkerTree, Requirement, Target, VerbatimUrl};

use crate::lock::{Lock, LockMarker, LockedDependency, LockedPackage};
use crate::pep508::{self, Strictness};
use crate::wheel::metadata::Metadata;

/// One entry of a lock, or one installed distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name, normalised.
    pub name: String,
    /// Its version; empty where nobody says.
    pub version: String,
    /// When it is installed, for an entry of a lock that has a marker.
    pub marker: Option<String>,
}

/// A requirement that made an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Name, extras and specifier, as in `jinja2[i18n]>=3.1`.
    pub text: String,
    /// Its marker.
    pub marker: Option<String>,
}

/// A need of one node for another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The position of the node that is needed.
    pub to: usize,
    /// The requirements behind it. Empty where no METADATA is at hand.
    pub asked: Vec<Asked>,
    /// When the need is there, by the lock.
    pub marker: Option<String>,
}

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The node, with the requirement as it was written.
    pub edge: Edge,
    /// Who wrote it, or why it stands at the top.
    pub from: String,
}

/// Who needs what.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// All packages.
    pub nodes: Vec<Node>,
    /// What each needs, in the order of names and versions.
    pub edges: Vec<Vec<Edge>>,
    /// What was asked for, in the order in which it was written, then what nothing leads to.
    pub roots: Vec<Root>,
    /// Nodes of which neither a lock nor METADATA tells what they need.
    pub unknown: Vec<usize>,
}

/// What is known of one package.
#[derive(Debug, Clone)]
enum Needs {
    /// By the lock, with the requirements of METADATA where that is at hand.
    Recorded(Vec<(usize, Option<String>)>, Vec<Requirement<VerbatimUrl>>),
    /// By METADATA alone.
    Declared(Vec<Requirement<VerbatimUrl>>),
    /// By nobody.
    Unknown,
}

/// An installed distribution.
#[derive(Debug, Clone)]
pub struct Installed {
    /// Its name, normalised.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its requirements; `None` where they cannot be read.
    pub requires: Option<Vec<Requirement<VerbatimUrl>>>,
    /// Whether it was asked for by name (REQUESTED).
    pub is_requested: bool,
}

/// Nothing in the lock leads to it, and nobody noted that he asked.
const UNASKED: &str = "nothing else needs it";
/// As [`UNASKED`], but something does need it, which itself nothing leads to.
const CIRCLE: &str = "needed in a circle alone";

impl Graph {
    /// The graph of a lock. `metadata` stands beside `lock.packages`, `None` for what is not at hand.
    pub fn of_lock(lock: &Lock, metadata: &[Option<Metadata>]) -> Self {
        let nodes = lock.packages.iter().map(|package| node(package)).collect();
        let by_name = by_name(lock.packages.iter().map(|package| package.name.as_ref()));
        let needs = lock.packages.iter().enumerate().map(|(at, package)| {
            let declared = metadata.get(at).and_then(Option::as_ref).map(|it| it.requires.clone());
            match (&package.dependencies, declared) {
                (Some(recorded), declared) => {
                    let edges = recorded.iter().flat_map(|entry| targets(lock, &by_name, package, entry));
                    Needs::Recorded(edges.collect(), declared.unwrap_or_default())
                }
                (None, Some(declared)) => Needs::Declared(declared),
                (None, None) => Needs::Unknown,
            }
        });
        let needs: Vec<Needs> = needs.collect();
        let tool = lock.tool.iter().flat_map(|tool| &tool.inputs);
        let inputs: Vec<Input> = tool.filter_map(|(text, from)| Input::read(text, from)).collect();
        let trees: Vec<MarkerTree> = lock.packages.iter().map(|package| tree(package)).collect();
        Made { nodes, by_name, needs, trees, target: None }.graph(&inputs)
    }

    /// The names that a lock notes as asked for, whether or not it has them: their markers may hold elsewhere alone.
    pub fn noted(lock: &Lock) -> BTreeSet<String> {
        let inputs = lock.tool.iter().flat_map(|tool| &tool.inputs);
        inputs.filter_map(|(text, from)| Some(Input::read(text, from)?.name)).collect()
    }

    /// The graph of an environment.
    pub fn of_environment(installed: Vec<Installed>, target: &Target) -> Self {
        let by_name = by_name(installed.iter().map(|one| one.name.as_str()));
        let mut inputs = Vec::new();
        let (mut nodes, mut needs) = (Vec::new(), Vec::new());
        for one in installed {
            if one.is_requested {
                inputs.push(Input {
                    name: one.name.clone(),
                    extras: Vec::new(),
                    text: one.name.clone(),
                    marker: None,
                    from: "installed by name".to_owned(),
                });
            }
            nodes.push(Node { name: one.name, version: one.version, marker: None });
            needs.push(one.requires.map_or(Needs::Unknown, Needs::Declared));
        }
        let trees = vec![MarkerTree::TRUE; nodes.len()];
        Made { nodes, by_name, needs, trees, target: Some(target) }.graph(&inputs)
    }

    /// The positions of the nodes of a normalised name.
    pub fn named(&self, name: &str) -> Vec<usize> {
        self.nodes.iter().enumerate().filter(|(_, node)| node.name == name).map(|(at, _)| at).collect()
    }

    /// The graph with each edge turned round: who needs it, in place of what it needs.
    pub fn needed_by(&self) -> Vec<Vec<Edge>> {
        let mut turned: Vec<Vec<Edge>> = vec![Vec::new(); self.nodes.len()];
        for (from, edges) in self.edges.iter().enumerate() {
            for edge in edges {
                if let Some(place) = turned.get_mut(edge.to) {
                    place.push(Edge { to: from, ..edge.clone() });
                }
            }
        }
        turned.iter_mut().for_each(|edges| edges.sort_by_key(|edge| self.key(edge.to)));
        turned
    }

    /// The names that stand there in several versions, with the positions of these.
    pub fn duplicates(&self) -> Vec<(String, Vec<usize>)> {
        let names: BTreeSet<&String> = self.nodes.iter().map(|node| &node.name).collect();
        let several = names.into_iter().map(|name| (name.clone(), self.named(name)));
        several.filter(|(_, positions)| positions.len() > 1).collect()
    }

    /// The nodes that somebody asked for by name.
    pub fn asked_for(&self) -> BTreeSet<usize> {
        let noted = |root: &&Root| root.from != UNASKED && root.from != CIRCLE;
        let any = self.roots.iter().any(|root| noted(&root));
        self.roots.iter().filter(|root| !any || noted(root)).map(|root| root.edge.to).collect()
    }

    fn key(&self, at: usize) -> (String, String) {
        self.nodes.get(at).map(|node| (node.name.clone(), node.version.clone())).unwrap_or_default()
    }
}

/// A requirement of the user's own.
struct Input {
    name: String,
    extras: Vec<ExtraName>,
    text: String,
    marker: Option<String>,
    from: String,
}

impl Input {
    /// Reads an input that a lock notes; `None` for a constraint, which asks for nothing.
    fn read(text: &str, from: &str) -> Option<Self> {
        if from.starts_with("-c ") {
            return None;
        }
        let bare = text.split(" --hash").next().unwrap_or(text);
        let (head, marker) =
            bare.split_once(" ; ").map_or((bare, None), |(head, marker)| (head, Some(marker)));
        let read = pep508::requirement(head, Strictness::Lenient).ok()?;
        Some(Self {
            name: read.name.to_string(),
            text: told(&read),
            extras: read.extras,
            marker: marker.map(|marker| marker.trim().to_owned()),
            from: from.to_owned(),
        })
    }
}

/// What the edges are made of.
struct Made<'t> {
    nodes: Vec<Node>,
    by_name: BTreeMap<String, Vec<usize>>,
    needs: Vec<Needs>,
    trees: Vec<MarkerTree>,
    target: Option<&'t Target>,
}

impl Made<'_> {
    fn graph(self, inputs: &[Input]) -> Graph {
        let extras = self.extras(inputs);
        let edges: Vec<Vec<Edge>> =
            (0..self.nodes.len()).map(|at| self.edges_of(at, extras.get(at))).collect();
        let unknown = self.needs.iter().enumerate().filter(|(_, needs)| matches!(needs, Needs::Unknown));
        let unknown = unknown.map(|(at, _)| at).collect();
        let mut roots = Vec::new();
        for input in inputs {
            for to in self.by_name.get(&input.name).into_iter().flatten() {
                let asked = vec![Asked { text: input.text.clone(), marker: input.marker.clone() }];
                let edge = Edge { to: *to, asked, marker: None };
                roots.push(Root { edge, from: input.from.clone() });
            }
        }
        let mut graph = Graph { nodes: self.nodes, edges, roots, unknown };
        for at in 0..graph.edges.len() {
            let mut edges = graph.edges.get_mut(at).map(std::mem::take).unwrap_or_default();
            edges.sort_by_key(|edge| graph.key(edge.to));
            if let Some(place) = graph.edges.get_mut(at) {
                *place = edges;
            }
        }
        add_unasked(&mut graph);
        graph
    }

    /// The extras with which each node is asked for, as far as requirements tell.
    fn extras(&self, inputs: &[Input]) -> Vec<BTreeSet<ExtraName>> {
        let mut known: Vec<BTreeSet<ExtraName>> = vec![BTreeSet::new(); self.nodes.len()];
        let mut open: Vec<usize> = (0..self.nodes.len()).collect();
        let add = |known: &mut Vec<BTreeSet<ExtraName>>, name: &str, extras: &[ExtraName]| {
            let mut grown = Vec::new();
            for at in self.by_name.get(name).into_iter().flatten() {
                if let Some(place) = known.get_mut(*at) {
                    let before = place.len();
                    place.extend(extras.iter().cloned());
                    grown.extend((place.len() > before).then_some(*at));
                }
            }
            grown
        };
        for input in inputs {
            add(&mut known, &input.name, &input.extras);
        }
        while let Some(at) = open.pop() {
            let Some(Needs::Recorded(_, requires) | Needs::Declared(requires)) = self.needs.get(at) else {
                continue;
            };
            let mine: Vec<ExtraName> = known.get(at).into_iter().flatten().cloned().collect();
            for requirement in requires.iter().filter(|one| !one.extras.is_empty()) {
                if self.counts(at, requirement, &mine) {
                    open.extend(add(&mut known, requirement.name.as_ref(), &requirement.extras));
                }
            }
        }
        known
    }

    /// Whether a requirement of a node may hold, with these extras.
    fn counts(&self, at: usize, requirement: &Requirement<VerbatimUrl>, extras: &[ExtraName]) -> bool {
        match self.target {
            Some(target) => requirement.evaluate_markers(&target.markers, extras),
            None => {
                let held = beneath(requirement, extras);
                requirement.marker.evaluate_extras(extras)
                    && self.trees.get(at).is_none_or(|tree| !tree.is_disjoint(&held))
            }
        }
    }

    fn edges_of(&self, at: usize, extras: Option<&BTreeSet<ExtraName>>) -> Vec<Edge> {
        let extras: Vec<ExtraName> = extras.into_iter().flatten().cloned().collect();
        match self.needs.get(at) {
            Some(Needs::Recorded(recorded, requires)) => {
                let edge = |(to, marker): &(usize, Option<String>)| Edge {
                    to: *to,
                    asked: self.words(at, *to, requires, &extras),
                    marker: marker.clone(),
                };
                recorded.iter().map(edge).collect()
            }
            Some(Needs::Declared(requires)) => {
                let counted = requires.iter().filter(|one| self.counts(at, one, &extras));
                let names: BTreeSet<String> = counted.map(|one| one.name.to_string()).collect();
                let targets = names.iter().filter_map(|name| self.by_name.get(name)).flatten();
                // An extra of one's own is no need for another package.
                let targets = targets.filter(|to| **to != at);
                let edge = |to: &usize| Edge {
                    to: *to,
                    asked: self.words(at, *to, requires, &extras),
                    marker: None,
                };
                targets.map(edge).filter(|edge| !edge.asked.is_empty()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The requirements of one node that lead to another. Where none counts with the extras that are known, all that name it
    /// do: not every lock tells which extras it was made with.
    fn words(
        &self,
        at: usize,
        to: usize,
        requires: &[Requirement<VerbatimUrl>],
        extras: &[ExtraName],
    ) -> Vec<Asked> {
        let Some(name) = self.nodes.get(to).map(|node| node.name.as_str()) else { return Vec::new() };
        let all: Vec<_> = requires.iter().filter(|one| AsRef::<str>::as_ref(&one.name) == name).collect();
        let meets = |one: &&&Requirement<VerbatimUrl>| {
            let held = beneath(one, extras);
            self.trees.get(to).is_none_or(|tree| !tree.is_disjoint(&held))
        };
        let mut counted: Vec<_> =
            all.iter().filter(|one| self.counts(at, one, extras)).filter(meets).collect();
        if counted.is_empty() && self.target.is_none() {
            counted = all.iter().filter(meets).collect();
        }
        let mut words: Vec<Asked> = Vec::new();
        for one in counted {
            let marker = one.marker.clone().simplify_extras(extras);
            let marker = LockMarker::of_requirement(&marker).map(|marker| marker.text);
            let asked = Asked { text: told(one), marker };
            if !words.contains(&asked) {
                words.push(asked);
            }
        }
        words
    }
}

/// Roots for what no root leads to: first what nothing needs, then the first of each circle.
fn add_unasked(graph: &mut Graph) {
    let needed: BTreeSet<usize> = graph
        .edges
        .iter()
        .enumerate()
        .flat_map(|(from, edges)| edges.iter().map(move |edge| (from, edge.to)))
        .filter(|(from, to)| from != to)
        .map(|(_, to)| to)
        .collect();
    let mut order: Vec<usize> = (0..graph.nodes.len()).collect();
    order.sort_by_key(|at| (needed.contains(at), graph.key(*at)));
    let mut reached = BTreeSet::new();
    let starts: Vec<usize> = graph.roots.iter().map(|root| root.edge.to).collect();
    spread(graph, starts, &mut reached);
    for at in order {
        if reached.contains(&at) {
            continue;
        }
        let from = if needed.contains(&at) { CIRCLE } else { UNASKED };
        let edge = Edge { to: at, asked: Vec::new(), marker: None };
        graph.roots.push(Root { edge, from: from.to_owned() });
        spread(graph, vec![at], &mut reached);
    }
}

fn spread(graph: &Graph, mut open: Vec<usize>, reached: &mut BTreeSet<usize>) {
    while let Some(at) = open.pop() {
        if reached.insert(at) {
            open.extend(graph.edges.get(at).into_iter().flatten().map(|edge| edge.to));
        }
    }
}

fn node(package: &LockedPackage) -> Node {
    Node {
        name: package.name.to_string(),
        version: package.version.as_ref().map(ToString::to_string).unwrap_or_default(),
        marker: package.marker.as_ref().map(|marker| marker.text.clone()),
    }
}

fn tree(package: &LockedPackage) -> MarkerTree {
    package.marker.as_ref().map_or(MarkerTree::TRUE, |marker| marker.tree.clone())
}

fn by_name<'n>(names: impl Iterator<Item = &'n str>) -> BTreeMap<String, Vec<usize>> {
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, name) in names.enumerate() {
        by_name.entry(name.to_owned()).or_default().push(at);
    }
    by_name
}

/// The entries that a recorded dependency means: those of the name, of its version where it has one, whose environments are
/// not others than those of the package.
fn targets(
    lock: &Lock,
    by_name: &BTreeMap<String, Vec<usize>>,
    package: &LockedPackage,
    entry: &LockedDependency,
) -> Vec<(usize, Option<String>)> {
    let positions = by_name.get(AsRef::<str>::as_ref(&entry.name)).into_iter().flatten();
    let fits = |at: &&usize| {
        let Some(found) = lock.packages.get(**at) else { return false };
        (entry.version.is_none() || entry.version == found.version)
            && !tree(package).is_disjoint(&tree(found))
    };
    let marker = entry.marker.as_ref().map(|marker| marker.text.clone());
    positions.filter(fits).map(|at| (*at, marker.clone())).collect()
}

/// In which environments a requirement holds at most, whatever extras are asked for besides.
fn beneath(requirement: &Requirement<VerbatimUrl>, extras: &[ExtraName]) -> MarkerTree {
    requirement.marker.clone().simplify_extras(extras).simplify_extras_with(|_| true)
}

/// A requirement without its marker.
fn told(requirement: &Requirement<VerbatimUrl>) -> String {
    let mut text = requirement.name.to_string();
    if !requirement.extras.is_empty() {
        let extras: Vec<String> = requirement.extras.iter().map(ToString::to_string).collect();
        text.push_str(&format!("[{}]", extras.join(",")));
    }
    match &requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => {
            let all: Vec<String> = specifiers.iter().map(ToString::to_string).collect();
            text.push_str(&all.join(","));
        }
        Some(VersionOrUrl::Url(url)) => text.push_str(&format!(" @ {url}")),
        None => {}
    }
    text
}

#[cfg(test)]
mod tests;
