//! The background threads and the one HTTP client that `index` and `fetch` share.

use std::future::Future;
use std::sync::Arc;

use super::NetworkOptions;
use super::http::{Credentials, Http};
use crate::error::{Code, Problem};

/// So many threads at least do blocking work at once, or one a core, and what comes then waits: files of this machine are copied
/// two at a time (`fetch`), and each thread keeps a stack and memory of its own. None of them waits for another one.
const BLOCKING: usize = 4;

/// A runtime of its own, so that callers may block.
#[derive(Debug)]
pub(crate) struct Engine {
    runtime: Option<tokio::runtime::Runtime>,
    pub(crate) http: Arc<Http>,
}

impl Engine {
    /// # Errors
    /// `internal` where the system gives no threads.
    pub(crate) fn new(options: NetworkOptions, credentials: Credentials) -> Result<Self, Problem> {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(cores.clamp(2, 8))
            .max_blocking_threads(cores.max(BLOCKING))
            .thread_name("pipward-net")
            .enable_all()
            .build()
            .map_err(|error| Problem::new(Code::Internal, "no threads for the network").cause(error))?;
        Ok(Self { runtime: Some(runtime), http: Arc::new(Http::new(options, credentials)) })
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

/// Runs blocking work beside the network.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Problem::new(Code::Internal, "a background task ended early")))
}
