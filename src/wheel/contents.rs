//! The files of .dist-info, and content against RECORD.
//!
//! Owns: reading METADATA, WHEEL, RECORD and entry_points.txt within caps; that the set of RECORD is the set of the
//! archive; that content has the digest RECORD gives. Never: takes a digest on trust.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use pipward_resolver::WheelName;

use super::ExtractError;
use super::archive::{self, Archive, Entry};
use super::entry_points::MAX_ENTRY_POINTS;
use super::headers::Headers;
use super::metadata::MAX_METADATA;
use super::path::ArchivePath;
use super::record::{self, MAX_RECORD, Record};
use crate::digest::{Hasher, Kept, LockedHashes, Match, Sha256, StrongDigest};
use crate::error::{Code, Problem};

/// No WHEEL file is larger, in bytes.
const MAX_WHEEL: u64 = 1 << 20;
/// No more tags than this are compared; no wheel has a hundred.
const MOST_TAGS: usize = 5_000;
/// No part of a tag is longer: it stands in a file name.
const MAX_PART: usize = 255;
/// Content is checked in steps of this many bytes, which stay in the processor's cache.
const STEP: usize = 64 << 10;
/// The files that RECORD need not list.
const UNLISTED: [&str; 3] = ["RECORD", "RECORD.jws", "RECORD.p7s"];

/// The .dist-info directory of an archive.
pub(super) struct DistInfo<'b, 'a> {
    pub(super) archive: &'a Archive,
    pub(super) bytes: &'b [u8],
    pub(super) name: &'a str,
    /// The cap of METADATA and of RECORD, in bytes.
    pub(super) cap: u64,
}

/// What WHEEL says.
pub(super) struct About {
    pub(super) root_is_purelib: bool,
}

impl<'b> DistInfo<'b, '_> {
    fn file(&self, name: &str, cap: u64) -> Result<Option<Cow<'b, [u8]>>, Problem> {
        let path = format!("{}/{name}", self.name);
        let Some(entry) = self.archive.entries().iter().find(|entry| entry.path().as_str() == path) else {
            return Ok(None);
        };
        if entry.size() > cap {
            return Err(archive::too_large(format!("its {name} is too large"), "metadata-file")
                .expected(format!("at most {cap} bytes"))
                .found(format!("{} bytes", entry.size())));
        }
        entry.inflate_whole(self.bytes).map(Some)
    }

    fn needed(&self, name: &str, cap: u64, code: Code) -> Result<Cow<'b, [u8]>, Problem> {
        self.file(name, cap)?.ok_or_else(|| {
            Problem::new(code, format!("it has no {name}")).expected(format!("{}/{name}", self.name))
        })
    }

    /// The text of RECORD.
    pub(super) fn record(&self) -> Result<Cow<'b, [u8]>, Problem> {
        self.needed("RECORD", self.cap.min(MAX_RECORD), Code::RecordInvalid)
    }

    pub(super) fn metadata(&self) -> Result<Cow<'b, [u8]>, Problem> {
        self.needed("METADATA", self.cap.min(MAX_METADATA), Code::MetadataInvalid)
    }

    pub(super) fn entry_points(&self) -> Result<Option<Cow<'b, [u8]>>, Problem> {
        self.file("entry_points.txt", MAX_ENTRY_POINTS)
    }

    pub(super) fn wheel_file(&self) -> Result<Cow<'b, [u8]>, Problem> {
        self.needed("WHEEL", MAX_WHEEL, Code::WheelFileInvalid)
    }
}

