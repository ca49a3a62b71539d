//! Advisories over the network: the JSON of releases, the OSV service, and exports of databases.
//!
//! Owns: what is asked, and in which form. Never: judges an answer, or asks about a name that it was not given.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use pipward_resolver::{PackageName, Version};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::NetworkOptions;
use super::address::is_here;
use super::engine::Engine;
use super::http::{Ask, Credentials, Kind, Whole, check_scheme, place, status_problem};
use crate::error::{Code, Problem};

/// "querybatch … up to 1000 queries".
const BATCH: usize = 1000;
/// How many pages of one answer are asked for.
const PAGES: usize = 100;

/// An export of a database.
pub struct Export {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// When the server says it was made.
    pub modified: Option<Timestamp>,
}

/// An answer, and where it came from.
pub struct Reply {
    /// The address that was asked.
    pub url: Url,
    /// Its text.
    pub body: Vec<u8>,
}

/// What can be asked over the network.
pub struct Advisories {
    engine: Engine,
}

#[derive(Deserialize)]
struct Batch {
    results: Vec<BatchResult>,
}

#[derive(Deserialize)]
struct BatchResult {
    vulns: Option<Vec<Short>>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Short {
    id: String,
}

impl Advisories {
    /// A client.
    ///
    /// # Errors
    /// `internal`, and those of netrc.
    pub fn new(network: NetworkOptions) -> Result<Self, Problem> {
        Ok(Self { engine: Engine::new(network, Credentials::from_netrc())? })
    }

    /// An export of a database, by https or from this machine: whoever could change it on the way could hide records.
    ///
    /// # Errors
    /// `address-refused`, and those of the network.
    pub fn export(&self, url: &Url) -> Result<Export, Problem> {
        check_scheme(url, Code::AddressRefused)?;
        check_private(url)?;
        let whole = self.engine.wait(self.engine.http.whole(&Ask::new(url.clone(), Kind::Wheel)))?;
        let whole = success(whole)?;
        let modified =
            whole.headers.get(reqwest::header::LAST_MODIFIED).and_then(|value| value.to_str().ok());
        let modified = modified.and_then(|text| jiff::fmt::rfc2822::parse(text).ok());
        Ok(Export { bytes: whole.body, modified: modified.map(|time| time.timestamp()) })
    }

    /// What the JSON of releases says, in the order of `releases`; `None` for one that the index does not know.
    ///
    /// # Errors
    /// Those of the network.
    pub fn releases(
        &self,
        index: &Url,
        releases: &[(PackageName, Version)],
    ) -> Result<Vec<Option<Reply>>, Problem> {
        check_private(index)?;
        let http = &self.engine.http;
        let asks = releases.iter().map(|(name, version)| async move {
            // A local version is a build of the public one, and most indexes have that alone.
            let public = version.is_local().then(|| version.clone().without_local());
            for version in std::iter::once(version).chain(&public) {
                let url = release(index, name, version)?;
                let whole = http.whole(&Ask::new(url.clone(), Kind::Page)).await?;
                if whole.status.as_u16() != 404 {
                    return Ok(Some(Reply { url, body: success(whole)?.body }));
                }
            }
            Ok(None)
        });
        self.engine.wait(futures_util::stream::iter(asks).buffered(http.concurrency()).try_collect())
    }

    /// The ids of the vulnerabilities of releases, as the OSV service matches them, in the order of `releases`.
    ///
    /// # Errors
    /// Those of the network, and `advisory-invalid` for an answer that is not one.
    pub fn osv_ids(
        &self,
        service: &Url,
        releases: &[(PackageName, Version)],
    ) -> Result<Vec<BTreeSet<String>>, Problem> {
        check_private(service)?;
        let url = below(service, "v1/querybatch")?;
        let mut found = vec![BTreeSet::new(); releases.len()];
        let mut open: Vec<(usize, Option<String>)> = (0..releases.len()).map(|at| (at, None)).collect();
        for _ in 0..PAGES {
            let mut next = Vec::new();
            for part in open.chunks(BATCH) {
                let results = self.batch(&url, releases, part)?;
                for ((at, _), result) in part.iter().zip(results) {
                    let ids = result.vulns.into_iter().flatten().map(|vulnerability| vulnerability.id);
                    if let Some(slot) = found.get_mut(*at) {
                        slot.extend(ids);
                    }
                    let more = result.next_page_token.filter(|token| !token.is_empty());
                    next.extend(more.map(|token| (*at, Some(token))));
                }
            }
            if next.is_empty() {
                return Ok(found);
            }
            open = next;
        }
        Err(unreadable(&url, &"its answer has no end"))
    }

