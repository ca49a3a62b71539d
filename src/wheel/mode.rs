//! The permission bits that an install gives to files, and which others are not its own.
//!
//! Owns: the bits by umask and kind of file. Pure: the umask is an argument. Never: looks at a file.

/// What a file is, as far as its permission bits go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// One that is read.
    Plain,
    /// One that is run.
    Executable,
    /// Nobody knows which of these.
    Unknown,
}

/// An installed file: what it is, and the bits that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen<T> {
    /// Which file.
    pub file: T,
    /// What it is.
    pub sort: Sort,
    /// Its permission bits.
    pub mode: u32,
}

/// A file with other bits than an install gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Odd<T> {
    /// Which file.
    pub file: T,
    /// The bits that it has.
    pub mode: u32,
    /// Those that it should have.
    pub usual: u32,
}

impl<T> Odd<T> {
    /// What is wrong with it, in words.
    pub fn what(&self) -> &'static str {
        let (more, less) = (self.mode & !self.usual, self.usual & !self.mode);
        if more & 0o7000 != 0 {
            "an installed file is run as somebody else (setuid, setgid or sticky)"
        } else if more & 0o022 != 0 {
            "an installed file can be written by others"
        } else if less & 0o444 != 0 {
            "an installed file cannot be read by all who could"
        } else if less & 0o111 != 0 {
            "an installed program cannot be run"
        } else {
            "an installed file has other permission bits than an install gives"
        }
    }

    /// Whether nothing but execute bits are too many.
    pub fn is_merely_executable(&self) -> bool {
        self.mode & !self.usual & !0o111 == 0 && self.usual & !self.mode == 0
    }
}

/// Where the files of one distribution differ from what an install gives: under the umask of this process, or else under
/// the one that its RECORD (of these bits) was written with, unless that lets others write whom this process would not let.
pub fn odd<T: Clone>(umask: u32, record: Option<u32>, files: &[Seen<T>]) -> Vec<Odd<T>> {
    let ours = differing(umask, files);
    let own = record.and_then(mask_of).filter(|own| !own & umask & 0o022 == 0);
    match own {
        Some(own) if !ours.is_empty() => {
            let theirs = differing(own, files);
            if theirs.len() < ours.len() { theirs } else { ours }
        }
        _ => ours,
    }
}

/// The bits that a directory should have, where it has others: those of the umask of this process, or of the one that the
/// RECORD (of these bits) was written with. That files in it get its group is nobody's matter here.
pub fn odd_directory(umask: u32, record: Option<u32>, mode: u32) -> Option<u32> {
    let own = record.and_then(mask_of).filter(|own| !own & umask & 0o022 == 0);
    let usual = |mask: u32| 0o777 & !mask | mode & 0o2000;
    let is_usual = mode == usual(umask) || own.is_some_and(|own| mode == usual(own));
    (!is_usual).then(|| usual(umask))
}

fn differing<T: Clone>(umask: u32, files: &[Seen<T>]) -> Vec<Odd<T>> {
    let differs = |seen: &Seen<T>| {
        let all = usual(umask, seen.sort);
        let usual = *all.first()?;
        (!all.contains(&seen.mode)).then(|| Odd { file: seen.file.clone(), mode: seen.mode, usual })
    };
    files.iter().filter_map(differs).collect()
}

/// The bits that an install gives, the most usual first.
fn usual(umask: u32, sort: Sort) -> Vec<u32> {
    let plain = 0o666 & !umask;
    let run = 0o777 & !umask;
    // An entry of a wheel may be run by all, a script that was made read by all too; and what one distribution brings as a
    // program, another as a file, can be run by whoever reads it.
    let executable = [run, run | 0o111, run | 0o555, plain | (plain & 0o444) >> 2];
    match sort {
        Sort::Plain => vec![plain],
        Sort::Executable => executable.to_vec(),
        Sort::Unknown => [plain].into_iter().chain(executable).collect(),
    }
}

/// The umask under which a plain file got these bits.
fn mask_of(mode: u32) -> Option<u32> {
    let mask = 0o666 & !mode;
    (mode & !0o666 == 0 && mode & 0o600 == 0o600).then_some(mask | (mask & 0o444) >> 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(umask: u32, record: u32, files: &[(Sort, u32)], odd: &[u32]) {
        let seen: Vec<_> =
            files.iter().map(|(sort, mode)| Seen { file: (), sort: *sort, mode: *mode }).collect();
        let found: Vec<u32> = super::odd(umask, Some(record), &seen).iter().map(|odd| odd.mode).collect();
        assert_eq!(found, odd, "{umask:o} {record:o} {files:?}");
    }

    #[test]
    fn bits_are_those_of_an_umask() {
        use Sort::{Executable, Plain, Unknown};
        check(0o022, 0o644, &[(Plain, 0o644), (Executable, 0o755), (Unknown, 0o755), (Unknown, 0o644)], &[]);
        for wrong in [0o4644, 0o2644, 0o1644, 0o646, 0o664, 0o600, 0o444, 0o640, 0o755] {
            check(0o022, 0o644, &[(Plain, 0o644), (Plain, wrong)], &[wrong]);
        }
        for wrong in [0o644, 0o4755, 0o775, 0o700] {
            check(0o022, 0o644, &[(Executable, wrong)], &[wrong]);
        }
        // Installed under another umask, which lets nobody write.
        check(
            0o022,
            0o600,
            &[(Plain, 0o600), (Executable, 0o700), (Executable, 0o711), (Executable, 0o755)],
            &[],
        );
        check(0o002, 0o644, &[(Plain, 0o644), (Executable, 0o755)], &[]);
        check(0o077, 0o644, &[(Plain, 0o644), (Executable, 0o755)], &[]);
        check(0o022, 0o640, &[(Plain, 0o640), (Executable, 0o750)], &[]);
        // One that lets others write counts only where ours does.
        check(0o022, 0o664, &[(Plain, 0o664), (Plain, 0o664)], &[0o664, 0o664]);
        check(0o002, 0o664, &[(Plain, 0o664)], &[]);
        check(0o000, 0o666, &[(Plain, 0o666)], &[]);
        // One umask for all of them.
        check(0o022, 0o600, &[(Plain, 0o600), (Plain, 0o644), (Plain, 0o644)], &[0o600]);
        check(0o022, 0o400, &[(Plain, 0o400)], &[0o400]);
    }

    #[test]
    fn directories_have_the_bits_of_an_umask_too() {
        let check = |umask, record, mode, expected| {
            assert_eq!(odd_directory(umask, Some(record), mode), expected, "{umask:o} {record:o} {mode:o}");
        };
        check(0o022, 0o644, 0o755, None);
        check(0o022, 0o644, 0o2755, None);
        check(0o022, 0o600, 0o700, None);
        for mode in [0o777, 0o775, 0o1755, 0o700, 0o555] {
            check(0o022, 0o644, mode, Some(0o755));
        }
        check(0o022, 0o644, 0o2777, Some(0o2755));
        check(0o022, 0o664, 0o775, Some(0o755));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let what = |mode, usual| Odd { file: (), mode, usual }.what();
        assert!(what(0o4755, 0o755).contains("setuid"));
        assert!(what(0o666, 0o644).contains("written by others"));
        assert!(what(0o600, 0o644).contains("read"));
        assert!(what(0o644, 0o755).contains("run"));
        assert!(what(0o444, 0o644).contains("other permission bits"));
        assert!(Odd { file: (), mode: 0o755, usual: 0o644 }.is_merely_executable());
        assert!(!Odd { file: (), mode: 0o777, usual: 0o644 }.is_merely_executable());
    }
}
