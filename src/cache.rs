//! The store of wheels by hash: `<cache>/wheels/<sha256>.whl`.
//!
//! Owns: how a wheel is published there and found again.
//! Never: believes what the store holds. It hands out [`Unverified`] only, hashed while it was
//! copied, and a store that cannot be read or written never stops a run.

mod arriving;
mod body;

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};

pub(crate) use arriving::Arriving;
pub(crate) use body::{Body, read_body};

use crate::beside;
use crate::digest::{Hasher, LockedHashes, Sha256};
use crate::error::{Place, Problem, io as io_problem};
use crate::fetch::{PrivateWriter, Stored, Unverified};
use crate::room::read_sized;
use crate::verify::VerifiedWheel;

/// The largest wheel that is read, in bytes, unless the user says otherwise.
pub(crate) const LARGEST: u64 = 8 << 30;

/// An entry that is larger, in bytes, is copied once it is known to be what was locked, or of the locked size.
const UNSIZED: u64 = 64 << 20;

/// An entry that is no larger, in bytes, is read at once, wherever it is asked for.
pub(crate) const SMALL: u64 = 64 << 10;

/// What the store has of what was asked for.
pub(crate) enum Sought {
    /// It.
    Found(Box<Unverified>),
    /// Nothing.
    Missing,
    /// Something that is large: it takes a while to copy it.
    Large,
}

/// How files begin that are not whole yet: a name that starts with a dot and ends otherwise than an entry is never mistaken
/// for one.
pub(crate) const NEW: &str = ".new-";

/// The store of one user.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// The store under a cache directory. Nothing is made until something is put in.
    pub fn new(cache: &Path) -> Self {
        Self { directory: cache.join("wheels") }
    }

    /// The directory of the wheels. It may not exist.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A private copy of the wheel with one of these hashes, if there is one.
    ///
    /// An entry whose bytes do not have the hash that its name says is removed and not handed out.
    pub fn get(&self, hashes: &LockedHashes, size: Option<u64>) -> Option<Unverified> {
        self.get_within(hashes, size, LARGEST)
    }

    /// As [`Self::get`]; an entry of more than `most` bytes is not read.
    pub(crate) fn get_within(
        &self,
        hashes: &LockedHashes,
        size: Option<u64>,
        most: u64,
    ) -> Option<Unverified> {
        match self.look(hashes, size, most, u64::MAX) {
            Sought::Found(found) => Some(*found),
            Sought::Missing | Sought::Large => None,
        }
    }

    /// As [`Self::get_within`], unless that may take long.
    pub(crate) fn get_at_once(&self, hashes: &LockedHashes, size: Option<u64>, most: u64) -> Sought {
        self.look(hashes, size, most, SMALL)
    }

    fn look(&self, hashes: &LockedHashes, size: Option<u64>, most: u64, at_once: u64) -> Sought {
        for sha256 in hashes.sha256s() {
            let path = self.entry(sha256);
            let Ok((file, found)) = open_sized(&path, false) else { continue };
            if found > at_once {
                return Sought::Large;
            }
            if size.is_some_and(|size| size != found) || found > most {
                // Not what was locked: nothing of it is read. A good one takes its place when the run has ended well.
                continue;
            }
            let is_unsized = size.is_none() && found > UNSIZED;
            let is_other = is_unsized.then(|| is_large_and_other(&path, sha256, most)).transpose();
            let Ok(is_other) = is_other else { continue };
            if is_other != Some(true) {
                let (directory, origin) = (Some(self.directory.as_path()), Place::file(&path));
                let Ok(copied) = copy_sized(file, found, hashes, directory, origin) else { continue };
                if hashes.accept(&copied.computed) && copied.computed.sha256() == sha256 {
                    let found = Unverified { stored: Stored::Yes, ..copied };
                    return Sought::Found(found.into());
                }
            }
            // Whoever changed it has made us download again, and no more than that.
            let _ = std::fs::remove_file(&path);
        }
        Sought::Missing
    }

    /// Publishes a verified wheel by rename. A store that cannot be written is not an error of the run.
    ///
    /// # Errors
    /// `disk-full`, `not-writable`, `file-access`: for the caller to note or to leave.
    pub fn put(&self, wheel: &VerifiedWheel) -> Result<(), Problem> {
        self.publish(wheel.sha256(), wheel.bytes())
    }

    /// Whether an entry is there, as far as its size tells.
    fn has(&self, path: &Path, size: usize) -> bool {
        std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == size as u64)
    }

    fn publish(&self, sha256: Sha256, bytes: &[u8]) -> Result<(), Problem> {
        let path = self.entry(sha256);
        if self.has(&path, bytes.len()) {
            return Ok(());
        }
        write_private(&path, bytes).map_err(|error| io_problem("keeping a wheel in the cache", &path, &error))
    }

    fn entry(&self, sha256: Sha256) -> PathBuf {
        self.directory.join(format!("{sha256}.whl"))
    }
}

