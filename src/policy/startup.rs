//! Code that runs without anybody asking for its package: at the next start of Python, whatever the program, by what `site`
//! reads and what stands for a source; at the start of other programs; and in place of one.
//!
//! Owns: which files of a plan are of that kind, by themselves or together with what others bring. Never: runs or compiles
//! one.

mod imports;
mod others;
mod paths;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use self::paths::Spot;
use super::known;
use crate::digest::Sha256;
use crate::error::{Code, Place, Problem};
use crate::install::{InstallPlan, PlannedFile, Source};
use crate::wheel::Wheel;
use crate::wheel::archive::WHOLE_ENTRY;
use crate::wheel::beneath::{below, folded};
use crate::wheel::startup::{CUSTOMS, Kind, is_custom, is_first};

pub use imports::{Imported, imported};
pub use paths::{Named, has_code, named_paths};

/// 2008-01-01: what tools set the times of files to, for the sake of reproducible archives, lies before.
const NO_EPOCH: i64 = 1_199_145_600;
/// No `.pth` of a list of paths is larger, in bytes.
const MAX_PTH: u64 = 64 << 10;

/// Where programs look for what they run at their start.
#[derive(Debug, Clone, Copy)]
pub struct Sites<'a> {
    /// The directories in which `site` reads `.pth` files.
    pub modules: &'a [&'a Path],
    /// Of each of them, [whether it reaches others](reaches_others).
    pub reach: &'a [bool],
    /// What installed `.pth` files name.
    pub named: &'a [Named],
    /// What their code imports.
    pub imported: &'a [Imported],
    /// The prefix, below which other programs look.
    pub prefix: &'a Path,
    /// The directory of programs.
    pub scripts: &'a Path,
    /// Whether all lies in one directory (`--target`), in which Python looks before its own library once `PYTHONPATH` names it.
    pub is_flat: bool,
}

/// Whether a file of a directory of modules may be one that other programs run or obey, by the prefix and the directory of
/// programs.
pub fn reaches_others(modules: &Path, prefix: &Path, scripts: &Path) -> bool {
    let Ok(tail) = modules.strip_prefix(prefix) else { return true };
    let holds_programs = scripts.starts_with(modules) || prefix.join("sbin").starts_with(modules);
    holds_programs || others::may_hold_obeyed(tail)
}

/// What a plan has of start-up code.
#[derive(Debug, Default)]
pub struct Startup {
    /// What is to be said about it by itself.
    pub problems: Vec<Problem>,
    /// The files that it is said about.
    pub files: BTreeSet<PathBuf>,
    /// The paths that its own `.pth` files name.
    pub named: Vec<Named>,
    /// Whether a problem is one for what an installed `.pth` file names or imports.
    pub is_by_installed: bool,
    about: About,
    paths: Vec<Spot>,
    customs: Vec<Custom>,
}

/// A module that Python imports at its start where its directory is on the path.
#[derive(Debug)]
struct Custom {
    directory: Spot,
    file: PathBuf,
}

/// Whose start-up code it is.
#[derive(Debug, Default)]
struct About {
    project: String,
    release: String,
    wheel: String,
}

impl About {
    fn problem(&self, what: &str, file: &Path) -> Problem {
        Problem::new(Code::StartupCode, format!("it brings code that runs by itself: {what}"))
            .package(&self.release)
            .at(Place::file(&self.wheel).entry(file.display().to_string()))
            .help(format!(
                "leave it out, or, if you have read the file and trust it, allow it by [[policy.exception]] code = \
                 \"startup-code\", package = \"{}\" and a reason in pipward.toml",
                self.project
            ))
    }
}

