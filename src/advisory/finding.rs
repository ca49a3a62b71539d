//! Findings: the records about one version of one project, those of one vulnerability joined.
//!
//! Owns: what makes two records one finding, the order of their ids, and which versions clear it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use pipward_resolver::Version;

use super::{Advisory, Match, Severity, Subject};

/// A known vulnerability of a version, or that it is malware.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Which of the subjects.
    pub subject: usize,
    /// What it is called: first the name that it is told by. Databases come in this order: MAL, PYSEC, GHSA, CVE, others.
    pub ids: Vec<String>,
    /// How severe it is, where that is known.
    pub severity: Option<Severity>,
    /// All versions that its records name as fixed, also below the one that is affected.
    pub fixed_in: Vec<Version>,
    /// The versions that clear it: named as fixed, newer, and affected by none of its records.
    pub fixes: Vec<Version>,
    /// The last version that has it, where its records name that in place of a fixed one.
    pub last_affected: Option<Version>,
    /// One line.
    pub summary: String,
    /// More of it, in Markdown.
    pub details: Option<String>,
    /// Where more can be read.
    pub references: Vec<String>,
    /// When it was made known.
    pub published: Option<Timestamp>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
    records: Vec<Arc<Advisory>>,
}

impl Finding {
    /// The name that it is told by.
    pub fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }

    /// Its other names.
    pub fn aliases(&self) -> &[String] {
        self.ids.get(1..).unwrap_or_default()
    }

    /// Whether it has one of these names.
    pub fn is_called(&self, id: &str) -> bool {
        self.ids.iter().any(|own| own.eq_ignore_ascii_case(id))
    }

    /// Whether a record of the malicious packages repository is part of it.
    pub fn is_malware(&self) -> bool {
        self.ids.iter().any(|id| id.starts_with("MAL-"))
    }

    /// Whether a version of its project has it too.
    pub fn affects(&self, subject: &Subject, version: &Version) -> bool {
        self.records.iter().any(|record| record.affects(&subject.name, version))
    }
}

/// The place of a database in the order of ids.
fn rank(id: &str) -> usize {
    ["MAL-", "PYSEC-", "GHSA-", "CVE-"].iter().position(|prefix| id.starts_with(prefix)).unwrap_or(4)
}

/// Joins the records about each subject. "Aliases should be considered symmetric … and transitive."
pub fn findings(subjects: &[Subject], matches: &[Match]) -> Vec<Finding> {
    let mut by_subject: BTreeMap<usize, Vec<&Arc<Advisory>>> = BTreeMap::new();
    for found in matches.iter().filter(|found| !found.advisory.is_withdrawn) {
        by_subject.entry(found.subject).or_default().push(&found.advisory);
    }
    let mut all = Vec::new();
    for (at, records) in by_subject {
        let Some(subject) = subjects.get(at) else { continue };
        let mut own: Vec<Finding> =
            groups(&records).into_iter().map(|group| joined(at, subject, group)).collect();
        own.sort_by(|left, right| (rank(left.id()), left.id()).cmp(&(rank(right.id()), right.id())));
        all.extend(own);
    }
    all
}

/// Records that share a name, each group in the order of ids.
fn groups(records: &[&Arc<Advisory>]) -> Vec<Vec<Arc<Advisory>>> {
    let mut groups: Vec<Vec<Arc<Advisory>>> = Vec::new();
    for record in records {
        let is_alias = |group: &Vec<Arc<Advisory>>| {
            group.iter().any(|other| other.ids().any(|id| record.ids().any(|own| own == id)))
        };
        let (same, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(is_alias);
        groups = others;
        let mut group: Vec<_> = same.into_iter().flatten().collect();
        // One record may come twice: as it stands in two folders, say. "the one with the later modification time is
        // considered authoritative."
        match group.iter_mut().find(|other| other.id == record.id) {
            Some(other) if other.modified < record.modified => *other = Arc::clone(record),
            Some(_) => {}
            None => group.push(Arc::clone(record)),
        }
        group.sort_by(|left, right| (rank(&left.id), &left.id).cmp(&(rank(&right.id), &right.id)));
        groups.push(group);
    }
    groups
}

fn joined(at: usize, subject: &Subject, records: Vec<Arc<Advisory>>) -> Finding {
    let mut ids: Vec<String> = records.iter().flat_map(|record| record.ids()).map(str::to_owned).collect();
    ids.sort_by(|left, right| (rank(left), left).cmp(&(rank(right), right)));
    ids.dedup();
    let entries = || records.iter().flat_map(|record| record.entries(&subject.name));
    let mut fixed_in: Vec<Version> = entries().flat_map(|entry| &entry.fixed).cloned().collect();
    fixed_in.sort();
    fixed_in.dedup();
    let clears = |version: &&Version| {
        **version > subject.version && !records.iter().any(|record| record.affects(&subject.name, version))
    };
    let fixes = fixed_in.iter().filter(clears).cloned().collect();
    let ranges = || entries().flat_map(|entry| &entry.ranges);
    let last_affected = ranges().filter_map(super::Range::last_affected).max().cloned();
    let last_affected = last_affected.filter(|last| {
        *last >= subject.version && !ranges().any(|range| range.fixed().any(|fixed| fixed > last))
    });
    let mut references: Vec<String> = Vec::new();
    for reference in records.iter().flat_map(|record| &record.references) {
        if !references.contains(reference) {
            references.push(reference.clone());
        }
    }
    let details = records.iter().find_map(|record| record.details.clone());
    Finding {
        subject: at,
        severity: records.iter().filter_map(|record| record.severity(&subject.name)).max_by(Severity::order),
        fixes,
        fixed_in,
        last_affected,
        summary: records
            .iter()
            .find_map(|record| record.summary.clone())
            .or_else(|| details.as_deref().map(first_sentence))
            .unwrap_or_else(|| "no summary".to_owned()),
        details,
        references,
        published: records.iter().filter_map(|record| record.published).min(),
        modified: records.iter().filter_map(|record| record.modified).max(),
        ids,
        records,
    }
}

/// The beginning of a text on one line.
fn first_sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.split_once(". ") {
        Some((first, _)) => first.to_owned(),
        None => line,
    }
}

/// The lowest version that clears all these findings of one subject, as far as their records tell.
pub fn common_fix(subject: &Subject, findings: &[&Finding]) -> Option<Version> {
    let mut candidates: Vec<&Version> = findings.iter().flat_map(|finding| &finding.fixes).collect();
    candidates.sort();
    let clears = |version: &Version| {
        findings.iter().all(|finding| {
            finding.fixes.iter().any(|fix| fix <= version) && !finding.affects(subject, version)
        })
    };
    candidates.into_iter().find(|version| clears(version)).cloned()
}
