//! The only printer.
//!
//! Owns: how problems, reports and progress look, for people and as JSON, and [`neutral`], the one
//! function through which text from outside reaches a terminal.
//! Never: decides what is printed.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::options::{Colour, OutputArgs};
use super::pip::Persona;
use crate::digest::StrongDigest;
use crate::error::{Code, Problem, Problems, deceives, without_passwords};
use crate::lessons::Lesson;

/// pip's status when nobody reads what it prints. (As itself, pipward takes that for the reader's own choice.)
const BROKEN_PIPE: u8 = 120;

/// Prints what commands report.
pub(crate) struct Printer {
    quiet: u8,
    verbose: bool,
    colour: bool,
    json: bool,
    progress: bool,
    persona: Persona,
    /// Where all that is said is written too.
    log: RefCell<Option<std::fs::File>>,
    /// Why standard output could not be written. (A reader that went away is its own choice.)
    broken: RefCell<Option<std::io::Error>>,
}

impl Printer {
    pub(super) fn new(output: &OutputArgs, persona: Persona) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let colour = match output.color {
            _ if output.no_color => false,
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && !no_colour && !dumb,
        };
        Self {
            quiet: output.quiet.saturating_sub(output.verbose),
            verbose: output.verbose > output.quiet,
            colour,
            json: output.json,
            progress: terminal && output.quiet == 0 && !output.json && !dumb,
            persona,
            log: RefCell::new(output.log.as_deref().and_then(open_log)),
            broken: RefCell::default(),
        }
    }

    /// A printer for what happens before a command line was read.
    pub(super) fn plain(persona: Persona) -> Self {
        Self {
            quiet: 0,
            verbose: false,
            colour: false,
            json: false,
            progress: false,
            persona,
            log: RefCell::default(),
            broken: RefCell::default(),
        }
    }

    /// A plain printer with a log.
    #[cfg(test)]
    pub(super) fn logging(persona: Persona, log: &Path) -> Self {
        Self { log: RefCell::new(open_log(log)), ..Self::plain(persona) }
    }

    /// As what the binary was started.
    pub(crate) fn persona(&self) -> &Persona {
        &self.persona
    }

    /// An error that has no code, as pip tells one.
    pub(super) fn complain(&self, line: &str) {
        self.err(&format!("{} {}", self.paint("31;1", "ERROR:"), neutral(line)));
    }

    /// How a command is used, as pip tells it.
    pub(super) fn usage(&self, text: &str) {
        self.err(&neutral_lines(text));
    }

    /// The result of a command, for people: one line on standard output.
    pub(crate) fn say(&self, line: &str) {
        if self.quiet > 0 && self.log.borrow().is_some() {
            self.note_in_log(&neutral(line));
        }
        if self.quiet == 0 && !self.json {
            self.out(&neutral(line));
        }
    }

    /// What goes on, for people: one line on standard error.
    pub(crate) fn note(&self, line: &str) {
        if self.quiet == 0 && !self.json {
            self.err(&neutral(line));
        }
    }

    /// Something a person should know, although the run goes on.
    pub(crate) fn warn(&self, line: &str) {
        if self.quiet < 2 && !self.json {
            let word = if self.persona.is_pip() { "WARNING:" } else { "warning:" };
            self.err(&format!("{} {}", self.paint("33;1", word), neutral(line)));
        }
    }

    /// Data that was asked for, as it is: a lock on standard output.
    pub(crate) fn data(&self, text: &str) {
        self.write(text);
    }

    /// Whether one JSON document is all that is printed.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// The same printer for a part of a command, whose own document is not printed.
    pub(crate) fn without_json(&self) -> Self {
        let mut part = Self::plain(self.persona.clone());
        part.quiet = if self.json { 2 } else { self.quiet };
        part.colour = self.colour;
        part.verbose = self.verbose;
        part
    }

    /// Whether more is to be said.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// One line of what was asked for, however quiet the run is.
    pub(crate) fn result(&self, line: &str) {
        self.out(&neutral(line));
    }

    /// A JSON text that is the result of a command in every form.
    pub(crate) fn json_text(&self, text: &str) {
        if self.quiet == 0 || self.json {
            self.out(&neutral_json(text));
        }
    }

    /// The JSON document of a command.
    pub(crate) fn document(&self, value: &Value) {
        if self.json {
            self.out(&neutral_json(&value.to_string()));
        }
    }

    /// A document in a form that was asked for by name, however quiet the run is.
    pub(crate) fn document_in(&self, value: &Value) {
        self.out(&neutral_json(&value.to_string()));
    }

    /// Prints problems and gives the exit status that they lead to.
    pub(crate) fn fail(&self, problems: &Problems) -> u8 {
        self.problems(problems.iter());
        // "1 any error".
        let status = if self.persona.is_pip() { 1 } else { problems.exit_class().status() };
        if self.json {
            let problems: Vec<Value> = problems.iter().map(problem_json).collect();
            self.document(&json!({ "ok": false, "exit": status, "problems": problems }));
        }
        status
    }

    /// Prints problems for people.
    pub(crate) fn problems<'a>(&self, problems: impl Iterator<Item = &'a Problem>) {
        if self.json {
            return;
        }
        for problem in problems {
            self.err(&self.problem_text(problem));
            if self.persona.is_pip() {
                super::pip::words::beside(problem, self.verbose).iter().for_each(|line| self.say(line));
            }
        }
    }

    fn problem_text(&self, problem: &Problem) -> String {
        let word = match self.persona {
            Persona::Pip(_) => "ERROR:".to_owned(),
            Persona::Pipward => format!("error[{}]:", problem.code()),
        };
        let word = self.paint("31;1", &word);
        let theirs = if self.persona.is_pip() { super::pip::words::of(problem) } else { Vec::new() };
        let mut text = String::new();
        for (at, line) in theirs.iter().enumerate() {
            // pip begins what has a reference of its own so: `error: externally-managed-environment`.
            let is_marked = at > 0 || line.starts_with("error: ");
            let before = if is_marked { String::new() } else { format!("{word} ") };
            let _ = writeln!(text, "{before}{}", neutral(line));
        }
        let _ = write!(text, "{word} ");
        if let Some(package) = problem.package_name() {
            let _ = write!(text, "{}: ", self.paint("1", &neutral(package)));
        }
        text.push_str(&indented(&neutral_lines(problem.message())));
        let mut row = |label: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = write!(text, "\n  {:>9} {}", label, indented(&neutral_lines(&value)));
            }
        };
        row("-->", problem.place().map(ToString::to_string));
        row("expected:", problem.expected_text().map(str::to_owned));
        row("found:", problem.found_text().map(str::to_owned));
        row("cause:", problem.cause_text().map(str::to_owned));
        row("help:", problem.help_text().map(str::to_owned));
        row("why:", Some(format!("pipward explain {}", problem.code())));
        text
    }

    /// All codes with their rules.
    pub(super) fn codes(&self, codes: &[Code]) {
        if self.json {
            let rows: Vec<Value> = codes.iter().map(|code| code_json(*code)).collect();
            return self.document(&Value::Array(rows));
        }
        let width = codes.iter().map(|code| code.name().len()).max().unwrap_or(0);
        for code in codes {
            self.out(&format!("{:width$}  {}", code.name(), code.title()));
        }
    }

    /// What is to be learned from a code.
    pub(super) fn lesson(&self, lesson: &Lesson) {
        if self.json {
            return self.document(&lesson_json(lesson));
        }
        // A terminal is read by people; what reads a pipe wants whole sentences.
        let width = if std::io::stdout().is_terminal() { 80 } else { usize::MAX };
        self.out(&self.paint("1", lesson.code.name()));
        for (heading, text) in lesson.parts() {
            self.out(&format!("\n{}", wrapped(&format!("{heading}: {text}"), width)));
        }
        if let Some(written) = &lesson.exception.written {
            let lines: Vec<String> = written.lines().map(|line| format!("    {line}")).collect();
            self.out(&format!("\n{}", lines.join("\n")));
        }
        self.out(&format!("\nExit code {}.", lesson.code.exit_class().status()));
    }

    /// A file's hash, as `pip hash` prints it.
    pub(super) fn file_hash(&self, path: &Path, digest: &StrongDigest) {
        let path = neutral(&path.display().to_string());
        if self.json {
            self.document(&json!({ "file": path, "algorithm": digest.algorithm(), "hash": digest.hex() }));
        } else {
            self.out(&format!("{path}:\n--hash={digest}"));
        }
    }

    /// A bar for long work, shown on a terminal only.
    pub(crate) fn progress(&self, doing: &'static str, length: u64) -> Progress {
        if !self.progress {
            return Progress(ProgressBar::hidden());
        }
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template("{msg:>12} [{bar:30}] {pos}/{len} {elapsed}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(doing);
        Progress(bar)
    }

    /// No bar, whatever standard error is.
    pub(crate) fn no_progress(&self) -> Progress {
        Progress(ProgressBar::hidden())
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn out(&self, text: &str) {
        self.note_in_log(text);
        self.write(&format!("{text}\n"));
    }

    fn write(&self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        if let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
            && (self.persona.is_pip() || error.kind() != std::io::ErrorKind::BrokenPipe)
        {
            self.broken.borrow_mut().get_or_insert(error);
        }
    }

    /// The exit status of the run: a result that nobody could be told is no success.
    pub(super) fn settle(&self, status: u8) -> u8 {
        let Some(error) = self.broken.take() else { return status };
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            self.complain("Pipe to stdout was broken");
            return BROKEN_PIPE;
        }
        let problem = crate::error::io("writing the result", "standard output", &error);
        self.err(&self.problem_text(&problem));
        status.max(problem.code().exit_class().status())
    }

    fn err(&self, text: &str) {
        self.note_in_log(text);
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// A log that cannot be written any more is no reason to stop.
    fn note_in_log(&self, text: &str) {
        if let Some(log) = self.log.borrow_mut().as_mut() {
            let _ = writeln!(log, "{text}");
        }
    }
}

/// The file of `--log`: what is there stays. (pip makes its directory too.)
fn open_log(path: &Path) -> Option<std::fs::File> {
    if let Some(parent) = path.parent() {
        let _ = std::fs::create_dir_all(parent);
    }
    std::fs::OpenOptions::new().create(true).append(true).open(path).ok()
}

/// A bar that clears itself.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// One more is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A problem as JSON: stable keys, absent where there is nothing to say.
pub(crate) fn problem_json(problem: &Problem) -> Value {
    let mut object = serde_json::Map::new();
    object.insert("code".into(), problem.code().name().into());
    object.insert("message".into(), problem.message().into());
    let mut put = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            object.insert(key.into(), value.into());
        }
    };
    put("package", problem.package_name());
    put("expected", problem.expected_text());
    put("found", problem.found_text());
    put("cause", problem.cause_text());
    put("help", problem.help_text());
    if let Some(details) = problem.details_json() {
        object.insert("details".into(), details.clone());
    }
    if let Some(place) = problem.place() {
        object
            .insert("place".into(), json!({ "file": place.file, "line": place.line, "entry": place.entry }));
    }
    Value::Object(object)
}

