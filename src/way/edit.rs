//! Putting a requirement into the inputs of a lock, or taking it out: a pyproject.toml or a requirements file.
//!
//! Owns: the changed text, everything else in it as it was. Pure. Never: writes a file.

use std::path::Path;

use pipward_resolver::{ExtraName, PackageName};
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

use crate::error::{Code, Place, Problem};
use crate::pep508::{self, Strictness};

/// What happens to a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// It is put in, in place of another one on the same name.
    Put(PackageName, String),
    /// It is taken out.
    Take(PackageName),
}

impl Edit {
    /// A requirement that is to be put in.
    ///
    /// # Errors
    /// `requirement-syntax`.
    pub fn put(text: &str) -> Result<Self, Problem> {
        let read = pep508::requirement(text, Strictness::Strict).map_err(|error| {
            Problem::new(Code::RequirementSyntax, "this is not a requirement (PEP 508)")
                .found(text)
                .cause(error)
                .help("write it as 'name', 'name>=1.2' or 'name[extra]>=1.2'")
        })?;
        Ok(Self::Put(read.name, text.trim().to_owned()))
    }

    /// The project that it is about.
    pub fn name(&self) -> &PackageName {
        let (Self::Put(name, _) | Self::Take(name)) = self;
        name
    }
}

/// The list of a pyproject.toml that is changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Section {
    /// `[project] dependencies`.
    #[default]
    Project,
    /// An extra: `[project.optional-dependencies]`.
    Extra(String),
    /// A dependency group: `[dependency-groups]` (PEP 735).
    Group(String),
}

impl Section {
    /// The tables that lead to it, and its key.
    fn path(&self) -> (&[&str], &str) {
        match self {
            Self::Project => (&["project"], "dependencies"),
            Self::Extra(name) => (&["project", "optional-dependencies"], name),
            Self::Group(name) => (&["dependency-groups"], name),
        }
    }
}

/// Changes the text of the file at `path`: by its name it is a pyproject.toml or a requirements file.
///
/// # Errors
/// `requirement-syntax` for a file that cannot be read; `not-in-lock` where what is to be taken out is not in it; `usage`
/// for a section of a file that has none.
pub fn edit(text: &str, path: &Path, section: &Section, edits: &[Edit]) -> Result<String, Problem> {
    if path.extension().is_some_and(|extension| extension == "toml") {
        project(text, path, section, edits)
    } else if *section == Section::Project {
        requirements(text, path, edits)
    } else {
        Err(Problem::new(Code::Usage, "a requirements file has neither extras nor groups")
            .at(Place::file(path))
            .help("name a pyproject.toml with --input, or leave out --optional and --group"))
    }
}

fn absent(name: &PackageName, path: &Path) -> Problem {
    Problem::new(Code::NotInLock, "this is not among the requirements")
        .package(name)
        .at(Place::file(path))
        .help("name one of the requirements in that file; what they depend on goes along with them")
}

fn names(text: &str, name: &PackageName) -> bool {
    pep508::requirement(text, Strictness::Lenient).is_ok_and(|read| read.name == *name)
}

