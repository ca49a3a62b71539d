//! `pipward install`.

mod arguments;
pub(super) mod foreign;
mod report;

use std::path::{Path, PathBuf};

use pipward_resolver::ExtraName;
use serde_json::json;

use super::Outcome;
use super::options::{policy, trust};
use super::pip::{self, Persona};
use super::render::Printer;
pub(crate) use arguments::InstallArgs;
pub(super) use arguments::setting;

use crate::config::Config;
use crate::error::{Code, Problem, Problems};
use crate::index::{Instead, Sources};
use crate::lock::Location;
use crate::python::{self, Interpreter, PythonRequest};
use crate::way::destination::{self, Elsewhere, Environment, Place as Wish, Usage};
use crate::way::install::{Change, InstallRequest, Installed, Package, change, install, nothing};
use crate::way::locks;
use crate::way::look::{Look, check::check};
use crate::way::upkeep::Upkeep;

/// What pip says where it does so.
const DEFAULTING: &str = "Defaulting to user installation because normal site-packages is not writeable";

pub(super) fn run(arguments: &InstallArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let cache = arguments.cache.directory(&config, printer);
    // Everything that was typed and every lock is read, and refused if need be, before anything else happens.
    arguments.check(printer)?;
    arguments.selection.report.as_deref().map_or(Ok(()), report::can_be_written)?;
    let (wanted, groups) = arguments.wanted(printer)?;
    let network = arguments.sources.network.settle(&config)?;
    let wish = arguments.wish(&config, printer.persona());
    let locks =
        locks::read(&wanted, &|url| crate::index::read_address(url, &network)).or_else(|problems| {
            // A Python that is not there comes before what it was to have.
            if arguments.pip.python.is_some() && printer.persona().is_pip() {
                destination::look_at(&wish)?;
            }
            Err(problems)
        })?;
    let (mut sources, network) = arguments.sources.settle(&config, locks.sources())?;
    pass_over_missing(&mut sources, printer);
    let usage = arguments.usage(printer);
    // Before anything else is asked of the environment.
    if arguments.pip.require_virtualenv
        && arguments.venv.is_none()
        && let Some(status) = pip::require_virtual(&destination::look_at(&wish)?, printer)
    {
        return Ok(status);
    }
    let (environment, is_users) = destination::find_kept(&wish, &usage, cache.as_deref())?;
    if is_users {
        printer.say(DEFAULTING);
    }
    if arguments.selection.no_deps {
        printer.say("--no-deps: that every dependency is part of the lock is not checked");
    }
    if printer.persona().is_pip() {
        if printer.is_verbose() {
            printer.say(&format!("Using {}", pip::version(Some(&environment.interpreter().version))));
        }
        looking(&sources, printer);
    }
    let taken = arguments.taken(&locks)?;
    let mut request = InstallRequest {
        locks,
        target: foreign::target(&arguments.wheels.target, environment.interpreter())?,
        environment,
        extras: extra_names(&arguments.extra)?,
        groups: if groups.is_empty() { None } else { Some(extra_names(&groups)?) },
        beneath: beneath(is_users, &wish, &usage),
        check_closure: !arguments.selection.no_deps,
        any_python: arguments.wheels.ignore_requires_python,
        taken,
        only_dependencies: arguments.selection.only_deps,
        change: arguments.change(),
        anew: arguments.anew(),
        rehash: arguments.selection.rehash,
        installer: printer.persona().installer(),
        compile: arguments.selection.compile,
        upkeep: Upkeep { changed: arguments.selection.changed(), ..Upkeep::default() },
        policy: policy()?,
        trust: trust(arguments.selection.verify_provenance)?,
        sources,
        network,
        cache,
    };
    let is_new = matches!(request.environment, Environment::New { .. });
    let place = request.environment.directory().to_owned();
    let installed = {
        let progress = match arguments.ignored.progress_bar.as_deref() {
            Some("off" | "raw") => printer.no_progress(),
            _ => printer.progress("installing", request.locks.len() as u64),
        };
        let step = || progress.step();
        now(&mut request, arguments, &wish, &usage, printer, &step).or_else(|problems| {
            // Another process made the environment in the meantime: it is a standing one now.
            let busy = problems.iter().all(|problem| problem.code() == Code::EnvironmentBusy);
            match destination::find_for(&wish, &usage) {
                Ok((standing @ Environment::Standing(_), _)) if busy && is_new => {
                    request.environment = standing;
                    install(&request, &step)
                }
                _ => Err(problems),
            }
        })?
    };
    if let Some(file) = &arguments.selection.report {
        report::write(&installed, file, printer)?;
    }
    let warns = printer.persona().is_pip() && !arguments.ignored.no_warn_conflicts && request.check_closure;
    if warns && usage.is_usual() && !installed.installed.is_empty() {
        conflicts(&installed, &request, printer);
    }
    told(&installed, &request, &place, printer);
    Ok(0)
}

