//! The files that a job reads first: requirements, projects, and a standing lock.
//!
//! Never: reads an artifact.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::error::{self, Code, Place, Problem, Problems};
use crate::lock::Lock;
use crate::lock::pylock::{self, is_pylock_name};
use crate::requirements::{self, FileRequirement, ProjectSelection, RequirementsFile, SourceOptions};

/// What a lock is made from.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The requirements.
    pub roots: Vec<FileRequirement>,
    /// The constraints.
    pub constraints: Vec<FileRequirement>,
    /// What requirements files say about sources.
    pub sources: SourceOptions,
    /// Whether one of them asks for pre-releases.
    pub pre: bool,
    /// `requires-python` of the projects, with the file.
    pub requires_python: Vec<(pipward_resolver::VersionSpecifiers, PathBuf)>,
}

/// Reads specifiers and files: `arguments` may be either, `files` are requirements files or
/// pyproject.toml files, `constraints` are constraints files; with nothing given, ./pyproject.toml.
///
/// # Errors
/// All faults of all files at once.
pub fn read(
    arguments: &[String],
    files: &[PathBuf],
    constraints: &[PathBuf],
    select: &ProjectSelection,
) -> Result<Inputs, Problems> {
    let mut inputs = Inputs::default();
    let mut faults = Vec::new();
    let mut projects = 0;
    let default = [PathBuf::from("pyproject.toml")];
    let nothing_given = arguments.is_empty() && files.is_empty();
    let files = if nothing_given { &default } else { files };
    for argument in arguments {
        let path = Path::new(argument);
        if path.is_file() && path.extension().is_some_and(|extension| extension == "whl") {
            faults.push(
                Problem::new(Code::RequirementUnsupported, "a wheel is not something to lock from")
                    .at(Place::file(path))
                    .help("name the project, and the wheel's folder with --find-links"),
            );
        } else if looks_like_a_file(argument) && path.symlink_metadata().is_err() {
            faults.push(
                Problem::new(Code::LockNotFound, "there is no such file")
                    .at(Place::file(path))
                    .help("look at the spelling; a requirement such as flask>=3 has no slash and no ending"),
            );
        } else if path.is_file() {
            projects += usize::from(is_project(Path::new(argument)));
            keep_faults(inputs.read_file(Path::new(argument), select), &mut faults);
        } else {
            match requirements::parse_specifier(argument) {
                Ok(requirement) => inputs.roots.push(requirement),
                Err(problem) => faults.push(problem),
            }
        }
    }
    for file in files {
        projects += usize::from(is_project(file));
        keep_faults(inputs.read_file(file, select), &mut faults);
    }
    for file in constraints {
        match requirements::read(file) {
            Ok(read) => inputs.add_constraints(read),
            Err(problems) => faults.extend(problems),
        }
    }
    let selects =
        !select.extras.is_empty() || !select.groups.is_empty() || select.all_extras || select.all_groups;
    if selects && projects == 0 && faults.is_empty() {
        faults.push(
            Problem::new(Code::Usage, "--extra and --group choose from a pyproject.toml, and none is given")
                .help("name it with -r pyproject.toml"),
        );
    }
    Problems::unless_empty(inputs, faults)
}

/// Whether this was meant as a file rather than as a requirement.
fn looks_like_a_file(argument: &str) -> bool {
    let ending = Path::new(argument).extension().and_then(|ending| ending.to_str());
    !argument.contains(['@', ':'])
        && (argument.contains('/') || matches!(ending, Some("txt" | "in" | "toml")))
}

fn keep_faults(result: Result<(), Problems>, faults: &mut Vec<Problem>) {
    if let Err(problems) = result {
        faults.extend(problems);
    }
}

fn is_project(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "pyproject.toml")
}

impl Inputs {
    fn read_file(&mut self, path: &Path, select: &ProjectSelection) -> Result<(), Problems> {
        if is_project(path) {
            let project = requirements::read_project(path, select)?;
            self.roots.extend(project.requirements);
            self.requires_python.extend(project.requires_python.map(|python| (python, path.to_owned())));
            return Ok(());
        }
        if is_pylock_name(path) {
            return Err(Problem::new(Code::Usage, "a lock is not something to lock from")
                .at(Place::file(path))
                .help("name the requirements that it was made from")
                .into());
        }
        let read = requirements::read(path)?;
        self.roots.extend(read.requirements.clone());
        self.constraints.extend(read.constraints.clone());
        self.pre |= read.pre;
        self.merge_sources(read.sources);
        Ok(())
    }

    fn add_constraints(&mut self, file: RequirementsFile) {
        self.constraints.extend(file.requirements);
        self.constraints.extend(file.constraints);
        self.merge_sources(file.sources);
    }

    fn merge_sources(&mut self, sources: SourceOptions) {
        self.sources.index_url = sources.index_url.or(self.sources.index_url.take());
        self.sources.extra_index_urls.extend(sources.extra_index_urls);
        self.sources.find_links.extend(sources.find_links);
        self.sources.no_index |= sources.no_index;
    }
}

/// The lock that stands where a new one is to be written, if there is one.
///
/// # Errors
/// Those of [`pylock::read`]: a broken lock is not silently written over.
pub fn standing_lock(path: &Path) -> Result<Option<Lock>, Problems> {
    match fs_err::metadata(path) {
        Ok(found) if found.len() > 0 => pylock::read(path).map(Some),
        _ => Ok(None),
    }
}

/// Writes `text` to `path` by rename, unless that is what it holds already. Returns whether it wrote.
///
/// # Errors
/// `file-access`, `not-writable`, `disk-full`.
pub fn write_if_changed(path: &Path, text: &str) -> Result<bool, Problem> {
    if fs_err::read(path).is_ok_and(|standing| standing == text.as_bytes()) {
        return Ok(false);
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".pylock-").tempfile_in(directory)?;
        file.write_all(text.as_bytes())?;
        // A lock is read by others: the mode of any new file of this user.
        let mode = rustix::fs::Mode::from_bits_truncate(0o666) & !current_umask();
        rustix::fs::fchmod(file.as_file(), mode)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| error::io("writing the lock", path, &error))?;
    Ok(true)
}

fn current_umask() -> rustix::fs::Mode {
    // The only way to read it is to set it; we are single-threaded enough here, and restore it at once.
    let mask = rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o022));
    rustix::process::umask(mask);
    mask
}
