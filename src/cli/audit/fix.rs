//! `pipward audit --fix`.

use serde_json::json;

use super::super::Outcome;
use super::super::lock::{self, LockArgs};
use super::super::render::Printer;
use super::AuditArgs;
use crate::error::{Code, Problem, Problems};
use crate::way::audit::fix::{Fixed, fix};
use crate::way::audit::{AuditRequest, Audited, What};

impl AuditArgs {
    /// Tells, and with --write makes, the smallest change of the lock that clears the findings. Ends with 0 where nothing is
    /// left that fails.
    pub(super) fn fix(&self, request: &AuditRequest, audited: &Audited, printer: &Printer) -> Outcome {
        let What::Files(files) = &request.what else { return Ok(0) };
        let [file] = files.as_slice() else {
            return Err(Problem::new(Code::Usage, "one lock is changed at a time")
                .help("name it with -r")
                .into());
        };
        if !audited.judged.iter().any(crate::advisory::Judged::fails) {
            printer.say(&format!("Clean: there is nothing to fix in {}.", file.display()));
            printer.document(&json!({ "ok": true, "exit": 0, "changes": [], "left": [] }));
            return Ok(0);
        }
        let arguments = LockArgs::again(file, &self.sources, &self.cache)?;
        let (mut relock, format) = arguments.relock(printer)?;
        let fixed = {
            let progress = printer.progress("resolving", 0);
            fix(&mut relock, request, audited, &|| progress.step())?
        };
        let Some(fixed) = fixed else { return Err(unfixable(audited)) };
        let left = left(&fixed.audited);
        let is_cleared = left.is_empty();
        let status = u8::from(!(is_cleared && self.write));
        tell(&fixed, &left, self.write, printer);
        if self.write {
            lock::report(&fixed.locked, format, Some(file), None, &printer.without_json())?;
        }
        printer.document(&json!({
            "ok": status == 0,
            "exit": status,
            "written": self.write,
            "changes": fixed.locked.changes,
            "left": left,
        }));
        Ok(status)
    }
}

/// What still fails, `plum 2: PYSEC-2024-1`.
fn left(audited: &Audited) -> Vec<String> {
    let failing = audited.judged.iter().filter(|judged| judged.fails());
    failing
        .filter_map(|judged| {
            let subject = audited.subjects.get(judged.finding.subject)?;
            Some(format!("{} {}: {}", subject.name, subject.version, judged.finding.id()))
        })
        .collect()
}

fn tell(fixed: &Fixed, left: &[String], is_written: bool, printer: &Printer) {
    for change in fixed.locked.changes.iter().filter(|_| !is_written) {
        printer.say(&format!("  {change}"));
    }
    for one in left {
        printer.warn(&format!("this is not fixed by it: {one}"));
    }
    printer.say(match (left.is_empty(), is_written) {
        (true, true) => "Fixed: nothing that fails the audit is left.",
        (true, false) => "This change clears all that fails the audit; --write makes it.",
        (false, true) => "Something is left that no version fixes.",
        (false, false) => "This change clears a part of what fails the audit; --write makes it.",
    });
}

fn unfixable(audited: &Audited) -> Problems {
    let failing = audited.judged.iter().filter(|judged| judged.fails());
    let problem = |judged: &crate::advisory::Judged| {
        let finding = &judged.finding;
        let problem = Problem::new(
            super::machine::code(finding),
            format!("no fixed version is known for {}: {}", finding.id(), finding.summary),
        );
        match audited.subjects.get(finding.subject) {
            Some(subject) => {
                problem.package(format!("{} {}", subject.name, subject.version)).at(subject.place.clone())
            }
            None => problem,
        }
    };
    let found: Vec<Problem> = failing.map(problem).collect();
    match Problems::unless_empty((), found) {
        Err(problems) => problems,
        Ok(()) => Problem::new(Code::Internal, "there is nothing to fix").into(),
    }
}
