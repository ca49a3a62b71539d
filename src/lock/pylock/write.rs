//! Writing: PEP 751's keys in the order in which it names them, packages by name and version, one
//! wheel a line. The same lock gives the same bytes.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::attest::Publisher;
use crate::digest::LockedHashes;
use crate::error::deceives;
use crate::lock::{
    Location, Lock, LockMarker, LockedDependency, LockedFile, LockedPackage, LockedSource, ToolTable,
};

/// Writes a lock. The same lock gives the same bytes.
///
/// A path below the lock's directory is written relative to it. A package that is known by hashes
/// alone, or would have to be built, has no form here: it is written without a source, which every
/// reader refuses, so the caller resolves it first.
pub fn write(lock: &Lock) -> String {
    let mut out = String::from("lock-version = \"1.0\"\n");
    texts(&mut out, "environments", lock.environments.iter().map(|marker| marker.text.as_str()));
    if let Some(python) = &lock.requires_python {
        pair(&mut out, "requires-python", &python.to_string());
    }
    texts(&mut out, "extras", lock.extras.iter().map(AsRef::as_ref));
    texts(&mut out, "dependency-groups", lock.dependency_groups.iter().map(AsRef::as_ref));
    texts(&mut out, "default-groups", lock.default_groups.iter().map(AsRef::as_ref));
    pair(&mut out, "created-by", &lock.created_by);
    if lock.packages.is_empty() {
        out.push_str("packages = []\n");
    }
    let mut packages: Vec<&LockedPackage> = lock.packages.iter().map(Arc::as_ref).collect();
    packages.sort_by(|a, b| {
        let key = |package: &LockedPackage| package.marker.as_ref().map(|marker| marker.text.clone());
        (&a.name, &a.version).cmp(&(&b.name, &b.version)).then_with(|| key(a).cmp(&key(b)))
    });
    for package in packages {
        out.push_str("\n[[packages]]\n");
        write_package(&mut out, package, &lock.file);
    }
    if let Some(tool) = &lock.tool {
        write_tool(&mut out, tool);
    }
    out
}

fn write_package(out: &mut String, package: &LockedPackage, lock: &Path) {
    pair(out, "name", package.name.as_ref());
    if let Some(version) = &package.version {
        pair(out, "version", &version.to_string());
    }
    if let Some(LockMarker { text, .. }) = &package.marker {
        pair(out, "marker", text);
    }
    if let Some(python) = &package.requires_python {
        pair(out, "requires-python", &python.to_string());
    }
    if let Some(dependencies) = &package.dependencies {
        rows(out, "dependencies", dependencies.iter().map(dependency));
    }
    if let Some(index) = &package.index {
        pair(out, "index", index.as_str());
    }
    if !package.publishers.is_empty() {
        rows(out, "attestation-identities", package.publishers.iter().map(identity));
    }
    if let LockedSource::Wheels(files) = &package.source {
        let mut files: Vec<&LockedFile> = files.iter().collect();
        files.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
        match (files.as_slice(), &package.index) {
            // "archive: … a direct reference": a file that no index is known for, at an address.
            // (Such an address ends with the file's name, which the table has no key for.)
            ([file @ LockedFile { location: Location::Url(url), .. }], None)
                if last_of(url) == file.name.as_str() =>
            {
                let all: Vec<String> = files.into_iter().map(|file| wheel(file, lock)).collect();
                let _ = writeln!(out, "archive = {{ {} }}", all.join(", "));
            }
            _ => rows(out, "wheels", files.into_iter().map(|file| wheel(file, lock))),
        }
    }
    if let Some(reason) = &package.yanked {
        out.push_str("\n[packages.tool.pipward]\n");
        pair(out, "yanked", reason);
    }
    if !package.metadata_sha256.is_empty() {
        out.push_str("\n[packages.tool.pipward.metadata-sha256]\n");
        for (name, digest) in &package.metadata_sha256 {
            let _ = writeln!(out, "{} = \"{digest}\"", quoted(name));
        }
    }
}

/// "`attestation-identities` … `kind`", and what else that kind has.
fn identity(publisher: &Publisher) -> String {
    let fields = publisher.fields();
    let keys = std::iter::once(("kind", publisher.kind())).chain(fields);
    keys.map(|(key, value)| format!("{key} = {}", quoted(value))).collect::<Vec<_>>().join(", ")
}

fn dependency(entry: &LockedDependency) -> String {
    let mut keys = vec![format!("name = {}", quoted(entry.name.as_ref()))];
    keys.extend(entry.version.iter().map(|version| format!("version = {}", quoted(&version.to_string()))));
    keys.extend(entry.marker.iter().map(|marker| format!("marker = {}", quoted(&marker.text))));
    keys.join(", ")
}

