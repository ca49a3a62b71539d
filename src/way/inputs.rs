//! The files that a job reads first: requirements, projects, and a standing lock.
//!
//! Never: reads an artifact.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use pipward_resolver::{ExtraName, PackageName, VersionSpecifiers};

use super::lock::asked_for;
use crate::config::{Optional, Settings};
use crate::error::{self, Code, Place, Problem, Problems};
use crate::lock::Lock;
use crate::lock::pylock::{self, is_pylock_name};
use crate::requirements::{
    self, FileRequirement, Project, ProjectSelection, RequirementsFile, SourceOptions,
};

/// What a lock is made from.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The requirements. Those of an extra or group that can be chosen at install have it in their markers.
    pub roots: Vec<FileRequirement>,
    /// The constraints.
    pub constraints: Vec<FileRequirement>,
    /// The overrides.
    pub overrides: Vec<FileRequirement>,
    /// The excludes.
    pub excludes: BTreeSet<PackageName>,
    /// The files of overrides, and the names to exclude, that do not come of the configuration.
    pub given: (Vec<PathBuf>, Vec<PackageName>),
    /// The extras and groups that can be chosen at install.
    pub optional: BTreeSet<Optional>,
    /// Those of them that exclude each other.
    pub conflicts: Vec<Vec<Optional>>,
    /// What was taken from projects.
    pub select: ProjectSelection,
    /// What requirements files say about sources.
    pub sources: SourceOptions,
    /// Whether one of them asks for pre-releases.
    pub pre: bool,
    /// `requires-python` of the projects, with the file.
    pub requires_python: Vec<(VersionSpecifiers, PathBuf)>,
}

/// What was typed, and what the configuration says.
#[derive(Debug, Clone, Copy)]
pub struct Sought<'a> {
    /// Specifiers or files.
    pub arguments: &'a [String],
    /// Requirements files or pyproject.toml files. With these and `arguments` empty: ./pyproject.toml.
    pub files: &'a [PathBuf],
    /// Constraints files.
    pub constraints: &'a [PathBuf],
    /// Files of overrides.
    pub overrides: &'a [PathBuf],
    /// Names to exclude.
    pub excludes: &'a [PackageName],
    /// What to take from projects.
    pub select: &'a ProjectSelection,
    /// The configuration.
    pub settings: &'a Settings,
}

/// Reads specifiers and files.
///
/// # Errors
/// All faults of all files at once.
pub fn read(sought: &Sought<'_>) -> Result<Inputs, Problems> {
    let settings = sought.settings;
    let mut reader = Reader {
        inputs: Inputs::default(),
        projects: BTreeMap::new(),
        known: BTreeSet::new(),
        read: Vec::new(),
        sought: *sought,
    };
    let mut faults = Vec::new();
    let default = [PathBuf::from("pyproject.toml")];
    let nothing_given = sought.arguments.is_empty() && sought.files.is_empty();
    let files = if nothing_given { &default } else { sought.files };
    for argument in sought.arguments {
        keep_faults(reader.read_argument(argument), &mut faults);
    }
    if nothing_given && !default.iter().any(|path| path.exists()) {
        return Err(Problem::new(
            Code::LockNotFound,
            "nothing to lock is named, and there is no pyproject.toml here",
        )
        .at(Place::file("pyproject.toml"))
        .help("name requirements such as 'flask>=3', or a file of them with -r")
        .into());
    }
    for file in files {
        keep_faults(reader.read_file(file), &mut faults);
    }
    for file in sought.constraints {
        match requirements::read(file) {
            Ok(read) => reader.inputs.add_constraints(read),
            Err(problems) => faults.extend(problems),
        }
    }
    for file in sought.overrides {
        match requirements::read(file) {
            Ok(read) => reader.inputs.overrides.extend(read.requirements),
            Err(problems) => faults.extend(problems),
        }
    }
    let select = sought.select;
    if !select.is_empty() && reader.read.is_empty() && faults.is_empty() {
        faults.push(
            Problem::new(Code::Usage, "--extra and --group choose from a pyproject.toml, and none is given")
                .help("name it with -r pyproject.toml"),
        );
    }
    keep_faults(reader.resolve_projects(), &mut faults);
    faults.extend(reader.unread_groups());
    faults.extend(reader.unknown_conflicts());
    let mut inputs = reader.inputs;
    inputs.select = select.clone();
    inputs.given = (sought.overrides.to_vec(), sought.excludes.to_vec());
    inputs.constraints.extend(settings.constraints.clone());
    inputs.overrides.extend(settings.overrides.clone());
    inputs.excludes = sought.excludes.iter().chain(&settings.excludes).cloned().collect();
    faults.extend(inputs.constraints.iter().filter_map(with_extras));
    Problems::unless_empty(inputs, faults)
}