/// Finds what would run when Python starts: `.pth` files with code, or with paths on which they do not bring modules of
/// their own; `.start` files (PEP 829); `sitecustomize` and `usercustomize` in all that is on the path by then; modules that
/// installed `.pth` files import; and compiled files that may take a source's place. And what other programs run by
/// themselves, or people by the name of another program.
///
/// # Errors
/// Those of [`Wheel::content`].
pub fn startup_code(
    wheel: &Wheel,
    plan: &InstallPlan,
    sites: &Sites<'_>,
    today: Date,
) -> Result<Startup, Problem> {
    let (name, modules) = (wheel.name(), sites.modules);
    let project = name.name().to_string();
    let release = format!("{project} {}", name.version());
    let mut found =
        Startup { about: About { project, release, wheel: name.as_str().to_owned() }, ..Startup::default() };
    let installed: BTreeMap<Spot, &Named> =
        sites.named.iter().rev().map(|named| (Spot::of(&named.path, modules), named)).collect();
    let looks_closer = !installed.is_empty() || modules.iter().any(|directory| mentions_custom(directory));
    for file in plan.files() {
        let destination = file.destination.path();
        let tails = modules.iter().enumerate();
        let among = tails.filter_map(|(at, directory)| Some((at, below(&destination, directory)?))).next();
        if looks_closer || mentions_custom(among.map_or(&destination, |(_, tail)| tail)) {
            let spot = Spot::of(&destination, modules);
            found.customs.extend(customs(&spot, &destination));
            if let Some(named) = installed.get(&spot) {
                found.is_by_installed = true;
                let by = told(&named.by, modules).display();
                let what = format!("{by}, which is there already, has Python look for modules in this file");
                found.add(&what, &destination, modules);
            }
        }
        let may_be_others = among.is_none_or(|(at, _)| sites.reach.get(at).copied().unwrap_or(true));
        if may_be_others && let Some((what, at)) = found.about_others(&destination, sites) {
            found.files.insert(destination.clone());
            found.problems.push(found.about.problem(&what, at));
        }
        let Some((_, tail)) = among else { continue };
        if let Some(one) = sites.imported.iter().find(|one| one.is_of(tail)) {
            found.is_by_installed = true;
            let by = told(&one.by, modules).display();
            let what = format!("{by}, which is there already, has Python import this module at each start");
            found.add(&what, &destination, modules);
        }
        if sites.is_flat && is_first(tail, imports::is_private_of_library) {
            let what = "Python imports this module by itself, and looks in PYTHONPATH before its own library";
            found.add(what, &destination, modules);
        }
        let what = match compiled_for(&destination) {
            Some(source) => compiled(wheel, plan, file, &source, today)?,
            None => found.about(wheel, file, tail)?,
        };
        if let Some(what) = what {
            found.add(&what, &destination, modules);
        }
    }
    found.look_at_paths(plan, modules);
    let customs: BTreeSet<Spot> = found.customs.iter().map(|custom| custom.directory.clone()).collect();
    for base in &customs {
        if let Some(named) = installed.get(base) {
            found.is_by_installed |= found.look_at_customs(base, named, modules);
        }
    }
    Ok(found)
}

impl Startup {
    fn add(&mut self, what: &str, file: &Path, modules: &[&Path]) {
        self.files.insert(file.to_owned());
        self.problems.push(self.about.problem(what, told(file, modules)));
    }

