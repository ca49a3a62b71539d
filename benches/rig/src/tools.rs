//! The tools side by side, and how each is told the same thing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::measure::succeed;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// This project.
    Pipward,
    /// uv as it comes: hardlinks out of its cache where it can.
    Uv,
    /// uv with `--link-mode copy`, which is what it does across file systems.
    UvCopy,
    /// pip with `--no-compile`: what the others do.
    Pip,
    /// pip as it comes, which compiles what it installs to byte-code.
    PipCompiling,
    /// The bare loop.
    Limit,
    /// The library `rattler_installs_packages`, which is handed the wheels as files.
    Rip,
}

impl Tool {
    /// Whether it is pip, which takes its time.
    pub fn is_pip(self) -> bool {
        matches!(self, Self::Pip | Self::PipCompiling)
    }

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pipward => "pipward",
            Self::Uv => "uv",
            Self::UvCopy => "uv copying",
            Self::Pip => "pip",
            Self::PipCompiling => "pip compiling",
            Self::Limit => "limit",
            Self::Rip => "rip",
        }
    }
}

/// What a tool is asked to do.
#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// Resolve; `check` leaves the standing lock.
    Lock { universal: bool, check: bool },
    /// Install what a lock selects.
    Install { lock: &'a Path, cached: bool },
    /// Compare installed files with a lock.
    Verify { lock: &'a Path },
    /// Say the version.
    Start,
}

/// The programs.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The release build that is measured.
    pub pipward: PathBuf,
    /// An environment with uv and pip.
    pub peers: PathBuf,
    /// The interpreter of all environments.
    pub python: PathBuf,
    /// The program around `rattler_installs_packages`, where it takes part.
    pub rip: Option<PathBuf>,
}

impl Programs {
    /// Installs the pinned and hashed peers with pipward, unless they are there.
    pub fn install_peers(&self) -> Result<()> {
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/requirements.txt");
        if self.peers.join("bin/uv").exists() {
            return Ok(());
        }
        let mut command = Command::new(&self.pipward);
        command
            .args(["install", "-r"])
            .arg(lock)
            .arg("--venv")
            .arg(&self.peers)
            .arg("--python")
            .arg(&self.python);
        succeed(&mut command).context("installing the peers")?;
        Ok(())
    }

    /// Builds the program around `rattler_installs_packages` in a directory of its own, unless it is there.
    pub fn build_rip(&mut self, target: &Path) -> Result<()> {
        let mut command = Command::new("cargo");
        command.args(["build", "--quiet", "--release", "--locked", "--manifest-path"]);
        command.arg(rip_crate().join("Cargo.toml")).arg("--target-dir").arg(target);
        succeed(&mut command).context("building rip-peer")?;
        self.rip = Some(target.join("release/rip-peer"));
        Ok(())
    }

    /// What a tool calls itself.
    pub fn version(&self, tool: Tool) -> Result<String> {
        let mut command = match tool {
            Tool::Rip => return rip_version(),
            Tool::Pip | Tool::PipCompiling => Command::new(self.peers.join("bin/pip")),
            Tool::Uv | Tool::UvCopy => Command::new(self.peers.join("bin/uv")),
            Tool::Pipward | Tool::Limit => Command::new(&self.pipward),
        };
        let output = command.arg("--version").output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
    }
}

fn rip_crate() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../rip-peer")
}

/// A library says no version: its lock does.
fn rip_version() -> Result<String> {
    const NAME: &str = "rattler_installs_packages";
    let lock: toml::Table = std::fs::read_to_string(rip_crate().join("Cargo.lock"))?.parse()?;
    let mut packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let text = |package: &toml::Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    let found = packages.find(|package| text(package, "name").is_some_and(|name| name == NAME));
    let version = found.and_then(|package| text(package, "version")).context("not in its lock")?;
    Ok(format!("{NAME} {version}"))
}

/// The directory of one tool and one workload, and what is in it.
#[derive(Debug, Clone)]
pub struct Ground {
    directory: PathBuf,
    /// The address of the simple index.
    pub index: String,
    /// The wheels of the lock, for the bare loop and for the library.
    pub wheels: Vec<PathBuf>,
}

impl Ground {
    /// An empty one.
    pub fn new(directory: PathBuf, index: &str) -> Result<Self> {
        for part in ["home", "tmp", "work"] {
            std::fs::create_dir_all(directory.join(part))?;
        }
        // An index of the configuration: files are fetched from the addresses in the lock, as uv and pip do. One on the command
        // line would be looked through for each file.
        let configuration = format!("[[index]]\nname = \"rig\"\nurl = \"{index}\"\n");
        std::fs::write(directory.join("work/pipward.toml"), configuration)?;
        Ok(Self { directory, index: index.to_owned(), wheels: Vec::new() })
    }

