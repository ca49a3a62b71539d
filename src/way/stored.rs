//! What the cache holds: wheels by hash, index pages, small facts.
//!
//! Owns: listing it, and removing from it. Never: follows a link, or removes a directory that is not the cache's own.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::cache::{NEW, Store, open_regular};
use crate::error::{Problem, io};

/// The directories of a cache besides that of the wheels.
const FACTS: [&str; 4] = ["index", "metadata", "interpreters", "witness"];
/// A wheel that is not whole yet is written on within this time, or nobody does.
const ABANDONED: Duration = Duration::from_secs(3600);
/// Where the directory of an archive begins at the earliest, from its end, in bytes.
const TAIL: u64 = 256 << 10;

/// A wheel in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWheel {
    /// `name-version`, as its `.dist-info` directory has it; the hash where that cannot be told.
    pub name: String,
    /// Its SHA-256, as its file name has it.
    pub sha256: String,
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// When it was stored.
    pub stored: SystemTime,
}

/// The wheels, by name.
///
/// # Errors
/// Those of reading the directory.
pub fn wheels(cache: &Path) -> Result<Vec<StoredWheel>, Problem> {
    let mut found = Vec::new();
    for (path, size, stored) in files(Store::new(cache).directory())? {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_none_or(|extension| extension != "whl") {
            continue;
        }
        let name = name_of(&path).unwrap_or_else(|| stem.clone());
        found.push(StoredWheel { name, sha256: stem, path, size, stored });
    }
    found.sort_by(|one, other| (&one.name, &one.sha256).cmp(&(&other.name, &other.sha256)));
    Ok(found)
}

/// Number and size of the other files: index pages and facts.
///
/// # Errors
/// Those of reading a directory.
pub fn facts(cache: &Path) -> Result<(usize, u64), Problem> {
    let all = fact_files(cache)?;
    Ok((all.len(), all.iter().map(|(_, size, _)| size).sum()))
}

/// Removes what runs that were killed have left unfinished in the store: nobody has touched it for an hour. Returns number
/// and size of what went.
///
/// # Errors
/// Those of reading the directory, or of removing a file.
pub fn sweep(cache: &Path, now: SystemTime) -> Result<(usize, u64), Problem> {
    let (mut count, mut size) = (0, 0);
    for (path, bytes, written) in files(Store::new(cache).directory())? {
        let is_new = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(NEW.as_bytes()));
        if is_new && now.duration_since(written).is_ok_and(|been| been > ABANDONED) {
            unlink(&path)?;
            count += 1;
            size += bytes;
        }
    }
    Ok((count, size))
}

/// Removes wheels. Returns number and size of what went.
///
/// # Errors
/// Those of removing a file.
pub fn remove(wheels: &[StoredWheel]) -> Result<(usize, u64), Problem> {
    for wheel in wheels {
        unlink(&wheel.path)?;
    }
    Ok((wheels.len(), wheels.iter().map(|wheel| wheel.size).sum()))
}

/// Removes everything but the directory itself.
///
/// # Errors
/// Those of removing a file.
pub fn purge(cache: &Path, now: SystemTime) -> Result<(usize, u64), Problem> {
    let (mut count, mut size) = remove(&wheels(cache)?)?;
    let unfinished = sweep(cache, now)?;
    (count, size) = (count + unfinished.0, size + unfinished.1);
    for (path, bytes, _) in fact_files(cache)? {
        unlink(&path)?;
        count += 1;
        size += bytes;
    }
    Ok((count, size))
}

/// The wheels that go for the rest to be younger than `age` and together at most `size` bytes; the oldest go first.
pub fn too_much(
    wheels: &[StoredWheel],
    age: Option<Duration>,
    size: Option<u64>,
    now: SystemTime,
) -> Vec<StoredWheel> {
    let mut sorted: Vec<&StoredWheel> = wheels.iter().collect();
    sorted.sort_by(|one, other| other.stored.cmp(&one.stored).then(one.sha256.cmp(&other.sha256)));
    let mut total = 0_u64;
    sorted
        .into_iter()
        .filter(|wheel| {
            let old = age.is_some_and(|age| now.duration_since(wheel.stored).is_ok_and(|been| been > age));
            let fits = size.is_none_or(|size| total.saturating_add(wheel.size) <= size);
            if !old && fits {
                total = total.saturating_add(wheel.size);
            }
            old || !fits
        })
        .cloned()
        .collect()
}

fn fact_files(cache: &Path) -> Result<Vec<(PathBuf, u64, SystemTime)>, Problem> {
    let mut all = Vec::new();
    for directory in FACTS {
        all.extend(files(&cache.join(directory))?);
    }
    Ok(all)
}

/// The regular files beneath a directory, links not followed.
fn files(directory: &Path) -> Result<Vec<(PathBuf, u64, SystemTime)>, Problem> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        if directory.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            continue;
        }
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(io("reading the cache", directory, &error)),
        };
        for entry in entries.flatten() {
            let Ok(about) = entry.path().symlink_metadata() else { continue };
            if about.is_dir() {
                waiting.push(entry.path());
            } else if about.is_file() {
                found.push((entry.path(), about.len(), about.modified().unwrap_or(SystemTime::UNIX_EPOCH)));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn unlink(path: &Path) -> Result<(), Problem> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(io("removing a file of the cache", path, &error))
        }
        _ => Ok(()),
    }
}

/// What the names at the end of an archive tell. Nothing relies on it.
fn name_of(path: &Path) -> Option<String> {
    let mut file = open_regular(path, false).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail).ok()?;
    let mark = b".dist-info/RECORD";
    let at = tail.windows(mark.len()).rposition(|window| window == mark)?;
    let before = tail.get(..at)?;
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-+!".contains(byte);
    let start = before.iter().rposition(|byte| !belongs(byte)).map_or(0, |at| at + 1);
    String::from_utf8(before.get(start..)?.to_vec()).ok().filter(|name| name.contains('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_goes_after_an_hour() {
        let cache = tempfile::tempdir().unwrap();
        let wheels = cache.path().join("wheels");
        std::fs::create_dir(&wheels).unwrap();
        for name in [".new-a", "b.whl"] {
            std::fs::write(wheels.join(name), "x").unwrap();
        }
        let after = |seconds| SystemTime::now() + Duration::from_secs(seconds);
        assert_eq!(sweep(cache.path(), after(3000)).unwrap(), (0, 0));
        assert_eq!(sweep(cache.path(), after(4000)).unwrap(), (1, 1));
        assert!(wheels.join("b.whl").is_file() && !wheels.join(".new-a").exists());
    }

    #[test]
    fn the_oldest_go_first() {
        let wheel = |name: &str, size: u64, age: u64| StoredWheel {
            name: name.to_owned(),
            sha256: name.to_owned(),
            path: PathBuf::new(),
            size,
            stored: SystemTime::UNIX_EPOCH + Duration::from_secs(1000 - age),
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let all = [wheel("a", 10, 5), wheel("b", 10, 50), wheel("c", 10, 500)];
        let check = |age: Option<u64>, size: Option<u64>, expected: &[&str]| {
            let mut gone: Vec<String> = too_much(&all, age.map(Duration::from_secs), size, now)
                .into_iter()
                .map(|wheel| wheel.name)
                .collect();
            gone.sort();
            assert_eq!(gone, expected, "{age:?} {size:?}");
        };
        check(None, None, &[]);
        check(Some(100), None, &["c"]);
        check(None, Some(20), &["c"]);
        check(None, Some(5), &["a", "b", "c"]);
        check(Some(10), Some(100), &["b", "c"]);
    }
}
