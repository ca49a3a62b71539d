//! `pipward lock`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use pipward_resolver::tags::Platform;
use pipward_resolver::{PackageName, Prereleases, Strategy, Target, Version};
use serde_json::json;

use super::Outcome;
use super::options::{CacheArgs, SourceArgs};
use super::render::Printer;
use crate::config::Config;
use crate::error::{Code, Problem, Problems};
use crate::python::{self, PythonRequest};
use crate::requirements::ProjectSelection;
use crate::way::inputs::{self, Inputs};
use crate::way::lock::{Cutoff, LockRequest, Locked, Upgrade};

/// Arguments of `pipward lock`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward lock                                 the project in ./pyproject.toml
  pipward lock 'flask>=3' sqlalchemy           requirements as pip takes them
  pipward lock -r requirements.in --extra-index-url https://pkgs.example.org/simple/
  pipward lock -r pyproject.toml --group test --python 3.13 -o pylock.test.toml
  pipward lock flask --format requirements -o requirements.txt

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
    /// A dependency group of the pyproject.toml (PEP 735)
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
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
    /// Take pre-releases too
    #[arg(long)]
    pre: bool,
    /// Which versions are preferred
    #[arg(long, value_enum, default_value_t = Resolution::Highest)]
    resolution: Resolution,
    /// Only files uploaded before this: a date, a time (RFC 3339), or an age such as 72h or P3D
    #[arg(long, value_name = "WHEN", env = "PIPWARD_UPLOADED_PRIOR_TO", visible_alias = "exclude-newer")]
    uploaded_prior_to: Option<String>,
    /// Take the newest allowed versions of everything, and a new cutoff
    #[arg(short = 'U', long)]
    upgrade: bool,
    /// Take the newest allowed version of this package, and a new cutoff
    #[arg(short = 'P', long, value_name = "NAME")]
    upgrade_package: Vec<String>,
    /// Where to write the lock; `-` is standard output [default: pylock.toml, or requirements.txt]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The format of the lock
    #[arg(long, value_enum)]
    format: Option<Format>,
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
enum Format {
    Pylock,
    Requirements,
}

pub(super) fn run(arguments: &LockArgs, printer: &Printer) -> Outcome {
    let config = Config::load()?;
    let cache = arguments.cache.directory(&config);
    let inputs = arguments.inputs()?;
    let target = arguments.target(cache.as_deref())?;
    let (sources, network) = arguments.sources.settle(&config, &inputs.sources)?;
    let (format, output) = arguments.destination()?;
    let standing = match &output {
        Some(path) if format == Format::Pylock => inputs::standing_lock(path)?,
        _ => None,
    };
    let request = LockRequest {
        cutoff: arguments.cutoff()?,
        upgrade: arguments.upgrade_choice()?,
        strategy: match arguments.resolution {
            Resolution::Highest => Strategy::Highest,
            Resolution::Lowest => Strategy::Lowest,
            Resolution::LowestDirect => Strategy::LowestDirect,
        },
        prereleases: if arguments.pre || inputs.pre { Prereleases::Allow } else { Prereleases::IfNecessary },
        file: output.clone().unwrap_or_else(|| PathBuf::from("pylock.toml")),
        inputs,
        target,
        sources,
        network,
        cache,
        standing,
        now: jiff::Timestamp::now(),
    };
    let locked = {
        let progress = printer.progress("resolving", 0);
        crate::way::lock::lock(&request, &|| progress.step())?
    };
    report(&locked, format, output.as_deref(), printer)
}

fn report(locked: &Locked, format: Format, output: Option<&Path>, printer: &Printer) -> Outcome {
    let text = match format {
        Format::Pylock => crate::lock::pylock::write(&locked.lock),
        Format::Requirements => crate::lock::requirements::write(&locked.lock),
    };
    for warning in &locked.warnings {
        printer.warn(warning);
    }
    let Some(path) = output else {
        printer.data(&text);
        return Ok(0);
    };
    let changed = inputs::write_if_changed(path, &text)?;
    let count = locked.lock.packages.len();
    for change in &locked.changes {
        printer.note(&format!("  {change}"));
    }
    let doing = if changed { "Locked" } else { "Unchanged:" };
    let plural = if count == 1 { "" } else { "s" };
    printer.note(&format!("{doing} {count} package{plural} in {}", path.display()));
    let packages: Vec<_> = locked
        .lock
        .packages
        .iter()
        .map(|package| json!({ "name": package.name.to_string(), "version": package.version.as_ref().map(ToString::to_string) }))
        .collect();
    printer.document(&json!({
        "ok": true,
        "file": path.display().to_string(),
        "changed": changed,
        "packages": packages,
        "warnings": locked.warnings,
    }));
    Ok(0)
}

