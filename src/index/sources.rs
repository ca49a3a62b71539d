//! Asking the sources: pages of indexes, find-links, and which of them a locked file comes from.

use std::sync::{Arc, PoisonError};

use pipward_resolver::{PackageName, Version, VersionSpecifiers};
use reqwest::header;
use url::Url;

use super::engine::blocking;
use super::findlinks::{self, Link, Links};
use super::http::{Credentials, Whole, check_scheme, status_problem};
use super::packed::{self, Page, PageBuilder};
use super::page::{Address, PageFile, invalid};
use super::pages::Got;
use super::project::{Project, merge};
use super::reading::PageForm;
use super::registry::{Known, Registry, settled};
use super::{Freshness, Index, Inner, Sources};
use crate::cache::open_regular;
use crate::digest::{Hasher, Sha256};
use crate::error::{Code, Place, Problem, io as io_problem};
use crate::lock::Location;

/// JSON first (PEP 691, "Version + Format Selection").
const ACCEPT: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";

/// Hosts that answer 403 for a project that they do not have. They are static file stores that let
/// nobody list them; elsewhere a 403 stops the run, since the project may be there.
const FORBIDDEN_MEANS_MISSING: [&str; 1] = ["download.pytorch.org"];

/// Sources with their credentials taken out.
pub(super) struct Understood {
    pub(super) registry: Registry,
    pub(super) find_links: Vec<Link>,
    pub(super) credentials: Credentials,
}

impl Understood {
    pub(super) fn read(sources: Sources) -> Result<Self, Problem> {
        let mut credentials = Credentials::from_netrc();
        let mut indexes: Vec<Known> = Vec::new();
        let mut mirrors = Vec::new();
        for mut source in sources.indexes {
            let url = taken(&mut credentials, source.url)?;
            let mirror = source.mirror.take().map(|url| taken(&mut credentials, url)).transpose()?;
            let mine = |known: &Known| known.url == url && known.source.packages.is_empty();
            if source.packages.is_empty() && indexes.iter().any(mine) {
                continue;
            }
            mirrors.extend(mirror.map(|url| (indexes.len(), url)));
            source.url = url.clone();
            indexes.push(Known { url, source, mirror: None, is_mirror: false });
        }
        for (of, url) in mirrors {
            let at = indexes.len();
            if let Some(known) = indexes.get_mut(of) {
                known.mirror = Some(at);
            }
            indexes.push(Known { source: url.clone().into(), url, mirror: None, is_mirror: true });
        }
        let mut find_links = Vec::new();
        for text in &sources.find_links {
            find_links.push(match Link::parse(text)? {
                Link::Web(url) => Link::Web(credentials.take(url)),
                path => path,
            });
        }
        let registry = Registry { indexes, file_hosts: sources.file_hosts, instead: sources.instead };
        Ok(Self { registry, find_links, credentials })
    }
}

/// An index address without its credentials, which are kept.
fn taken(credentials: &mut Credentials, url: Url) -> Result<Url, Problem> {
    let url = settled(&credentials.take(url));
    if url.scheme() != "file" {
        check_scheme(&url, Code::AddressRefused)?;
    }
    Ok(url)
}

impl Index {
    /// For which Pythons the index says that the source distributions of a release are, those that are not yanked.
    pub fn pythons_of_sources(
        &self,
        name: &PackageName,
        version: &Version,
    ) -> Vec<Option<VersionSpecifiers>> {
        let Ok(project) = self.wait(|inner| async move { inner.project(name).await }) else {
            return Vec::new();
        };
        let files = project.files.of(version).into_iter().map(|offered| offered.file);
        let sources = files.filter(|file| file.wheel().is_none() && file.yanked.is_none());
        sources.map(|file| file.requires_python.clone()).collect()
    }
}

impl Index {
    /// Whether all that was kept of pages could be read while it was used.
    ///
    /// # Errors
    /// `file-access`.
    pub fn check_kept(&self) -> Result<(), Problem> {
        self.inner.check_kept()
    }
}

