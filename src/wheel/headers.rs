//! The header lines of METADATA and WHEEL ("Core metadata specifications": the format of e-mail headers).
//!
//! Owns: splitting text into names and values, strictly.
//! Never: knows what a header means, or guesses where a line belongs.

/// The headers of a text, in order, up to the first empty line (what follows is the description).
#[derive(Debug, Clone, Default)]
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    /// Splits `text`. A line that begins with a space or tab continues the one before.
    ///
    /// # Errors
    /// A sentence part that says what is wrong, with the line, counted from 1.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, (u32, String)> {
        let text = utf8(text)?;
        let mut headers: Vec<(String, String)> = Vec::new();
        for (number, line) in (1u32..).zip(text.split('\n')) {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                break;
            }
            if line.contains(['\r', '\0']) {
                return Err((number, "a header line has a control character".to_owned()));
            }
            if line.starts_with([' ', '\t']) {
                let Some((_, value)) = headers.last_mut() else {
                    return Err((number, "the first line continues nothing".to_owned()));
                };
                value.push('\n');
                value.push_str(line);
                continue;
            }
            let (name, value) = line
                .split_once(':')
                .filter(|(name, _)| is_name(name))
                .ok_or_else(|| (number, "a line is not of the form `Name: value`".to_owned()))?;
            headers.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
        }
        Ok(Self(headers))
    }

    /// The values of every header of this name, whatever its case.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
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
        let read: Vec<_> = headers.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
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
