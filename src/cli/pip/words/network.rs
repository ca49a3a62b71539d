//! Of servers that cannot be reached, or do not give what they were asked for.
//!
//! Never: shows an address with a password; problems have none.

use url::Url;

use super::{unsatisfied, wanted};
use crate::error::{Code, Problem};

/// pip's lines of a fault on the way: of an index, that it has no version; of a file, what failed.
pub(super) fn network(problem: &Problem) -> Option<Vec<String>> {
    let url =
        Url::parse(&problem.place()?.file).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let host = url.host_str()?;
    let cause = problem.cause_text().unwrap_or_default();
    let failed = |kind: &str, what: &str, why: String, hint: String| {
        vec![
            format!("error: {kind}"),
            String::new(),
            format!("× {what} {host} while fetching {url}"),
            format!("╰─> {why}"),
            String::new(),
            format!("hint: {hint}"),
        ]
    };
    Some(match problem.code() {
        Code::IndexUnreachable if !is_of_index(problem, &url) => failed(
            "connection-failed",
            "Failed to connect to",
            system(cause, host),
            format!("see whether this machine reaches {host} at all; a firewall or a proxy may stand between"),
        ),
        Code::TlsFailed if !is_of_index(problem, &url) => failed(
            "ssl-verification-failed",
            "Failed to establish a secure connection to",
            cause.to_owned(),
            "name the authority that signed its certificate with --cert, or find out who answers in its place".to_owned(),
        ),
        Code::IndexUnreachable | Code::TlsFailed | Code::HttpStatus if is_of_index(problem, &url) => vec![
            unsatisfied(problem),
            format!("ERROR: No matching distribution found for {}", wanted(problem)),
        ],
        Code::FileNotFound if problem.package_name().is_none() => {
            vec![format!("404 Client Error: Not Found for url: {url}")]
        }
        _ => return None,
    })
}

/// Whether the page of an index (or of --find-links) was asked for, to find a release.
fn is_of_index(problem: &Problem, url: &Url) -> bool {
    let is_wheel = |text: &str| text.ends_with(".whl");
    problem.package_name().is_some_and(|package| !is_wheel(package)) && !is_wheel(url.path())
}

/// What the system said: `Connection refused (os error 111)` as `[Errno 111] Connection refused`.
fn system(cause: &str, host: &str) -> String {
    if let Some(why) = cause.strip_prefix("failed to lookup address information: ") {
        return format!("Failed to resolve IP address for '{host}' ({why})");
    }
    match cause.trim_end_matches(')').rsplit_once(" (os error ") {
        Some((text, number)) => format!("[Errno {number}] {text}"),
        None => cause.to_owned(),
    }
}
