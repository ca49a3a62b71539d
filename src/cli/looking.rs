//! What the commands that look at an environment have in common.
//!
//! Owns: the options that say which environment, and the table and JSON forms that pip prints.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::options::{CacheArgs, NetworkArgs, PipArgs};
use super::pip::require_virtual;
use super::releases::{ReleaseControl, prior_to};
use super::render::Printer;
use crate::config::Config;
use crate::error::{Code, Problem};
use crate::index::Waiting;
use crate::python::{self, Interpreter, PythonRequest};
use crate::way::destination::{self, Place as Wish};
use crate::way::look::Look;

/// Which environment a command works on.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct EnvironmentArgs {
    #[command(flatten)]
    pip: PipArgs,
}

impl EnvironmentArgs {
    /// Whether nothing may be asked (`--no-input`).
    pub(crate) fn is_silent(&self) -> bool {
        self.pip.no_input
    }

    /// What was said about the environment.
    pub(crate) fn wish(&self, config: &Config, printer: &Printer) -> Wish {
        printer.persona().environment(self.pip.python.as_deref(), config)
    }

    /// The interpreter of an environment that is to be changed.
    pub(crate) fn writable(
        &self,
        config: &Config,
        printer: &Printer,
        break_system: bool,
    ) -> Result<Interpreter, Problem> {
        let wish = self.wish(config, printer);
        let interpreter = match (&wish, break_system) {
            (Wish::Nothing, true) => python::find(&PythonRequest::Any, None)?,
            (Wish::Python(request), true) => python::find(request, None)?,
            _ => destination::find(&wish)?.interpreter().clone(),
        };
        crate::install::recover(&interpreter.root)?;
        Ok(interpreter)
    }

    /// The status of a run that is for virtual environments alone, in another one.
    pub(crate) fn outside_virtual(&self, interpreter: &Interpreter, printer: &Printer) -> Option<u8> {
        if self.pip.require_virtualenv { require_virtual(interpreter, printer) } else { None }
    }

    /// The interpreter of an environment that is only looked at; where none is named or active, the first on PATH.
    pub(crate) fn interpreter(&self, config: &Config, printer: &Printer) -> Result<Interpreter, Problem> {
        match self.wish(config, printer) {
            Wish::Nothing => python::find(&PythonRequest::Any, None),
            wish => destination::look_at(&wish),
        }
    }
}

/// Which environment a command of our own works on: by its directory, in either form, or by its interpreter.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct NamedArgs {
    /// The environment [default: the active one]
    #[arg(value_name = "ENV", conflicts_with = "venv")]
    environment: Option<PathBuf>,
    /// The environment
    #[arg(long, value_name = "DIR")]
    venv: Option<PathBuf>,
    #[command(flatten)]
    pip: PipArgs,
}

impl NamedArgs {
    /// The directory that was named.
    pub(crate) fn directory(&self) -> Option<&Path> {
        self.environment.as_deref().or(self.venv.as_deref())
    }

    /// What was said about the environment.
    pub(crate) fn wish(&self, config: &Config, printer: &Printer) -> Wish {
        match self.directory() {
            Some(directory) => Wish::Python(PythonRequest::Path(directory.to_owned())),
            None => printer.persona().environment(self.pip.python.as_deref(), config),
        }
    }
}

/// General options of pip that say how the network and the cache are used, for commands that use neither.
#[derive(Args, Debug, Clone)]
pub(crate) struct UnusedArgs {
    #[command(flatten)]
    _network: NetworkArgs,
    #[command(flatten)]
    _cache: CacheArgs,
}

/// Options of pip that choose among releases: those about builds choose nothing here.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Taken for pip's sake")]
pub(crate) struct ReleaseArgs {
    #[command(flatten)]
    control: ReleaseControl,
    #[arg(long = "prefer-binary", hide_short_help = true)]
    _prefer_binary: bool,
    #[arg(long = "only-binary", value_name = "NAMES", hide_short_help = true)]
    only_binary: Vec<String>,
    #[arg(long = "no-binary", value_name = "NAMES", hide_short_help = true)]
    no_binary: Vec<String>,
    #[arg(long = "refresh-package", value_name = "NAMES", hide_short_help = true)]
    _refresh_package: Vec<String>,
    /// Only files uploaded before this: a date, a time (RFC 3339), or an age such as 72h or P3D
    #[arg(long, value_name = "TIME", value_parser = prior_to, hide_short_help = true)]
    uploaded_prior_to: Option<Timestamp>,
}

