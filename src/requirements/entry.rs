//! One requirement: PEP 508, or a bare path or address of a wheel.
//!
//! Owns: which kinds of requirement there are. Never: builds, so what is no wheel is refused.

use std::path::Path;

use pep508_rs::VersionOrUrl;
use percent_encoding::percent_decode_str;
use pipward_resolver::{ExtraName, Requirement, VerbatimUrl, WheelName};
use url::Url;

use super::FileRequirement;
use crate::digest::StrongDigest;
use crate::error::{Code, Place, Problem, without_passwords};
use crate::pep508::{self, Strictness};

/// How much of a line a message shows.
const SHOWN: usize = 200;

/// Reads the text of a requirement with its `--hash` values.
pub(crate) fn read(text: &str, hashes: &[&str], place: &Place) -> Result<FileRequirement, Problem> {
    let requirement = requirement(text).map_err(|problem| problem.at(place.clone()))?;
    let marker_text = marker_text(text);
    let (mut strong, mut faults) = (Vec::new(), Vec::new());
    for given in hashes {
        let read = match given.split_once(':') {
            // pip knows the algorithms by their lower-case names alone.
            Some((algorithm, hex)) if algorithm.bytes().all(|byte| !byte.is_ascii_uppercase()) => {
                StrongDigest::parse(algorithm, hex)
            }
            _ => Err(Problem::new(Code::HashMalformed, "a hash is written algorithm:digits")
                .expected("--hash=sha256:…")
                .found(excerpt(given))),
        };
        match read {
            Ok(digest) => strong.push(digest),
            Err(problem) => faults.push(problem.package(&requirement.name).at(place.clone())),
        }
    }
    let spelled = spelled(text, &requirement.name);
    Ok(FileRequirement {
        requirement,
        spelled,
        marker_text,
        hashes: strong,
        hash_problems: faults,
        place: place.clone(),
        included: None,
    })
}

/// The name at the beginning of a requirement, as it was written.
fn spelled(text: &str, name: &pipward_resolver::PackageName) -> Option<String> {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
    let word = text.get(..end)?;
    let is_it = word.parse::<pipward_resolver::PackageName>().is_ok_and(|word| word == *name);
    is_it.then(|| word.to_owned())
}

fn requirement(text: &str) -> Result<Requirement<VerbatimUrl>, Problem> {
    let text = text.trim();
    let (source, marker) = source_and_marker(text);
    let requirement = match bare(source) {
        Some(named) => named_by_file(&named?, source, marker)?,
        None => pep508::requirement(text, Strictness::Strict).map_err(|reason| syntax(text, &reason))?,
    };
    if let Some(VersionOrUrl::Url(url)) = &requirement.version_or_url {
        check_address(&requirement, url)?;
    }
    Ok(requirement)
}

/// A path or address, and the marker behind it.
fn source_and_marker(text: &str) -> (&str, Option<&str>) {
    match text.split_once(" ;").or_else(|| text.split_once("; ")) {
        Some((source, marker)) => (source.trim(), Some(marker)),
        None => (text.trim(), None),
    }
}

/// The marker of a requirement, as it was written.
fn marker_text(text: &str) -> Option<String> {
    match source_and_marker(text) {
        (source, Some(marker)) if bare(source).is_some() => pep508::marker_text(marker),
        _ => pep508::marker_of_requirement(text),
    }
}

/// Whether a requirement begins with a path or an address that tells no name.
pub(super) fn is_unnamed(text: &str) -> bool {
    // A wheel has its name in that of its file.
    bare(source_and_marker(text).0)
        .is_some_and(|named| named.map_or(true, |named| WheelName::parse(&file_name(&named.url)).is_err()))
}

/// What a requirement names that begins with a path or an address instead of a name.
struct Bare {
    url: Url,
    /// `wheels/x-1.0-py3-none-any.whl[extra]`: a path may be followed by extras.
    extras: Vec<ExtraName>,
}

/// The address of a requirement that begins with a path or an address instead of a name.
fn bare(source: &str) -> Option<Result<Bare, Problem>> {
    let lower = source.to_ascii_lowercase();
    if is_version_control(&lower) {
        return Some(Err(unsupported("a version control address", source)));
    }
    let file = lower.split(['#', '?', '[']).next().unwrap_or_default();
    let is_archive =
        [".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar"].iter().any(|e| file.ends_with(e));
    let has_name =
        source.split_once('@').is_some_and(|(name, _)| !name.contains([':', '/']) && !name.trim().is_empty());
    if has_name {
        return None;
    }
    if source.contains("://") || lower.starts_with("file:") {
        return Some(
            Url::parse(source)
                .map(|url| Bare { url, extras: Vec::new() })
                .map_err(|error| syntax(source, &format!("this address cannot be read: {error}"))),
        );
    }
    let is_path = source.contains('/') || source.contains('\\') || source.starts_with('.') || is_archive;
    // A version or marker may hold a slash only where something else stands before it.
    let is_path = is_path && !source.contains(['<', '>', '=', '~', '!', ';', '"', '\'']);
    is_path.then(|| {
        if !file.ends_with(".whl") {
            return Err(unsupported(if is_archive { "a source archive" } else { "a directory" }, source));
        }
        let (path, fragment) = match source.split_once('#') {
            Some((path, fragment)) => (path, Some(fragment)),
            None => (source, None),
        };
        let (path, extras) = without_extras(path)?;
        let absolute = std::path::absolute(Path::new(path)).ok();
        let mut url = absolute
            .and_then(|path| Url::from_file_path(path).ok())
            .ok_or_else(|| syntax(source, "this path cannot be read"))?;
        url.set_fragment(fragment);
        Ok(Bare { url, extras })
    })
}

