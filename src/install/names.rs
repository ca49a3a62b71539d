//! Files asked for by name, and the lines of a RECORD that may be about them.
//!
//! Owns: that a list of files is read as far as somebody looks. Never: leaves out a line that could be about a file asked
//! for, however the file system takes its name.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

/// The names of files, without their directories.
#[derive(Debug)]
pub(super) enum Names {
    /// Any.
    All,
    /// These, ASCII in small letters. Names that are not ASCII have forms that a file system may take for one another:
    /// in a list, each counts as asked for, and where one is asked for, all are.
    These(HashSet<Vec<u8>>),
}

impl Names {
    /// Those of some files.
    pub(super) fn of<'p>(paths: impl Iterator<Item = &'p (impl AsRef<Path> + 'p)>) -> Self {
        let names = paths.filter_map(|path| path.as_ref().file_name());
        let names: HashSet<_> = names.map(|name| name.as_encoded_bytes().to_ascii_lowercase()).collect();
        if names.iter().all(|name| name.is_ascii()) { Self::These(names) } else { Self::All }
    }

    /// Whether nothing is asked for.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::These(names) if names.is_empty())
    }

    /// The lines of a RECORD that may be about one of them.
    pub(super) fn lines<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        // Within quotes, a line may go on.
        if matches!(self, Self::All) || text.contains(&b'"') {
            return Cow::Borrowed(text);
        }
        let mut found = Vec::new();
        for line in text.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            if self.may_be_of(line) {
                found.extend_from_slice(line);
            }
        }
        Cow::Owned(found)
    }

    fn may_be_of(&self, line: &[u8]) -> bool {
        let Self::These(names) = self else { return true };
        let path = line.split(|byte| matches!(byte, b',' | b'\n' | b'\r')).next().unwrap_or_default();
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        // `a/b/` and `a/b/./` are ways to write `a/b`.
        matches!(name, b"" | b".") || !name.is_ascii() || names.contains(name.to_ascii_lowercase().as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], text: &str, expected: &str) {
        let names = Names::of(names.iter());
        assert_eq!(String::from_utf8_lossy(&names.lines(text.as_bytes())), expected, "{names:?}");
    }

    #[test]
    fn lines_that_may_be_about_a_file_are_kept() {
        let text = "a/One.py,sha256=x,1\r\nb/two.py,,\rthree\n../../bin/one.py,,\nb/z\u{e9}.py,,\none.py/x,,\nx/one.py\n";
        check(
            &["site/a/one.PY"],
            text,
            "a/One.py,sha256=x,1\r\n../../bin/one.py,,\nb/z\u{e9}.py,,\nx/one.py\n",
        );
        check(&["three"], text, "\nthree\nb/z\u{e9}.py,,\n");
        check(&["nothing"], "a,,\n", "");
        check(&["c"], "a/c/,,\nb/c/./,,\nd/c/..,,\n", "a/c/,,\nb/c/./,,\n");
        check(&["\u{e9}"], "a,,\n", "a,,\n");
        check(&[], "a,,\n", "");
        check(&["nothing"], "\"a\n,b\",,\nc,,\n", "\"a\n,b\",,\nc,,\n");
        assert_eq!(*Names::All.lines(b"a,,\n"), *b"a,,\n");
    }

    #[test]
    fn nothing_is_asked_for_by_no_name() {
        assert!(Names::of([].iter() as std::slice::Iter<'_, &str>).is_empty());
        assert!(!Names::All.is_empty());
        assert!(!Names::of(["a"].iter()).is_empty());
    }
}
