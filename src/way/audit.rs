//! An audit: what is locked or installed, against what is known of it.
//!
//! Owns: the order of the steps, and that old data is no answer. Never: asks the network unless that is the source that
//! was chosen, and then tells it no name that an index of the configuration has to itself.

pub mod fix;
mod kept;
mod online;
mod places;
mod subjects;

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::advisory::{self, Judged, Match, Names, Rules, Statements, Subject};
use crate::document;
use crate::error::{Code, Place, Problem, Problems};
use crate::index::{NamePattern, NetworkOptions};
use crate::lock::Lock;
use crate::python::Interpreter;

pub use kept::{From, Kept, update};

/// What is audited.
pub enum What {
    /// Locks.
    Files(Vec<PathBuf>),
    /// What is installed.
    Environment(Box<Interpreter>),
    /// A lock that stands nowhere yet.
    Lock(Box<Lock>),
}

/// Who is asked.
#[derive(Clone)]
pub enum Source {
    /// A folder of records, or an export.
    Place(PathBuf),
    /// The database that pipward keeps in this cache directory.
    Kept(PathBuf),
    /// The JSON of releases on this index.
    Pypi(Url),
    /// An OSV service.
    Osv(Url),
}

/// An audit.
pub struct AuditRequest {
    /// What is audited.
    pub what: What,
    /// Who is asked.
    pub source: Source,
    /// What is made of findings.
    pub rules: Rules,
    /// Names that indexes of the configuration have to themselves.
    pub private: Vec<NamePattern>,
    /// How the network is used.
    pub network: NetworkOptions,
    /// The time of the audit.
    pub now: Timestamp,
}

/// What the advisories are and how old.
#[derive(Debug, Clone)]
pub struct Data {
    /// Where they come from.
    pub from: String,
    /// The time of the data: when it was asked for, or when the newest record was changed.
    pub time: Option<Timestamp>,
    /// How many records there are.
    pub records: Option<usize>,
}

/// What an audit found.
#[derive(Clone)]
pub struct Audited {
    /// What was looked up, in the order of names.
    pub subjects: Vec<Subject>,
    /// What was not looked up, in the order of names.
    pub skipped: Vec<Skipped>,
    /// The findings, in the order of the subjects, with what is made of them.
    pub judged: Vec<Judged>,
    /// What it was compared with.
    pub data: Data,
}

/// Something that was not looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// What it is called.
    pub name: String,
    /// Which of the subjects it is; none for what has no version.
    pub subject: Option<usize>,
    /// Why.
    pub why: String,
    /// Whether the configuration has it so, or it is the user's own source; else nobody could be asked about it.
    pub is_meant: bool,
}

/// What a source found for subjects.
struct Answer {
    matches: Vec<Match>,
    data: Data,
    skipped: Vec<Skipped>,
}

impl Audited {
    /// How many there were to look up.
    pub fn all(&self) -> usize {
        let without = self.skipped.iter().filter(|skipped| skipped.subject.is_none()).count();
        self.subjects.len().saturating_add(without)
    }

    /// How many were looked up.
    pub fn asked(&self) -> usize {
        self.all().saturating_sub(self.skipped.len())
    }

    /// What nobody could be asked about: an audit that has any is not complete.
    pub fn unanswered(&self) -> impl Iterator<Item = &Skipped> {
        self.skipped.iter().filter(|skipped| !skipped.is_meant)
    }
}

/// Audits.
///
/// # Errors
/// What hinders the audit; what it finds is in [`Audited`].
pub fn audit(request: &AuditRequest) -> Result<Audited, Problems> {
    let mut listed = subjects::read(&request.what)?;
    let mut statements = Statements::default();
    for path in &request.rules.vex {
        let bytes = document::read_bytes(path, document::MAX_DOCUMENT, Code::VexInvalid)?;
        statements.read(&bytes, &Place::file(path))?;
    }
    let answer = answer(request, &listed.subjects)?;
    check_age(&answer.data, &request.rules, request.now)?;
    listed.skipped.extend(answer.skipped);
    let today = request.now.to_zoned(jiff::tz::TimeZone::UTC).date();
    listed.skipped.iter_mut().for_each(|skipped| allow(skipped, &request.rules, today));
    listed.skipped.sort();
    let found = advisory::findings(&listed.subjects, &answer.matches);
    let judged = advisory::judge(found, &listed.subjects, &request.rules, &statements, today);
    Ok(Audited { subjects: listed.subjects, skipped: listed.skipped, judged, data: answer.data })
}

/// What somebody knows to be without an answer may stay so.
fn allow(skipped: &mut Skipped, rules: &Rules, today: jiff::civil::Date) {
    let known = rules.unanswered.iter().find(|known| {
        known.package.as_ref() as &str == skipped.name && known.until.is_none_or(|until| today <= until)
    });
    if let Some(known) = known.filter(|_| !skipped.is_meant) {
        skipped.is_meant = true;
        skipped.why = format!("{}, which is known: {}", skipped.why, known.reason);
    }
}

fn answer(request: &AuditRequest, subjects: &[Subject]) -> Result<Answer, Problems> {
    let names = Names::of(subjects.iter().map(|subject| &subject.name));
    let (loaded, from, kept) = match &request.source {
        Source::Place(path) => {
            (places::read(path, &names, &request.rules)?, path.display().to_string(), None)
        }
        Source::Kept(cache) => {
            let kept = kept::find(cache)?;
            let loaded = places::read(&kept.file, &names, &request.rules)?;
            (loaded, format!("{} (kept)", kept.source), Some(kept.time))
        }
        Source::Pypi(index) => return online::pypi(request, index, subjects),
        Source::Osv(service) => return online::osv(request, service, subjects),
    };
    // A time to come says nothing about the age of the data.
    let newest = loaded.times.iter().copied().filter(|time| *time <= request.now).max();
    let data = Data { from, time: newest.max(kept), records: Some(loaded.records) };
    Ok(Answer { matches: advisory::matches(&loaded.advisories, subjects), data, skipped: Vec::new() })
}

fn check_age(data: &Data, rules: &Rules, now: Timestamp) -> Result<(), Problem> {
    let Some(most) = rules.max_age else { return Ok(()) };
    let age = data.time.map(|time| now.duration_since(time));
    if age.is_some_and(|age| age <= most) {
        return Ok(());
    }
    let days = |duration: SignedDuration| format!("{} days", duration.as_hours() / 24);
    Err(Problem::new(Code::AdvisoriesStale, "the advisories are older than max-age allows")
        .at(Place::address(data.from.clone()))
        .expected(format!("data of the last {} hours", most.as_hours()))
        .found(match (data.time, age) {
            (Some(time), Some(age)) => format!("data of {time}, {} ago", days(age)),
            _ => "data that does not tell its time".to_owned(),
        })
        .help("bring the database up to date with `pipward audit --update-db URL`, or name a newer one with --db"))
}
