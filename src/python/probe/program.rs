//! Programs that are asked something: interpreters, and the loader of musl.
//!
//! Owns: how they are run: away from the current directory, without variables that steer Python, within a time, and with a
//! cap on what they say. Never: leaves one running that nobody waits for.

use std::ffi::OsStr;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// How long a program may take to answer.
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// How long is waited for a program to end that has said everything, in the beginning and at most.
const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
/// The largest answer (and cache file) that is read, in bytes.
pub(super) const MAX_ANSWER: u64 = 256 << 10;

pub(super) struct Output {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// A program that was begun. It is killed where nobody waits for its end.
pub(super) struct Running {
    child: Child,
    started: Instant,
    stdout: Option<Receiver<Vec<u8>>>,
    stderr: Option<Receiver<Vec<u8>>>,
    has_ended: bool,
}

impl Running {
    pub(super) fn begin(program: &Path, arguments: &[&str]) -> std::io::Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir("/").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            if steers_python(&name) {
                command.env_remove(name);
            }
        }
        let mut child = command.spawn()?;
        let [stdout, stderr] = [child.stdout.take().map(collect), child.stderr.take().map(collect)];
        Ok(Self { child, started: Instant::now(), stdout, stderr, has_ended: false })
    }

    /// Waits for its end.
    pub(super) fn end(mut self) -> std::io::Result<Output> {
        let mut heard = None;
        let mut pause = FIRST_PAUSE;
        while self.child.try_wait()?.is_none() {
            if self.started.elapsed() > TIME_LIMIT {
                return Err(std::io::Error::new(
                    std::io::ErrorKind::TimedOut,
                    format!("it gave no answer in {} seconds", TIME_LIMIT.as_secs()),
                ));
            }
            match &self.stdout {
                // Whoever has said everything is about to end.
                Some(stdout) if heard.is_none() => {
                    heard = stdout.recv_timeout(LONGEST_PAUSE).ok();
                }
                _ => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        self.has_ended = true;
        // A child of the child may hold the pipes open.
        let said = |pipe: Option<Receiver<Vec<u8>>>| {
            pipe.and_then(|pipe| pipe.recv_timeout(TIME_LIMIT).ok()).unwrap_or_default()
        };
        let stdout = heard.unwrap_or_else(|| said(self.stdout.take()));
        Ok(Output { stdout, stderr: said(self.stderr.take()) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended {
            // Where this fails, it has ended already.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn steers_python(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with("PYTHON") || name == "__PYVENV_LAUNCHER__"
}

/// At most [`MAX_ANSWER`] bytes; a program that says more loses its pipe.
fn collect(pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is judged by its content; nobody may be waiting any more.
        pipe.take(MAX_ANSWER).read_to_end(&mut bytes).ok();
        sender.send(bytes).ok();
    });
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_steer_python_are_taken_away() {
        let check =
            |name: &str, expected: bool| assert_eq!(steers_python(OsStr::new(name)), expected, "{name}");
        check("PYTHONPATH", true);
        check("PYTHONHOME", true);
        check("__PYVENV_LAUNCHER__", true);
        check("PATH", false);
        check("VIRTUAL_ENV", false);
    }
}
