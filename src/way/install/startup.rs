//! What runs at the start of Python, of all wheels of a run and of what is there.
//!
//! Never: decides what is start-up code; `policy` does.

use std::path::{Path, PathBuf};

use pipward_resolver::PackageName;

use crate::error::Problem;
use crate::install::{InstallPlan, Session};
use crate::policy::{self, DatedPolicy, Judged, Named, Sites, Startup};
use crate::python::Scheme;
use crate::wheel::Wheel;

/// Where Python looks for modules at its start in the environment as it is.
pub(in crate::way) struct AtStart<'s> {
    session: Option<&'s Session>,
    modules: Vec<PathBuf>,
    named: Vec<Named>,
}

impl<'s> AtStart<'s> {
    /// # Errors
    /// `environment-invalid`, and those of the file system.
    pub(in crate::way) fn of(scheme: &Scheme, session: Option<&'s Session>) -> Result<Self, Problem> {
        // Without a session nothing else asks whether the scheme is that of one environment.
        scheme.root()?;
        let Some(session) = session else {
            let modules = vec![scheme.purelib.clone(), scheme.platlib.clone()];
            return Ok(Self { session, modules, named: Vec::new() });
        };
        let mut named = Vec::new();
        for (file, content) in session.path_files()? {
            for one in policy::named_paths(&content, &file) {
                let led = session.led(&one.path).filter(|led| *led != one.path);
                named.extend(led.map(|path| Named { path, by: one.by.clone() }));
                named.push(one);
            }
        }
        Ok(Self { session: Some(session), modules: session.modules(), named })
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
        let find = |named: &[Named]| {
            policy::startup_code(wheel, plan, &Sites { modules: &modules, named }, policy.today())
        };
        let mut found = find(&self.named)?;
        let Some(session) = self.session else { return Ok(found) };
        let goes = |path: &Path| session.goes_with(name, path);
        if found.is_by_installed {
            // A file that the wheel replaces names nothing any more.
            let stays: Vec<Named> = self.named.iter().filter(|named| !goes(&named.by)).cloned().collect();
            found = find(&stays)?;
        }
        let is_straight =
            |named: &Named| named.by.parent().is_none_or(|from| session.is_straight(from, &named.path));
        found.beside(|directory| session.names_in(directory), goes, is_straight, &modules);
        Ok(found)
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
