//! Signatures beside locks.
//!
//! Owns: where they are. Never: judges them ([`crate::signature`] does).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::inputs::write_if_changed;
use super::locks::Locks;
use crate::document::{MAX_DOCUMENT, Originals, read_bytes};
use crate::error::{Code, Place, Problem, Problems};
use crate::policy::DatedPolicy;
use crate::signature::{self, Check, Signed, Signers};

/// Where the signature of a lock is, as ssh-keygen names it: `pylock.toml.sig`.
pub fn beside(lock: &Path) -> PathBuf {
    let mut name = lock.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// Signs a lock with the key of a file, and writes the signature beside it.
///
/// # Errors
/// As [`signature::sign`], and where one of the files cannot be read or written.
pub fn sign(lock: &Path, key: &Path) -> Result<PathBuf, Problem> {
    let place = || Place::file(key);
    let text = read_bytes(key, 1 << 16, Code::Usage).map_err(|problem| {
        Problem::new(Code::Usage, "the key of --sign-key cannot be read").at(place()).cause(problem.message())
    })?;
    let text = String::from_utf8(text).unwrap_or_default();
    let message = read_bytes(lock, MAX_DOCUMENT, Code::LockSchema)?;
    let signed = signature::sign(&text, &message).map_err(|problem| problem.at(place()))?;
    let path = beside(lock);
    write_if_changed(&path, &signed)?;
    Ok(path)
}

/// Reads a file of allowed signers.
///
/// # Errors
/// `config-invalid`.
pub fn signers(file: &Path, now: &Zoned) -> Result<Signers, Problems> {
    let body = read_bytes(file, 1 << 20, Code::ConfigInvalid).map_err(|problem| {
        Problem::new(Code::ConfigInvalid, "the allowed signers cannot be read")
            .at(Place::file(file))
            .cause(problem.message())
            .help("name the file with --allowed-signers, or with allowed-signers in [policy]")
    })?;
    Signers::parse(&String::from_utf8_lossy(&body), file, now.time_zone())
}

/// Who signed a lock.
///
/// # Errors
/// `lock-unsigned`, and as [`signature::verify`].
pub fn verify(lock: &Path, signature: &Path, check: &Check<'_>) -> Result<Signed, Problem> {
    let message = read_bytes(lock, MAX_DOCUMENT, Code::LockSchema)?;
    verify_bytes(&message, lock, signature, check)
}

fn verify_bytes(message: &[u8], lock: &Path, signature: &Path, check: &Check<'_>) -> Result<Signed, Problem> {
    if !signature.is_file() {
        return Err(signature::unsigned(&lock.display().to_string()));
    }
    let text = read_bytes(signature, 1 << 16, Code::LockSignature)?;
    signature::verify(&String::from_utf8_lossy(&text), message, check)
        .map_err(|problem| problem.at(Place::file(lock)))
}

/// Every file that says what is installed is signed, where the policy asks for that.
///
/// # Errors
/// `lock-unsigned`, `lock-signature`, and `config-invalid` where the policy names no signers.
pub fn check(locks: &Locks, policy: &DatedPolicy, now: Timestamp) -> Result<(), Problems> {
    if !policy.requires_signed_lock() {
        return Ok(());
    }
    let named = locks.named().map(|(lock, _)| lock);
    let packages = locks.whole().iter().chain(named).flat_map(|lock| &lock.packages);
    let mut files: BTreeSet<String> = packages.map(|package| package.place.file.clone()).collect();
    // One without packages takes everything out of an environment.
    files.extend(locks.whole().iter().map(|lock| lock.file.display().to_string()));
    check_files(files.iter().map(String::as_str), locks.originals(), policy, now)
}

/// As [`check()`], for these files, as they were read.
///
/// # Errors
/// As [`check()`].
pub fn check_files<'f>(
    files: impl Iterator<Item = &'f str>,
    originals: &Originals,
    policy: &DatedPolicy,
    now: Timestamp,
) -> Result<(), Problems> {
    let Some(allowed) = policy.allowed_signers() else {
        return Err(Problem::new(Code::ConfigInvalid, "require-signed-lock needs to know who may sign")
            .expected("allowed-signers = \"FILE\" in [policy]")
            .into());
    };
    // The zone of this machine is asked for where a signature counts: finding it reads the names of all zones.
    let now = now.to_zoned(TimeZone::system());
    let signers = signers(allowed, &now)?;
    let check = Check { signers: &signers, principal: None, now: &now };
    let faults = files.filter_map(|file| {
        let path = Path::new(file);
        match originals.get(file) {
            Some(bytes) => verify_bytes(bytes, path, &beside(path), &check).err(),
            None => Some(signature::unsigned(file)),
        }
    });
    Problems::unless_empty((), faults.collect())
}
