//! `pipward audit --fix`.
//!
//! What is found is told first, whatever becomes of the fix; then what changes, then what stays and why.

use serde_json::{Value, json};

use super::super::Outcome;
use super::super::lock::{self, LockArgs};
use super::super::render::{Printer, problem_json};
use super::{AuditArgs, Told};
use crate::error::{Code, ExitClass, Problem, Problems};
use crate::way::audit::fix::{Fixed, Left, Why, fix};
use crate::way::audit::{AuditRequest, Audited, What};

impl AuditArgs {
    /// Tells, and with --write makes, the smallest change of the lock that clears the findings. Ends with 0 where nothing is
    /// left that fails.
    pub(super) fn fix(
        &self,
        request: &AuditRequest,
        audited: &Audited,
        what: String,
        printer: &Printer,
    ) -> Outcome {
        let What::Files(files) = &request.what else { return Ok(0) };
        let [file] = files.as_slice() else {
            return Err(Problem::new(Code::Usage, "one lock is changed at a time")
                .help("name it with -r")
                .into());
        };
        let told = Told { audited, what, now: request.now };
        told.text(printer);
        let mut document = told.json(told.status());
        if !fails(audited) {
            printer.say("There is nothing to fix.");
            add(&mut document, json!({ "written": false, "changes": [], "left": [] }));
            printer.document(&document);
            return Ok(told.status());
        }
        let fixed =
            LockArgs::again(file, &self.sources, &self.cache).map_err(Problems::from).and_then(|again| {
                let (mut relock, format) = again.relock(printer)?;
                let progress = printer.progress("resolving", 0);
                let fixed = fix(&mut relock, request, audited.clone(), &|| progress.step())?;
                drop(progress);
                if let (true, Some(locked)) = (self.write, &fixed.locked) {
                    lock::report(locked, format, Some(file), None, &printer.without_json())?;
                }
                Ok(fixed)
            });
        let fixed = match fixed {
            Ok(fixed) => fixed,
            Err(problems) => {
                printer.problems(problems.iter());
                let status = unmade(&problems);
                let told: Vec<Value> = problems.iter().map(problem_json).collect();
                add(
                    &mut document,
                    json!({ "exit": status, "written": false, "changes": [], "left": [], "problems": told }),
                );
                printer.document(&document);
                return Ok(status);
            }
        };
        let status = u8::from(!(fixed.left.is_empty() && self.write));
        tell(&fixed, audited, self.write, printer);
        let changes = fixed.locked.as_ref().map(|locked| locked.changes.clone()).unwrap_or_default();
        let written = self.write && fixed.locked.is_some();
        let left: Vec<Value> = fixed.left.iter().map(left_json).collect();
        add(
            &mut document,
            json!({ "ok": status == 0, "exit": status, "written": written, "changes": changes, "left": left }),
        );
        printer.document(&document);
        Ok(status)
    }
}

fn fails(audited: &Audited) -> bool {
    audited.judged.iter().any(crate::advisory::Judged::fails)
}

/// What was found ends a run with 1; that the fix could not be completed, or was interrupted, says more.
fn unmade(problems: &Problems) -> u8 {
    match problems.exit_class() {
        ExitClass::Refused | ExitClass::Usage => ExitClass::Refused.status(),
        other => other.status(),
    }
}

fn add(document: &mut Value, more: Value) {
    if let (Some(document), Value::Object(more)) = (document.as_object_mut(), more) {
        document.extend(more);
    }
}

fn tell(fixed: &Fixed, first: &Audited, is_written: bool, printer: &Printer) {
    let changes = fixed.locked.iter().flat_map(|locked| &locked.changes);
    let has_changes = changes.clone().next().is_some();
    // Where it is written, locking has told it.
    if !is_written && has_changes {
        printer.say("To change:");
        changes.for_each(|change| printer.say(&format!("  {change}")));
    }
    for left in &fixed.left {
        let told = why(left);
        let mut lines = told.lines();
        let (ids, first) = (left.ids.join(", "), lines.next().unwrap_or_default());
        printer.warn(&format!("{} {} stays, with {ids}: {first}", left.name, left.version));
        lines.for_each(|line| printer.note(&format!("  {line}")));
    }
    let count = |audited: &Audited| audited.judged.iter().filter(|judged| judged.fails()).count();
    let (all, rest) = (count(first), count(&fixed.audited));
    printer.say(&match (rest, has_changes, is_written) {
        (0, _, true) => "Fixed: nothing that fails the audit is left.".to_owned(),
        (0, _, false) => "This change clears all that fails the audit; --write makes it.".to_owned(),
        (_, true, true) => format!("Changed: {rest} of {all} findings that fail the audit are left."),
        (_, true, false) => {
            format!("This change leaves {rest} of {all} findings that fail the audit; --write makes it.")
        }
        (_, false, _) => "No change of the lock clears any of what fails the audit.".to_owned(),
    });
}

fn why(left: &Left) -> String {
    let name = &left.name;
    match &left.why {
        Why::Malware => format!("it is malware, and no newer version is free of it; take {name} out by hand"),
        Why::NoVersion(0) => "no newer version is on the index".to_owned(),
        Why::NoVersion(1) => "the one newer version has it too".to_owned(),
        Why::NoVersion(count) => format!("all {count} newer versions have it too"),
        Why::Bound { fix, requirement, place } => {
            format!("{fix} is the lowest version without it, which `{requirement}` at {place} leaves out")
        }
        Why::NoSolution { fix, story } => {
            format!("{fix} is the lowest version without it, and cannot be had: {}", story.message())
        }
        Why::Pythons { fix, pythons } => {
            format!(
                "{fix} is the lowest version without it, and for Python {pythons} alone: there it is taken"
            )
        }
        Why::Rounds => "each version that was tried has something else".to_owned(),
    }
}

fn left_json(left: &Left) -> Value {
    let (fix, place) = match &left.why {
        Why::Bound { fix, place, .. } => (Some(fix.to_string()), Some(place.to_string())),
        Why::NoSolution { fix, .. } | Why::Pythons { fix, .. } => (Some(fix.to_string()), None),
        _ => (None, None),
    };
    json!({
        "package": left.name.to_string(),
        "version": left.version.to_string(),
        "ids": left.ids,
        "fix": fix,
        "bound": place,
        "reason": why(left),
    })
}