impl About {
    /// Reads WHEEL; with what is odd about it but no reason to refuse.
    pub(super) fn parse(text: &[u8], name: &WheelName) -> Result<(Self, Vec<Problem>), Problem> {
        let invalid =
            |what: String| Problem::new(Code::WheelFileInvalid, format!("WHEEL cannot be read: {what}"));
        let headers =
            Headers::parse(text).map_err(|(line, what)| invalid(what).found(format!("line {line}")))?;
        let version = headers.one("Wheel-Version").map_err(invalid)?;
        let root = headers.one("Root-Is-Purelib").map_err(invalid)?;
        let root_is_purelib = match root.to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => return Err(invalid("Root-Is-Purelib is neither true nor false".to_owned()).found(root)),
        };
        // "Warn if Wheel-Version is greater than the version supported; fail if its major version is greater."
        let parts = version.split_once('.').and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
        let warnings = match parts {
            Some((1, 0)) => None,
            Some((1, _)) => Some(
                Problem::new(Code::WheelFileInvalid, "its Wheel-Version is newer than the one pipward knows")
                    .expected("1.0")
                    .found(version),
            ),
            _ => {
                return Err(invalid("its Wheel-Version is not known".to_owned())
                    .expected("1.0")
                    .found(version));
            }
        };
        Ok((About { root_is_purelib }, warnings.into_iter().chain(tag_warning(&headers, name)).collect()))
    }
}

fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The tags of WHEEL are those of the file name, each set expanded. (Older wheels that were repacked differ.)
fn tag_warning(headers: &Headers<'_>, name: &WheelName) -> Option<Problem> {
    let inside: BTreeSet<String> = headers
        .all("Tag")
        .take(MOST_TAGS)
        .flat_map(|tag| {
            let mut sets = tag.splitn(3, '-').map(|set| set.split('.').collect::<Vec<_>>());
            let [python, abi, platform] = [(); 3].map(|()| sets.next().unwrap_or_default());
            product(&python, &abi, &platform).take(MOST_TAGS).collect::<Vec<_>>()
        })
        .take(MOST_TAGS)
        .collect();
    let (python, abi, platform) = name.tag_parts();
    let outside: BTreeSet<String> = product(python, abi, platform).take(MOST_TAGS).collect();
    let join =
        |tags: &BTreeSet<String>| tags.iter().take(20).map(String::as_str).collect::<Vec<_>>().join(" ");
    (inside != outside).then(|| {
        Problem::new(Code::WheelFileInvalid, "the tags in WHEEL are not those of the file name")
            .expected(join(&outside))
            .found(join(&inside))
    })
}

/// The tags of three sets, one after the other: a short line can name more than fit into memory.
fn product<'s, S: AsRef<str>>(
    python: &'s [S],
    abi: &'s [S],
    platform: &'s [S],
) -> impl Iterator<Item = String> + 's {
    let short = |part: &'s S| part.as_ref().chars().take(MAX_PART).collect::<String>();
    let pairs = python.iter().flat_map(move |python| abi.iter().map(move |abi| (python, abi)));
    pairs.flat_map(move |(python, abi)| {
        let pair = format!("{}-{}", short(python), short(abi));
        platform.iter().map(move |platform| format!("{pair}-{}", short(platform)).to_ascii_lowercase())
    })
}

/// Whether RECORD need not list a file, or give a hash for it.
pub(super) fn may_be_bare(path: &str, dist_info: &str) -> bool {
    path.strip_prefix(dist_info)
        .and_then(|rest| rest.strip_prefix('/'))
        .is_some_and(|name| UNLISTED.contains(&name))
}

/// As [`bind`], from the text of a RECORD with which nothing is wrong: no row of it is kept, and most of them need not be
/// looked for, since they stand in the order of the archive. `false`, and nothing is changed, where it has to be read in full.
pub(super) fn bind_plain(archive: &mut Archive, text: &[u8], dist_info: &str) -> bool {
    let is_bound = try_bind(archive, text, dist_info).is_some();
    if !is_bound {
        for entry in archive.entries_mut() {
            (entry.digest, entry.is_sized) = (Kept::Nothing, false);
        }
    }
    is_bound
}

