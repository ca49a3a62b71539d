//! `pipward config`: pip's configuration files.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::Outcome;
use super::looking::EnvironmentArgs;
use super::render::Printer;
use crate::config::Config;
use crate::config::pip::{self, FileKind};
use crate::error::{Code, Place, Problem, io};
use crate::way::destination::Place as Wish;
use crate::way::settings::{Entry, changed, entries, option_name, split_key};

/// Arguments of `pipward config`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward config list
  pipward config set global.index-url https://pkgs.example.org/simple/
  pipward config get global.index-url

These are pip's files. What pipward takes from them, and its own pipward.toml, is told in the README.")]
pub(crate) struct ConfigArgs {
    /// What to do
    #[arg(value_enum)]
    action: Action,
    /// A section and an option, such as global.timeout; and, of set, the value
    #[arg(value_name = "KEY|VALUE")]
    words: Vec<String>,
    /// Of the whole machine
    #[arg(long)]
    global: bool,
    /// Of this user
    #[arg(long)]
    user: bool,
    /// Of one environment
    #[arg(long)]
    site: bool,
    /// Taken for pip's sake: pipward starts no editor
    #[arg(long, value_name = "PROGRAM", hide_short_help = true)]
    editor: Option<String>,
    #[command(flatten)]
    environment: EnvironmentArgs,
    #[command(flatten)]
    _unused: super::looking::UnusedArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// What counts, by file and variable.
    List,
    /// The value of one option.
    Get,
    /// Set an option.
    Set,
    /// Take an option out.
    Unset,
    /// Say which file to edit.
    Edit,
    /// The files, whether they are there, and what they set.
    Debug,
}

/// The files, and what is in those that count.
struct Files {
    all: Vec<(FileKind, PathBuf)>,
    only: Option<FileKind>,
}

pub(super) fn run(arguments: &ConfigArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let expected = match arguments.action {
        Action::Set => 2,
        Action::Get | Action::Unset => 1,
        _ => 0,
    };
    if arguments.words.len() != expected {
        return Err(Problem::new(
            Code::Usage,
            format!("Got unexpected number of arguments, expected {expected}."),
        )
        .help("for example: pipward config set global.timeout 60")
        .into());
    }
    let files = Files::find(arguments, &config, printer)?;
    let word = |at: usize| arguments.words.get(at).map(String::as_str).unwrap_or_default();
    match arguments.action {
        Action::List => list(&files, &config, printer)?,
        Action::Get => get(&files, &config, word(0), printer)?,
        Action::Set => files.change(word(0), Some(word(1)), printer)?,
        Action::Unset => files.change(word(0), None, printer)?,
        Action::Edit => {
            let problem = Problem::new(Code::Usage, "pipward starts no other program, and so no editor");
            let problem = match &arguments.editor {
                Some(editor) => problem.found(editor),
                None => problem,
            };
            return Err(problem
                .at(Place::file(files.to_change()?))
                .help("open this file in an editor of yours, or change one option with `config set`")
                .into());
        }
        Action::Debug => debug(&files, &config, printer)?,
    }
    Ok(0)
}

impl Files {
    fn find(arguments: &ConfigArgs, config: &Config, printer: &Printer) -> Result<Self, Problem> {
        let chosen: Vec<FileKind> = [
            (arguments.global, FileKind::Global),
            (arguments.user, FileKind::User),
            (arguments.site, FileKind::Site),
        ]
        .into_iter()
        .filter_map(|(typed, kind)| typed.then_some(kind))
        .collect();
        if chosen.len() > 1 {
            return Err(Problem::new(
                Code::Usage,
                "Need exactly one file to operate upon (--user, --site, --global) to perform.",
            )
            .help("leave all but one of them out"));
        }
        let prefix = match arguments.environment.wish(config, printer) {
            Wish::Active(prefix) => Some(prefix),
            Wish::Nothing => None,
            _ => Some(arguments.environment.interpreter(config, printer)?.prefix),
        };
        let all = pip::files(&|name| config.variable(name).map(str::to_owned), prefix.as_deref(), false);
        let changes = matches!(arguments.action, Action::Get | Action::Set | Action::Unset | Action::Edit);
        let only = chosen.first().copied().or_else(|| {
            let site = all.iter().any(|(kind, path)| *kind == FileKind::Site && path.exists());
            changes.then_some(if site { FileKind::Site } else { FileKind::User })
        });
        Ok(Self { all, only })
    }

    fn read(&self) -> Result<Vec<(&Path, Vec<Entry>)>, Problem> {
        let counting = self.all.iter().filter(|(kind, _)| {
            self.only.is_none_or(|only| only == *kind || *kind == FileKind::Named && only == FileKind::User)
        });
        counting.map(|(_, path)| Ok((path.as_path(), entries(&text(path)?)))).collect()
    }

    /// The file that a change is written to: the last one of its kind, as with pip; PIP_CONFIG_FILE stands for the user's.
    fn to_change(&self) -> Result<&Path, Problem> {
        let kind = self.only.unwrap_or(FileKind::User);
        let mut named = self.all.iter().filter(|(own, _)| *own == FileKind::Named && kind == FileKind::User);
        let found = named.next_back().or_else(|| self.all.iter().rfind(|(own, _)| *own == kind));
        found.map(|(_, path)| path.as_path()).ok_or_else(|| {
            Problem::new(Code::Usage, "there is no such configuration file here")
                .help("activate an environment for --site, or take --user; look at PIP_CONFIG_FILE")
        })
    }

