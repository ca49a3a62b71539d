//! Stored and deflated data to content.
//!
//! Owns: that inflating ends at the declared size, at the end of the stream and at the end of the input, all three,
//! and that the CRC is right. Never: allocates more than the input can produce.

use std::borrow::Cow;
use std::cell::RefCell;

use flate2::{Decompress, FlushDecompress, Status};

use super::WHOLE_ENTRY;
use crate::beside::{self, PIECE};
use crate::error::{Code, Problem};
use crate::memory::Buffer;

/// One byte of deflated data makes at most this many (RFC 1951: two bits for a match of 258 bytes).
const MAX_RATIO: u64 = 1032;

thread_local! {
    /// Made once a thread: new ones for each of many small entries cost more than inflating them.
    static TOOLS: RefCell<Option<Box<Tools>>> = const { RefCell::new(None) };
}

/// What inflating needs.
struct Tools {
    inflater: Decompress,
    /// One byte more than a piece shows whether there is more.
    buffer: Buffer,
}

/// Lends the tools of this thread.
fn with_tools<T>(work: impl FnOnce(&mut Tools) -> T) -> T {
    let mut tools = TOOLS.take().unwrap_or_else(|| {
        Box::new(Tools { inflater: Decompress::new(false), buffer: Buffer::new(PIECE + 1) })
    });
    tools.inflater.reset(false);
    let done = work(&mut tools);
    TOOLS.set(Some(tools));
    done
}

/// The data of an entry, with what its row says.
pub(super) struct Source<'a> {
    pub(super) data: &'a [u8],
    pub(super) deflated: bool,
    pub(super) size: u64,
    pub(super) crc: u32,
}

/// The content of an entry up to [`WHOLE_ENTRY`].
pub(super) fn whole<'a>(source: &Source<'a>) -> Result<Cow<'a, [u8]>, Problem> {
    if source.size > WHOLE_ENTRY {
        return Err(Problem::new(Code::ArchiveTooLarge, "an entry is too large to be read whole")
            .expected(format!("at most {WHOLE_ENTRY} bytes"))
            .found(format!("{} bytes", source.size)));
    }
    if !source.deflated {
        check_end(source, source.data.len() as u64, source.data.len(), crc32fast::hash(source.data))?;
        return Ok(Cow::Borrowed(source.data));
    }
    check_possible(source)?;
    let size = usize::try_from(source.size).unwrap_or_default();
    let mut content = vec![0; size + 1];
    with_tools(|tools| at_once(source, &mut tools.inflater, &mut content))?;
    content.pop();
    Ok(Cow::Owned(content))
}

/// Inflates into a buffer that is one byte longer than the content, and checks it.
fn at_once(source: &Source<'_>, inflater: &mut Decompress, buffer: &mut [u8]) -> Result<(), Problem> {
    let status = inflater
        .decompress(source.data, buffer, FlushDecompress::Finish)
        .map_err(|_| bad("the data of an entry is not deflated data"))?;
    let (used, made) = (inflater.total_in(), inflater.total_out());
    if made > source.size {
        return Err(too_much(source));
    }
    if status != Status::StreamEnd {
        return Err(bad("the data of an entry is cut"));
    }
    let content = buffer.split_last().map_or(&[][..], |(_, content)| content);
    check_end(source, made, usize::try_from(used).unwrap_or(usize::MAX), crc32fast::hash(content))
}

