//! What stands where a file of a wheel goes, and makes room for it or not.
//!
//! Never: follows a link, but to see whether it leads to this program.

use std::path::Path;

use rustix::fs::{Access, access};

/// Whether a link is what `pipward shim` makes, a `pip` that is pipward, or leads to such a one.
pub(super) fn leads_to_pipward(at: &Path) -> bool {
    let mut ends = [at.read_link(), at.canonicalize()].into_iter().flatten();
    ends.any(|to| to.file_name().is_some_and(|name| name == "pipward"))
}

/// Whether a directory, which stands where a file was, has nothing in it but directories and byte-code in its place, all of
/// which can be removed once it is out of the way.
pub(super) fn is_hollow(directory: &Path, depth: usize) -> bool {
    let is_free = access(directory, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_ok();
    let Some(mut entries) = directory.read_dir().ok().filter(|_| is_free) else { return false };
    let in_cache = directory.file_name().is_some_and(|name| name == "__pycache__");
    entries.all(|entry| {
        let Ok((path, kind)) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) else {
            return false;
        };
        match kind.is_dir() {
            true => depth > 0 && is_hollow(&path, depth.saturating_sub(1)),
            false => in_cache && kind.is_file() && path.extension().is_some_and(|kind| kind == "pyc"),
        }
    })
}
