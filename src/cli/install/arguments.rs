//! What may be typed after `install`: pip's options by pip's names, and pipward's own.
//!
//! Owns: the words, and what does not go together. Never: looks at an environment.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::super::options::{CacheArgs, PipArgs, SourceArgs};
use super::super::releases::{FormatControl, ReleaseControl, prior_to};
use super::super::render::Printer;
use super::foreign::TargetArgs;
use crate::error::{Code, Problem};
use crate::lock::pylock::is_pylock_name;
use crate::requirements;
use crate::way::destination::{Elsewhere, Usage};
use crate::way::install::{Change, Taken};
use crate::way::locks::{Locks, Wanted};
use crate::way::upkeep::Changed;

/// Arguments of `pipward install`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward install -r pylock.toml --venv .venv      a new environment, exactly as locked
  pipward install -r requirements.txt              hashed and pinned requirements, into the active environment
  pipward install flask --venv .venv               one name and its dependencies, as ./pylock.toml pins them
  pipward install flask -c pylock.toml             the same, with the lock named
  pipward install -r pylock.toml --target build/   for a bundle
  pipward install -r pylock.toml --no-index --find-links wheels/

Nothing is installed that the lock does not name with its SHA-256; no option turns that off.")]
pub(crate) struct InstallArgs {
    /// Names, looked up in the lock; or the path or address of a wheel, with #sha256=…
    #[arg(value_name = "NAME", add = clap_complete::ArgValueCompleter::new(super::super::completion::locked_names))]
    pub(super) names: Vec<String>,
    /// A pylock.toml, or a requirements file with hashes
    #[arg(short, long, value_name = "FILE")]
    pub(super) requirement: Vec<PathBuf>,
    /// A constraints file, or a lock, that gives pins and hashes to what has none
    #[arg(short, long, value_name = "FILE")]
    pub(super) constraint: Vec<PathBuf>,
    /// The lock in which names are looked up [default: ./pylock.toml]
    #[arg(long, value_name = "FILE", env = "PIPWARD_LOCK")]
    pub(super) lock: Option<PathBuf>,
    /// The environment to install into; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(super) venv: Option<PathBuf>,
    /// An extra of the lock
    #[arg(long, value_name = "NAME")]
    pub(super) extra: Vec<String>,
    /// A dependency group: of the lock in place of its default ones, or of a pyproject.toml
    #[arg(long, value_name = "[PATH:]NAME", value_parser = group)]
    pub(super) group: Vec<String>,
    #[command(flatten)]
    pub(super) selection: SelectionArgs,
    #[command(flatten)]
    pub(super) place: PlaceArgs,
    #[command(flatten)]
    pub(super) wheels: WheelArgs,
    #[command(flatten)]
    pub(super) ignored: IgnoredArgs,
    #[command(flatten)]
    pub(super) pip: PipArgs,
    #[command(flatten)]
    pub(super) sources: SourceArgs,
    #[command(flatten)]
    pub(super) cache: CacheArgs,
}

/// What is installed, and what is only told.
#[derive(Args)]
pub(super) struct SelectionArgs {
    /// Leave out the check that all dependencies are part of what is installed
    #[arg(long, visible_alias = "no-dependencies")]
    pub(super) no_deps: bool,
    /// Install the dependencies of what is named, and not what is named itself
    #[arg(long, alias = "only-dependencies")]
    pub(super) only_deps: bool,
    /// Prove anew who published what the lock names a publisher for (PEP 740)
    #[arg(long)]
    pub(super) verify_provenance: bool,
    /// Verify everything, and only say what would be installed
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Write what was (or would be) installed to a file as JSON; - for standard output
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Move the environment to what the lock says, which is what always happens; with --target, replace
    #[arg(short = 'U', long)]
    pub(super) upgrade: bool,
    /// Taken for pip's sake: the lock says what is upgraded
    #[arg(long, value_name = "WHICH", value_parser = ["only-if-needed", "eager"], hide_short_help = true)]
    pub(super) upgrade_strategy: Option<String>,
    /// Write everything anew
    #[arg(long)]
    pub(super) force_reinstall: bool,
    /// Write everything anew, whatever is there
    #[arg(short = 'I', long)]
    pub(super) ignore_installed: bool,
    /// Refuse, where an installed distribution has other content than the lock's wheel
    #[arg(long)]
    pub(super) no_heal: bool,
    /// Hash every installed file, also where nothing seems to have changed
    #[arg(long)]
    pub(super) rehash: bool,
    /// Compile to byte-code, the same bytes each time and without running any of it
    #[arg(long, overrides_with = "no_compile")]
    pub(super) compile: bool,
    /// Compile nothing, which is the default
    #[arg(long, overrides_with = "compile")]
    pub(super) no_compile: bool,
}

