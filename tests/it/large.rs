//! Files that come in many pieces: written whole and in order, or refused with nothing left of them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use pipward::digest::Sha256;
use pipward::error::Code;

use crate::support::loudly;
use crate::support::pythons::any_python;
use crate::support::run::{Output, Run, pipward, scratch};
use crate::support::server::Server;
use crate::support::tree::{assert_same, tree};
use crate::support::wheels::WheelBuilder;
use crate::support::zips::Member;

const SIZE: usize = 9 << 20;
const LARGE: &str = "pkg/large.bin";

/// Content of which no part is like another.
fn content(seed: u32, size: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 28) as u8
    };
    (0..size).map(|_| next()).collect()
}

fn lock(directory: &Path, wheels: &[(&str, &str, &[u8])]) {
    let mut text = "lock-version = \"1.0\"\ncreated-by = \"tests\"\n".to_owned();
    for (name, file, bytes) in wheels {
        std::fs::write(directory.join(file), bytes).unwrap();
        let sha256 = Sha256::of(bytes);
        text.push_str(&format!(
            "[[packages]]\nname = \"{name}\"\nversion = \"1.0\"\nwheels = [{{ path = \"{file}\", hashes = {{ sha256 = \"{sha256}\" }} }}]\n"
        ));
    }
    std::fs::write(directory.join("pylock.toml"), text).unwrap();
}

fn install(directory: &Path) -> Output {
    pipward(["install", "--venv", "env", "--cache-dir", "cache", "-r", "pylock.toml", "--python"])
        .arg(any_python().executable)
        .dir(directory)
        .run()
}

#[test]
fn large_files_come_out_as_they_went_in() {
    let scratch = scratch();
    let directory = scratch.path();
    let sizes = [(4 << 20) - 1, 4 << 20, SIZE, 300 << 10];
    let names = ["apple", "pear", "plum"];
    let content_of = |at: usize, nth: usize| content((10 * at + nth) as u32, sizes[nth]);
    let built: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let add =
                |builder: WheelBuilder, nth| builder.file(&format!("{name}/{nth}.bin"), content_of(at, nth));
            (0..sizes.len()).fold(WheelBuilder::new(name, "1.0"), add).build()
        })
        .collect();
    let wheels: Vec<_> =
        names.iter().zip(&built).map(|(name, (file, bytes))| (*name, file.as_str(), &bytes[..])).collect();
    lock(directory, &wheels);
    // From the folder, and from the cache.
    for _ in 0..2 {
        let _ = std::fs::remove_dir_all(directory.join("env"));
        install(directory).ok();
        for (_, _, bytes) in &wheels {
            let kept = directory.join(format!("cache/wheels/{}.whl", Sha256::of(bytes)));
            assert!(std::fs::read(&kept).unwrap() == *bytes);
            assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(directory.join("cache/wheels")).unwrap().count(), wheels.len());
        let installed = tree(&directory.join("env"));
        for (at, name) in names.iter().enumerate() {
            for nth in 0..sizes.len() {
                let (path, _) =
                    installed.iter().find(|(path, _)| path.ends_with(&format!("{name}/{nth}.bin"))).unwrap();
                let found = std::fs::read(directory.join("env").join(path)).unwrap();
                assert!(found == content_of(at, nth), "{name} {nth}");
            }
        }
    }
}

#[test]
fn a_large_file_that_lies_is_refused() {
    let scratch = scratch();
    let directory = scratch.path();
    let old = WheelBuilder::new("pkg", "1.0").file("pkg/old.py", "").build();
    lock(directory, &[("pkg", &old.0, &old.1)]);
    install(directory).ok();
    let honest = WheelBuilder::new("pkg", "1.0").file(LARGE, content(1, SIZE));
    let check = |what: &str, code: Code, lie: &dyn Fn(&mut Member)| {
        let mut zip = honest.zip();
        lie(zip.member(LARGE));
        lock(directory, &[("pkg", &honest.file_name(), &zip.bytes())]);
        let before = (tree(&directory.join("env")), tree(&directory.join("cache")));
        install(directory).refused(code).stderr_has(LARGE);
        assert_same(&before.0, &tree(&directory.join("env")));
        assert_same(&before.1, &tree(&directory.join("cache")));
        println!("{what}");
    };
    check("CRC", Code::ArchiveData, &|member| member.both(|header| header.crc ^= 1));
    check("bytes behind the stream", Code::ArchiveData, &|member| {
        member.data.push(0);
        member.both(|header| header.compressed += 1);
    });
    check("a stream that is cut", Code::ArchiveData, &|member| {
        member.data.pop();
        member.both(|header| header.compressed -= 1);
    });
    check("no stream from the middle on", Code::ArchiveData, &|member| {
        let middle = member.data.len() / 2;
        member.data[middle..].fill(0xff);
    });
    let mut other = content(1, SIZE);
    *other.last_mut().unwrap() ^= 1;
    check("another last byte", Code::RecordHash, &|member| *member = Member::deflated(LARGE, &other));
    other.push(0);
    check("a byte more", Code::RecordHash, &|member| *member = Member::deflated(LARGE, &other));
    check("a byte more than it says", Code::ArchiveData, &|member| {
        *member = Member::deflated(LARGE, &other);
        member.both(|header| header.size -= 1);
    });
    lock(directory, &[("pkg", &honest.file_name(), &honest.build().1)]);
    install(directory).ok();
}

