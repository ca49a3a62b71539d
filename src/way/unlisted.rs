//! What a run does with files among the modules that no RECORD lists.
//!
//! Owns: which of them refuse a run. Never: removes a file; the session does.

use std::path::{Path, PathBuf};

use super::upkeep::{Changed, Unlisted, Upkeep};
use crate::error::{Code, Place, Problem, Problems};
use crate::install::Session;
use crate::policy::{DatedPolicy, Level, has_code};
use crate::python::installed::read_capped;
use crate::wheel::startup::Kind;

/// The largest `.pth` file that is read, in bytes: a larger one is taken for one with code.
const MAX_PTH: u64 = 1 << 20;

/// What became of them.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What goes.
    pub(super) going: Vec<PathBuf>,
    /// Sentences about what stays.
    pub(super) warnings: Vec<String>,
}

/// Has them go where the run is asked for that; else looks for those that Python runs by itself.
///
/// # Errors
/// `startup-code` for what the policy does not let stay, and those of the session.
pub(super) fn settle(upkeep: &Upkeep, session: &Session, policy: &DatedPolicy) -> Result<Told, Problems> {
    match upkeep.unlisted {
        Unlisted::Passed => Ok(Told::default()),
        Unlisted::Go => Ok(Told { going: session.discard_unlisted()?, warnings: Vec::new() }),
        Unlisted::Judged => {
            let (mut warnings, mut refused) = (Vec::new(), Vec::new());
            for path in session.unlisted_startup()? {
                let runs = runs_code(&path);
                let usual = if runs || upkeep.changed == Changed::Refuse { Level::Deny } else { Level::Warn };
                match policy.level(Code::StartupCode, usual) {
                    Level::Allow => {}
                    Level::Warn => warnings.push(finding(&path, runs).to_string()),
                    Level::Deny => refused.push(finding(&path, runs)),
                }
            }
            Problems::unless_empty(Told { going: Vec::new(), warnings }, refused)
        }
    }
}

fn finding(path: &Path, runs: bool) -> Problem {
    let what = if runs {
        "Python runs this at each start, and no distribution brought it"
    } else {
        "Python adds the directories that this names to its path, and no distribution brought it"
    };
    let shown = path.display();
    Problem::new(Code::StartupCode, what).at(Place::file(path)).help(format!(
        "find out who put it there; `rm -r '{shown}'` removes it, and `pipward sync --remove-unlisted` all that no RECORD \
         lists; what is to stay needs [policy] startup-code = \"warn\" in pipward.toml"
    ))
}

/// Whether it is more than a list of directories.
fn runs_code(path: &Path) -> bool {
    let is_list = path.file_name().is_some_and(|name| Kind::of(Path::new(name)) == Some(Kind::Pth));
    let content = if is_list { read_capped(path, MAX_PTH).ok().flatten() } else { None };
    content.is_none_or(|content| has_code(&content))
}
