//! Answers that are asked for once in a run.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::error::Problem;

/// Answers that are asked for once, however many want them.
pub(super) struct Memo<K, V>(Mutex<HashMap<K, Answer<V>>>);

pub(super) type Answer<V> = Arc<OnceCell<Result<V, Problem>>>;

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V> Memo<K, V> {
    pub(super) fn cell(&self, key: K) -> Answer<V> {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(map.entry(key).or_default())
    }

    /// Whether one of the answers so far is like that.
    pub(super) fn any(&self, is: impl Fn(&V) -> bool) -> bool {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.values().filter_map(|answer| answer.get()?.as_ref().ok()).any(is)
    }
}