fn code_json(code: Code) -> Value {
    json!({
        "code": code.name(),
        "exit": code.exit_class().status(),
        "title": code.title(),
        "explanation": code.explanation(),
    })
}

fn lesson_json(lesson: &Lesson) -> Value {
    let mut value = code_json(lesson.code);
    if let Some(object) = value.as_object_mut() {
        object.insert("case".into(), json!(lesson.case));
        object.insert("way_out".into(), json!(lesson.way_out));
        object.insert(
            "exception".into(),
            json!({ "when": lesson.exception.when, "written": lesson.exception.written }),
        );
    }
    value
}

/// Text from outside on one line, with everything that could steer a terminal or deceive a reader
/// written as an escape: control characters, line breaks, and bidirectional and invisible formatting.
pub fn neutral(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in without_passwords(text).chars() {
        if deceives(character) {
            let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
        } else {
            safe.push(character);
        }
    }
    safe
}

/// As [`neutral`], but line breaks stay: for our own texts of several lines.
pub(super) fn neutral_lines(text: &str) -> String {
    text.lines().map(neutral).collect::<Vec<_>>().join("\n")
}

/// A JSON text as it may reach a terminal: nothing is lost, since a character that could steer one stands there by its
/// number, as JSON writes it. User names and passwords of addresses are left out.
pub(super) fn neutral_json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in without_passwords(text).chars() {
        if character != '\n' && deceives(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Where lines go that are not our own: what is told with -v.
pub(super) struct Traced<W>(W);

pub(super) fn traced_out() -> Traced<std::io::Stdout> {
    Traced(std::io::stdout())
}
pub(super) fn traced_err() -> Traced<std::io::Stderr> {
    Traced(std::io::stderr())
}

impl<W: std::io::Write> std::io::Write for Traced<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = neutral_lines(&text);
        if text.ends_with('\n') {
            lines.push('\n');
        }
        self.0.write_all(lines.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n            ")
}

fn wrapped(text: &str, width: usize) -> String {
    let mut lines = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            lines.push('\n');
            column = 0;
        } else if column > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promise_7_nothing_untrusted_reaches_the_terminal_raw() {
        let hostile = "a\u{1b}[2Jb\r\nc\u{202e}d\u{200b}e\u{9b}f\u{7}";
        let safe = neutral(hostile);
        assert_eq!(safe, "a\\u{1b}[2Jb\\u{d}\\u{a}c\\u{202e}d\\u{200b}e\\u{9b}f\\u{7}");
        assert!(!safe.chars().any(deceives));
        assert_eq!(neutral("naïve 日本"), "naïve 日本");
    }

    #[test]
    fn text_is_wrapped_between_words() {
        assert_eq!(wrapped("one two three", 7), "one two\nthree");
    }
}
