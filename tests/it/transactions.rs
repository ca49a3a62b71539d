//! A run that is killed, or that the system fails, leaves an environment that the next command makes wholly old or
//! wholly new.
//!
//! Kills come at random moments, and at each system call (by `strace`, where it is here). A sample by default;
//! `PIPWARD_TEST_LONG=1` runs all of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::hash::{BuildHasher as _, Hasher as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pipward::error::Code;

use crate::commands::{Place, simple};
use crate::support::run::{Output, Run, pipward};
use crate::support::tree::{Tree, differences, tree};
use crate::support::wheels::WheelBuilder;
use crate::support::{long, loudly};

/// An environment, a copy of it as it was, and what a change of it leads to.
struct World {
    place: Place,
    old: Tree,
    new: Tree,
    change: Vec<OsString>,
}

fn wheels(version: &str) -> Vec<WheelBuilder> {
    let module = |index: usize| (format!("alpha/part{index}/mod.py"), format!("x = '{version} {index}'\n"));
    let mut alpha = simple("alpha", version).entry_points("[console_scripts]\nalpha = alpha:main\n");
    // One package loses directories, the other gains some.
    let count = if version == "1" { 6 } else { 4 };
    for (path, text) in (0..count).map(module) {
        alpha = alpha.file(&path, text);
    }
    let mut beta = simple("beta", version).data("data", "share/beta/file.txt", version);
    if version == "2" {
        beta = beta.file("beta/new/deep/mod.py", "");
    }
    vec![alpha, beta]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Install,
    Upgrade,
    Uninstall,
    Sync,
    /// A sync that removes byte-code and files that no RECORD lists, and gives a directory its permission bits back.
    Clean,
}

impl World {
    fn new(change: Change) -> Self {
        let before: &[WheelBuilder] = match change {
            Change::Install => &[],
            Change::Upgrade | Change::Uninstall => &wheels("1"),
            Change::Sync => &[wheels("1"), vec![simple("extra", "1")]].concat(),
            Change::Clean => &wheels("2"),
        };
        let place = Place::with(before);
        if change == Change::Clean {
            let library = place.library();
            let cache = library.join("alpha/part1/__pycache__");
            std::fs::create_dir(&cache).unwrap();
            std::fs::write(cache.join("mod.cpython-312.pyc"), "planted").unwrap();
            std::fs::create_dir_all(library.join("stray/deep")).unwrap();
            std::fs::write(library.join("stray/deep/mod.py"), "").unwrap();
            std::fs::write(library.join("stray.pth"), "import os\n").unwrap();
            let everybody = std::fs::Permissions::from_mode(0o777);
            std::fs::set_permissions(library.join("beta"), everybody).unwrap();
        }
        let requirements = place.offer(&wheels("2"));
        std::fs::write(place.path("new.txt"), requirements).unwrap();
        let old = tree(&place.environment());
        copy(&place.environment(), &place.path("saved"));
        let mut words: Vec<OsString> = match change {
            Change::Uninstall => ["uninstall", "-y", "alpha", "beta"].map(OsString::from).to_vec(),
            Change::Sync => vec!["sync".into()],
            Change::Clean => ["sync", "--rehash", "--remove-unlisted"].map(OsString::from).to_vec(),
            _ => vec!["install".into()],
        };
        if change != Change::Uninstall {
            words.extend(["--no-index", "--find-links"].map(OsString::from));
            words.push(place.path("wheels").into());
            words.push("-r".into());
            words.push(place.path("new.txt").into());
        }
        words.push("--python".into());
        words.push(place.environment().into());
        let mut world = Self { place, old, new: Tree::new(), change: words };
        world.run().ok();
        world.new = tree(&world.place.environment());
        assert!(!differences(&world.old, &world.new).is_empty());
        world.reset();
        world
    }

    fn run(&self) -> Output {
        pipward(&self.change).dir(self.place.scratch.path()).env("PIPWARD_CACHE_DIR", self.cache()).run()
    }

    fn cache(&self) -> PathBuf {
        self.place.path("cache")
    }

    fn reset(&self) {
        let environment = self.place.environment();
        let _ = std::fs::remove_dir_all(&environment);
        copy(&self.place.path("saved"), &environment);
    }

