//! Of what is wrong with what was asked for: a file of it, a group, a script.
//!
//! Never: says anything of a package.

use super::hashes::{UNHASHED, UNPINNED};
use crate::error::{Code, Problem};
use crate::way::look::freeze::{NAMELESS, NO_EDITABLE};

/// Where an address of version control may begin, as pip lists it.
const VERSION_CONTROL: &str = "bzr+http, bzr+https, bzr+ssh, bzr+sftp, bzr+ftp, bzr+lp, bzr+file, git+http, git+https, \
    git+ssh, git+git, git+file, hg+file, hg+http, hg+https, hg+ssh, hg+static-http, svn+ssh, svn+http, svn+https, svn+svn, \
    svn+file";

/// What is wrong with what was asked for: a file of it, a group, a script.
pub(super) fn inputs(problem: &Problem) -> Option<String> {
    let package = problem.package_name().unwrap_or_default();
    let found = problem.found_text().unwrap_or_default();
    let place = problem.place();
    let file = place.map(|place| place.file.as_str()).unwrap_or_default();
    Some(match problem.code() {
        // One that a file includes is told by its whole path.
        Code::LockNotFound if place.is_some_and(|place| place.line.is_some()) => {
            let whole = std::path::absolute(found).unwrap_or_else(|_| found.into());
            unopened(problem, &whole.display().to_string())
        }
        Code::LockNotFound if !found.is_empty() && found.contains("==") => UNHASHED.to_owned(),
        Code::LockNotFound if !found.is_empty() => UNPINNED.to_owned(),
        Code::LockNotFound if problem.expected_text() == Some("a project with dependency groups") => {
            format!("{file} not found. Cannot resolve '--group' option.")
        }
        Code::LockNotFound if problem.message().starts_with("nothing to lock") => {
            "You must give at least one requirement to lock (see \"pip help lock\")".to_owned()
        }
        Code::LockNotFound if file.ends_with(".py") => {
            format!(
                "Could not install packages due to an OSError: [Errno 2] No such file or directory: '{file}'"
            )
        }
        Code::LockNotFound => unopened(problem, file),
        Code::UnknownExtra | Code::RequirementSyntax
            if problem.message().contains("the dependency group `")
                || problem.message().contains("no dependency group `") =>
        {
            group(problem, file)
        }
        Code::RequirementSyntax if file.ends_with(".py") => script(problem, file),
        Code::PythonMismatch if package.is_empty() && file.ends_with(".py") => {
            let expected = problem.expected_text().unwrap_or_default();
            // Of a script pip tells two numbers.
            let release: Vec<&str> = found.trim_start_matches("Python ").splitn(3, '.').take(2).collect();
            format!(
                "Script '{file}' requires a different Python: {} not in '{}'",
                release.join("."),
                expected.trim_start_matches("Python ")
            )
        }
        Code::PythonMismatch => {
            let bare = |text: &str| text.trim_start_matches("Python ").to_owned();
            let expected = problem.expected_text().map(bare).unwrap_or_default();
            format!("Package '{package}' requires a different Python: {} not in '{expected}'", bare(found))
        }
        Code::RequirementSyntax if problem.message().starts_with(NO_EDITABLE) => format!(
            "{found} is not a valid editable requirement. It should either be a path to a local project or a VCS URL \
             (beginning with {VERSION_CONTROL})."
        ),
        Code::RequirementSyntax if problem.message().starts_with(NAMELESS) => format!(
            "Could not detect requirement name for '{found}', please specify one with your_package_name @ URL"
        ),
        Code::RequirementSyntax if !found.is_empty() => format!("Invalid requirement: '{found}'"),
        _ => return None,
    })
}

/// What is wrong with a dependency group.
fn group(problem: &Problem, file: &str) -> String {
    // One that an option names stands in no file, and is told with the project.
    let project = problem.message().split_once(" has no ").map(|(project, _)| project);
    let file = project.filter(|_| file.starts_with("--")).unwrap_or(file);
    if problem.expected_text() == Some("none") {
        return format!(
            "[dependency-groups] table was missing from '{file}'. Cannot resolve '--group' option."
        );
    }
    if let Some(name) = problem.message().strip_prefix("there are two of the dependency group ") {
        return format!(
            "[dependency-groups] data was invalid in {file}: Duplicate dependency group names: {}",
            name.replace('`', "")
        );
    }
    let including =
        problem.message().strip_prefix("the dependency group `").and_then(|rest| rest.split('`').next());
    match (problem.found_text(), including) {
        (Some(name), by) => format!(
            "[dependency-groups] resolution failed for '{}' from '{file}': Dependency group '{name}' not found",
            by.unwrap_or(name)
        ),
        (None, by) => format!(
            "[dependency-groups] resolution failed for '{}' from '{file}': Cyclic dependency group include",
            by.unwrap_or_default()
        ),
    }
}

/// What is wrong with a script that says what it needs.
fn script(problem: &Problem, file: &str) -> String {
    if problem.message().contains("not TOML") {
        return format!("Failed to parse TOML in '{file}'");
    }
    match problem.message() {
        "this script does not say what it needs" => {
            format!("File does not contain 'script' metadata: '{file}'")
        }
        "this script has several blocks that say what it needs" => {
            format!("Multiple 'script' blocks found in '{file}'")
        }
        _ => format!("Failed to parse the metadata of '{file}'"),
    }
}

fn unopened(problem: &Problem, file: &str) -> String {
    let kind = match problem.expected_text() {
        Some("a constraints file") => "constraint",
        _ => "requirements",
    };
    format!("Could not open {kind} file: [Errno 2] No such file or directory: '{file}'")
}
