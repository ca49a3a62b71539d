//! A first look at a record: which projects it is about, and when it was changed, without reading it whole.
//!
//! A database holds tens of thousands of records, of which a lock asks for a few. Never: passes over a record that is
//! about a name that is asked for.

use std::collections::BTreeSet;

use jiff::Timestamp;
use pipward_resolver::PackageName;
use serde::Deserialize;

use super::ECOSYSTEM;
use crate::error::{Code, Place, Problem};

/// The names that are asked for.
#[derive(Debug, Clone, Default)]
pub struct Names(BTreeSet<String>);

impl Names {
    /// These.
    pub fn of<'n>(names: impl Iterator<Item = &'n PackageName>) -> Self {
        Self(names.map(ToString::to_string).collect())
    }

    pub(super) fn has(&self, text: &str) -> bool {
        let is_normalised = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
        is_normalised && self.0.contains(text) || self.0.contains(&normalised(text))
    }
}

/// "all runs of the characters ., -, or _ replaced with a single -", in lower case.
fn normalised(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '.' | '-' | '_' if name.ends_with('-') => {}
            '.' | '-' | '_' => name.push('-'),
            other => name.push(other.to_ascii_lowercase()),
        }
    }
    name
}

/// What a first look tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// Whether it may be about a name that is asked for.
    pub is_asked: bool,
    /// Whether it is about a project of PyPI at all.
    pub is_ours: bool,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Short<'a> {
    #[serde(borrow)]
    modified: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow)]
    affected: Option<Vec<Entry<'a>>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    package: Option<Package<'a>>,
}

#[derive(Deserialize)]
struct Package<'a> {
    #[serde(borrow)]
    ecosystem: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    name: std::borrow::Cow<'a, str>,
}

impl Glance {
    /// Of a record in JSON.
    ///
    /// # Errors
    /// `advisory-invalid` for what is not JSON, or no record: nobody could tell what it is about.
    pub fn of_json(bytes: &[u8], names: &Names, place: &Place) -> Result<Self, Problem> {
        let short: Short<'_> = serde_json::from_slice(bytes).map_err(|error| {
            Problem::new(Code::AdvisoryInvalid, "this is not a record")
                .at(place.clone())
                .cause(error)
                .help("take the export of the database again, or name the folder of its records alone")
        })?;
        let packages = short.affected.iter().flatten().filter_map(|entry| entry.package.as_ref());
        let ours: Vec<_> =
            packages.filter(|package| package.ecosystem.split(':').next() == Some(ECOSYSTEM)).collect();
        Ok(Self {
            is_asked: ours.iter().any(|package| names.has(&package.name)),
            is_ours: !ours.is_empty(),
            modified: short.modified.and_then(|text| text.parse().ok()),
        })
    }

    /// Of a record in YAML. A text that has no word that is an asked name is not about one; what could spell a name in
    /// escapes is read whole.
    pub fn of_yaml(text: &str, names: &Names) -> Self {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let words = text.split(|c| !is_word(c)).filter(|word| !word.is_empty());
        let has_escape = |text: &str| {
            text.match_indices('\\').any(|(at, _)| {
                let next = text.get(at + 1..).and_then(|rest| rest.chars().next());
                matches!(next, Some('x' | 'u' | 'U' | '\n' | '\r'))
            })
        };
        let is_asked =
            words.into_iter().any(|word| names.has(word) || names.has(word.trim_matches(['.', '-', '_'])))
                || has_escape(text);
        let modified = text.lines().find_map(|line| line.strip_prefix("modified:"));
        let modified = modified.map(|value| value.trim().trim_matches(['"', '\'']));
        Self {
            is_asked,
            is_ours: is_asked || text.contains(ECOSYSTEM),
            modified: modified.and_then(|value| value.parse().ok()),
        }
    }
}
