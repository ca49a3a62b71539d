//! The clock that a file system takes its times from.
//!
//! Owns: that what is changed after [`Tick::end`] has a later time than what was changed before [`Tick::begin`], and which
//! times nothing has that was left alone. Never: leaves anything behind; it asks a file without a name.

use std::fs::File;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::fs::{Stat, Timespec, Timestamps, UTIME_NOW};

use crate::memory::without_name;

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
    Asked { file: File, begun: Limit },
    /// Where there are no such files, the longest time is waited for.
    Waited(Option<JoinHandle<()>>),
}

/// Seconds and nanoseconds.
type Time = (i128, i128);

/// A time of a file system's clock. What was left alone since has an earlier one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    device: u64,
    time: Time,
}

impl Limit {
    /// The time of now, in a directory of the file system. `None` where nobody can be asked.
    pub(crate) fn now(directory: &Path) -> Option<Self> {
        Self::of(&rustix::fs::fstat(without_name(directory)?).ok()?)
    }

    fn of(found: &Stat) -> Option<Self> {
        Some(Self { device: device(found)?, time: changed(found) })
    }

    /// The earlier one.
    pub(crate) fn or_before(self, other: Option<Self>) -> Self {
        let time = other.filter(|other| other.device == self.device).map_or(self.time, |other| other.time);
        Self { time: self.time.min(time), ..self }
    }

    /// Whether a file was changed earlier, or has its times from another clock.
    pub(super) fn is_after(&self, found: &Stat) -> bool {
        device(found) != Some(self.device) || changed(found) < self.time
    }
}

impl Tick {
    /// Begins once all is changed, in a directory of the file system that was written to.
    pub(crate) fn begin(directory: &Path) -> Self {
        let asked = without_name(directory).and_then(|file| {
            let begun = Limit::of(&rustix::fs::fstat(&file).ok()?)?;
            Some(Way::Asked { file, begun })
        });
        Self(asked.unwrap_or_else(|| Way::Waited(thread::Builder::new().spawn(wait_longest).ok())))
    }

    /// What was changed before has an earlier time than what is returned, and whatever is changed from now on has none. Where
    /// the clock stood, that is the time at which it stands. `None` where nobody could be asked.
    pub(crate) fn end(self) -> Option<Limit> {
        match self.0 {
            Way::Asked { file, begun } => {
                let just_after = Limit { time: (begun.time.0, begun.time.1.saturating_add(1)), ..begun };
                let mut last = None;
                for _ in 0..TIMES {
                    let Some(now) = now(&file) else {
                        wait_longest();
                        return None;
                    };
                    last = Some(now);
                    if last > Some(begun.time) {
                        return Some(just_after);
                    }
                    thread::sleep(PAUSE);
                }
                last.map(|time| Limit { time, ..begun })
            }
            // Where there can be no other thread, this one waits.
            Way::Waited(thread) => {
                if thread.is_none_or(|thread| thread.join().is_err()) {
                    wait_longest();
                }
                None
            }
        }
    }
}

fn device(found: &Stat) -> Option<u64> {
    u64::try_from(i128::from(found.st_dev)).ok()
}

/// The time that a change has now.
fn now(file: &File) -> Option<Time> {
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
    fn what_changes_meanwhile_was_not_left_alone() {
        let room = tempfile::tempdir().unwrap();
        let [before, after] = ["before", "after"].map(|name| room.path().join(name));
        std::fs::write(&before, "x").unwrap();
        let tick = Tick::begin(room.path());
        if matches!(tick.0, Way::Waited(_)) {
            eprintln!("SKIPPED: the file system of {} has no files without a name", room.path().display());
            return;
        }
        wait_longest();
        std::fs::write(&after, "x").unwrap();
        let limit = tick.end().unwrap();
        let is_after = |limit: Limit, file: &Path| limit.is_after(&rustix::fs::stat(file).unwrap());
        assert!(is_after(limit, &before) && !is_after(limit, &after));
        let earlier = Limit { time: changed(&rustix::fs::stat(&before).unwrap()), ..limit };
        assert!(!is_after(earlier, &before) && !is_after(limit.or_before(Some(earlier)), &before));
        assert!(is_after(Limit { device: limit.device.wrapping_add(1), ..earlier }, &before));
    }

    #[test]
    fn where_no_clock_can_be_asked_the_longest_tick_is_waited_for() {
        let tick = Tick::begin(Path::new("/proc/self"));
        assert!(matches!(tick.0, Way::Waited(Some(_))));
        tick.end();
        Tick(Way::Waited(None)).end();
    }
}
