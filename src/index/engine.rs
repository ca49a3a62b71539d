//! The background threads and the one HTTP client that `index` and `fetch` share.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::NetworkOptions;
use super::http::{Credentials, Http};
use crate::error::{Code, Problem};
use crate::threads::{Start, limited, tried};

/// So many threads at least do blocking work at once, or one a core, and what comes then waits: files of this machine are copied
/// two at a time (`fetch`), and each thread keeps a stack and memory of its own. None of them waits for another one.
const BLOCKING: usize = 4;

/// A runtime of its own, so that callers may block.
#[derive(Debug)]
pub(crate) struct Engine {
    runtime: Option<Runtime>,
    pub(crate) http: Arc<Http>,
}

impl Engine {
    /// # Errors
    /// `process-limit` where the system gives no threads.
    pub(crate) fn new(options: NetworkOptions, credentials: Credentials) -> Result<Self, Problem> {
        Ok(Self { runtime: Some(runtime()?), http: Arc::new(Http::new(options, credentials)) })
    }

    /// Waits for `future` on the caller's thread.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
        match &self.runtime {
            Some(runtime) => runtime.block_on(future),
            None => Err(Problem::new(Code::Internal, "the network was closed")),
        }
    }

    /// Runs `future` in the background.
    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(future);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Downloads that nobody waits for any more do not hold the process.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A runtime with a thread for each core, or with as many as can be had.
fn runtime() -> Result<Runtime, Problem> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let mut workers = cores.clamp(2, 8);
    loop {
        let start = Arc::new(Start::new(workers > 1));
        let started = Arc::clone(&start);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(workers).max_blocking_threads(cores.max(BLOCKING)).thread_name("pipward-net");
        builder.on_thread_start(move || started.wait()).enable_all();
        let failed = match tried(|| builder.build()) {
            Ok(Ok(runtime)) if start.begin() => return Ok(runtime),
            Ok(Ok(runtime)) => {
                runtime.shutdown_background();
                "its threads waited for too long".to_owned()
            }
            Ok(Err(error)) => error.to_string(),
            Err(said) => said,
        };
        if workers == 1 {
            return Err(limited("the system gives no thread for the network", failed));
        }
        tracing::debug!(workers, %failed, "fewer threads for the network");
        workers = start.waited().clamp(1, workers - 1);
    }
}

/// Runs blocking work beside the network, or on this thread where there can be no other one.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let (sender, done) = oneshot::channel();
    let work = move || drop(sender.send(work()));
    // It is done once, by whoever takes it: also where tokio panics it is in the queue of the next thread.
    let work = Arc::new(Mutex::new(Some(work)));
    let take = |work: &Mutex<Option<_>>| work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let offered = Arc::clone(&work);
    let begun = tried(|| tokio::task::spawn_blocking(move || take(&offered).map(|work| work())));
    if begun.is_err()
        && let Some(work) = take(&work)
    {
        work();
    }
    drop(work);
    done.await.unwrap_or_else(|_| Err(Problem::new(Code::Internal, "a background task ended early")))
}
