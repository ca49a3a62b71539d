//! The provenance that an index gives for files (PEP 740).
//!
//! Owns: where it is fetched from. Never: judges it.

use std::sync::Arc;

use futures_util::StreamExt as _;
use pipward_resolver::{PackageName, Version, WheelName};
use url::Url;

use super::http::{check_scheme, status_problem};
use super::page::{Address, FileName, PageFile};
use super::pages::Got;
use super::project::{Offered, Project};
use super::{Index, Inner};
use crate::attest::LARGEST;
use crate::cache::Body;
use crate::digest::Sha256;
use crate::error::{Code, Problem};

const ACCEPT: &str = "application/vnd.pypi.integrity.v1+json, application/json;q=0.9";

/// How the cache keeps it: as it came.
const FORM: u32 = 1;

/// A file of an earlier release for which an index gives provenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// Its release.
    pub version: Version,
    /// Its name.
    pub file: String,
    /// Its SHA-256.
    pub sha256: Sha256,
    /// All wheels of that release.
    pub wheels: Vec<Vouched>,
}

/// A wheel of a release, and whether anybody vouches for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// The wheel.
    pub name: WheelName,
    /// Whether the index gives provenance for it.
    pub has_provenance: bool,
}

impl Index {
    /// The provenance of files, as its bytes; `None` where the index gives none. Outcomes in their order.
    pub fn provenance(&self, files: &[(PackageName, String)]) -> Vec<Result<Option<Vec<u8>>, Problem>> {
        let found = self.wait(|inner| async move {
            let each = files.iter().map(|(name, file)| inner.provenance(name, file));
            Ok(futures_util::stream::iter(each).buffered(inner.engine.http.concurrency()).collect().await)
        });
        found.unwrap_or_else(|problem: Problem| files.iter().map(|_| Err(problem.clone())).collect())
    }

    /// The newest release between two versions with provenance: one of its files. The index gives a SHA-256 for it.
    ///
    /// # Errors
    /// As for the candidates of a project.
    pub fn proven_before(
        &self,
        name: &PackageName,
        after: Option<&Version>,
        before: &Version,
    ) -> Result<Option<Earlier>, Problem> {
        let project = self.wait(|inner| async move { inner.project(name).await })?;
        let is_between = |version: &&Version| *version < before && after.is_none_or(|after| *version > after);
        let proven = |version: &Version| {
            let files = project.files.of(version);
            let proven = files.iter().map(|offered| &offered.file).filter(|file| file.provenance.is_some());
            let order = |file: &Arc<PageFile>| matches!(file.name, FileName::Wheel(_));
            let best = proven
                .filter(|file| file.sha256.is_some())
                .max_by(|one, two| (order(one), one.name.as_str()).cmp(&(order(two), two.name.as_str())))?;
            Some(Earlier {
                version: best.name.version().clone(),
                file: best.name.as_str().to_owned(),
                sha256: best.sha256?,
                wheels: wheels(&project, version),
            })
        };
        Ok(project.files.proven().rev().filter(is_between).find_map(proven))
    }

    /// Whether the index names provenance for a file of a release.
    ///
    /// # Errors
    /// As for the candidates of a project.
    pub fn has_provenance(&self, name: &PackageName, version: &Version) -> Result<bool, Problem> {
        let project = self.wait(|inner| async move { inner.project(name).await })?;
        Ok(project.files.has_provenance(version))
    }

    /// The wheels of a release; none where the index has it no more.
    ///
    /// # Errors
    /// As for the candidates of a project.
    pub fn wheels_of(&self, name: &PackageName, version: &Version) -> Result<Vec<Vouched>, Problem> {
        let project = self.wait(|inner| async move { inner.project(name).await })?;
        Ok(wheels(&project, version))
    }
}

fn wheels(project: &Project, version: &Version) -> Vec<Vouched> {
    let wheel = |offered: Offered| match &offered.file.name {
        FileName::Wheel(name) => {
            Some(Vouched { name: name.clone(), has_provenance: offered.file.provenance.is_some() })
        }
        FileName::Sdist { .. } => None,
    };
    project.files.of(version).into_iter().filter_map(wheel).collect()
}

impl Inner {
    async fn provenance(&self, name: &PackageName, file: &str) -> Result<Option<Vec<u8>>, Problem> {
        let project = self.project(name).await?;
        let Some(address) = project.files.provenance(file) else { return Ok(None) };
        let body = match address {
            Address::Path(path) => crate::document::read_bytes(&path, LARGEST, Code::IndexPageTooLarge)
                .map_err(|problem| problem.package(file))?,
            Address::Web(text) => self.provenance_at(&text).await.map_err(|problem| problem.package(file))?,
        };
        Ok(Some(body))
    }

    async fn provenance_at(&self, text: &str) -> Result<Vec<u8>, Problem> {
        let url = Url::parse(text).map_err(|error| {
            Problem::new(Code::AddressRefused, "an index page has an address that cannot be read")
                .cause(error)
        })?;
        check_scheme(&url, Code::AddressRefused)?;
        let whole =
            match self.cache.get(&self.engine.http, &url, ACCEPT, false, FORM, |body| body.whole()).await? {
                Got::Kept(body) => return Ok(body.to_vec()),
                Got::Answer(answer) => {
                    let (whole, slot) = *answer;
                    self.cache.put(&slot, &whole, &Body::Here(whole.body.clone().into()));
                    whole
                }
            };
        if whole.status.as_u16() != 200 {
            return Err(status_problem(whole.status, &whole.url));
        }
        if whole.body.len() as u64 > LARGEST {
            return Err(Problem::new(
                Code::IndexPageTooLarge,
                "this provenance is larger than any that is real",
            )
            .at(super::http::place(&whole.url))
            .expected(format!("at most {LARGEST} bytes"))
            .found(whole.body.len()));
        }
        Ok(whole.body)
    }
}
