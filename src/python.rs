//! Interpreters, their tags and schemes, installed distributions, and making a venv.
//!
//! The interpreter is started with `-I -S` and our own probe script only.

use std::path::{Path, PathBuf};

use pipward_resolver::{Target, Version};

use crate::error::Problem;

/// What a Python says about itself.
#[derive(Debug, Clone)]
pub struct Interpreter {
    /// `sys.executable`, absolute.
    pub executable: PathBuf,
    /// `sys.version_info` as a version: 3.13.0.
    pub version: Version,
    /// `sys.prefix`.
    pub prefix: PathBuf,
    /// `sys.base_prefix`.
    pub base_prefix: PathBuf,
    /// Where things go (sysconfig's preferred scheme).
    pub scheme: Scheme,
    /// Markers and tags.
    pub target: Target,
    /// The `Error` text of an EXTERNALLY-MANAGED file (PEP 668), where there is one and this is no venv.
    pub externally_managed: Option<String>,
}

impl Interpreter {
    /// Whether it belongs to a virtual environment.
    pub fn is_virtual(&self) -> bool {
        self.prefix != self.base_prefix
    }
}

/// The directories of an installation scheme, absolute, and the interpreter that scripts name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// Pure modules.
    pub purelib: PathBuf,
    /// Compiled modules.
    pub platlib: PathBuf,
    /// Scripts.
    pub scripts: PathBuf,
    /// Headers, without the project's own folder (which an installer adds).
    pub headers: PathBuf,
    /// Data: the prefix.
    pub data: PathBuf,
    /// What `#!` names.
    pub interpreter: PathBuf,
}

/// How the user names a Python.
#[derive(Debug, Clone)]
pub enum PythonRequest {
    /// The first one found.
    Any,
    /// A path to an executable or to an environment.
    Path(PathBuf),
    /// A version: 3.13 or 3.13.0.
    Version(Version),
}

impl PythonRequest {
    /// Reads what stands behind `--python`.
    pub fn parse(_text: &str) -> Self {
        todo!("python")
    }
}

/// Finds and probes an interpreter. `cache` keeps probes by the file's identity.
///
/// # Errors
/// `python-not-found`, `python-unusable`.
pub fn find(_request: &PythonRequest, _cache: Option<&Path>) -> Result<Interpreter, Problem> {
    todo!("python")
}

/// Asks the interpreter at `executable` about itself.
///
/// # Errors
/// `python-unusable`.
pub fn probe(_executable: &Path, _cache: Option<&Path>) -> Result<Interpreter, Problem> {
    todo!("python")
}
