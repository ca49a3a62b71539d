//! `pipward diff`.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::Outcome;
use super::options::{CacheArgs, SourceArgs, policy};
use super::render::{Printer, neutral, problem_json};
use crate::config::Config;
use crate::error::{ExitClass, Problem};
use crate::lock::compare::{Change, Comparison, Kind, PackageChange, What};
use crate::python::{self, PythonRequest};
use crate::way::review::{self, Deep, DeepRequest, LockPlace};

/// Arguments of `pipward diff`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pipward diff git:main:pylock.toml pylock.toml           what a branch changes
  pipward diff old.toml pylock.toml --deep                and what the new wheels can do that the old ones could not
  pipward diff git:HEAD~1:pylock.toml git:HEAD:pylock.toml --format markdown

Exit codes: 0; 1 where a difference is an alarm (other bytes behind the same version, a publisher that is lost or
another, code that runs by itself), or where
anything differs, with --exit-code.")]
pub(crate) struct DiffArgs {
    /// The lock as it was: a file, or git:REVISION:PATH
    #[arg(value_name = "OLD")]
    before: String,
    /// The lock as it is
    #[arg(value_name = "NEW")]
    after: String,
    /// Fetch and verify the wheels of both, and tell what the new ones can do that the old ones could not
    #[arg(long)]
    deep: bool,
    /// For whom it is told (--json is the form for programs)
    #[arg(long, value_enum, value_name = "FORM", default_value_t = Form::Text)]
    format: Form,
    /// End with 1 where anything differs
    #[arg(long)]
    exit_code: bool,
    /// The Python whose wheels are looked at with --deep
    #[arg(long, value_name = "PYTHON")]
    python: Option<String>,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    cache: CacheArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a terminal
    Text,
    /// For a pull request
    Markdown,
}

/// All that is told.
struct Told<'a> {
    arguments: &'a DiffArgs,
    comparison: &'a Comparison,
    deep: Option<&'a [Deep]>,
}

pub(super) fn run(arguments: &DiffArgs, printer: &Printer) -> Outcome {
    let (before, after) = (LockPlace::parse(&arguments.before)?, LockPlace::parse(&arguments.after)?);
    let (before, after) = (before.read()?, after.read()?);
    let comparison = Comparison::of(&before, &after);
    let deep = if arguments.deep {
        let config = Config::load()?;
        let cache = arguments.cache.directory(&config, printer);
        let wish = arguments.python.as_ref().map_or(PythonRequest::Any, |text| PythonRequest::parse(text));
        let python = python::find(&wish, cache.as_deref())?;
        let (sources, network) =
            arguments.sources.settle(&config, &crate::requirements::SourceOptions::default())?;
        let request = DeepRequest { python, policy: policy()?, sources, network, cache };
        let count = comparison.packages.iter().filter(|change| review::has_other_bytes(change)).count();
        let progress = printer.progress("looking through", count as u64);
        Some(review::deep(&before, &after, &comparison, &request, &|| progress.step())?)
    } else {
        None
    };
    let told = Told { arguments, comparison: &comparison, deep: deep.as_deref() };
    let refused = deep.iter().flatten().flat_map(|one| one.refused.iter().chain(&one.unknown));
    printer.problems(refused);
    let differs = !comparison.is_empty() && arguments.exit_code;
    let refused = deep.iter().flatten().flat_map(|one| &one.refused);
    let unseen = refused.map(|one| one.code().exit_class().status()).max().unwrap_or_default();
    // What could not be looked at is no answer; an alarm is one.
    let status = if told.is_alarm() || differs { 1 } else { unseen };
    match arguments.format {
        Form::Text => told.text().iter().for_each(|line| printer.say(line)),
        Form::Markdown => told.markdown().lines().for_each(|line| printer.say(line)),
    }
    printer.document(&told.document(status));
    Ok(status)
}

