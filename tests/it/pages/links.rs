//! Links of README.md, ARCHITECTURE.md and docs/: what they lead to is there.

use std::collections::BTreeSet;
use std::path::Path;

use super::{name, pages};
use crate::support::run::repository;

/// The targets of links of a page, outside of code.
fn targets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        let prose: String = line.split('`').step_by(2).collect();
        let starts = prose.match_indices("](").map(|(at, _)| at + 2);
        found.extend(starts.filter_map(|at| prose[at..].split(')').next().map(str::to_owned)));
    }
    found
}

/// The anchors that headings make, as mdBook and GitHub do.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |line: &str| -> String {
        let kept = |c: char| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
            _ => None,
        };
        line.trim_start_matches('#').trim().chars().filter_map(kept).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn no_link_is_dead() {
    let mut dead = Vec::new();
    let more = ["ARCHITECTURE.md", "CHANGELOG.md"].map(|file| repository().join(file));
    for page in pages().into_iter().chain(more) {
        let text = std::fs::read_to_string(&page).unwrap();
        for target in targets(&text) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) =
                target.split_once('#').map_or((target.as_str(), None), |(path, anchor)| (path, Some(anchor)));
            let file = if path.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap_or(Path::new("")).join(path)
            };
            let docs = repository().join("docs");
            // The site has docs/ alone.
            let leaves =
                page.starts_with(&docs) && !file.canonicalize().is_ok_and(|file| file.starts_with(&docs));
            let is_there = file.exists() && !leaves;
            let known = || {
                std::fs::read_to_string(&file)
                    .is_ok_and(|text| anchors(&text).contains(anchor.unwrap_or_default()))
            };
            if !is_there || anchor.is_some() && !known() {
                dead.push(format!("{}: {target}", name(&page)));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
}

/// docs/SUMMARY.md, by which the site is built, lists every page of docs/.
#[test]
fn the_summary_lists_every_page() {
    let docs = repository().join("docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let listed: BTreeSet<String> = targets(&summary).into_iter().collect();
    let missing: Vec<String> = pages()
        .iter()
        .filter_map(|page| Some(page.strip_prefix(&docs).ok()?.display().to_string()))
        .filter(|page| page != "SUMMARY.md" && !listed.contains(page))
        .collect();
    assert!(missing.is_empty(), "pages that the summary does not list: {missing:?}");
}
