//! Facts for the resolver, files for a resolution.
//!
//! Owns: which index answers for which name. Never: parses an artifact for installing.

mod address;
mod advisories;
pub(crate) mod engine;
mod findlinks;
mod html;
pub(crate) mod http;
mod json;
mod locate;
mod locked;
mod memo;
mod metadata;
mod options;
mod packed;
mod page;
mod pages;
mod project;
mod provenance;
mod reading;
mod registry;
mod sources;
mod tail;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use jiff::{SignedDuration, Timestamp};
use pipward_resolver::{
    Candidates, Dependencies, Facts, FactsError, PackageName, Target, Version, VersionSpecifiers, WheelName,
};
use tokio::sync::OnceCell;
use url::Url;

use crate::cache::Store;
use crate::digest::Sha256;
use crate::error::{Code, Problem};
use crate::fetch::{Download, Fetcher, computed_note};
use crate::lock::{Location, Lock, LockedFile, LockedPackage, LockedSource};
pub use address::read_address;
pub use advisories::{Advisories, Export, Reply};
use engine::{Engine, blocking};
use findlinks::{Link, Links};
use http::Whole;
pub(crate) use http::{CERTIFICATES, look_for};
pub use locate::{LOOKED_AT, UNUSABLE};
use memo::Memo;
use metadata::Learned;
pub use metadata::Sought;
pub use options::{Bodies, KeyringProvider, NetworkOptions, Sources, without_password};
use packed::Page;
pub use page::{Marks, Namespace, Status};
use pages::PageCache;
use project::Project;
pub(crate) use project::too_new;
pub use provenance::{Earlier, Vouched};
pub use reading::{PageForm, read_metadata, read_page};
use registry::Registry;
pub use registry::{FileHost, IndexSource, Instead, NamePattern, PYPI};
pub use waiting::{Ages, Waiting, hours};

/// One file that an index offers, with what a lock wants to know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// Its name.
    pub name: WheelName,
    /// Where it can be had; without credentials.
    pub location: Location,
    /// The index that names it; without credentials. `None` for find-links.
    pub index: Option<Url>,
    /// Its SHA-256, where the index gives one.
    pub sha256: Option<Sha256>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// When it was uploaded.
    pub upload_time: Option<Timestamp>,
    /// The reason for which it was yanked; empty when none was given.
    pub yanked: Option<String>,
    /// For which Pythons the index, else METADATA that was asked for, says that it is.
    pub requires_python: Option<VersionSpecifiers>,
}

/// The live source of facts.
pub struct Index {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("registry", &self.inner.registry).finish_non_exhaustive()
    }
}

/// What background tasks share.
pub(crate) struct Inner {
    engine: Arc<Engine>,
    cache: PageCache,
    metadata_directory: Option<PathBuf>,
    registry: Registry,
    find_links: Vec<Link>,
    waiting: Waiting,
    /// Whether an index has metadata beside its wheels without saying so.
    answers_beside: Vec<OnceCell<bool>>,
    links: OnceCell<Result<Arc<Links>, Problem>>,
    pages: Memo<(usize, PackageName, Freshness), Option<Arc<Page>>>,
    projects: Memo<PackageName, Arc<Project>>,
    learned: Memo<(PackageName, String), Arc<Learned>>,
    hashed: Memo<Location, (Sha256, u64)>,
    /// Whether pages of --find-links that are not there are told and passed over.
    passes_over_missing: bool,
    /// The first of them that does not answer.
    lost: Mutex<Option<Problem>>,
    notes: Mutex<BTreeSet<String>>,
    /// Files that were chosen although they are yanked, with the reasons.
    yanked: Mutex<BTreeMap<String, String>>,
}

/// How old a page may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Freshness {
    /// As the cache allows.
    Cached,
    /// Asked for in this run.
    Now,
}