    /// A command with nothing of our own environment but PATH.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.place.scratch.path()).env("PIPWARD_CACHE_DIR", self.cache());
        command.current_dir(self.place.scratch.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn repair(&self) -> Output {
        pipward(["repair"]).arg(self.place.environment()).env("PIPWARD_CACHE_DIR", self.cache()).run()
    }

    /// Repairs, and tells whether the environment is the new one. It is made the old one again.
    #[track_caller]
    fn settled(&self, what: &str) -> bool {
        let told = self.repair().ok();
        let now = tree(&self.place.environment());
        let (from_old, from_new) = (differences(&self.old, &now), differences(&self.new, &now));
        assert!(
            from_old.is_empty() || from_new.is_empty(),
            "{what}: neither old nor new\nfrom old (left):\n{}\nfrom new (left):\n{}\n{}",
            from_old.join("\n"),
            from_new.join("\n"),
            told.told()
        );
        let is_new = from_new.is_empty();
        if is_new {
            self.reset();
        }
        is_new
    }
}

fn copy(from: &Path, to: &Path) {
    Run::new("cp").arg("-a").arg(from).arg(to).run().ok();
}

/// A different number each time, below `end`.
fn random(end: u128) -> u128 {
    let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
    hasher.write_u8(0);
    u128::from(hasher.finish()) % end.max(1)
}

/// Kills a change at random moments.
fn kill_at_random(change: Change, times: usize) {
    let world = World::new(change);
    let started = Instant::now();
    world.command(Path::new(env!("CARGO_BIN_EXE_pipward"))).args(&world.change).status().unwrap();
    let lasts = started.elapsed().as_micros();
    world.reset();
    let mut ended = BTreeMap::new();
    for number in 0..times {
        let mut child =
            world.command(Path::new(env!("CARGO_BIN_EXE_pipward"))).args(&world.change).spawn().unwrap();
        // Much of a run is start and verification; what matters comes late.
        let from = if number % 2 == 0 { 0 } else { lasts / 2 };
        let wait = from + random(lasts * 11 / 10 - from);
        std::thread::sleep(Duration::from_micros(u64::try_from(wait).unwrap()));
        let _ = child.kill();
        child.wait().unwrap();
        let is_new = world.settled(&format!("killed after {wait} of {lasts} us"));
        *ended.entry(is_new).or_insert(0) += 1;
    }
    if long() {
        loudly(&format!("{change:?}: {times} kills at random moments; ended new: {ended:?}"));
    }
}

fn sample() -> usize {
    if long() { 130 } else { 5 }
}

#[test]
fn promise_4_an_install_that_is_killed_is_old_or_new() {
    kill_at_random(Change::Install, sample());
}

#[test]
fn promise_4_an_upgrade_that_is_killed_is_old_or_new() {
    kill_at_random(Change::Upgrade, sample());
}

#[test]
fn promise_4_an_uninstall_that_is_killed_is_old_or_new() {
    kill_at_random(Change::Uninstall, sample());
}

#[test]
fn promise_4_a_sync_that_is_killed_is_old_or_new() {
    kill_at_random(Change::Sync, sample());
}

#[test]
fn promise_4_a_sync_that_cleans_and_is_killed_is_old_or_new() {
    kill_at_random(Change::Clean, sample());
    for fault in ["error=ENOSPC", "error=EIO"] {
        at_each_call(Change::Clean, fault, &CHANGING, |world, code, what| {
            let is_new = world.settled(what);
            assert_eq!(code == Some(0), is_new, "{what}");
        });
    }
}

/// Where `strace` is and may trace.
fn strace() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|entry| entry.join("strace")).find(|file| file.is_file());
    let usable = found.filter(|file| {
        let traced = Command::new(file).args(["-f", "-o", "/dev/null", "true"]).output();
        traced.is_ok_and(|output| output.status.success())
    });
    if usable.is_none() {
        loudly("SKIPPED: strace is not here or may not trace; no faults at system calls");
    }
    usable
}

