//! `.pth` files as `site` reads them: lines of code, and paths on which modules are found too.
//!
//! Owns: what a line means to any Python, and when two paths are one place. Pure. Never: looks whether a path is there.

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

/// The paths that the `.pth` file at `by` names, whatever else is wrong with it.
pub fn named_paths(content: &[u8], by: &Path) -> Vec<Named> {
    let text = String::from_utf8_lossy(content);
    let directory = by.parent().unwrap_or(Path::new(""));
    let mut found: Vec<Named> = Vec::new();
    for line in text.trim_start_matches('\u{feff}').split(ENDS) {
        if line.starts_with('#') || line.trim().is_empty() || is_import(line) {
            continue;
        }
        // Pythons differ in whether a blank at the start is part of the name.
        for line in [line.trim_end(), line.trim()] {
            let one = Named { path: clean(&directory.join(line)), by: by.to_owned() };
            if !found.contains(&one) {
                found.push(one);
            }
        }
    }
    found
}

/// What is wrong with the content of a `.pth` file, its paths aside.
pub(super) fn fault(content: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(content) else { return Some("a .pth file that is not UTF-8") };
    for line in text.trim_start_matches('\u{feff}').split(ENDS) {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if line.trim_start().starts_with("import") && !line.trim().contains(['/', '\\']) || is_import(line) {
            return Some("a .pth file with a line of code");
        }
        if line.contains(|c: char| c.is_control()) {
            return Some("a .pth file with control characters");
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
#[derive(Debug, Clone, PartialEq, Eq)]
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

    /// The rest of a path that is this one or lies below it.
    pub(super) fn tail<'p>(&self, of: &'p Self) -> Option<&'p Path> {
        match (self, of) {
            (Self::Module(base), Self::Module(path)) | (Self::Other(base), Self::Other(path)) => {
                path.strip_prefix(base).ok()
            }
            _ => None,
        }
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
        check("pkg/vendored\n./other\n../../share/x\n", true);
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
        check("\u{feff}a\u{2028}b", &["/env/site/a", "/env/site/b"]);
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
        let tail = |base: &str, path: &str| spot(base).tail(&spot(path)).map(Path::to_owned);
        assert_eq!(tail("/env/lib/site/a", "/env/lib64/site/a/b").as_deref(), Some(Path::new("b")));
        assert_eq!(tail("/env/share", "/env/Share/b").as_deref(), Some(Path::new("b")));
        assert_eq!(tail("/env", "/env/lib/site/a"), None);
        assert_eq!(tail("/env/lib/site/ab", "/env/lib/site/a"), None);
    }
}