    /// The tool's cache.
    pub fn cache(&self) -> PathBuf {
        self.directory.join("cache")
    }

    /// The environment that is installed into.
    pub fn environment(&self) -> PathBuf {
        self.directory.join("env")
    }

    /// The requirements, one a line.
    pub fn requirements(&self) -> PathBuf {
        self.directory.join("work/requirements.in")
    }

    /// The lock that a tool writes.
    pub fn lock(&self) -> PathBuf {
        self.directory.join("work/pylock.toml")
    }

    /// What a library refused to install in the last run, a line each.
    pub fn refused(&self) -> PathBuf {
        self.directory.join("work/refused")
    }

    /// Removes what a run left, if it is there.
    pub fn clear(path: &Path) -> Result<()> {
        match std::fs::symlink_metadata(path) {
            Err(_) => Ok(()),
            Ok(found) if found.is_dir() => Ok(std::fs::remove_dir_all(path)?),
            Ok(_) => Ok(std::fs::remove_file(path)?),
        }
    }

    /// Takes away what a run left, if it is there, before the next run. On a disk it is put beside, and removed with the whole
    /// ground once all is measured: ext4 does not take the places of files that were removed within the last minutes, and looks
    /// for others file by file, so that whoever runs next pays for what was removed before.
    pub fn take_away(path: &Path) -> Result<()> {
        static TAKEN: AtomicUsize = AtomicUsize::new(0);
        if !path.is_dir() || is_memory(path)? {
            return Self::clear(path);
        }
        let number = TAKEN.fetch_add(1, Ordering::Relaxed);
        Ok(std::fs::rename(path, path.with_extension(format!("taken-away-{number}")))?)
    }

    /// Waits until a disk has everything, so that no run writes for another one.
    pub fn settle(&self) -> Result<()> {
        if !is_memory(&self.directory)? {
            rustix::fs::syncfs(std::fs::File::open(&self.directory)?)?;
        }
        Ok(())
    }

    /// Makes an empty environment.
    pub fn new_environment(&self, programs: &Programs) -> Result<()> {
        Self::take_away(&self.environment())?;
        let mut command = Command::new(programs.peers.join("bin/uv"));
        command.args(["venv", "-q", "--no-config", "--no-cache", "--python"]).arg(&programs.python);
        succeed(command.arg(self.environment()))?;
        Ok(())
    }
}

/// Whether files of a directory are in memory alone.
pub fn is_memory(path: &Path) -> Result<bool> {
    /// `TMPFS_MAGIC` of statfs(2).
    const TMPFS: u64 = 0x0102_1994;
    Ok(u64::try_from(rustix::fs::statfs(path)?.f_type)? == TMPFS)
}

/// The command line of a tool for an action. `None` where it has nothing of the kind.
pub fn command(programs: &Programs, tool: Tool, ground: &Ground, action: Action<'_>) -> Option<Command> {
    let mut command = match tool {
        Tool::Pipward => pipward(programs, ground, action),
        Tool::Uv | Tool::UvCopy => uv(programs, ground, action, tool == Tool::UvCopy)?,
        Tool::Pip | Tool::PipCompiling => pip(programs, ground, action, tool == Tool::PipCompiling)?,
        Tool::Limit => limit(ground, action)?,
        Tool::Rip => rip(programs, ground, action)?,
    };
    command.env_clear().current_dir(ground.directory.join("work"));
    command.env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8");
    command.env("HOME", ground.directory.join("home")).env("TMPDIR", ground.directory.join("tmp"));
    command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    Some(command)
}

fn pipward(programs: &Programs, ground: &Ground, action: Action<'_>) -> Command {
    let mut command = Command::new(&programs.pipward);
    match action {
        Action::Lock { universal, check } => {
            command.arg("lock").arg("-r").arg(ground.requirements()).arg("-o").arg(ground.lock());
            command.args(check.then_some("--check"));
            if universal {
                command.args(["--universal", "--python-version", "3.10"]);
            } else {
                command.arg("--no-universal").arg("--python").arg(&programs.python);
            }
            command.arg("--cache-dir").arg(ground.cache());
        }
        Action::Install { lock, cached } => {
            command.arg("install").arg("-r").arg(lock).arg("--python").arg(ground.environment());
            if cached {
                command.arg("--cache-dir").arg(ground.cache());
            } else {
                command.arg("--no-cache-dir");
            }
        }
        Action::Verify { lock } => {
            command.arg("verify").arg(ground.environment()).arg("-r").arg(lock);
        }
        Action::Start => {
            command.arg("--version");
        }
    }
    command
}

