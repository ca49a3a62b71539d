//! `pipward list`.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::Outcome;
use super::looking::{PartArgs, ReleaseArgs, columns, dumps};
use super::options::{CacheArgs, SourceArgs};
use super::render::Printer;
use crate::config::Config;
use crate::error::{Code, Problem};
use crate::index::Index;
use crate::python::installed::distribution::{Found, normalized};
use crate::python::installed::message::Message;
use crate::requirements::SourceOptions;
use crate::way::look::{self, Editable, Filter, Latest, Look, STANDARD_LIBRARY};

/// Arguments of `pipward list`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward list                      what is installed in the active environment
  pipward list --python .venv       in another one
  pipward list --outdated           what an index has a newer version of
  pipward list --format json -v     for programs, with where each is and who installed it")]
pub(crate) struct ListArgs {
    #[command(flatten)]
    part: PartArgs,
    /// Only what an index has a newer version of
    #[arg(short, long)]
    outdated: bool,
    /// Only what no index has a newer version of
    #[arg(short, long)]
    uptodate: bool,
    /// Only editable installations
    #[arg(short, long)]
    editable: bool,
    /// Leave editable installations out
    #[arg(long)]
    exclude_editable: bool,
    /// Editable installations too, which is the default
    #[arg(long, overrides_with = "exclude_editable")]
    include_editable: bool,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Form::Columns)]
    format: Form,
    /// Only what nothing else that is installed requires
    #[arg(long)]
    not_required: bool,
    /// A name that is left out (may be given several times)
    #[arg(long, value_name = "NAME")]
    exclude: Vec<String>,
    /// Pre-releases count as newer versions too
    #[arg(long)]
    pre: bool,
    #[command(flatten)]
    releases: ReleaseArgs,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    cache: CacheArgs,
}

/// How a list is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A table.
    Columns,
    /// Requirements.
    Freeze,
    /// One line of JSON.
    Json,
}

/// A distribution with the newest version of it, where that was asked for.
struct Line<'a> {
    found: &'a Found,
    latest: Option<Latest>,
}

/// A distribution as JSON, in the order of pip's keys.
#[derive(Serialize)]
struct Entry {
    name: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    installer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_filetype: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    editable_project_location: Option<String>,
}

pub(super) fn run(arguments: &ListArgs, printer: &Printer) -> Outcome {
    if arguments.outdated && arguments.uptodate {
        return Err(usage("Options --outdated and --uptodate cannot be combined.").into());
    }
    if arguments.outdated && arguments.format == Form::Freeze {
        return Err(usage("List format 'freeze' cannot be used with the --outdated option.").into());
    }
    let config = Config::load()?;
    let look = arguments.part.look(&config, printer)?;
    let contradicts = arguments.editable && arguments.exclude_editable;
    let mut found = look.select(&Filter {
        local: arguments.part.local,
        user: arguments.part.user,
        editable: match (arguments.editable, arguments.exclude_editable) {
            (true, _) => Editable::Only,
            (false, true) => Editable::None,
            (false, false) => Editable::Any,
        },
        skip: STANDARD_LIBRARY.iter().map(|name| (*name).to_owned()).collect(),
    });
    if contradicts {
        found.clear();
    }
    // The target is needed for these alone; directories that were named have none of their own.
    let target = if arguments.not_required || arguments.outdated || arguments.uptodate {
        Some(match &look.interpreter {
            Some(interpreter) => interpreter.target.clone(),
            None => arguments.part.environment.interpreter(&config, printer)?.target,
        })
    } else {
        None
    };
    if let Some(target) = target.as_ref().filter(|_| arguments.not_required) {
        found = look::not_required(found, target)?;
    }
    let excluded: Vec<String> = arguments.exclude.iter().map(|name| normalized(name)).collect();
    found.retain(|one| !excluded.contains(&one.name));
    let mut lines: Vec<Line<'_>> = found.into_iter().map(|found| Line { found, latest: None }).collect();
    if let Some(target) = target.filter(|_| arguments.outdated || arguments.uptodate) {
        let (mut sources, network) = arguments.sources.settle(&config, &SourceOptions::default())?;
        super::install::pass_over_missing(&mut sources, printer);
        let index = Index::new(
            sources,
            network,
            arguments.cache.directory(&config, printer),
            arguments.releases.waiting(),
        )?;
        compare(&mut lines, &index, &target, arguments)?;
        crate::cache::keep();
    }
    print(&lines, arguments, printer, &look);
    Ok(0)
}

