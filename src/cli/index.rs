//! `pipward index versions`.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::Outcome;
use super::install::foreign::{TargetArgs, target};
use super::looking::{EnvironmentArgs, ReleaseArgs, dumps};
use super::options::{CacheArgs, SourceArgs};
use super::render::Printer;
use crate::config::Config;
use crate::error::{Code, Problem};
use crate::index::Index;
use crate::python::installed::distribution::{Found, normalized};
use crate::requirements::SourceOptions;
use crate::way::look::{Look, Wish, versions};

/// Arguments of `pipward index`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward index versions flask        the versions that this environment can use, newest first")]
pub(crate) struct IndexArgs {
    /// What to tell
    #[arg(value_enum)]
    action: Action,
    /// The project
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Pre-releases too
    #[arg(long)]
    pre: bool,
    #[command(flatten)]
    target: TargetArgs,
    /// Versions for other Pythons too
    #[arg(long, hide_short_help = true)]
    ignore_requires_python: bool,
    #[command(flatten)]
    releases: ReleaseArgs,
    #[command(flatten)]
    environment: EnvironmentArgs,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    cache: CacheArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// The versions of a project.
    Versions,
}

/// In the order of pip's keys.
#[derive(Serialize)]
struct Told<'a> {
    name: &'a str,
    versions: &'a [String],
    latest: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    installed_version: Option<String>,
}

pub(super) fn run(arguments: &IndexArgs, printer: &Printer) -> Outcome {
    let Action::Versions = arguments.action;
    let [name] = arguments.names.as_slice() else {
        return Err(Problem::new(Code::Usage, "You need to specify exactly one argument")
            .help("name one project")
            .into());
    };
    let config = Config::load()?;
    let interpreter = arguments.environment.interpreter(&config, printer)?;
    let (mut sources, network) = arguments.sources.settle(&config, &SourceOptions::default())?;
    super::install::pass_over_missing(&mut sources, printer);
    let index = Index::new(
        sources,
        network,
        arguments.cache.directory(&config, printer),
        arguments.releases.waiting(),
    )?;
    let wanted = normalized(name);
    let any_python = arguments.ignore_requires_python;
    let pre = arguments.releases.takes_prereleases(arguments.pre, &wanted)?;
    let wish = Wish { pre, any_python, sources: arguments.releases.takes_sources(&wanted) };
    let described = target(&arguments.target, &interpreter)?;
    let found = versions(&index, &wanted, described.as_ref().unwrap_or(&interpreter.target), &wish)?;
    crate::cache::keep();
    let look = Look::at(interpreter)?;
    let shown: Vec<String> = found.iter().map(|one| one.version.to_string()).collect();
    let (Some(latest), Some(newest)) = (shown.first(), found.first()) else {
        return Err(Problem::new(
            Code::ProjectNotFound,
            format!("No matching distribution found for {name}"),
        )
        .help("look at the spelling, at --index-url, and whether it has a version for this Python")
        .into());
    };
    let installed = look.environment.named(&wanted).map(Found::shown_version);
    if printer.is_json() {
        let told = Told { name, versions: &shown, latest, installed_version: installed };
        printer.json_text(&dumps(&told));
        return Ok(0);
    }
    printer.say(&format!("{name} ({latest})"));
    printer.say(&format!("Available versions: {}", shown.join(", ")));
    if let Some(installed) = installed {
        printer.say(&format!("  INSTALLED: {installed}"));
        let note = if newest.version.any_prerelease() && !newest.version.is_dev() {
            " (pre-release; install with `pip install --pre`)"
        } else {
            ""
        };
        printer.say(&format!("  LATEST:    {latest}{note}"));
    }
    Ok(0)
}
