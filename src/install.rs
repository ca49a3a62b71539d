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

mod batch;
mod bytecode;
mod claims;
mod commit;
mod conflicts;
mod contest;
mod guard;
mod held;
mod in_place;
mod journal;
mod links;
mod names;
mod place;
mod places;
mod plan;
mod recover;
mod scripts;
mod session;
mod shadow;
mod spelling;
mod stage;
mod tree;
mod umask;
mod uninstall;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use pipward_resolver::{PackageName, Version};

use crate::digest::{Kept, Sha256};
use crate::error::{Code, Place, Problem};
use crate::wheel::record::{Line, Record, Row};

pub use guard::{interrupt, interrupted};
pub use held::{Standing, Strictness};
pub use place::Destination;
pub use places::ENVIRONMENTS_OWN;
pub use plan::DirectUrl;
pub use recover::{Settled, is_settled, recover, repair};
pub use session::{Listed, Report, Session};
pub use umask::{umask, umask_in};

/// RECORD is written in pieces of so many bytes.
const PIECE: usize = 64 << 10;

/// Where each file of a wheel goes, and the RECORD that will say so.
#[derive(Debug, Clone)]
pub struct InstallPlan {
    name: PackageName,
    version: Version,
    dist_info: PathBuf,
    files: Vec<PlannedFile>,
    installer: Installer,
}

impl InstallPlan {
    /// The same plan, with another name in INSTALLER.
    #[must_use]
    pub fn by(mut self, installer: Installer) -> Self {
        if self.installer == installer {
            return self;
        }
        let place = self.dist_info.join("INSTALLER");
        let content = format!("{}\n", installer.name()).into_bytes();
        let (sha256, size) = (Sha256::of(&content), content.len() as u64);
        for file in self.files.iter_mut().filter(|file| file.destination == place) {
            file.digest = Kept::Sha256(sha256);
            file.size = size;
            file.source = Source::Generated(content.clone());
        }
        self.installer = installer;
        self
    }
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
    pub fn record(&self) -> Record {
        let row = |line: Line<'_>| Row { path: line.path.into_owned(), digest: line.digest, size: line.size };
        Record { rows: self.lines().map(row).collect() }
    }
    /// Writes its text, in pieces: that of a large wheel is large too.
    fn write_record(&self, into: &mut dyn std::io::Write) -> std::io::Result<()> {
        let mut text = Vec::new();
        for line in self.lines() {
            line.push(&mut text);
            if text.len() >= PIECE {
                into.write_all(&text)?;
                text.clear();
            }
        }
        into.write_all(&text)
    }
    /// What RECORD says of each file, and that it is there itself, in order.
    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let library = self.dist_info.parent().unwrap_or(Path::new(""));
        let own = plan::relative(library, &self.record_path()).into_owned().into();
        let mut order: Vec<(Cow<'_, str>, Option<&PlannedFile>)> =
            self.files.iter().map(|file| (file.relative(library), Some(file))).chain([(own, None)]).collect();
        order.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        order.into_iter().map(|(path, file)| Line {
            path,
            digest: file.and_then(|file| file.digest.get()),
            size: file.filter(|file| file.is_sized).map(|file| file.size),
        })
    }
    /// Where RECORD goes.
    pub fn record_path(&self) -> PathBuf {
        self.dist_info.join("RECORD")
    }
}

/// What INSTALLER names: "the name of the tool used to invoke the installation".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Installer {
    /// pipward.
    #[default]
    Pipward,
    /// pip, in whose place pipward was started.
    Pip,
}

impl Installer {
    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pipward => "pipward",
            Self::Pip => "pip",
        }
    }
}

/// One file of a plan.
#[derive(Debug, Clone)]
pub struct PlannedFile {
    /// Its final place; absolute.
    pub destination: Destination,
    /// Where its content comes from.
    pub source: Source,
    /// Whether its execute bits are set.
    pub executable: bool,
    /// What its content hashes to.
    pub digest: Kept,
    /// Its size in bytes.
    pub size: u64,
    /// Whether RECORD tells its size: that of a wheel need not.
    pub is_sized: bool,
    /// Whether it is left out where another distribution has a different file of its name.
    pub gives_way: bool,
}

impl PlannedFile {
    /// Its path as RECORD in this library writes it.
    fn relative(&self, library: &Path) -> Cow<'_, str> {
        match self.destination.within(library) {
            Some(tail) => tail.into(),
            None => plan::relative(library, &self.destination.path()).into_owned().into(),
        }
    }

    /// Its name.
    fn name(&self) -> Result<&OsStr, Problem> {
        self.destination.file_name().ok_or_else(|| {
            Problem::new(Code::Internal, "a planned file has no name")
                .at(Place::file(self.destination.path()))
        })
    }
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
