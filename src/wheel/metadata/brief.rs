//! What a run keeps of METADATA.
//!
//! Never: keeps what is read of a requirement before somebody asks.

use std::collections::BTreeMap;

use pipward_resolver::{ExtraName, MarkerEnvironment, PackageName, Version};

use super::Metadata;
use crate::pep508::Written;

/// What is asked of a distribution after its wheel was read. All METADATA of a run together are megabytes.
#[derive(Debug, Clone)]
pub struct Brief {
    /// `Name`, normalised.
    pub name: PackageName,
    /// `Name`, as written.
    pub name_text: String,
    /// `Version`.
    pub version: Version,
    /// `Requires-Dist`.
    pub requires: Written,
    /// The names in these that are written otherwise than they are normalised.
    pub spelled: BTreeMap<PackageName, String>,
    /// `Provides-Extra`, as in [`Metadata`].
    pub extras: Vec<ExtraName>,
    /// Whether it says for which Pythons it is.
    pub for_pythons: bool,
}

impl Brief {
    /// Of METADATA and the lines of its requirements, for an environment.
    pub(crate) fn of(metadata: &Metadata, lines: &str, markers: &MarkerEnvironment) -> Self {
        Self {
            name: metadata.name.clone(),
            name_text: metadata.name_text.clone(),
            version: metadata.version.clone(),
            requires: Written::of(&metadata.requires, lines, markers),
            spelled: metadata.spelled.clone(),
            extras: metadata.extras.clone(),
            for_pythons: metadata.requires_python.is_some(),
        }
    }
}
