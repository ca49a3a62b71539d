//! Started as `pip`, `pip3` or `pip3.X`, or as `pipward pip …`: the same commands, as pip's users type them.
//!
//! Owns: what is different then: whose environment is meant, pip's variables and files as defaults of every option,
//! pip's exit codes and the beginnings of its messages. Never: loosens what is refused.

mod arrange;
mod begun;
pub(super) mod words;

use std::any::TypeId;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser as _, ValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, CommandFactory as _, FromArgMatches as _};
use pipward_resolver::Version;

use super::render::Printer;
use super::{Cli, run, trace};
use crate::config::Config;
use crate::error::{Code, Place, Problem};
use crate::install::Installer;
use crate::python::{self, PythonRequest};
use crate::requirements::ALWAYS;
use crate::way::destination::Place as Wish;

/// The release of pip whose options and output these are.
pub(crate) const PIP_VERSION: &str = "26.3";

/// Commands that have no use for a word, which pip passes over.
const LOOKING: [&str; 4] = ["list", "freeze", "check", "inspect"];

/// As what the binary was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Persona {
    /// As itself.
    #[default]
    Pipward,
    /// As pip. The Python that stands beside that link, if one does.
    Pip(Option<PathBuf>),
}

impl Persona {
    /// Whether pip's ways hold.
    pub(crate) fn is_pip(&self) -> bool {
        matches!(self, Self::Pip(_))
    }

    /// What INSTALLER names.
    pub(crate) fn installer(&self) -> Installer {
        if self.is_pip() { Installer::Pip } else { Installer::Pipward }
    }

    /// The environment that a command works on where `typed` (`--python`) names none: the active one; for pip, that of
    /// the Python beside it, else the active one, else that of the first Python on PATH.
    pub(crate) fn environment(&self, typed: Option<&str>, config: &Config) -> Wish {
        if let Some(python) = typed {
            return Wish::Python(PythonRequest::parse(python));
        }
        let active = config.variable("VIRTUAL_ENV").map(PathBuf::from);
        match (self, active) {
            (Self::Pip(Some(python)), _) => Wish::Python(PythonRequest::Path(python.clone())),
            (_, Some(active)) => Wish::Active(active),
            (Self::Pip(None), None) => Wish::Python(PythonRequest::Any),
            (Self::Pipward, None) => Wish::Nothing,
        }
    }
}

/// A start as pip.
pub(super) struct Started {
    /// Under which name: `pip3`.
    name: String,
    /// The path of the link, as typed; none for `pipward pip`.
    link: Option<PathBuf>,
    words: Vec<OsString>,
}

impl Started {
    /// Whether a command line starts pip.
    pub(super) fn of(arguments: &[OsString]) -> Option<Self> {
        let (program, words) = arguments.split_first()?;
        let name = Path::new(program).file_name()?.to_str()?;
        if is_pip(name) {
            let link = Some(PathBuf::from(program));
            return Some(Self { name: name.to_owned(), link, words: words.to_vec() });
        }
        let (first, words) = words.split_first()?;
        (first == "pip").then(|| Self { name: "pip".to_owned(), link: None, words: words.to_vec() })
    }

    /// The Python beside the link: what pip would run with.
    fn python(&self, config: &Config) -> Option<PathBuf> {
        let link = self.link.as_deref()?;
        let directory = if link.components().count() > 1 {
            std::path::absolute(link).ok()?.parent()?.to_owned()
        } else {
            let path = config.variable("PATH")?;
            path.split(':')
                .map(Path::new)
                .find(|entry| entry.is_absolute() && entry.join(link).is_file())?
                .to_owned()
        };
        let numbered = format!("python{}", self.name.strip_prefix("pip").unwrap_or_default());
        [numbered.as_str(), "python3", "python"]
            .iter()
            .map(|name| directory.join(name))
            .find(|path| path.is_file())
    }
}

