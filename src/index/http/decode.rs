//! Content encodings of index pages and metadata, with a cap on what comes out.
//!
//! Never: takes more than one encoding, or keeps more than the cap.

use std::io::{self, Write};

use flate2::{Decompress, FlushDecompress, Status};

/// What pipward accepts, as it says in Accept-Encoding.
pub(super) const ACCEPTED: &str = "gzip, zstd";

/// The window that an HTTP sender may use: 8 MiB (RFC 9659, section 3).
const ZSTD_WINDOW_LOG: u32 = 23;

/// For a body of which it is not known how large it becomes no more room is made at first, in bytes.
const MOST_EXPECTED: usize = 32 << 20;

/// Why a body cannot be decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DecodeError {
    /// An encoding that was not asked for, or several.
    Unasked(String),
    /// It decodes to more than the cap.
    TooLarge,
    /// It is damaged.
    Damaged,
}

/// A decoder for one body.
pub(super) enum Decoder {
    Identity(Capped),
    Gzip(Box<Gzip>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Capped>>),
}

/// Inflates straight into what comes out, which is many times as much.
pub(super) struct Gzip {
    inflate: Decompress,
    sink: Capped,
    ended: bool,
}

impl Gzip {
    /// How many times as large a page is as it travels, at the usual rate.
    const RATE: usize = 6;
    /// The window of any encoder (RFC 1952).
    const WINDOW_LOG: u8 = 15;
    /// So much room is made at a time, at least.
    const ROOM: usize = 16 << 10;

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.ended {
                return Err(io::Error::other("something follows its end"));
            }
            let out = &mut self.sink.bytes;
            if out.len() == out.capacity() {
                out.reserve(Self::ROOM);
            }
            let (read, made) = (self.inflate.total_in(), out.len());
            let status = self.inflate.decompress_vec(bytes, out, FlushDecompress::None)?;
            let read = usize::try_from(self.inflate.total_in() - read).unwrap_or(usize::MAX);
            bytes = bytes.get(read..).unwrap_or_default();
            self.ended = status == Status::StreamEnd;
            if out.len() > self.sink.cap {
                self.sink.full = true;
                return Err(io::Error::other("the cap is reached"));
            }
            if read == 0 && out.len() == made && !self.ended {
                return Err(io::Error::other("it leads nowhere"));
            }
        }
        Ok(())
    }
}

/// Bytes up to a cap.
pub(super) struct Capped {
    bytes: Vec<u8>,
    cap: usize,
    full: bool,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.cap.saturating_sub(self.bytes.len()) {
            self.full = true;
            return Err(io::Error::other("the cap is reached"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Decoder {
    /// A decoder for the value of Content-Encoding. At most `cap` bytes come out; `length` is how many arrive, where that
    /// is known.
    pub(super) fn new(encoding: &str, cap: usize, length: Option<u64>) -> Result<Self, DecodeError> {
        let mut sink = Capped { bytes: Vec::new(), cap, full: false };
        let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        let mut expect = |bytes: usize| sink.bytes.reserve(bytes.min(cap).min(MOST_EXPECTED));
        match encoding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => {
                expect(length);
                Ok(Self::Identity(sink))
            }
            "gzip" | "x-gzip" => {
                expect(length.saturating_mul(Gzip::RATE));
                let inflate = Decompress::new_gzip(Gzip::WINDOW_LOG);
                Ok(Self::Gzip(Box::new(Gzip { inflate, sink, ended: false })))
            }
            "zstd" => {
                let mut decoder =
                    zstd::stream::write::Decoder::new(sink).map_err(|_| DecodeError::Damaged)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(|_| DecodeError::Damaged)?;
                Ok(Self::Zstd(Box::new(decoder)))
            }
            other => Err(DecodeError::Unasked(other.chars().take(60).collect())),
        }
    }

    /// Takes the next bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let written = match self {
            Self::Identity(sink) => sink.write_all(bytes),
            Self::Gzip(decoder) => decoder.write(bytes),
            Self::Zstd(decoder) => decoder.write_all(bytes),
        };
        written.map_err(|_| self.fault())
    }

    /// All that came out.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, DecodeError> {
        let flushed = match &mut self {
            Self::Identity(_) => Ok(()),
            Self::Gzip(decoder) if decoder.ended => Ok(()),
            Self::Gzip(_) => return Err(DecodeError::Damaged),
            Self::Zstd(decoder) => decoder.flush(),
        };
        if flushed.is_err() {
            return Err(self.fault());
        }
        Ok(match self {
            Self::Identity(sink) => sink.bytes,
            Self::Gzip(decoder) => decoder.sink.bytes,
            Self::Zstd(decoder) => decoder.into_inner().bytes,
        })
    }

    fn fault(&self) -> DecodeError {
        let sink = match self {
            Self::Identity(sink) => sink,
            Self::Gzip(decoder) => &decoder.sink,
            Self::Zstd(decoder) => decoder.get_ref(),
        };
        if sink.full { DecodeError::TooLarge } else { DecodeError::Damaged }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn check(encoding: &str, bytes: &[u8], cap: usize) -> Result<Vec<u8>, DecodeError> {
        let mut decoder = Decoder::new(encoding, cap, Some(bytes.len() as u64))?;
        for part in bytes.chunks(7) {
            decoder.write(part)?;
        }
        decoder.finish()
    }

    #[test]
    fn each_encoding_is_undone() {
        let text = b"a page ".repeat(1000);
        for (encoding, bytes) in [
            ("", text.clone()),
            ("identity", text.clone()),
            ("GZIP", gzip(&text)),
            ("zstd", zstd::encode_all(&text[..], 3).unwrap()),
        ] {
            assert_eq!(check(encoding, &bytes, 7000), Ok(text.clone()), "{encoding}");
            assert_eq!(check(encoding, &bytes, 6999), Err(DecodeError::TooLarge), "{encoding}");
        }
    }

    #[test]
    fn encodings_that_were_not_asked_for_are_refused() {
        for encoding in ["br", "deflate", "gzip, gzip", "gzip,zstd", "compress"] {
            assert!(matches!(check(encoding, b"", 10), Err(DecodeError::Unasked(_))), "{encoding}");
        }
    }

    #[test]
    fn damage_is_told() {
        let whole = gzip(b"text");
        assert_eq!(check("gzip", &whole[..whole.len() - 3], 100), Err(DecodeError::Damaged));
        assert_eq!(check("gzip", b"<html>", 100), Err(DecodeError::Damaged));
        assert_eq!(check("gzip", b"", 100), Err(DecodeError::Damaged));
        for changed in [whole.len() - 2, whole.len() - 6, 11] {
            let mut bytes = whole.clone();
            bytes[changed] ^= 1;
            assert_eq!(check("gzip", &bytes, 100), Err(DecodeError::Damaged), "{changed}");
        }
        for more in [b"x".as_slice(), &whole] {
            assert_eq!(check("gzip", &[&whole, more].concat(), 100), Err(DecodeError::Damaged));
        }
        assert_eq!(check("zstd", b"<html>", 100), Err(DecodeError::Damaged));
    }

    #[test]
    fn a_bomb_stops_at_the_cap() {
        let bomb = gzip(&vec![0; 50 << 20]);
        assert!(bomb.len() < 100_000);
        assert_eq!(check("gzip", &bomb, 1 << 20), Err(DecodeError::TooLarge));
    }
}
