//! What a wheel depends on: from the file beside it (PEP 658, 714), else from its end, else from all of it.
//!
//! Owns: the order of these ways, and the finding out, once per index, whether unadvertised files are there.
//! Never: installs from what it learns; the digest goes into the lock and is compared later.

use std::borrow::Cow;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use pipward_resolver::{Dependencies, WheelName};
use reqwest::header::{self, HeaderValue};
use url::Url;

use super::engine::blocking;
use super::http::{Ask, Kind, PART_CAP, content_range, place, status_problem};
use super::page::{Address, Advertised, FileName, PageFile};
use super::project::Offered;
use super::reading::{PARTS, read_metadata, unavailable};
use super::tail::{self, Part, Step, TailError};
use super::{Index, Inner};
use crate::digest::Sha256;
use crate::error::{Code, Place, Problem, io as io_problem};
use crate::fetch::Download;
use crate::lock::{Location, LockedFile};
use crate::wheel::metadata::Metadata;

/// How long the line is before kept METADATA: its digest.
const NOTED: u64 = 65;

/// What is known of one wheel.
#[derive(Debug)]
pub(crate) struct Learned {
    pub(crate) dependencies: Arc<Dependencies>,
    /// Of its METADATA.
    pub(crate) sha256: Sha256,
}

/// METADATA as it was found, and its digest, which is computed once.
struct Text {
    bytes: Bytes,
    sha256: Sha256,
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self { sha256: Sha256::of(&bytes), bytes: bytes.into() }
    }
}

/// A locked wheel whose METADATA is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Sought<'l> {
    /// The wheel; where it is fetched from, as [`Index::resolve_sources`] says.
    pub file: &'l LockedFile,
    /// The index that the lock names for it.
    pub index: Option<&'l Url>,
    /// The SHA-256 of its METADATA, where the lock has it.
    pub sha256: Option<Sha256>,
}

impl Index {
    /// METADATA of a locked wheel, as the cache has it. Nothing is asked for.
    pub fn kept_metadata(&self, sought: &Sought<'_>) -> Option<Vec<u8>> {
        let offered = self.inner.locked(sought);
        let Ok(Location::Url(url)) = offered.file.location() else { return None };
        let kept = |file: &PageFile| {
            let text = self.inner.kept(cache_key(file, &url).as_deref(), file.metadata)?;
            understand(&text.bytes, &sought.file.name).is_ok().then_some(text)
        };
        // An index that announces no digest has it under that of the wheel.
        let text = kept(&offered.file).or_else(|| {
            let text = kept(&PageFile { metadata: Advertised::No, ..(*offered.file).clone() })?;
            (sought.sha256.is_none_or(|wanted| wanted == text.sha256)).then_some(text)
        });
        text.map(|text| text.bytes.into())
    }

    /// METADATA of locked wheels, found as the locker finds it: beside the wheel, else at its end. Outcomes in their order.
    /// Where the lock has a digest of it, it is that or `metadata-mismatch`.
    pub fn metadata_of(&self, sought: &[Sought<'_>]) -> Vec<Result<Vec<u8>, Problem>> {
        let found = self.wait(|inner| async move {
            let each = sought.iter().map(|sought| inner.text_of(sought));
            Ok(futures_util::stream::iter(each).buffered(inner.engine.http.concurrency()).collect().await)
        });
        found.unwrap_or_else(|problem: Problem| sought.iter().map(|_| Err(problem.clone())).collect())
    }
}

impl Inner {
    /// A locked wheel as an index would offer it.
    fn locked(&self, sought: &Sought<'_>) -> Offered {
        let file = sought.file;
        let address = match &file.location {
            Location::Url(url) => Address::Web(url.as_str().into()),
            Location::Path(path) => Address::Path(path.clone()),
        };
        let file = PageFile {
            name: FileName::Wheel(file.name.clone()),
            address,
            sha256: file.hashes.sha256s().next(),
            size: file.size,
            upload_time: None,
            requires_python: None,
            yanked: None,
            metadata: sought.sha256.map_or(Advertised::No, Advertised::Sha256),
            provenance: None,
        };
        let index = sought.index.and_then(|index| self.registry.position(index));
        Offered { file: Arc::new(file), index }
    }

