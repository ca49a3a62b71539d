//! An audit as SARIF 2.1.0: rules are vulnerabilities, results are the packages that have them, and places are the lines
//! of the lock.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Told;
use super::machine::code;
use super::text::{advice, severity};
use crate::advisory::{Finding, Judged, Level, Subject, Verdict};
use crate::error::{Code, Place};

impl Told<'_> {
    pub(super) fn sarif(&self) -> Value {
        let mut rules: BTreeMap<&str, &Finding> = BTreeMap::new();
        for (_, judged) in self.rows() {
            rules.entry(judged.finding.id()).or_insert(&judged.finding);
        }
        let order: Vec<&str> = rules.keys().copied().collect();
        let results: Vec<Value> = self
            .rows()
            .map(|(subject, judged)| {
                let at = order.iter().position(|id| *id == judged.finding.id());
                result(subject, judged, at.unwrap_or_default())
            })
            .collect();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "pipward",
                    "version": env!("CARGO_PKG_VERSION"),
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": rules.values().map(|finding| rule(finding)).collect::<Vec<_>>(),
                } },
                "columnKind": "unicodeCodePoints",
                "invocations": [{
                    "executionSuccessful": self.audited.unanswered().next().is_none(),
                    "toolExecutionNotifications": self.notifications(),
                    "endTimeUtc": self.now.round(jiff::Unit::Second).unwrap_or(self.now).to_string(),
                }],
                "properties": {
                    "advisories": self.audited.data.from,
                    "advisoriesAsOf": self.audited.data.time.map(|time| time.to_string()),
                },
                "results": results,
            }],
        })
    }

    /// What could not be looked up.
    fn notifications(&self) -> Vec<Value> {
        let told = self.audited.skipped.iter().map(|skipped| {
            let level = if skipped.is_meant { "note" } else { "error" };
            json!({
                "level": level,
                "descriptor": { "id": Code::AuditIncomplete.name() },
                "message": { "text": format!("{} was not audited: {}", skipped.name, skipped.why) },
            })
        });
        told.collect()
    }
}

fn rule(finding: &Finding) -> Value {
    let text = finding.details.as_ref().unwrap_or(&finding.summary);
    let link = finding.references.iter().find(|link| link.starts_with("https://"));
    let mut rule = json!({
        "id": finding.id(),
        "name": code(finding).name(),
        "shortDescription": { "text": finding.summary },
        "fullDescription": { "text": text },
        "help": { "text": text, "markdown": text },
        "defaultConfiguration": { "level": level(finding) },
        "properties": {
            "tags": ["security", "vulnerability"],
            "aliases": finding.aliases(),
            // What GitHub sorts alerts by.
            "security-severity": score(finding),
        },
    });
    if let (Some(link), Some(rule)) = (link, rule.as_object_mut()) {
        rule.insert("helpUri".to_owned(), super::cyclonedx::encoded(link).into());
    }
    rule
}

fn result(subject: &Subject, judged: &Judged, rule: usize) -> Value {
    let finding = &judged.finding;
    let message = format!(
        "{} {} has {} ({}): {}. To do: {}.",
        subject.name,
        subject.version,
        finding.id(),
        severity(finding),
        finding.summary.trim_end_matches('.'),
        advice(subject, &[judged])
    );
    let mut result = json!({
        "ruleId": finding.id(),
        "ruleIndex": rule,
        "level": if judged.verdict == Verdict::Below { "note" } else { level(finding) },
        "message": { "text": message },
        "locations": [location(&subject.place)],
        "partialFingerprints": {
            "vulnerability/v1": format!("{} {} {}", finding.id(), subject.name, subject.version),
        },
        "properties": { "purl": subject.purl() },
    });
    let suppression = match &judged.verdict {
        Verdict::Ignored { reason, .. } | Verdict::Cleared { reason, .. } => {
            Some(json!([{ "kind": "external", "status": "accepted", "justification": reason }]))
        }
        Verdict::Fails | Verdict::Below => None,
    };
    if let (Some(suppression), Some(result)) = (suppression, result.as_object_mut()) {
        result.insert("suppressions".to_owned(), suppression);
    }
    result
}

fn location(place: &Place) -> Value {
    let uri = percent_encoding::utf8_percent_encode(&place.file, UNSAFE).to_string();
    let uri = if place.file.starts_with('/') { format!("file://{uri}") } else { uri };
    let region = place.line.map(|line| json!({ "startLine": line.max(1) }));
    let mut physical = json!({ "artifactLocation": { "uri": uri } });
    if let (Some(region), Some(physical)) = (region, physical.as_object_mut()) {
        physical.insert("region".to_owned(), region);
    }
    json!({ "physicalLocation": physical })
}

/// What a path may hold and an address may not.
const UNSAFE: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b']')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b':');

fn level(finding: &Finding) -> &'static str {
    match finding.severity.as_ref().map(|severity| severity.level) {
        _ if finding.is_malware() => "error",
        Some(Level::None | Level::Low) => "note",
        Some(Level::Medium) => "warning",
        _ => "error",
    }
}

/// The score; without one, the middle of its level. What has no level sorts with what is high.
fn score(finding: &Finding) -> String {
    let middle = |level: Level| match level {
        Level::None => 0.0,
        Level::Low => 2.0,
        Level::Medium => 5.5,
        Level::High => 8.0,
        Level::Critical => 9.5,
    };
    let score = match &finding.severity {
        _ if finding.is_malware() => 10.0,
        Some(severity) => severity.score.unwrap_or_else(|| middle(severity.level)),
        None => middle(Level::High),
    };
    format!("{score:.1}")
}
