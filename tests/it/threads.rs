//! A system that gives few threads, or none when one is asked for: a run makes do with fewer, or says so; it never waits for ever.

use std::process::Command;

use pipward::error::Code;

use crate::support::pythons::any_python;
use crate::support::run::{Output, Run, scratch};
use crate::support::server::{Published, Server, Style};
use crate::support::world::wheel;
use crate::support::{long, loudly};

/// An index whose host has a name, with wheels that are read, hashed and copied on threads of their own.
struct World {
    scratch: tempfile::TempDir,
    server: Server,
}

impl World {
    fn new() -> Self {
        let world = Self { scratch: scratch(), server: Server::start() };
        for (name, size) in [("apple", 100), ("pear", 300 << 10), ("plum", 9 << 20)] {
            let mut state = 7_u32;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            };
            let content: Vec<u8> = (0..size).map(|_| next()).collect();
            let built = wheel(name, "1.0").file(&format!("{name}.bin"), content);
            world.server.publish(name, &[Published::new(built.build())], &Style::default());
        }
        world.run(&[], "lock").ok();
        world.run(&[], "warm").ok();
        world
    }

    /// A run beneath another program: `lock`, or an install with a cold or a `warm` cache.
    fn run(&self, beneath: &[String], what: &str) -> Output {
        let cache = if what == "warm" { "kept" } else { "fresh" };
        for name in ["env", "fresh"] {
            let _ = std::fs::remove_dir_all(self.scratch.path().join(name));
        }
        let mut words: Vec<String> = ["-k", "5", "60"].map(str::to_owned).to_vec();
        words.extend_from_slice(beneath);
        words.push(env!("CARGO_BIN_EXE_pipward").to_owned());
        let python = any_python().executable.display().to_string();
        let host = format!("localhost:{}", self.server.port());
        let run = Run::new("timeout").args(words);
        let run = match what {
            "lock" => run.args(["lock", "-i", &format!("http://{host}/simple/"), "apple", "pear", "plum"]),
            _ => run.args(["install", "--venv", "env", "-r", "pylock.toml"]),
        };
        let run = run.args(["--cache-dir", cache, "--python", &python]);
        run.env("PIPWARD_FILE_HOSTS", host).dir(self.scratch.path()).run()
    }

    /// Whether it was done. What is not done is refused for this reason, and nothing is left of it.
    #[track_caller]
    fn is_done(&self, beneath: &[String], what: &str) -> bool {
        let told = self.run(beneath, what);
        let typed = format!("{what} beneath {beneath:?}\n{}", told.told());
        assert!(!told.stderr.contains("fault of pipward") && !told.stderr.contains("panicked"), "{typed}");
        if told.code == Some(0) {
            return true;
        }
        told.refused(Code::ProcessLimit);
        assert!(!self.scratch.path().join("env").exists(), "{typed}");
        false
    }
}

/// What lets a program have no more than so many processes and threads.
#[derive(Clone, Copy)]
enum Limited {
    /// As a user of this number, who has nothing else running and may read all files.
    As(u32),
    /// In a namespace, which counts its own.
    Inside,
}

impl Limited {
    /// `None` where nothing can.
    fn here() -> Option<Self> {
        let user = 1_000_000_000 + std::process::id();
        let is_limited = |way: &Self| {
            let words = way.to(4);
            let tried =
                |script: &str| Command::new(&words[0]).args(&words[1..]).args(["sh", "-c", script]).output();
            let many = "for n in 1 2 3 4 5 6 7 8; do sleep 1 & done";
            tried("exit 0").is_ok_and(|output| output.status.success())
                && tried(many).is_ok_and(|output| !output.stderr.is_empty())
        };
        let found = [Self::As(user), Self::Inside].into_iter().find(is_limited);
        if found.is_none() {
            loudly("SKIPPED: no limit of processes can be set here (setpriv, unshare -r, prlimit)");
        }
        // Of the first one some may still be running.
        found.map(|way| if let Self::As(user) = way { Self::As(user + 1_000_000) } else { way })
    }

    fn to(self, most: usize) -> Vec<String> {
        let mut words = match self {
            Self::As(user) => vec![
                "setpriv".to_owned(),
                format!("--reuid={user}"),
                "--clear-groups".to_owned(),
                "--inh-caps=-all,+dac_override,+dac_read_search".to_owned(),
                "--ambient-caps=+dac_override,+dac_read_search".to_owned(),
                "--bounding-set=-all,+dac_override,+dac_read_search".to_owned(),
            ],
            Self::Inside => vec!["unshare".to_owned(), "-r".to_owned()],
        };
        words.extend(["prlimit".to_owned(), format!("--nproc={most}:{most}")]);
        words
    }
}

#[test]
fn few_threads_do() {
    let Some(limited) = Limited::here() else { return };
    let world = World::new();
    let cores = std::thread::available_parallelism().unwrap().get();
    // The run itself, Ctrl-C, Python, and a thread for each core that unpacks or speaks to the network.
    let (wanted, enough) = (3 + cores + cores.clamp(2, 8), 16 + 2 * cores);
    for what in ["cold", "warm", "lock"] {
        let tried = (1..=wanted.min(8)).chain([cores + 2, cores + 4, wanted - 1, enough]);
        let done: Vec<usize> = tried.filter(|most| world.is_done(&limited.to(*most), what)).collect();
        assert!(!done.contains(&1) && done.contains(&enough), "{what}: {done:?}");
        assert!(done.iter().any(|most| *most < wanted), "{what}: {done:?}");
    }
}

/// Each of them by itself, as it happens where others have taken the last one for a moment.
#[test]
fn no_thread_is_waited_for_that_was_not_made() {
    let strace = |fault: &str| {
        let inject = format!("inject=clone3,clone:error=EAGAIN:when={fault}");
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject].map(str::to_owned).to_vec()
    };
    let usable = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    if !usable.is_ok_and(|output| output.status.success()) {
        return loudly("SKIPPED: strace is not here or may not trace; no thread fails by itself");
    }
    let world = World::new();
    for what in ["cold", "warm", "lock"] {
        // Each thread of a run counts for itself: the first of the network asks for one too.
        let done = (1..=9).filter(|at| world.is_done(&strace(&at.to_string()), what)).count();
        assert!(done >= 4, "{what}: {done}");
        if long() {
            (1..=9).for_each(|at| _ = world.is_done(&strace(&format!("{at}+")), what));
        }
    }
}
