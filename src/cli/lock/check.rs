//! `pipward lock --check`: does the lock follow from its inputs?

use std::path::Path;

use serde_json::json;

use super::{Format, text};
use crate::cli::Outcome;
use crate::cli::render::Printer;
use crate::error::{Code, Place, Problem, Problems};
use crate::way::lock::{self, LockRequest, Locked, Upgrade};

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
    let standing = fs_err::read_to_string(path).unwrap_or_default();
    let mut lines = match format {
        Format::Pylock => lock::drift(request),
        Format::Requirements => lock::drift_of_requirements(request, &standing),
    };
    if lines.is_empty() && request.upgrade == Upgrade::Nothing {
        return follows(path, printer);
    }
    let relocked = {
        let progress = printer.progress("resolving", 0);
        lock::lock(request, &|| progress.step())
    };
    let changes = match relocked {
        Ok(locked) if is_the_same(request, &locked, &standing, format) => return follows(path, printer),
        Ok(locked) => locked.changes,
        Err(problems) => {
            lines.push(untold(&problems));
            Vec::new()
        }
    };
    if lines.is_empty() {
        lines.push("locking again writes another file".to_owned());
    }
    refuse(path, &lines, &changes, printer)
}

/// Whether locking again gives what stands. A lock of another tool, and one that is compared with its upgrade, follows if
/// it has the same versions.
fn is_the_same(request: &LockRequest, locked: &Locked, standing: &str, format: Format) -> bool {
    let is_ours = request.standing.as_ref().is_some_and(|lock| lock.tool.is_some());
    let versions_count = request.standing.is_some() && (!is_ours || request.upgrade != Upgrade::Nothing);
    text(locked, format) == standing || (versions_count && locked.changes.is_empty())
}

fn follows(path: &Path, printer: &Printer) -> Outcome {
    printer.note(&format!("{} follows from its inputs", path.display()));
    printer.document(&json!({ "ok": true, "file": path.display().to_string(), "drift": [], "changes": [] }));
    Ok(0)
}

fn untold(problems: &Problems) -> String {
    let why = problems.iter().next().map(|problem| match problem.code() {
        Code::NoSolution | Code::ReleaseAge => "there is no solution",
        _ => problem.message().lines().next().unwrap_or_default(),
    });
    format!("what locking again would change cannot be told: {}", why.unwrap_or_default())
}

fn refuse(path: &Path, lines: &[String], changes: &[String], printer: &Printer) -> Outcome {
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
    for line in lines.iter().chain(changes) {
        story.push_str(&format!("\n  {line}"));
    }
    Err(Problem::new(Code::LockDrift, story)
        .at(Place::file(path))
        .help("run the same command without --check, and review what changes")
        .into())
}