impl Index {
    /// Opens the indexes. Without a `cache` nothing is kept; `waiting` says which files are hidden as too new.
    ///
    /// Nothing is asked for yet.
    ///
    /// # Errors
    /// `address-refused`; `internal` where the system gives no threads.
    pub fn new(
        sources: Sources,
        network: NetworkOptions,
        cache: Option<PathBuf>,
        waiting: Waiting,
    ) -> Result<Self, Problem> {
        let sources = sources::Understood::read(sources)?;
        let engine = Engine::new(network, sources.credentials)?;
        let inner = Inner {
            engine: Arc::new(engine),
            cache: PageCache::new(cache.as_deref()),
            metadata_directory: cache.map(|cache| cache.join("metadata")),
            answers_beside: sources.registry.indexes.iter().map(|_| OnceCell::new()).collect(),
            registry: sources.registry,
            find_links: sources.find_links,
            waiting,
            links: OnceCell::new(),
            pages: Memo::default(),
            projects: Memo::default(),
            learned: Memo::default(),
            hashed: Memo::default(),
            passes_over_missing: false,
            lost: Mutex::default(),
            notes: Mutex::default(),
            yanked: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// An index for files that are locked: none of them waits.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_locked(
        sources: &Sources,
        network: &NetworkOptions,
        cache: Option<&Path>,
    ) -> Result<Self, Problem> {
        let cache = cache.map(Path::to_owned);
        let mut index = Self::new(sources.clone(), network.clone(), cache, Waiting::default())?;
        // What is locked has its hash, wherever it comes from.
        if let Some(inner) = Arc::get_mut(&mut index.inner) {
            inner.passes_over_missing = true;
        }
        Ok(index)
    }

    /// A fetcher that shares the connections and credentials of this index.
    pub fn fetcher(&self, store: Option<Store>) -> Fetcher {
        Fetcher::with_engine(Arc::clone(&self.inner.engine), store)
    }

    /// Why a file that was located was yanked, where a page says that it was (PEP 592).
    pub fn yanked(&self, file: &WheelName) -> Option<String> {
        self.inner.yanked.lock().unwrap_or_else(PoisonError::into_inner).get(file.as_str()).cloned()
    }

    /// What the index says of a wheel that the resolver chose.
    ///
    /// # Errors
    /// `file-not-found` where it names no such wheel; else as [`Facts::candidates`].
    pub fn file(&self, name: &PackageName, wheel: &WheelName) -> Result<IndexFile, Problem> {
        let project = self.wait(|inner| async move { inner.project(name).await })?;
        let offered = project.find(wheel).ok_or_else(|| {
            Problem::new(Code::FileNotFound, "no source names this wheel")
                .package(wheel)
                .help("lock again with `pipward lock`")
        })?;
        let file = &offered.file;
        let requires_python = file.requires_python.clone().or_else(|| {
            let cell = self.inner.learned.cell((name.clone(), wheel.as_str().to_owned()));
            cell.get()?.as_ref().ok()?.dependencies.requires_python.clone()
        });
        Ok(IndexFile {
            name: wheel.clone(),
            location: file.location()?,
            index: offered.index.and_then(|index| self.inner.registry.url(index)).cloned(),
            sha256: file.sha256,
            size: file.size,
            upload_time: file.upload_time,
            yanked: file.yanked.clone(),
            requires_python,
        })
    }

    /// SHA-256 of the METADATA of a wheel that was asked for by `dependencies`.
    pub fn metadata_sha256(&self, name: &PackageName, wheel: &WheelName) -> Option<Sha256> {
        let cell = self.inner.learned.cell((name.clone(), wheel.as_str().to_owned()));
        Some(cell.get()?.as_ref().ok()?.sha256)
    }

    /// Hashes a file for which no index gives a SHA-256: a local one is read, another downloaded. The
    /// latter is noted (see [`Self::notes`]). Returns digest and size in bytes.
    ///
    /// # Errors
    /// As a fetch: `download-truncated`, `file-not-found`, `index-unreachable` and their like.
    pub fn compute_sha256(&self, file: &IndexFile) -> Result<(Sha256, u64), Problem> {
        let computed = self.wait(|inner| async move { inner.hash(&file.location).await });
        let computed = computed.map_err(|problem| problem.package(&file.name))?;
        if matches!(file.location, Location::Url(_)) {
            self.inner.note(computed_note(&file.name));
        }
        Ok(computed)
    }

    /// Finds the file of a package that is locked by hash alone: the best wheel for `target` with one of the hashes.
    ///
    /// # Errors
    /// `hash-mismatch` where nothing of the release has a locked hash, `file-not-locked` where only
    /// other files of it have, `no-matching-wheel`, `file-not-found`, `project-not-found`; else as a fetch.
    pub fn locate(&self, package: &LockedPackage, target: &Target) -> Result<LockedFile, Problem> {
        self.wait(|inner| async move { inner.locate(package, target).await })
    }

    /// [`Self::locate`] for many packages at once; outcomes in their order.
    pub fn locate_all(
        &self,
        packages: &[&LockedPackage],
        target: &Target,
    ) -> Vec<Result<LockedFile, Problem>> {
        let found = self.wait(|inner| async move {
            let each = packages.iter().map(|package| inner.locate(package, target));
            Ok(futures_util::stream::iter(each).buffered(inner.engine.http.concurrency()).collect().await)
        });
        found.unwrap_or_else(|problem: Problem| packages.iter().map(|_| Err(problem.clone())).collect())
    }

    /// Where a locked file is fetched from: the first of these that is given, and no other: find-links
    /// with `--no-index`; the indexes that the user named; a mirror that the configuration names for its index; the
    /// address in the lock, if it is on a host of its index. Paths stay.
    ///
    /// # Errors
    /// `file-not-found` where the given source does not have the file, `file-host`; else as for index pages.
    pub fn resolve_source(&self, file: &LockedFile, package: &LockedPackage) -> Result<LockedFile, Problem> {
        self.wait(|inner| async move { inner.source_of(file, package).await })
    }

    /// [`Self::resolve_source`] for many files at once; outcomes in their order.
    pub fn resolve_sources(
        &self,
        files: &[(&LockedFile, &LockedPackage)],
    ) -> Vec<Result<LockedFile, Problem>> {
        let found = self.wait(|inner| async move {
            let each = files.iter().map(|(file, package)| inner.source_of(file, package));
            Ok(futures_util::stream::iter(each).buffered(inner.engine.http.concurrency()).collect().await)
        });
        found.unwrap_or_else(|problem: Problem| files.iter().map(|_| Err(problem.clone())).collect())
    }

    /// What the index that a name comes from says of the project.
    ///
    /// # Errors
    /// As [`Facts::candidates`].
    pub fn marks(&self, name: &PackageName) -> Result<Marks, Problem> {
        Ok(self.wait(|inner| async move { inner.project(name).await })?.marks.clone())
    }

    /// By how much later the files of a project may be than the cutoff, and how long they wait.
    ///
    /// # Errors
    /// As [`Facts::candidates`].
    pub fn patience(&self, name: &PackageName) -> Result<(SignedDuration, SignedDuration), Problem> {
        let project = self.wait(|inner| async move { inner.project(name).await })?;
        let (waiting, source) = (&self.inner.waiting, self.source(&project));
        Ok((waiting.allowance(name, source), waiting.ages.of(name, source)))
    }

    /// The newest release after `than` that still has to wait, and from when on it is taken.
    ///
    /// # Errors
    /// As [`Facts::candidates`].
    pub fn waiting(
        &self,
        name: &PackageName,
        than: &Version,
        now: Timestamp,
    ) -> Result<Option<(Version, Timestamp)>, Problem> {
        if self.inner.waiting.explicit {
            return Ok(None);
        }
        let project = self.wait(|inner| async move { inner.project(name).await })?;
        let age = self.inner.waiting.ages.of(name, self.source(&project));
        let is_fit = |version: &&Version| !version.any_prerelease() || than.any_prerelease();
        let first = |version: &Version| {
            let files = project.files.of(version);
            let fit = files.iter().filter(|it| it.file.yanked.is_none() && it.file.wheel().is_some());
            let (file, uploaded) =
                fit.filter_map(|it| Some((&it.file, it.file.upload_time?))).min_by_key(|it| it.1)?;
            Some((file.name.version().clone(), waiting::taken_from(uploaded, age)))
        };
        let newer = project.files.versions().rev().take_while(|version| *version > than);
        Ok(newer.filter(is_fit).find_map(first).filter(|(_, from)| *from > now))
    }

    /// What is to be said where files of a lock are on hosts from which an install would not take them.
    pub fn elsewhere(&self, lock: &Lock) -> BTreeSet<String> {
        let registry = &self.inner.registry;
        let mut said = BTreeSet::new();
        for package in &lock.packages {
            let at = package.index.as_ref().and_then(|index| registry.position(index));
            let (Some(at), LockedSource::Wheels(files)) = (at, &package.source) else { continue };
            for file in files {
                if let Location::Url(url) = &file.location {
                    said.extend(registry.elsewhere(at, url));
                }
            }
        }
        said
    }

    /// How long the files of a locked package wait.
    pub fn age_of(&self, package: &LockedPackage, ages: &Ages) -> SignedDuration {
        let registry = &self.inner.registry;
        let at = package.index.as_ref().and_then(|index| registry.position(index));
        let known = at.and_then(|at| registry.indexes.get(at));
        ages.of(&package.name, known.map(|known| &known.source))
    }

    /// The addresses of a locked package that are on no host of its index. Nothing is asked for.
    pub fn foreign_files(&self, package: &LockedPackage) -> Vec<Problem> {
        let LockedSource::Wheels(files) = &package.source else { return Vec::new() };
        let check = |file: &LockedFile| match &file.location {
            Location::Url(url) if !self.inner.registry.stands_for_itself(package, file) => {
                let checked = self.inner.registry.check_host(&package.name, package.index.as_ref(), url);
                checked.err().map(|problem| problem.at(file.place.clone()))
            }
            Location::Url(_) | Location::Path(_) => None,
        };
        files.iter().filter_map(check).collect()
    }

    /// Whether an index of the configuration has a name to itself.
    pub fn is_pinned(&self, name: &PackageName) -> bool {
        self.inner.registry.pinned(name).is_some()
    }

    fn source(&self, project: &Project) -> Option<&IndexSource> {
        project.index.and_then(|at| self.inner.registry.indexes.get(at)).map(|known| &known.source)
    }

    /// Sentences for the user: an index without upload times, computed hashes. Each once, sorted.
    pub fn notes(&self) -> Vec<String> {
        self.inner.notes.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn wait<'a, T, F>(&'a self, work: impl FnOnce(&'a Inner) -> F) -> Result<T, Problem>
    where
        F: Future<Output = Result<T, Problem>>,
    {
        self.inner.engine.wait(work(&self.inner))
    }
}

impl Facts for Index {
    fn candidates(&self, name: &PackageName) -> Result<Arc<Candidates>, FactsError> {
        let project = self.wait(|inner| async move { inner.project(name).await });
        project
            .map(|project| Arc::clone(&project.candidates))
            .map_err(|problem| FactsError(Box::new(problem)))
    }

    fn dependencies(
        &self,
        name: &PackageName,
        _version: &Version,
        wheel: &WheelName,
    ) -> Result<Arc<Dependencies>, FactsError> {
        let learned = self.wait(|inner| async move { inner.dependencies(name, wheel).await });
        match learned {
            Ok(learned) => Ok(Arc::clone(&learned.dependencies)),
            // One release that nobody can read must not stop the others; no answer at all must.
            Err(problem) if problem.code() == Code::MetadataInvalid => {
                let cause = problem.cause_text().or(problem.found_text());
                let why = cause
                    .map_or_else(|| problem.message().to_owned(), |c| format!("{}: {c}", problem.message()));
                Ok(Arc::new(Dependencies { malformed: Some(why), ..Dependencies::default() }))
            }
            Err(problem) => Err(FactsError(Box::new(problem))),
        }
    }

    fn hint(&self, soon: &[(PackageName, Option<(Version, WheelName)>)]) {
        for (name, wheel) in soon {
            let (inner, name, wheel) = (Arc::clone(&self.inner), name.clone(), wheel.clone());
            self.inner.engine.spawn(async move {
                // What goes wrong is told to whoever asks for it in earnest.
                match wheel {
                    None => drop(inner.project(&name).await),
                    Some((_, wheel)) => drop(inner.dependencies(&name, &wheel).await),
                }
            });
        }
    }
}

impl Inner {
    fn note(&self, sentence: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).insert(sentence);
    }

    async fn dependencies(&self, name: &PackageName, wheel: &WheelName) -> Result<Arc<Learned>, Problem> {
        let cell = self.learned.cell((name.clone(), wheel.as_str().to_owned()));
        let learn = async || {
            let project = self.project(name).await?;
            let offered = project.find(wheel).ok_or_else(|| {
                Problem::new(Code::MetadataUnavailable, "no source names this wheel").package(wheel)
            })?;
            self.learn(&offered).await.map(Arc::new)
        };
        cell.get_or_init(|| Box::pin(learn())).await.clone()
    }

    /// The SHA-256 and size of a file, read or downloaded once.
    async fn hash(&self, location: &Location) -> Result<(Sha256, u64), Problem> {
        let cell = self.hashed.cell(location.clone());
        let compute = || {
            Box::pin(async {
                match location {
                    Location::Path(path) => {
                        let path = path.clone();
                        blocking(move || sources::hash_path(&path)).await
                    }
                    Location::Url(url) => {
                        let http = &self.engine.http;
                        let download = Download { http, url, size: None, hashes: None, directory: None };
                        let unverified = download.run(&|_, _| {}).await?;
                        Ok((unverified.computed.sha256(), unverified.bytes.as_slice().len() as u64))
                    }
                }
            })
        };
        cell.get_or_init(compute).await.clone()
    }
}

/// Refuses an answer that does not say it is HTML.
fn check_html(whole: &Whole) -> Result<(), Problem> {
    match sources::media_type(whole).as_str() {
        "text/html" | "application/vnd.pypi.simple.v1+html" => Ok(()),
        other => Err(sources::unknown_type(whole, other)),
    }
}
