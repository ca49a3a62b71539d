//! Why there is no solution, as a short true story in the words of the request.
//!
//! Owns the reading of the solver's proof. A story consists of facts that together leave no solution; what the solver
//! derived from them is left out. It never repeats untrusted text with control characters in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pep508_rs::{ExtraName, PackageName};
use pubgrub::{DerivationTree, External};

use crate::edges::Unavailable;
use crate::hints;
use crate::package::Package;
use crate::project::{Asked, Project, plain};
use crate::provider::{Provider, Set};
use crate::ranges;
use crate::request::Origin;
use crate::story::{Explanation, Fact, FactKind};
use crate::versions;

type Tree = DerivationTree<Package, Set, Unavailable>;

/// The story of a failed solve.
pub(crate) fn explain(provider: &Provider<'_>, tree: Tree) -> Explanation {
    let proof = Proof::of(tree);
    let mut facts = Vec::new();
    let mut told: BTreeSet<PackageName> = BTreeSet::new();
    let mut reached: Vec<Option<PackageName>> = vec![None];
    let mut next = 0;
    // From the root along the requirements of the proof, so that each name is introduced before it requires something.
    while let Some(from) = reached.get(next).cloned() {
        next += 1;
        let start = facts.len();
        for edge in proof.requires.keys().filter(|edge| edge.who == from) {
            facts.extend(requirement_facts(provider, edge, &proof));
            let what = &edge.what;
            if told.insert(what.clone()) {
                reached.push(Some(what.clone()));
            }
        }
        if from.is_none() {
            facts
                .get_mut(start..)
                .into_iter()
                .for_each(|users| users.sort_by(|a, b| a.origin.cmp(&b.origin)));
        }
    }
    for (name, sets) in &proof.unavailable {
        facts.extend(unavailable_facts(provider, name.as_ref(), sets));
    }
    let (mut hints, mut waits) = (Vec::new(), false);
    for (name, sets) in &proof.no_versions {
        let set = sets.iter().fold(Set::empty(), |all, set| all.union(set));
        let found = hints::for_missing(provider, &provider.project(name), &set);
        facts.extend(found.fact);
        hints.extend(found.hints);
        waits |= found.waits;
    }
    let mut seen = BTreeSet::new();
    facts.retain(|fact| seen.insert(fact.text.clone()));
    hints.retain(|hint| seen.insert(hint.text.clone()));
    Explanation { environments: provider.region.words(), facts, hints, waits }.cut()
}

/// Who requires what, and by which extra; the root has no name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    who: Option<PackageName>,
    extra: Option<ExtraName>,
    what: PackageName,
}

/// The leaves of the solver's proof, grouped by project; extras count as their project.
#[derive(Default)]
struct Proof {
    /// The sets of versions that require something, each with the set that they require.
    requires: BTreeMap<Edge, Vec<(Set, Set)>>,
    /// Sets without a version that can be chosen.
    no_versions: BTreeMap<PackageName, Vec<Set>>,
    /// Versions that cannot be taken, and why.
    unavailable: BTreeMap<Option<PackageName>, Vec<(Set, Unavailable)>>,
}

impl Proof {
    /// Takes the tree apart from the top, without recursion: a hostile index can make it as deep as it likes.
    fn of(tree: Tree) -> Self {
        let mut proof = Self::default();
        let mut open: Vec<Arc<Tree>> = Vec::new();
        let mut next = Some(tree);
        while let Some(node) = next {
            match node {
                DerivationTree::Derived(derived) => open.extend([derived.cause1, derived.cause2]),
                DerivationTree::External(leaf) => proof.add(leaf),
            }
            // A shared node is read when its last owner is reached.
            next = std::iter::from_fn(|| open.pop()).find_map(|node| Arc::try_unwrap(node).ok());
        }
        proof
    }

