//! What a distribution says of itself.
//!
//! Owns: gathering it, and who requires whom. Never: decides how it looks.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Look, applying};
use crate::error::Problem;
use crate::python::installed::distribution::{Found, normalized};

/// What is shown of one distribution.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// `Name`.
    pub name: String,
    /// `Version`.
    pub version: String,
    /// `Summary`.
    pub summary: String,
    /// `Home-page`, or the project address of that label (PEP 753).
    pub homepage: String,
    /// `Author`.
    pub author: String,
    /// `Author-email`.
    pub author_email: String,
    /// `License`.
    pub license: String,
    /// `License-Expression`, where the metadata is of a version that has it.
    pub license_expression: Option<String>,
    /// The directory it is in.
    pub location: PathBuf,
    /// The directory that is worked on.
    pub editable_location: Option<PathBuf>,
    /// Names that it requires here.
    pub requires: Vec<String>,
    /// Names that require it here.
    pub required_by: Vec<String>,
    /// `Metadata-Version`.
    pub metadata_version: String,
    /// INSTALLER.
    pub installer: String,
    /// `Classifier`.
    pub classifiers: Vec<String>,
    /// The lines of entry_points.txt.
    pub entry_points: Vec<String>,
    /// `Project-URL`.
    pub project_urls: Vec<String>,
    /// The files of RECORD; `None` where nothing tells them.
    pub files: Option<Vec<String>>,
}

/// The distributions that were asked for, and the names that are not installed, as typed.
///
/// # Errors
/// `internal` where nobody tells the markers.
pub fn show(look: &Look, names: &[String]) -> Result<(Vec<Shown>, Vec<String>), Problem> {
    let mut missing: Vec<String> =
        names.iter().filter(|name| look.environment.named(&normalized(name)).is_none()).cloned().collect();
    missing.sort();
    let found = names.iter().filter_map(|name| look.environment.named(&normalized(name)));
    let shown = found.map(|found| one(look, found)).collect::<Result<_, _>>()?;
    Ok((shown, missing))
}

fn one(look: &Look, found: &Found) -> Result<Shown, Problem> {
    let target = look.target()?;
    let message = found.message();
    let header = |name: &str| message.get(name).unwrap_or_default().to_owned();
    let all = |name: &str| message.all(name).map(str::to_owned).collect::<Vec<_>>();
    let project_urls = all("Project-URL");
    let requires = match applying(found, target) {
        Ok(dependencies) => by_letter(dependencies.into_iter().map(|one| one.name)),
        Err(_) => by_letter(found.raw_dependencies()),
    };
    let mut required_by = BTreeSet::new();
    let mut readable = true;
    for other in &look.environment.distributions {
        match applying(other, target) {
            Ok(needs) if needs.iter().any(|one| one.requirement.name.to_string() == found.name) => {
                required_by.insert(other.raw_name().to_owned());
            }
            Ok(_) => {}
            Err(_) => readable = false,
        }
    }
    let required_by = if readable { by_letter(required_by) } else { vec!["#N/A".to_owned()] };
    let format: Vec<u32> =
        header("Metadata-Version").split('.').filter_map(|part| part.parse().ok()).collect();
    Ok(Shown {
        name: found.raw_name().to_owned(),
        version: found.raw_version().to_owned(),
        summary: header("Summary"),
        homepage: message
            .get("Home-page")
            .filter(|text| !text.is_empty())
            .map_or_else(|| labelled_homepage(&project_urls).unwrap_or_default(), str::to_owned),
        author: header("Author"),
        author_email: header("Author-email"),
        license: header("License"),
        license_expression: Some(header("License-Expression"))
            .filter(|text| !text.is_empty() && format >= vec![2, 4]),
        location: found.location().to_owned(),
        editable_location: found.editable_location(),
        requires,
        required_by,
        metadata_version: header("Metadata-Version"),
        installer: found.installer(),
        classifiers: all("Classifier"),
        entry_points: found.text("entry_points.txt").unwrap_or_default().lines().map(str::to_owned).collect(),
        project_urls,
        files: found.declared_files().map(|mut files| {
            files.sort();
            files
        }),
    })
}

/// PEP 753, "Label normalization": punctuation and whitespace are left out, and case does not count.
fn labelled_homepage(project_urls: &[String]) -> Option<String> {
    project_urls.iter().find_map(|entry| {
        let (label, address) = entry.split_once(',')?;
        let label: String = label
            .chars()
            .filter(|c| !c.is_ascii_punctuation() && !c.is_whitespace())
            .flat_map(char::to_lowercase)
            .collect();
        (label == "homepage").then(|| address.trim().to_owned())
    })
}

/// Without doubles, in the order of the alphabet whatever the case.
fn by_letter(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let names: BTreeSet<String> = names.into_iter().collect();
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort_by_key(|name| name.to_lowercase());
    names
}
