//! Settings from outside the command line: flags > environment > pip's own files.
//!
//! Owns: reading the environment and pip's configuration for addresses, TLS and proxy.
//! Never: takes from them anything that loosens a promise, and never prints an address with
//! its credentials.

mod indexes;
mod limits;
pub mod pip;
mod settings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use url::Url;

use crate::error::{Code, Problem, without_passwords};
use crate::index::{FileHost, IndexSource, Instead, PYPI, Sources};
use crate::requirements::SourceOptions;

pub use limits::Limits;
pub use settings::{Optional, Settings};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ValueOrigin {
    /// A file of pip's.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
}

/// What stands around a run: variables and pip's own files.
#[derive(Debug, Clone, Default)]
pub struct Config {
    variables: BTreeMap<String, String>,
    /// By option name (`index-url`), with where each was read. Later files have won already.
    pip: BTreeMap<String, (String, ValueOrigin)>,
}

/// What the command line says about sources.
#[derive(Debug, Clone, Default)]
pub struct SourceFlags {
    /// `--index-url`.
    pub index_url: Option<String>,
    /// `--extra-index-url`.
    pub extra_index_urls: Vec<String>,
    /// `--find-links`.
    pub find_links: Vec<String>,
    /// `--no-index`.
    pub no_index: bool,
}

/// The options that are taken from pip's files and variables everywhere.
const FROM_PIP: [&str; 6] = ["index-url", "extra-index-url", "cert", "client-cert", "proxy", "timeout"];

impl Config {
    /// Reads the environment of this process and pip's files.
    ///
    /// # Errors
    /// `requirement-syntax` for a pip.conf that cannot be read as one.
    pub fn load() -> Result<Self, Problem> {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let mut config = Self { variables, pip: BTreeMap::new() };
        let from_pip = config.pip_config(config.variable("VIRTUAL_ENV").map(Path::new), false)?;
        config.pip = from_pip.for_command("install");
        config.pip.retain(|option, _| FROM_PIP.contains(&option.as_str()));
        Ok(config)
    }

    /// The variables whose names begin with `PIP_`.
    pub fn pip_variables(&self) -> impl Iterator<Item = (&String, &String)> {
        self.variables.iter().filter(|(name, _)| name.starts_with("PIP_"))
    }

    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// `PIP_CERT`, or `cert` of a pip.conf; else what the HTTP library of pip looks for: `REQUESTS_CA_BUNDLE`, then
    /// `CURL_CA_BUNDLE`.
    pub fn cert(&self) -> Option<PathBuf> {
        let from_pip = self.pip.get("cert").map(|(value, _)| value.as_str());
        let bundle = || self.variable("REQUESTS_CA_BUNDLE").or_else(|| self.variable("CURL_CA_BUNDLE"));
        from_pip.or_else(bundle).map(PathBuf::from)
    }

    /// `PIP_CLIENT_CERT`, or `client-cert` of a pip.conf.
    pub fn client_cert(&self) -> Option<PathBuf> {
        self.pip.get("client-cert").map(|(value, _)| PathBuf::from(value))
    }

    /// `PIP_PROXY`, or `proxy` of a pip.conf.
    pub fn proxy(&self) -> Option<String> {
        self.pip.get("proxy").map(|(value, _)| value.clone())
    }

    /// `PIP_TIMEOUT` in seconds, or `timeout` of a pip.conf.
    pub fn timeout_seconds(&self) -> Option<u64> {
        self.pip.get("timeout").and_then(|(value, _)| value.trim().parse().ok())
    }

