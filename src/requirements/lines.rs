//! From bytes to logical lines: decoding, continuations, comments, variables (pip's documentation,
//! "Requirements File Format"). Pure.

use encoding_rs::{Encoding, WINDOWS_1252, X_USER_DEFINED};

use crate::error::{Code, Place, Problem};

/// A logical line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its first physical line, counted from 1.
    pub(super) number: u32,
    /// Its text without comment, with variables replaced.
    pub(super) text: String,
}

/// Reads bytes as text: a byte order mark decides, else a `coding:` comment, else UTF-8.
///
/// # Errors
/// `requirement-syntax`.
pub(super) fn decode(bytes: &[u8], place: &Place) -> Result<String, Problem> {
    let refuse = |message: &str| {
        Problem::new(Code::RequirementSyntax, message)
            .at(place.clone())
            .expected("UTF-8")
            .help("save the file as UTF-8")
    };
    let marked = MARKS.iter().find_map(|(mark, coding)| Some((bytes.strip_prefix(*mark)?, *coding)));
    let (bytes, coding) = match marked {
        Some(found) => found,
        None => match bytes.split(|byte| *byte == b'\n').take(2).find_map(declared_coding) {
            Some(name) => {
                let coding = Coding::named(&name).ok_or_else(|| {
                    refuse("this file declares an encoding that pipward does not read").found(name)
                })?;
                (bytes, coding)
            }
            None => (bytes, Coding::Utf8),
        },
    };
    let text =
        coding.decode(bytes).ok_or_else(|| refuse("this file is not in an encoding that pipward reads"))?;
    if text.contains('\0') {
        return Err(refuse("this file has a NUL byte"));
    }
    Ok(text)
}

/// Byte order marks. (That of UTF-16 is the beginning of one of UTF-32.)
const MARKS: [(&[u8], Coding); 5] = [
    (b"\xef\xbb\xbf", Coding::Utf8),
    (b"\xff\xfe\0\0", Coding::Utf32 { little: true }),
    (b"\0\0\xfe\xff", Coding::Utf32 { little: false }),
    (b"\xff\xfe", Coding::Utf16 { little: true }),
    (b"\xfe\xff", Coding::Utf16 { little: false }),
];

/// An encoding that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Utf8,
    Ascii,
    Latin1,
    Other(&'static Encoding),
    Utf16 { little: bool },
    Utf32 { little: bool },
}

impl Coding {
    /// By a name of Python's.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "utf-8" | "utf8" | "utf-8-sig" | "u8" => Self::Utf8,
            "ascii" | "us-ascii" | "646" => Self::Ascii,
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "8859" | "l1" => Self::Latin1,
            _ => Self::Other(encoding(name)?),
        })
    }

    fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Self::Ascii => std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii()).map(str::to_owned),
            Self::Latin1 => Some(bytes.iter().map(|byte| char::from(*byte)).collect()),
            Self::Other(encoding) => {
                let text = encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
                // Bytes that are nothing in a code page of Windows are control characters to the WHATWG, and a fault to Python.
                let is_page = encoding.name().starts_with("windows-");
                let is_odd = is_page && text.chars().any(|c| matches!(c, '\u{80}'..='\u{9f}'));
                (!is_odd).then(|| text.into_owned())
            }
            Self::Utf16 { little } => {
                let units: Vec<u16> = bytes
                    .chunks_exact(2)
                    .filter_map(|pair| <[u8; 2]>::try_from(pair).ok())
                    .map(|pair| if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
                    .collect();
                String::from_utf16(&units).ok().filter(|_| bytes.len().is_multiple_of(2))
            }
            Self::Utf32 { little } => {
                let units = bytes.chunks_exact(4).filter_map(|four| <[u8; 4]>::try_from(four).ok());
                let units = units
                    .map(|four| if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) });
                let text: Option<String> = units.map(char::from_u32).collect();
                text.filter(|_| bytes.len().is_multiple_of(4))
            }
        }
    }
}

