//! `pipward show`.

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::looking::PartArgs;
use super::render::Printer;
use crate::config::Config;
use crate::way::look::show::{Shown, show};

/// Arguments of `pipward show`.
#[derive(Args)]
pub(crate) struct ShowArgs {
    /// Names of installed distributions
    #[arg(value_name = "NAME", add = clap_complete::ArgValueCompleter::new(super::completion::locked_names))]
    names: Vec<String>,
    /// The files of each too
    #[arg(short, long)]
    files: bool,
    #[command(flatten)]
    environment: super::looking::EnvironmentArgs,
    #[command(flatten)]
    _unused: super::looking::UnusedArgs,
}

pub(super) fn run(arguments: &ShowArgs, printer: &Printer) -> Outcome {
    if arguments.names.is_empty() {
        printer.warn("ERROR: Please provide a package name or names.");
        return Ok(1);
    }
    let config = Config::load()?;
    let part = PartArgs { environment: arguments.environment.clone(), ..PartArgs::default() };
    let look = part.look(&config, printer)?;
    let (shown, missing) = show(&look, &arguments.names)?;
    if !missing.is_empty() {
        printer.warn(&format!("Package(s) not found: {}", missing.join(", ")));
    }
    for (at, one) in shown.iter().enumerate() {
        if at > 0 {
            printer.say("---");
        }
        lines(one, arguments.files, printer.is_verbose()).iter().for_each(|line| printer.say(line));
    }
    if printer.is_json() {
        let all: Vec<_> = shown.iter().map(document).collect();
        printer.document(&json!({ "ok": !shown.is_empty(), "packages": all, "missing": missing }));
    }
    Ok(u8::from(shown.is_empty()))
}

fn lines(shown: &Shown, files: bool, verbose: bool) -> Vec<String> {
    let mut lines = vec![
        format!("Name: {}", shown.name),
        format!("Version: {}", shown.version),
        format!("Summary: {}", shown.summary),
        format!("Home-page: {}", shown.homepage),
        format!("Author: {}", shown.author),
        format!("Author-email: {}", shown.author_email),
    ];
    lines.push(match &shown.license_expression {
        Some(expression) => format!("License-Expression: {expression}"),
        None => format!("License: {}", shown.license),
    });
    lines.push(format!("Location: {}", shown.location.display()));
    lines.extend(
        shown
            .editable_location
            .as_ref()
            .map(|place| format!("Editable project location: {}", place.display())),
    );
    lines.push(format!("Requires: {}", shown.requires.join(", ")));
    lines.push(format!("Required-by: {}", shown.required_by.join(", ")));
    let mut list = |title: &str, entries: &[String]| {
        lines.push(title.to_owned());
        lines.extend(entries.iter().map(|entry| format!("  {entry}")));
    };
    if verbose {
        list(&format!("Metadata-Version: {}", shown.metadata_version), &[]);
        list(&format!("Installer: {}", shown.installer), &[]);
        list("Classifiers:", &shown.classifiers);
        let entry_points: Vec<String> =
            shown.entry_points.iter().map(|entry| entry.trim().to_owned()).collect();
        list("Entry-points:", &entry_points);
        list("Project-URLs:", &shown.project_urls);
    }
    if files {
        list("Files:", shown.files.as_deref().unwrap_or_default());
        if shown.files.is_none() {
            lines.push("Cannot locate RECORD or installed-files.txt".to_owned());
        }
    }
    // A header of several lines is several lines here too; the printer takes one at a time.
    lines
        .iter()
        .flat_map(|line| line.split('\n'))
        .map(|line| line.trim_end_matches('\r').to_owned())
        .collect()
}

fn document(shown: &Shown) -> serde_json::Value {
    json!({
        "name": shown.name,
        "version": shown.version,
        "summary": shown.summary,
        "location": shown.location.display().to_string(),
        "installer": shown.installer,
        "requires": shown.requires,
        "required_by": shown.required_by,
        "files": shown.files,
    })
}
