//! Which environment a job works on.
//!
//! The interpreter of an environment that is written to, or vouched for, is asked anew each time: what a cache
//! says of it could have been changed by whoever can write the cache, and would say where files go. What it said before
//! will do for the question whether there is anything to write at all ([`Environment::is_kept`]).
//! Never: writes into it.

use std::path::{Path, PathBuf};

use crate::error::{Code, Place as At, Problem};
use crate::python::{self, Ahead, Interpreter, PythonRequest};

/// A longer path of an environment would leave no room for the files below it (`PATH_MAX` is 4096), in bytes.
const MAX_DIRECTORY: usize = 2048;

/// What the user said about the environment.
#[derive(Debug, Clone)]
pub enum Place {
    /// `--venv`: made from `python` if it is not there.
    Venv {
        /// The directory.
        directory: PathBuf,
        /// What to make it from.
        python: PythonRequest,
    },
    /// The active virtual environment.
    Active(PathBuf),
    /// The environment of this Python.
    Python(PythonRequest),
    /// Nothing.
    Nothing,
}

/// Where a distribution goes, if not where the environment has its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Elsewhere {
    /// Nowhere else; into the user's directory where the own one may not be written.
    #[default]
    OrUser,
    /// Nowhere else.
    Own,
    /// The user's directory (PEP 370).
    User,
    /// Another prefix.
    Prefix(PathBuf),
    /// One folder.
    Target(PathBuf),
}

/// How an environment is to be used.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// Where things go.
    pub elsewhere: Elsewhere,
    /// What stands before every path (`--root`).
    pub root: Option<PathBuf>,
    /// Whether a Python of the system's may be changed (`--break-system-packages`).
    pub break_system: bool,
}

impl Usage {
    /// Whether things go where the environment has its own.
    pub fn is_usual(&self) -> bool {
        self.root.is_none() && matches!(self.elsewhere, Elsewhere::Own | Elsewhere::OrUser)
    }
}

/// Begins to ask the Python of an environment that is named by its directory, while other things are read. What it says, or
/// that it says nothing, is told where it is looked for.
pub fn begin(place: &Place, cache: Option<&Path>) -> Option<Ahead> {
    let (Place::Venv { directory, .. }
    | Place::Active(directory)
    | Place::Python(PythonRequest::Path(directory))) = place
    else {
        return None;
    };
    let is_environment = directory.join("pyvenv.cfg").is_file();
    is_environment.then(|| python::begin(&directory.join("bin/python"), cache)).flatten()
}

/// Finds the environment that was asked for, as it is to be used. Returns too whether it is the user's directory in
/// place of one that cannot be written.
///
/// # Errors
/// As [`find`]; `usage` for what does not go together.
pub fn find_for(place: &Place, usage: &Usage) -> Result<(Environment, bool), Problem> {
    find_in(place, usage, None)
}

/// As [`find_for`], but what interpreters said in earlier runs, as `cache` has it, will do for an environment that stands
/// and is used as usual.
///
/// # Errors
/// As [`find_for`].
pub fn find_kept(place: &Place, usage: &Usage, cache: Option<&Path>) -> Result<(Environment, bool), Problem> {
    if !usage.is_usual() {
        return find_in(place, usage, None);
    }
    match find_in(place, usage, cache)? {
        (environment @ Environment::Standing(_), false) => Ok((environment, false)),
        _ => find_in(place, usage, None),
    }
}

