//! Names -> what is installed of them -> Session -> gone, all of them or none.
//!
//! Never: takes out what lies outside of the environment, or what no RECORD vouches for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pipward_resolver::{PackageName, WheelName};

use super::look::Look;
use super::{Writing, check_interrupted};
use crate::error::{Code, Problem, Problems};
use crate::install::Session;
use crate::python::Interpreter;
use crate::python::installed::distribution::Found;
use crate::python::installed::site;
use crate::requirements::{self, FileRequirement};

/// What is to go, as typed.
#[derive(Debug, Default)]
pub struct Wanted {
    /// The names, each once, in the order typed; as typed.
    pub names: Vec<(PackageName, String)>,
    /// What names nothing that could be installed.
    pub ignored: Vec<String>,
}

/// Reads names and requirements files.
///
/// # Errors
/// `requirement-syntax`, `lock-not-found`.
pub fn wanted(names: &[String], files: &[PathBuf]) -> Result<Wanted, Problems> {
    let mut wanted = Wanted::default();
    let mut seen = BTreeSet::new();
    let mut add = |wanted: &mut Wanted, name: &PackageName, text: &str| {
        if seen.insert(name.clone()) {
            wanted.names.push((name.clone(), text.to_owned()));
        }
    };
    for text in names {
        match unnamed(text) {
            Some(Some(name)) => {
                add(&mut wanted, &name, name.as_ref());
                continue;
            }
            Some(None) => {
                wanted.ignored.push(text.clone());
                continue;
            }
            None => {}
        }
        let requirement = requirements::parse_specifier(text)?.requirement;
        add(&mut wanted, &requirement.name, written(text, &requirement.name));
    }
    for file in files {
        let read = requirements::read_with_faults(file);
        // What makes a line no lock is no matter here.
        let fatal = |problem: &&Problem| {
            matches!(problem.code(), Code::RequirementSyntax | Code::LockNotFound | Code::FileAccess)
        };
        Problems::unless_empty((), read.faults.iter().filter(fatal).cloned().collect())?;
        for FileRequirement { requirement, .. } in &read.requirements {
            add(&mut wanted, &requirement.name, requirement.name.as_ref());
        }
    }
    Ok(wanted)
}

/// The name that an address or a path without one tells, as far as its file name does; none of what begins with a name.
fn unnamed(text: &str) -> Option<Option<PackageName>> {
    const ARCHIVES: [&str; 7] = [".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar"];
    let names_one = |before: &str| !before.starts_with('.') && !before.contains(['/', ':']);
    if text.split_once('@').is_some_and(|(before, _)| names_one(before)) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let is_place =
        text.starts_with('.') || text.contains('/') || ARCHIVES.iter().any(|end| lower.ends_with(end));
    let path = text.split(['#', '?']).next().unwrap_or_default();
    let file = path.rsplit('/').next().unwrap_or_default();
    is_place.then(|| WheelName::parse(file).ok().map(|wheel| wheel.name().clone()))
}

impl Wanted {
    /// Whether anything is named.
    ///
    /// # Errors
    /// `usage` where nothing is.
    pub fn unless_empty(&self) -> Result<(), Problem> {
        if !self.names.is_empty() {
            return Ok(());
        }
        Err(Problem::new(
            Code::Usage,
            "You must give at least one requirement to uninstall (see \"pip help uninstall\")",
        )
        .help("name what is to go, or a requirements file with -r"))
    }
}

/// The name as it was typed.
fn written<'t>(text: &'t str, name: &'t PackageName) -> &'t str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
    text.get(..end).filter(|typed| !typed.is_empty()).unwrap_or(name.as_ref())
}

