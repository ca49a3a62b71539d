//! Why each package of a run is part of it: the requirement as it was written, what asked for it, and the order in which
//! packages come after what they need.
//!
//! Pure. Never: decides what is installed.

mod turns;

use std::collections::{BTreeMap, BTreeSet};

use pep440_rs::Operator;
use pep508_rs::VersionOrUrl;
use pipward_resolver::{ExtraName, MarkerEnvironment, PackageName, Requirement, VerbatimUrl, Version};

use self::turns::Graph;
use crate::error::Place;
use crate::pep508::Written;
use crate::requirements::FileRequirement;

/// What is known of a package of a run.
#[derive(Debug, Clone)]
pub(crate) struct Part<'a> {
    /// Its name.
    pub(crate) name: &'a PackageName,
    /// Its name as METADATA spells it.
    pub(crate) name_text: &'a str,
    /// Its version.
    pub(crate) version: &'a Version,
    /// What it requires, where that is known.
    pub(crate) requires: Option<&'a Written>,
    /// The names in it that are written otherwise than they are normalised.
    pub(crate) spelled: Option<&'a BTreeMap<PackageName, String>>,
    /// Whether it says for which Pythons it is.
    pub(crate) for_pythons: bool,
    /// Whether it was there already.
    pub(crate) kept: bool,
    /// The lock that has it.
    pub(crate) lock: &'a str,
}

/// Why a package is part of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The requirement that led to it, without its marker; of what is put in, with the version that it has.
    pub wanted: String,
    /// The name in it, as it was written.
    pub spelled: String,
    /// What asked for it: `base==1.0->-r r.txt (line 1)`; nothing for what was typed.
    pub from: Option<String>,
    /// The lock that asks for it, where nothing else does.
    pub lock: Option<String>,
    /// The address by which it was asked for.
    pub address: Option<String>,
    /// Where it stands when all are put in one after the other: 0 is first.
    pub turn: usize,
    /// Where it stands in the order in which pip's resolver settles on versions: 0 is first.
    pub settled: usize,
    /// The extras with which it is asked for, by whomever.
    pub extras: BTreeSet<ExtraName>,
}

/// A package with extras: what a requirement leads to, and what has requirements of its own.
pub(super) type Node = (PackageName, BTreeSet<ExtraName>);

