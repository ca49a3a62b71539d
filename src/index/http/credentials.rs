//! Who may see which password.
//!
//! Owns: credentials taken out of index addresses and read from netrc, the rule that each goes to its own origin
//! (scheme, host and port) alone, and the names under which a keyring may know one.
//! Never: formats one. Neither `Debug` nor any error shows them.

use std::fmt;
use std::path::PathBuf;

use base64::Engine as _;
use percent_encoding::percent_decode_str;
use reqwest::header::HeaderValue;
use url::Url;

/// The largest netrc that is read: 1 MiB.
const NETRC_CAP: u64 = 1 << 20;

/// The credentials of this run.
#[derive(Default)]
pub(crate) struct Credentials {
    /// The addresses that the user named, without credentials.
    named: Vec<Url>,
    indexes: Vec<Login>,
    machines: Vec<Machine>,
}

struct Login {
    origin: url::Origin,
    path: String,
    authorization: Authorization,
}

struct Machine {
    host: String,
    authorization: Authorization,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// A header for one request, with the user that it names.
#[derive(Clone)]
pub(crate) struct Authorization {
    pub(crate) user: String,
    pub(crate) header: HeaderValue,
    /// Whether there is no password beside the user.
    pub(super) lacks_password: bool,
}

impl Authorization {
    /// RFC 7617. `None` for what no header can carry.
    pub(crate) fn basic(user: &str, password: &str) -> Option<Self> {
        let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        let mut header = HeaderValue::from_str(&format!("Basic {text}")).ok()?;
        header.set_sensitive(true);
        Some(Self { user: user.to_owned(), header, lacks_password: password.is_empty() })
    }
}

impl Credentials {
    /// What netrc has: the file that `NETRC` names, else `~/.netrc`. No file is no credentials.
    pub(crate) fn from_netrc() -> Self {
        let path = std::env::var_os("NETRC")
            .map(PathBuf::from)
            .or_else(|| std::env::home_dir().map(|home| home.join(".netrc")));
        let text = path.and_then(|path| {
            let file = crate::cache::open_regular(&path, true).ok()?;
            let mut text = String::new();
            std::io::Read::read_to_string(&mut std::io::Read::take(file, NETRC_CAP), &mut text).ok()?;
            Some(text)
        });
        Self { machines: text.as_deref().map(machines).unwrap_or_default(), ..Self::default() }
    }

    /// Takes the user name and password out of `url`, and keeps them for its origin.
    #[must_use]
    pub(crate) fn take(&mut self, mut url: Url) -> Url {
        if !url.username().is_empty() || url.password().is_some() {
            let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let user = decode(url.username());
            let password = decode(url.password().unwrap_or_default());
            if let Some(authorization) = Authorization::basic(&user, &password) {
                let (origin, path) = (url.origin(), url.path().to_owned());
                self.indexes.push(Login { origin, path, authorization });
            }
            strip(&mut url);
        }
        self.named.push(url.clone());
        url
    }

    /// What to send to `url`. Of several for one origin, the one whose address begins like `url`.
    pub(crate) fn header(&self, url: &Url) -> Option<Authorization> {
        let origin = url.origin();
        let of_origin = || self.indexes.iter().filter(|login| login.origin == origin);
        let closest = of_origin()
            .filter(|login| url.path().starts_with(&login.path))
            .max_by_key(|login| login.path.len())
            .or_else(|| of_origin().next());
        let closest = closest.map(|login| &login.authorization);
        if closest.is_some_and(|login| !login.lacks_password) {
            return closest.cloned();
        }
        // netrc knows hosts only.
        let machine = || {
            let host = url.host_str().filter(|_| is_private(url))?;
            self.machines.iter().find(|machine| machine.host.eq_ignore_ascii_case(host))
        };
        machine().map(|machine| &machine.authorization).or(closest).cloned()
    }

    /// Under which names a keyring may have a password for `url`: the address of the index that it belongs to, then its
    /// host. None for a server to which a secret would travel in the clear, unless the user named it.
    pub(super) fn services(&self, url: &Url) -> Vec<String> {
        let of_origin = self.named.iter().filter(|named| named.origin() == url.origin());
        let index = of_origin.max_by_key(|named| {
            let (ours, theirs) = (url.path().split('/'), named.path().split('/'));
            ours.zip(theirs).take_while(|(our, their)| our == their).count()
        });
        if index.is_none() && !is_private(url) {
            return Vec::new();
        }
        let host = url.host_str().map(|host| match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        });
        index.map(Url::to_string).into_iter().chain(host).collect()
    }
}

