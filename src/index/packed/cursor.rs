//! Numbers and texts out of bytes, and into them. What is not there is `None`.

use std::ops::Range;

use jiff::Timestamp;

/// Where reading is.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (found, _) = self.bytes.get(self.at..)?.split_first_chunk::<N>()?;
        self.at += N;
        Some(*found)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Seconds and nanoseconds.
    pub(super) fn time(&mut self) -> Option<Timestamp> {
        let second = self.array().map(i64::from_le_bytes)?;
        Timestamp::new(second, self.array().map(i32::from_le_bytes)?).ok()
    }

    /// How many things follow of at least `size` bytes each: not more than there is room for.
    pub(super) fn count(&mut self, size: usize) -> Option<usize> {
        let count = usize::try_from(self.u32()?).ok()?;
        let room = self.bytes.len().checked_sub(self.at)?;
        (count.checked_mul(size)? <= room).then_some(count)
    }

    pub(super) fn slice(&mut self) -> Option<&'a [u8]> {
        self.range().and_then(|range| self.bytes.get(range))
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.slice()?).ok()
    }

    /// All bytes, also those that were read.
    pub(super) fn all(&self) -> &'a [u8] {
        self.bytes
    }

    /// Goes on behind so many bytes, and tells where they are.
    pub(super) fn skip(&mut self, length: usize) -> Option<Range<usize>> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len())?;
        let range = self.at..end;
        self.at = end;
        Some(range)
    }

    /// Where a text stands.
    pub(super) fn text_range(&mut self) -> Option<Range<usize>> {
        let range = self.range()?;
        std::str::from_utf8(self.bytes.get(range.clone())?).ok()?;
        Some(range)
    }

    fn range(&mut self) -> Option<Range<usize>> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.skip(length)
    }
}

/// Writes a length and what has it. A page is capped far below 4 GiB; what would not fit is cut, and then not read.
pub(super) fn put(bytes: &mut Vec<u8>, slice: &[u8]) {
    bytes.extend_from_slice(&number(slice.len()).to_le_bytes());
    bytes.extend_from_slice(slice);
}

/// Writes a time.
pub(super) fn put_time(bytes: &mut Vec<u8>, time: Timestamp) {
    bytes.extend_from_slice(&time.as_second().to_le_bytes());
    bytes.extend_from_slice(&time.subsec_nanosecond().to_le_bytes());
}

/// A count as it is written.
pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
