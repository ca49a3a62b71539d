//! One file of a lock: `[[packages.wheels]]` and `[packages.archive]`.
//!
//! Owns: that a locked file has a strong hash, a name that fits its package, and an address that
//! pipward uses. Never: looks at the file itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use pipward_resolver::{PackageName, Version, WheelName};
use url::Url;

use crate::digest::{LockedHashes, Match, StrongDigest};
use crate::document::{Item, Table};
use crate::error::{Code, Place, Problem};
use crate::lock::{Location, LockedFile};

const KEYS: [&str; 7] = ["name", "upload-time", "url", "path", "size", "hashes", "subdirectory"];

/// The package that a file belongs to.
pub(super) struct Owner<'a> {
    pub(super) name: &'a PackageName,
    pub(super) version: Option<&'a Version>,
    /// The lock; relative paths start at its directory.
    pub(super) lock: &'a Path,
}

/// Reads `[[packages.wheels]]`.
pub(super) fn wheels(items: &[Item<'_, '_>], owner: &Owner<'_>) -> Vec<LockedFile> {
    let mut seen = BTreeSet::new();
    let mut version = owner.version.cloned();
    let mut files = Vec::new();
    let mut foreign = Vec::new();
    for item in items {
        let Some(file) = item.table().and_then(|table| wheel(&table, owner)) else { continue };
        if !seen.insert(file.name.as_str().to_owned()) {
            item.reading.report(
                Problem::new(Code::LockSchema, "this wheel is listed twice")
                    .package(&file.name)
                    .at(item.place()),
            );
        }
        // The wheels of one entry are of one version, also where the entry does not name it.
        let version = version.get_or_insert_with(|| file.name.version().clone());
        if file.name.name() != owner.name || file.name.version() != version {
            foreign.push((item, file.name.clone()));
        }
        files.push(file);
    }
    // One of them shows it: the entry was edited by hand.
    if let Some((item, first)) = foreign.first() {
        let found = match foreign.len() {
            1 => first.to_string(),
            count => format!("{first} and {} more", count.saturating_sub(1)),
        };
        let problem = contradiction(owner, version.as_ref()).found(found);
        item.reading.report(problem.at(item.place()));
    }
    // Most entries have one, and all of them stay.
    files.shrink_to_fit();
    files
}

/// Reads `[packages.archive]`: `Some(None)` for one that is not a wheel.
pub(super) fn archive(table: &Table<'_, '_>, owner: &Owner<'_>) -> Option<Option<LockedFile>> {
    let text = |key| table.get(key).and_then(|item| item.value.as_str().map(str::to_owned));
    let last = text("path")
        .and_then(|path| last_of_path(&path))
        .or_else(|| text("url").and_then(|url| Url::parse(&url).ok()).and_then(|url| last_of_url(&url)));
    if last.is_some_and(|name| name.ends_with(".whl")) {
        let file = wheel(table, owner)?;
        let is_foreign = file.name.name() != owner.name
            || owner.version.is_some_and(|version| version != file.name.version());
        if is_foreign {
            let problem = contradiction(owner, owner.version).found(&file.name);
            table.reading.report(problem.at(file.place.clone()));
        }
        return Some(Some(file));
    }
    Some(None)
}

/// Refuses an address that carries a user name or password.
pub(super) fn credentials(place: &Place) -> Problem {
    Problem::new(Code::AddressRefused, "an address carries a user name or password")
        .at(place.clone())
        .help("take them out of the lock; give them by netrc, a variable or the keyring")
}

fn wheel(table: &Table<'_, '_>, owner: &Owner<'_>) -> Option<LockedFile> {
    table.warn_of_unknown(&KEYS);
    let url = table.get("url").map(|item| url(&item, owner));
    let path = table.get("path").map(|item| path(&item, owner));
    if url.is_none() && path.is_none() {
        table.reading.fault(table.place(), "this file has neither `url` nor `path`");
    }
    // "If path is set, use it."
    let (location, last) = match (path.flatten(), url.flatten()) {
        (Some((path, last)), _) => (Some(Location::Path(path)), last),
        (None, Some((url, last))) => (Some(Location::Url(url)), last),
        (None, None) => (None, None),
    };
    let name = name(table, last.as_deref(), owner);
    let size = match table.get("size") {
        Some(item) => Some(item.count()?),
        None => None,
    };
    let upload_time = table.get("upload-time").and_then(|item| item.time());
    let hashes = hashes(table, owner, name.as_ref());
    Some(LockedFile {
        name: name?,
        location: location?,
        size,
        upload_time,
        hashes: hashes?,
        place: table.place(),
    })
}

