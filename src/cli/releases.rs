//! Options of pip that say which releases count: pre-releases or not, wheels or not, and how old their files are.
//!
//! Owns: the order in which they were given. Never: looks at a release.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use jiff::Timestamp;

use crate::error::{Code, Problem};
use crate::requirements::formats::{Form, Formats};
use crate::requirements::releases::{Releases, Take};
use crate::way::lock::Cutoff;

/// `--all-releases` and `--only-final`: the later one counts.
#[derive(Debug, Clone, Default)]
pub(super) struct ReleaseControl(Releases);

const OPTIONS: [(&str, Take, &str); 2] = [
    ("all-releases", Take::All, "Pre-releases of these projects count too; :all: for all"),
    ("only-final", Take::Final, "Pre-releases of these projects do not count; :all: for all"),
];

impl ReleaseControl {
    /// What was said, where `pre` stands for `--pre`.
    ///
    /// # Errors
    /// `usage` where `--pre` is given besides.
    pub(super) fn with(&self, pre: bool) -> Result<Releases, Problem> {
        let mut releases = self.0.clone();
        match (pre, releases.is_empty()) {
            (true, false) => {
                Err(Problem::new(Code::Usage, "--pre cannot be used with --all-releases or --only-final.")
                    .help("leave one of them out"))
            }
            (true, true) => {
                releases.say(Take::All, ":all:", None);
                Ok(releases)
            }
            (false, _) => Ok(releases),
        }
    }
}

impl Args for ReleaseControl {
    fn augment_args(command: Command) -> Command {
        command.args(OPTIONS.map(|(name, _, help)| {
            let option = Arg::new(name).long(name).value_name("NAMES").action(ArgAction::Append);
            option.help(help).hide_short_help(true)
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// What was given of some options, in the order in which it was.
fn in_turn<'m, Kind: Copy>(
    matches: &'m ArgMatches,
    options: &[(&'static str, Kind, &'static str)],
) -> Vec<(Kind, &'m str)> {
    let mut said = Vec::new();
    for (name, kind, _) in options {
        let values = matches.get_many::<String>(name).into_iter().flatten();
        let places = matches.indices_of(name).into_iter().flatten();
        said.extend(places.zip(values).map(|(at, value)| (at, *kind, value.as_str())));
    }
    said.sort_by_key(|(at, ..)| *at);
    said.into_iter().map(|(_, kind, value)| (kind, value)).collect()
}

impl FromArgMatches for ReleaseControl {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut releases = Releases::default();
        for (take, value) in in_turn(matches, &OPTIONS) {
            releases.say(take, value, None);
        }
        Ok(Self(releases))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// `--only-binary` and `--no-binary`: the later one counts.
#[derive(Debug, Clone, Default)]
pub(super) struct FormatControl(Formats);

const FORMS: [(&str, Form, &str); 2] = [
    ("only-binary", Form::Wheel, "Only wheels of these projects, which is all that there is; :all: for all"),
    (
        "no-binary",
        Form::Source,
        "Refused for what is installed: a source distribution would have to be built",
    ),
];

impl FormatControl {
    /// What was said.
    pub(super) fn said(&self) -> &Formats {
        &self.0
    }
}

impl Args for FormatControl {
    fn augment_args(command: Command) -> Command {
        command.args(FORMS.map(|(name, _, help)| {
            Arg::new(name).long(name).value_name("NAMES").action(ArgAction::Append).help(help)
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for FormatControl {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut formats = Formats::default();
        for (form, value) in in_turn(matches, &FORMS) {
            formats.say(form, value, None);
        }
        Ok(Self(formats))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The value of `--uploaded-prior-to`: a date, a time (RFC 3339), or an age such as 72h or P3D.
pub(super) fn prior_to(text: &str) -> Result<Timestamp, String> {
    match Cutoff::parse(text, Timestamp::now()) {
        Ok(Cutoff::Said { at, .. }) => Ok(at),
        Ok(Cutoff::CoolingOff) | Err(_) => {
            Err("expected a date, a time (RFC 3339), or an age such as 72h or P3D".to_owned())
        }
    }
}