    /// `$XDG_CACHE_HOME/pipward`, else `~/.cache/pipward`.
    pub fn user_cache_directory(&self) -> Option<PathBuf> {
        let base = self
            .variable("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| Some(Path::new(self.variable("HOME")?).join(".cache")))?;
        Some(base.join("pipward"))
    }

    /// The sources of a run. The index that is asked for every name: flags, else the requirements file's options, else
    /// pipward.toml, else variables and pip's files, else PyPI. Indexes of pipward.toml with names of their own stand
    /// beside it.
    ///
    /// # Errors
    /// `address-refused` for an index address that is not http or https, `config-invalid` for `PIPWARD_FILE_HOSTS`.
    pub fn sources(
        &self,
        flags: &SourceFlags,
        file: &SourceOptions,
        settings: &Settings,
    ) -> Result<Sources, Problem> {
        let find_links = flags.find_links.iter().chain(&file.find_links);
        let find_links = find_links.map(|place| self.at_home(place)).collect();
        let file_hosts = self.file_hosts(settings)?;
        if flags.no_index || file.no_index {
            return Ok(Sources { indexes: Vec::new(), find_links, instead: Instead::Everything, file_hosts });
        }
        let mut own: Vec<IndexSource> = settings.indexes.clone();
        let typed = flags.index_url.as_ref().or(file.index_url.as_ref());
        let has_general = own.iter().any(|index| index.packages.is_empty());
        let from_pip = self.pip.get("index-url").map(|(value, _)| value);
        let (main, instead) = match (typed, from_pip) {
            (Some(typed), _) if flags.index_url.is_some() => (Some(typed.as_str()), Instead::Everything),
            // A file that is installed from does not say where the names of an index of the configuration come from.
            (Some(typed), _) => (Some(typed.as_str()), Instead::Unpinned),
            (None, _) if has_general => (None, Instead::Nothing),
            (None, Some(from_pip)) => (Some(from_pip.as_str()), Instead::Unpinned),
            (None, None) => (Some(PYPI), Instead::Nothing),
        };
        let mut indexes = Vec::new();
        if let Some(main) = main {
            let url = index_url(main)?;
            // What the configuration knows of that index holds for it.
            let known = own.iter().position(|index| index.packages.is_empty() && is_same(&index.url, &url));
            let known = known.map(|at| own.remove(at));
            let known = known.unwrap_or_else(|| url.clone().into());
            // pip tells its own default without the last slash.
            let written = match instead {
                Instead::Nothing => PYPI.trim_end_matches('/').to_owned(),
                _ => without_passwords(main).into_owned(),
            };
            indexes.push(IndexSource { url, written: Some(written), ..known });
            own.retain(|index| !index.packages.is_empty());
        }
        let pinned = own.into_iter().map(|index| self.with_login(index));
        indexes.splice(0..0, pinned);
        let extra_from_pip =
            self.pip.get("extra-index-url").map(|(value, _)| value.as_str()).unwrap_or_default();
        let extras = flags.extra_index_urls.iter().chain(&file.extra_index_urls).map(String::as_str);
        for extra in extras.chain(extra_from_pip.split_whitespace()) {
            let url = index_url(extra)?;
            if !indexes.iter().any(|index| index.packages.is_empty() && index.url == url) {
                indexes
                    .push(IndexSource { written: Some(without_passwords(extra).into_owned()), ..url.into() });
            }
        }
        Ok(Sources { indexes, find_links, instead, file_hosts })
    }

    /// A path that begins with `~`, beneath the user's own directory where there is such a one.
    fn at_home(&self, place: &str) -> String {
        let path = self.variable("HOME").zip(place.strip_prefix("~/"));
        let path = path.map(|(home, rest)| Path::new(home).join(rest)).filter(|path| path.exists());
        path.map_or_else(|| place.to_owned(), |path| path.display().to_string())
    }

    /// The hosts of `PIPWARD_FILE_HOSTS` and of `file-hosts` in the configuration.
    fn file_hosts(&self, settings: &Settings) -> Result<Vec<FileHost>, Problem> {
        const NAME: &str = "PIPWARD_FILE_HOSTS";
        let mut hosts = settings.file_hosts.clone();
        for text in self.variable(NAME).unwrap_or_default().split_whitespace() {
            hosts.push(text.parse().map_err(|_| {
                Problem::new(Code::ConfigInvalid, format!("{NAME} names something that is not a host"))
                    .expected("hosts such as files.example.org, with spaces between them")
            })?);
        }
        Ok(hosts)
    }

    /// All that pip's files and variables say, for an environment at `site`. `isolated` leaves out variables and the
    /// user's files.
    ///
    /// # Errors
    /// `requirement-syntax` for a file that cannot be read.
    pub fn pip_config(&self, site: Option<&Path>, isolated: bool) -> Result<pip::PipConfig, Problem> {
        let files = pip::files(&|name| self.variable(name).map(str::to_owned), site, isolated);
        pip::PipConfig::read(&files, self.variables.iter().filter(|_| !isolated))
    }
}

/// Whether two addresses are of one index, whoever asks it.
fn is_same(left: &Url, right: &Url) -> bool {
    crate::index::without_password(left) == crate::index::without_password(right)
}

/// The file of this program, links followed.
///
/// # Errors
/// Where the system does not tell.
pub fn program() -> std::io::Result<PathBuf> {
    std::env::current_exe()?.canonicalize()
}

fn index_url(text: &str) -> Result<Url, Problem> {
    let refused = |why: &str| {
        Problem::new(Code::AddressRefused, format!("the address of an index {why}"))
            .expected("an http or https address such as https://pypi.org/simple/")
            .help("give the address with --index-url")
    };
    let mut url = match Url::parse(text) {
        Ok(url) => url,
        // pip takes a local directory for an index address.
        Err(_) if Path::new(text).is_dir() => std::path::absolute(text)
            .ok()
            .and_then(|path| Url::from_directory_path(path).ok())
            .ok_or_else(|| refused("is a directory that cannot be named"))?,
        Err(_) => return Err(refused("cannot be read")),
    };
    if !matches!(url.scheme(), "http" | "https" | "file") {
        return Err(refused("is not an http or https one").found(url.scheme()));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pip: &[(&str, &str)]) -> Config {
        let origin = || ValueOrigin::Variable("TEST".into());
        Config {
            pip: pip.iter().map(|(k, v)| ((*k).into(), ((*v).into(), origin()))).collect(),
            ..Config::default()
        }
    }

    fn check(config: &Config, flags: &SourceFlags, expected: &[&str]) {
        let sources = config.sources(flags, &SourceOptions::default(), &Settings::default()).unwrap();
        let indexes: Vec<&str> = sources.indexes.iter().map(|index| index.url.as_str()).collect();
        assert_eq!(indexes, expected);
    }

    #[test]
    fn flags_come_before_variables_and_those_before_pypi() {
        let flags =
            SourceFlags { index_url: Some("https://one.example/simple".into()), ..Default::default() };
        let pip = config(&[
            ("index-url", "https://two.example/simple/"),
            ("extra-index-url", "https://a.example/ https://b.example/"),
        ]);
        check(&config(&[]), &SourceFlags::default(), &[PYPI]);
        check(
            &pip,
            &SourceFlags::default(),
            &["https://two.example/simple/", "https://a.example/", "https://b.example/"],
        );
        check(&pip, &flags, &["https://one.example/simple/", "https://a.example/", "https://b.example/"]);
        check(&pip, &SourceFlags { no_index: true, ..flags }, &[]);
    }

    #[test]
    fn odd_addresses_are_refused() {
        for bad in ["ftp://x.example/", "nonsense", "javascript:alert(1)"] {
            let flags = SourceFlags { index_url: Some(bad.into()), ..Default::default() };
            let found = config(&[])
                .sources(&flags, &SourceOptions::default(), &Settings::default())
                .map_err(|problem| problem.code());
            assert_eq!(found.err(), Some(Code::AddressRefused), "{bad}");
        }
    }
}