/// What an interpreter said in an earlier run will do to see that there is nothing to do. For all else it is asked.
fn now(
    request: &mut InstallRequest,
    arguments: &InstallArgs,
    wish: &Wish,
    usage: &Usage,
    printer: &Printer,
    step: &(dyn Fn() + Sync),
) -> Result<Installed, Problems> {
    if !request.environment.is_kept() {
        return install(request, step);
    }
    if let Some(nothing) = nothing(request)? {
        return Ok(nothing);
    }
    let (environment, is_users) = destination::find_for(wish, usage)?;
    if is_users {
        printer.say(DEFAULTING);
    }
    request.target = foreign::target(&arguments.wheels.target, environment.interpreter())?;
    request.beneath = beneath(is_users, wish, usage);
    request.environment = environment;
    change(request, step)
}

/// The environment itself, where things go to the user's directory.
fn beneath(is_users: bool, wish: &Wish, usage: &Usage) -> Option<Interpreter> {
    (is_users || usage.elsewhere == Elsewhere::User).then(|| destination::look_at(wish).ok()).flatten()
}

/// What else is installed and does not go with what was put in. It is told, and no reason to fail: the lock is not about
/// it.
fn conflicts(done: &Installed, request: &InstallRequest, printer: &Printer) {
    let Environment::Standing(interpreter) = &request.environment else { return };
    let Ok(checked) = Look::at((**interpreter).clone()).and_then(|look| check(&look)) else { return };
    let installed: Vec<&str> = done.installed.iter().map(|(name, _)| name.as_str()).collect();
    let lines = checked.about(&installed);
    if !lines.is_empty() {
        printer.complain(
            "pip's dependency resolver does not currently take into account all the packages that are installed. \
             This behaviour is the source of the following dependency conflicts.",
        );
        printer.usage(&lines.join("\n"));
    }
}

/// As pip, a place of `--find-links` that is not there is told and passed over: what is installed has its hash, wherever
/// it comes from.
fn pass_over_missing(sources: &mut Sources, printer: &Printer) {
    if !printer.persona().is_pip() {
        return;
    }
    sources.find_links.retain(|place| {
        let is_there = place.contains(':') || Path::new(place).exists();
        if !is_there {
            printer.warn(&format!(
                "Location '{place}' is ignored: it is either a non-existing path or lacks a specific scheme."
            ));
        }
        is_there
    });
}

/// Where is looked, where that is not the usual place.
pub(super) fn looking(sources: &Sources, printer: &Printer) {
    let general = sources.indexes.iter().filter(|index| index.packages.is_empty());
    let indexes: Vec<String> = general.map(|index| crate::index::without_password(&index.url)).collect();
    if sources.instead != Instead::Nothing && !indexes.is_empty() {
        printer.say(&format!("Looking in indexes: {}", indexes.join(", ")));
    }
    if sources.instead == Instead::Everything && indexes.is_empty() {
        tracing::debug!("Ignoring indexes: https://pypi.org/simple");
    }
    if !sources.find_links.is_empty() {
        printer.say(&format!("Looking in links: {}", sources.find_links.join(", ")));
    }
}

fn told(done: &Installed, request: &InstallRequest, place: &Path, printer: &Printer) {
    for warning in &done.warnings {
        printer.warn(warning);
    }
    for file in &done.verified {
        tracing::info!("verified {} sha256:{}", super::render::neutral(&file.name), file.sha256);
    }
    ignored_told(&done.ignored, printer);
    let site = match &request.environment {
        Environment::New { .. } => place,
        Environment::Standing(interpreter) => interpreter.scheme.purelib.as_path(),
    };
    let shown =
        if printer.persona().is_pip() { super::download::relative(site) } else { site.display().to_string() };
    for package in &done.packages {
        match request.beneath.as_ref().filter(|_| package.beneath) {
            Some(own) => {
                let site = super::download::relative(&own.scheme.purelib);
                package_told(package, &site, printer);
            }
            None => package_told(package, &shown, printer),
        }
        download_told(package, printer);
    }
    for package in &done.packages {
        local_told(package, printer);
    }
    if request.change == Change::Nothing {
        would_install(done, printer);
    } else if !done.installed.is_empty() {
        installed_told(done, printer);
    }
    super::sync::strays_told(done, request.change == Change::Nothing, printer);
    if done.packages.is_empty() && !printer.persona().is_pip() {
        printer.say("Nothing to install: the lock selects no package for this environment");
    }
    document(done, place, request.change == Change::Nothing, printer);
}

