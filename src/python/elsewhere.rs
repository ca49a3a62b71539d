//! Installing elsewhere than into an interpreter's own directories: `--user`, `--prefix`, `--target`, `--root`.
//!
//! Owns: the schemes, as pip has them. Never: writes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Interpreter, Scheme};

/// Whether the directory of the user is switched off (`PYTHONNOUSERSITE`).
pub fn user_site_is_disabled() -> bool {
    std::env::var_os("PYTHONNOUSERSITE").is_some_and(|value| !value.is_empty())
}

impl Interpreter {
    /// The same interpreter with the scheme of its user (PEP 370), whose base is `PYTHONUSERBASE` or `~/.local`.
    #[must_use]
    pub fn for_user(&self) -> Option<Self> {
        let variable = |name: &str| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
        let base = match variable("PYTHONUSERBASE") {
            Some(base) => std::path::absolute(base).ok()?,
            None => PathBuf::from(variable("HOME")?).join(".local"),
        };
        let (major, minor) = self.scheme.python;
        let threads = if self.target.tags.iter().any(|tag| tag.abi == "abi3t") { "t" } else { "" };
        let is_pypy = self.target.tags.iter().any(|tag| tag.python == "pp3");
        let library = if is_pypy { "pypy" } else { "python" };
        let site = base.join(format!("lib/{library}{major}.{minor}{threads}/site-packages"));
        let scheme = Scheme {
            purelib: site.clone(),
            platlib: site,
            scripts: base.join("bin"),
            // "headers of packages have their own place in a virtual environment", wherever that puts its files.
            headers: if self.is_virtual() {
                base.join(format!("include/site/python{major}.{minor}"))
            } else {
                base.join(format!("include/python{major}.{minor}{threads}"))
            },
            data: base.clone(),
            ..self.scheme.clone()
        };
        Some(self.with(base, scheme))
    }

    /// The same interpreter with its scheme beneath another prefix. `prefix` is absolute.
    #[must_use]
    pub fn at_prefix(&self, prefix: &Path) -> Self {
        let moved = |path: &Path| prefix.join(path.strip_prefix(&self.prefix).unwrap_or(Path::new("")));
        let (major, minor) = self.scheme.python;
        let own = &self.scheme;
        if !self.is_virtual() && own.data != self.prefix {
            // Debian's own scheme leads to /usr/local; "it should only be used" for the system itself.
            let scheme = Scheme {
                purelib: prefix.join(&self.layout.purelib),
                platlib: prefix.join(&self.layout.platlib),
                scripts: prefix.join(&self.layout.scripts),
                headers: prefix.join(format!("include/python{major}.{minor}")),
                data: prefix.to_owned(),
                ..own.clone()
            };
            return self.with(prefix.to_owned(), scheme);
        }
        let headers = own.headers.strip_prefix(&self.prefix).map(|tail| prefix.join(tail));
        let scheme = Scheme {
            purelib: moved(&own.purelib),
            platlib: moved(&own.platlib),
            scripts: moved(&own.scripts),
            headers: headers.unwrap_or_else(|_| prefix.join(format!("include/python{major}.{minor}"))),
            data: moved(&own.data),
            ..own.clone()
        };
        self.with(prefix.to_owned(), scheme)
    }

    /// The same interpreter with everything in one folder, modules at its top. `directory` is absolute.
    #[must_use]
    pub fn at_target(&self, directory: &Path) -> Self {
        let (major, minor) = self.scheme.python;
        let headers = if self.is_virtual() {
            format!("include/site/python{major}.{minor}")
        } else {
            "include/python".to_owned()
        };
        let scheme = Scheme {
            purelib: directory.to_owned(),
            platlib: directory.to_owned(),
            scripts: directory.join("bin"),
            headers: directory.join(headers),
            data: directory.to_owned(),
            ..self.scheme.clone()
        };
        self.with(directory.to_owned(), scheme)
    }

    /// The same with `root` before every path, as for an image that is being made. `root` is absolute.
    #[must_use]
    pub fn beneath(&self, root: &Path) -> Self {
        let moved = |path: &Path| root.join(path.strip_prefix("/").unwrap_or(path));
        let own = &self.scheme;
        let scheme = Scheme {
            purelib: moved(&own.purelib),
            platlib: moved(&own.platlib),
            scripts: moved(&own.scripts),
            headers: moved(&own.headers),
            data: moved(&own.data),
            ..own.clone()
        };
        self.with(moved(&self.prefix), scheme)
    }

    /// Whether a virtual environment sees the directories of its base and of the user (`pyvenv.cfg`).
    pub fn sees_system(&self) -> bool {
        if !self.is_virtual() {
            return true;
        }
        let Ok(text) = std::fs::read_to_string(self.prefix.join("pyvenv.cfg")) else { return false };
        text.lines().filter_map(|line| line.split_once('=')).any(|(key, value)| {
            key.trim().eq_ignore_ascii_case("include-system-site-packages")
                && value.trim().eq_ignore_ascii_case("true")
        })
    }

    /// Whether this process may write where the scheme has its modules, or where that directory would be made.
    pub fn is_writable(&self) -> bool {
        let existing = self.scheme.purelib.ancestors().find(|path| path.exists());
        existing.is_some_and(|path| rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok())
    }

    fn with(&self, prefix: PathBuf, scheme: Scheme) -> Self {
        Self { root: prefix.clone(), prefix, scheme, externally_managed: None, answer: None, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::{PythonRequest, find};

    #[test]
    fn schemes_lie_where_pip_has_them() {
        let Ok(python) = find(&PythonRequest::Any, None) else { return };
        let (major, minor) = python.scheme.python;
        let target = python.at_target(Path::new("/t"));
        assert_eq!(target.scheme.purelib, Path::new("/t"));
        assert_eq!(target.scheme.scripts, Path::new("/t/bin"));
        let moved = python.in_venv(Path::new("/env")).at_prefix(Path::new("/p"));
        let site = format!("/p/lib/python{major}.{minor}/site-packages");
        assert_eq!(moved.scheme.purelib, Path::new(&site));
        assert_eq!(moved.scheme.data, Path::new("/p"));
        let rooted = moved.beneath(Path::new("/r"));
        assert_eq!(rooted.scheme.purelib, Path::new("/r").join(site.trim_start_matches('/')));
        assert_eq!(rooted.prefix, Path::new("/r/p"));
        assert_eq!(rooted.scheme.interpreter, moved.scheme.interpreter);
    }
}
