//! Interpreters, their tags and schemes, installed distributions, and making a venv.
//!
//! Owns: what pipward knows of a Python. The interpreter is started with `-I -S` and our own probe script only.
//! Never: imports or runs anything of an environment, and never believes a kept probe of a file that has changed.

mod activate;
mod compile;
mod elf;
mod elsewhere;
mod find;
pub mod installed;
mod libraries;
mod probe;
pub mod venv;

pub use elsewhere::user_site_is_disabled;
pub use probe::Ahead;

use std::path::{Path, PathBuf};

use pipward_resolver::{Target, Version};

use crate::error::{Code, Problem};

/// What a Python says about itself.
#[derive(Debug, Clone)]
pub struct Interpreter {
    /// `sys.executable`, absolute.
    pub executable: PathBuf,
    /// `sys.version_info` as a version: 3.13.0.
    pub version: Version,
    /// `sys.prefix`.
    pub prefix: PathBuf,
    /// Beneath which everything is installed: the prefix, but where the interpreter stands in a cellar and its modules
    /// beside that, as Homebrew has it, the directory above both.
    pub root: PathBuf,
    /// `sys.base_prefix`.
    pub base_prefix: PathBuf,
    /// The executable of the base installation: the one itself where this is no venv.
    pub base_executable: PathBuf,
    /// Where things go (sysconfig's preferred scheme).
    pub scheme: Scheme,
    /// Where things go in a virtual environment of this Python, relative to its prefix.
    pub layout: Layout,
    /// Markers and tags.
    pub target: Target,
    /// The platform that the tags are for.
    pub platform: pipward_resolver::tags::Platform,
    /// Whether it runs without a global lock (PEP 703): its user directory has another name.
    pub free_threaded: bool,
    /// The directories of modules of the base installation (`site.getsitepackages`), in the order of the search.
    pub base_sites: Vec<PathBuf>,
    /// The `Error` text of an EXTERNALLY-MANAGED file (PEP 668), where there is one and this is no venv.
    pub externally_managed: Option<String>,
    /// What it was asked in this run, for [`remember`].
    answer: Option<std::sync::Arc<probe::Answer>>,
    /// Whether all this is what it answered in an earlier run.
    kept: bool,
}

impl Interpreter {
    /// Whether this is what it answered in an earlier run, as a cache has it: good for looking, and not for writing.
    pub fn is_kept(&self) -> bool {
        self.kept
    }

    /// Whether it belongs to a virtual environment.
    pub fn is_virtual(&self) -> bool {
        self.prefix != self.base_prefix
    }

    /// The interpreter of the base installation: itself, where this is no virtual environment.
    ///
    /// # Errors
    /// As [`probe`].
    pub fn base(self, cache: Option<&Path>) -> Result<Self, Problem> {
        if self.is_virtual() { probe(&self.base_executable, cache) } else { Ok(self) }
    }

    /// The interpreter of the virtual environment that [`venv::create`] makes at `prefix` from this one.
    /// Nothing needs to stand there yet. `prefix` is absolute.
    #[must_use]
    pub fn in_venv(&self, prefix: &Path) -> Self {
        let mut inside = self.clone();
        inside.executable = prefix.join("bin/python");
        inside.prefix = prefix.to_path_buf();
        inside.scheme = self.layout.scheme(prefix, self.scheme.python);
        inside.externally_managed = None;
        inside
    }
}

/// The directories of a virtual environment, relative to its prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// `lib/python3.13/site-packages`.
    pub purelib: PathBuf,
    /// `lib/python3.13/site-packages`, or with `lib64` where the system has it so.
    pub platlib: PathBuf,
    /// `bin`.
    pub scripts: PathBuf,
    /// Whether the interpreter is one of 64 bits, whose environments have `lib64`.
    pub wide: bool,
}

impl Layout {
    /// The scheme of an environment at `prefix`. Headers go where pip puts them in a virtual environment.
    pub fn scheme(&self, prefix: &Path, python: (u8, u8)) -> Scheme {
        Scheme {
            purelib: prefix.join(&self.purelib),
            platlib: prefix.join(&self.platlib),
            scripts: prefix.join(&self.scripts),
            headers: prefix.join(format!("include/site/python{}.{}", python.0, python.1)),
            data: prefix.to_path_buf(),
            interpreter: prefix.join("bin/python"),
            python,
        }
    }
}

/// The directories of an installation scheme, absolute, and the interpreter that scripts name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// Pure modules.
    pub purelib: PathBuf,
    /// Compiled modules.
    pub platlib: PathBuf,
    /// Scripts.
    pub scripts: PathBuf,
    /// Headers, without the project's own folder (which an installer adds).
    pub headers: PathBuf,
    /// Data: the prefix.
    pub data: PathBuf,
    /// What `#!` names.
    pub interpreter: PathBuf,
    /// Major and minor version: shapes a few scripts.
    pub python: (u8, u8),
}

