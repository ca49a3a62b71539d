//! `pipward remove`.

use clap::Args;

use super::Outcome;
use super::add::{AddArgs, change};
use super::render::Printer;
use crate::error::{Code, Problem};
use crate::way::edit::Edit;

/// Arguments of `pipward remove`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward remove flask      out of the inputs, and with what only it needed out of the lock and the environment")]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    arguments: AddArgs,
}

pub(super) fn run(arguments: RemoveArgs, printer: &Printer) -> Outcome {
    let mut arguments = arguments.arguments;
    let mut edits = Vec::new();
    for text in arguments.lock.take_requirements("remove")? {
        let name = text.parse().map_err(|_| {
            Problem::new(Code::Usage, "this is not the name of a project")
                .found(&text)
                .help("name what is to go, without a version")
        })?;
        edits.push(Edit::Take(name));
    }
    change(&arguments, &edits, printer)
}
