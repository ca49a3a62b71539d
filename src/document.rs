//! TOML documents with places: how pylock.toml and pyproject.toml are read.
//!
//! Owns: reading a text file within a cap, and telling for each value its line and entry.
//! Never: knows what a key means.

mod weight;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

use crate::error::{Code, Place, Problem, io};
use crate::room::read_at_most;

/// The largest lock or pyproject.toml that is read, in bytes.
pub(crate) const MAX_DOCUMENT: u64 = 24 * 1024 * 1024;

/// Reads a file of at most `cap` bytes.
///
/// # Errors
/// `lock-not-found` where there is none, `too_large` where it is longer, else as the system says.
pub(crate) fn read_bytes(path: &Path, cap: u64, too_large: Code) -> Result<Vec<u8>, Problem> {
    let opened = std::fs::File::open(path);
    let file = match opened {
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            return Err(Problem::new(Code::LockNotFound, "there is no such file")
                .at(Place::file(path))
                .help("look at the spelling, or write a lock with `pipward lock`"));
        }
        Err(error) => return Err(io("opening this file", path, &error)),
        Ok(file) => file,
    };
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(Problem::new(Code::LockNotFound, "this is a directory, not a file")
            .at(Place::file(path))
            .help("name the file in it"));
    }
    let bytes =
        read_at_most(file, cap.saturating_add(1)).map_err(|error| io("reading this file", path, &error))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > cap {
        return Err(Problem::new(too_large, "this file is larger than pipward reads")
            .at(Place::file(path))
            .expected(format!("at most {cap} bytes")));
    }
    Ok(bytes)
}

/// Files as they were read, by where: a signature is checked over the bytes that were parsed, not over those that lie
/// there a moment later.
#[derive(Clone, Default)]
pub struct Originals(BTreeMap<String, Arc<[u8]>>);

impl Originals {
    /// One file.
    pub(crate) fn of(path: &Path, bytes: Vec<u8>) -> Self {
        Self(BTreeMap::from([(path.display().to_string(), bytes.into())]))
    }

    /// Takes others in.
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// What was read from there.
    pub(crate) fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(AsRef::as_ref)
    }
}

impl fmt::Debug for Originals {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}

/// Where the lines of a text begin.
pub(crate) struct Lines(Vec<usize>);

impl Lines {
    pub(crate) fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// The line of a byte, counted from 1.
    pub(crate) fn line(&self, offset: usize) -> u32 {
        u32::try_from(self.0.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }
}

/// What is being read, and what was found wrong with it so far.
pub(crate) struct Reading<'p> {
    path: &'p Path,
    /// The path, as places tell it.
    file: String,
    lines: Lines,
    code: Code,
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<String>>,
}

impl<'p> Reading<'p> {
    /// A reading of `text`, whose schema faults have `code`.
    pub(crate) fn new(text: &str, path: &'p Path, code: Code) -> Self {
        Self {
            path,
            file: path.display().to_string(),
            lines: Lines::of(text),
            code,
            problems: RefCell::default(),
            warnings: RefCell::default(),
        }
    }

    pub(crate) fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Reports a fault of the schema.
    pub(crate) fn fault(&self, place: Place, message: impl Into<String>) {
        self.report(Problem::new(self.code, message).at(place));
    }

    /// A path that the document names, which starts at its directory.
    pub(crate) fn beside(&self, text: &str) -> std::path::PathBuf {
        self.path.parent().map_or_else(|| text.into(), |directory| directory.join(text))
    }

    pub(crate) fn warn(&self, place: &Place, message: &str) {
        self.warnings.borrow_mut().push(format!("{place}: {message}"));
    }

    pub(crate) fn into_findings(self) -> (Vec<Problem>, Vec<String>) {
        (self.problems.into_inner(), self.warnings.into_inner())
    }

    /// The place of a byte, and of the entry that begins there.
    pub(crate) fn place(&self, start: usize, entry: &str) -> Place {
        let entry = (!entry.is_empty()).then(|| entry.to_owned());
        Place { file: self.file.clone(), line: Some(self.lines.line(start)), entry }
    }
}

/// Parses TOML.
///
/// # Errors
/// A problem of `code`, with the line.
pub(crate) fn parse<'t>(text: &'t str, path: &Path, code: Code) -> Result<DeTable<'t>, Problem> {
    if let Some(at) = weight::too_heavy(text) {
        return Err(Problem::new(code, "this document holds more than pipward reads")
            .at(Place::line(path, Lines::of(text).line(at)))
            .help("divide it: several locks may be given, each with its own -r"));
    }
    DeTable::parse(text).map(Spanned::into_inner).map_err(|error| {
        let line = error.span().map(|span| Lines::of(text).line(span.start));
        let place = match line {
            Some(line) => Place::line(path, line),
            None => Place::file(path),
        };
        let first = line
            .and_then(|line| text.lines().nth(usize::try_from(line).unwrap_or(0).saturating_sub(1)))
            .unwrap_or_default();
        let merge = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| first.starts_with(mark));
        let (message, help) = if merge {
            (
                "a merge was left unfinished here".to_owned(),
                "take one side whole and run `pipward lock`, which writes the lock anew",
            )
        } else {
            let words = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            (
                format!("this is not TOML: {words}"),
                "mend this line, or write the file anew with the tool that made it",
            )
        };
        Problem::new(code, message).at(place).help(help)
    })
}

