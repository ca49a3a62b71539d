//! What of a directory belongs to the environment itself, for many files of it at once.
//!
//! Never: takes a path apart for each of them.

use std::ffi::OsStr;
use std::path::Path;

use super::{ENVIRONMENTS_OWN, Places};

/// What of a directory belongs to the environment itself.
#[derive(Debug)]
pub(in super::super) enum OwnIn<'p> {
    /// It is below a directory of modules.
    Nothing,
    /// It is a directory of modules.
    Site,
    /// Each file is to be asked about.
    Unknown(&'p Places, &'p Path),
}

impl OwnIn<'_> {
    /// Whether a file of this name does.
    pub(in super::super) fn has(&self, name: &OsStr) -> bool {
        let Some(text) = name.to_str() else { return true };
        match self {
            Self::Nothing => false,
            Self::Site => ENVIRONMENTS_OWN.iter().any(|own| own.eq_ignore_ascii_case(text)),
            Self::Unknown(places, directory) => places.is_environments_own(&directory.join(name)),
        }
    }
}

impl Places {
    /// What of a directory (resolved) belongs to the environment itself: as [`Self::is_environments_own`] tells it of its files.
    pub(in super::super) fn own_in<'p>(&'p self, directory: &'p Path) -> OwnIn<'p> {
        match self.sites().any(|site| directory.starts_with(site)) {
            true if self.sites().any(|site| directory == site) => OwnIn::Site,
            true => OwnIn::Nothing,
            false => OwnIn::Unknown(self, directory),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::Scheme;

    #[test]
    fn it_is_what_is_told_of_each_file() {
        let root = tempfile::tempdir().unwrap();
        let real = root.path().canonicalize().unwrap();
        let scheme = Scheme {
            purelib: "/env/lib/python3.13/site-packages".into(),
            platlib: "/env/lib64/python3.13/site-packages".into(),
            scripts: "/env/bin".into(),
            headers: "/env/include/site/python3.13".into(),
            data: "/env".into(),
            interpreter: "/env/bin/python".into(),
            python: (3, 13),
        };
        let places = Places::new(&scheme, Path::new("/env"), real).unwrap();
        let names = [
            "python",
            "PYTHON3",
            "_virtualenv.py",
            "_Virtualenv.pth",
            "pyvenv.cfg",
            "tool",
            "libpython3.13.so",
            "lib",
            "\u{e9}",
        ];
        let mut own = 0;
        for directory in [
            "",
            "bin",
            "lib",
            "LIB",
            "lib/python3.13",
            "lib/python3.13/site-packages",
            "lib/python3.13/site-packages/pkg",
            "lib64/python3.13/site-packages",
            "lib64/python3.13/site-packages/a/b",
            "lib/python3.12/site-packages",
            "share/x",
        ]
        .map(Path::new)
        {
            for name in names.map(OsStr::new) {
                let expected = places.is_environments_own(&directory.join(name));
                assert_eq!(places.own_in(directory).has(name), expected, "{directory:?} {name:?}");
                own += usize::from(expected);
            }
        }
        assert!(own > 10);
        use std::os::unix::ffi::OsStrExt as _;
        assert!(places.own_in(Path::new("lib/python3.13/site-packages/pkg")).has(OsStr::from_bytes(b"\xff")));
    }
}
