//! The journal of a change: what moves where, written before anything moves.
//!
//! Owns: its text, and that each path in it lies beneath the environment. Never: moves a file.
//!
//! The text is one line of JSON and a line with its SHA-256, so that a damaged one is told from a whole one.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;

/// No journal is larger, in bytes.
pub(super) const MAX_JOURNAL: u64 = 256 << 20;
const FORMAT: u32 = 1;

/// A change of an environment. All paths are relative to its prefix, and have no links on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    format: u32,
    /// Files that go: the n-th becomes `old/<n>` of the stage.
    pub(super) out: Vec<PathBuf>,
    /// Files and whole directories that come, from `new/<path>` of the stage.
    pub(super) into: Vec<PathBuf>,
    /// Directories that get other permission bits: those that they had, and those that they get.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) modes: Vec<(PathBuf, u32, u32)>,
    /// Directories that are removed in the end where they are empty, deepest first.
    pub(super) empty: Vec<PathBuf>,
}

impl Journal {
    /// A journal. `None` where a path is not UTF-8, or does not lie beneath the prefix.
    pub(super) fn new(out: Vec<PathBuf>, into: Vec<PathBuf>, empty: Vec<PathBuf>) -> Option<Self> {
        Self { format: FORMAT, out, into, modes: Vec::new(), empty }.checked()
    }

    /// The same, with directories that get other permission bits.
    pub(super) fn with_modes(mut self, modes: Vec<(PathBuf, u32, u32)>) -> Option<Self> {
        self.modes = modes;
        self.checked()
    }

    fn checked(self) -> Option<Self> {
        let journal = self;
        let utf8 = journal.paths().all(|path| path.to_str().is_some());
        (utf8 && journal.is_confined()).then_some(journal)
    }

    /// Its text.
    pub(super) fn write(&self) -> Option<Vec<u8>> {
        let mut text = serde_json::to_vec(self).ok()?;
        let digest = Sha256::of(&text);
        text.extend_from_slice(format!("\n{digest}\n").as_bytes());
        Some(text)
    }

    /// Reads a journal; `None` where it is damaged, or not one that this version wrote.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let line = text.iter().position(|byte| *byte == b'\n')?;
        let (json, digest) = text.split_at_checked(line)?;
        let digest = std::str::from_utf8(digest).ok()?.strip_prefix('\n')?.strip_suffix('\n')?;
        if Sha256::from_hex(digest)? != Sha256::of(json) {
            return None;
        }
        let journal: Self = serde_json::from_slice(json).ok()?;
        (journal.format == FORMAT && journal.is_confined()).then_some(journal)
    }

    fn paths(&self) -> impl Iterator<Item = &Path> {
        let modes = self.modes.iter().map(|(path, ..)| path);
        [&self.out, &self.into, &self.empty].into_iter().flatten().chain(modes).map(PathBuf::as_path)
    }

    fn is_confined(&self) -> bool {
        self.paths().all(|path| {
            let mut parts = path.components();
            path.file_name().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(path: &str) -> Option<Journal> {
        Journal::new(vec!["lib/old.py".into()], vec![path.into()], vec!["lib/é \n\"x\"".into()])
    }

    #[test]
    fn what_is_written_is_read() {
        let journal = journal("bin/new").unwrap();
        let modes = vec![("lib/pkg".into(), 0o777, 0o755)];
        let changed = journal.clone().with_modes(modes).unwrap();
        assert_eq!(Journal::read(&changed.write().unwrap()), Some(changed));
        assert_eq!(journal.clone().with_modes(vec![("../x".into(), 0, 0)]), None);
        assert_eq!(Journal::read(&journal.write().unwrap()), Some(journal));
    }

    #[test]
    fn a_damaged_journal_is_not_read() {
        let text = journal("bin/new").unwrap().write().unwrap();
        for at in 0..text.len() {
            assert_eq!(Journal::read(&text[..at]), None, "cut at {at}");
            let mut damaged = text.clone();
            damaged[at] ^= 1;
            assert_eq!(Journal::read(&damaged), None, "changed at {at}");
        }
        assert_eq!(Journal::read(b""), None);
    }

    #[test]
    fn paths_stay_beneath_the_prefix() {
        for path in ["", ".", "..", "/etc/passwd", "../x", "lib/../../x", "lib/.."] {
            assert_eq!(journal(path), None, "{path}");
            let mut forged = journal("x").unwrap();
            forged.into = vec![path.into()];
            assert_eq!(Journal::read(&forged.write().unwrap()), None, "{path}");
        }
    }
}
