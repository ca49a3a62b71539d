//! `pipward cache`.

use std::path::Path;
use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::Outcome;
use super::options::{CacheArgs, NetworkArgs, PipArgs};
use super::render::Printer;
use crate::config::Config;
use crate::error::{Code, Problem};
use crate::way::stored::{self, StoredWheel};

/// Arguments of `pipward cache`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward cache info
  pipward cache remove 'torch*'
  pipward cache prune --older-than 30d --max-size 5GB

The cache is never believed: whatever is removed or changed there costs a download and no more.")]
pub(crate) struct CacheCommandArgs {
    /// What to do
    #[arg(value_enum)]
    action: Action,
    /// Of list and remove: a name, or a name and a version; `*` stands for anything
    #[arg(value_name = "PATTERN")]
    pattern: Option<String>,
    /// Of list: how it is printed
    #[arg(long, value_enum, default_value_t = Form::Human)]
    format: Form,
    /// Of prune: remove what was stored longer ago: 12h, 30d, 8w
    #[arg(long, value_name = "AGE", value_parser = age)]
    older_than: Option<Duration>,
    /// Of prune: keep at most this much: 500MB, 5GB
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    max_size: Option<u64>,
    #[command(flatten)]
    cache: CacheArgs,
    #[command(flatten)]
    _network: NetworkArgs,
    #[command(flatten)]
    _pip: PipArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// The directory.
    Dir,
    /// How much is in it.
    Info,
    /// The wheels.
    List,
    /// Remove wheels by name.
    Remove,
    /// Remove everything.
    Purge,
    /// Remove the oldest wheels, by age or until the rest is small enough.
    Prune,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Names and sizes.
    Human,
    /// Paths.
    Abspath,
}

pub(super) fn run(arguments: &CacheCommandArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let Some(cache) = arguments.cache.named(&config) else {
        let words = match printer.persona().is_pip() {
            true => "pip cache commands can not function since cache is disabled.",
            false => "there is no cache: it is disabled",
        };
        return Err(Problem::new(Code::Usage, words)
            .help("leave out --no-cache-dir, or name a directory with --cache-dir")
            .into());
    };
    let usage = |what: &str, help: &str| Problem::new(Code::Usage, what).help(help);
    match (arguments.action, arguments.pattern.as_deref()) {
        (Action::List, pattern) => {
            listed(&matching(&cache, pattern.unwrap_or("*"))?, arguments.format, printer);
        }
        (Action::Remove, None) => {
            return Err(
                usage("Please provide a pattern", "name what is to go, as in `flask` or `flask-3*`").into()
            );
        }
        (Action::Remove, Some(pattern)) => {
            let found = matching(&cache, pattern)?;
            if found.is_empty() {
                printer.warn(&format!("No matching packages for pattern \"{pattern}\""));
            }
            removed(stored::remove(&found)?, printer);
        }
        (_, Some(_)) => return Err(usage("Too many arguments", "leave out the pattern").into()),
        (Action::Dir, None) => {
            printer.say(&cache.display().to_string());
            printer.document(&json!({ "ok": true, "directory": cache.display().to_string() }));
        }
        (Action::Info, None) => info(&cache, printer)?,
        (Action::Purge, None) => {
            let gone = stored::purge(&cache, SystemTime::now())?;
            if gone.0 == 0 && printer.persona().is_pip() {
                printer.warn("No matching packages");
            }
            removed(gone, printer);
        }
        (Action::Prune, None) => {
            if arguments.older_than.is_none() && arguments.max_size.is_none() {
                let help = "add --older-than AGE or --max-size SIZE; `purge` removes everything";
                return Err(usage("nothing says what is too much", help).into());
            }
            let now = SystemTime::now();
            let all = stored::wheels(&cache)?;
            let gone = stored::too_much(&all, arguments.older_than, arguments.max_size, now);
            let (wheels, swept) = (stored::remove(&gone)?, stored::sweep(&cache, now)?);
            removed((wheels.0 + swept.0, wheels.1 + swept.1), printer);
        }
    }
    Ok(0)
}

