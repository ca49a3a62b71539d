//! Which environments a lock is for, from what was typed and what is known.

use std::path::Path;

use pep440_rs::{Operator, VersionSpecifier};
use pipward_resolver::{Platform, Target, Version, VersionSpecifiers, markers};

use super::LockArgs;
use crate::config::Settings;
use crate::error::{Code, Place, Problem};
use crate::lock::{Lock, LockMarker};
use crate::python::{self, PythonRequest};
use crate::way::inputs::Inputs;
use crate::way::lock::{Range, Universal};

/// One environment where that was asked for, else all from the lowest Python on: that of --python-version, of the projects,
/// of the configuration, of the standing lock, or of the interpreter at hand; the first that is given.
pub(super) fn range(
    arguments: &LockArgs,
    settings: &Settings,
    inputs: &Inputs,
    standing: Option<&Lock>,
    cache: Option<&Path>,
) -> Result<Range, Problem> {
    if arguments.no_universal || (arguments.python_platform.is_some() && !arguments.universal) {
        return Ok(Range::One(Box::new(one(arguments, cache)?)));
    }
    if arguments.python_platform.is_some() {
        return Err(Problem::new(Code::Usage, "--python-platform names one platform, and --universal all")
            .help("leave one of them out"));
    }
    let mut all: Vec<String> =
        inputs.requires_python.iter().map(|(specifiers, _)| specifiers.to_string()).collect();
    if all.is_empty() {
        all.extend(settings.requires_python.as_ref().map(ToString::to_string));
    }
    match &arguments.python_version {
        Some(text) => all.push(from_minor(&python_version(text)?)),
        None if all.is_empty() => all.push(unnamed(arguments, standing, cache)?),
        None => {}
    }
    let requires_python: VersionSpecifiers = all.join(",").parse().map_err(|error| {
        Problem::new(Code::Usage, "the ranges of Pythons cannot be read as one")
            .found(all.join(","))
            .cause(error)
    })?;
    let universal = Universal {
        requires_python: tidy(&requires_python),
        environments: on_cpython(&settings.environments, &settings.required_environments),
        required: settings.required_environments.clone(),
    };
    check(&universal, settings, inputs)?;
    Ok(Range::Universal(universal))
}

/// A range in which there is nothing is a mistake, and so is an environment that must find wheels and is not in it.
fn check(universal: &Universal, settings: &Settings, inputs: &Inputs) -> Result<(), Problem> {
    let pythons = markers::of_python(&universal.requires_python);
    if pythons.is_false() {
        let mut problem = Problem::new(Code::PythonMismatch, "no Python is in all of the ranges to lock for")
            .found(&universal.requires_python)
            .help("look at requires-python of the projects, and at --python-version");
        if let Some((_, path)) = inputs.requires_python.first() {
            problem = problem.at(Place::file(path).entry("project.requires-python"));
        }
        return Err(problem);
    }
    let lists = [
        ("environments", &settings.environments),
        ("required-environments", &settings.required_environments),
    ];
    for (key, environments) in lists {
        if let Some(outside) = environments.iter().find(|it| !markers::overlaps(&it.tree, &pythons)) {
            let place = settings.place(key).cloned().unwrap_or_else(|| Place::file("the configuration"));
            return Err(Problem::new(
                Code::ConfigInvalid,
                "this environment is outside of the range to lock for",
            )
            .at(place)
            .expected(format!("an environment of Python {}", universal.requires_python))
            .found(&outside.text)
            .help("delete it, or widen requires-python"));
        }
    }
    Ok(())
}

/// All that a lock is limited to where nobody limits it.
const CPYTHON: &str = "implementation_name == 'cpython'";

/// The declared environments, or all, as far as nobody names an implementation of Python: on CPython. (Other implementations
/// find few wheels, and a lock that has to serve them holds back everybody else.)
fn on_cpython(declared: &[LockMarker], required: &[LockMarker]) -> Vec<LockMarker> {
    let names_one = |marker: &LockMarker| marker.text.contains("implementation");
    let narrowed = |marker: &LockMarker| {
        if names_one(marker) {
            return Some(marker.clone());
        }
        let text =
            if marker.text.contains(" or ") { format!("({})", marker.text) } else { marker.text.clone() };
        LockMarker::parse_environment(&format!("{text} and {CPYTHON}")).ok()
    };
    if required.iter().any(names_one) {
        return declared.to_vec();
    }
    if declared.is_empty() {
        return LockMarker::parse_environment(CPYTHON).into_iter().collect();
    }
    declared.iter().filter_map(narrowed).collect()
}

