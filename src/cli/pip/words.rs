//! The words of pip's errors that scripts look for, told before pipward's own.
//!
//! Owns: which problem has such words. Never: leaves out what pipward says of it.

use crate::error::{Code, Problem};
use crate::lock::pylock::is_pylock_name;

const MISMATCH: &str = "THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.";

/// Whether two requirements contradict each other in their hashes alone.
fn is_of_hashes(problem: &Problem) -> bool {
    problem.message().contains("no hash in common")
}

/// The lines of pip's that go with a problem on standard error. The first is told as an error, the others as they are.
pub(in crate::cli) fn of(problem: &Problem) -> Vec<String> {
    let Some(first) = of_lock(problem).or_else(|| first(problem)) else { return Vec::new() };
    let mut lines = vec![first];
    match problem.code() {
        Code::HashMismatch => lines.extend(compared(problem)),
        Code::ProjectNotFound | Code::FileNotFound | Code::FileNotLocked => {
            lines.push(format!("ERROR: No matching distribution found for {}", wanted(problem)));
        }
        Code::DependencyVersion | Code::DuplicatePackage if !is_of_hashes(problem) => {
            lines.push(
                "ERROR: ResolutionImpossible: the versions that are asked for do not go together".to_owned(),
            );
        }
        Code::UnsafeUninstall => {
            lines.extend(problem.cause_text().map(|cause| format!("╰─> {cause}")));
            lines.extend(problem.help_text().map(|help| format!("hint: {help}")));
        }
        _ => {}
    }
    lines
}

/// What pip tells on standard output of requirements that contradict each other.
pub(in crate::cli) fn story(problem: &Problem) -> Vec<String> {
    if is_of_hashes(problem) || !matches!(problem.code(), Code::DependencyVersion | Code::DuplicatePackage) {
        return Vec::new();
    }
    let package = problem.package_name().unwrap_or_default();
    let found = problem.found_text().unwrap_or_default();
    let expected = problem.expected_text().unwrap_or_default();
    let mut lines = vec![String::new(), "The conflict is caused by:".to_owned()];
    let mut told = |line: String| lines.push(format!("    {line}"));
    match (problem.code(), problem.cause_text()) {
        (Code::DependencyVersion, Some(depends)) => {
            told(format!("The user requested {}", found.replacen(' ', "==", 1)));
            told(depends.to_owned());
        }
        (Code::DependencyVersion, None) => {
            told(format!("The user requested {package}=={found}"));
            let bare = expected.split(" (").next().unwrap_or_default();
            told(format!("The user requested (constraint) {bare}"));
        }
        _ => {
            for version in versions(found) {
                told(format!("The user requested {package}=={version}"));
            }
        }
    }
    lines
}

fn first(problem: &Problem) -> Option<String> {
    let package = problem.package_name().unwrap_or_default();
    let found = problem.found_text().unwrap_or_default();
    let place = problem.place();
    let file = place.map(|place| place.file.as_str()).unwrap_or_default();
    Some(match problem.code() {
        Code::DependencyVersion | Code::DuplicatePackage if is_of_hashes(problem) => MISMATCH.to_owned(),
        Code::HashMismatch => MISMATCH.to_owned(),
        Code::HashMissing | Code::HashWeak => unhashed(package),
        Code::PinMissing => unpinned(found),
        Code::DependencyNotInLock => {
            let needed = problem.expected_text().unwrap_or_default();
            unpinned(&format!("{needed} (from {package})"))
        }
        Code::NotInLock if !found.is_empty() => conflict(
            &problem
                .expected_text()
                .map_or_else(|| package.to_owned(), |expected| format!("{package}{expected}")),
        ),
        Code::NotInLock => unpinned(package),
        Code::ProjectNotFound | Code::FileNotFound | Code::FileNotLocked => {
            let from = if problem.code() == Code::FileNotFound && !found.is_empty() { found } else { "none" };
            format!(
                "Could not find a version that satisfies the requirement {} (from versions: {from})",
                wanted(problem)
            )
        }
        Code::NoMatchingWheel if found.ends_with(".whl") && !found.contains(", ") => {
            format!("{found} is not a supported wheel on this platform.")
        }
        Code::NoMatchingWheel => format!("No matching distribution found for {}", package.replace(' ', "==")),
        Code::LockNotFound if place.is_some_and(|place| place.line.is_some()) => unopened(problem, found),
        Code::LockNotFound if !found.is_empty() && found.contains("==") => unhashed(found),
        Code::LockNotFound if !found.is_empty() => unpinned(found),
        Code::LockNotFound => unopened(problem, file),
        Code::RequirementSyntax if !found.is_empty() => format!("Invalid requirement: '{found}'"),
        Code::OptionUnknown => format!("Invalid requirement: {found}: no such option: {found}"),
        Code::DependencyVersion if problem.cause_text().is_some() => {
            conflict(&format!("{package} and {}", found.replacen(' ', "==", 1)))
        }
        Code::DependencyVersion => conflict(&format!("{package}=={found}")),
        Code::DuplicatePackage => {
            let all: Vec<String> =
                versions(found).iter().map(|version| format!("{package}=={version}")).collect();
            conflict(&if all.is_empty() { package.to_owned() } else { all.join(" and ") })
        }
        Code::PythonMismatch => {
            let bare = |text: &str| text.trim_start_matches("Python ").to_owned();
            let expected = bare(problem.expected_text().unwrap_or_default());
            format!("Package '{package}' requires a different Python: {} not in '{expected}'", bare(found))
        }
        Code::ExternallyManaged => "externally-managed-environment".to_owned(),
        Code::UnsafeUninstall => format!("× {}", problem.message()),
        _ => return wheel(problem),
    })
}

