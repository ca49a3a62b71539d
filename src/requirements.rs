//! pip's requirements-file grammar, with line numbers; and the dependencies of a pyproject.toml.
//!
//! Owns: what a requirements file says, and which of its options pipward takes.
//! Never: goes to the network, or decides whether a requirement is pinned enough (`lock::requirements` does).

pub(crate) mod entry;
pub mod formats;
mod include;
mod lines;
mod options;
mod project;
pub mod releases;
mod script;

use std::path::{Path, PathBuf};

use pep508_rs::VersionOrUrl;
use pipward_resolver::{Requirement, VerbatimUrl};

pub use include::{Fetch, Role};
pub use options::{ALWAYS, FEATURES};
pub(crate) use project::INCLUDED_BY;

use self::formats::Formats;
use self::releases::Releases;
use crate::digest::StrongDigest;
use crate::document::Originals;
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
    /// Lines that could not be read or are refused; empty where [`read`] succeeded.
    pub faults: Vec<Problem>,
    /// The bytes of the files that were read on this machine.
    pub originals: Originals,
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
    /// `--pre`, `--all-releases` and `--only-final`.
    pub releases: Releases,
    /// `--no-binary` and `--only-binary`.
    pub formats: Formats,
}

impl RequirementsFile {
    /// Takes in what another file of the same run says.
    pub fn append(&mut self, other: Self) {
        self.requirements.extend(other.requirements);
        self.constraints.extend(other.constraints);
        self.require_hashes |= other.require_hashes;
        self.pre |= other.pre;
        self.faults.extend(other.faults);
        self.originals.extend(other.originals);
        let sources = other.sources;
        if let Some(index) = sources.index_url {
            // "-i in a file replaces the index list so far."
            self.sources.index_url = Some(index);
            self.sources.extra_index_urls.clear();
        }
        self.sources.extra_index_urls.extend(sources.extra_index_urls);
        self.sources.find_links.extend(sources.find_links);
        self.sources.no_index |= sources.no_index;
        self.sources.releases.extend(&sources.releases);
        self.sources.formats.extend(&sources.formats);
    }
}

/// One requirement of a file.
#[derive(Debug, Clone)]
pub struct FileRequirement {
    /// The requirement.
    pub requirement: Requirement<VerbatimUrl>,
    /// Its name as it was written; none where a path or address alone was.
    pub spelled: Option<String>,
    /// Its marker as it was written.
    pub marker_text: Option<String>,
    /// Its `--hash` options, strong ones.
    pub hashes: Vec<StrongDigest>,
    /// Problems with its `--hash` options: weak or malformed ones (`hash-weak`, `hash-malformed`).
    pub hash_problems: Vec<Problem>,
    /// File and line.
    pub place: Place,
    /// The whole path of its file, where another file includes that.
    pub included: Option<String>,
}

impl FileRequirement {
    /// Its name as it was written, and which versions it asks for.
    pub fn shown(&self) -> String {
        let name = self.spelled.clone().unwrap_or_else(|| self.requirement.name.to_string());
        match &self.requirement.version_or_url {
            Some(VersionOrUrl::VersionSpecifier(specifiers)) => format!("{name}{specifiers}"),
            _ => name,
        }
    }
}

/// Reads `path` and what it includes, with the variables of this process.
///
/// # Errors
/// All faults at once, each with file and line: `requirement-syntax`, `requirement-unsupported`,
/// `option-refused`, `option-unknown`, `lock-not-found`.
pub fn read(path: &Path) -> Result<RequirementsFile, Problems> {
    read_with(path, &|name| std::env::var(name).ok())
}

/// As [`read`], for a caller that looks for more faults ([`crate::lock::requirements::from_requirements`]):
/// those of this reading stand in the result.
pub fn read_with_faults(path: &Path) -> RequirementsFile {
    include::read_with_faults(path, &|name| std::env::var(name).ok())
}

/// As [`read_with_faults`], for a file (of requirements or of constraints) that may stand, like those that it includes, at
/// an http(s) or file address; `fetch` reads what is on the network.
pub fn read_over(path: &Path, role: Role, fetch: &Fetch<'_>) -> RequirementsFile {
    let local = path.to_str().filter(|text| text.to_ascii_lowercase().starts_with("file:"));
    let local = local.and_then(include::file_address);
    include::read_over(local.as_deref().unwrap_or(path), &|name| std::env::var(name).ok(), fetch, role)
}

/// The http(s) address that the name of a file is, if it is one.
pub fn address(path: &Path) -> Option<url::Url> {
    include::address(path)
}

/// Reads `path` and what it includes; `variable` gives the value of `${NAME}`.
///
/// # Errors
/// As [`read`].
pub fn read_with(
    path: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<RequirementsFile, Problems> {
    include::read(path, variable)
}

/// Reads the text of a requirements file that stands (or stood) at `path`; only what it includes is
/// read from disk.
///
/// # Errors
/// As [`read`].
pub fn read_text(
    text: &str,
    path: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<RequirementsFile, Problems> {
    include::read_text(text, path, variable)
}

/// Reads a requirement as typed on a command line: PEP 508, or the path or address of a wheel.
///
/// # Errors
/// `requirement-syntax`, `requirement-unsupported`, `address-refused`, `wheel-name`.
pub fn parse_specifier(text: &str) -> Result<FileRequirement, Problem> {
    entry::read(text, &[], &Place::file("command line"))
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
    /// Leave out `[project] dependencies`.
    pub without_project: bool,
}

impl ProjectSelection {
    /// Whether it takes nothing but `[project] dependencies`.
    pub fn is_empty(&self) -> bool {
        self.extras.is_empty() && self.groups.is_empty() && !self.all_extras && !self.all_groups
    }
}

/// The dependencies of a project.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// The requirements, self-references (`project[extra]`) resolved.
    pub requirements: Vec<FileRequirement>,
    /// `name`, normalised.
    pub name: Option<pipward_resolver::PackageName>,
    /// The extras that it has.
    pub extras: Vec<pipward_resolver::ExtraName>,
    /// The dependency groups that it has.
    pub groups: Vec<pipward_resolver::ExtraName>,
    /// `requires-python`.
    pub requires_python: Option<pipward_resolver::VersionSpecifiers>,
    /// The file.
    pub path: PathBuf,
    /// Its bytes.
    pub originals: Originals,
}

/// Reads `[project]` and `[dependency-groups]` of a pyproject.toml.
///
/// # Errors
/// All faults at once: `requirement-syntax`, `unknown-extra`, `lock-not-found`,
/// `requirement-unsupported` (dynamic dependencies).
pub fn read_project(path: &Path, select: &ProjectSelection) -> Result<Project, Problems> {
    project::read(path, select)
}

/// Reads the dependencies of a script, which stand in a comment of it (PEP 723), and its `requires-python`.
///
/// # Errors
/// All faults at once: `requirement-syntax`, `lock-not-found`.
pub fn read_script(path: &Path) -> Result<Project, Problems> {
    script::read(path)
}

/// Reads the text of a pyproject.toml that stands (or stood) at `path`.
///
/// # Errors
/// As [`read_project`].
pub fn read_project_text(text: &str, path: &Path, select: &ProjectSelection) -> Result<Project, Problems> {
    project::parse(text, path, select)
}

#[cfg(test)]
mod tests;
