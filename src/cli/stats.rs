//! `pipward stats`.

use clap::Args;
use serde_json::{Value, json};

use super::Outcome;
use super::install::size;
use super::options::policy;
use super::render::{Printer, problem_json};
use super::surveying::{Subject, SubjectArgs, shortened};
use crate::error::Problems;
use crate::policy::Judged;
use crate::survey::stats::{Row, Sums, sums};
use crate::way::survey::{count_environment, count_lock, deep};
use crate::wheel::licenses::License;

/// Arguments of `pipward stats`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward stats                       how much ./pylock.toml holds, and under which licences
  pipward stats --deep                and how many files are in its wheels, how many of them machine code
  pipward stats .venv                 the same of an environment

[policy.licenses] of the configuration says which licences are allowed.
Exit codes: 0; 1 where the policy refuses a licence.")]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Fetch and verify every wheel of the lock, and look into it
    #[arg(long, conflicts_with = "environment")]
    deep: bool,
}

pub(super) fn run(arguments: &StatsArgs, printer: &Printer) -> Outcome {
    let fetch = !arguments.subject.lock.is_offline();
    let subject = arguments.subject.subject(fetch, printer)?;
    let rows = match &subject {
        Subject::Environment(look) => count_environment(look)?,
        Subject::Lock(lock, sight) => {
            let looked = if arguments.deep {
                let progress = printer.progress("looking through", lock.packages.len() as u64);
                deep(lock, sight, &|| progress.step())?
            } else {
                Vec::new()
            };
            count_lock(lock, sight, &looked)?
        }
    };
    let without: Vec<String> =
        rows.iter().filter(|row| row.license.is_none()).map(|row| row.name.clone()).collect();
    if !without.is_empty() {
        printer.warn(&format!("without licences, since METADATA is not at hand: {}", shortened(&without)));
    }
    let judged = judged(&rows)?;
    let place = subject.place();
    let sums = sums(&rows);
    printer.problems(judged.refused.iter());
    judged.warned.iter().for_each(|problem| printer.warn(&problem.to_string()));
    lines(&sums, &place).iter().for_each(|line| printer.say(line));
    let status = u8::from(!judged.refused.is_empty());
    printer.document(&document(&rows, &sums, &judged, &place, status));
    Ok(status)
}

/// What the policy says of the licences. What is not at hand cannot be judged as said, so it counts as unsaid.
fn judged(rows: &[Row]) -> Result<Judged, Problems> {
    let policy = policy()?;
    let mut judged = Judged::default();
    for row in rows {
        let Ok(name) = row.name.parse() else { continue };
        let license = row.license.clone().unwrap_or(License::Unsaid);
        judged.add(policy.license(&name, &license, &row.place));
    }
    Ok(judged)
}

fn lines(sums: &Sums, place: &str) -> Vec<String> {
    let others = sums.distributions.saturating_sub(sums.direct);
    let count = |number: u64, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let mut lines = vec![format!(
        "{} in {place}: {} asked for, {others} besides.",
        count(sums.distributions as u64, "distribution"),
        sums.direct
    )];
    let mut parts = Vec::new();
    if sums.wheels > 0 {
        let size = sums.bytes.map(|bytes| format!(", {}", size(bytes))).unwrap_or_default();
        parts.push(format!("{}{size}", count(sums.wheels, "wheel")));
    }
    if let Some(files) = sums.files {
        let native = sums.native.unwrap_or_default();
        let size = sums.unpacked.map(|bytes| format!(", {}", size(bytes))).unwrap_or_default();
        parts.push(format!("{}{size}, {native} of them machine code", count(files, "file")));
    }
    if !parts.is_empty() {
        lines.push(format!("{}.", parts.join("; ")));
    }
    let mut licenses: Vec<(&License, &Vec<String>)> = sums.licenses.iter().collect();
    licenses.sort_by_key(|(license, names)| (license.expression().is_none(), std::cmp::Reverse(names.len())));
    let width = licenses.iter().map(|(license, _)| license.told().chars().count()).max().unwrap_or_default();
    for (license, names) in licenses {
        let told = license.told();
        lines.push(format!("{:>5}  {told:width$}  {}", names.len(), shortened(names)));
    }
    lines
}

fn document(rows: &[Row], sums: &Sums, judged: &Judged, place: &str, status: u8) -> Value {
    let row = |row: &Row| {
        json!({
            "name": row.name,
            "version": row.version,
            "direct": row.is_direct,
            "license": row.license.as_ref().and_then(License::expression),
            "license_told": row.license.as_ref().map(License::told),
            "wheels": row.wheels,
            "bytes": row.bytes,
            "files": row.files,
            "native": row.native,
            "unpacked": row.unpacked,
        })
    };
    let licenses: Vec<Value> = sums
        .licenses
        .iter()
        .map(|(license, names)| {
            json!({ "license": license.expression(), "told": license.told(), "packages": names })
        })
        .collect();
    json!({
        "ok": status == 0,
        "exit": status,
        "of": place,
        "distributions": sums.distributions,
        "direct": sums.direct,
        "wheels": sums.wheels,
        "bytes": sums.bytes,
        "files": sums.files,
        "native": sums.native,
        "unpacked": sums.unpacked,
        "licenses": licenses,
        "packages": rows.iter().map(row).collect::<Vec<_>>(),
        "problems": judged.refused.iter().map(problem_json).collect::<Vec<_>>(),
        "warnings": judged.warned.iter().map(problem_json).collect::<Vec<_>>(),
    })
}