    fn change(&self, key: &str, value: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        let (section, option) = split_key(key).map_err(|error| {
            Problem::new(Code::Usage, error).found(key).help("write it as SECTION.OPTION")
        })?;
        let path = self.to_change()?;
        let text = changed(&text(path)?, &section, &option, value).ok_or_else(|| missing(key))?;
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| io("making a directory", parent, &error))?;
        }
        crate::way::inputs::write_if_changed(path, &text)?;
        printer.say(&format!("Writing to {}", path.display()));
        printer.document(&json!({ "ok": true, "file": path.display().to_string() }));
        Ok(())
    }
}

fn missing(key: &str) -> Problem {
    Problem::new(Code::ConfigInvalid, format!("No such key - {key}"))
        .help("see `pipward config list` for those that are set")
}

fn text(path: &Path) -> Result<String, Problem> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            Ok(String::new())
        }
        Err(error) => Err(io("reading a configuration file", path, &error)),
    }
}

/// Variables as entries, by option.
fn variables(config: &Config) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = config
        .pip_variables()
        .map(|(name, value)| (option_name(name.strip_prefix("PIP_").unwrap_or(name)), cleared(value)))
        .filter(|(option, _)| !matches!(option.as_str(), "version" | "help"))
        .collect();
    found.sort();
    found
}

fn list(files: &Files, config: &Config, printer: &Printer) -> Result<(), Problem> {
    let mut read = files.read()?;
    read.sort_by_key(|(path, _)| *path);
    let mut all: Vec<(String, String)> = Vec::new();
    for (_, entries) in read {
        let mut entries: Vec<_> =
            entries.into_iter().map(|entry| (entry.key, cleared(&entry.value))).collect();
        entries.sort();
        all.extend(entries);
    }
    all.extend(variables(config).into_iter().map(|(option, value)| (format!(":env:.{option}"), value)));
    all.iter().for_each(|(key, value)| printer.say(&format!("{key}={}", python_text(value))));
    let map: serde_json::Map<String, serde_json::Value> =
        all.into_iter().map(|(key, value)| (key, value.into())).collect();
    printer.document(&json!({ "ok": true, "values": map }));
    Ok(())
}

fn get(files: &Files, config: &Config, key: &str, printer: &Printer) -> Result<(), Problem> {
    let wanted = option_name(key);
    let mut found = None;
    for (_, entries) in files.read()? {
        found = entries
            .into_iter()
            .rfind(|entry| entry.key == wanted)
            .map(|entry| cleared(&entry.value))
            .or(found);
    }
    let variable = || {
        let option = wanted.strip_prefix(":env:.")?;
        variables(config).into_iter().find(|(name, _)| name == option).map(|(_, value)| value)
    };
    let value = found.or_else(variable);
    if value.is_none() {
        split_key(key)
            .map_err(|error| Problem::new(Code::Usage, error).help("write it as SECTION.OPTION"))?;
    }
    let value = value.ok_or_else(|| missing(key))?;
    value.split('\n').for_each(|line| printer.say(line));
    printer.document(&json!({ "ok": true, "value": value }));
    Ok(())
}

fn debug(files: &Files, config: &Config, printer: &Printer) -> Result<(), Problem> {
    printer.say("env_var:");
    for (option, value) in variables(config) {
        let name = option.replace('-', "_").to_uppercase();
        printer.say(&format!("  PIP_{name}={}", python_text(&value)));
    }
    let kinds = [
        (FileKind::Named, "env"),
        (FileKind::Global, "global"),
        (FileKind::Site, "site"),
        (FileKind::User, "user"),
    ];
    // As with pip, those of the user do not count beside PIP_CONFIG_FILE.
    let has = |kind: FileKind| files.all.iter().any(|(own, _)| *own == kind);
    for (kind, word) in kinds.into_iter().filter(|(kind, _)| *kind != FileKind::User || has(*kind)) {
        printer.say(&format!("{word}:"));
        for (_, path) in files.all.iter().filter(|(own, _)| *own == kind) {
            let there = if path.exists() { "True" } else { "False" };
            printer.say(&format!("  {}, exists: {there}", path.display()));
            for entry in entries(&text(path)?) {
                printer.say(&format!("    {}: {}", entry.key, cleared(&entry.value).replace('\n', " ")));
            }
        }
    }
    let all: Vec<String> = files.all.iter().map(|(_, path)| path.display().to_string()).collect();
    printer.document(&json!({ "ok": true, "files": all }));
    Ok(())
}

/// A value without user names and passwords. (A proxy may be given without `http://`; of addresses, all that is printed is
/// cleared by `render`.)
fn cleared(value: &str) -> String {
    let line = |line: &str| match line.rsplit_once('@') {
        Some((before, host)) if !before.contains(['/', ' ']) && before.contains(':') => {
            format!("****@{host}")
        }
        _ => line.to_owned(),
    };
    value.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// A text as Python shows it.
fn python_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::from(quote);
    for character in text.chars() {
        match character {
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            character if character == quote => shown.extend(['\\', character]),
            character => shown.push(character),
        }
    }
    shown.push(quote);
    shown
}
