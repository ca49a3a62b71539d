//! Writing the files of plans: each once, side by side, under names that nobody else has.
//!
//! Owns: the stage, and what of it is left out at the end. Never: follows a link, opens a file that is there, or
//! writes into what is installed.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use super::claims::{Bringer, Claim, Claims, Wanted, two_plans};
use super::contest::{self, Outcome};
use super::places::Places;
use super::shadow;
use super::{InstallPlan, PlannedFile, Source, batch, guard};
use crate::digest::Kept;
use crate::error::{Code, Place, Problem, io};
use crate::wheel::record::Record;
use crate::wheel::{ExtractError, Wheel};

/// The directory of a stage in which files wait until it is known whose stand.
const APART: &str = ".pipward-apart";

/// The name of the file that lists the others.
const RECORD: &str = "RECORD";

/// Where files are written.
#[derive(Debug)]
pub(super) struct Stage {
    /// The root beneath which a file has its resolved path.
    pub(super) target: PathBuf,
    claims: Mutex<Claims>,
}

/// Some files of one directory.
struct Task<'a> {
    directory: PathBuf,
    files: Vec<&'a PlannedFile>,
}

impl Stage {
    /// Files will be written beneath `target`, a directory of this run alone.
    pub(super) fn new(target: PathBuf) -> Self {
        Self { claims: Claims::on(target.clone()).into(), target }
    }

    /// What was claimed so far.
    pub(super) fn claims(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes all files of a plan, RECORD last.
    ///
    /// # Errors
    /// Those of the wheel's content and of the file system, `environment-owned`, `environment-invalid`, `interrupted`.
    pub(super) fn add(&self, places: &Places, wheel: &Wheel, plan: &InstallPlan) -> Result<(), Problem> {
        let package: Arc<str> = format!("{} {}", plan.name(), plan.version()).into();
        self.write_all(places, wheel, plan, &package).map_err(|problem| problem.package(package))
    }

    fn write_all(
        &self,
        places: &Places,
        wheel: &Wheel,
        plan: &InstallPlan,
        package: &Arc<str>,
    ) -> Result<(), Problem> {
        // Compared as bytes: a path is compared part by part, which costs more than writing a small file.
        let mut groups: BTreeMap<OsString, Vec<&PlannedFile>> = BTreeMap::new();
        let mut names = RECORD.len();
        // Most files follow another one of their directory.
        for files in plan.files().chunk_by(|one, next| one.destination.is_beside(&next.destination)) {
            let directory = files.first().and_then(|file| file.destination.parent()).unwrap_or_default();
            let name = |file: &PlannedFile| file.destination.file_name().map_or(0, OsStr::len);
            names = files.iter().fold(names, |sum, file| sum.saturating_add(name(file)));
            groups.entry(directory.into_os_string()).or_default().extend(files);
        }
        let mut tasks = Vec::new();
        let bringer = Arc::new(Bringer {
            package: Arc::clone(package),
            dist_info: places.directory(plan.dist_info())?,
        });
        // RECORD is one more.
        self.claims().begin(&bringer, plan.files().len().saturating_add(1), names);
        for (parent, files) in groups {
            let directory = places.directory(Path::new(&parent))?;
            let wanted = self.claim(places, &directory, &files, &bringer)?;
            self.write_apart(&wanted.apart, wheel)?;
            tasks.extend(
                batch::of(&wanted.files)
                    .map(|files| Task { directory: directory.clone(), files: files.to_vec() }),
            );
        }
        let is_small = batch::is_small(tasks.iter().flat_map(|task| &task.files));
        if !is_small {
            // The largest first, and one at a time, so that no thread is left alone with several large ones at the end.
            tasks.sort_by_key(|task| Reverse(batch::size(&task.files)));
            let one_by_one = tasks.par_iter().with_max_len(1);
            if let Some(problem) = one_by_one.find_map_first(|task| self.write(task, wheel).err()) {
                return Err(problem);
            }
            tasks = Vec::new();
        }
        let mut text = Vec::new();
        if is_small {
            let failed = |error: std::io::Error| io("writing a file", plan.record_path(), &error);
            plan.write_record(&mut text).map_err(failed)?;
        }
        let record = PlannedFile {
            destination: plan.record_path().into(),
            executable: false,
            digest: Kept::Nothing,
            size: text.len() as u64,
            source: Source::Generated(text),
            is_sized: true,
            gives_way: false,
        };
        let directory = bringer.dist_info.clone();
        let files = self.claim(places, &directory, &[&record], &bringer)?.files;
        if is_small {
            // Another thread would wake up for longer than this one writes.
            self.write_in_order(tasks, Task { directory, files }, wheel)?;
        } else if let Some(record) = files.first() {
            self.write_record(&directory, record, plan)?;
        }
        self.claims().end(&bringer);
        Ok(())
    }

    /// Writes RECORD while its text is made: that of a large wheel is large too.
    fn write_record(
        &self,
        dist_info: &Path,
        record: &PlannedFile,
        plan: &InstallPlan,
    ) -> Result<(), Problem> {
        guard::check()?;
        let directory = open_directory(&self.target.join(dist_info))?;
        let mut file = new_file(&directory, record.name()?, record)?;
        let failed = |error: std::io::Error| io("writing a file", record.destination.path(), &error);
        plan.write_record(&mut file).map_err(failed)
    }

    /// Writes files, those of the last one's directory at the end, and its own behind them.
    fn write_in_order<'a>(
        &self,
        mut tasks: Vec<Task<'a>>,
        mut last: Task<'a>,
        wheel: &Wheel,
    ) -> Result<(), Problem> {
        if let Some(at) = tasks.iter().position(|task| task.directory == last.directory) {
            let same = tasks.remove(at);
            last.files.splice(..0, same.files);
        }
        tasks.push(last);
        tasks.iter().try_for_each(|task| self.write(task, wheel))
    }

