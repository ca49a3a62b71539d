//! How much of wheels waits for a core.
//!
//! Owns: that memory does not grow with the number of wheels. Never: looks into one.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::fetch::PrivateBytes;

/// The bytes of wheels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Load {
    all: usize,
    /// Of these, what is in memory whether or not anybody reads it.
    held: usize,
}

impl Load {
    /// What is worked on at once at most, unless one wheel has more.
    const ROOM: Self = Self { all: 8 << 20, held: 1 << 20 };

    /// The plan of a wheel of so many bytes is large, as a rule.
    const MUCH: usize = 512 << 10;

    pub(super) fn of(bytes: &PrivateBytes) -> Self {
        let all = bytes.as_slice().len();
        Self { all, held: if bytes.is_held() { all } else { 0 } }
    }

    /// Whether what was made of it is worth being given back at once.
    pub(super) fn leaves_much(self) -> bool {
        self.all >= Self::MUCH
    }

    fn and(self, other: Self) -> Self {
        Self { all: self.all.saturating_add(other.all), held: self.held.saturating_add(other.held) }
    }

    fn without(self, other: Self) -> Self {
        Self { all: self.all.saturating_sub(other.all), held: self.held.saturating_sub(other.held) }
    }

    fn fits(self) -> bool {
        self.all <= Self::ROOM.all && self.held <= Self::ROOM.held
    }
}

/// Bounds how many bytes of wheels wait for a core, whatever the number of wheels: the rest stays with the network.
#[derive(Default)]
pub(super) struct Gate {
    inside: Mutex<(usize, Load)>,
    left: Condvar,
}

impl Gate {
    /// Waits for room, which is given back when what is returned goes.
    pub(super) fn enter(&self, load: Load) -> Inside<'_> {
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |(wheels, inside): &mut (usize, Load)| *wheels > 0 && !inside.and(load).fits();
        let mut inside = self.left.wait_while(inside, is_full).unwrap_or_else(PoisonError::into_inner);
        *inside = (inside.0.saturating_add(1), inside.1.and(load));
        Inside { gate: self, load }
    }
}

/// A wheel that is worked on.
pub(super) struct Inside<'g> {
    gate: &'g Gate,
    load: Load,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let mut inside = self.gate.inside.lock().unwrap_or_else(PoisonError::into_inner);
        *inside = (inside.0.saturating_sub(1), inside.1.without(self.load));
        self.gate.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn what_lies_in_memory_counts_more_than_what_lies_in_a_file() {
        let of = |all, held| Load { all, held };
        assert!(of(8 << 20, 1 << 20).fits() && !of((8 << 20) + 1, 0).fits());
        assert!(!of((1 << 20) + 1, (1 << 20) + 1).fits());
        let memory = PrivateBytes::Memory(vec![7; 1000]);
        assert_eq!(Load::of(&memory), of(1000, 1000));
        let mut writer = crate::fetch::PrivateWriter::new(None, Some(1 << 20));
        writer.write(&[7; 1000]).unwrap();
        assert_eq!(Load::of(&writer.finish().unwrap()), of(1000, 0));
    }

    /// However many wheels come, they wait outside; one that is larger than the room comes in alone.
    #[test]
    fn no_more_is_inside_than_there_is_room_for() {
        let (gate, now, most) = (Gate::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        let held = 300 << 10;
        std::thread::scope(|scope| {
            for at in 0..8 {
                let (gate, now, most) = (&gate, &now, &most);
                scope.spawn(move || {
                    for _ in 0..50 {
                        let all = if at == 0 { 20 << 20 } else { held };
                        let inside = gate.enter(Load { all, held: all });
                        let others = now.fetch_add(1, Ordering::SeqCst);
                        assert!(at != 0 || others == 0);
                        most.fetch_max(others + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                        drop(inside);
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.into_inner()));
    }
}
