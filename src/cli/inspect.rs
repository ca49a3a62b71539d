//! `pipward inspect`.

use clap::Args;

use super::Outcome;
use super::looking::PartArgs;
use super::render::Printer;
use crate::config::Config;
use crate::error::{Code, Problem};
use crate::way::look::inspect::report;
use crate::way::look::{Filter, STANDARD_LIBRARY};

/// Arguments of `pipward inspect`.
#[derive(Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    part: PartArgs,
    #[command(flatten)]
    _unused: super::looking::UnusedArgs,
}

pub(super) fn run(arguments: &InspectArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let look = arguments.part.look(&config, printer)?;
    let markers = match &look.interpreter {
        Some(interpreter) => interpreter.target.markers.clone(),
        None => arguments.part.environment.interpreter(&config, printer)?.target.markers,
    };
    let filter = Filter {
        local: arguments.part.local,
        user: arguments.part.user,
        skip: STANDARD_LIBRARY.iter().map(|name| (*name).to_owned()).collect(),
        ..Filter::default()
    };
    let report = report(&look, &filter, &markers)?;
    let text = serde_json::to_string_pretty(&report)
        .map_err(|error| Problem::new(Code::Internal, "the report cannot be written").cause(error))?;
    printer.json_text(&text);
    Ok(0)
}