/// The origins of `parts`, in the order in which they were asked for.
pub(crate) fn trace(
    parts: &[Part<'_>],
    asked: &[FileRequirement],
    markers: &MarkerEnvironment,
) -> Vec<(PackageName, Origin)> {
    let by_lock = if asked.is_empty() { by_lock(parts) } else { None };
    by_lock.unwrap_or_else(|| walked(parts, asked, markers))
}

/// The same where the locks alone ask, and nothing is known to need anything: nobody need follow requirements. `None` where
/// anything is.
fn by_lock(parts: &[Part<'_>]) -> Option<Vec<(PackageName, Origin)>> {
    if !parts
        .iter()
        .all(|part| part.requires.is_none_or(Written::is_empty) && (part.kept || !part.for_pythons))
    {
        return None;
    }
    let mut names: Vec<&PackageName> = parts.iter().map(|part| part.name).collect();
    names.sort_unstable();
    let origin = |part: &Part<'_>| {
        let settled = names.binary_search(&part.name).ok()?;
        let turn = names.len().checked_sub(settled)?.checked_sub(1)?;
        let Wish { wanted, spelled, lock, .. } = Wish::of_lock(part);
        Some((part.name.clone(), Origin { wanted, spelled, lock, turn, settled, ..Origin::default() }))
    };
    let are_one_each = names.windows(2).all(|pair| pair.first() != pair.last());
    are_one_each.then(|| parts.iter().map(origin).collect()).flatten()
}

fn walked(
    parts: &[Part<'_>],
    asked: &[FileRequirement],
    markers: &MarkerEnvironment,
) -> Vec<(PackageName, Origin)> {
    let mut walk = Walk {
        parts: parts.iter().map(|part| (part.name, part)).collect(),
        markers,
        found: Vec::new(),
        places: BTreeMap::new(),
        typed: BTreeMap::new(),
        open: BTreeMap::new(),
        queue: BTreeSet::new(),
        needs: BTreeMap::new(),
        settled: Vec::new(),
    };
    let here = |root: &&FileRequirement| root.requirement.marker.evaluate(markers, &[]);
    let mut wishes = Vec::new();
    for (turn, root) in in_turn(asked).into_iter().filter(here).enumerate() {
        let wish = Wish::of(&root.requirement, root.spelled.as_deref(), place(root));
        let own = walk.wishes(&root.requirement, wish);
        if let Some((node, _)) = own.first() {
            walk.typed.entry(node.clone()).or_insert(turn);
        }
        wishes.extend(own);
    }
    // What is asked for with extras comes last.
    wishes.sort_by_key(|((_, extras), _)| !extras.is_empty());
    for (node, wish) in wishes {
        walk.ask(node, wish, None);
    }
    while let Some(node) = walk.next() {
        walk.settle(&node);
    }
    // What a lock has is asked for by the lock.
    for part in parts {
        walk.keep(part.name, Wish::of_lock(part));
        walk.change((part.name.clone(), BTreeSet::new()), |_| {});
    }
    while let Some(node) = walk.next() {
        walk.settle(&node);
    }
    walk.told()
}

/// What was asked for, in the order in which pip looks at it: what was typed, then groups, files, and scripts.
pub(super) fn in_turn(asked: &[FileRequirement]) -> Vec<&FileRequirement> {
    let mut all: Vec<&FileRequirement> = asked.iter().collect();
    all.sort_by_key(|asked| kind(&asked.place));
    all
}

fn kind(place: &Place) -> u8 {
    match (place.line, &place.entry) {
        (None, _) => 0,
        (Some(_), Some(_)) if !place.file.ends_with(".py") => 1,
        (Some(_), None) => 2,
        (Some(_), Some(_)) => 3,
    }
}

/// `-r r.txt (line 1)`, where a requirement stands in a requirements file.
fn place(root: &FileRequirement) -> Option<String> {
    let line = root.place.line.filter(|_| root.place.entry.is_none());
    let file = root.included.as_ref().unwrap_or(&root.place.file);
    line.map(|line| format!("-r {file} (line {line})"))
}

/// One requirement, as it was asked for.
#[derive(Debug, Clone, Default)]
struct Wish {
    wanted: String,
    spelled: String,
    /// What pip tells behind it of what is needed with extras: `; extra == "dev"`.
    marker: String,
    from: Option<String>,
    lock: Option<String>,
    address: Option<String>,
    /// Whether a name stands before the address.
    is_named: bool,
    has_bounds: bool,
    is_pinned: bool,
    is_bounded_above: bool,
}

impl Wish {
    fn of(requirement: &Requirement<VerbatimUrl>, spelled: Option<&str>, from: Option<String>) -> Self {
        let is_named = spelled.is_some();
        let spelled = spelled.map_or_else(|| requirement.name.to_string(), str::to_owned);
        let mut wish = Self { wanted: written(&spelled, requirement), spelled, from, ..Self::default() };
        match &requirement.version_or_url {
            Some(VersionOrUrl::VersionSpecifier(bounds)) => {
                let all =
                    |belongs: fn(&Operator) -> bool| bounds.iter().any(|bound| belongs(bound.operator()));
                wish.has_bounds = !bounds.is_empty();
                wish.is_pinned = all(|bound| matches!(bound, Operator::Equal | Operator::ExactEqual));
                wish.is_bounded_above = all(|bound| {
                    matches!(
                        bound,
                        Operator::LessThan
                            | Operator::LessThanEqual
                            | Operator::TildeEqual
                            | Operator::EqualStar
                    )
                });
            }
            Some(VersionOrUrl::Url(url)) => {
                wish.address = Some(url.given().unwrap_or(url.as_str()).to_owned());
                wish.is_named = is_named;
            }
            None => {}
        }
        wish
    }

    /// Of a lock that has it.
    fn of_lock(part: &Part<'_>) -> Self {
        Self {
            wanted: format!("{}=={}", part.name, part.version),
            spelled: part.name.to_string(),
            lock: Some(part.lock.to_owned()),
            ..Self::default()
        }
    }

    /// An address without a name is told by what it led to, normalised.
    fn addressed(mut self, part: &Part<'_>) -> Self {
        if self.address.is_some() && !self.is_named {
            self.spelled = part.name.to_string();
            self.wanted = format!("{}=={}", part.name, part.version);
        }
        self
    }

    /// As what it led to is told: by the version that is put in, or by its address.
    fn settled(self, part: &Part<'_>) -> Self {
        let mut wish = self.addressed(part);
        if wish.address.is_none() && !part.kept {
            wish.wanted = format!("{}=={}", wish.spelled, part.version);
        }
        wish
    }

    /// As the reason for something else.
    fn reason(&self) -> String {
        self.from.as_ref().map_or_else(|| self.wanted.clone(), |from| format!("{}->{from}", self.wanted))
    }

    /// The same of what asks for extras, which pip tells as it was written, with its marker.
    fn reason_of_extras(&self) -> String {
        Self { wanted: format!("{}{}", self.wanted, self.marker), ..self.clone() }.reason()
    }
}

/// What is not settled yet.
#[derive(Debug, Clone, Default)]
struct Open {
    is_direct: bool,
    is_pinned: bool,
    is_bounded_above: bool,
    has_bounds: bool,
    is_settled: bool,
    /// Its name with the extras.
    shown: String,
    /// Who asked for it with these extras first, where that is told of what it needs.
    wish: Option<Wish>,
}

/// What is settled first: addresses, pins, upper bounds, what the user asked for, other bounds, by name.
type Rank = (bool, bool, bool, usize, bool, String);

impl Open {
    fn rank(&self, turn: usize) -> Rank {
        let shown = self.shown.clone();
        (!self.is_direct, !self.is_pinned, !self.is_bounded_above, turn, !self.has_bounds, shown)
    }
}

/// Requirements are followed in the order of pip's resolver, which has one candidate for each name here.
struct Walk<'a> {
    parts: BTreeMap<&'a PackageName, &'a Part<'a>>,
    markers: &'a MarkerEnvironment,
    found: Vec<(PackageName, Wish)>,
    /// Where each name stands among them.
    places: BTreeMap<PackageName, usize>,
    /// The turn of what was asked for by the user.
    typed: BTreeMap<Node, usize>,
    open: BTreeMap<Node, Open>,
    /// What is not settled, in the order in which it will be.
    queue: BTreeSet<(Rank, Node)>,
    /// What needs what.
    needs: BTreeMap<Node, BTreeSet<Node>>,
    /// The names in the order in which they were settled.
    settled: Vec<PackageName>,
}

impl<'a> Walk<'a> {
    /// What one requirement asks for: the package itself, and with its extras. Both, where it says which version.
    fn wishes(&mut self, requirement: &Requirement<VerbatimUrl>, wish: Wish) -> Vec<(Node, Wish)> {
        let name = &requirement.name;
        let Some(part) = self.parts.get(name).copied() else { return Vec::new() };
        let extras: BTreeSet<ExtraName> = requirement.extras.iter().cloned().collect();
        let bare = Requirement { extras: Vec::new(), ..requirement.clone() };
        let alone = || Wish {
            wanted: written(&wish.spelled, &bare),
            from: Some(wish.clone().addressed(part).reason_of_extras()),
            ..wish.clone()
        };
        let own = (name.clone(), BTreeSet::new());
        let alone = match (&wish.address, extras.is_empty(), wish.has_bounds) {
            (_, true, _) => return self.at_once(vec![(own, wish)]),
            (Some(_), _, _) | (None, _, true) => Some((own, alone())),
            (None, _, false) => None,
        };
        self.at_once(alone.into_iter().chain([((name.clone(), extras), wish)]).collect())
    }

    /// What an address names is looked at before anything else.
    fn at_once(&mut self, wishes: Vec<(Node, Wish)>) -> Vec<(Node, Wish)> {
        if let Some(((name, _), wish)) = wishes.first().filter(|(_, wish)| wish.address.is_some()) {
            self.keep(name, wish.clone());
        }
        wishes
    }

    fn ask(&mut self, node: Node, wish: Wish, by: Option<&Node>) {
        if let Some(by) = by {
            self.needs.entry(by.clone()).or_default().insert(node.clone());
        }
        // The extras of what is there by its address, or as part of another wish, are told by that.
        let base = (node.0.clone(), BTreeSet::new());
        let is_base_direct = self.open.get(&base).is_some_and(|base| base.is_direct);
        let name = node.0.clone();
        let is_new = !self.open.contains_key(&node);
        let told = is_new && !node.1.is_empty() && !is_base_direct && wish.address.is_none();
        self.change(node, |open| {
            open.is_direct |= wish.address.is_some();
            open.is_pinned |= wish.is_pinned;
            open.is_bounded_above |= wish.is_bounded_above;
            open.has_bounds |= wish.has_bounds;
            if told {
                open.wish = Some(wish.clone());
            }
        });
        self.keep(&name, wish);
    }

    /// Changes what is known of a node, of which nothing may be known yet.
    fn change(&mut self, node: Node, change: impl FnOnce(&mut Open)) {
        let turn = self.typed.get(&node).copied().unwrap_or(usize::MAX);
        let open =
            self.open.entry(node.clone()).or_insert_with(|| Open { shown: shown(&node), ..Open::default() });
        if !open.is_settled {
            self.queue.remove(&(open.rank(turn), node.clone()));
        }
        change(open);
        if !open.is_settled {
            self.queue.insert((open.rank(turn), node));
        }
    }

    fn keep(&mut self, name: &PackageName, wish: Wish) {
        if let (Some(part), false) = (self.parts.get(name), self.places.contains_key(name)) {
            self.places.insert(name.clone(), self.found.len());
            self.found.push((name.clone(), wish.settled(part)));
        }
    }

    fn next(&mut self) -> Option<Node> {
        self.queue.pop_first().map(|(_, node)| node)
    }

    fn settle(&mut self, node: &Node) {
        let (name, extras) = node;
        let Some(open) = self.open.get_mut(node) else { return };
        open.is_settled = true;
        let wish = open.wish.clone();
        if extras.is_empty() {
            self.settled.push(name.clone());
        }
        let Some(part) = self.parts.get(name).copied() else { return };
        let own = self.places.get(name).and_then(|at| self.found.get(*at)).map(|(_, wish)| wish);
        // What an extra needs is needed by whoever asks for the extra.
        let from = wish.as_ref().map(Wish::reason_of_extras).or_else(|| own.map(Wish::reason));
        let Some(from) = from else { return };
        if !extras.is_empty() {
            let base = (name.clone(), BTreeSet::new());
            self.needs.entry(node.clone()).or_default().insert(base.clone());
            self.change(base, |open| open.is_direct = true);
        }
        let extras: Vec<ExtraName> = extras.iter().cloned().collect();
        for requirement in needed(part, &extras, self.markers) {
            let spelled = part.spelled.and_then(|spelled| spelled.get(&requirement.name));
            let spelled = spelled.map_or_else(|| requirement.name.as_ref(), String::as_str);
            let wish = Wish::of(requirement, Some(spelled), Some(from.clone()));
            let wish = Wish { marker: marker(requirement), ..wish };
            for (to, wish) in self.wishes(requirement, wish) {
                self.ask(to, wish, Some(node));
            }
        }
    }

    fn told(self) -> Vec<(PackageName, Origin)> {
        let for_pythons = |node: &Node| {
            node.1.is_empty() && self.parts.get(&node.0).is_some_and(|part| part.for_pythons && !part.kept)
        };
        let graph = Graph {
            needs: self.open.keys().map(|node| (node, self.needs.get(node))).collect(),
            typed: self.typed.keys().collect(),
        };
        let turns = graph.turns(for_pythons);
        let turns: BTreeMap<&PackageName, usize> =
            turns.iter().enumerate().map(|(turn, name)| (*name, turn)).collect();
        let mut extras: BTreeMap<&PackageName, BTreeSet<ExtraName>> = BTreeMap::new();
        for (name, more) in self.open.keys() {
            extras.entry(name).or_default().extend(more.iter().cloned());
        }
        let settled: BTreeMap<&PackageName, usize> =
            self.settled.iter().enumerate().map(|(at, name)| (name, at)).collect();
        let told = self.found.iter().map(|(name, wish)| {
            let Wish { wanted, spelled, from, lock, address, .. } = wish.clone();
            let extras = extras.get(name).cloned().unwrap_or_default();
            let turn = turns.get(name).copied().unwrap_or_default();
            let settled = settled.get(name).copied().unwrap_or(usize::MAX);
            (name.clone(), Origin { wanted, spelled, from, lock, address, turn, settled, extras })
        });
        told.collect()
    }
}

/// `name[extra]`.
fn shown((name, extras): &Node) -> String {
    let extras: Vec<&str> = extras.iter().map(AsRef::as_ref).collect();
    if extras.is_empty() { name.to_string() } else { format!("{name}[{}]", extras.join(",")) }
}

fn needed<'a>(
    part: &'a Part<'_>,
    extras: &'a [ExtraName],
    markers: &'a MarkerEnvironment,
) -> impl Iterator<Item = &'a Requirement<VerbatimUrl>> {
    let all = part.requires.into_iter().flat_map(|requires| requires.with(extras));
    all.filter(move |requirement| requirement.evaluate_markers(markers, extras))
}

