//! The file name of a wheel (binary distribution format, "File name convention").

use std::fmt;

use pep440_rs::Version;
use pep508_rs::PackageName;

/// A parsed wheel file name, kept with the text it came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WheelName {
    text: String,
    name: PackageName,
    version: Version,
    build: Option<(u64, String)>,
    python: Vec<String>,
    abi: Vec<String>,
    platform: Vec<String>,
}

/// Why a text is not a wheel's file name. One sentence part, such as "it has no tags".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelNameError(pub String);

impl fmt::Display for WheelNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for WheelNameError {}

impl WheelName {
    /// Parses `idna-3.10-py3-none-any.whl`.
    pub fn parse(_text: &str) -> Result<Self, WheelNameError> {
        todo!("resolver")
    }
    /// The project, normalised.
    pub fn name(&self) -> &PackageName {
        &self.name
    }
    /// The version.
    pub fn version(&self) -> &Version {
        &self.version
    }
    /// The build tag: a number and the rest; `None` sorts first.
    pub fn build(&self) -> Option<&(u64, String)> {
        self.build.as_ref()
    }
    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// The parts of the python, abi and platform tags (compressed tag sets split at the dots).
    pub fn tag_parts(&self) -> (&[String], &[String], &[String]) {
        (&self.python, &self.abi, &self.platform)
    }
}

impl fmt::Display for WheelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