impl SelectionArgs {
    /// What becomes of a distribution with other content.
    pub(super) fn changed(&self) -> Changed {
        if self.no_heal { Changed::Refuse } else { Changed::Heal }
    }
}

/// Where it goes.
#[derive(Args)]
#[command(next_help_heading = "Place")]
pub(super) struct PlaceArgs {
    /// Into one folder
    #[arg(short, long, value_name = "DIR")]
    pub(super) target: Option<PathBuf>,
    /// Beneath another prefix
    #[arg(long, value_name = "DIR")]
    pub(super) prefix: Option<PathBuf>,
    /// Put DIR before every path
    #[arg(long, value_name = "DIR")]
    pub(super) root: Option<PathBuf>,
    /// Into the user's directory
    #[arg(long, overrides_with = "no_user")]
    pub(super) user: bool,
    /// Not into the user's directory, even where the environment cannot be written
    #[arg(long, overrides_with = "user")]
    pub(super) no_user: bool,
    /// Allow changing a Python that the system's package manager keeps (PEP 668)
    #[arg(long)]
    pub(super) break_system_packages: bool,
}

/// Which wheels are taken.
#[derive(Args)]
#[command(next_help_heading = "Wheels")]
pub(super) struct WheelArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) formats: FormatControl,
    /// Every requirement has hashes, which is always so
    #[arg(long)]
    pub(super) require_hashes: bool,
    /// Refused: nothing is installed without a hash
    #[arg(long)]
    pub(super) no_require_hashes: bool,
    /// Take what does not say that it runs with this Python
    #[arg(long)]
    pub(super) ignore_requires_python: bool,
}

/// Options that mean nothing where nothing is built, chosen or asked.
#[derive(Args)]
#[command(next_help_heading = "Taken for pip's sake")]
pub(super) struct IgnoredArgs {
    /// Refused: an editable install runs the project's code
    #[arg(short, long, value_name = "PATH|URL", hide_short_help = true)]
    pub(super) editable: Vec<String>,
    /// What a script says that it needs (PEP 723); pins and hashes come from -c
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(super) requirements_from_script: Vec<PathBuf>,
    #[arg(long, hide_short_help = true)]
    pre: bool,
    #[command(flatten)]
    releases: ReleaseControl,
    #[arg(long, hide_short_help = true)]
    prefer_binary: bool,
    /// Refuse files that were uploaded then or later: a date, a time (RFC 3339), or an age such as 72h or P3D
    #[arg(long, value_name = "TIME", value_parser = prior_to, hide_short_help = true)]
    uploaded_prior_to: Option<Timestamp>,
    #[arg(long, value_name = "NAMES", hide_short_help = true)]
    refresh_package: Vec<String>,
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    build_constraint: Vec<PathBuf>,
    #[arg(long, value_name = "DIR", visible_aliases = ["source", "source-dir", "source-directory"], hide_short_help = true)]
    src: Option<PathBuf>,
    #[arg(long, hide_short_help = true)]
    no_build_isolation: bool,
    #[arg(long, hide_short_help = true)]
    check_build_dependencies: bool,
    #[arg(long, hide_short_help = true)]
    use_pep517: bool,
    #[arg(
        short = 'C',
        long,
        visible_alias = "config-setting",
        value_name = "SETTINGS",
        value_parser = setting,
        hide_short_help = true
    )]
    config_settings: Vec<String>,
    #[arg(long, hide_short_help = true)]
    no_clean: bool,
    #[arg(long, hide_short_help = true)]
    no_warn_script_location: bool,
    #[arg(long, hide_short_help = true)]
    pub(super) no_warn_conflicts: bool,
    #[arg(long, value_name = "KIND", value_parser = ["auto", "on", "off", "ascii", "pretty", "emoji", "raw"], hide_short_help = true)]
    pub(super) progress_bar: Option<String>,
    #[arg(long, value_name = "ACTION", value_parser = ["warn", "ignore"], hide_short_help = true)]
    root_user_action: Option<String>,
}

