//! What a user says about sources and the network. Passwords in it are not shown by `Debug`.

use std::fmt;
use std::path::PathBuf;

use url::Url;

use super::registry::{FileHost, IndexSource, Instead};

/// Where files come from.
#[derive(Clone)]
pub struct Sources {
    /// The indexes in their order. Empty with `--no-index`.
    pub indexes: Vec<IndexSource>,
    /// find-links: directories, `file://` and http(s) pages.
    pub find_links: Vec<String>,
    /// For which names the indexes stand for the addresses in a lock.
    pub instead: Instead,
    /// Hosts from which locked files of any index may come.
    pub file_hosts: Vec<FileHost>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let find_links: Vec<String> = self.find_links.iter().map(|text| shown(text)).collect();
        f.debug_struct("Sources")
            .field("indexes", &self.indexes)
            .field("find_links", &find_links)
            .field("instead", &self.instead)
            .field("file_hosts", &self.file_hosts)
            .finish()
    }
}

/// How much of an answer is read, in bytes, as it comes and as it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bodies {
    /// Of an index page.
    pub page: u64,
    /// Of core metadata beside a wheel, and of a lock or requirements file at an address.
    pub metadata: u64,
    /// Of a wheel, whatever a lock says.
    pub wheel: u64,
}

impl Default for Bodies {
    /// 128 MiB (the largest pages on PyPI have some tens), 16 MiB and 8 GiB.
    fn default() -> Self {
        Self { page: 128 << 20, metadata: 16 << 20, wheel: crate::cache::LARGEST }
    }
}

/// Where a password may come from that neither an address nor netrc has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeyringProvider {
    /// From nowhere.
    #[default]
    Disabled,
    /// From the command `keyring` on PATH.
    Command,
}

/// How the network is used.
#[derive(Clone)]
pub struct NetworkOptions {
    /// An extra file of root certificates (`--cert`).
    pub cert: Option<PathBuf>,
    /// A file with a client certificate and its key (`--client-cert`).
    pub client_cert: Option<PathBuf>,
    /// A proxy (`--proxy`); else the usual variables.
    pub proxy: Option<String>,
    /// Whether the usual variables are left alone (`--no-proxy-env`).
    pub ignore_proxy_variables: bool,
    /// Seconds without a byte before a connection is given up.
    pub timeout_seconds: u64,
    /// Seconds for the whole of an answer; `None` is twenty times `timeout_seconds`. A wheel that comes fast enough may
    /// take longer.
    pub answer_seconds: Option<u64>,
    /// How much is read.
    pub bodies: Bodies,
    /// How often a transient fault is tried again.
    pub retries: u32,
    /// How many downloads at once (default 50).
    pub concurrency: usize,
    /// No network at all.
    pub offline: bool,
    /// Whether a keyring is asked where a server answers 401.
    pub keyring: KeyringProvider,
}

impl Default for NetworkOptions {
    /// 15 seconds, 5 retries, 50 at once.
    fn default() -> Self {
        Self {
            cert: None,
            client_cert: None,
            proxy: None,
            ignore_proxy_variables: false,
            timeout_seconds: 15,
            answer_seconds: None,
            bodies: Bodies::default(),
            retries: 5,
            concurrency: 50,
            offline: false,
            keyring: KeyringProvider::Disabled,
        }
    }
}

impl fmt::Debug for NetworkOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkOptions")
            .field("cert", &self.cert)
            .field("client_cert", &self.client_cert)
            .field("ignore_proxy_variables", &self.ignore_proxy_variables)
            .field("proxy", &self.proxy.as_deref().map(shown))
            .field("timeout_seconds", &self.timeout_seconds)
            .field("answer_seconds", &self.answer_seconds)
            .field("bodies", &self.bodies)
            .field("retries", &self.retries)
            .field("concurrency", &self.concurrency)
            .field("offline", &self.offline)
            .field("keyring", &self.keyring)
            .finish()
    }
}

/// An address for people to read: user name and password are left out.
pub fn without_password(url: &Url) -> String {
    let mut shown = url.clone();
    // An address without a host has neither.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.to_string()
}

/// Text that may be an address, without what may be a password.
fn shown(text: &str) -> String {
    match text.rsplit_once('@') {
        None => text.to_owned(),
        Some((before, after)) => match before.split_once("://") {
            Some((scheme, _)) => format!("{scheme}://{after}"),
            None => after.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_password() {
        let sources = Sources {
            indexes: vec![Url::parse("https://al:hidden@h/simple/").unwrap().into()],
            find_links: vec!["https://bo:hidden@h/links".to_owned(), "al:hidden@h".to_owned()],
            instead: Instead::Everything,
            file_hosts: Vec::new(),
        };
        let network = NetworkOptions {
            proxy: Some("http://al:hid@den@proxy:1".to_owned()),
            ..NetworkOptions::default()
        };
        let text = format!("{sources:?} {network:?}");
        assert!(!text.contains("hid"), "{text}");
        assert!(text.contains("https://h/simple/") && text.contains("http://proxy:1"), "{text}");
    }
}
