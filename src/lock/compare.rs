//! Two locks, and what differs between them in meaning: not in the order or the layout of their lines.
//!
//! Pure. Owns: which difference is an alarm. Never: looks at the files that the locks name.

use std::collections::{BTreeMap, BTreeSet};

use pipward_resolver::{PackageName, Version};

use super::{Location, Lock, LockedFile, LockedPackage, LockedSource};
use crate::digest::LockedHashes;

/// What differs between two locks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The packages that differ, by name; those with an alarm first.
    pub packages: Vec<PackageChange>,
    /// What the locks say of themselves: `requires-python`, environments, extras, groups, inputs, overrides, excludes.
    pub frame: Vec<Change>,
}

/// One name that the two locks have different entries of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageChange {
    /// The name.
    pub name: PackageName,
    /// Which way its versions went.
    pub kind: Kind,
    /// The versions before, lowest first. (Several where markers divide them.)
    pub before: Vec<Version>,
    /// The versions after.
    pub after: Vec<Version>,
    /// What else differs.
    pub changes: Vec<Change>,
}

/// Which way the versions of a name went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The name is new.
    Added,
    /// The name is gone.
    Removed,
    /// To higher versions.
    Up,
    /// To lower ones.
    Down,
    /// To others, some higher and some lower, or more or fewer of them.
    Other,
    /// The versions are the same ones.
    Same,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Up => "up",
            Self::Down => "down",
            Self::Other => "changed",
            Self::Same => "same",
        }
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What differs.
    pub what: What,
    /// The file or version that it is about, where it is about one.
    pub of: Option<String>,
    /// How it was.
    pub before: String,
    /// How it is.
    pub after: String,
}

/// What may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// The bytes behind one name and version. Files on an index never change; this one did, or the lock was tampered with.
    Hashes,
    /// The size of a file whose hashes are the same: one of the two locks is wrong.
    Size,
    /// Somebody whom the lock named as a publisher before, and names no more.
    PublisherLost,
    /// Somebody whom the lock names as a publisher, and named not before.
    PublisherNew,
    /// The index.
    Index,
    /// The hosts of the addresses.
    Hosts,
    /// The kind of source: wheels, hashes alone, or what would have to be built.
    Source,
    /// The wheels of one version.
    Wheels,
    /// The systems that there are wheels for.
    Platforms,
    /// The marker.
    Marker,
    /// `requires-python`.
    RequiresPython,
    /// The reason for which the index has yanked it.
    Yanked,
    /// The environments that the lock is for.
    Environments,
    /// The extras of the lock.
    Extras,
    /// The groups of the lock.
    Groups,
    /// The requirements that the lock was made from.
    Inputs,
    /// The options that it was made with.
    Options,
    /// Requirements that stand for those of packages.
    Overrides,
    /// Names that count for nothing.
    Excludes,
}

impl What {
    /// The word for it, for people and programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hashes => "hashes",
            Self::Size => "size",
            Self::PublisherLost => "publisher-lost",
            Self::PublisherNew => "publisher-new",
            Self::Index => "index",
            Self::Hosts => "hosts",
            Self::Source => "source",
            Self::Wheels => "wheels",
            Self::Platforms => "platforms",
            Self::Marker => "marker",
            Self::RequiresPython => "requires-python",
            Self::Yanked => "yanked",
            Self::Environments => "environments",
            Self::Extras => "extras",
            Self::Groups => "dependency-groups",
            Self::Inputs => "inputs",
            Self::Options => "options",
            Self::Overrides => "overrides",
            Self::Excludes => "excludes",
        }
    }

    /// Whether hardly anybody who means well makes such a difference.
    pub fn is_alarm(self) -> bool {
        matches!(self, Self::Hashes | Self::Size | Self::PublisherLost)
    }
}

impl Comparison {
    /// Compares `before` with `after`.
    pub fn of(before: &Lock, after: &Lock) -> Self {
        let (old, new) = (by_name(before), by_name(after));
        let names: BTreeSet<&PackageName> = old.keys().chain(new.keys()).copied().collect();
        let none = Vec::new();
        let mut packages: Vec<PackageChange> = names
            .into_iter()
            .filter_map(|name| package(name, old.get(name).unwrap_or(&none), new.get(name).unwrap_or(&none)))
            .collect();
        packages.sort_by_key(|change| !change.is_alarm());
        Self { packages, frame: frame(before, after) }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.frame.is_empty()
    }

    /// Whether there is a difference that hardly anybody who means well makes.
    pub fn is_alarm(&self) -> bool {
        self.packages.iter().any(PackageChange::is_alarm)
    }
}

