//! Installed distributions, and which files go when one is replaced.
//!
//! Owns: that a RECORD, which an attacker may have written, never leads to a file of the environment or of another
//! distribution. Never: removes anything; `commit` moves what is listed here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::in_place::{is_hollow, leads_to_pipward};
use super::links;
use super::names::Names;
use super::places::Places;
use super::tree::{is_missing, read_file};
use crate::error::{Code, Place, Problem, io as io_problem};
use crate::wheel::record::{MAX_RECORD, Record, Row};

/// No .dist-info directory is deeper.
const MAX_DEPTH: usize = 16;

/// A distribution in an environment.
#[derive(Debug, Clone)]
pub(super) struct Distribution {
    /// Its name, normalised.
    pub(super) name: String,
    /// Its version, as its directory spells it.
    pub(super) version: String,
    /// Its .dist-info directory, relative to the prefix.
    pub(super) directory: PathBuf,
    /// What an older tool left (`.egg-info`, `.egg-link`), of which a directory may have a list of its files.
    legacy: bool,
}

/// The distributions of an environment.
#[derive(Debug, Default)]
pub(super) struct Distributions(Vec<Distribution>);

/// Whose a file is, by its path relative to the prefix.
pub(super) type Owners = BTreeMap<PathBuf, String>;

/// What goes when distributions are removed. Paths are relative to the prefix.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Removal {
    /// Files and links.
    pub(super) files: BTreeSet<PathBuf>,
    /// Directories to remove where they are empty then, deepest first.
    pub(super) directories: Vec<PathBuf>,
    /// Files that stay and lose a line, with what they hold then.
    pub(super) edited: BTreeMap<PathBuf, Vec<u8>>,
}

impl Distributions {
    /// Lists what is installed, by the names of directories, as `importlib.metadata` finds distributions.
    pub(super) fn list(places: &Places) -> Result<Self, Problem> {
        let mut found = Vec::new();
        for site in places.sites() {
            let at = places.real().join(site);
            let entries = match at.read_dir() {
                Ok(entries) => entries,
                Err(error) if is_missing(&error) => continue,
                Err(error) => return Err(io_problem("listing what is installed", at, &error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| io_problem("listing what is installed", &at, &error))?;
                found.extend(entry.file_name().to_str().and_then(|name| Distribution::of(site, name)));
            }
        }
        found.sort_by(|one, other| one.directory.cmp(&other.directory));
        Ok(Self(found))
    }

    /// The (normalised) names, each once, in order.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.iter().map(|one| one.name.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Those of this (normalised) name.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Distribution> {
        self.0.iter().filter(move |distribution| distribution.name == name)
    }

    /// The files that distributions but those in `without` have of those asked for, with the distribution. What cannot
    /// be read has none.
    pub(super) fn owners(&self, places: &Places, without: &BTreeSet<&Path>, of: &Names) -> Owners {
        let mut owners = BTreeMap::new();
        if of.is_empty() {
            return owners;
        }
        for distribution in
            self.0.iter().filter(|distribution| !without.contains(distribution.directory.as_path()))
        {
            let Ok(paths) = distribution.paths(places, of) else { continue };
            let owner = format!("{} {}", distribution.name, distribution.version);
            owners.extend(paths.into_iter().map(|path| (path, owner.clone())));
        }
        owners
    }
}

impl Distribution {
    fn of(site: &Path, entry: &str) -> Option<Self> {
        let (stem, legacy) = match entry.strip_suffix(".dist-info") {
            Some(stem) => (stem, false),
            None => (entry.strip_suffix(".egg-info").or_else(|| entry.strip_suffix(".egg-link"))?, true),
        };
        let (name, version) = stem.split_once('-').unwrap_or((stem, ""));
        // An egg tells its Python behind the version.
        let version = version.split_once("-py").filter(|_| legacy).map_or(version, |(version, _)| version);
        Some(Self { name: normalize(name), version: version.to_owned(), directory: site.join(entry), legacy })
    }