fn url(item: &Item<'_, '_>, owner: &Owner<'_>) -> Option<(Url, Option<String>)> {
    let text = item.text()?;
    let refuse = |message: &str| {
        // What stands before an `@` may be a password, also in what is no address.
        let found =
            text.rsplit_once('@').map_or_else(|| text.to_owned(), |(_, after)| format!("****@{after}"));
        item.reading.report(
            Problem::new(Code::AddressRefused, message)
                .package(owner.name)
                .at(item.place())
                .expected("an http or https address")
                .found(found)
                .help("write the lock anew with `pipward lock`"),
        );
        None
    };
    let Ok(mut url) = Url::parse(text) else { return refuse("this is not an address") };
    if !url.username().is_empty() || url.password().is_some() {
        item.reading.report(credentials(&item.place()).package(owner.name));
        return None;
    }
    if text.contains(|c: char| c == '\\' || c.is_whitespace() || c.is_control()) {
        return refuse("readers disagree on where this address leads");
    }
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return refuse("pipward does not fetch from this kind of address");
    }
    url.set_fragment(None);
    let last = last_of_url(&url);
    Some((url, last))
}

/// "If a relative path is used it MUST be relative to the location of this file." It may lead upwards, and an absolute one
/// anywhere: what is there is read and hashed, and of the path nothing but its last part becomes a name.
fn path(item: &Item<'_, '_>, owner: &Owner<'_>) -> Option<(PathBuf, Option<String>)> {
    let text = item.text()?;
    if text.is_empty() || text.contains('\\') || text.chars().any(char::is_control) {
        item.reading.report(
            Problem::new(Code::LockSchema, "this path is empty, or has a backslash or a control character")
                .package(owner.name)
                .at(item.place())
                .expected("a path with `/` between its parts")
                .found(text),
        );
        return None;
    }
    let directory = owner.lock.parent().unwrap_or(Path::new(""));
    let path = directory.join(text);
    Some((std::path::absolute(&path).unwrap_or(path), last_of_path(text)))
}

fn last_of_path(path: &str) -> Option<String> {
    path.rsplit('/').next().map(str::to_owned)
}

fn last_of_url(url: &Url) -> Option<String> {
    let last = url.path_segments()?.next_back()?;
    percent_decode_str(last).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The file name: `name`, else the last component of `path` or `url`. Where both are a wheel's name they agree.
fn name(table: &Table<'_, '_>, last: Option<&str>, owner: &Owner<'_>) -> Option<WheelName> {
    let item = table.get("name");
    let given = match &item {
        Some(item) => Some(item.text()?),
        None => None,
    };
    let refuse = |problem: Problem| {
        let place = item.as_ref().map_or_else(|| table.place(), Item::place);
        table.reading.report(problem.package(owner.name).at(place));
        None
    };
    if let (Some(given), Some(last)) = (given, last)
        && last.ends_with(".whl")
        && given != last
    {
        // Other tools write the name as it is normalised today, where the file was named before that was the rule.
        if let (Ok(given), Ok(last)) = (WheelName::parse(given), WheelName::parse(last))
            && is_same(&given, &last)
        {
            return Some(last);
        }
        return refuse(
            Problem::new(Code::WheelName, "the name of this file is not the one in its address")
                .expected(given)
                .found(last)
                .help("write the lock anew with `pipward lock`"),
        );
    }
    let text = given.or(last)?;
    match WheelName::parse(text) {
        Err(error) => refuse(
            Problem::new(Code::WheelName, format!("this is not the file name of a wheel: {error}"))
                .found(text),
        ),
        Ok(name) => Some(name),
    }
}

/// Whether two names are of one file but for their spelling.
fn is_same(one: &WheelName, other: &WheelName) -> bool {
    (one.name(), one.version(), one.build(), one.tag_parts())
        == (other.name(), other.version(), other.build(), other.tag_parts())
}

fn contradiction(owner: &Owner<'_>, version: Option<&Version>) -> Problem {
    let expected = match version {
        Some(version) => format!("a wheel of {} {version}", owner.name),
        None => format!("a wheel of {}", owner.name),
    };
    Problem::new(Code::WheelName, "this wheel is not of the package that lists it")
        .package(owner.name)
        .expected(expected)
        .help("write the lock anew with `pipward lock`")
}

/// "The table MUST contain at least one entry", and one of them is strong. Weak ones beside it say nothing.
fn hashes(table: &Table<'_, '_>, owner: &Owner<'_>, file: Option<&WheelName>) -> Option<LockedHashes> {
    let package = || file.map_or_else(|| owner.name.to_string(), ToString::to_string);
    let (mut strong, mut weak, mut faults) = (Vec::new(), None, Vec::new());
    let item = table.get("hashes");
    if let Some(item) = &item {
        for (algorithm, value) in item.table()?.all() {
            match StrongDigest::parse(algorithm, value.text()?) {
                Ok(digest) => strong.push(digest),
                Err(problem) if problem.code() == Code::HashWeak => {
                    weak.get_or_insert(problem.at(value.place()));
                }
                Err(problem) => faults.push(problem.at(value.place())),
            }
        }
    }
    if !faults.is_empty() {
        faults.into_iter().for_each(|problem| table.reading.report(problem.package(package())));
        return None;
    }
    let hashes = LockedHashes::new(Match::All, strong);
    if hashes.is_none() {
        let missing = || {
            Problem::new(Code::HashMissing, "this file has no hash")
                .at(item.as_ref().map_or_else(|| table.place(), Item::place))
                .expected("hashes = { sha256 = \"…\" }")
                .help("write the lock anew with `pipward lock`, which writes SHA-256")
        };
        table.reading.report(weak.unwrap_or_else(missing).package(package()));
    }
    hashes
}