/// Requirements that are for other environments.
pub(super) fn ignored_told(ignored: &[(String, String)], printer: &Printer) {
    for (name, marker) in ignored {
        printer.say(&format!("Ignoring {name}: markers '{marker}' don't match your environment"));
    }
}

/// One package, as pip tells of it while it works.
pub(super) fn package_told(package: &Package, site: &str, printer: &Printer) {
    let pip = printer.persona().is_pip();
    let lock = package.origin.lock.as_ref().filter(|_| pip);
    let from = package.origin.from.as_ref().or(lock).map(|from| format!(" (from {from})"));
    let from = from.unwrap_or_default();
    let (asked, version) = (&package.origin.wanted, &package.version);
    if pip && !package.kept {
        yanked_told(package, printer);
    }
    let local = package.origin.address.as_deref().filter(|_| pip && package.direct).and_then(local);
    if let Some(path) = local.filter(|_| package.kept) {
        printer.say(&format!("Processing {}{from}", super::download::relative(&path)));
    } else if package.kept {
        printer.say(&format!("Requirement already satisfied: {asked} in {site}{from} ({version})"));
    } else if pip {
        match package.file.as_ref().map(|file| &file.location) {
            Some(Location::Path(path)) => {
                printer.say(&format!("Processing {}{from}", super::download::relative(path)));
            }
            Some(Location::Url(_)) => {
                printer.say(&format!("Collecting {asked}{from}"));
            }
            None => {}
        }
    }
}

/// From where it is fetched, and how large it is.
pub(super) fn download_told(package: &Package, printer: &Printer) {
    let Some(file) = package.file.as_ref().filter(|_| !package.kept && printer.persona().is_pip()) else {
        return;
    };
    let Location::Url(url) = &file.location else { return };
    let place = match url.host_str() {
        Some("files.pythonhosted.org") => file.name.to_string(),
        _ => crate::index::without_password(url),
    };
    printer.say(&format!("  Downloading {place} ({})", pips_size(package.size)));
}

/// That what was asked for by its path is there already.
fn local_told(package: &Package, printer: &Printer) {
    let local = package.origin.address.as_deref().filter(|_| package.direct && package.kept).and_then(local);
    if local.is_some() && printer.persona().is_pip() {
        printer.say(&format!(
            "{} is already installed with the same version as the provided wheel. Use --force-reinstall to force an \
             installation of the wheel.",
            package.origin.spelled
        ));
    }
}

/// The path of an address on this machine.
fn local(address: &str) -> Option<PathBuf> {
    url::Url::parse(address).ok()?.to_file_path().ok()
}

/// That it was taken back, as pip says it.
fn yanked_told(package: &Package, printer: &Printer) {
    let Some(reason) = &package.yanked else { return };
    let place = match package.file.as_ref().map(|file| &file.location) {
        Some(Location::Path(path)) => format!(" at {}", path.display()),
        Some(Location::Url(url)) => format!(" at {}", crate::index::without_password(url)),
        None => String::new(),
    };
    let (name, version) = (&package.key, &package.version);
    printer.warn(&format!(
        "The candidate selected for download or install is a yanked version: '{name}' candidate (version {version}{place})"
    ));
    let reason = if reason.is_empty() { "<none given>" } else { reason };
    printer.warn(&format!("Reason for being yanked: {reason}"));
}

fn would_install(done: &Installed, printer: &Printer) {
    let mut missing: Vec<String> = done
        .packages
        .iter()
        .filter(|package| !package.kept)
        .map(|package| format!("{}-{}", package.name, package.version))
        .collect();
    missing.sort();
    if !missing.is_empty() {
        printer.say(&format!("Would install {}", missing.join(" ")));
    }
}

