//! `pipward download`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::install::InstallArgs;
use super::render::Printer;
use crate::way::install::download::download;

/// Arguments of `pipward download`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward download -r pylock.toml -d wheels/     for `pipward install --no-index --find-links wheels/`
  pipward download -r pylock.toml -d wheels/ --platform manylinux_2_28_aarch64 --python-version 3.12

Only what a lock names with its SHA-256 is fetched; the environment is not changed.")]
pub(crate) struct DownloadArgs {
    #[command(flatten)]
    asked: InstallArgs,
    /// The folder
    #[arg(
        short,
        long,
        visible_aliases = ["destination-dir", "destination-directory"],
        value_name = "DIR",
        default_value = "."
    )]
    dest: PathBuf,
}

pub(super) fn run(mut arguments: DownloadArgs, printer: &Printer) -> Outcome {
    let folder = std::path::absolute(&arguments.dest).unwrap_or(arguments.dest.clone());
    let request = arguments.asked.request_to_look(printer, "download")?;
    let progress = printer.progress("downloading", request.locks.len() as u64);
    let done = download(&request, &folder, &|| progress.step())?;
    drop(progress);
    for warning in &done.warnings {
        printer.warn(warning);
    }
    let saved = done.wheels;
    for one in &saved {
        let shown = relative(&one.path);
        printer.say(&match one.kept {
            true => format!("File was already downloaded {}", one.path.display()),
            false => format!("Saved {shown}"),
        });
    }
    if !saved.is_empty() {
        let names: Vec<&str> = saved.iter().map(|one| one.name.as_str()).collect();
        printer.say(&format!("Successfully downloaded {}", names.join(" ")));
    }
    let files: Vec<_> = saved
        .iter()
        .map(|one| {
            json!({
                "name": one.name,
                "version": one.version,
                "file": one.path.display().to_string(),
                "sha256": one.sha256.to_string(),
                "kept": one.kept,
            })
        })
        .collect();
    printer.document(&json!({ "ok": true, "files": files, "warnings": done.warnings }));
    Ok(0)
}

/// A path beneath the current directory as `./…`, another one as it is.
pub(super) fn relative(path: &Path) -> String {
    let here = std::path::absolute(".").ok();
    match here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned)) {
        Some(tail) => format!("./{}", tail.display()),
        None => path.display().to_string(),
    }
}
