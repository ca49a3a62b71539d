//! `.pth` files as `site` reads them: lines of code, and paths on which modules are found too.
//!
//! Owns: what a line means to any Python, and when two paths are one place. Pure. Never: looks whether a path is there.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

/// All that a Python has ever taken for the end of a line of a `.pth` file.
const ENDS: [char; 10] =
    ['\n', '\r', '\x0b', '\x0c', '\x1c', '\x1d', '\x1e', '\u{85}', '\u{2028}', '\u{2029}'];

/// A path that a `.pth` file names: a directory of modules or an archive of them, if it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The path, absolute and without `..`.
    pub path: PathBuf,
    /// The file that names it.
    pub by: PathBuf,
}

/// The most lines that a wheel's own `.pth` file may have.
const MOST_LINES: usize = 64;

/// The paths that the `.pth` file at `by` names to any Python, whatever else is wrong with it. Pythons differ in where a line
/// ends, in whether a mark of the byte order is part of the first one, and in whether a blank at the start is.
pub fn named_paths(content: &[u8], by: &Path) -> Vec<Named> {
    let text = String::from_utf8_lossy(content);
    let directory = by.parent().unwrap_or(Path::new(""));
    let (mut found, mut known): (Vec<Named>, BTreeSet<PathBuf>) = (Vec::new(), BTreeSet::new());
    let mut add = |line: &str| {
        if line.starts_with('#') || line.trim().is_empty() || is_import(line) {
            return;
        }
        for line in [line.trim_end(), line.trim()] {
            let path = clean(&directory.join(line));
            if known.insert(path.clone()) {
                found.push(Named { path, by: by.to_owned() });
            }
        }
    };
    let unmarked = text.strip_prefix('\u{feff}');
    for text in unmarked.into_iter().chain([&*text]) {
        text.split(['\n', '\r']).for_each(&mut add);
        if text.contains(&ENDS[2..]) {
            text.split(ENDS).for_each(&mut add);
        }
    }
    found
}

/// Whether a `.pth` file is code to any Python. What is not UTF-8 may be read in another encoding, and counts as code.
pub fn has_code(content: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content) else { return true };
    // Python 3.15 looks for code behind blanks too.
    text.split(ENDS).any(|line| is_import(line.trim_start_matches('\u{feff}').trim_start()))
}

/// What is wrong with the content of a wheel's own `.pth` file, what its paths lead to aside. On what is left all Pythons
/// agree.
pub(super) fn fault(content: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(content) else { return Some("a .pth file that is not UTF-8") };
    let is_odd = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\r' | '\t') || ENDS[2..].contains(&c) || c == '\u{feff}'
    };
    if text.contains(is_odd) {
        return Some("a .pth file with control characters");
    }
    if text.lines().count() > MOST_LINES {
        return Some("a .pth file of very many lines");
    }
    for line in text.split(['\n', '\r']).filter(|line| !line.trim().is_empty()) {
        // Python 3.15 looks for code behind blanks too.
        if line.trim_start().starts_with("import") && !line.trim().contains(['/', '\\'])
            || is_import(line.trim_start())
        {
            return Some("a .pth file with a line of code");
        }
        if line.starts_with('#') {
            continue;
        }
        if line.starts_with(char::is_whitespace) {
            return Some("a .pth file with a path that begins with a blank");
        }
        if line.split(['/', '\\']).any(|part| part.trim_end() == "..") {
            return Some("a .pth file with a path that goes up");
        }
    }
    None
}

fn is_import(line: &str) -> bool {
    line.strip_prefix("import").is_some_and(|rest| rest.starts_with([' ', '\t']))
}

/// `path` without `.` and `..`, by its words alone, as `os.path.abspath` has it.
fn clean(path: &Path) -> PathBuf {
    let mut at = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                at.pop();
            }
            part => at.push(part),
        }
    }
    at
}

/// A path in the form in which paths are compared: that of a module without the directory of modules it lies in, since one
/// such directory may be a link to the other; in small letters, for file systems that fold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spot {
    /// Below a directory of modules: the rest of its path.
    Module(PathBuf),
    /// Anywhere else.
    Other(PathBuf),
}

