//! One run of a command, and what it used.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use wait4::Wait4 as _;

/// What a run used, its children included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Seconds on the clock.
    pub wall: f64,
    /// Seconds of user and system time.
    pub cpu: f64,
    /// The largest resident set, in MiB.
    pub peak: f64,
    /// What lies in the cache afterwards, in MiB.
    pub cache: f64,
}

/// What a run ended in.
pub struct Ended {
    /// What it used.
    pub sample: Sample,
    /// Whether it exited with 0.
    pub ok: bool,
    /// The end of what it said.
    pub said: String,
}

/// Runs a command that has to succeed, with nothing in its environment but what it names, and tells what it used.
///
/// It is started by a small process, since a process begins with the largest resident set of the one that it was forked
/// from, and ours has read whole trees.
pub fn measured(command: &Command) -> Result<Sample> {
    let told = tempfile::NamedTempFile::new()?;
    let mut launcher = Command::new(std::env::current_exe()?);
    launcher.env_clear().arg("launch").arg(told.path()).arg(command.get_program()).args(command.get_args());
    launcher.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        launcher.current_dir(directory);
    }
    let ended = run(&mut launcher)?;
    if !ended.ok {
        bail!("{command:?} failed:\n{}", ended.said);
    }
    Ok(serde_json::from_reader(told)?)
}

/// Runs a program in this process's place, and writes what it used into a file. Its exit code.
pub fn launch(into: &Path, program: &OsStr, arguments: &[OsString]) -> Result<u8> {
    let started = Instant::now();
    let mut child = Command::new(program).args(arguments).spawn().context("starting it")?;
    let used = child.wait4()?;
    let sample = sample(started, &used.rusage);
    std::fs::write(into, serde_json::to_vec(&sample)?)?;
    Ok(if used.status.success() { 0 } else { 1 })
}

fn sample(started: Instant, used: &wait4::ResourceUsage) -> Sample {
    Sample {
        wall: started.elapsed().as_secs_f64(),
        cpu: (used.utime + used.stime).as_secs_f64(),
        peak: used.maxrss as f64 / f64::from(1 << 20),
        cache: 0.0,
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Result<Ended> {
    let mut said = tempfile::tempfile()?;
    command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said.try_clone()?);
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("starting {command:?}"))?;
    let used = child.wait4()?;
    let sample = sample(started, &used.rusage);
    Ok(Ended { sample, ok: used.status.success(), said: tail(&mut said)? })
}

/// Runs a command that has to succeed.
pub fn succeed(command: &mut Command) -> Result<Sample> {
    let ended = run(command)?;
    if !ended.ok {
        bail!("{command:?} failed:\n{}", ended.said);
    }
    Ok(ended.sample)
}

fn tail(file: &mut File) -> Result<String> {
    let mut text = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(30)..].join("\n"))
}

/// The size of all files beneath a directory, in MiB: what they hold, each once however many names it has.
pub fn size_of(directory: &Path) -> f64 {
    use std::os::unix::fs::MetadataExt as _;
    let mut seen = std::collections::HashSet::new();
    let mut waiting = vec![directory.to_owned()];
    let mut bytes = 0;
    while let Some(directory) = waiting.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => waiting.push(entry.path()),
                Ok(found) if seen.insert(found.ino()) => bytes += found.len(),
                _ => {}
            }
        }
    }
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_s_time_and_memory_are_its_own() {
        let spent =
            succeed(Command::new("sh").args(["-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"]))
                .unwrap();
        assert!(spent.cpu > 0.0 && spent.cpu <= spent.wall * 4.0 + 0.1, "{spent:?}");
        assert!(spent.peak > 0.1 && spent.peak < 100.0, "{spent:?}");
    }

    #[test]
    fn what_failed_tells_its_last_words() {
        let problem = succeed(Command::new("sh").args(["-c", "echo no; exit 3"])).unwrap_err();
        assert!(problem.to_string().ends_with("no"), "{problem}");
    }

    #[test]
    fn a_file_with_two_names_counts_once() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("a")).unwrap();
        std::fs::write(place.path().join("a/one"), vec![0; 1 << 20]).unwrap();
        std::fs::hard_link(place.path().join("a/one"), place.path().join("two")).unwrap();
        assert_eq!(size_of(place.path()), 1.0);
    }
}
