//! One line of a requirements file, as far as `freeze` has to know it.
//!
//! Never: opens what a line names.

use std::path::Path;

use crate::error::{Code, Problem};
use crate::pep508::{self, Strictness};

/// Options of requirements files that are repeated as they stand: those that pip repeats, and after them the others.
const KEPT: [&str; 19] = [
    "-r",
    "--requirement",
    "-f",
    "--find-links",
    "-i",
    "--index-url",
    "--pre",
    "--trusted-host",
    "--process-dependency-links",
    "--extra-index-url",
    "--use-feature",
    "-c",
    "--constraint",
    "--no-index",
    "--no-binary",
    "--only-binary",
    "--prefer-binary",
    "--require-hashes",
    "--no-require-hashes",
];

/// How an editable requirement is refused that leads nowhere.
pub(crate) const NO_EDITABLE: &str =
    "this is neither the directory of a project nor an address of version control";
/// How one is refused that does not tell its name.
pub(crate) const NAMELESS: &str = "this address does not tell the name of its project";

/// What a line is.
pub(super) enum Line {
    /// Hashes of the line before it.
    Continued,
    /// Nothing, a comment or an option.
    Repeated,
    /// An address or path that does not tell which project it is of.
    Nameless(String),
    /// A requirement.
    Named { name: String, requirement: String },
}

/// # Errors
/// `requirement-syntax`.
pub(super) fn read(text: &str) -> Result<Line, Problem> {
    let trimmed = text.trim();
    if trimmed.starts_with("--hash") {
        return Ok(Line::Continued);
    }
    if trimmed.is_empty() || trimmed.starts_with('#') || KEPT.iter().any(|option| text.starts_with(option)) {
        return Ok(Line::Repeated);
    }
    let written = without_comment(text);
    let editable = written.strip_prefix("--editable").or_else(|| written.strip_prefix("-e"));
    let requirement = editable.map_or(written.as_str(), |rest| rest.trim_start_matches([' ', '=']));
    let refuse = |message: &str| {
        Err(Problem::new(Code::RequirementSyntax, message)
            .found(requirement)
            .help("mend the line, or delete it"))
    };
    let is_there = || {
        let path = Path::new(requirement.split('[').next().unwrap_or_default());
        path.exists() && !requirement.is_empty()
    };
    let is_version_control = requirement
        .split_once(':')
        .and_then(|(scheme, _)| scheme.split_once('+'))
        .is_some_and(|(tool, _)| matches!(tool, "git" | "hg" | "svn" | "bzr"));
    let known = named(requirement);
    match editable {
        Some(_) if is_version_control && known.is_none() => return refuse(NAMELESS),
        Some(_) if !is_version_control && is_there() => return Ok(Line::Nameless(requirement.to_owned())),
        Some(_) if !is_version_control => return refuse(NO_EDITABLE),
        _ => {}
    }
    match known {
        Some(name) => {
            check(requirement)?;
            Ok(Line::Named { name, requirement: requirement.to_owned() })
        }
        None if requirement.contains(':') || is_there() => Ok(Line::Nameless(requirement.to_owned())),
        None => refuse("this is no requirement"),
    }
}

/// That what begins with a name is a requirement, but for the hashes behind it.
fn check(requirement: &str) -> Result<(), Problem> {
    let is_address =
        requirement.contains("://") && !requirement.contains('@') || requirement.contains("#egg=");
    let is_path = requirement.split(['#', '[']).next().is_some_and(|path| path.ends_with(".whl"));
    if is_address || is_path {
        return Ok(());
    }
    let bare = requirement.split(" --").next().unwrap_or(requirement).trim_end_matches([' ', '\\']);
    pep508::requirement(bare, Strictness::Strict).map(drop).map_err(|reason| {
        Problem::new(Code::RequirementSyntax, format!("this requirement cannot be read: {reason}"))
            .found(bare)
            .help("mend the line, or delete it")
    })
}

/// A comment begins at the start of a line, or after a space.
fn without_comment(text: &str) -> String {
    let mut end = text.len();
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        if character == '#' && before.is_whitespace() {
            end = at;
            break;
        }
        before = character;
    }
    text.get(..end).unwrap_or_default().trim().trim_end_matches('\\').trim_end().to_owned()
}

/// The name in a requirement: before everything else, or in the fragment of an address.
fn named(text: &str) -> Option<String> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if let Some((_, fragment)) = text.split_once("#egg=").or_else(|| text.split_once("&egg=")) {
        let name: String = fragment.chars().take_while(|c| belongs(*c)).collect();
        return Some(name).filter(|name| !name.is_empty());
    }
    let name: String = text.chars().take_while(|c| belongs(*c)).collect();
    let rest = text.get(name.len()..).unwrap_or_default().trim_start();
    let is_scheme = rest.starts_with([':', '+']);
    let is_path = rest.starts_with(['/', '\\']) && !rest.starts_with("\\\n") || name.starts_with('.');
    if name.is_empty() || name.starts_with('-') || is_path || is_scheme || name.ends_with(".whl") {
        return rest_of_path(text);
    }
    Some(name)
}

/// The project that the name of a wheel tells.
fn rest_of_path(text: &str) -> Option<String> {
    let file = text.rsplit('/').next()?;
    let wheel = pipward_resolver::WheelName::parse(file.split(['#', '?']).next()?).ok()?;
    Some(wheel.name().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_in_a_line() {
        let check = |line: &str, expected: Result<Option<&str>, ()>| {
            let found = match read(line) {
                Ok(Line::Named { name, .. }) => Ok(Some(name)),
                Ok(_) => Ok(None),
                Err(_) => Err(()),
            };
            assert_eq!(found, expected.map(|name| name.map(str::to_owned)), "{line}");
        };
        check("Simple==1.0  # why", Ok(Some("Simple")));
        check("simple[extra]>=1 ; python_version > '3'", Ok(Some("simple")));
        check("simple @ https://e/simple-1-py3-none-any.whl", Ok(Some("simple")));
        check("-e git+https://e/r#egg=Thing", Ok(Some("Thing")));
        check("-e git+https://e/r", Err(()));
        check("git+https://e/r", Ok(None));
        check("https://e/simple-1-py3-none-any.whl#sha256=ab", Ok(Some("simple")));
        check("simple-1-py3-none-any.whl", Ok(Some("simple")));
        check("./src", Ok(None));
        check("-e ./src", Ok(None));
        check("-e ./nowhere", Err(()));
        check("./nowhere", Err(()));
        check("simple==1 --hash=sha256:ab", Ok(Some("simple")));
        check("simple==1 \\", Ok(Some("simple")));
        check("--no-index", Ok(None));
        check("--bogus", Err(()));
        check("foo bar", Err(()));
        check("foo ; nonsense", Err(()));
    }
}
