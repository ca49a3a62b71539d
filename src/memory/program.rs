//! Where the program itself lies in memory, and the libraries that it cannot be without, as the system tells it.
//!
//! Pure. Never: takes for theirs what is another file's, or what was written to since it was mapped.

use std::ops::Range;

/// How the file names of libraries begin that are there from the start to the end: no other thread unloads them.
const LIBRARIES: [&str; 7] =
    ["ld-", "libc.so.", "libc-2.", "libgcc_s.so.", "libm.so.", "libm-2.", "libpthread"];

/// A mapping, as far as it was read.
struct Mapping<'s> {
    addresses: Range<usize>,
    /// Device and inode.
    file: (&'s str, &'s str),
    /// Whether it is of one of [`LIBRARIES`].
    is_library: bool,
    /// Whether nobody may write to it, and nobody else sees it if somebody does.
    is_fixed: bool,
    /// How often it was said that there are no pages of it that are no longer those of its file, as what was relocated is, or
    /// what a debugger wrote.
    vouched: usize,
    /// Whether it was said that there are some.
    has_own_pages: bool,
}

/// Those addresses of the program and its libraries at which they are what their files are. `smaps` is the text of
/// `/proc/self/smaps`, and `own` is where a function of the program lies. Nothing where the text is not understood, or tells of
/// no page of the program that is no longer its file's: every program has some, and a system that tells of none has not counted.
pub(super) fn unchanged(smaps: &str, own: usize) -> Vec<Range<usize>> {
    let mut mappings: Vec<Mapping<'_>> = Vec::new();
    for line in smaps.lines() {
        if let Some(mapping) = mapping(line) {
            mappings.push(mapping);
        } else if let Some(last) = mappings.last_mut() {
            match own_pages(line) {
                None => {}
                Some("0 kB") => last.vouched += 1,
                Some(_) => last.has_own_pages = true,
            }
        }
    }
    let Some(file) = mappings.iter().find(|one| one.addresses.contains(&own)).map(|one| one.file) else {
        return Vec::new();
    };
    if !mappings.iter().any(|one| one.file == file && one.has_own_pages) {
        return Vec::new();
    }
    let is_ours = |one: &Mapping<'_>| one.file == file || one.is_library;
    let parts = mappings.into_iter().filter(|one| is_ours(one) && one.is_fixed && one.vouched == 2);
    parts.map(|one| one.addresses).collect()
}

/// `55d0c8a2b000-55d0c8a4d000 r-xp 00026000 fd:00 1234 /usr/bin/pipward`.
fn mapping(line: &str) -> Option<Mapping<'_>> {
    if line.starts_with(|first: char| first.is_ascii_uppercase()) {
        return None;
    }
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    let addresses = address(start)?..address(end)?;
    let rights = words.next()?;
    let _offset = words.next()?;
    let file = (words.next()?, words.next()?);
    let is_fixed = matches!(rights, "r--p" | "r-xp") && file.1 != "0";
    let name = words.next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
    let is_library = LIBRARIES.iter().any(|library| name.starts_with(library));
    Some(Mapping { addresses, file, is_library, is_fixed, vouched: 0, has_own_pages: false })
}

/// `Anonymous: 0 kB`, of pages in memory, or `Swap: 0 kB` of those that are not. Both are told of each mapping.
fn own_pages(line: &str) -> Option<&str> {
    let own = line.strip_prefix("Anonymous:").or_else(|| line.strip_prefix("Swap:"));
    own.map(str::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
1000-5000 r--p 00000000 fd:00 77  /usr/bin/pipward
Rss:                  16 kB
Anonymous:             0 kB
Swap:                  0 kB
5000-9000 r-xp 00004000 fd:00 77  /usr/bin/pipward
Anonymous:             0 kB
SwapPss:               0 kB
Swap:                  0 kB
9000-a000 r--p 00008000 fd:00 77  /usr/bin/pipward
Anonymous:             4 kB
Swap:                  0 kB
a000-b000 r--p 00009000 fd:00 77  /usr/bin/pipward
Anonymous:             0 kB
Swap:                  4 kB
b000-b800 r--p 0000a000 fd:00 77  /usr/bin/pipward
Anonymous:             0 kB
b800-c000 rw-p 0000a000 fd:00 77  /usr/bin/pipward
Anonymous:             0 kB
Swap:                  0 kB
c000-d000 rw-p 00000000 00:00 0   [heap]
d000-e000 r--p 00000000 00:00 0   [vvar]
e000-f000 r-xp 00000000 fd:01 77  /usr/lib/libc.so.6
Anonymous:             0 kB
Swap:                  0 kB
f000-f800 r-xp 00000000 fd:01 78  /usr/lib/libnss_libc.so.2
Anonymous:             0 kB
Swap:                  0 kB
f800-10000 r--s 00000000 fd:00 77 /usr/bin/pipward
Anonymous:             0 kB
Swap:                  0 kB
";

    #[test]
    fn what_may_be_read_again_is_the_program_as_it_stands_in_its_file() {
        assert_eq!(unchanged(SMAPS, 0x5678), [0x1000..0x5000, 0x5000..0x9000, 0xe000..0xf000]);
        let other =
            format!("{SMAPS}20000-21000 rw-p 00001000 fd:01 78 /usr/lib/libnss_libc.so.2\nAnonymous: 4 kB\n");
        assert_eq!(unchanged(&other, 0xf123), [0xe000..0xf000, 0xf000..0xf800]);
    }

    #[test]
    fn who_tells_of_no_changed_page_has_not_counted() {
        assert!(unchanged(&SMAPS.replace(" 4 kB", " 0 kB"), 0x5678).is_empty());
        let of_another = SMAPS.replace(" 4 kB", " 0 kB").replacen("[heap]\n", "[heap]\nAnonymous: 4 kB\n", 1);
        assert!(unchanged(&of_another, 0x5678).is_empty());
    }

    #[test]
    fn where_the_text_is_not_understood_nothing_is() {
        let odd = "Anonymous: 4 kB\n1000-x r-xp\n-\n1-2\n1-2 r-xp 0 fd:00";
        for (smaps, own) in [(SMAPS, 0x9_0000), ("", 1), (odd, 1)] {
            assert!(unchanged(smaps, own).is_empty(), "{smaps} {own}");
        }
    }
}
