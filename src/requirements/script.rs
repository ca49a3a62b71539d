//! The dependencies of a script (PEP 723, "Inline script metadata").
//!
//! Never: runs the script, or reads anything of it but that block.

use std::path::Path;

use super::Project;
use super::project::requirements;
use crate::document::{self, Item, Reading, Table};
use crate::error::{Code, Place, Problem, Problems};

pub(super) fn read(path: &Path) -> Result<Project, Problems> {
    let bytes = document::read_bytes(path, document::MAX_DOCUMENT, Code::RequirementSyntax)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Problem::new(Code::RequirementSyntax, "this file is not UTF-8")
            .at(Place::file(path))
            .help("save the file as UTF-8")
    })?;
    let block = block(&text, path)?;
    let entries = document::parse(&block, path, Code::RequirementSyntax)?;
    let reading = Reading::new(&block, path, Code::RequirementSyntax);
    let root = Table::root(&reading, &entries);
    let found = root.get("dependencies").map(|item: Item<'_, '_>| requirements(&item)).unwrap_or_default();
    let requires_python = root
        .get("requires-python")
        .and_then(|item| item.parsed("a list of version specifiers such as >=3.9"));
    let (problems, _) = reading.into_findings();
    let originals = document::Originals::of(path, text.clone().into_bytes());
    let project = Project {
        requirements: found,
        requires_python,
        path: path.to_owned(),
        originals,
        ..Project::default()
    };
    Problems::unless_empty(project, problems)
}

/// The TOML of the block `script`, at the lines at which it stands. "When there are multiple comment blocks of the same
/// TYPE defined, tools MUST produce an error."
fn block(text: &str, path: &Path) -> Result<String, Problem> {
    let refuse = |message: &str| {
        Problem::new(Code::RequirementSyntax, message)
            .at(Place::file(path))
            .expected("a comment block that begins with `# /// script` and ends with `# ///`")
            .help("see PEP 723")
    };
    let lines: Vec<&str> = text.lines().collect();
    let mut starts = lines.iter().enumerate().filter(|(_, line)| line.trim_end() == "# /// script");
    let (Some((start, _)), second) = (starts.next(), starts.next()) else {
        return Err(refuse("this script does not say what it needs"));
    };
    let comments =
        lines.iter().skip(start + 1).take_while(|line| **line == "#" || line.starts_with("# ")).count();
    let end = lines.iter().take(start + 1 + comments).rposition(|line| line.trim_end() == "# ///");
    let Some(end) = end.filter(|end| *end > start) else { return Err(refuse("this block has no end")) };
    // A block has a line at least.
    if end == start + 1 {
        return Err(refuse("this script does not say what it needs"));
    }
    if second.is_some_and(|(second, _)| second > end) {
        return Err(refuse("this script has several blocks that say what it needs"));
    }
    let mut toml = "\n".repeat(start + 1);
    for line in lines.iter().take(end).skip(start + 1) {
        toml.push_str(line.strip_prefix("# ").or_else(|| line.strip_prefix('#')).unwrap_or_default());
        toml.push('\n');
    }
    Ok(toml)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_keeps_its_lines() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(block(text, Path::new("s.py")).ok().as_deref(), expected, "{text}");
        };
        check("x\n# /// script\n# a = 1\n#\n# ///\ny\n", Some("\n\na = 1\n\n"));
        check("# /// script\n# a = 1\n", None);
        check("print()\n", None);
        check("# /// script\n# ///\n\n# /// script\n# ///\n", None);
    }
}
