//! Index pages kept on disk, as long as RFC 9111 allows.
//!
//! Owns: `<cache>/index/`. A damaged entry is no entry.
//! Never: keeps a credential, or decides over the bytes of an artifact.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_cache_semantics::{BeforeRequest, CacheOptions, CachePolicy};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use url::Url;

use super::http::{Ask, Authorization, Http, Kind, Whole};
use crate::cache::{Body, read_body};
use crate::digest::Sha256;
use crate::error::Problem;

/// How long a page is fresh that says nothing about it. PyPI's own pages say `max-age=600`; an
/// index, or a mirror of PyPI, that leaves the header out is taken at the same word. RFC 9111,
/// section 4.2.2 allows a heuristic where nothing explicit is said. Pages carry no bytes that
/// are installed, so a stale one can hide a new release for a while, and no more.
const SILENT: &str = "max-age=600";

/// The headers that are kept: those that say how long a page may be, and what it is.
const KEPT: [HeaderName; 8] = [
    header::CACHE_CONTROL,
    header::ETAG,
    header::LAST_MODIFIED,
    header::EXPIRES,
    header::DATE,
    header::AGE,
    header::VARY,
    header::CONTENT_TYPE,
];

/// The cache of index pages; without a directory it keeps nothing.
#[derive(Debug)]
pub(crate) struct PageCache {
    directory: Option<PathBuf>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    stored: u64,
    url: String,
    headers: Vec<(String, String)>,
    /// Of what follows. It tells chance, not malice: who can write here can write anything.
    crc32: u32,
}

struct Entry {
    stored: SystemTime,
    /// Without its body.
    whole: Whole,
    body: Body,
}

/// What a cache answers.
pub(crate) enum Got<T> {
    /// What it kept, which is fresh, or as good as fresh.
    Kept(T),
    /// What the server said just now, and where it may be kept.
    Answer(Box<(Whole, Slot)>),
}

/// A place in the cache.
pub(crate) struct Slot {
    key: String,
    form: u32,
    ask: Ask,
}

impl PageCache {
    pub(crate) fn new(cache: Option<&Path>) -> Self {
        Self { directory: cache.map(|cache| cache.join("index")) }
    }

    /// The page, from the cache where it is fresh (`refresh`: or was asked for again now) and `open` takes what was kept in
    /// this `form`, else from the server, to be kept by [`Self::put`].
    ///
    /// # Errors
    /// As [`Http::whole`].
    pub(crate) async fn get<T>(
        &self,
        http: &Http,
        url: &Url,
        accept: &'static str,
        refresh: bool,
        form: u32,
        open: impl FnOnce(Body) -> Option<T>,
    ) -> Result<Got<T>, Problem> {
        let mut ask = Ask::new(url.clone(), Kind::Page);
        ask.headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        let key = key(url, accept, http.authorization(url).as_ref());
        let entry = self.read(&key, form, http.cap(Kind::Page).bytes);
        let entry = entry.and_then(|entry| Some((open(entry.body.clone())?, entry)));
        let slot = |ask| Slot { key, form, ask };
        let now = SystemTime::now();
        if let Some((found, entry)) = entry {
            if http.offline() {
                // Stale is better than nothing where nothing else can be had.
                return Ok(Got::Kept(found));
            }
            let mut request = request(&ask);
            if refresh {
                request.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            }
            match policy(&ask, &entry.whole, entry.stored).before_request(&request, now) {
                BeforeRequest::Fresh(_) => return Ok(Got::Kept(found)),
                BeforeRequest::Stale { request, .. } => {
                    for name in [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::CACHE_CONTROL] {
                        if let Some(value) = request.headers.get(&name) {
                            ask.headers.insert(name, value.clone());
                        }
                    }
                    let answer = Box::pin(http.whole(&ask)).await?;
                    if answer.status == reqwest::StatusCode::NOT_MODIFIED {
                        let whole = renewed(entry.whole, &answer.headers);
                        self.put(&slot(ask), &whole, &entry.body);
                        return Ok(Got::Kept(found));
                    }
                    return Ok(Got::Answer(Box::new((answer, slot(ask)))));
                }
            }
        }
        let whole = Box::pin(http.whole(&ask)).await?;
        Ok(Got::Answer(Box::new((whole, slot(ask)))))
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        Some(self.directory.as_ref()?.join(format!("{key}.page")))
    }

