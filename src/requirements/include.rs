//! Requirements files that include each other.
//!
//! Owns: the walk over files and lines, and what each option means. The one place here that reads
//! files. Never: follows an include to the network.

use std::path::{Path, PathBuf};

use url::Url;

use super::entry::{self, excerpt};
use super::formats::{self, Form};
use super::lines::{self, Line};
use super::options::{self, FEATURES, Given, Name};
use super::releases::Take;
use super::{FileRequirement, RequirementsFile};
use crate::document;
use crate::error::{Code, Place, Problem, Problems};

/// The largest requirements file, in bytes.
const MAX_FILE: u64 = 16 * 1024 * 1024;
/// How many files one run reads: files that include each other twice double at each step.
const MAX_FILES: usize = 256;
/// How many lines that say something may stand in all files, and how many bytes they may have once
/// variables are put in.
const MAX_LINES: usize = 50_000;
const MAX_TEXT: usize = 64 * 1024 * 1024;
/// How many faults are listed.
const MAX_PROBLEMS: usize = 1000;

/// What lines of a file are taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// What is asked for.
    Requirements,
    /// What binds that.
    Constraints,
}

pub(super) fn read(
    path: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<RequirementsFile, Problems> {
    let mut walk = Walk::new(variable);
    walk.file(path, Role::Requirements, None);
    walk.finish()
}

/// As [`read`], with the faults in the result.
pub(super) fn read_with_faults(path: &Path, variable: &dyn Fn(&str) -> Option<String>) -> RequirementsFile {
    let mut walk = Walk::new(variable);
    walk.file(path, Role::Requirements, None);
    walk.finish_with_faults()
}

pub(super) fn read_text(
    text: &str,
    path: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<RequirementsFile, Problems> {
    let mut walk = Walk::new(variable);
    walk.within.push(path.to_owned());
    walk.text(text, path, Role::Requirements);
    walk.finish()
}

/// As [`read_with_faults`], where files may stand at http(s) addresses, which `fetch` reads.
pub(super) fn read_over(
    path: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
    fetch: &Fetch<'_>,
    role: Role,
) -> RequirementsFile {
    let mut walk = Walk::new(variable);
    walk.fetch = Some(fetch);
    walk.file(path, role, None);
    walk.finish_with_faults()
}

/// Reads what stands at an address.
pub type Fetch<'f> = dyn Fn(&Url) -> Result<Vec<u8>, Problem> + 'f;

struct Walk<'v> {
    fetch: Option<&'v Fetch<'v>>,
    variable: &'v dyn Fn(&str) -> Option<String>,
    read: RequirementsFile,
    problems: Vec<Problem>,
    /// The files that include the one being read, and itself.
    within: Vec<PathBuf>,
    files: usize,
    /// How many lines and bytes may still be read.
    lines: usize,
    bytes: usize,
}

impl<'v> Walk<'v> {
    fn new(variable: &'v dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            fetch: None,
            variable,
            read: RequirementsFile::default(),
            problems: Vec::new(),
            within: Vec::new(),
            files: 0,
            lines: MAX_LINES,
            bytes: MAX_TEXT,
        }
    }

    fn finish(self) -> Result<RequirementsFile, Problems> {
        let mut read = self.finish_with_faults();
        let faults = std::mem::take(&mut read.faults);
        Problems::unless_empty(read, faults)
    }

    fn finish_with_faults(mut self) -> RequirementsFile {
        self.problems.truncate(MAX_PROBLEMS);
        self.read.faults = self.problems;
        self.read
    }

    fn file(&mut self, path: &Path, role: Role, included: Option<&Place>) {
        let place = || included.cloned().unwrap_or_else(|| Place::file(path));
        self.files += 1;
        if self.files > MAX_FILES {
            if self.files == MAX_FILES + 1 {
                self.problems.push(
                    Problem::new(Code::RequirementSyntax, "too many files include each other")
                        .at(place())
                        .expected(format!("at most {MAX_FILES} files")),
                );
            }
            return;
        }
        if self.within.iter().any(|open| same(open, path)) {
            self.problems.push(
                Problem::new(Code::RequirementSyntax, "this file includes itself")
                    .at(place())
                    .found(path.display())
                    .help("delete the line that includes it"),
            );
            return;
        }
        let bytes = match address(path) {
            Some(url) => self.fetched(&url),
            None => document::read_bytes(path, MAX_FILE, Code::RequirementSyntax),
        };
        let read = bytes.and_then(|bytes| {
            let text = lines::decode(&bytes, &Place::file(path))?;
            if address(path).is_none() {
                self.read.originals.extend(document::Originals::of(path, bytes));
            }
            Ok(text)
        });
        match read {
            Ok(text) => {
                self.within.push(path.to_owned());
                self.text(&text, path, role);
                self.within.pop();
            }
            Err(problem) => self.problems.push(match included {
                Some(place) if problem.code() == Code::LockNotFound => {
                    let problem =
                        Problem::new(Code::LockNotFound, "the file that this line includes is not there")
                            .at(place.clone())
                            .found(path.display())
                            .help("look at the spelling; the path starts at the file that has the line");
                    if role == Role::Constraints { problem.expected("a constraints file") } else { problem }
                }
                _ if role == Role::Constraints && problem.code() == Code::LockNotFound => {
                    problem.expected("a constraints file")
                }
                _ => problem,
            }),
        }
    }

    fn text(&mut self, text: &str, path: &Path, role: Role) {
        for mut line in lines::logical(text, self.lines.saturating_add(1)) {
            let place = Place::line(path, line.number);
            let expanded = lines::expand(&line.text, self.variable, self.bytes);
            let Some(expanded) = expanded.filter(|_| self.lines > 0) else {
                self.problems.push(
                    Problem::new(Code::RequirementSyntax, "the requirements files are too large")
                        .at(place)
                        .expected(format!("at most {MAX_LINES} lines and {MAX_TEXT} bytes"))
                        .help("split them into several locks"),
                );
                return;
            };
            self.lines -= 1;
            self.bytes = self.bytes.saturating_sub(expanded.len());
            line.text = expanded;
            if let Err(problem) = self.line(&line, path, role, &place) {
                self.problems.push(problem.at(place));
            }
        }
    }

    fn line(&mut self, line: &Line, path: &Path, role: Role, place: &Place) -> Result<(), Problem> {
        let (requirement, options) = options::split(&line.text);
        let given = options::parse(options)?;
        if requirement.is_empty() {
            let editable = given.iter().find(|option| option.name == Name::Editable);
            if let (Role::Constraints, Some(editable)) = (role, editable) {
                return Err(no_constraint(
                    "Editable requirements are not allowed as constraints",
                    &editable.value,
                ));
            }
            return self.option_line(&given, path, place);
        }
        let mut hashes = Vec::new();
        for option in &given {
            match option.name {
                Name::Hash => hashes.push(option.value.as_str()),
                // They configure a build, and nothing is built.
                Name::ConfigSettings => {}
                Name::TrustedHost | Name::NoRequireHashes => refuse(option)?,
                Name::NoBinary => return Err(formats::refusal(&option.value, None)),
                _ => {
                    return Err(Problem::new(
                        Code::RequirementSyntax,
                        "this option has no effect on the line of a requirement",
                    )
                    .found(excerpt(options))
                    .help("give it a line of its own"));
                }
            }
        }
        if role == Role::Constraints && entry::is_unnamed(&requirement) {
            return Err(no_constraint("Unnamed requirements are not allowed as constraints", &requirement));
        }
        let read = entry::read(&requirement, &hashes, place)?;
        if role == Role::Constraints && !read.requirement.extras.is_empty() {
            return Err(no_constraint("Constraints cannot have extras", &requirement));
        }
        self.keep(read, role);
        Ok(())
    }

    fn keep(&mut self, requirement: FileRequirement, role: Role) {
        match role {
            Role::Requirements => self.read.requirements.push(requirement),
            Role::Constraints => self.read.constraints.push(requirement),
        }
    }

    fn option_line(&mut self, given: &[Given], path: &Path, place: &Place) -> Result<(), Problem> {
        for name in [Name::Requirement, Name::Constraint, Name::FindLinks, Name::Editable] {
            if given.iter().filter(|option| option.name == name).count() > 1 {
                return Err(Problem::new(
                    Code::RequirementSyntax,
                    "pip reads only the first of these options on one line",
                )
                .help("give each a line of its own"));
            }
        }
        let alone = |name| matches!(name, Name::Requirement | Name::Constraint | Name::Editable);
        if given.len() > 1 && given.iter().any(|option| alone(option.name)) {
            return Err(Problem::new(
                Code::RequirementSyntax,
                "pip passes over the other options of a line that has -r, -c or -e",
            )
            .help("give each a line of its own"));
        }
        for option in given {
            refuse(option)?;
            self.option(option, path, place)?;
        }
        Ok(())
    }

    fn option(&mut self, option: &Given, path: &Path, place: &Place) -> Result<(), Problem> {
        let value = option.value.clone();
        let sources = &mut self.read.sources;
        match option.name {
            // "-i in a file replaces the list so far"; --no-index blocks later ones.
            Name::IndexUrl => {
                sources.index_url = Some(value);
                sources.extra_index_urls.clear();
            }
            Name::ExtraIndexUrl => sources.extra_index_urls.push(value),
            Name::NoIndex => sources.no_index = true,
            Name::FindLinks => sources.find_links.push(relative_to_file(&value, path)),
            Name::Requirement => self.include(&value, path, Role::Requirements, place)?,
            Name::Constraint => self.include(&value, path, Role::Constraints, place)?,
            Name::Editable => return Err(entry::unsupported("an editable install", &value)),
            Name::RequireHashes => self.read.require_hashes = true,
            Name::Pre => {
                self.read.pre = true;
                sources.releases.say(Take::All, ":all:", Some(place));
            }
            Name::AllReleases => {
                self.read.pre |= value == ":all:";
                sources.releases.say(Take::All, &value, Some(place));
            }
            Name::OnlyFinal => {
                self.read.pre &= value != ":all:";
                sources.releases.say(Take::Final, &value, Some(place));
            }
            Name::Hash => {
                return Err(Problem::new(Code::RequirementSyntax, "this hash belongs to no requirement")
                    .found(excerpt(&value))
                    .help("end the line before it with a backslash, and nothing after that"));
            }
            Name::OnlyBinary => sources.formats.say(Form::Wheel, &value, Some(place)),
            Name::NoBinary => sources.formats.say(Form::Source, &value, Some(place)),
            // Wheels are all that there is, and pip's own switches do not concern pipward.
            Name::PreferBinary | Name::ConfigSettings => {}
            Name::UseFeature if FEATURES.contains(&value.as_str()) => {}
            Name::UseFeature => {
                return Err(Problem::new(Code::RequirementSyntax, "pip has no such feature")
                    .expected(FEATURES.join(", "))
                    .found(excerpt(&value))
                    .help("leave the line out: pip's switches do not concern pipward"));
            }
            Name::NoRequireHashes | Name::TrustedHost => {}
        }
        Ok(())
    }

    /// "-r relpath is relative to the file that has it."
    fn include(&mut self, value: &str, path: &Path, role: Role, place: &Place) -> Result<(), Problem> {
        let target = if let Some(base) = address(path) {
            let joined = base.join(value).map_err(|error| {
                Problem::new(Code::RequirementSyntax, "this address cannot be read")
                    .found(excerpt(value))
                    .cause(error)
            })?;
            // A file on the network leads to files on the network alone.
            if !matches!(joined.scheme(), "http" | "https") {
                return Err(Problem::new(
                    Code::AddressRefused,
                    "a file on the network includes one of this machine",
                )
                .found(excerpt(value))
                .help("download it, review it, and name the copy"));
            }
            PathBuf::from(joined.as_str())
        } else if address(Path::new(value)).is_some() {
            PathBuf::from(value)
        } else if value.to_ascii_lowercase().starts_with("file:") {
            file_address(value).ok_or_else(|| {
                Problem::new(Code::RequirementSyntax, "this address cannot be read").found(excerpt(value))
            })?
        } else {
            path.parent().unwrap_or(Path::new("")).join(value)
        };
        self.file(&target, role, Some(place));
        Ok(())
    }
}

