//! pip's requirements-file grammar, with line numbers; and the dependencies of a pyproject.toml.
//!
//! Never: goes to the network, or decides whether a requirement is pinned enough (`lock::requirements` does).

use std::path::{Path, PathBuf};

use pipward_resolver::{Requirement, VerbatimUrl};

use crate::digest::StrongDigest;
use crate::error::{Place, Problem, Problems};

/// All that a set of requirements files says, files included by `-r` and `-c` merged in.
#[derive(Debug, Clone, Default)]
pub struct RequirementsFile {
    /// The requirements in order.
    pub requirements: Vec<FileRequirement>,
    /// What `-c` files bind.
    pub constraints: Vec<FileRequirement>,
    /// Options that name sources.
    pub sources: SourceOptions,
    /// Whether a line asked for hashes.
    pub require_hashes: bool,
    /// Whether `--pre` stands in it.
    pub pre: bool,
}

/// Options of a requirements file that say where files come from.
#[derive(Debug, Clone, Default)]
pub struct SourceOptions {
    /// `-i`, the last one.
    pub index_url: Option<String>,
    /// `--extra-index-url`.
    pub extra_index_urls: Vec<String>,
    /// `-f`: a path (made relative to the file that has it, where that exists) or an address.
    pub find_links: Vec<String>,
    /// `--no-index`.
    pub no_index: bool,
}

/// One requirement of a file.
#[derive(Debug, Clone)]
pub struct FileRequirement {
    /// The requirement.
    pub requirement: Requirement<VerbatimUrl>,
    /// Its `--hash` options, strong ones.
    pub hashes: Vec<StrongDigest>,
    /// Problems with its `--hash` options: weak or malformed ones (`hash-weak`, `hash-malformed`).
    pub hash_problems: Vec<Problem>,
    /// File and line.
    pub place: Place,
}

/// Reads `path` and what it includes.
///
/// # Errors
/// All faults at once, each with file and line: `requirement-syntax`, `requirement-unsupported`,
/// `option-refused`, `option-unknown`, `lock-not-found`.
pub fn read(_path: &Path) -> Result<RequirementsFile, Problems> {
    todo!("requirements")
}

/// What to take from a pyproject.toml besides `[project] dependencies`.
#[derive(Debug, Clone, Default)]
pub struct ProjectSelection {
    /// `--extra NAME`.
    pub extras: Vec<String>,
    /// `--group NAME` (PEP 735).
    pub groups: Vec<String>,
    /// `--all-extras`.
    pub all_extras: bool,
    /// `--all-groups`.
    pub all_groups: bool,
}

/// The dependencies of a project.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// The requirements, self-references (`project[extra]`) resolved.
    pub requirements: Vec<FileRequirement>,
    /// `requires-python`.
    pub requires_python: Option<pipward_resolver::VersionSpecifiers>,
    /// The file.
    pub path: PathBuf,
}

/// Reads `[project]` and `[dependency-groups]` of a pyproject.toml.
///
/// # Errors
/// `requirement-syntax`, `unknown-extra`, `lock-not-found`, `requirement-unsupported` (dynamic dependencies).
pub fn read_project(_path: &Path, _select: &ProjectSelection) -> Result<Project, Problems> {
    todo!("requirements")
}
