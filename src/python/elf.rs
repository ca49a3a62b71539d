//! The program interpreter (PT_INTERP) that an ELF executable names: it tells musl from glibc.
//!
//! Owns: reading an ELF header, bounded. Never: trusts an offset or a size in it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

const PT_INTERP: u32 = 3;
/// No path of a program interpreter is longer, in bytes.
const MAX_PATH: usize = 4096;
/// No executable has more program headers.
const MAX_HEADERS: u16 = 256;

/// The program interpreter that `executable` names; `None` where it names none or is no ELF file.
pub(super) fn program_interpreter(executable: &Path) -> Option<PathBuf> {
    let mut file = File::open(executable).ok()?;
    let mut head = [0; 64];
    file.read_exact(&mut head).ok()?;
    let header = Header::read(&head)?;
    for number in 0..u64::from(header.count.min(MAX_HEADERS)) {
        let mut entry = [0; 56];
        let entry = entry.get_mut(..usize::from(header.entry_size.min(56)))?;
        let offset = header.table.checked_add(number.checked_mul(u64::from(header.entry_size))?)?;
        file.seek(SeekFrom::Start(offset)).ok()?;
        file.read_exact(entry).ok()?;
        if header.u32(entry, 0)? != PT_INTERP {
            continue;
        }
        let (at, size) = if header.wide {
            (header.u64(entry, 8)?, header.u64(entry, 32)?)
        } else {
            (u64::from(header.u32(entry, 4)?), u64::from(header.u32(entry, 16)?))
        };
        let mut path = vec![0; usize::try_from(size).ok()?.min(MAX_PATH)];
        file.seek(SeekFrom::Start(at)).ok()?;
        file.read_exact(&mut path).ok()?;
        let end = path.iter().position(|byte| *byte == 0)?;
        path.truncate(end);
        return String::from_utf8(path).ok().map(PathBuf::from);
    }
    None
}

struct Header {
    wide: bool,
    little: bool,
    table: u64,
    entry_size: u16,
    count: u16,
}

impl Header {
    fn read(head: &[u8]) -> Option<Self> {
        if head.get(..4)? != b"\x7fELF" {
            return None;
        }
        let wide = match head.get(4)? {
            1 => false,
            2 => true,
            _ => return None,
        };
        let little = match head.get(5)? {
            1 => true,
            2 => false,
            _ => return None,
        };
        let mut header = Self { wide, little, table: 0, entry_size: 0, count: 0 };
        if wide {
            header.table = header.u64(head, 32)?;
            header.entry_size = header.u16(head, 54)?;
            header.count = header.u16(head, 56)?;
        } else {
            header.table = u64::from(header.u32(head, 28)?);
            header.entry_size = header.u16(head, 42)?;
            header.count = header.u16(head, 44)?;
        }
        Some(header)
    }

    fn bytes<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
        bytes.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    fn u16(&self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = Self::bytes(bytes, at)?;
        Some(if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn u32(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = Self::bytes(bytes, at)?;
        Some(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn u64(&self, bytes: &[u8], at: usize) -> Option<u64> {
        let bytes = Self::bytes(bytes, at)?;
        Some(if self.little { u64::from_le_bytes(bytes) } else { u64::from_be_bytes(bytes) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_elf_names_a_program_interpreter() {
        let directory = tempfile::tempdir().unwrap();
        let check = |bytes: &[u8], expected: Option<&str>| {
            let path = directory.path().join("file");
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(program_interpreter(&path), expected.map(PathBuf::from));
        };
        let mut elf = vec![0; 64 + 56];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[32] = 64; // the table
        elf[54] = 56; // the size of its entries
        elf[56] = 1; // their number
        elf[64] = 3; // PT_INTERP
        elf[64 + 8] = 120; // where
        elf[64 + 32] = 23; // how long
        elf.extend_from_slice(b"/lib/ld-musl-x86.so.1\0\0");
        check(&elf, Some("/lib/ld-musl-x86.so.1"));
        for cut in [0, 4, 63, 64, 119, 125] {
            check(&elf[..cut], None);
        }
        check(b"#!/bin/sh\n", None);
        elf[32..40].fill(0xff);
        check(&elf, None);
    }
}
