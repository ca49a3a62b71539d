//! An audit as CycloneDX 1.6: the affected packages, their vulnerabilities, and what is said of those.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Told;
use crate::advisory::{Judged, Level, Subject, Verdict};

impl Told<'_> {
    pub(super) fn cyclonedx(&self) -> Value {
        let components: BTreeMap<String, Value> = self
            .rows()
            .map(|(subject, _)| {
                let purl = subject.purl();
                let component = json!({
                    "type": "library",
                    "bom-ref": purl,
                    "name": subject.name.to_string(),
                    "version": subject.version.to_string(),
                    "purl": purl,
                });
                (purl, component)
            })
            .collect();
        json!({
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {
                "timestamp": seconds(self.now),
                "tools": { "components": [{
                    "type": "application",
                    "name": "pipward",
                    "version": env!("CARGO_PKG_VERSION"),
                }] },
            },
            "components": components.into_values().collect::<Vec<_>>(),
            "vulnerabilities": self.rows().map(|(subject, judged)| vulnerability(subject, judged)).collect::<Vec<_>>(),
        })
    }
}

/// A time as it is written: to the second, in UTC.
pub(super) fn seconds(time: jiff::Timestamp) -> String {
    time.round(jiff::Unit::Second).unwrap_or(time).to_string()
}

fn vulnerability(subject: &Subject, judged: &Judged) -> Value {
    let finding = &judged.finding;
    let (state, detail) = match &judged.verdict {
        Verdict::Cleared { reason, .. } => ("not_affected", Some(reason.clone())),
        Verdict::Ignored { reason, .. } => ("in_triage", Some(format!("ignored: {reason}"))),
        // That a version is affected does not say that what uses it can be attacked.
        Verdict::Fails | Verdict::Below => ("in_triage", None),
    };
    let mut analysis = json!({ "state": state });
    if let (Some(detail), Some(analysis)) = (detail, analysis.as_object_mut()) {
        analysis.insert("detail".to_owned(), detail.into());
    }
    let aliases: Vec<Value> =
        finding.aliases().iter().map(|id| json!({ "id": id, "source": source(id) })).collect();
    let advisories: Vec<Value> = finding
        .references
        .iter()
        .filter(|url| url.starts_with("https://") || url.starts_with("http://"))
        .map(|url| json!({ "url": encoded(url) }))
        .collect();
    let mut all = Map::new();
    let mut put = |key: &str, value: Value| drop(all.insert(key.to_owned(), value));
    put("bom-ref", format!("{} in {}", finding.id(), subject.purl()).into());
    put("id", finding.id().into());
    put("source", source(finding.id()));
    if !aliases.is_empty() {
        put("references", aliases.into());
    }
    if let Some(rating) = rating(judged) {
        put("ratings", json!([rating]));
    }
    put("description", finding.summary.clone().into());
    if let Some(details) = &finding.details {
        put("detail", details.clone().into());
    }
    if let Some(fix) = finding.fixes.first() {
        put("recommendation", format!("Move to {} {fix}.", subject.name).into());
    }
    if !advisories.is_empty() {
        put("advisories", advisories.into());
    }
    for (key, time) in [("published", finding.published), ("updated", finding.modified)] {
        if let Some(time) = time {
            put(key, seconds(time).into());
        }
    }
    put("analysis", analysis);
    put("affects", json!([{ "ref": subject.purl() }]));
    Value::Object(all)
}

fn rating(judged: &Judged) -> Option<Value> {
    let severity = judged.finding.severity.as_ref()?;
    let word = match severity.level {
        Level::None => "none",
        other => other.word(),
    };
    let mut rating = json!({ "severity": word });
    let object = rating.as_object_mut()?;
    if let (Some(score), Some(vector)) = (severity.score, &severity.vector) {
        let method = match vector.split('/').next() {
            Some("CVSS:4.0") => "CVSSv4",
            Some("CVSS:3.1") => "CVSSv31",
            Some("CVSS:3.0") => "CVSSv3",
            _ => "other",
        };
        object.insert("score".to_owned(), score.into());
        object.insert("method".to_owned(), method.into());
        object.insert("vector".to_owned(), vector.clone().into());
    }
    Some(rating)
}

/// Where an id is explained.
fn source(id: &str) -> Value {
    let (name, url) = match id.split('-').next() {
        Some("CVE") => ("NVD", format!("https://nvd.nist.gov/vuln/detail/{id}")),
        Some("GHSA") => ("GitHub Advisories", format!("https://github.com/advisories/{id}")),
        _ => ("OSV", format!("https://osv.dev/vulnerability/{id}")),
    };
    json!({ "name": name, "url": encoded(&url) })
}

/// An address without what an IRI may not hold.
pub(super) fn encoded(url: &str) -> String {
    const BAD: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'<')
        .add(b'>')
        .add(b'\\')
        .add(b'^')
        .add(b'`')
        .add(b'{')
        .add(b'|')
        .add(b'}');
    percent_encoding::utf8_percent_encode(url, BAD).to_string()
}