    async fn text_of(&self, sought: &Sought<'_>) -> Result<Vec<u8>, Problem> {
        let offered = self.locked(sought);
        let wheel = &sought.file.name;
        let text = match &sought.file.location {
            Location::Path(path) => {
                let (path, name) = (path.clone(), wheel.clone());
                blocking(move || from_path(&path, &name)).await.map(Text::from)
            }
            Location::Url(url) => self.on_the_web(&offered, wheel, url).await,
        };
        let check = |text: Text| {
            understand(&text.bytes, wheel)?;
            let found = text.sha256;
            match sought.sha256.filter(|wanted| *wanted != found) {
                None => Ok(text.bytes.into()),
                Some(wanted) => {
                    Err(Problem::new(Code::MetadataMismatch, "the metadata is not that of the locked wheel")
                        .expected(format!("sha256 {wanted}"))
                        .found(format!("sha256 {found}"))
                        .help("find out who changed it before you lock again"))
                }
            }
        };
        text.and_then(check).map_err(|problem| problem.package(wheel).at(sought.file.place.clone()))
    }

    /// Learns what a wheel depends on.
    pub(super) async fn learn(&self, offered: &Offered) -> Result<Learned, Problem> {
        let file = &offered.file;
        let Some(wheel) = file.wheel() else {
            return Err(Problem::new(Code::Internal, "a source distribution was asked for its metadata"));
        };
        let (text, at) = match file.location()? {
            Location::Path(path) => {
                let at = Place::file(&path);
                let name = wheel.clone();
                (blocking(move || from_path(&path, &name)).await.map(Text::from), at)
            }
            Location::Url(url) => {
                let at = place(&url);
                (self.on_the_web(offered, wheel, &url).await, at)
            }
        };
        let learned = text.and_then(|text| {
            let dependencies = Arc::new(understand(&text.bytes, wheel)?);
            Ok(Learned { dependencies, sha256: text.sha256 })
        });
        learned.map_err(|problem| problem.package(wheel).at(at))
    }

    async fn on_the_web(&self, offered: &Offered, wheel: &WheelName, url: &Url) -> Result<Text, Problem> {
        let key = cache_key(&offered.file, url);
        if let Some(kept) = self.kept(key.as_deref(), offered.file.metadata) {
            return Ok(kept);
        }
        let text = Text::from(self.ask_for(offered, wheel, url).await?);
        self.keep(key.as_deref(), &text);
        Ok(text)
    }

    async fn ask_for(&self, offered: &Offered, wheel: &WheelName, url: &Url) -> Result<Vec<u8>, Problem> {
        let beside = match offered.file.metadata {
            Advertised::Sha256(expected) => self.beside(url, Some(expected)).await?,
            Advertised::Unhashed => self.beside(url, None).await?,
            Advertised::No => self.unadvertised(offered.index, wheel, url).await?,
        };
        if let Some(text) = beside {
            return Ok(text);
        }
        if let Some(text) = self.by_range(wheel, url).await? {
            return Ok(text);
        }
        self.by_download(offered, wheel, url).await
    }

    /// The file beside the wheel; `None` where there is none.
    async fn beside(&self, url: &Url, expected: Option<Sha256>) -> Result<Option<Vec<u8>>, Problem> {
        let mut address = url.clone();
        address.set_path(&format!("{}.metadata", url.path()));
        let whole = self.engine.http.whole(&Ask::new(address, Kind::Metadata)).await?;
        match whole.status.as_u16() {
            200 => {}
            401 | 407 => return Err(status_problem(whole.status, &whole.url)),
            _ => return Ok(None),
        }
        let found = Sha256::of(&whole.body);
        match expected {
            Some(expected) if expected != found => {
                Err(Problem::new(Code::MetadataMismatch, "the metadata is not what the index page announces")
                    .at(place(&whole.url))
                    .expected(format!("sha256 {expected}"))
                    .found(format!("sha256 {found}"))
                    .help("run the same command again; if it stays, tell the operator of the index"))
            }
            _ => Ok(Some(whole.body)),
        }
    }

