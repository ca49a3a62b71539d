//! `pipward check`.

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::looking::{EnvironmentArgs, PartArgs};
use super::render::Printer;
use crate::config::Config;
use crate::way::look::check::check;

/// Arguments of `pipward check`.
#[derive(Args)]
#[command(after_help = "\
It compares what METADATA says is required with what is installed. Whether the files are those of the lock is what
`pipward verify` tells.")]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    environment: EnvironmentArgs,
    #[command(flatten)]
    _unused: super::looking::UnusedArgs,
}

pub(super) fn run(arguments: &CheckArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let part = PartArgs { environment: arguments.environment.clone(), ..PartArgs::default() };
    let look = part.look(&config, printer)?;
    let checked = check(&look)?;
    for warning in &checked.unreadable {
        printer.warn(warning);
    }
    for finding in &checked.findings {
        printer.say(finding);
    }
    let is_sound = checked.findings.is_empty() && checked.unreadable.is_empty();
    if is_sound {
        printer.say("No broken requirements found.");
    }
    printer
        .document(&json!({ "ok": is_sound, "findings": checked.findings, "unreadable": checked.unreadable }));
    Ok(u8::from(!is_sound))
}
