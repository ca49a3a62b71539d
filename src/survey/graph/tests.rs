//! Graphs of locks that are written down here.

use super::Graph;
use crate::lock::tests::{lock_of, pure, read};
use crate::survey::outline::{Direction, rows};
use crate::survey::paths::ways;
use crate::wheel::metadata::Metadata;

/// The graph of a lock; `metadata` has names with their `Requires-Dist`.
fn graph(packages: &str, metadata: &[(&str, &[&str])]) -> Graph {
    let lock = read(&lock_of(packages)).unwrap();
    let of = |name: &str| {
        let (_, requires) = metadata.iter().find(|(of, _)| *of == name)?;
        let lines: String = requires.iter().map(|one| format!("Requires-Dist: {one}\n")).collect();
        let text = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1\n{lines}");
        Some(Metadata::parse(text.as_bytes()).unwrap())
    };
    let metadata: Vec<_> = lock.packages.iter().map(|package| of(package.name.as_ref())).collect();
    Graph::of_lock(&lock, &metadata)
}

/// `from>to words` of each edge.
fn edges(graph: &Graph) -> Vec<String> {
    let mut all = Vec::new();
    for (from, edges) in graph.edges.iter().enumerate() {
        for edge in edges {
            let words: Vec<String> = edge
                .asked
                .iter()
                .map(|one| one.marker.as_ref().map_or(one.text.clone(), |it| format!("{};{it}", one.text)))
                .collect();
            let name = |at: usize| format!("{}{}", graph.nodes[at].name, graph.nodes[at].version);
            all.push(format!("{}>{} {}", name(from), name(edge.to), words.join(" | ")));
        }
    }
    all
}

fn roots(graph: &Graph) -> Vec<(&str, &str)> {
    graph.roots.iter().map(|root| (graph.nodes[root.edge.to].name.as_str(), root.from.as_str())).collect()
}

#[test]
fn edges_are_the_locks_and_words_those_of_metadata() {
    let lock =
        pure("a", "1", "dependencies = [{ name = \"b\" }, { name = \"c\", marker = \"os_name == 'nt'\" }]")
            + &pure("b", "1", "dependencies = []")
            + &pure("c", "1", "marker = \"os_name == 'nt'\"\ndependencies = []");
    let known =
        graph(&lock, &[("a", &["b[x]>=1,<2", "c>1 ; os_name == 'nt'", "c>2 ; os_name == 'posix'", "d"])]);
    assert_eq!(edges(&known), ["a1>b1 b[x]>=1,<2", "a1>c1 c>1;os_name == 'nt'"]);
    assert_eq!(edges(&graph(&lock, &[])), ["a1>b1 ", "a1>c1 "]);
    assert_eq!(roots(&known), [("a", "nothing else needs it")]);
}

#[test]
fn where_the_lock_tells_no_needs_metadata_does_with_the_extras_that_are_asked_for() {
    let lock = pure("a", "1", "") + &pure("b", "1", "") + &pure("c", "1", "") + &pure("d", "1", "");
    let of_b: &[&str] = &["c ; extra == 'x'", "d>3 ; extra == 'y'", "b[x] ; extra == 'all'"];
    let found = graph(&lock, &[("a", &["b[x]"]), ("b", of_b), ("c", &[])]);
    assert_eq!(edges(&found), ["a1>b1 b[x]", "b1>c1 c"]);
    assert_eq!(found.unknown, [3]);
    assert_eq!(roots(&found), [("a", "nothing else needs it"), ("d", "nothing else needs it")]);
}

#[test]
fn versions_for_other_environments_are_not_reached() {
    let lock = pure("a", "1", "marker = \"python_version < '3.12'\"\ndependencies = [{ name = \"c\" }]")
        + &pure("c", "1", "marker = \"python_version < '3.12'\"\ndependencies = []")
        + &pure("c", "2", "marker = \"python_version >= '3.12'\"\ndependencies = []");
    let found = graph(&lock, &[("a", &["c>=1"])]);
    assert_eq!(edges(&found), ["a1>c1 c>=1"]);
    assert_eq!(found.duplicates(), [("c".to_owned(), vec![1, 2])]);
}

