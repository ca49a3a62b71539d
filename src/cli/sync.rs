//! `pipward sync`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::install::extra_names;
use super::options::{CacheArgs, PipArgs, SourceArgs, policy, trust};
use super::render::Printer;
use crate::config::Config;
use crate::install::Strictness;
use crate::python::PythonRequest;
use crate::way::destination::{self, Elsewhere, Place as Wish, Usage};
use crate::way::install::{Change, InstallRequest, Installed, SoFar, Taken, change, install, nothing};
use crate::way::locks::{self, Wanted};
use crate::way::upkeep::{Changed, Others, Unlisted, Upkeep};

/// Arguments of `pipward sync`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward sync                          the active environment becomes what ./pylock.toml selects
  pipward sync -r requirements.txt --venv .venv
  pipward sync --dry-run                say what would change

What the lock does not have is taken out; what was edited or deleted is put right from verified wheels. Where nothing
has changed since the last run, nothing is opened: --rehash hashes every file in any case.")]
pub(crate) struct SyncArgs {
    /// A pylock.toml, or a requirements file with hashes [default: ./pylock.toml]
    #[arg(short, long, value_name = "FILE")]
    requirement: Vec<PathBuf>,
    /// The environment; made if it is not there
    #[arg(value_name = "ENV", conflicts_with = "venv")]
    environment: Option<PathBuf>,
    /// The environment; made if it is not there
    #[arg(long, value_name = "DIR")]
    venv: Option<PathBuf>,
    /// An extra of the lock
    #[arg(long, value_name = "NAME")]
    extra: Vec<String>,
    /// A dependency group of the lock, in place of its default groups
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// Leave out the check that all dependencies are part of the lock
    #[arg(long)]
    no_deps: bool,
    /// Refuse, where an installed distribution has other content than the lock's wheel
    #[arg(long)]
    no_heal: bool,
    /// Prove anew who published what the lock names a publisher for (PEP 740)
    #[arg(long)]
    verify_provenance: bool,
    /// Hash every installed file, also where nothing seems to have changed, and remove byte-code that nothing vouches for
    #[arg(long)]
    rehash: bool,
    /// Remove the files among the modules that no RECORD lists
    #[arg(long, conflicts_with = "no_heal")]
    remove_unlisted: bool,
    /// Take everything out, where the lock selects nothing for this environment
    #[arg(long)]
    allow_empty_requirements: bool,
    /// Compile modules to byte-code
    #[arg(long)]
    compile: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    pip: PipArgs,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    cache: CacheArgs,
}

pub(super) fn run(arguments: &SyncArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let files = match arguments.requirement.as_slice() {
        [] => vec![PathBuf::from("pylock.toml")],
        named => named.to_vec(),
    };
    let network = arguments.sources.network.settle(&config)?;
    let wanted = Wanted { files, ..Wanted::default() };
    let (wish, cache) = (arguments.wish(&config, printer), arguments.cache.directory(&config, printer));
    let _ahead = destination::begin(&wish, cache.as_deref());
    let locks = locks::read(&wanted, &|url| crate::index::read_address(url, &network))?;
    let (sources, network) = arguments.sources.settle(&config, locks.sources())?;
    let usage = Usage { elsewhere: Elsewhere::Own, ..Usage::default() };
    let (environment, _) = destination::find_kept(&wish, &usage, cache.as_deref())?;
    if arguments.no_deps {
        printer.say("--no-deps: that every dependency is part of the lock is not checked");
    }
    let mut request = InstallRequest {
        locks,
        environment,
        extras: extra_names(&arguments.extra)?,
        groups: if arguments.group.is_empty() { None } else { Some(extra_names(&arguments.group)?) },
        check_closure: !arguments.no_deps,
        upkeep: Upkeep {
            others: Others::Go,
            changed: if arguments.no_heal { Changed::Refuse } else { Changed::Heal },
            strictness: Strictness::Whole,
            unlisted: if arguments.remove_unlisted { Unlisted::Go } else { Unlisted::Judged },
            must_select: wanted.files.into_iter().next().filter(|_| !arguments.allow_empty_requirements),
        },
        target: None,
        any_python: false,
        taken: Taken::default(),
        beneath: None,
        only_dependencies: false,
        change: if arguments.dry_run { Change::Nothing } else { Change::Missing },
        anew: false,
        rehash: arguments.rehash,
        installer: printer.persona().installer(),
        compile: arguments.compile,
        policy: policy()?,
        trust: trust(arguments.verify_provenance)?,
        sources,
        network,
        cache,
        tells_metadata: false,
        so_far: SoFar::default(),
    };
    let place = request.environment.directory().to_owned();
    let progress = printer.progress("syncing", request.locks.len() as u64);
    let step = || progress.step();
    let synced = if !request.environment.is_kept() {
        install(&request, &step)?
    } else if let Some(nothing) = nothing(&request)? {
        nothing
    } else {
        request.environment = destination::find(&wish)?;
        change(&request, &step)?
    };
    drop(progress);
    report(&synced, &place, arguments.dry_run, printer);
    Ok(0)
}

