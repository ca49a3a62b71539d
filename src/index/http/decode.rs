//! Content encodings of index pages and metadata, with a cap on what comes out.
//!
//! Never: takes more than one encoding, or keeps more than the cap.

use std::io::{self, Write};

/// What pipward accepts, as it says in Accept-Encoding.
pub(super) const ACCEPTED: &str = "gzip, zstd";

/// The window that an HTTP sender may use: 8 MiB (RFC 9659, section 3).
const ZSTD_WINDOW_LOG: u32 = 23;

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
    Gzip(Box<flate2::write::GzDecoder<Capped>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Capped>>),
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
    /// A decoder for the value of Content-Encoding. At most `cap` bytes come out.
    pub(super) fn new(encoding: &str, cap: usize) -> Result<Self, DecodeError> {
        let sink = Capped { bytes: Vec::new(), cap, full: false };
        match encoding.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity(sink)),
            "gzip" | "x-gzip" => Ok(Self::Gzip(Box::new(flate2::write::GzDecoder::new(sink)))),
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
            Self::Gzip(decoder) => decoder.write_all(bytes),
            Self::Zstd(decoder) => decoder.write_all(bytes),
        };
        written.map_err(|_| self.fault())
    }

    /// All that came out.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, DecodeError> {
        let flushed = match &mut self {
            Self::Identity(_) => Ok(()),
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Zstd(decoder) => decoder.flush(),
        };
        if flushed.is_err() {
            return Err(self.fault());
        }
        Ok(match self {
            Self::Identity(sink) => sink.bytes,
            Self::Gzip(mut decoder) => std::mem::take(&mut decoder.get_mut().bytes),
            Self::Zstd(decoder) => decoder.into_inner().bytes,
        })
    }

    fn fault(&self) -> DecodeError {
        let sink = match self {
            Self::Identity(sink) => sink,
            Self::Gzip(decoder) => decoder.get_ref(),
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
        let mut decoder = Decoder::new(encoding, cap)?;
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
        assert_eq!(check("zstd", b"<html>", 100), Err(DecodeError::Damaged));
    }

    #[test]
    fn a_bomb_stops_at_the_cap() {
        let bomb = gzip(&vec![0; 50 << 20]);
        assert!(bomb.len() < 100_000);
        assert_eq!(check("gzip", &bomb, 1 << 20), Err(DecodeError::TooLarge));
    }
}
