//! Files that are locked, and whose names or versions stand for other bytes on the index now.
//!
//! Never: lets a hash be exchanged without a word. A file of a release does not change; a lock that followed it would vouch
//! for whatever took its place.

use super::LockRequest;
use crate::digest::Sha256;
use crate::error::{Code, Problem, Problems};
use crate::index::Index;
use crate::lock::{Lock, LockedFile, LockedPackage, LockedSource};
use crate::policy::title;

impl LockRequest {
    /// Compares the files of the new lock with those of the standing one.
    ///
    /// # Errors
    /// `hash-mismatch`, for each package with a file that is another one now.
    pub(super) fn check_files(&self, index: &Index, lock: &Lock) -> Result<(), Problems> {
        let mut faults = Vec::new();
        for new in lock.packages.iter().filter(|package| package.index.is_some()) {
            let standing = self.standing.iter().flat_map(|lock| &lock.packages);
            for old in standing.filter(|old| old.name == new.name && old.version == new.version) {
                faults.extend(replaced(index, old, new)?.map(|problem| self.way_out(problem, new)));
            }
        }
        Problems::unless_empty((), faults)
    }

    fn way_out(&self, problem: Problem, package: &LockedPackage) -> Problem {
        problem.package(title(package)).help(format!(
            "find out from its makers why it was replaced; nothing was locked. To take what is there now, delete the entry of \
             {} from {} (or the file, where it has no other), and lock again",
            package.name,
            self.file.display()
        ))
    }
}

/// That a locked file is another one now. A wheel is told by its name; hashes alone by that nothing of the release has them.
fn replaced(index: &Index, old: &LockedPackage, new: &LockedPackage) -> Result<Option<Problem>, Problem> {
    match (&old.source, &old.version) {
        (LockedSource::Wheels(files), _) if old.index.is_some() => {
            let changed = files.iter().find_map(|file| Some((file, changed(file, new)?)));
            Ok(changed.map(|(file, now)| {
                let before = file.hashes.sha256s().next().map(|digest| digest.to_string());
                Problem::new(
                    Code::HashMismatch,
                    format!("the index has another file under the name of {}", file.name),
                )
                .at(file.place.clone())
                .expected(before.unwrap_or_default())
                .found(now)
            }))
        }
        (LockedSource::ByHash(hashes), Some(version)) => {
            let others = index.has_others(&old.name, version, hashes)?;
            Ok(others.then(|| {
                let digests: Vec<String> = hashes.digests().iter().map(ToString::to_string).collect();
                Problem::new(Code::HashMismatch, "no file of this release has a locked hash")
                    .at(old.place.clone())
                    .expected(digests.join(" or "))
            }))
        }
        _ => Ok(None),
    }
}

/// The SHA-256 that a file of this name has in the new lock, if the old one has another.
fn changed(old: &LockedFile, new: &LockedPackage) -> Option<Sha256> {
    let LockedSource::Wheels(files) = &new.source else { return None };
    let now = files.iter().find(|file| file.name == old.name)?.hashes.sha256s().next()?;
    let mut before = old.hashes.sha256s().peekable();
    before.peek()?;
    before.all(|before| before != now).then_some(now)
}
