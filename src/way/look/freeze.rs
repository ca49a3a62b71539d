//! What is installed, as requirements.
//!
//! Owns: the lines, and their order after that of a requirements file. Never: asks a version control system.

mod line;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use self::line::Line;
pub(crate) use self::line::{NAMELESS, NO_EDITABLE};

use super::super::witness::Witness;
use super::{Filter, Look};
use crate::error::{Code, Place, Problem};
use crate::python::installed::distribution::{Found, normalized};

/// The largest requirements file that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct FreezeRequest {
    /// Which distributions; what it skips is left out of the part that no file names.
    pub filter: Filter,
    /// Requirements files whose order and comments are taken over.
    pub files: Vec<PathBuf>,
    /// Whether editable installations are left out.
    pub exclude_editable: bool,
    /// Whether hashes are added, of the files that were installed.
    pub hashes: bool,
    /// The cache directory, where runs note what they installed.
    pub cache: Option<PathBuf>,
}

/// The lines, and what else is to be said.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Frozen {
    /// Requirements, comments and options.
    pub lines: Vec<String>,
    /// Lines that are passed over, in pip's words, each before so many of the others.
    pub passed: Vec<(usize, String)>,
    /// Sentences for the user.
    pub warnings: Vec<String>,
}

/// Names that `freeze` leaves out unless all are asked for.
pub fn tools(python: Option<(u8, u8)>) -> &'static [&'static str] {
    if python.is_some_and(|python| python >= (3, 12)) {
        &["pip"]
    } else {
        &["pip", "setuptools", "distribute", "wheel"]
    }
}

/// Tells what is installed as requirements.
///
/// # Errors
/// `requirement-syntax` and `file-access` for a requirements file that cannot be read.
pub fn freeze(look: &Look, request: &FreezeRequest) -> Result<Frozen, Problem> {
    let mut frozen = Frozen::default();
    let witness = |interpreter: &crate::python::Interpreter| {
        Witness::read(request.cache.as_deref(), &interpreter.scheme)
    };
    let recorded = request.hashes.then(|| look.interpreter.as_ref().map(witness).unwrap_or_default());
    let everything = Filter { skip: BTreeSet::new(), ..request.filter.clone() };
    let mut left: BTreeMap<String, (&Found, String)> = BTreeMap::new();
    for found in look.select(&everything) {
        if request.exclude_editable && found.editable_location().is_some() {
            continue;
        }
        let line = match &recorded {
            Some(recorded) => with_hash(found, recorded, &mut frozen.warnings),
            None => line(found, &mut frozen.warnings),
        };
        left.insert(found.name.clone(), (found, line));
    }
    if !request.files.is_empty() {
        follow(&request.files, &mut left, &mut frozen)?;
        frozen.lines.push("## The following requirements were added by pip freeze:".to_owned());
    }
    let mut rest: Vec<_> =
        left.into_values().filter(|(found, _)| !request.filter.skip.contains(&found.name)).collect();
    rest.sort_by_key(|(found, _)| found.raw_name().to_lowercase());
    frozen.lines.extend(rest.into_iter().map(|(_, line)| line));
    Ok(frozen)
}

/// One distribution as a requirement.
fn line(found: &Found, warnings: &mut Vec<String>) -> String {
    if let Some(place) = found.editable_location() {
        let pin = found.pin();
        return format!("# Editable install with no version control ({pin})\n-e {}", place.display());
    }
    match found.origin() {
        Ok(Some(origin)) => origin.requirement(found.raw_name()),
        Ok(None) => found.pin(),
        Err(error) => {
            warnings.push(format!("Error parsing direct_url.json for {}: {error}", found.name));
            found.pin()
        }
    }
}

/// The same, with the hash of the file that it was installed from: as the run noted it, where no file has changed
/// since; else as its installer noted it.
fn with_hash(found: &Found, recorded: &Witness, warnings: &mut Vec<String>) -> String {
    let line = line(found, warnings);
    if found.origin().is_ok_and(|origin| origin.is_some()) || found.editable_location().is_some() {
        return line;
    }
    match recorded.vouches(&found.info).or_else(|| found.recorded_sha256()) {
        Some(sha256) => format!("{line} \\\n    --hash=sha256:{sha256}"),
        None => {
            let name = found.raw_name();
            warnings.push(format!("{name} has no record of the file that it was installed from: no hash"));
            line
        }
    }
}

/// Goes through requirements files: what is installed takes the place of the line that names it.
fn follow(
    files: &[PathBuf],
    left: &mut BTreeMap<String, (&Found, String)>,
    frozen: &mut Frozen,
) -> Result<(), Problem> {
    let mut options: BTreeSet<String> = BTreeSet::new();
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        let text = read(file)?;
        let shown = file.display().to_string();
        for text in text.lines() {
            let (name, requirement) = match line::read(text)
                .map_err(|problem| problem.at(Place::file(file)))?
            {
                Line::Continued => continue,
                Line::Repeated => {
                    let text = text.trim_end().to_owned();
                    if options.insert(text.clone()) {
                        frozen.lines.push(text);
                    }
                    continue;
                }
                Line::Nameless(requirement) => {
                    let words = format!(
                        "Skipping line in requirement file [{shown}] because it's not clear what it would install: \
                         {requirement}\n  (add #egg=PackageName to the URL to avoid this warning)"
                    );
                    frozen.passed.push((frozen.lines.len(), words));
                    continue;
                }
                Line::Named { name, requirement } => (name, requirement),
            };
            let files = seen.entry(name.clone()).or_default();
            match left.remove(&normalized(&name)) {
                Some((_, line)) => {
                    frozen.lines.push(line);
                    files.push(shown.clone());
                }
                None if files.is_empty() => frozen.warnings.push(format!(
                    "Requirement file [{shown}] contains {requirement}, but package '{name}' is not installed"
                )),
                None => files.push(shown.clone()),
            }
        }
    }
    for (name, mut files) in seen {
        if files.len() > 1 {
            files.sort();
            files.dedup();
            frozen
                .warnings
                .push(format!("Requirement {name} included multiple times [{}]", files.join(", ")));
        }
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, Problem> {
    let bytes = crate::document::read_bytes(file, MAX_FILE, Code::RequirementSyntax)?;
    String::from_utf8(bytes).map_err(|error| {
        Problem::new(Code::RequirementSyntax, "a requirements file is not UTF-8")
            .at(Place::file(file))
            .cause(error)
    })
}
