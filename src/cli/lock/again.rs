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
use crate::lock::{Lock, LockedPackage, LockedSource};
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

    /// Where nothing says otherwise, a hashed requirements file that stands in place of a pylock.toml stays the lock.
    pub(in crate::cli) fn stay(&mut self) {
        let said = self.output.is_some() || self.format.is_some();
        let standing = Path::new("requirements.txt");
        if !said && !Path::new("pylock.toml").exists() && is_requirements_lock(standing) {
            self.output = Some(standing.to_owned());
        }
    }

    /// The lock that stands at its place.
    ///
    /// # Errors
    /// Those of reading it.
    pub(in crate::cli) fn standing(&self, output: &Path) -> Result<Option<Lock>, Problems> {
        match place::destination(self, None)?.0 {
            Format::Pylock => inputs::standing_lock(output),
            Format::Requirements => standing::requirements(output),
        }
    }

    /// Locks from this file, with what the standing lock was made from besides. A project is found by itself.
    pub(in crate::cli) fn use_input(&mut self, input: &Path, standing: Option<&Lock>) {
        if input == Path::new("pyproject.toml") {
            return;
        }
        let again = standing.and_then(standing::again).unwrap_or_default();
        self.requirements = again.arguments;
        self.constraint.splice(0..0, again.constraints);
        self.overrides.splice(0..0, again.overrides);
        self.excludes.splice(0..0, again.excludes.iter().map(ToString::to_string));
        self.requirement.extend(again.files);
        let is_input =
            |file: &PathBuf| file == input || file.strip_prefix(".").is_ok_and(|file| file == input);
        if !self.requirement.iter().any(is_input) {
            self.requirement.push(input.to_owned());
        }
    }

    /// The environment that `--python` names, where it is a virtual one.
    pub(in crate::cli) fn virtual_environment(&self) -> Option<PathBuf> {
        let named = Path::new(self.python.as_deref()?);
        let around = [Some(named), named.parent().and_then(Path::parent)];
        around.into_iter().flatten().find(|place| place.join("pyvenv.cfg").is_file()).map(Path::to_owned)
    }

    /// The interpreter that was named.
    pub(in crate::cli) fn python(&self) -> Option<&str> {
        self.python.as_deref()
    }

    /// What locking again asks for, and the format of the lock.
    ///
    /// # Errors
    /// Those of its inputs, and `usage` where it is not known how the lock was made.
    pub(in crate::cli) fn relock(&self, printer: &Printer) -> Result<(LockRequest, Format), Problems> {
        let config = Config::load()?;
        let settings = Settings::find(&self.directory())?;
        let cache = self.cache.directory(&config, printer);
        let (format, output) = place::destination(self, None)?;
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
pub(in crate::cli) fn inputs_of(file: &Path) -> Vec<PathBuf> {
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

/// Whether each requirement of a file is pinned and hashed.
fn is_requirements_lock(file: &Path) -> bool {
    let Ok(Some(lock)) = standing::requirements(file) else { return false };
    let is_hashed = |package: &LockedPackage| matches!(package.source, LockedSource::ByHash(_));
    lock.tool.is_some() || !lock.packages.is_empty() && lock.packages.iter().all(|package| is_hashed(package))
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
