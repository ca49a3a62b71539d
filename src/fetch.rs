//! From a locked file to its unverified bytes: from the lock's address, a mirror, or the store.
//!
//! Owns: private copies, and telling a cut or damaged download from other content.
//! Never: looks into what it fetched, or decides that it is the locked file (`verify` does).

mod download;
mod hashing;
mod private;

use std::cmp::Reverse;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pipward_resolver::WheelName;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use crate::cache::{SMALL, Sought, Store, copy_private, open_regular};
use crate::digest::{Computed, Hasher, LockedHashes};
use crate::error::{Code, Place, Problem, io as io_problem};
use crate::index::NetworkOptions;
use crate::index::engine::{Engine, blocking};
use crate::index::http::{Credentials, Http, Kind, place};
use crate::lock::{Location, LockedFile};

pub(crate) use download::Download;
use private::{IN_MEMORY, unwritable};
pub(crate) use private::{PrivateBytes, PrivateWriter};

/// How many fetched files may wait for their turn to be verified. Whoever takes them has them all at once: to be woken for
/// each takes longer than to read a small one.
const WAITING: usize = 64;
/// How much memory they may take then, in units: 512 KiB.
const ROOM: u32 = 128;
/// A unit, in bytes.
const UNIT: usize = 4 << 10;
/// How many files are copied at once from this machine, or wait to be taken. More would only wait for the disk, with a thread
/// and memory each.
const COPIES: usize = 2;
/// A file of this size and more is large: 8 MiB.
const LARGE: u64 = 8 << 20;
/// How many large files come at once. Side by side all of them would be whole at the same time, at the very end, when it is
/// too late to share the work on them.
const LARGE_AT_ONCE: usize = 4;

/// The bytes of an artifact that nobody has verified: no reader, no path.
///
/// They are a private copy: memory, or an unnamed file that no other user can reach.
pub struct Unverified {
    pub(crate) bytes: PrivateBytes,
    pub(crate) computed: Computed,
    pub(crate) origin: Place,
    pub(crate) stored: Stored,
}

/// Whether the store has a file, as far as this run has asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Stored {
    /// It came from there.
    Yes,
    /// It was not there, or not as locked.
    No,
    /// Nobody asked.
    #[default]
    Unknown,
}

impl Unverified {
    /// Hashes bytes that are this process's own. They still have to pass
    /// [`VerifiedWheel::check`](crate::verify::VerifiedWheel::check).
    pub fn private(bytes: Vec<u8>, origin: Place, wanted: &LockedHashes) -> Self {
        let mut hasher = Hasher::new(wanted);
        hasher.update(&bytes);
        let (bytes, computed) = (PrivateBytes::Memory(bytes), hasher.finish());
        Self { bytes, computed, origin, stored: Stored::Unknown }
    }
}

impl std::fmt::Debug for Unverified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unverified").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// What a fetch ended in.
pub type Fetched = Result<Unverified, Problem>;

/// How far a fetch has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Which of the wanted files.
    pub index: usize,
    /// How many of its bytes have arrived. Falls back to 0 where a download is tried again.
    pub bytes: u64,
    /// How many there will be, where that is known.
    pub total: Option<u64>,
}

/// Told of each piece that arrives, from background threads.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// Fetches locked files, many at once.
#[derive(Clone)]
pub struct Fetcher {
    engine: Arc<Engine>,
    store: Option<Store>,
    progress: Option<OnProgress>,
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetcher").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Fetcher {
    /// A fetcher with a client of its own. [`crate::index::Index::fetcher`] makes one that shares the
    /// connections and credentials of an index.
    ///
    /// # Errors
    /// `process-limit` where the system gives no threads.
    pub fn new(network: NetworkOptions, store: Option<Store>) -> Result<Self, Problem> {
        let engine = Engine::new(network, Credentials::from_netrc())?;
        Ok(Self::with_engine(Arc::new(engine), store))
    }

    pub(crate) fn with_engine(engine: Arc<Engine>, store: Option<Store>) -> Self {
        Self { engine, store, progress: None }
    }

