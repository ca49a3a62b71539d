//! From what was typed to pip to what the one parser of the command line reads.
//!
//! Owns: the place of options before the command, `pip help`, and variables and files as defaults. Pure but for the
//! reading of the configuration. Never: judges a value that the parser judges.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Arg, ArgAction, Command};

use super::begun::finished;
use crate::config::{Config, ValueOrigin};
use crate::error::Problem;

/// What happens in place of a command.
pub(super) enum Instead {
    /// `pip --version`.
    Version,
    /// A message, and the status of the process.
    Failed(u8, String),
    /// Wrong usage before any command, in pip's words.
    Usage(String),
    /// A configuration that cannot be read.
    Problem(Problem),
}

/// A command line, sorted.
pub(super) struct Arranged {
    pub(super) command: OsString,
    /// What variables and files say.
    pub(super) defaults: Vec<OsString>,
    typed: Vec<OsString>,
}

impl Arranged {
    fn plain(command: OsString, typed: Vec<OsString>) -> Self {
        Self { command, defaults: Vec::new(), typed }
    }

    /// The words in an order in which what was typed wins.
    pub(super) fn words(&self, program: &OsString, with_defaults: bool) -> Vec<OsString> {
        let defaults = self.defaults.iter().filter(|_| with_defaults);
        [program, &self.command].into_iter().chain(defaults).chain(&self.typed).cloned().collect()
    }
}

/// The command, its defaults, and what was typed.
pub(super) fn arrange(
    root: &Command,
    words: &[OsString],
    config: &Config,
    python: Option<&Path>,
) -> Result<Arranged, Instead> {
    let Words { before, name, after, unfinished } = split(root, words);
    if before.iter().any(|word| word == "--version" || word == "-V") {
        return Err(Instead::Version);
    }
    let help = OsString::from("--help");
    let (name, typed) = match name.map(OsString::as_os_str) {
        None => {
            return match (unknown_option(root, before), unfinished) {
                (Some(option), _) => Err(Instead::Usage(no_such(&option, &[root]))),
                (None, Some(option)) => Err(Instead::Usage(format!("{option} option requires 1 argument"))),
                (None, None) => Ok(Arranged::plain(help, Vec::new())),
            };
        }
        Some(name) if name == "help" => match after.first() {
            Some(about) if about == "help" || *about == help => {
                return Ok(Arranged::plain(help, Vec::new()));
            }
            None => return Ok(Arranged::plain(help, Vec::new())),
            Some(about) => (about.clone(), vec![help.clone()]),
        },
        Some(name) => (name.to_owned(), before.iter().chain(after).cloned().collect()),
    };
    let known = name.to_str().and_then(|name| root.find_subcommand(name));
    let Some(command) = known else { return Err(unknown(root, &name)) };
    let mut arranged = Arranged::plain(OsString::from(command.get_name()), typed);
    if arranged.typed.first() != Some(&help) {
        arranged.typed = finished(root, command, &arranged.typed).map_err(Instead::Usage)?;
    }
    let typed = &arranged.typed;
    if typed.first() != Some(&help) {
        let isolated = typed.iter().take_while(|word| *word != "--").any(|word| word == "--isolated");
        // A Python in bin is beneath the prefix of its environment.
        let site = python.and_then(Path::parent).and_then(Path::parent);
        let active = config.variable("VIRTUAL_ENV").map(Path::new);
        let set = config.pip_config(site.or(active), isolated).map_err(Instead::Problem)?;
        let section = command.get_name().to_owned();
        let mut words = Vec::new();
        for (option, (value, origin)) in set.for_command(&section) {
            let argument = [root, command].into_iter().find_map(|holder| find(holder, &option));
            if let Some(argument) = argument {
                defaults(argument, command, &option, &value, &origin, &mut words)?;
            }
        }
        arranged.defaults = words;
    }
    Ok(arranged)
}

/// A command line, taken apart.
struct Words<'w> {
    /// Options before the command.
    before: &'w [OsString],
    /// The command.
    name: Option<&'w OsString>,
    /// The rest.
    after: &'w [OsString],
    /// The option at the end whose value is missing, where there is no command.
    unfinished: Option<String>,
}

fn split<'w>(root: &Command, words: &'w [OsString]) -> Words<'w> {
    let install = root.find_subcommand("install");
    let mut unfinished = None;
    for (at, word) in words.iter().enumerate() {
        let text = word.to_string_lossy();
        if std::mem::take(&mut unfinished).is_some() {
            continue;
        }
        if !text.starts_with('-') || text == "-" {
            let (before, rest) = words.split_at(at);
            let (name, after) = rest.split_first().map_or((None, rest), |(name, after)| (Some(name), after));
            return Words { before, name, after, unfinished: None };
        }
        if let Some(long) = text.strip_prefix("--") {
            let holders = [Some(root), install].into_iter().flatten();
            let argument = holders.into_iter().find_map(|holder| find_begun(holder, long));
            let takes = argument.filter(|argument| argument.get_action().takes_values());
            unfinished = takes.and_then(Arg::get_long).map(|long| format!("--{long}"));
        }
    }
    Words { before: words, name: None, after: &[], unfinished }
}