/// A lock of one wheel of some size, which is above what is kept in memory.
fn of_some_size(directory: &Path) {
    let (name, bytes) = WheelBuilder::new("pkg", "1.0").file(LARGE, content(1, 3 << 20)).build();
    assert!(bytes.len() > 1 << 20);
    lock(directory, &[("pkg", &name, &bytes)]);
}

/// A private copy of some size needs a file, unless none can be made.
#[test]
fn wheels_of_some_size_need_no_place_for_temporary_files() {
    let scratch = scratch();
    let directory = scratch.path();
    of_some_size(directory);
    pipward(["install", "--venv", "env", "--no-cache-dir", "-r", "pylock.toml", "--python"])
        .arg(any_python().executable)
        .env("TMPDIR", "/nowhere")
        .dir(directory)
        .run()
        .ok();
}

/// A cache that cannot be written stops no run, as far as memory will do.
#[test]
fn wheels_of_some_size_need_no_room_in_the_cache() {
    let scratch = scratch();
    let directory = scratch.path();
    of_some_size(directory);
    std::fs::create_dir(directory.join("cache")).unwrap();
    let script = "mount -t tmpfs -o size=$0,mode=700 tmpfs cache && mkdir cache/wheels || exit 77; \"$@\"";
    // Full at once, and in the middle.
    for size in ["8k", "700k"] {
        let install =
            [size, env!("CARGO_BIN_EXE_pipward"), "install", "--venv", size, "--cache-dir", "cache"];
        let arguments = [&install[..], &["-r", "pylock.toml", "--python"]].concat();
        let Some(told) = mounting(directory, script, &arguments) else { return };
        told.ok();
        let installed = tree(&directory.join(size));
        let (path, _) = installed.iter().find(|(path, _)| path.ends_with(LARGE)).unwrap();
        assert!(std::fs::read(directory.join(size).join(path)).unwrap() == content(1, 3 << 20));
    }
}

/// Runs a script that mounts file systems, with these arguments and a Python behind them. It ends with 77 where it cannot;
/// `None` then, and where there is no namespace in which it may.
fn mounting(directory: &Path, script: &str, arguments: &[&str]) -> Option<Output> {
    let told = Run::new("unshare")
        .args(["-rm", "sh", "-c", script])
        .args(arguments)
        .arg(any_python().executable)
        .dir(directory)
        .run();
    if told.code == Some(77) || told.stderr.contains("unshare") {
        loudly("SKIPPED: no file system may be mounted in a namespace here");
        return None;
    }
    Some(told)
}

/// Runs a command with the cache, and the directory of temporary files, on file systems of these sizes; its last lines on standard
/// output are what the cache has, and whether each entry is what its name says. `None` where nothing can be mounted.
fn on_small_disks(directory: &Path, cache: &str, temporary: &str, what: [&str; 3]) -> Option<Output> {
    let script = "mount -t tmpfs -o mode=700,size=$0 tmpfs cache && mkdir cache/wheels || exit 77\n\
                  mount -t tmpfs -o mode=700,size=$1 tmpfs tmp || exit 77\n\
                  shift; TMPDIR=$PWD/tmp \"$@\"; code=$?\n\
                  cd cache/wheels && for file in $(ls -A); do echo \"kept $file $(sha256sum $file | head -c 64).whl\"; done\n\
                  exit $code";
    for name in ["cache", "tmp"] {
        std::fs::create_dir_all(directory.join(name)).unwrap();
    }
    let arguments = [&[cache, temporary, env!("CARGO_BIN_EXE_pipward")][..], &what].concat();
    let cached = ["--cache-dir", "cache", "-r", "pylock.toml", "--python"];
    let told = mounting(directory, script, &[&arguments[..], &cached].concat())?;
    for kept in told.stdout.lines().filter_map(|line| line.strip_prefix("kept ")) {
        let (name, content) = kept.split_once(' ').unwrap();
        assert_eq!(name, content, "half a wheel\n{}", told.told());
    }
    Some(told)
}

