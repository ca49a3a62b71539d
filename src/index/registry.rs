//! Which index answers for a name, and on which hosts its files are.
//!
//! Pure. Owns: the rule that a name that is pinned to an index asks that one alone, and the one by which an address in a
//! lock is accepted. Never: believes a lock about where the files of an index are.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use pipward_resolver::PackageName;
use url::Url;

use super::http::place;
use crate::error::{Code, Problem};
use crate::lock::{LockedFile, LockedPackage};

/// The address of the public index.
pub const PYPI: &str = "https://pypi.org/simple/";
/// Where the files of the public index are.
const PYPI_FILES: &str = "files.pythonhosted.org";

/// Names of projects: one, or with `*` for any characters, several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamePattern(String);

impl NamePattern {
    /// Whether a project is among them.
    pub fn matches(&self, name: &PackageName) -> bool {
        fits(self.0.as_bytes(), name.as_ref().as_bytes())
    }

    /// The name, where it is one.
    pub fn name(&self) -> Option<PackageName> {
        self.0.parse().ok()
    }
}

/// Whether `text` is what `pattern` says, `*` standing for any characters.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    // The last star that was passed, and how much of the text it stands for so far.
    let (mut at, mut read, mut star) = (0, 0, None);
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(byte) if Some(byte) == text.get(read) => {
                at += 1;
                read += 1;
            }
            _ => match &mut star {
                Some((starred, taken)) => {
                    *taken += 1;
                    (at, read) = (*starred + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

impl FromStr for NamePattern {
    type Err = &'static str;

    /// Letters, digits, `-`, `_`, `.` and `*`; normalised as names are.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().to_ascii_lowercase();
        let known = |c: char| c.is_ascii_alphanumeric() || "-_.*".contains(c);
        if text.is_empty() || !text.chars().all(known) || text.starts_with(['-', '_', '.']) {
            return Err("not names of projects");
        }
        let mut normal = String::with_capacity(text.len());
        for c in text.chars() {
            let c = if matches!(c, '_' | '.') { '-' } else { c };
            if c != '-' || !normal.ends_with('-') {
                normal.push(c);
            }
        }
        Ok(Self(normal))
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host from which files may come: `files.example.org`, or with a port, `files.example.org:8443`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileHost {
    host: String,
    /// `None` is the usual port of the scheme.
    port: Option<u16>,
}

impl FileHost {
    /// The host of an address.
    fn of(url: &Url) -> Option<Self> {
        Some(Self { host: url.host_str()?.to_ascii_lowercase(), port: url.port() })
    }
}

impl FromStr for FileHost {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not a host";
        let url = Url::parse(&format!("https://{}/", text.trim())).map_err(|_| WRONG)?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !is_bare || !url.username().is_empty() || url.password().is_some() {
            return Err(WRONG);
        }
        Self::of(&url).ok_or(WRONG)
    }
}

impl fmt::Display for FileHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// An index that is asked. Its address may carry credentials, which never leave `index`.
#[derive(Clone)]
pub struct IndexSource {
    /// What the configuration calls it.
    pub name: Option<String>,
    /// Its address.
    pub url: Url,
    /// The address as it was given, without user name and password; where that is not known, it is told as it is.
    pub written: Option<String>,
    /// The names that come from it and nowhere else. Without any, it is asked for every name that no other index has to
    /// itself.
    pub packages: Vec<NamePattern>,
    /// How long its new files wait, where that is said for it.
    pub min_release_age: Option<SignedDuration>,
    /// Where its files are; without any, on its own host.
    pub file_hosts: Vec<FileHost>,
    /// Where locked files of it are fetched instead.
    pub mirror: Option<Url>,
}

impl From<Url> for IndexSource {
    fn from(url: Url) -> Self {
        Self {
            name: None,
            url,
            written: None,
            packages: Vec::new(),
            min_release_age: None,
            file_hosts: Vec::new(),
            mirror: None,
        }
    }
}

impl IndexSource {
    /// Its address as it is told.
    pub fn shown(&self) -> String {
        self.written.clone().unwrap_or_else(|| super::without_password(&self.url))
    }
}

impl fmt::Debug for IndexSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexSource")
            .field("name", &self.name)
            .field("url", &place(&self.url).to_string())
            .field("packages", &self.packages)
            .field("min_release_age", &self.min_release_age)
            .field("file_hosts", &self.file_hosts)
            .field("mirror", &self.mirror.as_ref().map(|url| place(url).to_string()))
            .finish()
    }
}

/// For which names the indexes stand for the addresses in a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Instead {
    /// For none: files come from the lock's addresses, or from a mirror that the configuration names.
    #[default]
    Nothing,
    /// For those that no index has to itself: a variable or pip.conf names an index.
    Unpinned,
    /// For all: the command line names an index, or that there is none.
    Everything,
}

