//! The words of pip's errors that scripts look for, told before pipward's own.
//!
//! Owns: which problem has such words. Never: leaves out what pipward says of it.

use crate::error::{Code, Problem};

/// The line of pip's that goes with a problem, if there is one.
pub(in crate::cli) fn of(problem: &Problem) -> Option<String> {
    let package = problem.package_name().unwrap_or_default();
    let found = problem.found_text().unwrap_or_default();
    let place = problem.place();
    let file = place.map(|place| place.file.as_str()).unwrap_or_default();
    Some(match problem.code() {
        Code::HashMismatch => "THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.".to_owned(),
        Code::HashMissing | Code::HashWeak => {
            format!(
                "Hashes are required in --require-hashes mode, but they are missing from some requirements: {package}"
            )
        }
        Code::PinMissing => format!(
            "In --require-hashes mode, all requirements must have their versions pinned with ==. These do not: {found}"
        ),
        Code::DependencyNotInLock => format!(
            "In --require-hashes mode, all requirements must have their versions pinned with ==. Not pinned: {}",
            problem.message()
        ),
        Code::ProjectNotFound | Code::FileNotFound | Code::FileNotLocked => {
            let (name, version) = package.split_once(' ').unwrap_or((package, ""));
            let wanted = if version.is_empty() { name.to_owned() } else { format!("{name}=={version}") };
            format!("No matching distribution found for {wanted}")
        }
        Code::NoMatchingWheel if found.ends_with(".whl") && !found.contains(", ") => {
            format!("{found} is not a supported wheel on this platform.")
        }
        Code::NoMatchingWheel => format!("No matching distribution found for {}", package.replace(' ', "==")),
        Code::LockNotFound if place.is_some_and(|place| place.line.is_some()) => {
            format!("Could not open requirements file: [Errno 2] No such file or directory: '{found}'")
        }
        Code::LockNotFound if problem.package_name().is_none() && found.is_empty() => {
            format!("Could not open requirements file: [Errno 2] No such file or directory: '{file}'")
        }
        Code::RequirementSyntax if !found.is_empty() => format!("Invalid requirement: '{found}'"),
        Code::OptionUnknown => format!("Invalid requirement: {found}: no such option: {found}"),
        Code::DependencyVersion | Code::DuplicatePackage => {
            format!("Cannot install {package} because these package versions have conflicting dependencies.")
        }
        Code::PythonMismatch => {
            let bare = |text: &str| text.trim_start_matches("Python ").to_owned();
            let expected = bare(problem.expected_text().unwrap_or_default());
            format!("Package '{package}' requires a different Python: {} not in '{expected}'", bare(found))
        }
        Code::ExternallyManaged => "externally-managed-environment".to_owned(),
        _ => return None,
    })
}
