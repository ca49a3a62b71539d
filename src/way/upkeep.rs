//! What a run does with what it finds installed, besides putting in what is missing.
//!
//! Never: changes anything itself; the session does.

use std::path::{Path, PathBuf};

use pipward_resolver::PackageName;

use crate::error::{Code, Place, Problem, Problems};
use crate::install::{Session, Strictness};

/// What is done with what is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// What becomes of distributions that are not part of the run.
    pub others: Others,
    /// What becomes of a distribution of the right version with other content.
    pub changed: Changed,
    /// What counts as other content.
    pub strictness: Strictness,
    /// What becomes of files that no RECORD lists.
    pub unlisted: Unlisted,
    /// The lock that has to select something, since all that it does not select goes; `None` where nothing may be meant.
    pub must_select: Option<PathBuf>,
}

/// What becomes of distributions that are not part of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Others {
    /// They stay.
    #[default]
    Stay,
    /// Those of these names go.
    Named(Vec<PackageName>),
    /// They go.
    Go,
}

/// What becomes of a distribution of the right version with other content than the lock's wheel leads to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Changed {
    /// It is put right.
    #[default]
    Heal,
    /// The run is refused.
    Refuse,
}

/// What becomes of files among the modules that no RECORD lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unlisted {
    /// Nobody looks.
    #[default]
    Passed,
    /// Those that Python runs by itself are judged by the policy.
    Judged,
    /// They go.
    Go,
}

/// One package of a run.
pub(crate) struct Part<'a> {
    /// Its name.
    pub(crate) name: &'a PackageName,
    /// Its version.
    pub(crate) version: &'a pipward_resolver::Version,
    /// Whether it is there already, file for file.
    pub(crate) kept: bool,
}

impl Upkeep {
    /// Tells the session what goes. The parts were selected of so many entries.
    ///
    /// # Errors
    /// `file-changed` for each that would have to be healed and may not, `nothing-selected`.
    pub(crate) fn apply(
        &self,
        session: &Session,
        parts: &[Part<'_>],
        entries: usize,
    ) -> Result<(), Problems> {
        if let (Some(lock), []) = (&self.must_select, parts)
            && !session.installed().is_empty()
        {
            return Err(nothing_selected(lock, entries).into());
        }
        if self.changed == Changed::Refuse {
            let faults = parts.iter().filter(|part| !part.kept).filter_map(|part| refusal(session, part));
            Problems::unless_empty((), faults.collect())?;
        }
        let is_part = |name: &PackageName| parts.iter().any(|part| part.name == name);
        let going: Vec<PackageName> = match &self.others {
            Others::Stay => Vec::new(),
            Others::Named(names) => names.clone(),
            Others::Go => session.installed().iter().filter_map(|name| name.parse().ok()).collect(),
        };
        for name in going.iter().filter(|name| !is_part(name)) {
            session.remove(name);
        }
        Ok(())
    }
}

/// Nothing is seldom meant, where all else goes.
fn nothing_selected(lock: &Path, entries: usize) -> Problem {
    let found = match entries {
        0 => "no entries".to_owned(),
        1 => "1 entry, which is not for this Python, platform, or group".to_owned(),
        _ => format!("{entries} entries, none of which is for this Python, platform, or group"),
    };
    let what = "nothing is selected for this environment, and all that is installed would be taken out";
    let help = "look at the file; where an empty environment is meant, add --allow-empty-requirements";
    Problem::new(Code::NothingSelected, what).at(Place::file(lock)).found(found).help(help)
}

fn refusal(session: &Session, part: &Part<'_>) -> Option<Problem> {
    let (version, place) = session.version_of(part.name)?;
    let same = version.parse::<pipward_resolver::Version>().is_ok_and(|version| version == *part.version);
    same.then(|| {
        Problem::new(Code::FileChanged, "what is installed is not what the locked wheel leads to")
            .package(format_args!("{} {}", part.name, part.version))
            .at(Place::file(place))
            .help("find out who changed it with `pipward verify -r LOCK`; without --no-heal it is put right")
    })
}
