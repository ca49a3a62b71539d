//! Facts that were written down: the second source of facts, for tests and for reports of wrong resolutions.
//!
//! Owns the JSON form of facts, and [`Recorder`], which writes down what a solve asked of another source.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use pep440_rs::{Version, VersionSpecifiers};
use pep508_rs::{ExtraName, PackageName, Requirement, VerbatimUrl};
use serde::{Deserialize, Serialize};

use crate::facts::{CandidateWheel, Candidates, Dependencies, Facts, FactsError, Release};
use crate::moment::TooNew;
use crate::wheel_name::WheelName;

/// Facts by project and version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// The projects that an index has.
    pub projects: BTreeMap<PackageName, BTreeMap<Version, RecordedRelease>>,
}

/// A release, written down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RecordedRelease {
    /// Whether it has a source distribution.
    #[serde(skip_serializing_if = "is_false")]
    pub sdist: bool,
    /// Why the source distribution is too new, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_sdist: Option<TooNew>,
    /// Its wheels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wheels: Vec<RecordedWheel>,
    /// What its wheels say they depend on; none where nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<RecordedMetadata>,
}

/// A wheel, written down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RecordedWheel {
    /// Its file name.
    pub name: String,
    /// The Pythons that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_python: Option<VersionSpecifiers>,
    /// Why it was yanked; empty without a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yanked: Option<String>,
    /// Why it is too new, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub too_new: Option<TooNew>,
}

/// Core metadata, written down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RecordedMetadata {
    /// `Requires-Dist`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub requires: Vec<String>,
    /// `Provides-Extra`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extras: Vec<ExtraName>,
    /// `Requires-Python`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requires_python: Option<VersionSpecifiers>,
    /// Why they cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub malformed: Option<String>,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError(pub String);

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for RecordError {}

impl Recorded {
    /// Reads the JSON form.
    ///
    /// # Errors
    /// Where the text is not JSON of this form.
    pub fn from_json(text: &str) -> Result<Self, RecordError> {
        serde_json::from_str(text).map_err(|error| RecordError(error.to_string()))
    }

    /// Writes the JSON form: names and versions in order, so that equal facts make equal text.
    ///
    /// # Errors
    /// None in practice: every key is text.
    pub fn to_json(&self) -> Result<String, RecordError> {
        serde_json::to_string_pretty(self).map_err(|error| RecordError(error.to_string()))
    }
}

impl Facts for Recorded {
    fn candidates(&self, name: &PackageName) -> Result<Arc<Candidates>, FactsError> {
        let Some(project) = self.projects.get(name) else { return Ok(Arc::default()) };
        let mut releases = BTreeMap::new();
        for (version, release) in project {
            let wheels = release.wheels.iter().map(RecordedWheel::read).collect::<Result<_, _>>()?;
            releases.insert(
                version.clone(),
                Release { wheels, has_sdist: release.sdist, new_sdist: release.new_sdist },
            );
        }
        Ok(Arc::new(Candidates { known: true, releases: releases.into() }))
    }

    fn dependencies(
        &self,
        name: &PackageName,
        version: &Version,
        _wheel: &WheelName,
    ) -> Result<Arc<Dependencies>, FactsError> {
        let release = self.projects.get(name).and_then(|project| project.get(version));
        match release.and_then(|release| release.metadata.as_ref()) {
            Some(metadata) => Ok(Arc::new(metadata.read()?)),
            None => Err(missing(format!("the record has no metadata of {name} {version}"))),
        }
    }

    fn hint(&self, _soon: &[(PackageName, Option<(Version, WheelName)>)]) {}
}

impl RecordedWheel {
    fn read(&self) -> Result<CandidateWheel, FactsError> {
        let name = WheelName::parse(&self.name)
            .map_err(|error| missing(format!("{:?} is not a wheel's name: {error}", self.name)))?;
        Ok(CandidateWheel {
            name,
            requires_python: self.requires_python.clone(),
            yanked: self.yanked.clone(),
            too_new: self.too_new,
        })
    }
}

impl RecordedMetadata {
    fn read(&self) -> Result<Dependencies, FactsError> {
        let parse = |text: &String| {
            Requirement::<VerbatimUrl>::from_str(text)
                .map_err(|error| missing(format!("{text:?} is not a requirement: {}", error.message)))
        };
        Ok(Dependencies {
            requires: self.requires.iter().map(parse).collect::<Result<_, _>>()?,
            extras: self.extras.clone(),
            requires_python: self.requires_python.clone(),
            malformed: self.malformed.clone(),
        })
    }
}

fn missing(text: String) -> FactsError {
    FactsError(Box::new(RecordError(text)))
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde hands over a reference
fn is_false(value: &bool) -> bool {
    !*value
}

/// Writes down what is asked of another source of facts, so that a solve can be repeated without it.
pub struct Recorder<'a> {
    source: &'a dyn Facts,
    record: Mutex<Recorded>,
}

impl<'a> Recorder<'a> {
    /// Records what `source` answers.
    pub fn new(source: &'a dyn Facts) -> Self {
        Self { source, record: Mutex::default() }
    }

    /// What was asked until now.
    pub fn into_record(self) -> Recorded {
        self.record.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn release(&self, name: &PackageName, version: &Version, write: impl FnOnce(&mut RecordedRelease)) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        write(record.projects.entry(name.clone()).or_default().entry(version.clone()).or_default());
    }
}

impl Facts for Recorder<'_> {
    fn candidates(&self, name: &PackageName) -> Result<Arc<Candidates>, FactsError> {
        let candidates = self.source.candidates(name)?;
        if candidates.known {
            let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
            record.projects.entry(name.clone()).or_default();
        }
        for (version, release) in candidates.releases.iter() {
            self.release(name, version, |written| {
                written.sdist = release.has_sdist;
                written.new_sdist = release.new_sdist;
                written.wheels = release.wheels.iter().map(RecordedWheel::of).collect();
            });
        }
        Ok(candidates)
    }

    fn dependencies(
        &self,
        name: &PackageName,
        version: &Version,
        wheel: &WheelName,
    ) -> Result<Arc<Dependencies>, FactsError> {
        let known = self.source.dependencies(name, version, wheel)?;
        self.release(name, version, |written| {
            written.metadata = Some(RecordedMetadata {
                requires: known.requires.iter().map(ToString::to_string).collect(),
                extras: known.extras.clone(),
                requires_python: known.requires_python.clone(),
                malformed: known.malformed.clone(),
            });
        });
        Ok(known)
    }

    fn hint(&self, soon: &[(PackageName, Option<(Version, WheelName)>)]) {
        self.source.hint(soon);
    }
}

impl RecordedWheel {
    fn of(wheel: &CandidateWheel) -> Self {
        Self {
            name: wheel.name.to_string(),
            requires_python: wheel.requires_python.clone(),
            yanked: wheel.yanked.clone(),
            too_new: wheel.too_new,
        }
    }
}
