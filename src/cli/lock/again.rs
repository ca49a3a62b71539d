//! Locking again what stands, for `audit --fix`.
//!
//! Never: locks with other options than the lock notes: where those are not all known, it says so.

use std::path::{Path, PathBuf};

use clap::Parser as _;

use super::{Format, LockArgs, place};
use crate::cli::options::{CacheArgs, SourceArgs};
use crate::cli::render::Printer;
use crate::config::{Config, Settings};
use crate::error::{Code, Place, Problem, Problems};
use crate::way::inputs;
use crate::way::lock::{LockRequest, standing};

/// For `audit --fix`, which locks again.
impl LockArgs {
    /// Locks again what stands at a file, with what it notes of its making.
    ///
    /// # Errors
    /// `usage`.
    pub(in crate::cli) fn again(
        file: &Path,
        sources: &SourceArgs,
        cache: &CacheArgs,
    ) -> Result<Self, Problem> {
        let lock = match requirements_or_pylock(file) {
            Format::Pylock => inputs::standing_lock(file),
            Format::Requirements => standing::requirements(file),
        };
        let tool = lock.ok().flatten().and_then(|lock| lock.tool).unwrap_or_default();
        let mut words = vec!["lock".to_owned()];
        for (key, option) in [("resolution", "--resolution"), ("fork-strategy", "--fork-strategy")] {
            let value = tool.options.get(key);
            words.extend(value.into_iter().flat_map(|value| [option.to_owned(), value.clone()]));
        }
        words.extend(tool.options.get("pre").map(|_| "--pre".to_owned()));
        let typed = Typed::try_parse_from(words).map_err(|error| {
            Problem::new(Code::Usage, "the options that the lock notes cannot be read")
                .at(Place::file(file))
                .cause(error.kind())
        })?;
        let output = Some(file.to_owned());
        let has_inputs = !tool.inputs.is_empty() || Path::new("pyproject.toml").is_file();
        let requirement = if has_inputs { Vec::new() } else { inputs_of(file) };
        if !has_inputs && requirement.is_empty() {
            return Err(Problem::new(Code::LockDrift, "nobody knows what this was made from, so it is not changed")
                .at(Place::file(file))
                .expected(format!("what it notes, a pyproject.toml, or {}", file.with_extension("in").display()))
                .help(format!(
                    "change the lines that are named above by hand; or keep what you ask for in {0}, and make this with \
                     `pipward lock -r {0} -o {1}`",
                    file.with_extension("in").display(),
                    file.display()
                )));
        }
        Ok(Self { requirement, output, sources: sources.clone(), cache: cache.clone(), ..typed.arguments })
    }

    /// What locking again asks for, and the format of the lock.
    ///
    /// # Errors
    /// Those of its inputs, and `usage` where it is not known how the lock was made.
    pub(in crate::cli) fn relock(&self, printer: &Printer) -> Result<(LockRequest, Format), Problems> {
        let config = Config::load()?;
        let settings = Settings::find(&self.directory())?;
        let cache = self.cache.directory(&config, printer);
        let (format, output) = place::destination(self)?;
        let request = self.request(&config, &settings, format, output.as_deref(), cache)?;
        let drift = match (format, &output) {
            (Format::Requirements, Some(path)) => {
                let text = fs_err::read_to_string(path).unwrap_or_default();
                crate::way::lock::drift_of_requirements(&request, &text)
            }
            _ => crate::way::lock::drift(&request),
        };
        let is_ours = request.standing.as_ref().is_some_and(|lock| lock.tool.is_some());
        if !is_ours {
            let shown = output.as_deref().unwrap_or(Path::new("the lock")).display();
            printer.warn(&format!(
                "{shown} is of another tool, and does not tell with which options it was made: it is locked again with the usual ones"
            ));
        }
        if drift.is_empty() || !is_ours {
            return Ok((request, format));
        }
        Err(Problem::new(Code::LockDrift, "the lock cannot be made again from what it notes")
            .at(Place::file(output.unwrap_or_default()))
            .found(drift.join("; "))
            .help("lock it as you did before, with --upgrade-package for what the audit names")
            .into())
    }
}

/// What a requirements file was made from that does not note it: the files that its comments name (`# via -r FILE`, or the
/// command that made it), else the one beside it that ends in `.in`.
fn inputs_of(file: &Path) -> Vec<PathBuf> {
    if matches!(requirements_or_pylock(file), Format::Pylock) {
        return Vec::new();
    }
    let directory = file.parent().unwrap_or(Path::new(""));
    let text = fs_err::read_to_string(file).unwrap_or_default();
    let comments = text.lines().filter_map(|line| line.trim_start().strip_prefix('#'));
    let words = comments.flat_map(str::split_whitespace);
    let is_input =
        |word: &&str| Path::new(word).extension().is_some_and(|end| end == "in") || *word == "pyproject.toml";
    let mut named: Vec<PathBuf> =
        words.filter(is_input).map(|word| directory.join(word)).filter(|path| path.is_file()).collect();
    named.sort();
    named.dedup();
    let beside = file.with_extension("in");
    if named.is_empty() && beside.is_file() {
        named.push(beside);
    }
    named
}

fn requirements_or_pylock(file: &Path) -> Format {
    if crate::lock::pylock::is_pylock_name(file) { Format::Pylock } else { Format::Requirements }
}

/// A command line of its own.
#[derive(clap::Parser)]
struct Typed {
    #[command(flatten)]
    arguments: LockArgs,
}