fn try_bind(archive: &mut Archive, text: &[u8], dist_info: &str) -> Option<()> {
    let entries = archive.entries_mut();
    let mut is_listed = vec![false; entries.len()];
    let paths: OnceCell<Vec<ArchivePath>> = OnceCell::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut next = 0;
    for told in record::told(text)? {
        let told = told?;
        let is_next = entries.get(next).is_some_and(|entry| entry.path().as_str() == told.path);
        let at = if is_next {
            next
        } else {
            if places.is_empty() {
                let all = || entries.iter().map(|entry| entry.path().clone()).collect();
                places = paths.get_or_init(all).iter().map(ArchivePath::as_str).zip(0..).collect();
            }
            *places.get(told.path)?
        };
        next = at.saturating_add(1);
        let (entry, is_listed) = (entries.get_mut(at)?, is_listed.get_mut(at)?);
        let is_bare = told.digest.is_none() && !may_be_bare(told.path, dist_info);
        let is_other = told.size.is_some_and(|size| size != entry.size());
        if std::mem::replace(is_listed, true) || is_bare || is_other {
            return None;
        }
        (entry.digest, entry.is_sized) = (told.digest.into(), told.size.is_some());
    }
    let mut unlisted = entries.iter().zip(is_listed).filter(|(_, is_listed)| !is_listed);
    unlisted.all(|(entry, _)| may_be_bare(entry.path().as_str(), dist_info)).then_some(())
}

/// Gives each entry what RECORD says of it. The sets must be equal but for RECORD and its signatures.
pub(super) fn bind(archive: &mut Archive, record: &Record, dist_info: &str) -> Result<(), Problem> {
    let mut rows: HashMap<&str, _> = record.rows.iter().map(|row| (row.path.as_str(), row)).collect();
    let may_be_bare = |path: &str| may_be_bare(path, dist_info);
    for entry in archive.entries_mut() {
        let path = entry.path().as_str();
        let row = match rows.remove(path) {
            Some(row) => row,
            None if may_be_bare(path) => continue,
            None => {
                return Err(Problem::new(
                    Code::RecordUnlisted,
                    "it carries a file that RECORD does not list",
                )
                .found(path));
            }
        };
        if row.digest.is_none() && !may_be_bare(path) {
            return Err(Problem::new(Code::RecordHash, "RECORD gives no hash for a file").found(path));
        }
        if let Some(size) = row.size.filter(|size| *size != entry.size()) {
            return Err(Problem::new(
                Code::RecordHash,
                format!("a file does not have the size that RECORD says: {path}"),
            )
            .expected(format!("{size} bytes"))
            .found(format!("{} bytes", entry.size())));
        }
        entry.digest = row.digest.into();
        entry.is_sized = row.size.is_some();
    }
    // In RECORD's order, so that the same wheel is always refused in the same words.
    match record.rows.iter().find(|row| rows.contains_key(row.path.as_str())) {
        None => Ok(()),
        Some(ghost) => {
            Err(Problem::new(Code::RecordMissingFile, "RECORD lists a file that the wheel does not carry")
                .found(&ghost.path))
        }
    }
}

/// The path of an entry in the .dist-info directory, if it is there.
pub(super) fn name_in<'e>(entry: &'e Entry, dist_info: &str) -> Option<&'e str> {
    entry.path().as_str().strip_prefix(dist_info)?.strip_prefix('/')
}

/// Computes SHA-256, and the digest that RECORD gives where it is another.
struct Check {
    hasher: Hasher,
    wanted: Option<LockedHashes>,
}

impl Check {
    fn new(digest: Option<StrongDigest>) -> Self {
        let wanted = digest.and_then(|digest| LockedHashes::new(Match::All, vec![digest]));
        Self { hasher: wanted.as_ref().map_or_else(Hasher::sha256, Hasher::new), wanted }
    }

    fn finish(self, entry: &Entry) -> Result<Sha256, Problem> {
        let computed = self.hasher.finish();
        if self.wanted.as_ref().is_none_or(|wanted| wanted.accept(&computed)) {
            return Ok(computed.sha256());
        }
        let expected = entry.digest.get().map(|digest| digest.to_string()).unwrap_or_default();
        Err(Problem::new(
            Code::RecordHash,
            format!("a file does not have the hash that RECORD says: {}", entry.path()),
        )
        .expected(expected)
        .found(format!("sha256:{}", computed.sha256())))
    }
}

/// The content of a small entry, checked.
pub(super) fn whole<'a>(entry: &Entry, archive: &'a [u8]) -> Result<(Cow<'a, [u8]>, Sha256), Problem> {
    let content = entry.inflate_whole(archive)?;
    let sha256 = check(entry, &content)?;
    Ok((content, sha256))
}

