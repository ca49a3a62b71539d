//! Of hashes: what has none, what is not pinned, and what is not what it was to be.
//!
//! Never: says a hash that nothing but an index has told.

use super::{is_of_hashes, wanted};
use crate::error::{Code, Place, Problem};
use crate::index::LOOKED_AT;

/// What is put in has another hash.
pub(super) const MISMATCH: &str = "THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the \
    package versions, please update the hashes. Otherwise, examine the package contents carefully; someone may have tampered \
    with them.";
/// What is asked for has none.
pub(super) const UNHASHED: &str = "Hashes are required in --require-hashes mode, but they are missing from some requirements. These have none:";
/// What is asked for is not one version.
pub(super) const UNPINNED: &str =
    "In --require-hashes mode, all requirements must have their versions pinned with ==. These do not:";

/// The names that such a line is about, each on a line of its own beneath it; `lines` are those before.
pub(super) fn listed(problem: &Problem, lines: &[String]) -> Vec<String> {
    let is_told = |sentence: &str| lines.last().is_some_and(|last| last == sentence);
    let package = problem.package_name().unwrap_or_default();
    if is_of_hashes(problem) {
        let row = format!("    {package}{}", from(problem));
        return vec![format!("{row}:"), format!("ERROR: {UNHASHED}"), row];
    }
    if is_told(MISMATCH) {
        return compared(problem);
    }
    if !is_told(UNHASHED) && !is_told(UNPINNED) {
        return Vec::new();
    }
    let found = problem.found_text().unwrap_or_default();
    let row = match problem.code() {
        Code::DependencyNotInLock => {
            format!("{} (from {package})", problem.expected_text().unwrap_or_default())
        }
        Code::NotInLock => package.to_owned(),
        Code::HashWeak => format!("{package}{}", from(problem)),
        _ if found.is_empty() => format!("{package}{}", from(problem)),
        _ => format!("{found}{}", from(problem)),
    };
    vec![format!("    {row}")]
}

/// What was compared, and the two sides of it.
fn compared(problem: &Problem) -> Vec<String> {
    let found = problem.found_text().unwrap_or_default();
    let file = problem.message().strip_suffix(" is not the file that was locked");
    let file = file.and_then(|file| Some(file.split_once(" from ")?.1));
    let looked_at = || problem.details_json().and_then(|details| details.get(LOOKED_AT)?.as_str());
    let mut lines = Vec::new();
    if let Some(file) = file.or_else(looked_at).filter(|_| problem.code() == Code::HashMismatch) {
        // pip tells a file of this machine by its address.
        let file = url::Url::from_file_path(file).map_or_else(|()| file.to_owned(), String::from);
        lines.push(format!("    {} from {file}{}:", wanted(problem), from(problem)));
    }
    let expected = problem.expected_text().unwrap_or_default();
    for algorithm in ["sha256", "sha384", "sha512"] {
        for (at, hex) in all(expected, algorithm).into_iter().enumerate() {
            let before = if at == 0 { algorithm } else { "    or" };
            lines.push(format!("        Expected {before} {hex}"));
        }
        lines.extend(all(found, algorithm).first().map(|got| format!("             Got        {got}")));
    }
    lines
}

/// The digits of all hashes of an algorithm in a text.
fn all<'t>(text: &'t str, algorithm: &str) -> Vec<&'t str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':'));
    words.filter_map(|word| word.strip_prefix(algorithm)?.strip_prefix(':')).collect()
}

/// The line of a file that asks for it.
fn from(problem: &Problem) -> String {
    let Some(Place { file, line: Some(line), entry: None }) = problem.place() else { return String::new() };
    format!(" (from -r {file} (line {line}))")
}