fn project(text: &str, path: &Path, section: &Section, edits: &[Edit]) -> Result<String, Problem> {
    let invalid = |cause: &dyn std::fmt::Display| {
        Problem::new(Code::RequirementSyntax, "this pyproject.toml cannot be changed")
            .at(Place::file(path))
            .cause(cause)
            .help("mend it, or put the requirement in yourself")
    };
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| invalid(&error))?;
    let (tables, key) = section.path();
    let mut table: &mut dyn TableLike = document.as_table_mut();
    for name in tables {
        table = table
            .entry(name)
            .or_insert_with(|| Item::Table(Table::new()))
            .as_table_like_mut()
            .ok_or_else(|| invalid(&format!("{name} is no table")))?;
    }
    // Names of extras and groups are compared as they are normalised.
    let known = table.iter().map(|(known, _)| known.to_owned()).find(|known| same_name(known, key));
    let dependencies = table
        .entry(known.as_deref().unwrap_or(key))
        .or_insert_with(|| Item::Value(Value::Array(Array::new())))
        .as_array_mut()
        .ok_or_else(|| invalid(&format!("{key} is no array")))?;
    for edit in edits {
        let at = dependencies
            .iter()
            .position(|entry| entry.as_str().is_some_and(|entry| names(entry, edit.name())));
        match (edit, at) {
            (Edit::Put(_, requirement), Some(at)) => {
                dependencies.replace(at, requirement.as_str());
            }
            (Edit::Put(_, requirement), None) => push(dependencies, requirement),
            (Edit::Take(_), Some(at)) => take(dependencies, at),
            (Edit::Take(name), None) => return Err(absent(name, path)),
        }
    }
    Ok(document.to_string())
}