/// The same range without what is said twice, or less strictly than elsewhere.
fn tidy(specifiers: &VersionSpecifiers) -> VersionSpecifiers {
    let least = |it: &VersionSpecifier| *it.operator() == Operator::GreaterThanEqual;
    let highest = specifiers.iter().filter(|it| least(it)).map(VersionSpecifier::version).max();
    let mut kept: Vec<VersionSpecifier> = Vec::new();
    for specifier in specifiers.iter() {
        let is_weaker = least(specifier) && highest.is_some_and(|highest| specifier.version() < highest);
        if !is_weaker && !kept.contains(specifier) {
            kept.push(specifier.clone());
        }
    }
    kept.into_iter().collect()
}

/// Where nothing names the Pythons: those of the standing lock, else the interpreter's and later ones.
fn unnamed(arguments: &LockArgs, standing: Option<&Lock>, cache: Option<&Path>) -> Result<String, Problem> {
    // A lock of another tool that names environments may be for one of them.
    let universal = |lock: &&Lock| match &lock.tool {
        Some(tool) => !tool.options.contains_key("universal"),
        None => lock.environments.iter().all(|marker| marker.text == CPYTHON),
    };
    let kept = standing.filter(universal).and_then(|lock| lock.requires_python.as_ref());
    match kept {
        Some(specifiers) if arguments.python.is_none() => Ok(specifiers.to_string()),
        _ => Ok(from_minor(&interpreter(arguments, cache)?.version)),
    }
}

fn from_minor(version: &Version) -> String {
    match version.release() {
        [major, minor, ..] => format!(">={major}.{minor}"),
        _ => format!(">={version}"),
    }
}

fn interpreter(arguments: &LockArgs, cache: Option<&Path>) -> Result<python::Interpreter, Problem> {
    let request = match (&arguments.python, &arguments.python_version) {
        (Some(text), _) => PythonRequest::parse(text),
        // Any interpreter of this machine tells the platform.
        (None, _) => PythonRequest::Any,
    };
    let interpreter = python::find(&request, cache)?;
    if let Some(cache) = cache {
        python::remember(&interpreter, cache);
    }
    Ok(interpreter)
}

fn one(arguments: &LockArgs, cache: Option<&Path>) -> Result<Target, Problem> {
    let version = arguments.python_version.as_deref().map(python_version).transpose()?;
    let platform = arguments.python_platform.as_deref().map(platform).transpose()?;
    let described = |version: &Version, platform: &Platform| {
        Target::described(version, platform).map_err(|error| {
            Problem::new(Code::Usage, "--python-version is not a version that pipward knows").cause(error)
        })
    };
    if let (Some(version), Some(platform)) = (&version, &platform) {
        return described(version, platform);
    }
    let interpreter = interpreter(arguments, cache)?;
    match (version, platform) {
        (None, None) => Ok(interpreter.target),
        (version, platform) => {
            let version = version.unwrap_or(interpreter.version);
            described(&version, platform.as_ref().unwrap_or(&interpreter.platform))
        }
    }
}

fn python_version(text: &str) -> Result<Version, Problem> {
    let wrong = || {
        Problem::new(Code::Usage, "--python-version is not a version of Python")
            .expected("3.13 or 3.13.2")
            .found(text)
    };
    let version: Version = text.parse().map_err(|_| wrong())?;
    match version.release() {
        [3, _] | [3, _, _] => Ok(version),
        _ => Err(wrong()),
    }
}

fn platform(text: &str) -> Result<Platform, Problem> {
    Platform::parse_uv(text).map_err(|_| {
        Problem::new(Code::Usage, "--python-platform is not a platform that pipward knows")
            .expected("linux, macos, windows, or a target such as x86_64-unknown-linux-gnu, aarch64-manylinux_2_28, aarch64-apple-darwin")
            .found(text)
    })
}
