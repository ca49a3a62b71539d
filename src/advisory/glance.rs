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
        let short: Short<'_> =
            serde_json::from_slice(bytes).map_err(|error| no_record(place).cause(error))?;
        let packages = short.affected.iter().flatten().filter_map(|entry| entry.package.as_ref());
        let ours: Vec<_> =
            packages.filter(|package| package.ecosystem.split(':').next() == Some(ECOSYSTEM)).collect();
        Ok(Self {
            is_asked: ours.iter().any(|package| names.has(&package.name)),
            is_ours: !ours.is_empty(),
            modified: short.modified.and_then(|text| text.parse().ok()),
        })
    }

    /// Of a record in YAML. What is cut may still be YAML, so `id` and `modified` must be there, as OSV wants of a record.
    ///
    /// # Errors
    /// `advisory-invalid` for what is not YAML, or no record: nobody could tell what it is about.
    pub fn of_yaml(text: &str, names: &Names, place: &Place) -> Result<Self, Problem> {
        let invalid = |cause: String| no_record(place).cause(cause);
        let short: ShortYaml = serde_saphyr::from_str(text)
            .map_err(|error| invalid(error.to_string().lines().next().unwrap_or_default().to_owned()))?;
        let modified: Option<Timestamp> = short.modified.and_then(|text| text.parse().ok());
        for (what, is_there) in [("id", short.id.is_some()), ("modified", modified.is_some())] {
            if !is_there {
                return Err(invalid(format!("it has no {what}")));
            }
        }
        let packages = short.affected.iter().flatten().filter_map(|entry| entry.package.as_ref());
        let ours: Vec<_> =
            packages.filter(|package| package.ecosystem.split(':').next() == Some(ECOSYSTEM)).collect();
        Ok(Self {
            is_asked: ours.iter().any(|package| names.has(&package.name)),
            is_ours: !ours.is_empty(),
            modified,
        })
    }
}

fn no_record(place: &Place) -> Problem {
    Problem::new(Code::AdvisoryInvalid, "this is not a record")
        .at(place.clone())
        .help("take the export of the database again, or name the folder of its records alone")
}

#[derive(Deserialize)]
struct ShortYaml {
    id: Option<String>,
    modified: Option<String>,
    affected: Option<Vec<EntryYaml>>,
}

#[derive(Deserialize)]
struct EntryYaml {
    package: Option<PackageYaml>,
}

#[derive(Deserialize)]
struct PackageYaml {
    ecosystem: String,
    name: String,
}
