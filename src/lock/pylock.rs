//! pylock.toml (PEP 751) <-> [`super::Lock`].
//!
//! Owns: the format. Never: decides what is installed (`lock::select` does).

mod file;
mod read;
mod write;

use std::path::Path;

use super::Lock;
use crate::document;
use crate::error::{Code, Place, Problem, Problems};

pub use write::write;

/// Whether a file name is that of a PEP 751 lock: `pylock.toml` or `pylock.<name>.toml` ("File Name").
pub fn is_pylock_name(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    name.strip_prefix("pylock.").is_some_and(|rest| {
        rest == "toml"
            || rest.strip_suffix(".toml").is_some_and(|name| !name.is_empty() && !name.contains('.'))
    })
}

/// Reads a pylock.toml of at most 24 MiB.
///
/// # Errors
/// `lock-not-found`, `lock-syntax`, `lock-schema`, `lock-version`, `hash-missing`, `hash-weak`,
/// `hash-malformed`, `address-refused`, `wheel-name`, each with line and entry.
pub fn read(path: &Path) -> Result<Lock, Problems> {
    let bytes = document::read_bytes(path, document::MAX_DOCUMENT, Code::LockSyntax)?;
    let lock = parse(decode(&bytes, path)?, path)?;
    Ok(Lock { originals: document::Originals::of(path, bytes), ..lock })
}

/// Reads the text of a pylock.toml that stands (or stood) at `path`.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str, path: &Path) -> Result<Lock, Problems> {
    read::parse(text, path)
}

/// TOML is UTF-8; a lock is written without a byte order mark.
fn decode<'b>(bytes: &'b [u8], path: &Path) -> Result<&'b str, Problem> {
    let refuse = |message: &str, offset: usize| {
        let before = bytes.get(..offset).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Problem::new(Code::LockSyntax, message)
            .at(Place::line(path, u32::try_from(line).unwrap_or(u32::MAX)))
            .help("write the lock anew with the tool that made it")
    };
    if bytes.starts_with(b"\xef\xbb\xbf") || bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")
    {
        return Err(refuse("this file begins with a byte order mark", 0));
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(refuse("this file has a NUL byte", at));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => Err(refuse("this file is not UTF-8", error.valid_up_to())),
    }
}

#[cfg(test)]
mod tests;
