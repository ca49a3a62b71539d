//! The table of codes, and the one shape in which a problem travels.
//!
//! Owns: every code that pipward can raise, with its exit class and its explanation.
//! Never: formats for a terminal (that is `cli::render`), and never lets a code be reused
//! for another rule. A code, once released, keeps its name and meaning.

mod shown;

use std::fmt;
use std::path::{Path, PathBuf};

pub use shown::{deceives, without_passwords};

/// How a command ends when this problem is what ended it (the exit status of the process).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExitClass {
    /// 1: refused, findings, or no solution.
    Refused,
    /// 2: wrong usage.
    Usage,
    /// 3: could not be completed: network, disk, or a fault of ours.
    Incomplete,
    /// 130: interrupted.
    Interrupted,
}

impl ExitClass {
    /// The exit status of the process.
    pub fn status(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::Interrupted => 130,
        }
    }
}

/// One row of the table.
macro_rules! codes {
    ($($variant:ident, $name:literal, $class:ident, $title:literal, $why:literal;)*) => {
        /// A stable code. Each names one rule; `pipward explain CODE` tells why the rule exists.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The stable name, as printed and as written in a policy.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How a run that this problem stops ends.
            pub fn exit_class(self) -> ExitClass {
                match self { $(Self::$variant => ExitClass::$class,)* }
            }

            /// The rule in one sentence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// Why the rule exists, and what to do.
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $why,)* }
            }
        }
    };
}

include!("error/table.rs");

impl Code {
    /// The code of this name, if there is one.
    pub fn from_name(name: &str) -> Option<Code> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a problem stands: a file, with a line or an entry of it where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The file or address. May hold text from outside: only `cli::render` prints it.
    pub file: String,
    /// The line, counted from 1.
    pub line: Option<u32>,
    /// The entry, in the words of the format: `packages[3].wheels[0].hashes`.
    pub entry: Option<String>,
}

impl Place {
    /// A whole file.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self { file: path.as_ref().display().to_string(), line: None, entry: None }
    }

    /// An address. The caller has taken credentials out.
    pub fn address(address: impl Into<String>) -> Self {
        Self { file: address.into(), line: None, entry: None }
    }

    /// A line of a file, counted from 1.
    pub fn line(path: impl AsRef<Path>, line: u32) -> Self {
        Self { line: Some(line), ..Self::file(path) }
    }

    /// The same place, with the entry named.
    #[must_use]
    pub fn entry(mut self, entry: impl Into<String>) -> Self {
        self.entry = Some(entry.into());
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(entry) = &self.entry {
            write!(f, " ({entry})")?;
        }
        Ok(())
    }
}

/// A problem: a code, one sentence, the place, what was expected and found, and the way out.
///
/// Problems are data. They may carry text from outside (names, paths); only `cli::render`
/// writes them to a terminal, and neutralises that text there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    code: Code,
    message: String,
    package: Option<String>,
    place: Option<Place>,
    expected: Option<String>,
    found: Option<String>,
    help: Option<String>,
    cause: Option<String>,
    details: Option<serde_json::Value>,
}

