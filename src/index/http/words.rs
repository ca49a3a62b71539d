//! What went wrong on the way, as problems. No address in them has credentials.

use reqwest::StatusCode;
use url::Url;

use super::Cap;
use super::credentials::strip;
use super::decode::DecodeError;
use crate::error::{Code, Place, Problem};

/// An address as a place, without credentials: user, password, and the query, in which signed addresses have theirs.
pub(crate) fn place(url: &Url) -> Place {
    let mut url = url.clone();
    strip(&mut url);
    url.set_fragment(None);
    url.set_query(None);
    Place::address(url)
}

/// The problem that a status is.
pub(crate) fn status_problem(status: StatusCode, url: &Url) -> Problem {
    let code = match status.as_u16() {
        404 | 410 => Code::FileNotFound,
        _ => Code::HttpStatus,
    };
    let message = match status.as_u16() {
        404 | 410 => "the server has nothing at this address".to_owned(),
        number => format!("the server answered with status {number}"),
    };
    let problem = Problem::new(code, message).at(place(url)).found(status);
    match status.as_u16() {
        401 => problem.help(
            "give a user name and password in netrc or in the index's address, or keep them where the `keyring` command \
             finds them (--keyring-provider subprocess)",
        ),
        403 | 407 => problem.help("give a user name and password in netrc or in the index's address"),
        404 | 410 => {
            problem.help("name an index that has it with --index-url, or lock again with `pipward lock`")
        }
        _ => problem.help("run the same command again later"),
    }
}

pub(super) fn unreachable_at(url: &Url, why: &str) -> Problem {
    Problem::new(Code::IndexUnreachable, why)
        .at(place(url))
        .help("look at the address, the network and the proxy, and run the same command again")
}

pub(super) fn too_slow(url: &Url) -> Problem {
    unreachable_at(url, "the server answers too slowly").help(
        "run the same command again later; if this server is always that slow, raise `answer-seconds` under [limits] of \
         pipward.toml",
    )
}

/// The problem that a body over the cap is.
pub(crate) fn too_large(url: &Url, cap: Cap) -> Problem {
    Problem::new(Code::IndexPageTooLarge, "the answer is larger than pipward reads")
        .at(place(url))
        .expected(format!("at most {} bytes", cap.bytes))
        .help(format!(
            "find out why it is so large; if it has to be, raise `{}` under [limits] of pipward.toml",
            cap.key
        ))
}

pub(super) fn undecodable(url: &Url, error: DecodeError) -> Problem {
    let problem = match error {
        DecodeError::Unasked(encoding) => {
            Problem::new(Code::IndexPageInvalid, "the answer has a content encoding that was not asked for")
                .found(encoding)
        }
        _ => Problem::new(Code::IndexPageInvalid, "the answer's content encoding is damaged"),
    };
    problem.at(place(url)).help("tell the operator of the server or proxy, or use another")
}

/// The words of the innermost error.
pub(super) fn deepest(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// The problem that a fault of TLS is: the server's certificate, or ours.
pub(super) fn tls_problem(url: &Url, error: &rustls::Error) -> Problem {
    use rustls::AlertDescription as Alert;
    let problem = |message: &str| Problem::new(Code::TlsFailed, message).at(place(url)).cause(error);
    match error {
        rustls::Error::AlertReceived(Alert::CertificateRequired) => {
            problem("the server wants a client certificate")
                .help("name a file with the certificate and its key with --client-cert")
        }
        rustls::Error::AlertReceived(
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError,
        ) => problem("the server does not accept the client certificate")
            .help("name a file with a certificate that it accepts, and its key, with --client-cert"),
        _ => problem("the secure connection could not be made")
            .help("with a private certificate authority, name its file with --cert or SSL_CERT_FILE"),
    }
}

pub(super) fn tls_error(error: &(dyn std::error::Error + 'static)) -> Option<rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls.clone());
        }
        // An I/O error hides what it carries from `source`, and may carry another one.
        let mut inner: Option<&(dyn std::error::Error + 'static)> = carried(error);
        while let Some(error) = inner {
            if let Some(tls) = error.downcast_ref::<rustls::Error>() {
                return Some(tls.clone());
            }
            inner = carried(error);
        }
        next = error.source();
    }
    None
}

fn carried<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> Option<&'e (dyn std::error::Error + 'static)> {
    match error.downcast_ref::<std::io::Error>()?.get_ref() {
        Some(inner) => Some(inner),
        None => None,
    }
}
