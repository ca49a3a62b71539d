//! Facts for the resolver, files for a resolution.
//!
//! Owns: which index answers for which name. Never: parses an artifact for installing.

use pipward_resolver::{
    Candidates, Dependencies, Facts, FactsError, PackageName, Target, Version, WheelName,
};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use url::Url;

use crate::digest::Sha256;
use crate::error::Problem;
use crate::lock::{LockedFile, LockedPackage};

/// Where files come from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Index addresses in order: the main one first. Empty with `--no-index`. May carry credentials, which never leave `index`.
    pub indexes: Vec<Url>,
    /// find-links: directories, `file://` and http(s) pages.
    pub find_links: Vec<String>,
    /// Whether the index addresses were given by the user (command line, variable, pip.conf) and so stand for the lock's own.
    pub indexes_given: bool,
}

/// How the network is used.
#[derive(Debug, Clone)]
pub struct NetworkOptions {
    /// An extra file of root certificates (`--cert`).
    pub cert: Option<PathBuf>,
    /// A proxy (`--proxy`); else the usual variables.
    pub proxy: Option<String>,
    /// Seconds without a byte before a connection is given up.
    pub timeout_seconds: u64,
    /// How often a transient fault is tried again.
    pub retries: u32,
    /// How many downloads at once (default 50).
    pub concurrency: usize,
    /// No network at all.
    pub offline: bool,
}

/// One file that an index offers, with what a lock wants to know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// Its name.
    pub name: WheelName,
    /// Where it can be had; without credentials.
    pub location: crate::lock::Location,
    /// The index that names it; without credentials. `None` for find-links.
    pub index: Option<Url>,
    /// Its SHA-256, where the index gives one.
    pub sha256: Option<Sha256>,
    /// Its size.
    pub size: Option<u64>,
    /// When it was uploaded.
    pub upload_time: Option<Timestamp>,
    /// The reason for which it was yanked; empty when none was given.
    pub yanked: Option<String>,
}

/// The live source of facts.
pub struct Index {
    _private: (),
}

impl Index {
    /// Opens the indexes. `cache` is the cache directory (`None`: nothing is kept).
    /// `cutoff` hides files uploaded later; `explicit_cutoff` also hides files without an upload time.
    pub fn new(
        _sources: Sources,
        _network: NetworkOptions,
        _cache: Option<PathBuf>,
        _cutoff: Option<Timestamp>,
        _explicit_cutoff: bool,
    ) -> Result<Self, Problem> {
        todo!("index")
    }
    /// What the index says of a wheel that the resolver chose.
    pub fn file(&self, _name: &PackageName, _wheel: &WheelName) -> Result<IndexFile, Problem> {
        todo!("index")
    }
    /// SHA-256 of the METADATA of a wheel that was asked for by `dependencies`.
    pub fn metadata_sha256(&self, _name: &PackageName, _wheel: &WheelName) -> Option<Sha256> {
        todo!("index")
    }
    /// Downloads a file whose hash no index gives, and computes it.
    pub fn compute_sha256(&self, _file: &IndexFile) -> Result<(Sha256, u64), Problem> {
        todo!("index")
    }
    /// Finds the file of a package that is locked by hash alone: the best wheel for `target` with one of the hashes.
    pub fn locate(&self, _package: &LockedPackage, _target: &Target) -> Result<LockedFile, Problem> {
        todo!("index")
    }
    /// Sentences for the user: an index without upload times, computed hashes. Each once.
    pub fn notes(&self) -> Vec<String> {
        todo!("index")
    }
}

impl Facts for Index {
    fn candidates(&self, _name: &PackageName) -> Result<Arc<Candidates>, FactsError> {
        todo!("index")
    }
    fn dependencies(
        &self,
        _name: &PackageName,
        _version: &Version,
        _wheel: &WheelName,
    ) -> Result<Arc<Dependencies>, FactsError> {
        todo!("index")
    }
    fn hint(&self, _soon: &[(PackageName, Option<(Version, WheelName)>)]) {
        todo!("index")
    }
}
