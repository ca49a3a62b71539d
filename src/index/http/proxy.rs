//! Which proxy is asked.
//!
//! Owns: that what stands for a proxy is an address, so that no part of a password is taken for the name of a host.
//! Never: shows it.

use reqwest::{ClientBuilder, Proxy};
use url::Url;

use crate::error::{Code, Problem};
use crate::index::NetworkOptions;

/// The variables that reqwest takes a proxy from.
const VARIABLES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The kinds of proxy that can be asked.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// Sets the proxy of the options, whatever `NO_PROXY` says, as pip does; else that of the variables.
///
/// # Errors
/// `address-refused`.
pub(super) fn set(builder: ClientBuilder, options: &NetworkOptions) -> Result<ClientBuilder, Problem> {
    if let Some(proxy) = &options.proxy {
        // The error could repeat a password, so it is not shown.
        let proxy =
            Some(proxy).filter(|proxy| is_address(proxy)).and_then(|proxy| Proxy::all(proxy.as_str()).ok());
        let proxy = proxy.ok_or_else(|| refused("the address of the proxy cannot be read"))?;
        return Ok(builder.proxy(proxy));
    }
    if options.ignore_proxy_variables {
        return Ok(builder.no_proxy());
    }
    let wrong = VARIABLES.into_iter().find(|name| {
        std::env::var_os(name)
            .is_some_and(|value| !value.is_empty() && !value.to_str().is_some_and(is_address))
    });
    match wrong {
        Some(name) => {
            Err(refused(&format!("the address of the proxy in the variable {name} cannot be read")))
        }
        None => Ok(builder),
    }
}

/// Whether any proxy is named.
pub(super) fn may_be_asked(options: &NetworkOptions) -> bool {
    options.proxy.is_some()
        || !options.ignore_proxy_variables
            && VARIABLES.into_iter().any(|name| std::env::var_os(name).is_some())
}

/// Whether a proxy is what its writer means: a `/` or `#` in a password ends what a reader takes for the host.
fn is_address(text: &str) -> bool {
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    Url::parse(&whole).is_ok_and(|url| {
        if !SCHEMES.contains(&url.scheme()) {
            return false;
        }
        let behind = [Some(url.path()), url.query(), url.fragment()];
        url.has_host() && !behind.into_iter().flatten().any(|part| part.contains('@'))
    })
}

fn refused(what: &str) -> Problem {
    Problem::new(Code::AddressRefused, what)
        .help("write it as http://host:port; `/`, `#` and `?` in a password are written %2F, %23 and %3F")
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn a_password_with_a_separator_is_no_address() {
        for address in [
            "http://h:1",
            "h",
            "h:1",
            "me:secret@h:1",
            "http://me:a%2Fb@h/",
            "socks5://h:1",
            "http://[::1]:1/x",
        ] {
            assert!(is_address(address), "{address}");
        }
        for text in
            ["http://secret:x/y@h", "secret:1/y@h", "http://me:a?b@h", "http://me:1#b@h", "http://", ""]
        {
            assert!(!is_address(text), "{text}");
        }
    }
}
