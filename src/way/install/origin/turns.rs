//! In which order packages are put in: each after what it needs.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use pipward_resolver::PackageName;

use super::Node;

/// How often a package of a circle is looked at.
const MAX_VISITS: usize = 5;
/// How far it is followed.
const MAX_DEPTH: usize = 1000;

/// Packages with extras, and what they need of each other.
pub(super) struct Graph<'a> {
    pub(super) needs: BTreeMap<&'a Node, Option<&'a BTreeSet<Node>>>,
    /// What was asked for by the user.
    pub(super) typed: BTreeSet<&'a Node>,
}

impl<'a> Graph<'a> {
    /// The names in the order in which pip puts them in: what needs nothing that is left, the later name first; of those
    /// that need each other, what is furthest from what was asked for. What says for which Pythons it is needs these.
    pub(super) fn turns(mut self, for_pythons: impl Fn(&Node) -> bool) -> Vec<&'a PackageName> {
        let mut waits: BTreeMap<&'a Node, usize> = BTreeMap::new();
        let mut needed_by: BTreeMap<&'a Node, Vec<&'a Node>> = BTreeMap::new();
        for (node, needs) in &self.needs {
            let needs = needs.iter().flat_map(|needs| needs.iter());
            let needs = needs.filter_map(|need| Some(*self.needs.get_key_value(need)?.0));
            let count = waits.entry(*node).or_default();
            for need in needs {
                *count += 1;
                needed_by.entry(need).or_default().push(*node);
            }
        }
        let is_free = |node: &Node| waits.get(node) == Some(&0);
        let (later, mut free): (Vec<&Node>, Vec<&Node>) =
            self.needs.keys().filter(|node| is_free(node)).partition(|node| for_pythons(node));
        let mut next = later;
        let mut order: Vec<&PackageName> = Vec::new();
        while !(free.is_empty() && next.is_empty()) {
            let mut names: Vec<&PackageName> =
                free.iter().filter(|(_, extras)| extras.is_empty()).map(|(name, _)| name).collect();
            names.sort_by(|one, other| other.cmp(one));
            order.extend(names);
            for node in std::mem::take(&mut free) {
                self.needs.remove(node);
                for by in needed_by.remove(node).into_iter().flatten() {
                    if let Some(left) = waits.get_mut(by) {
                        *left -= 1;
                        next.extend((*left == 0).then_some(by));
                    }
                }
            }
            free = std::mem::take(&mut next);
        }
        let mut weights = BTreeMap::new();
        for node in &self.typed {
            self.visit(node, &mut BTreeSet::new(), &mut weights);
        }
        let mut circles: Vec<(usize, &PackageName)> = self
            .needs
            .keys()
            .filter(|(_, extras)| extras.is_empty())
            .map(|node| (deepest(&weights, node), &node.0))
            .collect();
        circles.sort_by(|one, other| other.cmp(one));
        order.extend(circles.into_iter().map(|(_, name)| name));
        order
    }

    /// Notes how far it is to what can be reached from `node`, by each way that goes nowhere twice.
    fn visit<'n>(
        &self,
        node: &'n Node,
        path: &mut BTreeSet<&'n Node>,
        weights: &mut BTreeMap<Node, Vec<usize>>,
    ) where
        'a: 'n,
    {
        let Some((node, needs)) = self.needs.get_key_value(node) else { return };
        if path.len() > MAX_DEPTH
            || path.contains(*node)
            || weights.get(*node).is_some_and(|known| known.len() >= MAX_VISITS)
        {
            return;
        }
        path.insert(*node);
        for need in needs.iter().flat_map(|needs| needs.iter()) {
            self.visit(need, path, weights);
        }
        path.remove(*node);
        weights.entry((*node).clone()).or_default().push(path.len() + 1);
    }
}

fn deepest(weights: &BTreeMap<Node, Vec<usize>>, node: &Node) -> usize {
    weights.get(node).and_then(|known| known.iter().max().copied()).unwrap_or_default()
}