    fn add(&mut self, leaf: External<Package, Set, Unavailable>) {
        match leaf {
            External::NotRoot(..) => {}
            External::NoVersions(package, set) => {
                if let Some(project) = package.project() {
                    push_new(self.no_versions.entry(project.name.clone()).or_default(), set);
                }
            }
            External::Custom(package, set, why) => {
                push_new(self.unavailable.entry(named(&package)).or_default(), (set, why));
            }
            External::FromDependencyOf(who, who_set, what, what_set) => {
                let extra = who.extra().map(|extra| (**extra).clone());
                let (who, what) = (named(&who), named(&what));
                // An extra and its project have one version: no news.
                let Some(what) = what.filter(|what| who.as_ref() != Some(what)) else { return };
                let key = Edge { who, extra, what };
                push_new(self.requires.entry(key).or_default(), (who_set, what_set));
            }
        }
    }
}

fn named(package: &Package) -> Option<PackageName> {
    package.project().map(|project| project.name.clone())
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// "you require flask>=3 (requirements.in, line 1)", "flask 3.0 to 3.1 requires werkzeug>=3".
fn requirement_facts(provider: &Provider<'_>, edge: &Edge, proof: &Proof) -> Vec<Fact> {
    let Some(pairs) = proof.requires.get(edge) else { return Vec::new() };
    let project = provider.project(&edge.what);
    let Some(who) = &edge.who else {
        return pairs.iter().flat_map(|(_, set)| users_facts(provider, &project, set)).collect();
    };
    let who_project = provider.project(who);
    let mut weakest = weakest(pairs);
    if weakest.len() > MOST_WAYS {
        let both = |a: &(Set, Set), b: &(Set, Set)| (a.0.union(&b.0), a.1.union(&b.1));
        let all = weakest.iter().fold((Set::empty(), Set::empty()), |all, pair| both(&all, pair));
        weakest = vec![all];
    }
    let fact = |(who_set, what_set): &(Set, Set)| {
        let versions = versions::versions(provider, &who_project, who_set);
        let who_told = with_extra(who, edge.extra.as_ref(), &versions.text);
        let requires = if versions.several { "require" } else { "requires" };
        let nothing = if what_set.is_empty() { ", whose bounds exclude each other" } else { "" };
        let over = overriding(provider, &project, what_set);
        let text = written(&project, what_set, false)
            .into_iter()
            .next()
            .map_or_else(|| versions::versions_or_none(provider, &project, what_set), |asked| asked.text);
        let told = match over {
            Some(origin) => format!(
                "{who_told} {requires} {}, for which the override {text} ({}) stands",
                project.name,
                place(origin)
            ),
            None => format!("{who_told} {requires} {text}{nothing}"),
        };
        Fact {
            requirement: Some(text),
            origin: over.cloned(),
            ..Fact::new(FactKind::Requires, Some(who), told)
        }
    };
    weakest.iter().map(fact).collect()
}

/// Where an override stands that asks for this set.
fn overriding<'p>(provider: &Provider<'p>, project: &Project, set: &Set) -> Option<&'p Origin> {
    let mut overrides = provider.request.overrides.iter();
    let found = overrides.find(|root| {
        root.requirement.name == project.name
            && crate::edges::specifiers(&root.requirement, || true)
                .is_some_and(|specifiers| ranges::of_specifiers(specifiers) == *set)
    });
    found.map(|root| &root.origin)
}

/// `a[x] 1 to 3`, where the versions are told as `a 1 to 3`.
fn with_extra(name: &PackageName, extra: Option<&ExtraName>, versions: &str) -> String {
    match extra {
        Some(extra) => versions.replacen(name.as_ref(), &format!("{name}[{extra}]"), 1),
        None => versions.to_owned(),
    }
}

/// More different requirements of one package on another are told by the versions that all of them together allow.
const MOST_WAYS: usize = 2;

/// Requirements that imply others are told as those: what needs `>=3.1` needs `>=3`.
fn weakest(pairs: &[(Set, Set)]) -> Vec<(Set, Set)> {
    let mut kept: Vec<(Set, Set)> = Vec::new();
    for (who, what) in pairs {
        if let Some((known_who, _)) = kept.iter_mut().find(|(_, weaker)| what.subset_of(weaker)) {
            *known_who = known_who.union(who);
            continue;
        }
        let mut all = who.clone();
        kept.retain(|(other, stronger)| {
            let implied = stronger.subset_of(what);
            if implied {
                all = all.union(other);
            }
            !implied
        });
        kept.push((all, what.clone()));
    }
    kept
}

