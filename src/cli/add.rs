//! `pipward add` and what it shares with `pipward remove`: the inputs, the lock and the environment change together.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::install::extra_names;
use super::lock::{self, LockArgs};
use super::options::{policy, trust};
use super::render::Printer;
use crate::config::Config;
use crate::error::{Code, Place, Problem, Problems, io};
use crate::lock::Lock;
use crate::python::PythonRequest;
use crate::way::destination::{self, Place as Wish};
use crate::way::edit::{Edit, Section, edit};
use crate::way::inputs;
use crate::way::install::{Change, InstallRequest, Installed, SoFar, Taken, install};
use crate::way::lock::standing::again;
use crate::way::locks::{self, Wanted};
use crate::way::upkeep::{Others, Upkeep};

/// Arguments of `pipward add`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward add flask               into ./pyproject.toml (or requirements.in), the lock, and the environment
  pipward add 'flask>=3' idna --no-install
  pipward add pytest --group test     into a dependency group; --optional EXTRA: into an extra

Only what the new requirement makes necessary changes in the lock. Where the lock cannot be written, the inputs stay as
they were.")]
pub(crate) struct AddArgs {
    #[command(flatten)]
    pub(super) lock: LockArgs,
    /// Where the requirements stand [default: pyproject.toml where it has a project, else requirements.in]
    #[arg(long, value_name = "FILE")]
    pub(super) input: Option<PathBuf>,
    /// An extra of the pyproject.toml to put it into
    #[arg(long, value_name = "EXTRA")]
    pub(super) optional: Option<String>,
    /// The environment to install into; made if it is not there [default: the active one, or .venv]
    #[arg(long, value_name = "DIR", conflicts_with = "no_install")]
    pub(super) venv: Option<PathBuf>,
    /// Leave the environment as it is
    #[arg(long)]
    pub(super) no_install: bool,
}

pub(super) fn run(mut arguments: AddArgs, printer: &Printer) -> Outcome {
    let edits: Vec<Edit> = arguments
        .lock
        .take_requirements("add")?
        .iter()
        .map(|text| Edit::put(text))
        .collect::<Result<_, _>>()?;
    arguments.lock.upgrade_names(edits.iter().map(|edit| edit.name().to_string()));
    change(&arguments, &edits, printer)
}

impl AddArgs {
    /// Where the requirements go.
    fn section(&self) -> Result<Section, Problem> {
        match (&self.optional, self.lock.named_groups()) {
            (None, []) => Ok(Section::Project),
            (Some(extra), []) => Ok(Section::Extra(extra.clone())),
            (None, [group]) => Ok(Section::Group(group.clone())),
            _ => Err(Problem::new(Code::Usage, "a requirement goes into one group or one extra")
                .help("name one with --group or --optional")),
        }
    }
}

/// Changes the inputs, locks, and brings the environment in line.
pub(super) fn change(arguments: &AddArgs, edits: &[Edit], printer: &Printer) -> Outcome {
    let mut lock = arguments.lock.clone();
    lock.stay();
    let output = lock.output()?;
    let before = lock.standing(&output)?;
    let input = arguments.input.clone().unwrap_or_else(|| default_input(before.as_ref(), &output));
    let was = read(&input)?;
    if was.is_none() && before.as_ref().is_some_and(|lock| !lock.packages.is_empty() && again(lock).is_none())
    {
        return Err(unknown(&output, &input).into());
    }
    let section = arguments.section()?;
    let text = edit(was.as_deref().unwrap_or_default(), &input, &section, edits)?;
    inputs::write_if_changed(&input, &text)?;
    lock.use_input(&input, before.as_ref());
    lock.keep_parts(before.as_ref(), &section);
    let locked = lock::run(&lock, &printer.without_json());
    if !matches!(locked, Ok(0)) {
        // The inputs are as they were: they go with the lock that stands.
        match &was {
            Some(text) => drop(inputs::write_if_changed(&input, text)?),
            None => std::fs::remove_file(&input).map_err(|error| io("removing a file", &input, &error))?,
        }
        return locked;
    }
    let done = if arguments.no_install {
        None
    } else {
        bring_in_line(arguments, &lock, &output, before.as_ref(), &section, printer)?
    };
    let pairs = |list: &[(String, String)]| -> Vec<_> {
        list.iter().map(|(name, version)| json!({ "name": name, "version": version })).collect()
    };
    printer.document(&json!({
        "ok": true,
        "input": input.display().to_string(),
        "lock": output.display().to_string(),
        "installed": done.as_ref().map(|done| pairs(&done.installed)),
        "removed": done.as_ref().map(|done| pairs(&done.removed)),
    }));
    Ok(0)
}

