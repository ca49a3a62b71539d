//! Who may publish what is locked: what the configuration asks for, and what a package had before.
//!
//! Pure. Never: proves anything; it is told what was proven ([`crate::attest`]).

use pipward_resolver::PackageName;

use crate::attest::Publisher;
use crate::error::{Code, Place, Problem};
use crate::index::NamePattern;

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
    /// What had provenance before: the locked one, or an earlier release.
    pub source: Option<&'a str>,
    /// Who published that; empty where nobody is known to have.
    pub before: &'a [Publisher],
}

impl Proven<'_> {
    /// What had provenance, where a file of this package has none: what was before it, or the rest of the release.
    fn lost(&self) -> Option<(&str, &str, Option<&Publisher>)> {
        let file = self.without.first()?;
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
