//! Advisory databases on this machine: folders of records, and exports.
//!
//! Owns: the layouts (OSV's export, osv-scanner's folder of it, PyPA's folder of YAML) and that only records about asked
//! names are read whole. Never: takes an empty place for a database without findings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rayon::prelude::*;

use crate::advisory::{Advisory, Glance, LARGEST, Names, Rules, from_json, from_yaml};
use crate::document;
use crate::error::{Code, Place, Problem, io};
use crate::wheel::archive::bundle::Bundle;

/// The largest export that is read, in bytes: 2 GiB.
pub(super) const LARGEST_EXPORT: u64 = 2 << 30;
/// Where an export stands in a folder: OSV's own layout, osv-scanner's, and an export by itself.
const EXPORTS: [&str; 3] = ["PyPI/all.zip", "osv-scanner/PyPI/all.zip", "all.zip"];

/// What was read of a database.
#[derive(Default)]
pub(super) struct Loaded {
    /// The records about asked names.
    pub(super) advisories: Vec<Arc<Advisory>>,
    /// How many there are about projects of PyPI.
    pub(super) records: usize,
    /// How many there are in all.
    pub(super) all: usize,
    /// When they were changed.
    pub(super) times: Vec<Timestamp>,
}

/// What a look at one record gave.
struct Looked {
    advisory: Option<Arc<Advisory>>,
    is_ours: bool,
    modified: Option<Timestamp>,
}

/// Reads a folder or an export.
pub(super) fn read(path: &Path, names: &Names, rules: &Rules) -> Result<Loaded, Problem> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => missing(path, "there is no such folder or file"),
        _ => io("opening the advisory database", path, &error),
    })?;
    let loaded = if metadata.is_dir() {
        match EXPORTS.iter().map(|name| path.join(name)).find(|export| export.is_file()) {
            Some(export) => of_export(&export, names, rules)?,
            None => of_folder(path, names, rules)?,
        }
    } else {
        of_export(path, names, rules)?
    };
    match (loaded.records, loaded.all) {
        (0, 0) => Err(missing(path, "there is no record in it")),
        (0, all) => Err(missing(path, &format!("none of its {all} records is about a project of PyPI"))),
        _ => Ok(loaded),
    }
}

fn missing(path: &Path, why: &str) -> Problem {
    Problem::new(Code::AdvisoriesMissing, format!("this is no advisory database: {why}"))
        .at(Place::file(path))
        .expected("a folder of OSV records (JSON, or PyPA's YAML), or an all.zip of OSV's export")
        .help("name another with --db, or keep one with `pipward audit --update-db URL`")
}

fn of_export(path: &Path, names: &Names, rules: &Rules) -> Result<Loaded, Problem> {
    let bytes = document::read_bytes(path, LARGEST_EXPORT, Code::AdvisoryInvalid)?;
    of_bytes(&bytes, path, names, rules)
}

/// The records of an export that stands, or will stand, at `path`.
pub(super) fn of_bytes(bytes: &[u8], path: &Path, names: &Names, rules: &Rules) -> Result<Loaded, Problem> {
    let bundle = Bundle::read(bytes, &path.display().to_string()).map_err(|problem| {
        Problem::new(Code::AdvisoryInvalid, "this export cannot be read")
            .at(Place::file(path))
            .expected("an all.zip of OSV's export, as it was made")
            .cause(problem)
            .help("a download may have ended early: take it again, with `pipward audit --update-db URL` say")
    })?;
    crate::threads::share()?;
    let looked = bundle
        .entries()
        .par_iter()
        .filter(|entry| Form::of(entry.path().as_str()).is_some())
        .map(|entry| {
            let name = entry.path().as_str();
            let place = Place::file(path).entry(name);
            let content = bundle.content(entry).map_err(|problem| {
                Problem::new(Code::AdvisoryInvalid, "a record cannot be read")
                    .at(place.clone())
                    .cause(problem)
            })?;
            look(&content, Form::of(name).unwrap_or(Form::Json), &place, names, rules)
        })
        .collect();
    each(looked).map(gathered)
}

fn of_folder(path: &Path, names: &Names, rules: &Rules) -> Result<Loaded, Problem> {
    // PyPA's database has its records in one folder, and other YAML beside it.
    let records = path.join("vulns");
    let mut files = Vec::new();
    walk(if records.is_dir() { &records } else { path }, &mut files)?;
    crate::threads::share()?;
    let looked = files.par_iter().map(|(file, form)| {
        let bytes = document::read_bytes(file, LARGEST, Code::AdvisoryInvalid)?;
        look(&bytes, *form, &Place::file(file), names, rules)
    });
    each(looked.collect()).map(gathered)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Json,
    Yaml,
}

impl Form {
    fn of(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1 {
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }
}

/// The files below a folder that may be records, in the order of their paths. Links to folders are not followed.
fn walk(top: &Path, files: &mut Vec<(PathBuf, Form)>) -> Result<(), Problem> {
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        let fault = |error: std::io::Error| io("reading the advisory database", &folder, &error);
        for entry in std::fs::read_dir(&folder).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            if entry.file_type().map_err(fault)?.is_dir() {
                folders.push(entry.path());
            } else if let Some(form) = Form::of(&name) {
                files.push((entry.path(), form));
            }
        }
    }
    files.sort();
    Ok(())
}

fn look(bytes: &[u8], form: Form, place: &Place, names: &Names, rules: &Rules) -> Result<Looked, Problem> {
    let (glance, read) = match form {
        Form::Json => {
            let glance = Glance::of_json(bytes, names, place)?;
            (glance.clone(), glance.is_asked.then(|| from_json(bytes, names, place)))
        }
        Form::Yaml => {
            let text = std::str::from_utf8(bytes).map_err(|error| {
                Problem::new(Code::AdvisoryInvalid, "a record is not UTF-8").at(place.clone()).cause(error)
            })?;
            let glance = Glance::of_yaml(text, names, place)?;
            (glance.clone(), glance.is_asked.then(|| from_yaml(text, names, place)))
        }
    };
    let advisory = match read {
        None => None,
        Some(Ok(advisory)) => Some(Arc::new(advisory)),
        // What is ignored anyway need not be understood.
        Some(Err(problem)) if is_ignored(&problem, rules) => None,
        Some(Err(problem)) => return Err(problem),
    };
    Ok(Looked { advisory, is_ours: glance.is_ours, modified: glance.modified })
}

fn is_ignored(problem: &Problem, rules: &Rules) -> bool {
    let id = problem.package_name().unwrap_or_default();
    rules.ignored.iter().any(|ignored| ignored.id.eq_ignore_ascii_case(id))
}

/// All of them, or the first that cannot be understood, and how many others cannot.
fn each(looked: Vec<Result<Looked, Problem>>) -> Result<Vec<Looked>, Problem> {
    let bad = looked.iter().filter(|one| one.is_err()).count();
    let all: Result<Vec<Looked>, Problem> = looked.into_iter().collect();
    all.map_err(|first| match bad {
        0 | 1 => first,
        _ => first.found(format!("{bad} records that cannot be understood, of which this is the first")),
    })
}

fn gathered(looked: Vec<Looked>) -> Loaded {
    let mut loaded = Loaded { all: looked.len(), ..Loaded::default() };
    for one in looked {
        loaded.records += usize::from(one.is_ours);
        loaded.advisories.extend(one.advisory);
        loaded.times.extend(one.modified);
    }
    loaded
}
