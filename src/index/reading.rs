//! What an index sent, read without asking for anything: pages, and METADATA out of parts of a wheel.
//!
//! Pure. Owns: which form of page a content type means, and the walk from a wheel's end to its METADATA.
//! Never: decides which file is taken, or vouches for what it read.

use std::borrow::Cow;
use std::ops::Range;

use pipward_resolver::{PackageName, WheelName};
use url::Url;

use super::packed::Page;
use super::tail::{self, Part, Step, TailError};
use super::{IndexFile, html, json};
use crate::error::{Code, Problem};

/// How many parts of one wheel are asked for at most, behind its end.
pub(super) const PARTS: usize = 4;

/// The form of an index page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageForm {
    /// PEP 691.
    Json,
    /// PEP 503.
    Html,
}

impl PageForm {
    /// The form that a content type (in lower case, without parameters) declares.
    pub fn of(media_type: &str) -> Option<Self> {
        match media_type {
            "application/vnd.pypi.simple.v1+json" => Some(Self::Json),
            "application/vnd.pypi.simple.v1+html" | "text/html" => Some(Self::Html),
            _ => None,
        }
    }

    /// Reads a project page that came from `url`.
    ///
    /// # Errors
    /// `index-page-invalid`, `address-refused`, `project-quarantined`.
    pub(super) fn read(self, body: &[u8], url: &Url, project: &PackageName) -> Result<Page, Problem> {
        match self {
            Self::Json => json::parse(body, url, project),
            Self::Html => html::parse(body, url, Some(project)),
        }
        .map_err(|problem| problem.package(project))
    }
}

/// The wheels that a project page from `url` names. The page vouches for nothing.
///
/// # Errors
/// `index-page-invalid`, `address-refused`, `project-quarantined`.
pub fn read_page(
    form: PageForm,
    body: &[u8],
    url: &Url,
    project: &PackageName,
) -> Result<Vec<IndexFile>, Problem> {
    let page = form.read(body, url, project)?;
    let mut wheels = Vec::new();
    for file in page.files() {
        let Some(name) = file.wheel() else { continue };
        wheels.push(IndexFile {
            name: name.clone(),
            location: file.location()?,
            index: Some(url.clone()),
            sha256: file.sha256,
            size: file.size,
            upload_time: file.upload_time,
            yanked: file.yanked.clone(),
            requires_python: file.requires_python.clone(),
        });
    }
    Ok(wheels)
}

/// METADATA out of a wheel of `size` bytes, of which `read` gives the parts that are asked for: its end, and up to four
/// more. Good enough to resolve by, and never installed from: nobody vouches for these bytes.
///
/// # Errors
/// `metadata-unavailable`, and what `read` returns.
pub fn read_metadata(
    wheel: &WheelName,
    size: u64,
    read: &mut dyn FnMut(Range<u64>) -> Result<Vec<u8>, Problem>,
) -> Result<Vec<u8>, Problem> {
    let mut parts = Vec::new();
    let mut wanted = size.saturating_sub(tail::FIRST)..size;
    while parts.len() <= PARTS {
        let start = wanted.start;
        parts.push(Part { start, bytes: Cow::Owned(read(wanted)?) });
        match tail::step(&parts, size, wheel) {
            Ok(Step::Found(text)) => return Ok(text),
            Ok(Step::Need(range)) => wanted = range,
            Err(TailError(why)) => return Err(unavailable(why)),
        }
    }
    Err(unavailable("its archive names bytes that it does not have"))
}

/// The problem that a wheel's unreadable end is.
pub(super) fn unavailable(why: &str) -> Problem {
    Problem::new(Code::MetadataUnavailable, format!("the wheel's metadata cannot be learned: {why}"))
        .help("tell the project or the operator of the index, or exclude this version with a constraint")
}
