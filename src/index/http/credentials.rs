//! Who may see which password.
//!
//! Owns: credentials taken out of index addresses and read from netrc, and the rule that each goes
//! to its own origin (scheme, host and port) alone.
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
    indexes: Vec<Login>,
    machines: Vec<Machine>,
}

struct Login {
    origin: url::Origin,
    path: String,
    user: String,
    header: HeaderValue,
}

struct Machine {
    host: String,
    user: String,
    header: HeaderValue,
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
        Self { indexes: Vec::new(), machines: text.as_deref().map(machines).unwrap_or_default() }
    }

    /// Takes the user name and password out of `url`, and keeps them for its origin.
    #[must_use]
    pub(crate) fn take(&mut self, mut url: Url) -> Url {
        if !url.username().is_empty() || url.password().is_some() {
            let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let user = decode(url.username());
            if let Some(header) = basic(&user, &decode(url.password().unwrap_or_default())) {
                self.indexes.push(Login { origin: url.origin(), path: url.path().to_owned(), user, header });
            }
            strip(&mut url);
        }
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
        if let Some(login) = closest {
            return Some(Authorization { user: login.user.clone(), header: login.header.clone() });
        }
        // netrc knows hosts only. Its secrets do not travel in the clear, but to this machine.
        let host = url.host_str()?;
        if url.scheme() != "https" && !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            return None;
        }
        let machine = self.machines.iter().find(|machine| machine.host.eq_ignore_ascii_case(host))?;
        Some(Authorization { user: machine.user.clone(), header: machine.header.clone() })
    }
}

/// Takes the user name and password out of an address.
pub(crate) fn strip(url: &mut Url) {
    // Neither can be refused for an address that has them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
}

fn basic(user: &str, password: &str) -> Option<HeaderValue> {
    let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let mut header = HeaderValue::from_str(&format!("Basic {text}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// The machines of a netrc. `default` is left out on purpose: it would send a password to any
/// host that a page names. `macdef` runs to the next empty line.
fn machines(text: &str) -> Vec<Machine> {
    let mut found = Vec::new();
    let (mut host, mut user, mut password): (Option<String>, String, String) = Default::default();
    let mut in_macro = false;
    let mut close = |host: &mut Option<String>, user: &mut String, password: &mut String| {
        let (user, password) = (std::mem::take(user), std::mem::take(password));
        if let Some((host, header)) = host.take().zip(basic(&user, &password)) {
            found.push(Machine { host, user, header });
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
        let credentials = Credentials { indexes: Vec::new(), machines: machines(text) };
        assert_eq!(sent(&credentials, "https://h.example/").as_deref(), Some("al:s3cret"));
        assert_eq!(sent(&credentials, "https://i.example/").as_deref(), Some("bo:x"));
        for none in ["http://h.example/", "https://other.example/", "https://evil/"] {
            assert_eq!(sent(&credentials, none), None, "{none}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        let mut credentials = Credentials::default();
        let _ = credentials.take(url("https://al:hidden@h/"));
        assert!(!format!("{credentials:?}").contains("hidden"));
        assert!(!format!("{:?}", credentials.header(&url("https://h/")).unwrap().header).contains("Basic"));
    }
}
