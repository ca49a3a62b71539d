//! Programs that are asked something: interpreters, and the loader of musl.
//!
//! Owns: how they are run: away from the current directory, without variables that steer Python, within a time, and with a
//! cap on what they say. Never: leaves one running that nobody waits for.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::mem::take;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

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
    stdout: Pipe<ChildStdout>,
    stderr: Pipe<ChildStderr>,
    has_ended: bool,
}

impl Running {
    pub(super) fn begin(program: &Path, arguments: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir("/").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            if steers_python(&name) {
                command.env_remove(name);
            }
        }
        let mut child = command.spawn()?;
        let (stdout, stderr) = (Pipe::new(child.stdout.take())?, Pipe::new(child.stderr.take())?);
        Ok(Self { child, started: Instant::now(), stdout, stderr, has_ended: false })
    }

    /// Waits for its end.
    pub(super) fn end(mut self) -> io::Result<Output> {
        let is_told = self.listen()?;
        let mut pause = FIRST_PAUSE;
        while self.child.try_wait()?.is_none() {
            // Whoever has said everything is about to end.
            if !is_told || self.left().is_none() {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("it gave no answer in {} seconds", TIME_LIMIT.as_secs()),
                ));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        self.has_ended = true;
        Ok(Output { stdout: take(&mut self.stdout.said), stderr: take(&mut self.stderr.said) })
    }

    /// Takes what it says, until both pipes end. `false` where they stay open for too long: it may have ended all the same, and
    /// a child of it hold them.
    fn listen(&mut self) -> io::Result<bool> {
        loop {
            let Some(left) = self.left() else { return Ok(false) };
            let open = [self.stdout.asked(), self.stderr.asked()];
            let mut asked: Vec<PollFd<'_>> = open.into_iter().flatten().collect();
            if asked.is_empty() {
                return Ok(true);
            }
            match poll(&mut asked, Timespec::try_from(left).ok().as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            self.stdout.read();
            self.stderr.read();
        }
    }

    /// How much time it has left.
    fn left(&self) -> Option<Duration> {
        TIME_LIMIT.checked_sub(self.started.elapsed())
    }
}

/// What is said through a pipe.
struct Pipe<P> {
    open: Option<P>,
    said: Vec<u8>,
}

impl<P: Read + AsFd> Pipe<P> {
    fn new(open: Option<P>) -> io::Result<Self> {
        // Whoever reads takes what is there, and waits for both pipes at once.
        open.iter().try_for_each(|pipe| rustix::io::ioctl_fionbio(pipe, true))?;
        Ok(Self { open, said: Vec::new() })
    }

    fn asked(&self) -> Option<PollFd<'_>> {
        self.open.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN))
    }

    /// Takes what is there, if anything. A program that says more than [`MAX_ANSWER`] bytes loses its pipe.
    fn read(&mut self) {
        let Some(pipe) = &mut self.open else { return };
        let mut buffer = [0; 4 << 10];
        let is_open = match pipe.read(&mut buffer) {
            Ok(count) => {
                self.said.extend_from_slice(buffer.get(..count).unwrap_or_default());
                count > 0 && self.said.len() as u64 <= MAX_ANSWER
            }
            // What was read before an error is judged by its content.
            Err(error) => matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
        };
        if !is_open {
            self.open = None;
        }
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