/// `pip`, `pip3`, `pip3.13`.
fn is_pip(name: &str) -> bool {
    let Some(number) = name.strip_prefix("pip") else { return false };
    number.is_empty()
        || number == "3"
        || number
            .strip_prefix("3.")
            .is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Runs a command line of pip.
pub(super) fn main(started: &Started) -> u8 {
    let quiet = |persona: Persona| Printer::plain(persona);
    let config = match Config::load() {
        Ok(config) => config,
        Err(problem) => {
            quiet(Persona::Pip(None)).fail(&problem.into());
            return 2;
        }
    };
    let beside = started.python(&config);
    let persona = Persona::Pip(beside.clone());
    // What follows an option that takes a value is that value, whatever it begins with.
    let command = Cli::command().name("pip").bin_name(started.name.clone()).mut_subcommands(|command| {
        command.mut_args(|argument| match argument.get_action() {
            // `-r ""` is a file that is not there.
            ArgAction::Append
                if argument.get_long().is_some() && takes_paths(argument.get_value_parser()) =>
            {
                argument.allow_hyphen_values(true).value_parser(OsStringValueParser::new().map(PathBuf::from))
            }
            ArgAction::Set | ArgAction::Append if argument.get_long().is_some() => {
                argument.allow_hyphen_values(true)
            }
            _ => argument,
        })
    });
    let command = LOOKING.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| {
            command.arg(Arg::new("passed-over").num_args(0..).value_name("WORD").hide(true))
        })
    });
    if let Some(status) = super::completion::answer_as_pip(command.clone(), &config, &quiet(persona.clone()))
    {
        return status;
    }
    let arranged = match arrange::arrange(&command, &started.words, &config, beside.as_deref()) {
        Ok(arranged) => arranged,
        Err(instead) => return in_place(instead, &started.name, beside, &quiet(persona)),
    };
    let name = arranged.command.to_string_lossy().into_owned();
    let program = OsString::from(&started.name);
    let matches = match command.clone().try_get_matches_from(arranged.words(&program, true)) {
        Ok(matches) => matches,
        Err(error) => {
            let printer = quiet(persona);
            let is_configured = error.use_stderr()
                && !arranged.defaults.is_empty()
                && command.clone().try_get_matches_from(arranged.words(&program, false)).is_ok();
            return if is_configured {
                misconfigured(&error, &printer)
            } else {
                usage(&started.name, &name, &command, &error, &printer)
            };
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return usage(&started.name, &name, &command, &error, &quiet(persona)),
    };
    let printer = Printer::new(&cli.output, persona);
    trace(&cli.output, true);
    always_on(&matches, &printer);
    printer.settle(run(cli.command, &printer))
}

fn takes_paths(parser: &ValueParser) -> bool {
    parser.type_id() == TypeId::of::<PathBuf>()
}

/// Features are named that pip has on in any case.
fn always_on(matches: &clap::ArgMatches, printer: &Printer) {
    let Some((_, command)) = matches.subcommand() else { return };
    let Ok(Some(named)) = command.try_get_many::<String>("use_feature") else { return };
    let named: Vec<&str> = named.map(String::as_str).collect();
    let on: Vec<&str> = ALWAYS.into_iter().filter(|feature| named.contains(feature)).collect();
    if !on.is_empty() {
        printer.warn(&format!("The following features are always enabled: {}. ", on.join(", ")));
    }
}

/// What happens in place of a command.
fn in_place(instead: arrange::Instead, program: &str, python: Option<PathBuf>, printer: &Printer) -> u8 {
    match instead {
        arrange::Instead::Version => {
            let request = python.map_or(PythonRequest::Any, PythonRequest::Path);
            let python = python::find(&request, None).ok().map(|python| python.version);
            printer.data(&version(python.as_ref()));
            0
        }
        arrange::Instead::Failed(status, message) => {
            printer.complain(&message);
            status
        }
        arrange::Instead::Usage(words) => {
            printer.usage(&format!("\nUsage:   \n  {program} <command> [options]\n\n{words}"));
            2
        }
        arrange::Instead::Problem(problem) => {
            printer.fail(&problem.into());
            2
        }
    }
}

/// What `pip --version` says.
pub(super) fn version(python: Option<&Version>) -> String {
    let number = python.and_then(|version| match version.release() {
        [major, minor, ..] => Some(format!(" (python {major}.{minor})")),
        _ => None,
    });
    format!("pip {PIP_VERSION} from pipward {}{}", env!("CARGO_PKG_VERSION"), number.unwrap_or_default())
}

/// Wrong usage: pip's own words where it has some, and 2.
fn usage(program: &str, command: &str, root: &clap::Command, error: &clap::Error, printer: &Printer) -> u8 {
    if !error.use_stderr() {
        // A closed standard output is the reader's choice.
        let _ = error.print();
        return 0;
    }
    if let Some((status, words)) = unnamed(command, root, error) {
        printer.complain(&words);
        return status;
    }
    let (option, value) = about(error);
    let message = match error.kind() {
        ErrorKind::UnknownArgument => {
            let holders: Vec<&clap::Command> =
                [Some(root), root.find_subcommand(command)].into_iter().flatten().collect();
            arrange::no_such(&option, &holders)
        }
        ErrorKind::InvalidValue | ErrorKind::NoEquals if value.is_empty() => {
            format!("{option} option requires 1 argument")
        }
        ErrorKind::InvalidValue if error.get(ContextKind::ValidValue).is_some() => {
            format!("option {option}: {}", invalid(&option, &value, error))
        }
        ErrorKind::ValueValidation if option == "--group" => {
            "--group error: group paths use local 'pyproject.toml' or 'pylock.toml' files".to_owned()
        }
        ErrorKind::ValueValidation if option == "--config-settings" => {
            std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
        }
        ErrorKind::ValueValidation if option == "--python-version" => {
            let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            format!("--python-version error: {why}")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).filter(|_| option == "--uploaded-prior-to");
            let why = why.map(|why| format!(": {why}")).unwrap_or_default();
            format!("option {option}: {}{why}", invalid(&option, &value, error))
        }
        ErrorKind::TooManyValues => format!("{option} option does not take a value"),
        _ => error.to_string().trim_start_matches("error: ").trim().to_owned(),
    };
    printer.usage(&format!("\nUsage:   \n  {program} {command} [options]\n\n{message}"));
    2
}