/// An encoding of the WHATWG's by a name of Python's. Those that shift their meaning as they go (ISO 2022) are not read.
fn encoding(name: &str) -> Option<&'static Encoding> {
    let label = match name {
        "latin-9" | "latin9" | "l9" => "iso-8859-15".to_owned(),
        "cp866" | "866" => "ibm866".to_owned(),
        "cp932" | "932" | "ms932" | "mskanji" | "ms-kanji" | "sjis" | "shift-jis" => "shift_jis".to_owned(),
        "cp936" | "936" | "ms936" => "gbk".to_owned(),
        "cp949" | "949" | "ms949" | "uhc" => "euc-kr".to_owned(),
        "eucjp" | "ujis" | "u-jis" => "euc-jp".to_owned(),
        "euckr" | "korean" => "euc-kr".to_owned(),
        "gb18030-2000" => "gb18030".to_owned(),
        "big5-tw" | "csbig5" | "cp950" | "950" => "big5".to_owned(),
        "mac-roman" | "macroman" => "macintosh".to_owned(),
        _ => match name.strip_prefix("iso8859-").or_else(|| name.strip_prefix("iso-8859-")) {
            Some(part) => format!("iso-8859-{part}"),
            None => match name.strip_prefix("windows-").or_else(|| name.strip_prefix("cp")).unwrap_or(name) {
                page if page.starts_with("125") => format!("windows-{page}"),
                _ => name.to_owned(),
            },
        },
    };
    let found = Encoding::for_label_no_replacement(label.as_bytes())?;
    let is_pythons = found != X_USER_DEFINED && (found != WINDOWS_1252 || label == "windows-1252");
    let is_read = found.is_ascii_compatible() && is_pythons;
    is_read.then_some(found)
}

/// PEP 263: `coding: x` or `coding=x` in a line that begins with `#`.
fn declared_coding(line: &[u8]) -> Option<String> {
    let line = String::from_utf8_lossy(line);
    let comment = line.strip_prefix('#')?;
    let mut rest = comment;
    while let Some((_, after)) = rest.split_once("coding") {
        rest = after;
        let Some(name) = after.strip_prefix([':', '=']) else { continue };
        let name = name.trim_start();
        let end = name
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
            .unwrap_or(name.len());
        if let Some(name) = name.get(..end).filter(|name| !name.is_empty()) {
            return Some(name.to_ascii_lowercase().replace('_', "-"));
        }
    }
    None
}

/// Cuts a text into logical lines that say something, at most `limit` of them. Variables are as written.
pub(super) fn logical(text: &str, limit: usize) -> Vec<Line> {
    joined(text)
        .filter_map(|(number, text)| {
            let text = without_comment(&text).trim();
            (!text.is_empty()).then(|| Line { number, text: text.to_owned() })
        })
        .take(limit)
        .collect()
}

/// Where pip, that is Python's `str.splitlines`, ends a line. Were they told apart otherwise, what a
/// review sees as one line could be two.
fn physical(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| {
        matches!(
            c,
            '\n' | '\r'
                | '\u{b}'
                | '\u{c}'
                | '\u{1c}'
                | '\u{1d}'
                | '\u{1e}'
                | '\u{85}'
                | '\u{2028}'
                | '\u{2029}'
        )
    };
    let mut rest = Some(text).filter(|text| !text.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let Some((at, end)) = text.char_indices().find(|(_, c)| ends(*c)) else {
            rest = None;
            return Some(text);
        };
        let (line, after) = text.split_at_checked(at)?;
        let after = match after.strip_prefix("\r\n") {
            Some(after) => after,
            None => after.get(end.len_utf8()..)?,
        };
        rest = Some(after).filter(|text| !text.is_empty());
        Some(line)
    })
}

/// A backslash at the very end continues a line; a comment line ends what it continues.
fn joined(text: &str) -> impl Iterator<Item = (u32, String)> {
    let mut lines = physical(text).enumerate();
    std::iter::from_fn(move || next_joined(&mut lines))
}

fn next_joined<'t>(lines: &mut impl Iterator<Item = (usize, &'t str)>) -> Option<(u32, String)> {
    let mut open: Option<(u32, String)> = None;
    for (at, line) in lines {
        let number = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
        let is_comment = line.trim_start().starts_with('#');
        if line.ends_with('\\') && !is_comment {
            open.get_or_insert((number, String::new())).1.push_str(line.trim_matches('\\'));
            continue;
        }
        // A comment counts as one only at the start or after white space.
        let line = if is_comment { format!(" {line}") } else { line.to_owned() };
        return Some(match open {
            Some((first, begun)) => (first, begun + &line),
            None => (number, line),
        });
    }
    open
}

/// A comment begins with `#` at the start or after white space.
fn without_comment(line: &str) -> &str {
    let mut before = None;
    for (at, c) in line.char_indices() {
        if c == '#' && before.is_none_or(char::is_whitespace) {
            return line.get(..at).unwrap_or(line);
        }
        before = Some(c);
    }
    line
}