/// Why others could have written what a cache holds; `None` where they could not, or nothing is there. (Wheels are hashed
/// again whatever happens; but pages and what interpreters said are believed.)
pub(crate) fn is_shared(cache: &Path) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(cache).ok()?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Some("it belongs to another user");
    }
    // Systems that give each user a group of his own let that group write.
    let by_group = found.mode() & 0o020 != 0 && found.gid() != rustix::process::getegid().as_raw();
    (by_group || found.mode() & 0o002 != 0).then_some("others can write to it")
}

/// Small facts that are written once the run has ended well ([`keep`]): a refused run leaves the cache as it was.
static LATER: Mutex<Vec<(PathBuf, [Bytes; 2])>> = Mutex::new(Vec::new());

/// Remembers an entry of the cache, in two parts, for [`keep`].
pub(crate) fn later(path: PathBuf, start: impl Into<Bytes>, rest: Bytes) {
    LATER.lock().unwrap_or_else(PoisonError::into_inner).push((path, [start.into(), rest]));
}

/// Writes what this run learned: index pages, metadata, interpreters. A cache that cannot be written is
/// not an error of the run.
pub fn keep() {
    // Held until all is written: whoever keeps at the same time returns when everything is there.
    let mut waiting = LATER.lock().unwrap_or_else(PoisonError::into_inner);
    let entries = std::mem::take(&mut *waiting);
    let write = |(path, [start, rest]): &(PathBuf, [Bytes; 2])| {
        if let Err(error) = write_parts(path, [start, rest]) {
            tracing::debug!(%error, "an entry of the cache was not kept");
        }
    };
    match entries.len() > 1 && crate::threads::share().is_ok() {
        true => entries.par_iter().for_each(write),
        false => entries.iter().for_each(write),
    }
}

/// Writes `path` whole or not at all: a temporary file beside it, mode 0600, renamed over it.
/// Directories that are missing are made for this user alone.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_parts(path, [bytes])
}

/// As [`write_private`], part by part: none is held longer than until it is written.
pub(crate) fn write_parts(path: &Path, parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    make_private(directory)?;
    let mut file = tempfile::Builder::new().prefix(NEW).tempfile_in(directory)?;
    let mut writer = io::BufWriter::new(file.as_file_mut());
    parts.into_iter().try_for_each(|part| writer.write_all(part.as_ref()))?;
    writer.flush()?;
    drop(writer);
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(directory)
}

/// Opens a regular file for reading, never following a link that stands at `path` itself and
/// never waiting for a pipe.
pub(crate) fn open_regular(path: &Path, follow: bool) -> io::Result<File> {
    open_sized(path, follow).map(|(file, _)| file)
}

/// As [`open_regular`], with its size.
fn open_sized(path: &Path, follow: bool) -> io::Result<(File, u64)> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut flags = OFlags::NONBLOCK;
        if !follow {
            flags |= OFlags::NOFOLLOW;
        }
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    let found = file.metadata()?;
    if found.is_file() {
        Ok((file, found.len()))
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "this is not a regular file"))
    }
}

