//! RECORD: reading a wheel's or an installed one, and writing an installed one.
//!
//! Owns: the rows (binary distribution format, "The .dist-info directory"; recording installed projects, "The RECORD
//! file"). Never: touches a file that a row names.

use std::borrow::Cow;
use std::cmp::Ordering;
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
        for line in lines(text) {
            let Told { path, digest, size } = Told::of(line)?;
            if !seen.insert(path) {
                return None;
            }
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

/// What a row says, where it lies in a text in which nothing is quoted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'t> {
    pub(super) path: &'t str,
    pub(super) digest: Option<StrongDigest>,
    pub(super) size: Option<u64>,
}

impl<'t> Told<'t> {
    /// What has nothing wrong with it.
    fn of(line: &'t str) -> Option<Self> {
        let mut columns = line.split(',');
        let (path, digest, size) = (columns.next()?, columns.next()?, columns.next()?);
        if path.is_empty() || columns.next().is_some() {
            return None;
        }
        Some(Self { path, digest: strict_digest(digest, path).ok()?, size: strict_size(size, path).ok()? })
    }
}

/// The rows of a wheel's RECORD, one after the other, in which nothing is quoted; `None` for a row that has anything wrong
/// with it. Paths may come twice.
pub(super) fn told(text: &[u8]) -> Option<impl Iterator<Item = Option<Told<'_>>>> {
    plain(text).map(|text| lines(text).map(Told::of))
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
        Line { path: self.path.as_str().into(), digest: self.digest, size: self.size }
    }
}

/// A row to be written, whose parts lie elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Line<'l> {
    /// The path as it is written.
    pub(crate) path: Cow<'l, str>,
    /// The digest, if there is one.
    pub(crate) digest: Option<StrongDigest>,
    /// The size in bytes, if it is told.
    pub(crate) size: Option<u64>,
}

impl Line<'_> {
    /// How RECORD has its lines in order. What stands behind two paths that are the same is rare to differ.
    fn order(&self, other: &Line<'_>) -> Ordering {
        let columns = |line: &Line<'_>| {
            let mut text = Vec::with_capacity(ROW);
            line.push_columns(&mut text);
            text
        };
        self.path.cmp(&other.path).then_with(|| columns(self).cmp(&columns(other)))
    }

    /// Writes it behind a text.
    pub(crate) fn push(&self, text: &mut Vec<u8>) {
        push_field(text, &self.path);
        self.push_columns(text);
        text.extend_from_slice(b"\r\n");
    }

    /// What stands behind the path. Nothing of it has to be quoted.
    fn push_columns(&self, text: &mut Vec<u8>) {
        text.push(b',');
        if let Some(digest) = &self.digest {
            push_digest(text, digest);
        }
        text.push(b',');
        if let Some(size) = self.size {
            text.extend_from_slice(size.to_string().as_bytes());
        }
    }
}

/// The text of an installed RECORD, as [`Record::write`] makes it.
fn text_of(mut lines: Vec<Line<'_>>) -> Vec<u8> {
    lines.sort_unstable_by(Line::order);
    let mut text = Vec::with_capacity(lines.iter().map(|line| line.path.len().saturating_add(ROW)).sum());
    lines.iter().for_each(|line| line.push(&mut text));
    text
}

/// `sha256=` and the digest in URL-safe base64 without padding.
pub fn encode(digest: &StrongDigest) -> String {
    let mut text = Vec::with_capacity(ROW);
    push_digest(&mut text, digest);
    String::from_utf8(text).unwrap_or_default()
}

fn push_digest(text: &mut Vec<u8>, digest: &StrongDigest) {
    let bytes: &[u8] = match digest {
        StrongDigest::Sha256(digest) => digest.as_bytes(),
        StrongDigest::Sha384(bytes) => bytes,
        StrongDigest::Sha512(bytes) => bytes,
    };
    text.extend_from_slice(digest.algorithm().as_bytes());
    text.push(b'=');
    // Three bytes are four letters, and the longest digest has 64.
    let mut letters = [0; 88];
    let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut letters).unwrap_or_default();
    text.extend_from_slice(letters.get(..written).unwrap_or_default());
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
mod tests;
