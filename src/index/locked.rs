//! Where a locked file is.
//!
//! Never: takes a file that has none of the locked hashes.

use std::sync::{Arc, PoisonError};

use pipward_resolver::{PackageName, Target, Version};

use super::engine::blocking;
use super::locate::{LOOKED_AT, Told, checked, ranked, refusal, told};
use super::packed::PageRelease;
use super::page::PageFile;
use super::project::Offered;
use super::registry::Asked;
use super::sources::computed;
use super::{Freshness, Inner};
use crate::digest::{Hasher, LockedHashes, Sha256, StrongDigest};
use crate::error::{Code, Problem};
use crate::lock::{Location, LockedFile, LockedPackage, LockedSource};

/// What the sources offer of a name.
struct Offers {
    /// Whether any source has the name.
    known: bool,
    files: Vec<Offered>,
    /// Why a source did not answer.
    failed: Option<Problem>,
}

impl Inner {
    /// The files of a name that any source offers, of one release or all, find-links first. The hash decides later, so
    /// "any index may serve the file".
    async fn offered(
        &self,
        name: &PackageName,
        version: Option<&Version>,
        age: Freshness,
    ) -> Result<Offers, Problem> {
        let asked = match self.registry.source(name, None) {
            Asked::Indexes(asked) => asked,
            Asked::Links | Asked::Locked => self.registry.asked(name),
        };
        let (pages, failed) = self.pages_there(&asked, name, age).await;
        let links = self.links_of(name).await?;
        let known = !links.is_empty() || pages.iter().any(Option::is_some);
        let mut files: Vec<Offered> = links.into_iter().map(|file| Offered { file, index: None }).collect();
        for (index, page) in pages.iter().enumerate() {
            let Some(page) = page else { continue };
            let found = match version {
                Some(version) => page.release(version).map(PageRelease::files).unwrap_or_default(),
                None => page.files(),
            };
            files.extend(found.into_iter().map(|file| Offered { file: Arc::new(file), index: Some(index) }));
        }
        let failed = failed.or_else(|| self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone());
        Ok(Offers { known, files, failed })
    }

    /// See [`super::Index::locate`].
    pub(super) async fn locate(
        &self,
        package: &LockedPackage,
        target: &Target,
    ) -> Result<LockedFile, Problem> {
        let (LockedSource::ByHash(hashes), Some(version)) = (&package.source, &package.version) else {
            return Err(Problem::new(Code::Internal, "a file was looked for that is not locked by hash")
                .package(&package.name)
                .at(package.place.clone()));
        };
        let mut refused = None;
        // A page that was kept may be older than the lock.
        for age in [Freshness::Cached, Freshness::Now] {
            let here = |problem: Problem| problem.release(&package.name, version).at(package.place.clone());
            let Offers { files, failed, .. } =
                self.offered(&package.name, Some(version), age).await.map_err(here)?;
            // Where several files are locked, which of them is best is not known without every index.
            let is_one = hashes.digests().len() == 1;
            failed.iter().filter(|_| !is_one).try_for_each(|problem| Err(here(problem.clone())))?;
            checked(&package.name, version, hashes, &files);
            for offered in ranked(&files, version, target) {
                if let Some(sha256) = self.matching(offered, hashes).await? {
                    let Some(name) = offered.file.wheel() else { continue };
                    self.note_yanked(&offered.file);
                    failed
                        .iter()
                        .for_each(|problem| self.note(format!("an index is passed over: {problem}")));
                    return Ok(LockedFile {
                        name: name.clone(),
                        location: offered.file.location()?,
                        // What a page says of the size binds nobody: the lock did not say it.
                        size: None,
                        upload_time: offered.file.upload_time,
                        hashes: LockedHashes::sha256(sha256),
                        place: package.place.clone(),
                    });
                }
            }
            failed.map_or(Ok(()), |problem| Err(here(problem)))?;
            let Offers { known, files, .. } = self.offered(&package.name, None, age).await.map_err(here)?;
            let mut problem = refusal(package, version, hashes, &files, target, known);
            if let (Code::HashMismatch, Some(first)) =
                (problem.code(), ranked(&files, version, target).first())
                && first.file.sha256.is_none()
                && let Ok((sha256, _)) = self.hash(&first.file.location()?).await
            {
                problem = problem.found(format!("{} sha256:{sha256}", first.file.name.as_str()));
            }
            if let (Code::HashMismatch, Some(first)) =
                (problem.code(), ranked(&files, version, target).first())
            {
                problem = problem.details(&serde_json::json!({ LOOKED_AT: first.file.location()?.shown() }));
            }
            refused = Some(problem);
            if self.engine.http.offline() {
                break;
            }
        }
        let refused =
            refused.unwrap_or_else(|| Problem::new(Code::ProjectNotFound, "no source has this name"));
        Err(refused.package(&package.name).at(package.place.clone()))
    }

