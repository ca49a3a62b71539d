//! Who may publish what is locked: what the configuration asks for, and what a package had before.
//!
//! Pure. Never: proves anything; it is told what was proven ([`crate::attest`]).

use std::collections::BTreeSet;

use pipward_resolver::{PackageName, WheelName};

use crate::attest::Publisher;
use crate::error::{Code, Place, Problem};
use crate::index::{NamePattern, Vouched};

/// `[[policy.require]]`: what the publishers of some packages must be. What is left out may be anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required {
    /// Which packages.
    pub packages: Vec<NamePattern>,
    /// `GitHub`, `GitLab`, `Google` or `CircleCI`.
    pub kind: Option<String>,
    /// Fields of the publisher, each to be equal.
    pub fields: Vec<(String, String)>,
    /// Where it is asked for.
    pub place: Place,
}

impl Required {
    /// Whether a publisher is what is asked for. Repositories are compared whole, without regard to case.
    fn takes(&self, publisher: &Publisher) -> bool {
        let own = publisher.fields();
        self.kind.as_ref().is_none_or(|kind| kind == publisher.kind())
            && self.fields.iter().all(|(key, wanted)| {
                own.get(key.as_str()).is_some_and(|value| match key.as_str() {
                    "repository" | "email" => value.eq_ignore_ascii_case(wanted),
                    _ => value == wanted,
                })
            })
    }

    fn told(&self) -> String {
        let kind = self.kind.iter().cloned();
        let fields = self.fields.iter().map(|(key, value)| format!("{key} {value}"));
        kind.chain(fields).collect::<Vec<_>>().join(", ")
    }
}

/// What is known of the publishers of one package.
#[derive(Debug, Clone)]
pub struct Proven<'a> {
    /// The package, with its version.
    pub package: &'a str,
    /// Its name.
    pub name: &'a PackageName,
    /// Who published its files.
    pub publishers: &'a [Publisher],
    /// Those of its files without provenance.
    pub without: &'a [String],
    /// Those of them that have none as files of their kind had none before ([`as_before`]).
    pub as_before: &'a [String],
    /// What had provenance before: the locked one, or an earlier release.
    pub source: Option<&'a str>,
    /// Who published that; empty where nobody is known to have.
    pub before: &'a [Publisher],
}

impl Proven<'_> {
    /// What had provenance, where a file of this package has none: what was before it, or the rest of the release.
    fn lost(&self) -> Option<(&str, &str, Option<&Publisher>)> {
        let file = self.without.iter().find(|file| !self.as_before.contains(file))?;
        match (self.source, self.publishers.first()) {
            (Some(source), now) => Some((file, source, self.before.first().or(now))),
            (None, Some(now)) => Some((file, "the rest of this release", Some(now))),
            (None, None) => None,
        }
    }

    /// A publisher whose hands are other ones than before.
    fn stranger(&self) -> Option<&Publisher> {
        let is_known = |now: &Publisher| self.before.iter().any(|before| before.same_source(now));
        self.publishers.iter().find(|now| !self.before.is_empty() && !is_known(now))
    }
}

/// Those of the files without provenance of which a part of their kind had none before either. What a kind had is lost
/// where no file of it has it now, and a release that nobody vouches for is never as before.
///
/// A kind is the platforms that a wheel is for, whatever the oldest version of each.
pub fn as_before(files: &[(String, bool)], before: &[Vouched]) -> Vec<String> {
    let now: Vec<(&str, BTreeSet<String>, bool)> = files
        .iter()
        .filter_map(|(file, proven)| Some((file.as_str(), kind(&WheelName::parse(file).ok()?), *proven)))
        .collect();
    let is_usual = |of: &BTreeSet<String>| {
        let is_like = |wheel: &&Vouched| kind(&wheel.name) == *of;
        let alike: Vec<&Vouched> = before.iter().filter(is_like).collect();
        // A kind that is new is compared with all of them.
        let (then, is_new) = if alike.is_empty() { (before.iter().collect(), true) } else { (alike, false) };
        let is_whole = then.iter().all(|wheel| wheel.has_provenance);
        let had_any = then.iter().any(|wheel| wheel.has_provenance);
        let has_any = now.iter().any(|(_, kind, proven)| *proven && (is_new || kind == of));
        !is_whole && (has_any || !had_any)
    };
    if !now.iter().any(|(_, _, proven)| *proven) {
        return Vec::new();
    }
    let without = now.iter().filter(|(_, kind, proven)| !proven && is_usual(kind));
    without.map(|(file, _, _)| (*file).to_owned()).collect()
}

/// `manylinux_2_17_x86_64.manylinux2014_x86_64` as `manylinux-x86`.
fn kind(wheel: &WheelName) -> BTreeSet<String> {
    let (_, _, platforms) = wheel.tag_parts();
    let words = |tag: &String| {
        let words = tag.split('_').enumerate().map(|(at, word)| {
            if at == 0 { word.trim_end_matches(|c: char| c.is_ascii_digit()) } else { word }
        });
        let words = words.filter(|word| !word.bytes().all(|byte| byte.is_ascii_digit()));
        words.collect::<Vec<_>>().join("-")
    };
    platforms.iter().map(words).collect()
}

