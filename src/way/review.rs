//! Two locks -> Comparison, and with it the verified wheels of both -> Capabilities -> Gains.
//!
//! Owns: where a lock that is reviewed comes from (a file, or a revision of a git repository), and which wheel of a
//! release is looked at. Never: installs or runs anything.

mod rules;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use pipward_resolver::{PackageName, Target, Version};
use rules::{Rules, Sentence};

use super::install::{agree, resolve_files};
use super::locks::read_lock;
use crate::audit::{Capabilities, Gain};
use crate::cache::Store;
use crate::error::{Code, ExitClass, Place, Problem, Problems, io};
use crate::index::{Index, NetworkOptions, Sources};
use crate::lock::compare::{Comparison, Kind, PackageChange, What};
use crate::lock::{Lock, LockedPackage, LockedSource, Selected};
use crate::policy::DatedPolicy;
use crate::python::Interpreter;
use crate::verify::VerifiedWheel;

/// The largest lock that is taken from a repository, in bytes.
const MAX_LOCK: u64 = 64 << 20;

/// Where a lock is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockPlace {
    /// A file.
    File(PathBuf),
    /// `git:REV:PATH`: a file of a revision. The text is git's own `REV:PATH`.
    Git(String),
}

impl LockPlace {
    /// Reads what was typed.
    ///
    /// # Errors
    /// `usage` for a `git:` without a revision or a path.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let Some(blob) = text.strip_prefix("git:") else { return Ok(Self::File(PathBuf::from(text))) };
        match blob.split_once(':') {
            Some((revision, path))
                if !revision.is_empty() && !path.is_empty() && !revision.starts_with('-') =>
            {
                Ok(Self::Git(blob.to_owned()))
            }
            _ => Err(Problem::new(Code::Usage, "this does not name a file of a revision")
                .expected("git:REVISION:PATH, such as git:main:pylock.toml")
                .found(text)),
        }
    }

    /// Reads the lock.
    ///
    /// # Errors
    /// `lock-not-found`, and those of the lock.
    pub fn read(&self) -> Result<Lock, Problems> {
        match self {
            Self::File(path) => Ok(read_lock(path)?.0),
            Self::Git(blob) => of_revision(blob),
        }
    }
}

fn of_revision(blob: &str) -> Result<Lock, Problems> {
    let named = format!("git:{blob}");
    let failed = |why: &str| {
        Problem::new(Code::LockNotFound, "git does not give this lock")
            .at(Place::file(&named))
            .cause(why)
            .help("name a revision and a path from the top of the repository, or ./PATH from here")
    };
    let ask = |what: &str| {
        let output = Command::new("git").args(["cat-file", what, blob]).stdin(Stdio::null()).output();
        let output = output.map_err(|error| failed(&error.to_string()))?;
        let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() { Ok(output.stdout) } else { Err(failed(&told)) }
    };
    // An object never changes, so its size can be asked for before its content is.
    let size = String::from_utf8_lossy(&ask("-s")?).trim().parse::<u64>();
    if !size.is_ok_and(|size| size <= MAX_LOCK) {
        return Err(failed("it is larger than 64 MiB").into());
    }
    let text = ask("blob")?;
    // A lock is read from a file, whose name says of which form it is.
    let name = Path::new(blob).file_name().and_then(|name| name.to_str()).unwrap_or(blob);
    let name = name.rsplit(':').next().unwrap_or(name);
    let writing = super::Writing::begin();
    let folder =
        tempfile::tempdir().map_err(|error| io("making a temporary directory", "of the system", &error))?;
    let path = folder.path().join(name);
    std::fs::write(&path, &text).map_err(|error| io("writing", &path, &error))?;
    let read = read_lock(&path);
    drop((folder, writing));
    super::check_interrupted()?;
    let (mut lock, _) = read?;
    lock.file = PathBuf::from(named);
    Ok(lock)
}

/// What a deep review depends on.
pub struct DeepRequest {
    /// Whose wheel of each release is looked at first, and whose environments it is planned for.
    pub python: Interpreter,
    /// What is allowed of wheels.
    pub policy: DatedPolicy,
    /// Where locked files come from.
    pub sources: Sources,
    /// How the network is used.
    pub network: NetworkOptions,
    /// The cache directory.
    pub cache: Option<PathBuf>,
}

/// What a package can do now and could not before.
#[derive(Debug, Clone)]
pub struct Deep {
    /// The name.
    pub name: PackageName,
    /// The wheel of before, and the one of now.
    pub files: (Option<String>, Option<String>),
    /// What is new in it.
    pub gains: Vec<Gain>,
    /// Why the new wheel would be refused, or could not be looked at.
    pub refused: Vec<Problem>,
    /// Why that of before could not be: then all of the new one is told as new.
    pub unknown: Vec<Problem>,
}

impl Deep {
    /// Whether something runs by itself, or the new wheel would be refused.
    pub fn is_alarm(&self) -> bool {
        let is_refused = |problem: &Problem| problem.code().exit_class() == ExitClass::Refused;
        self.refused.iter().any(is_refused) || self.gains.iter().any(|gain| gain.is_alarm)
    }
}

