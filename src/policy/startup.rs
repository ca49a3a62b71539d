//! Code that runs at the next start of Python, whatever the program: what `site` reads, and what stands for a source.
//!
//! Owns: which files of a plan are of that kind. Never: runs or compiles one.

use std::path::{Component, Path, PathBuf};

use super::known;
use crate::digest::Sha256;
use crate::error::{Code, Place, Problem};
use crate::install::{InstallPlan, PlannedFile, Source};
use crate::wheel::Wheel;

/// No `.pth` of a list of paths is larger, in bytes.
const MAX_PTH: u64 = 64 << 10;

/// Finds what would run when Python starts: `.pth` files with code or with paths that lead out of `root`, `.start`
/// files (PEP 829), `sitecustomize` and `usercustomize`, and compiled files that take a source's place. `modules` are
/// the directories that `site` reads.
///
/// # Errors
/// Those of [`Wheel::content`].
pub fn startup_code(
    wheel: &Wheel,
    plan: &InstallPlan,
    modules: &[&Path],
    root: &Path,
) -> Result<Vec<Problem>, Problem> {
    let mut found = Vec::new();
    for file in plan.files() {
        let Some((directory, tail)) = modules
            .iter()
            .find_map(|directory| Some((*directory, file.destination.strip_prefix(directory).ok()?)))
        else {
            continue;
        };
        if let Some(what) = about(wheel, file, directory, tail, root)? {
            found.push(
                Problem::new(Code::StartupCode, format!("it brings code that runs by itself: {what}"))
                    .package(format_args!("{} {}", wheel.name().name(), wheel.name().version()))
                    .at(Place::file(wheel.name().as_str()).entry(tail.display().to_string()))
                    .help(format!(
                        "leave it out, or, if you have read the file and trust it, allow it by \
                         [[policy.exception]] code = \"startup-code\", package = \"{}\" and a reason in pipward.toml",
                        wheel.name().name()
                    )),
            );
        }
    }
    Ok(found)
}

/// What is to be said about one file, if anything.
fn about(
    wheel: &Wheel,
    file: &PlannedFile,
    directory: &Path,
    tail: &Path,
    root: &Path,
) -> Result<Option<String>, Problem> {
    let parts: Vec<String> =
        tail.components().map(|part| part.as_os_str().to_string_lossy().to_lowercase()).collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Ok(None) };
    if matches!(first.split('.').next(), Some("sitecustomize" | "usercustomize")) {
        return Ok(Some("Python imports this module at each start".to_owned()));
    }
    let is_compiled = Path::new(last).extension().is_some_and(|ending| ending == "pyc");
    let in_cache = parts.iter().rev().nth(1).is_some_and(|parent| parent == "__pycache__");
    if is_compiled && in_cache {
        return Ok(Some("a compiled file that Python runs in place of the source beside it".to_owned()));
    }
    if parts.len() > 1 {
        return Ok(None);
    }
    let ending = Path::new(last).extension().and_then(|ending| ending.to_str());
    match ending {
        Some("start") => Ok(Some("a .start file names code for each start of Python (PEP 829)".to_owned())),
        Some("pth") => pth(wheel, file, last, directory, root),
        _ => Ok(None),
    }
}

fn pth(
    wheel: &Wheel,
    file: &PlannedFile,
    name: &str,
    directory: &Path,
    root: &Path,
) -> Result<Option<String>, Problem> {
    if file.size > MAX_PTH {
        return Ok(Some(format!("a .pth file of {} bytes", file.size)));
    }
    let entry = match &file.source {
        Source::Entry(at) => wheel.entries().get(*at),
        Source::Generated(_) => None,
    };
    let Some(entry) = entry else { return Ok(None) };
    let content = wheel.content(entry)?;
    if known::is_known(wheel.name().name().as_ref(), name, Sha256::of(&content)) {
        return Ok(None);
    }
    Ok(read_pth(&content, directory, root))
}

/// What is wrong with the content of a `.pth` file; nothing is, if it lists paths below `root` alone.
fn read_pth(content: &[u8], directory: &Path, root: &Path) -> Option<String> {
    let Ok(text) = std::str::from_utf8(content) else {
        return Some("a .pth file that is not UTF-8".to_owned());
    };
    // All that Python has ever taken for the end of a line.
    let ends = ['\n', '\r', '\x0b', '\x0c', '\x1c', '\x1d', '\x1e', '\u{85}', '\u{2028}', '\u{2029}'];
    for line in text.trim_start_matches('\u{feff}').split(ends) {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if line.trim_start().starts_with("import") && !line.trim().contains(['/', '\\']) || is_import(line) {
            return Some("a .pth file with a line of code".to_owned());
        }
        if line.contains(|c: char| c.is_control()) {
            return Some("a .pth file with control characters".to_owned());
        }
        if !stays_below(directory, Path::new(line.trim_end()), root) {
            return Some("a .pth file with a path that leads out of the environment".to_owned());
        }
    }
    None
}

fn is_import(line: &str) -> bool {
    line.strip_prefix("import").is_some_and(|rest| rest.starts_with([' ', '\t']))
}

/// Whether `path`, taken from `directory`, is `root` or below it, by its words alone.
fn stays_below(directory: &Path, path: &Path, root: &Path) -> bool {
    let mut at = PathBuf::new();
    for part in directory.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !at.pop() {
                    return false;
                }
            }
            part => at.push(part),
        }
    }
    at.starts_with(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_files_may_list_paths_of_the_environment() {
        let check = |text: &str, fine: bool| {
            let found = read_pth(text.as_bytes(), Path::new("/env/lib/site-packages"), Path::new("/env"));
            assert_eq!(found.is_none(), fine, "{text:?}: {found:?}");
        };
        check("", true);
        check("# import os\n\n  \n", true);
        check("pkg/vendored\n./other\n../../share/x\n", true);
        check("/env/opt", true);
        check("imports/of/ours", true);
        check("import os", false);
        check("import\tos; os.system('x')", false);
        check("\u{feff}import os", false);
        check("pkg\rimport os", false);
        check("pkg\u{2028}import os", false);
        check("pkg\x0cimport os", false);
        check("  import os", false);
        check("../../../elsewhere", false);
        check("/tmp", false);
        check("/env/../tmp", false);
        check("/environment", false);
        check("a\0b", false);
        assert!(read_pth(b"\xff\xfe", Path::new("/env"), Path::new("/env")).is_some());
    }
}
