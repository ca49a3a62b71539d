//! The times of uploads, as far as explanations tell them.
//!
//! Owns how long a new file waits. It knows no clock: a time is what somebody noted.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many hours a new file waits before a lock takes it, unless a cutoff is given.
pub const WAITING_HOURS: i64 = 72;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// When a file was uploaded, in seconds since 1970 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UploadTime(pub i64);

/// Why a file is too new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TooNew {
    /// It was uploaded after the cutoff.
    Uploaded(UploadTime),
    /// The same, where its files wait for so many hours, not as long as usual.
    Waiting(UploadTime, i64),
    /// It has no upload time, and the cutoff was asked for.
    Undated,
}

impl UploadTime {
    /// From when on it has waited long enough. Cutoffs are whole hours, so this is one too.
    pub(crate) fn waited(self, hours: i64) -> Self {
        Self(self.up_to(HOUR).0.saturating_add(hours.saturating_mul(HOUR)))
    }

    /// The first whole minute by which it was there.
    pub(crate) fn minute(self) -> Self {
        self.up_to(MINUTE)
    }

    fn up_to(self, unit: i64) -> Self {
        let over = self.0.rem_euclid(unit);
        if over == 0 { self } else { Self(self.0.saturating_add(unit - over)) }
    }
}

/// As RFC 3339 has it, to the minute: `2026-01-31T12:30Z`.
impl fmt::Display for UploadTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_second(self.0.clamp(0, jiff::Timestamp::MAX.as_second()))
            .unwrap_or_default();
        write!(f, "{}", time.strftime("%Y-%m-%dT%H:%MZ"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_to_the_minute() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00Z"),
            (951_782_399, "2000-02-28T23:59Z"),
            (951_782_400, "2000-02-29T00:00Z"),
            (1_709_251_199, "2024-02-29T23:59Z"),
            (1_735_689_599, "2024-12-31T23:59Z"),
            (4_107_542_400, "2100-03-01T00:00Z"),
            (i64::MAX, "9999-12-30T22:00Z"),
            (i64::MIN, "1970-01-01T00:00Z"),
        ] {
            assert_eq!(UploadTime(seconds).to_string(), expected);
        }
    }

    #[test]
    fn what_waited_long_enough_is_there_at_a_whole_hour() {
        assert_eq!(UploadTime(1).waited(WAITING_HOURS).to_string(), "1970-01-04T01:00Z");
        assert_eq!(UploadTime(3600).waited(WAITING_HOURS).to_string(), "1970-01-04T01:00Z");
        assert_eq!(UploadTime(61).minute().to_string(), "1970-01-01T00:02Z");
    }
}
