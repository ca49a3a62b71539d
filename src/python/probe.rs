//! Asking an interpreter about itself.
//!
//! Owns: the probe script, what is made of its answer, and the cache of answers. Never: runs `site` or a package, and never takes an answer whose interpreter has changed since.

mod ahead;
mod program;

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pipward_resolver::tags::{Platform, PythonBuild};
use pipward_resolver::{MarkerEnvironment, Tags, Target, Version};
use serde::{Deserialize, Serialize};

pub use ahead::Ahead;
pub(super) use ahead::begin;
use program::{MAX_ANSWER, Output, Running};

use super::{Interpreter, Layout, Scheme, elf};
use crate::digest::Sha256;
use crate::error::{Code, Place, Problem};
use crate::threads::{is_limit, limited};

const SCRIPT: &str = include_str!("probe.py");
/// Raised when the script or the meaning of an answer changes.
const FORMAT: u32 = 2;
/// The largest EXTERNALLY-MANAGED file that is read, in bytes.
const MAX_EXTERNALLY_MANAGED: u64 = 64 << 10;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Answer {
    executable: PathBuf,
    implementation: String,
    version: (u8, u8),
    version_text: String,
    prefix: PathBuf,
    base_prefix: PathBuf,
    abiflags: String,
    markers: MarkerEnvironment,
    free_threaded: bool,
    debug: bool,
    pointer_bits: u8,
    platform: String,
    libc: Option<String>,
    paths: Paths,
    venv_paths: Paths,
    base_sites: Vec<PathBuf>,
    #[serde(default)]
    musl: Option<(u16, u16)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Paths {
    purelib: PathBuf,
    platlib: PathBuf,
    scripts: PathBuf,
    include: PathBuf,
    data: PathBuf,
    stdlib: PathBuf,
}

/// Asks the interpreter at `executable` about itself, or takes the kept answer where nothing has changed.
pub(super) fn probe(executable: &Path, cache: Option<&Path>) -> Result<Interpreter, Problem> {
    let path = std::path::absolute(executable)
        .map_err(|error| crate::error::io("finding the current directory", executable, &error))?;
    let kept = cache.and_then(|cache| Kept::new(cache, &path));
    if let Some(answer) = kept.as_ref().and_then(Kept::read)
        && let Ok(interpreter) = interpret(&answer, &path)
    {
        return Ok(Interpreter { kept: true, ..interpreter });
    }
    let answer = ahead::begun(&path).unwrap_or_else(|| ask(&path))?;
    let mut interpreter = interpret(&answer, &path)?;
    // What a shim answers depends on more than its own file.
    if answer.executable == path {
        interpreter.answer = Some(Arc::new(answer));
    }
    Ok(interpreter)
}

/// Keeps what `interpreter` answered in this run, if it was asked. A cache that cannot be written is no reason to fail.
pub(super) fn remember(interpreter: &Interpreter, cache: &Path) {
    let Some(answer) = &interpreter.answer else { return };
    if let Some(kept) = Kept::new(cache, &answer.executable) {
        kept.write(answer);
    }
}

fn unusable(path: &Path, what: &str) -> Problem {
    Problem::new(Code::PythonUnusable, what)
        .at(Place::file(path))
        .help("name another one with --python: CPython or PyPy, 3.8 or newer")
}

fn ask(path: &Path) -> Result<Answer, Problem> {
    read(path, asked(path).and_then(Running::end))
}

/// A Python that is asked.
fn asked(path: &Path) -> std::io::Result<Running> {
    Running::begin(path, &["-I", "-S", "-c", SCRIPT])
}

fn read(path: &Path, said: std::io::Result<Output>) -> Result<Answer, Problem> {
    let output = said.map_err(|error| match is_limit(&error) {
        true => limited("the system gives no process to ask this Python", error).at(Place::file(path)),
        false => unusable(path, "this Python did not answer").cause(error),
    })?;
    let mut answer: Answer = serde_json::from_slice(&output.stdout).map_err(|error| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let last = complaint.lines().rfind(|line| !line.trim().is_empty());
        unusable(path, "this Python did not tell what pipward asked").cause(last.map_or_else(
            || format!("its answer cannot be read: {error}"),
            |line| line.trim().chars().take(300).collect(),
        ))
    })?;
    answer.musl = musl(&answer.executable);
    Ok(answer)
}

