//! Hashing what arrives: of a large file on a thread of its own, while its next bytes are received and written.
//!
//! Owns: that every byte is hashed, in the order in which it came, and that few wait for it.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use bytes::Bytes;

use crate::beside;
use crate::digest::{Computed, Hasher};

/// The size of a file from which on a second thread pays, in bytes: 8 MiB.
const BESIDE: u64 = 8 << 20;
/// How many pieces wait at most: the network makes large ones, and several files come at once.
const WAITING: usize = 1;

/// The hash of what has come.
pub(super) enum Hashing {
    /// On the thread that takes the bytes.
    Here(Box<Hasher>),
    /// On another one, which ends when nothing more can come.
    Beside(SyncSender<Bytes>, JoinHandle<Hasher>),
}

impl Hashing {
    /// Of a file of this size, as far as that is known.
    pub(super) fn new(hasher: impl Fn() -> Hasher, size: Option<u64>) -> Self {
        if size.is_none_or(|size| size < BESIDE) || !beside::has_cores() {
            return Self::Here(Box::new(hasher()));
        }
        let (sender, pieces) = sync_channel::<Bytes>(WAITING);
        let mut one = hasher();
        let work = move || {
            pieces.iter().for_each(|bytes| one.update(&bytes));
            one
        };
        match thread::Builder::new().name("pipward-hash".to_owned()).spawn(work) {
            Ok(thread) => Self::Beside(sender, thread),
            Err(_) => Self::Here(Box::new(hasher())),
        }
    }

    /// Takes the next bytes; waits where too many wait.
    pub(super) fn update(&mut self, bytes: Bytes) {
        match self {
            Self::Here(hasher) => hasher.update(&bytes),
            // Nobody takes them after a panic alone, which is met in the end.
            Self::Beside(pieces, _) => _ = pieces.send(bytes),
        }
    }

    /// The digests of all bytes taken.
    pub(super) fn finish(self) -> Computed {
        match self {
            Self::Here(hasher) => hasher.finish(),
            Self::Beside(pieces, thread) => {
                drop(pieces);
                match thread.join() {
                    Ok(hasher) => hasher.finish(),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256;

    #[test]
    fn each_way_hashes_all_bytes_in_their_order() {
        let content: Vec<u8> = (0..3_000_000u32).map(|at| (at % 251) as u8).collect();
        for size in [None, Some(0), Some(BESIDE - 1), Some(BESIDE), Some(u64::MAX)] {
            let mut hashing = Hashing::new(Hasher::sha256, size);
            let is_beside = matches!(hashing, Hashing::Beside(..));
            assert_eq!(is_beside, size >= Some(BESIDE) && beside::has_cores(), "{size:?}");
            content.chunks(100_000).for_each(|part| hashing.update(Bytes::copy_from_slice(part)));
            assert_eq!(hashing.finish().sha256(), Sha256::of(&content), "{size:?}");
        }
    }

    #[test]
    fn nobody_waits_for_what_was_given_up() {
        let mut hashing = Hashing::new(Hasher::sha256, Some(BESIDE));
        hashing.update(Bytes::from_static(b"x"));
        if let Hashing::Beside(pieces, thread) = hashing {
            drop(pieces);
            thread.join().unwrap();
        }
    }
}
