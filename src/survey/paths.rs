//! Graph -> every way from what was asked for to one name, the shortest first.
//!
//! Pure.

use std::collections::VecDeque;

use super::graph::{Edge, Graph, Root};

/// No more ways are told.
pub const MOST: usize = 1000;
/// No more beginnings of ways are followed.
const MOST_OPEN: usize = 100_000;

/// One way.
#[derive(Debug, Clone)]
pub struct Way<'g> {
    /// What was asked for.
    pub root: &'g Root,
    /// The needs from there on, each with the node that has it.
    pub steps: Vec<(usize, &'g Edge)>,
    /// Where it ends.
    pub end: usize,
}

/// The ways to a name.
#[derive(Debug, Clone)]
pub struct Ways<'g> {
    /// The shortest first.
    pub ways: Vec<Way<'g>>,
    /// Whether these are all.
    pub is_all: bool,
}

/// All ways to the nodes of a name that pass no node twice.
pub fn ways<'g>(graph: &'g Graph, name: &str) -> Ways<'g> {
    let mut found = Ways { ways: Vec::new(), is_all: true };
    let turned = turned(graph);
    // Backwards from the end, so that nothing is followed that leads elsewhere.
    let mut open: VecDeque<Vec<(usize, Option<&Edge>)>> = VecDeque::new();
    open.extend(graph.named(name).into_iter().map(|at| vec![(at, None)]));
    let mut followed = 0;
    while let Some(way) = open.pop_front() {
        followed += 1;
        if found.ways.len() >= MOST || followed > MOST_OPEN {
            found.is_all = false;
            break;
        }
        let Some((first, _)) = way.first().copied() else { continue };
        let Some((at, _)) = way.last().copied() else { continue };
        for root in graph.roots.iter().filter(|root| root.edge.to == at) {
            let steps = way.iter().rev().filter_map(|(node, edge)| Some((*node, (*edge)?))).collect();
            found.ways.push(Way { root, steps, end: first });
        }
        for (from, edge) in turned.get(at).into_iter().flatten() {
            if open.len() < MOST_OPEN && way.iter().all(|(node, _)| node != from) {
                let mut longer = way.clone();
                longer.push((*from, Some(edge)));
                open.push_back(longer);
            }
        }
    }
    found
}

/// For each node, who needs it.
fn turned(graph: &Graph) -> Vec<Vec<(usize, &Edge)>> {
    let mut turned: Vec<Vec<(usize, &Edge)>> = vec![Vec::new(); graph.nodes.len()];
    for (from, edges) in graph.edges.iter().enumerate() {
        for edge in edges {
            if let Some(place) = turned.get_mut(edge.to) {
                place.push((from, edge));
            }
        }
    }
    turned
}
