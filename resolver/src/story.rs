//! The shape of an explanation: facts that together leave no solution, and hints at what may help.
//!
//! Owns how a story is laid out for people, and how long it may be. It knows nothing of the solver.

use std::fmt;

use pep440_rs::Version;
use pep508_rs::PackageName;
use serde::Serialize;

use crate::request::Origin;

/// Facts beyond this number are counted, not told.
const MOST_FACTS: usize = 9;
/// Hints beyond this number are left out: one that helps is enough.
const MOST_HINTS: usize = 4;

/// Facts that leave no solution, and what may help.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Explanation {
    /// The environments without a solution, as a marker; none where it is all that were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environments: Option<String>,
    /// From the user's requirements to where they clash.
    pub facts: Vec<Fact>,
    /// What may help.
    pub hints: Vec<Hint>,
    /// Whether a version that is missing is there, and has not waited long enough.
    #[serde(skip)]
    pub waits: bool,
}

/// One fact of a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What kind of fact it is.
    pub kind: FactKind,
    /// The package that it is about; the user's own requirements are about what they name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageName>,
    /// The requirement, as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
    /// Where the user wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// A sentence without a full stop.
    pub text: String,
}

/// The kinds of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FactKind {
    /// The user requires something.
    Required,
    /// A package requires something.
    Requires,
    /// Versions cannot be taken.
    Unavailable,
    /// There is no version that could be.
    NoVersion,
    /// Facts that are counted, not told, and limits.
    Rest,
}

/// What may help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hint {
    /// What kind of help it is.
    pub kind: HintKind,
    /// The package that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageName>,
    /// A sentence without a full stop.
    pub text: String,
    /// The version that would do, where that can be tried.
    #[serde(skip)]
    pub(crate) version: Option<Version>,
}

/// The kinds of hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HintKind {
    /// A pre-release would do.
    Prerelease,
    /// Another Python would do.
    Python,
    /// Another platform would do.
    Platform,
    /// Only a source distribution exists.
    SourceOnly,
    /// A yanked version would do.
    Yanked,
    /// A later cutoff would do.
    Cutoff,
    /// Another name is near.
    Name,
    /// Fewer environments would do.
    Environments,
}

impl Explanation {
    /// Counts what is too much to tell. (Hints are cut once they were tried.)
    pub(crate) fn cut(mut self) -> Self {
        if self.facts.len() > MOST_FACTS {
            let more = self.facts.len() - MOST_FACTS;
            self.facts.truncate(MOST_FACTS);
            let text = format!("… and {more} more facts of this kind");
            self.facts.push(Fact::new(FactKind::Rest, None, text));
        }
        self
    }

    /// The first hints.
    pub(crate) fn cut_hints(mut self) -> Self {
        self.hints.truncate(MOST_HINTS);
        self
    }
}

impl Fact {
    pub(crate) fn new(kind: FactKind, package: Option<&PackageName>, text: String) -> Self {
        Self { kind, package: package.cloned(), requirement: None, origin: None, text }
    }
}

impl Hint {
    pub(crate) fn new(kind: HintKind, package: Option<&PackageName>, text: String) -> Self {
        Self { kind, package: package.cloned(), text, version: None }
    }

    /// The same, where taking this version is the way out.
    pub(crate) fn by(self, version: &Version) -> Self {
        Self { version: Some(version.clone()), ..self }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.environments.as_ref().map(|marker| format!(" where {marker}")).unwrap_or_default();
        match self.facts.as_slice() {
            [] => write!(f, "nothing satisfies these requirements{place}")?,
            facts => {
                write!(f, "there is no solution{place}, since")?;
                for fact in facts {
                    write!(f, "\n  {}", fact.text)?;
                }
            }
        }
        for hint in &self.hints {
            write!(f, "\nhint: {}", hint.text)?;
        }
        Ok(())
    }
}