/// Whether what is sent to `url` does not travel in the clear, or stays on this machine.
fn is_private(url: &Url) -> bool {
    url.scheme() == "https" || matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Takes the user name and password out of an address.
pub(crate) fn strip(url: &mut Url) {
    // Neither can be refused for an address that has them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

/// The machines of a netrc. `default` is left out on purpose: it would send a password to any
/// host that a page names. `macdef` runs to the next empty line.
fn machines(text: &str) -> Vec<Machine> {
    let mut found = Vec::new();
    let (mut host, mut user, mut password): (Option<String>, String, String) = Default::default();
    let mut in_macro = false;
    let mut close = |host: &mut Option<String>, user: &mut String, password: &mut String| {
        let (user, password) = (std::mem::take(user), std::mem::take(password));
        if let Some((host, authorization)) = host.take().zip(Authorization::basic(&user, &password)) {
            found.push(Machine { host, authorization });
        }
    };
    for line in text.lines() {
        if in_macro {
            in_macro = !line.trim().is_empty();
            continue;
        }
        let mut words = line.split_whitespace().take_while(|word| !word.starts_with('#'));
        while let Some(word) = words.next() {
            match word {
                "machine" => {
                    close(&mut host, &mut user, &mut password);
                    host = words.next().map(str::to_owned);
                }
                "default" => close(&mut host, &mut user, &mut password),
                "login" => user = words.next().unwrap_or_default().to_owned(),
                "password" => password = words.next().unwrap_or_default().to_owned(),
                "account" => {
                    words.next();
                }
                "macdef" => {
                    in_macro = true;
                    break;
                }
                _ => {}
            }
        }
    }
    close(&mut host, &mut user, &mut password);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn sent(credentials: &Credentials, to: &str) -> Option<String> {
        let header = credentials.header(&url(to))?.header;
        let text = header.to_str().unwrap().strip_prefix("Basic ").unwrap().to_owned();
        Some(String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap())
    }

    #[test]
    fn a_password_goes_to_its_own_origin_only() {
        let mut credentials = Credentials::default();
        let stripped = credentials.take(url("https://al:p%40ss@host.example/simple/"));
        assert_eq!(stripped.as_str(), "https://host.example/simple/");
        assert_eq!(sent(&credentials, "https://host.example/x.whl").as_deref(), Some("al:p@ss"));
        assert_eq!(sent(&credentials, "https://host.example:443/x").as_deref(), Some("al:p@ss"));
        for other in [
            "http://host.example/",
            "http://host.example:443/",
            "https://host.example:444/",
            "https://example/",
        ] {
            assert_eq!(sent(&credentials, other), None, "{other}");
        }
    }

    #[test]
    fn the_closest_address_of_an_origin_wins() {
        let mut credentials = Credentials::default();
        let _ = credentials.take(url("https://a:1@h/one/"));
        let _ = credentials.take(url("https://b:2@h/two/"));
        assert_eq!(sent(&credentials, "https://h/two/x/").as_deref(), Some("b:2"));
        assert_eq!(sent(&credentials, "https://h/files/").as_deref(), Some("a:1"));
    }

    #[test]
    fn netrc_is_read_and_its_default_is_not_used() {
        let text = "machine h.example login al password s3cret\nmacdef init\nmachine evil\n\nmachine i.example\n  login bo\n  password x # note\ndefault login d password d\n";
        let credentials = Credentials { machines: machines(text), ..Credentials::default() };
        assert_eq!(sent(&credentials, "https://h.example/").as_deref(), Some("al:s3cret"));
        assert_eq!(sent(&credentials, "https://i.example/").as_deref(), Some("bo:x"));
        for none in ["http://h.example/", "https://other.example/", "https://evil/"] {
            assert_eq!(sent(&credentials, none), None, "{none}");
        }
    }

    #[test]
    fn a_user_without_a_password_leaves_the_word_to_netrc() {
        let mut credentials =
            Credentials { machines: machines("machine h login bo password x"), ..Credentials::default() };
        let _ = credentials.take(url("https://al@h/simple/"));
        let _ = credentials.take(url("https://al@i/simple/"));
        assert_eq!(sent(&credentials, "https://h/simple/x/").as_deref(), Some("bo:x"));
        assert_eq!(sent(&credentials, "https://i/simple/x/").as_deref(), Some("al:"));
    }

    #[test]
    fn a_keyring_is_asked_for_the_index_and_then_for_its_host() {
        let mut credentials = Credentials::default();
        let _ = credentials.take(url("http://al@h:8080/one/simple/"));
        let _ = credentials.take(url("http://h:8080/two/simple/"));
        let check = |asked: &str, expected: &[&str]| {
            assert_eq!(credentials.services(&url(asked)), expected, "{asked}");
        };
        check("http://h:8080/two/simple/x/", &["http://h:8080/two/simple/", "h:8080"]);
        check("http://h:8080/one/files/x", &["http://h:8080/one/simple/", "h:8080"]);
        check("https://other/x", &["other"]);
        check("http://other/x", &[]);
        check("http://127.0.0.1:1/x", &["127.0.0.1:1"]);
    }

    #[test]
    fn debug_shows_nothing() {
        let mut credentials = Credentials::default();
        let _ = credentials.take(url("https://al:hidden@h/"));
        assert!(!format!("{credentials:?}").contains("hidden"));
        assert!(!format!("{:?}", credentials.header(&url("https://h/")).unwrap().header).contains("Basic"));
    }
}
