//! `[audit]` of pipward.toml.
//!
//! Owns: its keys. Never: takes one that it does not know, an ignored id without a reason, or one of malware.

use std::path::PathBuf;

use jiff::SignedDuration;
use jiff::civil::Date;
use pipward_resolver::PackageName;

use super::Level;
use crate::document::{Item, Table};
use crate::error::{Code, Place, Problem};

const KEYS: [&str; 8] = ["db", "source", "osv-url", "max-age", "fail-on", "vex", "ignore", "unanswered"];
const IGNORE: [&str; 4] = ["id", "package", "reason", "until"];
const UNANSWERED: [&str; 3] = ["package", "reason", "until"];

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Service {
    /// A database on this machine.
    #[default]
    Database,
    /// The JSON of each release on the index, as PyPI has it.
    Pypi,
    /// The OSV service, in batches.
    Osv,
}

impl Service {
    /// The words for it.
    pub const NAMES: [(&'static str, Self); 3] =
        [("database", Self::Database), ("pypi", Self::Pypi), ("osv", Self::Osv)];
}

/// A vulnerability that is known and taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Its id, or one of its aliases.
    pub id: String,
    /// For this project alone.
    pub package: Option<PackageName>,
    /// Why.
    pub reason: String,
    /// The last day on which it counts.
    pub until: Option<Date>,
    /// Where that is said.
    pub place: Place,
}

/// A package that may stay without an answer: no source knows it, and somebody knows why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// The project.
    pub package: PackageName,
    /// Why.
    pub reason: String,
    /// The last day on which it counts.
    pub until: Option<Date>,
}

/// What the configuration says of audits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// `db`: a folder of records, or an export.
    pub database: Option<PathBuf>,
    /// `source`.
    pub service: Option<Service>,
    /// `osv-url`.
    pub osv_url: Option<String>,
    /// `max-age`: data that is older is no answer.
    pub max_age: Option<SignedDuration>,
    /// `fail-on`: what is less severe is told, and no more.
    pub fail_on: Option<Level>,
    /// `vex`: files of statements.
    pub vex: Vec<PathBuf>,
    /// `ignore`.
    pub ignored: Vec<Ignored>,
    /// `unanswered`.
    pub unanswered: Vec<Unanswered>,
}

/// Reads the table; what is wrong with it is reported to the reading that it is part of.
pub(crate) fn read(item: &Item<'_, '_>) -> Rules {
    let mut rules = Rules::default();
    let Some(table) = item.table() else { return rules };
    for (key, item) in table.all() {
        match key {
            "db" => rules.database = item.text().map(|text| item.reading.beside(text)),
            "source" => {
                let named = Service::NAMES.into_iter().find(|(name, _)| Some(*name) == item.text());
                let known = Service::NAMES.map(|(name, _)| name).join(", ");
                rules.service = said(&item, named.map(|(_, service)| service), &known);
            }
            "osv-url" => rules.osv_url = item.text().map(str::to_owned),
            "max-age" => {
                let span = item.text().and_then(|text| text.trim().parse::<jiff::Span>().ok());
                let age =
                    span.and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
                let age = age.filter(|age| !age.is_negative());
                rules.max_age = said(&item, age, "an age such as 7d, 36h or P2W");
            }
            "fail-on" => {
                let level = item.text().and_then(|text| text.parse().ok());
                let level = level.filter(|level| Level::NAMED.contains(level));
                rules.fail_on = said(&item, level, "low, medium, high or critical");
            }
            "vex" => {
                let path = |item: &Item<'_, '_>| item.text().map(|text| item.reading.beside(text));
                rules.vex = item.items().iter().filter_map(path).collect();
            }
            "ignore" => rules.ignored = item.items().iter().filter_map(ignored).collect(),
            "unanswered" => rules.unanswered = item.items().iter().filter_map(unanswered).collect(),
            _ => unknown(&item, key, &KEYS),
        }
    }
    rules
}

fn said<T>(item: &Item<'_, '_>, value: Option<T>, expected: &str) -> Option<T> {
    if value.is_none() && item.value.is_str() {
        item.reading.report(
            Problem::new(Code::ConfigInvalid, "this setting has no such value")
                .at(item.place())
                .expected(expected),
        );
    }
    value
}

fn ignored(item: &Item<'_, '_>) -> Option<Ignored> {
    let table: Table<'_, '_> = item.table()?;
    for (key, item) in table.all() {
        if !IGNORE.contains(&key) {
            unknown(&item, key, &IGNORE);
        }
    }
    let id = table.required("id").and_then(|item| item.text().map(str::to_owned));
    if id.as_ref().is_some_and(|id| id.starts_with("MAL-")) {
        item.reading.fault(item.place(), "malware is never ignored");
    }
    let package = table.get("package").and_then(|item| item.parsed("the name of a project"));
    let (reason, until) = reasoned(item, &table)?;
    Some(Ignored { id: id?, package, reason, until, place: item.place() })
}

fn unanswered(item: &Item<'_, '_>) -> Option<Unanswered> {
    let table: Table<'_, '_> = item.table()?;
    for (key, item) in table.all() {
        if !UNANSWERED.contains(&key) {
            unknown(&item, key, &UNANSWERED);
        }
    }
    let package = table.required("package").and_then(|item| item.parsed("the name of a project"));
    let (reason, until) = reasoned(item, &table)?;
    Some(Unanswered { package: package?, reason, until })
}

/// Why something is passed over, and until when.
fn reasoned(item: &Item<'_, '_>, table: &Table<'_, '_>) -> Option<(String, Option<Date>)> {
    let reason = table.required("reason").and_then(|item| item.text().map(|text| text.trim().to_owned()));
    if reason.as_ref().is_some_and(String::is_empty) {
        item.reading.fault(item.place(), "what is passed over has a reason, which a later reader can judge");
    }
    let until = match table.get("until") {
        Some(item) => Some(item.day()?),
        None => None,
    };
    Some((reason?, until))
}

fn unknown(item: &Item<'_, '_>, key: &str, known: &[&str]) {
    let key: String = key.chars().filter(|c| !c.is_control()).take(60).collect();
    item.reading.report(
        Problem::new(Code::ConfigInvalid, format!("[audit] has no setting `{key}`"))
            .at(item.place())
            .expected(known.join(", "))
            .help("look at the spelling, or delete the line"),
    );
}
