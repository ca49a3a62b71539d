//! Small worlds as text, and what a solve makes of them.
//!
//! A line is `name version [flag…] [| requirement]…`. Flags: `sdist` (no wheel), `wheel=TAGS` (a tag that ends in `!` is of
//! a yanked wheel, one in `+` of a wheel that is too new), `python=SPECIFIERS` (on the index page), `meta-python=SPECIFIERS`
//! (in the metadata), `yanked=REASON`, `new` (and `new-sdist`), `extras=A,B`, `malformed=WHY`. Without `wheel` it has one that every
//! environment takes. A name alone is a project without releases.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use pipward_resolver::recorded::{Recorded, RecordedMetadata, RecordedRelease, RecordedWheel};
use pipward_resolver::{
    ForkStrategy, MarkerTree, Origin, PackageName, Platform, Preference, Prereleases, Request, Requirement,
    Resolution, Root, Scope, SolveError, Strategy, Target, TooNew, UploadTime, VerbatimUrl, Version,
    VersionSpecifiers, solve,
};

/// When what is too new was uploaded.
const NEW: TooNew = TooNew::Uploaded(UploadTime(1_767_225_845));

pub(crate) fn world(text: &str) -> Recorded {
    let mut world = Recorded::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut parts = line.split('|').map(str::trim);
        let mut head = parts.next().unwrap().split_whitespace();
        let name = PackageName::from_str(head.next().unwrap()).unwrap();
        let versions = world.projects.entry(name.clone()).or_default();
        let Some(version) = head.next() else { continue };
        let release = release(&name, version, head, parts);
        assert!(versions.insert(Version::from_str(version).unwrap(), release).is_none(), "{line}: twice");
    }
    world
}

fn release<'a>(
    name: &PackageName,
    version: &str,
    flags: impl Iterator<Item = &'a str>,
    requires: impl Iterator<Item = &'a str>,
) -> RecordedRelease {
    let mut wheel = RecordedWheel::default();
    let mut tags = vec!["py3-none-any"];
    let mut new_sdist = None;
    let mut metadata =
        RecordedMetadata { requires: requires.map(str::to_owned).collect(), ..Default::default() };
    for flag in flags {
        match flag.split_once('=').unwrap_or((flag, "")) {
            ("sdist", _) => tags.clear(),
            ("wheel", list) => tags = list.split(',').collect(),
            ("python", specifiers) => {
                wheel.requires_python = Some(VersionSpecifiers::from_str(specifiers).unwrap());
            }
            ("meta-python", specifiers) => {
                metadata.requires_python = Some(VersionSpecifiers::from_str(specifiers).unwrap());
            }
            ("malformed", why) => metadata.malformed = Some(why.replace('_', " ")),
            ("yanked", reason) => wheel.yanked = Some(reason.replace('_', " ")),
            ("new", "") => wheel.too_new = Some(NEW),
            ("new-sdist", _) => new_sdist = Some(NEW),
            ("extras", list) => {
                metadata.extras = list.split(',').map(|extra| extra.parse().unwrap()).collect();
            }
            _ => panic!("{flag}: no such flag"),
        }
    }
    let named = |tag: &&str| {
        let bare = tag.trim_end_matches(['!', '+']);
        let mut named = RecordedWheel {
            name: format!("{}-{version}-{bare}.whl", name.as_dist_info_name()),
            ..wheel.clone()
        };
        named.yanked = named.yanked.or_else(|| tag.ends_with('!').then(String::new));
        named.too_new = named.too_new.or_else(|| tag.ends_with('+').then_some(NEW));
        named
    };
    RecordedRelease {
        sdist: true,
        new_sdist,
        wheels: tags.iter().map(named).collect(),
        metadata: Some(metadata),
    }
}

pub(crate) fn target() -> Target {
    let platform = Platform::parse_uv("linux").unwrap();
    Target::described(&Version::from_str("3.12").unwrap(), &platform).unwrap()
}

/// Requirements of the user: the first in line 1 of `in.txt`, and so on.
pub(crate) fn request(requirements: &[&str]) -> Request {
    let roots = requirements.iter().zip(1..);
    Request {
        roots: roots.map(|(text, line)| root(text, "in.txt", line)).collect(),
        constraints: Vec::new(),
        overrides: Vec::new(),
        excludes: BTreeSet::new(),
        scope: Scope::One(Box::new(target())),
        fork_strategy: ForkStrategy::default(),
        prerelease_projects: BTreeSet::new(),
        strategy: Strategy::Highest,
        prereleases: Prereleases::IfNecessary,
        preferences: BTreeMap::new(),
        now: None,
        well_known: || ["requests", "numpy", "beautifulsoup4"].map(|name| name.parse().unwrap()).to_vec(),
    }
}

pub(crate) fn root(text: &str, file: &str, line: u32) -> Root {
    Root {
        requirement: Requirement::<VerbatimUrl>::from_str(text).unwrap(),
        origin: Origin::File { file: file.to_owned(), line: Some(line), entry: None },
    }
}

/// `a==1 b==2[x]`, then a line a warning.
pub(crate) fn show(resolution: &Resolution) -> String {
    let package = |package: &pipward_resolver::ResolvedPackage| {
        let name = &package.name;
        let extras: Vec<String> = package.extras.iter().map(ToString::to_string).collect();
        let extras = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
        format!("{name}{extras}=={}", package.version)
    };
    let mut lines = vec![resolution.packages.iter().map(package).collect::<Vec<_>>().join(" ")];
    lines.extend(resolution.warnings.clone());
    lines.join("\n")
}

pub(crate) fn outcome(world: &Recorded, request: &Request) -> String {
    match solve(request, world) {
        Ok(resolution) => show(&resolution),
        Err(SolveError::NoSolution(story)) => story.to_string(),
        Err(SolveError::Facts(error)) => panic!("{error}"),
    }
}

pub(crate) fn check(text: &str, requirements: &[&str], expected: &str) {
    check_request(text, &request(requirements), expected);
}

pub(crate) fn check_request(text: &str, request: &Request, expected: &str) {
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let found = outcome(&world(text), request);
    let found: Vec<&str> = found.lines().map(str::trim).collect();
    assert_eq!(found.join("\n"), expected.join("\n"));
}

/// A version that a standing lock has everywhere.
pub(crate) fn preference(version: &str) -> Preference {
    Preference { version: version.parse().unwrap(), marker: MarkerTree::TRUE }
}
