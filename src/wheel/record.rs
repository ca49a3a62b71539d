//! RECORD: reading a wheel's or an installed one, and writing an installed one.
//!
//! Owns: the rows (binary distribution format, "The .dist-info directory"; recording installed projects, "The RECORD
//! file"). Never: touches a file that a row names.

use std::borrow::Cow;
use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::digest::{Sha256, StrongDigest};
use crate::error::{Code, Problem};

/// No RECORD is larger, in bytes.
pub const MAX_RECORD: u64 = super::archive::WHOLE_ENTRY;

/// How long a row is besides its path, in bytes: a SHA-256, the size, and what stands between.
const ROW: usize = 64;

/// A RECORD.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Its rows in order.
    pub rows: Vec<Row>,
}

/// A row of a RECORD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The path as written (an installed one may have `..`).
    pub path: String,
    /// The digest; `None` for RECORD itself, its signatures and byte-code.
    pub digest: Option<StrongDigest>,
    /// The size in bytes.
    pub size: Option<u64>,
}

impl Record {
    /// Reads the RECORD of a wheel, strictly: three fields a row, no path twice, strong digests, sizes in decimal.
    /// The problem has no package or place: the caller adds them.
    ///
    /// # Errors
    /// `record-invalid`, and `record-hash` for a weak digest.
    pub fn parse(text: &[u8]) -> Result<Self, Problem> {
        Self::parse_passing(text, &[])
    }

    /// As [`Self::parse`]; a weak digest counts as absent where `passed` has `record-hash`.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub(super) fn parse_passing(text: &[u8], passed: &[Code]) -> Result<Self, Problem> {
        match plain(text).and_then(Self::parse_plain) {
            Some(record) => Ok(record),
            None => Self::parse_whole(text, passed),
        }
    }

    /// What has nothing wrong with it, from rows in which nothing is quoted. `None` for anything else.
    fn parse_plain(text: &str) -> Option<Self> {
        let mut seen = HashSet::new();
        let mut rows = Vec::new();
        for mut columns in lines(text).map(|line| line.split(',')) {
            let (path, digest, size) = (columns.next()?, columns.next()?, columns.next()?);
            if path.is_empty() || columns.next().is_some() || !seen.insert(path) {
                return None;
            }
            let (digest, size) = (strict_digest(digest, path).ok()?, strict_size(size, path).ok()?);
            rows.push(Row { path: path.to_owned(), digest, size });
        }
        Some(Self { rows })
    }

    fn parse_whole(text: &[u8], passed: &[Code]) -> Result<Self, Problem> {
        let mut seen = HashSet::new();
        let mut rows = Vec::new();
        for fields in reader(text)?.into_records() {
            let fields = fields.map_err(|error| invalid("is not well-formed").found(describe(&error)))?;
            let line = fields.position().map_or(0, csv::Position::line);
            let mut columns = fields.iter();
            let (Some(path), Some(digest), Some(size), None) =
                (columns.next(), columns.next(), columns.next(), columns.next())
            else {
                return Err(invalid("has a row that is not of three fields").found(format!("line {line}")));
            };
            if path.is_empty() {
                return Err(invalid("has a row without a path").found(format!("line {line}")));
            }
            if !seen.insert(path.to_owned()) {
                return Err(invalid("lists a path twice").found(path));
            }
            let digest = match strict_digest(digest, path) {
                Err(problem) if problem.code() == Code::RecordHash && passed.contains(&problem.code()) => {
                    None
                }
                digest => digest?,
            };
            let row = Row { path: path.to_owned(), digest, size: strict_size(size, path)? };
            rows.push(row);
        }
        Ok(Self { rows })
    }

    /// Reads an installed RECORD, which another installer may have written: missing fields and digests that cannot be
    /// relied on count as absent, and paths are taken as they stand (with `..`, or absolute). Whoever acts on a row
    /// checks where its path leads.
    ///
    /// # Errors
    /// `record-invalid` for text that is not UTF-8 or not CSV.
    pub fn parse_installed(text: &[u8]) -> Result<Self, Problem> {
        let Some(text) = plain(text) else { return Self::parse_installed_whole(text) };
        let rows = lines(text).filter_map(|line| {
            let mut columns = line.split(',');
            let path = columns.next().filter(|path| !path.is_empty())?;
            Some(Row {
                path: path.to_owned(),
                digest: columns.next().and_then(|digest| strict_digest(digest, path).ok().flatten()),
                size: columns.next().and_then(|size| strict_size(size, path).ok().flatten()),
            })
        });
        Ok(Self { rows: rows.collect() })
    }

    fn parse_installed_whole(text: &[u8]) -> Result<Self, Problem> {
        let mut rows = Vec::new();
        for fields in reader(text)?.into_records() {
            let fields = fields.map_err(|error| invalid("is not well-formed").found(describe(&error)))?;
            let Some(path) = fields.get(0).filter(|path| !path.is_empty()) else { continue };
            rows.push(Row {
                path: path.to_owned(),
                digest: fields.get(1).and_then(|digest| strict_digest(digest, path).ok().flatten()),
                size: fields.get(2).and_then(|size| strict_size(size, path).ok().flatten()),
            });
        }
        Ok(Self { rows })
    }

    /// The text of an installed RECORD: rows sorted by path, digest and size, lines ended as pip's writer ends them.
    pub fn write(&self) -> Vec<u8> {
        text_of(self.rows.iter().map(Row::line).collect())
    }
}