fn installed_told(done: &Installed, printer: &Printer) {
    let pip = printer.persona().is_pip();
    let mut new: Vec<&Package> = done.packages.iter().filter(|package| !package.kept).collect();
    new.sort_by_key(|package| package.origin.turn);
    if pip {
        let names: Vec<&str> = new.iter().map(|package| package.origin.spelled.as_str()).collect();
        printer.say(&format!("Installing collected packages: {}", names.join(", ")));
    }
    let place_of = |name: &str| new.iter().position(|package| package.key.as_ref() == name);
    let mut removed: Vec<_> = done.removed.iter().collect();
    removed.sort_by_key(|(name, _)| place_of(name).unwrap_or(usize::MAX));
    for (name, version) in removed {
        if pip {
            let spelled = place_of(name).and_then(|at| new.get(at));
            let spelled = spelled.map_or(name.as_str(), |package| package.origin.spelled.as_str());
            printer.say(&format!("  Attempting uninstall: {spelled}"));
            printer.say(&format!("    Found existing installation: {name} {version}"));
            printer.say(&format!("    Uninstalling {name}-{version}:"));
            printer.say(&format!("      Successfully uninstalled {name}-{version}"));
        } else {
            printer.say(&format!("Removed {name} {version}"));
        }
    }
    let size = size(done.verified.iter().map(|file| file.size).sum());
    let count = done.verified.len();
    printer.say(&format!(
        "Verified the SHA-256 of {count} wheel{} ({size}) before opening; every file matches its RECORD.",
        if count == 1 { "" } else { "s" },
    ));
    let mut list: Vec<String> = match pip {
        true => new.iter().map(|package| format!("{}-{}", package.origin.spelled, package.version)).collect(),
        false => done.installed.iter().map(|(name, version)| format!("{name}-{version}")).collect(),
    };
    list.sort();
    printer.say(&format!("Successfully installed {}", list.join(" ")));
}

fn document(done: &Installed, place: &Path, dry: bool, printer: &Printer) {
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
        "dry-run": dry,
        "environment": place.display().to_string(),
        "installed": pairs(&done.installed),
        "kept": pairs(&done.kept),
        "removed": pairs(&done.removed),
        "verified": verified,
        "warnings": done.warnings,
    }));
}

impl InstallArgs {
    /// What is asked for, for a command that changes no environment.
    ///
    /// # Errors
    /// As for an install.
    pub(super) fn request_to_look(
        &mut self,
        printer: &Printer,
        command: &str,
    ) -> Result<InstallRequest, Problems> {
        let config = Config::load()?;
        self.selection.dry_run = true;
        self.check(printer)?;
        if self.names.is_empty() && self.requirement.is_empty() && self.group.is_empty() {
            return Err(Problem::new(
                Code::Usage,
                format!("You must give at least one requirement to {command} (see \"pip help {command}\")"),
            )
            .help("name a lock with -r pylock.toml, or a package that ./pylock.toml has")
            .into());
        }
        let (wanted, groups) = self.wanted(printer)?;
        let network = self.sources.network.settle(&config)?;
        let locks = locks::read(&wanted, &|url| crate::index::read_address(url, &network))?;
        let (mut sources, network) = self.sources.settle(&config, locks.sources())?;
        pass_over_missing(&mut sources, printer);
        let interpreter = match self.wish(&config, printer.persona()) {
            Wish::Nothing => python::find(&PythonRequest::Any, None)?,
            wish => destination::look_at(&wish)?,
        };
        let taken = self.taken(&locks)?;
        Ok(InstallRequest {
            locks,
            target: foreign::target(&self.wheels.target, &interpreter)?,
            environment: Environment::Standing(Box::new(interpreter)),
            extras: extra_names(&self.extra)?,
            groups: if groups.is_empty() { None } else { Some(extra_names(&groups)?) },
            beneath: None,
            check_closure: !self.selection.no_deps,
            any_python: self.wheels.ignore_requires_python,
            taken,
            only_dependencies: self.selection.only_deps,
            change: Change::Nothing,
            anew: false,
            rehash: false,
            installer: printer.persona().installer(),
            compile: false,
            upkeep: Upkeep::default(),
            policy: policy()?,
            trust: trust(self.selection.verify_provenance)?,
            sources,
            network,
            cache: self.cache.directory(&config, printer),
        })
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
pub(super) fn size(bytes: u64) -> String {
    if bytes < 1_000_000 {
        return format!("{} kB", bytes.div_ceil(1000));
    }
    format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000)
}

/// A size as pip tells it: `812 bytes`, `4.2 kB`, `64 kB`, `1.8 MB`.
fn pips_size(bytes: u64) -> String {
    let tenths = |unit: u64| {
        let tenths = (bytes * 10 + unit / 2) / unit;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match bytes {
        1_000_001.. => format!("{} MB", tenths(1_000_000)),
        10_001.. => format!("{} kB", bytes / 1000),
        1001.. => format!("{} kB", tenths(1000)),
        _ => format!("{bytes} bytes"),
    }
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
