//! Who a wheel says it is, and whether everything in it lies where a wheel has it.
//!
//! Owns: the one .dist-info directory, its agreement with the file name, and the .data directory's keys.
//! Never: prefers one of two answers.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use pipward_resolver::{PackageName, Version, WheelName};

use super::archive::Archive;
use super::metadata::Metadata;
use super::path::ArchivePath;
use crate::error::{Code, Place, Problem};

const DIST_INFO: &str = ".dist-info";
const DATA: &str = ".data";
/// The schemes that a .data directory may name (binary distribution format, "The .data directory").
const SCHEMES: [&str; 5] = ["purelib", "platlib", "headers", "scripts", "data"];
/// What only an installer writes (recording installed projects; PEP 610).
const INSTALLER_OWNED: [&str; 3] = ["INSTALLER", "REQUESTED", "direct_url.json"];

/// The name of the one .dist-info directory, which fits the file name.
pub(super) fn dist_info(archive: &Archive, name: &WheelName) -> Result<String, Problem> {
    let found: BTreeSet<&str> = paths(archive)
        .filter_map(|path| path.parts().next())
        .filter(|first| ends_with(first, DIST_INFO))
        .collect();
    let mut found = found.into_iter();
    let (Some(directory), second) = (found.next(), found.next()) else {
        return Err(Problem::new(Code::DistInfo, "it has no .dist-info directory").expected(fitting(name)));
    };
    if let Some(second) = second {
        return Err(Problem::new(Code::DistInfo, "it has several .dist-info directories")
            .expected(fitting(name))
            .found(format!("{directory} and {second}")));
    }
    if !directory.strip_suffix(DIST_INFO).is_some_and(|stem| fits(stem, name)) {
        return Err(Problem::new(
            Code::DistInfo,
            "its .dist-info directory is another project's or version's",
        )
        .expected(fitting(name))
        .found(directory));
    }
    Ok(directory.to_owned())
}

fn fitting(name: &WheelName) -> String {
    format!("one for {} {}", name.name(), name.version())
}

fn fits(stem: &str, name: &WheelName) -> bool {
    let Some((project, version)) = stem.rsplit_once('-') else { return false };
    // "-" is written "_" in file names; older tools did the same to versions.
    PackageName::from_str(project).is_ok_and(|project| project == *name.name())
        && Version::from_str(&version.replace('_', "-")).is_ok_and(|version| version == *name.version())
}

fn paths(archive: &Archive) -> impl Iterator<Item = &ArchivePath> {
    archive.entries().iter().map(super::archive::Entry::path).chain(archive.directories())
}

fn ends_with(part: &str, suffix: &str) -> bool {
    part.len()
        .checked_sub(suffix.len())
        .and_then(|at| part.get(at..))
        .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

/// Files below .data have a scheme, only this wheel's .data is there, and nothing that an installer writes.
pub(super) fn check_layout(archive: &Archive, dist_info: &str) -> Result<(), Problem> {
    let stem = dist_info.strip_suffix(DIST_INFO).unwrap_or(dist_info);
    for path in paths(archive) {
        let mut parts = path.parts();
        let (first, second, third) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        if first == dist_info {
            check_owned(path, second)?;
        } else if ends_with(first, DATA) {
            if first.strip_suffix(DATA) != Some(stem) {
                return Err(scheme(path, "it has a .data directory of another wheel")
                    .expected(format!("{stem}{DATA}"))
                    .found(first));
            }
            if second.is_some_and(|key| !SCHEMES.contains(&key)) {
                return Err(scheme(path, "its .data directory has a key that is no scheme")
                    .expected(SCHEMES.join(", "))
                    .found(path));
            }
            if third.is_none() && archive.entries().iter().any(|entry| entry.path() == path) {
                return Err(scheme(path, "a file lies in its .data directory outside any scheme").found(path));
            }
            if matches!(second, Some("purelib" | "platlib"))
                && third.is_some_and(|third| ends_with(third, DIST_INFO))
            {
                return Err(Problem::new(
                    Code::DistInfo,
                    "its .data directory brings another .dist-info directory",
                )
                .found(path));
            }
        }
    }
    Ok(())
}

fn scheme(path: &ArchivePath, message: &str) -> Problem {
    Problem::new(Code::SchemeUnknown, message.to_owned()).found(path)
}

fn check_owned(path: &ArchivePath, second: Option<&str>) -> Result<(), Problem> {
    let owned =
        second.is_some_and(|second| INSTALLER_OWNED.iter().any(|owned| second.eq_ignore_ascii_case(owned)));
    if owned {
        return Err(
            Problem::new(Code::InstallerOwned, "it ships a file that only an installer writes").found(path)
        );
    }
    Ok(())
}

/// METADATA names the project and version that the file name does.
pub(super) fn check_metadata(metadata: &Metadata, name: &WheelName) -> Result<(), Problem> {
    if metadata.name == *name.name() && metadata.version == *name.version() {
        return Ok(());
    }
    Err(Problem::new(Code::MetadataMismatch, "METADATA names another project or version than the file name")
        .at(Place::file(name.as_str()).entry("METADATA"))
        .expected(format!("{} {}", name.name(), name.version()))
        .found(format!("{} {}", metadata.name, metadata.version)))
}