    /// The rows of its RECORD that name a file beneath the prefix, with that file, for the files that are asked for (and
    /// perhaps others). `None` without a RECORD.
    pub(super) fn rows(&self, places: &Places, of: &Names) -> Result<Option<Vec<(PathBuf, Row)>>, Problem> {
        let at = places.real().join(&self.directory).join("RECORD");
        let site = self.directory.parent().unwrap_or(Path::new(""));
        let text = match open(&at).and_then(|file| read_file(file, MAX_RECORD)) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(None),
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(io_problem("reading an installed RECORD", at, &error)),
        };
        let record = Record::parse_installed(&of.lines(&text))
            .map_err(|problem| problem.package(&self.name).at(Place::file(&at)))?;
        Ok(Some(
            record.rows.into_iter().filter_map(|row| Some((places.row(site, &row.path)?, row))).collect(),
        ))
    }

    /// The files that are its own, as far as it tells; those that are asked for, and perhaps others.
    ///
    /// # Errors
    /// `unsafe-uninstall` where it has no list of them.
    pub(super) fn paths(&self, places: &Places, of: &Names) -> Result<Vec<PathBuf>, Problem> {
        let at = places.real().join(&self.directory);
        let is_directory = at.symlink_metadata().is_ok_and(|found| found.is_dir());
        if !self.legacy && is_directory {
            if let Some(rows) = self.rows(places, of)? {
                return Ok(rows.into_iter().map(|(path, _)| path).collect());
            }
            let name = &self.name;
            let why = format!("The package's contents are unknown: no RECORD file was found for {name}.");
            return Err(self.unsafe_to_remove(places, &why));
        }
        if is_directory {
            return self
                .installed_files(places)?
                .ok_or_else(|| self.unsafe_to_remove(places, "an older tool left no list of its files"));
        }
        if self.is_link() {
            return Ok(links::paths(places, &self.directory));
        }
        Err(self.unsafe_to_remove(
            places,
            "It is a distutils installed project and thus we cannot accurately determine which files belong to it which \
             would lead to only a partial uninstall.",
        ))
    }

    /// Whether it is a link to a project that lies elsewhere.
    fn is_link(&self) -> bool {
        self.directory.extension().is_some_and(|extension| extension == "egg-link")
    }

    /// What `installed-files.txt` lists: setuptools left it in `.egg-info`, with paths that begin there.
    fn installed_files(&self, places: &Places) -> Result<Option<Vec<PathBuf>>, Problem> {
        let at = places.real().join(&self.directory).join("installed-files.txt");
        let text = match open(&at).and_then(|file| read_file(file, MAX_RECORD)) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(None),
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(io_problem("reading a list of installed files", at, &error)),
        };
        let text = String::from_utf8_lossy(&text);
        let site = self.directory.parent().unwrap_or(Path::new(""));
        let own = self.directory.file_name().unwrap_or_default();
        let lines = text.lines().filter(|line| !line.is_empty());
        let rows = lines.filter_map(|line| places.row(site, Path::new(own).join(line).to_str()?));
        Ok(Some(rows.collect()))
    }

    fn unsafe_to_remove(&self, places: &Places, what: &str) -> Problem {
        let (name, version) = (&self.name, &self.version);
        Problem::new(Code::UnsafeUninstall, format!("Cannot uninstall {name} {version}"))
            .cause(what)
            .at(Place::file(places.real().join(&self.directory)))
            .expected(
                "a .dist-info directory with a RECORD, or an .egg-info directory with installed-files.txt",
            )
            .help("remove it with the tool that installed it, or make the environment anew with --venv")
    }
}

/// Opens a regular file, and nothing else.
pub(super) fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{CWD, Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::openat(CWD, path, flags, Mode::empty()) {
        Ok(file) => Ok(file.into()),
        Err(error) => Err(error.into()),
    }
}

/// What goes when the distributions in `replaced` do. Where one does not tell its files, and `brought` (by its `.dist-info`
/// directory) knows a wheel of the same release that takes its place, they are those of the wheel. `comes` tells what is
/// put in: a link in its place goes, and so does a directory without files of anybody.
///
/// # Errors
/// `unsafe-uninstall`, and those of the file system.
pub(super) fn removal(
    places: &Places,
    installed: &Distributions,
    replaced: &[&Distribution],
    brought: impl Fn(&Path) -> Vec<PathBuf>,
    comes: impl Fn(&Path) -> bool,
) -> Result<Removal, Problem> {
    let (mut going, mut edited) = (BTreeMap::new(), BTreeMap::new());
    let (mut missing, mut hollow) = (BTreeSet::new(), BTreeSet::new());
    for distribution in replaced {
        if distribution.is_link() {
            edited.extend(links::without(places, &distribution.directory, &edited));
        }
        let mut paths = distribution.paths(places, &Names::All).or_else(|problem| {
            let wheels = brought(&distribution.directory);
            if wheels.is_empty() { Err(problem) } else { Ok(wheels) }
        })?;
        list_files(places, &distribution.directory, MAX_DEPTH, &mut paths);
        let mut compiled = ByteCode::default();
        for path in paths {
            let goes = may_go(places, distribution, &path, &comes);
            if goes == Some(Goes::Directory) {
                hollow.insert(path.clone());
            }
            if goes.is_some() {
                let compiled = compiled.of(places, &path);
                going.entry(path).or_insert_with(Vec::new).extend(compiled);
            } else if let Some(path) = in_place_of_directory(places, &path) {
                going.entry(path).or_insert_with(Vec::new);
            } else if places.is_in_scheme(&path) {
                // What is gone already may have left its directories.
                missing.insert(path);
            }
        }
        compiled.whole()?;
    }
    let infos: BTreeSet<&Path> = replaced.iter().map(|one| one.directory.as_path()).collect();
    let names = Names::of(going.iter().flat_map(|(path, compiled)| compiled.iter().chain([path])));
    let owners = installed.owners(places, &infos, &names);
    let mut files = BTreeSet::new();
    for (path, compiled) in going {
        if !owners.contains_key(&path) {
            files.extend(compiled.into_iter().chain([path]).filter(|path| !owners.contains_key(path)));
        }
    }
    // What is in a directory goes with it.
    files.retain(|path| hollow.is_empty() || !path.ancestors().skip(1).any(|above| hollow.contains(above)));
    missing.extend(files.iter().cloned());
    let directories = emptied(places, &missing);
    Ok(Removal { files, directories, edited })
}

