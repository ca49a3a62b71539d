//! `pipward why`.

use clap::Args;
use serde_json::{Value, json};

use super::Outcome;
use super::render::Printer;
use super::surveying::{SubjectArgs, known_name};
use super::tree::one;
use crate::survey::graph::{Edge, Graph};
use crate::survey::paths::{MOST, Way, Ways, ways};

/// How many ways are told where nobody asks for all.
const FEW: usize = 20;

/// Arguments of `pipward why`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward why markupsafe              every way from what was asked for to markupsafe, in ./pylock.toml
  pipward why markupsafe .venv        the same, in an environment
  pipward why idna -r pylock.toml --json

The shortest way stands first. Specifiers come from METADATA that is at hand, as for `pipward tree`; --fetch asks the index
for the rest.")]
pub(crate) struct WhyArgs {
    /// The name
    #[arg(value_name = "NAME", add = clap_complete::ArgValueCompleter::new(super::completion::locked_names))]
    name: String,
    #[command(flatten)]
    subject: SubjectArgs,
    /// Tell every way, not the first 20 alone
    #[arg(long)]
    all: bool,
    /// Ask the index for METADATA that is not at hand
    #[arg(long)]
    fetch: bool,
}

pub(super) fn run(arguments: &WhyArgs, printer: &Printer) -> Outcome {
    let subject = arguments.subject.subject(arguments.fetch, printer)?;
    let graph = subject.graph(printer)?;
    let place = subject.place();
    let name = known_name(&graph, &arguments.name, &place)?;
    let found = ways(&graph, &name);
    for at in graph.named(&name) {
        let marker = graph.nodes.get(at).and_then(|node| node.marker.as_ref());
        let marker = marker.map(|marker| format!(" ; {marker}")).unwrap_or_default();
        printer.say(&format!("{}{marker}", named(&graph, at)));
    }
    let told = if arguments.all { found.ways.len() } else { FEW };
    for way in found.ways.iter().take(told) {
        printer.say("");
        lines(&graph, way).iter().for_each(|line| printer.say(line));
    }
    printer.say("");
    printer.say(&summary(&found, told));
    printer.document(&document(&graph, &found, &name, &place));
    Ok(0)
}

fn summary(found: &Ways<'_>, told: usize) -> String {
    let count = found.ways.len();
    let plural = if count == 1 { "way leads" } else { "ways lead" };
    match (found.is_all, count > told) {
        (true, false) => format!("{count} {plural} there."),
        (true, true) => {
            format!("{count} {plural} there; the {told} shortest are told. --all tells the rest.")
        }
        (false, _) => {
            format!("More than {} ways lead there (at most {MOST} are counted).", count.saturating_sub(1))
        }
    }
}

fn named(graph: &Graph, at: usize) -> String {
    let Some(node) = graph.nodes.get(at) else { return String::new() };
    format!("{} {}", node.name, node.version).trim_end().to_owned()
}

/// A need in words: requirements where they are known, else the name.
fn asks(graph: &Graph, edge: &Edge) -> String {
    let name = || graph.nodes.get(edge.to).map(|node| node.name.clone()).unwrap_or_default();
    match (edge.asked.as_slice(), &edge.marker) {
        ([], None) => name(),
        ([], Some(marker)) => format!("{} ; {marker}", name()),
        (asked, _) => asked.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

fn lines(graph: &Graph, way: &Way<'_>) -> Vec<String> {
    let root = way.root;
    let mut lines = vec![match root.edge.asked.as_slice() {
        [] => format!("  {} ({})", named(graph, root.edge.to), root.from),
        _ => format!("  {} ({})", asks(graph, &root.edge), root.from),
    }];
    for (from, edge) in &way.steps {
        lines.push(format!("    {} needs {}", named(graph, *from), asks(graph, edge)));
    }
    lines
}

fn document(graph: &Graph, found: &Ways<'_>, name: &str, place: &str) -> Value {
    let node = |at: usize| {
        let node = graph.nodes.get(at);
        json!({
            "name": node.map(|node| &node.name),
            "version": node.map(|node| &node.version),
            "marker": node.and_then(|node| node.marker.as_ref()),
        })
    };
    let step = |from: Option<usize>, edge: &Edge| {
        json!({
            "package": from.map(node),
            "needs": node(edge.to),
            "requirements": edge.asked.iter().map(one).collect::<Vec<_>>(),
            "marker": edge.marker,
        })
    };
    let ways: Vec<Value> = found
        .ways
        .iter()
        .map(|way| {
            let first = step(None, &way.root.edge);
            let rest = way.steps.iter().map(|(from, edge)| step(Some(*from), edge));
            json!({ "from": way.root.from, "steps": std::iter::once(first).chain(rest).collect::<Vec<_>>() })
        })
        .collect();
    let packages: Vec<Value> = graph.named(name).into_iter().map(node).collect();
    json!({ "ok": true, "of": place, "name": name, "packages": packages, "ways": ways, "complete": found.is_all })
}
