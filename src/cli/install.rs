//! `pipward install`.

mod arguments;
pub(super) mod foreign;
mod report;
mod told;

use std::path::Path;

use pipward_resolver::ExtraName;

use super::Outcome;
use super::options::{policy, trust};
use super::pip::{self, Persona};
use super::render::Printer;
pub(crate) use arguments::InstallArgs;
pub(super) use arguments::{can_be_read, setting};
pub(super) use told::{download_told, ignored_told, looking, package_told, size, stopped};

use crate::config::Config;
use crate::error::{Code, Problem, Problems};
use crate::index::Sources;
use crate::python::{self, Interpreter, PythonRequest};
use crate::requirements::SourceOptions;
use crate::way::destination::{self, Elsewhere, Environment, Place as Wish, Usage};
use crate::way::install::{Change, InstallRequest, Installed, SoFar, change, install, nothing};
use crate::way::locks::{self, Wanted};
use crate::way::look::{Look, check::check};
use crate::way::upkeep::Upkeep;

/// What pip says where it does so.
const DEFAULTING: &str = "Defaulting to user installation because normal site-packages is not writeable";

pub(super) fn run(arguments: &InstallArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let cache = arguments.cache.directory(&config, printer);
    // Everything that was typed and every lock is read, and refused if need be, before anything else happens; only Python is
    // asked meanwhile.
    arguments.check(printer)?;
    arguments.selection.report.as_deref().map_or(Ok(()), report::can_be_written)?;
    let (wanted, groups) = arguments.asked(&config, printer)?;
    let network = arguments.sources.network.settle(&config)?;
    let wish = arguments.wish(&config, printer.persona());
    let _ahead = destination::begin(&wish, cache.as_deref());
    let locks =
        locks::read(&wanted, &|url| crate::index::read_address(url, &network)).or_else(|problems| {
            // A Python that is not there comes before what it was to have.
            if arguments.pip.python.is_some() && printer.persona().is_pip() {
                destination::look_at(&wish)?;
            }
            arguments.looked(&config, &problems, printer);
            Err(problems)
        })?;
    let (mut sources, network) = arguments.sources.settle(&config, locks.sources())?;
    let named = sources.clone();
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
        looking(&named, printer);
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
        tells_metadata: arguments.selection.report.is_some(),
        so_far: SoFar::default(),
    };
    let is_new = matches!(request.environment, Environment::New { .. });
    let place = request.environment.directory().to_owned();
    let has_bar = !matches!(arguments.ignored.progress_bar.as_deref(), Some("off" | "raw"));
    let installed = {
        let progress = match has_bar {
            false => printer.no_progress(),
            true => printer.progress("installing", request.locks.len() as u64),
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
        })
    }
    .inspect_err(|problems| stopped(&request, problems, printer))?;
    if let Some(file) = &arguments.selection.report {
        report::write(&installed, file, printer)?;
    }
    let warns = printer.persona().is_pip() && !arguments.ignored.no_warn_conflicts && request.check_closure;
    if warns && usage.is_usual() && !installed.installed.is_empty() {
        conflicts(&installed, &request, printer);
    }
    told::told(&installed, &request, &place, has_bar, printer);
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
pub(super) fn pass_over_missing(sources: &mut Sources, printer: &Printer) {
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
            self.constraints(&config)?;
            return Err(Problem::new(
                Code::Usage,
                format!("You must give at least one requirement to {command} (see \"pip help {command}\")"),
            )
            .help("name a lock with -r pylock.toml, or a package that ./pylock.toml has")
            .into());
        }
        let (wanted, groups) = self.wanted(printer)?;
        let network = self.sources.network.settle(&config)?;
        let locks = locks::read(&wanted, &|url| crate::index::read_address(url, &network))
            .inspect_err(|problems| self.looked(&config, problems, printer))?;
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
            tells_metadata: false,
            so_far: SoFar::default(),
        })
    }

    /// What is asked for. As with pip, what is wrong with constraints comes before that nothing is.
    fn asked(&self, config: &Config, printer: &Printer) -> Result<(Wanted, Vec<String>), Problems> {
        self.wanted(printer).map_err(|problem| match self.constraints(config) {
            Err(problems) if problem.code() == Code::Usage => problems,
            _ => problem.into(),
        })
    }

    /// Reads the constraints alone.
    fn constraints(&self, config: &Config) -> Result<(), Problems> {
        let network = self.sources.network.settle(config)?;
        let constraints = Wanted { constraints: self.constraint.clone(), ..Wanted::default() };
        locks::read(&constraints, &|url| crate::index::read_address(url, &network)).map(|_| ())
    }

    /// Where is looked, before what is asked for leads to nothing.
    fn looked(&self, config: &Config, problems: &Problems, printer: &Printer) {
        let is_looked_for = |problem: &Problem| match problem.code() {
            Code::LockNotFound => {
                problem.found_text().is_some() && problem.place().is_none_or(|p| p.line.is_none())
            }
            Code::HashMissing
            | Code::PinMissing
            | Code::NotInLock
            | Code::DependencyVersion
            | Code::DuplicatePackage => true,
            _ => false,
        };
        if printer.persona().is_pip()
            && problems.iter().all(is_looked_for)
            && let Ok((mut sources, _)) = self.sources.settle(config, &SourceOptions::default())
        {
            looking(&sources, printer);
            pass_over_missing(&mut sources, printer);
        }
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
