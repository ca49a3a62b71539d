//! Where a path stands beneath a directory, and how it reads in small letters: as the standard library says it, and without
//! taking paths apart where their bytes tell it already.
//!
//! Pure. A wheel has thousands of files, and each is asked about often.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// As [`Path::strip_prefix`]: the rest of `path` below `directory`.
pub fn below<'p>(path: &'p Path, directory: &Path) -> Option<&'p Path> {
    let (whole, start) = (path.as_os_str().as_bytes(), directory.as_os_str().as_bytes());
    let rest = whole.strip_prefix(start).and_then(|rest| rest.strip_prefix(b"/"));
    match rest {
        // Nothing that taking it apart would leave out.
        Some(rest @ [first, .., last])
            if !matches!(first, b'/' | b'.') && !matches!(last, b'/' | b'.') && !start.is_empty() =>
        {
            Some(Path::new(OsStr::from_bytes(rest)))
        }
        _ => path.strip_prefix(directory).ok(),
    }
}

/// As [`Path::starts_with`]: whether `path` is `directory` or lies below it.
pub fn is_within(path: &Path, directory: &Path) -> bool {
    below(path, directory).is_some()
}

/// A path in small letters; what is not UTF-8 in it is replaced.
pub fn folded(path: &Path) -> Cow<'_, str> {
    match path.to_str() {
        Some(text) if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) => {
            Cow::Borrowed(text)
        }
        _ => Cow::Owned(path.to_string_lossy().to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_is_what_the_standard_library_says() {
        let paths = [
            "", "/", "a", "/a", "/a/", "/a/b", "/a//b", "/a/b/", "/a/b/.", "/a/./b", "/a/.b", "/a/b/c",
            "/ab/c", "a/b", "/a/../b", "//a/b", "/a/b.",
        ];
        for path in paths.map(Path::new) {
            for directory in paths.map(Path::new) {
                let expected = path.strip_prefix(directory).ok();
                assert_eq!(below(path, directory), expected, "{path:?} below {directory:?}");
                let exact = expected.map(Path::as_os_str);
                assert_eq!(
                    below(path, directory).map(Path::as_os_str),
                    exact,
                    "{path:?} below {directory:?}"
                );
            }
        }
    }

    #[test]
    fn letters_are_folded_as_text_is() {
        for text in ["", "a/b.py", "A/b", "\u{212a}", "\u{130}x", "\u{e9}/\u{c9}", "a/README"] {
            assert_eq!(folded(Path::new(text)), text.to_lowercase(), "{text}");
        }
        assert_eq!(folded(Path::new(OsStr::from_bytes(b"A\xff/b"))), "a\u{fffd}/b");
    }
}
