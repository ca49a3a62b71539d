//! `pipward verify`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::install::extra_names;
use super::looking::NamedArgs;
use super::options::{CacheArgs, SourceArgs, policy};
use super::render::{Printer, problem_json};
use crate::config::Config;
use crate::way::destination;
use crate::way::locks;
use crate::way::verify::VerifyRequest;

/// Arguments of `pipward verify`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward verify .venv                     every file against its RECORD
  pipward verify .venv -r pylock.toml      and every RECORD against the locked wheel

Exit codes: 0 clean, 1 findings.")]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    environment: NamedArgs,
    /// A lock to compare with
    #[arg(short, long, value_name = "LOCK")]
    requirement: Option<PathBuf>,
    /// An extra of the lock
    #[arg(long, value_name = "NAME")]
    extra: Vec<String>,
    /// A dependency group of the lock, in place of its default groups
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    cache: CacheArgs,
}

pub(super) fn run(arguments: &VerifyArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let cache = arguments.cache.directory(&config, printer);
    let lock = arguments.requirement.as_deref().map(locks::read_lock).transpose()?;
    let file_sources = lock.as_ref().map(|(_, sources)| sources.clone()).unwrap_or_default();
    let (sources, network) = arguments.sources.settle(&config, &file_sources)?;
    let request = VerifyRequest {
        policy: policy()?,
        environment: destination::look_at(&arguments.environment.wish(&config, printer))?,
        lock: lock.map(|(lock, _)| lock),
        extras: extra_names(&arguments.extra)?,
        groups: if arguments.group.is_empty() { None } else { Some(extra_names(&arguments.group)?) },
        sources,
        network,
        cache,
    };
    let checked = crate::way::verify::verify(&request)?;
    printer.problems(checked.findings.iter());
    let place = request.environment.prefix.display();
    let against = if request.lock.is_some() { "RECORD and the locked wheels" } else { "RECORD" };
    let (distributions, files) = (checked.distributions, checked.files);
    let status = u8::from(!checked.findings.is_empty());
    if status == 0 {
        printer.say(&format!(
            "Clean: {files} files of {distributions} distributions in {place} match {against}."
        ));
    } else {
        let count = checked.findings.len();
        let plural = if count == 1 { "" } else { "s" };
        printer.say(&format!(
            "{count} finding{plural} in {files} files of {distributions} distributions in {place}."
        ));
    }
    if checked.byte_code > 0 {
        let (count, verb) = (checked.byte_code, if checked.byte_code == 1 { " is" } else { "s are" });
        printer.say(&format!(
            "{count} file{verb} byte-code that nothing vouches for: Python keeps it beside the sources and makes it anew; \
             `pipward repair --byte-code` removes it."
        ));
    }
    let findings: Vec<_> = checked.findings.iter().map(problem_json).collect();
    printer.document(&json!({
        "ok": status == 0,
        "exit": status,
        "environment": place.to_string(),
        "distributions": distributions,
        "files": files,
        "byte-code": checked.byte_code,
        "problems": findings,
    }));
    Ok(status)
}
