//! `pipward unused`.

use std::path::PathBuf;

use clap::Args;
use glob::Pattern;
use serde_json::{Value, json};

use super::Outcome;
use super::render::{Printer, problem_json};
use super::surveying::{LockArgs, environment, shortened};
use crate::error::{Code, Problem};
use crate::survey::usage::{At, Usage};
use crate::way::survey::{
    LEFT_OUT, ProjectSource, findings, providers_of_environment, providers_of_lock, usage,
};

/// Arguments of `pipward unused`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward unused                      the project here, against ./pylock.toml
  pipward unused src --env .venv      what an environment has, in place of the wheels of the lock
  pipward unused --ignore uvicorn     a program that nothing imports

It tells distributions that the project asks for and never imports, modules that nothing brings, and modules that are there only
because something else needs them. Left out are hidden directories, venv, tests, setup.py, build and dist at the top, unless
--exclude is given. What a distribution is imported by is read in one wheel of it, fetched and verified where need be.
Exit codes: 0; 1 where something is found.")]
pub(crate) struct UnusedArgs {
    /// Directories or files of the project's own source
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    lock: LockArgs,
    /// An environment that has the lock installed: its files tell what is imported by what
    #[arg(long, value_name = "ENV")]
    env: Option<PathBuf>,
    /// Leave out what lies here, from each PATH (a pattern; may be given several times)
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// A module of the project's own that is not found as one
    #[arg(long, value_name = "MODULE")]
    own: Vec<String>,
    /// A distribution or module that is passed over (may be given several times)
    #[arg(long, value_name = "NAME", value_delimiter = ',', add = clap_complete::ArgValueCompleter::new(super::completion::locked_names))]
    ignore: Vec<String>,
}

pub(super) fn run(arguments: &UnusedArgs, printer: &Printer) -> Outcome {
    let left_out = match arguments.exclude.as_slice() {
        [] => LEFT_OUT.iter().map(|text| pattern(text)).collect::<Result<Vec<_>, _>>()?,
        given => given.iter().map(|text| pattern(text)).collect::<Result<Vec<_>, _>>()?,
    };
    let source = ProjectSource { places: arguments.paths.clone(), left_out, own: arguments.own.clone() };
    let read = source.read()?;
    if !read.passed_over.is_empty() {
        printer.warn(&format!("not read as Python: {}", shortened(&read.passed_over)));
    }
    let (lock, sight) = arguments.lock.whole(!arguments.lock.is_offline(), printer)?;
    let providers = match &arguments.env {
        Some(path) => providers_of_environment(&environment(path)?, Some(&lock))?,
        None => {
            let progress = printer.progress("looking through", lock.packages.len() as u64);
            providers_of_lock(&lock, &sight, &|| progress.step())?
        }
    };
    let ignored = arguments
        .ignore
        .iter()
        .flat_map(|name| [name.clone(), crate::python::installed::distribution::normalized(name)]);
    let usage = usage(&read, &providers, &ignored.collect());
    let findings = findings(&usage, &lock.file.display().to_string());
    printer.problems(findings.iter());
    let status = u8::from(!findings.is_empty());
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let modules = usage.used.len() + usage.missing.len() + usage.transitive.len();
    printer.say(&format!(
        "{} of other projects in {}: {} missing, {} transitive only; {} unused.",
        count(modules, "module"),
        count(read.files, "file"),
        usage.missing.len(),
        usage.transitive.len(),
        count(usage.unused.len(), "distribution"),
    ));
    let mut document = document(&usage);
    if let Some(object) = document.as_object_mut() {
        object.insert("ok".into(), (status == 0).into());
        object.insert("exit".into(), status.into());
        object.insert("files".into(), read.files.into());
        object.insert("problems".into(), findings.iter().map(problem_json).collect());
    }
    printer.document(&document);
    Ok(status)
}

fn pattern(text: &str) -> Result<Pattern, Problem> {
    Pattern::new(text.trim_end_matches('/'))
        .map_err(|error| Problem::new(Code::Usage, "this is not a pattern of paths").found(text).cause(error))
}

fn document(usage: &Usage) -> Value {
    let places = |places: &[At]| -> Vec<Value> {
        places.iter().map(|at| json!({ "file": at.file, "line": at.line, "cell": at.cell })).collect()
    };
    let missing: Vec<Value> = usage
        .missing
        .iter()
        .map(|(module, all)| json!({ "module": module, "places": places(all) }))
        .collect();
    let transitive: Vec<Value> = usage
        .transitive
        .iter()
        .map(|(module, (names, all))| {
            json!({ "module": module, "distributions": names, "places": places(all) })
        })
        .collect();
    json!({ "unused": usage.unused, "missing": missing, "transitive": transitive, "used": usage.used })
}