fn find_in(place: &Place, usage: &Usage, cache: Option<&Path>) -> Result<(Environment, bool), Problem> {
    let own = matches!(usage.elsewhere, Elsewhere::Own | Elsewhere::OrUser | Elsewhere::User);
    if let Place::Venv { .. } = place {
        if usage.root.is_some() || !matches!(usage.elsewhere, Elsewhere::Own | Elsewhere::OrUser) {
            return Err(Problem::new(Code::Usage, "--venv names the place itself")
                .help("leave out --venv, or --target, --prefix, --root and --user"));
        }
        return find_with(place, cache).map(|environment| (environment, false));
    }
    // "Specifying --root, --target, or --prefix disables the check" (PEP 668).
    let unmanaged = usage.break_system || !own || usage.root.is_some();
    let interpreter = match place {
        Place::Active(directory) => match standing(directory, cache)? {
            Environment::Standing(interpreter) => *interpreter,
            new @ Environment::New { .. } => return Ok((new, false)),
        },
        Place::Nothing if own => match find(place)? {
            Environment::Standing(interpreter) => *interpreter,
            new @ Environment::New { .. } => return Ok((new, false)),
        },
        Place::Python(request) => python::find(request, cache)?,
        Place::Nothing | Place::Venv { .. } => python::find(&PythonRequest::Any, None)?,
    };
    if !unmanaged {
        refuse_managed(&interpreter)?;
    }
    let falls_back = usage.elsewhere == Elsewhere::OrUser
        && usage.root.is_none()
        && !interpreter.is_virtual()
        && !interpreter.is_writable();
    let mut used = match &usage.elsewhere {
        Elsewhere::Own => interpreter,
        Elsewhere::OrUser if !falls_back => interpreter,
        Elsewhere::OrUser | Elsewhere::User => for_user(&interpreter)?,
        Elsewhere::Prefix(prefix) => interpreter.at_prefix(&absolute(prefix)?),
        Elsewhere::Target(directory) => interpreter.at_target(&target(directory)?),
    };
    if let Some(root) = &usage.root {
        used = used.beneath(&absolute(root)?);
    }
    if !used.is_kept() {
        crate::install::recover(&used.root)?;
    } else if !crate::install::is_settled(&used.root) {
        return find_in(place, usage, None);
    }
    Ok((Environment::Standing(Box::new(used)), falls_back))
}

fn for_user(interpreter: &Interpreter) -> Result<Interpreter, Problem> {
    let refuse = |why: &str| {
        Problem::new(Code::EnvironmentInvalid, format!("Can not perform a '--user' install. {why}"))
            .at(At::file(&interpreter.prefix))
            .help("leave out --user")
    };
    if !interpreter.sees_system() {
        return Err(refuse("User site-packages are not visible in this virtualenv."));
    }
    if python::user_site_is_disabled() {
        return Err(refuse("User site-packages are disabled for this Python."));
    }
    interpreter.for_user().ok_or_else(|| refuse("There is no home directory."))
}

fn target(directory: &Path) -> Result<PathBuf, Problem> {
    if directory.exists() && !directory.is_dir() {
        return Err(Problem::new(
            Code::EnvironmentInvalid,
            "Target path exists but is not a directory, will not continue.",
        )
        .at(At::file(directory)));
    }
    absolute(directory)
}