impl Inner {
    /// All that is known of a name, for the resolver.
    pub(super) async fn project(&self, name: &PackageName) -> Result<Arc<Project>, Problem> {
        let cell = self.projects.cell(name.clone());
        // In a place of its own: most who ask find the answer there, and would carry all this along.
        let gather = || {
            Box::pin(async {
                let pages = self.all_pages(name, Freshness::Cached).await?;
                let links = self.links_of(name).await?;
                let mut hashed = Vec::new();
                for (at, link) in links.iter().enumerate() {
                    let elsewhere = |file: &Arc<PageFile>| file.name.as_str() == link.name.as_str();
                    let twice = links.iter().enumerate().any(|(other, file)| other != at && elsewhere(file))
                        || pages.iter().flatten().any(|page| page.find(link.name.as_str()).is_some());
                    let sha256 = match &link.address {
                        // A file that stands in two places is one file only if its content is the same.
                        Address::Path(path) if twice => {
                            Some(self.hash(&Location::Path(path.clone())).await?.0)
                        }
                        _ => None,
                    };
                    hashed.push((Arc::clone(link), sha256));
                }
                let project = merge(name, &self.registry, &pages, &hashed, &self.waiting)?;
                for index in project.undated.iter().filter_map(|at| self.registry.url(*at)) {
                    self.note(if self.waiting.explicit {
                    format!(
                        "{index} gives no upload times, so with a cutoff none of its undated files is taken"
                    )
                } else {
                    format!("{index} gives no upload times, so the cutoff does not hold for its files")
                });
                }
                Ok(Arc::new(project))
            })
        };
        cell.get_or_init(gather).await.clone()
    }

    /// What each index says of a name, by position: nothing, where it is not asked.
    async fn all_pages(&self, name: &PackageName, age: Freshness) -> Result<Vec<Option<Arc<Page>>>, Problem> {
        self.pages_of(&self.registry.asked(name), name, age).await
    }

    pub(super) async fn pages_of(
        &self,
        asked: &[usize],
        name: &PackageName,
        age: Freshness,
    ) -> Result<Vec<Option<Arc<Page>>>, Problem> {
        let each = (0..self.registry.indexes.len()).map(|index| async move {
            if asked.contains(&index) { self.page(index, name, age).await } else { Ok(None) }
        });
        futures_util::future::try_join_all(each).await
    }

    /// The same, with what kept the first of them from answering.
    pub(super) async fn pages_there(
        &self,
        asked: &[usize],
        name: &PackageName,
        age: Freshness,
    ) -> (Vec<Option<Arc<Page>>>, Option<Problem>) {
        let each = (0..self.registry.indexes.len()).map(|index| async move {
            if asked.contains(&index) { self.page(index, name, age).await } else { Ok(None) }
        });
        let mut failed = None;
        let pages = futures_util::future::join_all(each).await.into_iter();
        let pages = pages.map(|page| {
            page.unwrap_or_else(|problem| {
                failed.get_or_insert(problem);
                None
            })
        });
        (pages.collect(), failed)
    }

    pub(super) async fn links_of(&self, name: &PackageName) -> Result<Vec<Arc<PageFile>>, Problem> {
        let links = self.all_links().await?;
        let mut found = links.get(name).cloned().unwrap_or_default();
        if self.registry.pinned(name).is_some() {
            // A folder of the user's own may stand beside the index that has the name to itself; no server may.
            found.retain(|file| matches!(file.location(), Ok(Location::Path(_))));
        }
        Ok(found)
    }

    async fn all_links(&self) -> Result<Arc<Links>, Problem> {
        let list = async {
            let missing = |problem: Problem| {
                if !self.passes_over_missing {
                    return Err(problem);
                }
                if problem.code() != Code::FileNotFound {
                    let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
                    lost.get_or_insert(problem);
                    return Ok(());
                }
                self.note(format!("a place of --find-links is passed over: {problem}"));
                Ok(())
            };
            findlinks::list(&self.find_links, &self.engine.http, &missing).await.map(Arc::new)
        };
        self.links.get_or_init(|| list).await.clone()
    }

    /// One index's page; `None` where it does not have the project.
    async fn page(
        &self,
        index: usize,
        name: &PackageName,
        age: Freshness,
    ) -> Result<Option<Arc<Page>>, Problem> {
        let cell = self.pages.cell((index, name.clone(), age));
        cell.get_or_init(|| Box::pin(self.load(index, name, age))).await.clone()
    }

