//! One artifact from one address, tried again and resumed where it was cut.
//!
//! Owns: when more of the same may be asked for: with a strong entity tag, answered by exactly the bytes that are missing.
//! Never: believes that it is the same file. The hash over all of it, which is compared later, decides.

use std::path::PathBuf;

use reqwest::header::{self, HeaderValue};
use url::Url;

use super::hashing::Hashing;
use super::private::unwritable;
use super::{Fetched, PrivateWriter, Stored, Unverified, limit};
use crate::digest::{Hasher, LockedHashes};
use crate::error::{Code, Problem};
use crate::index::http::{
    Answer, Ask, Fault, Http, Kind, content_range, place, status_problem, strong_tag, too_large,
};

/// One artifact to download.
pub(crate) struct Download<'a> {
    pub(crate) http: &'a Http,
    pub(crate) url: &'a Url,
    /// What the lock binds. A longer body is cut off one byte behind it.
    pub(crate) size: Option<u64>,
    /// Which digests are wanted; SHA-256 alone where `None`.
    pub(crate) hashes: Option<&'a LockedHashes>,
    /// Where large copies go.
    pub(crate) directory: Option<PathBuf>,
}

/// What has arrived of a file.
struct Part {
    writer: PrivateWriter,
    hashing: Hashing,
    /// By which more of the same file can be asked for.
    tag: Option<HeaderValue>,
    /// How long the whole of it is.
    total: Option<u64>,
}

/// Told of `(bytes, total)`.
type Tell<'t> = &'t (dyn Fn(u64, Option<u64>) + Send + Sync);

impl Download<'_> {
    /// Downloads, with retries, into a private copy, hashing as the bytes come.
    pub(crate) async fn run(&self, tell: Tell<'_>) -> Fetched {
        let mut tries = self.http.tries();
        let mut part = None;
        loop {
            match self.attempt(&mut part, tell).await {
                Ok(unverified) => return Ok(unverified),
                Err(fault) => tries.again(fault).await?,
            }
        }
    }

    async fn attempt(&self, kept: &mut Option<Part>, tell: Tell<'_>) -> Result<Unverified, Fault> {
        let (mut answer, mut part) = self.ask(kept).await?;
        let outcome = self.read(&mut answer, &mut part, tell).await;
        if let Err(fault) = outcome {
            // What has arrived is worth keeping only where the rest can be asked for.
            *kept = Some(part).filter(|part| part.tag.is_some() && part.writer.len() > 0);
            return Err(fault);
        }
        let bytes =
            part.writer.finish().map_err(|error| Fault::Lasting(unwritable("keeping a download", &error)))?;
        let (computed, origin) = (part.hashing.finish(), place(self.url));
        Ok(Unverified { bytes, computed, origin, stored: Stored::Unknown })
    }

    /// Asks for the rest of what is there already, or for all. Whatever is odd about the answer to the first question
    /// leads to the second.
    async fn ask(&self, kept: &mut Option<Part>) -> Result<(Answer, Part), Fault> {
        let wanted = kept.as_ref().and_then(|part| Some((part.tag.clone()?, part.writer.len())));
        if let Some((tag, length)) = wanted
            && let Ok(range) = HeaderValue::from_str(&format!("bytes={length}-"))
        {
            let mut ask = Ask::new(self.url.clone(), Kind::Wheel);
            ask.headers.insert(header::RANGE, range);
            ask.headers.insert(header::IF_RANGE, tag);
            let answer = self.http.send(&ask).await?;
            let part = kept.take().filter(|part| answer.status() == 206 && continues(&answer, part));
            match part {
                Some(part) => return Ok((answer, part)),
                None if answer.status() == 200 => return self.fresh(answer),
                None => {}
            }
        }
        self.fresh(self.http.send(&Ask::new(self.url.clone(), Kind::Wheel)).await?)
    }

    /// An answer from the first byte on.
    fn fresh(&self, answer: Answer) -> Result<(Answer, Part), Fault> {
        let answer = answer.success()?;
        if answer.status().as_u16() != 200 {
            // Nothing was asked for that any other status of success would answer.
            return Err(Fault::Lasting(status_problem(answer.status(), &answer.url)));
        }
        answer.check_identity()?;
        let cap = self.http.cap(Kind::Wheel);
        let is_too_large = match self.size {
            Some(size) => size > cap.bytes,
            None => answer.length().is_some_and(|length| length > cap.bytes),
        };
        if is_too_large {
            return Err(Fault::Lasting(too_large(&answer.url, cap)));
        }
        let size = self.size.or(answer.length());
        let part = Part {
            writer: PrivateWriter::new(self.directory.as_deref(), size),
            hashing: Hashing::new(|| self.hashes.map_or_else(Hasher::sha256, Hasher::new), size),
            tag: strong_tag(answer.headers()),
            total: answer.length(),
        };
        Ok((answer, part))
    }

    /// Takes what comes, up to the limit.
    async fn read(&self, answer: &mut Answer, part: &mut Part, tell: Tell<'_>) -> Result<(), Fault> {
        let cap = self.http.cap(Kind::Wheel);
        let limit = limit(self.size, cap.bytes);
        tell(part.writer.len(), part.total);
        while let Some(bytes) = answer.chunk().await? {
            let room = usize::try_from(limit.saturating_sub(part.writer.len())).unwrap_or(usize::MAX);
            let bytes = if room < bytes.len() { bytes.slice(..room) } else { bytes };
            part.hashing.update(bytes.clone());
            part.writer
                .write(&bytes)
                .map_err(|error| Fault::Lasting(unwritable("keeping a download", &error)))?;
            tell(part.writer.len(), part.total);
            if part.writer.len() >= limit {
                break;
            }
        }
        let length = part.writer.len();
        match self.size {
            None if length >= limit => Err(Fault::Lasting(too_large(&answer.url, cap))),
            // A complete answer that is shorter is other content, and an alarm. One of which nobody can
            // say whether it is complete was most likely cut.
            Some(size) if length < size && !answer.ends_by_protocol() => Err(Fault::passing(
                Problem::new(Code::DownloadTruncated, "the download ended before all of it had arrived")
                    .at(place(&answer.url))
                    .expected(format!("{size} bytes"))
                    .found(format!("{length} bytes"))
                    .help("run the same command again"),
            )),
            _ => Ok(()),
        }
    }
}

/// Whether an answer is exactly what is missing of a part: the same file by its tag and its size, from where the part ends
/// to the end.
fn continues(answer: &Answer, part: &Part) -> bool {
    let same_file = strong_tag(answer.headers()) == part.tag && answer.check_identity().is_ok();
    same_file
        && content_range(answer.headers()).is_some_and(|(start, end, size)| {
            start == part.writer.len()
                && end == size
                && part.total.is_none_or(|total| total == size)
                && answer.length().is_none_or(|length| length == end - start)
        })
}