/// A project where there is one; else the file that the standing lock was made from; else requirements.in.
fn default_input(standing: Option<&Lock>, output: &Path) -> PathBuf {
    let project = Path::new("pyproject.toml");
    if read(project).ok().flatten().is_some_and(|text| text.lines().any(|line| line.trim() == "[project]")) {
        return project.to_owned();
    }
    let tool = standing.and_then(|lock| lock.tool.as_ref());
    let from = tool.into_iter().flat_map(|tool| &tool.inputs).map(|(_, from)| from.as_str());
    from.filter(|from| *from != "command line" && !from.starts_with("-c "))
        .map(PathBuf::from)
        .find(|path| path.is_file())
        .or_else(|| lock::again::inputs_of(output).into_iter().next())
        .unwrap_or_else(|| PathBuf::from("requirements.in"))
}

/// Of a lock that would lose what nobody knows the inputs of.
fn unknown(output: &Path, input: &Path) -> Problem {
    Problem::new(Code::LockDrift, "nobody knows what this lock was made from, so it is not changed")
        .at(Place::file(output))
        .expected(format!("what it notes, a pyproject.toml, or {}", input.display()))
        .help(format!("write what you ask for into {}, and run the same command again", input.display()))
}

fn read(path: &Path) -> Result<Option<String>, Problem> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io("reading the inputs", path, &error)),
    }
}

/// Installs the new lock into the environment that was named, the active one, or `./.venv`; takes out what is no longer in
/// it. `None` where there is no environment.
fn bring_in_line(
    arguments: &AddArgs,
    lock: &LockArgs,
    output: &Path,
    before: Option<&Lock>,
    section: &Section,
    printer: &Printer,
) -> Result<Option<Installed>, Problems> {
    let config = Config::load()?;
    let named = arguments.venv.clone().map(|directory| Wish::Venv {
        directory,
        python: lock.python().map_or(PythonRequest::Any, PythonRequest::parse),
    });
    let named = named.or_else(|| lock.virtual_environment().map(Wish::Active));
    let wish = match (named, config.variable("VIRTUAL_ENV")) {
        (Some(named), _) => named,
        (None, Some(active)) => Wish::Active(PathBuf::from(active)),
        (None, None) if Path::new(".venv/pyvenv.cfg").is_file() => Wish::Active(PathBuf::from(".venv")),
        (None, None) => {
            printer.say("No environment is active, and there is no .venv: nothing is installed.");
            return Ok(None);
        }
    };
    let environment = destination::find(&wish)?;
    let wanted = Wanted { files: vec![output.to_owned()], ..Wanted::default() };
    let (sources, cache) = lock.sources();
    let network = sources.network.settle(&config)?;
    let locks = locks::read(&wanted, &|url| crate::index::read_address(url, &network))?;
    let (sources, network) = sources.settle(&config, locks.sources())?;
    let gone = before.into_iter().flat_map(|lock| &lock.packages).map(|package| package.name.clone());
    // What is locked apart is chosen at install; anything else is in the lock as a whole.
    let (mut extras, mut groups) = match section {
        Section::Project => (Vec::new(), Vec::new()),
        Section::Extra(extra) => (extra_names(std::slice::from_ref(extra))?, Vec::new()),
        Section::Group(group) => (Vec::new(), extra_names(std::slice::from_ref(group))?),
    };
    extras.retain(|extra| locks.whole().iter().any(|lock| lock.extras.contains(extra)));
    groups.retain(|group| locks.whole().iter().any(|lock| lock.dependency_groups.contains(group)));
    let request = InstallRequest {
        upkeep: Upkeep { others: Others::Named(gone.collect()), ..Upkeep::default() },
        locks,
        environment,
        target: None,
        extras,
        groups: if groups.is_empty() { None } else { Some(groups) },
        check_closure: true,
        any_python: false,
        taken: Taken::default(),
        beneath: None,
        only_dependencies: false,
        change: Change::Missing,
        anew: false,
        rehash: false,
        installer: printer.persona().installer(),
        compile: false,
        policy: policy()?,
        trust: trust(false)?,
        sources,
        network,
        cache: cache.directory(&config, printer),
        tells_metadata: false,
        so_far: SoFar::default(),
    };
    let done = install(&request, &|| {})?;
    let joined = |list: &mut dyn Iterator<Item = &(String, String)>| {
        list.map(|(name, version)| format!("{name}-{version}")).collect::<Vec<_>>().join(" ")
    };
    let mut dropped =
        done.removed.iter().filter(|(name, _)| !done.installed.iter().any(|(other, _)| other == name));
    let dropped = joined(&mut dropped);
    if !dropped.is_empty() {
        printer.say(&format!("Successfully uninstalled {dropped}"));
    }
    if !done.installed.is_empty() {
        printer.say(&format!("Successfully installed {}", joined(&mut done.installed.iter())));
    }
    Ok(Some(done))
}
