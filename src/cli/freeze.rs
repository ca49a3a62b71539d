//! `pipward freeze`.

use std::path::PathBuf;

use clap::Args;

use super::Outcome;
use super::looking::PartArgs;
use super::options::{CacheArgs, NetworkArgs};
use super::render::Printer;
use crate::config::Config;
use crate::python::installed::distribution::normalized;
use crate::way::look::freeze::{FreezeRequest, Frozen, freeze, tools};
use crate::way::look::{Filter, STANDARD_LIBRARY};

/// Arguments of `pipward freeze`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward freeze                              what is installed, as requirements
  pipward freeze --hashes > requirements.txt  with the hashes of the files that it was installed from
  pipward freeze -r requirements.in           in the order of that file")]
pub(crate) struct FreezeArgs {
    #[command(flatten)]
    part: PartArgs,
    /// A requirements file whose order and comments are taken over (may be given several times)
    #[arg(short, long, value_name = "FILE")]
    requirement: Vec<PathBuf>,
    /// pip and, before Python 3.12, setuptools, distribute and wheel too
    #[arg(long)]
    all: bool,
    /// Leave editable installations out
    #[arg(long)]
    exclude_editable: bool,
    /// A name that is left out (may be given several times)
    #[arg(long, value_name = "NAME")]
    exclude: Vec<String>,
    /// Add the hash of the file that each was installed from, as its installer noted it
    #[arg(long)]
    hashes: bool,
    #[command(flatten)]
    cache: CacheArgs,
    #[command(flatten)]
    _network: NetworkArgs,
}

pub(super) fn run(arguments: &FreezeArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let look = arguments.part.look(&config, printer)?;
    let mut skip: std::collections::BTreeSet<String> =
        STANDARD_LIBRARY.iter().map(|name| (*name).to_owned()).collect();
    if !arguments.all {
        let python = look.interpreter.as_ref().map(|interpreter| interpreter.scheme.python);
        let python = match python {
            Some(python) => Some(python),
            None => {
                arguments.part.environment.interpreter(&config, printer).ok().map(|found| found.scheme.python)
            }
        };
        skip.extend(tools(python).iter().map(|name| (*name).to_owned()));
    }
    skip.extend(arguments.exclude.iter().map(|name| normalized(name)));
    let frozen = freeze(
        &look,
        &FreezeRequest {
            filter: Filter {
                local: arguments.part.local,
                user: arguments.part.user,
                skip,
                ..Filter::default()
            },
            files: arguments.requirement.clone(),
            exclude_editable: arguments.exclude_editable,
            hashes: arguments.hashes,
            cache: arguments.cache.directory(&config, printer),
        },
    )?;
    for warning in &frozen.warnings {
        printer.warn(warning);
    }
    if printer.is_json() {
        printer.document(&serde_json::json!({ "ok": true, "requirements": frozen.lines }));
    } else {
        // As pip has it: -q does not make it say less.
        for (at, line) in frozen.lines.iter().enumerate() {
            passed(&frozen, at, printer);
            line.split('\n').for_each(|line| printer.result(line));
        }
        passed(&frozen, frozen.lines.len(), printer);
    }
    Ok(0)
}

/// Tells which lines of files were passed over at this place.
fn passed(frozen: &Frozen, at: usize, printer: &Printer) {
    let here = frozen.passed.iter().filter(|(before, _)| *before == at);
    here.flat_map(|(_, words)| words.split('\n')).for_each(|line| printer.say(line));
}
