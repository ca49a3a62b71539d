//! The wish to stop.
//!
//! Owns: one flag, set by a signal handler and looked at between steps. Never: ends the process.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Code, Problem};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Asks the run to stop at its next step and take back what it wrote. Safe in a signal handler.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::SeqCst);
}

/// Whether the run was asked to stop.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// `interrupted` where the run was asked to stop.
pub(super) fn check() -> Result<(), Problem> {
    if interrupted() {
        return Err(Problem::new(Code::Interrupted, "the run was interrupted")
            .help("nothing was changed; run the same command again"));
    }
    Ok(())
}
