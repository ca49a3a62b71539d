//! `pipward shim DIR|ENV`: links named pip that lead to pipward.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Outcome;
use super::render::Printer;
use crate::config;
use crate::error::{Code, Place, Problem, io};
use crate::python;

/// Arguments of `pipward shim`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward shim .venv             pip, pip3 and pip3.X in the environment's bin
  pipward shim /usr/local/bin    the same for the Python that stands there

Started by one of these names, pipward takes pip's options, variables and files, and works on the environment of the
Python beside the link.")]
pub(crate) struct ShimArgs {
    /// An environment, or a folder
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Replace what has these names already, such as pip itself
    #[arg(long)]
    force: bool,
}

pub(super) fn run(arguments: &ShimArgs, printer: &Printer) -> Outcome {
    let is_environment = arguments.directory.join("pyvenv.cfg").is_file();
    let folder = if is_environment { arguments.directory.join("bin") } else { arguments.directory.clone() };
    if !folder.is_dir() {
        return Err(Problem::new(Code::EnvironmentInvalid, "there is no such folder or environment")
            .at(Place::file(&folder))
            .help("name a folder that is on PATH, or an environment")
            .into());
    }
    let program =
        config::program().map_err(|error| io("finding the program itself", Path::new("pipward"), &error))?;
    let mut names = vec!["pip".to_owned(), "pip3".to_owned()];
    names.extend(numbered(&folder));
    let links: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
    // All of them are looked at before the first is made.
    for link in &links {
        let is_ours = std::fs::read_link(link).is_ok_and(|target| target == program);
        if link.symlink_metadata().is_ok() && !is_ours && !arguments.force {
            return Err(Problem::new(Code::EnvironmentBusy, "something else has this name already")
                .at(Place::file(link))
                .help("look at what it is, and add --force to replace it")
                .into());
        }
    }
    for link in &links {
        replace(link, &program).map_err(|error| io("making a link", link, &error))?;
        printer.say(&format!("{} -> {}", link.display(), program.display()));
    }
    let made: Vec<String> = links.iter().map(|link| link.display().to_string()).collect();
    printer.document(&json!({ "ok": true, "links": made, "program": program.display().to_string() }));
    Ok(0)
}

/// `pip3.13`, where a Python stands in the folder.
fn numbered(folder: &Path) -> Option<String> {
    let python =
        ["python3", "python"].into_iter().map(|name| folder.join(name)).find(|path| path.is_file())?;
    let version = python::probe(&python, None).ok()?.version;
    match version.release() {
        [major, minor, ..] => Some(format!("pip{major}.{minor}")),
        _ => None,
    }
}

/// Makes the link beside its place and renames it there, so that the name always leads somewhere.
fn replace(link: &Path, program: &Path) -> std::io::Result<()> {
    let _writing = crate::way::Writing::begin();
    let folder = link.parent().unwrap_or(Path::new("."));
    let scratch = tempfile::Builder::new().prefix(".pip-").tempdir_in(folder)?;
    let made = scratch.path().join("link");
    std::os::unix::fs::symlink(program, &made)?;
    std::fs::rename(made, link)
}
