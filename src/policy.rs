//! (Wheel, plan, Policy) -> findings: what is allowed for no project, for all, or for those that are named.
//!
//! Owns: the levels of findings, the exceptions and who they are for. Pure: today's date is an argument.
//! Never: makes a promise looser; only what the tables of [`ADJUSTABLE`] and [`EXCEPTABLE`] codes list can be set, the
//! latter for one project at a time, as is who may name addresses (`address-refused`).

mod known;
mod read;
mod startup;

use std::collections::BTreeMap;

use jiff::civil::Date;
use pipward_resolver::PackageName;

use crate::error::{Code, Place, Problem};
use crate::verify::VerifiedWheel;
use crate::wheel::archive::Limits;
use crate::wheel::{EXCEPTABLE, Wheel};

pub(crate) use read::read;
pub use startup::startup_code;

/// The findings whose level can be set.
pub const ADJUSTABLE: [Code; 1] = [Code::StartupCode];

/// What is done about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It refuses the run.
    Deny,
    /// It is told.
    Warn,
    /// It is passed over.
    Allow,
}

/// A finding that is allowed for one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    code: Code,
    package: PackageName,
    /// The last day on which it counts.
    until: Option<Date>,
    place: Place,
}

/// `[policy]` of the configuration. The default denies every finding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    levels: BTreeMap<&'static str, Level>,
    exceptions: Vec<Exception>,
    limits: Limits,
}

/// What a policy makes of findings.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// These refuse the run.
    pub refused: Vec<Problem>,
    /// These are told.
    pub warned: Vec<Problem>,
}

impl Policy {
    /// The same policy with other limits on what a wheel may hold.
    #[must_use]
    pub fn within(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The policy on a day, which decides which exceptions still count.
    pub fn on(self, today: Date) -> DatedPolicy {
        DatedPolicy { policy: self, today }
    }
}

/// A policy on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedPolicy {
    policy: Policy,
    today: Date,
}

impl DatedPolicy {
    /// The day.
    pub fn today(&self) -> Date {
        self.today
    }

    /// Reads a wheel within the limits, passing over the faults of its RECORD for which its project has an exception.
    ///
    /// # Errors
    /// As [`Wheel::read`].
    pub fn read(&self, verified: VerifiedWheel) -> Result<Wheel, Problem> {
        let package = verified.name().name().clone();
        let passed: Vec<Code> =
            EXCEPTABLE.into_iter().filter(|code| self.is_excepted(*code, &package)).collect();
        Wheel::read_passing(verified, &self.policy.limits, &passed)
            .map_err(|problem| self.with_ended(problem, &package))
    }

    /// Whether a project may name wheels by address in its requirements.
    pub fn may_name_addresses(&self, package: &PackageName) -> bool {
        self.is_excepted(Code::AddressRefused, package)
    }

    fn named<'p>(&'p self, code: Code, package: &'p PackageName) -> impl Iterator<Item = &'p Exception> + 'p {
        let exceptions = self.policy.exceptions.iter();
        exceptions.filter(move |exception| exception.code == code && exception.package == *package)
    }

    fn is_excepted(&self, code: Code, package: &PackageName) -> bool {
        self.named(code, package).any(|exception| exception.until.is_none_or(|until| self.today <= until))
    }

    /// The finding, with the exception that would have passed over it until a day that is gone.
    pub fn with_ended(&self, finding: Problem, package: &PackageName) -> Problem {
        match self.named(finding.code(), package).next() {
            Some(Exception { until: Some(until), place, .. }) => {
                finding.cause(format!("the exception at {place} ended on {until}"))
            }
            _ => finding,
        }
    }

    /// Sorts the findings about a project.
    pub fn judge(&self, package: &PackageName, findings: Vec<Problem>) -> Judged {
        let mut judged = Judged::default();
        for finding in findings {
            let code = finding.code();
            if self.is_excepted(code, package) {
                continue;
            }
            match self.policy.levels.get(code.name()).copied().unwrap_or(Level::Deny) {
                Level::Allow => {}
                Level::Warn => judged.warned.push(finding),
                Level::Deny => judged.refused.push(self.with_ended(finding, package)),
            }
        }
        judged
    }
}