fn usage(what: &str) -> Problem {
    Problem::new(Code::Usage, what).help("leave one of them out")
}

/// Asks for the newest versions, and keeps those that are newer, or the same.
fn compare(
    lines: &mut Vec<Line<'_>>,
    index: &Index,
    target: &pipward_resolver::Target,
    arguments: &ListArgs,
) -> Result<(), Problem> {
    use pipward_resolver::Facts as _;
    let soon: Vec<_> = lines.iter().filter_map(|line| Some((line.found.name.parse().ok()?, None))).collect();
    index.hint(&soon);
    for line in lines.iter_mut() {
        line.latest = look::latest(
            index,
            line.found,
            target,
            arguments.releases.takes_prereleases(arguments.pre, &line.found.name)?,
        )?;
    }
    lines.retain(|line| match (&line.latest, line.found.version()) {
        (Some(latest), Some(version)) if arguments.outdated => latest.version > version,
        (Some(latest), Some(version)) => latest.version == version,
        _ => false,
    });
    Ok(())
}

fn print(lines: &[Line<'_>], arguments: &ListArgs, printer: &Printer, look: &Look) {
    let verbose = printer.is_verbose();
    let form = if printer.is_json() { Form::Json } else { arguments.format };
    match form {
        Form::Columns => {
            if !lines.is_empty() {
                table(lines, arguments, verbose).iter().for_each(|line| printer.say(line));
            }
        }
        Form::Freeze => {
            for line in lines {
                let place = line.found.location().display();
                let pin = line.found.pin();
                printer.say(&if verbose { format!("{pin} ({place})") } else { pin });
            }
        }
        Form::Json => {
            let entries: Vec<Entry> = lines.iter().map(|line| entry(line, arguments, verbose)).collect();
            printer.json_text(&dumps(&entries));
        }
    }
    tracing::debug!("looked in {:?}", look.path.directories);
}

fn table(lines: &[Line<'_>], arguments: &ListArgs, verbose: bool) -> Vec<String> {
    let builds: Vec<Option<String>> = lines
        .iter()
        .map(|line| Message::parse(&line.found.text("WHEEL")?).get("Build").map(str::to_owned))
        .collect();
    let with_builds = builds.iter().any(|build| build.as_ref().is_some_and(|text| !text.is_empty()));
    let with_editable = lines.iter().any(|line| line.found.editable_location().is_some());
    let mut header = vec!["Package", "Version"];
    header.extend(arguments.outdated.then_some(["Latest", "Type"]).into_iter().flatten());
    header.extend(with_builds.then_some("Build"));
    header.extend(with_editable.then_some("Editable project location"));
    header.extend(verbose.then_some(["Location", "Installer"]).into_iter().flatten());
    let rows: Vec<Vec<String>> = lines
        .iter()
        .zip(builds)
        .map(|(Line { found, latest }, build)| {
            let mut row = vec![found.raw_name().to_owned(), found.raw_version().to_owned()];
            if arguments.outdated {
                row.push(latest.as_ref().map(|latest| latest.version.to_string()).unwrap_or_default());
                row.push(latest.as_ref().map(kind).unwrap_or_default().to_owned());
            }
            if with_builds {
                row.push(build.unwrap_or_default());
            }
            if with_editable {
                let place = found.editable_location();
                row.push(place.map(|place| place.display().to_string()).unwrap_or_default());
            }
            if verbose {
                row.push(found.location().display().to_string());
                row.push(found.installer());
            }
            row
        })
        .collect();
    columns(&header, &rows)
}

fn kind(latest: &Latest) -> &'static str {
    if latest.is_wheel { "wheel" } else { "sdist" }
}

fn entry(line: &Line<'_>, arguments: &ListArgs, verbose: bool) -> Entry {
    let found = line.found;
    let latest = line.latest.as_ref().filter(|_| arguments.outdated);
    Entry {
        name: found.raw_name().to_owned(),
        version: found.shown_version(),
        location: verbose.then(|| found.location().display().to_string()),
        installer: verbose.then(|| found.installer()),
        latest_version: latest.map(|latest| latest.version.to_string()),
        latest_filetype: latest.map(kind),
        editable_project_location: found.editable_location().map(|place| place.display().to_string()),
    }
}
