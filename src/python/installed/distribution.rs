//! A distribution as `importlib.metadata` finds it: a `.dist-info` directory, or legacy `.egg-info` and eggs.
//!
//! Owns: what its files say, each bounded, leniently read. Never: believes that they are true.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use pipward_resolver::{Requirement, VerbatimUrl, Version};

use super::direct::{Origin, OriginKind};
use super::message::Message;
use super::site::SearchPath;
use super::{MAX_ENTRIES, read_capped};
use crate::digest::Sha256;
use crate::error::{Problem, io};
use crate::pep508::{self, Strictness};
use crate::wheel::record::{MAX_RECORD, Record};

/// The largest METADATA that is read, in bytes.
const MAX_METADATA: u64 = 16 << 20;
/// The largest other file of a `.dist-info` directory that is read, in bytes.
const MAX_TEXT: u64 = 4 << 20;

/// In which form a distribution is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// "Recording installed projects".
    DistInfo,
    /// A directory that setuptools left.
    EggInfo,
    /// A file that distutils left.
    EggInfoFile,
}

/// A distribution.
#[derive(Debug)]
pub struct Found {
    /// Its `.dist-info` directory, or what older tools have in its place.
    pub info: PathBuf,
    /// The form of that.
    pub form: Form,
    /// Its name, normalised.
    pub name: String,
    /// The directory that makes it count as installed: where `info` is, or the link to that.
    pub installed_in: PathBuf,
    /// The version that the name of the directory tells.
    named_version: Option<String>,
    message: OnceLock<Message>,
}

/// A requirement of a distribution.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// As written.
    pub text: String,
    /// The name, as written.
    pub name: String,
    /// What it means.
    pub requirement: Requirement<VerbatimUrl>,
}

/// What was found, and what looked like a distribution and is none.
#[derive(Debug, Default)]
pub struct Environment {
    /// One a name, in the order of the search.
    pub distributions: Vec<Found>,
    /// Sentences about what was passed over.
    pub warnings: Vec<String>,
}

impl Environment {
    /// Looks through the directories. Of several distributions of one name the first is the one that Python finds.
    ///
    /// # Errors
    /// Those of reading a directory that is there.
    pub fn read(path: &SearchPath) -> Result<Self, Problem> {
        let mut environment = Self::default();
        let mut names = BTreeSet::new();
        for directory in &path.directories {
            for found in environment.in_directory(directory, directory)? {
                if names.insert(found.name.clone()) {
                    environment.distributions.push(found);
                }
            }
            for (link, target) in links(directory) {
                for found in environment.in_directory(&target, &link)? {
                    if names.insert(found.name.clone()) {
                        environment.distributions.push(found);
                    }
                }
            }
        }
        Ok(environment)
    }

    /// The distribution of this normalised name.
    pub fn named(&self, name: &str) -> Option<&Found> {
        self.distributions.iter().find(|found| found.name == name)
    }

    fn in_directory(&mut self, directory: &Path, installed_in: &Path) -> Result<Vec<Found>, Problem> {
        let entries = match std::fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(Vec::new());
            }
            Err(error) => return Err(io("reading a directory", directory, &error)),
        };
        let mut found = Vec::new();
        for entry in entries.take(MAX_ENTRIES) {
            let entry = entry.map_err(|error| io("reading a directory", directory, &error))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Some(one) = Found::of(directory, &name, installed_in) else { continue };
            if is_project_name(&one.name) {
                found.push(one);
            } else if name.starts_with('~') {
                self.warnings.push(format!(
                    "Ignoring incompletely removed distribution {name} ({}); \
                     what begins with '~' is left of an interrupted change and can be deleted",
                    directory.display()
                ));
            } else {
                self.warnings.push(format!(
                    "Ignoring invalid distribution {} ({})",
                    one.name,
                    directory.display()
                ));
            }
        }
        found.sort_by(|one, other| one.info.cmp(&other.info));
        Ok(found)
    }
}

/// The directories that `.egg-link` files lead to, with the directory of the link.
fn links(directory: &Path) -> Vec<(PathBuf, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.take(MAX_ENTRIES).flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "egg-link") {
            continue;
        }
        let Ok(Some(bytes)) = read_capped(&path, MAX_TEXT) else { continue };
        let text = String::from_utf8_lossy(&bytes);
        if let Some(line) = text.lines().map(str::trim).find(|line| !line.is_empty()) {
            found.push((directory.to_owned(), directory.join(line)));
        }
    }
    found.sort();
    found
}

/// PEP 508, "Names".
fn is_project_name(name: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

/// PEP 503, "Normalized Names".
pub fn normalized(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            _ => normal.extend(character.to_lowercase()),
        }
    }
    normal
}