    /// # Errors
    /// `file-access` where a kept page could not be read any more while it was in use: what was chosen would depend on it.
    pub(super) fn check_kept(&self) -> Result<(), Problem> {
        let is_lost = |page: &Option<Arc<Page>>| page.as_ref().is_some_and(|page| page.body().is_lost());
        if !self.pages.any(is_lost) {
            return Ok(());
        }
        Err(Problem::new(Code::FileAccess, "an index page that was kept could not be read to its end")
            .help("run the same command again; if it stays, `pipward cache purge` removes what is kept"))
    }

    async fn load(
        &self,
        index: usize,
        name: &PackageName,
        age: Freshness,
    ) -> Result<Option<Arc<Page>>, Problem> {
        let Some(base) = self.registry.url(index) else { return Ok(None) };
        let mut url = base.clone();
        url.set_path(&format!("{}{name}/", base.path()));
        if url.scheme() == "file" {
            return local(&url, name).await;
        }
        let refresh = age == Freshness::Now;
        let got =
            self.cache.get(&self.engine.http, &url, ACCEPT, refresh, packed::FORM, Page::read_of_web).await;
        let (got, slot) = match got.map_err(|problem| problem.package(name))? {
            Got::Kept(page) => return Ok(Some(Arc::new(page))),
            Got::Answer(answer) => *answer,
        };
        match got.status.as_u16() {
            200 => {
                let page = read(&got, name)?;
                self.cache.put(&slot, &got, page.body());
                Ok(Some(Arc::new(page)))
            }
            404 | 410 => Ok(None),
            403 if url.host_str().is_some_and(|host| FORBIDDEN_MEANS_MISSING.contains(&host)) => Ok(None),
            _ => Err(status_problem(got.status, &got.url).package(name)),
        }
    }
}

/// Reads an answer by the type that it declares, never by what it looks like.
fn read(whole: &Whole, name: &PackageName) -> Result<Page, Problem> {
    let declared = media_type(whole);
    match PageForm::of(&declared) {
        Some(form) => form.read(&whole.body, &whole.url, name),
        None => Err(unknown_type(whole, &declared).package(name)),
    }
}

pub(super) fn media_type(whole: &Whole) -> String {
    let value = whole.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

pub(super) fn unknown_type(whole: &Whole, found: &str) -> Problem {
    invalid(&whole.url, "its content type is not one of an index page")
        .expected("application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html or text/html")
        .found(if found.is_empty() { "none" } else { found })
}

/// The page of an index that is a directory on this machine.
async fn local(url: &Url, name: &PackageName) -> Result<Option<Arc<Page>>, Problem> {
    let path = url.to_file_path().map_err(|()| {
        Problem::new(Code::AddressRefused, "the index's address does not lead to this machine")
            .at(super::http::place(url))
    })?;
    let path = path.join("index.html");
    let (name, url) = (name.clone(), url.clone());
    blocking(move || {
        if !path.exists() {
            return Ok(None);
        }
        let base = Url::from_directory_path(&path).unwrap_or(url);
        let mut page = PageBuilder::new(&base);
        for file in findlinks::page(&path)?.iter().filter(|file| *file.name.project() == name) {
            let python = file.requires_python.as_ref().map(ToString::to_string);
            page.add(file, python.as_deref());
        }
        page.finish().map(|page| Some(Arc::new(page)))
    })
    .await
}

/// The SHA-256 and size of a file on this machine.
pub(super) fn hash_path(path: &std::path::Path) -> Result<(Sha256, u64), Problem> {
    computed(path, Hasher::sha256()).map(|(computed, size)| (computed.sha256(), size))
}

pub(super) fn computed(
    path: &std::path::Path,
    mut hasher: Hasher,
) -> Result<(crate::digest::Computed, u64), Problem> {
    let unreadable =
        |error: std::io::Error| io_problem("hashing a wheel", path, &error).at(Place::file(path));
    let mut file = open_regular(path, true).map_err(unreadable)?;
    let mut buffer = vec![0; 256 << 10];
    let mut size = 0_u64;
    loop {
        let count = std::io::Read::read(&mut file, &mut buffer).map_err(unreadable)?;
        if count == 0 {
            return Ok((hasher.finish(), size));
        }
        size = size.saturating_add(count as u64);
        hasher.update(buffer.get(..count).unwrap_or_default());
    }
}