fn same_name(one: &str, other: &str) -> bool {
    match (one.parse::<ExtraName>(), other.parse::<ExtraName>()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// What stands before an entry: the end of the line before, with its comment, and the lines down to the entry.
fn split(space: &str) -> (&str, &str) {
    space.split_at(space.find('\n').unwrap_or(space.len()))
}

fn space(raw: Option<&toml_edit::RawString>) -> String {
    raw.and_then(toml_edit::RawString::as_str).unwrap_or_default().to_owned()
}

/// Adds an entry that looks like the one before it. Comments stay with the lines that they are on.
fn push(array: &mut Array, requirement: &str) {
    let Some(last) = array.len().checked_sub(1).and_then(|at| array.get(at)) else {
        return array.push(requirement);
    };
    let (prefix, suffix) = (space(last.decor().prefix()), space(last.decor().suffix()));
    let indent = prefix.rsplit_once('\n').map(|(_, indent)| format!("\n{indent}"));
    let trailing = space(Some(array.trailing()));
    // Behind a last comma, what follows is the array's; else it is the entry's.
    let (behind, rest) = split(if array.trailing_comma() { &trailing } else { &suffix });
    let (behind, rest) = (behind.to_owned(), rest.to_owned());
    let mut value = Value::from(requirement);
    value.decor_mut().set_prefix(match indent {
        // A comment before the last entry is that entry's own.
        Some(indent) if behind.contains('#') => format!("{behind}{indent}"),
        Some(indent) => indent,
        None if array.len() == 1 && prefix.is_empty() => " ".to_owned(),
        None => prefix,
    });
    if array.trailing_comma() {
        array.set_trailing(rest);
    } else {
        value.decor_mut().set_suffix(rest);
        if let Some(last) = array.len().checked_sub(1).and_then(|at| array.get_mut(at)) {
            last.decor_mut().set_suffix("");
        }
    }
    array.push_formatted(value);
}

/// Takes an entry out, with the comment on its own line; other comments stay.
fn take(array: &mut Array, at: usize) {
    let gone = array.remove(at);
    let (prefix, suffix) = (space(gone.decor().prefix()), space(gone.decor().suffix()));
    let (before, lines) = split(&prefix);
    // The lines above it, without its own indent.
    let above = lines.rsplit_once('\n').map_or("", |(above, _)| above);
    let joined = |next: &str| match split(next) {
        (_, "") if at == 0 => prefix.clone(),
        (_, "") => next.to_owned(),
        (_, rest) => format!("{before}{above}{rest}"),
    };
    if let Some(next) = array.get_mut(at) {
        let after = joined(&space(next.decor().prefix()));
        next.decor_mut().set_prefix(after);
    } else if array.trailing_comma() {
        let after = joined(&space(Some(array.trailing())));
        array.set_trailing(after);
    } else if let (Some(last), (_, rest)) =
        (at.checked_sub(1).and_then(|at| array.get_mut(at)), split(&suffix))
    {
        let before = if before.contains('#') { before } else { "" };
        last.decor_mut().set_suffix(format!("{before}{above}{rest}"));
    }
    if array.is_empty() && !space(Some(array.trailing())).contains('#') {
        array.set_trailing("");
        array.set_trailing_comma(false);
    }
}

/// A requirement of a requirements file: the lines that it takes, and what it says.
struct Entry {
    lines: std::ops::Range<usize>,
    bare: String,
}

/// The requirements among lines, continued ones put together. (What pip takes for a comment, it takes behind any space.)
fn entries(lines: &[String]) -> Vec<Entry> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < lines.len() {
        let (begin, mut bare) = (at, String::new());
        while let Some(line) = lines.get(at) {
            at += 1;
            let is_comment = line.trim_start().starts_with('#');
            let text = line.get(..comment(line)).unwrap_or(line);
            match text.strip_suffix('\\').filter(|_| !is_comment) {
                Some(text) => bare.push_str(text),
                None => {
                    bare.push_str(text);
                    break;
                }
            }
        }
        // Options of a requirement stand behind it.
        let bare = bare.split(" --").next().unwrap_or_default().trim().to_owned();
        if !bare.is_empty() && !bare.starts_with('-') {
            found.push(Entry { lines: begin..at, bare });
        }
    }
    found
}

/// Where the comment of a line begins, with the space before it; at its end where it has none.
fn comment(line: &str) -> usize {
    let mut hashes = line.match_indices('#').map(|(at, _)| line.get(..at).unwrap_or_default());
    let before = hashes.find(|before| before.is_empty() || before.ends_with(char::is_whitespace));
    before.map_or(line.len(), |before| before.trim_end().len())
}

fn requirements(text: &str, path: &Path, edits: &[Edit]) -> Result<String, Problem> {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for edit in edits {
        let found = entries(&lines).into_iter().find(|entry| names(&entry.bare, edit.name()));
        match (edit, found) {
            (Edit::Put(_, requirement), Some(entry)) => {
                let last = lines.get(entry.lines.end - 1).cloned().unwrap_or_default();
                let line = format!("{requirement}{}", last.get(comment(&last)..).unwrap_or_default());
                lines.splice(entry.lines, [line]);
            }
            (Edit::Put(_, requirement), None) => lines.push(requirement.clone()),
            (Edit::Take(_), Some(entry)) => drop(lines.drain(entry.lines)),
            (Edit::Take(name), None) => return Err(absent(name, path)),
        }
    }
    Ok(lines.iter().map(|line| format!("{line}{end}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, text: &str, edits: &[Edit], expected: &str) {
        assert_eq!(edit(text, Path::new(path), &Section::Project, edits).unwrap(), expected);
    }

    fn put(text: &str) -> Edit {
        Edit::put(text).unwrap()
    }

    #[test]
    fn a_project_keeps_its_form() {
        let text = "# mine\n[project]\nname = 'x'  # why\ndependencies = [\n    'flask>=2',\n    # old\n    \"idna\",\n]\n\n[tool.x]\na=1\n";
        let expected = "# mine\n[project]\nname = 'x'  # why\ndependencies = [\n    \"Flask>=3\",\n    # old\n    \"idna\",\n    \"anyio\",\n]\n\n[tool.x]\na=1\n";
        check("pyproject.toml", text, &[put("Flask>=3"), put("anyio")], expected);
        let less = "[project]\ndependencies = [\"b\"]\n";
        check(
            "pyproject.toml",
            "[project]\ndependencies = [\"a\", \"b\"]\n",
            &[Edit::Take("a".parse().unwrap())],
            less,
        );
        check("pyproject.toml", "", &[put("a")], "[project]\ndependencies = [\"a\"]\n");
        check(
            "pyproject.toml",
            "[project]\ndependencies = [\"a\"]\n",
            &[put("b")],
            "[project]\ndependencies = [\"a\", \"b\"]\n",
        );
    }

    #[track_caller]
    fn check_bare(text: &str, edits: &[Edit], expected: &str) {
        check("pyproject.toml", text, edits, expected);
    }

    #[test]
    fn comments_of_a_project_stay_on_their_lines() {
        let take = |name: &str| Edit::Take(name.parse().unwrap());
        let text = "[project]\ndependencies = [\n  # all\n  \"a\",  # first\n  # of b\n  \"b\",\n  \"c\", # third\n]\n";
        let check = |edits: &[Edit], from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            check("pyproject.toml", text, edits, &text.replacen(from, to, 1));
        };
        check(&[take("a")], "  \"a\",  # first\n", "");
        check(&[take("b")], "  \"b\",\n", "");
        check(&[take("c")], "  \"c\", # third\n", "");
        check(&[put("d")], "# third\n", "# third\n  \"d\",\n");
        check(&[put("b>2")], "\"b\"", "\"b>2\"");
        check(&[put("d"), take("d")], "[project]", "[project]");
        let bare = "[project]\ndependencies = [\n  \"a\", # first\n  \"b\" # second\n]\n";
        let check = |edits: &[Edit], to: &str| check_bare(bare, edits, to);
        check(&[put("c")], "[project]\ndependencies = [\n  \"a\", # first\n  \"b\", # second\n  \"c\"\n]\n");
        check(&[take("b")], "[project]\ndependencies = [\n  \"a\" # first\n]\n");
        check(&[take("a")], "[project]\ndependencies = [\n  \"b\" # second\n]\n");
    }

    #[test]
    fn extras_and_groups_are_changed_where_they_are() {
        let text = "[project]\nname = 'x'\n\n[dependency-groups]\nDev = [\n    {include-group = 'docs'},\n    'ruff',\n]\n";
        let grouped =
            edit(text, Path::new("p.toml"), &Section::Group("dev".into()), &[put("pytest")]).unwrap();
        assert_eq!(grouped, text.replace("'ruff',\n", "'ruff',\n    \"pytest\",\n"));
        let extra =
            edit(text, Path::new("p.toml"), &Section::Extra("fast".into()), &[put("uvloop")]).unwrap();
        assert!(extra.contains("[project.optional-dependencies]\nfast = [\"uvloop\"]\n"), "{extra}");
        let wrong = edit("", Path::new("r.in"), &Section::Group("dev".into()), &[put("a")]).unwrap_err();
        assert_eq!(wrong.code(), Code::Usage);
    }

    #[test]
    fn a_requirements_file_keeps_its_lines() {
        let text = "-i https://e/\n# idna\nidna>2 # why\n";
        check(
            "requirements.in",
            text,
            &[put("idna>3"), put("flask")],
            "-i https://e/\n# idna\nidna>3 # why\nflask\n",
        );
        check("requirements.in", text, &[Edit::Take("idna".parse().unwrap())], "-i https://e/\n# idna\n");
        let text = "a \\\n  ; python_version > '3' # why\r\nb==1 --hash=sha256:00 \\\n  --hash=sha256:11\n#c\nc\t# note";
        let put_a = "a>2 # why\r\nb==1 --hash=sha256:00 \\\r\n  --hash=sha256:11\r\n#c\r\nc\t# note\r\n";
        check("requirements.in", text, &[put("a>2")], put_a);
        let take = |name: &str| Edit::Take(name.parse().unwrap());
        check("requirements.in", text, &[take("a"), take("b")], "#c\r\nc\t# note\r\n");
        check("requirements.in", text, &[take("a"), take("b"), put("c<4")], "#c\r\nc<4\t# note\r\n");
        let text = "idna\n";
        let problem =
            edit(text, Path::new("r.in"), &Section::Project, &[Edit::Take("flask".parse().unwrap())])
                .unwrap_err();
        assert_eq!(problem.code(), Code::NotInLock);
        assert_eq!(Edit::put("no way!").unwrap_err().code(), Code::RequirementSyntax);
    }
}
