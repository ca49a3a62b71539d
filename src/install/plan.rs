//! Where each file of a wheel goes (binary distribution format, "Installing a wheel distribution").
//!
//! Owns: the map of destinations and the RECORD that tells it. Pure: a wheel and a scheme in, a plan out.
//! Never: lets a file leave the scheme's directories, take a place of the environment's own, or reach the modules
//! through a scheme that is not for modules.

mod direct_url;
mod root;

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::direct_url::DirectUrl;
use self::root::{Root, bytes};
use super::place::{Base, Destination};
use super::{InstallPlan, PlannedFile, Source, contest, scripts};
use crate::digest::{Kept, Sha256};
use crate::error::{Code, Place, Problem};
use crate::python::{Scheme, venv};
use crate::wheel::archive::{Entry, Listed, WHOLE_ENTRY};
use crate::wheel::entry_points::Script;
use crate::wheel::{ExtractError, Wheel};

/// What file systems allow in one name, in bytes.
const MAX_NAME: usize = 255;
/// What system calls allow in one path, in bytes, less what staging adds.
const MAX_PATH: usize = 4096 - 256;
/// How many files a plan has at most that are neither of the archive nor scripts: INSTALLER, direct_url.json, REQUESTED.
const OWN: usize = 3;
/// The start of a script whose first line is rewritten.
const PYTHON_SCRIPT: &[u8] = b"#!python";

/// A scheme of the binary distribution format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    /// The root of the archive: purelib or platlib, as WHEEL says.
    Root,
    Purelib,
    Platlib,
    Headers,
    Scripts,
    Data,
}

impl Key {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "purelib" => Self::Purelib,
            "platlib" => Self::Platlib,
            "headers" => Self::Headers,
            "scripts" => Self::Scripts,
            "data" => Self::Data,
            _ => return None,
        })
    }

    fn holds_modules(self) -> bool {
        matches!(self, Self::Root | Self::Purelib | Self::Platlib)
    }
}

impl InstallPlan {
    /// Plans where the files of `wheel` go in `scheme`. `requested` tells whether it was asked for by name, `direct`
    /// whether (and from where) it came other than from an index.
    ///
    /// # Errors
    /// `environment-owned`, `scheme-unknown`, `scheme-crossing`, `dist-info`, `file-conflict` within the wheel,
    /// `archive-name` for names that no file system takes, `environment-invalid`; and those of [`Wheel::content`].
    pub fn new(
        wheel: &Wheel,
        scheme: &Scheme,
        requested: bool,
        direct: Option<DirectUrl>,
    ) -> Result<Self, Problem> {
        let planner = Planner::new(wheel, scheme);
        planner.plan(requested, direct).map_err(|problem| {
            problem
                .package(format_args!("{} {}", wheel.name().name(), wheel.name().version()))
                .at(Place::file(wheel.name().as_str()))
        })
    }
}

struct Planner<'a> {
    wheel: &'a Wheel,
    scheme: &'a Scheme,
    /// What the paths of RECORD are relative to.
    library: &'a Path,
    /// Where the headers go.
    headers: PathBuf,
    /// What a file at the root of the archive is checked against.
    root: Root,
    /// What the places of those files have in common.
    base: Option<Arc<Base>>,
    files: Vec<PlannedFile>,
}

impl<'a> Planner<'a> {
    fn new(wheel: &'a Wheel, scheme: &'a Scheme) -> Self {
        let library = if wheel.root_is_purelib() { &scheme.purelib } else { &scheme.platlib };
        let headers = scheme.headers.join(&wheel.metadata().name_text);
        let base = wheel.entries().first().map(|first| Base::of(library, first.path()));
        Self { wheel, scheme, library, headers, root: Root::of(scheme, library), base, files: Vec::new() }
    }

