//! What a run tells, in the lines of pip where it is started as pip.
//!
//! Never: does anything.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::download::relative;
use super::super::render::{Printer, neutral};
use super::super::sync::strays_told;
use crate::error::Problems;
use crate::index::{IndexSource, Instead, Sources};
use crate::lock::Location;
use crate::way::destination::Environment;
use crate::way::install::{Change, InstallRequest, Installed, Package, so_far};

/// The index that pip asks where none is named.
const PYPI: &str = "https://pypi.org/simple";

/// Where is looked, where that is not the usual place.
pub(in crate::cli) fn looking(sources: &Sources, printer: &Printer) {
    let general = sources.indexes.iter().filter(|index| index.packages.is_empty());
    let indexes: Vec<String> = general.map(IndexSource::shown).collect();
    let is_usual = sources.instead == Instead::Nothing && indexes.len() == 1 || indexes == [PYPI];
    if !is_usual && !indexes.is_empty() {
        printer.say(&format!("Looking in indexes: {}", indexes.join(", ")));
    }
    if sources.instead == Instead::Everything && indexes.is_empty() {
        tracing::debug!("Ignoring indexes: {PYPI}");
    }
    if !sources.find_links.is_empty() {
        printer.say(&format!("Looking in links: {}", sources.find_links.join(", ")));
    }
}

