//! What is written is read, and damaged bytes are read within their bounds.

use proptest::prelude::*;

use super::*;

fn stamp(seed: u8) -> Stamp {
    std::array::from_fn(|at| seed.wrapping_add(at as u8))
}

fn asked(name: &str, files: &[(&CStr, &[&CStr])]) -> Asked {
    let dist_info = format!("{name}-1.dist-info");
    let head = Head {
        name,
        spelled: &name.to_uppercase(),
        version: "1",
        sha256: Sha256::of(name.as_bytes()),
        judged_by: "policy",
        installer: Some("pipward"),
        requested: true,
        dist_info: dist_info.as_bytes(),
        files: files.iter().map(|(_, names)| names.len()).sum(),
    };
    let mut asked = Asked::new(&head).unwrap();
    for (directory, names) in files {
        asked.push(directory.to_bytes(), names.iter().map(|name| name.to_bytes())).unwrap();
    }
    asked
}

fn one(name: &str, files: &[(&CStr, &[&CStr])]) -> Written<'static> {
    let look = |_: &Directory<'_>, stamps: &mut [Stamp]| {
        stamps.iter_mut().enumerate().for_each(|(at, place)| *place = stamp(at as u8));
        Some(0o40755)
    };
    asked(name, files).fill(look).unwrap()
}

fn write(library: &[u8], spelled: &[u8], closed: Option<Sha256>, all: &[Written<'_>]) -> Option<Vec<u8>> {
    parts(library, spelled, closed, all.iter().cloned()).map(|parts| parts.flatten().collect())
}

/// What is read of these bytes.
fn read(bytes: &[u8]) -> Option<Packed> {
    Packed::read(bytes.len() as u64, |range| part(bytes, &range).map(<[u8]>::to_vec))
}

fn part<'b>(bytes: &'b [u8], range: &Range<u64>) -> Option<&'b [u8]> {
    bytes.get(range.start as usize..range.end as usize)
}

fn sample() -> Vec<u8> {
    let all = [
        one("alpha", &[(c".", &[c"alpha.py"]), (c"alpha-1.dist-info", &[c"METADATA", c"RECORD"])]),
        one("beta", &[(c"/e/bin", &[c"beta"]), (c"beta", &[c"a.py", c"b.py", c"\xff.py"])]),
    ];
    write(b"/e/lib", b"/link/lib", Some(Sha256::of(b"closed")), &all).unwrap()
}

/// Everything that can be asked of it.
fn walk(packed: &Packed, bytes: &[u8]) -> Vec<String> {
    let mut told = vec![format!("{:?}", packed.closed())];
    for dist_info in ["alpha-1.dist-info", "beta-1.dist-info", ""] {
        let Some(noted) = packed.get(dist_info.as_bytes()) else { continue };
        told.push(format!("{} {} {} {}", noted.name, noted.spelled, noted.version, noted.sha256));
        told.push(format!("{} {}", noted.judged_by, noted.is_of("pipward", true)));
        for directory in directories(part(bytes, &noted.body).unwrap()) {
            let files: Vec<_> = directory.files().collect();
            assert!(files.len() <= directory.len() && directory.names().count() == files.len());
            told.push(format!("{:?} {:o} {files:?}", directory.path, directory.mode));
        }
    }
    told
}

#[test]
fn what_is_written_is_read() {
    let bytes = sample();
    let packed = read(&bytes).unwrap();
    assert!(packed.is_of(b"/e/lib", b"/link/lib"));
    assert!(!packed.is_of(b"/e/lib", b"/e/lib") && !packed.is_of(b"/link/lib", b"/link/lib"));
    assert_eq!(packed.closed(), Some(Sha256::of(b"closed")));
    let beta = packed.get(b"beta-1.dist-info").unwrap();
    assert_eq!((beta.name, beta.spelled, beta.version, beta.judged_by), ("beta", "BETA", "1", "policy"));
    assert_eq!((beta.sha256, beta.files), (Sha256::of(b"beta"), 4));
    assert!(beta.is_of("pipward", true) && !beta.is_of("pip", true) && !beta.is_of("pipward", false));
    let body = part(&bytes, &beta.body).unwrap();
    let directories: Vec<_> = directories(body).collect();
    assert_eq!(
        directories.iter().map(Directory::path_below).collect::<Vec<_>>(),
        ["/e/bin", "beta"].map(Path::new)
    );
    let files: Vec<_> = directories[1].files().collect();
    assert_eq!(files, [(c"a.py", &stamp(0)), (c"b.py", &stamp(1)), (c"\xff.py", &stamp(2))]);
    assert!(packed.get(b"gamma-1.dist-info").is_none());
    assert_eq!(
        beta.written(body.to_vec()),
        one("beta", &[(c"/e/bin", &[c"beta"]), (c"beta", &[c"a.py", c"b.py", c"\xff.py"])])
    );
}