impl Row {
    /// A row with the SHA-256 and size of a file.
    pub fn of(path: impl Into<String>, sha256: Sha256, size: u64) -> Self {
        Self { path: path.into(), digest: Some(StrongDigest::Sha256(sha256)), size: Some(size) }
    }

    /// A row of a path alone: RECORD itself, byte-code.
    pub fn bare(path: impl Into<String>) -> Self {
        Self { path: path.into(), digest: None, size: None }
    }

    fn line(&self) -> Line<'_> {
        Line { path: self.path.as_str().into(), digest: self.digest.as_ref(), size: self.size }
    }
}

/// A row to be written, whose parts lie elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Line<'l> {
    /// The path as it is written.
    pub(crate) path: Cow<'l, str>,
    /// The digest, if there is one.
    pub(crate) digest: Option<&'l StrongDigest>,
    /// The size in bytes, if it is told.
    pub(crate) size: Option<u64>,
}

impl Line<'_> {
    /// What stands behind the path. Nothing of it has to be quoted.
    fn columns(&self) -> [String; 2] {
        let digest = self.digest.map(encode).unwrap_or_default();
        let size = self.size.map(|size| size.to_string()).unwrap_or_default();
        [digest, size]
    }
}

/// The text of an installed RECORD, as [`Record::write`] makes it.
pub(crate) fn text_of(mut lines: Vec<Line<'_>>) -> Vec<u8> {
    // Two of one path are rare: only theirs are written to be compared.
    lines.sort_unstable_by(|one, other| {
        one.path.cmp(&other.path).then_with(|| one.columns().cmp(&other.columns()))
    });
    let mut text = Vec::with_capacity(lines.iter().map(|line| line.path.len().saturating_add(ROW)).sum());
    for line in lines {
        push_field(&mut text, &line.path);
        for column in line.columns() {
            text.push(b',');
            text.extend_from_slice(column.as_bytes());
        }
        text.extend_from_slice(b"\r\n");
    }
    text
}

/// `sha256=` and the digest in URL-safe base64 without padding.
pub fn encode(digest: &StrongDigest) -> String {
    let bytes: &[u8] = match digest {
        StrongDigest::Sha256(digest) => digest.as_bytes(),
        StrongDigest::Sha384(bytes) => bytes,
        StrongDigest::Sha512(bytes) => bytes,
    };
    format!("{}={}", digest.algorithm(), URL_SAFE_NO_PAD.encode(bytes))
}