/// Fetches, verifies and looks through a wheel of each release that is new, next to one of the release before it.
///
/// # Errors
/// What hinders the look itself; a wheel that is refused is told of in [`Deep::refused`].
pub fn deep(
    before: &Lock,
    after: &Lock,
    comparison: &Comparison,
    request: &DeepRequest,
    step: &(dyn Fn() + Sync),
) -> Result<Vec<Deep>, Problems> {
    let index = Index::of_locked(&request.sources, &request.network, request.cache.as_deref())?;
    let rules = Rules::of(&request.python, &request.policy)?;
    let target = &request.python.target;
    let mut all = Vec::new();
    let mut startups = Vec::new();
    for change in comparison.packages.iter().filter(|change| has_other_bytes(change)) {
        super::check_interrupted()?;
        let new = chosen(after, change, change.after.last(), None, target);
        let old = chosen(before, change, change.before.last(), new.as_ref(), target);
        let look = |selected: Option<Selected>| -> (Option<String>, Option<Look>, Vec<Problem>) {
            let Some(selected) = selected else { return (None, None, Vec::new()) };
            match one(selected, &index, &rules, request) {
                (file, Ok(found)) => (file, Some(found), Vec::new()),
                (file, Err(problems)) => (file, None, problems.into_iter().collect()),
            }
        };
        let (old, before, unknown) = look(old);
        let (new, now, mut refused) = look(new);
        // What the wheel of before could do is not known where it is refused: nothing of the new one is passed over for it.
        let before = before.map(|(found, _)| found).unwrap_or_default();
        let mut gains = Vec::new();
        if let Some((found, sentence)) = now {
            gains = found.gains(&before);
            refused.extend(sentence.refused);
            startups.push((change.name.clone(), sentence.together));
        }
        all.push(Deep { name: change.name.clone(), files: (old, new), gains, refused, unknown });
        step();
    }
    for (name, problem) in rules.together(&startups) {
        let of_name = all.iter_mut().find(|one| one.name == name);
        of_name.into_iter().for_each(|one| one.refused.push(problem.clone()));
    }
    all.sort_by_key(|one| !one.is_alarm());
    crate::cache::keep();
    Ok(all)
}

/// What is found in one wheel, and what an install would say of it.
type Look = (Capabilities, Sentence);

/// Whether there is anything to look at: what is new, in another version, or of other bytes.
pub fn has_other_bytes(change: &PackageChange) -> bool {
    match change.kind {
        Kind::Removed => false,
        Kind::Same => change.changes.iter().any(|change| change.what == What::Hashes),
        Kind::Added | Kind::Up | Kind::Down | Kind::Other => true,
    }
}

/// The entry of a version, with the wheel that is looked at: the one with the tags of `like`, else the best of the target,
/// else the first.
fn chosen(
    lock: &Lock,
    change: &PackageChange,
    version: Option<&Version>,
    like: Option<&Selected>,
    target: &Target,
) -> Option<Selected> {
    let mut entries = lock.packages.iter().filter(|package| package.name == change.name);
    let is_it =
        |package: &&Arc<LockedPackage>| package.version.is_none() || package.version.as_ref() == version;
    let package = entries.find(is_it)?.clone();
    let file = match &package.source {
        LockedSource::Wheels(files) => {
            let tags = like.and_then(|like| Some(like.file.as_ref()?.name.tag_parts()));
            let same = files.iter().find(|file| Some(file.name.tag_parts()) == tags);
            let best = files.iter().filter_map(|file| Some((target.tags.rank(&file.name)?, file)));
            let best = best.min_by_key(|(rank, _)| *rank).map(|(_, file)| file);
            Some(same.or(best).or_else(|| files.first())?.clone().into())
        }
        LockedSource::ByHash(_) => None,
        LockedSource::Unusable(_) => return None,
    };
    Some(Selected { package, file })
}

/// What one wheel can do, with its file name as far as it is known.
fn one(
    selected: Selected,
    index: &Index,
    rules: &Rules<'_>,
    request: &DeepRequest,
) -> (Option<String>, Result<Look, Problems>) {
    let name = selected.package.name.clone();
    let known = selected.file.as_ref().map(|file| file.name.as_str().to_owned());
    let mut items = match resolve_files(vec![(selected, false)], index, &request.python.target) {
        Ok(items) => items,
        Err(problems) => return (known, Err(problems)),
    };
    let Some(item) = items.pop() else {
        return (known, Err(Problem::new(Code::Internal, "a package has no file").into()));
    };
    let file = Some(item.file.name.as_str().to_owned());
    let fetcher = index.fetcher(request.cache.as_deref().map(Store::new));
    let look = || {
        let Some((_, fetched)) = fetcher.start(vec![Arc::clone(&item.file)]).next() else {
            return Err(Problem::new(Code::Internal, "a wheel did not arrive"));
        };
        let wheel = request.policy.read(VerifiedWheel::check(fetched?, &item.file)?)?;
        agree(&item, &wheel)?;
        let mut found = Capabilities::of(&wheel)?;
        let mut sentence = rules.look(&item, &wheel)?;
        found.startup.extend(std::mem::take(&mut sentence.startup));
        sentence.refused = sentence.refused.into_iter().map(|one| one.package(&name)).collect();
        if let Some(store) = request.cache.as_deref().map(Store::new)
            && let Err(problem) = store.put(wheel.verified())
        {
            tracing::warn!("{problem}");
        }
        Ok((found, sentence))
    };
    (file, look().map_err(|problem| problem.package(&name).into()))
}
