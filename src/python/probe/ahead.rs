//! An interpreter that is asked while something else is done.
//!
//! Owns: what was begun. Never: gives out an answer twice, or one of an interpreter that has changed since it was asked, or
//! leaves one running when its run ends.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::{Answer, Kept, Running, asked, identity, read};
use crate::error::Problem;

/// The one that was begun and nobody has waited for.
static BEGUN: Mutex<Option<Begun>> = Mutex::new(None);

struct Begun {
    path: PathBuf,
    /// What the interpreter and its environment were then.
    state: State,
    running: Running,
}

type State = [Option<String>; 2];

fn state(path: &Path) -> State {
    let environment = path.parent().and_then(Path::parent).map(|root| root.join("pyvenv.cfg"));
    [identity(path), environment.as_deref().and_then(identity)]
}

/// Whoever has it may be given the answer; with its end nobody asks any more.
#[derive(Debug)]
#[must_use]
pub struct Ahead(());

impl Drop for Ahead {
    fn drop(&mut self) {
        drop(take(|_| true));
    }
}

fn take(which: impl FnOnce(&mut Begun) -> bool) -> Option<Begun> {
    BEGUN.lock().unwrap_or_else(PoisonError::into_inner).take_if(which)
}

/// Begins to ask, unless what it said before will do.
pub(in crate::python) fn begin(executable: &Path, cache: Option<&Path>) -> Option<Ahead> {
    let path = std::path::absolute(executable).ok()?;
    if cache.and_then(|cache| Kept::new(cache, &path)).is_some_and(|kept| kept.read().is_some()) {
        return None;
    }
    let state = state(&path);
    // What cannot be begun is told when somebody wants to know.
    let running = asked(&path).ok()?;
    *BEGUN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Begun { path, state, running });
    Some(Ahead(()))
}

/// What was begun to be asked of this one.
pub(super) fn begun(path: &Path) -> Option<Result<Answer, Problem>> {
    let begun = take(|begun| begun.path == path)?;
    let answer = read(path, begun.running.end());
    (begun.state == state(path)).then_some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// No Python: what it says is a refusal.
    fn program(at: &Path) {
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(at, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn an_answer_is_given_out_once_and_not_where_anything_has_changed() {
        let scratch = tempfile::tempdir().unwrap();
        let [python, other] = ["one/bin/python", "other/bin/python"].map(|tail| scratch.path().join(tail));
        program(&python);
        let _ahead = begin(&python, None).unwrap();
        assert!(begun(&other).is_none());
        assert!(begun(&python).is_some_and(|answer| answer.is_err()));
        assert!(begun(&python).is_none());
        for change in [python.clone(), scratch.path().join("one/pyvenv.cfg")] {
            program(&python);
            let _ahead = begin(&python, None).unwrap();
            std::fs::write(&change, "changed").unwrap();
            assert!(begun(&python).is_none(), "{}", change.display());
        }
        program(&python);
        drop(begin(&python, None).unwrap());
        assert!(begun(&python).is_none());
    }
}