#[test]
fn inputs_are_the_roots_and_constraints_are_not() {
    let lock = pure("a", "1", "dependencies = [{ name = \"b\" }]")
        + &pure("b", "1", "dependencies = []")
        + "[tool.pipward]\nformat = 1\ninputs = [{ requirement = \"A[x]>=1 ; 'e' in extras\", from = \"pyproject.toml\" }, \
           { requirement = \"b<2\", from = \"-c c.txt\" }]\n";
    let found = graph(&lock, &[]);
    assert_eq!(roots(&found), [("a", "pyproject.toml")]);
    let asked = &found.roots[0].edge.asked[0];
    assert_eq!((asked.text.as_str(), asked.marker.as_deref()), ("a[x]>=1", Some("'e' in extras")));
    assert_eq!(found.asked_for(), [0].into());
}

#[test]
fn circles_end() {
    let needs = |name: &str| format!("dependencies = [{{ name = \"{name}\" }}]");
    let lock = pure("a", "1", &needs("b")) + &pure("b", "1", &needs("c")) + &pure("c", "1", &needs("b"));
    let found = graph(&lock, &[]);
    let told = rows(&found, Direction(&found.edges), &[0], None);
    let told: Vec<_> = told.iter().map(|row| (row.lasts.len(), row.node, row.is_repeated)).collect();
    assert_eq!(told, [(0, 0, false), (1, 1, false), (2, 2, false), (3, 1, true)]);
    assert_eq!(ways(&found, "c").ways.len(), 1);
    let alone = graph(&(pure("b", "1", &needs("c")) + &pure("c", "1", &needs("b"))), &[]);
    assert_eq!(roots(&alone), [("b", "needed in a circle alone")]);
}

#[test]
fn a_depth_cuts_and_what_was_cut_is_told_where_there_is_room() {
    let needs = |names: &[&str]| {
        let all: Vec<String> = names.iter().map(|name| format!("{{ name = \"{name}\" }}")).collect();
        format!("dependencies = [{}]", all.join(", "))
    };
    // `c` is met at the last depth first, and once more right below the top.
    let lock = pure("a", "1", &needs(&["b", "c"]))
        + &pure("b", "1", &needs(&["c"]))
        + &pure("c", "1", &needs(&["d"]))
        + &pure("d", "1", "dependencies = []");
    let found = graph(&lock, &[]);
    let told = |depth| {
        let told = rows(&found, Direction(&found.edges), &[0], depth);
        told.iter().map(|row| found.nodes[row.node].name.clone()).collect::<String>()
    };
    assert_eq!(
        (told(Some(0)), told(Some(1)), told(Some(2)), told(None)),
        ("a".into(), "abc".into(), "abccd".into(), "abcdc".into())
    );
}

#[test]
fn a_chain_of_thousands_and_a_lattice_of_ways_end() {
    let mut chain = String::new();
    for at in 0..3000 {
        chain += &pure(&format!("p{at}"), "1", &format!("dependencies = [{{ name = \"p{}\" }}]", at + 1));
    }
    let found = graph(&(chain + &pure("p3000", "1", "dependencies = []")), &[]);
    let told = rows(&found, Direction(&found.edges), &[0], None);
    assert!(told.len() == 201 && told.last().is_some_and(|row| row.is_cut));
    assert_eq!(ways(&found, "p3000").ways[0].steps.len(), 3000);
    let mut lattice = pure("top", "1", "dependencies = [{ name = \"l0\" }, { name = \"r0\" }]");
    for at in 0..30 {
        for side in ["l", "r"] {
            let next = at + 1;
            let below = format!("dependencies = [{{ name = \"l{next}\" }}, {{ name = \"r{next}\" }}]");
            lattice += &pure(&format!("{side}{at}"), "1", &below);
        }
    }
    lattice += &(pure("l30", "1", "dependencies = []") + &pure("r30", "1", "dependencies = []"));
    assert!(!ways(&graph(&lattice, &[]), "l30").is_all);
}
