//! Locking again what stands, for `audit --fix`.
//!
//! Never: locks with other options than the lock notes: where those are not all known, it says so.

use std::path::Path;

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
        Ok(Self { output, sources: sources.clone(), cache: cache.clone(), ..typed.arguments })
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
        if drift.is_empty() {
            return Ok((request, format));
        }
        Err(Problem::new(Code::LockDrift, "the lock cannot be made again from what it notes")
            .at(Place::file(output.unwrap_or_default()))
            .found(drift.join("; "))
            .help("lock it as you did before, with --upgrade-package for what the audit names")
            .into())
    }
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
