//! A path inside an archive that cannot lead anywhere else.
//!
//! Never: normalises. What is not clean as it stands is refused.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::error::{Code, Problem};

/// No part is longer, in bytes: file systems refuse it half way.
const MAX_PART: usize = 255;
/// No path is longer, in bytes.
const MAX_PATH: usize = 4096;
/// No path has more parts: each directory costs its whole path, so that a small archive of deep ones would cost much. The
/// deepest of 5,570 wheels of well-known projects has 11.
const MAX_PARTS: usize = 64;

/// `pkg/mod.py`: relative, `/`-separated, no empty, `.` or `..` part, no backslash, drive, control or bidi character.
#[derive(Clone)]
pub struct ArchivePath {
    /// A text that it is a part of: that of all names of an archive, so that thousands of them are one piece of memory.
    text: Arc<str>,
    start: u32,
    length: u32,
}

impl ArchivePath {
    /// Takes a path as it stands.
    ///
    /// # Errors
    /// `archive-name`, without place.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        Self::within(&text.into(), 0..text.len())
    }

    /// Takes the path that stands at a place of a text.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub(crate) fn within(text: &Arc<str>, place: Range<usize>) -> Result<Self, Problem> {
        let path = text.get(place.clone()).unwrap_or_default();
        match (fault(path), u32::try_from(place.start), u32::try_from(path.len())) {
            (None, Ok(start), Ok(length)) => Ok(Self { text: Arc::clone(text), start, length }),
            (fault, _, _) => {
                let fault = fault.unwrap_or("is too long");
                Err(Problem::new(Code::ArchiveName, format!("an entry's name {fault}")).found(path))
            }
        }
    }

    /// As written in the archive.
    pub fn as_str(&self) -> &str {
        let start = self.start as usize;
        self.text.get(start..start.saturating_add(self.length as usize)).unwrap_or_default()
    }
    /// The text that it is a part of.
    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }
    /// Where in that it begins, and how long it is.
    pub(crate) fn place(&self) -> (u32, u32) {
        (self.start, self.length)
    }
    /// Its parts. Never empty.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.as_str().split('/')
    }
}

impl PartialEq for ArchivePath {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ArchivePath {}

impl fmt::Debug for ArchivePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ArchivePath").field(&self.as_str()).finish()
    }
}

impl fmt::Display for ArchivePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn fault(text: &str) -> Option<&'static str> {
    if text.len() > MAX_PATH {
        return Some("is too long");
    }
    if text.split('/').count() > MAX_PARTS {
        return Some("is too deep");
    }
    if text.starts_with('/') {
        return Some("is absolute");
    }
    if text.contains('\\') {
        return Some("has a backslash, which some systems take for a separator");
    }
    if text.chars().any(is_deceptive) {
        return Some("has a control, line or bidirectional character");
    }
    text.split('/').find_map(part_fault)
}

fn part_fault(part: &str) -> Option<&'static str> {
    match part.as_bytes() {
        b"" => Some("has an empty part"),
        b"." | b".." => Some("has a part that leads elsewhere"),
        [letter, b':', ..] if letter.is_ascii_alphabetic() => Some("has a part that names a drive"),
        bytes if bytes.len() > MAX_PART => Some("has a part that is too long"),
        _ => None,
    }
}

/// C0, DEL and C1; what ends a line (some readers of RECORD split it there, so that the rest of the name would be a row of
/// its own); and what changes the direction of text (Unicode, UAX #9).
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_paths_stand_as_they_are() {
        for path in [
            "a",
            "pkg/mod.py",
            "a/..b/c..",
            "a b/é/日本.py",
            ".hidden",
            "...",
            "ab:c",
            "1:x",
            "a/~",
            &"x".repeat(255),
        ] {
            assert_eq!(ArchivePath::parse(path).unwrap().as_str(), path);
        }
        let part = format!("{}/", "x".repeat(99));
        let long = |size: usize| {
            ArchivePath::parse(&part.repeat(size).chars().take(size).collect::<String>()).is_ok()
        };
        assert!(long(MAX_PATH) && !long(MAX_PATH + 1) && !long(MAX_PATH + 3));
        let deep = |parts: usize| ArchivePath::parse(&vec!["x"; parts].join("/")).is_ok();
        assert!(deep(MAX_PARTS) && !deep(MAX_PARTS + 1));
        assert_eq!(ArchivePath::parse("a/b").unwrap().parts().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn whatever_could_lead_elsewhere_or_deceive_is_refused() {
        for path in [
            "",
            "/",
            "/a",
            "//a",
            "a/",
            "a//b",
            ".",
            "./a",
            "a/.",
            "a/./b",
            "..",
            "../a",
            "a/..",
            "a/../b",
            "a\\b",
            "..\\a",
            "C:",
            "c:/a",
            "a/C:x",
            "a\0b",
            "a\nb",
            "a\x7fb",
            "a\u{80}b",
            "a\u{9f}",
            "a\u{202e}gpj.py",
            "\u{200f}a",
            "\u{061c}",
            "a\u{2066}b",
            "a\u{2028}apple/__init__.py",
            "a\u{2029}/etc/passwd",
            &"x".repeat(256),
            &"xx/".repeat(2000),
        ] {
            assert_eq!(
                ArchivePath::parse(path).map_err(|problem| problem.code()),
                Err(Code::ArchiveName),
                "{path:?}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn a_joined_path_stays_below(text in "[a./\\\\:C\\x00é-]{0,12}") {
            if let Ok(path) = ArchivePath::parse(&text) {
                let mut depth = 0i32;
                for part in std::path::Path::new(path.as_str()).components() {
                    match part {
                        std::path::Component::Normal(_) => depth += 1,
                        _ => depth = i32::MIN / 2,
                    }
                }
                proptest::prop_assert!(depth > 0);
                proptest::prop_assert_eq!(usize::try_from(depth).unwrap(), path.parts().count());
            }
        }
    }
}
