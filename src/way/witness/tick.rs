//! The clock that a file system takes its times from.
//!
//! Owns: that what is changed after [`Tick::end`] has a later time than what was changed before [`Tick::begin`]. Never:
//! leaves anything behind; it asks a file without a name.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::fs::{Mode, OFlags, Stat, Timespec, Timestamps, UTIME_NOW};

/// No clock of a file system stands still for longer: Linux counts in ticks of 1 to 10 milliseconds.
const LONGEST: Duration = Duration::from_millis(12);
/// How long to wait before the clock is asked again.
const PAUSE: Duration = Duration::from_millis(1);
/// How often it is asked, so that a clock that is set back is not waited for.
const TIMES: u32 = 12;

/// Waits until two changes can no longer have one time: while other things are done, or for as long as the clock stands.
#[derive(Debug)]
pub(crate) struct Tick(Way);

#[derive(Debug)]
enum Way {
    /// A file without a name has the time of its last change; it is changed again, and has the time of now.
    Asked { file: OwnedFd, begun: Time },
    /// Where there are no such files, the longest time is waited for.
    Waited(Option<JoinHandle<()>>),
}

/// Seconds and nanoseconds.
type Time = (i128, i128);

impl Tick {
    /// Begins once all is changed, in a directory of the file system that was written to.
    pub(crate) fn begin(directory: &Path) -> Self {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let asked = rustix::fs::open(directory, flags, Mode::RUSR | Mode::WUSR).ok().and_then(|file| {
            let begun = changed(&rustix::fs::fstat(&file).ok()?);
            Some(Way::Asked { file, begun })
        });
        Self(asked.unwrap_or_else(|| Way::Waited(thread::Builder::new().spawn(wait_longest).ok())))
    }

    pub(crate) fn end(self) {
        match self.0 {
            Way::Asked { file, begun } => {
                for _ in 0..TIMES {
                    match now(&file) {
                        Some(now) if now > begun => return,
                        Some(_) => thread::sleep(PAUSE),
                        None => return wait_longest(),
                    }
                }
            }
            // Where there can be no other thread, this one waits.
            Way::Waited(thread) => {
                if thread.is_none_or(|thread| thread.join().is_err()) {
                    wait_longest();
                }
            }
        }
    }
}

/// The time that a change has now.
fn now(file: &OwnedFd) -> Option<Time> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    rustix::fs::futimens(file, &Timestamps { last_access: now, last_modification: now }).ok()?;
    Some(changed(&rustix::fs::fstat(file).ok()?))
}

fn changed(found: &Stat) -> Time {
    (found.st_ctime.into(), found.st_ctime_nsec.into())
}

fn wait_longest() {
    thread::sleep(LONGEST);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(file: &Path) -> Time {
        std::fs::write(file, "x").unwrap();
        changed(&rustix::fs::stat(file).unwrap())
    }

    /// Nothing asks for the time of the one file before the other is changed: a kernel that has been asked for a time gives the
    /// next change of that file one of its own.
    #[test]
    fn what_changes_after_a_tick_has_a_later_time() {
        let room = tempfile::tempdir().unwrap();
        for number in 0..200 {
            let [before, after] = ["before", "after"].map(|name| room.path().join(format!("{name}{number}")));
            std::fs::write(&before, "x").unwrap();
            Tick::begin(room.path()).end();
            let after = change(&after);
            assert!(changed(&rustix::fs::stat(&before).unwrap()) < after);
        }
        assert_eq!(std::fs::read_dir(room.path()).unwrap().count(), 400);
    }

    #[test]
    fn where_no_clock_can_be_asked_the_longest_tick_is_waited_for() {
        let tick = Tick::begin(Path::new("/proc/self"));
        assert!(matches!(tick.0, Way::Waited(Some(_))));
        tick.end();
        Tick(Way::Waited(None)).end();
    }
}
