//! What `pipward repair` does beside settling what was interrupted.
//!
//! Never: changes a file of a distribution; what is removed is a cache.

use crate::error::Problems;
use crate::install::Session;
use crate::python::Interpreter;

/// Removes byte-code beside installed modules that no RECORD has the hash of. Returns how many files.
///
/// # Errors
/// Those of the session.
pub fn byte_code(interpreter: &Interpreter) -> Result<usize, Problems> {
    let session = Session::standing(interpreter)?;
    let count = session.discard_all_byte_code()?;
    session.finish()?;
    Ok(count)
}