/// Each directory is asked for once, with its files in order; what cannot be told of one is told of none.
#[test]
fn every_file_is_looked_at() {
    let files: [(&CStr, &[&CStr]); 3] =
        [(c"/e/bin", &[c"beta"]), (c"beta", &[c"a.py", c"b.py", c"\xff.py"]), (c"empty", &[])];
    let asked = asked("beta", &files);
    assert_eq!(asked.dist_info(), b"beta-1.dist-info");
    let mut looked = Vec::new();
    let filled = asked.fill(|directory, stamps| {
        looked.push((directory.path.to_owned(), directory.names().map(CStr::to_owned).collect::<Vec<_>>()));
        assert!(directory.names().count() == stamps.len() && stamps.iter().all(|stamp| *stamp == [0; STAMP]));
        stamps.iter_mut().enumerate().for_each(|(at, place)| *place = stamp(at as u8));
        Some(0o40755)
    });
    assert_eq!(filled.unwrap(), one("beta", &files));
    let names = |names: &[&CStr]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(looked, files.map(|(path, of)| (path.to_owned(), names(of))));
    assert!(asked.fill(|directory, _| (directory.path != c"empty").then_some(0)).is_none());
}

#[test]
fn what_cannot_be_a_name_is_not_asked_for() {
    let mut asked = asked("beta", &[]);
    assert!(asked.push(b"a\0b", [].into_iter()).is_none());
    assert!(asked.push(b"a", [&b"b\0c"[..]].into_iter()).is_none());
}

#[test]
fn nothing_is_read_of_another_format() {
    assert!(read(b"").is_none());
    assert!(read(b"{\"format\":5}").is_none());
    let mut other = sample();
    *other.last_mut().unwrap() ^= 1;
    assert!(read(&other).is_none());
    // Where an earlier reader looks.
    assert_eq!(sample()[..4], FORMAT.to_le_bytes());
}

/// What the end does not hold is read as well, and once.
#[test]
fn heads_are_read_in_one_go_or_two() {
    let name = |at: usize| format!("package{at:03}");
    for (number, times) in [(10, 1), (200, 2)] {
        let all: Vec<_> = (0..number).map(|at| one(&name(at), &[(c".", &[c"a.py", c"b.py"])])).collect();
        let bytes = write(b"/e/lib", b"/e/lib", None, &all).unwrap();
        // What can be read of it in so many goes.
        let within = |most: usize| {
            let left = std::cell::Cell::new(most);
            let read = |range| {
                left.set(left.get().checked_sub(1)?);
                part(&bytes, &range).map(<[u8]>::to_vec)
            };
            Packed::read(bytes.len() as u64, read)
        };
        assert!(within(times - 1).is_none());
        let packed = within(times).unwrap();
        for (at, one) in all.iter().enumerate() {
            let noted = packed.get(format!("{}-1.dist-info", name(at)).as_bytes()).unwrap();
            assert_eq!(noted.name, name(at));
            let body = part(&bytes, &noted.body).unwrap();
            assert_eq!(directories(body).count(), 1);
            assert_eq!(noted.written(body.to_vec()), *one);
        }
    }
}

