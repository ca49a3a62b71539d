//! `pipward lock`.

pub(super) mod again;
mod check;
mod pips;
mod place;
mod policy;
mod target;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use pipward_resolver::{ForkStrategy, PackageName, Prereleases, Strategy, Version};
use serde_json::json;

use super::Outcome;
use super::options::{CacheArgs, SourceArgs, dated};
use super::render::Printer;
use crate::config::{Config, Settings};
use crate::error::{Code, Place, Problem, Problems};
use crate::lock::Lock;
use crate::requirements::ProjectSelection;
use crate::way::edit::Section;
use crate::way::inputs::{self, Inputs, Sought};
use crate::way::lock::standing::Again;
use crate::way::lock::{Cutoff, LockRequest, Locked, Upgrade, standing};
use crate::way::provenance;

/// Arguments of `pipward lock`.
#[derive(Args, Clone)]
#[command(after_help = "\
Examples:
  pipward lock                                 the project in ./pyproject.toml; without one, what the lock was made from
  pipward lock 'flask>=3' sqlalchemy           requirements as pip takes them
  pipward lock -r requirements.in --extra-index-url https://pkgs.example.org/simple/
  pipward lock -r pyproject.toml --group test --python 3.13 -o pylock.test.toml
  pipward lock flask --format requirements -o requirements.txt
  pipward lock --upgrade-package flask==3.1.2  one package moves, everything else stays
  pipward lock --check                         does pylock.toml follow from its inputs?

