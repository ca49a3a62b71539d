//! Known vulnerabilities and malware: what an advisory says, of which versions, and how severe it is.
//!
//! Owns: OSV records, the rule by which one affects a version, findings (records of one vulnerability joined), VEX
//! statements, and what the configuration makes of findings. Pure: the time and the text of every file are arguments.
//! Never: reads what it was not given, or lets a record through that it understands by half.

mod finding;
mod glance;
mod judge;
mod level;
mod range;
mod record;
mod rules;
mod vex;

use std::sync::Arc;

use jiff::Timestamp;
use pipward_resolver::{PackageName, Version, VersionSpecifiers};

use crate::error::Place;

pub use finding::{Finding, common_fix, findings};
pub use glance::{Glance, Names};
pub use judge::{Judged, Verdict, judge};
pub use level::{Level, Severity};
pub use range::Range;
pub use record::{from_index, from_json, from_yaml};
pub use rules::{Ignored, Rules, Service, Unanswered};
pub use vex::Statements;

pub(crate) use rules::read;

/// The one ecosystem that is looked at.
const ECOSYSTEM: &str = "PyPI";

/// The largest record that is read, in bytes.
pub const LARGEST: u64 = 16 << 20;

/// What is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The distribution.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// Where it stands.
    pub place: Place,
    /// What the inputs of its lock say of its version.
    pub bounds: Vec<Bound>,
}

/// A requirement that a lock was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The versions that it allows.
    pub specifiers: VersionSpecifiers,
    /// As it was written.
    pub requirement: String,
    /// Where.
    pub from: String,
}

impl Subject {
    /// The input of its lock that leaves a version out.
    pub fn bound(&self, version: &Version) -> Option<&Bound> {
        self.bounds.iter().find(|bound| !bound.specifiers.contains(version))
    }

    /// Its package URL.
    pub fn purl(&self) -> String {
        let version = self.version.to_string().replace('+', "%2B").replace('!', "%21");
        format!("pkg:pypi/{}@{version}", self.name)
    }
}

/// An OSV record, as far as it decides or is told.
#[derive(Debug, Clone, Default)]
pub struct Advisory {
    /// `id`.
    pub id: String,
    /// `aliases`.
    pub aliases: Vec<String>,
    /// `modified`.
    pub modified: Option<Timestamp>,
    /// `published`.
    pub published: Option<Timestamp>,
    /// Whether it has `withdrawn`.
    pub is_withdrawn: bool,
    /// `summary`; one line.
    pub summary: Option<String>,
    /// `details`; Markdown.
    pub details: Option<String>,
    /// `affected`, those of PyPI.
    pub affected: Vec<Affected>,
    /// `references`, their addresses.
    pub references: Vec<String>,
    /// What the record says of its severity as a whole.
    severities: level::Told,
}

/// One entry of `affected`.
#[derive(Debug, Clone)]
pub struct Affected {
    /// `package.name`, normalised.
    pub name: PackageName,
    /// `versions`, those that are versions (PEP 440).
    pub versions: Vec<Version>,
    /// `ranges`, those of versions.
    pub ranges: Vec<Range>,
    /// The versions that the record names as fixed.
    pub fixed: Vec<Version>,
    severities: level::Told,
}

/// That a record is about a subject.
#[derive(Debug, Clone)]
pub struct Match {
    /// Which of the subjects.
    pub subject: usize,
    /// The record.
    pub advisory: Arc<Advisory>,
}

impl Affected {
    /// "A version is considered affected if it lies within any one of the ranges or is listed in the versions list."
    ///
    /// A local version (`2.0.1+cpu`) is a build of the public one, and affected where that is.
    fn has(&self, version: &Version) -> bool {
        let listed = |version: &Version| {
            self.versions.contains(version) || self.ranges.iter().any(|range| range.contains(version))
        };
        listed(version) || version.is_local() && listed(&version.clone().without_local())
    }
}

impl Advisory {
    /// Whether a version of a project is affected. A withdrawn record affects none.
    pub fn affects(&self, name: &PackageName, version: &Version) -> bool {
        !self.is_withdrawn && self.entries(name).any(|affected| affected.has(version))
    }

    /// The entries of a project.
    pub(crate) fn entries(&self, name: &PackageName) -> impl Iterator<Item = &Affected> {
        self.affected.iter().filter(move |affected| affected.name == *name)
    }

    /// Its id and all others that it is known by.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.id.as_str()).chain(self.aliases.iter().map(String::as_str))
    }

    /// How severe it is for a project. "CVSS … in the `affected` entry, or of the record as a whole".
    pub fn severity(&self, name: &PackageName) -> Option<Severity> {
        let own = self.entries(name).filter_map(|affected| affected.severities.severity());
        own.max_by(Severity::order).or_else(|| self.severities.severity())
    }
}

/// The records that are about the subjects.
pub fn matches(advisories: &[Arc<Advisory>], subjects: &[Subject]) -> Vec<Match> {
    let mut found = Vec::new();
    for (at, subject) in subjects.iter().enumerate() {
        let about = advisories.iter().filter(|advisory| advisory.affects(&subject.name, &subject.version));
        found.extend(about.map(|advisory| Match { subject: at, advisory: Arc::clone(advisory) }));
    }
    found
}

#[cfg(test)]
mod tests;
