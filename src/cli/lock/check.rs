//! `pipward lock --check`: does the lock follow from its inputs?

use std::path::Path;

use serde_json::json;

use super::{Format, text};
use crate::cli::Outcome;
use crate::cli::render::Printer;
use crate::error::{Code, Place, Problem};
use crate::way::lock::{self, LockRequest};

/// Asks the inputs and the lock first, which needs no index; only where they differ is resolved what would change.
pub(super) fn run(
    request: &LockRequest,
    format: Format,
    output: Option<&Path>,
    printer: &Printer,
) -> Outcome {
    let Some(path) = output else {
        return Err(Problem::new(Code::Usage, "--check needs a lock to look at")
            .help("name it with -o")
            .into());
    };
    let drift = if format == Format::Pylock { lock::drift(request) } else { Vec::new() };
    if format == Format::Pylock && drift.is_empty() {
        printer.note(&format!("{} follows from its inputs", path.display()));
        printer
            .document(&json!({ "ok": true, "file": path.display().to_string(), "drift": [], "changes": [] }));
        return Ok(0);
    }
    let relocked = lock::lock(request, &|| {});
    if let (Format::Requirements, Ok(locked)) = (format, &relocked)
        && fs_err::read(path).is_ok_and(|standing| standing == text(locked, format).as_bytes())
    {
        printer.note(&format!("{} follows from its inputs", path.display()));
        printer
            .document(&json!({ "ok": true, "file": path.display().to_string(), "drift": [], "changes": [] }));
        return Ok(0);
    }
    let mut lines = drift.clone();
    let changes = match relocked {
        Ok(locked) => locked.changes,
        Err(problems) => {
            let why = problems.into_iter().next().map(|problem| problem.message().to_owned());
            lines.push(format!(
                "what locking again would change cannot be told: {}",
                why.unwrap_or_default().lines().next().unwrap_or_default()
            ));
            Vec::new()
        }
    };
    if drift.is_empty() {
        lines.push("locking again writes another file".to_owned());
    }
    if printer.is_json() {
        printer.document(&json!({
            "ok": false,
            "file": path.display().to_string(),
            "code": Code::LockDrift.name(),
            "drift": lines,
            "changes": changes,
        }));
        return Ok(1);
    }
    let mut story = "the lock does not follow from its inputs any more".to_owned();
    for line in lines.iter().chain(&changes) {
        story.push_str(&format!("\n  {line}"));
    }
    Err(Problem::new(Code::LockDrift, story)
        .at(Place::file(path))
        .help("run the same command without --check, and review what changes")
        .into())
}
