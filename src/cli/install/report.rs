//! `--report`: what was installed, or would be, as pip's installation report tells it (version "1").
//!
//! Owns: its form. Never: says of a package what its verified wheel or the lock does not.

use std::path::Path;

use serde_json::{Value, json};

use super::super::pip::PIP_VERSION;
use super::super::render::{Printer, neutral_json};
use crate::error::{Code, Problem, io};
use crate::lock::Location;
use crate::python::installed::message::Message;
use crate::way::install::{Installed, Package};
use crate::way::look::inspect;

/// Writes the report to `file`, or to standard output for `-`.
///
/// # Errors
/// Those of the file system.
pub(super) fn write(done: &Installed, file: &Path, printer: &Printer) -> Result<(), Problem> {
    let mut install: Vec<&Package> = done.packages.iter().filter(|package| !package.kept).collect();
    install.sort_by_key(|package| package.origin.settled);
    let install = install.into_iter().map(item).collect::<Result<Vec<Value>, Problem>>()?;
    let environment = serde_json::to_value(&done.markers)
        .map_err(|error| Problem::new(Code::Internal, "the markers cannot be told").cause(error))?;
    let report = json!({
        "version": "1",
        "pip_version": PIP_VERSION,
        "install": install,
        "environment": environment,
    });
    let text = serde_json::to_string_pretty(&report)
        .map_err(|error| Problem::new(Code::Internal, "the report cannot be told").cause(error))?;
    if file == Path::new("-") {
        printer.data(&format!("{}\n", neutral_json(&text)));
        return Ok(());
    }
    std::fs::write(file, neutral_json(&text)).map_err(|error| io("writing the report", file, &error))
}

/// That there is a place for the report, before anything is changed that it would tell of.
///
/// # Errors
/// Those of the file system.
pub(super) fn can_be_written(file: &Path) -> Result<(), Problem> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let wrong = match (folder.is_dir(), file.is_dir()) {
        _ if file == Path::new("-") => return Ok(()),
        (true, false) => return Ok(()),
        (false, _) => rustix::io::Errno::NOENT,
        (true, true) => rustix::io::Errno::ISDIR,
    };
    Err(io("writing the report", file, &std::io::Error::from(wrong)))
}

fn item(package: &Package) -> Result<Value, Problem> {
    let url = match package.file.as_ref().map(|file| &file.location) {
        None => return Err(Problem::new(Code::Internal, "a package that was put in has no file")),
        Some(Location::Url(url)) => url.to_string(),
        Some(Location::Path(path)) => file_address(path).ok_or_else(|| {
            Problem::new(Code::Internal, "the path of a wheel is no address").found(path.display())
        })?,
    };
    let Some(metadata) = &package.metadata else {
        return Err(Problem::new(Code::Internal, "the METADATA of a package was not kept"));
    };
    let sha256 = package.sha256.to_string();
    let mut item = json!({
        "download_info": {
            "url": url,
            "archive_info": { "hash": format!("sha256={sha256}"), "hashes": { "sha256": sha256 } },
        },
        "is_direct": package.direct,
        "is_yanked": package.yanked.is_some(),
        "requested": package.requested,
        "metadata": inspect::metadata(&Message::parse(&String::from_utf8_lossy(metadata))),
    });
    if package.requested && !package.extras.is_empty() {
        let extras: Vec<String> = package.extras.iter().map(ToString::to_string).collect();
        if let Value::Object(object) = &mut item {
            object.insert("requested_extras".into(), extras.into());
        }
    }
    Ok(item)
}

/// The address of a path, with `..` taken out of it.
fn file_address(path: &Path) -> Option<String> {
    let url = url::Url::from_file_path(path).ok()?;
    url::Url::parse(url.as_str()).ok().map(String::from)
}
