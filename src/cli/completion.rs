//! `pipward completion`, and the names that a lock in this directory has.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{ArgGroup, Args, CommandFactory as _};
use clap_complete::CompletionCandidate;
use clap_complete::engine::complete;
use clap_complete::env::{CompleteEnv, Shells};

use super::render::Printer;
use super::{Cli, Outcome};
use crate::config::Config;
use crate::error::{Code, Problem};

/// The variable in which a shell says that it asks for completions.
const VARIABLE: &str = "PIPWARD_COMPLETE";

/// Arguments of `pipward completion`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward completion --bash >> ~/.bashrc
  pipward completion --zsh >> ~/.zshrc
  pipward completion --fish > ~/.config/fish/completions/pipward.fish

Options, commands and the names of ./pylock.toml are completed.")]
#[command(group(ArgGroup::new("shell").required(true).args(["bash", "zsh", "fish", "powershell"])))]
pub(crate) struct CompletionArgs {
    /// For bash
    #[arg(short, long)]
    bash: bool,
    /// For zsh
    #[arg(short, long)]
    zsh: bool,
    /// For fish
    #[arg(short, long)]
    fish: bool,
    /// For PowerShell
    #[arg(long, visible_alias = "pwsh")]
    powershell: bool,
    #[command(flatten)]
    _unused: super::looking::UnusedArgs,
    #[command(flatten)]
    _pip: super::options::PipArgs,
}

pub(super) fn run(arguments: &CompletionArgs, printer: &Printer) -> Outcome {
    let shell = match (arguments.bash, arguments.zsh, arguments.fish) {
        (true, _, _) => "bash",
        (_, true, _) => "zsh",
        (_, _, true) => "fish",
        _ => "powershell",
    };
    let names: &[&str] = if printer.persona().is_pip() { &["pip", "pip3"] } else { &["pipward"] };
    let unknown = || Problem::new(Code::Internal, "there is no completion for this shell");
    let shells = Shells::builtins();
    let shell = shells.completer(shell).ok_or_else(unknown)?;
    let mut script = Vec::new();
    for name in names {
        shell
            .write_registration(VARIABLE, name, name, name, &mut script)
            .map_err(|error| unknown().cause(error))?;
    }
    printer.data(&String::from_utf8_lossy(&script));
    Ok(0)
}

/// Answers a shell that asks for completions, and ends the process then.
pub(super) fn answer() {
    CompleteEnv::with_factory(Cli::command).var(VARIABLE).complete();
}

/// Answers the completion scripts of pip itself, which tell the words that were typed in variables and read words: none
/// where nobody asks so. pip's status is 1 then.
pub(super) fn answer_as_pip(mut command: clap::Command, config: &Config, printer: &Printer) -> Option<u8> {
    config.variable("PIP_AUTO_COMPLETE")?;
    let words = config.variable("COMP_WORDS").unwrap_or_default();
    let mut words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
    let at = config.variable("COMP_CWORD").and_then(|number| number.parse::<usize>().ok())?;
    if at >= words.len() {
        words.push(OsString::new());
    }
    let at = at.min(words.len().saturating_sub(1));
    let here = std::path::absolute(".").ok();
    // A shell that asks is told nothing rather than a fault.
    let found = complete(&mut command, words, at, here.as_deref()).unwrap_or_default();
    for one in found {
        printer.result(&one.get_value().to_string_lossy());
    }
    Some(1)
}

/// The names of `./pylock.toml` that begin so.
pub(super) fn locked_names(begun: &OsStr) -> Vec<CompletionCandidate> {
    let Some(begun) = begun.to_str() else { return Vec::new() };
    let Ok(lock) = crate::lock::pylock::read(Path::new("pylock.toml")) else { return Vec::new() };
    let names: std::collections::BTreeSet<String> =
        lock.packages.iter().map(|package| package.name.to_string()).collect();
    names.into_iter().filter(|name| name.starts_with(begun)).map(CompletionCandidate::new).collect()
}