/// The indexes of a run, without credentials.
#[derive(Debug)]
pub(super) struct Registry {
    pub(super) indexes: Vec<Known>,
    /// Hosts from which files of any index may come.
    pub(super) file_hosts: Vec<FileHost>,
    pub(super) instead: Instead,
}

/// An index, or a mirror of one.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) url: Url,
    pub(super) source: IndexSource,
    /// The position of its mirror.
    pub(super) mirror: Option<usize>,
    /// Whether it is nothing but a mirror.
    pub(super) is_mirror: bool,
}

/// Where a locked file is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// At find-links alone.
    Links,
    /// On these indexes, by name and hash.
    Indexes(Vec<usize>),
    /// At the address in the lock.
    Locked,
}

impl Registry {
    /// The address of the index at a position.
    pub(super) fn url(&self, at: usize) -> Option<&Url> {
        self.indexes.get(at).map(|known| &known.url)
    }

    /// The index that has a name to itself: the first of those that say so.
    pub(super) fn pinned(&self, name: &PackageName) -> Option<usize> {
        let has = |known: &Known| known.source.packages.iter().any(|pattern| pattern.matches(name));
        self.indexes.iter().position(|known| !known.is_mirror && has(known))
    }

    /// The indexes that are asked for no name in particular, in their order.
    fn general(&self) -> Vec<usize> {
        let of_all = |(at, known): (usize, &Known)| {
            (!known.is_mirror && known.source.packages.is_empty()).then_some(at)
        };
        self.indexes.iter().enumerate().filter_map(of_all).collect()
    }

    /// The indexes that are asked about a name. "A name pinned by `packages` asks only that index."
    pub(super) fn asked(&self, name: &PackageName) -> Vec<usize> {
        self.pinned(name).map_or_else(|| self.general(), |at| vec![at])
    }

    /// Where a locked file of a name is fetched, whose lock names `index`: the first that is given, and no other.
    pub(super) fn source(&self, name: &PackageName, index: Option<&Url>) -> Asked {
        let pinned = self.pinned(name);
        match self.instead {
            Instead::Everything if self.indexes.iter().all(|known| known.is_mirror) => Asked::Links,
            Instead::Everything => Asked::Indexes(self.general()),
            Instead::Unpinned if pinned.is_none() => Asked::Indexes(self.general()),
            _ => {
                let known = pinned.or_else(|| self.position(index?));
                let mirror = known.and_then(|at| self.indexes.get(at)?.mirror);
                mirror.map_or(Asked::Locked, |at| Asked::Indexes(vec![at]))
            }
        }
    }

    pub(super) fn position(&self, index: &Url) -> Option<usize> {
        let index = settled(index);
        self.indexes.iter().position(|known| !known.is_mirror && known.url == index)
    }

    /// Whether a file is at an address that the user wrote, of which no host is asked. A name that comes from one index has
    /// none, however its entry is spelled; nor has an entry that names an index.
    pub(super) fn stands_for_itself(&self, package: &LockedPackage, file: &LockedFile) -> bool {
        package.is_direct(file) && package.index.is_none() && self.pinned(&package.name).is_none()
    }