/// Two wheels above what is taken into memory, one from a server and one by its path.
fn two_large_wheels(directory: &Path, server: &Server) {
    let built = [("apple", 1), ("pear", 2)].map(|(name, seed)| {
        WheelBuilder::new(name, "1.0").file(&format!("{name}/large.bin"), content(seed, SIZE)).build()
    });
    let [apple, pear] = &built;
    lock(directory, &[("apple", &apple.0, &apple.1)]);
    server.file(&format!("/files/{}", pear.0), pear.1.clone());
    let mut text = std::fs::read_to_string(directory.join("pylock.toml")).unwrap();
    text.push_str(&format!(
        "[[packages]]\nname = \"pear\"\nversion = \"1.0\"\nwheels = [{{ url = \"{}\", hashes = {{ sha256 = \"{}\" }} }}]\n",
        server.url(&format!("/files/{}", pear.0)),
        Sha256::of(&pear.1)
    ));
    std::fs::write(directory.join("pylock.toml"), text).unwrap();
}

const UNKEPT: &str = "the cache does not keep all wheels of this run: No space left on device";

#[test]
fn large_wheels_need_no_room_in_the_cache() {
    let (scratch, server) = (scratch(), Server::start());
    let directory = scratch.path();
    two_large_wheels(directory, &server);
    // Full at once, in the middle of one, after one; and large enough.
    for (size, kept) in [("8k", 0..=0), ("3m", 0..=0), ("8m", 1..=1), ("64m", 2..=2)] {
        let Some(told) = on_small_disks(directory, size, "64m", ["install", "--venv", size]) else { return };
        let told = told.ok();
        let count = told.stdout.lines().filter(|line| line.starts_with("kept ")).count();
        assert!(kept.contains(&count), "{size}: {count}\n{}", told.told());
        assert_eq!(told.stderr.matches(UNKEPT).count(), usize::from(size != "64m"), "{}", told.told());
        for (name, seed) in [("apple", 1), ("pear", 2)] {
            let installed = tree(&directory.join(size));
            let file = format!("{name}/large.bin");
            let (path, _) = installed.iter().find(|(path, _)| path.ends_with(&file)).unwrap();
            assert!(std::fs::read(directory.join(size).join(path)).unwrap() == content(seed, SIZE));
        }
    }
    let told = on_small_disks(directory, "8k", "64m", ["download", "--dest", "folder"]).unwrap().ok();
    assert_eq!(told.stderr.matches(UNKEPT).count(), 1, "{}", told.told());
    assert_eq!(directory.join("folder").read_dir().unwrap().count(), 2);
}

/// More has arrived by then than memory takes: it goes along into another file.
#[test]
fn a_large_wheel_goes_on_elsewhere_from_its_middle() {
    let scratch = scratch();
    let directory = scratch.path();
    let (name, bytes) = WheelBuilder::new("apple", "1.0").file("apple/large.bin", content(1, SIZE)).build();
    assert!(bytes.len() > 4600 << 10, "{}", bytes.len());
    lock(directory, &[("apple", &name, &bytes)]);
    let Some(told) = on_small_disks(directory, "4500k", "64m", ["install", "--venv", "env"]) else { return };
    let told = told.ok();
    assert!(!told.stdout.contains("kept "), "{}", told.told());
    assert_eq!(told.stderr.matches(UNKEPT).count(), 1, "{}", told.told());
    let installed = tree(&directory.join("env"));
    let (path, _) = installed.iter().find(|(path, _)| path.ends_with("apple/large.bin")).unwrap();
    assert!(std::fs::read(directory.join("env").join(path)).unwrap() == content(1, SIZE));
}

#[test]
fn where_nothing_has_room_for_a_large_wheel_that_is_said() {
    let (scratch, server) = (scratch(), Server::start());
    let directory = scratch.path();
    two_large_wheels(directory, &server);
    let Some(told) = on_small_disks(directory, "8k", "2m", ["install", "--venv", "env"]) else { return };
    let told = told.refused(Code::DiskFull).stderr_has("/tmp").stderr_has("TMPDIR");
    assert!(!told.stdout.contains("kept ") && !directory.join("env").exists(), "{}", told.told());
}

/// What is in the store is hashed in a copy, for which its own file system has no room.
#[test]
fn large_wheels_of_a_full_cache_are_taken_from_it() {
    let (scratch, server) = (scratch(), Server::start());
    let directory = scratch.path();
    two_large_wheels(directory, &server);
    let script = "mount -t tmpfs -o mode=700,size=14m tmpfs cache || exit 77; pip=$0\n\
                  for env in one two; do $pip install --venv $env --cache-dir cache -r pylock.toml --python \"$1\" || exit; \
                  head -c 14M /dev/zero > cache/full; rm -f *.whl; done; exit 0";
    std::fs::create_dir(directory.join("cache")).unwrap();
    let Some(told) = mounting(directory, script, &[env!("CARGO_BIN_EXE_pipward")]) else { return };
    told.ok();
    let asked = server.requests().iter().filter(|request| request.path.contains("/files/")).count();
    assert_eq!(asked, 1, "the second install has it from the store");
}
