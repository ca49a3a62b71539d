//! Advisories of the index and of the OSV service.
//!
//! What they say of a version counts: they are asked about names and versions, and match by themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use url::Url;

use super::{Answer, AuditRequest, Data, Skipped};
use crate::advisory::{Advisory, Match, Names, Subject, from_index, from_json};
use crate::error::{Place, Problem, Problems};
use crate::index::{Advisories, Reply, without_password};

/// Subjects that are asked about, each with its place in the list of all.
fn asked(request: &AuditRequest, subjects: &[Subject]) -> (Vec<usize>, Vec<Skipped>) {
    let mut at = Vec::new();
    let mut skipped = Vec::new();
    for (nth, subject) in subjects.iter().enumerate() {
        if request.private.iter().any(|pattern| pattern.matches(&subject.name)) {
            let why = "an index of the configuration has this name to itself, and asking would tell it";
            skipped.push(Skipped {
                name: subject.name.to_string(),
                subject: Some(nth),
                why: why.to_owned(),
                is_meant: true,
            });
        } else {
            at.push(nth);
        }
    }
    (at, skipped)
}

fn data(url: &Url, request: &AuditRequest) -> Data {
    Data { from: without_password(url), time: Some(request.now), records: None }
}

/// Asks the index for the JSON of each release.
pub(super) fn pypi(request: &AuditRequest, index: &Url, subjects: &[Subject]) -> Result<Answer, Problems> {
    let (asked, mut skipped) = asked(request, subjects);
    let listed: Vec<(usize, &Subject)> =
        asked.into_iter().filter_map(|at| Some((at, subjects.get(at)?))).collect();
    let releases: Vec<_> =
        listed.iter().map(|(_, subject)| (subject.name.clone(), subject.version.clone())).collect();
    let answers = Advisories::new(request.network.clone())?.releases(index, &releases)?;
    let mut matches = Vec::new();
    for ((at, subject), answer) in listed.into_iter().zip(answers) {
        let Some(Reply { url, body }) = answer else {
            skipped.push(Skipped {
                name: subject.name.to_string(),
                subject: Some(at),
                why: format!("the index does not know {}", subject.version),
                is_meant: false,
            });
            continue;
        };
        let place = Place::address(without_password(&url));
        let told = from_index(&body, &subject.name, &subject.version, &place)?;
        matches.extend(told.into_iter().map(|advisory| Match { subject: at, advisory: Arc::new(advisory) }));
    }
    Ok(Answer { matches, data: data(index, request), skipped })
}

/// Asks the OSV service in batches, then for each record.
pub(super) fn osv(request: &AuditRequest, service: &Url, subjects: &[Subject]) -> Result<Answer, Problems> {
    let (asked, mut skipped) = asked(request, subjects);
    let listed: Vec<(usize, &Subject)> =
        asked.into_iter().filter_map(|at| Some((at, subjects.get(at)?))).collect();
    // A local version is a build of the public one, and affected where that is; the service compares it as it stands.
    let releases: Vec<_> = listed
        .iter()
        .map(|(_, subject)| (subject.name.clone(), subject.version.clone().without_local()))
        .collect();
    let client = Advisories::new(request.network.clone())?;
    let found = client.osv_ids(service, &releases)?;
    let ids: BTreeSet<String> = found.iter().flatten().cloned().collect();
    let names = Names::of(listed.iter().map(|(_, subject)| &subject.name));
    let mut records: BTreeMap<&str, Arc<Advisory>> = BTreeMap::new();
    let mut lost: BTreeSet<&str> = BTreeSet::new();
    for (id, reply) in ids.iter().zip(client.osv_records(service, &ids)?) {
        let Some(Reply { url, body }) = reply else {
            lost.extend((!is_ignored(id, request)).then_some(id.as_str()));
            continue;
        };
        let record = from_json(&body, &names, &Place::address(without_password(&url)));
        match record {
            Ok(record) => drop(records.insert(id, Arc::new(record))),
            Err(problem) if is_ignored(id, request) => drop(problem),
            Err(problem) => return Err(Problem::into(problem)),
        }
    }
    let mut matches = Vec::new();
    for ((at, subject), ids) in listed.iter().zip(&found) {
        // It is affected by something, and nobody can say by what.
        if let Some(id) = ids.iter().find(|id| lost.contains(id.as_str())) {
            skipped.push(Skipped {
                name: subject.name.to_string(),
                subject: Some(*at),
                why: format!("the service names {id} for it, and does not have that record"),
                is_meant: false,
            });
        }
        let known = ids.iter().filter_map(|id| records.get(id.as_str()));
        matches.extend(known.map(|advisory| Match { subject: *at, advisory: Arc::clone(advisory) }));
    }
    Ok(Answer { matches, data: data(service, request), skipped })
}

fn is_ignored(id: &str, request: &AuditRequest) -> bool {
    request.rules.ignored.iter().any(|ignored| ignored.id.eq_ignore_ascii_case(id))
}
