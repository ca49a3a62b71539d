//! Code that runs at the next start of Python, whatever the program: what `site` reads, and what stands for a source.
//!
//! Owns: which files of a plan are of that kind. Never: runs or compiles one.

use std::path::{Component, Path, PathBuf};

use jiff::civil::Date;

use super::known;
use crate::digest::Sha256;
use crate::error::{Code, Place, Problem};
use crate::install::{InstallPlan, PlannedFile, Source};
use crate::wheel::Wheel;
use crate::wheel::archive::WHOLE_ENTRY;

/// 2008-01-01: what tools set the times of files to, for the sake of reproducible archives, lies before.
const NO_EPOCH: i64 = 1_199_145_600;
/// No `.pth` of a list of paths is larger, in bytes.
const MAX_PTH: u64 = 64 << 10;

/// Finds what would run when Python starts: `.pth` files with code or with paths that lead out of `root`, `.start`
/// files (PEP 829), `sitecustomize` and `usercustomize`, and compiled files that may take a source's place. `modules` are
/// the directories that `site` reads.
///
/// # Errors
/// Those of [`Wheel::content`].
pub fn startup_code(
    wheel: &Wheel,
    plan: &InstallPlan,
    modules: &[&Path],
    root: &Path,
    today: Date,
) -> Result<Vec<Problem>, Problem> {
    let mut found = Vec::new();
    for file in plan.files() {
        let Some((directory, tail)) = modules
            .iter()
            .find_map(|directory| Some((*directory, file.destination.strip_prefix(directory).ok()?)))
        else {
            continue;
        };
        let about = match compiled_for(&file.destination) {
            Some(source) => compiled(wheel, plan, file, &source, today)?,
            None => about(wheel, file, directory, tail, root)?,
        };
        if let Some(what) = about {
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
    if parts.len() > 1 {
        return Ok(None);
    }
    // A name may be nothing but its ending: Python 3.12 and older read `.pth` too.
    match last.rsplit_once('.').map(|(_, ending)| ending) {
        Some("start") => Ok(Some("a .start file names code for each start of Python (PEP 829)".to_owned())),
        Some("pth") => pth(wheel, file, last, directory, root),
        _ => Ok(None),
    }
}

/// The source for which Python would run this file, if it is a compiled one.
fn compiled_for(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let cache = path.parent()?;
    let is_cache = cache.file_name()?.to_str()?.eq_ignore_ascii_case("__pycache__");
    let (stem, _) = name.split_once('.')?;
    let is_compiled = Path::new(name).extension()?.eq_ignore_ascii_case("pyc");
    (is_cache && is_compiled).then(|| cache.with_file_name(format!("{stem}.py")))
}

/// A compiled file that names its source's time is not run, since the source is written later than that. One that names
/// a hash is; and so may be one with a time to which tools set files back, or one for the source of another wheel.
fn compiled(
    wheel: &Wheel,
    plan: &InstallPlan,
    file: &PlannedFile,
    source: &Path,
    today: Date,
) -> Result<Option<String>, Problem> {
    let Source::Entry(at) = file.source else { return Ok(None) };
    let Some(entry) = wheel.entries().get(at).filter(|entry| entry.size() <= WHOLE_ENTRY) else {
        return Ok(Some("a compiled file that is too large to be looked at".to_owned()));
    };
    if !plan.files().iter().any(|file| file.destination == source) {
        return Ok(Some("a compiled file whose source is not in the wheel".to_owned()));
    }
    let content = wheel.content(entry)?;
    Ok((!names_a_past_time(&content, today))
        .then(|| "a compiled file that Python may run in place of the source beside it".to_owned()))
}

/// Whether the header of a compiled file (PEP 552) has flags of zero, and a time before today that no tool sets.
fn names_a_past_time(content: &[u8], today: Date) -> bool {
    let word =
        |at: usize| content.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_le_bytes);
    let Some(midnight) =
        today.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|time| time.timestamp().as_second())
    else {
        return false;
    };
    word(4) == Some(0) && word(8).is_some_and(|time| (NO_EPOCH..midnight).contains(&i64::from(time)))
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
    fn compiled_files_that_name_a_past_time_are_never_run() {
        let today = Date::constant(2026, 7, 1);
        let check = |flags: u32, time: u32, fine: bool| {
            let header = [&b"\xa7\r\r\n"[..], &flags.to_le_bytes(), &time.to_le_bytes(), &[0; 4]].concat();
            assert_eq!(names_a_past_time(&header, today), fine, "{flags} {time}");
        };
        check(0, 1_720_000_000, true);
        check(1, 1_720_000_000, false);
        check(3, 1_720_000_000, false);
        check(0, 0, false);
        check(0, 315_532_800, false);
        check(0, u32::MAX, false);
        check(0, 1_782_900_000, false);
        assert!(!names_a_past_time(b"\xa7\r\r\n\0\0", today));
    }

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
