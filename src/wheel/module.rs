//! What Python imports a file as, by its name.
//!
//! Pure. Never: tells whether the file's directory is on a path, or which of several files a Python would take.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The name of the file that a package is imported by, without its ending.
pub const PACKAGE: &str = "__init__";

/// What a file of this name is imported by in its directory, if it is: the name of a source, of an extension module for
/// whatever Python, or of byte-code, without its ending. [`PACKAGE`] stands for the directory itself.
pub fn stem(name: &OsStr) -> Option<&str> {
    let (stem, ending) = name.to_str()?.rsplit_once('.')?;
    let stem = match ending {
        "py" | "pyc" if !stem.contains('.') => stem,
        // A tag of the Python that it is for may stand between.
        "so" | "pyd" if stem.matches('.').count() < 2 => stem.split('.').next()?,
        _ => return None,
    };
    (!stem.is_empty()).then_some(stem)
}

/// The module that a file is imported as, if it is (by its name): its path with its [`stem`]; the directory, for a package.
pub fn imported_as(path: &Path) -> Option<PathBuf> {
    let (stem, directory) = (stem(path.file_name()?)?, path.parent()?);
    Some(if stem == PACKAGE { directory.to_owned() } else { directory.join(stem) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_imports_has_a_module() {
        let check = |path: &str, expected: Option<&str>| {
            assert_eq!(imported_as(Path::new(path)).as_deref(), expected.map(Path::new), "{path}");
        };
        for name in [
            "a.py",
            "a.pyc",
            "a.so",
            "a.abi3.so",
            "a.cpython-313-x86_64-linux-gnu.so",
            "a.cp313-win_amd64.pyd",
        ] {
            check(&format!("s/{name}"), Some("s/a"));
        }
        for name in ["__init__.py", "__init__.pyc", "__init__.cpython-313-darwin.so"] {
            check(&format!("s/a/{name}"), Some("s/a"));
        }
        for name in
            ["a.pyi", "a.txt", "a", ".py", "a.b.py", "a.cpython-313.pyc", "liba.so.1", "a.b.c.so", "py"]
        {
            check(&format!("s/{name}"), None);
        }
    }
}
