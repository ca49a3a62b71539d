//! What is known of vulnerabilities: records, exports of them, what an index says, and VEX.

use std::sync::{Arc, LazyLock};

use pipward::advisory::{
    self, Advisory, Glance, Names, Rules, Statements, Subject, common_fix, findings, from_index, from_json,
    from_yaml,
};
use pipward::error::{Place, Problem};
use pipward::wheel::archive::bundle::Bundle;

use super::targets::explain;

/// How much of an export is looked at.
const MOST: usize = 64;

static SUBJECTS: LazyLock<[Subject; 2]> = LazyLock::new(|| {
    [("pkg", "1.5"), ("plum-tart", "2.0+cpu")].map(|(name, version)| Subject {
        name: name.parse().expect("a name"),
        version: version.parse().expect("a version"),
        place: Place::file("pylock.toml"),
        bounds: Vec::new(),
    })
});

/// The bytes are a record (JSON, YAML), an export of records, an index's answer, and a VEX document.
pub fn advisories(bytes: &[u8]) {
    let place = Place::file("record");
    let names = Names::of(SUBJECTS.iter().map(|subject| &subject.name));
    let mut records = Vec::new();
    let json = |bytes: &[u8]| {
        let glance = Glance::of_json(bytes, &names, &place).inspect_err(explain);
        let read = from_json(bytes, &names, &place).inspect_err(explain);
        seen(read, glance.ok().map(|glance| glance.is_asked))
    };
    records.extend(json(bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        let read = from_yaml(text, &names, &place).inspect_err(explain);
        // What the first look refuses is told, and not passed over.
        match Glance::of_yaml(text, &names, &place).inspect_err(explain) {
            Ok(glance) => records.extend(seen(read, Some(glance.is_asked))),
            Err(_) => records.extend(read.ok()),
        }
    }
    match Bundle::read(bytes, "all.zip") {
        Err(problem) => explain(&problem),
        Ok(bundle) => {
            for entry in bundle.entries().iter().take(MOST) {
                match bundle.content(entry) {
                    Err(problem) => explain(&problem),
                    Ok(content) => {
                        assert_eq!(content.len() as u64, entry.size());
                        records.extend(json(&content));
                    }
                }
            }
        }
    }
    for subject in SUBJECTS.iter() {
        match from_index(bytes, &subject.name, &subject.version, &place) {
            Err(problem) => explain(&problem),
            Ok(told) => {
                for record in told {
                    assert_eq!(record.affects(&subject.name, &subject.version), !record.is_withdrawn);
                    records.push(record);
                }
            }
        }
    }
    let mut statements = Statements::default();
    if let Err(problem) = statements.read(bytes, &place) {
        explain(&problem);
    }
    judge(records, &statements);
}

/// A record that is about a name that is asked for is not passed over at the first look.
fn seen(read: Result<Advisory, Problem>, is_asked: Option<bool>) -> Option<Advisory> {
    let record = read.ok()?;
    if !record.affected.is_empty() {
        assert_eq!(is_asked, Some(true), "{} was passed over", record.id);
    }
    Some(record)
}

/// What is made of the records: each that affects a subject is in one finding, and what is named as the way out is one.
fn judge(records: Vec<Advisory>, statements: &Statements) {
    let records: Vec<Arc<Advisory>> = records.into_iter().map(Arc::new).collect();
    let matches = advisory::matches(&records, &*SUBJECTS);
    let found = findings(&*SUBJECTS, &matches);
    for told in &matches {
        let is_told = |finding: &&advisory::Finding| {
            finding.subject == told.subject && finding.is_called(&told.advisory.id)
        };
        assert_eq!(found.iter().filter(is_told).count(), 1, "{} is in one finding", told.advisory.id);
    }
    for finding in &found {
        let subject = &SUBJECTS[finding.subject];
        let affects = |version| {
            matches.iter().any(|told| {
                told.subject == finding.subject
                    && finding.is_called(&told.advisory.id)
                    && told.advisory.affects(&subject.name, version)
            })
        };
        assert!(affects(&subject.version), "{} affects nothing", finding.id());
        assert!(finding.fixes.iter().all(|fix| *fix > subject.version && !affects(fix)), "{finding:?}");
        if let Some(fix) = common_fix(subject, &[finding]) {
            assert!(fix > subject.version && !affects(&fix), "{finding:?}");
        }
    }
    let count = found.len();
    let today = jiff::civil::Date::constant(2026, 7, 1);
    let judged = advisory::judge(found, &*SUBJECTS, &Rules::default(), statements, today);
    assert_eq!(judged.len(), count);
    assert!(judged.iter().all(|one| one.fails() || !one.finding.is_malware()), "malware is passed over");
}
