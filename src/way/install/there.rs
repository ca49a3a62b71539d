//! Whether what a wheel brings is there already.
//!
//! Owns: what counts as there, and what becomes of byte-code. Never: changes anything; the session does in the end.

use super::unpack::Staging;
use crate::error::Problem;
use crate::install::{InstallPlan, Listed, Strictness};
use crate::wheel::Wheel;

/// A plan, and what is there of it.
pub(super) struct There {
    /// The plan, with byte-code where that is to be made.
    pub(super) plan: InstallPlan,
    /// Whether all of it is there.
    pub(super) kept: bool,
    /// How many files of byte-code go that nothing vouches for.
    pub(super) stale: usize,
}

/// Looks for what a plan would write. With `--rehash` the byte-code beside its modules is what this Python makes of the
/// verified sources, where the installation was made with it; else it goes.
///
/// # Errors
/// Those of the session, and of the compiler.
pub(super) fn look(plan: InstallPlan, wheel: &Wheel, staging: &Staging<'_>) -> Result<There, Problem> {
    let compiled = |plan: InstallPlan| -> Result<InstallPlan, Problem> {
        Ok(staging.policy.yielding(plan.compiled(wheel, &|modules| staging.python.compile(modules))?))
    };
    let held = match staging.session {
        Some(session) if !staging.anew => session.holds_as(wheel, &plan, staging.strictness)?,
        _ => false,
    };
    let (Some(session), true) = (staging.session, staging.rehash) else {
        let compiles = staging.compiles && !held && staging.write;
        let plan = if compiles { compiled(plan)? } else { plan };
        return Ok(There { plan, kept: held, stale: 0 });
    };
    let listed = session.listed_byte_code(&plan);
    let mut plan = plan;
    let mut compiles = staging.compiles;
    if compiles || listed == Listed::Hashed {
        let whole = compiled(plan.clone())?;
        // An installation is compiled as a whole; rows for some modules alone were written by somebody else.
        compiles = compiles || session.lists_byte_code_of(&whole)?;
        if compiles {
            plan = whole;
        }
    }
    // What another tool compiled has no hash, and its RECORD is its own where that does not matter.
    let is_others = !compiles && listed == Listed::Names && staging.strictness == Strictness::Wheel;
    let kept = held && (is_others || session.has_byte_code(&plan)?);
    let stale = if kept { session.discard_byte_code(&plan)? } else { 0 };
    Ok(There { plan, kept, stale })
}
