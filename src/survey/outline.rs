//! Graph -> rows of an outline, each package told in full once.
//!
//! Pure.

use std::collections::BTreeMap;

use super::graph::{Edge, Graph};

/// No outline is deeper.
pub const DEEPEST: usize = 200;

/// One line of an outline.
#[derive(Debug, Clone)]
pub struct Row<'g> {
    /// For this row and each above it but the topmost, whether it is the last of its parent's.
    pub lasts: Vec<bool>,
    /// The node.
    pub node: usize,
    /// The need that led here; none for the topmost.
    pub edge: Option<&'g Edge>,
    /// Whether what is below it stands further up.
    pub is_repeated: bool,
    /// Whether what is below it was left out, since the outline would be too deep.
    pub is_cut: bool,
}

/// Which way an outline goes.
#[derive(Debug, Clone, Copy)]
pub struct Direction<'g>(pub &'g [Vec<Edge>]);

/// The outline of what lies below some nodes, down to a depth (0: they alone).
pub fn rows<'g>(
    graph: &'g Graph,
    direction: Direction<'g>,
    starts: &[usize],
    depth: Option<usize>,
) -> Vec<Row<'g>> {
    let deepest = depth.unwrap_or(DEEPEST).min(DEEPEST);
    // How far below a node was told already. (Where a depth cuts, once more if there is room for more.)
    let mut told: BTreeMap<usize, usize> = BTreeMap::new();
    let mut rows = Vec::new();
    let top = |node: &usize| (Vec::new(), *node, None);
    let mut open: Vec<(Vec<bool>, usize, Option<&Edge>)> = starts.iter().rev().map(top).collect();
    while let Some((lasts, node, edge)) = open.pop() {
        let edges = direction.0.get(node).map(Vec::as_slice).unwrap_or_default();
        let left = deepest.saturating_sub(lasts.len());
        let is_repeated =
            !edges.is_empty() && told.get(&node).is_some_and(|before| depth.is_none() || *before >= left);
        if !is_repeated && left > 0 {
            told.insert(node, left);
            for (at, edge) in edges.iter().enumerate().rev() {
                let mut lasts = lasts.clone();
                lasts.push(at + 1 == edges.len());
                open.push((lasts, edge.to, Some(edge)));
            }
        }
        let is_cut = !edges.is_empty() && left == 0 && depth.is_none();
        if node < graph.nodes.len() {
            rows.push(Row { lasts, node, edge, is_repeated: is_repeated && left > 0, is_cut });
        }
    }
    rows
}