/// A path from the root, without `..` in it, since RECORD tells how one path is reached from another.
fn absolute(path: &Path) -> Result<PathBuf, Problem> {
    let absolute = std::path::absolute(path)
        .map_err(|error| crate::error::io("finding the current directory", path, &error))?;
    let mut plain = PathBuf::new();
    for part in absolute.components() {
        if part == std::path::Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    Ok(plain)
}

/// The environment of a job.
#[derive(Debug, Clone)]
pub enum Environment {
    /// One that will be made.
    New {
        /// Where; absolute.
        directory: PathBuf,
        /// From what.
        base: Box<Interpreter>,
    },
    /// One that is there.
    Standing(Box<Interpreter>),
}

impl Environment {
    /// The interpreter that tells markers, tags and scheme.
    pub fn interpreter(&self) -> &Interpreter {
        match self {
            Self::New { base, .. } => base,
            Self::Standing(interpreter) => interpreter,
        }
    }

    /// Whether its interpreter is told as it answered in an earlier run.
    pub fn is_kept(&self) -> bool {
        self.interpreter().is_kept()
    }

    /// The directory of the environment.
    pub fn directory(&self) -> &Path {
        match self {
            Self::New { directory, .. } => directory,
            Self::Standing(interpreter) => &interpreter.root,
        }
    }
}

/// Finds the environment that was asked for.
///
/// # Errors
/// `environment-invalid`, `no-environment`, `externally-managed`, and those of [`python::find`].
pub fn find(place: &Place) -> Result<Environment, Problem> {
    find_with(place, None)
}

fn find_with(place: &Place, cache: Option<&Path>) -> Result<Environment, Problem> {
    match place {
        Place::Venv { directory, python } => venv(directory, python, cache),
        Place::Active(directory) => standing(directory, cache),
        Place::Python(request) => owned(python::find(request, cache)?),
        Place::Nothing => {
            // A system Python gets the refusal that pip gives (PEP 668); another one is not taken unasked.
            if let Ok(interpreter) = python::find(&PythonRequest::Any, None)
                && interpreter.externally_managed.is_some()
            {
                refuse_managed(&interpreter)?;
            }
            Err(Problem::new(Code::NoEnvironment, "no virtual environment is active and none is named").help(
                "add --venv .venv, which makes one if it is not there; or name an interpreter with --python",
            ))
        }
    }
}

/// Finds a standing environment that is only looked at: one that the system manages will do.
///
/// # Errors
/// `environment-invalid`, `no-environment`, `python-not-found`, `python-unusable`.
pub fn look_at(place: &Place) -> Result<Interpreter, Problem> {
    let interpreter = match place {
        Place::Python(request) => python::find(request, None)?,
        Place::Active(directory) | Place::Venv { directory, .. } => {
            return standing(directory, None).map(|environment| environment.interpreter().clone());
        }
        Place::Nothing => {
            return Err(Problem::new(
                Code::NoEnvironment,
                "no virtual environment is active and none is named",
            )
            .help("name the directory of the environment, as in `pipward verify .venv`"));
        }
    };
    crate::install::recover(&interpreter.root)?;
    Ok(interpreter)
}

fn venv(directory: &Path, request: &PythonRequest, cache: Option<&Path>) -> Result<Environment, Problem> {
    let absolute = std::path::absolute(directory)
        .map_err(|error| crate::error::io("finding the current directory", directory, &error))?;
    if absolute.as_os_str().len() > MAX_DIRECTORY {
        return Err(Problem::new(
            Code::EnvironmentInvalid,
            "the path of the environment is too long for what goes into it",
        )
        .at(At::file(&absolute))
        .expected(format!("at most {MAX_DIRECTORY} bytes"))
        .found(format!("{} bytes", absolute.as_os_str().len()))
        .help("name a shorter directory"));
    }
    // What a killed run left of this environment is settled before anything looks at it.
    crate::install::recover(&absolute)?;
    if !occupied(&absolute) {
        let base = python::find(request, None)?.base(None)?;
        return Ok(Environment::New { directory: absolute, base: Box::new(base) });
    }
    let environment = standing(&absolute, cache)?;
    if let PythonRequest::Version(wanted) = request {
        let found = &environment.interpreter().version;
        let matches = wanted.release().iter().zip(found.release()).all(|(want, have)| want == have);
        if !matches {
            return Err(Problem::new(
                Code::EnvironmentInvalid,
                "the environment has another Python than the one asked for",
            )
            .at(At::file(&absolute))
            .expected(format!("Python {wanted}"))
            .found(format!("Python {found}"))
            .help("name another directory, or leave --python away"));
        }
    }
    Ok(environment)
}

/// Whether something stands there; an empty directory does not count.
fn occupied(directory: &Path) -> bool {
    match fs_err::read_dir(directory) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => directory.symlink_metadata().is_ok(),
    }
}

fn standing(directory: &Path, cache: Option<&Path>) -> Result<Environment, Problem> {
    let invalid = |what: &str| {
        Problem::new(Code::EnvironmentInvalid, what)
            .at(At::file(directory))
            .expected("a virtual environment: pyvenv.cfg and bin/python")
            .help("name another directory with --venv, or delete this one yourself if it is not needed")
    };
    crate::install::recover(directory)?;
    if !directory.join("pyvenv.cfg").is_file() {
        return Err(invalid("this is not a virtual environment"));
    }
    let interpreter = python::probe(&directory.join("bin/python"), cache)
        .map_err(|problem| invalid("the environment's Python does not answer").cause(problem.message()))?;
    Ok(Environment::Standing(Box::new(interpreter)))
}

fn owned(interpreter: Interpreter) -> Result<Environment, Problem> {
    refuse_managed(&interpreter)?;
    crate::install::recover(&interpreter.root)?;
    Ok(Environment::Standing(Box::new(interpreter)))
}

/// Refuses to work on the environment of a Python that the system's package manager keeps (PEP 668).
///
/// # Errors
/// `externally-managed`.
pub fn refuse_managed(interpreter: &Interpreter) -> Result<(), Problem> {
    let Some(text) = &interpreter.externally_managed else { return Ok(()) };
    Err(Problem::new(Code::ExternallyManaged, "this environment is externally managed")
        .at(At::file(&interpreter.prefix))
        .cause(text.trim())
        .help(
            "install into a virtual environment: add --venv .venv, which makes one if it is not there; or, where the \
             system's own Python is meant, say so with --break-system-packages",
        ))
}
