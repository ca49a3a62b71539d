//! How the files of a directory are shared out: what one thread writes without looking up.
//!
//! Owns: that neither many small files nor a few large ones keep one thread busy while others have nothing to do. Pure.

use super::PlannedFile;

/// Files of one batch at most.
const FILES: usize = 64;
/// Bytes of one batch at most, unless a file is larger: 1 MiB.
const BYTES: u64 = 1 << 20;

/// As many files, and as many bytes, are few: 32 and 256 KiB.
const FEW: (usize, u64) = (32, 256 << 10);

/// Whether files are so few and small that one thread has written them before another one has begun.
pub(super) fn is_small<'f, 'a: 'f>(mut files: impl Iterator<Item = &'f &'a PlannedFile>) -> bool {
    let (mut count, mut bytes) = (0, 0u64);
    files.all(|file| {
        count += 1;
        bytes = bytes.saturating_add(file.size);
        count <= FEW.0 && bytes <= FEW.1
    })
}

/// The files in their order, in batches of which none is empty.
pub(super) fn of<'f, 'a>(files: &'f [&'a PlannedFile]) -> impl Iterator<Item = &'f [&'a PlannedFile]> {
    let mut rest = files;
    std::iter::from_fn(move || {
        let mut bytes = 0u64;
        let fits = |file: &&&PlannedFile| {
            bytes = bytes.saturating_add(file.size);
            bytes <= BYTES
        };
        let count = rest.iter().take(FILES).take_while(fits).count().max(1);
        let (batch, left) = rest.split_at_checked(count)?;
        rest = left;
        Some(batch)
    })
}

/// How many bytes a batch has.
pub(super) fn size(batch: &[&PlannedFile]) -> u64 {
    batch.iter().fold(0, |size, file| size.saturating_add(file.size))
}

#[cfg(test)]
mod tests {
    use super::super::Source;
    use super::*;

    fn file(size: &u64) -> PlannedFile {
        PlannedFile {
            destination: "/env/file".into(),
            source: Source::Entry(0),
            executable: false,
            digest: crate::digest::Kept::Nothing,
            size: *size,
            is_sized: true,
            gives_way: false,
        }
    }

    #[track_caller]
    fn check(sizes: &[u64], expected: &[usize]) {
        let files: Vec<PlannedFile> = sizes.iter().map(file).collect();
        let files: Vec<&PlannedFile> = files.iter().collect();
        let counts: Vec<usize> = of(&files).map(<[_]>::len).collect();
        assert_eq!(counts, expected, "{sizes:?}");
        assert!(of(&files).flatten().map(|file| file.size).eq(sizes.iter().copied()));
    }

    #[test]
    fn few_small_files_are_small() {
        let check = |sizes: &[u64], expected: bool| {
            let files: Vec<PlannedFile> = sizes.iter().map(file).collect();
            let files: Vec<&PlannedFile> = files.iter().collect();
            assert_eq!(is_small(files.iter()), expected, "{sizes:?}");
        };
        check(&[], true);
        check(&[0; FEW.0], true);
        check(&[0; FEW.0 + 1], false);
        check(&[FEW.1], true);
        check(&[FEW.1, 1], false);
        check(&[u64::MAX; 2], false);
    }

    #[test]
    fn a_batch_is_bounded_by_files_and_bytes() {
        check(&[], &[]);
        check(&[0; 64], &[64]);
        check(&[1; 130], &[64, 64, 2]);
        check(&[BYTES; 3], &[1, 1, 1]);
        check(&[BYTES / 2; 5], &[2, 2, 1]);
        check(&[1, BYTES, 1], &[1, 1, 1]);
        check(&[50 * BYTES, 1, 1], &[1, 2]);
        check(&[u64::MAX; 2], &[1, 1]);
        assert_eq!(size(&[]), 0);
    }
}