fn push_field(text: &mut Vec<u8>, field: &str) {
    if !field.contains(['"', ',', '\r', '\n']) {
        text.extend_from_slice(field.as_bytes());
        return;
    }
    text.push(b'"');
    text.extend_from_slice(field.replace('"', "\"\"").as_bytes());
    text.push(b'"');
}

fn reader(text: &[u8]) -> Result<csv::Reader<&[u8]>, Problem> {
    if u64::try_from(text.len()).map_or(true, |size| size > MAX_RECORD) {
        return Err(invalid("is too large").expected(format!("at most {MAX_RECORD} bytes")));
    }
    Ok(csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text))
}

/// The text, where it is CSV by its lines and commas alone: UTF-8 without a mark at its start, and nothing quoted. To make a
/// reader of CSV costs more than to read most RECORDs.
fn plain(text: &[u8]) -> Option<&str> {
    let is_small = u64::try_from(text.len()).is_ok_and(|size| size <= MAX_RECORD);
    let text = std::str::from_utf8(text).ok().filter(|_| is_small)?;
    (!text.starts_with('\u{feff}') && !text.contains('"')).then_some(text)
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\r', '\n']).filter(|line| !line.is_empty())
}

fn describe(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { pos: Some(position), .. } => {
            format!("text that is not UTF-8 on line {}", position.line())
        }
        _ => error.to_string(),
    }
}

/// "The hash algorithm must be sha256 or better; specifically, md5, sha1 and sha224 are not permitted" (binary
/// distribution format).
fn strict_digest(text: &str, path: &str) -> Result<Option<StrongDigest>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let Some((algorithm, encoded)) = text.split_once('=') else {
        return Err(invalid("has something other than a hash").found(format!("{text} for {path}")));
    };
    if !matches!(algorithm, "sha256" | "sha384" | "sha512") {
        return Err(Problem::new(Code::RecordHash, "RECORD has a hash that proves nothing")
            .expected("sha256, sha384 or sha512")
            .found(format!("{algorithm} for {path}")));
    }
    let bytes = URL_SAFE_NO_PAD.decode(encoded).ok();
    let bytes = bytes.as_deref();
    let digest = match algorithm {
        "sha256" => bytes
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .map(|bytes| StrongDigest::Sha256(Sha256::from_bytes(bytes))),
        "sha384" => bytes.and_then(|bytes| bytes.try_into().ok()).map(StrongDigest::Sha384),
        _ => bytes.and_then(|bytes| bytes.try_into().ok()).map(StrongDigest::Sha512),
    };
    digest.map(Some).ok_or_else(|| {
        invalid("has a hash that is not one")
            .expected(format!("{algorithm}= and URL-safe base64 without padding"))
            .found(format!("{text} for {path}"))
    })
}

fn strict_size(text: &str, path: &str) -> Result<Option<u64>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(size) if digits => Ok(Some(size)),
        _ => Err(invalid("has a size that is not one").found(format!("{text} for {path}"))),
    }
}