impl PackageChange {
    /// Whether there is a difference that hardly anybody who means well makes.
    pub fn is_alarm(&self) -> bool {
        self.changes.iter().any(|change| change.what.is_alarm())
    }
}

type Entries<'a> = Vec<&'a LockedPackage>;

fn by_name(lock: &Lock) -> BTreeMap<&PackageName, Entries<'_>> {
    let mut all: BTreeMap<&PackageName, Entries<'_>> = BTreeMap::new();
    for package in &lock.packages {
        all.entry(&package.name).or_default().push(package);
    }
    all
}

fn package(name: &PackageName, before: &Entries<'_>, after: &Entries<'_>) -> Option<PackageChange> {
    let (old, new) = (versions(before), versions(after));
    let kind = kind(&old, &new, before.is_empty(), after.is_empty());
    let mut changes = Vec::new();
    if !before.is_empty() && !after.is_empty() {
        for version in old.intersection(&new) {
            changes.extend(release(version, before, after));
        }
        if old.is_empty() && new.is_empty() {
            changes.extend(files(None, before, after));
        }
        changes.extend(publisher(before, after));
        changes.extend(texts(What::Index, &indexes(before), &indexes(after)));
        changes.extend(texts(What::Hosts, &hosts(before), &hosts(after)));
        changes.extend(texts(What::Source, &sources(before), &sources(after)));
        if kind != Kind::Same {
            changes.extend(texts(What::Platforms, &platforms(before), &platforms(after)));
            changes.extend(of_versions(&old, &new, before, after));
        }
    }
    changes.sort_by_key(|change| change.what);
    if kind == Kind::Same && changes.is_empty() {
        return None;
    }
    let list = |versions: BTreeSet<Version>| versions.into_iter().collect();
    Some(PackageChange { name: name.clone(), kind, before: list(old), after: list(new), changes })
}

/// The version of an entry; that of its wheels, where the entry has none.
fn version(package: &LockedPackage) -> Option<Version> {
    package.version.clone().or_else(|| wheels(package).first().map(|file| file.name.version().clone()))
}

fn versions(entries: &Entries<'_>) -> BTreeSet<Version> {
    entries.iter().filter_map(|package| version(package)).collect()
}

fn wheels(package: &LockedPackage) -> &[LockedFile] {
    match &package.source {
        LockedSource::Wheels(files) => files,
        LockedSource::ByHash(_) | LockedSource::Unusable(_) => &[],
    }
}

fn kind(old: &BTreeSet<Version>, new: &BTreeSet<Version>, is_new: bool, is_gone: bool) -> Kind {
    if is_new {
        return Kind::Added;
    }
    if is_gone {
        return Kind::Removed;
    }
    if old == new {
        return Kind::Same;
    }
    let (Some(low), Some(high)) = (old.first().zip(new.first()), old.last().zip(new.last())) else {
        return Kind::Other;
    };
    if old.len() != new.len() {
        return Kind::Other;
    }
    match (low.0.cmp(low.1), high.0.cmp(high.1)) {
        (one, other) if one.is_le() && other.is_le() => Kind::Up,
        (one, other) if one.is_ge() && other.is_ge() => Kind::Down,
        _ => Kind::Other,
    }
}

/// What differs in a version that both locks have.
fn release(wanted: &Version, before: &Entries<'_>, after: &Entries<'_>) -> Vec<Change> {
    let of = |entries: &Entries<'_>| -> Vec<LockedPackage> {
        let is_it = |package: &&&LockedPackage| version(package).as_ref() == Some(wanted);
        entries.iter().filter(is_it).map(|package| (*package).clone()).collect()
    };
    let (old, new) = (of(before), of(after));
    let (old, new): (Entries<'_>, Entries<'_>) = (old.iter().collect(), new.iter().collect());
    let mut changes = files(Some(wanted), &old, &new);
    let about = |changes: &mut Vec<Change>, what, before, after| {
        let of = Some(wanted.to_string());
        changes.extend(texts(what, &before, &after).map(|change| Change { of, ..change }));
    };
    about(&mut changes, What::Marker, markers(&old), markers(&new));
    about(&mut changes, What::RequiresPython, pythons(&old), pythons(&new));
    about(&mut changes, What::Yanked, yanked(&old), yanked(&new));
    changes
}

