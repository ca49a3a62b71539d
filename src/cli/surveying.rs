//! What the commands that survey a lock or an environment have in common.

use std::path::{Path, PathBuf};

use clap::Args;

use super::options::{CacheArgs, SourceArgs, policy};
use super::render::Printer;
use crate::config::Config;
use crate::error::{Code, Place, Problem, Problems};
use crate::lock::Lock;
use crate::python::{self, PythonRequest};
use crate::survey::graph::Graph;
use crate::way::destination::{self, Place as Wish};
use crate::way::locks::read_lock;
use crate::way::look::Look;
use crate::way::survey::{Sight, graph_of_environment, graph_of_lock};

/// The lock that is surveyed where nothing is named.
const DEFAULT_LOCK: &str = "pylock.toml";

/// What is surveyed.
#[derive(Args, Debug, Clone)]
pub(crate) struct SubjectArgs {
    /// An environment, in place of a lock
    #[arg(value_name = "ENV", conflicts_with = "requirement")]
    environment: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

/// Which lock is surveyed, and how far is looked for what its packages say of themselves.
#[derive(Args, Debug, Clone)]
pub(crate) struct LockArgs {
    /// The lock, of either form [default: ./pylock.toml]
    #[arg(short, long, value_name = "LOCK")]
    requirement: Option<PathBuf>,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    cache: CacheArgs,
}

/// A lock or an environment.
pub(crate) enum Subject {
    Lock(Box<Lock>, Box<Sight>),
    Environment(Box<Look>),
}

impl SubjectArgs {
    /// Reads what is surveyed; `fetch` has the index asked for what is not at hand.
    pub(crate) fn subject(&self, fetch: bool, printer: &Printer) -> Result<Subject, Problems> {
        let Some(environment) = &self.environment else { return self.lock.subject(fetch, printer) };
        Ok(Subject::Environment(Box::new(self::environment(environment)?)))
    }
}

/// Looks at a named environment.
pub(crate) fn environment(path: &Path) -> Result<Look, Problem> {
    let wish = Wish::Python(PythonRequest::Path(path.to_owned()));
    Look::at(destination::look_at(&wish)?)
}

impl LockArgs {
    /// Whether no network is to be used.
    pub(crate) fn is_offline(&self) -> bool {
        self.sources.network.is_offline()
    }

    fn subject(&self, fetch: bool, printer: &Printer) -> Result<Subject, Problems> {
        let (lock, sight) = self.whole(fetch, printer)?;
        Ok(Subject::Lock(Box::new(lock), Box::new(sight)))
    }

    /// Reads the lock; `fetch` has the index asked for what is not at hand.
    pub(crate) fn whole(&self, fetch: bool, printer: &Printer) -> Result<(Lock, Sight), Problems> {
        let file = self.requirement.as_deref().unwrap_or(Path::new(DEFAULT_LOCK));
        if self.requirement.is_none() && !file.is_file() {
            return Err(Problem::new(Code::LockNotFound, "there is no lock in this directory")
                .at(Place::file(file))
                .help("name a lock with -r, or an environment")
                .into());
        }
        let config = Config::load()?;
        let cache = self.cache.directory(&config, printer);
        let (lock, said) = read_lock(file)?;
        for warning in &lock.warnings {
            printer.warn(warning);
        }
        let (sources, network) = self.sources.settle(&config, &said)?;
        let fetch_for = match fetch {
            true => Some(python::find(&PythonRequest::Any, cache.as_deref())?.target),
            false => None,
        };
        let sight = Sight { sources, network, cache, policy: policy()?, fetch_for };
        Ok((lock, sight))
    }
}

impl Subject {
    /// Where it is, for a line to people.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Lock(lock, _) => lock.file.display().to_string(),
            Self::Environment(look) => {
                look.interpreter.as_ref().map(|it| it.prefix.display().to_string()).unwrap_or_default()
            }
        }
    }

    /// Who needs what; what is not known of it is told.
    pub(crate) fn graph(&self, printer: &Printer) -> Result<Graph, Problems> {
        let (graph, without) = match self {
            Self::Lock(lock, sight) => graph_of_lock(lock, sight)?,
            Self::Environment(look) => graph_of_environment(look)?,
        };
        let count = without.len();
        let some = shortened(&without);
        match self {
            _ if count == 0 => {}
            Self::Environment(_) => printer.warn(&format!("not known what these need: {some}")),
            Self::Lock(..) if graph.unknown.is_empty() => {
                printer.note(&format!("Without specifiers, since METADATA is not at hand: {some}. --fetch gets it."));
            }
            Self::Lock(..) => printer.warn(&format!(
                "the lock does not tell what {count} of its packages need, and METADATA is not at hand: {some}. \
                 --fetch gets it."
            )),
        }
        Ok(graph)
    }
}

/// The first few of many names.
pub(crate) fn shortened(names: &[String]) -> String {
    let more = names.len().saturating_sub(5);
    let first = names.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

/// A name as it was typed, normalised, where the graph has it.
pub(crate) fn known_name(graph: &Graph, typed: &str, place: &str) -> Result<String, Problem> {
    let name = python::installed::distribution::normalized(typed);
    if !graph.named(&name).is_empty() {
        return Ok(name);
    }
    let near = graph.nodes.iter().find(|node| node.name.contains(&name) || name.contains(&node.name));
    let near = near.map(|node| format!("is {} meant? ", node.name)).unwrap_or_default();
    Err(Problem::new(Code::NotInLock, format!("{typed} is not in what was looked at"))
        .at(Place::file(place))
        .help(format!("{near}`pipward tree` tells all that is there")))
}