/// Whether an entry is so large that a copy of it would be felt, and is not what its name says: it is hashed where it lies.
/// (The copy is hashed again.)
fn is_large_and_other(path: &Path, sha256: Sha256, most: u64) -> io::Result<bool> {
    let file = open_regular(path, false)?;
    let found = file.metadata()?.len();
    if found <= UNSIZED || found > most {
        return Ok(false);
    }
    let mut hasher = Hasher::new(&LockedHashes::sha256(sha256));
    read_all(file.take(found), |bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok(hasher.finish().sha256() != sha256)
}

/// Copies at most `limit` bytes of a file into a private copy, hashing as it goes.
pub(crate) fn copy_private(
    file: File,
    hashes: &LockedHashes,
    limit: u64,
    directory: Option<&Path>,
    origin: Place,
) -> io::Result<Unverified> {
    match file.metadata()?.len() {
        // A pipe says that it has none, and so do files that the system makes up.
        0 => copy_all(file.take(limit), None, hashes, directory, origin),
        size => copy_sized(file, size.min(limit), hashes, directory, origin),
    }
}

/// As [`copy_private`], of a file of so many bytes.
fn copy_sized(
    file: File,
    size: u64,
    hashes: &LockedHashes,
    directory: Option<&Path>,
    origin: Place,
) -> io::Result<Unverified> {
    if size <= SMALL {
        let bytes = read_sized(file, size, size)?;
        return Ok(Unverified::private(bytes, origin, hashes));
    }
    copy_all(file.take(size), Some(size), hashes, directory, origin)
}

fn copy_all(
    mut file: io::Take<File>,
    size: Option<u64>,
    hashes: &LockedHashes,
    directory: Option<&Path>,
    origin: Place,
) -> io::Result<Unverified> {
    let mut writer = PrivateWriter::new(directory, size);
    let mut hasher = Hasher::new(hashes);
    if size.is_some_and(|size| size >= beside::FROM) {
        // One thread reads and hashes, the other one writes.
        let next = |buffer: &mut [u8]| {
            let count = read_some(&mut file, buffer)?;
            hasher.update(buffer.get(..count).unwrap_or_default());
            Ok(Some(count).filter(|count| *count > 0))
        };
        let given_up = io::Error::other("a copy was given up");
        if let Some(copied) = beside::hand_over(next, |bytes| writer.write(bytes), given_up) {
            copied??;
            return finish(writer, hasher, origin);
        }
    }
    read_all(file, |bytes| {
        hasher.update(bytes);
        writer.write(bytes)
    })?;
    finish(writer, hasher, origin)
}

fn finish(writer: PrivateWriter, hasher: Hasher, origin: Place) -> io::Result<Unverified> {
    let (bytes, computed) = (writer.finish()?, hasher.finish());
    Ok(Unverified { bytes, computed, origin, stored: Stored::Unknown })
}

fn read_all(mut file: impl Read, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    // On the stack: many threads copy, and an allocator would keep a buffer for each.
    let mut buffer = [0; 64 << 10];
    loop {
        match read_some(&mut file, &mut buffer)? {
            0 => return Ok(()),
            count => each(buffer.get(..count).unwrap_or_default())?,
        }
    }
}

fn read_some(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn hashes(bytes: &[u8]) -> LockedHashes {
        LockedHashes::sha256(Sha256::of(bytes))
    }

    #[test]
    fn nothing_is_made_until_something_is_put() {
        let cache = tempfile::tempdir().unwrap();
        let store = Store::new(&cache.path().join("deep/cache"));
        assert!(store.get(&hashes(b"x"), None).is_none());
        assert_eq!(std::fs::read_dir(cache.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_put_is_found_and_private() {
        let cache = tempfile::tempdir().unwrap();
        let store = Store::new(&cache.path().join("c"));
        for size in [10, 9 << 20] {
            let bytes = vec![7; size];
            store.publish(Sha256::of(&bytes), &bytes).unwrap();
            let found = store.get(&hashes(&bytes), None).unwrap();
            assert!(found.bytes.as_slice() == bytes);
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(store.directory()), 0o700);
            assert_eq!(mode(&store.entry(Sha256::of(&bytes))), 0o600);
        }
        let left: Vec<_> = std::fs::read_dir(store.directory()).unwrap().collect();
        assert_eq!(left.len(), 2, "no temporary file is left behind");
    }

    #[test]
    fn a_changed_entry_is_removed_and_not_handed_out() {
        let cache = tempfile::tempdir().unwrap();
        let store = Store::new(cache.path());
        store.publish(Sha256::of(b"good"), b"good").unwrap();
        let path = store.entry(Sha256::of(b"good"));
        std::fs::write(&path, b"evil").unwrap();
        assert!(store.get(&hashes(b"good"), None).is_none());
        assert!(!path.exists());
    }

    #[test]
    fn a_large_entry_of_unknown_size_is_hashed_before_it_is_copied() {
        let cache = tempfile::tempdir().unwrap();
        let store = Store::new(cache.path());
        std::fs::create_dir_all(store.directory()).unwrap();
        let wanted = Sha256::of(b"good");
        let path = store.entry(wanted);
        let sparse = |size: u64| File::create(&path).unwrap().set_len(size).unwrap();
        sparse(UNSIZED + 1);
        assert!(is_large_and_other(&path, wanted, LARGEST).unwrap());
        assert!(!is_large_and_other(&path, wanted, UNSIZED).unwrap(), "what is too large is not read");
        assert!(store.get_within(&hashes(b"good"), None, UNSIZED).is_none() && path.exists());
        assert!(store.get(&hashes(b"good"), Some(4)).is_none() && path.exists());
        assert!(store.get(&hashes(b"good"), None).is_none() && !path.exists());
        sparse(UNSIZED);
        assert!(
            !is_large_and_other(&path, wanted, LARGEST).unwrap(),
            "a small one is copied and hashed at once"
        );
        assert!(store.get(&hashes(b"good"), None).is_none() && !path.exists());
    }

    #[test]
    fn what_is_large_is_not_read_at_once() {
        let cache = tempfile::tempdir().unwrap();
        let store = Store::new(cache.path());
        for (size, is_large) in [(0, false), (SMALL, false), (SMALL + 1, true)] {
            let bytes = vec![7; usize::try_from(size).unwrap()];
            let wanted = hashes(&bytes);
            let sought = || store.get_at_once(&wanted, Some(size), LARGEST);
            assert!(matches!(sought(), Sought::Missing), "{size}");
            store.publish(Sha256::of(&bytes), &bytes).unwrap();
            assert_eq!(matches!(sought(), Sought::Large), is_large, "{size}");
            assert_eq!(matches!(sought(), Sought::Found(_)), !is_large, "{size}");
            assert_eq!(store.get(&wanted, None).unwrap().stored, Stored::Yes);
        }
    }

    #[test]
    fn a_link_is_not_followed() {
        let cache = tempfile::tempdir().unwrap();
        let store = Store::new(cache.path());
        std::fs::create_dir_all(store.directory()).unwrap();
        let outside = cache.path().join("outside");
        std::fs::write(&outside, b"good").unwrap();
        std::os::unix::fs::symlink(&outside, store.entry(Sha256::of(b"good"))).unwrap();
        assert!(store.get(&hashes(b"good"), None).is_none());
    }

    #[test]
    fn any_of_several_hashes_finds_its_file() {
        let cache = tempfile::tempdir().unwrap();
        let store = Store::new(cache.path());
        store.publish(Sha256::of(b"two"), b"two").unwrap();
        let digests = [&b"one"[..], b"two"]
            .map(|bytes| crate::digest::StrongDigest::Sha256(Sha256::of(bytes)))
            .to_vec();
        let any = LockedHashes::new(crate::digest::Match::Any, digests).unwrap();
        assert_eq!(store.get(&any, None).unwrap().bytes.as_slice(), b"two");
    }
}
