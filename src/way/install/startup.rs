//! What runs at the start of Python, of all wheels of a run and of what is there.
//!
//! Never: decides what is start-up code; `policy` does.

use std::path::{Path, PathBuf};

use pipward_resolver::PackageName;

use crate::error::Problem;
use crate::install::{InstallPlan, Session};
use crate::policy::{self, DatedPolicy, Imported, Judged, Named, Sites, Startup};
use crate::python::Scheme;
use crate::wheel::Wheel;

/// Where Python looks for modules at its start in the environment as it is.
pub(in crate::way) struct AtStart<'s> {
    session: Option<&'s Session>,
    modules: Vec<PathBuf>,
    /// Of each of them, whether it reaches others.
    reach: Vec<bool>,
    named: Vec<Named>,
    imported: Vec<Imported>,
    prefix: PathBuf,
    scripts: PathBuf,
    is_flat: bool,
}

impl<'s> AtStart<'s> {
    /// # Errors
    /// `environment-invalid`, and those of the file system.
    pub(in crate::way) fn of(scheme: &Scheme, session: Option<&'s Session>) -> Result<Self, Problem> {
        // Without a session nothing else asks whether the scheme is that of one environment.
        scheme.root()?;
        let mut found = Self {
            session,
            modules: vec![scheme.purelib.clone(), scheme.platlib.clone()],
            reach: Vec::new(),
            named: Vec::new(),
            imported: Vec::new(),
            prefix: scheme.data.clone(),
            scripts: scheme.scripts.clone(),
            is_flat: scheme.purelib == scheme.data,
        };
        if let Some(session) = session {
            found.modules = session.modules();
        }
        let reaches = |modules: &PathBuf| policy::reaches_others(modules, &scheme.data, &scheme.scripts);
        found.reach = found.modules.iter().map(reaches).collect();
        let Some(session) = session else { return Ok(found) };
        for (file, content) in session.path_files()? {
            // All of them: were some left out, a wheel could bring so many that those of another are not looked at.
            for one in policy::named_paths(&content, &file) {
                let led = session.led(&one.path).filter(|led| *led != one.path);
                found.named.extend(led.map(|path| Named { path, by: one.by.clone() }));
                found.named.push(one);
            }
            found.imported.extend(policy::imported(&content, &file));
        }
        Ok(found)
    }

    fn modules(&self) -> Vec<&Path> {
        self.modules.iter().map(PathBuf::as_path).collect()
    }

    /// The start-up code of one wheel, by itself and with what is there.
    pub(in crate::way) fn of_wheel(
        &self,
        wheel: &Wheel,
        plan: &InstallPlan,
        policy: &DatedPolicy,
    ) -> Result<Startup, Problem> {
        let (modules, name) = (self.modules(), wheel.name().name());
        let find = |named: &[Named], imported: &[Imported]| {
            let (prefix, scripts, is_flat) = (&self.prefix, &self.scripts, self.is_flat);
            let reach = &self.reach;
            let sites = Sites { modules: &modules, reach, named, imported, prefix, scripts, is_flat };
            policy::startup_code(wheel, plan, &sites, policy.today())
        };
        let mut found = find(&self.named, &self.imported)?;
        let Some(session) = self.session else { return Ok(found) };
        let goes = |path: &Path| session.goes_with(name, path);
        if found.is_by_installed {
            // A file that the wheel replaces names nothing any more.
            let stays: Vec<Named> = self.named.iter().filter(|named| !goes(&named.by)).cloned().collect();
            let is_new = |one: &&Imported| !goes(&one.by) && !self.has_brought(one, plan, goes);
            let imported: Vec<Imported> = self.imported.iter().filter(is_new).cloned().collect();
            found = find(&stays, &imported)?;
        }
        let is_straight =
            |named: &Named| named.by.parent().is_none_or(|from| session.is_straight(from, &named.path));
        found.beside(|directory| session.names_in(directory), goes, is_straight, &modules);
        Ok(found)
    }

    /// Whether what a plan brings of an imported module takes the place of the same file of an earlier release.
    fn has_brought(&self, one: &Imported, plan: &InstallPlan, goes: impl Fn(&Path) -> bool) -> bool {
        let is_of = |file: &Path| {
            let mut tails = self.modules.iter().filter_map(|directory| file.strip_prefix(directory).ok());
            tails.any(|tail| one.is_of(tail))
        };
        let mut files = plan.files().iter().map(|file| file.destination.path()).filter(|file| is_of(file));
        files.any(|file| goes(&file))
    }

    /// What is to be said of wheels for what they bring together: which of them, and what.
    pub(in crate::way) fn together<'a>(
        &self,
        all: &[(&'a PackageName, &Startup)],
        policy: &DatedPolicy,
    ) -> Vec<(&'a PackageName, Judged)> {
        let startups: Vec<&Startup> = all.iter().map(|(_, startup)| *startup).collect();
        let found = policy::together(&startups, &self.modules());
        let judged = found.into_iter().filter_map(|(at, problem)| {
            let (name, _) = all.get(at)?;
            Some((*name, policy.judge(name, vec![problem])))
        });
        judged.collect()
    }
}