/// What is wrong with a wheel.
fn wheel(problem: &Problem) -> Option<String> {
    let name = problem.package_name().and_then(|package| package.split(' ').next()).unwrap_or_default();
    let found = problem.found_text().unwrap_or_default();
    let entry = problem.place().and_then(|place| place.entry.as_deref()).unwrap_or_default();
    let file = problem.place().map(|place| place.file.as_str()).unwrap_or_default();
    Some(match problem.code() {
        Code::DistInfo if found.contains(" and ") => {
            format!(
                "{name} has an invalid wheel, multiple .dist-info directories found: {}",
                found.replace(" and ", ", ")
            )
        }
        Code::DistInfo if found.ends_with(".dist-info") => {
            format!(
                "{name} has an invalid wheel, .dist-info directory '{found}' does not start with '{name}'"
            )
        }
        Code::MetadataInvalid if problem.message().contains("not UTF-8") => {
            format!("Error decoding metadata for {file}: METADATA is not UTF-8")
        }
        Code::ArchiveNotZip => format!("Wheel '{name}' located at {file} is invalid."),
        Code::SchemeUnknown => {
            format!("Unexpected file in {file}: '{}'", if found.is_empty() { entry } else { found })
        }
        _ => return None,
    })
}

/// What pip says of a lock as a whole.
fn of_lock(problem: &Problem) -> Option<String> {
    let file = problem.place().map(|place| place.file.as_str())?;
    if !is_pylock_name(std::path::Path::new(file)) {
        return None;
    }
    match problem.code() {
        Code::LockNotFound if problem.found_text().is_none() => {
            Some(format!("Error reading pylock file '{file}'"))
        }
        Code::LockSyntax | Code::LockSchema | Code::LockVersion => {
            Some(format!("Invalid pylock file '{file}'"))
        }
        Code::EnvironmentMismatch
        | Code::PythonMismatch
        | Code::NoMatchingWheel
        | Code::DuplicatePackage
        | Code::RequirementUnsupported => {
            Some(format!("Cannot select requirements from pylock file '{file}'"))
        }
        _ => None,
    }
}

/// `flask==3.1`, of a problem about a release.
fn wanted(problem: &Problem) -> String {
    let package = problem.package_name().unwrap_or_default();
    let (name, version) = package.split_once(' ').unwrap_or((package, ""));
    if version.is_empty() { name.to_owned() } else { format!("{name}=={version}") }
}

/// The two sides of a comparison of hashes.
fn compared(problem: &Problem) -> Vec<String> {
    let all = |text: Option<&str>| -> Vec<String> {
        let words = text.unwrap_or_default().split(|c: char| !(c.is_ascii_alphanumeric() || c == ':'));
        words.filter_map(|word| word.strip_prefix("sha256:")).map(str::to_owned).collect()
    };
    let mut lines = Vec::new();
    for (at, expected) in all(problem.expected_text()).into_iter().enumerate() {
        let before = if at == 0 { "Expected sha256" } else { "             or" };
        lines.push(format!("        {before} {expected}"));
    }
    lines.extend(all(problem.found_text()).first().map(|got| format!("             Got        {got}")));
    lines
}

/// `1.0 (line 3) and 2.0` -> 1.0, 2.0.
fn versions(found: &str) -> Vec<&str> {
    found.split(" and ").filter_map(|one| one.split(' ').next()).filter(|one| !one.is_empty()).collect()
}

fn conflict(what: &str) -> String {
    format!("Cannot install {what} because these package versions have conflicting dependencies.")
}

fn unhashed(what: &str) -> String {
    format!(
        "Hashes are required in --require-hashes mode, but they are missing from some requirements. These have none: {what}"
    )
}

fn unpinned(what: &str) -> String {
    format!(
        "In --require-hashes mode, all requirements must have their versions pinned with ==. These do not: {what}"
    )
}

fn unopened(problem: &Problem, file: &str) -> String {
    let kind = match problem.expected_text() {
        Some("a constraints file") => "constraint",
        _ => "requirements",
    };
    format!("Could not open {kind} file: [Errno 2] No such file or directory: '{file}'")
}
