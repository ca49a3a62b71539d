//! RECORD: reading a wheel's or an installed one, and writing an installed one.

use crate::digest::StrongDigest;

/// A RECORD.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// Its rows in order.
    pub rows: Vec<Row>,
}

/// A row of a RECORD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The path as written (an installed one may have `..`).
    pub path: String,
    /// The digest; `None` for RECORD itself, its signatures and byte-code.
    pub digest: Option<StrongDigest>,
    /// The size in bytes.
    pub size: Option<u64>,
}