/// What goes to a build backend, if there were one.
pub(in crate::cli) fn setting(text: &str) -> Result<String, String> {
    match text.contains('=') {
        true => Ok(text.to_owned()),
        false => Err("Arguments to --config-settings must be of the form KEY=VAL".to_owned()),
    }
}

/// Nothing is built, but a file that was named has to be there.
pub(in crate::cli) fn can_be_read(constraints: &[PathBuf]) -> Result<(), Problem> {
    let faults = constraints.iter().filter_map(|file| requirements::read(file).err());
    let missing = |problem: &Problem| matches!(problem.code(), Code::LockNotFound | Code::FileAccess);
    let found = faults.flat_map(|problems| problems.iter().find(|one| missing(one)).cloned()).next();
    found.map_or(Ok(()), Err)
}

/// PEP 735: groups are those of a pyproject.toml.
fn group(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        Some((path, _))
            if Path::new(path).file_name().is_none_or(|name| name != "pyproject.toml") && !is_lock(path) =>
        {
            Err("group paths use 'pyproject.toml' or 'pylock.toml' filenames".to_owned())
        }
        _ => Ok(text.to_owned()),
    }
}

/// Whether a path is that of a lock, perhaps with extras.
fn is_lock(path: &str) -> bool {
    is_pylock_name(Path::new(path.split('[').next().unwrap_or(path)))
}

impl InstallArgs {
    /// What would turn off a promise, or does not go together.
    pub(super) fn check(&self, printer: &Printer) -> Result<(), Problem> {
        self.check_foreign(printer)?;
        for odd in self.sources.without_scheme().filter(|_| printer.persona().is_pip()) {
            printer.warn(&format!("The index url \"{odd}\" seems invalid, please provide a scheme."));
        }
        self.refuse_builds()?;
        let refused = |option: &str, why: &str| {
            Problem::new(Code::OptionRefused, format!("{option} {why}")).found(option.to_owned())
        };
        if self.wheels.no_require_hashes {
            return Err(refused("--no-require-hashes", "turns off the check of hashes").help("leave it out"));
        }
        let ignored = &self.ignored;
        can_be_read(&ignored.build_constraint)?;
        ignored.releases.with(ignored.pre)?;
        if ignored.requirements_from_script.len() > 1 {
            return Err(Problem::new(Code::Usage, "--requirements-from-script can only be given once")
                .help("install for one script at a time"));
        }
        let together = |one: &str, other: &str, why: &str| {
            Problem::new(Code::Usage, format!("Can not combine '{one}' and '{other}'{why}"))
                .help("leave one of them out")
        };
        if self.place.user && self.place.target.is_some() {
            return Err(together("--user", "--target", ""));
        }
        if self.place.user && self.place.prefix.is_some() {
            return Err(together("--user", "--prefix", " as they imply different installation locations"));
        }
        if self.place.target.is_some() && self.place.prefix.is_some() {
            return Err(together("--target", "--prefix", " as they imply different installation locations"));
        }
        if self.selection.only_deps && self.selection.no_deps {
            return Err(together("--only-deps", "--no-deps", ""));
        }
        Ok(())
    }

    /// Which releases are taken, and as what: what was typed, and after that what files say.
    pub(super) fn taken(&self, locks: &Locks) -> Result<Taken, Problem> {
        let mut releases = self.ignored.releases.with(self.ignored.pre)?;
        releases.extend(&locks.sources().releases);
        let mut formats = self.wheels.formats.said().clone();
        formats.extend(&locks.sources().formats);
        Ok(Taken { releases, formats, before: self.ignored.uploaded_prior_to })
    }