/// A table with its name in the document.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a, 't> {
    pub(crate) reading: &'a Reading<'a>,
    pub(crate) entries: &'a DeTable<'t>,
    /// Where it begins in the text.
    start: usize,
    entry: &'a str,
}

/// A value with its name in the document.
pub(crate) struct Item<'a, 't> {
    pub(crate) reading: &'a Reading<'a>,
    pub(crate) value: &'a DeValue<'t>,
    /// Where it begins in the text.
    start: usize,
    entry: String,
}

impl<'a, 't> Item<'a, 't> {
    /// Its line and entry.
    pub(crate) fn place(&self) -> Place {
        self.reading.place(self.start, &self.entry)
    }

    fn wrong_type(&self, expected: &str) {
        let name = self.entry.clone();
        self.reading.report(
            Problem::new(self.reading.code, format!("`{name}` is of the wrong type"))
                .at(self.place())
                .expected(expected)
                .found(kind(self.value)),
        );
    }

    pub(crate) fn text(&self) -> Option<&'a str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.wrong_type("a string");
        }
        text
    }

    pub(crate) fn table(&self) -> Option<Table<'_, 't>> {
        let Some(entries) = self.value.as_table() else {
            self.wrong_type("a table");
            return None;
        };
        Some(Table { reading: self.reading, entries, start: self.start, entry: &self.entry })
    }

    pub(crate) fn items(&self) -> Vec<Item<'a, 't>> {
        let Some(values) = self.value.as_array() else {
            self.wrong_type("an array");
            return Vec::new();
        };
        let named = |(at, value): (usize, &'a Spanned<DeValue<'t>>)| {
            let number = at.to_string();
            item(self.reading, value, [&self.entry, "[", &number, "]"].concat())
        };
        values.iter().enumerate().map(named).collect()
    }

    /// A string that is parsed into something else; a fault names the entry.
    pub(crate) fn parsed<T: FromStr>(&self, what: &str) -> Option<T> {
        let text = self.text()?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.reading.report(
                Problem::new(self.reading.code, format!("`{}` is not {what}", self.entry))
                    .at(self.place())
                    .found(text),
            );
        }
        parsed
    }

    pub(crate) fn count(&self) -> Option<u64> {
        let number = self.value.as_integer().and_then(|integer| {
            u64::from_str_radix(integer.as_str(), integer.radix()).ok().filter(|n| i64::try_from(*n).is_ok())
        });
        if number.is_none() {
            self.wrong_type("a whole number that is not negative");
        }
        number
    }

    /// A day, such as the last on which an exception counts.
    pub(crate) fn day(&self) -> Option<jiff::civil::Date> {
        let date = self.value.as_datetime().filter(|time| time.time.is_none()).and_then(|time| time.date);
        let date = date.and_then(|date| {
            let year = i16::try_from(date.year).ok()?;
            jiff::civil::Date::new(year, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok()
        });
        if date.is_none() {
            self.reading.fault(self.place(), "`until` is a date such as 2027-06-30, without quotes");
        }
        date
    }

    pub(crate) fn time(&self) -> Option<jiff::Timestamp> {
        let time = self.value.as_datetime().and_then(timestamp);
        if time.is_none() {
            self.wrong_type("a date with a time");
        }
        time
    }
}

impl<'a, 't> Table<'a, 't> {
    /// The table of a whole document.
    pub(crate) fn root(reading: &'a Reading<'a>, entries: &'a DeTable<'t>) -> Self {
        Self { reading, entries, start: 0, entry: "" }
    }

    pub(crate) fn place(&self) -> Place {
        self.reading.place(self.start, self.entry)
    }

    /// The name of a key of this table in the document.
    pub(crate) fn name(&self, key: &str) -> String {
        if self.entry.is_empty() { key.to_owned() } else { [self.entry, ".", key].concat() }
    }

    pub(crate) fn get(&self, key: &str) -> Option<Item<'a, 't>> {
        self.entries.get(key).map(|value| item(self.reading, value, self.name(key)))
    }

    /// All keys with their values.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'a str, Item<'a, 't>)> + '_ {
        self.entries
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), item(self.reading, value, self.name(key.get_ref()))))
    }

    /// The value of a key that must be there.
    pub(crate) fn required(&self, key: &str) -> Option<Item<'a, 't>> {
        let item = self.get(key);
        if item.is_none() {
            self.reading.fault(self.place(), format!("`{}` is missing", self.name(key)));
        }
        item
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Warns of keys that are not among `known`.
    pub(crate) fn warn_of_unknown(&self, known: &[&str]) {
        for (key, value) in self.entries {
            let key = key.get_ref().as_ref();
            if !known.contains(&key) {
                let item = item(self.reading, value, self.name(key));
                let told = format!("the key `{}` is not known and was not read", item.entry);
                self.reading.warn(&item.place(), &told);
            }
        }
    }
}

fn item<'a, 't>(reading: &'a Reading<'a>, value: &'a Spanned<DeValue<'t>>, entry: String) -> Item<'a, 't> {
    Item { reading, value: value.get_ref(), start: value.span().start, entry }
}

fn kind(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the string {text:?}"),
        DeValue::Integer(number) => format!("the number {}", number.as_str()),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => format!("the date {time}"),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// A date without an offset is taken for UTC, as PEP 751 wants it recorded.
pub(crate) fn timestamp(time: &Datetime) -> Option<jiff::Timestamp> {
    time.date.as_ref()?;
    time.time.as_ref()?;
    let offset = if time.offset.is_some() { "" } else { "Z" };
    format!("{time}{offset}").parse().ok()
}
