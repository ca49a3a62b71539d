//! `pipward install`.

use std::path::{Path, PathBuf};

use clap::Args;
use pipward_resolver::ExtraName;
use serde_json::json;

use super::Outcome;
use super::options::{CacheArgs, PipArgs, SourceArgs};
use super::pip::{self, Persona};
use super::render::Printer;
use crate::config::Config;
use crate::error::{Code, Problem, Problems};
use crate::python::PythonRequest;
use crate::way::destination::{self, Environment, Place as Wish};
use crate::way::install::{InstallRequest, Installed};
use crate::way::locks::{self, Locks};

/// Arguments of `pipward install`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward install -r pylock.toml --venv .venv      a new environment, exactly as locked
  pipward install -r requirements.txt              hashed and pinned requirements, into the active environment
  pipward install flask --venv .venv               one name and its dependencies, as ./pylock.toml pins them
  pipward install -r pylock.toml --no-index --find-links wheels/

Nothing is installed that the lock does not name with its SHA-256; no option turns that off.")]
pub(crate) struct InstallArgs {
    /// Names, looked up in the lock
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// A pylock.toml, or a requirements file with hashes
    #[arg(short, long, value_name = "FILE")]
    requirement: Vec<PathBuf>,
    /// The lock in which names are looked up [default: ./pylock.toml]
    #[arg(long, value_name = "FILE", env = "PIPWARD_LOCK")]
    lock: Option<PathBuf>,
    /// The environment to install into; made if it is not there
    #[arg(long, value_name = "DIR")]
    venv: Option<PathBuf>,
    /// An extra of the lock
    #[arg(long, value_name = "NAME")]
    extra: Vec<String>,
    /// A dependency group of the lock, in place of its default groups
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// Leave out the check that all dependencies are part of what is installed
    #[arg(long)]
    no_deps: bool,
    #[command(flatten)]
    pip: PipArgs,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    cache: CacheArgs,
}

pub(super) fn run(arguments: &InstallArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let cache = arguments.cache.directory(&config);
    // Everything that was typed and every lock is read, and refused if need be, before anything else happens.
    let locks = arguments.locks()?;
    let (sources, network) = arguments.sources.settle(&config, locks.sources())?;
    let environment = destination::find(&arguments.wish(&config, printer.persona()))?;
    if let (true, Environment::Standing(interpreter)) = (arguments.pip.require_virtualenv, &environment)
        && let Some(status) = pip::require_virtual(interpreter, printer)
    {
        return Ok(status);
    }
    if arguments.no_deps {
        printer.say("--no-deps: that every dependency is part of the lock is not checked");
    }
    let mut request = InstallRequest {
        locks,
        environment,
        extras: extra_names(&arguments.extra)?,
        groups: if arguments.group.is_empty() { None } else { Some(extra_names(&arguments.group)?) },
        check_closure: !arguments.no_deps,
        sources,
        network,
        cache,
    };
    let is_new = matches!(request.environment, Environment::New { .. });
    let place = request.environment.directory().to_owned();
    let installed = {
        let progress = printer.progress("installing", request.locks.len() as u64);
        crate::way::install::install(&request, &|| progress.step()).or_else(|problems| {
            // Another process made the environment in the meantime: it is a standing one now.
            let busy = problems.iter().all(|problem| problem.code() == Code::EnvironmentBusy);
            match destination::find(&arguments.wish(&config, printer.persona())) {
                Ok(standing @ Environment::Standing(_)) if busy && is_new => {
                    request.environment = standing;
                    crate::way::install::install(&request, &|| progress.step())
                }
                _ => Err(problems),
            }
        })?
    };
    report(&installed, &place, printer);
    Ok(0)
}

fn report(done: &Installed, place: &Path, printer: &Printer) {
    for warning in &done.warnings {
        printer.warn(warning);
    }
    for file in &done.verified {
        tracing::info!("verified {} sha256:{}", super::render::neutral(&file.name), file.sha256);
    }
    for (name, version) in &done.kept {
        printer.say(&format!("Requirement already satisfied: {name}=={version} in {}", place.display()));
    }
    if !done.installed.is_empty() {
        let list: Vec<String> =
            done.installed.iter().map(|(name, version)| format!("{name}-{version}")).collect();
        let size = size(done.verified.iter().map(|file| file.size).sum());
        printer.say(&format!(
            "Verified the SHA-256 of {} wheel{} ({size}) before opening; every file matches its RECORD.",
            done.verified.len(),
            if done.verified.len() == 1 { "" } else { "s" },
        ));
        printer.say(&format!("Successfully installed {}", list.join(" ")));
    }
    if done.installed.is_empty() && done.kept.is_empty() {
        printer.say("Nothing to install: the lock selects no package for this environment");
    }
    for (name, version) in &done.removed {
        printer.say(&format!("Removed {name} {version}"));
    }
    let pairs = |list: &[(String, String)]| -> Vec<_> {
        list.iter().map(|(name, version)| json!({ "name": name, "version": version })).collect()
    };
    let verified: Vec<_> = done
        .verified
        .iter()
        .map(|file| json!({ "file": file.name, "sha256": file.sha256.to_string(), "size": file.size }))
        .collect();
    printer.document(&json!({
        "ok": true,
        "environment": place.display().to_string(),
        "installed": pairs(&done.installed),
        "kept": pairs(&done.kept),
        "removed": pairs(&done.removed),
        "verified": verified,
        "warnings": done.warnings,
    }));
}

impl InstallArgs {
    fn locks(&self) -> Result<Locks, Problems> {
        if self.names.is_empty() && self.requirement.is_empty() {
            return Err(Problem::new(Code::Usage, "nothing to install is named")
                .help("name a lock with -r pylock.toml, or a package that ./pylock.toml has")
                .into());
        }
        locks::read(&self.requirement, &self.names, self.lock.as_deref())
    }

    fn wish(&self, config: &Config, persona: &Persona) -> Wish {
        let python = self.pip.python.as_deref();
        match &self.venv {
            Some(directory) => Wish::Venv {
                directory: directory.clone(),
                python: python.map_or(PythonRequest::Any, PythonRequest::parse),
            },
            None => persona.environment(python, config),
        }
    }
}

/// A size as people read it: `412 kB`, `12.3 MB`.
fn size(bytes: u64) -> String {
    if bytes < 1_000_000 {
        return format!("{} kB", bytes.div_ceil(1000));
    }
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

pub(super) fn extra_names(texts: &[String]) -> Result<Vec<ExtraName>, Problem> {
    let split = texts.iter().flat_map(|text| text.split(',')).filter(|text| !text.trim().is_empty());
    split
        .map(|text| {
            text.trim().parse().map_err(|_| {
                Problem::new(Code::Usage, "this is not the name of an extra or group").found(text)
            })
        })
        .collect()
}
