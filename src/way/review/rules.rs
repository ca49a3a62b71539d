//! Wheel -> InstallPlan in a new environment -> what would refuse it there.
//!
//! Owns: the environment that is taken for that, in which nothing else is. Never: writes, and never decides what is refused:
//! the steps of an install do.

use std::path::Path;

use pipward_resolver::PackageName;

use crate::digest::Sha256;
use crate::error::Problem;
use crate::install::{InstallPlan, PlannedFile, Source};
use crate::policy::{DatedPolicy, Startup};
use crate::python::{Interpreter, Scheme};
use crate::way::install::{AtStart, Item, direct_url, judge};
use crate::wheel::Wheel;

/// Where the environment would be; it is never made.
const PREFIX: &str = "/environment";

/// What an install goes by.
pub(super) struct Rules<'r> {
    scheme: Scheme,
    at_start: AtStart<'static>,
    policy: &'r DatedPolicy,
}

/// What an install would say of one wheel.
#[derive(Default)]
pub(super) struct Sentence {
    /// Why it would be refused.
    pub(super) refused: Vec<Problem>,
    /// The files that run by themselves, allowed or not, as they stand among the modules.
    pub(super) startup: Vec<(String, Sha256)>,
    /// What of it runs by itself, to be looked at together with others.
    pub(super) together: Startup,
}

impl<'r> Rules<'r> {
    pub(super) fn of(python: &Interpreter, policy: &'r DatedPolicy) -> Result<Self, Problem> {
        let scheme = python.in_venv(Path::new(PREFIX)).scheme;
        let at_start = AtStart::of(&scheme, None)?;
        Ok(Self { scheme, at_start, policy })
    }

    /// Plans a wheel as an install does, and looks at what it finds.
    pub(super) fn look(&self, item: &Item, wheel: &Wheel) -> Result<Sentence, Problem> {
        let mut sentence = Sentence::default();
        let name = &item.package.name;
        let ended = |problem| self.policy.with_ended(problem, name);
        let plan = match InstallPlan::new(wheel, &self.scheme, item.requested, direct_url(item)) {
            Ok(plan) => self.policy.yielding(plan),
            Err(problem) => {
                sentence.refused.push(ended(problem));
                return Ok(sentence);
            }
        };
        sentence.refused.extend(plan.spares_environment(&self.scheme, Path::new(PREFIX)).err().map(ended));
        let (startup, judged) = judge(item, wheel, &plan, &self.at_start, self.policy)?;
        sentence.refused.extend(judged.refused);
        for file in plan.files().iter().filter(|file| startup.files.contains(&file.destination.path())) {
            sentence.startup.push((self.named(file), digest(wheel, file)?));
        }
        sentence.together = startup;
        Ok(sentence)
    }

    /// What several wheels bring together: whose is refused for it, and why.
    pub(super) fn together(&self, all: &[(PackageName, Startup)]) -> Vec<(PackageName, Problem)> {
        let all: Vec<_> = all.iter().map(|(name, startup)| (name, startup)).collect();
        let found = self.at_start.together(&all, self.policy).into_iter();
        found.flat_map(|(name, judged)| judged.refused.into_iter().map(|one| (name.clone(), one))).collect()
    }

    fn named(&self, file: &PlannedFile) -> String {
        let path = &file.destination.path();
        let among =
            path.strip_prefix(&self.scheme.purelib).or_else(|_| path.strip_prefix(&self.scheme.platlib));
        let among = among.or_else(|_| path.strip_prefix(&self.scheme.data));
        among.unwrap_or(path).to_string_lossy().into_owned()
    }
}

fn digest(wheel: &Wheel, file: &PlannedFile) -> Result<Sha256, Problem> {
    match &file.source {
        Source::Entry(at) => match wheel.entries().get(*at) {
            Some(entry) => wheel.digest(entry),
            None => Ok(Sha256::of(&[])),
        },
        Source::Generated(content) => Ok(Sha256::of(content)),
    }
}
