//! Files at the root of an archive, which most files are: what is checked of them without taking paths apart.
//!
//! Pure. Never: refuses anything; what it does not take is checked in full.

use std::path::{Path, PathBuf};

use super::{MAX_NAME, MAX_PATH};
use crate::python::Scheme;

/// What files at the root of an archive are checked against, where that can be told by their path in it alone.
pub(super) struct Root {
    /// Whether it can.
    is_plain: bool,
    /// The directories of the scheme and the interpreter, as far as they lie below the library, relative to it.
    inside: Vec<PathBuf>,
}

impl Root {
    pub(super) fn of(scheme: &Scheme, library: &Path) -> Self {
        let (purelib, platlib) = (&scheme.purelib, &scheme.platlib);
        let are_apart = !purelib.starts_with(platlib) && !platlib.starts_with(purelib);
        let places = [purelib, platlib, &scheme.scripts, &scheme.headers, &scheme.data, &scheme.interpreter];
        let inside = places.into_iter().filter_map(|place| place.strip_prefix(library).ok());
        let inside = inside.filter(|tail| !tail.as_os_str().is_empty()).map(Path::to_owned).collect();
        let has_short_names = library.components().all(|part| part.as_os_str().len() <= MAX_NAME);
        Self { is_plain: has_short_names && (purelib == platlib || are_apart), inside }
    }

    /// Whether `Planner::check` finds nothing wrong with a file at the root of the archive, of this path in it, whose
    /// whole path has so many bytes. `false` where
    /// it has to be asked.
    pub(super) fn takes(&self, path: &str, length: usize, dist_info: &str) -> bool {
        let is_short = path.split('/').all(|part| part.len() <= MAX_NAME) && length <= MAX_PATH;
        let is_in_the_way = self.inside.iter().any(|tail| tail.starts_with(path));
        let first = path.split('/').next().unwrap_or_default();
        let is_metadata = first != dist_info
            && first.as_bytes().last_chunk::<10>().is_some_and(|end| end.eq_ignore_ascii_case(b".dist-info"));
        self.is_plain && is_short && !is_in_the_way && !is_metadata
    }
}

/// A path as it is compared here: to compare paths part by part costs more than writing a small file.
pub(super) fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(library: &str, others: &str) -> Scheme {
        Scheme {
            purelib: library.into(),
            platlib: library.into(),
            scripts: format!("{others}/bin").into(),
            headers: format!("{others}/include/site/python3.13").into(),
            data: others.into(),
            interpreter: format!("{others}/bin/python").into(),
            python: (3, 13),
        }
    }

    fn takes(scheme: &Scheme, path: &str) -> bool {
        let library = &scheme.purelib;
        Root::of(scheme, library).takes(path, library.join(path).as_os_str().len(), "own-1.dist-info")
    }

    #[test]
    fn what_may_be_wrong_is_not_taken() {
        let usual = scheme("/env/lib/python3.13/site-packages", "/env");
        for path in ["pkg/a.py", "a.py", "bin/python", "own-1.dist-info/METADATA", "pkg/other-1.dist-info/x"]
        {
            assert!(takes(&usual, path), "{path}");
        }
        let long = "x".repeat(MAX_NAME + 1);
        let deep = "x/".repeat(MAX_PATH / 2) + "x";
        for path in ["other-1.dist-info/METADATA", "Other-1.Dist-Info", &long, &deep] {
            assert!(!takes(&usual, path), "{path}");
        }
        let flat = scheme("/target", "/target");
        assert!(takes(&flat, "pkg/a.py") && takes(&flat, "bin/tool") && takes(&flat, "binary.py"));
        for path in ["bin", "bin/python", "include", "include/site"] {
            assert!(!takes(&flat, path), "{path}");
        }
        for platlib in ["/env/lib/python3.13", "/env/lib/python3.13/site-packages/native"] {
            assert!(!takes(&Scheme { platlib: platlib.into(), ..usual.clone() }, "pkg/a.py"), "{platlib}");
        }
        assert!(takes(
            &Scheme { platlib: "/env/lib64/python3.13/site-packages".into(), ..usual.clone() },
            "a.py"
        ));
        assert!(!takes(&scheme(&format!("/{long}"), "/env"), "pkg/a.py"));
    }
}
