//! What today's rules find in a package that was locked before.
//!
//! Pure. Never: asks anybody; what the lock tells is all there is.

use jiff::{SignedDuration, Timestamp};

use super::publishers::{Proven, Required, unwanted};
use crate::error::{Code, Problem};
use crate::lock::{LockedFile, LockedPackage};

/// Name and version, for messages.
pub fn title(package: &LockedPackage) -> String {
    match &package.version {
        Some(version) => format!("{} {version}", package.name),
        None => package.name.to_string(),
    }
}

/// That one of these files is newer than the policy takes.
pub fn too_young<'f>(
    package: &LockedPackage,
    files: impl Iterator<Item = &'f LockedFile>,
    age: SignedDuration,
    now: Timestamp,
) -> Option<Problem> {
    let newest = files.filter_map(|file| file.upload_time).max()?;
    let from = newest.checked_add(age).ok()?;
    (from > now).then(|| {
        Problem::new(
            Code::ReleaseAge,
            format!("a file of it was uploaded at {newest}, and new files wait until {from}"),
        )
        .package(title(package))
        .help("wait, or lock an older version; an exception for a project has a name and a reason")
    })
}

/// That the publishers which the lock names are not those that the policy asks for.
pub fn unwanted_publishers(package: &LockedPackage, required: &[Required]) -> Vec<Problem> {
    let title = title(package);
    let proven = Proven {
        package: &title,
        name: &package.name,
        publishers: &package.publishers,
        without: &[],
        as_before: &[],
        source: None,
        before: &[],
    };
    unwanted(&proven, required)
}