/// What is moved out of the way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goes {
    /// A file, or a link.
    File,
    /// A directory where a file was.
    Directory,
}

/// Regular files and links, and directories in their place without anything of value, beneath the scheme's directories, that
/// are neither the environment's own nor in another distribution's .dist-info.
fn may_go(
    places: &Places,
    distribution: &Distribution,
    path: &Path,
    comes: &impl Fn(&Path) -> bool,
) -> Option<Goes> {
    let is_info = |part: &std::ffi::OsStr| {
        let part = part.as_encoded_bytes();
        part.ends_with(b".dist-info") || part.ends_with(b".egg-info")
    };
    // Further down it is no distribution's, but a copy among the files of the one that brings it (setuptools/_vendor).
    let is_anothers = |site: &Path| {
        let inside = path.strip_prefix(site).ok();
        inside.is_some_and(|tail| tail.iter().count() > 1 && tail.iter().next().is_some_and(is_info))
    };
    let in_foreign_info = !path.starts_with(&distribution.directory) && places.sites().any(is_anothers);
    // Wheels bring no links: one among the scripts was put there by somebody else, and makes room for a script alone.
    let is_linked_script = places.is_script(path)
        && places.real().join(path).symlink_metadata().is_ok_and(|found| found.is_symlink())
        && (!comes(path) || leads_to_pipward(&places.real().join(path)));
    let is_own = places.is_environments_own(path) || !places.is_in_scheme(path);
    let is_free = !is_own && !is_linked_script && !in_foreign_info;
    let found = places.real().join(path).symlink_metadata().ok().filter(|_| is_free)?;
    if found.is_file() || found.is_symlink() {
        return Some(Goes::File);
    }
    (found.is_dir() && comes(path) && is_hollow(&places.real().join(path), MAX_DEPTH))
        .then_some(Goes::Directory)
}

/// The file that stands where a directory of this path was. (What stands there belongs to whoever had the directory,
/// unless another distribution lists it.)
fn in_place_of_directory(places: &Places, path: &Path) -> Option<PathBuf> {
    let look = |path: &Path| places.real().join(path).symlink_metadata();
    let is_blocked = look(path).is_err_and(|error| error.kind() == io::ErrorKind::NotADirectory);
    let mut above = path.ancestors().skip(1).filter(|_| is_blocked);
    let found = above.find(|above| look(above).is_ok_and(|found| found.is_file()))?;
    let is_free = places.is_in_scheme(found) && !places.is_environments_own(found);
    is_free.then(|| found.to_owned())
}

/// The files in a directory of the distribution's own, links not followed.
fn list_files(places: &Places, directory: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let Ok(entries) = places.real().join(directory).read_dir() else { return };
    for entry in entries.flatten() {
        let path = directory.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth > 0 => {
                list_files(places, &path, depth.saturating_sub(1), found);
            }
            Ok(kind) if !kind.is_dir() => found.push(path),
            _ => {}
        }
    }
}

/// The byte-code that Python keeps beside modules, by directory.
#[derive(Default)]
pub(super) struct ByteCode {
    known: BTreeMap<PathBuf, Vec<String>>,
    failed: Option<Problem>,
}