impl Told<'_> {
    fn is_alarm(&self) -> bool {
        let deep = self.deep.unwrap_or_default();
        self.comparison.is_alarm() || deep.iter().any(Deep::is_alarm)
    }

    /// What is new in the wheels of a name.
    fn deep_of(&self, change: &PackageChange) -> Option<&Deep> {
        self.deep?.iter().find(|one| one.name == change.name)
    }

    /// The changes in the order in which they are told: alarms of either kind first.
    fn sorted(&self) -> Vec<(&PackageChange, Option<&Deep>)> {
        let mut all: Vec<_> =
            self.comparison.packages.iter().map(|change| (change, self.deep_of(change))).collect();
        all.sort_by_key(|(change, deep)| !(change.is_alarm() || deep.is_some_and(Deep::is_alarm)));
        all
    }

    fn text(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (change, deep) in self.sorted() {
            lines.push(head(change));
            for one in &change.changes {
                lines.extend(detail(one).into_iter().map(|line| format!("    {line}")));
            }
            for one in deep.iter().flat_map(|one| &one.refused) {
                lines.push(format!("    {}: {}: {}", refusal(one), one.code().name(), told_of(one)));
            }
            for one in deep.iter().flat_map(|one| &one.unknown) {
                lines.push(format!(
                    "    the one before cannot be looked at, so all is told as new: {} ({})",
                    one.message(),
                    one.code()
                ));
            }
            for gain in deep.iter().flat_map(|one| &one.gains) {
                let word = if gain.is_alarm { "ALARM: new" } else { "new" };
                lines.push(format!("    {word} {}: {}", gain.what, gain.which));
            }
        }
        for change in &self.comparison.frame {
            lines.push(format!("lock: {}", between(change)));
        }
        lines.push(self.summary());
        lines
    }

    fn summary(&self) -> String {
        if self.comparison.is_empty() {
            return "The two locks say the same.".to_owned();
        }
        let count = |kind: Kind| self.comparison.packages.iter().filter(|one| one.kind == kind).count();
        let kinds = [Kind::Added, Kind::Removed, Kind::Up, Kind::Down, Kind::Other];
        let mut parts: Vec<String> = kinds
            .into_iter()
            .filter(|kind| count(*kind) > 0)
            .map(|kind| format!("{} {}", count(kind), kind.word()))
            .collect();
        let same = count(Kind::Same);
        if same > 0 {
            parts.push(format!("{same} of the same version"));
        }
        if !self.comparison.frame.is_empty() {
            parts.push("the lock's own lines".to_owned());
        }
        let alarm = if self.is_alarm() { " There is an alarm: see what stands first." } else { "" };
        format!("Changed: {}.{alarm}", parts.join(", "))
    }

    fn markdown(&self) -> String {
        let mut text = String::from("| | package | before | after | |\n|---|---|---|---|---|\n");
        for (change, deep) in self.sorted() {
            let mut notes: Vec<String> =
                change.changes.iter().map(|one| escaped(&detail(one).join(" "))).collect();
            for gain in deep.iter().flat_map(|one| &one.gains) {
                let word = if gain.is_alarm { "**ALARM** new" } else { "new" };
                notes.push(format!("{word} {}: {}", gain.what, escaped(&gain.which)));
            }
            notes.extend(deep.iter().flat_map(|one| &one.refused).map(|one| {
                format!("**{}** {}: {}", refusal(one), one.code().name(), escaped(&told_of(one)))
            }));
            let unknown = deep.iter().flat_map(|one| &one.unknown);
            notes.extend(unknown.map(|one| {
                format!(
                    "the one before cannot be looked at: {}: {}",
                    one.code().name(),
                    escaped(one.message())
                )
            }));
            let is_alarm = change.is_alarm() || deep.is_some_and(Deep::is_alarm);
            let mark = if is_alarm { "**ALARM**" } else { change.kind.word() };
            let _ = writeln!(
                text,
                "| {mark} | {} | {} | {} | {} |",
                escaped(change.name.as_ref()),
                escaped(&versions(&change.before)),
                escaped(&versions(&change.after)),
                notes.join("<br>")
            );
        }
        text.push('\n');
        for change in &self.comparison.frame {
            let _ = writeln!(text, "- {}", escaped(&between(change)));
        }
        let _ = writeln!(text, "\n{}", self.summary());
        text
    }

    fn document(&self, status: u8) -> Value {
        let packages: Vec<Value> = self
            .sorted()
            .into_iter()
            .map(|(change, deep)| {
                json!({
                    "name": change.name.as_ref() as &str,
                    "kind": change.kind.word(),
                    "before": change.before.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "after": change.after.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "alarm": change.is_alarm() || deep.is_some_and(Deep::is_alarm),
                    "changes": change.changes.iter().map(change_json).collect::<Vec<_>>(),
                    "deep": deep.map(deep_json),
                })
            })
            .collect();
        json!({
            "ok": status == 0,
            "exit": status,
            "alarm": self.is_alarm(),
            "before": self.arguments.before,
            "after": self.arguments.after,
            "packages": packages,
            "lock": self.comparison.frame.iter().map(change_json).collect::<Vec<_>>(),
        })
    }
}

