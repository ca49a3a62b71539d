//! The way of a datum from one end of the house to the other, one file a job.
//!
//! Owns: the order of the steps. Each step's output is consumed by the next, so that none can be
//! skipped; what each step decides stands in its own room.
//! Never: prints, and never reads what was typed.

pub mod audit;
pub mod destination;
pub mod edit;
pub mod inputs;
pub mod install;
pub mod lock;
pub mod locks;
pub mod look;
pub mod names;
pub mod provenance;
pub mod recheck;
pub mod repair;
pub mod review;
pub mod settings;
pub mod signatures;
pub mod stored;
pub mod survey;
mod unchanged;
pub mod uninstall;
mod unlisted;
pub mod upkeep;
pub mod verify;
pub(crate) mod witness;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Code, Problem};

/// How many jobs are writing right now.
static WRITING: AtomicUsize = AtomicUsize::new(0);

/// Tells running jobs to take back what they wrote and end. Returns whether there is one.
pub fn interrupt() -> bool {
    crate::install::interrupt();
    WRITING.load(Ordering::SeqCst) > 0
}

/// Held while a job writes: an interruption then waits for the roll-back.
pub(crate) struct Writing(());

impl Writing {
    pub(crate) fn begin() -> Self {
        WRITING.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        WRITING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The problem of a run that was interrupted, if it was.
pub(crate) fn check_interrupted() -> Result<(), Problem> {
    if crate::install::interrupted() {
        return Err(Problem::new(Code::Interrupted, "the run was interrupted; nothing was changed")
            .help("run the same command again"));
    }
    Ok(())
}
