//! Threads where the system gives few of them, or none.
//!
//! Owns: the threads on which wheels are unpacked, and that a library which panics or waits for ever where it gets no thread does
//! neither. Never: needs more than one thread of a kind.

use std::cell::Cell;
use std::fmt::Display;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use crate::error::{Code, Problem};

thread_local! {
    static IS_TRIED: Cell<bool> = const { Cell::new(false) };
}

/// Does what panics where there is no thread for it; where it did, what it said.
pub(crate) fn tried<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    let outer = IS_TRIED.replace(true);
    // Whoever asks gives up what was being made.
    let done = catch_unwind(AssertUnwindSafe(run));
    IS_TRIED.set(outer);
    done.map_err(|panic| match panic.downcast::<String>() {
        Ok(said) => *said,
        Err(_) => "no thread could be made".to_owned(),
    })
}

/// Whether a panic of this thread is met, and is nobody's fault.
pub(crate) fn is_tried() -> bool {
    IS_TRIED.get()
}

/// No thread, or no process, is to be had.
pub(crate) fn limited(what: &str, cause: impl Display) -> Problem {
    Problem::new(Code::ProcessLimit, what).cause(cause).help(
        "raise the limit (`ulimit -u`, `docker run --pids-limit`, pids.max of the cgroup) or end other programs, and run the \
         same command again",
    )
}

/// Whether that is why a program or thread could not be begun.
pub(crate) fn is_limit(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Lets the threads of a tokio runtime begin once all of them were made. Where one of them cannot be made, tokio panics, and waits
/// for the others to end, which have their work by then: for ever.
pub(crate) struct Start {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// `None` as long as nobody knows.
    begins: Option<bool>,
    waited: usize,
}

impl Start {
    /// So long is waited for the others to be made. (It takes microseconds.)
    const LONGEST: Duration = Duration::from_millis(300);

    /// Nobody waits where it is for one thread alone.
    pub(crate) fn new(waits: bool) -> Self {
        let begins = if waits { None } else { Some(true) };
        Self { state: Mutex::new(State { begins, waited: 0 }), changed: Condvar::new() }
    }

    /// Waits until all are there. Ends the thread where that takes too long.
    pub(crate) fn wait(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.begins.is_none() {
            state.waited += 1;
            let waited =
                self.changed.wait_timeout_while(state, Self::LONGEST, |state| state.begins.is_none());
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if !*state.begins.get_or_insert(false) {
            drop(state);
            self.changed.notify_all();
            // Nobody is told of it, since it is no fault.
            resume_unwind(Box::new(()));
        }
    }

    /// All are there. `false` where one of them has given up waiting.
    pub(crate) fn begin(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = *state.begins.get_or_insert(true);
        drop(state);
        self.changed.notify_all();
        begins
    }

    /// How many have waited.
    pub(crate) fn waited(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).waited
    }
}

/// Makes the threads that work is shared among: one a core, or as many as can be had. Made by itself, rayon's pool panics where
/// one of them cannot: whoever shares work asks for this first.
///
/// # Errors
/// `process-limit` where there is none at all.
pub(crate) fn share() -> Result<(), Problem> {
    static MADE: OnceLock<Result<(), Problem>> = OnceLock::new();
    MADE.get_or_init(make).clone()
}

fn make() -> Result<(), Problem> {
    let said = std::env::var("RAYON_NUM_THREADS").ok().and_then(|said| said.parse().ok());
    let wanted = said.filter(|said| *said > 0);
    let wanted = wanted.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from));
    let mut made = Vec::new();
    let mut lacking = None;
    // The pool wants to know beforehand how many there will be.
    for _ in 0..wanted {
        match waiting() {
            Ok(thread) => made.push(thread),
            Err(error) => {
                lacking = Some(error);
                break;
            }
        }
    }
    if let Some(error) = &lacking {
        if made.is_empty() {
            return Err(limited("the system gives no thread to unpack wheels on", error));
        }
        // The network and Python need some too.
        made.truncate(made.len().div_ceil(2));
        tracing::warn!(%error, threads = made.len(), "fewer threads than cores");
    }
    let threads = made.len();
    let mut made = made.into_iter();
    let begin = move |work| {
        let thread = made.next().ok_or(io::ErrorKind::WouldBlock)?;
        thread.send(work).map_err(|_| io::ErrorKind::WouldBlock.into())
    };
    // Where somebody has made a pool before, that is the one.
    let built = rayon::ThreadPoolBuilder::new().num_threads(threads).spawn_handler(begin).build_global();
    built.or_else(|error| {
        tracing::debug!(%error, "threads were made before");
        Ok(())
    })
}

/// A thread that waits to be told its work.
fn waiting() -> io::Result<Sender<rayon::ThreadBuilder>> {
    let (sender, work) = channel::<rayon::ThreadBuilder>();
    thread::Builder::new().spawn(move || {
        if let Ok(work) = work.recv() {
            work.run();
        }
    })?;
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn waits(start: &Arc<Start>) -> thread::JoinHandle<()> {
        let start = Arc::clone(start);
        thread::spawn(move || start.wait())
    }

    #[test]
    fn what_panics_says_why_and_what_does_not_is_done() {
        assert!(!is_tried());
        assert_eq!(tried(|| tried(is_tried)), Ok(Ok(true)));
        let nothing = |none: Option<u8>| none.unwrap();
        assert_eq!(tried(|| nothing(Some(1))), Ok(1));
        assert!(tried(|| nothing(None)).is_err() && !is_tried());
        let number = 7;
        assert_eq!(tried(|| panic!("no thread {number}")), Err::<(), _>("no thread 7".to_owned()));
    }

    #[test]
    fn threads_begin_together_or_end() {
        let start = Arc::new(Start::new(true));
        let all = [waits(&start), waits(&start)];
        while start.waited() < 2 {
            thread::yield_now();
        }
        assert!(!all.iter().any(thread::JoinHandle::is_finished) && start.begin());
        all.into_iter().for_each(|thread| thread.join().unwrap());
        // Whoever comes later is not held up.
        waits(&start).join().unwrap();
        assert_eq!(start.waited(), 2);

        let start = Arc::new(Start::new(true));
        assert!(waits(&start).join().is_err());
        assert!(!start.begin(), "one of them has ended");
        assert!(waits(&start).join().is_err());

        let alone = Arc::new(Start::new(false));
        waits(&alone).join().unwrap();
        assert_eq!(alone.waited(), 0);
    }
}
