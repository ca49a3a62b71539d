//! --find-links: directories, files, `file://` and http(s) pages, listed once.
//!
//! Never: reads a file's content (its hash is computed where it is needed).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pipward_resolver::PackageName;
use url::Url;

use super::html;
use super::http::{Ask, Http, Kind, status_problem};
use super::page::{Address, Advertised, FileName, PageFile};
use crate::error::{Code, Place, Problem, io as io_problem};

/// The most names that a directory may have.
const NAMES_CAP: usize = 1_000_000;
/// The largest page on this machine that is read.
const PAGE_CAP: u64 = 64 << 20;

/// Faults of a page that are no reason to fail where another place has what is locked.
const PASSED_OVER: [Code; 4] =
    [Code::FileNotFound, Code::IndexUnreachable, Code::TlsFailed, Code::HttpStatus];

/// One --find-links, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Link {
    /// A directory, a page or a wheel on this machine.
    Path(PathBuf),
    /// A page; without credentials.
    Web(Url),
}

/// All files that find-links offer, by project.
pub(crate) type Links = BTreeMap<PackageName, Vec<Arc<PageFile>>>;

impl Link {
    /// Reads what the user wrote. Credentials stay in the address for the caller to take out.
    ///
    /// # Errors
    /// `address-refused`.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
        if lower.starts_with("http://") || lower.starts_with("https://") {
            return Url::parse(text).map(Self::Web).map_err(refused);
        }
        if lower.starts_with("file:") {
            let url = Url::parse(text).map_err(refused)?;
            return url
                .to_file_path()
                .map(Self::Path)
                .map_err(|()| refused("it does not lead to this machine"));
        }
        if text
            .split_once("://")
            .is_some_and(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphanumeric() || c == '+'))
        {
            return Err(refused("only http, https, file and paths are read"));
        }
        std::path::absolute(text).map(Self::Path).map_err(refused)
    }
}

fn refused(why: impl std::fmt::Display) -> Problem {
    Problem::new(Code::AddressRefused, "a --find-links address cannot be used")
        .cause(why)
        .help("name a directory of wheels, or an http(s) page that links to them")
}

/// Lists what `links` offer. `missing` is asked about a page that is not there, or cannot be reached.
///
/// # Errors
/// `file-access`, `not-writable` and `file-not-found` for paths; for pages as for index pages.
pub(crate) async fn list(
    links: &[Link],
    http: &Http,
    missing: &(dyn Fn(Problem) -> Result<(), Problem> + Sync),
) -> Result<Links, Problem> {
    let mut all = Links::new();
    for link in links {
        let files = match link {
            Link::Path(path) => {
                let path = path.clone();
                super::engine::blocking(move || local(&path)).await?
            }
            Link::Web(url) => match web(url, http).await {
                Err(problem) if PASSED_OVER.contains(&problem.code()) => {
                    missing(problem)?;
                    continue;
                }
                files => files?,
            },
        };
        for file in files {
            all.entry(file.name.project().clone()).or_default().push(Arc::new(file));
        }
    }
    Ok(all)
}

async fn web(url: &Url, http: &Http) -> Result<Vec<PageFile>, Problem> {
    let name = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
    // A wheel by itself is no page.
    if let Some(name) = FileName::parse(&name, None) {
        return Ok(vec![PageFile {
            address: Address::Web(url.as_str().into()),
            ..file(name, PathBuf::new(), None)
        }]);
    }
    let mut ask = Ask::new(url.clone(), Kind::Page);
    let accept =
        reqwest::header::HeaderValue::from_static("text/html, application/vnd.pypi.simple.v1+html;q=0.9");
    ask.headers.insert(reqwest::header::ACCEPT, accept);
    let whole = http.whole(&ask).await?;
    if !whole.status.is_success() {
        return Err(status_problem(whole.status, &whole.url));
    }
    super::check_html(&whole)?;
    html::parse(&whole.body, &whole.url, None).map(|page| page.files())
}