impl Found {
    fn of(directory: &Path, entry: &str, installed_in: &Path) -> Option<Self> {
        let info = directory.join(entry);
        let lower = entry.to_ascii_lowercase();
        let (form, stem) = if lower.ends_with(".dist-info") {
            (Form::DistInfo, entry.get(..entry.len().checked_sub(10)?)?)
        } else if lower.ends_with(".egg-info") {
            let form = if info.is_dir() { Form::EggInfo } else { Form::EggInfoFile };
            (form, entry.get(..entry.len().checked_sub(9)?)?)
        } else if lower == "egg-info" {
            // An egg is a directory of its own on the path, with its metadata inside.
            let egg = directory.file_name()?.to_str()?;
            (Form::EggInfo, egg.strip_suffix(".egg")?)
        } else {
            return None;
        };
        let (name, version) = stem.split_once('-').map_or((stem, None), |(name, rest)| (name, Some(rest)));
        let version = version.filter(|_| form == Form::DistInfo);
        let mut found = Self {
            info,
            form,
            name: normalized(name),
            installed_in: installed_in.to_owned(),
            named_version: version.map(str::to_owned),
            message: OnceLock::new(),
        };
        if form == Form::DistInfo && version.is_none() {
            // Only METADATA can tell.
            found.name = normalized(found.message().get("Name")?);
        }
        Some(found)
    }

    /// METADATA, or PKG-INFO with the requirements that older tools wrote beside it.
    pub fn message(&self) -> &Message {
        self.message.get_or_init(|| {
            let read = |path: &Path| read_capped(path, MAX_METADATA).ok().flatten();
            let bytes = match self.form {
                Form::EggInfoFile => read(&self.info),
                _ => read(&self.info.join("METADATA")).or_else(|| read(&self.info.join("PKG-INFO"))),
            };
            let mut message = Message::parse(&String::from_utf8_lossy(&bytes.unwrap_or_default()));
            let (requirements, extras) = self.legacy_requirements();
            for (header, values) in
                [("Requires-Dist", requirements), ("Provides-Extra", extras.into_iter().collect())]
            {
                if message.get(header).is_none() {
                    values.into_iter().for_each(|value| message.push(header, value));
                }
            }
            message
        })
    }

    /// `Name`, as written.
    pub fn raw_name(&self) -> &str {
        self.message().get("Name").unwrap_or(&self.name)
    }

    /// `Version`, as written.
    pub fn raw_version(&self) -> &str {
        self.message().get("Version").unwrap_or("None")
    }

    /// The version; `None` where it is none (PEP 440).
    pub fn version(&self) -> Option<Version> {
        self.named_version.as_deref().unwrap_or_else(|| self.raw_version()).trim().parse().ok()
    }

    /// The version as it is shown: normalised where it is one.
    pub fn shown_version(&self) -> String {
        self.version().map_or_else(|| self.raw_version().to_owned(), |version| version.to_string())
    }

    /// `name==version`, or `name===version` for a version of no known form.
    pub fn pin(&self) -> String {
        match self.version() {
            Some(version) => format!("{}=={version}", self.raw_name()),
            None => format!("{}==={}", self.raw_name(), self.raw_version()),
        }
    }

    /// Where it is: the directory that `info` is in.
    pub fn location(&self) -> &Path {
        self.info.parent().unwrap_or(Path::new("/"))
    }