    /// What is to be said about one file for the sake of other programs, if anything, and how the file is told.
    fn about_others<'p>(&self, file: &'p Path, sites: &Sites<'_>) -> Option<(String, &'p Path)> {
        let tail = file.strip_prefix(sites.prefix).ok()?;
        if let Some(what) = others::obeyed(tail) {
            return Some((what.to_owned(), tail));
        }
        let is_program =
            file.parent().is_some_and(|at| at == sites.scripts || at == sites.prefix.join("sbin"));
        let name = file.file_name().filter(|_| is_program)?.to_str()?;
        others::stands_for(&self.about.project, name).map(|what| (what, tail))
    }

    /// What is to be said about one file among the modules, if anything.
    fn about(&mut self, wheel: &Wheel, file: &PlannedFile, tail: &Path) -> Result<Option<String>, Problem> {
        let small = folded(tail);
        let parts: Vec<&str> = small.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if let Some(what) = known::touched(&self.about.project, &parts) {
            return Ok(Some(what.to_owned()));
        }
        let kind = parts.first().and_then(|first| Kind::of_parts(first, parts.get(1).copied()));
        match kind {
            Some(Kind::Custom) => Ok(Some("Python imports this module at each start".to_owned())),
            Some(Kind::Start) => {
                Ok(Some("a .start file names code for each start of Python (PEP 829)".to_owned()))
            }
            Some(Kind::Pth) => self.pth(wheel, file, &small),
            None => Ok(None),
        }
    }

    fn pth(&mut self, wheel: &Wheel, file: &PlannedFile, name: &str) -> Result<Option<String>, Problem> {
        if file.size > MAX_PTH {
            return Ok(Some(format!("a .pth file of {} bytes", file.size)));
        }
        let entry = match &file.source {
            Source::Entry(at) => wheel.entries().get(*at),
            Source::Generated(_) => None,
        };
        let Some(entry) = entry else { return Ok(None) };
        let content = wheel.content(entry)?;
        if known::is_known(&self.about.project, name, Sha256::of(&content)) {
            return Ok(None);
        }
        if let Some(fault) = paths::fault(&content) {
            return Ok(Some(fault.to_owned()));
        }
        self.named.extend(named_paths(&content, &file.destination.path()));
        Ok(None)
    }

    /// A `.pth` file may name the directory of modules, and directories below that it brings itself: what else stands there,
    /// or will, nobody can tell.
    fn look_at_paths(&mut self, plan: &InstallPlan, modules: &[&Path]) {
        if self.named.is_empty() {
            return;
        }
        let own: Vec<(Spot, Named)> =
            self.named.iter().map(|named| (Spot::of(&named.path, modules), named.clone())).collect();
        let spots: BTreeSet<Spot> =
            plan.files().iter().map(|file| Spot::of(&file.destination.path(), modules)).collect();
        for (base, named) in own.iter().filter(|(base, _)| !base.is_modules()) {
            // In one case and one directory alone: elsewhere it is another file, whatever it is where cases fold.
            let brings = |file: &PlannedFile| {
                file.destination != named.path && file.destination.path().starts_with(&named.path)
            };
            let what = if matches!(base, Spot::Other(_)) {
                Some("a .pth file with a path that leads elsewhere")
            } else if spots.contains(base) {
                Some("a .pth file that has Python look for modules in a file")
            } else if !plan.files().iter().any(brings) {
                Some("a .pth file with a path on which the wheel brings nothing")
            } else {
                None
            };
            if let Some(what) = what {
                self.add(what, &named.by, modules);
            }
            self.look_at_customs(base, named, modules);
        }
        self.paths = own.into_iter().map(|(base, _)| base).collect();
    }

    /// Whether the plan brings what is imported at each start where `named` leads.
    fn look_at_customs(&mut self, base: &Spot, named: &Named, modules: &[&Path]) -> bool {
        let files: BTreeSet<PathBuf> = self
            .customs
            .iter()
            .filter(|custom| custom.directory == *base && !base.is_modules())
            .map(|custom| custom.file.clone())
            .collect();
        for file in &files {
            let what = format!(
                "Python imports this module at each start, since {} names its directory",
                told(&named.by, modules).display()
            );
            self.add(&what, file, modules);
        }
        !files.is_empty()
    }

    /// Adds what is to be said of its own `.pth` files: `names` tells what stands in a directory already, `goes` what will
    /// not stay there, `is_straight` whether a path leads there without links.
    pub fn beside(
        &mut self,
        names: impl Fn(&Path) -> Vec<String>,
        goes: impl Fn(&Path) -> bool,
        is_straight: impl Fn(&Named) -> bool,
        modules: &[&Path],
    ) {
        for named in self.named.clone() {
            if Spot::of(&named.path, modules).is_modules() {
                continue;
            }
            if !is_straight(&named) {
                self.add("a .pth file with a path that leads through a link", &named.by, modules);
                continue;
            }
            let mut customs = names(&named.path).into_iter().filter(|name| is_custom(&name.to_lowercase()));
            if let Some(name) = customs.find(|name| !goes(&named.path.join(name))) {
                let what = format!(
                    "a .pth file that has Python import {name}, which is there already, at each start"
                );
                self.add(&what, &named.by, modules);
            }
        }
    }
}