    /// The same fetcher, telling how far each file has come.
    #[must_use]
    pub fn on_progress(mut self, progress: OnProgress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Starts fetching, the largest files first. Each file's outcome comes once, with its position in `wanted`, in the order
    /// in which they end. Drop what is returned to give up.
    ///
    /// An outcome's problem is one of `download-truncated`, `download-corrupt`, `file-not-found`,
    /// `index-unreachable`, `http-status`, `tls-failed`, `redirect-refused`, `address-refused`,
    /// `index-page-invalid`, `index-page-too-large`, `disk-full`, `not-writable`, `file-access`.
    pub fn start(&self, wanted: Vec<impl Into<Arc<LockedFile>>>) -> Arrivals {
        let (sender, receiver) = channel(WAITING);
        let room = Arc::new(Semaphore::new(ROOM as usize));
        // Where nothing was ever put, nobody asks for each of thousands.
        let is_empty = self.store.as_ref().is_none_or(|store| !store.directory().exists());
        let slots = Arc::new(Semaphore::new(self.engine.http.concurrency()));
        let copies = Arc::new(Semaphore::new(COPIES));
        let mut jobs: Vec<Job> = wanted
            .into_iter()
            .enumerate()
            .map(|(index, file)| Job {
                http: Arc::clone(&self.engine.http),
                store: self.store.clone(),
                is_empty,
                progress: self.progress.clone(),
                copies: Arc::clone(&copies),
                room: Arc::clone(&room),
                index,
                file: file.into(),
            })
            .collect();
        jobs.sort_by_key(|job| Reverse(job.file.size));
        let (large, others) = jobs.into_iter().partition::<Vec<_>, _>(Job::is_large);
        for (jobs, at_once) in [(large, LARGE_AT_ONCE), (others, Semaphore::MAX_PERMITS)] {
            let (slots, sender) = (Arc::clone(&slots), sender.clone());
            self.engine.spawn(in_order(jobs, Arc::new(Semaphore::new(at_once)), slots, sender));
        }
        Arrivals { receiver, engine: Arc::clone(&self.engine) }
    }
}

/// What was asked for, in the order in which it arrives. Each `next` waits.
pub struct Arrivals {
    receiver: Receiver<Arrival>,
    engine: Arc<Engine>,
}

/// One of them, and the room that it takes.
struct Arrival {
    index: usize,
    fetched: Fetched,
    _room: Option<OwnedSemaphorePermit>,
}

impl std::fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arrivals").finish_non_exhaustive()
    }
}

impl Iterator for Arrivals {
    type Item = (usize, Fetched);

    fn next(&mut self) -> Option<Self::Item> {
        self.receiver.blocking_recv().map(|arrival| (arrival.index, arrival.fetched))
    }
}

impl Arrivals {
    /// Those that are there, or come in time: none where none will come any more. `None` where the time is over.
    pub fn some_within(&mut self, time: Duration) -> Option<impl Iterator<Item = (usize, Fetched)>> {
        let mut some = Vec::new();
        let next = async {
            let next = self.receiver.recv_many(&mut some, WAITING);
            Ok(tokio::time::timeout(time, next).await.is_ok())
        };
        // Where there is no network any more, nothing will come.
        let in_time = self.engine.wait(next).unwrap_or(true);
        in_time.then(|| some.into_iter().map(|arrival| (arrival.index, arrival.fetched)))
    }
}

/// Runs jobs side by side, begun in their order.
async fn in_order(jobs: Vec<Job>, turns: Arc<Semaphore>, slots: Arc<Semaphore>, sender: Sender<Arrival>) {
    for job in jobs {
        // Held until the outcome waits to be taken, so that no more wait than work.
        let turn = Arc::clone(&turns).acquire_owned().await;
        let slot = Arc::clone(&slots).acquire_owned().await;
        if sender.is_closed() {
            return;
        }
        let sender = sender.clone();
        tokio::spawn(async move {
            let _held = (turn, slot);
            let (fetched, held) = job.run().await;
            let size = fetched.as_ref().map_or(0, |fetched| fetched.bytes.as_slice().len());
            let _room = match held.room {
                Some(room) => Some(room),
                None => job.room(size).await,
            };
            // Nobody is left to be told where this fails.
            let _ = sender.send(Arrival { index: job.index, fetched, _room }).await;
        });
    }
}

/// What is held until somebody takes a file, so that files do not pile up in memory where unpacking is what takes the time.
#[derive(Default)]
struct Held {
    /// Where it is known before the file is read.
    room: Option<OwnedSemaphorePermit>,
    /// Of a copy.
    _turn: Option<OwnedSemaphorePermit>,
}

struct Job {
    http: Arc<Http>,
    store: Option<Store>,
    /// Whether nothing is in the store.
    is_empty: bool,
    progress: Option<OnProgress>,
    copies: Arc<Semaphore>,
    room: Arc<Semaphore>,
    index: usize,
    file: Arc<LockedFile>,
}

impl Job {
    fn is_large(&self) -> bool {
        self.file.size.is_some_and(|size| size >= LARGE)
    }

