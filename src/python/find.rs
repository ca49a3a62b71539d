//! Where Pythons are looked for.
//!
//! Owns: the order of the search. Never: runs what a relative entry of PATH names.

use std::path::{Path, PathBuf};

use pipward_resolver::Version;

use super::{Interpreter, PythonRequest, probe};
use crate::error::{Code, Place, Problem};

/// The newest minor version whose name (`python3.N`) is looked for.
const NEWEST_MINOR: u8 = 19;
/// The oldest.
const OLDEST_MINOR: u8 = 8;

/// The part of the process's surroundings that a search depends on.
pub(super) struct Surroundings {
    /// The absolute entries of PATH, in order.
    pub(super) path: Vec<PathBuf>,
    /// Directories that hold one installation each: pyenv's versions, those that uv manages.
    pub(super) collections: Vec<PathBuf>,
}

impl Surroundings {
    pub(super) fn of_process() -> Self {
        let directory =
            |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = directory("HOME");
        let beneath_home = |tail: &str| home.as_ref().map(|home| home.join(tail));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let pyenv = directory("PYENV_ROOT").or_else(|| beneath_home(".pyenv"));
        let uv = directory("UV_PYTHON_INSTALL_DIR").or_else(|| {
            directory("XDG_DATA_HOME")
                .or_else(|| beneath_home(".local/share"))
                .map(|data| data.join("uv/python"))
        });
        Self {
            path: std::env::split_paths(&path).filter(|entry| entry.is_absolute()).collect(),
            collections: pyenv.map(|root| root.join("versions")).into_iter().chain(uv).collect(),
        }
    }

    /// The files of this name on PATH, in order.
    fn on_path<'a>(&'a self, name: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
        self.path.iter().map(move |directory| directory.join(name)).filter(|file| is_executable(file))
    }

    /// The executables of the collections whose directory's name has a version that `wanted` covers, newest first.
    fn collected(&self, wanted: &Version) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for collection in &self.collections {
            let Ok(entries) = std::fs::read_dir(collection) else { continue };
            for entry in entries.flatten() {
                let name = entry.file_name();
                // `3.13.0`, or `cpython-3.13.0-linux-x86_64-gnu`.
                let Some(text) = name.to_str() else { continue };
                let text = text.strip_prefix("cpython-").unwrap_or(text);
                let Some(Ok(version)) = text.split('-').next().map(str::parse::<Version>) else { continue };
                if covers(wanted, &version) {
                    found.push((version, entry.path().join("bin/python3")));
                }
            }
        }
        found.sort_by(|one, other| other.cmp(one));
        found.into_iter().map(|(_, path)| path).filter(|path| is_executable(path)).collect()
    }
}

/// Finds and probes.
pub(super) fn find(
    request: &PythonRequest,
    surroundings: &Surroundings,
    cache: Option<&Path>,
) -> Result<Interpreter, Problem> {
    match request {
        PythonRequest::Path(path) => at_path(path, surroundings, cache),
        PythonRequest::Any => first_usable(any(surroundings), cache, |_| true).map_err(|seen| {
            not_found("no usable Python was found on PATH", seen)
                .help("name one with --python, as a path or a version such as 3.13")
        }),
        PythonRequest::Version(wanted) => {
            let fits = |found: &Interpreter| covers(wanted, &found.version);
            first_usable(of_version(wanted, surroundings), cache, fits).map_err(|seen| {
                not_found(
                    &format!("no Python {wanted} was found on PATH or where pyenv and uv keep theirs"),
                    seen,
                )
                .help("install it, or name another with --python, as a path or a version")
            })
        }
    }
}

fn any(surroundings: &Surroundings) -> impl Iterator<Item = PathBuf> + '_ {
    let numbered = (OLDEST_MINOR..=NEWEST_MINOR).rev().flat_map(|minor| {
        let name = format!("python3.{minor}");
        surroundings.on_path(&name).collect::<Vec<_>>()
    });
    surroundings.on_path("python3").chain(numbered).chain(surroundings.on_path("python"))
}

fn of_version<'a>(
    wanted: &'a Version,
    surroundings: &'a Surroundings,
) -> impl Iterator<Item = PathBuf> + use<'a> {
    let exact = match wanted.release() {
        [major, minor, ..] => vec![format!("python{major}.{minor}")],
        _ => Vec::new(),
    };
    let named = exact.into_iter().flat_map(|name| surroundings.on_path(&name).collect::<Vec<_>>());
    named.chain(any(surroundings)).chain(surroundings.collected(wanted))
}