/// What plans bring together: a `.pth` file of one, and on its path what another brings. Neither is fine by itself then.
pub fn together(all: &[&Startup], modules: &[&Path]) -> Vec<(usize, Problem)> {
    let mut found = Vec::new();
    for (one, naming) in all.iter().enumerate() {
        let paths = naming.paths.iter().zip(&naming.named);
        for (base, named) in paths.filter(|(base, _)| !base.is_modules()) {
            for (other, bringing) in all.iter().enumerate().filter(|(other, _)| *other != one) {
                let mut customs = bringing.customs.iter().filter(|custom| custom.directory == *base);
                let Some(custom) = customs.next() else { continue };
                let (by, file) = (told(&named.by, modules), told(&custom.file, modules));
                let what = format!(
                    "a .pth file that has Python import what {} brings at each start",
                    bringing.about.release
                );
                found.push((one, naming.about.problem(&what, by)));
                let what = format!(
                    "Python imports this module at each start, since {} of {} names its directory",
                    by.display(),
                    naming.about.release
                );
                found.push((other, bringing.about.problem(&what, file)));
            }
        }
    }
    found
}

/// How a file is told: as it stands in the directory of modules.
fn told<'p>(file: &'p Path, modules: &[&Path]) -> &'p Path {
    modules.iter().find_map(|directory| file.strip_prefix(directory).ok()).unwrap_or(file)
}

/// Whether a path may have such a name in it: most have none, and need no closer look.
fn mentions_custom(path: &Path) -> bool {
    let bytes = path.as_os_str().as_encoded_bytes();
    // Two of them have a z, one ends so; letters that are none in ASCII may become one in small letters.
    let is_worth_it = bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'z' | b'Z' => true,
        b'k' | b'K' => bytes
            .get(..at)
            .and_then(<[u8]>::last_chunk::<3>)
            .is_some_and(|end| end.eq_ignore_ascii_case(b"hoo")),
        byte => !byte.is_ascii(),
    });
    is_worth_it && {
        let path = folded(path);
        CUSTOMS.iter().any(|name| path.contains(name))
    }
}

/// The modules on the way of a path that are imported at each start where their directory is on the path.
fn customs(spot: &Spot, file: &Path) -> Vec<Custom> {
    let (Spot::Module(path) | Spot::Other(path)) = spot;
    let is_named = |at: &&Path| at.file_name().and_then(|name| name.to_str()).is_some_and(is_custom);
    let within = |directory: &Path| match spot {
        Spot::Module(_) => Spot::Module(directory.to_owned()),
        Spot::Other(_) => Spot::Other(directory.to_owned()),
    };
    let at = path.ancestors().filter(is_named).filter_map(Path::parent);
    at.map(|directory| Custom { directory: within(directory), file: file.to_owned() }).collect()
}
/// The source for which Python would run this file, if it is a compiled one.
fn compiled_for(path: &Path) -> Option<PathBuf> {
    let bytes = path.as_os_str().as_encoded_bytes();
    bytes.last_chunk::<4>().filter(|end| end.eq_ignore_ascii_case(b".pyc"))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_need_a_closer_look_are_found_in_any_spelling() {
        for path in [
            "a/sitecustomize.py",
            "UserCustomize/__init__.py",
            "\u{17f}itecustomize.py",
            "apport_python_hoo\u{212a}.py",
            "x/APPORT_PYTHON_HOOK.so",
        ] {
            let expected = CUSTOMS.iter().any(|name| path.to_lowercase().contains(name));
            assert_eq!(mentions_custom(Path::new(path)), expected, "{path}");
        }
        for path in ["", "a/hook.py", "zoo/k.py", "k", "customize.py", "\u{e9}.py"] {
            assert!(!mentions_custom(Path::new(path)), "{path}");
        }
    }

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
}
