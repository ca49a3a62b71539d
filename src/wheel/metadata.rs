//! METADATA (core metadata) as far as an installer reads it.

use pipward_resolver::{ExtraName, PackageName, Requirement, VerbatimUrl, Version, VersionSpecifiers};

/// Core metadata.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// `Name`, normalised.
    pub name: PackageName,
    /// `Name`, as written.
    pub name_text: String,
    /// `Version`.
    pub version: Version,
    /// `Requires-Dist`.
    pub requires: Vec<Requirement<VerbatimUrl>>,
    /// `Provides-Extra`.
    pub extras: Vec<ExtraName>,
    /// `Requires-Python`.
    pub requires_python: Option<VersionSpecifiers>,
}

impl Metadata {
    /// Reads METADATA. The problem has no package or place: the caller adds them. Used for wheels and by `index`.
    ///
    /// # Errors
    /// `metadata-invalid`.
    pub fn parse(_text: &[u8]) -> Result<Self, crate::error::Problem> {
        todo!("wheel")
    }
}