/// Whether `found` is the version wanted, as far as that was told: 3.13 covers 3.13.0.
fn covers(wanted: &Version, found: &Version) -> bool {
    found.release().starts_with(wanted.release())
}

/// The first candidate that can be used and fits; else the first problem met on the way.
fn first_usable(
    candidates: impl Iterator<Item = PathBuf>,
    cache: Option<&Path>,
    fits: impl Fn(&Interpreter) -> bool,
) -> Result<Interpreter, Option<Problem>> {
    let mut first_problem = None;
    let mut asked = std::collections::HashSet::new();
    for candidate in candidates.filter(|candidate| asked.insert(candidate.clone())) {
        match probe::probe(&candidate, cache) {
            Ok(found) if fits(&found) => return Ok(found),
            Ok(_) => {}
            // A shim that leads nowhere, a Python 2: the next one may do.
            Err(problem) => {
                tracing::debug!(%problem, "skipped a Python");
                first_problem.get_or_insert(problem);
            }
        }
    }
    Err(first_problem)
}

fn at_path(path: &Path, surroundings: &Surroundings, cache: Option<&Path>) -> Result<Interpreter, Problem> {
    if path.is_dir() {
        let inside = ["bin/python", "bin/python3"].map(|tail| path.join(tail));
        return match inside.iter().find(|file| is_executable(file)) {
            Some(file) => probe::probe(file, cache),
            None => Err(Problem::new(Code::PythonNotFound, "this directory has no bin/python")
                .at(Place::file(path))
                .help("name an environment, or the executable itself, with --python")),
        };
    }
    if path.is_file() {
        return probe::probe(path, cache);
    }
    let name = path.to_str().filter(|name| !name.is_empty() && !name.contains('/'));
    match name.and_then(|name| surroundings.on_path(name).next()) {
        Some(file) => probe::probe(&file, cache),
        None => Err(Problem::new(Code::PythonNotFound, "there is no such interpreter or environment")
            .at(Place::file(path))
            .help("name an executable or an environment with --python, or a version such as 3.13")),
    }
}

fn not_found(what: &str, seen: Option<Problem>) -> Problem {
    let problem = Problem::new(Code::PythonNotFound, what);
    match seen {
        Some(seen) => problem.cause(seen),
        None => problem,
    }
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_version_covers_longer_ones() {
        let check = |wanted: &str, found: &str, expected: bool| {
            assert_eq!(
                covers(&wanted.parse().unwrap(), &found.parse().unwrap()),
                expected,
                "{wanted} {found}"
            );
        };
        check("3", "3.13.0", true);
        check("3.13", "3.13.0", true);
        check("3.13.0", "3.13.0", true);
        check("3.1", "3.13.0", false);
        check("3.13.1", "3.13.0", false);
        check("3.9", "3.13.0", false);
    }

    /// A directory with one executable file in it.
    fn directory_with(name: &str, text: &str) -> tempfile::TempDir {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(name);
        std::fs::write(&file, text).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        directory
    }

    #[test]
    fn a_shim_that_leads_nowhere_is_passed_over() {
        let process = Surroundings::of_process();
        let Ok(real) = find(&PythonRequest::Any, &process, None) else { return };
        let broken = directory_with("python3", "#!/bin/sh\necho 'not found' >&2\nexit 127\n");
        let working =
            directory_with("python3", &format!("#!/bin/sh\nexec '{}' \"$@\"\n", real.executable.display()));
        let path = [&broken, &working].map(|directory| directory.path().to_path_buf());
        let around = Surroundings { path: path.to_vec(), collections: Vec::new() };
        assert_eq!(find(&PythonRequest::Any, &around, None).unwrap().version, real.version);
        let version = real.version.clone();
        assert_eq!(find(&PythonRequest::Version(version), &around, None).unwrap().version, real.version);
        let none = find(&PythonRequest::Version("3.1".parse().unwrap()), &around, None).unwrap_err();
        assert_eq!(none.code(), Code::PythonNotFound);
        let [broken, _] = path;
        let around = Surroundings { path: vec![broken], collections: Vec::new() };
        let problem = find(&PythonRequest::Any, &around, None).unwrap_err();
        assert!(problem.cause_text().is_some_and(|cause| cause.contains("python-unusable")), "{problem:?}");
    }

    #[test]
    fn relative_entries_of_path_are_not_looked_at() {
        let none = Surroundings { path: Vec::new(), collections: Vec::new() };
        let problem = find(&PythonRequest::Any, &none, None).unwrap_err();
        assert_eq!(problem.code(), Code::PythonNotFound);
        let process = Surroundings::of_process();
        assert!(process.path.iter().all(|entry| entry.is_absolute()));
    }
}
