//! pip, uv, packaging and pip-tools at pinned versions, installed for the tests by pipward itself.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::pythons::{Python, any_python, each_python};
use super::run::{Output, Run, kept_dir, pipward, repository};

/// An environment that holds the peers.
pub struct Peers {
    environment: PathBuf,
    /// The interpreter that it was made from.
    pub base: Python,
}

/// pip 26.3, uv 0.13.9, packaging 26.3 and pip-tools, on the newest CPython here.
pub fn peers() -> &'static Peers {
    static PEERS: OnceLock<Peers> = OnceLock::new();
    PEERS.get_or_init(|| {
        let python = any_python();
        assert!(python.at_least(11), "the peers need CPython 3.11 or newer");
        Peers::made("requirements.txt", python)
    })
}

/// The last pip that runs on CPython 3.9, if there is one here.
fn pip_for_39() -> Option<&'static Peers> {
    static PEERS: OnceLock<Option<Peers>> = OnceLock::new();
    PEERS
        .get_or_init(|| Some(Peers::made("python39.txt", each_python(&["3.9"]).into_iter().next()?)))
        .as_ref()
}

impl Peers {
    /// Installs a lock of `tests/peers` once; a standing environment of the same lock is taken as it is.
    pub fn made(lock: &str, base: Python) -> Self {
        let lock = repository().join("tests/peers").join(lock);
        let digest = pipward::digest::Sha256::of(&std::fs::read(&lock).unwrap()).to_string();
        let place = kept_dir("peers");
        let guard = std::fs::File::create(place.join("guard")).unwrap();
        guard.lock().unwrap();
        let environment = place.join(format!("{}-{}", base.version, &digest[..16]));
        if !environment.exists() {
            pipward(["install", "-r"])
                .arg(&lock)
                .arg("--venv")
                .arg(&environment)
                .arg("--python")
                .arg(&base.executable)
                .shared_cache()
                .run()
                .ok();
        }
        Self { environment, base }
    }

    /// A name that is its lock's and its Python's own.
    pub fn name(&self) -> &OsStr {
        self.environment.file_name().unwrap()
    }

    /// A program of the environment.
    pub fn program(&self, name: &str) -> PathBuf {
        self.environment.join("bin").join(name)
    }

    /// The interpreter that can import packaging and pip.
    pub fn python(&self) -> PathBuf {
        self.environment.join("bin/python")
    }

    /// uv, with one cache for all tests.
    pub fn uv<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        Run::new(self.environment.join("bin/uv"))
            .args(arguments)
            .env("UV_CACHE_DIR", kept_dir("uv-cache"))
            .env("UV_NO_CONFIG", "1")
            .env("UV_NO_PROGRESS", "1")
            .env("UV_PYTHON_DOWNLOADS", "never")
            .env("UV_SYSTEM_CERTS", "1")
    }

    /// pip, for its own environment. One cache for all tests.
    pub fn pip<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        Run::new(self.python())
            .args(["-m", "pip"])
            .args(arguments)
            .env("PIP_CACHE_DIR", kept_dir("pip-cache"))
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("PIP_NO_INPUT", "1")
    }

    /// pip-compile.
    pub fn pip_compile<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        Run::new(self.environment.join("bin/pip-compile"))
            .args(arguments)
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    }

    /// Runs a script with the interpreter that can import packaging.
    pub fn script(&self, script: &str, arguments: &[&Path]) -> Output {
        Run::new(self.python()).args(["-I", "-B", "-c", script]).args(arguments).run()
    }
}

/// pip for an environment, run by that environment's own interpreter: 26.3, and the last one for 3.9 there.
pub fn pip_on<S: AsRef<OsStr>>(
    environment: &Path,
    python: &Python,
    arguments: impl IntoIterator<Item = S>,
) -> Option<Run> {
    let peers = if python.at_least(10) { peers() } else { pip_for_39()? };
    Some(peers.pip(["--python"]).arg(environment.join("bin/python")).args(arguments))
}
