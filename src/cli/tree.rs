//! `pipward tree`.

use clap::Args;
use serde_json::{Value, json};

use super::Outcome;
use super::render::Printer;
use super::surveying::{SubjectArgs, known_name};
use crate::survey::graph::{Asked, Edge, Graph};
use crate::survey::outline::{Direction, Row, rows};

/// Arguments of `pipward tree`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward tree                        what ./pylock.toml holds, from what was asked for downwards
  pipward tree .venv --depth 1        what is installed, and what that needs at first hand
  pipward tree --invert urllib3       who needs urllib3, and who needs those
  pipward tree --duplicates           names that the lock has in several versions, and who needs each

A lock tells who needs whom. By which words (`>=2`) stands in METADATA, which is taken from the cache, where there is none
from a wheel of the store; no index is asked unless --fetch is given. (*) marks what was told in full further up.")]
pub(crate) struct TreeArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Turn it round: who needs this name (may be given several times)
    #[arg(long, value_name = "NAME", add = clap_complete::ArgValueCompleter::new(super::completion::locked_names))]
    invert: Vec<String>,
    /// How far down is told
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// Only names with several versions, turned round
    #[arg(long, conflicts_with = "invert")]
    duplicates: bool,
    /// Ask the index for METADATA that is not at hand
    #[arg(long)]
    fetch: bool,
}

/// What is told: where it begins, and which way it goes.
struct Told<'a> {
    graph: &'a Graph,
    edges: &'a [Vec<Edge>],
    starts: Vec<usize>,
    depth: Option<usize>,
    is_turned: bool,
}

pub(super) fn run(arguments: &TreeArgs, printer: &Printer) -> Outcome {
    let subject = arguments.subject.subject(arguments.fetch, printer)?;
    let graph = subject.graph(printer)?;
    let place = subject.place();
    let turned = graph.needed_by();
    let is_turned = arguments.duplicates || !arguments.invert.is_empty();
    let starts = if arguments.duplicates {
        graph.duplicates().into_iter().flat_map(|(_, positions)| positions).collect()
    } else if is_turned {
        let mut starts = Vec::new();
        for typed in &arguments.invert {
            starts.extend(graph.named(&known_name(&graph, typed, &place)?));
        }
        starts
    } else {
        let mut starts: Vec<usize> = graph.roots.iter().map(|root| root.edge.to).collect();
        let mut seen = std::collections::BTreeSet::new();
        starts.retain(|at| seen.insert(*at));
        starts
    };
    let edges = if is_turned { &turned } else { &graph.edges };
    let told = Told { graph: &graph, edges, starts, depth: arguments.depth, is_turned };
    let rows = rows(&graph, Direction(edges), &told.starts, arguments.depth);
    rows.iter().for_each(|row| printer.say(&told.line(row)));
    if arguments.duplicates && told.starts.is_empty() {
        printer.say("No name has several versions.");
    }
    printer.document(&told.document(&rows, &place));
    Ok(0)
}

impl Told<'_> {
    fn line(&self, row: &Row<'_>) -> String {
        let mut line = String::new();
        if let Some((last, above)) = row.lasts.split_last() {
            above.iter().for_each(|last| line.push_str(if *last { "    " } else { "│   " }));
            line.push_str(if *last { "└── " } else { "├── " });
        }
        let Some(node) = self.graph.nodes.get(row.node) else { return line };
        line.push_str(&node.name);
        if !node.version.is_empty() {
            line.push(' ');
            line.push_str(&node.version);
        }
        match row.edge {
            // Turned round, the words are those by which this one asks for the one above.
            Some(edge) => line.push_str(&words(edge)),
            None => line.push_str(&self.top(row.node)),
        }
        if row.is_repeated {
            line.push_str(" (*)");
        }
        if row.is_cut {
            line.push_str(" …");
        }
        line
    }

    /// What stands behind a name at the top: what was asked for, and where.
    fn top(&self, node: usize) -> String {
        let roots = self.graph.roots.iter().filter(|root| root.edge.to == node);
        let told = roots.map(|root| {
            let asked: Vec<String> = root.edge.asked.iter().map(one).collect();
            let asked = if asked.is_empty() { String::new() } else { format!("{}, ", asked.join(", ")) };
            format!("{asked}{}", root.from)
        });
        let told: Vec<String> = told.collect();
        let entry = self.graph.nodes.get(node).and_then(|node| node.marker.as_ref());
        let marker = entry.filter(|_| self.is_turned || told.is_empty()).map(|marker| format!(" ; {marker}"));
        let told = if told.is_empty() { String::new() } else { format!("  ({})", told.join("; ")) };
        format!("{}{told}", marker.unwrap_or_default())
    }

    fn document(&self, rows: &[Row<'_>], place: &str) -> Value {
        let mut seen: Vec<usize> = rows.iter().map(|row| row.node).collect();
        seen.sort_unstable();
        seen.dedup();
        let named = |at: usize| {
            let node = self.graph.nodes.get(at);
            json!({
                "name": node.map(|node| &node.name),
                "version": node.map(|node| &node.version),
            })
        };
        let edge = |edge: &Edge| {
            let mut value = named(edge.to);
            if let Some(object) = value.as_object_mut() {
                object.insert("requirements".into(), edge.asked.iter().map(one).collect());
                object.insert("marker".into(), edge.marker.clone().into());
            }
            value
        };
        let below = if self.is_turned { "needed_by" } else { "needs" };
        let packages = seen.iter().map(|at| {
            let mut value = named(*at);
            if let Some(object) = value.as_object_mut() {
                let marker = self.graph.nodes.get(*at).and_then(|node| node.marker.clone());
                object.insert("marker".into(), marker.into());
                let edges = self.edges.get(*at).into_iter().flatten();
                object.insert(below.into(), edges.map(edge).collect());
                object.insert("is_known".into(), (!self.graph.unknown.contains(at)).into());
            }
            value
        });
        let packages: Vec<Value> = packages.collect();
        let roots: Vec<Value> = self
            .graph
            .roots
            .iter()
            .map(|root| {
                let mut value = edge(&root.edge);
                if let Some(object) = value.as_object_mut() {
                    object.insert("from".into(), root.from.clone().into());
                }
                value
            })
            .collect();
        let starts: Vec<Value> = self.starts.iter().map(|at| named(*at)).collect();
        json!({ "ok": true, "of": place, "depth": self.depth, "roots": roots, "top": starts, "packages": packages })
    }
}

/// A requirement in its usual words.
pub(super) fn one(asked: &Asked) -> String {
    match &asked.marker {
        Some(marker) => format!("{} ; {marker}", asked.text),
        None => asked.text.clone(),
    }
}

/// The words of an edge behind a name: the requirements, else the lock's marker.
fn words(edge: &Edge) -> String {
    match (edge.asked.as_slice(), &edge.marker) {
        ([], None) => String::new(),
        ([], Some(marker)) => format!(" ; {marker}"),
        (asked, _) => format!("  ({})", asked.iter().map(one).collect::<Vec<_>>().join(", ")),
    }
}