impl Scheme {
    /// Whether modules lie at the top of one folder, with everything else beside them (`--target`).
    pub fn is_flat(&self) -> bool {
        self.purelib == self.data
    }

    /// The deepest directory that all of the scheme's directories lie in: a venv's prefix.
    ///
    /// # Errors
    /// `environment-invalid` where they have nothing but `/` in common, or one is not absolute.
    pub fn root(&self) -> Result<PathBuf, Problem> {
        let mut root = self.data.clone();
        for directory in [&self.purelib, &self.platlib, &self.scripts, &self.headers] {
            while !directory.starts_with(&root) {
                if !root.pop() {
                    break;
                }
            }
        }
        if root.is_absolute() && root.parent().is_some() {
            return Ok(root);
        }
        Err(Problem::new(
            Code::EnvironmentInvalid,
            "the directories of this Python's installation scheme have nothing in common",
        )
        .found(self.data.display())
        .help("install into a virtual environment: --venv DIR makes one"))
    }

    /// The directories that hold modules: one, or two where compiled modules go elsewhere.
    pub fn module_directories(&self) -> Vec<&Path> {
        let same = self.purelib == self.platlib
            || matches!(
                (std::fs::canonicalize(&self.purelib), std::fs::canonicalize(&self.platlib)),
                (Ok(pure), Ok(plat)) if pure == plat
            );
        if same { vec![&self.purelib] } else { vec![&self.purelib, &self.platlib] }
    }
}

/// How the user names a Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PythonRequest {
    /// The first one found.
    Any,
    /// A path to an executable or to an environment, or the name of a command.
    Path(PathBuf),
    /// A version: 3.13 or 3.13.0.
    Version(Version),
}

impl PythonRequest {
    /// Reads what stands behind `--python`: up to three numbers are a version, all else is a path or a command.
    pub fn parse(text: &str) -> Self {
        let mut numbers = 0;
        let only_numbers = text.split('.').all(|part| {
            numbers += 1;
            !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit())
        });
        match text.parse() {
            Ok(version) if only_numbers && numbers <= 3 => Self::Version(version),
            _ => Self::Path(PathBuf::from(text)),
        }
    }
}

/// Finds and probes an interpreter. `cache` may hold an earlier answer; nothing is written there but by [`remember`].
///
/// # Errors
/// `python-not-found`, `python-unusable`.
pub fn find(request: &PythonRequest, cache: Option<&Path>) -> Result<Interpreter, Problem> {
    find::find(request, &find::Surroundings::of_process(), cache)
}

/// Asks the interpreter at `executable` about itself, or takes the answer that `cache` holds where nothing that it
/// depends on has changed.
///
/// # Errors
/// `python-unusable`.
pub fn probe(executable: &Path, cache: Option<&Path>) -> Result<Interpreter, Problem> {
    probe::probe(executable, cache)
}

/// Begins to ask the interpreter at `executable`, for whoever [asks](probe) it next, unless the answer that `cache` holds
/// will do.
pub fn begin(executable: &Path, cache: Option<&Path>) -> Option<Ahead> {
    probe::begin(executable, cache)
}

/// Keeps what `interpreter` answered in this run: for the end of a run that went well.
pub fn remember(interpreter: &Interpreter, cache: &Path) {
    probe::remember(interpreter, cache);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_python_is_a_version_or_a_path() {
        let check = |text: &str, version: bool| {
            assert_eq!(matches!(PythonRequest::parse(text), PythonRequest::Version(_)), version, "{text}");
        };
        for text in ["3", "3.13", "3.13.0", "3.8.18"] {
            check(text, true);
        }
        for text in
            ["", "python3.13", "./3.13", "3.13.", "3.13t", "/usr/bin/python3", "3.13.0.1", ">=3.9", "3.x"]
        {
            check(text, false);
        }
    }

    #[test]
    fn the_root_of_a_scheme_is_what_its_directories_share() {
        let layout = Layout {
            purelib: "lib/python3.13/site-packages".into(),
            platlib: "lib/python3.13/site-packages".into(),
            scripts: "bin".into(),
            wide: true,
        };
        let mut scheme = layout.scheme(Path::new("/env"), (3, 13));
        assert_eq!(scheme.root().unwrap(), Path::new("/env"));
        scheme.data = "/usr/local".into();
        scheme.purelib = "/usr/local/lib/python3.13/dist-packages".into();
        scheme.platlib = scheme.purelib.clone();
        scheme.scripts = "/usr/local/bin".into();
        scheme.headers = "/usr/include/python3.13".into();
        assert_eq!(scheme.root().unwrap(), Path::new("/usr"));
        scheme.headers = "/opt/include".into();
        assert_eq!(scheme.root().unwrap_err().code(), Code::EnvironmentInvalid);
    }
}
