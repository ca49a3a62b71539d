//! Which projects' pre-releases are taken: pip's `--pre`, `--all-releases` and `--only-final`.
//!
//! Pure. Owns: what a later option makes of an earlier one.

use std::collections::BTreeSet;

use pipward_resolver::PackageName;

use crate::error::Place;

/// All projects.
const ALL: &str = ":all:";
/// Forgets what was said so far.
const NONE: &str = ":none:";

/// What an option says of the projects that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// `--all-releases`: pre-releases are taken.
    All,
    /// `--only-final`: they are not.
    Final,
}

/// What was said of pre-releases, in the order in which it was said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Releases {
    said: Vec<Said>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    take: Take,
    value: String,
    place: Option<Place>,
}

impl Releases {
    /// Adds an option: names, `:all:` or `:none:` between commas, and where it stands.
    pub fn say(&mut self, take: Take, value: &str, place: Option<&Place>) {
        self.said.push(Said { take, value: value.to_owned(), place: place.cloned() });
    }

    /// Adds what was said later.
    pub fn extend(&mut self, later: &Self) {
        self.said.extend(later.said.iter().cloned());
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.said.is_empty()
    }

    /// Whether pre-releases of a project are taken, where that was said. Its name counts for more than `:all:`.
    pub fn takes(&self, name: &PackageName) -> Option<bool> {
        let (all, finals) = self.sets();
        let has = |set: &BTreeSet<String>, one: &str| set.contains(one);
        match name.as_ref() {
            name if has(&all, name) => Some(true),
            name if has(&finals, name) => Some(false),
            _ if has(&all, ALL) => Some(true),
            _ if has(&finals, ALL) => Some(false),
            _ => None,
        }
    }

    /// The first option that says something of one project alone: its value, and where it stands.
    pub fn named(&self) -> Option<(&str, Option<&Place>)> {
        let names = |said: &&Said| said.value.split(',').any(|word| word != ALL && word != NONE);
        self.said.iter().find(names).map(|said| (said.value.as_str(), said.place.as_ref()))
    }

    /// The last option of a kind that speaks of a project: its value, and where it stands.
    pub(super) fn last(&self, take: Take, name: &PackageName) -> Option<(&str, Option<&Place>)> {
        let is_of =
            |said: &&Said| {
                said.take == take
                    && said.value.split(',').map(str::trim).any(|word| {
                        word == ALL || word.parse::<PackageName>().is_ok_and(|named| named == *name)
                    })
            };
        self.said.iter().rev().find(is_of).map(|said| (said.value.as_str(), said.place.as_ref()))
    }

    /// The first option of a kind that speaks of any project.
    pub(super) fn first(&self, take: Take) -> Option<(&str, Option<&Place>)> {
        let speaks = |said: &&Said| {
            said.take == take && said.value.split(',').any(|word| !matches!(word.trim(), "" | NONE))
        };
        self.said.iter().find(speaks).map(|said| (said.value.as_str(), said.place.as_ref()))
    }

    /// Whether a kind holds for all projects, and the other one for none.
    pub(super) fn is_all(&self, take: Take) -> bool {
        let (all, finals) = self.sets();
        let (these, others) = if take == Take::All { (all, finals) } else { (finals, all) };
        others.is_empty() && these.contains(ALL)
    }

    fn sets(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut all, mut finals) = (BTreeSet::new(), BTreeSet::new());
        for said in &self.said {
            let (these, others) = match said.take {
                Take::All => (&mut all, &mut finals),
                Take::Final => (&mut finals, &mut all),
            };
            let mut words: Vec<&str> = said.value.split(',').collect();
            if let Some(at) = words.iter().rposition(|word| *word == ALL) {
                others.clear();
                these.clear();
                these.insert(ALL.to_owned());
                words.drain(..=at);
                // "Without a none, :all: covers the names behind it."
                if !words.contains(&NONE) {
                    continue;
                }
            }
            for word in words {
                if word == NONE {
                    these.clear();
                } else if let Ok(name) = word.trim().parse::<PackageName>() {
                    others.remove(name.as_ref());
                    these.insert(name.to_string());
                }
            }
        }
        (all, finals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &str, expected: Option<bool>) {
        let mut releases = Releases::default();
        for word in said.split(' ') {
            let (take, value) = match word.split_once('=') {
                Some(("all", value)) => (Take::All, value),
                Some((_, value)) => (Take::Final, value),
                None => continue,
            };
            releases.say(take, value, None);
        }
        assert_eq!(releases.takes(&"a-b".parse().unwrap()), expected, "{said}");
    }

    #[test]
    fn the_last_option_and_the_name_count() {
        check("", None);
        check("all=:all:", Some(true));
        check("final=:all:", Some(false));
        check("final=A_B", Some(false));
        check("final=other", None);
        check("all=:all: final=a-b", Some(false));
        check("final=:all: all=a-b", Some(true));
        check("all=a-b final=a-b", Some(false));
        check("all=a-b final=:all:", Some(false));
        check("final=:all: all=:all:", Some(true));
        check("all=:all: all=:none:", None);
        check("final=:all:,a-b", Some(false));
        check("final=:all:,:none:,a-b", Some(false));
        check("final=:all:,:none:", None);
        check("final=a-b,:none:", None);
    }
}