/// The content of an entry of any size, in pieces; what is no larger than one is checked before it is handed on. What `sink`
/// took before an error came is not to be believed.
pub(super) fn pieces<E>(
    source: &Source<'_>,
    mut sink: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<Result<(), E>, Problem> {
    if !source.deflated {
        let mut crc = crc32fast::Hasher::new();
        for piece in source.data.chunks(PIECE) {
            crc.update(piece);
            if let Err(error) = sink(piece) {
                return Ok(Err(error));
            }
        }
        check_end(source, source.data.len() as u64, source.data.len(), crc.finalize())?;
        return Ok(Ok(()));
    }
    check_possible(source)?;
    with_tools(|tools| {
        let Tools { inflater, buffer } = tools;
        let small = usize::try_from(source.size).ok().and_then(|size| buffer.get_mut(..=size));
        match small {
            Some(room) => {
                at_once(source, inflater, room)?;
                let content = room.split_last().map_or(&[][..], |(_, content)| content);
                Ok(sink(content))
            }
            None => streamed(source, inflater, buffer, sink),
        }
    })
}

fn streamed<E>(
    source: &Source<'_>,
    inflater: &mut Decompress,
    buffer: &mut [u8],
    mut sink: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<Result<(), E>, Problem> {
    let mut stream = Stream::new(source, inflater);
    if source.size >= beside::FROM {
        let given_up = Problem::new(Code::Internal, "an entry was given up");
        if let Some(done) = beside::hand_over(|buffer| stream.next(buffer), &mut sink, given_up) {
            return done;
        }
    }
    while let Some(given) = stream.next(buffer)? {
        if let Err(error) = sink(buffer.get(..given).unwrap_or_default()) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// The content of an entry on its way, checked when there is no more of it.
struct Stream<'s> {
    source: &'s Source<'s>,
    inflater: &'s mut Decompress,
    /// Bytes of the data.
    used: usize,
    crc: crc32fast::Hasher,
    ended: bool,
}

impl<'s> Stream<'s> {
    fn new(source: &'s Source<'s>, inflater: &'s mut Decompress) -> Self {
        Self { source, inflater, used: 0, crc: crc32fast::Hasher::new(), ended: false }
    }

    /// Puts the next piece into `buffer`, and says how long it is. `None` when all of it was there and right.
    fn next(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Problem> {
        if self.ended {
            let made = self.inflater.total_out();
            return check_end(self.source, made, self.used, self.crc.clone().finalize()).map(|()| None);
        }
        let input = self.source.data.get(self.used..).unwrap_or_default();
        let (before_in, before_out) = (self.inflater.total_in(), self.inflater.total_out());
        let status = self
            .inflater
            .decompress(input, buffer, FlushDecompress::None)
            .map_err(|_| bad("the data of an entry is not deflated data"))?;
        let taken = usize::try_from(self.inflater.total_in() - before_in).unwrap_or(usize::MAX);
        let given = usize::try_from(self.inflater.total_out() - before_out).unwrap_or(usize::MAX);
        self.used = self.used.saturating_add(taken);
        if self.inflater.total_out() > self.source.size {
            return Err(too_much(self.source));
        }
        self.ended = status == Status::StreamEnd;
        if !self.ended && taken == 0 && given == 0 {
            return Err(bad("the data of an entry is cut"));
        }
        self.crc.update(buffer.get(..given).unwrap_or_default());
        Ok(Some(given))
    }
}

fn too_much(source: &Source<'_>) -> Problem {
    bad("an entry inflates to more than its size").expected(format!("{} bytes", source.size))
}

fn check_possible(source: &Source<'_>) -> Result<(), Problem> {
    if source.size.div_ceil(MAX_RATIO) > source.data.len() as u64 {
        return Err(
            bad("an entry declares a size that its data cannot make").found(format!("{} bytes", source.size))
        );
    }
    Ok(())
}

fn check_end(source: &Source<'_>, made: u64, used: usize, crc: u32) -> Result<(), Problem> {
    if made != source.size {
        return Err(bad("an entry does not have its size")
            .expected(format!("{} bytes", source.size))
            .found(format!("{made} bytes")));
    }
    if used != source.data.len() {
        return Err(bad("there are bytes behind the end of an entry's deflated data")
            .found(format!("{} bytes", source.data.len().saturating_sub(used))));
    }
    if crc != source.crc {
        return Err(bad("an entry does not have its CRC")
            .expected(format!("{:08x}", source.crc))
            .found(format!("{crc:08x}")));
    }
    Ok(())
}

fn bad(message: &str) -> Problem {
    Problem::new(Code::ArchiveData, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn deflate(content: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(content).unwrap();
        writer.finish().unwrap()
    }

    fn source<'a>(data: &'a [u8], content: &[u8]) -> Source<'a> {
        Source { data, deflated: true, size: content.len() as u64, crc: crc32fast::hash(content) }
    }

    fn in_pieces(source: &Source<'_>) -> Result<Vec<u8>, Problem> {
        let mut content = Vec::new();
        let _ = pieces(source, |piece| {
            content.extend_from_slice(piece);
            Ok::<(), std::convert::Infallible>(())
        })?;
        Ok(content)
    }

    /// Both ways must say the same.
    #[track_caller]
    fn check(source: &Source<'_>, expected: Option<&[u8]>) {
        assert_eq!(whole(source).ok().as_deref(), expected);
        assert_eq!(in_pieces(source).ok().as_deref(), expected);
    }

    #[test]
    fn honest_data_is_inflated_both_ways() {
        let large: Vec<u8> = (0..3_000_000u32).flat_map(|n| (n / 7).to_le_bytes()).collect();
        for content in [&b""[..], b"x", b"hello hello hello", &[0; 1_000_000], &large] {
            check(&source(&deflate(content), content), Some(content));
            let stored = Source { deflated: false, ..source(content, content) };
            check(&stored, Some(content));
        }
    }

    /// RFC 1951 leaves open what a code of one literal makes of the other bit. Python's zlib refuses it, so we do.
    #[test]
    fn a_bit_that_is_no_code_is_refused() {
        let only_the_end = |bit: u8| {
            let last = 0x03 | bit << 3;
            [0x05, 0xc0, 0x81, 0x08, 0x00, 0x00, 0x00, 0x00, 0x20, 0x7f, 0xeb, last]
        };
        check(&source(&only_the_end(0), b""), Some(b""));
        check(&source(&only_the_end(1), b""), None);
    }

    #[test]
    fn bytes_behind_the_stream_are_refused() {
        for content in [&b""[..], b"x", b"hello hello hello"] {
            let data = deflate(content);
            let mut trailer = crc32fast::hash(content).to_le_bytes().to_vec();
            trailer.extend_from_slice(&u32::try_from(content.len()).unwrap().to_le_bytes());
            for slack in
                [&[0][..], &[0; 8], &[0xff; 5], &trailer, &trailer[..4], &[&trailer[..], &[0]].concat()]
            {
                check(&source(&[&data[..], slack].concat(), content), None);
            }
        }
    }

    #[test]
    fn lies_about_size_and_crc_are_refused() {
        let content = b"hello hello hello";
        let data = deflate(content);
        let honest = source(&data, content);
        for size in [0, 16, 18, 1 << 20, 1 << 40, u64::MAX] {
            check(&Source { size, ..honest }, None);
        }
        check(&Source { crc: honest.crc ^ 1, ..honest }, None);
        check(&Source { deflated: false, ..honest }, None);
        for cut in 0..data.len() {
            check(&Source { data: &data[..cut], ..honest }, None);
        }
    }

    /// Content of which no piece is like another, and which is a fourth when deflated.
    fn large(size: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut content = vec![0; size];
        content.chunks_mut(4).for_each(|word| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            word[0] = (state >> 24) as u8;
        });
        content
    }

    #[test]
    fn entries_of_each_size_are_inflated_and_checked() {
        let from = usize::try_from(beside::FROM).unwrap();
        for size in [PIECE - 1, PIECE, PIECE + 1, from - 1, from, from + 1, from + PIECE, 2 * from + 17] {
            let content = large(size);
            let data = deflate(&content);
            let honest = source(&data, &content);
            let right = |source: &Source<'_>| in_pieces(source).is_ok_and(|found| found == content);
            assert!(right(&honest), "{size}");
            let (less, more) = (size as u64 - 1, size as u64 + 1);
            for wrong in [
                Source { size: less, ..honest },
                Source { size: more, ..honest },
                Source { crc: honest.crc ^ 1, ..honest },
                Source { data: &data[..data.len() - 1], ..honest },
                Source { data: &data[..data.len() / 2], ..honest },
                Source { data: &[&data[..], &[0]].concat(), ..honest },
            ] {
                assert_eq!(in_pieces(&wrong).unwrap_err().code(), Code::ArchiveData, "{size}");
            }
            let mut damaged = data.clone();
            damaged[data.len() / 2..][..64].fill(0xff);
            assert!(in_pieces(&Source { data: &damaged, ..honest }).is_err(), "{size}");
        }
    }

    #[test]
    fn a_sink_stops_entries_of_each_size() {
        let from = usize::try_from(beside::FROM).unwrap();
        for size in [100, 3 * PIECE, from + 3 * PIECE] {
            let content = large(size);
            let data = deflate(&content);
            let mut taken = 0;
            let done = pieces(&source(&data, &content), |piece| {
                taken += piece.len();
                Err("full")
            });
            assert_eq!(done.unwrap(), Err("full"));
            assert!(taken <= PIECE + 1, "{taken}");
        }
    }

    #[test]
    fn nothing_beyond_the_size_is_handed_on() {
        let content = vec![7; 12_000_000];
        let data = deflate(&content);
        for size in [1_000_000, beside::FROM, 10_000_000] {
            let source = Source { size, ..source(&data, &content) };
            let mut taken = 0;
            let result = pieces(&source, |piece| {
                taken += piece.len() as u64;
                Ok::<(), std::convert::Infallible>(())
            });
            assert!(result.is_err());
            assert!(taken <= size, "{taken}");
        }
    }

    #[test]
    fn nothing_is_allocated_for_a_size_that_cannot_be() {
        let content = b"hello hello hello";
        let data = deflate(content);
        for size in [1032 * (data.len() as u64) + 1, WHOLE_ENTRY] {
            let problem = whole(&Source { size, ..source(&data, content) }).unwrap_err();
            assert!(problem.message().contains("cannot make"), "{problem}");
        }
    }

    proptest::proptest! {
        #[test]
        fn both_ways_agree_on_any_change(content in proptest::collection::vec(0u8..4, 0..400), at: u16, flip in 1u8.., tail in proptest::collection::vec(0u8.., 0..3)) {
            let mut data = deflate(&content);
            let at = usize::from(at) % data.len();
            data[at] ^= flip;
            data.extend(tail);
            let source = source(&data, &content);
            let (at_once, streamed) = (whole(&source).ok().map(Cow::into_owned), in_pieces(&source).ok());
            proptest::prop_assert_eq!(at_once, streamed);
        }
    }
}