    fn plan(mut self, requested: bool, direct: Option<DirectUrl>) -> Result<InstallPlan, Problem> {
        let wheel = self.wheel;
        if let Some(name) = direct.as_ref().and_then(|direct| direct.unnamed.clone()) {
            self.headers = self.scheme.headers.join(name);
        }
        let scripts = scripts::to_generate(&wheel.entry_points().scripts, self.scheme.python);
        // Both the names in the wheel and those that will be written win over a shipped script.
        let named: HashSet<&str> =
            wheel.entry_points().scripts.iter().chain(&scripts).map(|script| script.name.as_str()).collect();
        let record = format!("{}/RECORD", wheel.dist_info());
        let most = wheel.entries().len().saturating_add(scripts.len()).saturating_add(OWN);
        self.files.reserve_exact(most);
        for (index, entry) in wheel.entries().iter().enumerate() {
            if entry.path().as_str() != record {
                self.entry(index, entry, &named)?;
            }
        }
        self.entry_points(&scripts)?;
        let dist_info = self.library.join(wheel.dist_info());
        let mut add = |name: &str, content: Vec<u8>| {
            let (destination, made) = (Destination::from(dist_info.join(name)), Made::Generated(content));
            let path = format!("{}/{name}", wheel.dist_info());
            if self.root.takes(&path, destination.length(), wheel.dist_info()) {
                self.take(Key::Root, destination, false, made);
                return Ok(());
            }
            self.add(Key::Root, destination, false, made)
        };
        add("INSTALLER", b"pipward\n".to_vec())?;
        if let Some(direct) = direct {
            add("direct_url.json", direct.json(wheel.verified().sha256()))?;
        }
        if requested {
            add("REQUESTED", Vec::new())?;
        }
        self.files.sort_unstable_by(|one, other| one.destination.cmp(&other.destination));
        self.check_nesting(&dist_info.join("RECORD"))?;
        Ok(InstallPlan {
            name: wheel.name().name().clone(),
            version: wheel.metadata().version.clone(),
            dist_info,
            files: self.files,
            installer: super::Installer::default(),
        })
    }

    /// One file of the archive.
    fn entry(&mut self, index: usize, entry: &Entry, named: &HashSet<&str>) -> Result<(), Problem> {
        let path = entry.path().as_str();
        let data = self.wheel.dist_info().strip_suffix(".dist-info").map(|stem| format!("{stem}.data"));
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        if Some(first) != data.as_deref() {
            let destination = match &self.base {
                Some(base) => Destination::below(base, entry.path()),
                None => self.library.join(path).into(),
            };
            let made = listed_as(index, entry);
            if self.root.takes(path, destination.length(), self.wheel.dist_info()) {
                self.take(Key::Root, destination, entry.executable(), made);
                return Ok(());
            }
            return self.add(Key::Root, destination, entry.executable(), made);
        }
        let unknown = || {
            Problem::new(Code::SchemeUnknown, "a file of the .data directory is in no scheme")
                .at(Place::file(self.wheel.name().as_str()).entry(path))
                .expected("purelib, platlib, headers, scripts or data, and a path in it")
                .help("do not install this file; tell the maintainers of the project")
        };
        let (key, tail) = rest.split_once('/').filter(|(_, tail)| !tail.is_empty()).ok_or_else(unknown)?;
        let key = Key::named(key).ok_or_else(unknown)?;
        if key == Key::Scripts && named.contains(wrapped_name(tail)) {
            return Ok(());
        }
        let made = match key {
            Key::Scripts => self.script(index, entry)?,
            _ => listed_as(index, entry),
        };
        self.add(key, self.directory(key).join(tail).into(), entry.executable(), made)
    }

    fn directory(&self, key: Key) -> PathBuf {
        match key {
            Key::Root => self.library.to_path_buf(),
            Key::Purelib => self.scheme.purelib.clone(),
            Key::Platlib => self.scheme.platlib.clone(),
            Key::Headers => self.headers.clone(),
            Key::Scripts => self.scheme.scripts.clone(),
            Key::Data => self.scheme.data.clone(),
        }
    }

    /// A shipped script: one that begins with `#!python` gets the environment's interpreter. (Where its path is long or
    /// has a space, pip writes a first line that no kernel can follow; here it is the same form as for entry points.)
    fn script(&self, index: usize, entry: &Entry) -> Result<Made, Problem> {
        let as_it_is = listed_as(index, entry);
        if entry.size() > WHOLE_ENTRY {
            if head(self.wheel, entry)?.starts_with(PYTHON_SCRIPT) {
                return Err(Problem::new(
                    Code::ArchiveTooLarge,
                    "a Python script is too large to be rewritten",
                )
                .at(Place::file(self.wheel.name().as_str()).entry(entry.path().as_str()))
                .expected(format!("at most {WHOLE_ENTRY} bytes"))
                .help("do not install this file; tell the maintainers of the project"));
            }
            return Ok(as_it_is);
        }
        let content = self.wheel.content(entry)?;
        if !content.starts_with(PYTHON_SCRIPT) {
            return Ok(as_it_is);
        }
        let rest = content.iter().position(|byte| *byte == b'\n').and_then(|end| content.get(end + 1..));
        let mut rewritten = scripts::shebang(&self.scheme.interpreter)?.into_bytes();
        rewritten.extend_from_slice(rest.unwrap_or_default());
        Ok(Made::Generated(rewritten))
    }

    fn entry_points(&mut self, scripts: &[Script]) -> Result<(), Problem> {
        if scripts.is_empty() {
            return Ok(());
        }
        let shebang = scripts::shebang(&self.scheme.interpreter)?;
        for script in scripts {
            let text = scripts::entry_point(script, &shebang, self.scheme.python);
            let destination = self.scheme.scripts.join(&script.name).into();
            self.add(Key::Scripts, destination, true, Made::Generated(text))?;
        }
        Ok(())
    }

