//! `pipward man`: a manual page for each command, from what its help says.

use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory as _};

use super::render::Printer;
use super::{Cli, Outcome};
use crate::error::{Problem, io};

/// Arguments of `pipward man`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward man ~/.local/share/man/man1   pipward.1, pipward-lock.1 and the rest, for `man pipward-lock`")]
pub(crate) struct ManArgs {
    /// The directory to write the pages into (made if missing)
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(super) fn run(arguments: &ManArgs, printer: &Printer) -> Outcome {
    let directory = &arguments.directory;
    std::fs::create_dir_all(directory).map_err(|error| io("making a directory", directory, &error))?;
    let mut command = Cli::command();
    command.build();
    let mut count = write(&command, "pipward", directory)?;
    for part in command.get_subcommands().filter(|part| part.get_name() != "help") {
        count += write(part, &format!("pipward-{}", part.get_name()), directory)?;
    }
    printer.say(&format!("{count} manual pages are in {}.", directory.display()));
    printer.document(&serde_json::json!({ "ok": true, "exit": 0, "pages": count }));
    Ok(0)
}

/// Writes the page of one command.
fn write(command: &Command, name: &str, directory: &Path) -> Result<usize, Problem> {
    let path = directory.join(format!("{name}.1"));
    let failed = |error: std::io::Error| io("writing", &path, &error);
    let mut page = Vec::new();
    // The date of a page would be that of the day on which it was written; without one it is the same each time.
    let man = clap_mangen::Man::new(command.clone())
        .date("")
        .source(format!("pipward {}", env!("CARGO_PKG_VERSION")));
    man.render(&mut page).map_err(failed)?;
    std::fs::write(&path, page).map_err(failed)?;
    Ok(1)
}
