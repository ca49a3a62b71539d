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
            (Edit::Take(_), Some(at)) => {
                dependencies.remove(at);
            }
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

/// Adds an entry that looks like the one before it.
fn push(array: &mut Array, requirement: &str) {
    let last = array.len().checked_sub(1).and_then(|at| array.get(at));
    let before = last.and_then(|value| value.decor().prefix()).and_then(|prefix| prefix.as_str());
    match before.map(str::to_owned) {
        Some(prefix) => {
            let lines: Vec<&str> = prefix.split('\n').collect();
            // A comment before the last entry is that entry's own.
            let plain = match lines.as_slice() {
                [_, .., indent] => format!("\n{indent}"),
                _ if array.len() == 1 && prefix.is_empty() => " ".to_owned(),
                _ => prefix.clone(),
            };
            let mut value = Value::from(requirement);
            value.decor_mut().set_prefix(plain);
            array.push_formatted(value);
        }
        None => array.push(requirement),
    }
}

fn requirements(text: &str, path: &Path, edits: &[Edit]) -> Result<String, Problem> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for edit in edits {
        let at = lines.iter().position(|line| {
            let bare = line.split(" #").next().unwrap_or_default().trim();
            !bare.starts_with(['#', '-']) && !bare.is_empty() && names(bare, edit.name())
        });
        match (edit, at) {
            (Edit::Put(_, requirement), Some(at)) => {
                if let Some(line) = lines.get_mut(at) {
                    let comment = line.find(" #").and_then(|at| line.get(at..)).unwrap_or_default();
                    *line = format!("{requirement}{comment}");
                }
            }
            (Edit::Put(_, requirement), None) => lines.push(requirement.clone()),
            (Edit::Take(_), Some(at)) => {
                lines.remove(at);
            }
            (Edit::Take(name), None) => return Err(absent(name, path)),
        }
    }
    Ok(lines.iter().map(|line| format!("{line}\n")).collect())
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
        let less = "[project]\ndependencies = [ \"b\"]\n";
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
        let problem =
            edit(text, Path::new("r.in"), &Section::Project, &[Edit::Take("flask".parse().unwrap())])
                .unwrap_err();
        assert_eq!(problem.code(), Code::NotInLock);
        assert_eq!(Edit::put("no way!").unwrap_err().code(), Code::RequirementSyntax);
    }
}
