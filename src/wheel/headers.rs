//! The header lines of METADATA and WHEEL ("Core metadata specifications": the format of e-mail headers).
//!
//! Owns: splitting text into names and values, strictly.
//! Never: knows what a header means, or guesses where a line belongs.

use std::borrow::Cow;

/// The headers of a text, in order, up to the first empty line (what follows is the description).
#[derive(Debug, Clone, Default)]
pub(crate) struct Headers<'t>(Vec<(&'t str, Cow<'t, str>)>);

impl<'t> Headers<'t> {
    /// Splits `text`. A line that begins with a space or tab continues the one before.
    ///
    /// # Errors
    /// A sentence part that says what is wrong, with the line, counted from 1.
    pub(crate) fn parse(text: &'t [u8]) -> Result<Self, (u32, String)> {
        let mut rest = utf8(text)?;
        let mut headers: Vec<(&str, Cow<'_, str>)> = Vec::new();
        for number in 1u32.. {
            let line = Line::first_of(rest);
            if line.text.is_empty() {
                break;
            }
            rest = line.rest;
            if line.has_control {
                return Err((number, "a header line has a control character".to_owned()));
            }
            if line.text.starts_with([' ', '\t']) {
                let Some((_, value)) = headers.last_mut() else {
                    return Err((number, "the first line continues nothing".to_owned()));
                };
                let value = value.to_mut();
                value.push('\n');
                value.push_str(line.text);
                continue;
            }
            let (name, value) = line
                .parts
                .filter(|(name, _)| is_name(name))
                .ok_or_else(|| (number, "a line is not of the form `Name: value`".to_owned()))?;
            headers.push((name, value.trim_matches([' ', '\t']).into()));
        }
        Ok(Self(headers))
    }

    /// The values of every header of this name, whatever its case.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// The value of a header that may be there once.
    ///
    /// # Errors
    /// A sentence part, when it is there more than once.
    pub(crate) fn optional<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, String> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(format!("{name} is there more than once"));
        }
        Ok(first)
    }

    /// The value of a header that must be there exactly once, and not be empty.
    ///
    /// # Errors
    /// A sentence part, when it is not.
    pub(crate) fn one<'a>(&'a self, name: &'a str) -> Result<&'a str, String> {
        self.optional(name)?.filter(|value| !value.is_empty()).ok_or_else(|| format!("{name} is missing"))
    }
}

/// One line, seen through once.
struct Line<'t> {
    /// Without its end.
    text: &'t str,
    /// What stands before and behind its first colon.
    parts: Option<(&'t str, &'t str)>,
    has_control: bool,
    /// The lines behind it.
    rest: &'t str,
}

impl<'t> Line<'t> {
    fn first_of(lines: &'t str) -> Self {
        let (mut end, mut colon, mut control) = (lines.len(), None, usize::MAX);
        for (at, byte) in lines.bytes().enumerate() {
            match byte {
                // Most are letters, which stand behind all that is looked for.
                b';'.. => {}
                b'\n' => {
                    end = at;
                    break;
                }
                b':' => colon = colon.or(Some(at)),
                b'\r' | b'\0' => control = control.min(at),
                _ => {}
            }
        }
        let rest = lines.get(end.saturating_add(1)..).unwrap_or_default();
        let text = lines.get(..end).unwrap_or_default();
        let text = text.strip_suffix('\r').unwrap_or(text);
        let behind = |at: usize| Some((text.get(..at)?, text.get(at.checked_add(1)?..)?));
        Self { text, parts: colon.and_then(behind), has_control: control < text.len(), rest }
    }
}

/// Printable ASCII but the colon (RFC 5322, section 2.2).
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn utf8(text: &[u8]) -> Result<&str, (u32, String)> {
    std::str::from_utf8(text).map_err(|error| {
        let before = text.get(..error.valid_up_to()).unwrap_or_default();
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        (u32::try_from(lines).unwrap_or(u32::MAX - 1) + 1, "it is not UTF-8".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let headers = Headers::parse(text.as_bytes()).unwrap();
        let read: Vec<_> = headers.0.iter().map(|(name, value)| (*name, &**value)).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn headers_end_at_the_first_empty_line() {
        check("A: 1\nB:2\n\nC: 3\n", &[("A", "1"), ("B", "2")]);
        check("A: 1\r\nB: 2\r\n\r\nC: 3", &[("A", "1"), ("B", "2")]);
        check("A: 1\n  \nB: 2", &[("A", "1\n  "), ("B", "2")]);
        check("", &[]);
    }

    #[test]
    fn ends_of_lines_and_colons_are_found_where_they_are() {
        check("A: 1\r\nB::2:\r", &[("A", "1"), ("B", ":2:")]);
        check("A:\n", &[("A", "")]);
        check("A: \u{e9}:\u{1f40d} \nB:\t2", &[("A", "\u{e9}:\u{1f40d}"), ("B", "2")]);
        for bad in ["A: 1\r\r\n", "A\r: 1\n", "A: \0\r\n", "\r\r\nA: 1"] {
            assert!(Headers::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn continuation_lines_join_the_one_before() {
        check("License: one\n        two\n\tthree\n", &[("License", "one\n        two\n\tthree")]);
    }

    #[test]
    fn a_broken_line_is_told_with_its_number() {
        for (text, line) in [
            (&b" x"[..], 1),
            (b"A: 1\nnot a header\n", 2),
            (b"A: 1\n: x\n", 2),
            (b"A: 1\nB\0: x", 2),
            (b"A: 1\rB: 2\n", 1),
            (b"A: 1\nB: \xff", 2),
        ] {
            assert_eq!(Headers::parse(text).map_err(|(line, _)| line).err(), Some(line), "{text:?}");
        }
    }
}