impl Spot {
    pub(super) fn of(path: &Path, modules: &[&Path]) -> Self {
        let folded = |path: &Path| PathBuf::from(path.to_string_lossy().to_lowercase());
        let path = folded(path);
        let tail = modules
            .iter()
            .find_map(|directory| path.strip_prefix(folded(&clean(directory))).ok().map(Path::to_owned));
        tail.map_or(Self::Other(path), Self::Module)
    }

    /// Whether it is a directory of modules itself.
    pub(super) fn is_modules(&self) -> bool {
        matches!(self, Self::Module(tail) if tail.as_os_str().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pth_file_has_lines_of_code_or_paths() {
        let check = |text: &str, fine: bool| {
            let found = fault(text.as_bytes());
            assert_eq!(found.is_none(), fine, "{text:?}: {found:?}");
        };
        check("", true);
        check("# import os\n\n  \n", true);
        check("pkg/vendored\r\n./other\n", true);
        check("pkg/..x/y \n", true);
        check("../../share/x\n", false);
        check("a/../b", false);
        check("a\\..\\b", false);
        check(" a", false);
        check("\u{feff}#/../evil\n", false);
        check("a/b\x0cc/x", false);
        check("a/b\u{85}c/x", false);
        check("  import sys;sys.stdout.write('x/')", false);
        check(&"a\n".repeat(MOST_LINES), true);
        check(&"a\n".repeat(MOST_LINES + 1), false);
        check("imports/of/ours", true);
        check("import os", false);
        check("import\tos; os.system('x')", false);
        check("\u{feff}import os", false);
        check("pkg\rimport os", false);
        check("pkg\u{2028}import os", false);
        check("pkg\x0cimport os", false);
        check("  import os", false);
        check("a\0b", false);
        assert!(fault(b"\xff\xfe").is_some());
    }

    #[test]
    fn code_is_what_any_python_takes_for_it() {
        for code in [
            "import os",
            "pkg\nimport\tos",
            "a\u{2028}import os",
            "\u{feff}import os",
            "  import os",
            "a\x0c import x",
        ] {
            assert!(has_code(code.as_bytes()), "{code:?}");
        }
        for paths in ["", "pkg\n", "# import os\n", "imports/of/ours\n", "importos"] {
            assert!(!has_code(paths.as_bytes()), "{paths:?}");
        }
        assert!(has_code(b"\xff\xfei\0m\0"));
    }

    #[test]
    fn paths_are_taken_from_the_directory_of_the_file_by_their_words() {
        let check = |text: &str, expected: &[&str]| {
            let found = named_paths(text.as_bytes(), Path::new("/env/site/x.pth"));
            let paths: Vec<_> = found.iter().map(|named| named.path.to_str().unwrap()).collect();
            assert_eq!(paths, expected, "{text:?}");
        };
        check("", &[]);
        check("# a\n \nimport os\nimport\tos\n", &[]);
        check("a\n./b/../c \r\n/opt/x\n../y", &["/env/site/a", "/env/site/c", "/opt/x", "/env/y"]);
        check(" a", &["/env/site/ a", "/env/site/a"]);
        check(
            "\u{feff}a\u{2028}b",
            &[
                "/env/site/a\u{2028}b",
                "/env/site/a",
                "/env/site/b",
                "/env/site/\u{feff}a\u{2028}b",
                "/env/site/\u{feff}a",
            ],
        );
        check("a/b\x0cc/../x", &["/env/site/a/x", "/env/site/a/b", "/env/site/x"]);
        check("\u{feff}#/../evil", &["/env/site/evil"]);
        check("import/x", &["/env/site/import/x"]);
        check(".\n", &["/env/site"]);
        check("a\na", &["/env/site/a"]);
    }

    #[test]
    fn directories_of_modules_are_one_place_in_any_spelling() {
        let modules = [Path::new("/env/lib/site"), Path::new("/env/lib64/site")];
        let spot = |path: &str| Spot::of(Path::new(path), &modules);
        assert_eq!(spot("/env/lib/site/a"), spot("/ENV/lib64/site/A"));
        assert!(spot("/env/lib/site").is_modules() && !spot("/env/lib/site/a").is_modules());
        assert!(!spot("/env/lib").is_modules());
    }
}