fn invalid(what: &str) -> Problem {
    Problem::new(Code::RecordInvalid, format!("RECORD {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SHA-256 of nothing.
    const EMPTY: &str = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    #[track_caller]
    fn check_refused(text: &str, code: Code) {
        assert_eq!(Record::parse(text.as_bytes()).map_err(|problem| problem.code()), Err(code), "{text}");
    }

    #[test]
    fn rows_are_read() {
        let record =
            Record::parse(format!("a.py,{EMPTY},0\r\n\"b,\"\"c.py\",{EMPTY},\nx/RECORD,,\n\n").as_bytes())
                .unwrap();
        assert_eq!(record.rows[0], Row::of("a.py", Sha256::of(b""), 0));
        assert_eq!(record.rows[1].path, "b,\"c.py");
        assert_eq!(record.rows[1].size, None);
        assert_eq!(record.rows[2], Row::bare("x/RECORD"));
        assert_eq!(record.rows.len(), 3);
    }

    #[test]
    fn the_largest_record_is_read_and_no_larger_one() {
        let largest = usize::try_from(MAX_RECORD).unwrap();
        for (size, is_read) in [(largest, true), (largest + 1, false), (largest + 2, false)] {
            assert_eq!(Record::parse(&vec![b'\n'; size]).is_ok(), is_read, "{size}");
        }
    }

    #[test]
    fn what_is_no_table_is_told_by_its_line() {
        let problem = Record::parse(b"a,,\n\xff,,\n").unwrap_err();
        let told = format!("{problem} {:?} {:?}", problem.found_text(), problem.cause_text());
        assert!(told.contains("text that is not UTF-8 on line 2"), "{told}");
    }

    #[test]
    fn stronger_digests_are_read() {
        let sha384 = format!("a,sha384={},", "A".repeat(64));
        let sha512 = format!("a,sha512={}A,", "A".repeat(85));
        assert_eq!(
            Record::parse(sha384.as_bytes()).unwrap().rows[0].digest,
            Some(StrongDigest::Sha384([0; 48]))
        );
        assert_eq!(
            Record::parse(sha512.as_bytes()).unwrap().rows[0].digest,
            Some(StrongDigest::Sha512([0; 64]))
        );
    }

    #[test]
    fn malformed_rows_are_refused() {
        for text in [
            "a.py\n",
            "a.py,\n",
            "a.py,,,\n",
            ",,\n",
            "a,,\na,,\n",
            "a,xyz,\n",
            "a,,x\n",
            "a,,-1\n",
            "a,,+1\n",
            "a,,1.5\n",
            "a,,99999999999999999999\n",
            &format!("a,{EMPTY}=,\n"),
            &format!("a,{},\n", EMPTY.get(..40).unwrap()),
            &format!("a,{},\n", EMPTY.replace('-', "+")),
            "a,sha256=,\n",
            &format!("a,{}V,\n", EMPTY.get(..49).unwrap()),
        ] {
            check_refused(text, Code::RecordInvalid);
        }
        assert_eq!(Record::parse(b"a\xff,,\n").map_err(|problem| problem.code()), Err(Code::RecordInvalid));
    }

    #[test]
    fn weak_digests_are_refused() {
        for text in
            ["a,md5=1B2M2Y8AsgTpgAmY7PhCfg,0\n", "a,sha1=2jmj7l5rSw0yVb_vlWAYkK_YBwk,0\n", "a,SHA256=x,0\n"]
        {
            check_refused(text, Code::RecordHash);
        }
    }

    #[test]
    fn an_installed_record_is_read_leniently() {
        let record = Record::parse_installed(b"../../bin/x,md5=zzz,x\n/abs\n\na,,5,more\n").unwrap();
        let expected = [
            Row::bare("../../bin/x"),
            Row::bare("/abs"),
            Row { path: "a".to_owned(), digest: None, size: Some(5) },
        ];
        assert_eq!(record.rows, expected);
    }

    #[test]
    fn writing_sorts_and_quotes() {
        let record = Record {
            rows: vec![Row::bare("x/RECORD"), Row::bare("a\"b,c"), Row::of("a.py", Sha256::of(b""), 0)],
        };
        let text = format!("\"a\"\"b,c\",,\r\na.py,{EMPTY},0\r\nx/RECORD,,\r\n");
        assert_eq!(String::from_utf8(record.write()).unwrap(), text);
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read(paths in proptest::collection::btree_set("[a-z,\"\r\n é/]{1,8}", 0..6)) {
            let rows: Vec<_> = paths.iter().map(|path| Row::of(path.as_str(), Sha256::of(path.as_bytes()), 7)).collect();
            let record = Record { rows };
            proptest::prop_assert_eq!(Record::parse(&record.write()).unwrap(), record);
        }

        #[test]
        fn no_bytes_make_it_panic(text: Vec<u8>) {
            let _ = Record::parse(&text);
            let _ = Record::parse_installed(&text);
        }
    }

    proptest::proptest! {
        #[test]
        fn both_ways_read_the_same(parts in proptest::collection::vec(0usize..16, 0..24)) {
            const PARTS: [&str; 16] = [
                "a", "b/c", ",", ",", ",,", "\n", "\r\n", "\r", "\"", "\u{feff}", "7", " ", "md5=x", EMPTY, "\u{e9}", "x",
            ];
            let text: String = parts.into_iter().map(|at| PARTS[at]).collect();
            let both = |one: Result<Record, Problem>, other: Result<Record, Problem>| {
                let told = |result: Result<Record, Problem>| result.map_err(|problem| problem.to_string());
                (told(one), told(other))
            };
            for passed in [&[][..], &[Code::RecordHash]] {
                let (one, other) =
                    both(Record::parse_passing(text.as_bytes(), passed), Record::parse_whole(text.as_bytes(), passed));
                proptest::prop_assert_eq!(one, other);
            }
            let (one, other) =
                both(Record::parse_installed(text.as_bytes()), Record::parse_installed_whole(text.as_bytes()));
            proptest::prop_assert_eq!(one, other);
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(
            if std::env::var_os("PIPWARD_TEST_LONG").is_some() { 300_000 } else { 500 }
        ))]
        #[test]
        fn both_ways_read_the_same_whatever_is_changed(
            rows in proptest::collection::vec((0usize..4, 0usize..6, proptest::option::of(0u64..12)), 0..5),
            end in proptest::sample::select(vec!["\n", "\r\n", "\r", "\n\r"]),
            changes in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 0usize..3, 0usize..14), 0..5),
        ) {
            const PATHS: [&str; 4] = ["a.py", "b/c.py", "\u{e9}\u{1f40d}", "x-1.dist-info/RECORD"];
            const BYTES: [u8; 14] =
                [0, b'"', b',', b'\r', b'\n', b' ', b'=', b'0', b'+', 0x80, 0xc3, 0xff, 0xef, b'\\'];
            let digests = [EMPTY, "", "md5=x", "sha256=", "SHA256=x", "sha512=AA"];
            let row = |(path, digest, size): (usize, usize, Option<u64>)| {
                let size = size.map(|size| size.to_string()).unwrap_or_default();
                format!("{},{},{size}{end}", PATHS[path], digests[digest])
            };
            let mut text = rows.into_iter().map(row).collect::<String>().into_bytes();
            for (at, how, byte) in changes {
                let (at, byte) = (at.index(text.len() + 1), BYTES[byte]);
                match how {
                    0 => text.insert(at, byte),
                    1 if at < text.len() => text[at] = byte,
                    _ => drop(text.drain(at..(at + 1).min(text.len()))),
                }
            }
            let told = |result: Result<Record, Problem>| result.map_err(|problem| format!("{problem:?}"));
            for passed in [&[][..], &[Code::RecordHash]] {
                proptest::prop_assert_eq!(
                    told(Record::parse_passing(&text, passed)), told(Record::parse_whole(&text, passed))
                );
            }
            proptest::prop_assert_eq!(
                told(Record::parse_installed(&text)), told(Record::parse_installed_whole(&text))
            );
        }
    }

    #[test]
    fn a_row_that_is_read_by_its_commas_is_the_row_that_is_read_as_a_table() {
        for text in [
            format!("a,{EMPTY},0\r\nb,,\n\n\rc/d,{EMPTY},"),
            format!("a,{EMPTY},0\na,{EMPTY},0\n"),
            "\u{feff}a,,\n".to_owned(),
            "a,sha256=x,\n".to_owned(),
            "a,,,\n".to_owned(),
            "a,,01\n".to_owned(),
        ] {
            let told = |record: Result<Record, Problem>| record.map_err(|problem| problem.to_string());
            let whole = told(Record::parse_whole(text.as_bytes(), &[]));
            assert_eq!(told(Record::parse(text.as_bytes())), whole, "{text:?}");
            let whole = told(Record::parse_installed_whole(text.as_bytes()));
            assert_eq!(told(Record::parse_installed(text.as_bytes())), whole, "{text:?}");
        }
    }
}