/// `x.whl[a,b]`, taken apart.
fn without_extras(path: &str) -> Result<(&str, Vec<ExtraName>), Problem> {
    let Some((file, names)) = path.strip_suffix(']').and_then(|path| path.rsplit_once('[')) else {
        return Ok((path, Vec::new()));
    };
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    let extras: Result<Vec<ExtraName>, _> = names.map(str::parse).collect();
    extras.map(|extras| (file, extras)).map_err(|_| syntax(path, "this is not the name of an extra"))
}

/// Takes the name from the file name of the wheel.
fn named_by_file(
    named: &Bare,
    source: &str,
    marker: Option<&str>,
) -> Result<Requirement<VerbatimUrl>, Problem> {
    let url = &named.url;
    let file = file_name(url);
    if let Some(egg) = egg(url).filter(|egg| egg.parse::<pipward_resolver::PackageName>().is_err()) {
        return Err(syntax(source, "#egg= is followed by the name of a project, and nothing else")
            .found(excerpt(&egg))
            .help("write it as NAME[EXTRA] @ ADDRESS"));
    }
    if !file.ends_with(".whl") {
        return Err(unsupported("an address that does not name a wheel", source));
    }
    let wheel = WheelName::parse(&file).map_err(|error| {
        Problem::new(Code::WheelName, format!("this is not the file name of a wheel: {error}"))
            .found(excerpt(&file))
    })?;
    let marker = match marker {
        Some(marker) => {
            pep508::marker(marker, Strictness::Strict).map_err(|reason| syntax(marker, &reason))?
        }
        None => pipward_resolver::MarkerTree::TRUE,
    };
    Ok(Requirement {
        name: wheel.name().clone(),
        extras: named.extras.clone(),
        version_or_url: Some(VersionOrUrl::Url(VerbatimUrl::from_url(url.clone()))),
        marker,
        origin: None,
    })
}

/// What `#egg=` of an address says.
fn egg(url: &Url) -> Option<String> {
    let all = url.fragment()?.split('&').find_map(|part| part.strip_prefix("egg="))?;
    Some(percent_decode_str(all).decode_utf8_lossy().into_owned())
}

/// `name @ address`: a wheel of that name, without credentials.
fn check_address(requirement: &Requirement<VerbatimUrl>, url: &VerbatimUrl) -> Result<(), Problem> {
    let shown = url.given().unwrap_or_else(|| url.raw().as_str());
    let name = &requirement.name;
    if url.scheme() == "git" || url.scheme().contains('+') {
        return Err(unsupported("a version control address", shown).package(name));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Problem::new(Code::AddressRefused, "an address carries a user name or password")
            .package(name)
            .help("take them out; give them by netrc, a variable or the keyring"));
    }
    if !matches!(url.scheme(), "http" | "https" | "file") {
        return Err(Problem::new(Code::AddressRefused, "pipward does not fetch from this kind of address")
            .package(name)
            .expected("an http, https or file address")
            .found(excerpt(shown)));
    }
    let file = file_name(url.raw());
    if !file.ends_with(".whl") {
        let what = if file.contains(".tar") || file.ends_with(".zip") || file.ends_with(".tgz") {
            "a source archive"
        } else {
            "an address that does not name a wheel"
        };
        return Err(unsupported(what, shown).package(name));
    }
    let refuse = |message: String| {
        Problem::new(Code::WheelName, message)
            .package(name)
            .expected(format!("a wheel of {name}"))
            .found(excerpt(&file))
    };
    match WheelName::parse(&file) {
        Err(error) => Err(refuse(format!("this is not the file name of a wheel: {error}"))),
        Ok(wheel) if wheel.name() != name => Err(refuse("this wheel is of another project".to_owned())),
        Ok(_) => Ok(()),
    }
}

/// The last part of an address, decoded.
pub(crate) fn file_name(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default();
    percent_decode_str(last).decode_utf8_lossy().into_owned()
}

fn is_version_control(text: &str) -> bool {
    ["git+", "hg+", "svn+", "bzr+", "git://"].iter().any(|start| text.starts_with(start))
}

pub(super) fn unsupported(what: &str, text: &str) -> Problem {
    Problem::new(
        Code::RequirementUnsupported,
        format!("this is {what}, and installing it runs the project's code"),
    )
    .found(excerpt(text))
    .help(
        "build a wheel elsewhere, hash it with `pipward hash`, and name it, or its folder with --find-links",
    )
}

pub(super) fn syntax(text: &str, reason: &str) -> Problem {
    Problem::new(Code::RequirementSyntax, format!("this requirement cannot be read: {}", excerpt(reason)))
        .expected("a requirement such as flask==3.1.2")
        .found(excerpt(text))
        .help("mend the line; see `pipward explain requirement-syntax`")
}

/// The beginning of a text, without what could deceive a reader, and without a password.
pub(super) fn excerpt(text: &str) -> String {
    let shown = without_passwords(text);
    let mut out = String::new();
    for c in shown.chars().take(SHOWN) {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    if shown.chars().nth(SHOWN).is_some() {
        out.push('…');
    }
    out
}