    /// Takes names of a directory for a plan, and makes the directory. Returns the files that are still to be written.
    fn claim<'a>(
        &self,
        places: &Places,
        directory: &Path,
        files: &[&'a PlannedFile],
        bringer: &Arc<Bringer>,
    ) -> Result<Wanted<'a>, Problem> {
        let claims = &mut *self.claims();
        if !self.make_directory(claims, directory, &bringer.package, &|path| places.shown(path))? {
            return Ok(Wanted::default());
        }
        claims.claim(directory, files, bringer, &places.own_in(directory))
    }

    /// Makes a directory and those above it. `false` where a plan has a file there, which is noted as a conflict, at the path
    /// that is `shown`.
    fn make_directory(
        &self,
        claims: &mut Claims,
        directory: &Path,
        package: &Arc<str>,
        shown: &dyn Fn(&Path) -> PathBuf,
    ) -> Result<bool, Problem> {
        if claims.folder(directory).is_some() {
            return Ok(true);
        }
        let at = self.target.join(directory);
        if let (Some(parent), Some(name)) = (directory.parent(), directory.file_name()) {
            if !self.make_directory(claims, parent, package, shown)? {
                return Ok(false);
            }
            if let Some(claim) = claims.folder(parent).and_then(|parent| parent.get(name)) {
                let problem = two_plans(&shown(directory), package, claim.package());
                claims.conflicts.push(problem);
                return Ok(false);
            }
            match std::fs::create_dir(&at) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && at.is_dir() => {}
                Err(error) => return Err(io("making a directory", at, &error)),
                Ok(()) => {}
            }
        }
        claims.add_directory(directory, package)?;
        Ok(true)
    }

    fn write(&self, task: &Task<'_>, wheel: &Wheel) -> Result<(), Problem> {
        if task.files.is_empty() {
            return Ok(());
        }
        let place = self.target.join(&task.directory);
        let directory = open_directory(&place)?;
        for file in &task.files {
            guard::check()?;
            write_file(&directory, file.name()?, file, wheel)?;
        }
        Ok(())
    }

    /// Writes files under their numbers.
    fn write_apart(&self, files: &[(usize, &PlannedFile)], wheel: &Wheel) -> Result<(), Problem> {
        if files.is_empty() {
            return Ok(());
        }
        let place = self.target.join(APART);
        match std::fs::create_dir(&place) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(io("making a directory", place, &error));
            }
            _ => {}
        }
        let directory = open_directory(&place)?;
        files.iter().try_for_each(|(number, file)| {
            write_file(&directory, OsStr::new(&number.to_string()), file, wheel)
        })
    }

    /// Decides whose file stands where plans bring different ones, once all were added. What is left out goes, also from
    /// the staged RECORD of its distribution. Returns what is to be said of it.
    ///
    /// # Errors
    /// Those of the file system. Conflicts are added to the claims.
    pub(super) fn settle(&self, places: &Places) -> Result<Vec<String>, Problem> {
        let mut told = self.settle_rivals(places)?;
        let yielding = shadow::settle(places, &mut self.claims());
        for (path, owner) in yielding {
            told.extend(self.give_way(places, &path, &owner)?);
        }
        Ok(told)
    }

    fn settle_rivals(&self, places: &Places) -> Result<Vec<String>, Problem> {
        let claims = &mut *self.claims();
        let mut told = Vec::new();
        for (path, rivals) in std::mem::take(&mut claims.rivals) {
            let Some(first) = claims.take(&path) else { continue };
            let mut all = vec![first];
            let mut numbers = vec![None];
            for rival in rivals {
                numbers.push(Some(rival.number));
                all.push(rival.claim);
            }
            let at = match contest::decide(&places.shown(&path), &all) {
                Outcome::Conflict(problems) => {
                    claims.conflicts.extend(problems);
                    continue;
                }
                Outcome::Stands(at) => at,
            };
            let stands = all.swap_remove(at);
            if let Some(number) = numbers.get(at).copied().flatten() {
                let from = self.target.join(APART).join(number.to_string());
                std::fs::rename(&from, self.target.join(&path))
                    .map_err(|error| io("moving a file", &path, &error))?;
            }
            for bringer in Claim::all_bringers(&all) {
                self.leave_out(places, bringer, &path)?;
                told.push(contest::told(&places.shown(&path), &bringer.package, stands.package()));
            }
            if stands.executable {
                claims.executable.insert(path.clone());
            }
            claims.put(&path, stands);
        }
        let apart = self.target.join(APART);
        match std::fs::remove_dir_all(&apart) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(io("removing a temporary directory", apart, &error))
            }
            _ => Ok(told),
        }
    }

    /// Takes a file out that gives way to one of a distribution that is installed.
    pub(super) fn give_way(&self, places: &Places, path: &Path, owner: &str) -> Result<Vec<String>, Problem> {
        let Some(claim) = self.claims().take(path) else { return Ok(Vec::new()) };
        let at = self.target.join(path);
        std::fs::remove_file(&at).map_err(|error| io("removing a file", at, &error))?;
        let mut told = Vec::new();
        for bringer in Claim::all_bringers(std::slice::from_ref(&claim)) {
            self.leave_out(places, bringer, path)?;
            told.push(contest::told(&places.shown(path), &bringer.package, owner));
        }
        Ok(told)
    }

    /// Takes a file out of a staged RECORD.
    fn leave_out(&self, places: &Places, bringer: &Bringer, path: &Path) -> Result<(), Problem> {
        let at = self.target.join(&bringer.dist_info).join("RECORD");
        let site = bringer.dist_info.parent().unwrap_or(Path::new(""));
        let failed = |error: std::io::Error| io("writing RECORD", &at, &error);
        let text = std::fs::read(&at).map_err(failed)?;
        let mut record = Record::parse_installed(&text)?;
        record.rows.retain(|row| places.row(site, &row.path).as_deref() != Some(path));
        std::fs::remove_file(&at).map_err(failed)?;
        let mut file = File::create_new(&at).map_err(failed)?;
        file.write_all(&record.write()).map_err(failed)
    }

    /// The last touch before files move.
    pub(super) fn finish(&self) -> Result<(), Problem> {
        for path in &self.claims().executable {
            let path = self.target.join(path);
            make_executable(&path).map_err(|error| io("setting a file's mode", path, &error))?;
        }
        Ok(())
    }
}

