//! Wheel + Scheme -> InstallPlan, and conflicts between plans; then the writes.
//!
//! Owns: what will be written where ([`InstallPlan`]), and the one way an environment changes ([`Session`]).
//! Never: changes an environment before everything was planned, staged and found free of conflicts.
//!
//! What is installed was read from verified bytes: a plan comes from a [`Wheel`](crate::wheel::Wheel) alone, and
//! nothing else can be staged.
//!
//! ```
//! use pipward::{error::Problem, install::InstallPlan, python::Scheme, wheel::Wheel};
//! fn plan(wheel: &Wheel, scheme: &Scheme) -> Result<InstallPlan, Problem> { InstallPlan::new(wheel, scheme, true, None) }
//! ```
//! ```compile_fail,E0308
//! use pipward::{error::Problem, fetch::Unverified, install::InstallPlan, python::Scheme};
//! fn plan(file: &Unverified, scheme: &Scheme) -> Result<InstallPlan, Problem> { InstallPlan::new(file, scheme, true, None) }
//! ```
//! ```compile_fail,E0308
//! use pipward::{error::Problem, install::InstallPlan, python::Scheme, verify::VerifiedWheel};
//! fn plan(file: &VerifiedWheel, scheme: &Scheme) -> Result<InstallPlan, Problem> { InstallPlan::new(file, scheme, true, None) }
//! ```
//! ```compile_fail,E0451
//! use pipward::install::InstallPlan;
//! fn forge(other: InstallPlan) -> InstallPlan { InstallPlan { ..other } }
//! ```
//! ```compile_fail,E0308
//! use pipward::{fetch::Unverified, install::{InstallPlan, Session}};
//! fn add(session: &Session, file: &Unverified, plan: &InstallPlan) { let _ = session.add(file, plan); }
//! ```

mod bytecode;
mod claims;
mod commit;
mod conflicts;
mod contest;
mod guard;
mod held;
mod journal;
mod places;
mod plan;
mod recover;
mod scripts;
mod session;
mod stage;
mod tree;
mod uninstall;

use std::path::{Path, PathBuf};

use pipward_resolver::{PackageName, Version};

use crate::digest::StrongDigest;
use crate::wheel::record::Record;

pub use guard::{interrupt, interrupted};
pub use plan::DirectUrl;
pub use recover::{Settled, recover, repair};
pub use session::{Report, Session};

/// Where each file of a wheel goes, and the RECORD that will say so.
#[derive(Debug, Clone)]
pub struct InstallPlan {
    name: PackageName,
    version: Version,
    dist_info: PathBuf,
    files: Vec<PlannedFile>,
    record: Record,
}

impl InstallPlan {
    /// The distribution.
    pub fn name(&self) -> &PackageName {
        &self.name
    }
    /// Its version.
    pub fn version(&self) -> &Version {
        &self.version
    }
    /// Its .dist-info directory, at its final place; absolute.
    pub fn dist_info(&self) -> &Path {
        &self.dist_info
    }
    /// The files by destination. RECORD is not among them.
    pub fn files(&self) -> &[PlannedFile] {
        &self.files
    }
    /// The RECORD that is written, complete.
    pub fn record(&self) -> &Record {
        &self.record
    }
    /// Where RECORD goes.
    pub fn record_path(&self) -> PathBuf {
        self.dist_info.join("RECORD")
    }
}

/// One file of a plan.
#[derive(Debug, Clone)]
pub struct PlannedFile {
    /// Its final place; absolute.
    pub destination: PathBuf,
    /// Where its content comes from.
    pub source: Source,
    /// Whether its execute bits are set.
    pub executable: bool,
    /// What its content hashes to.
    pub digest: Option<StrongDigest>,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it is left out where another distribution has a different file of its name.
    pub gives_way: bool,
}

/// Where the content of a planned file comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// An entry of the wheel: the index in `wheel.entries()`.
    Entry(usize),
    /// Content made at plan time: a script, INSTALLER, REQUESTED.
    Generated(Vec<u8>),
}

#[cfg(test)]
mod tests;