impl ReleaseArgs {
    /// Whether versions count of which there are source distributions alone.
    pub(crate) fn takes_sources(&self, name: &str) -> bool {
        let names = |lists: &[String], wanted: &str| {
            lists.iter().flat_map(|list| list.split(',')).any(|it| it.trim() == wanted)
        };
        let is_wheels_only = names(&self.only_binary, ":all:") || names(&self.only_binary, name);
        !is_wheels_only || names(&self.no_binary, name)
    }

    /// Which files count.
    pub(crate) fn waiting(&self) -> Waiting {
        let cutoff = self.uploaded_prior_to;
        Waiting { cutoff, explicit: cutoff.is_some(), ..Waiting::default() }
    }

    /// Whether pre-releases of a project count, where `pre` stands for `--pre`.
    ///
    /// # Errors
    /// `usage` where `--pre` is given besides.
    pub(crate) fn takes_prereleases(&self, pre: bool, name: &str) -> Result<bool, Problem> {
        let releases = self.control.with(pre)?;
        Ok(name.parse().ok().and_then(|name| releases.takes(&name)).unwrap_or(false))
    }
}

/// Which part of an environment is looked at.
#[derive(Args, Debug, Clone, Default)]
pub(crate) struct PartArgs {
    #[command(flatten)]
    pub(crate) environment: EnvironmentArgs,
    /// Only what is installed in the virtual environment itself
    #[arg(short, long)]
    pub(crate) local: bool,
    /// Only what is installed in the user's own directory
    #[arg(long)]
    pub(crate) user: bool,
    /// Look in this directory and in no environment (may be given several times)
    #[arg(long, value_name = "DIR")]
    pub(crate) path: Vec<PathBuf>,
}

impl PartArgs {
    /// Looks, and tells what was passed over.
    pub(crate) fn look(&self, config: &Config, printer: &Printer) -> Result<Look, Problem> {
        if !self.path.is_empty() && (self.user || self.local) {
            return Err(Problem::new(Code::Usage, "Cannot combine '--path' with '--user' or '--local'")
                .help("leave one of them out"));
        }
        let look = if self.path.is_empty() {
            Look::at(self.environment.interpreter(config, printer)?)?
        } else {
            Look::into(self.path.clone())?
        };
        for warning in &look.environment.warnings {
            printer.warn(warning);
        }
        Ok(look)
    }
}

/// Rows as columns of one width each, with the header and a line below it.
pub(crate) fn columns(header: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let header: Vec<String> = header.iter().map(|text| (*text).to_owned()).collect();
    let width = |at: usize| {
        let cells = std::iter::once(&header).chain(rows).filter_map(|row| row.get(at));
        cells.map(|cell| cell.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let padding = width.saturating_sub(cell.width());
            format!("{cell}{}", " ".repeat(padding))
        });
        cells.collect::<Vec<_>>().join(" ").trim_end().to_owned()
    };
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    [line(&header), rule.join(" ")].into_iter().chain(rows.iter().map(line)).collect()
}

/// JSON on one line as Python's `json.dumps` writes it: a space behind `,` and `:`, and ASCII alone.
pub(crate) fn dumps(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Spaced);
    if value.serialize(&mut serializer).is_err() {
        return String::new();
    }
    String::from_utf8(bytes).unwrap_or_default()
}

struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for character in fragment.chars() {
            if character.is_ascii() && character != '\u{7f}' {
                write!(writer, "{character}")?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_written_as_python_writes_it() {
        let value = serde_json::json!([{"a": "é\u{1f600}\n"}, 1]);
        assert_eq!(dumps(&value), r#"[{"a": "\u00e9\ud83d\ude00\n"}, 1]"#);
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["longer".to_owned(), String::new()]];
        assert_eq!(columns(&["Name", "V"], &rows), ["Name   V", "------ -", "a      1", "longer"]);
    }
}
