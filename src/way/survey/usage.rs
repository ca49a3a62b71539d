//! A project's own source, and the distributions of a lock or an environment -> what is unused, missing, or there by chance.
//!
//! Never: imports or runs anything, and never follows a link out of the project.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use glob::Pattern;

use super::{Sight, deep::one_of_each, graph_of_environment, metadata, parsed};
use crate::error::{Code, Place, Problem, Problems, io};
use crate::lock::Lock;
use crate::survey::graph::Graph;
use crate::survey::notebook;
use crate::survey::usage::{At, Provider, Source, Usage, import_names, judge};
use crate::way::look::Look;
use crate::wheel::about::About;

/// What is left out where nobody says otherwise, by its path from the top.
pub const LEFT_OUT: [&str; 8] =
    [".*", "venv", "tests", "setup.py", "build", "dist", "node_modules", "__pycache__"];
/// No project has more files.
const MAX_FILES: usize = 100_000;
/// How deep namespaces of the project's own may be in each other.
const NAMESPACE_DEPTH: usize = 4;
/// No module that is larger is read, in bytes.
const MAX_SOURCE: u64 = 1 << 20;
/// No notebook that is larger is read, in bytes.
const MAX_NOTEBOOK: u64 = 64 << 20;

/// Where the source is, and what of it counts.
#[derive(Debug, Clone)]
pub struct ProjectSource {
    /// Files and directories.
    pub places: Vec<PathBuf>,
    /// What is left out.
    pub left_out: Vec<Pattern>,
    /// The project's own modules, besides those that are found.
    pub own: Vec<String>,
}

/// What was read of a project.
#[derive(Debug, Clone, Default)]
pub struct ReadSource {
    sources: Vec<Source>,
    local: BTreeSet<String>,
    /// How many files were read.
    pub files: usize,
    /// Files that are too large, and notebooks that are none.
    pub passed_over: Vec<String>,
}

impl ProjectSource {
    /// Reads every module and notebook, in the order of their paths.
    ///
    /// # Errors
    /// Those of reading; `usage` for a place that is not there.
    pub fn read(&self) -> Result<ReadSource, Problem> {
        let mut files = Vec::new();
        let mut read = ReadSource::default();
        read.local.extend(self.own.iter().cloned());
        for place in &self.places {
            if place.is_dir() {
                // Both usual layouts: modules beside pyproject.toml, and in `src`.
                for top in [place.clone(), place.join("src")] {
                    read.local.extend(modules(&top));
                }
                self.walk(place, place, &mut files)?;
            } else if place.is_file() {
                files.push(place.clone());
            } else {
                return Err(Problem::new(Code::Usage, "there is no such file or directory")
                    .at(Place::file(place))
                    .help("name the directory that the project's source is in"));
            }
        }
        for file in files {
            crate::way::check_interrupted()?;
            let name = shown(&file);
            match sources(&file, &name)? {
                Some(sources) => {
                    read.files = read.files.saturating_add(1);
                    read.sources.extend(sources);
                }
                None => read.passed_over.push(name),
            }
        }
        Ok(read)
    }

    fn walk(&self, top: &Path, directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), Problem> {
        let mut open = vec![directory.to_owned()];
        while let Some(directory) = open.pop() {
            let entries = std::fs::read_dir(&directory)
                .map_err(|error| io("reading a directory", &directory, &error))?;
            for entry in entries {
                let entry = entry.map_err(|error| io("reading a directory", &directory, &error))?;
                let path = entry.path();
                let kind = entry.file_type().map_err(|error| io("reading", &path, &error))?;
                let within = path.strip_prefix(top).unwrap_or(&path);
                let name = entry.file_name();
                let is_cache = name == "__pycache__" || name == "node_modules";
                if is_cache || self.left_out.iter().any(|pattern| pattern.matches_path(within)) {
                    continue;
                }
                let is_source = path.extension().is_some_and(|end| end == "py" || end == "ipynb");
                if kind.is_dir() {
                    open.push(path);
                } else if kind.is_file() && is_source {
                    files.push(path);
                }
                if files.len() > MAX_FILES {
                    return Err(Problem::new(Code::Usage, format!("there are more than {MAX_FILES} files"))
                        .at(Place::file(top))
                        .help("name the directory that the project's source is in"));
                }
            }
        }
        files.sort();
        Ok(())
    }
}