fn uv(programs: &Programs, ground: &Ground, action: Action<'_>, copy: bool) -> Option<Command> {
    let mut command = Command::new(programs.peers.join("bin/uv"));
    let preview = ["--preview-features", "pylock"];
    match action {
        Action::Lock { universal, .. } => {
            command
                .args(["pip", "compile", "--format", "pylock.toml", "--only-binary", ":all:"])
                .args(preview);
            command
                .arg("--python")
                .arg(&programs.python)
                .arg("-o")
                .arg(ground.lock())
                .arg(ground.requirements());
            if universal {
                command.args(["--universal", "--python-version", "3.10"]);
            }
            command.arg("--default-index").arg(&ground.index);
        }
        Action::Install { lock, cached } => {
            command.args(["pip", "install"]).args(preview).arg("-r").arg(lock);
            command.arg("--python").arg(ground.environment()).arg("--default-index").arg(&ground.index);
            command.args((!cached).then_some("--no-cache"));
            if copy {
                command.args(["--link-mode", "copy"]);
            }
        }
        Action::Verify { .. } => return None,
        Action::Start => {
            command.arg("--version");
            return Some(command);
        }
    }
    command.args(["--no-config", "--no-python-downloads", "--cache-dir"]).arg(ground.cache());
    Some(command)
}

fn pip(programs: &Programs, ground: &Ground, action: Action<'_>, compiles: bool) -> Option<Command> {
    let mut command = Command::new(programs.peers.join("bin/python"));
    command.args(["-m", "pip"]);
    match action {
        Action::Lock { universal: true, .. } | Action::Lock { check: true, .. } | Action::Verify { .. } => {
            return None;
        }
        Action::Lock { .. } => {
            command.arg("lock").arg("-r").arg(ground.requirements()).arg("-o").arg(ground.lock());
            command.args(["--only-binary", ":all:", "--index-url"]).arg(&ground.index);
            command.arg("--cache-dir").arg(ground.cache());
        }
        Action::Install { lock, cached } => {
            command.arg("--python").arg(ground.environment()).arg("install");
            command.args((!compiles).then_some("--no-compile")).arg("-r").arg(lock);
            command.arg("--index-url").arg(&ground.index);
            if cached {
                command.arg("--cache-dir").arg(ground.cache());
            } else {
                command.arg("--no-cache-dir");
            }
        }
        Action::Start => {
            command.arg("--version");
        }
    }
    Some(command)
}

fn limit(ground: &Ground, action: Action<'_>) -> Option<Command> {
    let Action::Install { .. } = action else { return None };
    let mut command = Command::new(std::env::current_exe().ok()?);
    command.arg("limit").arg("--into").arg(ground.environment().join("limit")).args(&ground.wheels);
    Some(command)
}

fn rip(programs: &Programs, ground: &Ground, action: Action<'_>) -> Option<Command> {
    let Action::Install { cached: false, .. } = action else { return None };
    let mut command = Command::new(programs.rip.as_ref()?);
    command.arg(ground.environment()).arg(ground.refused()).args(&ground.wheels);
    Some(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_takes_part_where_it_has_something_of_the_kind() {
        let place = tempfile::tempdir().unwrap();
        let mut ground = Ground::new(place.path().to_owned(), "http://localhost/").unwrap();
        ground.wheels = vec![PathBuf::from("a-1-py3-none-any.whl")];
        let programs =
            |rip| Programs { pipward: PathBuf::new(), peers: PathBuf::new(), python: PathBuf::new(), rip };
        let asked = |programs: &Programs, action| command(programs, Tool::Rip, &ground, action);
        let install = |cached| Action::Install { lock: Path::new("pylock.toml"), cached };
        let compiled = programs(Some(PathBuf::from("/rip-peer")));
        let given: Vec<_> = asked(&compiled, install(false)).unwrap().get_args().map(PathBuf::from).collect();
        assert_eq!(given, [ground.environment(), ground.refused(), ground.wheels[0].clone()]);
        assert!(asked(&compiled, install(true)).is_none() && asked(&compiled, Action::Start).is_none());
        assert!(asked(&programs(None), install(false)).is_none());
    }

    #[test]
    fn the_library_s_version_is_the_one_of_its_lock() {
        let manifest: toml::Table =
            std::fs::read_to_string(rip_crate().join("Cargo.toml")).unwrap().parse().unwrap();
        let pinned = manifest["dependencies"]["rattler_installs_packages"]["version"].as_str().unwrap();
        assert_eq!(rip_version().unwrap(), format!("rattler_installs_packages {}", &pinned[1..]));
    }
}