/// What versions that came say otherwise than those that went.
fn of_versions(
    old: &BTreeSet<Version>,
    new: &BTreeSet<Version>,
    before: &Entries<'_>,
    after: &Entries<'_>,
) -> Vec<Change> {
    let only = |entries: &Entries<'_>, others: &BTreeSet<Version>| -> Vec<LockedPackage> {
        let is_other = |package: &&&LockedPackage| version(package).is_none_or(|it| !others.contains(&it));
        entries.iter().filter(is_other).map(|package| (*package).clone()).collect()
    };
    let (gone, come) = (only(before, new), only(after, old));
    let (gone, come): (Entries<'_>, Entries<'_>) = (gone.iter().collect(), come.iter().collect());
    let mut changes = Vec::new();
    if before.len() == 1 && after.len() == 1 {
        changes.extend(texts(What::Marker, &markers(&gone), &markers(&come)));
    }
    changes.extend(texts(What::RequiresPython, &pythons(&gone), &pythons(&come)));
    changes.extend(texts(What::Yanked, &yanked(&gone), &yanked(&come)));
    changes
}

fn markers(entries: &Entries<'_>) -> BTreeSet<String> {
    let text = |package: &&LockedPackage| {
        package.marker.as_ref().map_or_else(|| "everywhere".to_owned(), |marker| marker.text.clone())
    };
    entries.iter().map(text).collect()
}

fn pythons(entries: &Entries<'_>) -> BTreeSet<String> {
    entries.iter().filter_map(|package| Some(package.requires_python.as_ref()?.to_string())).collect()
}

fn yanked(entries: &Entries<'_>) -> BTreeSet<String> {
    entries.iter().filter_map(|package| package.yanked.clone()).collect()
}

/// The files of one version: those that are in both by name must have the same bytes.
fn files(version: Option<&Version>, before: &Entries<'_>, after: &Entries<'_>) -> Vec<Change> {
    let named = |entries: &Entries<'_>| -> BTreeMap<String, LockedFile> {
        let files = entries.iter().flat_map(|package| wheels(package));
        files.map(|file| (file.name.as_str().to_owned(), file.clone())).collect()
    };
    let (old, new) = (named(before), named(after));
    let mut changes = Vec::new();
    for (name, file) in &old {
        let Some(other) = new.get(name) else { continue };
        let mut tell = |what, before: String, after: String| {
            changes.push(Change { what, of: Some(name.clone()), before, after });
        };
        if differ(&file.hashes, &other.hashes) {
            tell(What::Hashes, written(&file.hashes), written(&other.hashes));
        } else if let (Some(before), Some(after)) = (file.size, other.size)
            && before != after
        {
            tell(What::Size, format!("{before} bytes"), format!("{after} bytes"));
        }
    }
    let of = version.map(ToString::to_string);
    let gone: BTreeSet<String> = old.keys().filter(|name| !new.contains_key(*name)).cloned().collect();
    let come: BTreeSet<String> = new.keys().filter(|name| !old.contains_key(*name)).cloned().collect();
    let both_have_names = !old.is_empty() && !new.is_empty();
    if both_have_names {
        changes.extend(texts(What::Wheels, &gone, &come).map(|change| Change { of: of.clone(), ..change }));
    }
    // Where files are known by their hashes alone, a version without one hash of before has other files altogether.
    let all = |entries: &Entries<'_>| -> BTreeSet<String> {
        let hashes = entries.iter().flat_map(|package| match &package.source {
            LockedSource::Wheels(files) => files.iter().map(|file| &file.hashes).collect(),
            LockedSource::ByHash(hashes) => vec![hashes],
            LockedSource::Unusable(_) => Vec::new(),
        });
        hashes
            .flat_map(LockedHashes::digests)
            .map(|one| format!("{}:{}", one.algorithm(), one.hex()))
            .collect()
    };
    let (old, new) = (all(before), all(after));
    if !both_have_names && old.is_disjoint(&new) && !old.is_empty() && !new.is_empty() {
        changes.extend(texts(What::Hashes, &old, &new).map(|change| Change { of, ..change }));
    }
    changes
}

/// Whether no file can have both sets of hashes. Sets of different algorithms say nothing of each other.
fn differ(one: &LockedHashes, other: &LockedHashes) -> bool {
    let of = |hashes: &LockedHashes, algorithm: &str| -> BTreeSet<String> {
        let digests = hashes.digests().iter().filter(|digest| digest.algorithm() == algorithm);
        digests.map(crate::digest::StrongDigest::hex).collect()
    };
    ["sha256", "sha384", "sha512"].iter().any(|algorithm| {
        let (one, other) = (of(one, algorithm), of(other, algorithm));
        !one.is_empty() && !other.is_empty() && one.is_disjoint(&other)
    })
}

fn written(hashes: &LockedHashes) -> String {
    let digests = hashes.digests().iter();
    digests.map(|one| format!("{}:{}", one.algorithm(), one.hex())).collect::<Vec<_>>().join(", ")
}

