//! `pipward repair`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::looking::EnvironmentArgs;
use super::render::Printer;
use crate::config::Config;
use crate::install::{Settled, repair};

/// Arguments of `pipward repair`.
#[derive(Args)]
#[command(after_help = "\
A run that was killed leaves a journal. Every command that works on the environment settles it first: it is as before
the run, or, if the run had come to its end, as after it. `repair` does this and nothing else.")]
pub(crate) struct RepairArgs {
    /// The directory of the environment [default: the active one]
    #[arg(value_name = "ENV")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    environment: EnvironmentArgs,
    #[command(flatten)]
    _unused: super::looking::UnusedArgs,
}

pub(super) fn run(arguments: &RepairArgs, printer: &Printer) -> Outcome {
    let place = match &arguments.directory {
        Some(directory) => directory.clone(),
        None => arguments.environment.interpreter(&Config::load()?, printer)?.root,
    };
    let settled = repair(&place)?;
    let shown = place.display();
    printer.say(&match settled {
        Settled::Nothing => format!("Nothing to repair in {shown}."),
        Settled::Old => format!("An interrupted change of {shown} was taken back: it is as before."),
        Settled::New => {
            format!("An interrupted change of {shown} had come to its end: its remains are gone.")
        }
    });
    let word = match settled {
        Settled::Nothing => "nothing",
        Settled::Old => "old",
        Settled::New => "new",
    };
    printer.document(&json!({ "ok": true, "environment": shown.to_string(), "settled": word }));
    Ok(0)
}
