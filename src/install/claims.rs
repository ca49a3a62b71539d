//! Which plan brings which file.
//!
//! Owns: the claims of the plans of one run on names, and what differs under one name. Never: writes, or reads what was not
//! staged.

mod directories;
mod files;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::directories::{Directories, Directory};
use self::files::{Files, Spot};
use super::PlannedFile;
use super::held::sha256_of;
use super::places::{OwnIn, owned};
use super::uninstall::open;
use crate::digest::{Kept, StrongDigest};
use crate::error::{Code, Place, Problem, io};

/// The files of the plans of one run, by directory (resolved, relative to the prefix).
#[derive(Debug, Default)]
pub(super) struct Claims {
    /// Where the files are written.
    target: PathBuf,
    directories: Directories,
    files: Files,
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

/// A directory that plans need, and what they bring into it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Folder<'c> {
    claims: &'c Claims,
    own: &'c Directory,
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
#[derive(Debug, Clone)]
pub(super) struct Claim {
    first: Arc<Bringer>,
    /// Few files have any.
    #[allow(clippy::box_collection)]
    others: Option<Box<Vec<Arc<Bringer>>>>,
    digest: Kept,
    /// Whether it is the file as it was written that tells its digest, which is a SHA-256.
    is_written: bool,
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
        let PlannedFile { executable, gives_way, .. } = *file;
        let (first, digest) = (Arc::clone(first), file.digest.clone());
        Self { first, others: None, digest, is_written: false, executable, gives_way }
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

    /// The plans that bring any of some, by the names of their distributions: threads have no order, messages do.
    pub(super) fn all_bringers(claims: &[Self]) -> Vec<&Bringer> {
        let mut all: Vec<&Bringer> = claims.iter().flat_map(Self::bringers).collect();
        all.sort_by(|one, other| one.package.cmp(&other.package));
        all
    }

    /// What its content hashes to, of one whose digest is [known](Claims::known).
    pub(super) fn digest(&self) -> Option<StrongDigest> {
        self.digest.get()
    }

    /// Whether it is the same content.
    pub(super) fn is_alike(&self, file: &PlannedFile) -> bool {
        self.digest != Kept::Nothing && self.digest == file.digest
    }

    /// Of one more plan, which brings it alike.
    pub(super) fn join(&mut self, bringer: &Arc<Bringer>, file: &PlannedFile) {
        self.others.get_or_insert_default().push(Arc::clone(bringer));
        self.gives_way &= file.gives_way;
    }
}

impl<'c> Folder<'c> {
    /// Its path.
    pub(super) fn path(self) -> &'c Path {
        self.claims.directories.path(self.own)
    }

    /// The distribution that needs it, for messages.
    pub(super) fn package(self) -> &'c str {
        &self.own.package
    }

    /// What is claimed of a name.
    pub(super) fn get(self, name: &OsStr) -> Option<Claim> {
        let files = &self.claims.files;
        self.own.order.find(files, name).and_then(|spot| files.get(spot))
    }

    /// The names of the files, in order.
    pub(super) fn names(self) -> impl Iterator<Item = &'c OsStr> {
        let files = &self.claims.files;
        self.own.order.iter().filter(|spot| files.has(*spot)).map(|spot| files.name(spot))
    }

    /// The files, in the order of their names.
    pub(super) fn files(self) -> impl Iterator<Item = (&'c OsStr, Claim)> {
        let files = &self.claims.files;
        self.own.order.iter().filter_map(|spot| Some((files.name(spot), files.get(spot)?)))
    }

    /// The names of directories in it that plans need.
    pub(super) fn below(self) -> impl Iterator<Item = &'c OsStr> {
        self.claims.directories.below(self.own)
    }

    /// Whether plans need a directory of this name in it.
    pub(super) fn has_below(self, name: &OsStr) -> bool {
        self.claims.directories.has_below(self.own, name)
    }
}

