//! Runs programs in a clean environment and looks at what they said.
//!
//! Each run has a home and a cache of its own, unless it asks for the shared cache; of this process's
//! environment it sees PATH and what TLS and proxies need, nothing else.

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a child sees of our own environment.
const KEPT: &[&str] = &[
    "PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// A directory that outlives a test run: downloads and peers are kept there.
pub fn kept_dir(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// A directory of one test, removed at its end. It stands on the file system of the build.
pub fn scratch() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("pipward-").tempdir_in(kept_dir("scratch")).unwrap()
}

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `vendor-test-wheels/` or a file in it.
pub fn vendored(file: &str) -> PathBuf {
    repository().join("vendor-test-wheels").join(file)
}

/// A run of pipward.
pub fn pipward<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Run {
    Run::new(env!("CARGO_BIN_EXE_pipward")).args(arguments)
}

/// A program that is about to run.
pub struct Run {
    program: PathBuf,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
}

impl Run {
    pub fn new(program: impl AsRef<Path>) -> Self {
        Self {
            program: program.as_ref().to_owned(),
            arguments: Vec::new(),
            variables: Vec::new(),
            directory: None,
        }
    }

    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The working directory; else the run's own empty home.
    #[must_use]
    pub fn dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// The cache that tests with real packages share.
    #[must_use]
    pub fn shared_cache(self) -> Self {
        self.env("PIPWARD_CACHE_DIR", kept_dir("pipward-cache"))
    }

    /// The same in a network namespace of its own, which has no route; `None` where the system does not let us make one,
    /// which is told.
    #[must_use]
    pub fn without_network(mut self) -> Option<Self> {
        let probe = Command::new("unshare").args(["-rn", "true"]).output();
        if !probe.is_ok_and(|output| output.status.success()) {
            super::loudly("unshare -rn does not work here: nothing is proven about a run without a network");
            return None;
        }
        let program = std::mem::replace(&mut self.program, "unshare".into());
        self.arguments.splice(0..0, ["-rn".into(), "--".into(), program.into_os_string()]);
        Some(self)
    }

    /// Runs it to its end.
    pub fn run(self) -> Output {
        let home = scratch();
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().stdin(Stdio::null());
        for name in KEPT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("HOME", home.path()).env("LANG", "C.UTF-8");
        command.env("PIPWARD_CACHE_DIR", home.path().join("cache"));
        command.env("PIPWARD_FILE_HOSTS", super::server::hosts());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.directory.as_deref().unwrap_or(home.path()));
        let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        Output {
            typed: std::iter::once(self.program.as_os_str())
                .chain(self.arguments.iter().map(OsString::as_os_str))
                .map(|word| word.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
                .join(" "),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// What a program said, and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    pub typed: String,
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// All of it, for the message of a failed test.
    pub fn told(&self) -> String {
        let mut told = format!("$ {}\n(exit {:?})\n", self.typed, self.code);
        let _ = write!(told, "--- stdout\n{}\n--- stderr\n{}\n", self.stdout, self.stderr);
        if self.stderr.contains("index-unreachable") {
            told.push_str("This test needs PyPI. PIPWARD_TEST_OFFLINE=1 leaves out the tests that do.\n");
        }
        told
    }

    #[track_caller]
    pub fn code(self, expected: i32) -> Self {
        assert!(self.code == Some(expected), "exit {expected} was expected\n{}", self.told());
        self
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        self.code(0)
    }

    #[track_caller]
    pub fn stdout_has(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "stdout lacks {text:?}\n{}", self.told());
        self
    }

    #[track_caller]
    pub fn stderr_has(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "stderr lacks {text:?}\n{}", self.told());
        self
    }

    /// A refusal with this code, and the exit status that belongs to it.
    #[track_caller]
    pub fn refused(self, code: pipward::error::Code) -> Self {
        self.code(i32::from(code.exit_class().status())).stderr_has(code.name())
    }
}