/// What is told where files have no provenance as files of their kind had none before.
pub fn partial(proven: &Proven<'_>) -> Option<Problem> {
    let file = proven.as_before.first()?;
    let source = proven.source.unwrap_or("the one before");
    let others = proven.as_before.len().saturating_sub(1);
    let more = if others == 0 { String::new() } else { format!(" (and {others} more)") };
    let message = format!("{file}{more} has no provenance, as a part of {source} had none");
    Some(Problem::new(Code::ProvenanceLost, message).package(proven.package).help(
        "none, if you know the project to be so; `[[policy.require]]` asks for provenance of every file",
    ))
}

/// What is found in them: provenance that was lost, another publisher, and one that the configuration does not take.
pub fn publishers(proven: &Proven<'_>, required: &[Required]) -> Vec<Problem> {
    let problem = |code, message: String| Problem::new(code, message).package(proven.package);
    let accept = format!(
        "look at the project's own pages for why; if it is right, lock with --accept-publisher {}",
        proven.name
    );
    let mut found = Vec::new();
    if let Some((file, source, before)) = proven.lost() {
        let lost = problem(
            Code::ProvenanceLost,
            format!("{source} was published with provenance, and this file was not"),
        );
        let expected = before.map_or_else(|| "provenance".to_owned(), ToString::to_string);
        found.push(
            lost.expected(expected).found(format!("{file}, which nobody vouches for")).help(accept.clone()),
        );
    }
    if let (Some(now), Some(before)) = (proven.stranger(), proven.before.first()) {
        let source = proven.source.unwrap_or("the one before");
        found.push(
            problem(Code::PublisherChanged, format!("it has another publisher than {source}"))
                .expected(before)
                .found(now)
                .help(accept),
        );
    }
    found.extend(unwanted(proven, required));
    found
}

/// What the configuration does not take.
pub fn unwanted(proven: &Proven<'_>, required: &[Required]) -> Vec<Problem> {
    let mut found = Vec::new();
    for rule in required.iter().filter(|rule| rule.packages.iter().any(|one| one.matches(proven.name))) {
        let stranger = proven.publishers.iter().find(|publisher| !rule.takes(publisher));
        let seen = match (proven.without.first(), stranger) {
            (Some(file), _) => format!("{file}, which nobody vouches for"),
            (None, Some(publisher)) => publisher.to_string(),
            (None, None) if proven.publishers.is_empty() => "no provenance".to_owned(),
            (None, None) => continue,
        };
        found.push(
            Problem::new(Code::PublisherRequired, "its publisher is not the one that the policy asks for")
                .package(proven.package)
                .at(rule.place.clone())
                .expected(rule.told())
                .found(seen)
                .help("do not lock it; if the project has moved, change the rule"),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `+` has provenance, `-` has none: the earlier release, this one, and what of it is as before.
    #[track_caller]
    fn check(before: &str, now: &str, expected: &str) {
        let name = |version: u8, word: &str| format!("x-{version}-{}.whl", word.get(1..).unwrap());
        let before: Vec<Vouched> = before
            .split_whitespace()
            .map(|word| Vouched {
                name: name(1, word).parse().unwrap(),
                has_provenance: word.starts_with('+'),
            })
            .collect();
        let files: Vec<(String, bool)> =
            now.split_whitespace().map(|word| (name(2, word), word.starts_with('+'))).collect();
        let expected: Vec<String> = expected.split_whitespace().map(|word| name(2, word)).collect();
        assert_eq!(as_before(&files, &before), expected, "{now}");
    }

    #[test]
    fn a_part_without_provenance_is_as_before_where_its_kind_had_such_a_part() {
        const PURE: &str = "py3-none-any";
        const LINUX: &str = "cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64";
        const NEWER: &str = "cp314-cp314-manylinux_2_28_x86_64";
        const ARM: &str = "cp313-cp313-manylinux_2_17_aarch64";
        const WINDOWS: &str = "cp313-cp313-win_amd64";
        let partial = &format!("+{PURE} -{LINUX}");
        check(partial, &format!("+{PURE} -{LINUX}"), &format!("-{LINUX}"));
        check(partial, &format!("+{PURE} -{NEWER} -{LINUX}"), &format!("-{NEWER} -{LINUX}"));
        // What all of its kind had.
        check(partial, &format!("-{PURE} +{LINUX}"), "");
        check(&format!("+{PURE} +{LINUX}"), &format!("+{PURE} -{LINUX}"), "");
        // A kind that is new is as the whole was.
        check(partial, &format!("+{PURE} -{WINDOWS}"), &format!("-{WINDOWS}"));
        check(partial, &format!("+{PURE} -{ARM}"), &format!("-{ARM}"));
        check(&format!("+{PURE} +{LINUX}"), &format!("+{PURE} -{WINDOWS}"), "");
        // What a part of a kind had is lost where none of the kind has it.
        check(&format!("+{LINUX} -{NEWER} +{PURE}"), &format!("+{PURE} -{LINUX} -{NEWER}"), "");
        check(&format!("+{LINUX} -{NEWER}"), &format!("+{LINUX} -{NEWER}"), &format!("-{NEWER}"));
        // A release that nobody vouches for is never as before, nor is one without a before.
        check(partial, &format!("-{LINUX}"), "");
        check("", &format!("+{PURE} -{LINUX}"), "");
    }
}