impl Claims {
    /// Those on what is written beneath `target`.
    pub(super) fn on(target: PathBuf) -> Self {
        Self { target, ..Self::default() }
    }

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
        let Some(number) = self.directories.find(directory) else { return Ok(wanted) };
        let Some(taken) = self.directories.at(number) else { return Ok(wanted) };
        let (mut new, mut blocked, mut rivals) = (Vec::with_capacity(files.len()), Vec::new(), Vec::new());
        for file in files {
            let name = file.name()?;
            if own.has(name) {
                return Err(owned(&file.destination.path()));
            }
            if self.directories.has_below(taken, name) {
                blocked.push((name, *file));
                continue;
            }
            let Some(spot) = taken.order.find(&self.files, name) else {
                new.push((name, *file));
                wanted.files.push(*file);
                continue;
            };
            let Some(claim) = self.files.get(spot) else {
                self.files.set(spot, Some(Claim::new(bringer, file)));
                wanted.files.push(*file);
                continue;
            };
            let path = directory.join(name);
            let mut claim = self.known(&path, claim)?;
            if claim.is_alike(file) {
                claim.join(bringer, file);
                if claim.executable != file.executable {
                    self.executable.insert(path);
                }
            } else {
                rivals.push((path, *file));
            }
            self.files.set(spot, Some(claim));
        }
        if !new.is_sorted_by_key(|(name, _)| *name) {
            new.sort_by_key(|(name, _)| *name);
        }
        let new = self.files.push(bringer, &new)?;
        if let Some(taken) = self.directories.at_mut(number) {
            taken.order.join(new, &self.files);
        }
        for (name, file) in blocked {
            let other = self.folder(&directory.join(name)).map(Folder::package).unwrap_or_default();
            let problem = two_plans(&file.destination.path(), &bringer.package, other);
            self.conflicts.push(problem);
        }
        for (path, file) in rivals {
            wanted.apart.extend(self.rival(path, bringer, file).map(|at| (at, file)));
        }
        Ok(wanted)
    }

    /// Makes room for what a plan is about to bring: so many files, whose names have so many bytes.
    pub(super) fn begin(&mut self, bringer: &Arc<Bringer>, files: usize, bytes: usize) {
        self.files.begin(bringer, files, bytes);
    }

    /// All files of a plan are written.
    pub(super) fn end(&mut self, bringer: &Arc<Bringer>) {
        self.files.end(bringer);
    }

    /// A claim on a file (resolved, relative to the prefix) with its digest, made of what was written if need be: that was
    /// checked while it was, and lies where nobody else writes.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn known(&self, path: &Path, mut claim: Claim) -> Result<Claim, Problem> {
        if claim.is_written {
            let at = self.target.join(path);
            let digest = open(&at).and_then(sha256_of).map_err(|error| io("reading a file", at, &error))?;
            (claim.digest, claim.is_written) = (Kept::Sha256(digest), false);
        }
        Ok(claim)
    }

    /// Notes a directory (resolved, relative to the prefix) that a distribution needs, unless it is noted.
    ///
    /// # Errors
    /// `internal` where there are billions.
    pub(super) fn add_directory(&mut self, path: &Path, package: &Arc<str>) -> Result<(), Problem> {
        self.directories.add(path, package)
    }

    /// A directory (resolved, relative to the prefix) that plans need.
    pub(super) fn folder(&self, path: &Path) -> Option<Folder<'_>> {
        let own = self.directories.at(self.directories.find(path)?)?;
        Some(Folder { claims: self, own })
    }

    /// All of them, in no order.
    pub(super) fn folders(&self) -> impl Iterator<Item = Folder<'_>> {
        self.directories.iter().map(|own| Folder { claims: self, own })
    }

    /// What is claimed of a file (resolved, relative to the prefix).
    fn get(&self, file: &Path) -> Option<Claim> {
        self.spot(file).and_then(|spot| self.files.get(spot))
    }

    fn spot(&self, file: &Path) -> Option<Spot> {
        self.folder(file.parent()?)?.own.order.find(&self.files, file.file_name()?)
    }

    /// Whether a file (resolved, relative to the prefix) is brought.
    pub(super) fn has(&self, file: &Path) -> bool {
        self.spot(file).is_some_and(|spot| self.files.has(spot))
    }

    /// The files that the plan with this `.dist-info` directory (resolved, relative to the prefix) brings.
    pub(super) fn of_dist_info(&self, dist_info: &Path) -> Vec<PathBuf> {
        let is_it = |bringer: &Bringer| bringer.dist_info == dist_info;
        if !self.files.has_of(is_it) {
            return Vec::new();
        }
        let of_folder = |folder: Folder<'_>| {
            let its = folder.files().filter(|(_, claim)| claim.bringers().any(is_it));
            its.map(|(name, _)| folder.path().join(name)).collect::<Vec<_>>()
        };
        self.folders().flat_map(of_folder).collect()
    }

    /// The moves that bring everything: whole directories where `is_there` says that nothing stands, else file by file.
    /// In order of paths, .dist-info last.
    pub(super) fn moves(&self, is_there: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
        // Where a directory is missing, so is all below it.
        let mut all: Vec<Folder<'_>> = self.folders().collect();
        all.sort_unstable_by_key(|folder| folder.path().as_os_str().len());
        let mut there: HashMap<&OsStr, bool> = HashMap::new();
        let mut moves = Vec::new();
        for folder in all {
            let directory = folder.path();
            let parent = directory.parent().and_then(|parent| there.get(parent.as_os_str())).copied();
            let stands = parent.unwrap_or(true) && is_there(directory);
            there.insert(directory.as_os_str(), stands);
            if stands {
                moves.extend(folder.names().map(|name| directory.join(name)));
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
        self.get(path).map(|claim| claim.package().to_owned()).unwrap_or_default()
    }

    /// Takes a claim away.
    pub(super) fn take(&mut self, path: &Path) -> Option<Claim> {
        let spot = self.spot(path)?;
        let claim = self.files.get(spot);
        self.files.set(spot, None);
        claim
    }

    /// Puts a claim where one was [taken](Self::take) away.
    pub(super) fn put(&mut self, path: &Path, claim: Claim) {
        if let Some(spot) = self.spot(path) {
            self.files.set(spot, Some(claim));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256;
    use crate::install::Source;

    fn file(content: &str) -> PlannedFile {
        PlannedFile {
            destination: "/env/x".into(),
            source: Source::Entry(0),
            executable: false,
            digest: Kept::Sha256(Sha256::of(content.as_bytes())),
            size: content.len() as u64,
            is_sized: true,
            gives_way: false,
        }
    }

    #[test]
    fn who_brings_files_is_told_in_one_order_whoever_came_first() {
        let one = file("one");
        let bringers = ["b 1", "a 1", "d 1", "c 1"]
            .map(|package| Arc::new(Bringer { package: package.into(), dist_info: PathBuf::from(package) }));
        for [first, second, third, fourth] in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            let mut claims = [first, third].map(|at: usize| Claim::new(&bringers[at], &one));
            claims[0].join(&bringers[second], &one);
            claims[1].join(&bringers[fourth], &one);
            let told = Claim::all_bringers(&claims).into_iter().map(|bringer| &*bringer.package);
            assert!(told.eq(["a 1", "b 1", "c 1", "d 1"]));
        }
    }

    /// What becomes of the same file, and of another one, of a second plan.
    fn others(claims: &mut Claims) -> [Result<(usize, usize), Code>; 2] {
        ["one", "other"].map(|content| {
            let bringer = Bringer { package: content.into(), dist_info: PathBuf::from(content) };
            let file = file(content);
            let wanted = claims.claim(Path::new(""), &[&file], &bringer.into(), &OwnIn::Nothing);
            wanted.map(|wanted| (wanted.files.len(), wanted.apart.len())).map_err(|problem| problem.code())
        })
    }

    #[test]
    fn files_are_compared_while_their_plan_is_written_and_after_that() {
        let scratch = tempfile::tempdir().unwrap();
        for (is_over, is_there) in [(false, false), (true, true), (true, false)] {
            let mut claims = Claims::on(scratch.path().to_owned());
            let bringer = Arc::new(Bringer { package: "first 1".into(), dist_info: "first".into() });
            claims.add_directory(Path::new(""), &bringer.package).unwrap();
            let one = file("one");
            let wanted = claims.claim(Path::new(""), &[&one], &bringer, &OwnIn::Nothing).unwrap();
            assert_eq!(wanted.files.len(), 1);
            if is_over {
                claims.end(&bringer);
            }
            let _ = std::fs::remove_file(scratch.path().join("x"));
            if is_there {
                std::fs::write(scratch.path().join("x"), "one").unwrap();
            }
            let is_known = is_there || !is_over;
            let expected = if is_known { [Ok((0, 0)), Ok((0, 1))] } else { [Err(Code::FileAccess); 2] };
            assert_eq!(others(&mut claims), expected, "{is_over} {is_there}");
            let brought = claims.of_dist_info(Path::new("one")).len();
            assert_eq!(brought, usize::from(is_known));
        }
    }
}