impl Walk<'_> {
    fn fetched(&self, url: &Url) -> Result<Vec<u8>, Problem> {
        match self.fetch {
            Some(fetch) => fetch(url),
            None => Err(Problem::new(
                Code::RequirementUnsupported,
                "a requirements file on the network may say something else each time it is read",
            )
            .found(excerpt(url.as_str()))
            .help("download it, review it, and name the copy")),
        }
    }
}

/// The http(s) address that a name of a file is, if it is one.
pub(super) fn address(path: &Path) -> Option<Url> {
    let text = path.to_str()?;
    let scheme = text.get(..6)?.to_ascii_lowercase();
    (scheme.starts_with("http:") || scheme == "https:").then(|| Url::parse(text).ok())?
}

/// The path of a `file:` address.
pub(super) fn file_address(text: &str) -> Option<PathBuf> {
    Url::parse(text).ok()?.to_file_path().ok()
}

/// A line that says more than a constraint can.
fn no_constraint(message: &str, text: &str) -> Problem {
    Problem::new(Code::RequirementUnsupported, message)
        .expected("a name with versions, or with an address")
        .found(excerpt(text))
        .help("put it among the requirements, or take it out")
}

/// Options that would turn off what the lock stands for.
fn refuse(option: &Given) -> Result<(), Problem> {
    let (text, why) = match option.name {
        Name::TrustedHost => ("--trusted-host", "turns off the check of a server's certificate"),
        Name::NoRequireHashes => ("--no-require-hashes", "turns off the check of hashes"),
        _ => return Ok(()),
    };
    Err(Problem::new(Code::OptionRefused, format!("{text} {why}"))
        .found(excerpt(&format!("{text} {}", option.value)).trim_end())
        .help("delete the option from this file"))
}

/// A path is tried relative to the file first, then left as it is.
fn relative_to_file(value: &str, path: &Path) -> String {
    let beside = path.parent().unwrap_or(Path::new("")).join(value);
    if value.contains("://") || !beside.exists() {
        return value.to_owned();
    }
    std::path::absolute(&beside).unwrap_or(beside).display().to_string()
}

fn same(a: &Path, b: &Path) -> bool {
    let whole = |path: &Path| std::fs::canonicalize(path).ok();
    a == b || whole(a).is_some_and(|a| whole(b) == Some(a))
}
