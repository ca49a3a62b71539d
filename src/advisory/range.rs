//! A range of versions in an OSV record.
//!
//! Owns: its events and how they are evaluated. Never: guesses at an event that it does not know.

use std::str::FromStr as _;

use pipward_resolver::Version;

/// A range of type `ECOSYSTEM` (or `SEMVER`), its events in the order of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    events: Vec<(Bound, Event)>,
    limits: Vec<Bound>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Introduced,
    Fixed,
    LastAffected,
}

/// A version, or what comes before or after all of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    /// "`introduced` allows a version of the value "0" to represent a version that sorts before any other version."
    First,
    At(Version),
    /// "`limit` … "*" … represents "infinity"."
    Last,
}

/// One event object, each of its keys an event.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(super) struct RawEvent {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

impl Range {
    pub(super) fn parse(raw: &[RawEvent]) -> Result<Self, String> {
        let mut range = Self { events: Vec::new(), limits: Vec::new() };
        for event in raw {
            let named = [
                (Event::Introduced, &event.introduced),
                (Event::Fixed, &event.fixed),
                (Event::LastAffected, &event.last_affected),
            ];
            let before = range.events.len() + range.limits.len();
            for (kind, text) in named {
                let Some(text) = text else { continue };
                let bound = match text.as_str() {
                    "0" if kind == Event::Introduced => Bound::First,
                    text => Bound::At(version(text)?),
                };
                range.events.push((bound, kind));
            }
            if let Some(text) = &event.limit {
                range.limits.push(if text == "*" { Bound::Last } else { Bound::At(version(text)?) });
            }
            if range.events.len() + range.limits.len() == before {
                return Err("an event of a range is of a kind that is not known".to_owned());
            }
        }
        if !range.events.iter().any(|(_, event)| *event == Event::Introduced) {
            return Err("a range has no event `introduced`".to_owned());
        }
        // Events of one version stay in the order in which they are written.
        range.events.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(range)
    }

    /// The evaluation that the OSV schema gives as pseudocode: "for evt in sorted(range.events)", with "if
    /// evt.introduced is present && version >= evt.introduced", "if evt.fixed is present && version >= evt.fixed" and
    /// "if evt.last_affected is present && version > evt.last_affected".
    pub fn contains(&self, version: &Version) -> bool {
        let version = Bound::At(version.clone());
        let is_before_limits = self.limits.is_empty() || self.limits.iter().any(|limit| version < *limit);
        let mut affected = false;
        for (bound, event) in &self.events {
            match event {
                Event::Introduced if version >= *bound => affected = true,
                Event::Fixed if version >= *bound => affected = false,
                Event::LastAffected if version > *bound => affected = false,
                _ => {}
            }
        }
        is_before_limits && affected
    }

    /// The last version that it is told to affect.
    pub(super) fn last_affected(&self) -> Option<&Version> {
        self.events.iter().rev().find_map(|(bound, event)| match (bound, event) {
            (Bound::At(version), Event::LastAffected) => Some(version),
            _ => None,
        })
    }

    /// The versions that fix it.
    pub(super) fn fixed(&self) -> impl Iterator<Item = &Version> {
        self.events.iter().filter_map(|(bound, event)| match (bound, event) {
            (Bound::At(version), Event::Fixed) => Some(version),
            _ => None,
        })
    }
}

fn version(text: &str) -> Result<Version, String> {
    let short: String = text.chars().take(60).collect();
    Version::from_str(text.trim()).map_err(|_| format!("`{short}` in a range is not a version (PEP 440)"))
}