    /// pip's `check_dist_restriction`, word for word as scripts look for it.
    fn check_foreign(&self, printer: &Printer) -> Result<(), Problem> {
        let wheels = &self.wheels;
        if !wheels.target.is_foreign() {
            return Ok(());
        }
        let wheels_alone = wheels.formats.said().is_wheels_alone();
        if printer.persona().is_pip() && !wheels_alone && !self.selection.no_deps {
            return Err(Problem::new(
                Code::Usage,
                "When restricting platform and interpreter constraints using --python-version, --platform, --abi, or \
                 --implementation, either --no-deps must be set, or --only-binary=:all: must be set and --no-binary must \
                 not be set (or must be set to :none:).",
            )
            .help("add --only-binary=:all:"));
        }
        if self.place.target.is_none() && !self.selection.dry_run {
            return Err(Problem::new(
                Code::Usage,
                "Can not use any platform or abi specific options unless installing via '--target' or using '--dry-run'",
            )
            .help("add --target DIR or --dry-run"));
        }
        Ok(())
    }

    fn refuse_builds(&self) -> Result<(), Problem> {
        if let Some(what) = self.ignored.editable.first() {
            return Err(Problem::new(
                Code::RequirementUnsupported,
                "this is an editable install, and making one runs the project's code",
            )
            .found(what)
            .help(
                "put the project on the path with PYTHONPATH or a .pth file of your own and install its locked \
                 dependencies; or build its wheel elsewhere (`python -m build --wheel`), hash it with `pipward hash`, and \
                 install it with --find-links FOLDER; see docs/local-projects.md",
            ));
        }
        Ok(())
    }

    /// What is asked for. Groups are of the lock where one is installed, else of a pyproject.toml.
    pub(super) fn wanted(&self, printer: &Printer) -> Result<(Wanted, Vec<String>), Problem> {
        let from_lock =
            !printer.persona().is_pip() && self.requirement.iter().any(|file| is_pylock_name(file));
        let mut wanted = Wanted {
            files: self.requirement.clone(),
            constraints: self.constraint.clone(),
            // What a script leaves empty is nothing.
            names: self.names.iter().filter(|name| !name.trim().is_empty()).cloned().collect(),
            groups: Vec::new(),
            scripts: self.ignored.requirements_from_script.clone(),
            lock: self.lock.clone(),
        };
        let mut of_lock = Vec::new();
        for group in &self.group {
            match group.rsplit_once(':') {
                None if from_lock => of_lock.push(group.clone()),
                None => wanted.groups.push((PathBuf::from("pyproject.toml"), group.clone())),
                Some((path, name)) => {
                    let path = if path.is_empty() { Path::new("pyproject.toml") } else { Path::new(path) };
                    wanted.groups.push((path.to_owned(), name.to_owned()));
                }
            }
        }
        let nothing = wanted.files.is_empty()
            && self.names.is_empty()
            && wanted.scripts.is_empty()
            && self.group.is_empty();
        if nothing {
            return Err(Problem::new(
                Code::Usage,
                "You must give at least one requirement to install (see \"pip help install\")",
            )
            .help("name a lock with -r pylock.toml, or a package that ./pylock.toml has"));
        }
        Ok((wanted, of_lock))
    }

    /// How the environment is used.
    pub(super) fn usage(&self, printer: &Printer) -> Usage {
        let place = &self.place;
        let elsewhere = match (&place.target, &place.prefix, place.user) {
            (Some(directory), _, _) => Elsewhere::Target(directory.clone()),
            (_, Some(prefix), _) => Elsewhere::Prefix(prefix.clone()),
            (_, _, true) => Elsewhere::User,
            _ if place.no_user || !printer.persona().is_pip() => Elsewhere::Own,
            _ => Elsewhere::OrUser,
        };
        let only_told = self.selection.dry_run && self.selection.report.is_some();
        Usage { elsewhere, root: place.root.clone(), break_system: place.break_system_packages || only_told }
    }

    /// Whether what is there already is written anew.
    pub(super) fn anew(&self) -> bool {
        self.selection.force_reinstall || self.selection.ignore_installed
    }

    /// What is changed.
    pub(super) fn change(&self) -> Change {
        let selection = &self.selection;
        if selection.dry_run {
            Change::Nothing
        } else if self.place.target.is_some() && !selection.upgrade {
            Change::Add
        } else {
            Change::Missing
        }
    }
}
