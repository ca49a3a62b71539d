//! An answer, and reading its body within the cap of its kind.
//!
//! Never: decodes an artifact, or keeps a byte beyond the cap.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{StatusCode, Version};
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use super::decode::{DecodeError, Decoder};
use super::words::{deepest, place, status_problem, too_large, too_slow, undecodable};
use super::{Cap, Fault};
use crate::error::{Code, Problem};

/// An answer whose body has not been read.
pub(crate) struct Answer {
    pub(super) response: reqwest::Response,
    /// Where it came from, after redirects; without credentials.
    pub(crate) url: Url,
    pub(super) _permit: OwnedSemaphorePermit,
    pub(super) timeout: u64,
    pub(super) pace: Pace,
}

/// How long a body has been under way, and how long it may be.
pub(super) struct Pace {
    start: Instant,
    patience: Duration,
    /// Bytes a second that it has to come with beyond that.
    slowest: u64,
    arrived: u64,
}

impl Pace {
    pub(super) fn new(patience: Duration, slowest: u64) -> Self {
        Self { start: Instant::now(), patience, slowest, arrived: 0 }
    }

    /// Whether it is too slow, now that so many bytes more have arrived.
    fn is_spent(&mut self, bytes: usize) -> bool {
        self.arrived = self.arrived.saturating_add(bytes as u64);
        let allowed = self.patience.saturating_add(Duration::from_secs(self.arrived / self.slowest));
        self.start.elapsed() > allowed
    }
}

/// An answer, read whole and decoded.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) status: StatusCode,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// What Content-Length says.
    pub(crate) fn length(&self) -> Option<u64> {
        self.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
    }

    /// Whether the protocol itself tells a complete body from one that was cut: a length, chunks, or
    /// HTTP/2. (Without them, HTTP/1 ends a body by closing the connection.)
    pub(crate) fn ends_by_protocol(&self) -> bool {
        self.response.version() >= Version::HTTP_2
            || self.headers().contains_key(header::TRANSFER_ENCODING)
            || self.length().is_some()
    }

    /// The next bytes of the body as they come, undecoded.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        let chunk = self.next_chunk().await?;
        let bytes = chunk.as_ref().map_or(0, Bytes::len);
        if chunk.is_some() && self.pace.is_spent(bytes) {
            return Err(Fault::passing(too_slow(&self.url)));
        }
        Ok(chunk)
    }

    async fn next_chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        self.response.chunk().await.map_err(|error| {
            let error = error.without_url();
            let why = if error.is_timeout() {
                format!("no byte arrived for {} seconds", self.timeout)
            } else {
                deepest(&error)
            };
            Fault::passing(
                Problem::new(Code::DownloadTruncated, "the download ended before all of it had arrived")
                    .at(place(&self.url))
                    .cause(why)
                    .help("run the same command again"),
            )
        })
    }

    /// Refuses a body that has a content encoding: artifacts are asked for as they are.
    pub(crate) fn check_identity(&self) -> Result<(), Fault> {
        match self.encoding().trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(()),
            other => Err(Fault::Lasting(undecodable(&self.url, DecodeError::Unasked(other.to_owned())))),
        }
    }

    /// The status, if it is not one of success.
    pub(crate) fn success(self) -> Result<Self, Fault> {
        if self.status().is_success() {
            Ok(self)
        } else {
            Err(Fault::Lasting(status_problem(self.status(), &self.url)))
        }
    }

    /// Reads the whole body. The cap holds for what arrives and for what it decodes to.
    pub(super) async fn whole(mut self, cap: Cap) -> Result<Whole, Fault> {
        let body = if self.status().is_success() { self.body(cap).await? } else { Vec::new() };
        let status = self.status();
        let headers = std::mem::take(self.response.headers_mut());
        Ok(Whole { status, url: self.url, headers, body })
    }

    async fn body(&mut self, cap: Cap) -> Result<Vec<u8>, Fault> {
        let url = self.url.clone();
        let lasting = |error| {
            Fault::Lasting(match error {
                DecodeError::TooLarge => too_large(&url, cap),
                other => undecodable(&url, other),
            })
        };
        if self.length().is_some_and(|length| length > cap.bytes) {
            return Err(lasting(DecodeError::TooLarge));
        }
        let most = usize::try_from(cap.bytes).unwrap_or(usize::MAX);
        let mut decoder = Decoder::new(self.encoding(), most, self.length()).map_err(lasting)?;
        let mut arrived = 0_u64;
        while let Some(bytes) = self.chunk().await? {
            arrived = arrived.saturating_add(bytes.len() as u64);
            if arrived > cap.bytes {
                return Err(lasting(DecodeError::TooLarge));
            }
            decoder.write(&bytes).map_err(lasting)?;
        }
        decoder.finish().map_err(lasting)
    }

    fn encoding(&self) -> &str {
        let mut values = self.headers().get_all(header::CONTENT_ENCODING).iter();
        match (values.next().map(HeaderValue::to_str), values.next()) {
            (None, _) => "",
            (Some(Ok(value)), None) => value,
            _ => "several",
        }
    }
}
