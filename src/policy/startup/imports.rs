//! What the code of installed `.pth` files imports, and which files of a plan that would be.
//!
//! Pure. Never: takes a module of the standard library for one that a wheel could bring: that is found first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::known;
use crate::digest::Sha256;
use crate::imports;
use crate::wheel::beneath::folded;
use crate::wheel::module;

/// A module that an installed `.pth` file imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Its path from the directory of modules, without an ending, in small letters.
    module: PathBuf,
    /// The file that imports it.
    pub by: PathBuf,
}

/// The modules that lines of code of the `.pth` file at `by` import, in texts that they hand to `exec` too. What of a `from`
/// import is a module, and what a name in one, nobody can tell: both count. (Of files that are known, the table of these
/// tells who may bring what they import.)
pub fn imported(content: &[u8], by: &Path) -> Vec<Imported> {
    if known::has_content(Sha256::of(content)) {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(content);
    let mut names: BTreeSet<String> = BTreeSet::new();
    for line in text.lines().filter(|line| line.trim_start_matches('\u{feff}').trim().starts_with("import")) {
        let inside = line.replace("\\n", "\n").replace(['"', '\''], "\n");
        for import in imports::of(line.trim_start()).into_iter().chain(imports::of(&inside)) {
            let module = import.module.to_lowercase();
            if module.split('.').next().is_none_or(is_standard) {
                continue;
            }
            names.extend(import.names.iter().map(|name| format!("{module}.{}", name.to_lowercase())));
            names.extend(module.match_indices('.').filter_map(|(at, _)| module.get(..at).map(str::to_owned)));
            names.insert(module);
        }
        if line.contains("import_module") || line.contains("run_module") {
            names.extend(texts_as_modules(line));
        }
    }
    let is_named = |name: &String| name.split('.').all(|part| !part.is_empty() && !part.contains('/'));
    let all = names.into_iter().filter(is_named);
    all.map(|name| Imported { module: name.split('.').collect(), by: by.to_owned() }).collect()
}

/// The texts of a line that may name a module, also one below another text's (`import_module(".plug", "foo")`).
fn texts_as_modules(line: &str) -> Vec<String> {
    let texts: Vec<String> = line.split(['"', '\'']).skip(1).step_by(2).map(str::to_lowercase).collect();
    let is_name = |text: &&String| {
        let name = text.trim_start_matches('.');
        !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
    };
    let (below, whole): (Vec<&String>, Vec<&String>) =
        texts.iter().filter(is_name).partition(|text| text.starts_with('.'));
    let whole: Vec<&String> =
        whole.into_iter().filter(|name| !name.split('.').next().is_none_or(is_standard)).collect();
    let joined = below
        .iter()
        .flat_map(|end| whole.iter().map(move |start| format!("{start}.{}", end.trim_start_matches('.'))));
    joined.chain(whole.iter().map(ToString::to_string)).collect()
}

/// Whether a module is one that the standard library has for itself: which of them is imported at a start, and which is a file,
/// is another thing for each build.
pub(super) fn is_private_of_library(module: &str) -> bool {
    module.starts_with('_') && is_standard(module)
}

fn is_standard(module: &str) -> bool {
    imports::standard_library().any(|standard| standard == module)
}

impl Imported {
    /// Whether a file, by its path from the directory of modules, is what is imported.
    pub fn is_of(&self, tail: &Path) -> bool {
        module::imported_as(Path::new(&*folded(tail))).is_some_and(|module| module == self.module)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_code_name_modules() {
        let check = |text: &str, expected: &[&str]| {
            let found = imported(text.as_bytes(), Path::new("/env/site/x.pth"));
            let modules: Vec<_> = found.iter().map(|one| one.module.to_str().unwrap()).collect();
            assert_eq!(modules, expected, "{text:?}");
        };
        check("", &[]);
        check("foo\n# import foo\n/opt/import\n", &[]);
        check("import foo_startup", &["foo_startup"]);
        check("import os, Foo.bar as baz; import sys\n", &["foo", "foo/bar"]);
        check("\u{feff}import foo", &["foo"]);
        check("import os; from foo.bar import baz", &["foo", "foo/bar", "foo/bar/baz"]);
        check("import os; os.name and __import__('foo').run()", &["foo"]);
        check("import importlib; importlib.import_module(\"foo.bar\")", &["foo", "foo/bar"]);
        check("import os; exec('import foo\\nimport bar')", &["bar", "foo"]);
        check("import os; __import__('importlib').import_module('.plug', 'foo')", &["foo", "foo/plug"]);
        check("import runpy; runpy.run_module('foo', run_name='__main__')", &["foo"]);
        check("import sys, types, os, importlib.util, importlib.machinery", &[]);
    }

    #[test]
    fn files_are_what_is_imported() {
        let check = |module: &str, tail: &str, expected: bool| {
            let found = imported(format!("import {module}").as_bytes(), Path::new("x.pth"));
            assert_eq!(found.iter().any(|one| one.is_of(Path::new(tail))), expected, "{module} {tail}");
        };
        check("foo", "foo.py", true);
        check("foo", "Foo.abi3.so", true);
        check("foo", "foo/__init__.py", true);
        check("foo", "foo/bar.py", false);
        check("foo", "food.py", false);
        check("foo", "in/foo.py", false);
        check("foo.bar", "foo/bar.py", true);
        check("foo.bar", "foo/__init__.py", true);
        check("foo.bar", "bar.py", false);
    }
}