    /// Takes a destination into the plan, if it may be written.
    fn add(
        &mut self,
        key: Key,
        destination: Destination,
        executable: bool,
        made: Made,
    ) -> Result<(), Problem> {
        self.check(key, &destination.path())?;
        self.take(key, destination, executable, made);
        Ok(())
    }

    /// Takes what was checked into the plan.
    fn take(&mut self, key: Key, destination: Destination, executable: bool, made: Made) {
        let is_document = || {
            destination.file_name().is_some_and(contest::is_named_document)
                && contest::is_document(&destination.path())
        };
        let gives_way = key != Key::Scripts && !executable && is_document();
        let (source, digest, size, is_sized) = match made {
            Made::Entry { index, digest, is_sized, size } => (Source::Entry(index), digest, size, is_sized),
            Made::Generated(content) => {
                let (digest, size) = (Kept::Sha256(Sha256::of(&content)), content.len() as u64);
                (Source::Generated(content), digest, size, true)
            }
        };
        self.files.push(PlannedFile { destination, source, executable, digest, size, is_sized, gives_way });
    }

    fn check(&self, key: Key, destination: &Path) -> Result<(), Problem> {
        let scheme = self.scheme;
        let too_long = destination.components().any(|part| part.as_os_str().len() > MAX_NAME)
            || destination.as_os_str().len() > MAX_PATH;
        if too_long {
            return Err(refused(Code::ArchiveName, "a name is longer than file systems take", destination));
        }
        let among = |directory: &PathBuf| destination.strip_prefix(directory).ok();
        let among_modules = among(&scheme.purelib).or_else(|| among(&scheme.platlib));
        let directories = [&scheme.purelib, &scheme.platlib, &scheme.scripts, &scheme.headers, &scheme.data];
        let in_the_way = directories.iter().any(|directory| directory.starts_with(destination));
        // Some systems have their compiled modules in lib64, which elsewhere is a link of the environment's own.
        let owned = among_modules.is_none()
            && destination.strip_prefix(&scheme.data).is_ok_and(|tail| tail.to_str().is_some_and(venv::owns));
        if in_the_way || owned || destination == scheme.interpreter {
            return Err(refused(
                Code::EnvironmentOwned,
                "the wheel would write a file of the environment itself",
                destination,
            ));
        }
        // In a folder of everything, what lies in a directory of its own is nobody's module by itself.
        let is_apart = among_modules.is_some_and(|tail| tail.components().count() > 1);
        let among_any = among_modules.is_some() || self.is_in_another_library(destination);
        if !key.holds_modules() && among_any && !(scheme.is_flat() && is_apart) {
            return Err(refused(
                Code::SchemeCrossing,
                "a file that is no module would land among the modules",
                destination,
            ));
        }
        let metadata = among_modules.and_then(|tail| tail.components().next()).is_some_and(|first| {
            let first = first.as_os_str().to_string_lossy();
            first != self.wheel.dist_info() && first.to_ascii_lowercase().ends_with(".dist-info")
        });
        let by_detour =
            key != Key::Root && destination.starts_with(self.library.join(self.wheel.dist_info()));
        if metadata || by_detour {
            return Err(refused(
                Code::DistInfo,
                "a file would land in the metadata of a distribution",
                destination,
            ));
        }
        Ok(())
    }

    /// Whether a place is where another Python of the same prefix looks for its own: `lib/python3.12/…`, and on Debian
    /// `local/lib/python3.12/…`.
    fn is_in_another_library(&self, destination: &Path) -> bool {
        let own = [&self.scheme.purelib, &self.scheme.platlib].map(|site| site.parent());
        let Ok(tail) = destination.strip_prefix(&self.scheme.data) else { return false };
        let mut parts = tail.iter().map(|part| part.to_string_lossy().to_ascii_lowercase()).peekable();
        let _ = parts.next_if(|first| first == "local");
        let library = parts.next().is_some_and(|lib| lib.starts_with("lib"))
            && parts.next().is_some_and(|name| name.starts_with("python") || name.starts_with("pypy"));
        library && !own.into_iter().flatten().any(|own| destination.starts_with(own))
    }