pub(super) fn told(
    done: &Installed,
    request: &InstallRequest,
    place: &Path,
    has_bar: bool,
    printer: &Printer,
) {
    for warning in &done.warnings {
        printer.warn(warning);
    }
    for file in &done.verified {
        tracing::info!("verified {} sha256:{}", neutral(&file.name), file.sha256);
    }
    ignored_told(&done.ignored, printer);
    let shown = site(request, place, printer);
    for package in &done.packages {
        match request.beneath.as_ref().filter(|_| package.beneath) {
            Some(own) => {
                let site = relative(&own.scheme.purelib);
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
        installed_told(done, has_bar, printer);
    }
    strays_told(done, request.change == Change::Nothing, printer);
    if done.packages.is_empty() && !printer.persona().is_pip() {
        printer.say("Nothing to install: the lock selects no package for this environment");
    }
    document(done, place, request.change == Change::Nothing, printer);
}

/// Where packages stand.
fn site(request: &InstallRequest, place: &Path, printer: &Printer) -> String {
    let site = match &request.environment {
        Environment::New { .. } => place,
        Environment::Standing(interpreter) => interpreter.scheme.purelib.as_path(),
    };
    if printer.persona().is_pip() { relative(site) } else { site.display().to_string() }
}

/// What a run had come to before `problems` ended it.
pub(in crate::cli) fn stopped(request: &InstallRequest, problems: &Problems, printer: &Printer) {
    if !printer.persona().is_pip() {
        return;
    }
    let site = site(request, request.environment.directory(), printer);
    for package in so_far(request, problems) {
        package_told(&package, &site, printer);
        if package.size > 0 {
            download_told(&package, printer);
        }
    }
}

/// Requirements that are for other environments.
pub(in crate::cli) fn ignored_told(ignored: &[(String, String)], printer: &Printer) {
    for (name, marker) in ignored {
        printer.say(&format!("Ignoring {name}: markers '{marker}' don't match your environment"));
    }
}

/// One package, as pip tells of it while it works.
pub(in crate::cli) fn package_told(package: &Package, site: &str, printer: &Printer) {
    let pip = printer.persona().is_pip();
    let lock = package.origin.lock.as_ref().filter(|_| pip);
    let from = package.origin.from.as_ref().or(lock).map(|from| format!(" (from {from})"));
    let from = from.unwrap_or_default();
    let (asked, version) = (&package.origin.wanted, &package.version);
    if pip && !package.kept {
        yanked_told(package, printer);
    }
    if let Some(path) = local(package).filter(|_| pip && package.kept) {
        printer.say(&format!("Processing {}{from}", relative(&path)));
    } else if package.kept {
        printer.say(&format!("Requirement already satisfied: {asked} in {site}{from} ({version})"));
    } else if pip {
        match package.file.as_ref().map(|file| &file.location) {
            Some(Location::Path(path)) => {
                printer.say(&format!("Processing {}{from}", relative(path)));
            }
            Some(Location::Url(_)) => {
                printer.say(&format!("Collecting {asked}{from}"));
            }
            None => {}
        }
    }
}

/// From where it is fetched, and how large it is.
pub(in crate::cli) fn download_told(package: &Package, printer: &Printer) {
    let Some(file) = package.file.as_ref().filter(|_| !package.kept && printer.persona().is_pip()) else {
        return;
    };
    if let Location::Url(_) = &file.location {
        printer.say(&format!("  Downloading {} ({})", file.name, pips_size(package.size)));
    }
}

/// That what was asked for by its path is there already.
fn local_told(package: &Package, printer: &Printer) {
    if package.kept && local(package).is_some() && printer.persona().is_pip() {
        printer.say(&format!(
            "{} is already installed with the same version as the provided wheel. Use --force-reinstall to force an \
             installation of the wheel.",
            package.origin.spelled
        ));
    }
}

/// The path of what was asked for, or constrained, by its address on this machine.
fn local(package: &Package) -> Option<PathBuf> {
    let address = package.origin.address.as_deref().and_then(|address| url::Url::parse(address).ok());
    let path = match (address, package.file.as_ref().map(|file| &file.location)) {
        (Some(address), _) => address.to_file_path().ok(),
        (None, Some(Location::Path(path))) => Some(path.clone()),
        (None, _) => None,
    };
    path.filter(|_| package.direct)
}

/// That it was taken back, as pip says it.
fn yanked_told(package: &Package, printer: &Printer) {
    let Some(reason) = &package.yanked else { return };
    let place = match package.file.as_ref().map(|file| &file.location) {
        Some(Location::Path(path)) => {
            let url =
                url::Url::from_file_path(path).map_or_else(|()| path.display().to_string(), String::from);
            format!(" at {url}")
        }
        Some(Location::Url(url)) => format!(" at {}", crate::index::without_password(url)),
        None => String::new(),
    };
    let (name, version) = (&package.key, &package.version);
    printer.warn(&format!(
        "The candidate selected for download or install is a yanked version: '{name}' candidate (version {version}{place})"
    ));
    let reason = if reason.is_empty() { "<none given>" } else { reason };
    printer.usage(&format!("Reason for being yanked: {reason}"));
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

fn installed_told(done: &Installed, has_bar: bool, printer: &Printer) {
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
            let new = place_of(name).and_then(|at| new.get(at));
            let spelled = new.map_or(name.as_str(), |package| package.origin.spelled.as_str());
            let name = new.map_or(name.as_str(), |package| package.name.as_str());
            printer.say(&format!("  Attempting uninstall: {spelled}"));
            printer.say(&format!("    Found existing installation: {name} {version}"));
            printer.say(&format!("    Uninstalling {name}-{version}:"));
            printer.say(&format!("      Successfully uninstalled {name}-{version}"));
        } else {
            printer.say(&format!("Removed {name} {version}"));
        }
    }
    // What pip's bar leaves, where nobody watches it.
    if pip && has_bar && new.len() > 1 {
        printer.say("");
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
    if !printer.is_json() {
        return;
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
        "dry-run": dry,
        "environment": place.display().to_string(),
        "installed": pairs(&done.installed),
        "kept": pairs(&done.kept),
        "removed": pairs(&done.removed),
        "verified": verified,
        "warnings": done.warnings,
    }));
}

/// A size as people read it: `412 kB`, `12.3 MB`.
pub(in crate::cli) fn size(bytes: u64) -> String {
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
