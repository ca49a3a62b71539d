//! What an index page says, whatever form it came in.
//!
//! Owns: [`PageFile`], file names of both kinds, and the rule which addresses a page may name.
//! Never: decides which file is taken.

use std::path::PathBuf;

use jiff::Timestamp;
use pipward_resolver::{PackageName, Version, VersionSpecifiers, WheelName};
use url::Url;

use super::http::{check_scheme, place, strip};
use crate::digest::Sha256;
use crate::error::{Code, Problem};
use crate::lock::Location;

/// What an index says of a project as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    /// That it is kept for what uses it already, and why (PEP 792).
    pub status: Option<(Status, String)>,
    /// The reserved namespace that its name is in (PEP 752).
    pub namespace: Option<Namespace>,
}

/// A status of a project (PEP 792) that is for people to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// "The project is not expected to be updated in the future."
    Archived,
    /// "The project is considered obsolete."
    Deprecated,
}

/// A namespace (PEP 752).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// What names in it begin with.
    pub prefix: String,
    /// Whether the project is one of its owner's.
    pub authorized: bool,
    /// Whether others may have names in it.
    pub open: bool,
}

/// One file of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageFile {
    pub(crate) name: FileName,
    pub(crate) address: Address,
    pub(crate) sha256: Option<Sha256>,
    pub(crate) size: Option<u64>,
    pub(crate) upload_time: Option<Timestamp>,
    pub(crate) requires_python: Option<VersionSpecifiers>,
    /// The reason, empty where none was given (PEP 592).
    pub(crate) yanked: Option<String>,
    pub(crate) metadata: Advertised,
    /// Where its provenance is (PEP 740).
    pub(crate) provenance: Option<Address>,
}

/// Whether a page says that a wheel's METADATA can be had beside it (PEP 658, 714).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Advertised {
    /// It does not say so.
    #[default]
    No,
    /// It does, without a SHA-256.
    Unhashed,
    /// It does, and this is its SHA-256.
    Sha256(Sha256),
}

/// Where a file of a page can be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// http or https, as the page writes it. Thousands stand on a page and few are used, so it is
    /// parsed when it is.
    Web(Box<str>),
    /// A file on this machine.
    Path(PathBuf),
}

/// The name of a distribution file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileName {
    /// A wheel.
    Wheel(WheelName),
    /// A source distribution, of which no more than this is ever used.
    Sdist { text: Box<str>, name: PackageName, version: Version },
}

impl FileName {
    /// Reads a file name; `None` for what is neither wheel nor source distribution, or, where a
    /// project is `expected`, belongs to another one.
    pub(crate) fn parse(text: &str, expected: Option<&PackageName>) -> Option<Self> {
        let parsed = if text.ends_with(".whl") {
            Self::Wheel(WheelName::parse(text).ok()?)
        } else {
            sdist(text, expected)?
        };
        expected.is_none_or(|expected| parsed.project() == expected).then_some(parsed)
    }

    pub(crate) fn project(&self) -> &PackageName {
        match self {
            Self::Wheel(wheel) => wheel.name(),
            Self::Sdist { name, .. } => name,
        }
    }

    pub(crate) fn version(&self) -> &Version {
        match self {
            Self::Wheel(wheel) => wheel.version(),
            Self::Sdist { version, .. } => version,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Wheel(wheel) => wheel.as_str(),
            Self::Sdist { text, .. } => text,
        }
    }
}

/// `name-version.tar.gz` and its older kin. Names of old ones may hold dashes, so each dash is
/// tried: from the left where the project is known, from the right where it is not.
fn sdist(text: &str, expected: Option<&PackageName>) -> Option<FileName> {
    let stem =
        [".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz"].iter().find_map(|end| text.strip_suffix(end))?;
    let split = |at: usize| {
        let name: PackageName = stem.get(..at)?.parse().ok()?;
        let version: Version = stem.get(at + 1..)?.parse().ok()?;
        expected.is_none_or(|expected| *expected == name).then(|| FileName::Sdist {
            text: text.into(),
            name,
            version,
        })
    };
    let mut dashes = stem.match_indices('-').map(|(at, _)| at);
    match expected {
        Some(_) => dashes.take(16).find_map(split),
        None => dashes
            .rfind(|at| stem.get(at + 1..).is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit())))
            .and_then(split),
    }
}

impl PageFile {
    pub(crate) fn wheel(&self) -> Option<&WheelName> {
        match &self.name {
            FileName::Wheel(wheel) => Some(wheel),
            FileName::Sdist { .. } => None,
        }
    }

    /// Where it can be had, without credentials.
    ///
    /// # Errors
    /// `address-refused`.
    pub(crate) fn location(&self) -> Result<Location, Problem> {
        match &self.address {
            Address::Path(path) => Ok(Location::Path(path.clone())),
            Address::Web(text) => {
                let mut url = Url::parse(text).map_err(|error| {
                    Problem::new(Code::AddressRefused, "an index page has an address that cannot be read")
                        .package(self.name.as_str())
                        .cause(error)
                })?;
                check_scheme(&url, Code::AddressRefused)
                    .map_err(|problem| problem.package(self.name.as_str()))?;
                strip(&mut url);
                url.set_fragment(None);
                Ok(Location::Url(url))
            }
        }
    }
}

