//! The provenance that an index gives for files (PEP 740).
//!
//! Owns: where it is fetched from. Never: judges it.

use std::sync::Arc;

use futures_util::StreamExt as _;
use pipward_resolver::{PackageName, Version, WheelName};
use url::Url;

use super::http::{check_scheme, status_problem};
use super::page::{Address, FileName, PageFile};
use super::project::Project;
use super::{Index, Inner};
use crate::attest::LARGEST;
use crate::digest::Sha256;
use crate::error::{Code, Problem};

const ACCEPT: &str = "application/vnd.pypi.integrity.v1+json, application/json;q=0.9";

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
        let earlier = project.files.iter().map(|offered| &offered.file).filter_map(|file| {
            let version = file.name.version();
            let is_between = version < before && after.is_none_or(|after| version > after);
            let is_proven = is_between && file.provenance.is_some();
            let is_wheel = matches!(file.name, FileName::Wheel(_));
            is_proven.then_some(())?;
            Some((version, is_wheel, file.name.as_str(), file.sha256?))
        });
        let newest = earlier.max_by(|one, two| (one.0, one.1, one.2).cmp(&(two.0, two.1, two.2)));
        Ok(newest.map(|(version, _, file, sha256)| Earlier {
            version: version.clone(),
            file: file.to_owned(),
            sha256,
            wheels: wheels(&project, version),
        }))
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
    let files = project.files.iter().map(|offered| &offered.file);
    let wheel = |file: &Arc<PageFile>| match &file.name {
        FileName::Wheel(name) if name.version() == version => {
            Some(Vouched { name: name.clone(), has_provenance: file.provenance.is_some() })
        }
        _ => None,
    };
    files.filter_map(wheel).collect()
}

impl Inner {
    async fn provenance(&self, name: &PackageName, file: &str) -> Result<Option<Vec<u8>>, Problem> {
        let project = self.project(name).await?;
        let offered = project.files.iter().find(|offered| offered.file.name.as_str() == file);
        let Some(address) = offered.and_then(|offered| offered.file.provenance.clone()) else {
            return Ok(None);
        };
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
        let whole = self.cache.get(&self.engine.http, &url, ACCEPT, false).await?;
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
