//! How long new files wait before a lock takes them.
//!
//! Pure. Owns: which of several sayings counts for a project. Never: asks the clock.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use pipward_resolver::PackageName;
use pipward_resolver::moment::WAITING_HOURS;

use super::project::Cutoff;
use super::registry::{IndexSource, NamePattern};

/// How long a new file waits where nothing is said.
const USUAL: SignedDuration = SignedDuration::from_hours(WAITING_HOURS);

/// How long new files wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ages {
    /// Where nothing else is said: 72 hours.
    pub usual: SignedDuration,
    /// For projects of these names; the first that fits counts.
    pub packages: Vec<(NamePattern, SignedDuration)>,
    /// Projects whose files do not wait, by an exception that has a reason.
    pub exempt: BTreeSet<PackageName>,
}

impl Default for Ages {
    fn default() -> Self {
        Self { usual: USUAL, packages: Vec::new(), exempt: BTreeSet::new() }
    }
}

impl Ages {
    /// How long files of a project wait that come from `index`: an exception counts before what is said for the project,
    /// that before what is said for the index.
    pub fn of(&self, name: &PackageName, index: Option<&IndexSource>) -> SignedDuration {
        if self.exempt.contains(name) {
            return SignedDuration::ZERO;
        }
        let own = self.packages.iter().find(|(pattern, _)| pattern.matches(name)).map(|(_, age)| *age);
        own.or_else(|| index?.min_release_age).unwrap_or(self.usual)
    }

    /// What differs from the usual, in words that a lock can keep. Exceptions are not in it: they end.
    pub fn told(&self, indexes: &[IndexSource]) -> Option<String> {
        let mut told = Vec::new();
        if self.usual != USUAL {
            told.push(hours(self.usual));
        }
        told.extend(self.packages.iter().map(|(pattern, age)| format!("{pattern} {}", hours(*age))));
        let of_index = |index: &IndexSource| {
            Some(format!("index {} {}", index.name.as_deref()?, hours(index.min_release_age?)))
        };
        told.extend(indexes.iter().filter_map(of_index));
        (!told.is_empty()).then(|| told.join(", "))
    }
}

/// `72h`, or with the rest that makes no hour, `90m`.
pub fn hours(age: SignedDuration) -> String {
    let minutes = age.as_mins();
    if minutes % 60 == 0 { format!("{}h", minutes / 60) } else { format!("{minutes}m") }
}

/// Which files an index shows.
#[derive(Debug, Clone, Default)]
pub struct Waiting {
    /// Files that were uploaded later are hidden, those of projects with the usual age.
    pub cutoff: Option<Timestamp>,
    /// The user named the cutoff: it holds for all projects alike, and a file without an upload time is hidden too.
    pub explicit: bool,
    /// How long files wait.
    pub ages: Ages,
}

impl Waiting {
    /// By how much later the files of a project may be than the cutoff.
    pub(super) fn allowance(&self, name: &PackageName, index: Option<&IndexSource>) -> SignedDuration {
        if self.explicit {
            return SignedDuration::ZERO;
        }
        self.ages.usual.saturating_sub(self.ages.of(name, index))
    }

    /// What is hidden of a project.
    pub(super) fn of(&self, name: &PackageName, index: Option<&IndexSource>) -> Cutoff {
        let later = |cutoff: Timestamp| cutoff.saturating_add(self.allowance(name, index)).unwrap_or(cutoff);
        let is_off = !self.explicit && self.ages.of(name, index).is_zero();
        Cutoff {
            time: self.cutoff.map(later),
            explicit: self.explicit,
            age: self.ages.of(name, index),
            is_off,
        }
    }
}

/// The first full hour at which a file that was uploaded then has waited long enough.
pub(super) fn taken_from(uploaded: Timestamp, age: SignedDuration) -> Timestamp {
    let ready = uploaded.saturating_add(age).unwrap_or(Timestamp::MAX);
    let part = i64::from(ready.subsec_nanosecond() > 0);
    let seconds = ready.as_second().saturating_add(part);
    let full = seconds.saturating_add((-seconds).rem_euclid(3600));
    Timestamp::from_second(full).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_saying_counts() {
        let hour = SignedDuration::from_hours;
        let ages = Ages {
            usual: hour(48),
            packages: vec![("acme-*".parse().unwrap(), hour(1))],
            exempt: BTreeSet::from(["acme-fixed".parse().unwrap()]),
        };
        let index = IndexSource {
            name: Some("internal".to_owned()),
            min_release_age: Some(hour(0)),
            ..IndexSource::from(url::Url::parse("https://h/").unwrap())
        };
        let check = |name: &str, index: Option<&IndexSource>, expected: i64| {
            assert_eq!(ages.of(&name.parse().unwrap(), index), hour(expected), "{name}");
        };
        check("idna", None, 48);
        check("idna", Some(&index), 0);
        check("acme-x", Some(&index), 1);
        check("acme-fixed", None, 0);
        assert_eq!(ages.told(&[index]).unwrap(), "48h, acme-* 1h, index internal 0h");
        assert_eq!(Ages::default().told(&[]), None);
    }

    #[test]
    fn a_file_is_taken_from_a_full_hour_on() {
        let check = |uploaded: &str, expected: &str| {
            let from = taken_from(uploaded.parse().unwrap(), SignedDuration::from_hours(72));
            assert_eq!(from.to_string(), expected);
        };
        check("2026-01-01T10:00:00Z", "2026-01-04T10:00:00Z");
        check("2026-01-01T10:00:01Z", "2026-01-04T11:00:00Z");
        check("2026-01-01T09:59:59.5Z", "2026-01-04T10:00:00Z");
    }
}