    /// What it ends in, and what it holds until somebody takes that.
    async fn run(&self) -> (Fetched, Held) {
        if let Some((kept, held)) = self.kept().await {
            self.tell(kept.bytes.as_slice().len() as u64, None);
            return (Ok(kept), held);
        }
        let mut held = Held::default();
        let fetched = match &self.file.location {
            Location::Path(path) => {
                held._turn = self.turn().await;
                self.copied(path).await
            }
            Location::Url(url) => self.downloaded(url).await,
        };
        let fetched = fetched.map_err(|problem| problem.package(&self.file.name));
        // It was asked for what is locked, and what is locked may be another digest.
        let was_asked =
            |sha256| self.store.is_some() && self.file.hashes.sha256s().any(|asked| asked == sha256);
        let stored = |one: &Unverified| match was_asked(one.computed.sha256()) {
            true => Stored::No,
            false => Stored::Unknown,
        };
        (fetched.map(|one| Unverified { stored: stored(&one), ..one }), held)
    }

    /// Room for a file of so many bytes.
    async fn room(&self, size: usize) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(size.min(IN_MEMORY).div_ceil(UNIT)).unwrap_or(ROOM).clamp(1, ROOM);
        Arc::clone(&self.room).acquire_many_owned(units).await.ok()
    }

    /// A turn to copy a file.
    async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.copies).acquire_owned().await.ok()
    }

    async fn kept(&self) -> Option<(Unverified, Held)> {
        let (store, file) = (self.store.clone().filter(|_| !self.is_empty)?, Arc::clone(&self.file));
        let most = self.http.cap(Kind::Wheel).bytes;
        let held = |room, turn| Held { room, _turn: turn };
        // Another thread for each of thousands of small ones would take longer than to read them.
        let room = match file.size.unwrap_or(SMALL) {
            size @ ..=SMALL => self.room(usize::try_from(size).unwrap_or(IN_MEMORY)).await,
            _ => None,
        };
        match store.get_at_once(&file.hashes, file.size, most) {
            Sought::Found(found) => return Some((*found, held(room, None))),
            Sought::Missing => return None,
            Sought::Large => drop(room),
        }
        let turn = self.turn().await;
        let found = blocking(move || Ok(store.get_within(&file.hashes, file.size, most))).await;
        Some((found.ok().flatten()?, held(None, turn)))
    }

    async fn copied(&self, path: &Path) -> Fetched {
        let (path, hashes) = (path.to_owned(), self.file.hashes.clone());
        let limit = limit(self.file.size, self.http.cap(Kind::Wheel).bytes);
        let directory = self.directory();
        blocking(move || {
            let missing = |error: std::io::Error| match error.kind() {
                ErrorKind::NotFound => {
                    Problem::new(Code::FileNotFound, "there is no file at the locked path")
                        .at(Place::file(&path))
                        .help("put the file there, or lock again with `pipward lock`")
                }
                _ => io_problem("reading a wheel", &path, &error),
            };
            let file = open_regular(&path, true).map_err(missing)?;
            copy_private(file, &hashes, limit, directory.as_deref(), Place::file(&path)).map_err(|error| {
                match error.kind() {
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                        unwritable("copying a wheel", &error)
                    }
                    _ => io_problem("copying a wheel", &path, &error),
                }
            })
        })
        .await
    }

    /// Asks once more where the bytes are not the locked ones: what differs each time is damage on
    /// the way, what stays is other content, which `verify` refuses.
    async fn downloaded(&self, url: &Url) -> Fetched {
        let download = || self.download(url);
        let first = download().await?;
        if self.file.hashes.accept(&first.computed) {
            return Ok(first);
        }
        let first = first.computed;
        let second = download().await?;
        if self.file.hashes.accept(&second.computed) || first == second.computed {
            return Ok(second);
        }
        Err(Problem::new(
            Code::DownloadCorrupt,
            "two downloads of the file differ, and neither is the locked one",
        )
        .at(place(url))
        .expected(self.file.hashes.digests().iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        .found(format!("sha256:{} and sha256:{}", first.sha256(), second.computed.sha256()))
        .help("run the same command again, over another network or from another mirror if it stays"))
    }

    async fn download(&self, url: &Url) -> Fetched {
        let download = Download {
            http: &self.http,
            url,
            size: self.file.size,
            hashes: Some(&self.file.hashes),
            directory: self.directory(),
        };
        download.run(&|bytes, total| self.tell(bytes, total)).await
    }

    fn directory(&self) -> Option<PathBuf> {
        self.store.as_ref().map(|store| store.directory().to_owned())
    }

    fn tell(&self, bytes: u64, total: Option<u64>) {
        if let Some(progress) = &self.progress {
            progress(Progress { index: self.index, bytes, total: total.or(self.file.size) });
        }
    }
}

/// The most bytes that are read: one more than the locked size shows that a file is longer.
fn limit(size: Option<u64>, cap: u64) -> u64 {
    size.map_or(cap, |size| size.min(cap)).saturating_add(1)
}

/// A name for messages.
pub(crate) fn computed_note(name: &WheelName) -> String {
    format!(
        "the index gives no SHA-256 for {name}; it was downloaded and hashed, so the lock rests on this download"
    )
}