/// What it means that a new wheel could not be looked at.
fn refusal(problem: &Problem) -> &'static str {
    match problem.code().exit_class() {
        ExitClass::Refused => "ALARM: it would be refused",
        _ => "it could not be looked at",
    }
}

/// A problem in one line, with the file that it is about.
fn told_of(problem: &Problem) -> String {
    let place = problem.place();
    let entry = place.and_then(|place| place.entry.as_deref()).or(problem.found_text());
    let which = entry.or(place.map(|place| place.file.as_str()));
    let which = which.map(|which| format!(" ({which})")).unwrap_or_default();
    format!("{}{which}", problem.message())
}

fn change_json(change: &Change) -> Value {
    json!({
        "what": change.what.word(),
        "of": change.of,
        "before": change.before,
        "after": change.after,
        "alarm": change.what.is_alarm(),
    })
}

fn deep_json(deep: &Deep) -> Value {
    let gains: Vec<Value> = deep
        .gains
        .iter()
        .map(|gain| json!({ "what": gain.what, "which": gain.which, "alarm": gain.is_alarm }))
        .collect();
    json!({
        "before": deep.files.0,
        "after": deep.files.1,
        "new": gains,
        "problems": deep.refused.iter().map(problem_json).collect::<Vec<_>>(),
        "unknown-before": deep.unknown.iter().map(problem_json).collect::<Vec<_>>(),
    })
}

fn versions(versions: &[pipward_resolver::Version]) -> String {
    versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn head(change: &PackageChange) -> String {
    let (name, word) = (&change.name, change.kind.word());
    let (before, after) = (versions(&change.before), versions(&change.after));
    match change.kind {
        Kind::Added => format!("+ {name} {after}"),
        Kind::Removed => format!("- {name} {before}"),
        Kind::Same if change.is_alarm() => format!("! {name} {after}"),
        Kind::Same => format!("~ {name} {after}"),
        Kind::Up | Kind::Down | Kind::Other => format!("~ {name} {before} -> {after} ({word})"),
    }
}

/// One difference in words; an alarm on lines of its own.
fn detail(change: &Change) -> Vec<String> {
    if !change.what.is_alarm() {
        return vec![between(change)];
    }
    let of = change.of.as_deref().unwrap_or("the package");
    let alarm = match change.what {
        What::PublisherLost => "ALARM: it lost its publisher, or has another".to_owned(),
        what => format!("ALARM: other {} behind the same version: {of}", what.word()),
    };
    let nobody = |text: &str| if text.is_empty() { "nobody".to_owned() } else { text.to_owned() };
    vec![alarm, format!("before {}", nobody(&change.before)), format!("after  {}", nobody(&change.after))]
}

fn between(change: &Change) -> String {
    let of = change.of.as_ref().map(|of| format!(" of {of}")).unwrap_or_default();
    let word = change.what.word();
    match (change.before.is_empty(), change.after.is_empty()) {
        (true, _) => format!("{word}{of}: new {}", change.after),
        (_, true) => format!("{word}{of}: gone {}", change.before),
        _ => format!("{word}{of}: {} -> {}", change.before, change.after),
    }
}

/// Text from a lock as Markdown that is nothing but that text: no markup, no link, no mention.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for character in neutral(text).chars() {
        match character {
            '\n' | '\r' => safe.push(' '),
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '@' => safe.push_str("&#64;"),
            ':' => safe.push_str("&#58;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' => {
                safe.push('\\');
                safe.push(character);
            }
            _ => safe.push(character),
        }
    }
    safe
}
