//! Who may sign: the file that ssh-keygen calls `allowed_signers` (ssh-keygen(1), "ALLOWED SIGNERS").
//!
//! Pure. Never: takes a line that it understands in part.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ssh_key::PublicKey;

use super::{Check, NAMESPACE};
use crate::error::{Code, Place, Problem, Problems};

/// The lines of a file of allowed signers.
#[derive(Debug, Clone, Default)]
pub struct Signers {
    lines: Vec<Signer>,
}

#[derive(Debug, Clone)]
struct Signer {
    principals: String,
    namespaces: Option<String>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
    key: PublicKey,
    line: u32,
}

impl Signers {
    /// Reads a file of allowed signers. Times without a `Z` are in `zone`.
    ///
    /// # Errors
    /// `config-invalid` for each line that cannot be used; so is one of a certificate authority, since certificates are
    /// not followed.
    pub fn parse(text: &str, file: &Path, zone: &TimeZone) -> Result<Self, Problems> {
        let (mut lines, mut faults) = (Vec::new(), Vec::new());
        for (number, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            match line(text, number, zone) {
                Ok(signer) => lines.push(signer),
                Err(why) => faults.push(
                    Problem::new(Code::ConfigInvalid, format!("this line of the allowed signers cannot be used: {why}"))
                        .at(Place::line(file, number))
                        .expected("PRINCIPALS [namespaces=\"…\"] [valid-after=\"…\"] [valid-before=\"…\"] ssh-ed25519 KEY"),
                ),
            }
        }
        Problems::unless_empty(Self { lines }, faults)
    }

    /// As whom a key may sign.
    ///
    /// # Errors
    /// Why its lines do not count; nothing where it is on none.
    pub(super) fn allow(&self, key: &PublicKey, check: &Check<'_>) -> Result<String, Vec<String>> {
        let mut why = Vec::new();
        for signer in self.lines.iter().filter(|signer| signer.key.key_data() == key.key_data()) {
            match signer.refusal(check) {
                None => return Ok(signer.principals.clone()),
                Some(reason) => why.push(format!("line {}: {reason}", signer.line)),
            }
        }
        Err(why)
    }
}

impl Signer {
    fn refusal(&self, check: &Check<'_>) -> Option<String> {
        let now = check.now.timestamp();
        if let Some(wanted) = check.principal
            && !among(&self.principals, wanted)
        {
            return Some(format!("the key is that of {}, not of {wanted}", self.principals));
        }
        if self.namespaces.as_ref().is_some_and(|namespaces| !among(namespaces, NAMESPACE)) {
            return Some(format!("the key is not for the namespace {NAMESPACE}"));
        }
        if let Some(after) = self.after.filter(|after| now < *after) {
            return Some(format!("the key is not valid before {after}"));
        }
        self.before.filter(|before| now > *before).map(|before| format!("the key was valid until {before}"))
    }
}

fn line(text: &str, number: u32, zone: &TimeZone) -> Result<Signer, String> {
    let (principals, mut rest) = word(text)?;
    let mut signer = Signer {
        principals,
        namespaces: None,
        after: None,
        before: None,
        key: PublicKey::from(ssh_key::public::KeyData::Ed25519(ssh_key::public::Ed25519PublicKey([0; 32]))),
        line: number,
    };
    loop {
        if let Ok(key) = PublicKey::from_openssh(rest) {
            if key.algorithm() != ssh_key::Algorithm::Ed25519 {
                return Err(format!("{} keys are not known here; Ed25519 is", key.algorithm()));
            }
            signer.key = key;
            return Ok(signer);
        }
        let (option, after) = word(rest)?;
        if after.is_empty() {
            return Err("it has no key".to_owned());
        }
        rest = after;
        for option in options(&option) {
            signer.take(&option, zone)?;
        }
    }
}

