//! Where an interpreter looks for distributions: its `sys.path`, as far as anything can be installed there.
//!
//! Owns: the order of the directories, told without running `site`. Never: runs a line of a `.pth` file.

use std::path::{Path, PathBuf};

use super::MAX_ENTRIES;
use crate::python::{Interpreter, Scheme};

/// The largest `.pth` file or pyvenv.cfg that is read, in bytes.
const MAX_TEXT: u64 = 1 << 20;

/// The directories in which distributions are looked for, first one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPath {
    /// The directories; those that are missing hold nothing.
    pub directories: Vec<PathBuf>,
    /// The user's own directory, whether it is looked at or not.
    pub user_site: Option<PathBuf>,
    /// The prefix of a virtual environment: what lies elsewhere is not local.
    pub prefix: Option<PathBuf>,
}

impl SearchPath {
    /// Exactly these directories (`--path`).
    pub fn given(directories: Vec<PathBuf>) -> Self {
        Self { directories, user_site: None, prefix: None }
    }

    /// Those of an interpreter, as it would be started in this process's environment: `PYTHONPATH`, then the places that
    /// `site` adds (documentation of the module `site`, PEP 370, PEP 405).
    pub fn of(interpreter: &Interpreter) -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let user_site = user_site(interpreter);
        let shares = !interpreter.is_virtual() || shares_system(&interpreter.prefix);
        let mut directories = Directories::default();
        if let Some(path) = variable("PYTHONPATH") {
            for entry in std::env::split_paths(&path).filter(|entry| entry.is_absolute()) {
                directories.add(&entry);
            }
        }
        let scheme = &interpreter.scheme;
        if interpreter.is_virtual() {
            directories.site(&scheme.purelib);
            directories.site(&scheme.platlib);
        }
        if shares {
            if variable("PYTHONNOUSERSITE").is_none()
                && let Some(user) = &user_site
            {
                directories.site(user);
            }
            for site in &interpreter.base_sites {
                directories.site(site);
            }
        }
        if !interpreter.is_virtual() {
            directories.site(&scheme.purelib);
            directories.site(&scheme.platlib);
        }
        Self {
            directories: directories.found,
            user_site,
            prefix: interpreter.is_virtual().then(|| interpreter.prefix.clone()),
        }
    }

    /// Whether what lies in `directory` belongs to the virtual environment; where there is none, everything does.
    pub fn is_local(&self, directory: &Path) -> bool {
        self.prefix.as_ref().is_none_or(|prefix| real(directory).starts_with(real(prefix)))
    }

    /// Whether `directory` is in the user's own.
    pub fn is_users(&self, directory: &Path) -> bool {
        self.user_site.as_ref().is_some_and(|user| real(directory).starts_with(real(user)))
    }
}

/// A path with its links resolved, as far as it is there.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// PEP 370: `~/.local/lib/python3.13/site-packages`.
pub(in crate::python) fn user_site(interpreter: &Interpreter) -> Option<PathBuf> {
    let base = std::env::var_os("PYTHONUSERBASE").filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = match base {
        Some(base) => base,
        None => PathBuf::from(std::env::var_os("HOME")?).join(".local"),
    };
    let (major, minor) = interpreter.scheme.python;
    let threads = if interpreter.free_threaded { "t" } else { "" };
    Some(base.join(format!("lib/python{major}.{minor}{threads}/site-packages")))
}

/// The scheme of a user (`posix_user`), in the directory that Python looks into.
pub fn user_scheme(interpreter: &Interpreter) -> Option<Scheme> {
    let library = user_site(interpreter)?;
    let base = library.ancestors().nth(3)?.to_owned();
    let (major, minor) = interpreter.scheme.python;
    Some(Scheme {
        purelib: library.clone(),
        platlib: library,
        scripts: base.join("bin"),
        headers: base.join(format!("include/python{major}.{minor}")),
        data: base,
        interpreter: interpreter.executable.clone(),
        python: interpreter.scheme.python,
    })
}

/// PEP 405: `include-system-site-packages = true` in pyvenv.cfg.
fn shares_system(prefix: &Path) -> bool {
    let Ok(Some(bytes)) = super::read_capped(&prefix.join("pyvenv.cfg"), MAX_TEXT) else { return false };
    String::from_utf8_lossy(&bytes).lines().filter_map(|line| line.split_once('=')).any(|(key, value)| {
        key.trim().eq_ignore_ascii_case("include-system-site-packages")
            && value.trim().eq_ignore_ascii_case("true")
    })
}

#[derive(Default)]
struct Directories {
    found: Vec<PathBuf>,
}

impl Directories {
    fn add(&mut self, directory: &Path) -> bool {
        let is_new = directory.is_dir() && !self.found.iter().any(|known| real(known) == real(directory));
        if is_new {
            self.found.push(directory.to_owned());
        }
        is_new
    }

    /// A directory with what its `.pth` files add.
    fn site(&mut self, directory: &Path) {
        if !self.add(directory) {
            return;
        }
        let Ok(entries) = std::fs::read_dir(directory) else { return };
        let mut names: Vec<_> = entries
            .take(MAX_ENTRIES)
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| name.ends_with(".pth") && !name.starts_with('.'))
            .collect();
        names.sort();
        for name in names {
            let Ok(Some(bytes)) = super::read_capped(&directory.join(name), MAX_TEXT) else { continue };
            for line in String::from_utf8_lossy(&bytes).lines().map(str::trim_end) {
                let runs = line.starts_with("import ") || line.starts_with("import\t");
                if !line.is_empty() && !line.starts_with('#') && !runs {
                    // `./egg`, as easy_install wrote it, is `egg`.
                    self.add(&directory.join(line).components().collect::<PathBuf>());
                }
            }
        }
    }
}