    /// A file of the `.dist-info` directory, as text.
    pub fn text(&self, name: &str) -> Option<String> {
        let bytes = read_capped(&self.info.join(name), MAX_TEXT).ok().flatten()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The first line of INSTALLER that says something; empty where nobody said.
    pub fn installer(&self) -> String {
        let text = self.text("INSTALLER").unwrap_or_default();
        text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
    }

    /// Whether it was asked for by name.
    pub fn is_requested(&self) -> bool {
        self.info.join("REQUESTED").is_file()
    }

    /// direct_url.json, or what is wrong with it.
    ///
    /// # Errors
    /// What [`Origin::parse`] says.
    pub fn origin(&self) -> Result<Option<Origin>, String> {
        self.text("direct_url.json").map(|text| Origin::parse(&text)).transpose()
    }

    /// The SHA-256 of the file that it was installed from, as its installer noted it (provenance_url.json, PEP 710).
    pub fn recorded_sha256(&self) -> Option<Sha256> {
        let origin = Origin::parse(&self.text("provenance_url.json")?).ok()?;
        let OriginKind::Archive(hashes) = origin.kind else { return None };
        let (_, hex) = hashes.iter().find(|(algorithm, _)| algorithm == "sha256")?;
        Sha256::from_hex(hex)
    }

    /// The directory that is worked on, of an editable installation.
    pub fn editable_location(&self) -> Option<PathBuf> {
        match self.origin() {
            Ok(Some(origin)) if origin.is_editable() => {
                url::Url::parse(&origin.url).ok()?.to_file_path().ok()
            }
            Ok(Some(_)) => None,
            _ => (self.location() != self.installed_in).then(|| self.location().to_owned()),
        }
    }

    /// `Requires-Dist`, as written.
    pub fn raw_dependencies(&self) -> Vec<String> {
        self.message().all("Requires-Dist").map(|text| text.trim().to_owned()).collect()
    }

    /// What it requires, whatever the environment.
    ///
    /// # Errors
    /// What is wrong with the first requirement that cannot be read.
    pub fn dependencies(&self) -> Result<Vec<Dependency>, String> {
        self.raw_dependencies().into_iter().map(Dependency::parse).collect()
    }

    /// The paths of RECORD, or of what older tools wrote; `None` where nothing tells them.
    pub fn declared_files(&self) -> Option<Vec<String>> {
        let record = read_capped(&self.info.join("RECORD"), MAX_RECORD).ok().flatten();
        if let Some(record) = record.and_then(|bytes| Record::parse_installed(&bytes).ok()) {
            return Some(record.rows.into_iter().map(|row| plain(Path::new(&row.path))).collect());
        }
        let info = Path::new(self.info.file_name()?);
        let listed = self.text("installed-files.txt")?;
        let lines = listed.lines().filter(|line| !line.is_empty());
        Some(
            lines
                .map(|line| {
                    let mut parts: Vec<_> = info.components().collect();
                    for part in Path::new(line).components() {
                        match part {
                            std::path::Component::ParentDir
                                if parts
                                    .last()
                                    .is_some_and(|last| *last != std::path::Component::ParentDir) =>
                            {
                                parts.pop();
                            }
                            other => parts.push(other),
                        }
                    }
                    parts.into_iter().collect::<PathBuf>().display().to_string()
                })
                .collect(),
        )
    }

    /// requires.txt of an `.egg-info` directory, as requirements and extras: a section is an extra, a marker, or both.
    fn legacy_requirements(&self) -> (Vec<String>, BTreeSet<String>) {
        let (mut found, mut extras) = (Vec::new(), BTreeSet::new());
        if self.form != Form::EggInfo {
            return (found, extras);
        }
        let text = self.text("requires.txt").unwrap_or_default();
        let mut condition = String::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) else {
                found.push(format!("{line}{condition}"));
                continue;
            };
            let (extra, marker) = section.split_once(':').unwrap_or((section, ""));
            let extra = normalized(extra);
            condition = match (extra.as_str(), marker) {
                ("", "") => String::new(),
                ("", marker) => format!(" ; {marker}"),
                (extra, "") => format!(" ; extra == \"{extra}\""),
                (extra, marker) => format!(" ; ({marker}) and extra == \"{extra}\""),
            };
            if !extra.is_empty() {
                extras.insert(extra);
            }
        }
        (found, extras)
    }
}

/// A path with what says nothing left out, as a path library prints it.
fn plain(path: &Path) -> String {
    let parts = path.components().filter(|part| *part != std::path::Component::CurDir);
    parts.collect::<PathBuf>().display().to_string()
}

impl Dependency {
    fn parse(text: String) -> Result<Self, String> {
        let requirement = pep508::requirement(&text.replace('\n', " "), Strictness::Lenient)
            .map_err(|error| format!("{text}: {error}"))?;
        let belongs = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let name: String = text.chars().take_while(|c| belongs(*c)).collect();
        Ok(Self { name, requirement, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_projects() {
        let check = |name: &str, expected: bool| assert_eq!(is_project_name(name), expected, "{name}");
        for name in ["a", "A-b", "a.b_c"] {
            check(name, true);
        }
        for name in ["", "-a", "~a", "a-", "ä"] {
            check(name, false);
        }
    }

    #[test]
    fn the_directory_tells_name_and_version() {
        let place = tempfile::tempdir().unwrap();
        let check = |entry: &str, expected: Option<(&str, Option<&str>)>| {
            let found = Found::of(place.path(), entry, place.path());
            let found = found.as_ref().map(|one| (one.name.as_str(), one.named_version.as_deref()));
            assert_eq!(found, expected, "{entry}");
        };
        check("Foo_Bar-1.0.dist-info", Some(("foo-bar", Some("1.0"))));
        check("foo-1.0-py3.9.egg-info", Some(("foo", None)));
        check("foo.egg-info", Some(("foo", None)));
        check("foo.dist-info", None);
        check("foo.py", None);
        check("EGG-INFO", None);
        let egg = place.path().join("Foo_Bar-1.0-py3.9.egg");
        let found = Found::of(&egg, "EGG-INFO", &egg).map(|one| one.name);
        assert_eq!(found.as_deref(), Some("foo-bar"));
    }
}
