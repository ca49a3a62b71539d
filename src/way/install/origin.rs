//! Why each package of a run is part of it: the requirement as it was written, what asked for it, and the order in which
//! packages come after what they need.
//!
//! Pure. Never: decides what is installed.

use std::collections::{BTreeMap, BTreeSet};

use pep508_rs::VersionOrUrl;
use pipward_resolver::{ExtraName, MarkerEnvironment, PackageName, Requirement, VerbatimUrl, Version};

use crate::error::Place;
use crate::requirements::FileRequirement;

/// What is known of a package of a run.
#[derive(Debug, Clone)]
pub(crate) struct Part<'a> {
    /// Its name.
    pub(crate) name: &'a PackageName,
    /// Its version.
    pub(crate) version: &'a Version,
    /// What it requires.
    pub(crate) requires: &'a [Requirement<VerbatimUrl>],
    /// The same as written, for the spelling of names.
    pub(crate) requires_text: Vec<&'a str>,
    /// Whether it was there already.
    pub(crate) kept: bool,
    /// The lock that has it.
    pub(crate) lock: &'a str,
}

/// Why a package is part of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The requirement, without its marker.
    pub wanted: String,
    /// The name in it, as it was written.
    pub spelled: String,
    /// What asked for it: `base==1.0->-r r.txt (line 1)`; nothing for what was typed.
    pub from: Option<String>,
    /// The lock that asks for it, where nothing else does.
    pub lock: Option<String>,
    /// Where it stands when all are put in one after the other: 0 is first.
    pub turn: usize,
    /// The extras with which it is asked for, by whomever.
    pub extras: BTreeSet<ExtraName>,
}

/// The origins of `parts`, in the order in which they were asked for.
pub(crate) fn trace(
    parts: &[Part<'_>],
    asked: &[FileRequirement],
    markers: &MarkerEnvironment,
) -> Vec<(PackageName, Origin)> {
    let mut walk = Walk {
        parts: BTreeMap::new(),
        markers,
        found: Vec::new(),
        open: Vec::new(),
        places: BTreeMap::new(),
        seen: BTreeSet::new(),
    };
    walk.parts.extend(parts.iter().map(|part| (part.name, part)));
    for root in asked.iter().filter(|root| root.requirement.marker.evaluate(markers, &[])) {
        let name = &root.requirement.name;
        let from = place(&root.place);
        walk.take(name, spelling(root, &walk), &root.requirement, from);
    }
    let mut at = 0;
    while let Some(node) = walk.open.get(at).cloned() {
        at += 1;
        walk.dependencies(&node);
    }
    // What a lock has is asked for by the lock.
    for part in parts {
        let wanted = format!("{}=={}", part.name, part.version);
        let lock = Some(part.lock.to_owned());
        walk.keep(part.name, Origin { wanted, spelled: part.name.to_string(), lock, ..Origin::default() });
    }
    let nodes: Vec<_> = walk.open.into_iter().map(|node| (node.name, node.extras)).collect();
    let turns = turns(parts, &nodes, markers);
    let (mut found, places) = (walk.found, walk.places);
    let turns: BTreeMap<_, _> = turns.iter().enumerate().map(|(turn, name)| (name, turn)).collect();
    for (name, extras) in &nodes {
        if let Some((_, origin)) = places.get(name).and_then(|at| found.get_mut(*at)) {
            origin.extras.extend(extras.iter().cloned());
        }
    }
    for (name, origin) in &mut found {
        origin.turn = turns.get(name).copied().unwrap_or_default();
    }
    found
}

/// `-r r.txt (line 1)`, where a requirement stands in a file.
fn place(place: &Place) -> Option<String> {
    place.line.map(|line| format!("-r {} (line {line})", place.file))
}

fn spelling(root: &FileRequirement, walk: &Walk<'_>) -> String {
    let name = &root.requirement.name;
    let unnamed = || walk.parts.get(name).map(|_| name.to_string());
    root.spelled.clone().or_else(unnamed).unwrap_or_else(|| name.to_string())
}

struct Walk<'a> {
    parts: BTreeMap<&'a PackageName, &'a Part<'a>>,
    markers: &'a MarkerEnvironment,
    found: Vec<(PackageName, Origin)>,
    /// Where each name stands among them.
    places: BTreeMap<PackageName, usize>,
    /// Packages, each with extras, whose dependencies are looked at in this order.
    open: Vec<Node>,
    /// The same.
    seen: BTreeSet<(PackageName, Vec<ExtraName>)>,
}

/// A package with extras.
#[derive(Debug, Clone)]
struct Node {
    name: PackageName,
    extras: Vec<ExtraName>,
    /// The first requirement that asks for it with these, and what asked for that.
    wanted: String,
    from: Option<String>,
}