/// "Constraints cannot have extras" (pip's documentation, "Constraints Files"): they say which version, not what is needed.
fn with_extras(constraint: &FileRequirement) -> Option<Problem> {
    let requirement = &constraint.requirement;
    (!requirement.extras.is_empty()).then(|| {
        Problem::new(Code::RequirementUnsupported, "a constraint cannot ask for extras")
            .package(&requirement.name)
            .at(constraint.place.clone())
            .found(requirement)
            .help("ask for the extras in a requirement, and constrain the version without them")
    })
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

/// Whether two paths lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| fs_err::canonicalize(path).ok();
    whole(one).is_some_and(|one| whole(other) == Some(one))
}

/// Inputs on the way.
struct Reader<'a> {
    inputs: Inputs,
    /// The projects that were read, by name.
    projects: BTreeMap<PackageName, PathBuf>,
    /// The extras and groups that they have.
    known: BTreeSet<Optional>,
    /// The files of projects that were read.
    read: Vec<PathBuf>,
    sought: Sought<'a>,
}

/// How many references of projects to each other's extras are followed.
const MOST_REFERENCES: usize = 2000;

impl Reader<'_> {
    fn read_argument(&mut self, argument: &str) -> Result<(), Problems> {
        let path = Path::new(argument);
        if path.is_file() && path.extension().is_some_and(|extension| extension == "whl") {
            return Err(Problem::new(Code::RequirementUnsupported, "a wheel is not something to lock from")
                .at(Place::file(path))
                .help("name the project, and the wheel's folder with --find-links")
                .into());
        }
        if path.is_dir() {
            let project = path.join("pyproject.toml");
            let help = if project.is_file() {
                format!("lock what it depends on: pipward lock -r {}", project.display())
            } else {
                "name a requirements file or a pyproject.toml".to_owned()
            };
            return Err(Problem::new(
                Code::RequirementUnsupported,
                "this is a directory, and installing it runs the project's code",
            )
            .at(Place::file(path))
            .help(help)
            .into());
        }
        if looks_like_a_file(argument) && path.symlink_metadata().is_err() {
            return Err(Problem::new(Code::LockNotFound, "there is no such file")
                .at(Place::file(path))
                .help("look at the spelling; a requirement such as flask>=3 has no slash and no ending")
                .into());
        }
        if path.is_file() {
            return self.read_file(path);
        }
        self.inputs.roots.push(requirements::parse_specifier(argument)?);
        Ok(())
    }

    fn read_file(&mut self, path: &Path) -> Result<(), Problems> {
        if is_project(path) {
            return self.read_project(path);
        }
        if is_pylock_name(path) {
            return Err(Problem::new(Code::Usage, "a lock is not something to lock from")
                .at(Place::file(path))
                .help("name the requirements that it was made from")
                .into());
        }
        let read = requirements::read(path)?;
        self.inputs.roots.extend(read.requirements.clone());
        self.inputs.constraints.extend(read.constraints.clone());
        self.inputs.pre |= read.pre;
        if let Some((value, place)) = read.sources.releases.named() {
            let problem = Problem::new(
                Code::RequirementUnsupported,
                "pre-releases are locked for all projects or none",
            )
            .expected(":all:")
            .found(value)
            .help("name the pre-release in the requirement, such as foo>=2.0rc1");
            return Err(place.cloned().map_or(problem.clone(), |place| problem.at(place)).into());
        }
        if let Some((value, place)) = read.sources.formats.asks_for_builds() {
            let problem = requirements::formats::refusal(value, place);
            return Err(problem.into());
        }
        self.inputs.merge_sources(read.sources);
        Ok(())
    }

    /// What is chosen of a project is merged, but for extras and groups that the configuration says exclude each other: those
    /// stay apart, each under a marker of its own. One of them by itself excludes nothing.
    fn read_project(&mut self, path: &Path) -> Result<(), Problems> {
        self.read.push(path.to_owned());
        let select = self.sought.select;
        let nothing =
            ProjectSelection { without_project: select.without_project, ..ProjectSelection::default() };
        let known = requirements::read_project(path, &nothing)?;
        let named_groups = self.groups_of(path);
        self.check_named(path, &known, &named_groups)?;
        self.known.extend(known.extras.iter().cloned().map(Optional::Extra));
        self.known.extend(known.groups.iter().cloned().map(Optional::Group));
        let chosen = |names: &[String], all: bool, known: &[ExtraName]| -> Vec<String> {
            let all = known.iter().filter(|_| all).map(ToString::to_string);
            names.iter().cloned().chain(all).collect()
        };
        let parsed = |names: &[String], kind: fn(ExtraName) -> Optional| -> Vec<Optional> {
            names.iter().filter_map(|name| name.parse().ok()).map(kind).collect()
        };
        let extras = chosen(&select.extras, select.all_extras, &known.extras);
        let groups = chosen(&named_groups, select.all_groups, &known.groups);
        let mut all = parsed(&extras, Optional::Extra);
        all.extend(parsed(&groups, Optional::Group));
        let apart = |one: &Optional| {
            let sets = self.sought.settings.conflicts.iter().filter(|set| set.contains(one));
            sets.flatten().any(|other| other != one && all.contains(other))
        };
        let split = |names: Vec<String>, kind: fn(ExtraName) -> Optional| -> (Vec<String>, Vec<String>) {
            names.into_iter().partition(|name| !name.parse().is_ok_and(|name| apart(&kind(name))))
        };
        let (extras, apart_extras) = split(extras, Optional::Extra);
        let (groups, apart_groups) = split(groups, Optional::Group);
        let project = requirements::read_project(
            path,
            &ProjectSelection {
                extras,
                groups,
                without_project: select.without_project,
                ..ProjectSelection::default()
            },
        )?;
        self.inputs.roots.extend(project.requirements);
        self.inputs.requires_python.extend(project.requires_python.map(|python| (python, path.to_owned())));
        self.projects.extend(project.name.map(|name| (name, path.to_owned())));
        let apart = apart_extras.into_iter().map(|name| (name, false));
        for (name, is_group) in apart.chain(apart_groups.into_iter().map(|name| (name, true))) {
            self.read_apart(path, name, is_group)?;
        }
        Ok(())
    }

    /// The groups that are asked of a project: those of any, and those of `PATH:NAME` where the path is its own.
    fn groups_of(&self, path: &Path) -> Vec<String> {
        let of_this = |group: &String| match group.rsplit_once(':') {
            Some((of, name)) => is_same(Path::new(of), path).then(|| name.to_owned()),
            None => Some(group.clone()),
        };
        self.sought.select.groups.iter().filter_map(of_this).collect()
    }

    /// What an option names has to be there; where another project has it, there is a way to say so.
    fn check_named(&self, path: &Path, known: &Project, groups: &[String]) -> Result<(), Problems> {
        let options = [
            ("--extra", "extra", &self.sought.select.extras[..], &known.extras),
            ("--group", "dependency group", groups, &known.groups),
        ];
        let mut faults = Vec::new();
        for (option, what, names, known) in options {
            for name in names {
                if name.parse::<ExtraName>().is_ok_and(|name| known.contains(&name)) {
                    continue;
                }
                let known: Vec<String> = known.iter().map(ToString::to_string).collect();
                let message = format!("{} has no {what} `{name}`", path.display());
                faults.push(
                    Problem::new(Code::UnknownExtra, message)
                        .at(Place::file(option))
                        .expected(if known.is_empty() { "none".to_owned() } else { known.join(", ") })
                        .found(name)
                        .help(self.way_to(option, what, name)),
                );
            }
        }
        Problems::unless_empty((), faults)
    }

    fn way_to(&self, option: &str, what: &str, name: &str) -> String {
        let parsed = name.parse::<ExtraName>().ok();
        let nothing = ProjectSelection { without_project: true, ..ProjectSelection::default() };
        let projects = self.sought.files.iter().filter(|file| is_project(file));
        for file in projects {
            let Ok(project) = requirements::read_project(file, &nothing) else { continue };
            let (has, is_group) =
                (|names: &[ExtraName]| parsed.as_ref().is_some_and(|it| names.contains(it)), what != "extra");
            match &project.name {
                _ if is_group && has(&project.groups) => {
                    return format!("name the project that has it: {option} {}:{name}", file.display());
                }
                Some(project_name) if !is_group && has(&project.extras) => {
                    return format!("ask for '{project_name}[{name}]' in place of the option");
                }
                _ => {}
            }
        }
        "look at the spelling, or leave the option out".to_owned()
    }

    /// A group of a project that is not given would not be heeded.
    fn unread_groups(&self) -> Vec<Problem> {
        let given = |path: &str| self.read.iter().any(|file| is_same(Path::new(path), file));
        let paths = self.sought.select.groups.iter().filter_map(|group| group.rsplit_once(':'));
        let unread = paths.filter(|(path, _)| !self.read.is_empty() && !given(path));
        unread
            .map(|(path, name)| {
                Problem::new(Code::Usage, "--group names a project that is not among those to lock")
                    .at(Place::file("--group"))
                    .found(format!("{path}:{name}"))
                    .help(format!("name it with -r {path}"))
            })
            .collect()
    }

    /// A conflict that names what no project has is a slip of the pen, and would not be heeded.
    fn unknown_conflicts(&self) -> Vec<Problem> {
        let settings = self.sought.settings;
        let all = settings.conflicts.iter().flatten().filter(|_| !self.read.is_empty());
        all.filter(|one| !self.known.contains(one))
            .map(|one| {
                let (what, name) = match one {
                    Optional::Extra(name) => ("extra", name),
                    Optional::Group(name) => ("dependency group", name),
                };
                let place = settings.place("conflicts").cloned();
                Problem::new(
                    Code::ConfigInvalid,
                    format!("no project here has the {what} `{name}` of a conflict"),
                )
                .at(place.unwrap_or_else(|| Place::file("the configuration")))
                .help("look at the spelling, or delete it")
            })
            .collect()
    }

    fn read_apart(&mut self, path: &Path, name: String, is_group: bool) -> Result<(), Problems> {
        let Ok(parsed) = name.parse::<ExtraName>() else { return Ok(()) };
        let optional = if is_group { Optional::Group(parsed) } else { Optional::Extra(parsed) };
        let mut select = ProjectSelection { without_project: true, ..ProjectSelection::default() };
        let list = if is_group { &mut select.groups } else { &mut select.extras };
        list.push(name);
        let marker = asked_for(&optional);
        for mut requirement in requirements::read_project(path, &select)?.requirements {
            requirement.requirement.marker.and(marker.clone());
            self.inputs.roots.push(requirement);
        }
        self.inputs.optional.insert(optional);
        let optional = &self.inputs.optional;
        let of_these = |set: &Vec<Optional>| -> Vec<Optional> {
            set.iter().filter(|one| optional.contains(one)).cloned().collect()
        };
        let sets = self.sought.settings.conflicts.iter().map(of_these);
        self.inputs.conflicts = sets.filter(|set| set.len() > 1).collect();
        Ok(())
    }

    /// A requirement on one of the projects at hand stands for what that project depends on, and is never looked for on an
    /// index: its name is the user's own.
    fn resolve_projects(&mut self) -> Result<(), Problems> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<FileRequirement> = std::mem::take(&mut self.inputs.roots);
        open.reverse();
        while let Some(next) = open.pop() {
            let Some(path) = self.projects.get(&next.requirement.name) else {
                self.inputs.roots.push(next);
                continue;
            };
            for extra in &next.requirement.extras {
                let key = (next.requirement.name.clone(), extra.clone(), next.requirement.marker.clone());
                if seen.len() >= MOST_REFERENCES || !seen.insert(key) {
                    continue;
                }
                let select = ProjectSelection {
                    extras: vec![extra.to_string()],
                    without_project: true,
                    ..ProjectSelection::default()
                };
                for mut requirement in
                    requirements::read_project(path, &select)?.requirements.into_iter().rev()
                {
                    requirement.requirement.marker.and(next.requirement.marker.clone());
                    open.push(requirement);
                }
            }
        }
        Ok(())
    }
}

impl Inputs {
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
    // A link stays one: what it leads to is replaced.
    let path = &fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        // Whoever interrupts it waits until it is whole.
        let _writing = super::Writing::begin();
        let mut file = tempfile::Builder::new().prefix(".pylock-").tempfile_in(directory)?;
        file.write_all(text.as_bytes())?;
        // A lock is read by others: the mode of any new file of this user.
        let mode = rustix::fs::Mode::from_bits_truncate(0o666 & !crate::install::umask());
        rustix::fs::fchmod(file.as_file(), mode)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| error::io("writing the lock", path, &error))?;
    Ok(true)
}
