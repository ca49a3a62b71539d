//! `pipward lock --check-policy`: would today's policy take the standing lock?

use std::path::Path;

use serde_json::json;

use super::LockArgs;
use crate::cli::Outcome;
use crate::cli::options::{dated, trust_of};
use crate::cli::render::Printer;
use crate::config::{Config, Settings};
use crate::requirements::SourceOptions;
use crate::way::locks;
use crate::way::recheck::{PolicyRequest, check_policy, no_lock};

pub(super) fn run(
    arguments: &LockArgs,
    config: &Config,
    settings: &Settings,
    output: Option<&Path>,
    printer: &Printer,
) -> Outcome {
    let path = output.ok_or_else(no_lock)?;
    let (lock, _) = locks::read_lock(path)?;
    let (sources, network) = arguments.sources.settle_within(config, &SourceOptions::default(), settings)?;
    let count = lock.packages.len();
    let request = PolicyRequest {
        lock,
        file: path.to_owned(),
        policy: dated(settings),
        trust: trust_of(settings, false),
        sources,
        network,
    };
    let warnings = check_policy(&request)?;
    warnings.iter().for_each(|warning| printer.warn(warning));
    let plural = if count == 1 { "" } else { "s" };
    printer.note(&format!("{} keeps to the policy: {count} package{plural}", path.display()));
    printer.document(&json!({ "ok": true, "file": path.display().to_string(), "warnings": warnings }));
    Ok(0)
}
