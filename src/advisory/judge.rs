//! What is made of findings: which end a run with 1, and which are told and no more.
//!
//! Pure. Never: passes over malware, whatever is said.

use jiff::civil::Date;

use super::{Finding, Level, Rules, Statements, Subject};
use crate::error::Place;

/// What is made of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It fails the audit.
    Fails,
    /// It is less severe than what was asked for.
    Below,
    /// It is known and taken.
    Ignored {
        /// Why.
        reason: String,
        /// The last day on which that counts.
        until: Option<Date>,
        /// Where that is said.
        place: Place,
    },
    /// A VEX statement clears it.
    Cleared {
        /// What it says.
        reason: String,
        /// Where.
        place: Place,
    },
}

/// A finding with what is made of it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The finding.
    pub finding: Finding,
    /// What is made of it.
    pub verdict: Verdict,
    /// What once passed over it, until a day that is gone.
    pub ended: Option<String>,
}

impl Judged {
    /// Whether it fails the audit.
    pub fn fails(&self) -> bool {
        self.verdict == Verdict::Fails
    }
}

/// Judges findings on a day. A finding of unknown severity counts as severe as any.
pub fn judge(
    findings: Vec<Finding>,
    subjects: &[Subject],
    rules: &Rules,
    vex: &Statements,
    today: Date,
) -> Vec<Judged> {
    let one = |finding: Finding| {
        let (verdict, ended) = match subjects.get(finding.subject) {
            Some(subject) if !finding.is_malware() => verdict(&finding, subject, rules, vex, today),
            _ => (Verdict::Fails, None),
        };
        Judged { finding, verdict, ended }
    };
    findings.into_iter().map(one).collect()
}

fn verdict(
    finding: &Finding,
    subject: &Subject,
    rules: &Rules,
    vex: &Statements,
    today: Date,
) -> (Verdict, Option<String>) {
    let named = || {
        rules.ignored.iter().filter(|ignored| {
            finding.is_called(&ignored.id)
                && ignored.package.as_ref().is_none_or(|package| *package == subject.name)
        })
    };
    if let Some(ignored) = named().find(|ignored| ignored.until.is_none_or(|until| today <= until)) {
        let (reason, until) = (ignored.reason.clone(), ignored.until);
        return (Verdict::Ignored { reason, until, place: ignored.place.clone() }, None);
    }
    if let Some(statement) = vex.clearing(finding, subject) {
        let (reason, place) = (statement.reason.clone(), statement.place.clone());
        return (Verdict::Cleared { reason, place }, None);
    }
    let ended = named().next().and_then(|ignored| {
        let until = ignored.until?;
        Some(format!("it was ignored at {} until {until}", ignored.place))
    });
    let level = finding.severity.as_ref().map_or(Level::Critical, |severity| severity.level);
    let fails = rules.fail_on.is_none_or(|least| level >= least);
    (if fails { Verdict::Fails } else { Verdict::Below }, ended)
}
