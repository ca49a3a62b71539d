//! `pipward uninstall`.

use std::io::{self, BufRead as _};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::looking::EnvironmentArgs;
use super::render::Printer;
use crate::config::Config;
use crate::error::{Code, Problem};
use crate::way::look::Look;
use crate::way::uninstall::{Fate, Uninstall, listing, wanted};

/// Arguments of `pipward uninstall`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward uninstall flask                  lists what would go, and asks
  pipward uninstall -y -r requirements.txt

All of it goes, or, on any error, none.")]
pub(crate) struct UninstallArgs {
    /// Names of installed distributions
    #[arg(value_name = "NAME", add = clap_complete::ArgValueCompleter::new(super::completion::locked_names))]
    names: Vec<String>,
    /// A file whose requirements go (may be given several times)
    #[arg(short, long, value_name = "FILE")]
    requirement: Vec<PathBuf>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Change the environment of a Python that the system's package manager looks after
    #[arg(long, env = "PIPWARD_BREAK_SYSTEM_PACKAGES", value_parser = clap::builder::FalseyValueParser::new(), action = clap::ArgAction::SetTrue)]
    break_system_packages: bool,
    /// Taken for pip's sake
    #[arg(long, value_name = "ACTION", hide_short_help = true)]
    root_user_action: Option<String>,
    #[command(flatten)]
    environment: EnvironmentArgs,
    #[command(flatten)]
    _unused: super::looking::UnusedArgs,
}

pub(super) fn run(arguments: &UninstallArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let wanted = wanted(&arguments.names, &arguments.requirement)?;
    for text in &wanted.ignored {
        printer.warn(&format!(
            "Invalid requirement: '{text}' ignored - the uninstall command expects named requirements."
        ));
    }
    wanted.unless_empty()?;
    let interpreter = arguments.environment.writable(&config, printer, arguments.break_system_packages)?;
    if let Some(status) = arguments.environment.outside_virtual(&interpreter, printer) {
        return Ok(status);
    }
    let look = Look::at(interpreter.clone())?;
    look.environment.warnings.iter().for_each(|warning| printer.warn(warning));
    let mut uninstall = Uninstall::plan(&look, &interpreter, &wanted)?;
    let mut spared = Vec::new();
    if !arguments.yes {
        for fate in &uninstall.fates {
            announce(fate, printer, &interpreter.prefix);
            if let Fate::Going(found, files) = fate
                && !agreed(files, arguments.environment.is_silent(), printer)?
            {
                spared.push(found.name.clone());
            }
        }
    }
    spared.iter().for_each(|name| uninstall.spare(name));
    let fates = std::mem::take(&mut uninstall.fates);
    // Which files go is known; that they are gone is said once they are, of all.
    uninstall.finish()?;
    let mut removed = Vec::new();
    for fate in &fates {
        if arguments.yes {
            announce(fate, printer, &interpreter.prefix);
        }
        if let Fate::Going(found, files) = fate {
            let (name, version) = (found.raw_name(), found.raw_version());
            gone(&format!("{name}-{version}"), files, printer);
            removed.push(json!({ "name": name, "version": version }));
        }
    }
    printer.document(&json!({ "ok": true, "removed": removed }));
    Ok(0)
}

fn announce(fate: &Fate<'_>, printer: &Printer, prefix: &std::path::Path) {
    match fate {
        Fate::Missing(name) => printer.warn(&format!("Skipping {name} as it is not installed.")),
        Fate::Outside(found) => {
            let (name, place) = (found.raw_name(), found.location().display());
            printer.say(&format!("Found existing installation: {name} {}", found.raw_version()));
            printer.say(&format!(
                "Not uninstalling {} at {place}, outside environment {}",
                found.name,
                prefix.display()
            ));
            printer.say(&format!("Can't uninstall '{name}'. No files were found to uninstall."));
        }
        Fate::Going(found, _) => {
            let (name, version) = (found.raw_name(), found.raw_version());
            printer.say(&format!("Found existing installation: {name} {version}"));
            printer.say(&format!("Uninstalling {name}-{version}:"));
        }
    }
}

fn gone(name: &str, files: &[PathBuf], printer: &Printer) {
    if printer.is_verbose() {
        for file in files {
            printer.say(&format!("  Removing file or directory {}", file.display()));
        }
    }
    for link in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "egg-link"))
    {
        let list = link.with_file_name("easy-install.pth");
        if !list.exists() {
            printer.warn(&format!("Cannot remove entries from nonexistent file {}", list.display()));
        }
    }
    printer.say(&format!("  Successfully uninstalled {name}"));
}

/// Lists what would go, and asks.
fn agreed(files: &[PathBuf], silent: bool, printer: &Printer) -> Result<bool, Problem> {
    let (mut going, mut staying) = listing(files);
    if printer.is_verbose() {
        going = files.iter().map(|path| path.display().to_string()).collect();
        staying = Vec::new();
    }
    for (title, paths) in [("Would remove:", going), ("Would not remove (might be manually added):", staying)]
    {
        if !paths.is_empty() {
            printer.say(&format!("  {title}"));
            paths.iter().for_each(|path| printer.say(&format!("    {path}")));
        }
    }
    if silent {
        return Err(Problem::new(Code::Usage, "No input was expected; question: Proceed (Y/n)?")
            .help("add -y, which removes without asking, or leave out --no-input (PIP_NO_INPUT)"));
    }
    loop {
        printer.data("Proceed (Y/n)? ");
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        if !read.is_ok_and(|count| count > 0) {
            return Err(Problem::new(Code::Usage, "there is nobody to answer the question")
                .help("add -y, which removes without asking"));
        }
        match answer.trim().to_lowercase().as_str() {
            "" | "y" => return Ok(true),
            "n" => return Ok(false),
            other => printer
                .say(&format!("Your response ('{other}') was not one of the expected responses: y, n, ")),
        }
    }
}
