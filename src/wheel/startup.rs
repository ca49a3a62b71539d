//! Names of files that Python runs by itself when it starts.
//!
//! Owns: which names those are, in any spelling that a file system may take for them. Pure. Never: reads a file.

use std::path::Path;

/// Modules that are imported at each start, from wherever they are found: two by `site`, and one by the `sitecustomize` that
/// Ubuntu puts into its standard library.
pub const CUSTOMS: [&str; 3] = ["sitecustomize", "usercustomize", "apport_python_hook"];

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
        let mut parts = path.iter().map(|part| part.to_string_lossy().to_lowercase());
        let first = parts.next()?;
        let second = parts.next();
        // What a module is compiled to stands one further down.
        if is_custom(&first) || first == "__pycache__" && second.as_deref().is_some_and(is_custom) {
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

#[cfg(test)]
mod tests {
    use super::*;

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
