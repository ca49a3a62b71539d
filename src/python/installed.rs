//! What is installed: the `*.dist-info` directories of a scheme ("Recording installed projects").
//!
//! Owns: reading them, each file bounded. Never: follows a row of a RECORD, or imports anything.

pub mod direct;
pub mod distribution;
pub mod message;
pub mod site;

use std::path::{Path, PathBuf};

use pipward_resolver::{PackageName, Version};

use super::Scheme;
use crate::error::{Code, Place, Problem, io};
use crate::room::read_sized;
use crate::wheel::record::{MAX_RECORD, Record};

/// How much of METADATA is read, in bytes: Name and Version stand near the top.
const MAX_HEAD: u64 = 1 << 20;
/// The largest INSTALLER or direct_url.json that is read, in bytes.
const MAX_SMALL: u64 = 64 << 10;
/// The most entries of a module directory that are looked at.
const MAX_ENTRIES: usize = 1 << 20;

/// What the module directories of a scheme hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    /// The distributions, in the order of name, version and place.
    pub distributions: Vec<InstalledDistribution>,
    /// What looks like the metadata of a distribution and cannot be read as such, in the order of paths.
    pub unreadable: Vec<PathBuf>,
}

/// An installed distribution.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstalledDistribution {
    /// Its name, normalised.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// The `*.dist-info` directory (or `*.egg-info` file or directory), absolute.
    pub dist_info: PathBuf,
    /// What INSTALLER says.
    pub installer: Option<String>,
    /// Whether it was asked for by name (REQUESTED).
    pub requested: bool,
    /// Whether it has a direct_url.json (PEP 610): it did not come from an index.
    pub direct: bool,
    /// Whether this is legacy metadata (`egg-info`), which has no RECORD.
    pub legacy: bool,
}

impl InstalledDistribution {
    /// The directory that the rows of RECORD are relative to.
    pub fn library(&self) -> &Path {
        self.dist_info.parent().unwrap_or(Path::new("/"))
    }

    /// Reads RECORD, as it stands: where its paths lead is unchecked.
    ///
    /// # Errors
    /// `unsafe-uninstall` where there is none, `record-invalid` where it cannot be read.
    pub fn record(&self) -> Result<Record, Problem> {
        let read = if self.legacy { Err(without_record(&self.dist_info)) } else { record(&self.dist_info) };
        read.map_err(|problem| problem.package(&self.name))
    }
}

/// Reads the RECORD in a `.dist-info` directory, as [`InstalledDistribution::record`].
///
/// # Errors
/// As there.
pub(crate) fn record(dist_info: &Path) -> Result<Record, Problem> {
    let path = dist_info.join("RECORD");
    let bytes = read_capped(&path, MAX_RECORD)?.ok_or_else(|| without_record(dist_info))?;
    Record::parse_installed(&bytes).map_err(|problem| problem.at(Place::file(path)))
}

fn without_record(dist_info: &Path) -> Problem {
    Problem::new(Code::UnsafeUninstall, "it has no RECORD, so nobody knows which files are its own")
        .at(Place::file(dist_info))
        .help("make the environment anew from the lock: --venv with a new directory")
}

/// Reads what is installed in `scheme`. A module directory that is not there holds nothing.
///
/// # Errors
/// Those of reading a directory.
pub fn read(scheme: &Scheme) -> Result<Installed, Problem> {
    let mut installed = Installed::default();
    for (path, legacy) in places(scheme)? {
        match distribution(&path, legacy)? {
            Some(found) => installed.distributions.push(found),
            None => installed.unreadable.push(path),
        }
    }
    installed.distributions.sort();
    installed.unreadable.sort();
    Ok(installed)
}

