//! The CPythons of this machine: those that pyenv keeps, then those on PATH.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::loudly;

/// A CPython that starts.
#[derive(Debug, Clone)]
pub struct Python {
    /// `3.13`.
    pub version: String,
    /// `sys.executable`.
    pub executable: PathBuf,
}

impl Python {
    /// Whether it is this version or a newer one.
    pub fn at_least(&self, minor: u32) -> bool {
        minor_of(&self.version).is_some_and(|own| own >= minor)
    }
}

/// Those of `versions` that are here. For each that is not, a line on standard error says so.
pub fn each_python(versions: &[&str]) -> Vec<Python> {
    versions
        .iter()
        .filter_map(|version| {
            let found = all().get(&minor_of(version).unwrap()).cloned();
            if found.is_none() {
                loudly(&format!("SKIPPED: no CPython {version} on this machine"));
            }
            found
        })
        .collect()
}

/// The newest one that is here, 3.13 at most: what tests take when any Python will do.
pub fn any_python() -> Python {
    all().values().next_back().cloned().expect("these tests need a CPython, 3.9 or newer")
}

/// CPython 3.8 to 3.13, by minor version. Newer ones are left out: not every wheel is there for them.
fn all() -> &'static BTreeMap<u32, Python> {
    static ALL: OnceLock<BTreeMap<u32, Python>> = OnceLock::new();
    ALL.get_or_init(|| (8..=13).filter_map(|minor| Some((minor, find(minor)?))).collect())
}

fn find(minor: u32) -> Option<Python> {
    let version = format!("3.{minor}");
    let pyenv = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".pyenv")));
    let mut candidates = Vec::new();
    if let Some(entries) = pyenv.and_then(|root| std::fs::read_dir(root.join("versions")).ok()) {
        let mut kept: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{version}.")))
            .map(|entry| entry.path().join("bin/python"))
            .collect();
        kept.sort();
        candidates.extend(kept.into_iter().rev());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    candidates
        .extend(std::env::split_paths(&path).map(|directory| directory.join(format!("python{version}"))));
    candidates.extend(std::env::split_paths(&path).map(|directory| directory.join("python3")));
    candidates.iter().find_map(|candidate| probe(candidate, &version))
}

/// The interpreter behind `candidate` (a shim, perhaps), if it is a CPython of this version.
fn probe(candidate: &Path, version: &str) -> Option<Python> {
    let script = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2], sys.executable)";
    let output = Command::new(candidate).args(["-I", "-S", "-c", script]).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let executable = said.trim().strip_prefix(&format!("cpython {version} "))?;
    Some(Python { version: version.to_owned(), executable: PathBuf::from(executable) })
}

fn minor_of(version: &str) -> Option<u32> {
    version.strip_prefix("3.")?.parse().ok()
}
