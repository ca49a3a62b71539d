//! What is kept behind the first line of an entry: in memory where it is small, else in its file, of which parts are read
//! as they are asked for.
//!
//! Owns: how many entries are open at once. Never: maps a file, or opens a name twice.

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;

/// What is no larger, in bytes, is read whole; of a larger one so much at once.
const PART: usize = 64 << 10;
/// Entries that are open at once, at most. A third of the files that a process may have open is not exceeded either.
const MOST_OPEN: usize = 512;

/// Entries that are open.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// The bytes of an entry.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// All of them.
    Here(Bytes),
    /// From a place of a file on.
    There(Arc<Kept>),
}

/// An open file.
#[derive(Debug)]
pub(crate) struct Kept {
    file: File,
    start: u64,
    length: usize,
    is_lost: AtomicBool,
    _open: Open,
}

/// One of those that may be open.
#[derive(Debug)]
struct Open;

impl Open {
    fn one_more() -> Option<Self> {
        let allowed = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let most = allowed.map_or(MOST_OPEN, |allowed| usize::try_from(allowed / 3).unwrap_or(MOST_OPEN));
        if OPEN.fetch_add(1, Ordering::Relaxed) < most.min(MOST_OPEN) {
            return Some(Self);
        }
        OPEN.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Body {
    /// Some of its bytes; `None` where it has not so many.
    pub(crate) fn part(&self, range: Range<usize>) -> Option<Bytes> {
        match self {
            Self::Here(bytes) => {
                (range.start <= range.end && range.end <= bytes.len()).then(|| bytes.slice(range))
            }
            Self::There(kept) => {
                let length = range.end.checked_sub(range.start).filter(|_| range.end <= kept.length)?;
                let mut bytes = vec![0; length];
                let read = kept.file.read_exact_at(&mut bytes, kept.start + range.start as u64);
                if read.is_err() {
                    kept.is_lost.store(true, Ordering::Relaxed);
                }
                read.is_ok().then(|| bytes.into())
            }
        }
    }

    /// Whether a part that was there could not be read: what was made of the others may be wrong.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::There(kept) if kept.is_lost.load(Ordering::Relaxed))
    }

    /// All of its bytes.
    pub(crate) fn whole(&self) -> Option<Bytes> {
        match self {
            Self::Here(bytes) => Some(bytes.clone()),
            Self::There(kept) => self.part(0..kept.length),
        }
    }
}

/// Reads an entry: `first` takes its first line, and tells the CRC-32 of what follows. `None` where that is another one, or the
/// file is larger than `most`.
pub(crate) fn read_body<T>(
    path: &Path,
    most: u64,
    first: impl FnOnce(&[u8]) -> Option<(T, u32)>,
) -> Option<(T, Body)> {
    let mut file = super::open_regular(path, false).ok()?;
    let size = usize::try_from(Some(file.metadata().ok()?.len()).filter(|size| *size <= most)?).ok()?;
    let open = if size > PART { Open::one_more() } else { None };
    // Room for one byte more, so that the end is seen without more room.
    let mut bytes = Vec::with_capacity(if open.is_some() { PART } else { size.checked_add(1)? });
    fill(&mut file, &mut bytes).ok()?;
    let start = bytes.iter().position(|byte| *byte == b'\n')?.checked_add(1)?;
    let (head, crc32) = first(bytes.get(..start)?)?;
    let Some(open) = open else {
        let body = Bytes::from(bytes).slice(start..);
        return (crc32 == crc32fast::hash(&body)).then_some((head, Body::Here(body)));
    };
    let mut found = crc32fast::Hasher::new();
    found.update(bytes.get(start..)?);
    let mut length = bytes.len().checked_sub(start)?;
    loop {
        bytes.clear();
        fill(&mut file, &mut bytes).ok()?;
        if bytes.is_empty() || length > size {
            break;
        }
        found.update(&bytes);
        length += bytes.len();
    }
    let kept = Kept { file, start: start as u64, length, is_lost: AtomicBool::new(false), _open: open };
    (crc32 == found.finalize()).then(|| (head, Body::There(Arc::new(kept))))
}

/// Reads until the room of `bytes` is full or the file ends.
fn fill(file: &mut File, bytes: &mut Vec<u8>) -> io::Result<()> {
    let room = bytes.capacity() - bytes.len();
    file.take(room as u64).read_to_end(bytes).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An entry with a body of so many bytes, and what [`read_body`] makes of it.
    fn entry(length: usize, crc32: impl FnOnce(&[u8]) -> u32) -> (tempfile::TempPath, Vec<u8>, Option<Body>) {
        let body: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&file, [b"first\n".as_slice(), &body].concat()).unwrap();
        let crc32 = crc32(&body);
        let found = read_body(&file, 1 << 20, |line| (line == b"first\n").then_some(((), crc32)));
        (file, body, found.map(|(_, body)| body))
    }

    #[test]
    fn small_and_large_bodies_give_the_same_parts() {
        for length in [0, 1, PART - 7, PART - 6, PART - 5, PART, PART + 1, 3 * PART, 3 * PART + 5] {
            let (_file, expected, body) = entry(length, crc32fast::hash);
            let body = body.unwrap();
            assert_eq!(matches!(body, Body::There(_)), length + "first\n".len() > PART, "{length}");
            assert_eq!(body.whole().unwrap(), expected, "{length}");
            for (start, end) in [(0, 0), (0, length), (length / 3, length / 2), (length, length)] {
                assert_eq!(body.part(start..end).unwrap(), expected[start..end], "{length}");
            }
            assert!(body.part(0..length + 1).is_none());
            #[allow(clippy::reversed_empty_ranges)]
            let backwards = body.part(1..0);
            assert!(backwards.is_none());
        }
    }

    #[test]
    fn another_crc_or_a_larger_file_is_no_entry() {
        for length in [10, 3 * PART] {
            assert!(entry(length, |body| crc32fast::hash(body) ^ 1).2.is_none(), "{length}");
        }
        assert!(entry(1 << 20, crc32fast::hash).2.is_none());
    }

    #[test]
    fn what_is_cut_off_later_is_not_there() {
        let (file, _, body) = entry(3 * PART, crc32fast::hash);
        File::options().write(true).open(&file).unwrap().set_len(PART as u64).unwrap();
        let body = body.unwrap();
        assert!(!body.is_lost());
        assert!(body.whole().is_none());
        assert!(body.is_lost());
    }

    #[test]
    fn entries_are_not_opened_without_end() {
        let many: Vec<_> = (0..MOST_OPEN + 5).map(|_| entry(PART + 1, crc32fast::hash)).collect();
        let open = many.iter().filter(|(.., body)| matches!(body, Some(Body::There(_)))).count();
        assert!(open > 0 && open <= MOST_OPEN, "{open}");
        assert!(
            many.iter().all(|(_, expected, body)| body.as_ref().unwrap().whole().unwrap() == expected[..])
        );
    }
}