fn report(done: &Installed, place: &Path, dry_run: bool, printer: &Printer) {
    let kept = &done.kept;
    done.warnings.iter().for_each(|warning| printer.warn(warning));
    let shown = place.display();
    // What was replaced is told as installed.
    let gone: Vec<&(String, String)> = done
        .removed
        .iter()
        .filter(|(name, _)| !done.installed.iter().any(|(installed, _)| installed == name))
        .collect();
    let joined = |list: &[&(String, String)]| {
        list.iter().map(|(name, version)| format!("{name}-{version}")).collect::<Vec<_>>().join(" ")
    };
    if done.installed.is_empty() && gone.is_empty() && done.unlisted.is_empty() && done.byte_code == 0 {
        let count = kept.len();
        let noun = if count == 1 { "package is" } else { "packages are" };
        printer.say(&format!("Nothing to do: {count} {noun} in {shown} as the lock has it."));
    }
    let (install, remove) = match dry_run {
        true => ("Would install", "Would remove"),
        false => ("Successfully installed", "Successfully uninstalled"),
    };
    if !gone.is_empty() {
        printer.say(&format!("{remove} {}", joined(&gone)));
    }
    if !done.installed.is_empty() {
        printer.say(&format!("{install} {}", joined(&done.installed.iter().collect::<Vec<_>>())));
    }
    strays_told(done, dry_run, printer);
    let pairs = |list: &[(String, String)]| -> Vec<_> {
        list.iter().map(|(name, version)| json!({ "name": name, "version": version })).collect()
    };
    printer.document(&json!({
        "ok": true,
        "dry-run": dry_run,
        "environment": shown.to_string(),
        "installed": pairs(&done.installed),
        "kept": pairs(kept),
        "removed": pairs(&done.removed),
        "byte-code": done.byte_code,
        "unlisted": done.unlisted.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "warnings": done.warnings,
    }));
}

/// What went beside distributions.
pub(super) fn strays_told(done: &Installed, dry_run: bool, printer: &Printer) {
    let removed = if dry_run { "Would remove" } else { "Removed" };
    if done.byte_code > 0 {
        let (count, plural) = (done.byte_code, if done.byte_code == 1 { "" } else { "s" });
        printer.say(&format!(
            "{removed} {count} file{plural} of byte-code that nothing vouches for; Python makes it anew"
        ));
    }
    for path in &done.unlisted {
        printer.say(&format!("{removed} {}, which no RECORD lists", path.display()));
    }
}

impl SyncArgs {
    fn wish(&self, config: &Config, printer: &Printer) -> Wish {
        let python = self.pip.python.as_deref();
        match self.environment.as_ref().or(self.venv.as_ref()) {
            Some(directory) => Wish::Venv {
                directory: directory.clone(),
                python: python.map_or(PythonRequest::Any, PythonRequest::parse),
            },
            None => printer.persona().environment(python, config),
        }
    }
}
