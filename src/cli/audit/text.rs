//! An audit for people: grouped by package, with one line of what to do.

use crate::advisory::{Finding, Judged, Subject, Verdict, common_fix};
use pipward_resolver::Version;

use crate::error::Code;

use super::super::render::Printer;
use super::Told;

/// How much of a summary stands on a line.
const SUMMARY: usize = 100;

impl Told<'_> {
    pub(super) fn text(&self, printer: &Printer) {
        for (at, subject) in self.audited.subjects.iter().enumerate() {
            let own = self.audited.judged.iter().filter(|judged| judged.finding.subject == at);
            let (open, passed): (Vec<&Judged>, Vec<&Judged>) =
                own.partition(|judged| matches!(judged.verdict, Verdict::Fails | Verdict::Below));
            if open.is_empty() && (passed.is_empty() || !printer.is_verbose()) {
                continue;
            }
            printer.say(&format!("{} {} ({})", subject.name, subject.version, subject.place));
            for judged in open.iter().chain(&passed).filter(|judged| {
                printer.is_verbose() || matches!(judged.verdict, Verdict::Fails | Verdict::Below)
            }) {
                lines(judged, printer.is_verbose()).iter().for_each(|line| printer.say(&format!("  {line}")));
            }
            if !open.is_empty() {
                printer.say(&format!("  => {}", advice(subject, &open)));
            }
        }
        for skipped in &self.audited.skipped {
            printer.warn(&format!("{} was not audited: {}", skipped.name, skipped.why));
        }
        printer.say(&self.summary());
        printer.say(&self.compared());
        printer.problems(self.incomplete().iter());
    }

    fn summary(&self) -> String {
        let count = |wanted: fn(&Verdict) -> bool| {
            self.audited.judged.iter().filter(|judged| wanted(&judged.verdict)).count()
        };
        let fails = count(|verdict| *verdict == Verdict::Fails);
        let below = count(|verdict| *verdict == Verdict::Below);
        let ignored = count(|verdict| matches!(verdict, Verdict::Ignored { .. }));
        let cleared = count(|verdict| matches!(verdict, Verdict::Cleared { .. }));
        let (asked, all) = (self.audited.asked(), self.audited.all());
        // How many were not looked up is told behind: what is found is found among all of them.
        let packages = match (fails > 0 || asked == all, all) {
            (true, 1) => "1 package".to_owned(),
            (true, _) => format!("{all} packages"),
            (false, _) => format!("{asked} of {all} packages"),
        };
        let mut text = if fails == 0 {
            let clean = if self.audited.unanswered().next().is_some() {
                "Not complete: nothing is known of"
            } else {
                "Clean:"
            };
            format!("{clean} {packages} in {}", self.what)
        } else {
            let affected: std::collections::BTreeSet<usize> =
                self.audited.judged.iter().filter(|one| one.fails()).map(|one| one.finding.subject).collect();
            let noun = if fails == 1 { "vulnerability" } else { "vulnerabilities" };
            format!("{fails} known {noun} in {} of {packages} in {}", affected.len(), self.what)
        };
        let unanswered = self.audited.unanswered().count();
        let meant = self.audited.skipped.len().saturating_sub(unanswered);
        for (number, what) in [
            (below, "less severe than --fail-on"),
            (ignored, "ignored"),
            (cleared, "cleared by VEX"),
            (meant, "left out on purpose"),
            (unanswered, "could not be looked up"),
        ] {
            if number > 0 {
                text.push_str(&format!("; {number} {what}"));
            }
        }
        text.push('.');
        text
    }

    fn compared(&self) -> String {
        let data = &self.audited.data;
        let time = data.time.map_or_else(
            || "of a time that they do not tell".to_owned(),
            |time| format!("as of {}", time.round(jiff::Unit::Second).unwrap_or(time)),
        );
        match data.records {
            Some(records) => format!("Compared with {records} advisories {time} from {}.", data.from),
            None => format!("Compared with the advisories {time} of {}.", data.from),
        }
    }
}

