//! Code -> its lesson: the attack that the rule is there for, the way out, and when there is an exception and how it is written.
//!
//! Pure. Together with the table of codes these are the texts of `pipward explain` and of docs/codes.md.
//! Never: decides anything; which findings have exceptions is said by `policy` and `wheel`, and asked there.

mod cases;
mod ways;

use std::fmt::Write as _;

use crate::error::{Code, ExitClass};
use crate::policy::{ADJUSTABLE, YIELDING};
use crate::wheel::EXCEPTABLE;

/// What is to be learned from a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// The code.
    pub code: Code,
    /// A real case and its date: an attack, or a mishap where the rule is about those.
    pub case: &'static str,
    /// What to do.
    pub way_out: &'static str,
    /// Whether there is an exception, when it is right, and how it is written.
    pub exception: Exception,
}

/// An exception from a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// When it is right, or why there is none.
    pub when: &'static str,
    /// How it is written, in pipward.toml.
    pub written: Option<String>,
}

impl Lesson {
    /// The lesson of a code.
    pub fn of(code: Code) -> Self {
        Self { code, case: cases::case(code), way_out: ways::way_out(code), exception: exception(code) }
    }

    /// The lesson as text for people, in parts: heading and text.
    pub fn parts(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Meaning", self.code.title().to_owned()),
            ("Why", self.code.explanation().to_owned()),
            ("A case", self.case.to_owned()),
            ("What to do", self.way_out.to_owned()),
            ("Exceptions", self.exception.when.to_owned()),
        ]
    }
}

fn exception(code: Code) -> Exception {
    let one = |code: Code| {
        format!(
            "[[policy.exception]]\ncode = \"{code}\"\npackage = \"NAME\"\nreason = \"what you looked at, and why it is right\"\n\
             until = 2027-06-30   # optional: the last day"
        )
    };
    let (when, written) = match code {
        Code::ProvenanceLost | Code::PublisherChanged => (
            "When the project's own pages tell of the move: `pipward lock --accept-publisher NAME` takes the new publisher once and \
             for all. An exception is for a project that will go on without one.",
            Some(one(code)),
        ),
        code if ADJUSTABLE.contains(&code) => (
            "For one project, when you have looked at it and know why it is right. For all projects a level can be set under \
             [policy] (\"deny\", \"warn\" or \"allow\"), which is seldom wise.",
            Some(one(code)),
        ),
        code if EXCEPTABLE.contains(&code) => (
            "For one project, when its makers know of it and their next release is not out yet. The wheel is still the one whose \
             SHA-256 you locked.",
            Some(one(code)),
        ),
        code if code == YIELDING => (
            "For a project that can do without its file: that file is left out, and the other one stands.",
            Some(one(code)),
        ),
        Code::AddressRefused => (
            "For a project that you trust with naming wheels by address in its own requirements; each has to have a SHA-256.",
            Some(one(code)),
        ),
        Code::ArchiveTooLarge | Code::IndexPageTooLarge => (
            "When the thing is really that large: the refusal names the key under [limits] that it ran into.",
            Some("[limits]\nunpacked = \"20 GiB\"".to_owned()),
        ),
        Code::IndexConflict | Code::NamePublic => (
            "None. Saying whose the name is puts an end to the question.",
            Some("[[index]]\nname = \"internal\"\nurl = \"https://pkgs.example.org/simple/\"\npackages = [\"NAME\"]".to_owned()),
        ),
        Code::FileHost => (
            "None for a single lock. If an index of yours keeps its files on another host, it is part of that index.",
            Some(
                "[[index]]\nname = \"internal\"\nurl = \"https://pkgs.example.org/simple/\"\nfile-hosts = [\"files.example.org\"]"
                    .to_owned(),
            ),
        ),
        Code::KnownVulnerability | Code::AdvisoryInvalid => (
            "When the hole does not concern you and you can say why, for as long as that is so. A VEX document says the same to others.",
            Some("[[audit.ignore]]\nid = \"PYSEC-2024-1\"\nreason = \"we render no attributes from outside\"\nuntil = 2027-06-30".to_owned()),
        ),
        Code::AuditIncomplete => (
            "When no source can know the package, such as a fork of your own, and you can say so.",
            Some("[[audit.unanswered]]\npackage = \"NAME\"\nreason = \"our own fork, on no index\"\nuntil = 2027-06-30".to_owned()),
        ),
        Code::ImportMissing | Code::ImportTransitive | Code::DependencyUnused => {
            ("When it is used in a way that no import tells of: `--ignore NAME` passes it over.", None)
        }
        Code::ReleaseLeftOut => ("None is needed: it is an option of the run that leaves the release out.", None),
        code if code.exit_class() == ExitClass::Refused => {
            ("None: this is one of the checks that every install rests on, and no setting turns it off.", None)
        }
        _ => ("None is needed: nothing was refused for what it is.", None),
    };
    Exception { when, written }
}

/// The page of docs/ that has all lessons: it is what this says, to the byte.
pub fn page() -> String {
    let mut page = String::from(
        "# The codes\n\n\
         Each refusal and each finding has a code, which keeps its name and meaning. `pipward explain CODE` tells what stands here.\n\
         This page is made from the same texts (`pipward explain --markdown`); change them in `src/error/table.rs` and `src/lessons/`.\n",
    );
    for code in Code::ALL {
        let lesson = Lesson::of(*code);
        let _ = write!(page, "\n## {code}\n");
        for (heading, text) in lesson.parts() {
            let _ = write!(page, "\n**{heading}.** {text}\n");
        }
        if let Some(written) = &lesson.exception.written {
            let _ = write!(page, "\n```toml\n{written}\n```\n");
        }
        let _ = write!(page, "\nExit code {}.\n", code.exit_class().status());
    }
    page
}