impl Signer {
    fn take(&mut self, option: &str, zone: &TimeZone) -> Result<(), String> {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let name = name.to_ascii_lowercase();
        // As ssh-keygen has it: in quotes, and once.
        let quoted = || {
            let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            inner.ok_or_else(|| format!("the value of {name} stands in no quotes"))
        };
        let again = |is_there: bool| match is_there {
            true => Err(format!("{name} is there twice")),
            false => Ok(()),
        };
        match name.as_str() {
            "namespaces" => {
                again(self.namespaces.is_some())?;
                self.namespaces = Some(quoted()?.to_owned());
            }
            "valid-after" => {
                again(self.after.is_some())?;
                self.after = Some(time(quoted()?, zone)?);
            }
            "valid-before" => {
                again(self.before.is_some())?;
                self.before = Some(time(quoted()?, zone)?);
            }
            "cert-authority" => {
                return Err(
                    "it is that of a certificate authority, and certificates are not followed".to_owned()
                );
            }
            _ => {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                return Err(format!("neither an option nor an Ed25519 key begins with `{shown}`"));
            }
        }
        Ok(())
    }
}

/// The first word, in which quotes keep blanks together, and the rest.
fn word(text: &str) -> Result<(String, &str), String> {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => {
                let (word, rest) = text.split_at(at);
                let whole = word.strip_prefix('"').and_then(|word| word.strip_suffix('"'));
                return Ok((whole.unwrap_or(word).to_owned(), rest.trim_start()));
            }
            _ => {}
        }
    }
    if quoted { Err("a quote is not closed".to_owned()) } else { Ok((text.to_owned(), "")) }
}

/// Options stand one after the other with commas between them; those in quotes are part of a value.
fn options(text: &str) -> Vec<String> {
    let (mut all, mut quoted) = (vec![String::new()], false);
    for c in text.chars() {
        quoted ^= c == '"';
        match all.last_mut() {
            Some(last) if c != ',' || quoted => last.push(c),
            _ => all.push(String::new()),
        }
    }
    all
}

/// `YYYYMMDD[HHMM[SS]][Z]`.
fn time(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let (digits, zone) = match text.strip_suffix(['Z', 'z']) {
        Some(digits) => (digits, &TimeZone::UTC),
        None => (text, zone),
    };
    let fault = || format!("{text:?} is not a time such as 20270630 or 20270630120000Z");
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(fault());
    }
    let part = |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse::<i16>().ok());
    let small = |at: usize| part(at..at + 2).and_then(|value| i8::try_from(value).ok());
    let (hour, minute, second) = match digits.len() {
        8 => (Some(0), Some(0), Some(0)),
        12 => (small(8), small(10), Some(0)),
        14 => (small(8), small(10), small(12)),
        _ => return Err(fault()),
    };
    let read = || {
        let time = DateTime::new(part(0..4)?, small(4)?, small(6)?, hour?, minute?, second?, 0).ok()?;
        time.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
    };
    read().ok_or_else(fault)
}

/// Whether a comma-separated list of patterns takes a name; one with `!` takes it out.
fn among(list: &str, name: &str) -> bool {
    let (mut is_among, name) = (false, name.as_bytes());
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern.as_bytes(), name) => return false,
            Some(_) => {}
            None => is_among |= matches(pattern.as_bytes(), name),
        }
    }
    is_among
}

/// `*` stands for any characters, `?` for one. Goes back to the last star alone, so that no pattern takes long.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(b'?') => (p, n) = (p + 1, n + 1),
            Some(byte) if name.get(n) == Some(byte) => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_patterns() {
        for (list, name, expected) in [
            ("a@x", "a@x", true),
            ("*@x", "a@x", true),
            ("*@x,!b@x", "b@x", false),
            ("?@x", "ab@x", false),
            ("*a*b*", "xaxbx", true),
            ("*a*b", "xaxbx", false),
            ("", "a", false),
        ] {
            assert_eq!(among(list, name), expected, "{list} {name}");
        }
    }

    #[test]
    fn times_are_read_in_the_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let check = |text: &str| time(text, &zone).map(|time| time.to_string()).ok();
        assert_eq!(check("20270630").as_deref(), Some("2027-06-29T22:00:00Z"));
        assert_eq!(check("20270630Z").as_deref(), Some("2027-06-30T00:00:00Z"));
        assert_eq!(check("202706301205").as_deref(), Some("2027-06-30T10:05:00Z"));
        assert_eq!(check("20270630120501Z").as_deref(), Some("2027-06-30T12:05:01Z"));
        for bad in ["2027", "20271330", "2027063012", "2027-06-30", "+2270630"] {
            assert_eq!(check(bad), None, "{bad}");
        }
    }
}