fn users_facts(provider: &Provider<'_>, project: &Project, set: &Set) -> Vec<Fact> {
    let mut found = written(project, set, true);
    if found.is_empty() {
        found.push(Written { text: versions::versions(provider, project, set).text, origin: None });
    }
    let nothing = if set.is_empty() { ", whose bounds exclude each other" } else { "" };
    let fact = |Written { text, origin }: Written| {
        let is_override = provider.request.overrides.iter().any(|root| Some(&root.origin) == origin.as_ref());
        let verb = if is_override { "you override with" } else { "you require" };
        let text = as_typed(provider, project, origin.as_ref()).unwrap_or(text);
        let at = origin.as_ref().map(|origin| format!(" ({})", place(origin))).unwrap_or_default();
        Fact {
            requirement: Some(text.clone()),
            origin,
            ..Fact::new(FactKind::Required, Some(&project.name), format!("{verb} {text}{at}{nothing}"))
        }
    };
    found.into_iter().map(fact).collect()
}

/// The user's requirement with its extras: `flask[async]>=3`.
fn as_typed(provider: &Provider<'_>, project: &Project, origin: Option<&Origin>) -> Option<String> {
    let request = provider.request;
    let mut users = request
        .roots
        .iter()
        .chain(&request.overrides)
        .filter(|root| root.requirement.name == project.name && Some(&root.origin) == origin);
    let (first, None) = (users.next()?, users.next()) else { return None };
    let extras: Vec<&str> = first.requirement.extras.iter().map(AsRef::as_ref).collect();
    let specifiers = crate::edges::specifiers(&first.requirement, || true).map(plain).unwrap_or_default();
    (!extras.is_empty()).then(|| format!("{}[{}]{specifiers}", project.name, extras.join(",")))
}

/// A requirement as it was written, and where.
struct Written {
    text: String,
    origin: Option<Origin>,
}

/// How a set was written: `werkzeug>=3`. Equal sets may be written in several ways (`>=1`, `>=1.0`).
fn written(project: &Project, set: &Set, by_user: bool) -> Vec<Written> {
    let asked = project.asked.borrow();
    let asked = asked.iter().map(|(asked, _)| asked);
    let same = |asked: &&Asked| asked.set == *set && asked.origin.is_some() == by_user;
    let written = |asked: &Asked| Written {
        text: format!("{}{}", project.name, asked.text()),
        origin: asked.origin.clone(),
    };
    asked.filter(same).map(written).collect()
}

fn unavailable_facts(
    provider: &Provider<'_>,
    name: Option<&PackageName>,
    sets: &[(Set, Unavailable)],
) -> Vec<Fact> {
    let mut by_reason: BTreeMap<String, (Set, &Unavailable)> = BTreeMap::new();
    for (set, why) in sets {
        let (all, _) = by_reason.entry(why.to_string()).or_insert_with(|| (Set::empty(), why));
        *all = all.union(set);
    }
    by_reason
        .into_values()
        .map(|(set, why)| match (name, sets) {
            (Some(name), _) => {
                let who = versions::versions(provider, &provider.project(name), &set);
                format!("{} {}", who.text, why.words(who.several))
            }
            (None, [(_, Unavailable::Address(name)), ..]) => {
                format!("you require {name} by its address, and only releases of an index can be locked")
            }
            (None, _) => format!("your requirements: {why}"),
        })
        .map(|text| Fact::new(FactKind::Unavailable, name, text))
        .collect()
}

/// Where something was written.
pub(crate) fn place(origin: &Origin) -> String {
    match origin {
        Origin::CommandLine => "on the command line".to_owned(),
        Origin::Option(text) => one_line(text),
        Origin::File { file, line, entry } => {
            let mut text = one_line(file);
            if let Some(line) = line {
                text.push_str(&format!(", line {line}"));
            }
            if let Some(entry) = entry {
                text.push_str(&format!(", {}", one_line(entry)));
            }
            text
        }
    }
}

/// Untrusted text on one line: control characters become blanks, and what is long is cut.
pub(crate) fn one_line(text: &str) -> String {
    const LONGEST: usize = 200;
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = text.trim().chars().map(plain).take(LONGEST).collect();
    if text.trim().chars().nth(LONGEST).is_some() { format!("{line}…") } else { line }
}
