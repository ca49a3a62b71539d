//! `pipward explain CODE`.

use clap::Args;

use super::Outcome;
use super::render::Printer;
use crate::error::{Code, Problem};
use crate::lessons::{self, Lesson};

/// Arguments of `pipward explain`.
#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// The code, as a refusal prints it; without one, all codes are listed
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// Print all of them as one Markdown page
    #[arg(long, conflicts_with = "code")]
    markdown: bool,
}

pub(super) fn run(arguments: &ExplainArgs, printer: &Printer) -> Outcome {
    if arguments.markdown {
        printer.data(&lessons::page());
        return Ok(0);
    }
    let Some(name) = &arguments.code else {
        printer.codes(Code::ALL);
        return Ok(0);
    };
    let Some(code) = Code::from_name(&name.to_ascii_lowercase()) else {
        return Err(Problem::new(Code::Usage, "there is no code of this name")
            .found(name)
            .help("list all codes with `pipward explain`")
            .into());
    };
    printer.lesson(&Lesson::of(code));
    Ok(0)
}