    /// Some indexes have the files and do not say so. The first wheel finds out for all of an index.
    async fn unadvertised(
        &self,
        index: Option<usize>,
        wheel: &WheelName,
        url: &Url,
    ) -> Result<Option<Vec<u8>>, Problem> {
        let Some(answers) = index.and_then(|index| self.answers_beside.get(index)) else { return Ok(None) };
        let mut mine = None;
        let serves = *answers
            .get_or_try_init(|| async {
                // Some servers answer every address with a friendly page.
                let found = self.beside(url, None).await?;
                mine = found.filter(|text| understand(text, wheel).is_ok());
                Ok(mine.is_some())
            })
            .await?;
        match (serves, mine) {
            (false, _) => Ok(None),
            (true, Some(text)) => Ok(Some(text)),
            (true, None) => {
                let found = self.beside(url, None).await?;
                Ok(found.filter(|text| understand(text, wheel).is_ok()))
            }
        }
    }

    /// The end of the wheel by range requests; `None` where the server or the wheel does not allow it.
    async fn by_range(&self, wheel: &WheelName, url: &Url) -> Result<Option<Vec<u8>>, Problem> {
        let Some((part, size)) = self.part(url, &format!("bytes=-{}", tail::FIRST)).await? else {
            return Ok(None);
        };
        let mut parts = vec![part];
        while parts.len() <= PARTS {
            match tail::step(&parts, size, wheel) {
                Ok(Step::Found(text)) => return Ok(Some(text)),
                Ok(Step::Need(range)) if range.is_empty() || range.end > size => return Ok(None),
                Ok(Step::Need(range)) => {
                    let asked = format!("bytes={}-{}", range.start, range.end - 1);
                    match self.part(url, &asked).await? {
                        Some((part, same)) if same == size && part.start == range.start => parts.push(part),
                        _ => return Ok(None),
                    }
                }
                Err(TailError(_)) => return Ok(None),
            }
        }
        Ok(None)
    }

    /// One part of a file, and the size of all of it.
    async fn part(&self, url: &Url, range: &str) -> Result<Option<(Part<'static>, u64)>, Problem> {
        let mut ask = Ask::new(url.clone(), Kind::Part);
        let Ok(value) = HeaderValue::from_str(range) else { return Ok(None) };
        ask.headers.insert(header::RANGE, value);
        let whole = match self.engine.http.whole(&ask).await {
            Ok(whole) => whole,
            // The server sends all of a wheel that is larger than any part.
            Err(problem) if problem.code() == Code::IndexPageTooLarge => return Ok(None),
            Err(problem) => return Err(problem),
        };
        let length = whole.body.len() as u64;
        match whole.status.as_u16() {
            200 => Ok(Some((Part { start: 0, bytes: Cow::Owned(whole.body) }, length))),
            206 => Ok(content_range(&whole.headers)
                .filter(|(start, end, _)| end - start == length)
                .map(|(start, _, size)| (Part { start, bytes: Cow::Owned(whole.body) }, size))),
            404 | 410 | 401 | 403 => Err(status_problem(whole.status, &whole.url)),
            _ => Ok(None),
        }
    }