/// Replaces `${NAME}`; a variable that is not set or empty is left as written. `None` where the line
/// would become longer than `cap` bytes.
pub(super) fn expand(line: &str, variable: &dyn Fn(&str) -> Option<String>, cap: usize) -> Option<String> {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let named = after.split_once('}').filter(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        });
        let value = named.and_then(|(name, tail)| Some((variable(name).filter(|v| !v.is_empty())?, tail)));
        match value {
            Some((value, tail)) => {
                out.push_str(&value);
                rest = tail;
            }
            None => {
                out.push_str("${");
                rest = after;
            }
        }
        if out.len() > cap {
            return None;
        }
    }
    out.push_str(rest);
    (out.len() <= cap).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(u32, &str)]) {
        let set = |name: &str| (name == "A_1").then(|| "value".to_owned());
        let found = logical(text, 10);
        let found: Vec<(u32, String)> =
            found.iter().map(|line| (line.number, expand(&line.text, &set, 1000).unwrap())).collect();
        let expected: Vec<(u32, String)> =
            expected.iter().map(|(n, text)| (*n, (*text).to_owned())).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn continuations_have_the_number_of_their_first_line() {
        check("a \\\n  --hash=x \\\n  --hash=y\nb", &[(1, "a   --hash=x   --hash=y"), (4, "b")]);
        check("a \\", &[(1, "a")]);
        check("a \\ \nb", &[(1, "a \\"), (2, "b")]);
        check("a \\\n# comment\nb", &[(1, "a"), (3, "b")]);
        check("a \\\n\\\nb", &[(1, "a b")]);
        check("# c \\\nb", &[(2, "b")]);
    }

    #[test]
    fn comments_need_white_space() {
        check("a@http://x/#egg=a # b", &[(1, "a@http://x/#egg=a")]);
        check("#a\n  # b\n\na#b\t#c", &[(4, "a#b")]);
    }

    #[test]
    fn every_line_end_of_pip_counts() {
        check(
            "a\r\nb\rc\u{2028}d\u{85}e\u{c}f",
            &[(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "e"), (6, "f")],
        );
    }

    #[test]
    fn only_set_variables_of_the_right_form_are_replaced() {
        check("x/${A_1}/${a}/${UNSET}/$A_1/${A_1", &[(1, "x/value/${a}/${UNSET}/$A_1/${A_1")]);
    }

    #[test]
    fn lines_and_variables_are_capped() {
        assert_eq!(logical("a\nb\nc", 2).len(), 2);
        let long = |_: &str| Some("x".repeat(100));
        assert_eq!(expand("${A}${A}", &long, 200).map(|text| text.len()), Some(200));
        assert_eq!(expand("${A}${A}${A}", &long, 200), None);
    }

    #[test]
    fn encodings() {
        let place = Place::file("r.txt");
        let check = |bytes: &[u8]| decode(bytes, &place).map_err(|problem| problem.code());
        assert_eq!(check(b"\xef\xbb\xbfa"), Ok("a".to_owned()));
        assert_eq!(check(b"\xff\xfea\0"), Ok("a".to_owned()));
        assert_eq!(check(b"\xfe\xff\0a"), Ok("a".to_owned()));
        assert_eq!(check(b"# -*- coding: UTF-8 -*-\na"), Ok("# -*- coding: UTF-8 -*-\na".to_owned()));
        assert_eq!(check(b"\xff\xfe\0\0a\0\0\0"), Ok("a".to_owned()));
        assert_eq!(check(b"# coding: latin-1\n\xe9"), Ok("# coding: latin-1\n\u{e9}".to_owned()));
        assert_eq!(check(b"# coding: cp1252\n\x80\xe9"), Ok("# coding: cp1252\n\u{20ac}\u{e9}".to_owned()));
        assert_eq!(check(b"# coding=iso8859_15\n\xa4"), Ok("# coding=iso8859_15\n\u{20ac}".to_owned()));
        assert!(check(b"# coding: cp1252\n\x81").is_err());
        let coded = |name: &str, bytes: &[u8]| {
            let text = check(&[format!("# coding: {name}\n").as_bytes(), bytes].concat()).ok()?;
            text.split_once('\n').map(|(_, rest)| rest.to_owned())
        };
        assert_eq!(coded("koi8-r", b"\xd4"), Some("\u{442}".to_owned()));
        assert_eq!(coded("cp1251", b"\xf2"), Some("\u{442}".to_owned()));
        assert_eq!(coded("iso8859_2", b"\xb1"), Some("\u{105}".to_owned()));
        assert_eq!(coded("shift_jis", b"\x83\x5c a"), Some("\u{30bd} a".to_owned()));
        assert_eq!(coded("euc_jp", b"\xa5\xbd"), Some("\u{30bd}".to_owned()));
        assert_eq!(coded("gbk", b"\xc4\xe3"), Some("\u{4f60}".to_owned()));
        assert_eq!(coded("shift_jis", b"\x83"), None);
        // The WHATWG's names that are no names of Python's for the same.
        for name in ["l1", "x-user-defined", "utf-16le", "utf-7", "nonsense"] {
            assert_eq!(coded(name, b"\xe9").is_some(), name == "l1", "{name}");
        }
        for bad in [&b"\xff\xfea"[..], b"a\xe9", b"a\0b", b"# coding: iso-2022-jp\na", b"\xff\xfe\0\0a\0\0"] {
            assert_eq!(check(bad), Err(Code::RequirementSyntax), "{bad:?}");
        }
    }
}