    fn read(&self, key: &str, form: u32, cap: u64) -> Option<Entry> {
        let (head, body) = read_body(&self.path(key)?, cap + (1 << 20), |line| {
            let head: Head = serde_json::from_slice(line).ok()?;
            let crc32 = head.crc32;
            (head.format == form).then_some((head, crc32))
        })?;
        let mut headers = HeaderMap::new();
        for (name, value) in &head.headers {
            headers.append(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
        }
        let url = Url::parse(&head.url).ok()?;
        Some(Entry {
            stored: UNIX_EPOCH.checked_add(Duration::from_secs(head.stored))?,
            whole: Whole { status: reqwest::StatusCode::OK, url, headers, body: Vec::new() },
            body,
        })
    }

    /// Keeps what was made of an answer if that may be kept. A cache that cannot be written is not an error of the run.
    pub(crate) fn put(&self, slot: &Slot, whole: &Whole, body: &Body) {
        let (Some(path), 200) = (self.path(&slot.key), whole.status.as_u16()) else { return };
        let now = SystemTime::now();
        if !policy(&slot.ask, whole, now).is_storable() {
            return;
        }
        let Some(body) = body.whole() else { return };
        let headers = whole.headers.iter().filter(|(name, _)| KEPT.contains(name));
        let head = Head {
            format: slot.form,
            stored: now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            url: whole.url.to_string(),
            headers: headers
                .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
                .collect(),
            crc32: crc32fast::hash(&body),
        };
        let Ok(mut first) = serde_json::to_vec(&head) else { return };
        first.push(b'\n');
        crate::cache::later(path, first, body);
    }
}

/// What an entry is called: a hash of what was asked for and by whom, without any password.
fn key(url: &Url, accept: &str, authorization: Option<&Authorization>) -> String {
    let who = authorization.map_or_else(String::new, |who| Sha256::of(who.user.as_bytes()).to_string());
    let mut url = url.clone();
    super::http::strip(&mut url);
    Sha256::of(format!("{url}\n{accept}\n{who}").as_bytes()).to_string()
}

fn request(ask: &Ask) -> http::Request<()> {
    let mut request = http::Request::new(());
    // The key has told addresses apart already; `Uri` cannot hold each of them.
    *request.headers_mut() = ask.headers.clone();
    request.headers_mut().remove(header::CACHE_CONTROL);
    request
}

fn policy(ask: &Ask, whole: &Whole, stored: SystemTime) -> CachePolicy {
    let mut response = http::Response::new(());
    *response.status_mut() = whole.status;
    *response.headers_mut() = whole.headers.clone();
    let headers = response.headers_mut();
    // What Vary may name is the same in each request of ours, but for credentials, which are in the key.
    if headers.get(header::VARY).is_some_and(|vary| vary.as_bytes() != b"*") {
        headers.remove(header::VARY);
    }
    let says = [header::CACHE_CONTROL, header::EXPIRES, header::ETAG, header::LAST_MODIFIED, header::PRAGMA];
    if !says.iter().any(|name| headers.contains_key(name)) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(SILENT));
    }
    let options = CacheOptions { shared: false, ..CacheOptions::default() };
    CachePolicy::new_options(&request(ask), &response, stored, options)
}

/// RFC 9111, section 3.2: the headers of a 304 replace those that were kept.
fn renewed(mut whole: Whole, headers: &HeaderMap) -> Whole {
    for name in KEPT.iter().filter(|name| **name != header::CONTENT_TYPE) {
        if let Some(value) = headers.get(name) {
            whole.headers.insert(name.clone(), value.clone());
        }
    }
    whole.headers.remove(header::AGE);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use reqwest::StatusCode;

    fn whole(headers: &[(&str, &str)]) -> Whole {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap())
        });
        Whole {
            status: StatusCode::OK,
            url: Url::parse("https://h/simple/x/").unwrap(),
            headers: headers.collect(),
            body: b"page".to_vec(),
        }
    }

    fn ask() -> Ask {
        Ask::new(Url::parse("https://h/simple/x/").unwrap(), Kind::Page)
    }

    /// For how many seconds a page with these headers is fresh.
    fn fresh(headers: &[(&str, &str)]) -> u64 {
        policy(&ask(), &whole(headers), SystemTime::now()).time_to_live(SystemTime::now()).as_secs()
    }

    #[test]
    fn freshness_follows_the_headers() {
        assert!((598..=600).contains(&fresh(&[])));
        assert!((58..=60).contains(&fresh(&[("cache-control", "max-age=60")])));
        assert!(
            (58..=60)
                .contains(&fresh(&[("cache-control", "private, max-age=60"), ("vary", "Accept, Cookie")]))
        );
        assert_eq!(fresh(&[("etag", "\"a\"")]), 0);
        assert_eq!(fresh(&[("cache-control", "no-cache")]), 0);
        let storable = |headers: &[_]| policy(&ask(), &whole(headers), SystemTime::now()).is_storable();
        assert!(storable(&[]));
        assert!(storable(&[("etag", "\"a\"")]));
        assert!(!storable(&[("cache-control", "no-store")]));
    }

    #[test]
    fn an_entry_comes_back_as_it_was_and_damage_is_a_miss() {
        let directory = tempfile::tempdir().unwrap();
        let cache = PageCache::new(Some(directory.path()));
        let slot = Slot { key: "k".to_owned(), form: 7, ask: ask() };
        let body = Body::Here(Bytes::from_static(b"page"));
        cache.put(&slot, &whole(&[("etag", "\"a\""), ("set-cookie", "secret")]), &body);
        crate::cache::keep();
        let entry = cache.read("k", 7, 1 << 20).unwrap();
        assert_eq!(entry.body.whole().unwrap(), b"page"[..]);
        assert_eq!(entry.whole.headers.len(), 1, "cookies are not kept");
        assert!(cache.read("k", 6, 1 << 20).is_none(), "another form is another entry");
        let path = cache.path("k").unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            let same =
                cache.read("k", 7, 1 << 20).is_none_or(|entry| entry.body.whole().unwrap() == b"page"[..]);
            assert!(same, "byte {at}");
        }
        std::fs::write(&path, b"").unwrap();
        assert!(cache.read("k", 7, 1 << 20).is_none());
    }

    #[test]
    fn the_key_knows_the_user_and_not_the_password() {
        let url = Url::parse("https://h/").unwrap();
        let who = |user: &str, password: &str| Authorization::basic(user, password).unwrap();
        assert_eq!(key(&url, "a", Some(&who("al", "x"))), key(&url, "a", Some(&who("al", "y"))));
        assert_ne!(key(&url, "a", Some(&who("al", "x"))), key(&url, "a", Some(&who("bo", "x"))));
        assert_ne!(key(&url, "a", None), key(&url, "a", Some(&who("", "x"))));
        assert_ne!(key(&url, "a", None), key(&url, "b", None));
    }
}