fn open_directory(place: &Path) -> Result<OwnedFd, Problem> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, place, flags, Mode::empty())
        .map_err(|error| io("opening a directory", place, &error.into()))
}

/// A new file for a planned one.
fn new_file(directory: &OwnedFd, name: &OsStr, planned: &PlannedFile) -> Result<File, Problem> {
    let failed = |error: std::io::Error| io("writing a file", planned.destination.path(), &error);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // The process's umask takes its bits away.
    let mode = Mode::from_raw_mode(if planned.executable { 0o777 } else { 0o666 });
    let file = match rustix::fs::openat(directory, name, flags, mode) {
        Ok(file) => File::from(file),
        Err(Errno::EXIST) => {
            return Err(Problem::new(
                Code::FileConflict,
                "a file would be written over one of the environment",
            )
            .at(Place::file(planned.destination.path()))
            .help("do not install this wheel; tell its maintainers, and lock another version"));
        }
        Err(error) => return Err(failed(error.into())),
    };
    if planned.executable {
        complete_mode(&file, &planned.source).map_err(failed)?;
    }
    Ok(file)
}

fn write_file(
    directory: &OwnedFd,
    name: &OsStr,
    planned: &PlannedFile,
    wheel: &Wheel,
) -> Result<(), Problem> {
    let failed = |error: std::io::Error| io("writing a file", planned.destination.path(), &error);
    let mut file = new_file(directory, name, planned)?;
    match &planned.source {
        Source::Generated(content) => file.write_all(content).map_err(failed),
        Source::Entry(number) => {
            let entry = wheel.entries().get(*number).ok_or_else(|| {
                Problem::new(Code::Internal, "a plan names an entry that its wheel does not have")
            })?;
            wheel.extract(entry, &mut file).map(|_| ()).map_err(|error| match error {
                ExtractError::Wheel(problem) => problem,
                ExtractError::Sink(error) => failed(error),
            })
        }
    }
}

/// As pip does under an umask that takes execute bits away: everybody may run an entry, and read a script too.
fn complete_mode(file: &File, source: &Source) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let wanted = match source {
        Source::Entry(_) => 0o111,
        Source::Generated(_) => 0o555,
    };
    let mode = file.metadata()?.permissions().mode() & 0o7777;
    if mode & wanted == wanted {
        return Ok(());
    }
    file.set_permissions(std::fs::Permissions::from_mode(mode | wanted))
}

/// Whoever may read it may run it.
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = path.symlink_metadata()?.permissions().mode();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode | (mode & 0o444) >> 2))
}

#[cfg(test)]
mod tests;