/// Compares content with what RECORD says of an entry; returns its SHA-256.
pub(super) fn check(entry: &Entry, content: &[u8]) -> Result<Sha256, Problem> {
    let mut check = Check::new(entry.digest.get());
    content.chunks(STEP).for_each(|step| check.hasher.update(step));
    check.finish(entry)
}

/// The content of an entry of any size in pieces; checked when this returns.
pub(super) fn pieces(
    entry: &Entry,
    archive: &[u8],
    mut sink: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(Sha256, u64), ExtractError> {
    let mut check = Check::new(entry.digest.get());
    entry
        .inflate(archive, |piece| {
            check.hasher.update(piece);
            sink(piece)
        })
        .map_err(ExtractError::Wheel)?
        .map_err(ExtractError::Sink)?;
    Ok((check.finish(entry).map_err(ExtractError::Wheel)?, entry.size()))
}

#[cfg(test)]
mod tests {
    use super::archive::Limits;
    use super::*;
    use std::io::Write as _;

    const INFO: &str = "x-1.dist-info";
    const EMPTY: &str = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";

    fn archive() -> Archive {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for path in ["a.py", "b/c.py", "b/d.py", "x-1.dist-info/METADATA", "x-1.dist-info/RECORD"] {
            writer.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(b"text").unwrap();
        }
        Archive::read(&writer.finish().unwrap().into_inner(), "x", &Limits::default()).unwrap()
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(
            if std::env::var_os("PIPWARD_TEST_LONG").is_some() { 100_000 } else { 1_000 }
        ))]
        /// What is bound without a look back is what is bound row by row, whatever is missing, twice, out of order or wrong.
        #[test]
        fn both_ways_bind_the_same(
            order in proptest::sample::select(vec![vec![0, 1, 2, 3, 4], vec![4, 3, 2, 1, 0], vec![0, 1, 2, 3], vec![2, 3, 0, 1, 4]]),
            changes in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 0usize..9), 0..3),
        ) {
            let paths = archive().entries().iter().map(|entry| entry.path().to_string()).collect::<Vec<_>>();
            let row = |at: usize| match paths[at].ends_with("RECORD") {
                true => [paths[at].clone(), String::new(), String::new()],
                false => [paths[at].clone(), EMPTY.to_owned(), "4".to_owned()],
            };
            let mut rows: Vec<[String; 3]> = order.into_iter().map(row).collect();
            for (at, what) in changes {
                let at = at.index(rows.len());
                match what {
                    0 => drop(rows.remove(at)),
                    1 => rows.push(rows[at].clone()),
                    2 => rows[at][0] = "ghost.py".to_owned(),
                    3 => rows[at][1] = String::new(),
                    4 => rows[at][1] = "md5=x".to_owned(),
                    5 => rows[at][2] = String::new(),
                    6 => rows[at][2] = "5".to_owned(),
                    7 => rows[at][0] = String::new(),
                    _ => rows[at][1] = format!("sha512={}A", "A".repeat(85)),
                }
                if rows.is_empty() {
                    rows.push(row(0));
                }
            }
            let text: String = rows.iter().map(|row| row.join(",") + "\n").collect();
            let (mut one, mut other) = (archive(), archive());
            let slowly = Record::parse(text.as_bytes()).and_then(|record| bind(&mut other, &record, INFO));
            let is_bound = bind_plain(&mut one, text.as_bytes(), INFO);
            proptest::prop_assert_eq!(is_bound, slowly.is_ok(), "{}", text);
            let listed = |archive: &Archive| archive.entries().iter().map(Entry::listed).collect::<Vec<_>>();
            let expected = if is_bound { listed(&other) } else { listed(&archive()) };
            proptest::prop_assert_eq!(listed(&one), expected, "{}", text);
        }
    }

    #[test]
    fn what_is_quoted_is_left_to_the_other_way() {
        assert!(!bind_plain(&mut archive(), format!("\"a.py\",{EMPTY},4\n").as_bytes(), INFO));
    }
}