fn local(path: &Path) -> Result<Vec<PageFile>, Problem> {
    let found = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Problem::new(Code::FileNotFound, "there is nothing at the place that --find-links names")
                .at(Place::file(path))
                .help("name a directory of wheels with --find-links")
        }
        _ => io_problem("looking for wheels", path, &error),
    })?;
    if found.is_dir() {
        return directory(path).map_err(|error| io_problem("listing a directory of wheels", path, &error));
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if let Some(name) = FileName::parse(name, None) {
        return Ok(vec![file(name, path.to_owned(), Some(found.len()))]);
    }
    page(path)
}

/// The files of an HTML page on this machine, in the order of their names.
///
/// # Errors
/// `file-access`, `index-page-invalid`, `index-page-too-large`.
pub(crate) fn page(path: &Path) -> Result<Vec<PageFile>, Problem> {
    let mut body = Vec::new();
    crate::cache::open_regular(path, true)
        .and_then(|file| std::io::Read::read_to_end(&mut std::io::Read::take(file, PAGE_CAP + 1), &mut body))
        .map_err(|error| io_problem("reading a page", path, &error))?;
    let base = Url::from_file_path(path).map_err(|()| refused("its path is not absolute"))?;
    if body.len() as u64 > PAGE_CAP {
        return Err(Problem::new(Code::IndexPageTooLarge, "the page is larger than pipward reads")
            .at(Place::file(path))
            .expected(format!("at most {PAGE_CAP} bytes"))
            .help("name the directory of the wheels itself"));
    }
    html::parse(&body, &base, None).map(|page| page.files())
}

fn directory(path: &Path) -> std::io::Result<Vec<PageFile>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path)?.take(NAMES_CAP) {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|name| FileName::parse(name, None)) else { continue };
        let path = entry.path();
        // A link to a wheel is a wheel; a directory that is called like one is not.
        let Ok(found) = std::fs::metadata(&path) else { continue };
        if found.is_file() {
            files.push(file(name, path, Some(found.len())));
        }
    }
    // The order in which a directory lists its names is chance.
    files.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    Ok(files)
}

fn file(name: FileName, path: PathBuf, size: Option<u64>) -> PageFile {
    PageFile {
        name,
        address: Address::Path(path),
        sha256: None,
        size,
        upload_time: None,
        requires_python: None,
        yanked: None,
        metadata: Advertised::No,
        provenance: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_users_write_is_understood() {
        let check = |text: &str| Link::parse(text).map_err(|problem| problem.code());
        assert_eq!(check("/a/wheels"), Ok(Link::Path("/a/wheels".into())));
        assert_eq!(check("file:///a/wheels"), Ok(Link::Path("/a/wheels".into())));
        assert_eq!(check("HTTPS://h/x"), Ok(Link::Web(Url::parse("https://h/x").unwrap())));
        assert!(matches!(check("wheels"), Ok(Link::Path(path)) if path.is_absolute()));
        for bad in ["ftp://h/x", "git+ssh://h/x", "https://"] {
            assert_eq!(check(bad), Err(Code::AddressRefused), "{bad}");
        }
    }

    #[test]
    fn a_directory_lists_wheels_in_order() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b-1-py3-none-any.whl", "a-2-py3-none-any.whl", "a-1.tar.gz", "notes.txt"] {
            std::fs::write(directory.path().join(name), b"x").unwrap();
        }
        std::fs::create_dir(directory.path().join("c-1-py3-none-any.whl")).unwrap();
        let files = local(directory.path()).unwrap();
        let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a-1.tar.gz", "a-2-py3-none-any.whl", "b-1-py3-none-any.whl"]);
        assert_eq!(local(&directory.path().join("none")).map_err(|p| p.code()), Err(Code::FileNotFound));
    }

    #[test]
    fn a_local_page_may_name_local_files() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("links.html");
        std::fs::write(&path, "<a href='sub/a-1-py3-none-any.whl'>a</a>").unwrap();
        let files = local(&path).unwrap();
        let expected = Address::Path(directory.path().join("sub/a-1-py3-none-any.whl"));
        assert_eq!(files[0].address, expected);
    }
}