/// Whoever can write the cache can write anything: it is read within its bounds, or not at all.
#[test]
fn damaged_bytes_are_read_within_their_bounds() {
    let whole = sample();
    let before = walk(&read(&whole).unwrap(), &whole);
    for end in 0..whole.len() {
        if let Some(packed) = read(&whole[..end]) {
            walk(&packed, &whole[..end]);
        }
    }
    for at in 0..whole.len() {
        for damage in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= damage;
            if let Some(packed) = read(&bytes) {
                assert!(
                    walk(&packed, &bytes) != before
                        || !packed.is_of(b"/e/lib", b"/link/lib")
                        || is_unread(at, &whole)
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(
        if std::env::var_os("PIPWARD_TEST_LONG").is_some() { 300_000 } else { 500 }
    ))]
    /// Lengths that lie, parts that are gone or there twice: all that is read together is no more than there is.
    #[test]
    fn no_more_is_read_than_there_is(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..4, any::<u32>(), 0_usize..80), 1..6),
    ) {
        let mut bytes = sample();
        for (at, how, number, count) in changes {
            let at = at.index(bytes.len().max(1)).min(bytes.len());
            let end = (at + count).min(bytes.len());
            match how {
                0 => drop(bytes.drain(at..end)),
                1 => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
                how => {
                    // Small, and such that the end would overflow.
                    let number = if how == 2 { number % 200 } else { !(number % 200) };
                    let end = (at + 4).min(bytes.len());
                    bytes[at..end].copy_from_slice(&number.to_le_bytes()[..end - at]);
                }
            }
        }
        let most = bytes.len();
        let Some(packed) = read(&bytes) else { return Ok(()) };
        prop_assert!(packed.all.len() <= most / LEAST);
        walk(&packed, &bytes);
        let mut read = 0;
        for one in &packed.all {
            let Some(noted) = Noted::read(packed.part(&one.head), &one.body) else { continue };
            read += noted.name.len() + noted.spelled.len() + noted.version.len() + noted.judged_by.len();
            for directory in directories(part(&bytes, &noted.body).unwrap()) {
                let names: usize = directory.names().map(CStr::count_bytes).sum();
                read += directory.path.count_bytes() + names + directory.files().count() * STAMP;
            }
        }
        prop_assert!(read <= most, "{read} of {most}");
    }
}

/// Each distribution takes room when it is read, so that none may be too short to be one.
#[test]
fn nothing_shorter_than_a_distribution_is_one() {
    let least = Asked::new(&Head {
        name: "",
        spelled: "",
        version: "",
        sha256: Sha256::of(b""),
        judged_by: "",
        installer: None,
        requested: false,
        dist_info: b"",
        files: 0,
    });
    let least = least.unwrap().fill(|_, _| None).unwrap();
    assert_eq!((least.head.len(), least.body.len()), (LEAST, 0));
    let read_one = |one: Written<'_>| read(&write(b"", b"", None, &[one]).unwrap());
    let short = Written { head: least.head[1..].to_vec().into(), body: Vec::new() };
    assert!(read_one(short).is_none());
    let noted = read_one(least).unwrap();
    assert_eq!(noted.get(b"").unwrap().name, "");
    // Bytes that belong to no distribution.
    let mut empty = write(b"", b"", None, &[]).unwrap();
    assert!(read(&empty).is_some());
    empty.splice(4..4, [0; 4]);
    assert!(read(&empty).is_none());
    // A directory of metadata that ends behind what is said to be all of the head.
    let mut beyond = one("alpha", &[]);
    let length = u32::try_from(beyond.head.len()).unwrap() - 4;
    beyond.head.to_mut()[..4].copy_from_slice(&(length + 1).to_le_bytes());
    assert!(read(&write(b"", b"", None, &[beyond, one("beta", &[])]).unwrap()).is_none());
    // Bodies that are longer or shorter than what is there.
    for change in [1, 2, 0x80] {
        let mut other = one("alpha", &[(c".", &[c"a.py"])]);
        let last = other.head.len() - 4;
        other.head.to_mut()[last] ^= change;
        assert!(read_one(other).is_none());
    }
}

/// A head ends with how long the body is: what is more or less than its parts is not passed over.
#[test]
fn a_head_is_its_parts_and_nothing_else() {
    let whole = one("alpha", &[(c".", &[c"alpha.py"])]);
    let is_read = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut other = whole.clone();
        change(other.head.to_mut());
        let bytes = write(b"/e/lib", b"/e/lib", None, &[other]).unwrap();
        read(&bytes).is_some_and(|packed| packed.get(b"alpha-1.dist-info").is_some())
    };
    assert!(is_read(&|_| {}));
    for junk in [&b"j"[..], b"junk", b"more junk"] {
        assert!(!is_read(&|head| drop(head.splice(head.len() - 4..head.len() - 4, junk.iter().copied()))));
    }
    let installer = whole.head.windows(11).position(|found| found == b"\x07\0\0\0pipward").unwrap();
    for length in [0, 1, 3, 6, 8, 11] {
        assert!(!is_read(&|head| head[installer] = length), "{length}");
    }
}

/// Whether a byte is one that earlier readers look at, or that tells how much work there is, and nothing that counts.
fn is_unread(at: usize, whole: &[u8]) -> bool {
    let count =
        |needle: &[u8]| whole.windows(needle.len()).position(|found| found == needle).unwrap() + needle.len();
    let alpha = count(b"\x07\0\0\0pipward");
    let beta = alpha + whole[alpha..].windows(7).position(|found| found == b"pipward").unwrap() + 7;
    at < 4 || (alpha..alpha + 4).contains(&at) || (beta..beta + 4).contains(&at)
}