/// Each system call of a run with how often one thread made it at most.
fn calls(world: &World, strace: &Path) -> BTreeMap<String, usize> {
    let log = world.place.path("strace.log");
    let traced = world
        .command(strace)
        .args(["-f", "-qq", "-o"])
        .arg(&log)
        .arg(env!("CARGO_BIN_EXE_pipward"))
        .args(&world.change)
        .status()
        .unwrap();
    assert!(traced.success());
    world.reset();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in std::fs::read_to_string(&log).unwrap().lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some((call, _)) = rest.trim_start().split_once('(') else { continue };
        if call.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            *counts.entry((thread.to_owned(), call.to_owned())).or_insert(0) += 1;
        }
    }
    let mut most = BTreeMap::new();
    for ((_, call), count) in counts {
        let entry = most.entry(call).or_insert(0);
        *entry = count.max(*entry);
    }
    most
}

/// The calls that change names. (A failing `write` would hit the wakeups of the runtime too; see the full disk below.)
const CHANGING: [&str; 11] = [
    "rename",
    "renameat",
    "renameat2",
    "mkdir",
    "mkdirat",
    "unlink",
    "unlinkat",
    "rmdir",
    "fsync",
    "openat",
    "fchmodat",
];

/// Runs the change once for each system call with a fault injected there.
fn at_each_call(
    change: Change,
    fault: &str,
    only: &[&str],
    judge: impl Fn(&World, Option<i32>, &str),
) -> usize {
    let Some(strace) = strace() else { return 0 };
    let world = World::new(change);
    let mut points: Vec<(String, usize)> = calls(&world, &strace)
        .into_iter()
        .filter(|(call, _)| only.is_empty() || only.contains(&call.as_str()))
        .filter(|(call, _)| !matches!(call.as_str(), "execve" | "exit" | "exit_group" | "rt_sigreturn"))
        .flat_map(|(call, count)| (1..=count).map(move |number| (call.clone(), number)))
        .collect();
    if !long() {
        let changing: Vec<_> =
            points.iter().filter(|(call, _)| CHANGING.contains(&call.as_str())).cloned().collect();
        let step = changing.len().div_ceil(8).max(1);
        let offset = usize::try_from(random(u128::try_from(step).unwrap())).unwrap();
        points = changing.into_iter().skip(offset).step_by(step).collect();
    }
    for (call, number) in &points {
        let status = world
            .command(&strace)
            .args(["-f", "-qq", "-o", "/dev/null", "-e"])
            .arg(format!("inject={call}:{fault}:when={number}"))
            .arg(env!("CARGO_BIN_EXE_pipward"))
            .args(&world.change)
            .status()
            .unwrap();
        judge(&world, status.code(), &format!("{fault} at {call} number {number}"));
    }
    if long() {
        loudly(&format!("{change:?}: {fault} at {} system calls", points.len()));
    }
    points.len()
}

#[test]
fn promise_4_a_kill_at_each_system_call_leaves_old_or_new() {
    at_each_call(Change::Upgrade, "signal=KILL", &[], |world, _, what| {
        world.settled(what);
    });
}

/// A disk that is full, or fails, once: the run takes everything back by itself, or succeeds.
#[test]
fn promise_4_a_full_or_failing_disk_changes_nothing() {
    for fault in ["error=ENOSPC", "error=EIO"] {
        at_each_call(Change::Upgrade, fault, &CHANGING, |world, code, what| {
            let now = tree(&world.place.environment());
            let told = differences(&world.old, &now);
            let is_whole = differences(&world.new, &now).is_empty();
            let is_clean = told.iter().all(|line| line.contains(".pipward-"));
            let is_new = world.settled(what);
            match code {
                Some(0) => assert!(is_new && is_whole, "{what}"),
                Some(_) => assert!(!is_new && is_clean, "{what}: {}", told.join("\n")),
                None => panic!("{what}: a signal ended it"),
            }
        });
    }
}

