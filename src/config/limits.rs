//! `[limits]` of pipward.toml: how much is read and unpacked at most.
//!
//! Owns: its keys, their units and their bounds. Never: takes "none" for an answer; everything has a cap.

use crate::document::Item;
use crate::error::{Code, Problem};
use crate::index::Bodies;
use crate::wheel::archive::{self, WHOLE_ENTRY};

/// How much is read and unpacked at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of a wheel.
    pub wheel: archive::Limits,
    /// Of an answer.
    pub bodies: Bodies,
    /// Seconds for the whole of an answer.
    pub answer_seconds: Option<u64>,
}

/// The keys, each with what it counts and the most that it can be.
const KEYS: [(&str, Unit, u64); 9] = [
    ("entries", Unit::Number, 10_000_000),
    ("unpacked", Unit::Bytes, 1 << 50),
    ("ratio", Unit::Number, 1032),
    ("ratio-from", Unit::Bytes, 1 << 50),
    ("metadata-file", Unit::Bytes, WHOLE_ENTRY),
    ("page", Unit::Bytes, 4 << 30),
    ("metadata", Unit::Bytes, 64 << 20),
    ("wheel", Unit::Bytes, 1 << 50),
    ("answer-seconds", Unit::Number, 86_400),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Number,
    Bytes,
}

impl Limits {
    /// Reads the table; what is wrong with it is reported to the reading that it is part of.
    pub(super) fn read(item: &Item<'_, '_>) -> Self {
        let mut limits = Self::default();
        let Some(table) = item.table() else { return limits };
        for (key, item) in table.all() {
            let Some((key, unit, most)) = KEYS.into_iter().find(|(known, _, _)| *known == key) else {
                let known = KEYS.map(|(key, _, _)| key).join(", ");
                item.reading.report(
                    Problem::new(
                        Code::ConfigInvalid,
                        format!("there is no limit `{}`", super::settings::shown(key)),
                    )
                    .at(item.place())
                    .expected(known)
                    .help("look at the spelling, or delete the line"),
                );
                continue;
            };
            let Some(value) = quantity(&item, unit, most) else { continue };
            match key {
                "entries" => limits.wheel.entries = value,
                "unpacked" => limits.wheel.inflated = value,
                "ratio" => limits.wheel.ratio = value,
                "ratio-from" => limits.wheel.ratio_from = value,
                "metadata-file" => limits.wheel.metadata = value,
                "page" => limits.bodies.page = value,
                "metadata" => limits.bodies.metadata = value,
                "wheel" => limits.bodies.wheel = value,
                _ => limits.answer_seconds = Some(value),
            }
        }
        limits
    }
}

/// A whole number from 1 to `most`, in bytes also as `"64 MiB"`.
fn quantity(item: &Item<'_, '_>, unit: Unit, most: u64) -> Option<u64> {
    let value = match item.value.as_str() {
        Some(text) if unit == Unit::Bytes => bytes(text),
        Some(_) => None,
        None => Some(item.count()?),
    };
    let value = value.filter(|value| (1..=most).contains(value));
    if value.is_none() {
        let (example, unit) = match unit {
            Unit::Bytes => (", or a string such as \"64 MiB\" (KiB, MiB, GiB)", " bytes"),
            Unit::Number => ("", ""),
        };
        item.reading.report(
            Problem::new(Code::ConfigInvalid, "this is not a limit that can be set")
                .at(item.place())
                .expected(format!("a whole number from 1 to {most}{unit}{example}")),
        );
    }
    value
}

/// `64 MiB` in bytes.
fn bytes(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let factor = match unit.trim_start_matches(' ') {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_units() {
        for (text, expected) in [
            ("7", Some(7)),
            ("7 B", Some(7)),
            ("64 MiB", Some(64 << 20)),
            ("2GiB", Some(2 << 30)),
            ("1 KiB", Some(1024)),
            ("", None),
            ("MiB", None),
            ("1 MB", None),
            ("-1", None),
            ("1.5 GiB", None),
            ("99999999999999999999", None),
            ("18014398509481984 KiB", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }
}