Files uploaded in the last 72 hours are left out, and later locks keep the cutoff of the
standing one until --upgrade; --uploaded-prior-to names another.")]
pub(crate) struct LockArgs {
    /// Requirement specifiers, or files that hold them
    #[arg(value_name = "REQUIREMENT|FILE")]
    requirements: Vec<String>,
    /// A requirements file, or a pyproject.toml
    #[arg(short, long, value_name = "FILE")]
    requirement: Vec<PathBuf>,
    /// A constraints file
    #[arg(short, long, value_name = "FILE")]
    constraint: Vec<PathBuf>,
    /// An extra of the pyproject.toml
    #[arg(long, value_name = "NAME")]
    extra: Vec<String>,
    /// A dependency group of the pyproject.toml (PEP 735), or of one among several
    #[arg(long, value_name = "[PATH:]NAME")]
    group: Vec<String>,
    /// A dependency group, without the dependencies of the project itself
    #[arg(long, value_name = "NAME", conflicts_with_all = ["extra", "all_extras"])]
    only_group: Vec<String>,
    /// All extras of the pyproject.toml
    #[arg(long)]
    all_extras: bool,
    /// All dependency groups of the pyproject.toml
    #[arg(long)]
    all_groups: bool,
    /// The interpreter to lock for: a path, an environment, or a version
    #[arg(short, long, value_name = "PATH|X.Y", env = "PIPWARD_PYTHON")]
    python: Option<String>,
    /// The Python version to lock for, without having it
    #[arg(long, value_name = "X.Y")]
    python_version: Option<String>,
    /// The platform to lock for: linux, macos, windows, or a target such as aarch64-manylinux_2_28
    #[arg(long, value_name = "PLATFORM")]
    python_platform: Option<String>,
    /// Lock for every platform and every later Python; this is the default
    #[arg(long, overrides_with = "no_universal")]
    universal: bool,
    /// Lock for one environment: that of the interpreter, or what --python-version and --python-platform say
    #[arg(long)]
    no_universal: bool,
    /// What to do where the newest version is for newer Pythons alone [default: requires-python]
    #[arg(long, value_enum)]
    fork_strategy: Option<Fork>,
    /// A file of requirements that stand for all others on the same name
    #[arg(long = "override", value_name = "FILE")]
    overrides: Vec<PathBuf>,
    /// A name whose requirements count for nothing
    #[arg(long = "exclude", value_name = "NAME")]
    excludes: Vec<String>,
    /// Take pre-releases too
    #[arg(long)]
    pre: bool,
    /// When to take pre-releases
    #[arg(long, value_enum, conflicts_with = "pre")]
    prerelease: Option<Prerelease>,
    /// Which versions are preferred [default: highest]
    #[arg(long, value_enum)]
    resolution: Option<Resolution>,
    /// Only files uploaded before this: a date, a time (RFC 3339), or an age such as 72h or P3D
    #[arg(long, value_name = "WHEN", env = "PIPWARD_UPLOADED_PRIOR_TO", visible_alias = "exclude-newer")]
    uploaded_prior_to: Option<String>,
    /// Take the newest allowed versions of everything, and a new cutoff
    #[arg(short = 'U', long)]
    upgrade: bool,
    /// Take the newest allowed version of this package, or the one named, and a new cutoff
    #[arg(short = 'P', long, value_name = "NAME[==VERSION]", add = clap_complete::ArgValueCompleter::new(super::completion::locked_names))]
    upgrade_package: Vec<String>,
    /// Take this package although its publisher is another one than before, or none
    #[arg(long, value_name = "NAME")]
    accept_publisher: Vec<PackageName>,
    /// Keep the provenance of the files beside the lock, so that an install can verify it without an index
    #[arg(long)]
    keep_provenance: bool,
    /// Sign the lock with this SSH key (Ed25519), as `ssh-keygen -Y sign -n pipward-lock` does
    #[arg(long, value_name = "KEY", env = "PIPWARD_SIGN_KEY")]
    sign_key: Option<PathBuf>,
    /// Write nothing; exit with 1 if today's policy would not take the standing lock
    #[arg(long, conflicts_with = "check")]
    check_policy: bool,
    /// Write nothing; exit with 1 and say why if the lock does not follow from its inputs
    #[arg(long)]
    check: bool,
    /// Where to write the lock; `-` is standard output [default: pylock.toml, or requirements.txt]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The format of the lock
    #[arg(long, value_enum)]
    format: Option<Format>,
    #[command(flatten)]
    pips: pips::PipsArgs,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    cache: CacheArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Resolution {
    Highest,
    Lowest,
    LowestDirect,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fork {
    RequiresPython,
    Fewest,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Prerelease {
    Allow,
    #[value(alias = "if-necessary-or-explicit")]
    IfNecessary,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Pylock,
    Requirements,
}

pub(super) fn run(arguments: &LockArgs, printer: &Printer) -> Outcome {
    arguments.pips.check()?;
    let config = Config::load()?;
    let settings = Settings::find(&arguments.directory())?;
    let cache = arguments.cache.directory(&config, printer);
    let (format, output) = place::destination(arguments, Some(printer))?;
    if output.is_none() && printer.is_json() {
        return Err(Problem::new(
            Code::Usage,
            "the lock and the JSON of --json would both go to standard output",
        )
        .help("name a file with -o, or leave out --json")
        .into());
    }
    if arguments.check_policy {
        return policy::run(arguments, &config, &settings, output.as_deref(), printer);
    }
    if output.is_none() && arguments.sign_key.is_some() {
        return Err(Problem::new(Code::Usage, "a lock on standard output cannot be signed")
            .help("name a file with -o")
            .into());
    }
    let request = arguments.request(&config, &settings, format, output.as_deref(), cache)?;
    if arguments.check {
        return check::run(&request, format, output.as_deref(), printer);
    }
    let locked = {
        let progress = printer.progress("resolving", 0);
        crate::way::lock::lock(&request, &|| progress.step())?
    };
    let outcome = report(&locked, format, output.as_deref(), arguments.sign_key.as_deref(), printer);
    // The process ends here, and the system takes the memory back at once: pages and their files one by one would take a
    // twentieth of the time of a warm lock.
    std::mem::forget(locked);
    outcome
}

/// The lock as it is written.
fn text(locked: &Locked, format: Format) -> String {
    match format {
        Format::Pylock => crate::lock::pylock::write(&locked.lock),
        Format::Requirements => crate::lock::drift::signed_requirements(&locked.lock),
    }
}

pub(super) fn report(
    locked: &Locked,
    format: Format,
    output: Option<&Path>,
    key: Option<&Path>,
    printer: &Printer,
) -> Outcome {
    let text = text(locked, format);
    for warning in locked.warnings.iter().map(String::as_str).chain(place::left_out(locked, format)) {
        printer.warn(warning);
    }
    let Some(path) = output else {
        printer.data(&text);
        return Ok(0);
    };
    let changed = inputs::write_if_changed(path, &text)?;
    if !locked.provenance.is_empty() {
        inputs::write_if_changed(&provenance::beside(path), &provenance::text(&locked.provenance))?;
    }
    place::sign(path, key, changed, printer)?;
    let count = locked.lock.packages.len();
    // Where pip is expected, standard error is for faults.
    let told = |line: &str| if printer.persona().is_pip() { printer.say(line) } else { printer.note(line) };
    for change in &locked.changes {
        told(&format!("  {change}"));
    }
    let doing = if changed { "Locked" } else { "Unchanged:" };
    let plural = if count == 1 { "" } else { "s" };
    told(&format!("{doing} {count} package{plural} in {}", path.display()));
    let packages: Vec<_> = locked
        .lock
        .packages
        .iter()
        .map(|package| {
            json!({
                "name": package.name.to_string(),
                "version": package.version.as_ref().map(ToString::to_string),
                "marker": package.marker.as_ref().map(|marker| &marker.text),
            })
        })
        .collect();
    printer.document(&json!({
        "ok": true,
        "file": path.display().to_string(),
        "changed": changed,
        "packages": packages,
        "changes": locked.changes,
        "warnings": locked.warnings,
    }));
    Ok(0)
}

/// For `add` and `remove`, which change the inputs and lock again.
impl LockArgs {
    /// The names or requirements that were typed.
    ///
    /// # Errors
    /// `usage` where there are none.
    pub(super) fn take_requirements(&mut self, command: &str) -> Result<Vec<String>, Problem> {
        if self.requirements.is_empty() {
            return Err(Problem::new(Code::Usage, format!("nothing to {command} is named"))
                .help(format!("name a project: pipward {command} NAME")));
        }
        Ok(std::mem::take(&mut self.requirements))
    }

    /// The newest allowed versions of these are taken.
    pub(super) fn upgrade_names(&mut self, names: impl Iterator<Item = String>) {
        self.upgrade_package.extend(names);
    }

    /// Where the lock is.
    ///
    /// # Errors
    /// `usage` where it would go to standard output.
    pub(super) fn output(&self) -> Result<PathBuf, Problem> {
        place::destination(self, None)?
            .1
            .ok_or_else(|| Problem::new(Code::Usage, "the lock has to be a file").help("name a file with -o"))
    }

    /// The groups that were named.
    pub(super) fn named_groups(&self) -> &[String] {
        &self.group
    }

    /// Locks the extras and groups that the standing lock has too, and that of a section.
    pub(super) fn keep_parts(&mut self, standing: Option<&Lock>, section: &Section) {
        let add = |list: &mut Vec<String>, name: String| {
            if !list.contains(&name) {
                list.push(name);
            }
        };
        if let Section::Extra(extra) = section {
            add(&mut self.extra, extra.clone());
        }
        if self.all_groups || self.all_extras || !self.only_group.is_empty() {
            return;
        }
        let kept = standing.and_then(standing::again).map(|again| again.select).unwrap_or_default();
        if !kept.without_project {
            kept.extras.into_iter().for_each(|extra| add(&mut self.extra, extra));
            kept.groups.into_iter().for_each(|group| add(&mut self.group, group));
            self.all_extras |= kept.all_extras;
            self.all_groups |= kept.all_groups;
        }
    }

    /// Where files come from, and the cache.
    pub(super) fn sources(&self) -> (&SourceArgs, &CacheArgs) {
        (&self.sources, &self.cache)
    }
}

impl LockArgs {
    fn request(
        &self,
        config: &Config,
        settings: &Settings,
        format: Format,
        output: Option<&Path>,
        cache: Option<PathBuf>,
    ) -> Result<LockRequest, Problems> {
        let standing = match (output, format) {
            (Some(path), Format::Pylock) => inputs::standing_lock(path)?,
            (Some(path), Format::Requirements) => standing::requirements(path)?,
            (None, _) => None,
        };
        let inputs = self.inputs(settings, standing.as_ref())?;
        let (sources, network) = self.sources.settle_within(config, &inputs.sources, settings)?;
        let range = target::range(self, settings, &inputs, standing.as_ref(), cache.as_deref())?;
        place::check_optional(&inputs, &range, format)?;
        Ok(LockRequest {
            cutoff: self.cutoff(settings)?,
            upgrade: self.upgrade_choice()?,
            strategy: self.strategy(settings),
            fork_strategy: self.fork_strategy(settings),
            prereleases: self.prereleases(settings, inputs.pre),
            prerelease_projects: settings.prerelease_projects.iter().cloned().collect(),
            file: output.map_or_else(|| PathBuf::from("pylock.toml"), Path::to_owned),
            ages: settings.ages(&dated(settings)),
            policy: dated(settings),
            inputs,
            range,
            sources,
            network,
            cache,
            standing,
            keeps_provenance: self.keep_provenance
                || output.is_some_and(|path| provenance::beside(path).is_file()),
            accepted: self.accept_publisher.iter().cloned().collect(),
            now: jiff::Timestamp::now(),
        })
    }

    fn selection(&self) -> ProjectSelection {
        ProjectSelection {
            extras: self.extra.clone(),
            groups: self.group.iter().chain(&self.only_group).cloned().collect(),
            without_project: !self.only_group.is_empty(),
            all_extras: self.all_extras,
            all_groups: self.all_groups,
        }
    }

    /// What was typed; else the project of this directory; else what the standing lock was made from.
    fn inputs(&self, settings: &Settings, standing: Option<&Lock>) -> Result<Inputs, Problems> {
        let typed = Again {
            arguments: self.requirements.clone(),
            files: self.requirement.clone(),
            constraints: self.constraint.clone(),
            overrides: self.overrides.clone(),
            excludes: self.excludes()?,
            select: self.selection(),
        };
        let is_named = !typed.arguments.is_empty() || !typed.files.is_empty();
        let is_project = Path::new("pyproject.toml").is_file();
        let chosen = match standing {
            Some(lock) if !is_named && !is_project => typed.recalled(lock),
            _ => typed,
        };
        inputs::read(&Sought {
            arguments: &chosen.arguments,
            files: &chosen.files,
            constraints: &chosen.constraints,
            overrides: &chosen.overrides,
            excludes: &chosen.excludes,
            select: &chosen.select,
            settings,
        })
    }

    /// Where the configuration is looked for: beside the first project, else here.
    fn directory(&self) -> PathBuf {
        let typed = self.requirements.iter().map(Path::new);
        let mut files = typed.chain(self.requirement.iter().map(PathBuf::as_path));
        let project = files.find(|path| path.file_name().is_some_and(|name| name == "pyproject.toml"));
        let parent = project.and_then(Path::parent).filter(|parent| !parent.as_os_str().is_empty());
        parent.unwrap_or(Path::new(".")).to_owned()
    }

    fn excludes(&self) -> Result<Vec<PackageName>, Problem> {
        self.excludes.iter().map(|name| package_name(name, "--exclude")).collect()
    }

    fn strategy(&self, settings: &Settings) -> Strategy {
        match (self.resolution, settings.resolution.as_deref()) {
            (Some(Resolution::Lowest), _) | (None, Some("lowest")) => Strategy::Lowest,
            (Some(Resolution::LowestDirect), _) | (None, Some("lowest-direct")) => Strategy::LowestDirect,
            _ => Strategy::Highest,
        }
    }

    fn fork_strategy(&self, settings: &Settings) -> ForkStrategy {
        match (self.fork_strategy, settings.fork_strategy.as_deref()) {
            (Some(Fork::Fewest), _) | (None, Some("fewest")) => ForkStrategy::Fewest,
            _ => ForkStrategy::RequiresPython,
        }
    }

    fn prereleases(&self, settings: &Settings, in_file: bool) -> Prereleases {
        match self.prerelease {
            Some(Prerelease::Allow) => Prereleases::Allow,
            Some(Prerelease::IfNecessary) => Prereleases::IfNecessary,
            None if self.pre || self.pips.takes_prereleases() || in_file || settings.prereleases => {
                Prereleases::Allow
            }
            None => Prereleases::IfNecessary,
        }
    }

    fn cutoff(&self, settings: &Settings) -> Result<Cutoff, Problem> {
        let now = jiff::Timestamp::now();
        match (&self.uploaded_prior_to, &settings.uploaded_prior_to) {
            (Some(text), _) => {
                Cutoff::parse(text, now).map_err(|it| it.at(Place::file("--uploaded-prior-to")))
            }
            (None, Some(text)) => Cutoff::parse(text, now).map_err(|problem| {
                let place = settings.place("uploaded-prior-to");
                place.map_or(problem.clone(), |place| problem.at(place.clone()))
            }),
            (None, None) => Ok(Cutoff::CoolingOff),
        }
    }

    fn upgrade_choice(&self) -> Result<Upgrade, Problem> {
        if self.upgrade {
            return Ok(Upgrade::All);
        }
        let one = |text: &String| -> Result<(PackageName, Option<Version>), Problem> {
            let (name, version) = match text.split_once("==") {
                Some((name, version)) => (name, Some(version)),
                None => (text.as_str(), None),
            };
            let version = version.map(|text| text.trim().parse::<Version>()).transpose().map_err(|_| {
                Problem::new(Code::Usage, "--upgrade-package names something that is not a version")
                    .found(text)
            })?;
            Ok((package_name(name.trim(), "--upgrade-package")?, version))
        };
        let names: Result<Vec<_>, Problem> = self.upgrade_package.iter().map(one).collect();
        Ok(if self.upgrade_package.is_empty() { Upgrade::Nothing } else { Upgrade::Packages(names?) })
    }
}

fn package_name(text: &str, option: &str) -> Result<PackageName, Problem> {
    text.parse()
        .map_err(|_| Problem::new(Code::Usage, format!("{option} does not name a package")).found(text))
}
