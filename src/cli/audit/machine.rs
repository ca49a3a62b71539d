//! An audit as JSON, as GitHub annotations, and in the JSON of pip-audit.

use serde_json::{Value, json};

use super::Told;
use super::text::{advice, severity};
use crate::advisory::{Finding, Judged, Subject, Verdict, common_fix};
use crate::error::Code;
use crate::way::audit::Skipped;

/// The code of a finding.
pub(super) fn code(finding: &Finding) -> Code {
    if finding.is_malware() { Code::KnownMalware } else { Code::KnownVulnerability }
}

impl Told<'_> {
    /// The findings with what they are about.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&Subject, &Judged)> {
        self.audited
            .judged
            .iter()
            .filter_map(|judged| Some((self.audited.subjects.get(judged.finding.subject)?, judged)))
    }

    /// The findings of a subject that are open.
    fn open(&self, at: usize) -> Vec<&Judged> {
        let own = self.audited.judged.iter().filter(|judged| judged.finding.subject == at);
        own.filter(|judged| matches!(judged.verdict, Verdict::Fails | Verdict::Below)).collect()
    }

    pub(super) fn json(&self, status: u8) -> Value {
        let fixes: Vec<Value> = self
            .audited
            .subjects
            .iter()
            .enumerate()
            .filter_map(|(at, subject)| {
                let open = self.open(at);
                let findings: Vec<&Finding> = open.iter().map(|judged| &judged.finding).collect();
                let fix = common_fix(subject, &findings)?;
                Some(json!({
                    "package": subject.name.to_string(),
                    "from": subject.version.to_string(),
                    "to": fix.to_string(),
                }))
            })
            .collect();
        let skipped: Vec<Value> = self.audited.skipped.iter().map(|skipped| self.skipped(skipped)).collect();
        json!({
            "ok": status == 0,
            "exit": status,
            "audited": self.what,
            "packages": self.audited.all(),
            "asked": self.audited.asked(),
            "complete": self.audited.unanswered().next().is_none(),
            "data": {
                "from": self.audited.data.from,
                "time": self.audited.data.time.map(|time| time.to_string()),
                "records": self.audited.data.records,
            },
            "findings": self.rows().map(|(subject, judged)| row(subject, judged)).collect::<Vec<_>>(),
            "fixes": fixes,
            "skipped": skipped,
        })
    }

    fn skipped(&self, skipped: &Skipped) -> Value {
        let subject = skipped.subject.and_then(|at| self.audited.subjects.get(at));
        json!({
            "name": skipped.name,
            "version": subject.map(|subject| subject.version.to_string()),
            "reason": skipped.why,
            "meant": skipped.is_meant,
        })
    }

    /// Annotations of a workflow run: one for each finding that is open, and one for all that could not be looked up.
    pub(super) fn annotations(&self) -> Vec<String> {
        let mut lines = self.annotated();
        lines.extend(self.incomplete().map(|problem| {
            let message = format!("{}: {}", problem.message(), problem.found_text().unwrap_or_default());
            format!("::error title={}::{}", property(Code::AuditIncomplete.name()), data(&message))
        }));
        lines
    }

    fn annotated(&self) -> Vec<String> {
        let open =
            self.rows().filter(|(_, judged)| matches!(judged.verdict, Verdict::Fails | Verdict::Below));
        open.map(|(subject, judged)| {
            let finding = &judged.finding;
            let kind = if judged.fails() { "error" } else { "warning" };
            let line = subject.place.line.map(|line| format!(",line={line}")).unwrap_or_default();
            let title = format!("{} in {} {}", finding.id(), subject.name, subject.version);
            let message =
                format!("{} ({}). To do: {}", finding.summary, severity(finding), advice(subject, &[judged]));
            format!(
                "::{kind} file={}{line},title={}::{}",
                property(&subject.place.file),
                property(&title),
                data(&message)
            )
        })
        .collect()
    }

    /// What `pip-audit --format json --desc on --aliases on` prints. It prefers ids of PYSEC, then of CVE.
    pub(super) fn pip_audit(&self) -> Value {
        let mut dependencies: Vec<Value> = Vec::new();
        let is_skipped = |at: usize| self.audited.skipped.iter().any(|skipped| skipped.subject == Some(at));
        let asked = self.audited.subjects.iter().enumerate().filter(|(at, _)| !is_skipped(*at));
        for (at, subject) in asked {
            let vulnerabilities: Vec<Value> =
                self.open(at).iter().map(|judged| theirs(&judged.finding)).collect();
            dependencies.push(json!({
                "name": subject.name.to_string(),
                "version": subject.version.to_string(),
                "vulns": vulnerabilities,
            }));
        }
        let skipped = self.audited.skipped.iter();
        dependencies.extend(skipped.map(|one| json!({ "name": one.name, "skip_reason": one.why })));
        json!({ "dependencies": dependencies, "fixes": [] })
    }
}

fn theirs(finding: &Finding) -> Value {
    let rank = |id: &&String| {
        if id.starts_with("PYSEC") {
            1
        } else if id.starts_with("CVE") {
            2
        } else {
            3
        }
    };
    let mut ids: Vec<&String> = finding.ids.iter().collect();
    ids.sort_by_key(rank);
    let fixes: Vec<String> = finding.fixed_in.iter().map(ToString::to_string).collect();
    json!({
        "id": ids.first(),
        "fix_versions": fixes,
        "aliases": ids.get(1..).unwrap_or_default(),
        "description": finding.summary,
    })
}

fn row(subject: &Subject, judged: &Judged) -> Value {
    let finding = &judged.finding;
    let texts = |list: &[pipward_resolver::Version]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (verdict, reason, until) = match &judged.verdict {
        Verdict::Fails => ("fails", None, None),
        Verdict::Below => ("below", None, None),
        Verdict::Ignored { reason, until, .. } => {
            ("ignored", Some(reason), until.map(|until| until.to_string()))
        }
        Verdict::Cleared { reason, .. } => ("cleared", Some(reason), None),
    };
    json!({
        "code": code(finding).name(),
        "package": subject.name.to_string(),
        "version": subject.version.to_string(),
        "place": { "file": subject.place.file, "line": subject.place.line, "entry": subject.place.entry },
        "id": finding.id(),
        "aliases": finding.aliases(),
        "severity": finding.severity.as_ref().map(|severity| severity.level.word()),
        "score": finding.severity.as_ref().and_then(|severity| severity.score),
        "vector": finding.severity.as_ref().and_then(|severity| severity.vector.as_ref()),
        "summary": finding.summary,
        "details": finding.details,
        "fixed-in": texts(&finding.fixed_in),
        "fixes": texts(&finding.fixes),
        "last-affected": finding.last_affected.as_ref().map(ToString::to_string),
        "references": finding.references,
        "published": finding.published.map(|time| time.to_string()),
        "modified": finding.modified.map(|time| time.to_string()),
        "verdict": verdict,
        "reason": reason,
        "until": until,
        "ended": judged.ended,
    })
}

/// "%", line breaks, and in properties ":" and "," are written by their numbers.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
