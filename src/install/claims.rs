//! Which plan brings which file.
//!
//! Owns: the claims of the plans of one run on names, and what differs under one name. Never: touches a file.

mod directories;
mod files;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::directories::Directories;
use self::files::{Files, Kept};
use super::PlannedFile;
use super::places::{OwnIn, owned};
use crate::digest::StrongDigest;
use crate::error::{Code, Place, Problem};

/// The files of the plans of one run, by directory (resolved, relative to the prefix).
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) directories: Directories,
    /// What two plans both bring, and differently.
    pub(super) conflicts: Vec<Problem>,
    /// The files that came after a different one of their name, which stand apart under their number.
    pub(super) rivals: BTreeMap<PathBuf, Vec<Rival>>,
    /// How many stand apart.
    apart: usize,
    /// Files that two plans bring alike, but for the execute bits: the union holds, in whatever order they came.
    pub(super) executable: BTreeSet<PathBuf>,
}

/// What of a directory is still to be written.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    pub(super) files: Vec<&'a PlannedFile>,
    /// With their numbers.
    pub(super) apart: Vec<(usize, &'a PlannedFile)>,
}

/// A directory that plans need.
#[derive(Debug)]
pub(super) struct Directory {
    /// The distribution that needs it, for messages.
    pub(super) package: Arc<str>,
    pub(super) files: Files,
    /// The names of directories in it that plans need.
    pub(super) below: HashSet<OsString>,
}

impl Directory {
    /// One that nothing is in yet, and which this distribution needs.
    pub(super) fn of(package: &Arc<str>) -> Self {
        Self { package: Arc::clone(package), files: Files::default(), below: HashSet::new() }
    }
}

/// A plan that brings files.
#[derive(Debug)]
pub(super) struct Bringer {
    /// The distribution, for messages.
    pub(super) package: Arc<str>,
    /// Its .dist-info directory, resolved, relative to the prefix.
    pub(super) dist_info: PathBuf,
}

/// A file that one plan brings, or several alike.
#[derive(Debug)]
pub(super) struct Claim {
    first: Arc<Bringer>,
    /// Few files have any.
    #[allow(clippy::box_collection)]
    others: Option<Box<Vec<Arc<Bringer>>>>,
    digest: Kept,
    pub(super) executable: bool,
    /// Whether all of them leave it out for a different one of another distribution.
    pub(super) gives_way: bool,
}

/// A file that differs from the one that was staged under its name.
#[derive(Debug)]
pub(super) struct Rival {
    pub(super) claim: Claim,
    pub(super) number: usize,
}

impl Claim {
    /// Of the first plan that brings the file.
    pub(super) fn new(first: &Arc<Bringer>, file: &PlannedFile) -> Self {
        let PlannedFile { digest, executable, gives_way, .. } = *file;
        Self { first: Arc::clone(first), others: None, digest: digest.into(), executable, gives_way }
    }

    /// The distribution that is named in messages.
    pub(super) fn package(&self) -> &str {
        self.bringers().map(|bringer| &*bringer.package).min().unwrap_or_default()
    }

    /// The plans that bring it.
    pub(super) fn bringers(&self) -> impl Iterator<Item = &Bringer> {
        std::iter::once(&self.first)
            .chain(self.others.iter().flat_map(|others| &**others))
            .map(|bringer| &**bringer)
    }

    /// What its content hashes to.
    pub(super) fn digest(&self) -> Option<StrongDigest> {
        self.digest.get()
    }

    /// Whether it is the same content.
    pub(super) fn is_alike(&self, file: &PlannedFile) -> bool {
        file.digest.is_some() && self.digest() == file.digest
    }

    /// Of one more plan, which brings it alike.
    pub(super) fn join(&mut self, bringer: &Arc<Bringer>, file: &PlannedFile) {
        self.others.get_or_insert_default().push(Arc::clone(bringer));
        self.gives_way &= file.gives_way;
    }
}

