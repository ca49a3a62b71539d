//! `pipward repair`.

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::looking::NamedArgs;
use super::render::Printer;
use crate::config::Config;
use crate::install::{Settled, repair};
use crate::python::{self, PythonRequest};
use crate::way;
use crate::way::destination::{self, Place as Wish};

/// Arguments of `pipward repair`.
#[derive(Args)]
#[command(after_help = "\
A run that was killed leaves a journal. Every command that works on the environment settles it first: it is as before
the run, or, if the run had come to its end, as after it. `repair` does this and nothing else, unless --byte-code is
given.")]
pub(crate) struct RepairArgs {
    #[command(flatten)]
    environment: NamedArgs,
    /// Remove byte-code beside installed modules that no RECORD has the hash of: Python makes it anew
    #[arg(long)]
    byte_code: bool,
    #[command(flatten)]
    _unused: super::looking::UnusedArgs,
}

pub(super) fn run(arguments: &RepairArgs, printer: &Printer) -> Outcome {
    let wish = arguments.environment.wish(&Config::load()?, printer);
    let find = || match &wish {
        Wish::Nothing => python::find(&PythonRequest::Any, None),
        wish => destination::look_at(wish),
    };
    // What was interrupted is settled also where the Python in it does not answer.
    let place = match arguments.environment.directory() {
        Some(directory) => directory.to_owned(),
        None => find()?.root,
    };
    let settled = repair(&place)?;
    let byte_code = if arguments.byte_code {
        let interpreter = find()?;
        destination::refuse_managed(&interpreter)?;
        way::repair::byte_code(&interpreter)?
    } else {
        0
    };
    let shown = place.display();
    let removed = (byte_code > 0).then(|| {
        let plural = if byte_code == 1 { "" } else { "s" };
        format!(
            "Removed {byte_code} file{plural} of byte-code that nothing vouches for; Python makes it anew."
        )
    });
    printer.say(&match settled {
        Settled::Nothing if byte_code > 0 => format!("Nothing was interrupted in {shown}."),
        Settled::Nothing => format!("Nothing to repair in {shown}."),
        Settled::Old => format!("An interrupted change of {shown} was taken back: it is as before."),
        Settled::New => {
            format!("An interrupted change of {shown} had come to its end: its remains are gone.")
        }
    });
    removed.iter().for_each(|removed| printer.say(removed));
    let word = match settled {
        Settled::Nothing => "nothing",
        Settled::Old => "old",
        Settled::New => "new",
    };
    printer.document(
        &json!({ "ok": true, "environment": shown.to_string(), "settled": word, "byte-code": byte_code }),
    );
    Ok(0)
}
