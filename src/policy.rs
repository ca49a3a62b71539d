//! (Wheel, plan, Policy) -> findings: what is allowed for no project, for all, or for those that are named.
//!
//! Owns: the levels of findings, the exceptions and who they are for. Pure: today's date is an argument.
//! Never: makes a promise looser; only what the table of [`ADJUSTABLE`] codes lists can be set.

mod known;
mod read;
mod startup;

use std::collections::BTreeMap;

use jiff::civil::Date;
use pipward_resolver::PackageName;

use crate::error::{Code, Place, Problem};

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

    /// Sorts the findings about a project.
    pub fn judge(&self, package: &PackageName, findings: Vec<Problem>) -> Judged {
        let mut judged = Judged::default();
        for finding in findings {
            let code = finding.code();
            let named = || {
                self.policy
                    .exceptions
                    .iter()
                    .filter(move |exception| exception.code == code && exception.package == *package)
            };
            if named().any(|exception| exception.until.is_none_or(|until| self.today <= until)) {
                continue;
            }
            match self.policy.levels.get(code.name()).copied().unwrap_or(Level::Deny) {
                Level::Allow => {}
                Level::Warn => judged.warned.push(finding),
                Level::Deny => judged.refused.push(match named().next() {
                    Some(Exception { until: Some(until), place, .. }) => {
                        finding.cause(format!("the exception at {place} ended on {until}"))
                    }
                    _ => finding,
                }),
            }
        }
        judged
    }
}