/// What looks like the metadata of a distribution, and whether it is of the legacy kind.
///
/// # Errors
/// Those of reading a directory.
pub(crate) fn places(scheme: &Scheme) -> Result<Vec<(PathBuf, bool)>, Problem> {
    let mut places = Vec::new();
    for directory in scheme.module_directories() {
        let entries = match std::fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(io("reading a directory", directory, &error)),
        };
        for entry in entries.take(MAX_ENTRIES) {
            let entry = entry.map_err(|error| io("reading a directory", directory, &error))?;
            let name = entry.file_name();
            match Path::new(&name).extension().and_then(|extension| extension.to_str()) {
                Some("dist-info") => places.push((entry.path(), false)),
                Some("egg-info") => places.push((entry.path(), true)),
                _ => {}
            }
        }
    }
    Ok(places)
}

/// Reads one of these places; `None` where there is no metadata that can be read.
///
/// # Errors
/// Those of reading files.
pub(crate) fn distribution(path: &Path, legacy: bool) -> Result<Option<InstalledDistribution>, Problem> {
    let metadata = match (legacy, path.is_file()) {
        (true, true) => path.to_path_buf(),
        (true, false) => path.join("PKG-INFO"),
        (false, _) => path.join("METADATA"),
    };
    let Some(head) = read_head(&metadata)? else { return Ok(None) };
    let Some((name, version)) = name_and_version(&head) else { return Ok(None) };
    let small = |name: &str| read_capped(&path.join(name), MAX_SMALL).ok().flatten();
    let installer = small("INSTALLER").map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    Ok(Some(InstalledDistribution {
        name,
        version,
        installer,
        requested: path.join("REQUESTED").is_file(),
        direct: path.join("direct_url.json").is_file(),
        dist_info: path.to_path_buf(),
        legacy,
    }))
}

/// The first `Name` and `Version` among the headers.
fn name_and_version(head: &[u8]) -> Option<(PackageName, Version)> {
    let text = String::from_utf8_lossy(head);
    let headers = || {
        text.lines().take_while(|line| !line.trim_end().is_empty()).filter_map(|line| line.split_once(':'))
    };
    let value = |wanted: &str| {
        headers().find(|(key, _)| key.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim().to_owned())
    };
    Some((value("name")?.parse().ok()?, value("version")?.parse().ok()?))
}

fn read_head(path: &Path) -> Result<Option<Vec<u8>>, Problem> {
    let Some((file, size)) = open(path)? else { return Ok(None) };
    read_sized(file, size, MAX_HEAD).map(Some).map_err(|error| io("reading a file", path, &error))
}

/// The content of a regular file of at most `cap` bytes; `None` where there is none.
pub(crate) fn read_capped(path: &Path, cap: u64) -> Result<Option<Vec<u8>>, Problem> {
    let Some((file, size)) = open(path)? else { return Ok(None) };
    let bytes = read_sized(file, size, cap + 1).map_err(|error| io("reading a file", path, &error))?;
    if u64::try_from(bytes.len()).map_or(true, |size| size > cap) {
        return Err(Problem::new(
            Code::EnvironmentInvalid,
            "a file of an installed distribution is too large",
        )
        .at(Place::file(path))
        .expected(format!("at most {cap} bytes"))
        .help("make the environment anew from the lock"));
    }
    Ok(Some(bytes))
}

/// Opens a regular file, and tells its size. What is not there, or is a pipe or a directory, counts as not there.
fn open(path: &Path) -> Result<Option<(std::fs::File, u64)>, Problem> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => {
            let file = std::fs::File::from(file);
            let found = file.metadata().map_err(|error| io("reading a file", path, &error))?;
            Ok(found.is_file().then_some((file, found.len())))
        }
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => Ok(None),
        Err(error) => Err(io("reading a file", path, &error.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_version_stand_among_the_headers() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let found = name_and_version(text.as_bytes());
            let found = found.map(|(name, version)| (name.to_string(), version.to_string()));
            assert_eq!(
                found,
                expected.map(|(name, version)| (name.to_owned(), version.to_owned())),
                "{text}"
            );
        };
        check("Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.0\n\nText", Some(("foo-bar", "1.0")));
        check("name: foo\r\nversion: 1\r\n\r\n", Some(("foo", "1")));
        check("Name: foo\n\nVersion: 1\n", None);
        check("Name: -\nVersion: 1\n", None);
        check("", None);
    }
}