/// The modules right under a directory: a file, or a directory with one in it, or in a namespace (PEP 420) within it.
fn modules(top: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(top).into_iter().flatten().flatten();
    let name = |path: PathBuf| {
        if path.is_dir() && has_module(&path, NAMESPACE_DEPTH) || is_module(&path) {
            Some(path.file_stem()?.to_str()?.to_owned()).filter(|stem| stem != "__init__")
        } else {
            None
        }
    };
    entries.filter_map(|entry| name(entry.path())).collect()
}

fn is_module(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "py")
}

/// Whether a module is in a directory, or in one beneath it by whose name it could be imported. An environment is none of the
/// project's own.
fn has_module(directory: &Path, depth: usize) -> bool {
    let is_name = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.chars().all(|c| c.is_alphanumeric() || c == '_')
            && name != "__pycache__"
            && name != "node_modules"
    };
    if !is_name(directory) || directory.join("pyvenv.cfg").exists() {
        return false;
    }
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let (mut beneath, mut has) = (Vec::new(), false);
    for entry in entries {
        has |= is_module(&entry.path());
        beneath.extend(entry.file_type().is_ok_and(|kind| kind.is_dir()).then(|| entry.path()));
    }
    has || depth > 0 && beneath.iter().any(|path| has_module(path, depth - 1))
}