/// Why an option is none: pip's words.
pub(super) fn no_such(option: &str, holders: &[&Command]) -> String {
    let long = option.strip_prefix("--").filter(|long| !long.is_empty());
    let begun = long.into_iter().flat_map(|long| {
        let all = holders.iter().flat_map(|holder| holder.get_arguments().flat_map(names));
        all.filter(move |name| name.starts_with(long)).map(|name| format!("--{name}"))
    });
    let all: BTreeSet<String> = begun.collect();
    match all.len() {
        0 => format!("no such option: {option}"),
        _ => format!("ambiguous option: {option} ({}?)", all.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

/// The first option before a command that no command has.
fn unknown_option(root: &Command, before: &[OsString]) -> Option<String> {
    let holders = || [Some(root), root.find_subcommand("install")].into_iter().flatten();
    let is_known = |word: &str| match word.strip_prefix("--") {
        Some("help" | "") => true,
        Some(long) => {
            let long = long.split('=').next().unwrap_or_default();
            holders().any(|holder| find_begun(holder, long).is_some())
        }
        None => {
            let short = word.strip_prefix('-').and_then(|rest| rest.chars().next());
            short == Some('h')
                || holders().any(|holder| holder.get_arguments().any(|known| known.get_short() == short))
        }
    };
    let words = before.iter().map(|word| word.to_string_lossy().into_owned());
    words.filter(|word| word.starts_with('-') && word != "-").find(|word| !is_known(word))
}

/// The option of this long name.
fn find<'c>(command: &'c Command, long: &str) -> Option<&'c Arg> {
    command.get_arguments().find(|argument| names(argument).any(|name| name == long))
}

/// The option whose name, or the beginning of whose name alone, this is.
fn find_begun<'c>(command: &'c Command, long: &str) -> Option<&'c Arg> {
    find(command, long).or_else(|| {
        let mut begun =
            command.get_arguments().filter(|argument| names(argument).any(|name| name.starts_with(long)));
        begun.next().filter(|_| begun.next().is_none())
    })
}

pub(super) fn names(argument: &Arg) -> impl Iterator<Item = &str> {
    argument.get_long().into_iter().chain(argument.get_all_aliases().unwrap_or_default())
}

/// Writes a value of a variable or file as words: lists are split at white space, switches and counts are read.
fn defaults(
    argument: &Arg,
    command: &Command,
    option: &str,
    value: &str,
    origin: &ValueOrigin,
    arranged: &mut Vec<OsString>,
) -> Result<(), Instead> {
    let valued = |value: &str| OsString::from(format!("--{option}={value}"));
    let wrong = |what: &str| {
        let from = match origin {
            ValueOrigin::Variable(name) => name.clone(),
            ValueOrigin::File(path) => path.display().to_string(),
        };
        Instead::Failed(
            2,
            format!("{value} is not a valid value for {option} option, please specify {what} ({from})"),
        )
    };
    match argument.get_action() {
        ArgAction::SetTrue => {
            // "PIP_NO_CACHE_DIR with any valid value, even false, disables the cache."
            let on = truth(value)
                .ok_or_else(|| wrong("a boolean value like yes/no, true/false or 1/0 instead"))?;
            if on || option == "no-cache-dir" {
                arranged.push(format!("--{option}").into());
            } else if find(command, &format!("no-{option}")).is_some() {
                arranged.push(format!("--no-{option}").into());
            }
        }
        ArgAction::Count => {
            let count = value.parse().ok().or_else(|| truth(value).map(u8::from));
            let count = count.ok_or_else(|| wrong("a non-negative integer or a boolean value instead"))?;
            arranged.extend((0..count).map(|_| OsString::from(format!("--{option}"))));
        }
        ArgAction::Append => arranged.extend(value.split_whitespace().map(valued)),
        _ => arranged.push(valued(value.trim())),
    }
    Ok(())
}

/// Words for yes and no, as pip reads them.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" | "t" | "true" | "on" | "1" => Some(true),
        "n" | "no" | "f" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn unknown(root: &Command, name: &OsStr) -> Instead {
    let name = name.to_string_lossy();
    let why = match name.as_ref() {
        "wheel" => " - pipward builds nothing; build the wheel elsewhere, and hash it with `pipward hash`",
        "search" => " - PyPI has no such interface any more; look at https://pypi.org/search/",
        _ => "",
    };
    let near = root.get_subcommands().map(Command::get_name).find(|known| {
        let shared = known.chars().zip(name.chars()).take_while(|(one, other)| one == other).count();
        shared >= 3 && shared + 2 >= known.len().max(name.len())
    });
    let near = near.map(|known| format!(" - maybe you meant \"{known}\"")).filter(|_| why.is_empty());
    Instead::Failed(1, format!("unknown command \"{name}\"{why}{}", near.unwrap_or_default()))
}
