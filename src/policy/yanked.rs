//! Releases that their makers have taken back (PEP 592).

use crate::error::{Code, Problem};
use crate::lock::LockedPackage;

/// That a locked release was yanked, and why.
pub fn release_yanked(package: &LockedPackage, reason: &str) -> Problem {
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let reason = if reason.is_empty() { "no reason is given" } else { &reason };
    let version = package.version.as_ref().map(ToString::to_string).unwrap_or_default();
    Problem::new(Code::ReleaseYanked, format!("it was yanked ({reason}), and is taken since it is pinned"))
        .package(format!("{} {version}", package.name))
        .help("pin another version, or leave the choice to `pipward lock`")
}