impl Address {
    /// The address that `text` is on a page at `base`. A relative one starts at the page; only a
    /// page on this machine may name a file on it.
    ///
    /// # Errors
    /// `address-refused`.
    pub(crate) fn resolve(text: &str, base: &Url) -> Result<Self, Problem> {
        let absolute =
            |prefix: &str| text.get(..prefix.len()).is_some_and(|t| t.eq_ignore_ascii_case(prefix));
        if absolute("https://") || absolute("http://") {
            return Ok(Self::Web(text.into()));
        }
        let url = base.join(text).map_err(|error| {
            Problem::new(Code::AddressRefused, "an index page has an address that cannot be read")
                .at(place(base))
                .cause(error)
        })?;
        if url.scheme() == "file" && base.scheme() == "file" {
            let path = url.to_file_path().map_err(|()| {
                Problem::new(Code::AddressRefused, "a file address does not lead to a file of this machine")
                    .at(place(base))
            })?;
            return Ok(Self::Path(path));
        }
        check_scheme(&url, Code::AddressRefused).map_err(|_| {
            Problem::new(Code::AddressRefused, "an index page names a file at an address of a refused kind")
                .at(place(base))
                .expected("an http or https address")
                .found(format!("{}:", url.scheme()))
                .help("tell the operator of the index, or use another")
        })?;
        Ok(Self::Web(url.as_str().into()))
    }
}

/// PEP 792: a quarantined project is not to be installed; the other states are for people. An alarm counts in any spelling.
///
/// # Errors
/// `project-quarantined`.
pub(super) fn status(status: &str, reason: &str, base: &Url) -> Result<Option<(Status, String)>, Problem> {
    match status.trim().to_ascii_lowercase().as_str() {
        "archived" => return Ok(Some((Status::Archived, reason.to_owned()))),
        "deprecated" => return Ok(Some((Status::Deprecated, reason.to_owned()))),
        "quarantined" => {}
        _ => return Ok(None),
    }
    Err(Problem::new(Code::ProjectQuarantined, "the index holds this project in quarantine")
        .at(place(base))
        .help("find out what happened to the project, and lock again without it"))
}

/// The problem that a page at `base` is.
pub(crate) fn invalid(base: &Url, why: &str) -> Problem {
    Problem::new(Code::IndexPageInvalid, format!("an index page cannot be used: {why}"))
        .at(place(base))
        .help("tell the operator of the index, or use another")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, project: &str, expected: Option<(&str, &str)>) {
        let name: PackageName = project.parse().unwrap();
        let found = FileName::parse(text, Some(&name));
        let found = found.map(|f| (f.project().to_string(), f.version().to_string()));
        assert_eq!(found.as_ref().map(|(n, v)| (n.as_str(), v.as_str())), expected, "{text}");
    }

    #[test]
    fn file_names_belong_to_the_asked_project() {
        check("Flask-0.1.tar.gz", "flask", Some(("flask", "0.1")));
        check("zope.interface-5.0.zip", "zope-interface", Some(("zope-interface", "5.0")));
        check("my-old-name-1.0-1.tar.gz", "my-old-name", Some(("my-old-name", "1.0.post1")));
        check("idna-3.10-py3-none-any.whl", "idna", Some(("idna", "3.10")));
        check("other-1.0-py3-none-any.whl", "idna", None);
        check("idna-tools-1.0.tar.gz", "idna", None);
        check("idna-3.10.exe", "idna", None);
        check("idna-3.10-py2.7.egg", "idna", None);
        check("idna-nonsense.tar.gz", "idna", None);
        check("../idna-3.10-py3-none-any.whl", "idna", None);
    }

    #[test]
    fn addresses_are_http_unless_the_page_is_local() {
        let check = |text: &str, base: &str| {
            Address::resolve(text, &Url::parse(base).unwrap()).map_err(|problem| problem.code())
        };
        let web = |text: &str| Ok(Address::Web(text.into()));
        assert_eq!(check("../../f/x.whl", "https://h/simple/x/"), web("https://h/f/x.whl"));
        assert_eq!(check("//other/x.whl", "https://h/simple/x/"), web("https://other/x.whl"));
        assert_eq!(check("x.whl", "file:///a/b.html"), Ok(Address::Path("/a/x.whl".into())));
        for bad in
            ["file:///etc/passwd", "ftp://h/x.whl", "data:text/plain,x", "javascript:x", "git+ssh://h/x"]
        {
            assert_eq!(check(bad, "https://h/simple/x/"), Err(Code::AddressRefused), "{bad}");
        }
    }
}
