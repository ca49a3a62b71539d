//! OSV records in JSON and in YAML, and the short form in which PyPI's JSON tells them.
//!
//! Owns: which fields decide, and that those are understood or the record is refused. Other fields are passed over.

use std::str::FromStr as _;

use jiff::Timestamp;
use pipward_resolver::{PackageName, Version};
use serde::Deserialize;

use super::level::Told;
use super::range::{Range, RawEvent};
use super::{Advisory, Affected, ECOSYSTEM, Names};
use crate::error::{Code, Place, Problem};

#[derive(Deserialize)]
struct Raw {
    id: String,
    schema_version: Option<String>,
    modified: Option<String>,
    published: Option<String>,
    withdrawn: Option<String>,
    aliases: Option<Vec<String>>,
    summary: Option<String>,
    details: Option<String>,
    affected: Option<Vec<RawAffected>>,
    severity: Option<Vec<RawSeverity>>,
    references: Option<Vec<RawReference>>,
    database_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct RawAffected {
    package: Option<RawPackage>,
    ranges: Option<Vec<RawRange>>,
    versions: Option<Vec<String>>,
    severity: Option<Vec<RawSeverity>>,
    ecosystem_specific: Option<Specific>,
    database_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct RawPackage {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct RawRange {
    #[serde(rename = "type")]
    kind: String,
    events: Option<Vec<RawEvent>>,
}

#[derive(Deserialize)]
struct RawSeverity {
    #[serde(rename = "type")]
    kind: String,
    score: String,
}

#[derive(Deserialize)]
struct RawReference {
    url: String,
}

/// A table of which databases decide themselves what stands in it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Specific {
    Table { severity: Option<Word> },
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Word {
    Text(String),
    Other(serde::de::IgnoredAny),
}

impl Specific {
    fn word(self) -> Option<String> {
        match self {
            Self::Table { severity: Some(Word::Text(word)) } => Some(word),
            _ => None,
        }
    }
}

/// Reads a record in JSON, as far as it is about `names`.
///
/// # Errors
/// `advisory-invalid`, where it is no record or what decides cannot be understood.
pub fn from_json(bytes: &[u8], names: &Names, place: &Place) -> Result<Advisory, Problem> {
    let raw =
        serde_json::from_slice(bytes).map_err(|error| invalid(place, "this is not a record", &error))?;
    advisory(raw, names, place)
}

/// Reads a record in YAML, as the advisory database of PyPA keeps them.
///
/// # Errors
/// As [`from_json`].
pub fn from_yaml(text: &str, names: &Names, place: &Place) -> Result<Advisory, Problem> {
    let raw = serde_saphyr::from_str(text).map_err(|error| {
        let first = error.to_string().lines().next().unwrap_or_default().to_owned();
        invalid(place, "this is not a record", &first)
    })?;
    advisory(raw, names, place)
}

fn invalid(place: &Place, message: &str, cause: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::AdvisoryInvalid, message).at(place.clone()).cause(cause).help(
        "tell the database, or take an earlier state of it; to go on without this record, put its id into \
         [[audit.ignore]] with a reason",
    )
}

fn advisory(raw: Raw, names: &Names, place: &Place) -> Result<Advisory, Problem> {
    let refuse = |cause: &str| invalid(place, "this record cannot be understood", &cause).package(&raw.id);
    // "tools … the absence of the field means 1.0.0"; another major version may mean something else by the same words.
    let major = raw.schema_version.as_deref().unwrap_or("1.0.0").split('.').next();
    if major != Some("1") {
        return Err(refuse("its schema_version is not 1"));
    }
    if raw.id.is_empty() {
        return Err(refuse("its id is empty"));
    }
    let mut affected = Vec::new();
    for entry in raw.affected.into_iter().flatten() {
        affected.extend(self::affected(entry, names).map_err(|cause| refuse(&cause))?);
    }
    Ok(Advisory {
        aliases: raw.aliases.unwrap_or_default(),
        modified: time(raw.modified.as_deref()),
        published: time(raw.published.as_deref()),
        is_withdrawn: raw.withdrawn.is_some(),
        summary: raw.summary.filter(|text| !text.trim().is_empty()),
        details: raw.details.filter(|text| !text.trim().is_empty()),
        affected,
        references: raw.references.into_iter().flatten().map(|reference| reference.url).collect(),
        severities: Told {
            vectors: vectors(raw.severity),
            word: raw.database_specific.and_then(Specific::word),
        },
        id: raw.id,
    })
}

/// An entry of our ecosystem that is about an asked name. What others say need not be understood.
fn affected(raw: RawAffected, names: &Names) -> Result<Option<Affected>, String> {
    let Some(package) = raw.package else { return Ok(None) };
    // "The ecosystem string might optionally have a suffix."
    if package.ecosystem.split(':').next() != Some(ECOSYSTEM) || !names.has(&package.name) {
        return Ok(None);
    }
    let name = PackageName::from_str(&package.name)
        .map_err(|_| format!("`{}` is not the name of a project", package.name.escape_debug()))?;
    let mut ranges = Vec::new();
    for range in raw.ranges.into_iter().flatten() {
        match range.kind.as_str() {
            "ECOSYSTEM" | "SEMVER" => ranges.push(Range::parse(&range.events.unwrap_or_default())?),
            "GIT" => {}
            _ => return Err("a range is of a type that is not known".to_owned()),
        }
    }
    let mut fixed: Vec<Version> = ranges.iter().flat_map(Range::fixed).cloned().collect();
    fixed.sort();
    fixed.dedup();
    // What is no version by PEP 440 is the version of nothing that can be locked.
    let versions =
        raw.versions.into_iter().flatten().filter_map(|text| Version::from_str(&text).ok()).collect();
    let words = [raw.database_specific, raw.ecosystem_specific].into_iter().flatten();
    Ok(Some(Affected {
        name,
        versions,
        ranges,
        fixed,
        severities: Told { vectors: vectors(raw.severity), word: words.filter_map(Specific::word).next() },
    }))
}

fn vectors(raw: Option<Vec<RawSeverity>>) -> Vec<(String, String)> {
    raw.into_iter().flatten().map(|severity| (severity.kind, severity.score)).collect()
}

fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.trim().parse().ok()
}

#[derive(Deserialize)]
struct Release {
    info: Option<Info>,
    vulnerabilities: Option<Vec<RawTold>>,
}

#[derive(Deserialize)]
struct Info {
    name: String,
    version: String,
}

/// An entry of `vulnerabilities` in PyPI's JSON of a release.
#[derive(Deserialize)]
struct RawTold {
    id: String,
    aliases: Option<Vec<String>>,
    details: Option<String>,
    summary: Option<String>,
    fixed_in: Option<Vec<String>>,
    link: Option<String>,
    withdrawn: Option<String>,
}

/// Reads what an index says of one release of a project: `vulnerabilities` of PyPI's JSON. Each record affects that
/// version.
///
/// # Errors
/// `advisory-invalid` for what is not such an answer; one without the list is not.
pub fn from_index(
    bytes: &[u8],
    name: &PackageName,
    version: &Version,
    place: &Place,
) -> Result<Vec<Advisory>, Problem> {
    let release: Release = serde_json::from_slice(bytes)
        .map_err(|error| invalid(place, "this is not what PyPI's JSON says of a release", &error))?;
    let is_it = release.info.as_ref().is_some_and(|info| {
        let named: Option<PackageName> = info.name.parse().ok();
        let of: Option<Version> = info.version.parse().ok();
        // Of a local version the index knows the public one.
        named.as_ref() == Some(name)
            && of.is_some_and(|of| of == *version || of == version.clone().without_local())
    });
    if !is_it {
        let found = release
            .info
            .map_or_else(|| "no `info`".to_owned(), |info| format!("{} {}", info.name, info.version));
        return Err(invalid(place, "this is what an index says of another release", &found)
            .expected(format!("{name} {version}")));
    }
    let told = release.vulnerabilities.ok_or_else(|| {
        invalid(place, "this index does not say which vulnerabilities a release has", &"no `vulnerabilities`")
    })?;
    let advisory = |told: RawTold| {
        let mut fixed: Vec<Version> =
            told.fixed_in.into_iter().flatten().filter_map(|text| Version::from_str(&text).ok()).collect();
        fixed.sort();
        let affected = Affected {
            name: name.clone(),
            versions: vec![version.clone()],
            ranges: Vec::new(),
            fixed,
            severities: Told::default(),
        };
        Advisory {
            id: told.id,
            aliases: told.aliases.unwrap_or_default(),
            is_withdrawn: told.withdrawn.is_some_and(|time| !time.is_empty()),
            summary: told.summary.filter(|text| !text.trim().is_empty()),
            details: told.details.filter(|text| !text.trim().is_empty()),
            affected: vec![affected],
            references: told.link.into_iter().collect(),
            ..Advisory::default()
        }
    };
    Ok(told.into_iter().map(advisory).collect())
}