/// What becomes of one name.
#[derive(Debug)]
pub enum Fate<'a> {
    /// It is not installed.
    Missing(&'a str),
    /// It is installed where this environment does not reach.
    Outside(&'a Found),
    /// It goes, with these files.
    Going(&'a Found, Vec<PathBuf>),
}

/// An uninstall that has not happened yet.
pub struct Uninstall<'a> {
    /// What becomes of each name, in order.
    pub fates: Vec<Fate<'a>>,
    sessions: Vec<Session>,
}

impl<'a> Uninstall<'a> {
    /// Looks what would go. The environment is locked until this is dropped or finished.
    ///
    /// # Errors
    /// `unsafe-uninstall`, `environment-busy`, and those of the file system.
    pub fn plan(look: &'a Look, interpreter: &Interpreter, wanted: &'a Wanted) -> Result<Self, Problems> {
        let mut own: Option<Session> = None;
        let mut users: Option<Session> = None;
        let mut fates = Vec::new();
        let mut faults = Vec::new();
        for (name, typed) in &wanted.names {
            let Some(found) = look.environment.named(name.as_ref()) else {
                fates.push(Fate::Missing(typed));
                continue;
            };
            // What it says of itself is told once it is gone.
            found.message();
            let scheme = site::user_scheme(interpreter);
            let session = if !look.path.is_local(&found.installed_in) {
                fates.push(Fate::Outside(found));
                continue;
            } else if let Some(scheme) = scheme.filter(|_| look.path.is_users(&found.installed_in)) {
                if users.is_none() {
                    users = Some(Session::within(&scheme.data.clone(), scheme)?);
                }
                &users
            } else {
                if own.is_none() {
                    own = Some(Session::standing(interpreter)?);
                }
                &own
            };
            let Some(session) = session else { continue };
            if !session.remove(name) {
                faults.push(foreign(found));
                continue;
            }
            match session.would_remove(name) {
                Ok(files) => fates.push(Fate::Going(found, files)),
                Err(problem) => faults.push(unknown(problem, found)),
            }
        }
        let sessions = own.into_iter().chain(users).collect();
        Problems::unless_empty(Self { fates, sessions }, faults)
    }

    /// Leaves one of them in.
    pub fn spare(&mut self, name: &str) {
        if let Ok(name) = name.parse::<PackageName>() {
            for session in &self.sessions {
                session.spare(&name);
            }
        }
        self.fates.retain(|fate| !matches!(fate, Fate::Going(found, _) if found.name == name));
    }

    /// Takes them out: all, or on any error none.
    ///
    /// # Errors
    /// Those of changing an environment.
    pub fn finish(self) -> Result<(), Problems> {
        let _writing = Writing::begin();
        check_interrupted()?;
        for session in self.sessions {
            session.finish()?;
        }
        Ok(())
    }
}

/// Of what has no list of its files: which distribution it is, as it tells itself, and who may know more.
fn unknown(problem: Problem, found: &Found) -> Problem {
    if problem.code() != Code::UnsafeUninstall {
        return problem;
    }
    let (name, version) = (found.raw_name(), found.raw_version());
    let mut told = Problem::new(Code::UnsafeUninstall, format!("Cannot uninstall {name} {version}"))
        .at(crate::error::Place::file(&found.info));
    if let Some(cause) = problem.cause_text() {
        told = told.cause(cause.replace(&format!(" for {}.", found.name), &format!(" for {name}.")));
    }
    if let Some(expected) = problem.expected_text() {
        told = told.expected(expected);
    }
    let installer = found.installer();
    match problem.help_text() {
        Some(_)
            if !matches!(installer.as_str(), "" | "pip" | "pipward")
                && !installer.contains(char::REPLACEMENT_CHARACTER) =>
        {
            told.help(format!(
                "The package was installed by {installer}. You should check if it can uninstall the package."
            ))
        }
        Some(help) => told.help(help),
        None => told,
    }
}

/// A distribution that Python finds for this environment, but that the scheme does not reach.
fn foreign(found: &Found) -> Problem {
    Problem::new(
        Code::UnsafeUninstall,
        format!("Cannot uninstall {} {}", found.raw_name(), found.raw_version()),
    )
    .at(crate::error::Place::file(&found.info))
    .cause("it lies in a directory that another tool looks after")
    .help("remove it with the tool that installed it")
}

/// What is listed before a question: a whole package as `package/*`, other files one by one; and files in those
/// packages that stay. Byte-code is in neither.
pub fn listing(files: &[PathBuf]) -> (Vec<String>, Vec<String>) {
    let is_byte_code = |path: &Path| path.extension().is_some_and(|extension| extension == "pyc");
    let files: BTreeSet<&Path> =
        files.iter().map(PathBuf::as_path).filter(|path| !is_byte_code(path)).collect();
    let is_whole = |path: &Path| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().ends_with(b"__init__.py"))
            || path.to_string_lossy().contains(".dist-info")
    };
    let mut folders: Vec<&Path> = Vec::new();
    for folder in files.iter().filter(|path| is_whole(path)).filter_map(|path| path.parent()) {
        if !folders.iter().any(|known| folder.starts_with(known)) {
            folders.retain(|known| !known.starts_with(folder));
            folders.push(folder);
        }
    }
    let mut staying = BTreeSet::new();
    for folder in &folders {
        let mut waiting = vec![folder.to_path_buf()];
        while let Some(directory) = waiting.pop() {
            for entry in directory.read_dir().into_iter().flatten().flatten() {
                let path = entry.path();
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => waiting.push(path),
                    Ok(kind) if kind.is_file() && !is_byte_code(&path) && !files.contains(path.as_path()) => {
                        staying.insert(path.display().to_string());
                    }
                    _ => {}
                }
            }
        }
    }
    let mut going: Vec<String> = folders.iter().map(|folder| format!("{}/*", folder.display())).collect();
    let single = files.iter().filter(|path| !folders.iter().any(|folder| path.starts_with(folder)));
    going.extend(single.map(|path| path.display().to_string()));
    going.sort();
    (going, staying.into_iter().collect())
}
