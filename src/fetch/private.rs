//! A private copy of a file's bytes: what is hashed is what is parsed.
//!
//! Owns: [`PrivateBytes`] and the one way to fill it. Small copies live in memory, larger ones in pages of their own, which
//! the system has back at once (an allocator keeps what was freed for a while), still larger ones in an unnamed file that is
//! mapped (`memory`).

use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Code, Problem, io as io_problem};
use crate::memory::{Mapped, Unnamed};

/// Copies up to this size stay in memory: 256 KiB. What is written to a file can become an entry of the store as it is, and
/// takes no memory until it is read.
pub(super) const IN_MEMORY: usize = 256 << 10;
/// Where no file can be made, or none has room, up to this size: 4 MiB.
const WITHOUT_FILE: usize = 4 << 20;
/// From this size on in pages of their own: 8 KiB. Blocks above that are cut from pieces of half a megabyte, which each thread
/// that copies would have, for each size.
const IN_PAGES: usize = 8 << 10;

/// Bytes that only this process can change.
pub(crate) enum PrivateBytes {
    /// Small ones.
    Memory(Vec<u8>),
    /// Pages, of which so many bytes count.
    Pages(memmap2::Mmap, usize),
    /// Large ones: an unnamed file, mapped.
    Mapped(Mapped),
}

impl PrivateBytes {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Memory(bytes) => bytes,
            Self::Pages(map, length) => map.get(..*length).unwrap_or_default(),
            Self::Mapped(map) => map,
        }
    }

    /// Whether all of it takes memory, also before anybody reads it.
    pub(crate) fn is_held(&self) -> bool {
        !matches!(self, Self::Mapped(_))
    }

    /// Tells that so many of the bytes were read, or made of what was read.
    pub(crate) fn was_read(&self, bytes: usize) {
        if let Self::Mapped(map) = self {
            map.was_read(bytes);
        }
    }
}

/// Takes bytes as they arrive, and becomes [`PrivateBytes`].
pub(crate) struct PrivateWriter {
    /// Whether a file is expected.
    is_large: bool,
    /// Whether no file could be made, or had room.
    has_no_room: bool,
    memory: Vec<u8>,
    /// Where what comes first goes, as long as it has room, if anything.
    pages: Option<memmap2::MmapMut>,
    file: Option<Unnamed>,
    length: u64,
    directory: Option<PathBuf>,
}

impl PrivateWriter {
    /// A new copy. `directory` is where a large one goes if it exists and has room; else the temporary directory. `size` is how many bytes
    /// are expected. Nobody need keep to it: pages that are not written to take no memory.
    pub(crate) fn new(directory: Option<&Path>, size: Option<u64>) -> Self {
        let size = size.and_then(|size| usize::try_from(size).ok());
        let small = size.filter(|size| (IN_PAGES..=IN_MEMORY).contains(size));
        let room = size.filter(|size| *size < IN_PAGES).unwrap_or_default();
        Self {
            is_large: size.is_some_and(|size| size > IN_MEMORY),
            has_no_room: false,
            memory: Vec::with_capacity(room),
            pages: small.and_then(|size| memmap2::MmapMut::map_anon(size).ok()),
            file: None,
            length: 0,
            directory: directory.map(Path::to_owned),
        }
    }

    /// How many bytes were taken.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    /// Takes the next bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let start = usize::try_from(self.length).unwrap_or(usize::MAX);
        let end = start.saturating_add(bytes.len());
        self.length = self.length.saturating_add(bytes.len() as u64);
        if let Some(file) = &mut self.file {
            return match file.write(bytes) {
                Err(error) => self.give_up_file(start, bytes, error),
                written => written,
            };
        }
        if let Some(room) = self.pages.as_mut().and_then(|pages| pages.get_mut(start..end)) {
            room.copy_from_slice(bytes);
            return Ok(());
        }
        if let Some(pages) = self.pages.take() {
            // It is larger than was said.
            self.memory.extend_from_slice(pages.get(..start).unwrap_or_default());
        }
        let is_small = end <= IN_MEMORY && !self.is_large;
        if is_small || end <= WITHOUT_FILE && self.has_no_room {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        match self.begin_file(bytes) {
            Err(_) if end <= WITHOUT_FILE => {
                self.has_no_room = true;
                self.memory.extend_from_slice(bytes);
                Ok(())
            }
            // Where they are kept afterwards there is no room, or nobody may write: then they are not kept.
            Err(_) if self.directory.take().is_some() => self.begin_file(bytes),
            begun => begun,
        }
    }