    /// The whole wheel. Its hash is compared where the index gives one.
    async fn by_download(&self, offered: &Offered, wheel: &WheelName, url: &Url) -> Result<Vec<u8>, Problem> {
        let size = offered.file.size;
        let download = Download { http: &self.engine.http, url, size, hashes: None, directory: None };
        let unverified = download.run(&|_, _| {}).await?;
        let found = unverified.computed.sha256();
        if let Some(expected) = offered.file.sha256.filter(|expected| *expected != found) {
            return Err(Problem::new(
                Code::HashMismatch,
                "the wheel is not the one that the index page names",
            )
            .expected(format!("sha256 {expected}"))
            .found(format!("sha256 {found}"))
            .help("tell the operator of the index, or use another"));
        }
        let bytes = unverified.bytes.as_slice();
        let parts = [Part { start: 0, bytes: Cow::Borrowed(bytes) }];
        match tail::step(&parts, bytes.len() as u64, wheel) {
            Ok(Step::Found(text)) => Ok(text),
            Ok(Step::Need(_)) => Err(unavailable("its archive names bytes that it does not have")),
            Err(TailError(why)) => Err(unavailable(why)),
        }
    }

    fn kept(&self, key: Option<&str>, advertised: Advertised) -> Option<Text> {
        let path = self.metadata_directory.as_ref()?.join(key?);
        let file = crate::cache::open_regular(&path, false).ok()?;
        let most = self.engine.http.cap(Kind::Metadata).bytes + NOTED;
        let size = file.metadata().ok()?.len().min(most);
        // Room for one byte more, so that the end is seen without more room.
        let mut bytes = Vec::with_capacity(usize::try_from(size).ok()?.checked_add(1)?);
        file.take(most).read_to_end(&mut bytes).ok()?;
        let mut noted = Bytes::from(bytes);
        let bytes = noted.split_off(noted.len().min(usize::try_from(NOTED).ok()?));
        let noted = std::str::from_utf8(noted.strip_suffix(b"\n")?).ok().and_then(Sha256::from_hex)?;
        let sha256 = Sha256::of(&bytes);
        let fits = !matches!(advertised, Advertised::Sha256(expected) if expected != sha256);
        (noted == sha256 && fits).then_some(Text { bytes, sha256 })
    }

    fn keep(&self, key: Option<&str>, text: &Text) {
        let (Some(directory), Some(key)) = (&self.metadata_directory, key) else { return };
        crate::cache::later(directory.join(key), format!("{}\n", text.sha256), text.bytes.clone());
    }
}

/// What an entry is called. METADATA follows from the wheel's bytes, but only its own index may
/// speak for them: an index that lies about a hash must not answer for another's file.
fn cache_key(file: &PageFile, url: &Url) -> Option<String> {
    let key = match (file.metadata, file.sha256) {
        (Advertised::Sha256(metadata), _) => format!("metadata {metadata}"),
        (_, Some(wheel)) => format!("wheel {wheel} {url}"),
        _ => return None,
    };
    Some(format!("{}.metadata", Sha256::of(key.as_bytes())))
}

fn from_path(path: &Path, wheel: &WheelName) -> Result<Vec<u8>, Problem> {
    let unreadable = |error: std::io::Error| io_problem("reading a wheel", path, &error);
    let mut file = crate::cache::open_regular(path, true).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    read_metadata(wheel, size, &mut |range| {
        let mut bytes = Vec::new();
        let length = range.end.saturating_sub(range.start).min(PART_CAP);
        file.seek(SeekFrom::Start(range.start))
            .and_then(|_| file.by_ref().take(length).read_to_end(&mut bytes))
            .map_err(unreadable)?;
        Ok(bytes)
    })
}

fn understand(text: &[u8], wheel: &WheelName) -> Result<Dependencies, Problem> {
    let metadata = Metadata::parse_one_of_many(text)?;
    if metadata.name != *wheel.name() || metadata.version != *wheel.version() {
        return Err(Problem::new(Code::MetadataMismatch, "the metadata is of another project or version")
            .expected(format!("{} {}", wheel.name(), wheel.version()))
            .found(format!("{} {}", metadata.name, metadata.version)));
    }
    Ok(Dependencies {
        requires: metadata.requires,
        extras: metadata.extras,
        requires_python: metadata.requires_python,
        malformed: None,
    })
}