impl Claims {
    /// Takes names of a directory (resolved, relative to the prefix, claimed) for a plan. Returns the files that are still to
    /// be written.
    ///
    /// # Errors
    /// `environment-owned`.
    pub(super) fn claim<'a>(
        &mut self,
        directory: &Path,
        files: &[&'a PlannedFile],
        bringer: &Arc<Bringer>,
        own: &OwnIn<'_>,
    ) -> Result<Wanted<'a>, Problem> {
        let mut wanted = Wanted::default();
        let Some(taken) = self.directories.get_mut(directory) else { return Ok(wanted) };
        let (mut new, mut blocked, mut rivals) = (Vec::with_capacity(files.len()), Vec::new(), Vec::new());
        for file in files {
            let name = file.name()?;
            if own.has(name) {
                return Err(owned(&file.destination));
            }
            if taken.below.contains(name) {
                blocked.push((name, *file));
                continue;
            }
            match taken.files.get_mut(name) {
                None => {
                    new.push((name, Claim::new(bringer, file)));
                    wanted.files.push(*file);
                }
                Some(claim) if claim.is_alike(file) => {
                    if claim.executable != file.executable {
                        self.executable.insert(directory.join(name));
                    }
                    claim.join(bringer, file);
                }
                Some(_) => rivals.push((name, *file)),
            }
        }
        taken.files.extend(&mut new)?;
        for (name, file) in blocked {
            let other = self.directories.get(&directory.join(name)).map(|other| other.package.clone());
            self.conflicts.push(two_plans(&file.destination, &bringer.package, &other.unwrap_or_default()));
        }
        for (name, file) in rivals {
            wanted.apart.extend(self.rival(directory.join(name), bringer, file).map(|at| (at, file)));
        }
        Ok(wanted)
    }

    /// Whether a file (resolved, relative to the prefix) is brought.
    pub(super) fn has(&self, file: &Path) -> bool {
        let directory = file.parent().and_then(|parent| self.directories.get(parent));
        directory.zip(file.file_name()).is_some_and(|(directory, name)| directory.files.get(name).is_some())
    }

    /// The files that the plan with this `.dist-info` directory (resolved, relative to the prefix) brings.
    pub(super) fn of_dist_info(&self, dist_info: &Path) -> Vec<PathBuf> {
        let is_its = |claim: &Claim| claim.bringers().any(|bringer| bringer.dist_info == dist_info);
        let of_directory = |(directory, content): (&Path, &Directory)| {
            let names = content.files.iter().filter(|(_, claim)| is_its(claim));
            names.map(|(name, _)| directory.join(name)).collect::<Vec<_>>()
        };
        self.directories.iter().flat_map(of_directory).collect()
    }

    /// The moves that bring everything: whole directories where `is_there` says that nothing stands, else file by file.
    /// In order of paths, .dist-info last.
    pub(super) fn moves(&self, is_there: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
        // Where a directory is missing, so is all below it.
        let mut all: Vec<&Path> = self.directories.iter().map(|(directory, _)| directory).collect();
        all.sort_unstable_by_key(|directory| directory.as_os_str().len());
        let mut there: HashMap<&OsStr, bool> = HashMap::new();
        let mut moves = Vec::new();
        for directory in all {
            let parent = directory.parent().and_then(|parent| there.get(parent.as_os_str())).copied();
            let stands = parent.unwrap_or(true) && is_there(directory);
            there.insert(directory.as_os_str(), stands);
            if stands {
                let names = self.directories.get(directory).into_iter().flat_map(|found| found.files.names());
                moves.extend(names.map(|name| directory.join(name)));
            } else if parent == Some(true) {
                moves.push(directory.to_owned());
            }
        }
        let is_info = |path: &Path| {
            let mut parts = path.as_os_str().as_encoded_bytes().split(|byte| *byte == b'/');
            parts.any(|part| part.ends_with(b".dist-info"))
        };
        moves.sort_by_cached_key(|path| (is_info(path), path.clone()));
        moves
    }

    /// The distribution that brings a file, for messages.
    pub(super) fn package_of(&self, path: &Path) -> String {
        let directory = path.parent().and_then(|parent| self.directories.get(parent));
        let claim = path.file_name().and_then(|name| directory?.files.get(name));
        claim.map(Claim::package).unwrap_or_default().to_owned()
    }

    /// Takes a claim away.
    pub(super) fn take(&mut self, path: &Path) -> Option<Claim> {
        self.directories.get_mut(path.parent()?)?.files.take(path.file_name()?)
    }

    /// Puts a claim where one was [taken](Self::take) away.
    pub(super) fn put(&mut self, path: &Path, claim: Claim) {
        if let (Some(parent), Some(name)) = (path.parent(), path.file_name())
            && let Some(directory) = self.directories.get_mut(parent)
        {
            directory.files.put(name, claim);
        }
    }

    /// Notes a file that differs from the one of its name. Its number, if it is the first with its content.
    pub(super) fn rival(
        &mut self,
        path: PathBuf,
        bringer: &Arc<Bringer>,
        file: &PlannedFile,
    ) -> Option<usize> {
        let rivals = self.rivals.entry(path).or_default();
        if let Some(Rival { claim, .. }) = rivals.iter_mut().find(|rival| rival.claim.is_alike(file)) {
            claim.executable |= file.executable;
            claim.join(bringer, file);
            return None;
        }
        let number = self.apart;
        self.apart += 1;
        rivals.push(Rival { claim: Claim::new(bringer, file), number });
        Some(number)
    }
}

/// The same words whichever came first.
pub(super) fn two_plans(path: &Path, one: &str, other: &str) -> Problem {
    conflict("two distributions of this run bring different files of one name", path, one, other)
}

/// Of files for one module, such as `pear.py` and `pear/__init__.py`.
pub(super) fn two_modules(path: &Path, one: &str, other: &str) -> Problem {
    conflict("two distributions of this run bring different files for one module", path, one, other)
}

fn conflict(message: &str, path: &Path, one: &str, other: &str) -> Problem {
    let (first, second) = if one <= other { (one, other) } else { (other, one) };
    Problem::new(Code::FileConflict, message)
        .package(first)
        .at(Place::file(path))
        .expected("one of them, or the same content in both")
        .found(format!("{first} and {second}"))
        .help(
            "leave one of the two out of the lock, or lock another version of one; if one can do without its file, name \
             it in [[policy.exception]] with code = \"file-conflict\", its package and a reason in pipward.toml",
        )
}
