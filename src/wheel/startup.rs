//! Names of files that Python runs by itself when it starts.
//!
//! Owns: which names those are, in any spelling that a file system may take for them. Pure. Never: reads a file.

use std::path::Path;

use super::beneath::folded;

/// Modules that are imported at each start, from wherever they are found: two by `site`, and one by the `sitecustomize` that
/// Ubuntu puts into its standard library.
pub const CUSTOMS: [&str; 3] = ["sitecustomize", "usercustomize", "apport_python_hook"];

/// Modules of the standard library that CPython 3.8 to 3.14 imports by itself: at its start, to run a module (`-m`), and at a
/// prompt; and what these import. (`python -X importtime`, and `sys.modules` at a prompt in a terminal.)
#[rustfmt::skip]
const FIRST: &[&str] = &[
    "__future__", "_ast_unparse", "_bisect", "_bootlocale", "_bz2", "_collections_abc", "_colorize", "_compression",
    "_curses", "_lzma", "_minimal_curses", "_opcode", "_opcode_metadata", "_osx_support", "_py_abc", "_py_warnings", "_pyio",
    "_pyrepl", "_random", "_sha2", "_sha512", "_sitebuiltins", "_struct", "_weakrefset", "abc", "annotationlib", "ast",
    "atexit", "binascii", "bisect", "bz2", "code", "codecs", "codeop", "collections", "contextlib", "copy", "copyreg",
    "ctypes", "curses", "dataclasses", "dis", "encodings", "enum", "fcntl", "fnmatch", "functools", "genericpath", "glob",
    "heapq", "importlib", "inspect", "io", "ipaddress", "keyword", "linecache", "locale", "lzma", "math", "ntpath",
    "nturl2path", "opcode", "operator", "os", "pathlib", "pkgutil", "platform", "posixpath", "random", "re", "readline",
    "reprlib", "rlcompleter", "runpy", "select", "shlex", "shutil", "signal", "site", "sre_compile", "sre_constants",
    "sre_parse", "stat", "string", "struct", "subprocess", "sysconfig", "tempfile", "termios", "textwrap", "threading",
    "token", "tokenize", "traceback", "tty", "types", "typing", "unicodedata", "urllib", "warnings", "weakref", "zipfile",
    "zipimport", "zlib",
];

/// How files of modules end, in small letters.
const MODULES: [&str; 5] = [".py", ".pyc", ".so", ".pyd", ".dll"];

/// What a file is to Python when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A module that is imported, or a file of one.
    Custom,
    /// A `.start` file (PEP 829).
    Start,
    /// A `.pth` file.
    Pth,
}

impl Kind {
    /// Of a file, by its path in a directory of modules.
    pub fn of(path: &Path) -> Option<Self> {
        let mut parts = path.iter().map(|part| folded(Path::new(part)));
        let first = parts.next()?;
        Self::of_parts(&first, parts.next().as_deref())
    }

    /// Of a file, by the first two parts of its path in a directory of modules, in small letters.
    pub fn of_parts(first: &str, second: Option<&str>) -> Option<Self> {
        // What a module is compiled to stands one further down.
        if is_custom(first) || first == "__pycache__" && second.is_some_and(is_custom) {
            return Some(Self::Custom);
        }
        // A name may be nothing but its ending: Python 3.12 and older read `.pth` too.
        match first.rsplit_once('.').map(|(_, ending)| ending).filter(|_| second.is_none()) {
            Some("start") => Some(Self::Start),
            Some("pth") => Some(Self::Pth),
            _ => None,
        }
    }
}

/// Whether a file or directory of this name (in small letters) is a module that is imported at each start, in any form
/// that a module may have.
pub fn is_custom(name: &str) -> bool {
    CUSTOMS.contains(&name.split('.').next().unwrap_or_default())
}

/// Whether a file, by its path in a directory that Python looks in before its own library (a `--target` that `PYTHONPATH`
/// names), is a module that Python imports by itself; `also` names more of them.
pub fn is_first(path: &Path, also: impl Fn(&str) -> bool) -> bool {
    let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().to_lowercase()).collect();
    let stem = |part: &str| part.split('.').next().unwrap_or_default().to_owned();
    let (module, file) = match parts.as_slice() {
        [file] => (stem(file), file),
        [package, file] if stem(file) == "__init__" => (package.clone(), file),
        _ => return false,
    };
    let is_module = MODULES.iter().any(|end| file.ends_with(end));
    is_module && (FIRST.contains(&module.as_str()) || module.starts_with("_sysconfigdata") || also(&module))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_that_python_imports_by_itself_are_known_in_any_form() {
        for (path, expected) in [
            ("os.py", true),
            ("_heapq.so", true),
            ("_other.so", false),
            ("OS.pyc", true),
            ("abc.cpython-312-x86_64-linux-gnu.so", true),
            ("encodings/__init__.py", true),
            ("encodings/__init__.abi3.so", true),
            ("_sysconfigdata__linux_x86_64-linux-gnu.py", true),
            ("encodings/utf_8.py", false),
            ("os.txt", false),
            ("os", false),
            ("pkg/os.py", false),
            ("pkg/os/__init__.py", false),
            ("cgi.py", false),
            ("test/__init__.py", false),
            ("ossify.py", false),
        ] {
            assert_eq!(is_first(Path::new(path), |name| name == "_heapq"), expected, "{path}");
        }
    }

    #[test]
    fn names_count_in_any_spelling() {
        for (path, kind) in [
            ("x.pth", Some(Kind::Pth)),
            ("X.PTH", Some(Kind::Pth)),
            (".pth", Some(Kind::Pth)),
            ("a.Start", Some(Kind::Start)),
            ("pkg/x.pth", None),
            ("x.pth.txt", None),
            ("sitecustomize.py", Some(Kind::Custom)),
            ("Sitecustomize.cpython-311-x86_64-linux-gnu.so", Some(Kind::Custom)),
            ("usercustomize/__init__.py", Some(Kind::Custom)),
            ("__pycache__/sitecustomize.cpython-311.pyc", Some(Kind::Custom)),
            ("__pycache__/other.cpython-311.pyc", None),
            ("sitecustomizer.py", None),
            ("pkg/sitecustomize.py", None),
        ] {
            assert_eq!(Kind::of(Path::new(path)), kind, "{path}");
        }
    }
}
