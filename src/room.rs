//! Reading what a file holds, into room of its size.
//!
//! Never: reads more than it is told, whatever a file says of its size.

use std::fs::File;
use std::io::{self, Read as _};

/// The first bytes of a file, at most so many. (A buffer that grows as it is filled is read into in many small steps, and
/// takes twice the memory.)
pub(crate) fn read_at_most(file: File, most: u64) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len().min(most);
    // A byte more, so that the end is seen without room for more.
    let mut bytes = Vec::with_capacity(usize::try_from(size.saturating_add(1)).unwrap_or(0));
    file.take(most).read_to_end(&mut bytes)?;
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
}