fn info(cache: &Path, printer: &Printer) -> Result<(), Problem> {
    let wheels = stored::wheels(cache)?;
    let (pages, page_bytes) = stored::facts(cache)?;
    let bytes: u64 = wheels.iter().map(|wheel| wheel.size).sum();
    printer.say(&format!("Cache location: {}", cache.display()));
    printer.say(&format!("Index pages and facts: {pages} files, {}", size(page_bytes)));
    printer.say(&format!("Wheels: {}, {}", wheels.len(), size(bytes)));
    printer.document(&json!({
        "ok": true,
        "directory": cache.display().to_string(),
        "wheels": wheels.len(),
        "wheel_bytes": bytes,
        "facts": pages,
        "fact_bytes": page_bytes,
    }));
    Ok(())
}

fn listed(found: &[StoredWheel], form: Form, printer: &Printer) {
    match form {
        Form::Abspath => found.iter().for_each(|wheel| printer.say(&wheel.path.display().to_string())),
        Form::Human if found.is_empty() => printer.say("No wheels cached."),
        Form::Human => {
            printer.say("Cache contents:");
            printer.say("");
            for wheel in found {
                let hash = wheel.sha256.get(..12).unwrap_or(&wheel.sha256);
                printer.say(&format!(" - {} ({}, sha256:{hash}…)", wheel.name, size(wheel.size)));
            }
        }
    }
    let wheels: Vec<_> = found
        .iter()
        .map(|wheel| json!({ "name": wheel.name, "sha256": wheel.sha256, "size": wheel.size }))
        .collect();
    printer.document(&json!({ "ok": true, "wheels": wheels }));
}

fn removed((count, bytes): (usize, u64), printer: &Printer) {
    printer.say(&format!("Files removed: {count} ({})", size(bytes)));
    if printer.persona().is_pip() {
        // No directory of the store goes with a file.
        printer.say("Directories removed: 0");
    }
    printer.document(&json!({ "ok": true, "removed": count, "bytes": bytes }));
}

/// Wheels whose `name-version` a pattern matches: a name alone means all of its versions.
fn matching(cache: &Path, pattern: &str) -> Result<Vec<StoredWheel>, Problem> {
    let full = if pattern.contains('-') { format!("{pattern}*") } else { format!("{pattern}-*") };
    let full = if pattern == "*" { "*".to_owned() } else { full };
    let pattern = glob::Pattern::new(&full).map_err(|error| {
        Problem::new(Code::Usage, "this pattern cannot be read")
            .found(pattern)
            .cause(error.msg)
            .help("write a name, with `*` for anything")
    })?;
    let mut found = stored::wheels(cache)?;
    found.retain(|wheel| pattern.matches(&wheel.name));
    Ok(found)
}

/// A size as pip prints it.
fn size(bytes: u64) -> String {
    match bytes {
        0..=1000 => format!("{bytes} bytes"),
        1001..=10_000 => format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100),
        10_001..=1_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// A number with a unit behind it.
fn measured(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.trim().to_ascii_lowercase();
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

fn age(text: &str) -> Result<Duration, String> {
    measured(text, &[("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)])
        .map(Duration::from_secs)
        .ok_or_else(|| "write an age such as 12h, 30d or 8w".to_owned())
}

fn bytes(text: &str) -> Result<u64, String> {
    let units = [("", 1), ("b", 1), ("kb", 1000), ("mb", 1_000_000), ("gb", 1_000_000_000)];
    measured(text, &units).ok_or_else(|| "write a size such as 500MB or 5GB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_sizes() {
        assert_eq!(age("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert!(age("30").is_err() && age("d").is_err() && age("99999999999999999999w").is_err());
        assert_eq!(bytes("5GB"), Ok(5_000_000_000));
        assert_eq!(bytes("500"), Ok(500));
        assert!(bytes("5TB").is_err());
        assert_eq!(
            [size(999), size(1500), size(15_000), size(1_550_000)],
            ["999 bytes", "1.5 kB", "15 kB", "1.5 MB"]
        );
    }
}