/// What a command is told that lacks its action, its shell or its files, or has an argument too many; with pip's status.
fn unnamed(command: &str, root: &clap::Command, error: &clap::Error) -> Option<(u8, String)> {
    let (argument, _) = about(error);
    match error.kind() {
        ErrorKind::MissingRequiredArgument | ErrorKind::InvalidValue
            if argument == "<ACTION>" || error.kind() == ErrorKind::MissingRequiredArgument =>
        {
            let known = root.find_subcommand(command)?;
            let Some(action) = known.get_arguments().find(|argument| argument.get_id() == "action") else {
                return match command {
                    "completion" => {
                        let words = "You must pass --bash or --fish or --powershell or --zsh";
                        Some((0, words.to_owned()))
                    }
                    "hash" => Some((1, "You must give at least one file to hash".to_owned())),
                    _ => None,
                };
            };
            let mut names: Vec<String> =
                action.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
            names.sort();
            Some((1, format!("Need an action ({}) to perform.", names.join(", "))))
        }
        ErrorKind::UnknownArgument if !argument.starts_with('-') => match command {
            "cache" => Some((1, "Too many arguments".to_owned())),
            _ => Some((2, format!("this command takes no such argument: {argument}"))),
        },
        _ => None,
    }
}

/// Why a value is none of an option, in pip's words.
fn invalid(option: &str, value: &str, error: &clap::Error) -> String {
    if let Some(ContextValue::Strings(all)) = error.get(ContextKind::ValidValue) {
        let all: Vec<String> = all.iter().map(|one| format!("'{one}'")).collect();
        return format!("invalid choice: '{value}' (choose from {})", all.join(", "));
    }
    match option {
        "--retries" | "--resume-retries" => format!("invalid integer value: '{value}'"),
        "--timeout" => format!("invalid floating-point value: '{value}'"),
        _ => format!("invalid value: '{value}'"),
    }
}

/// A variable or file has a value that its option does not take: pip ends with 3.
fn misconfigured(error: &clap::Error, printer: &Printer) -> u8 {
    let (option, value) = about(error);
    let why = invalid(&option, &value, error);
    let option = option.trim_start_matches('-');
    printer.usage(&format!(
        "An error occurred during configuration: option {option}: {why}. Check your pip configuration files or \
         environment variables for this value: `pip config list` tells them."
    ));
    3
}

/// What an error of the command line is about: an option by its name, and the value.
fn about(error: &clap::Error) -> (String, String) {
    let text = |kind: ContextKind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(all)) => all.join(" "),
        _ => String::new(),
    };
    let option = text(ContextKind::InvalidArg);
    let option = option.split([' ', '=']).next().unwrap_or_default().trim_end_matches("...").to_owned();
    (option, text(ContextKind::InvalidValue))
}

/// What `--require-virtualenv` (or `PIP_REQUIRE_VIRTUALENV`) leads to: the status 3 where `interpreter` belongs to no
/// virtual environment, once that was told.
pub(crate) fn require_virtual(interpreter: &python::Interpreter, printer: &Printer) -> Option<u8> {
    if interpreter.is_virtual() {
        return None;
    }
    let problem = Problem::new(Code::NoEnvironment, "Could not find an activated virtualenv (required).")
        .at(Place::file(&interpreter.prefix))
        .help("activate one, or leave out --require-virtualenv (PIP_REQUIRE_VIRTUALENV)");
    printer.fail(&problem.into());
    Some(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_is_known_by_its_name() {
        let check = |typed: &[&str], expected: Option<usize>| {
            let arguments: Vec<OsString> = typed.iter().map(OsString::from).collect();
            assert_eq!(Started::of(&arguments).map(|started| started.words.len()), expected, "{typed:?}");
        };
        check(&["pip", "install"], Some(1));
        check(&["/usr/bin/pip3"], Some(0));
        check(&["bin/pip3.13", "list"], Some(1));
        check(&["pipward", "pip", "list", "-v"], Some(2));
        check(&["pipward", "list"], None);
        check(&["pipx", "list"], None);
        check(&["pip3.", "list"], None);
        check(&["pip2", "list"], None);
        check(&[], None);
    }
}
