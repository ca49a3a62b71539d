//! Whether the tools did the same: the files of environments, and the content of locks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use sha2::{Digest as _, Sha256};

/// Files that each tool writes in its own words.
const OWN: &[&str] =
    &["RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"];

/// The files of an environment that wheels brought, with their digests. Scripts that installers make are told by name.
pub fn tree(environment: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for part in ["lib", "bin", "share", "etc", "include"] {
        let top = environment.join(part);
        if !top.exists() {
            continue;
        }
        let mut waiting = vec![top];
        while let Some(directory) = waiting.pop() {
            for entry in std::fs::read_dir(directory)? {
                let entry = entry?;
                let (path, kind) = (entry.path(), entry.file_type()?);
                let name = entry.file_name().to_string_lossy().into_owned();
                let compiled =
                    name == "__pycache__" || name.starts_with("_virtualenv") || name.starts_with('.');
                if kind.is_dir() && !compiled {
                    waiting.push(path);
                } else if kind.is_file() && !compiled && !OWN.contains(&name.as_str()) {
                    let shown = path.strip_prefix(environment)?.to_string_lossy().into_owned();
                    let content = if part == "bin" { Vec::new() } else { std::fs::read(&path)? };
                    let digest = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
                    files.insert(shown, digest);
                }
            }
        }
    }
    Ok(files)
}

/// How two trees differ, in a few words; `None` where they do not.
pub fn difference(ours: &BTreeMap<String, String>, theirs: &BTreeMap<String, String>) -> Option<String> {
    let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let differing: Vec<_> = names.into_iter().filter(|name| ours.get(*name) != theirs.get(*name)).collect();
    let first = differing.first()?;
    Some(format!("{} of {} files differ, the first is {first}", differing.len(), ours.len()))
}

/// What a lock pins: name, version and the hashes of wheels.
pub fn pins(lock: &Path) -> Result<BTreeSet<String>> {
    let lock: toml::Table = std::fs::read_to_string(lock)?.parse()?;
    let mut pins = BTreeSet::new();
    for package in lock.get("packages").and_then(toml::Value::as_array).into_iter().flatten() {
        let text = |key: &str| package.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let mut hashes: Vec<&str> = package
            .get("wheels")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|wheel| wheel.get("hashes")?.get("sha256")?.as_str())
            .collect();
        hashes.sort_unstable();
        pins.insert(format!("{} {} {}", text("name"), text("version"), hashes.join(",")));
    }
    Ok(pins)
}

/// The file names of a lock's wheels.
pub fn wheels(lock: &Path) -> Result<Vec<String>> {
    let lock: toml::Table = std::fs::read_to_string(lock)?.parse()?;
    let packages = lock.get("packages").and_then(toml::Value::as_array).into_iter().flatten();
    let wheels = packages.filter_map(|package| package.get("wheels")?.as_array()).flatten();
    let names = wheels.filter_map(|wheel| {
        let url = wheel.get("url")?.as_str()?;
        Some(url.rsplit('/').next()?.to_owned())
    });
    Ok(names.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_compared_by_content() {
        let place = tempfile::tempdir().unwrap();
        let site = place.path().join("lib/site-packages/a");
        std::fs::create_dir_all(&site).unwrap();
        std::fs::write(site.join("a.py"), "1").unwrap();
        std::fs::write(site.join("INSTALLER"), "x").unwrap();
        let before = tree(place.path()).unwrap();
        assert_eq!(before.len(), 1);
        assert_eq!(difference(&before, &before), None);
        std::fs::write(site.join("a.py"), "2").unwrap();
        let told = difference(&before, &tree(place.path()).unwrap()).unwrap();
        assert!(told.ends_with("lib/site-packages/a/a.py"), "{told}");
    }

    #[test]
    fn locks_are_compared_by_what_they_pin() {
        let place = tempfile::tempdir().unwrap();
        let lock = place.path().join("pylock.toml");
        std::fs::write(&lock, "[[packages]]\nname='a'\nversion='1'\nwheels=[{url='http://x/a-1-py3-none-any.whl',hashes={sha256='00'}}]\n").unwrap();
        assert_eq!(pins(&lock).unwrap(), BTreeSet::from(["a 1 00".to_owned()]));
        assert_eq!(wheels(&lock).unwrap(), ["a-1-py3-none-any.whl"]);
    }
}
