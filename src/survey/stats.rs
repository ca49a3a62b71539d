//! Rows about distributions -> their sums.
//!
//! Pure.

use std::collections::BTreeMap;

use crate::error::Place;
use crate::wheel::licenses::License;

/// What is counted of one distribution. `None` where nobody looked.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name, normalised.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether it was asked for by name.
    pub is_direct: bool,
    /// Its licence; `None` where its METADATA is not at hand.
    pub license: Option<License>,
    /// How many wheels of it a lock has.
    pub wheels: u64,
    /// Their size, in bytes.
    pub bytes: Option<u64>,
    /// How many files it has.
    pub files: Option<u64>,
    /// How many of them are machine code.
    pub native: Option<u64>,
    /// The size of the files, in bytes.
    pub unpacked: Option<u64>,
    /// Where it stands.
    pub place: Place,
}

/// The sums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// Distributions.
    pub distributions: usize,
    /// Those that were asked for by name.
    pub direct: usize,
    /// Wheels.
    pub wheels: u64,
    /// The size of the wheels, in bytes, as far as it is known.
    pub bytes: Option<u64>,
    /// Files.
    pub files: Option<u64>,
    /// Those of machine code.
    pub native: Option<u64>,
    /// The size of the files, in bytes.
    pub unpacked: Option<u64>,
    /// The distributions of each licence; those of which nobody looked are not here.
    pub licenses: BTreeMap<License, Vec<String>>,
}

/// Sums up.
pub fn sums(rows: &[Row]) -> Sums {
    let total = |of: fn(&Row) -> Option<u64>| {
        let known = rows.iter().filter_map(of);
        known.fold(None, |sum: Option<u64>, one| Some(sum.unwrap_or_default().saturating_add(one)))
    };
    let mut licenses: BTreeMap<License, Vec<String>> = BTreeMap::new();
    for row in rows {
        if let Some(license) = &row.license {
            licenses.entry(license.clone()).or_default().push(row.name.clone());
        }
    }
    Sums {
        distributions: rows.len(),
        direct: rows.iter().filter(|row| row.is_direct).count(),
        wheels: rows.iter().fold(0, |sum, row| sum.saturating_add(row.wheels)),
        bytes: total(|row| row.bytes),
        files: total(|row| row.files),
        native: total(|row| row.native),
        unpacked: total(|row| row.unpacked),
        licenses,
    }
}
