//! Making a virtual environment (PEP 405) without running Python.
//!
//! Owns: the environment's own files, and the list of the paths that are its own. The same interpreter and path give
//! the same bytes each time. Never: writes where something stands already.

use std::path::{Path, PathBuf};

use super::{Interpreter, activate, libraries};
use crate::error::{Code, Place, Problem, io};

/// Writes the environment's own files into the directory `at`, which exists and is empty. They name `prefix`, the place
/// at which the environment will be found: the same as `at`, or the one that `at` is renamed to.
///
/// # Errors
/// `environment-invalid` for a path that cannot stand in scripts; those of writing.
pub fn create_at(at: &Path, prefix: &Path, interpreter: &Interpreter) -> Result<(), Problem> {
    let text = writable_path(prefix)?;
    let home = interpreter.base_executable.parent().unwrap_or(Path::new("/"));
    let home = writable_path(home)?;
    let (major, minor) = interpreter.scheme.python;
    let layout = &interpreter.layout;
    for directory in [&layout.purelib, &layout.platlib, &layout.scripts, &PathBuf::from("include")] {
        let directory = at.join(directory);
        std::fs::create_dir_all(&directory).map_err(|error| io("making a directory", &directory, &error))?;
    }
    let bin = at.join(&layout.scripts);
    link(&interpreter.base_executable, &bin.join("python"))?;
    link(Path::new("python"), &bin.join("python3"))?;
    link(Path::new("python"), &bin.join(format!("python{major}.{minor}")))?;
    if layout.wide && !at.join("lib64").exists() {
        link(Path::new("lib"), &at.join("lib64"))?;
    }
    let version = &interpreter.version;
    let cfg = format!(
        "home = {home}\ninclude-system-site-packages = false\nversion = {version}\npipward = {}\n",
        env!("CARGO_PKG_VERSION")
    );
    write(&at.join("pyvenv.cfg"), &cfg)?;
    write(&at.join(".gitignore"), "*\n")?;
    for (name, content) in activate::scripts(text) {
        write(&bin.join(name), &content)?;
    }
    Ok(())
}

/// Makes a virtual environment at `prefix`, which is absolute and not there yet (or an empty directory).
/// [`crate::install::Session::fresh`] is the way that leaves nothing behind when it is interrupted.
///
/// # Errors
/// As [`create_at`].
pub fn create(prefix: &Path, interpreter: &Interpreter) -> Result<Interpreter, Problem> {
    std::fs::create_dir_all(prefix).map_err(|error| io("making a directory", prefix, &error))?;
    create_at(prefix, prefix, interpreter)?;
    Ok(interpreter.in_venv(prefix))
}

/// Whether `relative` (to the prefix, with `/`) is a path of the environment itself, which no distribution may bring or
/// take away. Compared without regard to case, since some file systems do not have any.
pub fn owns(relative: &str) -> bool {
    let folded = relative.to_lowercase();
    if libraries::is_loaded(&folded) {
        return true;
    }
    let mut parts = folded.split('/');
    let (Some(first), second, third) = (parts.next(), parts.next(), parts.next()) else { return false };
    match (first, second, third) {
        ("pyvenv.cfg" | ".gitignore" | "lib64" | "conda-meta" | "condarc" | "condarc.d", ..) => true,
        // pip, and whoever does as it does, takes indexes from there.
        ("pip.conf" | "pip.ini", ..) => true,
        // Directories of the environment; a file of such a name would stand in their place.
        ("bin" | "scripts" | "lib" | "include" | "share", None, _) => true,
        (name, ..) if name.starts_with(".pipward") => true,
        // Where it has been built, as it takes this for.
        ("bin" | "scripts", Some("pybuilddir.txt"), _) => true,
        ("bin" | "scripts", Some("modules"), Some("setup.local" | "setup.dist")) => true,
        // What conda, virtualenvwrapper and git run by themselves.
        ("etc", Some("conda"), _) | (".git", ..) => true,
        (
            "bin" | "scripts",
            Some("preactivate" | "postactivate" | "predeactivate" | "postdeactivate"),
            None,
        ) => true,
        ("bin" | "scripts", Some(name), _) => is_own_executable(name) || sets_paths(name),
        (name, ..) => sets_paths(name),
    }
}