    /// Goes on in a new file with what lies in memory, and with the next bytes.
    fn begin_file(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut file = Unnamed::new(self.directory.as_deref())?;
        file.write(&self.memory)?;
        file.write(bytes)?;
        self.memory = Vec::new();
        self.file = Some(file);
        Ok(())
    }

    /// Goes on in memory, or in another file, with what the file has so far, and takes the next bytes, for which it has no room.
    fn give_up_file(&mut self, length: usize, bytes: &[u8], error: io::Error) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Err(error) };
        if length.saturating_add(bytes.len()) <= WITHOUT_FILE {
            let written = file.map()?;
            self.memory.extend_from_slice(written.get(..length).ok_or(io::ErrorKind::UnexpectedEof)?);
            self.memory.extend_from_slice(bytes);
            self.has_no_room = true;
            return Ok(());
        }
        if self.directory.take().is_none() {
            return Err(error);
        }
        let mut other = file.again(length as u64)?;
        other.write(bytes)?;
        self.file = Some(other);
        Ok(())
    }

    /// The copy, complete.
    pub(crate) fn finish(self) -> io::Result<PrivateBytes> {
        match (self.file, self.pages) {
            (Some(file), _) => file.map().map(PrivateBytes::Mapped),
            (None, Some(pages)) => {
                let length = usize::try_from(self.length).unwrap_or(usize::MAX);
                Ok(PrivateBytes::Pages(pages.make_read_only()?, length))
            }
            (None, None) => Ok(PrivateBytes::Memory(self.memory)),
        }
    }
}

/// There is no room for a private copy. What cannot be written elsewhere goes to the temporary directory, so it is about that.
pub(super) fn unwritable(doing: &str, error: &io::Error) -> Problem {
    let problem = io_problem(doing, std::env::temp_dir(), error);
    match problem.code() {
        Code::DiskFull | Code::NotWritable => problem.help(
            "free some space there, or name another directory for temporary files by TMPDIR, and run the same command again",
        ),
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(size: usize, chunk: usize, said: Option<usize>, expected: &str) {
        let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        let mut writer = PrivateWriter::new(None, said.map(|said| said as u64));
        bytes.chunks(chunk).for_each(|part| writer.write(part).unwrap());
        assert_eq!(writer.len(), size as u64);
        let copy = writer.finish().unwrap();
        assert!(copy.as_slice() == bytes);
        let kind = match copy {
            PrivateBytes::Memory(_) => "memory",
            PrivateBytes::Pages(..) => "pages",
            PrivateBytes::Mapped(..) => "file",
        };
        assert_eq!(kind, expected, "{size} {chunk} {said:?}");
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        for said in [IN_MEMORY + 1, usize::MAX] {
            check(0, 1, Some(said), "memory");
            check(1, 1, Some(said), "file");
            check(IN_MEMORY, 65_536, Some(said), "file");
            check(3 * IN_MEMORY, 65_536, Some(said), "file");
        }
        for said in [None, Some(0), Some(IN_PAGES - 1)] {
            check(0, 1, said, "memory");
            check(1, 1, said, "memory");
            check(IN_MEMORY, 65_536, said, "memory");
            check(IN_MEMORY + 1, 65_536, said, "file");
            check(3 * IN_MEMORY, IN_MEMORY * 2, said, "file");
        }
        let said = Some(IN_PAGES);
        check(0, 1, said, "pages");
        check(IN_PAGES - 1, 1000, said, "pages");
        check(IN_PAGES, 1000, said, "pages");
        check(IN_PAGES + 1, 1000, said, "memory");
        check(IN_MEMORY + 1, 1000, said, "file");
        check(IN_MEMORY, 65_536, Some(IN_MEMORY), "pages");
        check(IN_MEMORY + 1, 65_536, Some(IN_MEMORY), "file");
    }

    #[test]
    fn a_large_copy_has_no_name() {
        let directory = tempfile::tempdir().unwrap();
        let mut writer = PrivateWriter::new(Some(directory.path()), Some(7));
        writer.write(&vec![1; IN_MEMORY + 1]).unwrap();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
