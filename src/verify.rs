//! The only maker of [`VerifiedWheel`].
//!
//! Owns: the comparison of what was fetched with what was locked.
//! Never: looks into the bytes, opens a name again, or has a way round the comparison.
//!
//! The short cuts do not compile. An [`Unverified`] has no reader:
//!
//! ```
//! fn origin(file: &pipward::fetch::Unverified) -> String { format!("{file:?}") }
//! ```
//! ```compile_fail,E0616
//! fn look(file: &pipward::fetch::Unverified) { let _ = &file.bytes; }
//! ```
//!
//! A [`VerifiedWheel`] comes from [`VerifiedWheel::check`] alone: its fields are private, and whoever has
//! one cannot put other bytes or another name into it.
//!
//! ```
//! use pipward::{error::Problem, fetch::Unverified, lock::LockedFile, verify::VerifiedWheel};
//! fn check(file: Unverified, locked: &LockedFile) -> Result<VerifiedWheel, Problem> {
//!     VerifiedWheel::check(file, locked)
//! }
//! ```
//! ```compile_fail,E0451
//! use pipward::verify::VerifiedWheel;
//! fn forge(other: VerifiedWheel) -> VerifiedWheel { VerifiedWheel { ..other } }
//! ```
//! ```compile_fail,E0616
//! fn swap(one: &mut pipward::verify::VerifiedWheel, other: pipward::verify::VerifiedWheel) { one.name = other.name; }
//! ```
//! ```compile_fail,E0624
//! fn take(wheel: &pipward::verify::VerifiedWheel) -> &[u8] { wheel.bytes() }
//! ```
//!
//! A [`Wheel`](crate::wheel::Wheel) is read from a [`VerifiedWheel`] alone, and the archive reader is not public.
//!
//! ```
//! use pipward::{error::Problem, verify::VerifiedWheel, wheel::Wheel};
//! fn read(file: VerifiedWheel) -> Result<Wheel, Problem> { Wheel::read(file) }
//! ```
//! ```compile_fail,E0308
//! use pipward::{error::Problem, fetch::Unverified, wheel::Wheel};
//! fn read(file: Unverified) -> Result<Wheel, Problem> { Wheel::read(file) }
//! ```
//! ```compile_fail,E0624
//! use pipward::wheel::archive::{Archive, Limits};
//! fn read(bytes: &[u8]) { let _ = Archive::read(bytes, "x", &Limits::default()); }
//! ```

use pipward_resolver::WheelName;

use crate::digest::{LockedHashes, Match, Sha256};
use crate::error::{Code, Problem};
use crate::fetch::{PrivateBytes, Unverified};
use crate::lock::LockedFile;

/// The bytes of a wheel whose hash equals the one in the lock, in this very run.
pub struct VerifiedWheel {
    name: WheelName,
    sha256: Sha256,
    bytes: PrivateBytes,
}

impl VerifiedWheel {
    /// Compares what was fetched with what was locked.
    ///
    /// # Errors
    /// `hash-mismatch`, `size-mismatch`.
    pub fn check(unverified: Unverified, locked: &LockedFile) -> Result<Self, Problem> {
        let found = u64::try_from(unverified.bytes.as_slice().len()).unwrap_or(u64::MAX);
        if let Some(size) = locked.size.filter(|size| *size != found) {
            return Err(problem(Code::SizeMismatch, "does not have its locked size", &unverified, locked)
                .expected(format!("{size} bytes"))
                .found(format!("{found} bytes, {}", StrongSha256(unverified.computed.sha256()))));
        }
        if !locked.hashes.accept(&unverified.computed) {
            return Err(problem(Code::HashMismatch, "is not the file that was locked", &unverified, locked)
                .expected(expected(&locked.hashes))
                .found(StrongSha256(unverified.computed.sha256())));
        }
        Ok(Self { name: locked.name.clone(), sha256: unverified.computed.sha256(), bytes: unverified.bytes })
    }
    /// The file name, as locked.
    pub fn name(&self) -> &WheelName {
        &self.name
    }
    /// The SHA-256 that was compared.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }
    /// The verified bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.as_slice()
    }
    /// The SHA-256 and the bytes, for the store.
    pub(crate) fn into_bytes(self) -> (Sha256, PrivateBytes) {
        (self.sha256, self.bytes)
    }
    /// Tells that so many of them were read: those of a large wheel need not stay in memory.
    pub(crate) fn was_read(&self, bytes: usize) {
        self.bytes.was_read(bytes);
    }
}

fn problem(code: Code, what: &str, unverified: &Unverified, locked: &LockedFile) -> Problem {
    let (name, version) = (locked.name.name(), locked.name.version());
    Problem::new(code, format!("{} from {} {what}", locked.name, unverified.origin))
        .package(format_args!("{name} {version}"))
        .at(locked.place.clone())
        .help(format!(
            "compare the file with the project's own release page; only if it is right there, lock it again with \
             `pipward lock --upgrade-package {name}`"
        ))
}

fn expected(hashes: &LockedHashes) -> String {
    let digests: Vec<_> = hashes.digests().iter().map(ToString::to_string).collect();
    digests.join(match hashes.rule() {
        Match::All => " and ",
        Match::Any => " or ",
    })
}

struct StrongSha256(Sha256);

impl std::fmt::Display for StrongSha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}
