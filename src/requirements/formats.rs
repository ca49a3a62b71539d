//! Which projects would have to be built: pip's `--no-binary` and `--only-binary`.
//!
//! Pure. Owns: what a later option makes of an earlier one, by the rules of [`Releases`]. Never: builds anything.

use pipward_resolver::PackageName;

use super::entry::excerpt;
use super::releases::{Releases, Take};
use crate::error::{Code, Place, Problem};

/// What an option says of the projects that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `--no-binary`: they are built.
    Source,
    /// `--only-binary`: they come as wheels.
    Wheel,
}

/// What was said of the two, in the order in which it was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Formats(Releases);

impl Formats {
    /// Adds an option: names, `:all:` or `:none:` between commas, and where it stands.
    pub fn say(&mut self, form: Form, value: &str, place: Option<&Place>) {
        self.0.say(if form == Form::Source { Take::All } else { Take::Final }, value, place);
    }

    /// Adds what was said later.
    pub fn extend(&mut self, later: &Self) {
        self.0.extend(&later.0);
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The option by which a project would have to be built, and where it stands.
    pub fn builds(&self, name: &PackageName) -> Option<(&str, Option<&Place>)> {
        self.0.takes(name).filter(|builds| *builds).and_then(|_| self.0.last(Take::All, name))
    }

    /// The first option that asks for any build at all.
    pub fn asks_for_builds(&self) -> Option<(&str, Option<&Place>)> {
        self.0.first(Take::All)
    }

    /// Whether all projects come as wheels, and none is built.
    pub fn is_wheels_alone(&self) -> bool {
        self.0.is_all(Take::Final)
    }
}

/// The problem that an option is which asks for builds.
pub fn refusal(value: &str, place: Option<&Place>) -> Problem {
    let problem =
        Problem::new(Code::OptionRefused, "--no-binary asks for builds, which run a project's code")
            .found(excerpt(&format!("--no-binary {value}")));
    match place {
        Some(place) => problem.at(place.clone()).help("delete the option from this file"),
        None => problem.help("leave it out"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &[(Form, &str)], builds: Option<&str>) {
        let mut formats = Formats::default();
        said.iter().for_each(|(form, value)| formats.say(*form, value, None));
        let found = formats.builds(&"a-b".parse().unwrap()).map(|(value, _)| value);
        assert_eq!(found, builds, "{said:?}");
    }

    #[test]
    fn the_last_option_and_the_name_count() {
        use Form::{Source, Wheel};
        check(&[], None);
        check(&[(Source, ":all:")], Some(":all:"));
        check(&[(Source, "other,A_B")], Some("other,A_B"));
        check(&[(Source, "other")], None);
        check(&[(Source, ":none:")], None);
        check(&[(Source, ":all:"), (Source, ":none:")], None);
        check(&[(Source, ":all:"), (Wheel, "a-b")], None);
        check(&[(Source, "a-b"), (Wheel, ":all:")], None);
        check(&[(Wheel, ":all:"), (Source, "a-b")], Some("a-b"));
        check(&[(Wheel, "a-b"), (Source, ":all:")], Some(":all:"));
    }
}
