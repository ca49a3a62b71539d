//! Where the lock is written, in which format, and what that format can say.

use std::path::{Path, PathBuf};

use super::{Format, LockArgs};
use crate::cli::render::Printer;
use crate::config::Optional;
use crate::error::{Code, Place, Problem};
use crate::way::inputs::Inputs;
use crate::way::lock::{Locked, Range};
use crate::way::signatures;

/// Format and place of the lock; `None` is standard output. Pip writes into a file of any name, and tells it by `printer`.
pub(super) fn destination(
    arguments: &LockArgs,
    printer: Option<&Printer>,
) -> Result<(Format, Option<PathBuf>), Problem> {
    let named = arguments.output.as_deref();
    let looks_like_requirements = named.is_some_and(|path| path.extension().is_some_and(|e| e == "txt"));
    let format = arguments.format.unwrap_or(if looks_like_requirements {
        Format::Requirements
    } else {
        Format::Pylock
    });
    let path = match (named, format) {
        (Some(path), _) if path == Path::new("-") => None,
        (Some(path), _) => Some(path.to_owned()),
        (None, Format::Pylock) => Some(PathBuf::from("pylock.toml")),
        (None, Format::Requirements) => Some(PathBuf::from("requirements.txt")),
    };
    if let (Some(path), Format::Pylock) = (&path, format)
        && !crate::lock::pylock::is_pylock_name(path)
    {
        if let Some(printer) = printer.filter(|printer| printer.persona().is_pip()) {
            printer.warn(&format!("{} is not a valid lock file name.", path.display()));
            is_no_input(path, arguments)?;
            return Ok((format, Some(path.clone())));
        }
        return Err(Problem::new(Code::Usage, "this is not a file name of a lock")
            .expected("pylock.toml or pylock.NAME.toml (PEP 751)")
            .found(path.display())
            .help("name it so, or ask for --format requirements"));
    }
    if let Some(path) = &path {
        is_no_input(path, arguments)?;
    }
    Ok((format, path))
}

/// What is locked from must not be written over, nor what is no file.
fn is_no_input(path: &Path, arguments: &LockArgs) -> Result<(), Problem> {
    let Ok(output) = fs_err::canonicalize(path) else { return Ok(()) };
    if !output.is_file() {
        return Err(Problem::new(Code::Usage, "the lock cannot be written here: this is no file")
            .at(Place::file(path))
            .help("name a file with -o; `-o -` is standard output"));
    }
    let typed = arguments.requirements.iter().map(Path::new);
    let lists = [&arguments.requirement, &arguments.constraint, &arguments.overrides];
    let files = typed.chain(lists.into_iter().flatten().map(PathBuf::as_path));
    let is_output = |file: &Path| fs_err::canonicalize(file).is_ok_and(|file| file == output);
    match files.into_iter().find(|file| is_output(file)) {
        None => Ok(()),
        Some(file) => Err(Problem::new(Code::Usage, "the lock would be written over what it is made from")
            .at(Place::file(file))
            .help("name another file with -o; the inputs are often called requirements.in")),
    }
}

/// What a requirements file cannot hold, and its reader may miss.
pub(super) fn left_out(locked: &Locked, format: Format) -> Option<&'static str> {
    let tool = locked.lock.tool.as_ref()?;
    let changes_needs = !tool.overrides.is_empty() || !tool.excludes.is_empty();
    (format == Format::Requirements && changes_needs).then_some(
        "a requirements file does not tell what was overridden or excluded: pip check, and pipward install without --no-deps, may miss it; a pylock.toml tells it",
    )
}

/// Extras and groups that exclude each other are told by markers, which a universal pylock.toml alone can hold.
pub(super) fn check_optional(inputs: &Inputs, range: &Range, format: Format) -> Result<(), Problem> {
    let why = match (range, format) {
        (_, Format::Requirements) => {
            "a requirements file cannot hold extras and groups that exclude each other"
        }
        (Range::One(_), _) => {
            "a lock for one environment cannot hold extras and groups that exclude each other"
        }
        (Range::Universal(_), Format::Pylock) => return Ok(()),
    };
    if inputs.optional.is_empty() {
        return Ok(());
    }
    let name = |optional: &Optional| match optional {
        Optional::Extra(name) => format!("--extra {name}"),
        Optional::Group(name) => format!("--group {name}"),
    };
    let names: Vec<String> = inputs.optional.iter().map(name).collect();
    Err(Problem::new(Code::Usage, why)
        .expected(format!("one of {}", names.join(", ")))
        .help("name one of them, and lock once for each; or write a universal pylock.toml"))
}

/// Signs the lock, where a key is given; else says that a signature of before is no longer one.
pub(super) fn sign(lock: &Path, key: Option<&Path>, changed: bool, printer: &Printer) -> Result<(), Problem> {
    let signature = signatures::beside(lock);
    match key {
        Some(key) => {
            let written = signatures::sign(lock, key)?;
            printer.note(&format!("Signed: {}", written.display()));
        }
        None if changed && signature.is_file() => printer.warn(&format!(
            "{} is the signature of the lock as it was: sign it again with --sign-key",
            signature.display()
        )),
        None => {}
    }
    Ok(())
}