    fn batch(
        &self,
        url: &Url,
        releases: &[(PackageName, Version)],
        part: &[(usize, Option<String>)],
    ) -> Result<Vec<BatchResult>, Problem> {
        let queries: Vec<Value> = part
            .iter()
            .filter_map(|(at, token)| {
                let (name, version) = releases.get(*at)?;
                let mut query = json!({
                    "package": { "name": name.to_string(), "ecosystem": "PyPI" },
                    "version": version.to_string(),
                });
                if let (Some(token), Some(query)) = (token, query.as_object_mut()) {
                    query.insert("page_token".to_owned(), token.clone().into());
                }
                Some(query)
            })
            .collect();
        let mut ask = Ask::new(url.clone(), Kind::Page);
        ask.body = Some(json!({ "queries": queries }).to_string().into_bytes());
        let whole = success(self.engine.wait(self.engine.http.whole(&ask))?)?;
        let batch: Batch = serde_json::from_slice(&whole.body).map_err(|error| unreadable(url, &error))?;
        if batch.results.len() == part.len() {
            return Ok(batch.results);
        }
        Err(unreadable(url, &"it does not answer each question"))
    }

    /// Records of the OSV service by their ids, in their order; `None` for one that it does not have.
    ///
    /// # Errors
    /// Those of the network.
    pub fn osv_records(&self, service: &Url, ids: &BTreeSet<String>) -> Result<Vec<Option<Reply>>, Problem> {
        let http = &self.engine.http;
        let asks = ids.iter().map(|id| async move {
            let mut url = below(service, "v1/vulns")?;
            if let Ok(mut path) = url.path_segments_mut() {
                path.push(id);
            }
            let whole = http.whole(&Ask::new(url.clone(), Kind::Page)).await?;
            if whole.status.as_u16() == 404 {
                return Ok(None);
            }
            Ok(Some(Reply { url, body: success(whole)?.body }))
        });
        self.engine.wait(futures_util::stream::iter(asks).buffered(http.concurrency()).try_collect())
    }
}

/// Answers decide whether an audit ends as clean: nobody on the way may change them.
fn check_private(url: &Url) -> Result<(), Problem> {
    if url.scheme() == "https" || is_here(url) {
        return Ok(());
    }
    Err(Problem::new(
        Code::AddressRefused,
        "advisories are not read over a connection that others can change",
    )
    .at(place(url))
    .expected("https"))
}

/// `https://pypi.org/simple/` has its JSON at `https://pypi.org/pypi/NAME/VERSION/json`.
fn release(index: &Url, name: &PackageName, version: &Version) -> Result<Url, Problem> {
    let mut url = index.clone();
    url.set_query(None);
    url.set_fragment(None);
    let base = index.path().trim_end_matches('/').strip_suffix("simple").map(str::to_owned);
    let base = base.ok_or_else(|| {
        Problem::new(Code::Usage, "this index has no JSON of releases beside its simple pages")
            .at(place(index))
            .expected("an index such as https://pypi.org/simple/")
            .help("name an advisory database with --db")
    })?;
    url.set_path(&base);
    let path = format!("pypi/{name}/");
    let mut url = url.join(&path).map_err(|error| unreadable(index, &error))?;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(&version.to_string()).push("json");
    }
    Ok(url)
}

fn below(service: &Url, path: &str) -> Result<Url, Problem> {
    let mut base = service.clone();
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", service.path()));
    }
    base.join(path).map_err(|error| unreadable(service, &error))
}

fn success(whole: Whole) -> Result<Whole, Problem> {
    if whole.status.is_success() {
        return Ok(whole);
    }
    Err(status_problem(whole.status, &whole.url)
        .help("look at the address and try again, or name an advisory database with --db"))
}

fn unreadable(url: &Url, cause: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::AdvisoryInvalid, "this is not an answer of an OSV service")
        .at(place(url))
        .cause(cause)
        .help("look at the address of the service (osv-url), or name a database with --db")
}
