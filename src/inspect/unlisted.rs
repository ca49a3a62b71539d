//! What stands among the modules and no RECORD lists; and who may put something there.
//!
//! Owns: these findings. Never: removes anything, or follows a link.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::Site;
use super::byte_code::{is_of, is_unchecked};
use crate::error::{Code, Place, Problem};
use crate::wheel::startup::Kind;

/// What CPython itself puts there.
const PYTHONS_OWN: &str = "README.txt";

/// Looks through the libraries. Byte-code of a listed source is what Python itself writes: it is counted. Byte-code that
/// Python would run without a look at its source is a finding.
pub(super) fn look(site: &Site, listed: &BTreeSet<PathBuf>, findings: &mut Vec<Problem>) -> usize {
    let mut byte_code = 0;
    let libraries: BTreeSet<&PathBuf> = site.libraries.iter().collect();
    let own = libraries.iter().flat_map(|library| names(library).into_iter().map(|name| library.join(name)));
    let own: BTreeSet<PathBuf> = own.filter(|path| is_own(site, path)).collect();
    let mut waiting: Vec<PathBuf> = libraries.into_iter().cloned().collect();
    while let Some(directory) = waiting.pop() {
        let Ok(entries) = fs_err::read_dir(&directory) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            let kind = entry.file_type();
            if kind.as_ref().is_ok_and(std::fs::FileType::is_dir) {
                findings.extend(writable(site, &path));
                waiting.push(path);
            } else if listed.contains(&path) || own.contains(&path) {
            } else if !is_of(&path, listed) && !is_of(&path, &own) {
                findings.push(unlisted(site, &path));
            } else if is_unchecked(&path) {
                let what = "this byte-code runs without a look at its source";
                findings.push(nobody_vouches(&path, what, &remedy(&path)));
            } else {
                byte_code += 1;
            }
        }
    }
    byte_code
}

fn names(library: &Path) -> Vec<std::ffi::OsString> {
    fs_err::read_dir(library).into_iter().flatten().flatten().map(|entry| entry.file_name()).collect()
}

/// Whether a file directly among the modules belongs to the environment or the interpreter.
fn is_own(site: &Site, path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    site.own.contains(&name.as_str()) || path.ends_with(PYTHONS_OWN)
}

fn unlisted(site: &Site, path: &Path) -> Problem {
    let inside = site.libraries.iter().find_map(|library| path.strip_prefix(library).ok());
    let what = match inside.and_then(Kind::of) {
        Some(_) => "Python runs this file at each start, and no RECORD lists it",
        None => "no RECORD lists this file",
    };
    nobody_vouches(path, what, &remedy(path))
}

fn remedy(path: &Path) -> String {
    format!(
        "find out who put it there; `rm '{}'` removes it, and `pipward sync --remove-unlisted` all such files",
        path.display()
    )
}

fn nobody_vouches(path: &Path, what: &str, help: &str) -> Problem {
    Problem::new(Code::FileUnlisted, what).at(Place::file(path)).help(help)
}

/// A directory in which others may put files, where an install would not let them.
fn writable(site: &Site, path: &Path) -> Option<Problem> {
    let mode = path.symlink_metadata().ok()?.permissions().mode() & 0o7777;
    let too_many = mode & site.umask? & 0o022;
    (too_many != 0).then(|| {
        Problem::new(Code::FileChanged, "others can write in this directory of modules")
            .at(Place::file(path))
            .expected(format!("mode {:o}", mode & !too_many))
            .found(format!("mode {mode:o}"))
            .help(format!("look for files that are not from you, then `chmod go-w '{}'`", path.display()))
    })
}
