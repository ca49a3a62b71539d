//! Whether two addresses lead to one file.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};

use pipward_resolver::{PackageName, VerbatimUrl, Version};
use url::Url;

use super::super::Selected;
use crate::digest::LockedHashes;
use crate::error::{Code, Problem, without_passwords};
use crate::requirements::FileRequirement;

/// The hashes that a fragment may name.
const ALGORITHMS: [&str; 6] = ["sha512", "sha384", "sha256", "sha224", "sha1", "md5"];

/// Whether what a dependency names is what was asked for, which has the locked `hashes`: the same place but for the order
/// of what is asked of it, and no hash of the dependency's own that is another.
pub(super) fn is_same(dependency: &Url, asked: &Url, hashes: Option<&LockedHashes>) -> bool {
    let (wanted, own) = (fragment(dependency), fragment(asked));
    let is_right = |algorithm: &str| match (wanted.get(algorithm), own.get(algorithm)) {
        (None, _) => true,
        (Some(wanted), Some(own)) => wanted == own,
        (Some(wanted), None) => hashes.is_some_and(|hashes| {
            hashes.digests().iter().any(|d| d.algorithm() == algorithm && d.hex() == wanted.to_lowercase())
        }),
    };
    place(dependency) == place(asked)
        && wanted.get("subdirectory") == own.get("subdirectory")
        && ALGORITHMS.into_iter().all(is_right)
}

/// An address without what says who asks, where on this machine it is, and what is behind it.
fn place(url: &Url) -> (String, String, Option<u16>, String, BTreeSet<(String, String)>) {
    let host = url.host_str().filter(|host| url.scheme() != "file" || *host != "localhost");
    let query = url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
    let path = url.path().to_owned();
    (url.scheme().to_owned(), host.unwrap_or_default().to_owned(), url.port_or_known_default(), path, query)
}

/// `egg=foo&sha256=…`.
fn fragment(url: &Url) -> BTreeMap<String, String> {
    let pairs = url::form_urlencoded::parse(url.fragment().unwrap_or_default().as_bytes());
    pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

/// That a dependency is another file than the one that was asked for.
pub(super) fn other(
    of: &PackageName,
    of_version: Option<&Version>,
    found: &Selected,
    url: &VerbatimUrl,
    asked: &FileRequirement,
) -> Problem {
    let name = &found.package.name;
    let version = found.package.version.as_ref().map(ToString::to_string).unwrap_or_default();
    let shown = format!("{name} @ {}", without_passwords(url.as_str()));
    let of_version = of_version.map(ToString::to_string).unwrap_or_default();
    Problem::new(
        Code::DependencyVersion,
        format!("it needs {name} from another address than the one that is asked for ({})", asked.place),
    )
    .package(of)
    .cause(format!("{of} {of_version} depends on {shown}"))
    .expected(shown)
    .found(format!("{name} {version}"))
    .help("ask for it by that address; --no-deps leaves out this check alone")
}
