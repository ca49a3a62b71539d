//! Why there is no solution, as a short true story in the words of the request.
//!
//! Owns the reading of the solver's proof. A story consists of facts that together leave no solution; what the solver
//! derived from them is left out. It never repeats untrusted text with control characters in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use pep508_rs::PackageName;
use pubgrub::{DerivationTree, External};

use crate::edges::Unavailable;
use crate::hints;
use crate::package::Package;
use crate::project::{Asked, Project};
use crate::provider::{Provider, Set};
use crate::request::Origin;

/// Facts that leave no solution, and what may help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Sentences without a full stop, from the user's requirements to where they clash.
    pub facts: Vec<String>,
    /// What may help, each one line.
    pub hints: Vec<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.facts.as_slice() {
            [] => f.write_str("nothing satisfies these requirements")?,
            [only] => f.write_str(only)?,
            facts => {
                f.write_str("there is no solution, since")?;
                for fact in facts {
                    write!(f, "\n  {fact}")?;
                }
            }
        }
        for hint in &self.hints {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

/// Facts beyond this number are counted, not told.
const MAX_FACTS: usize = 12;

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
        for (who, what) in proof.requires.keys().filter(|(who, _)| *who == from) {
            facts.extend(requirement_facts(provider, who.as_ref(), what, &proof));
            if told.insert(what.clone()) {
                reached.push(Some(what.clone()));
            }
        }
    }
    for (name, sets) in &proof.unavailable {
        facts.extend(unavailable_facts(provider, name.as_ref(), sets));
    }
    let mut hints = Vec::new();
    for (name, sets) in &proof.no_versions {
        let set = sets.iter().fold(Set::empty(), |all, set| all.union(set));
        let found = hints::for_missing(provider, &provider.project(name), &set);
        facts.extend(found.fact);
        hints.extend(found.hints);
    }
    let mut seen = BTreeSet::new();
    facts.retain(|fact| seen.insert(fact.clone()));
    hints.retain(|hint| seen.insert(hint.clone()));
    if facts.len() > MAX_FACTS {
        let more = facts.len() - MAX_FACTS;
        facts.truncate(MAX_FACTS);
        facts.push(format!("… and {more} more facts of this kind"));
    }
    Explanation { facts, hints }
}

/// Who requires what; the root has no name.
type Edge = (Option<PackageName>, PackageName);

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
                let (who, what) = (named(&who), named(&what));
                // An extra and its project have one version: no news.
                let Some(what) = what.filter(|what| who.as_ref() != Some(what)) else { return };
                let key = (who, what);
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
fn requirement_facts(
    provider: &Provider<'_>,
    who: Option<&PackageName>,
    what: &PackageName,
    proof: &Proof,
) -> Vec<String> {
    let Some(pairs) = proof.requires.get(&(who.cloned(), what.clone())) else { return Vec::new() };
    let project = provider.project(what);
    let mut by_text: BTreeMap<String, Set> = BTreeMap::new();
    for (who_set, what_set) in pairs {
        for text in texts(provider, &project, what_set, who.is_none()) {
            let all = by_text.entry(text).or_insert_with(Set::empty);
            *all = all.union(who_set);
        }
    }
    by_text
        .into_iter()
        .map(|(text, set)| match who {
            None => format!("you require {text}"),
            Some(who) => {
                let who_project = provider.project(who);
                format!("{} requires {text}", hints::versions(provider, &who_project, &set))
            }
        })
        .collect()
}

/// How a set was written: `werkzeug>=3`, for the user's own with the place.
fn texts(provider: &Provider<'_>, project: &Project, set: &Set, by_user: bool) -> Vec<String> {
    let asked = project.asked.borrow();
    let asked = asked.iter().map(|(asked, _)| asked);
    let same = |asked: &&Asked| asked.set == *set && asked.origin.is_some() == by_user;
    let mut texts: Vec<String> = asked
        .filter(same)
        .map(|asked| match &asked.origin {
            Some(origin) => format!("{}{} ({})", project.name, asked.text(), place(origin)),
            None => format!("{}{}", project.name, asked.text()),
        })
        .collect();
    if !by_user {
        // Equal sets may be written in several ways (`>=1`, `>=1.0`): one is enough.
        texts.truncate(1);
    }
    if texts.is_empty() {
        texts.push(hints::versions(provider, project, set));
    }
    texts
}

fn unavailable_facts(
    provider: &Provider<'_>,
    name: Option<&PackageName>,
    sets: &[(Set, Unavailable)],
) -> Vec<String> {
    let mut by_reason: BTreeMap<String, Set> = BTreeMap::new();
    for (set, why) in sets {
        let all = by_reason.entry(why.to_string()).or_insert_with(Set::empty);
        *all = all.union(set);
    }
    by_reason
        .into_iter()
        .map(|(why, set)| match (name, sets) {
            (Some(name), _) => {
                let who = hints::versions(provider, &provider.project(name), &set);
                format!("{who} {why}")
            }
            (None, [(_, Unavailable::Address(name)), ..]) => {
                format!("you require {name} by its address, and only releases of an index can be locked")
            }
            (None, _) => format!("your requirements: {why}"),
        })
        .collect()
}

/// Where something was written.
pub(crate) fn place(origin: &Origin) -> String {
    match origin {
        Origin::CommandLine => "on the command line".to_owned(),
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
