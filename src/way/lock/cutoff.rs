//! Which files are too new to be locked.

use jiff::{SignedDuration, Timestamp};

use crate::error::{Code, Problem};

/// How long a new file waits before a lock takes it, unless a cutoff is given.
const COOLING_OFF: SignedDuration = SignedDuration::from_hours(72);

/// Which files are too new to be locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cutoff {
    /// The cutoff of the standing lock; for a first lock, now less 72 hours, floored to the hour.
    CoolingOff,
    /// What the user said. A file without an upload time does not pass.
    At(Timestamp),
}

pub(super) fn cooled(now: Timestamp) -> Timestamp {
    let seconds = now.as_second() - COOLING_OFF.as_secs();
    Timestamp::from_second(seconds - seconds.rem_euclid(3600)).unwrap_or(Timestamp::MIN)
}

impl Cutoff {
    /// Reads a date (midnight UTC), an RFC 3339 time, or an age (`72h`, `3d`, `P3D`, `3 days`).
    ///
    /// # Errors
    /// `usage`.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, Problem> {
        let text = text.trim();
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self::At(time));
        }
        if let Ok(date) = text.parse::<jiff::civil::DateTime>()
            && let Ok(zoned) = date.to_zoned(jiff::tz::TimeZone::UTC)
        {
            return Ok(Self::At(zoned.timestamp()));
        }
        let age = text.parse::<jiff::Span>().ok().and_then(|span| {
            let span = span.abs();
            let day = jiff::SpanRelativeTo::days_are_24_hours();
            span.to_duration(day).ok()
        });
        age.and_then(|age| now.checked_sub(age).ok()).map(Self::At).ok_or_else(|| {
            Problem::new(Code::Usage, "--uploaded-prior-to is neither a time nor an age")
                .expected("2026-01-31, 2026-01-31T12:00:00Z, 72h or P3D")
                .found(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let now: Timestamp = "2026-11-22T10:30:00Z".parse().unwrap();
        let expected: Timestamp = expected.parse().unwrap();
        assert_eq!(Cutoff::parse(text, now).ok(), Some(Cutoff::At(expected)), "{text}");
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
        assert_eq!(cooled(now).to_string(), "2026-11-19T10:00:00Z");
    }
}