impl ByteCode {
    /// The byte-code of a module: `__pycache__/name.cpython-313.pyc`, `__pycache__/name.cpython-313.opt-1.pyc`. A link in
    /// place of the directory leads to byte-code too, and is named itself.
    pub(super) fn of(&mut self, places: &Places, module: &Path) -> Vec<PathBuf> {
        let (Some(directory), Some(name)) =
            (module.parent(), module.file_name().and_then(|name| name.to_str()))
        else {
            return Vec::new();
        };
        let Some(stem) = name.strip_suffix(".py") else { return Vec::new() };
        let cache = directory.join("__pycache__");
        let at = places.real().join(&cache);
        if !self.known.contains_key(&cache) {
            let listed = names_of_files(&at).unwrap_or_else(|error| {
                self.failed = Some(io_problem("listing byte-code", &at, &error));
                Vec::new()
            });
            self.known.insert(cache.clone(), listed);
        }
        let names = self.known.get(&cache).into_iter().flatten();
        let is_its = |name: &&String| name.is_empty() || is_byte_code(name, stem);
        names
            .filter(is_its)
            .map(|name| if name.is_empty() { cache.clone() } else { cache.join(name) })
            .collect()
    }

    /// Whether all of it could be listed.
    ///
    /// # Errors
    /// Those of the file system.
    pub(super) fn whole(self) -> Result<(), Problem> {
        self.failed.map_or(Ok(()), Err)
    }
}

/// The names of files and links in a directory; of a link, an empty one.
fn names_of_files(at: &Path) -> io::Result<Vec<String>> {
    match at.symlink_metadata() {
        Ok(found) if found.is_symlink() => return Ok(vec![String::new()]),
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Ok(Vec::new()),
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    }
    let mut names = Vec::new();
    for entry in at.read_dir()? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    Ok(names)
}

/// PEP 3147: `pkg/__pycache__/mod.cpython-313.pyc` belongs to `pkg/mod.py`, which `is_there` is asked for.
pub(super) fn is_byte_code_of(path: &Path, is_there: impl Fn(&Path) -> bool) -> bool {
    let cache = path.parent().filter(|cache| cache.file_name().is_some_and(|name| name == "__pycache__"));
    let (Some(package), Some(name)) =
        (cache.and_then(Path::parent), path.file_name().and_then(|name| name.to_str()))
    else {
        return false;
    };
    let ends = name.match_indices('.').map(|(at, _)| name.get(..at).unwrap_or_default());
    ends.filter(|stem| is_byte_code(name, stem)).any(|stem| is_there(&package.join(format!("{stem}.py"))))
}

fn is_byte_code(name: &str, stem: &str) -> bool {
    let tags = name
        .strip_prefix(stem)
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|rest| rest.strip_suffix(".pyc"));
    let Some(tags) = tags else { return false };
    let (tag, level) = tags.split_once('.').unwrap_or((tags, "opt-"));
    tag.contains('-') && level.starts_with("opt-") && !level.contains('.')
}

/// The directories that may be empty once `files` are gone, deepest first.
pub(super) fn emptied(places: &Places, files: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let mut directories = BTreeSet::new();
    for file in files {
        for directory in file.ancestors().skip(1) {
            if places.keeps_directory(directory) || !directories.insert(directory.to_owned()) {
                break;
            }
        }
    }
    // A directory sorts before what it holds.
    directories.into_iter().rev().collect()
}

/// PEP 503, "Normalized Names".
pub(super) fn normalize(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            _ => normal.push(character.to_ascii_lowercase()),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_are_those_of_the_directory() {
        let check = |entry: &str, expected: Option<(&str, &str, bool)>| {
            let found = Distribution::of(Path::new("site"), entry);
            let found =
                found.as_ref().map(|found| (found.name.as_str(), found.version.as_str(), found.legacy));
            assert_eq!(found, expected, "{entry}");
        };
        check("Foo_Bar.x-1.0.dist-info", Some(("foo-bar-x", "1.0", false)));
        check("foo-1.0-py3.9.egg-info", Some(("foo", "1.0", true)));
        check("foo.egg-link", Some(("foo", "", true)));
        check("foo", None);
    }

    #[test]
    fn byte_code_of_a_module_is_known_by_its_name() {
        let check = |name: &str, expected: bool| assert_eq!(is_byte_code(name, "mod"), expected, "{name}");
        check("mod.cpython-313.pyc", true);
        check("mod.cpython-313.opt-2.pyc", true);
        check("mod.pyc", false);
        check("model.cpython-313.pyc", false);
        check("mod.other.cpython-313.pyc", false);
        check("mod.cpython-313.pyc.123", false);
        check("mod.notes.pyc", false);
        check("mod.cpython-313.opt-2.x.pyc", false);
    }

    #[test]
    fn a_name_has_one_normal_form() {
        for name in ["a-b", "A_b", "a.b", "a--b", "a-_.b", "a___B"] {
            assert_eq!(normalize(name), "a-b", "{name}");
        }
    }
}
