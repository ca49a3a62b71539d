//! The ground on which bad input is tried: an environment, a store and a bystander, none of which may change; and a
//! watcher that starts pipward, measures its memory, and ends it after a time.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use pipward::digest::Sha256;
use pipward::error::Code;
use pipward_resolver::WheelName;

use crate::support::pythons::any_python;
use crate::support::run::scratch;
use crate::support::tree::{Tree, differences, tree};
use crate::support::wheels::WheelBuilder;

/// No run takes more memory, in bytes.
const MEMORY: u64 = 256 << 20;
/// No run takes longer, in seconds.
const TIME: f64 = 10.0;

/// Runs what it reads, a line each, and tells how it went.
const WATCHER: &str = r#"
import json, os, signal, subprocess, sys, threading, time
for line in sys.stdin:
    job = json.loads(line)
    with open(job["out"], "wb") as out, open(job["err"], "wb") as err:
        start = time.monotonic()
        child = subprocess.Popen(job["argv"], cwd=job["cwd"], env=job["env"], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        killer = threading.Timer(60, child.kill)
        killer.start()
        _, status, usage = os.wait4(child.pid, 0)
        killer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status) if hasattr(os, "waitstatus_to_exitcode") else status >> 8
        told = {"status": child.returncode, "memory": usage.ru_maxrss * 1024, "seconds": time.monotonic() - start}
    print(json.dumps(told), flush=True)
"#;

/// What a run said, and what it took.
pub struct Ran {
    pub status: i64,
    pub memory: u64,
    pub seconds: f64,
    pub stdout: String,
    pub stderr: String,
    /// What lies where it was started and beside it that did not before, or is another one now.
    pub wrote: Vec<String>,
}

impl Ran {
    /// The codes of the errors that were told.
    pub fn codes(&self) -> Vec<String> {
        let mut codes: Vec<String> = self
            .stderr
            .lines()
            .filter_map(|line| line.strip_prefix("error[")?.split_once(']').map(|(code, _)| code.to_owned()))
            .collect();
        codes.dedup();
        codes
    }
}

/// The ground.
pub struct Ground {
    directory: tempfile::TempDir,
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    stays: Tree,
}

impl Ground {
    /// An environment in which a package is installed, with its store.
    pub fn new() -> Self {
        let directory = scratch();
        let mut child = Command::new(any_python().executable)
            .args(["-I", "-S", "-c", WATCHER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut ground = Self { directory, child, to, from, stays: Tree::new() };
        for name in ["stays", "stays/home", "stays/tmp", "stays/outside", "work"] {
            std::fs::create_dir(ground.path(name)).unwrap();
        }
        std::fs::write(ground.path("stays/outside/victim"), "untouched").unwrap();
        let apple = WheelBuilder::new("apple", "1.0")
            .file("apple/__init__.py", "colour = 'red'\n")
            .file("apple/core.py", "")
            .entry_points("[console_scripts]\napple = apple:main\n");
        let lock = ground.lock_of(&[apple.build()]);
        let ran = ground.run(&["install", "--venv", "../stays/env", "-r", &lock]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        ground.settle();
        ground
    }

    /// A path of the ground.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What is there now is what has to stay.
    pub fn settle(&mut self) {
        self.stays = tree(&self.path("stays"));
    }

    /// Runs pipward in `work`.
    pub fn run(&mut self, arguments: &[&str]) -> Ran {
        let (out, err) = (self.path("stdout"), self.path("stderr"));
        let argv: Vec<&str> =
            std::iter::once(env!("CARGO_BIN_EXE_pipward")).chain(arguments.iter().copied()).collect();
        let python = any_python().executable;
        let job = serde_json::json!({
            "argv": argv, "cwd": self.path("work"), "out": out, "err": err,
            "env": {
                "HOME": self.path("stays/home"), "TMPDIR": self.path("stays/tmp"), "LANG": "C.UTF-8",
                "PATH": "/usr/bin:/bin", "PIPWARD_CACHE_DIR": self.path("stays/cache"),
                "PIPWARD_PYTHON": python,
            },
        });
        let before = self.around();
        writeln!(self.to, "{job}").unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        Ran {
            status: told["status"].as_i64().unwrap(),
            memory: told["memory"].as_u64().unwrap(),
            seconds: told["seconds"].as_f64().unwrap(),
            stdout: read(&out),
            stderr: read(&err),
            wrote: self.around().difference(&before).cloned().collect(),
        }
    }

    /// Names and sizes of what lies in the working directory and above it, where a run has nothing to write.
    fn around(&self) -> BTreeSet<String> {
        let listed = |directory: &str| {
            let entries = std::fs::read_dir(self.path(directory)).unwrap().map(|entry| entry.unwrap());
            let told = entries.map(|entry| (entry.file_name(), entry.metadata().unwrap()));
            told.map(|(name, found)| format!("{directory}/{name:?} {}", found.len())).collect::<Vec<_>>()
        };
        // Where it is told to install, and where its words go.
        let ours = |line: &String| !line.starts_with("./\"std") && !line.starts_with("work/\"out\"");
        listed(".").into_iter().chain(listed("work")).filter(ours).collect()
    }

    /// Writes wheels and a lock that is right about them. Returns the lock's name.
    pub fn lock_of(&self, wheels: &[(String, Vec<u8>)]) -> String {
        let mut text = String::from("lock-version = \"1.0\"\ncreated-by = \"a test\"\n");
        let mut entries: Vec<(String, String)> = Vec::new();
        for (file, bytes) in wheels {
            std::fs::write(self.path("work").join(file), bytes).unwrap();
            let parsed = WheelName::parse(file).unwrap();
            entries.push((
                parsed.name().to_string(),
                format!(
                    "[[packages]]\nname = \"{}\"\nversion = \"{}\"\nwheels = [{{ path = \"{file}\", size = {}, hashes = {{ sha256 = \"{}\" }} }}]\n",
                    parsed.name(),
                    parsed.version(),
                    bytes.len(),
                    Sha256::of(bytes)
                ),
            ));
        }
        entries.sort();
        text.extend(entries.into_iter().map(|(_, entry)| entry));
        std::fs::write(self.path("work/pylock.toml"), text).unwrap();
        "pylock.toml".to_owned()
    }

    /// What is wrong with a run that had to be refused with `code` and change nothing; empty if nothing is.
    pub fn faults(&self, ran: &Ran, code: Code) -> Vec<String> {
        let mut faults = Vec::new();
        if ran.codes() != [code.name()] || ran.status != i64::from(code.exit_class().status()) {
            faults.push(format!(
                "{code} was expected; exit {}, {:?}\n{}",
                ran.status,
                ran.codes(),
                ran.stderr
            ));
        }
        faults.extend(self.excesses(ran));
        faults.extend(differences(&self.stays, &tree(&self.path("stays"))));
        faults
    }

    /// What a run took too much of.
    pub fn excesses(&self, ran: &Ran) -> Vec<String> {
        let mut faults = Vec::new();
        let panics = ["panicked", "RUST_BACKTRACE", "error[internal]"];
        if panics.iter().any(|word| ran.stderr.contains(word)) {
            faults.push(format!("it panicked: {}", ran.stderr));
        }
        if ran.memory > MEMORY {
            faults.push(format!("it took {} MB", ran.memory >> 20));
        }
        faults.extend(ran.wrote.iter().map(|file| format!("it wrote {file}")));
        if ran.seconds > TIME {
            faults.push(format!("it took {:.1} s", ran.seconds));
        }
        faults
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