/// The version of musl, told by the program interpreter that the executable names (PEP 656).
fn musl(executable: &Path) -> Option<(u16, u16)> {
    let loader = elf::program_interpreter(executable)?;
    if !loader.is_absolute() || !loader.file_name()?.to_str()?.contains("musl") {
        return None;
    }
    let said = Running::begin(&loader, &[]).and_then(Running::end).ok()?;
    musl_version(&String::from_utf8_lossy(&said.stderr))
}

/// Reads what musl's loader prints: `musl libc (x86_64)`, then `Version 1.2.4`.
fn musl_version(text: &str) -> Option<(u16, u16)> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.next().filter(|line| line.starts_with("musl"))?;
    two_numbers(lines.next()?.strip_prefix("Version ")?)
}

fn two_numbers(text: &str) -> Option<(u16, u16)> {
    let mut numbers = text.split('.').map(|part| {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        part.get(..digits).and_then(|digits| digits.parse().ok())
    });
    Some((numbers.next()??, numbers.next()??))
}

fn interpret(answer: &Answer, asked: &Path) -> Result<Interpreter, Problem> {
    if !matches!(answer.implementation.as_str(), "cpython" | "pypy") || answer.version < (3, 8) {
        return Err(unusable(asked, "this Python is not one that pipward installs for")
            .expected("CPython or PyPy, 3.8 or newer")
            .found(format!("{} {}", answer.implementation, answer.version_text)));
    }
    let malformed =
        |what: &str| unusable(asked, &format!("the answer of this Python contradicts itself: {what}"));
    let version: Version = answer.version_text.parse().map_err(|_| malformed("its version is no version"))?;
    let relative = |path: &Path| {
        let relative = path.strip_prefix("/pipward").map(Path::to_path_buf);
        relative.map_err(|_| malformed("its environments reach outside of themselves"))
    };
    let layout = Layout {
        purelib: relative(&answer.venv_paths.purelib)?,
        platlib: relative(&answer.venv_paths.platlib)?,
        scripts: relative(&answer.venv_paths.scripts)?,
        wide: answer.pointer_bits == 64,
    };
    let is_virtual = answer.prefix != answer.base_prefix;
    let mut scheme = Scheme {
        purelib: answer.paths.purelib.clone(),
        platlib: answer.paths.platlib.clone(),
        scripts: answer.paths.scripts.clone(),
        headers: answer.paths.include.clone(),
        data: answer.paths.data.clone(),
        interpreter: answer.executable.clone(),
        python: answer.version,
    };
    if is_virtual {
        // What pip does, and sysconfig does not: headers of packages have their own place in a virtual environment.
        scheme.headers = layout.scheme(&answer.prefix, answer.version).headers;
        let inside = [&scheme.purelib, &scheme.platlib, &scheme.scripts, &scheme.data];
        if inside.iter().any(|path| !path.starts_with(&answer.prefix)) {
            return Err(malformed("its environment reaches outside of itself"));
        }
    }
    let externally_managed = if is_virtual { None } else { externally_managed(&answer.paths.stdlib) };
    let target = Target {
        markers: answer.markers.clone(),
        tags: tags(answer).ok_or_else(|| malformed("its platform"))?,
    };
    Ok(Interpreter {
        executable: answer.executable.clone(),
        version,
        root: if is_virtual { answer.prefix.clone() } else { root(&answer.prefix, &scheme) },
        prefix: answer.prefix.clone(),
        base_prefix: answer.base_prefix.clone(),
        base_executable: base_executable(answer),
        scheme,
        layout,
        target,
        free_threaded: answer.free_threaded,
        base_sites: answer.base_sites.clone(),
        platform: platform(answer).ok_or_else(|| malformed("its platform"))?,
        externally_managed,
        answer: None,
        kept: false,
    })
}