impl LockArgs {
    fn inputs(&self) -> Result<Inputs, Problems> {
        let select = ProjectSelection {
            extras: self.extra.clone(),
            groups: self.group.clone(),
            all_extras: self.all_extras,
            all_groups: self.all_groups,
        };
        inputs::read(&self.requirements, &self.requirement, &self.constraint, &select)
    }

    fn target(&self, cache: Option<&Path>) -> Result<Target, Problem> {
        let version = self.python_version.as_deref().map(python_version).transpose()?;
        let platform = self.python_platform.as_deref().map(platform).transpose()?;
        let described = |version: &Version, platform: &Platform| {
            Target::described(version, platform).map_err(|error| {
                Problem::new(Code::Usage, "--python-version is not a version that pipward knows").cause(error)
            })
        };
        if let (Some(version), Some(platform)) = (&version, &platform) {
            return described(version, platform);
        }
        let request = match (&self.python, &version) {
            (Some(text), _) => PythonRequest::parse(text),
            // Any interpreter of this machine tells the platform.
            (None, _) => PythonRequest::Any,
        };
        let interpreter = python::find(&request, cache)?;
        if let Some(cache) = cache {
            python::remember(&interpreter, cache);
        }
        match (version, platform) {
            (None, None) => Ok(interpreter.target),
            (version, platform) => {
                let version = version.unwrap_or(interpreter.version);
                described(&version, platform.as_ref().unwrap_or(&interpreter.platform))
            }
        }
    }

    fn cutoff(&self) -> Result<Cutoff, Problem> {
        match &self.uploaded_prior_to {
            Some(text) => Cutoff::parse(text, jiff::Timestamp::now()),
            None => Ok(Cutoff::CoolingOff),
        }
    }

    fn upgrade_choice(&self) -> Result<Upgrade, Problem> {
        if self.upgrade {
            return Ok(Upgrade::All);
        }
        let names: Result<Vec<PackageName>, Problem> = self
            .upgrade_package
            .iter()
            .map(|name| {
                name.parse().map_err(|_| {
                    Problem::new(Code::Usage, "--upgrade-package does not name a package").found(name)
                })
            })
            .collect();
        Ok(if self.upgrade_package.is_empty() { Upgrade::Nothing } else { Upgrade::Packages(names?) })
    }

    /// Format and place of the lock; `None` is standard output.
    fn destination(&self) -> Result<(Format, Option<PathBuf>), Problem> {
        let named = self.output.as_deref();
        let looks_like_requirements = named.is_some_and(|path| path.extension().is_some_and(|e| e == "txt"));
        let format = self.format.unwrap_or(if looks_like_requirements {
            Format::Requirements
        } else {
            Format::Pylock
        });
        let path = match (named, format) {
            (Some(path), _) if path == Path::new("-") => None,
            (Some(path), _) => Some(path.to_owned()),
            (None, Format::Pylock) => Some(PathBuf::from("pylock.toml")),
            (None, Format::Requirements) => Some(PathBuf::from("requirements.txt")),
        };
        if let (Some(path), Format::Pylock) = (&path, format)
            && !crate::lock::pylock::is_pylock_name(path)
        {
            return Err(Problem::new(Code::Usage, "this is not a file name of a lock")
                .expected("pylock.toml or pylock.NAME.toml (PEP 751)")
                .found(path.display())
                .help("name it so, or ask for --format requirements"));
        }
        Ok((format, path))
    }
}

fn python_version(text: &str) -> Result<Version, Problem> {
    text.parse().map_err(|_| {
        Problem::new(Code::Usage, "--python-version is not a version of Python")
            .expected("3.13 or 3.13.2")
            .found(text)
    })
}

fn platform(text: &str) -> Result<Platform, Problem> {
    Platform::parse_uv(text).map_err(|_| {
        Problem::new(Code::Usage, "--python-platform is not a platform that pipward knows")
            .expected("linux, macos, windows, or a target such as x86_64-unknown-linux-gnu, aarch64-manylinux_2_28, aarch64-apple-darwin")
            .found(text)
    })
}
