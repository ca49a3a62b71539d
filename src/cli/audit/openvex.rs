//! An audit as OpenVEX 0.2.0: what is found is under investigation, what a statement cleared is not affected.

use serde_json::{Value, json};

use super::Told;
use super::cyclonedx::seconds;
use super::text::advice;
use crate::advisory::{Judged, Subject, Verdict};
use crate::digest::Sha256;

impl Told<'_> {
    /// `None` where there is nothing to state: "statements" has at least one item.
    pub(super) fn openvex(&self) -> Option<Value> {
        let statements: Vec<Value> =
            self.rows().map(|(subject, judged)| statement(subject, judged)).collect();
        if statements.is_empty() {
            return None;
        }
        let digest = Sha256::of(Value::from(statements.clone()).to_string().as_bytes());
        Some(json!({
            "@context": "https://openvex.dev/ns/v0.2.0",
            "@id": format!("https://openvex.dev/docs/public/vex-{digest}"),
            "author": "pipward audit",
            "timestamp": seconds(self.now),
            "version": 1,
            "tooling": concat!("pipward/", env!("CARGO_PKG_VERSION")),
            "statements": statements,
        }))
    }
}

fn statement(subject: &Subject, judged: &Judged) -> Value {
    let finding = &judged.finding;
    let mut statement = json!({
        "vulnerability": { "name": finding.id(), "description": finding.summary, "aliases": finding.aliases() },
        "products": [{ "@id": subject.purl(), "identifiers": { "purl": subject.purl() } }],
    });
    let words = match &judged.verdict {
        Verdict::Cleared { reason, .. } => {
            [("status", "not_affected".to_owned()), ("impact_statement", reason.clone())]
        }
        Verdict::Ignored { reason, .. } => {
            [("status", "under_investigation".to_owned()), ("status_notes", format!("ignored: {reason}"))]
        }
        Verdict::Fails | Verdict::Below => {
            [("status", "under_investigation".to_owned()), ("status_notes", advice(subject, &[judged]))]
        }
    };
    if let Some(statement) = statement.as_object_mut() {
        statement.extend(words.map(|(key, text)| (key.to_owned(), Value::from(text))));
    }
    statement
}