/// Not every file system can be told to replace nothing (NFS, FUSE): what is in the way is looked for then.
#[test]
fn an_environment_is_changed_where_a_rename_knows_no_flags() {
    let Some(strace) = strace() else { return };
    for change in [Change::Install, Change::Upgrade, Change::Uninstall] {
        let world = World::new(change);
        let status = world
            .command(&strace)
            .args(["-f", "-qq", "-o", "/dev/null", "-e", "inject=renameat2:error=EINVAL"])
            .arg(env!("CARGO_BIN_EXE_pipward"))
            .args(&world.change)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(0), "{change:?}");
        let told = differences(&world.new, &tree(&world.place.environment()));
        assert!(told.is_empty(), "{change:?}: {}", told.join("\n"));
    }
}

/// A file system of a few hundred kilobytes, in a namespace of its own: writing fails wherever it is full.
#[test]
fn promise_4_a_small_disk_changes_nothing_or_everything() {
    on_a_small_disk("size", 40, 400, if long() { 4 } else { 24 });
}

/// The same with few files, whatever their size.
#[test]
fn promise_4_a_disk_without_inodes_changes_nothing_or_everything() {
    on_a_small_disk("nr_inodes", 40, 160, if long() { 1 } else { 5 });
}

fn on_a_small_disk(limit: &str, from: usize, to: usize, step: usize) {
    let world = World::new(Change::Upgrade);
    let environment = world.place.environment();
    let script = "mount -t tmpfs -o $1 tmpfs \"$2\" && cp -a \"$3/.\" \"$2/\" || exit 77\n\
                  env=$2; result=$4; shift 4; \"$@\"; code=$?\n\
                  cp -a \"$env\" \"$result\" && exit $code";
    let (mut size, mut ended) = (from, BTreeMap::new());
    let result = world.place.path("result");
    while size < to && ended.get(&true).is_none_or(|count| *count < 2) {
        let _ = std::fs::remove_dir_all(&result);
        let status = world
            .command(Path::new("unshare"))
            .args(["-rm", "sh", "-c", script, "sh"])
            .arg(format!("{limit}={size}{}", if limit == "size" { "k" } else { "" }))
            .arg(&environment)
            .arg(world.place.path("saved"))
            .arg(&result)
            .arg(env!("CARGO_BIN_EXE_pipward"))
            .args(&world.change)
            .status();
        let code = status.ok().and_then(|status| status.code());
        size += step;
        if code == Some(77) || code == Some(1) && !result.exists() {
            continue; // Too small for what was there, or no namespaces.
        }
        let (now, is_new) = (tree(&result), code == Some(0));
        let told = differences(if is_new { &world.new } else { &world.old }, &now);
        assert!(told.is_empty(), "{limit}={size}, exit {code:?}:\n{}", told.join("\n"));
        *ended.entry(is_new).or_insert(0) += 1;
    }
    if ended.is_empty() {
        loudly("SKIPPED: no file system may be mounted in a namespace here");
    } else {
        assert!(ended.contains_key(&true), "{ended:?}");
    }
    if long() {
        loudly(&format!("a small disk ({limit}): old or new {ended:?}"));
    }
}

#[test]
fn two_processes_wait_for_each_other_or_say_who_is_there() {
    let world = World::new(Change::Upgrade);
    let environment = world.place.environment();
    let directory = std::fs::File::open(&environment).unwrap();
    directory.lock().unwrap();
    let mut waiting =
        world.command(Path::new(env!("CARGO_BIN_EXE_pipward"))).args(&world.change).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(waiting.try_wait().unwrap().is_none(), "it waits");
    drop(directory);
    assert!(waiting.wait().unwrap().success());
    assert!(differences(&world.new, &tree(&environment)).is_empty());
    if long() {
        let directory = std::fs::File::open(&environment).unwrap();
        directory.lock().unwrap();
        let told = pipward(["uninstall", "-y", "alpha", "--python"]).arg(&environment).run();
        told.refused(Code::EnvironmentBusy).stderr_has(&format!("process {}", std::process::id()));
    }
}

#[test]
fn a_repair_of_what_is_whole_does_nothing() {
    let place = Place::with(&[simple("alpha", "1")]);
    let before = tree(&place.environment());
    pipward(["repair"]).arg(place.environment()).run().ok().stdout_has("Nothing to repair");
    pipward(["repair", "--json"]).env("VIRTUAL_ENV", place.environment()).run().ok().stdout_has("nothing");
    assert!(differences(&before, &tree(&place.environment())).is_empty());
}