impl Problem {
    /// A problem of `code`, told in one sentence without a full stop at the end.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            message: message.into(),
            package: None,
            place: None,
            expected: None,
            found: None,
            help: None,
            cause: None,
            details: None,
        }))
    }

    /// Names the package (or the wheel file) that the problem is about. The first name given stays.
    #[must_use]
    pub fn package(mut self, package: impl fmt::Display) -> Self {
        self.0.package.get_or_insert_with(|| package.to_string());
        self
    }

    /// Says which version of the package is meant, where nobody said it yet.
    #[must_use]
    pub fn release(mut self, package: &impl fmt::Display, version: &impl fmt::Display) -> Self {
        let name = package.to_string();
        if self.0.package.as_ref().is_none_or(|known| *known == name) {
            self.0.package = Some(format!("{name} {version}"));
        }
        self
    }

    /// Says where. The first place given stays, as it is the closest.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.0.place.get_or_insert(place);
        self
    }

    /// Says what was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl fmt::Display) -> Self {
        self.0.expected = Some(expected.to_string());
        self
    }

    /// Says what was found instead.
    #[must_use]
    pub fn found(mut self, found: impl fmt::Display) -> Self {
        self.0.found = Some(found.to_string());
        self
    }

    /// Names the command or edit that puts it right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Keeps what lies below: an I/O error's own words.
    #[must_use]
    pub fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Adds the same in a form for machines: `--json` prints it as `details`.
    #[must_use]
    pub fn details(mut self, details: &impl serde::Serialize) -> Self {
        self.0.details = serde_json::to_value(details).ok();
        self
    }

    /// The form for machines.
    pub fn details_json(&self) -> Option<&serde_json::Value> {
        self.0.details.as_ref()
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The package or wheel file.
    pub fn package_name(&self) -> Option<&str> {
        self.0.package.as_deref()
    }

    /// The place.
    pub fn place(&self) -> Option<&Place> {
        self.0.place.as_ref()
    }

    /// What was expected.
    pub fn expected_text(&self) -> Option<&str> {
        self.0.expected.as_deref()
    }

    /// What was found.
    pub fn found_text(&self) -> Option<&str> {
        self.0.found.as_deref()
    }

    /// The way out: what this problem says, else what its code's explanation says last.
    pub fn help_text(&self) -> Option<&str> {
        self.0.help.as_deref().or_else(|| self.0.code.explanation().rsplit(". ").next())
    }

    /// What lies below.
    pub fn cause_text(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] ", self.0.code)?;
        if let Some(package) = &self.0.package {
            write!(f, "{package}: ")?;
        }
        f.write_str(&self.0.message)?;
        if let Some(place) = &self.0.place {
            write!(f, " ({place})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// One or more problems, found in one pass so that a user can mend them in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    first: Problem,
    rest: Vec<Problem>,
}

impl Problems {
    /// `Err` with all of `found`, or `Ok(value)` where nothing was found.
    pub fn unless_empty<T>(value: T, found: Vec<Problem>) -> Result<T, Self> {
        let mut found = found.into_iter();
        match found.next() {
            None => Ok(value),
            Some(first) => Err(Self { first, rest: found.collect() }),
        }
    }

    /// The problems in the order found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// How a run that these problems stop ends: a refusal outranks a run that could not be
    /// completed, since trying again would not help.
    pub fn exit_class(&self) -> ExitClass {
        self.iter().map(|problem| problem.code().exit_class()).min().unwrap_or(ExitClass::Refused)
    }
}

impl From<Problem> for Problems {
    fn from(first: Problem) -> Self {
        Self { first, rest: Vec::new() }
    }
}

impl IntoIterator for Problems {
    type Item = Problem;
    type IntoIter = std::iter::Chain<std::iter::Once<Problem>, std::vec::IntoIter<Problem>>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self.first).chain(self.rest)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// An I/O error on `path`, as a problem: a full disk and a missing permission have their own codes.
pub fn io(doing: &str, path: impl Into<PathBuf>, error: &std::io::Error) -> Problem {
    use std::io::ErrorKind;
    let path: PathBuf = path.into();
    let (code, help) = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            (Code::DiskFull, "free some space and run the same command again")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => (
            Code::NotWritable,
            "give this user the permission, or name another place with --venv or --cache-dir",
        ),
        _ => (
            Code::FileAccess,
            "see the system's own words above, put it right and run the same command again",
        ),
    };
    Problem::new(code, format!("{doing} did not succeed")).at(Place::file(path)).cause(error).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn io_errors_have_their_own_codes() {
        use std::io::{Error, ErrorKind};
        let check = |kind: ErrorKind, code: Code| {
            let problem = io("writing a file", "/some/where", &Error::from(kind));
            assert_eq!(problem.code(), code);
            assert!(problem.help_text().is_some() && problem.cause_text().is_some());
            assert_eq!(problem.place().map(|place| place.file.as_str()), Some("/some/where"));
        };
        check(ErrorKind::StorageFull, Code::DiskFull);
        check(ErrorKind::QuotaExceeded, Code::DiskFull);
        check(ErrorKind::PermissionDenied, Code::NotWritable);
        check(ErrorKind::ReadOnlyFilesystem, Code::NotWritable);
        check(ErrorKind::NotFound, Code::FileAccess);
    }

    #[test]
    fn names_are_unique_and_lead_back_to_their_codes() {
        for code in Code::ALL {
            assert_eq!(Code::from_name(code.name()), Some(*code));
        }
        assert_eq!(Code::from_name("no-such-code"), None);
    }

    #[test]
    fn a_refusal_outranks_what_could_not_be_completed() {
        let problems = |codes: &[Code]| {
            let found = codes.iter().map(|code| Problem::new(*code, "x")).collect();
            Problems::unless_empty((), found).map_err(|problems| problems.exit_class().status())
        };
        assert_eq!(problems(&[]), Ok(()));
        assert_eq!(problems(&[Code::DiskFull, Code::HashMismatch]), Err(1));
        assert_eq!(problems(&[Code::Internal, Code::FileAccess]), Err(3));
        assert_eq!(problems(&[Code::Usage]), Err(2));
        assert_eq!(problems(&[Code::Interrupted]), Err(130));
    }
}