    /// The SHA-256 of a file that is one of the locked ones.
    async fn matching(&self, offered: &Offered, hashes: &LockedHashes) -> Result<Option<Sha256>, Problem> {
        match told(offered, hashes) {
            Told::Other => Ok(None),
            Told::Locked => Ok(offered.file.sha256),
            Told::Unknown => {
                let location = offered.file.location()?;
                let computed = self.accepted(&location, hashes).await;
                computed.map_err(|problem| problem.package(offered.file.name.as_str()))
            }
        }
    }

    /// The SHA-256 of the file at `location` if the hashes accept it. It is read or downloaded for that.
    async fn accepted(&self, location: &Location, hashes: &LockedHashes) -> Result<Option<Sha256>, Problem> {
        if hashes.digests().iter().all(|digest| matches!(digest, StrongDigest::Sha256(_))) {
            let (sha256, _) = self.hash(location).await?;
            return Ok(hashes.sha256s().any(|locked| locked == sha256).then_some(sha256));
        }
        let computed = match location {
            Location::Path(path) => {
                let (path, hashes) = (path.clone(), hashes.clone());
                blocking(move || computed(&path, Hasher::new(&hashes)).map(|(computed, _)| computed)).await?
            }
            Location::Url(url) => {
                let http = &self.engine.http;
                let download =
                    crate::fetch::Download { http, url, size: None, hashes: Some(hashes), directory: None };
                download.run(&|_, _| {}).await?.computed
            }
        };
        Ok(hashes.accept(&computed).then(|| computed.sha256()))
    }

    /// See [`super::Index::resolve_source`].
    pub(super) async fn source_of(
        &self,
        file: &LockedFile,
        package: &LockedPackage,
    ) -> Result<LockedFile, Problem> {
        let name = &package.name;
        let Location::Url(url) = &file.location else { return Ok(file.clone()) };
        let offered = match self.registry.source(name, package.index.as_ref()) {
            Asked::Links => self.links_of(name).await?,
            Asked::Indexes(asked) => {
                let mut files = self.named(&asked, file, name, Freshness::Cached).await?;
                if files.is_empty() && !self.engine.http.offline() {
                    files = self.named(&asked, file, name, Freshness::Now).await?;
                }
                files
            }
            Asked::Locked if self.registry.stands_for_itself(package, file) => return Ok(file.clone()),
            Asked::Locked => {
                let checked = self.registry.check_host(name, package.index.as_ref(), url);
                return checked.map(|()| file.clone()).map_err(|problem| problem.at(file.place.clone()));
            }
        };
        let named: Vec<_> = offered.iter().filter(|o| o.name.as_str() == file.name.as_str()).collect();
        let Some(first) = named.first() else {
            return Err(Problem::new(Code::FileNotFound, "the given source does not have the locked file")
                .package(&file.name)
                .at(file.place.clone())
                .help("name an index that has it with --index-url, or leave the option out to use the address in the lock"));
        };
        let mut chosen = *first;
        for candidate in &named {
            let location = candidate.location()?;
            let is_locked = match (candidate.sha256, &location) {
                (Some(sha256), _) => file.hashes.sha256s().any(|locked| locked == sha256),
                (None, Location::Path(_)) => self.accepted(&location, &file.hashes).await?.is_some(),
                (None, Location::Url(_)) => false,
            };
            if is_locked {
                chosen = candidate;
                break;
            }
            if candidate.sha256.is_none() && chosen.sha256.is_some() {
                // It may be the one; a file that is advertised with another hash is not.
                chosen = candidate;
            }
        }
        self.note_yanked(chosen);
        Ok(LockedFile { location: chosen.location()?, ..file.clone() })
    }

    fn note_yanked(&self, file: &PageFile) {
        if let Some(reason) = &file.yanked {
            let mut yanked = self.yanked.lock().unwrap_or_else(PoisonError::into_inner);
            yanked.insert(file.name.as_str().to_owned(), reason.clone());
        }
    }

    /// The files of the given indexes that are called like a locked one.
    async fn named(
        &self,
        asked: &[usize],
        file: &LockedFile,
        name: &PackageName,
        age: Freshness,
    ) -> Result<Vec<Arc<PageFile>>, Problem> {
        let pages = self.pages_of(asked, name, age).await?;
        let found = pages.iter().flatten().filter_map(|page| page.find(file.name.as_str()));
        Ok(found.map(Arc::new).collect())
    }
}
