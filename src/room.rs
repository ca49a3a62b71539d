//! Reading what a file holds, into room of its size.
//!
//! Never: reads more than it is told, whatever a file says of its size.

use std::fs::File;
use std::io::{self, Read as _};

/// The first bytes of a file, at most so many. (A buffer that grows as it is filled is read into in many small steps, and
/// takes twice the memory.)
pub(crate) fn read_at_most(file: File, most: u64) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len();
    read_sized(file, size, most)
}

/// As [`read_at_most`], of a file that said that it has `size` bytes. What it has got since then is not read.
pub(crate) fn read_sized(file: File, size: u64, most: u64) -> io::Result<Vec<u8>> {
    // A pipe says that it has none, and so do files that the system makes up.
    let end = if size == 0 { most } else { size.min(most) };
    // A byte more, so that the end is seen without room for more.
    let room = size.min(most).saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(room).unwrap_or(0));
    file.take(end).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    #[test]
    fn no_more_is_read_than_is_told() {
        let check = |content: &[u8], most: u64, expected: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(content).unwrap();
            file.rewind().unwrap();
            assert_eq!(super::read_at_most(file, most).unwrap(), expected);
        };
        check(b"", 4, b"");
        check(b"abc", 4, b"abc");
        check(b"abcd", 4, b"abcd");
        check(b"abcde", 4, b"abcd");
        check(b"abc", 0, b"");
    }

    #[test]
    fn what_does_not_say_how_long_it_is_is_read_to_its_end() {
        let maps = std::fs::File::open("/proc/self/maps").unwrap();
        assert_eq!(maps.metadata().unwrap().len(), 0);
        assert!(super::read_at_most(maps, 1 << 20).unwrap().len() > 100);
    }
}
