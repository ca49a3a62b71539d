//! `pipward sbom`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::Outcome;
use super::render::{Printer, neutral_json};
use super::surveying::{LockArgs, shortened};
use crate::config::Config;
use crate::error::{Code, Problem, io};
use crate::survey::{cyclonedx, spdx};
use crate::way::survey::{bill, deep};

/// Arguments of `pipward sbom`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward sbom -o sbom.cdx.json                 CycloneDX 1.6 of ./pylock.toml
  pipward sbom --format spdx -o sbom.spdx.json  SPDX 2.3
  pipward sbom --deep                           and the SBOMs that the wheels carry, each with its hash

Licences and one line about each project come from METADATA: out of the cache, else from the index. The same lock makes the
same document: its time is SOURCE_DATE_EPOCH, else what the lock tells, and its number follows from what it says.")]
pub(crate) struct SbomArgs {
    #[command(flatten)]
    lock: LockArgs,
    /// The form
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Form::Cyclonedx)]
    format: Form,
    /// Where to write it [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What it is a bill of [default: the name of the lock]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Fetch and verify every wheel of the lock, and link the SBOMs in it
    #[arg(long)]
    deep: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// CycloneDX 1.6, JSON
    Cyclonedx,
    /// SPDX 2.3, JSON
    Spdx,
}

pub(super) fn run(arguments: &SbomArgs, printer: &Printer) -> Outcome {
    let (lock, sight) = arguments.lock.whole(!arguments.lock.is_offline(), printer)?;
    let config = Config::load()?;
    let time = config.variable("SOURCE_DATE_EPOCH").map(epoch).transpose()?;
    let looked = if arguments.deep {
        let progress = printer.progress("looking through", lock.packages.len() as u64);
        deep(&lock, &sight, &|| progress.step())?
    } else {
        Vec::new()
    };
    let file = lock.file.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = arguments.name.clone().or(file).unwrap_or_else(|| "lock".to_owned());
    let (bill, without) = bill(&lock, &sight, name, time, &looked)?;
    if !without.is_empty() {
        printer.warn(&format!("without licences, since METADATA is not at hand: {}", shortened(&without)));
    }
    let document = match arguments.format {
        Form::Cyclonedx => cyclonedx::document(&bill),
        Form::Spdx => spdx::document(&bill),
    };
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| Problem::new(Code::Internal, "the document could not be written").cause(error))?;
    let Some(path) = &arguments.output else {
        printer.data(&format!("{}\n", neutral_json(&text)));
        return Ok(0);
    };
    std::fs::write(path, format!("{}\n", neutral_json(&text)))
        .map_err(|error| io("writing", path, &error))?;
    printer.say(&format!("Wrote {} with {} releases.", path.display(), bill.parts.len()));
    printer.document(&json!({ "ok": true, "file": path, "components": bill.parts.len() }));
    Ok(0)
}

/// Seconds since 1970 (reproducible-builds.org, `SOURCE_DATE_EPOCH`).
fn epoch(text: &str) -> Result<jiff::Timestamp, Problem> {
    let seconds = text.trim().parse::<i64>().ok();
    seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok()).ok_or_else(|| {
        Problem::new(Code::Usage, "SOURCE_DATE_EPOCH is not a time")
            .expected("seconds since 1970")
            .found(text)
            .help("set it to a number of seconds, or unset it")
    })
}