fn shown(file: &Path) -> String {
    let text = file.display().to_string();
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

/// What a module or the cells of a notebook import; `None` for what is too large, or no notebook.
fn sources(file: &Path, name: &str) -> Result<Option<Vec<Source>>, Problem> {
    let is_notebook = file.extension().is_some_and(|end| end == "ipynb");
    let size = std::fs::metadata(file).map_err(|error| io("reading", file, &error))?.len();
    if size > if is_notebook { MAX_NOTEBOOK } else { MAX_SOURCE } {
        return Ok(None);
    }
    let bytes = std::fs::read(file).map_err(|error| io("reading", file, &error))?;
    // Names of modules are the same in every encoding that Python sources use.
    let text = String::from_utf8_lossy(&bytes);
    let source = |cell: Option<usize>, text: &str| Source {
        file: name.to_owned(),
        cell,
        imports: crate::imports::of(text),
    };
    if is_notebook {
        let cells = notebook::cells(&text);
        return Ok(cells.map(|all| all.iter().map(|(cell, text)| source(Some(*cell), text)).collect()));
    }
    Ok(Some(vec![source(None, &text)]))
}

/// The distributions of a lock. What each is imported by is in its wheel: one of each is fetched and verified where the
/// store does not have it.
///
/// # Errors
/// As an install.
pub fn providers_of_lock(lock: &Lock, sight: &Sight, step: &dyn Fn()) -> Result<Vec<Provider>, Problems> {
    let texts = metadata(lock, sight)?;
    let direct = Graph::of_lock(lock, &parsed(&texts)).asked_for();
    let looked = one_of_each(lock, sight, step)?;
    let providers = lock.packages.iter().enumerate().map(|(at, package)| {
        let names = texts.get(at).and_then(Option::as_deref).map(About::parse).unwrap_or_default().imports;
        let of_wheel = looked.iter().filter(|looked| looked.package == at).flat_map(|it| it.imports.clone());
        Provider {
            name: package.name.to_string(),
            is_direct: direct.contains(&at),
            is_here: true,
            // "Import-Name": where a project says it, it is what counts (PEP 794).
            imports: if names.is_empty() { of_wheel.collect() } else { names.into_iter().collect() },
        }
    });
    let mut providers: Vec<Provider> = providers.collect();
    let there: BTreeSet<String> = providers.iter().map(|provider| provider.name.clone()).collect();
    providers.extend(
        Graph::noted(lock).into_iter().filter(|name| !there.contains(name)).map(|name| elsewhere(name, true)),
    );
    Ok(joined(providers))
}

/// What is for other environments: nothing but its name is known.
fn elsewhere(name: String, is_direct: bool) -> Provider {
    Provider { is_direct, is_here: false, imports: [name.replace('-', "_")].into(), name }
}

/// The distributions of an environment; `direct` has those that the lock was made for, where there is one.
///
/// # Errors
/// `internal` where nobody tells the markers.
pub fn providers_of_environment(look: &Look, lock: Option<&Lock>) -> Result<Vec<Provider>, Problem> {
    let (graph, _) = graph_of_environment(look)?;
    let direct: BTreeSet<String> = match lock {
        Some(lock) => {
            let graph = Graph::of_lock(lock, &[]);
            let asked = graph.asked_for();
            asked.iter().filter_map(|at| graph.nodes.get(*at)).map(|node| node.name.clone()).collect()
        }
        None => {
            let asked = graph.asked_for();
            asked.iter().filter_map(|at| graph.nodes.get(*at)).map(|node| node.name.clone()).collect()
        }
    };
    let there: BTreeSet<&str> =
        look.environment.distributions.iter().map(|found| found.name.as_str()).collect();
    let locked = lock.iter().flat_map(|lock| &lock.packages).map(|package| package.name.to_string());
    let noted: BTreeSet<String> = lock.map(Graph::noted).unwrap_or_default();
    let others: BTreeSet<String> =
        locked.chain(noted.iter().cloned()).filter(|name| !there.contains(name.as_str())).collect();
    let others = others.into_iter().map(|name| {
        let is_direct = direct.contains(&name) || noted.contains(&name);
        elsewhere(name, is_direct)
    });
    let others: Vec<Provider> = others.collect();
    let providers = look.environment.distributions.iter().map(|found| {
        let said = About::of(|name| found.message().all(name).map(str::to_owned).collect()).imports;
        let files = found.declared_files().unwrap_or_default();
        let listed = || found.text("top_level.txt").unwrap_or_default();
        let mut imports: BTreeSet<String> = said.into_iter().collect();
        if imports.is_empty() {
            let namespaces = found.text("namespace_packages.txt").unwrap_or_default();
            let namespaces = namespaces.lines().map(|line| line.trim().to_owned()).collect();
            imports = import_names(files.iter().map(String::as_str), &namespaces);
        }
        if imports.is_empty() {
            imports =
                listed().lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
        }
        Provider { name: found.name.clone(), is_direct: direct.contains(&found.name), is_here: true, imports }
    });
    Ok(joined(providers.chain(others).collect()))
}

/// Entries of one name are one provider.
fn joined(mut providers: Vec<Provider>) -> Vec<Provider> {
    providers.sort_by(|one, other| one.name.cmp(&other.name));
    let mut all: Vec<Provider> = Vec::new();
    for provider in providers {
        match all.last_mut() {
            Some(last) if last.name == provider.name => {
                last.is_direct |= provider.is_direct;
                last.is_here |= provider.is_here;
                last.imports.extend(provider.imports);
            }
            _ => all.push(provider),
        }
    }
    all
}

/// Compares a project with what it is installed with, names that are to be passed over left out.
pub fn usage(read: &ReadSource, providers: &[Provider], ignored: &BTreeSet<String>) -> Usage {
    let mut usage = judge(&read.sources, providers, &read.local);
    usage.unused.retain(|name| !ignored.contains(name));
    let top = |module: &str| module.split('.').next().unwrap_or(module).to_owned();
    usage.missing.retain(|module, _| !ignored.contains(module) && !ignored.contains(&top(module)));
    usage.transitive.retain(|module, _| !ignored.contains(module));
    usage
}

/// The findings, each at the first place where it shows.
pub fn findings(usage: &Usage, of: &str) -> Vec<Problem> {
    let mut found = Vec::new();
    for (module, places) in &usage.missing {
        let finding = Problem::new(Code::ImportMissing, format!("{of} has nothing that brings this module"));
        found.push(
            at(finding, module, places).help(
                "add the distribution that brings it with `pipward add`, or pass it over with --ignore",
            ),
        );
    }
    for (module, (names, places)) in &usage.transitive {
        let names = names.iter().cloned().collect::<Vec<_>>().join(", ");
        let finding = Problem::new(
            Code::ImportTransitive,
            format!("it comes from {names}, which the project does not ask for"),
        );
        found.push(at(finding, module, places).help(format!("ask for it: `pipward add {names}`")));
    }
    for name in &usage.unused {
        found.push(
            Problem::new(Code::DependencyUnused, "the project asks for it and imports none of its modules")
                .package(name)
                .help(format!(
                    "take it out with `pipward remove {name}`, or, if it is used without an import (a plugin, a program), \
                     pass it over with --ignore {name}"
                )),
        );
    }
    found
}

fn at(finding: Problem, module: &str, places: &[At]) -> Problem {
    let finding = finding.package(module);
    let Some(first) = places.first() else { return finding };
    let place = match first.cell {
        Some(cell) => Place::file(&first.file).entry(format!("cell {cell}, line {}", first.line)),
        None => Place::line(&first.file, first.line),
    };
    match places.len() {
        1 => finding.at(place),
        count => finding.at(place).found(format!("imported at {count} places")),
    }
}