/// Whether somebody published the package who does no more, or did not before.
fn publisher(before: &Entries<'_>, after: &Entries<'_>) -> Option<Change> {
    let names = |entries: &Entries<'_>| -> BTreeSet<String> {
        entries.iter().flat_map(|package| &package.publishers).map(ToString::to_string).collect()
    };
    let (old, new) = (names(before), names(after));
    let what = if old.is_subset(&new) { What::PublisherNew } else { What::PublisherLost };
    texts(what, &old, &new)
}

fn indexes(entries: &Entries<'_>) -> BTreeSet<String> {
    entries.iter().filter_map(|package| Some(package.index.as_ref()?.to_string())).collect()
}

fn hosts(entries: &Entries<'_>) -> BTreeSet<String> {
    let host = |file: &LockedFile| match &file.location {
        Location::Url(url) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            let host = format!("{}{port}", url.host_str().unwrap_or_default());
            // TLS is what everybody expects, and its absence is worth a word.
            if url.scheme() == "https" { host } else { format!("{}://{host}", url.scheme()) }
        }
        Location::Path(_) => "this machine".to_owned(),
    };
    entries.iter().flat_map(|package| wheels(package)).map(host).collect()
}

fn sources(entries: &Entries<'_>) -> BTreeSet<String> {
    let source = |package: &&LockedPackage| match &package.source {
        LockedSource::Wheels(_) => "wheels".to_owned(),
        LockedSource::ByHash(_) => "hashes alone".to_owned(),
        LockedSource::Unusable(what) => what.clone(),
    };
    entries.iter().map(source).collect()
}

/// The systems that there are wheels for, without the levels of their libraries.
fn platforms(entries: &Entries<'_>) -> BTreeSet<String> {
    let system = |tag: &str| {
        let machine = ["x86_64", "aarch64", "universal2", "arm64", "amd64", "win32"];
        let machine = machine.iter().find(|machine| tag.ends_with(**machine)).copied();
        let name = match tag.split('_').next().unwrap_or(tag) {
            "any" => "any system",
            "win32" | "win" => "Windows",
            "macosx" => "macOS",
            musl if musl.starts_with("musllinux") => "Linux (musl)",
            linux if linux.contains("linux") => "Linux",
            other => other,
        };
        match machine {
            Some("win32") => format!("{name} x86"),
            Some(machine) => format!("{name} {machine}"),
            None => name.to_owned(),
        }
    };
    let files = entries.iter().flat_map(|package| wheels(package));
    files.flat_map(|file| file.name.tag_parts().2.iter().map(|tag| system(tag)).collect::<Vec<_>>()).collect()
}

fn frame(before: &Lock, after: &Lock) -> Vec<Change> {
    let python = |lock: &Lock| lock.requires_python.iter().map(ToString::to_string).collect();
    let environments =
        |lock: &Lock| lock.environments.iter().map(|marker| marker.text.clone()).collect::<BTreeSet<_>>();
    let names = |names: &[pipward_resolver::ExtraName]| names.iter().map(ToString::to_string).collect();
    let tool = |lock: &Lock, list: fn(&super::ToolTable) -> BTreeSet<String>| {
        lock.tool.as_ref().map(list).unwrap_or_default()
    };
    let inputs = |tool: &super::ToolTable| {
        tool.inputs.iter().map(|(requirement, from)| format!("{requirement} ({from})")).collect()
    };
    let options = |tool: &super::ToolTable| {
        tool.options.iter().map(|(name, value)| format!("{name} = {value}")).collect()
    };
    let overrides = |tool: &super::ToolTable| tool.overrides.iter().cloned().collect();
    let excludes = |tool: &super::ToolTable| tool.excludes.iter().cloned().collect();
    let all = [
        texts(What::RequiresPython, &python(before), &python(after)),
        texts(What::Environments, &environments(before), &environments(after)),
        texts(What::Extras, &names(&before.extras), &names(&after.extras)),
        texts(What::Groups, &names(&before.dependency_groups), &names(&after.dependency_groups)),
        texts(What::Inputs, &tool(before, inputs), &tool(after, inputs)),
        texts(What::Options, &tool(before, options), &tool(after, options)),
        texts(What::Overrides, &tool(before, overrides), &tool(after, overrides)),
        texts(What::Excludes, &tool(before, excludes), &tool(after, excludes)),
    ];
    all.into_iter().flatten().collect()
}

/// What is in one of two sets alone.
fn texts(what: What, before: &BTreeSet<String>, after: &BTreeSet<String>) -> Option<Change> {
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
        one.difference(other).cloned().collect::<Vec<_>>().join(", ")
    };
    let (gone, come) = (only(before, after), only(after, before));
    (before != after).then_some(Change { what, of: None, before: gone, after: come })
}

#[cfg(test)]
mod tests;