    /// No two files of the plan may go to one place, nor one stand where another needs a directory.
    fn check_nesting(&self, record: &Path) -> Result<(), Problem> {
        let is_twice = |pair: &&[PlannedFile]| match pair {
            [one, other] => one.destination == other.destination,
            _ => false,
        };
        if let Some(file) = self.files.windows(2).find(is_twice).and_then(<[PlannedFile]>::first) {
            let place = &file.destination;
            return Err(refused(Code::FileConflict, "two files of the wheel go to one place", &place.path()));
        }
        let is_planned =
            |path: &Path| self.files.binary_search_by(|file| file.destination.order(path)).is_ok();
        // Directories that were found free, as all above them were.
        let mut free: HashSet<Box<[u8]>> = HashSet::new();
        let files = self.files.chunk_by(|one, next| one.destination.is_beside(&next.destination));
        for directory in files.filter_map(|files| files.first()?.destination.parent()) {
            for parent in directory.ancestors() {
                if free.contains(bytes(parent)) {
                    break;
                }
                free.insert(bytes(parent).into());
                if is_planned(parent) || parent == record {
                    return Err(refused(
                        Code::FileConflict,
                        "a file stands where another needs a directory",
                        parent,
                    ));
                }
            }
        }
        if is_planned(record) {
            return Err(refused(Code::FileConflict, "a file stands where RECORD goes", record));
        }
        Ok(())
    }
}

/// Where a planned file's content comes from, and what RECORD says of it.
enum Made {
    Entry { index: usize, digest: Kept, is_sized: bool, size: u64 },
    Generated(Vec<u8>),
}

/// As RECORD lists it.
fn listed_as(index: usize, entry: &Entry) -> Made {
    let Listed { digest, size } = entry.listed();
    Made::Entry { index, digest: digest.into(), is_sized: size.is_some(), size: entry.size() }
}

fn refused(code: Code, what: &str, destination: &Path) -> Problem {
    Problem::new(code, what)
        .found(destination.display())
        .help("do not install this file; tell the maintainers of the project, and lock another version of it")
}

/// The entry point that a shipped script stands for: setuptools writes `NAME`, `NAME.exe` or `NAME-script.py`.
fn wrapped_name(tail: &str) -> &str {
    let name = tail.rsplit_once('/').map_or(tail, |(_, name)| name);
    let ending = [".exe", "-script.py", ".pya"].into_iter().find_map(|ending| {
        let at = name.len().checked_sub(ending.len())?;
        let (stem, found) = name.split_at_checked(at)?;
        found.eq_ignore_ascii_case(ending).then_some(stem)
    });
    ending.unwrap_or(name)
}

/// The first bytes of an entry, which nobody has verified yet: good for a guess that the whole is checked against.
fn head(wheel: &Wheel, entry: &Entry) -> Result<Vec<u8>, Problem> {
    struct Head(Vec<u8>);
    impl std::io::Write for Head {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.0.len() >= PYTHON_SCRIPT.len() {
                return Err(std::io::ErrorKind::Other.into());
            }
            self.0.extend(bytes.iter().take(PYTHON_SCRIPT.len()));
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut head = Head(Vec::new());
    match wheel.extract(entry, &mut head) {
        Ok(_) | Err(ExtractError::Sink(_)) => Ok(head.0),
        Err(ExtractError::Wheel(problem)) => Err(problem),
    }
}

/// `path` as RECORD writes it: relative to the directory `base`, with `/`. Both are absolute and without `..`.
pub(super) fn relative<'p>(base: &Path, path: &'p Path) -> Cow<'p, str> {
    // Most paths are below, which their bytes tell.
    if let Some([b'/', tail @ ..]) = bytes(path).strip_prefix(bytes(base))
        && let Ok(tail) = std::str::from_utf8(tail)
    {
        return tail.into();
    }
    let mut common = base;
    let mut up = String::new();
    loop {
        if let Ok(tail) = path.strip_prefix(common) {
            return format!("{up}{}", tail.to_string_lossy()).into();
        }
        match common.parent() {
            Some(parent) => common = parent,
            None => return path.to_string_lossy(),
        }
        up.push_str("../");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_record_are_relative_to_the_library() {
        let check = |path: &str, expected: &str| {
            assert_eq!(relative(Path::new("/env/lib/python3.13/site-packages"), Path::new(path)), expected);
        };
        check("/env/lib/python3.13/site-packages/pkg/x.py", "pkg/x.py");
        check("/env/bin/tool", "../../../bin/tool");
        check("/env/include/site/python3.13/pkg/x.h", "../../../include/site/python3.13/pkg/x.h");
        check("/usr/bin/x", "../../../../usr/bin/x");
    }

    #[test]
    fn setuptools_wrappers_stand_for_entry_points() {
        let check = |tail: &str, expected: &str| assert_eq!(wrapped_name(tail), expected);
        check("tool", "tool");
        check("tool.exe", "tool");
        check("tool-script.py", "tool");
        check("TOOL.EXE", "TOOL");
        check("sub/tool.pya", "tool");
        check("é", "é");
        check(".exe", "");
    }
}
