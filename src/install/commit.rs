//! The one moment at which a standing environment changes.
//!
//! Owns: the order of the moves, and the way back. Never: opens a file to change it, or leaves a mixture behind that
//! the journal does not tell how to settle.
//!
//! A stage is a directory in the environment: `new/` holds what comes, at its path; `old/` takes what goes, by number;
//! `journal` says that the change has begun, `done` that it is complete.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::guard;
use super::journal::{Journal, MAX_JOURNAL};
use super::recover::Settled;
use super::tree::Tree;
use crate::error::{Code, Place, Problem, io as io_problem};

/// The paths of a stage, relative to the environment.
pub(super) struct StageNames {
    stage: PathBuf,
    pub(super) new: PathBuf,
    pub(super) old: PathBuf,
    pub(super) journal: PathBuf,
    draft: PathBuf,
    pub(super) done: PathBuf,
}

impl StageNames {
    /// Those of the stage at `stage`.
    pub(super) fn of(stage: &Path) -> Self {
        Self {
            stage: stage.to_owned(),
            new: stage.join("new"),
            old: stage.join("old"),
            journal: stage.join("journal"),
            draft: stage.join("journal.draft"),
            done: stage.join("done"),
        }
    }

    fn backup(&self, number: usize) -> PathBuf {
        self.old.join(number.to_string())
    }
}

/// Makes the change that `journal` describes; on any error the environment is as it was.
///
/// # Errors
/// `disk-full`, `not-writable`, `file-access`, `interrupted`.
pub(super) fn commit(tree: &Tree, names: &StageNames, journal: &Journal) -> Result<(), Problem> {
    let problem = match begin(tree, names, journal).and_then(|()| forward(tree, names, journal)) {
        Ok(()) => {
            // A fault that comes once leaves nothing behind.
            let tidied = tidy(tree, names, &journal.empty).or_else(|_| tidy(tree, names, &journal.empty));
            if let Err(error) = tidied {
                // The change is complete; the next command removes what is left of the stage.
                tracing::warn!("{}", trouble(tree, "removing the stage", &error));
            }
            return Ok(());
        }
        Err(problem) => problem,
    };
    match back(tree, names, journal).and_then(|()| tree.remove_file(&names.journal)) {
        Ok(()) => Err(problem),
        Err(error) => Err(problem
            .help("the next pipward command, or this one again, takes back what was begun")
            .cause(error)),
    }
}

/// Writes the journal. From here on a kill is settled by [`settle`].
fn begin(tree: &Tree, names: &StageNames, journal: &Journal) -> Result<(), Problem> {
    let text = journal.write().ok_or_else(|| Problem::new(Code::Internal, "a journal has no text"))?;
    let write = || {
        tree.make_directory(&names.old)?;
        let mut file = tree.create(&names.draft)?;
        file.write_all(&text)?;
        file.sync_all()?;
        tree.rename(&names.draft, &names.journal)?;
        tree.sync_directory(&names.stage)
    };
    write().map_err(|error| trouble(tree, "writing the journal", &error))
}

fn forward(tree: &Tree, names: &StageNames, journal: &Journal) -> Result<(), Problem> {
    let at = |path: &Path, error: io::Error| io_problem("moving a file", tree.path().join(path), &error);
    for (path, _, mode) in &journal.modes {
        let failed =
            |error: io::Error| io_problem("setting a directory's mode", tree.path().join(path), &error);
        tree.set_mode(path, *mode).map_err(failed)?;
    }
    for (number, path) in journal.out.iter().enumerate() {
        guard::check()?;
        tree.rename(path, &names.backup(number)).map_err(|error| at(path, error))?;
    }
    for path in &journal.into {
        guard::check()?;
        tree.rename(&names.new.join(path), path).map_err(|error| at(path, error))?;
    }
    tree.rename(&names.journal, &names.done).map_err(|error| trouble(tree, "completing the journal", &error))
}

/// Undoes what was done of a journal, whatever that is: each step looks whether it was made.
fn back(tree: &Tree, names: &StageNames, journal: &Journal) -> io::Result<()> {
    tree.forget();
    for path in journal.into.iter().rev() {
        let staged = names.new.join(path);
        if tree.kind(&staged)?.is_none() && tree.kind(path)?.is_some() {
            tree.rename(path, &staged)?;
        }
    }
    for (number, path) in journal.out.iter().enumerate().rev() {
        let backup = names.backup(number);
        if tree.kind(&backup)?.is_some() {
            tree.rename(&backup, path)?;
        }
    }
    for (path, mode, _) in journal.modes.iter().rev() {
        tree.set_mode(path, *mode)?;
    }
    Ok(())
}

/// Removes what a complete change leaves over; `done` goes last, so that this can be begun again.
fn tidy(tree: &Tree, names: &StageNames, empty: &[PathBuf]) -> io::Result<()> {
    for directory in empty {
        tree.remove_if_empty(directory)?;
    }
    tree.remove_all(&names.old)?;
    tree.remove_all(&names.new)?;
    tree.remove_file(&names.done)?;
    tree.remove_all(&names.stage)
}

/// Settles a stage that nobody works on: the environment is old if the change was not complete, else new. Tells which.
///
/// # Errors
/// `journal-unreadable`, and those of the file system.
pub(super) fn settle(tree: &Tree, stage: &Path) -> Result<Settled, Problem> {
    let names = StageNames::of(stage);
    let failed = |error: io::Error| trouble(tree, "settling an interrupted change", &error);
    if tree.kind(&names.done).map_err(failed)?.is_some() {
        // Everything is at its place; a damaged list of directories costs no more than an empty directory.
        let journal = read(tree, &names.done).map_err(failed)?;
        let empty = journal.map(|journal| journal.empty).unwrap_or_default();
        tidy(tree, &names, &empty).map_err(failed)?;
        return Ok(Settled::New);
    }
    if tree.kind(&names.journal).map_err(failed)?.is_some() {
        let journal = read(tree, &names.journal).map_err(failed)?.ok_or_else(|| unreadable(tree, &names))?;
        back(tree, &names, &journal).map_err(failed)?;
        tree.remove_file(&names.journal).map_err(failed)?;
    }
    // Without a journal nothing was moved, or all of it is back.
    let old = tree.path().join(&names.old);
    if old.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(unreadable(tree, &names));
    }
    tree.remove_all(stage).map_err(failed)?;
    Ok(Settled::Old)
}

fn read(tree: &Tree, path: &Path) -> io::Result<Option<Journal>> {
    Ok(tree.read(path, MAX_JOURNAL)?.and_then(|text| Journal::read(&text)))
}

fn unreadable(tree: &Tree, names: &StageNames) -> Problem {
    Problem::new(Code::JournalUnreadable, "the journal of an interrupted change is damaged")
        .at(Place::file(tree.path().join(&names.journal)))
        .expected("the journal as pipward wrote it")
        .found("other content")
        .help("make the environment anew from the lock: delete its directory, and install again with --venv")
}

fn trouble(tree: &Tree, doing: &str, error: &io::Error) -> Problem {
    io_problem(doing, tree.path(), error)
}