/// The lines of one finding.
fn lines(judged: &Judged, is_verbose: bool) -> Vec<String> {
    let finding = &judged.finding;
    let mut parts = vec![finding.id().to_owned(), severity(finding)];
    parts.push(match finding.fixes.as_slice() {
        [] => match &finding.last_affected {
            Some(last) => format!("not in versions after {last}"),
            None => "no fix is known".to_owned(),
        },
        fixes => {
            let fixes: Vec<String> = fixes.iter().map(ToString::to_string).collect();
            format!("fixed in {}", fixes.join(", "))
        }
    });
    let summary = if is_verbose { finding.summary.clone() } else { cut(&finding.summary) };
    let mut lines = vec![format!("{}: {summary}", parts.join(", "))];
    if finding.is_malware() {
        lines.insert(0, format!("MALWARE ({})", Code::KnownMalware));
    }
    match &judged.verdict {
        Verdict::Fails => {}
        Verdict::Below => lines.push("    less severe than --fail-on".to_owned()),
        Verdict::Ignored { reason, until, place } => {
            let until = until.map(|until| format!(", until {until}")).unwrap_or_default();
            lines.push(format!("    ignored at {place}{until}: {reason}"));
        }
        Verdict::Cleared { reason, place } => lines.push(format!("    cleared by VEX at {place}: {reason}")),
    }
    lines.extend(judged.ended.iter().map(|ended| format!("    {ended}")));
    if is_verbose {
        if !finding.aliases().is_empty() {
            lines.push(format!("    also called {}", finding.aliases().join(", ")));
        }
        if let Some(vector) = finding.severity.as_ref().and_then(|severity| severity.vector.as_ref()) {
            lines.push(format!("    {vector}"));
        }
        let details = finding.details.iter().flat_map(|details| details.lines());
        lines.extend(details.map(|line| format!("    {line}")));
        lines.extend(finding.references.iter().map(|reference| format!("    {reference}")));
    }
    lines
}

/// `high 7.5`, `medium`, `of unknown severity`.
pub(super) fn severity(finding: &Finding) -> String {
    match &finding.severity {
        Some(severity) => {
            let score = severity.score.map(|score| format!(" {score:.1}")).unwrap_or_default();
            format!("{}{score}", severity.level.word())
        }
        None => "of unknown severity".to_owned(),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= SUMMARY {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(SUMMARY).collect();
    short.push('…');
    short
}

/// What is typed to move a package: by what its lock notes, where it is one that does.
fn how(subject: &Subject, fix: &Version) -> String {
    let (name, file) = (&subject.name, subject.place.file.as_str());
    let last = std::path::Path::new(file).file_name().and_then(|last| last.to_str()).unwrap_or(file);
    match last {
        _ if file == "pylock.toml" => format!("pipward lock --upgrade-package {name}=={fix}"),
        last if last.ends_with(".toml") => format!("pipward lock -o {file} --upgrade-package {name}=={fix}"),
        last if last.ends_with("-info") => {
            format!("lock it with --upgrade-package {name}=={fix}, and install again")
        }
        _ => format!("pipward audit -r {file} --fix, or {name}=={fix} in that line"),
    }
}

/// One line of what to do about the findings of a package.
pub(super) fn advice(subject: &Subject, open: &[&Judged]) -> String {
    let findings: Vec<&Finding> = open.iter().map(|judged| &judged.finding).collect();
    if findings.iter().any(|finding| finding.is_malware()) {
        let other =
            common_fix(subject, &findings).map(|fix| format!(", or move to {fix}")).unwrap_or_default();
        return format!(
            "take {} out{other}; where it was installed, change every secret that the machine could read",
            subject.name
        );
    }
    match common_fix(subject, &findings) {
        Some(fix) => match subject.bound(&fix) {
            Some(bound) => format!(
                "move to {fix}: let `{}` ({}) allow it, then pipward lock --upgrade-package {}=={fix}",
                bound.requirement, bound.from, subject.name
            ),
            None => format!("move to {fix}: {}", how(subject, &fix)),
        },
        None if findings
            .iter()
            .any(|finding| finding.fixes.is_empty() && finding.last_affected.is_some()) =>
        {
            "move to a version that it does not have: `pipward audit --fix` finds the lowest".to_owned()
        }
        None if findings.iter().all(|finding| finding.fixes.is_empty()) => {
            "no fixed version is known: do without it, or put the id into [[audit.ignore]] with a reason"
                .to_owned()
        }
        None => "no one version fixes all of it: take the newest, and judge what is left".to_owned(),
    }
}