impl Walk<'_> {
    fn take(
        &mut self,
        name: &PackageName,
        spelled: String,
        requirement: &Requirement<VerbatimUrl>,
        from: Option<String>,
    ) {
        if !self.parts.contains_key(name) {
            return;
        }
        let wanted = written(&spelled, requirement);
        let extras = requirement.extras.clone();
        if self.seen.insert((name.clone(), extras.clone())) {
            self.open.push(Node { name: name.clone(), extras, wanted: wanted.clone(), from: from.clone() });
        }
        self.keep(name, Origin { wanted, spelled, from, ..Origin::default() });
    }

    fn keep(&mut self, name: &PackageName, origin: Origin) {
        if !self.places.contains_key(name) {
            self.places.insert(name.clone(), self.found.len());
            self.found.push((name.clone(), origin));
        }
    }

    fn dependencies(&mut self, node: &Node) {
        let Some(part) = self.parts.get(&node.name).copied() else { return };
        let origin = self.places.get(&node.name).and_then(|at| self.found.get(*at));
        let from = origin.map(|(_, origin)| {
            let pinned = || format!("{}=={}", origin.spelled, part.version);
            let (own, from) = match (node.extras.is_empty(), part.kept) {
                (true, true) => (origin.wanted.clone(), &origin.from),
                (true, false) => (pinned(), &origin.from),
                // What an extra needs is needed by whoever asks for the extra.
                (false, _) => (node.wanted.clone(), &node.from),
            };
            from.as_ref().map_or(own.clone(), |from| format!("{own}->{from}"))
        });
        for requirement in needed(part, &node.extras, self.markers) {
            let spelled = part.requires_text.iter().find_map(|text| spelled_in(text, &requirement.name));
            let spelled = spelled.unwrap_or_else(|| requirement.name.to_string());
            self.take(&requirement.name, spelled, requirement, from.clone());
        }
    }
}

fn needed<'a>(
    part: &'a Part<'_>,
    extras: &'a [ExtraName],
    markers: &'a MarkerEnvironment,
) -> impl Iterator<Item = &'a Requirement<VerbatimUrl>> {
    part.requires.iter().filter(move |requirement| requirement.evaluate_markers(markers, extras))
}

/// The name at the beginning of a requirement, where it is that of `name`.
fn spelled_in(text: &str, name: &PackageName) -> Option<String> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
    let word = text.get(..end)?;
    word.parse::<PackageName>().is_ok_and(|found| found == *name).then(|| word.to_owned())
}

/// A requirement without its marker, its specifiers in the order in which pip tells them.
fn written(spelled: &str, requirement: &Requirement<VerbatimUrl>) -> String {
    let mut text = spelled.to_owned();
    if !requirement.extras.is_empty() {
        let extras: BTreeSet<String> = requirement.extras.iter().map(ToString::to_string).collect();
        text.push_str(&format!("[{}]", extras.into_iter().collect::<Vec<_>>().join(",")));
    }
    match &requirement.version_or_url {
        Some(VersionOrUrl::VersionSpecifier(specifiers)) => {
            let specifiers: BTreeSet<String> = specifiers.iter().map(ToString::to_string).collect();
            text.push_str(&specifiers.into_iter().collect::<Vec<_>>().join(","));
        }
        Some(VersionOrUrl::Url(url)) => text.push_str(&format!(" @ {}", url.given().unwrap_or(url.as_str()))),
        None => {}
    }
    text
}

/// The names in the order in which they are put in: what others need comes first, and of those that wait for the same the
/// later name. Packages that need each other come last.
fn turns(
    parts: &[Part<'_>],
    nodes: &[(PackageName, Vec<ExtraName>)],
    markers: &MarkerEnvironment,
) -> Vec<PackageName> {
    let mut left: BTreeMap<(PackageName, Vec<ExtraName>), BTreeSet<PackageName>> = BTreeMap::new();
    let known: BTreeSet<&PackageName> = parts.iter().map(|part| part.name).collect();
    for part in parts {
        let needs = |extras: &[ExtraName]| {
            needed(part, extras, markers)
                .map(|requirement| requirement.name.clone())
                .filter(|name| name != part.name && known.contains(name))
                .collect::<BTreeSet<_>>()
        };
        left.insert((part.name.clone(), Vec::new()), needs(&[]));
        for (name, extras) in nodes.iter().filter(|(name, extras)| name == part.name && !extras.is_empty()) {
            left.insert((name.clone(), extras.clone()), needs(extras));
        }
    }
    let (mut order, mut done) = (Vec::new(), BTreeSet::new());
    while !left.is_empty() {
        let open: BTreeSet<PackageName> = left.keys().map(|(name, _)| name.clone()).collect();
        let mut free: Vec<_> =
            left.iter().filter(|(_, needs)| needs.is_disjoint(&open)).map(|(node, _)| node.clone()).collect();
        if free.is_empty() {
            free = left.keys().cloned().collect();
        }
        for node in &free {
            left.remove(node);
        }
        let mut names: Vec<PackageName> = free.into_iter().map(|(name, _)| name).collect();
        names.sort_by(|one, other| other.cmp(one));
        names.dedup();
        names.retain(|name| done.insert(name.clone()));
        order.extend(names);
    }
    order
}