/// The directory above `prefix` and the scheme's directories, as links lead: the prefix itself where those are beneath
/// it, or where nothing but the root of the file system is above them all.
fn root(prefix: &Path, scheme: &Scheme) -> PathBuf {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let home = real(prefix);
    let modules = [real(&scheme.purelib), real(&scheme.platlib), real(&scheme.scripts)];
    if modules.iter().all(|path| path.starts_with(&home)) {
        return prefix.to_owned();
    }
    let above = home.ancestors().find(|above| modules.iter().all(|path| path.starts_with(above)));
    above.filter(|above| above.parent().is_some()).map_or_else(|| prefix.to_owned(), Path::to_owned)
}

/// The executable that environments lead to: the one of the base installation's own `bin`, so that `home` in pyvenv.cfg
/// is a directory from which that installation finds its library, also where a link elsewhere was asked.
fn base_executable(answer: &Answer) -> PathBuf {
    let (major, minor) = answer.version;
    let bin = answer.base_prefix.join("bin");
    let program = if answer.implementation == "pypy" { "pypy" } else { "python" };
    let names = [format!("{program}{major}.{minor}{}", answer.abiflags), format!("{program}{major}.{minor}")];
    let mut inside = names.iter().map(|name| bin.join(name));
    inside.find(|path| path.is_file()).unwrap_or_else(|| answer.executable.clone())
}

fn tags(answer: &Answer) -> Option<Tags> {
    let build = PythonBuild {
        implementation: answer.implementation.clone(),
        version: answer.version,
        abi: None,
        free_threaded: answer.free_threaded,
        debug: answer.debug,
    };
    Some(Tags::of(&build, &platform(answer)?))
}

/// The platform behind `sysconfig.get_platform()`: `linux-x86_64`.
fn platform(answer: &Answer) -> Option<Platform> {
    if let Some(arch) = answer.platform.strip_prefix("linux-") {
        let arch = match (arch.replace(['-', '.'], "_"), answer.pointer_bits) {
            (arch, 32) if arch == "x86_64" => "i686".to_owned(),
            (arch, 32) if arch == "aarch64" => "armv8l".to_owned(),
            (arch, _) => arch,
        };
        if let Some((major, minor)) = answer.musl {
            return Some(Platform::Musl { arch, major, minor });
        }
        let glibc = answer.libc.as_deref().and_then(|text| text.strip_prefix("glibc "));
        let (major, minor) = glibc.and_then(two_numbers).unwrap_or((0, 0));
        return Some(Platform::Glibc { arch, major, minor });
    }
    if let Some(rest) = answer.platform.strip_prefix("macosx-") {
        let (version, arch) = rest.split_once('-')?;
        let (major, minor) = two_numbers(version)?;
        return Some(Platform::MacOs { arch: arch.to_owned(), major, minor });
    }
    let arch = answer.platform.strip_prefix("win-").or_else(|| answer.platform.strip_prefix("win"))?;
    Some(Platform::Windows { arch: if arch == "32" { "x86".to_owned() } else { arch.to_owned() } })
}

/// The words of an EXTERNALLY-MANAGED file beside the standard library (PEP 668, "Guide users towards virtual
/// environments"); words of our own where the file has none.
fn externally_managed(stdlib: &Path) -> Option<String> {
    let file = std::fs::File::open(stdlib.join("EXTERNALLY-MANAGED")).ok()?;
    let mut bytes = Vec::new();
    // A file that cannot be read whole marks the environment all the same.
    file.take(MAX_EXTERNALLY_MANAGED).read_to_end(&mut bytes).ok();
    let text = String::from_utf8_lossy(&bytes);
    Some(
        error_text(&text)
            .unwrap_or_else(|| "The system's package manager looks after this environment.".to_owned()),
    )
}