    /// Whether the address of a locked file is on a host of the index that it comes from. That is the one that has the
    /// name to itself, else the one that the lock names, if it is known here; else it may be any that is known here.
    ///
    /// # Errors
    /// `file-host`.
    pub(super) fn check_host(
        &self,
        name: &PackageName,
        index: Option<&Url>,
        url: &Url,
    ) -> Result<(), Problem> {
        if self.file_hosts.iter().any(|host| FileHost::of(url).as_ref() == Some(host)) {
            return Ok(());
        }
        let pypi = || Url::parse(PYPI).ok();
        let known = self.pinned(name).or_else(|| self.position(index?)).and_then(|at| self.indexes.get(at));
        let is_pypi = || index.is_some_and(|index| Some(settled(index)) == pypi());
        let (accepted, whose) = match known {
            Some(known) => (hosts(&known.url, &known.source.file_hosts), Some(known.label())),
            None if is_pypi() => {
                (pypi().map(|url| hosts(&url, &[])).unwrap_or_default(), Some("PyPI".to_owned()))
            }
            // Where nobody has said which indexes there are, this machine may be one.
            None if super::address::is_here(url)
                && self.indexes.iter().all(|known| known.source.name.is_none())
                && index.is_none_or(|index| FileHost::of(index) == FileHost::of(url)) =>
            {
                return Ok(());
            }
            None => {
                let all = self.indexes.iter().flat_map(|known| hosts(&known.url, &known.source.file_hosts));
                (all.chain(pypi().iter().flat_map(|url| hosts(url, &[]))).collect(), None)
            }
        };
        if accepted.iter().any(|accepted| accepted.takes(url)) {
            return Ok(());
        }
        let mut names: Vec<String> = accepted.iter().map(|accepted| accepted.host.to_string()).collect();
        names.sort();
        names.dedup();
        let found = FileHost::of(url).map_or_else(String::new, |host| host.to_string());
        let help = match (&whose, index) {
            (Some(whose), _) => format!(
                "if {whose} really keeps files there, add file-hosts = [\"{found}\"] to its [[index]] in \
                 pipward.toml; else find out who changed the lock"
            ),
            (None, Some(index)) => format!(
                "if the index {0} is yours, name it by --index-url {0}, or in pipward.toml as [[index]] with name, url \
                 and file-hosts; else find out who changed the lock",
                place(index)
            ),
            (None, None) => format!(
                "if an index of yours keeps files there, name it by --index-url, or add file-hosts = [\"{found}\"] \
                 to its [[index]] in pipward.toml; else find out who changed the lock"
            ),
        };
        let (what, expected) = match whose {
            Some(_) => ("that its index does not keep files on", names.join(", ")),
            None => (
                "of no index that is known here",
                format!("a host of an index that you named, or of PyPI: {}", names.join(", ")),
            ),
        };
        Err(Problem::new(Code::FileHost, format!("the lock's address of this file is on a host {what}"))
            .expected(expected)
            // The right host may be asked in the clear.
            .found(if names.contains(&found) { format!("{}://{found}", url.scheme()) } else { found })
            .cause(format!("the address is {}", place(url)))
            .help(help))
    }

    /// What is to be said when an index names a file that an install from its lock would refuse.
    pub(super) fn elsewhere(&self, at: usize, file: &Url) -> Option<String> {
        let known = self.indexes.get(at)?;
        let accepted = hosts(&known.url, &known.source.file_hosts);
        let host = FileHost::of(file)?;
        if accepted.iter().any(|accepted| accepted.takes(file)) || self.file_hosts.contains(&host) {
            return None;
        }
        Some(format!(
            "{} names files on {host}, from where an install takes them only if pipward.toml says \
             file-hosts = [\"{host}\"] in its [[index]]",
            known.label()
        ))
    }
}

impl Known {
    /// What it is called in messages.
    pub(super) fn label(&self) -> String {
        match &self.source.name {
            Some(name) => format!("the index {name} ({})", place(&self.url)),
            None => format!("the index {}", place(&self.url)),
        }
    }
}

/// A host of an index, and how it may be asked.
struct Accepted {
    host: FileHost,
    only_https: bool,
}

impl Accepted {
    fn takes(&self, url: &Url) -> bool {
        FileHost::of(url).as_ref() == Some(&self.host) && (url.scheme() == "https" || !self.only_https)
    }
}

/// The hosts of an index: those that the configuration names, else its own; PyPI's are known.
fn hosts(index: &Url, named: &[FileHost]) -> Vec<Accepted> {
    let is_pypi = index.host_str() == Some("pypi.org") && index.scheme() == "https" && index.port().is_none();
    let own = named.is_empty().then(|| FileHost::of(index)).flatten();
    let files = (is_pypi && named.is_empty()).then(|| PYPI_FILES.parse().ok()).flatten();
    let only_https = index.scheme() == "https";
    let all = named.iter().cloned().chain(own).chain(files);
    all.map(|host| Accepted { host, only_https }).collect()
}

/// An index address as two of them are compared: without credentials and fragment, with a slash at its end.
pub(super) fn settled(url: &Url) -> Url {
    let mut url = url.clone();
    super::http::strip(&mut url);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

#[cfg(test)]
mod tests;