/// `; extra == "dev"`, as pip tells it.
fn marker(requirement: &Requirement<VerbatimUrl>) -> String {
    let text = requirement.marker.contents().map(|contents| contents.to_string().replace('\'', "\""));
    text.map(|text| format!("; {text}")).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;
    use pipward_resolver::Target;
    use pipward_resolver::tags::Platform;

    #[test]
    fn what_locks_alone_ask_for_is_told_as_if_it_were_followed() {
        let platform = Platform::Glibc { arch: "x86_64".into(), major: 2, minor: 36 };
        let target = Target::described(&"3.12".parse().unwrap(), &platform).unwrap();
        let version: Version = "1.0".parse().unwrap();
        let names: Vec<PackageName> =
            ["b", "a-10", "zoo", "a-9", "a"].iter().map(|name| name.parse().unwrap()).collect();
        let needs = Written::from(vec!["zoo".parse().unwrap()]);
        let parts = |kept: bool, for_pythons: bool, requires| -> Vec<Part<'_>> {
            let part = |name| Part {
                name,
                name_text: "x",
                version: &version,
                requires,
                spelled: None,
                for_pythons,
                kept,
                lock: "pylock.toml",
            };
            names.iter().map(part).collect()
        };
        for (kept, for_pythons) in [(true, true), (true, false), (false, false)] {
            let parts = parts(kept, for_pythons, None);
            let told = by_lock(&parts).unwrap();
            assert_eq!(told, walked(&parts, &[], &target.markers), "{kept} {for_pythons}");
        }
        assert!(by_lock(&parts(false, true, None)).is_none());
        assert!(by_lock(&parts(true, false, Some(&needs))).is_none());
        assert!(by_lock(&[parts(true, false, None), parts(true, false, None)].concat()).is_none());
    }
}
