//! Which files are too new to be locked.

use jiff::{SignedDuration, Timestamp};

use crate::error::{Code, Problem};

/// Which files are too new to be locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cutoff {
    /// The cutoff of the standing lock; for a first lock, now less how long files wait, floored to the hour.
    CoolingOff,
    /// What the user said. A file without an upload time does not pass.
    Said {
        /// In these words. A standing lock that was made with the same words keeps its cutoff.
        text: String,
        /// Which is this time.
        at: Timestamp,
    },
}

pub(super) fn cooled(now: Timestamp, age: SignedDuration) -> Timestamp {
    let seconds = now.as_second().saturating_sub(age.as_secs());
    Timestamp::from_second(seconds - seconds.rem_euclid(3600)).unwrap_or(Timestamp::MIN)
}

impl Cutoff {
    /// Reads a date (midnight UTC), an RFC 3339 time, or an age (`72h`, `3d`, `P3D`, `3 days`).
    ///
    /// # Errors
    /// `usage`.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, Problem> {
        let text = text.trim();
        let at = time(text).or_else(|| {
            let span = text.parse::<jiff::Span>().ok()?.abs();
            let age = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
            now.checked_sub(age).ok()
        });
        let at = at.ok_or_else(|| {
            Problem::new(Code::Usage, "`uploaded-prior-to` is neither a time nor an age")
                .expected("2026-01-31, 2026-01-31T12:00:00Z, 72h or P3D")
                .found(text)
                .help("write a date, a time, or how old a file has to be")
        })?;
        Ok(Self::Said { text: text.to_owned(), at })
    }
}

fn time(text: &str) -> Option<Timestamp> {
    let local = || text.parse::<jiff::civil::DateTime>().ok();
    text.parse().ok().or_else(|| Some(local()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let now: Timestamp = "2026-11-22T10:30:00Z".parse().unwrap();
        let at: Timestamp = expected.parse().unwrap();
        let expected = Cutoff::Said { text: text.to_owned(), at };
        assert_eq!(Cutoff::parse(text, now).ok(), Some(expected), "{text}");
    }

    #[test]
    fn cutoffs_are_dates_times_or_ages() {
        check("2026-01-31", "2026-01-31T00:00:00Z");
        check("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z");
        check("2026-01-31T12:00:00+02:00", "2026-01-31T10:00:00Z");
        check("72h", "2026-11-19T10:30:00Z");
        check("P3D", "2026-11-19T10:30:00Z");
        check("3 days", "2026-11-19T10:30:00Z");
        check("1 week", "2026-11-15T10:30:00Z");
        assert!(Cutoff::parse("yesterday-ish", Timestamp::UNIX_EPOCH).is_err());
    }

    #[test]
    fn promise_5_a_first_cutoff_is_three_days_ago_floored_to_the_hour() {
        let now: Timestamp = "2026-11-22T10:59:59Z".parse().unwrap();
        assert_eq!(cooled(now, SignedDuration::from_hours(72)).to_string(), "2026-11-19T10:00:00Z");
    }
}