/// What Python looks for beside itself before anything else: where its modules are.
fn sets_paths(name: &str) -> bool {
    name == "pyvenv.cfg" || name.ends_with("._pth")
}

/// How names of an interpreter end that stand for one of its builds, or for its configuration.
const BUILDS: [&str; 6] = ["-config", "-dbg", "-32", "-64", "-intel64", "-arm64"];

fn is_own_executable(name: &str) -> bool {
    let stem = name.strip_suffix(".exe").unwrap_or(name);
    let is_python = |rest: &str| {
        let rest = BUILDS.iter().find_map(|build| rest.strip_suffix(build)).unwrap_or(rest);
        rest.trim_end_matches(['t', 'd']).bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    let interpreter =
        stem.strip_prefix("pythonw").or_else(|| stem.strip_prefix("python")).is_some_and(is_python)
            || stem.strip_prefix("pypy").is_some_and(is_python);
    let activation = matches!(
        name,
        "activate"
            | "activate.csh"
            | "activate.fish"
            | "activate.ps1"
            | "activate.bat"
            | "activate.nu"
            | "activate.xsh"
            | "activate_this.py"
            | "deactivate"
            | "deactivate.bat"
    );
    interpreter || activation
}

/// A path that can stand in pyvenv.cfg, in a `#!` line and in a shell script.
fn writable_path(path: &Path) -> Result<&str, Problem> {
    path.to_str().filter(|text| !text.chars().any(char::is_control)).ok_or_else(|| {
        Problem::new(Code::EnvironmentInvalid, "this path cannot be written into scripts")
            .at(Place::file(path))
            .expected("UTF-8 without line breaks and other control characters")
            .help("choose another directory for the environment")
    })
}

fn link(target: &Path, at: &Path) -> Result<(), Problem> {
    std::os::unix::fs::symlink(target, at).map_err(|error| io("making a link", at, &error))
}

fn write(path: &Path, content: &str) -> Result<(), Problem> {
    use std::io::Write as _;
    std::fs::File::create_new(path)
        .and_then(|mut file| file.write_all(content.as_bytes()))
        .map_err(|error| io("writing a file", path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_owns_its_interpreter_and_configuration() {
        for path in [
            "pyvenv.cfg",
            "PYVENV.CFG",
            "bin/python",
            "bin/Python3",
            "bin/python3.13",
            "bin/python3.13t",
            "bin/pythonw",
            "bin/python3.13-config",
            "bin/python3.13-intel64",
            "bin/python3-64",
            "bin/activate",
            "bin/Activate.ps1",
            "bin/activate_this.py",
            "lib64",
            "lib64/python3.13/x",
            "bin",
            "lib",
            "Scripts/python.exe",
            ".pipward",
            ".pipward/journal",
            "bin/pypy3",
            "bin/python/x",
            "bin/python._pth",
            "bin/Python3.11._PTH",
            "bin/pyvenv.cfg",
            "bin/pybuilddir.txt",
            "bin/Modules/Setup.local",
            "python313._pth",
            "pip.conf",
            "PIP.INI",
            "condarc",
            "condarc.d/x.yml",
        ] {
            assert!(owns(path), "{path}");
        }
        for path in [
            "bin/pythonize",
            "bin/flask",
            "bin/python-argcomplete",
            "lib/python3.13/site-packages/python",
            "share/man",
            "etc/pyvenv.cfg",
            "etc/pip.conf",
            "lib/python3.13/site-packages/x._pth",
            "bin/activate-global",
            "bin/modules/x",
            "share/pybuilddir.txt",
            "include/site/python3.13/x",
        ] {
            assert!(!owns(path), "{path}");
        }
    }
}
