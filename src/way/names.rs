//! Whether internal names are on the public index too.
//!
//! Never: asks about a name unless it was told to; asking tells the name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pipward_resolver::{Facts as _, PackageName};

use super::inputs;
use crate::error::{Code, Problem, Problems};
use crate::index::{Index, IndexSource, NamePattern, NetworkOptions, Sources, Waiting};

/// What is looked up, and where.
pub struct Public {
    /// The names.
    pub names: Vec<PackageName>,
    /// The public index.
    pub sources: Sources,
    /// How the network is used.
    pub network: NetworkOptions,
    /// The cache directory.
    pub cache: Option<PathBuf>,
    /// The address of the index, for messages.
    pub asked: String,
}

/// The names that indexes of the configuration have to themselves: those that it spells out, and those of the lock that
/// its patterns are for.
///
/// # Errors
/// Those of reading a lock that is there.
pub fn internal(indexes: &[IndexSource], lock: &Path) -> Result<Vec<PackageName>, Problems> {
    let patterns = || indexes.iter().flat_map(|index| &index.packages);
    let mut names: BTreeSet<PackageName> = patterns().filter_map(NamePattern::name).collect();
    let locked = inputs::standing_lock(lock)?;
    let locked = locked.iter().flat_map(|lock| &lock.packages).map(|package| &package.name);
    names.extend(locked.filter(|name| patterns().any(|pattern| pattern.matches(name))).cloned());
    Ok(names.into_iter().collect())
}

/// The names that the public index has, each as a finding.
///
/// # Errors
/// As for index pages.
pub fn look_up(public: Public) -> Result<Vec<Problem>, Problem> {
    let index = Index::new(public.sources, public.network, public.cache, Waiting::default())?;
    let mut found = Vec::new();
    for name in &public.names {
        let candidates = match index.candidates(name) {
            Ok(candidates) => candidates,
            Err(error) => match error.0.downcast::<Problem>() {
                Ok(problem) => return Err(*problem),
                Err(error) => {
                    return Err(Problem::new(Code::Internal, "the index gave no answer").cause(error));
                }
            },
        };
        if candidates.known {
            found.push(
                Problem::new(
                    Code::NamePublic,
                    format!("{} has a project of this internal name", public.asked),
                )
                .package(name)
                .help(
                    "keep the name pinned to your index by `packages` in pipward.toml, on every machine that \
                         installs; where other tools are used, rename it or register the name yourself",
                ),
            );
        }
    }
    Ok(found)
}