/// The value of `Error` in an INI file, with its continuation lines.
fn error_text(ini: &str) -> Option<String> {
    let mut lines = ini.lines().skip_while(|line| line.trim() != "[externally-managed]").skip(1);
    let first = lines.by_ref().take_while(|line| !line.starts_with('[')).find_map(|line| {
        let (key, value) = line.split_once(['=', ':'])?;
        key.trim().eq_ignore_ascii_case("error").then(|| value.trim().to_owned())
    })?;
    let more = lines.take_while(|line| line.is_empty() || line.starts_with([' ', '\t'])).map(str::trim);
    let text: Vec<&str> = std::iter::once(first.as_str()).chain(more).collect();
    Some(text.join("\n").trim().to_owned()).filter(|text| !text.is_empty())
}

/// A place in the cache for the answer of one interpreter as it stands now.
struct Kept {
    file: PathBuf,
    key: String,
}

#[derive(Serialize, Deserialize)]
struct Entry<A> {
    key: String,
    answer: A,
}

impl Kept {
    /// The key is all that an answer depends on: the executable, pyvenv.cfg, the C library and the running system.
    fn new(cache: &Path, path: &Path) -> Option<Self> {
        let name = Sha256::of(path.as_os_str().as_encoded_bytes());
        let loader = elf::program_interpreter(path);
        let cfg = path.parent()?.parent()?.join("pyvenv.cfg");
        let system = ["osrelease", "version"].map(|name| {
            std::fs::read_to_string(Path::new("/proc/sys/kernel").join(name)).unwrap_or_default()
        });
        let key = format!(
            "{FORMAT}|{}|{}|{}|{}|{}",
            path.display(),
            identity(path)?,
            identity(&cfg).unwrap_or_default(),
            loader.as_deref().and_then(identity).unwrap_or_default(),
            system.join("|"),
        );
        Some(Self { file: cache.join("interpreters").join(format!("{name}.json")), key })
    }

    fn read(&self) -> Option<Answer> {
        let file = crate::cache::open_regular(&self.file, false).ok()?;
        let bytes = crate::room::read_at_most(file, MAX_ANSWER).ok()?;
        let entry: Entry<Answer> = serde_json::from_slice(&bytes).ok()?;
        (entry.key == self.key).then_some(entry.answer)
    }

    fn write(&self, answer: &Answer) {
        let written = serde_json::to_vec(&Entry { key: self.key.clone(), answer })
            .map_err(std::io::Error::from)
            .and_then(|entry| crate::cache::write_private(&self.file, &entry));
        if let Err(error) = written {
            tracing::debug!(%error, "a probe was not kept");
        }
    }
}

/// Size, mtime and ctime of the file that `path` leads to, and where that is.
fn identity(path: &Path) -> Option<String> {
    let resolved = std::fs::canonicalize(path).ok()?;
    let found = std::fs::metadata(&resolved).ok()?;
    Some(format!(
        "{} {} {} {}.{} {}.{}",
        resolved.display(),
        found.ino(),
        found.len(),
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn musl_tells_its_version() {
        let check = |text: &str, expected| assert_eq!(musl_version(text), expected, "{text}");
        check("musl libc (x86_64)\nVersion 1.2.4_git20230717\nDynamic Program Loader\n", Some((1, 2)));
        check("musl libc (i386)\nVersion 1.1.24\n", Some((1, 1)));
        check("glibc\nVersion 2.36\n", None);
        check("musl libc\n", None);
        check("musl libc\nVersion one.two\n", None);
        check("", None);
    }

    #[test]
    fn the_words_of_externally_managed() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(error_text(text).as_deref(), expected, "{text}");
        };
        check(
            "[externally-managed]\nError=To install:\n try apt\n\n or a venv\nOther=x\n",
            Some("To install:\ntry apt\n\nor a venv"),
        );
        check("[externally-managed]\nError-de=Nein\nError = No\n", Some("No"));
        check("[other]\nError=No\n", None);
        check("[externally-managed]\n[other]\nError=No\n", None);
        check("", None);
    }
}
