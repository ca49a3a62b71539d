//! `pipward download`.

use std::path::{Component, Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::install::{InstallArgs, download_told, ignored_told, looking, package_told, stopped};
use super::render::Printer;
use crate::way::install::download::{Before, Saved, download};

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
    if printer.persona().is_pip() {
        looking(&request.sources, printer);
    }
    let progress = printer.progress("downloading", request.locks.len() as u64);
    let done = download(&request, &folder, &|| progress.step())
        .inspect_err(|problems| stopped(&request, problems, printer))?;
    drop(progress);
    for warning in &done.warnings {
        printer.warn(warning);
    }
    ignored_told(&done.ignored, printer);
    let mut saved = done.wheels;
    if printer.persona().is_pip() {
        let turn = |one: &Saved| done.packages.iter().find(|package| package.key.as_ref() == one.name);
        saved.sort_by_key(|one| turn(one).map(|package| package.origin.settled));
    }
    for package in done.packages.iter().filter(|_| printer.persona().is_pip()) {
        package_told(package, "", printer);
        let own = saved.iter().find(|one| one.name == package.key.as_ref());
        if own.is_none_or(|one| one.before != Before::Same) {
            download_told(package, printer);
        }
        own.into_iter().for_each(|one| found(one, "  ", printer));
    }
    for one in &saved {
        match one.before {
            Before::Same if printer.persona().is_pip() => {}
            Before::Same => found(one, "", printer),
            _ => printer.say(&format!("Saved {}", relative(&one.path))),
        }
    }
    if !saved.is_empty() {
        let spelled = |name: &str| {
            let package = done.packages.iter().find(|package| package.key.as_ref() == name);
            package.filter(|_| printer.persona().is_pip()).map(|package| package.origin.spelled.clone())
        };
        let names: Vec<String> =
            saved.iter().map(|one| spelled(&one.name).unwrap_or_else(|| one.name.clone())).collect();
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
                "kept": one.before == Before::Same,
            })
        })
        .collect();
    printer.document(&json!({ "ok": true, "files": files, "warnings": done.warnings }));
    Ok(0)
}

/// What was there in the place of a wheel.
fn found(one: &Saved, before: &str, printer: &Printer) {
    let path = one.path.display();
    match one.before {
        Before::Same => printer.say(&format!("{before}File was already downloaded {path}")),
        Before::Other => {
            printer.warn(&format!("Previously-downloaded file {path} has bad hash. Re-downloading."));
        }
        Before::Nothing => {}
    }
}

/// A path beneath the current directory as `./…`, another one as it is, `..` taken out of it.
pub(super) fn relative(path: &Path) -> String {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = plain.pop(),
            part => plain.push(part),
        }
    }
    let path = if path.is_absolute() { plain.as_path() } else { path };
    let here = std::path::absolute(".").ok();
    match here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned)) {
        Some(tail) => format!("./{}", tail.display()),
        None => path.display().to_string(),
    }
}