/// "`name` … Required?: no, not when the last component of path/url would be the same value."
fn wheel(file: &LockedFile, lock: &Path) -> String {
    let name = file.name.as_str();
    let (key, text, is_named) = match &file.location {
        Location::Url(url) => ("url", Cow::Borrowed(url.as_str()), last_of(url) == name),
        Location::Path(path) => {
            let text = relative(path, lock);
            let is_named = text.rsplit('/').next() == Some(name);
            ("path", Cow::Owned(text), is_named)
        }
    };
    // Most of a lock are such rows: each is put together in one place.
    let mut row = String::with_capacity(text.len() + ROOM);
    if !is_named {
        let _ = write!(row, "name = {}, ", quoted(name));
    }
    if let Some(time) = &file.upload_time {
        let _ = write!(row, "upload-time = {time}, ");
    }
    let _ = write!(row, "{key} = {}, ", quoted(&text));
    if let Some(size) = &file.size {
        let _ = write!(row, "size = {size}, ");
    }
    let _ = write!(row, "hashes = {{ {} }}", hashes(&file.hashes));
    row
}

/// How long a row of a wheel is without its address, in bytes.
const ROOM: usize = 192;

fn hashes(hashes: &LockedHashes) -> String {
    let all: Vec<String> = hashes
        .digests()
        .iter()
        .map(|digest| format!("{} = \"{}\"", digest.algorithm(), digest.hex()))
        .collect();
    all.join(", ")
}

/// "If the path is relative it MAY use POSIX-style path separators explicitly for portability."
fn relative(path: &Path, lock: &Path) -> String {
    let lock = std::path::absolute(lock).unwrap_or_else(|_| lock.to_owned());
    let below = lock.parent().and_then(|directory| path.strip_prefix(directory).ok());
    match below {
        Some(below) => {
            below.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
        }
        None => path.display().to_string(),
    }
}

/// `[tool.pipward]`: what a re-lock needs. Nothing in it is needed to install.
fn write_tool(out: &mut String, tool: &ToolTable) {
    out.push_str("\n[tool.pipward]\nformat = 1\n");
    if let Some(cutoff) = &tool.cutoff {
        let _ = writeln!(out, "cutoff = {cutoff}");
    }
    rows(
        out,
        "inputs",
        tool.inputs.iter().map(|(requirement, from)| {
            format!("requirement = {}, from = {}", quoted(requirement), quoted(from))
        }),
    );
    texts(out, "overrides", tool.overrides.iter().map(String::as_str));
    texts(out, "excludes", tool.excludes.iter().map(String::as_str));
    if let Some(fingerprint) = &tool.fingerprint {
        pair(out, "fingerprint", &fingerprint.to_string());
    }
    if !tool.cutoffs.is_empty() {
        out.push_str("\n[tool.pipward.cutoffs]\n");
        for (name, cutoff) in &tool.cutoffs {
            let _ = writeln!(out, "{} = {cutoff}", quoted_key(name.as_ref()));
        }
    }
    if !tool.options.is_empty() {
        out.push_str("\n[tool.pipward.options]\n");
        for (name, value) in &tool.options {
            pair(out, &quoted_key(name), value);
        }
    }
}

fn pair(out: &mut String, key: &str, value: &str) {
    let _ = writeln!(out, "{key} = {}", quoted(value));
}

/// An array of strings, one a line where there are several; left out when empty.
fn texts<'t>(out: &mut String, key: &str, values: impl Iterator<Item = &'t str>) {
    let values: Vec<String> = values.map(quoted).collect();
    match values.as_slice() {
        [] => {}
        [only] => {
            let _ = writeln!(out, "{key} = [{only}]");
        }
        several => {
            let _ = writeln!(out, "{key} = [\n    {},\n]", several.join(",\n    "));
        }
    }
}

/// An array of inline tables, one a line.
fn rows(out: &mut String, key: &str, rows: impl Iterator<Item = String>) {
    let rows: Vec<String> = rows.map(|row| format!("    {{ {row} }},\n")).collect();
    if rows.is_empty() {
        let _ = writeln!(out, "{key} = []");
    } else {
        let _ = writeln!(out, "{key} = [\n{}]", rows.concat());
    }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        out.push_str(text);
        out.push('"');
        return out;
    }
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if deceives(c) && u32::from(c) > 0xffff => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c if deceives(c) => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn quoted_key(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if is_bare { key.to_owned() } else { quoted(key) }
}

/// The last part of an address.
fn last_of(url: &Url) -> Cow<'_, str> {
    let last = url.path().rsplit('/').next().unwrap_or_default();
    percent_decode_str(last).decode_utf8_lossy()
}

#[cfg(test)]
mod tests;
